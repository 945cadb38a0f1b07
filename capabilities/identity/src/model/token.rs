//! Tokens for machines and for the SQL wire: 256 random bits, shown once.

use hufu_crypto::{HmacSha256, sha256};
use hufu_kernel::time::Timestamp;

/// Marks our tokens, so that scanners of leaked secrets find them.
pub const MARK: &str = "hufu_";
/// Characters of a token that are shown later, to tell it from others.
pub const PREFIX_CHARS: usize = 12;
/// Longest life in days.
pub const DAYS_MAX: i64 = 365;
/// Rounds of the SCRAM verifier. The secret has 256 bits, so that they need not slow a guesser down.
pub const SCRAM_ITERATIONS: u32 = 4096;

/// A new token as its owner sees it, once.
#[derive(Clone, Debug)]
pub struct FreshToken {
    pub text: String,
    pub prefix: String,
    pub hash: String,
    pub scram: ScramVerifier,
}

/// What a server needs to check SCRAM-SHA-256 (RFC 5802, 7677) without knowing the password.
#[derive(Clone, PartialEq, Eq)]
pub struct ScramVerifier {
    pub salt: [u8; 16],
    pub iterations: u32,
    pub stored_key: [u8; 32],
    pub server_key: [u8; 32],
}

impl std::fmt::Debug for ScramVerifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ScramVerifier").field("iterations", &self.iterations).finish_non_exhaustive()
    }
}

impl FreshToken {
    /// From randomness that the caller drew.
    pub fn from_random(secret: &[u8; 32], salt: [u8; 16]) -> Self {
        let text = format!("{MARK}{}", hex::encode(secret));
        let prefix = text.chars().take(PREFIX_CHARS).collect();
        let scram = ScramVerifier::new(&text, salt, SCRAM_ITERATIONS);
        Self { hash: hash(&text), prefix, scram, text }
    }
}

/// The form in which a token or a cookie is stored.
pub fn hash(text: &str) -> String {
    sha256(text.as_bytes()).to_hex()
}

impl ScramVerifier {
    /// Only for ASCII secrets, which need no SASLprep.
    pub fn new(password: &str, salt: [u8; 16], iterations: u32) -> Self {
        let salted = HmacSha256::new(&salted_password(password.as_bytes(), &salt, iterations));
        let stored_key = sha256(&salted.mac(b"Client Key").0).0;
        Self { salt, iterations, stored_key, server_key: salted.mac(b"Server Key").0 }
    }
}

/// `Hi` of RFC 5802: PBKDF2 with one block.
fn salted_password(password: &[u8], salt: &[u8], iterations: u32) -> [u8; 32] {
    let key = HmacSha256::new(password);
    let mut round = key.mac_parts(&[salt, &1_u32.to_be_bytes()]).0;
    let mut out = round;
    for _ in 1..iterations {
        round = key.mac(&round).0;
        out.iter_mut().zip(round).for_each(|(sum, byte)| *sum ^= byte);
    }
    out
}

/// The last moment of a token that is asked for `days`; `None` when that is no sensible span.
pub fn expiry(now: Timestamp, days: i64) -> Option<Timestamp> {
    (1..=DAYS_MAX).contains(&days).then(|| now.plus(chrono::Duration::days(days)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The worked example of RFC 7677 §3: user `user`, password `pencil`, 4096 rounds.
    #[test]
    fn scram_verifier_accepts_the_proof_of_rfc_7677() {
        use base64::{Engine, engine::general_purpose::STANDARD};
        let salt: [u8; 16] = STANDARD.decode("W22ZaJ0SNY7soEsUEjb6gQ==").unwrap().try_into().unwrap();
        let verifier = ScramVerifier::new("pencil", salt, 4096);
        let message = "n=user,r=rOprNGfwEbeRWgbNEkqO,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,\
                       s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
        let proof = STANDARD.decode("dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=").unwrap();
        let signature = HmacSha256::new(&verifier.stored_key).mac(message.as_bytes()).0;
        let client_key: Vec<u8> = proof.iter().zip(signature).map(|(a, b)| a ^ b).collect();
        assert_eq!(sha256(&client_key).0, verifier.stored_key);
        let server = HmacSha256::new(&verifier.server_key).mac(message.as_bytes()).0;
        assert_eq!(STANDARD.encode(server), "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
    }

    #[test]
    fn a_token_shows_its_head_only() {
        let fresh = FreshToken::from_random(&[7; 32], [1; 16]);
        assert_eq!(fresh.text.len(), MARK.len() + 64);
        assert!(fresh.text.starts_with(&fresh.prefix));
        assert_eq!(fresh.prefix.len(), PREFIX_CHARS);
        assert!(!format!("{:?}", fresh.scram).contains("stored_key"));
    }

    #[test]
    fn tokens_live_a_year_at_most() {
        let now = Timestamp::from_millis(0);
        assert!(expiry(now, 365).is_some());
        assert!(expiry(now, 366).is_none());
        assert!(expiry(now, 0).is_none());
        assert!(expiry(now, -5).is_none());
    }
}
