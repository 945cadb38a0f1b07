//! Page 7: 编目, in four steps. Every step is saved before the next one is shown, so that nothing is lost.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use hufu_kernel::command::{Ctx, run};
use hufu_kernel::error::{Error, FieldError, Result};
use hufu_kernel::shell::list::{Cell, Column, Filter, FilterField, List, ListQuery, ListView, Op};
use hufu_kernel::shell::page::{go, page_with};
use hufu_kernel::shell::parts::{Choice, FieldErrors, Pace, Step};
use hufu_kernel::shell::{Chrome, Form, Path, Query, WebResult, page};
use hufu_kernel::unit;
use serde::{Deserialize, Serialize};

use super::words::{
    cycle_choices, data_type_choices, format_class_choices, grade_choices, kind_choices, method_class_choices,
    plain_choices, sharing_choices, sharing_code, state_code, theme_choices,
};
use crate::Catalog;
use crate::commands::create_resource::CreateResource;
use crate::commands::edit_resource::EditResource;
use crate::commands::policy_resource;
use crate::model::check::{data_type_of, length_of};
use crate::model::field::{FieldSpec, KINDS};
use crate::model::metadata::Metadata;
use crate::model::state::State as EntryState;
use crate::model::terms::{Cycle, DataType, FormatClass, MethodClass, ResourceKind, Sharing};
use crate::queries::{Hit, Listed, entries};
use crate::store::{field, resource, source_table};

/// Empty lines below the fields that are there.
const SPARE_LINES: usize = 5;

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct EditFilter {
    q: Option<String>,
    state: Option<String>,
}

impl Filter for EditFilter {
    fn fields(&self) -> Vec<FilterField> {
        vec![
            FilterField::text("q", "名称或代码", &self.q, "目录名称、代码或 SQL 表名"),
            FilterField::states("state", "状态", &self.state, &["draft", "approving", "published", "offline"]),
        ]
    }
}

const COLUMNS: [Column<Hit>; 7] = [
    Column::new("name", "目录名称", 36, |hit: &Hit| Cell::Name {
        text: hit.row.name.clone(),
        note: hit.row.code.clone(),
        href: format!("/catalog/{}", hit.row.path_code()),
    }),
    Column::new("unit", "提供单位", 18, |hit: &Hit| Cell::Text(hit.unit.clone())),
    Column::new("kind", "类型", 10, |hit: &Hit| Cell::Text(hit.row.kind.title().to_owned())),
    Column::new("sharing", "共享类型", 12, |hit: &Hit| Cell::State(sharing_code(hit.row.sharing).to_owned())),
    Column::new("grade", "级别", 8, |hit: &Hit| Cell::Level(hit.level)),
    Column::new("state", "状态", 10, |hit: &Hit| Cell::State(state_code(hit.row.state).to_owned())),
    Column::new("updated", "最近更新", 18, |hit: &Hit| Cell::Moment(hit.row.updated_at)),
];

static OWN: List<Hit> = List::new("本单位目录", &COLUMNS).ops(|hit| {
    let code = hit.row.path_code();
    let mut ops = vec![Op::new("查看", format!("/catalog/{code}"))];
    if matches!(hit.row.state, EntryState::Draft | EntryState::Offline) {
        ops.push(Op::new("修改", format!("/catalog/edit/{code}")));
    }
    ops
});

#[derive(Template)]
#[template(path = "catalog/edit_list.html")]
struct Index {
    chrome: Chrome,
    list: ListView,
}

pub(super) async fn index(
    State(catalog): State<Catalog>,
    chrome: Chrome,
    ctx: Ctx,
    query: ListQuery<EditFilter>,
) -> WebResult {
    allow_write(&catalog, &ctx)?;
    let state = query.filter.state.as_deref().map(|code| if code == "approving" { "submitted" } else { code });
    let wanted = Listed {
        unit_path: ctx.actor()?.unit.path.clone(),
        text: query.filter.q.clone(),
        state: state.and_then(EntryState::parse),
        ..Listed::default()
    };
    let db = catalog.kernel().store.reader();
    let (rows, total) = entries(db, &wanted, query.paging.offset(), query.paging.limit()).await?;
    let hits = catalog.dress(rows).await?;
    let chrome = chrome.titled("编目管理").crumb("数据目录", "/catalog");
    Ok(page(Index { chrome, list: OWN.view(&query, &hits, total) }))
}

fn allow_write(catalog: &Catalog, ctx: &Ctx) -> Result<()> {
    let unit = ctx.actor()?.unit.clone();
    catalog.allow(ctx, "catalog.resource.create", &policy_resource("new", &unit, EntryState::Draft))
}

