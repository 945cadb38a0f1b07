//! What is written down of an access, and the promise under which rows leave.
//!
//! The gate does not know where records go. It demands that [`Recorder::begin`] and
//! [`Recorder::extend`] return only when the record is durable, and it releases rows only within
//! the number of rows recorded so far. After a crash at any moment the record therefore says
//! "at most N rows", and N is not exceeded.

use std::fmt::Debug;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use crate::error::Kind;
use crate::mandate::Way;
use crate::redact::Redacted;

/// Why a record could not be made. The cause is for the log.
#[derive(Clone, Debug, thiserror::Error)]
#[error("record not durable: {0}")]
pub struct NotRecorded(pub String);

#[async_trait]
pub trait Recorder: Debug + Send + Sync {
    /// Durable on return. `reserved` rows may then leave.
    async fn begin(&self, record: BeginRecord) -> Result<RecordHandle, NotRecorded>;
    /// Durable on return. `reserved` rows in all may then leave.
    async fn extend(&self, handle: &RecordHandle, reserved: u64) -> Result<(), NotRecorded>;
    /// The access is over. Missing after a crash; the last reservation then stands.
    async fn end(&self, handle: &RecordHandle, record: EndRecord) -> Result<(), NotRecorded>;
    /// Nothing was read: the statement was refused.
    async fn refused(&self, record: RefusedRecord) -> Result<(), NotRecorded>;
}

/// Place of the begin record in the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RecordHandle {
    pub index: u64,
}

/// Who asks, on every record.
#[derive(Clone, Debug)]
pub struct Asker {
    pub principal: String,
    pub unit: String,
    pub client: String,
    pub way: Way,
    pub request_id: String,
    pub at: DateTime<Utc>,
}

#[derive(Clone, Debug)]
pub struct BeginRecord {
    pub asker: Asker,
    pub statement: Redacted,
    pub tables: Vec<TableUse>,
    /// Rows that may leave under this record.
    pub reserved: u64,
}

/// One table that the statement reads, and under what.
#[derive(Clone, Debug)]
pub struct TableUse {
    pub grant: String,
    pub schema: String,
    pub table: String,
    pub purpose: String,
    pub basis: String,
    pub fields: Vec<FieldUse>,
    /// Whether the grant limits the rows.
    pub scoped: bool,
}

/// A field that the statement reads, with its mask in text form: the record of the masking operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldUse {
    pub name: String,
    pub grade: String,
    pub mask: String,
}

#[derive(Clone, Debug)]
pub struct EndRecord {
    pub rows: u64,
    /// Size of the released values in memory.
    pub bytes: u64,
    pub duration: Duration,
    /// Digest of the released rows, see [`crate::digest`].
    pub digest: String,
    pub outcome: Outcome,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The last row was released.
    Complete,
    /// The reader went away.
    Abandoned,
    /// Ended by an error with this code.
    Failed { kind: Kind, code: &'static str },
}

#[derive(Clone, Debug)]
pub struct RefusedRecord {
    pub asker: Asker,
    pub statement: Redacted,
    pub kind: Kind,
    pub code: &'static str,
}
