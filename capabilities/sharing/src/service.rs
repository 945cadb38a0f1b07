//! What pages, the API and the SQL wire stand on; cheap to clone, one per process.

use std::sync::Arc;

use hufu_catalog::Catalog;
use hufu_gate::Gate;
use hufu_kernel::command::Kernel;
use hufu_kernel::error::Result;

use crate::mandate::Cache;
use crate::recorder::close_interrupted;
use crate::{Sharing, jobs, watch};

#[derive(Clone, Debug)]
pub struct Service {
    pub kernel: Arc<Kernel>,
    pub sharing: Arc<Sharing>,
    pub catalog: Catalog,
    pub gate: Arc<Gate>,
    pub(crate) cache: Arc<Cache>,
}

impl Service {
    pub fn new(kernel: Arc<Kernel>, sharing: Arc<Sharing>, catalog: Catalog, gate: Arc<Gate>) -> Self {
        Self { kernel, sharing, catalog, gate, cache: Arc::default() }
    }

    /// Closes what an earlier process left open, then watches grants until the process ends. To be called
    /// before anything is served.
    pub async fn start(&self) -> Result<tokio::task::JoinHandle<()>> {
        let closed = close_interrupted(&self.kernel, self.kernel.clock.now()).await?;
        if closed > 0 {
            tracing::warn!(closed, "accesses interrupted by a stop were closed as at most so many rows");
        }
        let (kernel, grants) = (self.kernel.clone(), self.sharing.watch.clone());
        Ok(tokio::spawn(async move {
            tokio::join!(watch::run(kernel.clone(), grants), expire(kernel));
        }))
    }
}

async fn expire(kernel: Arc<Kernel>) {
    let mut tick = tokio::time::interval(jobs::EXPIRE_EVERY);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        if let Err(error) = jobs::expire(&kernel).await {
            tracing::error!(code = error.code(), "grants whose period is over could not be ended");
        }
    }
}
