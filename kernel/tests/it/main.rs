//! The kernel through its own door: real SQLite, real policies.

mod approval;
mod approval_table;
mod attachment;
mod calendar;
mod columns;
mod command;
mod jobs;
mod pages;
mod recovery;
mod shell;
mod stores;
