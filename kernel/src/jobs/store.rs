//! Rows of the queue, and every change of them. Each names the state it expects, so that two runners never share a job.

use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{Condition, Expr};
use sea_orm::{ConnectionTrait, QueryOrder, UpdateMany};
use serde_json::Value;

use super::JSON_BYTES_MAX;
use crate::error::{Error, Kind, Result};
use crate::ids::{AccountId, JobId};
use crate::time::Timestamp;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    Queued,
    Running,
    Done,
    Failed,
    Cancelled,
}

impl JobState {
    pub fn name(self) -> &'static str {
        match self {
            Self::Queued => "等待执行",
            Self::Running => "执行中",
            Self::Done => "已完成",
            Self::Failed => "失败",
            Self::Cancelled => "已取消",
        }
    }

    pub fn is_ended(self) -> bool {
        match self {
            Self::Queued | Self::Running => false,
            Self::Done | Self::Failed | Self::Cancelled => true,
        }
    }
}

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "job")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: JobId,
    pub name: String,
    pub key: Option<String>,
    pub payload: String,
    pub state: JobState,
    pub attempts: i32,
    pub run_at: Timestamp,
    pub lease_until: Option<Timestamp>,
    pub lease_owner: Option<String>,
    pub is_cancelling: bool,
    pub done: i64,
    pub total: Option<i64>,
    pub current: String,
    pub checkpoint: Option<String>,
    pub result: Option<String>,
    pub code: Option<String>,
    pub error: Option<String>,
    pub account: Option<AccountId>,
    pub request: String,
    pub created_at: Timestamp,
    pub started_at: Option<Timestamp>,
    pub finished_at: Option<Timestamp>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Which attempt of which job; every write of a running job is bound to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    pub job: JobId,
    pub owner: String,
    pub attempt: i32,
}

pub(super) fn bounded(value: &Value) -> Result<String> {
    let text = serde_json::to_string(value)?;
    if text.len() > JSON_BYTES_MAX {
        return Err(Error::new(Kind::TooLarge, "HF-JOB-LARGE", "任务内容过大"));
    }
    Ok(text)
}

