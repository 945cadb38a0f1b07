//! 供数审核 and 合规审查: what waits for the reader's decision, and what to look at twice.

use askama::Template;
use axum::extract::State;
use chrono::NaiveDate;
use hufu_kernel::approval::Verdict;
use hufu_kernel::command::{Ctx, run};
use hufu_kernel::error::{Error, FieldError};
use hufu_kernel::shell::list::{Bulk, Cell, Column, Filter, FilterField, List, ListQuery, ListView, Op};
use hufu_kernel::shell::page::go;
use hufu_kernel::shell::{Chrome, Path, WebResult, extract, fmt, page};
use serde::{Deserialize, Serialize};

use super::apply_form::{Pairs, all};
use super::{due, grade_number};
use crate::Service;
use crate::commands::{DecidePart, EndConsent, GiveConsent, Proposal};
use crate::queries::{self, DeskLine, Slice};
use crate::store::rows::standing_consent;

/// Parts that one bulk decision may name.
const BULK_MAX: usize = 200;

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct DeskFilter {
    q: Option<String>,
    /// Only what may be agreed to together: plain fields, nothing to look at twice.
    plain: Option<String>,
}

impl Filter for DeskFilter {
    fn fields(&self) -> Vec<FilterField> {
        let choices = vec![hufu_kernel::shell::parts::Choice::new("1", "L1–L2 无提示")];
        vec![
            FilterField::text("q", "申请", &self.q, "单号或应用场景"),
            FilterField::select("plain", "风险", self.plain.clone(), choices),
        ]
    }
}

const COLUMNS: [Column<DeskLine>; 8] = [
    Column::new("no", "申请", 30, |line: &DeskLine| Cell::Name { text: line.inbox.title.clone(), note: line.inbox.no.clone(), href: line.inbox.link.clone() }),
    Column::new("unit", "需求单位", 18, |line| Cell::Text(line.inbox.unit_name.clone())),
    Column::new("fields", "信息项数", 8, |line| Cell::Int(i64::try_from(fields(line)).unwrap_or(0))).right(),
    Column::new("grade", "最高级别", 8, |line| Cell::Level(grade_number(&line.grade_max))),
    Column::new("hints", "风险提示", 20, |line| {
        let hints: Vec<&str> = line.hints.iter().map(|hint| hint.name()).collect();
        if hints.is_empty() { Cell::Empty } else { Cell::Text(hints.join("、")) }
    }),
    Column::new("step", "环节", 14, |line| Cell::opt(line.inbox.step.clone())),
    Column::new("arrived", "到达时间", 18, |line| Cell::Moment(line.inbox.arrived)),
    Column::new("due", "剩余时限", 14, |line| Cell::Due(due(line.inbox.due, line.inbox.remaining))),
];

static SUPPLY: List<DeskLine> = List::new("待审批的申请", &COLUMNS)
    .pick(|line| {
        let seq = line.part.as_ref().map_or(0, |part| part.seq);
        (format!("{}|{seq}|{}", line.inbox.no, line.inbox.version), line.inbox.no.clone())
    })
    .ops(|line| vec![Op::new("审批", line.inbox.link.clone())]);

static REVIEW: List<DeskLine> =
    List::new("待审查的申请", &COLUMNS).ops(|line| vec![Op::new("审查", line.inbox.link.clone())]);

fn fields(line: &DeskLine) -> usize {
    match &line.part {
        Some(part) => line.paper.items_of(&part.id).map(|item| item.fields.len()).sum(),
        None => line.paper.fields().count(),
    }
}

#[derive(Template)]
#[template(path = "sharing/desk.html")]
struct Desk {
    chrome: Chrome,
    list: ListView,
    supply: bool,
    /// Applications whose papers are incomplete today, with all that is missing.
    incomplete: Vec<(String, String, Vec<String>)>,
    consents: Option<Vec<Consent>>,
    grades: Vec<String>,
}

#[derive(Debug)]
struct Consent {
    id: String,
    grade: String,
    until: String,
    running: bool,
}

/// GET /supply.
pub(super) async fn supply(State(service): State<Service>, chrome: Chrome, ctx: Ctx, query: ListQuery<DeskFilter>) -> WebResult {
    let (mut rows, mut total) = lines(&service, &ctx, "sharing.part", &query).await?;
    if query.filter.plain.as_deref() == Some("1") {
        rows.retain(|line| line.bulk && line.hints.is_empty());
        total = rows.len() as u64;
    }
    let bulk = Bulk { action: "/supply/bulk".to_owned(), acts: vec![("approve", "批量同意")], whole: false };
    let list = SUPPLY.view(&query, &rows, total).with_bulk(bulk);
    let chrome = chrome.titled("供数审核");
    Ok(page(Desk { chrome, list, supply: true, incomplete: Vec::new(), consents: None, grades: Vec::new() }))
}

