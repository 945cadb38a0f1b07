//! Approval, written once: steps as data, decided one after the other, each within its clock.
//!
//! A capability calls these functions inside its own command's transaction, so that an approval and what
//! follows from it happen together and leave one entry:
//!
//! ```text
//! start    steps → first one open, its signers told            (申请)
//! decide   同意 部分同意 驳回 补正 转办 加签 → Progress          (审批)
//! resubmit withdraw urge append ask_extension answer_extension
//! ```
//! Who may act is decided here by the step's role and unit; the capability's policy only says which kind
//! of actor may call the command at all.

mod inbox;
mod model;
mod remind;
pub mod store;

pub use inbox::{InboxCounts, InboxQuery, InboxRow, OpinionView, StepView, Tab, Timeline, counts, inbox, timeline};
pub use model::{
    Delegate, Effect, Event, Extension, Moment, Needs, Place, Refusal, STEPS_MAX, Signer, State, Status, Step,
    StepClock, StepSpec, StepVerdict, Verdict, apply, begin,
};
pub use remind::{FindDue, Remind};
pub use store::{Model as ApprovalRow, StatusWord, StepWord};

use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder};

use crate::actor::{Actor, Role, UnitRef};
use crate::audit::ObjectRef;
use crate::command::Ctx;
use crate::error::{Error, Result};
use crate::ids::{AccountId, ApprovalId, StepId};
use crate::message::{self, Category, NewMessage, Recipient};
use crate::store::Tx;

/// What kind of matter it is, for filters and for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kind {
    pub key: &'static str,
    /// 用数申请, 目录发布.
    pub name: &'static str,
}

/// An approval that is to begin.
#[derive(Clone, Debug)]
pub struct NewApproval {
    pub object: ObjectRef,
    pub kind: Kind,
    pub title: String,
    /// The page where it is decided.
    pub link: String,
    pub initiator: Actor,
    pub steps: Vec<StepSpec>,
    /// Who is shown it without deciding (抄送).
    pub copies: Vec<Recipient>,
}

/// One person's decision on the current step.
#[derive(Clone, Debug)]
pub struct Decision {
    pub verdict: Verdict,
    pub opinion: String,
    /// The version the person saw.
    pub version: i32,
}

/// What a decision led to.
#[derive(Clone, Debug, PartialEq)]
pub enum Progress {
    /// Another step (or another signer of this one) has it now.
    Moved(Step),
    Returned,
    Finished(Outcome),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Approved,
    Refused,
}

impl Verdict {
    /// 加签 before the current signer.
    pub fn add_signer(signer: Signer) -> Self {
        Self::AddSigner { id: StepId::generate(), signer }
    }
}

/// Begins an approval and opens its first step. Without steps it is approved at once.
pub async fn start(tx: &Tx, ctx: &Ctx, new: NewApproval) -> Result<(ApprovalId, Progress)> {
    let id = ApprovalId::generate();
    let steps = new.steps.into_iter().map(|spec| (StepId::generate(), spec)).collect();
    let calendar = &tx.rules().calendar;
    let (state, effects) = begin(new.initiator.account.clone(), steps, ctx.now, calendar).map_err(refused)?;
    let row = store::Model {
        id: id.clone(),
        kind: new.kind.key.to_owned(),
        kind_name: new.kind.name.to_owned(),
        object_kind: new.object.kind,
        object_id: new.object.id,
        object_no: new.object.no,
        title: new.title,
        link: new.link,
        initiator: new.initiator.account,
        initiator_name: new.initiator.name,
        unit_id: new.initiator.unit.id,
        unit_name: new.initiator.unit.name,
        status: store::word(&state.status),
        step_id: state.current().map(|step| step.id.clone()),
        returned_at: None,
        created_at: ctx.now,
        updated_at: ctx.now,
        version: 1,
    };
    let insert: store::ActiveModel = row.clone().into();
    store::Entity::insert(insert).exec_without_returning(tx.db()).await?;
    store::write_steps(tx.db(), &id, &state.steps).await?;
    for copy in new.copies {
        add_copy(tx, &id, copy).await?;
    }
    note(tx, ctx, &row, None, Act::Start, "", &[]).await?;
    perform(tx, ctx, &row, &state, &effects).await?;
    Ok((id, progress(&state)))
}

