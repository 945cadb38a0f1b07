//! From choices to terms, and the words of a verdict.

use hufu_kernel::approval::Verdict;
use hufu_kernel::error::{Error, Result};

use super::draft::quota_of;
use crate::model::terms::{self, AskedField, Choice, Decision, Terms, Whole};
use crate::store::applications::Paper;
use crate::store::rows::{application_field, part};

/// What a decision led to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// Numbers of the grants that took effect with it.
    pub grants: Vec<String>,
}

/// Joins what was asked of a part with what was proposed before and is chosen now.
pub(super) fn settle(paper: &Paper, part: &part::Model, now: &Decision, by_cdo: bool) -> Result<Terms> {
    let until = paper.application.until_at.ok_or_else(|| Error::internal("a submitted application has no end"))?;
    let whole = Whole { until, quota: quota_of(&paper.application), by_cdo };
    let asked: Vec<AskedField> = fields(paper, part).map(asked).collect();
    let mut decision = proposed(paper, part, whole);
    decision.fields.extend(now.fields.clone());
    decision.until = now.until.or(decision.until);
    decision.quota = now.quota.or(decision.quota);
    Ok(terms::settle(&asked, whole, &decision)?)
}

fn fields<'a>(paper: &'a Paper, part: &'a part::Model) -> impl Iterator<Item = &'a application_field::Model> {
    paper.items_of(&part.id).flat_map(|item| &item.fields)
}

fn asked(field: &application_field::Model) -> AskedField {
    AskedField {
        id: field.id,
        title: field.title.clone(),
        unmasked: field.unmasked,
        profile_mask: field.profile_mask.clone(),
    }
}

/// What an earlier signer of the provider has put down.
pub(crate) fn proposed(paper: &Paper, part: &part::Model, whole: Whole) -> Decision {
    let choice = |field: &application_field::Model| Some((field.id, choice_of(field)?));
    let mut quota = whole.quota;
    quota.rows_per_day = part.rows_per_day.unwrap_or(quota.rows_per_day);
    quota.calls_per_minute = part.calls_per_minute.unwrap_or(quota.calls_per_minute);
    quota.rows_per_result = part.rows_per_result.unwrap_or(quota.rows_per_result);
    Decision { fields: fields(paper, part).filter_map(choice).collect(), until: part.until_at, quota: Some(quota) }
}

pub(crate) fn choice_of(field: &application_field::Model) -> Option<Choice> {
    serde_json::from_str(&field.choice).ok()
}

pub(super) fn missing_text(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Supplement { missing } => missing.join("\n"),
        Verdict::Approve
        | Verdict::Partial
        | Verdict::Refuse
        | Verdict::Transfer { .. }
        | Verdict::AddSigner { .. } => String::new(),
    }
}

pub(super) fn verdict_word(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Approve => "approve",
        Verdict::Partial => "partial",
        Verdict::Refuse => "refuse",
        Verdict::Supplement { .. } => "supplement",
        Verdict::Transfer { .. } => "transfer",
        Verdict::AddSigner { .. } => "add_signer",
    }
}
