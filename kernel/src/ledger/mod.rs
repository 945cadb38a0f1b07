//! The ledger on disk: [`hufu_ledger`] with real files, one writer thread and group commit.
//!
//! ```text
//! DIR/checkpoint      signed tree head            public, C2SP tlog-checkpoint
//! DIR/tile/…          hash tiles, entry bundles   public, C2SP tlog-tiles
//! DIR/journal/NNN     committed batches whose tiles are not yet known to be durable
//! DIR/lock            held by the one writing process
//! ```
//!
//! An entry is acknowledged when its journal record is on disk; tiles follow. `docs/ledger.md` has
//! the formats, the order of durability and the table of failures.

mod disk;
mod file_store;
mod fsck;
mod journal;
mod sequencer;

use std::path::Path;

use async_trait::async_trait;
use hufu_ledger::{Checkpoint, Index, LedgerError, Log, NoteSigner, NoteVerifier, Origin, Recovered, Report, TilePath};

pub use disk::DirReader;
pub use file_store::FileStore;
pub use fsck::{Fsck, fsck};
pub use sequencer::{Appended, OnDurable, Sequencer, SequencerConfig, SequencerError};

use crate::error::{Error, Kind};

/// An open ledger: the sequencer for writing, the directory for reading.
#[derive(Debug)]
pub struct Ledger {
    sequencer: Sequencer,
    reader: DirReader,
    origin: Origin,
    keys: Vec<NoteVerifier>,
}

impl Ledger {
    /// Opens or creates the log in `dir`, finishes what a stop left undone, and starts its thread.
    /// `on_durable` sees every entry sequenced from now on, in order, before its writer is told.
    pub fn open(
        dir: &Path,
        origin: Origin,
        signers: Vec<NoteSigner>,
        config: SequencerConfig,
        on_durable: OnDurable,
    ) -> Result<(Self, Recovered), LedgerError> {
        let (log, recovered) = Log::open(FileStore::open(dir)?, origin.clone(), signers)?;
        let keys = log.verifiers();
        let sequencer = Sequencer::start(log, config, on_durable)?;
        Ok((Self { sequencer, reader: DirReader::new(dir), origin, keys }, recovered))
    }

    /// See [`Sequencer::append`].
    pub async fn append(&self, body: Vec<u8>) -> Result<Appended, SequencerError> {
        self.sequencer.append(body).await
    }

    /// A published checkpoint over everything sequenced so far.
    pub async fn checkpoint(&self) -> Result<Checkpoint, SequencerError> {
        self.sequencer.publish().await
    }

    /// The proof of one entry as text, to be kept or handed out (`.tlog-proof`).
    pub async fn prove(&self, index: Index) -> Result<String, LedgerError> {
        let checkpoint = self.checkpoint().await.map_err(|_| LedgerError::Stopped)?;
        Ok(hufu_ledger::prove(&self.reader, &checkpoint, index)?.to_text())
    }

    /// Checks everything published. Runs as long as the log is large: call it on a blocking thread.
    pub fn verify(&self) -> Result<Report, LedgerError> {
        hufu_ledger::verify(&self.reader, &self.origin, &self.keys)
    }

    /// The public files: for reading entries ([`hufu_ledger::entries`]) and serving tiles.
    pub fn reader(&self) -> &DirReader {
        &self.reader
    }

    pub fn keys(&self) -> &[NoteVerifier] {
        &self.keys
    }

    /// Whether a storage failure has stopped the log: appends are refused until it is opened anew.
    pub fn is_stopped(&self) -> bool {
        self.sequencer.is_stopped()
    }

    /// Publishes everything sequenced and ends the thread.
    pub async fn close(self) {
        self.sequencer.close().await;
    }
}

#[async_trait]
impl crate::audit::Sequencer for Ledger {
    async fn append(&self, body: Vec<u8>) -> crate::error::Result<u64> {
        Ok(self.sequencer.append(body).await?.index.0)
    }

    fn is_stopped(&self) -> bool {
        self.sequencer.is_stopped()
    }
}

impl From<SequencerError> for Error {
    fn from(error: SequencerError) -> Self {
        match &error {
            SequencerError::TooLong { .. } => {
                Self::new(Kind::TooLarge, "HF-LEDGER-TOO-LONG", "存证记录过长，操作未完成").because(error)
            }
            SequencerError::Stopped | SequencerError::Unknown => {
                Self::new(Kind::Unavailable, "HF-LEDGER-STOPPED", "存证账本暂停写入，操作未完成，请联系系统管理员")
                    .because(error)
            }
        }
    }
}

/// Whether `path` may be served to the public: the checkpoint or a tile, nothing else in the folder.
pub fn is_public(path: &str) -> bool {
    path == Checkpoint::PATH || TilePath::parse(path).is_some()
}

#[cfg(test)]
mod tests;
