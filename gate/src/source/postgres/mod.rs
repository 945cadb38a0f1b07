//! PostgreSQL and what speaks its protocol: rows come in binary form and are streamed as the server sends them.

mod catalogue;
mod connect;
mod decode;

pub(super) use self::decode::numeric;

use std::sync::Arc;
use std::time::Instant;

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use datafusion::catalog::TableProvider;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::physical_plan::stream::RecordBatchReceiverStream;
use futures::TryStreamExt;
use tokio::sync::mpsc::Sender;
use tokio_postgres::types::Type;

use self::catalogue::Table;
use self::connect::{Lease, Server, told};
use super::cells::Rows;
use super::sql::column::Dialect;
use super::sql::condition::Value;
use super::sql::statement::Statement;
use super::sql::table::{Backend, SqlTable, schema_of};
use super::{ColumnInfo, Probe, Source, SourceKind, TableInfo, TableSchema, config, fault};
use crate::error::Result;

/// Above this, a sample takes whole pages; below, single rows.
const ROWS_FOR_PAGE_SAMPLE: f64 = 2e6;

#[derive(Clone, Debug)]
pub(super) struct Postgres {
    server: Arc<Server>,
}

impl Postgres {
    pub(super) fn new(conf: &config::Server) -> Result<Self> {
        Ok(Self { server: Arc::new(Server::new(conf)?) })
    }

    async fn table(&self, name: &str) -> Result<Table> {
        let lease = self.server.lease().await?;
        let table = catalogue::table(lease.client(), name).await;
        lease.give_back();
        table
    }

    async fn number(&self, sql: &str, table: &str) -> Result<i64> {
        let lease = self.server.lease().await?;
        let row = lease.client().query_one(sql, &[]).await.map_err(|e| told(&e, table));
        lease.give_back();
        row?.try_get(0).map_err(|e| told(&e, table))
    }
}

#[async_trait]
impl Source for Postgres {
    fn kind(&self) -> SourceKind {
        SourceKind::Postgres
    }

    async fn probe(&self) -> Result<Probe> {
        let begun = Instant::now();
        let lease = self.server.lease().await?;
        let row = lease.client().query_one("SELECT current_setting('server_version')", &[]).await;
        lease.give_back();
        let version: String = row.and_then(|r| r.try_get(0)).map_err(|e| told(&e, ""))?;
        let latency_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        Ok(Probe { version: format!("PostgreSQL {version}"), latency_ms })
    }

    async fn tables(&self) -> Result<Vec<TableInfo>> {
        let lease = self.server.lease().await?;
        let tables = catalogue::tables(lease.client()).await;
        lease.give_back();
        tables
    }

    async fn describe(&self, table: &str) -> Result<TableSchema> {
        let columns = self.table(table).await?.columns;
        Ok(TableSchema { arrow: schema_of(&columns), columns: columns.into_iter().map(ColumnInfo::from).collect() })
    }

    async fn count(&self, table: &str) -> Result<u64> {
        let from = self.table(table).await?.from;
        let rows = self.number(&format!("SELECT count(*) FROM {from}"), table).await?;
        Ok(u64::try_from(rows).unwrap_or(0))
    }

    #[expect(clippy::cast_precision_loss, reason = "a share of rows, not a number of rows")]
    async fn sample(&self, table: &str, rows: usize) -> Result<Vec<RecordBatch>> {
        let found = self.table(table).await?;
        let total = match found.estimate {
            Some(n) if n > 0 => n as f64,
            _ => self.count(table).await? as f64,
        };
        let share = if total > 0.0 { rows as f64 * 1.1 / total } else { 1.0 };
        let some = match (share >= 1.0, found.sampled) {
            (true, _) => String::new(),
            (false, true) => {
                let method = if total > ROWS_FOR_PAGE_SAMPLE { "SYSTEM" } else { "BERNOULLI" };
                format!(" TABLESAMPLE {method} ({:.6})", share * 100.0)
            }
            (false, false) => format!(" WHERE random() < {share:.9}"),
        };
        let list: Vec<&str> = found.columns.iter().map(|c| c.select.as_str()).collect();
        let sql = format!("SELECT {} FROM {}{some} LIMIT {rows}", list.join(", "), found.from);
        let stream = self.rows(Statement { sql, values: Vec::new() }, schema_of(&found.columns), table).await?;
        stream.try_collect().await.map_err(|_e| fault::read("sample"))
    }

    async fn provider(&self, table: &str) -> Result<Arc<dyn TableProvider>> {
        let found = self.table(table).await?;
        Ok(Arc::new(SqlTable::new(Arc::new(self.clone()), table, found.from, found.columns)))
    }
}

#[async_trait]
impl Backend for Postgres {
    fn dialect(&self) -> Dialect {
        Dialect::Postgres
    }

    async fn rows(&self, statement: Statement, schema: SchemaRef, table: &str) -> Result<SendableRecordBatchStream> {
        let lease = self.server.lease().await?;
        let mut builder = RecordBatchReceiverStream::builder(Arc::clone(&schema), 2);
        let (sender, table) = (builder.tx(), table.to_owned());
        builder.spawn(async move {
            // When the stream is dropped this task is, too, and with it the lease: the server is told to stop.
            stream_rows(&lease, &statement, schema, &table, &sender).await.map_err(fault::external)?;
            lease.give_back();
            Ok(())
        });
        Ok(builder.build())
    }
}

async fn stream_rows(
    lease: &Lease,
    statement: &Statement,
    schema: SchemaRef,
    table: &str,
    sender: &Sender<datafusion::error::Result<RecordBatch>>,
) -> Result<()> {
    let client = lease.client();
    let types = vec![Type::TEXT; statement.values.len()];
    let prepared = client.prepare_typed(&statement.sql, &types).await.map_err(|e| told(&e, table))?;
    if !schema.fields().is_empty() {
        let same = prepared.columns().len() == schema.fields().len()
            && prepared.columns().iter().zip(schema.fields()).all(|(c, f)| decode::fits(c.type_(), f.data_type()));
        if !same {
            return Err(fault::changed(format!("column types of {table}")));
        }
    }
    let values: Vec<String> = statement.values.iter().map(text).collect();
    let found = client.query_raw(&prepared, values).await.map_err(|e| told(&e, table))?;
    let mut found = std::pin::pin!(found);
    let names: Vec<String> = schema.fields().iter().map(|f| f.name().clone()).collect();
    let mut rows = Rows::new(schema)?;
    while let Some(row) = found.try_next().await.map_err(|e| told(&e, table))? {
        for (i, cells) in rows.cells().enumerate() {
            let raw = row.try_get::<_, decode::Raw<'_>>(i).map_err(|e| told(&e, table))?;
            decode::put(cells, raw.0).ok_or_else(|| {
                fault::value(format!("table {table} column {}", names.get(i).map_or("", String::as_str)))
            })?;
        }
        if let Some(batch) = rows.end_row()?
            && sender.send(Ok(batch)).await.is_err()
        {
            return Err(fault::read("nobody listens"));
        }
    }
    if let Some(batch) = rows.finish()? {
        // A closed channel here means only that nobody waits for the last rows.
        let _gone = sender.send(Ok(batch)).await;
    }
    Ok(())
}

/// Parameters travel as text and are cast in the statement.
fn text(value: &Value) -> String {
    match value {
        Value::Int(v) => v.to_string(),
        Value::UInt(v) => v.to_string(),
        Value::Float(v) => format!("{v:?}"),
        Value::Text(v) => v.clone(),
    }
}
