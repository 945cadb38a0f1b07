//! Scan of five million Parquet rows: bare, with three masks, and through the gate.
//!
//! `cargo bench -p hufu-gate --bench mask_scan [-- FILE]`; the file is made if it is not there, and
//! `benches/duckdb_masks.py FILE` runs the same three masks in DuckDB over it.
//! Each line is the best of several runs on two threads.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::{ArrayRef, Int32Array, RecordBatch, StringArray};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use datafusion::catalog::TableProvider;
use datafusion::parquet::arrow::ArrowWriter;
use datafusion::parquet::basic::Compression;
use datafusion::parquet::file::properties::WriterProperties;
use datafusion::prelude::{ParquetReadOptions, SessionConfig, SessionContext};
use futures::StreamExt;
use hufu_gate::error::{Error, Kind, Result};
use hufu_gate::mandate::{FieldMandate, GrantState, Mandate, Quota, TableMandate, Way};
use hufu_gate::record::{BeginRecord, EndRecord, NotRecorded, RecordHandle, Recorder, RefusedRecord};
use hufu_gate::source::{Probe, Source, SourceKind, TableInfo, TableSchema};
use hufu_gate::{Gate, GateConfig, Statement, open};
use hufu_mask::Mask;
use tokio::sync::watch;

const ROWS: usize = 5_000_000;
const CHUNK_ROWS: usize = 250_000;
const RUNS: usize = 7;
const THREADS: usize = 2;
const MASKS: [(&str, &str); 3] = [("id_card", "keep(6,0)"), ("name", "name_to_surname"), ("mobile", "keep(3,4)")];
const QUERY: &str = "SELECT id_card, name, mobile FROM persons";

fn main() -> anyhow::Result<()> {
    let given = std::env::args().skip(1).find(|argument| !argument.starts_with('-')).map(PathBuf::from);
    let path = given.unwrap_or_else(|| std::env::temp_dir().join("hufu-mask-scan.parquet"));
    if !path.exists() {
        generate(&path)?;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(THREADS).enable_all().build()?;
    let table = runtime.block_on(provider(&path))?;
    let bare = best(|| runtime.block_on(scan(&table, &[])))?;
    let masks = MASKS.map(|(_, text)| Mask::parse(text)).into_iter().collect::<Result<Vec<Mask>, _>>()?;
    let masked = best(|| runtime.block_on(scan(&table, &masks)))?;
    let gate = gate()?;
    let governed = best(|| runtime.block_on(through_gate(&gate, &table)))?;
    let planned = best(|| runtime.block_on(first_decision(&gate, &table)))?;
    println!("| 5 million rows, three masks, two threads | s | × bare |");
    println!("|---|---|---|");
    for (name, time) in [("bare scan", bare), ("scan and masks", masked), ("gate: masks, meter, SM3 digest", governed)]
    {
        println!("| {name} | {:.3} | {:.2} |", time.as_secs_f64(), time.as_secs_f64() / bare.as_secs_f64());
    }
    println!("authorize and plan one query: {:.2} ms", planned.as_secs_f64() * 1e3);
    println!("file: {}", path.display());
    Ok(())
}

fn best(mut run: impl FnMut() -> anyhow::Result<()>) -> anyhow::Result<Duration> {
    let mut best = Duration::MAX;
    for _ in 0..RUNS {
        let started = Instant::now();
        run()?;
        best = best.min(started.elapsed());
    }
    Ok(best)
}

/// Plain DataFusion over the file; the masks, if any, on every batch of every partition.
async fn scan(table: &Arc<dyn TableProvider>, masks: &[Mask]) -> anyhow::Result<()> {
    let context = SessionContext::new_with_config(SessionConfig::new().with_target_partitions(THREADS));
    context.register_table("persons", Arc::clone(table))?;
    let partitions = context.sql(QUERY).await?.execute_stream_partitioned().await?;
    let tasks = partitions.into_iter().map(|mut stream| {
        let masks = masks.to_vec();
        tokio::spawn(async move {
            let mut rows = 0;
            while let Some(batch) = stream.next().await {
                let batch = batch?;
                for (mask, column) in masks.iter().zip(batch.columns()) {
                    std::hint::black_box(mask.apply(column)?);
                }
                rows += batch.num_rows();
            }
            anyhow::Ok(rows)
        })
    });
    let mut rows = 0;
    for task in tasks.collect::<Vec<_>>() {
        rows += task.await??;
    }
    anyhow::ensure!(rows == ROWS, "{rows} rows");
    Ok(())
}

async fn through_gate(gate: &Gate, table: &Arc<dyn TableProvider>) -> anyhow::Result<()> {
    let (_keeper, mandate) = mandate(table)?;
    let mut opened = open(gate, mandate, Statement::new(QUERY)).await?;
    let mut rows = 0;
    while let Some(batch) = opened.rows.next().await {
        rows += batch?.num_rows();
    }
    anyhow::ensure!(rows == ROWS, "{rows} rows");
    Ok(())
}

async fn first_decision(gate: &Gate, table: &Arc<dyn TableProvider>) -> anyhow::Result<()> {
    let (_keeper, mandate) = mandate(table)?;
    let sql = "SELECT name, count(*) FROM persons WHERE visits > 5 GROUP BY name ORDER BY 2 LIMIT 10";
    drop(open(gate, mandate, Statement::new(sql)).await?);
    Ok(())
}

fn gate() -> anyhow::Result<Gate> {
    let config = GateConfig { parallelism: THREADS, ..GateConfig::default() };
    Ok(Gate::new(&config, Arc::new(Unwritten), Arc::new(now), b"salt")?)
}

/// The bench's day stands still.
fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_795_000_000, 0).unwrap_or_default()
}

