//! A store in memory, for tests of the engine alone.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use hufu_crypto::{Algorithm, SigningKey};

use crate::*;

#[derive(Clone, Debug, Default)]
pub(super) struct MemoryStore {
    pub(super) files: Rc<RefCell<BTreeMap<String, Vec<u8>>>>,
    base: Option<Head>,
    staged: Option<Batch>,
    batches: Vec<Batch>,
}

impl TileReader for MemoryStore {
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.files.borrow().get(path).cloned())
    }

    fn list(&self) -> Result<Option<Vec<String>>, StoreError> {
        Ok(Some(self.files.borrow().keys().filter(|path| path.starts_with("tile/")).cloned().collect()))
    }
}

impl LogStore for MemoryStore {
    fn load(&mut self) -> Result<Loaded, StoreError> {
        let published = self.read(Checkpoint::PATH)?;
        Ok(Loaded { base: self.base, batches: self.batches.clone(), later_bases: Vec::new(), published })
    }

    fn stage(&mut self, batch: &Batch) -> Result<(), StoreError> {
        self.staged = Some(batch.clone());
        Ok(())
    }

    fn swap(&mut self, from: &Head, to: &Head) -> Result<(), StoreError> {
        let batch = self.staged.take().filter(|batch| batch.from == *from && batch.to == *to);
        self.batches.push(batch.ok_or_else(|| StoreError::message("nothing staged"))?);
        Ok(())
    }

    fn apply(&mut self, files: &[TileFile]) -> Result<(), StoreError> {
        for file in files {
            self.files.borrow_mut().insert(file.path.to_string(), file.bytes.clone());
        }
        Ok(())
    }

    fn publish(&mut self, checkpoint: &str) -> Result<(), StoreError> {
        self.files.borrow_mut().insert(Checkpoint::PATH.to_owned(), checkpoint.as_bytes().to_vec());
        Ok(())
    }

    fn rotate(&mut self, base: &Head) -> Result<(), StoreError> {
        self.base = Some(*base);
        self.batches.clear();
        Ok(())
    }

    fn settle(&mut self) -> Result<bool, StoreError> {
        Ok(true)
    }

    fn journal_bytes(&self) -> u64 {
        self.batches.len() as u64
    }
}

pub(super) fn origin() -> Origin {
    Origin::parse("hufu.example/yunjiang").unwrap()
}

pub(super) fn signers() -> Vec<NoteSigner> {
    let ed = SigningKey::from_hex(Algorithm::Ed25519, &"11".repeat(32)).unwrap();
    let sm = SigningKey::from_hex(Algorithm::Sm2, &"22".repeat(32)).unwrap();
    vec![NoteSigner::new(&origin(), ed), NoteSigner::new(&origin(), sm)]
}

pub(super) fn keys() -> Vec<NoteVerifier> {
    signers().iter().map(|signer| signer.verifier().clone()).collect()
}

pub(super) fn body(index: u64) -> Vec<u8> {
    format!("{{\"id\":{index},\"action\":\"test\"}}").into_bytes()
}

/// A log of `size` entries, integrated after each of the `cuts`.
pub(super) fn log_of(size: u64, cuts: &[u64]) -> Log<MemoryStore> {
    let (mut log, _) = Log::open(MemoryStore::default(), origin(), signers()).unwrap();
    let mut from = 0;
    for to in cuts.iter().copied().chain([size]) {
        let bodies: Vec<_> = (from..to).map(body).collect();
        log.append(&bodies).unwrap();
        log.integrate().unwrap();
        from = to;
    }
    log
}
