//! Read models of people and units.

use std::collections::BTreeMap;

use hufu_kernel::actor::{Actor, Role, UnitRef};
use hufu_kernel::audit;
use hufu_kernel::command::{Ctx, Kernel};
use hufu_kernel::error::{Error, Result};
use hufu_kernel::ids::{AccountId, RoleChangeId, UnitId};
use hufu_kernel::time::Timestamp;
use hufu_kernel::unit;
use sea_orm::sea_query::{NullOrdering, Order, Query};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect,
};

use crate::model::account::{AccountState, Concern, Upkeep};
use crate::model::change::ChangeState;
use crate::policy;
use crate::store::account::{self, held};
use crate::store::session::record;
use crate::store::{change, places, session};

/// Entries shown of one object.
const HISTORY_ROWS: u64 = 50;

/// An account as a list shows it.
#[derive(Clone, Debug, PartialEq)]
pub struct AccountRow {
    pub account: account::Model,
    pub unit: UnitRef,
    pub roles: Vec<Role>,
    pub pending: bool,
    /// Locked out by guesses at this moment.
    pub locked: bool,
}

impl AccountRow {
    /// Key in the dictionary of states, as it stands now.
    pub fn state_code(&self) -> &'static str {
        match self.account.state {
            AccountState::Active if self.locked => "locked",
            state => state.code(),
        }
    }

    pub fn role_names(&self) -> String {
        self.roles.iter().map(|role| role.name()).collect::<Vec<_>>().join("、")
    }
}

/// Which accounts are wanted; empty fields do not filter.
#[derive(Clone, Debug, Default)]
pub struct AccountFilter {
    /// Part of log-in or name.
    pub text: Option<String>,
    pub role: Option<Role>,
    pub state: Option<AccountState>,
    /// This unit and all below it.
    pub unit: Option<UnitId>,
    pub sort: AccountSort,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AccountSort {
    #[default]
    Login,
    LastLogin {
        newest_first: bool,
    },
    LoginDown,
}

/// One page of something, and how much there is of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Page<T> {
    pub items: Vec<T>,
    pub total: u64,
}

/// Accounts the actor may read; refused when there are none such.
pub async fn accounts(
    kernel: &Kernel,
    ctx: &Ctx,
    filter: &AccountFilter,
    page: u64,
    size: u64,
) -> Result<Page<AccountRow>> {
    let db = kernel.store.reader();
    let within = readable(kernel, ctx).await?;
    let below = match &filter.unit {
        Some(id) => unit::find(db, id).await?.path,
        None => within.clone(),
    };
    if !below.starts_with(&within) {
        return Err(Error::not_found("单位"));
    }
    let mut query = account::Entity::find().filter(account::Column::UnitId.in_subquery(units_below(&below)));
    if let Some(text) = filter.text.as_deref().map(str::trim).filter(|text| !text.is_empty()) {
        let either = Condition::any()
            .add(account::Column::Login.contains(text.to_ascii_lowercase()))
            .add(account::Column::Name.contains(text));
        query = query.filter(either);
    }
    if let Some(role) = filter.role {
        let holders = Query::select()
            .column(held::Column::AccountId)
            .from(held::Entity)
            .and_where(held::Column::Role.eq(role))
            .to_owned();
        query = query.filter(account::Column::Id.in_subquery(holders));
    }
    if let Some(state) = filter.state {
        query = query.filter(account::Column::State.eq(state));
    }
    let total = query.clone().count(db).await?;
    query = match filter.sort {
        AccountSort::Login => query.order_by_asc(account::Column::Login),
        AccountSort::LoginDown => query.order_by_desc(account::Column::Login),
        // Who was never here comes last, and first when the longest absent are asked for; the stores differ by themselves.
        AccountSort::LastLogin { newest_first } => {
            let (order, nulls) =
                if newest_first { (Order::Desc, NullOrdering::Last) } else { (Order::Asc, NullOrdering::First) };
            query.order_by_with_nulls(account::Column::LastLoginAt, order, nulls)
        }
    };
    query = query.order_by_asc(account::Column::Id);
    let found = query.offset(page.saturating_sub(1).saturating_mul(size)).limit(size).all(db).await?;
    Ok(Page { items: rows(db, found, ctx.now).await?, total })
}

