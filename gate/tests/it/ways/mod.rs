//! Ways: what comes out can be read by the readers of the formats, and says what went in.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int64Array, RecordBatch,
    StringArray, TimestampMicrosecondArray,
};
use arrow::ipc::reader::StreamReader;
use bytes::Bytes;
use datafusion::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use futures::StreamExt;
use hufu_gate::error::{Error, Kind, Result};
use hufu_gate::ways::{Format, encode};

fn batch() -> RecordBatch {
    let columns: [(&str, ArrayRef); 8] = [
        ("姓名", Arc::new(StringArray::from(vec![Some("张,三"), Some("=1+1"), None]))),
        ("n", Arc::new(Int64Array::from(vec![Some(-5), Some(9_007_199_254_740_993), None]))),
        ("f", Arc::new(Float64Array::from(vec![Some(0.1), Some(f64::NAN), None]))),
        (
            "d",
            Arc::new(Decimal128Array::from(vec![Some(-1050), Some(7), None]).with_precision_and_scale(20, 2).unwrap()),
        ),
        ("day", Arc::new(Date32Array::from(vec![Some(0), Some(19_000), None]))),
        ("at", Arc::new(TimestampMicrosecondArray::from(vec![Some(0), Some(1_500_000), None]).with_timezone("+08:00"))),
        ("ok", Arc::new(BooleanArray::from(vec![Some(true), Some(false), None]))),
        ("b", Arc::new(BinaryArray::from(vec![Some(&b"\x00\xff"[..]), Some(b""), None]))),
    ];
    RecordBatch::try_from_iter(columns).unwrap()
}

async fn bytes(format: Format, batches: Vec<Result<RecordBatch>>) -> (Vec<u8>, Option<Error>) {
    let stream = encode(format, &batch().schema(), futures::stream::iter(batches)).unwrap();
    let (mut all, mut failed) = (Vec::new(), None);
    for chunk in stream.collect::<Vec<Result<Bytes>>>().await {
        match chunk {
            Ok(chunk) => all.extend_from_slice(&chunk),
            Err(e) => failed = Some(e),
        }
    }
    (all, failed)
}

#[tokio::test]
async fn sha_5_json_keeps_long_numbers_as_text() {
    let (array, _) = bytes(Format::Json, vec![Ok(batch()), Ok(batch())]).await;
    let rows: Vec<serde_json::Value> = serde_json::from_slice(&array).unwrap();
    assert_eq!(rows.len(), 6);
    let expected = serde_json::json!({"姓名": "张,三", "n": -5, "f": 0.1, "d": "-10.50", "day": "1970-01-01",
        "at": "1970-01-01T08:00:00+08:00", "ok": true, "b": "00ff"});
    assert_eq!(rows[0], expected);
    assert_eq!(rows[1]["n"], "9007199254740993");
    assert_eq!(rows[1]["f"], serde_json::Value::Null);
    assert_eq!(rows[1]["at"], "1970-01-01T08:00:01.500+08:00");
    assert!(rows[2].as_object().unwrap().values().all(serde_json::Value::is_null));
    let (lines, _) = bytes(Format::Ndjson, vec![Ok(batch())]).await;
    let parsed: Vec<serde_json::Value> =
        String::from_utf8(lines).unwrap().lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!(parsed, rows[..3]);
    assert_eq!(bytes(Format::Json, vec![]).await.0, b"[]\n");
    assert!(bytes(Format::Ndjson, vec![]).await.0.is_empty());
}

