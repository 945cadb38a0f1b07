//! The second half of a change of rights: the competent security manager confirms or refuses it.

use async_trait::async_trait;
use hufu_kernel::approval::{self, Decision, Verdict};
use hufu_kernel::audit::ObjectRef;
use hufu_kernel::command::{Applied, Command, Ctx, Loaded};
use hufu_kernel::error::{Error, Result};
use hufu_kernel::event::Event;
use hufu_kernel::ids::RoleChangeId;
use hufu_kernel::store::Tx;
use hufu_kernel::unit;
use sea_orm::ActiveValue::Set;
use serde_json::{Value, json};

use super::propose_change::exclusive;
use super::reason;
use crate::model::account::AccountState;
use crate::model::change::{ChangeEvent, ChangeKind, ChangeState};
use crate::model::roles::RoleSet;
use crate::policy;
use crate::secrets::{Passwords, initial_password};
use crate::store::account::{self, Model as Account};
use crate::store::{change, session, token};

/// Ready to run: the password that a reset may need is drawn and hashed before the transaction.
pub struct DecideChange {
    change: RoleChangeId,
    version: Option<i32>,
    confirm: bool,
    opinion: String,
    fresh: Option<(String, String)>,
}

impl std::fmt::Debug for DecideChange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DecideChange")
            .field("change", &self.change)
            .field("confirm", &self.confirm)
            .finish_non_exhaustive()
    }
}

/// What the change became; a reset gives the new initial password, shown once.
#[derive(Clone)]
pub struct Decided {
    pub state: ChangeState,
    pub password: Option<String>,
}

impl std::fmt::Debug for Decided {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Decided").field("state", &self.state).finish_non_exhaustive()
    }
}

impl DecideChange {
    pub async fn confirm(
        passwords: &Passwords,
        change: RoleChangeId,
        version: Option<i32>,
        opinion: &str,
    ) -> Result<Self> {
        let password = initial_password();
        let hash = passwords.hash(&password).await?;
        Ok(Self { change, version, confirm: true, opinion: opinion.to_owned(), fresh: Some((password, hash)) })
    }

    pub fn refuse(change: RoleChangeId, version: Option<i32>, opinion: &str) -> Self {
        Self { change, version, confirm: false, opinion: opinion.to_owned(), fresh: None }
    }
}

#[async_trait]
impl Command for DecideChange {
    const ACTION: &'static str = "identity.change.decide";
    type Subject = change::Model;
    type Output = Decided;

    async fn load(&self, tx: &Tx, _: &Ctx) -> Result<Loaded<change::Model>> {
        load_change(tx, &self.change).await
    }

    async fn apply(self, tx: &Tx, ctx: &Ctx, before: change::Model) -> Result<Applied<Decided>> {
        let decider = ctx.actor()?.account.clone();
        before.parties().may_decide(&decider)?;
        if let Some(seen) = self.version {
            super::fresh(before.version, seen)?;
        }
        let event = if self.confirm { ChangeEvent::Confirm } else { ChangeEvent::Refuse };
        let state = before.state.apply(event)?;
        let opinion = if self.confirm { self.opinion.trim().to_owned() } else { reason("opinion", &self.opinion)? };
        let subject = account::find(tx.db(), &before.account_id).await?;
        let (paper, _) = approval::find_by_object(tx, before.id.as_str()).await?;
        let verdict = if self.confirm { Verdict::Approve } else { Verdict::Refuse };
        let decision = Decision { verdict, opinion: opinion.clone(), version: paper.version };
        approval::decide(tx, ctx, &paper.id, decision).await?;
        change::end(tx.db(), &before, state, Some(&decider), &opinion, ctx.now).await?;
        let (password, effect) = match (self.fresh, before.kind) {
            (None, _) => (None, Value::Null),
            (Some(_), ChangeKind::Roles) => (None, take_effect(tx, ctx, &before, &subject).await?),
            (Some((password, hash)), ChangeKind::Credentials) => {
                (Some(password), start_anew(tx, ctx, &subject, hash).await?)
            }
        };
        tx.announce(Event::new("identity.change", before.id.to_string()));
        let detail = json!({
            "kind": before.kind, "account": subject.login, "add": before.add_roles, "remove": before.remove_roles,
            "from": before.state, "to": state, "effect": effect,
        });
        Ok(Applied::new(Decided { state, password }).detail(detail))
    }
}

/// Loads a change as the subject of a decision.
pub(super) async fn load_change(tx: &Tx, id: &RoleChangeId) -> Result<Loaded<change::Model>> {
    let found = change::find(tx.db(), id).await?;
    let place = unit::find(tx.db(), &found.unit_id).await?.as_ref();
    let bureau = unit::find(tx.db(), &found.bureau_id).await?.as_ref();
    let resource = policy::change(found.id.as_str(), &found.proposer, &found.account_id, &place, &bureau);
    let object = ObjectRef::new("role_change", &found.id, found.no.clone());
    Ok(Loaded { subject: found, resource, object })
}

/// Roles are judged again: they may have changed since the proposal.
async fn take_effect(tx: &Tx, ctx: &Ctx, change: &change::Model, subject: &Account) -> Result<Value> {
    if subject.state == AccountState::Closed {
        return Err(Error::conflict("HF-ACCOUNT-CLOSED", "账号已注销，不能变更权限"));
    }
    let held = RoleSet::new(account::roles(tx.db(), &subject.id).await?).map_err(exclusive)?;
    let wanted = held.changed(&change.add(), &change.remove()).map_err(exclusive)?;
    account::set_roles(tx.db(), &subject.id, &wanted, ctx.now).await?;
    let codes: Vec<&str> = wanted.iter().map(|role| role.code()).collect();
    Ok(json!({ "roles": codes }))
}

/// A lost password or authenticator: everything that lets the person in starts anew.
async fn start_anew(tx: &Tx, ctx: &Ctx, subject: &Account, hash: String) -> Result<Value> {
    account::retire_password(tx.db(), subject, ctx.now).await?;
    let row = account::ActiveModel {
        password: Set(hash),
        password_at: Set(ctx.now),
        password_initial: Set(true),
        totp: Set(None),
        totp_at: Set(None),
        totp_step: Set(None),
        ..account::ActiveModel::default()
    };
    account::update(tx.db(), subject, row).await?;
    session::clear_guesses(tx.db(), &subject.login).await?;
    let sessions = session::end_all(tx.db(), &subject.id, None, ctx.now).await?;
    let tokens = token::revoke_all(tx.db(), &subject.id, ctx.now).await?;
    Ok(json!({ "sessions": sessions, "tokens": tokens }))
}
