//! Passwords as argon2id, secrets at rest in envelopes, and where randomness is drawn.

use std::sync::Arc;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use hufu_crypto::{KeyProvider, Profile};
use hufu_kernel::error::{Error, Result};
use tokio::sync::Semaphore;

/// Costs of argon2id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hashing {
    pub memory_kib: u32,
    pub passes: u32,
    pub lanes: u32,
}

impl Default for Hashing {
    /// 19 MiB, two passes: what OWASP asks for at least.
    fn default() -> Self {
        Self { memory_kib: 19 * 1024, passes: 2, lanes: 1 }
    }
}

impl Hashing {
    /// So cheap that it protects nothing; for tests and synthetic cities that make hundreds of accounts.
    pub const CHEAP: Self = Self { memory_kib: 64, passes: 1, lanes: 1 };
}

/// Hashes at one time; each takes its memory for as long.
const HASHES_AT_ONCE: usize = 4;
/// Bytes of a cookie.
const COOKIE_BYTES: usize = 32;
/// Letters of initial passwords, without those that are mistaken for one another.
const UPPER: &[u8] = b"ABCDEFGHJKLMNPQRSTUVWXYZ";
const LOWER: &[u8] = b"abcdefghijkmnpqrstuvwxyz";
const DIGITS: &[u8] = b"23456789";

/// Makes and checks password hashes, a few at a time and off the reactor.
#[derive(Clone, Debug)]
pub struct Passwords {
    argon: Argon2<'static>,
    slots: Arc<Semaphore>,
    /// What the password of an unknown account is checked against, so that it takes as long.
    nobody: Arc<str>,
}

impl Passwords {
    pub fn new(hashing: Hashing) -> Result<Self> {
        let params = Params::new(hashing.memory_kib, hashing.passes, hashing.lanes, None).map_err(internal)?;
        let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let nobody = hash_now(&argon, &random_text())?;
        Ok(Self { argon, slots: Arc::new(Semaphore::new(HASHES_AT_ONCE)), nobody: nobody.into() })
    }

    pub async fn hash(&self, password: &str) -> Result<String> {
        let (argon, password) = (self.argon.clone(), password.to_owned());
        self.off_the_reactor(move || hash_now(&argon, &password)).await?
    }

    /// With `None` the work is done against a hash nobody knows, and the answer is no.
    pub async fn verify(&self, password: &str, hash: Option<&str>) -> Result<bool> {
        let known = hash.is_some();
        let (argon, hash) = (self.argon.clone(), hash.unwrap_or(&self.nobody).to_owned());
        let password = password.to_owned();
        let same = self.off_the_reactor(move || verify_now(&argon, &password, &hash)).await?;
        Ok(same && known)
    }

    async fn off_the_reactor<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
        let _slot = self.slots.acquire().await.map_err(internal)?;
        tokio::task::spawn_blocking(work).await.map_err(internal)
    }
}

fn hash_now(argon: &Argon2<'_>, password: &str) -> Result<String> {
    Ok(argon.hash_password(password.as_bytes()).map_err(internal)?.to_string())
}

fn verify_now(argon: &Argon2<'_>, password: &str, hash: &str) -> bool {
    PasswordHash::new(hash).is_ok_and(|hash| argon.verify_password(password.as_bytes(), &hash).is_ok())
}

/// Keeps secrets that must be read again: sealed under the installation's key, bound to their place.
#[derive(Clone)]
pub struct Vault {
    keys: Arc<dyn KeyProvider>,
    profile: Profile,
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Vault").field("profile", &self.profile).finish_non_exhaustive()
    }
}

impl Vault {
    pub fn new(keys: Arc<dyn KeyProvider>, profile: Profile) -> Self {
        Self { keys, profile }
    }

    /// `place` names table, column and row.
    pub fn seal(&self, place: &str, plain: &[u8]) -> Result<String> {
        let sealed = hufu_crypto::seal(self.keys.as_ref(), self.profile, place.as_bytes(), plain, &mut rand::rng());
        Ok(hex::encode(sealed.map_err(internal)?))
    }

    pub fn open(&self, place: &str, sealed: &str) -> Result<Vec<u8>> {
        let bytes = hex::decode(sealed).map_err(internal)?;
        let plain = hufu_crypto::open(self.keys.as_ref(), place.as_bytes(), &bytes).map_err(internal)?;
        Ok(plain.to_vec())
    }
}

/// A cookie: 256 random bits.
pub(crate) fn random_text() -> String {
    hex::encode(rand::random::<[u8; COOKIE_BYTES]>())
}

/// An initial password that can be read out on the phone and passes the rules: `Kfwm-7294-Txrp`.
pub(crate) fn initial_password() -> String {
    let block = |letters: &[u8], count: usize| -> String { (0..count).map(|_| pick(letters)).collect() };
    loop {
        let word = || format!("{}{}", block(UPPER, 1), block(LOWER, 3));
        let password = format!("{}-{}-{}", word(), block(DIGITS, 4), word());
        if crate::model::password::faults(&password, "").is_empty() {
            return password;
        }
    }
}

fn pick(letters: &[u8]) -> char {
    let at = rand::random_range(0..letters.len());
    letters.get(at).map_or('x', |byte| char::from(*byte))
}

fn internal(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::internal(cause)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_6_passwords_are_argon2id_with_salt() {
        let passwords = Passwords::new(Hashing::default()).unwrap();
        let one = passwords.hash("Kai-Feng7Lu").await.unwrap();
        assert!(one.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{one}");
        assert_ne!(one, passwords.hash("Kai-Feng7Lu").await.unwrap());
        assert!(passwords.verify("Kai-Feng7Lu", Some(&one)).await.unwrap());
        assert!(!passwords.verify("Kai-Feng7Lv", Some(&one)).await.unwrap());
        assert!(!passwords.verify("Kai-Feng7Lu", None).await.unwrap());
    }

    #[test]
    fn initial_passwords_keep_the_rules_and_differ() {
        let all: std::collections::HashSet<String> = (0..200).map(|_| initial_password()).collect();
        assert_eq!(all.len(), 200);
        assert!(all.iter().all(|password| crate::model::password::faults(password, "zhoumin").is_empty()));
    }
}
