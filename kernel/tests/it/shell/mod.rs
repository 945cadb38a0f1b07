//! The chrome through a real router: a page with every macro in every state, errors, guards.

mod guards;
mod kit;
mod list;
mod world;
