use super::memory::{keys, log_of, origin};
use crate::*;

#[test]
fn tile_paths_are_those_of_the_specification() {
    let cases = [
        (TilePath::level(0, 1_234_067, 256), "tile/0/x001/x234/067"),
        (TilePath::level(2, 0, 1), "tile/2/000.p/1"),
        (TilePath::entries(273, 112), "tile/entries/273.p/112"),
        (TilePath::entries(1000, 256), "tile/entries/x001/000"),
    ];
    for (path, text) in cases {
        assert_eq!(path.to_string(), text);
        assert_eq!(TilePath::parse(text), Some(path));
    }
    for text in ["tile/0/1", "tile/00/001", "tile/64/001", "tile/0/001.p/0", "tile/0/001.p/256", "tile/0/x001", "x"] {
        assert_eq!(TilePath::parse(text), None, "{text}");
    }
}

#[test]
fn tree_of_70000_has_the_tiles_of_the_specification() {
    let log = log_of(70_000, &[]);
    let files = log.store().files.borrow();
    let count = |prefix: &str| files.keys().filter(|path| path.starts_with(prefix)).count();
    assert_eq!((count("tile/0/"), count("tile/1/"), count("tile/2/")), (274, 2, 1));
    for path in ["tile/0/273.p/112", "tile/1/000", "tile/1/001.p/17", "tile/2/000.p/1", "tile/entries/273.p/112"] {
        assert!(files.contains_key(path), "{path}");
    }
    assert_eq!(files["tile/0/000"].len(), 8192);
}

#[test]
fn note_key_id_is_that_of_the_specification() {
    // The note of the signed-note page's Go implementation documentation.
    let key = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
    let verifier = NoteVerifier::parse(key).unwrap();
    assert_eq!(verifier.to_text(), key);
    let note = "If you think cryptography is the answer to your problem,\n\
                then you don't know what your problem is.\n\n\
                \u{2014} PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";
    assert!(SignedNote::parse(note.as_bytes()).unwrap().verify(&[verifier.clone()]).is_ok());
    let altered = note.replace("answer", "anwser");
    assert!(SignedNote::parse(altered.as_bytes()).unwrap().verify(&[verifier]).is_err());
    for key in keys() {
        assert_eq!(NoteVerifier::parse(&key.to_text()).unwrap(), key);
    }
}

#[test]
fn merkle_roots_are_those_of_rfc_6962_implementations() {
    let inputs = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];
    let leaves: Vec<Hash> = inputs.iter().map(|hex| merkle::leaf_hash(&hex::decode(hex).unwrap())).collect();
    let roots = [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];
    for (count, root) in (1..).zip(roots) {
        assert_eq!(merkle::root_of(&leaves[..count]).to_string(), root, "{count} leaves");
    }
    assert_eq!(merkle::empty_root().to_string(), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

#[test]
fn entry_is_body_then_chain_line() {
    let genesis = Chain::genesis(&origin());
    let body = b"{\"a\":1}\nsecond line";
    let entry = Entry::after(genesis, body).unwrap();
    let expected = hufu_crypto::sm3(&[genesis.0.as_slice(), body].concat());
    assert_eq!(entry.as_bytes(), [body.as_slice(), format!("\nsm3 {expected}\n").as_bytes()].concat());
    assert_eq!(entry.body(), body);
    assert_eq!(Entry::parse(entry.as_bytes()), Some(entry));
    assert_eq!(Chain::genesis(&origin()).0, hufu_crypto::sm3(b"hufu-ledger-chain-v1\nhufu.example/yunjiang\n").0);
}

#[test]
fn entry_size_limit_is_that_of_the_bundle() {
    let genesis = Chain::genesis(&origin());
    let longest = Entry::after(genesis, &vec![b'x'; BODY_BYTES_MAX]).unwrap();
    assert_eq!(longest.as_bytes().len(), ENTRY_BYTES_MAX);
    let error = Entry::after(genesis, &vec![b'x'; BODY_BYTES_MAX + 1]).unwrap_err();
    assert!(matches!(error, LedgerError::EntryTooLong { .. }));
}

#[test]
fn entries_are_read_from_any_place_and_exported_by_range() {
    let log = log_of(700, &[]);
    for from in [0, 1, 255, 256, 300, 699, 700] {
        let read: Vec<u64> = entries(log.store(), Index(from), TreeSize(700)).map(|entry| entry.unwrap().0.0).collect();
        assert_eq!(read, (from..700).collect::<Vec<_>>());
    }
    let some: Vec<_> = export(log.store(), Index(250), Index(260), TreeSize(700)).unwrap().collect();
    assert_eq!(some.len(), 10);
    assert_eq!(some[0].as_ref().unwrap().1.body(), super::memory::body(250));
    assert!(export(log.store(), Index(0), Index(701), TreeSize(700)).is_err());
    assert!(Origin::parse("two words").is_err() && Origin::parse("").is_err() && Origin::parse("a+b").is_err());
}
