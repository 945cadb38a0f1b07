//! 申请单详情: the two halves side by side, the way it went, and the decision bar for whom it waits.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::State;
use hufu_kernel::approval::{StepWord, Timeline};
use hufu_kernel::command::Ctx;
use hufu_kernel::error::Result;
use hufu_kernel::shell::fmt::Due;
use hufu_kernel::shell::kit::{Html, Proof, Tab, clock_chip, level_named, tag};
use hufu_kernel::shell::parts::{Happening, Pace, Step, Tally};
use hufu_kernel::shell::{Chrome, Path, Query, WebResult, fmt, page};
use serde::Deserialize;

use super::{Act, acts, application_tag, apply_tally, due, grade_number, grade_sign, mask_words, part_code};
use crate::Service;
use crate::commands::choice_of;
use crate::model::application::State as AppState;
use crate::model::part::State as PartState;
use crate::queries::{self, ApplicationView, Desk};
use crate::store::rows::{application_field, part};

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Which {
    /// Which part is looked at, counted from 1.
    part: Option<i32>,
    tab: Option<String>,
    /// Count the rows in scope now; it is on record.
    preview: Option<i64>,
}

#[derive(Template)]
#[template(path = "sharing/apply_show.html")]
struct Show {
    chrome: Chrome,
    no: String,
    title: String,
    signs: Html,
    steps: Vec<Step>,
    parts: Vec<Tab>,
    tally: Tally,
    fields: Vec<FieldLine>,
    lines: Vec<Happening>,
    tabs: Vec<Tab>,
    acts: Option<Vec<Act>>,
    desk: Option<Desk>,
    version: i32,
    grants: Vec<(String, String, String)>,
    missing: Vec<String>,
    may_edit: bool,
    may_withdraw: bool,
    may_urge: bool,
    /// Part that the applicant has to complete.
    completes: Option<i32>,
    counted: Option<(i64, u64)>,
    until: String,
    rows_per_day: i64,
    scopes: Vec<(String, String, i64, String)>,
}

/// One asked field.
#[derive(Debug)]
struct FieldLine {
    id: i64,
    title: String,
    name: String,
    resource: String,
    grade: Html,
    why: String,
    unmasked: bool,
    mask: String,
    result: Html,
    on: bool,
}

pub(super) async fn show(
    State(service): State<Service>,
    chrome: Chrome,
    ctx: Ctx,
    Path(no): Path<String>,
    Query(which): Query<Which>,
) -> WebResult {
    let view = queries::application(&service.kernel, &ctx, &no).await?;
    let part = chosen(&view, which.part);
    let counted = match which.preview {
        Some(id) => Some((id, count(&service, &ctx, &view, id).await?)),
        None => None,
    };
    let shows_acts = which.tab.as_deref() == Some("acts");
    let db = service.kernel.store.reader();
    let acts = if shows_acts { Some(acts(db, "application", view.paper.application.id.as_str()).await?) } else { None };
    let strict = service.sharing.rank(&service.sharing.flow.strict_from).unwrap_or(0);
    let graded = service.sharing.highest(view.paper.fields().map(|field| field.grade.as_str()));
    let watermark = service.sharing.rank(&graded).is_none_or(|rank| rank >= strict);
    let chrome = chrome.titled(no.clone()).crumb("共享申请", "/apply");
    let chrome = if watermark { chrome.watermarked() } else { chrome };
    Ok(page(draw(chrome, &view, part, acts, counted, &graded)))
}

