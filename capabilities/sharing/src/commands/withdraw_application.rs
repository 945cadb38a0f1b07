//! The applicant takes an application back, with whatever of it is still open.

use async_trait::async_trait;
use hufu_kernel::approval;
use hufu_kernel::command::{Applied, Command, Ctx, Loaded};
use hufu_kernel::error::Result;
use hufu_kernel::store::Tx;
use sea_orm::ActiveValue::Set;

use super::{application_object, application_resource, seen_version};
use crate::model::application::{Event, State};
use crate::model::part::{Event as PartEvent, State as PartState};
use crate::store::applications::{self, Paper};
use crate::store::rows::{application, part};

#[derive(Debug)]
pub struct WithdrawApplication {
    pub no: String,
    pub version: Option<i32>,
    pub reason: String,
}

#[async_trait]
impl Command for WithdrawApplication {
    const ACTION: &'static str = "sharing.application.withdraw";
    type Subject = Paper;
    type Output = ();

    async fn load(&self, tx: &Tx, _: &Ctx) -> Result<Loaded<Paper>> {
        let paper = applications::paper(tx.db(), &self.no).await?;
        if self.version.is_some_and(|seen| seen != paper.application.version) {
            return Err(hufu_kernel::error::Error::stale());
        }
        let resource = application_resource(tx.db(), &paper).await?;
        Ok(Loaded { object: application_object(&paper), subject: paper, resource })
    }

    async fn apply(self, tx: &Tx, ctx: &Ctx, paper: Paper) -> Result<Applied<()>> {
        let state = paper.application.state.step(Event::Withdraw)?;
        match (paper.application.state, &paper.application.approval_id) {
            (State::Reviewing | State::Supplementing, Some(id)) => {
                let version = seen_version(tx, id, None).await?;
                approval::withdraw(tx, ctx, id, version, &self.reason).await?;
            }
            (
                State::Draft
                | State::Reviewing
                | State::Supplementing
                | State::Deciding
                | State::Closed
                | State::Refused
                | State::Withdrawn,
                _,
            ) => {}
        }
        for row in paper.parts.iter().filter(|row| row.state.is_open()) {
            if let (PartState::Deciding | PartState::Supplementing, Some(id)) = (row.state, &row.approval_id) {
                let version = seen_version(tx, id, None).await?;
                approval::withdraw(tx, ctx, id, version, &self.reason).await?;
            }
            let change = part::ActiveModel {
                state: Set(row.state.step(PartEvent::Withdraw)?),
                decided_at: Set(Some(ctx.now)),
                ..Default::default()
            };
            applications::update_part(tx.db(), change, row).await?;
        }
        let change = application::ActiveModel {
            state: Set(state),
            closed_at: Set(Some(ctx.now)),
            ..Default::default()
        };
        applications::update(tx.db(), change, &paper.application).await?;
        Ok(Applied::new(()).detail(serde_json::json!({ "from": paper.application.state, "to": state })))
    }
}
