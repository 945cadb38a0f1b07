//! Salted hashes and keyed pseudonyms by SM3.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray};
use arrow::datatypes::{DataType, Int64Type, UInt64Type};
use hufu_crypto::HmacSm3;
use sm3::{Digest, Sm3};

use crate::error::{MaskError, Result};

const HEX: &[u8; 16] = b"0123456789abcdef";

/// A function from a value to 32 bytes that nobody without the secret can compute.
pub(crate) trait Token {
    fn token(&self, value: &[u8]) -> [u8; 32];
}

/// SM3(salt ‖ value). The salt is absorbed once.
pub(crate) struct SaltedHash {
    state: Sm3,
    chars: usize,
}

impl SaltedHash {
    pub(crate) fn new(salt: &[u8], chars: u8) -> Self {
        Self { state: Sm3::new_with_prefix(salt), chars: usize::from(chars) }
    }

    pub(crate) fn write(&self, value: &[u8], out: &mut Vec<u8>) {
        write_hex(&self.token(value), self.chars, out);
    }
}

impl Token for SaltedHash {
    fn token(&self, value: &[u8]) -> [u8; 32] {
        self.state.clone().chain_update(value).finalize().into()
    }
}

/// HMAC-SM3 under one key, prepared once.
pub(crate) struct Pseudonyms {
    key: HmacSm3,
    chars: usize,
}

impl Pseudonyms {
    pub(crate) fn new(key: &[u8], chars: u8) -> Self {
        Self { key: HmacSm3::new(key), chars: usize::from(chars) }
    }

    pub(crate) fn write(&self, value: &[u8], out: &mut Vec<u8>) {
        write_hex(&self.token(value), self.chars, out);
    }
}

impl Token for Pseudonyms {
    fn token(&self, value: &[u8]) -> [u8; 32] {
        self.key.mac(value).0
    }
}

/// 64-bit numbers: the token of the decimal text, cut to 63 bits so that it stays positive.
pub(crate) fn numbers(array: &ArrayRef, token: &impl Token) -> Result<ArrayRef> {
    let number = |text: String| {
        let [a, b, c, d, e, f, g, h, ..] = token.token(text.as_bytes());
        u64::from_be_bytes([a & 0x7f, b, c, d, e, f, g, h])
    };
    match array.data_type() {
        DataType::Int64 => {
            let values = array.as_primitive::<Int64Type>();
            // 63 bits always fit.
            Ok(Arc::new(values.unary::<_, Int64Type>(|v| number(v.to_string()).cast_signed())))
        }
        DataType::UInt64 => {
            let values = array.as_primitive::<UInt64Type>();
            Ok(Arc::new(values.unary::<_, UInt64Type>(|v| number(v.to_string()))))
        }
        _ => Err(MaskError::Kernel),
    }
}

fn write_hex(bytes: &[u8; 32], chars: usize, out: &mut Vec<u8>) {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 0x0f]).take(chars);
    out.extend(digits.map(|digit| HEX.get(usize::from(digit)).copied().unwrap_or(b'0')));
}
