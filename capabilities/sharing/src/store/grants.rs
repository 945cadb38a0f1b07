//! Grants with their persons and fields, the version that every change bumps, and usage.

use std::collections::BTreeMap;

use hufu_kernel::error::{Error, Result};
use hufu_kernel::event::Event;
use hufu_kernel::ids::{AccountId, GrantId, PartId};
use hufu_kernel::store::Tx;
use hufu_kernel::time::Timestamp;
use sea_orm::entity::prelude::*;
use sea_orm::{ActiveValue::Set, ConnectionTrait, JoinType, QueryOrder, QuerySelect, QueryTrait, RelationDef, Statement};

use super::rows::{application, data_grant, grant_field, grant_person, grant_usage, part};
use crate::model::grant::State;

/// Topic on which changes of grants are announced; the key is the grant's id.
pub const TOPIC: &str = "sharing.grant";

/// A grant with everything that belongs to it.
#[derive(Clone, Debug)]
pub struct Grant {
    pub row: data_grant::Model,
    pub persons: Vec<grant_person::Model>,
    pub fields: Vec<grant_field::Model>,
}

/// A grant that is to be made.
#[derive(Debug)]
pub struct NewGrant {
    pub row: data_grant::Model,
    pub persons: Vec<(AccountId, String, String)>,
    pub fields: Vec<NewField>,
}

#[derive(Clone, Debug)]
pub struct NewField {
    pub field_id: hufu_kernel::ids::FieldId,
    pub name: String,
    pub title: String,
    pub grade: String,
    pub mask: String,
    pub clear_until: Option<Timestamp>,
}

pub async fn insert(tx: &Tx, new: NewGrant) -> Result<()> {
    let id = new.row.id.clone();
    let row: data_grant::ActiveModel = new.row.into();
    data_grant::Entity::insert(row.reset_all()).exec_without_returning(tx.db()).await?;
    let persons = new.persons.into_iter().map(|(account, login, name)| grant_person::ActiveModel {
        grant_id: Set(id.clone()),
        account: Set(account),
        login: Set(login),
        name: Set(name),
        ..Default::default()
    });
    grant_person::Entity::insert_many(persons).exec_without_returning(tx.db()).await?;
    let fields = new.fields.into_iter().map(|field| grant_field::ActiveModel {
        grant_id: Set(id.clone()),
        field_id: Set(field.field_id),
        name: Set(field.name),
        title: Set(field.title),
        grade: Set(field.grade),
        mask: Set(field.mask),
        clear_until: Set(field.clear_until),
        ..Default::default()
    });
    grant_field::Entity::insert_many(fields).exec_without_returning(tx.db()).await?;
    changed(tx, &id).await
}

/// Writes a grant if nobody else did since it was read, and tells everyone who holds a stream under it.
pub async fn update(tx: &Tx, mut change: data_grant::ActiveModel, read: &data_grant::Model) -> Result<()> {
    change.version = Set(read.version + 1);
    let done = data_grant::Entity::update_many()
        .set(change)
        .filter(data_grant::Column::Id.eq(read.id.clone()))
        .filter(data_grant::Column::Version.eq(read.version))
        .exec(tx.db())
        .await?;
    if done.rows_affected != 1 {
        return Err(Error::stale());
    }
    changed(tx, &read.id).await
}

/// Takes fields away from a grant.
pub async fn drop_fields(tx: &Tx, grant: &GrantId, names: &[String]) -> Result<()> {
    grant_field::Entity::delete_many()
        .filter(grant_field::Column::GrantId.eq(grant.clone()))
        .filter(grant_field::Column::Name.is_in(names.iter().cloned()))
        .exec(tx.db())
        .await?;
    Ok(())
}

/// Takes persons off a grant.
pub async fn drop_persons(tx: &Tx, grant: &GrantId, accounts: &[AccountId]) -> Result<()> {
    grant_person::Entity::delete_many()
        .filter(grant_person::Column::GrantId.eq(grant.clone()))
        .filter(grant_person::Column::Account.is_in(accounts.iter().cloned()))
        .exec(tx.db())
        .await?;
    Ok(())
}

async fn changed(tx: &Tx, id: &GrantId) -> Result<()> {
    let sql = "UPDATE grant_version SET version = version + 1 WHERE id = 1";
    tx.db().execute_unprepared(sql).await?;
    tx.announce(Event::new(TOPIC, id.as_str()));
    Ok(())
}

/// Counts every change of a grant, in whichever process it happened.
pub async fn version(db: &impl ConnectionTrait) -> Result<i64> {
    let sql = "SELECT version FROM grant_version WHERE id = 1";
    let statement = Statement::from_string(db.get_database_backend(), sql);
    let row = db.query_one_raw(statement).await?.ok_or_else(|| Error::internal("grant_version is empty"))?;
    Ok(row.try_get_by_index(0)?)
}

pub async fn find(db: &impl ConnectionTrait, no: &str) -> Result<Grant> {
    let row = data_grant::Entity::find().filter(data_grant::Column::No.eq(no)).one(db).await?;
    let row = row.ok_or_else(|| Error::not_found("授权"))?;
    first(fill(db, vec![row]).await?)
}

