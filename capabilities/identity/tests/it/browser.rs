//! A browser without a screen: keeps its cookie, fills in the CSRF token, goes through the real router.

use std::net::SocketAddr;
use std::sync::Arc;

use async_trait::async_trait;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::ConnectInfo;
use axum::http::{Method, Request, Response, StatusCode, header};
use hufu_kernel::actor::Actor;
use hufu_kernel::shell::{Figures, LedgerState, Links, Shell, Site, csrf};
use tower::ServiceExt;

use crate::house::House;

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

/// The whole house as it is served: shell, session layer, routes.
pub(crate) fn app(house: &House) -> Router {
    let site = Site {
        name: "云江市政务数据安全".into(),
        full_name: "云江市政务数据安全共享平台".into(),
        contact: "0000-1234567".into(),
        demo: false,
    };
    let links = Links { login: Some("/login"), logout: Some("/logout"), me: Some("/me"), ..Links::default() };
    let events = house.identity.kernel.events.clone();
    let shell = Shell::new(site, links, house.clock.clone(), Arc::new(NoFigures), events, csrf::Key::new([7; 32]))
        .with_menu(hufu_identity::menu(&house.identity));
    shell.install(hufu_identity::routes(house.identity.clone()), hufu_identity::web::recognise(house.identity.clone()))
}

pub(crate) struct Browser {
    app: Router,
    pub(crate) cookie: Option<String>,
    csrf: String,
    bearer: Option<String>,
}

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) location: String,
    pub(crate) set_cookie: String,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

impl Browser {
    pub(crate) fn new(house: &House) -> Self {
        Self { app: app(house), cookie: None, csrf: String::new(), bearer: None }
    }

    /// Logs in on the page; the password must be changed already.
    pub(crate) async fn signed_in(house: &House, login: &str) -> Self {
        let mut browser = Self::new(house);
        let answer = browser.post("/login", &[("login", login), ("password", crate::house::PASSWORD)]).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
        browser.get("/me").await;
        browser
    }

    /// The CSRF token that the API gave.
    pub(crate) fn use_token(&mut self, token: &str) {
        self.csrf = token.to_owned();
    }

    pub(crate) fn bearer(&mut self, token: &str) {
        self.bearer = Some(token.to_owned());
    }

    pub(crate) async fn get(&mut self, path: &str) -> Answer {
        let answer = self.send(Method::GET, path, None, "").await;
        if let Some(token) =
            answer.body.split("name=\"csrf-token\" content=\"").nth(1).and_then(|rest| rest.split('"').next())
        {
            self.csrf = token.to_owned();
        }
        answer
    }

    pub(crate) async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let mut pairs = vec![("_csrf".to_owned(), self.csrf.clone())];
        pairs.extend(fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let body: Vec<String> = pairs.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
        self.send(Method::POST, path, Some("application/x-www-form-urlencoded"), &body.join("&")).await
    }

    pub(crate) async fn json(&mut self, method: Method, path: &str, body: &str) -> Answer {
        self.send(method, path, Some("application/json"), body).await
    }

    /// Without any token of ours: what a foreign page could make the browser send.
    pub(crate) async fn forged(&mut self, path: &str, origin: &str) -> Answer {
        let mut request = self.request(Method::POST, path, Some("application/x-www-form-urlencoded"), "reason=x");
        request.headers_mut().insert(header::ORIGIN, origin.parse().unwrap());
        self.answer(request).await
    }

    async fn send(&mut self, method: Method, path: &str, mime: Option<&str>, body: &str) -> Answer {
        let mut request = self.request(method, path, mime, body);
        if mime == Some("application/json") && !self.csrf.is_empty() {
            request.headers_mut().insert("x-csrf-token", self.csrf.parse().unwrap());
        }
        self.answer(request).await
    }

    fn request(&self, method: Method, path: &str, mime: Option<&str>, body: &str) -> Request<Body> {
        let mut builder = Request::builder().method(method).uri(path).header(header::HOST, "127.0.0.1:8700");
        if !path.starts_with("/api/") {
            builder = builder.header(header::ACCEPT, "text/html");
        }
        if let Some(mime) = mime {
            builder = builder.header(header::CONTENT_TYPE, mime);
        }
        if let Some(cookie) = &self.cookie {
            builder = builder.header(header::COOKIE, format!("hf-session={cookie}"));
        }
        if let Some(bearer) = &self.bearer {
            builder = builder.header(header::AUTHORIZATION, format!("Bearer {bearer}"));
        }
        let mut request = builder.body(Body::from(body.to_owned())).unwrap();
        let peer: SocketAddr = "10.1.2.3:5000".parse().unwrap();
        request.extensions_mut().insert(ConnectInfo(peer));
        request
    }

    async fn answer(&mut self, request: Request<Body>) -> Answer {
        let response: Response<Body> = self.app.clone().oneshot(request).await.unwrap();
        let text = |name: header::HeaderName| {
            response.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
        };
        let (status, location, set_cookie) = (response.status(), text(header::LOCATION), text(header::SET_COOKIE));
        if let Some(value) = set_cookie.strip_prefix("hf-session=").and_then(|rest| rest.split(';').next()) {
            self.cookie = (!value.is_empty()).then(|| value.to_owned());
        }
        let body = to_bytes(response.into_body(), 8 << 20).await.unwrap();
        Answer { status, location, set_cookie, body: String::from_utf8_lossy(&body).into_owned() }
    }
}

fn encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}
