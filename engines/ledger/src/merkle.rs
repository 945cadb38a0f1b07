//! The RFC 6962 tree: hashing, proofs from any source of complete nodes, and their verification.

use sha2::{Digest as _, Sha256};

use crate::LedgerError;
use crate::types::{Hash, Index, TreeSize};

/// Gives the hash over the leaves `[index << height, (index + 1) << height)`.
/// It is asked only for nodes whose leaves are all in the tree.
pub trait Nodes {
    fn node(&mut self, height: u32, index: u64) -> Result<Hash, LedgerError>;
}

/// `SHA-256(0x00 ‖ data)`.
pub fn leaf_hash(data: &[u8]) -> Hash {
    let mut hasher = Sha256::new_with_prefix([0]);
    hasher.update(data);
    Hash(hasher.finalize().into())
}

/// `SHA-256(0x01 ‖ left ‖ right)`.
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    let mut hasher = Sha256::new_with_prefix([1]);
    hasher.update(left.0);
    hasher.update(right.0);
    Hash(hasher.finalize().into())
}

/// The root of the tree without entries: `SHA-256("")`.
pub fn empty_root() -> Hash {
    Hash(Sha256::digest([]).into())
}

/// The root over hashes of one height, in order.
pub fn root_of(hashes: &[Hash]) -> Hash {
    match hashes {
        [] => empty_root(),
        [only] => *only,
        more => {
            let (left, right) = more.split_at(split(more.len() as u64) as usize);
            node_hash(&root_of(left), &root_of(right))
        }
    }
}

/// The root of the first `size` leaves.
pub fn root(nodes: &mut impl Nodes, size: TreeSize) -> Result<Hash, LedgerError> {
    if size.0 == 0 { Ok(empty_root()) } else { range_root(nodes, 0, size.0) }
}

/// RFC 6962 2.1.1: the siblings from the leaf up to the root's child.
pub fn inclusion_proof(nodes: &mut impl Nodes, index: Index, size: TreeSize) -> Result<Vec<Hash>, LedgerError> {
    if index.0 >= size.0 {
        return Err(LedgerError::OutOfRange { index: index.0, size: size.0 });
    }
    let (mut start, mut count) = (0, size.0);
    let mut path = Vec::new();
    while count > 1 {
        let left = split(count);
        if index.0 - start < left {
            path.push(range_root(nodes, start + left, count - left)?);
            count = left;
        } else {
            path.push(range_root(nodes, start, left)?);
            start += left;
            count -= left;
        }
    }
    path.reverse();
    Ok(path)
}

/// RFC 6962 2.1.2: that the tree of `old` entries is a prefix of that of `new`.
pub fn consistency_proof(nodes: &mut impl Nodes, old: TreeSize, new: TreeSize) -> Result<Vec<Hash>, LedgerError> {
    if old.0 > new.0 {
        return Err(LedgerError::OutOfRange { index: old.0, size: new.0 });
    }
    if old.0 == 0 || old == new {
        return Ok(Vec::new());
    }
    let (mut start, mut count, mut old_end) = (0, new.0, old.0);
    let mut path = Vec::new();
    // `old_end` counts from `start`; the old root itself is left out where it is a whole subtree
    // from the first leaf, because the verifier has it.
    while old_end != count {
        let left = split(count);
        if old_end <= left {
            path.push(range_root(nodes, start + left, count - left)?);
            count = left;
        } else {
            path.push(range_root(nodes, start, left)?);
            start += left;
            count -= left;
            old_end -= left;
        }
    }
    if start != 0 {
        path.push(range_root(nodes, start, count)?);
    }
    path.reverse();
    Ok(path)
}

/// RFC 9162 2.1.3.2.
pub fn verify_inclusion(
    leaf: &Hash,
    index: Index,
    size: TreeSize,
    root: &Hash,
    proof: &[Hash],
) -> Result<(), LedgerError> {
    if index.0 >= size.0 {
        return Err(LedgerError::OutOfRange { index: index.0, size: size.0 });
    }
    let (mut fnode, mut snode) = (index.0, size.0 - 1);
    let mut hash = *leaf;
    for sibling in proof {
        if snode == 0 {
            return Err(LedgerError::BadProof("too many hashes"));
        }
        if fnode & 1 == 1 || fnode == snode {
            hash = node_hash(sibling, &hash);
            while fnode & 1 == 0 && fnode != 0 {
                fnode >>= 1;
                snode >>= 1;
            }
        } else {
            hash = node_hash(&hash, sibling);
        }
        fnode >>= 1;
        snode >>= 1;
    }
    if snode != 0 {
        return Err(LedgerError::BadProof("too few hashes"));
    }
    if hash != *root {
        return Err(LedgerError::BadProof("entry is not under this root"));
    }
    Ok(())
}

/// RFC 9162 2.1.4.2; the empty tree is a prefix of every tree, with an empty proof.
pub fn verify_consistency(
    old: TreeSize,
    old_root: &Hash,
    new: TreeSize,
    new_root: &Hash,
    proof: &[Hash],
) -> Result<(), LedgerError> {
    if old.0 > new.0 {
        return Err(LedgerError::OutOfRange { index: old.0, size: new.0 });
    }
    if old.0 == 0 || old == new {
        let same = if old.0 == 0 { *old_root == empty_root() } else { old_root == new_root };
        let same = same && (new.0 != 0 || *new_root == empty_root());
        return if same && proof.is_empty() { Ok(()) } else { Err(LedgerError::BadProof("roots differ")) };
    }
    let mut rest = proof.iter();
    let first = if old.0.is_power_of_two() { Some(old_root) } else { rest.next() };
    let first = *first.ok_or(LedgerError::BadProof("too few hashes"))?;
    let (mut fnode, mut snode) = (old.0 - 1, new.0 - 1);
    while fnode & 1 == 1 {
        fnode >>= 1;
        snode >>= 1;
    }
    let (mut old_hash, mut new_hash) = (first, first);
    for sibling in rest {
        if snode == 0 {
            return Err(LedgerError::BadProof("too many hashes"));
        }
        if fnode & 1 == 1 || fnode == snode {
            old_hash = node_hash(sibling, &old_hash);
            new_hash = node_hash(sibling, &new_hash);
            while fnode & 1 == 0 && fnode != 0 {
                fnode >>= 1;
                snode >>= 1;
            }
        } else {
            new_hash = node_hash(&new_hash, sibling);
        }
        fnode >>= 1;
        snode >>= 1;
    }
    if snode != 0 {
        return Err(LedgerError::BadProof("too few hashes"));
    }
    if old_hash != *old_root || new_hash != *new_root {
        return Err(LedgerError::BadProof("the older tree is not a prefix of the newer"));
    }
    Ok(())
}

/// The largest power of two smaller than `count`, which is at least 2.
fn split(count: u64) -> u64 {
    1 << (63 - (count - 1).leading_zeros())
}

fn range_root(nodes: &mut impl Nodes, start: u64, count: u64) -> Result<Hash, LedgerError> {
    if count.is_power_of_two() {
        let height = count.trailing_zeros();
        return nodes.node(height, start >> height);
    }
    let left = split(count);
    let left_hash = range_root(nodes, start, left)?;
    Ok(node_hash(&left_hash, &range_root(nodes, start + left, count - left)?))
}
