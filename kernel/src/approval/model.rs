//! The states of an approval and its one transition function. Pure: time, rules and ids come in as values.
//!
//! Steps are decided one after the other. One person decides at most one step of an approval, and nobody
//! decides on what they asked for; a returned paper stops the clock until it comes back complete.

use crate::actor::{Actor, Role, UnitRef};
use crate::calendar::Calendar;
use crate::ids::{AccountId, StepId};
use crate::time::Timestamp;

/// Steps one approval may ever have, added signers included.
pub const STEPS_MAX: usize = 20;
/// Characters of an opinion.
const OPINION_MAX: usize = 2000;
/// Items of one list of what is missing.
const MISSING_MAX: usize = 50;

#[derive(Clone, Debug, PartialEq)]
pub struct State {
    pub status: Status,
    pub initiator: AccountId,
    pub steps: Vec<Step>,
}

/// Where the approval stands; `at` is the position of the current step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Status {
    Running { at: usize },
    /// Back with the initiator for completion since then; the clock stands.
    Returned { at: usize, since: Timestamp },
    Approved,
    Refused,
    Withdrawn,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    pub id: StepId,
    pub spec: StepSpec,
    /// The one account that may decide instead of the role (转办, 加签).
    pub delegate: Option<AccountId>,
    pub due: Option<Timestamp>,
    pub place: Place,
    pub extension: Extension,
}

/// One step as a capability asks for it.
#[derive(Clone, Debug, PartialEq)]
pub struct StepSpec {
    /// What the capability knows the step by: `own_office`, `provider_cdo`.
    pub key: String,
    /// As people read it: 供数单位首席数据官审批.
    pub title: String,
    pub role: Role,
    pub unit: UnitRef,
    pub clock: Option<StepClock>,
    pub needs: Needs,
}

impl StepSpec {
    pub fn new(key: &str, title: &str, role: Role, unit: UnitRef) -> Self {
        Self { key: key.to_owned(), title: title.to_owned(), role, unit, clock: None, needs: Needs::Nothing }
    }

    pub fn within(mut self, limit: &crate::rules::Limit) -> Self {
        self.clock = Some(StepClock { workdays: limit.workdays, extension: limit.extension });
        self
    }

    pub fn needs(mut self, needs: Needs) -> Self {
        self.needs = needs;
        self
    }
}

/// Working days from the opening of the step, and how many may be added once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StepClock {
    pub workdays: u32,
    pub extension: u32,
}

/// What a step's decision must bring. Refusing and returning always need words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    Nothing,
    /// Agreeing needs an opinion too.
    Opinion,
    /// The decision may or must name fields: the capability reads them from the decision's detail.
    Fields,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    Waiting,
    Open { since: Timestamp },
    Decided { by: AccountId, verdict: StepVerdict, at: Timestamp },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepVerdict {
    Approved,
    Partial,
    Refused,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Extension {
    None,
    Asked { days: u32 },
    Granted { days: u32 },
    Denied,
}

/// What somebody does to an approval.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    Decide { verdict: Verdict, opinion: String },
    Withdraw,
    Urge,
    Resubmit,
    AskExtension { days: u32, reason: String },
    /// The competent bureau's answer; the caller has authorized the bureau.
    AnswerExtension { granted: bool },
    /// Further steps, found necessary on the way, at the end.
    Append { steps: Vec<(StepId, StepSpec)> },
}

#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    Approve,
    /// Agreed in part; which part is the capability's own matter.
    Partial,
    Refuse,
    /// Back to the initiator with one complete list of what is missing.
    Supplement { missing: Vec<String> },
    /// Somebody else decides this step (转办).
    Transfer { to: Delegate },
    /// Somebody decides before the current signer (加签).
    AddSigner { id: StepId, signer: Signer },
}

/// An account that is handed a step; its unit as the capability found it.
#[derive(Clone, Debug, PartialEq)]
pub struct Delegate {
    pub account: AccountId,
    pub unit: UnitRef,
}

/// Who is added as signer: a role at a unit, or one account of that unit.
#[derive(Clone, Debug, PartialEq)]
pub struct Signer {
    pub title: String,
    pub role: Role,
    pub unit: UnitRef,
    pub account: Option<AccountId>,
}

/// What follows from a transition and is done in the same transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Tell the signers of the step that it waits for them.
    Open { at: usize },
    Urged { at: usize },
    Returned,
    Resumed { at: usize },
    Approved,
    Refused,
    Withdrawn,
    ExtensionAsked { at: usize },
    ExtensionAnswered { at: usize, granted: bool },
}