/// GET /review: for the bureau, and for the head of the own office with the standing consents.
pub(super) async fn review(State(service): State<Service>, chrome: Chrome, ctx: Ctx, query: ListQuery<DeskFilter>) -> WebResult {
    let (rows, total) = lines(&service, &ctx, "sharing.application", &query).await?;
    let check = |line: &DeskLine| {
        let missing = queries::completeness(&service.sharing, &line.paper, ctx.now);
        (!missing.is_empty()).then(|| (line.inbox.no.clone(), line.inbox.title.clone(), missing))
    };
    let actor = ctx.actor()?;
    let consents = if actor.has(hufu_kernel::actor::Role::R2) {
        let rows = queries::consents(service.kernel.store.reader(), actor).await?;
        Some(rows.into_iter().map(|row| consent(row, ctx.now)).collect())
    } else {
        None
    };
    let desk = Desk {
        incomplete: rows.iter().filter_map(check).collect(),
        list: REVIEW.view(&query, &rows, total),
        chrome: chrome.titled("合规审查"),
        supply: false,
        consents,
        grades: service.sharing.masks.grades().to_vec(),
    };
    Ok(page(desk))
}

/// POST /supply/bulk: agrees to several plain parts; strict ones are never among them. One act, one entry each.
pub(super) async fn bulk(State(service): State<Service>, ctx: Ctx, extract::Form(pairs): extract::Form<Pairs>) -> WebResult {
    let ids: Vec<&str> = all(&pairs, "ids").collect();
    if ids.is_empty() || ids.len() > BULK_MAX {
        return Err(Error::invalid(vec![FieldError::new("ids", format!("请选择 1 至 {BULK_MAX} 条"))]).into());
    }
    let slice = Slice::new(1, queries::PAGE_MAX);
    let (open, _) = queries::desk_lines(&service.kernel, &service.sharing, &ctx, "sharing.part", None, slice).await?;
    let mut refused = Vec::new();
    for id in ids {
        let found = open.iter().find(|line| {
            let seq = line.part.as_ref().map_or(0, |part| part.seq);
            id == format!("{}|{seq}|{}", line.inbox.no, line.inbox.version)
        });
        let Some((line, part)) = found.filter(|line| line.bulk).and_then(|line| Some((line, line.part.as_ref()?))) else {
            refused.push(id.split('|').next().unwrap_or_default().to_owned());
            continue;
        };
        let command = DecidePart {
            sharing: service.sharing.clone(),
            no: line.inbox.no.clone(),
            seq: part.seq,
            verdict: Verdict::Approve,
            opinion: "批量同意".to_owned(),
            version: Some(line.inbox.version),
            proposal: Proposal::default(),
        };
        if run(&service.kernel, &ctx, command).await.is_err() {
            refused.push(line.inbox.no.clone());
        }
    }
    if refused.is_empty() {
        return Ok(go("/supply"));
    }
    let text = format!("其余已同意；以下 {} 条未办理（含 L3 及以上、申请明文或已被他人办理）：{}", refused.len(), refused.join("、"));
    Err(Error::conflict("SHA-BULK", text).into())
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct NewConsent {
    grade_max: String,
    until: String,
}

pub(super) async fn give_consent(State(service): State<Service>, ctx: Ctx, extract::Form(form): extract::Form<NewConsent>) -> WebResult {
    let until = form.until.parse::<NaiveDate>().map_err(|_| Error::invalid(vec![FieldError::new("until", "请填写截止日期")]))?;
    let command = GiveConsent { sharing: service.sharing.clone(), grade_max: form.grade_max, until };
    run(&service.kernel, &ctx, command).await?;
    Ok(go("/review"))
}

pub(super) async fn end_consent(State(service): State<Service>, ctx: Ctx, Path(id): Path<String>) -> WebResult {
    run(&service.kernel, &ctx, EndConsent { id }).await?;
    Ok(go("/review"))
}

async fn lines(service: &Service, ctx: &Ctx, kind: &str, query: &ListQuery<DeskFilter>) -> hufu_kernel::error::Result<(Vec<DeskLine>, u64)> {
    let slice = Slice::new(query.paging.page, query.paging.limit());
    queries::desk_lines(&service.kernel, &service.sharing, ctx, kind, query.filter.q.clone(), slice).await
}

fn consent(row: standing_consent::Model, now: hufu_kernel::time::Timestamp) -> Consent {
    Consent { running: row.ended_at.is_none() && row.until_at >= now, grade: row.grade_max, until: fmt::day(row.until_at), id: row.id }
}
