//! `/healthz`, `/readyz`, `/metrics`: for the machine that watches this one. No name, no address, no value in them.

use std::fmt::Write as _;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use sea_orm::ConnectionTrait as _;

use crate::assembly::City;

pub(crate) fn routes(city: Arc<City>) -> Router {
    Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .with_state(city)
}

/// Ready means: the store answers and the ledger takes entries.
async fn ready(State(city): State<Arc<City>>) -> (StatusCode, &'static str) {
    let store = city.house.kernel.store.reader().execute_unprepared("SELECT 1").await;
    if store.is_err() {
        return (StatusCode::SERVICE_UNAVAILABLE, "store\n");
    }
    if city.house.ledger.is_stopped() {
        return (StatusCode::SERVICE_UNAVAILABLE, "ledger\n");
    }
    (StatusCode::OK, "ok\n")
}

async fn metrics(State(city): State<Arc<City>>) -> Result<String, StatusCode> {
    let entries = city.house.size().await.map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?;
    let stopped = u8::from(city.house.ledger.is_stopped());
    let mut text = String::new();
    let mut gauge = |name: &str, help: &str, value: u64| {
        let _ = write!(text, "# HELP {name} {help}\n# TYPE {name} gauge\n{name} {value}\n");
    };
    gauge("hufu_ledger_entries", "Entries in the ledger's metadata copy.", entries);
    gauge("hufu_ledger_stopped", "1 when a storage fault stopped the ledger.", stopped.into());
    gauge("hufu_catalog_entries", "Entries in the search index.", city.catalog.search().entries().unsigned_abs());
    Ok(text)
}
