//! CSV as offices open it: in a spreadsheet.

use std::io::Write;

use arrow::array::Array;
use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;

use super::text::{Column, number};
use super::{Encoder, failed};
use crate::error::Result;

pub(super) struct Csv {
    /// Written before the first row, also when there is none.
    head: Vec<u8>,
}

impl Csv {
    pub(super) fn new(schema: &SchemaRef) -> Self {
        let mut head = "\u{feff}".as_bytes().to_vec();
        for (i, field) in schema.fields().iter().enumerate() {
            separate(&mut head, i);
            cell(&mut head, field.name());
        }
        head.extend_from_slice(b"\r\n");
        Self { head }
    }
}

impl Encoder for Csv {
    fn batch(&mut self, batch: &RecordBatch) -> Result<Vec<u8>> {
        let mut out = std::mem::take(&mut self.head);
        let columns = batch.columns().iter().map(Column::new).collect::<Result<Vec<_>>>()?;
        let mut scratch = String::new();
        for row in 0..batch.num_rows() {
            for (i, (column, array)) in columns.iter().zip(batch.columns()).enumerate() {
                separate(&mut out, i);
                if array.is_null(row) {
                    continue;
                }
                match column {
                    Column::Text(text) => cell(&mut out, text(row)),
                    Column::Integer(value) => number(&mut out, value(row)),
                    Column::Float(value) => write!(out, "{}", value(row)).map_err(|_e| failed("csv"))?,
                    Column::Bool(values) => {
                        out.extend_from_slice(if values.value(row) { b"true" } else { b"false" });
                    }
                    Column::Other(formatter) => {
                        scratch.clear();
                        formatter.value(row).write(&mut scratch).map_err(|_e| failed("csv value"))?;
                        // Numbers and dates; what begins with a minus is a number.
                        out.extend_from_slice(scratch.as_bytes());
                    }
                }
            }
            out.extend_from_slice(b"\r\n");
        }
        Ok(out)
    }

    fn end(self: Box<Self>) -> Result<Vec<u8>> {
        Ok(self.head)
    }
}

fn separate(out: &mut Vec<u8>, nth: usize) {
    if nth > 0 {
        out.push(b',');
    }
}

/// Text in quotes where it needs them; an apostrophe in front of what a spreadsheet would compute.
fn cell(out: &mut Vec<u8>, text: &str) {
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']);
    let quoted = formula
        || text.is_empty()
        || text.starts_with(' ')
        || text.ends_with(' ')
        || text.bytes().any(|b| matches!(b, b',' | b'"' | b'\r' | b'\n'));
    if !quoted {
        out.extend_from_slice(text.as_bytes());
        return;
    }
    out.push(b'"');
    if formula {
        out.push(b'\'');
    }
    for byte in text.bytes() {
        if byte == b'"' {
            out.push(b'"');
        }
        out.push(byte);
    }
    out.push(b'"');
}
