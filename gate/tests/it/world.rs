//! A small bureau: Parquet files as a source, a book of records, a clock that can be set.

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use arrow::array::{
    ArrayRef, Date32Array, Decimal128Array, DictionaryArray, Int32Array, Int64Array, RecordBatch, StringArray,
};
use arrow::datatypes::{Int32Type, SchemaRef};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use async_trait::async_trait;
use chrono::{DateTime, TimeZone, Utc};
use datafusion::catalog::{Session, TableProvider};
use datafusion::error::Result as DfResult;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::parquet::arrow::ArrowWriter;
use datafusion::parquet::file::properties::WriterProperties;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::prelude::{ParquetReadOptions, SessionContext};
use futures::StreamExt;
use hufu_gate::error::{Error, Result};
use hufu_gate::mandate::{FieldMandate, GrantState, Mandate, Quota, TableMandate, Way};
use hufu_gate::record::{BeginRecord, EndRecord, NotRecorded, RecordHandle, Recorder, RefusedRecord};
use hufu_gate::source::{Probe, Source, SourceKind, TableInfo, TableSchema};
use hufu_gate::{Gate, GateConfig, Opened, Statement, open};
use hufu_mask::Mask;
use tempfile::TempDir;
use tokio::sync::watch;

pub(crate) const UNIT: &str = "3301020001";
pub(crate) const ROWS: i64 = 4_000;
/// The one row with this number of visits is outside the scope of the grant.
pub(crate) const HIDDEN_VISITS: i32 = 7_777;
pub(crate) const HIDDEN_ID: &str = "330102199001017777";
pub(crate) const SCOPE: &str = "region IN ('东湖', '西山') AND disease <> '隐藏'";
pub(crate) const KEY: &[u8] = b"KEY-OF-THE-GRANT";

/// Name, mask of every granted field of `persons`. The file has two more: `disease` and `amount_raw`.
pub(crate) const FIELDS: [(&str, &str); 9] = [
    ("id_card", "keep(6,0)"),
    ("name", "name_to_surname"),
    ("mobile", "keep(3,4)"),
    ("token", "pseudonym(16)"),
    ("region", "clear"),
    ("visits", "clear"),
    ("salary", "number_to_range(1000)"),
    ("birth", "date_to_year"),
    ("amount", "clear"),
];

pub(crate) struct World {
    pub(crate) gate: Arc<Gate>,
    pub(crate) book: Arc<Book>,
    pub(crate) source: Arc<Files>,
    pub(crate) state: watch::Sender<GrantState>,
    pub(crate) now: Arc<Mutex<DateTime<Utc>>>,
    pub(crate) dir: TempDir,
}

impl World {
    pub(crate) fn new() -> World {
        World::with(GateConfig { parallelism: 2, ..GateConfig::default() })
    }

    pub(crate) fn with(config: GateConfig) -> World {
        let dir = tempfile::tempdir().unwrap();
        write(&dir.path().join("persons.parquet"), &persons(), 500);
        write(&dir.path().join("visits.parquet"), &visits(), 500);
        let source = Arc::new(Files { dir: dir.path().to_owned(), seen: Arc::default(), opened: AtomicUsize::new(0) });
        let book = Arc::new(Book::default());
        let now = Arc::new(Mutex::new(noon()));
        let clock = Arc::clone(&now);
        let clock: hufu_gate::Clock = Arc::new(move || *clock.lock().unwrap());
        let gate = Gate::new(&config, Arc::clone(&book) as _, clock, b"salt of this installation").unwrap();
        World { gate: Arc::new(gate), book, source, state: watch::Sender::new(GrantState::Open), now, dir }
    }

    pub(crate) fn persons(&self) -> TableMandate {
        let field = |(name, mask): &(&str, &str)| FieldMandate {
            name: (*name).to_owned(),
            comment: String::new(),
            grade: "L3".to_owned(),
            mask: Mask::parse(mask).unwrap().with_secret(KEY),
        };
        TableMandate {
            grant: "YS-20261121-0001".to_owned(),
            schema: UNIT.to_owned(),
            name: "persons".to_owned(),
            comment: "人员".to_owned(),
            source: Arc::clone(&self.source) as _,
            source_table: "persons".to_owned(),
            fields: FIELDS.iter().map(field).collect(),
            row_filter: Some(SCOPE.to_owned()),
            purpose: "核验".to_owned(),
            basis: "条例".to_owned(),
            quota: Quota { rows_left_today: 1_000_000, calls_per_minute: 10_000, rows_per_result: 1_000_000 },
            until: noon() + chrono::Duration::days(30),
            state: self.state.subscribe(),
        }
    }

