//! The tree of units 省 市 区县 乡镇街道 村社区, departments, subordinate units and working groups.
//!
//! The path holds the ids from the root down, so that a subtree is a prefix. Moving a unit rewrites
//! the paths below it and keeps the old place with its dates, so that past figures stay where they were.

use sea_orm::entity::prelude::*;
use sea_orm::sea_query::Expr;
use sea_orm::{ActiveValue::Set, ConnectionTrait, IntoActiveModel, QueryOrder};

use crate::actor::{UnitLevel, UnitRef};
use crate::error::{Error, Result};
use crate::ids::UnitId;
use crate::time::Timestamp;

/// What a unit is in the order of government.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum UnitKind {
    /// A government of its level: 省 市 区县 乡镇街道 村社区.
    Area,
    Department,
    Subordinate,
    WorkingGroup,
    /// The data bureau of its level: 主管部门.
    Bureau,
}

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "unit")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: UnitId,
    #[sea_orm(unique)]
    pub code: String,
    pub name: String,
    pub kind: UnitKind,
    pub level: UnitLevel,
    pub parent_id: Option<UnitId>,
    pub path: String,
    pub sort: i32,
    pub closed_at: Option<Timestamp>,
    pub version: i32,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    pub fn as_ref(&self) -> UnitRef {
        UnitRef {
            id: self.id.clone(),
            code: self.code.clone(),
            name: self.name.clone(),
            path: self.path.clone(),
            level: self.level,
        }
    }
}

/// Former places of moved units.
pub mod history {
    use super::{Timestamp, UnitId};
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "unit_place")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i64,
        pub unit_id: UnitId,
        pub path: String,
        pub until: Timestamp,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// A unit that is to be made.
#[derive(Clone, Debug)]
pub struct NewUnit {
    pub code: String,
    pub name: String,
    pub kind: UnitKind,
    pub level: UnitLevel,
    pub parent: Option<UnitRef>,
    pub sort: i32,
}

pub async fn insert(db: &impl ConnectionTrait, new: NewUnit) -> Result<UnitRef> {
    let id = UnitId::generate();
    let above = new.parent.as_ref().map_or("/", |parent| parent.path.as_str());
    let model = ActiveModel {
        path: Set(format!("{above}{id}/")),
        parent_id: Set(new.parent.as_ref().map(|parent| parent.id.clone())),
        id: Set(id),
        code: Set(new.code),
        name: Set(new.name),
        kind: Set(new.kind),
        level: Set(new.level),
        sort: Set(new.sort),
        closed_at: Set(None),
        version: Set(1),
    };
    Ok(model.insert(db).await?.as_ref())
}

pub async fn find(db: &impl ConnectionTrait, id: &UnitId) -> Result<Model> {
    Entity::find_by_id(id.clone()).one(db).await?.ok_or_else(|| Error::not_found("单位"))
}

pub async fn find_by_code(db: &impl ConnectionTrait, code: &str) -> Result<Model> {
    Entity::find().filter(Column::Code.eq(code)).one(db).await?.ok_or_else(|| Error::not_found("单位"))
}

/// The unit and all below it, in tree order.
pub async fn subtree(db: &impl ConnectionTrait, top: &UnitRef) -> Result<Vec<Model>> {
    let found = Entity::find().filter(Column::Path.starts_with(&top.path)).order_by_asc(Column::Path);
    Ok(found.all(db).await?)
}

pub async fn all(db: &impl ConnectionTrait) -> Result<Vec<Model>> {
    Ok(Entity::find().order_by_asc(Column::Sort).order_by_asc(Column::Code).all(db).await?)
}

/// The data bureau competent for a unit: the nearest 主管部门 at or above its place.
pub async fn competent_bureau(db: &impl ConnectionTrait, unit: &UnitRef) -> Result<Model> {
    let bureaus =
        Entity::find().filter(Column::Kind.eq(UnitKind::Bureau)).filter(Column::ClosedAt.is_null()).all(db).await?;
    let governing = |bureau: &Model| -> Option<usize> {
        let area = bureau.path.strip_suffix(&format!("{}/", bureau.id))?;
        unit.path.starts_with(area).then_some(area.len())
    };
    bureaus
        .into_iter()
        .filter_map(|bureau| governing(&bureau).map(|depth| (depth, bureau)))
        .max_by_key(|(depth, _)| *depth)
        .map(|(_, bureau)| bureau)
        .ok_or_else(|| Error::conflict("HF-NO-BUREAU", "未设置本级主管部门，请联系系统管理员"))
}

/// Moves a unit with all below it under a new parent; the old places are kept.
pub async fn reparent(db: &impl ConnectionTrait, unit: &Model, parent: &UnitRef, now: Timestamp) -> Result<()> {
    if parent.path.starts_with(&unit.path) {
        return Err(Error::conflict("HF-UNIT-LOOP", "不能把单位移到它自己的下级之下"));
    }
    let moved = format!("{}{}/", parent.path, unit.id);
    for below in subtree(db, &unit.as_ref()).await? {
        let tail = below.path.strip_prefix(&unit.path).unwrap_or_default();
        let path = format!("{moved}{tail}");
        let place = history::ActiveModel {
            unit_id: Set(below.id.clone()),
            path: Set(below.path.clone()),
            until: Set(now),
            ..Default::default()
        };
        place.insert(db).await?;
        let version = below.version;
        let mut change = below.into_active_model();
        change.path = Set(path);
        change.version = Set(version + 1);
        change.update(db).await?;
    }
    Entity::update_many()
        .col_expr(Column::ParentId, Expr::value(parent.id.clone()))
        .filter(Column::Id.eq(unit.id.clone()))
        .exec(db)
        .await?;
    Ok(())
}

/// Where a unit stood at a moment.
pub async fn path_at(db: &impl ConnectionTrait, unit: &Model, at: Timestamp) -> Result<String> {
    let earlier = history::Entity::find()
        .filter(history::Column::UnitId.eq(unit.id.clone()))
        .filter(history::Column::Until.gt(at))
        .order_by_asc(history::Column::Until)
        .one(db)
        .await?;
    Ok(earlier.map_or_else(|| unit.path.clone(), |place| place.path))
}
