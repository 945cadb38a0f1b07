//! What the kernel does by itself, in periods: reminders, files nobody took in, jobs long over.

use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};

use crate::approval::{FindDue, Remind};
use crate::attachment::Files;
use crate::error::Result;
use crate::house::House;
use crate::jobs::{self, JobCtx, JobHandler, Registry};

const REMIND_EVERY: Duration = Duration::from_secs(30 * 60);
const TIDY_EVERY: Duration = Duration::from_secs(24 * 3600);
/// How long the outcome of a job can be looked up.
const JOBS_KEPT: chrono::Duration = chrono::Duration::days(30);

/// The kernel's own background work; capabilities' registries join it.
pub fn registry(house: &House) -> Registry {
    let mut registry = Registry::default();
    registry
        .every(REMIND_EVERY, FindDue)
        .add(Remind)
        .every(TIDY_EVERY, SweepFiles(house.files.clone()))
        .every(TIDY_EVERY, PurgeJobs);
    registry
}

#[derive(Debug)]
struct SweepFiles(Files);

#[async_trait]
impl JobHandler for SweepFiles {
    fn name(&self) -> &'static str {
        "kernel.sweep_files"
    }

    async fn run(&self, job: &JobCtx) -> Result<Value> {
        let removed = self.0.sweep(job.kernel().store.reader(), job.ctx().now).await?;
        Ok(json!({ "removed": removed }))
    }
}

#[derive(Debug)]
struct PurgeJobs;

#[async_trait]
impl JobHandler for PurgeJobs {
    fn name(&self) -> &'static str {
        "kernel.purge_jobs"
    }

    async fn run(&self, job: &JobCtx) -> Result<Value> {
        let tx = job.kernel().store.begin().await?;
        let removed = jobs::purge(&tx, job.ctx().now.plus(-JOBS_KEPT)).await?;
        tx.commit().await?;
        Ok(json!({ "removed": removed }))
    }
}
