//! Serves a city: pages and API on one address, SQL on the other, until told to stop.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use axum::Router;
use hufu_gate::wire::{self, WireConfig};
use hufu_kernel::jobs::{Registry, RunnerConfig};
use hufu_kernel::shell::{Links, Shell, Site, csrf};
use tokio::net::TcpListener;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::Exit;
use crate::assembly::{City, startable};
use crate::config::Config;
use crate::sql_door::SqlDoor;

/// Connections of SQL clients at one time.
const SQL_CONNECTIONS_MAX: usize = 256;

pub(crate) async fn serve(config: &Config) -> Result<Exit> {
    let city = Arc::new(City::open(config).await?);
    let pages = TcpListener::bind(config.listen).await.with_context(|| format!("listen on {}", config.listen))?;
    let sql = TcpListener::bind(config.sql).await.with_context(|| format!("listen on {}", config.sql))?;
    let follower = tokio::spawn(city.catalog.search().clone().follow(city.house.kernel.clone()));
    let watch = city.service.start().await.map_err(startable)?;
    city.house.start_jobs(registry(&city), RunnerConfig::default());
    let door = tokio::spawn(wire::serve(sql, wire_config(&city, config)?, city.service.gate.clone(), Arc::new(SqlDoor(city.clone()))));
    tracing::info!(listen = %config.listen, sql = %config.sql, "serving");
    let app = router(&city, config)?.into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(pages, app).with_graceful_shutdown(told_to_stop()).await?;
    follower.abort();
    watch.abort();
    door.abort();
    city.house.shutdown().await.map_err(startable)?;
    Ok(Exit::Done)
}

/// All routes of all rooms inside the chrome.
pub(crate) fn router(city: &Arc<City>, config: &Config) -> Result<Router> {
    let identity = Arc::new(city.identity.clone());
    let forms: [u8; 32] = city.keys.forms.as_slice().try_into().context("the key of forms has 32 bytes")?;
    let site = Site {
        name: format!("{}政务数据安全", config.site.city),
        full_name: format!("{}政务数据安全共享平台", config.site.city),
        contact: config.site.contact.clone(),
        demo: config.demo,
    };
    let links = Links {
        login: Some("/login"),
        logout: Some("/logout"),
        messages: Some("/messages"),
        me: Some("/me"),
        search: Some("/catalog"),
        help: None,
    };
    let kernel = &city.house.kernel;
    let shell =
        Shell::new(site, links, kernel.clock.clone(), city.house.clone(), kernel.events.clone(), csrf::Key::new(forms))
            .with_menu(hufu_kernel::pages::menu(&city.house))
            .with_menu(hufu_catalog::menu())
            .with_menu(hufu_sharing::menu())
            .with_menu(hufu_identity::menu(&identity));
    let routes = Router::new()
        .merge(hufu_kernel::pages::routes(city.house.clone()))
        .merge(hufu_identity::routes(identity.clone()))
        .merge(hufu_catalog::router(city.catalog.clone()))
        .merge(hufu_sharing::routes(city.service.clone()))
        .merge(crate::health::routes(city.clone()));
    Ok(shell.install(routes, hufu_identity::web::recognise(identity)))
}

fn wire_config(city: &City, config: &Config) -> Result<WireConfig> {
    let tls = match (&config.sql_certificate, &config.sql_key) {
        (Some(certificate), Some(key)) => Some(Arc::new(tls(certificate, key)?)),
        (None, _) | (_, None) => None,
    };
    Ok(WireConfig { tls, connections_max: SQL_CONNECTIONS_MAX, decoy_secret: city.keys.forms.clone() })
}

fn tls(certificate: &Path, key: &Path) -> Result<ServerConfig> {
    let chain = CertificateDer::pem_file_iter(certificate)?.collect::<Result<Vec<_>, _>>()?;
    let key = PrivateKeyDer::from_pem_file(key)?;
    Ok(ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key)?)
}

fn registry(city: &City) -> Registry {
    let mut registry = hufu_kernel::upkeep::registry(&city.house);
    registry.join(hufu_catalog::jobs::registry(&city.catalog));
    registry
}

async fn told_to_stop() {
    let interrupt = tokio::signal::ctrl_c();
    let terminate = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => signal.recv().await,
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = interrupt => {}
        _ = terminate => {}
    }
}
