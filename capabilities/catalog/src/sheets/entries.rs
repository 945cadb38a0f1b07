//! From cells to entries. Every fault is told with its place; one fault and nothing is taken in.

use std::collections::{BTreeMap, HashMap};

use super::columns::{Column, ENTRY, FIELD, letter};
use super::grid::{Book, Sheet, Value};
use super::{ENTRIES, ENTRIES_MAX, FAULTS_MAX, FIELDS, FIELDS_MAX, Fault, FileEntry, habits};
use crate::model::class::{Class, category_digit};
use crate::model::field::{FieldSpec, KINDS};
use crate::model::metadata::{Metadata, SharingTerms};
use crate::model::scheme::Scheme;
use crate::model::terms::{Cycle, DataType, FormatClass, MethodClass, ResourceKind, Sharing};

/// Rows that are looked through for the headings.
const HEAD_ROWS_MAX: u32 = 10;

pub(super) fn read(book: &Book, scheme: &Scheme) -> Result<Vec<FileEntry>, Vec<Fault>> {
    let mut faults = Vec::new();
    let entries = Table::find(book, ENTRIES, ENTRY, "name", &mut faults);
    let fields = Table::find(book, FIELDS, FIELD, "title", &mut faults);
    let (Some(entries), Some(fields)) = (entries, fields) else { return Err(faults) };
    entries.limit(ENTRIES_MAX, &mut faults);
    fields.limit(FIELDS_MAX, &mut faults);
    if entries.rows.is_empty() {
        faults.push(entries.fault(0, "", "没有可导入的目录"));
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    let mut by_number = read_fields(&entries, &fields, &mut faults);
    let mut read = Vec::with_capacity(entries.rows.len());
    for row in &entries.rows {
        if faults.len() >= FAULTS_MAX {
            break;
        }
        let known = faults.len();
        let mut cells = Cells { table: &entries, row, faults: &mut faults };
        let metadata = entry(&mut cells);
        let specs = by_number.remove(&cells.text("no")).unwrap_or_default();
        // What the cells already say is not said again by the model.
        if faults.len() == known {
            model_faults(&entries, &fields, row, &metadata, &specs, scheme, &mut faults);
        }
        read.push((metadata, specs.into_iter().map(|(_, spec)| spec).collect()));
    }
    look_for_habits(&entries, &mut faults);
    faults.truncate(FAULTS_MAX);
    if faults.is_empty() { Ok(read) } else { Err(faults) }
}

/// A sheet with its headings found.
struct Table<'a> {
    name: &'static str,
    /// Column of the sheet by key.
    places: HashMap<&'static str, (u32, &'static str)>,
    /// Rows below the headings that hold anything.
    rows: Vec<(u32, &'a BTreeMap<u32, Value>)>,
}

type Row<'a> = (u32, &'a BTreeMap<u32, Value>);

impl<'a> Table<'a> {
    fn find(
        book: &'a Book,
        name: &'static str,
        columns: &'static [Column],
        landmark: &str,
        faults: &mut Vec<Fault>,
    ) -> Option<Self> {
        let Some(sheet) = book.get(name) else {
            faults.push(Fault::of_file(format!("缺少工作表「{name}」，请使用本系统的导入模板")));
            return None;
        };
        let Some((head, places)) = heads(sheet, columns, landmark) else {
            let message = "没有找到表头行，请使用本系统的导入模板".to_owned();
            faults.push(Fault { sheet: name.to_owned(), row: 0, column: String::new(), title: String::new(), message });
            return None;
        };
        let table = Self { name, places, rows: sheet.range(head + 1..).map(|(row, cells)| (*row, cells)).collect() };
        let known = faults.len();
        for column in columns.iter().filter(|column| column.must && !table.places.contains_key(column.key)) {
            faults.push(Fault { title: column.title.to_owned(), ..table.fault(head, "", &format!("缺少列「{}」", column.title)) });
        }
        (faults.len() == known).then_some(table)
    }

    fn limit(&self, rows_max: usize, faults: &mut Vec<Fault>) {
        if self.rows.len() > rows_max {
            let mut fault = self.fault(0, "", &format!("共 {} 行，一次最多导入 {rows_max} 行，请拆分", self.rows.len()));
            fault.row = 0;
            faults.push(fault);
        }
    }

