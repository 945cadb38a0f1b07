//! A log's files: journal, tiles, checkpoint.
//!
//! Staging and swapping are one journal record: `stage` builds it, `swap` writes it with one
//! append and one data sync. Its digest is the commit mark, so a batch costs a single sync.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;

use hufu_ledger::{Batch, Checkpoint, Head, Loaded, LogStore, StoreError, TileFile, TilePath, TileReader};

use super::disk::{Disk, OsDisk};
use super::journal::{Tail, read_segment};

/// Files made durable in one step of settling, so that a step never holds up writers for long.
const SETTLE_FILES_PER_STEP: usize = 4;
const CHECKPOINT_NEW: &str = "checkpoint.new";

/// The store of a running log; see the module.
#[derive(Debug)]
pub struct FileStore {
    disk: Box<dyn Disk>,
    head: Option<Head>,
    segment: u64,
    tail: Option<Tail>,
    journal_bytes: u64,
    staged: Option<Staged>,
    /// Partial tiles of the base: the journal does not give them again, so they are never rewritten.
    base_partials: BTreeSet<String>,
    /// Files applied since the last rotation.
    applied: BTreeSet<String>,
    /// Folders of partial tiles whose full tile has been applied since then.
    outgrown: BTreeSet<String>,
    settling: Settling,
    opening: bool,
}

/// A batch ready to be committed.
#[derive(Debug)]
struct Staged {
    from: Head,
    to: Head,
    record: Vec<u8>,
    next: Tail,
}

/// What one rotation left to do, in this order.
#[derive(Debug, Default)]
struct Settling {
    files: BTreeSet<String>,
    folders: BTreeSet<String>,
    outgrown: BTreeSet<String>,
    segments: BTreeSet<String>,
}

impl FileStore {
    /// Takes the folder's lock; fails if another process has it.
    pub fn open(dir: &Path) -> Result<Self, StoreError> {
        let disk = OsDisk::open(dir).map_err(|error| StoreError::new(format!("open {}", dir.display()), error))?;
        Ok(Self::on(Box::new(disk)))
    }

    pub(super) fn on(disk: Box<dyn Disk>) -> Self {
        Self {
            disk,
            head: None,
            segment: 0,
            tail: None,
            journal_bytes: 0,
            staged: None,
            base_partials: BTreeSet::new(),
            applied: BTreeSet::new(),
            outgrown: BTreeSet::new(),
            settling: Settling::default(),
            opening: true,
        }
    }

    fn step<T>(
        &mut self,
        what: &str,
        path: &str,
        call: impl FnOnce(&mut dyn Disk) -> io::Result<T>,
    ) -> Result<T, StoreError> {
        call(self.disk.as_mut()).map_err(|error| StoreError::new(format!("{what} {path}"), error))
    }

    /// After a power cut, earlier partial tiles may be torn: those that are not beginnings of
    /// today's are dropped. Tiles needed by the checkpoint are all written anew.
    fn drop_torn(&mut self, file: &TileFile) -> Result<(), StoreError> {
        let folder = file.path.partial_folder();
        let own = file.path.to_string();
        let others = self.step("list", &folder, |disk| disk.list(&folder))?;
        for path in others.into_iter().filter(|path| *path != own) {
            let bytes = self.step("read", &path, |disk| disk.read(&path))?.unwrap_or_default();
            if !TilePath::parse(&path).is_some_and(|earlier| file.grew_from(&earlier, &bytes)) {
                self.step("remove", &path, |disk| disk.remove(&path))?;
                self.applied.remove(&path);
                self.settling.folders.insert(folder.clone());
            }
        }
        Ok(())
    }

