//! The first half of a change of rights. It does nothing until the second person confirms it.

use async_trait::async_trait;
use hufu_kernel::actor::Role;
use hufu_kernel::approval::{self, Kind, NewApproval, StepSpec};
use hufu_kernel::audit::ObjectRef;
use hufu_kernel::command::{Applied, Command, Ctx, Loaded};
use hufu_kernel::error::{Error, FieldError, Result};
use hufu_kernel::event::Event;
use hufu_kernel::ids::{AccountId, RoleChangeId};
use hufu_kernel::number;
use hufu_kernel::store::Tx;
use sea_orm::{ActiveValue::Set, EntityTrait};
use serde_json::json;

use super::{Placed, load_person, reason};
use crate::model::account::AccountState;
use crate::model::change::{ChangeKind, ChangeState};
use crate::model::roles::{RoleSet, to_text};
use crate::store::{account, change, places};

/// Numbers of changes: `QX-20261121-0001`.
const SERIES: &str = "QX";
/// How the inbox files it.
const KIND: Kind = Kind { key: "identity.change", name: "权限变更" };

#[derive(Clone, Debug)]
pub struct ProposeChange {
    pub account: AccountId,
    pub kind: ChangeKind,
    pub add: Vec<Role>,
    pub remove: Vec<Role>,
    pub reason: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposed {
    pub id: RoleChangeId,
    pub no: String,
}

#[async_trait]
impl Command for ProposeChange {
    const ACTION: &'static str = "identity.change.propose";
    type Subject = Placed;
    type Output = Proposed;

    async fn load(&self, tx: &Tx, _: &Ctx) -> Result<Loaded<Placed>> {
        load_person(tx, &self.account).await
    }

    async fn apply(self, tx: &Tx, ctx: &Ctx, placed: Placed) -> Result<Applied<Proposed>> {
        let proposer = ctx.actor()?.account.clone();
        let (subject, unit) = (placed.account, placed.unit);
        if subject.state == AccountState::Closed {
            return Err(Error::conflict("HF-ACCOUNT-CLOSED", "账号已注销，不能变更权限"));
        }
        let why = reason("reason", &self.reason)?;
        let held = RoleSet::new(account::roles(tx.db(), &subject.id).await?).map_err(exclusive)?;
        let (add, remove) = self.wanted(&held)?;
        if change::pending_of(tx.db(), &subject.id).await?.is_some() {
            return Err(Error::conflict("HF-CHANGE-PENDING", "该账号已有待复核的变更，请先处理"));
        }
        let bureau = places::deciding_bureau(tx.db(), &unit, &proposer, &subject.id).await?;
        let no = number::next(tx, SERIES, ctx.now).await?;
        let id = RoleChangeId::generate();
        let row = change::ActiveModel {
            id: Set(id.clone()),
            no: Set(no.clone()),
            kind: Set(self.kind),
            account_id: Set(subject.id.clone()),
            pending_for: Set(Some(subject.id.clone())),
            unit_id: Set(unit.id.clone()),
            bureau_id: Set(bureau.id.clone()),
            add_roles: Set(to_text(&add)),
            remove_roles: Set(to_text(&remove)),
            reason: Set(why),
            proposer: Set(proposer),
            proposed_at: Set(ctx.now),
            state: Set(ChangeState::Pending),
            decider: Set(None),
            decided_at: Set(None),
            opinion: Set(None),
            version: Set(1),
        };
        let inserted = change::Entity::insert(row).exec_with_returning(tx.db()).await?;
        let object = ObjectRef::new("role_change", &id, no.clone());
        let approval = NewApproval {
            object: object.clone(),
            kind: KIND,
            title: format!("{}：{}", subject.name, inserted.summary()),
            link: page_of(&id),
            initiator: ctx.actor()?.clone(),
            steps: vec![StepSpec::new("confirm", "数据安全管理员复核", Role::R1, bureau.clone())],
            copies: Vec::new(),
        };
        approval::start(tx, ctx, approval).await?;
        tx.announce(Event::new("identity.change", id.to_string()));
        let detail = json!({
            "kind": self.kind, "account": subject.login, "add": to_text(&add), "remove": to_text(&remove),
            "bureau": bureau.code, "to": ChangeState::Pending,
        });
        Ok(Applied::new(Proposed { id, no }).object(object).detail(detail))
    }
}

impl ProposeChange {
    /// What really changes; asking for nothing, or for an exclusive pair, is refused now and not at the second person.
    fn wanted(&self, held: &RoleSet) -> Result<(Vec<Role>, Vec<Role>)> {
        if self.kind == ChangeKind::Credentials {
            return Ok((Vec::new(), Vec::new()));
        }
        let add: Vec<Role> = self.add.iter().copied().filter(|role| !held.contains(*role)).collect();
        let remove: Vec<Role> = self.remove.iter().copied().filter(|role| held.contains(*role)).collect();
        held.changed(&add, &remove).map_err(exclusive)?;
        if add.is_empty() && remove.is_empty() {
            return Err(Error::invalid(vec![FieldError::new("add", "没有任何变化，请勾选要增加或取消的角色")]));
        }
        Ok((add, remove))
    }
}

/// Where a change is decided.
pub fn page_of(id: &RoleChangeId) -> String {
    format!("/sys/roles/{id}")
}

pub(super) fn exclusive(pair: crate::model::roles::Exclusive) -> Error {
    Error::invalid(vec![FieldError::new("add", pair.message())])
}
