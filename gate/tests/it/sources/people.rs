//! One invented table, written into every kind of source.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use chrono::{NaiveDate, NaiveDateTime};
use datafusion::parquet::arrow::ArrowWriter;
use hufu_gate::source::config::{DeclaredColumn, DeclaredType, Place, SourceConfig};
use hufu_gate::source::{Source, SourceKind, open};
use hufu_test_servers as servers;
use rust_xlsxwriter::{ExcelDateTime, Format, Workbook};

use super::on_server;

pub(super) struct Person {
    id: i64,
    name: Option<&'static str>,
    code: Option<&'static str>,
    phone: Option<&'static str>,
    born: Option<&'static str>,
    seen: Option<&'static str>,
    amount: Option<&'static str>,
    score: Option<f64>,
    active: Option<bool>,
    note: Option<&'static str>,
}

const fn person(
    id: i64,
    name: &'static str,
    code: &'static str,
    phone: &'static str,
    born: &'static str,
    seen: &'static str,
    amount: &'static str,
    score: f64,
    active: bool,
    note: &'static str,
) -> Person {
    Person {
        id,
        name: Some(name),
        code: Some(code),
        phone: Some(phone),
        born: Some(born),
        seen: Some(seen),
        amount: Some(amount),
        score: Some(score),
        active: Some(active),
        note: Some(note),
    }
}

/// Invented people. Codes differ in case, accents and trailing spaces, where collations differ.
pub(super) const PEOPLE: &[Person] = &[
    person(1, "张三", "abc", "013800138000", "1980-01-31", "2022-03-05 08:09:10", "100.00", 1.5, true, "第一例 😷"),
    person(2, "李四", "ABC", "013800138001", "1999-12-31", "2022-03-05 23:59:59", "-0.05", -2.25, false, "100%_\\"),
    person(
        3,
        "王小明",
        "Abd",
        "013900000000",
        "2000-02-29",
        "2022-03-06 00:00:01",
        "99999999.99",
        0.1,
        true,
        "it's \"quoted\"",
    ),
    person(
        4,
        "欧阳娜娜",
        "abd",
        "000000000000",
        "1955-06-15",
        "2021-12-31 12:00:00",
        "0.00",
        1e10,
        false,
        "multi\nline",
    ),
    person(
        5,
        "买买提·阿不都",
        "Straße",
        "013800138000",
        "1980-01-31",
        "2022-03-05 08:09:10",
        "100.00",
        3.0,
        true,
        "彩虹🏳️‍🌈",
    ),
    person(6, "𠮷野", "strasse", "1", "2010-10-10", "2020-01-01 00:00:00", "12.30", 2.0, true, "extension B"),
    person(7, "Zoë", "éa", "2", "1970-01-01", "1970-01-01 00:00:00", "7.77", 0.5, false, "z"),
    person(8, "zoe", "ea", "3", "1969-12-31", "1969-12-31 23:59:59", "7.70", 0.25, true, "Z"),
    person(9, "a b", "Z", "4", "2024-02-29", "2024-02-29 10:00:00", "1234567.89", 123.456, false, "=1+1"),
    Person {
        id: 10,
        name: None,
        code: None,
        phone: None,
        born: None,
        seen: None,
        amount: None,
        score: None,
        active: None,
        note: None,
    },
    Person {
        note: None,
        ..person(11, "张三丰", "a", "5", "1980-02-01", "2022-03-04 08:09:10", "0.01", 9.0, true, "x")
    },
    Person {
        amount: None,
        born: None,
        ..person(12, "张", "zz", "6", "1980-02-01", "2022-03-04 08:09:10", "0.01", 9.5, false, "北京市朝阳区")
    },
];

const COLUMNS: &str = "id, name, code, phone, born, seen, amount, score, active, note";

/// The table in every kind of source. Files lie in `dir`.
pub(super) fn everywhere(dir: &Path) -> Vec<(&'static str, Arc<dyn Source>)> {
    vec![
        ("parquet", parquet(dir)),
        ("postgres", in_postgres()),
        ("mariadb", in_mariadb()),
        ("sqlite", sqlite(dir)),
        ("csv", csv(dir)),
        ("json", json(dir)),
        ("xlsx", xlsx(dir)),
    ]
}

fn text(v: Option<&str>) -> String {
    v.map_or("NULL".into(), |v| format!("'{}'", v.replace('\'', "''")))
}

