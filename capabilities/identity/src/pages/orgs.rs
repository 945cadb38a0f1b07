//! What an administrator does to a unit: create, edit, move, close.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use hufu_kernel::command::{Ctx, run};
use hufu_kernel::error::{Error, FieldError};
use hufu_kernel::ids::UnitId;
use hufu_kernel::shell::page::{go, page_with};
use hufu_kernel::shell::parts::{Choice, FieldErrors};
use hufu_kernel::shell::{Chrome, Form, Path, Query, WebResult};
use hufu_kernel::unit;
use serde::Deserialize;

use super::orgs_view::draw;
use crate::commands::close_unit::CloseUnit;
use crate::commands::create_unit::CreateUnit;
use crate::commands::edit_unit::EditUnit;
use crate::commands::move_unit::MoveUnit;
use crate::model::unit::{ResponsibleAs, UnitInput, kind_code, kind_name, kinds, level_code, levels};
use crate::queries;
use crate::service::Identity;
use crate::store::profile;

#[derive(Template)]
#[template(path = "identity/org_form.html")]
struct OrgForm {
    chrome: Chrome,
    /// Absent for a new unit.
    unit: Option<UnitId>,
    parent: String,
    version: i32,
    form: UnitInput,
    parents: Vec<Choice>,
    kinds: Vec<Choice>,
    levels: Vec<Choice>,
    responsibles: Vec<Choice>,
    errors: FieldErrors,
}

impl OrgForm {
    fn action(&self) -> String {
        self.unit.as_ref().map_or_else(|| "/sys/orgs/new".to_owned(), |id| format!("/sys/orgs/{id}/edit"))
    }

    fn back(&self) -> String {
        self.unit.as_ref().map_or_else(|| "/sys/orgs".to_owned(), |id| format!("/sys/orgs/{id}"))
    }
}

/// The unit's fields with what they hang on.
#[derive(Debug, Deserialize)]
pub(super) struct Given {
    #[serde(default)]
    parent: String,
    #[serde(default)]
    version: i32,
    #[serde(flatten)]
    input: UnitInput,
}

#[derive(Deserialize)]
pub(super) struct Preset {
    #[serde(default)]
    parent: String,
}

pub(super) async fn blank(
    State(identity): State<Arc<Identity>>,
    chrome: Chrome,
    ctx: Ctx,
    Query(preset): Query<Preset>,
) -> WebResult {
    let given = Given { parent: preset.parent, version: 0, input: UnitInput::default() };
    form_page(&identity, chrome, &ctx, None, given, StatusCode::OK, FieldErrors::none()).await
}

pub(super) async fn create(
    State(identity): State<Arc<Identity>>,
    chrome: Chrome,
    ctx: Ctx,
    Form(given): Form<Given>,
) -> WebResult {
    ctx.actor()?;
    let made = async {
        let parent = given.parent.parse::<UnitId>();
        let parent = parent.map_err(|_| Error::invalid(vec![FieldError::new("parent", "请选择上级单位")]))?;
        run(&identity.kernel, &ctx, CreateUnit { parent, input: given.input.clone() }).await
    };
    match made.await {
        Ok(receipt) => Ok(go(&format!("/sys/orgs/{}", receipt.output.id))),
        Err(error) => {
            let errors = FieldErrors::of(error)?;
            form_page(&identity, chrome, &ctx, None, given, StatusCode::UNPROCESSABLE_ENTITY, errors).await
        }
    }
}

pub(super) async fn edit(
    State(identity): State<Arc<Identity>>,
    chrome: Chrome,
    ctx: Ctx,
    Path(id): Path<UnitId>,
) -> WebResult {
    ctx.actor()?;
    let db = identity.kernel.store.reader();
    let found = unit::find(db, &id).await?;
    if !queries::may_keep_unit(&identity.kernel, &ctx, &found.as_ref()).await? {
        return Err(Error::refused("您的角色或单位无权进行此操作").into());
    }
    let answers = profile::of(db, &id).await?;
    let version = found.version;
    let given = Given { parent: String::new(), version, input: filled(found, answers) };
    form_page(&identity, chrome, &ctx, Some(id), given, StatusCode::OK, FieldErrors::none()).await
}

