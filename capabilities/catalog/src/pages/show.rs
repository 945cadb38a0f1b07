//! Page 6: 目录详情, and what people do there: approve, withdraw, check, change the attribute, take offline.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use hufu_kernel::actor::UnitRef;
use hufu_kernel::approval::{self, Decision, StepWord, Timeline, Verdict};
use hufu_kernel::audit;
use hufu_kernel::command::{Ctx, run};
use hufu_kernel::error::{Error, FieldError, Result};
use hufu_kernel::shell::kit::{self, Html, Proof, Tab, tag};
use hufu_kernel::shell::page::{go, page_with};
use hufu_kernel::shell::parts::{Choice, FieldErrors, Happening, Pace, Step};
use hufu_kernel::shell::{Chrome, Form, Path, Query, WebResult, fmt, page};
use hufu_kernel::unit;
use serde::Deserialize;

use super::words::{may, or_dash, sharing_choices, sharing_code, state_code, yes_no};
use crate::commands::change_sharing::ChangeSharing;
use crate::commands::decide_resource::DecideResource;
use crate::commands::decide_sharing::DecideSharing;
use crate::commands::policy_resource;
use crate::commands::submit_resource::SubmitResource;
use crate::commands::take_offline::TakeOffline;
use crate::commands::withdraw_resource::WithdrawResource;
use crate::model::codes;
use crate::model::field::kind_title;
use crate::model::metadata::SharingTerms;
use crate::model::state::State as EntryState;
use crate::model::terms::Sharing;
use crate::store::{change, check, field, resource, source, version};
use crate::{Catalog, Usage};

/// Entries of 操作记录 on the page.
const RECORDS_MAX: u64 = 100;
/// Checks that the page shows.
const CHECKS_MAX: u64 = 10;

