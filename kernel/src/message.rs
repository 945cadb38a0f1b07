//! In-app messages to one account, or to whoever holds a role at a unit; each reader has read it or not.

use sea_orm::entity::prelude::*;
use sea_orm::sea_query::Condition;
use sea_orm::{ActiveValue::Set, ConnectionTrait, QueryOrder, QuerySelect, QueryTrait};

use crate::actor::{Actor, Role};
use crate::error::Result;
use crate::event::Event;
use crate::ids::{AccountId, MessageId, UnitId};
use crate::store::Tx;
use crate::store::text::contains;
use crate::time::Timestamp;

/// Messages one page may have.
pub const PAGE_MAX: u64 = 200;

/// Who is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recipient {
    Account(AccountId),
    Role(Role, UnitId),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum Category {
    Approval,
    Grant,
    Job,
    Reminder,
    Security,
    Notice,
}

impl Category {
    pub const ALL: [Category; 6] =
        [Self::Approval, Self::Grant, Self::Job, Self::Reminder, Self::Security, Self::Notice];

    pub fn name(self) -> &'static str {
        match self {
            Self::Approval => "审批",
            Self::Grant => "授权",
            Self::Job => "任务",
            Self::Reminder => "催办",
            Self::Security => "安全",
            Self::Notice => "通知",
        }
    }
}

/// A message that is to be sent.
#[derive(Clone, Debug)]
pub struct NewMessage {
    pub to: Recipient,
    pub category: Category,
    pub title: String,
    /// Plain text that can be copied into a group chat.
    pub body: String,
    pub link: String,
}

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "message")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: MessageId,
    pub account: Option<AccountId>,
    pub role: Option<Role>,
    pub unit_id: Option<UnitId>,
    pub category: Category,
    pub title: String,
    pub body: String,
    pub link: String,
    pub at: Timestamp,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Who has read what.
pub mod read {
    use super::{AccountId, MessageId, Timestamp};
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "message_read")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub message_id: MessageId,
        #[sea_orm(primary_key, auto_increment = false)]
        pub account: AccountId,
        pub at: Timestamp,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

#[derive(Clone, Debug, Default)]
pub struct MessageQuery {
    pub category: Option<Category>,
    pub unread_only: bool,
    pub text: Option<String>,
    pub page: u64,
    pub size: u64,
}

/// Sends a message with the command that causes it.
pub async fn send(tx: &Tx, now: Timestamp, new: NewMessage) -> Result<MessageId> {
    let id = MessageId::generate();
    let (account, role, unit_id) = match new.to {
        Recipient::Account(account) => (Some(account), None, None),
        Recipient::Role(role, unit) => (None, Some(role), Some(unit)),
    };
    let key = account.as_ref().map(ToString::to_string).or(unit_id.as_ref().map(ToString::to_string));
    let row = ActiveModel {
        id: Set(id.clone()),
        account: Set(account),
        role: Set(role),
        unit_id: Set(unit_id),
        category: Set(new.category),
        title: Set(new.title),
        body: Set(new.body),
        link: Set(new.link),
        at: Set(now),
    };
    Entity::insert(row).exec_without_returning(tx.db()).await?;
    tx.announce(Event::new("message", key.unwrap_or_default()));
    Ok(id)
}

/// One page of somebody's messages, the newest first, each with whether it was read; and the number in all.
pub async fn list(db: &impl ConnectionTrait, actor: &Actor, query: &MessageQuery) -> Result<(Vec<(Model, bool)>, u64)> {
    let mut select = Entity::find().filter(addressed_to(actor));
    if let Some(category) = query.category {
        select = select.filter(Column::Category.eq(category));
    }
    if let Some(text) = query.text.as_deref().map(str::trim).filter(|text| !text.is_empty()) {
        select = select.filter(Condition::any().add(contains(Column::Title, text)).add(contains(Column::Body, text)));
    }
    if query.unread_only {
        select = select.filter(Column::Id.not_in_subquery(read_by(actor)));
    }
    let total = select.clone().count(db).await?;
    let size = query.size.clamp(1, PAGE_MAX);
    let offset = query.page.max(1).saturating_sub(1).saturating_mul(size);
    let rows = select.order_by_desc(Column::At).order_by_desc(Column::Id).offset(offset).limit(size).all(db).await?;
    let ids: Vec<MessageId> = rows.iter().map(|row| row.id.clone()).collect();
    let seen = read::Entity::find()
        .filter(read::Column::Account.eq(actor.account.clone()))
        .filter(read::Column::MessageId.is_in(ids))
        .all(db)
        .await?;
    let is_read = |row: &Model| seen.iter().any(|mark| mark.message_id == row.id);
    Ok((rows.into_iter().map(|row| { let read = is_read(&row); (row, read) }).collect(), total))
}

/// One message of this person, and whether they have read it.
pub async fn find(db: &impl ConnectionTrait, actor: &Actor, id: &MessageId) -> Result<(Model, bool)> {
    let mine = Entity::find_by_id(id.clone()).filter(addressed_to(actor));
    let row = mine.one(db).await?.ok_or_else(|| crate::error::Error::not_found("消息"))?;
    let mark = read::Entity::find_by_id((id.clone(), actor.account.clone())).one(db).await?;
    Ok((row, mark.is_some()))
}

pub async fn unread(db: &impl ConnectionTrait, actor: &Actor) -> Result<u64> {
    let waiting = Entity::find().filter(addressed_to(actor)).filter(Column::Id.not_in_subquery(read_by(actor)));
    Ok(waiting.count(db).await?)
}

/// Marks messages as read by this person; with none named, all of them. Others' messages are left alone.
pub async fn mark_read(tx: &Tx, actor: &Actor, ids: &[MessageId], now: Timestamp) -> Result<u64> {
    let mut select = Entity::find().filter(addressed_to(actor)).filter(Column::Id.not_in_subquery(read_by(actor)));
    if !ids.is_empty() {
        select = select.filter(Column::Id.is_in(ids.iter().cloned()));
    }
    let fresh = select.all(tx.db()).await?;
    for row in &fresh {
        let mark = read::ActiveModel {
            message_id: Set(row.id.clone()),
            account: Set(actor.account.clone()),
            at: Set(now),
        };
        read::Entity::insert(mark).exec_without_returning(tx.db()).await?;
    }
    Ok(fresh.len() as u64)
}

fn addressed_to(actor: &Actor) -> Condition {
    let by_role = Condition::all()
        .add(Column::UnitId.eq(actor.unit.id.clone()))
        .add(Column::Role.is_in(actor.roles.clone()));
    Condition::any().add(Column::Account.eq(actor.account.clone())).add(by_role)
}

fn read_by(actor: &Actor) -> sea_orm::sea_query::SelectStatement {
    let marks = read::Entity::find().select_only().column(read::Column::MessageId);
    marks.filter(read::Column::Account.eq(actor.account.clone())).into_query()
}
