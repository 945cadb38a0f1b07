//! States of an entry and of a change of its sharing attribute. Every arm is written out.

use hufu_kernel::error::{Error, Result};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, sea_orm::EnumIter, sea_orm::DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum State {
    Draft,
    /// In approval: CDO of the unit, then the competent level.
    Submitted,
    Published,
    Offline,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    Edit,
    Submit,
    /// The last approver agreed.
    Approve,
    /// An approver sent it back, or the steward took it back.
    Return,
    TakeOffline,
    /// The sharing attribute is to be changed, or is changed.
    ChangeSharing,
    Mount,
}

impl State {
    pub const ALL: [Self; 4] = [Self::Draft, Self::Submitted, Self::Published, Self::Offline];

    pub fn code(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Submitted => "submitted",
            Self::Published => "published",
            Self::Offline => "offline",
        }
    }

    pub fn title(self) -> &'static str {
        match self {
            Self::Draft => "草稿",
            Self::Submitted => "审批中",
            Self::Published => "已发布",
            Self::Offline => "已下线",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.code() == text || state.title() == text)
    }

    /// The state after an event, or why it cannot happen.
    pub fn after(self, event: Event) -> Result<Self> {
        match (self, event) {
            (Self::Draft | Self::Offline, Event::Edit) => Ok(self),
            (Self::Draft | Self::Offline, Event::Submit) => Ok(Self::Submitted),
            (Self::Submitted, Event::Approve) => Ok(Self::Published),
            (Self::Submitted, Event::Return) => Ok(Self::Draft),
            (Self::Published, Event::TakeOffline) => Ok(Self::Offline),
            (Self::Published, Event::ChangeSharing) => Ok(self),
            (Self::Draft | Self::Published | Self::Offline, Event::Mount) => Ok(self),
            (Self::Submitted, Event::Edit | Event::Submit | Event::TakeOffline | Event::ChangeSharing | Event::Mount) => {
                Err(refusal("目录正在审批中，请先撤回再操作"))
            }
            (Self::Published, Event::Edit) => Err(refusal("目录已发布，修改前请先下线，或使用「变更属性」")),
            (Self::Published, Event::Submit | Event::Approve | Event::Return) => Err(refusal("目录已发布，不需要再次提交")),
            (Self::Draft | Self::Offline, Event::Approve | Event::Return) => Err(refusal("目录不在审批中")),
            (Self::Draft | Self::Offline, Event::TakeOffline | Event::ChangeSharing) => Err(refusal("目录尚未发布")),
        }
    }
}

/// A change of attribute on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, sea_orm::EnumIter, sea_orm::DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum ChangeState {
    Pending,
    Done,
    Refused,
}

impl ChangeState {
    pub fn title(self) -> &'static str {
        match self {
            Self::Pending => "审批中",
            Self::Done => "已生效",
            Self::Refused => "未通过",
        }
    }
}

fn refusal(text: &str) -> Error {
    Error::conflict("CAT-STATE", text)
}
