//! Changes of a sharing attribute, with what was and what is to be.

use hufu_kernel::error::{Error, Result};
use hufu_kernel::ids::{ApprovalId, ResourceChangeId, ResourceId};
use hufu_kernel::time::Timestamp;
use sea_orm::entity::prelude::*;
use sea_orm::{ActiveValue::Set, ConnectionTrait, QueryOrder};

use crate::model::metadata::SharingTerms;
use crate::model::state::ChangeState;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "catalog_change")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ResourceChangeId,
    #[sea_orm(unique)]
    pub no: String,
    pub resource_id: ResourceId,
    pub from_terms: String,
    pub to_terms: String,
    pub reason: String,
    pub state: ChangeState,
    pub approval_id: Option<ApprovalId>,
    pub by_login: String,
    pub at: Timestamp,
    pub decided_at: Option<Timestamp>,
    pub version: i32,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    pub fn from(&self) -> Result<SharingTerms> {
        Ok(serde_json::from_str(&self.from_terms)?)
    }

    pub fn to(&self) -> Result<SharingTerms> {
        Ok(serde_json::from_str(&self.to_terms)?)
    }
}

pub async fn find(db: &impl ConnectionTrait, id: &ResourceChangeId) -> Result<Model> {
    Entity::find_by_id(id.clone()).one(db).await?.ok_or_else(|| Error::not_found("共享属性变更"))
}

/// The change that waits for its decision, if there is one.
pub async fn pending(db: &impl ConnectionTrait, resource: &ResourceId) -> Result<Option<Model>> {
    let found = Entity::find()
        .filter(Column::ResourceId.eq(resource.clone()))
        .filter(Column::State.eq(ChangeState::Pending));
    Ok(found.one(db).await?)
}

/// Newest first.
pub async fn of(db: &impl ConnectionTrait, resource: &ResourceId) -> Result<Vec<Model>> {
    let found = Entity::find().filter(Column::ResourceId.eq(resource.clone())).order_by_desc(Column::At);
    Ok(found.all(db).await?)
}

/// Closes a pending change, if nobody was faster.
pub async fn close(db: &impl ConnectionTrait, seen: &Model, state: ChangeState, now: Timestamp) -> Result<()> {
    let change = ActiveModel {
        state: Set(state),
        decided_at: Set(Some(now)),
        version: Set(seen.version + 1),
        ..Default::default()
    };
    let result = Entity::update_many()
        .set(change)
        .filter(Column::Id.eq(seen.id.clone()))
        .filter(Column::Version.eq(seen.version))
        .exec(db)
        .await?;
    if result.rows_affected == 0 { Err(Error::stale()) } else { Ok(()) }
}
