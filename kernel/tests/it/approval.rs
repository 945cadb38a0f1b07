//! Approval through its own door: who may decide, what follows, what the inbox and the clock say.

use hufu_kernel::actor::{Actor, Role, UnitLevel, UnitRef};
use hufu_kernel::approval::{
    self, Decision, Delegate, InboxQuery, Kind, NewApproval, Outcome, Progress, Signer, StatusWord, StepSpec, Tab,
    Verdict,
};
use hufu_kernel::audit::ObjectRef;
use hufu_kernel::command::Ctx;
use hufu_kernel::ids::{AccountId, ApprovalId, UnitId};
use hufu_kernel::message::{self, MessageQuery, Recipient};
use hufu_kernel::store::{Store, Tx};
use hufu_kernel::time::Timestamp;

pub fn unit(code: &str) -> UnitRef {
    let id = UnitId::generate();
    UnitRef { path: format!("/{id}/"), id, code: code.into(), name: format!("{code}单位"), level: UnitLevel::City }
}

pub fn person(unit: &UnitRef, login: &str, roles: &[Role]) -> Actor {
    Actor {
        account: AccountId::generate(),
        login: login.into(),
        name: format!("某{login}"),
        unit: unit.clone(),
        roles: roles.to_vec(),
    }
}

fn at(day: &str) -> Timestamp {
    Timestamp::start_of(day.parse().unwrap()).plus(chrono::Duration::hours(9))
}

fn ctx(actor: &Actor, now: Timestamp) -> Ctx {
    Ctx { actor: Some(actor.clone()), request_id: format!("r-{}", now.millis()), client: "local".into(), now }
}

struct City {
    _dir: tempfile::TempDir,
    store: Store,
    user: Actor,
    office: Actor,
    bureau: Actor,
    cdo: Actor,
}

const FRIDAY: &str = "2026-09-18";
const MONDAY: &str = "2026-09-21";

impl City {
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open_embedded(dir.path()).await.unwrap();
        store.migrate(&hufu_kernel::schema::migrations()).await.unwrap();
        let (asks, governs, owns) = (unit("asks"), unit("governs"), unit("owns"));
        Self {
            _dir: dir,
            store,
            user: person(&asks, "user", &[Role::R4]),
            office: person(&asks, "office", &[Role::R2]),
            bureau: person(&governs, "bureau", &[Role::R1]),
            cdo: person(&owns, "cdo", &[Role::R2, Role::R3]),
        }
    }

    fn steps(&self) -> Vec<StepSpec> {
        let rules = self.store.rules();
        let limit = |name: &str| rules.limit(name).unwrap();
        vec![
            StepSpec::new("own_office", "本单位审核", Role::R2, self.office.unit.clone())
                .within(limit("application.own_office")),
            StepSpec::new("provider", "供数单位审批", Role::R2, self.cdo.unit.clone())
                .within(limit("application.conditional.answer")),
        ]
    }

    async fn start(&self, tx: &Tx) -> ApprovalId {
        let new = NewApproval {
            object: ObjectRef::new("application", "a1", "YS-20260918-0001"),
            kind: Kind { key: "sharing.application", name: "用数申请" },
            title: "申请涉疫隔离人员库".into(),
            link: "/apply/YS-20260918-0001".into(),
            initiator: self.user.clone(),
            steps: self.steps(),
            copies: vec![Recipient::Role(Role::R1, self.bureau.unit.id.clone())],
        };
        let (id, progress) = approval::start(tx, &ctx(&self.user, at(FRIDAY)), new).await.unwrap();
        assert!(matches!(progress, Progress::Moved(step) if step.spec.key == "own_office"));
        id
    }

    async fn decide(&self, tx: &Tx, who: &Actor, day: &str, id: &ApprovalId, verdict: Verdict) -> Result<Progress, String> {
        let (row, _) = approval::find(tx, id).await.unwrap();
        let decision = Decision { verdict, opinion: "理由".into(), version: row.version };
        approval::decide(tx, &ctx(who, at(day)), id, decision).await.map_err(|error| error.code().to_owned())
    }

    async fn todo(&self, who: &Actor, day: &str) -> Vec<(Option<String>, Option<i64>)> {
        let query = InboxQuery { tab: Tab::Todo, text: None, kind: None, page: 1, size: 20 };
        let calendar = &self.store.rules().calendar;
        let (rows, total) = approval::inbox(self.store.reader(), who, &query, at(day), calendar).await.unwrap();
        assert_eq!(rows.len() as u64, total);
        assert_eq!(approval::counts(self.store.reader(), who, at(day)).await.unwrap().todo, total, "count = rows");
        rows.into_iter().map(|row| (row.step, row.remaining)).collect()
    }
}

