//! Where rows come from: databases, files and interfaces that the bureau already has.
//!
//! A source knows how to be reached, described, counted, sampled and scanned.
//! Only the gate scans one; everything else that wants rows goes through `gate::open`.

mod cells;
pub mod config;
mod fault;
mod files;
mod mysql;
mod postgres;
mod sql;
mod sqlite;

use std::fmt::Debug;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use datafusion::catalog::TableProvider;

use crate::error::Result;
use config::{Place, SourceConfig};

/// Prepares a source. Nothing is reached yet: [`Source::probe`] does that.
pub fn open(conf: &SourceConfig) -> Result<Arc<dyn Source>> {
    match (conf.kind, &conf.place) {
        (SourceKind::Postgres, Place::Server(server)) => Ok(Arc::new(postgres::Postgres::new(server)?)),
        (SourceKind::Mysql, Place::Server(server)) => Ok(Arc::new(mysql::Mysql::new(server, &conf.declared)?)),
        (SourceKind::Sqlite, Place::Path(path)) => Ok(Arc::new(sqlite::Sqlite::new(path.clone()))),
        (SourceKind::Postgres | SourceKind::Mysql, Place::Path(_)) => {
            Err(fault::config("该类数据源需要填写服务器地址"))
        }
        (_, Place::Server(_)) => Err(fault::config("该类数据源需要填写文件或目录")),
        (kind, Place::Path(path)) => Ok(Arc::new(files::Files::new(kind, path.clone(), conf.declared.clone()))),
    }
}

/// A `numeric` in PostgreSQL's binary form, exactly, or `None`.
pub(crate) fn numeric_from_binary(raw: &[u8], precision: u8, scale: i8) -> Option<i128> {
    postgres::numeric(raw, precision, scale)
}

/// A reachable source. Errors carry codes, never values, addresses with passwords or driver texts.
#[async_trait]
pub trait Source: Debug + Send + Sync {
    /// `postgres`, `mysql`, `sqlite`, `csv`, `xlsx`, `parquet`, `json`.
    fn kind(&self) -> SourceKind;
    /// Reaches the source once and says what it is, for the connection test.
    async fn probe(&self) -> Result<Probe>;
    async fn tables(&self) -> Result<Vec<TableInfo>>;
    async fn describe(&self, table: &str) -> Result<TableSchema>;
    async fn count(&self, table: &str) -> Result<u64>;
    /// At most `rows` rows spread over the table, for detection and masked samples.
    async fn sample(&self, table: &str, rows: usize) -> Result<Vec<RecordBatch>>;
    /// The provider to be put below masks and row filters.
    async fn provider(&self, table: &str) -> Result<Arc<dyn TableProvider>>;
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SourceKind {
    Postgres,
    Mysql,
    Sqlite,
    Csv,
    Json,
    Xlsx,
    Parquet,
}

#[derive(Clone, Debug)]
pub struct Probe {
    /// Product and version as the source states it.
    pub version: String,
    pub latency_ms: u64,
}

#[derive(Clone, Debug)]
pub struct TableInfo {
    pub name: String,
    pub comment: Option<String>,
    /// Rough number of rows where the source knows one without counting.
    pub rows_estimate: Option<u64>,
}

#[derive(Clone, Debug)]
pub struct TableSchema {
    pub columns: Vec<ColumnInfo>,
    pub arrow: SchemaRef,
}

#[derive(Clone, Debug)]
pub struct ColumnInfo {
    pub name: String,
    /// Type as the source names it, `varchar(18)`.
    pub native_type: String,
    pub nullable: bool,
    pub primary_key: bool,
    pub comment: Option<String>,
}
