//! Algorithms by profile: SM2/SM3/SM4 or international, envelopes and keyed digests.
