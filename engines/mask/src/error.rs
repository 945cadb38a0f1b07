//! What can be wrong with a mask or a mask profile. No error ever holds a value of the data.

use arrow::error::ArrowError;

pub type Result<T, E = MaskError> = std::result::Result<T, E>;

#[derive(Debug, thiserror::Error)]
pub enum MaskError {
    #[error("mask `{mask}` cannot act on type {data_type}")]
    TypeUnfit { mask: String, data_type: String },
    #[error("mask `{mask}` has no key or salt")]
    SecretMissing { mask: String },
    #[error("mask `{mask}` has a parameter outside its range")]
    Parameter { mask: String },
    #[error("unknown mask `{0}`")]
    Unknown(String),
    #[error("masked column too large for its layout")]
    TooLarge,
    /// Arrow's own texts may quote values, so only the fact is kept.
    #[error("arrow kernel failed")]
    Kernel,
}

impl From<ArrowError> for MaskError {
    fn from(_: ArrowError) -> Self {
        MaskError::Kernel
    }
}

/// Why a profile file is not accepted, or has no answer. Nothing unknown is ever passed through.
#[derive(Debug, thiserror::Error)]
pub enum ProfileError {
    #[error("mask profile is not readable: {0}")]
    Syntax(String),
    #[error("mask profile: {place}: {problem}")]
    Rule { place: String, problem: String },
    #[error("unknown field kind `{0}`")]
    UnknownKind(String),
    #[error("unknown grade `{0}`")]
    UnknownGrade(String),
    #[error("unknown role `{0}`")]
    UnknownRole(String),
}
