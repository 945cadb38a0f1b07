//! Rows of fields.

use std::collections::HashMap;

use hufu_kernel::error::Result;
use hufu_kernel::ids::{FieldId, ResourceId};
use sea_orm::entity::prelude::*;
use sea_orm::{ActiveValue::Set, ConnectionTrait, QueryOrder};

use crate::model::field::FieldSpec;
use crate::model::terms::DataType;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "catalog_field")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: FieldId,
    pub resource_id: ResourceId,
    pub position: i32,
    pub name: String,
    pub title: String,
    pub data_type: DataType,
    pub length: Option<i32>,
    pub is_key: bool,
    pub kind: Option<String>,
    pub grade: Option<String>,
    pub sensitive: bool,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    pub fn spec(&self) -> FieldSpec {
        FieldSpec {
            name: self.name.clone(),
            title: self.title.clone(),
            data_type: self.data_type,
            length: self.length,
            key: self.is_key,
            kind: self.kind.clone(),
            grade: self.grade.clone(),
            sensitive: self.sensitive,
        }
    }
}

pub fn row(resource: &ResourceId, position: usize, field: &FieldSpec) -> ActiveModel {
    ActiveModel {
        id: Set(FieldId::generate()),
        resource_id: Set(resource.clone()),
        position: Set(i32::try_from(position).unwrap_or(i32::MAX)),
        name: Set(field.name.trim().to_owned()),
        title: Set(field.title.trim().to_owned()),
        data_type: Set(field.data_type),
        length: Set(field.length),
        is_key: Set(field.key),
        kind: Set(field.kind.clone()),
        grade: Set(field.grade.clone()),
        sensitive: Set(field.sensitive),
    }
}

pub async fn of(db: &impl ConnectionTrait, resource: &ResourceId) -> Result<Vec<Model>> {
    let found = Entity::find().filter(Column::ResourceId.eq(resource.clone())).order_by_asc(Column::Position);
    Ok(found.all(db).await?)
}

/// Fields of several entries, each in order.
pub async fn of_many(db: &impl ConnectionTrait, resources: &[ResourceId]) -> Result<HashMap<ResourceId, Vec<Model>>> {
    let mut found: HashMap<ResourceId, Vec<Model>> = HashMap::new();
    for some in resources.chunks(super::chunk_rows(1)) {
        let query = Entity::find().filter(Column::ResourceId.is_in(some.iter().cloned()));
        for field in query.order_by_asc(Column::Position).all(db).await? {
            found.entry(field.resource_id.clone()).or_default().push(field);
        }
    }
    Ok(found)
}

/// Puts these fields in place of all former ones. A field that keeps its name keeps its id, since grants name fields by it.
pub async fn replace(db: &impl ConnectionTrait, resource: &ResourceId, fields: &[FieldSpec]) -> Result<()> {
    let former: HashMap<String, FieldId> =
        of(db, resource).await?.into_iter().map(|field| (field.name, field.id)).collect();
    Entity::delete_many().filter(Column::ResourceId.eq(resource.clone())).exec(db).await?;
    let rows = fields.iter().enumerate().map(|(position, field)| {
        let mut row = row(resource, position, field);
        if let Some(id) = former.get(field.name.trim()) {
            row.id = Set(id.clone());
        }
        row
    });
    insert_many(db, rows.collect()).await
}

pub async fn insert_many(db: &impl ConnectionTrait, rows: Vec<ActiveModel>) -> Result<()> {
    const COLUMNS: usize = 11;
    let mut rows = rows.into_iter().peekable();
    while rows.peek().is_some() {
        let some: Vec<ActiveModel> = rows.by_ref().take(super::chunk_rows(COLUMNS)).collect();
        Entity::insert_many(some).exec_without_returning(db).await?;
    }
    Ok(())
}
