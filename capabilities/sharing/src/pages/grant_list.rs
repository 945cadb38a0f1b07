//! 授权台账, with the emergency stop of many at once.

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use hufu_kernel::command::{Ctx, run};
use hufu_kernel::error::{Error, FieldError, Result};
use hufu_kernel::ids::JobId;
use hufu_kernel::shell::list::{Bulk, Cell, Column, Export, Filter, FilterField, Format, List, ListQuery, ListView, Op};
use hufu_kernel::shell::page::go;
use hufu_kernel::shell::parts::Choice;
use hufu_kernel::shell::{Chrome, WebResult, extract, page};
use sea_orm::Iterable;
use serde::{Deserialize, Serialize};

use super::apply_form::{Pairs, all, first};
use super::{grade_number, grant_code};
use crate::Service;
use crate::commands::SuspendGrant;
use crate::model::grant::State as GrantState;
use crate::model::way::Ways;
use crate::queries::{self, GrantFilter, GrantLine, Slice};

/// Grants that one bulk stop may name.
const BULK_MAX: usize = 5_000;

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct GrantListFilter {
    q: Option<String>,
    state: Option<String>,
    unit: Option<String>,
    resource: Option<String>,
    ends: Option<i64>,
}

impl Filter for GrantListFilter {
    fn fields(&self) -> Vec<FilterField> {
        let codes: Vec<&str> = GrantState::iter().map(grant_code).collect();
        let ends = vec![Choice::new("7", "7 天内"), Choice::new("30", "30 天内"), Choice::new("90", "90 天内")];
        vec![
            FilterField::text("q", "授权", &self.q, "授权号、资源或用途"),
            FilterField::text("unit", "需求单位", &self.unit, "单位代码"),
            FilterField::text("resource", "资源代码", &self.resource, "资源代码"),
            FilterField::states("state", "状态", &self.state, &codes),
            FilterField::select("ends", "到期", self.ends.map(|days| days.to_string()), ends),
        ]
    }
}

impl GrantListFilter {
    pub(crate) fn filter(&self) -> GrantFilter {
        GrantFilter {
            text: self.q.clone(),
            state: GrantState::iter().find(|state| self.state.as_deref() == Some(grant_code(*state))),
            unit: self.unit.clone(),
            resource: self.resource.clone(),
            ends_within: self.ends,
        }
    }
}

const COLUMNS: [Column<GrantLine>; 11] = [
    Column::new("no", "授权", 30, |line: &GrantLine| Cell::Name {
        text: line.row.resource_name.clone(),
        note: line.row.no.clone(),
        href: format!("/grants/{}", line.row.no),
    }),
    Column::new("purpose", "用途", 26, |line: &GrantLine| Cell::Text(line.row.purpose.clone())),
    Column::new("unit", "需求单位", 18, |line: &GrantLine| Cell::Text(line.unit.clone())),
    Column::new("provider", "提供单位", 18, |line: &GrantLine| Cell::Text(line.provider.clone())),
    Column::new("grade", "级别", 8, |line: &GrantLine| Cell::Level(grade_number(&line.row.grade_max))),
    Column::new("fields", "信息项", 8, |line: &GrantLine| Cell::Int(i64::try_from(line.fields).unwrap_or(0))).right(),
    Column::new("ways", "方式", 18, |line: &GrantLine| Cell::Text(Ways::parse(&line.row.ways).names())),
    Column::new("from", "起", 12, |line: &GrantLine| Cell::Date(line.row.from_at.date())).hidden(),
    Column::new("until", "止", 12, |line: &GrantLine| Cell::Date(line.row.until_at.date())),
    Column::new("used", "近30日用量（行）", 12, |line: &GrantLine| Cell::Int(line.used.0)).right(),
    Column::new("state", "状态", 10, |line: &GrantLine| Cell::State(grant_code(line.row.state).to_owned())),
];

pub(crate) static GRANTS: List<GrantLine> = List::new("授权台账", &COLUMNS)
    .pick(|line| (line.row.no.clone(), line.row.no.clone()))
    .ops(|line| vec![Op::new("查看", format!("/grants/{}", line.row.no))])
    .files();

#[derive(Template)]
#[template(path = "sharing/grant_list.html")]
struct Index {
    chrome: Chrome,
    list: ListView,
}

#[derive(Template)]
#[template(path = "sharing/grant_bulk.html")]
struct Confirm {
    chrome: Chrome,
    grants: Vec<GrantLine>,
    skipped: u64,
}

