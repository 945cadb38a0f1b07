//! One grant: what it opens, how it was used, and the levers that stop it.

use askama::Template;
use axum::extract::State;
use hufu_kernel::command::{Ctx, run};
use hufu_kernel::error::{Error, FieldError};
use hufu_kernel::ids::AccountId;
use hufu_kernel::shell::kit::{Html, Tab, level_named, tag};
use hufu_kernel::shell::page::go;
use hufu_kernel::shell::{Chrome, Path, Query, WebResult, extract, fmt, page};
use serde::Deserialize;

use super::apply_form::{Pairs, all, first};
use super::{Act, acts, grade_number, grade_sign, grant_code, mask_words};
use crate::Service;
use crate::commands::{ReduceGrant, Reduction, ResumeGrant, RevokeGrant, SuspendGrant};
use crate::model::grant::{Quota, State as GrantState};
use crate::model::way::Ways;
use crate::queries::{self, GrantView};

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Which {
    tab: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Words {
    reason: String,
    retype: Option<String>,
    version: Option<i32>,
}

#[derive(Template)]
#[template(path = "sharing/grant_show.html")]
struct Show {
    chrome: Chrome,
    signs: Html,
    view: GrantView,
    ways: String,
    tabs: Vec<Tab>,
    fields: Vec<(String, String, Html, String, i64)>,
    acts: Option<Vec<Act>>,
    active: bool,
    suspended: bool,
}

pub(super) async fn show(State(service): State<Service>, chrome: Chrome, ctx: Ctx, Path(no): Path<String>, Query(which): Query<Which>) -> WebResult {
    let view = queries::grant(&service.kernel, &ctx, &no).await?;
    let row = &view.grant.row;
    let shows_acts = which.tab.as_deref() == Some("acts");
    let db = service.kernel.store.reader();
    let acts = if shows_acts { Some(acts(db, "grant", row.id.as_str()).await?) } else { None };
    let base = format!("/grants/{no}");
    let field = |field: &crate::store::rows::grant_field::Model| {
        let mask = match field.clear_until.filter(|until| *until >= ctx.now) {
            Some(until) => format!("明文至 {}", fmt::day(until)),
            None => mask_words(&field.mask),
        };
        (field.title.clone(), field.name.clone(), grade_sign(&field.grade), mask, field.id)
    };
    let show = Show {
        signs: Html::trusted(format!("{}{}", tag(grant_code(row.state)).as_str(), level_named(grade_number(&row.grade_max)).as_str())),
        ways: Ways::parse(&row.ways).names(),
        tabs: vec![Tab::new("使用记录", base.clone(), !shows_acts), Tab::new("操作记录", format!("{base}?tab=acts"), shows_acts)],
        fields: view.grant.fields.iter().map(field).collect(),
        active: row.state == GrantState::Active,
        suspended: row.state == GrantState::Suspended,
        chrome: chrome.titled(no.clone()).crumb("授权台账", "/grants"),
        acts,
        view,
    };
    Ok(page(show))
}

pub(super) async fn suspend(State(service): State<Service>, ctx: Ctx, Path(no): Path<String>, extract::Form(words): extract::Form<Words>) -> WebResult {
    let command = SuspendGrant { no: no.clone(), reason: words.reason, version: words.version, batch: None };
    run(&service.kernel, &ctx, command).await?;
    Ok(go(&format!("/grants/{no}")))
}

pub(super) async fn resume(State(service): State<Service>, ctx: Ctx, Path(no): Path<String>, extract::Form(words): extract::Form<Words>) -> WebResult {
    run(&service.kernel, &ctx, ResumeGrant { no: no.clone(), reason: words.reason, version: words.version }).await?;
    Ok(go(&format!("/grants/{no}")))
}

/// Cannot be undone: the number is typed again.
pub(super) async fn revoke(State(service): State<Service>, ctx: Ctx, Path(no): Path<String>, extract::Form(words): extract::Form<Words>) -> WebResult {
    if words.retype.as_deref().map(str::trim) != Some(no.as_str()) {
        return Err(Error::invalid(vec![FieldError::new("retype", "输入的授权号不一致，未撤销")]).into());
    }
    run(&service.kernel, &ctx, RevokeGrant { no: no.clone(), reason: words.reason, version: words.version }).await?;
    Ok(go(&format!("/grants/{no}")))
}

/// Keeps what is ticked; everything else goes.
pub(super) async fn reduce(State(service): State<Service>, ctx: Ctx, Path(no): Path<String>, extract::Form(pairs): extract::Form<Pairs>) -> WebResult {
    let view = queries::grant(&service.kernel, &ctx, &no).await?;
    let row = &view.grant.row;
    let kept: Vec<&str> = all(&pairs, "keep_field").collect();
    let stay: Vec<&str> = all(&pairs, "keep_person").collect();
    let dropped_fields = view.grant.fields.iter().filter(|field| !kept.contains(&field.name.as_str()));
    let dropped_persons = view.grant.persons.iter().filter(|person| !stay.contains(&person.account.as_str()));
    let rows = first(&pairs, "rows_per_day").and_then(|rows| rows.trim().replace(',', "").parse::<i64>().ok());
    let reduction = Reduction {
        drop_fields: dropped_fields.map(|field| field.name.clone()).collect(),
        drop_persons: dropped_persons.map(|person| person.account.clone()).collect::<Vec<AccountId>>(),
        ways: None,
        quota: rows.map(|rows| Quota { rows_per_day: rows, calls_per_minute: row.calls_per_minute, rows_per_result: row.rows_per_result.min(rows) }),
        until: first(&pairs, "until").and_then(|until| until.parse().ok()),
    };
    let version = first(&pairs, "version").and_then(|version| version.parse().ok());
    let reason = first(&pairs, "reason").unwrap_or_default().to_owned();
    run(&service.kernel, &ctx, ReduceGrant { no: no.clone(), reason, version, reduction }).await?;
    Ok(go(&format!("/grants/{no}")))
}
