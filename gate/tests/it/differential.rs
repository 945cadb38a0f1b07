//! A governed query equals the same query over a copy that was filtered and masked beforehand.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use datafusion::catalog::MemTable;
use datafusion::execution::session_state::SessionStateBuilder;
use datafusion::prelude::{ParquetReadOptions, SessionConfig, SessionContext};
use hufu_mask::Mask;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::world::{FIELDS, KEY, SCOPE, World, lines};

/// Random queries per run.
const CASES: u32 = 160;

#[test]
fn sha_4_governed_equals_premasked() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let world = World::new();
    let copy = runtime.block_on(premasked(&world));
    let mut runner = TestRunner::new(Config { cases: CASES, failure_persistence: None, ..Config::default() });
    let outcome = runner.run(&query(), |sql| {
        runtime.block_on(async {
            let expect = match copy.sql(&sql).await {
                Ok(frame) => frame.collect().await,
                Err(error) => Err(error),
            };
            let found = world.run(&sql).await;
            match (expect, found) {
                (Ok(expect), Ok(found)) => {
                    let (mut expect, mut found) = (lines(&expect), lines(&found));
                    if !sql.contains("ORDER BY") {
                        expect.sort();
                        found.sort();
                    }
                    prop_assert_eq!(found, expect, "{}", sql);
                }
                (Err(_), Err(_)) => {}
                (expect, found) => {
                    prop_assert!(false, "{}: {:?} but {:?}", sql, expect.map(|e| lines(&e)), found.map(|f| lines(&f)));
                }
            }
            Ok(())
        })
    });
    outcome.unwrap();
}

/// The copy: scope and masks applied by hand, then plain DataFusion over it.
async fn premasked(world: &World) -> SessionContext {
    let plain = SessionContext::new();
    for table in ["persons", "visits"] {
        let path = world.dir.path().join(format!("{table}.parquet"));
        plain.register_parquet(table, path.to_str().unwrap(), ParquetReadOptions::default()).await.unwrap();
    }
    let fields = FIELDS.map(|(name, _)| name).join(", ");
    let inside =
        plain.sql(&format!("SELECT {fields} FROM persons WHERE {SCOPE}")).await.unwrap().collect().await.unwrap();
    let masked: Vec<RecordBatch> = inside
        .iter()
        .map(|batch| {
            let columns = FIELDS.iter().zip(batch.columns()).map(|((name, mask), column)| {
                let mask = Mask::parse(mask).unwrap().with_secret(KEY);
                (*name, mask.apply(column).unwrap(), true)
            });
            RecordBatch::try_from_iter_with_nullable(columns.collect::<Vec<(&str, ArrayRef, bool)>>()).unwrap()
        })
        .collect();
    let mut config = SessionConfig::new().with_target_partitions(2);
    config.options_mut().sql_parser.dialect = datafusion::config::Dialect::PostgreSQL;
    let copy =
        SessionContext::new_with_state(SessionStateBuilder::new_with_default_features().with_config(config).build());
    let schema = masked[0].schema();
    copy.register_table("persons", Arc::new(MemTable::try_new(schema, vec![masked]).unwrap())).unwrap();
    let visits = plain.table("visits").await.unwrap().collect().await.unwrap();
    copy.register_table("visits", Arc::new(MemTable::try_new(visits[0].schema(), vec![visits]).unwrap())).unwrap();
    copy
}

fn field() -> impl Strategy<Value = &'static str> {
    proptest::sample::select(FIELDS.map(|(name, _)| name).to_vec())
}

/// A predicate on any field, clear or masked, that both sides can evaluate or both must fail on.
fn predicate() -> impl Strategy<Value = String> {
    let comparison = proptest::sample::select(vec!["=", "<>", "<", "<=", ">", ">="]);
    let leaf = prop_oneof![
        (comparison.clone(), 0..420_i32).prop_map(|(op, n)| format!("visits {op} {n}")),
        (comparison.clone(), 1_500..15_000_i64).prop_map(|(op, n)| format!("salary {op} {n}")),
        (comparison.clone(), 0..6_000_i64).prop_map(|(op, n)| format!("amount {op} {n}.25")),
        (comparison, 1985..2001_i32).prop_map(|(op, year)| format!("birth {op} DATE '{year}-01-01'")),
        proptest::sample::select(vec![
            "id_card LIKE '330102%'",
            "id_card LIKE '%0001'",
            "id_card = '330103************'",
            "name IN ('王**', '李*', '王小明')",
            "name LIKE '_**'",
            "mobile LIKE '138%0'",
            "mobile > '138****5'",
            "region = '东湖'",
            "region LIKE '%山'",
            "amount IS NULL",
            "salary IS NOT NULL",
            "visits BETWEEN 100 AND 200",
            "visits IN (1, 50, 399)",
            "length(name) = 2",
            "substr(id_card, 6, 1) = '2'",
            "region = '南岭'",
            "10 / (visits - 7777) = 0",
            "visits = 7777",
        ])
        .prop_map(str::to_owned),
    ];
    leaf.prop_recursive(2, 6, 2, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} AND {b})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} OR {b})")),
            inner.prop_map(|a| format!("NOT ({a})")),
        ]
    })
}

fn query() -> impl Strategy<Value = String> {
    let aggregate = proptest::sample::select(vec!["count", "min", "max", "count(DISTINCT"]);
    prop_oneof![
        (field(), field(), predicate()).prop_map(|(a, b, p)| format!("SELECT {a}, {b} FROM persons WHERE {p}")),
        (field(), aggregate, field(), predicate()).prop_map(|(group, f, of, p)| {
            let call = if f.ends_with("DISTINCT") { format!("{f} {of})") } else { format!("{f}({of})") };
            format!("SELECT {group}, {call} FROM persons WHERE {p} GROUP BY {group}")
        }),
        (field(), predicate()).prop_map(|(a, p)| format!("SELECT DISTINCT {a} FROM persons WHERE {p}")),
        (field(), predicate(), 1..40_u8)
            .prop_map(|(a, p, n)| format!("SELECT {a} FROM persons WHERE {p} ORDER BY {a} LIMIT {n}")),
        predicate().prop_map(|p| format!(
            "SELECT v.place, count(*) FROM persons p JOIN visits v ON p.visits = v.visit WHERE {p} GROUP BY v.place"
        )),
        predicate().prop_map(|p| format!(
            "SELECT count(*) FROM persons p LEFT JOIN visits v ON p.id_card = v.visit_id_card WHERE {p}"
        )),
        (predicate(), predicate()).prop_map(|(a, b)| format!(
            "WITH x AS (SELECT * FROM persons WHERE {a}) SELECT region, max(id_card), sum(amount) FROM x WHERE {b} GROUP BY region"
        )),
        predicate().prop_map(|p| format!(
            "SELECT count(*) FROM visits WHERE visit IN (SELECT visits FROM persons WHERE {p})"
        )),
    ]
}
