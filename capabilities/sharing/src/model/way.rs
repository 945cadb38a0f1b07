//! The ways by which rows may leave under a grant.

use std::str::FromStr;

/// A way as people choose it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    Page,
    Http,
    Sql,
    Export,
}

impl Way {
    pub const ALL: [Way; 4] = [Way::Page, Way::Http, Way::Sql, Way::Export];

    pub fn code(self) -> &'static str {
        match self {
            Self::Page => "page",
            Self::Http => "http",
            Self::Sql => "sql",
            Self::Export => "export",
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Page => "在线查询",
            Self::Http => "接口",
            Self::Sql => "SQL",
            Self::Export => "文件下载",
        }
    }
}

impl From<Way> for hufu_gate::mandate::Way {
    fn from(way: Way) -> Self {
        match way {
            Way::Page => Self::Page,
            Way::Http => Self::Http,
            Way::Sql => Self::Sql,
            Way::Export => Self::Export,
        }
    }
}

impl FromStr for Way {
    type Err = ();

    fn from_str(code: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|way| way.code() == code).ok_or(())
    }
}

/// A set of ways, as it is stored: `page,http`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ways(Vec<Way>);

impl Ways {
    pub fn new(ways: impl IntoIterator<Item = Way>) -> Self {
        let mut ways: Vec<Way> = ways.into_iter().collect();
        ways.sort();
        ways.dedup();
        Self(ways)
    }

    /// Reads the stored form; a word it does not know is left out, so that it opens nothing.
    pub fn parse(text: &str) -> Self {
        Self::new(text.split(',').filter_map(|code| code.trim().parse().ok()))
    }

    pub fn has(&self, way: Way) -> bool {
        self.0.contains(&way)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn within(&self, other: &Ways) -> bool {
        self.0.iter().all(|way| other.has(*way))
    }

    pub fn iter(&self) -> impl Iterator<Item = Way> + '_ {
        self.0.iter().copied()
    }

    pub fn stored(&self) -> String {
        self.0.iter().map(|way| way.code()).collect::<Vec<_>>().join(",")
    }

    pub fn names(&self) -> String {
        self.0.iter().map(|way| way.name()).collect::<Vec<_>>().join("、")
    }
}
