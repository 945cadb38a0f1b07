//! Hands an application in: for the first time, or completed after it came back.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use hufu_kernel::actor::UnitRef;
use hufu_kernel::approval::{self, Kind, Needs, NewApproval, StepSpec};
use hufu_kernel::command::{Applied, Command, Ctx, Loaded};
use hufu_kernel::error::{Error, FieldError, Result};
use hufu_kernel::ids::ApprovalId;
use hufu_kernel::store::Tx;
use hufu_kernel::unit;
use sea_orm::ActiveValue::Set;

use super::{application_object, draft, save_draft, seen_version};
use crate::Sharing;
use crate::model::application::{Event, State};
use crate::model::flow::{Side, Step};
use crate::model::form::{Bounds, Form};
use crate::store::applications::{self, Paper};
use crate::store::rows::application;

/// What the inbox calls it.
pub const FRONT: Kind = Kind { key: "sharing.application", name: "用数申请" };

#[derive(Debug)]
pub struct SubmitApplication {
    pub sharing: Arc<Sharing>,
    /// Absent when it is handed in without ever having been a draft.
    pub no: Option<String>,
    pub version: Option<i32>,
    /// The form as it is handed in; absent takes the draft as it stands.
    pub form: Option<Form>,
    /// What was completed, in words, for those who asked for it.
    pub note: String,
}

#[async_trait]
impl Command for SubmitApplication {
    const ACTION: &'static str = "sharing.application.submit";
    type Subject = Option<Paper>;
    type Output = Paper;

    async fn load(&self, tx: &Tx, ctx: &Ctx) -> Result<Loaded<Option<Paper>>> {
        save_draft::load(tx, ctx, self.no.as_deref(), self.version).await
    }

    async fn apply(self, tx: &Tx, ctx: &Ctx, subject: Option<Paper>) -> Result<Applied<Paper>> {
        let before = subject.as_ref().map(asked_keys);
        let paper = match (&self.form, subject) {
            (Some(form), subject) => draft::write(tx, ctx, &self.sharing, subject, form).await?,
            (None, Some(paper)) => paper,
            (None, None) => return Err(Error::not_found("申请单")),
        };
        let bounds = Bounds {
            today: ctx.now.date(),
            period_days_max: self.sharing.flow.period_days_max,
            quota_max: self.sharing.flow.quota,
        };
        let faults = draft::form_of(&paper).faults(bounds);
        if !faults.is_empty() {
            return Err(Error::invalid(faults));
        }
        match paper.application.state {
            State::Supplementing => self.resubmit(tx, ctx, &paper, before.unwrap_or_default()).await?,
            State::Draft
            | State::Reviewing
            | State::Deciding
            | State::Closed
            | State::Refused
            | State::Withdrawn => self.submit(tx, ctx, &paper).await?,
        }
        let paper = applications::paper_by_id(tx.db(), &paper.application.id).await?;
        let object = application_object(&paper);
        let detail = serde_json::json!({
            "resources": paper.resources.len(),
            "fields": paper.fields().count(),
            "unmasked": paper.fields().filter(|field| field.unmasked).count(),
            "parts": paper.parts.len(),
        });
        Ok(Applied::new(paper).object(object).detail(detail))
    }
}

impl SubmitApplication {
    async fn submit(&self, tx: &Tx, ctx: &Ctx, paper: &Paper) -> Result<()> {
        let state = paper.application.state.step(Event::Submit)?;
        applications::replace_parts(tx.db(), paper).await?;
        let actor = ctx.actor()?;
        let flow = &self.sharing.flow;
        let strict = paper.fields().any(|field| self.sharing.is_strict(&field.grade, field.unmasked));
        let only_unconditional = paper.resources.iter().all(|item| item.resource.unconditional);
        let consented = self.is_consented(tx, ctx, paper).await?;
        let mut steps = Vec::new();
        for step in flow.front_steps(only_unconditional, strict, consented) {
            steps.push(spec(tx, step, paper, None).await?);
        }
        let new = NewApproval {
            object: application_object(paper),
            kind: FRONT,
            title: paper.application.scenario.clone(),
            link: format!("/apply/{}", paper.application.no),
            initiator: actor.clone(),
            steps,
            copies: Vec::new(),
        };
        let (approval, _) = approval::start(tx, ctx, new).await?;
        self.write(tx, ctx, paper, state, Some(approval)).await
    }

    /// The clock goes on. Nothing may be added that those who have already decided did not see.
    async fn resubmit(&self, tx: &Tx, ctx: &Ctx, paper: &Paper, before: BTreeSet<String>) -> Result<()> {
        let state = paper.application.state.step(Event::Resubmit)?;
        if !asked_keys(paper).is_subset(&before) {
            let text = "补正时不能增加资源、信息项或改为不脱敏，请另行申请";
            return Err(Error::invalid(vec![FieldError::new("resources", text)]));
        }
        applications::replace_parts(tx.db(), paper).await?;
        let id = paper.application.approval_id.clone().ok_or_else(|| Error::not_found("审批事项"))?;
        let version = seen_version(tx, &id, None).await?;
        approval::resubmit(tx, ctx, &id, version, &self.note).await?;
        self.write(tx, ctx, paper, state, Some(id)).await
    }

    async fn write(&self, tx: &Tx, ctx: &Ctx, paper: &Paper, state: State, approval: Option<ApprovalId>) -> Result<()> {
        let change = application::ActiveModel {
            state: Set(state),
            approval_id: Set(approval),
            missing: Set(String::new()),
            submitted_at: Set(Some(paper.application.submitted_at.unwrap_or(ctx.now))),
            ..Default::default()
        };
        applications::update(tx.db(), change, &paper.application).await
    }

    /// Has the own office's head consented beforehand to applications up to this grade?
    async fn is_consented(&self, tx: &Tx, ctx: &Ctx, paper: &Paper) -> Result<bool> {
        let consents = applications::consents(tx.db(), &paper.application.unit_id, ctx.now).await?;
        let covers = |most: &str| {
            paper.fields().all(|field| !field.unmasked && self.sharing.is_at_most(&field.grade, most))
        };
        let by_other = |given_by: &hufu_kernel::ids::AccountId| *given_by != paper.application.applicant;
        Ok(consents.iter().any(|consent| by_other(&consent.given_by) && covers(&consent.grade_max)))
    }
}

/// A step of the flow at the unit it stands for.
pub(super) async fn spec(tx: &Tx, step: &Step, paper: &Paper, provider: Option<&UnitRef>) -> Result<StepSpec> {
    let unit = match (step.unit, provider) {
        (Side::Applicant, _) => paper.unit.clone(),
        (Side::Competent, _) => unit::competent_bureau(tx.db(), &paper.unit).await?.as_ref(),
        (Side::Provider, Some(provider)) => provider.clone(),
        (Side::Provider, None) => return Err(Error::internal("a front step names the provider")),
    };
    let limit = tx.rules().limit(&step.limit)?.clone();
    let needs = if provider.is_some() { Needs::Fields } else { Needs::Nothing };
    Ok(StepSpec::new(&step.key, &step.title, step.role, unit).within(&limit).needs(needs))
}

/// Each asked field of each resource, and whether it is asked unmasked.
fn asked_keys(paper: &Paper) -> BTreeSet<String> {
    let mut keys = BTreeSet::new();
    for item in &paper.resources {
        for field in &item.fields {
            keys.insert(format!("{}\n{}", item.resource.code, field.name));
            if field.unmasked {
                keys.insert(format!("{}\n{}\nclear", item.resource.code, field.name));
            }
        }
    }
    keys
}
