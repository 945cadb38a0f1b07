//! The queue: once per key, progress, cancel, retry, recurring, and a process that is killed.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use hufu_kernel::audit::Sequencer;
use hufu_kernel::command::{Ctx, Kernel};
use hufu_kernel::error::{Error, Result};
use hufu_kernel::ids::JobId;
use hufu_kernel::jobs::{self, JobCtx, JobHandler, JobRow, JobState, NewJob, Registry, Runner, RunnerConfig};
use hufu_kernel::policy::Policy;
use hufu_kernel::store::Store;
use hufu_kernel::time::{Clock, ManualClock, SystemClock, Timestamp};
use serde_json::{Value, json};

#[derive(Debug, Default)]
struct Memory(Mutex<u64>);

#[async_trait]
impl Sequencer for Memory {
    async fn append(&self, _: Vec<u8>) -> Result<u64> {
        let mut next = self.0.lock().unwrap();
        *next += 1;
        Ok(*next - 1)
    }
}

async fn kernel_in(dir: &std::path::Path, clock: Arc<dyn Clock>) -> Arc<Kernel> {
    let store = Store::open_embedded(dir).await.unwrap();
    store.migrate(&hufu_kernel::schema::migrations()).await.unwrap();
    Arc::new(Kernel {
        store,
        policy: Policy::load(&[]).unwrap(),
        clock,
        sequencer: Arc::new(Memory::default()),
        events: tokio::sync::broadcast::channel(256).0,
    })
}

async fn put(kernel: &Kernel, new: NewJob) -> JobId {
    let tx = kernel.store.begin().await.unwrap();
    let id = jobs::enqueue(&tx, &Ctx::system(kernel.clock.now(), "r"), new).await.unwrap();
    for event in tx.commit().await.unwrap() {
        let _ = kernel.events.send(event);
    }
    id
}

