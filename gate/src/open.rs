//! The one door: a mandate and a statement in, metered rows or a refusal out.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use arrow::datatypes::{DataType, SchemaRef};
use datafusion::catalog::CatalogProviderList;
use datafusion::common::ParamValues;
use datafusion::config::Dialect;
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::execution::session_state::{SessionState, SessionStateBuilder};
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::{ExecutionPlan, execute_stream, memory::MemoryStream};
use datafusion::prelude::SessionConfig;
use tokio::time::Instant;

use crate::catalog::{ANY_SCHEMA, CATALOG, Catalogs, require_distinct};
use crate::error::{Error, Kind, Result};
use crate::functions;
use crate::mandate::{Mandate, TableMandate};
use crate::plan::{self, Reads, plan_error};
use crate::quota::Limiter;
use crate::record::{Asker, BeginRecord, FieldUse, RecordHandle, Recorder, RefusedRecord, TableUse};
use crate::redact::{Redacted, redact_statement};
use crate::rows::{FIRST_RESERVATION_ROWS, Meter, Rows, Terms, not_recorded};
use crate::statement::{self, Statement};
use crate::stop::{CancelToken, Clock, Hold, Stops};

/// Limits of one gate. Sorting and grouping that do not fit into memory fail; nothing is spilled to
/// disk, where rows would rest unregistered.
#[derive(Clone, Debug)]
pub struct GateConfig {
    pub memory_bytes: usize,
    pub parallelism: usize,
    /// Time for a whole statement, planning and streaming together.
    pub timeout: Duration,
}

impl Default for GateConfig {
    fn default() -> Self {
        let parallelism = std::thread::available_parallelism().map_or(2, usize::from);
        Self { memory_bytes: 2 * 1024 * 1024 * 1024, parallelism, timeout: Duration::from_mins(10) }
    }
}

/// What every statement shares: engine, limits, usage by grant, and the keeper of records.
pub struct Gate {
    template: SessionState,
    recorder: Arc<dyn Recorder>,
    limiter: Arc<Limiter>,
    clock: Clock,
    timeout: Duration,
    redact_salt: Vec<u8>,
}

impl Gate {
    /// `redact_salt` keys the digests of recorded statements and is a secret of the installation.
    pub fn new(config: &GateConfig, recorder: Arc<dyn Recorder>, clock: Clock, redact_salt: &[u8]) -> Result<Gate> {
        let runtime = RuntimeEnvBuilder::new()
            .with_memory_limit(config.memory_bytes, 1.0)
            .with_disk_manager_builder(DiskManagerBuilder::default().with_mode(DiskManagerMode::Disabled))
            .build_arc()
            .map_err(|_| Error::new(Kind::Internal, "GATE-START", "查询引擎无法启动"))?;
        Ok(Gate {
            template: template(config, runtime),
            recorder,
            limiter: Arc::new(Limiter::default()),
            clock,
            timeout: config.timeout,
            redact_salt: redact_salt.to_vec(),
        })
    }

    /// For sources that must register object stores.
    pub fn runtime(&self) -> &Arc<RuntimeEnv> {
        self.template.runtime_env()
    }

    fn session(&self, catalogs: &Arc<Catalogs>) -> SessionState {
        let mut state = self.template.clone();
        state.register_catalog_list(Arc::clone(catalogs) as Arc<dyn CatalogProviderList>);
        state.mark_start_execution();
        state
    }
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gate").field("timeout", &self.timeout).finish_non_exhaustive()
    }
}

/// An access that has been recorded. Rows leave when `rows` is polled.
#[derive(Debug)]
pub struct Opened {
    pub schema: SchemaRef,
    pub rows: Rows,
    /// Ledger index of the begin record, to be shown with the answer.
    pub index: u64,
    pub cancel: CancelToken,
}

/// What a statement would give, without reading.
#[derive(Clone, Debug)]
pub struct Described {
    pub schema: SchemaRef,
    /// Types of `$1`, `$2`…, where the statement tells them.
    pub parameters: HashMap<String, Option<DataType>>,
}

