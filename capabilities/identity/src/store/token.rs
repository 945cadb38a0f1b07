//! API tokens by the digest of their text.

use hufu_kernel::error::{Error, Result};
use hufu_kernel::ids::{AccountId, TokenId};
use hufu_kernel::time::Timestamp;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::Expr;
use sea_orm::{ActiveValue::Set, Condition, ConnectionTrait, QueryOrder};

use crate::model::token::{FreshToken, ScramVerifier, hash};

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "api_token")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: TokenId,
    pub account_id: AccountId,
    pub name: String,
    pub prefix: String,
    #[sea_orm(unique)]
    pub secret_hash: String,
    /// `iterations:salt:stored:server` in hex.
    pub scram: String,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
    pub revoked_at: Option<Timestamp>,
    pub used_at: Option<Timestamp>,
}

alone!();

impl Model {
    pub fn valid(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && now < self.expires_at
    }

    /// Key in the dictionary of states.
    pub fn state(&self, now: Timestamp) -> &'static str {
        if self.revoked_at.is_some() {
            "revoked"
        } else if now >= self.expires_at {
            "expired"
        } else {
            "active"
        }
    }

    pub fn verifier(&self) -> Result<ScramVerifier> {
        read_verifier(&self.scram).ok_or_else(|| Error::internal("stored SCRAM verifier is malformed"))
    }
}

pub async fn insert(
    db: &impl ConnectionTrait,
    account: &AccountId,
    name: &str,
    fresh: &FreshToken,
    now: Timestamp,
    expires_at: Timestamp,
) -> Result<TokenId> {
    let id = TokenId::generate();
    let row = ActiveModel {
        id: Set(id.clone()),
        account_id: Set(account.clone()),
        name: Set(name.to_owned()),
        prefix: Set(fresh.prefix.clone()),
        secret_hash: Set(fresh.hash.clone()),
        scram: Set(write_verifier(&fresh.scram)),
        created_at: Set(now),
        expires_at: Set(expires_at),
        revoked_at: Set(None),
        used_at: Set(None),
    };
    Entity::insert(row).exec_without_returning(db).await?;
    Ok(id)
}

pub async fn by_text(db: &impl ConnectionTrait, text: &str) -> Result<Option<Model>> {
    Ok(Entity::find().filter(Column::SecretHash.eq(hash(text))).one(db).await?)
}

pub async fn find(db: &impl ConnectionTrait, id: &TokenId) -> Result<Model> {
    Entity::find_by_id(id.clone()).one(db).await?.ok_or_else(|| Error::not_found("令牌"))
}

/// All of an account, the newest first.
pub async fn of(db: &impl ConnectionTrait, account: &AccountId) -> Result<Vec<Model>> {
    let rows = Entity::find().filter(Column::AccountId.eq(account.clone())).order_by_desc(Column::CreatedAt);
    Ok(rows.order_by_desc(Column::Id).all(db).await?)
}

pub async fn revoke(db: &impl ConnectionTrait, id: &TokenId, now: Timestamp) -> Result<()> {
    let open = Condition::all().add(Column::Id.eq(id.clone())).add(Column::RevokedAt.is_null());
    Entity::update_many().col_expr(Column::RevokedAt, Expr::value(now)).filter(open).exec(db).await?;
    Ok(())
}

/// Revokes all tokens of an account; gives their number.
pub async fn revoke_all(db: &impl ConnectionTrait, account: &AccountId, now: Timestamp) -> Result<u64> {
    let open = Condition::all().add(Column::AccountId.eq(account.clone())).add(Column::RevokedAt.is_null());
    let done = Entity::update_many().col_expr(Column::RevokedAt, Expr::value(now)).filter(open).exec(db).await?;
    Ok(done.rows_affected)
}

pub async fn used(db: &impl ConnectionTrait, id: &TokenId, now: Timestamp) -> Result<()> {
    Entity::update_many().col_expr(Column::UsedAt, Expr::value(now)).filter(Column::Id.eq(id.clone())).exec(db).await?;
    Ok(())
}

fn write_verifier(scram: &ScramVerifier) -> String {
    let hex = |bytes: &[u8]| hex::encode(bytes);
    format!("{}:{}:{}:{}", scram.iterations, hex(&scram.salt), hex(&scram.stored_key), hex(&scram.server_key))
}

fn read_verifier(text: &str) -> Option<ScramVerifier> {
    let mut parts = text.split(':');
    let iterations = parts.next()?.parse().ok()?;
    let salt = hex::decode(parts.next()?).ok()?.try_into().ok()?;
    let stored_key = hex::decode(parts.next()?).ok()?.try_into().ok()?;
    let server_key = hex::decode(parts.next()?).ok()?.try_into().ok()?;
    Some(ScramVerifier { salt, iterations, stored_key, server_key })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verifier_comes_back_from_its_column() {
        let scram = ScramVerifier::new("x", [3; 16], 2);
        assert_eq!(read_verifier(&write_verifier(&scram)), Some(scram));
        assert_eq!(read_verifier("4096:00"), None);
    }
}
