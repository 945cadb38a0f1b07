//! Runs one command on one connection.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::common::ScalarValue;
use futures::stream;
use pgwire::api::Type;
use pgwire::api::results::Tag;
use pgwire::error::{PgWireError, PgWireResult};

use super::answer::{Answer, Batches, Cursor, Guard, Table};
use super::catalogue::{self, Catalogue};
use super::command::{Command, Copy};
use super::connection::Connection;
use super::parameters::Parameter;
use super::{Shared, faults};
use crate::mandate::Mandate;
use crate::{CancelToken, Statement};

/// Most cursors that one connection keeps open.
const CURSORS_MAX: usize = 16;
/// The sentence that binds whoever reads: it stands with every purpose.
const BINDING: &str = "数据仅限用于上述用途和本单位履行职责,不得转供第三方或挪作他用,用毕按约定处置";

pub(super) async fn run(
    shared: &Shared,
    connection: &Connection,
    command: &Command,
    parameters: Vec<ScalarValue>,
    cancel: CancelToken,
) -> PgWireResult<Answer> {
    let done = |tag: &str| Ok(Answer::Done(Tag::new(tag)));
    match command {
        Command::Query(sql) => {
            let table = query(shared, connection, sql, parameters, cancel).await?;
            Ok(Answer::Rows { table, tag: if is_explain(sql) { "EXPLAIN" } else { "SELECT" } })
        }
        Command::Copy(copy) => copy_out(shared, connection, copy, cancel).await,
        Command::Declare { cursor, query: sql } => {
            let table = query(shared, connection, sql, parameters, cancel).await?;
            let mut cursors = connection.cursors.lock().await;
            if cursors.len() >= CURSORS_MAX && !cursors.contains_key(cursor) {
                return Err(faults::error("53400", "打开的游标过多"));
            }
            cursors.insert(cursor.clone(), Cursor::new(table));
            done("DECLARE CURSOR")
        }
        Command::Fetch { cursor, rows } => fetch(connection, cursor, *rows).await,
        Command::Move { cursor, rows } => {
            let moved = match fetch(connection, cursor, *rows).await? {
                Answer::Rows { table, .. } => count(table).await?,
                _ => 0,
            };
            Ok(Answer::Done(Tag::new("MOVE").with_rows(moved)))
        }
        Command::CloseCursor(Some(cursor)) => match connection.cursors.lock().await.remove(cursor) {
            Some(_) => done("CLOSE CURSOR"),
            None => Err(no_cursor(cursor)),
        },
        Command::CloseCursor(None) => {
            connection.cursors.lock().await.clear();
            done("CLOSE CURSOR ALL")
        }
        Command::Begin => Ok(Answer::Begun),
        Command::Commit | Command::Rollback => {
            connection.cursors.lock().await.clear();
            Ok(Answer::Ended(Tag::new(if *command == Command::Commit { "COMMIT" } else { "ROLLBACK" })))
        }
        Command::Set { name, value } => {
            connection.settings().set(name, value.as_deref())?;
            done(if value.is_some() { "SET" } else { "RESET" })
        }
        Command::ResetAll => {
            connection.settings().reset();
            done("RESET")
        }
        Command::DiscardAll => {
            connection.settings().reset();
            connection.cursors.lock().await.clear();
            done("DISCARD ALL")
        }
        Command::Nothing(tag) => done(tag),
        Command::Show(name) => Ok(Answer::Rows { table: show(connection, name).await?, tag: "SHOW" }),
        Command::Refused(sql) => match query_at_gate(shared, connection, sql, parameters, cancel).await {
            Err(e) => Err(e),
            // The gate would run what we took for something else: it knows better.
            Ok(table) => Ok(Answer::Rows { table, tag: "SELECT" }),
        },
    }
}

/// Columns and parameters of a command, without running it.
pub(super) async fn describe(
    shared: &Shared,
    connection: &Connection,
    command: &Command,
    said: &[Option<Type>],
) -> PgWireResult<(Option<SchemaRef>, Vec<Parameter>)> {
    let untyped = |n: usize| (0..n).map(|i| Parameter::new(said.get(i).cloned().flatten(), None)).collect();
    match command {
        Command::Query(sql) => {
            let mandate = mandate(connection).await?;
            if catalogue::concerns(sql) {
                let catalogue = catalogue_of(shared, connection, &mandate).await?;
                let (schema, count) = catalogue.describe(sql).await?;
                return Ok((Some(schema), untyped(count)));
            }
            match crate::describe(&shared.gate, mandate, sql).await {
                Ok(described) => {
                    let count = described.parameters.len().max(said.len());
                    let parameter = |i: usize| {
                        let inferred = described.parameters.get(&format!("${}", i + 1)).cloned().flatten();
                        Parameter::new(said.get(i).cloned().flatten(), inferred)
                    };
                    Ok((Some(described.schema), (0..count).map(parameter).collect()))
                }
                Err(error) => {
                    // A refusal is recorded, and only an opening records.
                    let cancel = connection.begin();
                    if let Err(refused) = query_at_gate(shared, connection, sql, Vec::new(), cancel).await {
                        tracing::debug!(sqlstate = refused.code(), "refused when it was prepared");
                    }
                    Err(faults::told(&error))
                }
            }
        }
        Command::Fetch { cursor, .. } => {
            let cursors = connection.cursors.lock().await;
            let found = cursors.get(cursor).ok_or_else(|| no_cursor(cursor))?;
            Ok((Some(found.schema()), Vec::new()))
        }
        Command::Show(name) => Ok((Some(show(connection, name).await?.schema), Vec::new())),
        _ => Ok((None, untyped(said.len()))),
    }
}