pub async fn of_part(db: &impl ConnectionTrait, part: &PartId) -> Result<Vec<data_grant::Model>> {
    let found = data_grant::Entity::find().filter(data_grant::Column::PartId.eq(part.clone()));
    Ok(found.order_by_asc(data_grant::Column::No).all(db).await?)
}

/// Active grants that name an account, whatever their period, each with the number of its application.
pub async fn held_by(db: &impl ConnectionTrait, account: &AccountId) -> Result<Vec<(Grant, String)>> {
    let named = grant_person::Entity::find()
        .select_only()
        .column(grant_person::Column::GrantId)
        .filter(grant_person::Column::Account.eq(account.clone()));
    let rows = data_grant::Entity::find()
        .filter(data_grant::Column::Id.in_subquery(named.into_query()))
        .filter(data_grant::Column::State.eq(State::Active))
        .order_by_asc(data_grant::Column::No)
        .all(db)
        .await?;
    let parts: Vec<PartId> = rows.iter().filter_map(|row| row.part_id.clone()).collect();
    let numbers: BTreeMap<PartId, String> = part::Entity::find()
        .select_only()
        .column(part::Column::Id)
        .column(application::Column::No)
        .join(JoinType::InnerJoin, part_to_application())
        .filter(part::Column::Id.is_in(parts))
        .into_tuple::<(PartId, String)>()
        .all(db)
        .await?
        .into_iter()
        .collect();
    let number = |grant: &Grant| grant.row.part_id.as_ref().and_then(|id| numbers.get(id)).cloned().unwrap_or_default();
    Ok(fill(db, rows).await?.into_iter().map(|grant| (number(&grant), grant)).map(|(no, grant)| (grant, no)).collect())
}

fn part_to_application() -> RelationDef {
    part::Entity::belongs_to(application::Entity)
        .from(part::Column::ApplicationId)
        .to(application::Column::Id)
        .into()
}

/// Grants whose period is over and that nobody has closed yet.
pub async fn overdue(db: &impl ConnectionTrait, now: Timestamp, most: u64) -> Result<Vec<data_grant::Model>> {
    let rows = data_grant::Entity::find()
        .filter(data_grant::Column::State.is_in([State::Active, State::Suspended]))
        .filter(data_grant::Column::UntilAt.lt(now))
        .limit(most)
        .all(db)
        .await?;
    Ok(rows)
}

pub async fn rows_by_id(db: &impl ConnectionTrait, ids: Vec<GrantId>) -> Result<Vec<data_grant::Model>> {
    Ok(data_grant::Entity::find().filter(data_grant::Column::Id.is_in(ids)).all(db).await?)
}

pub async fn fill(db: &impl ConnectionTrait, rows: Vec<data_grant::Model>) -> Result<Vec<Grant>> {
    let ids: Vec<GrantId> = rows.iter().map(|row| row.id.clone()).collect();
    let mut persons: BTreeMap<GrantId, Vec<grant_person::Model>> = BTreeMap::new();
    let found = grant_person::Entity::find()
        .filter(grant_person::Column::GrantId.is_in(ids.clone()))
        .order_by_asc(grant_person::Column::Id)
        .all(db)
        .await?;
    for person in found {
        persons.entry(person.grant_id.clone()).or_default().push(person);
    }
    let mut fields: BTreeMap<GrantId, Vec<grant_field::Model>> = BTreeMap::new();
    let found = grant_field::Entity::find()
        .filter(grant_field::Column::GrantId.is_in(ids))
        .order_by_asc(grant_field::Column::Id)
        .all(db)
        .await?;
    for field in found {
        fields.entry(field.grant_id.clone()).or_default().push(field);
    }
    let join = |row: data_grant::Model| Grant {
        persons: persons.remove(&row.id).unwrap_or_default(),
        fields: fields.remove(&row.id).unwrap_or_default(),
        row,
    };
    Ok(rows.into_iter().map(join).collect())
}

/// What has been used of a grant on a day (`20261121`): rows and calls.
pub async fn used_on(db: &impl ConnectionTrait, grants: &[GrantId], day: i32) -> Result<BTreeMap<GrantId, (i64, i64)>> {
    let found = grant_usage::Entity::find()
        .filter(grant_usage::Column::GrantId.is_in(grants.iter().cloned()))
        .filter(grant_usage::Column::Day.eq(day))
        .all(db)
        .await?;
    Ok(found.into_iter().map(|row| (row.grant_id, (row.rows, row.calls))).collect())
}

/// Rows and calls of each grant since a day.
pub async fn used_since(db: &impl ConnectionTrait, grants: &[GrantId], day: i32) -> Result<BTreeMap<GrantId, (i64, i64)>> {
    let found = grant_usage::Entity::find()
        .filter(grant_usage::Column::GrantId.is_in(grants.iter().cloned()))
        .filter(grant_usage::Column::Day.gte(day))
        .all(db)
        .await?;
    let mut sums: BTreeMap<GrantId, (i64, i64)> = BTreeMap::new();
    for row in found {
        let sum = sums.entry(row.grant_id).or_default();
        *sum = (sum.0 + row.rows, sum.1 + row.calls);
    }
    Ok(sums)
}

fn first(grants: Vec<Grant>) -> Result<Grant> {
    grants.into_iter().next().ok_or_else(|| Error::not_found("授权"))
}
