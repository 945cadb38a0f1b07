//! Keeps what an applicant has typed so far. A draft may be incomplete; it may not be cut.

use std::sync::Arc;

use async_trait::async_trait;
use hufu_kernel::audit::ObjectRef;
use hufu_kernel::command::{Applied, Command, Ctx, Loaded};
use hufu_kernel::error::{Error, Result};
use hufu_kernel::policy::{Resource, Value};
use hufu_kernel::store::Tx;
use hufu_kernel::unit;

use super::{application_object, application_resource, draft};
use crate::Sharing;
use crate::model::form::Form;
use crate::store::applications::{self, Paper};

#[derive(Debug)]
pub struct SaveDraft {
    pub sharing: Arc<Sharing>,
    /// Absent for a new one.
    pub no: Option<String>,
    /// Version the person saw.
    pub version: Option<i32>,
    pub form: Form,
}

#[async_trait]
impl Command for SaveDraft {
    const ACTION: &'static str = "sharing.application.save";
    type Subject = Option<Paper>;
    type Output = Paper;

    async fn load(&self, tx: &Tx, ctx: &Ctx) -> Result<Loaded<Option<Paper>>> {
        load(tx, ctx, self.no.as_deref(), self.version).await
    }

    async fn apply(self, tx: &Tx, ctx: &Ctx, subject: Option<Paper>) -> Result<Applied<Paper>> {
        let paper = draft::write(tx, ctx, &self.sharing, subject, &self.form).await?;
        let object = application_object(&paper);
        let detail = serde_json::json!({ "resources": paper.resources.len(), "fields": paper.fields().count() });
        Ok(Applied::new(paper).object(object).detail(detail))
    }
}

/// The paper that is written to, or the place where a new one will be.
pub(super) async fn load(tx: &Tx, ctx: &Ctx, no: Option<&str>, version: Option<i32>) -> Result<Loaded<Option<Paper>>> {
    let Some(no) = no else {
        let actor = ctx.actor()?;
        let competent = unit::competent_bureau(tx.db(), &actor.unit).await?.as_ref();
        let resource = Resource::new("Application", "new")
            .of_unit(&actor.unit)
            .with("competent", Value::Unit(competent))
            .with("applicant", Value::Account(actor.account.to_string()))
            .with("providers", Value::Units(Vec::new()));
        return Ok(Loaded { subject: None, resource, object: ObjectRef::new("application", "", "") });
    };
    let paper = applications::paper(tx.db(), no).await?;
    if version.is_some_and(|seen| seen != paper.application.version) {
        return Err(Error::stale());
    }
    let resource = application_resource(tx.db(), &paper).await?;
    let object = application_object(&paper);
    Ok(Loaded { subject: Some(paper), resource, object })
}
