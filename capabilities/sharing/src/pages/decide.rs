//! What the buttons of an application do: decide, complete, withdraw, urge.

use std::collections::BTreeMap;

use axum::extract::State;
use chrono::NaiveDate;
use hufu_kernel::approval::{Delegate, Verdict};
use hufu_kernel::command::{Ctx, run};
use hufu_kernel::error::{Error, FieldError, Result};
use hufu_kernel::shell::page::go;
use hufu_kernel::shell::{Path, WebResult, extract};
use hufu_kernel::time::Timestamp;
use serde::Deserialize;

use super::apply_form::{Pairs, all, first};
use crate::Service;
use crate::commands::{DecideFront, DecidePart, Proposal, ResubmitPart, UrgeApplication, WithdrawApplication, quota_of};
use crate::model::application::State as AppState;
use crate::model::terms::{Choice, Decision};
use crate::queries::{self, ApplicationView};
use crate::store::rows::part;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Words {
    reason: String,
    note: String,
    part: Option<i32>,
    version: Option<i32>,
}

/// POST /apply/{no}/decide.
pub(super) async fn decide(State(service): State<Service>, ctx: Ctx, Path(no): Path<String>, extract::Form(pairs): extract::Form<Pairs>) -> WebResult {
    let view = queries::application(&service.kernel, &ctx, &no).await?;
    let verdict = verdict(&service, &pairs).await?;
    let opinion = first(&pairs, "opinion").unwrap_or_default().to_owned();
    let version = first(&pairs, "version").and_then(|version| version.parse().ok());
    let sharing = service.sharing.clone();
    if view.paper.application.state == AppState::Reviewing {
        let command = DecideFront { sharing, no: no.clone(), verdict, opinion, version };
        run(&service.kernel, &ctx, command).await?;
        return Ok(go(&format!("/apply/{no}")));
    }
    let part = pick_part(&view, &ctx, first(&pairs, "part").and_then(|part| part.parse().ok()))?;
    let proposal = proposal(&view, part, &pairs, &opinion)?;
    let seq = part.seq;
    let command = DecidePart { sharing, no: no.clone(), seq, verdict, opinion, version, proposal };
    run(&service.kernel, &ctx, command).await?;
    Ok(go(&format!("/apply/{no}?part={seq}")))
}

/// POST /apply/{no}/complete: words for a provider that asked for them.
pub(super) async fn complete(State(service): State<Service>, ctx: Ctx, Path(no): Path<String>, extract::Form(words): extract::Form<Words>) -> WebResult {
    let command = ResubmitPart { no: no.clone(), seq: words.part.unwrap_or(1), note: words.note };
    run(&service.kernel, &ctx, command).await?;
    Ok(go(&format!("/apply/{no}")))
}

pub(super) async fn withdraw(State(service): State<Service>, ctx: Ctx, Path(no): Path<String>, extract::Form(words): extract::Form<Words>) -> WebResult {
    run(&service.kernel, &ctx, WithdrawApplication { no: no.clone(), version: words.version, reason: words.reason }).await?;
    Ok(go(&format!("/apply/{no}")))
}

pub(super) async fn urge(State(service): State<Service>, ctx: Ctx, Path(no): Path<String>) -> WebResult {
    run(&service.kernel, &ctx, UrgeApplication { no: no.clone() }).await?;
    Ok(go(&format!("/apply/{no}")))
}

/// The part that is meant: the one named, else the reader's own unit's that is still open.
pub(crate) fn pick_part<'a>(view: &'a ApplicationView, ctx: &Ctx, seq: Option<i32>) -> Result<&'a part::Model> {
    let own = &ctx.actor()?.unit.id;
    let parts = &view.paper.parts;
    let found = match seq {
        Some(seq) => parts.iter().find(|part| part.seq == seq),
        None => parts.iter().find(|part| part.provider_id == *own && part.state.is_open()),
    };
    found.ok_or_else(|| Error::not_found("供方审批"))
}

