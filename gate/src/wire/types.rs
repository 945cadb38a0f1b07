//! Arrow's types as PostgreSQL's.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use pgwire::api::Type;
use pgwire::api::portal::Format;
use pgwire::api::results::{FieldFormat, FieldInfo};

/// Metadata key of fields whose PostgreSQL type Arrow has no word for, such as `oid` or `name`.
const AS_TYPE: &str = "pg";

pub(super) fn of(field: &Field) -> Type {
    if let Some(oid) = field.metadata().get(AS_TYPE).and_then(|oid| oid.parse().ok()) {
        return Type::from_oid(oid).unwrap_or(Type::TEXT);
    }
    of_data_type(field.data_type())
}

pub(super) fn of_data_type(data_type: &DataType) -> Type {
    match data_type {
        DataType::Boolean => Type::BOOL,
        DataType::Int8 | DataType::Int16 | DataType::UInt8 => Type::INT2,
        DataType::Int32 | DataType::UInt16 => Type::INT4,
        DataType::Int64 | DataType::UInt32 => Type::INT8,
        DataType::UInt64
        | DataType::Decimal32(..)
        | DataType::Decimal64(..)
        | DataType::Decimal128(..)
        | DataType::Decimal256(..) => Type::NUMERIC,
        DataType::Float16 | DataType::Float32 => Type::FLOAT4,
        DataType::Float64 => Type::FLOAT8,
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_) => Type::BYTEA,
        DataType::Date32 | DataType::Date64 => Type::DATE,
        DataType::Time32(_) | DataType::Time64(_) => Type::TIME,
        DataType::Timestamp(_, None) => Type::TIMESTAMP,
        DataType::Timestamp(_, Some(_)) => Type::TIMESTAMPTZ,
        DataType::Dictionary(_, value) => of_data_type(value),
        _ => Type::TEXT,
    }
}

/// `typlen`, which binary clients look at.
pub(super) fn width(of: &Type) -> i16 {
    match *of {
        Type::BOOL | Type::CHAR => 1,
        Type::INT2 => 2,
        Type::INT4 | Type::FLOAT4 | Type::DATE | Type::OID => 4,
        Type::INT8 | Type::FLOAT8 | Type::TIME | Type::TIMESTAMP | Type::TIMESTAMPTZ => 8,
        Type::NAME => 64,
        _ => -1,
    }
}

/// `atttypmod`: precision and scale of a decimal.
pub(super) fn modifier(data_type: &DataType) -> i32 {
    match data_type {
        DataType::Decimal128(p, s) | DataType::Decimal256(p, s) => {
            ((i32::from(*p) << 16) | (i32::from(*s) & 0xFFFF)) + 4
        }
        _ => -1,
    }
}

pub(super) fn fields(schema: &Schema, format: &Format) -> Arc<Vec<FieldInfo>> {
    let field = |(i, f): (usize, &Arc<Field>)| {
        let of = of(f);
        let size = width(&of);
        FieldInfo::new(f.name().clone(), None, None, of, format_of(format, i))
            .with_type_size(size)
            .with_type_modifier(modifier(f.data_type()))
    };
    Arc::new(schema.fields().iter().enumerate().map(field).collect())
}

/// The library's own accessor panics when a client sends fewer codes than columns.
fn format_of(format: &Format, at: usize) -> FieldFormat {
    match format {
        Format::UnifiedText => FieldFormat::Text,
        Format::UnifiedBinary => FieldFormat::Binary,
        Format::Individual(codes) => codes.get(at).map_or(FieldFormat::Text, |c| FieldFormat::from(*c)),
    }
}

/// A field that is shown as a PostgreSQL type of its own.
pub(super) fn field_as(name: &str, of: &Type) -> Field {
    let data_type = match *of {
        Type::BOOL => DataType::Boolean,
        Type::INT2 => DataType::Int16,
        Type::INT4 => DataType::Int32,
        Type::INT8 | Type::OID => DataType::Int64,
        Type::FLOAT4 => DataType::Float32,
        Type::FLOAT8 => DataType::Float64,
        _ => DataType::Utf8,
    };
    Field::new(name, data_type, true).with_metadata(HashMap::from([(AS_TYPE.to_owned(), of.oid().to_string())]))
}

/// The Arrow type in which a parameter of a PostgreSQL type is read.
pub(super) fn arrow_of(of: &Type) -> DataType {
    match *of {
        Type::BOOL => DataType::Boolean,
        Type::INT2 => DataType::Int16,
        Type::INT4 => DataType::Int32,
        Type::INT8 | Type::OID => DataType::Int64,
        Type::FLOAT4 => DataType::Float32,
        Type::FLOAT8 => DataType::Float64,
        Type::DATE => DataType::Date32,
        Type::TIMESTAMP => DataType::Timestamp(TimeUnit::Microsecond, None),
        Type::TIMESTAMPTZ => DataType::Timestamp(TimeUnit::Microsecond, Some("+08:00".into())),
        Type::BYTEA => DataType::Binary,
        _ => DataType::Utf8,
    }
}
