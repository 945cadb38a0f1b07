//! Counts a failed log-in. The name that was typed is kept nowhere: it may be a password in the wrong field.

use async_trait::async_trait;
use hufu_kernel::audit::ObjectRef;
use hufu_kernel::command::{Applied, Command, Ctx, Loaded};
use hufu_kernel::error::Result;
use hufu_kernel::ids::AccountId;
use hufu_kernel::policy::Resource;
use hufu_kernel::store::Tx;
use serde_json::json;

use super::account_object;
use crate::store::account::Model as Account;
use crate::store::session::{self, Origin};

pub struct FailSession {
    login: String,
    account: Option<AccountId>,
    object: ObjectRef,
    origin: Origin,
}

impl std::fmt::Debug for FailSession {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FailSession").field("account", &self.account).finish_non_exhaustive()
    }
}

impl FailSession {
    pub(crate) fn new(login: &str, account: Option<&Account>, origin: Origin) -> Self {
        let object = account.map_or_else(|| ObjectRef::new("account", "", "unknown"), account_object);
        Self { login: login.to_owned(), account: account.map(|account| account.id.clone()), object, origin }
    }
}

#[async_trait]
impl Command for FailSession {
    const ACTION: &'static str = "identity.session.fail";
    type Subject = ();
    type Output = ();

    async fn load(&self, _: &Tx, _: &Ctx) -> Result<Loaded<()>> {
        Ok(Loaded { subject: (), resource: Resource::new("Person", "unknown"), object: self.object.clone() })
    }

    fn by_system(&self) -> bool {
        true
    }

    async fn apply(self, tx: &Tx, ctx: &Ctx, (): ()) -> Result<Applied<()>> {
        let before = session::guesses(tx.db(), &self.login).await?;
        let after = before.failed(ctx.now);
        session::set_guesses(tx.db(), &self.login, after, ctx.now).await?;
        if let Some(account) = &self.account {
            session::note(tx.db(), account, &self.origin, false, ctx.now).await?;
        }
        let detail = json!({ "failures": after.failures, "locked": after.locked(ctx.now) });
        Ok(Applied::new(()).detail(detail))
    }
}
