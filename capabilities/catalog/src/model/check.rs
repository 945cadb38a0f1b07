//! Consistency of an entry with its source: what is missing, extra or of another type.

use super::field::FieldSpec;
use super::terms::DataType;

/// A column as the source describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    pub name: String,
    pub native_type: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, sea_orm::EnumIter, sea_orm::DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum Problem {
    /// In the entry, not in the source.
    Missing,
    /// In the source, not in the entry.
    Extra,
    /// In both, with types that do not fit.
    TypeChanged,
}

impl Problem {
    pub fn title(self) -> &'static str {
        match self {
            Self::Missing => "源中缺失",
            Self::Extra => "目录未登记",
            Self::TypeChanged => "类型不符",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    pub field: String,
    pub problem: Problem,
    /// Type in the entry; empty for an extra column.
    pub expected: String,
    /// Type in the source; empty for a missing one.
    pub found: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, sea_orm::EnumIter, sea_orm::DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum CheckResult {
    Consistent,
    Different,
    /// The source could not be read.
    Failed,
}

impl CheckResult {
    pub fn code(self) -> &'static str {
        match self {
            Self::Consistent => "consistent",
            Self::Different => "different",
            Self::Failed => "failed",
        }
    }

    pub fn title(self) -> &'static str {
        match self {
            Self::Consistent => "一致",
            Self::Different => "不一致",
            Self::Failed => "检查失败",
        }
    }
}

/// Compares by column name without case, in the order of the entry, extra columns last.
pub fn compare(fields: &[FieldSpec], columns: &[Column]) -> Vec<Difference> {
    let mut differences = Vec::new();
    for field in fields {
        let expected = field.data_type.title().to_owned();
        let found = columns.iter().find(|column| column.name.eq_ignore_ascii_case(&field.name));
        let (problem, found) = match found {
            None => (Problem::Missing, String::new()),
            Some(column) if !fits(field.data_type, &column.native_type) => {
                (Problem::TypeChanged, column.native_type.clone())
            }
            Some(_) => continue,
        };
        differences.push(Difference { field: field.name.clone(), problem, expected, found });
    }
    for column in columns {
        if !fields.iter().any(|field| field.name.eq_ignore_ascii_case(&column.name)) {
            differences.push(Difference {
                field: column.name.clone(),
                problem: Problem::Extra,
                expected: String::new(),
                found: column.native_type.clone(),
            });
        }
    }
    differences
}

/// What family of types a native name belongs to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Family {
    Text,
    Number,
    Date,
    Moment,
    Truth,
    Bytes,
    Unknown,
}

/// Would a value of the native type be what the entry promises? A type nobody knows is not held against the source.
pub fn fits(promised: DataType, native: &str) -> bool {
    let family = family(native);
    if family == Family::Unknown {
        return true;
    }
    match promised {
        DataType::Text | DataType::Memo => family == Family::Text,
        DataType::Number | DataType::Money | DataType::Double | DataType::Integer | DataType::Float => {
            matches!(family, Family::Number)
        }
        DataType::Date => matches!(family, Family::Date | Family::Moment),
        DataType::DateTime => family == Family::Moment,
        DataType::Logic => matches!(family, Family::Truth | Family::Number),
        DataType::General => true,
    }
}

/// The type an entry is offered when it is written from the source's own description.
pub fn data_type_of(native: &str) -> DataType {
    let lower = native.to_lowercase();
    match family(native) {
        Family::Number if lower.contains("int") || lower.contains("serial") => DataType::Integer,
        Family::Number if lower.contains("double") || lower.contains("real") || lower.contains("float") => {
            DataType::Double
        }
        Family::Number => DataType::Number,
        Family::Date => DataType::Date,
        Family::Moment => DataType::DateTime,
        Family::Truth => DataType::Logic,
        Family::Bytes => DataType::General,
        Family::Text | Family::Unknown => DataType::Text,
    }
}

/// Is this a type of text?
pub fn is_text(native: &str) -> bool {
    family(native) == Family::Text
}

/// Length that a native type states: `varchar(18)` gives 18.
pub fn length_of(native: &str) -> Option<i32> {
    let (_, rest) = native.split_once('(')?;
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok().filter(|length| *length > 0)
}

fn family(native: &str) -> Family {
    let lower = native.to_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    if has(&["timestamp", "datetime"]) {
        Family::Moment
    } else if lower.starts_with("date") {
        Family::Date
    } else if has(&["char", "text", "clob", "utf8", "string", "uuid", "enum", "json"]) {
        Family::Text
    } else if has(&["bool"]) || lower == "bit" || lower == "tinyint(1)" {
        Family::Truth
    } else if has(&["int", "serial", "numeric", "decimal", "number", "real", "double", "float", "money"]) {
        Family::Number
    } else if has(&["blob", "bytea", "binary"]) {
        Family::Bytes
    } else {
        Family::Unknown
    }
}
