//! Append-only Merkle log in the C2SP tlog-tiles form.
