//! Puts the rooms together: one kernel, the capabilities on it, the gate below them.

use std::sync::Arc;

use anyhow::{Result, anyhow};
use hufu_catalog::Catalog;
use hufu_catalog::model::codes;
use hufu_catalog::model::scheme::Scheme;
use hufu_gate::{Gate, GateConfig};
use hufu_identity::{Hashing, Identity, SecondFactors, Settings, Vault};
use hufu_kernel::audit::ActionNames;
use hufu_kernel::facts::{Desk, Facts};
use hufu_kernel::house::{House, HouseConfig};
use hufu_kernel::ledger::SequencerConfig;
use hufu_kernel::rules::Rules;
use hufu_kernel::time::{Clock, SystemClock};
use hufu_sharing::{LedgerRecorder, Service, Sharing};

use crate::config::Config;
use crate::keys::Keys;

/// Everything that runs in one process.
pub(crate) struct City {
    pub(crate) house: Arc<House>,
    pub(crate) identity: Identity,
    pub(crate) catalog: Catalog,
    pub(crate) sharing: Arc<Sharing>,
    pub(crate) service: Service,
    pub(crate) keys: Keys,
}

impl City {
    /// Opens store and ledger, repairs what a stop left, and makes the capabilities ready. Serves nothing yet.
    pub(crate) async fn open(config: &Config) -> Result<Self> {
        let profile = config.profile()?;
        let keys = Keys::open(&config.dir, config.master_key.as_deref(), profile, config.origin())?;
        let jurisdiction = config.jurisdiction();
        let house = House::open(HouseConfig {
            directory: config.dir.clone(),
            database: config.store.clone(),
            ledger: Some(config.ledger_dir()),
            origin: keys.origin.clone(),
            signers: keys.signers.clone(),
            sequencer: SequencerConfig::default(),
            clock: Arc::new(SystemClock) as Arc<dyn Clock>,
            rules: Rules::load(None, jurisdiction)?,
            policies: vec![hufu_identity::POLICY, hufu_catalog::POLICY, hufu_sharing::POLICY],
            migrations: migrations(),
            names: names(),
            facts: Facts::new(),
            desk: Desk::new([], []),
        })
        .await
        .map_err(startable)?;
        let vault = Vault::new(keys.master.clone(), profile);
        let identity = Identity::new(house.kernel.clone(), settings(config), vault.clone()).map_err(startable)?;
        let catalog = Catalog::new(hufu_catalog::Setup {
            kernel: house.kernel.clone(),
            vault: vault.clone(),
            data: config.dir.clone(),
            file_roots: vec![config.dir.join("sources")],
            codes: codes::by_name("national").ok_or_else(|| anyhow!("no code scheme `national`"))?,
            scheme: Scheme::built_in(),
        })
        .map_err(startable)?;
        let sharing = Arc::new(Sharing::new(jurisdiction, vault).map_err(startable)?);
        let gate = Arc::new(gate(&house, &keys)?);
        let service = Service::new(house.kernel.clone(), sharing.clone(), catalog.clone(), gate);
        Ok(Self { house, identity, catalog, sharing, service, keys })
    }
}

/// The gate with the kernel's ledger as its recorder and the kernel's clock as its clock.
fn gate(house: &House, keys: &Keys) -> Result<Gate> {
    let kernel = house.kernel.clone();
    let clock: hufu_gate::Clock = {
        let kernel = kernel.clone();
        Arc::new(move || kernel.clock.now().utc())
    };
    let recorder = Arc::new(LedgerRecorder::new(kernel));
    Gate::new(&GateConfig::default(), recorder, clock, &keys.forms).map_err(|error| anyhow!("{error}"))
}

fn migrations() -> Vec<Box<dyn sea_orm_migration::MigrationTrait>> {
    let mut all = hufu_identity::migrations::migrations();
    all.extend(hufu_catalog::migrations());
    all.extend(hufu_sharing::migrations());
    all
}

fn names() -> ActionNames {
    let mut names = ActionNames::new();
    names.add(hufu_identity::ACTIONS).add(hufu_catalog::ACTIONS).add(hufu_sharing::ACTIONS);
    names
}

fn settings(config: &Config) -> Settings {
    let second_factors = if config.demo { SecondFactors::OffForDemo } else { SecondFactors::Required };
    let hashing = if config.demo { Hashing { memory_kib: 4096, passes: 1, lanes: 1 } } else { Hashing::default() };
    Settings { hashing, second_factors, secure_cookie: config.site.tls, ..Settings::default() }
}

/// A kernel error at the start: its cause is what the operator needs.
pub(crate) fn startable(error: hufu_kernel::error::Error) -> anyhow::Error {
    let fields: Vec<String> = error.fields().iter().map(|fault| format!("{}: {}", fault.field, fault.message)).collect();
    let cause = error.cause().map(ToString::to_string);
    let more: Vec<String> = fields.into_iter().chain(cause).collect();
    if more.is_empty() {
        anyhow!("{} {}", error.code(), error.message())
    } else {
        anyhow!("{} {} ({})", error.code(), error.message(), more.join("; "))
    }
}
