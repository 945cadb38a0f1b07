//! What one connection holds: its principal, its settings, its cursors, and what is running on it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use pgwire::api::ClientInfo;
use pgwire::api::cancel::CancelHandler;
use pgwire::error::{PgWireError, PgWireResult};
use pgwire::messages::cancel::CancelRequest;
use pgwire::messages::startup::SecretKey;

use super::answer::Cursor;
use super::catalogue::Catalogue;
use super::settings::Settings;
use super::{Session, faults};
use crate::CancelToken;
use crate::error::Result;
use crate::mandate::{Mandate, Way};

/// Present on a connection only after its user has been proved. What the client claims to be is never asked.
pub(super) struct Connection {
    pub user: String,
    session: Arc<dyn Session>,
    pub settings: Mutex<Settings>,
    pub cursors: tokio::sync::Mutex<HashMap<String, Cursor>>,
    /// The catalogue of the last mandate, kept while the mandate stays the same.
    pub catalogue: tokio::sync::Mutex<Option<Arc<Catalogue>>>,
    running: Mutex<CancelToken>,
}

impl Connection {
    pub(super) fn new(user: String, session: Arc<dyn Session>) -> Self {
        Self {
            user,
            session,
            settings: Mutex::default(),
            cursors: tokio::sync::Mutex::default(),
            catalogue: tokio::sync::Mutex::default(),
            running: Mutex::default(),
        }
    }

    pub(super) async fn mandate(&self) -> Result<Mandate> {
        let choice = self.settings().grant.clone();
        self.session.mandate(Way::Sql, choice.as_deref()).await
    }

    pub(super) fn settings(&self) -> MutexGuard<'_, Settings> {
        self.settings.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A fresh token for a statement that begins; a cancel request fires the latest.
    pub(super) fn begin(&self) -> CancelToken {
        let token = CancelToken::default();
        *self.running.lock().unwrap_or_else(PoisonError::into_inner) = token.clone();
        token
    }

    fn cancel(&self) {
        self.running.lock().unwrap_or_else(PoisonError::into_inner).cancel();
    }
}

/// The connection behind a client, if it has been proved.
pub(super) fn of<C: ClientInfo>(client: &C) -> PgWireResult<Arc<Connection>> {
    let held = client.session_extensions().get::<Arc<Connection>>();
    held.map(|c| Arc::clone(c.as_ref())).ok_or_else(not_proved)
}

fn not_proved() -> PgWireError {
    faults::fatal("28000", "尚未登录")
}

/// Connections by the key that only their client has.
#[derive(Default)]
pub(super) struct Cancels(Mutex<HashMap<(i32, Vec<u8>), Weak<Connection>>>);

impl Cancels {
    pub(super) fn register(&self, pid: i32, key: &SecretKey, connection: &Arc<Connection>) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|_, c| c.strong_count() > 0);
        known.insert((pid, key.to_bytes().to_vec()), Arc::downgrade(connection));
    }
}

/// Cancel requests come on a connection of their own and prove themselves by the key.
pub(super) struct Canceller(pub Arc<Cancels>);

#[async_trait::async_trait]
impl CancelHandler for Canceller {
    async fn on_cancel_request(&self, request: CancelRequest) {
        let key = (request.pid, request.secret_key.to_bytes().to_vec());
        let found = self.0.0.lock().unwrap_or_else(PoisonError::into_inner).get(&key).and_then(Weak::upgrade);
        if let Some(connection) = found {
            connection.cancel();
        }
    }
}
