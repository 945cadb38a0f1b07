//! The only SQL of sharing.

pub mod access;
pub mod applications;
pub mod grants;
pub mod rows;
mod schema;

pub use schema::migrations;
