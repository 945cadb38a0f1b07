use std::fmt;

use ed25519_dalek::Signer as _;
use ed25519_dalek::pkcs8::{DecodePrivateKey, DecodePublicKey, EncodePrivateKey, EncodePublicKey};
use rand_core::CryptoRng;
use sm2::elliptic_curve::Generate as _;
use sm2::pkcs8::LineEnding;
use zeroize::Zeroizing;

use crate::CryptoError;

/// The distinguishing identifier that GM/T 0009 prescribes when the parties agreed on no other.
pub const SM2_DEFAULT_ID: &str = "1234567812345678";

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Algorithm {
    Ed25519,
    /// SM2 with SM3 (GB/T 32918.2), identifier [`SM2_DEFAULT_ID`], signatures as r ‖ s.
    Sm2,
}

impl Algorithm {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ed25519 => "ed25519",
            Self::Sm2 => "sm2",
        }
    }
}

/// A private key. Both algorithms sign deterministically, so signing needs no randomness.
#[derive(Clone)]
pub struct SigningKey(Secret);

#[derive(Clone)]
enum Secret {
    Ed25519(Box<ed25519_dalek::SigningKey>),
    Sm2(Box<sm2::dsa::SigningKey>),
}

impl SigningKey {
    pub fn generate<R: CryptoRng + ?Sized>(algorithm: Algorithm, rng: &mut R) -> Self {
        match algorithm {
            Algorithm::Ed25519 => {
                let mut seed = Zeroizing::new([0; 32]);
                rng.fill_bytes(seed.as_mut_slice());
                Self(Secret::Ed25519(Box::new(ed25519_dalek::SigningKey::from_bytes(&seed))))
            }
            Algorithm::Sm2 => loop {
                let secret = sm2::SecretKey::generate_from_rng(rng);
                // The default identifier always fits; a loop keeps the type free of an error.
                if let Ok(key) = sm2::dsa::SigningKey::new(SM2_DEFAULT_ID, &secret) {
                    return Self(Secret::Sm2(Box::new(key)));
                }
            },
        }
    }

    pub fn algorithm(&self) -> Algorithm {
        match &self.0 {
            Secret::Ed25519(_) => Algorithm::Ed25519,
            Secret::Sm2(_) => Algorithm::Sm2,
        }
    }

    pub fn verifying_key(&self) -> VerifyingKey {
        match &self.0 {
            Secret::Ed25519(key) => VerifyingKey(Public::Ed25519(key.verifying_key())),
            Secret::Sm2(key) => VerifyingKey(Public::Sm2(Box::new(key.verifying_key().clone()))),
        }
    }

    /// 64 bytes for either algorithm.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, CryptoError> {
        match &self.0 {
            Secret::Ed25519(key) => Ok(key.sign(message).to_bytes().to_vec()),
            Secret::Sm2(key) => {
                let signature: sm2::dsa::Signature = key.try_sign(message).map_err(|_| CryptoError::SigningFailed)?;
                Ok(signature.to_bytes().to_vec())
            }
        }
    }

    /// The 32 secret bytes: Ed25519 seed or SM2 scalar, big-endian.
    pub fn to_hex(&self) -> Zeroizing<String> {
        Zeroizing::new(match &self.0 {
            Secret::Ed25519(key) => hex::encode(key.as_bytes()),
            Secret::Sm2(key) => hex::encode(Zeroizing::new(<[u8; 32]>::from(key.to_bytes()))),
        })
    }

    pub fn from_hex(algorithm: Algorithm, digits: &str) -> Result<Self, CryptoError> {
        let mut bytes = Zeroizing::new([0; 32]);
        hex::decode_to_slice(digits.trim(), bytes.as_mut_slice())
            .map_err(|_| CryptoError::BadKey("a private key is 64 hex digits"))?;
        match algorithm {
            Algorithm::Ed25519 => Ok(Self(Secret::Ed25519(Box::new(ed25519_dalek::SigningKey::from_bytes(&bytes))))),
            Algorithm::Sm2 => sm2::dsa::SigningKey::from_slice(SM2_DEFAULT_ID, bytes.as_slice())
                .map(|key| Self(Secret::Sm2(Box::new(key))))
                .map_err(|_| CryptoError::BadKey("SM2 scalar is out of range")),
        }
    }

    /// PKCS#8, `-----BEGIN PRIVATE KEY-----`.
    pub fn to_pem(&self) -> Result<Zeroizing<String>, CryptoError> {
        match &self.0 {
            Secret::Ed25519(key) => key.to_pkcs8_pem(LineEnding::LF),
            Secret::Sm2(key) => sm2::SecretKey::from(*key.as_nonzero_scalar()).to_pkcs8_pem(LineEnding::LF),
        }
        .map_err(|_| CryptoError::BadKey("PKCS#8"))
    }

    /// Reads PKCS#8 of either algorithm.
    pub fn from_pem(text: &str) -> Result<Self, CryptoError> {
        if let Ok(key) = ed25519_dalek::SigningKey::from_pkcs8_pem(text) {
            return Ok(Self(Secret::Ed25519(Box::new(key))));
        }
        sm2::SecretKey::from_pkcs8_pem(text)
            .ok()
            .and_then(|secret| sm2::dsa::SigningKey::new(SM2_DEFAULT_ID, &secret).ok())
            .map(|key| Self(Secret::Sm2(Box::new(key))))
            .ok_or(CryptoError::BadKey("not an Ed25519 or SM2 private key in PKCS#8"))
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({}, ..)", self.algorithm().as_str())
    }
}

