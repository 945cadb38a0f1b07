//! The head of a unit takes a standing consent back; applications from now on come to the desk again.

use async_trait::async_trait;
use hufu_kernel::audit::ObjectRef;
use hufu_kernel::command::{Applied, Command, Ctx, Loaded};
use hufu_kernel::error::{Error, Result};
use hufu_kernel::policy::Resource;
use hufu_kernel::store::Tx;
use hufu_kernel::unit;
use sea_orm::{ActiveModelTrait, ActiveValue::Set, EntityTrait, IntoActiveModel};

use crate::store::rows::standing_consent;

#[derive(Debug)]
pub struct EndConsent {
    pub id: String,
}

#[async_trait]
impl Command for EndConsent {
    const ACTION: &'static str = "sharing.consent.end";
    type Subject = standing_consent::Model;
    type Output = ();

    async fn load(&self, tx: &Tx, _: &Ctx) -> Result<Loaded<standing_consent::Model>> {
        let found = standing_consent::Entity::find_by_id(self.id.clone()).one(tx.db()).await?;
        let consent = found.ok_or_else(|| Error::not_found("预先同意"))?;
        let unit = unit::find(tx.db(), &consent.unit_id).await?.as_ref();
        let object = ObjectRef::new("consent", &consent.id, unit.code.clone());
        Ok(Loaded { subject: consent, resource: Resource::new("StandingConsent", &self.id).of_unit(&unit), object })
    }

    async fn apply(self, tx: &Tx, ctx: &Ctx, consent: standing_consent::Model) -> Result<Applied<()>> {
        if consent.ended_at.is_some() {
            return Err(Error::conflict("SHA-STATE", "预先同意已经终止"));
        }
        let mut change = consent.into_active_model();
        change.ended_at = Set(Some(ctx.now));
        change.update(tx.db()).await?;
        Ok(Applied::new(()))
    }
}
