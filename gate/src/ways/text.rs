//! How a value reads: ISO dates, exact decimals, no scientific notation for whole numbers.

use std::io::Write;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{
    DataType, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type, UInt16Type, UInt32Type,
    UInt64Type,
};
use arrow::util::display::{ArrayFormatter, FormatOptions};

use super::failed;
use crate::error::Result;

/// Zoned times as RFC 3339, others without zone.
static OPTIONS: FormatOptions<'static> = FormatOptions::new()
    .with_timestamp_format(Some("%Y-%m-%dT%H:%M:%S%.f"))
    .with_timestamp_tz_format(Some("%Y-%m-%dT%H:%M:%S%.f%:z"));

/// One column of one batch, ready to be written cell by cell.
pub(super) enum Column<'a> {
    Text(Box<dyn Fn(usize) -> &'a str + 'a>),
    Integer(Box<dyn Fn(usize) -> i128 + 'a>),
    Float(Box<dyn Fn(usize) -> f64 + 'a>),
    Bool(&'a arrow::array::BooleanArray),
    /// Dates, times, decimals, binary: their text.
    Other(ArrayFormatter<'a>),
}

impl<'a> Column<'a> {
    pub(super) fn new(array: &'a ArrayRef) -> Result<Self> {
        Ok(match array.data_type() {
            DataType::Utf8 => {
                let a = array.as_string::<i32>();
                Self::Text(Box::new(move |i| a.value(i)))
            }
            DataType::LargeUtf8 => {
                let a = array.as_string::<i64>();
                Self::Text(Box::new(move |i| a.value(i)))
            }
            DataType::Utf8View => {
                let a = array.as_string_view();
                Self::Text(Box::new(move |i| a.value(i)))
            }
            DataType::Int8 => integer::<Int8Type>(array),
            DataType::Int16 => integer::<Int16Type>(array),
            DataType::Int32 => integer::<Int32Type>(array),
            DataType::Int64 => integer::<Int64Type>(array),
            DataType::UInt8 => integer::<UInt8Type>(array),
            DataType::UInt16 => integer::<UInt16Type>(array),
            DataType::UInt32 => integer::<UInt32Type>(array),
            DataType::UInt64 => integer::<UInt64Type>(array),
            DataType::Float32 => {
                let a = array.as_primitive::<Float32Type>();
                // Through its shortest decimal form, so that 0.1 stays 0.1.
                Self::Float(Box::new(move |i| a.value(i).to_string().parse().unwrap_or(f64::NAN)))
            }
            DataType::Float64 => {
                let a = array.as_primitive::<Float64Type>();
                Self::Float(Box::new(move |i| a.value(i)))
            }
            DataType::Boolean => Self::Bool(array.as_boolean()),
            _ => Self::Other(ArrayFormatter::try_new(array.as_ref(), &OPTIONS).map_err(|_e| failed("column type"))?),
        })
    }
}

fn integer<T>(array: &ArrayRef) -> Column<'_>
where
    T: arrow::datatypes::ArrowPrimitiveType,
    T::Native: Into<i128>,
{
    let a = array.as_primitive::<T>();
    Column::Integer(Box::new(move |i| a.value(i).into()))
}

/// Digits of a number; whole floats without a point.
pub(super) fn number(out: &mut Vec<u8>, value: i128) {
    // Writing into memory does not fail.
    let _written = write!(out, "{value}");
}