/// One account the actor may read.
pub async fn account(kernel: &Kernel, ctx: &Ctx, id: &AccountId) -> Result<AccountRow> {
    let actor = ctx.actor()?;
    let db = kernel.store.reader();
    let found = account::find(db, id).await?;
    let place = unit::find(db, &found.unit_id).await?.as_ref();
    let bureaus = places::bureaus_over(db, &place).await?;
    let resource = policy::person(Some(id), &place, &bureaus);
    if actor.account != *id && !kernel.policy.decide(actor, "identity.account.read", &resource)?.allowed {
        return Err(Error::not_found("账号"));
    }
    rows(db, vec![found], ctx.now).await?.pop().ok_or_else(|| Error::not_found("账号"))
}

/// What happened to an object, the newest first: its tab 操作记录.
pub async fn history(db: &impl ConnectionTrait, object: &str) -> Result<Vec<audit::Model>> {
    let rows = audit::Entity::find()
        .filter(audit::Column::ObjectId.eq(object))
        .order_by_desc(audit::Column::At)
        .order_by_desc(audit::Column::Id)
        .limit(HISTORY_ROWS);
    Ok(rows.all(db).await?)
}

/// What the reader may do to an account now; the commands judge again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Acts {
    pub edit: bool,
    pub propose: bool,
    pub lock: bool,
    pub unlock: bool,
    pub close: bool,
    pub revoke: bool,
}

pub async fn acts(kernel: &Kernel, ctx: &Ctx, row: &AccountRow) -> Result<Acts> {
    let actor = ctx.actor()?;
    let bureaus = places::bureaus_over(kernel.store.reader(), &row.unit).await?;
    let resource = policy::person(Some(&row.account.id), &row.unit, &bureaus);
    let may = |action| Ok::<bool, Error>(kernel.policy.decide(actor, action, &resource)?.allowed);
    let (open, shut) = (row.account.state != AccountState::Closed, row.account.state == AccountState::Locked);
    Ok(Acts {
        edit: open && may("identity.account.edit")?,
        propose: open && !row.pending && may("identity.change.propose")?,
        lock: open && !shut && may("identity.account.lock")?,
        unlock: open && (shut || row.locked) && may("identity.account.unlock")?,
        close: open && may("identity.account.close")?,
        revoke: open && may("identity.token.revoke")?,
    })
}

/// How many accounts of the reader's jurisdiction hold each role.
pub async fn holders(kernel: &Kernel, ctx: &Ctx) -> Result<BTreeMap<Role, u64>> {
    let within = readable(kernel, ctx).await?;
    let accounts = Query::select()
        .column(account::Column::Id)
        .from(account::Entity)
        .and_where(account::Column::UnitId.in_subquery(units_below(&within)))
        .to_owned();
    let counted: Vec<(Role, i64)> = held::Entity::find()
        .select_only()
        .column(held::Column::Role)
        .column_as(held::Column::AccountId.count(), "holders")
        .filter(held::Column::AccountId.in_subquery(accounts))
        .group_by(held::Column::Role)
        .into_tuple()
        .all(kernel.store.reader())
        .await?;
    Ok(counted.into_iter().map(|(role, count)| (role, u64::try_from(count).unwrap_or(0))).collect())
}

/// People of one unit who hold a role, for pickers of other capabilities. No right is asked: names and
/// posts inside the own organisation are no secret there.
pub async fn people_of(db: &impl ConnectionTrait, of: &UnitId, role: Option<Role>) -> Result<Vec<Actor>> {
    let found = account::Entity::find()
        .filter(account::Column::UnitId.eq(of.clone()))
        .filter(account::Column::State.eq(AccountState::Active))
        .order_by_asc(account::Column::Login);
    let mut out = Vec::new();
    for row in found.all(db).await? {
        let actor = account::actor(db, &row).await?;
        if role.is_none_or(|role| actor.has(role)) {
            out.push(actor);
        }
    }
    Ok(out)
}

