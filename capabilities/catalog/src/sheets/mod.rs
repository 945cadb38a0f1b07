//! The catalogue as a workbook in the national form: one sheet of entries, one of fields.
//!
//! ```text
//! file ──grid──> cells ──entries──> metadata and fields, or every fault with sheet, row and column
//! entries ──book──> file, with the same columns: what goes out comes in again
//! ```

pub mod book;
mod columns;
mod entries;
mod grid;
mod habits;

use crate::model::field::FieldSpec;
use crate::model::metadata::Metadata;

/// Bytes of one file that is taken in.
pub const FILE_BYTES_MAX: usize = 20 * 1024 * 1024;
/// Entries of one file.
pub const ENTRIES_MAX: usize = 10_000;
/// Fields of one file.
pub const FIELDS_MAX: usize = 200_000;
/// Faults that are told of one file.
pub const FAULTS_MAX: usize = 500;

/// Name of the sheet of entries.
pub const ENTRIES: &str = "数据资源目录";
/// Name of the sheet of fields.
pub const FIELDS: &str = "信息项";

/// Something that keeps a file from being taken in.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Fault {
    pub sheet: String,
    /// As the spreadsheet counts; 0 when the whole sheet or file is meant.
    pub row: u32,
    /// Letter of the column; empty when the whole row is meant.
    pub column: String,
    /// Heading of the column.
    pub title: String,
    pub message: String,
}

impl Fault {
    fn of_file(message: impl Into<String>) -> Self {
        Self { sheet: String::new(), row: 0, column: String::new(), title: String::new(), message: message.into() }
    }

    /// `数据资源目录!H7`, as a spreadsheet names the place.
    pub fn place(&self) -> String {
        match (self.sheet.as_str(), self.row, self.column.as_str()) {
            ("", ..) => "文件".to_owned(),
            (sheet, 0, "") => sheet.to_owned(),
            (sheet, 0, column) => format!("{sheet}!{column} 列"),
            (sheet, row, "") => format!("{sheet} 第 {row} 行"),
            (sheet, row, column) => format!("{sheet}!{column}{row}"),
        }
    }
}

/// One entry of a file.
pub type FileEntry = (Metadata, Vec<FieldSpec>);

/// Reads a workbook: all of its entries, or everything that is wrong with it.
pub fn read(bytes: &[u8], scheme: &crate::model::scheme::Scheme) -> Result<Vec<FileEntry>, Vec<Fault>> {
    if bytes.len() > FILE_BYTES_MAX {
        let limit = FILE_BYTES_MAX / 1024 / 1024;
        return Err(vec![Fault::of_file(format!("文件超过 {limit} MB，请拆分后再导入"))]);
    }
    let book = grid::read(bytes, &[ENTRIES, FIELDS]).map_err(|fault| vec![*fault])?;
    entries::read(&book, scheme)
}
