//! The kernel with everything that runs beside it: ledger, projector, files, queue. Opened once per process.
//!
//! Opening repairs what a stop left between store and ledger; only then is anything served.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use hufu_ledger::{NoteSigner, Origin, Report};
use sea_orm::{EntityTrait, QuerySelect};
use sea_orm_migration::MigrationTrait;
use tokio::sync::broadcast;

use crate::actor::Actor;
use crate::attachment::Files;
use crate::audit::{self, ActionNames, Difference, Projector, Recovery};
use crate::command::Kernel;
use crate::error::{Error, Kind, Result};
use crate::facts::{Desk, Facts};
use crate::jobs::{Registry, Runner, RunnerConfig};
use crate::ledger::{Ledger, SequencerConfig};
use crate::message;
use crate::policy::{Policy, PolicyText};
use crate::rules::Rules;
use crate::shell::{Figures, LedgerState, Verified};
use crate::store::Store;
use crate::time::{Clock, Timestamp};

/// Events that a slow listener may be behind before it misses some.
const EVENTS_MAX: usize = 1024;
/// An act whose entry is not in the log by then is no longer under way.
const UNDER_WAY_MILLIS_MAX: i64 = 60_000;

/// What an installation consists of.
pub struct HouseConfig {
    /// Holds the embedded store, the ledger and the files, where nothing else is named.
    pub directory: PathBuf,
    /// `postgres://…`; the embedded store when absent.
    pub database: Option<String>,
    /// Where the ledger lies, when not in the directory.
    pub ledger: Option<PathBuf>,
    pub origin: Origin,
    pub signers: Vec<NoteSigner>,
    pub sequencer: SequencerConfig,
    pub clock: Arc<dyn Clock>,
    pub rules: Rules,
    /// Of the capabilities; the kernel's own are added.
    pub policies: Vec<PolicyText>,
    /// Of the capabilities; the kernel's own run first.
    pub migrations: Vec<Box<dyn MigrationTrait>>,
    pub names: ActionNames,
    pub facts: Facts,
    pub desk: Desk,
}

/// The running house.
pub struct House {
    pub kernel: Arc<Kernel>,
    pub ledger: Arc<Ledger>,
    pub files: Files,
    pub names: ActionNames,
    pub facts: Facts,
    pub desk: Desk,
    /// What opening had to repair.
    pub recovery: Recovery,
    verified: Mutex<Option<Verified>>,
    checked: Mutex<Option<(Check, Timestamp)>>,
    verifying: tokio::sync::Mutex<()>,
    projector: Mutex<Option<Projector>>,
    runner: Mutex<Option<Runner>>,
}

/// What a check of the ledger found.
#[derive(Clone, Debug)]
pub struct Check {
    pub report: Report,
    /// Where the metadata copy says something else than the log.
    pub differences: Vec<Difference>,
}

impl Check {
    pub fn is_sound(&self) -> bool {
        self.report.is_sound() && self.differences.is_empty()
    }
}

impl std::fmt::Debug for House {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("House").field("recovery", &self.recovery).finish_non_exhaustive()
    }
}

impl House {
    /// Opens store and ledger, brings the schema up to date, and makes both agree. Jobs run after [`House::start_jobs`].
    pub async fn open(config: HouseConfig) -> Result<Arc<Self>> {
        let fault = |cause: std::io::Error| Error::unavailable("HF-DIRECTORY", "数据目录无法使用").because(cause);
        tokio::fs::create_dir_all(&config.directory).await.map_err(fault)?;
        let store = match &config.database {
            Some(url) => Store::open(url).await?,
            None => Store::open_embedded(&config.directory).await?,
        }
        .with_rules(config.rules);
        let mut migrations = crate::schema::migrations();
        migrations.extend(config.migrations);
        store.migrate(&migrations).await?;

        let folder = config.ledger.unwrap_or_else(|| config.directory.join("ledger"));
        let (feed, inlet) = audit::channel();
        let open = move || Ledger::open(&folder, config.origin, config.signers, config.sequencer, feed.hook());
        let (ledger, _) = tokio::task::spawn_blocking(open).await.map_err(Error::internal)?.map_err(unusable)?;
        let ledger = Arc::new(ledger);
        let recovery = audit::recover(&store, &ledger).await?;
        let projector = Projector::start(store.clone(), &ledger, inlet);

        let mut texts = vec![crate::policy::KERNEL];
        texts.extend(config.policies);
        let policy = Policy::load(&texts).map_err(Error::internal)?;
        let files = Files::open(&config.directory.join("files")).await?;
        let kernel = Kernel {
            store,
            policy,
            clock: config.clock,
            sequencer: Arc::<Ledger>::clone(&ledger),
            events: broadcast::channel(EVENTS_MAX).0,
        };
        Ok(Arc::new(Self {
            kernel: Arc::new(kernel),
            ledger,
            files,
            names: config.names,
            facts: config.facts,
            desk: config.desk,
            recovery,
            verified: Mutex::new(None),
            checked: Mutex::new(None),
            verifying: tokio::sync::Mutex::new(()),
            projector: Mutex::new(Some(projector)),
            runner: Mutex::new(None),
        }))
    }