/// Why a transition does not take place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("事项已办结，不能再操作")]
    Closed,
    #[error("事项已退回补正，补正后才能办理")]
    IsReturned,
    #[error("事项未退回，不需要补正")]
    NotReturned,
    #[error("不能审批本人发起的事项")]
    OwnMatter,
    #[error("同一人不能在同一事项中办理两个环节")]
    Twice,
    #[error("当前环节不由您办理")]
    NotYours,
    #[error("只有发起人可以进行此操作")]
    NotInitiator,
    #[error("请填写意见或理由")]
    NeedsReason,
    #[error("意见过长，不超过2000字")]
    OpinionTooLong,
    #[error("请一次性列明需要补正的全部内容")]
    NeedsList,
    #[error("不能转办或加签给发起人或已办理过本事项的人")]
    BadDelegate,
    #[error("办理环节过多")]
    TooManySteps,
    #[error("本环节不能延期，或延期天数超过规定")]
    NoExtension,
    #[error("本环节没有待答复的延期申请")]
    NotAsked,
}

impl Refusal {
    pub fn code(self) -> &'static str {
        match self {
            Self::Closed => "HF-APPROVAL-CLOSED",
            Self::IsReturned => "HF-APPROVAL-RETURNED",
            Self::NotReturned => "HF-APPROVAL-NOT-RETURNED",
            Self::OwnMatter => "HF-APPROVAL-OWN",
            Self::Twice => "HF-APPROVAL-TWICE",
            Self::NotYours => "HF-APPROVAL-NOT-YOURS",
            Self::NotInitiator => "HF-APPROVAL-NOT-INITIATOR",
            Self::NeedsReason => "HF-APPROVAL-REASON",
            Self::OpinionTooLong => "HF-APPROVAL-LONG",
            Self::NeedsList => "HF-APPROVAL-LIST",
            Self::BadDelegate => "HF-APPROVAL-DELEGATE",
            Self::TooManySteps => "HF-APPROVAL-STEPS",
            Self::NoExtension => "HF-APPROVAL-EXTENSION",
            Self::NotAsked => "HF-APPROVAL-NOT-ASKED",
        }
    }
}

/// Who acts, and when, by which calendar.
#[derive(Clone, Copy, Debug)]
pub struct Moment<'a> {
    /// Absent for the system itself, which may append steps and nothing else.
    pub actor: Option<&'a Actor>,
    pub now: Timestamp,
    pub calendar: &'a Calendar,
}

/// A new approval with its first step open.
pub fn begin(
    initiator: AccountId,
    steps: Vec<(StepId, StepSpec)>,
    now: Timestamp,
    calendar: &Calendar,
) -> Result<(State, Vec<Effect>), Refusal> {
    if steps.len() > STEPS_MAX {
        return Err(Refusal::TooManySteps);
    }
    let steps = steps.into_iter().map(|(id, spec)| Step::waiting(id, spec)).collect();
    let mut state = State { status: Status::Approved, initiator, steps };
    let effects = state.advance(0, now, calendar);
    Ok((state, effects))
}

/// The one transition function.
pub fn apply(state: &State, event: Event, moment: Moment<'_>) -> Result<(State, Vec<Effect>), Refusal> {
    let mut next = state.clone();
    let effects = match event {
        Event::Decide { verdict, opinion } => next.decide(verdict, &opinion, moment)?,
        Event::Withdraw => next.withdraw(moment)?,
        Event::Urge => {
            next.by_initiator(moment)?;
            vec![Effect::Urged { at: next.running()? }]
        }
        Event::Resubmit => next.resubmit(moment)?,
        Event::AskExtension { days, reason } => next.ask_extension(days, &reason, moment)?,
        Event::AnswerExtension { granted } => next.answer_extension(granted, moment)?,
        Event::Append { steps } => next.append(steps)?,
    };
    Ok((next, effects))
}

impl Step {
    fn waiting(id: StepId, spec: StepSpec) -> Self {
        Self { id, spec, delegate: None, due: None, place: Place::Waiting, extension: Extension::None }
    }

    fn open(&mut self, now: Timestamp, calendar: &Calendar) {
        self.place = Place::Open { since: now };
        // A step that was interrupted by an added signer keeps the clock it had.
        if self.due.is_none() {
            self.due = self.spec.clock.map(|clock| calendar.after(now.date(), clock.workdays).at());
        }
    }

    /// Is this person the one the step waits for? The unit itself, not one above it.
    pub fn is_for(&self, actor: &Actor) -> bool {
        let separated = actor.has(Role::R5) || (actor.has(Role::R8) && self.spec.role != Role::R8);
        let fits = match &self.delegate {
            Some(account) => *account == actor.account,
            None => actor.unit.id == self.spec.unit.id && actor.has(self.spec.role),
        };
        fits && !separated
    }

    fn decided_by(&self, account: &AccountId) -> bool {
        match &self.place {
            Place::Decided { by, .. } => by == account,
            Place::Waiting | Place::Open { .. } => false,
        }
    }
}

