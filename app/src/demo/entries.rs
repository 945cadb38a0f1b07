//! The 2,211 entries of the invented city's catalogue, composed from what its departments do.

use super::city::{Department, departments};
use super::epidemic::{self, Cell, Column, Store};

pub(crate) const TABLES: usize = 167;
pub(crate) const INTERFACES: usize = 62;
pub(crate) const MAPS: usize = 23;
pub(crate) const FILES: usize = 1_959;
pub(crate) const CONDITIONAL: usize = 916;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    Table,
    Interface,
    Map,
    File,
}

/// One entry to be published.
#[derive(Clone, Debug)]
pub(crate) struct EntryPlan {
    pub unit: &'static str,
    pub theme: &'static str,
    pub name: String,
    /// SQL name inside the unit's schema.
    pub table: String,
    pub kind: Kind,
    pub conditional: bool,
    pub epidemic: bool,
    pub columns: Vec<Column>,
    /// Where the rows lie; only tables have rows in the demo.
    pub store: Option<Store>,
    pub rows: usize,
}

const MAP_NAMES: [&str; 23] = [
    "避难场所分布图", "医疗机构分布图", "学校分布图", "养老机构分布图", "公厕分布图", "停车场分布图", "充电设施分布图", "加油站分布图",
    "消防站点分布图", "地质灾害隐患点分布图", "河流水系图", "水库分布图", "永久基本农田分布图", "公园绿地分布图", "古树名木分布图",
    "文物保护单位分布图", "A级景区分布图", "公交线网图", "农村公路图", "行政区划图", "国土空间规划图", "气象观测站分布图", "政务服务网点分布图",
];
const MAP_OWNERS: [&str; 23] = [
    "syjj", "swjj", "sjyj", "sminz", "scgj", "scgj", "sgdj", "sswj", "sxfjy", "szrzy", "sslj", "sslj", "szrzy", "scgj", "slyj", "swgl",
    "swgl", "sjtj", "sjtj", "sminz", "szrzy", "sqxj", "sjj",
];
const FILE_FORMS: [&str; 4] = ["名录", "年度统计表（2025年）", "季度分析（2026年第三季度）", "办理结果公示"];

const PERSON_COLUMNS: [Column; 8] = [
    ("xm", "姓名", Cell::Name),
    ("id_card", "公民身份号码", Cell::IdCard),
    ("xb", "性别", Cell::Sex),
    ("csrq", "出生日期", Cell::BirthDate),
    ("lxdh", "联系电话", Cell::Mobile),
    ("zz", "住址", Cell::Address),
    ("djrq", "登记日期", Cell::Date),
    ("zt", "状态", Cell::Word(&["有效", "有效", "注销"])),
];
const ORGANISATION_COLUMNS: [Column; 8] = [
    ("bh", "编号", Cell::Code("YJ")),
    ("mc", "名称", Cell::Word(&["云江市恒信商贸有限公司", "云江市益民服务中心", "江南泰和实业有限公司", "云江市安达工程有限公司"])),
    ("fzr", "负责人", Cell::Name),
    ("lxdh", "联系电话", Cell::Mobile),
    ("dz", "地址", Cell::Address),
    ("qx", "所属区县", Cell::District),
    ("djrq", "登记日期", Cell::Date),
    ("zt", "状态", Cell::Word(&["存续", "存续", "注销"])),
];
const PUBLIC_COLUMNS: [Column; 5] = [
    ("xh", "序号", Cell::Number(5_000)),
    ("mc", "名称", Cell::Word(&["第一项", "第二项", "第三项", "第四项"])),
    ("qx", "所属区县", Cell::District),
    ("sl", "数量", Cell::Number(9_000)),
    ("tjrq", "统计日期", Cell::Date),
];
/// Words in a subject's name that tell of natural persons.
const PERSONAL: [&str; 16] = [
    "人口", "居住证", "驾驶", "学籍", "教职工", "婚姻", "低保", "特困", "参保", "就业", "失业", "退役", "优抚", "残疾", "户籍", "人员",
];
/// Rows of an ordinary demo table.
const ORDINARY_ROWS: usize = 60;

/// All entries, epidemic tables first.
pub(crate) fn entries() -> Vec<EntryPlan> {
    let departments = departments();
    let mut all: Vec<EntryPlan> = epidemic::TABLES.iter().map(|table| epidemic_entry(table, &departments)).collect();
    let ordinary = TABLES - all.len();
    all.extend(by_rank(&departments, ordinary).map(|(department, subject, rank)| table_entry(department, subject, rank)));
    all.extend(by_rank(&departments, INTERFACES).map(|(department, subject, rank)| interface(department, subject, rank)));
    all.extend(MAP_NAMES.iter().zip(MAP_OWNERS).enumerate().map(|(rank, (name, unit))| map(&departments, unit, name, rank)));
    all.extend(files(&departments).take(FILES));
    mark_conditional(&mut all);
    all
}

