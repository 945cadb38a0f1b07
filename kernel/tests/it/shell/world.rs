//! A router as the app assembles it, with a session layer that knows one cookie and one token.

use std::sync::Arc;

use async_trait::async_trait;
use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{StatusCode, header};
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use hufu_kernel::actor::{Actor, Role, UnitLevel, UnitRef};
use hufu_kernel::event::Event;
use hufu_kernel::ids::{AccountId, SessionId, UnitId};
use hufu_kernel::shell::{Figures, Group, LedgerState, Links, MenuItem, Shell, SignedIn, Site, Verified, csrf};
use hufu_kernel::time::{ManualClock, Timestamp};
use tokio::sync::broadcast;
use tower::ServiceExt;

pub(super) const SESSION: &str = "0192f000-0000-7000-8000-000000000001";
pub(super) const BROWSER: &str = "text/html,application/xhtml+xml";

pub(super) fn now() -> Timestamp {
    // 2026-11-23 09:26 in Beijing
    Timestamp::from_millis(1_795_397_160_000)
}

pub(super) fn key() -> csrf::Key {
    csrf::Key::new([7; 32])
}

pub(super) fn token() -> String {
    key().token(&SESSION.parse::<SessionId>().unwrap())
}

struct Known;

#[async_trait]
impl Figures for Known {
    async fn ledger(&self) -> Option<LedgerState> {
        Some(LedgerState { size: 1_204_551, verified: Some(Verified { upto: 1_204_551, at: now() }) })
    }

    async fn notices(&self, _: &Actor) -> u64 {
        4
    }
}

pub(super) fn actor(roles: &[Role]) -> Actor {
    let id = UnitId::generate();
    Actor {
        account: AccountId::generate(),
        login: "zhoumin2208".into(),
        name: "周敏".into(),
        unit: UnitRef {
            path: format!("/{id}/"),
            id,
            code: "330000-SJJ".into(),
            name: "市数据局".into(),
            level: UnitLevel::City,
        },
        roles: roles.to_vec(),
    }
}

pub(super) struct World {
    pub(super) router: Router,
    pub(super) events: broadcast::Sender<Event>,
}

pub(super) fn world(routes: Router) -> World {
    let (events, _) = broadcast::channel(16);
    let site = Site {
        name: "云江市政务数据安全".into(),
        full_name: "云江市政务数据安全共享平台".into(),
        contact: "市数据局 数据安全科 0000-1234567".into(),
        demo: true,
    };
    let links = Links {
        login: Some("/login"),
        logout: Some("/logout"),
        search: Some("/search"),
        messages: Some("/messages"),
        me: Some("/me"),
        help: Some("/help"),
    };
    let menu = [
        MenuItem::new(Group::Desk, "工作台", "/", &[]).counted(Arc::new(|_| Box::pin(async { Some(9) }))),
        MenuItem::new(Group::Catalog, "目录检索", "/catalog", &[]),
        MenuItem::new(Group::Catalog, "组件样张", "/kit", &[]),
        MenuItem::new(Group::Sharing, "合规审查", "/review", &[Role::R1]),
        MenuItem::new(Group::Use, "在线查询", "/query", &[Role::R4]),
        MenuItem::new(Group::Audit, "审计日志", "/audit", &[Role::R1, Role::R5]),
    ];
    let shell = Shell::new(site, links, Arc::new(ManualClock::at(now())), Arc::new(Known), events.clone(), key())
        .with_menu(menu);
    let router = shell.install(routes, |inner| inner.layer(from_fn(recognise)));
    World { router, events }
}

/// Knows the cookie `s=1` as a browser session and `Bearer t` as a token, both of R1.
async fn recognise(mut request: Request, next: Next) -> Response {
    let headers = request.headers();
    let text =
        |name| headers.get(name).and_then(|v: &axum::http::HeaderValue| v.to_str().ok()).unwrap_or("").to_owned();
    let session = text(header::COOKIE).contains("s=1").then(|| Some(SESSION.parse::<SessionId>().unwrap()));
    let bearer = (text(header::AUTHORIZATION) == "Bearer t").then_some(None);
    if let Some(session) = session.or(bearer) {
        request.extensions_mut().insert(SignedIn { actor: actor(&[Role::R1]), session });
    }
    next.run(request).await
}

impl World {
    pub(super) async fn send(&self, request: Request) -> (StatusCode, axum::http::HeaderMap, String) {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        (parts.status, parts.headers, String::from_utf8_lossy(&bytes).into_owned())
    }

    pub(super) async fn get(&self, path: &str) -> (StatusCode, axum::http::HeaderMap, String) {
        self.send(signed("GET", path).body(Body::empty()).unwrap()).await
    }
}

/// A request of the signed-in browser.
pub(super) fn signed(method: &str, path: &str) -> axum::http::request::Builder {
    Request::builder().method(method).uri(path).header(header::COOKIE, "a=b; s=1").header(header::ACCEPT, BROWSER)
}
