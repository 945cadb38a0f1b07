//! Tests about the house itself.