fn draw(chrome: Chrome, view: &ApplicationView, part: Option<&part::Model>, acts: Option<Vec<Act>>, counted: Option<(i64, u64)>, graded: &str) -> Show {
    let row = &view.paper.application;
    let seq = part.map(|part| part.seq);
    let base = format!("/apply/{}", row.no);
    let link = |seq: i32| format!("{base}?part={seq}");
    let part_tab = |part: &part::Model| {
        let name = view.units.get(&part.provider_id).cloned().unwrap_or_default();
        Tab::new(format!("{name} {}", part.state.name()), link(part.seq), seq == Some(part.seq))
    };
    let shows_acts = acts.is_some();
    let acts_href = seq.map_or_else(|| format!("{base}?tab=acts"), |seq| format!("{base}?part={seq}&tab=acts"));
    let lines_href = seq.map_or_else(|| base.clone(), link);
    Show {
        title: if row.scenario.is_empty() { "用数申请".to_owned() } else { row.scenario.clone() },
        signs: signs(view, graded),
        steps: steps(view, part),
        parts: if view.paper.parts.len() > 1 { view.paper.parts.iter().map(part_tab).collect() } else { Vec::new() },
        tally: apply_tally::tally(view, part),
        fields: fields(view, part),
        lines: happenings(view, part),
        tabs: vec![Tab::new("流程意见", lines_href, !shows_acts), Tab::new("操作记录", acts_href, shows_acts)],
        acts,
        version: row.version,
        grants: view.grants.iter().map(|grant| (grant.no.clone(), grant.resource_name.clone(), super::grant_code(grant.state).to_owned())).collect(),
        missing: row.missing.lines().map(str::to_owned).collect(),
        may_edit: view.is_applicant && matches!(row.state, AppState::Draft | AppState::Supplementing),
        may_withdraw: view.is_applicant && row.state.is_open(),
        may_urge: view.is_applicant && matches!(row.state, AppState::Reviewing | AppState::Deciding),
        completes: view.paper.parts.iter().find(|part| view.is_applicant && part.state == PartState::Supplementing).map(|part| part.seq),
        counted,
        until: row.until_at.map(fmt::day).unwrap_or_default(),
        rows_per_day: row.rows_per_day,
        scopes: scopes(view, part),
        desk: view.desk.clone(),
        no: row.no.clone(),
        chrome,
    }
}

/// The part the reader asked for, else the one that waits for them, else the first.
fn chosen(view: &ApplicationView, asked: Option<i32>) -> Option<&part::Model> {
    let waiting = view.desk.as_ref().and_then(|desk| desk.part);
    let seq = asked.or(waiting).unwrap_or(1);
    view.paper.parts.iter().find(|part| part.seq == seq)
}

async fn count(service: &Service, ctx: &Ctx, view: &ApplicationView, id: i64) -> Result<u64> {
    let item = view.paper.resources.iter().find(|item| item.resource.id == id);
    let item = item.ok_or_else(|| hufu_kernel::error::Error::not_found("申请的资源"))?;
    service.preview(ctx, &view.paper, item).await
}

fn signs(view: &ApplicationView, graded: &str) -> Html {
    let row = &view.paper.application;
    let waits = view.timelines.iter().flat_map(|line| &line.steps).find(|step| step.is_current);
    let clock = match (row.state, waits) {
        (AppState::Supplementing, _) => Due::Paused { why: "待申请方补正".to_owned() },
        (_, Some(step)) => due(step.due, step.remaining),
        (_, None) => Due::None,
    };
    let level = if graded.is_empty() { Html::trusted("") } else { level_named(grade_number(graded)) };
    let chip = if clock == Due::None { Html::trusted("") } else { clock_chip(&clock) };
    Html::trusted(format!("{}{}{}", application_tag(row.state).as_str(), level.as_str(), chip.as_str()))
}

/// The approvals that this part went through: the front, then its own.
fn lines<'a>(view: &'a ApplicationView, part: Option<&'a part::Model>) -> Vec<&'a Timeline> {
    let front = view.paper.application.approval_id.as_ref();
    let own = part.and_then(|part| part.approval_id.as_ref());
    let of = |id| view.timelines.iter().find(move |line| Some(&line.approval.id) == id);
    [of(front), own.and_then(|id| of(Some(id)))].into_iter().flatten().collect()
}

fn steps(view: &ApplicationView, part: Option<&part::Model>) -> Vec<Step> {
    let row = &view.paper.application;
    let mut steps = Vec::new();
    let submitted = row.submitted_at.map(|at| format!("{} {}", fmt::short(at), row.applicant_name)).unwrap_or_default();
    let pace = if row.submitted_at.is_some() { Pace::Done } else { Pace::Now };
    steps.push(Step::new(pace, "提交申请", submitted));
    for line in lines(view, part) {
        for step in &line.steps {
            let (pace, note) = match step.state {
                StepWord::Open if row.state == AppState::Supplementing => (Pace::Back, "待补正".to_owned()),
                StepWord::Open => (Pace::Now, step.unit_name.clone()),
                StepWord::Waiting => (Pace::Ahead, step.unit_name.clone()),
                StepWord::Approved | StepWord::Partial => (Pace::Done, step.decided_at.map(fmt::short).unwrap_or_default()),
                StepWord::Refused => (Pace::Back, "驳回".to_owned()),
            };
            steps.push(Step::new(pace, step.title.clone(), note));
        }
    }
    let granted = part.is_some_and(|part| matches!(part.state, PartState::Granted | PartState::Partly));
    let last = if granted { (Pace::Done, "已生效") } else { (Pace::Ahead, "自动生效") };
    steps.push(Step::new(last.0, "合符授权", last.1));
    steps
}

