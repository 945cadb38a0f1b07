//! Every kind of id, one line each, alphabetical. An id is a UUIDv7 in text form, so that it sorts by time and reads the same in both stores.

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize, sea_orm::DeriveValueType)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// A new id; the only place where its randomness comes from.
            pub fn generate() -> Self {
                Self(uuid::Uuid::now_v7().to_string())
            }

            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl std::str::FromStr for $name {
            type Err = BadId;

            fn from_str(text: &str) -> Result<Self, BadId> {
                let id = uuid::Uuid::parse_str(text).map_err(|_| BadId)?;
                Ok(Self(id.to_string()))
            }
        }

        impl sea_orm::TryFromU64 for $name {
            fn try_from_u64(_: u64) -> Result<Self, sea_orm::DbErr> {
                Err(sea_orm::DbErr::ConvertFromU64(stringify!($name)))
            }
        }
    )+};
}

/// The text is no id.
#[derive(Debug, thiserror::Error)]
#[error("malformed id")]
pub struct BadId;

ids! {
    AccountId,
    ApplicationId,
    ApprovalId,
    AttachmentId,
    CheckId,
    EntryId,
    FieldId,
    GrantId,
    JobId,
    MessageId,
    PartId,
    ResourceChangeId,
    ResourceId,
    RoleChangeId,
    SessionId,
    SourceId,
    StepId,
    TokenId,
    UnitId,
}
