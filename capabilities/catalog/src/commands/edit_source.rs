use async_trait::async_trait;
use hufu_identity::Vault;
use hufu_kernel::command::{Applied, Command, Ctx, Loaded};
use hufu_kernel::error::{Error, Result};
use hufu_kernel::ids::SourceId;
use hufu_kernel::store::Tx;

use super::create_source::described;
use super::{OwnedSource, all_right, load_source};
use crate::model::source::SourceSpec;
use crate::store::source;

/// Changes how a source is reached.
#[derive(Clone, Debug)]
pub struct EditSource {
    pub id: SourceId,
    pub version: i32,
    pub spec: SourceSpec,
    pub vault: Vault,
}

#[async_trait]
impl Command for EditSource {
    const ACTION: &'static str = "catalog.source.edit";
    type Subject = OwnedSource;
    type Output = ();

    async fn load(&self, tx: &Tx, _: &Ctx) -> Result<Loaded<OwnedSource>> {
        load_source(tx, &self.id).await
    }

    async fn apply(self, tx: &Tx, _: &Ctx, owned: OwnedSource) -> Result<Applied<()>> {
        if owned.row.version != self.version {
            return Err(Error::stale());
        }
        if owned.row.closed_at.is_some() {
            return Err(Error::conflict("CAT-SOURCE-CLOSED", "数据源已停用"));
        }
        all_right(self.spec.faults())?;
        let change = described(&self.id, &self.spec, &self.vault)?;
        source::update(tx.db(), &owned.row, change).await?;
        let detail = serde_json::json!({ "kind": self.spec.kind, "password_changed": self.spec.password.is_some() });
        Ok(Applied::new(()).detail(detail))
    }
}
