//! `COPY … TO STDOUT`: one message per row, in PostgreSQL's text or CSV form.

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Schema};
use bytes::{BufMut, Bytes, BytesMut};

use super::command::Copy;
use super::{encode, types};
use crate::error::Result;

pub(super) fn header(copy: &Copy, schema: &Schema) -> Option<Bytes> {
    copy.header.then(|| {
        let mut line = BytesMut::new();
        for (i, field) in schema.fields().iter().enumerate() {
            if i > 0 {
                line.put_u8(copy.delimiter);
            }
            put(copy, field.name().as_bytes(), &mut line);
        }
        line.put_u8(b'\n');
        line.freeze()
    })
}

/// The lines of a batch. They share one buffer.
pub(super) fn lines(copy: &Copy, batch: &RecordBatch) -> Result<Vec<Bytes>> {
    let schema = batch.schema();
    let arrays = batch
        .columns()
        .iter()
        .zip(schema.fields())
        .map(|(a, f)| encode::plain(a, &types::of(f)))
        .collect::<Result<Vec<ArrayRef>>>()?;
    let cells = arrays.iter().map(encode::text).collect::<Result<Vec<_>>>()?;
    let mut out = BytesMut::with_capacity(batch.num_rows() * (cells.len() * 12 + 8));
    let mut scratch = BytesMut::new();
    let mut lines = Vec::with_capacity(batch.num_rows());
    for row in 0..batch.num_rows() {
        for (i, (cell, array)) in cells.iter().zip(&arrays).enumerate() {
            if i > 0 {
                out.put_u8(copy.delimiter);
            }
            if array.is_null(row) {
                out.put_slice(copy.null.as_bytes());
            } else if array.data_type() == &DataType::Utf8 {
                put(copy, array.as_string::<i32>().value(row).as_bytes(), &mut out);
            } else {
                scratch.clear();
                cell(row, &mut scratch)?;
                put(copy, &scratch, &mut out);
            }
        }
        out.put_u8(b'\n');
        lines.push(out.split().freeze());
    }
    Ok(lines)
}

fn put(copy: &Copy, value: &[u8], out: &mut BytesMut) {
    if copy.csv { csv(copy, value, out) } else { escaped(copy, value, out) }
}

fn escaped(copy: &Copy, value: &[u8], out: &mut BytesMut) {
    let special = |b: u8| matches!(b, b'\\' | b'\n' | b'\r' | b'\t') || b == copy.delimiter;
    if !value.iter().any(|b| special(*b)) {
        out.put_slice(value);
        return;
    }
    for byte in value {
        match byte {
            b'\n' => out.put_slice(b"\\n"),
            b'\r' => out.put_slice(b"\\r"),
            b'\t' => out.put_slice(b"\\t"),
            b if special(*b) => {
                out.put_u8(b'\\');
                out.put_u8(*b);
            }
            b => out.put_u8(*b),
        }
    }
}

/// Quoted where it must be, and where it would otherwise read as null.
fn csv(copy: &Copy, value: &[u8], out: &mut BytesMut) {
    let special = |b: u8| matches!(b, b'"' | b'\n' | b'\r') || b == copy.delimiter;
    let quoted = value == copy.null.as_bytes() || value == b"\\." || value.iter().any(|b| special(*b));
    if !quoted {
        out.put_slice(value);
        return;
    }
    out.put_u8(b'"');
    for byte in value {
        if *byte == b'"' {
            out.put_u8(b'"');
        }
        out.put_u8(*byte);
    }
    out.put_u8(b'"');
}
