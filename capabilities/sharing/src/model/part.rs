//! One provider's share of an application, with its own decision.

use sea_orm::entity::prelude::*;

use super::refusal::Refusal;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// The application is not with the providers yet.
    Waiting,
    Deciding,
    Supplementing,
    Granted,
    /// Granted with less than was asked.
    Partly,
    Refused,
    Withdrawn,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter)]
pub enum Event {
    Open,
    AskSupplement,
    Resubmit,
    GrantAll,
    GrantPart,
    Refuse,
    Withdraw,
}

impl State {
    pub fn name(self) -> &'static str {
        match self {
            Self::Waiting => "未到供方",
            Self::Deciding => "供方审批中",
            Self::Supplementing => "待补正",
            Self::Granted => "已授权",
            Self::Partly => "部分授权",
            Self::Refused => "已驳回",
            Self::Withdrawn => "已撤回",
        }
    }

    pub fn step(self, event: Event) -> Result<State, Refusal> {
        use Event as E;
        use State as S;
        let next = match (self, event) {
            (S::Waiting, E::Open) => S::Deciding,
            (S::Deciding, E::AskSupplement) => S::Supplementing,
            (S::Supplementing, E::Resubmit) => S::Deciding,
            // Unconditional resources are granted straight from waiting: no provider decides.
            (S::Waiting | S::Deciding, E::GrantAll) => S::Granted,
            (S::Waiting | S::Deciding, E::GrantPart) => S::Partly,
            (S::Waiting | S::Deciding, E::Refuse) => S::Refused,
            (S::Waiting | S::Deciding | S::Supplementing, E::Withdraw) => S::Withdrawn,
            (
                S::Waiting | S::Deciding | S::Supplementing | S::Granted | S::Partly | S::Refused | S::Withdrawn,
                E::Open | E::AskSupplement | E::Resubmit | E::GrantAll | E::GrantPart | E::Refuse | E::Withdraw,
            ) => return Err(Refusal::State { subject: "供方审批", state: self.name(), act: event.name() }),
        };
        Ok(next)
    }

    pub fn is_open(self) -> bool {
        match self {
            Self::Waiting | Self::Deciding | Self::Supplementing => true,
            Self::Granted | Self::Partly | Self::Refused | Self::Withdrawn => false,
        }
    }
}

impl Event {
    pub fn name(self) -> &'static str {
        match self {
            Self::Open => "转供方",
            Self::AskSupplement => "要求补正",
            Self::Resubmit => "补正后再提交",
            Self::GrantAll => "同意",
            Self::GrantPart => "部分同意",
            Self::Refuse => "驳回",
            Self::Withdraw => "撤回",
        }
    }
}
