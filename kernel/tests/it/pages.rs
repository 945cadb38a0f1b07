//! The kernel's pages through the real router, a real ledger and a real store.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{StatusCode, header};
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use hufu_kernel::actor::{Actor, Role, UnitLevel, UnitRef};
use hufu_kernel::approval::{self, Kind, NewApproval, StepSpec};
use hufu_kernel::audit::{self, Entry, EntryActor, ObjectRef, Outcome};
use hufu_kernel::command::Ctx;
use hufu_kernel::facts::{Desk, Scope, Shortcut};
use hufu_kernel::house::House;
use hufu_kernel::ids::{EntryId, JobId, MessageId, SessionId};
use hufu_kernel::jobs::{self, NewJob, RunnerConfig};
use hufu_kernel::message::{self, Category, MessageQuery, Recipient};
use hufu_kernel::pages;
use hufu_kernel::shell::{Links, Shell, SignedIn, Site, csrf};
use hufu_kernel::time::{ManualClock, Timestamp};
use hufu_kernel::unit::{self, NewUnit, UnitKind};
use sea_orm::ConnectionTrait;
use tower::ServiceExt;

use crate::approval::person;
use crate::recovery::config;

const SESSION: &str = "0192f000-0000-7000-8000-000000000001";

pub struct City {
    pub house: Arc<House>,
    pub router: Router,
    clock: Arc<ManualClock>,
    people: BTreeMap<&'static str, Actor>,
    _dir: tempfile::TempDir,
}

fn now() -> Timestamp {
    // 2026-11-23 09:26 in Beijing, a Monday.
    Timestamp::from_millis(1_795_397_160_000)
}

