//! Rows of approvals, and the way between rows and [`State`].

use sea_orm::entity::prelude::*;
use sea_orm::sea_query::Expr;
use sea_orm::{ActiveValue::Set, ConnectionTrait, QueryOrder};

use super::model::{Extension, Needs, Place, State, Status, Step, StepClock, StepSpec, StepVerdict};
use crate::actor::{Role, UnitLevel, UnitRef};
use crate::error::{Error, Result};
use crate::ids::{AccountId, ApprovalId, StepId, UnitId};
use crate::time::Timestamp;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum StatusWord {
    Running,
    Returned,
    Approved,
    Refused,
    Withdrawn,
}

impl StatusWord {
    pub fn name(self) -> &'static str {
        match self {
            Self::Running => "办理中",
            Self::Returned => "待补正",
            Self::Approved => "已通过",
            Self::Refused => "已驳回",
            Self::Withdrawn => "已撤回",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum StepWord {
    Waiting,
    Open,
    Approved,
    Partial,
    Refused,
}

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "approval")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ApprovalId,
    pub kind: String,
    pub kind_name: String,
    pub object_kind: String,
    pub object_id: String,
    pub object_no: String,
    pub title: String,
    pub link: String,
    pub initiator: AccountId,
    pub initiator_name: String,
    pub unit_id: UnitId,
    pub unit_name: String,
    pub status: StatusWord,
    /// The current step, while there is one.
    pub step_id: Option<StepId>,
    pub returned_at: Option<Timestamp>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub version: i32,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {
    #[sea_orm(belongs_to = "step::Entity", from = "Column::StepId", to = "step::Column::Id")]
    Current,
}

impl Related<step::Entity> for Entity {
    fn to() -> RelationDef {
        Relation::Current.def()
    }
}

impl ActiveModelBehavior for ActiveModel {}

pub mod step {
    use super::{AccountId, ApprovalId, Role, StepId, StepWord, Timestamp, UnitId, UnitLevel};
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "approval_step")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: StepId,
        pub approval_id: ApprovalId,
        pub position: i32,
        pub key: String,
        pub title: String,
        pub role: Role,
        pub unit_id: UnitId,
        pub unit_code: String,
        pub unit_name: String,
        pub unit_path: String,
        pub unit_level: UnitLevel,
        pub delegate: Option<AccountId>,
        pub workdays: Option<i32>,
        pub extension_max: i32,
        pub needs: String,
        pub due: Option<Timestamp>,
        pub state: StepWord,
        pub opened_at: Option<Timestamp>,
        pub decided_by: Option<AccountId>,
        pub decided_at: Option<Timestamp>,
        pub extension: String,
        pub extension_days: i32,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

pub mod opinion {
    use super::{AccountId, ApprovalId, StepId, Timestamp};
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "approval_opinion")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i64,
        pub approval_id: ApprovalId,
        pub step_id: Option<StepId>,
        pub step_title: String,
        pub act: String,
        pub account: Option<AccountId>,
        pub name: String,
        pub unit_name: String,
        pub text: String,
        /// A JSON list: what is missing.
        pub missing: String,
        pub at: Timestamp,
        /// The request it came with: joins the entry of the same command.
        pub request: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

pub mod copy {
    use super::{AccountId, ApprovalId, Role, UnitId};
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "approval_copy")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i64,
        pub approval_id: ApprovalId,
        pub account: Option<AccountId>,
        pub role: Option<Role>,
        pub unit_id: Option<UnitId>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

pub(super) async fn load(db: &impl ConnectionTrait, id: &ApprovalId) -> Result<(Model, State)> {
    let row = Entity::find_by_id(id.clone()).one(db).await?.ok_or_else(|| Error::not_found("审批事项"))?;
    let mut steps = Vec::new();
    for step in steps_of(db, id).await? {
        steps.push(read_step(step)?);
    }
    let status = read_status(&row, &steps)?;
    let state = State { status, initiator: row.initiator.clone(), steps };
    Ok((row, state))
}

pub(super) async fn steps_of(db: &impl ConnectionTrait, id: &ApprovalId) -> Result<Vec<step::Model>> {
    let steps = step::Entity::find().filter(step::Column::ApprovalId.eq(id.clone()));
    Ok(steps.order_by_asc(step::Column::Position).all(db).await?)
}

/// Writes a state over the one that had `version`; somebody else's change in between is a stale object.
pub(super) async fn save(db: &impl ConnectionTrait, row: &Model, next: &State, now: Timestamp) -> Result<()> {
    let returned_at = match next.status {
        Status::Returned { since, .. } => Some(since),
        Status::Running { .. } | Status::Approved | Status::Refused | Status::Withdrawn => None,
    };
    let step_id = next.current().map(|step| step.id.clone());
    let changed = Entity::update_many()
        .col_expr(Column::Status, Expr::value(word(&next.status)))
        .col_expr(Column::StepId, Expr::value(step_id))
        .col_expr(Column::ReturnedAt, Expr::value(returned_at))
        .col_expr(Column::UpdatedAt, Expr::value(now))
        .col_expr(Column::Version, Expr::value(row.version + 1))
        .filter(Column::Id.eq(row.id.clone()))
        .filter(Column::Version.eq(row.version))
        .exec(db)
        .await?;
    if changed.rows_affected == 0 {
        return Err(Error::stale());
    }
    write_steps(db, &row.id, &next.steps).await
}

pub(super) async fn write_steps(db: &impl ConnectionTrait, id: &ApprovalId, steps: &[Step]) -> Result<()> {
    step::Entity::delete_many().filter(step::Column::ApprovalId.eq(id.clone())).exec(db).await?;
    for (position, step) in steps.iter().enumerate() {
        step::Entity::insert(write_step(id, position, step)?).exec_without_returning(db).await?;
    }
    Ok(())
}

pub(super) fn word(status: &Status) -> StatusWord {
    match status {
        Status::Running { .. } => StatusWord::Running,
        Status::Returned { .. } => StatusWord::Returned,
        Status::Approved => StatusWord::Approved,
        Status::Refused => StatusWord::Refused,
        Status::Withdrawn => StatusWord::Withdrawn,
    }
}

fn read_status(row: &Model, steps: &[Step]) -> Result<Status> {
    let at = steps.iter().position(|step| Some(&step.id) == row.step_id.as_ref());
    Ok(match (row.status, at, row.returned_at) {
        (StatusWord::Running, Some(at), None) => Status::Running { at },
        (StatusWord::Returned, Some(at), Some(since)) => Status::Returned { at, since },
        (StatusWord::Approved, None, None) => Status::Approved,
        (StatusWord::Refused, None, None) => Status::Refused,
        (StatusWord::Withdrawn, None, None) => Status::Withdrawn,
        _ => return Err(Error::internal(format!("approval {} is in an impossible state", row.id))),
    })
}

fn read_step(row: step::Model) -> Result<Step> {
    let impossible = || Error::internal(format!("approval step {} is in an impossible state", row.id));
    let place = match (row.state, row.opened_at, row.decided_by.clone(), row.decided_at) {
        (StepWord::Waiting, _, None, None) => Place::Waiting,
        (StepWord::Open, Some(since), None, None) => Place::Open { since },
        (StepWord::Approved, _, Some(by), Some(at)) => Place::Decided { by, verdict: StepVerdict::Approved, at },
        (StepWord::Partial, _, Some(by), Some(at)) => Place::Decided { by, verdict: StepVerdict::Partial, at },
        (StepWord::Refused, _, Some(by), Some(at)) => Place::Decided { by, verdict: StepVerdict::Refused, at },
        _ => return Err(impossible()),
    };
    let days = u32::try_from(row.extension_days).map_err(|_| impossible())?;
    let extension = match row.extension.as_str() {
        "" => Extension::None,
        "asked" => Extension::Asked { days },
        "granted" => Extension::Granted { days },
        "denied" => Extension::Denied,
        _ => return Err(impossible()),
    };
    let needs = match row.needs.as_str() {
        "" => Needs::Nothing,
        "opinion" => Needs::Opinion,
        "fields" => Needs::Fields,
        _ => return Err(impossible()),
    };
    let clock = match row.workdays {
        Some(days) => Some(StepClock {
            workdays: u32::try_from(days).map_err(|_| impossible())?,
            extension: u32::try_from(row.extension_max).map_err(|_| impossible())?,
        }),
        None => None,
    };
    let unit = UnitRef {
        id: row.unit_id,
        code: row.unit_code,
        name: row.unit_name,
        path: row.unit_path,
        level: row.unit_level,
    };
    let spec = StepSpec { key: row.key, title: row.title, role: row.role, unit, clock, needs };
    Ok(Step { id: row.id, spec, delegate: row.delegate, due: row.due, place, extension })
}

fn write_step(id: &ApprovalId, position: usize, step: &Step) -> Result<step::ActiveModel> {
    let small = |number: u32| i32::try_from(number).map_err(Error::internal);
    let (state, opened_at, decided_by, decided_at) = match &step.place {
        Place::Waiting => (StepWord::Waiting, None, None, None),
        Place::Open { since } => (StepWord::Open, Some(*since), None, None),
        Place::Decided { by, verdict, at } => {
            let word = match verdict {
                StepVerdict::Approved => StepWord::Approved,
                StepVerdict::Partial => StepWord::Partial,
                StepVerdict::Refused => StepWord::Refused,
            };
            (word, None, Some(by.clone()), Some(*at))
        }
    };
    let (extension, days) = match step.extension {
        Extension::None => ("", 0),
        Extension::Asked { days } => ("asked", days),
        Extension::Granted { days } => ("granted", days),
        Extension::Denied => ("denied", 0),
    };
    let needs = match step.spec.needs {
        Needs::Nothing => "",
        Needs::Opinion => "opinion",
        Needs::Fields => "fields",
    };
    let unit = &step.spec.unit;
    Ok(step::ActiveModel {
        id: Set(step.id.clone()),
        approval_id: Set(id.clone()),
        position: Set(i32::try_from(position).map_err(Error::internal)?),
        key: Set(step.spec.key.clone()),
        title: Set(step.spec.title.clone()),
        role: Set(step.spec.role),
        unit_id: Set(unit.id.clone()),
        unit_code: Set(unit.code.clone()),
        unit_name: Set(unit.name.clone()),
        unit_path: Set(unit.path.clone()),
        unit_level: Set(unit.level),
        delegate: Set(step.delegate.clone()),
        workdays: Set(step.spec.clock.map(|clock| small(clock.workdays)).transpose()?),
        extension_max: Set(small(step.spec.clock.map_or(0, |clock| clock.extension))?),
        needs: Set(needs.to_owned()),
        due: Set(step.due),
        state: Set(state),
        opened_at: Set(opened_at),
        decided_by: Set(decided_by),
        decided_at: Set(decided_at),
        extension: Set(extension.to_owned()),
        extension_days: Set(small(days)?),
    })
}
