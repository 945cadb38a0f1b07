//! Former versions of an entry, each whole.

use hufu_kernel::error::Result;
use hufu_kernel::ids::{EntryId, ResourceId};
use hufu_kernel::time::Timestamp;
use sea_orm::entity::prelude::*;
use sea_orm::{ActiveValue::Set, ConnectionTrait, QueryOrder};

use super::{field, resource};

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "catalog_version")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    pub resource_id: ResourceId,
    pub version: i32,
    pub at: Timestamp,
    pub by_login: String,
    pub note: String,
    pub snapshot: String,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Keeps the entry as it is now.
pub async fn keep(db: &impl ConnectionTrait, now: &resource::Model, by: &str, note: &str) -> Result<()> {
    let fields: Vec<_> = field::of(db, &now.id).await?.iter().map(field::Model::spec).collect();
    let snapshot = serde_json::json!({ "metadata": now.metadata(), "state": now.state, "grade": now.grade, "fields": fields });
    let row = ActiveModel {
        id: Set(EntryId::generate().to_string()),
        resource_id: Set(now.id.clone()),
        version: Set(now.version),
        at: Set(now.updated_at),
        by_login: Set(by.to_owned()),
        note: Set(note.to_owned()),
        snapshot: Set(snapshot.to_string()),
    };
    Entity::insert(row).exec_without_returning(db).await?;
    Ok(())
}

/// Newest first.
pub async fn of(db: &impl ConnectionTrait, resource: &ResourceId) -> Result<Vec<Model>> {
    let found = Entity::find().filter(Column::ResourceId.eq(resource.clone())).order_by_desc(Column::Version);
    Ok(found.all(db).await?)
}
