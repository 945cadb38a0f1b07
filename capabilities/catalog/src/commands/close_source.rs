use async_trait::async_trait;
use hufu_kernel::command::{Applied, Command, Ctx, Loaded};
use hufu_kernel::error::{Error, Result};
use hufu_kernel::ids::SourceId;
use hufu_kernel::store::Tx;
use sea_orm::ActiveValue::Set;

use super::{OwnedSource, load_source};
use crate::store::{resource, source};

/// Takes a source out of use, when no entry is mounted on it.
#[derive(Clone, Debug)]
pub struct CloseSource {
    pub id: SourceId,
    pub version: i32,
}

#[async_trait]
impl Command for CloseSource {
    const ACTION: &'static str = "catalog.source.close";
    type Subject = OwnedSource;
    type Output = ();

    async fn load(&self, tx: &Tx, _: &Ctx) -> Result<Loaded<OwnedSource>> {
        load_source(tx, &self.id).await
    }

    async fn apply(self, tx: &Tx, ctx: &Ctx, owned: OwnedSource) -> Result<Applied<()>> {
        if owned.row.version != self.version {
            return Err(Error::stale());
        }
        let mounted = resource::on_source(tx.db(), &self.id).await?.len();
        if mounted > 0 {
            return Err(Error::conflict("CAT-SOURCE-USED", format!("还有 {mounted} 个目录挂接在此数据源上，不能停用")));
        }
        let change = source::ActiveModel { closed_at: Set(Some(ctx.now)), ..Default::default() };
        source::update(tx.db(), &owned.row, change).await?;
        Ok(Applied::new(()))
    }
}
