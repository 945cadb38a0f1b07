use std::fs;

use datafusion::arrow::datatypes::DataType;
use hufu_gate::source::SourceKind;
use hufu_gate::source::config::{DeclaredColumn, DeclaredType, Place, SourceConfig};

use super::{answer, files, lines, session};

#[tokio::test]
async fn cat_2_csv_is_text_in_any_office_encoding() {
    let dir = tempfile::tempdir().unwrap();
    let text = "姓名,身份证号,电话\n张三,44180219800131001X,013800138000\n李四,,0086\n";
    let mut late = "编号,姓名\n".to_owned();
    for i in 0..20_000 {
        late.push_str(&format!("{i},x\n"));
    }
    late.push_str("20000,龙\n");
    let (gb, ..) = encoding_rs::GB18030.encode(text);
    let (gb_late, ..) = encoding_rs::GB18030.encode(&late);
    let utf16: Vec<u8> = [0xFF, 0xFE].into_iter().chain(text.encode_utf16().flat_map(u16::to_le_bytes)).collect();
    fs::write(dir.path().join("gb.csv"), gb).unwrap();
    fs::write(dir.path().join("late.csv"), gb_late).unwrap();
    fs::write(dir.path().join("bom.csv"), format!("\u{feff}{}", text.replace('\n', "\r\n"))).unwrap();
    fs::write(dir.path().join("wide.csv"), utf16).unwrap();
    fs::write(dir.path().join("semi.csv"), text.replace(',', ";")).unwrap();
    fs::write(dir.path().join("notes.md"), "not a table").unwrap();
    let source = files(SourceKind::Csv, dir.path());
    let names: Vec<String> = source.tables().await.unwrap().into_iter().map(|t| t.name).collect();
    assert_eq!(names, ["bom", "gb", "late", "semi", "wide"]);
    for table in ["bom", "gb", "semi", "wide"] {
        let schema = source.describe(table).await.unwrap();
        assert!(schema.columns.iter().all(|c| c.native_type == "text"), "{table}");
        let context = session(source.as_ref(), table).await;
        let got = answer(&context, "SELECT \"姓名\", \"身份证号\", \"电话\" FROM t").await;
        assert_eq!(got, [["张三", "44180219800131001X", "013800138000"], ["李四", "∅", "0086"]], "{table}");
    }
    let context = session(source.as_ref(), "late").await;
    assert_eq!(answer(&context, "SELECT \"姓名\" FROM t WHERE \"编号\" = '20000'").await, [["龙"]]);
    assert_eq!(source.count("late").await.unwrap(), 20_001);
    let sample = lines(&source.sample("late", 100).await.unwrap());
    assert!((90..=101).contains(&sample.len()), "{}", sample.len());
    assert!(sample.iter().any(|l| l[0].parse::<u32>().unwrap() > 19_000), "a sample is spread over the file");
    assert_eq!(source.describe("../late").await.unwrap_err().code, "GATE-SOURCE-VANISHED");
}

#[tokio::test]
async fn cat_2_csv_that_breaks_its_declared_type_names_the_place_not_the_value() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("t.csv");
    fs::write(&path, "day,n\n2022-01-01,1\nsecret-person,2\n").unwrap();
    let declared = vec![DeclaredColumn { table: "t".into(), column: "day".into(), as_type: DeclaredType::Date }];
    let conf = SourceConfig { kind: SourceKind::Csv, place: Place::Path(path.clone()), declared };
    let source = hufu_gate::source::open(&conf).unwrap();
    let context = session(source.as_ref(), "t").await;
    let error = context.sql("SELECT day FROM t").await.unwrap().collect().await.unwrap_err().to_string();
    assert!(error.contains("GATE-SOURCE-VALUE") && !error.contains("secret"), "{error}");
    assert_eq!(answer(&context, "SELECT n FROM t").await.len(), 2, "a column nobody asks for is not read");
    fs::write(&path, "n,day\n1,2022-01-01\n").unwrap();
    let error = context.sql("SELECT n FROM t").await.unwrap().collect().await.unwrap_err().to_string();
    assert!(error.contains("GATE-SOURCE-CHANGED"), "{error}");
}

