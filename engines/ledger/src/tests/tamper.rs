use super::memory::{keys, log_of, origin};
use crate::*;

fn flipped(bytes: &[u8], at: usize) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[at] ^= 0x04;
    bytes
}

fn paths_of(report: &Report) -> Vec<String> {
    report.faults.iter().map(ToString::to_string).collect()
}

/// 70,000 entries have tiles on levels 0, 1 and 2, full and partial.
#[test]
fn led_2_one_changed_byte_in_any_kind_of_file_is_named() {
    let log = log_of(70_000, &[69_900]);
    let files = log.store().files.clone();
    let cases = [
        ("tile/entries/000", "entry ", true),
        ("tile/entries/100", "entry ", true),
        ("tile/entries/273.p/112", "entry ", true),
        ("tile/entries/273.p/12", "tile/entries/273.p/12", false),
        ("tile/0/000", "tile/0/000: hash", true),
        ("tile/0/272", "tile/0/272: hash", true),
        ("tile/0/273.p/112", "tile/0/273.p/112: hash", true),
        ("tile/0/273.p/12", "tile/0/273.p/12: hash", true),
        ("tile/1/000", "tile/1/000: hash", true),
        ("tile/1/001.p/17", "tile/1/001.p/17: hash", true),
        ("tile/2/000.p/1", "tile/2/000.p/1: hash", true),
        ("checkpoint", "checkpoint", false),
    ];
    for (path, names, alone) in cases {
        let sound = files.borrow().get(path).unwrap_or_else(|| panic!("{path}")).clone();
        for at in [0, sound.len() / 2, sound.len() - 1] {
            files.borrow_mut().insert(path.to_owned(), flipped(&sound, at));
            let report = verify(log.store(), &origin(), &keys()).unwrap();
            let named = paths_of(&report);
            assert!(!report.is_sound(), "{path} byte {at}");
            if path.contains("entries") {
                assert!(named.iter().all(|fault| fault.contains(path)), "{path} byte {at}: {named:?}");
            } else {
                assert!(named.iter().all(|fault| fault.starts_with(names)), "{path} byte {at}: {named:?}");
            }
            assert!(!alone || named.len() == 1, "{path} byte {at}: {named:?}");
        }
        files.borrow_mut().insert(path.to_owned(), sound);
    }
    assert_eq!(verify(log.store(), &origin(), &keys()).unwrap().faults, []);
}

#[test]
fn led_2_changed_entry_is_named_by_its_index() {
    let log = log_of(600, &[]);
    let files = log.store().files.clone();
    let sound = files.borrow()["tile/entries/001"].clone();
    let mut start = 0;
    for index in 256..512_u64 {
        let length = usize::from(u16::from_be_bytes([sound[start], sound[start + 1]]));
        for at in [start + 2, start + 1 + length - 10] {
            files.borrow_mut().insert("tile/entries/001".to_owned(), flipped(&sound, at));
            let report = verify(log.store(), &origin(), &keys()).unwrap();
            assert!(
                matches!(report.faults.as_slice(), [Fault::Entry { index: named, .. }] if named.0 == index),
                "{index}: {report:?}"
            );
        }
        start += 2 + length;
    }
}

#[test]
fn led_2_entry_and_its_tiles_changed_together_contradict_the_checkpoint() {
    let log = log_of(20, &[]);
    let other = {
        let (mut log, _) =
            Log::open(super::memory::MemoryStore::default(), origin(), super::memory::signers()).unwrap();
        let mut bodies: Vec<_> = (0..20).map(super::memory::body).collect();
        bodies[7] = b"rewritten".to_vec();
        log.append(&bodies).unwrap();
        log.integrate().unwrap();
        log
    };
    for (path, bytes) in other.store().files.borrow().iter().filter(|(path, _)| path.starts_with("tile/")) {
        log.store().files.borrow_mut().insert(path.clone(), bytes.clone());
    }
    let report = verify(log.store(), &origin(), &keys()).unwrap();
    assert!(matches!(report.faults.as_slice(), [Fault::Root { .. }]), "{report:?}");
}

