//! Background work: reading a source's shape, and comparing entries with their source.

use async_trait::async_trait;
use hufu_kernel::command::run;
use hufu_kernel::error::Result;
use hufu_kernel::ids::SourceId;
use hufu_kernel::jobs::{JobCtx, JobHandler, Registry};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::Catalog;
use crate::commands::record_check::RecordCheck;
use crate::commands::record_scan::RecordScan;
use crate::store::resource;

/// The handlers of this capability.
pub fn registry(catalog: &Catalog) -> Registry {
    let mut registry = Registry::default();
    registry.add(ScanSource(catalog.clone())).add(CheckSource(catalog.clone()));
    registry
}

#[derive(Deserialize)]
struct Payload {
    source: SourceId,
}

/// Reads tables, columns and numbers of rows of a source; told once, at the end, so that a repeated run doubles nothing.
#[derive(Clone, Debug)]
pub struct ScanSource(Catalog);

impl ScanSource {
    pub const NAME: &'static str = "catalog.scan_source";
}

#[async_trait]
impl JobHandler for ScanSource {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn attempts_max(&self) -> i32 {
        2
    }

    async fn run(&self, job: &JobCtx) -> Result<Value> {
        let Payload { source } = job.payload()?;
        let names = self.0.tables(&source).await?;
        let total = u64::try_from(names.len()).ok();
        let mut tables = Vec::with_capacity(names.len());
        for (done, info) in names.into_iter().enumerate() {
            job.progress(done as u64, total, &info.name).await?;
            tables.push(self.0.inspect(&source, info).await?);
        }
        let result = json!({
            "tables": tables.len(),
            "columns": tables.iter().map(|table| table.columns.len()).sum::<usize>(),
            "rows": tables.iter().filter_map(|table| table.row_count).sum::<i64>(),
        });
        run(job.kernel(), &job.ctx(), RecordScan { id: source, tables }).await?;
        job.progress(total.unwrap_or_default(), total, "").await?;
        Ok(result)
    }
}

/// Compares every entry that is mounted on a source with it; each comparison is kept at once.
#[derive(Clone, Debug)]
pub struct CheckSource(Catalog);

impl CheckSource {
    pub const NAME: &'static str = "catalog.check_source";
}

#[async_trait]
impl JobHandler for CheckSource {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    async fn run(&self, job: &JobCtx) -> Result<Value> {
        let Payload { source } = job.payload()?;
        let done_before: usize = job.checkpoint()?.unwrap_or_default();
        let mounted = resource::on_source(job.kernel().store.reader(), &source).await?;
        let total = u64::try_from(mounted.len()).ok();
        for (done, row) in mounted.iter().enumerate().skip(done_before) {
            job.progress(done as u64, total, &row.name).await?;
            let seen = self.0.look_at(row).await?;
            run(job.kernel(), &job.ctx(), RecordCheck { key: row.id.to_string(), seen }).await?;
            job.save(&json!(done + 1)).await?;
        }
        job.progress(total.unwrap_or_default(), total, "").await?;
        Ok(json!({ "resources": mounted.len() }))
    }
}
