//! The people of the demo: one per role and more, with passwords and tokens that stand in `accounts.json`.

use anyhow::{Context as _, Result};
use hufu_identity::commands::issue_token::IssueToken;
use hufu_identity::model::account::PersonInput;
use hufu_identity::{InitPlan, NewPerson, appoint, init, queries};
use hufu_kernel::actor::{Actor, Role, UnitLevel};
use hufu_kernel::command::{Ctx, run};
use hufu_kernel::ids::{AccountId, UnitId};
use hufu_kernel::unit;
use serde::Serialize;

use super::people::People;
use crate::assembly::{City, startable};

/// Every demo account opens with it; the demo says so when it starts.
pub(crate) const PASSWORD: &str = "Tally#7402-demo";
/// Days the demo's tokens live.
const TOKEN_DAYS: i64 = 365;

/// A line of `accounts.json`.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Listed {
    pub(crate) account: String,
    pub(crate) password: &'static str,
    pub(crate) token: String,
    pub(crate) role: String,
    pub(crate) unit: String,
    pub(crate) name: String,
}

/// Named people: log-in, name, unit, roles.
const PEOPLE: [(&str, &str, &str, &[Role]); 22] = [
    ("shenji01", "顾清和", "sjj", &[Role::R5]),
    ("yunwei01", "马立群", "yj", &[Role::R6]),
    ("quxian01", "高志远", "qh_sj", &[Role::R9]),
    ("qxanquan01", "贺敏", "qh_sj", &[Role::R1]),
    ("tianbao01", "钱小芳", "qh_z1", &[Role::R7]),
    ("linshuhan", "林书涵", "srsj", &[Role::R4]),
    ("wangsiyuan", "王思远", "srsj", &[Role::R2]),
    ("zhaoyifan", "赵一凡", "srsj", &[Role::R3]),
    ("chenzhiyuan", "陈志远", "swjj", &[Role::R2]),
    ("shenjing", "沈静", "swjj", &[Role::R3]),
    ("xuwen", "许文", "swjj", &[Role::R4]),
    ("dingkai", "丁凯", "sjdhlw", &[Role::R2]),
    ("luojia", "罗佳", "sjdhlw", &[Role::R3]),
    ("fangyuan", "方圆", "sgaj", &[Role::R2]),
    ("caoyang", "曹阳", "sgaj", &[Role::R3]),
    ("sunyue", "孙悦", "sgaj", &[Role::R4]),
    ("helan", "何岚", "sminz", &[Role::R2]),
    ("duwei", "杜薇", "sminz", &[Role::R3]),
    ("jiangning", "江宁", "sminz", &[Role::R4]),
    ("weixin", "韦欣", "sjj", &[Role::R2]),
    ("yulei", "余蕾", "sjj", &[Role::R3]),
    ("panjun", "潘军", "sjj", &[Role::R6]),
];
const ADMINISTRATOR: (&str, &str) = ("xitong01", "周正");
const MANAGER: (&str, &str) = ("anquan01", "周敏");

/// Who acts while the city is made.
#[derive(Debug)]
pub(crate) struct Founders {
    pub(crate) administrator: Ctx,
    pub(crate) manager: Ctx,
}

/// The founding: area, bureau, and the first two people.
pub(crate) async fn found(city: &City, ctx: &Ctx) -> Result<Founders> {
    let plan = InitPlan {
        level: UnitLevel::City,
        area: ("yj".to_owned(), "云江市".to_owned()),
        bureau: (super::city::BUREAU.to_owned(), "市政务服务数据管理局".to_owned()),
        administrator: person(ADMINISTRATOR.0, ADMINISTRATOR.1),
        manager: person(MANAGER.0, MANAGER.1),
    };
    let kernel = &city.house.kernel;
    let made = init(kernel, &city.identity.passwords, ctx, plan).await.map_err(startable)?;
    for (actor, old) in [(&made.administrator, &made.administrator_password), (&made.manager, &made.manager_password)] {
        let change = hufu_identity::commands::change_password::ChangePassword::prepare(
            &city.identity,
            actor,
            None,
            old,
            PASSWORD,
            PASSWORD,
        );
        run(kernel, &acting(ctx, actor), change.await.map_err(startable)?).await.map_err(startable)?;
    }
    Ok(Founders { administrator: acting(ctx, &made.administrator), manager: acting(ctx, &made.manager) })
}

