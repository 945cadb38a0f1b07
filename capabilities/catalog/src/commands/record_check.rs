use async_trait::async_trait;
use hufu_kernel::command::{Applied, Command, Ctx, Loaded};
use hufu_kernel::error::{Error, Result};
use hufu_kernel::ids::{CheckId, SourceId};
use hufu_kernel::store::Tx;

use super::{Entry, load_entry};
use crate::model::check::{CheckResult, Column, compare};
use crate::store::{check, field};

/// Keeps what a consistency check saw of the source and how it differs from the entry. The source was read before: nothing outside the database happens here.
#[derive(Clone, Debug)]
pub struct RecordCheck {
    pub key: String,
    pub seen: Seen,
}

/// What the source answered.
#[derive(Clone, Debug)]
pub enum Seen {
    Columns { columns: Vec<Column>, rows: Option<i64> },
    /// Code and message of the fault.
    Fault(String),
}

#[async_trait]
impl Command for RecordCheck {
    const ACTION: &'static str = "catalog.resource.check";
    type Subject = Entry;
    type Output = check::Model;

    async fn load(&self, tx: &Tx, _: &Ctx) -> Result<Loaded<Entry>> {
        load_entry(tx, &self.key).await
    }

    fn by_system(&self) -> bool {
        true
    }

    async fn apply(self, tx: &Tx, ctx: &Ctx, entry: Entry) -> Result<Applied<check::Model>> {
        let source_id = mounted(&entry)?;
        let fields: Vec<_> = field::of(tx.db(), &entry.row.id).await?.iter().map(field::Model::spec).collect();
        let (result, fault, differences, columns_seen, rows_seen) = match self.seen {
            Seen::Fault(fault) => (CheckResult::Failed, fault, Vec::new(), 0, None),
            Seen::Columns { columns, rows } => {
                let differences = compare(&fields, &columns);
                let result = if differences.is_empty() { CheckResult::Consistent } else { CheckResult::Different };
                (result, String::new(), differences, i32::try_from(columns.len()).unwrap_or(i32::MAX), rows)
            }
        };
        let row = check::Model {
            id: CheckId::generate(),
            resource_id: entry.row.id.clone(),
            source_id,
            source_table: entry.row.source_table.clone(),
            at: ctx.now,
            by_login: ctx.actor.as_ref().map_or_else(|| "system".to_owned(), |actor| actor.login.clone()),
            result,
            fault,
            columns_seen,
            rows_seen,
            resource_version: entry.row.version,
        };
        check::insert(tx.db(), row.clone(), &differences).await?;
        let detail = serde_json::json!({
            "check": row.id, "result": result, "differences": differences.len(), "columns": columns_seen,
        });
        Ok(Applied::new(row).detail(detail))
    }
}

/// The source behind an entry.
pub(crate) fn mounted(entry: &Entry) -> Result<SourceId> {
    entry.row.source_id.clone().ok_or_else(|| Error::conflict("CAT-UNMOUNTED", "目录尚未挂接资源，请先挂接"))
}
