//! What object pages of any capability show of an approval and of the ledger.

use std::collections::BTreeMap;

use sea_orm::{ConnectionTrait, EntityTrait, QueryFilter};

use crate::approval::{InboxRow, StatusWord, StepView, StepWord, Timeline};
use crate::audit::{self, ActionNames, Outcome};
use crate::error::Result;
use crate::shell::fmt::{Due, short};
use crate::shell::kit::Proof;
use crate::shell::list::{Cell, Column, List};
use crate::shell::parts::{Happening, Pace, Step};
use crate::time::Timestamp;
use crate::unit;

/// An entry as people read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditRow {
    pub id: String,
    pub idx: Option<i64>,
    pub at: Timestamp,
    pub login: Option<String>,
    pub unit: String,
    pub roles: String,
    pub action: String,
    pub action_name: String,
    pub object_no: String,
    pub object_kind: String,
    pub outcome: Outcome,
    pub code: Option<String>,
    pub client: String,
    pub request: String,
    pub detail: serde_json::Value,
}

/// Columns of the 操作记录 tab, the same on every object page.
const HISTORY_COLUMNS: [Column<AuditRow>; 6] = [
    Column::new("at", "时间", 18, |row| Cell::Moment(row.at)),
    Column::new("login", "账号", 16, |row| Cell::opt(row.login.clone())),
    Column::new("unit", "单位", 20, |row| Cell::Text(row.unit.clone())),
    Column::new("action", "动作", 20, |row| Cell::Text(row.action_name.clone())),
    Column::new("outcome", "结果", 10, |row| Cell::State(outcome_code(row.outcome).to_owned())),
    Column::new("idx", "链序号", 12, |row: &AuditRow| row.idx.map_or(Cell::Empty, Cell::Int)).right(),
];

/// 操作记录 of one object.
pub static HISTORY: List<AuditRow> = List::new("操作记录", &HISTORY_COLUMNS);

/// What happened to an object, the newest first, named in Chinese.
pub async fn history(db: &impl ConnectionTrait, names: &ActionNames, kind: &str, id: &str) -> Result<Vec<AuditRow>> {
    let found = audit::of_object(db, kind, id, 200).await?;
    named(db, names, found).await
}

/// Entries with the names of actions and units.
pub async fn named(db: &impl ConnectionTrait, names: &ActionNames, found: Vec<audit::Model>) -> Result<Vec<AuditRow>> {
    let mut codes: Vec<String> = found.iter().filter_map(|row| row.unit.clone()).collect();
    codes.sort();
    codes.dedup();
    let units = unit::Entity::find().filter(sea_orm::ColumnTrait::is_in(&unit::Column::Code, codes)).all(db).await?;
    let units: BTreeMap<String, String> = units.into_iter().map(|unit| (unit.code, unit.name)).collect();
    let unit_name = |code: &Option<String>| match code {
        Some(code) => units.get(code).unwrap_or(code).clone(),
        None => "系统".to_owned(),
    };
    Ok(found
        .into_iter()
        .map(|row| AuditRow {
            detail: detail(&row.body),
            action_name: names.name(&row.action).to_owned(),
            unit: unit_name(&row.unit),
            id: row.id.to_string(),
            idx: row.idx,
            at: row.at,
            login: row.login,
            roles: role_names(&row.roles),
            action: row.action,
            object_no: row.object_no,
            object_kind: row.object_kind,
            outcome: row.outcome,
            code: row.code,
            client: row.client,
            request: row.request,
        })
        .collect())
}

/// Code of the dictionary of states.
pub fn outcome_code(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Done => "success",
        Outcome::Refused => "denied",
        Outcome::Failed => "failed",
    }
}

/// Code of the dictionary of states.
pub fn status_code(status: StatusWord) -> &'static str {
    match status {
        StatusWord::Running => "approving",
        StatusWord::Returned => "supplement",
        StatusWord::Approved => "approved",
        StatusWord::Refused => "refused",
        StatusWord::Withdrawn => "withdrawn",
    }
}