#[tokio::test]
async fn sha_1_two_steps_lead_to_approval_and_the_inbox_follows() {
    let city = City::new().await;
    let tx = city.store.begin().await.unwrap();
    let id = city.start(&tx).await;
    tx.commit().await.unwrap();
    assert_eq!(city.todo(&city.office, FRIDAY).await, [(Some("本单位审核".to_owned()), Some(2))]);
    assert!(city.todo(&city.cdo, FRIDAY).await.is_empty(), "not before the step is open");

    let tx = city.store.begin().await.unwrap();
    let moved = city.decide(&tx, &city.office, MONDAY, &id, Verdict::Approve).await.unwrap();
    assert!(matches!(moved, Progress::Moved(step) if step.spec.key == "provider"));
    tx.commit().await.unwrap();
    assert!(city.todo(&city.office, MONDAY).await.is_empty());
    assert_eq!(city.todo(&city.cdo, MONDAY).await, [(Some("供数单位审批".to_owned()), Some(10))]);

    let tx = city.store.begin().await.unwrap();
    let done = city.decide(&tx, &city.cdo, MONDAY, &id, Verdict::Partial).await.unwrap();
    assert_eq!(done, Progress::Finished(Outcome::Approved));
    tx.commit().await.unwrap();
    let counts = |who: &Actor| {
        let (store, who) = (city.store.clone(), who.clone());
        async move {
            let found = approval::counts(store.reader(), &who, at(MONDAY)).await.unwrap();
            (found.todo, found.done, found.mine, found.copied)
        }
    };
    assert_eq!(counts(&city.user).await, (0, 0, 1, 0));
    assert_eq!(counts(&city.office).await, (0, 1, 0, 0));
    assert_eq!(counts(&city.bureau).await, (0, 0, 0, 1));
    let (messages, _) =
        message::list(city.store.reader(), &city.user, &MessageQuery { size: 20, ..Default::default() }).await.unwrap();
    assert!(messages.iter().any(|(row, read)| row.title == "审批通过：申请涉疫隔离人员库" && !read), "{messages:?}");
}

#[tokio::test]
async fn who_3_nobody_decides_on_their_own_or_twice_or_for_another_unit() {
    let city = City::new().await;
    let tx = city.store.begin().await.unwrap();
    let id = city.start(&tx).await;
    let mut own_head = city.user.clone();
    own_head.roles.push(Role::R2);
    let mut auditor = person(&city.office.unit, "auditor", &[Role::R2, Role::R5]);
    let mut above = person(&city.office.unit, "above", &[Role::R2]);
    above.unit = unit("above");
    let refused = |who: Actor| {
        let (tx, id, city) = (&tx, &id, &city);
        async move { city.decide(tx, &who, MONDAY, id, Verdict::Approve).await.unwrap_err() }
    };
    assert_eq!(refused(own_head).await, "HF-APPROVAL-OWN");
    assert_eq!(refused(city.cdo.clone()).await, "HF-APPROVAL-NOT-YOURS");
    assert_eq!(refused(above).await, "HF-APPROVAL-NOT-YOURS");
    assert_eq!(refused(auditor.clone()).await, "HF-APPROVAL-NOT-YOURS");
    city.decide(&tx, &city.office, MONDAY, &id, Verdict::Approve).await.unwrap();
    // The same person, now also in the provider's unit, is one person still.
    let mut both = city.office.clone();
    both.unit = city.cdo.unit.clone();
    assert_eq!(refused(both.clone()).await, "HF-APPROVAL-TWICE");
    auditor.unit = city.cdo.unit.clone();
    tx.commit().await.unwrap();
    assert!(city.todo(&both, MONDAY).await.is_empty(), "the inbox knows the same rule");
    assert!(city.todo(&auditor, MONDAY).await.is_empty());
}

