//! Workbooks: the first filled row of a sheet names the columns. A sheet is read once and kept until the file changes.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use arrow::datatypes::{DataType, SchemaRef, TimeUnit};
use arrow::record_batch::RecordBatch;
use calamine::{Data, DataType as _, Range, Reader, open_workbook_auto};
use chrono::NaiveTime;

use super::{arrow_type, headers, schema_of};
use crate::error::Result;
use crate::source::cells::{self, Cells, Rows};
use crate::source::config::DeclaredColumn;
use crate::source::fault;

/// Integers this long are numbers of things (telephone, account, ID), not amounts: their column is text.
const LONG_NUMBER: f64 = 1e9;

#[derive(Clone, Debug)]
pub(super) struct Sheet {
    pub name: String,
    pub schema: SchemaRef,
    pub batches: Vec<RecordBatch>,
}

impl Sheet {
    pub(super) fn rows(&self) -> u64 {
        self.batches.iter().map(|b| u64::try_from(b.num_rows()).unwrap_or(0)).sum()
    }
}

/// All sheets that hold a header.
pub(super) fn read(path: &Path, stem: &str, declared: &[DeclaredColumn]) -> Result<Vec<Sheet>> {
    let broken = |_e| fault::read(format!("workbook {stem} cannot be opened"));
    let mut book = open_workbook_auto(path).map_err(broken)?;
    let names = book.sheet_names();
    let ranges: Vec<(String, Range<Data>)> = names
        .into_iter()
        .map(|name| book.worksheet_range(&name).map(|range| (name, range)).map_err(broken))
        .collect::<Result<_>>()?;
    let filled: Vec<_> = ranges.into_iter().filter(|(_, range)| !range.is_empty()).collect();
    let single = filled.len() == 1;
    filled
        .into_iter()
        .map(|(name, range)| {
            let table = if single { stem.to_owned() } else { format!("{stem}.{name}") };
            let of_table = declared.iter().filter(|d| d.table == table);
            let types = of_table.map(|d| (d.column.clone(), arrow_type(d.as_type))).collect();
            sheet(name, &table, &range, &types)
        })
        .collect()
}

fn sheet(name: String, table: &str, range: &Range<Data>, declared: &HashMap<String, DataType>) -> Result<Sheet> {
    let mut lines = range.rows();
    let header = lines.next().unwrap_or_default();
    let names = headers(header.iter().map(|c| text(c).unwrap_or_default()));
    let lines: Vec<&[Data]> = lines.filter(|line| line.iter().any(|c| !c.is_empty())).collect();
    let typed = names.into_iter().enumerate().map(|(i, name)| {
        let found = || infer(lines.iter().filter_map(|line| line.get(i)));
        let data_type = declared.get(&name).cloned().unwrap_or_else(found);
        (name, data_type)
    });
    let schema = schema_of(typed);
    let mut rows = Rows::new(Arc::clone(&schema))?;
    let mut batches = Vec::new();
    for (nth, line) in lines.iter().enumerate() {
        for (i, cells) in rows.cells().enumerate() {
            let cell = line.get(i).unwrap_or(&Data::Empty);
            put(cells, cell).ok_or_else(|| fault::value(format!("{table}: row {}, column {}", nth + 2, i + 1)))?;
        }
        batches.extend(rows.end_row()?);
    }
    batches.extend(rows.finish()?);
    Ok(Sheet { name, schema, batches })
}

/// The narrowest type that holds every cell of a column; text if they differ.
fn infer<'a>(column: impl Iterator<Item = &'a Data>) -> DataType {
    let mut found: Option<DataType> = None;
    for cell in column {
        let one = match cell {
            Data::Empty | Data::Error(_) => continue,
            Data::Bool(_) => DataType::Boolean,
            #[expect(clippy::cast_precision_loss, reason = "only its size is looked at")]
            Data::Int(v) if (*v as f64).abs() < LONG_NUMBER => DataType::Int64,
            Data::Float(v) if v.fract() == 0.0 && v.abs() < LONG_NUMBER => DataType::Int64,
            Data::Float(v) if v.fract() != 0.0 => DataType::Float64,
            Data::DateTime(_) | Data::DateTimeIso(_) => match cell.as_datetime() {
                Some(at) if at.time() == NaiveTime::MIN => DataType::Date32,
                Some(_) => DataType::Timestamp(TimeUnit::Microsecond, None),
                None => DataType::Utf8,
            },
            _ => DataType::Utf8,
        };
        found = Some(match (found, one) {
            (None, one) => one,
            (Some(known), one) if known == one => known,
            (Some(DataType::Int64), DataType::Float64) | (Some(DataType::Float64), DataType::Int64) => {
                DataType::Float64
            }
            (Some(DataType::Date32), at @ DataType::Timestamp(..))
            | (Some(at @ DataType::Timestamp(..)), DataType::Date32) => at,
            _ => DataType::Utf8,
        });
    }
    found.unwrap_or(DataType::Utf8)
}

fn put(cells: &mut Cells, cell: &Data) -> Option<()> {
    match (cells, cell) {
        (cells, Data::Empty | Data::Error(_)) => cells.null(),
        (cells, Data::String(s)) if s.is_empty() => cells.null(),
        (Cells::Bool(b), Data::Bool(v)) => b.append_value(*v),
        (Cells::Float64(b), Data::Float(v)) => b.append_value(*v),
        (Cells::Decimal(b, p, s), Data::Float(v)) => {
            let places = usize::try_from(*s).ok()?;
            b.append_value(cells::parse_decimal(&format!("{v:.places$}"), *p, *s)?);
        }
        (Cells::Date(b), Data::DateTime(_) | Data::DateTimeIso(_)) => {
            b.append_value(cells::days(cell.as_datetime()?.date())?)
        }
        (Cells::Micros(b, _), Data::DateTime(_) | Data::DateTimeIso(_)) => {
            b.append_value(cells::micros(cell.as_datetime()?))
        }
        (cells, _) => cells.parse(&text(cell)?)?,
    }
    Some(())
}

/// A cell as a person reads it: whole numbers without a point, dates in ISO form.
fn text(cell: &Data) -> Option<String> {
    Some(match cell {
        Data::Empty | Data::Error(_) => return None,
        Data::String(s) | Data::DurationIso(s) => s.clone(),
        Data::Int(v) => v.to_string(),
        Data::Float(v) => v.to_string(),
        Data::Bool(v) => v.to_string(),
        Data::DateTime(_) | Data::DateTimeIso(_) => match cell.as_datetime() {
            Some(at) if at.time() == NaiveTime::MIN => at.date().to_string(),
            Some(at) => at.format("%Y-%m-%d %H:%M:%S").to_string(),
            None => cell.as_string()?,
        },
    })
}
