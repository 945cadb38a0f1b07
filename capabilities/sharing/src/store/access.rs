//! What was read under which grant: one row per statement, and the day's usage of each grant.

use hufu_kernel::error::{Error, Result};
use hufu_kernel::ids::GrantId;
use sea_orm::entity::prelude::*;
use sea_orm::{ActiveValue::Set, ConnectionTrait, QueryOrder, QuerySelect, Statement};

use super::rows::access_record::AccessState;
use super::rows::{access_grant, access_record, data_grant};

/// Ids of grants by their numbers; a number nobody knows (a preview) has none.
pub async fn grant_ids(db: &impl ConnectionTrait, numbers: &[String]) -> Result<Vec<GrantId>> {
    let ids = data_grant::Entity::find()
        .select_only()
        .column(data_grant::Column::Id)
        .filter(data_grant::Column::No.is_in(numbers.iter().cloned()))
        .into_tuple()
        .all(db)
        .await?;
    Ok(ids)
}

pub async fn insert(db: &impl ConnectionTrait, row: access_record::Model, grants: &[GrantId]) -> Result<()> {
    let id = row.id.clone();
    let row: access_record::ActiveModel = row.into();
    access_record::Entity::insert(row.reset_all()).exec_without_returning(db).await?;
    let links = grants.iter().map(|grant| access_grant::ActiveModel {
        access_id: Set(id.clone()),
        grant_id: Set(grant.clone()),
        ..Default::default()
    });
    let links: Vec<_> = links.collect();
    if !links.is_empty() {
        access_grant::Entity::insert_many(links).exec_without_returning(db).await?;
    }
    Ok(())
}

/// Counts rows and calls of a day; rows may be given back, so they may be negative here.
pub async fn count(db: &impl ConnectionTrait, grants: &[GrantId], day: i32, rows: i64, calls: i64) -> Result<()> {
    let sql = "INSERT INTO grant_usage (grant_id, day, rows, calls) VALUES ($1, $2, $3, $4) \
               ON CONFLICT (grant_id, day) DO UPDATE SET rows = grant_usage.rows + $3, calls = grant_usage.calls + $4";
    for grant in grants {
        let values = [grant.as_str().into(), day.into(), rows.into(), calls.into()];
        db.execute_raw(Statement::from_sql_and_values(db.get_database_backend(), sql, values)).await?;
    }
    Ok(())
}

pub async fn update(db: &impl ConnectionTrait, id: &str, change: access_record::ActiveModel) -> Result<()> {
    let done = access_record::Entity::update_many().set(change).filter(access_record::Column::Id.eq(id)).exec(db).await?;
    if done.rows_affected == 1 { Ok(()) } else { Err(Error::internal("an access record is missing")) }
}

/// Accesses that have begun and not ended, the oldest first.
pub async fn open(db: &impl ConnectionTrait) -> Result<Vec<access_record::Model>> {
    let rows = access_record::Entity::find().filter(access_record::Column::State.eq(AccessState::Open));
    Ok(rows.order_by_asc(access_record::Column::At).all(db).await?)
}

pub async fn by_request(db: &impl ConnectionTrait, request: &str) -> Result<Option<access_record::Model>> {
    let rows = access_record::Entity::find().filter(access_record::Column::Request.eq(request));
    Ok(rows.order_by_desc(access_record::Column::At).one(db).await?)
}
