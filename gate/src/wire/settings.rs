//! Settings of a connection: the few that mean something here, and those that clients set by habit.

use std::collections::BTreeMap;

use pgwire::error::PgWireError;

use super::faults;

/// Clients choose their catalogue queries by it.
pub(super) const SERVER_VERSION: &str = "15.0";

#[derive(Debug, Default)]
pub(super) struct Settings {
    /// Chosen with `SET hufu.grant`.
    pub grant: Option<String>,
    changed: BTreeMap<String, String>,
}

/// What is shown for settings that are fixed or have not been set.
const DEFAULTS: &[(&str, &str)] = &[
    ("application_name", ""),
    ("bytea_output", "hex"),
    ("client_encoding", "UTF8"),
    ("client_min_messages", "notice"),
    ("datestyle", "ISO, YMD"),
    ("default_transaction_isolation", "read committed"),
    ("default_transaction_read_only", "on"),
    ("extra_float_digits", "1"),
    ("idle_in_transaction_session_timeout", "0"),
    ("integer_datetimes", "on"),
    ("intervalstyle", "postgres"),
    ("is_superuser", "off"),
    ("jit", "off"),
    ("lc_collate", "C"),
    ("lc_ctype", "C.UTF-8"),
    ("lc_messages", "C"),
    ("lock_timeout", "0"),
    ("max_identifier_length", "63"),
    ("max_index_keys", "32"),
    ("row_security", "on"),
    ("search_path", "public"),
    ("server_encoding", "UTF8"),
    ("server_version", SERVER_VERSION),
    ("server_version_num", "150000"),
    ("session_authorization", ""),
    ("ssl", "on"),
    ("standard_conforming_strings", "on"),
    ("statement_timeout", "0"),
    ("synchronize_seqscans", "on"),
    ("timezone", "Asia/Shanghai"),
    ("transaction_isolation", "read committed"),
    ("transaction_read_only", "on"),
];

/// Settings that may be set to anything: they change nothing of what is read or shown.
const FREE: &[&str] = &[
    "application_name",
    "client_min_messages",
    "default_transaction_isolation",
    "extra_float_digits",
    "idle_in_transaction_session_timeout",
    "jit",
    "lc_messages",
    "lock_timeout",
    "row_security",
    "search_path",
    "statement_timeout",
    "synchronize_seqscans",
    "timezone",
    "transaction_isolation",
];

impl Settings {
    /// `None` resets to the default.
    pub(super) fn set(&mut self, name: &str, value: Option<&str>) -> Result<(), PgWireError> {
        let name = name.to_ascii_lowercase();
        if name == "hufu.grant" {
            self.grant = value.filter(|v| !v.is_empty() && !v.eq_ignore_ascii_case("default")).map(str::to_owned);
            return Ok(());
        }
        let accepted = match (name.as_str(), value) {
            (_, None) => default(&name).is_some(),
            ("client_encoding" | "names", Some(v)) => {
                matches!(v.to_ascii_lowercase().as_str(), "utf8" | "utf-8" | "unicode" | "default")
            }
            ("datestyle", Some(v)) => v.to_ascii_lowercase().starts_with("iso"),
            ("intervalstyle", Some(v)) => v.eq_ignore_ascii_case("postgres"),
            ("bytea_output", Some(v)) => v.eq_ignore_ascii_case("hex"),
            ("standard_conforming_strings", Some(v)) => is_on(v),
            ("default_transaction_read_only" | "transaction_read_only", Some(v)) => is_on(v),
            (name, Some(_)) => FREE.contains(&name),
        };
        if !accepted {
            return Err(faults::error(faults::FORBIDDEN, format!("不能设置 {name}")));
        }
        match value {
            Some(value) => self.changed.insert(name, value.to_owned()),
            None => self.changed.remove(&name),
        };
        Ok(())
    }

    pub(super) fn reset(&mut self) {
        *self = Self::default();
    }

    pub(super) fn show(&self, name: &str) -> Option<String> {
        let name = name.to_ascii_lowercase();
        if name == "hufu.grant" {
            return Some(self.grant.clone().unwrap_or_default());
        }
        self.changed.get(&name).cloned().or_else(|| default(&name).map(str::to_owned))
    }

    pub(super) fn all(&self) -> Vec<(String, String)> {
        DEFAULTS.iter().map(|(name, _)| ((*name).to_owned(), self.show(name).unwrap_or_default())).collect()
    }
}

fn default(name: &str) -> Option<&'static str> {
    DEFAULTS.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
}

fn is_on(value: &str) -> bool {
    matches!(value.to_ascii_lowercase().as_str(), "on" | "true" | "1" | "yes" | "default")
}