/// The actor behind an account id, for other capabilities' screens and jobs.
pub async fn actor(db: &impl ConnectionTrait, id: &AccountId) -> Result<Actor> {
    let found = account::find(db, id).await?;
    account::actor(db, &found).await
}

/// A change of rights as a list shows it.
#[derive(Clone, Debug, PartialEq)]
pub struct ChangeRow {
    pub change: change::Model,
    pub subject: Actor,
    pub proposer: Actor,
    pub bureau: UnitRef,
    /// May the reader decide it?
    pub mine: bool,
    /// Did the reader propose it, so that it can be withdrawn?
    pub own: bool,
}

/// Waiting changes, or the latest decided ones, within the reader's jurisdiction.
pub async fn changes(
    kernel: &Kernel,
    ctx: &Ctx,
    state: Option<ChangeState>,
    page: u64,
    size: u64,
) -> Result<Page<ChangeRow>> {
    let db = kernel.store.reader();
    let within = readable(kernel, ctx).await?;
    let mut query = change::Entity::find().filter(change::Column::UnitId.in_subquery(units_below(&within)));
    if let Some(state) = state {
        query = query.filter(change::Column::State.eq(state));
    }
    let total = query.clone().count(db).await?;
    let found = query.order_by_desc(change::Column::ProposedAt).order_by_desc(change::Column::No);
    let mut items = Vec::new();
    for row in found.offset(page.saturating_sub(1).saturating_mul(size)).limit(size).all(db).await? {
        items.push(change_row(kernel, ctx, row).await?);
    }
    Ok(Page { items, total })
}

/// One change, for its page.
pub async fn change(kernel: &Kernel, ctx: &Ctx, id: &RoleChangeId) -> Result<ChangeRow> {
    ctx.actor()?;
    let db = kernel.store.reader();
    let found = change::find(db, id).await?;
    let place = unit::find(db, &found.unit_id).await?;
    if !place.path.starts_with(&readable(kernel, ctx).await?) {
        return Err(Error::not_found("变更"));
    }
    change_row(kernel, ctx, found).await
}

async fn change_row(kernel: &Kernel, ctx: &Ctx, row: change::Model) -> Result<ChangeRow> {
    let db = kernel.store.reader();
    let reader = ctx.actor()?;
    let bureau = unit::find(db, &row.bureau_id).await?.as_ref();
    let place = unit::find(db, &row.unit_id).await?.as_ref();
    let resource = policy::change(row.id.as_str(), &row.proposer, &row.account_id, &place, &bureau);
    let waits = row.state == ChangeState::Pending;
    let mine = waits && kernel.policy.decide(reader, "identity.change.decide", &resource)?.allowed;
    Ok(ChangeRow {
        subject: actor(db, &row.account_id).await?,
        proposer: actor(db, &row.proposer).await?,
        own: waits && row.proposer == reader.account,
        bureau,
        mine,
        change: row,
    })
}

/// How many changes wait for this reader's decision: the number in the menu.
pub async fn waiting_for(kernel: &Kernel, reader: &Actor) -> Result<u64> {
    if !reader.has(Role::R1) {
        return Ok(0);
    }
    let mine = Condition::all()
        .add(change::Column::State.eq(ChangeState::Pending))
        .add(change::Column::BureauId.eq(reader.unit.id.clone()))
        .add(change::Column::Proposer.ne(reader.account.clone()))
        .add(change::Column::AccountId.ne(reader.account.clone()));
    Ok(change::Entity::find().filter(mine).count(kernel.store.reader()).await?)
}

/// An account that should be looked at, and why (WHO-4).
#[derive(Clone, Debug, PartialEq)]
pub struct Neglected {
    pub row: AccountRow,
    pub concerns: Vec<Concern>,
}

