//! The catalogue through its own door: real store, real index, real policies, real files.

mod house;
mod matrix;
mod pages;
mod publication;
mod schema;
mod search;
mod sheets;
mod sources;
