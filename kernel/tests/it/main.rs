//! The kernel through its own door: real SQLite, real policies.

mod command;
