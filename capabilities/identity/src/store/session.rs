//! Sessions by the digest of their cookie, guesses by the digest of the log-in name, and the record of log-ins.

use std::collections::BTreeMap;

use hufu_kernel::error::Result;
use hufu_kernel::ids::{AccountId, SessionId};
use hufu_kernel::time::Timestamp;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{ActiveValue::Set, Condition, ConnectionTrait, QueryOrder, QuerySelect};

use crate::model::session::Guesses;
use crate::model::token::hash;

/// Log-ins shown on a person's own page.
const SHOWN: u64 = 10;
/// Browsers call themselves long names; only their head is kept.
const AGENT_CHARS_MAX: usize = 200;
/// Days after which a guard row of an idle name is dropped.
const GUARD_DAYS: i64 = 2;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "login_session")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: SessionId,
    #[sea_orm(unique)]
    pub secret_hash: String,
    pub account_id: AccountId,
    pub created_at: Timestamp,
    pub seen_at: Timestamp,
    pub ended_at: Option<Timestamp>,
    pub second_passed: bool,
    pub client: String,
    pub agent: String,
}

alone!();

pub mod guard {
    use super::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "login_guard")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub login_hash: String,
        pub failures: i32,
        pub failed_at: Timestamp,
        pub locked_until: Option<Timestamp>,
    }

    alone!();
}

pub mod record {
    use super::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "login_record")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: String,
        pub account_id: AccountId,
        pub at: Timestamp,
        pub client: String,
        pub agent: String,
        pub success: bool,
    }

    alone!();
}

/// From where somebody logs in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    pub client: String,
    pub agent: String,
}

impl Origin {
    pub fn new(client: &str, agent: &str) -> Self {
        Self { client: client.to_owned(), agent: agent.chars().take(AGENT_CHARS_MAX).collect() }
    }
}

/// The session a cookie belongs to, when it has not been ended.
pub async fn by_cookie(db: &impl ConnectionTrait, cookie: &str) -> Result<Option<Model>> {
    Ok(Entity::find().filter(Column::SecretHash.eq(hash(cookie))).filter(Column::EndedAt.is_null()).one(db).await?)
}

pub async fn open(
    db: &impl ConnectionTrait,
    cookie: &str,
    account: &AccountId,
    second_passed: bool,
    origin: &Origin,
    now: Timestamp,
) -> Result<SessionId> {
    let id = SessionId::generate();
    let row = ActiveModel {
        id: Set(id.clone()),
        secret_hash: Set(hash(cookie)),
        account_id: Set(account.clone()),
        created_at: Set(now),
        seen_at: Set(now),
        ended_at: Set(None),
        second_passed: Set(second_passed),
        client: Set(origin.client.clone()),
        agent: Set(origin.agent.clone()),
    };
    Entity::insert(row).exec_without_returning(db).await?;
    Ok(id)
}

/// Gives a session a new cookie, so that one that was seen before the rights rose is worth nothing.
pub async fn rotate(db: &impl ConnectionTrait, id: &SessionId, cookie: &str, second_passed: bool) -> Result<()> {
    Entity::update_many()
        .col_expr(Column::SecretHash, Expr::value(hash(cookie)))
        .col_expr(Column::SecondPassed, Expr::value(second_passed))
        .filter(Column::Id.eq(id.clone()))
        .exec(db)
        .await?;
    Ok(())
}

pub async fn touch(db: &impl ConnectionTrait, id: &SessionId, now: Timestamp) -> Result<()> {
    Entity::update_many().col_expr(Column::SeenAt, Expr::value(now)).filter(Column::Id.eq(id.clone())).exec(db).await?;
    Ok(())
}

pub async fn end(db: &impl ConnectionTrait, id: &SessionId, now: Timestamp) -> Result<()> {
    let open = Condition::all().add(Column::Id.eq(id.clone())).add(Column::EndedAt.is_null());
    Entity::update_many().col_expr(Column::EndedAt, Expr::value(now)).filter(open).exec(db).await?;
    Ok(())
}