/// Unused, default, shared-suspect and vendor-expired accounts within the reader's jurisdiction.
pub async fn neglected(kernel: &Kernel, ctx: &Ctx, only: Option<Concern>) -> Result<Vec<Neglected>> {
    let db = kernel.store.reader();
    let within = readable(kernel, ctx).await?;
    let found = account::Entity::find()
        .filter(account::Column::UnitId.in_subquery(units_below(&within)))
        .filter(account::Column::State.ne(AccountState::Closed))
        .order_by_asc(account::Column::Login);
    let habits = habits(db, ctx.now).await?;
    let mut out = Vec::new();
    for row in rows(db, found.all(db).await?, ctx.now).await? {
        let habit = habits.get(row.account.id.as_str()).copied().unwrap_or_default();
        let upkeep = Upkeep {
            login: &row.account.login,
            created_at: row.account.created_at,
            last_login_at: row.account.last_login_at,
            initial_password: row.account.password_initial,
            vendor_until: row.account.vendor_until,
            addresses: habit.addresses,
            in_two_places: habit.in_two_places,
        };
        let concerns = upkeep.concerns(ctx.now);
        if !concerns.is_empty() && only.is_none_or(|only| concerns.contains(&only)) {
            out.push(Neglected { row, concerns });
        }
    }
    Ok(out)
}

/// From where an account was used in the last 30 days.
#[derive(Clone, Copy, Debug, Default)]
struct Habit {
    addresses: usize,
    in_two_places: bool,
}

async fn habits(db: &impl ConnectionTrait, now: Timestamp) -> Result<BTreeMap<String, Habit>> {
    let since = now.plus(chrono::Duration::days(-30));
    let logins = record::Entity::find()
        .filter(record::Column::At.gte(since))
        .filter(record::Column::Success.eq(true))
        .all(db)
        .await?;
    let mut addresses: BTreeMap<String, std::collections::BTreeSet<String>> = BTreeMap::new();
    for login in logins {
        addresses.entry(login.account_id.to_string()).or_default().insert(login.client);
    }
    let mut out: BTreeMap<String, Habit> = addresses
        .into_iter()
        .map(|(account, from)| (account, Habit { addresses: from.len(), in_two_places: false }))
        .collect();
    let sessions = session::Entity::find()
        .filter(session::Column::CreatedAt.gte(since))
        .order_by_asc(session::Column::AccountId)
        .order_by_asc(session::Column::CreatedAt)
        .all(db)
        .await?;
    for (at, one) in sessions.iter().enumerate() {
        let later = sessions.iter().skip(at + 1).take_while(|other| other.account_id == one.account_id);
        if later.filter(|other| other.client != one.client).any(|other| other.created_at < one.seen_at) {
            out.entry(one.account_id.to_string()).or_default().in_two_places = true;
        }
    }
    Ok(out)
}

/// A unit as the tree shows it.
#[derive(Clone, Debug, PartialEq)]
pub struct UnitRow {
    pub unit: unit::Model,
    pub depth: usize,
    pub people: u64,
}

impl UnitRow {
    /// The name under its depth, for a select.
    pub fn indented(&self) -> String {
        format!("{}{}", "　".repeat(self.depth), self.unit.name)
    }
}

/// Units whose people and shape the reader keeps, in tree order.
pub async fn administered(kernel: &Kernel, ctx: &Ctx) -> Result<Vec<UnitRow>> {
    let actor = ctx.actor()?;
    let db = kernel.store.reader();
    let place = unit::find(db, &actor.unit.id).await?.as_ref();
    let bureaus = places::bureaus_over(db, &place).await?;
    if !kernel.policy.decide(actor, "identity.account.create", &policy::person(None, &place, &bureaus))?.allowed {
        return Err(Error::refused("您的角色无权管理账号和机构"));
    }
    let within = places::jurisdiction(db, &place).await?;
    let all = units(kernel, ctx).await?;
    Ok(all.into_iter().filter(|row| row.unit.closed_at.is_none() && row.unit.path.starts_with(&within)).collect())
}

/// May the reader change this unit?
pub async fn may_keep_unit(kernel: &Kernel, ctx: &Ctx, of: &UnitRef) -> Result<bool> {
    let bureaus = places::bureaus_over(kernel.store.reader(), of).await?;
    let resource = policy::org_unit(of, &bureaus);
    Ok(kernel.policy.decide(ctx.actor()?, "identity.unit.edit", &resource)?.allowed)
}

