use crate::LedgerError;
use crate::merkle::leaf_hash;
use crate::types::{Chain, Hash};

/// What the u16 length prefix of an entry bundle allows.
pub const ENTRY_BYTES_MAX: usize = 65_535;
/// `"\nsm3 "`, 64 hex digits, `"\n"`.
pub const CHAIN_LINE_BYTES: usize = 70;
/// What is left for a body.
pub const BODY_BYTES_MAX: usize = ENTRY_BYTES_MAX - CHAIN_LINE_BYTES;

const CHAIN_PREFIX: &[u8] = b"\nsm3 ";

/// A leaf's bytes: the body as given, then the chain line of fixed length, so that a body may hold
/// anything, line breaks included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    bytes: Vec<u8>,
    chain: Chain,
}

impl Entry {
    /// Puts `body` after the entry whose chain value is `previous`.
    pub fn after(previous: Chain, body: &[u8]) -> Result<Self, LedgerError> {
        if body.len() > BODY_BYTES_MAX {
            return Err(LedgerError::EntryTooLong { bytes: body.len(), max: BODY_BYTES_MAX });
        }
        let chain = previous.next(body);
        let mut bytes = Vec::with_capacity(body.len() + CHAIN_LINE_BYTES);
        bytes.extend_from_slice(body);
        bytes.extend_from_slice(CHAIN_PREFIX);
        bytes.extend_from_slice(hex::encode(chain.0).as_bytes());
        bytes.push(b'\n');
        Ok(Self { bytes, chain })
    }

    /// Reads the form, without knowing the entry before it.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let (_, line) = bytes.split_last_chunk::<CHAIN_LINE_BYTES>()?;
        let digits = line.strip_prefix(CHAIN_PREFIX)?.strip_suffix(b"\n")?;
        if digits.iter().any(u8::is_ascii_uppercase) {
            return None;
        }
        let mut chain = [0; 32];
        hex::decode_to_slice(digits, &mut chain).ok()?;
        Some(Self { bytes: bytes.to_vec(), chain: Chain(chain) })
    }

    pub fn body(&self) -> &[u8] {
        self.bytes.split_last_chunk::<CHAIN_LINE_BYTES>().map_or(&[], |(body, _)| body)
    }

    /// The chain value that stands in the entry.
    pub fn chain(&self) -> Chain {
        self.chain
    }

    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub fn leaf(&self) -> Hash {
        leaf_hash(&self.bytes)
    }
}
