use std::fmt;

use aes_gcm::AesGcm;
use aes_gcm::aead::consts::U12;
use aes_gcm::aead::{AeadInOut, KeyInit};
use rand_core::CryptoRng;
use zeroize::Zeroizing;

use crate::{CryptoError, Profile};

/// 96-bit nonces, as GCM wants them.
pub const NONCE_BYTES: usize = 12;
/// Full-length tags.
pub const TAG_BYTES: usize = 16;

type Sm4Gcm = AesGcm<sm4::Sm4, U12>;
type Aes256Gcm = aes_gcm::Aes256Gcm;

/// An authenticated cipher, by the number it has in an envelope.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Suite {
    /// SM4 (GB/T 32907) in GCM (GB/T 36624), as RFC 8998 uses it.
    Sm4Gcm,
    Aes256Gcm,
}

impl Suite {
    pub fn of(profile: Profile) -> Self {
        match profile {
            Profile::Sm => Self::Sm4Gcm,
            Profile::Intl => Self::Aes256Gcm,
        }
    }

    pub fn code(self) -> u8 {
        match self {
            Self::Sm4Gcm => 1,
            Self::Aes256Gcm => 2,
        }
    }

    pub fn from_code(code: u8) -> Result<Self, CryptoError> {
        match code {
            1 => Ok(Self::Sm4Gcm),
            2 => Ok(Self::Aes256Gcm),
            _ => Err(CryptoError::UnknownSuite(code)),
        }
    }

    pub fn key_bytes(self) -> usize {
        match self {
            Self::Sm4Gcm => 16,
            Self::Aes256Gcm => 32,
        }
    }
}

/// Key bytes of the length its suite wants; wiped when dropped, never printed.
#[derive(Clone)]
pub struct AeadKey {
    suite: Suite,
    bytes: Zeroizing<Vec<u8>>,
}

impl AeadKey {
    pub fn generate<R: CryptoRng + ?Sized>(suite: Suite, rng: &mut R) -> Self {
        let mut bytes = Zeroizing::new(vec![0; suite.key_bytes()]);
        rng.fill_bytes(&mut bytes);
        Self { suite, bytes }
    }

    pub fn from_bytes(suite: Suite, bytes: &[u8]) -> Result<Self, CryptoError> {
        if bytes.len() != suite.key_bytes() {
            return Err(CryptoError::BadKey("length does not fit the suite"));
        }
        Ok(Self { suite, bytes: Zeroizing::new(bytes.to_vec()) })
    }

    pub fn suite(&self) -> Suite {
        self.suite
    }

    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Cipher text with the tag at its end. A nonce must never be used twice with one key.
    pub fn encrypt(&self, nonce: &[u8; NONCE_BYTES], aad: &[u8], plain: &[u8]) -> Result<Vec<u8>, CryptoError> {
        let mut out = Vec::with_capacity(plain.len() + TAG_BYTES);
        out.extend_from_slice(plain);
        let tag = match self.suite {
            Suite::Sm4Gcm => {
                self.cipher::<Sm4Gcm>()?.encrypt_inout_detached(nonce.into(), aad, out.as_mut_slice().into())
            }
            Suite::Aes256Gcm => {
                self.cipher::<Aes256Gcm>()?.encrypt_inout_detached(nonce.into(), aad, out.as_mut_slice().into())
            }
        };
        let tag = tag.map_err(|_| CryptoError::BadEnvelope("plain text is too long"))?;
        out.extend_from_slice(&tag);
        Ok(out)
    }

    /// Takes what [`AeadKey::encrypt`] gave; nothing is returned unless the tag fits.
    pub fn decrypt(
        &self,
        nonce: &[u8; NONCE_BYTES],
        aad: &[u8],
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        let (body, tag) =
            sealed.split_last_chunk::<TAG_BYTES>().ok_or(CryptoError::BadEnvelope("shorter than a tag"))?;
        let mut out = Zeroizing::new(body.to_vec());
        match self.suite {
            Suite::Sm4Gcm => self.cipher::<Sm4Gcm>()?.decrypt_inout_detached(
                nonce.into(),
                aad,
                out.as_mut_slice().into(),
                tag.into(),
            ),
            Suite::Aes256Gcm => self.cipher::<Aes256Gcm>()?.decrypt_inout_detached(
                nonce.into(),
                aad,
                out.as_mut_slice().into(),
                tag.into(),
            ),
        }
        .map_err(|_| CryptoError::NotAuthentic)?;
        Ok(out)
    }

    fn cipher<C: KeyInit>(&self) -> Result<C, CryptoError> {
        C::new_from_slice(&self.bytes).map_err(|_| CryptoError::BadKey("length"))
    }
}

impl fmt::Debug for AeadKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AeadKey({:?}, ..)", self.suite)
    }
}
