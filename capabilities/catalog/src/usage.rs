//! What sharing knows about a resource. Sharing stands to the right of the catalogue, so it comes in through a trait.

use std::collections::HashMap;

use async_trait::async_trait;
use hufu_kernel::error::Result;
use hufu_kernel::ids::ResourceId;

/// One grant on a resource, for the tab 共享情况.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Usage {
    /// Grant number.
    pub no: String,
    pub href: String,
    pub unit: String,
    pub purpose: String,
    /// 「2026-12-01 至 2027-05-31」
    pub period: String,
    /// Code of the dictionary of states.
    pub state: String,
}

/// Asked on the pages of the catalogue; whoever assembles the house hands it in.
#[async_trait]
pub trait UsageOf: std::fmt::Debug + Send + Sync {
    /// Grants on one resource, newest first.
    async fn grants(&self, resource: &ResourceId) -> Result<Vec<Usage>>;
    /// Numbers of applications by resource.
    async fn applied(&self, resources: &[ResourceId]) -> Result<HashMap<ResourceId, i64>>;
}
