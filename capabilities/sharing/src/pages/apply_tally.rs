//! The two halves: what was asked on the left, what is given on the right, term by term.

use hufu_kernel::shell::fmt;
use hufu_kernel::shell::kit::{Html, esc};
use hufu_kernel::shell::parts::{Fit, Tally, TallyRow};

use super::mask_words;
use crate::commands::choice_of;
use crate::model::application::State as AppState;
use crate::model::part::State as PartState;
use crate::model::way::Ways;
use crate::queries::ApplicationView;
use crate::store::rows::{application_field, part};

pub(super) fn tally(view: &ApplicationView, part: Option<&part::Model>) -> Tally {
    let row = &view.paper.application;
    let name = |id| view.units.get(id).cloned().unwrap_or_default();
    let halves = Halves { view, part, settled: settled(view, part) };
    Tally {
        asker: name(&row.unit_id),
        owner: part.map_or_else(String::new, |part| name(&part.provider_id)),
        rows: vec![halves.purpose(), halves.fields(), halves.rows(), halves.masks(), halves.persons(), halves.period(), halves.decision()],
        proof: None,
        sum: sum(view, part),
    }
}

/// How the owner's half stands as a whole.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Settled {
    Waiting,
    Given,
    Refused,
}

fn settled(view: &ApplicationView, part: Option<&part::Model>) -> Settled {
    match (view.paper.application.state, part.map(|part| part.state)) {
        (_, Some(PartState::Granted | PartState::Partly)) => Settled::Given,
        (AppState::Refused | AppState::Withdrawn, _) | (_, Some(PartState::Refused | PartState::Withdrawn)) => Settled::Refused,
        (_, Some(PartState::Waiting | PartState::Deciding | PartState::Supplementing) | None) => Settled::Waiting,
    }
}

struct Halves<'a> {
    view: &'a ApplicationView,
    part: Option<&'a part::Model>,
    settled: Settled,
}

