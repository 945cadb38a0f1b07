use std::fmt;

use sm3::Digest as BlockDigest;
use sm3::digest::{Output, OutputSizeUser, block_api::BlockSizeUser, typenum::U32, typenum::U64};
use zeroize::Zeroizing;

use crate::Digest;

const BLOCK_BYTES: usize = 64;

/// A named key type whose code is compiled here, optimised, and not anew in each crate that masks
/// millions of values with it.
macro_rules! hmac {
    ($(#[$doc:meta])* $name:ident, $digest:ty) => {
        $(#[$doc])*
        #[derive(Clone, Debug)]
        pub struct $name(HmacKey<$digest>);

        impl $name {
            pub fn new(key: &[u8]) -> Self {
                Self(HmacKey::new(key))
            }

            pub fn mac(&self, data: &[u8]) -> Digest {
                self.0.mac_parts(&[data])
            }

            /// The code of the parts in sequence, without joining them first. Parts are not
            /// separated: a caller that needs `("a","bc")` and `("ab","c")` apart must put lengths
            /// in between.
            pub fn mac_parts(&self, parts: &[&[u8]]) -> Digest {
                self.0.mac_parts(parts)
            }

            /// Compares in constant time.
            pub fn verify(&self, data: &[u8], code: &Digest) -> bool {
                let own = self.mac(data);
                let difference = own.0.iter().zip(code.0).fold(0_u8, |sum, (a, b)| sum | (a ^ b));
                std::hint::black_box(difference) == 0
            }
        }
    };
}

hmac! {
    /// HMAC-SM3 (GB/T 15852.2).
    HmacSm3, sm3::Sm3
}
hmac! {
    /// HMAC-SHA-256 (RFC 2104).
    HmacSha256, sha2::Sha256
}

/// An HMAC key with both padded key blocks already digested, so that a short value costs two
/// compressions instead of four. Cheap to clone, shared freely between threads, wiped when dropped.
#[derive(Clone)]
struct HmacKey<D> {
    inner: D,
    outer: D,
}

impl<D> HmacKey<D>
where
    D: BlockDigest + BlockSizeUser<BlockSize = U64> + OutputSizeUser<OutputSize = U32> + Clone,
    Output<D>: Into<[u8; 32]>,
{
    fn new(key: &[u8]) -> Self {
        let mut block = Zeroizing::new([0_u8; BLOCK_BYTES]);
        if key.len() > BLOCK_BYTES {
            let digest: [u8; 32] = D::digest(key).into();
            block.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
        } else {
            block.iter_mut().zip(key).for_each(|(to, from)| *to = *from);
        }
        Self { inner: padded(&block, 0x36), outer: padded(&block, 0x5c) }
    }

    fn mac_parts(&self, parts: &[&[u8]]) -> Digest {
        let mut inner = self.inner.clone();
        for part in parts {
            inner.update(part);
        }
        self.outer(inner)
    }

    fn outer(&self, inner: D) -> Digest {
        let mut outer = self.outer.clone();
        outer.update(inner.finalize());
        Digest(outer.finalize().into())
    }
}

impl<D> fmt::Debug for HmacKey<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HmacKey(..)")
    }
}

fn padded<D: BlockDigest>(block: &[u8; BLOCK_BYTES], pad: u8) -> D {
    let mut bytes = Zeroizing::new(*block);
    bytes.iter_mut().for_each(|byte| *byte ^= pad);
    let mut state = D::new();
    state.update(bytes.as_slice());
    state
}
