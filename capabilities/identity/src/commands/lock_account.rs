//! Shuts an account until it is opened again; its sessions end at once.

use async_trait::async_trait;
use hufu_kernel::command::{Applied, Command, Ctx, Loaded};
use hufu_kernel::error::Result;
use hufu_kernel::ids::AccountId;
use hufu_kernel::store::Tx;
use sea_orm::ActiveValue::Set;
use serde_json::json;

use super::{Placed, load_person, reason};
use crate::model::account::AccountEvent;
use crate::store::reason::keep;
use crate::store::{account, session};

#[derive(Debug)]
pub struct LockAccount {
    pub account: AccountId,
    pub reason: String,
}

#[async_trait]
impl Command for LockAccount {
    const ACTION: &'static str = "identity.account.lock";
    type Subject = Placed;
    type Output = ();

    async fn load(&self, tx: &Tx, _: &Ctx) -> Result<Loaded<Placed>> {
        load_person(tx, &self.account).await
    }

    async fn apply(self, tx: &Tx, ctx: &Ctx, placed: Placed) -> Result<Applied<()>> {
        let why = reason("reason", &self.reason)?;
        let before = placed.account;
        let state = before.state.apply(AccountEvent::Lock)?;
        let change = account::ActiveModel { state: Set(state), ..account::ActiveModel::default() };
        account::update(tx.db(), &before, change).await?;
        let sessions = session::end_all(tx.db(), &before.id, None, ctx.now).await?;
        let digest = keep(tx.db(), &before.id, Self::ACTION, &ctx.actor()?.account, &why, ctx.now).await?;
        let detail = json!({ "from": before.state, "to": state, "sessions": sessions, "reason_sha256": digest });
        Ok(Applied::new(()).detail(detail))
    }
}

/// Opens a shut account, and forgets the guesses that locked its name.
#[derive(Debug)]
pub struct UnlockAccount {
    pub account: AccountId,
}

#[async_trait]
impl Command for UnlockAccount {
    const ACTION: &'static str = "identity.account.unlock";
    type Subject = Placed;
    type Output = ();

    async fn load(&self, tx: &Tx, _: &Ctx) -> Result<Loaded<Placed>> {
        load_person(tx, &self.account).await
    }

    async fn apply(self, tx: &Tx, ctx: &Ctx, placed: Placed) -> Result<Applied<()>> {
        let before = placed.account;
        let guesses = session::guesses(tx.db(), &before.login).await?;
        session::clear_guesses(tx.db(), &before.login).await?;
        // Somebody locked out by guesses is opened by the same button as somebody shut by a person.
        let by_guesses = guesses.locked(ctx.now) && before.state.after(AccountEvent::Lock).is_some();
        let state = if by_guesses { before.state } else { before.state.apply(AccountEvent::Unlock)? };
        let change = account::ActiveModel { state: Set(state), ..account::ActiveModel::default() };
        account::update(tx.db(), &before, change).await?;
        Ok(Applied::new(()).detail(json!({ "from": before.state, "to": state })))
    }
}
