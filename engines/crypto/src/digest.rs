use std::fmt;

use crate::Profile;

/// Both digests are 256 bits long.
pub const DIGEST_BYTES: usize = 32;

/// The output of SM3 or SHA-256; which one is known from where it stands.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest(pub [u8; DIGEST_BYTES]);

impl Digest {
    pub fn to_hex(self) -> String {
        hex::encode(self.0)
    }

    /// Lower or upper case, 64 digits.
    pub fn from_hex(text: &str) -> Option<Self> {
        let mut bytes = [0; DIGEST_BYTES];
        hex::decode_to_slice(text, &mut bytes).ok()?;
        Some(Self(bytes))
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_hex())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({})", self.to_hex())
    }
}

/// SM3 (GB/T 32905).
pub fn sm3(data: &[u8]) -> Digest {
    use sm3::Digest as _;
    Digest(sm3::Sm3::digest(data).into())
}

/// SHA-256 (FIPS 180-4).
pub fn sha256(data: &[u8]) -> Digest {
    use sha2::Digest as _;
    Digest(sha2::Sha256::digest(data).into())
}

/// A digest over data that comes in pieces.
#[derive(Clone, Debug)]
pub struct Hasher(State);

#[derive(Clone, Debug)]
enum State {
    Sm3(sm3::Sm3),
    Sha256(sha2::Sha256),
}

impl Hasher {
    pub fn new(profile: Profile) -> Self {
        match profile {
            Profile::Sm => Self::sm3(),
            Profile::Intl => Self::sha256(),
        }
    }

    pub fn sm3() -> Self {
        Self(State::Sm3(sm3::Sm3::default()))
    }

    pub fn sha256() -> Self {
        Self(State::Sha256(sha2::Sha256::default()))
    }

    pub fn update(&mut self, data: &[u8]) {
        use sm3::Digest as _;
        match &mut self.0 {
            State::Sm3(state) => state.update(data),
            State::Sha256(state) => state.update(data),
        }
    }

    pub fn finish(self) -> Digest {
        use sm3::Digest as _;
        match self.0 {
            State::Sm3(state) => Digest(state.finalize().into()),
            State::Sha256(state) => Digest(state.finalize().into()),
        }
    }
}
