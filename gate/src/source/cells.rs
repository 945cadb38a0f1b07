//! Column builders that every row-wise source fills: one place decides what an Arrow column is made of.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryBuilder, BooleanBuilder, Date32Builder, Decimal128Builder, Float32Builder, Float64Builder,
    Int16Builder, Int32Builder, Int64Builder, StringBuilder, Time64MicrosecondBuilder, TimestampMicrosecondBuilder,
    UInt32Builder, UInt64Builder,
};
use arrow::datatypes::{DataType, Schema, SchemaRef, TimeUnit};
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use chrono::{NaiveDate, NaiveDateTime, NaiveTime};

use super::fault;
use crate::error::Result;

/// Rows of one batch at most.
pub(super) const BATCH_ROWS: usize = 8192;
/// Text and binary bytes of one batch at most; far below the 2 GiB that 32-bit offsets allow.
const BATCH_BYTES: usize = 8 << 20;
/// Zone in which instants are shown.
pub(super) const ZONE: &str = "+08:00";
/// What a decimal without declared precision becomes.
pub(super) const DECIMAL: (u8, i8) = (38, 10);

/// Whether a timestamp column holds instants; one without zone holds wall-clock times.
pub(super) type Zoned = bool;

/// One column under construction. Sources match on it, so each says itself how its raw value becomes this type.
pub(super) enum Cells {
    Bool(BooleanBuilder),
    Int16(Int16Builder),
    Int32(Int32Builder),
    Int64(Int64Builder),
    UInt32(UInt32Builder),
    UInt64(UInt64Builder),
    Float32(Float32Builder),
    Float64(Float64Builder),
    Decimal(Decimal128Builder, u8, i8),
    Text(StringBuilder),
    Binary(BinaryBuilder),
    Date(Date32Builder),
    Time(Time64MicrosecondBuilder),
    Micros(TimestampMicrosecondBuilder, Zoned),
}

macro_rules! each {
    ($self:expr, $b:ident => $e:expr) => {
        match $self {
            Cells::Bool($b) => $e,
            Cells::Int16($b) => $e,
            Cells::Int32($b) => $e,
            Cells::Int64($b) => $e,
            Cells::UInt32($b) => $e,
            Cells::UInt64($b) => $e,
            Cells::Float32($b) => $e,
            Cells::Float64($b) => $e,
            Cells::Decimal($b, _, _) => $e,
            Cells::Text($b) => $e,
            Cells::Binary($b) => $e,
            Cells::Date($b) => $e,
            Cells::Time($b) => $e,
            Cells::Micros($b, _) => $e,
        }
    };
}

impl Cells {
    pub(super) fn new(data_type: &DataType) -> Result<Self> {
        Ok(match data_type {
            DataType::Boolean => Self::Bool(BooleanBuilder::new()),
            DataType::Int16 => Self::Int16(Int16Builder::new()),
            DataType::Int32 => Self::Int32(Int32Builder::new()),
            DataType::Int64 => Self::Int64(Int64Builder::new()),
            DataType::UInt32 => Self::UInt32(UInt32Builder::new()),
            DataType::UInt64 => Self::UInt64(UInt64Builder::new()),
            DataType::Float32 => Self::Float32(Float32Builder::new()),
            DataType::Float64 => Self::Float64(Float64Builder::new()),
            DataType::Decimal128(p, s) => {
                Self::Decimal(Decimal128Builder::new().with_data_type(data_type.clone()), *p, *s)
            }
            DataType::Utf8 => Self::Text(StringBuilder::new()),
            DataType::Binary => Self::Binary(BinaryBuilder::new()),
            DataType::Date32 => Self::Date(Date32Builder::new()),
            DataType::Time64(TimeUnit::Microsecond) => Self::Time(Time64MicrosecondBuilder::new()),
            DataType::Timestamp(TimeUnit::Microsecond, zone) => {
                Self::Micros(TimestampMicrosecondBuilder::new().with_timezone_opt(zone.clone()), zone.is_some())
            }
            other => return Err(fault::read(format!("no builder for {other}"))),
        })
    }

    pub(super) fn null(&mut self) {
        each!(self, b => b.append_null());
    }

    fn bytes(&self) -> usize {
        match self {
            Self::Text(b) => b.values_slice().len(),
            Self::Binary(b) => b.values_slice().len(),
            _ => 0,
        }
    }

