//! Workbooks in the national form: out and in again, and every filling error with its place.

use hufu_catalog::commands::import_resources::ImportResources;
use hufu_catalog::model::metadata::Metadata;
use hufu_catalog::model::scheme::Scheme;
use hufu_catalog::sheets::book::{Heading, Line, write};
use hufu_catalog::sheets::{ENTRIES, FIELDS, Fault, FileEntry, read};
use hufu_kernel::actor::Role;
use hufu_kernel::command::run;
use rust_xlsxwriter::Workbook;

use crate::house::{complete, fields, house};

fn line(name: &str) -> Line {
    Line {
        code: "3050120001/000001".into(),
        unit: "市民政局".into(),
        metadata: complete(name),
        grade: Some("L4".into()),
        published_on: "2026-11-20".into(),
        fields: fields(),
    }
}

fn book(lines: &[Line]) -> Vec<u8> {
    write(lines, Heading { title: "政务数据资源目录清单", note: "填写说明" }, &Scheme::built_in()).unwrap()
}

fn parse(bytes: &[u8]) -> Result<Vec<FileEntry>, Vec<Fault>> {
    read(bytes, &Scheme::built_in())
}

/// Headings and rows of both sheets as text, written by another hand than ours.
fn by_hand(entries: &[Vec<(&str, Cell)>], fields: &[Vec<(&str, Cell)>]) -> Vec<u8> {
    let mut book = Workbook::new();
    for (name, rows) in [(ENTRIES, entries), (FIELDS, fields)] {
        let sheet = book.add_worksheet();
        sheet.set_name(name).unwrap();
        let mut heads: Vec<&str> = Vec::new();
        for (head, _) in rows.iter().flatten() {
            if !heads.contains(head) {
                heads.push(head);
            }
        }
        for (column, head) in heads.iter().enumerate() {
            sheet.write_string(0, column as u16, *head).unwrap();
        }
        for (row, cells) in rows.iter().enumerate() {
            for (head, cell) in cells {
                let column = heads.iter().position(|known| known == head).unwrap() as u16;
                match cell {
                    Cell::Text(text) => sheet.write_string(row as u32 + 1, column, text).unwrap(),
                    Cell::Number(number) => sheet.write_number(row as u32 + 1, column, *number).unwrap(),
                };
            }
        }
    }
    book.save_to_buffer().unwrap()
}

#[derive(Clone)]
enum Cell {
    Text(String),
    Number(f64),
}

fn text(text: &str) -> Cell {
    Cell::Text(text.into())
}

fn entry(no: &str, name: &str) -> Vec<(&'static str, Cell)> {
    vec![
        ("序号", text(no)),
        ("类", text("部门")),
        ("项代码", text("05")),
        ("目代码", text("012")),
        ("细目代码", text("0001")),
        ("信息资源名称", text(name)),
        ("数据资源类型", text("库表")),
        ("提供方代码", text("11330000002480001A")),
        ("信息资源摘要", text("摘要")),
        ("信息资源格式分类", text("数据库")),
        ("信息资源格式类型", text("MySQL")),
        ("共享类型", text("有条件共享")),
        ("共享范围", text("市级部门")),
        ("共享用途条件", text("资格核对")),
        ("不予共享依据", text("")),
        ("不予共享理由", text("")),
        ("共享方式分类", text("共享平台方式")),
        ("共享方式类型", text("数据库")),
        ("是否向社会开放", text("否")),
        ("更新周期", text("每日")),
        ("数据量", text("")),
    ]
}