#[test]
fn led_2_missing_and_foreign_files_are_named() {
    let log = log_of(300, &[]);
    let files = log.store().files.clone();
    files.borrow_mut().insert("tile/0/005".to_owned(), vec![0; 8192]);
    files.borrow_mut().insert("tile/note.txt".to_owned(), vec![1]);
    let removed = files.borrow_mut().remove("tile/entries/000");
    let named = paths_of(&verify(log.store(), &origin(), &keys()).unwrap());
    assert!(removed.is_some());
    assert_eq!(
        named,
        [
            "tile/entries/000: missing",
            "tile/0/005: belongs to no tree of this size",
            "tile/note.txt: belongs to no tree of this size"
        ]
    );
}

#[test]
fn led_2_proof_text_convinces_alone_and_no_altered_one_does() {
    let log = log_of(1000, &[]);
    let proof = prove(log.store(), log.published().unwrap(), Index(777)).unwrap();
    let text = proof.to_text();
    let shown = Proof::parse(&text).unwrap().verify(&origin(), &keys()).unwrap();
    assert_eq!(shown.index, Index(777));
    assert_eq!(shown.entry.body(), super::memory::body(777));
    assert_eq!(shown.checkpoint.size, TreeSize(1000));
    for at in 0..text.len() {
        let bytes = flipped(text.as_bytes(), at);
        let Ok(altered) = String::from_utf8(bytes) else { continue };
        let holds = Proof::parse(&altered).and_then(|proof| proof.verify(&origin(), &keys()));
        assert!(holds.is_err(), "byte {at}: {altered}");
    }
    assert!(prove(log.store(), log.published().unwrap(), Index(1000)).is_err());
}

#[test]
fn led_2_every_configured_key_must_have_signed() {
    let log = log_of(3, &[]);
    let text = log.published().unwrap().as_text().to_owned();
    assert!(Checkpoint::verify(text.as_bytes(), &origin(), &keys()).is_ok());
    assert!(Checkpoint::verify(text.as_bytes(), &origin(), &[]).is_err());
    let without_sm2: String = text.lines().take(text.lines().count() - 1).map(|line| format!("{line}\n")).collect();
    let error = Checkpoint::verify(without_sm2.as_bytes(), &origin(), &keys()).unwrap_err();
    assert_eq!(error.to_string(), "signature: sm2 signature is missing");
    assert!(Checkpoint::verify(without_sm2.as_bytes(), &origin(), &keys()[..1]).is_ok());
    let witnessed = format!("{text}\u{2014} witness.example AAAAAWp1bms=\n");
    assert!(Checkpoint::verify(witnessed.as_bytes(), &origin(), &keys()).is_ok());
    let elsewhere = Origin::parse("hufu.example/other").unwrap();
    assert!(Checkpoint::verify(text.as_bytes(), &elsewhere, &keys()).is_err());
}

#[test]
fn led_2_keys_are_exchanged_one_at_a_time() {
    use hufu_crypto::{Algorithm, SigningKey};
    let [ed, sm]: [NoteSigner; 2] = super::memory::signers().try_into().unwrap();
    let new = |byte: &str| SigningKey::from_hex(Algorithm::Ed25519, &byte.repeat(32)).unwrap();
    let new_ed = NoteSigner::new(&origin(), new("33"));
    let store = log_of(5, &[]).store().clone();
    let (log, _) = Log::open(store, origin(), vec![new_ed.clone(), sm]).unwrap();
    let keys = log.verifiers();
    assert!(verify(log.store(), &origin(), &keys).unwrap().is_sound());
    let (log, _) = Log::open(log.store().clone(), origin(), vec![new_ed, ed]).unwrap();
    let foreign = NoteSigner::new(&origin(), new("44"));
    let error = Log::open(log.store().clone(), origin(), vec![foreign]).unwrap_err();
    assert_eq!(error.to_string(), "signature: signed by none of the keys");
}

#[test]
fn reopening_refuses_a_log_that_lost_what_it_published() {
    let log = log_of(10, &[]);
    let mut store = super::memory::MemoryStore::default();
    let published = log.published().unwrap().as_text().to_owned();
    LogStore::publish(&mut store, &published).unwrap();
    let error = Log::open(store, origin(), super::memory::signers()).unwrap_err();
    assert!(matches!(error, LedgerError::Inconsistent(_)), "{error}");
}
