//! `/sys/roles`: the nine roles, and the changes of rights that wait for their second person.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use hufu_kernel::actor::Role;
use hufu_kernel::command::{Ctx, run};
use hufu_kernel::ids::RoleChangeId;
use hufu_kernel::shell::list::{Cell, Column, Filter, FilterField, List, ListQuery, ListView, Op, Seg};
use hufu_kernel::shell::page::{go, page_with};
use hufu_kernel::shell::parts::{FieldErrors, Happening};
use hufu_kernel::shell::{Chrome, Form, Html, Path, WebResult, fmt, kit, page};
use serde::{Deserialize, Serialize};

use super::users::{Happened, excluded, happened};
use crate::commands::decide_change::DecideChange;
use crate::commands::withdraw_change::WithdrawChange;
use crate::model::change::ChangeState;
use crate::model::roles::needs_second_factor;
use crate::queries::{self, ChangeRow};
use crate::service::Identity;

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct ChangeFilter {
    state: Option<String>,
}

impl Filter for ChangeFilter {
    fn fields(&self) -> Vec<FilterField> {
        Vec::new()
    }
}

impl ChangeFilter {
    fn read(&self) -> Option<ChangeState> {
        STATES.into_iter().find(|state| Some(state.code()) == self.state.as_deref())
    }
}

const STATES: [ChangeState; 4] =
    [ChangeState::Pending, ChangeState::Confirmed, ChangeState::Refused, ChangeState::Withdrawn];

const COLUMNS: [Column<ChangeRow>; 6] = [
    Column::new("no", "变更", 30, |row: &ChangeRow| Cell::Name {
        text: row.change.summary(),
        note: row.change.no.clone(),
        href: format!("/sys/roles/{}", row.change.id),
    }),
    Column::new("subject", "人员", 24, |row: &ChangeRow| {
        Cell::Text(format!("{}（{}）", row.subject.name, row.subject.unit.name))
    }),
    Column::new("proposer", "提出人", 16, |row: &ChangeRow| Cell::Text(row.proposer.name.clone())),
    Column::new("proposed_at", "提出时间", 18, |row: &ChangeRow| Cell::Moment(row.change.proposed_at)),
    Column::new("bureau", "复核单位", 20, |row: &ChangeRow| Cell::Text(row.bureau.name.clone())),
    Column::new("state", "状态", 10, |row: &ChangeRow| Cell::State(row.change.state.code().to_owned())),
];

static CHANGES: List<ChangeRow> = List::new("权限变更", &COLUMNS)
    .ops(|row| vec![Op::new(if row.mine { "复核" } else { "查看" }, format!("/sys/roles/{}", row.change.id))]);

/// One role as the matrix shows it.
#[derive(Clone, Debug)]
struct RoleLine {
    role: Role,
    duty: &'static str,
    excluded: String,
    second: bool,
    holders: u64,
}

#[derive(Template)]
#[template(path = "identity/roles.html")]
struct Index {
    chrome: Chrome,
    list: ListView,
    roles: Vec<RoleLine>,
}

pub(super) async fn index(
    State(identity): State<Arc<Identity>>,
    chrome: Chrome,
    ctx: Ctx,
    query: ListQuery<ChangeFilter>,
) -> WebResult {
    let kernel = &identity.kernel;
    let found = queries::changes(kernel, &ctx, query.filter.read(), query.paging.page, query.paging.size).await?;
    let mut segs = vec![(None, "全部")];
    segs.extend(STATES.map(|state| (Some(state), hufu_kernel::shell::status::word(state.code()))));
    let mut tabs = Vec::new();
    for (state, label) in segs {
        let count = queries::changes(kernel, &ctx, state, 1, 0).await?.total;
        let code = state.map(|state| state.code().to_owned());
        let on = query.filter.read() == state;
        tabs.push(Seg { label: label.to_owned(), count, href: query.filter_url(ChangeFilter { state: code }), on });
    }
    let holders = queries::holders(kernel, &ctx).await?;
    let line = |role: Role| RoleLine {
        role,
        duty: duty(role),
        excluded: excluded(role),
        second: needs_second_factor(&[role]),
        holders: holders.get(&role).copied().unwrap_or(0),
    };
    let list = CHANGES.view(&query, &found.items, found.total).with_segs(tabs);
    let chrome = chrome.crumb("系统管理", "/sys/roles").titled("角色与复核");
    Ok(page(Index { chrome, list, roles: Role::ALL.map(line).to_vec() }))
}

/// What the post is for, and where its power ends.
fn duty(role: Role) -> &'static str {
    match role {
        Role::R1 => "定策略、管专项、看告警，复核权限变更；不查数据",
        Role::R2 => "审批供数、越权使用和处置；不批自己的申请",
        Role::R3 => "编目、分类分级、供数经办、整改",
        Role::R4 => "申请、查询、下载，报告使用情况；不管策略",
        Role::R5 => "查账本、做校验、出报告；不改任何业务",
        Role::R6 => "管数据源、任务和备份；不见高级别明文",
        Role::R7 => "自查填报、签承诺书；不见其他单位",
        Role::R8 => "管账号和机构；不授数据权，角色须他人复核",
        Role::R9 => "汇总并转报本区县；不见其他区县",
    }
}

