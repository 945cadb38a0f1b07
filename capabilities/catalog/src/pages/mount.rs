//! Page 8: 资源挂接 with the last consistency check of each entry.

use std::collections::HashMap;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use hufu_kernel::command::{Ctx, run};
use hufu_kernel::error::{Error, FieldError, Result};
use hufu_kernel::ids::SourceId;
use hufu_kernel::shell::list::{Cell, Column, Filter, FilterField, List, ListQuery, ListView, Op};
use hufu_kernel::shell::page::{go, page_with};
use hufu_kernel::shell::parts::{Choice, FieldErrors};
use hufu_kernel::shell::{Chrome, Form, Path, Query, WebResult, page};
use hufu_kernel::time::Timestamp;
use hufu_kernel::unit;
use serde::{Deserialize, Serialize};

use super::words::{check_code, state_code};
use crate::Catalog;
use crate::commands::mount_resource::MountResource;
use crate::commands::policy_resource;
use crate::model::check::CheckResult;
use crate::model::state::State as EntryState;
use crate::queries::{Hit, Listed, entries, last_checks, source_names};
use crate::store::{resource, source, source_table};

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct MountFilter {
    q: Option<String>,
    /// `yes`, `no`.
    mounted: Option<String>,
}

impl Filter for MountFilter {
    fn fields(&self) -> Vec<FilterField> {
        let choices = vec![Choice::new("yes", "已挂接"), Choice::new("no", "未挂接")];
        vec![
            FilterField::text("q", "名称或代码", &self.q, "目录名称、代码或 SQL 表名"),
            FilterField::select("mounted", "挂接", self.mounted.clone(), choices),
        ]
    }
}

/// An entry with its source and its last check.
pub(super) struct MountRow {
    hit: Hit,
    source: Option<String>,
    check: Option<(CheckResult, Timestamp)>,
}

const COLUMNS: [Column<MountRow>; 8] = [
    Column::new("name", "目录名称", 36, |row: &MountRow| Cell::Name {
        text: row.hit.row.name.clone(),
        note: row.hit.row.code.clone(),
        href: format!("/catalog/{}?tab=mount", row.hit.row.path_code()),
    }),
    Column::new("kind", "类型", 10, |row: &MountRow| Cell::Text(row.hit.row.kind.title().to_owned())),
    Column::new("source", "数据源", 20, |row: &MountRow| Cell::opt(row.source.clone())),
    Column::new("table", "物理表", 20, |row: &MountRow| match row.hit.row.source_table.as_str() {
        "" => Cell::Empty,
        table => Cell::Code(table.to_owned()),
    }),
    Column::new("rows", "行数", 12, |row: &MountRow| row.hit.row.row_count.map_or(Cell::Empty, Cell::Int)).right(),
    Column::new("check", "一致性", 10, |row: &MountRow| {
        row.check.map_or(Cell::Empty, |(result, _)| Cell::State(check_code(result).to_owned()))
    }),
    Column::new("checked", "最近检查", 18, |row: &MountRow| row.check.map_or(Cell::Empty, |(_, at)| Cell::Moment(at))),
    Column::new("state", "状态", 10, |row: &MountRow| Cell::State(state_code(row.hit.row.state).to_owned())),
];

static MOUNTS: List<MountRow> = List::new("资源挂接", &COLUMNS).ops(|row| {
    let code = row.hit.row.path_code();
    let mut ops = vec![Op::new("查看", format!("/catalog/{code}?tab=mount"))];
    if row.hit.row.state != EntryState::Submitted {
        ops.push(Op::new(if row.source.is_some() { "改挂" } else { "挂接" }, format!("/catalog/mount/{code}")));
    }
    ops
});

#[derive(Template)]
#[template(path = "catalog/mount_list.html")]
struct Index {
    chrome: Chrome,
    list: ListView,
}

pub(super) async fn index(
    State(catalog): State<Catalog>,
    chrome: Chrome,
    ctx: Ctx,
    query: ListQuery<MountFilter>,
) -> WebResult {
    let actor = ctx.actor()?.clone();
    catalog.allow(&ctx, "catalog.resource.mount", &policy_resource("list", &actor.unit, EntryState::Draft))?;
    let wanted = Listed {
        unit_path: actor.unit.path,
        text: query.filter.q.clone(),
        mounted: query.filter.mounted.as_deref().map(|word| word == "yes"),
        ..Listed::default()
    };
    let db = catalog.kernel().store.reader();
    let (rows, total) = entries(db, &wanted, query.paging.offset(), query.paging.limit()).await?;
    let rows = with_sources(&catalog, catalog.dress(rows).await?).await?;
    let chrome = chrome.titled("资源挂接").crumb("数据目录", "/catalog");
    Ok(page(Index { chrome, list: MOUNTS.view(&query, &rows, total) }))
}