async fn until(kernel: &Kernel, id: &JobId, state: JobState) -> JobRow {
    for _ in 0..400 {
        let row = jobs::find(kernel.store.reader(), id).await.unwrap();
        if row.state == state {
            return row;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("{:?}", jobs::find(kernel.store.reader(), id).await.unwrap());
}

const FAST: RunnerConfig =
    RunnerConfig { workers: 2, lease: Duration::from_millis(1500), poll: Duration::from_millis(50) };

/// Counts to a number, saving each step, so that a second attempt goes on.
#[derive(Debug, Default)]
struct Count {
    steps: Arc<AtomicUsize>,
    pause: Duration,
}

#[async_trait]
impl JobHandler for Count {
    fn name(&self) -> &'static str {
        "test.count"
    }

    async fn run(&self, job: &JobCtx) -> Result<Value> {
        let total: u64 = job.payload()?;
        let mut done = job.checkpoint::<u64>()?.unwrap_or(0);
        let began_at = done;
        while done < total {
            tokio::time::sleep(self.pause).await;
            done += 1;
            self.steps.fetch_add(1, Ordering::SeqCst);
            job.save(&json!(done)).await?;
            job.progress(done, Some(total), &format!("第{done}步")).await?;
        }
        Ok(json!({ "began_at": began_at, "attempt": job.attempt() }))
    }
}

#[derive(Debug)]
struct Fails(Arc<AtomicUsize>, fn() -> Error);

#[async_trait]
impl JobHandler for Fails {
    fn name(&self) -> &'static str {
        "test.fails"
    }

    async fn run(&self, _: &JobCtx) -> Result<Value> {
        self.0.fetch_add(1, Ordering::SeqCst);
        Err((self.1)())
    }

    fn attempts_max(&self) -> i32 {
        3
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn job_runs_once_per_key_and_tells_its_progress() {
    let dir = tempfile::tempdir().unwrap();
    let kernel = kernel_in(dir.path(), Arc::new(SystemClock)).await;
    let steps = Arc::new(AtomicUsize::new(0));
    let mut told = kernel.events.subscribe();
    let id = put(&kernel, NewJob::new("test.count", json!(3)).once("k")).await;
    assert_eq!(put(&kernel, NewJob::new("test.count", json!(9)).once("k")).await, id, "the same key is the same job");
    let mut registry = Registry::default();
    registry.add(Count { steps: Arc::clone(&steps), pause: Duration::ZERO });
    let runner = Runner::start(Arc::clone(&kernel), registry, FAST);
    let row = until(&kernel, &id, JobState::Done).await;
    runner.stop().await;
    assert_eq!((row.done, row.total, row.current.as_str()), (3, Some(3), "第3步"));
    assert_eq!(row.result.as_deref(), Some("{\"began_at\":0,\"attempt\":1}"));
    assert_eq!(steps.load(Ordering::SeqCst), 3);
    let mut states = Vec::new();
    while let Ok(event) = told.try_recv() {
        if event.key == id.as_str() && !event.data.is_null() {
            states.push((event.data["state"].clone(), event.data["done"].clone()));
        }
    }
    assert!(states.contains(&(json!("running"), json!(3))), "{states:?}");
    assert!(states.contains(&(json!("done"), Value::Null)), "{states:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn job_that_fails_is_tried_again_later_and_given_up_with_its_reason() {
    let dir = tempfile::tempdir().unwrap();
    let clock = Arc::new(ManualClock::at(Timestamp::from_millis(1_000_000)));
    let kernel = kernel_in(dir.path(), clock.clone()).await;
    let runs = Arc::new(AtomicUsize::new(0));
    let mut registry = Registry::default();
    registry.add(Fails(Arc::clone(&runs), || Error::unavailable("T-DOWN", "数据源无响应")));
    let runner = Runner::start(Arc::clone(&kernel), registry, FAST);
    let id = put(&kernel, NewJob::new("test.fails", Value::Null)).await;
    for (attempt, pause_ms) in [(1, 5_000), (2, 10_000)] {
        while jobs::find(kernel.store.reader(), &id).await.unwrap().attempts < attempt {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let row = until(&kernel, &id, JobState::Queued).await;
        assert_eq!(row.run_at.millis() - clock.now().millis(), pause_ms, "each pause is twice the last");
        tokio::time::sleep(Duration::from_millis(200)).await;
        assert_eq!(runs.load(Ordering::SeqCst), attempt as usize, "not before its time");
        clock.advance(chrono::Duration::milliseconds(pause_ms));
    }
    let row = until(&kernel, &id, JobState::Failed).await;
    runner.stop().await;
    assert_eq!((row.attempts, row.code.as_deref(), row.error.as_deref()), (3, Some("T-DOWN"), Some("数据源无响应")));
}

#[tokio::test(flavor = "multi_thread")]
async fn job_with_wrong_input_is_not_tried_again() {
    let dir = tempfile::tempdir().unwrap();
    let kernel = kernel_in(dir.path(), Arc::new(SystemClock)).await;
    let runs = Arc::new(AtomicUsize::new(0));
    let mut registry = Registry::default();
    registry.add(Fails(Arc::clone(&runs), || Error::refused("不行")));
    let runner = Runner::start(Arc::clone(&kernel), registry, FAST);
    let id = put(&kernel, NewJob::new("test.fails", Value::Null)).await;
    until(&kernel, &id, JobState::Failed).await;
    runner.stop().await;
    assert_eq!(runs.load(Ordering::SeqCst), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn job_is_cancelled_waiting_and_running_but_not_ended() {
    let dir = tempfile::tempdir().unwrap();
    let kernel = kernel_in(dir.path(), Arc::new(SystemClock)).await;
    let waiting = put(&kernel, NewJob::new("test.nobody", Value::Null)).await;
    let cancel = |id: JobId| {
        let kernel = Arc::clone(&kernel);
        async move {
            let tx = kernel.store.begin().await.unwrap();
            let outcome = jobs::cancel(&tx, &id, kernel.clock.now()).await;
            tx.commit().await.unwrap();
            outcome.map_err(|error| error.code())
        }
    };
    cancel(waiting.clone()).await.unwrap();
    assert_eq!(cancel(waiting).await, Err("HF-JOB-ENDED"));
    let steps = Arc::new(AtomicUsize::new(0));
    let mut registry = Registry::default();
    registry.add(Count { steps: Arc::clone(&steps), pause: Duration::from_millis(20) });
    let runner = Runner::start(Arc::clone(&kernel), registry, FAST);
    let id = put(&kernel, NewJob::new("test.count", json!(100_000))).await;
    until(&kernel, &id, JobState::Running).await;
    cancel(id.clone()).await.unwrap();
    until(&kernel, &id, JobState::Cancelled).await;
    runner.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn job_that_recurs_is_queued_once_in_each_period() {
    let dir = tempfile::tempdir().unwrap();
    let clock = Arc::new(ManualClock::at(Timestamp::from_millis(60_000)));
    let kernel = kernel_in(dir.path(), clock.clone()).await;
    let runs = Arc::new(AtomicUsize::new(0));
    let registry = || {
        let mut registry = Registry::default();
        registry.every(Duration::from_secs(60), Fails(Arc::clone(&runs), || Error::refused("测试")));
        registry
    };
    let two = [(); 2].map(|()| Runner::start(Arc::clone(&kernel), registry(), FAST));
    for expected in 1..=3 {
        for _ in 0..200 {
            if runs.load(Ordering::SeqCst) >= expected {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
        assert_eq!(runs.load(Ordering::SeqCst), expected, "two processes, one run in each period");
        clock.advance(chrono::Duration::seconds(60));
    }
    for runner in two {
        runner.stop().await;
    }
}

const CHILD_DIR: &str = "HUFU_TEST_JOBS_DIR";

/// The other process of the test below: runs the queue until it is killed.
#[tokio::test(flavor = "multi_thread")]
async fn child_runs_the_queue() {
    let Some(dir) = std::env::var_os(CHILD_DIR) else { return };
    let kernel = kernel_in(std::path::Path::new(&dir), Arc::new(SystemClock)).await;
    let mut registry = Registry::default();
    registry.add(Count { steps: Arc::default(), pause: Duration::from_millis(30) });
    let _runner = Runner::start(kernel, registry, FAST);
    tokio::time::sleep(Duration::from_secs(60)).await;
    panic!("the parent was to end this process");
}

#[tokio::test(flavor = "multi_thread")]
async fn ops_3_job_of_a_killed_process_is_taken_over_and_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let kernel = kernel_in(dir.path(), Arc::new(SystemClock)).await;
    let id = put(&kernel, NewJob::new("test.count", json!(60))).await;
    let mut child = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["jobs::child_runs_the_queue", "--exact", "--nocapture"])
        .env(CHILD_DIR, dir.path())
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let saved = loop {
        let row = jobs::find(kernel.store.reader(), &id).await.unwrap();
        let saved: i64 = row.checkpoint.as_deref().map_or(0, |text| text.parse().unwrap());
        if saved >= 5 {
            break saved;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    };
    child.kill().unwrap();
    child.wait().unwrap();
    let steps = Arc::new(AtomicUsize::new(0));
    let mut registry = Registry::default();
    registry.add(Count { steps: Arc::clone(&steps), pause: Duration::ZERO });
    let runner = Runner::start(Arc::clone(&kernel), registry, FAST);
    let row = until(&kernel, &id, JobState::Done).await;
    runner.stop().await;
    let result: Value = serde_json::from_str(row.result.as_deref().unwrap()).unwrap();
    assert_eq!(result["attempt"], json!(2));
    let began_at = result["began_at"].as_i64().unwrap();
    assert!(began_at >= saved && began_at < 60, "{result} after {saved}");
    assert_eq!(steps.load(Ordering::SeqCst) as i64, 60 - began_at, "no step of the dead process is done again");
}
