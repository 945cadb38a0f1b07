//! Keeping the index in step with the store.

use std::sync::PoisonError;
use std::time::Duration;

use hufu_kernel::command::Kernel;
use hufu_kernel::error::{Error, Result};
use hufu_kernel::event::Event;
use hufu_kernel::ids::ResourceId;
use hufu_kernel::time::Timestamp;
use sea_orm::{ConnectionTrait, Statement};
use serde::{Deserialize, Serialize};
use tantivy::Term;
use tokio::sync::broadcast::error::RecvError;

use super::Search;
use super::index::{Source, document};
use crate::store::{field, resource};

/// Events of this topic carry the id of a changed entry.
pub const TOPIC: &str = "catalog.resource";
/// Topic for many changes at once: the index looks for itself what is new.
pub const TOPIC_MANY: &str = "catalog.resources";
/// How long events are gathered before one commit.
const GATHER: Duration = Duration::from_millis(300);
/// Commands may commit in another order than their moments; so far back is looked again.
const OVERLAP_MS: i64 = 120_000;
/// Entries read and written at once.
const BATCH: u64 = 2_000;

/// What the index has seen of the store; travels with each commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Seen {
    count: i64,
    newest: i64,
}

/// What is to be looked at again.
#[derive(Default)]
struct Due {
    ids: Vec<ResourceId>,
    all: bool,
}

impl Due {
    fn is_any(&self) -> bool {
        self.all || !self.ids.is_empty()
    }

    fn take(&mut self, event: &Event) {
        match (event.topic, event.key.parse()) {
            (TOPIC, Ok(id)) => self.ids.push(id),
            (TOPIC, Err(_)) | (TOPIC_MANY, _) => self.all = true,
            _ => {}
        }
    }
}

impl Search {
    /// Brings the index to the state of the store: nothing when it is there, what is newer when that is enough, else all.
    pub async fn catch_up(&self, db: &impl ConnectionTrait) -> Result<()> {
        let store = seen_in(db).await?;
        let index = self.seen()?;
        if index == Some(store) && self.entries() == store.count {
            return Ok(());
        }
        if let Some(index) = index {
            let from = Timestamp::from_millis(index.newest.saturating_sub(OVERLAP_MS));
            let changed = resource::changed_since(db, from).await?;
            self.put(db, changed, store).await?;
        }
        if self.entries() == store.count { Ok(()) } else { self.rebuild(db).await }
    }

    /// Builds the index anew from the store.
    pub async fn rebuild(&self, db: &impl ConnectionTrait) -> Result<()> {
        let store = seen_in(db).await?;
        self.clear()?;
        let mut last: Option<ResourceId> = None;
        loop {
            let rows = resource::page_after(db, last.as_ref(), BATCH).await?;
            let Some(end) = rows.last() else { break };
            last = Some(end.id.clone());
            let sources = sources(db, rows).await?;
            self.write(sources).await?;
        }
        self.commit(store).await
    }

    /// Puts these entries anew, as they are in the store now.
    pub async fn renew(&self, db: &impl ConnectionTrait, ids: &[ResourceId]) -> Result<()> {
        let store = seen_in(db).await?;
        let rows = resource::find_many(db, ids).await?;
        self.put(db, rows, store).await
    }

    /// Follows the events until the process ends. Whoever assembles the server spawns it once.
    pub async fn follow(self, kernel: std::sync::Arc<Kernel>) {
        let mut events = kernel.events.subscribe();
        let mut due = Due { ids: Vec::new(), all: true };
        loop {
            if due.is_any() {
                tokio::time::sleep(GATHER).await;
                while let Ok(event) = events.try_recv() {
                    due.take(&event);
                }
                let done = match due.all {
                    true => self.catch_up(kernel.store.reader()).await,
                    false => self.renew(kernel.store.reader(), &due.ids).await,
                };
                if let Err(error) = done {
                    tracing::error!(%error, cause = ?error.cause(), "search index is behind the store");
                }
                due = Due::default();
            }
            match events.recv().await {
                Ok(event) => due.take(&event),
                Err(RecvError::Lagged(_)) => due.all = true,
                Err(RecvError::Closed) => return,
            }
        }
    }

    /// Number of entries that can be found.
    pub fn entries(&self) -> i64 {
        i64::try_from(self.0.reader.searcher().num_docs()).unwrap_or(i64::MAX)
    }

    async fn put(&self, db: &impl ConnectionTrait, rows: Vec<resource::Model>, store: Seen) -> Result<()> {
        let mut rows = rows.into_iter().peekable();
        while rows.peek().is_some() {
            let some = rows.by_ref().take(BATCH as usize).collect();
            let sources = sources(db, some).await?;
            self.write(sources).await?;
        }
        self.commit(store).await
    }

    fn seen(&self) -> Result<Option<Seen>> {
        let metas = self.0.index.load_metas().map_err(Error::internal)?;
        Ok(metas.payload.and_then(|text| serde_json::from_str(&text).ok()))
    }

    fn clear(&self) -> Result<()> {
        let writer = self.0.writer.lock().unwrap_or_else(PoisonError::into_inner);
        writer.delete_all_documents().map_err(Error::internal)?;
        Ok(())
    }

    async fn write(&self, sources: Vec<Source>) -> Result<()> {
        let search = self.clone();
        let work = move || -> tantivy::Result<()> {
            let inner = &search.0;
            let writer = inner.writer.lock().unwrap_or_else(PoisonError::into_inner);
            for source in &sources {
                writer.delete_term(Term::from_field_text(inner.fields.id, source.row.id.as_str()));
                writer.add_document(document(&inner.fields, source))?;
            }
            Ok(())
        };
        tokio::task::spawn_blocking(work).await.map_err(Error::internal)?.map_err(Error::internal)
    }

    async fn commit(&self, seen: Seen) -> Result<()> {
        let payload = serde_json::to_string(&seen)?;
        let search = self.clone();
        let work = move || -> tantivy::Result<()> {
            let mut writer = search.0.writer.lock().unwrap_or_else(PoisonError::into_inner);
            let mut prepared = writer.prepare_commit()?;
            prepared.set_payload(&payload);
            prepared.commit()?;
            search.0.reader.reload()
        };
        tokio::task::spawn_blocking(work).await.map_err(Error::internal)?.map_err(Error::internal)
    }
}

async fn seen_in(db: &impl ConnectionTrait) -> Result<Seen> {
    let sql = "SELECT COUNT(*), COALESCE(MAX(updated_at), 0) FROM catalog_resource";
    let row = db.query_one_raw(Statement::from_string(db.get_database_backend(), sql)).await?;
    let row = row.ok_or_else(|| Error::internal("counting entries gave no row"))?;
    Ok(Seen { count: row.try_get_by_index(0)?, newest: row.try_get_by_index(1)? })
}

/// Entries with what else is searched of them.
async fn sources(db: &impl ConnectionTrait, rows: Vec<resource::Model>) -> Result<Vec<Source>> {
    let ids: Vec<ResourceId> = rows.iter().map(|row| row.id.clone()).collect();
    let mut fields = field::of_many(db, &ids).await?;
    let units = crate::units(db, rows.iter().map(|row| row.unit_id.clone())).await?;
    let whole = |row: resource::Model| {
        let unit_name = units.get(&row.unit_id).map(|unit| unit.name.clone()).unwrap_or_default();
        let fields = fields.remove(&row.id).unwrap_or_default();
        Source { row, unit_name, fields }
    };
    Ok(rows.into_iter().map(whole).collect())
}
