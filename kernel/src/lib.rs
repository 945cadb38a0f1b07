//! What every capability stands on: ids, actor, time, units, policy, store, audit, jobs, chrome.
//!
//! The kernel knows what an actor, a command, a transaction and an audit record are.
//! It must never learn what a resource, an application or a grant is.

// Template macros name kit functions by the full path, in this crate as in others.
extern crate self as hufu_kernel;

pub mod actor;
pub mod approval;
pub mod attachment;
pub mod audit;
pub mod calendar;
pub mod command;
pub mod error;
pub mod event;
pub mod facts;
pub mod house;
pub mod ids;
pub mod jobs;
pub mod ledger;
pub mod message;
pub mod number;
pub mod pages;
pub mod policy;
pub mod rules;
pub mod schema;
pub mod shell;
pub mod store;
pub mod time;
pub mod unit;
pub mod upkeep;
