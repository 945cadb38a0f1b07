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

pub mod error;
pub mod mandate;
pub mod source;
pub mod ways;
