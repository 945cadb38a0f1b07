use crate::LedgerError;
use crate::note::{NoteSigner, NoteVerifier, SignedNote};
use crate::types::{Hash, Origin, TreeSize};

/// A signed tree head: origin, size and root, as the log publishes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    pub origin: Origin,
    pub size: TreeSize,
    pub root: Hash,
    note: String,
}

impl Checkpoint {
    /// Where it lies below the log's prefix.
    pub const PATH: &'static str = "checkpoint";

    pub fn sign(origin: &Origin, size: TreeSize, root: Hash, signers: &[NoteSigner]) -> Result<Self, LedgerError> {
        let text = format!("{origin}\n{size}\n{}\n", root.to_base64());
        let note = SignedNote::sign(&text, signers)?;
        Ok(Self { origin: origin.clone(), size, root, note })
    }

    /// Reads a checkpoint of the log `origin` that every one of `keys` has signed.
    pub fn verify(bytes: &[u8], origin: &Origin, keys: &[NoteVerifier]) -> Result<Self, LedgerError> {
        Self::read(SignedNote::parse(bytes)?.verify(keys)?, bytes, origin)
    }

    /// Reads a checkpoint that at least one of `keys` has signed: what a log whose keys are being
    /// exchanged one by one finds of its own past.
    pub fn verify_some(bytes: &[u8], origin: &Origin, keys: &[NoteVerifier]) -> Result<Self, LedgerError> {
        Self::read(SignedNote::parse(bytes)?.verify_some(keys)?, bytes, origin)
    }

    fn read(text: &str, bytes: &[u8], origin: &Origin) -> Result<Self, LedgerError> {
        let malformed = |reason: &str| LedgerError::malformed(Self::PATH, reason);
        let mut lines = text.lines();
        if lines.next() != Some(origin.as_str()) {
            return Err(malformed("origin is another log's"));
        }
        let size = lines.next().ok_or_else(|| malformed("size is missing"))?;
        let parsed: u64 = size.parse().map_err(|_| malformed("size"))?;
        if parsed.to_string() != size {
            return Err(malformed("size is not in its shortest form"));
        }
        let root = lines.next().and_then(Hash::from_base64).ok_or_else(|| malformed("root"))?;
        if lines.any(str::is_empty) {
            return Err(malformed("empty extension line"));
        }
        let note = String::from_utf8(bytes.to_vec()).map_err(|_| malformed("not UTF-8"))?;
        Ok(Self { origin: origin.clone(), size: TreeSize(parsed), root, note })
    }

    /// The signed note, byte for byte.
    pub fn as_text(&self) -> &str {
        &self.note
    }
}
