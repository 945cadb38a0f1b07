use async_trait::async_trait;
use hufu_kernel::command::{Applied, Command, Ctx, Loaded};
use hufu_kernel::error::{Error, Result};
use hufu_kernel::ids::{JobId, SourceId};
use hufu_kernel::jobs::{self, NewJob};
use hufu_kernel::store::Tx;
use sea_orm::ActiveValue::Set;

use super::{OwnedSource, load_source};
use crate::jobs::{CheckSource, ScanSource};
use crate::store::{resource, source, source_table};

/// Starts reading a source's tables, columns and numbers of rows in the background.
#[derive(Clone, Debug)]
pub struct StartScan {
    pub id: SourceId,
}

#[async_trait]
impl Command for StartScan {
    const ACTION: &'static str = "catalog.source.scan";
    type Subject = OwnedSource;
    type Output = JobId;

    async fn load(&self, tx: &Tx, _: &Ctx) -> Result<Loaded<OwnedSource>> {
        load_source(tx, &self.id).await
    }

    async fn apply(self, tx: &Tx, ctx: &Ctx, owned: OwnedSource) -> Result<Applied<JobId>> {
        if owned.row.closed_at.is_some() {
            return Err(Error::conflict("CAT-SOURCE-CLOSED", "数据源已停用"));
        }
        let job = jobs::enqueue(tx, ctx, NewJob::new(ScanSource::NAME, serde_json::json!({ "source": self.id }))).await?;
        let note = source::ActiveModel { scan_job: Set(Some(job.clone())), ..Default::default() };
        source::note(tx.db(), &self.id, note).await?;
        Ok(Applied::new(job.clone()).detail(serde_json::json!({ "job": job })))
    }
}

/// Starts the consistency check of every entry that is mounted on a source.
#[derive(Clone, Debug)]
pub struct StartCheck {
    pub id: SourceId,
}

#[async_trait]
impl Command for StartCheck {
    const ACTION: &'static str = "catalog.source.check";
    type Subject = OwnedSource;
    type Output = JobId;

    async fn load(&self, tx: &Tx, _: &Ctx) -> Result<Loaded<OwnedSource>> {
        load_source(tx, &self.id).await
    }

    async fn apply(self, tx: &Tx, ctx: &Ctx, _: OwnedSource) -> Result<Applied<JobId>> {
        let mounted = resource::on_source(tx.db(), &self.id).await?.len();
        if mounted == 0 {
            return Err(Error::conflict("CAT-UNMOUNTED", "没有目录挂接在此数据源上"));
        }
        let new = NewJob::new(CheckSource::NAME, serde_json::json!({ "source": self.id }));
        let job = jobs::enqueue(tx, ctx, new).await?;
        Ok(Applied::new(job.clone()).detail(serde_json::json!({ "job": job, "resources": mounted })))
    }
}

/// Keeps what a scan found; the job that read the source calls it once at its end.
#[derive(Clone, Debug)]
pub struct RecordScan {
    pub id: SourceId,
    pub tables: Vec<source_table::Found>,
}

#[async_trait]
impl Command for RecordScan {
    const ACTION: &'static str = "catalog.source.scan";
    type Subject = OwnedSource;
    type Output = ();

    async fn load(&self, tx: &Tx, _: &Ctx) -> Result<Loaded<OwnedSource>> {
        load_source(tx, &self.id).await
    }

    fn by_system(&self) -> bool {
        true
    }

    async fn apply(self, tx: &Tx, ctx: &Ctx, owned: OwnedSource) -> Result<Applied<()>> {
        for table in &self.tables {
            source_table::put(tx.db(), &self.id, table, ctx.now).await?;
        }
        let names: Vec<String> = self.tables.iter().map(|table| table.name.clone()).collect();
        source_table::keep_only(tx.db(), &self.id, &names).await?;
        let note = source::ActiveModel { scanned_at: Set(Some(ctx.now)), ..Default::default() };
        source::note(tx.db(), &owned.row.id, note).await?;
        let columns: usize = self.tables.iter().map(|table| table.columns.len()).sum();
        let rows: i64 = self.tables.iter().filter_map(|table| table.row_count).sum();
        let detail = serde_json::json!({ "tables": self.tables.len(), "columns": columns, "rows": rows });
        Ok(Applied::new(()).detail(detail))
    }
}
