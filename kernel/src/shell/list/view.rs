//! A list as a page draws it. All decisions are made here, so that the template only lays out.

use serde_json::{Value, json};

use super::cell::{Cell, Column, Op};
use super::export::{Export, Format};
use super::query::{Filter, FilterField, ListQuery, Paging, Sort};
use crate::actor::Actor;
use crate::shell::Html;
use crate::time::Timestamp;

/// Value and label of a row's tick.
pub type Pick<R> = fn(&R) -> (String, String);

/// A list as a capability declares it, once, as a constant.
#[derive(Clone, Copy, Debug)]
pub struct List<R: 'static> {
    /// Caption of the table and title of the file.
    pub title: &'static str,
    pub columns: &'static [Column<R>],
    /// Value and label of a row's tick, for lists with acts on many.
    pub pick: Option<Pick<R>>,
    /// Links at the end of a row.
    pub ops: Option<fn(&R) -> Vec<Op>>,
    /// Are there files of it? Then `PATH/export.xlsx` and `.csv` are routes.
    pub files: bool,
}

/// Acts on many rows: a POST with `ids`, or with `all` = the query string of the whole list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bulk {
    pub action: String,
    /// Value of `act` and its label; the first is the primary one.
    pub acts: Vec<(&'static str, &'static str)>,
    /// May all rows of the list be meant, beyond this page? Never for approvals of L3 and above.
    pub whole: bool,
}

/// One tab of the toolbar with its count: a filter people use most.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seg {
    pub label: String,
    pub count: u64,
    pub href: String,
    pub on: bool,
}

/// A list ready for the template.
#[derive(Clone, Debug)]
pub struct ListView {
    pub title: &'static str,
    pub path: String,
    pub fields: Vec<FilterField>,
    /// What the query card must carry along though it does not show it.
    pub carried: Vec<(String, String)>,
    pub segs: Vec<Seg>,
    pub heads: Vec<HeadCell>,
    pub rows: Vec<RowView>,
    pub picks: bool,
    pub has_ops: bool,
    pub bulk: Option<Bulk>,
    pub query: String,
    pub total: u64,
    pub paging: Paging,
    pub pages: Vec<PageLink>,
    pub sizes: Vec<(u64, String, bool)>,
    pub previous: Option<String>,
    pub next: Option<String>,
    pub columns: Vec<(&'static str, &'static str, bool)>,
    pub files: Vec<(&'static str, String)>,
    pub filtered: bool,
    pub filter_words: String,
    pub clear: String,
}

/// A column's head.
#[derive(Clone, Debug)]
pub struct HeadCell {
    pub label: &'static str,
    pub right: bool,
    /// Where a click leads; `None` for columns nobody sorts by.
    pub href: Option<String>,
    /// `ascending`, `descending` or nothing.
    pub order: &'static str,
}

/// A row.
#[derive(Clone, Debug)]
pub struct RowView {
    pub pick: Option<(String, String)>,
    pub cells: Vec<(Html, bool)>,
    pub ops: Vec<Op>,
}

/// A number of the pager; `href` is `None` for the gap and for the current page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageLink {
    pub label: String,
    pub href: Option<String>,
    pub on: bool,
}

impl<R> List<R> {
    pub const fn new(title: &'static str, columns: &'static [Column<R>]) -> Self {
        Self { title, columns, pick: None, ops: None, files: false }
    }

    pub const fn pick(mut self, pick: Pick<R>) -> Self {
        self.pick = Some(pick);
        self
    }

    pub const fn ops(mut self, ops: fn(&R) -> Vec<Op>) -> Self {
        self.ops = Some(ops);
        self
    }

    pub const fn files(mut self) -> Self {
        self.files = true;
        self
    }

    /// The order asked for, if this list has it: key of the column, and whether it descends.
    pub fn sort<F>(&self, query: &ListQuery<F>) -> Option<(&'static str, bool)> {
        let sort = query.sort.as_ref()?;
        let column = self.columns.iter().find(|column| column.sortable && column.key == sort.key)?;
        Some((column.key, sort.descending))
    }

    /// The page.
    pub fn view<F: Filter>(&self, query: &ListQuery<F>, rows: &[R], total: u64) -> ListView {
        let columns: Vec<&Column<R>> = self.columns.iter().filter(|c| !c.file_only && chosen(c, &query.cols)).collect();
        let fields = query.filter.fields();
        let pages = query.paging.pages(total);
        let page = query.paging.page.min(pages);
        ListView {
            title: self.title,
            path: query.path.clone(),
            carried: carried(query, &fields),
            fields,
            segs: Vec::new(),
            heads: columns.iter().map(|column| head(column, query)).collect(),
            rows: rows.iter().map(|row| self.row(row, &columns)).collect(),
            picks: false,
            has_ops: self.ops.is_some(),
            bulk: None,
            query: query.query_string(),
            total,
            paging: query.paging,
            pages: page_links(query, page, pages),
            sizes: sizes(query),
            previous: (page > 1).then(|| query.page_url(page - 1)),
            next: (page < pages).then(|| query.page_url(page + 1)),
            columns: self
                .columns
                .iter()
                .filter(|c| !c.file_only)
                .map(|c| (c.key, c.label, chosen(c, &query.cols)))
                .collect(),
            files: if self.files {
                Format::ALL.map(|format| (format.label(), query.export_url(format.extension()))).to_vec()
            } else {
                Vec::new()
            },
            filtered: query.is_filtered(),
            filter_words: query.filter_words(),
            clear: query.filter_url(F::default()),
        }
    }

