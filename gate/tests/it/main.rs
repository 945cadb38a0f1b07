//! The gate from outside: what leaves, what does not, and what is written down of it;
//! against real servers, files and clients.

mod differential;
mod lessons;
mod metering;
mod refusals;
mod sources;
mod ways;
mod wire;
mod world;
