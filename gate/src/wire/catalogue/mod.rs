//! `pg_catalog` for one mandate: an SQLite database in memory that holds names, types and comments of what
//! the mandate shows, and nothing else. Clients ask such things in PostgreSQL's full language, correlated
//! sub-queries and all; no source and no row can be reached from here.

mod functions;
mod infer;
mod rewrite;

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::common::ScalarValue;
use futures::{StreamExt, stream};
use pgwire::api::Type;
use pgwire::error::{PgWireError, PgWireResult};
use rusqlite::types::{Value, ValueRef};
use rusqlite::{Connection, InterruptHandle, params};
use tokio_postgres::types::Kind;

use self::rewrite::Rewritten;
pub(super) use self::rewrite::concerns;
use super::{faults, types};
use crate::Gate;
use crate::mandate::Mandate;

/// Most rows that one catalogue query gives.
const ROWS_MAX: usize = 200_000;
const TIMEOUT: Duration = Duration::from_secs(10);
/// Tables whose columns are asked for at the same time.
const PARALLEL: usize = 8;
const TABLES: &str = include_str!("tables.sql");
/// `pg_class` itself, which comments refer to.
const PG_CLASS: i64 = 1259;

pub(super) struct Catalogue {
    database: Mutex<Connection>,
    interrupt: InterruptHandle,
    signature: String,
}

impl Catalogue {
    pub(super) async fn build(gate: &Gate, mandate: &Mandate, user: &str) -> PgWireResult<Self> {
        // A source that does not answer hides its columns, not the other tables.
        let described: Vec<Option<SchemaRef>> = stream::iter(mandate.tables.clone())
            .map(|table| async move {
                let quoted = |name: &str| format!("\"{}\"", name.replace('"', "\"\""));
                let sql = format!("SELECT * FROM {}.{}", quoted(&table.schema), quoted(&table.name));
                let alone = Mandate { tables: vec![table], ..mandate.clone() };
                crate::describe(gate, alone, &sql).await.ok().map(|d| d.schema)
            })
            .buffered(PARALLEL)
            .collect()
            .await;
        let built = fill(mandate, &described, user).map_err(|_e| broken("build"))?;
        let interrupt = built.get_interrupt_handle();
        Ok(Self { database: Mutex::new(built), interrupt, signature: signature(mandate) })
    }

    pub(super) fn is_of(&self, mandate: &Mandate) -> bool {
        self.signature == signature(mandate)
    }

    pub(super) fn set_settings(&self, settings: Vec<(String, String)>) -> PgWireResult<()> {
        let database = self.database();
        let set = || -> rusqlite::Result<()> {
            database.execute("DELETE FROM pg_catalog.pg_settings", [])?;
            let sql = "INSERT INTO pg_catalog.pg_settings (name, setting, category, context, vartype, source) \
                       VALUES (?1, ?2, '', 'user', 'string', 'default')";
            for (name, value) in &settings {
                database.execute(sql, params![name, value])?;
            }
            Ok(())
        };
        set().map_err(|_e| broken("settings"))
    }

    /// Columns and number of parameters of a query.
    pub(super) async fn describe(self: &Arc<Self>, sql: &str) -> PgWireResult<(SchemaRef, usize)> {
        let rewritten = rewrite::rewrite(sql)?;
        self.off_runtime(move |database| {
            let statement = database.prepare(&rewritten.sql).map_err(|e| not_answered(&e))?;
            let numbers = (1..=statement.parameter_count()).filter_map(|i| numbered(statement.parameter_name(i)));
            Ok((schema_of(&statement, &rewritten), numbers.max().unwrap_or(0)))
        })
        .await
    }

