//! The six digits of RFC 6238, each accepted once.

use hufu_kernel::time::Timestamp;
use totp_rs::{Builder, Secret, Totp};

/// A secret of 160 bits that authenticator and server share.
#[derive(Clone, PartialEq, Eq)]
pub struct TotpSecret(Vec<u8>);

impl std::fmt::Debug for TotpSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TotpSecret(..)")
    }
}

impl TotpSecret {
    pub const BYTES: usize = 20;

    pub fn new(bytes: [u8; Self::BYTES]) -> Self {
        Self(bytes.to_vec())
    }

    /// As it comes out of the vault.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        (bytes.len() == Self::BYTES).then(|| Self(bytes.to_vec()))
    }

    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// `JBSW Y3DP …`, for typing by hand.
    pub fn spaced(&self) -> String {
        let text = Secret::from(self.0.clone()).to_base32();
        let mut out = String::new();
        for (at, c) in text.chars().enumerate() {
            if at > 0 && at % 4 == 0 {
                out.push(' ');
            }
            out.push(c);
        }
        out
    }

    /// What the QR code says; `None` when a name has a character that the form forbids.
    pub fn url(&self, login: &str, issuer: &str) -> Option<String> {
        let issuer = issuer.replace(':', " ");
        let totp =
            Builder::new().with_secret(self.0.clone()).with_account_name(login).with_issuer(Some(issuer)).build();
        totp.ok()?.to_url().ok()
    }

    /// The step of a right code that is later than the last one used; a code works once.
    pub fn check(&self, code: &str, now: Timestamp, last_step: Option<i64>) -> Option<i64> {
        let code: String = code.chars().filter(|c| !c.is_whitespace()).collect();
        if code.len() != 6 || !code.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let seconds = u64::try_from(now.millis() / 1000).ok()?;
        let step = i64::try_from(self.totp()?.check(&code, seconds)?).ok()?;
        (last_step.is_none_or(|last| step > last)).then_some(step)
    }

    /// The code of a moment, for tests and for the demo's own log-in.
    pub fn code_at(&self, now: Timestamp) -> Option<String> {
        let seconds = u64::try_from(now.millis() / 1000).ok()?;
        Some(self.totp()?.generate(seconds).to_string())
    }

    fn totp(&self) -> Option<Totp> {
        Builder::new().with_secret(self.0.clone()).build().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1000)
    }

    /// RFC 6238 appendix B, SHA-1, last six of its eight digits.
    #[test]
    fn who_6_codes_of_the_standard() {
        let secret = TotpSecret::new(*b"12345678901234567890");
        for (seconds, code) in [(59, "287082"), (1_111_111_109, "081804"), (1_234_567_890, "005924")] {
            assert_eq!(secret.code_at(at(seconds)).unwrap(), code);
            assert!(secret.check(code, at(seconds), None).is_some());
        }
    }

    #[test]
    fn who_6_a_code_works_once_and_not_long() {
        let secret = TotpSecret::new([9; 20]);
        let code = secret.code_at(at(1000)).unwrap();
        let step = secret.check(&code, at(1000), None).unwrap();
        assert!(secret.check(&code, at(1000), Some(step)).is_none());
        assert!(secret.check(&code, at(1030), None).is_some(), "one step late still counts");
        assert!(secret.check(&code, at(1090), None).is_none());
        assert!(secret.check("12 34", at(1000), None).is_none());
        assert!(secret.check("", at(1000), None).is_none());
    }

    #[test]
    fn the_secret_can_be_typed_or_scanned() {
        let secret = TotpSecret::new([0; 20]);
        assert_eq!(secret.spaced().split(' ').count(), 8);
        let url = secret.url("zhoumin", "虎符").unwrap();
        assert!(url.starts_with("otpauth://totp/"), "{url}");
        assert!(url.contains("secret=AAAA"));
    }
}
