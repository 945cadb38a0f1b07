//! Rows of entries.

use hufu_kernel::actor::UnitRef;
use hufu_kernel::error::{Error, Result};
use hufu_kernel::ids::{ApprovalId, ResourceId, SourceId, UnitId};
use hufu_kernel::time::Timestamp;
use sea_orm::entity::prelude::*;
use sea_orm::{ActiveValue::Set, ConnectionTrait, IntoActiveModel, QueryOrder, QuerySelect};

use crate::model::class::Class;
use crate::model::codes;
use crate::model::metadata::{Metadata, SharingTerms};
use crate::model::state::State;
use crate::model::terms::{Cycle, FormatClass, MethodClass, ResourceKind, Sharing};

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "catalog_resource")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ResourceId,
    #[sea_orm(unique)]
    pub code: String,
    pub name: String,
    pub unit_id: UnitId,
    pub unit_path: String,
    pub provider_code: String,
    pub class_code: String,
    pub item_name: String,
    pub directory_name: String,
    pub detail_name: String,
    pub summary: String,
    pub kind: ResourceKind,
    pub format_class: FormatClass,
    pub format_type: String,
    pub sharing: Sharing,
    pub sharing_scope: String,
    pub sharing_purpose: String,
    pub withheld_basis: String,
    pub withheld_reason: String,
    pub method_class: MethodClass,
    pub method: String,
    pub open: bool,
    pub open_condition: String,
    pub tradeable: bool,
    pub cycle: Cycle,
    pub related_code: String,
    pub theme: String,
    /// Highest grade of the fields.
    pub grade: Option<String>,
    pub important: bool,
    /// Does any field hold sensitive personal information?
    pub sensitive: bool,
    pub row_count: Option<i64>,
    pub table_name: String,
    pub source_id: Option<SourceId>,
    pub source_table: String,
    pub state: State,
    pub approval_id: Option<ApprovalId>,
    pub published_at: Option<Timestamp>,
    /// Last and next review of 不予共享.
    pub reviewed_at: Option<Timestamp>,
    pub review_due: Option<Timestamp>,
    pub created_by: String,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub version: i32,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    /// What the steward stated.
    pub fn metadata(&self) -> Metadata {
        Metadata {
            name: self.name.clone(),
            class: Class {
                code: self.class_code.clone(),
                item_name: self.item_name.clone(),
                directory_name: self.directory_name.clone(),
                detail_name: self.detail_name.clone(),
            },
            provider_code: self.provider_code.clone(),
            summary: self.summary.clone(),
            kind: self.kind,
            format_class: self.format_class,
            format_type: self.format_type.clone(),
            terms: self.terms(),
            method_class: self.method_class,
            method: self.method.clone(),
            open: self.open,
            open_condition: self.open_condition.clone(),
            tradeable: self.tradeable,
            cycle: self.cycle,
            related_code: self.related_code.clone(),
            theme: self.theme.clone(),
            important: self.important,
            row_count: self.row_count,
            table_name: self.table_name.clone(),
        }
    }

    pub fn terms(&self) -> SharingTerms {
        SharingTerms {
            sharing: self.sharing,
            scope: self.sharing_scope.clone(),
            purpose: self.sharing_purpose.clone(),
            basis: self.withheld_basis.clone(),
            reason: self.withheld_reason.clone(),
        }
    }

    /// Code as it stands in an address.
    pub fn path_code(&self) -> String {
        codes::to_path(&self.code)
    }
}

/// What is settled about a new entry besides its metadata.
#[derive(Clone, Debug)]
pub struct Birth<'a> {
    pub code: String,
    pub unit: &'a UnitRef,
    pub state: State,
    pub by: &'a str,
    pub at: Timestamp,
}

/// The row of a new entry; its SQL name follows from the code when none was chosen.
pub fn new_row(metadata: &Metadata, birth: Birth<'_>) -> ActiveModel {
    let table_name =
        if metadata.table_name.is_empty() { codes::table_name(&birth.code) } else { metadata.table_name.clone() };
    let published_at = (birth.state == State::Published).then_some(birth.at);
    let mut row = ActiveModel {
        id: Set(ResourceId::generate()),
        code: Set(birth.code),
        unit_id: Set(birth.unit.id.clone()),
        unit_path: Set(birth.unit.path.clone()),
        grade: Set(None),
        sensitive: Set(false),
        source_id: Set(None),
        source_table: Set(String::new()),
        state: Set(birth.state),
        approval_id: Set(None),
        published_at: Set(published_at),
        reviewed_at: Set(None),
        review_due: Set(None),
        created_by: Set(birth.by.to_owned()),
        created_at: Set(birth.at),
        updated_at: Set(birth.at),
        version: Set(1),
        ..Default::default()
    };
    describe(&mut row, metadata);
    row.table_name = Set(table_name);
    row
}

/// Puts stated metadata into a row.
pub fn describe(row: &mut ActiveModel, metadata: &Metadata) {
    row.name = Set(metadata.name.trim().to_owned());
    row.provider_code = Set(metadata.provider_code.clone());
    row.class_code = Set(metadata.class.code.clone());
    row.item_name = Set(metadata.class.item_name.clone());
    row.directory_name = Set(metadata.class.directory_name.clone());
    row.detail_name = Set(metadata.class.detail_name.clone());
    row.summary = Set(metadata.summary.clone());
    row.kind = Set(metadata.kind);
    row.format_class = Set(metadata.format_class);
    row.format_type = Set(metadata.format_type.clone());
    row.method_class = Set(metadata.method_class);
    row.method = Set(metadata.method.clone());
    row.open = Set(metadata.open);
    row.open_condition = Set(metadata.open_condition.clone());
    row.tradeable = Set(metadata.tradeable);
    row.cycle = Set(metadata.cycle);
    row.related_code = Set(metadata.related_code.clone());
    row.theme = Set(metadata.theme.clone());
    row.important = Set(metadata.important);
    row.row_count = Set(metadata.row_count);
    if !metadata.table_name.is_empty() {
        row.table_name = Set(metadata.table_name.clone());
    }
    set_terms(row, &metadata.terms);
}

