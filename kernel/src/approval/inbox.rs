//! 待办 / 已办 / 我发起的 / 抄送我的, and the time line that object pages show.

use sea_orm::sea_query::{Condition, NullOrdering, Order};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait,
};

use super::store::{self, Column, StatusWord, StepWord, copy, opinion, step};
use crate::actor::{Actor, Role};
use crate::audit;
use crate::calendar::Calendar;
use crate::error::Result;
use crate::ids::ApprovalId;
use crate::store::text::contains;
use crate::time::Timestamp;

/// Rows one page of the inbox may have.
const PAGE_MAX: u64 = 200;

#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tab {
    Todo,
    Done,
    Mine,
    Copied,
}

#[derive(Clone, Debug)]
pub struct InboxQuery {
    pub tab: Tab,
    /// Part of title or number.
    pub text: Option<String>,
    pub kind: Option<String>,
    /// From 1.
    pub page: u64,
    pub size: u64,
}

/// One line of the inbox.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct InboxRow {
    pub id: ApprovalId,
    pub no: String,
    pub title: String,
    pub kind: String,
    pub kind_name: String,
    pub unit_name: String,
    pub initiator_name: String,
    pub link: String,
    pub status: StatusWord,
    pub step: Option<String>,
    pub arrived: Timestamp,
    pub due: Option<Timestamp>,
    /// Working days left; negative when late; none without a clock or while the clock stands.
    pub remaining: Option<i64>,
    /// Working days the step was given.
    pub workdays: Option<i32>,
    pub version: i32,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct InboxCounts {
    pub todo: u64,
    pub done: u64,
    pub mine: u64,
    pub copied: u64,
    /// Of the todo, those past their deadline.
    pub late: u64,
}