async fn verdict(service: &Service, pairs: &Pairs) -> Result<Verdict> {
    let opinion = first(pairs, "opinion").unwrap_or_default();
    match first(pairs, "decision").unwrap_or_default() {
        "approve" => Ok(Verdict::Approve),
        "partial" => Ok(Verdict::Partial),
        "refuse" => Ok(Verdict::Refuse),
        "supplement" => Ok(Verdict::Supplement { missing: listed(opinion) }),
        "transfer" => {
            let login = first(pairs, "to").unwrap_or_default().trim();
            let db = service.kernel.store.reader();
            let found = hufu_identity::store::account::find_by_login(db, login).await?;
            let account = found.ok_or_else(|| Error::invalid(vec![FieldError::new("to", "没有这个账号")]))?;
            let actor = hufu_identity::store::account::actor(db, &account).await?;
            Ok(Verdict::Transfer { to: Delegate { account: actor.account, unit: actor.unit } })
        }
        _ => Err(Error::invalid(vec![FieldError::new("decision", "请选择同意、部分同意、补正、驳回或转办")])),
    }
}

/// One item per line or semicolon.
fn listed(text: &str) -> Vec<String> {
    let items = text.split(['\n', ';', '；']).map(str::trim).filter(|item| !item.is_empty());
    items.map(str::to_owned).collect()
}

/// What the form narrows: unticked fields, an earlier end, fewer rows, a row scope; and until when a value is clear.
fn proposal(view: &ApplicationView, part: &part::Model, pairs: &Pairs, opinion: &str) -> Result<Proposal> {
    let given: Vec<&str> = all(pairs, "give").collect();
    let listed = first(pairs, "fields_listed").is_some();
    let mut fields = BTreeMap::new();
    let mut row_scopes = BTreeMap::new();
    for item in view.paper.items_of(&part.id) {
        for field in &item.fields {
            let id = field.id.to_string();
            let clear_until = day(pairs, &format!("clear_until.{id}"))?.map(Timestamp::end_of);
            let give = !listed || given.contains(&id.as_str());
            let mask = first(pairs, &format!("mask.{id}")).filter(|mask| !mask.is_empty()).map(str::to_owned);
            if !give || clear_until.is_some() || mask.is_some() {
                let reason = if give { String::new() } else { opinion.to_owned() };
                fields.insert(field.id, Choice { give, reason, mask, clear_until });
            }
        }
        let standing = item.resource.row_scope_given.as_ref().unwrap_or(&item.resource.row_scope);
        let scope = first(pairs, &format!("scope.{}", item.resource.code)).map(str::trim);
        if let Some(scope) = scope.filter(|scope| !scope.is_empty() && scope != standing) {
            row_scopes.insert(item.resource.code.clone(), scope.to_owned());
        }
    }
    let asked = &view.paper.application;
    let until = day(pairs, "until")?.map(Timestamp::end_of).filter(|until| Some(*until) != asked.until_at);
    let rows = first(pairs, "rows_per_day").and_then(|rows| rows.trim().replace(',', "").parse::<i64>().ok());
    let mut quota = quota_of(asked);
    let narrowed = rows.filter(|rows| *rows > 0 && *rows < quota.rows_per_day).map(|rows| {
        quota.rows_per_day = rows;
        quota.rows_per_result = quota.rows_per_result.min(rows);
        quota
    });
    Ok(Proposal { choices: Decision { fields, until, quota: narrowed }, row_scopes })
}

fn day(pairs: &Pairs, name: &str) -> Result<Option<NaiveDate>> {
    match first(pairs, name).map(str::trim).filter(|text| !text.is_empty()) {
        None => Ok(None),
        Some(text) => {
            let wrong = |_| Error::invalid(vec![FieldError::new(name, "日期不正确")]);
            text.parse().map(Some).map_err(wrong)
        }
    }
}
