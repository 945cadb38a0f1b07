//! Who acts: a named person of one unit, with roles that separate duties.

use crate::ids::{AccountId, UnitId};

/// The person behind a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    pub account: AccountId,
    /// Log-in name; stands in the ledger, where a person's name may not.
    pub login: String,
    /// Chinese name, for screens and letters only.
    pub name: String,
    pub unit: UnitRef,
    pub roles: Vec<Role>,
}

impl Actor {
    pub fn has(&self, role: Role) -> bool {
        self.roles.contains(&role)
    }
}

/// A unit as others refer to it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct UnitRef {
    pub id: UnitId,
    pub code: String,
    pub name: String,
    /// Ids from the root down to this unit: `/a/b/c/`.
    pub path: String,
    pub level: UnitLevel,
}

impl UnitRef {
    /// Is `other` this unit or below it?
    pub fn covers(&self, other: &UnitRef) -> bool {
        other.path.starts_with(&self.path)
    }

    /// Ids from the root to this unit.
    pub fn chain(&self) -> impl Iterator<Item = &str> {
        self.path.split('/').filter(|id| !id.is_empty())
    }
}

/// Level in the tree 省 市 区县 乡镇街道 村社区. A department has the level of the government it belongs to.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    serde::Serialize,
    serde::Deserialize,
    sea_orm::EnumIter,
    sea_orm::DeriveActiveEnum,
)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum UnitLevel {
    Province,
    City,
    County,
    Township,
    Village,
}

impl UnitLevel {
    pub fn name(self) -> &'static str {
        match self {
            Self::Province => "省级",
            Self::City => "市级",
            Self::County => "区县级",
            Self::Township => "乡镇街道",
            Self::Village => "村社区",
        }
    }
}

/// The nine roles. None of them, and no two that one person may hold, can both ask and approve.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    serde::Serialize,
    serde::Deserialize,
    sea_orm::EnumIter,
    sea_orm::DeriveActiveEnum,
)]
#[sea_orm(rs_type = "String", db_type = "Text")]
pub enum Role {
    #[sea_orm(string_value = "R1")]
    R1,
    #[sea_orm(string_value = "R2")]
    R2,
    #[sea_orm(string_value = "R3")]
    R3,
    #[sea_orm(string_value = "R4")]
    R4,
    #[sea_orm(string_value = "R5")]
    R5,
    #[sea_orm(string_value = "R6")]
    R6,
    #[sea_orm(string_value = "R7")]
    R7,
    #[sea_orm(string_value = "R8")]
    R8,
    #[sea_orm(string_value = "R9")]
    R9,
}

impl Role {
    pub const ALL: [Role; 9] =
        [Role::R1, Role::R2, Role::R3, Role::R4, Role::R5, Role::R6, Role::R7, Role::R8, Role::R9];

    pub fn code(self) -> &'static str {
        match self {
            Self::R1 => "R1",
            Self::R2 => "R2",
            Self::R3 => "R3",
            Self::R4 => "R4",
            Self::R5 => "R5",
            Self::R6 => "R6",
            Self::R7 => "R7",
            Self::R8 => "R8",
            Self::R9 => "R9",
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::R1 => "数据安全管理员",
            Self::R2 => "首席数据官",
            Self::R3 => "数据专员",
            Self::R4 => "用数人员",
            Self::R5 => "安全审计员",
            Self::R6 => "运维人员",
            Self::R7 => "填报员",
            Self::R8 => "系统管理员",
            Self::R9 => "区县数据中心",
        }
    }

    /// Roles that one person may never hold together.
    pub fn excludes(self, other: Role) -> bool {
        // R1 with R8 would let one person propose and another time confirm changes of rights.
        const PAIRS: [(Role, Role); 5] = [
            (Role::R1, Role::R4),
            (Role::R1, Role::R5),
            (Role::R1, Role::R8),
            (Role::R5, Role::R8),
            (Role::R2, Role::R8),
        ];
        let audits_and_operates = (self == Role::R5 && other != Role::R5) || (other == Role::R5 && self != Role::R5);
        audits_and_operates || PAIRS.contains(&(self, other)) || PAIRS.contains(&(other, self))
    }
}

impl std::str::FromStr for Role {
    type Err = ();

    fn from_str(code: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|role| role.code() == code).ok_or(())
    }
}
