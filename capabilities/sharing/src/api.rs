//! `/api/v1/sharing/…`, `/api/v1/data/{code}` and `/api/v1/sql`.

use std::collections::BTreeMap;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use chrono::NaiveDate;
use futures::TryStreamExt;
use hufu_catalog::gate_error;
use hufu_gate::Opened;
use hufu_gate::ways::{Format, encode};
use hufu_kernel::approval::Verdict;
use hufu_kernel::command::{Ctx, Receipt, run};
use hufu_kernel::error::{Error, FieldError, Result};
use hufu_kernel::shell::list::ListQuery;
use hufu_kernel::shell::{Json, Path, Query, WebResult};
use serde::{Deserialize, Serialize};

use crate::Service;
use crate::commands::{DecideFront, DecidePart, Proposal, ResumeGrant, RevokeGrant, SaveDraft, SubmitApplication, SuspendGrant, WithdrawApplication, choice_of};
use crate::data::Ask;
use crate::model::application::State as AppState;
use crate::model::form::{Asked, AskedField, Form};
use crate::model::grant::Quota;
use crate::model::terms::{Choice, Decision};
use crate::model::way::{Way, Ways};
use crate::pages::{GRANTS, GrantListFilter, application_code, grant_code, pick_part};
use crate::queries::{self, ApplicationView, Slice};

/// Header of the place in the ledger under which an answer is recorded.
pub const LEDGER_INDEX: &str = "hufu-ledger-index";
/// Header that chooses among several grants.
const GRANT: &str = "hufu-grant";

/// All calls.
pub fn routes(service: Service) -> Router {
    Router::new()
        .route("/api/v1/sharing/applications", post(create))
        .route("/api/v1/sharing/applications/{no}", get(show))
        .route("/api/v1/sharing/applications/{no}/submit", post(submit))
        .route("/api/v1/sharing/applications/{no}/withdraw", post(withdraw))
        .route("/api/v1/sharing/applications/{no}/decide", post(decide))
        .route("/api/v1/sharing/grants", get(grants))
        .route("/api/v1/sharing/grants/{no}/suspend", post(suspend))
        .route("/api/v1/sharing/grants/{no}/resume", post(resume))
        .route("/api/v1/sharing/grants/{no}/revoke", post(revoke))
        .route("/api/v1/data/{code}", get(data))
        .route("/api/v1/sql", post(sql))
        .with_state(service)
}

/// An application as a client writes it; what is absent is taken from the last one or the usual.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct NewApplication {
    resources: Vec<NewResource>,
    scenario: String,
    #[serde(default)]
    basis: Option<String>,
    #[serde(default)]
    scope_of_use: Option<String>,
    #[serde(default)]
    ways: Option<Vec<Way>>,
    /// Accounts or log-ins of the own unit.
    #[serde(default)]
    persons: Option<Vec<String>>,
    #[serde(default)]
    quota: Option<Quota>,
    #[serde(default)]
    from: Option<NaiveDate>,
    #[serde(default)]
    until: Option<NaiveDate>,
    #[serde(default)]
    system_name: Option<String>,
    #[serde(default)]
    filing_no: Option<String>,
    /// The binding sentence: only for own duty, not to third parties.
    #[serde(default)]
    bound: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct NewResource {
    code: String,
    fields: Vec<NewField>,
    #[serde(default)]
    row_scope: String,
}

