//! The rows, one module each.

use hufu_kernel::ids::{AccountId, ApplicationId, ApprovalId, FieldId, GrantId, PartId, ResourceId, UnitId};
use hufu_kernel::time::Timestamp;
use sea_orm::entity::prelude::*;

use crate::model::{application as application_model, grant as grant_model, part as part_model};

pub mod application {
    use super::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "application")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: ApplicationId,
        #[sea_orm(unique)]
        pub no: String,
        pub unit_id: UnitId,
        pub applicant: AccountId,
        pub applicant_login: String,
        pub applicant_name: String,
        pub state: application_model::State,
        pub scenario: String,
        pub basis: String,
        pub scope_of_use: String,
        pub ways: String,
        pub rows_per_day: i64,
        pub calls_per_minute: i64,
        pub rows_per_result: i64,
        pub from_at: Option<Timestamp>,
        pub until_at: Option<Timestamp>,
        pub system_name: String,
        pub filing_no: String,
        pub bound: bool,
        /// What the competent level or a provider still wants, in one list.
        pub missing: String,
        pub approval_id: Option<ApprovalId>,
        pub created_at: Timestamp,
        pub submitted_at: Option<Timestamp>,
        pub closed_at: Option<Timestamp>,
        pub version: i32,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

pub mod application_person {
    use super::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "application_person")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i64,
        pub application_id: ApplicationId,
        pub account: AccountId,
        pub login: String,
        pub name: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

pub mod part {
    use super::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "application_part")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: PartId,
        pub application_id: ApplicationId,
        pub seq: i32,
        pub provider_id: UnitId,
        pub unconditional: bool,
        pub state: part_model::State,
        pub approval_id: Option<ApprovalId>,
        /// Narrowings proposed so far; absent means as asked.
        pub until_at: Option<Timestamp>,
        pub rows_per_day: Option<i64>,
        pub calls_per_minute: Option<i64>,
        pub rows_per_result: Option<i64>,
        pub reason: String,
        pub decided_at: Option<Timestamp>,
        pub version: i32,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

pub mod application_resource {
    use super::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "application_resource")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i64,
        pub application_id: ApplicationId,
        pub part_id: Option<PartId>,
        pub resource_id: ResourceId,
        pub code: String,
        pub name: String,
        pub provider_id: UnitId,
        pub unconditional: bool,
        pub row_scope: String,
        pub row_scope_given: Option<String>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

pub mod application_field {
    use super::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "application_field")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i64,
        pub application_resource_id: i64,
        pub field_id: FieldId,
        pub name: String,
        pub title: String,
        pub kind: String,
        pub grade: String,
        pub unmasked: bool,
        pub reason: String,
        pub profile_mask: String,
        /// JSON of the choice made so far; empty while nobody chose.
        pub choice: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

pub mod standing_consent {
    use super::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "standing_consent")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: String,
        pub unit_id: UnitId,
        pub given_by: AccountId,
        pub grade_max: String,
        pub from_at: Timestamp,
        pub until_at: Timestamp,
        pub ended_at: Option<Timestamp>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

pub mod data_grant {
    use super::*;

    #[derive(Clone, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "data_grant")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: GrantId,
        #[sea_orm(unique)]
        pub no: String,
        pub part_id: Option<PartId>,
        pub unit_id: UnitId,
        pub provider_id: UnitId,
        pub resource_id: ResourceId,
        pub resource_code: String,
        pub resource_name: String,
        pub purpose: String,
        pub basis: String,
        pub ways: String,
        pub row_scope: String,
        pub rows_per_day: i64,
        pub calls_per_minute: i64,
        pub rows_per_result: i64,
        pub from_at: Timestamp,
        pub until_at: Timestamp,
        pub grade_max: String,
        pub state: grant_model::State,
        pub state_reason: String,
        pub state_at: Timestamp,
        /// Key of the pseudonyms under this grant, sealed.
        pub key: String,
        pub created_at: Timestamp,
        pub version: i32,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}

    /// Without the key: a sealed key is still a secret column.
    impl std::fmt::Debug for Model {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.debug_struct("Grant").field("no", &self.no).field("state", &self.state).finish_non_exhaustive()
        }
    }
}

pub mod grant_person {
    use super::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "grant_person")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i64,
        pub grant_id: GrantId,
        pub account: AccountId,
        pub login: String,
        pub name: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

pub mod grant_field {
    use super::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "grant_field")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i64,
        pub grant_id: GrantId,
        pub field_id: FieldId,
        pub name: String,
        pub title: String,
        pub grade: String,
        pub mask: String,
        /// The clear value is shown until then, by the CDO's recorded approval.
        pub clear_until: Option<Timestamp>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

pub mod access_record {
    use super::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "access_record")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: String,
        pub at: Timestamp,
        pub account: AccountId,
        pub login: String,
        pub unit_id: UnitId,
        pub way: String,
        /// Literals are replaced by their kind before anything is stored.
        pub statement: String,
        pub digest: String,
        pub state: AccessState,
        pub code: Option<String>,
        pub rows_reserved: i64,
        pub rows_released: i64,
        pub bytes: i64,
        pub duration_ms: i64,
        pub result_digest: Option<String>,
        pub begin_idx: Option<i64>,
        pub client: String,
        pub request: String,
    }

    /// How an access stands.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
    #[sea_orm(rs_type = "String", db_type = "Text", rename_all = "snake_case")]
    pub enum AccessState {
        Open,
        Done,
        Refused,
        Stopped,
        Failed,
        /// Interrupted: at most the reserved rows left.
        AtMost,
    }

    impl AccessState {
        pub fn name(self) -> &'static str {
            match self {
                Self::Open => "进行中",
                Self::Done => "完成",
                Self::Refused => "拒绝",
                Self::Stopped => "中止",
                Self::Failed => "失败",
                Self::AtMost => "中断",
            }
        }
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

pub mod access_grant {
    use super::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "access_grant")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i64,
        pub access_id: String,
        pub grant_id: GrantId,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

pub mod grant_usage {
    use super::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "grant_usage")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub grant_id: GrantId,
        /// `20261121`.
        #[sea_orm(primary_key, auto_increment = false)]
        pub day: i32,
        pub rows: i64,
        pub calls: i64,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}
