//! A digest of released rows that does not depend on how they were cut into batches.
//!
//! Each column has three running SM3 digests: the row numbers of its nulls, the lengths of its
//! values (for types of no fixed width), and its values, nulls left out or zero. The digest of the
//! rows is SM3 over, for each column, its name, its type and these three, and the number of rows.
//! Text is digested as UTF-8 in whatever layout it lies. Anyone who has the rows can recompute it.

use std::borrow::Cow;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Schema};
use arrow::error::ArrowError;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use hufu_crypto::Hasher;

#[derive(Debug)]
pub struct RowsDigest {
    columns: Vec<ColumnDigest>,
    rows: u64,
    bytes: u64,
    scratch: Vec<u8>,
}

#[derive(Debug)]
struct ColumnDigest {
    name: String,
    kind: String,
    nulls: Hasher,
    lengths: Hasher,
    values: Hasher,
}

impl RowsDigest {
    pub fn new(schema: &Schema) -> Self {
        let columns = schema.fields().iter().map(|field| ColumnDigest {
            name: field.name().clone(),
            kind: kind_of(field.data_type()),
            nulls: Hasher::sm3(),
            lengths: Hasher::sm3(),
            values: Hasher::sm3(),
        });
        Self { columns: columns.collect(), rows: 0, bytes: 0, scratch: Vec::new() }
    }

    pub fn update(&mut self, batch: &RecordBatch) -> Result<(), ArrowError> {
        for (column, array) in self.columns.iter_mut().zip(batch.columns()) {
            self.bytes += column.update(array, self.rows, &mut self.scratch)?;
        }
        self.rows += batch.num_rows() as u64;
        Ok(())
    }

    /// Size of the values so far, in whatever layout they came.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Hex.
    pub fn finish(self) -> String {
        let mut all = Hasher::sm3();
        for column in self.columns {
            for text in [&column.name, &column.kind] {
                all.update(&(text.len() as u64).to_le_bytes());
                all.update(text.as_bytes());
            }
            for part in [column.nulls, column.lengths, column.values] {
                all.update(&part.finish().0);
            }
        }
        all.update(&self.rows.to_le_bytes());
        all.finish().to_hex()
    }
}

impl ColumnDigest {
    /// Says how many bytes the values have.
    fn update(&mut self, array: &ArrayRef, first_row: u64, scratch: &mut Vec<u8>) -> Result<u64, ArrowError> {
        let array = match array.data_type() {
            DataType::Dictionary(_, values) => Cow::Owned(cast(array, values)?),
            _ => Cow::Borrowed(array),
        };
        if let Some(nulls) = array.logical_nulls().filter(|nulls| nulls.null_count() > 0) {
            scratch.clear();
            for row in (0..array.len()).filter(|row| nulls.is_null(*row)) {
                scratch.extend_from_slice(&(first_row + row as u64).to_le_bytes());
            }
            self.nulls.update(scratch);
        }
        let bytes = match array.data_type() {
            DataType::Utf8 => self.texts(array.as_string::<i32>().iter(), scratch),
            DataType::LargeUtf8 => self.texts(array.as_string::<i64>().iter(), scratch),
            DataType::Utf8View => self.texts(array.as_string_view().iter(), scratch),
            kind => match kind.primitive_width() {
                Some(width) => self.fixed(&array, width, scratch),
                None => self.formatted(&array, scratch)?,
            },
        };
        Ok(bytes as u64)
    }

    fn texts<'a>(&mut self, values: impl Iterator<Item = Option<&'a str>>, scratch: &mut Vec<u8>) -> usize {
        scratch.clear();
        let mut lengths = Vec::with_capacity(values.size_hint().0 * 4);
        for value in values {
            let bytes = value.unwrap_or_default().as_bytes();
            lengths.extend_from_slice(&length(bytes));
            scratch.extend_from_slice(bytes);
        }
        self.lengths.update(&lengths);
        self.values.update(scratch);
        scratch.len()
    }

    fn fixed(&mut self, array: &ArrayRef, width: usize, scratch: &mut Vec<u8>) -> usize {
        let data = array.to_data();
        let bytes = data.buffers().first().map_or(&[][..], |buffer| buffer.as_slice());
        let start = data.offset() * width;
        let bytes = bytes.get(start..start + array.len() * width).unwrap_or(&[]);
        let Some(nulls) = array.nulls().filter(|nulls| nulls.null_count() > 0) else {
            self.values.update(bytes);
            return bytes.len();
        };
        // What lies under a null is left over from something else.
        scratch.clear();
        scratch.extend_from_slice(bytes);
        for (row, place) in scratch.chunks_exact_mut(width).enumerate() {
            if nulls.is_null(row) {
                place.fill(0);
            }
        }
        self.values.update(scratch);
        scratch.len()
    }

    fn formatted(&mut self, array: &ArrayRef, scratch: &mut Vec<u8>) -> Result<usize, ArrowError> {
        let mut bytes = 0;
        let options = FormatOptions::default().with_display_error(true);
        let formatter = ArrayFormatter::try_new(array.as_ref(), &options)?;
        for row in 0..array.len() {
            scratch.clear();
            if array.is_valid(row) {
                scratch.extend_from_slice(formatter.value(row).to_string().as_bytes());
            }
            self.lengths.update(&length(scratch));
            self.values.update(scratch);
            bytes += scratch.len();
        }
        Ok(bytes)
    }
}

/// Values are far shorter than 4 GiB; a longer one could not be in a batch's buffer.
fn length(bytes: &[u8]) -> [u8; 4] {
    u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_le_bytes()
}

fn kind_of(data_type: &DataType) -> String {
    match data_type {
        DataType::Dictionary(_, values) => kind_of(values),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => "text".to_owned(),
        other => other.to_string(),
    }
}