fn mandate(table: &Arc<dyn TableProvider>) -> anyhow::Result<(watch::Sender<GrantState>, Mandate)> {
    let keeper = watch::Sender::new(GrantState::Open);
    let mut fields =
        vec![FieldMandate { name: "visits".into(), comment: String::new(), grade: "L1".into(), mask: Mask::Clear }];
    for (name, mask) in MASKS {
        let mask = Mask::parse(mask)?;
        fields.push(FieldMandate { name: name.into(), comment: String::new(), grade: "L3".into(), mask });
    }
    let table = TableMandate {
        grant: "YS-1".into(),
        schema: "unit".into(),
        name: "persons".into(),
        comment: String::new(),
        source: Arc::new(OneFile(Arc::clone(table))),
        source_table: "persons".into(),
        fields,
        row_filter: None,
        purpose: "bench".into(),
        basis: "bench".into(),
        quota: Quota { rows_left_today: u64::MAX, calls_per_minute: u32::MAX, rows_per_result: u64::MAX },
        until: now() + chrono::Duration::days(1),
        state: keeper.subscribe(),
    };
    let mandate = Mandate {
        principal: "bench".into(),
        unit: "unit".into(),
        way: Way::Sql,
        tables: vec![table],
        request_id: "bench".into(),
        client: "local".into(),
    };
    Ok((keeper, mandate))
}

async fn provider(path: &Path) -> anyhow::Result<Arc<dyn TableProvider>> {
    let context = SessionContext::new();
    let path = path.to_str().ok_or_else(|| anyhow::anyhow!("path"))?;
    context.register_parquet("persons", path, ParquetReadOptions::default()).await?;
    Ok(context.table_provider("persons").await?)
}

/// Rows that look like a register of persons; a small generator keeps them the same everywhere.
fn generate(path: &Path) -> anyhow::Result<()> {
    let surnames = ["王", "李", "张", "刘", "陈", "杨", "赵", "黄", "欧阳", "诸葛"];
    let given = ["伟", "芳", "秀英", "敏", "静", "丽", "强", "磊", "洋", "小明", "子涵", "梓轩"];
    let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
    let mut writer = None;
    let mut state = 0x2026_1121_u64;
    let mut random = move |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    for _ in 0..ROWS / CHUNK_ROWS {
        let (mut ids, mut names, mut mobiles, mut visits) = (vec![], vec![], vec![], vec![]);
        for _ in 0..CHUNK_ROWS {
            let (year, month, day) = (1940 + random(80), 1 + random(12), 1 + random(28));
            let check = b"0123456789X".get(random(11) as usize).copied().unwrap_or(b'0') as char;
            ids.push(format!("{}{year}{month:02}{day:02}{:03}{check}", 330_100 + random(90), random(1_000)));
            let pick = |from: &[&'static str], at: u64| from.get(at as usize).copied().unwrap_or_default();
            names.push(format!("{}{}", pick(&surnames, random(10)), pick(&given, random(12))));
            mobiles.push(format!("1{}{:09}", 3 + random(7), random(1_000_000_000)));
            visits.push(random(100) as i32);
        }
        let batch = RecordBatch::try_from_iter(vec![
            ("id_card", Arc::new(StringArray::from(ids)) as ArrayRef),
            ("name", Arc::new(StringArray::from(names))),
            ("mobile", Arc::new(StringArray::from(mobiles))),
            ("visits", Arc::new(Int32Array::from(visits))),
        ])?;
        let writer = match &mut writer {
            Some(writer) => writer,
            None => {
                let file = std::fs::File::create(path)?;
                writer.insert(ArrowWriter::try_new(file, batch.schema(), Some(properties.clone()))?)
            }
        };
        writer.write(&batch)?;
    }
    if let Some(writer) = writer {
        writer.close()?;
    }
    Ok(())
}

#[derive(Debug)]
struct OneFile(Arc<dyn TableProvider>);

#[async_trait]
impl Source for OneFile {
    fn kind(&self) -> SourceKind {
        SourceKind::Parquet
    }

    async fn probe(&self) -> Result<Probe> {
        Ok(Probe { version: "parquet".into(), latency_ms: 0 })
    }

    async fn tables(&self) -> Result<Vec<TableInfo>> {
        Ok(vec![])
    }

    async fn describe(&self, _: &str) -> Result<TableSchema> {
        Ok(TableSchema { columns: vec![], arrow: self.0.schema() })
    }

    async fn count(&self, _: &str) -> Result<u64> {
        Ok(ROWS as u64)
    }

    async fn sample(&self, _: &str, _: usize) -> Result<Vec<RecordBatch>> {
        Err(Error::new(Kind::Source, "BENCH", "bench"))
    }

    async fn provider(&self, _: &str) -> Result<Arc<dyn TableProvider>> {
        Ok(Arc::clone(&self.0))
    }
}

/// What a durable record costs is measured with the ledger; here it would measure the disk.
#[derive(Debug)]
struct Unwritten;

#[async_trait]
impl Recorder for Unwritten {
    async fn begin(&self, _: BeginRecord) -> Result<RecordHandle, NotRecorded> {
        Ok(RecordHandle { index: 0 })
    }

    async fn extend(&self, _: &RecordHandle, _: u64) -> Result<(), NotRecorded> {
        Ok(())
    }

    async fn end(&self, _: &RecordHandle, _: EndRecord) -> Result<(), NotRecorded> {
        Ok(())
    }

    async fn refused(&self, _: RefusedRecord) -> Result<(), NotRecorded> {
        Ok(())
    }
}
