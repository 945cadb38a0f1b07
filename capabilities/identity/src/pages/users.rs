//! `/sys/users`: accounts of the reader's jurisdiction, and one of them.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use hufu_kernel::actor::Role;
use hufu_kernel::command::{Ctx, run};
use hufu_kernel::error::Result;
use hufu_kernel::ids::{AccountId, UnitId};
use hufu_kernel::shell::list::{Cell, Column, Export, Filter, FilterField, Format, List, ListQuery, ListView, Op};
use hufu_kernel::shell::page::page_with;
use hufu_kernel::shell::parts::{Choice, FieldErrors};
use hufu_kernel::shell::{Chrome, Html, Path, WebResult, fmt, kit, page};
use serde::{Deserialize, Serialize};

use crate::commands::export_accounts::ExportAccounts;
use crate::model::account::AccountState;
use crate::model::roles::RoleSet;
use crate::policy::action_name;
use crate::queries::{self, AccountFilter, AccountRow, AccountSort, Acts};
use crate::service::Identity;
use crate::store::session::{self, record};
use crate::store::{change, reason, token};

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct UserFilter {
    q: Option<String>,
    role: Option<String>,
    state: Option<String>,
    /// A unit with all below it; set by links from the tree.
    unit: Option<String>,
}

impl Filter for UserFilter {
    fn fields(&self) -> Vec<FilterField> {
        let roles = Role::ALL.map(|role| Choice::new(role.code(), role.name())).to_vec();
        vec![
            FilterField::text("q", "账号或姓名", &self.q, "账号、姓名"),
            FilterField::select("role", "角色", self.role.clone(), roles),
            FilterField::states("state", "状态", &self.state, &["enabled", "locked", "account_closed"]),
        ]
    }
}

impl UserFilter {
    pub(crate) fn read(&self, sort: Option<(&str, bool)>) -> Result<AccountFilter> {
        let unit = self.unit.as_deref().map(str::parse::<UnitId>).transpose();
        Ok(AccountFilter {
            text: self.q.clone(),
            role: self.role.as_deref().and_then(|code| code.parse().ok()),
            state: [AccountState::Active, AccountState::Locked, AccountState::Closed]
                .into_iter()
                .find(|state| Some(state.code()) == self.state.as_deref()),
            unit: unit.map_err(|_| hufu_kernel::error::Error::not_found("单位"))?,
            sort: match sort {
                Some(("last_login", newest_first)) => AccountSort::LastLogin { newest_first },
                Some((_, true)) => AccountSort::LoginDown,
                Some((_, false)) | None => AccountSort::Login,
            },
        })
    }
}

const COLUMNS: [Column<AccountRow>; 9] =
    [
        Column::new("login", "账号", 18, |row: &AccountRow| Cell::Name {
            text: row.account.login.clone(),
            note: row.account.name.clone(),
            href: format!("/sys/users/{}", row.account.id),
        })
        .sortable(),
        Column::new("name", "姓名", 12, |row: &AccountRow| Cell::Masked(fmt::mask_name(&row.account.name))).file_only(),
        Column::new("unit", "单位", 26, |row: &AccountRow| Cell::Text(row.unit.name.clone())),
        Column::new("roles", "角色", 26, |row: &AccountRow| {
            Cell::opt((!row.roles.is_empty()).then(|| row.role_names()))
        }),
        Column::new("state", "状态", 10, |row: &AccountRow| Cell::State(row.state_code().to_owned())),
        Column::new("pending", "待复核", 10, |row: &AccountRow| {
            if row.pending { Cell::State("recheck".to_owned()) } else { Cell::Empty }
        }),
        Column::new("last_login", "最近登录", 18, |row: &AccountRow| {
            row.account.last_login_at.map_or(Cell::Empty, Cell::Moment)
        })
        .sortable(),
        Column::new("vendor_until", "外包服务期止", 14, |row: &AccountRow| {
            row.account.vendor_until.map_or(Cell::Empty, |until| Cell::Date(until.date()))
        })
        .hidden(),
        Column::new("created", "建立时间", 18, |row: &AccountRow| Cell::Moment(row.account.created_at)).hidden(),
    ];

pub(crate) static USERS: List<AccountRow> =
    List::new("用户", &COLUMNS).ops(|row| vec![Op::new("查看", format!("/sys/users/{}", row.account.id))]).files();

