//! `/jobs/{id}`: how far a piece of background work is; the same as JSON, and the way to stop it.

use std::sync::Arc;

use askama::Template;
use async_trait::async_trait;
use axum::extract::State;
use axum::response::IntoResponse;
use serde_json::json;

use crate::actor::{Actor, Role};
use crate::audit::ObjectRef;
use crate::command::{Applied, Command, Ctx, Loaded, run};
use crate::error::{Error, Result};
use crate::house::House;
use crate::ids::JobId;
use crate::jobs::{self, JobRow, JobState};
use crate::policy::{Resource, Value};
use crate::shell::page::go;
use crate::shell::parts::JobCard;
use crate::shell::{Chrome, Path, WebResult, page};
use crate::store::Tx;

#[derive(Template)]
#[template(path = "kernel/job.html")]
struct Show {
    chrome: Chrome,
    job: JobCard,
}

#[derive(Template)]
#[template(path = "kernel/job_card.html")]
struct Piece {
    chrome: Chrome,
    job: JobCard,
}

pub(super) async fn show(State(house): State<Arc<House>>, chrome: Chrome, actor: Actor, Path(id): Path<String>) -> WebResult {
    let job = card_of(&house, &visible(&house, &actor, &id).await?);
    Ok(page(Show { chrome: chrome.titled(job.title.clone()).crumb("工作台", "/"), job }))
}

/// The card alone, fetched anew while the job runs.
pub(super) async fn card(State(house): State<Arc<House>>, chrome: Chrome, actor: Actor, Path(id): Path<String>) -> WebResult {
    let job = card_of(&house, &visible(&house, &actor, &id).await?);
    Ok(page(Piece { chrome, job }))
}

pub(super) async fn api(State(house): State<Arc<House>>, actor: Actor, Path(id): Path<String>) -> WebResult {
    let row = visible(&house, &actor, &id).await?;
    let result: serde_json::Value = row.result.as_deref().map(serde_json::from_str).transpose()?.unwrap_or_default();
    let body = json!({
        "id": row.id,
        "name": row.name,
        "state": row.state,
        "done": row.done,
        "total": row.total,
        "current": row.current,
        "attempts": row.attempts,
        "result": result,
        "code": row.code,
        "message": row.error,
        "created_at": row.created_at.rfc3339(),
        "started_at": row.started_at.map(|at| at.rfc3339()),
        "finished_at": row.finished_at.map(|at| at.rfc3339()),
    });
    Ok(axum::Json(body).into_response())
}

pub(super) async fn cancel(State(house): State<Arc<House>>, ctx: Ctx, Path(id): Path<String>) -> WebResult {
    let id: JobId = id.parse().map_err(|_| Error::not_found("任务"))?;
    run(&house.kernel, &ctx, CancelJob { id: id.clone() }).await?;
    Ok(go(&format!("/jobs/{id}")))
}

struct CancelJob {
    id: JobId,
}

#[async_trait]
impl Command for CancelJob {
    const ACTION: &'static str = "kernel.job.cancel";
    type Subject = ();
    type Output = ();

    async fn load(&self, tx: &Tx, _: &Ctx) -> Result<Loaded<()>> {
        let row = jobs::find(tx.db(), &self.id).await?;
        let owner = row.account.map(|account| account.to_string()).unwrap_or_default();
        let resource = Resource::new("Desk", owner.clone()).with("account", Value::Account(owner));
        Ok(Loaded { subject: (), resource, object: ObjectRef::new("job", &self.id, row.name) })
    }

    async fn apply(self, tx: &Tx, ctx: &Ctx, (): ()) -> Result<Applied<()>> {
        jobs::cancel(tx, &self.id, ctx.now).await?;
        Ok(Applied::new(()))
    }
}

/// A job as its card shows it.
pub(super) fn card_of(house: &House, row: &JobRow) -> JobCard {
    let now = house.kernel.clock.now();
    let number = |count: i64| u64::try_from(count).unwrap_or(0);
    let span = |from: crate::time::Timestamp, to: crate::time::Timestamp| number(to.millis() - from.millis());
    let (done, total) = (number(row.done), row.total.map(number));
    let ran_ms = row.started_at.map(|started| span(started, row.finished_at.unwrap_or(now)));
    let rate_per_s = ran_ms.filter(|ms| *ms > 0 && row.state == JobState::Running).map(|ms| done.saturating_mul(1000) / ms);
    let left_ms = match (rate_per_s, total) {
        (Some(rate), Some(total)) if rate > 0 => Some(total.saturating_sub(done) / rate * 1000),
        _ => None,
    };
    let message = row.error.clone().or_else(|| (!row.current.is_empty()).then(|| row.current.clone()));
    JobCard {
        id: row.id.to_string(),
        title: house.names.name(&row.name).to_owned(),
        state: state_code(row).to_owned(),
        done,
        total,
        unit: "项".to_owned(),
        rate_per_s,
        left_ms,
        took_ms: row.finished_at.and(ran_ms),
        log: Vec::new(),
        message: message.unwrap_or_default(),
        proof: None,
        src: format!("/jobs/{}/card", row.id),
        cancel: if row.state.is_ended() { String::new() } else { format!("/jobs/{}/cancel", row.id) },
    }
}

fn state_code(row: &JobRow) -> &'static str {
    match row.state {
        JobState::Queued if row.attempts > 0 => "retrying",
        JobState::Queued => "queued",
        JobState::Running => "running",
        JobState::Done => "done",
        JobState::Failed => "failed",
        JobState::Cancelled => "cancelled",
    }
}

/// One's own jobs; operators and system administrators see all. Others' do not exist.
async fn visible(house: &House, actor: &Actor, id: &str) -> Result<JobRow> {
    let id: JobId = id.parse().map_err(|_| Error::not_found("任务"))?;
    let row = jobs::find(house.kernel.store.reader(), &id).await?;
    let is_own = row.account.as_ref() == Some(&actor.account);
    if is_own || actor.has(Role::R6) || actor.has(Role::R8) { Ok(row) } else { Err(Error::not_found("任务")) }
}