    pub(crate) fn visits(&self) -> TableMandate {
        let names = ["visit", "visit_id_card", "place"];
        let mut table = self.persons();
        table.grant = "YS-20261121-0002".to_owned();
        table.name = "visits".to_owned();
        table.source_table = "visits".to_owned();
        table.row_filter = None;
        table.fields = names.iter().map(|name| clear(name)).collect();
        table
    }

    pub(crate) fn mandate(&self) -> Mandate {
        self.mandate_of(vec![self.persons(), self.visits()])
    }

    pub(crate) fn mandate_of(&self, tables: Vec<TableMandate>) -> Mandate {
        Mandate {
            principal: "wang.li".to_owned(),
            unit: UNIT.to_owned(),
            way: Way::Sql,
            tables,
            request_id: "req-1".to_owned(),
            client: "127.0.0.1".to_owned(),
        }
    }

    pub(crate) async fn open(&self, sql: &str) -> Result<Opened> {
        open(&self.gate, self.mandate(), Statement::new(sql)).await
    }

    pub(crate) async fn run(&self, sql: &str) -> Result<Vec<RecordBatch>> {
        drain(self.open(sql).await?).await
    }

    /// The rows as text, columns joined by `|`. Panics on a refusal.
    pub(crate) async fn rows(&self, sql: &str) -> Vec<String> {
        match self.run(sql).await {
            Ok(batches) => lines(&batches),
            Err(error) => panic!("{sql}: {error} {:?}", error.internal),
        }
    }

    pub(crate) async fn refusal(&self, sql: &str) -> Error {
        match self.run(sql).await {
            Ok(batches) => panic!("{sql} gave {:?}", lines(&batches)),
            Err(error) => error,
        }
    }
}

pub(crate) async fn drain(mut opened: Opened) -> Result<Vec<RecordBatch>> {
    let mut batches = Vec::new();
    while let Some(batch) = opened.rows.next().await {
        batches.push(batch?);
    }
    Ok(batches)
}

pub(crate) fn clear(name: &str) -> FieldMandate {
    FieldMandate { name: name.to_owned(), comment: String::new(), grade: "L1".to_owned(), mask: Mask::Clear }
}

pub(crate) fn noon() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 11, 21, 4, 0, 0).unwrap()
}

pub(crate) fn lines(batches: &[RecordBatch]) -> Vec<String> {
    let options = FormatOptions::default().with_null("∅");
    let mut lines = Vec::new();
    for batch in batches {
        let columns: Vec<_> =
            batch.columns().iter().map(|c| ArrayFormatter::try_new(c.as_ref(), &options).unwrap()).collect();
        for row in 0..batch.num_rows() {
            let cells: Vec<String> = columns.iter().map(|column| column.value(row).to_string()).collect();
            lines.push(cells.join("|"));
        }
    }
    lines
}

pub(crate) fn id_card(row: i64) -> String {
    if row == 17 { HIDDEN_ID.to_owned() } else { format!("{}{:012}", 330_100 + row % 5, 199_001_010_000 + row) }
}

/// Every raw value of a masked column, to be looked for in what leaves.
pub(crate) fn raw_ids() -> Vec<String> {
    (0..ROWS).map(id_card).collect()
}

