//! Values of `$1`, `$2`… as the client bound them.

use arrow::datatypes::DataType;
use bytes::{Buf, Bytes};
use datafusion::common::ScalarValue;
use pgwire::api::Type;
use pgwire::api::portal::Format;
use pgwire::error::PgWireResult;

use super::{faults, types};

/// What is known of one parameter.
#[derive(Clone, Debug)]
pub(super) struct Parameter {
    /// Named by the client, or inferred from the statement.
    pub pg: Type,
    /// As the engine wants it.
    pub arrow: Option<DataType>,
}

impl Parameter {
    pub(super) fn new(said: Option<Type>, inferred: Option<DataType>) -> Self {
        let said = said.filter(|t| *t != Type::UNKNOWN);
        let pg = said.or_else(|| inferred.as_ref().map(types::of_data_type)).unwrap_or(Type::TEXT);
        Self { pg, arrow: inferred }
    }
}

pub(super) fn values(
    parameters: &[Parameter],
    bound: &[Option<Bytes>],
    format: &Format,
) -> PgWireResult<Vec<ScalarValue>> {
    if parameters.len() > bound.len() {
        let text = format!("需要 {} 个参数,收到 {} 个", parameters.len(), bound.len());
        return Err(faults::error("08P01", text));
    }
    if let Format::Individual(codes) = format
        && codes.len() != bound.len()
    {
        return Err(faults::error("08P01", "参数格式的个数与参数不符"));
    }
    let unknown = Parameter::new(None, None);
    let value = |(i, raw): (usize, &Option<Bytes>)| {
        let parameter = parameters.get(i).unwrap_or(&unknown);
        let target = parameter.arrow.clone().unwrap_or_else(|| types::arrow_of(&parameter.pg));
        let Some(raw) = raw else {
            return ScalarValue::try_from(&target).ok();
        };
        let read = if format.is_binary(i) { binary(&parameter.pg, raw)? } else { text(&parameter.pg, &target, raw)? };
        if read.data_type() == target { Some(read) } else { read.cast_to(&target).ok() }
    };
    let read = bound.iter().enumerate().map(|pair| {
        // Never the value itself.
        value(pair).ok_or_else(|| faults::error("22P02", format!("第 {} 个参数与其类型不符", pair.0 + 1)))
    });
    read.collect()
}

fn text(pg: &Type, target: &DataType, raw: &[u8]) -> Option<ScalarValue> {
    let text = std::str::from_utf8(raw).ok()?;
    match *pg {
        Type::BOOL => Some(ScalarValue::Boolean(Some(match text {
            "t" | "true" | "1" | "on" | "yes" => true,
            "f" | "false" | "0" | "off" | "no" => false,
            _ => return None,
        }))),
        _ => ScalarValue::try_from_string(text.to_owned(), target).ok(),
    }
}

fn binary(pg: &Type, raw: &Bytes) -> Option<ScalarValue> {
    let mut bytes = raw.clone();
    Some(match *pg {
        Type::BOOL => ScalarValue::Boolean(Some(bytes.try_get_u8().ok()? != 0)),
        Type::INT2 => ScalarValue::Int16(Some(bytes.try_get_i16().ok()?)),
        Type::INT4 => ScalarValue::Int32(Some(bytes.try_get_i32().ok()?)),
        Type::INT8 => ScalarValue::Int64(Some(bytes.try_get_i64().ok()?)),
        Type::OID => ScalarValue::Int64(Some(i64::from(bytes.try_get_u32().ok()?))),
        Type::FLOAT4 => ScalarValue::Float32(Some(bytes.try_get_f32().ok()?)),
        Type::FLOAT8 => ScalarValue::Float64(Some(bytes.try_get_f64().ok()?)),
        Type::DATE => ScalarValue::Date32(Some(bytes.try_get_i32().ok()?.checked_add(10_957)?)),
        Type::TIMESTAMP => ScalarValue::TimestampMicrosecond(Some(micros(&mut bytes)?), None),
        Type::TIMESTAMPTZ => ScalarValue::TimestampMicrosecond(Some(micros(&mut bytes)?), Some("+00:00".into())),
        Type::BYTEA => ScalarValue::Binary(Some(raw.to_vec())),
        Type::NUMERIC => {
            let scale = i8::try_from(raw.get(6..8).map(|mut s| s.get_u16())?).ok().filter(|s| *s <= 38)?;
            ScalarValue::Decimal128(Some(crate::source::numeric_from_binary(raw, 38, scale)?), 38, scale)
        }
        Type::TEXT | Type::VARCHAR | Type::BPCHAR | Type::NAME | Type::UNKNOWN => {
            ScalarValue::Utf8(Some(std::str::from_utf8(raw).ok()?.to_owned()))
        }
        _ => return None,
    })
}

fn micros(bytes: &mut Bytes) -> Option<i64> {
    bytes.try_get_i64().ok()?.checked_add(946_684_800_000_000)
}
