//! A change of rights takes two people: one proposes, the other confirms. The states of that.

use hufu_kernel::error::Error;
use hufu_kernel::ids::AccountId;

/// What is to be changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, sea_orm::EnumIter, sea_orm::DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// Roles given or taken.
    Roles,
    /// Password and second factor start anew: the person lost one of them.
    Credentials,
}

impl ChangeKind {
    pub fn name(self) -> &'static str {
        match self {
            Self::Roles => "角色变更",
            Self::Credentials => "重置口令和第二因子",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, sea_orm::EnumIter, sea_orm::DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum ChangeState {
    Pending,
    Confirmed,
    Refused,
    Withdrawn,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeEvent {
    Confirm,
    Refuse,
    Withdraw,
}

impl ChangeState {
    /// Every state × event; `None` is a refusal: what is decided stays decided.
    pub fn after(self, event: ChangeEvent) -> Option<Self> {
        match (self, event) {
            (Self::Pending, ChangeEvent::Confirm) => Some(Self::Confirmed),
            (Self::Pending, ChangeEvent::Refuse) => Some(Self::Refused),
            (Self::Pending, ChangeEvent::Withdraw) => Some(Self::Withdrawn),
            (
                Self::Confirmed | Self::Refused | Self::Withdrawn,
                ChangeEvent::Confirm | ChangeEvent::Refuse | ChangeEvent::Withdraw,
            ) => None,
        }
    }

    pub fn apply(self, event: ChangeEvent) -> Result<Self, Error> {
        self.after(event).ok_or_else(|| Error::conflict("HF-CHANGE-DECIDED", "该变更已经处理过"))
    }

    /// Key in the dictionary of states.
    pub fn code(self) -> &'static str {
        match self {
            Self::Pending => "recheck",
            Self::Confirmed => "confirmed",
            Self::Refused => "refused",
            Self::Withdrawn => "withdrawn",
        }
    }
}

/// Who stands in which relation to a change.
#[derive(Clone, Copy, Debug)]
pub struct Parties<'a> {
    pub proposer: &'a AccountId,
    pub subject: &'a AccountId,
}

impl Parties<'_> {
    /// Nobody confirms their own proposal nor a change about themselves.
    pub fn may_decide(self, decider: &AccountId) -> Result<(), Error> {
        if decider == self.proposer {
            return Err(Error::refused("不能复核自己提出的变更"));
        }
        if decider == self.subject {
            return Err(Error::refused("不能复核关于自己的变更"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_decided_stays_decided() {
        use ChangeEvent::{Confirm, Refuse, Withdraw};
        use ChangeState::{Confirmed, Pending, Refused, Withdrawn};
        assert_eq!(
            [Confirm, Refuse, Withdraw].map(|e| Pending.after(e)),
            [Some(Confirmed), Some(Refused), Some(Withdrawn)]
        );
        for state in [Confirmed, Refused, Withdrawn] {
            assert_eq!([Confirm, Refuse, Withdraw].map(|e| state.after(e)), [None; 3]);
        }
    }

    #[test]
    fn who_3_nobody_decides_on_their_own() {
        let (asker, subject, third) = (AccountId::generate(), AccountId::generate(), AccountId::generate());
        let parties = Parties { proposer: &asker, subject: &subject };
        assert!(parties.may_decide(&asker).is_err());
        assert!(parties.may_decide(&subject).is_err());
        assert!(parties.may_decide(&third).is_ok());
    }
}
