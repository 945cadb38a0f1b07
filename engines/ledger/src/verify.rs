//! The offline check: everything is computed anew from the entries, and what differs is named.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::entry::Entry;
use crate::merkle::{empty_root, leaf_hash, node_hash, root_of};
use crate::note::NoteVerifier;
use crate::read::TileReader;
use crate::tile::{BundleReader, Kind, TILE_HEIGHT, TILE_LEVELS, TILE_WIDTH, TilePath, hashes_of, width_at};
use crate::types::{Chain, Hash, Index, Origin, TreeSize};
use crate::{Checkpoint, LedgerError};

/// One thing that is not as it must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The checkpoint is missing, malformed, or not signed by every key.
    Checkpoint {
        reason: String,
    },
    /// The entries, tiles and checkpoint are each sound and do not belong together.
    Root {
        size: TreeSize,
        computed: Option<Hash>,
        signed: Hash,
    },
    /// This entry's bytes are not those that were sequenced.
    Entry {
        index: Index,
        path: String,
        reason: &'static str,
    },
    /// This hash of a tile is not that of what lies below it.
    Tile {
        path: String,
        position: u64,
    },
    Missing {
        path: String,
    },
    /// Its framing or length is broken; `index` is the first entry that cannot be read.
    Malformed {
        path: String,
        index: Option<Index>,
    },
    /// A file below `tile/` that no tree of this size has.
    Unexpected {
        path: String,
    },
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Checkpoint { reason } => write!(f, "checkpoint: {reason}"),
            Self::Root { size, computed, signed } => {
                let computed = computed.map_or_else(|| "unknown".to_owned(), |root| root.to_string());
                write!(f, "checkpoint: root at size {size} is {computed}, signed is {signed}")
            }
            Self::Entry { index, path, reason } => write!(f, "entry {index} in {path}: {reason}"),
            Self::Tile { path, position } => write!(f, "{path}: hash {position} is wrong"),
            Self::Missing { path } => write!(f, "{path}: missing"),
            Self::Malformed { path, index: Some(index) } => write!(f, "{path}: unreadable from entry {index}"),
            Self::Malformed { path, index: None } => write!(f, "{path}: malformed"),
            Self::Unexpected { path } => write!(f, "{path}: belongs to no tree of this size"),
        }
    }
}

/// What a check found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Size of the checkpoint, if it could be read.
    pub size: Option<TreeSize>,
    pub root: Option<Hash>,
    /// Entries read, tiles compared.
    pub entries: u64,
    pub tiles: u64,
    pub faults: Vec<Fault>,
}

impl Report {
    pub fn is_sound(&self) -> bool {
        self.faults.is_empty()
    }
}

/// Checks a whole log offline: signatures, every entry's chain value and leaf, every hash of every
/// tile, the root, and that no other file lies among the tiles.
/// Fails only if the source cannot be read; what is wrong with the log stands in the report.
pub fn verify(reader: &dyn TileReader, origin: &Origin, keys: &[NoteVerifier]) -> Result<Report, LedgerError> {
    let mut check = Check { reader, size: TreeSize(0), report: Report::default() };
    let Some(checkpoint) = check.checkpoint(origin, keys)? else {
        return Ok(check.report);
    };
    check.size = checkpoint.size;
    check.report.size = Some(checkpoint.size);
    check.report.root = Some(checkpoint.root);
    let stored = check.stored_levels()?;
    let read = check.read_entries(origin, stored.first().map_or(&[], Vec::as_slice))?;
    let computed = levels_over(&read.leaves);
    let (truth, wrong) = if edge_root(&computed, checkpoint.size) == Some(checkpoint.root) {
        check.compare_tiles(&computed, &stored);
        (computed, BTreeSet::new())
    } else {
        check.blame(&checkpoint, computed, stored, &read.leaves)
    };
    check.chain_faults(&read.breaks, &wrong);
    check.other_files(&truth)?;
    Ok(check.report)
}