    pub(super) async fn query(self: &Arc<Self>, sql: &str, parameters: Vec<ScalarValue>) -> PgWireResult<RecordBatch> {
        let rewritten = rewrite::rewrite(sql)?;
        self.off_runtime(move |database| {
            let mut statement = database.prepare(&rewritten.sql).map_err(|e| not_answered(&e))?;
            let schema = schema_of(&statement, &rewritten);
            let values: Vec<Value> = (1..=statement.parameter_count())
                .map(|i| {
                    numbered(statement.parameter_name(i))
                        .and_then(|n| parameters.get(n - 1))
                        .map_or(Value::Null, to_sqlite)
                })
                .collect();
            let mut rows = statement.query(rusqlite::params_from_iter(values)).map_err(|e| not_answered(&e))?;
            let mut columns: Vec<Vec<Option<String>>> = vec![Vec::new(); schema.fields().len()];
            let mut seen = 0;
            while let Some(row) = rows.next().map_err(|e| not_answered(&e))? {
                seen += 1;
                if seen > ROWS_MAX {
                    return Err(faults::error("54000", "目录查询的结果过多"));
                }
                for (i, column) in columns.iter_mut().enumerate() {
                    column.push(row.get_ref(i).map_err(|e| not_answered(&e))?.text());
                }
            }
            let arrays = columns.iter().zip(schema.fields()).map(|(c, f)| array(c, f)).collect::<Option<Vec<_>>>();
            let arrays = arrays.ok_or_else(|| broken("value"))?;
            let options = arrow::array::RecordBatchOptions::new().with_row_count(Some(seen));
            RecordBatch::try_new_with_options(schema, arrays, &options).map_err(|_e| broken("batch"))
        })
        .await
    }

    async fn off_runtime<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Connection) -> PgWireResult<T> + Send + 'static,
    ) -> PgWireResult<T> {
        let this = Arc::clone(self);
        let mut task = tokio::task::spawn_blocking(move || work(&this.database()));
        match tokio::time::timeout(TIMEOUT, &mut task).await {
            Ok(done) => done.map_err(|_e| broken("thread"))?,
            Err(_elapsed) => {
                self.interrupt.interrupt();
                Err(faults::error("57014", "目录查询超过时限,已停止"))
            }
        }
    }

    fn database(&self) -> MutexGuard<'_, Connection> {
        self.database.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What would change the catalogue if it changed.
fn signature(mandate: &Mandate) -> String {
    let mut signature = String::new();
    for table in &mandate.tables {
        let fields: Vec<&str> = table.fields.iter().map(|f| f.name.as_str()).collect();
        signature.push_str(&format!("{}\0{}\0{}\0{}\n", table.grant, table.schema, table.name, fields.join("\0")));
    }
    signature
}

fn fill(mandate: &Mandate, described: &[Option<SchemaRef>], user: &str) -> rusqlite::Result<Connection> {
    let database = Connection::open_in_memory()?;
    database.execute_batch("ATTACH ':memory:' AS pg_catalog; PRAGMA case_sensitive_like = ON;")?;
    database.execute_batch(TABLES)?;
    let schemas: BTreeSet<&str> = mandate.tables.iter().map(|t| t.schema.as_str()).collect();
    let mut taken: BTreeSet<i64> = BTreeSet::new();
    let mut namespaces = HashMap::new();
    for schema in schemas {
        let oid = oid_of(schema, &mut taken);
        namespaces.insert(schema, oid);
        database.execute("INSERT INTO pg_namespace VALUES (?1, ?2, 10, NULL)", params![oid, schema])?;
    }
    let mut relations = Vec::new();
    for (table, schema) in mandate.tables.iter().zip(described) {
        let oid = oid_of(&format!("{}.{}", table.schema, table.name), &mut taken);
        let Some(namespace) = namespaces.get(table.schema.as_str()) else { continue };
        relations.push((oid, table.schema.clone(), table.name.clone()));
        relation(&database, oid, *namespace, table, schema.as_ref())?;
        database.execute(
            "INSERT INTO pg_tables VALUES (?1, ?2, 'hufu', NULL, 0, 0, 0, 0)",
            params![table.schema, table.name],
        )?;
    }
    for shown in SHOWN_TYPES {
        pg_type(&database, shown)?;
    }
    for (oid, name, login) in [(10, "hufu", 0), (16385, user, 1)] {
        database.execute(
            "INSERT INTO pg_roles VALUES (?1, ?2, 0, 1, 0, 0, ?3, 0, -1, NULL, NULL, 0, NULL)",
            params![oid, name, login],
        )?;
        database.execute("INSERT INTO pg_user VALUES (?2, ?1, 0, 0, 0, 0, NULL, NULL, NULL)", params![oid, name])?;
    }
    let comments = comments(&database)?;
    functions::register(&database, user, relations, comments)?;
    Ok(database)
}

fn comments(database: &Connection) -> rusqlite::Result<functions::Comments> {
    let mut statement = database.prepare("SELECT objoid, objsubid, description FROM pg_description")?;
    let rows = statement.query_map([], |r| Ok(((r.get(0)?, r.get(1)?), r.get(2)?)))?;
    rows.collect()
}

