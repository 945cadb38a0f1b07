//! Our refusals as PostgreSQL's clients understand them.

use pgwire::error::{ErrorInfo, PgWireError};

use crate::error::{Error, Kind};

pub(super) const FORBIDDEN: &str = "42501";

pub(super) fn error(sqlstate: &str, message: impl Into<String>) -> PgWireError {
    PgWireError::UserError(Box::new(ErrorInfo::new("ERROR".to_owned(), sqlstate.to_owned(), message.into())))
}

/// Ends the connection.
pub(super) fn fatal(sqlstate: &str, message: impl Into<String>) -> PgWireError {
    PgWireError::UserError(Box::new(ErrorInfo::new("FATAL".to_owned(), sqlstate.to_owned(), message.into())))
}

pub(super) fn told(error: &Error) -> PgWireError {
    self::error(sqlstate(error), format!("{} [{}]", error.message, error.code))
}

fn sqlstate(error: &Error) -> &'static str {
    match (error.kind, error.code) {
        (_, "GATE-TABLE") => "42P01",
        (_, "GATE-COLUMN") => "42703",
        (_, "GATE-FUNCTION") => "42883",
        (_, "GATE-SYNTAX") => "42601",
        (_, "GATE-EXECUTE") => "22000",
        (_, "GATE-CANCELLED" | "GATE-TIMEOUT") => "57014",
        (_, "GATE-MEMORY") => "53200",
        (Kind::Refused | Kind::Stopped, _) => FORBIDDEN,
        (Kind::Invalid, _) => "42000",
        (Kind::Quota, _) => "53400",
        (Kind::Source, _) => "58030",
        (Kind::Record, _) => "58000",
        (Kind::Internal, _) => "XX000",
    }
}