/// The hashes of one tile level in order; `None` where they cannot be known.
type Level = Vec<Option<Hash>>;

struct Entries {
    leaves: Level,
    /// Where the chain does not continue, and why.
    breaks: BTreeMap<u64, &'static str>,
}

struct Check<'a> {
    reader: &'a dyn TileReader,
    size: TreeSize,
    report: Report,
}

impl Check<'_> {
    fn checkpoint(&mut self, origin: &Origin, keys: &[NoteVerifier]) -> Result<Option<Checkpoint>, LedgerError> {
        let Some(bytes) = self.reader.read(Checkpoint::PATH)? else {
            self.report.faults.push(Fault::Missing { path: Checkpoint::PATH.to_owned() });
            return Ok(None);
        };
        match Checkpoint::verify(&bytes, origin, keys) {
            Ok(checkpoint) => Ok(Some(checkpoint)),
            Err(error) => {
                self.report.faults.push(Fault::Checkpoint { reason: error.to_string() });
                Ok(None)
            }
        }
    }

    fn stored_levels(&mut self) -> Result<Vec<Level>, LedgerError> {
        let mut levels = Vec::new();
        for level in 0..TILE_LEVELS {
            let count = self.size.0 >> (TILE_HEIGHT * level);
            let mut hashes = Level::with_capacity(count as usize);
            for number in 0..count.div_ceil(TILE_WIDTH) {
                let path = self.path(level, number);
                self.report.tiles += 1;
                let tile = match self.reader.read(&path.to_string())? {
                    None => Err(Fault::Missing { path: path.to_string() }),
                    Some(bytes) => hashes_of(&bytes, path.width)
                        .ok_or_else(|| Fault::Malformed { path: path.to_string(), index: None }),
                };
                match tile {
                    Ok(tile) => hashes.extend(tile.into_iter().map(Some)),
                    Err(fault) => {
                        self.report.faults.push(fault);
                        hashes.resize(hashes.len() + path.width as usize, None);
                    }
                }
            }
            levels.push(hashes);
        }
        Ok(levels)
    }

    /// The leaf hash of every entry and the places where the chain breaks.
    fn read_entries(&mut self, origin: &Origin, stored: &[Option<Hash>]) -> Result<Entries, LedgerError> {
        let mut read = Entries { leaves: Level::with_capacity(self.size.0 as usize), breaks: BTreeMap::new() };
        let mut chain = Some(Chain::genesis(origin));
        for number in 0..self.size.0.div_ceil(TILE_WIDTH) {
            let path = TilePath::entries(number, width_at(0, number, self.size));
            let first = read.leaves.len();
            let end = first + path.width as usize;
            let Some(bytes) = self.reader.read(&path.to_string())? else {
                self.report.faults.push(Fault::Missing { path: path.to_string() });
                read.leaves.resize(end, None);
                chain = None;
                continue;
            };
            let mut bundle: Vec<Option<&[u8]>> = BundleReader::new(&bytes).collect();
            let expected = stored.get(first..end).unwrap_or_default();
            if bundle.len() != expected.len() || bundle.contains(&None) {
                let fits = |(entry, hash): &(&Option<&[u8]>, &Option<Hash>)| entry.map(leaf_hash) == **hash;
                bundle.truncate(bundle.iter().zip(expected).take_while(fits).count());
                let index = Some(Index((first + bundle.len()) as u64));
                self.report.faults.push(Fault::Malformed { path: path.to_string(), index });
            }
            for bytes in bundle.iter().flatten() {
                chain = read.entry(bytes, chain);
                self.report.entries += 1;
            }
            if read.leaves.len() < end {
                read.leaves.resize(end, None);
                chain = None;
            }
        }
        Ok(read)
    }

    /// The entries are proven by the root: whatever a tile says otherwise is the tile's fault.
    fn compare_tiles(&mut self, computed: &[Level], stored: &[Level]) {
        for (level, (computed, stored)) in (0..).zip(computed.iter().zip(stored)) {
            for (position, (computed, stored)) in (0..).zip(computed.iter().zip(stored)) {
                if stored.is_some() && stored != computed {
                    self.tile_fault(level, position);
                }
            }
        }
    }

    /// The entries do not give the signed root. If the edge tiles do, truth is followed from them
    /// downwards: a full tile is right if it gives the hash above it. What is left is named on
    /// both sides. Returns the hashes held for true and the indices of wrong entries.
    fn blame(
        &mut self,
        checkpoint: &Checkpoint,
        computed: Vec<Level>,
        stored: Vec<Level>,
        leaves: &[Option<Hash>],
    ) -> (Vec<Level>, BTreeSet<u64>) {
        if edge_root(&stored, self.size) != Some(checkpoint.root) {
            let computed_root = edge_root(&computed, self.size);
            self.report.faults.push(Fault::Root { size: self.size, computed: computed_root, signed: checkpoint.root });
        }
        let mut truth = stored;
        for level in (0..TILE_LEVELS - 1).rev() {
            let above = truth.get(level as usize + 1).cloned().unwrap_or_default();
            for (number, parent) in (0_u64..).zip(above) {
                let range = (number * TILE_WIDTH) as usize..((number + 1) * TILE_WIDTH) as usize;
                let own = truth.get(level as usize).and_then(|hashes| hashes.get(range.clone())).unwrap_or_default();
                let other = computed.get(level as usize).and_then(|h| h.get(range.clone())).unwrap_or_default();
                if tile_root(own) == parent || tile_root(other) != parent || parent.is_none() {
                    continue;
                }
                for (offset, (own, other)) in (0_u64..).zip(own.iter().zip(other)) {
                    if own.is_some() && own != other {
                        self.tile_fault(level, number * TILE_WIDTH + offset);
                    }
                }
                let other = other.to_vec();
                if let Some(own) = truth.get_mut(level as usize).and_then(|hashes| hashes.get_mut(range)) {
                    own.copy_from_slice(&other);
                }
            }
        }
        let mut wrong = BTreeSet::new();
        for (index, (leaf, held)) in (0_u64..).zip(leaves.iter().zip(truth.first().map_or(&[] as &[_], Vec::as_slice)))
        {
            if leaf.is_some() && held.is_some() && leaf != held {
                wrong.insert(index);
                self.entry_fault(index, "its bytes are not those in the tree");
            }
        }
        (truth, wrong)
    }

    /// A break beside a wrong entry is that entry's; any other is one of its own.
    fn chain_faults(&mut self, breaks: &BTreeMap<u64, &'static str>, wrong: &BTreeSet<u64>) {
        for (index, reason) in breaks {
            let before = index.checked_sub(1);
            if !wrong.contains(index) && !before.is_some_and(|before| wrong.contains(&before)) {
                self.entry_fault(*index, reason);
            }
        }
    }

    /// Partial tiles of earlier sizes must be beginnings of today's; nothing else may lie there.
    fn other_files(&mut self, truth: &[Level]) -> Result<(), LedgerError> {
        for path in self.reader.list()?.unwrap_or_default() {
            let Some(tile) = TilePath::parse(&path) else {
                self.report.faults.push(Fault::Unexpected { path });
                continue;
            };
            let level = match tile.kind {
                Kind::Entries => 0,
                Kind::Level(level) => level,
            };
            let width = width_at(level, tile.number, self.size);
            if tile.width > width {
                self.report.faults.push(Fault::Unexpected { path });
            } else if tile.width < width {
                let start = (tile.number * TILE_WIDTH) as usize;
                let held = truth.get(level as usize).and_then(|h| h.get(start..start + tile.width as usize));
                self.check_earlier(&tile, held.unwrap_or_default())?;
            }
        }
        Ok(())
    }

    fn check_earlier(&mut self, tile: &TilePath, held: &[Option<Hash>]) -> Result<(), LedgerError> {
        let bytes = self.reader.read(&tile.to_string())?.unwrap_or_default();
        let hashes = match tile.kind {
            Kind::Level(_) => hashes_of(&bytes, tile.width),
            Kind::Entries => {
                BundleReader::exactly(&bytes, tile.width).map(|entries| entries.into_iter().map(leaf_hash).collect())
            }
        };
        let Some(hashes) = hashes else {
            self.report.faults.push(Fault::Malformed { path: tile.to_string(), index: None });
            return Ok(());
        };
        for (position, (hash, held)) in (0_u64..).zip(hashes.iter().zip(held)) {
            if held.is_some_and(|held| held != *hash) {
                self.report.faults.push(match tile.kind {
                    Kind::Level(_) => Fault::Tile { path: tile.to_string(), position },
                    Kind::Entries => Fault::Entry {
                        index: Index(tile.number * TILE_WIDTH + position),
                        path: tile.to_string(),
                        reason: "its bytes are not those in the tree",
                    },
                });
            }
        }
        Ok(())
    }

    fn path(&self, level: u32, number: u64) -> TilePath {
        TilePath::level(level, number, width_at(level, number, self.size))
    }

    fn tile_fault(&mut self, level: u32, position: u64) {
        let path = self.path(level, position / TILE_WIDTH).to_string();
        self.report.faults.push(Fault::Tile { path, position: position % TILE_WIDTH });
    }

    fn entry_fault(&mut self, index: u64, reason: &'static str) {
        let number = index / TILE_WIDTH;
        let path = TilePath::entries(number, width_at(0, number, self.size)).to_string();
        self.report.faults.push(Fault::Entry { index: Index(index), path, reason });
    }
}

