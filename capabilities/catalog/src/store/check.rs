//! Kept records of consistency checks: one row per check, one per difference.

use hufu_kernel::error::Result;
use hufu_kernel::ids::{CheckId, ResourceId, SourceId};
use hufu_kernel::time::Timestamp;
use sea_orm::entity::prelude::*;
use sea_orm::{ActiveValue::Set, ConnectionTrait, QueryOrder, QuerySelect};

use crate::model::check::{CheckResult, Difference};

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "catalog_check")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: CheckId,
    pub resource_id: ResourceId,
    pub source_id: SourceId,
    pub source_table: String,
    pub at: Timestamp,
    pub by_login: String,
    pub result: CheckResult,
    /// Code and message of the fault, when the source could not be read.
    pub fault: String,
    pub columns_seen: i32,
    pub rows_seen: Option<i64>,
    /// Version of the entry that was compared.
    pub resource_version: i32,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

pub mod item {
    use hufu_kernel::ids::CheckId;
    use sea_orm::entity::prelude::*;

    use crate::model::check::Problem;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "catalog_check_item")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: String,
        pub check_id: CheckId,
        pub position: i32,
        pub field: String,
        pub problem: Problem,
        pub expected: String,
        pub found: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

pub async fn insert(db: &impl ConnectionTrait, check: Model, differences: &[Difference]) -> Result<()> {
    let id = check.id.clone();
    Entity::insert(ActiveModel::from(check)).exec_without_returning(db).await?;
    let rows: Vec<item::ActiveModel> = differences
        .iter()
        .enumerate()
        .map(|(position, difference)| item::ActiveModel {
            id: Set(format!("{id}/{position}")),
            check_id: Set(id.clone()),
            position: Set(i32::try_from(position).unwrap_or(i32::MAX)),
            field: Set(difference.field.clone()),
            problem: Set(difference.problem),
            expected: Set(difference.expected.clone()),
            found: Set(difference.found.clone()),
        })
        .collect();
    for some in rows.chunks(super::chunk_rows(7)) {
        item::Entity::insert_many(some.to_vec()).exec_without_returning(db).await?;
    }
    Ok(())
}

/// Newest first.
pub async fn of(db: &impl ConnectionTrait, resource: &ResourceId, limit: u64) -> Result<Vec<Model>> {
    let found = Entity::find().filter(Column::ResourceId.eq(resource.clone())).order_by_desc(Column::Id).limit(limit);
    Ok(found.all(db).await?)
}

pub async fn items(db: &impl ConnectionTrait, check: &CheckId) -> Result<Vec<item::Model>> {
    let found = item::Entity::find()
        .filter(item::Column::CheckId.eq(check.clone()))
        .order_by_asc(item::Column::Position);
    Ok(found.all(db).await?)
}