/// Decides the current step as the actor of the request.
pub async fn decide(tx: &Tx, ctx: &Ctx, id: &ApprovalId, decision: Decision) -> Result<Progress> {
    let act = Act::of(&decision.verdict);
    let missing = match &decision.verdict {
        Verdict::Supplement { missing } => missing.clone(),
        Verdict::Approve | Verdict::Partial | Verdict::Refuse | Verdict::Transfer { .. } | Verdict::AddSigner { .. } => {
            Vec::new()
        }
    };
    let event = Event::Decide { verdict: decision.verdict, opinion: decision.opinion.clone() };
    let what = Note { act, text: &decision.opinion, missing: &missing };
    transition(tx, ctx, id, Some(decision.version), event, what).await
}

/// The initiator takes it back (撤回).
pub async fn withdraw(tx: &Tx, ctx: &Ctx, id: &ApprovalId, version: i32, reason: &str) -> Result<()> {
    let what = Note { act: Act::Withdraw, text: reason, missing: &[] };
    transition(tx, ctx, id, Some(version), Event::Withdraw, what).await.map(|_| ())
}

/// The initiator reminds the current signers (催办).
pub async fn urge(tx: &Tx, ctx: &Ctx, id: &ApprovalId) -> Result<()> {
    let what = Note { act: Act::Urge, text: "", missing: &[] };
    transition(tx, ctx, id, None, Event::Urge, what).await.map(|_| ())
}

/// The initiator hands in what was missing; the clock goes on.
pub async fn resubmit(tx: &Tx, ctx: &Ctx, id: &ApprovalId, version: i32, text: &str) -> Result<Progress> {
    let what = Note { act: Act::Resubmit, text, missing: &[] };
    transition(tx, ctx, id, Some(version), Event::Resubmit, what).await
}

/// The current signer asks the competent bureau for more time.
pub async fn ask_extension(tx: &Tx, ctx: &Ctx, id: &ApprovalId, days: u32, reason: &str) -> Result<()> {
    let what = Note { act: Act::AskExtension, text: reason, missing: &[] };
    let event = Event::AskExtension { days, reason: reason.to_owned() };
    transition(tx, ctx, id, None, event, what).await.map(|_| ())
}

/// The competent bureau answers; the calling command has authorized it. The initiator is told.
pub async fn answer_extension(tx: &Tx, ctx: &Ctx, id: &ApprovalId, granted: bool, reason: &str) -> Result<()> {
    let act = if granted { Act::GrantExtension } else { Act::DenyExtension };
    let what = Note { act, text: reason, missing: &[] };
    transition(tx, ctx, id, None, Event::AnswerExtension { granted }, what).await.map(|_| ())
}

/// Adds steps at the end. Keeps the version, so that it can precede a decision in the same command.
pub async fn append(tx: &Tx, ctx: &Ctx, id: &ApprovalId, steps: Vec<StepSpec>) -> Result<()> {
    let (_, state) = store::load(tx.db(), id).await?;
    let steps = steps.into_iter().map(|spec| (StepId::generate(), spec)).collect();
    let moment = Moment { actor: ctx.actor.as_ref(), now: ctx.now, calendar: &tx.rules().calendar };
    let (next, _) = apply(&state, Event::Append { steps }, moment).map_err(refused)?;
    store::write_steps(tx.db(), id, &next.steps).await
}

/// The approval with its state, for a command that decides by it.
pub async fn find(tx: &Tx, id: &ApprovalId) -> Result<(ApprovalRow, State)> {
    store::load(tx.db(), id).await
}

/// The step that waits for this person, if one does: what a page offers a decision on.
pub async fn waiting_for(db: &impl sea_orm::ConnectionTrait, id: &ApprovalId, actor: &Actor) -> Result<Option<Step>> {
    let (_, state) = store::load(db, id).await?;
    Ok(state.may_decide(actor).ok().and_then(|at| state.steps.get(at).cloned()))
}

