//! The transition function: its whole table as a file people can read, and laws that hold on any path.

use std::fmt::Write as _;

use hufu_kernel::actor::{Actor, Role};
use hufu_kernel::approval::{
    Delegate, Event, Moment, Needs, Place, Signer, State, Status, StepClock, StepSpec, Verdict, apply, begin,
};
use hufu_kernel::calendar::Calendar;
use hufu_kernel::ids::StepId;
use hufu_kernel::rules::Rules;
use hufu_kernel::time::Timestamp;
use proptest::prelude::*;

use crate::approval::{person, unit};

struct People {
    initiator: Actor,
    first: Actor,
    last: Actor,
    other: Actor,
}

impl People {
    fn new() -> Self {
        let (a, b, c) = (unit("a"), unit("b"), unit("c"));
        Self {
            initiator: person(&a, "initiator", &[Role::R4]),
            first: person(&a, "first", &[Role::R2]),
            last: person(&b, "last", &[Role::R2]),
            other: person(&c, "other", &[Role::R1]),
        }
    }

    fn all(&self) -> [(&'static str, &Actor); 4] {
        [("initiator", &self.initiator), ("first", &self.first), ("last", &self.last), ("other", &self.other)]
    }

    fn begin(&self, calendar: &Calendar) -> State {
        let step = |key: &str, who: &Actor| {
            let mut spec = StepSpec::new(key, key, Role::R2, who.unit.clone()).needs(Needs::Nothing);
            spec.clock = Some(StepClock { workdays: 10, extension: 10 });
            (StepId::generate(), spec)
        };
        let steps = vec![step("first", &self.first), step("last", &self.last)];
        begin(self.initiator.account.clone(), steps, now(0), calendar).unwrap().0
    }

    fn events(&self) -> Vec<(&'static str, Event)> {
        let decide = |verdict| Event::Decide { verdict, opinion: "理由".into() };
        let silent = |verdict| Event::Decide { verdict, opinion: String::new() };
        let to = Delegate { account: self.other.account.clone(), unit: self.other.unit.clone() };
        let signer = Signer {
            title: "加签".into(),
            role: Role::R1,
            unit: self.other.unit.clone(),
            account: Some(self.other.account.clone()),
        };
        let spec = StepSpec::new("more", "more", Role::R1, self.other.unit.clone());
        vec![
            ("approve", silent(Verdict::Approve)),
            ("partial", decide(Verdict::Partial)),
            ("refuse", decide(Verdict::Refuse)),
            ("refuse without words", silent(Verdict::Refuse)),
            ("supplement", decide(Verdict::Supplement { missing: vec!["依据".into()] })),
            ("supplement without list", decide(Verdict::Supplement { missing: vec![] })),
            ("transfer", decide(Verdict::Transfer { to })),
            ("add signer", decide(Verdict::add_signer(signer))),
            ("withdraw", Event::Withdraw),
            ("urge", Event::Urge),
            ("resubmit", Event::Resubmit),
            ("ask extension", Event::AskExtension { days: 5, reason: "量大".into() }),
            ("grant extension", Event::AnswerExtension { granted: true }),
            ("deny extension", Event::AnswerExtension { granted: false }),
            ("append", Event::Append { steps: vec![(StepId::generate(), spec)] }),
        ]
    }
}

fn now(days: i64) -> Timestamp {
    Timestamp::start_of("2026-09-18".parse().unwrap()).plus(chrono::Duration::days(days))
}

fn word(state: &State) -> String {
    let key = |at: usize| state.steps[at].spec.key.clone();
    match state.status {
        Status::Running { at } => format!("running({})", key(at)),
        Status::Returned { at, .. } => format!("returned({})", key(at)),
        Status::Approved => "approved".into(),
        Status::Refused => "refused".into(),
        Status::Withdrawn => "withdrawn".into(),
    }
}

#[test]
fn sha_1_transition_table_is_the_golden_file() {
    let calendar = Rules::embedded().unwrap().calendar;
    let people = People::new();
    let go = |state: &State, who: &Actor, event: Event| {
        apply(state, event, Moment { actor: Some(who), now: now(3), calendar: &calendar }).unwrap().0
    };
    let decide = |verdict| Event::Decide { verdict, opinion: "理由".into() };
    let start = people.begin(&calendar);
    let last = go(&start, &people.first, decide(Verdict::Approve));
    let returned = go(&last, &people.last, decide(Verdict::Supplement { missing: vec!["依据".into()] }));
    let asked = go(&last, &people.last, Event::AskExtension { days: 5, reason: "量大".into() });
    let approved = go(&last, &people.last, decide(Verdict::Approve));
    let refused = go(&last, &people.last, decide(Verdict::Refuse));
    let withdrawn = go(&last, &people.initiator, Event::Withdraw);
    let states = [
        ("running(first)", start),
        ("running(last)", last),
        ("running(last), extension asked", asked),
        ("returned(last)", returned),
        ("approved", approved),
        ("refused", refused),
        ("withdrawn", withdrawn),
    ];
    let mut table = String::from("# state × event × actor. Two steps, «first» and «last»; the initiator asks, «other» is of the bureau.\n");
    for (name, state) in &states {
        writeln!(table, "\n{name}").unwrap();
        for (event_name, event) in people.events() {
            for (who, actor) in people.all() {
                let moment = Moment { actor: Some(actor), now: now(5), calendar: &calendar };
                let line = match apply(state, event.clone(), moment) {
                    Ok((next, effects)) => format!("{} {effects:?}", word(&next)),
                    Err(refusal) => format!("- {refusal:?}"),
                };
                writeln!(table, "  {event_name:<24}{who:<12}{line}").unwrap();
            }
        }
    }
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/golden/approval.txt");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(file, &table).unwrap();
    }
    assert_eq!(std::fs::read_to_string(file).unwrap(), table, "run with UPDATE_GOLDEN=1 and review the difference");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever people do in whatever order, these hold after every move.
    #[test]
    fn sha_1_laws_hold_on_every_path(moves in prop::collection::vec((0usize..15, 0usize..4, 0i64..9), 0..40)) {
        let calendar = Rules::embedded().unwrap().calendar;
        let people = People::new();
        let mut state = people.begin(&calendar);
        let mut today = 0;
        for (event, who, days) in moves {
            today += days;
            let (_, event) = people.events().swap_remove(event);
            let (_, actor) = people.all()[who];
            let closed = matches!(state.status, Status::Approved | Status::Refused | Status::Withdrawn);
            let moment = Moment { actor: Some(actor), now: now(today), calendar: &calendar };
            let Ok((next, _)) = apply(&state, event, moment) else { continue };
            prop_assert!(!closed, "a closed matter never moves");
            check_laws(&people, &next)?;
            state = next;
        }
    }
}

fn check_laws(people: &People, state: &State) -> Result<(), TestCaseError> {
    let mut signers = Vec::new();
    for step in &state.steps {
        if let Place::Decided { by, .. } = &step.place {
            prop_assert!(*by != people.initiator.account, "nobody decides on their own matter");
            prop_assert!(!signers.contains(by), "one person, one step");
            signers.push(by.clone());
        }
    }
    let open = state.steps.iter().filter(|step| matches!(step.place, Place::Open { .. })).count();
    let decided = |step: &&hufu_kernel::approval::Step| matches!(step.place, Place::Decided { .. });
    match state.status {
        Status::Running { at } | Status::Returned { at, .. } => {
            prop_assert_eq!(open, 1, "exactly one step is open");
            prop_assert!(matches!(state.steps[at].place, Place::Open { .. }), "and it is the current one");
            prop_assert_eq!(state.steps.iter().filter(decided).count(), at, "all before it are decided, none after");
        }
        Status::Approved => prop_assert!(state.steps.iter().all(|step| decided(&step)), "approval by all"),
        Status::Refused | Status::Withdrawn => {}
    }
    Ok(())
}
