//! What ends a stream before its last row: revocation, expiry, time-out, cancel.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures::FutureExt;
use futures::future::{BoxFuture, select_all};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::error::{Error, Kind, Result};
use crate::mandate::GrantState;

/// How often the clock is held against the grants' ends.
const EXPIRY_CHECK: Duration = Duration::from_millis(250);

/// The present time, given from outside.
pub type Clock = Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>;

/// Cancels a statement from anywhere, before or while it runs. Clones are one and the same token.
#[derive(Clone, Debug)]
pub struct CancelToken(Arc<watch::Sender<bool>>);

impl CancelToken {
    pub fn cancel(&self) {
        self.0.send_replace(true);
    }

    pub fn is_cancelled(&self) -> bool {
        *self.0.borrow()
    }
}

impl Default for CancelToken {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(false)))
    }
}

/// One grant that a statement stands on.
#[derive(Clone, Debug)]
pub(crate) struct Hold {
    pub(crate) grant: String,
    pub(crate) state: watch::Receiver<GrantState>,
    pub(crate) until: DateTime<Utc>,
}

/// Everything that may stop one statement.
#[derive(Clone)]
pub(crate) struct Stops {
    pub(crate) holds: Vec<Hold>,
    pub(crate) cancel: CancelToken,
    pub(crate) deadline: Instant,
    pub(crate) clock: Clock,
}

impl Stops {
    /// Whether rows may leave at this moment. A grant whose keeper is gone counts as shut.
    pub(crate) fn check(&self) -> Result<()> {
        if self.cancel.is_cancelled() {
            return Err(cancelled());
        }
        if Instant::now() >= self.deadline {
            return Err(timed_out());
        }
        let now = (self.clock)();
        for hold in &self.holds {
            let open = *hold.state.borrow() == GrantState::Open && hold.state.has_changed().is_ok();
            if !open {
                return Err(revoked(&hold.grant));
            }
            if now >= hold.until {
                return Err(expired(&hold.grant));
            }
        }
        Ok(())
    }

    /// Resolves when something stops the statement.
    pub(crate) fn wait(&self) -> BoxFuture<'static, Error> {
        let mut reasons: Vec<BoxFuture<'static, Error>> = Vec::with_capacity(self.holds.len() + 3);
        for hold in &self.holds {
            let Hold { grant, mut state, .. } = hold.clone();
            reasons.push(
                async move {
                    // An error means that the sender is gone, which denies as well.
                    let _ = state.wait_for(|state| *state == GrantState::Shut).await;
                    revoked(&grant)
                }
                .boxed(),
            );
        }
        let mut cancel = self.cancel.0.subscribe();
        let keeper = self.cancel.clone();
        reasons.push(
            async move {
                let _ = cancel.wait_for(|cancelled| *cancelled).await;
                drop(keeper);
                cancelled()
            }
            .boxed(),
        );
        let deadline = self.deadline;
        reasons.push(
            async move {
                tokio::time::sleep_until(deadline).await;
                timed_out()
            }
            .boxed(),
        );
        let (holds, clock) = (self.holds.clone(), Arc::clone(&self.clock));
        reasons.push(expiry(holds, clock).boxed());
        async move { select_all(reasons).await.0 }.boxed()
    }
}

async fn expiry(holds: Vec<Hold>, clock: Clock) -> Error {
    loop {
        let now = clock();
        if let Some(hold) = holds.iter().find(|hold| now >= hold.until) {
            return expired(&hold.grant);
        }
        tokio::time::sleep(EXPIRY_CHECK).await;
    }
}

fn revoked(grant: &str) -> Error {
    Error::new(Kind::Stopped, "GATE-REVOKED", format!("授权 {grant} 已暂停或收回，数据传输停止"))
}

fn expired(grant: &str) -> Error {
    Error::new(Kind::Stopped, "GATE-EXPIRED", format!("授权 {grant} 已到期，数据传输停止"))
}

fn timed_out() -> Error {
    Error::new(Kind::Stopped, "GATE-TIMEOUT", "查询超过时限，已停止")
}

fn cancelled() -> Error {
    Error::new(Kind::Stopped, "GATE-CANCELLED", "查询已取消")
}