impl City {
    pub async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut config = config(dir.path());
        let clock = Arc::new(ManualClock::at(now()));
        config.clock = clock.clone();
        config.desk = Desk::new([], [Shortcut { label: "审计日志", href: "/audit", icon: "scroll", roles: &[Role::R5] }]);
        config.names.add(&[("sharing.expire_grants", "授权到期处理")]);
        let house = House::open(config).await.unwrap();
        let tx = house.kernel.store.begin().await.unwrap();
        let make = |code: &str, name: &str, kind, parent: Option<&UnitRef>| NewUnit {
            code: code.into(),
            name: name.into(),
            kind,
            level: UnitLevel::City,
            parent: parent.cloned(),
            sort: 0,
        };
        let city = unit::insert(tx.db(), make("YJ", "云江市", UnitKind::Area, None)).await.unwrap();
        let bureau = unit::insert(tx.db(), make("YJ-SJJ", "市数据局", UnitKind::Bureau, Some(&city))).await.unwrap();
        let office = unit::insert(tx.db(), make("YJ-MZJ", "市民政局", UnitKind::Department, Some(&city))).await.unwrap();
        tx.commit().await.unwrap();
        let people = BTreeMap::from([
            ("cdo", person(&office, "cdo", &[Role::R2])),
            ("user", person(&office, "user", &[Role::R4])),
            ("auditor", person(&bureau, "auditor", &[Role::R5])),
            ("operator", person(&bureau, "operator", &[Role::R6])),
        ]);
        let site = Site {
            name: "云江市政务数据安全".into(),
            full_name: "云江市政务数据安全共享平台".into(),
            contact: "市数据局".into(),
            demo: false,
        };
        let known = people.clone();
        let recognise = move |mut request: Request, next: Next| {
            let cookie = request.headers().get(header::COOKIE).and_then(|value| value.to_str().ok()).unwrap_or("");
            let actor = cookie.strip_prefix("s=").and_then(|login| known.get(login)).cloned();
            async move {
                if let Some(actor) = actor {
                    let session = Some(SESSION.parse::<SessionId>().unwrap());
                    request.extensions_mut().insert(SignedIn { actor, session });
                }
                let answer: Response = next.run(request).await;
                answer
            }
        };
        let key = csrf::Key::new([7; 32]);
        let links = Links { messages: Some("/messages"), ..Links::default() };
        let shell = Shell::new(site, links, Arc::clone(&house.kernel.clock), house.clone(), house.kernel.events.clone(), key)
            .with_menu(pages::menu(&house));
        let router = shell.install(pages::routes(house.clone()), |inner| inner.layer(from_fn(recognise)));
        Self { house, router, clock, people, _dir: dir }
    }

    fn who(&self, login: &str) -> &Actor {
        &self.people[login]
    }

    fn ctx(&self, login: &str) -> Ctx {
        Ctx { actor: Some(self.who(login).clone()), request_id: "r-1".into(), client: "10.8.26.7".into(), now: now() }
    }

    async fn send(&self, login: &str, method: &str, path: &str, body: &str) -> (StatusCode, String) {
        let token = csrf::Key::new([7; 32]).token(&SESSION.parse::<SessionId>().unwrap());
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::COOKIE, format!("s={login}"))
            .header(header::ACCEPT, "text/html")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from(if method == "POST" { format!("{}={token}&{body}", csrf::FIELD) } else { String::new() }));
        let response = self.router.clone().oneshot(request.unwrap()).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        (parts.status, String::from_utf8_lossy(&bytes).into_owned())
    }

    async fn get(&self, login: &str, path: &str) -> String {
        let (status, body) = self.send(login, "GET", path, "").await;
        assert_eq!(status, StatusCode::OK, "{path}: {body}");
        body
    }

    /// Applications of the user that wait for the head of their office.
    pub async fn apply(&self, count: usize) {
        for number in 1..=count {
            let tx = self.house.kernel.store.begin().await.unwrap();
            let limit = self.house.kernel.store.rules().limit("application.own_office").unwrap().clone();
            let unit = self.who("cdo").unit.clone();
            let new = NewApproval {
                object: ObjectRef::new("application", format!("a{number}"), format!("YS-20261123-{number:04}")),
                kind: Kind { key: "sharing.application", name: "用数申请" },
                title: format!("残疾人两项补贴动态核对 <{number}>"),
                link: format!("/apply/YS-20261123-{number:04}"),
                initiator: self.who("user").clone(),
                steps: vec![StepSpec::new("own_office", "本单位审核", Role::R2, unit).within(&limit)],
                copies: vec![Recipient::Account(self.who("operator").account.clone())],
            };
            approval::start(&tx, &self.ctx("user"), new).await.unwrap();
            tx.commit().await.unwrap();
        }
    }

    /// Reads of data as the gate records them.
    pub async fn query(&self, rows: u64) {
        let entry = Entry {
            id: EntryId::generate(),
            at: now(),
            action: "gate.query.end".into(),
            outcome: Outcome::Done,
            code: None,
            actor: Some(EntryActor::from(self.who("user"))),
            object: ObjectRef::new("grant", "g1", "SQ-20261123-0001"),
            client: "10.8.26.7".into(),
            request: "r-2".into(),
            detail: serde_json::json!({ "statement": "SELECT name FROM t WHERE id = ?", "rows": rows, "grade": 3, "millis": 41 }),
        };
        let idx = audit::record(&self.house.kernel, &entry).await.unwrap();
        for _ in 0..200 {
            if self.house.size().await.unwrap() > idx {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("entry {idx} was not projected");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn page_1_desk_shows_what_waits_with_its_clock_and_figures_equal_rows() {
    let city = City::new().await;
    city.apply(3).await;
    let html = city.get("cdo", "/").await;
    for expected in ["上午好，某cdo", "2026年11月23日 星期一", "剩 2 个工作日", "共 <b>3</b> 条", "补贴动态核对 &lt;2&gt;", "/apply/YS-20261123-0003"] {
        assert!(html.contains(expected), "{expected} in {html}");
    }
    assert!(!html.contains("/audit"), "no way on that the role has not");
    assert!(city.get("cdo", "/?tab=done").await.contains("还没有已办事项"));
    assert!(city.get("user", "/?tab=mine").await.contains("审批中"));
    assert!(city.get("operator", "/?tab=copied").await.contains("共 <b>3</b> 条"));
    assert!(city.get("auditor", "/").await.contains("没有待办事项"));
    for login in ["cdo", "user", "operator"] {
        let scope = Scope { actor: city.who(login).clone(), now: now().plus(chrono::Duration::days(9)) };
        let wrong = city.house.facts.recompute(city.house.kernel.store.reader(), &scope).await.unwrap();
        assert!(wrong.is_empty(), "facts_recompute: {wrong:?}");
    }
    let late = Scope { actor: city.who("cdo").clone(), now: now().plus(chrono::Duration::days(9)) };
    assert_eq!(city.house.facts.get("inbox.late").unwrap().value(city.house.kernel.store.reader(), &late).await.unwrap(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn page_2_messages_are_read_by_opening_or_at_once_and_only_ones_own() {
    let city = City::new().await;
    city.apply(2).await;
    let html = city.get("cdo", "/messages").await;
    assert_eq!(html.matches("待您办理：残疾人").count() / 2, 2, "a row and the label of its tick each");
    let id = html.split("/messages/").find_map(|rest| rest.get(..36)?.parse::<MessageId>().ok()).unwrap();
    let (status, _) = city.send("user", "GET", &format!("/messages/{id}"), "").await;
    assert_eq!(status, StatusCode::NOT_FOUND, "another's message does not exist");
    assert!(city.get("cdo", &format!("/messages/{id}")).await.contains("YS-20261123-000"));
    assert!(city.get("cdo", "/messages?unread=true").await.contains("共 <b>1</b> 条"));
    let (status, _) = city.send("cdo", "POST", "/messages/read", "everything=true").await;
    assert_eq!(status, StatusCode::SEE_OTHER);
    assert!(city.get("cdo", "/messages?unread=true").await.contains("没有找到符合条件的记录"));
    assert!(city.get("cdo", "/messages").await.contains("共 <b>2</b> 条"));
}

#[tokio::test(flavor = "multi_thread")]
async fn page_44_auditor_reads_verifies_and_exports_and_others_are_refused_on_the_record() {
    let city = City::new().await;
    city.query(7).await;
    let (status, _) = city.send("user", "GET", "/audit", "").await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    city.query(8).await;
    let html = city.get("auditor", "/audit?outcome=refused").await;
    assert!(html.contains("查看审计日志") && html.contains("共 <b>1</b> 条"), "the refusal is an entry: {html}");
    assert!(!html.contains("已校验 1–"), "nothing was verified yet");
    let (status, _) = city.send("user", "POST", "/audit/verify", "").await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    let (status, _) = city.send("auditor", "POST", "/audit/verify", "").await;
    assert_eq!(status, StatusCode::SEE_OTHER);
    let html = city.get("auditor", "/audit").await;
    assert!(html.contains("已校验 1–4，连续"), "{html}");
    let (status, file) = city.send("auditor", "GET", "/audit/export.csv", "").await;
    assert_eq!(status, StatusCode::OK);
    assert!(file.contains("拒绝") && file.contains("SQ-20261123-0001"), "{file}");
    city.query(9).await;
    let rows = city.get("auditor", "/audit?action=%E5%AF%BC%E5%87%BA%E5%AE%A1%E8%AE%A1&unit=%E6%95%B0%E6%8D%AE%E5%B1%80").await;
    assert!(rows.contains("导出审计日志"), "taking a file is an act too");
    let api: serde_json::Value = serde_json::from_str(&city.get("auditor", "/api/v1/ledger/entries?action=gate").await).unwrap();
    assert_eq!(api["total"], 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn page_1_auditor_sees_todays_acts_and_the_rows_behind_them() {
    let city = City::new().await;
    city.send("user", "GET", "/audit", "").await;
    city.query(7).await;
    let html = city.get("auditor", "/").await;
    assert!(html.contains("<dd>2<small>条") && html.contains("<dd>1<small>条"), "{html}");
    assert!(city.get("auditor", "/audit?day=today").await.contains("共 <b>2</b> 条"));
    assert!(city.get("auditor", "/audit?day=today&outcome=refused").await.contains("共 <b>1</b> 条"));
    let scope = Scope { actor: city.who("auditor").clone(), now: now() };
    let wrong = city.house.facts.recompute(city.house.kernel.store.reader(), &scope).await.unwrap();
    assert!(wrong.is_empty(), "facts_recompute: {wrong:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn sha_1_signer_is_reminded_before_and_after_the_end_once_each() {
    let city = City::new().await;
    city.apply(2).await;
    let house = &city.house;
    house.start_jobs(hufu_kernel::upkeep::registry(house), RunnerConfig { poll: Duration::from_millis(20), ..RunnerConfig::default() });
    let cdo = city.who("cdo");
    let reminders = || async {
        let query = MessageQuery { category: Some(Category::Reminder), size: 50, ..MessageQuery::default() };
        let (rows, _) = message::list(house.kernel.store.reader(), cdo, &query).await.unwrap();
        let mut titles: Vec<String> = rows.into_iter().map(|(row, _)| row.title.chars().take(6).collect()).collect();
        titles.sort();
        titles
    };
    let expect = |day: i64, expected: &'static [&'static str]| {
        city.clock.set(now().plus(chrono::Duration::days(day)));
        async move {
            for _ in 0..200 {
                if reminders().await.len() >= expected.len() {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
            assert_eq!(reminders().await, expected);
        }
    };
    // Due on Wednesday: two working days are no reason yet, one is, and then only lateness.
    expect(0, &[]).await;
    expect(1, &["剩1个工作日", "剩1个工作日"]).await;
    expect(2, &["剩1个工作日", "剩1个工作日"]).await;
    expect(3, &["剩1个工作日", "剩1个工作日", "已逾期1个工", "已逾期1个工"]).await;
    expect(6, &["剩1个工作日", "剩1个工作日", "已逾期1个工", "已逾期1个工"]).await;
    house.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn page_44_changed_entry_is_named() {
    let city = City::new().await;
    for rows in 0..3 {
        city.query(rows).await;
    }
    let tx = city.house.kernel.store.begin().await.unwrap();
    tx.db().execute_unprepared("UPDATE audit_entry SET login = 'innocent' WHERE idx = 1").await.unwrap();
    tx.commit().await.unwrap();
    city.send("auditor", "POST", "/audit/verify", "").await;
    let html = city.get("auditor", "/audit").await;
    assert!(html.contains("校验发现问题") && html.contains("第1条"), "{html}");
    assert!(!html.contains("已校验 1–"));
}

#[tokio::test(flavor = "multi_thread")]
async fn page_45_queries_show_the_shape_and_the_entry_its_bytes() {
    let city = City::new().await;
    city.query(12_345).await;
    let (_, _) = city.send("user", "GET", "/audit", "").await;
    let html = city.get("auditor", "/audit/queries").await;
    for expected in ["SQ-20261123-0001", "SELECT name FROM t WHERE id = ?", "12,345", "L3", "共 <b>1</b> 条"] {
        assert!(html.contains(expected), "{expected} in {html}");
    }
    let id = html.split("/audit/entries/").nth(1).unwrap().get(..36).unwrap().to_owned();
    let entry = city.get("auditor", &format!("/audit/entries/{id}")).await;
    assert!(entry.contains("&quot;rows&quot;:12345") || entry.contains("&#34;rows&#34;:12345"), "{entry}");
}

#[tokio::test(flavor = "multi_thread")]
async fn page_jobs_are_seen_and_cancelled_by_whom_they_concern() {
    let city = City::new().await;
    let tx = city.house.kernel.store.begin().await.unwrap();
    let id: JobId = jobs::enqueue(&tx, &city.ctx("user"), NewJob::new("sharing.expire_grants", serde_json::json!({}))).await.unwrap();
    tx.commit().await.unwrap();
    let html = city.get("user", &format!("/jobs/{id}")).await;
    assert!(html.contains("授权到期处理") && html.contains("排队中"), "{html}");
    assert!(city.get("user", "/").await.contains("进行中的任务"));
    let api: serde_json::Value = serde_json::from_str(&city.get("operator", &format!("/api/v1/jobs/{id}")).await).unwrap();
    assert_eq!((api["state"].as_str(), api["done"].as_u64()), (Some("queued"), Some(0)));
    for (method, path) in [("GET", format!("/jobs/{id}")), ("GET", format!("/api/v1/jobs/{id}"))] {
        assert_eq!(city.send("cdo", method, &path, "").await.0, StatusCode::NOT_FOUND);
    }
    assert_eq!(city.send("cdo", "POST", &format!("/jobs/{id}/cancel"), "").await.0, StatusCode::FORBIDDEN);
    assert_eq!(city.send("user", "POST", &format!("/jobs/{id}/cancel"), "").await.0, StatusCode::SEE_OTHER);
    assert!(city.get("user", &format!("/jobs/{id}/card")).await.contains("已取消"));
}

#[tokio::test(flavor = "multi_thread")]
async fn led_2_public_files_are_served_and_the_journal_is_not() {
    let city = City::new().await;
    city.query(1).await;
    city.house.ledger.checkpoint().await.unwrap();
    assert!(city.get("", "/ledger/checkpoint").await.starts_with("hufu.test/ledger\n1\n"));
    assert!(city.get("", "/ledger/tile/entries/000.p/1").await.contains("gate.query.end"));
    for path in ["/ledger/journal/00000000", "/ledger/lock", "/ledger/../hufu.db", "/ledger/tile/9"] {
        assert_eq!(city.send("", "GET", path, "").await.0, StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_is_guarded_in_the_kernel() {
    let city = City::new().await;
    let id = "0192f000-0000-7000-8000-000000000009";
    let paths = [
        "GET /", "GET /messages", "GET /messages/ID", "POST /messages/read", "GET /audit", "GET /audit/export.xlsx",
        "GET /audit/export.csv", "POST /audit/verify", "GET /audit/queries", "GET /audit/entries/ID", "GET /jobs/ID",
        "GET /jobs/ID/card", "POST /jobs/ID/cancel", "GET /api/v1/jobs/ID", "GET /api/v1/ledger/entries",
    ];
    for line in paths {
        let (method, path) = line.split_once(' ').unwrap();
        let (status, body) = city.send("nobody", method, &path.replace("ID", id), "everything=true").await;
        assert!(matches!(status, StatusCode::UNAUTHORIZED | StatusCode::SEE_OTHER), "{line}: {status} {body}");
    }
}
