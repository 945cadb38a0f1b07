use std::fmt;

use rand_core::CryptoRng;
use zeroize::Zeroizing;

use crate::aead::{AeadKey, NONCE_BYTES, Suite};
use crate::{CryptoError, Profile};

/// The name of a master key: 1 to 64 ASCII letters, digits, `-`, `_` or `.`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct KeyId(String);

impl KeyId {
    const CHARS_MAX: usize = 64;

    pub fn parse(text: &str) -> Result<Self, CryptoError> {
        let fits = (1..=Self::CHARS_MAX).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
        if fits { Ok(Self(text.to_owned())) } else { Err(CryptoError::BadKey("key name")) }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A data key as only its master key can read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrappedKey {
    pub master: KeyId,
    pub bytes: Vec<u8>,
}

/// Where master keys live: a key file now ([`KeyRing`]); a KMS or HSM implements the same two
/// calls and its master keys never enter this process.
///
/// Contract: `unwrap_key` gives back exactly the key that `wrap_key` took, under the same
/// context; any other context or altered bytes fail. Old master keys stay readable until every
/// envelope under them is sealed anew.
pub trait KeyProvider: Send + Sync {
    /// Wraps `key` under the current master key, bound to `context`.
    fn wrap_key(&self, key: &AeadKey, context: &[u8], rng: &mut dyn CryptoRng) -> Result<WrappedKey, CryptoError>;

    /// Opens what `wrap_key` gave.
    fn unwrap_key(&self, wrapped: &WrappedKey, suite: Suite, context: &[u8]) -> Result<AeadKey, CryptoError>;
}

/// Master keys held in memory, as a key file lists them: one `name suite hex` per line, the
/// current one first; `#` begins a comment line.
pub struct KeyRing {
    current: (KeyId, AeadKey),
    older: Vec<(KeyId, AeadKey)>,
}

impl KeyRing {
    /// A ring with one new key.
    pub fn generate<R: CryptoRng + ?Sized>(id: KeyId, profile: Profile, rng: &mut R) -> Self {
        Self { current: (id, AeadKey::generate(Suite::of(profile), rng)), older: Vec::new() }
    }

    /// Puts a new key in front; what the older ones sealed stays readable.
    pub fn rotate<R: CryptoRng + ?Sized>(
        mut self,
        id: KeyId,
        profile: Profile,
        rng: &mut R,
    ) -> Result<Self, CryptoError> {
        if self.find(&id).is_some() {
            return Err(CryptoError::BadKey("key name is taken"));
        }
        let old = std::mem::replace(&mut self.current, (id, AeadKey::generate(Suite::of(profile), rng)));
        self.older.insert(0, old);
        Ok(self)
    }

    pub fn parse(text: &str) -> Result<Self, CryptoError> {
        let mut keys: Vec<(KeyId, AeadKey)> = Vec::new();
        for line in text.lines().map(str::trim) {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (id, key) = parse_line(line)?;
            if keys.iter().any(|(known, _)| *known == id) {
                return Err(CryptoError::BadKey("key name occurs twice"));
            }
            keys.push((id, key));
        }
        let mut keys = keys.into_iter();
        let current = keys.next().ok_or(CryptoError::BadKey("no key in the key file"))?;
        Ok(Self { current, older: keys.collect() })
    }

    /// The key file's text: secret, to be written readable by its owner only.
    pub fn to_text(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::new());
        for (id, key) in self.keys() {
            let suite = match key.suite() {
                Suite::Sm4Gcm => "sm4-gcm",
                Suite::Aes256Gcm => "aes-256-gcm",
            };
            let digits = Zeroizing::new(hex::encode(key.as_bytes()));
            text.push_str(&format!("{id} {suite} {}\n", *digits));
        }
        text
    }

    pub fn current_id(&self) -> &KeyId {
        &self.current.0
    }

    fn keys(&self) -> impl Iterator<Item = &(KeyId, AeadKey)> {
        std::iter::once(&self.current).chain(&self.older)
    }

    fn find(&self, id: &KeyId) -> Option<&AeadKey> {
        self.keys().find(|(known, _)| known == id).map(|(_, key)| key)
    }
}

impl KeyProvider for KeyRing {
    fn wrap_key(&self, key: &AeadKey, context: &[u8], rng: &mut dyn CryptoRng) -> Result<WrappedKey, CryptoError> {
        let (id, master) = &self.current;
        let mut nonce = [0; NONCE_BYTES];
        rng.fill_bytes(&mut nonce);
        let mut bytes = vec![master.suite().code()];
        bytes.extend_from_slice(&nonce);
        bytes.extend(master.encrypt(&nonce, context, key.as_bytes())?);
        Ok(WrappedKey { master: id.clone(), bytes })
    }

    fn unwrap_key(&self, wrapped: &WrappedKey, suite: Suite, context: &[u8]) -> Result<AeadKey, CryptoError> {
        let master = self.find(&wrapped.master).ok_or_else(|| CryptoError::UnknownKey(wrapped.master.to_string()))?;
        let (&code, rest) = wrapped.bytes.split_first().ok_or(CryptoError::BadEnvelope("wrapped key is empty"))?;
        if Suite::from_code(code)? != master.suite() {
            return Err(CryptoError::BadEnvelope("wrapped key is of another suite"));
        }
        let (nonce, sealed) =
            rest.split_first_chunk::<NONCE_BYTES>().ok_or(CryptoError::BadEnvelope("wrapped key is too short"))?;
        AeadKey::from_bytes(suite, &master.decrypt(nonce, context, sealed)?)
    }
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.keys().map(|(id, _)| id)).finish()
    }
}

fn parse_line(line: &str) -> Result<(KeyId, AeadKey), CryptoError> {
    let mut words = line.split_whitespace();
    let (Some(id), Some(suite), Some(digits), None) = (words.next(), words.next(), words.next(), words.next()) else {
        return Err(CryptoError::BadKey("a key line has three words"));
    };
    let suite = match suite {
        "sm4-gcm" => Suite::Sm4Gcm,
        "aes-256-gcm" => Suite::Aes256Gcm,
        _ => return Err(CryptoError::BadKey("suite")),
    };
    let bytes = Zeroizing::new(hex::decode(digits).map_err(|_| CryptoError::BadKey("hex"))?);
    Ok((KeyId::parse(id)?, AeadKey::from_bytes(suite, &bytes)?))
}
