//! What may not be asked, what may be a row filter, and what reaches the source.

use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use hufu_gate::error::Kind;
use hufu_gate::{Statement, check_row_filter, open};

use crate::world::{Entry, World, drain, lines};

#[tokio::test(flavor = "multi_thread")]
async fn sha_5_everything_but_select_is_refused_and_recorded() {
    let world = World::new();
    for (sql, code) in [
        ("INSERT INTO persons SELECT * FROM persons", "GATE-SELECT-ONLY"),
        ("UPDATE persons SET name = 'x'", "GATE-SELECT-ONLY"),
        ("DELETE FROM persons", "GATE-SELECT-ONLY"),
        ("DROP TABLE persons", "GATE-SELECT-ONLY"),
        ("TRUNCATE persons", "GATE-SELECT-ONLY"),
        ("CREATE TABLE t AS SELECT * FROM persons", "GATE-SELECT-ONLY"),
        ("CREATE VIEW v AS SELECT * FROM persons", "GATE-SELECT-ONLY"),
        ("CREATE EXTERNAL TABLE t STORED AS PARQUET LOCATION '/tmp/x'", "GATE-SELECT-ONLY"),
        ("COPY persons TO '/tmp/x.parquet'", "GATE-SELECT-ONLY"),
        ("COPY (SELECT * FROM persons) TO '/tmp/x.csv'", "GATE-SELECT-ONLY"),
        ("SET datafusion.execution.batch_size = 1", "GATE-SELECT-ONLY"),
        ("RESET datafusion.execution.batch_size", "GATE-SELECT-ONLY"),
        ("SHOW ALL", "GATE-SELECT-ONLY"),
        ("BEGIN", "GATE-SELECT-ONLY"),
        ("PREPARE p AS SELECT 1", "GATE-SELECT-ONLY"),
        ("EXECUTE p", "GATE-SELECT-ONLY"),
        ("EXPLAIN ANALYZE SELECT * FROM persons", "GATE-EXPLAIN"),
        ("EXPLAIN INSERT INTO persons SELECT * FROM persons", "GATE-SELECT-ONLY"),
        ("WITH d AS (DELETE FROM persons RETURNING *) SELECT * FROM d", "GATE-SELECT-ONLY"),
        ("SELECT * INTO t FROM persons", "GATE-SELECT-ONLY"),
        ("SELECT * FROM persons FOR UPDATE", "GATE-SELECT-ONLY"),
        ("WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r) SELECT * FROM r", "GATE-RECURSIVE"),
        ("SELECT * FROM read_csv('/etc/passwd')", "GATE-TABLE-FUNCTION"),
        ("SELECT * FROM generate_series(1, 1000000000000)", "GATE-TABLE-FUNCTION"),
        ("SELECT * FROM parquet_metadata('x.parquet')", "GATE-TABLE-FUNCTION"),
        ("SELECT version()", "GATE-FUNCTION"),
        ("SELECT input_file_name() FROM persons", "GATE-FUNCTION"),
        ("SELECT file_row_index() FROM persons", "GATE-FUNCTION"),
        ("SELECT arrow_cast(name, 'Int32') FROM persons", "GATE-FUNCTION"),
        ("SELECT repeat('x', 1000000000)", "GATE-FUNCTION"),
        ("SELECT lpad('x', 1000000000, 'y')", "GATE-FUNCTION"),
        ("SELECT range(1, 1000000000)", "GATE-FUNCTION"),
        ("SELECT random()", "GATE-FUNCTION"),
        ("SELECT pg_catalog.pg_sleep(10)", "GATE-FUNCTION"),
        ("SELECT 1; SELECT 2", "GATE-ONE-STATEMENT"),
        ("", "GATE-ONE-STATEMENT"),
        ("SELEC 1", "GATE-SYNTAX"),
        ("SELECT 'open", "GATE-SYNTAX"),
        ("SELECT * FROM nothing", "GATE-TABLE"),
        ("SELECT id_card FROM persons a, persons b", "GATE-AMBIGUOUS"),
    ] {
        let error = open(&world.gate, world.mandate(), Statement::new(sql)).await.unwrap_err();
        assert_eq!(error.code, code, "{sql}");
        assert!(matches!(error.kind, Kind::Refused | Kind::Invalid));
        match world.book.all().pop() {
            Some(Entry::Refused(record)) => assert_eq!(record.code, code, "{sql}"),
            other => panic!("{sql}: {other:?}"),
        }
    }
    let long = format!("SELECT '{}'", "x".repeat(hufu_gate::STATEMENT_BYTES_MAX));
    assert_eq!(world.refusal(&long).await.code, "GATE-TOO-LONG");
    let deep = format!("SELECT {}1{}", "(".repeat(5_000), ")".repeat(5_000));
    assert_eq!(world.refusal(&deep).await.code, "GATE-SYNTAX");
}

