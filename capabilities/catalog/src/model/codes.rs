//! Codes of entries, by jurisdiction, and the names their tables have in SQL.

use super::class::Class;

/// Longest name of a table in SQL.
pub const TABLE_NAME_CHARS_MAX: usize = 63;

/// How a jurisdiction numbers its entries. Provinces have rules of their own; the national one is the default.
pub trait CodeScheme: std::fmt::Debug + Send + Sync {
    /// The series within which sequence numbers count up.
    fn series(&self, class: &Class, unit_code: &str) -> String;
    /// The code of the entry with a sequence number.
    fn code(&self, class: &Class, unit_code: &str, sequence: i64) -> String;
}

/// `3050120001/000123`: the classification, a stroke, a sequence number.
#[derive(Clone, Copy, Debug, Default)]
pub struct National;

impl CodeScheme for National {
    fn series(&self, class: &Class, _: &str) -> String {
        class.code.clone()
    }

    fn code(&self, class: &Class, _: &str, sequence: i64) -> String {
        format!("{}/{sequence:06}", class.code)
    }
}

/// `MZJ-000082`: the provider's code and a sequence number, as cities do that number by department.
#[derive(Clone, Copy, Debug, Default)]
pub struct ByProvider;

impl CodeScheme for ByProvider {
    fn series(&self, _: &Class, unit_code: &str) -> String {
        unit_code.to_owned()
    }

    fn code(&self, _: &Class, unit_code: &str, sequence: i64) -> String {
        format!("{}-{sequence:06}", unit_code.to_uppercase())
    }
}

/// The scheme by the name it has in the configuration.
pub fn by_name(name: &str) -> Option<std::sync::Arc<dyn CodeScheme>> {
    match name {
        "national" => Some(std::sync::Arc::new(National)),
        "provider" => Some(std::sync::Arc::new(ByProvider)),
        _ => None,
    }
}

/// A code as it stands in an address: `3050120001-000123`.
pub fn to_path(code: &str) -> String {
    code.replace('/', "-")
}

/// What a code may have been before it stood in an address.
pub fn from_path(text: &str) -> Option<String> {
    let (class, sequence) = text.rsplit_once('-')?;
    Some(format!("{class}/{sequence}"))
}

/// The SQL name that follows from a code: `r_3050120001_000123`.
pub fn table_name(code: &str) -> String {
    let safe = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' };
    code.chars().fold(String::from("r_"), |mut name, c| {
        name.push(safe(c));
        name
    })
}

/// Can this name stand in SQL without quotes and mean the same everywhere?
pub fn is_table_name(name: &str) -> bool {
    let mut chars = name.chars();
    let starts = chars.next().is_some_and(|c| c.is_ascii_lowercase());
    starts
        && name.len() <= TABLE_NAME_CHARS_MAX
        && chars.all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}