pub(super) async fn save(
    State(identity): State<Arc<Identity>>,
    chrome: Chrome,
    ctx: Ctx,
    Path(id): Path<UnitId>,
    Form(given): Form<Given>,
) -> WebResult {
    let command = EditUnit { unit: id.clone(), version: given.version, input: given.input.clone() };
    match run(&identity.kernel, &ctx, command).await {
        Ok(_) => Ok(go(&format!("/sys/orgs/{id}"))),
        Err(error) => {
            let errors = FieldErrors::of(error)?;
            form_page(&identity, chrome, &ctx, Some(id), given, StatusCode::UNPROCESSABLE_ENTITY, errors).await
        }
    }
}

fn filled(found: unit::Model, answers: Option<profile::Model>) -> UnitInput {
    let input = UnitInput {
        code: found.code,
        name: found.name,
        kind: kind_code(found.kind).to_owned(),
        level: level_code(found.level).to_owned(),
        sort: found.sort.to_string(),
        ..UnitInput::default()
    };
    match answers {
        None => input,
        Some(answers) => UnitInput {
            responsible: answers.responsible,
            responsible_as: answers.responsible_as,
            responsible_post: answers.responsible_post,
            sharing_office: answers.sharing_office,
            contact: answers.contact,
            contact_phone: answers.contact_phone,
            ..input
        },
    }
}

async fn form_page(
    identity: &Identity,
    chrome: Chrome,
    ctx: &Ctx,
    unit: Option<UnitId>,
    given: Given,
    status: StatusCode,
    errors: FieldErrors,
) -> WebResult {
    let parents = queries::administered(&identity.kernel, ctx).await?;
    let title = if unit.is_some() { "修改单位" } else { "新建单位" };
    let page = OrgForm {
        chrome: chrome.crumb("系统管理", "/sys/orgs").crumb("机构", "/sys/orgs").titled(title),
        unit,
        parent: given.parent,
        version: given.version,
        form: given.input,
        parents: parents.into_iter().map(|row| Choice::new(row.unit.id.to_string(), row.indented())).collect(),
        kinds: kinds().map(|kind| Choice::new(kind_code(kind), kind_name(kind))).to_vec(),
        levels: levels().map(|level| Choice::new(level_code(level), level.name())).to_vec(),
        responsibles: ResponsibleAs::ALL.map(|one| Choice::new(one.code(), one.name())).to_vec(),
        errors,
    };
    Ok(page_with(status, page))
}

#[derive(Debug, Deserialize)]
pub(super) struct Relocation {
    #[serde(default)]
    parent: String,
    #[serde(default)]
    version: i32,
}

pub(super) async fn relocate(
    State(identity): State<Arc<Identity>>,
    chrome: Chrome,
    ctx: Ctx,
    Path(id): Path<UnitId>,
    Form(given): Form<Relocation>,
) -> WebResult {
    ctx.actor()?;
    let moved = async {
        let parent = given.parent.parse::<UnitId>();
        let parent = parent.map_err(|_| Error::invalid(vec![FieldError::new("parent", "请选择新的上级单位")]))?;
        run(&identity.kernel, &ctx, MoveUnit { unit: id.clone(), version: given.version, parent }).await
    };
    match moved.await {
        Ok(_) => Ok(go(&format!("/sys/orgs/{id}"))),
        Err(error) => {
            let errors = FieldErrors::of(error)?;
            draw(&identity, chrome, &ctx, &id, StatusCode::UNPROCESSABLE_ENTITY, errors).await
        }
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct Closing {
    #[serde(default)]
    reason: String,
    #[serde(default)]
    version: i32,
}

pub(super) async fn close(
    State(identity): State<Arc<Identity>>,
    ctx: Ctx,
    Path(id): Path<UnitId>,
    Form(given): Form<Closing>,
) -> WebResult {
    let command = CloseUnit { unit: id.clone(), version: given.version, reason: given.reason };
    run(&identity.kernel, &ctx, command).await?;
    Ok(go(&format!("/sys/orgs/{id}")))
}
