//! Against forged requests: a token derived from the session, sent back in a header or a hidden field.
//!
//! It is HMAC-SHA-256 of the session id under a key of the server, so nothing is stored, and who cannot read
//! our pages cannot make it.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::ids::SessionId;

/// Name of the hidden field.
pub const FIELD: &str = "_csrf";
/// Name of the header.
pub const HEADER: &str = "x-csrf-token";

/// The server's key; the same on every node and across restarts, else open forms die.
#[derive(Clone)]
pub struct Key([u8; 32]);

impl Key {
    pub fn new(key: [u8; 32]) -> Self {
        Self(key)
    }

    /// A key for this process alone.
    pub fn random() -> Self {
        Self(rand::random())
    }

    /// The token of a session.
    pub fn token(&self, session: &SessionId) -> String {
        self.mac(session).map(|mac| hex::encode(mac.finalize().into_bytes())).unwrap_or_default()
    }

    /// Compares in constant time. Fails closed.
    pub fn holds(&self, session: &SessionId, token: &str) -> bool {
        let (Some(mac), Ok(given)) = (self.mac(session), hex::decode(token)) else { return false };
        mac.verify_slice(&given).is_ok()
    }

    fn mac(&self, session: &SessionId) -> Option<Hmac<Sha256>> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).ok()?;
        mac.update(b"hufu csrf v1\0");
        mac.update(session.as_str().as_bytes());
        Some(mac)
    }
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_holds_for_its_session_only() {
        let key = Key::new([7; 32]);
        let (one, other) = (SessionId::generate(), SessionId::generate());
        let token = key.token(&one);
        assert_eq!(token.len(), 64);
        assert!(key.holds(&one, &token));
        assert!(!key.holds(&other, &token));
        assert!(!Key::new([8; 32]).holds(&one, &token));
        assert!(!key.holds(&one, ""));
        assert!(!key.holds(&one, &token.chars().rev().collect::<String>()));
    }
}
