//! The binary `hufu`.
fn main() {}
