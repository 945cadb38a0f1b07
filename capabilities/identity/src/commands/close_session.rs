//! Logs out.

use async_trait::async_trait;
use hufu_kernel::command::{Applied, Command, Ctx, Loaded};
use hufu_kernel::error::Result;
use hufu_kernel::ids::SessionId;
use hufu_kernel::store::Tx;

use super::{Placed, load_person};
use crate::store::session;

#[derive(Debug)]
pub struct CloseSession {
    pub session: SessionId,
}

#[async_trait]
impl Command for CloseSession {
    const ACTION: &'static str = "identity.session.close";
    type Subject = Placed;
    type Output = ();

    async fn load(&self, tx: &Tx, ctx: &Ctx) -> Result<Loaded<Placed>> {
        load_person(tx, &ctx.actor()?.account).await
    }

    async fn apply(self, tx: &Tx, ctx: &Ctx, _: Placed) -> Result<Applied<()>> {
        session::end(tx.db(), &self.session, ctx.now).await?;
        Ok(Applied::new(()))
    }
}
