//! Masks as Arrow kernels: bytes and values in, values of the same type out.
//!
//! Knows no file, no SQL, no clock and no product type.
//!
//! A mask is checked once against a column's type ([`Mask::check`], when a query is planned)
//! and then applied to every batch ([`Mask::apply`]). Types are kept, nulls stay null, and
//! "character" always means a Unicode scalar value, never a byte.
//!
//! ```
//! use std::sync::Arc;
//! use arrow::array::{Array, ArrayRef, AsArray, StringArray};
//! use hufu_mask::Mask;
//!
//! let ids: ArrayRef = Arc::new(StringArray::from(vec!["11010519491231002X"]));
//! let mask = Mask::parse("keep(6,0)").unwrap();
//! mask.check(ids.data_type()).unwrap();
//! let out = mask.apply(&ids).unwrap();
//! assert_eq!(out.as_string::<i32>().value(0), "110105************");
//! ```

mod date;
mod error;
mod keyed;
mod number;
mod place;
mod profile;
mod spell;
mod strings;
mod words;

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringArray, UInt32Array, new_null_array};
use arrow::compute::{CastOptions, cast_with_options, take};
use arrow::datatypes::DataType;

pub use error::{MaskError, ProfileError, Result};
pub use profile::Profile;

/// What stands in for a text whose length must not show either.
pub const HIDDEN: &str = "******";

/// What happens to one column's values. Types and nulls are kept.
///
/// `Debug` and `Display` give the text form of [`Mask::parse`]: keys and salts never show.
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum Mask {
    /// The value itself; only ever present by recorded approval or for a grade that asks for no mask.
    Clear,
    /// Keeps `head` and `tail` characters, the rest becomes `fill`, one for one.
    /// A value with nothing between head and tail is filled whole.
    Keep {
        head: u16,
        tail: u16,
        fill: char,
    },
    /// Text becomes `******`, so that its length is hidden; a value of any other type becomes null.
    Full,
    Null,
    Constant(String),
    /// SM3 of salt and value, hex, first `chars` characters; 64-bit numbers become a number.
    Hash {
        salt: Vec<u8>,
        chars: u8,
    },
    /// HMAC-SM3 under the grant's key: equal inside a grant, different across grants.
    Pseudonym {
        key: Vec<u8>,
        chars: u8,
    },
    DateToYear,
    DateToMonth,
    /// Number to the lower bound of its range of width `step`; text columns show `[lo,hi)`.
    NumberToRange {
        step: u64,
    },
    /// Chinese address up to and with 区/县/市.
    AddressToDistrict,
    /// Chinese name to its surname and `*`s.
    NameToSurname,
    /// `a***@domain`.
    Email,
}

impl Mask {
    /// Says when a query is planned whether this mask can act on a column of this type.
    /// A mask that passes here never fails on a value.
    pub fn check(&self, data_type: &DataType) -> Result<()> {
        self.check_parameters()?;
        let value_type = match data_type {
            DataType::Dictionary(_, values) => values.as_ref(),
            other => other,
        };
        let fits = match self {
            Mask::Clear | Mask::Full | Mask::Null => true,
            Mask::Constant(text) => return constant_of(text, data_type).map(|_| ()),
            Mask::Keep { .. } | Mask::AddressToDistrict | Mask::NameToSurname | Mask::Email => is_text(value_type),
            Mask::Hash { .. } | Mask::Pseudonym { .. } => {
                is_text(value_type) || matches!(value_type, DataType::Int64 | DataType::UInt64)
            }
            Mask::DateToYear | Mask::DateToMonth => is_text(value_type) || date::fits(value_type),
            Mask::NumberToRange { .. } => is_text(value_type) || number::fits(value_type),
        };
        if fits { Ok(()) } else { Err(self.unfit(data_type)) }
    }

    /// Masks a column. The result has the same type and length, and nulls where there were nulls.
    pub fn apply(&self, array: &ArrayRef) -> Result<ArrayRef> {
        if matches!(self, Mask::Clear) {
            return Ok(Arc::clone(array));
        }
        if array.is_empty() || matches!(array.data_type(), DataType::Null) {
            return Ok(Arc::clone(array));
        }
        if let Some(dictionary) = array.as_any_dictionary_opt()
            && !matches!(self, Mask::Null)
        {
            // Only the distinct values are masked; the keys, and so the rows, stay as they are.
            let values = self.apply(dictionary.values())?;
            return Ok(dictionary.with_values(values));
        }
        self.check_parameters()?;
        match self {
            Mask::Clear => Ok(Arc::clone(array)),
            Mask::Null => Ok(new_null_array(array.data_type(), array.len())),
            Mask::Full if is_text(array.data_type()) => constant(HIDDEN, array),
            Mask::Full => Ok(new_null_array(array.data_type(), array.len())),
            Mask::Constant(text) => constant(text, array),
            _ if is_text(array.data_type()) => self.apply_text(array),
            _ => self.apply_typed(array),
        }
    }

