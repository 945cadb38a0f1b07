//! Page 30: 数据源. 新建 → 测试 → 保存 → 开始扫描 → 查看结果.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use hufu_kernel::command::{Ctx, run};
use hufu_kernel::error::{Error, Result};
use hufu_kernel::ids::SourceId;
use hufu_kernel::jobs::{self, JobState};
use hufu_kernel::shell::list::{Cell, Column, Filter, FilterField, List, ListQuery, ListView, Op};
use hufu_kernel::shell::page::{go, page_with};
use hufu_kernel::shell::parts::{Choice, FieldErrors, JobCard};
use hufu_kernel::shell::{Chrome, Form, Path, WebResult, page};
use hufu_kernel::unit;
use serde::{Deserialize, Serialize};

use super::words::{may, own_path, reachable_code};
use crate::Catalog;
use crate::commands::close_source::CloseSource;
use crate::commands::create_source::CreateSource;
use crate::commands::edit_source::EditSource;
use crate::commands::policy_source;
use crate::commands::record_probe::Probed;
use crate::commands::record_scan::{StartCheck, StartScan};
use crate::model::source::{Declared, SourceSpec};
use crate::queries::{SourceRow, sources};
use crate::store::{resource, source, source_table};

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct SourceFilter {
    q: Option<String>,
}

impl Filter for SourceFilter {
    fn fields(&self) -> Vec<FilterField> {
        vec![FilterField::text("q", "名称", &self.q, "数据源或所属系统")]
    }
}

const COLUMNS: [Column<SourceRow>; 9] = [
    Column::new("name", "名称", 30, |row: &SourceRow| Cell::Name {
        text: row.row.name.clone(),
        note: row.unit.clone(),
        href: format!("/datasources/{}", row.row.id),
    }),
    Column::new("kind", "类型", 16, |row: &SourceRow| Cell::Text(source::kind_title(&row.row.kind).to_owned())),
    Column::new("system", "所属系统", 22, |row: &SourceRow| Cell::opt(Some(row.row.system.clone()).filter(|text| !text.is_empty()))),
    Column::new("mlps", "等保级别", 10, |row: &SourceRow| Cell::opt(Some(row.row.mlps_level.clone()).filter(|text| !text.is_empty()))),
    Column::new("reachable", "连通", 10, |row: &SourceRow| Cell::State(reachable_code(row.row.reachable).to_owned())),
    Column::new("scanned", "最近扫描", 18, |row: &SourceRow| row.row.scanned_at.map_or(Cell::Empty, Cell::Moment)),
    Column::new("tables", "表数", 8, |row: &SourceRow| Cell::Int(i64::try_from(row.tables).unwrap_or(i64::MAX))).right(),
    Column::new("mounted", "挂接目录", 10, |row: &SourceRow| Cell::Int(i64::try_from(row.mounted).unwrap_or(i64::MAX))).right(),
    Column::new("strict", "敏感级字段数", 12, |row: &SourceRow| Cell::Int(i64::try_from(row.strict_fields).unwrap_or(i64::MAX))).right(),
];

static SOURCES: List<SourceRow> =
    List::new("数据源", &COLUMNS).ops(|row| vec![Op::new("查看", format!("/datasources/{}", row.row.id))]);

#[derive(Template)]
#[template(path = "catalog/source_list.html")]
struct Index {
    chrome: Chrome,
    list: ListView,
    can_create: bool,
}

pub(super) async fn index(
    State(catalog): State<Catalog>,
    chrome: Chrome,
    ctx: Ctx,
    query: ListQuery<SourceFilter>,
) -> WebResult {
    let actor = ctx.actor()?.clone();
    let target = policy_source("list", &actor.unit);
    catalog.allow(&ctx, "catalog.source.view", &target)?;
    let strict = catalog.scheme().levels.iter().filter(|level| level.sensitive).map(|level| level.code.clone()).collect::<Vec<_>>();
    let mut rows = sources(catalog.kernel().store.reader(), &own_path(&actor), &strict).await?;
    if let Some(text) = query.filter.q.as_deref().map(str::trim).filter(|text| !text.is_empty()) {
        rows.retain(|row| row.row.name.contains(text) || row.row.system.contains(text));
    }
    let total = rows.len() as u64;
    let number = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
    let shown: Vec<SourceRow> =
        rows.into_iter().skip(number(query.paging.offset())).take(number(query.paging.limit())).collect();
    let can_create = may(&catalog, &ctx, "catalog.source.create", &target);
    Ok(page(Index { chrome: chrome.titled("数据源"), list: SOURCES.view(&query, &shown, total), can_create }))
}

