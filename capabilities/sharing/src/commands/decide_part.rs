//! A provider decides its part, field by field if need be. Agreement makes the grants take effect.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use hufu_kernel::actor::Role;
use hufu_kernel::approval::{self, Decision, Outcome, Progress, Verdict};
use hufu_kernel::command::{Applied, Command, Ctx, Loaded};
use hufu_kernel::error::{Error, FieldError, Result};
use hufu_kernel::store::Tx;
use sea_orm::ActiveValue::Set;

use super::outcome::{self, Answer};
use super::{application_object, has_decided, issue, part_resource, seen_version};
use crate::Sharing;
use crate::model::application::Event;
use crate::model::part::Event as PartEvent;
use crate::model::refusal::Refusal;
use crate::model::terms::{Decision as Choices, Terms};
use crate::neighbours;
use crate::store::applications::{self, Paper};
use crate::store::rows::{application, part};

#[derive(Debug)]
pub struct DecidePart {
    pub sharing: Arc<Sharing>,
    pub no: String,
    /// Which part, counted from 1.
    pub seq: i32,
    pub verdict: Verdict,
    pub opinion: String,
    /// Version of the approval the person saw.
    pub version: Option<i32>,
    pub proposal: Proposal,
}

/// What is narrowed, by whoever decides now.
#[derive(Clone, Debug, Default)]
pub struct Proposal {
    pub choices: Choices,
    /// Row scopes by resource code.
    pub row_scopes: BTreeMap<String, String>,
}

/// What the decision is about.
#[derive(Debug)]
pub struct Subject {
    paper: Paper,
    part: part::Model,
}

#[async_trait]
impl Command for DecidePart {
    const ACTION: &'static str = "sharing.part.decide";
    type Subject = Subject;
    type Output = Answer;

    async fn load(&self, tx: &Tx, _: &Ctx) -> Result<Loaded<Subject>> {
        let paper = applications::paper(tx.db(), &self.no).await?;
        let part = paper.parts.iter().find(|part| part.seq == self.seq).cloned();
        let part = part.ok_or_else(|| Error::not_found("供方审批"))?;
        let resource = part_resource(tx.db(), &paper, &part).await?;
        Ok(Loaded { object: application_object(&paper), resource, subject: Subject { paper, part } })
    }

    async fn apply(self, tx: &Tx, ctx: &Ctx, subject: Subject) -> Result<Applied<Answer>> {
        let Subject { paper, part } = subject;
        let id = part.approval_id.clone().ok_or_else(|| {
            Error::from(Refusal::State { subject: "供方审批", state: part.state.name(), act: "决定" })
        })?;
        self.both_sides(tx, ctx, &paper).await?;
        let by_cdo = self.is_cdo_step(tx, &id).await?;
        let terms = match self.verdict {
            Verdict::Approve | Verdict::Partial => Some(self.terms(&paper, &part, by_cdo)?),
            Verdict::Refuse | Verdict::Supplement { .. } | Verdict::Transfer { .. } | Verdict::AddSigner { .. } => None,
        };
        let version = seen_version(tx, &id, self.version).await?;
        let decision = Decision { verdict: self.verdict.clone(), opinion: self.opinion.clone(), version };
        let progress = approval::decide(tx, ctx, &id, decision).await?;
        if terms.is_some() {
            self.keep(tx, &paper, &part).await?;
        }
        // Row scopes and proposals are read again as they now stand.
        let paper = applications::paper_by_id(tx.db(), &paper.application.id).await?;
        let part = paper.part(&part.id)?.clone();
        let answer = match (progress, &terms) {
            (Progress::Moved(_), _) => Answer::default(),
            (Progress::Returned, _) => self.returned(tx, &paper, &part).await?,
            (Progress::Finished(Outcome::Approved), Some(terms)) => self.grant(tx, ctx, &paper, &part, terms).await?,
            (Progress::Finished(_), _) => {
                let event = PartEvent::Refuse;
                self.close(tx, ctx, &paper, &part, event).await?;
                Answer::default()
            }
        };
        let detail = detail(&self.verdict, &paper, &answer, terms.as_ref());
        Ok(Applied::new(answer).detail(detail))
    }
}

impl DecidePart {
    /// Whoever spoke for the asker's side may not speak for the owner's.
    async fn both_sides(&self, tx: &Tx, ctx: &Ctx, paper: &Paper) -> Result<()> {
        let actor = ctx.actor()?;
        let Some(front) = &paper.application.approval_id else { return Ok(()) };
        if has_decided(tx, front, &actor.account).await? { Err(Refusal::BothSides.into()) } else { Ok(()) }
    }

    /// A clear value may only be given where the step itself asks for the CDO.
    async fn is_cdo_step(&self, tx: &Tx, id: &hufu_kernel::ids::ApprovalId) -> Result<bool> {
        let (_, state) = approval::find(tx, id).await?;
        Ok(state.current().is_some_and(|step| step.spec.role == Role::R2))
    }

