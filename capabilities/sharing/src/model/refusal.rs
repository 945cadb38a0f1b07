//! Why the model says no. Each refusal has its stable code and its sentence for people.

use hufu_kernel::error::{Error, Kind};

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("{subject}当前为「{state}」，不能{act}")]
    State { subject: &'static str, state: &'static str, act: &'static str },
    #[error("请填写理由")]
    ReasonMissing,
    #[error("部分同意须至少减去一项，并说明理由")]
    NothingReduced,
    #[error("一项也不给，请改为驳回并说明理由")]
    NothingGiven,
    #[error("「{0}」不给，须说明理由")]
    FieldReasonMissing(String),
    #[error("「{0}」未申请不脱敏，不能给明文")]
    ClearNotAsked(String),
    #[error("「{0}」给明文须由首席数据官批准并写明截止日期")]
    ClearNeedsCdo(String),
    #[error("只能在原授权范围内缩减，不能扩大")]
    NotReduced,
    #[error("同一人不能在同一申请中既代表需方又代表供方作出决定")]
    BothSides,
}

impl Refusal {
    pub fn code(&self) -> &'static str {
        match self {
            Self::State { .. } => "SHA-STATE",
            Self::ReasonMissing => "SHA-REASON",
            Self::NothingReduced => "SHA-PARTIAL",
            Self::NothingGiven => "SHA-NOTHING",
            Self::FieldReasonMissing(_) => "SHA-FIELD-REASON",
            Self::ClearNotAsked(_) => "SHA-CLEAR-NOT-ASKED",
            Self::ClearNeedsCdo(_) => "SHA-CLEAR-CDO",
            Self::NotReduced => "SHA-NOT-REDUCED",
            Self::BothSides => "SHA-BOTH-SIDES",
        }
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        let kind = match refusal {
            Refusal::BothSides => Kind::Refused,
            Refusal::State { .. } => Kind::Conflict,
            Refusal::ReasonMissing
            | Refusal::NothingReduced
            | Refusal::NothingGiven
            | Refusal::FieldReasonMissing(_)
            | Refusal::ClearNotAsked(_)
            | Refusal::ClearNeedsCdo(_)
            | Refusal::NotReduced => Kind::Invalid,
        };
        Error::new(kind, refusal.code(), refusal.to_string())
    }
}