#[tokio::test(flavor = "multi_thread")]
async fn sha_5_ordinary_reading_works() {
    let world = World::new();
    for (sql, expect) in [
        ("SELECT 1 + 1", "2"),
        ("VALUES (1, 'a')", "1|a"),
        ("SELECT upper('a') || lower('B')", "Ab"),
        ("SELECT count(*) FROM persons WHERE visits BETWEEN 0 AND 9", "99"),
        ("WITH p AS (SELECT region, count(*) AS n FROM persons GROUP BY region) SELECT count(*) FROM p", "2"),
        ("SELECT extract(year FROM birth) FROM persons WHERE visits = 0 LIMIT 1", "1989"),
        ("SELECT sum(n) FROM (SELECT place, count(*) AS n FROM visits GROUP BY place) q", "300"),
        ("SELECT count(*) FROM persons p JOIN visits v ON p.visits = v.visit", "1999"),
    ] {
        assert_eq!(world.rows(sql).await, [expect], "{sql}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sha_4_clear_predicates_reach_the_source_and_masked_ones_do_not() {
    let world = World::new();
    // The grant's own filter is pushed always; it is trusted and leakproof.
    let scope = 2;
    for (predicate, pushed) in [
        ("visits > 380", Some("visits > Int32(380)")),
        ("visits IN (1, 2, 5, 390)", Some("visits")),
        ("region = '东湖'", Some("region = ")),
        ("amount IS NULL", Some("amount IS NULL")),
        ("(visits = 3 OR visits = 390)", Some("visits = Int32(3) OR visits = Int32(390)")),
        ("region LIKE '东%'", Some("region LIKE")),
        ("id_card LIKE '330101%'", None),
        ("salary > 3000", None),
        ("birth = DATE '1990-01-01'", None),
        ("(visits > 380 OR salary > 3000)", None),
        ("visits + 0 > 380", None),
        ("upper(region) = '东湖'", None),
        ("visits > 380 AND name = '王**'", Some("visits > Int32(380)")),
    ] {
        world.rows(&format!("SELECT name FROM persons WHERE {predicate}")).await;
        let seen = world.source.last();
        let own: Vec<&String> = seen.filters.iter().skip(scope).collect();
        match pushed {
            Some(text) => assert!(own.len() == 1 && own[0].contains(text), "{predicate}: {:?}", seen.filters),
            None => assert!(own.is_empty(), "{predicate}: {:?}", seen.filters),
        }
    }
    // A pushed predicate prunes row groups of the file.
    world.rows("SELECT name FROM persons WHERE visits > 380").await;
    let metrics = world.source.last().metrics();
    assert!(metrics.contains("row_groups_pruned_statistics=8 total → 2 matched"), "{metrics}");
    // Only the columns needed are read: those asked for and those of the scope.
    assert_eq!(world.source.last().fields, ["disease", "name", "region", "visits"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn sha_4_limits_reach_the_source_only_where_no_row_is_dropped() {
    let world = World::new();
    world.rows("SELECT place FROM visits LIMIT 7").await;
    assert_eq!(world.source.last().limit, Some(7));
    assert_eq!(world.source.last().fields, ["place"]);
    assert_eq!(world.rows("SELECT name FROM persons LIMIT 7").await.len(), 7);
    assert_eq!(world.source.last().limit, None);
    assert_eq!(world.rows("SELECT place FROM visits WHERE place = '点3' LIMIT 70").await.len(), 70);
    assert_eq!(world.source.last().limit, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn sha_4_explain_shows_the_governed_plan_and_nothing_below() {
    let world = World::new();
    let shown =
        world.rows("EXPLAIN SELECT name FROM persons WHERE visits > 380 AND id_card LIKE '33%'").await.join("\n");
    for expected in [
        "GovernedScan: 3301020001.persons",
        "name: name_to_surname",
        "id_card: keep(6,0)",
        "rows=scoped",
        "pushed=[",
        "visits > Int32(380)",
    ] {
        assert!(shown.contains(expected), "{expected} not in\n{shown}");
    }
    for hidden in ["DataSourceExec", "parquet", "disease", "东湖"] {
        assert!(!shown.contains(hidden), "{hidden} in\n{shown}");
    }
}

fn columns() -> Schema {
    Schema::new(vec![
        Field::new("region", DataType::Utf8View, true),
        Field::new("visits", DataType::Int32, true),
        Field::new("born", DataType::Date32, true),
        Field::new("at", DataType::Timestamp(TimeUnit::Microsecond, None), true),
        Field::new("amount", DataType::Decimal128(12, 2), true),
        Field::new("open", DataType::Boolean, true),
        Field::new("code", DataType::Utf8, true),
    ])
}

#[test]
fn sha_3_row_filters_are_safe_expressions() {
    for text in [
        "region = '东湖'",
        "region IN ('东湖', '西山') AND visits >= 3",
        "NOT (visits BETWEEN 1 AND 5) OR region IS NULL",
        "born >= DATE '2020-01-01'",
        "born >= '2020-01-01'",
        "amount < 100.50",
        "amount < 100",
        "open",
        "open IS NOT TRUE",
        "code LIKE '3301%'",
        "region = code",
        "visits <> -1",
        "at < TIMESTAMP '2026-01-01 00:00:00'",
        "true",
    ] {
        if let Err(error) = check_row_filter(text, &columns()) {
            panic!("{text}: {error}");
        }
    }
    for text in [
        "",
        "visits",
        "visits + 1 = 3",
        "1 / visits = 1",
        "CAST(region AS INT) = 1",
        "region = 5",
        "upper(region) = 'X'",
        "random() < 0.5",
        "now() > born",
        "visits = (SELECT 1)",
        "visits IN (SELECT 1)",
        "EXISTS (SELECT 1)",
        "no_such = 1",
        "region ~ 'x'",
        "visits = $1",
        "CASE WHEN open THEN true ELSE false END",
        "region = '东湖'; DROP TABLE x",
        "count(*) > 1",
        "visits = 1 --",
    ] {
        let found = check_row_filter(text, &columns());
        let harmless = text.ends_with("--") && found.is_ok();
        assert!(harmless || found.is_err_and(|error| error.code == "GATE-ROW-FILTER"), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sha_4_a_null_or_empty_scope_shows_nothing() {
    let world = World::new();
    for scope in ["region = NULL", "false", "region = '无'"] {
        let mut table = world.persons();
        table.row_filter = Some(scope.to_owned());
        let mandate = world.mandate_of(vec![table]);
        let opened = open(&world.gate, mandate, Statement::new("SELECT * FROM persons")).await.unwrap();
        assert!(lines(&drain(opened).await.unwrap()).is_empty(), "{scope}");
    }
}
