//! Closes a unit that nobody works in any more.

use async_trait::async_trait;
use hufu_kernel::command::{Applied, Command, Ctx, Loaded};
use hufu_kernel::error::{Error, Result};
use hufu_kernel::ids::UnitId;
use hufu_kernel::store::Tx;
use hufu_kernel::unit;
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter,
};

use serde_json::json;

use super::{fresh, load_unit, reason};
use crate::model::account::AccountState;
use crate::store::account;
use crate::store::reason::keep;

#[derive(Debug)]
pub struct CloseUnit {
    pub unit: UnitId,
    pub version: i32,
    pub reason: String,
}

#[async_trait]
impl Command for CloseUnit {
    const ACTION: &'static str = "identity.unit.close";
    type Subject = unit::Model;
    type Output = ();

    async fn load(&self, tx: &Tx, _: &Ctx) -> Result<Loaded<unit::Model>> {
        load_unit(tx, &self.unit).await
    }

    async fn apply(self, tx: &Tx, ctx: &Ctx, before: unit::Model) -> Result<Applied<()>> {
        fresh(before.version, self.version)?;
        let why = reason("reason", &self.reason)?;
        if before.closed_at.is_some() {
            return Err(Error::conflict("HF-UNIT-CLOSED", "单位已经撤销"));
        }
        let below = unit::subtree(tx.db(), &before.as_ref()).await?;
        if below.iter().any(|unit| unit.id != before.id && unit.closed_at.is_none()) {
            return Err(Error::conflict("HF-UNIT-BELOW", "还有下级单位，请先调整或撤销下级单位"));
        }
        let working = account::Entity::find()
            .filter(account::Column::UnitId.eq(before.id.clone()))
            .filter(account::Column::State.ne(AccountState::Closed))
            .count(tx.db())
            .await?;
        if working > 0 {
            let message = format!("还有 {working} 个未注销账号，请先办理交接并注销");
            return Err(Error::conflict("HF-UNIT-PEOPLE", message));
        }
        let mut change = before.clone().into_active_model();
        change.closed_at = Set(Some(ctx.now));
        change.version = Set(before.version + 1);
        change.update(tx.db()).await?;
        let digest = keep(tx.db(), &before.id, Self::ACTION, &ctx.actor()?.account, &why, ctx.now).await?;
        Ok(Applied::new(()).detail(json!({ "reason_sha256": digest })))
    }
}
