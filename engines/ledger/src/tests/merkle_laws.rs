use proptest::prelude::*;

use super::memory::{body, keys, log_of, origin};
use crate::merkle::*;
use crate::*;

/// The tree as RFC 6962 2.1 defines it, by recursion over the leaves.
struct Naive(Vec<Hash>);

impl Naive {
    fn root(&self, size: u64) -> Hash {
        fn mth(leaves: &[Hash]) -> Hash {
            match leaves {
                [] => empty_root(),
                [leaf] => *leaf,
                _ => {
                    let mut k = 1;
                    while k * 2 < leaves.len() {
                        k *= 2;
                    }
                    node_hash(&mth(&leaves[..k]), &mth(&leaves[k..]))
                }
            }
        }
        mth(&self.0[..size as usize])
    }
}

impl Nodes for Naive {
    fn node(&mut self, height: u32, index: u64) -> Result<Hash, LedgerError> {
        let from = (index << height) as usize;
        Ok(Naive(self.0[from..from + (1 << height)].to_vec()).root(1 << height))
    }
}

fn leaves(log: &Log<super::memory::MemoryStore>) -> Vec<Hash> {
    entries(log.store(), Index(0), log.head().size).map(|entry| entry.unwrap().1.leaf()).collect()
}

fn changed(hash: Hash, bit: u16) -> Hash {
    let mut bytes = hash.0;
    bytes[usize::from(bit / 8) % 32] ^= 1 << (bit % 8);
    Hash(bytes)
}

#[test]
fn led_2_naive_tree_is_tile_tree_at_every_small_size() {
    for size in (0..40).chain([255, 256, 257, 511, 512, 513]) {
        let log = log_of(size, &[]);
        let naive = Naive(leaves(&log));
        assert_eq!(naive.0.len() as u64, size);
        assert_eq!(log.head().root, naive.root(size), "size {size}");
        assert_eq!(log.published().unwrap().root, naive.root(size));
    }
}

#[test]
fn led_2_tree_of_three_levels_is_the_naive_tree() {
    let size = 65_536 + 300;
    let log = log_of(size, &[65_535, 65_536]);
    let mut naive = Naive(leaves(&log));
    assert_eq!(log.head().root, naive.root(size));
    let mut tiles = TileTree::new(log.store(), TreeSize(size));
    for index in [0, 255, 256, 65_535, 65_536, size - 1] {
        let proof = inclusion_proof(&mut tiles, Index(index), TreeSize(size)).unwrap();
        let leaf = naive.0[index as usize];
        verify_inclusion(&leaf, Index(index), TreeSize(size), &log.head().root, &proof).unwrap();
    }
    for old in [1, 256, 65_535, 65_536, 65_537] {
        let from_tiles = consistency_proof(&mut tiles, TreeSize(old), TreeSize(size)).unwrap();
        let from_leaves = consistency_proof(&mut naive, TreeSize(old), TreeSize(size)).unwrap();
        assert_eq!(from_tiles, from_leaves);
    }
    let report = verify(log.store(), &origin(), &keys()).unwrap();
    assert_eq!(report.faults, []);
    assert_eq!(report.entries, size);
}

