//! The applicant answers a provider that asked for completion. What was asked stays; words are added.

use async_trait::async_trait;
use hufu_kernel::approval;
use hufu_kernel::command::{Applied, Command, Ctx, Loaded};
use hufu_kernel::error::{Error, Result};
use hufu_kernel::store::Tx;
use sea_orm::ActiveValue::Set;

use super::{application_object, application_resource, reason, seen_version};
use crate::model::part::Event;
use crate::store::applications::{self, Paper};
use crate::store::rows::{application, part};

#[derive(Debug)]
pub struct ResubmitPart {
    pub no: String,
    pub seq: i32,
    /// What is added, in words.
    pub note: String,
}

#[async_trait]
impl Command for ResubmitPart {
    const ACTION: &'static str = "sharing.application.submit";
    type Subject = Paper;
    type Output = ();

    async fn load(&self, tx: &Tx, _: &Ctx) -> Result<Loaded<Paper>> {
        let paper = applications::paper(tx.db(), &self.no).await?;
        let resource = application_resource(tx.db(), &paper).await?;
        Ok(Loaded { object: application_object(&paper), subject: paper, resource })
    }

    async fn apply(self, tx: &Tx, ctx: &Ctx, paper: Paper) -> Result<Applied<()>> {
        let note = reason("note", &self.note)?;
        let part = paper.parts.iter().find(|part| part.seq == self.seq);
        let part = part.ok_or_else(|| Error::not_found("供方审批"))?;
        let state = part.state.step(Event::Resubmit)?;
        let id = part.approval_id.clone().ok_or_else(|| Error::not_found("审批事项"))?;
        let version = seen_version(tx, &id, None).await?;
        approval::resubmit(tx, ctx, &id, version, &note).await?;
        let change = part::ActiveModel { state: Set(state), ..Default::default() };
        applications::update_part(tx.db(), change, part).await?;
        let change = application::ActiveModel { missing: Set(String::new()), ..Default::default() };
        applications::update(tx.db(), change, &paper.application).await?;
        Ok(Applied::new(()).detail(serde_json::json!({ "part": self.seq, "to": state })))
    }
}
