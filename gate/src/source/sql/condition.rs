//! From an engine expression to a condition a database may check in advance.

use arrow::datatypes::DataType;
use arrow::temporal_conversions::{date32_to_datetime, timestamp_us_to_datetime};
use chrono::{Datelike, Duration};
use datafusion::common::ScalarValue;
use datafusion::logical_expr::{BinaryExpr, Expr, Operator};

use super::column::Column;
use crate::source::cells::ZONE;

/// Longest IN list that is pushed; longer ones are checked by the engine alone.
const IN_LIST_MAX: usize = 1000;

#[derive(Clone, Debug, PartialEq)]
pub(in crate::source) enum Condition {
    Compare { column: usize, op: Compare, value: Value },
    In { column: usize, values: Vec<Value> },
    Null { column: usize, is_null: bool },
    And(Box<Condition>, Box<Condition>),
    Or(Box<Condition>, Box<Condition>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::source) enum Compare {
    Equal,
    Differ,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
}

#[derive(Clone, Debug, PartialEq)]
pub(in crate::source) enum Value {
    Int(i64),
    UInt(u64),
    Float(f64),
    Text(String),
}

/// The part of `expr` that may be pushed; its answer contains every row of `expr`'s answer.
pub(in crate::source) fn pushable(expr: &Expr, columns: &[Column]) -> Option<Condition> {
    match expr {
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::And, right }) => {
            match (pushable(left, columns), pushable(right, columns)) {
                (Some(l), Some(r)) => Some(Condition::And(Box::new(l), Box::new(r))),
                (one, other) => one.or(other),
            }
        }
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::Or, right }) => {
            let (l, r) = (pushable(left, columns)?, pushable(right, columns)?);
            Some(Condition::Or(Box::new(l), Box::new(r)))
        }
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => comparison(left, *op, right, columns),
        Expr::Between(between) if !between.negated => {
            let low = comparison(&between.expr, Operator::GtEq, &between.low, columns)?;
            let high = comparison(&between.expr, Operator::LtEq, &between.high, columns)?;
            Some(Condition::And(Box::new(low), Box::new(high)))
        }
        Expr::InList(list) if !list.negated && list.list.len() <= IN_LIST_MAX => {
            let (column, info) = named(&list.expr, columns)?;
            info.push.equal.as_ref()?;
            let values = list.list.iter().map(|e| literal(e, &info.data_type)).collect::<Option<Vec<_>>>()?;
            (!values.is_empty()).then_some(Condition::In { column, values })
        }
        Expr::IsNull(inner) => null_test(inner, true, columns),
        Expr::IsNotNull(inner) => null_test(inner, false, columns),
        _ => None,
    }
}

fn comparison(left: &Expr, op: Operator, right: &Expr, columns: &[Column]) -> Option<Condition> {
    let (left, op, right) = match left {
        Expr::Literal(..) => (right, op.swap()?, left),
        _ => (left, op, right),
    };
    let (column, info) = named(left, columns)?;
    let value = literal(right, &info.data_type)?;
    let op = match op {
        Operator::Eq => Compare::Equal,
        Operator::NotEq => Compare::Differ,
        Operator::Lt => Compare::Less,
        Operator::LtEq => Compare::LessEqual,
        Operator::Gt => Compare::Greater,
        Operator::GtEq => Compare::GreaterEqual,
        _ => return None,
    };
    let allowed = match op {
        Compare::Equal => info.push.equal.is_some(),
        Compare::Differ => info.push.equal.is_some() && info.push.differ,
        _ => info.push.order.is_some(),
    };
    allowed.then_some(Condition::Compare { column, op, value })
}

fn null_test(inner: &Expr, is_null: bool, columns: &[Column]) -> Option<Condition> {
    let (column, info) = named(inner, columns)?;
    info.push.is_null.then_some(Condition::Null { column, is_null })
}

fn named<'a>(expr: &Expr, columns: &'a [Column]) -> Option<(usize, &'a Column)> {
    let Expr::Column(named) = expr else { return None };
    columns.iter().enumerate().find(|(_, c)| c.name == named.name)
}

/// The literal, if it is of the column's own type; the engine has coerced both sides by then.
fn literal(expr: &Expr, data_type: &DataType) -> Option<Value> {
    let Expr::Literal(scalar, _) = expr else { return None };
    match (scalar, data_type) {
        (
            ScalarValue::Utf8(Some(v)) | ScalarValue::Utf8View(Some(v)) | ScalarValue::LargeUtf8(Some(v)),
            DataType::Utf8,
        ) => {
            // PostgreSQL has no text with NUL: nothing equals it, and the server would refuse the statement.
            (!v.contains('\0')).then(|| Value::Text(v.clone()))
        }
        (ScalarValue::Int16(Some(v)), DataType::Int16) => Some(Value::Int(i64::from(*v))),
        (ScalarValue::Int32(Some(v)), DataType::Int32) => Some(Value::Int(i64::from(*v))),
        (ScalarValue::Int64(Some(v)), DataType::Int64) => Some(Value::Int(*v)),
        (ScalarValue::UInt32(Some(v)), DataType::UInt32) => Some(Value::UInt(u64::from(*v))),
        (ScalarValue::UInt64(Some(v)), DataType::UInt64) => Some(Value::UInt(*v)),
        // Zeros and NaN compare differently here (total order) and there.
        (ScalarValue::Float64(Some(v)), DataType::Float64) if v.is_finite() && *v != 0.0 => Some(Value::Float(*v)),
        (ScalarValue::Decimal128(Some(_), _, _), DataType::Decimal128(_, _)) if scalar.data_type() == *data_type => {
            decimal_text(scalar)
        }
        (ScalarValue::Date32(Some(days)), DataType::Date32) => {
            let date = date32_to_datetime(*days)?.date();
            ordinary(date.year()).then(|| Value::Text(date.to_string()))
        }
        (ScalarValue::TimestampMicrosecond(Some(us), zone), DataType::Timestamp(_, expected)) if zone == expected => {
            let at = timestamp_us_to_datetime(*us)?;
            let at = if zone.as_deref() == Some(ZONE) { at + Duration::hours(8) } else { at };
            (ordinary(at.year()) && (zone.is_none() || zone.as_deref() == Some(ZONE)))
                .then(|| Value::Text(at.format("%Y-%m-%d %H:%M:%S%.6f").to_string()))
        }
        _ => None,
    }
}

/// Years outside are where PostgreSQL's infinities end up when they are read.
fn ordinary(year: i32) -> bool {
    (2..=9998).contains(&year)
}

fn decimal_text(scalar: &ScalarValue) -> Option<Value> {
    let ScalarValue::Decimal128(Some(unscaled), _, scale) = scalar else { return None };
    let scale = usize::try_from(*scale).ok()?;
    let digits = format!("{:0>width$}", unscaled.unsigned_abs(), width = scale + 1);
    let (whole, fraction) = digits.split_at_checked(digits.len() - scale)?;
    let sign = if *unscaled < 0 { "-" } else { "" };
    Some(Value::Text(if fraction.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }))
}