/// All units in tree order, with the number of accounts in each.
pub async fn units(kernel: &Kernel, ctx: &Ctx) -> Result<Vec<UnitRow>> {
    ctx.actor()?;
    let db = kernel.store.reader();
    let counts: Vec<(UnitId, i64)> = account::Entity::find()
        .select_only()
        .column(account::Column::UnitId)
        .column_as(account::Column::Id.count(), "people")
        .filter(account::Column::State.ne(AccountState::Closed))
        .group_by(account::Column::UnitId)
        .into_tuple()
        .all(db)
        .await?;
    let counts: BTreeMap<String, i64> = counts.into_iter().map(|(unit, people)| (unit.to_string(), people)).collect();
    let all = unit::all(db).await?;
    let mut children: BTreeMap<String, Vec<unit::Model>> = BTreeMap::new();
    for unit in all {
        children.entry(unit.parent_id.as_ref().map(ToString::to_string).unwrap_or_default()).or_default().push(unit);
    }
    let mut out = Vec::new();
    walk(&mut children, "", 0, &counts, &mut out);
    Ok(out)
}

fn walk(
    children: &mut BTreeMap<String, Vec<unit::Model>>,
    of: &str,
    depth: usize,
    counts: &BTreeMap<String, i64>,
    out: &mut Vec<UnitRow>,
) {
    for unit in children.remove(of).unwrap_or_default() {
        let id = unit.id.to_string();
        let people = counts.get(&id).and_then(|count| u64::try_from(*count).ok()).unwrap_or(0);
        out.push(UnitRow { unit, depth, people });
        walk(children, &id, depth + 1, counts, out);
    }
}

/// Path below which the actor may read accounts; refused when nowhere.
async fn readable(kernel: &Kernel, ctx: &Ctx) -> Result<String> {
    let actor = ctx.actor()?;
    let db = kernel.store.reader();
    let place = unit::find(db, &actor.unit.id).await?.as_ref();
    let bureaus = places::bureaus_over(db, &place).await?;
    let resource = policy::person(None, &place, &bureaus);
    if !kernel.policy.decide(actor, "identity.account.read", &resource)?.allowed {
        return Err(Error::refused("您的角色无权查看账号"));
    }
    places::jurisdiction(db, &place).await
}

fn units_below(path: &str) -> sea_orm::sea_query::SelectStatement {
    Query::select()
        .column(unit::Column::Id)
        .from(unit::Entity)
        .and_where(unit::Column::Path.starts_with(path))
        .to_owned()
}

/// Adds unit, roles, waiting change and lock to accounts, in as many statements as there are kinds of them.
async fn rows(db: &impl ConnectionTrait, found: Vec<account::Model>, now: Timestamp) -> Result<Vec<AccountRow>> {
    let ids: Vec<AccountId> = found.iter().map(|row| row.id.clone()).collect();
    let mut roles: BTreeMap<String, Vec<Role>> = BTreeMap::new();
    let holdings =
        held::Entity::find().filter(held::Column::AccountId.is_in(ids.clone())).order_by_asc(held::Column::Role);
    for row in holdings.all(db).await? {
        roles.entry(row.account_id.to_string()).or_default().push(row.role);
    }
    let waiting = change::Entity::find().filter(change::Column::PendingFor.is_in(ids)).all(db).await?;
    let unit_ids: Vec<UnitId> = found.iter().map(|row| row.unit_id.clone()).collect();
    let units = unit::Entity::find().filter(unit::Column::Id.is_in(unit_ids)).all(db).await?;
    let locked: BTreeMap<String, Timestamp> = session::locks(db, now).await?;
    let mut out = Vec::new();
    for account in found {
        let unit = units.iter().find(|unit| unit.id == account.unit_id).map(unit::Model::as_ref);
        out.push(AccountRow {
            unit: unit.ok_or_else(|| Error::internal("account without unit"))?,
            roles: roles.remove(account.id.as_str()).unwrap_or_default(),
            pending: waiting.iter().any(|change| change.account_id == account.id),
            locked: locked.contains_key(&session::guard_key(&account.login)),
            account,
        });
    }
    Ok(out)
}
