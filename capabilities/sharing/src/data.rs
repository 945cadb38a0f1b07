//! Rows for pages and the API: one service over the gate. Each answer carries its place in the ledger.

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use futures::StreamExt;
use hufu_catalog::gate_error;
use hufu_gate::mandate::{FieldMandate, GrantState, Mandate, Quota, TableMandate};
use hufu_gate::{Opened, Statement, open};
use hufu_kernel::command::Ctx;
use hufu_kernel::error::{Error, FieldError, Result};
use hufu_mask::Mask;
use tokio::sync::watch;

use crate::condition::{identifier, known, order_to_sql, to_sql};
use crate::mandate::Mandated;
use crate::model::way::Way;
use crate::queries;
use crate::store::applications::{Item, Paper};
use crate::{Service, neighbours};

/// Rows a page shows of one answer.
pub const PAGE_ROWS: u64 = 200;
/// Code of the gate for an answer that was cut at its row limit.
const CUT: &str = "GATE-ROWS-PER-RESULT";

/// What is asked of one resource by `GET /api/v1/data/{code}`.
#[derive(Clone, Debug, Default)]
pub struct Ask {
    pub fields: Vec<String>,
    pub condition: Option<String>,
    pub order: Option<String>,
    pub limit: Option<u64>,
}

/// An answer as a page shows it: text cells, at most [`PAGE_ROWS`] rows.
#[derive(Clone, Debug)]
pub struct Answer {
    pub heads: Vec<Head>,
    pub rows: Vec<Vec<Option<String>>>,
    /// There were more rows than are shown.
    pub cut: bool,
    /// Place of the begin record in the ledger.
    pub index: u64,
    pub took_ms: u128,
}

/// One column of an answer.
#[derive(Clone, Debug)]
pub struct Head {
    pub name: String,
    /// Chinese name, where the column is a granted field.
    pub title: String,
    /// Absent for what was computed.
    pub grade: Option<String>,
    pub masked: bool,
}

impl Service {
    /// Opens a statement under the actor's mandate. The stream stops when a grant under it is shut.
    pub async fn read(&self, ctx: &Ctx, way: Way, choice: Option<&str>, sql: &str) -> Result<Opened> {
        let Mandated { mandate, ambiguous } = self.mandate(ctx, way, choice).await?;
        open(&self.gate, mandate, Statement::new(sql)).await.map_err(|error| {
            let named = ambiguous.iter().find(|table| error.code == "GATE-TABLE" && sql.contains(&table.name));
            named.map_or_else(|| gate_error(error), |table| table.error())
        })
    }

    /// A statement's answer for a page.
    pub async fn show(&self, ctx: &Ctx, choice: Option<&str>, sql: &str) -> Result<Answer> {
        let Mandated { mut mandate, ambiguous } = self.mandate(ctx, Way::Page, choice).await?;
        let fields: Vec<FieldMandate> = mandate.tables.iter().flat_map(|table| table.fields.clone()).collect();
        for table in &mut mandate.tables {
            table.quota.rows_per_result = table.quota.rows_per_result.min(PAGE_ROWS);
        }
        let started = std::time::Instant::now();
        let opened = open(&self.gate, mandate, Statement::new(sql)).await.map_err(|error| {
            let named = ambiguous.iter().find(|table| error.code == "GATE-TABLE" && sql.contains(&table.name));
            named.map_or_else(|| gate_error(error), |table| table.error())
        })?;
        let heads = heads(&opened.schema, &fields);
        let index = opened.index;
        let (rows, cut) = collect(opened).await?;
        Ok(Answer { heads, rows, cut, index, took_ms: started.elapsed().as_millis() })
    }

    /// One resource by condition, order and limit.
    pub async fn read_resource(&self, ctx: &Ctx, way: Way, choice: Option<&str>, code: &str, ask: &Ask) -> Result<Opened> {
        let sql = self.resource_sql(ctx, way, choice, code, ask).await?;
        self.read(ctx, way, choice, &sql).await
    }

    /// The statement of an [`Ask`], over granted fields only.
    pub async fn resource_sql(&self, ctx: &Ctx, way: Way, choice: Option<&str>, code: &str, ask: &Ask) -> Result<String> {
        let view = hufu_catalog::resource(self.kernel.store.reader(), code).await?;
        let Mandated { mandate, ambiguous } = self.mandate(ctx, way, choice).await?;
        if let Some(table) = ambiguous.iter().find(|table| table.schema == view.unit.code && table.name == view.table_name) {
            return Err(table.error());
        }
        let mut tables = mandate.tables.iter();
        let found = tables.find(|table| table.schema == view.unit.code && table.name == view.table_name);
        let table = found.ok_or_else(|| Error::not_found("数据资源授权"))?;
        let fields: Vec<&str> = table.fields.iter().map(|field| field.name.as_str()).collect();
        statement(table, &fields, ask)
    }

