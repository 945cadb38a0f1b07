//! Page 5: 目录检索.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::State;
use axum::response::IntoResponse;
use hufu_kernel::actor::Role;
use hufu_kernel::command::{Ctx, run};
use hufu_kernel::error::{Error, Result};
use hufu_kernel::shell::list::{
    Bulk, Cell, Column, Download, Filter, FilterField, Format, List, ListQuery, ListView, Op, Seg,
};
use hufu_kernel::shell::parts::Choice;
use hufu_kernel::shell::{Chrome, WebResult, page};
use hufu_kernel::unit;
use serde::{Deserialize, Serialize};

use super::words::{allow_lists, cycle_choices, plain_choices, sharing_choices, sharing_short, state_code, theme_choices};
use crate::Catalog;
use crate::commands::export_resources::ExportResources;
use crate::model::terms::{ResourceKind, Sharing, THEMES};
use crate::queries::{Hit, providing_units};
use crate::search::{Chosen, Counts, Facet, Found, PAGE_SIZE_MAX, Scope, Sort, UNGRADED, Wanted};
use crate::sheets::ENTRIES_MAX;
use crate::sheets::book::{Heading, Line, write};
use crate::store::{cart, field};

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct CatalogFilter {
    pub(crate) q: Option<String>,
    /// Id of a unit; it and all below.
    pub(crate) unit: Option<String>,
    pub(crate) kind: Option<String>,
    pub(crate) sharing: Option<String>,
    pub(crate) grade: Option<String>,
    pub(crate) theme: Option<String>,
    pub(crate) cycle: Option<String>,
}

impl Filter for CatalogFilter {
    fn fields(&self) -> Vec<FilterField> {
        let mut grades = plain_choices(["L1", "L2", "L3", "L4"]);
        grades.push(Choice::new(UNGRADED, "未分级"));
        vec![
            FilterField::text("q", "关键词", &self.q, "目录名称、代码、信息项或关键词"),
            FilterField::select("sharing", "共享类型", self.sharing.clone(), sharing_choices()),
            FilterField::select("grade", "数据级别", self.grade.clone(), grades),
            FilterField::select("cycle", "更新周期", self.cycle.clone(), cycle_choices()),
            FilterField::select("theme", "主题", self.theme.clone(), theme_choices()),
        ]
    }
}

const COLUMNS: [Column<Hit>; 13] = [
    Column::new("name", "目录名称", 36, |hit: &Hit| Cell::Name {
        text: hit.row.name.clone(),
        note: hit.row.code.clone(),
        href: format!("/catalog/{}", hit.row.path_code()),
    }),
    Column::new("code", "目录代码", 22, |hit: &Hit| Cell::Code(hit.row.code.clone())).file_only().sortable(),
    Column::new("unit", "提供单位", 18, |hit: &Hit| Cell::Text(hit.unit.clone())),
    Column::new("kind", "类型", 10, |hit: &Hit| Cell::Text(hit.row.kind.title().to_owned())),
    Column::new("sharing", "共享类型", 12, |hit: &Hit| Cell::Text(sharing_short(hit.row.sharing).to_owned())),
    Column::new("grade", "级别", 8, |hit: &Hit| Cell::Level(hit.level)),
    Column::new("cycle", "周期", 10, |hit: &Hit| Cell::Text(hit.row.cycle.title().to_owned())),
    Column::new("updated", "最近更新", 18, |hit: &Hit| Cell::Moment(hit.row.updated_at)).sortable(),
    Column::new("applied", "申请量", 10, |hit: &Hit| hit.applied.map_or(Cell::Empty, Cell::Int)).right(),
    Column::new("theme", "主题", 14, |hit: &Hit| Cell::Text(hit.row.theme.clone())).hidden(),
    Column::new("rows", "数据量", 12, |hit: &Hit| hit.row.row_count.map_or(Cell::Empty, Cell::Int)).right().hidden(),
    Column::new("table", "SQL 表名", 26, |hit: &Hit| Cell::Code(hit.row.table_name.clone())).hidden(),
    Column::new("state", "状态", 10, |hit: &Hit| Cell::State(state_code(hit.row.state).to_owned())).hidden(),
];

