//! Numbers that people read out on the phone: `YS-20261121-0007`, counted per kind and day.

use sea_orm::{ConnectionTrait, Statement};

use crate::error::{Error, Result};
use crate::store::Tx;
use crate::time::Timestamp;

/// The next number of a kind; gaps cannot occur, since it rolls back with its command.
pub async fn next(tx: &Tx, prefix: &str, now: Timestamp) -> Result<String> {
    let series = format!("{prefix}-{}", now.day_number());
    let sql = "INSERT INTO number_series (series, last) VALUES ($1, 1) \
               ON CONFLICT (series) DO UPDATE SET last = number_series.last + 1 RETURNING last";
    let statement = Statement::from_sql_and_values(tx.db().get_database_backend(), sql, [series.clone().into()]);
    let row = tx.db().query_one_raw(statement).await?.ok_or_else(|| Error::internal("number series gave no row"))?;
    let last: i64 = row.try_get_by_index(0)?;
    Ok(format!("{series}-{last:04}"))
}
