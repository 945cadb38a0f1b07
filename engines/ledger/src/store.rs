//! The writer's side of storage, as a contract.

use crate::log::Head;
use crate::read::TileReader;
use crate::tile::TileFile;
use crate::types::TreeSize;

/// What a storage failure says to those who run the log; paths may stand in it, entries never.
#[derive(Debug, thiserror::Error)]
#[error("ledger storage failed: {context}")]
pub struct StoreError {
    context: String,
    #[source]
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl StoreError {
    pub fn new(context: impl Into<String>, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self { context: context.into(), source: Some(source.into()) }
    }

    pub fn message(context: impl Into<String>) -> Self {
        Self { context: context.into(), source: None }
    }
}

/// Consecutive entries that become durable together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    pub from: Head,
    pub to: Head,
    /// Framed as they stand in the log, chain line included.
    pub entries: Vec<Vec<u8>>,
}

/// What a store remembers when a log is opened.
#[derive(Clone, Debug, Default)]
pub struct Loaded {
    /// The head whose tiles are durable; `None` for a store never used.
    pub base: Option<Head>,
    /// The committed batches after it, in order.
    pub batches: Vec<Batch>,
    /// Sizes at which later journals begin. A stop while old journals are dropped can make any of
    /// them the base, so recovery writes their partial tiles too.
    pub later_bases: Vec<TreeSize>,
    /// The published checkpoint; `None` when none was ever published.
    pub published: Option<Vec<u8>>,
}

/// Where a log writes. One log at a time uses it; after any error no other call follows, except
/// `load` on a store opened anew.
///
/// The order of calls is the order of durability:
/// `stage` → `swap` → (acknowledge) → `apply` → `publish`, and from time to time `rotate` → `settle`.
pub trait LogStore: TileReader {
    /// What is remembered. Committed batches are there, uncommitted ones are not, and damage that
    /// cannot come from a stop in mid-write is an error.
    fn load(&mut self) -> Result<Loaded, StoreError>;

    /// Makes `batch` ready to be committed. It need not be durable before `swap` returns.
    fn stage(&mut self, batch: &Batch) -> Result<(), StoreError>;

    /// The commit point: moves the head from `from` to `to` if `from` is the current one. When it
    /// returns, the staged batch and the new head are durable; when it fails, nobody knows.
    fn swap(&mut self, from: &Head, to: &Head) -> Result<(), StoreError>;

    /// Writes tiles and bundles. They need not be durable before `settle` says so: until then
    /// `load` still gives the batches they came from. Tiles of the base are durable and must not be
    /// touched again, not even with the same bytes: a stop in mid-write would take them away.
    fn apply(&mut self, files: &[TileFile]) -> Result<(), StoreError>;

    /// Replaces the public checkpoint in one step; readers see the old or the new one.
    fn publish(&mut self, checkpoint: &str) -> Result<(), StoreError>;

    /// Begins a new journal at `base`, all of which has been applied.
    fn rotate(&mut self, base: &Head) -> Result<(), StoreError>;

    /// One bounded step towards forgetting the batches before the last `rotate`: makes what was
    /// applied for them durable, then drops them. `true` when nothing is left to do.
    fn settle(&mut self) -> Result<bool, StoreError>;

    /// Bytes of journal since the last `rotate`.
    fn journal_bytes(&self) -> u64;
}