static FOUND: List<Hit> = List::new("数据目录检索结果", &COLUMNS)
    .pick(|hit| (hit.row.code.clone(), hit.row.name.clone()))
    .ops(|hit| {
        let mut ops = vec![Op::new("查看", format!("/catalog/{}", hit.row.path_code()))];
        if hit.row.sharing != Sharing::Withheld {
            ops.push(Op::new("申请", format!("/apply/new?code={}", hit.row.path_code())));
        }
        ops
    })
    .files();

#[derive(Template)]
#[template(path = "catalog/search.html")]
struct Index {
    chrome: Chrome,
    list: ListView,
    tree: Vec<Branch>,
    whole: Branch,
    /// Further facets with their numbers: title and choices.
    facets: Vec<(&'static str, Vec<Branch>)>,
    cart: Option<u64>,
}

/// A unit of the tree with its number and what stands below it.
#[derive(Clone, Debug)]
struct Branch {
    name: String,
    count: u64,
    href: String,
    on: bool,
    open: bool,
    below: Vec<Branch>,
}

pub(super) async fn index(
    State(catalog): State<Catalog>,
    chrome: Chrome,
    ctx: Ctx,
    query: ListQuery<CatalogFilter>,
) -> WebResult {
    let found = find(&catalog, &ctx, &query).await?;
    let hits = catalog.hits(&found.ids).await?;
    let (tree, whole) = tree(&catalog, &query, &found.counts).await?;
    let mut list = FOUND.view(&query, &hits, found.total).with_segs(segs(&query, &found.counts));
    let actor = ctx.actor()?;
    let mut in_cart = None;
    if actor.has(Role::R4) {
        list = list.with_bulk(Bulk { action: "/catalog/cart".into(), acts: vec![("add", "加入申请篮")], whole: true });
        in_cart = Some(cart::count(catalog.kernel().store.reader(), &actor.account).await?);
    }
    let chrome = chrome.titled("目录检索").crumb("数据目录", "/catalog");
    let facets = facets(&catalog, &query, &found.counts);
    Ok(page(Index { chrome, list, tree, whole, facets, cart: in_cart }))
}

/// Asks the index, as page, API, export and bulk acts all do.
async fn find(catalog: &Catalog, ctx: &Ctx, query: &ListQuery<CatalogFilter>) -> Result<Found> {
    allow_lists(catalog, ctx)?;
    let filter = &query.filter;
    let mut chosen = Chosen::new();
    for (facet, value) in [
        (Facet::Unit, &filter.unit),
        (Facet::Kind, &filter.kind),
        (Facet::Sharing, &filter.sharing),
        (Facet::Grade, &filter.grade),
        (Facet::Theme, &filter.theme),
        (Facet::Cycle, &filter.cycle),
    ] {
        if let Some(value) = value {
            chosen.insert(facet, vec![value.clone()]);
        }
    }
    let sort = match FOUND.sort(query) {
        Some(("updated", true)) => Sort::Newest,
        Some(("updated", false)) => Sort::Oldest,
        Some(("code", _)) => Sort::Code,
        _ => Sort::Relevance,
    };
    let number = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
    let wanted = Wanted {
        text: filter.q.clone().unwrap_or_default(),
        chosen,
        scope: Scope::Published,
        sort,
        page: number(query.paging.page),
        size: number(query.paging.size),
    };
    catalog.search().find(wanted).await
}

/// `{items,total,facets}` for the API.
pub(crate) async fn list_json(catalog: &Catalog, ctx: &Ctx, query: &ListQuery<CatalogFilter>) -> Result<serde_json::Value> {
    let found = find(catalog, ctx, query).await?;
    let hits = catalog.hits(&found.ids).await?;
    let mut answer = FOUND.json(&hits, found.total);
    if let Some(object) = answer.as_object_mut() {
        object.insert("facets".to_owned(), serde_json::to_value(&found.counts)?);
    }
    Ok(answer)
}

/// All entries of the filter, page by page of the index.
pub(super) async fn whole(catalog: &Catalog, ctx: &Ctx, query: &ListQuery<CatalogFilter>, max: usize) -> Result<Vec<Hit>> {
    let mut hits = Vec::new();
    for at in 1.. {
        let mut part = query.clone().whole(PAGE_SIZE_MAX as u64);
        part.paging.page = at;
        let found = find(catalog, ctx, &part).await?;
        let is_last = found.ids.len() < PAGE_SIZE_MAX;
        hits.extend(catalog.hits(&found.ids).await?);
        if is_last || hits.len() >= max {
            break;
        }
    }
    hits.truncate(max);
    Ok(hits)
}

fn segs(query: &ListQuery<CatalogFilter>, counts: &Counts) -> Vec<Seg> {
    let kinds = counts.get(&Facet::Kind);
    let count = |kind: &str| kinds.and_then(|kinds| kinds.get(kind)).copied().unwrap_or(0);
    let filter = &query.filter;
    let href = |kind: Option<&str>| query.filter_url(CatalogFilter { kind: kind.map(str::to_owned), ..filter.clone() });
    let all = ResourceKind::ALL.iter().map(|kind| count(kind.code())).sum();
    let mut segs = vec![Seg { label: "全部".into(), count: all, href: href(None), on: filter.kind.is_none() }];
    segs.extend(ResourceKind::ALL.iter().map(|kind| Seg {
        label: kind.title().into(),
        count: count(kind.code()),
        href: href(Some(kind.code())),
        on: filter.kind.as_deref() == Some(kind.code()),
    }));
    segs
}

/// Grades and themes with their numbers; a chosen one is a link that takes it back.
fn facets(catalog: &Catalog, query: &ListQuery<CatalogFilter>, counts: &Counts) -> Vec<(&'static str, Vec<Branch>)> {
    let filter = &query.filter;
    let count = |facet: Facet, value: &str| counts.get(&facet).and_then(|all| all.get(value)).copied().unwrap_or(0);
    let branch = |name: String, count: u64, href: String, on: bool| Branch { name, count, href, on, open: false, below: Vec::new() };
    let grade = |code: &str, name: String| {
        let on = filter.grade.as_deref() == Some(code);
        let chosen = (!on).then(|| code.to_owned());
        let href = query.filter_url(CatalogFilter { grade: chosen, ..filter.clone() });
        branch(name, count(Facet::Grade, code), href, on)
    };
    let scheme = catalog.scheme();
    let mut grades: Vec<Branch> =
        scheme.levels.iter().rev().map(|level| grade(&level.code, format!("{} {}", level.code, level.name))).collect();
    grades.push(grade(UNGRADED, "未分级".to_owned()));
    let theme = |theme: &&'static str| {
        let on = filter.theme.as_deref() == Some(*theme);
        let chosen = (!on).then(|| (*theme).to_owned());
        let href = query.filter_url(CatalogFilter { theme: chosen, ..filter.clone() });
        branch((*theme).to_owned(), count(Facet::Theme, theme), href, on)
    };
    let themes = THEMES.iter().map(theme).filter(|theme| theme.count > 0 || theme.on).collect();
    vec![("数据级别", grades), ("主题", themes)]
}