#[derive(Template)]
#[template(path = "identity/users.html")]
struct Index {
    chrome: Chrome,
    list: ListView,
    may_create: bool,
}

pub(super) async fn index(
    State(identity): State<Arc<Identity>>,
    chrome: Chrome,
    ctx: Ctx,
    query: ListQuery<UserFilter>,
) -> WebResult {
    let filter = query.filter.read(USERS.sort(&query))?;
    let found = queries::accounts(&identity.kernel, &ctx, &filter, query.paging.page, query.paging.size).await?;
    let list = USERS.view(&query, &found.items, found.total);
    let may_create = ctx.actor()?.has(Role::R8);
    Ok(page(Index { chrome: chrome.crumb("系统管理", "/sys/users").titled("用户"), list, may_create }))
}

pub(super) async fn export_xlsx(
    State(identity): State<Arc<Identity>>,
    ctx: Ctx,
    query: ListQuery<UserFilter>,
) -> WebResult {
    export(&identity, &ctx, query, Format::Xlsx).await
}

pub(super) async fn export_csv(
    State(identity): State<Arc<Identity>>,
    ctx: Ctx,
    query: ListQuery<UserFilter>,
) -> WebResult {
    export(&identity, &ctx, query, Format::Csv).await
}

async fn export(identity: &Identity, ctx: &Ctx, query: ListQuery<UserFilter>, format: Format) -> WebResult {
    let query = query.whole(Export::ROWS_MAX);
    let filter = query.filter.read(USERS.sort(&query))?;
    let found = queries::accounts(&identity.kernel, ctx, &filter, 1, Export::ROWS_MAX).await?;
    let file = USERS.export(&query, &found.items, ctx.actor()?, ctx.now);
    Ok(recorded(identity, ctx, file, format).await?)
}

/// A list leaves only after the ledger knows of it.
pub(super) async fn recorded(identity: &Identity, ctx: &Ctx, file: Export, format: Format) -> Result<Response> {
    let rows = u64::try_from(file.rows.len()).unwrap_or(u64::MAX);
    let download = file.file(format)?;
    let sha256 = hufu_crypto::sha256(&download.bytes).to_hex();
    run(&identity.kernel, ctx, ExportAccounts { rows, sha256 }).await?;
    Ok(download.into_response())
}

#[derive(Template)]
#[template(path = "identity/user.html")]
struct Show {
    chrome: Chrome,
    row: AccountRow,
    acts: Acts,
    facts: Vec<(&'static str, Html)>,
    roles: Vec<RoleTick>,
    reason: String,
    waiting: Option<change::Model>,
    tokens: Vec<token::Model>,
    reasons: Vec<reason::Model>,
    logins: Vec<record::Model>,
    history: Vec<Happened>,
    errors: FieldErrors,
    /// Something to be handed to the person, or a list of what is left; shown once.
    notice: Option<Notice>,
}

impl Show {
    fn path(&self, act: &str) -> String {
        format!("/sys/users/{}/{act}", self.row.account.id)
    }

    fn act_name(&self, action: &str) -> String {
        action_name(action).to_owned()
    }

