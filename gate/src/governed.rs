//! A granted resource as a table: only its granted fields, only its rows in scope, masked.
//!
//! What the asker's plan sees of the table are masked values; nothing of the plan crosses the
//! table's border downwards but a projection, leakproof predicates on clear fields and, without a
//! row filter, a limit. See `docs/decisions/030-governed-tables-are-a-physical-barrier.md`.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::{Field, Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::DFSchema;
use datafusion::error::{DataFusionError, Result as DfResult};
use datafusion::logical_expr::expr_rewriter::unnormalize_col;
use datafusion::logical_expr::utils::{conjunction, split_conjunction_owned};
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::filter::FilterExec;
use hufu_mask::Mask;

use crate::barrier::{Barrier, Output};
use crate::error::{Error, Kind, Result};
use crate::mandate::TableMandate;
use crate::row_filter::{check_row_filter, columns_of, is_leakproof};

/// A table of one mandate, ready to be planned with.
#[derive(Debug)]
pub(crate) struct GovernedTable {
    /// `schema.name`, as the asker knows it.
    label: String,
    schema: SchemaRef,
    columns: Vec<Column>,
    base: Arc<dyn TableProvider>,
    base_schema: SchemaRef,
    row_filter: Option<Expr>,
}

#[derive(Debug)]
struct Column {
    base_index: usize,
    mask: Arc<Mask>,
}

impl GovernedTable {
    /// Reaches the source's description and holds the mandate against it. A field, mask or row filter
    /// that does not fit the table as it is now makes the whole table unusable: what does not match denies.
    pub(crate) async fn open(table: &TableMandate) -> Result<GovernedTable> {
        let base = table.source.provider(&table.source_table).await?;
        let base_schema = base.schema();
        if table.fields.is_empty() {
            return Err(denied("GATE-NO-FIELDS", "该授权没有可用的信息项", &table.name));
        }
        let mut columns = Vec::with_capacity(table.fields.len());
        let mut fields: Vec<Field> = Vec::with_capacity(table.fields.len());
        for granted in &table.fields {
            let Some((base_index, physical)) = base_schema.fields().find(&granted.name) else {
                return Err(changed(&table.name, &granted.name));
            };
            if fields.iter().any(|field| field.name() == &granted.name) {
                return Err(denied("GATE-FIELD-TWICE", "该授权重复列出了同一信息项", &table.name));
            }
            granted.mask.check(physical.data_type()).map_err(|error| {
                denied("GATE-MASK", "该授权的脱敏规则不适用于字段类型，请联系数据提供单位", &table.name)
                    .with_internal(format!("{}.{}: {error}", table.name, granted.name))
            })?;
            let nullable = physical.is_nullable() || granted.mask != Mask::Clear;
            // Metadata of the physical field stays behind: it may describe what the mask hides.
            fields.push(Field::new(&granted.name, physical.data_type().clone(), nullable));
            columns.push(Column { base_index, mask: Arc::new(granted.mask.clone()) });
        }
        let row_filter = match &table.row_filter {
            Some(text) => Some(check_row_filter(text, &base_schema)?),
            None => None,
        };
        Ok(GovernedTable {
            label: format!("{}.{}", table.schema, table.name),
            schema: Arc::new(Schema::new(fields)),
            columns,
            base,
            base_schema,
            row_filter,
        })
    }

    /// `schema.name`.
    pub(crate) fn label(&self) -> &str {
        &self.label
    }

    /// Whether a predicate of the asker may be evaluated by the source: it cannot fail, and it
    /// names only fields that are shown as they are, so that source and asker mean the same value.
    fn is_pushable(&self, filter: &Expr) -> bool {
        is_leakproof(filter, &|name| {
            self.schema
                .fields()
                .iter()
                .zip(&self.columns)
                .any(|(field, column)| field.name() == name && *column.mask == Mask::Clear)
        })
    }

    /// The scan cut to the grant's rows and to what the asker's pushed predicates leave. The filter
    /// stands below the border, where the engine moves it on into files (row groups are pruned so).
    fn filtered(
        &self,
        state: &dyn Session,
        input: Arc<dyn ExecutionPlan>,
        pushed: &[Expr],
    ) -> DfResult<Arc<dyn ExecutionPlan>> {
        let Some(filter) = conjunction(self.row_filter.iter().chain(pushed).map(unqualified)) else {
            return Ok(input);
        };
        let columns = DFSchema::try_from(input.schema())?;
        let predicate = state.create_physical_expr(filter, &columns)?;
        Ok(Arc::new(FilterExec::try_new(predicate, input)?))
    }

