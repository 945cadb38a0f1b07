//! 在线查询: what is granted on the left, a form or a statement in the middle, the masked answer below.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use hufu_gate::mandate::TableMandate;
use hufu_kernel::command::Ctx;
use hufu_kernel::error::{Error, Result};
use hufu_kernel::shell::kit::{Html, Proof};
use hufu_kernel::shell::page::page_with;
use hufu_kernel::shell::{Chrome, Query, WebResult, extract, fmt};
use serde::Deserialize;

use super::grade_sign;
use crate::Service;
use crate::condition::{identifier, literal};
use crate::data::{Answer, Ask, PAGE_ROWS};
use crate::mandate::{Ambiguous, Mandated};
use crate::model::form::BINDING;
use crate::model::way::Way;
use crate::queries;
use crate::store::rows::access_record::{AccessState, Model as Access};

/// Statements shown as history.
const HISTORY: u64 = 20;

/// What the page is asked, by link or by form.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    grant: Option<String>,
    /// Code of the resource whose form is shown.
    code: Option<String>,
    tab: Option<String>,
    sql: Option<String>,
    /// One condition of the form.
    field: Option<String>,
    op: Option<String>,
    value: Option<String>,
}

#[derive(Template)]
#[template(path = "sharing/query.html")]
struct Desk {
    chrome: Chrome,
    tables: Vec<TableView>,
    ambiguous: Vec<Ambiguous>,
    current: Option<TableView>,
    sql_tab: bool,
    asked: Asked,
    sql: String,
    answer: Option<AnswerView>,
    error: Option<(String, &'static str)>,
    history: Vec<Past>,
    binding: &'static str,
}

/// A granted table in the tree.
#[derive(Clone, Debug)]
struct TableView {
    grant: String,
    schema: String,
    name: String,
    title: String,
    purpose: String,
    until: String,
    left: u64,
    fields: Vec<(String, String, Html)>,
}

/// An answer with what stands above it.
struct AnswerView {
    heads: Vec<(String, Html)>,
    rows: Vec<Vec<Html>>,
    cut: bool,
    took: String,
    proof: Proof,
}

/// One line of the history.
struct Past {
    statement: String,
    at: String,
    result: String,
    bad: bool,
}

pub(super) async fn show(State(service): State<Service>, chrome: Chrome, ctx: Ctx, Query(asked): Query<Asked>) -> WebResult {
    draw(&service, chrome, &ctx, asked, false).await
}

/// Runs what was asked; the answer stands on the same page.
pub(super) async fn run(State(service): State<Service>, chrome: Chrome, ctx: Ctx, extract::Form(asked): extract::Form<Asked>) -> WebResult {
    draw(&service, chrome, &ctx, asked, true).await
}

async fn draw(service: &Service, chrome: Chrome, ctx: &Ctx, asked: Asked, runs: bool) -> WebResult<Response> {
    let grant = asked.grant.clone().filter(|grant| !grant.is_empty());
    let (mandated, stale) = match service.mandate(ctx, Way::Page, grant.as_deref()).await {
        Ok(mandated) => (mandated, None),
        // A grant that is over must not hide the others.
        Err(error) if grant.is_some() => (service.mandate(ctx, Way::Page, None).await?, Some(error)),
        Err(error) => return Err(error.into()),
    };
    let Mandated { mandate, ambiguous } = mandated;
    let current = current(&mandate.tables, &asked);
    let sql_tab = asked.tab.as_deref() == Some("sql");
    let sql = match (&asked.sql, current) {
        (Some(sql), _) if sql_tab && !sql.trim().is_empty() => sql.clone(),
        (_, Some(table)) => statement(table, &asked),
        (_, None) => String::new(),
    };
    let outcome = match stale {
        Some(error) => Err(error),
        None if runs => ask(service, ctx, &asked, current, sql_tab, &sql).await.map(Some),
        None => Ok(None),
    };
    let (answer, error) = match outcome {
        Ok(answer) => (answer, None),
        Err(error) => (None, Some((error.fields().first().map_or_else(|| error.message().to_owned(), |f| f.message.clone()), error.code()))),
    };
    let status = if error.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let history = queries::my_history(service.kernel.store.reader(), ctx.actor()?, HISTORY).await?;
    let desk = Desk {
        chrome: chrome.titled("在线查询").crumb("数据使用", "/query").slim().watermarked(),
        current: current.map(view),
        tables: mandate.tables.iter().map(view).collect(),
        ambiguous,
        sql_tab,
        sql,
        answer: answer.map(shown),
        error,
        history: history.into_iter().map(past).collect(),
        binding: BINDING,
        asked,
    };
    Ok(page_with(status, desk).into_response())
}

/// The table that is meant: by grant, by code of the resource in SQL, else the first.
fn current<'a>(tables: &'a [TableMandate], asked: &Asked) -> Option<&'a TableMandate> {
    let by_name = |table: &&TableMandate| asked.code.as_deref().is_some_and(|code| code == format!("{}.{}", table.schema, table.name));
    let by_grant = |table: &&TableMandate| asked.grant.as_deref() == Some(table.grant.as_str());
    tables.iter().find(by_name).or_else(|| tables.iter().find(by_grant)).or_else(|| tables.first())
}

