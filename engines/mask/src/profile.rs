//! Which mask a field of a kind and grade gets for a role: rules as data, read from TOML.
//!
//! ```toml
//! name = "default"
//! grades = ["L1", "L2", "L3", "L4"]     # from low to high
//! roles = ["R4", "R5"]
//!
//! [kind.id_card]
//! L1 = "keep(6,0)"
//! L2 = "keep(6,0)"
//! L3 = "keep(6,0)"
//! L4 = "full"
//!
//! [kind.id_card.role.R5]                # only what differs for a role
//! L1 = "full"
//! ```
//!
//! A kind, grade or role that the file does not name is an error: unknown denies.

use std::collections::{BTreeMap, BTreeSet};

use toml::{Table, Value};

use crate::Mask;
use crate::error::ProfileError;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    name: String,
    grades: Vec<String>,
    roles: BTreeSet<String>,
    kinds: BTreeMap<String, Rules>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Rules {
    by_grade: BTreeMap<String, Mask>,
    by_role: BTreeMap<String, BTreeMap<String, Mask>>,
}

impl Profile {
    /// Reads and checks a profile: every kind has a mask for every grade, every mask is known, and
    /// nothing is clear at a grade when it is masked at a lower one.
    pub fn from_toml(text: &str) -> Result<Profile, ProfileError> {
        // The parser's own message quotes the file, which is no secret; the place is what helps.
        let table: Table =
            text.parse().map_err(|error: toml::de::Error| ProfileError::Syntax(error.message().to_owned()))?;
        reject_unknown_keys(&table, &["name", "grades", "roles", "kind"], "file")?;
        let grades = strings(&table, "grades")?;
        let roles: BTreeSet<String> = strings(&table, "roles")?.into_iter().collect();
        let name = match table.get("name") {
            Some(Value::String(name)) if !name.is_empty() => name.clone(),
            _ => return Err(rule("name", "missing")),
        };
        let Some(Value::Table(kinds)) = table.get("kind") else {
            return Err(rule("kind", "missing"));
        };
        let kinds = kinds
            .iter()
            .map(|(kind, rules)| Ok((kind.clone(), read_kind(kind, rules, &grades, &roles)?)))
            .collect::<Result<_, ProfileError>>()?;
        Ok(Profile { name, grades, roles, kinds })
    }

    /// The mask for a field. Keyed masks come without their secret.
    pub fn mask(&self, kind: &str, grade: &str, role: &str) -> Result<&Mask, ProfileError> {
        let rules = self.kinds.get(kind).ok_or_else(|| ProfileError::UnknownKind(kind.into()))?;
        if !self.roles.contains(role) {
            return Err(ProfileError::UnknownRole(role.into()));
        }
        rules
            .by_role
            .get(role)
            .and_then(|masks| masks.get(grade))
            .or_else(|| rules.by_grade.get(grade))
            .ok_or_else(|| ProfileError::UnknownGrade(grade.into()))
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// Grades from low to high.
    pub fn grades(&self) -> &[String] {
        &self.grades
    }

    pub fn kinds(&self) -> impl Iterator<Item = &str> {
        self.kinds.keys().map(String::as_str)
    }

    pub fn roles(&self) -> impl Iterator<Item = &str> {
        self.roles.iter().map(String::as_str)
    }
}

fn read_kind(kind: &str, rules: &Value, grades: &[String], roles: &BTreeSet<String>) -> Result<Rules, ProfileError> {
    let Value::Table(table) = rules else {
        return Err(rule(kind, "is not a table"));
    };
    let mut read = Rules::default();
    for (key, value) in table {
        if key == "role" {
            read.by_role = read_roles(kind, value, grades, roles)?;
        } else {
            read.by_grade.insert(key.clone(), read_mask(kind, key, value, grades)?);
        }
    }
    let mut masked_below = false;
    for grade in grades {
        let Some(mask) = read.by_grade.get(grade) else {
            return Err(rule(kind, &format!("has no mask for grade {grade}")));
        };
        if *mask != Mask::Clear {
            masked_below = true;
        } else if masked_below {
            return Err(rule(kind, &format!("is clear at {grade} and masked at a lower grade")));
        }
    }
    Ok(read)
}

fn read_roles(
    kind: &str,
    value: &Value,
    grades: &[String],
    roles: &BTreeSet<String>,
) -> Result<BTreeMap<String, BTreeMap<String, Mask>>, ProfileError> {
    let Value::Table(by_role) = value else {
        return Err(rule(kind, "role is not a table"));
    };
    let mut read = BTreeMap::new();
    for (role, masks) in by_role {
        let place = format!("{kind}.role.{role}");
        if !roles.contains(role) {
            return Err(rule(&place, "is not among the file's roles"));
        }
        let Value::Table(masks) = masks else {
            return Err(rule(&place, "is not a table"));
        };
        let masks = masks
            .iter()
            .map(|(grade, mask)| Ok((grade.clone(), read_mask(&place, grade, mask, grades)?)))
            .collect::<Result<_, ProfileError>>()?;
        read.insert(role.clone(), masks);
    }
    Ok(read)
}

fn read_mask(place: &str, grade: &str, value: &Value, grades: &[String]) -> Result<Mask, ProfileError> {
    if !grades.iter().any(|known| known == grade) {
        return Err(rule(place, &format!("`{grade}` is not among the file's grades")));
    }
    let Value::String(text) = value else {
        return Err(rule(place, &format!("{grade} is not text")));
    };
    Mask::parse(text).map_err(|error| rule(place, &error.to_string()))
}

fn strings(table: &Table, key: &str) -> Result<Vec<String>, ProfileError> {
    let Some(Value::Array(items)) = table.get(key) else {
        return Err(rule(key, "missing"));
    };
    let read: Option<Vec<String>> = items.iter().map(|item| item.as_str().map(str::to_owned)).collect();
    match read {
        Some(read) if !read.is_empty() => Ok(read),
        _ => Err(rule(key, "must be a list of texts")),
    }
}

fn reject_unknown_keys(table: &Table, known: &[&str], place: &str) -> Result<(), ProfileError> {
    match table.keys().find(|key| !known.contains(&key.as_str())) {
        Some(key) => Err(rule(place, &format!("unknown key `{key}`"))),
        None => Ok(()),
    }
}

fn rule(place: &str, problem: &str) -> ProfileError {
    ProfileError::Rule { place: place.into(), problem: problem.into() }
}