/// One approval with its steps and all that was said.
#[derive(Clone, Debug, PartialEq)]
pub struct Timeline {
    pub approval: store::Model,
    pub steps: Vec<StepView>,
    pub opinions: Vec<OpinionView>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct StepView {
    pub title: String,
    pub key: String,
    pub role: Role,
    pub unit_name: String,
    pub state: StepWord,
    pub due: Option<Timestamp>,
    pub remaining: Option<i64>,
    /// Working days the step was given.
    pub workdays: Option<u32>,
    pub decided_at: Option<Timestamp>,
    pub is_current: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub struct OpinionView {
    pub step_title: String,
    /// 同意, 退回补正 …
    pub act: String,
    pub name: String,
    pub unit_name: String,
    pub text: String,
    pub missing: Vec<String>,
    pub at: Timestamp,
    /// Index of the command's entry; absent for the moment until it is projected.
    pub ledger_index: Option<i64>,
}

/// One page of a tab and the number of rows in all.
pub async fn inbox(
    db: &impl ConnectionTrait,
    actor: &Actor,
    query: &InboxQuery,
    now: Timestamp,
    calendar: &Calendar,
) -> Result<(Vec<InboxRow>, u64)> {
    let mut select = store::Entity::find().find_also_related(step::Entity).filter(condition(query.tab, actor));
    if let Some(text) = query.text.as_deref().map(str::trim).filter(|text| !text.is_empty()) {
        select = select.filter(Condition::any().add(contains(Column::Title, text)).add(contains(Column::ObjectNo, text)));
    }
    if let Some(kind) = &query.kind {
        select = select.filter(Column::Kind.eq(kind.as_str()));
    }
    select = match query.tab {
        Tab::Todo => select
            .order_by_with_nulls(step::Column::Due, Order::Asc, NullOrdering::Last)
            .order_by_asc(Column::UpdatedAt),
        Tab::Done | Tab::Mine | Tab::Copied => select.order_by_desc(Column::UpdatedAt),
    };
    let size = query.size.clamp(1, PAGE_MAX);
    let total = select.clone().count(db).await?;
    let offset = query.page.max(1).saturating_sub(1).saturating_mul(size);
    let found = select.order_by_asc(Column::Id).offset(offset).limit(size).all(db).await?;
    Ok((found.into_iter().map(|(row, step)| line(row, step, now, calendar)).collect(), total))
}

/// How many are in each tab.
pub async fn counts(db: &impl ConnectionTrait, actor: &Actor, now: Timestamp) -> Result<InboxCounts> {
    let of = |tab| store::Entity::find().find_also_related(step::Entity).filter(condition(tab, actor));
    let late = of(Tab::Todo).filter(Column::Status.eq(StatusWord::Running)).filter(step::Column::Due.lt(now));
    Ok(InboxCounts {
        todo: of(Tab::Todo).count(db).await?,
        done: of(Tab::Done).count(db).await?,
        mine: of(Tab::Mine).count(db).await?,
        copied: of(Tab::Copied).count(db).await?,
        late: late.count(db).await?,
    })
}

/// All approvals of an object, the newest first, with the ledger index of each opinion.
pub async fn timeline(
    db: &impl ConnectionTrait,
    object_id: &str,
    now: Timestamp,
    calendar: &Calendar,
) -> Result<Vec<Timeline>> {
    let approvals =
        store::Entity::find().filter(Column::ObjectId.eq(object_id)).order_by_desc(Column::Id).all(db).await?;
    let entries = audit::Entity::find().filter(audit::Column::ObjectId.eq(object_id)).all(db).await?;
    let index_of = |request: &str| {
        let entry = entries.iter().find(|entry| entry.request == request && entry.outcome == audit::Outcome::Done);
        entry.and_then(|entry| entry.idx)
    };
    let mut lines = Vec::new();
    for approval in approvals {
        let steps = store::steps_of(db, &approval.id).await?;
        let steps = steps.into_iter().map(|step| step_view(&approval, step, now, calendar)).collect();
        let said = opinion::Entity::find()
            .filter(opinion::Column::ApprovalId.eq(approval.id.clone()))
            .order_by_asc(opinion::Column::Id)
            .all(db)
            .await?;
        let mut opinions = Vec::new();
        for row in said {
            opinions.push(OpinionView {
                ledger_index: index_of(&row.request),
                missing: serde_json::from_str(&row.missing)?,
                step_title: row.step_title,
                act: row.act,
                name: row.name,
                unit_name: row.unit_name,
                text: row.text,
                at: row.at,
            });
        }
        lines.push(Timeline { approval, steps, opinions });
    }
    Ok(lines)
}

pub(super) async fn is_copied(db: &impl ConnectionTrait, id: &ApprovalId, actor: &Actor) -> Result<bool> {
    let copies = copy::Entity::find().filter(copy::Column::ApprovalId.eq(id.clone())).filter(copied_to(actor));
    Ok(copies.count(db).await? > 0)
}

fn line(row: store::Model, step: Option<step::Model>, now: Timestamp, calendar: &Calendar) -> InboxRow {
    let opened = step.as_ref().and_then(|step| step.opened_at);
    let due = step.as_ref().and_then(|step| step.due);
    let runs = row.status == StatusWord::Running;
    InboxRow {
        arrived: row.returned_at.or(opened).unwrap_or(row.updated_at),
        due,
        remaining: due.filter(|_| runs).map(|due| calendar.remaining(now.date(), due.date())),
        workdays: step.as_ref().and_then(|step| step.workdays),
        step: step.map(|step| step.title),
        id: row.id,
        no: row.object_no,
        title: row.title,
        kind: row.kind,
        kind_name: row.kind_name,
        unit_name: row.unit_name,
        initiator_name: row.initiator_name,
        link: row.link,
        status: row.status,
        version: row.version,
    }
}

fn step_view(approval: &store::Model, step: step::Model, now: Timestamp, calendar: &Calendar) -> StepView {
    let runs = step.state == StepWord::Open && approval.status == StatusWord::Running;
    StepView {
        remaining: step.due.filter(|_| runs).map(|due| calendar.remaining(now.date(), due.date())),
        workdays: step.workdays.and_then(|days| u32::try_from(days).ok()),
        is_current: approval.step_id.as_ref() == Some(&step.id),
        title: step.title,
        key: step.key,
        role: step.role,
        unit_name: step.unit_name,
        state: step.state,
        due: step.due,
        decided_at: step.decided_at,
    }
}

fn condition(tab: Tab, actor: &Actor) -> Condition {
    let me = || actor.account.clone();
    match tab {
        Tab::Todo => {
            let returned = Condition::all().add(Column::Status.eq(StatusWord::Returned)).add(Column::Initiator.eq(me()));
            Condition::any().add(returned).add(waits_for_me(actor))
        }
        Tab::Done => {
            let mine = opinion::Entity::find().select_only().column(opinion::Column::ApprovalId);
            let decided = ["同意", "部分同意", "驳回", "退回补正", "转办", "加签"];
            let mine = mine.filter(opinion::Column::Account.eq(me())).filter(opinion::Column::Act.is_in(decided));
            Condition::all().add(Column::Id.in_subquery(mine.into_query()))
        }
        Tab::Mine => Condition::all().add(Column::Initiator.eq(me())),
        Tab::Copied => {
            let copies = copy::Entity::find().select_only().column(copy::Column::ApprovalId).filter(copied_to(actor));
            Condition::all().add(Column::Id.in_subquery(copies.into_query()))
        }
    }
}

/// The same rule as `State::may_decide`, said in SQL.
fn waits_for_me(actor: &Actor) -> Condition {
    let roles = super::deciding_roles(actor);
    let by_role = Condition::all()
        .add(step::Column::Delegate.is_null())
        .add(step::Column::UnitId.eq(actor.unit.id.clone()))
        .add(step::Column::Role.is_in(roles.clone()));
    let mut by_name = Condition::all().add(step::Column::Delegate.eq(actor.account.clone()));
    if actor.has(Role::R5) || actor.has(Role::R8) {
        by_name = by_name.add(step::Column::Role.is_in(roles));
    }
    let decided = step::Entity::find()
        .select_only()
        .column(step::Column::ApprovalId)
        .filter(step::Column::DecidedBy.eq(actor.account.clone()))
        .into_query();
    Condition::all()
        .add(Column::Status.eq(StatusWord::Running))
        .add(Column::Initiator.ne(actor.account.clone()))
        .add(Condition::any().add(by_role).add(by_name))
        .add(Column::Id.not_in_subquery(decided))
}

fn copied_to(actor: &Actor) -> Condition {
    let by_role = Condition::all()
        .add(copy::Column::UnitId.eq(actor.unit.id.clone()))
        .add(copy::Column::Role.is_in(actor.roles.clone()));
    Condition::any().add(copy::Column::Account.eq(actor.account.clone())).add(by_role)
}