fn relation(
    database: &Connection,
    oid: i64,
    namespace: i64,
    table: &crate::mandate::TableMandate,
    schema: Option<&SchemaRef>,
) -> rusqlite::Result<()> {
    let width = schema.map_or(0, |s| s.fields().len());
    database.execute(
        "INSERT INTO pg_class VALUES (?1, ?2, ?3, 0, 0, 10, 2, ?1, 0, 0, -1, 0, 0, 0, 0, 'p', 'r', ?4, 0, 0, 0, 0, 0, 0, 1, \
         'n', 0, 0, 0, NULL, NULL, NULL)",
        params![oid, table.name, namespace, width],
    )?;
    let describe = "INSERT INTO pg_description VALUES (?1, ?2, ?3, ?4)";
    if !table.comment.is_empty() {
        database.execute(describe, params![oid, PG_CLASS, 0, table.comment])?;
    }
    for (number, field) in (1_i64..).zip(schema.iter().flat_map(|s| s.fields().iter())) {
        let of = types::of(field);
        let collation = if of == Type::TEXT { 100 } else { 0 };
        database.execute(
            "INSERT INTO pg_attribute VALUES (?1, ?2, ?3, -1, ?4, ?5, 0, -1, ?6, 0, 'i', 'x', '', 0, 0, 0, '', '', 0, 1, 0, ?7, NULL, NULL, NULL)",
            params![oid, field.name(), of.oid(), types::width(&of), number, types::modifier(field.data_type()), collation],
        )?;
        let comment = table.fields.iter().find(|f| f.name == *field.name()).map_or("", |f| f.comment.as_str());
        if !comment.is_empty() {
            database.execute(describe, params![oid, PG_CLASS, number, comment])?;
        }
    }
    Ok(())
}

const SHOWN_TYPES: &[Type] = &[
    Type::BOOL,
    Type::BYTEA,
    Type::CHAR,
    Type::NAME,
    Type::INT8,
    Type::INT2,
    Type::INT4,
    Type::TEXT,
    Type::OID,
    Type::JSON,
    Type::FLOAT4,
    Type::FLOAT8,
    Type::BPCHAR,
    Type::VARCHAR,
    Type::DATE,
    Type::TIME,
    Type::TIMESTAMP,
    Type::TIMESTAMPTZ,
    Type::INTERVAL,
    Type::NUMERIC,
    Type::UUID,
    Type::JSONB,
    Type::UNKNOWN,
    Type::RECORD,
    Type::TEXT_ARRAY,
    Type::INT4_ARRAY,
    Type::INT8_ARRAY,
    Type::NAME_ARRAY,
    Type::VARCHAR_ARRAY,
    Type::OID_ARRAY,
];

fn pg_type(database: &Connection, of: &Type) -> rusqlite::Result<()> {
    let element = match of.kind() {
        Kind::Array(inner) => inner.oid(),
        _ => 0,
    };
    let category = match *of {
        Type::BOOL => "B",
        Type::INT2 | Type::INT4 | Type::INT8 | Type::OID | Type::FLOAT4 | Type::FLOAT8 | Type::NUMERIC => "N",
        Type::DATE | Type::TIME | Type::TIMESTAMP | Type::TIMESTAMPTZ => "D",
        Type::INTERVAL => "T",
        Type::UNKNOWN => "X",
        Type::RECORD => "P",
        _ if element != 0 => "A",
        Type::TEXT | Type::VARCHAR | Type::BPCHAR | Type::NAME | Type::CHAR => "S",
        _ => "U",
    };
    let array = SHOWN_TYPES.iter().find(|t| matches!(t.kind(), Kind::Array(inner) if inner == of)).map_or(0, Type::oid);
    let kind = if matches!(*of, Type::RECORD | Type::UNKNOWN) { "p" } else { "b" };
    let input = if element == 0 { format!("{}in", of.name()) } else { "array_in".to_owned() };
    let collation = if matches!(*of, Type::TEXT | Type::VARCHAR | Type::BPCHAR) { 100 } else { 0 };
    database.execute(
        "INSERT INTO pg_type VALUES (?1, ?2, 11, 10, ?3, 0, ?4, ?5, 0, 1, ',', 0, NULL, ?6, ?7, ?8, ?8, ?8, ?8, '-', '-', '-', \
         'i', 'p', 0, 0, -1, 0, ?9, NULL, NULL)",
        params![of.oid(), of.name(), types::width(of), kind, category, element, array, input, collation],
    )?;
    Ok(())
}

