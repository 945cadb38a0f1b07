//! The readers' side: files by path, entries by range.

use crate::Checkpoint;
use crate::entry::Entry;
use crate::error::LedgerError;
use crate::note::NoteVerifier;
use crate::store::StoreError;
use crate::tile::{BundleReader, TILE_WIDTH, TilePath, read_tile, width_at};
use crate::types::{Index, Origin, TreeSize};

/// Gives a log's public files by their path below its prefix: a directory, a web server, a memory.
pub trait TileReader {
    /// `None` when there is no such file.
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, StoreError>;

    /// All paths below `tile/`, where the source can list them; a web server cannot.
    fn list(&self) -> Result<Option<Vec<String>>, StoreError>;
}

/// The published checkpoint, signed by every one of `keys`.
pub fn read_checkpoint(
    reader: &dyn TileReader,
    origin: &Origin,
    keys: &[NoteVerifier],
) -> Result<Checkpoint, LedgerError> {
    let bytes =
        reader.read(Checkpoint::PATH)?.ok_or_else(|| LedgerError::Missing { path: Checkpoint::PATH.to_owned() })?;
    Checkpoint::verify(&bytes, origin, keys)
}

/// The entries from `from` to the end of a tree of `size`, bundle by bundle.
pub fn entries(reader: &dyn TileReader, from: Index, size: TreeSize) -> EntryIter<'_> {
    EntryIter { reader, next: from.0, size, bundle: Vec::new().into_iter(), failed: false }
}

/// The entries of `[from, to)`, for an export.
pub fn export(
    reader: &dyn TileReader,
    from: Index,
    to: Index,
    size: TreeSize,
) -> Result<impl Iterator<Item = Result<(Index, Entry), LedgerError>> + '_, LedgerError> {
    if from.0 > to.0 || to.0 > size.0 {
        return Err(LedgerError::OutOfRange { index: to.0, size: size.0 });
    }
    Ok(entries(reader, from, size).take((to.0 - from.0) as usize))
}

/// See [`entries`]; after an error it is at its end.
pub struct EntryIter<'a> {
    reader: &'a dyn TileReader,
    next: u64,
    size: TreeSize,
    bundle: std::vec::IntoIter<Entry>,
    failed: bool,
}

impl EntryIter<'_> {
    fn load(&mut self) -> Result<(), LedgerError> {
        let number = self.next / TILE_WIDTH;
        let path = TilePath::entries(number, width_at(0, number, self.size));
        let bytes = read_tile(self.reader, path)?;
        let malformed = || LedgerError::malformed(path.to_string(), "framing");
        let parsed: Option<Vec<Entry>> =
            BundleReader::exactly(&bytes, path.width).ok_or_else(malformed)?.into_iter().map(Entry::parse).collect();
        let skip = (self.next % TILE_WIDTH) as usize;
        self.bundle = parsed.ok_or_else(malformed)?.into_iter();
        if skip > 0 {
            self.bundle.nth(skip - 1);
        }
        Ok(())
    }
}

impl Iterator for EntryIter<'_> {
    type Item = Result<(Index, Entry), LedgerError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed || self.next >= self.size.0 {
            return None;
        }
        if self.bundle.len() == 0
            && let Err(error) = self.load()
        {
            self.failed = true;
            return Some(Err(error));
        }
        let entry = self.bundle.next()?;
        let index = Index(self.next);
        self.next += 1;
        Some(Ok((index, entry)))
    }
}
