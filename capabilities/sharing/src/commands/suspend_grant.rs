//! Stops a grant for the time being; running streams end within a second.

use async_trait::async_trait;
use hufu_kernel::command::{Applied, Command, Ctx, Loaded};
use hufu_kernel::error::{Error, Result};
use hufu_kernel::store::Tx;
use sea_orm::ActiveValue::Set;

use super::{grant_object, grant_resource, reason};
use crate::model::grant::Event;
use crate::store::grants::{self, Grant};
use crate::store::rows::data_grant;

#[derive(Debug)]
pub struct SuspendGrant {
    pub no: String,
    pub reason: String,
    /// Version the person saw.
    pub version: Option<i32>,
    /// Number that ties the grants of one bulk stop together.
    pub batch: Option<String>,
}

#[async_trait]
impl Command for SuspendGrant {
    const ACTION: &'static str = "sharing.grant.suspend";
    type Subject = Grant;
    type Output = ();

    async fn load(&self, tx: &Tx, _: &Ctx) -> Result<Loaded<Grant>> {
        let grant = grants::find(tx.db(), &self.no).await?;
        if self.version.is_some_and(|seen| seen != grant.row.version) {
            return Err(Error::stale());
        }
        let row = &grant.row;
        let resource = grant_resource(tx.db(), row.id.as_str(), &row.unit_id, &row.provider_id).await?;
        Ok(Loaded { object: grant_object(&grant), subject: grant, resource })
    }

    async fn apply(self, tx: &Tx, ctx: &Ctx, grant: Grant) -> Result<Applied<()>> {
        let reason = reason("reason", &self.reason)?;
        let from = grant.row.state;
        let state = from.step(Event::Suspend)?;
        let change = data_grant::ActiveModel {
            state: Set(state),
            state_reason: Set(reason),
            state_at: Set(ctx.now),
            ..Default::default()
        };
        grants::update(tx, change, &grant.row).await?;
        super::tell_persons(tx, ctx, &grant, "授权已暂停").await?;
        Ok(Applied::new(()).detail(serde_json::json!({ "from": from, "to": state, "batch": self.batch })))
    }
}