impl State {
    /// The step that waits now, also while the paper is back with the initiator.
    pub fn current(&self) -> Option<&Step> {
        match self.status {
            Status::Running { at } | Status::Returned { at, .. } => self.steps.get(at),
            Status::Approved | Status::Refused | Status::Withdrawn => None,
        }
    }

    /// May this person decide the current step? The reason, if not.
    pub fn may_decide(&self, actor: &Actor) -> Result<usize, Refusal> {
        let at = self.running()?;
        if actor.account == self.initiator {
            return Err(Refusal::OwnMatter);
        }
        let step = self.steps.get(at).ok_or(Refusal::Closed)?;
        if !step.is_for(actor) {
            return Err(Refusal::NotYours);
        }
        if self.steps.iter().any(|step| step.decided_by(&actor.account)) {
            return Err(Refusal::Twice);
        }
        Ok(at)
    }

    /// Where a step stands that still waits under the same deadline.
    pub(super) fn may_remind(&self, step: &StepId, due: Timestamp) -> Option<usize> {
        let at = self.running().ok()?;
        self.steps.get(at).filter(|open| open.id == *step && open.due == Some(due)).map(|_| at)
    }

    fn running(&self) -> Result<usize, Refusal> {
        match self.status {
            Status::Running { at } => Ok(at),
            Status::Returned { .. } => Err(Refusal::IsReturned),
            Status::Approved | Status::Refused | Status::Withdrawn => Err(Refusal::Closed),
        }
    }

    fn by_initiator(&self, moment: Moment<'_>) -> Result<(), Refusal> {
        let is_initiator = moment.actor.is_some_and(|actor| actor.account == self.initiator);
        if is_initiator { Ok(()) } else { Err(Refusal::NotInitiator) }
    }

    fn decide(&mut self, verdict: Verdict, opinion: &str, moment: Moment<'_>) -> Result<Vec<Effect>, Refusal> {
        let actor = moment.actor.ok_or(Refusal::NotYours)?;
        let at = self.may_decide(actor)?;
        self.check_words(at, &verdict, opinion)?;
        let by = actor.account.clone();
        let decided = |verdict| Place::Decided { by, verdict, at: moment.now };
        Ok(match verdict {
            Verdict::Approve => {
                self.set_place(at, decided(StepVerdict::Approved));
                self.advance(at + 1, moment.now, moment.calendar)
            }
            Verdict::Partial => {
                self.set_place(at, decided(StepVerdict::Partial));
                self.advance(at + 1, moment.now, moment.calendar)
            }
            Verdict::Refuse => {
                self.set_place(at, decided(StepVerdict::Refused));
                self.status = Status::Refused;
                vec![Effect::Refused]
            }
            Verdict::Supplement { .. } => {
                self.status = Status::Returned { at, since: moment.now };
                vec![Effect::Returned]
            }
            Verdict::Transfer { to } => self.transfer(at, to)?,
            Verdict::AddSigner { id, signer } => self.add_signer(at, id, signer, moment)?,
        })
    }

    fn check_words(&self, at: usize, verdict: &Verdict, opinion: &str) -> Result<(), Refusal> {
        if opinion.chars().count() > OPINION_MAX {
            return Err(Refusal::OpinionTooLong);
        }
        let silent = opinion.trim().is_empty();
        let wants_words = self.steps.get(at).is_some_and(|step| step.spec.needs == Needs::Opinion);
        match verdict {
            Verdict::Approve | Verdict::Transfer { .. } | Verdict::AddSigner { .. } if !(silent && wants_words) => Ok(()),
            Verdict::Approve | Verdict::Transfer { .. } | Verdict::AddSigner { .. } => Err(Refusal::NeedsReason),
            Verdict::Partial | Verdict::Refuse => if silent { Err(Refusal::NeedsReason) } else { Ok(()) },
            Verdict::Supplement { missing } => {
                let blank = missing.is_empty() || missing.iter().any(|item| item.trim().is_empty());
                let long = missing.len() > MISSING_MAX || missing.iter().any(|item| item.chars().count() > OPINION_MAX);
                if blank || long { Err(Refusal::NeedsList) } else { Ok(()) }
            }
        }
    }

    fn transfer(&mut self, at: usize, to: Delegate) -> Result<Vec<Effect>, Refusal> {
        self.check_delegate(&to.account)?;
        if let Some(step) = self.steps.get_mut(at) {
            step.delegate = Some(to.account);
            step.spec.unit = to.unit;
        }
        Ok(vec![Effect::Open { at }])
    }

