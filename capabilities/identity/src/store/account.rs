//! Accounts, the roles they hold and their former passwords.

use hufu_kernel::actor::{Actor, Role, UnitRef};
use hufu_kernel::error::{Error, Result};
use hufu_kernel::ids::{AccountId, UnitId};
use hufu_kernel::time::Timestamp;
use hufu_kernel::unit;
use sea_orm::entity::prelude::*;
use sea_orm::{ActiveValue::Set, Condition, ConnectionTrait, QueryOrder, QuerySelect};

use crate::model::account::{AccountState, Admission};
use crate::model::password::HISTORY;
use crate::model::roles::RoleSet;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "account")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: AccountId,
    #[sea_orm(unique)]
    pub login: String,
    pub name: String,
    pub phone: Option<String>,
    pub unit_id: UnitId,
    pub state: AccountState,
    pub vendor: Option<String>,
    pub vendor_until: Option<Timestamp>,
    /// Argon2id in PHC form.
    pub password: String,
    pub password_at: Timestamp,
    /// Given by somebody else, so that the person must change it first.
    pub password_initial: bool,
    /// The shared secret, sealed, in hex.
    pub totp: Option<String>,
    pub totp_at: Option<Timestamp>,
    /// Last time step whose code was accepted.
    pub totp_step: Option<i64>,
    pub last_login_at: Option<Timestamp>,
    pub created_at: Timestamp,
    pub closed_at: Option<Timestamp>,
    pub version: i32,
}

alone!();

impl Model {
    pub fn admission(&self) -> Admission {
        Admission { state: self.state, vendor_until: self.vendor_until }
    }
}

pub mod held {
    use super::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "account_role")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub account_id: AccountId,
        #[sea_orm(primary_key, auto_increment = false)]
        pub role: Role,
        pub since: Timestamp,
    }

    alone!();
}

pub mod former {
    use super::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "former_password")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: String,
        pub account_id: AccountId,
        pub password: String,
        pub until: Timestamp,
    }

    alone!();
}

pub async fn find(db: &impl ConnectionTrait, id: &AccountId) -> Result<Model> {
    Entity::find_by_id(id.clone()).one(db).await?.ok_or_else(|| Error::not_found("账号"))
}

pub async fn find_by_login(db: &impl ConnectionTrait, login: &str) -> Result<Option<Model>> {
    Ok(Entity::find().filter(Column::Login.eq(login.trim().to_ascii_lowercase())).one(db).await?)
}

pub async fn roles(db: &impl ConnectionTrait, id: &AccountId) -> Result<Vec<Role>> {
    let rows = held::Entity::find().filter(held::Column::AccountId.eq(id.clone())).order_by_asc(held::Column::Role);
    Ok(rows.all(db).await?.into_iter().map(|row| row.role).collect())
}

/// The person as commands and policies see one.
pub async fn actor(db: &impl ConnectionTrait, account: &Model) -> Result<Actor> {
    let unit: UnitRef = unit::find(db, &account.unit_id).await?.as_ref();
    Ok(Actor {
        account: account.id.clone(),
        login: account.login.clone(),
        name: account.name.clone(),
        unit,
        roles: roles(db, &account.id).await?,
    })
}

/// Replaces the roles of an account; roles kept keep their date.
pub async fn set_roles(db: &impl ConnectionTrait, id: &AccountId, wanted: &RoleSet, now: Timestamp) -> Result<()> {
    let before = roles(db, id).await?;
    let gone: Vec<Role> = before.iter().copied().filter(|role| !wanted.contains(*role)).collect();
    if !gone.is_empty() {
        let those = Condition::all().add(held::Column::AccountId.eq(id.clone())).add(held::Column::Role.is_in(gone));
        held::Entity::delete_many().filter(those).exec(db).await?;
    }
    for role in wanted.iter().filter(|role| !before.contains(role)) {
        let row = held::ActiveModel { account_id: Set(id.clone()), role: Set(role), since: Set(now) };
        held::Entity::insert(row).exec_without_returning(db).await?;
    }
    Ok(())
}

/// Changes a row that the caller has read; somebody faster makes it stale.
pub async fn update(db: &impl ConnectionTrait, before: &Model, mut change: ActiveModel) -> Result<()> {
    change.version = Set(before.version + 1);
    let same = Condition::all().add(Column::Id.eq(before.id.clone())).add(Column::Version.eq(before.version));
    let done = Entity::update_many().set(change).filter(same).exec(db).await?;
    if done.rows_affected == 0 { Err(Error::stale()) } else { Ok(()) }
}

/// Keeps the password that goes, and forgets what is older than the history asks for.
pub async fn retire_password(db: &impl ConnectionTrait, account: &Model, now: Timestamp) -> Result<()> {
    let row = former::ActiveModel {
        id: Set(Uuid::now_v7().to_string()),
        account_id: Set(account.id.clone()),
        password: Set(account.password.clone()),
        until: Set(now),
    };
    former::Entity::insert(row).exec_without_returning(db).await?;
    let kept: Vec<String> = former_rows(db, &account.id).await?.into_iter().map(|row| row.id).collect();
    let old =
        Condition::all().add(former::Column::AccountId.eq(account.id.clone())).add(former::Column::Id.is_not_in(kept));
    former::Entity::delete_many().filter(old).exec(db).await?;
    Ok(())
}

/// Hashes that may not come back, the newest first; the present one is the caller's to add.
pub async fn former_passwords(db: &impl ConnectionTrait, id: &AccountId) -> Result<Vec<String>> {
    Ok(former_rows(db, id).await?.into_iter().map(|row| row.password).collect())
}

async fn former_rows(db: &impl ConnectionTrait, id: &AccountId) -> Result<Vec<former::Model>> {
    let rows = former::Entity::find()
        .filter(former::Column::AccountId.eq(id.clone()))
        .order_by_desc(former::Column::Until)
        .order_by_desc(former::Column::Id)
        .limit(HISTORY - 1);
    Ok(rows.all(db).await?)
}

/// Is there any account at all?
pub async fn any(db: &impl ConnectionTrait) -> Result<bool> {
    Ok(Entity::find().limit(1).one(db).await?.is_some())
}
