use async_trait::async_trait;
use hufu_kernel::actor::UnitRef;
use hufu_kernel::audit::ObjectRef;
use hufu_kernel::command::{Applied, Command, Ctx, Loaded};
use hufu_kernel::error::Result;
use hufu_kernel::ids::SourceId;
use hufu_kernel::store::Tx;
use sea_orm::ActiveValue::Set;

use super::{load_source, policy_source};
use crate::store::source;

/// Keeps what a connection test found. The source was reached before, by [`crate::Catalog::probe`].
#[derive(Clone, Debug)]
pub struct RecordProbe {
    pub target: Target,
    pub outcome: Probed,
}

/// What was tested.
#[derive(Clone, Debug)]
pub enum Target {
    Stored(SourceId),
    /// Not stored yet; only the name and kind are told to the ledger.
    Unstored { name: String, unit: UnitRef },
}

/// What the source answered.
#[derive(Clone, Debug, serde::Serialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Probed {
    Reached { version: String, latency_ms: u64 },
    Failed { code: String, message: String },
}

impl Probed {
    pub fn reached(&self) -> bool {
        matches!(self, Self::Reached { .. })
    }

    /// One line for people.
    pub fn note(&self) -> String {
        match self {
            Self::Reached { version, latency_ms } => format!("{version}（{latency_ms} 毫秒）"),
            Self::Failed { code, message } => format!("{message}（{code}）"),
        }
    }
}

#[async_trait]
impl Command for RecordProbe {
    const ACTION: &'static str = "catalog.source.test";
    type Subject = Option<source::Model>;
    type Output = Probed;

    async fn load(&self, tx: &Tx, _: &Ctx) -> Result<Loaded<Self::Subject>> {
        match &self.target {
            Target::Stored(id) => {
                let loaded = load_source(tx, id).await?;
                Ok(Loaded { subject: Some(loaded.subject.row), resource: loaded.resource, object: loaded.object })
            }
            Target::Unstored { name, unit } => {
                let object = ObjectRef::new("catalog.source", "", name);
                Ok(Loaded { subject: None, resource: policy_source("new", unit), object })
            }
        }
    }

    async fn apply(self, tx: &Tx, ctx: &Ctx, row: Self::Subject) -> Result<Applied<Probed>> {
        if let Some(row) = row {
            let note = source::ActiveModel {
                reachable: Set(Some(self.outcome.reached())),
                probed_at: Set(Some(ctx.now)),
                probe_note: Set(self.outcome.note()),
                ..Default::default()
            };
            source::note(tx.db(), &row.id, note).await?;
        }
        let detail = match &self.outcome {
            Probed::Reached { latency_ms, .. } => serde_json::json!({ "reached": true, "latency_ms": latency_ms }),
            Probed::Failed { code, .. } => serde_json::json!({ "reached": false, "fault": code }),
        };
        Ok(Applied::new(self.outcome).detail(detail))
    }
}
