//! Cells of a workbook. A hostile file may claim a cell in the last corner of the sheet: cells are read one by one and limited.

use std::collections::BTreeMap;
use std::io::Cursor;

use calamine::{Data, DataRef, Reader, Xls, Xlsx};

use super::Fault;

/// Columns that are looked at.
const COLUMNS_MAX: u32 = 100;
/// Rows of one sheet, headings included.
const ROWS_MAX: usize = 200_100;
/// Characters of one cell.
const CELL_CHARS_MAX: usize = 10_000;

/// What stands in a cell.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Text(String),
    Number(f64),
    Truth(bool),
    /// A date, as `2026-11-21`.
    Date(String),
    /// A formula that went wrong.
    Broken,
}

/// Rows by number from 0, cells by column from 0; empty cells are not there.
pub(super) type Sheet = BTreeMap<u32, BTreeMap<u32, Value>>;

/// Sheets by name.
pub(super) type Book = BTreeMap<String, Sheet>;

/// The named sheets of an .xlsx or .xls file.
pub(super) fn read(bytes: &[u8], wanted: &[&str]) -> Result<Book, Box<Fault>> {
    const OLE: &[u8] = &[0xd0, 0xcf, 0x11, 0xe0];
    const ZIP: &[u8] = b"PK\x03\x04";
    if bytes.starts_with(ZIP) {
        read_xlsx(bytes, wanted)
    } else if bytes.starts_with(OLE) {
        read_xls(bytes, wanted)
    } else {
        Err(file("文件不是 XLSX 或 XLS 表格，或已加密、损坏"))
    }
}

fn read_xlsx(bytes: &[u8], wanted: &[&str]) -> Result<Book, Box<Fault>> {
    let mut file_book: Xlsx<_> = Xlsx::new(Cursor::new(bytes)).map_err(|_| damaged())?;
    let mut book = Book::new();
    for name in file_book.sheet_names() {
        if !wanted.contains(&name.as_str()) {
            continue;
        }
        let mut cells = file_book.worksheet_cells_reader(&name).map_err(|_| damaged())?;
        let mut sheet = Sheet::new();
        while let Some(cell) = cells.next_cell().map_err(|_| damaged())? {
            let value = match cell.get_value() {
                DataRef::Int(number) => Some(Value::Number(*number as f64)),
                DataRef::Float(number) => Some(Value::Number(*number)),
                DataRef::String(text) => text_value(text),
                DataRef::SharedString(text) => text_value(text),
                DataRef::Bool(truth) => Some(Value::Truth(*truth)),
                DataRef::DateTime(moment) => Some(date_value(*moment)),
                DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => text_value(text),
                DataRef::Error(_) => Some(Value::Broken),
                DataRef::Empty => None,
            };
            put(&mut sheet, &name, cell.get_position(), value)?;
        }
        book.insert(name, sheet);
    }
    Ok(book)
}

fn read_xls(bytes: &[u8], wanted: &[&str]) -> Result<Book, Box<Fault>> {
    let mut file_book: Xls<_> = Xls::new(Cursor::new(bytes)).map_err(|_| damaged())?;
    let mut book = Book::new();
    for name in file_book.sheet_names() {
        if !wanted.contains(&name.as_str()) {
            continue;
        }
        let range = file_book.worksheet_range(&name).map_err(|_| damaged())?;
        let (first_row, first_column) = range.start().unwrap_or_default();
        let mut sheet = Sheet::new();
        for (row, column, cell) in range.used_cells() {
            let value = match cell {
                Data::Int(number) => Some(Value::Number(*number as f64)),
                Data::Float(number) => Some(Value::Number(*number)),
                Data::String(text) | Data::DateTimeIso(text) | Data::DurationIso(text) => text_value(text),
                Data::Bool(truth) => Some(Value::Truth(*truth)),
                Data::DateTime(moment) => Some(date_value(*moment)),
                Data::Error(_) => Some(Value::Broken),
                Data::Empty => None,
            };
            let place = |first: u32, at: usize| u32::try_from(at).map_or(u32::MAX, |at| first.saturating_add(at));
            put(&mut sheet, &name, (place(first_row, row), place(first_column, column)), value)?;
        }
        book.insert(name, sheet);
    }
    Ok(book)
}

fn put(sheet: &mut Sheet, name: &str, (row, column): (u32, u32), value: Option<Value>) -> Result<(), Box<Fault>> {
    let Some(value) = value else { return Ok(()) };
    if column >= COLUMNS_MAX {
        return Ok(());
    }
    if let Value::Text(text) = &value
        && text.chars().count() > CELL_CHARS_MAX
    {
        let column = super::columns::letter(column);
        let message = format!("单元格超过 {CELL_CHARS_MAX} 个字");
        let fault = Fault { sheet: name.to_owned(), row: row.saturating_add(1), column, title: String::new(), message };
        return Err(Box::new(fault));
    }
    sheet.entry(row).or_default().insert(column, value);
    if sheet.len() > ROWS_MAX {
        return Err(file(&format!("工作表「{name}」超过 {ROWS_MAX} 行")));
    }
    Ok(())
}

fn text_value(text: &str) -> Option<Value> {
    let text = text.trim();
    (!text.is_empty()).then(|| Value::Text(text.to_owned()))
}

fn date_value(moment: calamine::ExcelDateTime) -> Value {
    match moment.as_datetime() {
        Some(moment) => Value::Date(moment.format("%Y-%m-%d").to_string()),
        None => Value::Broken,
    }
}

fn damaged() -> Box<Fault> {
    file("表格已加密或损坏，无法读取；请用表格软件打开后另存为 XLSX 再导入")
}

fn file(message: &str) -> Box<Fault> {
    Box::new(Fault::of_file(message))
}
