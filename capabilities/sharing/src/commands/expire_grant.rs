//! A grant whose period is over ends by itself. The gate has been shut to it since the last moment of the period.

use async_trait::async_trait;
use hufu_kernel::command::{Applied, Command, Ctx, Loaded};
use hufu_kernel::error::{Error, Result};
use hufu_kernel::store::Tx;
use sea_orm::ActiveValue::Set;

use super::{grant_object, grant_resource};
use crate::model::grant::Event;
use crate::store::grants::{self, Grant};
use crate::store::rows::data_grant;

#[derive(Debug)]
pub struct ExpireGrant {
    pub no: String,
}

#[async_trait]
impl Command for ExpireGrant {
    const ACTION: &'static str = "sharing.grant.expire";
    type Subject = Grant;
    type Output = ();

    async fn load(&self, tx: &Tx, _: &Ctx) -> Result<Loaded<Grant>> {
        let grant = grants::find(tx.db(), &self.no).await?;
        let row = &grant.row;
        let resource = grant_resource(tx.db(), row.id.as_str(), &row.unit_id, &row.provider_id).await?;
        Ok(Loaded { object: grant_object(&grant), subject: grant, resource })
    }

    async fn apply(self, tx: &Tx, ctx: &Ctx, grant: Grant) -> Result<Applied<()>> {
        if grant.row.until_at >= ctx.now {
            return Err(Error::conflict("SHA-NOT-OVER", "授权尚未到期"));
        }
        let from = grant.row.state;
        let state = from.step(Event::Expire)?;
        let change = data_grant::ActiveModel {
            state: Set(state),
            state_reason: Set("期满".to_owned()),
            state_at: Set(ctx.now),
            ..Default::default()
        };
        grants::update(tx, change, &grant.row).await?;
        super::tell_persons(tx, ctx, &grant, "授权已到期").await?;
        Ok(Applied::new(()).detail(serde_json::json!({ "from": from, "to": state })))
    }

    fn by_system(&self) -> bool {
        true
    }
}
