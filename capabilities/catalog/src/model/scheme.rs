//! Grading scheme as data: ordered levels, lowest first. No code knows the letters L1 to L4.

/// The scheme that is built in; a bureau may load another.
pub const DEFAULT: &str = include_str!("../../../../rules/schemes/default.toml");

#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scheme {
    pub id: String,
    pub name: String,
    pub basis: String,
    #[serde(rename = "level")]
    pub levels: Vec<Level>,
}

#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Level {
    pub code: String,
    pub name: String,
    /// Grade of GB/T 43697 that the level belongs to.
    pub national: String,
    /// Style word of the tag on screen.
    pub style: String,
    /// Does the level ask for the CDO and for masks?
    #[serde(default)]
    pub sensitive: bool,
}

impl Scheme {
    pub fn parse(text: &str) -> Result<Self, toml::de::Error> {
        toml::from_str(text)
    }

    /// The scheme that is built in; its text is checked by a test.
    pub fn built_in() -> Self {
        Self::parse(DEFAULT).unwrap_or_else(|_| Self {
            id: String::new(),
            name: String::new(),
            basis: String::new(),
            levels: Vec::new(),
        })
    }

    pub fn level(&self, code: &str) -> Option<&Level> {
        self.levels.iter().find(|level| level.code == code)
    }

    /// Place in the order; a level the scheme does not know has none.
    pub fn rank(&self, code: &str) -> Option<usize> {
        self.levels.iter().position(|level| level.code == code)
    }

    /// 就高从严: the highest of several; `None` when there is none at all.
    pub fn highest<'a>(&self, codes: impl IntoIterator<Item = &'a str>) -> Option<&Level> {
        let rank = codes.into_iter().filter_map(|code| self.rank(code)).max()?;
        self.levels.get(rank)
    }
}
