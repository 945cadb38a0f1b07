//! Read models of the pages and the API. Each says who may read what: nobody sees everything.

use std::collections::{BTreeMap, BTreeSet};

use hufu_kernel::actor::{Actor, Role};
use hufu_kernel::approval::{self, InboxQuery, InboxRow, Tab, Timeline};
use hufu_kernel::command::{Ctx, Kernel};
use hufu_kernel::error::{Error, Result};
use hufu_kernel::ids::{GrantId, UnitId};
use hufu_kernel::time::Timestamp;
use hufu_kernel::unit::{self, UnitKind};
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::Condition;
use sea_orm::{ConnectionTrait, QueryOrder, QuerySelect};

use crate::Sharing;
use crate::commands::{application_resource, form_of, grant_resource};
use crate::model::application::State;
use crate::model::form::{Bounds, Form};
use crate::model::grant::State as GrantState;
use crate::neighbours;
pub use crate::neighbours::Person;
use crate::store::applications::{self, Paper};
use crate::store::grants::{self, Grant};
use crate::store::rows::{access_grant, access_record, application, data_grant, part, standing_consent};

/// Rows one page of a list may have.
pub const PAGE_MAX: u64 = 200;
/// Days behind the usage figure of the grant list.
pub const USAGE_DAYS: i64 = 30;

/// Which page of a list.
#[derive(Clone, Copy, Debug)]
pub struct Slice {
    /// From 1.
    pub page: u64,
    pub size: u64,
}

impl Slice {
    pub fn new(page: u64, size: u64) -> Self {
        Self { page: page.max(1), size: size.clamp(1, PAGE_MAX) }
    }

    fn offset(self) -> u64 {
        self.page.saturating_sub(1).saturating_mul(self.size)
    }
}

#[derive(Clone, Debug, Default)]
pub struct ApplicationFilter {
    /// Part of number or scenario.
    pub text: Option<String>,
    pub state: Option<State>,
}

/// One line of 我的申请.
#[derive(Clone, Debug)]
pub struct ApplicationLine {
    pub row: application::Model,
    pub resources: Vec<String>,
    pub providers: Vec<String>,
    /// Where it waits, and until when.
    pub waits: Option<(String, Option<Timestamp>, Option<i64>)>,
}

/// Own applications, the newest first.
pub async fn my_applications(kernel: &Kernel, ctx: &Ctx, filter: &ApplicationFilter, slice: Slice) -> Result<(Vec<ApplicationLine>, u64)> {
    let db = kernel.store.reader();
    let actor = ctx.actor()?;
    let mut select = application::Entity::find().filter(application::Column::Applicant.eq(actor.account.clone()));
    if let Some(state) = filter.state {
        select = select.filter(application::Column::State.eq(state));
    }
    if let Some(text) = filter.text.as_deref().map(str::trim).filter(|text| !text.is_empty()) {
        let found = Condition::any().add(application::Column::No.contains(text)).add(application::Column::Scenario.contains(text));
        select = select.filter(found);
    }
    let total = select.clone().count(db).await?;
    let rows = select.order_by_desc(application::Column::No).offset(slice.offset()).limit(slice.size).all(db).await?;
    let mut lines = Vec::new();
    for row in rows {
        let paper = applications::paper_by_id(db, &row.id).await?;
        let timelines = timelines(kernel, &paper, ctx.now).await?;
        lines.push(ApplicationLine {
            resources: paper.resources.iter().map(|item| item.resource.name.clone()).collect(),
            providers: provider_names(db, &paper).await?,
            waits: waits(&timelines),
            row,
        });
    }
    Ok((lines, total))
}

/// An application as its parties see it.
#[derive(Clone, Debug)]
pub struct ApplicationView {
    pub paper: Paper,
    /// Names of the units by id.
    pub units: BTreeMap<UnitId, String>,
    pub timelines: Vec<Timeline>,
    pub grants: Vec<data_grant::Model>,
    /// What the reader may decide here.
    pub desk: Option<Desk>,
    pub is_applicant: bool,
}