    /// What the base provider accepts of the row filter and the asker's pushed predicates.
    fn base_filters(&self, pushed: &[Expr]) -> DfResult<Vec<Expr>> {
        let own = self.row_filter.iter().cloned().flat_map(split_conjunction_owned);
        let wanted: Vec<Expr> = own.chain(pushed.iter().map(unqualified)).collect();
        let references: Vec<&Expr> = wanted.iter().collect();
        let support = self.base.supports_filters_pushdown(&references)?;
        let taken = wanted.into_iter().zip(support);
        Ok(taken.filter(|(_, s)| *s != TableProviderFilterPushDown::Unsupported).map(|(f, _)| f).collect())
    }
}

#[async_trait]
impl TableProvider for GovernedTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> DfResult<Vec<TableProviderFilterPushDown>> {
        let support = |filter: &&Expr| {
            if self.is_pushable(filter) {
                // The engine checks again: a source may compare text by another collation.
                TableProviderFilterPushDown::Inexact
            } else {
                TableProviderFilterPushDown::Unsupported
            }
        };
        Ok(filters.iter().map(support).collect())
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> DfResult<Arc<dyn ExecutionPlan>> {
        let shown: Vec<usize> = projection.cloned().unwrap_or_else(|| (0..self.columns.len()).collect());
        let shown_columns: Vec<&Column> = shown.iter().filter_map(|index| self.columns.get(*index)).collect();
        // Asked again here, so that the border holds whoever calls.
        let pushed: Vec<Expr> = filters.iter().filter(|f| self.is_pushable(f)).cloned().collect();
        let base_filters = self.base_filters(&pushed)?;

        let mut needed: Vec<usize> = shown_columns.iter().map(|column| column.base_index).collect();
        for name in self.row_filter.iter().flat_map(columns_of) {
            needed.push(self.base_schema.index_of(&name)?);
        }
        for name in pushed.iter().flat_map(columns_of) {
            needed.push(self.base_schema.index_of(&name)?);
        }
        needed.sort_unstable();
        needed.dedup();
        // A limit below a filter would count rows that are then dropped.
        let base_limit = limit.filter(|_| self.row_filter.is_none() && filters.is_empty());
        let input = self.base.scan(state, Some(&needed), &base_filters, base_limit).await?;
        let expected = Arc::new(self.base_schema.project(&needed)?);
        require_same(&self.label, &expected, &input.schema())?;

        let input = self.filtered(state, input, &pushed)?;
        let place: HashMap<usize, usize> = needed.iter().enumerate().map(|(at, base)| (*base, at)).collect();
        let outputs: Option<Vec<Output>> = shown_columns
            .iter()
            .map(|column| {
                let input = *place.get(&column.base_index)?;
                Some(Output { input, mask: Arc::clone(&column.mask) })
            })
            .collect();
        let outputs = outputs.ok_or_else(|| DataFusionError::Internal("projection".into()))?;
        let schema = Arc::new(self.schema.project(&shown)?);
        let scoped = self.row_filter.is_some();
        let pushed = pushed.iter().map(ToString::to_string).collect();
        Ok(Arc::new(Barrier::new(self.label.clone(), input, scoped, outputs, schema, pushed, base_limit)))
    }
}

/// The planner names columns with their table; below the border they are the source's own.
fn unqualified(filter: &Expr) -> Expr {
    unnormalize_col(filter.clone())
}

/// The scan must give what the description promised, or the masks were checked against another table.
fn require_same(label: &str, expected: &Schema, found: &Schema) -> DfResult<()> {
    let same = expected.fields().len() == found.fields().len()
        && expected
            .fields()
            .iter()
            .zip(found.fields())
            .all(|(a, b)| a.name() == b.name() && a.data_type() == b.data_type());
    if same { Ok(()) } else { Err(DataFusionError::External(Box::new(changed(label, "*")))) }
}

fn changed(table: &str, field: &str) -> Error {
    Error::new(Kind::Source, "GATE-SOURCE-CHANGED", "数据源的表结构与授权不一致，请联系数据提供单位核对")
        .with_internal(format!("{table}.{field} is missing or of another type"))
}

fn denied(code: &'static str, message: &str, table: &str) -> Error {
    Error::new(Kind::Refused, code, message).with_internal(table)
}
