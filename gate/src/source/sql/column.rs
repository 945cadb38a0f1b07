//! A column of a database table, with all that may be said to the database about it.

use arrow::datatypes::{DataType, Field};

/// How one database writes names and parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::source) enum Dialect {
    Postgres,
    Mysql,
    Sqlite,
}

impl Dialect {
    pub(in crate::source) fn quote(self, name: &str) -> String {
        match self {
            Self::Postgres => format!("\"{}\"", name.replace('"', "\"\"")),
            // SQLite would take an unknown name in double quotes for a string.
            Self::Mysql | Self::Sqlite => format!("`{}`", name.replace('`', "``")),
        }
    }

    pub(in crate::source) fn placeholder(self, nth: usize) -> String {
        match self {
            Self::Postgres => format!("${nth}"),
            Self::Mysql => "?".to_owned(),
            Self::Sqlite => format!("?{nth}"),
        }
    }
}

#[derive(Clone, Debug)]
pub(in crate::source) struct Column {
    pub name: String,
    pub native_type: String,
    pub data_type: DataType,
    pub nullable: bool,
    pub primary_key: bool,
    pub comment: Option<String>,
    /// What stands in the select list: the quoted name, or a cast that keeps the value readable.
    pub select: String,
    pub push: Push,
}

/// Which comparisons the database may make in our place.
#[derive(Clone, Debug, Default)]
pub(in crate::source) struct Push {
    /// Left side of `=` and `IN`. Present if the database finds at least all rows that binary comparison finds.
    pub equal: Option<String>,
    /// `<>` as well: only where the database's equality is exactly ours.
    pub differ: bool,
    /// Left side of `<`, `<=`, `>`, `>=`. Present only if the database orders as we do.
    pub order: Option<String>,
    pub is_null: bool,
    /// What surrounds a parameter, such as `CAST(` and ` AS DATE)`.
    pub around: (String, String),
}

impl Push {
    pub(in crate::source) fn nulls_only() -> Self {
        Self { is_null: true, ..Self::default() }
    }

    pub(in crate::source) fn all(left: &str, before: &str, after: &str) -> Self {
        Self {
            equal: Some(left.to_owned()),
            differ: true,
            order: Some(left.to_owned()),
            is_null: true,
            around: (before.to_owned(), after.to_owned()),
        }
    }
}

impl Column {
    pub(in crate::source) fn field(&self) -> Field {
        // Sources break their own NOT NULL (views, loose types), and a broken promise would stop the engine.
        Field::new(&self.name, self.data_type.clone(), true)
    }
}