impl Halves<'_> {
    fn asked(&self) -> Vec<&application_field::Model> {
        let of_part = |item: &&crate::store::applications::Item| self.part.is_none_or(|part| item.resource.part_id.as_ref() == Some(&part.id));
        self.view.paper.resources.iter().filter(of_part).flat_map(|item| &item.fields).collect()
    }

    /// Whole or narrowed, as far as it is settled.
    fn fit(&self, less: bool) -> Fit {
        match (self.settled, less) {
            (Settled::Refused, _) => Fit::No,
            (_, true) => Fit::Less,
            (Settled::Given, false) => Fit::Met,
            (Settled::Waiting, false) => Fit::Wait,
        }
    }

    fn row(&self, term: &str, ask: (String, String), own: (Html, String), less: bool) -> TallyRow {
        TallyRow {
            term: term.to_owned(),
            ask: Html::text(ask.0),
            ask_note: Html::text(ask.1),
            fit: self.fit(less),
            own: own.0,
            own_note: Html::text(own.1),
        }
    }

    fn stands(&self, given: &str) -> Html {
        Html::text(match self.settled {
            Settled::Waiting => "待决定",
            Settled::Given => given,
            Settled::Refused => "不予提供",
        })
    }

    fn purpose(&self) -> TallyRow {
        let row = &self.view.paper.application;
        let own = (self.stands("登记为唯一用途"), "不得超范围使用或提供第三方".to_owned());
        self.row("用途依据", (row.scenario.clone(), row.basis.clone()), own, false)
    }

    fn fields(&self) -> TallyRow {
        let asked = self.asked();
        let refused: Vec<&&application_field::Model> = asked.iter().filter(|field| choice_of(field).is_some_and(|choice| !choice.give)).collect();
        let top = asked.iter().map(|field| field.grade.as_str()).max().unwrap_or_default();
        let ask = (format!("申请 {} 项，最高 {top}", asked.len()), asked.iter().take(6).map(|field| field.title.as_str()).collect::<Vec<_>>().join("、"));
        let given = asked.len() - refused.len();
        let own = match refused.is_empty() {
            true => (self.stands(&format!("给 {given} 项")), String::new()),
            false => {
                let tag = format!("给 {given} 项 <span class=\"hf-tag is-amber\">少 {} 项</span>", refused.len());
                let names = refused.iter().map(|field| field.title.as_str()).collect::<Vec<_>>().join("、");
                (Html::trusted(tag), format!("不给：{names}"))
            }
        };
        self.row("信息项", ask, own, !refused.is_empty())
    }

    fn rows(&self) -> TallyRow {
        let of_part = |item: &&crate::store::applications::Item| self.part.is_none_or(|part| item.resource.part_id.as_ref() == Some(&part.id));
        let items: Vec<_> = self.view.paper.resources.iter().filter(of_part).collect();
        let asked: Vec<String> = items.iter().map(|item| if item.resource.row_scope.is_empty() { "全部行".to_owned() } else { item.resource.row_scope.clone() }).collect();
        let given: Vec<String> = items.iter().filter_map(|item| item.resource.row_scope_given.clone()).collect();
        let own = match given.is_empty() {
            true => (self.stands("按申请的行范围"), String::new()),
            false => (Html::trusted(format!("<span class=\"hf-code\">{}</span>", esc(&given.join("；")))), "供方收窄".to_owned()),
        };
        self.row("行范围", (asked.join("；"), String::new()), own, !given.is_empty())
    }

    fn masks(&self) -> TallyRow {
        let asked = self.asked();
        let clear = asked.iter().filter(|field| field.unmasked).count();
        let ask = if clear == 0 { "按脱敏规则".to_owned() } else { format!("{clear} 项申请不脱敏") };
        let given = asked.iter().filter(|field| choice_of(field).is_some_and(|choice| choice.clear_until.is_some())).count();
        let mut words: Vec<String> = asked.iter().map(|field| mask_words(&field.profile_mask)).collect();
        words.sort();
        words.dedup();
        let own = match given {
            0 => (self.stands("关口内脱敏，明文不出库"), words.join("、")),
            given => (Html::text(format!("{given} 项限期明文，其余脱敏")), words.join("、")),
        };
        self.row("脱敏核验", (ask, String::new()), own, self.settled != Settled::Waiting && given < clear)
    }

    fn persons(&self) -> TallyRow {
        let persons = &self.view.paper.persons;
        let names = persons.iter().take(4).map(|person| person.name.as_str()).collect::<Vec<_>>().join("、");
        let own = (self.stands("限所列人员，一人一号"), "关口每次取数核对账号".to_owned());
        self.row("用数人员", (format!("{names} 等 {} 人，实名账号", persons.len()), String::new()), own, false)
    }

    fn period(&self) -> TallyRow {
        let row = &self.view.paper.application;
        let day = |at: Option<hufu_kernel::time::Timestamp>| at.map(fmt::day).unwrap_or_default();
        let ways = Ways::parse(&row.ways).names();
        let ask = (format!("{ways}；{} 至 {}", day(row.from_at), day(row.until_at)), format!("每日 {} 行", fmt::number(row.rows_per_day)));
        let until = self.part.and_then(|part| part.until_at);
        let rows = self.part.and_then(|part| part.rows_per_day).filter(|rows| *rows < row.rows_per_day);
        let less = until.is_some() || rows.is_some();
        let own = match less {
            true => (Html::text(format!("至 {}", day(until.or(row.until_at)))), format!("每日 {} 行", fmt::number(rows.unwrap_or(row.rows_per_day)))),
            false => (self.stands("按申请的方式和期限"), String::new()),
        };
        self.row("方式期限", ask, own, less)
    }

    fn decision(&self) -> TallyRow {
        let row = &self.view.paper.application;
        let reason = self.part.map(|part| part.reason.clone()).unwrap_or_default();
        let own = (self.stands("已同意，授权生效"), reason);
        let submitted = row.submitted_at.map(|at| format!("{} 提交", fmt::short(at))).unwrap_or_default();
        self.row("决定", (row.applicant_name.clone(), submitted), own, false)
    }
}

fn sum(view: &ApplicationView, part: Option<&part::Model>) -> String {
    let of_part: Vec<&str> = view
        .grants
        .iter()
        .filter(|grant| part.is_some_and(|part| grant.part_id.as_ref() == Some(&part.id)))
        .map(|grant| grant.no.as_str())
        .collect();
    if of_part.is_empty() { "同意后授权自动生效".to_owned() } else { format!("授权号 {}", of_part.join("、")) }
}
