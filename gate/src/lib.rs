//! The data plane: the one way through which rows leave.
//!
//! The gate knows Arrow, DataFusion and sources. It must never learn of departments,
//! roles, web pages or the metadata store: it takes a [`mandate::Mandate`] and a statement
//! and gives a stream of batches, or a refusal.
//!
//! ```text
//! mandate + statement -> governed tables -> engine -> meter -> way
//!                        mask <- row filter <- scan
//! ```

mod barrier;
mod catalog;
pub mod digest;
pub mod error;
mod faults;
mod functions;
mod governed;
pub mod mandate;
mod open;
mod plan;
mod quota;
pub mod record;
mod redact;
mod row_filter;
mod rows;
pub mod source;
mod statement;
mod stop;
pub mod ways;
pub mod wire;

pub use open::{Described, Gate, GateConfig, Opened, describe, open};
pub use redact::{Redacted, redact_statement};
pub use row_filter::check_row_filter;
pub use rows::{FIRST_RESERVATION_ROWS, Rows};
pub use statement::{STATEMENT_BYTES_MAX, Statement};
pub use stop::{CancelToken, Clock};