#[derive(Template)]
#[template(path = "catalog/source_form.html")]
struct SourceForm {
    chrome: Chrome,
    action: String,
    /// Absent for a source that is not stored yet.
    row: Option<source::Model>,
    input: Input,
    errors: FieldErrors,
    probed: Option<Probed>,
    kinds: Vec<Choice>,
    tls: Vec<Choice>,
    levels: Vec<Choice>,
}

/// What the form sends. The password is never sent back to the page.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Input {
    version: i32,
    name: String,
    system: String,
    mlps_level: String,
    kind: String,
    host: String,
    port: String,
    database: String,
    user: String,
    password: String,
    tls: String,
    path: String,
    /// One column to a line: `table.column type`.
    declared: String,
    /// `test` or `save`.
    act: String,
}

impl Input {
    fn of(row: &source::Model) -> Result<Self> {
        let declared: Vec<Declared> = serde_json::from_str(&row.declared)?;
        let line = |one: &Declared| format!("{}.{} {}", one.table, one.column, one.as_type);
        Ok(Self {
            version: row.version,
            name: row.name.clone(),
            system: row.system.clone(),
            mlps_level: row.mlps_level.clone(),
            kind: row.kind.clone(),
            host: row.host.clone(),
            port: if row.port > 0 { row.port.to_string() } else { String::new() },
            database: row.database_name.clone(),
            user: row.user_name.clone(),
            password: String::new(),
            tls: row.tls.clone(),
            path: row.path.clone(),
            declared: declared.iter().map(line).collect::<Vec<_>>().join("\n"),
            act: String::new(),
        })
    }

    fn spec(&self) -> SourceSpec {
        let declared = self.declared.lines().map(str::trim).filter(|line| !line.is_empty()).map(|line| {
            let (place, as_type) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
            let (table, column) = place.rsplit_once('.').unwrap_or(("", place));
            Declared { table: table.to_owned(), column: column.to_owned(), as_type: as_type.trim().to_owned() }
        });
        let port = self.port.trim();
        SourceSpec {
            name: self.name.clone(),
            system: self.system.clone(),
            mlps_level: self.mlps_level.clone(),
            kind: self.kind.clone(),
            host: self.host.clone(),
            // What is no number is out of range, and told as such.
            port: (!port.is_empty()).then(|| port.parse().unwrap_or(0)),
            database: self.database.clone(),
            user: self.user.clone(),
            password: (!self.password.is_empty()).then(|| self.password.clone()),
            tls: self.tls.clone(),
            path: self.path.clone(),
            declared: declared.collect(),
        }
    }
}

pub(super) async fn begin(State(catalog): State<Catalog>, chrome: Chrome, ctx: Ctx) -> WebResult {
    let unit = ctx.actor()?.unit.clone();
    catalog.allow(&ctx, "catalog.source.create", &policy_source("new", &unit))?;
    let input = Input { kind: "postgres".into(), tls: "off".into(), ..Input::default() };
    Ok(page(source_form(chrome, None, input, FieldErrors::none(), None)))
}

