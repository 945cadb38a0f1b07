//! 523 applications by 223 units with 3,330 fields asked, taken through their approvals by the people whose turn it is.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::Result;
use chrono::Days;
use hufu_catalog::ResourceView;
use hufu_kernel::actor::Role;
use hufu_kernel::approval::Verdict;
use hufu_kernel::command::{Ctx, run};
use hufu_kernel::ids::ResourceId;
use hufu_kernel::unit;
use hufu_sharing::commands::{DecideFront, DecidePart, GiveConsent, Proposal, SubmitApplication};
use hufu_sharing::model::form::{Asked, AskedField, Form};
use hufu_sharing::model::grant::Quota;
use hufu_sharing::model::way::{Way, Ways};

use super::accounts::{Founders, acting, desk, manager};
use super::people::People;
use crate::assembly::{City, startable};

const SCENARIOS: [(&str, &str); 6] = [
    ("政务服务事项办理核验", "本部门职责规定；《政务数据共享条例》第二十条"),
    ("惠民补贴资格审核", "《社会救助暂行办法》相关规定；本部门职责规定"),
    ("公共卫生应急流行病学调查", "《中华人民共和国传染病防治法》相关规定；本部门职责规定"),
    ("行政检查对象核对", "本部门权责清单；《政务数据共享条例》第二十条"),
    ("就业援助资格核验", "《中华人民共和国就业促进法》相关规定；本部门职责规定"),
    ("辖区人口服务与基层治理", "乡镇街道履职事项清单；《政务数据共享条例》第二十条"),
];
/// Every seventh of ten waits at the provider, the eighth at the bureau, the ninth was refused.
const OUTCOMES: usize = 10;

/// How many applications ask for how many fields in all.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub(crate) applications: usize,
    pub(crate) fields: usize,
}

struct Desk {
    user: Ctx,
    officer: Ctx,
}

/// Hands in and decides all applications.
pub(crate) async fn seed(city: &City, founders: &Founders, askable: &[ResourceId], plan: Plan) -> Result<()> {
    let db = city.house.kernel.store.reader();
    let resources = hufu_catalog::resources(db, askable).await.map_err(startable)?;
    let resources: Vec<ResourceView> = resources.into_iter().filter(|view| view.fields.len() >= 7).collect();
    let units = unit::all(db).await.map_err(startable)?;
    let mut people = People::seeded(223);
    let mut desks: BTreeMap<String, Desk> = BTreeMap::new();
    for unit in &units {
        let (user, officer) = desk(city, founders, unit, &mut people).await?;
        consent(city, &officer).await?;
        desks.insert(unit.id.to_string(), Desk { user, officer });
    }
    let managers = managers(city, founders, &units, &mut people).await?;
    let mut left = plan.fields;
    for at in 0..plan.applications {
        let (Some(unit), Some(resource)) = (units.get(at % units.len().max(1)), resources.get(at % resources.len().max(1))) else {
            anyhow::bail!("a city without units or resources has no applications");
        };
        let remaining = plan.applications - at;
        let asked = left.div_ceil(remaining).min(resource.fields.len());
        left = left.saturating_sub(asked);
        // Nobody asks the own unit for its own data.
        let unit = if unit.id == resource.unit.id { units.get((at + 1) % units.len()).unwrap_or(unit) } else { unit };
        let Some(own) = desks.get(unit.id.as_str()) else { continue };
        let bureau = unit::competent_bureau(db, &unit.as_ref()).await.map_err(startable)?;
        let manager = managers.get(bureau.id.as_str()).ok_or_else(|| anyhow::anyhow!("{} has no manager", bureau.code))?;
        one(city, manager, own, &desks, resource, asked, at).await?;
    }
    Ok(())
}

/// The security manager of every bureau: each level reviews what its own units ask.
async fn managers(
    city: &City,
    founders: &Founders,
    units: &[unit::Model],
    people: &mut People,
) -> Result<BTreeMap<String, Ctx>> {
    let mut managers = BTreeMap::new();
    for bureau in units.iter().filter(|unit| unit.kind == unit::UnitKind::Bureau) {
        managers.insert(bureau.id.to_string(), manager(city, founders, bureau, people).await?);
    }
    Ok(managers)
}

