//! JSON: an array of objects, or one object per line. Columns are the keys of all objects;
//! a column whose values differ in type, or are nested, is text.

use std::collections::HashMap;
use std::fmt;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::sync::Arc;

use arrow::datatypes::DataType;
use arrow::record_batch::RecordBatch;
use serde::de::{Deserializer as _, SeqAccess, Visitor};
use serde_json::{Deserializer, Map, Value};

use super::row_table::{ReadJob, RowFormat, open};
use super::{Known, decode, schema_of};
use crate::error::Result;
use crate::source::cells::{Cells, Rows};
use crate::source::fault;

type Record = Map<String, Value>;

#[derive(Debug)]
struct Json;

/// Reads the file once to learn its columns.
pub(super) fn look(path: &Path, declared: &HashMap<String, DataType>) -> Result<Known> {
    let mut columns: Vec<(String, Option<DataType>)> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    records(path, "", &mut |record| {
        for (name, value) in record {
            let at = *places.entry(name.clone()).or_insert_with(|| {
                columns.push((name, None));
                columns.len() - 1
            });
            if let (Some(found), Some((_, known))) = (type_of(&value), columns.get_mut(at)) {
                *known = Some(known.take().map_or(found.clone(), |k| common(k, &found)));
            }
        }
        Ok(true)
    })?;
    let typed = |(name, found): (String, Option<DataType>)| {
        let data_type = declared.get(&name).cloned().or(found).unwrap_or(DataType::Utf8);
        (name, data_type)
    };
    Ok(Known::Rows { schema: schema_of(columns.into_iter().map(typed)), format: Arc::new(Json) })
}

fn type_of(value: &Value) -> Option<DataType> {
    match value {
        Value::Null => None,
        Value::Bool(_) => Some(DataType::Boolean),
        Value::Number(n) if n.is_i64() => Some(DataType::Int64),
        Value::Number(_) => Some(DataType::Float64),
        Value::String(_) | Value::Array(_) | Value::Object(_) => Some(DataType::Utf8),
    }
}

fn common(one: DataType, other: &DataType) -> DataType {
    match (&one, other) {
        _ if one == *other => one,
        (DataType::Int64, DataType::Float64) | (DataType::Float64, DataType::Int64) => DataType::Float64,
        _ => DataType::Utf8,
    }
}

impl RowFormat for Json {
    fn read(&self, job: &ReadJob, mut rows: Rows, send: &mut dyn FnMut(RecordBatch) -> bool) -> Result<()> {
        let names: Vec<&str> =
            job.wanted.iter().filter_map(|i| job.schema.fields().get(*i)).map(|f| f.name().as_str()).collect();
        let mut nth = 0_u64;
        records(&job.path, &job.table, &mut |record| {
            nth += 1;
            for (cells, name) in rows.cells().zip(&names) {
                put(cells, record.get(*name))
                    .ok_or_else(|| fault::value(format!("{}: record {nth}, column {name}", job.table)))?;
            }
            match rows.end_row()? {
                Some(batch) => Ok(send(batch)),
                None => Ok(true),
            }
        })?;
        if let Some(batch) = rows.finish()? {
            send(batch);
        }
        Ok(())
    }
}

fn put(cells: &mut Cells, value: Option<&Value>) -> Option<()> {
    match (cells, value) {
        (cells, None | Some(Value::Null)) => cells.null(),
        (Cells::Bool(b), Some(Value::Bool(v))) => b.append_value(*v),
        (Cells::Int64(b), Some(Value::Number(n))) => b.append_value(n.as_i64()?),
        (Cells::Float64(b), Some(Value::Number(n))) => b.append_value(n.as_f64()?),
        (cells, Some(Value::String(text))) => cells.parse(text)?,
        (cells, Some(other)) => cells.parse(&other.to_string())?,
    }
    Some(())
}

/// Gives every object of the file to `take` until it has had enough; one object is in memory at a time.
fn records(path: &Path, table: &str, take: &mut dyn FnMut(Record) -> Result<bool>) -> Result<()> {
    let encoding = decode::detect(path)?;
    let mut reader = BufReader::new(decode::utf8(open(path, table)?, encoding));
    skip_space(&mut reader)?;
    let is_array = reader.fill_buf().map_err(|_e| fault::read("json"))?.first() == Some(&b'[');
    let broken = || fault::value(format!("{table}: not an array or lines of objects"));
    if !is_array {
        for record in Deserializer::from_reader(reader).into_iter::<Record>() {
            if !take(record.map_err(|_e| broken())?)? {
                return Ok(());
            }
        }
        return Ok(());
    }
    let mut failed = Ok(());
    let read = Deserializer::from_reader(reader).deserialize_seq(Each { take, failed: &mut failed });
    failed?;
    read.map_err(|_e| broken())
}

fn skip_space(reader: &mut impl BufRead) -> Result<()> {
    loop {
        let bytes = reader.fill_buf().map_err(|_e| fault::read("json"))?;
        let skipped = bytes.iter().take_while(|b| b.is_ascii_whitespace() || [0xEF, 0xBB, 0xBF].contains(*b)).count();
        let all = skipped == bytes.len() && skipped > 0;
        reader.consume(skipped);
        if !all {
            return Ok(());
        }
    }
}

struct Each<'a> {
    take: &'a mut dyn FnMut(Record) -> Result<bool>,
    failed: &'a mut Result<()>,
}

impl<'de> Visitor<'de> for Each<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of objects")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let mut wanted = true;
        while wanted && let Some(record) = seq.next_element::<Record>()? {
            match (self.take)(record) {
                Ok(more) => wanted = more,
                Err(e) => {
                    *self.failed = Err(e);
                    wanted = false;
                }
            }
        }
        // What nobody wants is skipped, so that the parser ends at the bracket.
        while seq.next_element::<serde::de::IgnoredAny>()?.is_some() {}
        Ok(())
    }
}