    fn terms(&self, paper: &Paper, part: &part::Model, by_cdo: bool) -> Result<Terms> {
        let mut choices = self.proposal.choices.clone();
        if self.verdict == Verdict::Approve {
            // Plain agreement takes nothing away; it may say until when a value is clear.
            choices.fields.retain(|_, choice| choice.give && choice.clear_until.is_some());
            choices.until = None;
            choices.quota = None;
        }
        let terms = outcome::settle(paper, part, &choices, by_cdo)?;
        let narrows_rows = self.proposal.row_scopes.values().any(|scope| !scope.trim().is_empty());
        if self.verdict == Verdict::Partial && !terms.reduced && !narrows_rows {
            return Err(Refusal::NothingReduced.into());
        }
        Ok(terms)
    }

    /// Keeps the proposal for the next signer and for whoever reads the paper later.
    async fn keep(&self, tx: &Tx, paper: &Paper, part: &part::Model) -> Result<()> {
        let is_partial = self.verdict == Verdict::Partial;
        for item in paper.items_of(&part.id) {
            for field in &item.fields {
                let Some(choice) = self.proposal.choices.fields.get(&field.id) else { continue };
                if is_partial || (choice.give && choice.clear_until.is_some()) {
                    applications::set_choice(tx.db(), field, serde_json::to_string(choice)?).await?;
                }
            }
            let scope = self.proposal.row_scopes.get(&item.resource.code).map(|scope| scope.trim());
            let Some(scope) = scope.filter(|scope| is_partial && !scope.is_empty()) else { continue };
            let entry = neighbours::entry(tx.db(), &item.resource.code).await?;
            let place = format!("row_scope.{}", item.resource.code);
            crate::row_scope::check(scope, &entry).map_err(|text| Error::invalid(vec![FieldError::new(place, text)]))?;
            applications::set_row_scope(tx.db(), &item.resource, scope.to_owned()).await?;
        }
        if !is_partial {
            return Ok(());
        }
        let choices = &self.proposal.choices;
        let narrowed = choices.quota;
        let change = part::ActiveModel {
            until_at: Set(choices.until.or(part.until_at)),
            rows_per_day: Set(narrowed.map(|quota| quota.rows_per_day).or(part.rows_per_day)),
            calls_per_minute: Set(narrowed.map(|quota| quota.calls_per_minute).or(part.calls_per_minute)),
            rows_per_result: Set(narrowed.map(|quota| quota.rows_per_result).or(part.rows_per_result)),
            reason: Set(self.opinion.trim().to_owned()),
            ..Default::default()
        };
        applications::update_part(tx.db(), change, part).await
    }

    async fn returned(&self, tx: &Tx, paper: &Paper, part: &part::Model) -> Result<Answer> {
        let change = part::ActiveModel {
            state: Set(part.state.step(PartEvent::AskSupplement)?),
            ..Default::default()
        };
        applications::update_part(tx.db(), change, part).await?;
        let missing = outcome::missing_text(&self.verdict);
        let change = application::ActiveModel { missing: Set(missing), ..Default::default() };
        applications::update(tx.db(), change, &paper.application).await?;
        Ok(Answer::default())
    }

    async fn grant(&self, tx: &Tx, ctx: &Ctx, paper: &Paper, part: &part::Model, terms: &Terms) -> Result<Answer> {
        let grants = issue::grants(tx, ctx, &self.sharing, paper, part, terms).await?;
        let narrowed = paper.items_of(&part.id).any(|item| item.resource.row_scope_given.is_some());
        let event = if terms.reduced || narrowed { PartEvent::GrantPart } else { PartEvent::GrantAll };
        self.close(tx, ctx, paper, part, event).await?;
        Ok(Answer { grants })
    }

    /// Ends the part, and the application with its last open part.
    async fn close(&self, tx: &Tx, ctx: &Ctx, paper: &Paper, part: &part::Model, event: PartEvent) -> Result<()> {
        let refused = event == PartEvent::Refuse;
        let change = part::ActiveModel {
            state: Set(part.state.step(event)?),
            decided_at: Set(Some(ctx.now)),
            reason: if refused { Set(self.opinion.trim().to_owned()) } else { Set(part.reason.clone()) },
            ..Default::default()
        };
        applications::update_part(tx.db(), change, part).await?;
        let others_open = paper.parts.iter().any(|other| other.id != part.id && other.state.is_open());
        if others_open {
            return Ok(());
        }
        let change = application::ActiveModel {
            state: Set(paper.application.state.step(Event::Close)?),
            closed_at: Set(Some(ctx.now)),
            ..Default::default()
        };
        applications::update(tx.db(), change, &paper.application).await
    }
}

/// Public facts for the ledger: over-privilege is named field by field (SHA-9).
fn detail(verdict: &Verdict, paper: &Paper, answer: &Answer, terms: Option<&Terms>) -> serde_json::Value {
    let Some(terms) = terms else {
        return serde_json::json!({ "verdict": outcome::verdict_word(verdict) });
    };
    let clear = terms.given.iter().filter_map(|given| {
        let field = paper.fields().find(|field| field.id == given.id)?;
        let until = given.clear_until?;
        Some(serde_json::json!({ "field": field.name, "grade": field.grade, "until": until.rfc3339() }))
    });
    serde_json::json!({
        "verdict": outcome::verdict_word(verdict),
        "given": terms.given.len(),
        "refused": terms.refused.len(),
        "unmasked": clear.collect::<Vec<_>>(),
        "grants": answer.grants,
    })
}
