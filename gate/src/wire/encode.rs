//! Batches as rows of the protocol, each value in the format that the client asked for.

use std::fmt::Write as _;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{
    DataType, Date32Type, Float32Type, Float64Type, Int16Type, Int32Type, Int64Type, Time64MicrosecondType, TimeUnit,
    TimestampMicrosecondType,
};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use bytes::{BufMut, BytesMut};
use pgwire::api::Type;
use pgwire::api::results::{FieldFormat, FieldInfo};
use pgwire::messages::data::DataRow;

use crate::error::{Error, Kind, Result};

/// PostgreSQL counts from 2000-01-01.
const EPOCH_DAYS: i32 = 10_957;
const EPOCH_MICROS: i64 = 946_684_800_000_000;

static TEXT_FORM: FormatOptions<'static> = FormatOptions::new()
    .with_timestamp_format(Some("%Y-%m-%d %H:%M:%S%.f"))
    .with_timestamp_tz_format(Some("%Y-%m-%d %H:%M:%S%.f%:z"));

/// One column of one batch, appended cell by cell.
pub(super) type Cell<'a> = Box<dyn Fn(usize, &mut BytesMut) -> Result<()> + 'a>;

/// The rows of a batch. They share one buffer.
pub(super) fn rows(batch: &RecordBatch, fields: &[FieldInfo]) -> Result<Vec<DataRow>> {
    let arrays = batch.columns().iter().zip(fields).map(|(a, f)| plain(a, f.datatype())).collect::<Result<Vec<_>>>()?;
    let cells = arrays
        .iter()
        .zip(fields)
        .map(|(a, f)| match f.format() {
            FieldFormat::Text => text(a),
            FieldFormat::Binary => binary(a, f.datatype()),
        })
        .collect::<Result<Vec<_>>>()?;
    let width = i16::try_from(fields.len()).map_err(|_e| failed("too many columns"))?;
    let mut buffer = BytesMut::with_capacity(batch.num_rows() * (fields.len() * 16 + 8));
    let mut rows = Vec::with_capacity(batch.num_rows());
    for row in 0..batch.num_rows() {
        for (cell, array) in cells.iter().zip(&arrays) {
            if array.is_null(row) {
                buffer.put_i32(-1);
                continue;
            }
            let at = buffer.len();
            buffer.put_i32(0);
            cell(row, &mut buffer)?;
            let length = i32::try_from(buffer.len() - at - 4).map_err(|_e| failed("value too long"))?;
            if let Some(mut head) = buffer.get_mut(at..at + 4) {
                head.put_i32(length);
            }
        }
        rows.push(DataRow::new(buffer.split(), width));
    }
    Ok(rows)
}

/// Layouts and widths that PostgreSQL has no type for, brought to those it has.
pub(super) fn plain(array: &ArrayRef, of: &Type) -> Result<ArrayRef> {
    let to = match (array.data_type(), of) {
        (DataType::Dictionary(_, value), _) => value.as_ref().clone(),
        (DataType::Utf8View | DataType::LargeUtf8, _) => DataType::Utf8,
        (DataType::BinaryView | DataType::LargeBinary | DataType::FixedSizeBinary(_), _) => DataType::Binary,
        (DataType::Int8 | DataType::UInt8, _) => DataType::Int16,
        (DataType::UInt16, _) => DataType::Int32,
        (DataType::UInt32, _) => DataType::Int64,
        (DataType::Float16, _) => DataType::Float32,
        (DataType::Date64, _) => DataType::Date32,
        (DataType::Time32(_) | DataType::Time64(TimeUnit::Nanosecond), _) => DataType::Time64(TimeUnit::Microsecond),
        (DataType::Timestamp(unit, zone), _) if *unit != TimeUnit::Microsecond => {
            DataType::Timestamp(TimeUnit::Microsecond, zone.clone())
        }
        _ => return Ok(ArrayRef::clone(array)),
    };
    cast(array, &to).map_err(|_e| failed("layout"))
}

/// PostgreSQL's text form.
pub(super) fn text(array: &ArrayRef) -> Result<Cell<'_>> {
    Ok(match array.data_type() {
        DataType::Utf8 => {
            let values = array.as_string::<i32>();
            Box::new(move |row, out| {
                out.put_slice(values.value(row).as_bytes());
                Ok(())
            })
        }
        DataType::Boolean => {
            let values = array.as_boolean();
            Box::new(move |row, out| {
                out.put_u8(if values.value(row) { b't' } else { b'f' });
                Ok(())
            })
        }
        DataType::Int16 => number::<Int16Type>(array),
        DataType::Int32 => number::<Int32Type>(array),
        DataType::Int64 => number::<Int64Type>(array),
        DataType::Float32 => {
            let values = array.as_primitive::<Float32Type>();
            Box::new(move |row, out| float(out, f64::from(values.value(row)), &values.value(row)))
        }
        DataType::Float64 => {
            let values = array.as_primitive::<Float64Type>();
            Box::new(move |row, out| float(out, values.value(row), &values.value(row)))
        }
        DataType::Binary => {
            let values = array.as_binary::<i32>();
            Box::new(move |row, out| {
                out.put_slice(b"\\x");
                out.put_slice(hex::encode(values.value(row)).as_bytes());
                Ok(())
            })
        }
        _ => {
            let formatter = ArrayFormatter::try_new(array.as_ref(), &TEXT_FORM).map_err(|_e| failed("type"))?;
            Box::new(move |row, out| formatter.value(row).write(out).map_err(|_e| failed("value")))
        }
    })
}

