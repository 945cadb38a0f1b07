//! Writing the form: the empty template with its drop-downs, and the catalogue itself.

use hufu_kernel::error::{Error, Result};
use rust_xlsxwriter::{
    DataValidation, Format, FormatAlign, FormatBorder, Formula, Workbook, Worksheet, XlsxError,
};

use super::columns::{Column, ENTRY, FIELD};
use super::{ENTRIES, ENTRIES_MAX, FIELDS, FIELDS_MAX};
use crate::model::class::category_title;
use crate::model::field::{FieldSpec, KINDS, kind_title};
use crate::model::metadata::Metadata;
use crate::model::scheme::Scheme;
use crate::model::terms::{Cycle, DataType, FormatClass, MethodClass, ResourceKind, Sharing, THEMES};

/// Rows above the data: title, note, headings.
const HEAD_ROWS: u32 = 3;
/// Sheet that holds the choices of the drop-downs.
const CHOICES: &str = "选项";

/// An entry as it is written out.
#[derive(Clone, Debug)]
pub struct Line {
    pub code: String,
    pub unit: String,
    pub metadata: Metadata,
    pub grade: Option<String>,
    /// `2026-11-21`.
    pub published_on: String,
    pub fields: Vec<FieldSpec>,
}

/// What stands above the headings.
#[derive(Clone, Copy, Debug)]
pub struct Heading<'a> {
    pub title: &'a str,
    /// Unit, person, moment, filter; or how to fill the form in.
    pub note: &'a str,
}

/// The workbook; without lines it is the template.
pub fn write(lines: &[Line], heading: Heading<'_>, scheme: &Scheme) -> Result<Vec<u8>> {
    build(lines, heading, scheme).map_err(Error::internal)
}

fn build(lines: &[Line], heading: Heading<'_>, scheme: &Scheme) -> Result<Vec<u8>, XlsxError> {
    let mut book = Workbook::new();
    let choices = choices(scheme);
    let entries = book.add_worksheet();
    set_up(entries, ENTRIES, ENTRY, heading)?;
    for (at, line) in lines.iter().enumerate() {
        let row = HEAD_ROWS + u32::try_from(at).unwrap_or(u32::MAX - HEAD_ROWS);
        write_row(entries, row, &entry_cells(at + 1, line))?;
    }
    drop_downs(entries, ENTRY, &choices, ENTRIES_MAX)?;
    let fields = book.add_worksheet();
    set_up(fields, FIELDS, FIELD, heading)?;
    let mut row = HEAD_ROWS;
    for (at, line) in lines.iter().enumerate() {
        for field in &line.fields {
            write_row(fields, row, &field_cells(at + 1, &line.metadata.name, field))?;
            row += 1;
        }
    }
    drop_downs(fields, FIELD, &choices, FIELDS_MAX)?;
    let sheet = book.add_worksheet();
    sheet.set_name(CHOICES)?.set_hidden(true);
    for (column, (_, values)) in (0_u16..).zip(&choices) {
        for (row, value) in (0_u32..).zip(values) {
            sheet.write_string(row, column, value)?;
        }
    }
    book.save_to_buffer()
}

/// Choices of a drop-down by the key of its column.
fn choices(scheme: &Scheme) -> Vec<(&'static str, Vec<String>)> {
    let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<String>>();
    let yes_no = || owned(&["是", "否"]);
    let formats = FormatClass::ALL.iter().flat_map(|class| owned(class.types())).collect();
    let ways = MethodClass::ALL.iter().flat_map(|class| owned(class.ways())).collect();
    vec![
        ("category", owned(&["基础", "主题", "部门"])),
        ("kind", ResourceKind::ALL.iter().map(|term| term.title().to_owned()).collect()),
        ("format_class", FormatClass::ALL.iter().map(|term| term.title().to_owned()).collect()),
        ("format_type", formats),
        ("sharing", Sharing::ALL.iter().map(|term| term.title().to_owned()).collect()),
        ("method_class", MethodClass::ALL.iter().map(|term| term.title().to_owned()).collect()),
        ("method", ways),
        ("open", yes_no()),
        ("tradeable", yes_no()),
        ("important", yes_no()),
        ("cycle", Cycle::ALL.iter().map(|term| term.title().to_owned()).collect()),
        ("theme", owned(THEMES)),
        ("data_type", DataType::ALL.iter().map(|term| term.title().to_owned()).collect()),
        ("key", yes_no()),
        ("kind_of_field", KINDS.iter().map(|(_, title)| (*title).to_owned()).collect()),
        ("grade", scheme.levels.iter().map(|level| level.code.clone()).collect()),
        ("sensitive", yes_no()),
    ]
}

