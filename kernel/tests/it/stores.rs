//! One scenario on SQLite and on a real PostgreSQL: the same answers, word for word.

use std::fmt::Write as _;

use hufu_kernel::actor::{Actor, Role, UnitLevel, UnitRef};
use hufu_kernel::approval::{self, Decision, InboxQuery, Kind, NewApproval, StepSpec, Tab, Verdict};
use hufu_kernel::audit::{self, Entry, EntryActor, EntryQuery, ObjectRef, Outcome};
use hufu_kernel::command::Ctx;
use hufu_kernel::ids::EntryId;
use hufu_kernel::jobs::{self, NewJob};
use hufu_kernel::message::{self, MessageQuery};
use hufu_kernel::number;
use hufu_kernel::store::{Store, Tx};
use hufu_kernel::time::Timestamp;
use hufu_kernel::unit::{self, NewUnit, UnitKind};
use sea_orm::EntityTrait;

use crate::approval::person;

const T: Timestamp = Timestamp::from_millis(1_795_397_160_000);

#[tokio::test(flavor = "multi_thread")]
async fn same_on_both_stores() {
    let dir = tempfile::tempdir().unwrap();
    let embedded = scenario(Store::open_embedded(dir.path()).await.unwrap()).await;
    let server = hufu_test_servers::postgres();
    let url = format!("postgres://{}:{}@127.0.0.1:{}/{}", server.user, server.password, server.port, server.database);
    let postgres = scenario(Store::open(&url).await.unwrap()).await;
    assert_eq!(embedded, postgres);
    assert!(embedded.lines().count() > 25, "{embedded}");
}

async fn scenario(store: Store) -> String {
    let mut told = String::new();
    store.migrate(&hufu_kernel::schema::migrations()).await.unwrap();
    store.migrate(&hufu_kernel::schema::migrations()).await.unwrap();
    let (city, office) = units(&store, &mut told).await;
    numbers(&store, &mut told).await;
    let user = person(&office, "user", &[Role::R4]);
    let head = person(&office, "head", &[Role::R2]);
    approvals(&store, &user, &head, &mut told).await;
    queue(&store, &user, &mut told).await;
    entries(&store, &user, &city, &mut told).await;
    told
}

fn ctx(actor: &Actor, millis: i64) -> Ctx {
    let now = Timestamp::from_millis(T.millis() + millis);
    Ctx { actor: Some(actor.clone()), request_id: format!("r{millis}"), client: "local".into(), now }
}

async fn units(store: &Store, told: &mut String) -> (UnitRef, UnitRef) {
    let new = |code: &str, parent: Option<&UnitRef>| NewUnit {
        code: code.into(),
        name: format!("单位{code}"),
        kind: UnitKind::Area,
        level: UnitLevel::City,
        parent: parent.cloned(),
        sort: 0,
    };
    let tx = store.begin().await.unwrap();
    let city = unit::insert(tx.db(), new("city", None)).await.unwrap();
    let office = unit::insert(tx.db(), new("office", Some(&city))).await.unwrap();
    tx.commit().await.unwrap();
    let tx = store.begin().await.unwrap();
    let error = unit::insert(tx.db(), new("city", None)).await.unwrap_err();
    writeln!(told, "duplicate: {}", error.code()).unwrap();
    drop(tx);
    let tx = store.begin().await.unwrap();
    unit::insert(tx.db(), new("undone", None)).await.unwrap();
    drop(tx);
    let names: Vec<String> = unit::all(store.reader()).await.unwrap().into_iter().map(|unit| unit.code).collect();
    writeln!(told, "units after a dropped transaction: {names:?}").unwrap();
    let below = unit::subtree(store.reader(), &city).await.unwrap().len();
    writeln!(told, "subtree: {below}").unwrap();
    (city, office)
}

async fn numbers(store: &Store, told: &mut String) {
    let next = |tx: Tx, keep: bool| async move {
        let no = number::next(&tx, "YS", T).await.unwrap();
        if keep {
            tx.commit().await.unwrap();
        }
        no
    };
    for keep in [true, false, true] {
        let no = next(store.begin().await.unwrap(), keep).await;
        writeln!(told, "number: {no}").unwrap();
    }
}

