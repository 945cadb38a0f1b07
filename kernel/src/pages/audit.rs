//! `/audit`: who did what to what, as the ledger has it; and a check that really verifies it.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use chrono::NaiveDate;
use hufu_ledger::TileReader as _;
use serde::{Deserialize, Serialize};

use super::parts::{AuditRow, named, outcome_code};
use super::{authorize, entry};
use crate::actor::{Actor, UnitRef};
use crate::audit::{self, EntryQuery, ObjectRef, Outcome};
use crate::command::Ctx;
use crate::error::{Error, Result};
use crate::house::{Check, House};
use crate::policy::Resource;
use crate::shell::list::{Cell, Column, Download, Export, Filter, FilterField, Format, List, ListQuery, ListView, Op};
use crate::shell::page::go;
use crate::shell::parts::Choice;
use crate::shell::{Chrome, Html, Path, WebResult, fmt, kit, page};
use crate::time::Timestamp;

const READ: &str = "audit.entry.read";
const VERIFY: &str = "audit.ledger.verify";

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct AuditFilter {
    day: Option<Day>,
    from: Option<NaiveDate>,
    to: Option<NaiveDate>,
    login: Option<String>,
    unit: Option<String>,
    action: Option<String>,
    outcome: Option<Outcome>,
    q: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Day {
    Today,
}

impl Filter for AuditFilter {
    fn fields(&self) -> Vec<FilterField> {
        let outcomes = [(Outcome::Done, "done"), (Outcome::Refused, "refused"), (Outcome::Failed, "failed")];
        let choices =
            outcomes.map(|(outcome, code)| Choice::new(code, crate::shell::status::word(outcome_code(outcome)))).to_vec();
        let outcome = self.outcome.and_then(|found| outcomes.iter().find(|(outcome, _)| *outcome == found));
        let day = self.day.map(|Day::Today| "today".to_owned());
        vec![
            FilterField::select("day", "时段", day, vec![Choice::new("today", "今天")]),
            FilterField::date("from", "起始日期", self.from),
            FilterField::date("to", "截止日期", self.to),
            FilterField::text("login", "账号", &self.login, "登录账号"),
            FilterField::text("unit", "单位", &self.unit, "单位名称或代码"),
            FilterField::text("action", "动作", &self.action, "动作名称或代码"),
            FilterField::select("outcome", "结果", outcome.map(|(_, code)| (*code).to_owned()), choices),
            FilterField::text("q", "对象", &self.q, "单号、事件编号或错误码"),
        ]
    }
}

impl AuditFilter {
    fn query(&self, scope: Option<UnitRef>, now: Timestamp) -> EntryQuery {
        let today = self.day.map(|Day::Today| now.date());
        EntryQuery {
            from: self.from.max(today).map(Timestamp::start_of),
            to: self.to.map(Timestamp::end_of),
            login: self.login.clone(),
            unit: self.unit.clone(),
            action: self.action.clone(),
            outcome: self.outcome,
            text: self.q.clone(),
            scope,
            ..EntryQuery::default()
        }
    }
}

const COLUMNS: [Column<AuditRow>; 11] = [
    Column::new("at", "时间", 20, |row: &AuditRow| Cell::Moment(row.at)).sortable(),
    Column::new("login", "账号", 16, |row: &AuditRow| Cell::opt(row.login.clone())),
    Column::new("unit", "单位", 20, |row: &AuditRow| Cell::Text(row.unit.clone())),
    Column::new("roles", "角色", 16, |row: &AuditRow| Cell::Text(row.roles.clone())).hidden(),
    Column::new("action", "动作", 22, |row: &AuditRow| Cell::Text(row.action_name.clone())),
    Column::new("action_code", "动作代码", 28, |row: &AuditRow| Cell::Code(row.action.clone())).hidden(),
    Column::new("object", "对象", 24, |row: &AuditRow| {
        if row.object_no.is_empty() { Cell::Empty } else { Cell::Code(row.object_no.clone()) }
    }),
    Column::new("outcome", "结果", 10, |row: &AuditRow| Cell::State(outcome_code(row.outcome).to_owned())),
    Column::new("code", "错误码", 18, |row: &AuditRow| Cell::opt(row.code.clone())).hidden(),
    Column::new("client", "来源IP", 16, |row: &AuditRow| Cell::Code(row.client.clone())),
    Column::new("idx", "链序号", 12, |row: &AuditRow| row.idx.map_or(Cell::Empty, Cell::Int)).right(),
];

static ENTRIES: List<AuditRow> =
    List::new("审计日志", &COLUMNS).ops(|row| vec![Op::new("详情", format!("/audit/entries/{}", row.id))]).files();

const QUERY_COLUMNS: [Column<AuditRow>; 10] = [
    Column::new("at", "时间", 20, |row: &AuditRow| Cell::Moment(row.at)).sortable(),
    Column::new("login", "账号", 16, |row: &AuditRow| Cell::opt(row.login.clone())),
    Column::new("unit", "单位", 20, |row: &AuditRow| Cell::Text(row.unit.clone())),
    Column::new("grant", "授权号", 20, |row: &AuditRow| Cell::Code(row.object_no.clone())),
    Column::new("action", "环节", 12, |row: &AuditRow| Cell::Text(row.action_name.clone())),
    Column::new("statement", "语句（常量已隐去）", 48, |row: &AuditRow| detail_text(row, &["statement", "sql"])),
    Column::new("rows", "行数", 10, |row: &AuditRow| detail_number(row, &["rows", "rows_max"])).right(),
    Column::new("grade", "最高级别", 10, |row: &AuditRow| detail_grade(row)),
    Column::new("millis", "耗时", 10, |row: &AuditRow| detail_millis(row)).right(),
    Column::new("outcome", "结果", 10, |row: &AuditRow| Cell::State(outcome_code(row.outcome).to_owned())),
];

static QUERIES: List<AuditRow> =
    List::new("查询审计", &QUERY_COLUMNS).ops(|row| vec![Op::new("详情", format!("/audit/entries/{}", row.id))]);

#[derive(Template)]
#[template(path = "kernel/audit.html")]
struct Index {
    chrome: Chrome,
    heading: &'static str,
    sub: String,
    list: ListView,
    may_verify: bool,
    /// What the last check said, and whether it was good news.
    found: Option<(bool, Vec<String>)>,
}

pub(super) async fn index(
    State(house): State<Arc<House>>,
    chrome: Chrome,
    ctx: Ctx,
    query: ListQuery<AuditFilter>,
) -> WebResult {
    let (rows, total) = read(&house, &ctx, &query, None).await?;
    let actor = ctx.actor()?;
    let may_verify = house.kernel.policy.decide(actor, VERIFY, &subject(actor))?.allowed;
    let (size, found) = (house.size().await?, house.last_check().map(|(check, at)| words(&check, at)));
    Ok(page(Index {
        chrome: chrome.titled("审计日志"),
        heading: "审计日志",
        sub: format!("存证账本共 {} 条记录，每条不可改写；此处为其副本，可逐条核对", fmt::number(size)),
        list: ENTRIES.view(&query, &rows, total),
        may_verify,
        found,
    }))
}

pub(super) async fn queries(
    State(house): State<Arc<House>>,
    chrome: Chrome,
    ctx: Ctx,
    query: ListQuery<AuditFilter>,
) -> WebResult {
    let (rows, total) = read(&house, &ctx, &query, Some("gate")).await?;
    Ok(page(Index {
        chrome: chrome.titled("查询审计"),
        heading: "查询审计",
        sub: "谁凭哪项授权、何时、取了多少行；只记结果的形状，不存数据".to_owned(),
        list: QUERIES.view(&query, &rows, total),
        may_verify: false,
        found: None,
    }))
}

pub(super) async fn api(State(house): State<Arc<House>>, ctx: Ctx, query: ListQuery<AuditFilter>) -> WebResult {
    let (rows, total) = read(&house, &ctx, &query, None).await?;
    Ok(axum::Json(ENTRIES.json(&rows, total)).into_response())
}

pub(super) async fn export_xlsx(
    State(house): State<Arc<House>>,
    ctx: Ctx,
    query: ListQuery<AuditFilter>,
) -> WebResult<Download> {
    export(&house, &ctx, query, Format::Xlsx).await
}

pub(super) async fn export_csv(
    State(house): State<Arc<House>>,
    ctx: Ctx,
    query: ListQuery<AuditFilter>,
) -> WebResult<Download> {
    export(&house, &ctx, query, Format::Csv).await
}

/// Verifies the whole log and the copy. The check itself is an act, recorded with what it found.
pub(super) async fn verify(State(house): State<Arc<House>>, ctx: Ctx) -> WebResult {
    let object = ObjectRef::new("ledger", "ledger", "");
    authorize(&house, &ctx, VERIFY, &subject(ctx.actor()?), object.clone()).await?;
    let check = house.verify().await?;
    let detail = serde_json::json!({
        "size": check.report.size.map(|size| size.0),
        "faults": check.report.faults.len(),
        "differences": check.differences.len(),
    });
    let mut told = entry(&ctx, VERIFY, object, detail);
    if !check.is_sound() {
        told.outcome = Outcome::Failed;
        told.code = Some("HF-LEDGER-FAULT".to_owned());
    }
    audit::record(&house.kernel, &told).await?;
    Ok(go("/audit"))
}

#[derive(Template)]
#[template(path = "kernel/audit_entry.html")]
struct Show {
    chrome: Chrome,
    row: AuditRow,
    facts: Vec<(&'static str, Html)>,
    /// Key, value before (where the act says it) and after.
    detail: Vec<(String, String)>,
    raw: String,
}

pub(super) async fn show(
    State(house): State<Arc<House>>,
    chrome: Chrome,
    ctx: Ctx,
    Path(id): Path<String>,
) -> WebResult {
    let actor = ctx.actor()?;
    authorize(&house, &ctx, READ, &subject(actor), ObjectRef::new("audit_entry", &id, "")).await?;
    let db = house.kernel.store.reader();
    let id = id.parse().map_err(|_| Error::not_found("审计记录"))?;
    let scope = audit::scope_of(house.kernel.store.reader(), actor).await?;
    let found = audit::find(db, &id, scope.as_ref()).await?;
    let raw = found.body.clone();
    let row = named(db, &house.names, vec![found]).await?.pop().ok_or_else(|| Error::not_found("审计记录"))?;
    Ok(page(Show {
        chrome: chrome.titled(row.action_name.clone()).crumb("审计日志", "/audit"),
        facts: facts(&row),
        detail: pairs(&row.detail),
        raw,
        row,
    }))
}

/// The public files of the log: checkpoint and tiles, for anybody's verifier.
pub(super) async fn tile(State(house): State<Arc<House>>, Path(path): Path<String>) -> WebResult {
    if !crate::ledger::is_public(&path) {
        return Err(Error::not_found("该文件").into());
    }
    let reader = house.ledger.reader().clone();
    let read = move || reader.read(&path).map(|bytes| (path, bytes));
    let (path, bytes) = tokio::task::spawn_blocking(read).await.map_err(Error::internal)?.map_err(Error::internal)?;
    let bytes = bytes.ok_or_else(|| Error::not_found("该文件"))?;
    let mime = if path == "checkpoint" { "text/plain; charset=utf-8" } else { "application/octet-stream" };
    let mut response: Response = bytes.into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(mime));
    Ok(response)
}

async fn read(
    house: &House,
    ctx: &Ctx,
    query: &ListQuery<AuditFilter>,
    only: Option<&str>,
) -> Result<(Vec<AuditRow>, u64)> {
    let actor = ctx.actor()?;
    authorize(house, ctx, READ, &subject(actor), ObjectRef::new("audit", "", "")).await?;
    let mut wanted = query.filter.query(audit::scope_of(house.kernel.store.reader(), actor).await?, ctx.now);
    wanted.actions = house.names.actions_named(query.filter.action.as_deref().unwrap_or_default());
    if let Some(only) = only {
        wanted.action_below = Some(only.to_owned());
    }
    wanted.page = query.paging.page;
    wanted.size = query.paging.size;
    wanted.oldest_first = ENTRIES.sort(query).is_some_and(|(_, descending)| !descending);
    let db = house.kernel.store.reader();
    let (found, total) = audit::page(db, &wanted).await?;
    Ok((named(db, &house.names, found).await?, total))
}

async fn export(house: &House, ctx: &Ctx, query: ListQuery<AuditFilter>, format: Format) -> WebResult<Download> {
    let query = query.whole(Export::ROWS_MAX);
    let mut rows = Vec::new();
    let mut piece = query.clone();
    piece.paging.size = audit::PAGE_MAX;
    loop {
        let (more, total) = read(house, ctx, &piece, None).await?;
        let is_last = more.is_empty();
        rows.extend(more);
        if is_last || rows.len() as u64 >= total.min(Export::ROWS_MAX) {
            break;
        }
        piece.paging.page += 1;
    }
    let detail = serde_json::json!({ "rows": rows.len(), "format": format.extension() });
    let told = entry(ctx, "audit.entry.export", ObjectRef::new("audit", "", ""), detail);
    audit::record(&house.kernel, &told).await?;
    Ok(ENTRIES.export(&query, &rows, ctx.actor()?, ctx.now).file(format)?)
}

fn subject(actor: &Actor) -> Resource {
    Resource::new("Audit", "entries").of_unit(&actor.unit)
}

/// 「已校验 1–5，连续」, or each fault.
fn words(check: &Check, at: Timestamp) -> (bool, Vec<String>) {
    let size = check.report.size.map_or(0, |size| size.0);
    if check.is_sound() {
        let range = format!(
            "已校验 1–{}，连续。全部签名、叶哈希、SM3 链值与业务库副本一致（{}）",
            fmt::number(size),
            fmt::second(at)
        );
        return (true, vec![range]);
    }
    let mut all = vec![format!("校验发现问题（{}），请立即保全现场并报告：", fmt::second(at))];
    all.extend(check.report.faults.iter().take(FAULTS_MAX).map(|fault| format!("账本：{fault}")));
    all.extend(check.differences.iter().take(FAULTS_MAX).map(ToString::to_string));
    (false, all)
}

/// Faults shown on the page; `hufu ledger verify` tells all.
const FAULTS_MAX: usize = 20;

fn facts(row: &AuditRow) -> Vec<(&'static str, Html)> {
    let text = |value: &str| if value.is_empty() { Html::text("—") } else { Html::text(value) };
    let code = |value: &str| Cell::Code(value.to_owned()).html();
    vec![
        ("时间", Html::text(fmt::second(row.at))),
        ("账号", text(row.login.as_deref().unwrap_or("系统"))),
        ("单位", text(&row.unit)),
        ("角色", text(&row.roles)),
        ("动作", code(&row.action)),
        ("对象", text(&row.object_no)),
        ("结果", kit::tag(outcome_code(row.outcome))),
        ("错误码", text(row.code.as_deref().unwrap_or_default())),
        ("来源IP", code(&row.client)),
        ("事件编号", code(&row.request)),
        ("记录编号", code(&row.id)),
        ("链序号", row.idx.map_or_else(|| Html::text("正在写入"), |idx| Html::text(fmt::number(idx)))),
    ]
}

/// `from`/`to` read as before and after; the rest as it stands.
fn pairs(detail: &serde_json::Value) -> Vec<(String, String)> {
    let Some(object) = detail.as_object() else { return Vec::new() };
    let label = |key: &str| match key {
        "from" => "变更前".to_owned(),
        "to" => "变更后".to_owned(),
        "rows" => "行数".to_owned(),
        "count" => "条数".to_owned(),
        "verdict" => "审批意见".to_owned(),
        "reason" => "理由".to_owned(),
        other => other.to_owned(),
    };
    let text = |value: &serde_json::Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    object.iter().map(|(key, value)| (label(key), text(value))).collect()
}

fn detail_text(row: &AuditRow, keys: &[&str]) -> Cell {
    Cell::opt(keys.iter().find_map(|key| row.detail.get(key)).and_then(|value| value.as_str()))
}

fn detail_number(row: &AuditRow, keys: &[&str]) -> Cell {
    keys.iter().find_map(|key| row.detail.get(key)).and_then(serde_json::Value::as_i64).map_or(Cell::Empty, Cell::Int)
}

fn detail_grade(row: &AuditRow) -> Cell {
    let grade = row.detail.get("grade").and_then(serde_json::Value::as_u64).and_then(|grade| u8::try_from(grade).ok());
    grade.map_or(Cell::Empty, Cell::Level)
}

fn detail_millis(row: &AuditRow) -> Cell {
    let millis = ["millis", "duration_ms"].iter().find_map(|key| row.detail.get(key)).and_then(serde_json::Value::as_i64);
    millis.map_or(Cell::Empty, |millis| Cell::Text(fmt::duration_ms(millis)))
}