fn source_form(
    chrome: Chrome,
    row: Option<source::Model>,
    mut input: Input,
    errors: FieldErrors,
    probed: Option<Probed>,
) -> SourceForm {
    // A password goes one way only.
    input.password.clear();
    let title = if row.is_some() { "修改数据源" } else { "新建数据源" };
    let action = row.as_ref().map_or_else(|| "/datasources/new".to_owned(), |row| format!("/datasources/{}/edit", row.id));
    let tls = [("off", "不加密（仅限本机或专线）"), ("encrypt", "加密"), ("verify", "加密并校验证书")];
    SourceForm {
        chrome: chrome.titled(title).crumb("数据源", "/datasources"),
        action,
        row,
        input,
        errors,
        probed,
        kinds: source::KINDS.iter().map(|(_, word, title)| Choice::new(*word, *title)).collect(),
        tls: tls.into_iter().map(|(code, label)| Choice::new(code, label)).collect(),
        levels: super::words::plain_choices(["一级", "二级", "三级", "四级"]),
    }
}

pub(super) async fn create(
    State(catalog): State<Catalog>,
    chrome: Chrome,
    ctx: Ctx,
    Form(input): Form<Input>,
) -> WebResult {
    let spec = input.spec();
    if input.act == "test" {
        let unit = ctx.actor()?.unit.clone();
        return match catalog.probe_unstored(&ctx, unit, &spec).await {
            // The page keeps no password: it is typed again, or the test follows the saving.
            Ok(probed) => Ok(page(source_form(chrome, None, input, FieldErrors::none(), Some(probed)))),
            Err(error) => refused(chrome, None, input, error),
        };
    }
    match run(catalog.kernel(), &ctx, CreateSource { unit: None, spec, vault: catalog.vault() }).await {
        Ok(receipt) => Ok(go(&format!("/datasources/{}", receipt.output))),
        Err(error) => refused(chrome, None, input, error),
    }
}

fn refused(chrome: Chrome, row: Option<source::Model>, input: Input, error: Error) -> WebResult {
    let errors = FieldErrors::of(error)?;
    Ok(page_with(StatusCode::UNPROCESSABLE_ENTITY, source_form(chrome, row, input, errors, None)))
}

/// The source, when this person may do that with it.
async fn allowed(catalog: &Catalog, ctx: &Ctx, id: &SourceId, action: &str) -> Result<(source::Model, String)> {
    let db = catalog.kernel().store.reader();
    let row = source::find(db, id).await?;
    let owner = unit::find(db, &row.unit_id).await?.as_ref();
    catalog.allow(ctx, action, &policy_source(id.as_str(), &owner))?;
    Ok((row, owner.name))
}

pub(super) async fn form(
    State(catalog): State<Catalog>,
    chrome: Chrome,
    ctx: Ctx,
    Path(id): Path<SourceId>,
) -> WebResult {
    let (row, _) = allowed(&catalog, &ctx, &id, "catalog.source.edit").await?;
    let input = Input::of(&row)?;
    Ok(page(source_form(chrome, Some(row), input, FieldErrors::none(), None)))
}

pub(super) async fn save(
    State(catalog): State<Catalog>,
    chrome: Chrome,
    ctx: Ctx,
    Path(id): Path<SourceId>,
    Form(input): Form<Input>,
) -> WebResult {
    let (row, _) = allowed(&catalog, &ctx, &id, "catalog.source.edit").await?;
    let command = EditSource { id: id.clone(), version: input.version, spec: input.spec(), vault: catalog.vault() };
    match run(catalog.kernel(), &ctx, command).await {
        Ok(_) => Ok(go(&format!("/datasources/{id}"))),
        Err(error) => refused(chrome, Some(row), input, error),
    }
}

#[derive(Template)]
#[template(path = "catalog/source.html")]
struct Show {
    chrome: Chrome,
    row: source::Model,
    unit: String,
    can: bool,
    job: Option<JobCard>,
    tables: Vec<TableRow>,
}

impl Show {
    fn close_action(&self) -> String {
        format!("/datasources/{}/close", self.row.id)
    }
}

struct TableRow {
    table: source_table::Model,
    columns: Vec<source_table::column::Model>,
    /// Entry that is mounted on it: name and address.
    entry: Option<(String, String)>,
}

