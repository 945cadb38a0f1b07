//! What an administrator does to an account: create, edit, propose roles, reset, lock, close.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use hufu_kernel::actor::Role;
use hufu_kernel::command::{Ctx, run};
use hufu_kernel::error::{Error, FieldError};
use hufu_kernel::ids::{AccountId, TokenId, UnitId};
use hufu_kernel::shell::page::{go, page_with};
use hufu_kernel::shell::parts::{Choice, FieldErrors};
use hufu_kernel::shell::{Chrome, Form, Path, Query, WebResult, fmt};
use serde::Deserialize;

use super::users::{Given, Notice, difference, draw};
use crate::commands::close_account::CloseAccount;
use crate::commands::create_account::CreateAccount;
use crate::commands::edit_account::EditAccount;
use crate::commands::lock_account::{LockAccount, UnlockAccount};
use crate::commands::propose_change::ProposeChange;
use crate::commands::revoke_token::RevokeToken;
use crate::model::account::PersonInput;
use crate::model::change::ChangeKind;
use crate::queries;
use crate::service::Identity;

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct PersonForm {
    pub(crate) unit: String,
    pub(crate) login: String,
    pub(crate) name: String,
    pub(crate) phone: String,
    pub(crate) vendor: String,
    pub(crate) vendor_until: String,
    pub(crate) version: i32,
}

impl PersonForm {
    pub(crate) fn input(&self) -> PersonInput {
        PersonInput {
            login: self.login.clone(),
            name: self.name.clone(),
            phone: self.phone.clone(),
            vendor: self.vendor.clone(),
            vendor_until: self.vendor_until.clone(),
        }
    }
}

#[derive(Template)]
#[template(path = "identity/user_form.html")]
struct UserForm {
    chrome: Chrome,
    /// Absent for a new account.
    account: Option<AccountId>,
    form: PersonForm,
    units: Vec<Choice>,
    errors: FieldErrors,
}

impl UserForm {
    fn action(&self) -> String {
        self.account.as_ref().map_or_else(|| "/sys/users/new".to_owned(), |id| format!("/sys/users/{id}/edit"))
    }

    fn back(&self) -> String {
        self.account.as_ref().map_or_else(|| "/sys/users".to_owned(), |id| format!("/sys/users/{id}"))
    }
}

#[derive(Deserialize)]
pub(super) struct Preset {
    #[serde(default)]
    unit: String,
}

pub(super) async fn blank(
    State(identity): State<Arc<Identity>>,
    chrome: Chrome,
    ctx: Ctx,
    Query(preset): Query<Preset>,
) -> WebResult {
    let form = PersonForm { unit: preset.unit, ..PersonForm::default() };
    form_page(&identity, chrome, &ctx, None, form, StatusCode::OK, FieldErrors::none()).await
}

pub(super) async fn create(
    State(identity): State<Arc<Identity>>,
    chrome: Chrome,
    ctx: Ctx,
    Form(form): Form<PersonForm>,
) -> WebResult {
    ctx.actor()?;
    let made = async {
        let unit = form.unit.parse::<UnitId>();
        let unit = unit.map_err(|_| Error::invalid(vec![FieldError::new("unit", "请选择单位")]))?;
        let ready = CreateAccount::prepare(&identity.passwords, unit, &form.input()).await?;
        run(&identity.kernel, &ctx, ready).await
    };
    match made.await {
        Ok(receipt) => {
            let notice = Some(Notice::Password(receipt.output.password));
            let given = Given { notice, ..Given::default() };
            draw(&identity, chrome, &ctx, &receipt.output.account, StatusCode::CREATED, given).await
        }
        Err(error) => {
            let errors = FieldErrors::of(error)?;
            form_page(&identity, chrome, &ctx, None, form, StatusCode::UNPROCESSABLE_ENTITY, errors).await
        }
    }
}

pub(super) async fn edit(
    State(identity): State<Arc<Identity>>,
    chrome: Chrome,
    ctx: Ctx,
    Path(id): Path<AccountId>,
) -> WebResult {
    let row = queries::account(&identity.kernel, &ctx, &id).await?;
    if !queries::acts(&identity.kernel, &ctx, &row).await?.edit {
        return Err(Error::refused("您的角色或单位无权进行此操作").into());
    }
    let account = row.account;
    let form = PersonForm {
        unit: account.unit_id.to_string(),
        login: account.login,
        name: account.name,
        phone: account.phone.unwrap_or_default(),
        vendor: account.vendor.unwrap_or_default(),
        vendor_until: account.vendor_until.map(fmt::day).unwrap_or_default(),
        version: account.version,
    };
    form_page(&identity, chrome, &ctx, Some(id), form, StatusCode::OK, FieldErrors::none()).await
}