fn values(is_true: &str, is_false: &str, backslash: &str) -> String {
    let row = |p: &Person| {
        let active = p.active.map_or("NULL", |a| if a { is_true } else { is_false });
        let score = p.score.map_or("NULL".into(), |s| format!("{s:?}"));
        let amount = p.amount.unwrap_or("NULL");
        let all = [
            text(p.name),
            text(p.code),
            text(p.phone),
            text(p.born),
            text(p.seen),
            amount.into(),
            score,
            active.into(),
            text(p.note).replace('\\', backslash),
        ];
        format!("({}, {})", p.id, all.join(", "))
    };
    PEOPLE.iter().map(row).collect::<Vec<_>>().join(",\n")
}

pub(super) fn in_postgres() -> Arc<dyn Source> {
    let server = servers::postgres();
    server.sql(&format!(
        "DROP TABLE IF EXISTS people; CREATE TABLE people (id bigint PRIMARY KEY, name varchar(50), code text COLLATE \"en-US-x-icu\", phone text, \
         born date, seen timestamp, amount numeric(12,2), score double precision, active boolean, note text);
         COMMENT ON TABLE people IS '人员'; COMMENT ON COLUMN people.name IS '姓名';
         INSERT INTO people ({COLUMNS}) VALUES {};",
        values("true", "false", "\\")
    ));
    open(&on_server(SourceKind::Postgres, server)).unwrap()
}

pub(super) fn in_mariadb() -> Arc<dyn Source> {
    let server = servers::mariadb();
    server.sql(&format!(
        "DROP TABLE IF EXISTS people; CREATE TABLE people (id bigint PRIMARY KEY, name varchar(50) COMMENT '姓名', code varchar(20), phone varchar(20), \
         born date, seen datetime, amount decimal(12,2), score double, active boolean, note longtext) COMMENT '人员';
         INSERT INTO people ({COLUMNS}) VALUES {};",
        values("1", "0", "\\\\")
    ));
    let conf = on_server(SourceKind::Mysql, server);
    open(&SourceConfig { declared: declared(&[("active", DeclaredType::Boolean)]), ..conf }).unwrap()
}

fn declared(columns: &[(&str, DeclaredType)]) -> Vec<DeclaredColumn> {
    let one = |(column, as_type): &(&str, DeclaredType)| DeclaredColumn {
        table: "people".into(),
        column: (*column).into(),
        as_type: *as_type,
    };
    columns.iter().map(one).collect()
}

pub(super) fn sqlite(dir: &Path) -> Arc<dyn Source> {
    let path = dir.join("people.db");
    let db = rusqlite::Connection::open(&path).unwrap();
    db.execute_batch(&format!(
        "CREATE TABLE people (id INTEGER PRIMARY KEY, name VARCHAR(50), code TEXT COLLATE NOCASE, phone TEXT, \
         born DATE, seen DATETIME, amount DECIMAL(12,2), score REAL, active BOOLEAN, note TEXT);
         INSERT INTO people ({COLUMNS}) VALUES {};",
        values("1", "0", "\\")
    ))
    .unwrap();
    open(&SourceConfig { kind: SourceKind::Sqlite, place: Place::Path(path), declared: Vec::new() }).unwrap()
}

fn typed() -> Vec<DeclaredColumn> {
    declared(&[
        ("id", DeclaredType::Integer),
        ("born", DeclaredType::Date),
        ("seen", DeclaredType::Timestamp),
        ("amount", DeclaredType::Decimal { precision: 12, scale: 2 }),
        ("score", DeclaredType::Float),
        ("active", DeclaredType::Boolean),
    ])
}

fn csv(dir: &Path) -> Arc<dyn Source> {
    let path = dir.join("people.csv");
    let mut file = csv::Writer::from_path(&path).unwrap();
    file.write_record(COLUMNS.split(", ")).unwrap();
    for p in PEOPLE {
        let (id, score, active) = (p.id.to_string(), p.score.map(|s| s.to_string()), p.active.map(|a| a.to_string()));
        let or_empty = |v: Option<&'static str>| v.unwrap_or("").to_owned();
        let record = [
            id,
            or_empty(p.name),
            or_empty(p.code),
            or_empty(p.phone),
            or_empty(p.born),
            or_empty(p.seen),
            or_empty(p.amount),
            score.unwrap_or_default(),
            active.unwrap_or_default(),
            or_empty(p.note),
        ];
        file.write_record(record).unwrap();
    }
    file.flush().unwrap();
    open(&SourceConfig { kind: SourceKind::Csv, place: Place::Path(path), declared: typed() }).unwrap()
}

