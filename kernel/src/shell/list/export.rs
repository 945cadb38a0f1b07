//! A list as a file, the way offices want it: XLSX ready to print and to filter, CSV that opens without garbled words.
//!
//! Codes and ids are text: a spreadsheet keeps fifteen digits and destroys an 18-digit number.

use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use rust_xlsxwriter::{
    DocProperties, ExcelDateTime, Format as Style, FormatAlign, FormatBorder, Workbook, Worksheet, XlsxError,
};

use super::cell::Cell;
use crate::error::Error;
use crate::shell::fmt;
use crate::time::Timestamp;

/// Above this a file is made by a job, after approval.
const ROWS_MAX: u64 = 10_000;

/// Kind of file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Xlsx,
    Csv,
}

impl Format {
    pub const ALL: [Self; 2] = [Self::Xlsx, Self::Csv];

    pub fn extension(self) -> &'static str {
        match self {
            Self::Xlsx => "xlsx",
            Self::Csv => "csv",
        }
    }

    pub fn label(self) -> &'static str {
        match self {
            Self::Xlsx => "导出 XLSX",
            Self::Csv => "导出 CSV",
        }
    }

    fn mime(self) -> &'static str {
        match self {
            Self::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            Self::Csv => "text/csv; charset=utf-8",
        }
    }
}

/// What goes into the file. Built by [`super::List::export`], or by hand for a report.
#[derive(Clone, Debug, PartialEq)]
pub struct Export {
    pub title: String,
    pub unit: String,
    pub who: String,
    pub at: Timestamp,
    /// The filter in words.
    pub filters: String,
    /// Label and width in characters.
    pub heads: Vec<(String, u16)>,
    pub rows: Vec<Vec<Cell>>,
}

/// A file on its way to the browser; `bytes` are public so that the command that gives it out can record their digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Download {
    pub name: String,
    pub format: Format,
    pub bytes: Vec<u8>,
}

impl Export {
    pub const ROWS_MAX: u64 = ROWS_MAX;

    /// The file, named after its title and day.
    pub fn file(&self, format: Format) -> Result<Download, Error> {
        let bytes = match format {
            Format::Xlsx => self.xlsx()?,
            Format::Csv => self.csv()?,
        };
        Ok(Download { name: format!("{}-{}.{}", self.title, self.at.day_number(), format.extension()), format, bytes })
    }

    /// Title, line of origin, frozen head with filter, A4 landscape.
    pub fn xlsx(&self) -> Result<Vec<u8>, Error> {
        self.workbook().map_err(Error::internal)
    }

    fn workbook(&self) -> Result<Vec<u8>, XlsxError> {
        let mut book = Workbook::new();
        let made = ExcelDateTime::from_timestamp(self.at.millis() / 1000)?;
        book.set_properties(
            &DocProperties::new().set_title(&self.title).set_company(&self.unit).set_creation_datetime(&made),
        );
        let sheet = book.add_worksheet();
        sheet.set_name(sheet_name(&self.title))?;
        self.set_up_print(sheet)?;
        self.write_heads(sheet)?;
        for (at, row) in (FIRST_ROW..).zip(&self.rows) {
            for (column, cell) in (0_u16..).zip(row) {
                write_cell(sheet, at, column, cell)?;
            }
        }
        let last_row = FIRST_ROW - 1 + u32::try_from(self.rows.len()).unwrap_or(u32::MAX - FIRST_ROW);
        sheet.autofilter(FIRST_ROW - 1, 0, last_row, self.last_column())?;
        book.save_to_buffer()
    }

    fn set_up_print(&self, sheet: &mut Worksheet) -> Result<(), XlsxError> {
        const A4: u8 = 9;
        sheet.set_landscape().set_paper_size(A4).set_print_fit_to_pages(1, 0);
        sheet.set_margins(0.4, 0.4, 0.6, 0.6, 0.3, 0.3);
        sheet.set_repeat_rows(0, FIRST_ROW - 1)?.set_freeze_panes(FIRST_ROW, 0)?;
        sheet.set_footer(format!(
            "&L{}&C第 &P 页，共 &N 页&R{}",
            self.origin().replace('&', "&&"),
            fmt::minute(self.at)
        ));
        Ok(())
    }

