//! 申请篮: kept in the store, so that it is the same on every browser of its owner.

use askama::Template;
use axum::extract::State;
use hufu_kernel::command::{Ctx, run};
use hufu_kernel::ids::ResourceId;
use hufu_kernel::shell::list::ListQuery;
use hufu_kernel::shell::page::go;
use hufu_kernel::shell::{Chrome, Form, WebResult, page};
use serde::Deserialize;

use super::search::{CatalogFilter, whole};
use super::words::allow_lists;
use crate::Catalog;
use crate::commands::fill_cart::{AddToCart, CART_MAX, RemoveFromCart};
use crate::queries::Hit;

#[derive(Template)]
#[template(path = "catalog/cart.html")]
struct Index {
    chrome: Chrome,
    hits: Vec<Hit>,
}

pub(super) async fn index(State(catalog): State<Catalog>, chrome: Chrome, ctx: Ctx) -> WebResult {
    allow_lists(&catalog, &ctx)?;
    let ids = crate::cart(catalog.kernel().store.reader(), &ctx.actor()?.account).await?;
    let hits = catalog.hits(&ids).await?;
    Ok(page(Index { chrome: chrome.titled("申请篮").crumb("数据目录", "/catalog"), hits }))
}

#[derive(Deserialize)]
pub(super) struct Picked {
    #[serde(default)]
    ids: Vec<String>,
    /// Query string of the whole list, when all of it is meant.
    #[serde(default)]
    all: Option<String>,
}

pub(super) async fn fill(State(catalog): State<Catalog>, ctx: Ctx, Form(picked): Form<Picked>) -> WebResult {
    let keys = match picked.all.as_deref().and_then(|all| all.strip_prefix('?')) {
        Some(all) => {
            let query = ListQuery::<CatalogFilter>::parse("/catalog", all, false)?;
            let max = usize::try_from(CART_MAX).unwrap_or(usize::MAX).saturating_add(1);
            let hits = whole(&catalog, &ctx, &query, max).await?;
            hits.into_iter().map(|hit| hit.row.id.to_string()).collect()
        }
        None => picked.ids,
    };
    run(catalog.kernel(), &ctx, AddToCart { keys }).await?;
    Ok(go("/catalog/cart"))
}

#[derive(Deserialize)]
pub(super) struct Removed {
    #[serde(default)]
    ids: Vec<ResourceId>,
}

pub(super) async fn remove(State(catalog): State<Catalog>, ctx: Ctx, Form(removed): Form<Removed>) -> WebResult {
    run(catalog.kernel(), &ctx, RemoveFromCart { ids: removed.ids }).await?;
    Ok(go("/catalog/cart"))
}
