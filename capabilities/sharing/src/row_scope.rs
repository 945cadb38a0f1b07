//! Is a row scope an expression over the entry's fields that the gate can run without leaking?
//!
//! Checked when it is written, by the types the catalogue promises; the gate checks it again for every
//! query by the types the source has.

use arrow::datatypes::{DataType as Arrow, Field, Schema, TimeUnit};
use hufu_catalog::model::terms::DataType;

use crate::neighbours::Entry;

pub(crate) fn check(scope: &str, entry: &Entry) -> Result<(), String> {
    let fields: Vec<Field> =
        entry.fields.iter().map(|field| Field::new(field.name.clone(), arrow(field.data_type), true)).collect();
    hufu_gate::check_row_filter(scope, &Schema::new(fields)).map(|_| ()).map_err(|error| error.message)
}

fn arrow(promised: DataType) -> Arrow {
    match promised {
        DataType::Text | DataType::Memo | DataType::General => Arrow::Utf8,
        DataType::Number | DataType::Money | DataType::Double | DataType::Float => Arrow::Float64,
        DataType::Integer => Arrow::Int64,
        DataType::Date => Arrow::Date32,
        DataType::DateTime => Arrow::Timestamp(TimeUnit::Microsecond, None),
        DataType::Logic => Arrow::Boolean,
    }
}