/// The newest approval of an object.
pub async fn find_by_object(tx: &Tx, object_id: &str) -> Result<(ApprovalRow, State)> {
    let newest = store::Entity::find()
        .filter(store::Column::ObjectId.eq(object_id))
        .order_by_desc(store::Column::Id)
        .one(tx.db())
        .await?
        .ok_or_else(|| Error::not_found("审批事项"))?;
    store::load(tx.db(), &newest.id).await
}

/// What was done, as the time line shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Act {
    Start,
    Approve,
    Partial,
    Refuse,
    Supplement,
    Transfer,
    AddSigner,
    Withdraw,
    Urge,
    Resubmit,
    AskExtension,
    GrantExtension,
    DenyExtension,
}

impl Act {
    fn of(verdict: &Verdict) -> Self {
        match verdict {
            Verdict::Approve => Self::Approve,
            Verdict::Partial => Self::Partial,
            Verdict::Refuse => Self::Refuse,
            Verdict::Supplement { .. } => Self::Supplement,
            Verdict::Transfer { .. } => Self::Transfer,
            Verdict::AddSigner { .. } => Self::AddSigner,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Start => "发起",
            Self::Approve => "同意",
            Self::Partial => "部分同意",
            Self::Refuse => "驳回",
            Self::Supplement => "退回补正",
            Self::Transfer => "转办",
            Self::AddSigner => "加签",
            Self::Withdraw => "撤回",
            Self::Urge => "催办",
            Self::Resubmit => "补正后提交",
            Self::AskExtension => "申请延期",
            Self::GrantExtension => "同意延期",
            Self::DenyExtension => "不同意延期",
        }
    }
}

struct Note<'a> {
    act: Act,
    text: &'a str,
    missing: &'a [String],
}

async fn transition(
    tx: &Tx,
    ctx: &Ctx,
    id: &ApprovalId,
    version: Option<i32>,
    event: Event,
    what: Note<'_>,
) -> Result<Progress> {
    let (row, state) = store::load(tx.db(), id).await?;
    if version.is_some_and(|seen| seen != row.version) {
        return Err(Error::stale());
    }
    let moment = Moment { actor: ctx.actor.as_ref(), now: ctx.now, calendar: &tx.rules().calendar };
    let (next, effects) = apply(&state, event, moment).map_err(refused)?;
    store::save(tx.db(), &row, &next, ctx.now).await?;
    note(tx, ctx, &row, state.current(), what.act, what.text, what.missing).await?;
    perform(tx, ctx, &row, &next, &effects).await?;
    Ok(progress(&next))
}

async fn note(
    tx: &Tx,
    ctx: &Ctx,
    row: &store::Model,
    step: Option<&Step>,
    act: Act,
    text: &str,
    missing: &[String],
) -> Result<()> {
    let actor = ctx.actor.as_ref();
    let opinion = store::opinion::ActiveModel {
        approval_id: Set(row.id.clone()),
        step_id: Set(step.map(|step| step.id.clone())),
        step_title: Set(step.map(|step| step.spec.title.clone()).unwrap_or_default()),
        act: Set(act.name().to_owned()),
        account: Set(actor.map(|actor| actor.account.clone())),
        name: Set(actor.map_or_else(|| "系统".to_owned(), |actor| actor.name.clone())),
        unit_name: Set(actor.map(|actor| actor.unit.name.clone()).unwrap_or_default()),
        text: Set(text.trim().to_owned()),
        missing: Set(serde_json::to_string(missing)?),
        at: Set(ctx.now),
        request: Set(ctx.request_id.clone()),
        ..Default::default()
    };
    store::opinion::Entity::insert(opinion).exec_without_returning(tx.db()).await?;
    Ok(())
}

async fn add_copy(tx: &Tx, id: &ApprovalId, copy: Recipient) -> Result<()> {
    let (account, role, unit_id) = match copy {
        Recipient::Account(account) => (Some(account), None, None),
        Recipient::Role(role, unit) => (None, Some(role), Some(unit)),
    };
    let model = store::copy::ActiveModel {
        approval_id: Set(id.clone()),
        account: Set(account),
        role: Set(role),
        unit_id: Set(unit_id),
        ..Default::default()
    };
    store::copy::Entity::insert(model).exec_without_returning(tx.db()).await?;
    Ok(())
}

