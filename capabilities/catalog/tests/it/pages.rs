//! Pages and API through the real router, chrome and guards.

use std::sync::Arc;

use async_trait::async_trait;
use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{StatusCode, header};
use axum::middleware::{Next, from_fn};
use hufu_catalog::model::metadata::{Metadata, SharingTerms};
use hufu_catalog::model::terms::{ResourceKind, Sharing};
use hufu_catalog::{menu, router};
use hufu_kernel::actor::{Actor, Role};
use hufu_kernel::command::Ctx;
use hufu_kernel::shell::{Figures, LedgerState, Links, Shell, SignedIn, Site, csrf};
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::house::{House, complete, fields, house};

struct NoFigures;

#[async_trait]
impl Figures for NoFigures {
    async fn ledger(&self) -> Option<LedgerState> {
        None
    }

    async fn notices(&self, _: &Actor) -> u64 {
        0
    }
}

/// The house behind its router; a bearer token names who asks by position.
struct Web {
    house: House,
    people: Vec<Ctx>,
}

impl Web {
    async fn new() -> Self {
        Self { house: house().await, people: Vec::new() }
    }

    fn person(&mut self, unit: &hufu_kernel::actor::UnitRef, role: Role) -> usize {
        self.people.push(self.house.person(unit, role));
        self.people.len() - 1
    }

    fn router(&self) -> Router {
        let actors: Arc<Vec<Actor>> = Arc::new(self.people.iter().map(|ctx| ctx.actor.clone().unwrap()).collect());
        let site = Site { name: "云江市".into(), full_name: "云江市平台".into(), contact: "数据局".into(), demo: true };
        let events = self.house.kernel().events.clone();
        let shell = Shell::new(site, Links::default(), self.house.clock.clone(), Arc::new(NoFigures), events, csrf::Key::new([7; 32]))
            .with_menu(menu());
        shell.install(router(self.house.catalog.clone()), move |inner| {
            inner.layer(from_fn(move |mut request: Request, next: Next| {
                let bearer = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
                let at: Option<usize> = bearer.and_then(|text| text.strip_prefix("Bearer ")?.parse().ok());
                if let Some(actor) = at.and_then(|at| actors.get(at)) {
                    request.extensions_mut().insert(SignedIn { actor: actor.clone(), session: None });
                }
                async move { next.run(request).await }
            }))
        })
    }

    async fn send(&self, who: Option<usize>, method: &str, path: &str, kind: &str, body: Vec<u8>) -> (StatusCode, Vec<u8>) {
        let mut request = Request::builder().method(method).uri(path).header(header::CONTENT_TYPE, kind);
        request = request.header(header::CONTENT_LENGTH, body.len());
        request = request.header(header::ACCEPT, "text/html");
        if let Some(who) = who {
            request = request.header(header::AUTHORIZATION, format!("Bearer {who}"));
        }
        let response = self.router().oneshot(request.body(Body::from(body)).unwrap()).await.unwrap();
        let status = response.status();
        (status, axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap().to_vec())
    }

    async fn get(&self, who: usize, path: &str) -> (StatusCode, String) {
        let (status, body) = self.send(Some(who), "GET", path, "text/plain", Vec::new()).await;
        (status, String::from_utf8_lossy(&body).into_owned())
    }

    async fn post(&self, who: usize, path: &str, form: &str) -> (StatusCode, String) {
        let kind = "application/x-www-form-urlencoded";
        let (status, body) = self.send(Some(who), "POST", path, kind, form.as_bytes().to_vec()).await;
        (status, String::from_utf8_lossy(&body).into_owned())
    }

