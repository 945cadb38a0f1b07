//! SQLite files: read only, one connection per scan, rows streamed from a blocking thread.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::datatypes::{DataType, SchemaRef, TimeUnit};
use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use datafusion::catalog::TableProvider;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::physical_plan::stream::{RecordBatchReceiverStream, RecordBatchStreamAdapter};
use futures::{StreamExt, TryStreamExt};
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, ErrorCode, InterruptHandle, OpenFlags, ToSql};

use super::cells::{self, Cells, Rows};
use super::sql::column::{Column, Dialect, Push};
use super::sql::condition::Value;
use super::sql::statement::Statement;
use super::sql::table::{Backend, SqlTable, schema_of};
use super::{ColumnInfo, Probe, Source, SourceKind, TableInfo, TableSchema, fault};
use crate::error::{Error, Result};

/// How long a reader waits for a writer's lock.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

#[derive(Clone, Debug)]
pub(super) struct Sqlite {
    path: PathBuf,
}

impl Sqlite {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path }
    }

    async fn with_connection(&self) -> Result<Connection> {
        let path = self.path.clone();
        tokio::task::spawn_blocking(move || connect(&path)).await.map_err(|_e| fault::read("sqlite thread ended"))?
    }

    /// Runs `work` on a fresh connection in a thread that may block.
    async fn with<T: Send + 'static>(&self, work: impl FnOnce(&Connection) -> Result<T> + Send + 'static) -> Result<T> {
        let path = self.path.clone();
        let run = move || work(&connect(&path)?);
        tokio::task::spawn_blocking(run).await.map_err(|_e| fault::read("sqlite thread ended"))?
    }

    async fn columns(&self, table: &str) -> Result<Vec<Column>> {
        let table = table.to_owned();
        self.with(move |c| columns(c, &table)).await
    }
}

#[async_trait]
impl Source for Sqlite {
    fn kind(&self) -> SourceKind {
        SourceKind::Sqlite
    }

    async fn probe(&self) -> Result<Probe> {
        let begun = Instant::now();
        // The version alone would not touch the file.
        self.with(|c| c.query_row("SELECT count(*) FROM sqlite_schema", [], |_r| Ok(())).map_err(|e| told(&e, "")))
            .await?;
        let latency_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        Ok(Probe { version: format!("SQLite {}", rusqlite::version()), latency_ms })
    }

    async fn tables(&self) -> Result<Vec<TableInfo>> {
        self.with(|c| {
            let sql = "SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name";
            let mut statement = c.prepare(sql).map_err(|e| told(&e, ""))?;
            let names = statement.query_map([], |r| r.get::<_, String>(0)).map_err(|e| told(&e, ""))?;
            names
                .map(|name| Ok(TableInfo { name: name.map_err(|e| told(&e, ""))?, comment: None, rows_estimate: None }))
                .collect()
        })
        .await
    }

    async fn describe(&self, table: &str) -> Result<TableSchema> {
        let columns = self.columns(table).await?;
        Ok(TableSchema { arrow: schema_of(&columns), columns: columns.into_iter().map(ColumnInfo::from).collect() })
    }

    async fn count(&self, table: &str) -> Result<u64> {
        let table = table.to_owned();
        self.with(move |c| count(c, &table)).await
    }

    async fn sample(&self, table: &str, rows: usize) -> Result<Vec<RecordBatch>> {
        let columns = self.columns(table).await?;
        let total = self.count(table).await?;
        let list: Vec<&str> = columns.iter().map(|c| c.select.as_str()).collect();
        let from = Dialect::Sqlite.quote(table);
        // Every row has the same chance; a table no larger than the sample is given whole.
        let step = total / u64::try_from(rows.max(1)).unwrap_or(1);
        let chance = if step > 1 { format!(" WHERE abs(random() % {step}) = 0") } else { String::new() };
        let sql = format!("SELECT {} FROM {from}{chance} LIMIT {rows}", list.join(", "));
        let statement = Statement { sql, values: Vec::new() };
        let stream = self.rows(statement, schema_of(&columns), table).await?;
        stream.try_collect().await.map_err(|_e| fault::read("sample"))
    }

    async fn provider(&self, table: &str) -> Result<Arc<dyn TableProvider>> {
        let columns = self.columns(table).await?;
        let from = Dialect::Sqlite.quote(table);
        Ok(Arc::new(SqlTable::new(Arc::new(self.clone()), table, from, columns)))
    }
}

#[async_trait]
impl Backend for Sqlite {
    fn dialect(&self) -> Dialect {
        Dialect::Sqlite
    }

