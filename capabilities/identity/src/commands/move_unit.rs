//! Puts a unit with all below it under another one; where it stood is kept with its dates.

use async_trait::async_trait;
use hufu_kernel::command::{Applied, Command, Ctx, Loaded};
use hufu_kernel::error::{Error, FieldError, Result};
use hufu_kernel::ids::UnitId;
use hufu_kernel::store::Tx;
use hufu_kernel::unit;
use serde_json::json;

use super::{fresh, load_unit};
use crate::store::places;

#[derive(Debug)]
pub struct MoveUnit {
    pub unit: UnitId,
    pub version: i32,
    pub parent: UnitId,
}

#[async_trait]
impl Command for MoveUnit {
    const ACTION: &'static str = "identity.unit.move";
    type Subject = unit::Model;
    type Output = ();

    async fn load(&self, tx: &Tx, _: &Ctx) -> Result<Loaded<unit::Model>> {
        load_unit(tx, &self.unit).await
    }

    async fn apply(self, tx: &Tx, ctx: &Ctx, before: unit::Model) -> Result<Applied<()>> {
        fresh(before.version, self.version)?;
        let parent = unit::find(tx.db(), &self.parent).await?;
        if before.parent_id.is_none() {
            return Err(Error::conflict("HF-UNIT-ROOT", "最上级单位不能调整隶属"));
        }
        if parent.closed_at.is_some() {
            return Err(Error::conflict("HF-UNIT-CLOSED", "上级单位已撤销"));
        }
        if before.level < parent.level {
            return Err(Error::invalid(vec![FieldError::new("parent", "新的上级单位层级低于本单位")]));
        }
        let mover = ctx.actor()?;
        let over = places::jurisdiction(tx.db(), &mover.unit).await?;
        if !parent.path.starts_with(&over) {
            return Err(Error::refused("新的上级单位不在您的管理范围内"));
        }
        unit::reparent(tx.db(), &before, &parent.as_ref(), ctx.now).await?;
        let detail = json!({ "from": before.parent_id, "to": parent.id, "parent": parent.code });
        Ok(Applied::new(()).detail(detail))
    }
}