async fn consent(city: &City, officer: &Ctx) -> Result<()> {
    let until = officer.now.date() + Days::new(180);
    let give = GiveConsent { sharing: Arc::clone(&city.sharing), grade_max: "L4".to_owned(), until };
    run(&city.house.kernel, officer, give).await.map_err(startable)?;
    Ok(())
}

async fn one(
    city: &City,
    manager: &Ctx,
    own: &Desk,
    desks: &BTreeMap<String, Desk>,
    resource: &ResourceView,
    asked: usize,
    at: usize,
) -> Result<()> {
    let kernel = &city.house.kernel;
    let form = form(own, resource, asked, at);
    let submit = SubmitApplication {
        sharing: Arc::clone(&city.sharing),
        no: None,
        version: None,
        form: Some(form),
        note: String::new(),
    };
    let no = run(kernel, &own.user, submit).await.map_err(startable)?.output.application.no;
    if at % OUTCOMES == 8 {
        return Ok(());
    }
    let front = DecideFront {
        sharing: Arc::clone(&city.sharing),
        no: no.clone(),
        verdict: Verdict::Approve,
        opinion: "要件齐全，用途与职责一致，同意转供数部门。".to_owned(),
        version: None,
    };
    run(kernel, manager, front).await.map_err(startable)?;
    let Some(provider) = desks.get(resource.unit.id.as_str()).filter(|_| at % OUTCOMES != 7) else { return Ok(()) };
    let (verdict, opinion) = match at % OUTCOMES {
        9 => (Verdict::Refuse, "申请用途与履职依据不对应，请明确依据条款后重新申请。"),
        _ => (Verdict::Approve, "同意，按脱敏规则提供，限本次用途使用。"),
    };
    let decide = DecidePart {
        sharing: Arc::clone(&city.sharing),
        no,
        seq: 1,
        verdict,
        opinion: opinion.to_owned(),
        version: None,
        proposal: Proposal::default(),
    };
    run(kernel, &provider.officer, decide).await.map_err(startable)?;
    Ok(())
}

fn form(own: &Desk, resource: &ResourceView, asked: usize, at: usize) -> Form {
    let (scenario, basis) = SCENARIOS.get(at % SCENARIOS.len()).copied().unwrap_or_default();
    let today = own.user.now.date();
    let field = |field: &hufu_catalog::FieldView| AskedField {
        name: field.name.clone(),
        unmasked: false,
        reason: String::new(),
    };
    Form {
        scenario: scenario.to_owned(),
        basis: basis.to_owned(),
        scope_of_use: "本单位经办科室，用于上述场景的核验与统计".to_owned(),
        ways: Ways::new([Way::Page, Way::Sql, Way::Http]),
        quota: Quota { rows_per_day: 100_000, calls_per_minute: 60, rows_per_result: 100_000 },
        from: Some(today),
        until: Some(today + Days::new(180)),
        system_name: String::new(),
        filing_no: String::new(),
        bound: true,
        persons: own.user.actor.iter().map(|actor| actor.login.clone()).collect(),
        resources: vec![Asked {
            code: resource.code.clone(),
            row_scope: String::new(),
            fields: resource.fields.iter().take(asked).map(field).collect(),
        }],
    }
}

/// Somebody of a role in a unit, for what the demo must decide.
pub(crate) async fn holder(city: &City, founders: &Founders, unit: &str, role: Role) -> Result<Ctx> {
    let db = city.house.kernel.store.reader();
    let unit = unit::find_by_code(db, unit).await.map_err(startable)?;
    let found = hufu_identity::queries::people_of(db, &unit.id, Some(role)).await.map_err(startable)?;
    let actor = found.first().ok_or_else(|| anyhow::anyhow!("nobody holds {} in {}", role.code(), unit.code))?;
    Ok(acting(&founders.administrator, actor))
}