#[derive(Template)]
#[template(path = "catalog/show.html")]
struct Show {
    chrome: Chrome,
    row: resource::Model,
    signs: Html,
    facts: Vec<(&'static str, Html)>,
    tabs: Vec<Tab>,
    tab: String,
    can: Can,
    body: Body,
    /// Approvals of the entry and of its pending change, newest first.
    decisions: Vec<Deciding>,
}

impl Show {
    fn offline_action(&self) -> String {
        format!("/catalog/{}/offline", self.row.path_code())
    }
}

/// Which buttons the page has.
#[derive(Clone, Copy, Debug, Default)]
struct Can {
    edit: bool,
    submit: bool,
    withdraw: bool,
    offline: bool,
    change: bool,
    check: bool,
    apply: bool,
}

/// What the chosen tab shows.
enum Body {
    Basic(Vec<(&'static str, Html)>),
    Fields(Vec<FieldRow>),
    Mount(Box<Mounted>),
    Sharing(Vec<Usage>),
    Changes(Vec<ChangeRow>),
    Versions(Vec<version::Model>),
    Records(Vec<Record>),
}

struct FieldRow {
    field: field::Model,
    kind: String,
    level: u8,
}

struct Mounted {
    source: Option<source::Model>,
    checks: Vec<(check::Model, Vec<check::item::Model>)>,
}

struct ChangeRow {
    row: change::Model,
    from: SharingTerms,
    to: SharingTerms,
}

struct Record {
    row: audit::Model,
    name: String,
}

/// An approval as the page draws it, with the way to decide when it is this person's turn.
struct Deciding {
    title: String,
    steps: Vec<Step>,
    line: Vec<Happening>,
    action: Option<String>,
    version: i32,
}

#[derive(Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    tab: Option<String>,
}

pub(super) async fn show(
    State(catalog): State<Catalog>,
    chrome: Chrome,
    ctx: Ctx,
    Path(code): Path<String>,
    Query(asked): Query<Asked>,
) -> WebResult {
    let (row, owner) = visible(&catalog, &ctx, &code).await?;
    let tab = asked.tab.unwrap_or_else(|| "basic".to_owned());
    let fields = field::of(catalog.kernel().store.reader(), &row.id).await?;
    let show = Show {
        chrome: chrome.titled(row.name.clone()).crumb("数据目录", "/catalog").crumb("目录检索", "/catalog"),
        signs: signs(&catalog, &row),
        facts: facts(&row, &owner.name, fields.len()),
        tabs: tabs(&catalog, &row, &tab, fields.len()),
        can: can(&catalog, &ctx, &row, &owner),
        decisions: decisions(&catalog, &ctx, &row).await?,
        body: body(&catalog, &row, &owner, &tab, fields).await?,
        tab,
        row,
    };
    Ok(page(show))
}

/// The entry, when this person may see it; else it does not exist for them.
async fn visible(catalog: &Catalog, ctx: &Ctx, code: &str) -> Result<(resource::Model, UnitRef)> {
    ctx.actor()?;
    let db = catalog.kernel().store.reader();
    let row = resource::find_by_key(db, code).await?;
    let owner = unit::find(db, &row.unit_id).await?.as_ref();
    let target = policy_resource(row.id.as_str(), &owner, row.state);
    catalog.allow(ctx, "catalog.resource.view", &target).map_err(|_| Error::not_found("数据资源目录"))?;
    Ok((row, owner))
}

fn signs(catalog: &Catalog, row: &resource::Model) -> Html {
    let level = kit::level_named(catalog.level(row.grade.as_deref()));
    let parts = [tag(state_code(row.state)), level, tag(row.kind.code()), tag(sharing_code(row.sharing))];
    let important = if row.important { "<span class=\"hf-tag is-amber\">重要数据</span>" } else { "" };
    Html::trusted(parts.iter().map(Html::as_str).collect::<String>() + important)
}

fn facts(row: &resource::Model, unit: &str, fields: usize) -> Vec<(&'static str, Html)> {
    let rows = row.row_count.map_or_else(|| or_dash(""), |rows| Html::text(format!("{} 行", fmt::number(rows))));
    vec![
        ("提供单位", Html::text(unit)),
        ("信息项", Html::text(format!("{fields} 项"))),
        ("数据量", rows),
        ("更新周期", Html::text(row.cycle.title())),
        ("最近更新", Html::text(fmt::minute(row.updated_at))),
        ("发布日期", Html::text(row.published_at.map(fmt::day).unwrap_or_else(|| "未发布".to_owned()))),
    ]
}

fn tabs(catalog: &Catalog, row: &resource::Model, on: &str, fields: usize) -> Vec<Tab> {
    let mut tabs = vec![("basic", "基本信息"), ("fields", "信息项"), ("mount", "挂接资源")];
    if catalog.usage().is_some() {
        tabs.push(("sharing", "共享情况"));
    }
    tabs.extend([("change", "属性变更"), ("versions", "版本"), ("records", "操作记录")]);
    let href = |key: &str| format!("/catalog/{}?tab={key}", row.path_code());
    let tab = |(key, label): (&str, &str)| Tab {
        count: (key == "fields").then_some(fields as u64),
        ..Tab::new(label, href(key), key == on)
    };
    tabs.into_iter().map(tab).collect()
}

fn can(catalog: &Catalog, ctx: &Ctx, row: &resource::Model, owner: &UnitRef) -> Can {
    let target = policy_resource(row.id.as_str(), owner, row.state);
    let ask = |action: &str| may(catalog, ctx, action, &target);
    let state = row.state;
    let open = matches!(state, EntryState::Draft | EntryState::Offline);
    let published = state == EntryState::Published;
    let asks = ctx.actor.as_ref().is_some_and(|actor| actor.has(hufu_kernel::actor::Role::R4));
    Can {
        edit: open && ask("catalog.resource.edit"),
        submit: open && ask("catalog.resource.submit"),
        withdraw: state == EntryState::Submitted && ask("catalog.resource.withdraw"),
        offline: published && ask("catalog.resource.take_offline"),
        change: published && ask("catalog.sharing.change"),
        check: row.source_id.is_some() && ask("catalog.resource.check"),
        apply: published && row.sharing != Sharing::Withheld && asks,
    }
}

async fn body(
    catalog: &Catalog,
    row: &resource::Model,
    owner: &UnitRef,
    tab: &str,
    fields: Vec<field::Model>,
) -> Result<Body> {
    let db = catalog.kernel().store.reader();
    Ok(match tab {
        "fields" => Body::Fields(
            fields
                .into_iter()
                .map(|field| FieldRow {
                    kind: field.kind.as_deref().map(|kind| kind_title(kind).to_owned()).unwrap_or_default(),
                    level: catalog.level(field.grade.as_deref()),
                    field,
                })
                .collect(),
        ),
        "mount" => Body::Mount(Box::new(mounted(catalog, row).await?)),
        "sharing" => Body::Sharing(match catalog.usage() {
            Some(usage) => usage.grants(&row.id).await?,
            None => Vec::new(),
        }),
        "change" => {
            let mut rows = Vec::new();
            for row in change::of(db, &row.id).await? {
                rows.push(ChangeRow { from: row.from()?, to: row.to()?, row });
            }
            Body::Changes(rows)
        }
        "versions" => Body::Versions(version::of(db, &row.id).await?),
        "records" => Body::Records(records(catalog, row).await?),
        _ => Body::Basic(basic(row, &owner.code)),
    })
}

fn basic(row: &resource::Model, unit_code: &str) -> Vec<(&'static str, Html)> {
    let class = row.metadata().class;
    let names = [class.category_title(), &class.item_name, &class.directory_name, &class.detail_name];
    let class_words = names.into_iter().filter(|name| !name.is_empty()).collect::<Vec<_>>().join(" / ");
    let mut pairs = vec![
        ("资源代码", Html::text(&row.code)),
        ("资源分类", Html::text(class_words)),
        ("分类代码", Html::text(&row.class_code)),
        ("SQL 名称", Html::trusted(format!("<span class=\"hf-code\">{}</span>", kit::esc(&sql_name(unit_code, row))))),
        ("提供方代码", or_dash(&row.provider_code)),
        ("资源格式", Html::text(format!("{} · {}", row.format_class, row.format_type))),
        ("主题", or_dash(&row.theme)),
        ("共享类型", Html::text(row.sharing.title())),
        ("共享方式", Html::text(format!("{} · {}", row.method_class, row.method))),
    ];
    match row.sharing {
        Sharing::Unconditional => {}
        Sharing::Conditional => {
            pairs.push(("共享范围", or_dash(&row.sharing_scope)));
            pairs.push(("用途条件", or_dash(&row.sharing_purpose)));
        }
        Sharing::Withheld => {
            pairs.push(("法律依据", or_dash(&row.withheld_basis)));
            pairs.push(("不予理由", or_dash(&row.withheld_reason)));
            pairs.push(("下次复核", Html::text(row.review_due.map(fmt::day).unwrap_or_default())));
        }
    }
    pairs.extend([
        ("向社会开放", yes_no(row.open)),
        ("开放条件", or_dash(&row.open_condition)),
        ("可交易", yes_no(row.tradeable)),
        ("重要数据", yes_no(row.important)),
        ("敏感信息", yes_no(row.sensitive)),
        ("关联资源", or_dash(&row.related_code)),
        ("版本", Html::text(format!("第 {} 版", row.version))),
    ]);
    pairs
}

/// Schema and table, as a statement names them: a code that begins with a digit needs quotes.
fn sql_name(unit_code: &str, row: &resource::Model) -> String {
    if codes::is_table_name(unit_code) {
        format!("{unit_code}.{}", row.table_name)
    } else {
        format!("\"{unit_code}\".{}", row.table_name)
    }
}

async fn mounted(catalog: &Catalog, row: &resource::Model) -> Result<Mounted> {
    let db = catalog.kernel().store.reader();
    let source = match &row.source_id {
        Some(id) => Some(source::find(db, id).await?),
        None => None,
    };
    let mut checks = Vec::new();
    for check in check::of(db, &row.id, CHECKS_MAX).await? {
        let items = check::items(db, &check.id).await?;
        checks.push((check, items));
    }
    Ok(Mounted { source, checks })
}

/// Entries about the entry itself and about its changes of attribute, newest first.
async fn records(catalog: &Catalog, row: &resource::Model) -> Result<Vec<Record>> {
    let db = catalog.kernel().store.reader();
    let mut rows = audit::of_object(db, "catalog.resource", row.id.as_str(), RECORDS_MAX).await?;
    for change in change::of(db, &row.id).await? {
        rows.extend(audit::of_object(db, "catalog.change", change.id.as_str(), RECORDS_MAX).await?);
    }
    rows.sort_by(|one, other| other.id.cmp(&one.id));
    Ok(rows.into_iter().map(|row| Record { name: catalog.action_name(&row.action), row }).collect())
}

async fn decisions(catalog: &Catalog, ctx: &Ctx, row: &resource::Model) -> Result<Vec<Deciding>> {
    let store = &catalog.kernel().store;
    let db = store.reader();
    let calendar = &store.rules().calendar;
    let mut found = Vec::new();
    if let Some(change) = change::pending(db, &row.id).await? {
        let action = format!("/catalog/{}/decide-change", row.path_code());
        for line in approval::timeline(db, change.id.as_str(), ctx.now, calendar).await?.into_iter().take(1) {
            found.push(deciding(ctx, line, action.clone()));
        }
    }
    let action = format!("/catalog/{}/decide", row.path_code());
    for line in approval::timeline(db, row.id.as_str(), ctx.now, calendar).await?.into_iter().take(1) {
        found.push(deciding(ctx, line, action.clone()));
    }
    Ok(found)
}

fn deciding(ctx: &Ctx, line: Timeline, action: String) -> Deciding {
    let actor = ctx.actor.as_ref();
    let turn = line.steps.iter().find(|step| step.is_current && step.state == StepWord::Open);
    let mine = turn.is_some_and(|step| {
        actor.is_some_and(|actor| {
            actor.has(step.role) && actor.unit.name == step.unit_name && actor.account != line.approval.initiator
        })
    });
    let steps = line.steps.iter().map(|step| {
        let pace = match step.state {
            StepWord::Approved | StepWord::Partial => Pace::Done,
            StepWord::Refused => Pace::Back,
            StepWord::Open => Pace::Now,
            StepWord::Waiting => Pace::Ahead,
        };
        let note = match (step.decided_at, step.remaining) {
            (Some(at), _) => fmt::short(at),
            (None, Some(days)) if pace == Pace::Now => format!("{} · 剩 {days} 个工作日", step.unit_name),
            (None, _) => step.unit_name.clone(),
        };
        Step::new(pace, step.title.clone(), note)
    });
    let happenings = line.opinions.iter().map(|opinion| Happening {
        who: opinion.name.clone(),
        post: opinion.unit_name.clone(),
        at: Some(opinion.at),
        act: if opinion.step_title.is_empty() { opinion.act.clone() } else { format!("{}：{}", opinion.step_title, opinion.act) },
        opinion: if opinion.missing.is_empty() { opinion.text.clone() } else { opinion.missing.join("；") },
        proof: opinion.ledger_index.and_then(|index| u64::try_from(index).ok()).map(Proof::entry),
        own: false,
        now: false,
    });
    Deciding {
        title: line.approval.title.clone(),
        steps: steps.collect(),
        line: happenings.collect(),
        action: mine.then_some(action),
        version: line.approval.version,
    }
}

#[derive(Deserialize)]
pub(super) struct Decided {
    verdict: String,
    version: i32,
    #[serde(default)]
    opinion: String,
}

impl Decided {
    /// 补正 lists what is missing, one item to a line or sentence.
    fn decision(self) -> Result<Decision> {
        let opinion = self.opinion.trim().to_owned();
        let verdict = match self.verdict.as_str() {
            "approve" => Verdict::Approve,
            "refuse" => Verdict::Refuse,
            "supplement" => {
                let items = opinion.split(['\n', '；', ';']).map(str::trim).filter(|item| !item.is_empty());
                Verdict::Supplement { missing: items.map(str::to_owned).collect() }
            }
            _ => return Err(Error::invalid(vec![FieldError::new("verdict", "请选择同意、退回补正或驳回")])),
        };
        Ok(Decision { verdict, opinion, version: self.version })
    }
}

pub(super) async fn decide(
    State(catalog): State<Catalog>,
    ctx: Ctx,
    Path(code): Path<String>,
    Form(decided): Form<Decided>,
) -> WebResult {
    let decision = decided.decision()?;
    run(catalog.kernel(), &ctx, DecideResource { key: code.clone(), decision }).await?;
    Ok(go(&format!("/catalog/{code}")))
}

pub(super) async fn decide_change(
    State(catalog): State<Catalog>,
    ctx: Ctx,
    Path(code): Path<String>,
    Form(decided): Form<Decided>,
) -> WebResult {
    let decision = decided.decision()?;
    run(catalog.kernel(), &ctx, DecideSharing { key: code.clone(), decision }).await?;
    Ok(go(&format!("/catalog/{code}?tab=change")))
}

#[derive(Deserialize)]
pub(super) struct Seen {
    version: i32,
    #[serde(default)]
    reason: String,
}

pub(super) async fn submit(
    State(catalog): State<Catalog>,
    ctx: Ctx,
    Path(code): Path<String>,
    Form(seen): Form<Seen>,
) -> WebResult {
    let command = SubmitResource { key: code.clone(), version: seen.version, scheme: catalog.scheme() };
    match run(catalog.kernel(), &ctx, command).await {
        Ok(_) => Ok(go(&format!("/catalog/{code}"))),
        Err(error) if error.fields().is_empty() => Err(error.into()),
        // The last step of the wizard names everything that is missing.
        Err(_) => Ok(go(&format!("/catalog/edit/{code}?step=4&check=1"))),
    }
}

pub(super) async fn withdraw(
    State(catalog): State<Catalog>,
    ctx: Ctx,
    Path(code): Path<String>,
    Form(seen): Form<Seen>,
) -> WebResult {
    run(catalog.kernel(), &ctx, WithdrawResource { key: code.clone(), version: seen.version, reason: seen.reason }).await?;
    Ok(go(&format!("/catalog/{code}")))
}

pub(super) async fn take_offline(
    State(catalog): State<Catalog>,
    ctx: Ctx,
    Path(code): Path<String>,
    Form(seen): Form<Seen>,
) -> WebResult {
    run(catalog.kernel(), &ctx, TakeOffline { key: code.clone(), version: seen.version, reason: seen.reason }).await?;
    Ok(go(&format!("/catalog/{code}")))
}

pub(super) async fn check(State(catalog): State<Catalog>, ctx: Ctx, Path(code): Path<String>) -> WebResult {
    catalog.check(&ctx, &code).await?;
    Ok(go(&format!("/catalog/{code}?tab=mount")))
}

#[derive(Template)]
#[template(path = "catalog/change.html")]
struct ChangeForm {
    chrome: Chrome,
    row: resource::Model,
    terms: SharingTerms,
    reason: String,
    sharing: Vec<Choice>,
    errors: FieldErrors,
}

pub(super) async fn change_form(
    State(catalog): State<Catalog>,
    chrome: Chrome,
    ctx: Ctx,
    Path(code): Path<String>,
) -> WebResult {
    let (row, owner) = visible(&catalog, &ctx, &code).await?;
    catalog.allow(&ctx, "catalog.sharing.change", &policy_resource(row.id.as_str(), &owner, row.state))?;
    let terms = row.terms();
    Ok(page(change_page(chrome, row, terms, String::new(), FieldErrors::none())))
}

fn change_page(chrome: Chrome, row: resource::Model, terms: SharingTerms, reason: String, errors: FieldErrors) -> ChangeForm {
    let href = format!("/catalog/{}", row.path_code());
    let chrome = chrome.titled("变更共享属性").crumb("数据目录", "/catalog").crumb(row.name.clone(), href);
    ChangeForm { chrome, row, terms, reason, sharing: sharing_choices(), errors }
}

#[derive(Deserialize)]
pub(super) struct ChangeInput {
    version: i32,
    sharing: Sharing,
    #[serde(default)]
    scope: String,
    #[serde(default)]
    purpose: String,
    #[serde(default)]
    basis: String,
    #[serde(default)]
    reason: String,
    #[serde(default)]
    change_reason: String,
}

pub(super) async fn change(
    State(catalog): State<Catalog>,
    chrome: Chrome,
    ctx: Ctx,
    Path(code): Path<String>,
    Form(input): Form<ChangeInput>,
) -> WebResult {
    let terms = SharingTerms {
        sharing: input.sharing,
        scope: input.scope,
        purpose: input.purpose,
        basis: input.basis,
        reason: input.reason,
    };
    let command = ChangeSharing {
        key: code.clone(),
        version: input.version,
        terms: terms.clone(),
        reason: input.change_reason.clone(),
    };
    match run(catalog.kernel(), &ctx, command).await {
        Ok(_) => Ok(go(&format!("/catalog/{code}?tab=change"))),
        Err(error) => {
            let errors = FieldErrors::of(error)?;
            let (row, _) = visible(&catalog, &ctx, &code).await?;
            let form = change_page(chrome, row, terms, input.change_reason, errors);
            Ok(page_with(StatusCode::UNPROCESSABLE_ENTITY, form))
        }
    }
}
