//! Group commit: many writers, one thread, one sync per batch.
//!
//! While the thread waits for the disk, entries queue up; the next batch takes them all. A writer
//! is told its index only after the batch is durable, and entries of one writer that awaits each
//! append keep their order. Tiles and checkpoint follow at most once per `publish_interval`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use hufu_ledger::{BODY_BYTES_MAX, Checkpoint, Hash, Index, LedgerError, Log, LogStore, Sequenced, StoreError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

/// Sees each durable batch, in order, on the writing thread and before the writers are told: it
/// must hand over quickly and never wait for a writer.
pub type OnDurable = Box<dyn FnMut(&[Sequenced]) + Send>;

/// Between two steps of settling when nobody writes.
const SETTLE_PAUSE: Duration = Duration::from_millis(5);

/// Limits and rhythm of the writing thread.
#[derive(Clone, Copy, Debug)]
pub struct SequencerConfig {
    /// Entries waiting or being written; more wait outside.
    pub queue_entries_max: usize,
    pub batch_entries_max: usize,
    pub batch_bytes_max: usize,
    /// Least time between two published checkpoints; the first after a pause comes at once.
    pub publish_interval: Duration,
    /// Journal size at which a new one is begun; bounds what a restart replays.
    pub journal_bytes_max: u64,
}

impl Default for SequencerConfig {
    fn default() -> Self {
        Self {
            queue_entries_max: 8192,
            batch_entries_max: 2048,
            batch_bytes_max: 8 << 20,
            publish_interval: Duration::from_millis(100),
            journal_bytes_max: 16 << 20,
        }
    }
}

/// A durable entry's place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    pub index: Index,
    pub leaf: Hash,
}

/// Why an entry was not acknowledged.
#[derive(Debug, thiserror::Error)]
pub enum SequencerError {
    #[error("ledger entry of {bytes} bytes exceeds {max}")]
    TooLong { bytes: usize, max: usize },
    /// It was not written, and none will be until the log is opened anew.
    #[error("ledger has stopped")]
    Stopped,
    /// The storage failed while it was being written: whether it is in the log is known after the
    /// log has been opened anew.
    #[error("ledger storage failed during the append")]
    Unknown,
}

/// The writers' side of a log; dropping it publishes what is left and ends the thread.
#[derive(Debug)]
pub struct Sequencer {
    requests: Option<Sender<Request>>,
    places: Arc<Semaphore>,
    stopped: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
enum Request {
    Append(Append),
    Publish(oneshot::Sender<Checkpoint>),
}

#[derive(Debug)]
struct Append {
    body: Vec<u8>,
    reply: oneshot::Sender<Result<Appended, SequencerError>>,
    _place: OwnedSemaphorePermit,
}

impl Sequencer {
    pub fn start<S: LogStore + Send + 'static>(
        log: Log<S>,
        config: SequencerConfig,
        on_durable: OnDurable,
    ) -> Result<Self, LedgerError> {
        let (requests, receiver) = channel();
        let stopped = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&stopped);
        let thread = std::thread::Builder::new()
            .name("ledger".to_owned())
            .spawn(move || {
                let _flag = StopFlag(flag);
                let mut writer = Writer { log, config, on_durable, published_at: None };
                if let Err(error) = writer.run(&receiver) {
                    tracing::error!(error = &error as &dyn std::error::Error, "ledger stopped");
                }
            })
            .map_err(|error| StoreError::new("start the ledger thread", error))?;
        let places = Arc::new(Semaphore::new(config.queue_entries_max));
        Ok(Self { requests: Some(requests), places, stopped, thread: Some(thread) })
    }

    /// Returns when the entry is durable and its index fixed. If the caller goes away before, the
    /// entry may still be written.
    pub async fn append(&self, body: Vec<u8>) -> Result<Appended, SequencerError> {
        if body.len() > BODY_BYTES_MAX {
            return Err(SequencerError::TooLong { bytes: body.len(), max: BODY_BYTES_MAX });
        }
        let place = Arc::clone(&self.places).acquire_owned().await.map_err(|_| SequencerError::Stopped)?;
        let (reply, answer) = oneshot::channel();
        self.send(Request::Append(Append { body, reply, _place: place }))?;
        // A dropped reply is an entry that was never taken from the queue.
        answer.await.unwrap_or(Err(SequencerError::Stopped))
    }

    /// Publishes everything sequenced before this call.
    pub async fn publish(&self) -> Result<Checkpoint, SequencerError> {
        let (reply, answer) = oneshot::channel();
        self.send(Request::Publish(reply))?;
        answer.await.map_err(|_| SequencerError::Stopped)
    }

    pub fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Acquire)
    }

    /// Publishes what is left and waits for the thread's end.
    pub async fn close(mut self) {
        self.requests = None;
        let thread = self.thread.take();
        let joined = tokio::task::spawn_blocking(move || thread.map(JoinHandle::join)).await;
        if !matches!(joined, Ok(Some(Ok(())))) {
            tracing::error!("ledger thread ended badly");
        }
    }

    fn send(&self, request: Request) -> Result<(), SequencerError> {
        let requests = self.requests.as_ref().ok_or(SequencerError::Stopped)?;
        requests.send(request).map_err(|_| SequencerError::Stopped)
    }
}