pub(super) async fn save(
    State(identity): State<Arc<Identity>>,
    chrome: Chrome,
    ctx: Ctx,
    Path(id): Path<AccountId>,
    Form(form): Form<PersonForm>,
) -> WebResult {
    let command = EditAccount { account: id.clone(), version: form.version, input: form.input() };
    match run(&identity.kernel, &ctx, command).await {
        Ok(_) => Ok(go(&format!("/sys/users/{id}"))),
        Err(error) => {
            let errors = FieldErrors::of(error)?;
            let row = queries::account(&identity.kernel, &ctx, &id).await?;
            let form = PersonForm { login: row.account.login, unit: row.unit.id.to_string(), ..form };
            form_page(&identity, chrome, &ctx, Some(id), form, StatusCode::UNPROCESSABLE_ENTITY, errors).await
        }
    }
}

async fn form_page(
    identity: &Identity,
    chrome: Chrome,
    ctx: &Ctx,
    account: Option<AccountId>,
    form: PersonForm,
    status: StatusCode,
    errors: FieldErrors,
) -> WebResult {
    let units = queries::administered(&identity.kernel, ctx).await?;
    let units = units.into_iter().map(|row| Choice::new(row.unit.id.to_string(), row.indented())).collect();
    let title = if account.is_some() { "修改账号" } else { "新建账号" };
    let chrome = chrome.crumb("系统管理", "/sys/users").crumb("用户", "/sys/users").titled(title);
    Ok(page_with(status, UserForm { chrome, account, form, units, errors }))
}

#[derive(Debug, Deserialize)]
pub(super) struct RolesForm {
    #[serde(default)]
    roles: Vec<Role>,
    #[serde(default)]
    reason: String,
}

pub(super) async fn propose(
    State(identity): State<Arc<Identity>>,
    chrome: Chrome,
    ctx: Ctx,
    Path(id): Path<AccountId>,
    Form(form): Form<RolesForm>,
) -> WebResult {
    let held = queries::account(&identity.kernel, &ctx, &id).await?.roles;
    let (add, remove) = difference(&held, &form.roles);
    let reason = form.reason.clone();
    let command = ProposeChange { account: id.clone(), kind: ChangeKind::Roles, add, remove, reason };
    match run(&identity.kernel, &ctx, command).await {
        Ok(receipt) => Ok(go(&format!("/sys/roles/{}", receipt.output.id))),
        Err(error) => {
            let errors = FieldErrors::of(error)?;
            let given = Given { errors, wanted: Some(form.roles), reason: form.reason, notice: None };
            draw(&identity, chrome, &ctx, &id, StatusCode::UNPROCESSABLE_ENTITY, given).await
        }
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct ReasonForm {
    #[serde(default)]
    reason: String,
}

pub(super) async fn propose_reset(
    State(identity): State<Arc<Identity>>,
    ctx: Ctx,
    Path(id): Path<AccountId>,
    Form(form): Form<ReasonForm>,
) -> WebResult {
    let (add, remove, reason) = (Vec::new(), Vec::new(), form.reason);
    let command = ProposeChange { account: id, kind: ChangeKind::Credentials, add, remove, reason };
    let proposed = run(&identity.kernel, &ctx, command).await?.output;
    Ok(go(&format!("/sys/roles/{}", proposed.id)))
}

pub(super) async fn lock(
    State(identity): State<Arc<Identity>>,
    ctx: Ctx,
    Path(id): Path<AccountId>,
    Form(form): Form<ReasonForm>,
) -> WebResult {
    run(&identity.kernel, &ctx, LockAccount { account: id.clone(), reason: form.reason }).await?;
    Ok(go(&format!("/sys/users/{id}")))
}

pub(super) async fn unlock(State(identity): State<Arc<Identity>>, ctx: Ctx, Path(id): Path<AccountId>) -> WebResult {
    run(&identity.kernel, &ctx, UnlockAccount { account: id.clone() }).await?;
    Ok(go(&format!("/sys/users/{id}")))
}

pub(super) async fn close(
    State(identity): State<Arc<Identity>>,
    chrome: Chrome,
    ctx: Ctx,
    Path(id): Path<AccountId>,
    Form(form): Form<ReasonForm>,
) -> WebResult {
    let holdings = identity.holdings.clone();
    let command = CloseAccount { account: id.clone(), reason: form.reason, holdings };
    let closed = run(&identity.kernel, &ctx, command).await?.output;
    let given = Given { notice: Some(Notice::Closed(closed)), ..Given::default() };
    draw(&identity, chrome, &ctx, &id, StatusCode::OK, given).await
}

pub(super) async fn revoke(
    State(identity): State<Arc<Identity>>,
    ctx: Ctx,
    Path((id, token)): Path<(AccountId, TokenId)>,
) -> WebResult {
    run(&identity.kernel, &ctx, RevokeToken { token }).await?;
    Ok(go(&format!("/sys/users/{id}")))
}
