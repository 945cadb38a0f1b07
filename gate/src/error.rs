//! What can go wrong at the gate. A message is for people, in Chinese, and never holds a value.

/// Result of everything at the gate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why no rows, or no more rows, leave.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{code}: {message}")]
pub struct Error {
    pub kind: Kind,
    /// Stable code, `GATE-REVOKED`.
    pub code: &'static str,
    /// Text for people.
    pub message: String,
    /// For the log only; may name tables and driver errors, never values.
    pub internal: Option<String>,
}

impl Error {
    pub fn new(kind: Kind, code: &'static str, message: impl Into<String>) -> Self {
        Self { kind, code, message: message.into(), internal: None }
    }

    #[must_use]
    pub fn with_internal(mut self, internal: impl Into<String>) -> Self {
        self.internal = Some(internal.into());
        self
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The statement is not something the gate runs, or names what does not exist for this mandate.
    Refused,
    /// The statement does not parse or type-check.
    Invalid,
    /// Quota used up or rate too high.
    Quota,
    /// The source cannot be reached or changed under our feet.
    Source,
    /// Stopped by revocation, cancel or time-out.
    Stopped,
    /// Evidence could not be made durable: nothing leaves.
    Record,
    Internal,
}