fn with(mut row: Vec<(&'static str, Cell)>, head: &str, cell: Cell) -> Vec<(&'static str, Cell)> {
    row.iter_mut().find(|(known, _)| *known == head).unwrap().1 = cell;
    row
}

fn item(no: &str, name: &str) -> Vec<(&'static str, Cell)> {
    vec![("目录序号", text(no)), ("字段名", text(name)), ("信息项名称", text("姓名")), ("数据类型", text("字符型C")), ("数据长度", text("30"))]
}

/// One entry with one cell changed gives exactly this fault.
fn refuses(head: &str, cell: Cell, column: &str, says: &str) {
    let bytes = by_hand(&[with(entry("1", "低保信息"), head, cell)], &[item("1", "xm")]);
    let faults = parse(&bytes).unwrap_err();
    let fault = &faults[0];
    assert_eq!((fault.sheet.as_str(), fault.row, fault.column.as_str()), (ENTRIES, 2, column), "{faults:?}");
    assert!(fault.message.contains(says), "{}", fault.message);
    assert_eq!(faults.len(), 1, "{faults:?}");
}

#[test]
fn cat_7_what_goes_out_comes_in_again() {
    let withheld = hufu_catalog::model::metadata::SharingTerms {
        sharing: hufu_catalog::model::terms::Sharing::Withheld,
        basis: "《中华人民共和国统计法》第二十五条".into(),
        reason: "依法保密".into(),
        ..Default::default()
    };
    let second = Line { metadata: Metadata { terms: withheld, row_count: Some(12_846), open: true, ..complete("统计台账") }, ..line("x") };
    let read = parse(&book(&[line("低保对象基本信息"), second.clone()])).unwrap();
    assert_eq!(read.len(), 2);
    assert_eq!(read[0], (complete("低保对象基本信息"), fields()));
    assert_eq!(read[1], (second.metadata, fields()));
}

#[test]
fn cat_7_template_is_empty_and_says_so() {
    let faults = parse(&book(&[])).unwrap_err();
    assert_eq!(faults.len(), 1);
    assert!(faults[0].message.contains("没有可导入的目录"), "{faults:?}");
}

#[test]
fn cat_7_every_filling_error_has_sheet_row_and_column() {
    refuses("类", text("四类"), "B", "不是类");
    refuses("项代码", Cell::Number(5.0), "C", "须为 2 位数字");
    refuses("目代码", text("12"), "D", "须为 3 位数字");
    refuses("信息资源名称", text(""), "F", "必填");
    refuses("数据资源类型", text("数据库表"), "G", "可选：库表、服务接口、电子地图、文件");
    refuses("提供方代码", Cell::Number(1.133_000_000_248e17), "H", "末位已经丢失");
    refuses("提供方代码", text("113300"), "H", "18 位统一社会信用代码");
    refuses("信息资源格式类型", text("PDF"), "K", "不相符");
    refuses("共享类型", text("部分共享"), "L", "不在可选值内");
    refuses("共享范围", text(""), "M", "有条件共享须写明共享范围");
    refuses("共享方式类型", text("拷盘"), "R", "不相符");
    refuses("是否向社会开放", text("可以"), "S", "只能填「是」或「否」");
    refuses("更新周期", text("天天"), "T", "不在可选值内");
    refuses("数据量", text("12846条"), "U", "不带单位");
}

#[test]
fn cat_7_withheld_needs_its_law() {
    let row = with(entry("1", "统计台账"), "共享类型", text("不予共享"));
    let faults = parse(&by_hand(&[row], &[item("1", "xm")])).unwrap_err();
    let places: Vec<String> = faults.iter().map(Fault::place).collect();
    assert_eq!(places, [format!("{ENTRIES}!O2"), format!("{ENTRIES}!P2")]);
}

#[test]
fn cat_7_habits_of_spreadsheets_are_seen() {
    let rows: Vec<_> = ["1", "2", "3"].iter().map(|no| entry(no, &format!("低保信息{no}"))).collect();
    let items: Vec<_> = ["1", "2", "3"].iter().map(|no| item(no, "xm")).collect();
    let faults = parse(&by_hand(&rows, &items)).unwrap_err();
    assert_eq!(faults.iter().map(|fault| fault.row).collect::<Vec<_>>(), [3, 4], "{faults:?}");
    assert!(faults[0].message.contains("下拉填充"));

    let rows = [entry("1", "低保信息"), entry("2", "低保 信息。")];
    let faults = parse(&by_hand(&rows, &[item("1", "xm"), item("2", "xm")])).unwrap_err();
    assert!(faults[0].message.contains("与第 2 行名称重复"), "{faults:?}");

    let rows = [entry("1", "低保信息"), with(entry("2", "养老信息"), "细目代码", text("002"))];
    let faults = parse(&by_hand(&rows, &[item("1", "xm"), item("2", "xm")])).unwrap_err();
    assert!(faults[0].message.contains("长度应一致"), "{faults:?}");
}

#[test]
fn cat_7_fields_are_checked_with_their_place() {
    let rows = [entry("1", "低保信息")];
    let strange = item("9", "xm");
    let twice = [item("1", "xm"), item("1", "XM")];
    let unit = with(item("1", "xm"), "数据长度", text("30字节"));
    let kind = with(item("1", "xm"), "数据类型", text("字符"));
    let check = |items: &[Vec<(&'static str, Cell)>], place: &str, says: &str| {
        let faults = parse(&by_hand(&rows, items)).unwrap_err();
        assert!(faults.iter().any(|fault| fault.place() == place && fault.message.contains(says)), "{faults:?}");
    };
    check(&[strange, item("1", "b")], &format!("{FIELDS}!A2"), "没有序号");
    check(&twice, &format!("{FIELDS}!B3"), "重复");
    check(&[unit], &format!("{FIELDS}!E2"), "不带单位");
    check(&[kind], &format!("{FIELDS}!D2"), "可选");
}

#[test]
fn cat_7_broken_files_are_told_and_do_no_harm() {
    let good = book(&[line("低保")]);
    let half = &good[..good.len() / 2];
    let mut scrambled = good.clone();
    scrambled.iter_mut().skip(200).step_by(7).for_each(|byte| *byte ^= 0x5a);
    let ole = [&[0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1][..], &[0; 600]].concat();
    for bytes in [&b""[..], b"hello", half, &scrambled, &ole, b"PK\x03\x04"] {
        let faults = parse(bytes).unwrap_err();
        assert!(!faults.is_empty() && faults.iter().all(|fault| !fault.message.is_empty()));
    }
    let mut other = Workbook::new();
    other.add_worksheet().write_string(0, 0, "别的表").unwrap();
    let faults = parse(&other.save_to_buffer().unwrap()).unwrap_err();
    assert!(faults[0].message.contains("缺少工作表"), "{faults:?}");
    let mut far = Workbook::new();
    for name in [ENTRIES, FIELDS] {
        let sheet = far.add_worksheet();
        sheet.set_name(name).unwrap();
        sheet.write_string(1_048_575, 16_383, "角落").unwrap();
    }
    let started = std::time::Instant::now();
    parse(&far.save_to_buffer().unwrap()).unwrap_err();
    assert!(started.elapsed().as_secs() < 5, "a cell in the last corner costs nothing");
}

#[tokio::test]
async fn cat_7_import_is_all_or_nothing_and_one_entry() {
    let house = house().await;
    let steward = house.person(&house.civil, Role::R3);
    let entries = parse(&book(&[line("低保对象基本信息"), line("养老机构名录")])).unwrap();
    let import = |entries: Vec<FileEntry>| ImportResources {
        entries,
        file_digest: "00".into(),
        codes: house.catalog.codes(),
        scheme: house.catalog.scheme(),
    };
    let ids = run(house.kernel(), &steward, import(entries.clone())).await.unwrap().output;
    assert_eq!(ids.len(), 2);
    assert_eq!(house.entries().await.len(), 1);
    let mut bad = entries;
    bad[1].0.summary.clear();
    let error = run(house.kernel(), &steward, import(bad)).await.unwrap_err();
    assert_eq!(error.fields()[0].field, "[1].summary");
    let auditor = house.person(&house.bureau, Role::R5);
    assert!(run(house.kernel(), &auditor, import(Vec::new())).await.is_err());
}
