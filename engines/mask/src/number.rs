//! Numbers to the lower bound of their range.

use std::sync::Arc;

use arrow::array::{ArrayRef, ArrowPrimitiveType, AsArray, PrimitiveArray};
use arrow::compute::cast;
use arrow::datatypes::{
    DECIMAL128_MAX_PRECISION, DataType, Decimal128Type, Decimal256Type, Float32Type, Float64Type, Int8Type, Int16Type,
    Int32Type, Int64Type, UInt8Type, UInt16Type, UInt32Type, UInt64Type, i256,
};

use crate::HIDDEN;
use crate::error::{MaskError, Result};

pub(crate) fn fits(data_type: &DataType) -> bool {
    data_type.is_integer()
        || matches!(
            data_type,
            DataType::Float32
                | DataType::Float64
                | DataType::Decimal32(..)
                | DataType::Decimal64(..)
                | DataType::Decimal128(..)
                | DataType::Decimal256(..)
        )
}

/// Lower bounds in the column's own type. A bound below the type's least value becomes that value.
pub(crate) fn to_range(array: &ArrayRef, step: u64) -> Result<ArrayRef> {
    let wide = i128::from(step);
    match array.data_type() {
        DataType::Int8 => Ok(integers::<Int8Type>(array, |v| floor_i(v, wide, i8::MIN))),
        DataType::Int16 => Ok(integers::<Int16Type>(array, |v| floor_i(v, wide, i16::MIN))),
        DataType::Int32 => Ok(integers::<Int32Type>(array, |v| floor_i(v, wide, i32::MIN))),
        DataType::Int64 => Ok(integers::<Int64Type>(array, |v| floor_i(v, wide, i64::MIN))),
        DataType::UInt8 => Ok(integers::<UInt8Type>(array, |v| floor_i(v, wide, 0))),
        DataType::UInt16 => Ok(integers::<UInt16Type>(array, |v| floor_i(v, wide, 0))),
        DataType::UInt32 => Ok(integers::<UInt32Type>(array, |v| floor_i(v, wide, 0))),
        DataType::UInt64 => Ok(integers::<UInt64Type>(array, |v| floor_i(v, wide, 0))),
        DataType::Float64 => {
            let step = step as f64;
            Ok(integers::<Float64Type>(array, |v| (v / step).floor() * step))
        }
        DataType::Float32 => {
            let step = step as f32;
            Ok(integers::<Float32Type>(array, |v| (v / step).floor() * step))
        }
        DataType::Decimal32(precision, scale) | DataType::Decimal64(precision, scale) => {
            let wide = DataType::Decimal128(*precision, *scale);
            let floored = decimal128(&cast(array, &wide)?, step, *precision, *scale)?;
            Ok(cast(&floored, array.data_type())?)
        }
        DataType::Decimal128(precision, scale) => decimal128(array, step, *precision, *scale),
        DataType::Decimal256(precision, scale) => decimal256(array, step, *precision, *scale),
        _ => Err(MaskError::Kernel),
    }
}

/// `[lo,hi)` around a number written as text; what is not a plain number is hidden whole.
pub(crate) fn text(value: &str, step: u64, out: &mut Vec<u8>) {
    use std::io::Write as _;
    let step = i128::from(step);
    let range = range_of_own(value, step).or_else(|| {
        let low = floor_text(value.trim())?.checked_div_euclid(step)?.checked_mul(step)?;
        Some((low, low.checked_add(step)?))
    });
    match range {
        // Writing into a vector cannot fail.
        Some((low, high)) => drop(write!(out, "[{low},{high})")),
        None => out.extend_from_slice(HIDDEN.as_bytes()),
    }
}

/// Reads what this mask itself has written, so that masking twice changes nothing.
fn range_of_own(value: &str, step: i128) -> Option<(i128, i128)> {
    let (low, high) = value.strip_prefix('[')?.strip_suffix(')')?.split_once(',')?;
    let (low, high): (i128, i128) = (low.parse().ok()?, high.parse().ok()?);
    let ours = low.checked_rem(step)? == 0 && low.checked_add(step)? == high;
    ours.then_some((low, high))
}