async fn mandate(connection: &Connection) -> PgWireResult<Mandate> {
    connection.mandate().await.map_err(|e| faults::told(&e))
}

async fn query(
    shared: &Shared,
    connection: &Connection,
    sql: &str,
    parameters: Vec<ScalarValue>,
    cancel: CancelToken,
) -> PgWireResult<Table> {
    if !catalogue::concerns(sql) {
        return query_at_gate(shared, connection, sql, parameters, cancel).await;
    }
    let mandate = mandate(connection).await?;
    let catalogue = catalogue_of(shared, connection, &mandate).await?;
    let batch = catalogue.query(sql, parameters).await?;
    Ok(of_batch(batch))
}

async fn query_at_gate(
    shared: &Shared,
    connection: &Connection,
    sql: &str,
    parameters: Vec<ScalarValue>,
    cancel: CancelToken,
) -> PgWireResult<Table> {
    let mandate = mandate(connection).await?;
    let guard = Guard::of(&mandate, sql);
    let statement = Statement { sql: sql.to_owned(), parameters, cancel };
    let opened = crate::open(&shared.gate, mandate, statement).await.map_err(|e| faults::told(&e))?;
    Ok(Table { schema: opened.schema, batches: Box::pin(opened.rows), guard })
}

async fn copy_out(shared: &Shared, connection: &Connection, copy: &Copy, cancel: CancelToken) -> PgWireResult<Answer> {
    let table = query(shared, connection, &copy.query, Vec::new(), cancel).await?;
    Ok(Answer::Copy { table, copy: copy.clone() })
}

async fn catalogue_of(shared: &Shared, connection: &Connection, mandate: &Mandate) -> PgWireResult<Arc<Catalogue>> {
    let mut kept = connection.catalogue.lock().await;
    if let Some(known) = kept.as_ref()
        && known.is_of(mandate)
    {
        known.set_settings(connection.settings().all())?;
        return Ok(Arc::clone(known));
    }
    let built = Catalogue::build(&shared.gate, mandate, &connection.user).await?;
    built.set_settings(connection.settings().all())?;
    let built = Arc::new(built);
    *kept = Some(Arc::clone(&built));
    Ok(built)
}

async fn fetch(connection: &Connection, name: &str, rows: usize) -> PgWireResult<Answer> {
    let mut cursors = connection.cursors.lock().await;
    let cursor = cursors.get_mut(name).ok_or_else(|| no_cursor(name))?;
    let schema = cursor.schema();
    match cursor.next(rows).await {
        Ok(batches) => {
            let batches: Batches = Box::pin(stream::iter(batches.into_iter().map(Ok)));
            Ok(Answer::Rows { table: Table { schema, batches, guard: Guard::default() }, tag: "FETCH" })
        }
        Err(error) => {
            // A cursor that was stopped has nothing more to give.
            cursors.remove(name);
            Err(error)
        }
    }
}

async fn count(mut table: Table) -> PgWireResult<usize> {
    use futures::StreamExt;
    let mut rows = 0;
    while let Some(batch) = table.batches.next().await {
        rows += batch.map_err(|e| faults::told(&e))?.num_rows();
    }
    Ok(rows)
}

async fn show(connection: &Connection, name: &str) -> PgWireResult<Table> {
    if name == "hufu.purpose" {
        let mandate = mandate(connection).await?;
        let column = |text: &dyn Fn(&crate::mandate::TableMandate) -> String| -> ArrayRef {
            Arc::new(StringArray::from_iter_values(mandate.tables.iter().map(text)))
        };
        let columns = [
            ("授权", column(&|t| t.grant.clone())),
            ("数据资源", column(&|t| format!("{}.{}", t.schema, t.name))),
            ("用途", column(&|t| t.purpose.clone())),
            ("依据", column(&|t| t.basis.clone())),
            ("承诺", column(&|_| BINDING.to_owned())),
        ];
        let batch = RecordBatch::try_from_iter(columns).map_err(|_e| faults::error("XX000", "内部错误"))?;
        return Ok(of_batch(batch));
    }
    if name == "all" {
        let all = connection.settings().all();
        let names: ArrayRef = Arc::new(StringArray::from_iter_values(all.iter().map(|(n, _)| n)));
        let values: ArrayRef = Arc::new(StringArray::from_iter_values(all.iter().map(|(_, v)| v)));
        let batch = RecordBatch::try_from_iter([("name", names), ("setting", values)]);
        return Ok(of_batch(batch.map_err(|_e| faults::error("XX000", "内部错误"))?));
    }
    let value = connection.settings().show(name).ok_or_else(|| faults::error("42704", format!("没有设置项 {name}")))?;
    let schema = Arc::new(Schema::new(vec![Field::new(name, DataType::Utf8, false)]));
    let batch = RecordBatch::try_new(schema, vec![Arc::new(StringArray::from(vec![value]))]);
    Ok(of_batch(batch.map_err(|_e| faults::error("XX000", "内部错误"))?))
}

fn of_batch(batch: RecordBatch) -> Table {
    Table { schema: batch.schema(), batches: Box::pin(stream::iter([Ok(batch)])), guard: Guard::default() }
}

fn is_explain(sql: &str) -> bool {
    sql.trim_start().get(..7).is_some_and(|word| word.eq_ignore_ascii_case("explain"))
}

fn no_cursor(name: &str) -> PgWireError {
    faults::error("34000", format!("没有游标 {name}"))
}
