//! A person makes a token for the own programs. Its text is shown once.

use async_trait::async_trait;
use hufu_kernel::command::{Applied, Command, Ctx, Loaded};
use hufu_kernel::error::{Error, FieldError, Result};
use hufu_kernel::ids::TokenId;
use hufu_kernel::store::Tx;
use serde_json::json;

use super::{Placed, load_person};
use crate::model::token::{DAYS_MAX, FreshToken, expiry};
use crate::store::token;

/// Valid tokens one account may have; more are a sign that nobody tidies up.
const TOKENS_MAX: usize = 20;

#[derive(Debug)]
pub struct IssueToken {
    pub name: String,
    pub days: i64,
}

#[derive(Clone)]
pub struct Issued {
    pub id: TokenId,
    pub text: String,
    pub prefix: String,
    pub expires_at: hufu_kernel::time::Timestamp,
}

impl std::fmt::Debug for Issued {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Issued").field("id", &self.id).finish_non_exhaustive()
    }
}

#[async_trait]
impl Command for IssueToken {
    const ACTION: &'static str = "identity.token.issue";
    type Subject = Placed;
    type Output = Issued;

    async fn load(&self, tx: &Tx, ctx: &Ctx) -> Result<Loaded<Placed>> {
        load_person(tx, &ctx.actor()?.account).await
    }

    async fn apply(self, tx: &Tx, ctx: &Ctx, placed: Placed) -> Result<Applied<Issued>> {
        let owner = placed.account;
        let name = self.name.trim();
        let mut faults = Vec::new();
        if !(1..=40).contains(&name.chars().count()) || name.chars().any(char::is_control) {
            faults.push(FieldError::new("name", "请填写令牌用途，最多 40 个字"));
        }
        let ends = expiry(ctx.now, self.days);
        if ends.is_none() {
            faults.push(FieldError::new("days", format!("有效期为 1 至 {DAYS_MAX} 天")));
        }
        let Some(ends) = ends.filter(|_| faults.is_empty()) else { return Err(Error::invalid(faults)) };
        // A vendor's token does not outlive the contract.
        let ends = owner.vendor_until.map_or(ends, |until| ends.min(until));
        let mine = token::of(tx.db(), &owner.id).await?;
        if mine.iter().filter(|token| token.valid(ctx.now)).count() >= TOKENS_MAX {
            return Err(Error::conflict("HF-TOKENS-MAX", "有效令牌已达 20 个，请先撤销不用的令牌"));
        }
        let fresh = FreshToken::from_random(&rand::random(), rand::random());
        let id = token::insert(tx.db(), &owner.id, name, &fresh, ctx.now, ends).await?;
        let detail = json!({ "token": fresh.prefix, "expires_at": ends.rfc3339() });
        Ok(Applied::new(Issued { id, text: fresh.text, prefix: fresh.prefix, expires_at: ends }).detail(detail))
    }
}
