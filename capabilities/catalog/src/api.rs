//! The catalogue over HTTP, `/api/v1/catalog` and `/api/v1/sources`. The same commands and the same rights as on the pages.

use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Json as Answer};
use axum::routing::{get, post};
use axum::Router;
use hufu_kernel::approval::{self, Decision, Verdict};
use hufu_kernel::command::{Ctx, run};
use hufu_kernel::error::{Error, FieldError, Result};
use hufu_kernel::ids::SourceId;
use hufu_kernel::shell::list::ListQuery;
use hufu_kernel::shell::{Json, Path, Query, WebResult};
use hufu_kernel::unit;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::commands::change_sharing::ChangeSharing;
use crate::commands::create_resource::CreateResource;
use crate::commands::create_source::CreateSource;
use crate::commands::decide_resource::DecideResource;
use crate::commands::decide_sharing::DecideSharing;
use crate::commands::edit_resource::EditResource;
use crate::commands::policy_resource;
use crate::commands::record_scan::{StartCheck, StartScan};
use crate::commands::submit_resource::SubmitResource;
use crate::commands::take_offline::TakeOffline;
use crate::facts::summary;
use crate::model::field::FieldSpec;
use crate::model::metadata::{Metadata, SharingTerms};
use crate::model::source::SourceSpec;
use crate::model::state::State as EntryState;
use crate::pages::{CatalogFilter, list_json, national_form, read_upload};
use crate::store::{change, field, resource};
use crate::{Catalog, commands::withdraw_resource::WithdrawResource};

pub(crate) fn routes(upload: DefaultBodyLimit) -> Router<Catalog> {
    Router::new()
        .route("/api/v1/catalog/resources", get(list).post(create))
        .route("/api/v1/catalog/resources/{code}", get(show).patch(edit))
        .route("/api/v1/catalog/resources/{code}/submit", post(submit))
        .route("/api/v1/catalog/resources/{code}/withdraw", post(withdraw))
        .route("/api/v1/catalog/resources/{code}/decide", post(decide))
        .route("/api/v1/catalog/resources/{code}/take-offline", post(take_offline))
        .route("/api/v1/catalog/resources/{code}/check", post(check))
        .route("/api/v1/catalog/resources/{code}/change-sharing", post(change_sharing))
        .route("/api/v1/catalog/resources/{code}/decide-change", post(decide_change))
        .route("/api/v1/catalog/summary", get(summarise))
        .route("/api/v1/catalog/import", post(import).layer(upload))
        .route("/api/v1/catalog/export.xlsx", get(export))
        .route("/api/v1/sources", post(create_source))
        .route("/api/v1/sources/{id}/test", post(test_source))
        .route("/api/v1/sources/{id}/inspect", post(inspect_source))
        .route("/api/v1/sources/{id}/check", post(check_source))
}

async fn list(State(catalog): State<Catalog>, ctx: Ctx, query: ListQuery<CatalogFilter>) -> WebResult {
    Ok(Answer(list_json(&catalog, &ctx, &query).await?).into_response())
}

#[derive(Deserialize)]
struct New {
    #[serde(flatten)]
    metadata: Metadata,
    #[serde(default)]
    fields: Vec<FieldSpec>,
}

async fn create(State(catalog): State<Catalog>, ctx: Ctx, Json(new): Json<New>) -> WebResult {
    let (codes, scheme) = (catalog.codes(), catalog.scheme());
    let command = CreateResource { metadata: new.metadata, fields: new.fields, codes, scheme };
    let receipt = run(catalog.kernel(), &ctx, command).await?;
    let body = whole(&catalog, &receipt.output, Some(receipt.ledger_index)).await?;
    Ok((StatusCode::CREATED, Answer(body)).into_response())
}

async fn show(State(catalog): State<Catalog>, ctx: Ctx, Path(code): Path<String>) -> WebResult {
    let row = visible(&catalog, &ctx, &code).await?;
    Ok(Answer(whole(&catalog, &row, None).await?).into_response())
}

/// The entry, when this person may see it; else it does not exist for them.
async fn visible(catalog: &Catalog, ctx: &Ctx, code: &str) -> Result<resource::Model> {
    ctx.actor()?;
    let db = catalog.kernel().store.reader();
    let row = resource::find_by_key(db, code).await?;
    let owner = unit::find(db, &row.unit_id).await?.as_ref();
    let target = policy_resource(row.id.as_str(), &owner, row.state);
    catalog.allow(ctx, "catalog.resource.view", &target).map_err(|_| Error::not_found("数据资源目录"))?;
    Ok(row)
}