/// The greatest whole number not above a decimal text.
fn floor_text(value: &str) -> Option<i128> {
    let (whole, fraction) = value.split_once('.').unwrap_or((value, ""));
    let negative = whole.starts_with('-');
    let digits = whole.trim_start_matches(['+', '-']);
    let sign_len = whole.len() - digits.len();
    let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if sign_len > 1 || digits.is_empty() || !plain(digits) || !plain(fraction) {
        return None;
    }
    let size: i128 = digits.parse().ok()?;
    let broken = fraction.bytes().any(|byte| byte != b'0');
    Some(if negative { -size - i128::from(broken) } else { size })
}

fn integers<T: ArrowPrimitiveType>(array: &ArrayRef, floor: impl Fn(T::Native) -> T::Native) -> ArrayRef {
    let values: &PrimitiveArray<T> = array.as_primitive::<T>();
    Arc::new(values.unary::<_, T>(floor))
}

fn floor_i<N: Into<i128> + TryFrom<i128>>(value: N, step: i128, least: N) -> N {
    let wide: i128 = value.into();
    N::try_from(wide.div_euclid(step) * step).unwrap_or(least)
}

fn decimal128(array: &ArrayRef, step: u64, precision: u8, scale: i8) -> Result<ArrayRef> {
    let values = array.as_primitive::<Decimal128Type>();
    let most = 10_i128.checked_pow(u32::from(precision.min(DECIMAL128_MAX_PRECISION)));
    let least = -(most.ok_or(MaskError::Kernel)? - 1);
    let Some(unit) = step_in_units(step, scale) else {
        // A step wider than the type: one range for all that is not negative, one for the rest.
        let floored = values.unary::<_, Decimal128Type>(|v| if v < 0 { least } else { 0 });
        return Ok(Arc::new(floored.with_precision_and_scale(precision, scale)?));
    };
    let floored =
        values.unary::<_, Decimal128Type>(|v| v.div_euclid(unit).checked_mul(unit).map_or(least, |low| low.max(least)));
    Ok(Arc::new(floored.with_precision_and_scale(precision, scale)?))
}

/// The step counted in the decimal's last digit. With a negative scale a step finer than that digit is one.
fn step_in_units(step: u64, scale: i8) -> Option<i128> {
    let factor = 10_i128.checked_pow(u32::from(scale.unsigned_abs()))?;
    if scale >= 0 { i128::from(step).checked_mul(factor) } else { Some((i128::from(step) / factor).max(1)) }
}

fn decimal256(array: &ArrayRef, step: u64, precision: u8, scale: i8) -> Result<ArrayRef> {
    let values = array.as_primitive::<Decimal256Type>();
    let ten = i256::from_i128(10);
    let most = ten.checked_pow(u32::from(precision)).ok_or(MaskError::Kernel)?;
    let least = i256::ZERO.wrapping_sub(most).wrapping_add(i256::ONE);
    let factor = ten.checked_pow(u32::from(scale.unsigned_abs())).ok_or(MaskError::Kernel)?;
    let step = i256::from_i128(i128::from(step));
    let unit =
        if scale >= 0 { step.checked_mul(factor) } else { step.checked_div(factor).map(|unit| unit.max(i256::ONE)) };
    let floor = |value: i256| -> Option<i256> {
        let unit = unit?;
        let rest = value.checked_rem(unit)?;
        let rest = if rest < i256::ZERO { rest.checked_add(unit)? } else { rest };
        value.checked_sub(rest)
    };
    let floored = values.unary::<_, Decimal256Type>(|value| match floor(value) {
        Some(low) => low.max(least),
        None if value < i256::ZERO => least,
        None => i256::ZERO,
    });
    Ok(Arc::new(floored.with_precision_and_scale(precision, scale)?))
}