    fn finish(&mut self) -> ArrayRef {
        each!(self, b => Arc::new(b.finish()))
    }

    /// Reads text that a file or a loosely typed database holds. `None`: it is not of this type.
    pub(super) fn parse(&mut self, text: &str) -> Option<()> {
        match self {
            Self::Text(b) => b.append_value(text),
            Self::Binary(b) => b.append_value(text.as_bytes()),
            Self::Bool(b) => b.append_value(parse_bool(text)?),
            Self::Int16(b) => b.append_value(text.trim().parse().ok()?),
            Self::Int32(b) => b.append_value(text.trim().parse().ok()?),
            Self::Int64(b) => b.append_value(text.trim().parse().ok()?),
            Self::UInt32(b) => b.append_value(text.trim().parse().ok()?),
            Self::UInt64(b) => b.append_value(text.trim().parse().ok()?),
            Self::Float32(b) => b.append_value(text.trim().parse().ok()?),
            Self::Float64(b) => b.append_value(text.trim().parse().ok()?),
            Self::Decimal(b, p, s) => b.append_value(parse_decimal(text.trim(), *p, *s)?),
            Self::Date(b) => b.append_value(parse_date(text.trim())?),
            Self::Time(b) => b.append_value(parse_time(text.trim())?),
            Self::Micros(b, _) => b.append_value(parse_timestamp(text.trim())?),
        }
        Some(())
    }
}

/// Rows under construction, cut into batches.
pub(super) struct Rows {
    schema: SchemaRef,
    cells: Vec<Cells>,
    rows: usize,
}

impl Rows {
    pub(super) fn new(schema: SchemaRef) -> Result<Self> {
        let cells = schema.fields().iter().map(|f| Cells::new(f.data_type())).collect::<Result<_>>()?;
        Ok(Self { schema, cells, rows: 0 })
    }

    pub(super) fn cells(&mut self) -> impl Iterator<Item = &mut Cells> {
        self.cells.iter_mut()
    }

    /// Closes the row; gives a batch when enough have come together.
    pub(super) fn end_row(&mut self) -> Result<Option<RecordBatch>> {
        self.rows += 1;
        let full = self.rows >= BATCH_ROWS
            || (self.rows % 64 == 0 && self.cells.iter().map(Cells::bytes).sum::<usize>() >= BATCH_BYTES);
        if full { self.finish() } else { Ok(None) }
    }

    pub(super) fn finish(&mut self) -> Result<Option<RecordBatch>> {
        if self.rows == 0 {
            return Ok(None);
        }
        let columns = self.cells.iter_mut().map(Cells::finish).collect();
        let options = RecordBatchOptions::new().with_row_count(Some(std::mem::take(&mut self.rows)));
        RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options)
            .map(Some)
            .map_err(|e| fault::changed(format!("batch does not fit its schema: {}", kind_of(&e))))
    }
}

/// `schema` reduced to the asked columns.
pub(super) fn project(schema: &Schema, projection: Option<&Vec<usize>>) -> Result<SchemaRef> {
    match projection {
        None => Ok(Arc::new(schema.clone())),
        Some(p) => schema.project(p).map(Arc::new).map_err(|_e| fault::changed("projection names a missing column")),
    }
}

/// `123.450` with scale 2 is 12345; a fraction that does not fit is no such decimal.
pub(super) fn parse_decimal(text: &str, precision: u8, scale: i8) -> Option<i128> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if let Some((mantissa, exponent)) = digits.split_once(['e', 'E']) {
        return parse_scientific(mantissa, exponent, negative, precision, scale);
    }
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let scale = usize::try_from(scale).ok()?;
    let kept = fraction.trim_end_matches('0');
    if kept.len() > scale {
        return None;
    }
    let mut unscaled: i128 = 0;
    let padding = std::iter::repeat_n(b'0', scale - kept.len());
    for digit in whole.bytes().chain(kept.bytes()).chain(padding) {
        if !digit.is_ascii_digit() {
            return None;
        }
        unscaled = unscaled.checked_mul(10)?.checked_add(i128::from(digit - b'0'))?;
    }
    if unscaled >= 10_i128.checked_pow(u32::from(precision))? {
        return None;
    }
    Some(if negative { -unscaled } else { unscaled })
}