impl Drop for Sequencer {
    fn drop(&mut self) {
        self.requests = None;
        if let Some(thread) = self.thread.take() {
            // The thread has logged its own failure; a drop has nobody to tell.
            let _ended = thread.join();
        }
    }
}

/// Tells that the thread has ended, however it ended.
struct StopFlag(Arc<AtomicBool>);

impl Drop for StopFlag {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

struct Writer<S> {
    log: Log<S>,
    config: SequencerConfig,
    on_durable: OnDurable,
    published_at: Option<Instant>,
}

impl<S: LogStore> Writer<S> {
    fn run(&mut self, requests: &Receiver<Request>) -> Result<(), LedgerError> {
        loop {
            let first = match self.wait() {
                None => requests.recv().map_err(|_| RecvTimeoutError::Disconnected),
                Some(wait) => requests.recv_timeout(wait),
            };
            match first {
                Ok(first) => self.work(first, requests)?,
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    self.log.integrate()?;
                    return Ok(());
                }
            }
            if self.wait().is_some_and(|wait| wait.is_zero()) {
                self.publish()?;
            }
            self.log.tidy(self.config.journal_bytes_max)?;
        }
    }

    /// How long the thread may wait for work; `None` when nothing is left to publish or to settle.
    fn wait(&self) -> Option<Duration> {
        if self.log.published().is_some_and(|published| published.size == self.log.head().size) {
            return self.log.is_settling().then_some(SETTLE_PAUSE);
        }
        let since = self.published_at.map_or(Duration::MAX, |at| at.elapsed());
        Some(self.config.publish_interval.saturating_sub(since))
    }

    /// Writes what is queued as one batch, then answers those who asked for a checkpoint.
    fn work(&mut self, first: Request, requests: &Receiver<Request>) -> Result<(), LedgerError> {
        let (mut bodies, mut replies, mut publish) = (Vec::new(), Vec::new(), Vec::new());
        let mut bytes = 0;
        let mut next = Some(first);
        while let Some(request) = next {
            match request {
                Request::Publish(reply) => publish.push(reply),
                Request::Append(append) => {
                    bytes += append.body.len();
                    bodies.push(append.body);
                    replies.push((append.reply, append._place));
                }
            }
            let full = bodies.len() >= self.config.batch_entries_max || bytes >= self.config.batch_bytes_max;
            next = if full { None } else { requests.try_recv().ok() };
        }
        match self.log.append(&bodies) {
            Ok(sequenced) => {
                if !sequenced.is_empty() {
                    (self.on_durable)(&sequenced);
                }
                for ((reply, _), one) in replies.into_iter().zip(&sequenced) {
                    // The writer may have gone away; its entry stays.
                    let _gone = reply.send(Ok(Appended { index: one.index, leaf: one.leaf }));
                }
            }
            Err(error) => {
                for (reply, _) in replies {
                    let _gone = reply.send(Err(SequencerError::Unknown));
                }
                return Err(error);
            }
        }
        if !publish.is_empty() {
            let checkpoint = self.publish()?;
            for reply in publish {
                let _gone = reply.send(checkpoint.clone());
            }
        }
        Ok(())
    }

    fn publish(&mut self) -> Result<Checkpoint, LedgerError> {
        let checkpoint = self.log.integrate()?.clone();
        self.published_at = Some(Instant::now());
        Ok(checkpoint)
    }
}
