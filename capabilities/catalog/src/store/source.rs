//! Rows of sources. The password is an envelope; it is opened only to reach the source.

use hufu_gate::source::SourceKind;
use hufu_kernel::error::{Error, Result};
use hufu_kernel::ids::{JobId, SourceId, UnitId};
use hufu_kernel::time::Timestamp;
use sea_orm::entity::prelude::*;
use sea_orm::{ActiveValue::Set, ConnectionTrait, QueryOrder};

#[derive(Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "catalog_source")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: SourceId,
    pub name: String,
    pub unit_id: UnitId,
    pub unit_path: String,
    /// Business system it belongs to.
    pub system: String,
    /// MLPS level of that system, as people write it: 三级.
    pub mlps_level: String,
    pub kind: String,
    pub host: String,
    pub port: i32,
    pub database_name: String,
    pub user_name: String,
    pub password: String,
    pub tls: String,
    pub path: String,
    /// Declared types of columns in files, in JSON.
    pub declared: String,
    pub reachable: Option<bool>,
    pub probed_at: Option<Timestamp>,
    /// Version of the source, or the code of the fault.
    pub probe_note: String,
    pub scanned_at: Option<Timestamp>,
    pub scan_job: Option<JobId>,
    pub created_at: Timestamp,
    pub closed_at: Option<Timestamp>,
    pub version: i32,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Says neither address nor password.
impl std::fmt::Debug for Model {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Source").field("id", &self.id).field("kind", &self.kind).field("version", &self.version).finish()
    }
}

impl Model {
    pub fn source_kind(&self) -> Result<SourceKind> {
        parse_kind(&self.kind).ok_or_else(|| Error::internal(format!("source kind `{}`", self.kind)))
    }
}

/// Kinds with their stored word and the name on screen.
pub const KINDS: &[(SourceKind, &str, &str)] = &[
    (SourceKind::Postgres, "postgres", "PostgreSQL"),
    (SourceKind::Mysql, "mysql", "MySQL / MariaDB"),
    (SourceKind::Sqlite, "sqlite", "SQLite"),
    (SourceKind::Csv, "csv", "CSV 文件"),
    (SourceKind::Json, "json", "JSON 文件"),
    (SourceKind::Xlsx, "xlsx", "XLSX 文件"),
    (SourceKind::Parquet, "parquet", "Parquet 文件"),
];

pub fn parse_kind(word: &str) -> Option<SourceKind> {
    KINDS.iter().find(|(_, stored, _)| *stored == word).map(|(kind, ..)| *kind)
}

pub fn kind_word(kind: SourceKind) -> &'static str {
    KINDS.iter().find(|(known, ..)| *known == kind).map_or("", |(_, word, _)| word)
}

pub fn kind_title(word: &str) -> &str {
    KINDS.iter().find(|(_, stored, _)| *stored == word).map_or(word, |(_, _, title)| title)
}

pub async fn find(db: &impl ConnectionTrait, id: &SourceId) -> Result<Model> {
    Entity::find_by_id(id.clone()).one(db).await?.ok_or_else(|| Error::not_found("数据源"))
}

pub async fn of_unit(db: &impl ConnectionTrait, unit: &UnitId) -> Result<Vec<Model>> {
    let found = Entity::find().filter(Column::UnitId.eq(unit.clone())).filter(Column::ClosedAt.is_null());
    Ok(found.order_by_asc(Column::Name).all(db).await?)
}

/// Writes a change, if nobody was faster.
pub async fn update(db: &impl ConnectionTrait, seen: &Model, change: ActiveModel) -> Result<()> {
    let mut change = change;
    change.version = Set(seen.version + 1);
    let result = Entity::update_many()
        .set(change)
        .filter(Column::Id.eq(seen.id.clone()))
        .filter(Column::Version.eq(seen.version))
        .exec(db)
        .await?;
    if result.rows_affected == 0 { Err(Error::stale()) } else { Ok(()) }
}

/// Notes what was found about a source; how it is reached stays, and so does its version.
pub async fn note(db: &impl ConnectionTrait, id: &SourceId, note: ActiveModel) -> Result<()> {
    Entity::update_many().set(note).filter(Column::Id.eq(id.clone())).exec(db).await?;
    Ok(())
}