pub(crate) fn persons() -> RecordBatch {
    let rows = 0..ROWS;
    let text =
        |make: &dyn Fn(i64) -> String| -> ArrayRef { Arc::new(StringArray::from_iter_values(rows.clone().map(make))) };
    let regions = ["东湖", "西山", "南岭"];
    let names = ["王小明", "欧阳修远", "李四", "张三丰", "赵"];
    let disease: DictionaryArray<Int32Type> =
        rows.clone().map(|row| Some(if row == 17 { "隐藏" } else { "流感" })).collect();
    let visits = rows.clone().map(|row| if row == 17 { HIDDEN_VISITS } else { (row / 10) as i32 });
    let amount = Decimal128Array::from_iter(rows.clone().map(|row| (row % 7 != 0).then_some(i128::from(row) * 125)));
    RecordBatch::try_from_iter_with_nullable(vec![
        ("disease", Arc::new(disease) as ArrayRef, true),
        ("id_card", text(&id_card), true),
        ("name", text(&|row| names[row as usize % 5].to_owned()), true),
        ("mobile", text(&|row| format!("138{:08}", row * 37)), true),
        ("token", text(&|row| format!("T{}", row % 100)), false),
        ("region", text(&|row| if row == 17 { "东湖" } else { regions[row as usize / 100 % 3] }.to_owned()), true),
        ("visits", Arc::new(Int32Array::from_iter_values(visits)), true),
        ("salary", Arc::new(Int64Array::from_iter(rows.clone().map(|r| (r % 11 != 0).then_some(2_000 + r * 3)))), true),
        ("birth", Arc::new(Date32Array::from_iter_values(rows.clone().map(|row| 7_000 + row as i32))), true),
        ("amount", Arc::new(amount.with_precision_and_scale(12, 2).unwrap()), true),
        ("amount_raw", Arc::new(Int64Array::from_iter_values(rows)), true),
    ])
    .unwrap()
}

fn visits() -> RecordBatch {
    let rows = 0..300_i64;
    RecordBatch::try_from_iter_with_nullable(vec![
        ("visit", Arc::new(Int64Array::from_iter_values(rows.clone())) as ArrayRef, false),
        ("visit_id_card", Arc::new(StringArray::from_iter_values(rows.clone().map(id_card))), true),
        ("place", Arc::new(StringArray::from_iter_values(rows.map(|row| format!("点{}", row % 4)))), true),
    ])
    .unwrap()
}

pub(crate) fn write(path: &std::path::Path, batch: &RecordBatch, group_rows: usize) {
    let file = std::fs::File::create(path).unwrap();
    let properties = WriterProperties::builder().set_max_row_group_row_count(Some(group_rows)).build();
    let mut writer = ArrowWriter::try_new(file, batch.schema(), Some(properties)).unwrap();
    writer.write(batch).unwrap();
    writer.close().unwrap();
}

/// Parquet files of a directory; notes what reaches them.
#[derive(Debug)]
pub(crate) struct Files {
    pub(crate) dir: PathBuf,
    pub(crate) seen: Arc<Mutex<Vec<Seen>>>,
    pub(crate) opened: AtomicUsize,
}

/// What one scan was asked for.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) fields: Vec<String>,
    pub(crate) filters: Vec<String>,
    pub(crate) limit: Option<usize>,
    scan: Arc<dyn ExecutionPlan>,
}

impl Seen {
    /// What the file reader counted, `row_groups_pruned_statistics` among it.
    pub(crate) fn metrics(&self) -> String {
        self.scan.metrics().map(|metrics| metrics.aggregate_by_name().to_string()).unwrap_or_default()
    }
}

impl Files {
    pub(crate) fn last(&self) -> Seen {
        self.seen.lock().unwrap().last().cloned().unwrap()
    }
}

#[async_trait]
impl Source for Files {
    fn kind(&self) -> SourceKind {
        SourceKind::Parquet
    }

    async fn probe(&self) -> Result<Probe> {
        Ok(Probe { version: "parquet".to_owned(), latency_ms: 0 })
    }

    async fn tables(&self) -> Result<Vec<TableInfo>> {
        Ok(vec![])
    }

    async fn describe(&self, table: &str) -> Result<TableSchema> {
        let provider = self.provider(table).await?;
        Ok(TableSchema { columns: vec![], arrow: provider.schema() })
    }

    async fn count(&self, _: &str) -> Result<u64> {
        Ok(0)
    }

    async fn sample(&self, _: &str, _: usize) -> Result<Vec<RecordBatch>> {
        Ok(vec![])
    }

    async fn provider(&self, table: &str) -> Result<Arc<dyn TableProvider>> {
        self.opened.fetch_add(1, Ordering::SeqCst);
        let context = SessionContext::new();
        let path = self.dir.join(format!("{table}.parquet"));
        context
            .register_parquet("t", path.to_str().unwrap(), ParquetReadOptions::default())
            .await
            .unwrap_or_else(|error| panic!("{error}"));
        let inner = context.table_provider("t").await.unwrap();
        Ok(Arc::new(Watched { inner, seen: Arc::clone(&self.seen) }))
    }
}

