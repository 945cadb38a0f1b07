//! PostgreSQL's binary forms into builders.

use std::error::Error;

use arrow::datatypes::DataType;
use tokio_postgres::types::{FromSql, Type};

use crate::source::cells::Cells;

/// Days and microseconds from 1970 to 2000, where PostgreSQL counts from.
const EPOCH_DAYS: i32 = 10_957;
const EPOCH_MICROS: i64 = 946_684_800_000_000;
/// Where infinities are shown: 9999-12-31 and 0001-01-01.
const LAST_DAY: i32 = 2_932_896;
const FIRST_DAY: i32 = -719_162;
const DAY_MICROS: i64 = 86_400_000_000;

/// The bytes of a value as the server sent them.
pub(super) struct Raw<'a>(pub Option<&'a [u8]>);

impl<'a> FromSql<'a> for Raw<'a> {
    fn from_sql(_type: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self(Some(raw)))
    }

    fn from_sql_null(_type: &Type) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self(None))
    }

    fn accepts(_type: &Type) -> bool {
        true
    }
}

/// Whether the server's type is what the column was when it was described.
pub(super) fn fits(sent: &Type, expected: &DataType) -> bool {
    match *expected {
        DataType::Boolean => *sent == Type::BOOL,
        DataType::Int16 => *sent == Type::INT2,
        DataType::Int32 => *sent == Type::INT4,
        DataType::Int64 => *sent == Type::INT8,
        DataType::Float32 => *sent == Type::FLOAT4,
        DataType::Float64 => *sent == Type::FLOAT8,
        DataType::Decimal128(..) => *sent == Type::NUMERIC,
        DataType::Utf8 => *sent == Type::TEXT || *sent == Type::VARCHAR,
        DataType::Binary => *sent == Type::BYTEA,
        DataType::Date32 => *sent == Type::DATE,
        DataType::Time64(_) => *sent == Type::TIME,
        DataType::Timestamp(_, None) => *sent == Type::TIMESTAMP,
        DataType::Timestamp(_, Some(_)) => *sent == Type::TIMESTAMPTZ,
        _ => false,
    }
}

/// `None`: the bytes are not a value of the column's type.
pub(super) fn put(cells: &mut Cells, raw: Option<&[u8]>) -> Option<()> {
    let Some(raw) = raw else {
        cells.null();
        return Some(());
    };
    match cells {
        Cells::Bool(b) => b.append_value(*raw.first()? != 0),
        Cells::Int16(b) => b.append_value(i16::from_be_bytes(raw.try_into().ok()?)),
        Cells::Int32(b) => b.append_value(i32::from_be_bytes(raw.try_into().ok()?)),
        Cells::Int64(b) => b.append_value(i64::from_be_bytes(raw.try_into().ok()?)),
        Cells::Float32(b) => b.append_value(f32::from_be_bytes(raw.try_into().ok()?)),
        Cells::Float64(b) => b.append_value(f64::from_be_bytes(raw.try_into().ok()?)),
        Cells::Decimal(b, p, s) => b.append_value(numeric(raw, *p, *s)?),
        Cells::Text(b) => b.append_value(std::str::from_utf8(raw).ok()?),
        Cells::Binary(b) => b.append_value(raw),
        Cells::Date(b) => b.append_value(match i32::from_be_bytes(raw.try_into().ok()?) {
            i32::MAX => LAST_DAY,
            i32::MIN => FIRST_DAY,
            days => days.checked_add(EPOCH_DAYS)?,
        }),
        Cells::Time(b) => b.append_value(i64::from_be_bytes(raw.try_into().ok()?)),
        Cells::Micros(b, _) => b.append_value(match i64::from_be_bytes(raw.try_into().ok()?) {
            i64::MAX => i64::from(LAST_DAY) * DAY_MICROS,
            i64::MIN => i64::from(FIRST_DAY) * DAY_MICROS,
            micros => micros.checked_add(EPOCH_MICROS)?,
        }),
        Cells::UInt32(_) | Cells::UInt64(_) => return None,
    }
    Some(())
}

/// Digits to base 10000 into an unscaled integer; nothing is rounded.
pub(in crate::source) fn numeric(raw: &[u8], precision: u8, scale: i8) -> Option<i128> {
    let mut words = raw.chunks_exact(2).map(|w| w.try_into().map(u16::from_be_bytes).unwrap_or_default());
    let count = words.next()?;
    let weight = i32::from(words.next()?.cast_signed());
    let sign = words.next()?;
    let _display_scale = words.next()?;
    if sign != 0 && sign != 0x4000 {
        return None;
    }
    let mut unscaled: i128 = 0;
    for (i, digit) in words.take(usize::from(count)).enumerate() {
        let exponent = (weight - i32::try_from(i).ok()?) * 4 + i32::from(scale);
        let digit = i128::from(digit);
        let part = match u32::try_from(exponent) {
            Ok(up) => digit.checked_mul(10_i128.checked_pow(up)?)?,
            Err(_) if digit == 0 => 0,
            Err(_) => {
                let down = 10_i128.checked_pow(exponent.unsigned_abs())?;
                if digit % down != 0 {
                    return None;
                }
                digit / down
            }
        };
        unscaled = unscaled.checked_add(part)?;
    }
    if unscaled >= 10_i128.checked_pow(u32::from(precision))? {
        return None;
    }
    Some(if sign == 0 { unscaled } else { -unscaled })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(words: &[u16]) -> Vec<u8> {
        words.iter().flat_map(|w| w.to_be_bytes()).collect()
    }

    #[test]
    fn numerics_are_read_exactly() {
        // 12345.6789 = 1·10000 + 2345 + 6789/10000
        let raw = words(&[3, 1, 0, 4, 1, 2345, 6789]);
        assert_eq!(numeric(&raw, 38, 4), Some(123_456_789));
        assert_eq!(numeric(&raw, 38, 6), Some(12_345_678_900));
        assert_eq!(numeric(&raw, 38, 3), None);
        // -0.05 = -(500/10000)
        let raw = words(&[1, 0xFFFF, 0x4000, 2, 500]);
        assert_eq!(numeric(&raw, 10, 2), Some(-5));
        assert_eq!(numeric(&words(&[0, 0, 0, 2]), 10, 2), Some(0));
        assert_eq!(numeric(&words(&[0, 0, 0xC000, 0]), 10, 2), None);
    }
}
