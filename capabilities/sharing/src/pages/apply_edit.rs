//! 用数申请 in three steps. Each step is kept as a draft, so that nothing is lost and no script is needed.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use hufu_kernel::command::{Ctx, run};
use hufu_kernel::error::{Error, FieldError, Result};
use hufu_kernel::shell::kit::Html;
use hufu_kernel::shell::page::{go, page_with};
use hufu_kernel::shell::parts::{FieldErrors, Pace, Step};
use hufu_kernel::shell::{Chrome, Path, Query, WebResult, extract};
use serde::Deserialize;

use super::apply_form::{Pairs, all, apply_use, first, resources, step_of};
use super::{grade_sign, mask_words};
use crate::Service;
use crate::commands::{SaveDraft, SubmitApplication, form_of, profile_mask};
use crate::model::application::State as AppState;
use crate::model::form::{BINDING, Bounds, Form};
use crate::model::way::Way;
use crate::neighbours::{self, Entry, Person};
use crate::queries;
use crate::store::applications::Paper;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Start {
    code: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Which {
    step: Option<u8>,
}

#[derive(Template)]
#[template(path = "sharing/apply_edit.html")]
struct Edit {
    chrome: Chrome,
    step: u8,
    steps: Vec<Step>,
    action: String,
    no: String,
    version: i32,
    missing: Vec<String>,
    form: Form,
    entries: Vec<EntryView>,
    persons: Vec<PersonView>,
    ways: Vec<(Way, bool)>,
    scenarios: Vec<String>,
    binding: &'static str,
    errors: FieldErrors,
}

/// A resource of step one.
#[derive(Debug)]
struct EntryView {
    code: String,
    name: String,
    provider: String,
    attribute: &'static str,
    row_scope: String,
    fields: Vec<FieldView>,
}

impl EntryView {
    fn asked(&self) -> usize {
        self.fields.iter().filter(|field| field.on).count()
    }
}

#[derive(Debug)]
struct FieldView {
    key: String,
    name: String,
    title: String,
    grade: Html,
    mask: String,
    /// Absent fields cannot be asked: nobody has graded them.
    askable: bool,
    strict: bool,
    on: bool,
    clear: bool,
    why: String,
}

#[derive(Debug)]
struct PersonView {
    account: String,
    name: String,
    login: String,
    on: bool,
}

impl Edit {
    fn iso(&self, date: &Option<chrono::NaiveDate>) -> String {
        date.map(|date| date.to_string()).unwrap_or_default()
    }

    /// The scenario is one of those offered, or typed.
    fn typed_scenario(&self) -> &str {
        if self.scenarios.contains(&self.form.scenario) { "" } else { &self.form.scenario }
    }

    fn total_fields(&self) -> usize {
        self.entries.iter().map(EntryView::asked).sum()
    }

    fn person_names(&self) -> String {
        let on = self.persons.iter().filter(|person| person.on);
        on.map(|person| person.name.as_str()).collect::<Vec<_>>().join("、")
    }
}

/// GET /apply/new?code=…: step one, with what was asked for or lies in the 申请篮.
pub(super) async fn blank(State(service): State<Service>, chrome: Chrome, ctx: Ctx, Query(start): Query<Start>) -> WebResult {
    let mut form = queries::starting_form(&service.kernel, &service.sharing, &ctx).await?;
    let codes = if start.code.is_empty() { cart(&service, &ctx).await? } else { start.code };
    form.resources = codes.into_iter().map(|code| crate::model::form::Asked { code, row_scope: String::new(), fields: Vec::new() }).collect();
    show(&service, chrome, &ctx, Sheet { paper: None, form, step: 1, errors: FieldErrors::none() }).await
}

/// POST /apply/new: keeps step one as a draft.
pub(super) async fn begin(State(service): State<Service>, chrome: Chrome, ctx: Ctx, extract::Form(pairs): extract::Form<Pairs>) -> WebResult {
    let mut form = queries::starting_form(&service.kernel, &service.sharing, &ctx).await?;
    form.resources = resources(&pairs);
    step_one(&service, chrome, ctx, None, form, &pairs).await
}

/// GET /apply/{no}/edit?step=2.
pub(super) async fn edit(
    State(service): State<Service>,
    chrome: Chrome,
    ctx: Ctx,
    Path(no): Path<String>,
    Query(which): Query<Which>,
) -> WebResult {
    let paper = own_draft(&service, &ctx, &no).await?;
    let form = form_of(&paper);
    let step = which.step.unwrap_or(1).clamp(1, 3);
    show(&service, chrome, &ctx, Sheet { paper: Some(paper), form, step, errors: FieldErrors::none() }).await
}

/// POST /apply/{no}/edit: keeps a step and goes on.
pub(super) async fn save(
    State(service): State<Service>,
    chrome: Chrome,
    ctx: Ctx,
    Path(no): Path<String>,
    extract::Form(pairs): extract::Form<Pairs>,
) -> WebResult {
    let paper = own_draft(&service, &ctx, &no).await?;
    let mut form = form_of(&paper);
    if first(&pairs, "step") == Some("1") {
        form.resources = resources(&pairs);
        return step_one(&service, chrome, ctx, Some(paper), form, &pairs).await;
    }
    apply_use(&mut form, &pairs);
    let version = first(&pairs, "version").and_then(|version| version.parse().ok());
    let errors = faults(&service, &ctx, &form, 2);
    let command = SaveDraft { sharing: service.sharing.clone(), no: Some(no.clone()), version, form: form.clone() };
    match run(&service.kernel, &ctx, command).await {
        Ok(_) if errors.is_empty() => Ok(go(&format!("/apply/{no}/edit?step=3"))),
        Ok(kept) => show(&service, chrome, &ctx, Sheet { paper: Some(kept.output), form, step: 2, errors }).await,
        Err(error) => {
            let errors = FieldErrors::of(error)?;
            show(&service, chrome, &ctx, Sheet { paper: Some(paper), form, step: 2, errors }).await
        }
    }
}

/// POST /apply/{no}/submit: binds and hands in.
pub(super) async fn submit(
    State(service): State<Service>,
    chrome: Chrome,
    ctx: Ctx,
    Path(no): Path<String>,
    extract::Form(pairs): extract::Form<Pairs>,
) -> WebResult {
    let paper = own_draft(&service, &ctx, &no).await?;
    let mut form = form_of(&paper);
    form.bound = first(&pairs, "bound") == Some("true");
    let command = SubmitApplication {
        sharing: service.sharing.clone(),
        no: Some(no.clone()),
        version: first(&pairs, "version").and_then(|version| version.parse().ok()),
        form: Some(form.clone()),
        note: first(&pairs, "note").unwrap_or_default().to_owned(),
    };
    match run(&service.kernel, &ctx, command).await {
        Ok(_) => Ok(go(&format!("/apply/{no}"))),
        Err(error) => {
            let errors = FieldErrors::of(error)?;
            let step = errors.iter().map(|error| step_of(&error.field)).min().unwrap_or(3);
            show(&service, chrome, &ctx, Sheet { paper: Some(paper), form, step, errors }).await
        }
    }
}

async fn step_one(service: &Service, chrome: Chrome, ctx: Ctx, paper: Option<Paper>, mut form: Form, pairs: &Pairs) -> WebResult {
    if let Some(code) = first(pairs, "all") {
        tick_all(service, &mut form, code).await?;
        return show(service, chrome, &ctx, Sheet { paper, form, step: 1, errors: FieldErrors::none() }).await;
    }
    if let Some(code) = all(pairs, "drop").next() {
        form.resources.retain(|asked| asked.code != code);
        return show(service, chrome, &ctx, Sheet { paper, form, step: 1, errors: FieldErrors::none() }).await;
    }
    let errors = faults(service, &ctx, &form, 1);
    if !errors.is_empty() {
        return show(service, chrome, &ctx, Sheet { paper, form, step: 1, errors }).await;
    }
    let command = SaveDraft {
        sharing: service.sharing.clone(),
        no: paper.as_ref().map(|paper| paper.application.no.clone()),
        version: first(pairs, "version").and_then(|version| version.parse().ok()),
        form: form.clone(),
    };
    match run(&service.kernel, &ctx, command).await {
        Ok(kept) => Ok(go(&format!("/apply/{}/edit?step=2", kept.output.application.no))),
        Err(error) => {
            let errors = FieldErrors::of(error)?;
            show(service, chrome, &ctx, Sheet { paper, form, step: 1, errors }).await
        }
    }
}

/// What a page is drawn from.
struct Sheet {
    paper: Option<Paper>,
    form: Form,
    step: u8,
    errors: FieldErrors,
}

async fn show(service: &Service, chrome: Chrome, ctx: &Ctx, sheet: Sheet) -> WebResult<Response> {
    let db = service.kernel.store.reader();
    let actor = ctx.actor()?;
    let mut entries = Vec::new();
    for asked in &sheet.form.resources {
        let entry = neighbours::entry(db, &asked.code).await?;
        entries.push(entry_view(service, &entry, asked));
    }
    let persons = queries::data_users(db, actor).await?;
    let row = sheet.paper.as_ref().map(|paper| &paper.application);
    let no = row.map(|row| row.no.clone()).unwrap_or_default();
    let status = if sheet.errors.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let missing = row.map(|row| row.missing.lines().map(str::to_owned).collect()).unwrap_or_default();
    let edit = Edit {
        chrome: chrome.titled("用数申请").crumb("我的申请", "/apply"),
        step: sheet.step,
        steps: steps(sheet.step),
        action: if no.is_empty() { "/apply/new".to_owned() } else { format!("/apply/{no}/edit") },
        version: row.map(|row| row.version).unwrap_or_default(),
        missing,
        persons: persons.into_iter().map(|person| person_view(person, &sheet.form)).collect(),
        ways: Way::ALL.into_iter().map(|way| (way, sheet.form.ways.has(way))).collect(),
        scenarios: queries::scenarios(db, &actor.unit.id).await?,
        binding: BINDING,
        entries,
        errors: sheet.errors,
        form: sheet.form,
        no,
    };
    Ok(page_with(status, edit))
}

fn entry_view(service: &Service, entry: &Entry, asked: &crate::model::form::Asked) -> EntryView {
    let field = |field: &neighbours::EntryField| {
        let mask = profile_mask(&service.sharing, field);
        let chosen = asked.fields.iter().find(|chosen| chosen.name.eq_ignore_ascii_case(&field.name));
        let grade = field.grade.as_deref().unwrap_or_default();
        FieldView {
            key: format!("{}|{}", entry.code, field.name),
            name: field.name.clone(),
            title: field.title.clone(),
            grade: grade_sign(grade),
            mask: mask.as_deref().map(mask_words).unwrap_or_default(),
            strict: mask.is_some() && service.sharing.is_strict(grade, false),
            askable: mask.is_some(),
            on: chosen.is_some(),
            clear: chosen.is_some_and(|chosen| chosen.unmasked),
            why: chosen.map(|chosen| chosen.reason.clone()).unwrap_or_default(),
        }
    };
    EntryView {
        code: entry.code.clone(),
        name: entry.name.clone(),
        provider: entry.provider.name.clone(),
        attribute: if entry.unconditional { "unconditional" } else { "conditional" },
        row_scope: asked.row_scope.clone(),
        fields: entry.fields.iter().map(field).collect(),
    }
}

fn person_view(person: Person, form: &Form) -> PersonView {
    PersonView {
        on: form.persons.iter().any(|account| account == person.account.as_str()),
        account: person.account.to_string(),
        name: person.name,
        login: person.login,
    }
}

fn steps(now: u8) -> Vec<Step> {
    let pace = |step: u8| match step.cmp(&now) {
        std::cmp::Ordering::Less => Pace::Done,
        std::cmp::Ordering::Equal => Pace::Now,
        std::cmp::Ordering::Greater => Pace::Ahead,
    };
    vec![
        Step::new(pace(1), "资源与信息项", "要哪些数据"),
        Step::new(pace(2), "用途与方式", "依据、人员、期限"),
        Step::new(pace(3), "承诺并提交", "核对后提交"),
    ]
}

/// Faults that this step can correct.
fn faults(service: &Service, ctx: &Ctx, form: &Form, step: u8) -> FieldErrors {
    let flow = &service.sharing.flow;
    let bounds = Bounds { today: ctx.now.date(), period_days_max: flow.period_days_max, quota_max: flow.quota };
    let own: Vec<FieldError> = form.faults(bounds).into_iter().filter(|fault| step_of(&fault.field) == step).collect();
    if own.is_empty() { FieldErrors::none() } else { FieldErrors::of(Error::invalid(own)).unwrap_or_default() }
}

/// Ticks whatever of a resource can be asked for.
async fn tick_all(service: &Service, form: &mut Form, code: &str) -> Result<()> {
    let entry = neighbours::entry(service.kernel.store.reader(), code).await?;
    let Some(asked) = form.resources.iter_mut().find(|asked| asked.code == code) else { return Ok(()) };
    for field in entry.fields.iter().filter(|field| profile_mask(&service.sharing, field).is_some()) {
        if !asked.fields.iter().any(|chosen| chosen.name == field.name) {
            asked.fields.push(crate::model::form::AskedField { name: field.name.clone(), unmasked: false, reason: String::new() });
        }
    }
    Ok(())
}

/// Codes of what lies in the actor's 申请篮.
async fn cart(service: &Service, ctx: &Ctx) -> Result<Vec<String>> {
    let db = service.kernel.store.reader();
    let ids = hufu_catalog::cart(db, &ctx.actor()?.account).await?;
    Ok(hufu_catalog::resources(db, &ids).await?.into_iter().map(|view| view.code).collect())
}

/// The actor's own paper, while it may still be written.
async fn own_draft(service: &Service, ctx: &Ctx, no: &str) -> Result<Paper> {
    let view = queries::application(&service.kernel, ctx, no).await?;
    let writable = matches!(view.paper.application.state, AppState::Draft | AppState::Supplementing);
    if !view.is_applicant {
        return Err(Error::refused("只有申请人可以修改申请"));
    }
    if !writable {
        return Err(Error::conflict("SHA-STATE", format!("申请当前为「{}」，不能修改", view.paper.application.state.name())));
    }
    Ok(view.paper)
}