async fn with_sources(catalog: &Catalog, hits: Vec<Hit>) -> Result<Vec<MountRow>> {
    let db = catalog.kernel().store.reader();
    let ids: Vec<_> = hits.iter().map(|hit| hit.row.id.clone()).collect();
    let checks = last_checks(db, &ids).await?;
    let sources: HashMap<SourceId, String> =
        source_names(db, hits.iter().filter_map(|hit| hit.row.source_id.clone()).collect()).await?;
    let row = |hit: Hit| MountRow {
        source: hit.row.source_id.as_ref().and_then(|id| sources.get(id)).cloned(),
        check: checks.get(&hit.row.id).copied(),
        hit,
    };
    Ok(hits.into_iter().map(row).collect())
}

#[derive(Template)]
#[template(path = "catalog/mount.html")]
struct Mount {
    chrome: Chrome,
    row: resource::Model,
    sources: Vec<Choice>,
    source: String,
    tables: Vec<Choice>,
    table: String,
    errors: FieldErrors,
}

impl Mount {
    fn sub(&self) -> String {
        format!("{}　{}", self.row.name, self.row.code)
    }
}

#[derive(Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    source: Option<SourceId>,
}

pub(super) async fn form(
    State(catalog): State<Catalog>,
    chrome: Chrome,
    ctx: Ctx,
    Path(code): Path<String>,
    Query(asked): Query<Asked>,
) -> WebResult {
    let row = mountable(&catalog, &ctx, &code).await?;
    let source = asked.source.or_else(|| row.source_id.clone());
    Ok(page(mount(&catalog, chrome, row, source, FieldErrors::none()).await?))
}

async fn mountable(catalog: &Catalog, ctx: &Ctx, code: &str) -> Result<resource::Model> {
    let db = catalog.kernel().store.reader();
    let row = resource::find_by_key(db, code).await?;
    let owner = unit::find(db, &row.unit_id).await?.as_ref();
    catalog.allow(ctx, "catalog.resource.mount", &policy_resource(row.id.as_str(), &owner, row.state))?;
    Ok(row)
}

async fn mount(
    catalog: &Catalog,
    chrome: Chrome,
    row: resource::Model,
    source: Option<SourceId>,
    errors: FieldErrors,
) -> Result<Mount> {
    let db = catalog.kernel().store.reader();
    let sources = source::of_unit(db, &row.unit_id).await?;
    let tables = match &source {
        Some(id) => source_table::of(db, id).await?,
        None => Vec::new(),
    };
    let label = |table: &source_table::Model| match (table.comment.as_str(), table.row_count) {
        ("", None) => table.name.clone(),
        ("", Some(rows)) => format!("{}（{rows} 行）", table.name),
        (comment, None) => format!("{}　{comment}", table.name),
        (comment, Some(rows)) => format!("{}　{comment}（{rows} 行）", table.name),
    };
    Ok(Mount {
        chrome: chrome.titled("挂接资源").crumb("数据目录", "/catalog").crumb("资源挂接", "/catalog/mount"),
        sources: sources.iter().map(|source| Choice::new(source.id.to_string(), source.name.clone())).collect(),
        source: source.map(|id| id.to_string()).unwrap_or_default(),
        tables: tables.iter().map(|table| Choice::new(table.name.clone(), label(table))).collect(),
        table: row.source_table.clone(),
        row,
        errors,
    })
}

#[derive(Deserialize)]
pub(super) struct Input {
    version: i32,
    #[serde(default)]
    source: String,
    #[serde(default)]
    table: String,
}

pub(super) async fn take(
    State(catalog): State<Catalog>,
    chrome: Chrome,
    ctx: Ctx,
    Path(code): Path<String>,
    Form(input): Form<Input>,
) -> WebResult {
    let done = match input.source.parse::<SourceId>() {
        Ok(source) => {
            let command = MountResource { key: code.clone(), version: input.version, source, table: input.table };
            run(catalog.kernel(), &ctx, command).await.map(|_| ())
        }
        Err(_) => Err(Error::invalid(vec![FieldError::new("source", "请选择数据源")])),
    };
    match done {
        Ok(()) => Ok(go(&format!("/catalog/{code}?tab=mount"))),
        Err(error) => {
            let errors = FieldErrors::of(error)?;
            let row = mountable(&catalog, &ctx, &code).await?;
            let form = mount(&catalog, chrome, row, input.source.parse().ok(), errors).await?;
            Ok(page_with(StatusCode::UNPROCESSABLE_ENTITY, form))
        }
    }
}