/// The decision that waits for the reader.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Desk {
    /// Absent for the front; else the part, counted from 1.
    pub part: Option<i32>,
    /// Version of the approval.
    pub version: i32,
    pub is_cdo: bool,
    pub step: String,
}

pub async fn application(kernel: &Kernel, ctx: &Ctx, no: &str) -> Result<ApplicationView> {
    let db = kernel.store.reader();
    let actor = ctx.actor()?;
    let paper = applications::paper(db, no).await?;
    let resource = application_resource(db, &paper).await?;
    let mut allowed = kernel.policy.decide(actor, "sharing.application.read", &resource)?.allowed;
    let approvals: Vec<_> = paper.application.approval_id.iter().chain(paper.parts.iter().filter_map(|part| part.approval_id.as_ref())).collect();
    if !allowed {
        // A step handed over to somebody (转办) opens the paper to them.
        for id in &approvals {
            allowed = allowed || approval::is_party(db, id, actor).await?;
        }
    }
    if !allowed {
        return Err(Error::not_found("申请单"));
    }
    let timelines = timelines(kernel, &paper, ctx.now).await?;
    let mut grants = Vec::new();
    for part in &paper.parts {
        grants.extend(grants::of_part(db, &part.id).await?);
    }
    let desk = desk(kernel, actor, &paper, &timelines).await?;
    let units = unit_names(db, paper.parts.iter().map(|part| part.provider_id.clone()).chain([paper.application.unit_id.clone()])).await?;
    let is_applicant = paper.application.applicant == actor.account;
    Ok(ApplicationView { paper, units, timelines, grants, desk, is_applicant })
}

async fn desk(kernel: &Kernel, actor: &Actor, paper: &Paper, timelines: &[Timeline]) -> Result<Option<Desk>> {
    for line in timelines {
        let id = &line.approval.id;
        let Some(step) = approval::waiting_for(kernel.store.reader(), id, actor).await? else { continue };
        let part = paper.parts.iter().find(|part| part.approval_id.as_ref() == Some(id)).map(|part| part.seq);
        return Ok(Some(Desk {
            part,
            version: line.approval.version,
            is_cdo: step.spec.role == Role::R2 && part.is_some(),
            step: step.spec.title,
        }));
    }
    Ok(None)
}

async fn timelines(kernel: &Kernel, paper: &Paper, now: Timestamp) -> Result<Vec<Timeline>> {
    let calendar = &kernel.store.rules().calendar;
    approval::timeline(kernel.store.reader(), paper.application.id.as_str(), now, calendar).await
}

fn waits(timelines: &[Timeline]) -> Option<(String, Option<Timestamp>, Option<i64>)> {
    let mut current = timelines.iter().flat_map(|line| &line.steps).filter(|step| step.is_current);
    current.next().map(|step| (format!("{} · {}", step.unit_name, step.title), step.due, step.remaining))
}

/// One line of 供数审核 or 合规审查.
#[derive(Clone, Debug)]
pub struct DeskLine {
    pub inbox: InboxRow,
    pub paper: Paper,
    pub part: Option<part::Model>,
    pub grade_max: String,
    pub hints: Vec<Hint>,
    /// May it be agreed to together with others? Never with a strict field.
    pub bulk: bool,
}

/// What an approver should look at twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hint {
    /// The unit has never had this resource.
    First,
    /// Half of what the rules allow a day, or more.
    Volume,
    /// Every row is asked for.
    AllRows,
    Unmasked,
}

impl Hint {
    pub fn name(self) -> &'static str {
        match self {
            Self::First => "首次申请",
            Self::Volume => "量大",
            Self::AllRows => "未限行范围",
            Self::Unmasked => "申请明文",
        }
    }
}

