//! The stream that leaves: metered, recorded, and stopped at once when its ground is gone.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::execution::SendableRecordBatchStream;
use futures::future::BoxFuture;
use futures::stream::{BoxStream, unfold};
use futures::{Stream, StreamExt};
use tokio::runtime::Handle;
use tokio::time::Instant;

use crate::digest::RowsDigest;
use crate::error::{Error, Kind, Result};
use crate::faults;
use crate::quota::{Limiter, day_used_up};
use crate::record::{EndRecord, Outcome, RecordHandle, Recorder};
use crate::stop::Stops;

/// Rows that may leave before the first extension of a record.
pub const FIRST_RESERVATION_ROWS: u64 = 10_000;
/// Each further reservation is so many times the one before.
const RESERVATION_GROWTH: u64 = 4;

/// Masked rows. Ends with an error when it was stopped, refused or broken off; only a stream that
/// ends without one was complete and is recorded so. Dropping it early is recorded as well.
pub struct Rows {
    schema: SchemaRef,
    stream: BoxStream<'static, Result<RecordBatch>>,
}

impl Rows {
    pub(crate) fn new(schema: SchemaRef, meter: Meter) -> Self {
        let stream = unfold(meter, |mut meter| async move {
            let item = meter.next().await?;
            Some((item, meter))
        });
        Self { schema, stream: stream.boxed() }
    }

    pub fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }
}

impl Stream for Rows {
    type Item = Result<RecordBatch>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.stream.poll_next_unpin(cx)
    }
}

impl fmt::Debug for Rows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rows").field("schema", &self.schema).finish_non_exhaustive()
    }
}

/// What the meter needs to know of one access.
pub(crate) struct Terms {
    pub(crate) recorder: Arc<dyn Recorder>,
    pub(crate) handle: RecordHandle,
    pub(crate) limiter: Arc<Limiter>,
    pub(crate) grants: Vec<String>,
    pub(crate) rows_per_result: u64,
    pub(crate) reserved: u64,
    pub(crate) stops: Stops,
    pub(crate) request_id: String,
    pub(crate) started: Instant,
}

pub(crate) struct Meter {
    terms: Terms,
    input: SendableRecordBatchStream,
    stop: BoxFuture<'static, Error>,
    digest: Option<RowsDigest>,
    released: u64,
    /// Comes after the batch that was cut short.
    next_error: Option<Error>,
    finished: bool,
    runtime: Handle,
}

impl Meter {
    /// To be called on a runtime: an abandoned stream still writes its end.
    pub(crate) fn new(terms: Terms, input: SendableRecordBatchStream) -> Self {
        let stop = terms.stops.wait();
        let digest = Some(RowsDigest::new(&input.schema()));
        let runtime = Handle::current();
        Self { terms, input, stop, digest, released: 0, next_error: None, finished: false, runtime }
    }

    async fn next(&mut self) -> Option<Result<RecordBatch>> {
        if self.finished {
            return None;
        }
        if let Some(error) = self.next_error.take() {
            return Some(Err(self.fail(error).await));
        }
        loop {
            let item = tokio::select! {
                biased;
                error = &mut self.stop => return Some(Err(self.fail(error).await)),
                item = self.input.next() => item,
            };
            match item {
                None => return self.complete().await,
                Some(Err(error)) => {
                    let error = faults::execution(&error, &self.terms.request_id);
                    return Some(Err(self.fail(error).await));
                }
                Some(Ok(batch)) if batch.num_rows() == 0 => {}
                Some(Ok(batch)) => {
                    return Some(match self.release(batch).await {
                        Ok(batch) => Ok(batch),
                        Err(error) => Err(self.fail(error).await),
                    });
                }
            }
        }
    }

    /// Lets a batch go, or as much of it as the quota allows, once the record covers it.
    async fn release(&mut self, batch: RecordBatch) -> Result<RecordBatch> {
        let rows = batch.num_rows() as u64;
        let result_left = self.terms.rows_per_result.saturating_sub(self.released);
        let allowed = self.terms.limiter.take(&self.terms.grants, rows.min(result_left));
        if allowed < rows {
            let error = if allowed == result_left { result_used_up() } else { self.day_used_up() };
            if allowed == 0 {
                return Err(error);
            }
            self.next_error = Some(error);
        }
        let batch = batch.slice(0, usize::try_from(allowed).unwrap_or(usize::MAX).min(batch.num_rows()));
        self.cover(self.released + allowed).await?;
        // The record may have taken its time.
        self.terms.stops.check()?;
        if let Some(digest) = &mut self.digest {
            digest.update(&batch).map_err(|_| Error::new(Kind::Internal, "GATE-DIGEST", "无法计算数据摘要"))?;
        }
        self.released += allowed;
        Ok(batch)
    }

    /// Makes the record say at least `rows`, durably.
    async fn cover(&mut self, rows: u64) -> Result<()> {
        if rows <= self.terms.reserved {
            return Ok(());
        }
        let grown = self.terms.reserved.saturating_mul(RESERVATION_GROWTH).min(self.terms.rows_per_result);
        let reserved = grown.max(rows);
        let extended = tokio::select! {
            biased;
            error = &mut self.stop => return Err(error),
            extended = self.terms.recorder.extend(&self.terms.handle, reserved) => extended,
        };
        extended.map_err(|error| not_recorded(&error))?;
        self.terms.reserved = reserved;
        Ok(())
    }

    async fn complete(&mut self) -> Option<Result<RecordBatch>> {
        self.finished = true;
        let record = self.end_record(Outcome::Complete);
        match self.terms.recorder.end(&self.terms.handle, record).await {
            Ok(()) => None,
            // The rows are out, within their reservation; the reader must not take the answer for complete.
            Err(error) => Some(Err(not_recorded(&error))),
        }
    }

    async fn fail(&mut self, error: Error) -> Error {
        self.finished = true;
        let record = self.end_record(Outcome::Failed { kind: error.kind, code: error.code });
        if let Err(failure) = self.terms.recorder.end(&self.terms.handle, record).await {
            tracing::error!(index = self.terms.handle.index, %failure, "end of access not recorded");
        }
        tracing::warn!(code = error.code, request_id = %self.terms.request_id, internal = error.internal, "stream broken off");
        error
    }

    fn end_record(&mut self, outcome: Outcome) -> EndRecord {
        let digest = self.digest.take();
        EndRecord {
            rows: self.released,
            bytes: digest.as_ref().map_or(0, RowsDigest::bytes),
            duration: self.terms.started.elapsed(),
            digest: digest.map(RowsDigest::finish).unwrap_or_default(),
            outcome,
        }
    }

    fn day_used_up(&self) -> Error {
        day_used_up(&self.terms.grants.join("、"))
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        if self.finished {
            return;
        }
        let record = self.end_record(Outcome::Abandoned);
        let (recorder, handle) = (Arc::clone(&self.terms.recorder), self.terms.handle);
        self.runtime.spawn(async move {
            if let Err(failure) = recorder.end(&handle, record).await {
                tracing::error!(index = handle.index, %failure, "end of access not recorded");
            }
        });
    }
}

pub(crate) fn not_recorded(error: &crate::record::NotRecorded) -> Error {
    Error::new(Kind::Record, "GATE-RECORD", "存证账本暂时无法写入，数据不予输出").with_internal(error.to_string())
}

fn result_used_up() -> Error {
    Error::new(Kind::Quota, "GATE-ROWS-PER-RESULT", "结果行数超过授权的单次上限，其余行未输出，请缩小范围")
}