/// A field by name, or with what is asked besides.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum NewField {
    Name(String),
    Full {
        name: String,
        #[serde(default)]
        unmasked: bool,
        #[serde(default)]
        reason: String,
    },
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Words {
    reason: String,
    version: Option<i32>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Decided {
    decision: String,
    #[serde(default)]
    reason: String,
    /// Names of the fields that are given, for `partial`.
    #[serde(default)]
    fields: Option<Vec<String>>,
    /// Until when a field asked unmasked is clear, by name.
    #[serde(default)]
    clear_until: BTreeMap<String, NaiveDate>,
    /// What is missing, for `supplement`; absent takes the lines of the reason.
    #[serde(default)]
    missing: Option<Vec<String>>,
    #[serde(default)]
    part: Option<i32>,
    #[serde(default)]
    version: Option<i32>,
}

#[derive(Debug, Serialize)]
struct ApplicationJson {
    no: String,
    state: &'static str,
    scenario: String,
    basis: String,
    version: i32,
    submitted_at: Option<String>,
    missing: Vec<String>,
    parts: Vec<PartJson>,
    resources: Vec<ResourceJson>,
    grants: Vec<GrantJson>,
}

#[derive(Debug, Serialize)]
struct PartJson {
    part: i32,
    provider: String,
    state: crate::model::part::State,
    reason: String,
}

#[derive(Debug, Serialize)]
struct ResourceJson {
    code: String,
    name: String,
    row_scope: String,
    fields: Vec<FieldJson>,
}

#[derive(Debug, Serialize)]
struct FieldJson {
    name: String,
    title: String,
    grade: String,
    unmasked: bool,
    mask: String,
    given: Option<bool>,
}

#[derive(Debug, Serialize)]
struct GrantJson {
    no: String,
    resource: String,
    state: &'static str,
    until: String,
}

async fn create(State(service): State<Service>, ctx: Ctx, Json(new): Json<NewApplication>) -> WebResult {
    let form = form(queries::starting_form(&service.kernel, &service.sharing, &ctx).await?, new);
    let command = SaveDraft { sharing: service.sharing.clone(), no: None, version: None, form };
    let receipt = run(&service.kernel, &ctx, command).await?;
    let no = receipt.output.application.no.clone();
    let view = queries::application(&service.kernel, &ctx, &no).await?;
    Ok(with_index(StatusCode::CREATED, &json(&view), receipt.ledger_index))
}

async fn show(State(service): State<Service>, ctx: Ctx, Path(no): Path<String>) -> WebResult {
    let view = queries::application(&service.kernel, &ctx, &no).await?;
    Ok(axum::Json(json(&view)).into_response())
}

async fn submit(State(service): State<Service>, ctx: Ctx, Path(no): Path<String>, Json(words): Json<Words>) -> WebResult {
    let command = SubmitApplication { sharing: service.sharing.clone(), no: Some(no.clone()), version: words.version, form: None, note: words.reason };
    let receipt = run(&service.kernel, &ctx, command).await?;
    answer(&service, &ctx, &no, receipt).await
}

async fn withdraw(State(service): State<Service>, ctx: Ctx, Path(no): Path<String>, Json(words): Json<Words>) -> WebResult {
    let command = WithdrawApplication { no: no.clone(), version: words.version, reason: words.reason };
    let receipt = run(&service.kernel, &ctx, command).await?;
    answer(&service, &ctx, &no, receipt).await
}

/// Decides whatever step waits: the front while it is under review, else the reader's unit's part.
async fn decide(State(service): State<Service>, ctx: Ctx, Path(no): Path<String>, Json(decided): Json<Decided>) -> WebResult {
    let view = queries::application(&service.kernel, &ctx, &no).await?;
    let verdict = verdict(&decided)?;
    let sharing = service.sharing.clone();
    let receipt = if view.paper.application.state == AppState::Reviewing {
        let command = DecideFront { sharing, no: no.clone(), verdict, opinion: decided.reason, version: decided.version };
        run(&service.kernel, &ctx, command).await?
    } else {
        let part = pick_part(&view, &ctx, decided.part)?;
        let proposal = proposal(&view, part, &decided);
        let command = DecidePart { sharing, no: no.clone(), seq: part.seq, verdict, opinion: decided.reason, version: decided.version, proposal };
        run(&service.kernel, &ctx, command).await?
    };
    answer(&service, &ctx, &no, receipt).await
}

async fn grants(State(service): State<Service>, ctx: Ctx, query: ListQuery<GrantListFilter>) -> WebResult {
    let slice = Slice::new(query.paging.page, query.paging.limit());
    let (rows, total) = queries::grant_lines(&service.kernel, &ctx, &query.filter.filter(), slice).await?;
    let mut list = GRANTS.json(&rows, total);
    // The page's first column leads with the resource; programs ask for the number it is called by.
    for (item, line) in list.get_mut("items").and_then(serde_json::Value::as_array_mut).into_iter().flatten().zip(&rows) {
        item["resource"] = line.row.resource_name.clone().into();
        item["no"] = line.row.no.clone().into();
    }
    Ok(axum::Json(list).into_response())
}

async fn suspend(State(service): State<Service>, ctx: Ctx, Path(no): Path<String>, Json(words): Json<Words>) -> WebResult {
    let command = SuspendGrant { no: no.clone(), reason: words.reason, version: words.version, batch: None };
    let receipt = run(&service.kernel, &ctx, command).await?;
    grant_answer(&service, &ctx, &no, receipt).await
}

async fn resume(State(service): State<Service>, ctx: Ctx, Path(no): Path<String>, Json(words): Json<Words>) -> WebResult {
    let receipt = run(&service.kernel, &ctx, ResumeGrant { no: no.clone(), reason: words.reason, version: words.version }).await?;
    grant_answer(&service, &ctx, &no, receipt).await
}

async fn revoke(State(service): State<Service>, ctx: Ctx, Path(no): Path<String>, Json(words): Json<Words>) -> WebResult {
    let receipt = run(&service.kernel, &ctx, RevokeGrant { no: no.clone(), reason: words.reason, version: words.version }).await?;
    grant_answer(&service, &ctx, &no, receipt).await
}

/// `GET /data/{code}?fields=a,b&where=…&order=…&limit=…&format=…`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct DataQuery {
    fields: Option<String>,
    #[serde(rename = "where")]
    condition: Option<String>,
    order: Option<String>,
    limit: Option<u64>,
    format: Option<String>,
}