pub fn set_terms(row: &mut ActiveModel, terms: &SharingTerms) {
    row.sharing = Set(terms.sharing);
    row.sharing_scope = Set(terms.scope.clone());
    row.sharing_purpose = Set(terms.purpose.clone());
    row.withheld_basis = Set(terms.basis.clone());
    row.withheld_reason = Set(terms.reason.clone());
}

pub async fn find(db: &impl ConnectionTrait, id: &ResourceId) -> Result<Model> {
    Entity::find_by_id(id.clone()).one(db).await?.ok_or_else(|| Error::not_found("数据资源目录"))
}

/// By id, by code, or by the code as it stands in an address.
pub async fn find_by_key(db: &impl ConnectionTrait, key: &str) -> Result<Model> {
    if let Ok(id) = key.parse::<ResourceId>() {
        return find(db, &id).await;
    }
    let codes = std::iter::once(key.to_owned()).chain(codes::from_path(key));
    let found = Entity::find().filter(Column::Code.is_in(codes)).one(db).await?;
    found.ok_or_else(|| Error::not_found("数据资源目录"))
}

pub async fn find_many(db: &impl ConnectionTrait, ids: &[ResourceId]) -> Result<Vec<Model>> {
    let mut found = Vec::with_capacity(ids.len());
    for some in ids.chunks(super::chunk_rows(1)) {
        found.extend(Entity::find().filter(Column::Id.is_in(some.iter().cloned())).all(db).await?);
    }
    Ok(found)
}

/// By SQL name: schema is the unit's code, table the entry's `table_name`.
pub async fn find_by_table(db: &impl ConnectionTrait, unit: &UnitId, table_name: &str) -> Result<Option<Model>> {
    let named = Entity::find().filter(Column::UnitId.eq(unit.clone())).filter(Column::TableName.eq(table_name));
    Ok(named.one(db).await?)
}

/// Which of these SQL names are taken in a unit.
pub async fn taken_names(db: &impl ConnectionTrait, unit: &UnitId, names: &[String]) -> Result<Vec<String>> {
    let mut taken = Vec::new();
    for some in names.chunks(super::chunk_rows(1)) {
        let found = Entity::find()
            .filter(Column::UnitId.eq(unit.clone()))
            .filter(Column::TableName.is_in(some.iter().cloned()))
            .select_only()
            .column(Column::TableName)
            .into_tuple::<String>();
        taken.extend(found.all(db).await?);
    }
    Ok(taken)
}

/// Writes a change, if nobody was faster: the version must still be what the writer saw.
pub async fn update(db: &impl ConnectionTrait, seen: &Model, change: ActiveModel, now: Timestamp) -> Result<Model> {
    let mut change = change;
    change.version = Set(seen.version + 1);
    change.updated_at = Set(now);
    let result = Entity::update_many()
        .set(change)
        .filter(Column::Id.eq(seen.id.clone()))
        .filter(Column::Version.eq(seen.version))
        .exec(db)
        .await?;
    if result.rows_affected == 0 {
        return Err(Error::stale());
    }
    find(db, &seen.id).await
}

/// An empty change of this row; what is set is written.
pub fn change() -> ActiveModel {
    ActiveModel { ..Default::default() }
}

/// A change that holds all of a row.
pub fn whole(model: Model) -> ActiveModel {
    model.into_active_model()
}

pub async fn insert_many(db: &impl ConnectionTrait, rows: Vec<ActiveModel>) -> Result<()> {
    const COLUMNS: usize = 45;
    let mut rows = rows.into_iter().peekable();
    while rows.peek().is_some() {
        let some: Vec<ActiveModel> = rows.by_ref().take(super::chunk_rows(COLUMNS)).collect();
        Entity::insert_many(some).exec_without_returning(db).await?;
    }
    Ok(())
}

/// Resources in the order of their ids after `last`, for whoever walks all of them.
pub async fn page_after(db: &impl ConnectionTrait, last: Option<&ResourceId>, limit: u64) -> Result<Vec<Model>> {
    let mut found = Entity::find().order_by_asc(Column::Id).limit(limit);
    if let Some(last) = last {
        found = found.filter(Column::Id.gt(last.clone()));
    }
    Ok(found.all(db).await?)
}

/// What changed at or after a moment, for the search index.
pub async fn changed_since(db: &impl ConnectionTrait, from: Timestamp) -> Result<Vec<Model>> {
    Ok(Entity::find().filter(Column::UpdatedAt.gte(from)).order_by_asc(Column::Id).all(db).await?)
}

/// Entries that are mounted on a source, in the order of their codes.
pub async fn on_source(db: &impl ConnectionTrait, source: &SourceId) -> Result<Vec<Model>> {
    let found = Entity::find().filter(Column::SourceId.eq(source.clone())).order_by_asc(Column::Code);
    Ok(found.all(db).await?)
}
