//! The SQL port, asked by real clients: psql, and the Rust driver for the extended protocol.

mod catalogue;
mod city;
mod extended;
mod login;
mod simple;