    /// Puts the secret into a mask read from text. Masks without one stay as they are.
    #[must_use]
    pub fn with_secret(self, secret: &[u8]) -> Self {
        match self {
            Mask::Hash { chars, .. } => Mask::Hash { salt: secret.to_vec(), chars },
            Mask::Pseudonym { chars, .. } => Mask::Pseudonym { key: secret.to_vec(), chars },
            other => other,
        }
    }

    /// Whether this mask needs [`Mask::with_secret`] before it can be used.
    pub fn needs_secret(&self) -> bool {
        matches!(self, Mask::Hash { .. } | Mask::Pseudonym { .. })
    }

    fn check_parameters(&self) -> Result<()> {
        match self {
            Mask::Hash { salt: secret, chars } | Mask::Pseudonym { key: secret, chars } => {
                if secret.is_empty() {
                    return Err(MaskError::SecretMissing { mask: self.to_string() });
                }
                if *chars == 0 || *chars > 64 {
                    return Err(MaskError::Parameter { mask: self.to_string() });
                }
                Ok(())
            }
            Mask::NumberToRange { step: 0 } => Err(MaskError::Parameter { mask: self.to_string() }),
            _ => Ok(()),
        }
    }

    fn apply_text(&self, array: &ArrayRef) -> Result<ArrayRef> {
        match self {
            Mask::Keep { head, tail, fill } => strings::keep(array, *head, *tail, *fill),
            Mask::Hash { salt, chars } => {
                let hash = keyed::SaltedHash::new(salt, *chars);
                strings::map(array, |value, out| hash.write(value.as_bytes(), out))
            }
            Mask::Pseudonym { key, chars } => {
                let mac = keyed::Pseudonyms::new(key, *chars);
                strings::map(array, |value, out| mac.write(value.as_bytes(), out))
            }
            Mask::DateToYear => strings::map(array, |value, out| date::text(value, false, out)),
            Mask::DateToMonth => strings::map(array, |value, out| date::text(value, true, out)),
            Mask::NumberToRange { step } => strings::map(array, |value, out| number::text(value, *step, out)),
            Mask::AddressToDistrict => strings::map(array, place::to_district),
            Mask::NameToSurname => strings::map(array, words::name_to_surname),
            Mask::Email => strings::map(array, words::email),
            Mask::Clear | Mask::Full | Mask::Null | Mask::Constant(_) => Err(self.unfit(array.data_type())),
        }
    }

    fn apply_typed(&self, array: &ArrayRef) -> Result<ArrayRef> {
        match self {
            Mask::Hash { salt, chars } => keyed::numbers(array, &keyed::SaltedHash::new(salt, *chars)),
            Mask::Pseudonym { key, chars } => keyed::numbers(array, &keyed::Pseudonyms::new(key, *chars)),
            Mask::DateToYear => date::truncate(array, false),
            Mask::DateToMonth => date::truncate(array, true),
            Mask::NumberToRange { step } => number::to_range(array, *step),
            _ => Err(self.unfit(array.data_type())),
        }
    }

    fn unfit(&self, data_type: &DataType) -> MaskError {
        MaskError::TypeUnfit { mask: self.to_string(), data_type: data_type.to_string() }
    }
}

fn is_text(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
}

/// The constant as one value of the column's type.
fn constant_of(text: &str, data_type: &DataType) -> Result<ArrayRef> {
    let unfit = || MaskError::TypeUnfit {
        // The constant's own text is part of the rule, not of the data.
        mask: Mask::Constant(text.to_owned()).to_string(),
        data_type: data_type.to_string(),
    };
    let plain: ArrayRef = Arc::new(StringArray::from(vec![text]));
    let options = CastOptions { safe: false, ..CastOptions::default() };
    let one = cast_with_options(&plain, data_type, &options).map_err(|_| unfit())?;
    if one.is_null(0) { Err(unfit()) } else { Ok(one) }
}

fn constant(text: &str, array: &ArrayRef) -> Result<ArrayRef> {
    let one = constant_of(text, array.data_type())?;
    let nulls = array.logical_nulls();
    let rows: UInt32Array =
        (0..array.len()).map(|row| nulls.as_ref().is_none_or(|n| n.is_valid(row)).then_some(0)).collect();
    Ok(take(&one, &rows, None)?)
}
