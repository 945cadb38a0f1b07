//! Types, states and rules of people and their rights; pure.

pub mod account;
pub mod change;
pub mod password;
pub mod roles;
pub mod second_factor;
pub mod session;
pub mod token;
pub mod unit;