    fn fault(&self, row: u32, key: &str, message: &str) -> Fault {
        let place = self.places.get(key);
        Fault {
            sheet: self.name.to_owned(),
            row: row + 1,
            column: place.map(|(column, _)| letter(*column)).unwrap_or_default(),
            title: place.map(|(_, title)| (*title).to_owned()).unwrap_or_default(),
            message: message.to_owned(),
        }
    }

    fn value(&self, row: &Row<'a>, key: &str) -> Option<&'a Value> {
        self.places.get(key).and_then(|(column, _)| row.1.get(column))
    }

    /// The text of a column in all rows, for habits.
    fn texts(&self, key: &str) -> Vec<&'a str> {
        let text = |row: &Row<'a>| match self.value(row, key) {
            Some(Value::Text(text)) => text.as_str(),
            _ => "",
        };
        self.rows.iter().map(text).collect()
    }
}

fn heads(sheet: &Sheet, columns: &'static [Column], landmark: &str) -> Option<(u32, HashMap<&'static str, (u32, &'static str)>)> {
    for (row, cells) in sheet.range(..HEAD_ROWS_MAX) {
        let mut places = HashMap::new();
        for (at, value) in cells {
            let Value::Text(text) = value else { continue };
            let bare: String = text.chars().filter(|c| !c.is_whitespace() && !matches!(c, '*' | '＊')).collect();
            if let Some(column) = columns.iter().find(|column| column.title == bare) {
                places.entry(column.key).or_insert((*at, column.title));
            }
        }
        if places.contains_key(landmark) && places.len() * 2 > columns.iter().filter(|column| column.must).count() {
            return Some((*row, places));
        }
    }
    None
}

/// One row, whose cells are asked for by key; what is wrong is kept.
struct Cells<'a, 'b> {
    table: &'b Table<'a>,
    row: &'b Row<'a>,
    faults: &'b mut Vec<Fault>,
}

impl Cells<'_, '_> {
    fn wrong(&mut self, key: &str, message: impl AsRef<str>) {
        self.faults.push(self.table.fault(self.row.0, key, message.as_ref()));
    }

    /// The text of a cell; a whole number reads as its digits.
    fn text(&mut self, key: &str) -> String {
        const WHOLE_MAX: f64 = 1e15;
        match self.table.value(self.row, key) {
            None => String::new(),
            Some(Value::Text(text) | Value::Date(text)) => text.clone(),
            Some(Value::Truth(true)) => "是".to_owned(),
            Some(Value::Truth(false)) => "否".to_owned(),
            Some(Value::Number(number)) if number.fract() == 0.0 && number.abs() < WHOLE_MAX => format!("{number:.0}"),
            Some(Value::Number(number)) if number.abs() >= WHOLE_MAX => {
                self.wrong(key, "长数字被表格软件存成了数值，末位已经丢失；请把单元格设为文本后重新填写");
                String::new()
            }
            Some(Value::Number(number)) => number.to_string(),
            Some(Value::Broken) => {
                self.wrong(key, "单元格公式出错");
                String::new()
            }
        }
    }

    fn needed(&mut self, key: &str) -> String {
        let known = self.faults.len();
        let text = self.text(key);
        if text.is_empty() && self.faults.len() == known {
            self.wrong(key, "必填，不能为空");
        }
        text
    }

    /// Digits of a fixed length; a number cell has lost its leading zeros.
    fn digits(&mut self, key: &str, length: usize) -> String {
        let text = self.needed(key);
        let right = text.len() == length && text.bytes().all(|b| b.is_ascii_digit());
        if !right && !text.is_empty() {
            self.wrong(key, format!("须为 {length} 位数字（单元格设为文本，保留前面的 0），读到「{}」", short(&text)));
        }
        text
    }

    fn term<T>(&mut self, key: &str, parse: impl Fn(&str) -> Option<T>, choices: &[&str], otherwise: T) -> T {
        let text = self.needed(key);
        match parse(&text) {
            Some(term) => term,
            None => {
                if !text.is_empty() {
                    self.wrong(key, format!("「{}」不在可选值内，可选：{}", short(&text), choices.join("、")));
                }
                otherwise
            }
        }
    }

    /// 是 or 否; an empty cell means 否 where the column may be empty.
    fn truth(&mut self, key: &str, needed: bool) -> bool {
        let text = if needed { self.needed(key) } else { self.text(key) };
        match text.as_str() {
            "是" => true,
            "否" | "" => false,
            other => {
                let message = format!("只能填「是」或「否」，读到「{}」", short(other));
                self.wrong(key, message);
                false
            }
        }
    }

    /// A whole number; units belong into no number cell.
    fn number(&mut self, key: &str) -> Option<i64> {
        let text = self.text(key).replace(',', "");
        if text.is_empty() {
            return None;
        }
        match text.parse() {
            Ok(number) if number >= 0 => Some(number),
            _ => {
                let has_unit = text.starts_with(|c: char| c.is_ascii_digit()) && text.chars().any(|c| !c.is_ascii_digit() && c != '.');
                let message = if has_unit {
                    format!("只填数字，不带单位，读到「{}」", short(&text))
                } else {
                    format!("须为不小于 0 的整数，读到「{}」", short(&text))
                };
                self.wrong(key, message);
                None
            }
        }
    }
}

fn entry(cells: &mut Cells<'_, '_>) -> Metadata {
    cells.needed("no");
    let class = class(cells);
    let titles = |codes: &[(&'static str, &'static str)]| codes.iter().map(|(_, title)| *title).collect::<Vec<_>>();
    macro_rules! term {
        ($key:literal, $type:ident, $default:ident) => {{
            let choices: Vec<(&str, &str)> = $type::ALL.iter().map(|term| (term.code(), term.title())).collect();
            cells.term($key, $type::parse, &titles(&choices), $type::$default)
        }};
    }
    let kind = term!("kind", ResourceKind, Table);
    let format_class = term!("format_class", FormatClass, Database);
    let sharing = term!("sharing", Sharing, Conditional);
    let method_class = term!("method_class", MethodClass, Platform);
    let cycle = term!("cycle", Cycle, Irregular);
    Metadata {
        name: cells.needed("name"),
        class,
        provider_code: cells.needed("provider_code"),
        summary: cells.needed("summary"),
        kind,
        format_class,
        format_type: cells.needed("format_type"),
        terms: SharingTerms {
            sharing,
            scope: cells.text("scope"),
            purpose: cells.text("purpose"),
            basis: cells.text("basis"),
            reason: cells.text("reason"),
        },
        method_class,
        method: cells.needed("method"),
        open: cells.truth("open", true),
        open_condition: cells.text("open_condition"),
        tradeable: cells.truth("tradeable", false),
        cycle,
        related_code: cells.text("related_code"),
        theme: cells.text("theme"),
        important: cells.truth("important", false),
        row_count: cells.number("row_count"),
        table_name: cells.text("table_name"),
    }
}

fn class(cells: &mut Cells<'_, '_>) -> Class {
    let category = cells.needed("category");
    let digit = category_digit(&category);
    if digit.is_none() && !category.is_empty() {
        cells.wrong("category", format!("「{}」不是类，可选：1 基础、2 主题、3 部门", short(&category)));
    }
    let item = cells.digits("item", 2);
    let directory = cells.digits("directory", 3);
    let detail = cells.needed("detail");
    if !detail.is_empty() && !((1..=8).contains(&detail.len()) && detail.bytes().all(|b| b.is_ascii_digit())) {
        cells.wrong("detail", format!("细目代码须为 1 至 8 位数字，读到「{}」", short(&detail)));
    }
    Class {
        code: format!("{}{item}{directory}{detail}", digit.unwrap_or_default()),
        item_name: cells.text("item_name"),
        directory_name: cells.text("directory_name"),
        detail_name: cells.text("detail_name"),
    }
}

type Numbered = HashMap<String, Vec<(u32, FieldSpec)>>;

/// Fields by the number of their entry, each with its row.
fn read_fields(entries: &Table<'_>, fields: &Table<'_>, faults: &mut Vec<Fault>) -> Numbered {
    let mut quiet = Vec::new();
    let number = |row: &Row<'_>, quiet: &mut Vec<Fault>| Cells { table: entries, row, faults: quiet }.text("no");
    let mut known: HashMap<String, u32> = HashMap::new();
    for row in &entries.rows {
        let no = number(row, &mut quiet);
        if let Some(earlier) = known.insert(no.clone(), row.0)
            && !no.is_empty()
        {
            faults.push(entries.fault(row.0, "no", &format!("序号「{}」与第 {} 行重复", short(&no), earlier + 1)));
        }
    }
    let mut found = Numbered::new();
    for row in &fields.rows {
        if faults.len() >= FAULTS_MAX {
            break;
        }
        let mut cells = Cells { table: fields, row, faults };
        let no = cells.needed("no");
        if !no.is_empty() && !known.contains_key(&no) {
            cells.wrong("no", format!("「{ENTRIES}」中没有序号为「{}」的目录", short(&no)));
        }
        let spec = field(&mut cells);
        found.entry(no).or_default().push((row.0, spec));
    }
    found
}

fn field(cells: &mut Cells<'_, '_>) -> FieldSpec {
    let types: Vec<&str> = DataType::ALL.iter().map(|term| term.title()).collect();
    let kind = cells.text("kind");
    let named = KINDS.iter().find(|(code, title)| *code == kind || *title == kind).map(|(code, _)| (*code).to_owned());
    if named.is_none() && !kind.is_empty() {
        let choices: Vec<&str> = KINDS.iter().map(|(_, title)| *title).collect();
        cells.wrong("kind", format!("「{}」不在可选值内，可选：{}", short(&kind), choices.join("、")));
    }
    let grade = cells.text("grade");
    let length = cells.number("length");
    FieldSpec {
        name: cells.needed("name"),
        title: cells.needed("title"),
        data_type: cells.term("data_type", DataType::parse, &types, DataType::Text),
        length: length.and_then(|length| i32::try_from(length).ok()),
        key: cells.truth("key", false),
        kind: named,
        grade: (!grade.is_empty()).then_some(grade),
        sensitive: cells.truth("sensitive", false),
    }
}

/// What the model finds wrong, put at the cell it speaks of.
fn model_faults(
    entries: &Table<'_>,
    fields: &Table<'_>,
    row: &Row<'_>,
    metadata: &Metadata,
    specs: &[(u32, FieldSpec)],
    scheme: &Scheme,
    faults: &mut Vec<Fault>,
) {
    let bare: Vec<FieldSpec> = specs.iter().map(|(_, spec)| spec.clone()).collect();
    for fault in metadata.faults(&bare, scheme) {
        let of_field = fault.field.strip_prefix("fields[").and_then(|rest| rest.split_once("]."));
        let place = of_field.and_then(|(at, part)| Some((specs.get(at.parse::<usize>().ok()?)?.0, part)));
        faults.push(match place {
            Some((at, part)) => fields.fault(at, part, &fault.message),
            None => {
                let key = if fault.field == "class_code" { "category" } else { fault.field.as_str() };
                entries.fault(row.0, key, &fault.message)
            }
        });
    }
}

fn look_for_habits(entries: &Table<'_>, faults: &mut Vec<Fault>) {
    let row_of = |at: usize| entries.rows.get(at).map_or(0, |row| row.0);
    for (key, message) in [
        ("name", "名称随行递增，疑似下拉填充所致，请填写各目录自己的名称"),
        ("provider_code", "提供方代码随行递增，疑似下拉填充所致"),
        ("summary", "摘要随行递增，疑似下拉填充所致"),
    ] {
        faults.extend(habits::dragged(&entries.texts(key)).into_iter().map(|at| entries.fault(row_of(at), key, message)));
    }
    for (at, earlier) in habits::repeated(&entries.texts("name")) {
        let message = format!("与第 {} 行名称重复（只差空格、标点或大小写）", row_of(earlier) + 1);
        faults.push(entries.fault(row_of(at), "name", &message));
    }
    unequal_details(entries, faults);
}

/// Detail codes below one 目 are of one length, else they do not sort and are read wrongly elsewhere.
fn unequal_details(entries: &Table<'_>, faults: &mut Vec<Fault>) {
    let mut lengths: HashMap<[String; 3], (usize, u32)> = HashMap::new();
    let mut quiet = Vec::new();
    for row in &entries.rows {
        let mut cells = Cells { table: entries, row, faults: &mut quiet };
        let above = ["category", "item", "directory"].map(|key| cells.text(key));
        let detail = cells.text("detail");
        let (length, first) = *lengths.entry(above).or_insert((detail.len(), row.0));
        if !detail.is_empty() && detail.len() != length {
            let message = format!("同一目下的细目代码长度应一致，第 {} 行为 {length} 位，本行为 {} 位", first + 1, detail.len());
            faults.push(entries.fault(row.0, "detail", &message));
        }
    }
}

/// The beginning of what somebody wrote, for a message.
fn short(text: &str) -> String {
    const SHOWN_CHARS: usize = 20;
    let mut shown: String = text.chars().take(SHOWN_CHARS).collect();
    if text.chars().count() > SHOWN_CHARS {
        shown.push('…');
    }
    shown
}
