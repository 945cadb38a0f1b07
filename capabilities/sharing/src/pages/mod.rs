//! Pages of sharing: applying, deciding, grants, querying.

mod apply_edit;
mod apply_form;
mod apply_list;
mod apply_show;
mod apply_tally;
mod decide;
mod desk;
mod grant_list;
mod grant_show;
mod query;

pub(crate) use decide::pick_part;
pub(crate) use grant_list::{GRANTS, GrantListFilter};

use axum::Router;
use axum::routing::{get, post};
use hufu_kernel::actor::Role;
use hufu_kernel::audit;
use hufu_kernel::error::Result;
use hufu_kernel::shell::fmt::Due;
use hufu_kernel::shell::kit::{Html, Proof, level, tag};
use hufu_kernel::shell::{Group, MenuItem};
use hufu_kernel::time::Timestamp;
use sea_orm::ConnectionTrait;

use crate::Service;
use crate::model::{application, grant, part};

/// All pages, with the way they are reached.
pub fn routes(service: Service) -> Router {
    Router::new()
        .route("/apply/new", get(apply_edit::blank).post(apply_edit::begin))
        .route("/apply", get(apply_list::index))
        .route("/apply/export.xlsx", get(apply_list::export_xlsx))
        .route("/apply/export.csv", get(apply_list::export_csv))
        .route("/apply/{no}", get(apply_show::show))
        .route("/apply/{no}/edit", get(apply_edit::edit).post(apply_edit::save))
        .route("/apply/{no}/submit", post(apply_edit::submit))
        .route("/apply/{no}/withdraw", post(decide::withdraw))
        .route("/apply/{no}/urge", post(decide::urge))
        .route("/apply/{no}/complete", post(decide::complete))
        .route("/apply/{no}/decide", post(decide::decide))
        .route("/supply", get(desk::supply))
        .route("/supply/bulk", post(desk::bulk))
        .route("/review", get(desk::review))
        .route("/consents", post(desk::give_consent))
        .route("/consents/{id}/end", post(desk::end_consent))
        .route("/grants", get(grant_list::index))
        .route("/grants/export.xlsx", get(grant_list::export_xlsx))
        .route("/grants/export.csv", get(grant_list::export_csv))
        .route("/grants/bulk", post(grant_list::bulk))
        .route("/grants/suspend", post(grant_list::suspend))
        .route("/grants/{no}", get(grant_show::show))
        .route("/grants/{no}/suspend", post(grant_show::suspend))
        .route("/grants/{no}/resume", post(grant_show::resume))
        .route("/grants/{no}/revoke", post(grant_show::revoke))
        .route("/grants/{no}/reduce", post(grant_show::reduce))
        .route("/query", get(query::show).post(query::run))
        .with_state(service)
}

/// The entries of the left menu.
pub fn menu() -> Vec<MenuItem> {
    vec![
        MenuItem::new(Group::Sharing, "我的申请", "/apply", &[Role::R4]),
        MenuItem::new(Group::Sharing, "供数审核", "/supply", &[Role::R2, Role::R3]),
        MenuItem::new(Group::Sharing, "合规审查", "/review", &[Role::R1, Role::R2]),
        MenuItem::new(Group::Sharing, "授权台账", "/grants", &[Role::R1, Role::R2, Role::R3, Role::R4, Role::R5]),
        MenuItem::new(Group::Use, "在线查询", "/query", &[Role::R4]),
    ]
}

/// Level sign of a grade's code: `L3`.
fn grade_sign(grade: &str) -> Html {
    level(grade_number(grade))
}

pub(crate) fn grade_number(grade: &str) -> u8 {
    grade.trim_start_matches(|c: char| !c.is_ascii_digit()).parse().unwrap_or(0)
}

fn application_tag(state: application::State) -> Html {
    tag(application_code(state))
}

pub(crate) fn application_code(state: application::State) -> &'static str {
    use application::State as S;
    match state {
        S::Draft => "draft",
        S::Reviewing => "reviewing",
        S::Supplementing => "supplement",
        S::Deciding => "approving",
        S::Closed => "done",
        S::Refused => "refused",
        S::Withdrawn => "withdrawn",
    }
}

fn part_code(state: part::State) -> &'static str {
    use part::State as S;
    match state {
        S::Waiting => "pending",
        S::Deciding => "approving",
        S::Supplementing => "supplement",
        S::Granted => "approved",
        S::Partly => "partial",
        S::Refused => "refused",
        S::Withdrawn => "withdrawn",
    }
}

pub(crate) fn grant_code(state: grant::State) -> &'static str {
    use grant::State as S;
    match state {
        S::Active => "active",
        S::Suspended => "suspended",
        S::Revoked => "revoked",
        S::Expired => "expired",
    }
}

/// The clock of a step as the shell shows it.
fn due(at: Option<Timestamp>, remaining: Option<i64>) -> Due {
    let (Some(at), Some(left)) = (at, remaining) else { return Due::None };
    let until = at.date();
    match u32::try_from(left) {
        Ok(left) => Due::Left { left, total: left, until },
        Err(_) => Due::Over { over: u32::try_from(left.unsigned_abs()).unwrap_or(u32::MAX), until },
    }
}

/// A mask in the words of people.
fn mask_words(mask: &str) -> String {
    let (name, _) = mask.split_once('(').unwrap_or((mask, ""));
    match name {
        "clear" => "不脱敏",
        "full" => "全部隐藏",
        "null" => "置空",
        "keep" => "保留首尾，其余掩码",
        "hash" => "不可逆摘要",
        "pseudonym" => "假名",
        "date_to_year" => "泛化到年",
        "date_to_month" => "泛化到月",
        "number_to_range" => "泛化到区间",
        "address_to_district" => "泛化到区县",
        "name_to_surname" => "留姓",
        "email" => "掩码邮箱",
        "constant" => "固定值",
        _ => mask,
    }
    .to_owned()
}

/// One line of the tab 操作记录.
#[derive(Clone, Debug)]
struct Act {
    at: Timestamp,
    who: String,
    unit: String,
    what: &'static str,
    outcome: &'static str,
    client: String,
    proof: Option<Proof>,
}

/// What was done to an object, the newest first, from the ledger's copy.
async fn acts(db: &impl ConnectionTrait, kind: &str, id: &str) -> Result<Vec<Act>> {
    let rows = audit::of_object(db, kind, id, 100).await?;
    let act = |row: audit::Model| Act {
        at: row.at,
        who: row.login.unwrap_or_else(|| "系统".to_owned()),
        unit: row.unit.unwrap_or_default(),
        what: crate::ACTIONS.iter().find(|(action, _)| *action == row.action).map_or("操作", |(_, name)| name),
        outcome: match row.outcome {
            audit::Outcome::Done => "success",
            audit::Outcome::Refused => "denied",
            audit::Outcome::Failed => "failed",
        },
        client: row.client,
        proof: row.idx.and_then(|idx| u64::try_from(idx).ok()).map(Proof::entry),
    };
    Ok(rows.into_iter().map(act).collect())
}