/// First subject of every department, then every second one, until `count` is reached.
fn by_rank(departments: &[Department], count: usize) -> impl Iterator<Item = (&Department, &'static str, usize)> {
    (0..12)
        .flat_map(move |rank| departments.iter().filter_map(move |d| Some((d, *d.subjects.get(rank)?, rank))))
        .take(count)
}

fn epidemic_entry(table: &epidemic::Table<'_>, departments: &[Department]) -> EntryPlan {
    let theme = departments.iter().find(|d| d.code == table.unit).map_or("健康保障", |d| d.theme);
    EntryPlan {
        unit: table.unit,
        theme,
        name: table.title.to_owned(),
        table: table.table.to_owned(),
        kind: Kind::Table,
        conditional: true,
        epidemic: true,
        columns: table.columns.to_vec(),
        store: Some(table.store),
        rows: table.rows,
    }
}

fn table_entry(department: &Department, subject: &str, rank: usize) -> EntryPlan {
    let personal = PERSONAL.iter().any(|word| subject.contains(word));
    EntryPlan {
        columns: if personal { PERSON_COLUMNS.to_vec() } else { ORGANISATION_COLUMNS.to_vec() },
        store: Some(Store::Sqlite),
        rows: ORDINARY_ROWS,
        ..entry(department, format!("{subject}信息"), format!("t{:02}", rank + 1), Kind::Table)
    }
}

fn interface(department: &Department, subject: &str, rank: usize) -> EntryPlan {
    let personal = PERSONAL.iter().any(|word| subject.contains(word));
    let (name, columns) = if personal {
        (format!("{subject}核验接口"), PERSON_COLUMNS.to_vec())
    } else {
        (format!("{subject}查询接口"), ORGANISATION_COLUMNS.to_vec())
    };
    EntryPlan { columns, ..entry(department, name, format!("i{:02}", rank + 1), Kind::Interface) }
}

fn map(departments: &[Department], unit: &'static str, name: &str, rank: usize) -> EntryPlan {
    let plain = Department { code: unit, name: "", theme: "城乡建设", subjects: Vec::new() };
    let owner = departments.iter().find(|d| d.code == unit).unwrap_or(&plain);
    entry(owner, name.to_owned(), format!("m{:02}", rank + 1), Kind::Map)
}

fn files(departments: &[Department]) -> impl Iterator<Item = EntryPlan> {
    FILE_FORMS.iter().zip(0usize..).flat_map(move |(form, nth)| {
        departments.iter().flat_map(move |department| {
            department.subjects.iter().zip(0usize..).map(move |(subject, rank)| {
                entry(department, format!("{subject}{form}"), format!("f{:02}", nth * 12 + rank + 1), Kind::File)
            })
        })
    })
}

fn entry(department: &Department, name: String, table: String, kind: Kind) -> EntryPlan {
    EntryPlan {
        unit: department.code,
        theme: department.theme,
        name,
        table,
        kind,
        conditional: false,
        epidemic: false,
        columns: PUBLIC_COLUMNS.to_vec(),
        store: None,
        rows: 0,
    }
}

/// Tables and interfaces with graded fields are conditional; files fill up to the number, name lists first.
fn mark_conditional(all: &mut [EntryPlan]) {
    let graded = |entry: &EntryPlan| entry.columns.iter().any(|(_, _, cell)| matches!(cell.grade(), "L3" | "L4"));
    let mut left = CONDITIONAL;
    for entry in all.iter_mut().filter(|entry| graded(entry)) {
        entry.conditional = true;
        left = left.saturating_sub(1);
    }
    for entry in all.iter_mut().filter(|entry| entry.kind == Kind::File).take(left) {
        entry.conditional = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cat_5_the_city_has_the_letters_2211_entries() {
        let all = entries();
        let kind = |kind| all.iter().filter(|entry| entry.kind == kind).count();
        assert_eq!((kind(Kind::Table), kind(Kind::Interface), kind(Kind::Map), kind(Kind::File)), (167, 62, 23, 1_959));
        assert_eq!(all.len(), 2_211);
        assert_eq!(all.iter().filter(|entry| entry.conditional).count(), 916);
        assert!(all.iter().filter(|entry| entry.epidemic).count() >= 8);
        let mut names: Vec<_> = all.iter().map(|entry| (entry.unit, entry.name.as_str())).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), 2_211, "a unit publishes a name once");
        let mut tables: Vec<_> = all.iter().map(|entry| (entry.unit, entry.table.as_str())).collect();
        tables.sort_unstable();
        tables.dedup();
        assert_eq!(tables.len(), 2_211, "a unit has a table name once");
    }
}
