//! Plans: what may stand in one, which granted fields it reads, and how it is shown.

use std::any::Any;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::{RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::datasource::source_as_provider;
use datafusion::error::{DataFusionError, Result as DfResult};
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::{ExecutionPlan, displayable};

use crate::barrier::Barrier;
use crate::error::{Error, Kind, Result};
use crate::governed::GovernedTable;

/// What a plan reads: `schema.name` to the fields read, in the table's own order.
pub(crate) type Reads = BTreeMap<String, BTreeSet<String>>;

/// Refuses every node that does not only read. The statement's tree was checked before; this one
/// holds even where the planner makes something unforeseen of it.
pub(crate) fn require_read_only(plan: &LogicalPlan) -> Result<()> {
    let mut foreign = false;
    let walked = plan.apply_with_subqueries(|node| {
        foreign |= !is_read(node);
        Ok(if foreign { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    });
    if foreign || walked.is_err() {
        return Err(Error::new(Kind::Refused, "GATE-SELECT-ONLY", "只能执行查询（SELECT）语句"));
    }
    Ok(())
}

/// The governed tables of a plan with the fields that their scans give.
pub(crate) fn reads(plan: &LogicalPlan) -> Result<Reads> {
    let mut reads = Reads::new();
    let walked = plan.apply_with_subqueries(|node| {
        if let LogicalPlan::TableScan(scan) = node {
            let provider = source_as_provider(&scan.source)?;
            if let Some(table) = (provider.as_ref() as &dyn Any).downcast_ref::<GovernedTable>() {
                let fields = scan.projected_schema.fields().iter().map(|field| field.name().clone());
                reads.entry(table.label().to_owned()).or_default().extend(fields);
            }
        }
        Ok(TreeNodeRecursion::Continue)
    });
    walked.map_err(|error| crate::faults::planning(&error))?;
    Ok(reads)
}

/// The governed plan as text: everything above the border between source and plan, nothing below it.
pub(crate) fn explain(logical: &LogicalPlan, physical: &Arc<dyn ExecutionPlan>) -> DfResult<RecordBatch> {
    let mut lines = Vec::new();
    describe(physical, 0, &mut lines);
    let texts = [logical.display_indent().to_string(), lines.join("\n")];
    let kinds = StringArray::from(vec!["logical_plan", "physical_plan"]);
    let columns = vec![Arc::new(kinds) as _, Arc::new(StringArray::from(texts.to_vec())) as _];
    Ok(RecordBatch::try_new(explain_schema(), columns)?)
}

pub(crate) fn explain_schema() -> SchemaRef {
    let fields = ["plan_type", "plan"].map(|name| Field::new(name, DataType::Utf8, false));
    Arc::new(Schema::new(fields.to_vec()))
}

/// How deep a plan is printed.
const DEPTH_MAX: usize = 200;

fn describe(plan: &Arc<dyn ExecutionPlan>, depth: usize, lines: &mut Vec<String>) {
    let indent = "  ".repeat(depth);
    if let Some(barrier) = (plan.as_ref() as &dyn Any).downcast_ref::<Barrier>() {
        lines.push(format!("{indent}{}", barrier.describe()));
        return;
    }
    lines.push(format!("{indent}{}", displayable(plan.as_ref()).one_line().to_string().trim_end()));
    if depth < DEPTH_MAX {
        for child in plan.children() {
            describe(child, depth + 1, lines);
        }
    }
}

fn is_read(node: &LogicalPlan) -> bool {
    match node {
        LogicalPlan::TableScan(scan) => is_ours(scan.source.as_ref() as &dyn Any, &scan.table_name.to_string()),
        LogicalPlan::Projection(_)
        | LogicalPlan::Filter(_)
        | LogicalPlan::Window(_)
        | LogicalPlan::Aggregate(_)
        | LogicalPlan::Sort(_)
        | LogicalPlan::Join(_)
        | LogicalPlan::Union(_)
        | LogicalPlan::EmptyRelation(_)
        | LogicalPlan::Subquery(_)
        | LogicalPlan::SubqueryAlias(_)
        | LogicalPlan::Limit(_)
        | LogicalPlan::Values(_)
        | LogicalPlan::Distinct(_)
        | LogicalPlan::Unnest(_) => true,
        LogicalPlan::Repartition(_)
        | LogicalPlan::Statement(_)
        | LogicalPlan::Explain(_)
        | LogicalPlan::Analyze(_)
        | LogicalPlan::Extension(_)
        | LogicalPlan::Dml(_)
        | LogicalPlan::Ddl(_)
        | LogicalPlan::Copy(_)
        | LogicalPlan::DescribeTable(_)
        | LogicalPlan::RecursiveQuery(_) => false,
    }
}

/// A scan is of a governed table or of the mandate's own information schema.
fn is_ours(source: &dyn Any, name: &str) -> bool {
    use datafusion::datasource::DefaultTableSource;
    let Some(source) = source.downcast_ref::<DefaultTableSource>() else { return false };
    let governed = (source.table_provider.as_ref() as &dyn Any).is::<GovernedTable>();
    governed || name.contains("information_schema.")
}

/// An error of the engine while a plan is made.
pub(crate) fn plan_error(error: DataFusionError) -> Error {
    crate::faults::planning(&error)
}