#[tokio::test]
async fn sha_5_csv_is_safe_in_a_spreadsheet() {
    let (all, _) = bytes(Format::Csv, vec![Ok(batch())]).await;
    let text = String::from_utf8(all).unwrap();
    let expected = "\u{feff}姓名,n,f,d,day,at,ok,b\r\n\
        \"张,三\",-5,0.1,-10.50,1970-01-01,1970-01-01T08:00:00+08:00,true,00ff\r\n\
        \"'=1+1\",9007199254740993,NaN,0.07,2022-01-08,1970-01-01T08:00:01.500+08:00,false,\r\n\
        ,,,,,,,\r\n";
    assert_eq!(text, expected);
    let (empty, _) = bytes(Format::Csv, vec![]).await;
    assert_eq!(String::from_utf8(empty).unwrap(), "\u{feff}姓名,n,f,d,day,at,ok,b\r\n");
    let nasty = ["+86 138", "-1", "@SUM(A1)", "\tx", "\rx", "＝1", "a\"b", "", " x", "l1\nl2", "plain"];
    let one = RecordBatch::try_from_iter([("c", Arc::new(StringArray::from(nasty.to_vec())) as ArrayRef)]).unwrap();
    let stream = encode(Format::Csv, &one.schema(), futures::stream::iter([Ok(one.clone())])).unwrap();
    let all: Vec<u8> = stream.map(|c| c.unwrap().to_vec()).concat().await;
    let mut reader = csv::Reader::from_reader(all.as_slice());
    let cells: Vec<String> = reader.records().map(|r| r.unwrap()[0].to_owned()).collect();
    assert_eq!(cells, ["'+86 138", "'-1", "'@SUM(A1)", "'\tx", "'\rx", "'＝1", "a\"b", "", " x", "l1\nl2", "plain"]);
}

#[tokio::test]
async fn sha_5_arrow_and_parquet_are_read_back_whole() {
    let (ipc, _) = bytes(Format::Arrow, vec![Ok(batch()), Ok(batch())]).await;
    let read: Vec<RecordBatch> = StreamReader::try_new(ipc.as_slice(), None).unwrap().map(|b| b.unwrap()).collect();
    assert_eq!(read, [batch(), batch()]);
    let (parquet, _) = bytes(Format::Parquet, vec![Ok(batch()), Ok(batch())]).await;
    let reader = ParquetRecordBatchReaderBuilder::try_new(Bytes::from(parquet)).unwrap().build().unwrap();
    let read: Vec<RecordBatch> = reader.map(|b| b.unwrap()).collect();
    assert_eq!(read.iter().map(RecordBatch::num_rows).sum::<usize>(), 6);
    assert_eq!(read[0].slice(0, 3).columns(), batch().columns());
    let (ipc, _) = bytes(Format::Arrow, vec![]).await;
    assert_eq!(StreamReader::try_new(ipc.as_slice(), None).unwrap().count(), 0);
}

#[tokio::test]
async fn sha_3_an_answer_that_was_stopped_does_not_look_whole() {
    let stopped = || Err(Error { kind: Kind::Stopped, code: "GATE-REVOKED", message: String::new(), internal: None });
    for format in [Format::Json, Format::Arrow, Format::Parquet] {
        let (all, failed) = bytes(format, vec![Ok(batch()), stopped(), Ok(batch())]).await;
        assert_eq!(failed.unwrap().code, "GATE-REVOKED");
        let whole = match format {
            Format::Json => serde_json::from_slice::<serde_json::Value>(&all).is_ok(),
            Format::Arrow => all.ends_with(&[0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0]),
            _ => all.ends_with(b"PAR1") && all.len() > 4,
        };
        assert!(!whole, "{format:?}");
    }
}

#[tokio::test]
async fn sha_5_formats_hold_one_batch_at_a_time() {
    let wide: ArrayRef = Arc::new(StringArray::from(vec!["x".repeat(1000); 4096]));
    let batch = RecordBatch::try_from_iter([("c", wide)]).unwrap();
    for format in Format::ALL {
        let rows = futures::stream::iter((0..24).map(|_| Ok(batch.clone())));
        let mut stream = encode(format, &batch.schema(), rows).unwrap();
        let mut largest = 0;
        while let Some(chunk) = stream.next().await {
            largest = largest.max(chunk.unwrap().len());
        }
        // 24 batches of 4 MB pass; what is ever in hand is a few batches, or one row group.
        assert!(largest < 24 << 20, "{format:?}: {largest}");
    }
}