#[tokio::test]
async fn cat_2_json_lines_and_arrays_are_tables() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("lines.ndjson"), "{\"a\":1,\"b\":\"x\"}\n{\"a\":2.5,\"c\":{\"d\":[1]}}\n{\"b\":7}\n")
        .unwrap();
    fs::write(dir.path().join("array.json"), "\u{feff} [{\"a\":9007199254740993,\"b\":true}, {\"a\":null}]").unwrap();
    fs::write(dir.path().join("broken.json"), "[{\"a\":1},").unwrap();
    let source = files(SourceKind::Json, dir.path());
    let context = session(source.as_ref(), "lines").await;
    assert_eq!(
        answer(&context, "SELECT a, b, c FROM t").await,
        [["1.0", "x", "∅"], ["2.5", "∅", "{\"d\":[1]}"], ["∅", "7", "∅"]]
    );
    let context = session(source.as_ref(), "array").await;
    assert_eq!(answer(&context, "SELECT a, b FROM t").await, [["9007199254740993", "true"], ["∅", "∅"]]);
    assert_eq!(source.describe("broken").await.unwrap_err().code, "GATE-SOURCE-VALUE");
}

#[tokio::test]
async fn cat_2_workbooks_keep_long_numbers_as_text_and_follow_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("book.xlsx");
    let write = |extra: bool| {
        let mut book = rust_xlsxwriter::Workbook::new();
        let sheet = book.add_worksheet().set_name("名单").unwrap();
        for (i, head) in ["电话", "数量", "单价", "混合"].into_iter().enumerate() {
            sheet.write(0, i as u16, head).unwrap();
        }
        sheet
            .write(1, 0, 13800138000.0)
            .unwrap()
            .write(1, 1, 3.0)
            .unwrap()
            .write(1, 2, 1.5)
            .unwrap()
            .write(1, 3, 7.0)
            .unwrap();
        sheet
            .write(2, 0, "02012345")
            .unwrap()
            .write(2, 1, 4.0)
            .unwrap()
            .write(2, 2, 2.0)
            .unwrap()
            .write(2, 3, "七")
            .unwrap();
        if extra {
            sheet.write(3, 0, "1").unwrap();
        }
        let other = book.add_worksheet().set_name("说明").unwrap();
        other.write(0, 0, "文字").unwrap();
        book.save(&path).unwrap();
    };
    write(false);
    let source = files(SourceKind::Xlsx, dir.path());
    let names: Vec<String> = source.tables().await.unwrap().into_iter().map(|t| t.name).collect();
    assert_eq!(names, ["book.名单", "book.说明"]);
    let types: Vec<DataType> =
        source.describe("book.名单").await.unwrap().arrow.fields().iter().map(|f| f.data_type().clone()).collect();
    assert_eq!(types, [DataType::Utf8, DataType::Int64, DataType::Float64, DataType::Utf8]);
    let context = session(source.as_ref(), "book.名单").await;
    assert_eq!(
        answer(&context, "SELECT * FROM t").await,
        [["13800138000", "3", "1.5", "7"], ["02012345", "4", "2.0", "七"]]
    );
    assert_eq!(source.count("book.名单").await.unwrap(), 2);
    std::thread::sleep(std::time::Duration::from_millis(20));
    write(true);
    assert_eq!(source.count("book.名单").await.unwrap(), 3, "a changed file is read anew");
    assert_eq!(source.describe("book.别的").await.unwrap_err().code, "GATE-SOURCE-VANISHED");
    fs::write(&path, "PK this is no workbook").unwrap();
    assert_eq!(source.describe("book.名单").await.unwrap_err().code, "GATE-SOURCE-READ");
}
