//! Law and procedure as data: working-day calendars and the limits of each jurisdiction.
//!
//! The files under `rules/` are built in; a directory of the same shape overrides them file by file.

use std::collections::BTreeMap;
use std::path::Path;

use rust_embed::RustEmbed;
use serde::{Deserialize, Serialize};

use crate::calendar::{BadCalendar, Calendar, Due};
use crate::error::{Error, Result};
use crate::time::Timestamp;

/// The jurisdiction that all others extend.
pub const NATIONAL: &str = "d809";

/// All rules in force.
#[derive(Clone, Debug)]
pub struct Rules {
    pub calendar: Calendar,
    jurisdictions: BTreeMap<String, Jurisdiction>,
    current: String,
    warnings: Vec<String>,
}

/// Named limits of one place, with the national ones where it says nothing.
#[derive(Clone, Debug)]
pub struct Jurisdiction {
    pub code: String,
    pub name: String,
    limits: BTreeMap<String, Limit>,
}

/// How long something may take.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limit {
    pub title: String,
    pub workdays: u32,
    /// Working days that may be added once, with a reason and the competent bureau's consent.
    #[serde(default)]
    pub extension: u32,
    pub basis: String,
}

/// A rule file that cannot be used. It stops the start: a wrong limit must not be guessed around.
#[derive(Debug, thiserror::Error)]
pub enum BadRules {
    #[error("rule file `{file}`")]
    Calendar { file: String, source: BadCalendar },
    #[error("rule file `{file}`")]
    Jurisdiction { file: String, source: toml::de::Error },
    #[error("rule file `{file}` is not UTF-8")]
    Utf8 { file: String },
    #[error("cannot read rules under `{path}`")]
    Read { path: String, source: std::io::Error },
    #[error("jurisdiction `{code}` extends the unknown `{extends}`")]
    Extends { code: String, extends: String },
    #[error("there is no jurisdiction `{0}`")]
    Unknown(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    code: String,
    name: String,
    extends: Option<String>,
    limits: BTreeMap<String, Limit>,
}

#[derive(RustEmbed)]
#[folder = "$CARGO_MANIFEST_DIR/../rules/calendars"]
struct Calendars;

#[derive(RustEmbed)]
#[folder = "$CARGO_MANIFEST_DIR/../rules/jurisdictions"]
struct Jurisdictions;

impl Rules {
    /// The rules that are built in, under national law.
    pub fn embedded() -> Result<Self, BadRules> {
        Self::load(None, NATIONAL)
    }

    /// Built-in rules, overridden by the files of a directory, for one jurisdiction.
    pub fn load(directory: Option<&Path>, jurisdiction: &str) -> Result<Self, BadRules> {
        let mut calendar = Calendar::default();
        for (file, text) in texts::<Calendars>(directory, "calendars")? {
            calendar.add(&text).map_err(|source| BadRules::Calendar { file, source })?;
        }
        let mut files = BTreeMap::new();
        for (file, text) in texts::<Jurisdictions>(directory, "jurisdictions")? {
            let parsed: File = toml::from_str(&text).map_err(|source| BadRules::Jurisdiction { file, source })?;
            files.insert(parsed.code.clone(), parsed);
        }
        let mut warnings = Vec::new();
        let jurisdictions = join(&files, &mut warnings)?;
        if !jurisdictions.contains_key(jurisdiction) {
            return Err(BadRules::Unknown(jurisdiction.to_owned()));
        }
        Ok(Self { calendar, jurisdictions, current: jurisdiction.to_owned(), warnings })
    }

    /// The limit in force here.
    pub fn limit(&self, name: &str) -> Result<&Limit> {
        self.jurisdictions
            .get(&self.current)
            .and_then(|here| here.limits.get(name))
            .ok_or_else(|| Error::internal(format!("no limit `{name}` in jurisdiction `{}`", self.current)))
    }

    /// When something that starts now must be done.
    pub fn due(&self, limit: &Limit, start: Timestamp) -> Due {
        self.calendar.after(start.date(), limit.workdays)
    }

    pub fn jurisdiction(&self) -> Option<&Jurisdiction> {
        self.jurisdictions.get(&self.current)
    }

    /// Local limits that are longer than the national ones, in words for the administrator.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }
}

impl Jurisdiction {
    pub fn limits(&self) -> impl Iterator<Item = (&str, &Limit)> {
        self.limits.iter().map(|(name, limit)| (name.as_str(), limit))
    }
}

/// Built-in files by name, each replaced by the directory's file of the same name; further files join.
fn texts<E: RustEmbed>(directory: Option<&Path>, kind: &str) -> Result<BTreeMap<String, String>, BadRules> {
    let mut found = BTreeMap::new();
    for name in E::iter() {
        let bytes = E::get(&name).map(|file| file.data.into_owned()).unwrap_or_default();
        let text = String::from_utf8(bytes).map_err(|_| BadRules::Utf8 { file: name.to_string() })?;
        found.insert(name.into_owned(), text);
    }
    let Some(folder) = directory.map(|directory| directory.join(kind)).filter(|folder| folder.is_dir()) else {
        return Ok(found);
    };
    let failed = |source| BadRules::Read { path: folder.display().to_string(), source };
    for file in std::fs::read_dir(&folder).map_err(failed)? {
        let path = file.map_err(failed)?.path();
        if path.extension().is_some_and(|end| end == "toml") {
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            found.insert(name, std::fs::read_to_string(&path).map_err(failed)?);
        }
    }
    Ok(found)
}

fn join(files: &BTreeMap<String, File>, warnings: &mut Vec<String>) -> Result<BTreeMap<String, Jurisdiction>, BadRules> {
    let mut joined = BTreeMap::new();
    for file in files.values() {
        let mut limits = BTreeMap::new();
        if let Some(above) = &file.extends {
            let unknown = || BadRules::Extends { code: file.code.clone(), extends: above.clone() };
            // One level: a place extends the nation, never another place.
            let base = files.get(above).filter(|base| base.extends.is_none()).ok_or_else(unknown)?;
            limits.clone_from(&base.limits);
            warnings.extend(looser(file, base));
        }
        limits.extend(file.limits.clone());
        let place = Jurisdiction { code: file.code.clone(), name: file.name.clone(), limits };
        joined.insert(file.code.clone(), place);
    }
    Ok(joined)
}

fn looser(place: &File, above: &File) -> Vec<String> {
    let longer = |(name, limit): (&String, &Limit)| {
        let base = above.limits.get(name)?;
        let is_longer = limit.workdays > base.workdays || limit.extension > base.extension;
        is_longer.then(|| {
            format!(
                "《{}》的「{}」（{}＋{}个工作日）长于《{}》（{}＋{}个工作日），地方规定只能从严",
                place.name, limit.title, limit.workdays, limit.extension, above.name, base.workdays, base.extension
            )
        })
    };
    place.limits.iter().filter_map(longer).collect()
}
