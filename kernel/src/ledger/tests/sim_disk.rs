//! A disk in memory that knows what is durable, fails where it is told, and loses power.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::{Arc, Mutex};

use super::super::disk::Disk;

/// What a power cut leaves of what was not synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cut {
    /// Everything: only the process was killed.
    KeepsAll,
    /// Nothing: neither bytes nor names.
    LosesAll,
    /// Names, and of each file the synced bytes and half of the rest.
    Tears,
}

/// Whether the failing call has its effect all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    None,
    Full,
}

#[derive(Clone, Debug, Default)]
pub(super) struct SimDisk(Arc<Mutex<State>>);

#[derive(Clone, Debug, Default)]
struct State {
    names: BTreeMap<String, usize>,
    durable_names: BTreeMap<String, usize>,
    durable_folders: BTreeSet<String>,
    /// By file: bytes now, bytes on the platter.
    files: Vec<(Vec<u8>, Vec<u8>)>,
    calls: usize,
    fault: Option<(usize, Effect)>,
    dead: bool,
}

impl SimDisk {
    pub(super) fn calls(&self) -> usize {
        self.0.lock().unwrap().calls
    }

    /// Call number `at` fails, and every one after it.
    pub(super) fn fail_at(&self, at: usize, effect: Effect) {
        self.0.lock().unwrap().fault = Some((at, effect));
    }

    /// The machine stops and starts again, without faults.
    pub(super) fn restart(&self, cut: Cut) {
        let mut state = self.0.lock().unwrap();
        match cut {
            Cut::KeepsAll => {}
            Cut::LosesAll => {
                let folders = state.durable_folders.clone();
                let kept = |path: &String| ancestors(path).iter().all(|folder| folders.contains(folder));
                state.names = state.durable_names.clone().into_iter().filter(|(path, _)| kept(path)).collect();
                state.files.iter_mut().for_each(|(now, durable)| now.clone_from(durable));
            }
            Cut::Tears => state.files.iter_mut().for_each(|(now, durable)| {
                if now.starts_with(durable) {
                    now.truncate(durable.len() + (now.len() - durable.len()) / 2);
                } else {
                    now.truncate(now.len() / 2);
                }
            }),
        }
        state.files.iter_mut().for_each(|(now, durable)| durable.clone_from(now));
        state.durable_names = state.names.clone();
        state.durable_folders = state.names.keys().flat_map(|path| ancestors(path)).collect();
        state.calls = 0;
        state.fault = None;
        state.dead = false;
    }

    fn change(&self, effect: impl FnOnce(&mut State) -> io::Result<()>) -> io::Result<()> {
        let mut state = self.0.lock().unwrap();
        if state.dead {
            return Err(io::Error::other("dead"));
        }
        let call = state.calls;
        state.calls += 1;
        match state.fault {
            Some((at, kind)) if at == call => {
                state.dead = true;
                if kind == Effect::Full {
                    effect(&mut state)?;
                }
                Err(io::Error::other("injected"))
            }
            _ => effect(&mut state),
        }
    }
}

impl State {
    fn file(&mut self, path: &str, fresh: bool) -> &mut (Vec<u8>, Vec<u8>) {
        let known = self.names.get(path).copied();
        let id = known.unwrap_or(self.files.len());
        if known.is_none() {
            self.files.push(Default::default());
            self.names.insert(path.to_owned(), id);
        }
        if fresh {
            self.files[id].0.clear();
        }
        &mut self.files[id]
    }
}

impl Disk for SimDisk {
    fn read(&self, path: &str) -> io::Result<Option<Vec<u8>>> {
        let state = self.0.lock().unwrap();
        Ok(state.names.get(path).map(|id| state.files[*id].0.clone()))
    }

    fn list(&self, folder: &str) -> io::Result<Vec<String>> {
        let state = self.0.lock().unwrap();
        Ok(state.names.keys().filter(|path| path.starts_with(&format!("{folder}/"))).cloned().collect())
    }

    fn write(&mut self, path: &str, bytes: &[u8]) -> io::Result<()> {
        self.change(|state| {
            state.file(path, true).0.extend_from_slice(bytes);
            Ok(())
        })
    }

    fn append(&mut self, path: &str, bytes: &[u8]) -> io::Result<()> {
        self.change(|state| {
            state.file(path, false).0.extend_from_slice(bytes);
            Ok(())
        })
    }

    fn sync_file(&mut self, path: &str) -> io::Result<()> {
        self.change(|state| {
            let id = *state.names.get(path).ok_or(io::ErrorKind::NotFound)?;
            let (now, durable) = &mut state.files[id];
            durable.clone_from(now);
            Ok(())
        })
    }

    fn sync_folder(&mut self, folder: &str) -> io::Result<()> {
        self.change(|state| {
            let inside = |path: &str| path.rsplit_once('/').map_or("", |(parent, _)| parent) == folder;
            state.durable_names.retain(|path, _| !inside(path));
            let here: Vec<_> =
                state.names.iter().filter(|(path, _)| inside(path)).map(|(p, id)| (p.clone(), *id)).collect();
            state.durable_names.extend(here);
            let folders: BTreeSet<String> = state.names.keys().flat_map(|path| ancestors(path)).collect();
            state.durable_folders.extend(folders.into_iter().filter(|path| inside(path)));
            Ok(())
        })
    }

    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        self.change(|state| {
            let id = state.names.remove(from).ok_or(io::ErrorKind::NotFound)?;
            state.names.insert(to.to_owned(), id);
            Ok(())
        })
    }

    fn remove(&mut self, path: &str) -> io::Result<()> {
        self.change(|state| state.names.remove(path).map(|_| ()).ok_or_else(|| io::ErrorKind::NotFound.into()))
    }
}

/// The folders above a path, without the root.
fn ancestors(path: &str) -> Vec<String> {
    path.match_indices('/').map(|(at, _)| path[..at].to_owned()).collect()
}
