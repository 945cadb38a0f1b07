//! Codes of the dictionary of states for what the catalogue has, and choices of its forms.

use std::borrow::Borrow;

use hufu_kernel::actor::{Actor, Role};
use hufu_kernel::command::Ctx;
use hufu_kernel::error::Result;
use hufu_kernel::policy::Resource;
use hufu_kernel::shell::kit::Html;
use hufu_kernel::shell::parts::Choice;

use crate::Catalog;
use crate::commands::policy_resource;
use crate::model::check::CheckResult;
use crate::model::state::State;
use crate::model::terms::{Cycle, DataType, FormatClass, MethodClass, ResourceKind, Sharing, THEMES};

pub(super) fn state_code(state: impl Borrow<State>) -> &'static str {
    match *state.borrow() {
        State::Draft => "draft",
        State::Submitted => "approving",
        State::Published => "published",
        State::Offline => "offline",
    }
}

pub(super) fn sharing_code(sharing: impl Borrow<Sharing>) -> &'static str {
    match *sharing.borrow() {
        Sharing::Unconditional => "unconditional",
        Sharing::Conditional => "conditional",
        // The dictionary's `withheld` is a decision on a field.
        Sharing::Withheld => "nonshare",
    }
}

/// The attribute without the word they all share, for narrow columns.
pub(super) fn sharing_short(sharing: Sharing) -> &'static str {
    match sharing {
        Sharing::Unconditional => "无条件",
        Sharing::Conditional => "有条件",
        Sharing::Withheld => "不予共享",
    }
}

pub(super) fn check_code(result: impl Borrow<CheckResult>) -> &'static str {
    match *result.borrow() {
        CheckResult::Consistent => "consistent",
        CheckResult::Different => "inconsistent",
        CheckResult::Failed => "failed",
    }
}

pub(super) fn reachable_code(reachable: impl Borrow<Option<bool>>) -> &'static str {
    match *reachable.borrow() {
        Some(true) => "connected",
        Some(false) => "unreachable",
        None => "not_started",
    }
}

macro_rules! choices {
    ($($name:ident $type:ident),+) => {$(
        pub(super) fn $name() -> Vec<Choice> {
            $type::ALL.iter().map(|term| Choice::new(term.code(), term.title())).collect()
        }
    )+};
}

choices!(
    kind_choices ResourceKind,
    sharing_choices Sharing,
    cycle_choices Cycle,
    format_class_choices FormatClass,
    method_class_choices MethodClass,
    data_type_choices DataType
);

/// Words that are their own value.
pub(super) fn plain_choices(words: impl IntoIterator<Item = &'static str>) -> Vec<Choice> {
    words.into_iter().map(|word| Choice::new(word, word)).collect()
}

pub(super) fn theme_choices() -> Vec<Choice> {
    plain_choices(THEMES.iter().copied())
}

pub(super) fn grade_choices(catalog: &Catalog) -> Vec<Choice> {
    let scheme = catalog.scheme();
    scheme.levels.iter().map(|level| Choice::new(&level.code, &level.code)).collect()
}

/// May this person see lists of the catalogue at all?
pub(super) fn allow_lists(catalog: &Catalog, ctx: &Ctx) -> Result<()> {
    let unit = ctx.actor()?.unit.clone();
    catalog.allow(ctx, "catalog.resource.view", &policy_resource("list", &unit, State::Published))
}

/// For showing or hiding a button; the command asks again.
pub(super) fn may(catalog: &Catalog, ctx: &Ctx, action: &str, target: &Resource) -> bool {
    catalog.allow(ctx, action, target).is_ok()
}

/// A dash where nothing is stated.
pub(super) fn or_dash(text: &str) -> Html {
    if text.trim().is_empty() { Html::trusted("<span class=\"hf-dim\">—</span>") } else { Html::text(text) }
}

pub(super) fn yes_no(truth: bool) -> Html {
    Html::text(if truth { "是" } else { "否" })
}

/// The part of the tree that somebody works on: the own unit, or the whole area for those who oversee it.
pub(super) fn own_path(actor: &Actor) -> String {
    if actor.has(Role::R1) || actor.has(Role::R5) {
        let above = actor.unit.path.trim_end_matches('/').rsplit_once('/').map_or("", |(above, _)| above);
        return format!("{above}/");
    }
    actor.unit.path.clone()
}
