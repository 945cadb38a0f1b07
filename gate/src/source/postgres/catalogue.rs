//! Tables and columns as PostgreSQL's own catalogue states them.

use arrow::datatypes::{DataType, TimeUnit};
use tokio_postgres::types::Type;
use tokio_postgres::{Client, Row};

use super::connect::told;
use crate::error::Result;
use crate::source::cells::{self, ZONE};
use crate::source::sql::column::{Column, Dialect, Push};
use crate::source::{TableInfo, fault};

pub(super) struct Table {
    /// Quoted schema and name.
    pub from: String,
    pub columns: Vec<Column>,
    pub estimate: Option<i64>,
    /// Whether TABLESAMPLE works on it.
    pub sampled: bool,
}

const NAME: &str = "CASE WHEN n.nspname = 'public' THEN c.relname::text ELSE n.nspname || '.' || c.relname END";
const READABLE: &str = "c.relkind IN ('r', 'v', 'm', 'f', 'p') AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast') \
                        AND n.nspname NOT LIKE 'pg\\_temp\\_%'";

/// Everything the account may read.
pub(super) async fn tables(client: &Client) -> Result<Vec<TableInfo>> {
    let sql = format!(
        "SELECT {NAME}, obj_description(c.oid, 'pg_class'), CASE WHEN c.reltuples >= 0 AND c.relkind <> 'v' THEN c.reltuples::int8 END \
         FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
         WHERE {READABLE} AND NOT c.relispartition AND has_table_privilege(c.oid, 'SELECT') ORDER BY 1"
    );
    let rows = client.query(&sql, &[]).await.map_err(|e| told(&e, ""))?;
    let info = |row: &Row| -> std::result::Result<TableInfo, tokio_postgres::Error> {
        let estimate: Option<i64> = row.try_get(2)?;
        Ok(TableInfo {
            name: row.try_get(0)?,
            comment: row.try_get(1)?,
            rows_estimate: estimate.and_then(|n| u64::try_from(n).ok()),
        })
    };
    rows.iter().map(|row| info(row).map_err(|e| told(&e, ""))).collect()
}

pub(super) async fn table(client: &Client, name: &str) -> Result<Table> {
    let sql = format!(
        "SELECT n.nspname::text, c.relname::text, c.oid, c.relkind::text, CASE WHEN c.reltuples >= 0 THEN c.reltuples::int8 END, \
         current_setting('server_encoding') \
         FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
         WHERE {READABLE} AND {NAME} = $1"
    );
    let found = client.query_opt(&sql, &[&name]).await.map_err(|e| told(&e, name))?;
    let row = found.ok_or_else(|| fault::vanished(name))?;
    let (from, oid, kind, estimate, encoding) = identity(&row).map_err(|e| told(&e, name))?;
    let sql = "SELECT a.attname::text, format_type(a.atttypid, a.atttypmod), \
               CASE WHEN t.typtype = 'd' THEN t.typbasetype ELSE a.atttypid END, \
               CASE WHEN t.typtype = 'd' THEN t.typtypmod ELSE a.atttypmod END, \
               NOT a.attnotnull, \
               EXISTS (SELECT 1 FROM pg_catalog.pg_index i WHERE i.indrelid = a.attrelid AND i.indisprimary AND a.attnum = ANY (i.indkey)), \
               col_description(a.attrelid, a.attnum) \
               FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type t ON t.oid = a.atttypid \
               WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum";
    let rows = client.query(sql, &[&oid]).await.map_err(|e| told(&e, name))?;
    let utf8 = encoding == "UTF8";
    let columns = rows.iter().map(|row| column(row, utf8).map_err(|e| told(&e, name))).collect::<Result<Vec<_>>>()?;
    Ok(Table { from, columns, estimate, sampled: matches!(kind.as_str(), "r" | "m" | "p") })
}

type Identity = (String, u32, String, Option<i64>, String);

fn identity(row: &Row) -> std::result::Result<Identity, tokio_postgres::Error> {
    let (schema, name): (String, String) = (row.try_get(0)?, row.try_get(1)?);
    let from = format!("{}.{}", Dialect::Postgres.quote(&schema), Dialect::Postgres.quote(&name));
    Ok((from, row.try_get(2)?, row.try_get(3)?, row.try_get(4)?, row.try_get(5)?))
}

