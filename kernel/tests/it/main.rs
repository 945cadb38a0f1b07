//! The kernel through its own door: real SQLite, real policies.

mod approval;
mod approval_table;
mod attachment;
mod calendar;
mod command;
mod jobs;
mod recovery;
mod shell;