#[test]
fn led_2_reopened_log_continues_the_same_tree() {
    for size in [0, 1, 3, 255, 256, 257, 600] {
        let log = log_of(size, &[]);
        let (mut again, recovered) = Log::open(log.store().clone(), origin(), super::memory::signers()).unwrap();
        assert_eq!(recovered.size, TreeSize(size));
        again.append(&[body(size), body(size + 1)]).unwrap();
        again.integrate().unwrap();
        assert_eq!(again.head(), log_of(size + 2, &[]).head());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn led_2_every_inclusion_proof_verifies_and_every_altered_one_fails(
        size in 1_u64..700, pick in any::<prop::sample::Index>(), at in any::<prop::sample::Index>(), bit in any::<u16>(),
    ) {
        let log = log_of(size, &[]);
        let root = log.head().root;
        let index = pick.index(size as usize) as u64;
        let naive = Naive(leaves(&log));
        let leaf = naive.0[index as usize];
        let size = TreeSize(size);
        let proof = inclusion_proof(&mut TileTree::new(log.store(), size), Index(index), size).unwrap();
        verify_inclusion(&leaf, Index(index), size, &root, &proof).unwrap();

        prop_assert!(verify_inclusion(&changed(leaf, bit), Index(index), size, &root, &proof).is_err());
        prop_assert!(verify_inclusion(&leaf, Index(index), size, &changed(root, bit), &proof).is_err());
        prop_assert!(verify_inclusion(&leaf, Index(index + 1), size, &root, &proof).is_err());
        prop_assert!(verify_inclusion(&leaf, Index(size.0), size, &root, &proof).is_err());
        let longer = [proof.as_slice(), &[leaf]].concat();
        prop_assert!(verify_inclusion(&leaf, Index(index), size, &root, &longer).is_err());
        if !proof.is_empty() {
            let mut altered = proof.clone();
            let at = at.index(altered.len());
            altered[at] = changed(altered[at], bit);
            prop_assert!(verify_inclusion(&leaf, Index(index), size, &root, &altered).is_err());
            altered.remove(at);
            prop_assert!(verify_inclusion(&leaf, Index(index), size, &root, &altered).is_err());
        }
    }

    #[test]
    fn led_2_every_consistency_proof_verifies_and_every_altered_one_fails(
        a in 0_u64..600, b in 0_u64..600, at in any::<prop::sample::Index>(), bit in any::<u16>(),
    ) {
        let (old, new) = (TreeSize(a.min(b)), TreeSize(a.max(b)));
        let log = log_of(new.0, &[]);
        let mut naive = Naive(leaves(&log));
        let (old_root, new_root) = (naive.root(old.0), naive.root(new.0));
        let proof = consistency_proof(&mut TileTree::new(log.store(), new), old, new).unwrap();
        prop_assert_eq!(&proof, &consistency_proof(&mut naive, old, new).unwrap());
        verify_consistency(old, &old_root, new, &new_root, &proof).unwrap();

        prop_assert!(verify_consistency(old, &changed(old_root, bit), new, &new_root, &proof).is_err());
        if old.0 > 0 {
            prop_assert!(verify_consistency(old, &old_root, new, &changed(new_root, bit), &proof).is_err());
        }
        let longer = [proof.as_slice(), &[new_root]].concat();
        prop_assert!(verify_consistency(old, &old_root, new, &new_root, &longer).is_err());
        if !proof.is_empty() {
            let mut altered = proof.clone();
            let at = at.index(altered.len());
            altered[at] = changed(altered[at], bit);
            prop_assert!(verify_consistency(old, &old_root, new, &new_root, &altered).is_err());
            altered.remove(at);
            prop_assert!(verify_consistency(old, &old_root, new, &new_root, &altered).is_err());
        }
    }

    #[test]
    fn led_2_batches_do_not_change_the_tree(cuts in proptest::collection::vec(0_u64..400, 0..6)) {
        let mut cuts = cuts;
        cuts.sort_unstable();
        let log = log_of(400, &cuts);
        let whole = log_of(400, &[]);
        prop_assert_eq!(log.head(), whole.head());
        let report = verify(log.store(), &origin(), &keys()).unwrap();
        prop_assert_eq!(report.faults, vec![]);
    }

    #[test]
    fn parsers_never_panic(junk in proptest::collection::vec(any::<u8>(), 0..400), text in "[-— +a-z0-9=/\n]{0,200}") {
        let _ = SignedNote::parse(&junk);
        let _ = SignedNote::parse(text.as_bytes());
        let _ = Proof::parse(&format!("c2sp.org/tlog-proof@v1\n{text}"));
        let _ = TilePath::parse(&format!("tile/{text}"));
        let _ = Entry::parse(&junk);
        let _ = BundleReader::new(&junk).count();
        let _ = NoteVerifier::parse(&text);
    }
}
