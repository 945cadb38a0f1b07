//! MySQL and MariaDB: rows are read from the socket one by one; a dropped stream kills its query.

mod catalogue;
mod connect;
mod decode;

use std::sync::Arc;
use std::time::Instant;

use arrow::datatypes::{DataType, SchemaRef};
use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use datafusion::catalog::TableProvider;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::physical_plan::stream::RecordBatchReceiverStream;
use futures::TryStreamExt;
use mysql_async::Params;
use mysql_async::prelude::Queryable;
use tokio::sync::mpsc::Sender;

use self::connect::{Lease, Server, told};
use super::cells::Rows;
use super::config::{self, DeclaredColumn, DeclaredType};
use super::sql::column::{Column, Dialect, Push};
use super::sql::condition::Value;
use super::sql::statement::Statement;
use super::sql::table::{Backend, SqlTable, schema_of};
use super::{ColumnInfo, Probe, Source, SourceKind, TableInfo, TableSchema, fault};
use crate::error::Result;

#[derive(Clone, Debug)]
pub(super) struct Mysql {
    server: Arc<Server>,
    /// `BOOLEAN` is `tinyint(1)` here and may hold 0–9, so only a declaration makes it boolean.
    declared: Arc<[DeclaredColumn]>,
}

impl Mysql {
    pub(super) fn new(conf: &config::Server, declared: &[DeclaredColumn]) -> Result<Self> {
        Ok(Self { server: Arc::new(Server::new(conf)?), declared: declared.into() })
    }

    async fn columns(&self, table: &str) -> Result<Vec<Column>> {
        let mut lease = self.server.lease().await?;
        let mut columns = catalogue::columns(lease.conn(), table).await?;
        lease.give_back();
        for column in &mut columns {
            let is_declared = |d: &DeclaredColumn| d.table == table && d.column == column.name;
            if self.declared.iter().any(|d| is_declared(d) && d.as_type == DeclaredType::Boolean) {
                column.data_type = DataType::Boolean;
                column.push = Push::nulls_only();
            }
        }
        Ok(columns)
    }
}

#[async_trait]
impl Source for Mysql {
    fn kind(&self) -> SourceKind {
        SourceKind::Mysql
    }

    async fn probe(&self) -> Result<Probe> {
        let begun = Instant::now();
        let mut lease = self.server.lease().await?;
        let version: Option<String> = lease.conn().query_first("SELECT VERSION()").await.map_err(|e| told(&e, ""))?;
        lease.give_back();
        let version = version.unwrap_or_default();
        let product = if version.contains("MariaDB") { "MariaDB" } else { "MySQL" };
        let latency_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        Ok(Probe { version: format!("{product} {}", version.split('-').next().unwrap_or_default()), latency_ms })
    }

    async fn tables(&self) -> Result<Vec<TableInfo>> {
        let mut lease = self.server.lease().await?;
        let tables = catalogue::tables(lease.conn()).await?;
        lease.give_back();
        Ok(tables)
    }

    async fn describe(&self, table: &str) -> Result<TableSchema> {
        let columns = self.columns(table).await?;
        Ok(TableSchema { arrow: schema_of(&columns), columns: columns.into_iter().map(ColumnInfo::from).collect() })
    }

    async fn count(&self, table: &str) -> Result<u64> {
        let mut lease = self.server.lease().await?;
        let sql = format!("SELECT COUNT(*) FROM {}", Dialect::Mysql.quote(table));
        let rows: Option<u64> = lease.conn().query_first(sql).await.map_err(|e| told(&e, table))?;
        lease.give_back();
        Ok(rows.unwrap_or(0))
    }

    #[expect(clippy::cast_precision_loss, reason = "a share of rows, not a number of rows")]
    async fn sample(&self, table: &str, rows: usize) -> Result<Vec<RecordBatch>> {
        let columns = self.columns(table).await?;
        let total = self.count(table).await?;
        let share = rows as f64 * 1.1 / total.max(1) as f64;
        let some = if share < 1.0 { format!(" WHERE RAND() < {share:.9}") } else { String::new() };
        let list: Vec<&str> = columns.iter().map(|c| c.select.as_str()).collect();
        let sql = format!("SELECT {} FROM {}{some} LIMIT {rows}", list.join(", "), Dialect::Mysql.quote(table));
        let stream = self.rows(Statement { sql, values: Vec::new() }, schema_of(&columns), table).await?;
        stream.try_collect().await.map_err(|_e| fault::read("sample"))
    }

    async fn provider(&self, table: &str) -> Result<Arc<dyn TableProvider>> {
        let columns = self.columns(table).await?;
        let from = Dialect::Mysql.quote(table);
        Ok(Arc::new(SqlTable::new(Arc::new(self.clone()), table, from, columns)))
    }
}

#[async_trait]
impl Backend for Mysql {
    fn dialect(&self) -> Dialect {
        Dialect::Mysql
    }

    async fn rows(&self, statement: Statement, schema: SchemaRef, table: &str) -> Result<SendableRecordBatchStream> {
        let mut lease = self.server.lease().await?;
        let mut builder = RecordBatchReceiverStream::builder(Arc::clone(&schema), 2);
        let (sender, table) = (builder.tx(), table.to_owned());
        builder.spawn(async move {
            stream_rows(&mut lease, &statement, schema, &table, &sender).await.map_err(fault::external)?;
            lease.give_back();
            Ok(())
        });
        Ok(builder.build())
    }
}

async fn stream_rows(
    lease: &mut Lease,
    statement: &Statement,
    schema: SchemaRef,
    table: &str,
    sender: &Sender<datafusion::error::Result<RecordBatch>>,
) -> Result<()> {
    let params = match statement.values.as_slice() {
        [] => Params::Empty,
        values => Params::Positional(values.iter().map(parameter).collect()),
    };
    let mut found = lease.conn().exec_iter(statement.sql.as_str(), params).await.map_err(|e| told(&e, table))?;
    if !schema.fields().is_empty() {
        let columns = found.columns_ref();
        let same = columns.len() == schema.fields().len()
            && columns.iter().zip(schema.fields()).all(|(c, f)| decode::fits(c, f.data_type()));
        if !same {
            return Err(fault::changed(format!("column types of {table}")));
        }
    }
    let names: Vec<String> = schema.fields().iter().map(|f| f.name().clone()).collect();
    let mut rows = Rows::new(schema)?;
    while let Some(row) = found.next().await.map_err(|e| told(&e, table))? {
        for (i, cells) in rows.cells().enumerate() {
            row.as_ref(i).and_then(|value| decode::put(cells, value)).ok_or_else(|| {
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

fn parameter(value: &Value) -> mysql_async::Value {
    match value {
        Value::Int(v) => mysql_async::Value::Int(*v),
        Value::UInt(v) => mysql_async::Value::UInt(*v),
        Value::Float(v) => mysql_async::Value::Double(*v),
        Value::Text(v) => mysql_async::Value::Bytes(v.clone().into_bytes()),
    }
}
