//! The chrome around every page of every capability, and the way from a request to a handler and back.
//!
//! `README.md` beside this file says in ten lines how to add a page.

pub mod assets;
pub mod chrome;
pub mod csrf;
pub mod events;
pub mod extract;
pub mod fmt;
pub mod guard;
pub mod kit;
pub mod list;
pub mod menu;
pub mod page;
pub mod parts;
pub mod status;

use std::sync::Arc;

use async_trait::async_trait;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{get, post};
use tokio::sync::broadcast;

pub use chrome::Chrome;
pub use extract::{Form, Json, Path, Query};
pub use kit::Html;
pub use menu::{Group, MenuItem};
pub use page::{WebError, WebResult, page};

use crate::actor::Actor;
use crate::event::Event;
use crate::ids::SessionId;
use crate::time::{Clock, Timestamp};

/// What the bureau calls itself and whom its people ask for help.
#[derive(Clone, Debug)]
pub struct Site {
    /// 「云江市政务数据安全」, under the mark.
    pub name: String,
    /// 「云江市政务数据安全共享平台」, on prints and letters.
    pub full_name: String,
    /// 「市数据局 数据安全科 0000-1234567」, on error pages.
    pub contact: String,
    /// The demo city says so on every page, and only it does.
    pub demo: bool,
}

/// Who the request comes from; the session layer of the app puts it into the request's extensions.
#[derive(Clone, Debug)]
pub struct SignedIn {
    pub actor: Actor,
    /// Set for browsers that came with a session cookie: their unsafe requests need the CSRF token.
    /// `None` for bearer tokens, which no foreign page can send.
    pub session: Option<SessionId>,
}

/// State of the ledger, as somebody really checked it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerState {
    pub size: u64,
    pub verified: Option<Verified>,
}

/// Up to which entry, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    pub upto: u64,
    pub at: Timestamp,
}

/// What the chrome asks the app for, on each page.
#[async_trait]
pub trait Figures: Send + Sync {
    /// `None` while no ledger runs. `verified` only for what was verified.
    async fn ledger(&self) -> Option<LedgerState>;
    /// Unread messages of this actor.
    async fn notices(&self, actor: &Actor) -> u64;
}

/// Where the bell and the search lead; `None` leaves them out, because there is no such page.
#[derive(Clone, Copy, Debug, Default)]
pub struct Links {
    pub login: Option<&'static str>,
    pub logout: Option<&'static str>,
    pub search: Option<&'static str>,
    pub messages: Option<&'static str>,
    pub me: Option<&'static str>,
    pub help: Option<&'static str>,
}

/// Everything the chrome needs; one per process.
pub struct Shell {
    pub site: Site,
    pub links: Links,
    pub clock: Arc<dyn Clock>,
    figures: Arc<dyn Figures>,
    menu: Vec<MenuItem>,
    csrf: csrf::Key,
    events: broadcast::Sender<Event>,
}

impl std::fmt::Debug for Shell {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shell").field("site", &self.site).field("menu", &self.menu).finish_non_exhaustive()
    }
}

/// Requests of pages and of the API are small; uploads ask for more on their own route.
const BODY_BYTES_MAX: usize = 2 * 1024 * 1024;

impl Shell {
    pub fn new(
        site: Site,
        links: Links,
        clock: Arc<dyn Clock>,
        figures: Arc<dyn Figures>,
        events: broadcast::Sender<Event>,
        csrf: csrf::Key,
    ) -> Self {
        Self { site, links, clock, figures, menu: Vec::new(), csrf, events }
    }

    /// Registers the entries of one capability.
    pub fn with_menu(mut self, items: impl IntoIterator<Item = MenuItem>) -> Self {
        self.menu.extend(items);
        self
    }

    /// Puts the routes of all capabilities into the chrome. `session` adds the layer that recognises
    /// who asks (it inserts [`SignedIn`]); it must stand between the outer and the inner guards.
    pub fn install(self, routes: Router, session: impl FnOnce(Router) -> Router) -> Router {
        let shell = Arc::new(self);
        let inner = routes
            .route("/events", get(events::stream))
            .route("/prefs/large", post(chrome::toggle_large))
            .fallback(page::no_such_page)
            .method_not_allowed_fallback(page::no_such_method)
            .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
            .layer(from_fn(list::remember_columns))
            .layer(from_fn(guard::catch_panics))
            .layer(from_fn_with_state(shell.clone(), guard::check_csrf))
            .layer(from_fn(page::render_errors));
        session(inner)
            .route("/assets/{file}", get(assets::serve))
            .route("/unsupported-browser", get(page::unsupported_browser))
            .layer(from_fn(guard::refuse_old_browsers))
            .layer(from_fn(page::render_errors))
            .layer(from_fn(guard::catch_panics))
            .layer(from_fn(guard::secure_headers))
            .layer(from_fn_with_state(shell, guard::number_request))
    }

    pub(crate) fn figures(&self) -> &dyn Figures {
        self.figures.as_ref()
    }

    pub(crate) fn menu(&self) -> &[MenuItem] {
        &self.menu
    }

    pub fn csrf(&self) -> &csrf::Key {
        &self.csrf
    }

    pub(crate) fn events(&self) -> &broadcast::Sender<Event> {
        &self.events
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::actor::{Role, UnitLevel, UnitRef};
    use crate::ids::{AccountId, UnitId};

    pub(crate) fn actor(roles: &[Role]) -> Actor {
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
}
