//! One way over every string layout.
//!
//! All masked values of a column are written behind one another into a single buffer; no value
//! gets a string of its own. [`keep`] has a fast path for ASCII, where a masked value is as long
//! as the clear one: the offsets are shared (`Utf8`) or short values are masked inside their
//! view with one AND and one OR (`Utf8View`).

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, GenericStringArray, OffsetSizeTrait, StringViewArray, make_view};
use arrow::buffer::{Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::DataType;

use crate::error::{MaskError, Result};

/// Longest value that lies inside its view.
const INLINE_BYTES_MAX: usize = 12;
/// The high bit of each byte of a view's inline text.
const INLINE_NOT_ASCII: u128 = 0x8080_8080_8080_8080_8080_8080_0000_0000;

/// Masks every value with `mask`, which appends valid UTF-8 to the buffer.
pub(crate) fn map(array: &ArrayRef, mask: impl Fn(&str, &mut Vec<u8>)) -> Result<ArrayRef> {
    match array.data_type() {
        DataType::Utf8 => map_offsets(array.as_string::<i32>(), mask),
        DataType::LargeUtf8 => map_offsets(array.as_string::<i64>(), mask),
        DataType::Utf8View => map_views(array.as_string_view(), mask),
        _ => Err(MaskError::Kernel),
    }
}

/// Keeps `head` and `tail` characters, fills the rest one for one.
pub(crate) fn keep(array: &ArrayRef, head: u16, tail: u16, fill: char) -> Result<ArrayRef> {
    let keep = Keep { head: usize::from(head), tail: usize::from(tail), fill };
    match array.data_type() {
        DataType::Utf8 => keep_offsets(array.as_string::<i32>(), keep),
        DataType::LargeUtf8 => keep_offsets(array.as_string::<i64>(), keep),
        DataType::Utf8View => keep_views(array.as_string_view(), keep),
        _ => Err(MaskError::Kernel),
    }
}

#[derive(Clone, Copy)]
struct Keep {
    head: usize,
    tail: usize,
    fill: char,
}

impl Keep {
    /// Any text, by characters.
    fn write(self, value: &str, out: &mut Vec<u8>) {
        if value.is_ascii()
            && let Ok(fill) = u8::try_from(self.fill)
            && fill.is_ascii()
        {
            return self.write_ascii(value.as_bytes(), fill, out);
        }
        let characters = value.chars().count();
        let hide_all = self.head + self.tail >= characters;
        let mut bytes = [0; 4];
        for (place, character) in value.chars().enumerate() {
            let shown = !hide_all && (place < self.head || place >= characters - self.tail);
            let written = if shown { character } else { self.fill };
            out.extend_from_slice(written.encode_utf8(&mut bytes).as_bytes());
        }
    }

    fn write_ascii(self, value: &[u8], fill: u8, out: &mut Vec<u8>) {
        let (head, hidden, tail) = self.split(value);
        out.extend_from_slice(head);
        out.resize(out.len() + hidden, fill);
        out.extend_from_slice(tail);
    }

    /// What is shown in front, how many bytes are filled, what is shown behind.
    fn split(self, value: &[u8]) -> (&[u8], usize, &[u8]) {
        let shown = self.head + self.tail;
        if shown >= value.len() {
            return (&[], value.len(), &[]);
        }
        let head = value.get(..self.head).unwrap_or(&[]);
        let tail = value.get(value.len() - self.tail..).unwrap_or(&[]);
        (head, value.len() - shown, tail)
    }
}

fn keep_offsets<O: OffsetSizeTrait>(array: &GenericStringArray<O>, keep: Keep) -> Result<ArrayRef> {
    let first = array.value_offsets().first().map_or(0, |offset| offset.as_usize());
    let last = array.value_offsets().last().map_or(0, |offset| offset.as_usize());
    let text = array.value_data().get(first..last).unwrap_or(&[]);
    let Some(fill) = u8::try_from(keep.fill).ok().filter(u8::is_ascii) else {
        return map_offsets(array, |value, out| keep.write(value, out));
    };
    if !text.is_ascii() {
        return map_offsets(array, |value, out| keep.write(value, out));
    }
    let mut masked = vec![fill; text.len()];
    let mut from = text;
    let mut to = masked.as_mut_slice();
    for length in array.offsets().lengths() {
        let (Some((value, from_rest)), Some((place, to_rest))) =
            (from.split_at_checked(length), to.split_at_mut_checked(length))
        else {
            return Err(MaskError::Kernel);
        };
        if keep.head + keep.tail < length {
            copy_ends(value, place, keep);
        }
        (from, to) = (from_rest, to_rest);
    }
    let offsets =
        if first == 0 { array.offsets().clone() } else { OffsetBuffer::from_lengths(array.offsets().lengths()) };
    let nulls = array.nulls().cloned();
    Ok(Arc::new(GenericStringArray::<O>::try_new(offsets, Buffer::from_vec(masked), nulls)?))
}

/// `from` and `to` are of one length, longer than what is kept.
fn copy_ends(from: &[u8], to: &mut [u8], keep: Keep) {
    if let (Some(from), Some(to)) = (from.get(..keep.head), to.get_mut(..keep.head)) {
        to.copy_from_slice(from);
    }
    let start = from.len() - keep.tail;
    if let (Some(from), Some(to)) = (from.get(start..), to.get_mut(start..)) {
        to.copy_from_slice(from);
    }
}

fn map_offsets<O: OffsetSizeTrait>(
    array: &GenericStringArray<O>,
    mask: impl Fn(&str, &mut Vec<u8>),
) -> Result<ArrayRef> {
    let mut masked = Vec::with_capacity(array.value_data().len());
    let mut offsets = Vec::with_capacity(array.len() + 1);
    offsets.push(O::default());
    for row in 0..array.len() {
        if array.is_valid(row) {
            mask(array.value(row), &mut masked);
        }
        offsets.push(O::from_usize(masked.len()).ok_or(MaskError::TooLarge)?);
    }
    let offsets = OffsetBuffer::new(ScalarBuffer::from(offsets));
    let nulls = array.nulls().cloned();
    Ok(Arc::new(GenericStringArray::<O>::try_new(offsets, Buffer::from_vec(masked), nulls)?))
}

/// What an inline ASCII view of a given length is ANDed and ORed with.
#[derive(Clone, Copy, Default)]
struct Inline {
    keep: u128,
    fill: u128,
}

impl Inline {
    fn table(keep: Keep, fill: u8) -> [Inline; INLINE_BYTES_MAX + 1] {
        let mut table = [Inline::default(); INLINE_BYTES_MAX + 1];
        for (length, entry) in table.iter_mut().enumerate() {
            let hide_all = keep.head + keep.tail >= length;
            entry.keep = 0xffff_ffff;
            for place in 0..length {
                let shift = 32 + 8 * place;
                if !hide_all && (place < keep.head || place >= length - keep.tail) {
                    entry.keep |= 0xff << shift;
                } else {
                    entry.fill |= u128::from(fill) << shift;
                }
            }
        }
        table
    }
}

fn keep_views(array: &StringViewArray, keep: Keep) -> Result<ArrayRef> {
    let Some(fill) = u8::try_from(keep.fill).ok().filter(u8::is_ascii) else {
        return map_views(array, |value, out| keep.write(value, out));
    };
    let table = Inline::table(keep, fill);
    let mut sink = ViewSink::for_array(array);
    for (row, view) in array.views().iter().enumerate() {
        let length = view_length(*view);
        match table.get(length) {
            Some(inline) if view & INLINE_NOT_ASCII == 0 => {
                sink.views.push((view & inline.keep) | inline.fill);
            }
            _ if array.is_null(row) => sink.views.push(0),
            _ => {
                let value = array.value(row);
                sink.append(|out| keep.write(value, out))?;
            }
        }
    }
    sink.finish(array.nulls().cloned())
}

fn map_views(array: &StringViewArray, mask: impl Fn(&str, &mut Vec<u8>)) -> Result<ArrayRef> {
    let mut sink = ViewSink::for_array(array);
    for row in 0..array.len() {
        if array.is_null(row) {
            sink.views.push(0);
        } else {
            let value = array.value(row);
            sink.append(|out| mask(value, out))?;
        }
    }
    sink.finish(array.nulls().cloned())
}

/// Collects views over one growing buffer.
struct ViewSink {
    views: Vec<u128>,
    long: Vec<u8>,
}

impl ViewSink {
    fn for_array(array: &StringViewArray) -> Self {
        let long = array.lengths().map(|length| length as usize).filter(|l| *l > INLINE_BYTES_MAX);
        Self { views: Vec::with_capacity(array.len()), long: Vec::with_capacity(long.sum()) }
    }

    fn append(&mut self, write: impl FnOnce(&mut Vec<u8>)) -> Result<()> {
        let start = self.long.len();
        write(&mut self.long);
        let written = self.long.get(start..).unwrap_or(&[]);
        let offset = u32::try_from(start).map_err(|_| MaskError::TooLarge)?;
        if u32::try_from(self.long.len()).is_err() {
            return Err(MaskError::TooLarge);
        }
        self.views.push(make_view(written, 0, offset));
        if written.len() <= INLINE_BYTES_MAX {
            // A short value lies in its view; its bytes in the buffer are not needed.
            self.long.truncate(start);
        }
        Ok(())
    }

    fn finish(self, nulls: Option<NullBuffer>) -> Result<ArrayRef> {
        let buffers = if self.long.is_empty() { vec![] } else { vec![Buffer::from_vec(self.long)] };
        Ok(Arc::new(StringViewArray::try_new(ScalarBuffer::from(self.views), buffers, nulls)?))
    }
}

fn view_length(view: u128) -> usize {
    // The low 32 bits are the length.
    (view & 0xffff_ffff) as usize
}
