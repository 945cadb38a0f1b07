//! Revokes a token: its owner, the administrator or, in an emergency, the security manager.

use async_trait::async_trait;
use hufu_kernel::command::{Applied, Command, Ctx, Loaded};
use hufu_kernel::error::{Error, Result};
use hufu_kernel::event::Event;
use hufu_kernel::ids::TokenId;
use hufu_kernel::store::Tx;
use serde_json::json;

use super::load_person;
use crate::store::token;

#[derive(Debug)]
pub struct RevokeToken {
    pub token: TokenId,
}

#[async_trait]
impl Command for RevokeToken {
    const ACTION: &'static str = "identity.token.revoke";
    type Subject = token::Model;
    type Output = ();

    async fn load(&self, tx: &Tx, _: &Ctx) -> Result<Loaded<token::Model>> {
        let found = token::find(tx.db(), &self.token).await?;
        let owner = load_person(tx, &found.account_id).await?;
        Ok(Loaded { subject: found, resource: owner.resource, object: owner.object })
    }

    async fn apply(self, tx: &Tx, ctx: &Ctx, found: token::Model) -> Result<Applied<()>> {
        if found.revoked_at.is_some() {
            return Err(Error::conflict("HF-TOKEN-REVOKED", "该令牌已经撤销"));
        }
        token::revoke(tx.db(), &found.id, ctx.now).await?;
        tx.announce(Event::new("identity.token", found.id.to_string()));
        Ok(Applied::new(()).detail(json!({ "token": found.prefix })))
    }
}
