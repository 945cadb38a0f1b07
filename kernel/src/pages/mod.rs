//! Pages of the kernel itself: the desk, messages, the audit pages, jobs. It knows no application:
//! figures and shortcuts of the desk come in through [`crate::facts::Desk`].

mod audit;
mod desk;
mod jobs;
mod messages;
pub mod parts;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};
use futures::future::BoxFuture;

use crate::actor::Role;
use crate::approval;
use crate::audit::{self as ledger_copy, Entry, EntryActor, ObjectRef, Outcome};
use crate::command::Ctx;
use crate::error::{Error, Result};
use crate::house::House;
use crate::ids::EntryId;
use crate::policy::Resource;
use crate::shell::{Group, MenuItem};

/// All pages of the kernel.
pub fn routes(house: Arc<House>) -> Router {
    Router::new()
        .route("/", get(desk::index))
        .route("/messages", get(messages::index))
        .route("/messages/read", post(messages::mark))
        .route("/messages/{id}", get(messages::show))
        .route("/audit", get(audit::index))
        .route("/audit/export.xlsx", get(audit::export_xlsx))
        .route("/audit/export.csv", get(audit::export_csv))
        .route("/audit/verify", post(audit::verify))
        .route("/audit/queries", get(audit::queries))
        .route("/audit/entries/{id}", get(audit::show))
        .route("/jobs/{id}", get(jobs::show))
        .route("/jobs/{id}/card", get(jobs::card))
        .route("/jobs/{id}/cancel", post(jobs::cancel))
        .route("/api/v1/jobs/{id}", get(jobs::api))
        .route("/api/v1/ledger/entries", get(audit::api))
        .route("/ledger/{*path}", get(audit::tile))
        .with_state(house)
}

/// The kernel's entries of the left menu.
pub fn menu(house: &Arc<House>) -> Vec<MenuItem> {
    let kernel = Arc::clone(&house.kernel);
    let todo = move |actor| {
        let kernel = Arc::clone(&kernel);
        let counted: BoxFuture<'static, Option<u64>> = Box::pin(async move {
            let now = kernel.clock.now();
            Some(approval::counts(kernel.store.reader(), &actor, now).await.ok()?.todo)
        });
        counted
    };
    vec![
        MenuItem::new(Group::Desk, "工作台", "/", &[]).counted(Arc::new(todo)),
        MenuItem::new(Group::Audit, "审计日志", "/audit", &[Role::R1, Role::R5]),
        MenuItem::new(Group::Audit, "查询审计", "/audit/queries", &[Role::R1, Role::R5]),
    ]
}

/// Asks the policy about a page that is no command; a refusal leaves its entry.
async fn authorize(house: &House, ctx: &Ctx, action: &str, resource: &Resource, object: ObjectRef) -> Result<()> {
    let actor = ctx.actor()?;
    if house.kernel.policy.decide(actor, action, resource)?.allowed {
        return Ok(());
    }
    let refusal = Error::refused("您的角色或单位无权查看");
    let mut entry = entry(ctx, action, object, serde_json::Value::Null);
    entry.outcome = Outcome::Refused;
    entry.code = Some(refusal.code().to_owned());
    ledger_copy::record(&house.kernel, &entry).await?;
    Err(refusal)
}

/// An entry about something that changes no metadata.
fn entry(ctx: &Ctx, action: &str, object: ObjectRef, detail: serde_json::Value) -> Entry {
    Entry {
        id: EntryId::generate(),
        at: ctx.now,
        action: action.to_owned(),
        outcome: Outcome::Done,
        code: None,
        actor: ctx.actor.as_ref().map(EntryActor::from),
        object,
        client: ctx.client.clone(),
        request: ctx.request_id.clone(),
        detail,
    }
}
