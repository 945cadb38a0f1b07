//! What a list is asked: typed filters ↔ query string, sort, page, columns. One URL means one list, in a page, the API or a file.

use std::fmt::Debug;

use axum::extract::{FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderValue, header};
use axum::middleware::Next;
use axum::response::Response;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::{Error, FieldError};
use crate::shell::chrome::cookie;
use crate::shell::extract::parse_query;
use crate::shell::page::WebError;
use crate::shell::parts::Choice;

/// The filters of one list, as its query string has them. Absent means no restriction: use `Option`, `Vec`, `String`.
/// Derive `Serialize`, `Deserialize` with `#[serde(default)]` on the struct, so that every part may be left out.
pub trait Filter: Serialize + DeserializeOwned + Default + Clone + Debug + Send + Sync {
    /// The query card: one field for each filter people see.
    fn fields(&self) -> Vec<FilterField>;
}

/// One field of the query card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilterField {
    /// Name in the query string.
    pub name: &'static str,
    pub label: &'static str,
    pub value: String,
    pub input: Input,
}

/// How it is entered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    Text { hint: &'static str },
    Date,
    Select { choices: Vec<Choice> },
}

impl FilterField {
    pub fn text(name: &'static str, label: &'static str, value: &Option<String>, hint: &'static str) -> Self {
        Self { name, label, value: value.clone().unwrap_or_default(), input: Input::Text { hint } }
    }

    pub fn date(name: &'static str, label: &'static str, value: Option<chrono::NaiveDate>) -> Self {
        Self { name, label, value: value.map(crate::shell::fmt::iso).unwrap_or_default(), input: Input::Date }
    }

    pub fn select(
        name: &'static str,
        label: &'static str,
        value: impl Into<Option<String>>,
        choices: Vec<Choice>,
    ) -> Self {
        Self { name, label, value: value.into().unwrap_or_default(), input: Input::Select { choices } }
    }

    /// States of the dictionary as a select.
    pub fn states(name: &'static str, label: &'static str, value: &Option<String>, codes: &[&str]) -> Self {
        let choices = codes.iter().map(|code| Choice::new(*code, crate::shell::status::word(code))).collect();
        Self::select(name, label, value.clone(), choices)
    }

    /// What was chosen, in words; empty when nothing was.
    pub fn word(&self) -> &str {
        match &self.input {
            Input::Select { choices } => choices
                .iter()
                .find(|choice| choice.value == self.value)
                .map_or(self.value.as_str(), |choice| choice.label.as_str()),
            Input::Text { .. } | Input::Date => &self.value,
        }
    }

    pub fn is_set(&self) -> bool {
        !self.value.is_empty()
    }

    pub fn choices(&self) -> &[Choice] {
        match &self.input {
            Input::Select { choices } => choices,
            Input::Text { .. } | Input::Date => &[],
        }
    }

    pub fn is_select(&self) -> bool {
        matches!(self.input, Input::Select { .. })
    }

    pub fn kind(&self) -> &'static str {
        if self.input == Input::Date { "date" } else { "text" }
    }

    pub fn hint(&self) -> &'static str {
        match self.input {
            Input::Text { hint } => hint,
            Input::Date | Input::Select { .. } => "",
        }
    }
}

/// Column and direction; `-updated` in the query string is descending.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sort {
    pub key: String,
    pub descending: bool,
}

impl Sort {
    fn parse(text: &str) -> Self {
        match text.strip_prefix('-') {
            Some(key) => Self { key: key.to_owned(), descending: true },
            None => Self { key: text.to_owned(), descending: false },
        }
    }

    fn text(&self) -> String {
        format!("{}{}", if self.descending { "-" } else { "" }, self.key)
    }
}

/// Which part of the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Paging {
    /// From 1.
    pub page: u64,
    pub size: u64,
}

impl Paging {
    /// Sizes a page offers.
    pub const SIZES: [u64; 3] = [20, 50, 100];
    /// Largest size the API gives.
    pub const API_SIZE_MAX: u64 = 200;

    pub fn offset(&self) -> u64 {
        (self.page - 1).saturating_mul(self.size)
    }

    pub fn limit(&self) -> u64 {
        self.size
    }

    pub fn pages(&self, total: u64) -> u64 {
        total.div_ceil(self.size).max(1)
    }
}

/// A list request. An extractor for pages and API alike.
#[derive(Clone, Debug)]
pub struct ListQuery<F> {
    pub filter: F,
    pub sort: Option<Sort>,
    pub paging: Paging,
    /// Chosen columns; empty means the usual ones.
    pub cols: Vec<String>,
    /// Path of the list, for its own links.
    pub path: String,
}

#[derive(serde::Deserialize)]
struct Common {
    #[serde(default)]
    sort: Option<String>,
    #[serde(default)]
    page: Option<u64>,
    #[serde(default)]
    size: Option<u64>,
    #[serde(default)]
    cols: Vec<String>,
}

