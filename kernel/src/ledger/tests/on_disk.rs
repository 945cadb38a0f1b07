//! Real files: what lies where, and that any changed byte is found.

use std::fs;
use std::path::Path;

use hufu_ledger::{Log, TileReader, TreeSize};

use super::super::{FileStore, fsck, is_public};
use super::{keys, origin, signers};

fn log_of(dir: &Path, size: u64) -> Log<FileStore> {
    let (mut log, _) = Log::open(FileStore::open(dir).unwrap(), origin(), signers()).unwrap();
    let bodies: Vec<_> = (log.head().size.0..size).map(|n| format!("entry {n}").into_bytes()).collect();
    log.append(&bodies).unwrap();
    log
}

#[test]
fn led_2_fsck_names_every_file_with_a_changed_byte() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = log_of(dir.path(), 600);
    log.integrate().unwrap();
    drop(log);
    assert!(fsck(dir.path(), &origin(), &keys()).unwrap().is_sound());
    let files = super::super::disk::list_files(dir.path(), "tile").unwrap();
    assert!(files.len() >= 7, "{files:?}");
    let journal = super::super::disk::list_files(dir.path(), "journal").unwrap();
    for path in files.iter().chain(&journal).map(String::as_str).chain(["checkpoint"]) {
        let full = dir.path().join(path);
        let sound = fs::read(&full).unwrap();
        for at in (0..sound.len()).step_by(sound.len() / 40 + 1) {
            let mut changed = sound.clone();
            changed[at] ^= 1;
            fs::write(&full, &changed).unwrap();
            let found = fsck(dir.path(), &origin(), &keys()).unwrap();
            let named = found.to_string();
            let name = path.split('/').next().unwrap();
            assert!(
                !found.is_sound() && named.contains(if name == "tile" { path } else { name }),
                "{path} {at}: {named}"
            );
        }
        fs::write(&full, &sound).unwrap();
    }
}

#[test]
fn damaged_journal_is_refused_and_torn_end_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = log_of(dir.path(), 3);
    log.append(&[b"a".to_vec()]).unwrap();
    log.append(&[b"b".to_vec()]).unwrap();
    drop(log);
    let path = dir.path().join(&super::super::disk::list_files(dir.path(), "journal").unwrap()[0]);
    let sound = fs::read(&path).unwrap();

    let mut damaged = sound.clone();
    damaged[400] ^= 1;
    fs::write(&path, &damaged).unwrap();
    let error = Log::open(FileStore::open(dir.path()).unwrap(), origin(), signers()).unwrap_err();
    assert!(error.to_string().contains("a record in the middle is damaged"), "{error}");
    assert!(fsck(dir.path(), &origin(), &keys()).unwrap().journal.is_some());

    fs::write(&path, &sound[..sound.len() - 1]).unwrap();
    let found = fsck(dir.path(), &origin(), &keys()).unwrap();
    assert!(found.is_sound() && found.pending == 4, "{found}");
    let (log, recovered) = Log::open(FileStore::open(dir.path()).unwrap(), origin(), signers()).unwrap();
    assert_eq!((recovered.size, recovered.replayed), (TreeSize(4), 4));
    drop(log);
    assert_eq!(fsck(dir.path(), &origin(), &keys()).unwrap().pending, 0);
}

#[test]
fn grown_tiles_leave_no_partial_ones_and_the_journal_stays_short() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = log_of(dir.path(), 1);
    for size in 2..700 {
        log.append(&[format!("entry {size}").into_bytes()]).unwrap();
        log.integrate().unwrap();
        log.tidy(30_000).unwrap();
    }
    for _ in 0..100 {
        log.tidy(1 << 40).unwrap();
    }
    let journal = super::super::disk::list_files(dir.path(), "journal").unwrap();
    assert_eq!(journal.len(), 1);
    assert!(fs::metadata(dir.path().join(&journal[0])).unwrap().len() < 100_000);
    let files = log.store().list().unwrap().unwrap();
    assert!(files.contains(&"tile/0/001".to_owned()));
    assert!(!files.iter().any(|path| path.starts_with("tile/0/000.p/")), "{files:?}");
    drop(log);
    assert!(fsck(dir.path(), &origin(), &keys()).unwrap().is_sound());
}

#[test]
fn only_checkpoint_and_tiles_are_public() {
    assert!(is_public("checkpoint") && is_public("tile/0/000.p/5") && is_public("tile/entries/x001/234"));
    for path in ["journal/00000001", "lock", "tile/../journal/00000001", "/etc/passwd", "tile/0/../../lock", ""] {
        assert!(!is_public(path), "{path}");
    }
}
