//! Units' people: accounts, roles, sessions, tokens.
//!
//! Others come in through [`Identity`] (who is this?), the commands and the queries; nobody else reads these tables.

pub mod api;
pub mod commands;
pub mod facts;
mod init;
pub mod migrations;
pub mod model;
pub mod pages;
pub mod policy;
pub mod queries;
mod secrets;
mod service;
pub mod store;
pub mod web;

pub use init::{InitPlan, Initial, NewPerson, appoint, init};
pub use pages::menu;
pub use policy::{ACTIONS, POLICY};
pub use secrets::{Hashing, Passwords, Vault};
pub use service::{Authenticated, Identity, LogIn, SecondFactors, Settings, Signed};

/// Pages and API of this capability.
pub fn routes(identity: std::sync::Arc<Identity>) -> axum::Router {
    pages::routes(identity.clone()).merge(api::routes(identity))
}
