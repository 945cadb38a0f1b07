use async_trait::async_trait;
use hufu_kernel::approval::{self, Decision, Outcome, Progress};
use hufu_kernel::command::{Applied, Command, Ctx, Loaded};
use hufu_kernel::error::{Error, Result};
use hufu_kernel::store::Tx;
use hufu_kernel::time::Timestamp;
use sea_orm::ActiveValue::Set;

use super::{Entry, announce, load_entry};
use crate::model::state::{Event, State};
use crate::model::terms::Sharing;
use crate::store::{resource, version};

/// One step's decision about the publication; the last agreement publishes in the same transaction.
#[derive(Clone, Debug)]
pub struct DecideResource {
    pub key: String,
    pub decision: Decision,
}

#[async_trait]
impl Command for DecideResource {
    const ACTION: &'static str = "catalog.resource.decide";
    type Subject = Entry;
    type Output = resource::Model;

    async fn load(&self, tx: &Tx, _: &Ctx) -> Result<Loaded<Entry>> {
        load_entry(tx, &self.key).await
    }

    async fn apply(self, tx: &Tx, ctx: &Ctx, entry: Entry) -> Result<Applied<resource::Model>> {
        let not_waiting = || Error::conflict("CAT-STATE", "目录不在审批中");
        let id = entry.row.approval_id.clone().ok_or_else(not_waiting)?;
        if entry.row.state != State::Submitted {
            return Err(not_waiting());
        }
        let from = entry.row.state;
        let row = match approval::decide(tx, ctx, &id, self.decision).await? {
            Progress::Moved(_) => entry.row,
            Progress::Returned => send_back(tx, ctx, entry.row).await?,
            Progress::Finished(Outcome::Refused) => send_back(tx, ctx, entry.row).await?,
            Progress::Finished(Outcome::Approved) => publish(tx, ctx, entry.row).await?,
        };
        let detail = serde_json::json!({ "from": from, "to": row.state });
        Ok(Applied::new(row).detail(detail))
    }
}

async fn send_back(tx: &Tx, ctx: &Ctx, row: resource::Model) -> Result<resource::Model> {
    let mut change = resource::change();
    change.state = Set(row.state.after(Event::Return)?);
    let row = resource::update(tx.db(), &row, change, ctx.now).await?;
    announce(tx, &row);
    Ok(row)
}

async fn publish(tx: &Tx, ctx: &Ctx, row: resource::Model) -> Result<resource::Model> {
    let mut change = resource::change();
    change.state = Set(row.state.after(Event::Approve)?);
    change.published_at = Set(row.published_at.or(Some(ctx.now)));
    if row.sharing == Sharing::Withheld {
        change.reviewed_at = Set(Some(ctx.now));
        change.review_due = Set(Some(next_review(ctx.now)));
    }
    let row = resource::update(tx.db(), &row, change, ctx.now).await?;
    version::keep(tx.db(), &row, &ctx.actor()?.login, "发布").await?;
    announce(tx, &row);
    Ok(row)
}

/// When the reasons of 不予共享 are looked at again.
pub(crate) fn next_review(from: Timestamp) -> Timestamp {
    const REVIEW_DAYS: i64 = 365;
    from.plus(chrono::Duration::days(REVIEW_DAYS))
}
