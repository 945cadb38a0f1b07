//! Sharing through its own door: real store, real policies, real catalogue.

mod columns;
mod decide;
mod grants;
mod matrix;
mod read;
mod submit;
mod town;
mod transitions;
mod web;
