//! Types, states and rules of the catalogue; pure, without store, clock or web.

pub mod check;
pub mod class;
pub mod codes;
pub mod field;
pub mod metadata;
pub mod scheme;
pub mod source;
pub mod state;
pub mod terms;