/// A public key.
#[derive(Clone)]
pub struct VerifyingKey(Public);

#[derive(Clone)]
enum Public {
    Ed25519(ed25519_dalek::VerifyingKey),
    Sm2(Box<sm2::dsa::VerifyingKey>),
}

impl VerifyingKey {
    pub fn algorithm(&self) -> Algorithm {
        match &self.0 {
            Public::Ed25519(_) => Algorithm::Ed25519,
            Public::Sm2(_) => Algorithm::Sm2,
        }
    }

    /// Ed25519 strictly: weak keys and non-canonical signatures are refused.
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), CryptoError> {
        match &self.0 {
            Public::Ed25519(key) => ed25519_dalek::Signature::from_slice(signature)
                .and_then(|signature| key.verify_strict(message, &signature)),
            Public::Sm2(key) => {
                use sm2::dsa::signature::Verifier as _;
                sm2::dsa::Signature::from_slice(signature).and_then(|signature| key.verify(message, &signature))
            }
        }
        .map_err(|_| CryptoError::BadSignature)
    }

    /// Ed25519: 32 bytes; SM2: 65 bytes, uncompressed point.
    pub fn to_bytes(&self) -> Vec<u8> {
        match &self.0 {
            Public::Ed25519(key) => key.to_bytes().to_vec(),
            Public::Sm2(key) => key.to_sec1_bytes().to_vec(),
        }
    }

    pub fn from_bytes(algorithm: Algorithm, bytes: &[u8]) -> Result<Self, CryptoError> {
        match algorithm {
            Algorithm::Ed25519 => <&[u8; 32]>::try_from(bytes)
                .ok()
                .and_then(|bytes| ed25519_dalek::VerifyingKey::from_bytes(bytes).ok())
                .map(|key| Self(Public::Ed25519(key))),
            Algorithm::Sm2 => sm2::dsa::VerifyingKey::from_sec1_bytes(SM2_DEFAULT_ID, bytes)
                .ok()
                .map(|key| Self(Public::Sm2(Box::new(key)))),
        }
        .ok_or(CryptoError::BadKey("public key bytes"))
    }

    pub fn to_hex(&self) -> String {
        hex::encode(self.to_bytes())
    }

    pub fn from_hex(algorithm: Algorithm, digits: &str) -> Result<Self, CryptoError> {
        let bytes = hex::decode(digits.trim()).map_err(|_| CryptoError::BadKey("hex"))?;
        Self::from_bytes(algorithm, &bytes)
    }

    /// SPKI, `-----BEGIN PUBLIC KEY-----`.
    pub fn to_pem(&self) -> Result<String, CryptoError> {
        match &self.0 {
            Public::Ed25519(key) => key.to_public_key_pem(LineEnding::LF),
            Public::Sm2(key) => key.to_public_key_pem(LineEnding::LF),
        }
        .map_err(|_| CryptoError::BadKey("SPKI"))
    }

    /// Reads SPKI of either algorithm.
    pub fn from_pem(text: &str) -> Result<Self, CryptoError> {
        if let Ok(key) = ed25519_dalek::VerifyingKey::from_public_key_pem(text) {
            return Ok(Self(Public::Ed25519(key)));
        }
        sm2::PublicKey::from_public_key_pem(text)
            .ok()
            .and_then(|key| sm2::dsa::VerifyingKey::new(SM2_DEFAULT_ID, key).ok())
            .map(|key| Self(Public::Sm2(Box::new(key))))
            .ok_or(CryptoError::BadKey("not an Ed25519 or SM2 public key in SPKI"))
    }
}

impl PartialEq for VerifyingKey {
    fn eq(&self, other: &Self) -> bool {
        self.algorithm() == other.algorithm() && self.to_bytes() == other.to_bytes()
    }
}

impl Eq for VerifyingKey {}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifyingKey({} {})", self.algorithm().as_str(), self.to_hex())
    }
}