/// What waits for the actor's decision, of one kind.
pub async fn desk_lines(kernel: &Kernel, sharing: &Sharing, ctx: &Ctx, kind: &str, text: Option<String>, slice: Slice) -> Result<(Vec<DeskLine>, u64)> {
    let db = kernel.store.reader();
    let query = InboxQuery { tab: Tab::Todo, text, kind: Some(kind.to_owned()), page: slice.page, size: slice.size };
    let (rows, total) = approval::inbox(db, ctx.actor()?, &query, ctx.now, &kernel.store.rules().calendar).await?;
    let mut lines = Vec::new();
    for inbox in rows {
        let Some((application, part)) = applications::by_approval(db, &inbox.id).await? else { continue };
        let paper = applications::paper_by_id(db, &application).await?;
        let part = part.and_then(|id| paper.parts.iter().find(|part| part.id == id).cloned());
        lines.push(desk_line(db, sharing, inbox, paper, part).await?);
    }
    Ok((lines, total))
}

async fn desk_line(db: &impl ConnectionTrait, sharing: &Sharing, inbox: InboxRow, paper: Paper, part: Option<part::Model>) -> Result<DeskLine> {
    let items: Vec<_> = match &part {
        Some(part) => paper.items_of(&part.id).collect(),
        None => paper.resources.iter().collect(),
    };
    let fields: Vec<_> = items.iter().flat_map(|item| &item.fields).collect();
    let mut hints = Vec::new();
    for item in &items {
        let known = data_grant::Entity::find()
            .filter(data_grant::Column::UnitId.eq(paper.application.unit_id.clone()))
            .filter(data_grant::Column::ResourceId.eq(item.resource.resource_id.clone()))
            .count(db)
            .await?;
        if known == 0 && !hints.contains(&Hint::First) {
            hints.push(Hint::First);
        }
    }
    if paper.application.rows_per_day.saturating_mul(2) >= sharing.flow.quota.rows_per_day {
        hints.push(Hint::Volume);
    }
    if items.iter().any(|item| item.resource.row_scope.trim().is_empty()) {
        hints.push(Hint::AllRows);
    }
    if fields.iter().any(|field| field.unmasked) {
        hints.push(Hint::Unmasked);
    }
    let bulk = !fields.iter().any(|field| sharing.is_strict(&field.grade, field.unmasked));
    let grade_max = sharing.highest(fields.iter().map(|field| field.grade.as_str()));
    Ok(DeskLine { grade_max, hints, bulk, inbox, part, paper })
}

/// What the completeness check of a submitted application finds today; empty means complete.
pub fn completeness(sharing: &Sharing, paper: &Paper, now: Timestamp) -> Vec<String> {
    let bounds = Bounds { today: now.date(), period_days_max: sharing.flow.period_days_max, quota_max: sharing.flow.quota };
    form_of(paper).faults(bounds).into_iter().map(|fault| fault.message).collect()
}

#[derive(Clone, Debug, Default)]
pub struct GrantFilter {
    /// Part of number, resource or purpose.
    pub text: Option<String>,
    pub state: Option<GrantState>,
    /// Code of the unit that uses.
    pub unit: Option<String>,
    pub resource: Option<String>,
    /// Ends within so many days.
    pub ends_within: Option<i64>,
}

/// One line of 授权台账.
#[derive(Clone, Debug)]
pub struct GrantLine {
    pub row: data_grant::Model,
    pub unit: String,
    pub provider: String,
    pub fields: u64,
    pub persons: u64,
    /// Rows and calls of the last 30 days.
    pub used: (i64, i64),
}