/// Floating point forms such as `1.5E3`, which SQLite and XLSX write for large or small numbers.
fn parse_scientific(mantissa: &str, exponent: &str, negative: bool, precision: u8, scale: i8) -> Option<i128> {
    let exponent: i32 = exponent.parse().ok()?;
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if exponent.unsigned_abs() > 76 {
        return None;
    }
    let mut digits: String = format!("{whole}{fraction}");
    let mut point = i32::try_from(whole.len()).ok()? + exponent;
    if point <= 0 {
        digits.insert_str(0, &"0".repeat(usize::try_from(1 - point).ok()?));
        point = 1;
    }
    let point = usize::try_from(point).ok()?;
    while digits.len() < point {
        digits.push('0');
    }
    digits.insert(point, '.');
    let value = parse_decimal(&digits, precision, scale)?;
    Some(if negative { -value } else { value })
}

pub(super) fn parse_bool(text: &str) -> Option<bool> {
    match text.trim().to_ascii_lowercase().as_str() {
        "1" | "t" | "true" | "y" | "yes" | "是" => Some(true),
        "0" | "f" | "false" | "n" | "no" | "否" => Some(false),
        _ => None,
    }
}

pub(super) fn days(date: NaiveDate) -> Option<i32> {
    i32::try_from(date.signed_duration_since(NaiveDate::default()).num_days()).ok()
}

pub(super) fn micros(at: NaiveDateTime) -> i64 {
    at.and_utc().timestamp_micros()
}

/// ISO dates and the forms with slashes, dots or a midnight behind them.
pub(super) fn parse_date(text: &str) -> Option<i32> {
    let date = text.split([' ', 'T']).next()?;
    ["%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y%m%d", "%Y年%m月%d日"]
        .iter()
        .find_map(|form| NaiveDate::parse_from_str(date, form).ok())
        .and_then(days)
}

pub(super) fn parse_time(text: &str) -> Option<i64> {
    let time = ["%H:%M:%S%.f", "%H:%M"].iter().find_map(|form| NaiveTime::parse_from_str(text, form).ok())?;
    time.signed_duration_since(NaiveTime::MIN).num_microseconds()
}

pub(super) fn parse_timestamp(text: &str) -> Option<i64> {
    let text = text.strip_suffix('Z').unwrap_or(text);
    let forms =
        ["%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f", "%Y/%m/%d %H:%M:%S%.f", "%Y-%m-%d %H:%M", "%Y/%m/%d %H:%M"];
    forms
        .iter()
        .find_map(|form| NaiveDateTime::parse_from_str(text, form).ok())
        .map(micros)
        .or_else(|| parse_date(text).map(|days| i64::from(days) * 86_400_000_000))
}

/// The name of an Arrow error without its text, which may quote a value.
pub(super) fn kind_of(error: &arrow::error::ArrowError) -> &'static str {
    use arrow::error::ArrowError as E;
    match error {
        E::CastError(_) => "cast",
        E::InvalidArgumentError(_) => "invalid argument",
        E::SchemaError(_) => "schema",
        E::ParseError(_) => "parse",
        E::IoError(_, _) => "io",
        _ => "arrow",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_keep_every_digit() {
        let cases = [
            ("123.45", 2, Some(12345)),
            ("-0.5", 2, Some(-50)),
            ("7", 2, Some(700)),
            ("1.50000", 2, Some(150)),
            ("1.505", 2, None),
            ("1e3", 2, Some(100_000)),
            ("1.5E-1", 2, Some(15)),
            ("-2.5e-2", 3, Some(-25)),
            ("12345678901234567890123456789012345.678", 3, Some(12345678901234567890123456789012345678)),
            ("abc", 2, None),
            ("", 2, None),
        ];
        for (text, scale, expect) in cases {
            assert_eq!(parse_decimal(text, 38, scale), expect, "{text}");
        }
        assert_eq!(parse_decimal("1000", 3, 0), None);
    }

    #[test]
    fn dates_and_times_of_office_files_are_read() {
        let day = parse_date("2022-03-05");
        for text in ["2022/3/5", "2022.03.05", "20220305", "2022年3月5日", "2022-03-05 00:00:00"] {
            assert_eq!(parse_date(text), day, "{text}");
        }
        assert_eq!(parse_date("2022-02-30"), None);
        assert_eq!(parse_timestamp("2022-03-05T01:02:03.5"), parse_timestamp("2022-03-05 01:02:03.500"));
    }
}