fn json(dir: &Path) -> Arc<dyn Source> {
    let path = dir.join("people.json");
    let record = |p: &Person| {
        serde_json::json!({"id": p.id, "name": p.name, "code": p.code, "phone": p.phone, "born": p.born, "seen": p.seen,
            "amount": p.amount, "score": p.score, "active": p.active, "note": p.note})
    };
    let all: Vec<_> = PEOPLE.iter().map(record).collect();
    fs::write(&path, serde_json::to_string_pretty(&all).unwrap()).unwrap();
    open(&SourceConfig { kind: SourceKind::Json, place: Place::Path(path), declared: typed() }).unwrap()
}

fn xlsx(dir: &Path) -> Arc<dyn Source> {
    let path = dir.join("people.xlsx");
    let mut book = Workbook::new();
    let (day, instant) =
        (Format::new().set_num_format("yyyy-mm-dd"), Format::new().set_num_format("yyyy-mm-dd hh:mm:ss"));
    let sheet = book.add_worksheet();
    for (i, name) in (0_u16..).zip(COLUMNS.split(", ")) {
        sheet.write(0, i, name).unwrap();
    }
    for (row, p) in (1_u32..).zip(PEOPLE) {
        sheet.write(row, 0, p.id as f64).unwrap();
        for (i, v) in [(1, p.name), (2, p.code), (3, p.phone), (9, p.note)] {
            if let Some(v) = v {
                sheet.write(row, i, v).unwrap();
            }
        }
        if let Some(v) = p.born {
            sheet.write_with_format(row, 4, &stamp(v), &day).unwrap();
        }
        if let Some(v) = p.seen {
            sheet.write_with_format(row, 5, &stamp(v), &instant).unwrap();
        }
        if let Some(v) = p.amount {
            sheet.write(row, 6, v.parse::<f64>().unwrap()).unwrap();
        }
        if let Some(v) = p.score {
            sheet.write(row, 7, v).unwrap();
        }
        if let Some(v) = p.active {
            sheet.write(row, 8, v).unwrap();
        }
    }
    book.save(&path).unwrap();
    let declared =
        declared(&[("amount", DeclaredType::Decimal { precision: 12, scale: 2 }), ("score", DeclaredType::Float)]);
    open(&SourceConfig { kind: SourceKind::Xlsx, place: Place::Path(path), declared }).unwrap()
}

fn date(v: &str) -> NaiveDate {
    v.parse().unwrap()
}

fn stamp(v: &str) -> ExcelDateTime {
    ExcelDateTime::parse_from_str(&v.replace(' ', "T")).unwrap()
}

fn at(v: &str) -> NaiveDateTime {
    NaiveDateTime::parse_from_str(v, "%Y-%m-%d %H:%M:%S").unwrap()
}

pub(super) fn parquet(dir: &Path) -> Arc<dyn Source> {
    let path = dir.join("people.parquet");
    let strings =
        |of: fn(&Person) -> Option<&'static str>| Arc::new(PEOPLE.iter().map(of).collect::<StringArray>()) as ArrayRef;
    let days = |v: &str| date(v).signed_duration_since(NaiveDate::default()).num_days() as i32;
    let cents = |v: &str| v.replace('.', "").parse::<i128>().unwrap();
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("id", Arc::new(PEOPLE.iter().map(|p| Some(p.id)).collect::<Int64Array>())),
        ("name", strings(|p| p.name)),
        ("code", strings(|p| p.code)),
        ("phone", strings(|p| p.phone)),
        ("born", Arc::new(PEOPLE.iter().map(|p| p.born.map(days)).collect::<Date32Array>())),
        (
            "seen",
            Arc::new(
                PEOPLE
                    .iter()
                    .map(|p| p.seen.map(|v| at(v).and_utc().timestamp_micros()))
                    .collect::<TimestampMicrosecondArray>(),
            ),
        ),
        (
            "amount",
            Arc::new(
                PEOPLE
                    .iter()
                    .map(|p| p.amount.map(cents))
                    .collect::<Decimal128Array>()
                    .with_precision_and_scale(12, 2)
                    .unwrap(),
            ),
        ),
        ("score", Arc::new(PEOPLE.iter().map(|p| p.score).collect::<Float64Array>())),
        ("active", Arc::new(PEOPLE.iter().map(|p| p.active).collect::<BooleanArray>())),
        ("note", strings(|p| p.note)),
    ];
    let batch = RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(n, c)| (n, c, true))).unwrap();
    let mut writer = ArrowWriter::try_new(fs::File::create(&path).unwrap(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    open(&SourceConfig { kind: SourceKind::Parquet, place: Place::Path(path), declared: Vec::new() }).unwrap()
}
