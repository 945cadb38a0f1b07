use async_trait::async_trait;
use hufu_kernel::command::{Applied, Command, Ctx, Loaded};
use hufu_kernel::error::{Error, FieldError, Result};
use hufu_kernel::ids::SourceId;
use hufu_kernel::store::Tx;
use sea_orm::ActiveValue::Set;

use super::{Entry, announce, load_entry};
use crate::model::state::Event;
use crate::store::{resource, source, source_table, version};

/// Says where the rows of an entry are: a table of a source of the same unit or one below.
#[derive(Clone, Debug)]
pub struct MountResource {
    pub key: String,
    pub version: i32,
    pub source: SourceId,
    pub table: String,
}

#[async_trait]
impl Command for MountResource {
    const ACTION: &'static str = "catalog.resource.mount";
    type Subject = Entry;
    type Output = resource::Model;

    async fn load(&self, tx: &Tx, _: &Ctx) -> Result<Loaded<Entry>> {
        load_entry(tx, &self.key).await
    }

    async fn apply(self, tx: &Tx, ctx: &Ctx, entry: Entry) -> Result<Applied<resource::Model>> {
        entry.fresh(self.version)?;
        entry.row.state.after(Event::Mount)?;
        let found = source::find(tx.db(), &self.source).await?;
        if found.closed_at.is_some() || !found.unit_path.starts_with(&entry.unit.path) {
            return Err(Error::not_found("数据源"));
        }
        let tables = source_table::of(tx.db(), &found.id).await?;
        let Some(table) = tables.iter().find(|table| table.name == self.table) else {
            let text = format!("数据源「{}」最近一次扫描中没有这张表，请重新扫描或改选", found.name);
            return Err(Error::invalid(vec![FieldError::new("table", text)]));
        };
        let mut change = resource::change();
        change.source_id = Set(Some(found.id.clone()));
        change.source_table = Set(self.table.clone());
        if table.row_count.is_some() {
            change.row_count = Set(table.row_count);
        }
        let row = resource::update(tx.db(), &entry.row, change, ctx.now).await?;
        let note = format!("挂接 {} / {}", found.name, self.table);
        version::keep(tx.db(), &row, &ctx.actor()?.login, &note).await?;
        announce(tx, &row);
        let detail = serde_json::json!({ "source": found.id, "table": self.table });
        Ok(Applied::new(row).detail(detail))
    }
}
