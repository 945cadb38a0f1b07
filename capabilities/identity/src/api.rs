//! `/api/v1`: session, me, units, accounts, tokens.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use hufu_kernel::actor::Role;
use hufu_kernel::command::{Ctx, run};
use hufu_kernel::error::{Error, FieldError};
use hufu_kernel::ids::{AccountId, TokenId, UnitId};
use hufu_kernel::shell::list::{Filter, FilterField, ListQuery};
use hufu_kernel::shell::{Json, Path, Shell, WebResult};
use hufu_kernel::unit;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::commands::close_account::CloseAccount;
use crate::commands::close_session::CloseSession;
use crate::commands::create_account::CreateAccount;
use crate::commands::create_unit::CreateUnit;
use crate::commands::decide_change::DecideChange;
use crate::commands::issue_token::IssueToken;
use crate::commands::propose_change::ProposeChange;
use crate::commands::revoke_token::RevokeToken;
use crate::model::account::PersonInput;
use crate::model::change::ChangeKind;
use crate::model::session::Stage;
use crate::model::unit::{UnitInput, kind_code, level_code};
use crate::pages::{USERS, UserFilter};
use crate::queries::{self, AccountRow, UnitRow};
use crate::service::{Identity, LogIn};
use crate::store::{account, change, token};
use crate::web::{Agent, Somebody, with_cookie, without_cookie};

/// The API of this capability.
pub fn routes(identity: Arc<Identity>) -> Router {
    Router::new()
        .route("/api/v1/session", post(open).delete(close))
        .route("/api/v1/me", get(me))
        .route("/api/v1/units", get(units).post(create_unit))
        .route("/api/v1/accounts", get(accounts).post(create_account))
        .route("/api/v1/accounts/{id}", get(show_account))
        .route("/api/v1/accounts/{id}/propose-role", post(propose_role))
        .route("/api/v1/accounts/{id}/confirm-role", post(confirm_role))
        .route("/api/v1/accounts/{id}/close", post(close_account))
        .route("/api/v1/tokens", get(tokens).post(issue_token))
        .route("/api/v1/tokens/{id}", delete(revoke_token))
        .with_state(identity)
}

#[derive(Deserialize)]
struct Credentials {
    login: String,
    password: String,
    #[serde(default)]
    code: Option<String>,
}

/// Opens a session: the cookie in the header, the CSRF token in the body. `stage` other than `open`
/// means that a page has to be visited first.
async fn open(
    State(identity): State<Arc<Identity>>,
    axum::Extension(shell): axum::Extension<Arc<Shell>>,
    ctx: Ctx,
    Agent(agent): Agent,
    Json(given): Json<Credentials>,
) -> WebResult {
    let attempt = LogIn { login: given.login, password: given.password, code: given.code, agent };
    let signed = identity.log_in(&ctx, attempt).await?;
    let csrf = shell.csrf().token(&signed.session);
    let body = json!({ "stage": signed.stage, "next": signed.stage.page(), "csrf_token": csrf });
    Ok(with_cookie(axum::Json(body).into_response(), &identity.settings, &signed.cookie))
}

async fn close(State(identity): State<Arc<Identity>>, ctx: Ctx, who: Somebody) -> WebResult {
    run(&identity.kernel, &who.ctx(ctx), CloseSession { session: who.session.clone() }).await?;
    Ok(without_cookie(StatusCode::NO_CONTENT.into_response(), &identity.settings))
}