    fn add_signer(&mut self, at: usize, id: StepId, signer: Signer, moment: Moment<'_>) -> Result<Vec<Effect>, Refusal> {
        if self.steps.len() >= STEPS_MAX {
            return Err(Refusal::TooManySteps);
        }
        if let Some(account) = &signer.account {
            self.check_delegate(account)?;
            if moment.actor.is_some_and(|actor| actor.account == *account) {
                return Err(Refusal::BadDelegate);
            }
        }
        let spec = StepSpec::new("added", &signer.title, signer.role, signer.unit);
        let mut step = Step::waiting(id, spec);
        step.delegate = signer.account;
        // The added signature happens inside the time of the step that asked for it.
        step.due = self.steps.get(at).and_then(|current| current.due);
        step.open(moment.now, moment.calendar);
        self.set_place(at, Place::Waiting);
        self.steps.insert(at, step);
        Ok(vec![Effect::Open { at }])
    }

    fn check_delegate(&self, account: &AccountId) -> Result<(), Refusal> {
        let has_decided = self.steps.iter().any(|step| step.decided_by(account));
        if *account == self.initiator || has_decided { Err(Refusal::BadDelegate) } else { Ok(()) }
    }

    fn withdraw(&mut self, moment: Moment<'_>) -> Result<Vec<Effect>, Refusal> {
        self.by_initiator(moment)?;
        if self.current().is_none() {
            return Err(Refusal::Closed);
        }
        self.status = Status::Withdrawn;
        Ok(vec![Effect::Withdrawn])
    }

    fn resubmit(&mut self, moment: Moment<'_>) -> Result<Vec<Effect>, Refusal> {
        self.by_initiator(moment)?;
        let (at, since) = match self.status {
            Status::Returned { at, since } => (at, since),
            Status::Running { .. } => return Err(Refusal::NotReturned),
            Status::Approved | Status::Refused | Status::Withdrawn => return Err(Refusal::Closed),
        };
        self.status = Status::Running { at };
        // The steps that already have a clock all stood still: the current one and those waiting behind an added signer.
        for step in &mut self.steps {
            let decided = matches!(step.place, Place::Decided { .. });
            if let Some(due) = step.due.filter(|_| !decided) {
                step.due = Some(moment.calendar.resume(due.date(), since.date(), moment.now.date()).at());
            }
        }
        Ok(vec![Effect::Resumed { at }])
    }

    fn ask_extension(&mut self, days: u32, reason: &str, moment: Moment<'_>) -> Result<Vec<Effect>, Refusal> {
        let actor = moment.actor.ok_or(Refusal::NotYours)?;
        let at = self.may_decide(actor)?;
        if reason.trim().is_empty() {
            return Err(Refusal::NeedsReason);
        }
        let step = self.steps.get_mut(at).ok_or(Refusal::Closed)?;
        let allowed = step.spec.clock.map_or(0, |clock| clock.extension);
        if step.extension != Extension::None || days == 0 || days > allowed {
            return Err(Refusal::NoExtension);
        }
        step.extension = Extension::Asked { days };
        Ok(vec![Effect::ExtensionAsked { at }])
    }

    fn answer_extension(&mut self, granted: bool, moment: Moment<'_>) -> Result<Vec<Effect>, Refusal> {
        let actor = moment.actor.ok_or(Refusal::NotYours)?;
        let at = self.running()?;
        let is_own = actor.account == self.initiator;
        let step = self.steps.get_mut(at).ok_or(Refusal::Closed)?;
        if is_own || step.is_for(actor) {
            return Err(Refusal::OwnMatter);
        }
        let days = match step.extension {
            Extension::Asked { days } => days,
            Extension::None | Extension::Granted { .. } | Extension::Denied => return Err(Refusal::NotAsked),
        };
        step.extension = if granted { Extension::Granted { days } } else { Extension::Denied };
        if granted {
            step.due = step.due.map(|due| moment.calendar.after(due.date(), days).at());
        }
        Ok(vec![Effect::ExtensionAnswered { at, granted }])
    }

    fn append(&mut self, steps: Vec<(StepId, StepSpec)>) -> Result<Vec<Effect>, Refusal> {
        self.current().ok_or(Refusal::Closed)?;
        if self.steps.len() + steps.len() > STEPS_MAX {
            return Err(Refusal::TooManySteps);
        }
        self.steps.extend(steps.into_iter().map(|(id, spec)| Step::waiting(id, spec)));
        Ok(Vec::new())
    }

    fn set_place(&mut self, at: usize, place: Place) {
        if let Some(step) = self.steps.get_mut(at) {
            step.place = place;
        }
    }

    /// Opens the step at a position, or ends in approval when there is none.
    fn advance(&mut self, at: usize, now: Timestamp, calendar: &Calendar) -> Vec<Effect> {
        match self.steps.get_mut(at) {
            Some(step) => {
                step.open(now, calendar);
                self.status = Status::Running { at };
                vec![Effect::Open { at }]
            }
            None => {
                self.status = Status::Approved;
                vec![Effect::Approved]
            }
        }
    }
}
