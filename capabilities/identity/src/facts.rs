//! Named figures about people, each a query over rows.

use hufu_kernel::error::Result;
use hufu_kernel::time::Timestamp;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter};

use crate::model::account::AccountState;
use crate::model::change::ChangeState;
use crate::store::session::{guard, record};
use crate::store::{account, change};

/// A figure with its definition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Figure {
    pub name: &'static str,
    pub definition: &'static str,
    pub value: u64,
}

/// The figures of identity at a moment.
pub async fn figures(db: &impl ConnectionTrait, now: Timestamp) -> Result<Vec<Figure>> {
    let day_ago = now.plus(chrono::Duration::hours(-24));
    let figure = |name, definition, value| Figure { name, definition, value };
    let accounts = account::Entity::find().filter(account::Column::State.ne(AccountState::Closed)).count(db).await?;
    let waiting = change::Entity::find().filter(change::Column::State.eq(ChangeState::Pending)).count(db).await?;
    let failures = record::Entity::find()
        .filter(record::Column::Success.eq(false))
        .filter(record::Column::At.gte(day_ago))
        .count(db)
        .await?;
    let locked = guard::Entity::find().filter(guard::Column::LockedUntil.gt(now)).count(db).await?;
    let vendors = account::Entity::find()
        .filter(account::Column::State.ne(AccountState::Closed))
        .filter(account::Column::VendorUntil.lt(now))
        .count(db)
        .await?;
    Ok(vec![
        figure("identity.accounts", "未注销账号数", accounts),
        figure("identity.changes_waiting", "待复核的权限变更数", waiting),
        figure("identity.login_failures_24h", "近 24 小时登录失败次数（仅计已有账号）", failures),
        figure("identity.names_locked", "当前因连续失败被锁定的账号名数", locked),
        figure("identity.vendor_expired", "服务期已满而未注销的外包账号数", vendors),
    ])
}
