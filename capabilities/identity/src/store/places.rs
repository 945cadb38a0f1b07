//! Where a unit stands between the bureaus: who administers it, and who confirms a change of rights in it.

use hufu_kernel::actor::{Role, UnitRef};
use hufu_kernel::error::{Error, Result};
use hufu_kernel::ids::AccountId;
use hufu_kernel::unit::{self, UnitKind};
use sea_orm::entity::prelude::*;
use sea_orm::{Condition, ConnectionTrait, JoinType, QuerySelect};

use super::account::{self, held};
use crate::model::account::AccountState;

/// The bureaus in whose area a unit lies, the nearest first.
pub async fn bureaus_over(db: &impl ConnectionTrait, place: &UnitRef) -> Result<Vec<UnitRef>> {
    let open = Condition::all().add(unit::Column::Kind.eq(UnitKind::Bureau)).add(unit::Column::ClosedAt.is_null());
    let all = unit::Entity::find().filter(open).all(db).await?;
    let mut over: Vec<UnitRef> =
        all.iter().map(unit::Model::as_ref).filter(|bureau| place.path.starts_with(area_of(bureau))).collect();
    over.sort_by_key(|bureau| std::cmp::Reverse(bureau.path.len()));
    Ok(over)
}

/// Path of the area that a bureau governs: that of the government it belongs to.
fn area_of(bureau: &UnitRef) -> &str {
    bureau.path.strip_suffix(&format!("{}/", bureau.id)).unwrap_or(&bureau.path)
}

/// Path below which somebody of this unit sees people and units: the whole area for a bureau, else the own subtree.
pub async fn jurisdiction(db: &impl ConnectionTrait, own: &UnitRef) -> Result<String> {
    let unit = unit::find(db, &own.id).await?;
    let place = unit.as_ref();
    Ok(if unit.kind == UnitKind::Bureau { area_of(&place).to_owned() } else { place.path })
}

/// The bureau whose security manager decides about a person of `place`: the nearest one that has a
/// manager other than `asker` and `subject`, so that a county without one is looked after by its city.
pub async fn deciding_bureau(
    db: &impl ConnectionTrait,
    place: &UnitRef,
    asker: &AccountId,
    subject: &AccountId,
) -> Result<UnitRef> {
    for bureau in bureaus_over(db, place).await? {
        let managers = account::Entity::find()
            .join(JoinType::InnerJoin, account_roles())
            .filter(held::Column::Role.eq(Role::R1))
            .filter(account::Column::UnitId.eq(bureau.id.clone()))
            .filter(account::Column::State.eq(AccountState::Active))
            .filter(account::Column::Id.is_not_in([asker.clone(), subject.clone()]));
        if managers.count(db).await? > 0 {
            return Ok(bureau);
        }
    }
    Err(Error::conflict("HF-NO-MANAGER", "本级和上级主管部门都没有可以复核的数据安全管理员"))
}

fn account_roles() -> RelationDef {
    account::Entity::belongs_to(held::Entity).from(account::Column::Id).to(held::Column::AccountId).into()
}
