use async_trait::async_trait;
use hufu_kernel::actor::UnitRef;
use hufu_kernel::command::{Applied, Command, Ctx, Loaded};
use hufu_kernel::error::Result;
use hufu_kernel::store::Tx;

use super::load_new;

/// Records that a list of entries left the house as a file: how many, which filter, which file.
#[derive(Clone, Debug)]
pub struct ExportResources {
    pub entries: usize,
    pub fields: usize,
    /// Filters by name; free text is told by its length only, since people type what they look for.
    pub filter: serde_json::Value,
    /// SHA-256 of the file, in hex.
    pub file_digest: String,
}

#[async_trait]
impl Command for ExportResources {
    const ACTION: &'static str = "catalog.resource.export";
    type Subject = UnitRef;
    type Output = ();

    async fn load(&self, _: &Tx, ctx: &Ctx) -> Result<Loaded<UnitRef>> {
        load_new(ctx, "catalog.export")
    }

    async fn apply(self, _: &Tx, _: &Ctx, _: UnitRef) -> Result<Applied<()>> {
        let detail = serde_json::json!({
            "entries": self.entries, "fields": self.fields, "filter": self.filter, "sha256": self.file_digest,
        });
        Ok(Applied::new(()).detail(detail))
    }
}