#[derive(Template)]
#[template(path = "catalog/edit.html")]
struct Wizard {
    chrome: Chrome,
    action: String,
    step: u8,
    steps: Vec<Step>,
    /// Absent for an entry that does not exist yet.
    row: Option<resource::Model>,
    data: Metadata,
    lines: Vec<Line>,
    errors: FieldErrors,
    words: Words,
}

impl Wizard {
    fn rows(&self) -> String {
        self.data.row_count.map(|rows| rows.to_string()).unwrap_or_default()
    }

    fn field_count(&self) -> usize {
        self.lines.len().saturating_sub(SPARE_LINES)
    }
}

/// Choices of the wizard's selects.
struct Words {
    kinds: Vec<Choice>,
    formats: Vec<Choice>,
    format_types: Vec<Choice>,
    sharing: Vec<Choice>,
    method_classes: Vec<Choice>,
    methods: Vec<Choice>,
    cycles: Vec<Choice>,
    themes: Vec<Choice>,
    types: Vec<Choice>,
    field_kinds: Vec<Choice>,
    grades: Vec<Choice>,
    yes_no: Vec<Choice>,
}

/// A line of the field table, as typed.
#[derive(Clone, Debug, Default)]
struct Line {
    name: String,
    title: String,
    data_type: String,
    length: String,
    key: String,
    kind: String,
    grade: String,
    sensitive: String,
}

pub(super) async fn begin(State(catalog): State<Catalog>, chrome: Chrome, ctx: Ctx) -> WebResult {
    allow_write(&catalog, &ctx)?;
    Ok(page(wizard(&catalog, chrome, 1, None, Metadata::default(), Vec::new(), FieldErrors::none())))
}

#[derive(Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    step: Option<u8>,
    /// Show what is missing, as a submission would tell it.
    #[serde(default)]
    check: Option<u8>,
    /// Take fields from the mounted table.
    #[serde(default)]
    from: Option<String>,
}

pub(super) async fn step(
    State(catalog): State<Catalog>,
    chrome: Chrome,
    ctx: Ctx,
    Path(code): Path<String>,
    Query(asked): Query<Asked>,
) -> WebResult {
    let row = editable(&catalog, &ctx, &code).await?;
    let db = catalog.kernel().store.reader();
    let specs: Vec<FieldSpec> = field::of(db, &row.id).await?.iter().map(field::Model::spec).collect();
    let step = asked.step.unwrap_or(1).clamp(1, 4);
    let data = row.metadata();
    let faults = if step == 4 || asked.check.is_some() { data.faults(&specs, &catalog.scheme()) } else { Vec::new() };
    let errors = if faults.is_empty() { FieldErrors::none() } else { FieldErrors::of(Error::invalid(faults))? };
    let mut lines: Vec<Line> = specs.iter().map(Line::of).collect();
    if asked.from.is_some() {
        lines.extend(from_source(&catalog, &row, &specs).await?);
    }
    Ok(page(wizard(&catalog, chrome, step, Some(row), data, lines, errors)))
}

/// An entry that this person may write now.
async fn editable(catalog: &Catalog, ctx: &Ctx, code: &str) -> Result<resource::Model> {
    let db = catalog.kernel().store.reader();
    let row = resource::find_by_key(db, code).await?;
    let owner = unit::find(db, &row.unit_id).await?.as_ref();
    catalog.allow(ctx, "catalog.resource.edit", &policy_resource(row.id.as_str(), &owner, row.state))?;
    row.state.after(crate::model::state::Event::Edit)?;
    Ok(row)
}

/// Columns of the mounted table that the entry does not have yet.
async fn from_source(catalog: &Catalog, row: &resource::Model, known: &[FieldSpec]) -> Result<Vec<Line>> {
    let Some(source) = &row.source_id else { return Ok(Vec::new()) };
    let columns = source_table::columns(catalog.kernel().store.reader(), source, &row.source_table).await?;
    let is_new = |name: &str| !known.iter().any(|spec| spec.name.eq_ignore_ascii_case(name));
    let line = |column: source_table::column::Model| Line {
        title: if column.comment.is_empty() { column.name.clone() } else { column.comment },
        data_type: data_type_of(&column.native_type).code().to_owned(),
        length: length_of(&column.native_type).map(|length| length.to_string()).unwrap_or_default(),
        key: if column.primary_key { "true" } else { "false" }.to_owned(),
        name: column.name,
        ..Line::default()
    };
    Ok(columns.into_iter().filter(|column| is_new(&column.name)).map(line).collect())
}

