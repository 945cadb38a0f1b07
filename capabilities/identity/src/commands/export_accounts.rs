//! Records that a list of accounts left as a file: how many rows, and the digest of the file.

use async_trait::async_trait;
use hufu_kernel::audit::ObjectRef;
use hufu_kernel::command::{Applied, Command, Ctx, Loaded};
use hufu_kernel::error::Result;
use hufu_kernel::store::Tx;
use hufu_kernel::unit;
use serde_json::json;

use crate::policy;
use crate::store::places;

#[derive(Debug)]
pub struct ExportAccounts {
    pub rows: u64,
    /// Hex.
    pub sha256: String,
}

#[async_trait]
impl Command for ExportAccounts {
    const ACTION: &'static str = "identity.account.export";
    type Subject = ();
    type Output = ();

    async fn load(&self, tx: &Tx, ctx: &Ctx) -> Result<Loaded<()>> {
        let own = unit::find(tx.db(), &ctx.actor()?.unit.id).await?;
        let place = own.as_ref();
        let bureaus = places::bureaus_over(tx.db(), &place).await?;
        let object = ObjectRef::new("unit", &own.id, own.code.clone());
        Ok(Loaded { subject: (), resource: policy::person(None, &place, &bureaus), object })
    }

    async fn apply(self, _: &Tx, _: &Ctx, (): ()) -> Result<Applied<()>> {
        Ok(Applied::new(()).detail(json!({ "rows": self.rows, "sha256": self.sha256 })))
    }
}
