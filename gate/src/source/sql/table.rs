//! The table provider and the scan node of every SQL source.

use std::fmt;
use std::sync::Arc;

use arrow::datatypes::{Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::Result as DfResult;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_expr::{EquivalenceProperties, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType, ReplaceChildrenOptions};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, Partitioning, PlanProperties};
use futures::TryStreamExt;

use super::column::{Column, Dialect};
use super::condition::{Condition, pushable};
use super::statement::{Select, Statement};
use crate::error::Result;
use crate::source::{cells, fault};

/// A database that streams the rows of one statement.
#[async_trait]
pub(in crate::source) trait Backend: fmt::Debug + Send + Sync {
    fn dialect(&self) -> Dialect;
    /// Rows in `schema`. Dropping the stream ends the query in the database.
    async fn rows(&self, statement: Statement, schema: SchemaRef, table: &str) -> Result<SendableRecordBatchStream>;
}

#[derive(Debug)]
pub(in crate::source) struct SqlTable {
    backend: Arc<dyn Backend>,
    /// Name for errors.
    name: String,
    from: String,
    columns: Arc<[Column]>,
    schema: SchemaRef,
}

impl SqlTable {
    pub(in crate::source) fn new(backend: Arc<dyn Backend>, name: &str, from: String, columns: Vec<Column>) -> Self {
        let schema = schema_of(&columns);
        Self { backend, name: name.to_owned(), from, columns: columns.into(), schema }
    }
}

pub(in crate::source) fn schema_of(columns: &[Column]) -> SchemaRef {
    Arc::new(Schema::new(columns.iter().map(Column::field).collect::<Vec<_>>()))
}

#[async_trait]
impl TableProvider for SqlTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> DfResult<Vec<TableProviderFilterPushDown>> {
        // Never Exact: collations and types of the source are not ours.
        Ok(filters
            .iter()
            .map(|f| match pushable(f, &self.columns) {
                Some(_) => TableProviderFilterPushDown::Inexact,
                None => TableProviderFilterPushDown::Unsupported,
            })
            .collect())
    }

    async fn scan(
        &self,
        _state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> DfResult<Arc<dyn ExecutionPlan>> {
        let conditions: Vec<Condition> = filters.iter().filter_map(|f| pushable(f, &self.columns)).collect();
        let wanted = projection.cloned().unwrap_or_else(|| (0..self.columns.len()).collect());
        // With any filter the database's first N rows are not our first N.
        let limit = limit.filter(|_| filters.is_empty());
        let statement = Select {
            dialect: self.backend.dialect(),
            from: &self.from,
            columns: &self.columns,
            wanted: &wanted,
            conditions: &conditions,
            limit,
        }
        .statement();
        let schema = cells::project(&self.schema, projection).map_err(fault::external)?;
        Ok(Arc::new(SqlScan::new(Arc::clone(&self.backend), self.name.clone(), statement, schema)))
    }
}

/// One statement in one source. Its display shows the text that is sent; parameters stay out of it.
#[derive(Debug)]
pub(in crate::source) struct SqlScan {
    backend: Arc<dyn Backend>,
    table: String,
    statement: Statement,
    schema: SchemaRef,
    properties: Arc<PlanProperties>,
}

impl SqlScan {
    fn new(backend: Arc<dyn Backend>, table: String, statement: Statement, schema: SchemaRef) -> Self {
        let properties = PlanProperties::new(
            EquivalenceProperties::new(Arc::clone(&schema)),
            Partitioning::UnknownPartitioning(1),
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        Self { backend, table, statement, schema, properties: Arc::new(properties) }
    }
}

impl DisplayAs for SqlScan {
    fn fmt_as(&self, _style: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SourceScan: {:?}, sql={}", self.backend.dialect(), self.statement.sql)
    }
}

impl ExecutionPlan for SqlScan {
    fn name(&self) -> &'static str {
        "SourceScan"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        Vec::new()
    }

    fn apply_expressions(
        &self,
        _f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> DfResult<TreeNodeRecursion>,
    ) -> DfResult<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn replace_children(
        self: Arc<Self>,
        _children: Vec<Arc<dyn ExecutionPlan>>,
        _options: ReplaceChildrenOptions,
    ) -> DfResult<Arc<dyn ExecutionPlan>> {
        Ok(self)
    }

    fn with_new_children(self: Arc<Self>, _children: Vec<Arc<dyn ExecutionPlan>>) -> DfResult<Arc<dyn ExecutionPlan>> {
        Ok(self)
    }

    fn execute(&self, _partition: usize, _context: Arc<TaskContext>) -> DfResult<SendableRecordBatchStream> {
        let (backend, statement) = (Arc::clone(&self.backend), self.statement.clone());
        let (schema, table) = (Arc::clone(&self.schema), self.table.clone());
        let rows = async move { backend.rows(statement, schema, &table).await.map_err(fault::external) };
        let stream = futures::stream::once(rows).try_flatten();
        Ok(Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&self.schema), stream)))
    }
}