pub async fn grant_lines(kernel: &Kernel, ctx: &Ctx, filter: &GrantFilter, slice: Slice) -> Result<(Vec<GrantLine>, u64)> {
    let db = kernel.store.reader();
    let mut select = data_grant::Entity::find().filter(visible_grants(db, ctx.actor()?).await?);
    select = filtered(db, select, filter, ctx.now).await?;
    let total = select.clone().count(db).await?;
    let rows = select.order_by_desc(data_grant::Column::No).offset(slice.offset()).limit(slice.size).all(db).await?;
    let ids: Vec<GrantId> = rows.iter().map(|row| row.id.clone()).collect();
    let since = day_of(ctx.now.plus(chrono::Duration::days(-USAGE_DAYS)));
    let used = grants::used_since(db, &ids, since).await?;
    let names = unit_names(db, rows.iter().flat_map(|row| [row.unit_id.clone(), row.provider_id.clone()])).await?;
    let name = |id: &UnitId| names.get(id).cloned().unwrap_or_default();
    let lines = grants::fill(db, rows).await?.into_iter().map(|grant| GrantLine {
        unit: name(&grant.row.unit_id),
        provider: name(&grant.row.provider_id),
        fields: grant.fields.len() as u64,
        persons: grant.persons.len() as u64,
        used: used.get(&grant.row.id).copied().unwrap_or_default(),
        row: grant.row,
    });
    Ok((lines.collect(), total))
}

async fn filtered(db: &impl ConnectionTrait, mut select: Select<data_grant::Entity>, filter: &GrantFilter, now: Timestamp) -> Result<Select<data_grant::Entity>> {
    if let Some(text) = filter.text.as_deref().map(str::trim).filter(|text| !text.is_empty()) {
        let found = Condition::any()
            .add(data_grant::Column::No.contains(text))
            .add(data_grant::Column::ResourceName.contains(text))
            .add(data_grant::Column::Purpose.contains(text));
        select = select.filter(found);
    }
    if let Some(state) = filter.state {
        select = select.filter(data_grant::Column::State.eq(state));
    }
    if let Some(code) = filter.unit.as_deref().filter(|code| !code.is_empty()) {
        let unit = unit::find_by_code(db, code).await?;
        select = select.filter(data_grant::Column::UnitId.eq(unit.id));
    }
    if let Some(code) = filter.resource.as_deref().filter(|code| !code.is_empty()) {
        select = select.filter(data_grant::Column::ResourceCode.eq(code));
    }
    if let Some(days) = filter.ends_within {
        let last = now.plus(chrono::Duration::days(days));
        select = select.filter(data_grant::Column::UntilAt.between(now, last)).filter(data_grant::Column::State.eq(GrantState::Active));
    }
    Ok(select)
}

/// The same rule as `parties-read-a-grant`, said in SQL.
async fn visible_grants(db: &impl ConnectionTrait, actor: &Actor) -> Result<Condition> {
    let mut visible = Condition::any();
    if actor.has(Role::R4) || actor.has(Role::R2) {
        visible = visible.add(data_grant::Column::UnitId.eq(actor.unit.id.clone()));
    }
    if actor.has(Role::R2) || actor.has(Role::R3) {
        visible = visible.add(data_grant::Column::ProviderId.eq(actor.unit.id.clone()));
    }
    if actor.has(Role::R1) || actor.has(Role::R5) {
        visible = visible.add(data_grant::Column::UnitId.is_in(governed(db, &actor.unit.id).await?));
    }
    // Nobody without one of these roles sees a line.
    Ok(if visible.is_empty() { Condition::all().add(data_grant::Column::Id.is_null()) } else { visible })
}

/// Units whose competent bureau is this one: the nearest 主管部门 at or above their place.
async fn governed(db: &impl ConnectionTrait, bureau: &UnitId) -> Result<Vec<UnitId>> {
    let all = unit::all(db).await?;
    let areas: Vec<(&UnitId, &str)> = all
        .iter()
        .filter(|unit| unit.kind == UnitKind::Bureau && unit.closed_at.is_none())
        .filter_map(|unit| Some((&unit.id, unit.path.strip_suffix(&format!("{}/", unit.id))?)))
        .collect();
    let nearest = |path: &str| {
        let above = areas.iter().filter(|(_, area)| path.starts_with(area));
        above.max_by_key(|(_, area)| area.len()).map(|(id, _)| *id)
    };
    Ok(all.iter().filter(|unit| nearest(&unit.path) == Some(bureau)).map(|unit| unit.id.clone()).collect())
}

