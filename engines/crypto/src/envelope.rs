//! Envelopes: each value has a data key of its own, wrapped by a master key.
//!
//! ```text
//! version 1 : u8 = 1
//! suite     : u8                          1 SM4-GCM, 2 AES-256-GCM
//! master    : u8 length, name
//! wrapped   : u16 length, bytes           as the key provider gave them
//! nonce     : 12 bytes
//! sealed    : cipher text, tag of 16 bytes
//! ```
//!
//! The data key is wrapped under the context `hufu-envelope-key` ‖ suite ‖ aad, the value is
//! sealed under everything before the nonce ‖ aad: no part can be exchanged with that of another
//! envelope, and an envelope moved to another row (another aad) does not open.

use rand_core::CryptoRng;
use zeroize::Zeroizing;

use crate::aead::{AeadKey, NONCE_BYTES, Suite};
use crate::keyring::{KeyId, KeyProvider, WrappedKey};
use crate::{CryptoError, Profile};

const VERSION: u8 = 1;
const KEY_CONTEXT: &[u8] = b"hufu-envelope-key";

/// The parts of an envelope that can be read without a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    suite: Suite,
    wrapped: WrappedKey,
    nonce: [u8; NONCE_BYTES],
    sealed: Vec<u8>,
}

impl Envelope {
    pub fn parse(bytes: &[u8]) -> Result<Self, CryptoError> {
        let mut rest = Rest(bytes);
        let version = rest.byte()?;
        if version != VERSION {
            return Err(CryptoError::UnknownVersion(version));
        }
        let suite = Suite::from_code(rest.byte()?)?;
        let name_bytes = usize::from(rest.byte()?);
        let name =
            std::str::from_utf8(rest.take(name_bytes)?).map_err(|_| CryptoError::BadEnvelope("master key name"))?;
        let master = KeyId::parse(name)?;
        let wrapped_bytes = usize::from(u16::from_be_bytes([rest.byte()?, rest.byte()?]));
        let wrapped = WrappedKey { master, bytes: rest.take(wrapped_bytes)?.to_vec() };
        let (nonce, sealed) = rest.0.split_first_chunk().ok_or(CryptoError::BadEnvelope("nonce is missing"))?;
        Ok(Self { suite, wrapped, nonce: *nonce, sealed: sealed.to_vec() })
    }

    pub fn to_bytes(&self) -> Result<Vec<u8>, CryptoError> {
        let mut out = header(self.suite, &self.wrapped)?;
        out.extend_from_slice(&self.nonce);
        out.extend_from_slice(&self.sealed);
        Ok(out)
    }

    /// Which master key it takes, so that a rotation can find what is left to seal anew.
    pub fn master(&self) -> &KeyId {
        &self.wrapped.master
    }

    pub fn suite(&self) -> Suite {
        self.suite
    }
}

/// Seals `plain` for the place that `aad` names (table, row, column).
pub fn seal<R: CryptoRng>(
    provider: &dyn KeyProvider,
    profile: Profile,
    aad: &[u8],
    plain: &[u8],
    rng: &mut R,
) -> Result<Vec<u8>, CryptoError> {
    let suite = Suite::of(profile);
    let key = AeadKey::generate(suite, rng);
    let wrapped = provider.wrap_key(&key, &key_context(suite, aad), rng)?;
    let mut nonce = [0; NONCE_BYTES];
    rng.fill_bytes(&mut nonce);
    let mut context = header(suite, &wrapped)?;
    context.extend_from_slice(aad);
    let sealed = key.encrypt(&nonce, &context, plain)?;
    Envelope { suite, wrapped, nonce, sealed }.to_bytes()
}

/// Opens what [`seal`] gave, of either profile, for the same place.
pub fn open(provider: &dyn KeyProvider, aad: &[u8], bytes: &[u8]) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
    let envelope = Envelope::parse(bytes)?;
    let key = provider.unwrap_key(&envelope.wrapped, envelope.suite, &key_context(envelope.suite, aad))?;
    let mut context = header(envelope.suite, &envelope.wrapped)?;
    context.extend_from_slice(aad);
    key.decrypt(&envelope.nonce, &context, &envelope.sealed)
}

fn key_context(suite: Suite, aad: &[u8]) -> Vec<u8> {
    [KEY_CONTEXT, &[suite.code()], aad].concat()
}

fn header(suite: Suite, wrapped: &WrappedKey) -> Result<Vec<u8>, CryptoError> {
    let name = wrapped.master.as_str().as_bytes();
    let name_bytes = u8::try_from(name.len()).map_err(|_| CryptoError::BadEnvelope("master key name"))?;
    let wrapped_bytes =
        u16::try_from(wrapped.bytes.len()).map_err(|_| CryptoError::BadEnvelope("wrapped key is too long"))?;
    let mut out = vec![VERSION, suite.code(), name_bytes];
    out.extend_from_slice(name);
    out.extend_from_slice(&wrapped_bytes.to_be_bytes());
    out.extend_from_slice(&wrapped.bytes);
    Ok(out)
}

struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn byte(&mut self) -> Result<u8, CryptoError> {
        let (&first, rest) = self.0.split_first().ok_or(CryptoError::BadEnvelope("too short"))?;
        self.0 = rest;
        Ok(first)
    }

    fn take(&mut self, bytes: usize) -> Result<&'a [u8], CryptoError> {
        let (taken, rest) = self.0.split_at_checked(bytes).ok_or(CryptoError::BadEnvelope("too short"))?;
        self.0 = rest;
        Ok(taken)
    }
}
