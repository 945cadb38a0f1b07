//! What proves a token without being it.

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hufu_crypto::HmacSm3;
use pgwire::api::auth::sasl::scram::{ScramSecret, gen_salted_password};
use zeroize::Zeroize;

/// SCRAM-SHA-256 material as PostgreSQL keeps it. Its text form is
/// `SCRAM-SHA-256$iterations:salt$stored key:server key`, in base 64.
#[derive(Clone, PartialEq, Eq)]
pub struct ScramVerifier {
    salt: Vec<u8>,
    iterations: usize,
    stored_key: Vec<u8>,
    server_key: Vec<u8>,
}

impl ScramVerifier {
    pub const ITERATIONS: usize = 4096;

    pub fn from_password(password: &str, salt: &[u8]) -> Self {
        let mut salted = gen_salted_password(password, salt, Self::ITERATIONS);
        let secret = ScramSecret::verifier_from_salted_password(salt.to_vec(), salted.clone(), Self::ITERATIONS);
        salted.zeroize();
        match secret {
            ScramSecret::Verifier { salt, iterations, stored_key, server_key } => {
                Self { salt, iterations, stored_key, server_key }
            }
            // The function makes verifiers only; anything else would be a key nobody has.
            ScramSecret::SaltedPassword { salt, .. } => Self::decoy(&[], &salt),
        }
    }

    /// For a user who does not exist: always the same salt, and keys that no password has.
    pub(super) fn decoy(secret: &[u8], user: &[u8]) -> Self {
        let part = |name: &[u8]| HmacSm3::new(secret).mac(&[name, user].concat()).to_hex().into_bytes();
        let mut salt = part(b"salt");
        salt.truncate(16);
        let cut = |mut key: Vec<u8>| {
            key.truncate(32);
            key
        };
        Self { salt, iterations: Self::ITERATIONS, stored_key: cut(part(b"stored")), server_key: cut(part(b"server")) }
    }

    pub(super) fn secret(self) -> ScramSecret {
        ScramSecret::Verifier {
            salt: self.salt,
            iterations: self.iterations,
            stored_key: self.stored_key,
            server_key: self.server_key,
        }
    }
}

impl fmt::Debug for ScramVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ScramVerifier(…)")
    }
}

impl fmt::Display for ScramVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (salt, stored, server) =
            (STANDARD.encode(&self.salt), STANDARD.encode(&self.stored_key), STANDARD.encode(&self.server_key));
        write!(f, "SCRAM-SHA-256${}:{salt}${stored}:{server}", self.iterations)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a SCRAM-SHA-256 verifier")]
pub struct NotAVerifier;

impl FromStr for ScramVerifier {
    type Err = NotAVerifier;

    fn from_str(text: &str) -> Result<Self, NotAVerifier> {
        let rest = text.strip_prefix("SCRAM-SHA-256$").ok_or(NotAVerifier)?;
        let (head, keys) = rest.split_once('$').ok_or(NotAVerifier)?;
        let (iterations, salt) = head.split_once(':').ok_or(NotAVerifier)?;
        let (stored, server) = keys.split_once(':').ok_or(NotAVerifier)?;
        let bytes = |text: &str| STANDARD.decode(text).map_err(|_e| NotAVerifier);
        let verifier = Self {
            salt: bytes(salt)?,
            iterations: iterations.parse().map_err(|_e| NotAVerifier)?,
            stored_key: bytes(stored)?,
            server_key: bytes(server)?,
        };
        let sound = verifier.iterations >= Self::ITERATIONS
            && verifier.stored_key.len() == 32
            && verifier.server_key.len() == 32
            && !verifier.salt.is_empty();
        if sound { Ok(verifier) } else { Err(NotAVerifier) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verifiers_keep_their_text_form() {
        let verifier = ScramVerifier::from_password("令牌 token", b"0123456789abcdef");
        assert_eq!(verifier.to_string().parse::<ScramVerifier>(), Ok(verifier.clone()));
        assert!(!format!("{verifier:?}").contains(':'));
        assert_eq!("SCRAM-SHA-256$1:AA==$AA==:AA==".parse::<ScramVerifier>(), Err(NotAVerifier));
    }

    #[test]
    fn decoys_do_not_change_between_tries() {
        assert_eq!(ScramVerifier::decoy(b"s", b"a"), ScramVerifier::decoy(b"s", b"a"));
        assert_ne!(ScramVerifier::decoy(b"s", b"a"), ScramVerifier::decoy(b"s", b"b"));
    }
}