async fn approvals(store: &Store, user: &Actor, head: &Actor, told: &mut String) {
    for number in 1..=3_i64 {
        let tx = store.begin().await.unwrap();
        let limit = tx.rules().limit("application.own_office").unwrap().clone();
        let new = NewApproval {
            object: ObjectRef::new("application", format!("a{number}"), format!("YS-{number}")),
            kind: Kind { key: "sharing.application", name: "用数申请" },
            title: format!("申请 Data_{number}"),
            link: "/".into(),
            initiator: user.clone(),
            steps: vec![StepSpec::new("own_office", "审核", Role::R2, head.unit.clone()).within(&limit)],
            copies: vec![],
        };
        approval::start(&tx, &ctx(user, number), new).await.unwrap();
        tx.commit().await.unwrap();
    }
    let tx = store.begin().await.unwrap();
    let (row, _) = approval::find_by_object(&tx, "a1").await.unwrap();
    let verdict = Verdict::Supplement { missing: vec!["依据".into()] };
    let decision = Decision { verdict, opinion: String::new(), version: row.version };
    writeln!(told, "{:?}", approval::decide(&tx, &ctx(head, 10), &row.id, decision.clone()).await.unwrap()).unwrap();
    let stale = approval::decide(&tx, &ctx(head, 11), &row.id, decision).await.unwrap_err();
    writeln!(told, "again: {}", stale.code()).unwrap();
    tx.commit().await.unwrap();
    for (who, tab, text) in [
        (head, Tab::Todo, None),
        (head, Tab::Todo, Some("data_2")),
        (head, Tab::Todo, Some("%")),
        (head, Tab::Done, None),
        (user, Tab::Todo, None),
        (user, Tab::Mine, Some("ys-3")),
    ] {
        let query = InboxQuery { tab, text: text.map(str::to_owned), kind: None, page: 1, size: 2 };
        let found = approval::inbox(store.reader(), who, &query, T, &store.rules().calendar).await.unwrap();
        let rows: Vec<_> = found.0.iter().map(|row| (&row.no, row.status, row.remaining)).collect();
        writeln!(told, "{tab:?} {text:?}: {rows:?} of {}", found.1).unwrap();
    }
    let counts = approval::counts(store.reader(), head, T.plus(chrono::Duration::days(9))).await.unwrap();
    writeln!(told, "{counts:?}").unwrap();
    let lines = approval::timeline(store.reader(), "a1", T, &store.rules().calendar).await.unwrap();
    let said: Vec<_> = lines[0].opinions.iter().map(|said| (&said.act, &said.missing)).collect();
    writeln!(told, "{said:?}").unwrap();
    let tx = store.begin().await.unwrap();
    writeln!(told, "read: {}", message::mark_read(&tx, head, &[], T).await.unwrap()).unwrap();
    tx.commit().await.unwrap();
    let unread = message::unread(store.reader(), head).await.unwrap();
    let (_, total) = message::list(store.reader(), head, &MessageQuery { size: 1, ..Default::default() }).await.unwrap();
    writeln!(told, "messages: {unread} of {total}").unwrap();
}

async fn queue(store: &Store, user: &Actor, told: &mut String) {
    let tx = store.begin().await.unwrap();
    let first = jobs::enqueue(&tx, &ctx(user, 1), NewJob::new("test.x", serde_json::json!({})).once("k")).await.unwrap();
    let again = jobs::enqueue(&tx, &ctx(user, 2), NewJob::new("test.x", serde_json::json!({})).once("k")).await.unwrap();
    let free: Vec<_> = vec![
        jobs::enqueue(&tx, &ctx(user, 3), NewJob::new("test.x", serde_json::json!({}))).await.unwrap(),
        jobs::enqueue(&tx, &ctx(user, 3), NewJob::new("test.x", serde_json::json!({}))).await.unwrap(),
    ];
    tx.commit().await.unwrap();
    writeln!(told, "once per key: {}, free: {}", first == again, free[0] != free[1]).unwrap();
    let tx = store.begin().await.unwrap();
    jobs::cancel(&tx, &first, T).await.unwrap();
    writeln!(told, "cancelled twice: {}", jobs::cancel(&tx, &first, T).await.unwrap_err().code()).unwrap();
    tx.commit().await.unwrap();
    let states: Vec<_> =
        jobs::of_account(store.reader(), &user.account, 9).await.unwrap().iter().map(|job| job.state).collect();
    writeln!(told, "{states:?}").unwrap();
}

async fn entries(store: &Store, user: &Actor, city: &UnitRef, told: &mut String) {
    let entry = |number: i64, outcome| Entry {
        id: EntryId::generate(),
        at: Timestamp::from_millis(number),
        action: if number % 2 == 0 { "gate.query.end".into() } else { "sharing.application.submit".into() },
        outcome,
        code: None,
        actor: Some(EntryActor::from(user)),
        object: ObjectRef::new("application", number, format!("Ys_{number}")),
        client: "local".into(),
        request: "r".into(),
        detail: serde_json::json!({ "数": number }),
    };
    let all: Vec<Entry> = (0..5).map(|n| entry(n, if n == 3 { Outcome::Refused } else { Outcome::Done })).collect();
    let tx = store.begin().await.unwrap();
    for entry in &all {
        audit::write(tx.db(), entry).await.unwrap();
    }
    let twice = audit::write(tx.db(), &all[0]).await.unwrap_err();
    writeln!(told, "the same entry twice: {}", twice.code()).unwrap();
    drop(tx);
    let tx = store.begin().await.unwrap();
    for entry in &all {
        audit::write(tx.db(), entry).await.unwrap();
    }
    tx.commit().await.unwrap();
    let queries = [
        EntryQuery::default(),
        EntryQuery { action: Some("gate".into()), ..EntryQuery::default() },
        EntryQuery { action: Some("gat_".into()), ..EntryQuery::default() },
        EntryQuery { outcome: Some(Outcome::Refused), ..EntryQuery::default() },
        EntryQuery { text: Some("yS_4".into()), ..EntryQuery::default() },
        EntryQuery { scope: Some(city.clone()), oldest_first: true, ..EntryQuery::default() },
        EntryQuery { from: Some(Timestamp::from_millis(2)), to: Some(Timestamp::from_millis(3)), ..EntryQuery::default() },
    ];
    for query in queries {
        let found = audit::page(store.reader(), &EntryQuery { size: 2, page: 1, ..query }).await.unwrap();
        let rows: Vec<_> = found.0.iter().map(|row| (&row.object_no, row.outcome, &row.unit, row.idx)).collect();
        writeln!(told, "{rows:?} of {}", found.1).unwrap();
    }
    writeln!(told, "{:?}", audit::actions(store.reader()).await.unwrap()).unwrap();
    let bodies = audit::Entity::find().all(store.reader()).await.unwrap();
    writeln!(told, "bodies kept: {}", bodies.iter().filter(|row| row.body.contains("\"数\":")).count()).unwrap();
}
