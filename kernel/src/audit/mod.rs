//! One entry per act: who, unit, role, purpose, object, result, and no clear personal data.
//!
//! A command's entry is a row of `audit_entry` written in the command's own transaction (the outbox).
//! After the commit its body goes to the sequencer; the act is acknowledged only when both are durable.
//! `docs/ledger.md` has the table of what happens when the machine stops in between.

mod compare;
mod names;
mod project;
mod read;

pub use compare::{Difference, compare, indexed};
pub use names::{ActionName, ActionNames};
pub use project::{Durable, Feed, Inlet, Projector, Recovery, channel, recover};
pub use read::{EntryQuery, PAGE_MAX, actions, count, find, of_object, page, scope_of};

use async_trait::async_trait;
use sea_orm::entity::prelude::*;
use sea_orm::{ActiveValue::Set, ConnectionTrait};
use serde::{Deserialize, Serialize};

use crate::actor::Actor;
use crate::error::Result;
use crate::ids::EntryId;
use crate::time::Timestamp;

/// What stands in the ledger about one act. Field order is the order in the leaf.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    pub id: EntryId,
    pub at: Timestamp,
    /// `sharing.application.submit`, `gate.query.begin`.
    pub action: String,
    pub outcome: Outcome,
    /// Error code when refused or failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actor: Option<EntryActor>,
    pub object: ObjectRef,
    pub client: String,
    pub request: String,
    /// Public facts of the act: states before and after, counts, digests. Never a personal value.
    #[serde(default, skip_serializing_if = "serde_json::Value::is_null")]
    pub detail: serde_json::Value,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Done,
    Refused,
    Failed,
}

/// The actor as the ledger knows one: by log-in name, never by a person's name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntryActor {
    pub account: String,
    pub login: String,
    pub unit: String,
    pub roles: Vec<String>,
}

impl From<&Actor> for EntryActor {
    fn from(actor: &Actor) -> Self {
        Self {
            account: actor.account.to_string(),
            login: actor.login.clone(),
            unit: actor.unit.code.clone(),
            roles: actor.roles.iter().map(|role| role.code().to_owned()).collect(),
        }
    }
}

/// The object of an act: its kind, its id, and the number people know it by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectRef {
    pub kind: String,
    pub id: String,
    pub no: String,
}

impl ObjectRef {
    pub fn new(kind: &str, id: impl ToString, no: impl Into<String>) -> Self {
        Self { kind: kind.to_owned(), id: id.to_string(), no: no.into() }
    }
}

/// Gives an entry its place in the log. Acknowledges only what is durable; refuses everything after a storage fault.
#[async_trait]
pub trait Sequencer: std::fmt::Debug + Send + Sync {
    async fn append(&self, body: Vec<u8>) -> Result<u64>;

    /// Has a storage fault stopped it? Then no act may begin.
    fn is_stopped(&self) -> bool {
        false
    }
}

impl Entry {
    /// The exact bytes that are sequenced.
    pub fn body(&self) -> Result<Vec<u8>> {
        Ok(serde_json::to_vec(self)?)
    }
}

/// The metadata copy of an entry: outbox before it has an index, search index after.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "audit_entry")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: EntryId,
    /// Index in the ledger; absent until the sequencer has fixed it.
    pub idx: Option<i64>,
    pub at: Timestamp,
    pub action: String,
    pub outcome: Outcome,
    pub code: Option<String>,
    pub account: Option<String>,
    pub login: Option<String>,
    pub unit: Option<String>,
    pub roles: String,
    pub object_kind: String,
    pub object_id: String,
    pub object_no: String,
    pub client: String,
    pub request: String,
    /// The sequenced bytes, for comparison with the leaf.
    pub body: String,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// The row of an entry; `idx` is unknown inside a command.
pub fn row(entry: &Entry, idx: Option<i64>) -> Result<ActiveModel> {
    let body = String::from_utf8_lossy(&entry.body()?).into_owned();
    let actor = entry.actor.as_ref();
    Ok(ActiveModel {
        id: Set(entry.id.clone()),
        idx: Set(idx),
        at: Set(entry.at),
        action: Set(entry.action.clone()),
        outcome: Set(entry.outcome),
        code: Set(entry.code.clone()),
        account: Set(actor.map(|a| a.account.clone())),
        login: Set(actor.map(|a| a.login.clone())),
        unit: Set(actor.map(|a| a.unit.clone())),
        roles: Set(actor.map(|a| a.roles.join(",")).unwrap_or_default()),
        object_kind: Set(entry.object.kind.clone()),
        object_id: Set(entry.object.id.clone()),
        object_no: Set(entry.object.no.clone()),
        client: Set(entry.client.clone()),
        request: Set(entry.request.clone()),
        body: Set(body),
    })
}

/// Writes the outbox row of a command.
pub async fn write(db: &impl ConnectionTrait, entry: &Entry) -> Result<()> {
    Entity::insert(row(entry, None)?).exec_without_returning(db).await?;
    Ok(())
}

/// Records an act that is no command (access to data): durable in the log when this returns, in the copy soon after.
pub async fn record(kernel: &crate::command::Kernel, entry: &Entry) -> Result<u64> {
    kernel.sequencer.append(entry.body()?).await
}