    async fn rows(&self, statement: Statement, schema: SchemaRef, table: &str) -> Result<SendableRecordBatchStream> {
        let mut builder = RecordBatchReceiverStream::builder(Arc::clone(&schema), 2);
        let (sender, table) = (builder.tx(), table.to_owned());
        let connection = self.with_connection().await?;
        let interrupt = Interrupt(connection.get_interrupt_handle());
        let expected = Arc::clone(&schema);
        builder.spawn_blocking(move || {
            // A closed channel means that nobody wants more rows.
            let mut send = |batch| sender.blocking_send(Ok(batch)).is_ok();
            stream_rows(&connection, &statement, expected, &table, &mut send).map_err(fault::external)
        });
        let stream = builder.build().inspect(move |_batch| {
            let _held: &Interrupt = &interrupt;
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, stream)))
    }
}

/// Ends a statement that computes without giving rows when its stream is dropped.
struct Interrupt(InterruptHandle);

impl Drop for Interrupt {
    fn drop(&mut self) {
        self.0.interrupt();
    }
}

impl From<Column> for ColumnInfo {
    fn from(c: Column) -> Self {
        Self {
            name: c.name,
            native_type: c.native_type,
            nullable: c.nullable,
            primary_key: c.primary_key,
            comment: c.comment,
        }
    }
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self {
            Self::Int(v) => ToSqlOutput::from(*v),
            Self::UInt(v) => ToSqlOutput::from(i64::try_from(*v).unwrap_or(i64::MAX)),
            Self::Float(v) => ToSqlOutput::from(*v),
            Self::Text(v) => ToSqlOutput::from(v.as_str()),
        })
    }
}

