//! 我的申请.

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use hufu_kernel::command::Ctx;
use hufu_kernel::shell::list::{Cell, Column, Export, Filter, FilterField, Format, List, ListQuery, ListView, Op};
use hufu_kernel::shell::{Chrome, WebResult, page};
use sea_orm::Iterable;
use serde::{Deserialize, Serialize};

use super::{application_code, due};
use crate::Service;
use crate::model::application::State as AppState;
use crate::queries::{self, ApplicationFilter, ApplicationLine, Slice};

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct MineFilter {
    q: Option<String>,
    state: Option<String>,
}

impl Filter for MineFilter {
    fn fields(&self) -> Vec<FilterField> {
        let codes: Vec<&str> = AppState::iter().map(application_code).collect();
        vec![
            FilterField::text("q", "申请", &self.q, "单号或应用场景"),
            FilterField::states("state", "状态", &self.state, &codes),
        ]
    }
}

impl MineFilter {
    fn filter(&self) -> ApplicationFilter {
        let state = AppState::iter().find(|state| self.state.as_deref() == Some(application_code(*state)));
        ApplicationFilter { text: self.q.clone(), state }
    }
}

const COLUMNS: [Column<ApplicationLine>; 7] = [
    Column::new("no", "申请", 30, |line: &ApplicationLine| Cell::Name {
        text: if line.row.scenario.is_empty() { "（未填应用场景）".to_owned() } else { line.row.scenario.clone() },
        note: line.row.no.clone(),
        href: format!("/apply/{}", line.row.no),
    }),
    Column::new("resources", "资源", 30, |line| Cell::Text(line.resources.join("、"))),
    Column::new("providers", "提供单位", 18, |line| Cell::Text(line.providers.join("、"))),
    Column::new("state", "状态", 10, |line| Cell::State(application_code(line.row.state).to_owned())),
    Column::new("waits", "当前环节", 22, |line| Cell::opt(line.waits.as_ref().map(|(step, ..)| step.clone()))),
    Column::new("due", "剩余时限", 14, |line| Cell::Due(line.waits.as_ref().map_or(hufu_kernel::shell::fmt::Due::None, |(_, at, left)| due(*at, *left)))),
    Column::new("submitted_at", "提交时间", 18, |line| line.row.submitted_at.map_or(Cell::Empty, Cell::Moment)),
];

static MINE: List<ApplicationLine> = List::new("我的申请", &COLUMNS)
    .ops(|line| {
        let no = &line.row.no;
        match line.row.state {
            AppState::Draft => vec![Op::new("继续填写", format!("/apply/{no}/edit"))],
            AppState::Supplementing => vec![Op::new("补正", format!("/apply/{no}/edit"))],
            AppState::Reviewing | AppState::Deciding | AppState::Closed | AppState::Refused | AppState::Withdrawn => {
                vec![Op::new("查看", format!("/apply/{no}"))]
            }
        }
    })
    .files();

#[derive(Template)]
#[template(path = "sharing/apply_list.html")]
struct Index {
    chrome: Chrome,
    list: ListView,
}

pub(super) async fn index(State(service): State<Service>, chrome: Chrome, ctx: Ctx, query: ListQuery<MineFilter>) -> WebResult {
    let slice = Slice::new(query.paging.page, query.paging.limit());
    let (rows, total) = queries::my_applications(&service.kernel, &ctx, &query.filter.filter(), slice).await?;
    Ok(page(Index { chrome: chrome.titled("我的申请"), list: MINE.view(&query, &rows, total) }))
}

pub(super) async fn export_xlsx(service: State<Service>, ctx: Ctx, query: ListQuery<MineFilter>) -> WebResult {
    export(service, ctx, query, Format::Xlsx).await
}

pub(super) async fn export_csv(service: State<Service>, ctx: Ctx, query: ListQuery<MineFilter>) -> WebResult {
    export(service, ctx, query, Format::Csv).await
}

async fn export(State(service): State<Service>, ctx: Ctx, query: ListQuery<MineFilter>, format: Format) -> WebResult<Response> {
    let query = query.whole(Export::ROWS_MAX);
    let slice = Slice::new(1, queries::PAGE_MAX);
    let (rows, _) = queries::my_applications(&service.kernel, &ctx, &query.filter.filter(), slice).await?;
    Ok(MINE.export(&query, &rows, ctx.actor()?, ctx.now).file(format)?.into_response())
}
