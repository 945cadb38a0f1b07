//! The writer: sequences batches and integrates them into tiles.

use crate::edge::Edge;
use crate::entry::Entry;
use crate::merkle::{empty_root, root};
use crate::note::{NoteSigner, NoteVerifier};
use crate::store::{Batch, LogStore, StoreError};
use crate::tile::{TileFile, TileTree};
use crate::types::{Chain, Hash, Index, Origin, TreeSize};
use crate::{Checkpoint, LedgerError};

/// Everything that fixes a log's content at one size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    pub size: TreeSize,
    pub root: Hash,
    /// Chain value of the last entry.
    pub chain: Chain,
}

impl Head {
    pub fn genesis(origin: &Origin) -> Self {
        Self { size: TreeSize(0), root: empty_root(), chain: Chain::genesis(origin) }
    }
}

/// An entry with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sequenced {
    pub index: Index,
    pub leaf: Hash,
    pub entry: Entry,
}

/// What opening found and repaired.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recovered {
    pub size: TreeSize,
    /// Entries that were committed and not yet settled in tiles.
    pub replayed: u64,
}

/// A log open for writing. Sequenced entries are durable; integrated ones are also in tiles under a
/// published checkpoint. After a storage failure every call is refused.
#[derive(Debug)]
pub struct Log<S> {
    store: S,
    origin: Origin,
    signers: Vec<NoteSigner>,
    head: Head,
    edge: Edge,
    full: Vec<TileFile>,
    published: Option<Checkpoint>,
    settling: bool,
    stopped: bool,
}

impl<S: LogStore> Log<S> {
    /// Opens the log, brings tiles and checkpoint up to the committed head by the same calls that
    /// normal work makes, and forgets the journal. One of `signers` must have signed what was
    /// published last, so keys are exchanged one at a time.
    pub fn open(store: S, origin: Origin, signers: Vec<NoteSigner>) -> Result<(Self, Recovered), LedgerError> {
        let mut log = Self {
            store,
            head: Head::genesis(&origin),
            origin,
            signers,
            edge: Edge::default(),
            full: Vec::new(),
            published: None,
            settling: false,
            stopped: false,
        };
        let recovered = log.recover()?;
        Ok((log, recovered))
    }

    pub fn head(&self) -> &Head {
        &self.head
    }

    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    pub fn store(&self) -> &S {
        &self.store
    }

    pub fn published(&self) -> Option<&Checkpoint> {
        self.published.as_ref()
    }

    /// Public keys that sign this log's checkpoints.
    pub fn verifiers(&self) -> Vec<NoteVerifier> {
        self.signers.iter().map(|signer| signer.verifier().clone()).collect()
    }

    /// Sequences `bodies` in their order. When it returns, they are durable and their places fixed.
    pub fn append(&mut self, bodies: &[Vec<u8>]) -> Result<Vec<Sequenced>, LedgerError> {
        self.running()?;
        let mut chain = self.head.chain;
        let mut sequenced = Vec::with_capacity(bodies.len());
        for (body, index) in bodies.iter().zip(self.head.size.0..) {
            let entry = Entry::after(chain, body)?;
            chain = entry.chain();
            sequenced.push(Sequenced { index: Index(index), leaf: entry.leaf(), entry });
        }
        if sequenced.is_empty() {
            return Ok(sequenced);
        }
        // The edge runs ahead of the head until the swap; if that fails, the log is stopped for good.
        for one in &sequenced {
            self.edge.push(one.entry.as_bytes(), one.leaf, &mut self.full)?;
        }
        let to = Head { size: self.edge.size(), root: self.edge.root(), chain };
        let entries = sequenced.iter().map(|one| one.entry.as_bytes().to_vec()).collect();
        let batch = Batch { from: self.head, to, entries };
        self.fatal(|log| log.store.stage(&batch))?;
        self.fatal(|log| log.store.swap(&batch.from, &batch.to))?;
        self.head = to;
        Ok(sequenced)
    }

    /// Writes the tiles of everything sequenced and publishes its checkpoint.
    pub fn integrate(&mut self) -> Result<&Checkpoint, LedgerError> {
        self.running()?;
        let behind = self.published.as_ref().is_none_or(|published| published.size != self.head.size);
        if behind || !self.full.is_empty() {
            self.write_tiles()?;
            self.sign_and_publish()?;
        }
        self.published.as_ref().ok_or(LedgerError::Stopped)
    }

    /// Whether an old journal still waits to be forgotten.
    pub fn is_settling(&self) -> bool {
        self.settling
    }