impl<F: Filter> ListQuery<F> {
    /// Reads a query string. `api` allows any size up to its limit; pages snap to the sizes they offer.
    pub fn parse(path: &str, query: &str, api: bool) -> Result<Self, Error> {
        let common: Common = parse_query(query)?;
        let filter: F = parse_query(query)?;
        let size = common.size.unwrap_or(20);
        if api && !(1..=Paging::API_SIZE_MAX).contains(&size) {
            return Err(Error::invalid(vec![FieldError::new("size", "每页条数应在 1 至 200 之间")]));
        }
        let size = if api || Paging::SIZES.contains(&size) { size } else { 20 };
        Ok(Self {
            filter,
            sort: common.sort.filter(|sort| !sort.is_empty()).map(|sort| Sort::parse(&sort)),
            paging: Paging { page: common.page.unwrap_or(1).max(1), size },
            cols: common
                .cols
                .iter()
                .flat_map(|cols| cols.split(','))
                .filter(|col| !col.is_empty())
                .map(str::to_owned)
                .collect(),
            path: path.to_owned(),
        })
    }

    /// The same list from its first row, `max` rows at most: what an export reads.
    pub fn whole(mut self, max: u64) -> Self {
        self.paging = Paging { page: 1, size: max };
        self
    }

    /// The query string of this list.
    pub fn query_string(&self) -> String {
        self.with(self.sort.as_ref(), self.paging)
    }

    /// A link to another page of this list.
    pub fn page_url(&self, page: u64) -> String {
        self.url(self.sort.as_ref(), Paging { page, size: self.paging.size })
    }

    /// A link to this list by another order, from its first page.
    pub fn sort_url(&self, key: &str, descending: bool) -> String {
        self.url(Some(&Sort { key: key.to_owned(), descending }), Paging { page: 1, size: self.paging.size })
    }

    /// A link to this list under another filter, from its first page.
    pub fn filter_url(&self, filter: F) -> String {
        Self { filter, ..self.clone() }.url(self.sort.as_ref(), Paging { page: 1, size: self.paging.size })
    }

    /// Where the same list is fetched as a file; its route is `PATH/export.xlsx`.
    pub fn export_url(&self, extension: &str) -> String {
        let query = self.with(self.sort.as_ref(), Paging { page: 1, size: 20 });
        format!(
            "{}/export.{extension}{}{query}",
            self.path.trim_end_matches('/'),
            if query.is_empty() { "" } else { "?" }
        )
    }

    /// 「状态：生效中；提供单位：市民政局」, or 全部: the line of a file and of an empty list.
    pub fn filter_words(&self) -> String {
        let set: Vec<String> = self
            .filter
            .fields()
            .iter()
            .filter(|field| field.is_set())
            .map(|field| format!("{}：{}", field.label, field.word()))
            .collect();
        if set.is_empty() { "全部".to_owned() } else { set.join("；") }
    }

    pub fn is_filtered(&self) -> bool {
        serde_html_form::to_string(&self.filter).is_ok_and(|query| {
            query.split('&').any(|pair| pair.split_once('=').is_some_and(|(_, value)| !value.is_empty()))
        })
    }

    fn url(&self, sort: Option<&Sort>, paging: Paging) -> String {
        let query = self.with(sort, paging);
        if query.is_empty() { self.path.clone() } else { format!("{}?{query}", self.path) }
    }

    /// Only what differs from the usual stands in a URL, so that the same list has the same one.
    fn with(&self, sort: Option<&Sort>, paging: Paging) -> String {
        let filter = serde_html_form::to_string(&self.filter).unwrap_or_default();
        let mut pairs: Vec<String> = filter
            .split('&')
            .filter(|pair| pair.split_once('=').is_some_and(|(_, value)| !value.is_empty()))
            .map(str::to_owned)
            .collect();
        let mut rest: Vec<(&str, String)> = Vec::new();
        if let Some(sort) = sort {
            rest.push(("sort", sort.text()));
        }
        if !self.cols.is_empty() {
            rest.push(("cols", self.cols.join(",")));
        }
        if paging.size != 20 {
            rest.push(("size", paging.size.to_string()));
        }
        if paging.page > 1 {
            rest.push(("page", paging.page.to_string()));
        }
        pairs.extend(serde_html_form::to_string(rest).ok().filter(|rest| !rest.is_empty()));
        pairs.join("&")
    }
}

impl<F: Filter, S: Send + Sync> FromRequestParts<S> for ListQuery<F> {
    type Rejection = WebError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, WebError> {
        let path = parts.uri.path();
        let mut query = Self::parse(path, parts.uri.query().unwrap_or(""), path.starts_with("/api/"))?;
        if query.cols.is_empty() && !path.starts_with("/api/") {
            query.cols = remembered(parts, path);
        }
        Ok(query)
    }
}

