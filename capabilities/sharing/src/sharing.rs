//! What every command and query of sharing stands on: the flow, the masks, the keys, the watch.

use std::sync::Arc;

use hufu_identity::Vault;
use hufu_kernel::error::{Error, Result};
use hufu_mask::Profile as Masks;

use crate::model::flow::Flow;
use crate::watch::GrantWatch;

/// The masks that are built in.
const MASKS: &str = include_str!("../../../rules/masks/default.toml");

/// One per process.
pub struct Sharing {
    pub flow: Flow,
    pub masks: Masks,
    pub vault: Vault,
    pub watch: Arc<GrantWatch>,
}

impl std::fmt::Debug for Sharing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sharing").field("flow", &self.flow.code).finish_non_exhaustive()
    }
}

impl Sharing {
    /// For a jurisdiction, with the built-in masks.
    pub fn new(jurisdiction: &str, vault: Vault) -> Result<Self> {
        let flow = Flow::embedded(jurisdiction).map_err(Error::internal)?;
        let masks = Masks::from_toml(MASKS).map_err(Error::internal)?;
        Ok(Self { flow, masks, vault, watch: Arc::new(GrantWatch::default()) })
    }

    /// Place of a grade in the order; a grade nobody knows has none.
    pub fn rank(&self, grade: &str) -> Option<usize> {
        self.masks.grades().iter().position(|known| known == grade)
    }

    /// Does a field need the steps marked strict? One of unknown grade does.
    pub fn is_strict(&self, grade: &str, unmasked: bool) -> bool {
        match (self.rank(grade), self.rank(&self.flow.strict_from)) {
            (Some(rank), Some(from)) => unmasked || rank >= from,
            (None, _) | (_, None) => true,
        }
    }

    /// A field of unknown grade is above every limit.
    pub fn is_at_most(&self, grade: &str, most: &str) -> bool {
        match (self.rank(grade), self.rank(most)) {
            (Some(rank), Some(most)) => rank <= most,
            (None, _) | (_, None) => false,
        }
    }

    /// The highest of several grades (就高从严); one that is unknown counts as higher than all.
    pub fn highest<'a>(&self, grades: impl Iterator<Item = &'a str>) -> String {
        let mut highest: Option<(usize, &str)> = None;
        for grade in grades {
            let rank = self.rank(grade).unwrap_or(usize::MAX);
            if highest.is_none_or(|(top, _)| rank > top) {
                highest = Some((rank, grade));
            }
        }
        highest.map(|(_, grade)| grade.to_owned()).unwrap_or_default()
    }
}
