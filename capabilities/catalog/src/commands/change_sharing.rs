use async_trait::async_trait;
use hufu_kernel::approval::{self, Kind, NewApproval};
use hufu_kernel::audit::ObjectRef;
use hufu_kernel::command::{Applied, Command, Ctx, Loaded};
use hufu_kernel::error::{Error, Result};
use hufu_kernel::ids::ResourceChangeId;
use hufu_kernel::number;
use hufu_kernel::store::Tx;
use sea_orm::EntityTrait;

use super::{Entry, all_right, load_entry, need_reason, steps};
use crate::model::metadata::SharingTerms;
use crate::model::state::{ChangeState, Event};
use crate::store::change;

/// Kind of matter in the inbox.
pub const CHANGE: Kind = Kind { key: "catalog.sharing", name: "共享属性变更" };

/// Asks for another sharing attribute of a published entry (共享属性转换). It holds as before until approved.
#[derive(Clone, Debug)]
pub struct ChangeSharing {
    pub key: String,
    pub version: i32,
    pub terms: SharingTerms,
    pub reason: String,
}

#[async_trait]
impl Command for ChangeSharing {
    const ACTION: &'static str = "catalog.sharing.change";
    type Subject = Entry;
    type Output = change::Model;

    async fn load(&self, tx: &Tx, _: &Ctx) -> Result<Loaded<Entry>> {
        load_entry(tx, &self.key).await
    }

    async fn apply(self, tx: &Tx, ctx: &Ctx, entry: Entry) -> Result<Applied<change::Model>> {
        entry.fresh(self.version)?;
        entry.row.state.after(Event::ChangeSharing)?;
        need_reason("change_reason", &self.reason)?;
        all_right(self.terms.faults())?;
        let from = entry.row.terms();
        if from == self.terms {
            return Err(Error::conflict("CAT-SAME", "共享属性与现行的相同，没有需要变更的内容"));
        }
        if change::pending(tx.db(), &entry.row.id).await?.is_some() {
            return Err(Error::conflict("CAT-CHANGE-PENDING", "已有共享属性变更正在审批中"));
        }
        let no = number::next(tx, "BG", ctx.now).await?;
        let id = ResourceChangeId::generate();
        let actor = ctx.actor()?;
        let new = NewApproval {
            object: ObjectRef::new("catalog.change", &id, &no),
            kind: CHANGE,
            title: format!("共享属性变更：{}（{} → {}）", entry.row.name, from.sharing, self.terms.sharing),
            link: format!("/catalog/{}?tab=change", entry.row.path_code()),
            initiator: actor.clone(),
            steps: steps(tx, &entry.unit).await?,
            copies: Vec::new(),
        };
        let (approval_id, _) = approval::start(tx, ctx, new).await?;
        let row = change::Model {
            id,
            no,
            resource_id: entry.row.id.clone(),
            from_terms: serde_json::to_string(&from)?,
            to_terms: serde_json::to_string(&self.terms)?,
            reason: self.reason.trim().to_owned(),
            state: ChangeState::Pending,
            approval_id: Some(approval_id),
            by_login: actor.login.clone(),
            at: ctx.now,
            decided_at: None,
            version: 1,
        };
        change::Entity::insert(change::ActiveModel::from(row.clone())).exec_without_returning(tx.db()).await?;
        let detail = serde_json::json!({ "change": row.no, "from": from.sharing, "to": self.terms.sharing });
        Ok(Applied::new(row).detail(detail))
    }
}
