//! The own office or the competent level decides; agreement hands the application to the providers,
//! and what is shared unconditionally takes effect at once.

use std::sync::Arc;

use async_trait::async_trait;
use hufu_kernel::actor::Actor;
use hufu_kernel::approval::{self, Decision, Kind, NewApproval, Outcome, Progress, Verdict};
use hufu_kernel::command::{Applied, Command, Ctx, Loaded};
use hufu_kernel::error::{Error, FieldError, Result};
use hufu_kernel::store::Tx;
use hufu_kernel::unit;
use sea_orm::ActiveValue::Set;

use super::outcome::{self, Answer};
use super::submit_application::spec;
use super::{application_object, application_resource, issue, seen_version};
use crate::Sharing;
use crate::model::application::Event;
use crate::model::part::Event as PartEvent;
use crate::model::terms::Decision as Choices;
use crate::store::applications::{self, Paper};
use crate::store::rows::{application, part};

/// What the inbox calls a provider's part.
pub const PART: Kind = Kind { key: "sharing.part", name: "供数审核" };

#[derive(Debug)]
pub struct DecideFront {
    pub sharing: Arc<Sharing>,
    pub no: String,
    pub verdict: Verdict,
    pub opinion: String,
    /// Version of the approval the person saw.
    pub version: Option<i32>,
}

#[async_trait]
impl Command for DecideFront {
    const ACTION: &'static str = "sharing.application.decide";
    type Subject = Paper;
    type Output = Answer;

    async fn load(&self, tx: &Tx, _: &Ctx) -> Result<Loaded<Paper>> {
        let paper = applications::paper(tx.db(), &self.no).await?;
        let resource = application_resource(tx.db(), &paper).await?;
        Ok(Loaded { object: application_object(&paper), subject: paper, resource })
    }

    async fn apply(self, tx: &Tx, ctx: &Ctx, paper: Paper) -> Result<Applied<Answer>> {
        if self.verdict == Verdict::Partial {
            return Err(Error::invalid(vec![FieldError::new("decision", "本环节不能部分同意，信息项由供数部门决定")]));
        }
        let id = paper.application.approval_id.clone().ok_or_else(|| Error::not_found("审批事项"))?;
        let missing = outcome::missing_text(&self.verdict);
        let act = outcome::verdict_word(&self.verdict);
        let version = seen_version(tx, &id, self.version).await?;
        let decision = Decision { verdict: self.verdict.clone(), opinion: self.opinion.clone(), version };
        let answer = match approval::decide(tx, ctx, &id, decision).await? {
            Progress::Moved(_) => Answer::default(),
            Progress::Returned => {
                let change = application::ActiveModel {
                    state: Set(paper.application.state.step(Event::AskSupplement)?),
                    missing: Set(missing),
                    ..Default::default()
                };
                applications::update(tx.db(), change, &paper.application).await?;
                Answer::default()
            }
            Progress::Finished(Outcome::Refused) => {
                self.refuse(tx, ctx, &paper).await?;
                Answer::default()
            }
            Progress::Finished(Outcome::Approved) => self.pass_on(tx, ctx, &paper).await?,
        };
        let detail = serde_json::json!({ "verdict": act, "grants": answer.grants });
        Ok(Applied::new(answer).detail(detail))
    }
}

impl DecideFront {
    async fn refuse(&self, tx: &Tx, ctx: &Ctx, paper: &Paper) -> Result<()> {
        for row in &paper.parts {
            let change = part::ActiveModel {
                state: Set(row.state.step(PartEvent::Refuse)?),
                reason: Set(self.opinion.trim().to_owned()),
                decided_at: Set(Some(ctx.now)),
                ..Default::default()
            };
            applications::update_part(tx.db(), change, row).await?;
        }
        let change = application::ActiveModel {
            state: Set(paper.application.state.step(Event::Refuse)?),
            closed_at: Set(Some(ctx.now)),
            ..Default::default()
        };
        applications::update(tx.db(), change, &paper.application).await
    }

    async fn pass_on(&self, tx: &Tx, ctx: &Ctx, paper: &Paper) -> Result<Answer> {
        let mut answer = Answer::default();
        let mut waits = false;
        for row in &paper.parts {
            if row.unconditional {
                let terms = outcome::settle(paper, row, &Choices::default(), false)?;
                answer.grants.extend(issue::grants(tx, ctx, &self.sharing, paper, row, &terms).await?);
                let change = part::ActiveModel {
                    state: Set(row.state.step(PartEvent::GrantAll)?),
                    decided_at: Set(Some(ctx.now)),
                    ..Default::default()
                };
                applications::update_part(tx.db(), change, row).await?;
            } else {
                self.open(tx, ctx, paper, row).await?;
                waits = true;
            }
        }
        let event = if waits { Event::PassToProviders } else { Event::Close };
        let change = application::ActiveModel {
            state: Set(paper.application.state.step(event)?),
            closed_at: Set((!waits).then_some(ctx.now)),
            ..Default::default()
        };
        applications::update(tx.db(), change, &paper.application).await?;
        Ok(answer)
    }

    async fn open(&self, tx: &Tx, ctx: &Ctx, paper: &Paper, row: &part::Model) -> Result<()> {
        let provider = unit::find(tx.db(), &row.provider_id).await?.as_ref();
        let mut fields = paper.items_of(&row.id).flat_map(|item| &item.fields);
        let strict = fields.any(|field| self.sharing.is_strict(&field.grade, field.unmasked));
        let mut steps = Vec::new();
        for step in self.sharing.flow.provider_steps(strict) {
            steps.push(spec(tx, step, paper, Some(&provider)).await?);
        }
        let new = NewApproval {
            object: application_object(paper),
            kind: PART,
            title: paper.application.scenario.clone(),
            link: format!("/apply/{}?part={}", paper.application.no, row.seq),
            initiator: applicant(paper),
            steps,
            copies: Vec::new(),
        };
        let (approval, _) = approval::start(tx, ctx, new).await?;
        let change = part::ActiveModel {
            state: Set(row.state.step(PartEvent::Open)?),
            approval_id: Set(Some(approval)),
            ..Default::default()
        };
        applications::update_part(tx.db(), change, row).await
    }
}

/// Who asked, as the provider's approval knows them; roles play no part in asking.
fn applicant(paper: &Paper) -> Actor {
    let row = &paper.application;
    Actor {
        account: row.applicant.clone(),
        login: row.applicant_login.clone(),
        name: row.applicant_name.clone(),
        unit: paper.unit.clone(),
        roles: Vec::new(),
    }
}
