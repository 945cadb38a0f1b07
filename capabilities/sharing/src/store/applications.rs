//! Applications with their persons, parts, resources and fields.

use std::collections::BTreeMap;

use hufu_kernel::actor::UnitRef;
use hufu_kernel::error::{Error, Result};
use hufu_kernel::ids::{AccountId, ApplicationId, ApprovalId, PartId, UnitId};
use hufu_kernel::time::Timestamp;
use hufu_kernel::unit;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::Expr;
use sea_orm::{ActiveValue::Set, ConnectionTrait, IntoActiveModel, QueryOrder, QuerySelect};

use super::rows::{application, application_field, application_person, application_resource, part, standing_consent};
use crate::model::application::State;
use crate::model::part::State as PartState;

/// An application with everything that belongs to it.
#[derive(Clone, Debug)]
pub struct Paper {
    pub application: application::Model,
    pub unit: UnitRef,
    pub persons: Vec<application_person::Model>,
    pub parts: Vec<part::Model>,
    pub resources: Vec<Item>,
}

/// One asked resource.
#[derive(Clone, Debug)]
pub struct Item {
    pub resource: application_resource::Model,
    pub fields: Vec<application_field::Model>,
}

impl Paper {
    pub fn part(&self, id: &PartId) -> Result<&part::Model> {
        self.parts.iter().find(|part| part.id == *id).ok_or_else(|| Error::not_found("供方审批"))
    }

    pub fn items_of<'a>(&'a self, part: &'a PartId) -> impl Iterator<Item = &'a Item> {
        self.resources.iter().filter(move |item| item.resource.part_id.as_ref() == Some(part))
    }

    pub fn fields(&self) -> impl Iterator<Item = &application_field::Model> {
        self.resources.iter().flat_map(|item| &item.fields)
    }
}

pub async fn paper(db: &impl ConnectionTrait, no: &str) -> Result<Paper> {
    let found = application::Entity::find().filter(application::Column::No.eq(no)).one(db).await?;
    fill(db, found.ok_or_else(|| Error::not_found("申请单"))?).await
}

pub async fn paper_by_id(db: &impl ConnectionTrait, id: &ApplicationId) -> Result<Paper> {
    let found = application::Entity::find_by_id(id.clone()).one(db).await?;
    fill(db, found.ok_or_else(|| Error::not_found("申请单"))?).await
}

async fn fill(db: &impl ConnectionTrait, application: application::Model) -> Result<Paper> {
    let id = application.id.clone();
    let unit = unit::find(db, &application.unit_id).await?.as_ref();
    let persons = application_person::Entity::find()
        .filter(application_person::Column::ApplicationId.eq(id.clone()))
        .order_by_asc(application_person::Column::Id)
        .all(db)
        .await?;
    let parts = part::Entity::find()
        .filter(part::Column::ApplicationId.eq(id.clone()))
        .order_by_asc(part::Column::Seq)
        .all(db)
        .await?;
    let resources = application_resource::Entity::find()
        .filter(application_resource::Column::ApplicationId.eq(id))
        .order_by_asc(application_resource::Column::Id)
        .all(db)
        .await?;
    let ids: Vec<i64> = resources.iter().map(|resource| resource.id).collect();
    let mut fields: BTreeMap<i64, Vec<application_field::Model>> = BTreeMap::new();
    let found = application_field::Entity::find()
        .filter(application_field::Column::ApplicationResourceId.is_in(ids))
        .order_by_asc(application_field::Column::Id)
        .all(db)
        .await?;
    for field in found {
        fields.entry(field.application_resource_id).or_default().push(field);
    }
    let resources = resources
        .into_iter()
        .map(|resource| Item { fields: fields.remove(&resource.id).unwrap_or_default(), resource })
        .collect();
    Ok(Paper { application, unit, persons, parts, resources })
}

/// Writes an application if nobody else did since it was read.
pub async fn update(db: &impl ConnectionTrait, mut change: application::ActiveModel, read: &application::Model) -> Result<()> {
    change.version = Set(read.version + 1);
    let done = application::Entity::update_many()
        .set(change)
        .filter(application::Column::Id.eq(read.id.clone()))
        .filter(application::Column::Version.eq(read.version))
        .exec(db)
        .await?;
    if done.rows_affected == 1 { Ok(()) } else { Err(Error::stale()) }
}

pub async fn update_part(db: &impl ConnectionTrait, mut change: part::ActiveModel, read: &part::Model) -> Result<()> {
    change.version = Set(read.version + 1);
    let done = part::Entity::update_many()
        .set(change)
        .filter(part::Column::Id.eq(read.id.clone()))
        .filter(part::Column::Version.eq(read.version))
        .exec(db)
        .await?;
    if done.rows_affected == 1 { Ok(()) } else { Err(Error::stale()) }
}