fn wizard(
    catalog: &Catalog,
    chrome: Chrome,
    step: u8,
    row: Option<resource::Model>,
    data: Metadata,
    mut lines: Vec<Line>,
    errors: FieldErrors,
) -> Wizard {
    lines.extend(std::iter::repeat_n(Line::default(), SPARE_LINES));
    let title = row.as_ref().map_or_else(|| "新建目录".to_owned(), |row| row.name.clone());
    let action = row.as_ref().map_or_else(|| "/catalog/edit/new".to_owned(), |row| format!("/catalog/edit/{}", row.path_code()));
    let pace = |at: u8| match at.cmp(&step) {
        std::cmp::Ordering::Less => Pace::Done,
        std::cmp::Ordering::Equal => Pace::Now,
        std::cmp::Ordering::Greater => Pace::Ahead,
    };
    let names = [(1, "基本信息", "名称、分类、格式"), (2, "信息项", "字段与级别"), (3, "共享属性", "共享与开放"), (4, "提交", "核对后提交审批")];
    Wizard {
        chrome: chrome.titled(title).crumb("数据目录", "/catalog").crumb("编目管理", "/catalog/edit"),
        action,
        step,
        steps: names.into_iter().map(|(at, name, note)| Step::new(pace(at), name, note)).collect(),
        words: words(catalog),
        row,
        data,
        lines,
        errors,
    }
}

fn words(catalog: &Catalog) -> Words {
    Words {
        kinds: kind_choices(),
        formats: format_class_choices(),
        format_types: plain_choices(FormatClass::ALL.iter().flat_map(|class| class.types().iter().copied())),
        sharing: sharing_choices(),
        method_classes: method_class_choices(),
        methods: plain_choices(MethodClass::ALL.iter().flat_map(|class| class.ways().iter().copied())),
        cycles: cycle_choices(),
        themes: theme_choices(),
        types: data_type_choices(),
        field_kinds: KINDS.iter().map(|(code, title)| Choice::new(*code, *title)).collect(),
        grades: grade_choices(catalog),
        yes_no: vec![Choice::new("false", "否"), Choice::new("true", "是")],
    }
}

/// Everything that the wizard posts, by name. Each step sends its own part; what is absent stays as it is.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub(super) struct Input(Vec<(String, String)>);

impl Input {
    fn text(&self, name: &str) -> Option<String> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, text)| text.trim().to_owned())
    }

    fn texts(&self, name: &str) -> Vec<&str> {
        self.0.iter().filter(|(known, _)| known == name).map(|(_, text)| text.trim()).collect()
    }

    fn number<T: std::str::FromStr + Default>(&self, name: &str) -> T {
        self.text(name).and_then(|text| text.parse().ok()).unwrap_or_default()
    }

    /// The former metadata with what this step states.
    fn metadata(&self, former: Metadata) -> (Metadata, Vec<FieldError>) {
        let mut data = former;
        let mut faults = Vec::new();
        for (name, place) in texts(&mut data) {
            if let Some(text) = self.text(name) {
                *place = text;
            }
        }
        macro_rules! terms {
            ($($name:literal $type:ident $place:expr),+) => {$(
                if let Some(text) = self.text($name) {
                    match $type::parse(&text) {
                        Some(term) => $place = term,
                        None => faults.push(FieldError::new($name, "请从列表中选择")),
                    }
                }
            )+};
        }
        terms!(
            "kind" ResourceKind data.kind,
            "format_class" FormatClass data.format_class,
            "sharing" Sharing data.terms.sharing,
            "method_class" MethodClass data.method_class,
            "cycle" Cycle data.cycle
        );
        for (name, place) in [("open", &mut data.open), ("tradeable", &mut data.tradeable), ("important", &mut data.important)] {
            if let Some(text) = self.text(name) {
                *place = text == "true";
            }
        }
        match self.text("row_count").as_deref() {
            None => {}
            Some("") => data.row_count = None,
            Some(text) => match text.replace(',', "").parse() {
                Ok(rows) => data.row_count = Some(rows),
                Err(_) => faults.push(FieldError::new("row_count", "数据量须为不小于 0 的整数，不带单位")),
            },
        }
        (data, faults)
    }

    fn lines(&self) -> Vec<Line> {
        let columns = ["f_name", "f_title", "f_type", "f_length", "f_key", "f_kind", "f_grade", "f_sensitive"];
        let [name, title, data_type, length, key, kind, grade, sensitive] = columns.map(|column| self.texts(column));
        let at = |texts: &[&str], at: usize| texts.get(at).map(|text| (*text).to_owned()).unwrap_or_default();
        let line = |n: usize| Line {
            name: at(&name, n),
            title: at(&title, n),
            data_type: at(&data_type, n),
            length: at(&length, n),
            key: at(&key, n),
            kind: at(&kind, n),
            grade: at(&grade, n),
            sensitive: at(&sensitive, n),
        };
        // A line that says neither name is an empty one.
        (0..name.len()).map(line).filter(|line| !line.name.is_empty() || !line.title.is_empty()).collect()
    }
}

