//! `/password`: the first change, an old password, or a wish.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use hufu_kernel::command::{Ctx, run};
use hufu_kernel::shell::page::{go, page_with};
use hufu_kernel::shell::parts::FieldErrors;
use hufu_kernel::shell::{Chrome, Form, Query, WebResult};
use serde::Deserialize;

use super::door::{Wanted, enter, stage_url};
use crate::commands::change_password::ChangePassword;
use crate::model::session::Stage;
use crate::service::Identity;
use crate::web::Somebody;

#[derive(Template)]
#[template(path = "identity/password.html")]
struct PasswordPage {
    chrome: Chrome,
    who: Somebody,
    next: String,
    errors: FieldErrors,
}

impl PasswordPage {
    /// Is the change asked for, and not the reader's own wish?
    fn must(&self) -> bool {
        self.who.stage == Stage::Password
    }
}

#[derive(Deserialize)]
pub(super) struct Given {
    #[serde(default)]
    old: String,
    #[serde(default)]
    new: String,
    #[serde(default)]
    again: String,
    #[serde(default)]
    next: String,
}

pub(super) async fn show(chrome: Chrome, who: Somebody, Query(wanted): Query<Wanted>) -> WebResult {
    if matches!(who.stage, Stage::SecondFactor | Stage::Enrol) {
        return Ok(go(&stage_url(who.stage, &wanted.next)));
    }
    let page =
        PasswordPage { chrome: chrome.titled("修改口令"), who, next: wanted.next, errors: FieldErrors::none() };
    Ok(page_with(StatusCode::OK, page))
}

pub(super) async fn submit(
    State(identity): State<Arc<Identity>>,
    chrome: Chrome,
    ctx: Ctx,
    who: Somebody,
    Form(given): Form<Given>,
) -> WebResult {
    if matches!(who.stage, Stage::SecondFactor | Stage::Enrol) {
        return Ok(go(&stage_url(who.stage, &given.next)));
    }
    let session = Some(&who.session);
    let ready =
        match ChangePassword::prepare(&identity, &who.actor, session, &given.old, &given.new, &given.again).await {
            Ok(ready) => ready,
            Err(error) => {
                let errors = FieldErrors::of(error)?;
                let page = PasswordPage { chrome: chrome.titled("修改口令"), who, next: given.next, errors };
                return Ok(page_with(StatusCode::UNPROCESSABLE_ENTITY, page));
            }
        };
    let cookie = run(&identity.kernel, &who.ctx(ctx.clone()), ready).await?.output.unwrap_or_default();
    let signed = identity.signed(cookie, ctx.now).await?;
    let next = if who.stage == Stage::Open && given.next.is_empty() { "/me" } else { &given.next };
    Ok(enter(&identity, &signed, next))
}
