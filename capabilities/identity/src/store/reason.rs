//! Why somebody shut or closed something.

use hufu_crypto::sha256;
use hufu_kernel::error::Result;
use hufu_kernel::ids::AccountId;
use hufu_kernel::time::Timestamp;
use sea_orm::entity::prelude::*;
use sea_orm::{ActiveValue::Set, ConnectionTrait, QueryOrder};

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "act_reason")]
pub struct Model {
    /// Random, so that the digest of a short reason cannot be guessed.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    pub object_id: String,
    pub action: String,
    pub account_id: AccountId,
    pub reason: String,
    pub at: Timestamp,
}

alone!();

/// Keeps the words and gives their digest, which goes into the entry: words may name people.
pub async fn keep(
    db: &impl ConnectionTrait,
    object: impl ToString,
    action: &str,
    by: &AccountId,
    reason: &str,
    at: Timestamp,
) -> Result<String> {
    let id = Uuid::from_bytes(rand::random()).to_string();
    let digest = sha256(format!("{id}\0{reason}").as_bytes()).to_hex();
    let row = ActiveModel {
        id: Set(id),
        object_id: Set(object.to_string()),
        action: Set(action.to_owned()),
        account_id: Set(by.clone()),
        reason: Set(reason.to_owned()),
        at: Set(at),
    };
    Entity::insert(row).exec_without_returning(db).await?;
    Ok(digest)
}

/// All about an object, the newest first.
pub async fn of(db: &impl ConnectionTrait, object: &str) -> Result<Vec<Model>> {
    Ok(Entity::find().filter(Column::ObjectId.eq(object)).order_by_desc(Column::At).all(db).await?)
}
