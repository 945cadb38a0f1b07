//! Background work that survives the process: a queue in the store, written by the command that causes it.
//!
//! A handler may be run again after a crash, so it must be idempotent, or go on from its checkpoint.
//! A running job holds a lease that its heart renews; whoever finds an expired lease takes the job over,
//! and every write of the former holder then misses, because it names the attempt it belongs to.

mod runner;
pub mod store;

pub use runner::{JobCtx, Registry, Runner, RunnerConfig};
pub use store::{JobState, Model as JobRow};

use async_trait::async_trait;
use sea_orm::sea_query::OnConflict;
use sea_orm::{ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use serde_json::Value;

use crate::command::Ctx;
use crate::error::{Error, Result};
use crate::event::Event;
use crate::ids::{AccountId, JobId};
use crate::store::Tx;
use crate::time::Timestamp;

/// Bytes of a job's payload, checkpoint or result.
pub const JSON_BYTES_MAX: usize = 1 << 20;

/// Topic of the events that tell progress; the key is the job's id.
pub const TOPIC: &str = "job";

/// One kind of background work.
#[async_trait]
pub trait JobHandler: std::fmt::Debug + Send + Sync {
    /// Name in the queue: `sharing.expire_grants`.
    fn name(&self) -> &'static str;

    /// Does the work, or goes on with it. The value is kept as the job's result.
    async fn run(&self, job: &JobCtx) -> Result<Value>;

    /// Attempts before it is given up.
    fn attempts_max(&self) -> i32 {
        5
    }
}

/// Work that is to be done after the command.
#[derive(Clone, Debug)]
pub struct NewJob {
    pub name: &'static str,
    pub payload: Value,
    /// The same key of the same name is queued once, ever.
    pub key: Option<String>,
    /// Not before this moment; at once when absent.
    pub run_at: Option<Timestamp>,
}

impl NewJob {
    pub fn new(name: &'static str, payload: Value) -> Self {
        Self { name, payload, key: None, run_at: None }
    }

    pub fn once(mut self, key: impl Into<String>) -> Self {
        self.key = Some(key.into());
        self
    }
}

/// Queues work inside the command's transaction; gives the id of the job that does it, which may have been there.
pub async fn enqueue(tx: &Tx, ctx: &Ctx, new: NewJob) -> Result<JobId> {
    let payload = store::bounded(&new.payload)?;
    let id = JobId::generate();
    let row = store::ActiveModel {
        id: Set(id.clone()),
        name: Set(new.name.to_owned()),
        key: Set(new.key.clone()),
        payload: Set(payload),
        state: Set(JobState::Queued),
        attempts: Set(0),
        run_at: Set(new.run_at.unwrap_or(ctx.now)),
        lease_until: Set(None),
        lease_owner: Set(None),
        is_cancelling: Set(false),
        done: Set(0),
        total: Set(None),
        current: Set(String::new()),
        checkpoint: Set(None),
        result: Set(None),
        code: Set(None),
        error: Set(None),
        account: Set(ctx.actor.as_ref().map(|actor| actor.account.clone())),
        request: Set(ctx.request_id.clone()),
        created_at: Set(ctx.now),
        started_at: Set(None),
        finished_at: Set(None),
    };
    let once = OnConflict::columns([store::Column::Name, store::Column::Key]).do_nothing().to_owned();
    let written = store::Entity::insert(row).on_conflict(once).exec_without_returning(tx.db()).await?;
    if written == 0 {
        let found = store::Entity::find()
            .filter(store::Column::Name.eq(new.name))
            .filter(store::Column::Key.eq(new.key))
            .one(tx.db())
            .await?;
        return found.map(|row| row.id).ok_or_else(|| Error::internal("a job of this key is neither new nor there"));
    }
    tx.announce(Event::new(TOPIC, id.as_str()));
    Ok(id)
}

/// Stops a job: at once when it waits, at its next check when it runs.
pub async fn cancel(tx: &Tx, id: &JobId, now: Timestamp) -> Result<()> {
    if store::cancel(tx.db(), id, now).await? {
        tx.announce(Event::new(TOPIC, id.as_str()));
        return Ok(());
    }
    find(tx.db(), id).await?;
    Err(Error::conflict("HF-JOB-ENDED", "任务已结束，不能取消"))
}

pub async fn find(db: &impl ConnectionTrait, id: &JobId) -> Result<JobRow> {
    store::Entity::find_by_id(id.clone()).one(db).await?.ok_or_else(|| Error::not_found("任务"))
}

/// The newest jobs, for the operator's page.
pub async fn newest(db: &impl ConnectionTrait, limit: u64) -> Result<Vec<JobRow>> {
    Ok(store::Entity::find().order_by_desc(store::Column::Id).limit(limit).all(db).await?)
}

/// The newest jobs that somebody caused.
pub async fn of_account(db: &impl ConnectionTrait, account: &AccountId, limit: u64) -> Result<Vec<JobRow>> {
    let theirs = store::Entity::find().filter(store::Column::Account.eq(account.clone()));
    Ok(theirs.order_by_desc(store::Column::Id).limit(limit).all(db).await?)
}

/// Forgets jobs that ended before a moment. Their keys are free again: keys must not outlive their meaning.
pub async fn purge(tx: &Tx, before: Timestamp) -> Result<u64> {
    let over = [JobState::Done, JobState::Failed, JobState::Cancelled];
    let old = store::Entity::delete_many()
        .filter(store::Column::State.is_in(over))
        .filter(store::Column::FinishedAt.lt(before));
    Ok(old.exec(tx.db()).await?.rows_affected)
}
