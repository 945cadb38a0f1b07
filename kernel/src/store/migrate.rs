//! Runs each migration once and remembers it by name.

use sea_orm::{ConnectionTrait, DatabaseConnection, Statement, TransactionTrait};
use sea_orm_migration::{MigrationTrait, SchemaManager};

use crate::error::{Error, Result};

pub(super) async fn run(db: &DatabaseConnection, migrations: &[Box<dyn MigrationTrait>]) -> Result<()> {
    db.execute_unprepared("CREATE TABLE IF NOT EXISTS migration (name TEXT PRIMARY KEY)").await?;
    for migration in migrations {
        let name = migration.name();
        let tx = db.begin().await?;
        let seen = tx.query_one_raw(statement(&tx, "SELECT name FROM migration WHERE name = $1", name)).await?;
        if seen.is_some() {
            continue;
        }
        migration.up(&SchemaManager::new(&tx)).await.map_err(Error::internal)?;
        tx.execute_raw(statement(&tx, "INSERT INTO migration (name) VALUES ($1)", name)).await?;
        tx.commit().await?;
    }
    Ok(())
}

fn statement(tx: &impl ConnectionTrait, sql: &str, name: &str) -> Statement {
    Statement::from_sql_and_values(tx.get_database_backend(), sql, [name.into()])
}
