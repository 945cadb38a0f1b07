//! The six digits were right: the session opens, under a new cookie.

use async_trait::async_trait;
use hufu_kernel::command::{Applied, Command, Ctx, Loaded};
use hufu_kernel::error::Result;
use hufu_kernel::ids::SessionId;
use hufu_kernel::store::Tx;
use sea_orm::ActiveValue::Set;

use super::{Placed, load_person};
use crate::secrets::random_text;
use crate::service::{locked, wrong_code};
use crate::store::{account, session};

#[derive(Debug)]
pub struct PassSecondFactor {
    session: SessionId,
    step: i64,
}

impl PassSecondFactor {
    /// `step` is that of a code that was found right.
    pub(crate) fn new(session: SessionId, step: i64) -> Self {
        Self { session, step }
    }
}

#[async_trait]
impl Command for PassSecondFactor {
    const ACTION: &'static str = "identity.session.pass";
    type Subject = Placed;
    /// The new cookie.
    type Output = String;

    async fn load(&self, tx: &Tx, ctx: &Ctx) -> Result<Loaded<Placed>> {
        load_person(tx, &ctx.actor()?.account).await
    }

    async fn apply(self, tx: &Tx, ctx: &Ctx, placed: Placed) -> Result<Applied<String>> {
        let before = placed.account;
        if session::guesses(tx.db(), &before.login).await?.locked(ctx.now) {
            return Err(locked());
        }
        if before.totp_step.is_some_and(|last| self.step <= last) {
            return Err(wrong_code());
        }
        let change = account::ActiveModel { totp_step: Set(Some(self.step)), ..account::ActiveModel::default() };
        account::update(tx.db(), &before, change).await?;
        session::clear_guesses(tx.db(), &before.login).await?;
        let cookie = random_text();
        session::rotate(tx.db(), &self.session, &cookie, true).await?;
        Ok(Applied::new(cookie))
    }
}
