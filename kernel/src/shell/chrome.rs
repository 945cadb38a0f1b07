//! What every page shows around its content: menu, crumbs, top bar, foot. Every page struct holds one, named `chrome`.

use std::sync::Arc;

use axum::Extension;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Uri, header};
use axum::response::{IntoResponse, Response};

use super::assets::Assets;
use super::extract::RequestId;
use super::kit::{Html, esc};
use super::menu::{MenuGroup, menu_for};
use super::page::{WebError, assets_or_error, go};
use super::{LedgerState, Links, Shell, SignedIn, Site, csrf, fmt};
use crate::actor::Actor;
use crate::error::Error;
use crate::time::Timestamp;

/// The frame of one page for one actor. An extractor: `chrome: Chrome` in a handler's arguments.
#[derive(Clone, Debug)]
pub struct Chrome {
    pub title: String,
    pub crumbs: Vec<Crumb>,
    pub actor: Option<Actor>,
    pub menu: Vec<MenuGroup>,
    pub csrf: String,
    pub request_id: String,
    pub now: Timestamp,
    pub path: String,
    pub site: Site,
    pub links: Links,
    pub assets: Assets,
    pub ledger: Option<LedgerState>,
    pub notices: u64,
    /// 大字版
    pub large: bool,
    /// Icons only, for pages that need the width.
    pub slim: bool,
    /// Pages that show graded data carry name, account and time.
    pub watermarked: bool,
}

/// One step of the way here; the last has no link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Crumb {
    pub label: String,
    pub href: Option<String>,
}

impl Chrome {
    /// Title of the window, the print head and the last crumb.
    pub fn titled(mut self, title: impl Into<String>) -> Self {
        self.title = title.into();
        self
    }

    /// A step before the last.
    pub fn crumb(mut self, label: impl Into<String>, href: impl Into<String>) -> Self {
        self.crumbs.push(Crumb { label: label.into(), href: Some(href.into()) });
        self
    }

    pub fn slim(mut self) -> Self {
        self.slim = true;
        self
    }

    /// For pages that show L3 or L4 data.
    pub fn watermarked(mut self) -> Self {
        self.watermarked = true;
        self
    }

    /// Builds the chrome of a request.
    pub async fn of(parts: &mut Parts) -> Result<Self, Error> {
        let shell = parts
            .extensions
            .get::<Arc<Shell>>()
            .cloned()
            .ok_or_else(|| Error::internal("the shell is not installed around this route"))?;
        let signed_in = parts.extensions.get::<SignedIn>().cloned();
        let path = parts.uri.path().to_owned();
        let (menu, notices) = match &signed_in {
            Some(SignedIn { actor, .. }) => {
                (menu_for(shell.menu(), actor, &path).await, shell.figures().notices(actor).await)
            }
            None => (Vec::new(), 0),
        };
        let ledger = if signed_in.is_some() { shell.figures().ledger().await } else { None };
        let session = signed_in.as_ref().and_then(|signed_in| signed_in.session.as_ref());
        Ok(Self {
            title: shell.site.name.clone(),
            crumbs: Vec::new(),
            csrf: session.map(|session| shell.csrf().token(session)).unwrap_or_default(),
            actor: signed_in.map(|signed_in| signed_in.actor),
            menu,
            request_id: parts.extensions.get::<RequestId>().map(|id| id.0.clone()).unwrap_or_default(),
            now: shell.clock.now(),
            path,
            site: shell.site.clone(),
            links: shell.links,
            assets: assets_or_error()?,
            ledger,
            notices,
            large: cookie(&parts.headers, LARGE_COOKIE) == Some("1"),
            slim: false,
            watermarked: false,
        })
    }

    /// First character of the name, for the round badge.
    pub fn initial(&self) -> String {
        self.actor.as_ref().and_then(|actor| actor.name.chars().next()).map(String::from).unwrap_or_default()
    }

    /// 「市数据局 · 数据安全管理员」
    pub fn post(&self) -> String {
        let Some(actor) = &self.actor else { return String::new() };
        let roles: Vec<&str> = actor.roles.iter().map(|role| role.name()).collect();
        format!("{} · {}", actor.unit.name, roles.join("、"))
    }

    /// Hidden field for plain forms; the first field of every form that posts.
    pub fn csrf_field(&self) -> Html {
        Html::trusted(format!("<input type=\"hidden\" name=\"{}\" value=\"{}\">", csrf::FIELD, esc(&self.csrf)))
    }

    /// 「已校验 ✓ 11-23 09:20」, or how far, or that nothing was verified.
    pub fn ledger_note(&self) -> String {
        match &self.ledger {
            None => String::new(),
            Some(LedgerState { verified: None, .. }) => "尚未校验".to_owned(),
            Some(LedgerState { size, verified: Some(verified) }) if verified.upto >= *size => {
                format!("已校验 ✓ {}", fmt::short(verified.at))
            }
            Some(LedgerState { verified: Some(verified), .. }) => {
                format!("已校验至 {} {}", fmt::number(verified.upto), fmt::short(verified.at))
            }
        }
    }

    /// Name, last four of the account, minute: what a photograph of the screen shows.
    pub fn watermark_text(&self) -> String {
        let Some(actor) = &self.actor else { return fmt::minute(self.now) };
        let tail: String = {
            let mut last: Vec<char> = actor.login.chars().rev().take(4).collect();
            last.reverse();
            last.into_iter().collect()
        };
        format!("{} {tail} {}", actor.name, fmt::minute(self.now))
    }

    /// 「打印人：周敏（市数据局 · 数据安全管理员）」
    pub fn printed_by(&self) -> String {
        match &self.actor {
            Some(actor) => format!("打印人：{}（{}）", actor.name, self.post()),
            None => String::new(),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Chrome {
    type Rejection = WebError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, WebError> {
        Ok(Self::of(parts).await?)
    }
}

const LARGE_COOKIE: &str = "hf-large";

/// Switches 大字版 for this browser and goes back to where the button was.
pub(crate) async fn toggle_large(Extension(_): Extension<Arc<Shell>>, headers: HeaderMap) -> Response {
    let on = cookie(&headers, LARGE_COOKIE) == Some("1");
    let value = if on {
        "hf-large=0; Path=/; SameSite=Lax; Max-Age=0"
    } else {
        "hf-large=1; Path=/; SameSite=Lax; Max-Age=31536000"
    };
    let mut response = go(&back(&headers)).into_response();
    response.headers_mut().append(header::SET_COOKIE, HeaderValue::from_static(value));
    response
}

/// Path of the page the browser came from; never another host.
fn back(headers: &HeaderMap) -> String {
    let from = headers.get(header::REFERER).and_then(|value| value.to_str().ok());
    let path =
        from.and_then(|from| from.parse::<Uri>().ok()).and_then(|uri| uri.path_and_query().map(ToString::to_string));
    path.filter(|path| path.starts_with('/') && !path.starts_with("//")).unwrap_or_else(|| "/".to_owned())
}

/// A cookie's value.
pub fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let all = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    all.flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(key, _)| *key == name)
        .map(|(_, value)| value)
}