    /// How many rows an asked resource has in its scope today: what an approver looks at before agreeing.
    /// Counted through the gate, on record, and nothing but the number leaves.
    pub async fn preview(&self, ctx: &Ctx, paper: &Paper, item: &Item) -> Result<u64> {
        let view = queries::application(&self.kernel, ctx, &paper.application.no).await?;
        if view.desk.is_none() {
            return Err(Error::refused("只有当前审批人可以试算"));
        }
        let db = self.kernel.store.reader();
        let resource = hufu_catalog::resource(db, &item.resource.code).await?;
        if !neighbours::is_published(&resource) {
            return Err(Error::conflict("SHA-NOT-MOUNTED", "资源未发布或未挂接，不能试算"));
        }
        let source = resource.source.as_ref().ok_or_else(|| Error::not_found("数据源"))?;
        let source = self.catalog.open_source(source).await?;
        let actor = ctx.actor()?;
        let hidden = |field: &hufu_catalog::FieldView| FieldMandate {
            name: field.name.clone(),
            comment: String::new(),
            grade: field.grade.clone().unwrap_or_default(),
            mask: Mask::Null,
        };
        let scope = item.resource.row_scope_given.as_ref().unwrap_or(&item.resource.row_scope);
        let (keep, state) = watch::channel(GrantState::Open);
        let table = TableMandate {
            grant: paper.application.no.clone(),
            schema: resource.unit.code.clone(),
            name: resource.table_name.clone(),
            comment: resource.name.clone(),
            source,
            source_table: resource.source_table.clone(),
            fields: resource.fields.iter().map(hidden).collect(),
            row_filter: Some(scope.clone()).filter(|scope| !scope.trim().is_empty()),
            purpose: "审批试算行数".to_owned(),
            basis: paper.application.basis.clone(),
            quota: Quota { rows_left_today: 1000, calls_per_minute: 30, rows_per_result: 1 },
            until: ctx.now.plus(chrono::Duration::minutes(10)).utc(),
            state,
        };
        let sql = format!("SELECT count(*) FROM {}.{}", identifier(&table.schema), identifier(&table.name));
        let mandate = Mandate {
            principal: actor.login.clone(),
            unit: actor.unit.code.clone(),
            way: Way::Page.into(),
            tables: vec![table],
            request_id: ctx.request_id.clone(),
            client: ctx.client.clone(),
        };
        let opened = open(&self.gate, mandate, Statement::new(sql)).await.map_err(gate_error)?;
        let (rows, _) = collect(opened).await?;
        drop(keep);
        let count = rows.first().and_then(|row| row.first().cloned().flatten()).and_then(|text| text.parse().ok());
        count.ok_or_else(|| Error::internal("a count gave no number"))
    }
}

pub(crate) fn statement(table: &TableMandate, fields: &[&str], ask: &Ask) -> Result<String> {
    let mut wanted = Vec::new();
    for name in &ask.fields {
        wanted.push(known("fields", name, fields)?);
    }
    if wanted.is_empty() {
        wanted.extend(fields.iter().map(|field| identifier(field)));
    }
    let mut sql = format!("SELECT {} FROM {}.{}", wanted.join(", "), identifier(&table.schema), identifier(&table.name));
    if let Some(condition) = ask.condition.as_deref().filter(|text| !text.trim().is_empty()) {
        sql.push_str(" WHERE ");
        sql.push_str(&to_sql(condition, fields)?);
    }
    let order = ask.order.as_deref().map(|order| order_to_sql(order, fields)).transpose()?.unwrap_or_default();
    if !order.is_empty() {
        sql.push_str(" ORDER BY ");
        sql.push_str(&order);
    }
    let most = table.quota.rows_per_result;
    match ask.limit {
        Some(limit) if limit == 0 || limit > most => {
            Err(Error::invalid(vec![FieldError::new("limit", format!("应为 1 至 {most} 之间的整数"))]))
        }
        Some(limit) => Ok(format!("{sql} LIMIT {limit}")),
        None => Ok(sql),
    }
}

type Cells = Vec<Vec<Option<String>>>;

/// All rows as text; cut is what the row limit of the page ended.
async fn collect(mut opened: Opened) -> Result<(Cells, bool)> {
    let mut rows = Vec::new();
    while let Some(batch) = opened.rows.next().await {
        match batch {
            Ok(batch) => rows.extend(cells(&batch)?),
            Err(error) if error.code == CUT => return Ok((rows, true)),
            Err(error) => return Err(gate_error(error)),
        }
    }
    Ok((rows, false))
}

fn cells(batch: &RecordBatch) -> Result<Cells> {
    let options = FormatOptions::default().with_display_error(false);
    let columns: Vec<ArrayFormatter<'_>> = batch
        .columns()
        .iter()
        .map(|column| ArrayFormatter::try_new(column.as_ref(), &options))
        .collect::<Result<_, _>>()
        .map_err(Error::internal)?;
    let mut rows = Vec::with_capacity(batch.num_rows());
    for row in 0..batch.num_rows() {
        let mut cells = Vec::with_capacity(columns.len());
        for (column, format) in batch.columns().iter().zip(&columns) {
            let text = || format.value(row).try_to_string().map_err(Error::internal);
            cells.push(if column.is_null(row) { None } else { Some(text()?) });
        }
        rows.push(cells);
    }
    Ok(rows)
}

/// Which columns of an answer are granted fields, by name; a name that two tables bear gets the higher sign.
fn heads(schema: &SchemaRef, fields: &[FieldMandate]) -> Vec<Head> {
    let head = |column: &std::sync::Arc<arrow::datatypes::Field>| {
        let mut named = fields.iter().filter(|field| field.name == *column.name());
        let field = named.clone().max_by(|a, b| a.grade.cmp(&b.grade));
        Head {
            name: column.name().clone(),
            title: field.map_or_else(|| column.name().clone(), |field| field.comment.clone()),
            grade: field.map(|field| field.grade.clone()),
            masked: named.any(|field| field.mask != Mask::Clear),
        }
    };
    schema.fields().iter().map(head).collect()
}
