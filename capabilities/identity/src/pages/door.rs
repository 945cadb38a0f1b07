//! `/login`, `/login/totp`, `/logout`.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use hufu_kernel::command::{Ctx, run};
use hufu_kernel::error::{Error, Kind};
use hufu_kernel::shell::page::{go, page_with};
use hufu_kernel::shell::{Chrome, Form, Query, WebResult};
use serde::Deserialize;

use crate::commands::close_session::CloseSession;
use crate::model::session::Stage;
use crate::service::{Identity, LogIn, Signed};
use crate::web::{Agent, Perhaps, Somebody, safe_next, with_cookie, without_cookie};

/// Where the visitor wanted to go.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Wanted {
    pub(super) next: String,
}

#[derive(Template)]
#[template(path = "identity/login.html")]
struct LoginPage {
    chrome: Chrome,
    login: String,
    next: String,
    /// Are second factors asked for here?
    second: bool,
    error: String,
}

#[derive(Template)]
#[template(path = "identity/code.html")]
struct CodePage {
    chrome: Chrome,
    next: String,
    error: String,
}

#[derive(Deserialize)]
pub(super) struct Given {
    #[serde(default)]
    login: String,
    #[serde(default)]
    password: String,
    #[serde(default)]
    code: String,
    #[serde(default)]
    next: String,
}

#[derive(Deserialize)]
pub(super) struct GivenCode {
    #[serde(default)]
    code: String,
    #[serde(default)]
    next: String,
}

pub(super) async fn show(
    State(identity): State<Arc<Identity>>,
    chrome: Chrome,
    Perhaps(who): Perhaps,
    Query(wanted): Query<Wanted>,
) -> WebResult {
    if let Some(who) = who {
        return Ok(go(&stage_url(who.stage, &wanted.next)));
    }
    let chrome = chrome.titled("登录");
    let second = identity.second_on();
    let page = LoginPage { chrome, login: String::new(), next: wanted.next, second, error: String::new() };
    Ok(page_with(StatusCode::OK, page))
}

pub(super) async fn submit(
    State(identity): State<Arc<Identity>>,
    chrome: Chrome,
    ctx: Ctx,
    Agent(agent): Agent,
    Form(given): Form<Given>,
) -> WebResult {
    let code = Some(given.code.trim().to_owned()).filter(|code| !code.is_empty());
    let login = given.login.trim().to_owned();
    let attempt = LogIn { login: login.clone(), password: given.password, code, agent };
    match identity.log_in(&ctx, attempt).await {
        Ok(signed) => Ok(enter(&identity, &signed, &given.next)),
        Err(error) => {
            let (status, error) = shown(error)?;
            let second = identity.second_on();
            let page = LoginPage { chrome: chrome.titled("登录"), login, next: given.next, second, error };
            Ok(page_with(status, page))
        }
    }
}

pub(super) async fn show_code(chrome: Chrome, who: Somebody, Query(wanted): Query<Wanted>) -> WebResult {
    if who.stage != Stage::SecondFactor {
        return Ok(go(&stage_url(who.stage, &wanted.next)));
    }
    let page = CodePage { chrome: chrome.titled("动态口令"), next: wanted.next, error: String::new() };
    Ok(page_with(StatusCode::OK, page))
}

pub(super) async fn submit_code(
    State(identity): State<Arc<Identity>>,
    chrome: Chrome,
    ctx: Ctx,
    who: Somebody,
    Agent(agent): Agent,
    Form(given): Form<GivenCode>,
) -> WebResult {
    if who.stage != Stage::SecondFactor {
        return Ok(go(&stage_url(who.stage, &given.next)));
    }
    match identity.pass_second_factor(&who.ctx(ctx), &who.session, &given.code, &agent).await {
        Ok(signed) => Ok(enter(&identity, &signed, &given.next)),
        Err(error) => {
            let (status, error) = shown(error)?;
            Ok(page_with(status, CodePage { chrome: chrome.titled("动态口令"), next: given.next, error }))
        }
    }
}

/// Ends the session, whatever its stage.
pub(super) async fn leave(State(identity): State<Arc<Identity>>, ctx: Ctx, who: Somebody) -> WebResult {
    run(&identity.kernel, &who.ctx(ctx), CloseSession { session: who.session.clone() }).await?;
    Ok(without_cookie(go("/login"), &identity.settings))
}

/// Hands over the cookie and leads to what is still to do, or to where the visitor wanted to go.
pub(super) fn enter(identity: &Identity, signed: &Signed, next: &str) -> Response {
    with_cookie(go(&stage_url(signed.stage, next)), &identity.settings, &signed.cookie)
}

/// The page of a stage; the wish is carried along.
pub(super) fn stage_url(stage: Stage, next: &str) -> String {
    let next = safe_next(next);
    match stage {
        Stage::Open => next.to_owned(),
        Stage::SecondFactor | Stage::Password | Stage::Enrol => {
            let query = [("next", next)].map(|(key, value)| format!("{key}={}", encoded(value)));
            format!("{}?{}", stage.page(), query.join("&"))
        }
    }
}

/// Percent-encodes what is not plain in a query.
fn encoded(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~/".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// What the visitor can do something about stays on the page; the rest goes on as an error.
fn shown(error: Error) -> Result<(StatusCode, String), Error> {
    let status = match error.kind() {
        Kind::Unauthenticated => StatusCode::UNAUTHORIZED,
        Kind::Refused => StatusCode::FORBIDDEN,
        Kind::TooMany => StatusCode::TOO_MANY_REQUESTS,
        Kind::Conflict => StatusCode::CONFLICT,
        Kind::Invalid | Kind::NotFound | Kind::TooLarge | Kind::Unavailable | Kind::Internal => return Err(error),
    };
    Ok((status, error.message().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wish_is_carried_through_the_stages() {
        assert_eq!(stage_url(Stage::Open, "/grants?page=2"), "/grants?page=2");
        assert_eq!(stage_url(Stage::Password, "/grants?page=2"), "/password?next=/grants%3Fpage%3D2");
        assert_eq!(stage_url(Stage::Open, "//evil"), "/");
    }
}
