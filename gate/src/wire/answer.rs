//! What a statement is answered with.

use std::pin::Pin;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use futures::{Stream, StreamExt};
use pgwire::api::results::Tag;
use pgwire::error::PgWireResult;
use tokio::sync::watch;

use super::command::{self, Copy};
use super::faults;
use crate::error::Result;
use crate::mandate::{GrantState, Mandate, TableMandate};

pub(super) type Batches = Pin<Box<dyn Stream<Item = Result<RecordBatch>> + Send>>;

/// Columns and rows that are still to come.
pub(super) struct Table {
    pub schema: SchemaRef,
    pub batches: Batches,
    pub guard: Guard,
}

impl Table {
    /// Says no once a grant is shut. The gate is asked for its own word first, so that the record says why it ended.
    pub(super) async fn require_open(&mut self) -> PgWireResult<()> {
        let Err(shut) = self.guard.check() else { return Ok(()) };
        match self.batches.next().await {
            Some(Err(error)) => Err(faults::told(&error)),
            _ => Err(shut),
        }
    }
}

/// The grants that an answer stands on. The gate stops at the next batch; rows of a batch that the client
/// takes its time to fetch are held back here.
#[derive(Clone, Debug, Default)]
pub(super) struct Guard(Vec<(String, watch::Receiver<GrantState>)>);

impl Guard {
    /// Of the tables that a statement names.
    pub(super) fn of(mandate: &Mandate, sql: &str) -> Self {
        let named = command::relations(sql);
        let is_named = |t: &&TableMandate| {
            named.iter().any(|n| *n == t.name || n.strip_suffix(&t.name).is_some_and(|schema| schema.ends_with('.')))
        };
        Self(mandate.tables.iter().filter(is_named).map(|t| (t.grant.clone(), t.state.clone())).collect())
    }

    fn check(&self) -> PgWireResult<()> {
        for (grant, state) in &self.0 {
            if *state.borrow() != GrantState::Open || state.has_changed().is_err() {
                let message = format!("授权 {grant} 已暂停或收回,数据传输停止 [GATE-REVOKED]");
                return Err(faults::error(faults::FORBIDDEN, message));
            }
        }
        Ok(())
    }
}

pub(super) enum Answer {
    Rows {
        table: Table,
        tag: &'static str,
    },
    Copy {
        table: Table,
        copy: Copy,
    },
    Done(Tag),
    Begun,
    /// Commit or rollback.
    Ended(Tag),
}

/// A query whose rows are fetched piece by piece. It goes on being metered, and stops when its grant does.
pub(super) struct Cursor {
    table: Table,
    rest: Option<RecordBatch>,
}

impl Cursor {
    pub(super) fn new(table: Table) -> Self {
        Self { table, rest: None }
    }

    pub(super) fn schema(&self) -> SchemaRef {
        SchemaRef::clone(&self.table.schema)
    }

    pub(super) async fn next(&mut self, mut rows: usize) -> PgWireResult<Vec<RecordBatch>> {
        self.table.require_open().await?;
        let mut taken = Vec::new();
        while rows > 0 {
            let batch = match self.rest.take() {
                Some(batch) => batch,
                None => match self.table.batches.next().await {
                    Some(batch) => batch.map_err(|e| faults::told(&e))?,
                    None => break,
                },
            };
            if batch.num_rows() > rows {
                self.rest = Some(batch.slice(rows, batch.num_rows() - rows));
                taken.push(batch.slice(0, rows));
                break;
            }
            rows -= batch.num_rows();
            taken.push(batch);
        }
        Ok(taken)
    }
}