async fn ask(service: &Service, ctx: &Ctx, asked: &Asked, current: Option<&TableMandate>, sql_tab: bool, sql: &str) -> Result<Answer> {
    let choice = asked.grant.as_deref().filter(|grant| !grant.is_empty());
    if sql_tab {
        return service.show(ctx, choice, sql).await;
    }
    let table = current.ok_or_else(|| Error::refused("您还没有可以在线查询的授权，请先提出申请"))?;
    let condition = condition(asked);
    let fields: Vec<&str> = table.fields.iter().map(|field| field.name.as_str()).collect();
    let ask = Ask { condition: (!condition.is_empty()).then_some(condition), ..Ask::default() };
    let sql = crate::data::statement(table, &fields, &ask)?;
    service.show(ctx, choice, &sql).await
}

/// The form's one condition in the grammar of [`crate::condition`].
fn condition(asked: &Asked) -> String {
    let field = asked.field.as_deref().unwrap_or_default();
    let value = asked.value.as_deref().unwrap_or_default();
    let text = || literal(value);
    match asked.op.as_deref() {
        _ if field.is_empty() => String::new(),
        Some("null") => format!("{field} is null"),
        Some("like") => format!("{field} like {}", literal(&format!("%{value}%"))),
        Some("num_ge") => format!("{field} >= {value}"),
        Some("num_le") => format!("{field} <= {value}"),
        Some("ne") => format!("{field} != {}", text()),
        _ => format!("{field} = {}", text()),
    }
}

fn statement(table: &TableMandate, _: &Asked) -> String {
    let fields: Vec<String> = table.fields.iter().map(|field| identifier(&field.name)).collect();
    format!("SELECT {}\nFROM {}.{}\nLIMIT {PAGE_ROWS}", fields.join(", "), identifier(&table.schema), identifier(&table.name))
}

fn view(table: &TableMandate) -> TableView {
    let fields = table.fields.iter().map(|field| (field.name.clone(), field.comment.clone(), grade_sign(&field.grade)));
    TableView {
        grant: table.grant.clone(),
        schema: table.schema.clone(),
        name: table.name.clone(),
        title: table.comment.clone(),
        purpose: table.purpose.clone(),
        until: table.until.with_timezone(&chrono::FixedOffset::east_opt(8 * 3600).unwrap_or_else(|| chrono::Offset::fix(&chrono::Utc))).date_naive().to_string(),
        left: table.quota.rows_left_today,
        fields: fields.collect(),
    }
}

fn shown(answer: Answer) -> AnswerView {
    let masked: Vec<bool> = answer.heads.iter().map(|head| head.masked).collect();
    let head = |head: &crate::data::Head| {
        let sign = head.grade.as_deref().map_or_else(|| Html::trusted(""), grade_sign);
        (head.title.clone(), sign)
    };
    let cell = |(value, masked): (&Option<String>, &bool)| match value {
        None => Html::trusted("<span class=\"hf-dim\">—</span>"),
        Some(value) if *masked => hufu_kernel::shell::kit::mask(value),
        Some(value) => Html::text(value),
    };
    AnswerView {
        heads: answer.heads.iter().map(head).collect(),
        rows: answer.rows.iter().map(|row| row.iter().zip(&masked).map(cell).collect()).collect(),
        cut: answer.cut,
        took: fmt::duration_ms(u64::try_from(answer.took_ms).unwrap_or(u64::MAX)),
        proof: Proof::entry(answer.index),
    }
}

fn past(row: Access) -> Past {
    let bad = matches!(row.state, AccessState::Refused | AccessState::Failed);
    let result = match row.state {
        AccessState::Done | AccessState::Stopped => format!("{} 行，{}", fmt::number(row.rows_released), fmt::duration_ms(u64::try_from(row.duration_ms).unwrap_or(0))),
        AccessState::AtMost => format!("中断，至多 {} 行", fmt::number(row.rows_reserved)),
        AccessState::Refused | AccessState::Failed | AccessState::Open => {
            format!("{} {}", row.state.name(), row.code.unwrap_or_default())
        }
    };
    Past { statement: row.statement, at: fmt::short(row.at), result, bad }
}

impl Desk {
    /// Tables by schema, for the tree.
    fn tree(&self) -> BTreeMap<&str, Vec<&TableView>> {
        let mut tree: BTreeMap<&str, Vec<&TableView>> = BTreeMap::new();
        for table in &self.tables {
            tree.entry(table.schema.as_str()).or_default().push(table);
        }
        tree
    }

    fn is_field(&self, name: &str) -> bool {
        self.asked.field.as_deref() == Some(name)
    }

    fn is_op(&self, op: &str) -> bool {
        self.asked.op.as_deref() == Some(op)
    }

    fn value(&self) -> &str {
        self.asked.value.as_deref().unwrap_or_default()
    }
}
