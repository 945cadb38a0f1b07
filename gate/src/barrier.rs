//! The border between what a source holds and what a plan may see: row filter, then masks.
//!
//! A node of its own and not a filter and a projection, because the optimizer moves predicates
//! through those: an asker's `1 / (salary - 5000)` would then run on hidden rows and raw values.
//! It pushes nothing down, passes no statistics, orderings or partition keys up, and shows
//! neither key nor row filter in a plan.

use std::fmt;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, RecordBatch, RecordBatchOptions};
use arrow::compute::filter_record_batch;
use arrow::datatypes::{DataType, SchemaRef};
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::error::{DataFusionError, Result as DfResult};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::{EquivalenceProperties, PhysicalExpr};
use datafusion::physical_plan::execution_plan::ReplaceChildrenOptions;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, Partitioning, PlanProperties,
};
use futures::StreamExt;
use hufu_mask::Mask;

/// One column that leaves: where it comes from and how it is masked.
#[derive(Clone, Debug)]
pub(crate) struct Output {
    pub(crate) input: usize,
    pub(crate) mask: Arc<Mask>,
}

#[derive(Clone, Debug)]
pub(crate) struct Barrier {
    label: String,
    input: Arc<dyn ExecutionPlan>,
    predicate: Option<Arc<dyn PhysicalExpr>>,
    outputs: Arc<Vec<Output>>,
    schema: SchemaRef,
    /// The asker's predicates that the source was given, for EXPLAIN.
    pushed: Vec<String>,
    limit: Option<usize>,
    properties: Arc<PlanProperties>,
}

impl Barrier {
    pub(crate) fn new(
        label: String,
        input: Arc<dyn ExecutionPlan>,
        predicate: Option<Arc<dyn PhysicalExpr>>,
        outputs: Vec<Output>,
        schema: SchemaRef,
        pushed: Vec<String>,
        limit: Option<usize>,
    ) -> Self {
        let properties = properties_over(&input, &schema);
        Self { label, input, predicate, outputs: Arc::new(outputs), schema, pushed, limit, properties }
    }

    /// One line for EXPLAIN: what is read, how it is masked, what the source filters. No key, no scope.
    pub(crate) fn describe(&self) -> String {
        let fields: Vec<String> = self
            .schema
            .fields()
            .iter()
            .zip(self.outputs.iter())
            .map(|(field, output)| format!("{}: {}", field.name(), output.mask))
            .collect();
        let scope = if self.predicate.is_some() { "scoped" } else { "all" };
        let limit = self.limit.map(|limit| format!(", limit={limit}")).unwrap_or_default();
        format!(
            "GovernedScan: {}, fields=[{}], rows={scope}, pushed=[{}]{limit}",
            self.label,
            fields.join(", "),
            self.pushed.join(", "),
        )
    }
}

impl DisplayAs for Barrier {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.describe())
    }
}

impl ExecutionPlan for Barrier {
    fn name(&self) -> &'static str {
        "GovernedScan"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![true]
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn replace_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
        _: ReplaceChildrenOptions,
    ) -> DfResult<Arc<dyn ExecutionPlan>> {
        let [input] = <[_; 1]>::try_from(children).map_err(|_| DataFusionError::Internal("one child".into()))?;
        let properties = properties_over(&input, &self.schema);
        Ok(Arc::new(Barrier { input, properties, ..Barrier::clone(&self) }))
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn ExecutionPlan>>) -> DfResult<Arc<dyn ExecutionPlan>> {
        use datafusion::physical_plan::execution_plan::ChildrenPropertiesMode;
        self.replace_children(children, ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute))
    }

    fn apply_expressions(
        &self,
        visit: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> DfResult<TreeNodeRecursion>,
    ) -> DfResult<TreeNodeRecursion> {
        match &self.predicate {
            Some(predicate) => visit(predicate),
            None => Ok(TreeNodeRecursion::Continue),
        }
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> DfResult<SendableRecordBatchStream> {
        let input = self.input.execute(partition, context)?;
        let predicate = self.predicate.clone();
        let outputs = Arc::clone(&self.outputs);
        let schema = Arc::clone(&self.schema);
        let masked = input.map(move |batch| {
            let batch = in_scope(batch?, predicate.as_ref())?;
            masked(&batch, &outputs, &schema)
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&self.schema), masked)))
    }
}

/// Keeps the rows for which the filter is true; null is not true.
fn in_scope(batch: RecordBatch, predicate: Option<&Arc<dyn PhysicalExpr>>) -> DfResult<RecordBatch> {
    let Some(predicate) = predicate else { return Ok(batch) };
    let verdict = predicate.evaluate(&batch)?.into_array(batch.num_rows())?;
    match verdict.data_type() {
        DataType::Boolean => Ok(filter_record_batch(&batch, verdict.as_boolean())?),
        // `NULL` as a whole filter: no row is in scope.
        _ => Ok(batch.slice(0, 0)),
    }
}

fn masked(batch: &RecordBatch, outputs: &[Output], schema: &SchemaRef) -> DfResult<RecordBatch> {
    let columns: DfResult<Vec<ArrayRef>> = outputs
        .iter()
        .map(|output| {
            let column = batch.columns().get(output.input).ok_or_else(|| DataFusionError::Internal("column".into()))?;
            output.mask.apply(column).map_err(|error| DataFusionError::External(Box::new(error)))
        })
        .collect();
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    Ok(RecordBatch::try_new_with_options(Arc::clone(schema), columns?, &options)?)
}

/// Nothing the input knows of its values is passed on: order, keys and constants are of raw columns.
fn properties_over(input: &Arc<dyn ExecutionPlan>, schema: &SchemaRef) -> Arc<PlanProperties> {
    Arc::new(PlanProperties::new(
        EquivalenceProperties::new(Arc::clone(schema)),
        Partitioning::UnknownPartitioning(input.output_partitioning().partition_count()),
        input.pipeline_behavior(),
        input.boundedness(),
    ))
}