#[derive(Debug)]
struct Watched {
    inner: Arc<dyn TableProvider>,
    seen: Arc<Mutex<Vec<Seen>>>,
}

#[async_trait]
impl TableProvider for Watched {
    fn schema(&self) -> SchemaRef {
        self.inner.schema()
    }

    fn table_type(&self) -> TableType {
        self.inner.table_type()
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> DfResult<Vec<TableProviderFilterPushDown>> {
        self.inner.supports_filters_pushdown(filters)
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> DfResult<Arc<dyn ExecutionPlan>> {
        let plan = self.inner.scan(state, projection, filters, limit).await?;
        let seen = Seen {
            fields: plan.schema().fields().iter().map(|field| field.name().clone()).collect(),
            filters: filters.iter().map(ToString::to_string).collect(),
            limit,
            scan: Arc::clone(&plan),
        };
        self.seen.lock().unwrap().push(seen);
        Ok(plan)
    }
}

/// A book of records in memory that can be told to fail.
#[derive(Debug, Default)]
pub(crate) struct Book {
    pub(crate) entries: Mutex<Vec<Entry>>,
    /// The call with this number, counted from 0, fails.
    pub(crate) fail_at: Mutex<Option<usize>>,
    calls: AtomicUsize,
}

#[derive(Clone, Debug)]
pub(crate) enum Entry {
    Begin(BeginRecord),
    Extend { index: u64, reserved: u64 },
    End { index: u64, record: EndRecord },
    Refused(RefusedRecord),
}

impl Book {
    pub(crate) fn all(&self) -> Vec<Entry> {
        self.entries.lock().unwrap().clone()
    }

    /// What the records say may have left under an index.
    pub(crate) fn recorded(&self, index: u64) -> u64 {
        let entries = self.all();
        let begun = match &entries[usize::try_from(index).unwrap()] {
            Entry::Begin(begin) => begin.reserved,
            other => panic!("{other:?} is no beginning"),
        };
        let extended = entries.iter().filter_map(|entry| match entry {
            Entry::Extend { index: of, reserved } if *of == index => Some(*reserved),
            _ => None,
        });
        extended.chain([begun]).max().unwrap()
    }

    pub(crate) fn ends(&self) -> Vec<EndRecord> {
        let ends = self.all().into_iter().filter_map(|entry| match entry {
            Entry::End { record, .. } => Some(record),
            _ => None,
        });
        ends.collect()
    }

    /// Waits for the end of an abandoned stream, which is written by a task of its own.
    pub(crate) async fn end_of(&self, index: u64) -> EndRecord {
        for _ in 0..200 {
            for entry in self.all() {
                if let Entry::End { index: of, record } = entry
                    && of == index
                {
                    return record;
                }
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("no end of {index}");
    }

    fn put(&self, entry: Entry) -> std::result::Result<u64, NotRecorded> {
        if *self.fail_at.lock().unwrap() == Some(self.calls.fetch_add(1, Ordering::SeqCst)) {
            return Err(NotRecorded("disk full".to_owned()));
        }
        let mut entries = self.entries.lock().unwrap();
        entries.push(entry);
        Ok(entries.len() as u64 - 1)
    }
}

#[async_trait]
impl Recorder for Book {
    async fn begin(&self, record: BeginRecord) -> std::result::Result<RecordHandle, NotRecorded> {
        Ok(RecordHandle { index: self.put(Entry::Begin(record))? })
    }

    async fn extend(&self, handle: &RecordHandle, reserved: u64) -> std::result::Result<(), NotRecorded> {
        self.put(Entry::Extend { index: handle.index, reserved }).map(|_| ())
    }

    async fn end(&self, handle: &RecordHandle, record: EndRecord) -> std::result::Result<(), NotRecorded> {
        self.put(Entry::End { index: handle.index, record }).map(|_| ())
    }

    async fn refused(&self, record: RefusedRecord) -> std::result::Result<(), NotRecorded> {
        self.put(Entry::Refused(record)).map(|_| ())
    }
}
