use std::sync::Arc;

use async_trait::async_trait;
use hufu_kernel::approval::{self, Kind, NewApproval, Status};
use hufu_kernel::command::{Applied, Command, Ctx, Loaded};
use hufu_kernel::error::Result;
use hufu_kernel::ids::ApprovalId;
use hufu_kernel::store::Tx;
use sea_orm::ActiveValue::Set;

use super::{Entry, all_right, announce, load_entry, object_of, steps};
use crate::model::scheme::Scheme;
use crate::model::state::Event;
use crate::store::{field, resource};

/// Kind of matter in the inbox.
pub const PUBLICATION: Kind = Kind { key: "catalog.publication", name: "目录发布" };

/// Hands an entry in for publication: CDO of the unit, then the competent level. What is missing is told all at once.
#[derive(Clone, Debug)]
pub struct SubmitResource {
    pub key: String,
    pub version: i32,
    pub scheme: Arc<Scheme>,
}

#[async_trait]
impl Command for SubmitResource {
    const ACTION: &'static str = "catalog.resource.submit";
    type Subject = Entry;
    type Output = resource::Model;

    async fn load(&self, tx: &Tx, _: &Ctx) -> Result<Loaded<Entry>> {
        load_entry(tx, &self.key).await
    }

    async fn apply(self, tx: &Tx, ctx: &Ctx, entry: Entry) -> Result<Applied<resource::Model>> {
        entry.fresh(self.version)?;
        let from = entry.row.state;
        let state = from.after(Event::Submit)?;
        let fields: Vec<_> = field::of(tx.db(), &entry.row.id).await?.iter().map(field::Model::spec).collect();
        all_right(entry.row.metadata().faults(&fields, &self.scheme))?;
        let approval_id = hand_in(tx, ctx, &entry).await?;
        let mut change = resource::change();
        change.state = Set(state);
        change.approval_id = Set(Some(approval_id));
        let row = resource::update(tx.db(), &entry.row, change, ctx.now).await?;
        announce(tx, &row);
        let detail = serde_json::json!({ "from": from, "to": state, "sharing": row.sharing, "fields": fields.len() });
        Ok(Applied::new(row).detail(detail))
    }
}

/// Goes on with the approval that was returned for completion, or begins one.
async fn hand_in(tx: &Tx, ctx: &Ctx, entry: &Entry) -> Result<ApprovalId> {
    if let Some(id) = &entry.row.approval_id {
        let (row, state) = approval::find(tx, id).await?;
        if matches!(state.status, Status::Returned { .. }) {
            approval::resubmit(tx, ctx, id, row.version, "").await?;
            return Ok(id.clone());
        }
    }
    let new = NewApproval {
        object: object_of(&entry.row),
        kind: PUBLICATION,
        title: format!("目录发布：{}", entry.row.name),
        link: format!("/catalog/{}", entry.row.path_code()),
        initiator: ctx.actor()?.clone(),
        steps: steps(tx, &entry.unit).await?,
        copies: Vec::new(),
    };
    Ok(approval::start(tx, ctx, new).await?.0)
}