fn connect(path: &Path) -> Result<Connection> {
    if !path.is_file() {
        return Err(fault::unreachable("no such sqlite file"));
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(|e| told(&e, ""))?;
    connection.busy_timeout(BUSY_TIMEOUT).map_err(|e| told(&e, ""))?;
    Ok(connection)
}

fn stream_rows(
    connection: &Connection,
    statement: &Statement,
    schema: SchemaRef,
    table: &str,
    send: &mut dyn FnMut(RecordBatch) -> bool,
) -> Result<()> {
    let mut prepared = connection.prepare(&statement.sql).map_err(|e| told(&e, table))?;
    let names: Vec<String> = schema.fields().iter().map(|f| f.name().clone()).collect();
    let mut found = prepared.query(rusqlite::params_from_iter(&statement.values)).map_err(|e| told(&e, table))?;
    let mut rows = Rows::new(schema)?;
    while let Some(row) = found.next().map_err(|e| told(&e, table))? {
        for (i, (cells, name)) in rows.cells().zip(&names).enumerate() {
            let raw = row.get_ref(i).map_err(|e| told(&e, table))?;
            put(cells, raw).ok_or_else(|| fault::value(format!("table {table} column {name}")))?;
        }
        if let Some(batch) = rows.end_row()?
            && !send(batch)
        {
            return Ok(());
        }
    }
    if let Some(batch) = rows.finish()? {
        send(batch);
    }
    Ok(())
}

/// SQLite keeps any value in any column, so each is read by what it is and by what its column says.
fn put(cells: &mut Cells, raw: ValueRef<'_>) -> Option<()> {
    match (cells, raw) {
        (cells, ValueRef::Null) => cells.null(),
        (Cells::Int64(b), ValueRef::Integer(v)) => b.append_value(v),
        (Cells::Bool(b), ValueRef::Integer(v)) => b.append_value(v != 0),
        (Cells::Float64(b), ValueRef::Real(v)) => b.append_value(v),
        #[expect(clippy::cast_precision_loss, reason = "the column is declared floating point")]
        (Cells::Float64(b), ValueRef::Integer(v)) => b.append_value(v as f64),
        // A decimal kept as floating point is meant as its shortest decimal form, rounded to the declared scale.
        (Cells::Decimal(b, p, s), ValueRef::Real(v)) => {
            let places = usize::try_from(*s).ok()?;
            b.append_value(cells::parse_decimal(&format!("{v:.places$}"), *p, *s)?);
        }
        (Cells::Binary(b), ValueRef::Blob(v)) => b.append_value(v),
        (cells, ValueRef::Text(v)) => cells.parse(std::str::from_utf8(v).ok()?)?,
        (Cells::Text(b), ValueRef::Real(v)) => b.append_value(v.to_string()),
        (cells @ (Cells::Text(_) | Cells::Decimal(..)), ValueRef::Integer(v)) => cells.parse(&v.to_string())?,
        _ => return None,
    }
    Some(())
}

fn columns(connection: &Connection, table: &str) -> Result<Vec<Column>> {
    let mut statement = connection
        .prepare("SELECT name, type, \"notnull\", pk FROM pragma_table_info(?1)")
        .map_err(|e| told(&e, table))?;
    let utf8 = connection
        .query_row("PRAGMA encoding", [], |r| r.get::<_, String>(0))
        .map_err(|e| told(&e, table))?
        .eq_ignore_ascii_case("UTF-8");
    let found = statement
        .query_map([table], |r| {
            Ok((r.get::<_, String>(0)?, r.get::<_, String>(1)?, r.get::<_, bool>(2)?, r.get::<_, i64>(3)? > 0))
        })
        .map_err(|e| told(&e, table))?;
    let mut columns = Vec::new();
    for column in found {
        let (name, native_type, not_null, primary_key) = column.map_err(|e| told(&e, table))?;
        let data_type = arrow_type(&native_type);
        let select = Dialect::Sqlite.quote(&name);
        let push = push_of(&select, &data_type, utf8);
        let nullable = !not_null;
        columns.push(Column { name, native_type, data_type, nullable, primary_key, comment: None, select, push });
    }
    if columns.is_empty() { Err(fault::vanished(table)) } else { Ok(columns) }
}

/// Dates, decimals and booleans may be stored in several forms, so only the engine compares them.
fn push_of(name: &str, data_type: &DataType, utf8: bool) -> Push {
    match data_type {
        DataType::Int64 | DataType::Float64 => {
            Push { differ: *data_type == DataType::Int64, ..Push::all(name, "", "") }
        }
        DataType::Utf8 => {
            // The column's own collation may fold case; binary order is ours only for UTF-8 files.
            let order = utf8.then(|| format!("{name} COLLATE BINARY"));
            Push { equal: Some(name.to_owned()), order, is_null: true, ..Push::default() }
        }
        _ => Push::nulls_only(),
    }
}

fn arrow_type(declared: &str) -> DataType {
    let lower = declared.to_ascii_lowercase();
    let has = |part: &str| lower.contains(part);
    if has("bool") {
        DataType::Boolean
    } else if has("int") && !has("point") {
        DataType::Int64
    } else if has("char") || has("clob") || has("text") {
        DataType::Utf8
    } else if has("datetime") || has("timestamp") {
        DataType::Timestamp(TimeUnit::Microsecond, None)
    } else if has("date") {
        DataType::Date32
    } else if has("dec") || has("numeric") {
        let (p, s) = precision(&lower).unwrap_or(cells::DECIMAL);
        DataType::Decimal128(p, s)
    } else if has("real") || has("floa") || has("doub") {
        DataType::Float64
    } else if has("blob") {
        DataType::Binary
    } else {
        DataType::Utf8
    }
}

/// `decimal(10,2)` → (10, 2).
fn precision(declared: &str) -> Option<(u8, i8)> {
    let inner = declared.split_once('(')?.1.split_once(')')?.0;
    let (p, s) = inner.split_once(',').unwrap_or((inner, "0"));
    let (p, s): (u8, i8) = (p.trim().parse().ok()?, s.trim().parse().ok()?);
    let fits = (1..=38).contains(&p) && s >= 0 && u8::try_from(s).ok()? <= p;
    fits.then_some((p, s))
}

fn count(connection: &Connection, table: &str) -> Result<u64> {
    let sql = format!("SELECT count(*) FROM {}", Dialect::Sqlite.quote(table));
    let rows: i64 = connection.query_row(&sql, [], |r| r.get(0)).map_err(|e| told(&e, table))?;
    Ok(u64::try_from(rows).unwrap_or(0))
}

fn told(error: &rusqlite::Error, table: &str) -> Error {
    if let rusqlite::Error::SqlInputError { msg, .. } = error {
        return if msg.starts_with("no such table") {
            fault::vanished(table)
        } else if msg.starts_with("no such column") {
            fault::changed(format!("table {table}: a column is gone"))
        } else {
            fault::read(format!("sqlite statement on {table}"))
        };
    }
    match error.sqlite_error_code() {
        Some(ErrorCode::CannotOpen | ErrorCode::NotADatabase | ErrorCode::SystemIoFailure) => {
            fault::unreachable(format!("sqlite {:?}", error.sqlite_error_code()))
        }
        code => match error {
            rusqlite::Error::SqliteFailure(_, Some(text)) if text.starts_with("no such table") => {
                fault::vanished(table)
            }
            rusqlite::Error::SqliteFailure(_, Some(text)) if text.starts_with("no such column") => {
                fault::changed(format!("table {table}: a column is gone"))
            }
            _ => fault::read(format!("sqlite {code:?} on {table}")),
        },
    }
}
