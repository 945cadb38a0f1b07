//! The binary `hufu`.
mod demo;

fn main() {}