/// Ends all sessions of an account but one; gives their number.
pub async fn end_all(
    db: &impl ConnectionTrait,
    account: &AccountId,
    but: Option<&SessionId>,
    now: Timestamp,
) -> Result<u64> {
    let mut those = Condition::all().add(Column::AccountId.eq(account.clone())).add(Column::EndedAt.is_null());
    if let Some(kept) = but {
        those = those.add(Column::Id.ne(kept.clone()));
    }
    let done = Entity::update_many().col_expr(Column::EndedAt, Expr::value(now)).filter(those).exec(db).await?;
    Ok(done.rows_affected)
}

pub async fn guesses(db: &impl ConnectionTrait, login: &str) -> Result<Guesses> {
    let row = guard::Entity::find_by_id(guard_key(login)).one(db).await?;
    Ok(row.map_or_else(Guesses::default, |row| Guesses { failures: row.failures, locked_until: row.locked_until }))
}

pub async fn set_guesses(db: &impl ConnectionTrait, login: &str, guesses: Guesses, now: Timestamp) -> Result<()> {
    let row = guard::ActiveModel {
        login_hash: Set(guard_key(login)),
        failures: Set(guesses.failures),
        failed_at: Set(now),
        locked_until: Set(guesses.locked_until),
    };
    let mut again = OnConflict::column(guard::Column::LoginHash);
    again.update_columns([guard::Column::Failures, guard::Column::FailedAt, guard::Column::LockedUntil]);
    guard::Entity::insert(row).on_conflict(again).exec_without_returning(db).await?;
    let old = guard::Column::FailedAt.lt(now.plus(chrono::Duration::days(-GUARD_DAYS)));
    guard::Entity::delete_many().filter(old).exec(db).await?;
    Ok(())
}

pub async fn clear_guesses(db: &impl ConnectionTrait, login: &str) -> Result<()> {
    guard::Entity::delete_by_id(guard_key(login)).exec(db).await?;
    Ok(())
}

/// Names that are locked now, by their key.
pub async fn locks(db: &impl ConnectionTrait, now: Timestamp) -> Result<BTreeMap<String, Timestamp>> {
    let rows = guard::Entity::find().filter(guard::Column::LockedUntil.gt(now)).all(db).await?;
    Ok(rows.into_iter().filter_map(|row| Some((row.login_hash, row.locked_until?))).collect())
}

/// Under which a log-in name is guarded.
pub fn guard_key(login: &str) -> String {
    hash(&login.trim().to_ascii_lowercase())
}

pub async fn note(
    db: &impl ConnectionTrait,
    account: &AccountId,
    origin: &Origin,
    success: bool,
    now: Timestamp,
) -> Result<()> {
    let row = record::ActiveModel {
        id: Set(Uuid::now_v7().to_string()),
        account_id: Set(account.clone()),
        at: Set(now),
        client: Set(origin.client.clone()),
        agent: Set(origin.agent.clone()),
        success: Set(success),
    };
    record::Entity::insert(row).exec_without_returning(db).await?;
    Ok(())
}

/// The newest log-ins of an account, failed ones too.
pub async fn recent(db: &impl ConnectionTrait, account: &AccountId) -> Result<Vec<record::Model>> {
    let rows = record::Entity::find()
        .filter(record::Column::AccountId.eq(account.clone()))
        .order_by_desc(record::Column::At)
        .order_by_desc(record::Column::Id)
        .limit(SHOWN);
    Ok(rows.all(db).await?)
}

/// The last log-in that succeeded before this session began.
pub async fn previous(db: &impl ConnectionTrait, session: &Model) -> Result<Option<record::Model>> {
    let rows = record::Entity::find()
        .filter(record::Column::AccountId.eq(session.account_id.clone()))
        .filter(record::Column::Success.eq(true))
        .filter(record::Column::At.lt(session.created_at))
        .order_by_desc(record::Column::At);
    Ok(rows.one(db).await?)
}
