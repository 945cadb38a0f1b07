//! The proposer takes a waiting change back.

use async_trait::async_trait;
use hufu_kernel::approval;
use hufu_kernel::command::{Applied, Command, Ctx, Loaded};
use hufu_kernel::error::Result;
use hufu_kernel::event::Event;
use hufu_kernel::ids::RoleChangeId;
use hufu_kernel::store::Tx;
use serde_json::json;

use super::decide_change::load_change;
use crate::model::change::ChangeEvent;
use crate::store::change;

#[derive(Debug)]
pub struct WithdrawChange {
    pub change: RoleChangeId,
}

#[async_trait]
impl Command for WithdrawChange {
    const ACTION: &'static str = "identity.change.withdraw";
    type Subject = change::Model;
    type Output = ();

    async fn load(&self, tx: &Tx, _: &Ctx) -> Result<Loaded<change::Model>> {
        load_change(tx, &self.change).await
    }

    async fn apply(self, tx: &Tx, ctx: &Ctx, before: change::Model) -> Result<Applied<()>> {
        let state = before.state.apply(ChangeEvent::Withdraw)?;
        let (paper, _) = approval::find_by_object(tx, before.id.as_str()).await?;
        approval::withdraw(tx, ctx, &paper.id, paper.version, "").await?;
        change::end(tx.db(), &before, state, None, "", ctx.now).await?;
        tx.announce(Event::new("identity.change", before.id.to_string()));
        Ok(Applied::new(()).detail(json!({ "from": before.state, "to": state })))
    }
}