async fn me(State(identity): State<Arc<Identity>>, ctx: Ctx) -> WebResult {
    let actor = ctx.actor()?;
    let mine = account::find(identity.kernel.store.reader(), &actor.account).await?;
    let body = json!({
        "id": actor.account, "account": actor.login, "name": actor.name,
        "unit": { "id": actor.unit.id, "code": actor.unit.code, "name": actor.unit.name, "level": level_code(actor.unit.level) },
        "roles": codes(&actor.roles), "second_factor": mine.totp.is_some(), "stage": Stage::Open,
    });
    Ok(axum::Json(body).into_response())
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct UnitFilter {
    q: Option<String>,
    /// Code of a unit whose direct children are wanted.
    parent: Option<String>,
}

impl Filter for UnitFilter {
    fn fields(&self) -> Vec<FilterField> {
        vec![FilterField::text("q", "名称", &self.q, ""), FilterField::text("parent", "上级代码", &self.parent, "")]
    }
}

async fn units(State(identity): State<Arc<Identity>>, ctx: Ctx, query: ListQuery<UnitFilter>) -> WebResult {
    let rows = queries::units(&identity.kernel, &ctx).await?;
    let parent = match &query.filter.parent {
        Some(code) => Some(unit::find_by_code(identity.kernel.store.reader(), code).await?.id),
        None => None,
    };
    let wanted: Vec<&UnitRow> = rows
        .iter()
        .filter(|row| parent.as_ref().is_none_or(|parent| row.unit.parent_id.as_ref() == Some(parent)))
        .filter(|row| query.filter.q.as_ref().is_none_or(|q| row.unit.name.contains(q) || row.unit.code.contains(q)))
        .collect();
    let skip = usize::try_from(query.paging.offset()).unwrap_or(usize::MAX);
    let take = usize::try_from(query.paging.limit()).unwrap_or(usize::MAX);
    let items: Vec<Value> = wanted.iter().skip(skip).take(take).map(|row| unit_json(&row.unit)).collect();
    Ok(axum::Json(json!({ "items": items, "total": wanted.len() })).into_response())
}

#[derive(Deserialize)]
struct NewUnit {
    /// Code of the unit above.
    parent: String,
    #[serde(flatten)]
    input: UnitInput,
}

async fn create_unit(State(identity): State<Arc<Identity>>, ctx: Ctx, Json(given): Json<NewUnit>) -> WebResult {
    ctx.actor()?;
    let db = identity.kernel.store.reader();
    let parent = unit::find_by_code(db, &given.parent).await?.id;
    let made = run(&identity.kernel, &ctx, CreateUnit { parent, input: given.input }).await?;
    let body = unit_json(&unit::find(db, &made.output.id).await?);
    Ok(created(body, made.ledger_index))
}

async fn accounts(State(identity): State<Arc<Identity>>, ctx: Ctx, query: ListQuery<UserFilter>) -> WebResult {
    let filter = query.filter.read(USERS.sort(&query))?;
    let found = queries::accounts(&identity.kernel, &ctx, &filter, query.paging.page, query.paging.size).await?;
    let items: Vec<Value> = found.items.iter().map(account_json).collect();
    Ok(axum::Json(json!({ "items": items, "total": found.total })).into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewAccount {
    /// Code of the unit.
    unit: String,
    login: String,
    name: String,
    #[serde(default)]
    phone: String,
    #[serde(default)]
    vendor: String,
    #[serde(default)]
    vendor_until: String,
}

async fn create_account(State(identity): State<Arc<Identity>>, ctx: Ctx, Json(given): Json<NewAccount>) -> WebResult {
    ctx.actor()?;
    let unit: UnitId = unit::find_by_code(identity.kernel.store.reader(), &given.unit).await?.id;
    let input = PersonInput {
        login: given.login,
        name: given.name,
        phone: given.phone,
        vendor: given.vendor,
        vendor_until: given.vendor_until,
    };
    let ready = CreateAccount::prepare(&identity.passwords, unit, &input).await?;
    let made = run(&identity.kernel, &ctx, ready).await?;
    let row = queries::account(&identity.kernel, &ctx, &made.output.account).await?;
    let mut body = account_json(&row);
    put(&mut body, "initial_password", json!(made.output.password));
    Ok(created(body, made.ledger_index))
}

async fn show_account(State(identity): State<Arc<Identity>>, ctx: Ctx, Path(id): Path<AccountId>) -> WebResult {
    let row = queries::account(&identity.kernel, &ctx, &id).await?;
    Ok(axum::Json(account_json(&row)).into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Proposal {
    #[serde(default)]
    add: Vec<Role>,
    #[serde(default)]
    remove: Vec<Role>,
    reason: String,
}

async fn propose_role(
    State(identity): State<Arc<Identity>>,
    ctx: Ctx,
    Path(id): Path<AccountId>,
    Json(given): Json<Proposal>,
) -> WebResult {
    let Proposal { add, remove, reason } = given;
    let command = ProposeChange { account: id, kind: ChangeKind::Roles, add, remove, reason };
    let made = run(&identity.kernel, &ctx, command).await?;
    Ok(created(json!({ "id": made.output.id, "no": made.output.no, "state": "pending" }), made.ledger_index))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Verdict {
    /// `confirm` or `refuse`.
    decision: String,
    #[serde(default)]
    opinion: String,
    #[serde(default)]
    version: Option<i32>,
}

/// Decides the change that waits for this account.
async fn confirm_role(
    State(identity): State<Arc<Identity>>,
    ctx: Ctx,
    Path(id): Path<AccountId>,
    Json(given): Json<Verdict>,
) -> WebResult {
    ctx.actor()?;
    let waiting = change::pending_of(identity.kernel.store.reader(), &id).await?;
    let waiting = waiting.ok_or_else(|| Error::not_found("待复核的变更"))?.id;
    let command = match given.decision.as_str() {
        "confirm" => DecideChange::confirm(&identity.passwords, waiting, given.version, &given.opinion).await?,
        "refuse" => DecideChange::refuse(waiting, given.version, &given.opinion),
        _ => return Err(Error::invalid(vec![FieldError::new("decision", "应为 confirm 或 refuse")]).into()),
    };
    let made = run(&identity.kernel, &ctx, command).await?;
    let mut body = json!({ "state": made.output.state, "ledger_index": made.ledger_index });
    if let Some(password) = made.output.password {
        put(&mut body, "initial_password", json!(password));
    }
    Ok(axum::Json(body).into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Reason {
    reason: String,
}

async fn close_account(
    State(identity): State<Arc<Identity>>,
    ctx: Ctx,
    Path(id): Path<AccountId>,
    Json(given): Json<Reason>,
) -> WebResult {
    let holdings = identity.holdings.clone();
    let closed = run(&identity.kernel, &ctx, CloseAccount { account: id, reason: given.reason, holdings }).await?;
    let mut body = serde_json::to_value(closed.output).map_err(Error::internal)?;
    put(&mut body, "ledger_index", json!(closed.ledger_index));
    Ok(axum::Json(body).into_response())
}

async fn tokens(State(identity): State<Arc<Identity>>, ctx: Ctx) -> WebResult {
    let mine = token::of(identity.kernel.store.reader(), &ctx.actor()?.account).await?;
    let items: Vec<Value> = mine.iter().map(|token| token_json(token, &ctx)).collect();
    Ok(axum::Json(json!({ "items": items, "total": items.len() })).into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewToken {
    name: String,
    days: i64,
}

async fn issue_token(State(identity): State<Arc<Identity>>, ctx: Ctx, Json(given): Json<NewToken>) -> WebResult {
    let made = run(&identity.kernel, &ctx, IssueToken { name: given.name, days: given.days }).await?;
    let issued = &made.output;
    let body = json!({ "id": issued.id, "token": issued.text, "prefix": issued.prefix, "expires_at": issued.expires_at.rfc3339() });
    Ok(created(body, made.ledger_index))
}

async fn revoke_token(State(identity): State<Arc<Identity>>, ctx: Ctx, Path(token): Path<TokenId>) -> WebResult {
    run(&identity.kernel, &ctx, RevokeToken { token }).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

fn created(mut body: Value, ledger_index: u64) -> Response {
    put(&mut body, "ledger_index", json!(ledger_index));
    (StatusCode::CREATED, axum::Json(body)).into_response()
}

fn put(body: &mut Value, key: &str, value: Value) {
    if let Some(object) = body.as_object_mut() {
        object.insert(key.to_owned(), value);
    }
}

fn codes(roles: &[Role]) -> Vec<&'static str> {
    roles.iter().map(|role| role.code()).collect()
}

fn unit_json(unit: &unit::Model) -> Value {
    json!({
        "id": unit.id, "code": unit.code, "name": unit.name, "kind": kind_code(unit.kind),
        "level": level_code(unit.level), "parent_id": unit.parent_id, "closed": unit.closed_at.is_some(),
        "version": unit.version,
    })
}

fn account_json(row: &AccountRow) -> Value {
    let account = &row.account;
    json!({
        "id": account.id, "account": account.login, "name": account.name,
        "unit": { "id": row.unit.id, "code": row.unit.code, "name": row.unit.name },
        "roles": codes(&row.roles), "state": account.state, "locked": row.locked, "pending_change": row.pending,
        "vendor": account.vendor, "vendor_until": account.vendor_until.map(|until| until.rfc3339()),
        "last_login_at": account.last_login_at.map(|at| at.rfc3339()), "version": account.version,
    })
}

fn token_json(token: &token::Model, ctx: &Ctx) -> Value {
    json!({
        "id": token.id, "name": token.name, "prefix": token.prefix, "state": token.state(ctx.now),
        "created_at": token.created_at.rfc3339(), "expires_at": token.expires_at.rfc3339(),
        "used_at": token.used_at.map(|at| at.rfc3339()),
    })
}
