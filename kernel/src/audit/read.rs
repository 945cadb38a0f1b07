//! Reading the metadata copy of the ledger: pages with filters, and the 操作记录 of one object.

use sea_orm::sea_query::{Condition, Expr, Query, SelectStatement};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect};

use super::{Column, Entity, Model, Outcome};
use crate::actor::{Actor, UnitRef};
use crate::error::{Error, Result};
use crate::ids::EntryId;
use crate::store::text::{contains, starts_with};
use crate::time::Timestamp;
use crate::unit::{self, UnitKind};

/// Entries one page may have.
pub const PAGE_MAX: u64 = 200;

/// Filters of the audit pages; what is absent filters nothing.
#[derive(Clone, Debug, Default)]
pub struct EntryQuery {
    pub from: Option<Timestamp>,
    pub to: Option<Timestamp>,
    pub login: Option<String>,
    /// Code of the unit that acted, or part of its name.
    pub unit: Option<String>,
    /// An action, or all below it: `sharing.application` finds `sharing.application.submit`.
    pub action: Option<String>,
    /// Or one of these.
    pub actions: Vec<String>,
    /// Only actions below this one, whatever else is asked: `gate`.
    pub action_below: Option<String>,
    pub object_kind: Option<String>,
    pub outcome: Option<Outcome>,
    /// Part of the object's number, the login, the request or the error code.
    pub text: Option<String>,
    /// Only acts of this unit and those below it.
    pub scope: Option<UnitRef>,
    pub oldest_first: bool,
    /// From 1.
    pub page: u64,
    pub size: u64,
}

/// One page of entries and the number in all.
pub async fn page(db: &impl ConnectionTrait, query: &EntryQuery) -> Result<(Vec<Model>, u64)> {
    let select = Entity::find().filter(condition(query));
    let total = select.clone().count(db).await?;
    let size = query.size.clamp(1, PAGE_MAX);
    let offset = query.page.max(1).saturating_sub(1).saturating_mul(size);
    let ordered = if query.oldest_first {
        select.order_by_asc(Column::At).order_by_asc(Column::Id)
    } else {
        select.order_by_desc(Column::At).order_by_desc(Column::Id)
    };
    Ok((ordered.offset(offset).limit(size).all(db).await?, total))
}

/// One entry, if it is of the scope.
pub async fn find(db: &impl ConnectionTrait, id: &EntryId, scope: Option<&UnitRef>) -> Result<Model> {
    let within = condition(&EntryQuery { scope: scope.cloned(), ..EntryQuery::default() });
    let found = Entity::find_by_id(id.clone()).filter(within).one(db).await?;
    found.ok_or_else(|| Error::not_found("审计记录"))
}

/// What happened to one object, the newest first.
pub async fn of_object(db: &impl ConnectionTrait, kind: &str, id: &str, limit: u64) -> Result<Vec<Model>> {
    let found = Entity::find().filter(Column::ObjectId.eq(id)).filter(Column::ObjectKind.eq(kind));
    let newest = found.order_by_desc(Column::At).order_by_desc(Column::Id);
    Ok(newest.limit(limit.min(PAGE_MAX)).all(db).await?)
}

/// Whose acts somebody may read: those of their area. At the one root of the tree that is all, the system's own included.
pub async fn scope_of(db: &impl ConnectionTrait, actor: &Actor) -> Result<Option<UnitRef>> {
    let own = unit::find(db, &actor.unit.id).await?;
    let top = match (own.kind, &own.parent_id) {
        // A bureau watches over the area it belongs to.
        (UnitKind::Bureau, Some(area)) => unit::find(db, area).await?,
        (UnitKind::Bureau, None)
        | (UnitKind::Area | UnitKind::Department | UnitKind::Subordinate | UnitKind::WorkingGroup, _) => own,
    };
    let roots = unit::Entity::find().filter(unit::Column::ParentId.is_null()).count(db).await?;
    let is_all = top.parent_id.is_none() && roots == 1;
    Ok((!is_all).then(|| top.as_ref()))
}

/// All actions that ever happened, for the filter.
pub async fn actions(db: &impl ConnectionTrait) -> Result<Vec<String>> {
    let found = Entity::find().select_only().column(Column::Action).distinct().order_by_asc(Column::Action);
    Ok(found.into_tuple::<String>().all(db).await?)
}

/// How many entries an object has, by query.
pub async fn count(db: &impl ConnectionTrait, query: &EntryQuery) -> Result<u64> {
    Ok(Entity::find().filter(condition(query)).count(db).await?)
}

fn condition(query: &EntryQuery) -> Condition {
    let mut all = Condition::all();
    if let Some(from) = query.from {
        all = all.add(Column::At.gte(from));
    }
    if let Some(to) = query.to {
        all = all.add(Column::At.lte(to));
    }
    for (column, wanted) in [(Column::Login, &query.login), (Column::ObjectKind, &query.object_kind)] {
        if let Some(wanted) = filled(wanted) {
            all = all.add(column.eq(wanted));
        }
    }
    if let Some(wanted) = filled(&query.unit) {
        let named = units(contains(unit::Column::Name, wanted));
        all = all.add(Condition::any().add(Column::Unit.eq(wanted)).add(Column::Unit.in_subquery(named)));
    }
    if let Some(action) = filled(&query.action) {
        let action = action.trim_end_matches('.');
        let below = starts_with(Column::Action, &format!("{action}."));
        let named = Column::Action.is_in(query.actions.iter().map(String::as_str));
        all = all.add(Condition::any().add(Column::Action.eq(action)).add(below).add(named));
    }
    if let Some(top) = &query.action_below {
        all = all.add(starts_with(Column::Action, &format!("{top}.")));
    }
    if let Some(outcome) = query.outcome {
        all = all.add(Column::Outcome.eq(outcome));
    }
    if let Some(text) = filled(&query.text) {
        let columns = [Column::ObjectNo, Column::Login, Column::Request, Column::Code];
        all = all.add(columns.into_iter().fold(Condition::any(), |any, column| any.add(contains(column, text))));
    }
    if let Some(top) = &query.scope {
        all = all.add(Column::Unit.in_subquery(units(starts_with(unit::Column::Path, &top.path))));
    }
    all
}

/// Codes of the units of a kind.
fn units(which: Expr) -> SelectStatement {
    Query::select().column(unit::Column::Code).from(unit::Entity).and_where(which).to_owned()
}

fn filled(text: &Option<String>) -> Option<&str> {
    text.as_deref().map(str::trim).filter(|text| !text.is_empty())
}
