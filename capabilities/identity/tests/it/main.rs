//! Identity through its own doors: real store, real policies, real hashes (cheap ones).

mod browser;
mod columns;
mod house;
mod login;
mod matrix;
mod rights;
mod stores;
mod tokens;
mod units;
mod web;
