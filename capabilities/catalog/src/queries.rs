//! Read models for lists and object pages.

use std::collections::HashMap;

use hufu_kernel::error::Result;
use hufu_kernel::ids::{ResourceId, SourceId, UnitId};
use hufu_kernel::time::Timestamp;
use sea_orm::{ColumnTrait, ConnectionTrait, ExprTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect};

use crate::Catalog;
use crate::model::check::CheckResult;
use crate::model::state::State;
use crate::model::terms::Sharing;
use crate::store::resource::{self, Column, Entity};
use crate::store::{check, field, source};

/// An entry in a list.
#[derive(Clone, Debug)]
pub struct Hit {
    pub row: resource::Model,
    pub unit: String,
    /// Place of the grade in the scheme, from 1; 0 while nothing is graded.
    pub level: u8,
    /// Applications so far, where sharing can be asked.
    pub applied: Option<i64>,
}

/// Which entries a list by the store holds.
#[derive(Clone, Debug, Default)]
pub struct Listed {
    /// Unit and below.
    pub unit_path: String,
    pub text: Option<String>,
    pub state: Option<State>,
    pub sharing: Option<Sharing>,
    /// Only mounted, or only not mounted.
    pub mounted: Option<bool>,
    /// Order by the next review instead of the last change.
    pub by_review: bool,
}

/// A page of entries with the number in all.
pub async fn entries(
    db: &impl ConnectionTrait,
    wanted: &Listed,
    offset: u64,
    limit: u64,
) -> Result<(Vec<resource::Model>, u64)> {
    let mut select = Entity::find().filter(Column::UnitPath.starts_with(&wanted.unit_path));
    if let Some(text) = wanted.text.as_deref().map(str::trim).filter(|text| !text.is_empty()) {
        select = select.filter(Column::Name.contains(text).or(Column::Code.contains(text)).or(Column::TableName.contains(text)));
    }
    if let Some(state) = wanted.state {
        select = select.filter(Column::State.eq(state));
    }
    if let Some(sharing) = wanted.sharing {
        select = select.filter(Column::Sharing.eq(sharing));
    }
    select = match wanted.mounted {
        Some(true) => select.filter(Column::SourceId.is_not_null()),
        Some(false) => select.filter(Column::SourceId.is_null()),
        None => select,
    };
    let total = select.clone().count(db).await?;
    let ordered = if wanted.by_review {
        select.order_by_asc(Column::ReviewDue).order_by_asc(Column::Code)
    } else {
        select.order_by_desc(Column::UpdatedAt).order_by_asc(Column::Code)
    };
    Ok((ordered.offset(offset).limit(limit).all(db).await?, total))
}

impl Catalog {
    /// Entries of found ids, in their order, with what a list shows of them.
    pub async fn hits(&self, ids: &[ResourceId]) -> Result<Vec<Hit>> {
        let rows = resource::find_many(self.kernel().store.reader(), ids).await?;
        let mut by_id: HashMap<ResourceId, resource::Model> = rows.into_iter().map(|row| (row.id.clone(), row)).collect();
        self.dress(ids.iter().filter_map(|id| by_id.remove(id)).collect()).await
    }

    /// Rows with unit names, levels and numbers of applications.
    pub async fn dress(&self, rows: Vec<resource::Model>) -> Result<Vec<Hit>> {
        let units = crate::units(self.kernel().store.reader(), rows.iter().map(|row| row.unit_id.clone())).await?;
        let ids: Vec<ResourceId> = rows.iter().map(|row| row.id.clone()).collect();
        let applied = match self.usage() {
            Some(usage) => Some(usage.applied(&ids).await?),
            None => None,
        };
        let dressed = rows.into_iter().map(|row| Hit {
            unit: units.get(&row.unit_id).map(|unit| unit.name.clone()).unwrap_or_default(),
            level: self.level(row.grade.as_deref()),
            applied: applied.as_ref().map(|applied| applied.get(&row.id).copied().unwrap_or(0)),
            row,
        });
        Ok(dressed.collect())
    }

