use async_trait::async_trait;
use hufu_kernel::command::{Applied, Command, Ctx, Loaded};
use hufu_kernel::error::{Error, Result};
use hufu_kernel::store::Tx;
use sea_orm::ActiveValue::Set;

use super::{Entry, announce, load_entry, need_reason};
use crate::model::state::Event;
use crate::store::{change, resource, version};

/// Takes a published entry offline, with a reason: nobody can apply for it any more.
#[derive(Clone, Debug)]
pub struct TakeOffline {
    pub key: String,
    pub version: i32,
    pub reason: String,
}

#[async_trait]
impl Command for TakeOffline {
    const ACTION: &'static str = "catalog.resource.take_offline";
    type Subject = Entry;
    type Output = resource::Model;

    async fn load(&self, tx: &Tx, _: &Ctx) -> Result<Loaded<Entry>> {
        load_entry(tx, &self.key).await
    }

    async fn apply(self, tx: &Tx, ctx: &Ctx, entry: Entry) -> Result<Applied<resource::Model>> {
        entry.fresh(self.version)?;
        need_reason("reason", &self.reason)?;
        let from = entry.row.state;
        let state = from.after(Event::TakeOffline)?;
        if change::pending(tx.db(), &entry.row.id).await?.is_some() {
            return Err(Error::conflict("CAT-CHANGE-PENDING", "共享属性变更正在审批中，办结后才能下线"));
        }
        let mut change = resource::change();
        change.state = Set(state);
        change.approval_id = Set(None);
        change.review_due = Set(None);
        let row = resource::update(tx.db(), &entry.row, change, ctx.now).await?;
        version::keep(tx.db(), &row, &ctx.actor()?.login, &format!("下线：{}", self.reason.trim())).await?;
        announce(tx, &row);
        Ok(Applied::new(row).detail(serde_json::json!({ "from": from, "to": state })))
    }
}