fn drop_downs(
    sheet: &mut Worksheet,
    columns: &[Column],
    choices: &[(&'static str, Vec<String>)],
    rows: usize,
) -> Result<(), XlsxError> {
    let of_fields = columns.iter().any(|column| column.key == "data_type");
    for (at, column) in (0_u16..).zip(columns) {
        // Both sheets have a column `kind`, of different things; an entry's grade follows from its fields.
        let key = if of_fields && column.key == "kind" { "kind_of_field" } else { column.key };
        if !of_fields && key == "grade" {
            continue;
        }
        let Some((place, (_, values))) = choices.iter().enumerate().find(|(_, (known, _))| *known == key) else { continue };
        let letter = super::columns::letter(u32::try_from(place).unwrap_or_default());
        let formula = format!("={CHOICES}!${letter}$1:${letter}${}", values.len());
        let list = DataValidation::new()
            .allow_list_formula(Formula::new(formula))
            .set_error_title("不在可选值内")?
            .set_error_message("请从下拉列表中选择")?;
        let last = HEAD_ROWS + u32::try_from(rows).unwrap_or_default();
        sheet.add_data_validation(HEAD_ROWS, at, last, at, &list)?;
    }
    Ok(())
}

fn set_up(sheet: &mut Worksheet, name: &str, columns: &[Column], heading: Heading<'_>) -> Result<(), XlsxError> {
    const A4: u8 = 9;
    sheet.set_name(name)?.set_landscape().set_paper_size(A4).set_print_fit_to_pages(1, 0);
    sheet.set_repeat_rows(0, HEAD_ROWS - 1)?.set_freeze_panes(HEAD_ROWS, 0)?;
    let title = Format::new().set_bold().set_font_size(15);
    let note = Format::new().set_font_size(9);
    let head = Format::new().set_bold().set_border(FormatBorder::Thin).set_align(FormatAlign::Center).set_text_wrap();
    // Codes are text: a spreadsheet drops leading zeros and keeps fifteen digits.
    let text = Format::new().set_num_format("@");
    sheet.write_string_with_format(0, 0, heading.title, &title)?;
    sheet.write_string_with_format(1, 0, heading.note, &note)?;
    for (at, column) in (0_u16..).zip(columns) {
        sheet.set_column_width(at, f64::from(column.width))?.set_column_format(at, &text)?;
        let mark = if column.must { "*" } else { "" };
        sheet.write_string_with_format(HEAD_ROWS - 1, at, format!("{}{mark}", column.title), &head)?;
    }
    Ok(())
}

fn write_row(sheet: &mut Worksheet, row: u32, cells: &[String]) -> Result<(), XlsxError> {
    for (at, text) in (0_u16..).zip(cells) {
        if !text.is_empty() {
            sheet.write_string(row, at, text)?;
        }
    }
    Ok(())
}

fn entry_cells(number: usize, line: &Line) -> Vec<String> {
    let data = &line.metadata;
    let (category, item, directory, detail) = data.class.parts().unwrap_or_default();
    let yes_no = |truth: bool| if truth { "是" } else { "否" }.to_owned();
    vec![
        number.to_string(),
        category_title(category).unwrap_or_default().to_owned(),
        item.to_owned(),
        data.class.item_name.clone(),
        directory.to_owned(),
        data.class.directory_name.clone(),
        detail.to_owned(),
        data.class.detail_name.clone(),
        data.name.clone(),
        line.code.clone(),
        data.kind.title().to_owned(),
        line.unit.clone(),
        data.provider_code.clone(),
        data.summary.clone(),
        data.format_class.title().to_owned(),
        data.format_type.clone(),
        data.terms.sharing.title().to_owned(),
        data.terms.scope.clone(),
        data.terms.purpose.clone(),
        data.terms.basis.clone(),
        data.terms.reason.clone(),
        data.method_class.title().to_owned(),
        data.method.clone(),
        yes_no(data.open),
        data.open_condition.clone(),
        yes_no(data.tradeable),
        data.cycle.title().to_owned(),
        line.published_on.clone(),
        data.related_code.clone(),
        data.theme.clone(),
        line.grade.clone().unwrap_or_default(),
        yes_no(data.important),
        data.row_count.map(|rows| rows.to_string()).unwrap_or_default(),
        data.table_name.clone(),
    ]
}

fn field_cells(number: usize, entry: &str, field: &FieldSpec) -> Vec<String> {
    let yes_no = |truth: bool| if truth { "是" } else { "否" }.to_owned();
    vec![
        number.to_string(),
        entry.to_owned(),
        field.name.clone(),
        field.title.clone(),
        field.data_type.title().to_owned(),
        field.length.map(|length| length.to_string()).unwrap_or_default(),
        yes_no(field.key),
        field.kind.as_deref().map(|kind| kind_title(kind).to_owned()).unwrap_or_default(),
        field.grade.clone().unwrap_or_default(),
        yes_no(field.sensitive),
    ]
}
