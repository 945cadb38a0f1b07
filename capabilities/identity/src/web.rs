//! The way from a request's cookie or bearer token to its actor.
//!
//! ```ignore
//! let app = shell.install(routes, identity::web::recognise(identity.clone()));
//! ```
//! A session that still waits for its second factor, a new password or an authenticator is nobody to the
//! pages; only the pages of that stage know it, as [`Somebody`].

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::Router;
use axum::extract::{ConnectInfo, FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use hufu_kernel::actor::Actor;
use hufu_kernel::command::Ctx;
use hufu_kernel::error::{Error, Kind, Result};
use hufu_kernel::ids::SessionId;
use hufu_kernel::shell::chrome::cookie;
use hufu_kernel::shell::{SignedIn, WebError};

use crate::model::session::Stage;
use crate::service::{Authenticated, Identity, Settings};

/// Name of the session's cookie.
pub const COOKIE: &str = "hf-session";
/// What never keeps a session alive: the browser asks for it by itself.
const UNATTENDED: [&str; 2] = ["/events", "/assets/"];

/// The layer that recognises who asks; stands between the outer and the inner guards of the shell.
pub fn recognise(identity: Arc<Identity>) -> impl FnOnce(Router) -> Router {
    move |routes| routes.layer(from_fn_with_state(identity, recognise_one))
}

async fn recognise_one(State(identity): State<Arc<Identity>>, mut request: Request, next: Next) -> Response {
    if let Some(client) = forwarded(&request, &identity.settings.trusted_proxies) {
        request.extensions_mut().insert(ConnectInfo(SocketAddr::new(client, 0)));
    }
    match known(&identity, request.headers(), request.uri().path()).await {
        Ok(Some(Authenticated { actor, session, stage: Stage::Open })) => {
            request.extensions_mut().insert(SignedIn { actor, session });
        }
        Ok(Some(waiting)) => {
            request.extensions_mut().insert(Waiting(waiting));
        }
        Ok(None) => {}
        Err(error) => return WebError::from(error).into_response(),
    }
    next.run(request).await
}

async fn known(identity: &Identity, headers: &HeaderMap, path: &str) -> Result<Option<Authenticated>> {
    let now = identity.kernel.clock.now();
    if let Some(bearer) = bearer(headers) {
        let found = identity.authenticate_token(bearer, now).await?;
        return found
            .map(Some)
            .ok_or_else(|| Error::new(Kind::Unauthenticated, "HF-TOKEN", "令牌无效、已到期或已撤销"));
    }
    let Some(secret) = cookie(headers, COOKIE) else { return Ok(None) };
    let found = identity.authenticate_session(secret, now).await?;
    let attended = !UNATTENDED.iter().any(|unattended| path.starts_with(unattended));
    if let Some(session) = found.as_ref().filter(|_| attended).and_then(|found| found.session.as_ref()) {
        identity.touch(session, now).await?;
    }
    Ok(found)
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let text = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = text.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// The client as a trusted proxy names it: the last address in the list, which the proxy itself added.
fn forwarded(request: &Request, trusted: &[IpAddr]) -> Option<IpAddr> {
    let ConnectInfo(peer) = request.extensions().get::<ConnectInfo<SocketAddr>>()?;
    if !trusted.contains(&peer.ip()) {
        return None;
    }
    let all = request.headers().get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok());
    all.last()?.rsplit(',').next()?.trim().parse().ok()
}

/// A session that is not open yet.
#[derive(Clone, Debug)]
struct Waiting(Authenticated);

/// Somebody with a session at any stage, for the pages that lead from one stage to the next.
#[derive(Clone, Debug)]
pub struct Somebody {
    pub actor: Actor,
    pub session: SessionId,
    pub stage: Stage,
}

impl Somebody {
    /// The request in this person's name.
    pub fn ctx(&self, ctx: Ctx) -> Ctx {
        Ctx { actor: Some(self.actor.clone()), ..ctx }
    }

    fn of(parts: &Parts) -> Option<Self> {
        if let Some(Waiting(Authenticated { actor, session, stage })) = parts.extensions.get::<Waiting>() {
            return Some(Self { actor: actor.clone(), session: session.clone()?, stage: *stage });
        }
        let SignedIn { actor, session } = parts.extensions.get::<SignedIn>()?;
        Some(Self { actor: actor.clone(), session: session.clone()?, stage: Stage::Open })
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Somebody {
    type Rejection = WebError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, WebError> {
        Self::of(parts).ok_or_else(|| Error::unauthenticated().into())
    }
}

/// The same where nobody is somebody too: the log-in page.
#[derive(Clone, Debug)]
pub struct Perhaps(pub Option<Somebody>);

impl<S: Send + Sync> FromRequestParts<S> for Perhaps {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(Self(Somebody::of(parts)))
    }
}

/// What the browser calls itself.
#[derive(Clone, Debug)]
pub struct Agent(pub String);

impl<S: Send + Sync> FromRequestParts<S> for Agent {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        let name = parts.headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok());
        Ok(Self(name.unwrap_or_default().to_owned()))
    }
}

/// Gives the browser its cookie.
pub fn with_cookie(mut response: Response, settings: &Settings, secret: &str) -> Response {
    let secure = if settings.secure_cookie { "; Secure" } else { "" };
    set(&mut response, &format!("{COOKIE}={secret}; Path=/; HttpOnly; SameSite=Strict{secure}"));
    response
}

/// Takes the cookie away.
pub fn without_cookie(mut response: Response, settings: &Settings) -> Response {
    let secure = if settings.secure_cookie { "; Secure" } else { "" };
    set(&mut response, &format!("{COOKIE}=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0{secure}"));
    response
}

fn set(response: &mut Response, line: &str) {
    if let Ok(value) = HeaderValue::from_str(line) {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
}

/// Where to go after log-in: a page of ours, never another host, never the door itself.
pub fn safe_next(next: &str) -> &str {
    let plain = next.starts_with('/') && !next.starts_with("//") && !next.contains(['\\', '\r', '\n']);
    let door = ["/login", "/logout", "/password", "/api/", "/events"].iter().any(|door| next.starts_with(door));
    if plain && !door { next } else { "/" }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;

    #[test]
    fn after_log_in_nobody_is_sent_elsewhere() {
        assert_eq!(safe_next("/grants?page=2"), "/grants?page=2");
        for bad in ["", "https://evil.example", "//evil.example", "/\\evil.example", "/login?next=/", "/logout", "x"] {
            assert_eq!(safe_next(bad), "/", "{bad}");
        }
    }

    #[test]
    fn only_a_trusted_proxy_is_believed() {
        let ask = |peer: &str, trusted: &[&str]| {
            let mut request =
                Request::builder().header("x-forwarded-for", "1.1.1.1, 10.2.3.4").body(Body::empty()).unwrap();
            request.extensions_mut().insert(ConnectInfo(SocketAddr::new(peer.parse().unwrap(), 1)));
            let trusted: Vec<IpAddr> = trusted.iter().map(|ip| ip.parse().unwrap()).collect();
            forwarded(&request, &trusted).map(|ip| ip.to_string())
        };
        assert_eq!(ask("10.0.0.1", &[]), None);
        assert_eq!(ask("10.0.0.2", &["10.0.0.1"]), None);
        assert_eq!(ask("10.0.0.1", &["10.0.0.1"]).as_deref(), Some("10.2.3.4"), "not what the client wrote itself");
    }
}
