//! The check of a log at rest: public files and journal, without changing anything.

use std::fmt;
use std::path::{Path, PathBuf};

use hufu_ledger::{Head, LedgerError, NoteVerifier, Origin, Report, TreeSize, verify};

use super::disk::{DirReader, Disk, list_files, read_file};
use super::file_store::load_journal;

/// What [`fsck`] found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fsck {
    /// About checkpoint, tiles and entries.
    pub public: Report,
    /// What is wrong with the journal; opening the log is refused until it is dealt with.
    pub journal: Option<String>,
    /// Durable entries that the next start will integrate and publish.
    pub pending: u64,
}

impl Fsck {
    pub fn is_sound(&self) -> bool {
        self.public.is_sound() && self.journal.is_none()
    }
}

impl fmt::Display for Fsck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for fault in &self.public.faults {
            writeln!(f, "{fault}")?;
        }
        if let Some(journal) = &self.journal {
            writeln!(f, "{journal}")?;
        }
        let size = self.public.size.unwrap_or_default();
        writeln!(
            f,
            "{} entries, {} tiles, size {size}, {} pending",
            self.public.entries, self.public.tiles, self.pending
        )
    }
}

/// Checks the log in `dir` while nobody writes it. After a stop in mid-work the public files may
/// lag behind the journal; opening the log brings them up, and this tells by how much (`pending`).
pub fn fsck(dir: &Path, origin: &Origin, keys: &[NoteVerifier]) -> Result<Fsck, LedgerError> {
    let public = verify(&DirReader::new(dir), origin, keys)?;
    let published = public.size.unwrap_or_default();
    let (journal, pending) = match load_journal(&ReadOnly(dir.to_owned())) {
        Err(error) => (Some(error.to_string()), 0),
        Ok((loaded, _)) => {
            let mut head: Option<Head> = loaded.base;
            let broken = loaded.batches.iter().find(|batch| head.replace(batch.to) != Some(batch.from));
            let size = head.map_or(TreeSize(0), |head| head.size);
            if let Some(batch) = broken {
                (Some(format!("journal: batch at size {} does not continue the log", batch.from.size)), 0)
            } else if size < published {
                (Some(format!("journal: ends at size {size}, the checkpoint covers {published}")), 0)
            } else {
                (None, size.0 - published.0)
            }
        }
    };
    Ok(Fsck { public, journal, pending })
}

/// A folder that is only looked at.
#[derive(Debug)]
struct ReadOnly(PathBuf);

impl Disk for ReadOnly {
    fn read(&self, path: &str) -> std::io::Result<Option<Vec<u8>>> {
        read_file(&self.0.join(path))
    }

    fn list(&self, folder: &str) -> std::io::Result<Vec<String>> {
        list_files(&self.0, folder)
    }

    fn write(&mut self, _: &str, _: &[u8]) -> std::io::Result<()> {
        refuse()
    }

    fn append(&mut self, _: &str, _: &[u8]) -> std::io::Result<()> {
        refuse()
    }

    fn sync_file(&mut self, _: &str) -> std::io::Result<()> {
        refuse()
    }

    fn sync_folder(&mut self, _: &str) -> std::io::Result<()> {
        refuse()
    }

    fn rename(&mut self, _: &str, _: &str) -> std::io::Result<()> {
        refuse()
    }

    fn remove(&mut self, _: &str) -> std::io::Result<()> {
        refuse()
    }
}

fn refuse() -> std::io::Result<()> {
    Err(std::io::Error::from(std::io::ErrorKind::ReadOnlyFilesystem))
}
