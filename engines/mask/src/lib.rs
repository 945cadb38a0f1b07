//! Masks as Arrow kernels: bytes and values in, values of the same type out.
//!
//! Knows no file, no SQL, no clock and no product type.

/// What happens to one column's values. Types and nulls are kept.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Mask {
    /// The value itself; only ever present by recorded approval or for a grade that asks for no mask.
    Clear,
    /// Keeps `head` and `tail` characters, the rest becomes `fill`, one for one.
    Keep { head: u16, tail: u16, fill: char },
    /// Every character becomes `fill`; length is hidden (`******`).
    Full,
    Null,
    Constant(String),
    /// SM3 of salt and value, hex, first `chars` characters.
    Hash { salt: Vec<u8>, chars: u8 },
    /// HMAC-SM3 under the grant's key: equal inside a grant, different across grants.
    Pseudonym { key: Vec<u8>, chars: u8 },
    DateToYear,
    DateToMonth,
    /// Number to the lower bound of its range of width `step`; text columns show `[lo,hi)`.
    NumberToRange { step: u64 },
    /// Chinese address up to and with 区/县/市.
    AddressToDistrict,
    /// Chinese name to its surname and `*`s.
    NameToSurname,
    /// `a***@domain`.
    Email,
}
