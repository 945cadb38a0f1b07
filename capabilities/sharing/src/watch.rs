//! Shuts running streams: one watch channel per grant that has streams, turned by events of this process
//! and, at least twice a second, by a look at the store, so that another process' change acts too.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hufu_gate::mandate::GrantState;
use hufu_kernel::command::Kernel;
use hufu_kernel::error::Result;
use hufu_kernel::ids::GrantId;
use hufu_kernel::time::Timestamp;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::watch;

use crate::model::grant;
use crate::store::grants;

/// How long a change made elsewhere may go unnoticed at most.
pub const LOOK_EVERY: Duration = Duration::from_millis(400);

/// One channel per watched grant.
#[derive(Debug, Default)]
pub struct GrantWatch {
    channels: Mutex<HashMap<GrantId, watch::Sender<GrantState>>>,
}

impl GrantWatch {
    /// The state of a grant that the caller has just found open. Channels of grants nobody watches are dropped.
    pub fn subscribe(&self, id: &GrantId) -> watch::Receiver<GrantState> {
        let mut channels = self.lock();
        channels.retain(|known, channel| known == id || channel.receiver_count() > 0);
        let channel = channels.entry(id.clone()).or_insert_with(|| watch::channel(GrantState::Open).0);
        channel.subscribe()
    }

    /// Which grants are watched.
    pub fn watched(&self) -> Vec<GrantId> {
        self.lock().iter().filter(|(_, channel)| channel.receiver_count() > 0).map(|(id, _)| id.clone()).collect()
    }

    /// Turns the channel of a grant. A shut channel stays shut for the streams that hold it; who comes
    /// after a resumption gets a fresh one.
    pub fn set(&self, id: &GrantId, state: GrantState) {
        let mut channels = self.lock();
        match state {
            GrantState::Shut => {
                if let Some(channel) = channels.remove(id) {
                    // Nobody listening is no fault.
                    let _ = channel.send(GrantState::Shut);
                }
            }
            GrantState::Open => {}
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<GrantId, watch::Sender<GrantState>>> {
        self.channels.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Looks up the watched grants and shuts those that are no longer open. A grant that is not found is shut.
pub async fn look(kernel: &Kernel, watch: &GrantWatch, now: Timestamp) -> Result<()> {
    let watched = watch.watched();
    if watched.is_empty() {
        return Ok(());
    }
    let rows = grants::rows_by_id(kernel.store.reader(), watched.clone()).await?;
    for id in watched {
        let row = rows.iter().find(|row| row.id == id);
        let open = row.is_some_and(|row| grant::is_open(row.state, row.from_at, row.until_at, now));
        if !open {
            watch.set(&id, GrantState::Shut);
        }
    }
    Ok(())
}

/// Runs until the process ends. When the store cannot be read, every stream is stopped: nobody knows any
/// more whether it may go on.
pub async fn run(kernel: Arc<Kernel>, watch: Arc<GrantWatch>) {
    let mut events = kernel.events.subscribe();
    let mut tick = tokio::time::interval(LOOK_EVERY);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = tick.tick() => {}
            event = events.recv() => match event {
                Ok(event) if event.topic == grants::TOPIC => {}
                Ok(_) => continue,
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => { tick.tick().await; }
            },
        }
        if let Err(error) = look(&kernel, &watch, kernel.clock.now()).await {
            tracing::error!(code = error.code(), "grants cannot be read, streams are stopped");
            for id in watch.watched() {
                watch.set(&id, GrantState::Shut);
            }
        }
    }
}