#[tokio::test]
async fn sha_1_returned_paper_stops_the_clock_and_comes_back_once_complete() {
    let city = City::new().await;
    let tx = city.store.begin().await.unwrap();
    let id = city.start(&tx).await;
    city.decide(&tx, &city.office, FRIDAY, &id, Verdict::Approve).await.unwrap();
    let empty = Verdict::Supplement { missing: vec![] };
    assert_eq!(city.decide(&tx, &city.cdo, MONDAY, &id, empty).await.unwrap_err(), "HF-APPROVAL-LIST");
    let list = vec!["补充履职依据".to_owned(), "补充使用人员".to_owned()];
    let returned = city.decide(&tx, &city.cdo, MONDAY, &id, Verdict::Supplement { missing: list.clone() }).await.unwrap();
    assert_eq!(returned, Progress::Returned);
    assert_eq!(city.decide(&tx, &city.cdo, MONDAY, &id, Verdict::Approve).await.unwrap_err(), "HF-APPROVAL-RETURNED");
    tx.commit().await.unwrap();
    assert_eq!(city.todo(&city.user, MONDAY).await, [(Some("供数单位审批".to_owned()), None)], "the clock stands");

    let tx = city.store.begin().await.unwrap();
    let (row, _) = approval::find(&tx, &id).await.unwrap();
    let by_other = approval::resubmit(&tx, &ctx(&city.cdo, at("2026-10-12")), &id, row.version, "").await;
    assert_eq!(by_other.unwrap_err().code(), "HF-APPROVAL-NOT-INITIATOR");
    approval::resubmit(&tx, &ctx(&city.user, at("2026-10-12")), &id, row.version, "已补正").await.unwrap();
    tx.commit().await.unwrap();
    // 10 from Friday, the worked Sunday and Monday used: eight are left after three weeks with the applicant.
    assert_eq!(city.todo(&city.cdo, "2026-10-12").await, [(Some("供数单位审批".to_owned()), Some(8))]);
    let calendar = &city.store.rules().calendar;
    let lines = approval::timeline(city.store.reader(), "a1", at("2026-10-12"), calendar).await.unwrap();
    let acts: Vec<&str> = lines[0].opinions.iter().map(|opinion| opinion.act.as_str()).collect();
    assert_eq!(acts, ["发起", "同意", "退回补正", "补正后提交"]);
    assert_eq!(lines[0].opinions[2].missing, list);
}

#[tokio::test]
async fn sha_1_stale_version_is_told_and_changes_nothing() {
    let city = City::new().await;
    let tx = city.store.begin().await.unwrap();
    let id = city.start(&tx).await;
    let (before, _) = approval::find(&tx, &id).await.unwrap();
    city.decide(&tx, &city.office, MONDAY, &id, Verdict::Approve).await.unwrap();
    let late = Decision { verdict: Verdict::Refuse, opinion: "否".into(), version: before.version };
    let error = approval::decide(&tx, &ctx(&city.cdo, at(MONDAY)), &id, late).await.unwrap_err();
    assert_eq!(error.code(), "HF-STALE");
    assert_eq!(approval::find(&tx, &id).await.unwrap().0.status, StatusWord::Running);
}

#[tokio::test]
async fn sha_1_refusal_needs_words_and_ends_it() {
    let city = City::new().await;
    let tx = city.store.begin().await.unwrap();
    let id = city.start(&tx).await;
    let (row, _) = approval::find(&tx, &id).await.unwrap();
    let silent = Decision { verdict: Verdict::Refuse, opinion: "  ".into(), version: row.version };
    let error = approval::decide(&tx, &ctx(&city.office, at(MONDAY)), &id, silent).await.unwrap_err();
    assert_eq!(error.code(), "HF-APPROVAL-REASON");
    let ended = city.decide(&tx, &city.office, MONDAY, &id, Verdict::Refuse).await.unwrap();
    assert_eq!(ended, Progress::Finished(Outcome::Refused));
    assert_eq!(city.decide(&tx, &city.cdo, MONDAY, &id, Verdict::Approve).await.unwrap_err(), "HF-APPROVAL-CLOSED");
}

