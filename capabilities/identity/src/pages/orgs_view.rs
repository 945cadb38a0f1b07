//! `/sys/orgs`: the tree of units on the left, one of them on the right.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use hufu_kernel::command::Ctx;
use hufu_kernel::error::Error;
use hufu_kernel::ids::UnitId;
use hufu_kernel::shell::kit::esc;
use hufu_kernel::shell::page::page_with;
use hufu_kernel::shell::parts::{Choice, FieldErrors};
use hufu_kernel::shell::{Chrome, Html, Path, WebResult, fmt, kit};
use hufu_kernel::unit;

use super::users::{Happened, happened};
use crate::model::unit::{ResponsibleAs, kind_name};
use crate::queries::{self, UnitRow};
use crate::service::Identity;
use crate::store::profile;

#[derive(Template)]
#[template(path = "identity/orgs.html")]
struct Orgs {
    chrome: Chrome,
    tree: Html,
    unit: unit::Model,
    facts: Vec<(&'static str, Html)>,
    answers: Vec<(&'static str, Html)>,
    named: bool,
    people: u64,
    may_keep: bool,
    parents: Vec<Choice>,
    history: Vec<Happened>,
    errors: FieldErrors,
}

impl Orgs {
    fn close_path(&self) -> String {
        format!("/sys/orgs/{}/close", self.unit.id)
    }
}

/// The reader's own unit to begin with.
pub(super) async fn index(State(identity): State<Arc<Identity>>, chrome: Chrome, ctx: Ctx) -> WebResult {
    let own = ctx.actor()?.unit.id.clone();
    draw(&identity, chrome, &ctx, &own, StatusCode::OK, FieldErrors::none()).await
}

pub(super) async fn show(
    State(identity): State<Arc<Identity>>,
    chrome: Chrome,
    ctx: Ctx,
    Path(id): Path<UnitId>,
) -> WebResult {
    ctx.actor()?;
    draw(&identity, chrome, &ctx, &id, StatusCode::OK, FieldErrors::none()).await
}

pub(super) async fn draw(
    identity: &Identity,
    chrome: Chrome,
    ctx: &Ctx,
    id: &UnitId,
    status: StatusCode,
    errors: FieldErrors,
) -> WebResult {
    let kernel = &identity.kernel;
    let db = kernel.store.reader();
    let rows = queries::units(kernel, ctx).await?;
    let here = rows.iter().find(|row| row.unit.id == *id).ok_or_else(|| Error::not_found("单位"))?;
    let (unit, people) = (here.unit.clone(), here.people);
    let above = rows.iter().find(|row| Some(&row.unit.id) == unit.parent_id.as_ref());
    let answers = profile::of(db, id).await?;
    let may_keep = queries::may_keep_unit(kernel, ctx, &unit.as_ref()).await? && unit.closed_at.is_none();
    let parents = if may_keep { parents(&queries::administered(kernel, ctx).await?, &unit) } else { Vec::new() };
    let page = Orgs {
        chrome: chrome.crumb("系统管理", "/sys/orgs").crumb("机构", "/sys/orgs").titled(unit.name.clone()),
        tree: tree(&rows, &unit),
        facts: facts(&unit, above),
        named: answers.is_some(),
        answers: answers.map(|answers| answers_of(&answers)).unwrap_or_default(),
        people,
        may_keep,
        parents,
        history: happened(queries::history(db, id.as_str()).await?),
        errors,
        unit,
    };
    Ok(page_with(status, page))
}

/// Where a unit may go: anywhere but below itself.
fn parents(rows: &[UnitRow], unit: &unit::Model) -> Vec<Choice> {
    let other = |row: &&UnitRow| !row.unit.path.starts_with(&unit.path) && row.unit.level <= unit.level;
    rows.iter().filter(other).map(|row| Choice::new(row.unit.id.to_string(), row.indented())).collect()
}

fn facts(unit: &unit::Model, above: Option<&UnitRow>) -> Vec<(&'static str, Html)> {
    let upper = above.map_or_else(
        || Html::text("—"),
        |row| Html::trusted(format!("<a href=\"/sys/orgs/{}\">{}</a>", row.unit.id, esc(&row.unit.name))),
    );
    let state = if unit.closed_at.is_some() { kit::tag("account_closed") } else { kit::tag("enabled") };
    vec![
        ("单位代码", Html::trusted(format!("<span class=\"hf-code\">{}</span>", esc(&unit.code)))),
        ("类别", Html::text(kind_name(unit.kind))),
        ("层级", Html::text(unit.level.name())),
        ("上级单位", upper),
        ("排序", Html::text(unit.sort.to_string())),
        ("状态", state),
    ]
}

fn answers_of(answers: &profile::Model) -> Vec<(&'static str, Html)> {
    let text = |value: &str| if value.is_empty() { Html::text("—") } else { Html::text(value) };
    let role = ResponsibleAs::parse(&answers.responsible_as).map_or("", ResponsibleAs::name);
    let phone = if answers.contact_phone.is_empty() {
        Html::text("—")
    } else {
        kit::mask(fmt::mask_phone(&answers.contact_phone))
    };
    vec![
        ("责任人", Html::text(format!("{}（{role}）", answers.responsible))),
        ("职务", text(&answers.responsible_post)),
        ("共享机构", text(&answers.sharing_office)),
        ("联系人", text(&answers.contact)),
        ("联系电话", phone),
        ("更新时间", Html::text(fmt::minute(answers.updated_at))),
    ]
}

/// The tree as nested `<details>`: open on the way to the chosen unit, so that it works without script.
fn tree(rows: &[UnitRow], chosen: &unit::Model) -> Html {
    let mut out = String::from("<ul class=\"hf-tree\">");
    let mut open = 0;
    for (at, row) in rows.iter().enumerate() {
        while open > row.depth {
            out.push_str("</ul></details></li>");
            open -= 1;
        }
        let below = rows.get(at + 1).is_some_and(|next| next.depth > row.depth);
        let here = row.unit.id == chosen.id;
        let link = format!(
            "<a href=\"/sys/orgs/{}\"{}>{}{}</a>",
            row.unit.id,
            if here { " class=\"is-on\" aria-current=\"true\"" } else { "" },
            esc(&row.unit.name),
            if row.people > 0 {
                format!("<small title=\"未注销账号\">{}</small>", fmt::number(row.people))
            } else {
                String::new()
            },
        );
        if below {
            let on_the_way = if chosen.path.starts_with(&row.unit.path) { " open" } else { "" };
            out.push_str(&format!("<li><details{on_the_way}><summary>{link}</summary><ul>"));
            open += 1;
        } else {
            out.push_str(&format!("<li>{link}</li>"));
        }
    }
    out.push_str(&"</ul></details></li>".repeat(open));
    out.push_str("</ul>");
    Html::trusted(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use hufu_kernel::actor::UnitLevel;
    use hufu_kernel::unit::UnitKind;

    fn row(name: &str, path: &str, depth: usize) -> UnitRow {
        let unit = unit::Model {
            id: UnitId::generate(),
            code: name.into(),
            name: name.into(),
            kind: UnitKind::Area,
            level: UnitLevel::City,
            parent_id: None,
            path: path.into(),
            sort: 0,
            closed_at: None,
            version: 1,
        };
        UnitRow { unit, depth, people: 0 }
    }

    #[test]
    fn the_tree_closes_what_it_opens_and_shows_the_way() {
        let rows = [
            row("市", "/1/", 0),
            row("县", "/1/2/", 1),
            row("镇<b>", "/1/2/3/", 2),
            row("局", "/1/4/", 1),
            row("邻市", "/5/", 0),
        ];
        let html = tree(&rows, &rows[2].unit);
        let count = |part: &str| html.as_str().matches(part).count();
        assert_eq!(count("<details"), 2);
        assert_eq!(count("</details>"), 2);
        assert_eq!(count("<ul"), count("</ul>"));
        assert_eq!(count("<details open>"), 2);
        assert!(!html.as_str().contains("<b>"));
        let elsewhere = tree(&rows, &rows[4].unit);
        assert_eq!(elsewhere.as_str().matches("<details open>").count(), 0);
    }
}
