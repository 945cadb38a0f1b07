//! Closes an account for good: somebody left. Sessions and tokens end in the same transaction.

use std::sync::Arc;

use async_trait::async_trait;
use hufu_kernel::command::{Applied, Command, Ctx, Loaded};
use hufu_kernel::error::{Error, Result};
use hufu_kernel::ids::AccountId;
use hufu_kernel::store::Tx;
use sea_orm::ActiveValue::Set;
use serde_json::json;

use super::{Placed, load_person, reason};
use crate::model::account::AccountEvent;
use crate::model::roles::RoleSet;
use crate::store::reason::keep;
use crate::store::{account, change, session, token};

/// One kind of things that a leaver still answers for, told by the capability that keeps them.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Owned {
    /// 「生效授权」
    pub what: String,
    pub count: u64,
    /// The list of them.
    pub href: String,
}

/// What a capability knows of somebody's belongings. Registered at start; asked when an account is to be closed.
#[async_trait]
pub trait Holdings: Send + Sync {
    async fn of(&self, tx: &Tx, account: &AccountId) -> Result<Vec<Owned>>;
}

pub struct CloseAccount {
    pub account: AccountId,
    pub reason: String,
    pub holdings: Arc<[Arc<dyn Holdings>]>,
}

impl std::fmt::Debug for CloseAccount {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CloseAccount").field("account", &self.account).finish_non_exhaustive()
    }
}

/// What ended, and what is left to be handed over.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Closed {
    pub sessions: u64,
    pub tokens: u64,
    pub handover: Vec<Owned>,
}

#[async_trait]
impl Command for CloseAccount {
    const ACTION: &'static str = "identity.account.close";
    type Subject = Placed;
    type Output = Closed;

    async fn load(&self, tx: &Tx, _: &Ctx) -> Result<Loaded<Placed>> {
        load_person(tx, &self.account).await
    }

    async fn apply(self, tx: &Tx, ctx: &Ctx, placed: Placed) -> Result<Applied<Closed>> {
        let why = reason("reason", &self.reason)?;
        let before = placed.account;
        let state = before.state.apply(AccountEvent::Close)?;
        if change::pending_of(tx.db(), &before.id).await?.is_some() {
            return Err(Error::conflict("HF-CHANGE-PENDING", "该账号还有待复核的权限变更，请先撤回或复核"));
        }
        let roles = account::roles(tx.db(), &before.id).await?;
        let row = account::ActiveModel {
            state: Set(state),
            closed_at: Set(Some(ctx.now)),
            totp: Set(None),
            ..account::ActiveModel::default()
        };
        account::update(tx.db(), &before, row).await?;
        account::set_roles(tx.db(), &before.id, &RoleSet::default(), ctx.now).await?;
        let sessions = session::end_all(tx.db(), &before.id, None, ctx.now).await?;
        let tokens = token::revoke_all(tx.db(), &before.id, ctx.now).await?;
        let mut handover = Vec::new();
        for kept in self.holdings.iter() {
            handover.extend(kept.of(tx, &before.id).await?.into_iter().filter(|owned| owned.count > 0));
        }
        let digest = keep(tx.db(), &before.id, Self::ACTION, &ctx.actor()?.account, &why, ctx.now).await?;
        let codes: Vec<&str> = roles.iter().map(|role| role.code()).collect();
        let detail = json!({
            "from": before.state, "to": state, "roles": codes, "sessions": sessions, "tokens": tokens,
            "reason_sha256": digest, "handover": handover.iter().map(|owned| owned.count).sum::<u64>(),
        });
        Ok(Applied::new(Closed { sessions, tokens, handover }).detail(detail))
    }
}
