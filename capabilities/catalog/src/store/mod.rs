//! The only SQL of the catalogue.

pub mod cart;
pub mod change;
pub mod check;
pub mod field;
pub mod resource;
pub mod schema;
pub mod source;
pub mod source_table;
pub mod version;

use sea_orm::{ConnectionTrait, Statement};

use hufu_kernel::error::{Error, Result};

/// Reserves `count` numbers of a series and gives the first; gaps cannot occur, since it rolls back with its command.
pub async fn reserve(db: &impl ConnectionTrait, series: &str, count: i64) -> Result<i64> {
    let sql = "INSERT INTO catalog_series (series, last) VALUES ($1, $2) \
               ON CONFLICT (series) DO UPDATE SET last = catalog_series.last + $2 RETURNING last";
    let values = [series.into(), count.into()];
    let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, values);
    let row = db.query_one_raw(statement).await?.ok_or_else(|| Error::internal("catalogue series gave no row"))?;
    let last: i64 = row.try_get_by_index(0)?;
    Ok(last - count + 1)
}

/// Rows of one multi-row insert: SQLite binds at most 32,766 values, and a long statement gains nothing.
pub(crate) fn chunk_rows(columns: usize) -> usize {
    const BINDS_MAX: usize = 16_000;
    (BINDS_MAX / columns.max(1)).max(1)
}