/// Providing units as a tree, with the numbers of this query.
async fn tree(catalog: &Catalog, query: &ListQuery<CatalogFilter>, counts: &Counts) -> Result<(Vec<Branch>, Branch)> {
    let units = providing_units(catalog.kernel().store.reader()).await?;
    let none = BTreeMap::new();
    let by_unit = counts.get(&Facet::Unit).unwrap_or(&none);
    let filter = &query.filter;
    let href = |unit: Option<&str>| query.filter_url(CatalogFilter { unit: unit.map(str::to_owned), ..filter.clone() });
    let is_top = |unit: &&unit::Model| !units.iter().any(|other| Some(&other.id) == unit.parent_id.as_ref());
    let tops: Vec<&unit::Model> = units.iter().filter(is_top).collect();
    let chosen = filter.unit.as_deref();
    let path = units.iter().find(|unit| Some(unit.id.as_str()) == chosen).map(|unit| unit.path.as_str());
    let draw = Draw { units: &units, by_unit, chosen, path, href: &href };
    let count = tops.iter().map(|unit| draw.count(unit)).sum();
    let whole = Branch { name: "全部单位".into(), count, href: href(None), on: chosen.is_none(), open: true, below: Vec::new() };
    Ok((tops.into_iter().map(|unit| draw.branch(unit, true)).collect(), whole))
}

