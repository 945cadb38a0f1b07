//! ONE grammar for list pages, API lists and exports.
//!
//! A capability declares a filter struct ([`Filter`]), the columns ([`Column`]) and a [`List`]. A request becomes a
//! [`ListQuery`]: filter, sort, page. The capability's store answers with rows and a total, and the list turns them into
//! an HTML table, `{items,total}`, XLSX or CSV, all from the same cells.
//!
//! ```ignore
//! async fn index(chrome: Chrome, query: ListQuery<ResourceFilter>) -> WebResult {
//!     let (rows, total) = store.resources(&query).await?;
//!     let list = RESOURCES.view(&query, &rows, total);
//!     Ok(page(Index { chrome: chrome.titled("目录检索"), list }))
//! }
//! ```

mod cell;
mod export;
mod query;
mod view;

pub use cell::{Cell, Column, Op};
pub use export::{Download, Export, Format};
pub(crate) use query::remember_columns;
pub use query::{Filter, FilterField, Input, ListQuery, Paging, Sort};
pub use view::{Bulk, List, ListView, Seg};
