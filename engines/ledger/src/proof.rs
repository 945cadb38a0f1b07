//! Proofs that stand alone: `c2sp.org/tlog-proof@v1`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::entry::Entry;
use crate::merkle::{consistency_proof, inclusion_proof, verify_inclusion};
use crate::note::NoteVerifier;
use crate::read::{TileReader, entries};
use crate::tile::TileTree;
use crate::types::{Hash, Index, Origin, TreeSize};
use crate::{Checkpoint, LedgerError};

const HEADER: &str = "c2sp.org/tlog-proof@v1";
/// A tree of 2^64 entries has no longer paths.
const HASHES_MAX: usize = 64;

/// That an entry is in the log, with the entry itself as extra data, so that one file is all a
/// third party needs besides the public keys. Extension `.tlog-proof`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    index: Index,
    entry: Option<Vec<u8>>,
    hashes: Vec<Hash>,
    checkpoint: String,
}

/// What a proof shows once verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedEntry {
    pub index: Index,
    pub entry: Entry,
    pub checkpoint: Checkpoint,
}

/// Proves the entry at `index` under a checkpoint of the log that `reader` reads.
pub fn prove(reader: &dyn TileReader, checkpoint: &Checkpoint, index: Index) -> Result<Proof, LedgerError> {
    let hashes = inclusion_proof(&mut TileTree::new(reader, checkpoint.size), index, checkpoint.size)?;
    let out_of_range = LedgerError::OutOfRange { index: index.0, size: checkpoint.size.0 };
    let (_, entry) = entries(reader, index, checkpoint.size).next().ok_or(out_of_range)??;
    verify_inclusion(&entry.leaf(), index, checkpoint.size, &checkpoint.root, &hashes)?;
    Ok(Proof { index, entry: Some(entry.as_bytes().to_vec()), hashes, checkpoint: checkpoint.as_text().to_owned() })
}

/// Proves that the tree of `old` entries is a prefix of the checkpoint's.
pub fn prove_consistency(
    reader: &dyn TileReader,
    old: TreeSize,
    checkpoint: &Checkpoint,
) -> Result<Vec<Hash>, LedgerError> {
    consistency_proof(&mut TileTree::new(reader, checkpoint.size), old, checkpoint.size)
}

impl Proof {
    pub fn index(&self) -> Index {
        self.index
    }

    pub fn to_text(&self) -> String {
        let mut text = format!("{HEADER}\n");
        if let Some(entry) = &self.entry {
            text.push_str(&format!("extra {}\n", STANDARD.encode(entry)));
        }
        text.push_str(&format!("index {}\n", self.index));
        for hash in &self.hashes {
            text.push_str(&hash.to_base64());
            text.push('\n');
        }
        text.push('\n');
        text.push_str(&self.checkpoint);
        text
    }

    pub fn parse(text: &str) -> Result<Self, LedgerError> {
        Self::try_parse(text).map_err(|reason| LedgerError::malformed("proof", reason))
    }

    fn try_parse(text: &str) -> Result<Self, &'static str> {
        let (head, checkpoint) = text.split_once("\n\n").ok_or("no checkpoint")?;
        let mut lines = head.split('\n').peekable();
        if lines.next() != Some(HEADER) {
            return Err("first line");
        }
        let entry = match lines.peek().and_then(|line| line.strip_prefix("extra ")) {
            Some(encoded) => {
                let entry = STANDARD.decode(encoded).map_err(|_| "extra")?;
                lines.next();
                Some(entry)
            }
            None => None,
        };
        let digits = lines.next().and_then(|line| line.strip_prefix("index ")).ok_or("index line")?;
        let index: u64 = digits.parse().map_err(|_| "index")?;
        if index.to_string() != digits {
            return Err("index is not in its shortest form");
        }
        let hashes: Vec<Hash> = lines.map(Hash::from_base64).collect::<Option<_>>().ok_or("hash line")?;
        if hashes.len() > HASHES_MAX {
            return Err("too many hashes");
        }
        Ok(Self { index: Index(index), entry, hashes, checkpoint: checkpoint.to_owned() })
    }

    /// Checks the proof of the entry it carries.
    pub fn verify(&self, origin: &Origin, keys: &[NoteVerifier]) -> Result<VerifiedEntry, LedgerError> {
        let bytes = self.entry.as_deref().ok_or(LedgerError::BadProof("it carries no entry"))?;
        self.verify_entry(bytes, origin, keys)
    }

    /// Checks the proof for an entry that came another way.
    pub fn verify_entry(
        &self,
        entry: &[u8],
        origin: &Origin,
        keys: &[NoteVerifier],
    ) -> Result<VerifiedEntry, LedgerError> {
        let checkpoint = Checkpoint::verify(self.checkpoint.as_bytes(), origin, keys)?;
        let entry = Entry::parse(entry).ok_or(LedgerError::BadProof("entry has no chain line"))?;
        verify_inclusion(&entry.leaf(), self.index, checkpoint.size, &checkpoint.root, &self.hashes)?;
        Ok(VerifiedEntry { index: self.index, entry, checkpoint })
    }
}
