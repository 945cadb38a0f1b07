use async_trait::async_trait;
use hufu_kernel::command::{Applied, Command, Ctx, Loaded};
use hufu_kernel::error::{Error, Result};
use hufu_kernel::store::Tx;
use sea_orm::ActiveValue::Set;

use super::decide_resource::next_review;
use super::{Entry, all_right, announce, load_entry};
use crate::model::metadata::SharingTerms;
use crate::model::state::State;
use crate::model::terms::Sharing;
use crate::store::{resource, version};

/// Looks at the reasons of 不予共享 again and lets them stand, renewed. To let them fall is a change of attribute.
#[derive(Clone, Debug)]
pub struct ReviewWithheld {
    pub key: String,
    pub version: i32,
    pub basis: String,
    pub reason: String,
}

#[async_trait]
impl Command for ReviewWithheld {
    const ACTION: &'static str = "catalog.resource.review_withheld";
    type Subject = Entry;
    type Output = resource::Model;

    async fn load(&self, tx: &Tx, _: &Ctx) -> Result<Loaded<Entry>> {
        load_entry(tx, &self.key).await
    }

    async fn apply(self, tx: &Tx, ctx: &Ctx, entry: Entry) -> Result<Applied<resource::Model>> {
        entry.fresh(self.version)?;
        if entry.row.state != State::Published || entry.row.sharing != Sharing::Withheld {
            return Err(Error::conflict("CAT-STATE", "只有已发布的不予共享目录需要复核"));
        }
        let terms = SharingTerms {
            sharing: Sharing::Withheld,
            basis: self.basis.trim().to_owned(),
            reason: self.reason.trim().to_owned(),
            ..SharingTerms::default()
        };
        all_right(terms.faults())?;
        let mut change = resource::change();
        resource::set_terms(&mut change, &terms);
        change.reviewed_at = Set(Some(ctx.now));
        change.review_due = Set(Some(next_review(ctx.now)));
        let row = resource::update(tx.db(), &entry.row, change, ctx.now).await?;
        version::keep(tx.db(), &row, &ctx.actor()?.login, "不予共享复核").await?;
        announce(tx, &row);
        let detail = serde_json::json!({ "next": row.review_due.map(|due| due.rfc3339()) });
        Ok(Applied::new(row).detail(detail))
    }
}
