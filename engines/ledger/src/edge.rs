//! The right edge of the tree in memory: what the next entry needs, and the tiles it completes.

use crate::LedgerError;
use crate::merkle::{empty_root, node_hash, root_of};
use crate::read::TileReader;
use crate::tile::{
    BundleReader, TILE_HEIGHT, TILE_LEVELS, TILE_WIDTH, TileFile, TilePath, bytes_of, hashes_of, push_framed,
    read_tile, width_at,
};
use crate::types::{Hash, TreeSize};

#[derive(Clone, Debug, Default)]
pub(crate) struct Edge {
    size: u64,
    /// Roots of the complete subtrees from the left, largest first.
    stack: Vec<Hash>,
    /// The hashes of the partial tile of each level.
    levels: Vec<Vec<Hash>>,
    /// The partial entry bundle, framed.
    bundle: Vec<u8>,
}

impl Edge {
    /// Reads the edge of a tree of `size` from its tiles.
    pub(crate) fn read(reader: &dyn TileReader, size: TreeSize) -> Result<Self, LedgerError> {
        let mut edge = Self { size: size.0, ..Self::default() };
        for level in 0..TILE_LEVELS {
            let number = (size.0 >> (TILE_HEIGHT * level)) / TILE_WIDTH;
            let width = width_at(level, number, size);
            let hashes = if width == 0 {
                Vec::new()
            } else {
                let path = TilePath::level(level, number, width);
                hashes_of(&read_tile(reader, path)?, width)
                    .ok_or_else(|| LedgerError::malformed(path.to_string(), "length"))?
            };
            edge.levels.push(hashes);
        }
        let width = width_at(0, size.0 / TILE_WIDTH, size);
        if width > 0 {
            let path = TilePath::entries(size.0 / TILE_WIDTH, width);
            edge.bundle = read_tile(reader, path)?;
            if BundleReader::exactly(&edge.bundle, width).is_none() {
                return Err(LedgerError::malformed(path.to_string(), "framing"));
            }
        }
        edge.stack = edge.levels.iter().rev().flat_map(|hashes| subtrees(hashes)).collect();
        Ok(edge)
    }

    pub(crate) fn size(&self) -> TreeSize {
        TreeSize(self.size)
    }

    pub(crate) fn root(&self) -> Hash {
        let mut from_right = self.stack.iter().rev();
        let last = from_right.next().copied();
        last.map_or_else(empty_root, |last| from_right.fold(last, |right, left| node_hash(left, &right)))
    }

    /// Adds a leaf; tiles that become full go to `full`.
    pub(crate) fn push(&mut self, entry: &[u8], leaf: Hash, full: &mut Vec<TileFile>) -> Result<(), LedgerError> {
        push_framed(&mut self.bundle, entry)?;
        let index = self.size;
        self.size += 1;
        if self.size.is_multiple_of(TILE_WIDTH) {
            let bytes = std::mem::take(&mut self.bundle);
            full.push(TileFile { path: TilePath::entries(index / TILE_WIDTH, TILE_WIDTH), bytes });
        }
        let mut hash = leaf;
        let mut rest = index;
        let mut height = 0;
        self.push_level(0, hash);
        while rest & 1 == 1 {
            let Some(left) = self.stack.pop() else { break };
            hash = node_hash(&left, &hash);
            rest >>= 1;
            height += 1;
            if height % TILE_HEIGHT == 0 {
                self.complete(height / TILE_HEIGHT - 1, rest, hash, full);
            }
        }
        self.stack.push(hash);
        Ok(())
    }

    /// The tiles and the bundle that are partial now.
    pub(crate) fn partials(&self) -> Vec<TileFile> {
        let mut files = Vec::new();
        let width = self.size % TILE_WIDTH;
        if width > 0 {
            files.push(TileFile { path: TilePath::entries(self.size / TILE_WIDTH, width), bytes: self.bundle.clone() });
        }
        for (level, hashes) in (0..TILE_LEVELS).zip(&self.levels) {
            if !hashes.is_empty() {
                let number = (self.size >> (TILE_HEIGHT * level)) / TILE_WIDTH;
                let path = TilePath::level(level, number, hashes.len() as u64);
                files.push(TileFile { path, bytes: bytes_of(hashes) });
            }
        }
        files
    }

    fn push_level(&mut self, level: usize, hash: Hash) {
        if self.levels.len() <= level {
            self.levels.resize(level + 1, Vec::new());
        }
        if let Some(hashes) = self.levels.get_mut(level) {
            hashes.push(hash);
        }
    }

    /// The tile `number` of `level` is full; its root begins or continues one of the level above.
    fn complete(&mut self, level: u32, number: u64, root: Hash, full: &mut Vec<TileFile>) {
        if let Some(hashes) = self.levels.get_mut(level as usize) {
            let path = TilePath::level(level, number, TILE_WIDTH);
            full.push(TileFile { path, bytes: bytes_of(hashes) });
            hashes.clear();
        }
        self.push_level(level as usize + 1, root);
    }
}

/// The roots of the complete subtrees over a partial tile's hashes, largest first.
fn subtrees(hashes: &[Hash]) -> Vec<Hash> {
    let mut rest = hashes;
    let mut roots = Vec::new();
    while !rest.is_empty() {
        let (left, right) = rest.split_at(1 << rest.len().ilog2());
        roots.push(root_of(left));
        rest = right;
    }
    roots
}
