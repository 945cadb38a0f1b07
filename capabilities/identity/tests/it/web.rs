//! Pages and API through the real router.

use axum::http::{Method, StatusCode};
use hufu_identity::SecondFactors::{OffForDemo, Required};
use hufu_identity::model::second_factor::TotpSecret;
use hufu_kernel::actor::Role;
use hufu_kernel::ids::{AccountId, RoleChangeId, TokenId, UnitId};

use crate::browser::Browser;
use crate::house::{PASSWORD, house};

/// Every route with its method. The list may not shrink; `every_route_is_listed` compares it with the sources.
const ROUTES: &[(&str, &str)] = &[
    ("GET", "/login"),
    ("POST", "/login"),
    ("GET", "/login/totp"),
    ("POST", "/login/totp"),
    ("GET", "/login/enrol"),
    ("POST", "/login/enrol"),
    ("POST", "/logout"),
    ("GET", "/password"),
    ("POST", "/password"),
    ("GET", "/me"),
    ("POST", "/me/tokens"),
    ("POST", "/me/tokens/{id}/revoke"),
    ("GET", "/sys/users"),
    ("GET", "/sys/users/export.xlsx"),
    ("GET", "/sys/users/export.csv"),
    ("GET", "/sys/users/new"),
    ("POST", "/sys/users/new"),
    ("GET", "/sys/users/{id}"),
    ("GET", "/sys/users/{id}/edit"),
    ("POST", "/sys/users/{id}/edit"),
    ("POST", "/sys/users/{id}/roles"),
    ("POST", "/sys/users/{id}/reset"),
    ("POST", "/sys/users/{id}/lock"),
    ("POST", "/sys/users/{id}/unlock"),
    ("POST", "/sys/users/{id}/close"),
    ("POST", "/sys/users/{id}/tokens/{token}/revoke"),
    ("GET", "/sys/orgs"),
    ("GET", "/sys/orgs/new"),
    ("POST", "/sys/orgs/new"),
    ("GET", "/sys/orgs/{id}"),
    ("GET", "/sys/orgs/{id}/edit"),
    ("POST", "/sys/orgs/{id}/edit"),
    ("POST", "/sys/orgs/{id}/move"),
    ("POST", "/sys/orgs/{id}/close"),
    ("GET", "/sys/roles"),
    ("GET", "/sys/roles/{id}"),
    ("POST", "/sys/roles/{id}/decide"),
    ("POST", "/sys/roles/{id}/withdraw"),
    ("GET", "/accounts/audit"),
    ("GET", "/accounts/audit/export.xlsx"),
    ("GET", "/accounts/audit/export.csv"),
    ("POST", "/api/v1/session"),
    ("DELETE", "/api/v1/session"),
    ("GET", "/api/v1/me"),
    ("GET", "/api/v1/units"),
    ("POST", "/api/v1/units"),
    ("GET", "/api/v1/accounts"),
    ("POST", "/api/v1/accounts"),
    ("GET", "/api/v1/accounts/{id}"),
    ("POST", "/api/v1/accounts/{id}/propose-role"),
    ("POST", "/api/v1/accounts/{id}/confirm-role"),
    ("POST", "/api/v1/accounts/{id}/close"),
    ("GET", "/api/v1/tokens"),
    ("POST", "/api/v1/tokens"),
    ("DELETE", "/api/v1/tokens/{id}"),
];

/// The door is open to nobody in particular.
const OPEN: &[(&str, &str)] = &[("GET", "/login"), ("POST", "/login"), ("POST", "/api/v1/session")];

#[test]
fn every_route_is_listed() {
    let sources = [include_str!("../../src/pages/mod.rs"), include_str!("../../src/api.rs")];
    let mut found: Vec<(String, String)> = Vec::new();
    for line in sources.iter().flat_map(|source| source.lines()).filter(|line| line.contains(".route(\"")) {
        let path = line.split('"').nth(1).unwrap();
        for (word, method) in [("get(", "GET"), ("post(", "POST"), ("delete(", "DELETE")] {
            if line.contains(word) {
                found.push((method.to_owned(), path.to_owned()));
            }
        }
    }
    let mut listed: Vec<(String, String)> =
        ROUTES.iter().map(|(method, path)| ((*method).to_owned(), (*path).to_owned())).collect();
    found.sort();
    listed.sort();
    assert_eq!(found, listed);
}