    fn sync_some(&mut self) -> Result<(), StoreError> {
        for _ in 0..SETTLE_FILES_PER_STEP {
            if let Some(path) = self.settling.files.pop_first() {
                self.step("sync", &path, |disk| disk.sync_file(&path))?;
                let mut folder = path.as_str();
                while let Some((parent, _)) = folder.rsplit_once('/') {
                    self.settling.folders.insert(parent.to_owned());
                    folder = parent;
                }
                self.settling.folders.insert(String::new());
            } else if let Some(folder) = self.settling.folders.pop_first() {
                self.step("sync", &folder, |disk| disk.sync_folder(&folder))?;
            }
        }
        Ok(())
    }
}

impl TileReader for FileStore {
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.disk.read(path).map_err(|error| StoreError::new(format!("read {path}"), error))
    }

    fn list(&self) -> Result<Option<Vec<String>>, StoreError> {
        self.disk.list("tile").map(Some).map_err(|error| StoreError::new("list tile", error))
    }
}

impl LogStore for FileStore {
    fn load(&mut self) -> Result<Loaded, StoreError> {
        let (loaded, segments) = load_journal(self.disk.as_ref())?;
        self.segment = segments.keys_max;
        self.settling.segments = segments.files;
        self.head = loaded.batches.last().map(|batch| batch.to).or(loaded.base);
        self.base_partials = loaded.base.map(|base| partials_at(&base)).unwrap_or_default();
        Ok(loaded)
    }

    fn stage(&mut self, batch: &Batch) -> Result<(), StoreError> {
        let tail = self.tail.ok_or_else(|| StoreError::message("no journal is open"))?;
        let (record, next) = tail.batch(batch);
        self.staged = Some(Staged { from: batch.from, to: batch.to, record, next });
        Ok(())
    }

    fn swap(&mut self, from: &Head, to: &Head) -> Result<(), StoreError> {
        let staged = self.staged.take().ok_or_else(|| StoreError::message("nothing is staged"))?;
        if self.head != Some(*from) || staged.from != *from || staged.to != *to {
            return Err(StoreError::message("head is not the expected one"));
        }
        let path = segment_path(self.segment);
        self.step("append to", &path, |disk| disk.append(&path, &staged.record))?;
        self.step("sync", &path, |disk| disk.sync_file(&path))?;
        self.tail = Some(staged.next);
        self.head = Some(*to);
        self.journal_bytes += staged.record.len() as u64;
        Ok(())
    }

    fn apply(&mut self, files: &[TileFile]) -> Result<(), StoreError> {
        for file in files {
            let path = file.path.to_string();
            if !self.base_partials.contains(&path) && self.applied.insert(path.clone()) {
                self.step("write", &path, |disk| disk.write(&path, &file.bytes))?;
            }
            if file.path.is_full() {
                self.outgrown.insert(file.path.partial_folder());
            } else if self.opening {
                self.drop_torn(file)?;
            }
        }
        Ok(())
    }

    fn publish(&mut self, checkpoint: &str) -> Result<(), StoreError> {
        self.step("write", CHECKPOINT_NEW, |disk| disk.write(CHECKPOINT_NEW, checkpoint.as_bytes()))?;
        // Synced before it gets its name, so that no power cut leaves a name with half a checkpoint.
        self.step("sync", CHECKPOINT_NEW, |disk| disk.sync_file(CHECKPOINT_NEW))?;
        self.step("rename", CHECKPOINT_NEW, |disk| disk.rename(CHECKPOINT_NEW, Checkpoint::PATH))
    }

