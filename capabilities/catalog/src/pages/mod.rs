//! Pages of the catalogue: search, entry, writing, import, mounting, 不予共享, 申请篮, sources.

mod cart;
mod edit;
mod import;
mod mount;
mod nonshare;
mod search;
mod show;
mod sources;
mod words;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};
use hufu_kernel::actor::Role;
use hufu_kernel::shell::{Group, MenuItem};

use crate::Catalog;
use crate::sheets::FILE_BYTES_MAX;

pub(crate) use import::read_upload;
pub(crate) use search::{CatalogFilter, list_json, national_form};

/// What a multipart request may be larger than its file.
const ENVELOPE_BYTES: usize = 64 * 1024;

/// Routes of the pages and of the API.
pub fn router(catalog: Catalog) -> Router {
    let upload = || DefaultBodyLimit::max(FILE_BYTES_MAX + ENVELOPE_BYTES);
    Router::new()
        .route("/catalog", get(search::index))
        .route("/catalog/export.xlsx", get(search::xlsx))
        .route("/catalog/export.csv", get(search::csv))
        .route("/catalog/cart", get(cart::index).post(cart::fill))
        .route("/catalog/cart/remove", post(cart::remove))
        .route("/catalog/edit", get(edit::index))
        .route("/catalog/edit/new", get(edit::begin).post(edit::create))
        .route("/catalog/edit/{code}", get(edit::step).post(edit::save))
        .route("/catalog/import", get(import::form).post(import::take).layer(upload()))
        .route("/catalog/template.xlsx", get(import::template))
        .route("/catalog/mount", get(mount::index))
        .route("/catalog/mount/{code}", get(mount::form).post(mount::take))
        .route("/catalog/nonshare", get(nonshare::index))
        .route("/catalog/nonshare/{code}", get(nonshare::form).post(nonshare::keep))
        .route("/catalog/{code}", get(show::show))
        .route("/catalog/{code}/change", get(show::change_form).post(show::change))
        .route("/catalog/{code}/check", post(show::check))
        .route("/catalog/{code}/decide", post(show::decide))
        .route("/catalog/{code}/decide-change", post(show::decide_change))
        .route("/catalog/{code}/offline", post(show::take_offline))
        .route("/catalog/{code}/submit", post(show::submit))
        .route("/catalog/{code}/withdraw", post(show::withdraw))
        .route("/datasources", get(sources::index))
        .route("/datasources/new", get(sources::begin).post(sources::create))
        .route("/datasources/{id}", get(sources::show))
        .route("/datasources/{id}/edit", get(sources::form).post(sources::save))
        .route("/datasources/{id}/test", post(sources::test))
        .route("/datasources/{id}/scan", post(sources::scan))
        .route("/datasources/{id}/check", post(sources::check))
        .route("/datasources/{id}/close", post(sources::close))
        .route("/datasources/{id}/job", get(sources::job))
        .merge(crate::api::routes(upload()))
        .with_state(catalog)
}

/// Entries of the menu, each for the roles whose work it is.
pub fn menu() -> Vec<MenuItem> {
    use Role::{R1, R2, R3, R4, R5, R6, R9};
    vec![
        MenuItem::new(Group::Catalog, "目录检索", "/catalog", &[R1, R2, R3, R4, R5, R6, R9]),
        MenuItem::new(Group::Catalog, "申请篮", "/catalog/cart", &[R4]),
        MenuItem::new(Group::Catalog, "编目管理", "/catalog/edit", &[R3]),
        MenuItem::new(Group::Catalog, "资源挂接", "/catalog/mount", &[R3, R6]),
        MenuItem::new(Group::Catalog, "不予共享复核", "/catalog/nonshare", &[R1, R3]),
        MenuItem::new(Group::Policy, "数据源", "/datasources", &[R6]),
    ]
}
