//! The gate against real servers, files and clients.

mod sources;
mod ways;
