//! The asker's half. Its front (own office, competent level) is decided once; then each provider decides its part.

use sea_orm::entity::prelude::*;

use super::refusal::Refusal;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum State {
    Draft,
    /// With the own office or the competent level.
    Reviewing,
    /// Papers are incomplete; the clock stands.
    Supplementing,
    /// With the providers, part by part.
    Deciding,
    /// Every part has its answer.
    Closed,
    /// Refused before it came to a provider.
    Refused,
    Withdrawn,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter)]
pub enum Event {
    Save,
    Submit,
    AskSupplement,
    Resubmit,
    /// Own office and competent level agreed; some provider has still to decide.
    PassToProviders,
    /// The last open part got its answer.
    Close,
    Refuse,
    Withdraw,
}

impl State {
    pub fn name(self) -> &'static str {
        match self {
            Self::Draft => "草稿",
            Self::Reviewing => "审核中",
            Self::Supplementing => "待补正",
            Self::Deciding => "供方审批中",
            Self::Closed => "已办结",
            Self::Refused => "已驳回",
            Self::Withdrawn => "已撤回",
        }
    }

    /// The next state, or why not.
    pub fn step(self, event: Event) -> Result<State, Refusal> {
        use Event as E;
        use State as S;
        let next = match (self, event) {
            (S::Draft | S::Supplementing, E::Save) => self,
            (S::Draft, E::Submit) => S::Reviewing,
            (S::Reviewing, E::AskSupplement) => S::Supplementing,
            (S::Supplementing, E::Resubmit) => S::Reviewing,
            (S::Reviewing, E::PassToProviders) => S::Deciding,
            (S::Reviewing | S::Deciding, E::Close) => S::Closed,
            (S::Reviewing, E::Refuse) => S::Refused,
            (S::Draft | S::Reviewing | S::Supplementing | S::Deciding, E::Withdraw) => S::Withdrawn,
            (
                S::Draft | S::Reviewing | S::Supplementing | S::Deciding | S::Closed | S::Refused | S::Withdrawn,
                E::Save
                | E::Submit
                | E::AskSupplement
                | E::Resubmit
                | E::PassToProviders
                | E::Close
                | E::Refuse
                | E::Withdraw,
            ) => return Err(Refusal::State { subject: "申请", state: self.name(), act: event.name() }),
        };
        Ok(next)
    }

    pub fn is_open(self) -> bool {
        match self {
            Self::Draft | Self::Reviewing | Self::Supplementing | Self::Deciding => true,
            Self::Closed | Self::Refused | Self::Withdrawn => false,
        }
    }
}

impl Event {
    pub fn name(self) -> &'static str {
        match self {
            Self::Save => "修改",
            Self::Submit => "提交",
            Self::AskSupplement => "要求补正",
            Self::Resubmit => "补正后再提交",
            Self::PassToProviders => "转供数部门",
            Self::Close => "办结",
            Self::Refuse => "驳回",
            Self::Withdraw => "撤回",
        }
    }
}
