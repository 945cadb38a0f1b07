//! Takes jobs from the queue and runs them, each with a heart that keeps its lease.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU8, Ordering};
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::sync::{Semaphore, broadcast, watch};
use tokio::task::{JoinHandle, JoinSet};

use super::store::{self, End, Lease, Model};
use super::{JobHandler, NewJob, TOPIC, enqueue};
use crate::command::{Ctx, Kernel};
use crate::error::{Error, Kind, Result};
use crate::event::Event;
use crate::ids::{EntryId, JobId};
use crate::store::Tx;
use crate::time::Timestamp;

/// Least time between two writes of progress; events are as rare.
const PROGRESS_MILLIS_MIN: i64 = 250;
/// First pause before another attempt; it doubles each time.
const BACKOFF_FIRST: Duration = Duration::from_secs(5);
const BACKOFF_MAX: Duration = Duration::from_secs(3600);

/// Which handlers there are, and which of them run by themselves.
#[derive(Debug, Default)]
pub struct Registry {
    handlers: BTreeMap<&'static str, Arc<dyn JobHandler>>,
    recurring: Vec<(&'static str, Duration)>,
}

impl Registry {
    /// Adds a handler; a second one of the same name takes its place.
    pub fn add(&mut self, handler: impl JobHandler + 'static) -> &mut Self {
        self.handlers.insert(handler.name(), Arc::new(handler));
        self
    }

    /// Adds a handler that is queued once in each period (expiry, reminders), by whichever process is up.
    pub fn every(&mut self, period: Duration, handler: impl JobHandler + 'static) -> &mut Self {
        self.recurring.push((handler.name(), period));
        self.add(handler)
    }

    /// Joins another registry into this one.
    pub fn join(&mut self, other: Registry) -> &mut Self {
        self.handlers.extend(other.handlers);
        self.recurring.extend(other.recurring);
        self
    }
}

#[derive(Clone, Copy, Debug)]
pub struct RunnerConfig {
    /// Jobs at the same time.
    pub workers: usize,
    /// How long a job is held without a heartbeat.
    pub lease: Duration,
    /// How often the queue is looked at when nothing is told.
    pub poll: Duration,
}

impl Default for RunnerConfig {
    fn default() -> Self {
        Self { workers: 4, lease: Duration::from_secs(30), poll: Duration::from_secs(1) }
    }
}

/// The running queue. Dropping it lets jobs go on; `stop` waits for them.
#[derive(Debug)]
pub struct Runner {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Runner {
    pub fn start(kernel: Arc<Kernel>, registry: Registry, config: RunnerConfig) -> Self {
        let (stop, stopped) = watch::channel(false);
        let queue = Queue { kernel, registry, config, owner: EntryId::generate().to_string(), stopped };
        Self { stop, task: tokio::spawn(queue.serve()) }
    }

    /// Takes no more jobs, tells the running ones to stop at their next check (they go on at the next start), and waits.
    pub async fn stop(self) {
        let _ = self.stop.send(true);
        let _ = self.task.await;
    }
}

struct Queue {
    kernel: Arc<Kernel>,
    registry: Registry,
    config: RunnerConfig,
    owner: String,
    stopped: watch::Receiver<bool>,
}

impl Queue {
    async fn serve(mut self) {
        let places = Arc::new(Semaphore::new(self.config.workers));
        let mut running = JoinSet::new();
        let mut told = self.kernel.events.subscribe();
        loop {
            if *self.stopped.borrow() {
                break;
            }
            match self.step(&places, &mut running).await {
                Ok(true) => continue,
                Ok(false) => {}
                Err(error) => tracing::error!(cause = ?error.cause(), code = error.code(), "job queue cannot be read"),
            }
            self.rest(&mut told, &mut running).await;
        }
        while running.join_next().await.is_some() {}
    }

    /// Queues what recurs, then starts one job if there is one and a place for it.
    async fn step(&self, places: &Arc<Semaphore>, running: &mut JoinSet<()>) -> Result<bool> {
        let now = self.kernel.clock.now();
        for (name, period) in &self.registry.recurring {
            self.queue_recurring(name, *period, now).await?;
        }
        let Ok(place) = Arc::clone(places).try_acquire_owned() else { return Ok(false) };
        let names: Vec<&'static str> = self.registry.handlers.keys().copied().collect();
        let Some(seen) = store::next(self.kernel.store.reader(), &names, now).await? else { return Ok(false) };
        let lease = Lease { job: seen.id.clone(), owner: self.owner.clone(), attempt: seen.attempts + 1 };
        let tx = self.kernel.store.begin().await?;
        let taken = store::claim(tx.db(), &seen, &lease, now, self.lease_end(now)).await?;
        tx.commit().await?;
        let Some(handler) = self.registry.handlers.get(seen.name.as_str()).filter(|_| taken) else { return Ok(true) };
        let attempt = Attempt {
            kernel: Arc::clone(&self.kernel),
            handler: Arc::clone(handler),
            config: self.config,
            lease,
            seen,
            stopped: self.stopped.clone(),
        };
        running.spawn(async move {
            attempt.run().await;
            drop(place);
        });
        Ok(true)
    }