/// Invariant 2 for this capability.
#[tokio::test]
async fn every_route_is_guarded() {
    let house = house(OffForDemo).await;
    for (method, path) in ROUTES.iter().filter(|route| !OPEN.contains(route)) {
        let url = filled(path);
        let mut browser = Browser::new(&house);
        let api = path.starts_with("/api/");
        let answer = match *method {
            "GET" => browser.get(&url).await,
            "POST" if !api => browser.post(&url, &[]).await,
            method => browser.json(Method::from_bytes(method.as_bytes()).unwrap(), &url, &body_of(path)).await,
        };
        let to_login = answer.status == StatusCode::SEE_OTHER && answer.location.starts_with("/login");
        let guarded = if *method == "GET" && !api { to_login } else { answer.status == StatusCode::UNAUTHORIZED };
        assert!(guarded, "{method} {path}: {} {} {}", answer.status, answer.location, answer.body);
    }
}

/// A body the route would accept from somebody.
fn body_of(path: &str) -> String {
    let body = match path {
        "/api/v1/units" => r#"{"parent":"330000","code":"x1","name":"某单位","kind":"department","level":"city"}"#,
        "/api/v1/accounts" => r#"{"unit":"330000","login":"abc","name":"某人"}"#,
        "/api/v1/tokens" => r#"{"name":"x","days":1}"#,
        path if path.ends_with("confirm-role") => r#"{"decision":"confirm"}"#,
        path if path.ends_with("propose-role") || path.ends_with("close") => r#"{"reason":"x"}"#,
        _ => "",
    };
    body.to_owned()
}

fn filled(path: &str) -> String {
    let id = if path.contains("roles/") {
        RoleChangeId::generate().to_string()
    } else if path.contains("orgs/") {
        UnitId::generate().to_string()
    } else {
        AccountId::generate().to_string()
    };
    path.replace("{id}", &id).replace("{token}", &TokenId::generate().to_string())
}

#[tokio::test]
async fn who_6_log_in_pages_lead_through_the_stages() {
    let house = house(Required).await;
    let mut browser = Browser::new(&house);
    let answer = browser.get("/sys/users?page=2").await;
    assert_eq!(answer.location, "/login?next=%2Fsys%2Fusers%3Fpage%3D2");
    let wrong = browser.post("/login", &[("login", "guanli"), ("password", "x"), ("next", "/sys/users?page=2")]).await;
    assert_eq!(wrong.status, StatusCode::UNAUTHORIZED);
    assert!(wrong.body.contains("账号或口令不正确") && wrong.body.contains("value=\"guanli\""));
    assert!(browser.cookie.is_none());

    let initial = house.initial.administrator_password.clone();
    let fields = [("login", "guanli"), ("password", initial.as_str()), ("next", "/sys/users?page=2")];
    let first = browser.post("/login", &fields).await;
    assert_eq!(first.location, "/password?next=/sys/users%3Fpage%3D2");
    assert!(first.set_cookie.contains("; HttpOnly; SameSite=Strict"), "{}", first.set_cookie);
    let before = browser.cookie.clone();
    let blocked = browser.get("/sys/users").await;
    assert!(blocked.location.starts_with("/login?next="), "nothing opens before the password is changed");
    assert_eq!(browser.get(&blocked.location).await.location, "/password?next=/sys/users");

    let weak = [("old", initial.as_str()), ("new", "abc"), ("again", "abd")];
    let refused = browser.post("/password", &weak).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.body.contains("至少 10 个字符") && refused.body.contains("两次输入的新口令不一致"));
    let good = [("old", initial.as_str()), ("new", PASSWORD), ("again", PASSWORD), ("next", "/sys/users?page=2")];
    let changed = browser.post("/password", &good).await;
    assert_eq!(changed.location, "/login/enrol?next=/sys/users%3Fpage%3D2");
    assert_ne!(browser.cookie, before, "the session is rotated");

    let page = browser.get("/login/enrol?next=/sys/users").await;
    assert!(page.body.contains("<svg role=\"img\" aria-label=\"绑定二维码\""));
    let sealed = page.body.split("name=\"sealed\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let spaced = page.body.split("密钥：<span class=\"hf-code\">").nth(1).unwrap().split('<').next().unwrap();
    let secret = TotpSecret::from_bytes(&base32(spaced)).unwrap();
    let wrong = browser.post("/login/enrol", &[("sealed", &sealed), ("code", "000000")]).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    let code = secret.code_at(house.now()).unwrap();
    let bound = browser.post("/login/enrol", &[("sealed", &sealed), ("code", &code), ("next", "/sys/users")]).await;
    assert_eq!(bound.location, "/sys/users");
    assert_eq!(browser.get("/sys/users").await.status, StatusCode::OK);

    house.minutes(16);
    assert!(browser.get("/sys/users").await.location.starts_with("/login"), "idle for too long");
    let half = browser.post("/login", &[("login", "guanli"), ("password", PASSWORD)]).await;
    assert_eq!(half.location, "/login/totp?next=/");
    assert_eq!(browser.post("/login/totp", &[("code", "123456")]).await.status, StatusCode::UNAUTHORIZED);
    let code = secret.code_at(house.now()).unwrap();
    assert_eq!(browser.post("/login/totp", &[("code", &code), ("next", "/me")]).await.location, "/me");
    let me = browser.get("/me").await;
    assert!(me.body.contains("上次登录") && me.body.contains("（10.1.2.3）"), "{}", me.body);
    let out = browser.post("/logout", &[]).await;
    assert_eq!(out.location, "/login");
    assert!(browser.cookie.is_none());
}

