//! The head of a unit's sharing office consents beforehand to its users' applications up to a grade.

use std::sync::Arc;

use async_trait::async_trait;
use chrono::NaiveDate;
use hufu_kernel::audit::ObjectRef;
use hufu_kernel::command::{Applied, Command, Ctx, Loaded};
use hufu_kernel::error::{Error, FieldError, Result};
use hufu_kernel::policy::Resource;
use hufu_kernel::store::Tx;
use hufu_kernel::time::Timestamp;
use sea_orm::{ActiveValue::Set, EntityTrait};

use crate::Sharing;
use crate::store::rows::standing_consent;

#[derive(Debug)]
pub struct GiveConsent {
    pub sharing: Arc<Sharing>,
    pub grade_max: String,
    pub until: NaiveDate,
}

#[async_trait]
impl Command for GiveConsent {
    const ACTION: &'static str = "sharing.consent.give";
    type Subject = ();
    type Output = String;

    async fn load(&self, _: &Tx, ctx: &Ctx) -> Result<Loaded<()>> {
        let unit = &ctx.actor()?.unit;
        let resource = Resource::new("StandingConsent", "new").of_unit(unit);
        Ok(Loaded { subject: (), resource, object: ObjectRef::new("consent", "", unit.code.clone()) })
    }

    async fn apply(self, tx: &Tx, ctx: &Ctx, (): ()) -> Result<Applied<String>> {
        let mut faults = Vec::new();
        if self.sharing.rank(&self.grade_max).is_none() {
            faults.push(FieldError::new("grade_max", "级别不在现行分级方案中"));
        }
        let days = (self.until - ctx.now.date()).num_days();
        if !(0..=self.sharing.flow.period_days_max).contains(&days) {
            faults.push(FieldError::new("until", "截止日期须在今天之后、一年之内"));
        }
        if !faults.is_empty() {
            return Err(Error::invalid(faults));
        }
        let actor = ctx.actor()?;
        let id = hufu_kernel::ids::EntryId::generate().to_string();
        let row = standing_consent::ActiveModel {
            id: Set(id.clone()),
            unit_id: Set(actor.unit.id.clone()),
            given_by: Set(actor.account.clone()),
            grade_max: Set(self.grade_max.clone()),
            from_at: Set(ctx.now),
            until_at: Set(Timestamp::end_of(self.until)),
            ended_at: Set(None),
        };
        standing_consent::Entity::insert(row).exec_without_returning(tx.db()).await?;
        let object = ObjectRef::new("consent", &id, actor.unit.code.clone());
        let detail = serde_json::json!({ "grade_max": self.grade_max, "until": self.until.to_string() });
        Ok(Applied::new(id).object(object).detail(detail))
    }
}
