use async_trait::async_trait;
use hufu_kernel::approval::{self, Decision, Outcome, Progress};
use hufu_kernel::audit::ObjectRef;
use hufu_kernel::command::{Applied, Command, Ctx, Loaded};
use hufu_kernel::error::{Error, Result};
use hufu_kernel::store::Tx;
use sea_orm::ActiveValue::Set;

use super::decide_resource::next_review;
use super::{Entry, announce, load_entry};
use crate::model::state::{ChangeState, Event};
use crate::model::terms::Sharing;
use crate::store::{change, resource, version};

/// One step's decision about a change of attribute; the last agreement makes it hold in the same transaction.
#[derive(Clone, Debug)]
pub struct DecideSharing {
    pub key: String,
    pub decision: Decision,
}

#[async_trait]
impl Command for DecideSharing {
    const ACTION: &'static str = "catalog.sharing.decide";
    type Subject = (Entry, Option<change::Model>);
    type Output = change::Model;

    async fn load(&self, tx: &Tx, _: &Ctx) -> Result<Loaded<Self::Subject>> {
        let loaded = load_entry(tx, &self.key).await?;
        let pending = change::pending(tx.db(), &loaded.subject.row.id).await?;
        let object = match &pending {
            Some(pending) => ObjectRef::new("catalog.change", &pending.id, &pending.no),
            None => loaded.object,
        };
        Ok(Loaded { subject: (loaded.subject, pending), resource: loaded.resource, object })
    }

    async fn apply(self, tx: &Tx, ctx: &Ctx, (entry, pending): Self::Subject) -> Result<Applied<change::Model>> {
        let gone = || Error::conflict("CAT-STATE", "没有待审批的共享属性变更");
        let pending = pending.ok_or_else(gone)?;
        let id = pending.approval_id.clone().ok_or_else(gone)?;
        let state = match approval::decide(tx, ctx, &id, self.decision).await? {
            Progress::Moved(_) | Progress::Returned => ChangeState::Pending,
            Progress::Finished(Outcome::Refused) => ChangeState::Refused,
            Progress::Finished(Outcome::Approved) => ChangeState::Done,
        };
        if state != ChangeState::Pending {
            change::close(tx.db(), &pending, state, ctx.now).await?;
        }
        if state == ChangeState::Done {
            take_effect(tx, ctx, &entry, &pending).await?;
        }
        let detail = serde_json::json!({
            "resource": entry.row.code, "state": state, "from": pending.from()?.sharing, "to": pending.to()?.sharing,
        });
        let row = change::find(tx.db(), &pending.id).await?;
        Ok(Applied::new(row).detail(detail))
    }
}

async fn take_effect(tx: &Tx, ctx: &Ctx, entry: &Entry, pending: &change::Model) -> Result<()> {
    entry.row.state.after(Event::ChangeSharing)?;
    let terms = pending.to()?;
    let mut row = resource::change();
    resource::set_terms(&mut row, &terms);
    let withheld = terms.sharing == Sharing::Withheld;
    row.reviewed_at = Set(withheld.then_some(ctx.now));
    row.review_due = Set(withheld.then(|| next_review(ctx.now)));
    let row = resource::update(tx.db(), &entry.row, row, ctx.now).await?;
    let note = format!("共享属性变更 {}：{} → {}", pending.no, pending.from()?.sharing, terms.sharing);
    version::keep(tx.db(), &row, &ctx.actor()?.login, &note).await?;
    announce(tx, &row);
    Ok(())
}