/// Replaces what is asked: persons, resources, fields.
pub async fn replace_asked(
    db: &impl ConnectionTrait,
    id: &ApplicationId,
    persons: Vec<application_person::ActiveModel>,
    items: Vec<(application_resource::ActiveModel, Vec<application_field::ActiveModel>)>,
) -> Result<()> {
    application_person::Entity::delete_many().filter(application_person::Column::ApplicationId.eq(id.clone())).exec(db).await?;
    let old: Vec<i64> = application_resource::Entity::find()
        .select_only()
        .column(application_resource::Column::Id)
        .filter(application_resource::Column::ApplicationId.eq(id.clone()))
        .into_tuple()
        .all(db)
        .await?;
    application_field::Entity::delete_many()
        .filter(application_field::Column::ApplicationResourceId.is_in(old))
        .exec(db)
        .await?;
    application_resource::Entity::delete_many()
        .filter(application_resource::Column::ApplicationId.eq(id.clone()))
        .exec(db)
        .await?;
    if !persons.is_empty() {
        application_person::Entity::insert_many(persons).exec_without_returning(db).await?;
    }
    for (resource, mut fields) in items {
        let resource = resource.insert(db).await?;
        for field in &mut fields {
            field.application_resource_id = Set(resource.id);
        }
        if !fields.is_empty() {
            application_field::Entity::insert_many(fields).exec_without_returning(db).await?;
        }
    }
    Ok(())
}

/// Replaces the parts of an application that is submitted, and ties its resources to them.
pub async fn replace_parts(db: &impl ConnectionTrait, paper: &Paper) -> Result<Vec<part::Model>> {
    let id = &paper.application.id;
    part::Entity::delete_many().filter(part::Column::ApplicationId.eq(id.clone())).exec(db).await?;
    let mut groups: Vec<(UnitId, bool, Vec<i64>)> = Vec::new();
    for item in &paper.resources {
        let (provider, free) = (&item.resource.provider_id, item.resource.unconditional);
        match groups.iter_mut().find(|(of, is_free, _)| of == provider && *is_free == free) {
            Some((_, _, ids)) => ids.push(item.resource.id),
            None => groups.push((provider.clone(), free, vec![item.resource.id])),
        }
    }
    let mut parts = Vec::new();
    for (seq, (provider, unconditional, ids)) in (1..).zip(groups) {
        let part = part::ActiveModel {
            id: Set(PartId::generate()),
            application_id: Set(id.clone()),
            seq: Set(seq),
            provider_id: Set(provider),
            unconditional: Set(unconditional),
            state: Set(PartState::Waiting),
            approval_id: Set(None),
            until_at: Set(None),
            rows_per_day: Set(None),
            calls_per_minute: Set(None),
            rows_per_result: Set(None),
            reason: Set(String::new()),
            decided_at: Set(None),
            version: Set(1),
        };
        let part = part.insert(db).await?;
        application_resource::Entity::update_many()
            .col_expr(application_resource::Column::PartId, Expr::value(part.id.clone()))
            .filter(application_resource::Column::Id.is_in(ids))
            .exec(db)
            .await?;
        parts.push(part);
    }
    Ok(parts)
}

/// Keeps what was chosen about a field so far.
pub async fn set_choice(db: &impl ConnectionTrait, field: &application_field::Model, choice: String) -> Result<()> {
    let mut change = field.clone().into_active_model();
    change.choice = Set(choice);
    change.update(db).await?;
    Ok(())
}

pub async fn set_row_scope(db: &impl ConnectionTrait, resource: &application_resource::Model, scope: String) -> Result<()> {
    let mut change = resource.clone().into_active_model();
    change.row_scope_given = Set(Some(scope));
    change.update(db).await?;
    Ok(())
}

/// The application an approval belongs to, and which part of it.
pub async fn by_approval(db: &impl ConnectionTrait, approval: &ApprovalId) -> Result<Option<(ApplicationId, Option<PartId>)>> {
    let front = application::Entity::find().filter(application::Column::ApprovalId.eq(approval.clone())).one(db).await?;
    if let Some(front) = front {
        return Ok(Some((front.id, None)));
    }
    let part = part::Entity::find().filter(part::Column::ApprovalId.eq(approval.clone())).one(db).await?;
    Ok(part.map(|part| (part.application_id, Some(part.id))))
}

/// The applicant's last submitted application: what the next one starts from.
pub async fn last_of(db: &impl ConnectionTrait, account: &AccountId) -> Result<Option<application::Model>> {
    let found = application::Entity::find()
        .filter(application::Column::Applicant.eq(account.clone()))
        .filter(application::Column::State.ne(State::Draft))
        .order_by_desc(application::Column::SubmittedAt)
        .one(db)
        .await?;
    Ok(found)
}

pub async fn persons_of(db: &impl ConnectionTrait, id: &ApplicationId) -> Result<Vec<application_person::Model>> {
    let persons = application_person::Entity::find().filter(application_person::Column::ApplicationId.eq(id.clone()));
    Ok(persons.order_by_asc(application_person::Column::Id).all(db).await?)
}

/// Consents of a unit's head that hold at a moment.
pub async fn consents(db: &impl ConnectionTrait, unit: &UnitId, now: Timestamp) -> Result<Vec<standing_consent::Model>> {
    let consents = standing_consent::Entity::find()
        .filter(standing_consent::Column::UnitId.eq(unit.clone()))
        .filter(standing_consent::Column::EndedAt.is_null())
        .filter(standing_consent::Column::FromAt.lte(now))
        .filter(standing_consent::Column::UntilAt.gte(now))
        .all(db)
        .await?;
    Ok(consents)
}