struct Draw<'a, F: Fn(Option<&str>) -> String> {
    units: &'a [unit::Model],
    by_unit: &'a BTreeMap<String, u64>,
    chosen: Option<&'a str>,
    /// Path of the chosen unit: what stands above it is open.
    path: Option<&'a str>,
    href: &'a F,
}

impl<F: Fn(Option<&str>) -> String> Draw<'_, F> {
    fn count(&self, unit: &unit::Model) -> u64 {
        self.by_unit.get(unit.id.as_str()).copied().unwrap_or(0)
    }

    fn branch(&self, unit: &unit::Model, open: bool) -> Branch {
        let below = self.units.iter().filter(|other| other.parent_id.as_ref() == Some(&unit.id));
        Branch {
            name: unit.name.clone(),
            count: self.count(unit),
            href: (self.href)(Some(unit.id.as_str())),
            on: self.chosen == Some(unit.id.as_str()),
            open: open || self.path.is_some_and(|path| path.starts_with(&unit.path)),
            below: below.map(|other| self.branch(other, false)).collect(),
        }
    }
}

pub(super) async fn xlsx(State(catalog): State<Catalog>, ctx: Ctx, query: ListQuery<CatalogFilter>) -> WebResult {
    Ok(national_form(&catalog, &ctx, query).await?.into_response())
}

/// The national form of what the filter finds; recorded with the digest of the file.
pub(crate) async fn national_form(catalog: &Catalog, ctx: &Ctx, query: ListQuery<CatalogFilter>) -> Result<Download> {
    let hits = whole(catalog, ctx, &query, ENTRIES_MAX).await?;
    let ids: Vec<_> = hits.iter().map(|hit| hit.row.id.clone()).collect();
    let mut fields = field::of_many(catalog.kernel().store.reader(), &ids).await?;
    let line = |hit: Hit| Line {
        code: hit.row.code.clone(),
        unit: hit.unit,
        metadata: hit.row.metadata(),
        grade: hit.row.grade.clone(),
        published_on: hit.row.published_at.map(|at| at.date().to_string()).unwrap_or_default(),
        fields: fields.remove(&hit.row.id).unwrap_or_default().iter().map(field::Model::spec).collect(),
    };
    let lines: Vec<Line> = hits.into_iter().map(line).collect();
    let actor = ctx.actor()?;
    let at = hufu_kernel::shell::fmt::minute(ctx.now);
    let (who, words, count) = (&actor.name, query.filter_words(), lines.len());
    let note = format!("单位：{}　导出人：{who}　导出时间：{at}　筛选条件：{words}　共 {count} 条", actor.unit.name);
    let title = "政务数据资源目录清单";
    let (scheme, counted) = (catalog.scheme(), lines.iter().map(|line| line.fields.len()).sum());
    let work = move || write(&lines, Heading { title, note: &note }, &scheme);
    let bytes = tokio::task::spawn_blocking(work).await.map_err(Error::internal)??;
    record(catalog, ctx, &query, (count, counted), &bytes).await?;
    Ok(Download { name: format!("{title}-{}.xlsx", ctx.now.day_number()), format: Format::Xlsx, bytes })
}

pub(super) async fn csv(State(catalog): State<Catalog>, ctx: Ctx, query: ListQuery<CatalogFilter>) -> WebResult {
    let hits = whole(&catalog, &ctx, &query, ENTRIES_MAX).await?;
    let file = FOUND.export(&query, &hits, ctx.actor()?, ctx.now).file(Format::Csv)?;
    record(&catalog, &ctx, &query, (hits.len(), 0), &file.bytes).await?;
    Ok(file.into_response())
}

/// Entries and fields that leave as a file are recorded before they leave.
async fn record(
    catalog: &Catalog,
    ctx: &Ctx,
    query: &ListQuery<CatalogFilter>,
    (entries, fields): (usize, usize),
    bytes: &[u8],
) -> Result<()> {
    let filter = &query.filter;
    let filter = serde_json::json!({
        "text_chars": filter.q.as_ref().map_or(0, |text| text.chars().count()),
        "unit": filter.unit, "kind": filter.kind, "sharing": filter.sharing, "grade": filter.grade,
        "theme": filter.theme, "cycle": filter.cycle,
    });
    let file_digest = hufu_crypto::sha256(bytes).to_string();
    run(catalog.kernel(), ctx, ExportResources { entries, fields, filter, file_digest }).await?;
    Ok(())
}