fn base32(spaced: &str) -> Vec<u8> {
    let mut bits = 0_u32;
    let mut held = 0;
    let mut out = Vec::new();
    for c in spaced.chars().filter(|c| *c != ' ') {
        bits = (bits << 5) | "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".find(c).unwrap() as u32;
        held += 5;
        if held >= 8 {
            held -= 8;
            out.push((bits >> held) as u8);
            bits &= (1 << held) - 1;
        }
    }
    out
}

#[tokio::test]
async fn who_6_lock_out_on_the_page() {
    let house = house(OffForDemo).await;
    house.appoint("zhoumin", &house.bureau.id, &[]).await;
    let mut browser = Browser::new(&house);
    for _ in 0..5 {
        browser.post("/login", &[("login", "zhoumin"), ("password", "x")]).await;
    }
    let locked = browser.post("/login", &[("login", "zhoumin"), ("password", PASSWORD)]).await;
    assert_eq!(locked.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(locked.body.contains("15 分钟后再试"));
}

#[tokio::test]
async fn who_6_foreign_pages_cannot_act() {
    let house = house(OffForDemo).await;
    house.appoint("xitong2", &house.bureau.id, &[Role::R8]).await;
    let target = house.appoint("zhoumin", &house.bureau.id, &[]).await;
    let mut browser = Browser::signed_in(&house, "xitong2").await;
    let path = format!("/sys/users/{}/lock", target.account);
    assert_eq!(browser.forged(&path, "https://evil.example").await.status, StatusCode::FORBIDDEN);
    assert_eq!(browser.forged(&path, "http://127.0.0.1:8700").await.status, StatusCode::FORBIDDEN, "no token, no act");
    let mut nobody = Browser::new(&house);
    assert_eq!(nobody.forged("/login", "https://evil.example").await.status, StatusCode::FORBIDDEN);
    assert_eq!(browser.post(&path, &[("reason", "核查中")]).await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn who_3_two_people_change_rights_on_the_pages() {
    let house = house(OffForDemo).await;
    house.appoint("xitong2", &house.bureau.id, &[Role::R8]).await;
    house.appoint("anquan2", &house.bureau.id, &[Role::R1]).await;
    let mut r8 = Browser::signed_in(&house, "xitong2").await;
    let mut r1 = Browser::signed_in(&house, "anquan2").await;

    let empty = r8.post("/sys/users/new", &[]).await;
    assert_eq!(empty.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(empty.body.contains("请选择单位"));
    let unit = house.bureau.id.to_string();
    let wrong = r8.post("/sys/users/new", &[("unit", &unit), ("login", "a"), ("name", "1"), ("phone", "x")]).await;
    for message in ["账号为 3 至 32 位", "请填写真实姓名", "电话格式不对"] {
        assert!(wrong.body.contains(message), "{message}");
    }
    let made = r8.post("/sys/users/new", &[("unit", &unit), ("login", "linshuhan"), ("name", "林书涵")]).await;
    assert_eq!(made.status, StatusCode::CREATED);
    assert!(made.body.contains("只显示这一次"));
    let id = made
        .body
        .split("/sys/users/")
        .find_map(|part| part.split('/').next().filter(|id| id.len() == 36))
        .unwrap()
        .to_owned();

    let both =
        r8.post(&format!("/sys/users/{id}/roles"), &[("roles", "R1"), ("roles", "R4"), ("reason", "岗位")]).await;
    assert_eq!(both.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(both.body.contains("不能由同一人担任"));
    let asked = r8.post(&format!("/sys/users/{id}/roles"), &[("roles", "R4"), ("reason", "用数岗位")]).await;
    assert_eq!(asked.status, StatusCode::SEE_OTHER, "{}", asked.body);
    let change = asked.location.clone();
    let own = r8.get(&change).await;
    assert!(own.body.contains("撤回") && !own.body.contains("value=\"confirm\""));
    let list = r1.get("/sys/roles").await;
    assert!(list.body.contains("增加 用数人员") && list.body.contains("hf-count\">1<"), "{}", list.body);
    let seen = r1.get(&change).await;
    assert!(seen.body.contains("value=\"confirm\"") && seen.body.contains("用数岗位"));
    let stale = r1.post(&format!("{change}/decide"), &[("decision", "confirm"), ("version", "9")]).await;
    assert_eq!(stale.status, StatusCode::CONFLICT);
    let silent = r1.post(&format!("{change}/decide"), &[("decision", "refuse"), ("version", "1")]).await;
    assert_eq!(silent.status, StatusCode::UNPROCESSABLE_ENTITY);
    let done = r1.post(&format!("{change}/decide"), &[("decision", "confirm"), ("version", "1")]).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.body);
    assert!(r1.get(&format!("/sys/users/{id}")).await.body.contains("用数人员"));

    let edit = |version: &'static str| [("name", "林书寒"), ("phone", "13800001234"), ("version", version)];
    assert_eq!(r8.post(&format!("/sys/users/{id}/edit"), &edit("1")).await.status, StatusCode::SEE_OTHER);
    assert_eq!(r8.post(&format!("/sys/users/{id}/edit"), &edit("1")).await.status, StatusCode::CONFLICT);
    let shown = r8.get(&format!("/sys/users/{id}")).await;
    assert!(shown.body.contains("林书寒") && !shown.body.contains("13800001234"), "a telephone is masked");

    let closed = r8.post(&format!("/sys/users/{id}/close"), &[("reason", "调离本单位")]).await;
    assert!(closed.body.contains("调离本单位"), "why it was closed is kept");
    let entry = house.entries().await.pop().unwrap().body;
    assert!(entry.contains("reason_sha256") && !entry.contains("调离"), "{entry}");
    assert!(closed.body.contains("账号已注销") && closed.body.contains("名下没有待交接事项"));
}

#[tokio::test]
async fn who_3_pages_refuse_other_roles() {
    let house = house(OffForDemo).await;
    house.appoint("linshuhan", &house.bureau.id, &[Role::R4]).await;
    let mut r4 = Browser::signed_in(&house, "linshuhan").await;
    for path in
        ["/sys/users", "/sys/users/new", "/sys/roles", "/accounts/audit", "/sys/users/export.xlsx", "/sys/orgs/new"]
    {
        assert_eq!(r4.get(path).await.status, StatusCode::FORBIDDEN, "{path}");
    }
    assert_eq!(r4.get(&format!("/sys/users/{}", house.r1.account)).await.status, StatusCode::NOT_FOUND);
    assert!(!r4.get("/me").await.body.contains("/sys/users\""), "the menu offers only what opens");
}

#[tokio::test]
async fn who_1_units_on_the_pages() {
    let house = house(OffForDemo).await;
    house.appoint("xitong2", &house.bureau.id, &[Role::R8]).await;
    let mut r8 = Browser::signed_in(&house, "xitong2").await;
    let area = house.area.id.to_string();
    let empty = r8.post("/sys/orgs/new", &[("parent", &area)]).await;
    assert_eq!(empty.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(empty.body.contains("请选择单位类别") && empty.body.contains("单位名称为 2 至 60 个字"));
    let fields = [
        ("parent", area.as_str()),
        ("code", "330000-MZJ"),
        ("name", "市民政局"),
        ("kind", "department"),
        ("level", "city"),
        ("responsible", "沈其"),
        ("responsible_as", "cdo"),
        ("contact_phone", "0571-12345678"),
    ];
    let made = r8.post("/sys/orgs/new", &fields).await;
    assert_eq!(made.status, StatusCode::SEE_OTHER, "{}", made.body);
    let shown = r8.get(&made.location).await;
    assert!(shown.body.contains("沈其（首席数据官）") && !shown.body.contains("12345678"));
    let edited = r8
        .post(
            &format!("{}/edit", made.location),
            &[("name", "市民政局甲"), ("kind", "department"), ("level", "city"), ("version", "1")],
        )
        .await;
    assert_eq!(edited.status, StatusCode::SEE_OTHER, "{}", edited.body);
    let stale = r8
        .post(
            &format!("{}/edit", made.location),
            &[("name", "市民政局乙"), ("kind", "department"), ("level", "city"), ("version", "1")],
        )
        .await;
    assert_eq!(stale.status, StatusCode::CONFLICT);
    let nowhere = r8.post(&format!("{}/move", made.location), &[("version", "2")]).await;
    assert!(nowhere.body.contains("请选择新的上级单位"));
    let closed = r8.post(&format!("{}/close", made.location), &[("version", "2"), ("reason", "机构改革撤并")]).await;
    assert_eq!(closed.status, StatusCode::SEE_OTHER, "{}", closed.body);
    assert!(r8.get("/sys/orgs").await.body.contains("市民政局甲"));
}

#[tokio::test]
async fn who_6_tokens_on_the_page_are_shown_once() {
    let house = house(OffForDemo).await;
    house.appoint("linshuhan", &house.bureau.id, &[Role::R4]).await;
    let mut browser = Browser::signed_in(&house, "linshuhan").await;
    let bad = browser.post("/me/tokens", &[("name", ""), ("days", "999")]).await;
    assert!(bad.body.contains("请填写令牌用途") && bad.body.contains("有效期为 1 至 365 天"));
    let made = browser.post("/me/tokens", &[("name", "统计脚本"), ("days", "90")]).await;
    assert_eq!(made.status, StatusCode::CREATED);
    let text = made.body.split("hufu_").nth(1).unwrap().split('<').next().unwrap();
    assert_eq!(text.len(), 64);
    assert!(!browser.get("/me").await.body.contains(text));
}

#[tokio::test]
async fn exports_are_entries_and_bear_no_clear_name() {
    let house = house(OffForDemo).await;
    house.appoint("anquan2", &house.bureau.id, &[Role::R1]).await;
    let mut r1 = Browser::signed_in(&house, "anquan2").await;
    let file = r1.get("/sys/users/export.csv").await;
    assert_eq!(file.status, StatusCode::OK);
    assert!(file.body.contains("guanli") && !file.body.contains("管理甲"), "{}", file.body);
    let last = house.entries().await.pop().unwrap();
    assert_eq!(last.action, "identity.account.export");
    assert!(last.body.contains("\"rows\":3"), "{}", last.body);
    let neglected = r1.get("/accounts/audit").await;
    assert!(neglected.body.contains("没有需要清理的账号"));
}

#[tokio::test]
async fn api_session_accounts_and_tokens() {
    let house = house(OffForDemo).await;
    house.appoint("xitong2", &house.bureau.id, &[Role::R8]).await;
    house.appoint("anquan2", &house.bureau.id, &[Role::R1]).await;
    let mut api = Browser::new(&house);
    let wrong = api.json(Method::POST, "/api/v1/session", r#"{"login":"xitong2","password":"x"}"#).await;
    assert_eq!(wrong.status, StatusCode::UNAUTHORIZED);
    assert_eq!(wrong.json()["code"], "HF-LOGIN-WRONG");
    let missing = api.json(Method::POST, "/api/v1/session", "{}").await;
    assert_eq!(missing.status, StatusCode::UNPROCESSABLE_ENTITY);
    let body = format!(r#"{{"login":"xitong2","password":"{PASSWORD}"}}"#);
    let opened = api.json(Method::POST, "/api/v1/session", &body).await.json();
    assert_eq!(opened["stage"], "open");
    let made = r#"{"unit":"330000-SJJ","login":"linshuhan","name":"林书涵"}"#;
    assert_eq!(api.json(Method::POST, "/api/v1/accounts", made).await.json()["code"], "HF-CSRF");
    api.use_token(opened["csrf_token"].as_str().unwrap());
    let account = api.json(Method::POST, "/api/v1/accounts", made).await;
    assert_eq!(account.status, StatusCode::CREATED, "{}", account.body);
    let account = account.json();
    let initial = account["initial_password"].as_str().unwrap();
    assert!(initial.len() >= 10 && account["ledger_index"].is_u64());
    let id = account["id"].as_str().unwrap();
    let propose = r#"{"add":["R4"],"reason":"用数岗位"}"#;
    let proposed = api.json(Method::POST, &format!("/api/v1/accounts/{id}/propose-role"), propose).await;
    assert_eq!(proposed.status, StatusCode::CREATED, "{}", proposed.body);
    let confirm = r#"{"decision":"confirm"}"#;
    let own = api.json(Method::POST, &format!("/api/v1/accounts/{id}/confirm-role"), confirm).await;
    assert_eq!(own.status, StatusCode::FORBIDDEN);

    let mut r1 = Browser::signed_in(&house, "anquan2").await;
    let done = r1.json(Method::POST, &format!("/api/v1/accounts/{id}/confirm-role"), confirm).await;
    assert_eq!(done.json()["state"], "confirmed", "{}", done.body);
    let listed = r1.json(Method::GET, "/api/v1/accounts?role=R4&size=5", "").await.json();
    assert_eq!((listed["total"].as_u64(), listed["items"][0]["account"].as_str()), (Some(1), Some("linshuhan")));
    let units = r1.json(Method::GET, "/api/v1/units", "").await.json();
    assert_eq!(units["total"], 2);

    let token = r1.json(Method::POST, "/api/v1/tokens", r#"{"name":"脚本","days":30}"#).await.json();
    let mut machine = Browser::new(&house);
    machine.bearer(token["token"].as_str().unwrap());
    let me = machine.json(Method::GET, "/api/v1/me", "").await.json();
    assert_eq!((me["account"].as_str(), me["roles"][0].as_str()), (Some("anquan2"), Some("R1")));
    let gone = format!("/api/v1/tokens/{}", token["id"].as_str().unwrap());
    assert_eq!(machine.json(Method::DELETE, &gone, "").await.status, StatusCode::NO_CONTENT);
    assert_eq!(machine.json(Method::GET, "/api/v1/me", "").await.json()["code"], "HF-TOKEN");

    let closed = api.json(Method::POST, &format!("/api/v1/accounts/{id}/close"), r#"{"reason":"调离"}"#).await.json();
    assert_eq!(closed["handover"].as_array().unwrap().len(), 0);
    assert_eq!(api.json(Method::DELETE, "/api/v1/session", "").await.status, StatusCode::NO_CONTENT);
    assert_eq!(api.json(Method::GET, "/api/v1/me", "").await.status, StatusCode::UNAUTHORIZED);
}
