//! 申请篮: what a data user has put aside for an application.

use hufu_kernel::error::Result;
use hufu_kernel::ids::{AccountId, ResourceId};
use hufu_kernel::time::Timestamp;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::OnConflict;
use sea_orm::{ActiveValue::Set, ConnectionTrait, PaginatorTrait, QueryOrder};

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "catalog_cart")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub account_id: AccountId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub resource_id: ResourceId,
    pub added_at: Timestamp,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// What lies in it twice lies in it once.
pub async fn add(db: &impl ConnectionTrait, account: &AccountId, resources: &[ResourceId], at: Timestamp) -> Result<()> {
    for some in resources.chunks(super::chunk_rows(3)) {
        let rows = some.iter().map(|resource| ActiveModel {
            account_id: Set(account.clone()),
            resource_id: Set(resource.clone()),
            added_at: Set(at),
        });
        let again = OnConflict::columns([Column::AccountId, Column::ResourceId]).do_nothing().to_owned();
        Entity::insert_many(rows).on_conflict(again).exec_without_returning(db).await?;
    }
    Ok(())
}

pub async fn remove(db: &impl ConnectionTrait, account: &AccountId, resources: &[ResourceId]) -> Result<()> {
    for some in resources.chunks(super::chunk_rows(1)) {
        Entity::delete_many()
            .filter(Column::AccountId.eq(account.clone()))
            .filter(Column::ResourceId.is_in(some.iter().cloned()))
            .exec(db)
            .await?;
    }
    Ok(())
}

/// Oldest first.
pub async fn of(db: &impl ConnectionTrait, account: &AccountId) -> Result<Vec<ResourceId>> {
    let found = Entity::find().filter(Column::AccountId.eq(account.clone())).order_by_asc(Column::AddedAt);
    Ok(found.all(db).await?.into_iter().map(|row| row.resource_id).collect())
}

pub async fn count(db: &impl ConnectionTrait, account: &AccountId) -> Result<u64> {
    Ok(Entity::find().filter(Column::AccountId.eq(account.clone())).count(db).await?)
}
