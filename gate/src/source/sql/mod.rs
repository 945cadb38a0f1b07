//! What all SQL sources share: which conditions may reach a database, how they are written, and the scan node.
//!
//! A condition is pushed only where the database's answer can never be *smaller* than ours; the engine
//! checks every row again. Values travel as parameters, never inside the statement.

pub(super) mod column;
pub(super) mod condition;
pub(super) mod statement;
pub(super) mod table;
