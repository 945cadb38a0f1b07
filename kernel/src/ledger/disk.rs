//! The few file operations the store needs, each one a place where a disk can fail.

use std::collections::VecDeque;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use hufu_ledger::{StoreError, TileReader};

use super::is_public;

/// Files below one folder, named by relative paths with `/`. Writes create the folders they need.
/// Nothing is durable until it is synced: a file's bytes by `sync_file`, its name by `sync_folder`.
pub(super) trait Disk: std::fmt::Debug + Send {
    fn read(&self, path: &str) -> io::Result<Option<Vec<u8>>>;
    /// All files below `folder`, sorted.
    fn list(&self, folder: &str) -> io::Result<Vec<String>>;
    fn write(&mut self, path: &str, bytes: &[u8]) -> io::Result<()>;
    fn append(&mut self, path: &str, bytes: &[u8]) -> io::Result<()>;
    fn sync_file(&mut self, path: &str) -> io::Result<()>;
    fn sync_folder(&mut self, folder: &str) -> io::Result<()>;
    fn rename(&mut self, from: &str, to: &str) -> io::Result<()>;
    fn remove(&mut self, path: &str) -> io::Result<()>;
}

/// The operating system's files, with an exclusive lock on the folder for as long as it lives.
#[derive(Debug)]
pub(super) struct OsDisk {
    root: PathBuf,
    /// Keeps the journal open between appends.
    appending: Option<(String, File)>,
    _lock: File,
}

impl OsDisk {
    pub(super) fn open(root: &Path) -> io::Result<Self> {
        fs::create_dir_all(root)?;
        let lock = OpenOptions::new().create(true).truncate(false).write(true).open(root.join("lock"))?;
        lock.try_lock().map_err(|error| match error {
            fs::TryLockError::WouldBlock => io::Error::new(io::ErrorKind::ResourceBusy, "another process has it open"),
            fs::TryLockError::Error(error) => error,
        })?;
        Ok(Self { root: root.to_owned(), appending: None, _lock: lock })
    }

    fn in_folder<T>(&self, path: &str, open: impl Fn(&Path) -> io::Result<T>) -> io::Result<T> {
        let full = self.root.join(path);
        match open(&full) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                full.parent().map_or(Ok(()), fs::create_dir_all)?;
                open(&full)
            }
            other => other,
        }
    }

    fn forget(&mut self, path: &str) {
        if self.appending.as_ref().is_some_and(|(open, _)| open == path) {
            self.appending = None;
        }
    }
}

impl Disk for OsDisk {
    fn read(&self, path: &str) -> io::Result<Option<Vec<u8>>> {
        read_file(&self.root.join(path))
    }

    fn list(&self, folder: &str) -> io::Result<Vec<String>> {
        list_files(&self.root, folder)
    }

    fn write(&mut self, path: &str, bytes: &[u8]) -> io::Result<()> {
        self.in_folder(path, |full| File::create(full))?.write_all(bytes)
    }

    fn append(&mut self, path: &str, bytes: &[u8]) -> io::Result<()> {
        if self.appending.as_ref().is_none_or(|(open, _)| open != path) {
            let file = self.in_folder(path, |full| OpenOptions::new().append(true).create(true).open(full))?;
            self.appending = Some((path.to_owned(), file));
        }
        self.appending.as_mut().map_or(Ok(()), |(_, file)| file.write_all(bytes))
    }

    fn sync_file(&mut self, path: &str) -> io::Result<()> {
        match &self.appending {
            Some((open, file)) if open == path => file.sync_data(),
            _ => File::open(self.root.join(path))?.sync_all(),
        }
    }

    fn sync_folder(&mut self, folder: &str) -> io::Result<()> {
        File::open(self.root.join(folder))?.sync_all()
    }

    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        self.forget(from);
        fs::rename(self.root.join(from), self.root.join(to))
    }

    fn remove(&mut self, path: &str) -> io::Result<()> {
        self.forget(path);
        fs::remove_file(self.root.join(path))
    }
}

/// Reads a log's public files, while it is written or at rest. Any other path reads as absent.
#[derive(Clone, Debug)]
pub struct DirReader {
    root: PathBuf,
}

impl DirReader {
    pub fn new(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }
}

impl TileReader for DirReader {
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, StoreError> {
        if !is_public(path) {
            return Ok(None);
        }
        read_file(&self.root.join(path)).map_err(|error| StoreError::new(format!("read {path}"), error))
    }

    fn list(&self) -> Result<Option<Vec<String>>, StoreError> {
        list_files(&self.root, "tile").map(Some).map_err(|error| StoreError::new("list tile", error))
    }
}

pub(super) fn read_file(path: &Path) -> io::Result<Option<Vec<u8>>> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(None),
        Err(error) => Err(error),
    }
}

pub(super) fn list_files(root: &Path, folder: &str) -> io::Result<Vec<String>> {
    let mut files = Vec::new();
    let mut folders = VecDeque::from([folder.to_owned()]);
    while let Some(folder) = folders.pop_front() {
        let entries = match fs::read_dir(root.join(&folder)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            other => other?,
        };
        for entry in entries {
            let entry = entry?;
            let path = format!("{folder}/{}", entry.file_name().to_string_lossy());
            if entry.file_type()?.is_dir() {
                folders.push_back(path);
            } else {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}