    async fn api(&self, who: usize, method: &str, path: &str, body: Value) -> (StatusCode, Value) {
        let (status, body) = self.send(Some(who), method, path, "application/json", body.to_string().into_bytes()).await;
        (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
    }
}

const ROUTES: &[(&str, &str)] = &[
    ("GET", "/catalog"),
    ("GET", "/catalog/export.xlsx"),
    ("GET", "/catalog/export.csv"),
    ("GET", "/catalog/cart"),
    ("POST", "/catalog/cart"),
    ("POST", "/catalog/cart/remove"),
    ("GET", "/catalog/edit"),
    ("GET", "/catalog/edit/new"),
    ("POST", "/catalog/edit/new"),
    ("GET", "/catalog/edit/CODE"),
    ("POST", "/catalog/edit/CODE"),
    ("GET", "/catalog/import"),
    ("POST", "/catalog/import"),
    ("GET", "/catalog/template.xlsx"),
    ("GET", "/catalog/mount"),
    ("GET", "/catalog/mount/CODE"),
    ("POST", "/catalog/mount/CODE"),
    ("GET", "/catalog/nonshare"),
    ("GET", "/catalog/nonshare/CODE"),
    ("POST", "/catalog/nonshare/CODE"),
    ("GET", "/catalog/CODE"),
    ("GET", "/catalog/CODE/change"),
    ("POST", "/catalog/CODE/change"),
    ("POST", "/catalog/CODE/check"),
    ("POST", "/catalog/CODE/decide"),
    ("POST", "/catalog/CODE/decide-change"),
    ("POST", "/catalog/CODE/offline"),
    ("POST", "/catalog/CODE/submit"),
    ("POST", "/catalog/CODE/withdraw"),
    ("GET", "/datasources"),
    ("GET", "/datasources/new"),
    ("POST", "/datasources/new"),
    ("GET", "/datasources/ID"),
    ("GET", "/datasources/ID/edit"),
    ("POST", "/datasources/ID/edit"),
    ("POST", "/datasources/ID/test"),
    ("POST", "/datasources/ID/scan"),
    ("POST", "/datasources/ID/check"),
    ("POST", "/datasources/ID/close"),
    ("GET", "/datasources/ID/job"),
    ("GET", "/api/v1/catalog/resources"),
    ("POST", "/api/v1/catalog/resources"),
    ("GET", "/api/v1/catalog/resources/CODE"),
    ("PATCH", "/api/v1/catalog/resources/CODE"),
    ("POST", "/api/v1/catalog/resources/CODE/submit"),
    ("POST", "/api/v1/catalog/resources/CODE/withdraw"),
    ("POST", "/api/v1/catalog/resources/CODE/decide"),
    ("POST", "/api/v1/catalog/resources/CODE/take-offline"),
    ("POST", "/api/v1/catalog/resources/CODE/check"),
    ("POST", "/api/v1/catalog/resources/CODE/change-sharing"),
    ("POST", "/api/v1/catalog/resources/CODE/decide-change"),
    ("GET", "/api/v1/catalog/summary"),
    ("POST", "/api/v1/catalog/import"),
    ("GET", "/api/v1/catalog/export.xlsx"),
    ("POST", "/api/v1/sources"),
    ("POST", "/api/v1/sources/ID/test"),
    ("POST", "/api/v1/sources/ID/inspect"),
    ("POST", "/api/v1/sources/ID/check"),
];

/// A body that each route can read, so that only the missing log-in stands against it.
fn readable(method: &str, path: &str) -> (&'static str, String) {
    if method == "GET" {
        return ("text/plain", String::new());
    }
    if path.starts_with("/api/") {
        let body = json!({ "version": 1, "name": "x", "decision": "approve", "terms": {}, "kind": "table" });
        let body = if path == "/api/v1/sources" { json!({ "name": "x", "kind": "csv" }) } else { body };
        return ("application/json", body.to_string());
    }
    ("application/x-www-form-urlencoded", "version=1&verdict=approve&sharing=conditional&kind=csv".into())
}

#[tokio::test]
async fn every_route_is_guarded() {
    let mut web = Web::new().await;
    let row = web.house.publish(&web.house.civil.clone(), complete("低保"), fields()).await;
    let source = hufu_kernel::ids::SourceId::generate();
    let outsider = web.person(&web.house.civil.clone(), Role::R7);
    for (method, path) in ROUTES {
        let path = path.replace("CODE", &row.path_code()).replace("ID", source.as_str());
        let (kind, body) = readable(method, &path);
        let (status, _) = web.send(None, method, &path, kind, body.clone().into_bytes()).await;
        assert!(status == StatusCode::UNAUTHORIZED || (path.contains(source.as_str()) && status == StatusCode::NOT_FOUND), "{method} {path}: {status}");
        let (status, _) = web.send(Some(outsider), method, &path, kind, body.into_bytes()).await;
        assert!(status.is_client_error(), "a reporter: {method} {path}: {status}");
    }
}

#[tokio::test]
async fn cat_5_search_page_shows_facets_rows_and_tree() {
    let mut web = Web::new().await;
    let (civil, social) = (web.house.civil.clone(), web.house.social.clone());
    web.house.publish(&civil, complete("低保对象基本信息"), fields()).await;
    web.house.publish(&social, Metadata { kind: ResourceKind::Interface, ..complete("参保核验服务") }, fields()).await;
    web.house.catalog.search().catch_up(web.house.db()).await.unwrap();
    let user = web.person(&social, Role::R4);
    let (status, html) = web.get(user, "/catalog").await;
    assert_eq!(status, StatusCode::OK, "{html}");
    for part in ["低保对象基本信息", "参保核验服务", "3050120001/000001", "市民政局", "库表<small>1</small>", "全部<small>2</small>", "加入申请篮", "共 <b>2</b> 条"] {
        assert!(html.contains(part), "no {part}");
    }
    let (_, html) = web.get(user, &format!("/catalog?q=%E4%BD%8E%E4%BF%9D&unit={}", civil.id)).await;
    assert!(html.contains("低保对象基本信息") && !html.contains("参保核验服务"));
    let (_, html) = web.get(user, "/catalog?q=%E6%B2%A1%E6%9C%89%E7%9A%84").await;
    assert!(html.contains("没有找到符合条件的记录"));
    let (status, _) = web.post(user, "/catalog/cart", "ids=3050120001%2F000001&act=add").await;
    assert_eq!(status, StatusCode::SEE_OTHER);
    let (_, html) = web.get(user, "/catalog/cart").await;
    assert!(html.contains("申请这 1 个目录"), "{html}");
    web.post(user, "/catalog/cart", "all=%3F&act=add").await;
    assert!(web.get(user, "/catalog/cart").await.1.contains("申请这 2 个目录"));
    let (_, list) = web.api(user, "GET", "/api/v1/catalog/resources?kind=table", Value::Null).await;
    assert_eq!((list["total"].as_u64(), list["items"][0]["grade"].as_u64()), (Some(1), Some(4)));
    let (_, summary) = web.api(user, "GET", "/api/v1/catalog/summary", Value::Null).await;
    assert_eq!(summary["total"], 2);
    assert_eq!(summary["by_sharing"], json!({ "conditional": 2, "unconditional": 0, "withheld": 0 }));
    assert_eq!(summary["by_kind"]["interface"], 1);
    assert_eq!(summary["by_state"]["published"], 2);
}

#[tokio::test]
async fn cat_1_wizard_from_empty_form_to_publication() {
    let mut web = Web::new().await;
    let civil = web.house.civil.clone();
    let steward = web.person(&civil, Role::R3);
    let cdo = web.person(&civil, Role::R2);
    let bureau = web.person(&web.house.bureau.clone(), Role::R1);
    let (status, html) = web.post(steward, "/catalog/edit/new", "step=1").await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(html.contains("目录名称须为") && html.contains("分类代码须为"), "{html}");
    let (status, _) = web.post(steward, "/catalog/edit/new", "step=1&name=%E4%BD%8E%E4%BF%9D%E5%AF%B9%E8%B1%A1&class_code=3050120001&provider_code=11330000002480001A&summary=%E6%91%98%E8%A6%81&kind=table&format_class=3&format_type=PostgreSQL&cycle=daily").await;
    assert_eq!(status, StatusCode::SEE_OTHER);
    let two = "version=1&step=2&f_name=xm&f_title=%E5%A7%93%E5%90%8D&f_type=C&f_length=30&f_key=false&f_kind=name&f_grade=L3&f_sensitive=false&f_name=&f_title=&f_type=C&f_length=&f_key=false&f_kind=&f_grade=&f_sensitive=false&then=next";
    assert_eq!(web.post(steward, "/catalog/edit/3050120001-000001", two).await.0, StatusCode::SEE_OTHER);
    let stale = web.post(steward, "/catalog/edit/3050120001-000001", two).await;
    assert_eq!(stale.0, StatusCode::CONFLICT);
    let (_, html) = web.get(steward, "/catalog/edit/3050120001-000001?step=4").await;
    assert!(html.contains("有条件共享须写明共享范围"), "the last step names what is missing: {html}");
    let three = "version=2&step=3&sharing=unconditional&method_class=platform&method=%E6%95%B0%E6%8D%AE%E5%BA%93&open=false&tradeable=false&then=next";
    assert_eq!(web.post(steward, "/catalog/edit/3050120001-000001", three).await.0, StatusCode::SEE_OTHER);
    let (_, html) = web.get(steward, "/catalog/edit/3050120001-000001?step=4").await;
    assert!(html.contains("1 项") && !html.contains("需要修改"), "{html}");
    assert_eq!(web.post(steward, "/catalog/3050120001-000001/submit", "version=3").await.0, StatusCode::SEE_OTHER);
    let (_, html) = web.get(cdo, "/catalog/3050120001-000001").await;
    assert!(html.contains("审批中") && html.contains("value=\"approve\""), "the CDO sees the decision bar");
    assert!(!web.get(bureau, "/catalog/3050120001-000001").await.1.contains("value=\"approve\""), "not yet the bureau");
    let decided = web.post(cdo, "/catalog/3050120001-000001/decide", "verdict=approve&version=1&opinion=").await;
    assert_eq!(decided.0, StatusCode::SEE_OTHER, "{}", decided.1);
    web.post(bureau, "/catalog/3050120001-000001/decide", "verdict=approve&version=2&opinion=ok").await;
    for (tab, part) in [("basic", "无条件共享"), ("fields", "xm"), ("mount", "尚未挂接资源"), ("versions", "发布"), ("records", "审批目录发布"), ("change", "没有变更过")] {
        let (status, html) = web.get(steward, &format!("/catalog/3050120001-000001?tab={tab}")).await;
        assert_eq!(status, StatusCode::OK);
        assert!(html.contains(part) && html.contains("已发布"), "{tab}: no {part}");
    }
}

#[tokio::test]
async fn cat_3_attribute_change_and_review_over_pages() {
    let mut web = Web::new().await;
    let civil = web.house.civil.clone();
    let row = web.house.publish(&civil, complete("低保"), fields()).await;
    let steward = web.person(&civil, Role::R3);
    let path = format!("/catalog/{}", row.path_code());
    let form = |extra: &str| format!("version={}&sharing=withheld&{extra}", row.version);
    let (status, html) = web.post(steward, &format!("{path}/change"), &form("change_reason=%E4%BF%AE%E8%AE%A2")).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(html.contains("不予共享须写明法律") && html.contains("不予共享须写明理由"));
    let full = form("basis=%E7%BB%9F%E8%AE%A1%E6%B3%95%E7%AC%AC%E4%BA%8C%E5%8D%81%E4%BA%94%E6%9D%A1&reason=%E4%BF%9D%E5%AF%86&change_reason=%E4%BF%AE%E8%AE%A2");
    assert_eq!(web.post(steward, &format!("{path}/change"), &full).await.0, StatusCode::SEE_OTHER);
    assert!(web.get(steward, &format!("{path}?tab=change")).await.1.contains("BG-20261120-0001"));
    let cdo = web.person(&civil, Role::R2);
    let bureau = web.person(&web.house.bureau.clone(), Role::R1);
    web.post(cdo, &format!("{path}/decide-change"), "verdict=approve&version=1").await;
    web.post(bureau, &format!("{path}/decide-change"), "verdict=approve&version=2").await;
    let (_, html) = web.get(bureau, "/catalog/nonshare").await;
    assert!(html.contains("低保") && html.contains("2027-11-20"), "{html}");
    web.house.clock.advance(chrono::Duration::days(400));
    assert!(web.get(bureau, "/catalog/nonshare").await.1.contains("1 个目录已到复核日期"));
}

#[tokio::test]
async fn cat_7_import_and_export_over_http() {
    let mut web = Web::new().await;
    let civil = web.house.civil.clone();
    let steward = web.person(&civil, Role::R3);
    let other = web.person(&web.house.social.clone(), Role::R3);
    let withheld = SharingTerms { sharing: Sharing::Unconditional, ..SharingTerms::default() };
    web.house.publish(&civil, Metadata { terms: withheld, ..complete("养老机构") }, fields()).await;
    web.house.publish(&civil, complete("低保对象"), fields()).await;
    web.house.catalog.search().catch_up(web.house.db()).await.unwrap();
    let (status, file) = web.send(Some(steward), "GET", "/catalog/export.xlsx", "text/plain", Vec::new()).await;
    assert_eq!(status, StatusCode::OK);
    let multipart = |file: &[u8]| {
        let mut body = b"--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"x.xlsx\"\r\n\r\n".to_vec();
        body.extend_from_slice(file);
        body.extend_from_slice(b"\r\n--b--\r\n");
        body
    };
    let kind = "multipart/form-data; boundary=b";
    let (status, html) = web.send(Some(other), "POST", "/catalog/import", kind, multipart(&file)).await;
    assert_eq!(status, StatusCode::OK, "{}", String::from_utf8_lossy(&html));
    assert!(String::from_utf8_lossy(&html).contains("已导入 2 个目录"));
    let (status, body) = web.send(Some(other), "POST", "/api/v1/catalog/import", kind, multipart(b"not a workbook")).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    let problem: Value = serde_json::from_slice(&body).unwrap();
    assert!(problem["fields"][0]["message"].as_str().unwrap().contains("XLSX"), "{problem}");
    let (status, _) = web.send(Some(other), "POST", "/catalog/import", kind, multipart(&vec![0; 21 << 20])).await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
    let (status, template) = web.send(Some(other), "GET", "/catalog/template.xlsx", "text/plain", Vec::new()).await;
    assert!(status == StatusCode::OK && template.starts_with(b"PK"));
    let recorded = web.house.entries().await;
    assert!(recorded.iter().any(|entry| entry.0 == "catalog.resource.export"), "an export is recorded");
}

#[tokio::test]
async fn cat_2_journey_8_register_test_save_scan_and_look() {
    let mut web = Web::new().await;
    let operator = web.person(&web.house.civil.clone(), Role::R6);
    let folder = web.house.dir.path().join("files");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("dbdx.csv"), "xm,sfzh\n王伟,1\n").unwrap();
    assert!(web.get(operator, "/datasources").await.1.contains("还没有数据源"));
    let path = folder.display().to_string().replace('/', "%2F");
    let form = |act: &str| format!("name=%E6%95%91%E5%8A%A9&kind=csv&path={path}&act={act}");
    let (status, html) = web.post(operator, "/datasources/new", &form("test")).await;
    assert!(status == StatusCode::OK && html.contains("连通："), "{html}");
    let (status, html) = web.post(operator, "/datasources/new", "kind=postgres&act=save").await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(html.contains("请填写主机名") && html.contains("请填写用户名"));
    assert_eq!(web.post(operator, "/datasources/new", &form("save")).await.0, StatusCode::SEE_OTHER);
    let source = hufu_catalog::store::source::of_unit(web.house.db(), &web.house.civil.id).await.unwrap().remove(0);
    let page = format!("/datasources/{}", source.id);
    assert_eq!(web.post(operator, &format!("{page}/scan"), "").await.0, StatusCode::SEE_OTHER);
    let (_, html) = web.get(operator, &page).await;
    assert!(html.contains("data-topic=\"job\""), "the card renews itself: {html}");
    let registry = hufu_catalog::jobs::registry(&web.house.catalog);
    let runner = hufu_kernel::jobs::Runner::start(Arc::clone(web.house.kernel()), registry, Default::default());
    let mut html = String::new();
    for _ in 0..200 {
        tokio::time::sleep(std::time::Duration::from_millis(25)).await;
        html = web.get(operator, &page).await.1;
        if html.contains("dbdx") && html.contains("已完成") {
            break;
        }
    }
    runner.stop().await;
    assert!(html.contains("sfzh") && html.contains("已完成"), "{html}");
    let steward = web.person(&web.house.civil.clone(), Role::R3);
    assert_eq!(web.get(steward, "/datasources/new").await.0, StatusCode::FORBIDDEN);
}