    fn token_state(&self, token: &token::Model) -> Html {
        kit::tag(token.state(self.chrome.now))
    }
}

/// What is shown once after an act.
#[derive(Clone, Debug)]
pub(super) enum Notice {
    Password(String),
    Closed(crate::commands::close_account::Closed),
}

/// One role with its tick in the form.
#[derive(Clone, Debug)]
pub(super) struct RoleTick {
    role: Role,
    on: bool,
}

/// One line of 操作记录.
#[derive(Clone, Debug)]
pub(super) struct Happened {
    pub(super) at: String,
    pub(super) who: String,
    pub(super) act: String,
    pub(super) outcome: &'static str,
    pub(super) client: String,
    pub(super) index: String,
}

pub(super) async fn show(
    State(identity): State<Arc<Identity>>,
    chrome: Chrome,
    ctx: Ctx,
    Path(id): Path<AccountId>,
) -> WebResult {
    draw(&identity, chrome, &ctx, &id, StatusCode::OK, Given::default()).await
}

/// What an act left on the page: errors with what was typed, or something shown once.
#[derive(Clone, Debug, Default)]
pub(super) struct Given {
    pub(super) errors: FieldErrors,
    pub(super) wanted: Option<Vec<Role>>,
    pub(super) reason: String,
    pub(super) notice: Option<Notice>,
}

pub(super) async fn draw(
    identity: &Identity,
    chrome: Chrome,
    ctx: &Ctx,
    id: &AccountId,
    status: StatusCode,
    given: Given,
) -> WebResult {
    let kernel = &identity.kernel;
    let db = kernel.store.reader();
    let row = queries::account(kernel, ctx, id).await?;
    let acts = queries::acts(kernel, ctx, &row).await?;
    let wanted = given.wanted.unwrap_or_else(|| row.roles.clone());
    let page = Show {
        chrome: chrome.crumb("系统管理", "/sys/users").crumb("用户", "/sys/users").titled(row.account.name.clone()),
        facts: facts(&row),
        roles: Role::ALL.into_iter().map(|role| RoleTick { role, on: wanted.contains(&role) }).collect(),
        reason: given.reason,
        waiting: change::pending_of(db, id).await?,
        tokens: token::of(db, id).await?,
        reasons: reason::of(db, id.as_str()).await?,
        logins: session::recent(db, id).await?,
        history: happened(queries::history(db, id.as_str()).await?),
        errors: given.errors,
        notice: given.notice,
        acts,
        row,
    };
    Ok(page_with(status, page))
}

fn facts(row: &AccountRow) -> Vec<(&'static str, Html)> {
    let account = &row.account;
    let dash = || Html::trusted("<span class=\"hf-dim\">—</span>");
    let text = |value: Option<String>| value.map_or_else(dash, Html::text);
    vec![
        ("账号", Html::trusted(format!("<span class=\"hf-code\">{}</span>", kit::esc(&account.login)))),
        ("姓名", Html::text(&account.name)),
        ("单位", Html::text(&row.unit.name)),
        ("电话", account.phone.as_ref().map_or_else(dash, |phone| kit::mask(fmt::mask_phone(phone)))),
        ("角色", text((!row.roles.is_empty()).then(|| row.role_names()))),
        ("第二因子", text(account.totp_at.map(|at| format!("{} 绑定", fmt::minute(at))))),
        ("最近登录", text(account.last_login_at.map(fmt::minute))),
        (
            "口令修改",
            Html::text(if account.password_initial {
                "初始口令，未修改".to_owned()
            } else {
                fmt::minute(account.password_at)
            }),
        ),
        ("外包单位", text(account.vendor.clone())),
        ("服务期止", text(account.vendor_until.map(fmt::day))),
        ("建立时间", Html::text(fmt::minute(account.created_at))),
        ("注销时间", text(account.closed_at.map(fmt::minute))),
    ]
}

pub(super) fn happened(rows: Vec<hufu_kernel::audit::Model>) -> Vec<Happened> {
    use hufu_kernel::audit::Outcome;
    rows.into_iter()
        .map(|row| Happened {
            at: fmt::second(row.at),
            who: who(&row),
            act: action_name(&row.action).to_owned(),
            outcome: match row.outcome {
                Outcome::Done => "success",
                Outcome::Refused => "denied",
                Outcome::Failed => "failed",
            },
            client: row.client,
            index: row.idx.map_or_else(|| "—".to_owned(), fmt::number),
        })
        .collect()
}

/// Log-ins happen before there is an actor; their entries name the account itself.
fn who(row: &hufu_kernel::audit::Model) -> String {
    match &row.login {
        Some(login) => login.clone(),
        None if row.action.starts_with("identity.session.") => row.object_no.clone(),
        None => "系统".to_owned(),
    }
}

/// Which roles the form adds and takes away.
pub(super) fn difference(held: &[Role], wanted: &[Role]) -> (Vec<Role>, Vec<Role>) {
    let add = wanted.iter().copied().filter(|role| !held.contains(role)).collect();
    let remove = held.iter().copied().filter(|role| !wanted.contains(role)).collect();
    (add, remove)
}

/// 「与 用数人员、安全审计员 不兼」
pub(super) fn excluded(role: Role) -> String {
    let others: Vec<&str> = Role::ALL
        .into_iter()
        .filter(|other| *other != role && RoleSet::new([role, *other]).is_err())
        .map(Role::name)
        .collect();
    if others.len() + 1 == Role::ALL.len() { "其他所有角色".to_owned() } else { others.join("、") }
}