    /// The slot of time is the key, so that the store decides which process queues it.
    async fn queue_recurring(&self, name: &'static str, period: Duration, now: Timestamp) -> Result<()> {
        let millis = i64::try_from(period.as_millis()).unwrap_or(i64::MAX).max(1);
        let key = format!("every:{}", now.millis() / millis);
        if store::has_key(self.kernel.store.reader(), name, &key).await? {
            return Ok(());
        }
        let tx = self.kernel.store.begin().await?;
        let ctx = Ctx::system(now, key.clone());
        enqueue(&tx, &ctx, NewJob::new(name, Value::Null).once(key)).await?;
        tx.commit().await?;
        Ok(())
    }

    async fn rest(&mut self, told: &mut broadcast::Receiver<Event>, running: &mut JoinSet<()>) {
        let pause = tokio::time::sleep(self.config.poll);
        tokio::pin!(pause);
        loop {
            tokio::select! {
                () = &mut pause => return,
                _ = self.stopped.changed() => return,
                Some(_) = running.join_next() => return,
                event = told.recv() => match event {
                    // Only news of a queued job wakes; its progress bears data.
                    Ok(event) if event.topic == TOPIC && event.data.is_null() => return,
                    Ok(_) => {}
                    Err(broadcast::error::RecvError::Lagged(_)) => return,
                    Err(broadcast::error::RecvError::Closed) => { (&mut pause).await; return }
                },
            }
        }
    }

    fn lease_end(&self, now: Timestamp) -> Timestamp {
        now.plus(chrono::Duration::from_std(self.config.lease).unwrap_or_default())
    }
}

/// One run of one job.
struct Attempt {
    kernel: Arc<Kernel>,
    handler: Arc<dyn JobHandler>,
    config: RunnerConfig,
    lease: Lease,
    seen: Model,
    stopped: watch::Receiver<bool>,
}

const GO: u8 = 0;
const CANCELLED: u8 = 1;
const STOPPED: u8 = 2;
const LOST: u8 = 3;

impl Attempt {
    async fn run(self) {
        let signal = Arc::new(AtomicU8::new(GO));
        let job = JobCtx {
            kernel: Arc::clone(&self.kernel),
            lease: self.lease.clone(),
            payload: self.seen.payload.clone(),
            checkpoint: self.seen.checkpoint.clone(),
            signal: Arc::clone(&signal),
            stopped: self.stopped.clone(),
            told_at: AtomicI64::new(0),
        };
        let handler = Arc::clone(&self.handler);
        let work = tokio::spawn(async move { handler.run(&job).await });
        let stop_work = work.abort_handle();
        let outcome = tokio::select! {
            outcome = work => outcome.unwrap_or_else(|fault| Err(Error::internal(fault))),
            () = self.beat(&signal) => {
                stop_work.abort();
                tracing::warn!(job = %self.lease.job, "lease lost, attempt dropped");
                return;
            }
        };
        let now = self.kernel.clock.now();
        let end = self.judge(outcome, signal.load(Ordering::SeqCst), now);
        if let Err(error) = self.close(&end, now).await {
            // The lease runs out and the job is taken again.
            tracing::error!(job = %self.lease.job, cause = ?error.cause(), "end of job not written");
        }
    }

    /// Renews the lease until it is lost.
    async fn beat(&self, signal: &AtomicU8) {
        loop {
            tokio::time::sleep(self.config.lease / 3).await;
            let until = self.kernel.clock.now().plus(chrono::Duration::from_std(self.config.lease).unwrap_or_default());
            match self.renew(until).await {
                Ok(Some(true)) => signal.store(CANCELLED, Ordering::SeqCst),
                Ok(Some(false)) => {}
                Ok(None) => {
                    signal.store(LOST, Ordering::SeqCst);
                    return;
                }
                Err(error) => tracing::warn!(job = %self.lease.job, cause = ?error.cause(), "heartbeat failed"),
            }
        }
    }

    async fn renew(&self, until: Timestamp) -> Result<Option<bool>> {
        let tx = self.kernel.store.begin().await?;
        let wish = store::renew(tx.db(), &self.lease, until).await?;
        tx.commit().await?;
        Ok(wish)
    }

