//! Writes the demo city's rows where a bureau would have them: a database, folders of CSV, XLSX and Parquet.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use arrow::array::{ArrayRef, Date32Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use datafusion::parquet::arrow::ArrowWriter;

use super::entries::EntryPlan;
use super::epidemic::{Cell, Column, Store, Table, rows};

/// Rows of one Parquet row group.
const PARQUET_GROUP_ROWS: usize = 20_000;

/// Writes every table that has rows; the folder of a source is `unit/kind`.
pub(crate) fn write(dir: &Path, entries: &[EntryPlan]) -> Result<()> {
    let mut databases: BTreeMap<&str, rusqlite::Connection> = BTreeMap::new();
    for entry in entries.iter().filter(|entry| entry.rows > 0) {
        let Some(store) = entry.store else { continue };
        let table = Table {
            unit: entry.unit,
            table: &entry.table,
            title: &entry.name,
            store,
            rows: entry.rows,
            columns: &entry.columns,
        };
        let folder = folder(dir, table.unit, store);
        match store {
            Store::Sqlite => {
                if !databases.contains_key(table.unit) {
                    databases.insert(table.unit, open(&folder)?);
                }
                if let Some(database) = databases.get_mut(table.unit) {
                    write_sqlite(database, &table)?;
                }
            }
            Store::Csv => write_csv(&made(folder)?.join(format!("{}.csv", table.table)), &table)?,
            Store::Xlsx => write_xlsx(&made(folder)?.join(format!("{}.xlsx", table.table)), &table)?,
            Store::Parquet => write_parquet(&made(folder)?.join(format!("{}.parquet", table.table)), &table)?,
        }
    }
    Ok(())
}

/// Where a unit's source of a kind lies: a database file, else a folder.
pub(crate) fn folder(dir: &Path, unit: &str, store: Store) -> std::path::PathBuf {
    let unit = dir.join(unit);
    match store {
        Store::Sqlite => unit.join("business.db"),
        Store::Csv => unit.join("csv"),
        Store::Xlsx => unit.join("xlsx"),
        Store::Parquet => unit.join("parquet"),
    }
}

fn made(folder: std::path::PathBuf) -> Result<std::path::PathBuf> {
    fs::create_dir_all(&folder).with_context(|| format!("make {}", folder.display()))?;
    Ok(folder)
}

fn open(file: &Path) -> Result<rusqlite::Connection> {
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder)?;
    }
    let database = rusqlite::Connection::open(file)?;
    // The demo's data can be made again: it need not survive a power cut while it is being made.
    database.execute_batch("PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF;")?;
    Ok(database)
}

fn write_sqlite(database: &mut rusqlite::Connection, table: &Table<'_>) -> Result<()> {
    let columns: Vec<String> = table.columns.iter().map(|(name, _, cell)| format!("\"{name}\" {}", sql_type(*cell))).collect();
    let marks: Vec<String> = (1..=table.columns.len()).map(|at| format!("?{at}")).collect();
    let tx = database.transaction()?;
    tx.execute_batch(&format!("CREATE TABLE \"{}\" ({})", table.table, columns.join(", ")))?;
    {
        let mut insert = tx.prepare(&format!("INSERT INTO \"{}\" VALUES ({})", table.table, marks.join(", ")))?;
        for row in rows(table) {
            insert.execute(rusqlite::params_from_iter(row))?;
        }
    }
    Ok(tx.commit()?)
}

fn sql_type(cell: Cell) -> &'static str {
    match cell {
        Cell::Number(_) => "INTEGER",
        Cell::Date | Cell::BirthDate => "DATE",
        Cell::Name
        | Cell::IdCard
        | Cell::Sex
        | Cell::Mobile
        | Cell::Address
        | Cell::District
        | Cell::Word(_)
        | Cell::Health(_)
        | Cell::Code(_) => "TEXT",
    }
}

fn write_csv(file: &Path, table: &Table<'_>) -> Result<()> {
    let mut writer = csv::Writer::from_path(file)?;
    writer.write_record(names(table.columns))?;
    for row in rows(table) {
        writer.write_record(row)?;
    }
    Ok(writer.flush()?)
}

