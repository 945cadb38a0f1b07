//! The applicant reminds whoever has the application now.

use async_trait::async_trait;
use hufu_kernel::approval;
use hufu_kernel::command::{Applied, Command, Ctx, Loaded};
use hufu_kernel::error::{Error, Result};
use hufu_kernel::store::Tx;

use super::{application_object, application_resource};
use crate::model::application::State;
use crate::model::part::State as PartState;
use crate::store::applications::{self, Paper};

#[derive(Debug)]
pub struct UrgeApplication {
    pub no: String,
}

#[async_trait]
impl Command for UrgeApplication {
    const ACTION: &'static str = "sharing.application.urge";
    type Subject = Paper;
    type Output = ();

    async fn load(&self, tx: &Tx, _: &Ctx) -> Result<Loaded<Paper>> {
        let paper = applications::paper(tx.db(), &self.no).await?;
        let resource = application_resource(tx.db(), &paper).await?;
        Ok(Loaded { object: application_object(&paper), subject: paper, resource })
    }

    async fn apply(self, tx: &Tx, ctx: &Ctx, paper: Paper) -> Result<Applied<()>> {
        let front = paper.application.approval_id.iter().filter(|_| paper.application.state == State::Reviewing);
        let parts = paper.parts.iter().filter(|part| part.state == PartState::Deciding);
        let waiting: Vec<_> = front.chain(parts.filter_map(|part| part.approval_id.as_ref())).collect();
        if waiting.is_empty() {
            return Err(Error::conflict("SHA-NOTHING-TO-URGE", "当前没有等待他人办理的环节"));
        }
        for id in &waiting {
            approval::urge(tx, ctx, id).await?;
        }
        Ok(Applied::new(()).detail(serde_json::json!({ "approvals": waiting.len() })))
    }
}