/// An entry as the API gives it, with the index of the command's entry after a change.
async fn whole(catalog: &Catalog, row: &resource::Model, ledger_index: Option<u64>) -> Result<Value> {
    let db = catalog.kernel().store.reader();
    let owner = unit::find(db, &row.unit_id).await?;
    let fields: Vec<FieldSpec> = field::of(db, &row.id).await?.iter().map(field::Model::spec).collect();
    let mut body = serde_json::to_value(row.metadata())?;
    let known = json!({
        "id": row.id, "code": row.code, "unit": { "code": owner.code, "name": owner.name }, "state": row.state,
        "grade": row.grade, "sensitive": row.sensitive, "table_name": row.table_name, "source": row.source_id,
        "source_table": row.source_table, "fields": fields, "version": row.version,
        "published_at": row.published_at.map(|at| at.rfc3339()), "updated_at": row.updated_at.rfc3339(),
    });
    if let (Some(body), Value::Object(known)) = (body.as_object_mut(), known) {
        body.extend(known);
        if let Some(index) = ledger_index {
            body.insert("ledger_index".to_owned(), json!(index));
        }
    }
    Ok(body)
}

/// Parts of an entry; what is absent stays.
#[derive(Deserialize)]
struct Patch {
    version: i32,
    #[serde(default)]
    fields: Option<Vec<FieldSpec>>,
    #[serde(flatten)]
    parts: serde_json::Map<String, Value>,
}

async fn edit(State(catalog): State<Catalog>, ctx: Ctx, Path(code): Path<String>, Json(patch): Json<Patch>) -> WebResult {
    let row = visible(&catalog, &ctx, &code).await?;
    let metadata = patched(&row.metadata(), patch.parts)?;
    let command = EditResource { key: code, version: patch.version, metadata, fields: patch.fields, scheme: catalog.scheme() };
    let receipt = run(catalog.kernel(), &ctx, command).await?;
    Ok(Answer(whole(&catalog, &receipt.output, Some(receipt.ledger_index)).await?).into_response())
}

fn patched(former: &Metadata, parts: serde_json::Map<String, Value>) -> Result<Metadata> {
    let mut value = serde_json::to_value(former)?;
    let object = value.as_object_mut().ok_or_else(|| Error::internal("metadata is no object"))?;
    for (name, part) in parts {
        match object.get_mut(&name) {
            // Class and terms are objects of their own, patched part by part.
            Some(Value::Object(inner)) if part.is_object() => {
                inner.extend(part.as_object().cloned().unwrap_or_default());
            }
            Some(place) => *place = part,
            None => return Err(Error::invalid(vec![FieldError::new(name, "有不认识的字段")])),
        }
    }
    serde_json::from_value(value).map_err(|_| Error::invalid(vec![FieldError::new("", "内容的格式不正确")]))
}

#[derive(Deserialize)]
struct Seen {
    version: i32,
    #[serde(default)]
    reason: String,
}

async fn submit(State(catalog): State<Catalog>, ctx: Ctx, Path(code): Path<String>, Json(seen): Json<Seen>) -> WebResult {
    let command = SubmitResource { key: code, version: seen.version, scheme: catalog.scheme() };
    let receipt = run(catalog.kernel(), &ctx, command).await?;
    Ok(Answer(whole(&catalog, &receipt.output, Some(receipt.ledger_index)).await?).into_response())
}

async fn withdraw(State(catalog): State<Catalog>, ctx: Ctx, Path(code): Path<String>, Json(seen): Json<Seen>) -> WebResult {
    let command = WithdrawResource { key: code, version: seen.version, reason: seen.reason };
    let receipt = run(catalog.kernel(), &ctx, command).await?;
    Ok(Answer(whole(&catalog, &receipt.output, Some(receipt.ledger_index)).await?).into_response())
}

async fn take_offline(State(catalog): State<Catalog>, ctx: Ctx, Path(code): Path<String>, Json(seen): Json<Seen>) -> WebResult {
    let command = TakeOffline { key: code, version: seen.version, reason: seen.reason };
    let receipt = run(catalog.kernel(), &ctx, command).await?;
    Ok(Answer(whole(&catalog, &receipt.output, Some(receipt.ledger_index)).await?).into_response())
}

#[derive(Deserialize)]
struct Decided {
    /// `approve`, `refuse`, `supplement`.
    decision: String,
    #[serde(default)]
    reason: String,
    #[serde(default)]
    missing: Vec<String>,
    /// Version of the approval; the newest when absent.
    #[serde(default)]
    version: Option<i32>,
}

impl Decided {
    async fn decision(self, catalog: &Catalog, object: &str) -> Result<Decision> {
        let verdict = match self.decision.as_str() {
            "approve" => Verdict::Approve,
            "refuse" => Verdict::Refuse,
            "supplement" => Verdict::Supplement { missing: self.missing },
            _ => return Err(Error::invalid(vec![FieldError::new("decision", "只能是 approve、refuse 或 supplement")])),
        };
        let version = match self.version {
            Some(version) => version,
            None => {
                let tx = catalog.kernel().store.begin().await?;
                approval::find_by_object(&tx, object).await?.0.version
            }
        };
        Ok(Decision { verdict, opinion: self.reason, version })
    }
}

async fn decide(State(catalog): State<Catalog>, ctx: Ctx, Path(code): Path<String>, Json(decided): Json<Decided>) -> WebResult {
    let row = visible(&catalog, &ctx, &code).await?;
    let decision = decided.decision(&catalog, row.id.as_str()).await?;
    let receipt = run(catalog.kernel(), &ctx, DecideResource { key: code, decision }).await?;
    Ok(Answer(whole(&catalog, &receipt.output, Some(receipt.ledger_index)).await?).into_response())
}