    /// Place of a grade in the scheme, from 1; 0 for none.
    pub fn level(&self, grade: Option<&str>) -> u8 {
        let rank = grade.and_then(|grade| self.scheme().rank(grade));
        rank.and_then(|rank| u8::try_from(rank + 1).ok()).unwrap_or(0)
    }
}

/// A source in a list.
#[derive(Clone, Debug)]
pub struct SourceRow {
    pub row: source::Model,
    pub unit: String,
    pub tables: u64,
    pub mounted: u64,
    /// Fields of mounted entries that are graded sensitive by the scheme.
    pub strict_fields: u64,
}

/// Sources of a unit and below that are in use, with what hangs on them.
pub async fn sources(db: &impl ConnectionTrait, unit_path: &str, strict: &[String]) -> Result<Vec<SourceRow>> {
    let rows = source::Entity::find()
        .filter(source::Column::UnitPath.starts_with(unit_path))
        .filter(source::Column::ClosedAt.is_null())
        .order_by_asc(source::Column::Name)
        .all(db)
        .await?;
    let units = crate::units(db, rows.iter().map(|row| row.unit_id.clone())).await?;
    let mut found = Vec::with_capacity(rows.len());
    for row in rows {
        let mounted = resource::on_source(db, &row.id).await?;
        let ids: Vec<ResourceId> = mounted.iter().map(|row| row.id.clone()).collect();
        let fields = field::of_many(db, &ids).await?;
        let is_strict = |field: &&field::Model| field.grade.as_ref().is_some_and(|grade| strict.contains(grade));
        found.push(SourceRow {
            unit: units.get(&row.unit_id).map(|unit| unit.name.clone()).unwrap_or_default(),
            tables: tables_of(db, &row.id).await?,
            mounted: mounted.len() as u64,
            strict_fields: fields.values().flatten().filter(is_strict).count() as u64,
            row,
        });
    }
    Ok(found)
}

async fn tables_of(db: &impl ConnectionTrait, id: &SourceId) -> Result<u64> {
    use crate::store::source_table::{Column, Entity};
    Ok(Entity::find().filter(Column::SourceId.eq(id.clone())).count(db).await?)
}

/// The last check of each entry.
pub async fn last_checks(db: &impl ConnectionTrait, ids: &[ResourceId]) -> Result<HashMap<ResourceId, (CheckResult, Timestamp)>> {
    let mut last = HashMap::new();
    for some in ids.chunks(500) {
        let found = check::Entity::find().filter(check::Column::ResourceId.is_in(some.iter().cloned()));
        for row in found.order_by_asc(check::Column::Id).all(db).await? {
            last.insert(row.resource_id, (row.result, row.at));
        }
    }
    Ok(last)
}

/// Names of sources by id.
pub async fn source_names(db: &impl ConnectionTrait, ids: Vec<SourceId>) -> Result<HashMap<SourceId, String>> {
    let found = source::Entity::find().filter(source::Column::Id.is_in(ids)).all(db).await?;
    Ok(found.into_iter().map(|row| (row.id, row.name)).collect())
}

/// Units for the tree of the search page: those that provide something, and what stands above them.
pub async fn providing_units(db: &impl ConnectionTrait) -> Result<Vec<hufu_kernel::unit::Model>> {
    let providing: Vec<UnitId> =
        Entity::find().select_only().column(Column::UnitId).distinct().into_tuple().all(db).await?;
    let all = hufu_kernel::unit::all(db).await?;
    let paths: Vec<String> = all.iter().filter(|unit| providing.contains(&unit.id)).map(|unit| unit.path.clone()).collect();
    Ok(all.into_iter().filter(|unit| paths.iter().any(|path| path.starts_with(&unit.path))).collect())
}
