//! What the template macros take: steps, time line, tally, form errors, job. Plain data, no markup.

use super::fmt::{self, Due};
use super::kit::{Html, Proof};
use crate::error::{Error, FieldError};
use crate::time::Timestamp;

/// Errors of a form, beside their fields.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldErrors(Vec<FieldError>);

impl FieldErrors {
    pub fn none() -> Self {
        Self::default()
    }

    /// The fields of an error that a person can correct on this form; others go on as errors.
    pub fn of(error: Error) -> Result<Self, Error> {
        if error.fields().is_empty() { Err(error) } else { Ok(Self(error.fields().to_vec())) }
    }

    pub fn get(&self, field: &str) -> Option<&str> {
        self.0.iter().find(|error| error.field == field).map(|error| error.message.as_str())
    }

    pub fn has(&self, field: &str) -> bool {
        self.get(field).is_some()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn iter(&self) -> std::slice::Iter<'_, FieldError> {
        self.0.iter()
    }
}

/// One choice of a select or a radio group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    pub value: String,
    pub label: String,
}

impl Choice {
    pub fn new(value: impl Into<String>, label: impl Into<String>) -> Self {
        Self { value: value.into(), label: label.into() }
    }
}

/// How far a step of a procedure is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    Done,
    Now,
    Back,
    Ahead,
}

/// One step of a procedure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    pub name: String,
    /// 「11-17 林书涵」, 「待办」
    pub note: String,
    pub pace: Pace,
}

impl Step {
    pub fn new(pace: Pace, name: impl Into<String>, note: impl Into<String>) -> Self {
        Self { name: name.into(), note: note.into(), pace }
    }

    pub fn class(&self) -> &'static str {
        match self.pace {
            Pace::Done => "is-done",
            Pace::Now => "is-now",
            Pace::Back => "is-back",
            Pace::Ahead => "",
        }
    }

    pub fn now(&self) -> bool {
        self.pace == Pace::Now
    }
}

/// One event of a time line, newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Happening {
    pub who: String,
    /// 「市民政局 · 首席数据官」
    pub post: String,
    pub at: Option<Timestamp>,
    /// What was done, in our words.
    pub act: String,
    /// What was written, in theirs.
    pub opinion: String,
    pub proof: Option<Proof>,
    /// The owner's half.
    pub own: bool,
    /// Waited for.
    pub now: bool,
}

impl Happening {
    pub fn time(&self) -> String {
        self.at.map(fmt::short).unwrap_or_default()
    }

    pub fn class(&self) -> &'static str {
        match (self.own, self.now) {
            (true, true) => "is-own is-now",
            (true, false) => "is-own",
            (false, true) => "is-now",
            (false, false) => "",
        }
    }
}

/// How the two halves of one term fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fit {
    /// Given as asked.
    Met,
    /// Given less than asked.
    Less,
    /// Not decided.
    Wait,
    /// Refused.
    No,
}

impl Fit {
    pub fn class(self) -> &'static str {
        match self {
            Self::Met => "is-met",
            Self::Less => "is-less",
            Self::Wait => "is-wait",
            Self::No => "is-no",
        }
    }

    /// The character on the tooth.
    pub fn tooth(self) -> &'static str {
        match self {
            Self::Met => "合",
            Self::Less => "减",
            Self::Wait => "待",
            Self::No => "拒",
        }
    }
}

/// One term: asked on the left, given on the right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TallyRow {
    pub term: String,
    pub ask: Html,
    pub ask_note: Html,
    pub fit: Fit,
    pub own: Html,
    pub own_note: Html,
}

/// The two halves of an application, a grant or an agreement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tally {
    pub asker: String,
    pub owner: String,
    pub rows: Vec<TallyRow>,
    pub proof: Option<Proof>,
    /// Right end of the foot.
    pub sum: String,
}