fn write_xlsx(file: &Path, table: &Table<'_>) -> Result<()> {
    let mut book = rust_xlsxwriter::Workbook::new();
    let sheet = book.add_worksheet().set_name(table.table)?;
    sheet.write_row(0, 0, names(table.columns))?;
    for (row, at) in rows(table).zip(1u32..) {
        for ((cell, (_, _, content)), column) in row.iter().zip(table.columns).zip(0u16..) {
            match (content, cell.parse::<u32>()) {
                (Cell::Number(_), Ok(number)) => sheet.write_number(at, column, number)?,
                _ => sheet.write_string(at, column, cell)?,
            };
        }
    }
    Ok(book.save(file)?)
}

fn write_parquet(file: &Path, table: &Table<'_>) -> Result<()> {
    let field = |(name, _, cell): &Column| Field::new(*name, arrow_type(*cell), true);
    let schema = Arc::new(Schema::new(table.columns.iter().map(field).collect::<Vec<_>>()));
    let mut writer = ArrowWriter::try_new(File::create(file)?, Arc::clone(&schema), None)?;
    let mut all = rows(table).peekable();
    while all.peek().is_some() {
        let group: Vec<Vec<String>> = all.by_ref().take(PARQUET_GROUP_ROWS).collect();
        let columns = table.columns.iter().enumerate().map(|(at, (_, _, cell))| {
            let texts = group.iter().map(|row| row.get(at).map(String::as_str).unwrap_or_default());
            array(*cell, texts)
        });
        writer.write(&RecordBatch::try_new(Arc::clone(&schema), columns.collect())?)?;
        writer.flush()?;
    }
    writer.close()?;
    Ok(())
}

fn arrow_type(cell: Cell) -> DataType {
    match cell {
        Cell::Number(_) => DataType::Int64,
        Cell::Date | Cell::BirthDate => DataType::Date32,
        Cell::Name
        | Cell::IdCard
        | Cell::Sex
        | Cell::Mobile
        | Cell::Address
        | Cell::District
        | Cell::Word(_)
        | Cell::Health(_)
        | Cell::Code(_) => DataType::Utf8,
    }
}

fn array<'a>(cell: Cell, texts: impl Iterator<Item = &'a str>) -> ArrayRef {
    match arrow_type(cell) {
        DataType::Int64 => Arc::new(Int64Array::from_iter(texts.map(|text| text.parse::<i64>().ok()))),
        DataType::Date32 => {
            let days = |text: &str| -> Option<i32> {
                let date = chrono::NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
                i32::try_from((date - chrono::NaiveDate::default()).num_days()).ok()
            };
            Arc::new(Date32Array::from_iter(texts.map(days)))
        }
        _ => Arc::new(StringArray::from_iter_values(texts)),
    }
}

fn names(columns: &[Column]) -> Vec<&'static str> {
    columns.iter().map(|(name, _, _)| *name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::entries::entries;

    #[test]
    fn cat_2_rows_rest_in_four_formats() {
        let dir = tempfile::tempdir().unwrap();
        let small: Vec<EntryPlan> =
            entries().into_iter().filter(|entry| entry.epidemic).map(|entry| EntryPlan { rows: 20, ..entry }).collect();
        write(dir.path(), &small).unwrap();
        let database = rusqlite::Connection::open(folder(dir.path(), "swjj", Store::Sqlite)).unwrap();
        let count: i64 = database.query_row("SELECT count(*) FROM yq_qzbl WHERE id_card LIKE '4418%'", [], |row| row.get(0)).unwrap();
        assert_eq!(count, 20);
        for file in ["sjdhlw/parquet/yq_hsjc.parquet", "sjdhlw/csv/yq_mj.csv", "swjj/xlsx/yq_jkjc.xlsx"] {
            assert!(dir.path().join(file).metadata().unwrap().len() > 100, "{file}");
        }
    }
}