/// A grant as its parties see it.
#[derive(Clone, Debug)]
pub struct GrantView {
    pub grant: Grant,
    pub unit: String,
    pub provider: String,
    pub application: Option<String>,
    pub used_today: (i64, i64),
    pub used_30_days: (i64, i64),
    pub accesses: Vec<access_record::Model>,
    /// What the reader may do: suspend, resume, revoke, reduce.
    pub may_stop: bool,
    pub may_reduce: bool,
}

pub async fn grant(kernel: &Kernel, ctx: &Ctx, no: &str) -> Result<GrantView> {
    let db = kernel.store.reader();
    let actor = ctx.actor()?;
    let grant = grants::find(db, no).await?;
    let row = &grant.row;
    let resource = grant_resource(db, row.id.as_str(), &row.unit_id, &row.provider_id).await?;
    let may = |action: &str| Ok::<bool, Error>(kernel.policy.decide(actor, action, &resource)?.allowed);
    if !may("sharing.grant.read")? {
        return Err(Error::not_found("授权"));
    }
    let (may_stop, may_reduce) = (may("sharing.grant.suspend")?, may("sharing.grant.reduce")?);
    let ids = [row.id.clone()];
    let today = grants::used_on(db, &ids, day_of(ctx.now)).await?;
    let since = day_of(ctx.now.plus(chrono::Duration::days(-USAGE_DAYS)));
    let month = grants::used_since(db, &ids, since).await?;
    let names = unit_names(db, [row.unit_id.clone(), row.provider_id.clone()]).await?;
    let application = match &row.part_id {
        Some(part) => application_of(db, part).await?,
        None => None,
    };
    Ok(GrantView {
        unit: names.get(&row.unit_id).cloned().unwrap_or_default(),
        provider: names.get(&row.provider_id).cloned().unwrap_or_default(),
        application,
        used_today: today.get(&row.id).copied().unwrap_or_default(),
        used_30_days: month.get(&row.id).copied().unwrap_or_default(),
        accesses: accesses_of(db, &row.id).await?,
        may_stop,
        may_reduce,
        grant,
    })
}

async fn application_of(db: &impl ConnectionTrait, part: &hufu_kernel::ids::PartId) -> Result<Option<String>> {
    let Some(part) = part::Entity::find_by_id(part.clone()).one(db).await? else { return Ok(None) };
    Ok(application::Entity::find_by_id(part.application_id).one(db).await?.map(|row| row.no))
}

/// The latest accesses under a grant.
async fn accesses_of(db: &impl ConnectionTrait, grant: &GrantId) -> Result<Vec<access_record::Model>> {
    let ids: Vec<String> = access_grant::Entity::find()
        .select_only()
        .column(access_grant::Column::AccessId)
        .filter(access_grant::Column::GrantId.eq(grant.clone()))
        .order_by_desc(access_grant::Column::Id)
        .limit(50)
        .into_tuple()
        .all(db)
        .await?;
    let rows = access_record::Entity::find().filter(access_record::Column::Id.is_in(ids));
    Ok(rows.order_by_desc(access_record::Column::At).all(db).await?)
}

/// Own statements, the newest first: text without literals, numbers, never rows.
pub async fn my_history(db: &impl ConnectionTrait, actor: &Actor, most: u64) -> Result<Vec<access_record::Model>> {
    let rows = access_record::Entity::find()
        .filter(access_record::Column::Account.eq(actor.account.clone()))
        .order_by_desc(access_record::Column::At)
        .limit(most)
        .all(db)
        .await?;
    Ok(rows)
}

