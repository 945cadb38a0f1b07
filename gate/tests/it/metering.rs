//! Quotas, stops, and rows released never above rows recorded.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use arrow::array::{Int64Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::TableProvider;
use datafusion::catalog::streaming::StreamingTable;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::PartitionStream;
use futures::StreamExt;
use hufu_gate::error::{Error, Kind, Result};
use hufu_gate::mandate::{GrantState, Mandate};
use hufu_gate::record::{BeginRecord, EndRecord, NotRecorded, Outcome, RecordHandle, Recorder, RefusedRecord};
use hufu_gate::source::{Probe, Source, SourceKind, TableInfo, TableSchema};
use hufu_gate::{FIRST_RESERVATION_ROWS, Gate, GateConfig, Opened, Statement, open};

use crate::world::{World, clear, drain, noon};

#[tokio::test(flavor = "multi_thread")]
async fn sha_3_rows_per_result_and_per_day_end_a_stream() {
    let world = World::new();
    let mandate = |per_result, left| {
        let mut table = world.visits();
        table.quota.rows_per_result = per_result;
        table.quota.rows_left_today = left;
        world.mandate_of(vec![table])
    };
    let sql = "SELECT visit FROM visits";
    let (rows, error) = until_error(open(&world.gate, mandate(120, 1_000), Statement::new(sql)).await.unwrap()).await;
    assert_eq!((rows, error.unwrap().code), (120, "GATE-ROWS-PER-RESULT"));
    let exact = open(&world.gate, mandate(300, 1_000), Statement::new(sql)).await.unwrap();
    assert_eq!(until_error(exact).await.0, 300);
    // 580 are left of the thousand; the mandate's own figure is older and does not know it.
    let (rows, error) = until_error(open(&world.gate, mandate(300, 1_000), Statement::new(sql)).await.unwrap()).await;
    assert_eq!((rows, error.is_none()), (300, true));
    let (rows, error) = until_error(open(&world.gate, mandate(300, 1_000), Statement::new(sql)).await.unwrap()).await;
    assert_eq!((rows, error.unwrap().code), (280, "GATE-ROWS-PER-DAY"));
    let error = open(&world.gate, mandate(300, 1_000), Statement::new(sql)).await.unwrap_err();
    assert_eq!((error.kind, error.code), (Kind::Quota, "GATE-ROWS-PER-DAY"));
    // Midnight in China is four in the afternoon UTC.
    *world.now.lock().unwrap() = noon() + chrono::Duration::hours(13);
    assert_eq!(until_error(open(&world.gate, mandate(300, 1_000), Statement::new(sql)).await.unwrap()).await.0, 300);
    for end in world.book.ends() {
        assert!(end.rows <= 300);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sha_3_calls_per_minute_are_counted_by_grant() {
    let world = World::new();
    let call = || {
        let mut table = world.visits();
        table.quota.calls_per_minute = 3;
        open(&world.gate, world.mandate_of(vec![table]), Statement::new("SELECT visit FROM visits LIMIT 1"))
    };
    for _ in 0..3 {
        drain(call().await.unwrap()).await.unwrap();
    }
    assert_eq!(call().await.unwrap_err().code, "GATE-RATE");
    // Another grant is not touched by it.
    assert_eq!(world.rows("SELECT name FROM persons LIMIT 1").await.len(), 1);
    *world.now.lock().unwrap() = noon() + chrono::Duration::seconds(61);
    drain(call().await.unwrap()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn sha_3_a_running_stream_stops_within_a_second() {
    type Act = fn(&World, &Opened);
    let acts: [(&str, Act); 4] = [
        ("GATE-REVOKED", |world, _| _ = world.state.send_replace(GrantState::Shut)),
        ("GATE-EXPIRED", |world, _| *world.now.lock().unwrap() = noon() + chrono::Duration::days(31)),
        ("GATE-CANCELLED", |_, opened| opened.cancel.cancel()),
        ("GATE-TIMEOUT", |_, _| {}),
    ];
    for (code, act) in acts {
        let timeout = Duration::from_secs(if code == "GATE-TIMEOUT" { 1 } else { 600 });
        // With one partition the engine passes on what it has; with more it gathers full batches first.
        let world = World::with(GateConfig { timeout, parallelism: 1, ..GateConfig::default() });
        let started = Instant::now();
        let mut opened = open(&world.gate, stalling(&world), Statement::new("SELECT n FROM stalling")).await.unwrap();
        assert_eq!(opened.rows.next().await.unwrap().unwrap().num_rows(), 10);
        let acted = Instant::now();
        act(&world, &opened);
        // The source gives nothing any more and never ends.
        let error = opened.rows.next().await.unwrap().unwrap_err();
        assert_eq!((error.kind, error.code), (Kind::Stopped, code));
        assert!(acted.elapsed() < Duration::from_secs(1) || code == "GATE-TIMEOUT", "{code}");
        assert!(started.elapsed() < Duration::from_secs(3));
        assert!(opened.rows.next().await.is_none());
        let end = world.book.end_of(opened.index).await;
        assert_eq!((end.rows, end.outcome), (10, Outcome::Failed { kind: Kind::Stopped, code }));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sha_3_a_shut_or_expired_grant_opens_nothing() {
    let world = World::new();
    world.state.send_replace(GrantState::Shut);
    assert_eq!(world.refusal("SELECT name FROM persons").await.code, "GATE-REVOKED");
    assert_eq!(world.refusal("EXPLAIN SELECT name FROM persons").await.code, "GATE-REVOKED");
    world.state.send_replace(GrantState::Open);
    *world.now.lock().unwrap() = noon() + chrono::Duration::days(30);
    assert_eq!(world.refusal("SELECT name FROM persons WHERE false").await.code, "GATE-EXPIRED");
    // What needs no grant is not stopped by one.
    assert_eq!(world.rows("SELECT 1").await, ["1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn ops_a_query_that_needs_too_much_memory_is_refused() {
    let world = World::with(GateConfig { memory_bytes: 2_000_000, parallelism: 2, ..GateConfig::default() });
    let sql = "SELECT a.id_card, b.place FROM persons a CROSS JOIN visits b ORDER BY b.place, a.token";
    assert_eq!(world.refusal(sql).await.code, "GATE-MEMORY");
    assert_eq!(world.rows("SELECT 1").await, ["1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn sha_4_released_le_recorded_wherever_the_record_fails() {
    // About 800,000 rows: the first reservation and some extensions.
    let sql = "SELECT a.visits FROM persons a CROSS JOIN visits b";
    for fail_at in 0..7 {
        let world = World::new();
        *world.book.fail_at.lock().unwrap() = Some(fail_at);
        let Ok(mut opened) = world.open(sql).await else {
            assert_eq!(fail_at, 0);
            continue;
        };
        let mut released = 0_u64;
        let mut failed = false;
        while let Some(batch) = opened.rows.next().await {
            match batch {
                Ok(batch) => {
                    assert!(!failed, "rows after an error");
                    released += batch.num_rows() as u64;
                    assert!(released <= world.book.recorded(opened.index));
                }
                Err(error) => {
                    assert_eq!(error.kind, Kind::Record);
                    failed = true;
                }
            }
        }
        assert!(failed || fail_at > 5, "failure {fail_at} went unnoticed");
        assert!(released <= world.book.recorded(opened.index));
        if let Some(end) = world.book.ends().pop() {
            assert_eq!(end.rows, released);
        }
    }
}

/// A child process streams rows with its records in a file, telling how many it has released, and
/// is killed at random moments. The file must always promise at least what was told.
#[test]
fn sha_4_released_le_recorded_across_kill_9() {
    let dir = tempfile::tempdir().unwrap();
    let mut streamed = 0;
    for round in 0..12_u64 {
        let records = dir.path().join(format!("records-{round}"));
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["metering::child_that_streams", "--exact", "--nocapture", "--test-threads=1"])
            .env("HUFU_TEST_RECORDS", &records)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let told = BufReader::new(child.stdout.take().unwrap());
        let mut released = 0_u64;
        let mut lines_left = 1 + (round * 7) % 40;
        for line in told.lines() {
            let Ok(line) = line else { break };
            let Some(rows) = line.strip_prefix("released ") else { continue };
            released = rows.parse().unwrap();
            lines_left -= 1;
            if lines_left == 0 {
                child.kill().unwrap();
                break;
            }
        }
        child.wait().unwrap();
        let recorded = std::fs::read_to_string(&records).unwrap();
        let promised = recorded.lines().filter_map(|line| line.parse::<u64>().ok()).max().unwrap_or(0);
        assert!(released <= promised, "round {round}: {released} released, {promised} recorded");
        streamed += released;
    }
    assert!(streamed > FIRST_RESERVATION_ROWS, "the child did stream: {streamed}");
}

/// Runs only as a child of the test above; alone it has nothing to do.
#[tokio::test(flavor = "multi_thread")]
async fn child_that_streams() {
    let Ok(path) = std::env::var("HUFU_TEST_RECORDS") else { return };
    let world = World::new();
    let file = OpenOptions::new().create(true).append(true).open(path).unwrap();
    let recorder = Arc::new(FileRecorder(Mutex::new(file)));
    let clock: hufu_gate::Clock = Arc::new(noon);
    let gate = Gate::new(&GateConfig::default(), recorder, clock, b"salt").unwrap();
    let sql = "SELECT a.visits FROM persons a CROSS JOIN visits b";
    let mut opened = open(&gate, world.mandate(), Statement::new(sql)).await.unwrap();
    let mut released = 0;
    while let Some(batch) = opened.rows.next().await {
        released += batch.unwrap().num_rows();
        println!("\nreleased {released}");
    }
}

#[derive(Debug)]
struct FileRecorder(Mutex<File>);

impl FileRecorder {
    fn put(&self, rows: u64) -> std::result::Result<(), NotRecorded> {
        let mut file = self.0.lock().unwrap();
        writeln!(file, "{rows}").and_then(|()| file.sync_data()).map_err(|error| NotRecorded(error.to_string()))
    }
}

#[async_trait]
impl Recorder for FileRecorder {
    async fn begin(&self, record: BeginRecord) -> std::result::Result<RecordHandle, NotRecorded> {
        self.put(record.reserved)?;
        Ok(RecordHandle { index: 0 })
    }

    async fn extend(&self, _: &RecordHandle, reserved: u64) -> std::result::Result<(), NotRecorded> {
        self.put(reserved)
    }

    async fn end(&self, _: &RecordHandle, _: EndRecord) -> std::result::Result<(), NotRecorded> {
        Ok(())
    }

    async fn refused(&self, _: RefusedRecord) -> std::result::Result<(), NotRecorded> {
        Ok(())
    }
}

async fn until_error(mut opened: Opened) -> (u64, Option<Error>) {
    let mut rows = 0;
    while let Some(batch) = opened.rows.next().await {
        match batch {
            Ok(batch) => rows += batch.num_rows() as u64,
            Err(error) => return (rows, Some(error)),
        }
    }
    (rows, None)
}

fn stalling(world: &World) -> Mandate {
    let mut table = world.visits();
    table.name = "stalling".to_owned();
    table.source = Arc::new(Stalling);
    table.fields = vec![clear("n")];
    world.mandate_of(vec![table])
}

/// A source that gives ten rows and then hangs, as a database behind a dead line does.
#[derive(Debug)]
struct Stalling;

impl Stalling {
    fn schema() -> SchemaRef {
        Arc::new(Schema::new(vec![Field::new("n", DataType::Int64, false)]))
    }
}

impl PartitionStream for Stalling {
    fn schema(&self) -> &SchemaRef {
        static SCHEMA: std::sync::LazyLock<SchemaRef> = std::sync::LazyLock::new(Stalling::schema);
        &SCHEMA
    }

    fn execute(&self, _: Arc<TaskContext>) -> SendableRecordBatchStream {
        let column = Arc::new(Int64Array::from_iter_values(0..10));
        let batch = RecordBatch::try_new(Stalling::schema(), vec![column]).unwrap();
        let stream = futures::stream::iter([Ok(batch)]).chain(futures::stream::pending());
        Box::pin(RecordBatchStreamAdapter::new(Stalling::schema(), stream))
    }
}

#[async_trait]
impl Source for Stalling {
    fn kind(&self) -> SourceKind {
        SourceKind::Postgres
    }

    async fn probe(&self) -> Result<Probe> {
        Ok(Probe { version: String::new(), latency_ms: 0 })
    }

    async fn tables(&self) -> Result<Vec<TableInfo>> {
        Ok(vec![])
    }

    async fn describe(&self, _: &str) -> Result<TableSchema> {
        Ok(TableSchema { columns: vec![], arrow: Stalling::schema() })
    }

    async fn count(&self, _: &str) -> Result<u64> {
        Ok(10)
    }

    async fn sample(&self, _: &str, _: usize) -> Result<Vec<RecordBatch>> {
        Ok(vec![])
    }

    async fn provider(&self, _: &str) -> Result<Arc<dyn TableProvider>> {
        let table = StreamingTable::try_new(Stalling::schema(), vec![Arc::new(Stalling)]);
        table.map(|table| Arc::new(table) as _).map_err(|_| Error::new(Kind::Source, "TEST", "test"))
    }
}