#[tokio::test]
async fn sha_1_transfer_and_added_signer_hand_the_step_to_one_person() {
    let city = City::new().await;
    let deputy = person(&city.office.unit, "deputy", &[Role::R3]);
    let lawyer = person(&city.office.unit, "lawyer", &[Role::R3]);
    let tx = city.store.begin().await.unwrap();
    let id = city.start(&tx).await;
    let to_user = Verdict::Transfer { to: Delegate { account: city.user.account.clone(), unit: city.user.unit.clone() } };
    assert_eq!(city.decide(&tx, &city.office, MONDAY, &id, to_user).await.unwrap_err(), "HF-APPROVAL-DELEGATE");
    let to = Delegate { account: deputy.account.clone(), unit: deputy.unit.clone() };
    city.decide(&tx, &city.office, MONDAY, &id, Verdict::Transfer { to }).await.unwrap();
    assert_eq!(city.decide(&tx, &city.office, MONDAY, &id, Verdict::Approve).await.unwrap_err(), "HF-APPROVAL-NOT-YOURS");
    let signer = Signer {
        title: "法制审核".into(),
        role: Role::R3,
        unit: lawyer.unit.clone(),
        account: Some(lawyer.account.clone()),
    };
    city.decide(&tx, &deputy, MONDAY, &id, Verdict::add_signer(signer)).await.unwrap();
    let back = city.decide(&tx, &lawyer, MONDAY, &id, Verdict::Approve).await.unwrap();
    assert!(matches!(back, Progress::Moved(step) if step.spec.key == "own_office"), "back to the one who asked");
    let on = city.decide(&tx, &deputy, MONDAY, &id, Verdict::Approve).await.unwrap();
    assert!(matches!(on, Progress::Moved(step) if step.spec.key == "provider"));
}

#[tokio::test]
async fn sha_1_extension_needs_the_bureau_and_is_given_once() {
    let city = City::new().await;
    let tx = city.store.begin().await.unwrap();
    let id = city.start(&tx).await;
    let ask = |who: &Actor, days| {
        let (tx, id, ctx) = (&tx, &id, ctx(who, at(MONDAY)));
        async move { approval::ask_extension(tx, &ctx, id, days, "数据量大").await.map_err(|error| error.code()) }
    };
    assert_eq!(ask(&city.office, 1).await, Err("HF-APPROVAL-EXTENSION"), "this step has none");
    city.decide(&tx, &city.office, FRIDAY, &id, Verdict::Approve).await.unwrap();
    assert_eq!(ask(&city.cdo, 11).await, Err("HF-APPROVAL-EXTENSION"), "ten at most");
    ask(&city.cdo, 10).await.unwrap();
    let answer = |who: &Actor| {
        let (tx, id, ctx) = (&tx, &id, ctx(who, at(MONDAY)));
        async move { approval::answer_extension(tx, &ctx, id, true, "同意").await.map_err(|error| error.code()) }
    };
    assert_eq!(answer(&city.cdo).await, Err("HF-APPROVAL-OWN"));
    answer(&city.bureau).await.unwrap();
    assert_eq!(ask(&city.cdo, 1).await, Err("HF-APPROVAL-EXTENSION"), "once");
    let (_, state) = approval::find(&tx, &id).await.unwrap();
    // 2026-10-09 and ten working days more.
    assert_eq!(state.current().unwrap().due, Some(Timestamp::end_of("2026-10-22".parse().unwrap())));
}

#[tokio::test]
async fn sha_1_appended_step_follows_the_last() {
    let city = City::new().await;
    let tx = city.store.begin().await.unwrap();
    let id = city.start(&tx).await;
    city.decide(&tx, &city.office, MONDAY, &id, Verdict::Approve).await.unwrap();
    let (row, _) = approval::find(&tx, &id).await.unwrap();
    let more = vec![StepSpec::new("competent", "主管部门审查", Role::R1, city.bureau.unit.clone())];
    approval::append(&tx, &ctx(&city.cdo, at(MONDAY)), &id, more).await.unwrap();
    // The decision that found it necessary still carries the version its maker saw.
    let decision = Decision { verdict: Verdict::Approve, opinion: String::new(), version: row.version };
    let moved = approval::decide(&tx, &ctx(&city.cdo, at(MONDAY)), &id, decision).await.unwrap();
    assert!(matches!(moved, Progress::Moved(step) if step.spec.key == "competent"));
}