/// The same name has the same number on every connection, as far as no other name has it already.
fn oid_of(name: &str, taken: &mut BTreeSet<i64>) -> i64 {
    let mut hash: u32 = 0x811C_9DC5;
    for byte in name.bytes() {
        hash = (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193);
    }
    let mut oid = i64::from(hash % 2_000_000_000) + 100_000;
    while !taken.insert(oid) {
        oid += 1;
    }
    oid
}

fn schema_of(statement: &rusqlite::Statement<'_>, rewritten: &Rewritten) -> SchemaRef {
    let columns = statement.columns();
    let field = |(i, column): (usize, &rusqlite::Column<'_>)| -> Field {
        let declared = column.decl_type().map(|declared| match declared.to_ascii_lowercase().as_str() {
            "oid" => Type::OID,
            "int2" => Type::INT2,
            "int4" => Type::INT4,
            "int8" => Type::INT8,
            "float4" => Type::FLOAT4,
            "bool" => Type::BOOL,
            "name_text" => Type::NAME,
            _ => Type::TEXT,
        });
        let inferred = rewritten.columns.get(i).cloned().flatten();
        let of = inferred.as_ref().and_then(|c| c.of.clone()).or(declared).unwrap_or(Type::TEXT);
        let name = inferred.and_then(|c| c.name).unwrap_or_else(|| column.name().to_owned());
        types::field_as(&name, &of)
    };
    let fields: Vec<Field> = columns.iter().enumerate().map(field).collect();
    Arc::new(Schema::new(fields))
}

trait AsText {
    fn text(&self) -> Option<String>;
}

impl AsText for ValueRef<'_> {
    fn text(&self) -> Option<String> {
        match self {
            ValueRef::Null | ValueRef::Blob(_) => None,
            ValueRef::Integer(v) => Some(v.to_string()),
            ValueRef::Real(v) => Some(v.to_string()),
            ValueRef::Text(v) => Some(String::from_utf8_lossy(v).into_owned()),
        }
    }
}

fn array(values: &[Option<String>], field: &Field) -> Option<arrow::array::ArrayRef> {
    use arrow::array::{BooleanArray, Float32Array, Float64Array, Int16Array, Int32Array, Int64Array, StringArray};
    fn parsed<T: std::str::FromStr>(values: &[Option<String>]) -> impl Iterator<Item = Option<T>> {
        values.iter().map(|v| v.as_ref().and_then(|v| v.parse().ok()))
    }
    Some(match field.data_type() {
        DataType::Boolean => {
            let truth = |v: &Option<String>| v.as_ref().map(|v| matches!(v.as_str(), "1" | "t" | "true"));
            Arc::new(values.iter().map(truth).collect::<BooleanArray>())
        }
        DataType::Int16 => Arc::new(parsed(values).collect::<Int16Array>()),
        DataType::Int32 => Arc::new(parsed(values).collect::<Int32Array>()),
        DataType::Int64 => Arc::new(parsed(values).collect::<Int64Array>()),
        DataType::Float32 => Arc::new(parsed(values).collect::<Float32Array>()),
        DataType::Float64 => Arc::new(parsed(values).collect::<Float64Array>()),
        DataType::Utf8 => Arc::new(values.iter().map(Option::as_ref).collect::<StringArray>()),
        _ => return None,
    })
}

fn to_sqlite(value: &ScalarValue) -> Value {
    match value {
        _ if value.is_null() => Value::Null,
        ScalarValue::Boolean(Some(v)) => Value::Integer(i64::from(*v)),
        ScalarValue::Int16(Some(v)) => Value::Integer(i64::from(*v)),
        ScalarValue::Int32(Some(v)) => Value::Integer(i64::from(*v)),
        ScalarValue::Int64(Some(v)) => Value::Integer(*v),
        other => Value::Text(other.to_string()),
    }
}

/// `$3` is the third, wherever it stands.
fn numbered(name: Option<&str>) -> Option<usize> {
    name?.strip_prefix('$')?.parse().ok().filter(|n| *n > 0)
}

fn broken(what: &str) -> PgWireError {
    tracing::warn!(what, "the catalogue in memory failed");
    faults::error("XX000", "目录信息暂时无法提供")
}

/// The texts of the database in memory name only what the client wrote and what the catalogue shows.
fn not_answered(error: &rusqlite::Error) -> PgWireError {
    match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::OperationInterrupted) => faults::error("57014", "目录查询超过时限,已停止"),
        _ => faults::error("0A000", format!("不支持这样的目录查询:{error}")),
    }
}