/// The clock of an inbox line.
pub fn inbox_due(row: &InboxRow) -> Due {
    let total = row.workdays.and_then(|days| u32::try_from(days).ok()).unwrap_or(0);
    match row.status {
        StatusWord::Returned => Due::Paused { why: "待补正".to_owned() },
        StatusWord::Running => due(row.due, row.remaining, total),
        StatusWord::Approved | StatusWord::Refused | StatusWord::Withdrawn => Due::None,
    }
}

/// The clock of an approval's current step, for the head of an object page.
pub fn timeline_due(line: &Timeline) -> Due {
    let current = line.steps.iter().find(|step| step.is_current);
    match (line.approval.status, current) {
        (StatusWord::Returned, _) => Due::Paused { why: "待补正".to_owned() },
        (StatusWord::Running, Some(step)) => due(step.due, step.remaining, step.workdays.unwrap_or(0)),
        (StatusWord::Running | StatusWord::Approved | StatusWord::Refused | StatusWord::Withdrawn, _) => Due::None,
    }
}

fn due(at: Option<Timestamp>, remaining: Option<i64>, total: u32) -> Due {
    let (Some(at), Some(remaining)) = (at, remaining) else { return Due::None };
    let days = u32::try_from(remaining.unsigned_abs()).unwrap_or(u32::MAX);
    if remaining < 0 { Due::Over { over: days, until: at.date() } } else { Due::Left { left: days, total, until: at.date() } }
}

/// The steps of an approval as the step bar of a page.
pub fn steps(line: &Timeline) -> Vec<Step> {
    line.steps.iter().map(|step| Step::new(pace(step, line.approval.status), step.title.clone(), note(step))).collect()
}

fn pace(step: &StepView, status: StatusWord) -> Pace {
    match (step.state, status) {
        (StepWord::Approved | StepWord::Partial, _) => Pace::Done,
        (StepWord::Refused, _) => Pace::Back,
        (StepWord::Open, StatusWord::Running) => Pace::Now,
        (StepWord::Open, StatusWord::Returned) => Pace::Back,
        (StepWord::Open | StepWord::Waiting, _) => Pace::Ahead,
    }
}

fn note(step: &StepView) -> String {
    match (step.state, step.decided_at) {
        (_, Some(at)) => format!("{} {}", short(at), step.unit_name),
        (StepWord::Open, None) => format!("{} 办理中", step.unit_name),
        (StepWord::Waiting | StepWord::Approved | StepWord::Partial | StepWord::Refused, None) => step.unit_name.clone(),
    }
}

/// What was said, the newest first, each with its place in the ledger; `own_unit` names the owner's half.
pub fn happenings(line: &Timeline, own_unit: &str) -> Vec<Happening> {
    let mut said: Vec<Happening> = line
        .opinions
        .iter()
        .map(|opinion| {
            let mut text = opinion.text.clone();
            for (at, item) in opinion.missing.iter().enumerate() {
                let gap = if text.is_empty() { "" } else { "\n" };
                text.push_str(&format!("{gap}{}. {item}", at + 1));
            }
            Happening {
                who: opinion.name.clone(),
                post: opinion.unit_name.clone(),
                at: Some(opinion.at),
                act: [opinion.act.as_str(), opinion.step_title.as_str()].join(" ").trim().to_owned(),
                opinion: text,
                proof: opinion.ledger_index.and_then(|idx| u64::try_from(idx).ok()).map(Proof::entry),
                own: opinion.unit_name == own_unit,
                now: false,
            }
        })
        .collect();
    said.reverse();
    if let Some(step) = line.steps.iter().find(|step| step.is_current && line.approval.status == StatusWord::Running) {
        let waits = Happening {
            who: step.unit_name.clone(),
            post: step.role.name().to_owned(),
            act: format!("待办 {}", step.title),
            own: step.unit_name == own_unit,
            now: true,
            ..Happening::default()
        };
        said.insert(0, waits);
    }
    said
}

fn detail(body: &str) -> serde_json::Value {
    let body: serde_json::Value = serde_json::from_str(body).unwrap_or_default();
    body.get("detail").cloned().unwrap_or_default()
}

fn role_names(codes: &str) -> String {
    let name = |code: &str| code.parse::<crate::actor::Role>().map_or_else(|()| code.to_owned(), |role| role.name().to_owned());
    codes.split(',').filter(|code| !code.is_empty()).map(name).collect::<Vec<_>>().join("、")
}
