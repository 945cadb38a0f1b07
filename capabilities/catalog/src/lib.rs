//! Sources and the catalogue of resources: what there is, whose it is, and on what terms it is shared.
//!
//! This is the door. Other capabilities name a resource by id or code and get a [`ResourceView`];
//! they never read the tables behind it.

mod api;
pub mod commands;
pub mod facts;
pub mod jobs;
pub mod model;
mod pages;
mod policy;
pub mod queries;
mod runtime;
pub mod search;
pub mod sheets;
pub mod store;
mod usage;

pub use pages::{menu, router};
pub use policy::{ACTIONS, POLICY};
pub use runtime::{Catalog, Setup, gate_error};
pub use store::schema::migrations;
pub use usage::{Usage, UsageOf};

use std::collections::HashMap;

use hufu_kernel::actor::UnitRef;
use hufu_kernel::error::Result;
use hufu_kernel::ids::{FieldId, ResourceId, SourceId, UnitId};
use hufu_kernel::unit;
use sea_orm::{ConnectionTrait, EntityTrait};

use crate::model::metadata::SharingTerms;
use crate::model::state::State;
use crate::model::terms::{DataType, ResourceKind};

/// A resource as other capabilities see it.
#[derive(Clone, Debug, PartialEq)]
pub struct ResourceView {
    pub id: ResourceId,
    pub code: String,
    pub name: String,
    pub summary: String,
    pub unit: UnitRef,
    pub kind: ResourceKind,
    /// The sharing attribute with its conditions.
    pub terms: SharingTerms,
    pub state: State,
    /// Highest grade of the fields; absent while nothing is graded.
    pub grade: Option<String>,
    pub fields: Vec<FieldView>,
    /// Where its rows are; absent while nothing is mounted.
    pub source: Option<SourceId>,
    pub source_table: String,
    /// Table name in SQL, unique within the unit; the schema is the unit's code.
    pub table_name: String,
    pub version: i32,
}

/// A field as other capabilities see it.
#[derive(Clone, Debug, PartialEq)]
pub struct FieldView {
    pub id: FieldId,
    /// Physical column and name in SQL.
    pub name: String,
    pub title: String,
    pub data_type: DataType,
    pub key: bool,
    /// Word of the mask profiles; absent means nobody has said, and unknown denies.
    pub kind: Option<String>,
    pub grade: Option<String>,
    pub sensitive: bool,
}

impl ResourceView {
    pub fn field(&self, name: &str) -> Option<&FieldView> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// The address of its page.
    pub fn href(&self) -> String {
        format!("/catalog/{}", model::codes::to_path(&self.code))
    }
}

/// One resource by id, code, or code as it stands in an address.
pub async fn resource(db: &impl ConnectionTrait, key: &str) -> Result<ResourceView> {
    let found = store::resource::find_by_key(db, key).await?;
    let owner = unit::find(db, &found.unit_id).await?.as_ref();
    let fields = store::field::of(db, &found.id).await?;
    Ok(view(found, owner, fields))
}

/// Several resources by id, in the order of the ids; what does not exist is left out.
pub async fn resources(db: &impl ConnectionTrait, ids: &[ResourceId]) -> Result<Vec<ResourceView>> {
    let mut found: HashMap<ResourceId, store::resource::Model> =
        store::resource::find_many(db, ids).await?.into_iter().map(|row| (row.id.clone(), row)).collect();
    let mut fields = store::field::of_many(db, ids).await?;
    let units = units(db, found.values().map(|row| row.unit_id.clone())).await?;
    let mut views = Vec::with_capacity(found.len());
    for id in ids {
        if let Some(row) = found.remove(id)
            && let Some(owner) = units.get(&row.unit_id)
        {
            views.push(view(row, owner.clone(), fields.remove(id).unwrap_or_default()));
        }
    }
    Ok(views)
}

/// Changes with every change of these resources, or of the sources they are mounted on: for whoever keeps
/// something made from them and wants to know cheaply whether it still holds.
pub async fn stamp(db: &impl ConnectionTrait, ids: &[ResourceId]) -> Result<String> {
    use sea_orm::{ColumnTrait, QueryFilter, QueryOrder, QuerySelect};
    use std::fmt::Write;
    let resources: Vec<(ResourceId, i32, Option<SourceId>)> = store::resource::Entity::find()
        .select_only()
        .columns([store::resource::Column::Id, store::resource::Column::Version, store::resource::Column::SourceId])
        .filter(store::resource::Column::Id.is_in(ids.iter().cloned()))
        .order_by_asc(store::resource::Column::Id)
        .into_tuple()
        .all(db)
        .await?;
    let mounted: std::collections::BTreeSet<SourceId> = resources.iter().filter_map(|(.., source)| source.clone()).collect();
    let sources: Vec<(SourceId, i32)> = store::source::Entity::find()
        .select_only()
        .columns([store::source::Column::Id, store::source::Column::Version])
        .filter(store::source::Column::Id.is_in(mounted))
        .order_by_asc(store::source::Column::Id)
        .into_tuple()
        .all(db)
        .await?;
    let mut stamp = String::new();
    for (id, version, _) in resources {
        let _ = write!(stamp, "{id}:{version},");
    }
    for (id, version) in sources {
        let _ = write!(stamp, "{id}:{version},");
    }
    Ok(stamp)
}

/// The resource behind a name in SQL: schema is the unit's code.
pub async fn resource_by_table(db: &impl ConnectionTrait, unit: &UnitId, table_name: &str) -> Result<Option<ResourceId>> {
    Ok(store::resource::find_by_table(db, unit, table_name).await?.map(|found| found.id))
}

/// What lies in somebody's 申请篮, oldest first.
pub async fn cart(db: &impl ConnectionTrait, account: &hufu_kernel::ids::AccountId) -> Result<Vec<ResourceId>> {
    store::cart::of(db, account).await
}

/// Empties the part of the 申请篮 that went into an application; for use inside that command.
pub async fn take_from_cart(
    db: &impl ConnectionTrait,
    account: &hufu_kernel::ids::AccountId,
    resources: &[ResourceId],
) -> Result<()> {
    store::cart::remove(db, account, resources).await
}

fn view(row: store::resource::Model, unit: UnitRef, fields: Vec<store::field::Model>) -> ResourceView {
    let terms = row.terms();
    ResourceView {
        id: row.id,
        code: row.code,
        name: row.name,
        summary: row.summary,
        unit,
        kind: row.kind,
        terms,
        state: row.state,
        grade: row.grade,
        fields: fields.into_iter().map(field_view).collect(),
        source: row.source_id,
        source_table: row.source_table,
        table_name: row.table_name,
        version: row.version,
    }
}

fn field_view(row: store::field::Model) -> FieldView {
    FieldView {
        id: row.id,
        name: row.name,
        title: row.title,
        data_type: row.data_type,
        key: row.is_key,
        kind: row.kind,
        grade: row.grade,
        sensitive: row.sensitive,
    }
}

/// Units by id; a catalogue page names many resources of few units.
async fn units(db: &impl ConnectionTrait, ids: impl Iterator<Item = UnitId>) -> Result<HashMap<UnitId, UnitRef>> {
    use sea_orm::{ColumnTrait, QueryFilter};
    let mut ids: Vec<UnitId> = ids.collect();
    ids.sort();
    ids.dedup();
    let mut found = HashMap::new();
    for some in ids.chunks(500) {
        let rows = unit::Entity::find().filter(unit::Column::Id.is_in(some.iter().cloned())).all(db).await?;
        found.extend(rows.into_iter().map(|row| (row.id.clone(), row.as_ref())));
    }
    Ok(found)
}
