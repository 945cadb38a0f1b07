//! Arrow IPC and Parquet: columns stay columns.

use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::datatypes::SchemaRef;
use arrow::ipc::writer::StreamWriter;
use arrow::record_batch::RecordBatch;
use datafusion::parquet::arrow::ArrowWriter;
use datafusion::parquet::basic::Compression;
use datafusion::parquet::file::properties::WriterProperties;

use super::{Encoder, failed};
use crate::error::Result;

/// A Parquet row group is written out when it has grown to this size, or to this many rows.
const ROW_GROUP_BYTES: usize = 16 << 20;
const ROW_GROUP_ROWS: usize = 256 * 1024;

/// Where a writer leaves bytes for us to take.
#[derive(Clone, Default)]
struct Outbox(Arc<Mutex<Vec<u8>>>);

impl Outbox {
    fn take(&self) -> Vec<u8> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Write for Outbox {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

pub(super) struct Ipc {
    writer: StreamWriter<Outbox>,
    outbox: Outbox,
}

impl Ipc {
    pub(super) fn new(schema: &SchemaRef) -> Result<Self> {
        let outbox = Outbox::default();
        let writer = StreamWriter::try_new(outbox.clone(), schema).map_err(|_e| failed("arrow schema"))?;
        Ok(Self { writer, outbox })
    }
}

impl Encoder for Ipc {
    fn batch(&mut self, batch: &RecordBatch) -> Result<Vec<u8>> {
        self.writer.write(batch).map_err(|_e| failed("arrow batch"))?;
        Ok(self.outbox.take())
    }

    fn end(mut self: Box<Self>) -> Result<Vec<u8>> {
        self.writer.finish().map_err(|_e| failed("arrow end"))?;
        Ok(self.outbox.take())
    }
}

pub(super) struct Parquet {
    writer: ArrowWriter<Outbox>,
    outbox: Outbox,
}

impl Parquet {
    pub(super) fn new(schema: &SchemaRef) -> Result<Self> {
        let outbox = Outbox::default();
        let properties = WriterProperties::builder()
            .set_compression(Compression::UNCOMPRESSED)
            .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
            .build();
        let writer = ArrowWriter::try_new(outbox.clone(), Arc::clone(schema), Some(properties))
            .map_err(|_e| failed("parquet schema"))?;
        Ok(Self { writer, outbox })
    }
}

impl Encoder for Parquet {
    fn batch(&mut self, batch: &RecordBatch) -> Result<Vec<u8>> {
        self.writer.write(batch).map_err(|_e| failed("parquet batch"))?;
        if self.writer.in_progress_size() > ROW_GROUP_BYTES {
            self.writer.flush().map_err(|_e| failed("parquet row group"))?;
        }
        Ok(self.outbox.take())
    }

    fn end(self: Box<Self>) -> Result<Vec<u8>> {
        self.writer.close().map_err(|_e| failed("parquet end"))?;
        Ok(self.outbox.take())
    }
}
