//! SQL over the PostgreSQL protocol, for the clients people already have.
//!
//! Each connection has one principal, proved by SCRAM-SHA-256, over TLS or from this machine. Every
//! statement asks for a fresh mandate and goes through [`crate::open`]; what a client asks about the
//! catalogue is answered from the mandate alone, by a small database in memory that no source reaches.

mod answer;
mod catalogue;
mod command;
mod connection;
mod copy;
mod encode;
mod faults;
mod handler;
mod parameters;
mod run;
mod settings;
mod startup;
mod types;
mod verifier;

use std::net::SocketAddr;
use std::sync::Arc;

use async_trait::async_trait;
use pgwire::tokio::process_socket;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;

use self::connection::Cancels;
use self::handler::Handlers;
pub use self::verifier::ScramVerifier;
use crate::Gate;
use crate::error::Result;
use crate::mandate::{Mandate, Way};

/// Who may log in, and what they may read: known outside the gate.
#[async_trait]
pub trait Front: Send + Sync {
    /// What proves the user's token. `None` for users who do not exist or may not log in.
    async fn verifier(&self, user: &str) -> Option<ScramVerifier>;
    /// Called once the user has been proved.
    async fn session(&self, user: &str, client: SocketAddr) -> Result<Arc<dyn Session>>;
}

/// One logged-in user on one connection.
#[async_trait]
pub trait Session: Send + Sync {
    /// What the user may read now. Asked again for every statement, so that a revocation also stops
    /// statements that were prepared before. `choice` is the grant chosen with `SET hufu.grant`.
    async fn mandate(&self, way: Way, choice: Option<&str>) -> Result<Mandate>;
}

/// How the port behaves.
#[derive(Clone)]
pub struct WireConfig {
    /// With TLS, plain connections are refused; without, all but those from this machine.
    pub tls: Option<Arc<ServerConfig>>,
    pub connections_max: usize,
    /// Secret of the installation: unknown users are led through the same exchange as known ones.
    pub decoy_secret: Vec<u8>,
}

impl std::fmt::Debug for WireConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WireConfig")
            .field("tls", &self.tls.is_some())
            .field("connections_max", &self.connections_max)
            .finish_non_exhaustive()
    }
}

/// What all connections share.
struct Shared {
    gate: Arc<Gate>,
    front: Arc<dyn Front>,
    config: WireConfig,
    cancels: Arc<Cancels>,
}

/// Serves until the future is dropped; connections end with it.
pub async fn serve(listener: TcpListener, config: WireConfig, gate: Arc<Gate>, front: Arc<dyn Front>) {
    let acceptor = config.tls.clone().map(TlsAcceptor::from);
    let places = Arc::new(Semaphore::new(config.connections_max));
    let shared = Arc::new(Shared { gate, front, config, cancels: Arc::default() });
    let mut connections = tokio::task::JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_ended) = connections.join_next() => continue,
        };
        let Ok((socket, _address)) = accepted else {
            // Out of file handles or the like: let running connections end first.
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            continue;
        };
        // A full house hangs up at once, instead of keeping clients waiting for a password prompt.
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else { continue };
        let (acceptor, handlers) = (acceptor.clone(), Handlers::new(Arc::clone(&shared)));
        connections.spawn(async move {
            if process_socket(socket, acceptor, handlers).await.is_err() {
                tracing::debug!("a client connection broke off");
            }
            drop(place);
        });
    }
}