async fn data(State(service): State<Service>, ctx: Ctx, headers: HeaderMap, Path(code): Path<String>, Query(asked): Query<DataQuery>) -> WebResult {
    let format = format(asked.format.as_deref())?;
    let fields = asked.fields.as_deref().unwrap_or_default().split(',').map(str::trim).filter(|name| !name.is_empty());
    let ask = Ask { fields: fields.map(str::to_owned).collect(), condition: asked.condition, order: asked.order, limit: asked.limit };
    let opened = service.read_resource(&ctx, Way::Http, choice(&headers), &code, &ask).await?;
    stream(opened, format)
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SqlBody {
    sql: String,
    #[serde(default)]
    grant: Option<String>,
    #[serde(default)]
    format: Option<String>,
}

async fn sql(State(service): State<Service>, ctx: Ctx, Json(body): Json<SqlBody>) -> WebResult {
    let format = format(body.format.as_deref())?;
    let opened = service.read(&ctx, Way::Http, body.grant.as_deref(), &body.sql).await?;
    stream(opened, format)
}

fn choice(headers: &HeaderMap) -> Option<&str> {
    headers.get(GRANT).and_then(|value| value.to_str().ok()).map(str::trim).filter(|choice| !choice.is_empty())
}

fn format(name: Option<&str>) -> Result<Format> {
    let name = name.filter(|name| !name.is_empty()).unwrap_or("json");
    let wrong = || Error::invalid(vec![FieldError::new("format", "应为 json、ndjson、csv、arrow 或 parquet")]);
    Format::named(name).ok_or_else(wrong)
}

/// Rows as they come. An answer that is cut short does not end well-formed, so nobody takes it for whole.
fn stream(opened: Opened, format: Format) -> WebResult {
    let index = opened.index;
    let bytes = encode(format, &opened.schema, opened.rows).map_err(gate_error)?;
    let mut response = Body::from_stream(bytes.map_err(|error| std::io::Error::other(error.code))).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(format.content_type()));
    headers.insert(LEDGER_INDEX, HeaderValue::from(index));
    Ok(response)
}

fn form(start: Form, new: NewApplication) -> Form {
    let field = |field: NewField| match field {
        NewField::Name(name) => AskedField { name, unmasked: false, reason: String::new() },
        NewField::Full { name, unmasked, reason } => AskedField { name, unmasked, reason },
    };
    let asked = |resource: NewResource| Asked {
        code: resource.code,
        row_scope: resource.row_scope,
        fields: resource.fields.into_iter().map(field).collect(),
    };
    Form {
        scenario: new.scenario,
        basis: new.basis.unwrap_or(start.basis),
        scope_of_use: new.scope_of_use.unwrap_or(start.scope_of_use),
        ways: new.ways.map_or(start.ways, Ways::new),
        quota: new.quota.unwrap_or(start.quota),
        from: new.from.or(start.from),
        until: new.until.or(start.until),
        system_name: new.system_name.unwrap_or(start.system_name),
        filing_no: new.filing_no.unwrap_or(start.filing_no),
        bound: new.bound,
        persons: new.persons.unwrap_or(start.persons),
        resources: new.resources.into_iter().map(asked).collect(),
    }
}