impl Entries {
    /// Takes the next entry; gives the chain value that stands in it, so that one wrong entry does
    /// not make all later ones look wrong.
    fn entry(&mut self, bytes: &[u8], previous: Option<Chain>) -> Option<Chain> {
        let index = self.leaves.len() as u64;
        self.leaves.push(Some(leaf_hash(bytes)));
        let Some(entry) = Entry::parse(bytes) else {
            self.breaks.insert(index, "its chain line is malformed");
            return None;
        };
        if previous.is_some_and(|chain| chain.next(entry.body()) != entry.chain()) {
            self.breaks.insert(index, "its chain value does not follow from its body and the entry before");
        }
        Some(entry.chain())
    }
}

/// The hashes of every tile level over these leaves.
fn levels_over(leaves: &[Option<Hash>]) -> Vec<Level> {
    let mut levels = vec![leaves.to_vec()];
    while levels.len() < TILE_LEVELS as usize {
        let below = levels.last().map_or(&[] as &[_], Vec::as_slice);
        let above = below.as_chunks::<{ TILE_WIDTH as usize }>().0.iter().map(|tile| tile_root(tile)).collect();
        levels.push(above);
    }
    levels
}

fn tile_root(hashes: &[Option<Hash>]) -> Option<Hash> {
    hashes.iter().copied().collect::<Option<Vec<_>>>().filter(|hashes| !hashes.is_empty()).map(|h| root_of(&h))
}

/// The root of the tree from the partial tiles of its levels.
fn edge_root(levels: &[Level], size: TreeSize) -> Option<Hash> {
    if size.0 == 0 {
        return Some(empty_root());
    }
    let mut root: Option<Hash> = None;
    for hashes in levels {
        let mut rest = hashes.get(hashes.len() / TILE_WIDTH as usize * TILE_WIDTH as usize..)?;
        while !rest.is_empty() {
            let (left, last) = rest.split_at(rest.len() - (1 << rest.len().trailing_zeros()));
            let subtree = tile_root(last)?;
            root = Some(root.map_or(subtree, |right| node_hash(&subtree, &right)));
            rest = left;
        }
    }
    root
}
