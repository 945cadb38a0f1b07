//! What the two halves have agreed: all that the gate may know about an asker.
//!
//! A mandate is made outside (by `sharing`) and is complete: the gate never asks
//! a department, a role or a store. What a mandate does not name does not exist.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use hufu_mask::Mask;
use tokio::sync::watch;

use crate::source::Source;

/// Everything one principal may read in one session, decided at one moment.
#[derive(Clone, Debug)]
pub struct Mandate {
    /// Account login name, as it stands in the ledger.
    pub principal: String,
    /// Unit code of the principal.
    pub unit: String,
    /// Way the rows leave by: `sql`, `page`, `http`, `export`.
    pub way: Way,
    /// Tables that exist for this principal, each under one grant.
    pub tables: Vec<TableMandate>,
    /// Correlation id that stands in errors and records.
    pub request_id: String,
    /// Address of the client.
    pub client: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Way {
    Sql,
    Page,
    Http,
    Export,
}

/// One granted resource: schema = unit code, name = resource code.
#[derive(Clone, Debug)]
pub struct TableMandate {
    /// Grant number, `YS-20261121-0007`.
    pub grant: String,
    pub schema: String,
    pub name: String,
    /// Chinese name of the resource.
    pub comment: String,
    pub source: Arc<dyn Source>,
    /// Physical table inside the source.
    pub source_table: String,
    pub fields: Vec<FieldMandate>,
    /// SQL boolean expression over *physical* columns of the source table; rows where it is not true do not exist.
    pub row_filter: Option<String>,
    pub purpose: String,
    pub basis: String,
    pub quota: Quota,
    pub until: DateTime<Utc>,
    /// Turns to `Shut` when the grant is suspended, revoked or expired: running streams stop.
    pub state: watch::Receiver<GrantState>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GrantState {
    Open,
    Shut,
}

/// A visible column. `mask` is always present: an unmasked column says so with [`Mask::Clear`].
#[derive(Clone, Debug)]
pub struct FieldMandate {
    /// Name the asker sees and the physical column's name.
    pub name: String,
    pub comment: String,
    /// Grade letter and number of the scheme, `L3`.
    pub grade: String,
    pub mask: Mask,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// Rows that may still be released today under this grant.
    pub rows_left_today: u64,
    pub calls_per_minute: u32,
    pub rows_per_result: u64,
}
