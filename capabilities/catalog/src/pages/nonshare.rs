//! Page 12: 不予共享复核. The reasons are looked at again at least once a year.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use hufu_kernel::command::{Ctx, run};
use hufu_kernel::error::Result;
use hufu_kernel::shell::list::{Cell, Column, Filter, FilterField, List, ListQuery, ListView, Op};
use hufu_kernel::shell::page::{go, page_with};
use hufu_kernel::shell::parts::FieldErrors;
use hufu_kernel::shell::{Chrome, Form, Path, WebResult, page};
use hufu_kernel::unit;
use serde::{Deserialize, Serialize};

use super::words::{allow_lists, own_path};
use crate::Catalog;
use crate::commands::policy_resource;
use crate::commands::review_withheld::ReviewWithheld;
use crate::facts::reviews_overdue;
use crate::model::state::State as EntryState;
use crate::model::terms::Sharing;
use crate::queries::{Hit, Listed, entries};
use crate::store::resource;

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct NonshareFilter {
    q: Option<String>,
}

impl Filter for NonshareFilter {
    fn fields(&self) -> Vec<FilterField> {
        vec![FilterField::text("q", "名称或代码", &self.q, "目录名称或代码")]
    }
}

const COLUMNS: [Column<Hit>; 6] = [
    Column::new("name", "目录名称", 36, |hit: &Hit| Cell::Name {
        text: hit.row.name.clone(),
        note: hit.row.code.clone(),
        href: format!("/catalog/{}", hit.row.path_code()),
    }),
    Column::new("unit", "提供单位", 18, |hit: &Hit| Cell::Text(hit.unit.clone())),
    Column::new("reason", "理由", 30, |hit: &Hit| Cell::Text(hit.row.withheld_reason.clone())),
    Column::new("basis", "法律依据", 30, |hit: &Hit| Cell::Text(hit.row.withheld_basis.clone())),
    Column::new("reviewed", "上次复核", 14, |hit: &Hit| hit.row.reviewed_at.map_or(Cell::Empty, |at| Cell::Date(at.date()))),
    Column::new("due", "下次复核", 14, |hit: &Hit| hit.row.review_due.map_or(Cell::Empty, |at| Cell::Date(at.date()))),
];

static WITHHELD: List<Hit> = List::new("不予共享复核", &COLUMNS)
    .ops(|hit| vec![Op::new("查看", format!("/catalog/{}", hit.row.path_code())), Op::new("复核", format!("/catalog/nonshare/{}", hit.row.path_code()))]);

#[derive(Template)]
#[template(path = "catalog/nonshare_list.html")]
struct Index {
    chrome: Chrome,
    list: ListView,
    overdue: u64,
}

pub(super) async fn index(
    State(catalog): State<Catalog>,
    chrome: Chrome,
    ctx: Ctx,
    query: ListQuery<NonshareFilter>,
) -> WebResult {
    allow_lists(&catalog, &ctx)?;
    let path = own_path(ctx.actor()?);
    let wanted = Listed {
        unit_path: path.clone(),
        text: query.filter.q.clone(),
        state: Some(EntryState::Published),
        sharing: Some(Sharing::Withheld),
        by_review: true,
        ..Listed::default()
    };
    let db = catalog.kernel().store.reader();
    let (rows, total) = entries(db, &wanted, query.paging.offset(), query.paging.limit()).await?;
    let hits = catalog.dress(rows).await?;
    let overdue = reviews_overdue(db, &path, ctx.now).await?;
    let chrome = chrome.titled("不予共享复核").crumb("数据目录", "/catalog");
    Ok(page(Index { chrome, list: WITHHELD.view(&query, &hits, total), overdue }))
}

#[derive(Template)]
#[template(path = "catalog/nonshare.html")]
struct Review {
    chrome: Chrome,
    row: resource::Model,
    basis: String,
    reason: String,
    errors: FieldErrors,
}

impl Review {
    fn sub(&self) -> String {
        format!("{}　{}", self.row.name, self.row.code)
    }
}

pub(super) async fn form(State(catalog): State<Catalog>, chrome: Chrome, ctx: Ctx, Path(code): Path<String>) -> WebResult {
    let row = reviewable(&catalog, &ctx, &code).await?;
    let (basis, reason) = (row.withheld_basis.clone(), row.withheld_reason.clone());
    Ok(page(review(chrome, row, basis, reason, FieldErrors::none())))
}

async fn reviewable(catalog: &Catalog, ctx: &Ctx, code: &str) -> Result<resource::Model> {
    let db = catalog.kernel().store.reader();
    let row = resource::find_by_key(db, code).await?;
    let owner = unit::find(db, &row.unit_id).await?.as_ref();
    catalog.allow(ctx, "catalog.resource.review_withheld", &policy_resource(row.id.as_str(), &owner, row.state))?;
    Ok(row)
}

fn review(chrome: Chrome, row: resource::Model, basis: String, reason: String, errors: FieldErrors) -> Review {
    let chrome = chrome.titled("复核不予共享").crumb("数据目录", "/catalog").crumb("不予共享复核", "/catalog/nonshare");
    Review { chrome, row, basis, reason, errors }
}

#[derive(Deserialize)]
pub(super) struct Input {
    version: i32,
    #[serde(default)]
    basis: String,
    #[serde(default)]
    reason: String,
}

pub(super) async fn keep(
    State(catalog): State<Catalog>,
    chrome: Chrome,
    ctx: Ctx,
    Path(code): Path<String>,
    Form(input): Form<Input>,
) -> WebResult {
    let (basis, reason) = (input.basis.clone(), input.reason.clone());
    let command = ReviewWithheld { key: code.clone(), version: input.version, basis: input.basis, reason: input.reason };
    match run(catalog.kernel(), &ctx, command).await {
        Ok(_) => Ok(go("/catalog/nonshare")),
        Err(error) => {
            let errors = FieldErrors::of(error)?;
            let row = reviewable(&catalog, &ctx, &code).await?;
            Ok(page_with(StatusCode::UNPROCESSABLE_ENTITY, review(chrome, row, basis, reason, errors)))
        }
    }
}
