//! JSON. Numbers that a JavaScript reader would round are text: integers beyond 2^53 and all decimals.

use arrow::array::Array;
use arrow::record_batch::RecordBatch;

use super::text::{Column, number};
use super::{Encoder, failed};
use crate::error::Result;

/// Largest integer that every JSON reader keeps.
const SAFE_INTEGER: u128 = (1 << 53) - 1;

pub(super) struct Json {
    before_first: &'static [u8],
    between: &'static [u8],
    end: &'static [u8],
    begun: bool,
}

impl Json {
    pub(super) fn array() -> Self {
        Self { before_first: b"[\n", between: b",\n", end: b"\n]\n", begun: false }
    }

    pub(super) fn lines() -> Self {
        Self { before_first: b"", between: b"\n", end: b"\n", begun: false }
    }
}

impl Encoder for Json {
    fn batch(&mut self, batch: &RecordBatch) -> Result<Vec<u8>> {
        let mut out = Vec::with_capacity(batch.num_rows() * 64);
        let columns = batch.columns().iter().map(Column::new).collect::<Result<Vec<_>>>()?;
        let names = batch.schema_ref().fields().iter();
        let keys =
            names.map(|f| serde_json::to_vec(f.name()).map_err(|_e| failed("key"))).collect::<Result<Vec<_>>>()?;
        let mut scratch = String::new();
        for row in 0..batch.num_rows() {
            out.extend_from_slice(if self.begun { self.between } else { self.before_first });
            self.begun = true;
            out.push(b'{');
            for (i, ((column, array), key)) in columns.iter().zip(batch.columns()).zip(&keys).enumerate() {
                if i > 0 {
                    out.push(b',');
                }
                out.extend_from_slice(key);
                out.push(b':');
                if array.is_null(row) {
                    out.extend_from_slice(b"null");
                } else {
                    value(&mut out, column, row, &mut scratch)?;
                }
            }
            out.push(b'}');
        }
        Ok(out)
    }

    fn end(self: Box<Self>) -> Result<Vec<u8>> {
        Ok(match (self.begun, self.before_first.is_empty()) {
            (true, _) => self.end.to_vec(),
            (false, true) => Vec::new(),
            (false, false) => b"[]\n".to_vec(),
        })
    }
}

fn value(out: &mut Vec<u8>, column: &Column<'_>, row: usize, scratch: &mut String) -> Result<()> {
    match column {
        Column::Text(text) => string(out, text(row)),
        Column::Integer(value) => {
            let value = value(row);
            if value.unsigned_abs() <= SAFE_INTEGER {
                number(out, value);
                Ok(())
            } else {
                string(out, &value.to_string())
            }
        }
        // JSON has no infinity and no NaN: serde_json writes null.
        Column::Float(value) => serde_json::to_writer(out, &value(row)).map_err(|_e| failed("float")),
        Column::Bool(values) => {
            out.extend_from_slice(if values.value(row) { b"true" } else { b"false" });
            Ok(())
        }
        Column::Other(formatter) => {
            scratch.clear();
            formatter.value(row).write(scratch).map_err(|_e| failed("json value"))?;
            string(out, scratch)
        }
    }
}

fn string(out: &mut Vec<u8>, text: &str) -> Result<()> {
    serde_json::to_writer(out, text).map_err(|_e| failed("string"))
}