fn texts(data: &mut Metadata) -> [(&'static str, &mut String); 17] {
    [
        ("name", &mut data.name),
        ("class_code", &mut data.class.code),
        ("item_name", &mut data.class.item_name),
        ("directory_name", &mut data.class.directory_name),
        ("detail_name", &mut data.class.detail_name),
        ("provider_code", &mut data.provider_code),
        ("summary", &mut data.summary),
        ("format_type", &mut data.format_type),
        ("scope", &mut data.terms.scope),
        ("purpose", &mut data.terms.purpose),
        ("basis", &mut data.terms.basis),
        ("reason", &mut data.terms.reason),
        ("method", &mut data.method),
        ("open_condition", &mut data.open_condition),
        ("related_code", &mut data.related_code),
        ("theme", &mut data.theme),
        ("table_name", &mut data.table_name),
    ]
}

impl Line {
    fn of(spec: &FieldSpec) -> Self {
        let truth = |truth: bool| if truth { "true" } else { "false" }.to_owned();
        Self {
            name: spec.name.clone(),
            title: spec.title.clone(),
            data_type: spec.data_type.code().to_owned(),
            length: spec.length.map(|length| length.to_string()).unwrap_or_default(),
            key: truth(spec.key),
            kind: spec.kind.clone().unwrap_or_default(),
            grade: spec.grade.clone().unwrap_or_default(),
            sensitive: truth(spec.sensitive),
        }
    }

    fn spec(&self, at: usize, faults: &mut Vec<FieldError>) -> FieldSpec {
        let data_type = DataType::parse(&self.data_type).unwrap_or_else(|| {
            faults.push(FieldError::new(format!("fields[{at}].data_type"), format!("第 {} 个信息项请选择类型", at + 1)));
            DataType::Text
        });
        let length = match self.length.as_str() {
            "" => None,
            text => text.parse().map(Some).unwrap_or_else(|_| {
                faults.push(FieldError::new(format!("fields[{at}].length"), format!("第 {} 个信息项的长度须为整数", at + 1)));
                None
            }),
        };
        let opt = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        FieldSpec {
            name: self.name.clone(),
            title: self.title.clone(),
            data_type,
            length,
            key: self.key == "true",
            kind: opt(&self.kind),
            grade: opt(&self.grade),
            sensitive: self.sensitive == "true",
        }
    }
}

pub(super) async fn create(
    State(catalog): State<Catalog>,
    chrome: Chrome,
    ctx: Ctx,
    Form(input): Form<Input>,
) -> WebResult {
    allow_write(&catalog, &ctx)?;
    let (metadata, faults) = input.metadata(Metadata::default());
    if !faults.is_empty() {
        return refused(&catalog, chrome, 1, None, metadata, Vec::new(), Error::invalid(faults));
    }
    let (codes, scheme) = (catalog.codes(), catalog.scheme());
    let command = CreateResource { metadata: metadata.clone(), fields: Vec::new(), codes, scheme };
    match run(catalog.kernel(), &ctx, command).await {
        Ok(receipt) => Ok(go(&format!("/catalog/edit/{}?step=2", receipt.output.path_code()))),
        Err(error) => refused(&catalog, chrome, 1, None, metadata, Vec::new(), error),
    }
}

pub(super) async fn save(
    State(catalog): State<Catalog>,
    chrome: Chrome,
    ctx: Ctx,
    Path(code): Path<String>,
    Form(input): Form<Input>,
) -> WebResult {
    let row = editable(&catalog, &ctx, &code).await?;
    let step = input.number::<u8>("step").clamp(1, 4);
    let (metadata, mut faults) = input.metadata(row.metadata());
    let lines = input.lines();
    let specs: Vec<FieldSpec> = lines.iter().enumerate().map(|(at, line)| line.spec(at, &mut faults)).collect();
    if !faults.is_empty() {
        return refused(&catalog, chrome, step, Some(row), metadata, lines, Error::invalid(faults));
    }
    let fields = (step == 2).then_some(specs);
    let command =
        EditResource { key: row.id.to_string(), version: input.number("version"), metadata: metadata.clone(), fields, scheme: catalog.scheme() };
    match run(catalog.kernel(), &ctx, command).await {
        Ok(_) => {
            let to = match input.text("then").as_deref() {
                Some("back") => step.saturating_sub(1).max(1),
                Some("stay") => step,
                _ => (step + 1).min(4),
            };
            Ok(go(&format!("/catalog/edit/{}?step={to}", row.path_code())))
        }
        Err(error) => refused(&catalog, chrome, step, Some(row), metadata, lines, error),
    }
}

/// The same step again, with what was typed and what is wrong with it.
fn refused(
    catalog: &Catalog,
    chrome: Chrome,
    step: u8,
    row: Option<resource::Model>,
    data: Metadata,
    lines: Vec<Line>,
    error: Error,
) -> WebResult {
    let errors = FieldErrors::of(error)?;
    Ok(page_with(StatusCode::UNPROCESSABLE_ENTITY, wizard(catalog, chrome, step, row, data, lines, errors)))
}
