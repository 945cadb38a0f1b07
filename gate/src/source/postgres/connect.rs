//! Connections: few, kept while they are whole, never given back with a query still running.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use native_tls::{Certificate, TlsConnector};
use postgres_native_tls::MakeTlsConnector;
use tokio_postgres::config::SslMode;
use tokio_postgres::{Client, Config};

use crate::error::{Error, Result};
use crate::source::config::{self, Tls};
use crate::source::fault;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const IDLE_MAX: usize = 4;

/// Read only, and values in forms that do not hang on the server's settings.
const SETUP: &str = "SET default_transaction_read_only = on; SET TimeZone = 'UTC'; SET DateStyle = 'ISO, YMD'; \
                     SET extra_float_digits = 3; SET statement_timeout = 0";

pub(super) struct Server {
    config: Config,
    tls: MakeTlsConnector,
    idle: Mutex<Vec<Client>>,
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server").field("hosts", &self.config.get_hosts()).finish_non_exhaustive()
    }
}

impl Server {
    pub(super) fn new(conf: &config::Server) -> Result<Self> {
        let mut config = Config::new();
        config
            .host(&conf.host)
            .port(conf.port)
            .dbname(&conf.database)
            .user(&conf.user)
            .password(conf.password.expose())
            .application_name("hufu")
            .connect_timeout(CONNECT_TIMEOUT)
            .keepalives_idle(Duration::from_secs(60))
            .ssl_mode(if conf.tls == Tls::Off { SslMode::Disable } else { SslMode::Require });
        Ok(Self { config, tls: connector(&conf.tls)?, idle: Mutex::default() })
    }

    /// A connection for one use.
    pub(super) async fn lease(self: &Arc<Self>) -> Result<Lease> {
        while let Some(client) = self.pop() {
            if !client.is_closed() {
                return Ok(Lease { client: Some(client), server: Arc::clone(self) });
            }
        }
        let connect = tokio::time::timeout(CONNECT_TIMEOUT, self.config.connect(self.tls.clone()));
        let (client, connection) =
            connect.await.map_err(|_e| fault::unreachable("postgres connect timed out"))?.map_err(|e| refused(&e))?;
        tokio::spawn(async move {
            if connection.await.is_err() {
                tracing::debug!("a connection to a postgres source ended early");
            }
        });
        client.batch_execute(SETUP).await.map_err(|e| refused(&e))?;
        Ok(Lease { client: Some(client), server: Arc::clone(self) })
    }

    fn pop(&self) -> Option<Client> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }
}

/// A connection in use. Dropped without [`Lease::give_back`] it is closed and its query cancelled.
pub(super) struct Lease {
    client: Option<Client>,
    server: Arc<Server>,
}

impl Lease {
    #[expect(clippy::expect_used, reason = "the client is taken only by give_back and drop, which consume the lease")]
    pub(super) fn client(&self) -> &Client {
        self.client.as_ref().expect("present until consumed")
    }

    pub(super) fn give_back(mut self) {
        if let Some(client) = self.client.take() {
            let mut idle = self.server.idle.lock().unwrap_or_else(PoisonError::into_inner);
            if idle.len() < IDLE_MAX {
                idle.push(client);
            }
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let Some(client) = self.client.take() else { return };
        let (token, tls) = (client.cancel_token(), self.server.tls.clone());
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                if token.cancel_query(tls).await.is_err() {
                    tracing::debug!("cancel did not reach a postgres source");
                }
            });
        }
    }
}

fn connector(tls: &Tls) -> Result<MakeTlsConnector> {
    let mut builder = TlsConnector::builder();
    match tls {
        Tls::Off => {}
        Tls::Encrypt => {
            builder.danger_accept_invalid_certs(true).danger_accept_invalid_hostnames(true);
        }
        Tls::Verify { ca: None } => {}
        Tls::Verify { ca: Some(path) } => {
            let broken = || fault::config("CA 证书文件无法读取");
            let pem = std::fs::read(path).map_err(|_e| broken())?;
            builder.add_root_certificate(Certificate::from_pem(&pem).map_err(|_e| broken())?);
        }
    }
    let built = builder.build().map_err(|_e| fault::config("TLS 设置无效"))?;
    Ok(MakeTlsConnector::new(built))
}

/// Why no connection came about.
fn refused(error: &tokio_postgres::Error) -> Error {
    match error.code().map(tokio_postgres::error::SqlState::code) {
        Some(code @ ("28P01" | "28000" | "3D000" | "42501")) => fault::auth(format!("postgres {code}")),
        Some(code) => fault::unreachable(format!("postgres {code}")),
        None => fault::unreachable("postgres does not answer"),
    }
}

/// What went wrong with a statement.
pub(super) fn told(error: &tokio_postgres::Error, table: &str) -> Error {
    match error.code().map(tokio_postgres::error::SqlState::code) {
        Some("42P01" | "3F000") => fault::vanished(table),
        Some(code @ ("42703" | "42804" | "42883" | "42846" | "0A000")) => {
            fault::changed(format!("{table}: postgres {code}"))
        }
        Some(code @ ("42501" | "28000")) => fault::forbidden(format!("{table}: postgres {code}")),
        Some(code) => fault::read(format!("{table}: postgres {code}")),
        None if error.is_closed() => fault::unreachable(format!("{table}: connection lost")),
        None => fault::read(format!("{table}: postgres connection")),
    }
}