#[derive(Template)]
#[template(path = "identity/change.html")]
struct Show {
    chrome: Chrome,
    row: ChangeRow,
    facts: Vec<(&'static str, Html)>,
    line: Vec<Happening>,
    history: Vec<Happened>,
    errors: FieldErrors,
    /// The new initial password of a confirmed reset, shown once.
    password: Option<String>,
}

impl Show {
    fn signs(&self) -> Html {
        kit::tag(self.row.change.state.code())
    }

    fn action(&self) -> String {
        format!("/sys/roles/{}/decide", self.row.change.id)
    }
}

pub(super) async fn show(
    State(identity): State<Arc<Identity>>,
    chrome: Chrome,
    ctx: Ctx,
    Path(id): Path<RoleChangeId>,
) -> WebResult {
    draw(&identity, chrome, &ctx, &id, StatusCode::OK, FieldErrors::none(), None).await
}

async fn draw(
    identity: &Identity,
    chrome: Chrome,
    ctx: &Ctx,
    id: &RoleChangeId,
    status: StatusCode,
    errors: FieldErrors,
    password: Option<String>,
) -> WebResult {
    let kernel = &identity.kernel;
    let row = queries::change(kernel, ctx, id).await?;
    let decider = match &row.change.decider {
        Some(decider) => Some(queries::actor(kernel.store.reader(), decider).await?),
        None => None,
    };
    let change = &row.change;
    let mut line = vec![Happening {
        who: row.proposer.name.clone(),
        post: format!("{} · {}", row.proposer.unit.name, Role::R8.name()),
        at: Some(change.proposed_at),
        act: "提出变更".to_owned(),
        opinion: change.reason.clone(),
        ..Happening::default()
    }];
    line.insert(
        0,
        Happening {
            who: decider.as_ref().map_or_else(String::new, |decider| decider.name.clone()),
            post: format!("{} · {}", row.bureau.name, Role::R1.name()),
            at: change.decided_at,
            act: hufu_kernel::shell::status::word(change.state.code()).to_owned(),
            opinion: change.opinion.clone().unwrap_or_default(),
            own: true,
            now: change.state == ChangeState::Pending,
            proof: None,
        },
    );
    let page = Show {
        chrome: chrome.crumb("系统管理", "/sys/roles").crumb("角色与复核", "/sys/roles").titled(change.kind.name()),
        facts: facts(&row),
        history: happened(queries::history(kernel.store.reader(), id.as_str()).await?),
        line,
        errors,
        password,
        row,
    };
    Ok(page_with(status, page))
}

fn facts(row: &ChangeRow) -> Vec<(&'static str, Html)> {
    let link = format!("<a href=\"/sys/users/{}\">{}</a>", row.subject.account, kit::esc(&row.subject.name));
    let now: Vec<&str> = row.subject.roles.iter().map(|role| role.name()).collect();
    vec![
        ("人员", Html::trusted(link)),
        ("单位", Html::text(&row.subject.unit.name)),
        ("现有角色", Html::text(if now.is_empty() { "无".to_owned() } else { now.join("、") })),
        ("变更", Html::text(row.change.summary())),
        ("提出时间", Html::text(fmt::minute(row.change.proposed_at))),
        ("复核单位", Html::text(&row.bureau.name)),
    ]
}

#[derive(Debug, Deserialize)]
pub(super) struct DecisionForm {
    #[serde(default)]
    opinion: String,
    #[serde(default)]
    decision: String,
    #[serde(default)]
    version: Option<i32>,
}

pub(super) async fn decide(
    State(identity): State<Arc<Identity>>,
    chrome: Chrome,
    ctx: Ctx,
    Path(id): Path<RoleChangeId>,
    Form(form): Form<DecisionForm>,
) -> WebResult {
    ctx.actor()?;
    let command = if form.decision == "confirm" {
        DecideChange::confirm(&identity.passwords, id.clone(), form.version, &form.opinion).await?
    } else {
        DecideChange::refuse(id.clone(), form.version, &form.opinion)
    };
    match run(&identity.kernel, &ctx, command).await {
        Ok(receipt) => match receipt.output.password {
            None => Ok(go(&format!("/sys/roles/{id}"))),
            password => draw(&identity, chrome, &ctx, &id, StatusCode::OK, FieldErrors::none(), password).await,
        },
        Err(error) => {
            let errors = FieldErrors::of(error)?;
            draw(&identity, chrome, &ctx, &id, StatusCode::UNPROCESSABLE_ENTITY, errors, None).await
        }
    }
}

pub(super) async fn withdraw(
    State(identity): State<Arc<Identity>>,
    ctx: Ctx,
    Path(id): Path<RoleChangeId>,
) -> WebResult {
    run(&identity.kernel, &ctx, WithdrawChange { change: id.clone() }).await?;
    Ok(go(&format!("/sys/roles/{id}")))
}