fn happenings(view: &ApplicationView, part: Option<&part::Model>) -> Vec<Happening> {
    let front = view.paper.application.approval_id.as_ref();
    let mut found: Vec<Happening> = Vec::new();
    for line in lines(view, part) {
        let own = Some(&line.approval.id) != front;
        for said in &line.opinions {
            let missing = said.missing.join("；");
            found.push(Happening {
                who: said.name.clone(),
                post: format!("{} {}", said.unit_name, said.step_title),
                at: Some(said.at),
                act: said.act.clone(),
                opinion: if missing.is_empty() { said.text.clone() } else { format!("{} {missing}", said.text) },
                proof: said.ledger_index.and_then(|index| u64::try_from(index).ok()).map(Proof::entry),
                own,
                now: false,
            });
        }
        for step in line.steps.iter().filter(|step| step.is_current && step.state == StepWord::Open) {
            let post = format!("{} · {}", step.unit_name, step.role.name());
            let waits = Happening { who: step.title.clone(), post, act: "待决定".to_owned(), own, now: true, ..Happening::default() };
            found.push(waits);
        }
    }
    found.reverse();
    found
}

fn fields(view: &ApplicationView, part: Option<&part::Model>) -> Vec<FieldLine> {
    let items = view.paper.resources.iter().filter(|item| part.is_none_or(|part| item.resource.part_id.as_ref() == Some(&part.id)));
    let state = part.map_or(PartState::Waiting, |part| part.state);
    let line = |resource: &str, field: &application_field::Model| {
        let choice = choice_of(field);
        let on = choice.as_ref().is_none_or(|choice| choice.give);
        let code = match (on, state) {
            (false, _) | (true, PartState::Refused) => "withheld",
            (true, PartState::Granted | PartState::Partly) => "approved",
            (true, PartState::Deciding) => "given",
            (true, PartState::Waiting | PartState::Supplementing | PartState::Withdrawn) => part_code(state),
        };
        let reason = choice.as_ref().filter(|choice| !choice.give).map(|choice| choice.reason.clone());
        FieldLine {
            id: field.id,
            title: field.title.clone(),
            name: field.name.clone(),
            resource: resource.to_owned(),
            grade: grade_sign(&field.grade),
            why: field.reason.clone(),
            unmasked: field.unmasked,
            mask: match (reason, choice.and_then(|choice| choice.clear_until)) {
                (Some(reason), _) => reason,
                (None, Some(until)) => format!("明文至 {}", fmt::day(until)),
                (None, None) => mask_words(&field.profile_mask),
            },
            result: tag(code),
            on,
        }
    };
    items.flat_map(|item| item.fields.iter().map(|field| line(&item.resource.name, field)).collect::<Vec<_>>()).collect()
}

fn scopes(view: &ApplicationView, part: Option<&part::Model>) -> Vec<(String, String, i64, String)> {
    let items = view.paper.resources.iter().filter(|item| part.is_none_or(|part| item.resource.part_id.as_ref() == Some(&part.id)));
    let scope = |item: &crate::store::applications::Item| {
        let resource = &item.resource;
        let scope = resource.row_scope_given.as_ref().unwrap_or(&resource.row_scope);
        (resource.code.clone(), resource.name.clone(), resource.id, scope.clone())
    };
    items.map(scope).collect()
}

impl Show {
    fn counted_rows(&self, id: &i64) -> Option<u64> {
        self.counted.filter(|(counted, _)| counted == id).map(|(_, rows)| rows)
    }

    fn has_several_resources(&self) -> bool {
        let names: BTreeMap<&str, ()> = self.fields.iter().map(|field| (field.resource.as_str(), ())).collect();
        names.len() > 1
    }

    fn withdraw_href(&self) -> String {
        format!("/apply/{}/withdraw", self.no)
    }

    fn is_part(&self) -> bool {
        self.desk.as_ref().is_some_and(|desk| desk.part.is_some())
    }

    fn is_cdo(&self) -> bool {
        self.desk.as_ref().is_some_and(|desk| desk.is_cdo)
    }
}
