//! Counts of every facet in one pass over the matches.
//!
//! A facet's own filter does not narrow its own counts, so that the other choices stay visible with
//! their numbers: a match that fails exactly one facet is counted in that facet alone.

use std::collections::BTreeMap;

use tantivy::collector::{Collector, SegmentCollector};
use tantivy::columnar::StrColumn;
use tantivy::{DocId, Score, SegmentOrdinal, SegmentReader};

/// What results are counted and narrowed by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Facet {
    Unit,
    Kind,
    Sharing,
    Grade,
    Theme,
    Cycle,
    State,
}

impl Facet {
    pub const ALL: [Self; 7] =
        [Self::Unit, Self::Kind, Self::Sharing, Self::Grade, Self::Theme, Self::Cycle, Self::State];

    pub fn name(self) -> &'static str {
        match self {
            Self::Unit => "unit",
            Self::Kind => "kind",
            Self::Sharing => "sharing",
            Self::Grade => "grade",
            Self::Theme => "theme",
            Self::Cycle => "cycle",
            Self::State => "state",
        }
    }
}

/// Chosen values; no value means no restriction.
pub type Chosen = BTreeMap<Facet, Vec<String>>;

/// Numbers by value.
pub type Counts = BTreeMap<Facet, BTreeMap<String, u64>>;

#[derive(Clone, Debug, Default)]
pub(crate) struct Counted {
    pub(crate) total: u64,
    pub(crate) counts: Counts,
}

pub(crate) struct Counter<'a>(pub(crate) &'a Chosen);

impl Collector for Counter<'_> {
    type Fruit = Counted;
    type Child = SegmentCounter;

    fn for_segment(&self, _: SegmentOrdinal, segment: &SegmentReader) -> tantivy::Result<SegmentCounter> {
        let one = |facet: Facet| -> tantivy::Result<One> {
            let column = segment.fast_fields().str(facet.name())?;
            let terms = column.as_ref().map_or(0, |column| column.num_terms());
            let chosen = self.0.get(&facet).filter(|values| !values.is_empty());
            let wanted = match (chosen, &column) {
                (None, _) => None,
                (Some(_), None) => Some(Vec::new()),
                (Some(values), Some(column)) => {
                    let mut wanted = vec![false; terms];
                    for value in values {
                        let ord = column.dictionary().term_ord(value.as_bytes())?;
                        if let Some(slot) = ord.and_then(|ord| wanted.get_mut(usize::try_from(ord).ok()?)) {
                            *slot = true;
                        }
                    }
                    Some(wanted)
                }
            };
            Ok(One { facet, column, counts: vec![0; terms], wanted })
        };
        let facets = Facet::ALL.into_iter().map(one).collect::<tantivy::Result<Vec<One>>>()?;
        Ok(SegmentCounter { facets, total: 0 })
    }

    fn requires_scoring(&self) -> bool {
        false
    }

    fn merge_fruits(&self, segments: Vec<tantivy::Result<Counted>>) -> tantivy::Result<Counted> {
        let mut all = Counted::default();
        for segment in segments {
            let segment = segment?;
            all.total += segment.total;
            for (facet, counts) in segment.counts {
                let into = all.counts.entry(facet).or_default();
                for (value, count) in counts {
                    *into.entry(value).or_default() += count;
                }
            }
        }
        Ok(all)
    }
}

pub(crate) struct SegmentCounter {
    facets: Vec<One>,
    total: u64,
}

struct One {
    facet: Facet,
    column: Option<StrColumn>,
    counts: Vec<u64>,
    /// By ordinal; `None` when nothing is chosen.
    wanted: Option<Vec<bool>>,
}

impl One {
    fn passes(&self, doc: DocId) -> bool {
        match (&self.wanted, &self.column) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(wanted), Some(column)) => {
                let mut ords = column.term_ords(doc);
                ords.any(|ord| usize::try_from(ord).ok().and_then(|ord| wanted.get(ord)).copied().unwrap_or(false))
            }
        }
    }

    fn count(&mut self, doc: DocId) {
        let Some(column) = &self.column else { return };
        for ord in column.term_ords(doc) {
            if let Some(count) = usize::try_from(ord).ok().and_then(|ord| self.counts.get_mut(ord)) {
                *count += 1;
            }
        }
    }

    fn named(&self) -> tantivy::Result<BTreeMap<String, u64>> {
        let mut named = BTreeMap::new();
        let Some(column) = &self.column else { return Ok(named) };
        for (ord, count) in self.counts.iter().enumerate().filter(|(_, count)| **count > 0) {
            let mut value = String::new();
            if column.ord_to_str(ord as u64, &mut value)? {
                named.insert(value, *count);
            }
        }
        Ok(named)
    }
}

impl SegmentCollector for SegmentCounter {
    type Fruit = tantivy::Result<Counted>;

    fn collect(&mut self, doc: DocId, _: Score) {
        let mut failed = None;
        for (position, one) in self.facets.iter().enumerate() {
            if !one.passes(doc) {
                if failed.is_some() {
                    return;
                }
                failed = Some(position);
            }
        }
        match failed {
            Some(position) => {
                if let Some(one) = self.facets.get_mut(position) {
                    one.count(doc);
                }
            }
            None => {
                self.total += 1;
                self.facets.iter_mut().for_each(|one| one.count(doc));
            }
        }
    }

    fn harvest(self) -> tantivy::Result<Counted> {
        let mut counts = Counts::new();
        for one in &self.facets {
            counts.insert(one.facet, one.named()?);
        }
        Ok(Counted { total: self.total, counts })
    }
}
