//! Pages and API through the real router, as a browser without script and as a client with a token.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use hufu_kernel::actor::Actor;
use hufu_kernel::ids::SessionId;
use hufu_kernel::shell::{Links, Shell, SignedIn, Site, csrf};
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::town::Town;

const SESSION: &str = "0192f000-0000-7000-8000-000000000001";

struct Web {
    town: Town,
    router: Router,
    csrf: String,
}

struct Page {
    status: StatusCode,
    headers: HeaderMap,
    text: String,
}

impl Web {
    async fn found(jurisdiction: &str) -> Self {
        let town = Town::found(jurisdiction).await;
        let site = Site { name: "云江市".into(), full_name: "云江市平台".into(), contact: "市数据局".into(), demo: true };
        let key = csrf::Key::new([7; 32]);
        let token = key.token(&SESSION.parse::<SessionId>().unwrap());
        let kernel = town.kernel.clone();
        let shell = Shell::new(site, Links::default(), town.clock.clone(), town.house.clone(), kernel.events.clone(), key)
            .with_menu(hufu_sharing::menu());
        let people = Arc::new(town.people.clone());
        let known = from_fn_with_state(people, recognise);
        let router = shell.install(hufu_sharing::routes(town.service.clone()), |inner| inner.layer(known));
        Self { town, router, csrf: token }
    }

    async fn send(&self, request: Request) -> Page {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        Page { status: parts.status, headers: parts.headers, text: String::from_utf8_lossy(&bytes).into_owned() }
    }

    async fn get(&self, login: &str, path: &str) -> Page {
        let request = Request::builder().uri(path).header(header::ACCEPT, "text/html").header(header::COOKIE, format!("s={login}"));
        self.send(request.body(Body::empty()).unwrap()).await
    }

    /// Posts a form and gives where it leads.
    async fn post(&self, login: &str, path: &str, pairs: &[(&str, &str)]) -> Page {
        let csrf = ("_csrf", self.csrf.as_str());
        let body: Vec<String> = [&[csrf], pairs].concat().iter().map(|(name, value)| format!("{}={}", encoded(name), encoded(value))).collect();
        let request = Request::builder()
            .method(Method::POST)
            .uri(path)
            .header(header::ACCEPT, "text/html")
            .header(header::COOKIE, format!("s={login}"))
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.send(request.body(Body::from(body.join("&"))).unwrap()).await
    }

    async fn call(&self, login: &str, method: Method, path: &str, body: Value) -> Page {
        let request = Request::builder().method(method).uri(path).header(header::AUTHORIZATION, format!("Bearer {login}")).header(header::CONTENT_TYPE, "application/json");
        let body = if body.is_null() { Body::empty() } else { Body::from(body.to_string()) };
        self.send(request.body(body).unwrap()).await
    }
}

async fn recognise(State(people): State<Arc<BTreeMap<&'static str, Actor>>>, mut request: Request, next: Next) -> axum::response::Response {
    let headers = request.headers().clone();
    let text = |name| headers.get(name).and_then(|v: &axum::http::HeaderValue| v.to_str().ok()).unwrap_or("").to_owned();
    let browser = text(header::COOKIE).strip_prefix("s=").map(|login| (login.to_owned(), Some(SESSION.parse::<SessionId>().unwrap())));
    let bearer = text(header::AUTHORIZATION).strip_prefix("Bearer ").map(|login| (login.to_owned(), None));
    if let Some((login, session)) = browser.or(bearer)
        && let Some(actor) = people.get(login.as_str())
    {
        request.extensions_mut().insert(SignedIn { actor: actor.clone(), session });
    }
    next.run(request).await
}