    /// Begins to work the queue.
    pub fn start_jobs(&self, registry: Registry, config: RunnerConfig) {
        let runner = Runner::start(Arc::clone(&self.kernel), registry, config);
        *self.runner.lock().unwrap_or_else(PoisonError::into_inner) = Some(runner);
    }

    /// Ends the queue, publishes the ledger, writes the copy. What comes after is still durable, and projected at the next start.
    pub async fn shutdown(&self) -> Result<()> {
        let runner = self.runner.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(runner) = runner {
            runner.stop().await;
        }
        let checkpoint = self.ledger.checkpoint().await;
        let projector = self.projector.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(projector) = projector {
            projector.finish().await;
        }
        checkpoint?;
        Ok(())
    }

    /// Verifies the whole log and compares the metadata copy with it, entry by entry. One check at a time.
    pub async fn verify(&self) -> Result<Check> {
        let Ok(_only) = self.verifying.try_lock() else {
            return Err(Error::new(Kind::TooMany, "HF-VERIFYING", "正在校验，请稍候查看结果"));
        };
        let size = self.ledger.checkpoint().await?.size;
        let ledger = Arc::clone(&self.ledger);
        let work = move || ledger.verify();
        let report = tokio::task::spawn_blocking(work).await.map_err(Error::internal)?.map_err(unusable)?;
        let mut differences = Vec::new();
        if report.is_sound() {
            self.wait_projected(size.0).await?;
            differences = audit::compare(&self.kernel.store, self.ledger.reader(), size.0).await?;
            // Acts of this very moment are ahead of the size that was verified: they are judged by the log's end after the comparison.
            let end = self.ledger.checkpoint().await?.size.0;
            let now = self.kernel.clock.now();
            differences.retain(|found| match found {
                Difference::Unknown { index, .. } => *index >= end,
                Difference::Unsequenced { at, .. } => now.millis() - at.millis() > UNDER_WAY_MILLIS_MAX,
                Difference::Missing { .. } | Difference::Body { .. } | Difference::Column { .. } => true,
            });
        }
        let check = Check { report, differences };
        if check.is_sound() {
            let verified = Verified { upto: size.0, at: self.kernel.clock.now() };
            *self.verified.lock().unwrap_or_else(PoisonError::into_inner) = Some(verified);
        }
        let told = Some((check.clone(), self.kernel.clock.now()));
        *self.checked.lock().unwrap_or_else(PoisonError::into_inner) = told;
        Ok(check)
    }

    /// What the last check since the start found, and when.
    pub fn last_check(&self) -> Option<(Check, Timestamp)> {
        self.checked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Up to where and when the last sound check went.
    pub fn verified(&self) -> Option<Verified> {
        self.verified.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Entries in the metadata copy.
    pub async fn size(&self) -> Result<u64> {
        let highest: Option<Option<i64>> = audit::Entity::find()
            .select_only()
            .column_as(sea_orm::ColumnTrait::max(&audit::Column::Idx), "highest")
            .into_tuple()
            .one(self.kernel.store.reader())
            .await?;
        Ok(highest.flatten().and_then(|idx| u64::try_from(idx).ok()).map_or(0, |idx| idx + 1))
    }

    /// The copy follows the log within milliseconds; a check waits for it, but not for ever.
    async fn wait_projected(&self, size: u64) -> Result<()> {
        for _ in 0..200 {
            if self.size().await? >= size {
                return Ok(());
            }
            tokio::time::sleep(std::time::Duration::from_millis(25)).await;
        }
        Ok(())
    }
}

fn unusable(cause: hufu_ledger::LedgerError) -> Error {
    Error::unavailable("HF-LEDGER", "存证账本无法使用，请联系系统管理员").because(cause)
}

#[async_trait]
impl Figures for House {
    async fn ledger(&self) -> Option<LedgerState> {
        let size = self.size().await.ok()?;
        Some(LedgerState { size, verified: self.verified() })
    }

    async fn notices(&self, actor: &Actor) -> u64 {
        message::unread(self.kernel.store.reader(), actor).await.unwrap_or(0)
    }
}
