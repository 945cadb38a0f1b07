//! Parquet: the engine's own reader, with filters, projections and limits pushed into row groups and pages.

use std::path::Path;
use std::sync::Arc;

use datafusion::catalog::TableProvider;
use datafusion::datasource::file_format::parquet::ParquetFormat;
use datafusion::datasource::listing::{ListingOptions, ListingTable, ListingTableConfig, ListingTableUrl};
use datafusion::prelude::SessionContext;

use crate::error::Result;
use crate::source::fault;

/// A file, or a directory of parts with one schema.
pub(super) async fn provider(path: &Path, table: &str) -> Result<Arc<dyn TableProvider>> {
    let mut text = path.to_str().ok_or_else(|| fault::config("文件路径不是有效的文字"))?.to_owned();
    if path.is_dir() && !text.ends_with('/') {
        text.push('/');
    }
    let url = ListingTableUrl::parse(&text).map_err(|_e| fault::read(format!("path of {table}")))?;
    let format = ParquetFormat::default().with_enable_pruning(true);
    let extension =
        path.extension().and_then(|e| e.to_str()).map_or_else(|| ".parquet".to_owned(), |e| format!(".{e}"));
    let options = ListingOptions::new(Arc::new(format)).with_file_extension(extension);
    let state = SessionContext::new().state();
    let schema = options
        .infer_schema(&state, &url)
        .await
        .map_err(|_e| fault::changed(format!("{table} is not a readable parquet file")))?;
    let config = ListingTableConfig::new(url).with_listing_options(options).with_schema(schema);
    let listing = ListingTable::try_new(config).map_err(|_e| fault::read(format!("listing of {table}")))?;
    Ok(Arc::new(listing))
}

pub(super) fn has_parts(directory: &Path) -> bool {
    let Ok(entries) = std::fs::read_dir(directory) else { return false };
    entries.flatten().any(|e| e.path().extension().is_some_and(|x| x == "parquet"))
}
