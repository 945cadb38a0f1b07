//! Tests about the house: which crate may know which, how long files and functions may be, what must be written down.

mod edges;
mod length;
mod text;
