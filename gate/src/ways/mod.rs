//! Rows on their way to a client: batches in, bytes out, one batch in memory at a time.
//!
//! A failure in the middle ends the bytes where they are: JSON stays open, Arrow and Parquet lack
//! their end, so that nobody takes half an answer for a whole one.

mod columnar;
mod csv;
mod json;
mod text;

use std::pin::Pin;
use std::task::{Context, Poll};

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use bytes::Bytes;
use futures::Stream;

use crate::error::{Error, Kind, Result};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// One array of objects.
    Json,
    /// One object per line.
    Ndjson,
    /// For spreadsheets: byte order mark, CRLF, no cell that a spreadsheet would compute.
    Csv,
    /// Arrow IPC stream.
    Arrow,
    Parquet,
}

impl Format {
    pub const ALL: [Self; 5] = [Self::Json, Self::Ndjson, Self::Csv, Self::Arrow, Self::Parquet];

    /// By the name that stands in `format=`.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|f| f.name() == name)
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Ndjson => "ndjson",
            Self::Csv => "csv",
            Self::Arrow => "arrow",
            Self::Parquet => "parquet",
        }
    }

    pub fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Ndjson => "application/x-ndjson",
            Self::Csv => "text/csv; charset=utf-8",
            Self::Arrow => "application/vnd.apache.arrow.stream",
            Self::Parquet => "application/vnd.apache.parquet",
        }
    }
}

/// The bytes of `rows` in `format`.
pub fn encode<S>(format: Format, schema: &SchemaRef, rows: S) -> Result<Encoded<S>>
where
    S: Stream<Item = Result<RecordBatch>> + Send + Unpin,
{
    let encoder: Box<dyn Encoder> = match format {
        Format::Json => Box::new(json::Json::array()),
        Format::Ndjson => Box::new(json::Json::lines()),
        Format::Csv => Box::new(csv::Csv::new(schema)),
        Format::Arrow => Box::new(columnar::Ipc::new(schema)?),
        Format::Parquet => Box::new(columnar::Parquet::new(schema)?),
    };
    Ok(Encoded { rows, encoder: Some(encoder) })
}

/// Turns batches into bytes.
trait Encoder: Send {
    /// Bytes that are ready after this batch; may be none.
    fn batch(&mut self, batch: &RecordBatch) -> Result<Vec<u8>>;
    fn end(self: Box<Self>) -> Result<Vec<u8>>;
}

pub struct Encoded<S> {
    rows: S,
    /// Gone when the last bytes are out or something failed.
    encoder: Option<Box<dyn Encoder>>,
}

impl<S> std::fmt::Debug for Encoded<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Encoded").field("ended", &self.encoder.is_none()).finish_non_exhaustive()
    }
}

impl<S> Stream for Encoded<S>
where
    S: Stream<Item = Result<RecordBatch>> + Send + Unpin,
{
    type Item = Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes>>> {
        loop {
            if self.encoder.is_none() {
                return Poll::Ready(None);
            }
            let next = std::task::ready!(Pin::new(&mut self.rows).poll_next(cx));
            let bytes = match (next, self.encoder.take()) {
                (_, None) => return Poll::Ready(None),
                (Some(Ok(batch)), Some(mut encoder)) => {
                    let bytes = encoder.batch(&batch);
                    self.encoder = Some(encoder);
                    bytes
                }
                (Some(Err(error)), Some(_)) => Err(error),
                (None, Some(encoder)) => encoder.end(),
            };
            match bytes {
                Ok(bytes) if bytes.is_empty() => {}
                Ok(bytes) => return Poll::Ready(Some(Ok(bytes.into()))),
                Err(error) => {
                    self.encoder = None;
                    return Poll::Ready(Some(Err(error)));
                }
            }
        }
    }
}

fn failed(what: &str) -> Error {
    Error {
        kind: Kind::Internal,
        code: "GATE-ENCODE",
        message: "结果无法转换为所要的格式".to_owned(),
        internal: Some(what.to_owned()),
    }
}