pub(super) async fn index(State(service): State<Service>, chrome: Chrome, ctx: Ctx, query: ListQuery<GrantListFilter>) -> WebResult {
    let slice = Slice::new(query.paging.page, query.paging.limit());
    let (rows, total) = queries::grant_lines(&service.kernel, &ctx, &query.filter.filter(), slice).await?;
    let may_stop = ctx.actor()?.roles.iter().any(|role| matches!(role.code(), "R1" | "R2" | "R3"));
    let list = GRANTS.view(&query, &rows, total);
    let bulk = Bulk { action: "/grants/bulk".to_owned(), acts: vec![("suspend", "停用")], whole: true };
    let list = if may_stop { list.with_bulk(bulk) } else { list };
    Ok(page(Index { chrome: chrome.titled("授权台账"), list }))
}

pub(super) async fn export_xlsx(service: State<Service>, ctx: Ctx, query: ListQuery<GrantListFilter>) -> WebResult {
    export(service, ctx, query, Format::Xlsx).await
}

pub(super) async fn export_csv(service: State<Service>, ctx: Ctx, query: ListQuery<GrantListFilter>) -> WebResult {
    export(service, ctx, query, Format::Csv).await
}

async fn export(State(service): State<Service>, ctx: Ctx, query: ListQuery<GrantListFilter>, format: Format) -> WebResult<Response> {
    let query = query.whole(Export::ROWS_MAX);
    let rows = every(&service, &ctx, &query.filter.filter()).await?;
    Ok(GRANTS.export(&query, &rows, ctx.actor()?, ctx.now).file(format)?.into_response())
}

/// POST /grants/bulk: shows what would be stopped and asks for the reason.
pub(super) async fn bulk(State(service): State<Service>, chrome: Chrome, ctx: Ctx, extract::Form(pairs): extract::Form<Pairs>) -> WebResult {
    let lines = match first(&pairs, "all") {
        Some(query) => {
            let query = ListQuery::<GrantListFilter>::parse("/grants", query.trim_start_matches('?'), false)?;
            every(&service, &ctx, &query.filter.filter()).await?
        }
        None => {
            let wanted: Vec<&str> = all(&pairs, "ids").collect();
            let visible = every(&service, &ctx, &GrantFilter::default()).await?;
            visible.into_iter().filter(|line| wanted.contains(&line.row.no.as_str())).collect()
        }
    };
    let total = lines.len() as u64;
    let grants: Vec<GrantLine> = lines.into_iter().filter(|line| line.row.state == GrantState::Active).collect();
    if grants.is_empty() {
        return Err(Error::invalid(vec![FieldError::new("ids", "所选授权中没有生效中的，请重新选择")]).into());
    }
    let skipped = total - grants.len() as u64;
    Ok(page(Confirm { chrome: chrome.titled("停用授权").crumb("授权台账", "/grants"), grants, skipped }))
}

/// POST /grants/suspend: stops each, with one reason and one batch number; an entry each.
pub(super) async fn suspend(State(service): State<Service>, ctx: Ctx, extract::Form(pairs): extract::Form<Pairs>) -> WebResult {
    let reason = first(&pairs, "reason").unwrap_or_default().to_owned();
    let numbers: Vec<&str> = all(&pairs, "ids").take(BULK_MAX).collect();
    if numbers.is_empty() || reason.trim().is_empty() {
        return Err(Error::invalid(vec![FieldError::new("reason", "请选择授权并填写理由")]).into());
    }
    let batch = JobId::generate().to_string();
    let mut failed = Vec::new();
    for no in numbers {
        let command = SuspendGrant { no: no.to_owned(), reason: reason.clone(), version: None, batch: Some(batch.clone()) };
        if let Err(error) = run(&service.kernel, &ctx, command).await {
            failed.push(format!("{no}（{}）", error.message()));
        }
    }
    if failed.is_empty() {
        return Ok(go("/grants?state=suspended"));
    }
    Err(Error::conflict("SHA-BULK", format!("其余已停用；以下 {} 项未停用：{}", failed.len(), failed.join("、"))).into())
}

/// All lines of a filter, page by page.
async fn every(service: &Service, ctx: &Ctx, filter: &GrantFilter) -> Result<Vec<GrantLine>> {
    let mut found = Vec::new();
    for number in 1.. {
        let slice = Slice::new(number, queries::PAGE_MAX);
        let (lines, total) = queries::grant_lines(&service.kernel, ctx, filter, slice).await?;
        let more = !lines.is_empty();
        found.extend(lines);
        if !more || found.len() as u64 >= total || found.len() >= BULK_MAX {
            break;
        }
    }
    Ok(found)
}