#[derive(Deserialize)]
struct Change {
    version: i32,
    terms: SharingTerms,
    #[serde(default)]
    reason: String,
}

async fn change_sharing(State(catalog): State<Catalog>, ctx: Ctx, Path(code): Path<String>, Json(asked): Json<Change>) -> WebResult {
    let command = ChangeSharing { key: code, version: asked.version, terms: asked.terms, reason: asked.reason };
    let receipt = run(catalog.kernel(), &ctx, command).await?;
    let body = change_json(&receipt.output, receipt.ledger_index);
    Ok((StatusCode::CREATED, Answer(body)).into_response())
}

async fn decide_change(State(catalog): State<Catalog>, ctx: Ctx, Path(code): Path<String>, Json(decided): Json<Decided>) -> WebResult {
    let row = visible(&catalog, &ctx, &code).await?;
    let pending = change::pending(catalog.kernel().store.reader(), &row.id).await?;
    let pending = pending.ok_or_else(|| Error::conflict("CAT-STATE", "没有待审批的共享属性变更"))?;
    let decision = decided.decision(&catalog, pending.id.as_str()).await?;
    let receipt = run(catalog.kernel(), &ctx, DecideSharing { key: code, decision }).await?;
    Ok(Answer(change_json(&receipt.output, receipt.ledger_index)).into_response())
}

fn change_json(row: &change::Model, ledger_index: u64) -> Value {
    json!({ "id": row.id, "no": row.no, "state": row.state, "version": row.version, "ledger_index": ledger_index })
}

async fn check(State(catalog): State<Catalog>, ctx: Ctx, Path(code): Path<String>) -> WebResult {
    let check = catalog.check(&ctx, &code).await?;
    let items = crate::store::check::items(catalog.kernel().store.reader(), &check.id).await?;
    let items: Vec<Value> = items
        .into_iter()
        .map(|item| json!({ "field": item.field, "problem": item.problem, "expected": item.expected, "found": item.found }))
        .collect();
    let body = json!({
        "id": check.id, "result": check.result, "at": check.at.rfc3339(), "columns": check.columns_seen,
        "rows": check.rows_seen, "fault": check.fault, "items": items,
    });
    Ok(Answer(body).into_response())
}

#[derive(Deserialize)]
struct OfUnit {
    /// Code of a unit; it and all below.
    #[serde(default)]
    unit: Option<String>,
}

async fn summarise(State(catalog): State<Catalog>, ctx: Ctx, Query(asked): Query<OfUnit>) -> WebResult {
    let actor = ctx.actor()?.clone();
    catalog.allow(&ctx, "catalog.resource.view", &policy_resource("summary", &actor.unit, EntryState::Published))?;
    let db = catalog.kernel().store.reader();
    let path = match asked.unit {
        Some(code) => Some(unit::find_by_code(db, &code).await?.path),
        None => None,
    };
    Ok(Answer(summary(db, path.as_deref()).await?).into_response())
}

async fn import(State(catalog): State<Catalog>, ctx: Ctx, request: Request) -> WebResult {
    let count = read_upload(&catalog, &ctx, request).await?;
    Ok((StatusCode::CREATED, Answer(json!({ "created": count }))).into_response())
}

async fn export(State(catalog): State<Catalog>, ctx: Ctx, query: ListQuery<CatalogFilter>) -> WebResult {
    Ok(national_form(&catalog, &ctx, query).await?.into_response())
}

#[derive(Deserialize)]
struct NewSource {
    /// Code of the owning unit; one's own when absent.
    #[serde(default)]
    unit: Option<String>,
    #[serde(flatten)]
    spec: SourceSpec,
}

async fn create_source(State(catalog): State<Catalog>, ctx: Ctx, Json(new): Json<NewSource>) -> WebResult {
    let command = CreateSource { unit: new.unit, spec: new.spec, vault: catalog.vault() };
    let receipt = run(catalog.kernel(), &ctx, command).await?;
    let body = json!({ "id": receipt.output, "ledger_index": receipt.ledger_index });
    Ok((StatusCode::CREATED, Answer(body)).into_response())
}

async fn test_source(State(catalog): State<Catalog>, ctx: Ctx, Path(id): Path<SourceId>) -> WebResult {
    Ok(Answer(catalog.probe(&ctx, &id).await?).into_response())
}

/// Answers 202 with the job that reads the source.
async fn inspect_source(State(catalog): State<Catalog>, ctx: Ctx, Path(id): Path<SourceId>) -> WebResult {
    let receipt = run(catalog.kernel(), &ctx, StartScan { id }).await?;
    Ok((StatusCode::ACCEPTED, Answer(json!({ "job": receipt.output, "ledger_index": receipt.ledger_index }))).into_response())
}

async fn check_source(State(catalog): State<Catalog>, ctx: Ctx, Path(id): Path<SourceId>) -> WebResult {
    let receipt = run(catalog.kernel(), &ctx, StartCheck { id }).await?;
    Ok((StatusCode::ACCEPTED, Answer(json!({ "job": receipt.output, "ledger_index": receipt.ledger_index }))).into_response())
}
