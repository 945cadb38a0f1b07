//! From the log into the metadata copy: rows get the index that the sequencer fixed.
//!
//! Only the projector sets an index, and in the order of the log; so the highest index any row has says
//! where reading goes on after a stop. A command's row is there before its entry and gets its index;
//! an entry that came without a command (access to data) gets its row here.

use std::sync::{Arc, Weak};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sea_orm::sea_query::OnConflict;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use tokio::sync::mpsc::{self, Receiver};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::{Column, Entity, Entry, row};
use crate::error::{Error, Result};
use crate::ledger::{DirReader, Ledger, OnDurable};
use crate::store::Store;

/// Rows of one statement; sixteen parameters each stay below what both stores take.
const ROWS_MAX: usize = 500;
/// Entries of one transaction.
const ENTRIES_MAX: usize = 4000;
/// Durable batches that may wait; beyond, the projector reads them from the log instead.
const BATCHES_MAX: usize = 4096;
/// A batch waits this long for company, so that many entries share one transaction.
const LINGER: Duration = Duration::from_millis(10);
/// Pause after a fault of the store.
const RETRY: Duration = Duration::from_millis(500);

/// A durable entry on its way into the metadata copy.
#[derive(Clone, Debug)]
pub struct Durable {
    pub idx: u64,
    pub body: Vec<u8>,
}

/// The sequencer's side: takes durable batches without ever waiting.
#[derive(Debug)]
pub struct Feed {
    batches: mpsc::Sender<Vec<Durable>>,
    has_gap: Arc<AtomicBool>,
}

/// The store's side, before it runs.
#[derive(Debug)]
pub struct Inlet {
    batches: Receiver<Vec<Durable>>,
    has_gap: Arc<AtomicBool>,
}

/// Both ends: the feed is given to the log when it opens, the inlet to the projector once recovery is over.
pub fn channel() -> (Feed, Inlet) {
    let (sender, receiver) = mpsc::channel(BATCHES_MAX);
    let has_gap = Arc::new(AtomicBool::new(false));
    (Feed { batches: sender, has_gap: Arc::clone(&has_gap) }, Inlet { batches: receiver, has_gap })
}

impl Feed {
    /// As the log wants its hook.
    pub fn hook(self) -> OnDurable {
        Box::new(move |batch| {
            let durable = |entry: &hufu_ledger::Sequenced| Durable { idx: entry.index.0, body: entry.entry.body().to_vec() };
            if self.batches.try_send(batch.iter().map(durable).collect()).is_err() {
                self.has_gap.store(true, Ordering::SeqCst);
            }
        })
    }
}

/// What a start had to repair.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recovery {
    /// Entries of the log that the copy did not have, or not the index of.
    pub projected: u64,
    /// Committed acts whose entry had not reached the log.
    pub appended: u64,
}

/// Makes copy and log agree before anything is served: first what the log has, then what it lacks.
pub async fn recover(store: &Store, ledger: &Ledger) -> Result<Recovery> {
    let projected = catch_up(store, ledger).await?;
    let unsequenced =
        Entity::find().filter(Column::Idx.is_null()).order_by_asc(Column::Id).all(store.reader()).await?;
    let appended = unsequenced.len() as u64;
    for entry in unsequenced {
        let body = entry.body.into_bytes();
        let idx = ledger.append(body.clone()).await?.index.0;
        write(store, &[Durable { idx, body }]).await?;
    }
    Ok(Recovery { projected, appended })
}

/// The running projector; also ends by itself when the log is gone.
#[derive(Debug)]
pub struct Projector {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Projector {
    pub fn start(store: Store, ledger: &Arc<Ledger>, inlet: Inlet) -> Self {
        let (stop, stopped) = watch::channel(false);
        Self { stop, task: tokio::spawn(serve(store, Arc::downgrade(ledger), inlet, stopped)) }
    }

