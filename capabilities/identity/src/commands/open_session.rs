//! Opens a session for somebody whose password was right a moment ago.

use async_trait::async_trait;
use hufu_kernel::command::{Applied, Command, Ctx, Loaded};
use hufu_kernel::error::{Error, Kind, Result};
use hufu_kernel::ids::{AccountId, SessionId};
use hufu_kernel::store::Tx;
use sea_orm::ActiveValue::Set;
use serde_json::json;

use super::{Placed, load_person};
use crate::secrets::random_text;
use crate::service::{locked, wrong_code};
use crate::store::account;
use crate::store::session::{self, Origin};

#[derive(Debug)]
pub struct OpenSession {
    account: AccountId,
    /// The hash that the password was checked against; another one now means that it was just changed.
    checked: String,
    origin: Origin,
    /// Step of the code, when the second factor was given at once.
    step: Option<i64>,
}

#[derive(Clone)]
pub struct Opened {
    pub session: SessionId,
    pub cookie: String,
}

impl std::fmt::Debug for Opened {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Opened").field("session", &self.session).finish_non_exhaustive()
    }
}

impl OpenSession {
    pub(crate) fn new(account: AccountId, checked: String, origin: Origin, step: Option<i64>) -> Self {
        Self { account, checked, origin, step }
    }
}

#[async_trait]
impl Command for OpenSession {
    const ACTION: &'static str = "identity.session.open";
    type Subject = Placed;
    type Output = Opened;

    async fn load(&self, tx: &Tx, _: &Ctx) -> Result<Loaded<Placed>> {
        load_person(tx, &self.account).await
    }

    fn by_system(&self) -> bool {
        true
    }

    async fn apply(self, tx: &Tx, ctx: &Ctx, placed: Placed) -> Result<Applied<Opened>> {
        let before = placed.account;
        if before.password != self.checked {
            return Err(Error::stale());
        }
        if session::guesses(tx.db(), &before.login).await?.locked(ctx.now) {
            return Err(locked());
        }
        if let Some((code, message)) = before.admission().refusal(ctx.now) {
            return Err(Error::new(Kind::Refused, code, message));
        }
        let mut change = account::ActiveModel { last_login_at: Set(Some(ctx.now)), ..account::ActiveModel::default() };
        if let Some(step) = self.step {
            if before.totp_step.is_some_and(|last| step <= last) {
                return Err(wrong_code());
            }
            change.totp_step = Set(Some(step));
        }
        account::update(tx.db(), &before, change).await?;
        session::clear_guesses(tx.db(), &before.login).await?;
        session::note(tx.db(), &before.id, &self.origin, true, ctx.now).await?;
        let cookie = random_text();
        let second = self.step.is_some();
        let id = session::open(tx.db(), &cookie, &before.id, second, &self.origin, ctx.now).await?;
        let detail = json!({ "unit": placed.unit.code, "second_factor": second });
        Ok(Applied::new(Opened { session: id, cookie }).detail(detail))
    }
}
