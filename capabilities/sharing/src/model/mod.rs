//! What an application, a part of it and a grant are, and how they change. Pure: no clock, no store, no web.

pub mod application;
pub mod flow;
pub mod form;
pub mod grant;
pub mod part;
pub mod refusal;
pub mod terms;
pub mod way;
