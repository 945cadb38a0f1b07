//! `hufu.toml`: typed, complete, checked at the start.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use hufu_crypto::Profile;
use serde::Deserialize;

/// All that an installation decides about itself; `packaging/hufu.toml` shows every key.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// Where store, ledger, index and attachments live.
    pub(crate) dir: PathBuf,
    /// `postgres://…`; the embedded store in `dir` when absent.
    pub(crate) store: Option<String>,
    #[serde(default = "default_listen")]
    pub(crate) listen: SocketAddr,
    #[serde(default = "default_sql")]
    pub(crate) sql: SocketAddr,
    pub(crate) sql_certificate: Option<PathBuf>,
    pub(crate) sql_key: Option<PathBuf>,
    pub(crate) master_key: Option<PathBuf>,
    #[serde(default = "default_profile")]
    profile: String,
    #[serde(default = "default_jurisdiction")]
    jurisdiction: String,
    /// Name of the ledger; it stands in every checkpoint and must be the city's own.
    #[serde(default = "default_ledger")]
    ledger: String,
    #[serde(default)]
    pub(crate) site: Site,
    /// Only `hufu demo` sets it: no second factors, a banner on every page, cheap log-ins.
    #[serde(skip)]
    pub(crate) demo: bool,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Site {
    pub(crate) city: String,
    pub(crate) contact: String,
    pub(crate) tls: bool,
}

impl Config {
    pub(crate) fn read(file: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(file).with_context(|| format!("read {}", file.display()))?;
        let config: Self = toml::from_str(&text).with_context(|| format!("{} is not right", file.display()))?;
        config.check()?;
        Ok(config)
    }

    /// The demo city under one directory.
    pub(crate) fn demo(demo: &crate::cli::Demo) -> Self {
        Self {
            dir: demo.dir.clone(),
            store: demo.store.clone(),
            listen: demo.listen,
            sql: demo.sql,
            sql_certificate: None,
            sql_key: None,
            master_key: None,
            profile: default_profile(),
            jurisdiction: "yunjiang".to_owned(),
            ledger: "hufu.demo/yunjiang".to_owned(),
            site: Site {
                city: "云江市".to_owned(),
                contact: "市政务服务数据管理局 数据安全科（演示）".to_owned(),
                tls: false,
            },
            demo: true,
        }
    }

    pub(crate) fn profile(&self) -> Result<Profile> {
        Profile::parse(&self.profile).with_context(|| format!("profile `{}` is neither sm nor intl", self.profile))
    }

    /// Name of the ledger; it stands in every checkpoint.
    pub(crate) fn origin(&self) -> &str {
        &self.ledger
    }

    /// Whose clocks and steps hold.
    pub(crate) fn jurisdiction(&self) -> &str {
        &self.jurisdiction
    }

    pub(crate) fn ledger_dir(&self) -> PathBuf {
        self.dir.join("ledger")
    }

    fn check(&self) -> Result<()> {
        self.profile()?;
        if self.sql_certificate.is_some() != self.sql_key.is_some() {
            bail!("sql_certificate and sql_key belong together");
        }
        if !self.sql.ip().is_loopback() && self.sql_certificate.is_none() {
            bail!("sql = {} is not on the loopback: it needs sql_certificate and sql_key", self.sql);
        }
        Ok(())
    }
}

fn default_listen() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 8700))
}

fn default_sql() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 8754))
}

fn default_profile() -> String {
    "sm".to_owned()
}

fn default_jurisdiction() -> String {
    "d809".to_owned()
}

fn default_ledger() -> String {
    "hufu.ledger".to_owned()
}
