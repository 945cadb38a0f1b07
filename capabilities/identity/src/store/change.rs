//! Changes of rights, waiting and decided.

use hufu_kernel::actor::Role;
use hufu_kernel::error::{Error, Result};
use hufu_kernel::ids::{AccountId, RoleChangeId, UnitId};
use hufu_kernel::time::Timestamp;
use sea_orm::entity::prelude::*;
use sea_orm::{ActiveValue::Set, Condition, ConnectionTrait};

use crate::model::change::{ChangeKind, ChangeState, Parties};
use crate::model::roles;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "role_change")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: RoleChangeId,
    #[sea_orm(unique)]
    pub no: String,
    pub kind: ChangeKind,
    pub account_id: AccountId,
    #[sea_orm(unique)]
    pub pending_for: Option<AccountId>,
    /// Unit of the account when it was proposed.
    pub unit_id: UnitId,
    /// The bureau whose security manager decides.
    pub bureau_id: UnitId,
    pub add_roles: String,
    pub remove_roles: String,
    pub reason: String,
    pub proposer: AccountId,
    pub proposed_at: Timestamp,
    pub state: ChangeState,
    pub decider: Option<AccountId>,
    pub decided_at: Option<Timestamp>,
    pub opinion: Option<String>,
    pub version: i32,
}

alone!();

impl Model {
    pub fn add(&self) -> Vec<Role> {
        roles::from_text(&self.add_roles)
    }

    pub fn remove(&self) -> Vec<Role> {
        roles::from_text(&self.remove_roles)
    }

    pub fn parties(&self) -> Parties<'_> {
        Parties { proposer: &self.proposer, subject: &self.account_id }
    }

    /// 「增加 用数人员；取消 数据专员」
    pub fn summary(&self) -> String {
        let names = |roles: Vec<Role>| roles.into_iter().map(Role::name).collect::<Vec<_>>().join("、");
        match self.kind {
            ChangeKind::Credentials => self.kind.name().to_owned(),
            ChangeKind::Roles => {
                let parts = [("增加 ", names(self.add())), ("取消 ", names(self.remove()))];
                let said: Vec<String> = parts
                    .into_iter()
                    .filter(|(_, roles)| !roles.is_empty())
                    .map(|(word, roles)| format!("{word}{roles}"))
                    .collect();
                said.join("；")
            }
        }
    }
}

pub async fn find(db: &impl ConnectionTrait, id: &RoleChangeId) -> Result<Model> {
    Entity::find_by_id(id.clone()).one(db).await?.ok_or_else(|| Error::not_found("变更"))
}

pub async fn pending_of(db: &impl ConnectionTrait, account: &AccountId) -> Result<Option<Model>> {
    Ok(Entity::find().filter(Column::PendingFor.eq(account.clone())).one(db).await?)
}

/// Ends a waiting change; somebody faster makes it stale.
pub async fn end(
    db: &impl ConnectionTrait,
    before: &Model,
    state: ChangeState,
    decider: Option<&AccountId>,
    opinion: &str,
    now: Timestamp,
) -> Result<()> {
    let change = ActiveModel {
        state: Set(state),
        pending_for: Set(None),
        decider: Set(decider.cloned()),
        decided_at: Set(Some(now)),
        opinion: Set((!opinion.is_empty()).then(|| opinion.to_owned())),
        version: Set(before.version + 1),
        ..Default::default()
    };
    let same = Condition::all().add(Column::Id.eq(before.id.clone())).add(Column::Version.eq(before.version));
    let done = Entity::update_many().set(change).filter(same).exec(db).await?;
    if done.rows_affected == 0 { Err(Error::stale()) } else { Ok(()) }
}