/// The named people of those units that were made, with their tokens.
pub(crate) async fn named(city: &City, founders: &Founders) -> Result<Vec<Listed>> {
    let mut listed = vec![list(city, &founders.administrator).await?, list(city, &founders.manager).await?];
    // Managers first: they confirm the roles of their own level.
    let (managers, others): (Vec<_>, Vec<_>) = PEOPLE.into_iter().partition(|(.., roles)| roles.contains(&Role::R1));
    for (login, name, unit, roles) in managers.into_iter().chain(others) {
        let Ok(unit) = unit::find_by_code(city.house.kernel.store.reader(), unit).await else { continue };
        let account = make(city, founders, unit.id, person(login, name), roles, Some(PASSWORD)).await?;
        listed.push(list(city, &acting_as(city, &founders.administrator, &account).await?).await?);
    }
    Ok(listed)
}

/// Everybody a unit needs to ask for data: its CDO and its data user; those who are there already stay.
pub(crate) async fn desk(city: &City, founders: &Founders, unit: &unit::Model, people: &mut People) -> Result<(Ctx, Ctx)> {
    let user = holder(city, founders, unit, Role::R4, "ys", people).await?;
    let officer = holder(city, founders, unit, Role::R2, "sg", people).await?;
    Ok((user, officer))
}

/// A bureau's security manager; who is there already stays.
pub(crate) async fn manager(city: &City, founders: &Founders, unit: &unit::Model, people: &mut People) -> Result<Ctx> {
    holder(city, founders, unit, Role::R1, "aq", people).await
}

async fn holder(
    city: &City,
    founders: &Founders,
    unit: &unit::Model,
    role: Role,
    word: &str,
    people: &mut People,
) -> Result<Ctx> {
    let there = queries::people_of(city.house.kernel.store.reader(), &unit.id, Some(role)).await.map_err(startable)?;
    if let Some(actor) = there.first() {
        return Ok(acting(&founders.administrator, actor));
    }
    let login = format!("{word}_{}", unit.code);
    let account = make(city, founders, unit.id.clone(), person(&login, &people.name()), &[role], None).await?;
    acting_as(city, &founders.administrator, &account).await
}

/// Writes the file that the README and the tests read.
pub(crate) fn write(file: &std::path::Path, listed: &[Listed]) -> Result<()> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let out = std::fs::OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(file)?;
    serde_json::to_writer_pretty(out, listed).with_context(|| format!("write {}", file.display()))
}

pub(crate) fn acting(ctx: &Ctx, actor: &Actor) -> Ctx {
    Ctx { actor: Some(actor.clone()), ..ctx.clone() }
}

async fn acting_as(city: &City, ctx: &Ctx, account: &AccountId) -> Result<Ctx> {
    let actor = queries::actor(city.house.kernel.store.reader(), account).await.map_err(startable)?;
    Ok(acting(ctx, &actor))
}

async fn make(
    city: &City,
    founders: &Founders,
    unit: UnitId,
    person: PersonInput,
    roles: &[Role],
    password: Option<&str>,
) -> Result<AccountId> {
    let new = NewPerson { unit, person, roles: roles.to_vec(), password: password.map(str::to_owned) };
    Ok(appoint(&city.identity, &founders.administrator, new).await.map_err(startable)?.0)
}

async fn list(city: &City, person: &Ctx) -> Result<Listed> {
    let issue = IssueToken { name: "演示令牌".to_owned(), days: TOKEN_DAYS };
    let token = run(&city.house.kernel, person, issue).await.map_err(startable)?.output.text;
    let actor = person.actor().map_err(startable)?;
    let roles: Vec<&str> = actor.roles.iter().map(|role| role.code()).collect();
    Ok(Listed {
        account: actor.login.clone(),
        password: PASSWORD,
        token,
        role: roles.join(","),
        unit: actor.unit.code.clone(),
        name: actor.name.clone(),
    })
}

fn person(login: &str, name: &str) -> PersonInput {
    PersonInput {
        login: login.to_owned(),
        name: name.to_owned(),
        phone: String::new(),
        vendor: String::new(),
        vendor_until: String::new(),
    }
}
