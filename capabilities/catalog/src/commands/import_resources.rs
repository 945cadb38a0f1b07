use std::sync::Arc;

use async_trait::async_trait;
use hufu_kernel::actor::UnitRef;
use hufu_kernel::command::{Applied, Command, Ctx, Loaded};
use hufu_kernel::error::{Error, FieldError, Result};
use hufu_kernel::ids::ResourceId;
use hufu_kernel::store::Tx;

use super::load_new;
use super::seed_resources::{Batch, NewResource, seed};
use crate::model::codes::CodeScheme;
use crate::model::field::FieldSpec;
use crate::model::metadata::Metadata;
use crate::model::scheme::Scheme;
use crate::model::state::State;
use crate::store::resource;

/// Takes the entries of a file in as drafts of one's own unit: all of them or none.
#[derive(Clone, Debug)]
pub struct ImportResources {
    pub entries: Vec<(Metadata, Vec<FieldSpec>)>,
    /// SHA-256 of the file, in hex.
    pub file_digest: String,
    pub codes: Arc<dyn CodeScheme>,
    pub scheme: Arc<Scheme>,
}

#[async_trait]
impl Command for ImportResources {
    const ACTION: &'static str = "catalog.resource.import";
    type Subject = UnitRef;
    type Output = Vec<ResourceId>;

    async fn load(&self, _: &Tx, ctx: &Ctx) -> Result<Loaded<UnitRef>> {
        load_new(ctx, "catalog.resource")
    }

    async fn apply(self, tx: &Tx, ctx: &Ctx, unit: UnitRef) -> Result<Applied<Vec<ResourceId>>> {
        let names: Vec<String> =
            self.entries.iter().map(|(metadata, _)| metadata.table_name.clone()).filter(|name| !name.is_empty()).collect();
        if let Some(taken) = resource::taken_names(tx.db(), &unit.id, &names).await?.first() {
            let text = format!("本单位已有目录使用 SQL 表名「{taken}」");
            return Err(Error::invalid(vec![FieldError::new("table_name", text)]));
        }
        let batch = Batch {
            state: State::Draft,
            by: ctx.actor()?.login.clone(),
            now: ctx.now,
            codes: self.codes,
            scheme: self.scheme,
        };
        let new = self.entries.into_iter().map(|(metadata, fields)| NewResource {
            unit: unit.clone(),
            metadata,
            fields,
            mount: None,
            at: None,
        });
        let ids = seed(tx, &batch, new.collect()).await?;
        let detail = serde_json::json!({ "resources": ids.len(), "sha256": self.file_digest });
        Ok(Applied::new(ids).detail(detail))
    }
}
