//! Tiles and entry bundles: paths, framing, and nodes computed from tiles.

use std::collections::HashMap;
use std::fmt;

use crate::LedgerError;
use crate::merkle::{Nodes, root_of};
use crate::read::TileReader;
use crate::types::{Hash, TreeSize};

/// Hashes in a full tile, entries in a full bundle.
pub const TILE_WIDTH: u64 = 256;
/// Tree levels that one tile spans.
pub(crate) const TILE_HEIGHT: u32 = 8;

/// 256^8 entries: no level above has a full tile.
pub(crate) const TILE_LEVELS: u32 = 8;

/// What a tile file holds: entries, or hashes of a level.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Kind {
    Entries,
    Level(u32),
}

/// The name of a tile or bundle, as in `tile/0/x001/234.p/5`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TilePath {
    pub(crate) kind: Kind,
    pub(crate) number: u64,
    /// 1 to 256; 256 is a full tile.
    pub(crate) width: u64,
}

impl TilePath {
    pub(crate) fn entries(number: u64, width: u64) -> Self {
        Self { kind: Kind::Entries, number, width }
    }

    pub(crate) fn level(level: u32, number: u64, width: u64) -> Self {
        Self { kind: Kind::Level(level), number, width }
    }

    pub fn is_full(&self) -> bool {
        self.width == TILE_WIDTH
    }

    /// The partial tiles and the partial bundle of a tree of `size`.
    pub fn partials_at(size: TreeSize) -> Vec<Self> {
        let number = |level: u32| (size.0 >> (TILE_HEIGHT * level)) / TILE_WIDTH;
        let levels =
            (0..TILE_LEVELS).map(|level| Self::level(level, number(level), width_at(level, number(level), size)));
        let bundle = Self::entries(number(0), width_at(0, number(0), size));
        levels.chain([bundle]).filter(|path| path.width > 0).collect()
    }

    /// The folder that holds partial forms of this tile.
    pub fn partial_folder(&self) -> String {
        format!("{}.p", self.full())
    }

    fn full(&self) -> String {
        match self.kind {
            Kind::Entries => format!("tile/entries/{}", number_path(self.number)),
            Kind::Level(level) => format!("tile/{level}/{}", number_path(self.number)),
        }
    }

    /// Reads exactly what [`fmt::Display`] writes; anything else is no tile of a log.
    pub fn parse(path: &str) -> Option<Self> {
        let (kind, rest) = path.strip_prefix("tile/")?.split_once('/')?;
        let kind = if kind == "entries" { Kind::Entries } else { Kind::Level(kind.parse().ok().filter(|l| *l < 64)?) };
        let (number, width) = match rest.split_once(".p/") {
            Some((number, width)) => (number, width.parse().ok().filter(|w| (1..TILE_WIDTH).contains(w))?),
            None => (rest, TILE_WIDTH),
        };
        let mut parsed: u64 = 0;
        for part in number.split('/') {
            let digits = part.strip_prefix('x').unwrap_or(part);
            parsed = parsed.checked_mul(1000)?.checked_add(digits.parse().ok()?)?;
        }
        let tile = Self { kind, number: parsed, width };
        (tile.to_string() == path).then_some(tile)
    }
}

impl fmt::Display for TilePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_full() { f.write_str(&self.full()) } else { write!(f, "{}.p/{}", self.full(), self.width) }
    }
}

/// A tile or bundle to be stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TileFile {
    pub path: TilePath,
    pub bytes: Vec<u8>,
}

impl TileFile {
    /// Whether `bytes` are what the same tile held at the smaller width of `earlier`.
    pub fn grew_from(&self, earlier: &TilePath, bytes: &[u8]) -> bool {
        let whole = match earlier.kind {
            Kind::Level(_) => bytes.len() as u64 == earlier.width * Hash::BYTES as u64,
            Kind::Entries => BundleReader::exactly(bytes, earlier.width).is_some(),
        };
        whole && self.bytes.starts_with(bytes)
    }
}

/// 1234067 → `x001/x234/067`.
fn number_path(number: u64) -> String {
    let mut path = format!("{:03}", number % 1000);
    let mut rest = number / 1000;
    while rest > 0 {
        path = format!("x{:03}/{path}", rest % 1000);
        rest /= 1000;
    }
    path
}

/// Appends one entry with its u16 length. Entries are at most `ENTRY_BYTES_MAX` long by construction.
pub(crate) fn push_framed(bundle: &mut Vec<u8>, entry: &[u8]) -> Result<(), LedgerError> {
    let length = u16::try_from(entry.len())
        .map_err(|_| LedgerError::EntryTooLong { bytes: entry.len(), max: crate::ENTRY_BYTES_MAX })?;
    bundle.extend_from_slice(&length.to_be_bytes());
    bundle.extend_from_slice(entry);
    Ok(())
}

