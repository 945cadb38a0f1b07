//! Corrects a unit and names who answers for it. Its code stays: other systems know it by that.

use async_trait::async_trait;
use hufu_kernel::command::{Applied, Command, Ctx, Loaded};
use hufu_kernel::error::{Error, FieldError, Result};
use hufu_kernel::ids::UnitId;
use hufu_kernel::store::Tx;
use hufu_kernel::unit;
use sea_orm::{ActiveModelTrait, ActiveValue::Set, IntoActiveModel};
use serde_json::json;

use super::{fresh, load_unit};
use crate::model::unit::{UnitInput, kind_code, level_code};
use crate::store::profile;

#[derive(Debug)]
pub struct EditUnit {
    pub unit: UnitId,
    pub version: i32,
    pub input: UnitInput,
}

#[async_trait]
impl Command for EditUnit {
    const ACTION: &'static str = "identity.unit.edit";
    type Subject = unit::Model;
    type Output = ();

    async fn load(&self, tx: &Tx, _: &Ctx) -> Result<Loaded<unit::Model>> {
        load_unit(tx, &self.unit).await
    }

    async fn apply(self, tx: &Tx, ctx: &Ctx, before: unit::Model) -> Result<Applied<()>> {
        fresh(before.version, self.version)?;
        let draft = UnitInput { code: before.code.clone(), ..self.input }.check()?;
        if let Some(parent) = &before.parent_id {
            let parent = unit::find(tx.db(), parent).await?;
            if draft.level < parent.level {
                return Err(Error::invalid(vec![FieldError::new("level", "层级不能高于上级单位")]));
            }
        }
        let detail = json!({
            "kind": [kind_code(before.kind), kind_code(draft.kind)],
            "level": [level_code(before.level), level_code(draft.level)],
            "responsible": draft.profile.is_some(),
        });
        let mut change = before.clone().into_active_model();
        change.name = Set(draft.name);
        change.kind = Set(draft.kind);
        change.level = Set(draft.level);
        change.sort = Set(draft.sort);
        change.version = Set(before.version + 1);
        change.update(tx.db()).await?;
        if let Some(answers) = draft.profile {
            profile::put(tx.db(), &before.id, &answers, ctx.now).await?;
        }
        Ok(Applied::new(()).detail(detail))
    }
}
