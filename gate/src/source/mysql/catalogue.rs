//! Tables and columns as `information_schema` states them.

use arrow::datatypes::{DataType, TimeUnit};
use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Row, Value};

use super::connect::told;
use crate::error::Result;
use crate::source::cells::ZONE;
use crate::source::sql::column::{Column, Dialect, Push};
use crate::source::{TableInfo, fault};

pub(super) async fn tables(conn: &mut Conn) -> Result<Vec<TableInfo>> {
    let sql = "SELECT TABLE_NAME, NULLIF(TABLE_COMMENT, ''), TABLE_ROWS, TABLE_TYPE FROM information_schema.TABLES \
               WHERE TABLE_SCHEMA = DATABASE() ORDER BY TABLE_NAME";
    let rows: Vec<Row> = conn.query(sql).await.map_err(|e| told(&e, ""))?;
    let info = |row: &Row| {
        let is_table = text(row, 3).is_some_and(|t| t.contains("TABLE"));
        TableInfo {
            name: text(row, 0).unwrap_or_default(),
            // A view's comment is the word VIEW.
            comment: text(row, 1).filter(|_| is_table),
            rows_estimate: number(row, 2).filter(|_| is_table),
        }
    };
    Ok(rows.iter().map(info).collect())
}

pub(super) async fn columns(conn: &mut Conn, table: &str) -> Result<Vec<Column>> {
    let sql = "SELECT COLUMN_NAME, DATA_TYPE, COLUMN_TYPE, IS_NULLABLE, COLUMN_KEY, NULLIF(COLUMN_COMMENT, ''), \
               NUMERIC_PRECISION, NUMERIC_SCALE, CHARACTER_SET_NAME FROM information_schema.COLUMNS \
               WHERE TABLE_SCHEMA = DATABASE() AND BINARY TABLE_NAME = ? ORDER BY ORDINAL_POSITION";
    let rows: Vec<Row> = conn.exec(sql, (table,)).await.map_err(|e| told(&e, table))?;
    if rows.is_empty() {
        return Err(fault::vanished(table));
    }
    Ok(rows.iter().map(column).collect())
}

fn column(row: &Row) -> Column {
    let name = text(row, 0).unwrap_or_default();
    let native_type = text(row, 2).unwrap_or_default();
    let native = Native {
        name: text(row, 1).unwrap_or_default().to_ascii_lowercase(),
        unsigned: native_type.contains("unsigned"),
        precision: number(row, 6).unwrap_or(0),
        scale: number(row, 7).unwrap_or(0),
        utf8: text(row, 8).is_some_and(|set| set.starts_with("utf8")),
    };
    let quoted = Dialect::Mysql.quote(&name);
    let (data_type, select, push) = reading(&quoted, &native);
    Column {
        name,
        native_type,
        data_type,
        nullable: text(row, 3).as_deref() == Some("YES"),
        primary_key: text(row, 4).as_deref() == Some("PRI"),
        comment: text(row, 5),
        select,
        push,
    }
}

struct Native {
    name: String,
    unsigned: bool,
    precision: u64,
    scale: u64,
    utf8: bool,
}

/// How a column is read and which comparisons the server may make on it.
fn reading(quoted: &str, native: &Native) -> (DataType, String, Push) {
    let as_is = quoted.to_owned();
    let plain = || Push::all(quoted, "", "");
    // A zero date is read as null, which the server would not call NULL.
    let dated = |to: &str| Push { is_null: false, ..Push::all(quoted, "CAST(", &format!(" AS {to})")) };
    match (native.name.as_str(), native.unsigned) {
        ("tinyint" | "smallint", false) | ("tinyint", true) | ("year", _) => (DataType::Int16, as_is, plain()),
        ("smallint" | "mediumint", true) | ("mediumint" | "int" | "integer", false) => {
            (DataType::Int32, as_is, plain())
        }
        ("int" | "integer", true) => (DataType::UInt32, as_is, plain()),
        ("bigint", false) => (DataType::Int64, as_is, plain()),
        ("bigint", true) => (DataType::UInt64, as_is, plain()),
        ("decimal" | "numeric", _) => {
            let precision = u8::try_from(native.precision.clamp(1, 38)).unwrap_or(38);
            let scale = i8::try_from(native.scale.min(38)).unwrap_or(0);
            let push = Push::all(quoted, "CAST(", &format!(" AS DECIMAL({precision},{scale}))"));
            (DataType::Decimal128(precision, scale), as_is, push)
        }
        ("float", _) => (DataType::Float32, as_is, Push::nulls_only()),
        ("double" | "real", _) => (DataType::Float64, as_is, Push { differ: false, ..plain() }),
        ("char" | "varchar" | "tinytext" | "text" | "mediumtext" | "longtext", _) => {
            (DataType::Utf8, as_is, text_push(quoted, native.utf8))
        }
        ("enum", _) => (DataType::Utf8, as_is, Push { order: None, ..text_push(quoted, native.utf8) }),
        ("set", _) => (DataType::Utf8, as_is, Push::nulls_only()),
        ("binary" | "varbinary" | "tinyblob" | "blob" | "mediumblob" | "longblob", _) => {
            (DataType::Binary, as_is, Push::nulls_only())
        }
        ("date", _) => (DataType::Date32, as_is, dated("DATE")),
        ("datetime", _) => (DataType::Timestamp(TimeUnit::Microsecond, None), as_is, dated("DATETIME(6)")),
        ("timestamp", _) => {
            (DataType::Timestamp(TimeUnit::Microsecond, Some(ZONE.into())), as_is, dated("DATETIME(6)"))
        }
        ("time", _) => (DataType::Time64(TimeUnit::Microsecond), as_is, Push::nulls_only()),
        ("bit", _) => (DataType::UInt64, format!("CAST({quoted} AS UNSIGNED)"), Push::nulls_only()),
        (
            "geometry" | "point" | "linestring" | "polygon" | "multipoint" | "multilinestring" | "multipolygon"
            | "geometrycollection",
            _,
        ) => (DataType::Utf8, format!("ST_AsText({quoted})"), Push::nulls_only()),
        // json, uuid, inet4, inet6 …: their text.
        _ => (DataType::Utf8, format!("CAST({quoted} AS CHAR)"), Push::nulls_only()),
    }
}

/// Equality under a collation that ignores case or trailing spaces finds more, never less. Order differs,
/// so the bytes are compared. A column in another character set may refuse a character it lacks.
fn text_push(quoted: &str, utf8: bool) -> Push {
    if !utf8 {
        return Push::nulls_only();
    }
    Push {
        equal: Some(quoted.to_owned()),
        order: Some(format!("CAST({quoted} AS BINARY)")),
        is_null: true,
        ..Push::default()
    }
}

fn text(row: &Row, at: usize) -> Option<String> {
    match row.as_ref(at)? {
        Value::Bytes(bytes) => String::from_utf8(bytes.clone()).ok(),
        _ => None,
    }
}

fn number(row: &Row, at: usize) -> Option<u64> {
    match row.as_ref(at)? {
        Value::Int(n) => u64::try_from(*n).ok(),
        Value::UInt(n) => Some(*n),
        Value::Bytes(bytes) => std::str::from_utf8(bytes).ok()?.parse().ok(),
        _ => None,
    }
}