    /// Writes all that the log has handed over, then ends.
    pub async fn finish(self) {
        let _ = self.stop.send(true);
        if let Err(fault) = self.task.await {
            tracing::error!(cause = %fault, "projector ended badly");
        }
    }
}

async fn serve(store: Store, ledger: Weak<Ledger>, mut inlet: Inlet, mut stopped: watch::Receiver<bool>) {
    loop {
        // What is there goes first, so that a stop leaves nothing behind.
        let first = match inlet.batches.try_recv() {
            Ok(first) => Some(first),
            Err(_) if *stopped.borrow() => None,
            Err(_) => tokio::select! {
                first = inlet.batches.recv() => first,
                _ = stopped.changed() => continue,
            },
        };
        let Some(mut entries) = first else { return };
        tokio::time::sleep(LINGER).await;
        while entries.len() < ENTRIES_MAX
            && let Ok(more) = inlet.batches.try_recv()
        {
            entries.extend(more);
        }
        while let Err(error) = write(&store, &entries).await {
            tracing::error!(cause = ?error.cause(), "audit copy not written, trying again");
            tokio::time::sleep(RETRY).await;
        }
        if inlet.has_gap.swap(false, Ordering::SeqCst)
            && let Some(ledger) = ledger.upgrade()
        {
            fill_gap(&store, &ledger).await;
        }
    }
}

/// The feed overflowed: batches are missing behind the ones just written.
async fn fill_gap(store: &Store, ledger: &Ledger) {
    while let Err(error) = catch_up(store, ledger).await {
        tracing::error!(cause = ?error.cause(), "audit copy cannot catch up, trying again");
        tokio::time::sleep(RETRY).await;
    }
}

/// Reads what the log has beyond the highest index in the copy.
async fn catch_up(store: &Store, ledger: &Ledger) -> Result<u64> {
    let from = next_index(store.reader()).await?;
    let size = ledger.checkpoint().await?.size.0;
    if size < from {
        let cause = format!("the log has {size} entries, the metadata copy knows of {from}");
        return Err(Error::unavailable("HF-LEDGER-SHORT", "存证账本少于已登记的记录，已停止启动，请联系安全审计员").because(cause));
    }
    let mut projected = 0;
    while from + projected < size {
        let start = from + projected;
        let end = (start + ENTRIES_MAX as u64).min(size);
        let entries = read_log(ledger.reader().clone(), start, end, size).await?;
        write(store, &entries).await?;
        projected += entries.len() as u64;
    }
    Ok(projected)
}

/// The log's entries `[start, end)`, of a published tree of `size`.
pub(super) async fn read_log(reader: DirReader, start: u64, end: u64, size: u64) -> Result<Vec<Durable>> {
    let read = move || -> Result<Vec<Durable>> {
        let take = usize::try_from(end - start).map_err(Error::internal)?;
        hufu_ledger::entries(&reader, hufu_ledger::Index(start), hufu_ledger::TreeSize(size))
            .take(take)
            .map(|found| {
                let (index, entry) = found.map_err(Error::internal)?;
                Ok(Durable { idx: index.0, body: entry.body().to_vec() })
            })
            .collect()
    };
    tokio::task::spawn_blocking(read).await.map_err(Error::internal)?
}

async fn next_index(db: &impl ConnectionTrait) -> Result<u64> {
    let highest: Option<Option<i64>> = Entity::find()
        .select_only()
        .column_as(Column::Idx.max(), "highest")
        .into_tuple()
        .one(db)
        .await?;
    Ok(highest.flatten().and_then(|idx| u64::try_from(idx).ok()).map_or(0, |idx| idx + 1))
}

/// Rows for entries that have none, indices for rows that have none.
async fn write(store: &Store, entries: &[Durable]) -> Result<()> {
    let mut rows = Vec::with_capacity(entries.len());
    for durable in entries {
        let idx = i64::try_from(durable.idx).map_err(Error::internal)?;
        match serde_json::from_slice::<Entry>(&durable.body) {
            Ok(entry) => rows.push(row(&entry, Some(idx))?),
            // Nobody but a changed log gives such an entry; the comparison of copy and log names it.
            Err(fault) => tracing::error!(idx, cause = %fault, "entry of the log is not of this house"),
        }
    }
    let tx = store.begin().await?;
    for rows in rows.chunks(ROWS_MAX) {
        let upsert = OnConflict::column(Column::Id).update_column(Column::Idx).to_owned();
        Entity::insert_many(rows.to_vec()).on_conflict(upsert).exec_without_returning(tx.db()).await?;
    }
    tx.commit().await?;
    Ok(())
}
