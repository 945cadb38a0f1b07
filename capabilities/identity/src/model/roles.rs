//! Roles one person may hold together.

use std::collections::BTreeSet;

use hufu_kernel::actor::Role;

/// A set of roles without an exclusive pair. It exists only if it is allowed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RoleSet(BTreeSet<Role>);

/// Two roles that one person may never hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("roles {} and {} exclude one another", .0.code(), .1.code())]
pub struct Exclusive(pub Role, pub Role);

impl Exclusive {
    /// What the person who asked is told.
    pub fn message(self) -> String {
        format!("「{}」与「{}」不能由同一人担任", self.0.name(), self.1.name())
    }
}

impl RoleSet {
    pub fn new(roles: impl IntoIterator<Item = Role>) -> Result<Self, Exclusive> {
        let roles: BTreeSet<Role> = roles.into_iter().collect();
        for one in &roles {
            if let Some(other) = roles.iter().find(|other| *other > one && one.excludes(**other)) {
                return Err(Exclusive(*one, *other));
            }
        }
        Ok(Self(roles))
    }

    /// The set after a change; roles that are both added and removed stay.
    pub fn changed(&self, add: &[Role], remove: &[Role]) -> Result<Self, Exclusive> {
        let kept = self.0.iter().copied().filter(|role| !remove.contains(role));
        Self::new(kept.chain(add.iter().copied()))
    }

    pub fn iter(&self) -> impl Iterator<Item = Role> + '_ {
        self.0.iter().copied()
    }

    pub fn contains(&self, role: Role) -> bool {
        self.0.contains(&role)
    }

    pub fn to_vec(&self) -> Vec<Role> {
        self.iter().collect()
    }
}

/// Roles whose holders need a second factor.
pub fn needs_second_factor(roles: &[Role]) -> bool {
    roles.iter().any(|role| matches!(role, Role::R1 | Role::R2 | Role::R5 | Role::R6 | Role::R8))
}

/// `R1,R6`, as the tables keep a list of roles.
pub fn to_text(roles: &[Role]) -> String {
    roles.iter().map(|role| role.code()).collect::<Vec<_>>().join(",")
}

/// Reads [`to_text`]; what is no role is left out.
pub fn from_text(text: &str) -> Vec<Role> {
    text.split(',').filter_map(|code| code.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_3_exclusive_pairs_cannot_be_built() {
        for one in Role::ALL {
            for other in Role::ALL {
                let built = RoleSet::new([one, other]);
                assert_eq!(built.is_err(), one != other && one.excludes(other), "{one:?} {other:?}");
            }
        }
        let named = [
            (Role::R1, Role::R4),
            (Role::R1, Role::R5),
            (Role::R5, Role::R6),
            (Role::R8, Role::R5),
            (Role::R8, Role::R2),
        ];
        for (one, other) in named {
            assert!(RoleSet::new([one, other]).is_err());
            assert!(RoleSet::new([other]).unwrap().changed(&[one], &[]).is_err());
        }
        assert!(RoleSet::new([Role::R1]).unwrap().changed(&[Role::R4], &[Role::R1]).is_ok());
    }

    #[test]
    fn text_form_comes_back() {
        let roles = vec![Role::R3, Role::R6];
        assert_eq!(to_text(&roles), "R3,R6");
        assert_eq!(from_text("R3,R6"), roles);
        assert!(from_text("").is_empty());
    }
}
