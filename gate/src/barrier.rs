//! The border between what a source holds and what a plan may see. Below it lies the filtered scan, above it masked values.
//!
//! A node of its own and not a projection, because the optimizer moves predicates through those: an asker's `1 / (salary - 5000)` would then run on hidden rows and raw values.
//! It pushes nothing down, passes no statistics, orderings or partition keys up, and shows
//! neither key nor row filter in a plan.

use std::fmt;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow::datatypes::SchemaRef;
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
    /// Whether the input is filtered by the grant's scope.
    scoped: bool,
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
        scoped: bool,
        outputs: Vec<Output>,
        schema: SchemaRef,
        pushed: Vec<String>,
        limit: Option<usize>,
    ) -> Self {
        let properties = properties_over(&input, &schema);
        Self { label, input, scoped, outputs: Arc::new(outputs), schema, pushed, limit, properties }
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
        let scope = if self.scoped { "scoped" } else { "all" };
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

    /// It does, but must not say so: the optimizer would move a sort of masked values below the
    /// border, where it would sort raw ones, and by whatever field stands at that place there.
    fn maintains_input_order(&self) -> Vec<bool> {
        vec![false]
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
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> DfResult<TreeNodeRecursion>,
    ) -> DfResult<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> DfResult<SendableRecordBatchStream> {
        let input = self.input.execute(partition, context)?;
        let outputs = Arc::clone(&self.outputs);
        let schema = Arc::clone(&self.schema);
        let masked = input.map(move |batch| masked(&batch?, &outputs, &schema));
        Ok(Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&self.schema), masked)))
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
