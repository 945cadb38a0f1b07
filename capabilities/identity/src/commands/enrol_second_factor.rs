//! Binds an authenticator to an account, after it has shown one right code.

use async_trait::async_trait;
use hufu_kernel::command::{Applied, Command, Ctx, Loaded};
use hufu_kernel::error::{Error, FieldError, Result};
use hufu_kernel::ids::SessionId;
use hufu_kernel::store::Tx;
use sea_orm::ActiveValue::Set;
use serde_json::json;

use super::{Placed, load_person};
use crate::model::second_factor::TotpSecret;
use crate::secrets::{Vault, random_text};
use crate::service::totp_place;
use crate::store::{account, session};

pub struct EnrolSecondFactor {
    pub session: SessionId,
    pub secret: TotpSecret,
    pub code: String,
    pub vault: Vault,
}

impl std::fmt::Debug for EnrolSecondFactor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EnrolSecondFactor").field("session", &self.session).finish_non_exhaustive()
    }
}

#[async_trait]
impl Command for EnrolSecondFactor {
    const ACTION: &'static str = "identity.second_factor.enrol";
    type Subject = Placed;
    /// The session's new cookie.
    type Output = String;

    async fn load(&self, tx: &Tx, ctx: &Ctx) -> Result<Loaded<Placed>> {
        load_person(tx, &ctx.actor()?.account).await
    }

    async fn apply(self, tx: &Tx, ctx: &Ctx, placed: Placed) -> Result<Applied<String>> {
        let before = placed.account;
        if before.totp.is_some() {
            // Else whoever finds an open screen could bind their own; losing one is a change for two people.
            return Err(Error::conflict("HF-FACTOR-BOUND", "已绑定第二因子；如需更换，请系统管理员提出重置"));
        }
        let Some(step) = self.secret.check(&self.code, ctx.now, None) else {
            return Err(Error::invalid(vec![FieldError::new("code", "动态口令不正确，请核对手机时间后重新输入")]));
        };
        let sealed = self.vault.seal(&totp_place(&before), self.secret.as_bytes())?;
        let change = account::ActiveModel {
            totp: Set(Some(sealed)),
            totp_at: Set(Some(ctx.now)),
            totp_step: Set(Some(step)),
            ..account::ActiveModel::default()
        };
        account::update(tx.db(), &before, change).await?;
        let cookie = random_text();
        session::rotate(tx.db(), &self.session, &cookie, true).await?;
        let sessions = session::end_all(tx.db(), &before.id, Some(&self.session), ctx.now).await?;
        Ok(Applied::new(cookie).detail(json!({ "sessions": sessions })))
    }
}
