//! Named figures of the catalogue. Facts are queries, never counters kept by hand.

use std::collections::BTreeMap;

use hufu_kernel::error::Result;
use hufu_kernel::time::Timestamp;
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, QuerySelect};

use crate::model::state::State;
use crate::model::terms::{ResourceKind, Sharing};
use crate::store::resource::{Column, Entity};

/// Numbers of entries. `total`, `by_sharing` and `by_kind` are of published entries, `by_state` of all.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Summary {
    pub total: u64,
    pub by_sharing: BTreeMap<&'static str, u64>,
    pub by_kind: BTreeMap<&'static str, u64>,
    pub by_state: BTreeMap<&'static str, u64>,
}

/// Entries of a unit and all below it; of all units without a path.
pub async fn summary(db: &impl ConnectionTrait, unit_path: Option<&str>) -> Result<Summary> {
    let all = || match unit_path {
        Some(path) => Entity::find().filter(Column::UnitPath.starts_with(path)),
        None => Entity::find(),
    };
    let published = || all().filter(Column::State.eq(State::Published));
    let grouped = |column: Column| async move {
        let rows = published().select_only().column(column).column_as(Expr::col(Column::Id).count(), "n").group_by(column);
        Ok::<_, hufu_kernel::error::Error>(rows.into_tuple::<(String, i64)>().all(db).await?)
    };
    let count = |rows: &[(String, i64)], code: &str| -> u64 {
        rows.iter().find(|(known, _)| known == code).and_then(|(_, n)| u64::try_from(*n).ok()).unwrap_or(0)
    };
    let sharing = grouped(Column::Sharing).await?;
    let kinds = grouped(Column::Kind).await?;
    let states = all().select_only().column(Column::State).column_as(Expr::col(Column::Id).count(), "n");
    let states = states.group_by(Column::State).into_tuple::<(String, i64)>().all(db).await?;
    Ok(Summary {
        total: published().count(db).await?,
        by_sharing: Sharing::ALL.iter().map(|term| (term.code(), count(&sharing, term.code()))).collect(),
        by_kind: ResourceKind::ALL.iter().map(|term| (term.code(), count(&kinds, term.code()))).collect(),
        by_state: State::ALL.iter().map(|state| (state.code(), count(&states, state.code()))).collect(),
    })
}

/// Published 不予共享 entries whose reasons should have been looked at again.
pub async fn reviews_overdue(db: &impl ConnectionTrait, unit_path: &str, now: Timestamp) -> Result<u64> {
    let due = Entity::find()
        .filter(Column::UnitPath.starts_with(unit_path))
        .filter(Column::State.eq(State::Published))
        .filter(Column::Sharing.eq(Sharing::Withheld))
        .filter(Column::ReviewDue.lte(now));
    Ok(due.count(db).await?)
}