/// What a new application starts from: the last one's words, the person, the rules' usual numbers.
pub async fn starting_form(kernel: &Kernel, sharing: &Sharing, ctx: &Ctx) -> Result<Form> {
    let db = kernel.store.reader();
    let actor = ctx.actor()?;
    let today = ctx.now.date();
    let days = u64::try_from(sharing.flow.period_days_max).unwrap_or_default();
    let mut form = Form {
        scenario: String::new(),
        basis: String::new(),
        scope_of_use: String::new(),
        ways: crate::model::way::Ways::new([crate::model::way::Way::Page, crate::model::way::Way::Sql]),
        quota: usual_quota(sharing),
        from: Some(today),
        until: today.checked_add_days(chrono::Days::new(days)),
        system_name: String::new(),
        filing_no: String::new(),
        bound: false,
        persons: vec![actor.account.to_string()],
        resources: Vec::new(),
    };
    if let Some(last) = applications::last_of(db, &actor.account).await? {
        let own: BTreeSet<String> = neighbours::data_users_of(db, &actor.unit.id).await?.into_iter().map(|person| person.account.to_string()).collect();
        let persons = applications::persons_of(db, &last.id).await?.into_iter().map(|person| person.account.to_string());
        form.persons = persons.filter(|person| own.contains(person)).collect();
        form.ways = crate::model::way::Ways::parse(&last.ways);
        form.basis = last.basis;
        form.scope_of_use = last.scope_of_use;
        form.system_name = last.system_name;
        form.filing_no = last.filing_no;
    }
    Ok(form)
}

/// A tenth of what the rules allow: enough for desk work; more is asked for knowingly.
fn usual_quota(sharing: &Sharing) -> crate::model::grant::Quota {
    let most = sharing.flow.quota;
    crate::model::grant::Quota {
        rows_per_day: (most.rows_per_day / 10).max(1),
        calls_per_minute: most.calls_per_minute,
        rows_per_result: (most.rows_per_result / 10).max(1),
    }
}

/// Scenarios that the unit has used before, the most recent first.
pub async fn scenarios(db: &impl ConnectionTrait, unit: &UnitId) -> Result<Vec<String>> {
    let rows: Vec<String> = application::Entity::find()
        .select_only()
        .column(application::Column::Scenario)
        .filter(application::Column::UnitId.eq(unit.clone()))
        .filter(application::Column::SubmittedAt.is_not_null())
        .order_by_desc(application::Column::SubmittedAt)
        .limit(50)
        .into_tuple()
        .all(db)
        .await?;
    let mut seen = BTreeSet::new();
    Ok(rows.into_iter().filter(|scenario| seen.insert(scenario.clone())).take(6).collect())
}

/// Persons who may be named: open accounts of the own unit that hold R4.
pub async fn data_users(db: &impl ConnectionTrait, actor: &Actor) -> Result<Vec<Person>> {
    neighbours::data_users_of(db, &actor.unit.id).await
}

/// Standing consents of the own unit, the newest first.
pub async fn consents(db: &impl ConnectionTrait, actor: &Actor) -> Result<Vec<standing_consent::Model>> {
    let rows = standing_consent::Entity::find()
        .filter(standing_consent::Column::UnitId.eq(actor.unit.id.clone()))
        .order_by_desc(standing_consent::Column::FromAt);
    Ok(rows.all(db).await?)
}

async fn provider_names(db: &impl ConnectionTrait, paper: &Paper) -> Result<Vec<String>> {
    let ids: BTreeSet<UnitId> = paper.resources.iter().map(|item| item.resource.provider_id.clone()).collect();
    Ok(unit_names(db, ids).await?.into_values().collect())
}

async fn unit_names(db: &impl ConnectionTrait, ids: impl IntoIterator<Item = UnitId>) -> Result<BTreeMap<UnitId, String>> {
    let ids: BTreeSet<UnitId> = ids.into_iter().collect();
    let rows = unit::Entity::find().filter(unit::Column::Id.is_in(ids)).all(db).await?;
    Ok(rows.into_iter().map(|row| (row.id, row.name)).collect())
}

/// `20261121` as a number: the day by which quotas count.
pub(crate) fn day_of(now: Timestamp) -> i32 {
    now.day_number().parse().unwrap_or(0)
}
