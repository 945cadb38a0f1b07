//! Algorithms by profile: SM2/SM3/SM4 or international, envelopes and keyed digests.
//!
//! Pure: no clock, file or socket, and no randomness of its own; what needs randomness takes a
//! generator as a parameter. The commercial-cryptography profile ([`Profile::Sm`]) and the
//! international one ([`Profile::Intl`]) are chosen by the caller, never guessed.
//! Software SM algorithms do not by themselves pass a 密评: a certified module comes in through
//! [`KeyProvider`].

mod aead;
mod digest;
mod envelope;
mod error;
mod hmac;
mod keyring;
mod sign;

pub use aead::{AeadKey, NONCE_BYTES, Suite, TAG_BYTES};
pub use digest::{DIGEST_BYTES, Digest, Hasher, sha256, sm3};
pub use envelope::{Envelope, open, seal};
pub use error::CryptoError;
pub use hmac::{HmacSha256, HmacSm3};
pub use keyring::{KeyId, KeyProvider, KeyRing, WrappedKey};
pub use sign::{Algorithm, SM2_DEFAULT_ID, SigningKey, VerifyingKey};

/// Which family of algorithms an installation uses for what it writes; both are always readable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Profile {
    /// SM2, SM3, SM4.
    Sm,
    /// Ed25519, SHA-256, AES-256.
    Intl,
}

impl Profile {
    /// The name used in configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sm => "sm",
            Self::Intl => "intl",
        }
    }

    /// Reads the name used in configuration.
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "sm" => Some(Self::Sm),
            "intl" => Some(Self::Intl),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