pub(super) async fn show(
    State(catalog): State<Catalog>,
    chrome: Chrome,
    ctx: Ctx,
    Path(id): Path<SourceId>,
) -> WebResult {
    let (row, unit) = allowed(&catalog, &ctx, &id, "catalog.source.view").await?;
    let db = catalog.kernel().store.reader();
    let mounted = resource::on_source(db, &id).await?;
    let mut tables = Vec::new();
    for table in source_table::of(db, &id).await? {
        let columns = source_table::columns(db, &id, &table.name).await?;
        let entry = mounted.iter().find(|row| row.source_table == table.name);
        let entry = entry.map(|row| (row.name.clone(), format!("/catalog/{}", row.path_code())));
        tables.push(TableRow { table, columns, entry });
    }
    let can = allowed(&catalog, &ctx, &id, "catalog.source.scan").await.is_ok() && row.closed_at.is_none();
    let job = card(&catalog, &row).await?;
    Ok(page(Show { chrome: chrome.titled(row.name.clone()).crumb("数据源", "/datasources"), row, unit, can, job, tables }))
}

/// The scan as a card that renews itself while it runs.
async fn card(catalog: &Catalog, row: &source::Model) -> Result<Option<JobCard>> {
    let Some(id) = &row.scan_job else { return Ok(None) };
    let job = jobs::find(catalog.kernel().store.reader(), id).await?;
    let state = match job.state {
        JobState::Queued => "queued",
        JobState::Running => "running",
        JobState::Done => "done",
        JobState::Failed => "failed",
        JobState::Cancelled => "cancelled",
    };
    let number = |n: i64| u64::try_from(n).unwrap_or(0);
    let took = job.started_at.zip(job.finished_at).map(|(from, to)| number(to.millis() - from.millis()));
    let message = match (&job.error, job.current.as_str()) {
        (Some(error), _) => error.clone(),
        (None, "") => String::new(),
        (None, table) => format!("正在读取 {table}"),
    };
    Ok(Some(JobCard {
        id: job.id.to_string(),
        title: format!("扫描「{}」的表、列和行数", row.name),
        state: state.to_owned(),
        done: number(job.done),
        total: job.total.map(number),
        unit: "张表".to_owned(),
        took_ms: took,
        message,
        src: format!("/datasources/{}/job", row.id),
        ..JobCard::default()
    }))
}

#[derive(Template)]
#[template(path = "catalog/source_job.html")]
struct JobPiece {
    chrome: Chrome,
    job: JobCard,
    done: bool,
    href: String,
}

/// The card alone, for a page that renews it.
pub(super) async fn job(
    State(catalog): State<Catalog>,
    chrome: Chrome,
    ctx: Ctx,
    Path(id): Path<SourceId>,
) -> WebResult {
    let (row, _) = allowed(&catalog, &ctx, &id, "catalog.source.view").await?;
    let job = card(&catalog, &row).await?.ok_or_else(|| Error::not_found("任务"))?;
    let done = job.state == "done";
    Ok(page(JobPiece { chrome, job, done, href: format!("/datasources/{id}") }))
}

pub(super) async fn test(State(catalog): State<Catalog>, ctx: Ctx, Path(id): Path<SourceId>) -> WebResult {
    catalog.probe(&ctx, &id).await?;
    Ok(go(&format!("/datasources/{id}")))
}

pub(super) async fn scan(State(catalog): State<Catalog>, ctx: Ctx, Path(id): Path<SourceId>) -> WebResult {
    run(catalog.kernel(), &ctx, StartScan { id: id.clone() }).await?;
    Ok(go(&format!("/datasources/{id}")))
}

pub(super) async fn check(State(catalog): State<Catalog>, ctx: Ctx, Path(id): Path<SourceId>) -> WebResult {
    run(catalog.kernel(), &ctx, StartCheck { id: id.clone() }).await?;
    Ok(go("/catalog/mount?mounted=yes"))
}

#[derive(Deserialize)]
pub(super) struct Seen {
    version: i32,
}

pub(super) async fn close(
    State(catalog): State<Catalog>,
    ctx: Ctx,
    Path(id): Path<SourceId>,
    Form(seen): Form<Seen>,
) -> WebResult {
    run(catalog.kernel(), &ctx, CloseSource { id, version: seen.version }).await?;
    Ok(go("/datasources"))
}