/// The entries of a bundle in order; `None` as an item where the framing breaks, and nothing after it.
#[derive(Clone, Debug)]
pub struct BundleReader<'a> {
    rest: &'a [u8],
}

impl<'a> BundleReader<'a> {
    pub fn new(bundle: &'a [u8]) -> Self {
        Self { rest: bundle }
    }

    /// All entries if there are exactly `count` of them.
    pub(crate) fn exactly(bundle: &'a [u8], count: u64) -> Option<Vec<&'a [u8]>> {
        let entries: Option<Vec<_>> = Self::new(bundle).collect();
        entries.filter(|entries| entries.len() as u64 == count)
    }
}

impl<'a> Iterator for BundleReader<'a> {
    type Item = Option<&'a [u8]>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let framed = self
            .rest
            .split_first_chunk::<2>()
            .and_then(|(length, rest)| rest.split_at_checked(usize::from(u16::from_be_bytes(*length))));
        let (entry, rest) = framed.map_or((None, &[] as &[u8]), |(entry, rest)| (Some(entry), rest));
        self.rest = rest;
        Some(entry)
    }
}

pub(crate) fn hashes_of(bytes: &[u8], width: u64) -> Option<Vec<Hash>> {
    let (chunks, rest) = bytes.as_chunks::<{ Hash::BYTES }>();
    (rest.is_empty() && chunks.len() as u64 == width).then(|| chunks.iter().map(|chunk| Hash(*chunk)).collect())
}

pub(crate) fn bytes_of(hashes: &[Hash]) -> Vec<u8> {
    hashes.iter().flat_map(|hash| hash.0).collect()
}

/// How many hashes (or entries) the tile `number` of `level` has in a tree of `size`; 0 when it has none.
pub(crate) fn width_at(level: u32, number: u64, size: TreeSize) -> u64 {
    let at_level = size.0.checked_shr(TILE_HEIGHT * level).unwrap_or(0);
    at_level.saturating_sub(number.saturating_mul(TILE_WIDTH)).min(TILE_WIDTH)
}

/// Reads a tile in the width it has at `size`, or cut from the full one where that has replaced it.
pub(crate) fn read_tile(reader: &dyn TileReader, path: TilePath) -> Result<Vec<u8>, LedgerError> {
    if let Some(bytes) = reader.read(&path.to_string())? {
        return Ok(bytes);
    }
    let full = TilePath { width: TILE_WIDTH, ..path };
    let missing = || LedgerError::Missing { path: path.to_string() };
    let bytes = if path.is_full() { None } else { reader.read(&full.to_string())? }.ok_or_else(missing)?;
    let cut = match path.kind {
        Kind::Level(_) => path.width as usize * Hash::BYTES,
        Kind::Entries => {
            let entries: Option<Vec<_>> = BundleReader::new(&bytes).take(path.width as usize).collect();
            entries.into_iter().flatten().map(|entry| entry.len() + 2).sum()
        }
    };
    bytes.get(..cut).map(<[u8]>::to_vec).ok_or_else(|| LedgerError::malformed(full.to_string(), "too short"))
}

/// The nodes of the tree of one size, read from its tiles, each at most once.
pub struct TileTree<'a> {
    reader: &'a dyn TileReader,
    size: TreeSize,
    tiles: HashMap<(u32, u64), Vec<Hash>>,
}

impl<'a> TileTree<'a> {
    pub fn new(reader: &'a dyn TileReader, size: TreeSize) -> Self {
        Self { reader, size, tiles: HashMap::new() }
    }

    fn tile(&mut self, level: u32, number: u64) -> Result<&[Hash], LedgerError> {
        if !self.tiles.contains_key(&(level, number)) {
            let path = TilePath::level(level, number, width_at(level, number, self.size));
            let bytes = read_tile(self.reader, path)?;
            let hashes =
                hashes_of(&bytes, path.width).ok_or_else(|| LedgerError::malformed(path.to_string(), "length"))?;
            self.tiles.insert((level, number), hashes);
        }
        Ok(self.tiles.get(&(level, number)).map_or(&[], Vec::as_slice))
    }
}

impl Nodes for TileTree<'_> {
    fn node(&mut self, height: u32, index: u64) -> Result<Hash, LedgerError> {
        let (level, inside) = (height / TILE_HEIGHT, height % TILE_HEIGHT);
        let first = index << inside;
        let tile = self.tile(level, first / TILE_WIDTH)?;
        let start = (first % TILE_WIDTH) as usize;
        let hashes = tile.get(start..start + (1 << inside));
        hashes.map(root_of).ok_or(LedgerError::OutOfRange { index, size: self.size.0 })
    }
}