    fn write_heads(&self, sheet: &mut Worksheet) -> Result<(), XlsxError> {
        let title = Style::new()
            .set_bold()
            .set_font_size(15)
            .set_align(FormatAlign::Center)
            .set_align(FormatAlign::VerticalCenter);
        let origin = Style::new().set_font_size(9);
        let head =
            Style::new().set_bold().set_border(FormatBorder::Thin).set_align(FormatAlign::Center).set_text_wrap();
        let last = self.last_column();
        sheet.set_row_height(0, 27)?;
        if last > 0 {
            sheet.merge_range(0, 0, 0, last, &self.title, &title)?;
            sheet.merge_range(1, 0, 1, last, &self.line(), &origin)?;
        } else {
            sheet.write_string_with_format(0, 0, &self.title, &title)?;
            sheet.write_string_with_format(1, 0, self.line(), &origin)?;
        }
        for (column, (label, width)) in (0_u16..).zip(&self.heads) {
            sheet.write_string_with_format(FIRST_ROW - 1, column, label, &head)?;
            sheet.set_column_width(column, f64::from(*width))?;
        }
        Ok(())
    }

    fn last_column(&self) -> u16 {
        u16::try_from(self.heads.len().saturating_sub(1)).unwrap_or(u16::MAX)
    }

    fn origin(&self) -> String {
        format!("{} {}", self.unit, self.who)
    }

    /// 「单位：… 导出人：… 导出时间：… 筛选条件：… 共 N 条」
    fn line(&self) -> String {
        format!(
            "单位：{}　导出人：{}　导出时间：{}　筛选条件：{}　共 {} 条",
            self.unit,
            self.who,
            fmt::minute(self.at),
            self.filters,
            fmt::number(self.rows.len())
        )
    }

    /// With byte-order mark and CRLF, as Excel and WPS expect; a cell that would be a formula is defused.
    pub fn csv(&self) -> Result<Vec<u8>, Error> {
        let mut writer =
            csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer("\u{feff}".as_bytes().to_vec());
        writer.write_record(self.heads.iter().map(|(label, _)| label)).map_err(Error::internal)?;
        for row in &self.rows {
            writer.write_record(row.iter().map(csv_text)).map_err(Error::internal)?;
        }
        writer.into_inner().map_err(|error| Error::internal(error.to_string()))
    }
}

/// Title, line of origin and heads stand above the rows.
const FIRST_ROW: u32 = 3;

fn write_cell(sheet: &mut Worksheet, row: u32, column: u16, cell: &Cell) -> Result<(), XlsxError> {
    match cell {
        Cell::Empty => {
            sheet.write_blank(row, column, &boxed())?;
        }
        // Beyond 2^53 a spreadsheet rounds; such a number is text.
        Cell::Int(n) if n.unsigned_abs() < 1 << 53 => {
            #[expect(clippy::cast_precision_loss, reason = "guarded by the match arm")]
            let number = *n as f64;
            sheet.write_number_with_format(row, column, number, &boxed().set_num_format("#,##0"))?;
        }
        other => {
            sheet.write_string_with_format(row, column, other.text(), &boxed().set_num_format("@"))?;
        }
    }
    Ok(())
}

fn boxed() -> Style {
    Style::new().set_border(FormatBorder::Thin)
}

/// At most 31 characters, none of those that sheets forbid.
fn sheet_name(title: &str) -> String {
    let name: String = title.chars().filter(|c| !r"[]:*?/\'".contains(*c)).take(31).collect();
    if name.is_empty() { "清单".to_owned() } else { name }
}

fn csv_text(cell: &Cell) -> String {
    let text = cell.text();
    let number = matches!(cell, Cell::Int(_));
    if !number && text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text }
}

impl IntoResponse for Download {
    fn into_response(self) -> Response {
        let name =
            serde_html_form::to_string([("n", &self.name)]).unwrap_or_default().replace("n=", "").replace('+', "%20");
        let mut response = self.bytes.into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(self.format.mime()));
        let disposition =
            format!("attachment; filename=\"export.{}\"; filename*=UTF-8''{name}", self.format.extension());
        if let Ok(value) = HeaderValue::from_str(&disposition) {
            headers.insert(header::CONTENT_DISPOSITION, value);
        }
        response
    }
}
