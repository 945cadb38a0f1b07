//! `/accounts/audit`: accounts that nobody looks after, by what is wrong with them.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use hufu_kernel::command::Ctx;
use hufu_kernel::shell::list::{Cell, Column, Export, Filter, FilterField, Format, List, ListQuery, ListView, Op, Seg};
use hufu_kernel::shell::{Chrome, WebResult, fmt, page};
use serde::{Deserialize, Serialize};

use super::users::recorded;
use crate::model::account::Concern;
use crate::queries::{self, Neglected};
use crate::service::Identity;

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct ConcernFilter {
    concern: Option<String>,
}

impl Filter for ConcernFilter {
    fn fields(&self) -> Vec<FilterField> {
        Vec::new()
    }
}

impl ConcernFilter {
    fn read(&self) -> Option<Concern> {
        Concern::ALL.into_iter().find(|concern| Some(concern.code()) == self.concern.as_deref())
    }
}

const COLUMNS: [Column<Neglected>; 6] = [
    Column::new("login", "账号", 18, |one: &Neglected| Cell::Name {
        text: one.row.account.login.clone(),
        note: one.row.account.name.clone(),
        href: format!("/sys/users/{}", one.row.account.id),
    }),
    Column::new("name", "姓名", 12, |one: &Neglected| Cell::Masked(fmt::mask_name(&one.row.account.name))).file_only(),
    Column::new("unit", "单位", 26, |one: &Neglected| Cell::Text(one.row.unit.name.clone())),
    Column::new("last_login", "最近登录", 18, |one: &Neglected| {
        one.row.account.last_login_at.map_or_else(|| Cell::Text("从未登录".to_owned()), Cell::Moment)
    }),
    Column::new("concerns", "问题", 18, |one: &Neglected| Cell::Text(names(one))),
    Column::new("advice", "建议", 40, |one: &Neglected| {
        Cell::opt(one.concerns.last().map(|concern| concern.advice()))
    }),
];

static NEGLECTED: List<Neglected> = List::new("账号清理", &COLUMNS)
    .ops(|one| vec![Op::new("处理", format!("/sys/users/{}", one.row.account.id))])
    .files();

fn names(one: &Neglected) -> String {
    one.concerns.iter().map(|concern| concern.name()).collect::<Vec<_>>().join("、")
}

#[derive(Template)]
#[template(path = "identity/upkeep.html")]
struct Index {
    chrome: Chrome,
    list: ListView,
}

pub(super) async fn index(
    State(identity): State<Arc<Identity>>,
    chrome: Chrome,
    ctx: Ctx,
    query: ListQuery<ConcernFilter>,
) -> WebResult {
    let all = queries::neglected(&identity.kernel, &ctx, None).await?;
    let chosen = query.filter.read();
    let with = |concern: Concern| all.iter().filter(|one| one.concerns.contains(&concern)).count();
    let seg = |label: &str, count: usize, concern: Option<Concern>| Seg {
        label: label.to_owned(),
        count: u64::try_from(count).unwrap_or(u64::MAX),
        href: query.filter_url(ConcernFilter { concern: concern.map(|concern| concern.code().to_owned()) }),
        on: chosen == concern,
    };
    let mut segs = vec![seg("全部", all.len(), None)];
    segs.extend(Concern::ALL.map(|concern| seg(concern.name(), with(concern), Some(concern))));
    let found: Vec<Neglected> =
        all.iter().filter(|one| chosen.is_none_or(|concern| one.concerns.contains(&concern))).cloned().collect();
    let total = u64::try_from(found.len()).unwrap_or(u64::MAX);
    let skip = usize::try_from(query.paging.offset()).unwrap_or(usize::MAX);
    let take = usize::try_from(query.paging.limit()).unwrap_or(usize::MAX);
    let shown: Vec<Neglected> = found.into_iter().skip(skip).take(take).collect();
    let list = NEGLECTED.view(&query, &shown, total).with_segs(segs);
    Ok(page(Index { chrome: chrome.crumb("安全策略", "/accounts/audit").titled("账号清理"), list }))
}

pub(super) async fn export_xlsx(
    State(identity): State<Arc<Identity>>,
    ctx: Ctx,
    query: ListQuery<ConcernFilter>,
) -> WebResult {
    export(&identity, &ctx, query, Format::Xlsx).await
}

pub(super) async fn export_csv(
    State(identity): State<Arc<Identity>>,
    ctx: Ctx,
    query: ListQuery<ConcernFilter>,
) -> WebResult {
    export(&identity, &ctx, query, Format::Csv).await
}

async fn export(identity: &Identity, ctx: &Ctx, query: ListQuery<ConcernFilter>, format: Format) -> WebResult {
    let found = queries::neglected(&identity.kernel, ctx, query.filter.read()).await?;
    let query = query.whole(Export::ROWS_MAX);
    let file = NEGLECTED.export(&query, &found, ctx.actor()?, ctx.now);
    Ok(recorded(identity, ctx, file, format).await?)
}
