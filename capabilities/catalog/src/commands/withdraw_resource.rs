use async_trait::async_trait;
use hufu_kernel::approval;
use hufu_kernel::command::{Applied, Command, Ctx, Loaded};
use hufu_kernel::error::{Error, Result};
use hufu_kernel::store::Tx;
use sea_orm::ActiveValue::Set;

use super::{Entry, announce, load_entry};
use crate::model::state::Event;
use crate::store::resource;

/// Takes a submitted entry back.
#[derive(Clone, Debug)]
pub struct WithdrawResource {
    pub key: String,
    pub version: i32,
    pub reason: String,
}

#[async_trait]
impl Command for WithdrawResource {
    const ACTION: &'static str = "catalog.resource.withdraw";
    type Subject = Entry;
    type Output = resource::Model;

    async fn load(&self, tx: &Tx, _: &Ctx) -> Result<Loaded<Entry>> {
        load_entry(tx, &self.key).await
    }

    async fn apply(self, tx: &Tx, ctx: &Ctx, entry: Entry) -> Result<Applied<resource::Model>> {
        entry.fresh(self.version)?;
        let from = entry.row.state;
        let state = from.after(Event::Return)?;
        let id = entry.row.approval_id.clone().ok_or_else(|| Error::conflict("CAT-STATE", "目录不在审批中"))?;
        let (matter, _) = approval::find(tx, &id).await?;
        approval::withdraw(tx, ctx, &id, matter.version, &self.reason).await?;
        let mut change = resource::change();
        change.state = Set(state);
        change.approval_id = Set(None);
        let row = resource::update(tx.db(), &entry.row, change, ctx.now).await?;
        announce(tx, &row);
        Ok(Applied::new(row).detail(serde_json::json!({ "from": from, "to": state })))
    }
}