fn column(row: &Row, utf8: bool) -> std::result::Result<Column, tokio_postgres::Error> {
    let name: String = row.try_get(0)?;
    let (oid, modifier): (u32, i32) = (row.try_get(2)?, row.try_get(3)?);
    let quoted = Dialect::Postgres.quote(&name);
    let (data_type, select, push) = reading(&quoted, &Type::from_oid(oid), modifier, utf8);
    Ok(Column {
        name,
        native_type: row.try_get(1)?,
        data_type,
        nullable: row.try_get(4)?,
        primary_key: row.try_get(5)?,
        comment: row.try_get(6)?,
        select,
        push,
    })
}

/// How a column is read and which comparisons the server may make on it.
fn reading(quoted: &str, of: &Option<Type>, modifier: i32, utf8: bool) -> (DataType, String, Push) {
    let as_is = quoted.to_owned();
    let cast = |to: &str| Push::all(quoted, "(", &format!("::text)::{to}"));
    let exact_equality_only = |push: Push| Push { differ: false, ..push };
    match of.as_ref() {
        Some(&Type::BOOL) => (DataType::Boolean, as_is, Push::nulls_only()),
        Some(&Type::INT2) => (DataType::Int16, as_is, cast("int8")),
        Some(&Type::INT4) => (DataType::Int32, as_is, cast("int8")),
        Some(&Type::INT8) => (DataType::Int64, as_is, cast("int8")),
        Some(&Type::FLOAT4) => (DataType::Float32, as_is, Push::nulls_only()),
        Some(&Type::FLOAT8) => (DataType::Float64, as_is, exact_equality_only(cast("float8"))),
        Some(&Type::NUMERIC) => {
            let (p, s) = precision(modifier).unwrap_or(cells::DECIMAL);
            (DataType::Decimal128(p, s), as_is, cast("numeric"))
        }
        Some(&Type::TEXT | &Type::VARCHAR) => (DataType::Utf8, as_is, text_push(quoted, utf8)),
        // The padding of CHAR(n) is not part of the value, and the cast takes it off.
        Some(&Type::BPCHAR) => {
            let equal = utf8.then(|| quoted.to_owned());
            let push = Push { equal, is_null: true, around: ("(".into(), "::text)::bpchar".into()), ..Push::default() };
            (DataType::Utf8, format!("{quoted}::text"), push)
        }
        Some(&Type::BYTEA) => (DataType::Binary, as_is, Push::nulls_only()),
        Some(&Type::DATE) => (DataType::Date32, as_is, cast("date")),
        Some(&Type::TIME) => (DataType::Time64(TimeUnit::Microsecond), as_is, Push::nulls_only()),
        Some(&Type::TIMESTAMP) => (DataType::Timestamp(TimeUnit::Microsecond, None), as_is, cast("timestamp")),
        Some(&Type::TIMESTAMPTZ) => {
            let push = Push::all(quoted, "(", &format!("::text || '{ZONE}')::timestamptz"));
            (DataType::Timestamp(TimeUnit::Microsecond, Some(ZONE.into())), as_is, push)
        }
        // Enums, uuid, json, arrays, network addresses …: their text is exact and every client can show it.
        _ => (DataType::Utf8, format!("{quoted}::text"), Push::nulls_only()),
    }
}

/// A server in another encoding would refuse characters that it lacks and order bytes differently.
fn text_push(quoted: &str, utf8: bool) -> Push {
    if !utf8 {
        return Push::nulls_only();
    }
    Push {
        equal: Some(quoted.to_owned()),
        differ: false,
        order: Some(format!("{quoted} COLLATE \"C\"")),
        is_null: true,
        around: ("(".to_owned(), "::text)".to_owned()),
    }
}

/// `atttypmod` of `numeric(p,s)`; wider ones than Arrow's 128 bits keep their scale.
fn precision(modifier: i32) -> Option<(u8, i8)> {
    let packed = modifier.checked_sub(4).filter(|m| *m >= 0)?;
    let (p, s) = (packed >> 16, packed & 0xFFFF);
    let s = i8::try_from(s).ok()?;
    (s <= 38).then(|| (u8::try_from(p.min(38)).unwrap_or(38), s))
}