fn verdict(decided: &Decided) -> Result<Verdict> {
    match decided.decision.as_str() {
        "approve" => Ok(Verdict::Approve),
        "partial" => Ok(Verdict::Partial),
        "refuse" => Ok(Verdict::Refuse),
        "supplement" => {
            let lines = || decided.reason.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect();
            Ok(Verdict::Supplement { missing: decided.missing.clone().unwrap_or_else(lines) })
        }
        _ => Err(Error::invalid(vec![FieldError::new("decision", "应为 approve、partial、refuse 或 supplement")])),
    }
}

/// For `partial` the named fields are given; clear values are named with their end.
fn proposal(view: &ApplicationView, part: &crate::store::rows::part::Model, decided: &Decided) -> Proposal {
    let mut fields = BTreeMap::new();
    for field in view.paper.items_of(&part.id).flat_map(|item| &item.fields) {
        let give = decided.fields.as_ref().is_none_or(|given| given.contains(&field.name));
        let clear_until = decided.clear_until.get(&field.name).map(|day| hufu_kernel::time::Timestamp::end_of(*day));
        if !give || clear_until.is_some() {
            let reason = if give { String::new() } else { decided.reason.clone() };
            fields.insert(field.id, Choice { give, reason, mask: None, clear_until });
        }
    }
    Proposal { choices: Decision { fields, ..Decision::default() }, row_scopes: BTreeMap::new() }
}

async fn answer<T>(service: &Service, ctx: &Ctx, no: &str, receipt: Receipt<T>) -> WebResult<Response> {
    let view = queries::application(&service.kernel, ctx, no).await?;
    Ok(with_index(StatusCode::OK, &json(&view), receipt.ledger_index))
}

async fn grant_answer<T>(service: &Service, ctx: &Ctx, no: &str, receipt: Receipt<T>) -> WebResult<Response> {
    let row = queries::grant(&service.kernel, ctx, no).await?.grant.row;
    let body = serde_json::json!({ "no": row.no, "state": grant_code(row.state), "reason": row.state_reason, "version": row.version });
    Ok(with_index(StatusCode::OK, &body, receipt.ledger_index))
}

fn with_index(status: StatusCode, body: &impl Serialize, index: u64) -> Response {
    let mut response = (status, axum::Json(body)).into_response();
    response.headers_mut().insert(LEDGER_INDEX, HeaderValue::from(index));
    response
}

fn json(view: &ApplicationView) -> ApplicationJson {
    let row = &view.paper.application;
    let part = |part: &crate::store::rows::part::Model| PartJson {
        part: part.seq,
        provider: view.units.get(&part.provider_id).cloned().unwrap_or_default(),
        state: part.state,
        reason: part.reason.clone(),
    };
    let field = |field: &crate::store::rows::application_field::Model| FieldJson {
        name: field.name.clone(),
        title: field.title.clone(),
        grade: field.grade.clone(),
        unmasked: field.unmasked,
        mask: field.profile_mask.clone(),
        given: choice_of(field).map(|choice| choice.give),
    };
    let resource = |item: &crate::store::applications::Item| ResourceJson {
        code: item.resource.code.clone(),
        name: item.resource.name.clone(),
        row_scope: item.resource.row_scope_given.clone().unwrap_or_else(|| item.resource.row_scope.clone()),
        fields: item.fields.iter().map(field).collect(),
    };
    let grant = |grant: &crate::store::rows::data_grant::Model| GrantJson {
        no: grant.no.clone(),
        resource: grant.resource_code.clone(),
        state: grant_code(grant.state),
        until: grant.until_at.rfc3339(),
    };
    ApplicationJson {
        no: row.no.clone(),
        state: application_code(row.state),
        scenario: row.scenario.clone(),
        basis: row.basis.clone(),
        version: row.version,
        submitted_at: row.submitted_at.map(hufu_kernel::time::Timestamp::rfc3339),
        missing: row.missing.lines().map(str::to_owned).collect(),
        parts: view.paper.parts.iter().map(part).collect(),
        resources: view.paper.resources.iter().map(resource).collect(),
        grants: view.grants.iter().map(grant).collect(),
    }
}