impl Tally {
    /// Terms that are settled in the asker's favour, whole or in part.
    pub fn met(&self) -> usize {
        self.rows.iter().filter(|row| matches!(row.fit, Fit::Met | Fit::Less)).count()
    }

    pub fn total(&self) -> usize {
        self.rows.len()
    }
}

/// A node of a tree: units, folders, sources. Opens without script.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TreeNode {
    pub label: String,
    pub href: String,
    pub count: Option<u64>,
    /// The current one.
    pub on: bool,
    pub children: Vec<TreeNode>,
}

impl TreeNode {
    pub fn new(label: impl Into<String>, href: impl Into<String>) -> Self {
        Self { label: label.into(), href: href.into(), ..Self::default() }
    }

    /// Does the way to the current node lead through this one?
    pub fn leads_on(&self) -> bool {
        self.children.iter().any(|child| child.on || child.leads_on())
    }
}

/// A running piece of work, as its card shows it. `state` is a code of the dictionary.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JobCard {
    pub id: String,
    pub title: String,
    pub state: String,
    pub done: u64,
    pub total: Option<u64>,
    /// 「行」, 「个文件」
    pub unit: String,
    pub rate_per_s: Option<u64>,
    pub left_ms: Option<u64>,
    pub took_ms: Option<u64>,
    pub log: Vec<String>,
    pub message: String,
    pub proof: Option<Proof>,
    /// Where the card renews itself while it runs.
    pub src: String,
    /// Where a POST cancels it; empty when it cannot be cancelled.
    pub cancel: String,
}

impl JobCard {
    pub fn running(&self) -> bool {
        matches!(self.state.as_str(), "queued" | "running" | "retrying")
    }

    /// Whole per cent, `None` while the total is unknown.
    pub fn percent(&self) -> Option<u64> {
        match self.total {
            Some(0) => Some(100),
            Some(total) => Some(self.done.min(total) * 100 / total),
            None => None,
        }
    }

    pub fn share(&self) -> u64 {
        self.percent().unwrap_or(0)
    }

    pub fn count(&self) -> String {
        match self.total {
            Some(total) if self.running() => {
                format!("{} / {} {}", fmt::number(self.done), fmt::number(total), self.unit)
            }
            _ => format!("{} {}", fmt::number(self.done), self.unit),
        }
    }

    pub fn rate(&self) -> String {
        self.rate_per_s
            .filter(|_| self.running())
            .map(|rate| format!("{} {}/秒", fmt::number(rate), self.unit))
            .unwrap_or_default()
    }

    pub fn left(&self) -> String {
        self.left_ms.filter(|_| self.running()).map(|ms| format!("约剩 {}", fmt::duration_ms(ms))).unwrap_or_default()
    }

    pub fn took(&self) -> String {
        self.took_ms.map(|ms| format!("用时 {}", fmt::duration_ms(ms))).unwrap_or_default()
    }
}

/// The grant under which a page shows data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Purpose {
    pub grant: String,
    pub purpose: String,
    pub resource: String,
    /// 「2026-12-01 至 2027-05-31」
    pub period: String,
    pub due: Due,
    /// 「今日 12/200 次」
    pub quota: String,
    /// The sentence that binds the user.
    pub binding: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_without_rows_is_whole() {
        let job = JobCard { total: Some(0), state: "done".into(), ..JobCard::default() };
        assert_eq!(job.percent(), Some(100));
        assert_eq!(JobCard { done: 7, total: Some(5), ..JobCard::default() }.percent(), Some(100));
        assert_eq!(JobCard::default().percent(), None);
    }

    #[test]
    fn only_correctable_errors_stay_on_the_form() {
        let errors = FieldErrors::of(Error::invalid(vec![FieldError::new("purpose", "必填")])).unwrap();
        assert_eq!(errors.get("purpose"), Some("必填"));
        assert!(!errors.has("basis"));
        assert!(FieldErrors::of(Error::stale()).is_err());
    }
}
