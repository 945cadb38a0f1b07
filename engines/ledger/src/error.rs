use crate::store::StoreError;

/// Why the log could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    #[error("origin is empty or holds a space, a plus or a control character")]
    BadOrigin,
    #[error("entry of {bytes} bytes exceeds {max}")]
    EntryTooLong { bytes: usize, max: usize },
    #[error("{path} is malformed: {reason}")]
    Malformed { path: String, reason: String },
    #[error("{path} is missing")]
    Missing { path: String },
    #[error("index {index} is not in a log of {size} entries")]
    OutOfRange { index: u64, size: u64 },
    #[error("signature: {0}")]
    Signature(String),
    #[error("proof does not hold: {0}")]
    BadProof(&'static str),
    /// The stored log contradicts itself or what it published; it must not be written to.
    #[error("stored log is inconsistent: {0}")]
    Inconsistent(String),
    /// An earlier storage failure left the state unknown; only opening the log anew resolves it.
    #[error("log stopped after a storage failure")]
    Stopped,
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl LedgerError {
    pub(crate) fn malformed(path: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Malformed { path: path.into(), reason: reason.into() }
    }
}
