//! What stands around every route: request number, security headers, CSRF, old browsers, panics.

use std::any::Any;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use bytes::{Bytes, BytesMut};
use futures::{FutureExt, StreamExt, stream};

use super::extract::{RequestId, is_type};
use super::page::WebError;
use super::{Shell, SignedIn, csrf};
use crate::error::Error;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Strict: nothing inline but the style attributes of charts, nothing from elsewhere.
const CSP: &str = "default-src 'self'; img-src 'self' data:; style-src 'self'; style-src-attr 'unsafe-inline'; \
                   script-src 'self'; frame-ancestors 'none'; object-src 'none'; base-uri 'none'; form-action 'self'";

/// Gives each request its number and the shell, and says the number back.
pub(crate) async fn number_request(State(shell): State<Arc<Shell>>, mut request: Request, next: Next) -> Response {
    let id = uuid::Uuid::now_v7().simple().to_string();
    request.extensions_mut().insert(RequestId(id.clone()));
    request.extensions_mut().insert(shell);
    let mut response = next.run(request).await;
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    response
}

/// Headers that hold for every answer. Pages are never stored; assets say otherwise themselves.
pub(crate) async fn secure_headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(CSP));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    // `no-referrer` would turn the Origin of our own forms into `null`.
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    response
}

/// A handler that panics costs its own request only.
pub(crate) async fn catch_panics(request: Request, next: Next) -> Response {
    match std::panic::AssertUnwindSafe(next.run(request)).catch_unwind().await {
        Ok(response) => response,
        Err(panic) => WebError::from(Error::internal(panic_text(panic.as_ref()))).into_response(),
    }
}

fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("panic in a handler: {}", text.unwrap_or("no text"))
}

/// First major version of Chromium whose features the pages use.
const CHROMIUM_MIN: u32 = 78;

/// Sends browsers that cannot show the pages to one that says so. Anything that is no known browser passes.
pub(crate) async fn refuse_old_browsers(request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let page = !path.starts_with("/api/") && !path.starts_with("/assets/") && path != "/unsupported-browser";
    if page && request.method() == Method::GET && too_old(request.headers()) {
        return Redirect::to("/unsupported-browser").into_response();
    }
    next.run(request).await
}

fn too_old(headers: &HeaderMap) -> bool {
    let agent = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or("");
    if agent.contains("MSIE ") || agent.contains("Trident/") {
        return true;
    }
    let version = agent.split("Chrome/").nth(1).and_then(|rest| rest.split('.').next());
    version.and_then(|version| version.parse::<u32>().ok()).is_some_and(|version| version < CHROMIUM_MIN)
}

/// Unsafe requests of cookie sessions carry the token; those of nobody must at least come from our own pages.
pub(crate) async fn check_csrf(State(shell): State<Arc<Shell>>, request: Request, next: Next) -> Response {
    if matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS) {
        return next.run(request).await;
    }
    let session = match request.extensions().get::<SignedIn>() {
        Some(SignedIn { session: Some(session), .. }) => session.clone(),
        // A bearer token is not sent by a foreign page.
        Some(SignedIn { session: None, .. }) => return next.run(request).await,
        None if own_origin(request.headers()) => return next.run(request).await,
        None => return forged(),
    };
    let (request, token) = match token_of(request).await {
        Ok(found) => found,
        Err(error) => return error.into_response(),
    };
    match token {
        Some(token) if shell.csrf().holds(&session, &token) => next.run(request).await,
        _ => forged(),
    }
}

fn forged() -> Response {
    WebError::from(Error::new(crate::error::Kind::Refused, "HF-CSRF", "页面已过期，请刷新后重新提交")).into_response()
}

/// No Origin: not a browser, or a very old one that also sends no cross-site POST without it.
fn own_origin(headers: &HeaderMap) -> bool {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    match text(header::ORIGIN) {
        None => true,
        Some(origin) => origin.split_once("://").map(|(_, host)| host) == text(header::HOST),
    }
}

/// The token field must stand in this much of a body; ours is the first field of every form.
const TOKEN_WITHIN_BYTES: usize = 64 * 1024;

/// Finds the token in the header or in the form's first bytes; the body is passed on whole.
async fn token_of(request: Request) -> Result<(Request, Option<String>), WebError> {
    if let Some(token) = request.headers().get(csrf::HEADER) {
        let token = token.to_str().ok().map(str::to_owned);
        return Ok((request, token));
    }
    let multipart = is_type(request.headers(), "multipart/form-data");
    if !multipart && !is_type(request.headers(), "application/x-www-form-urlencoded") {
        return Ok((request, None));
    }
    let (parts, body) = request.into_parts();
    let mut rest = body.into_data_stream();
    let mut head = BytesMut::new();
    let mut token = None;
    while head.len() < TOKEN_WITHIN_BYTES && token.is_none() {
        let Some(chunk) = rest.next().await else { break };
        let chunk = chunk
            .map_err(|e| Error::new(crate::error::Kind::Invalid, "HF-BODY", "提交的内容没有收全，请重试").because(e))?;
        head.extend_from_slice(&chunk);
        token = if multipart { multipart_token(&head) } else { None };
    }
    if !multipart {
        token = form_token(&head);
    }
    let head: Bytes = head.freeze();
    let body = Body::from_stream(stream::once(async { Ok(head) }).chain(rest));
    Ok((Request::from_parts(parts, body), token))
}

fn form_token(head: &[u8]) -> Option<String> {
    let head = std::str::from_utf8(head).ok()?;
    let mut fields = head.split('&').filter_map(|field| field.split_once('='));
    fields.find(|(name, _)| *name == csrf::FIELD).map(|(_, token)| token.to_owned())
}

/// The value of the part named `_csrf`, once its closing line has arrived.
fn multipart_token(head: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(head);
    let (_, after) = text.split_once("name=\"_csrf\"")?;
    let (_, value) = after.split_once("\r\n\r\n")?;
    let (token, _) = value.split_once("\r\n")?;
    Some(token.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn agent(text: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(header::USER_AGENT, HeaderValue::from_static(text))])
    }

    #[test]
    fn only_known_old_browsers_are_sent_away() {
        assert!(too_old(&agent("Mozilla/5.0 (Windows NT 10.0; WOW64; Trident/7.0; rv:11.0) like Gecko")));
        assert!(too_old(&agent(
            "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko) Chrome/69.0.3497.100 Safari/537.36"
        )));
        assert!(!too_old(&agent(
            "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko) Chrome/78.0.3904.108 Safari/537.36"
        )));
        assert!(!too_old(&agent("curl/8.5")));
        assert!(!too_old(&HeaderMap::new()));
    }

    #[test]
    fn tokens_are_found_in_forms() {
        assert_eq!(form_token(b"a=1&_csrf=abc&b=2").as_deref(), Some("abc"));
        assert_eq!(form_token(b"a=1"), None);
        let part = b"--x\r\nContent-Disposition: form-data; name=\"_csrf\"\r\n\r\nabc\r\n--x\r\n";
        assert_eq!(multipart_token(part).as_deref(), Some("abc"));
        assert_eq!(multipart_token(&part[..57]), None);
    }
}
