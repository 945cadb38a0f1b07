//! `/login/enrol`: binds an authenticator. The secret travels sealed inside the form, so nothing is stored before it works.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use hufu_kernel::command::{Ctx, run};
use hufu_kernel::error::{Error, FieldError, Result};
use hufu_kernel::shell::page::{go, page_with};
use hufu_kernel::shell::parts::FieldErrors;
use hufu_kernel::shell::{Chrome, Form, Html, Query, WebResult};
use serde::Deserialize;

use super::door::{Wanted, enter, stage_url};
use super::qr;
use crate::commands::enrol_second_factor::EnrolSecondFactor;
use crate::model::second_factor::TotpSecret;
use crate::model::session::Stage;
use crate::service::Identity;
use crate::web::Somebody;

#[derive(Template)]
#[template(path = "identity/enrol.html")]
struct EnrolPage {
    chrome: Chrome,
    who: Somebody,
    next: String,
    sealed: String,
    spaced: String,
    url: String,
    picture: Html,
    errors: FieldErrors,
}

impl EnrolPage {
    /// Does a role ask for it, or is it the reader's own wish?
    fn must(&self) -> bool {
        self.who.stage == Stage::Enrol
    }
}

#[derive(Deserialize)]
pub(super) struct Given {
    #[serde(default)]
    sealed: String,
    #[serde(default)]
    code: String,
    #[serde(default)]
    next: String,
}

pub(super) async fn show(
    State(identity): State<Arc<Identity>>,
    chrome: Chrome,
    who: Somebody,
    Query(wanted): Query<Wanted>,
) -> WebResult {
    if matches!(who.stage, Stage::SecondFactor | Stage::Password) {
        return Ok(go(&stage_url(who.stage, &wanted.next)));
    }
    let secret = TotpSecret::new(rand::random());
    let page = draw(&identity, chrome, who, wanted.next, &secret, FieldErrors::none())?;
    Ok(page_with(StatusCode::OK, page))
}

pub(super) async fn submit(
    State(identity): State<Arc<Identity>>,
    chrome: Chrome,
    ctx: Ctx,
    who: Somebody,
    Form(given): Form<Given>,
) -> WebResult {
    if matches!(who.stage, Stage::SecondFactor | Stage::Password) {
        return Ok(go(&stage_url(who.stage, &given.next)));
    }
    let opened = identity.vault.open(&place(&who), &given.sealed).ok();
    let secret = opened.and_then(|bytes| TotpSecret::from_bytes(&bytes)).ok_or_else(expired)?;
    let (session, vault) = (who.session.clone(), identity.vault.clone());
    let command = EnrolSecondFactor { session, secret: secret.clone(), code: given.code, vault };
    match run(&identity.kernel, &who.ctx(ctx.clone()), command).await {
        Ok(receipt) => {
            let signed = identity.signed(receipt.output, ctx.now).await?;
            let next = if who.stage == Stage::Open && given.next.is_empty() { "/me" } else { &given.next };
            Ok(enter(&identity, &signed, next))
        }
        Err(error) => {
            let errors = FieldErrors::of(error)?;
            let page = draw(&identity, chrome, who, given.next, &secret, errors)?;
            Ok(page_with(StatusCode::UNPROCESSABLE_ENTITY, page))
        }
    }
}

fn draw(
    identity: &Identity,
    chrome: Chrome,
    who: Somebody,
    next: String,
    secret: &TotpSecret,
    errors: FieldErrors,
) -> Result<EnrolPage> {
    let url = secret.url(&who.actor.login, &identity.settings.issuer).unwrap_or_default();
    let sealed = identity.vault.seal(&place(&who), secret.as_bytes())?;
    let picture = qr::svg(&url);
    Ok(EnrolPage {
        chrome: chrome.titled("绑定第二因子"),
        who,
        next,
        sealed,
        spaced: secret.spaced(),
        url,
        picture,
        errors,
    })
}

/// The form of one session opens in no other.
fn place(who: &Somebody) -> String {
    format!("enrol/{}", who.session)
}

fn expired() -> Error {
    Error::invalid(vec![FieldError::new("code", "页面已过期，请重新打开绑定页面")])
}