    /// Keeps the journal short: begins a new one once it holds `journal_bytes_max`, and takes one
    /// step of settling an old one. Cheap when there is nothing to do.
    pub fn tidy(&mut self, journal_bytes_max: u64) -> Result<(), LedgerError> {
        self.running()?;
        if self.settling {
            self.settling = !self.fatal(|log| log.store.settle())?;
        } else if self.store.journal_bytes() >= journal_bytes_max {
            self.integrate()?;
            let head = self.head;
            self.fatal(|log| log.store.rotate(&head))?;
            self.settling = true;
        }
        Ok(())
    }

    fn recover(&mut self) -> Result<Recovered, LedgerError> {
        let loaded = self.store.load()?;
        let base = loaded.base.unwrap_or(self.head);
        if base.size.0 == 0 && base != self.head {
            return Err(LedgerError::Inconsistent("journal belongs to another origin".to_owned()));
        }
        self.edge = Edge::read(&self.store, base.size)?;
        self.head = base;
        if self.edge.root() != base.root {
            return Err(LedgerError::Inconsistent(format!("tiles do not give the root at size {}", base.size)));
        }
        for batch in &loaded.batches {
            self.replay(batch)?;
            if loaded.later_bases.contains(&batch.to.size) {
                self.full.extend(self.edge.partials());
            }
        }
        if let Some(bytes) = &loaded.published {
            let published = Checkpoint::verify_some(bytes, &self.origin, &self.verifiers())?;
            self.check_published(&published, base.size, &loaded.batches)?;
        }
        self.write_tiles()?;
        self.sign_and_publish()?;
        let head = self.head;
        self.fatal(|log| log.store.rotate(&head))?;
        while !self.fatal(|log| log.store.settle())? {}
        Ok(Recovered { size: self.head.size, replayed: self.head.size.0 - base.size.0 })
    }

    fn replay(&mut self, batch: &Batch) -> Result<(), LedgerError> {
        let wrong = |what: &str| LedgerError::Inconsistent(format!("journal {what} at size {}", batch.from.size));
        if batch.from != self.head {
            return Err(wrong("does not continue the log"));
        }
        let mut chain = self.head.chain;
        for bytes in &batch.entries {
            let entry = Entry::parse(bytes).ok_or_else(|| wrong("holds a malformed entry"))?;
            chain = chain.next(entry.body());
            if chain != entry.chain() {
                return Err(wrong("breaks the chain"));
            }
            self.edge.push(bytes, entry.leaf(), &mut self.full)?;
        }
        self.head = Head { size: self.edge.size(), root: self.edge.root(), chain };
        if self.head == batch.to { Ok(()) } else { Err(wrong("gives another root")) }
    }

    /// What was published commits forever: the recovered log must contain it. Only heads of batches
    /// are ever published.
    fn check_published(&self, published: &Checkpoint, base: TreeSize, batches: &[Batch]) -> Result<(), LedgerError> {
        let size = published.size;
        if size > self.head.size {
            return Err(LedgerError::Inconsistent(format!(
                "checkpoint of size {size} was published, only {} entries are stored",
                self.head.size
            )));
        }
        let own = if size <= base {
            Some(root(&mut TileTree::new(&self.store, base), size)?)
        } else {
            batches.iter().find(|batch| batch.to.size == size).map(|batch| batch.to.root)
        };
        if own != Some(published.root) {
            return Err(LedgerError::Inconsistent(format!("published root at size {size} is another")));
        }
        Ok(())
    }

    fn write_tiles(&mut self) -> Result<(), LedgerError> {
        let mut files = std::mem::take(&mut self.full);
        files.extend(self.edge.partials());
        self.fatal(|log| log.store.apply(&files))
    }

    fn sign_and_publish(&mut self) -> Result<(), LedgerError> {
        let checkpoint = Checkpoint::sign(&self.origin, self.head.size, self.head.root, &self.signers)?;
        self.fatal(|log| log.store.publish(checkpoint.as_text()))?;
        self.published = Some(checkpoint);
        Ok(())
    }

    fn running(&self) -> Result<(), LedgerError> {
        if self.stopped { Err(LedgerError::Stopped) } else { Ok(()) }
    }

    fn fatal<T>(&mut self, step: impl FnOnce(&mut Self) -> Result<T, StoreError>) -> Result<T, LedgerError> {
        let result = step(self);
        self.stopped |= result.is_err();
        Ok(result?)
    }
}
