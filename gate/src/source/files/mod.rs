//! Files as tables: a file, or every file of a directory; the table's name is the file's stem,
//! and for a workbook of several sheets `stem.sheet`.

mod csv;
mod decode;
mod json;
mod parquet;
mod row_table;
mod xlsx;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Instant, SystemTime};

use arrow::array::{RecordBatch, UInt64Array};
use arrow::compute::take_record_batch;
use arrow::datatypes::{DataType, Schema, SchemaRef, TimeUnit};
use async_trait::async_trait;
use datafusion::catalog::TableProvider;
use datafusion::datasource::MemTable;
use datafusion::prelude::SessionContext;
use futures::StreamExt;

use self::row_table::{RowFormat, RowTable};
use super::config::{DeclaredColumn, DeclaredType};
use super::{ColumnInfo, Probe, Source, SourceKind, TableInfo, TableSchema, fault};
use crate::error::Result;

#[derive(Debug)]
pub(super) struct Files {
    kind: SourceKind,
    path: PathBuf,
    declared: Vec<DeclaredColumn>,
    /// What reading a file once has shown, as long as the file stays as it was.
    known: Mutex<HashMap<PathBuf, (Stamp, Known)>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    modified: Option<SystemTime>,
    bytes: u64,
}

#[derive(Clone, Debug)]
enum Known {
    Rows { schema: SchemaRef, format: Arc<dyn RowFormat> },
    Sheets(Arc<Vec<xlsx::Sheet>>),
}

impl Files {
    pub(super) fn new(kind: SourceKind, path: PathBuf, declared: Vec<DeclaredColumn>) -> Self {
        Self { kind, path, declared, known: Mutex::default() }
    }

    /// Files of this source's kind; listing them is the only way to a path, so no table name can leave the directory.
    fn list(&self) -> Result<Vec<(String, PathBuf)>> {
        let gone = |_e| fault::unreachable("file or directory is not there");
        let mut found = Vec::new();
        if std::fs::metadata(&self.path).map_err(gone)?.is_dir() {
            for entry in std::fs::read_dir(&self.path).map_err(gone)? {
                let path = entry.map_err(gone)?.path();
                if self.is_table(&path)
                    && let Some(stem) = path.file_stem().and_then(|s| s.to_str())
                {
                    found.push((stem.to_owned(), path));
                }
            }
            found.sort();
        } else if let Some(stem) = self.path.file_stem().and_then(|s| s.to_str()) {
            found.push((stem.to_owned(), self.path.clone()));
        }
        Ok(found)
    }

    fn is_table(&self, path: &Path) -> bool {
        if path.is_dir() {
            return self.kind == SourceKind::Parquet && parquet::has_parts(path);
        }
        let Some(extension) = path.extension().and_then(|e| e.to_str()) else { return false };
        let extension = extension.to_ascii_lowercase();
        let wanted: &[&str] = match self.kind {
            SourceKind::Csv => &["csv", "tsv", "txt"],
            SourceKind::Json => &["json", "ndjson", "jsonl"],
            SourceKind::Xlsx => &["xlsx", "xls", "xlsm", "ods"],
            SourceKind::Parquet => &["parquet"],
            SourceKind::Postgres | SourceKind::Mysql | SourceKind::Sqlite => &[],
        };
        wanted.contains(&extension.as_str())
    }

    /// The file of a table, and the sheet inside if it names one.
    fn locate(&self, table: &str) -> Result<(PathBuf, Option<String>)> {
        let files = self.list()?;
        if let Some((_, path)) = files.iter().find(|(stem, _)| stem == table) {
            return Ok((path.clone(), None));
        }
        let inside = |(stem, path): &(String, PathBuf)| {
            let sheet = table.strip_prefix(stem.as_str())?.strip_prefix('.')?;
            (self.kind == SourceKind::Xlsx).then(|| (path.clone(), Some(sheet.to_owned())))
        };
        files.iter().find_map(inside).ok_or_else(|| fault::vanished(table))
    }

    fn declared_for(&self, table: &str) -> HashMap<String, DataType> {
        let of_table = self.declared.iter().filter(|d| d.table == table);
        of_table.map(|d| (d.column.clone(), arrow_type(d.as_type))).collect()
    }

