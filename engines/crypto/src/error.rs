/// Why a cryptographic step did not happen. No variant carries key or plain text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CryptoError {
    /// Wrong key, wrong context or altered bytes; which of them is not told.
    #[error("sealed data did not authenticate")]
    NotAuthentic,
    #[error("envelope is malformed: {0}")]
    BadEnvelope(&'static str),
    #[error("envelope version {0} is not known")]
    UnknownVersion(u8),
    #[error("cipher suite {0} is not known")]
    UnknownSuite(u8),
    #[error("master key `{0}` is not held")]
    UnknownKey(String),
    #[error("key text is malformed: {0}")]
    BadKey(&'static str),
    #[error("signature does not verify")]
    BadSignature,
    #[error("signing failed")]
    SigningFailed,
    /// A key service outside the process answered with a failure.
    #[error("key service failed: {0}")]
    KeyService(String),
}
