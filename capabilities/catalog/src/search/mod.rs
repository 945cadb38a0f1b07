//! Full-text search over the catalogue, in Chinese, with facets and counts.
//!
//! ```text
//! store ──rebuild / catch_up──> index under the data directory ──find──> ids, counts
//!   └─ events, gathered for a moment, one commit for all
//! ```
//! The store is the truth. The index is rebuilt when it is absent, of another shape or behind; a commit
//! carries what it has seen of the store, so that a start finds out.

mod facets;
mod index;
mod query;
mod sync;
mod text;

use std::path::Path;
use std::sync::{Arc, Mutex};

use hufu_kernel::error::{Error, Result};
use hufu_kernel::ids::{ResourceId, UnitId};
use tantivy::collector::TopDocs;
use tantivy::schema::Value;
use tantivy::{DocAddress, Index, IndexReader, IndexWriter, Order, ReloadPolicy, Searcher, TantivyDocument};

pub use facets::{Chosen, Counts, Facet};
pub use index::UNGRADED;
pub use sync::{TOPIC, TOPIC_MANY};
use index::Fields;

/// Characters of a query that are looked at.
pub const QUERY_CHARS_MAX: usize = 100;
/// Results on one page.
pub const PAGE_SIZE_MAX: usize = 200;
/// Last result that can be paged to.
pub const DEPTH_MAX: usize = 20_000;
/// Memory of the writer before it writes a segment.
const WRITER_BYTES: usize = 64 * 1024 * 1024;
/// Changes when the fields or their cutting change; an index of another shape is not opened.
const SHAPE: &str = "catalog-1";

/// What somebody looks for.
#[derive(Clone, Debug)]
pub struct Wanted {
    pub text: String,
    pub chosen: Chosen,
    pub scope: Scope,
    pub sort: Sort,
    /// Counted from 1.
    pub page: usize,
    pub size: usize,
}

impl Default for Wanted {
    fn default() -> Self {
        let sort = Sort::Relevance;
        Self { text: String::new(), chosen: Chosen::new(), scope: Scope::Published, sort, page: 1, size: 20 }
    }
}

/// Which entries exist for the asker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    Published,
    /// And all of this unit and below, in whatever state.
    PublishedAndUnit(UnitId),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sort {
    /// Best first; newest first where nothing was typed.
    Relevance,
    Newest,
    Oldest,
    Code,
}

/// Ids in order, with the numbers of every facet.
#[derive(Clone, Debug)]
pub struct Found {
    pub ids: Vec<ResourceId>,
    pub total: u64,
    pub counts: Counts,
}

/// The index; cheap to clone.
#[derive(Clone)]
pub struct Search(Arc<Inner>);

struct Inner {
    index: Index,
    reader: IndexReader,
    writer: Mutex<IndexWriter>,
    fields: Fields,
}

impl std::fmt::Debug for Search {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Search").field("entries", &self.0.reader.searcher().num_docs()).finish()
    }
}

impl Search {
    /// Opens the index below a directory, empty when it is absent or damaged; [`Search::catch_up`] fills it.
    pub fn open(data: &Path) -> Result<Self> {
        let folder = data.join("search").join(SHAPE);
        std::fs::create_dir_all(&folder).map_err(Error::internal)?;
        match Self::open_at(&folder) {
            Ok(search) => Ok(search),
            Err(error) => {
                tracing::warn!(%error, "search index cannot be opened, it is built anew");
                std::fs::remove_dir_all(&folder).map_err(Error::internal)?;
                std::fs::create_dir_all(&folder).map_err(Error::internal)?;
                Self::open_at(&folder).map_err(Error::internal)
            }
        }
    }

    fn open_at(folder: &Path) -> tantivy::Result<Self> {
        let (schema, fields) = index::schema();
        let directory = tantivy::directory::MmapDirectory::open(folder)?;
        let index = Index::open_or_create(directory, schema)?;
        for cutter in text::Cutter::ALL {
            index.tokenizers().register(cutter.name(), cutter);
        }
        let reader = index.reader_builder().reload_policy(ReloadPolicy::Manual).try_into()?;
        let writer = Mutex::new(index.writer(WRITER_BYTES)?);
        Ok(Self(Arc::new(Inner { index, reader, writer, fields })))
    }

    /// Looks something up, off the async threads.
    pub async fn find(&self, wanted: Wanted) -> Result<Found> {
        let search = self.clone();
        tokio::task::spawn_blocking(move || search.find_now(&wanted)).await.map_err(Error::internal)?
    }

    /// Looks something up on this thread.
    pub fn find_now(&self, wanted: &Wanted) -> Result<Found> {
        self.find_inner(wanted).map_err(Error::internal)
    }

    fn find_inner(&self, wanted: &Wanted) -> tantivy::Result<Found> {
        let searcher = self.0.reader.searcher();
        let fields = &self.0.fields;
        let matching = || vec![query::of_text(fields, &wanted.text), query::of_scope(fields, &wanted.scope)];
        let everything = query::narrowed(fields, matching(), &Chosen::new());
        let counted = searcher.search(&everything, &facets::Counter(&wanted.chosen))?;
        let narrowed = query::narrowed(fields, matching(), &wanted.chosen);
        let found = top(&searcher, &narrowed, wanted)?;
        let mut ids = Vec::with_capacity(found.len());
        for address in found {
            ids.extend(self.id_of(&searcher, address)?);
        }
        Ok(Found { ids, total: counted.total, counts: counted.counts })
    }

    fn id_of(&self, searcher: &Searcher, address: DocAddress) -> tantivy::Result<Option<ResourceId>> {
        let document: TantivyDocument = searcher.doc(address)?;
        let text = document.get_first(self.0.fields.id).and_then(|value| value.as_str());
        Ok(text.and_then(|text| text.parse().ok()))
    }
}

fn top(searcher: &Searcher, query: &dyn tantivy::query::Query, wanted: &Wanted) -> tantivy::Result<Vec<DocAddress>> {
    let size = wanted.size.clamp(1, PAGE_SIZE_MAX);
    let offset = wanted.page.saturating_sub(1).saturating_mul(size).min(DEPTH_MAX);
    let page = TopDocs::with_limit(size).and_offset(offset);
    let by_time = |page: TopDocs, order: Order| -> tantivy::Result<Vec<DocAddress>> {
        let found = searcher.search(query, &page.order_by_fast_field::<i64>("updated_at", order))?;
        Ok(found.into_iter().map(|(_, address)| address).collect())
    };
    match wanted.sort {
        Sort::Relevance if wanted.text.trim().is_empty() => by_time(page, Order::Desc),
        Sort::Relevance => {
            let found = searcher.search(query, &page.order_by_score())?;
            Ok(found.into_iter().map(|(_, address)| address).collect())
        }
        Sort::Newest => by_time(page, Order::Desc),
        Sort::Oldest => by_time(page, Order::Asc),
        Sort::Code => {
            let found = searcher.search(query, &page.order_by_string_fast_field("code", Order::Asc))?;
            Ok(found.into_iter().map(|(_, address)| address).collect())
        }
    }
}
