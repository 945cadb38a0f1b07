//! The metadata store: SQLite embedded, PostgreSQL beside it, one code for both.
//!
//! One writer at a time on SQLite (its own rule), a pool on PostgreSQL. A transaction collects
//! what must happen after it: events are told to the process only once it is durable.

mod migrate;
pub mod text;

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sea_orm::{
    ConnectOptions, Database, DatabaseConnection, DatabaseTransaction, DbBackend, SqliteTransactionMode,
    TransactionOptions, TransactionTrait,
};
use sea_orm_migration::MigrationTrait;

use crate::error::{Error, Result};
use crate::event::Event;
use crate::rules::Rules;

/// Connections of the SQLite reader pool.
const READERS_MAX: u32 = 8;
/// Connections to PostgreSQL.
const POSTGRES_MAX: u32 = 16;
/// How long a writer waits for its turn before the user is told to try again.
const WRITE_WAIT: Duration = Duration::from_secs(20);

/// Handle on the store; cheap to clone.
#[derive(Clone, Debug)]
pub struct Store {
    write: DatabaseConnection,
    read: DatabaseConnection,
    rules: Arc<Rules>,
}

impl Store {
    /// Opens `sqlite:///path/to/file` (made when absent) or `postgres://…`.
    pub async fn open(url: &str) -> Result<Self> {
        let rules = Arc::new(Rules::embedded().map_err(Error::internal)?);
        if url.starts_with("sqlite:") {
            let write = Database::connect(sqlite_options(url, 1)).await?;
            let read = Database::connect(sqlite_options(url, READERS_MAX)).await?;
            Ok(Self { write, read, rules })
        } else {
            let mut options = ConnectOptions::new(url);
            options.max_connections(POSTGRES_MAX).acquire_timeout(WRITE_WAIT).sqlx_logging(false);
            let pool = Database::connect(options).await?;
            Ok(Self { write: pool.clone(), read: pool, rules })
        }
    }

    /// The embedded store in a directory.
    pub async fn open_embedded(directory: &Path) -> Result<Self> {
        let file = directory.join("hufu.db");
        let file = file.to_str().ok_or_else(|| Error::internal("store path is not UTF-8"))?;
        Self::open(&format!("sqlite://{file}?mode=rwc")).await
    }

    /// Brings the schema up to date; each migration runs once, in its own transaction.
    pub async fn migrate(&self, migrations: &[Box<dyn MigrationTrait>]) -> Result<()> {
        migrate::run(&self.write, migrations).await
    }

    /// Puts other rules in force than the built-in national ones.
    pub fn with_rules(mut self, rules: Rules) -> Self {
        self.rules = Arc::new(rules);
        self
    }

    /// Calendars and limits in force.
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    pub fn backend(&self) -> DbBackend {
        self.write.get_database_backend()
    }

    /// For reading outside a command. Never for writing.
    pub fn reader(&self) -> &DatabaseConnection {
        &self.read
    }

    /// A write transaction. On SQLite it takes the writer's place at once, so that it cannot fail half way for the lock.
    pub async fn begin(&self) -> Result<Tx> {
        let mode = (self.backend() == DbBackend::Sqlite).then_some(SqliteTransactionMode::Immediate);
        let options = TransactionOptions { sqlite_transaction_mode: mode, ..TransactionOptions::default() };
        let inner = self.write.begin_with_options(options).await?;
        Ok(Tx { inner, events: Mutex::default(), rules: Arc::clone(&self.rules) })
    }
}

/// An open write transaction. Dropping it rolls back.
#[derive(Debug)]
pub struct Tx {
    inner: DatabaseTransaction,
    events: Mutex<Vec<Event>>,
    rules: Arc<Rules>,
}

impl Tx {
    pub fn db(&self) -> &DatabaseTransaction {
        &self.inner
    }

    /// Calendars and limits in force: decisions inside a command reckon by them.
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// Tells the process after the commit, and only then.
    pub fn announce(&self, event: Event) {
        if let Ok(mut events) = self.events.lock() {
            events.push(event);
        }
    }

    /// Makes everything durable and hands back what is to be told.
    pub async fn commit(self) -> Result<Vec<Event>> {
        self.inner.commit().await?;
        Ok(self.events.into_inner().unwrap_or_default())
    }
}

fn sqlite_options(url: &str, connections: u32) -> ConnectOptions {
    let mut options = ConnectOptions::new(url);
    options.max_connections(connections).acquire_timeout(WRITE_WAIT).sqlx_logging(false).map_sqlx_sqlite_opts(
        |sqlite| {
            sqlite
                .pragma("journal_mode", "WAL")
                .pragma("synchronous", "FULL")
                .pragma("busy_timeout", "20000")
                .foreign_keys(true)
        },
    );
    options
}
