//! A column and what stands in it: one value, shown as HTML, JSON, spreadsheet cell or text.

use chrono::NaiveDate;
use serde_json::{Value, json};

use crate::shell::fmt::{self, Due};
use crate::shell::kit::{self, Html, esc};
use crate::shell::status;
use crate::time::Timestamp;

/// One value of a row.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    Empty,
    Text(String),
    /// Codes, numbers of objects, ids: always text, never a number.
    Code(String),
    /// The name of a row: links to it, with its number on the second line.
    Name {
        text: String,
        note: String,
        href: String,
    },
    Int(i64),
    /// Part and whole.
    Ratio(u64, u64),
    Moment(Timestamp),
    Date(NaiveDate),
    /// Code of the dictionary of states.
    State(String),
    Level(u8),
    Due(Due),
    /// Already masked by the gate or by a command.
    Masked(String),
}

impl Cell {
    /// Text, or nothing.
    pub fn opt(text: Option<impl Into<String>>) -> Self {
        text.map_or(Self::Empty, |text| Self::Text(text.into()))
    }

    pub fn html(&self) -> Html {
        match self {
            Self::Empty => Html::trusted("<span class=\"hf-dim\">—</span>"),
            Self::Text(text) => Html::text(text),
            Self::Code(code) => Html::trusted(format!("<span class=\"hf-code\">{}</span>", esc(code))),
            Self::Name { text, note, href } => name(text, note, href),
            Self::Int(n) => Html::text(fmt::number(*n)),
            Self::Ratio(part, of) => Html::text(fmt::ratio(*part, *of)),
            Self::Moment(at) => Html::trusted(format!("<span class=\"hf-nowrap\">{}</span>", fmt::minute(at))),
            Self::Date(date) => Html::trusted(format!("<span class=\"hf-nowrap\">{}</span>", fmt::iso(*date))),
            Self::State(code) => kit::tag(code),
            Self::Level(n) => kit::level(n),
            Self::Due(due) => kit::clock(due),
            Self::Masked(value) => kit::mask(value),
        }
    }

    /// The value as the API gives it: codes stay codes, moments RFC 3339.
    pub fn json(&self) -> Value {
        match self {
            Self::Empty => Value::Null,
            Self::Text(text) | Self::Code(text) | Self::Masked(text) | Self::State(text) => json!(text),
            Self::Name { text, .. } => json!(text),
            Self::Int(n) => json!(n),
            Self::Ratio(part, of) => json!({ "part": part, "of": of }),
            Self::Moment(at) => json!(at.rfc3339()),
            Self::Date(date) => json!(fmt::iso(*date)),
            Self::Level(n) => json!(n),
            Self::Due(Due::None) => Value::Null,
            Self::Due(due) => json!(due.full()),
        }
    }

    /// The value as people read it in a file.
    pub fn text(&self) -> String {
        match self {
            Self::Empty | Self::Due(Due::None) => String::new(),
            Self::Text(text) | Self::Code(text) | Self::Masked(text) => text.clone(),
            Self::Name { text, .. } => text.clone(),
            Self::Int(n) => n.to_string(),
            Self::Ratio(part, of) => fmt::ratio(*part, *of),
            Self::Moment(at) => fmt::minute(at),
            Self::Date(date) => fmt::iso(*date),
            Self::State(code) => status::word(code).to_owned(),
            Self::Level(0) => status::word("unclassified").to_owned(),
            Self::Level(n) => format!("L{n}"),
            Self::Due(due) => due.full(),
        }
    }
}

fn name(text: &str, note: &str, href: &str) -> Html {
    let note = if note.is_empty() { String::new() } else { format!("<small>{}</small>", esc(note)) };
    Html::trusted(format!("<a class=\"name\" href=\"{}\">{}</a>{note}", esc(href), esc(text)))
}

/// One column of a list.
#[derive(Clone, Copy, Debug)]
pub struct Column<R> {
    /// Name in the API, in `sort` and in `cols`.
    pub key: &'static str,
    pub label: &'static str,
    /// Width in a spreadsheet, in characters.
    pub width: u16,
    /// Shown unless the reader chose otherwise.
    pub shown: bool,
    pub sortable: bool,
    /// Numbers stand at the right.
    pub right: bool,
    /// In files and in the API only: what the page shows on a row's second line.
    pub file_only: bool,
    pub cell: fn(&R) -> Cell,
}

impl<R> Column<R> {
    pub const fn new(key: &'static str, label: &'static str, width: u16, cell: fn(&R) -> Cell) -> Self {
        Self { key, label, width, shown: true, sortable: false, right: false, file_only: false, cell }
    }

    pub const fn sortable(mut self) -> Self {
        self.sortable = true;
        self
    }

    /// For numbers.
    pub const fn right(mut self) -> Self {
        self.right = true;
        self
    }

    /// Hidden until chosen.
    pub const fn hidden(mut self) -> Self {
        self.shown = false;
        self
    }

    pub const fn file_only(mut self) -> Self {
        self.file_only = true;
        self
    }
}

/// A link in the last column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Op {
    pub label: &'static str,
    pub href: String,
}

impl Op {
    pub fn new(label: &'static str, href: impl Into<String>) -> Self {
        Self { label, href: href.into() }
    }
}