/// Messages that follow from a transition, in the same transaction.
async fn perform(tx: &Tx, ctx: &Ctx, row: &store::Model, state: &State, effects: &[Effect]) -> Result<()> {
    let initiator = || Recipient::Account(row.initiator.clone());
    for effect in effects {
        let (to, words) = match effect {
            Effect::Open { at } => (signer(state, *at), "待您办理"),
            Effect::Urged { at } => (signer(state, *at), "发起人催办"),
            Effect::Resumed { at } => (signer(state, *at), "已补正，待您办理"),
            Effect::Returned => (Some(initiator()), "退回补正"),
            Effect::Approved => (Some(initiator()), "审批通过"),
            Effect::Refused => (Some(initiator()), "未通过"),
            Effect::Withdrawn => (None, ""),
            // The bureau that must consent is the capability's to tell: the kernel does not know it.
            Effect::ExtensionAsked { .. } => (None, ""),
            Effect::ExtensionAnswered { granted: true, .. } => (Some(initiator()), "办理时限经主管部门同意延长"),
            Effect::ExtensionAnswered { at, granted: false } => (signer(state, *at), "延期申请未获同意"),
        };
        if let Some(to) = to {
            let title = format!("{words}：{}", row.title);
            let new = NewMessage { to, category: Category::Approval, title, body: row.object_no.clone(), link: row.link.clone() };
            message::send(tx, ctx.now, new).await?;
        }
    }
    tx.announce(crate::event::Event::new("inbox", row.id.as_str()));
    Ok(())
}

fn signer(state: &State, at: usize) -> Option<Recipient> {
    let step = state.steps.get(at)?;
    Some(match &step.delegate {
        Some(account) => Recipient::Account(account.clone()),
        None => Recipient::Role(step.spec.role, step.spec.unit.id.clone()),
    })
}

fn progress(state: &State) -> Progress {
    match (&state.status, state.current()) {
        (Status::Returned { .. }, _) => Progress::Returned,
        (Status::Approved, _) => Progress::Finished(Outcome::Approved),
        (Status::Running { .. }, Some(step)) => Progress::Moved(step.clone()),
        (Status::Refused | Status::Withdrawn | Status::Running { .. }, _) => Progress::Finished(Outcome::Refused),
    }
}

fn refused(refusal: Refusal) -> Error {
    let kind = match refusal {
        Refusal::OwnMatter | Refusal::Twice | Refusal::NotYours | Refusal::NotInitiator => crate::error::Kind::Refused,
        Refusal::NeedsReason
        | Refusal::OpinionTooLong
        | Refusal::NeedsList
        | Refusal::BadDelegate
        | Refusal::TooManySteps
        | Refusal::NoExtension => crate::error::Kind::Invalid,
        Refusal::Closed | Refusal::IsReturned | Refusal::NotReturned | Refusal::NotAsked => crate::error::Kind::Conflict,
    };
    Error::new(kind, refusal.code(), refusal.to_string())
}

/// Whose inbox is asked for; re-exported types need nothing else of an actor.
pub(crate) fn deciding_roles(actor: &Actor) -> Vec<Role> {
    if actor.has(Role::R5) {
        Vec::new()
    } else if actor.has(Role::R8) {
        vec![Role::R8]
    } else {
        actor.roles.clone()
    }
}

/// May this person see the approval: as initiator, signer of any step, or by copy?
pub async fn is_party(db: &impl sea_orm::ConnectionTrait, id: &ApprovalId, actor: &Actor) -> Result<bool> {
    let (row, state) = store::load(db, id).await?;
    let signs = |step: &Step| {
        step.delegate.as_ref() == Some(&actor.account)
            || (step.spec.unit.id == actor.unit.id && actor.has(step.spec.role))
    };
    if row.initiator == actor.account || state.steps.iter().any(signs) {
        return Ok(true);
    }
    inbox::is_copied(db, id, actor).await
}

/// The unit and account that a step waits for, for reminders.
pub fn waits_for(step: &Step) -> (&UnitRef, Option<&AccountId>) {
    (&step.spec.unit, step.delegate.as_ref())
}
