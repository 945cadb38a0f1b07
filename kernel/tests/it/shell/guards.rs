//! What stands around every route.

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{StatusCode, header};
use axum::routing::{get, post};
use hufu_kernel::actor::Actor;
use hufu_kernel::command::Ctx;
use hufu_kernel::error::{Error, Kind};
use hufu_kernel::shell::{Form, Json, Path, Query, WebResult};
use serde::Deserialize;

use super::world::{BROWSER, World, signed, token, world};

#[derive(Debug, Deserialize)]
struct Apply {
    purpose: String,
    #[serde(default)]
    fields: Vec<String>,
    days: Option<u32>,
}

async fn apply(ctx: Ctx, Form(form): Form<Apply>) -> WebResult<String> {
    Ok(format!("{} {} {:?} {:?}", ctx.actor()?.login, form.purpose, form.fields, form.days))
}

async fn apply_json(_: Actor, Json(form): Json<Apply>) -> WebResult<String> {
    Ok(form.purpose)
}

async fn upload(mut parts: axum::extract::Multipart) -> String {
    let mut names = Vec::new();
    while let Some(field) = parts.next_field().await.unwrap() {
        names.push(format!("{}={}", field.name().unwrap_or("").to_owned(), field.bytes().await.unwrap().len()));
    }
    names.join(" ")
}

async fn fail(Path(kind): Path<String>) -> WebResult<String> {
    let kind = match kind.as_str() {
        "refused" => Kind::Refused,
        "conflict" => Kind::Conflict,
        "too-large" => Kind::TooLarge,
        "too-many" => Kind::TooMany,
        "unavailable" => Kind::Unavailable,
        "invalid" => Kind::Invalid,
        "missing" => Kind::NotFound,
        "login" => Kind::Unauthenticated,
        _ => return Err(Error::internal("secret host db-7 is down").into()),
    };
    Err(Error::new(kind, "HF-TEST", "这是给人看的一句话").into())
}

#[expect(clippy::panic, reason = "what the guard is for")]
async fn blow() -> String {
    panic!("secret value 33250119900101001X")
}

fn routes() -> World {
    world(
        Router::new()
            .route("/apply", post(apply))
            .route("/api/v1/apply", post(apply_json))
            .route("/upload", post(upload))
            .route("/fail/{kind}", get(fail))
            .route("/api/v1/fail/{kind}", get(fail))
            .route("/item/{n}", get(|Path(n): Path<u32>| async move { n.to_string() }))
            .route("/page", get(|Query(q): Query<Apply>| async move { format!("{q:?}") }))
            .route("/blow", get(blow)),
    )
}

fn form(body: &str) -> Request {
    signed("POST", "/apply")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Body::from(body.to_owned()))
        .unwrap()
}