/// Runs a statement under a mandate. The only way in which rows leave.
///
/// Every call decides anew: nothing of an earlier plan is kept, so that a statement prepared before
/// a revocation is refused after it. The begin record is durable before this returns.
pub async fn open(gate: &Gate, mandate: Mandate, statement: Statement) -> Result<Opened> {
    let started = Instant::now();
    let deadline = started + gate.timeout;
    let asker = Asker {
        principal: mandate.principal.clone(),
        unit: mandate.unit.clone(),
        client: mandate.client.clone(),
        way: mandate.way,
        request_id: mandate.request_id.clone(),
        at: (gate.clock)(),
    };
    let redacted = redact(gate, &mandate, &statement.sql);
    let catalogs = Arc::new(Catalogs::new(mandate.tables));
    let before = Stops { holds: vec![], cancel: statement.cancel.clone(), deadline, clock: Arc::clone(&gate.clock) };
    let prepared = tokio::select! {
        biased;
        stopped = before.wait() => Err(stopped),
        prepared = prepare(gate, &catalogs, &statement) => prepared,
    };
    let prepared = match prepared.and_then(|prepared| admit(gate, &before, prepared)) {
        Ok(prepared) => prepared,
        Err(error) => {
            tracing::warn!(code = error.code, request_id = %asker.request_id, internal = error.internal, "refused");
            let refused = RefusedRecord { asker, statement: redacted, kind: error.kind, code: error.code };
            gate.recorder.refused(refused).await.map_err(|failure| not_recorded(&failure))?;
            return Err(error);
        }
    };
    release(gate, prepared, asker, redacted, started).await
}

/// Plans a statement and tells its columns and parameters; nothing is read or recorded.
pub async fn describe(gate: &Gate, mandate: Mandate, sql: &str) -> Result<Described> {
    let allowed = statement::parse(sql)?;
    let catalogs = Arc::new(Catalogs::new(mandate.tables));
    let state = gate.session(&catalogs);
    let deadline = Instant::now() + gate.timeout;
    let planned = tokio::time::timeout_at(deadline, logical(&state, &catalogs, allowed.query)).await;
    let plan = planned.map_err(|_| Error::new(Kind::Stopped, "GATE-TIMEOUT", "查询超过时限，已停止"))??;
    let parameters = plan.get_parameter_types().map_err(plan_error)?;
    let schema = if allowed.explain { plan::explain_schema() } else { Arc::new(plan.schema().as_arrow().clone()) };
    Ok(Described { schema, parameters })
}

/// A planned statement with the ground that it stands on.
struct Prepared {
    state: SessionState,
    physical: Arc<dyn ExecutionPlan>,
    explained: Option<arrow::array::RecordBatch>,
    tables: Vec<TableMandate>,
    reads: Reads,
    stops: Option<Stops>,
}

async fn prepare(gate: &Gate, catalogs: &Arc<Catalogs>, statement: &Statement) -> Result<Prepared> {
    let allowed = statement::parse(&statement.sql)?;
    let state = gate.session(catalogs);
    let plan = logical(&state, catalogs, allowed.query).await?;
    let parameters = ParamValues::from(statement.parameters.clone());
    let plan = plan.with_param_values(parameters).map_err(plan_error)?;
    // Grants are held for every table that the statement names, also if the optimizer needs no row of it.
    let tables: Vec<TableMandate> =
        plan::reads(&plan)?.keys().filter_map(|label| catalogs.find(label)).cloned().collect();
    let optimized = state.optimize(&plan).map_err(plan_error)?;
    let reads = plan::reads(&optimized)?;
    let physical = state.query_planner().create_physical_plan(&optimized, &state).await.map_err(plan_error)?;
    let explained = match allowed.explain {
        true => Some(plan::explain(&optimized, &physical).map_err(plan_error)?),
        false => None,
    };
    Ok(Prepared { state, physical, explained, tables, reads, stops: None })
}

async fn logical(
    state: &SessionState,
    catalogs: &Catalogs,
    query: datafusion::sql::parser::Statement,
) -> Result<LogicalPlan> {
    for reference in state.resolve_table_references(&query).map_err(plan_error)? {
        let name = reference.table().to_owned();
        let config = &state.config().options().catalog;
        if !catalogs.knows(&reference.resolve(&config.default_catalog, &config.default_schema)) {
            return Err(Error::new(Kind::Refused, "GATE-TABLE", format!("没有数据资源「{name}」，或未获授权")));
        }
    }
    let plan = state.statement_to_plan(query).await.map_err(plan_error)?;
    plan::require_read_only(&plan)?;
    Ok(plan)
}

/// Holds the grants against the present moment and counts the call.
fn admit(gate: &Gate, before: &Stops, mut prepared: Prepared) -> Result<Prepared> {
    require_distinct(&prepared.tables)?;
    let holds = prepared.tables.iter().map(|table| Hold {
        grant: table.grant.clone(),
        state: table.state.clone(),
        until: table.until,
    });
    let stops = Stops { holds: holds.collect(), ..before.clone() };
    stops.check()?;
    let now = (gate.clock)();
    for table in &prepared.tables {
        gate.limiter.enter(&table.grant, &table.quota, now)?;
    }
    prepared.stops = Some(stops);
    Ok(prepared)
}

