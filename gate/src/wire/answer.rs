//! What a statement is answered with.

use std::pin::Pin;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use futures::{Stream, StreamExt};
use pgwire::api::results::Tag;

use super::command::Copy;
use crate::error::Result;

pub(super) type Batches = Pin<Box<dyn Stream<Item = Result<RecordBatch>> + Send>>;

/// Columns and rows that are still to come.
pub(super) struct Table {
    pub schema: SchemaRef,
    pub batches: Batches,
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
    pub schema: SchemaRef,
    batches: Batches,
    rest: Option<RecordBatch>,
}

impl Cursor {
    pub(super) fn new(table: Table) -> Self {
        Self { schema: table.schema, batches: table.batches, rest: None }
    }

    pub(super) async fn next(&mut self, mut rows: usize) -> Result<Vec<RecordBatch>> {
        let mut taken = Vec::new();
        while rows > 0 {
            let batch = match self.rest.take() {
                Some(batch) => batch,
                None => match self.batches.next().await {
                    Some(batch) => batch?,
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