/// The job that should run next: due in the queue, or held by someone whose lease ran out.
pub(super) async fn next(db: &impl ConnectionTrait, names: &[&'static str], now: Timestamp) -> Result<Option<Model>> {
    let waiting = Condition::all().add(Column::State.eq(JobState::Queued)).add(Column::RunAt.lte(now));
    let orphaned = Condition::all().add(Column::State.eq(JobState::Running)).add(Column::LeaseUntil.lt(now));
    let found = Entity::find()
        .filter(Column::Name.is_in(names.iter().copied()))
        .filter(Condition::any().add(waiting).add(orphaned))
        .order_by_asc(Column::RunAt)
        .order_by_asc(Column::Id);
    Ok(found.one(db).await?)
}

/// Takes a job as it was seen; false when somebody else was faster.
pub(super) async fn claim(
    db: &impl ConnectionTrait,
    seen: &Model,
    lease: &Lease,
    now: Timestamp,
    until: Timestamp,
) -> Result<bool> {
    let taken = Entity::update_many()
        .col_expr(Column::State, Expr::value(JobState::Running))
        .col_expr(Column::Attempts, Expr::value(lease.attempt))
        .col_expr(Column::LeaseOwner, Expr::value(lease.owner.clone()))
        .col_expr(Column::LeaseUntil, Expr::value(until))
        .col_expr(Column::StartedAt, Expr::value(seen.started_at.unwrap_or(now)))
        .filter(Column::Id.eq(seen.id.clone()))
        .filter(Column::State.eq(seen.state))
        .filter(Column::Attempts.eq(seen.attempts))
        .exec(db)
        .await?;
    Ok(taken.rows_affected == 1)
}

/// Renews the lease; the cancel wish, or nothing when the lease is lost.
pub(super) async fn renew(db: &impl ConnectionTrait, lease: &Lease, until: Timestamp) -> Result<Option<bool>> {
    let renewed = held(lease).col_expr(Column::LeaseUntil, Expr::value(until)).exec(db).await?;
    wish(db, lease, renewed.rows_affected).await
}

/// Writes how far it is; the cancel wish, or nothing when the lease is lost.
pub(super) async fn progress(
    db: &impl ConnectionTrait,
    lease: &Lease,
    done: i64,
    total: Option<i64>,
    current: &str,
) -> Result<Option<bool>> {
    let written = held(lease)
        .col_expr(Column::Done, Expr::value(done))
        .col_expr(Column::Total, Expr::value(total))
        .col_expr(Column::Current, Expr::value(current))
        .exec(db)
        .await?;
    wish(db, lease, written.rows_affected).await
}

async fn wish(db: &impl ConnectionTrait, lease: &Lease, rows: u64) -> Result<Option<bool>> {
    if rows == 0 {
        return Ok(None);
    }
    let row = Entity::find_by_id(lease.job.clone()).one(db).await?;
    Ok(row.map(|row| row.is_cancelling))
}

pub(super) async fn checkpoint(db: &impl ConnectionTrait, lease: &Lease, value: &Value) -> Result<bool> {
    let written = held(lease).col_expr(Column::Checkpoint, Expr::value(Some(bounded(value)?))).exec(db).await?;
    Ok(written.rows_affected == 1)
}

/// How an attempt ended.
#[derive(Debug)]
pub(super) enum End {
    Done(String),
    Cancelled,
    /// Tried again at that moment.
    Again(Timestamp, Error),
    Failed(Error),
}

pub(super) async fn finish(db: &impl ConnectionTrait, lease: &Lease, end: &End, now: Timestamp) -> Result<bool> {
    let update = held(lease)
        .col_expr(Column::LeaseOwner, Expr::value(None::<String>))
        .col_expr(Column::LeaseUntil, Expr::value(None::<Timestamp>));
    let ended = |update: UpdateMany<Entity>, state: JobState| {
        update.col_expr(Column::State, Expr::value(state)).col_expr(Column::FinishedAt, Expr::value(Some(now)))
    };
    let told = |update: UpdateMany<Entity>, error: &Error| {
        update
            .col_expr(Column::Code, Expr::value(Some(error.code())))
            .col_expr(Column::Error, Expr::value(Some(error.message())))
    };
    let update = match end {
        End::Done(result) => ended(update, JobState::Done)
            .col_expr(Column::Result, Expr::value(Some(result.clone())))
            .col_expr(Column::Code, Expr::value(None::<String>))
            .col_expr(Column::Error, Expr::value(None::<String>)),
        End::Cancelled => ended(update, JobState::Cancelled),
        End::Failed(error) => told(ended(update, JobState::Failed), error),
        End::Again(at, error) => told(update, error)
            .col_expr(Column::State, Expr::value(JobState::Queued))
            .col_expr(Column::RunAt, Expr::value(*at)),
    };
    Ok(update.exec(db).await?.rows_affected == 1)
}

/// Cancels a waiting job, marks a running one; false when it had ended.
pub(super) async fn cancel(db: &impl ConnectionTrait, id: &JobId, now: Timestamp) -> Result<bool> {
    let waiting = Entity::update_many()
        .col_expr(Column::State, Expr::value(JobState::Cancelled))
        .col_expr(Column::FinishedAt, Expr::value(Some(now)))
        .filter(Column::Id.eq(id.clone()))
        .filter(Column::State.eq(JobState::Queued))
        .exec(db)
        .await?;
    let running = Entity::update_many()
        .col_expr(Column::IsCancelling, Expr::value(true))
        .filter(Column::Id.eq(id.clone()))
        .filter(Column::State.eq(JobState::Running))
        .exec(db)
        .await?;
    Ok(waiting.rows_affected + running.rows_affected > 0)
}

fn held(lease: &Lease) -> UpdateMany<Entity> {
    Entity::update_many()
        .filter(Column::Id.eq(lease.job.clone()))
        .filter(Column::State.eq(JobState::Running))
        .filter(Column::LeaseOwner.eq(lease.owner.clone()))
        .filter(Column::Attempts.eq(lease.attempt))
}

pub(super) async fn has_key(db: &impl ConnectionTrait, name: &str, key: &str) -> Result<bool> {
    let found = Entity::find().filter(Column::Name.eq(name)).filter(Column::Key.eq(key)).one(db).await?;
    Ok(found.is_some())
}