/// Records the access and only then starts it.
async fn release(gate: &Gate, p: Prepared, asker: Asker, statement: Redacted, started: Instant) -> Result<Opened> {
    let Some(stops) = p.stops else {
        return Err(Error::new(Kind::Internal, "GATE-INTERNAL", "内部错误"));
    };
    let rows_per_result = p.tables.iter().map(|table| table.quota.rows_per_result).min().unwrap_or(u64::MAX);
    let left_today = p.tables.iter().map(|table| table.quota.rows_left_today).min().unwrap_or(u64::MAX);
    let reserved = FIRST_RESERVATION_ROWS.min(rows_per_result).min(left_today);
    let request_id = asker.request_id.clone();
    let tables = p.tables.iter().map(|table| table_use(table, &p.reads)).collect();
    let begin = BeginRecord { asker, statement, tables, reserved };
    let handle = gate.recorder.begin(begin).await.map_err(|failure| not_recorded(&failure))?;

    let terms = Terms {
        recorder: Arc::clone(&gate.recorder),
        handle,
        limiter: Arc::clone(&gate.limiter),
        grants: p.tables.iter().map(|table| table.grant.clone()).collect(),
        rows_per_result,
        reserved,
        stops: stops.clone(),
        request_id,
        started,
    };
    let stream = match p.explained {
        Some(batch) => {
            let schema = batch.schema();
            MemoryStream::try_new(vec![batch], schema, None).map(|s| Box::pin(s) as _)
        }
        None => execute_stream(Arc::clone(&p.physical), p.state.task_ctx()),
    };
    let stream = match stream {
        Ok(stream) => stream,
        Err(error) => return Err(broken_at_start(gate, handle, &terms, &error).await),
    };
    let schema = stream.schema();
    let rows = Rows::new(Arc::clone(&schema), Meter::new(terms, stream));
    Ok(Opened { schema, rows, index: handle.index, cancel: stops.cancel })
}

async fn broken_at_start(
    gate: &Gate,
    handle: RecordHandle,
    terms: &Terms,
    error: &datafusion::error::DataFusionError,
) -> Error {
    use crate::record::{EndRecord, Outcome};
    let error = crate::faults::execution(error, &terms.request_id);
    let outcome = Outcome::Failed { kind: error.kind, code: error.code };
    let duration = terms.started.elapsed();
    let record = EndRecord { rows: 0, bytes: 0, duration, digest: String::new(), outcome };
    match gate.recorder.end(&handle, record).await {
        Ok(()) => error,
        Err(failure) => not_recorded(&failure),
    }
}

fn table_use(table: &TableMandate, reads: &Reads) -> TableUse {
    let read = reads.get(&format!("{}.{}", table.schema, table.name));
    let fields = table.fields.iter().filter(|field| read.is_some_and(|names| names.contains(&field.name)));
    TableUse {
        grant: table.grant.clone(),
        schema: table.schema.clone(),
        table: table.name.clone(),
        purpose: table.purpose.clone(),
        basis: table.basis.clone(),
        fields: fields
            .map(|field| FieldUse {
                name: field.name.clone(),
                grade: field.grade.clone(),
                mask: field.mask.to_string(),
            })
            .collect(),
        scoped: table.row_filter.is_some(),
    }
}

fn redact(gate: &Gate, mandate: &Mandate, sql: &str) -> Redacted {
    redact_statement(sql, &gate.redact_salt, &|name| {
        mandate.tables.iter().any(|table| {
            table.schema == name || table.name == name || table.fields.iter().any(|field| field.name == name)
        })
    })
}

fn template(config: &GateConfig, runtime: Arc<RuntimeEnv>) -> SessionState {
    let mut session = SessionConfig::new()
        .with_target_partitions(config.parallelism)
        .with_create_default_catalog_and_schema(false)
        .with_default_catalog_and_schema(CATALOG, ANY_SCHEMA)
        .with_information_schema(false);
    let options = session.options_mut();
    options.sql_parser.dialect = Dialect::PostgreSQL;
    options.execution.time_zone = Some("+08:00".to_owned());
    SessionStateBuilder::new()
        .with_config(session)
        .with_runtime_env(runtime)
        .with_default_features()
        .with_scalar_functions(functions::scalar())
        .with_aggregate_functions(functions::aggregate())
        .with_window_functions(functions::window())
        .with_table_function_list(vec![])
        .with_table_factories(HashMap::new())
        .build()
}