    /// What is known of a file, read anew if the file has changed.
    async fn known(&self, path: &Path) -> Result<Known> {
        let stamp = stamp(path)?;
        if let Some((kept, known)) = self.known.lock().unwrap_or_else(PoisonError::into_inner).get(path)
            && *kept == stamp
        {
            return Ok(known.clone());
        }
        let (kind, read_path) = (self.kind, path.to_owned());
        let stem = path.file_stem().and_then(|s| s.to_str()).unwrap_or_default().to_owned();
        let declared = self.declared_for(&stem);
        let by_sheet = self.declared.clone();
        let look = move || match kind {
            SourceKind::Csv => csv::look(&read_path, &declared),
            SourceKind::Json => json::look(&read_path, &declared),
            _ => xlsx::read(&read_path, &stem, &by_sheet).map(|sheets| Known::Sheets(Arc::new(sheets))),
        };
        let known = tokio::task::spawn_blocking(look).await.map_err(|_e| fault::read("file thread ended"))??;
        let mut kept = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        kept.insert(path.to_owned(), (stamp, known.clone()));
        Ok(known)
    }

    async fn read(&self, table: &str) -> Result<SessionContextTable> {
        let context = SessionContext::new();
        let provider = self.provider(table).await?;
        Ok(SessionContextTable { context, provider })
    }
}

#[async_trait]
impl Source for Files {
    fn kind(&self) -> SourceKind {
        self.kind
    }

    async fn probe(&self) -> Result<Probe> {
        let begun = Instant::now();
        let tables = self.list()?.len();
        let latency_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        Ok(Probe { version: format!("{:?} × {tables}", self.kind), latency_ms })
    }

    async fn tables(&self) -> Result<Vec<TableInfo>> {
        let mut tables = Vec::new();
        for (stem, path) in self.list()? {
            if self.kind != SourceKind::Xlsx {
                tables.push(TableInfo { name: stem, comment: None, rows_estimate: None });
                continue;
            }
            let Known::Sheets(sheets) = self.known(&path).await? else { continue };
            for sheet in sheets.iter() {
                let name = if sheets.len() == 1 { stem.clone() } else { format!("{stem}.{}", sheet.name) };
                tables.push(TableInfo { name, comment: None, rows_estimate: Some(sheet.rows()) });
            }
        }
        Ok(tables)
    }

    async fn describe(&self, table: &str) -> Result<TableSchema> {
        let arrow = self.provider(table).await?.schema();
        let column = |f: &Arc<arrow::datatypes::Field>| ColumnInfo {
            name: f.name().clone(),
            native_type: native(f.data_type()),
            nullable: true,
            primary_key: false,
            comment: None,
        };
        Ok(TableSchema { columns: arrow.fields().iter().map(column).collect(), arrow })
    }

    async fn count(&self, table: &str) -> Result<u64> {
        self.read(table).await?.count().await
    }

    async fn sample(&self, table: &str, rows: usize) -> Result<Vec<RecordBatch>> {
        self.read(table).await?.every_nth(rows).await
    }

    async fn provider(&self, table: &str) -> Result<Arc<dyn TableProvider>> {
        let (path, sheet) = self.locate(table)?;
        if self.kind == SourceKind::Parquet {
            return parquet::provider(&path, table).await;
        }
        match self.known(&path).await? {
            Known::Rows { schema, format } => Ok(Arc::new(RowTable::new(path, table, schema, format))),
            Known::Sheets(sheets) => {
                let found = match &sheet {
                    None if sheets.len() == 1 => sheets.first(),
                    None => None,
                    Some(name) => sheets.iter().find(|s| s.name == *name),
                };
                let sheet = found.ok_or_else(|| fault::vanished(table))?;
                let batches = vec![sheet.batches.clone()];
                let memory = MemTable::try_new(Arc::clone(&sheet.schema), batches)
                    .map_err(|_e| fault::changed(format!("sheet of {table} does not fit its schema")))?;
                Ok(Arc::new(memory))
            }
        }
    }
}

