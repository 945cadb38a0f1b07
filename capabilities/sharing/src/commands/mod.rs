//! What people decide here, one file per command.

mod decide_front;
mod decide_part;
mod draft;
mod end_consent;
mod expire_grant;
mod give_consent;
mod issue;
mod outcome;
mod reduce_grant;
mod resubmit_part;
mod resume_grant;
mod revoke_grant;
mod save_draft;
mod submit_application;
mod suspend_grant;
mod urge_application;
mod withdraw_application;

pub use decide_front::DecideFront;
pub use decide_part::{DecidePart, Proposal};

pub(crate) use outcome::choice_of;
pub use outcome::Answer;
pub use end_consent::EndConsent;
pub(crate) use draft::{form_of, profile_mask, quota_of};
pub(crate) use issue::key_place;
pub use expire_grant::ExpireGrant;
pub use give_consent::GiveConsent;
pub use reduce_grant::{ReduceGrant, Reduction};
pub use resubmit_part::ResubmitPart;
pub use resume_grant::ResumeGrant;
pub use revoke_grant::RevokeGrant;
pub use save_draft::SaveDraft;
pub use submit_application::SubmitApplication;
pub use suspend_grant::SuspendGrant;
pub use urge_application::UrgeApplication;
pub use withdraw_application::WithdrawApplication;

use hufu_kernel::actor::UnitRef;
use hufu_kernel::approval::{self, Place};
use hufu_kernel::audit::ObjectRef;
use hufu_kernel::command::Ctx;
use hufu_kernel::error::{Error, FieldError, Result};
use hufu_kernel::ids::{ApprovalId, UnitId};
use hufu_kernel::message::{self, Category, NewMessage, Recipient};
use hufu_kernel::policy::{Resource, Value};
use hufu_kernel::store::Tx;
use hufu_kernel::unit;
use sea_orm::ConnectionTrait;

use crate::store::applications::Paper;
use crate::store::grants::Grant;
use crate::store::rows::part;

/// Characters of a reason.
const REASON_CHARS_MAX: usize = 500;

/// An application as the policy knows it.
pub(crate) async fn application_resource(db: &impl ConnectionTrait, paper: &Paper) -> Result<Resource> {
    let mut providers: Vec<UnitRef> = Vec::new();
    for item in &paper.resources {
        if !providers.iter().any(|unit| unit.id == item.resource.provider_id) {
            providers.push(unit::find(db, &item.resource.provider_id).await?.as_ref());
        }
    }
    let competent = unit::competent_bureau(db, &paper.unit).await?.as_ref();
    let resource = Resource::new("Application", paper.application.id.as_str())
        .of_unit(&paper.unit)
        .with("competent", Value::Unit(competent))
        .with("applicant", Value::Account(paper.application.applicant.to_string()))
        .with("providers", Value::Units(providers));
    Ok(resource)
}

pub(crate) async fn part_resource(db: &impl ConnectionTrait, paper: &Paper, part: &part::Model) -> Result<Resource> {
    let provider = unit::find(db, &part.provider_id).await?.as_ref();
    let competent = unit::competent_bureau(db, &paper.unit).await?.as_ref();
    let resource = Resource::new("ApplicationPart", part.id.as_str())
        .of_unit(&paper.unit)
        .with("provider", Value::Unit(provider))
        .with("competent", Value::Unit(competent))
        .with("applicant", Value::Account(paper.application.applicant.to_string()));
    Ok(resource)
}

pub(crate) async fn grant_resource(
    db: &impl ConnectionTrait,
    id: &str,
    unit_id: &UnitId,
    provider_id: &UnitId,
) -> Result<Resource> {
    let unit = unit::find(db, unit_id).await?.as_ref();
    let provider = unit::find(db, provider_id).await?.as_ref();
    let competent = unit::competent_bureau(db, &unit).await?.as_ref();
    let resource = Resource::new("DataGrant", id)
        .of_unit(&unit)
        .with("provider", Value::Unit(provider))
        .with("competent", Value::Unit(competent));
    Ok(resource)
}

fn application_object(paper: &Paper) -> ObjectRef {
    ObjectRef::new("application", &paper.application.id, paper.application.no.clone())
}

fn grant_object(grant: &Grant) -> ObjectRef {
    ObjectRef::new("grant", &grant.row.id, grant.row.no.clone())
}

/// A reason that is there and not too long.
fn reason(field: &str, text: &str) -> Result<String> {
    let text = text.trim();
    if text.is_empty() {
        return Err(Error::invalid(vec![FieldError::new(field, "请填写理由")]));
    }
    if text.chars().count() > REASON_CHARS_MAX {
        return Err(Error::invalid(vec![FieldError::new(field, format!("不得超过 {REASON_CHARS_MAX} 字"))]));
    }
    Ok(text.to_owned())
}

/// The version of an approval as the person saw it; who does not say decides on the present one.
async fn seen_version(tx: &Tx, id: &ApprovalId, seen: Option<i32>) -> Result<i32> {
    match seen {
        Some(version) => Ok(version),
        None => Ok(approval::find(tx, id).await?.0.version),
    }
}

/// Did this account decide a step of that approval?
async fn has_decided(tx: &Tx, id: &ApprovalId, account: &hufu_kernel::ids::AccountId) -> Result<bool> {
    let (_, state) = approval::find(tx, id).await?;
    let by_account = |place: &Place| match place {
        Place::Decided { by, .. } => by == account,
        Place::Waiting | Place::Open { .. } => false,
    };
    Ok(state.steps.iter().any(|step| by_account(&step.place)))
}

/// Tells everyone named in a grant what became of it.
async fn tell_persons(tx: &Tx, ctx: &Ctx, grant: &Grant, words: &str) -> Result<()> {
    for person in &grant.persons {
        let message = NewMessage {
            to: Recipient::Account(person.account.clone()),
            category: Category::Grant,
            title: format!("{words}：{}", grant.row.resource_name),
            body: format!("授权号 {}，用途「{}」", grant.row.no, grant.row.purpose),
            link: format!("/grants/{}", grant.row.no),
        };
        message::send(tx, ctx.now, message).await?;
    }
    Ok(())
}
