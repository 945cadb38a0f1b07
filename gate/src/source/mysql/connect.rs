//! Connections: few, kept while they are whole. One that is dropped in the middle of a result has its query killed;
//! the driver alone would read the rest of the result to the end.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use mysql_async::prelude::Queryable;
use mysql_async::{Conn, DriverError, Opts, OptsBuilder, SslOpts};

use crate::error::{Error, Result};
use crate::source::config::{self, Tls};
use crate::source::fault;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const IDLE_MAX: usize = 4;

/// Read only; instants in the zone they are shown in; patient with a slow reader.
const SETUP: [&str; 4] = [
    "SET NAMES utf8mb4",
    "SET SESSION TRANSACTION READ ONLY",
    "SET time_zone = '+08:00', sql_mode = ''",
    "SET net_write_timeout = 600",
];

pub(super) struct Server {
    opts: Opts,
    idle: Mutex<Vec<Conn>>,
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server").field("host", &self.opts.ip_or_hostname()).finish_non_exhaustive()
    }
}

impl Server {
    pub(super) fn new(conf: &config::Server) -> Result<Self> {
        let opts = OptsBuilder::default()
            .ip_or_hostname(conf.host.as_str())
            .tcp_port(conf.port)
            .db_name(Some(conf.database.as_str()))
            .user(Some(conf.user.as_str()))
            .pass(Some(conf.password.expose()))
            .prefer_socket(false)
            .ssl_opts(ssl(&conf.tls)?)
            .setup(SETUP.to_vec());
        Ok(Self { opts: opts.into(), idle: Mutex::default() })
    }

    /// A connection for one use.
    pub(super) async fn lease(self: &Arc<Self>) -> Result<Lease> {
        while let Some(mut conn) = self.pop() {
            if conn.ping().await.is_ok() {
                return Ok(Lease { conn: Some(conn), server: Arc::clone(self) });
            }
        }
        let connect = tokio::time::timeout(CONNECT_TIMEOUT, Conn::new(self.opts.clone()));
        let conn =
            connect.await.map_err(|_e| fault::unreachable("mysql connect timed out"))?.map_err(|e| refused(&e))?;
        Ok(Lease { conn: Some(conn), server: Arc::clone(self) })
    }

    fn pop(&self) -> Option<Conn> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }
}

/// A connection in use. Dropped without [`Lease::give_back`] its query is killed and it is closed.
pub(super) struct Lease {
    conn: Option<Conn>,
    server: Arc<Server>,
}

impl Lease {
    #[expect(
        clippy::expect_used,
        reason = "the connection is taken only by give_back and drop, which consume the lease"
    )]
    pub(super) fn conn(&mut self) -> &mut Conn {
        self.conn.as_mut().expect("present until consumed")
    }

    pub(super) fn give_back(mut self) {
        if let Some(conn) = self.conn.take() {
            let mut idle = self.server.idle.lock().unwrap_or_else(PoisonError::into_inner);
            if idle.len() < IDLE_MAX {
                idle.push(conn);
            }
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let Some(conn) = self.conn.take() else { return };
        let (id, opts) = (conn.id(), self.server.opts.clone());
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                let killed = match Conn::new(opts).await {
                    Ok(mut other) => other.query_drop(format!("KILL QUERY {id}")).await.is_ok(),
                    Err(_) => false,
                };
                if !killed {
                    tracing::debug!("kill did not reach a mysql source");
                }
                drop(conn);
            });
        }
    }
}

fn ssl(tls: &Tls) -> Result<Option<SslOpts>> {
    Ok(match tls {
        Tls::Off => None,
        Tls::Encrypt => {
            let opts = SslOpts::default();
            Some(opts.with_danger_accept_invalid_certs(true).with_danger_skip_domain_validation(true))
        }
        Tls::Verify { ca: None } => Some(SslOpts::default()),
        Tls::Verify { ca: Some(path) } if path.is_file() => {
            Some(SslOpts::default().with_root_certs(vec![path.clone().into()]))
        }
        Tls::Verify { .. } => return Err(fault::config("CA 证书文件无法读取")),
    })
}

/// Why no connection came about.
fn refused(error: &mysql_async::Error) -> Error {
    match error {
        mysql_async::Error::Server(e) if matches!(e.code, 1044 | 1045 | 1049 | 1698 | 1820 | 1862) => {
            fault::auth(format!("mysql {}", e.code))
        }
        mysql_async::Error::Driver(DriverError::UnknownAuthPlugin { .. }) => fault::auth("mysql authentication plugin"),
        mysql_async::Error::Server(e) => fault::unreachable(format!("mysql {}", e.code)),
        _ => fault::unreachable("mysql does not answer"),
    }
}

/// What went wrong with a statement.
pub(super) fn told(error: &mysql_async::Error, table: &str) -> Error {
    match error {
        mysql_async::Error::Server(e) => match e.code {
            1146 | 1051 => fault::vanished(table),
            1054 | 1356 => fault::changed(format!("{table}: mysql {}", e.code)),
            1142 | 1143 => fault::forbidden(format!("{table}: mysql {}", e.code)),
            code => fault::read(format!("{table}: mysql {code}")),
        },
        mysql_async::Error::Io(_) => fault::unreachable(format!("{table}: connection lost")),
        _ => fault::read(format!("{table}: mysql driver")),
    }
}
