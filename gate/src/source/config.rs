//! How a source is reached. Plain values: whoever keeps them decrypts the password first.

use std::fmt;
use std::path::PathBuf;

use zeroize::Zeroizing;

use super::SourceKind;

#[derive(Clone, Debug)]
pub struct SourceConfig {
    pub kind: SourceKind,
    pub place: Place,
    /// Types of columns in files that carry none (CSV) or the wrong one. A column that is not declared is text in CSV.
    pub declared: Vec<DeclaredColumn>,
}

#[derive(Clone, Debug)]
pub enum Place {
    Server(Server),
    /// A file, or a directory whose files are the tables.
    Path(PathBuf),
}

#[derive(Clone, Debug)]
pub struct Server {
    pub host: String,
    pub port: u16,
    pub database: String,
    pub user: String,
    pub password: Password,
    pub tls: Tls,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tls {
    Off,
    /// Encrypted; the server's certificate is not checked.
    Encrypt,
    /// Encrypted and the server's certificate checked, against `ca` (PEM) if given.
    Verify {
        ca: Option<PathBuf>,
    },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeclaredColumn {
    pub table: String,
    pub column: String,
    pub as_type: DeclaredType,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeclaredType {
    Text,
    Integer,
    Decimal { precision: u8, scale: i8 },
    Float,
    Boolean,
    Date,
    Timestamp,
}

/// A password that no log can print.
#[derive(Clone, Default)]
pub struct Password(Zeroizing<String>);

impl Password {
    pub fn new(clear: impl Into<String>) -> Self {
        Self(Zeroizing::new(clear.into()))
    }

    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}
