//! Journal segments: a base head, then one record per committed batch.
//!
//! ```text
//! record : "HFJ1", u64 number, u8 kind, u32 length, payload, 32-byte digest
//! digest : SHA-256(digest of the record before ‖ everything of this record before the digest)
//! base   : head
//! batch  : head before, head after, (u32 length, entry)*
//! head   : u64 size, 32-byte root, 32-byte chain
//! ```
//!
//! Numbers are big-endian and count from 0 in each segment. A record is the commit of its batch: it
//! counts only with a right digest. A wrong one is the trace of a stop in mid-write if nothing
//! after it is right; if a later record is, the wrong one was right once and has been damaged.

use hufu_crypto::{Digest, Hasher};
use hufu_ledger::{Batch, Chain, Hash, Head, TreeSize};

const MAGIC: &[u8; 4] = b"HFJ1";
const KIND_BASE: u8 = 1;
const KIND_BATCH: u8 = 2;
/// Magic, number, kind, length.
const HEADER_BYTES: usize = 4 + 8 + 1 + 4;

/// Where the next record of a segment goes on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tail {
    number: u64,
    digest: Digest,
}

/// A segment read back.
#[derive(Clone, Debug)]
pub(super) struct Segment {
    pub(super) base: Head,
    pub(super) batches: Vec<Batch>,
}

impl Tail {
    /// The first record of a segment, and what follows it.
    pub(super) fn begin(base: &Head) -> (Vec<u8>, Self) {
        let mut payload = Vec::new();
        push_head(&mut payload, base);
        Self { number: 0, digest: Digest([0; 32]) }.record(KIND_BASE, &payload)
    }

    /// The record that commits `batch`, and what follows it.
    pub(super) fn batch(self, batch: &Batch) -> (Vec<u8>, Self) {
        let bytes: usize = batch.entries.iter().map(|entry| entry.len() + 4).sum();
        let mut payload = Vec::with_capacity(bytes + 2 * 72);
        push_head(&mut payload, &batch.from);
        push_head(&mut payload, &batch.to);
        for entry in &batch.entries {
            // Entries are bounded by the bundle's u16, far below u32.
            payload.extend_from_slice(&(entry.len() as u32).to_be_bytes());
            payload.extend_from_slice(entry);
        }
        self.record(KIND_BATCH, &payload)
    }

    fn record(self, kind: u8, payload: &[u8]) -> (Vec<u8>, Self) {
        let mut bytes = Vec::with_capacity(HEADER_BYTES + payload.len() + 32);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&self.number.to_be_bytes());
        bytes.push(kind);
        bytes.extend_from_slice(&(payload.len() as u32).to_be_bytes());
        bytes.extend_from_slice(payload);
        let digest = digest_of(&self.digest, &bytes);
        bytes.extend_from_slice(&digest.0);
        (bytes, Self { number: self.number + 1, digest })
    }
}

/// Reads a segment; an unfinished last record is left out.
pub(super) fn read_segment(bytes: &[u8]) -> Result<Segment, &'static str> {
    let mut rest = bytes;
    let mut number = 0;
    let mut digest = Digest([0; 32]);
    let first = parse_record(rest, &digest).filter(|record| record.number == 0 && record.kind == KIND_BASE);
    let first = first.ok_or("first record is damaged")?;
    let base = take_head(&mut { first.payload }).ok_or("base is malformed")?;
    let mut segment = Segment { base, batches: Vec::new() };
    advance(&mut rest, &mut digest, &mut number, &first);
    while !rest.is_empty() {
        let next = parse_record(rest, &digest).filter(|record| record.number == number && record.kind == KIND_BATCH);
        let Some(record) = next else {
            return if later_record(rest, number) { Err("a record in the middle is damaged") } else { Ok(segment) };
        };
        segment.batches.push(parse_batch(record.payload).ok_or("batch is malformed")?);
        advance(&mut rest, &mut digest, &mut number, &record);
    }
    Ok(segment)
}

struct Record<'a> {
    number: u64,
    kind: u8,
    payload: &'a [u8],
    digest: Digest,
    rest: &'a [u8],
}

fn advance<'a>(rest: &mut &'a [u8], digest: &mut Digest, number: &mut u64, record: &Record<'a>) {
    *rest = record.rest;
    *digest = record.digest;
    *number += 1;
}

/// The record at the start of `bytes`, if its digest is right.
fn parse_record<'a>(bytes: &'a [u8], before: &Digest) -> Option<Record<'a>> {
    let (header, after) = bytes.split_first_chunk::<HEADER_BYTES>()?;
    let rest = header.as_slice().strip_prefix(MAGIC)?;
    let (number, rest) = rest.split_first_chunk()?;
    let (&kind, rest) = rest.split_first()?;
    let length = u32::from_be_bytes(*rest.first_chunk()?) as usize;
    let (payload, after) = after.split_at_checked(length)?;
    let (stored, rest) = after.split_first_chunk()?;
    let digest = digest_of(before, bytes.get(..HEADER_BYTES + length)?);
    let record = Record { number: u64::from_be_bytes(*number), kind, payload, digest, rest };
    (digest.0 == *stored).then_some(record)
}

/// Whether a right record with a number above `number` lies somewhere in `bytes`. The digest of
/// the record before it stands right in front of it.
fn later_record(bytes: &[u8], number: u64) -> bool {
    let starts = bytes.windows(MAGIC.len()).enumerate().filter(|(_, window)| window == MAGIC).map(|(at, _)| at);
    starts.filter(|at| *at >= 32).any(|at| {
        let (front, back) = bytes.split_at(at);
        let before = front.last_chunk::<32>().map(|digest| Digest(*digest));
        before.and_then(|before| parse_record(back, &before)).is_some_and(|record| record.number > number)
    })
}

fn digest_of(before: &Digest, bytes: &[u8]) -> Digest {
    let mut hasher = Hasher::sha256();
    hasher.update(&before.0);
    hasher.update(bytes);
    hasher.finish()
}

fn push_head(out: &mut Vec<u8>, head: &Head) {
    out.extend_from_slice(&head.size.0.to_be_bytes());
    out.extend_from_slice(&head.root.0);
    out.extend_from_slice(&head.chain.0);
}

fn take_head(rest: &mut &[u8]) -> Option<Head> {
    let (size, after) = rest.split_first_chunk()?;
    let (root, after) = after.split_first_chunk()?;
    let (chain, after) = after.split_first_chunk()?;
    *rest = after;
    Some(Head { size: TreeSize(u64::from_be_bytes(*size)), root: Hash(*root), chain: Chain(*chain) })
}

fn parse_batch(payload: &[u8]) -> Option<Batch> {
    let mut rest = payload;
    let (from, to) = (take_head(&mut rest)?, take_head(&mut rest)?);
    let mut entries = Vec::new();
    while !rest.is_empty() {
        let (length, after) = rest.split_first_chunk()?;
        let (entry, after) = after.split_at_checked(u32::from_be_bytes(*length) as usize)?;
        entries.push(entry.to_vec());
        rest = after;
    }
    Some(Batch { from, to, entries })
}
