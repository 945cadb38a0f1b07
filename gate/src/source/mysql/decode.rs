//! MySQL's values into builders. A statement with parameters answers in binary, one without may answer in text.

use arrow::datatypes::DataType;
use chrono::NaiveDate;
use mysql_async::consts::ColumnType as C;
use mysql_async::{Column, Value};

use crate::source::cells::{self, Cells};

const ZONE_MICROS: i64 = 8 * 3_600_000_000;

/// Whether the server's type is still of the kind that the column had when it was described.
pub(super) fn fits(sent: &Column, expected: &DataType) -> bool {
    let integer = matches!(
        sent.column_type(),
        C::MYSQL_TYPE_TINY
            | C::MYSQL_TYPE_SHORT
            | C::MYSQL_TYPE_INT24
            | C::MYSQL_TYPE_LONG
            | C::MYSQL_TYPE_LONGLONG
            | C::MYSQL_TYPE_YEAR
    );
    let string = matches!(
        sent.column_type(),
        C::MYSQL_TYPE_VARCHAR
            | C::MYSQL_TYPE_VAR_STRING
            | C::MYSQL_TYPE_STRING
            | C::MYSQL_TYPE_BLOB
            | C::MYSQL_TYPE_TINY_BLOB
            | C::MYSQL_TYPE_MEDIUM_BLOB
            | C::MYSQL_TYPE_LONG_BLOB
            | C::MYSQL_TYPE_ENUM
            | C::MYSQL_TYPE_SET
            | C::MYSQL_TYPE_JSON
    );
    match (expected, sent.column_type()) {
        (
            DataType::Boolean
            | DataType::Int16
            | DataType::Int32
            | DataType::Int64
            | DataType::UInt32
            | DataType::UInt64,
            _,
        ) => integer,
        (DataType::Float32, t) => t == C::MYSQL_TYPE_FLOAT,
        (DataType::Float64, t) => t == C::MYSQL_TYPE_DOUBLE,
        (DataType::Decimal128(_, scale), t) => {
            matches!(t, C::MYSQL_TYPE_NEWDECIMAL | C::MYSQL_TYPE_DECIMAL) && i8::try_from(sent.decimals()) == Ok(*scale)
        }
        (DataType::Utf8 | DataType::Binary, _) => string,
        (DataType::Date32, t) => matches!(t, C::MYSQL_TYPE_DATE | C::MYSQL_TYPE_NEWDATE),
        (DataType::Time64(_), t) => t == C::MYSQL_TYPE_TIME,
        (DataType::Timestamp(_, None), t) => t == C::MYSQL_TYPE_DATETIME,
        (DataType::Timestamp(_, Some(_)), t) => t == C::MYSQL_TYPE_TIMESTAMP,
        _ => false,
    }
}

/// `None`: the value is not of the column's type.
pub(super) fn put(cells: &mut Cells, value: &Value) -> Option<()> {
    match (cells, value) {
        (cells, Value::NULL) => cells.null(),
        (Cells::Bool(b), Value::Int(v)) => b.append_value(match v {
            0 => false,
            1 => true,
            _ => return None,
        }),
        (Cells::Int16(b), Value::Int(v)) => b.append_value(i16::try_from(*v).ok()?),
        (Cells::Int16(b), Value::UInt(v)) => b.append_value(i16::try_from(*v).ok()?),
        (Cells::Int32(b), Value::Int(v)) => b.append_value(i32::try_from(*v).ok()?),
        (Cells::Int32(b), Value::UInt(v)) => b.append_value(i32::try_from(*v).ok()?),
        (Cells::Int64(b), Value::Int(v)) => b.append_value(*v),
        (Cells::UInt32(b), Value::UInt(v)) => b.append_value(u32::try_from(*v).ok()?),
        (Cells::UInt32(b), Value::Int(v)) => b.append_value(u32::try_from(*v).ok()?),
        (Cells::UInt64(b), Value::UInt(v)) => b.append_value(*v),
        (Cells::UInt64(b), Value::Int(v)) => b.append_value(u64::try_from(*v).ok()?),
        (Cells::Float32(b), Value::Float(v)) => b.append_value(*v),
        (Cells::Float64(b), Value::Double(v)) => b.append_value(*v),
        (Cells::Binary(b), Value::Bytes(v)) => b.append_value(v),
        (cells @ (Cells::Date(_) | Cells::Micros(..)), Value::Date(..)) => dated(cells, value)?,
        (Cells::Time(b), Value::Time(false, 0, h, m, s, us)) => {
            let seconds = i64::from(*h) * 3600 + i64::from(*m) * 60 + i64::from(*s);
            b.append_value(seconds * 1_000_000 + i64::from(*us));
        }
        (cells, Value::Bytes(v)) => from_text(cells, std::str::from_utf8(v).ok()?)?,
        _ => return None,
    }
    Some(())
}

fn dated(cells: &mut Cells, value: &Value) -> Option<()> {
    let Value::Date(year, month, day, hour, minute, second, micros) = *value else { return None };
    if month == 0 || day == 0 {
        // 0000-00-00 and its like say that nothing is known.
        cells.null();
        return Some(());
    }
    let date = NaiveDate::from_ymd_opt(i32::from(year), u32::from(month), u32::from(day))?;
    match cells {
        Cells::Date(b) => b.append_value(cells::days(date)?),
        Cells::Micros(b, zoned) => {
            let at = date.and_hms_micro_opt(u32::from(hour), u32::from(minute), u32::from(second), micros)?;
            b.append_value(cells::micros(at) - if *zoned { ZONE_MICROS } else { 0 });
        }
        _ => return None,
    }
    Some(())
}

fn from_text(cells: &mut Cells, text: &str) -> Option<()> {
    let zero_date = || text.starts_with("0000-00-00");
    match cells {
        Cells::Date(_) | Cells::Micros(..) if zero_date() => cells.null(),
        Cells::Micros(b, true) => b.append_value(cells::parse_timestamp(text)? - ZONE_MICROS),
        _ => cells.parse(text)?,
    }
    Some(())
}