fn number<T>(array: &ArrayRef) -> Cell<'_>
where
    T: arrow::datatypes::ArrowPrimitiveType,
    T::Native: std::fmt::Display,
{
    let values = array.as_primitive::<T>();
    Box::new(move |row, out| write!(out, "{}", values.value(row)).map_err(|_e| failed("number")))
}

/// `shown` keeps the shortest digits of its own width.
fn float(out: &mut BytesMut, value: f64, shown: &dyn std::fmt::Display) -> Result<()> {
    if value.is_infinite() {
        out.put_slice(if value > 0.0 { b"Infinity" } else { b"-Infinity" });
        return Ok(());
    }
    write!(out, "{shown}").map_err(|_e| failed("float"))
}

/// PostgreSQL's binary form; types without one here are text, which is their binary form, too.
fn binary<'a>(array: &'a ArrayRef, of: &Type) -> Result<Cell<'a>> {
    Ok(match array.data_type() {
        DataType::Boolean => {
            let values = array.as_boolean();
            Box::new(move |row, out| {
                out.put_u8(u8::from(values.value(row)));
                Ok(())
            })
        }
        DataType::Int16 => fixed::<Int16Type>(array, |out, v| out.put_i16(v)),
        DataType::Int32 => fixed::<Int32Type>(array, |out, v| out.put_i32(v)),
        DataType::Int64 if *of == Type::OID => {
            fixed::<Int64Type>(array, |out, v| out.put_u32(u32::try_from(v).unwrap_or(0)))
        }
        DataType::Int64 => fixed::<Int64Type>(array, |out, v| out.put_i64(v)),
        DataType::Float32 => fixed::<Float32Type>(array, |out, v| out.put_f32(v)),
        DataType::Float64 => fixed::<Float64Type>(array, |out, v| out.put_f64(v)),
        DataType::Date32 => fixed::<Date32Type>(array, |out, v| out.put_i32(v.saturating_sub(EPOCH_DAYS))),
        DataType::Time64(_) => fixed::<Time64MicrosecondType>(array, |out, v| out.put_i64(v)),
        DataType::Timestamp(..) => {
            fixed::<TimestampMicrosecondType>(array, |out, v| out.put_i64(v.saturating_sub(EPOCH_MICROS)))
        }
        DataType::Binary => {
            let values = array.as_binary::<i32>();
            Box::new(move |row, out| {
                out.put_slice(values.value(row));
                Ok(())
            })
        }
        _ if *of == Type::NUMERIC => {
            let formatter = ArrayFormatter::try_new(array.as_ref(), &TEXT_FORM).map_err(|_e| failed("type"))?;
            Box::new(move |row, out| {
                let digits = formatter.value(row).to_string();
                numeric(&digits, out).ok_or_else(|| failed("numeric"))
            })
        }
        _ => text(array)?,
    })
}

fn fixed<'a, T>(array: &'a ArrayRef, put: impl Fn(&mut BytesMut, T::Native) + 'a) -> Cell<'a>
where
    T: arrow::datatypes::ArrowPrimitiveType,
{
    let values = array.as_primitive::<T>();
    Box::new(move |row, out| {
        put(out, values.value(row));
        Ok(())
    })
}

/// `-1234.5` as weight, sign, scale and digits to base 10000.
fn numeric(text: &str, out: &mut BytesMut) -> Option<()> {
    let (sign, digits) = text.strip_prefix('-').map_or((0, text), |rest| (0x4000_u16, rest));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let whole = whole.trim_start_matches('0');
    let padded = format!("{:0>width$}", whole, width = whole.len().div_ceil(4) * 4);
    let fraction_padded = format!("{:0<width$}", fraction, width = fraction.len().div_ceil(4) * 4);
    let group = |chunk: &[u8]| std::str::from_utf8(chunk).ok()?.parse::<u16>().ok();
    let mut groups: Vec<u16> =
        padded.as_bytes().chunks(4).chain(fraction_padded.as_bytes().chunks(4)).map(group).collect::<Option<_>>()?;
    let mut weight = i16::try_from(padded.len() / 4).ok()? - 1;
    while groups.last() == Some(&0) {
        groups.pop();
    }
    let leading = groups.iter().take_while(|g| **g == 0).count();
    groups.drain(..leading);
    weight -= i16::try_from(leading).ok()?;
    out.put_u16(u16::try_from(groups.len()).ok()?);
    out.put_i16(if groups.is_empty() { 0 } else { weight });
    out.put_u16(if groups.is_empty() { 0 } else { sign });
    out.put_u16(u16::try_from(fraction.len()).ok()?);
    for group in groups {
        out.put_u16(group);
    }
    Some(())
}

fn failed(what: &str) -> Error {
    Error::new(Kind::Internal, "GATE-ENCODE", "结果无法转换为所要的格式").with_internal(what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numerics_have_postgres_binary_form() {
        let cases: [(&str, &[u16]); 6] = [
            ("12345.6789", &[3, 1, 0, 4, 1, 2345, 6789]),
            ("-0.05", &[1, 0xFFFF, 0x4000, 2, 500]),
            ("0.00", &[0, 0, 0, 2]),
            ("10000", &[1, 1, 0, 0, 1]),
            ("-7.50", &[2, 0, 0x4000, 2, 7, 5000]),
            ("0.00001234", &[1, 0xFFFE, 0, 8, 1234]),
        ];
        for (text, words) in cases {
            let mut out = BytesMut::new();
            numeric(text, &mut out).unwrap();
            let expected: Vec<u8> = words.iter().flat_map(|w| w.to_be_bytes()).collect();
            assert_eq!(&out[..], expected, "{text}");
        }
    }
}
