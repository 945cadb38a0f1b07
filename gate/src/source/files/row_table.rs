//! A file read row by row: only the wanted columns are built, and reading stops when nobody listens.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::Result as DfResult;
use datafusion::execution::TaskContext;
use datafusion::logical_expr::{Expr, TableType};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::SendableRecordBatchStream;
use datafusion::physical_plan::stream::RecordBatchReceiverStream;
use datafusion::physical_plan::streaming::{PartitionStream, StreamingTableExec};

use crate::error::Result;
use crate::source::cells::Rows;
use crate::source::{cells, fault};

/// Reads rows of one file into builders.
pub(super) trait RowFormat: fmt::Debug + Send + Sync {
    /// Gives each batch to `send`, which answers whether more are wanted.
    fn read(&self, job: &ReadJob, rows: Rows, send: &mut dyn FnMut(RecordBatch) -> bool) -> Result<()>;
}

/// One reading of one file.
#[derive(Clone, Debug)]
pub(super) struct ReadJob {
    pub path: PathBuf,
    pub table: String,
    /// All columns, as they were when the file was looked at.
    pub schema: SchemaRef,
    /// Places of the wanted columns in `schema`, in the order of the result.
    pub wanted: Vec<usize>,
}

#[derive(Debug)]
pub(super) struct RowTable {
    path: PathBuf,
    table: String,
    schema: SchemaRef,
    format: Arc<dyn RowFormat>,
}

impl RowTable {
    pub(super) fn new(path: PathBuf, table: &str, schema: SchemaRef, format: Arc<dyn RowFormat>) -> Self {
        Self { path, table: table.to_owned(), schema, format }
    }
}

#[async_trait]
impl TableProvider for RowTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        _state: &dyn Session,
        projection: Option<&Vec<usize>>,
        _filters: &[Expr],
        limit: Option<usize>,
    ) -> DfResult<Arc<dyn ExecutionPlan>> {
        let wanted = projection.cloned().unwrap_or_else(|| (0..self.schema.fields().len()).collect());
        let schema = cells::project(&self.schema, projection).map_err(fault::external)?;
        let job =
            ReadJob { path: self.path.clone(), table: self.table.clone(), schema: Arc::clone(&self.schema), wanted };
        let partition = RowPartition { job, schema: Arc::clone(&schema), format: Arc::clone(&self.format) };
        let scan = StreamingTableExec::try_new(schema, vec![Arc::new(partition)], None, None, false, limit)?;
        Ok(Arc::new(scan))
    }
}

#[derive(Debug)]
struct RowPartition {
    job: ReadJob,
    /// Of the wanted columns.
    schema: SchemaRef,
    format: Arc<dyn RowFormat>,
}

impl PartitionStream for RowPartition {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _context: Arc<TaskContext>) -> SendableRecordBatchStream {
        let mut builder = RecordBatchReceiverStream::builder(Arc::clone(&self.schema), 2);
        let (sender, format, job) = (builder.tx(), Arc::clone(&self.format), self.job.clone());
        let schema = Arc::clone(&self.schema);
        builder.spawn_blocking(move || {
            let mut send = |batch| sender.blocking_send(Ok(batch)).is_ok();
            let read = Rows::new(schema).and_then(|rows| format.read(&job, rows, &mut send));
            read.map_err(fault::external)
        });
        builder.build()
    }
}

pub(super) fn open(path: &Path, table: &str) -> Result<std::fs::File> {
    std::fs::File::open(path).map_err(|_e| fault::vanished(table))
}
