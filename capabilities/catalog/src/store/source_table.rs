//! What the last scan of a source found: tables with their columns and numbers of rows.

use hufu_kernel::error::Result;
use hufu_kernel::ids::SourceId;
use hufu_kernel::time::Timestamp;
use sea_orm::entity::prelude::*;
use sea_orm::{ActiveValue::Set, ConnectionTrait, QueryOrder};

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "catalog_source_table")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    pub source_id: SourceId,
    pub name: String,
    pub comment: String,
    pub row_count: Option<i64>,
    pub scanned_at: Timestamp,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

pub mod column {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "catalog_source_column")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: String,
        pub table_id: String,
        pub position: i32,
        pub name: String,
        pub native_type: String,
        pub nullable: bool,
        pub primary_key: bool,
        pub comment: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// One table as the source describes it.
#[derive(Clone, Debug)]
pub struct Found {
    pub name: String,
    pub comment: String,
    pub row_count: Option<i64>,
    pub columns: Vec<FoundColumn>,
}

#[derive(Clone, Debug)]
pub struct FoundColumn {
    pub name: String,
    pub native_type: String,
    pub nullable: bool,
    pub primary_key: bool,
    pub comment: String,
}

/// Puts what one table looks like now in place of what was known of it.
pub async fn put(db: &impl ConnectionTrait, source: &SourceId, found: &Found, at: Timestamp) -> Result<()> {
    drop_named(db, source, &found.name).await?;
    let id = table_id(source, &found.name);
    let row = ActiveModel {
        id: Set(id.clone()),
        source_id: Set(source.clone()),
        name: Set(found.name.clone()),
        comment: Set(found.comment.clone()),
        row_count: Set(found.row_count),
        scanned_at: Set(at),
    };
    Entity::insert(row).exec_without_returning(db).await?;
    let columns: Vec<column::ActiveModel> = found
        .columns
        .iter()
        .enumerate()
        .map(|(position, known)| column::ActiveModel {
            id: Set(format!("{id}/{position}")),
            table_id: Set(id.clone()),
            position: Set(i32::try_from(position).unwrap_or(i32::MAX)),
            name: Set(known.name.clone()),
            native_type: Set(known.native_type.clone()),
            nullable: Set(known.nullable),
            primary_key: Set(known.primary_key),
            comment: Set(known.comment.clone()),
        })
        .collect();
    for some in columns.chunks(super::chunk_rows(8)) {
        column::Entity::insert_many(some.to_vec()).exec_without_returning(db).await?;
    }
    Ok(())
}

/// Forgets tables that the source has no longer.
pub async fn keep_only(db: &impl ConnectionTrait, source: &SourceId, names: &[String]) -> Result<()> {
    for table in of(db, source).await? {
        if !names.contains(&table.name) {
            drop_named(db, source, &table.name).await?;
        }
    }
    Ok(())
}

pub async fn of(db: &impl ConnectionTrait, source: &SourceId) -> Result<Vec<Model>> {
    let found = Entity::find().filter(Column::SourceId.eq(source.clone())).order_by_asc(Column::Name);
    Ok(found.all(db).await?)
}

pub async fn columns(db: &impl ConnectionTrait, source: &SourceId, table: &str) -> Result<Vec<column::Model>> {
    let found = column::Entity::find()
        .filter(column::Column::TableId.eq(table_id(source, table)))
        .order_by_asc(column::Column::Position);
    Ok(found.all(db).await?)
}

async fn drop_named(db: &impl ConnectionTrait, source: &SourceId, name: &str) -> Result<()> {
    let id = table_id(source, name);
    column::Entity::delete_many().filter(column::Column::TableId.eq(id.clone())).exec(db).await?;
    Entity::delete_by_id(id).exec(db).await?;
    Ok(())
}

/// The same table has the same id in every scan, so that a repeated scan doubles nothing.
fn table_id(source: &SourceId, name: &str) -> String {
    format!("{source}/{name}")
}
