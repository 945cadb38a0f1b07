//! A new unit below another one.

use async_trait::async_trait;
use hufu_kernel::actor::UnitRef;
use hufu_kernel::audit::ObjectRef;
use hufu_kernel::command::{Applied, Command, Ctx, Loaded};
use hufu_kernel::error::{Error, FieldError, Result};
use hufu_kernel::ids::UnitId;
use hufu_kernel::store::Tx;
use hufu_kernel::unit::{self, NewUnit};
use serde_json::json;

use super::load_unit;
use crate::model::unit::{UnitInput, kind_code, level_code};
use crate::store::profile;

#[derive(Debug)]
pub struct CreateUnit {
    pub parent: UnitId,
    pub input: UnitInput,
}

#[async_trait]
impl Command for CreateUnit {
    const ACTION: &'static str = "identity.unit.create";
    type Subject = unit::Model;
    type Output = UnitRef;

    async fn load(&self, tx: &Tx, _: &Ctx) -> Result<Loaded<unit::Model>> {
        load_unit(tx, &self.parent).await
    }

    async fn apply(self, tx: &Tx, ctx: &Ctx, parent: unit::Model) -> Result<Applied<UnitRef>> {
        if parent.closed_at.is_some() {
            return Err(Error::conflict("HF-UNIT-CLOSED", "上级单位已撤销"));
        }
        let draft = self.input.check()?;
        if draft.level < parent.level {
            return Err(Error::invalid(vec![FieldError::new("level", "层级不能高于上级单位")]));
        }
        if unit::find_by_code(tx.db(), &draft.code).await.is_ok() {
            return Err(Error::invalid(vec![FieldError::new("code", "该单位代码已被使用")]));
        }
        let detail = json!({ "parent": parent.code, "kind": kind_code(draft.kind), "level": level_code(draft.level) });
        let new = NewUnit {
            code: draft.code,
            name: draft.name,
            kind: draft.kind,
            level: draft.level,
            parent: Some(parent.as_ref()),
            sort: draft.sort,
        };
        let made = unit::insert(tx.db(), new).await?;
        if let Some(answers) = draft.profile {
            profile::put(tx.db(), &made.id, &answers, ctx.now).await?;
        }
        let object = ObjectRef::new("unit", &made.id, made.code.clone());
        Ok(Applied::new(made).object(object).detail(detail))
    }
}