    fn judge(&self, outcome: Result<Value>, signal: u8, now: Timestamp) -> End {
        let error = match outcome.and_then(|value| store::bounded(&value)) {
            Ok(result) => return End::Done(result),
            Err(error) => error,
        };
        let is_stopping = error.code() == STOP_CODE;
        if is_stopping && signal == CANCELLED {
            return End::Cancelled;
        }
        if is_stopping {
            return End::Again(now, error);
        }
        tracing::error!(job = %self.lease.job, name = self.seen.name, code = error.code(), cause = ?error.cause(), "job failed");
        let may_help = match error.kind() {
            Kind::Unavailable | Kind::Internal | Kind::Conflict | Kind::TooMany => true,
            Kind::Invalid | Kind::Unauthenticated | Kind::Refused | Kind::NotFound | Kind::TooLarge => false,
        };
        if may_help && self.lease.attempt < self.handler.attempts_max() {
            End::Again(now.plus(backoff(self.lease.attempt)), error)
        } else {
            End::Failed(error)
        }
    }

    async fn close(&self, end: &End, now: Timestamp) -> Result<()> {
        let tx = self.kernel.store.begin().await?;
        store::finish(tx.db(), &self.lease, end, now).await?;
        let state = match end {
            End::Done(_) => "done",
            End::Cancelled => "cancelled",
            End::Again(..) => "queued",
            End::Failed(_) => "failed",
        };
        let mut event = Event::new(TOPIC, self.lease.job.as_str());
        event.data = json!({ "state": state });
        tx.announce(event);
        for event in tx.commit().await? {
            let _ = self.kernel.events.send(event);
        }
        Ok(())
    }
}

const STOP_CODE: &str = "HF-JOB-STOPPED";

fn backoff(attempt: i32) -> chrono::Duration {
    let doublings = u32::try_from(attempt.saturating_sub(1)).unwrap_or(0).min(16);
    let pause = BACKOFF_FIRST.saturating_mul(1 << doublings).min(BACKOFF_MAX);
    chrono::Duration::from_std(pause).unwrap_or_default()
}

/// What a running job knows and may say.
#[derive(Debug)]
pub struct JobCtx {
    kernel: Arc<Kernel>,
    lease: Lease,
    payload: String,
    checkpoint: Option<String>,
    signal: Arc<AtomicU8>,
    stopped: watch::Receiver<bool>,
    told_at: AtomicI64,
}

impl JobCtx {
    pub fn kernel(&self) -> &Arc<Kernel> {
        &self.kernel
    }

    pub fn id(&self) -> &JobId {
        &self.lease.job
    }

    /// 1 on the first run.
    pub fn attempt(&self) -> i32 {
        self.lease.attempt
    }

    /// A request of the system, now; commands of this job are found in the ledger by its id.
    pub fn ctx(&self) -> Ctx {
        Ctx::system(self.kernel.clock.now(), format!("job-{}", self.lease.job))
    }

    pub fn payload<T: DeserializeOwned>(&self) -> Result<T> {
        Ok(serde_json::from_str(&self.payload)?)
    }

    /// What an earlier attempt saved last.
    pub fn checkpoint<T: DeserializeOwned>(&self) -> Result<Option<T>> {
        Ok(self.checkpoint.as_deref().map(serde_json::from_str).transpose()?)
    }

    /// Call between pieces of work: an error when the job is to stop, which the handler hands on.
    pub fn check(&self) -> Result<()> {
        if *self.stopped.borrow() && self.signal.load(Ordering::SeqCst) == GO {
            self.signal.store(STOPPED, Ordering::SeqCst);
        }
        if self.signal.load(Ordering::SeqCst) == GO { Ok(()) } else { Err(stop()) }
    }

    /// Tells how far it is. Cheap to call for every piece: most calls write nothing.
    pub async fn progress(&self, done: u64, total: Option<u64>, current: &str) -> Result<()> {
        self.check()?;
        let now = self.kernel.clock.now().millis();
        let is_last = total == Some(done);
        if !is_last && now - self.told_at.load(Ordering::SeqCst) < PROGRESS_MILLIS_MIN {
            return Ok(());
        }
        self.told_at.store(now, Ordering::SeqCst);
        let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        let tx = self.kernel.store.begin().await?;
        let wish = store::progress(tx.db(), &self.lease, number(done), total.map(number), current).await?;
        tx.commit().await?;
        match wish {
            Some(false) => {}
            Some(true) => self.signal.store(CANCELLED, Ordering::SeqCst),
            None => self.signal.store(LOST, Ordering::SeqCst),
        }
        self.check()?;
        let mut event = Event::new(TOPIC, self.lease.job.as_str());
        event.data = json!({ "state": "running", "done": done, "total": total, "current": current });
        let _ = self.kernel.events.send(event);
        Ok(())
    }

    /// Saves where to go on.
    pub async fn save(&self, value: &Value) -> Result<()> {
        let tx = self.kernel.store.begin().await?;
        self.save_in(&tx, value).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Saves where to go on together with the work itself.
    pub async fn save_in(&self, tx: &Tx, value: &Value) -> Result<()> {
        if store::checkpoint(tx.db(), &self.lease, value).await? { Ok(()) } else { Err(stop()) }
    }
}

fn stop() -> Error {
    Error::conflict(STOP_CODE, "任务已停止")
}
