//! A person changes the own password. All other sessions end, this one gets a new cookie.

use async_trait::async_trait;
use hufu_kernel::actor::Actor;
use hufu_kernel::command::{Applied, Command, Ctx, Loaded};
use hufu_kernel::error::{Error, FieldError, Result};
use hufu_kernel::ids::SessionId;
use hufu_kernel::store::Tx;
use sea_orm::ActiveValue::Set;
use serde_json::json;

use super::{Placed, fresh, load_person};
use crate::model::password;
use crate::secrets::random_text;
use crate::service::Identity;
use crate::store::{account, session};

/// Ready to run: all hashes are compared and made before the transaction.
#[derive(Debug)]
pub struct ChangePassword {
    session: Option<SessionId>,
    second_passed: bool,
    /// Version of the account whose old password was checked.
    version: i32,
    hash: String,
}

impl ChangePassword {
    /// Checks the old password, the rules and the history.
    pub async fn prepare(
        identity: &Identity,
        actor: &Actor,
        session: Option<&SessionId>,
        old: &str,
        new: &str,
        again: &str,
    ) -> Result<Self> {
        let db = identity.kernel.store.reader();
        let found = account::find(db, &actor.account).await?;
        let mut faults = Vec::new();
        if !identity.passwords.verify(old, Some(&found.password)).await? {
            faults.push(FieldError::new("old", "原口令不正确"));
        }
        if new != again {
            faults.push(FieldError::new("again", "两次输入的新口令不一致"));
        }
        faults.extend(password::faults(new, &found.login).into_iter().map(|fault| FieldError::new("new", fault)));
        if faults.is_empty() {
            let mut used = vec![found.password.clone()];
            used.extend(account::former_passwords(db, &found.id).await?);
            for hash in used {
                if identity.passwords.verify(new, Some(&hash)).await? {
                    faults.push(FieldError::new("new", "不能与最近 5 次用过的口令相同"));
                    break;
                }
            }
        }
        if !faults.is_empty() {
            return Err(Error::invalid(faults));
        }
        let hash = identity.passwords.hash(new).await?;
        let second_passed = found.totp.is_some();
        Ok(Self { session: session.cloned(), second_passed, version: found.version, hash })
    }
}

#[async_trait]
impl Command for ChangePassword {
    const ACTION: &'static str = "identity.password.change";
    type Subject = Placed;
    /// The session's new cookie, when there is a session.
    type Output = Option<String>;

    async fn load(&self, tx: &Tx, ctx: &Ctx) -> Result<Loaded<Placed>> {
        load_person(tx, &ctx.actor()?.account).await
    }

    async fn apply(self, tx: &Tx, ctx: &Ctx, placed: Placed) -> Result<Applied<Option<String>>> {
        let before = placed.account;
        fresh(before.version, self.version)?;
        account::retire_password(tx.db(), &before, ctx.now).await?;
        let change = account::ActiveModel {
            password: Set(self.hash),
            password_at: Set(ctx.now),
            password_initial: Set(false),
            ..account::ActiveModel::default()
        };
        account::update(tx.db(), &before, change).await?;
        let sessions = session::end_all(tx.db(), &before.id, self.session.as_ref(), ctx.now).await?;
        let cookie = match &self.session {
            Some(session) => {
                let cookie = random_text();
                session::rotate(tx.db(), session, &cookie, self.second_passed).await?;
                Some(cookie)
            }
            None => None,
        };
        Ok(Applied::new(cookie).detail(json!({ "first": before.password_initial, "sessions": sessions })))
    }
}