    fn rotate(&mut self, base: &Head) -> Result<(), StoreError> {
        let old = segment_path(self.segment);
        let path = segment_path(self.segment + 1);
        let new = format!("{path}.new");
        let (record, tail) = Tail::begin(base);
        self.step("write", &new, |disk| disk.write(&new, &record))?;
        self.step("sync", &new, |disk| disk.sync_file(&new))?;
        self.step("rename", &new, |disk| disk.rename(&new, &path))?;
        self.step("sync", JOURNAL, |disk| disk.sync_folder(JOURNAL))?;
        if self.opening {
            self.step("sync", ".", |disk| disk.sync_folder(""))?;
        }
        if self.tail.is_some() {
            self.settling.segments.insert(old);
        }
        // A rotation that an earlier stop left unfinished may have had the same name.
        self.settling.segments.remove(&new);
        self.segment += 1;
        self.tail = Some(tail);
        self.head = Some(*base);
        self.journal_bytes = 0;
        self.base_partials = partials_at(base);
        let applied = std::mem::take(&mut self.applied);
        // Partial tiles between two bases need not be durable: a torn one is dropped when the log is
        // opened. While it is being opened, those of every journal still there are.
        let needed = |path: &String| self.opening || !path.contains(".p/") || self.base_partials.contains(path);
        self.settling.files.extend(applied.into_iter().filter(needed));
        self.settling.outgrown.append(&mut self.outgrown);
        self.opening = false;
        Ok(())
    }

    fn settle(&mut self) -> Result<bool, StoreError> {
        if !self.settling.files.is_empty() || !self.settling.folders.is_empty() {
            self.sync_some()?;
            return Ok(false);
        }
        if let Some(folder) = self.settling.outgrown.pop_first() {
            let partials = self.step("list", &folder, |disk| disk.list(&folder))?;
            for path in &partials {
                self.step("remove", path, |disk| disk.remove(path))?;
            }
            // A torn one that a power cut brought back later would look like tampering.
            if !partials.is_empty() {
                self.step("sync", &folder, |disk| disk.sync_folder(&folder))?;
            }
            return Ok(false);
        }
        if !self.settling.segments.is_empty() {
            while let Some(path) = self.settling.segments.pop_first() {
                self.step("remove", &path, |disk| disk.remove(&path))?;
            }
            self.step("sync", JOURNAL, |disk| disk.sync_folder(JOURNAL))?;
        }
        Ok(true)
    }

    fn journal_bytes(&self) -> u64 {
        self.journal_bytes
    }
}

pub(super) const JOURNAL: &str = "journal";

fn partials_at(head: &Head) -> BTreeSet<String> {
    TilePath::partials_at(head.size).iter().map(ToString::to_string).collect()
}

fn segment_path(number: u64) -> String {
    format!("{JOURNAL}/{number:08}")
}

/// The files of the journal as found.
#[derive(Debug, Default)]
pub(super) struct Segments {
    keys_max: u64,
    files: BTreeSet<String>,
}

/// Reads all segments in order. Each must begin where the one before ends.
pub(super) fn load_journal(disk: &dyn Disk) -> Result<(Loaded, Segments), StoreError> {
    let fail = |path: &str, error: io::Error| StoreError::new(format!("read {path}"), error);
    let mut loaded = Loaded::default();
    let mut segments = Segments::default();
    let mut head: Option<Head> = None;
    for path in disk.list(JOURNAL).map_err(|error| fail(JOURNAL, error))? {
        let number = path.rsplit_once('/').and_then(|(_, name)| name.parse::<u64>().ok());
        segments.files.insert(path.clone());
        // A segment that never got its name: nothing was written after its base.
        let Some(number) = number else { continue };
        segments.keys_max = segments.keys_max.max(number);
        let bytes = disk.read(&path).map_err(|error| fail(&path, error))?.unwrap_or_default();
        let segment =
            read_segment(&bytes).map_err(|reason| StoreError::message(format!("{path}: journal {reason}")))?;
        if head.is_some_and(|head| head != segment.base) {
            return Err(StoreError::message(format!("{path}: journal does not continue the segment before")));
        }
        match loaded.base {
            None => loaded.base = Some(segment.base),
            Some(_) => loaded.later_bases.push(segment.base.size),
        }
        head = Some(segment.batches.last().map_or(segment.base, |batch| batch.to));
        loaded.batches.extend(segment.batches);
    }
    loaded.published = disk.read(Checkpoint::PATH).map_err(|error| fail(Checkpoint::PATH, error))?;
    Ok((loaded, segments))
}
