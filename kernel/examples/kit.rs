//! Serves the kit's test pages on a free port of this machine, for browsers: `cargo run -p hufu-kernel --example kit`.
//! The pages are those of the tests; no route of the product shows them.
#![allow(
    dead_code,
    unused_imports,
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "the pages are test code, whose tests are compiled out here"
)]

#[path = "../tests/it/shell/kit.rs"]
mod kit;
#[path = "../tests/it/shell/list.rs"]
mod list;
#[path = "../tests/it/shell/world.rs"]
mod world;

use axum::Router;
use axum::extract::{Path, Request};
use axum::http::HeaderValue;
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use axum::routing::get;
use hufu_kernel::error::{Error, Kind};
use hufu_kernel::event::Event;
use hufu_kernel::shell::WebResult;

#[tokio::main]
async fn main() {
    let routes = Router::new()
        .route("/kit", get(kit::kit_page))
        .route("/catalog", get(list::index))
        .route("/jobs/{id}/card", get(kit::job_card))
        .route("/fail/{kind}", get(fail));
    let world = world::world(routes);
    let events = world.events;
    let emit =
        get(move |Path(key): Path<String>| async move { events.send(Event::new("job", key)).is_ok().to_string() });
    let router = world.router.layer(from_fn(sign_in)).route("/emit/{key}", emit);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    println!("http://{}", listener.local_addr().unwrap());
    axum::serve(listener, router).await.unwrap();
}

/// Every visitor is the signed-in browser of the tests, except on `?anonymous`.
async fn sign_in(mut request: Request, next: Next) -> Response {
    if request.uri().query() != Some("anonymous") {
        let cookies = request.headers().get("cookie").and_then(|value| value.to_str().ok()).unwrap_or("").to_owned();
        request.headers_mut().insert("cookie", HeaderValue::from_str(&format!("s=1; {cookies}")).unwrap());
    }
    next.run(request).await
}

async fn fail(Path(kind): Path<String>) -> WebResult<String> {
    let kind = match kind.as_str() {
        "403" => Kind::Refused,
        "409" => Kind::Conflict,
        "503" => Kind::Unavailable,
        _ => return Err(Error::not_found("该事项").into()),
    };
    Err(Error::new(kind, "HF-TEST", "您所在单位还没有「不动产登记结果查询服务」的授权，系统已拦下这次访问。").into())
}