/// A provider read inside the source itself, for counts and samples.
struct SessionContextTable {
    context: SessionContext,
    provider: Arc<dyn TableProvider>,
}

impl SessionContextTable {
    async fn count(&self) -> Result<u64> {
        let frame = self.context.read_table(Arc::clone(&self.provider)).map_err(|e| ours(e, "count"))?;
        let rows = frame.count().await.map_err(|e| ours(e, "count"))?;
        Ok(u64::try_from(rows).unwrap_or(u64::MAX))
    }

    /// Rows at even distances over the whole table.
    async fn every_nth(&self, rows: usize) -> Result<Vec<RecordBatch>> {
        let rows = u64::try_from(rows.max(1)).unwrap_or(1);
        let step = (self.count().await?).div_ceil(rows).max(1);
        let frame = self.context.read_table(Arc::clone(&self.provider)).map_err(|e| ours(e, "sample"))?;
        let mut stream = frame.execute_stream().await.map_err(|e| ours(e, "sample"))?;
        let (mut seen, mut kept) = (0_u64, Vec::new());
        while let Some(batch) = stream.next().await {
            let batch = batch.map_err(|e| ours(e, "sample"))?;
            let length = u64::try_from(batch.num_rows()).unwrap_or(0);
            let wanted: UInt64Array = (0..length).filter(|i| (seen + i) % step == 0).collect();
            seen += length;
            if !wanted.is_empty() {
                kept.push(take_record_batch(&batch, &wanted).map_err(|_e| fault::read("sample"))?);
            }
        }
        Ok(kept)
    }
}

/// Our own error if it is one, else only the fact.
fn ours(error: datafusion::error::DataFusionError, what: &str) -> crate::error::Error {
    match error.find_root() {
        datafusion::error::DataFusionError::External(inner) => match inner.downcast_ref::<crate::error::Error>() {
            Some(e) => crate::error::Error {
                kind: e.kind,
                code: e.code,
                message: e.message.clone(),
                internal: e.internal.clone(),
            },
            None => fault::read(what),
        },
        _ => fault::read(what),
    }
}

fn stamp(path: &Path) -> Result<Stamp> {
    let meta = std::fs::metadata(path).map_err(|_e| fault::unreachable("file is not there"))?;
    Ok(Stamp { modified: meta.modified().ok(), bytes: meta.len() })
}

fn arrow_type(declared: DeclaredType) -> DataType {
    match declared {
        DeclaredType::Text => DataType::Utf8,
        DeclaredType::Integer => DataType::Int64,
        DeclaredType::Decimal { precision, scale } => DataType::Decimal128(precision, scale),
        DeclaredType::Float => DataType::Float64,
        DeclaredType::Boolean => DataType::Boolean,
        DeclaredType::Date => DataType::Date32,
        DeclaredType::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, None),
    }
}

fn native(data_type: &DataType) -> String {
    match data_type {
        DataType::Utf8 | DataType::Utf8View | DataType::LargeUtf8 => "text".to_owned(),
        DataType::Decimal128(p, s) => format!("decimal({p},{s})"),
        DataType::Date32 => "date".to_owned(),
        DataType::Timestamp(..) => "timestamp".to_owned(),
        DataType::Boolean => "boolean".to_owned(),
        DataType::Float64 | DataType::Float32 => "float".to_owned(),
        DataType::Int64 | DataType::Int32 => "integer".to_owned(),
        other => other.to_string().to_ascii_lowercase(),
    }
}

/// Column names that are there, and once: the engine can address no others.
fn headers(raw: impl Iterator<Item = String>) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for (i, name) in raw.enumerate() {
        let name = name.trim().trim_start_matches('\u{feff}').to_owned();
        let base = if name.is_empty() { format!("列{}", i + 1) } else { name };
        let mut unique = base.clone();
        let mut n = 2;
        while names.contains(&unique) {
            unique = format!("{base}_{n}");
            n += 1;
        }
        names.push(unique);
    }
    names
}

fn schema_of(columns: impl Iterator<Item = (String, DataType)>) -> SchemaRef {
    let fields: Vec<_> = columns.map(|(n, t)| arrow::datatypes::Field::new(n, t, true)).collect();
    Arc::new(Schema::new(fields))
}