    fn row(&self, row: &R, columns: &[&Column<R>]) -> RowView {
        RowView {
            pick: self.pick.map(|pick| pick(row)),
            cells: columns.iter().map(|column| ((column.cell)(row).html(), column.right)).collect(),
            ops: self.ops.map(|ops| ops(row)).unwrap_or_default(),
        }
    }

    /// `{items,total}` of the API: every column under its key.
    pub fn json(&self, rows: &[R], total: u64) -> Value {
        let items: Vec<Value> = rows.iter().map(|row| self.item(row)).collect();
        json!({ "items": items, "total": total })
    }

    fn item(&self, row: &R) -> Value {
        self.columns
            .iter()
            .map(|column| (column.key.to_owned(), (column.cell)(row).json()))
            .collect::<serde_json::Map<_, _>>()
            .into()
    }

    /// The file: shown and file-only columns, with who took it out, when, and under which filter.
    pub fn export<F: Filter>(&self, query: &ListQuery<F>, rows: &[R], who: &Actor, at: Timestamp) -> Export {
        let columns: Vec<&Column<R>> = self.columns.iter().filter(|c| c.file_only || chosen(c, &query.cols)).collect();
        Export {
            title: self.title.to_owned(),
            unit: who.unit.name.clone(),
            who: who.name.clone(),
            at,
            filters: query.filter_words(),
            heads: columns.iter().map(|column| (column.label.to_owned(), column.width)).collect(),
            rows: rows
                .iter()
                .map(|row| columns.iter().map(|column| (column.cell)(row)).collect::<Vec<Cell>>())
                .collect(),
        }
    }
}

impl ListView {
    pub fn with_segs(mut self, segs: Vec<Seg>) -> Self {
        self.segs = segs;
        self
    }

    /// Acts on many; rows get their ticks.
    pub fn with_bulk(mut self, bulk: Bulk) -> Self {
        self.picks = true;
        self.bulk = Some(bulk);
        self
    }

    pub fn is_empty(&self) -> bool {
        self.total == 0
    }

    /// The query without its page, as hidden fields of a form that leads back here.
    pub fn all_pairs(&self) -> Vec<(String, String)> {
        let all: Vec<(String, String)> = serde_html_form::from_str(&self.query).unwrap_or_default();
        all.into_iter().filter(|(name, _)| name != "page").collect()
    }
}

fn chosen<R>(column: &Column<R>, cols: &[String]) -> bool {
    if cols.is_empty() { column.shown } else { cols.iter().any(|col| col == column.key) }
}

/// Everything of the query but the page, and but what the card's own fields say.
fn carried<F: Filter>(query: &ListQuery<F>, fields: &[FilterField]) -> Vec<(String, String)> {
    let all: Vec<(String, String)> = serde_html_form::from_str(&query.query_string()).unwrap_or_default();
    all.into_iter().filter(|(name, _)| name != "page" && !fields.iter().any(|field| field.name == name)).collect()
}

fn head<R, F: Filter>(column: &Column<R>, query: &ListQuery<F>) -> HeadCell {
    let now = query.sort.as_ref().filter(|sort| sort.key == column.key);
    let order = match now {
        Some(Sort { descending: true, .. }) => "descending",
        Some(_) => "ascending",
        None => "",
    };
    let href = column.sortable.then(|| query.sort_url(column.key, order == "ascending"));
    HeadCell { label: column.label, right: column.right, href, order }
}

fn sizes<F: Filter>(query: &ListQuery<F>) -> Vec<(u64, String, bool)> {
    let link = |size| ListQuery { paging: Paging { page: 1, size }, ..query.clone() }.page_url(1);
    Paging::SIZES.map(|size| (size, link(size), size == query.paging.size)).to_vec()
}

/// First, last, and two on each side of the current one.
fn page_links<F: Filter>(query: &ListQuery<F>, page: u64, pages: u64) -> Vec<PageLink> {
    let mut links = Vec::new();
    let mut last = 0;
    for n in 1..=pages {
        if n != 1 && n != pages && n.abs_diff(page) > 2 {
            continue;
        }
        if n > last + 1 {
            links.push(PageLink { label: "…".to_owned(), href: None, on: false });
        }
        let on = n == page;
        links.push(PageLink { label: n.to_string(), href: (!on).then(|| query.page_url(n)), on });
        last = n;
    }
    links
}