#[tokio::test]
async fn a_post_without_the_token_is_refused() {
    let world = routes();
    let (status, _, html) = world.send(form("purpose=x")).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    assert!(html.contains("页面已过期"));
    let (status, _, _) = world.send(form("_csrf=00&purpose=x")).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    let wrong = signed("POST", "/apply")
        .header("x-csrf-token", "ab")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    assert_eq!(world.send(wrong.body(Body::from("purpose=x")).unwrap()).await.0, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_post_with_the_token_passes_whole() {
    let world = routes();
    let (status, _, text) =
        world.send(form(&format!("_csrf={}&purpose=%E5%BE%AE&fields=a&fields=b&days=", token()))).await;
    assert_eq!((status, text.as_str()), (StatusCode::OK, "zhoumin2208 微 [\"a\", \"b\"] None"));
    let by_header = signed("POST", "/apply")
        .header("x-csrf-token", token())
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    assert_eq!(world.send(by_header.body(Body::from("purpose=x")).unwrap()).await.0, StatusCode::OK);
}

#[tokio::test]
async fn an_upload_carries_the_token_in_its_first_part() {
    let world = routes();
    let body = |token: &str| {
        let big = "x".repeat(300_000);
        format!(
            "--B\r\nContent-Disposition: form-data; name=\"_csrf\"\r\n\r\n{token}\r\n--B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\n\r\n{big}\r\n--B--\r\n"
        )
    };
    let request = |token: &str| {
        signed("POST", "/upload")
            .header(header::CONTENT_TYPE, "multipart/form-data; boundary=B")
            .body(Body::from(body(token)))
            .unwrap()
    };
    assert_eq!(world.send(request("no")).await.0, StatusCode::FORBIDDEN);
    let (status, _, text) = world.send(request(&token())).await;
    assert_eq!((status, text.as_str()), (StatusCode::OK, "_csrf=64 file=300000"));
}

#[tokio::test]
async fn a_bearer_token_needs_no_csrf_token() {
    let world = routes();
    let request = Request::builder()
        .method("POST")
        .uri("/api/v1/apply")
        .header(header::AUTHORIZATION, "Bearer t")
        .header(header::CONTENT_TYPE, "application/json");
    let (status, _, text) = world.send(request.body(Body::from(r#"{"purpose":"核验"}"#)).unwrap()).await;
    assert_eq!((status, text.as_str()), (StatusCode::OK, "核验"));
}

#[tokio::test]
async fn nobody_posts_from_a_foreign_page() {
    let world = routes();
    let request = |origin: &str| {
        Request::builder()
            .method("POST")
            .uri("/apply")
            .header(header::HOST, "hufu.gov.cn")
            .header(header::ORIGIN, origin)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from("purpose=x"))
            .unwrap()
    };
    assert_eq!(world.send(request("https://evil.example")).await.0, StatusCode::FORBIDDEN);
    assert_eq!(world.send(request("null")).await.0, StatusCode::FORBIDDEN);
    assert_eq!(
        world.send(request("https://hufu.gov.cn")).await.0,
        StatusCode::UNAUTHORIZED,
        "own page, but nobody is signed in"
    );
}

#[tokio::test]
async fn each_kind_of_error_has_its_status_and_its_page() {
    let world = routes();
    for (kind, status) in [
        ("refused", 403),
        ("missing", 404),
        ("conflict", 409),
        ("too-large", 413),
        ("invalid", 422),
        ("too-many", 429),
        ("other", 500),
        ("unavailable", 503),
    ] {
        let (got, headers, html) = world.get(&format!("/fail/{kind}")).await;
        assert_eq!(got.as_u16(), status, "{kind}");
        let id = headers["x-request-id"].to_str().unwrap();
        for part in ["说明", "怎么办", "联系人", "市数据局 数据安全科", "事件编号", id, "周敏"] {
            assert!(html.contains(part), "{kind}: no {part}");
        }
        assert!(!html.contains("db-7"), "a cause is never shown");
    }
}

#[tokio::test]
async fn the_api_gets_a_problem_document() {
    let world = routes();
    let (status, headers, body) = world.get("/api/v1/fail/conflict").await;
    assert_eq!(status, StatusCode::CONFLICT);
    assert_eq!(headers["content-type"], "application/problem+json");
    let problem: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!(problem["code"], "HF-TEST");
    assert_eq!(problem["status"], 409);
    assert_eq!(problem["message"], "这是给人看的一句话");
    assert_eq!(problem["request_id"], headers["x-request-id"].to_str().unwrap());
    for key in ["type", "title"] {
        assert!(problem[key].is_string());
    }
}

#[tokio::test]
async fn wrong_input_names_its_field() {
    let world = routes();
    let json = |body: &'static str| {
        Request::builder()
            .method("POST")
            .uri("/api/v1/apply")
            .header(header::AUTHORIZATION, "Bearer t")
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from(body))
            .unwrap()
    };
    for (body, field, message) in [
        (r#"{}"#, "purpose", "必填"),
        (r#"{"purpose":"x","days":"33250119900101001X"}"#, "days", "格式不正确"),
        (r#"{"purpose":"x","fields":[1]}"#, "fields[0]", "格式不正确"),
    ] {
        let (status, _, text) = world.send(json(body)).await;
        let problem: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(
            (problem["fields"][0]["field"].as_str(), problem["fields"][0]["message"].as_str()),
            (Some(field), Some(message))
        );
        assert!(!text.contains("33250119900101001X"), "an error repeats no value");
    }
}

#[tokio::test]
async fn a_body_over_the_limit_is_413() {
    let world = routes();
    let big = format!("_csrf={}&purpose={}", token(), "x".repeat(3 << 20));
    let (status, _, html) = world.send(form(&big)).await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
    assert!(html.contains("内容过大"));
}

#[tokio::test]
async fn a_panic_costs_its_request_only_and_says_nothing() {
    let world = routes();
    let (status, _, html) = world.get("/blow").await;
    assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(html.contains("事件编号") && !html.contains("33250119900101001X"));
    assert_eq!(world.get("/item/7").await.2, "7");
}

#[tokio::test]
async fn unknown_paths_methods_and_ids() {
    let world = routes();
    assert_eq!(world.get("/no-such-page").await.0, StatusCode::NOT_FOUND);
    assert_eq!(world.get("/item/seven").await.0, StatusCode::NOT_FOUND);
    assert_eq!(world.get("/apply").await.0, StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn nobody_is_led_to_the_log_in_and_back() {
    let world = routes();
    let ask = |path: &str| Request::builder().uri(path.to_owned()).header(header::ACCEPT, BROWSER);
    let (status, headers, _) = world.send(ask("/fail/login?tab=2&x=%E5%B8%82").body(Body::empty()).unwrap()).await;
    assert_eq!(status, StatusCode::SEE_OTHER);
    assert_eq!(headers["location"], "/login?next=%2Ffail%2Flogin%3Ftab%3D2%26x%3D%25E5%25B8%2582");
    let piece = ask("/fail/login").header("hx-request", "true").header("hx-current-url", "http://h/apply?page=2");
    let (status, headers, _) = world.send(piece.body(Body::empty()).unwrap()).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    assert_eq!(headers["hx-redirect"], "/login?next=%2Fapply%3Fpage%3D2");
}

#[tokio::test]
async fn every_answer_is_hardened_and_pages_are_not_kept() {
    let world = routes();
    let (_, headers, _) = world.get("/item/7").await;
    assert_eq!(headers["cache-control"], "no-store");
    assert_eq!(headers["x-content-type-options"], "nosniff");
    assert_eq!(headers["x-frame-options"], "DENY");
    assert!(headers["content-security-policy"].to_str().unwrap().contains("frame-ancestors 'none'"));
}

#[tokio::test]
async fn an_old_browser_is_told_so() {
    let world = routes();
    let old = signed("GET", "/item/7")
        .header(header::USER_AGENT, "Mozilla/5.0 (Windows NT 6.1; WOW64; Trident/7.0; rv:11.0)");
    let (status, headers, _) = world.send(old.body(Body::empty()).unwrap()).await;
    assert_eq!((status, headers["location"].to_str().unwrap()), (StatusCode::SEE_OTHER, "/unsupported-browser"));
    let (status, _, html) = world.get("/unsupported-browser").await;
    assert_eq!(status, StatusCode::OK);
    assert!(html.contains("Chromium 78") && !html.contains("<script"));
}

#[tokio::test]
async fn assets_are_kept_for_ever_and_packed() {
    let world = routes();
    let names = hufu_kernel::shell::assets::assets().unwrap();
    let (status, headers, css) = world.get(&names.css).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(headers["content-type"], "text/css; charset=utf-8");
    assert_eq!(headers["cache-control"], "public, max-age=31536000, immutable");
    assert!(css.contains(".hf-shell"));
    let packed = signed("GET", &names.js).header(header::ACCEPT_ENCODING, "gzip, br").body(Body::empty()).unwrap();
    let (_, headers, _) = world.send(packed).await;
    assert_eq!(headers["content-encoding"], "gzip");
    assert_eq!(world.get("/assets/manifest.json").await.0, StatusCode::NOT_FOUND);
    assert_eq!(world.get("/assets/..%2fpackage.json").await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn large_type_is_switched_for_this_browser_and_leads_back() {
    let world = routes();
    let request =
        signed("POST", "/prefs/large").header("x-csrf-token", token()).header(header::REFERER, "https://h/item/7?x=1");
    let (status, headers, _) = world.send(request.body(Body::empty()).unwrap()).await;
    assert_eq!((status, headers["location"].to_str().unwrap()), (StatusCode::SEE_OTHER, "/item/7?x=1"));
    assert!(headers["set-cookie"].to_str().unwrap().starts_with("hf-large=1;"));
    let large =
        Request::builder().uri("/nothing").header(header::COOKIE, "s=1; hf-large=1").header(header::ACCEPT, BROWSER);
    assert!(world.send(large.body(Body::empty()).unwrap()).await.2.contains("class=\"is-large\""));
}

#[tokio::test]
async fn events_reach_those_who_asked_for_their_topic() {
    use futures::StreamExt;
    use hufu_kernel::event::Event;
    use tower::ServiceExt;
    let world = routes();
    let response = world
        .router
        .clone()
        .oneshot(signed("GET", "/events?topics=job,alert").body(Body::empty()).unwrap())
        .await
        .unwrap();
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    assert_eq!(response.headers()["x-accel-buffering"], "no");
    world.events.send(Event::new("other", "1")).unwrap();
    world.events.send(Event::new("job", "7")).unwrap();
    let mut body = response.into_body().into_data_stream();
    let chunk = String::from_utf8(body.next().await.unwrap().unwrap().to_vec()).unwrap();
    assert!(chunk.contains(r#"{"topic":"job","key":"7","data":null}"#), "{chunk}");
    let nobody = Request::builder().uri("/events?topics=job").body(Body::empty()).unwrap();
    assert_eq!(world.send(nobody).await.0, StatusCode::UNAUTHORIZED);
}