fn encoded(text: &str) -> String {
    let byte = |byte: u8| if byte.is_ascii_alphanumeric() || b"-._".contains(&byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    text.bytes().map(byte).collect()
}

impl Page {
    fn to(&self) -> &str {
        assert_eq!(self.status, StatusCode::SEE_OTHER, "{}", self.text);
        self.headers[header::LOCATION].to_str().unwrap()
    }

    fn shows(&self, words: &[&str]) {
        assert_eq!(self.status, StatusCode::OK, "{}", self.text);
        for word in words {
            assert!(self.text.contains(word), "no `{word}` in {}", self.text);
        }
    }
}

const USE: [(&str, &str); 12] = [
    ("step", "2"),
    ("scenario_other", "困难人员就业援助资格核验"),
    ("basis", "《就业促进法》第五十二条"),
    ("scope_of_use", "就业科资格核验"),
    ("ways", "page"),
    ("ways", "sql"),
    ("rows_per_day", "1000"),
    ("calls_per_minute", "60"),
    ("rows_per_result", "500"),
    ("from", "2026-11-20"),
    ("until", "2027-05-20"),
    ("system_name", ""),
];

impl Web {
    /// Three steps as a browser without script takes them; the number of the application.
    async fn apply(&self, fields: &[&str]) -> String {
        self.get("lin", "/apply/new?code=DB-01").await.shows(&["低保对象基本信息", "全选信息项", "须首席数据官审批"]);
        let mut pairs = vec![("step", "1"), ("code", "DB-01")];
        pairs.extend(fields.iter().map(|field| ("field", *field)));
        let two = self.post("lin", "/apply/new", &pairs).await.to().to_owned();
        self.get("lin", &two).await.shows(&["应用场景", "履职依据", "某林"]);
        let me = self.town.people["lin"].account.to_string();
        let mut pairs = USE.to_vec();
        pairs.push(("persons", &me));
        let edit = two.split('?').next().unwrap().to_owned();
        let three = self.post("lin", &edit, &pairs).await.to().to_owned();
        self.get("lin", &three).await.shows(&["不提供给第三方", "提交"]);
        let no = edit.split('/').nth(2).unwrap().to_owned();
        let unbound = self.post("lin", &format!("/apply/{no}/submit"), &[]).await;
        assert_eq!(unbound.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(unbound.text.contains("须勾选承诺方可提交"), "{}", unbound.text);
        let shown = self.post("lin", &format!("/apply/{no}/submit"), &[("bound", "true")]).await.to().to_owned();
        assert_eq!(shown, format!("/apply/{no}"));
        no
    }
}

#[tokio::test]
async fn sha_1_journey_from_application_to_masked_rows_without_script() {
    let web = Web::found("d809").await;
    let no = web.apply(&["DB-01|xm", "DB-01|sfzh", "DB-01|lxdh", "DB-01|bzlb"]).await;
    let path = format!("/apply/{no}");
    let decide = format!("{path}/decide");
    web.get("lin", "/apply").await.shows(&[&no, "困难人员就业援助资格核验"]);
    web.get("wang", "/review").await.shows(&[&no, "预先同意"]);
    web.get("wang", &path).await.shows(&["需方半符", "供方半符", "同意", "驳回"]);
    web.post("wang", &decide, &[("decision", "approve")]).await.to();
    web.post("zhou", &decide, &[("decision", "approve"), ("opinion", "要件齐全")]).await.to();
    web.get("shen", "/supply").await.shows(&[&no, "首次申请"]);
    web.post("shen", &decide, &[("decision", "approve")]).await.to();
    let page = web.get("chen", &path).await;
    page.shows(&["部分同意", "要件齐全", "链序号"]);
    let phone = id_of(&page.text, "联系电话");
    let gives: Vec<String> = ids(&page.text).into_iter().filter(|id| *id != phone).collect();
    let mut pairs = vec![("decision", "partial"), ("opinion", "联系电话与核验无关"), ("fields_listed", "1"), ("part", "1")];
    pairs.extend(gives.iter().map(|id| ("give", id.as_str())));
    web.post("chen", &decide, &pairs).await.to();
    let done = web.get("lin", &path).await;
    done.shows(&["合符授权", "减", "去查询", "SQ-20261120-0001"]);
    let grants = web.get("lin", "/grants").await;
    grants.shows(&["SQ-20261120-0001", "低保对象基本信息"]);
    web.get("zhou", "/grants/SQ-20261120-0001").await.shows(&["停用", "撤销", "姓名"]);
    web.get("lin", "/query?grant=SQ-20261120-0001").await.shows(&["已授权资源", "今日剩余"]);
    let answer = web.post("lin", "/query", &[("grant", "SQ-20261120-0001"), ("tab", "form"), ("field", "bzlb"), ("op", "eq"), ("value", "城市低保")]).await;
    answer.shows(&["返回 200 行", "链序号", "城市低保"]);
    assert!(!answer.text.contains("王某"), "a name is masked on the page");
    let typed = web.post("lin", "/query", &[("tab", "sql"), ("sql", "SELECT count(*) FROM mzj.db_01")]).await;
    typed.shows(&["20000"]);
    let wrong = web.post("lin", "/query", &[("tab", "sql"), ("sql", "SELECT lxdh FROM mzj.db_01")]).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(wrong.text.contains("GATE-COLUMN"), "{}", wrong.text);
}

/// Ids of the ticked fields.
fn ids(page: &str) -> Vec<String> {
    page.split("name=\"give\" value=\"").skip(1).map(|rest| rest.split('"').next().unwrap().to_owned()).collect()
}

fn id_of(page: &str, title: &str) -> String {
    let before = page.split(&format!("aria-label=\"给 {title}\"")).next().unwrap();
    before.rsplit("value=\"").next().unwrap().split('"').next().unwrap().to_owned()
}

#[tokio::test]
async fn sha_1_each_step_names_its_faults_and_keeps_the_input() {
    let web = Web::found("d809").await;
    let none = web.post("lin", "/apply/new", &[("step", "1"), ("code", "DB-01")]).await;
    assert_eq!(none.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(none.text.contains("请至少勾选一个信息项"));
    let ticked = web.post("lin", "/apply/new", &[("step", "1"), ("code", "DB-01"), ("all", "DB-01")]).await;
    ticked.shows(&["已选 5 项"]);
    let two = web.post("lin", "/apply/new", &[("step", "1"), ("code", "DB-01"), ("field", "DB-01|xm")]).await.to().to_owned();
    let edit = two.split('?').next().unwrap();
    let empty = web.post("lin", edit, &[("step", "2"), ("basis", "只填了依据")]).await;
    assert_eq!(empty.status, StatusCode::UNPROCESSABLE_ENTITY);
    for word in ["请选择或填写应用场景", "请填写使用范围", "请至少选择一名使用人员", "请至少选择一种使用方式", "请填写截止日期", "只填了依据"] {
        assert!(empty.text.contains(word), "{word}");
    }
    let long = "长".repeat(2000);
    let overlong = web.post("lin", edit, &[("step", "2"), ("basis", &long)]).await;
    assert_eq!(overlong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(overlong.text.contains("不得超过 1000 字"));
}

#[tokio::test]
async fn sha_3_bulk_stop_with_one_reason() {
    let web = Web::found("d809").await;
    let sq = web.town.granted(web.town.form(&[("DB-01", &["bzlb"])])).await.remove(0);
    let confirm = web.post("zhou", "/grants/bulk", &[("act", "suspend"), ("all", "?unit=rsj")]).await;
    confirm.shows(&[&sq, "将停用 1 项授权", "确认停用"]);
    let silent = web.post("zhou", "/grants/suspend", &[("ids", &sq), ("reason", " ")]).await;
    assert_eq!(silent.status, StatusCode::UNPROCESSABLE_ENTITY);
    web.post("zhou", "/grants/suspend", &[("ids", &sq), ("reason", "应急处置")]).await.to();
    web.get("zhou", &format!("/grants/{sq}?tab=acts")).await.shows(&["已暂停", "应急处置", "暂停授权"]);
    let own = web.post("lin", &format!("/grants/{sq}/suspend"), &[("reason", "试一试能否停用")]).await;
    assert_eq!(own.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn every_route_is_guarded() {
    let web = Web::found("d809").await;
    let no = web.town.submit(web.town.form(&[("DB-01", &["bzlb"])])).await.unwrap();
    for path in ["/apply", "/apply/new", "/supply", "/review", "/grants", "/query", &format!("/apply/{no}")] {
        let nobody = Request::builder().uri(path).body(Body::empty()).unwrap();
        assert_eq!(web.send(nobody).await.status, StatusCode::UNAUTHORIZED, "{path}");
    }
    let api = [("GET", format!("/api/v1/sharing/applications/{no}")), ("GET", "/api/v1/sharing/grants".into()), ("GET", "/api/v1/data/DB-01".into())];
    for (method, path) in api {
        let nobody = Request::builder().method(method).uri(&path).body(Body::empty()).unwrap();
        assert_eq!(web.send(nobody).await.status, StatusCode::UNAUTHORIZED, "{path}");
    }
    assert_eq!(web.get("guan", &format!("/apply/{no}")).await.status, StatusCode::NOT_FOUND, "existence is confidential");
    assert_eq!(web.get("lin2", &format!("/apply/{no}")).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn every_list_has_its_empty_state() {
    let web = Web::found("d809").await;
    web.get("lin", "/apply").await.shows(&["还没有申请"]);
    web.get("lin", "/apply/new").await.shows(&["还没有选择资源"]);
    web.get("shen", "/supply").await.shows(&["没有待办的申请"]);
    web.get("zhou", "/review").await.shows(&["没有待办的申请"]);
    web.get("zhou", "/grants").await.shows(&["还没有授权"]);
    web.get("lin", "/query").await.shows(&["没有可以在线查询的授权"]);
}

#[tokio::test]
async fn sha_5_api_from_application_to_rows_with_the_ledger_index() {
    let web = Web::found("yunjiang").await;
    let new = json!({
        "resources": [{ "code": "DB-01", "fields": ["xm", { "name": "bzlb" }] }],
        "scenario": "资格核验", "basis": "第五十二条", "scope_of_use": "就业科", "ways": ["http", "sql"], "bound": true,
    });
    let made = web.call("lin", Method::POST, "/api/v1/sharing/applications", new).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    let no = serde_json::from_str::<Value>(&made.text).unwrap()["no"].as_str().unwrap().to_owned();
    let base = format!("/api/v1/sharing/applications/{no}");
    let submitted = web.call("lin", Method::POST, &format!("{base}/submit"), json!({})).await;
    assert_eq!((submitted.status, submitted.headers.contains_key("hufu-ledger-index")), (StatusCode::OK, true), "{}", submitted.text);
    let decide = |login: &'static str, body: Value| {
        let (web, path) = (&web, format!("{base}/decide"));
        async move { web.call(login, Method::POST, &path, body).await }
    };
    assert_eq!(decide("wang", json!({ "decision": "approve" })).await.status, StatusCode::OK);
    assert_eq!(decide("zhou", json!({ "decision": "refuse" })).await.status, StatusCode::UNPROCESSABLE_ENTITY, "refusal needs a reason");
    assert_eq!(decide("zhou", json!({ "decision": "approve" })).await.status, StatusCode::OK);
    let done = decide("chen", json!({ "decision": "partial", "reason": "姓名不需要", "fields": ["bzlb"] })).await;
    let body: Value = serde_json::from_str(&done.text).unwrap();
    assert_eq!((body["state"].as_str(), body["parts"][0]["state"].as_str()), (Some("done"), Some("partly")), "{}", done.text);
    let rows = web.call("lin", Method::GET, "/api/v1/data/DB-01?limit=2", Value::Null).await;
    assert_eq!(rows.status, StatusCode::OK, "{}", rows.text);
    assert!(rows.headers.contains_key("hufu-ledger-index"));
    assert_eq!(serde_json::from_str::<Value>(&rows.text).unwrap().as_array().unwrap().len(), 2);
    let sql = web.call("lin", Method::POST, "/api/v1/sql", json!({ "sql": "SELECT count(*) AS n FROM mzj.db_01" })).await;
    assert_eq!(serde_json::from_str::<Value>(&sql.text).unwrap()[0]["n"], 20_000);
    let csv = web.call("lin", Method::GET, "/api/v1/data/DB-01?limit=1&format=csv", Value::Null).await;
    assert!(csv.text.contains("bzlb"), "{}", csv.text);
    let bad = web.call("lin", Method::GET, "/api/v1/data/DB-01?where=xm%3D%27a%27", Value::Null).await;
    assert_eq!(bad.status, StatusCode::UNPROCESSABLE_ENTITY);
    let sq = body["grants"][0]["no"].as_str().unwrap();
    let revoked = web.call("zhou", Method::POST, &format!("/api/v1/sharing/grants/{sq}/revoke"), json!({ "reason": "超范围" })).await;
    assert_eq!(revoked.status, StatusCode::OK, "{}", revoked.text);
    assert_eq!(web.call("lin", Method::GET, "/api/v1/data/DB-01", Value::Null).await.status, StatusCode::NOT_FOUND);
}
