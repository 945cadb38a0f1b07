//! Append-only Merkle log in the C2SP tlog-tiles form.
//!
//! Pure: no clock, randomness, file or socket; bytes come and go through [`LogStore`] (the writer's
//! side) and [`TileReader`] (the readers' side). Entry bodies are opaque.
//!
//! ```text
//! body_i  ──►  chain_i = SM3(chain_{i-1} ‖ body_i)
//!              entry_i = body_i ‖ "\n" ‖ "sm3 " ‖ hex(chain_i) ‖ "\n"
//!              leaf_i  = SHA-256(0x00 ‖ entry_i)          RFC 6962 tree ──► checkpoint (signed note)
//! ```
//!
//! [`Log`] sequences and integrates, [`verify()`] recomputes everything from the entries, [`Proof`] is
//! a text that a third party checks without the log. The formats are described in `docs/ledger.md`.

mod checkpoint;
mod edge;
mod entry;
mod error;
mod log;
pub mod merkle;
mod note;
mod proof;
mod read;
mod store;
mod tile;
mod types;
mod verify;

pub use checkpoint::Checkpoint;
pub use entry::{BODY_BYTES_MAX, CHAIN_LINE_BYTES, ENTRY_BYTES_MAX, Entry};
pub use error::LedgerError;
pub use log::{Head, Log, Recovered, Sequenced};
pub use note::{NoteSigner, NoteVerifier, SignedNote};
pub use proof::{Proof, VerifiedEntry, prove, prove_consistency};
pub use read::{EntryIter, TileReader, entries, export, read_checkpoint};
pub use store::{Batch, Loaded, LogStore, StoreError};
pub use tile::{BundleReader, TILE_WIDTH, TileFile, TilePath, TileTree};
pub use types::{Chain, Hash, Index, Origin, TreeSize};
pub use verify::{Fault, Report, verify};

#[cfg(test)]
mod tests;