/// The columns this reader chose last time, kept by the browser.
fn remembered(parts: &Parts, path: &str) -> Vec<String> {
    let chosen = cookie(&parts.headers, &cols_cookie(path)).unwrap_or("");
    chosen.split('.').filter(|col| !col.is_empty()).map(str::to_owned).collect()
}

/// Name of the cookie of one list's columns.
pub(crate) fn cols_cookie(path: &str) -> String {
    let name: String = path.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    format!("hf-cols{name}")
}

const REMEMBER_S: u32 = 365 * 24 * 3600;

/// Layer: a page that was asked with `cols` is shown with them next time.
pub(crate) async fn remember_columns(request: Request, next: Next) -> Response {
    let asked =
        parse_query::<Common>(request.uri().query().unwrap_or("")).map(|common| common.cols).unwrap_or_default();
    let path = request.uri().path().to_owned();
    let mut response = next.run(request).await;
    if asked.is_empty() || path.starts_with("/api/") || !response.status().is_success() {
        return response;
    }
    let cols: Vec<&str> = asked.iter().flat_map(|cols| cols.split(',')).filter(|col| is_key(col)).collect();
    let line = format!("{}={}; Path=/; SameSite=Lax; Max-Age={REMEMBER_S}", cols_cookie(&path), cols.join("."));
    if let Ok(value) = HeaderValue::from_str(&line) {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
    response
}

fn is_key(col: &str) -> bool {
    !col.is_empty() && col.len() <= 40 && col.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Debug, Default, PartialEq, Serialize, serde::Deserialize)]
    #[serde(default)]
    struct Resources {
        q: Option<String>,
        state: Option<String>,
        level: Vec<u8>,
    }

    impl Filter for Resources {
        fn fields(&self) -> Vec<FilterField> {
            vec![
                FilterField::text("q", "名称", &self.q, ""),
                FilterField::states("state", "状态", &self.state, &["draft", "published"]),
            ]
        }
    }

    fn check(query: &str, expect: &str) {
        let parsed = ListQuery::<Resources>::parse("/catalog", query, false).unwrap();
        assert_eq!(parsed.query_string(), expect);
        let again = ListQuery::<Resources>::parse("/catalog", expect, false).unwrap();
        assert_eq!((again.filter, again.sort, again.paging), (parsed.filter, parsed.sort, parsed.paging));
    }

    #[test]
    fn a_list_and_its_url_are_the_same_thing() {
        check("", "");
        check("page=1&size=20&q=&state=", "");
        check(
            "q=%E4%BD%8E%E4%BF%9D&level=3&level=4&sort=-updated&page=7&size=50",
            "q=%E4%BD%8E%E4%BF%9D&level=3&level=4&sort=-updated&size=50&page=7",
        );
        check("size=7", "");
        check("cols=name%2Clevel&unknown=1", "cols=name%2Clevel");
        check("cols=name&cols=level", "cols=name%2Clevel");
    }

    #[test]
    fn links_keep_the_filter_and_start_over() {
        let query = ListQuery::<Resources>::parse("/catalog", "q=a&page=7&size=50", false).unwrap();
        assert_eq!(query.page_url(8), "/catalog?q=a&size=50&page=8");
        assert_eq!(query.sort_url("name", true), "/catalog?q=a&sort=-name&size=50");
        assert_eq!(query.filter_url(Resources::default()), "/catalog?size=50");
        assert_eq!(query.export_url("xlsx"), "/catalog/export.xlsx?q=a");
    }

    #[test]
    fn the_api_takes_any_size_up_to_its_limit() {
        let size =
            |text: &str| ListQuery::<Resources>::parse("/api/v1/x", text, true).map(|query| query.paging.size).ok();
        assert_eq!(size("size=200"), Some(200));
        assert_eq!(size("size=7"), Some(7));
        assert_eq!(size("size=201"), None);
        assert_eq!(size("size=0"), None);
    }

    #[test]
    fn the_filter_is_said_in_words() {
        let query = ListQuery::<Resources>::parse("/catalog", "q=%E4%BD%8E%E4%BF%9D&state=published", false).unwrap();
        assert_eq!(query.filter_words(), "名称：低保；状态：已发布");
        assert!(query.is_filtered());
        let all = ListQuery::<Resources>::parse("/catalog", "sort=name", false).unwrap();
        assert_eq!(all.filter_words(), "全部");
        assert!(!all.is_filtered());
    }

    #[test]
    fn pages_are_counted_from_one() {
        let paging = Paging { page: 3, size: 20 };
        assert_eq!((paging.offset(), paging.limit()), (40, 20));
        assert_eq!((paging.pages(0), paging.pages(20), paging.pages(21)), (1, 1, 2));
    }
}
