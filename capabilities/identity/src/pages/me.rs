//! `/me`: who I am here, my log-ins, my tokens.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use hufu_kernel::command::{Ctx, run};
use hufu_kernel::ids::{SessionId, TokenId};
use hufu_kernel::shell::page::{go, page_with};
use hufu_kernel::shell::parts::{Choice, FieldErrors};
use hufu_kernel::shell::{Chrome, Form, Html, Path, WebResult, fmt, kit};
use serde::Deserialize;

use crate::commands::issue_token::{IssueToken, Issued};
use crate::commands::revoke_token::RevokeToken;
use crate::model::session::PASSWORD_DAYS;
use crate::service::Identity;
use crate::store::session::{self, record};
use crate::store::{account, token};
use crate::web::Somebody;

#[derive(Template)]
#[template(path = "identity/me.html")]
struct Me {
    chrome: Chrome,
    facts: Vec<(&'static str, Html)>,
    bound: bool,
    second: bool,
    logins: Vec<record::Model>,
    tokens: Vec<token::Model>,
    /// The token that was just made; its text is shown this once.
    fresh: Option<Issued>,
    form: TokenForm,
    spans: Vec<Choice>,
    errors: FieldErrors,
}

impl Me {
    fn token_state(&self, token: &token::Model) -> Html {
        kit::tag(token.state(self.chrome.now))
    }

    fn token_valid(&self, token: &token::Model) -> bool {
        token.valid(self.chrome.now)
    }
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct TokenForm {
    name: String,
    days: String,
}

pub(super) async fn show(State(identity): State<Arc<Identity>>, chrome: Chrome, ctx: Ctx, who: Somebody) -> WebResult {
    let form = TokenForm { days: "90".to_owned(), ..TokenForm::default() };
    draw(&identity, chrome, &ctx, who.session, StatusCode::OK, Given { form, ..Given::default() }).await
}

pub(super) async fn issue(
    State(identity): State<Arc<Identity>>,
    chrome: Chrome,
    ctx: Ctx,
    who: Somebody,
    Form(form): Form<TokenForm>,
) -> WebResult {
    let command = IssueToken { name: form.name.clone(), days: form.days.trim().parse().unwrap_or(0) };
    match run(&identity.kernel, &ctx, command).await {
        Ok(receipt) => {
            let blank = TokenForm { days: "90".to_owned(), ..TokenForm::default() };
            let given = Given { form: blank, fresh: Some(receipt.output), ..Given::default() };
            draw(&identity, chrome, &ctx, who.session, StatusCode::CREATED, given).await
        }
        Err(error) => {
            let given = Given { form, errors: FieldErrors::of(error)?, fresh: None };
            draw(&identity, chrome, &ctx, who.session, StatusCode::UNPROCESSABLE_ENTITY, given).await
        }
    }
}

pub(super) async fn revoke(State(identity): State<Arc<Identity>>, ctx: Ctx, Path(token): Path<TokenId>) -> WebResult {
    run(&identity.kernel, &ctx, RevokeToken { token }).await?;
    Ok(go("/me"))
}

/// What an act left on the page.
#[derive(Debug, Default)]
struct Given {
    form: TokenForm,
    errors: FieldErrors,
    fresh: Option<Issued>,
}

async fn draw(
    identity: &Identity,
    chrome: Chrome,
    ctx: &Ctx,
    session: SessionId,
    status: StatusCode,
    given: Given,
) -> WebResult {
    let db = identity.kernel.store.reader();
    let actor = ctx.actor()?;
    let mine = account::find(db, &actor.account).await?;
    let last = identity
        .last_before(db, &session)
        .await?
        .map_or_else(|| "这是首次登录".to_owned(), |record| format!("{}（{}）", fmt::minute(record.at), record.client));
    let roles: Vec<&str> = actor.roles.iter().map(|role| role.name()).collect();
    let until = mine.password_at.plus(chrono::Duration::days(PASSWORD_DAYS));
    let facts = vec![
        ("账号", Html::trusted(format!("<span class=\"hf-code\">{}</span>", kit::esc(&mine.login)))),
        ("姓名", Html::text(&mine.name)),
        ("单位", Html::text(&actor.unit.name)),
        ("角色", Html::text(if roles.is_empty() { "尚未配置".to_owned() } else { roles.join("、") })),
        ("上次登录", Html::text(last)),
        ("口令", Html::text(format!("{} 到期", fmt::day(until)))),
    ];
    let page = Me {
        chrome: chrome.titled("个人中心"),
        facts,
        bound: mine.totp.is_some(),
        second: identity.second_on(),
        logins: session::recent(db, &mine.id).await?,
        tokens: token::of(db, &mine.id).await?,
        fresh: given.fresh,
        form: given.form,
        spans: [("30", "30 天"), ("90", "90 天"), ("180", "180 天"), ("365", "一年")]
            .map(|(days, label)| Choice::new(days, label))
            .to_vec(),
        errors: given.errors,
    };
    Ok(page_with(status, page))
}
