use arrow::array::{ArrayRef, Int64Array, RecordBatch};
use datafusion::parquet::arrow::ArrowWriter;
use datafusion::parquet::file::properties::WriterProperties;
use futures::StreamExt;
use hufu_gate::source::SourceKind;
use hufu_test_servers as servers;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{answer, files, mariadb, people, plan, postgres, session};

#[tokio::test(flavor = "multi_thread")]
async fn cat_2_postgres_gets_predicates_projection_and_limit() {
    let context = session(people::in_postgres().as_ref(), "people").await;
    let cases = [
        ("SELECT id FROM t WHERE id > 3", "SELECT \"id\" FROM \"public\".\"people\" WHERE \"id\" > ($1::text)::int8"),
        ("SELECT name FROM t WHERE code = 'abc'", "WHERE \"code\" = ($1::text)"),
        ("SELECT name FROM t WHERE code < 'abc'", "WHERE \"code\" COLLATE \"C\" < ($1::text)"),
        (
            "SELECT id FROM t WHERE born >= '2000-01-01' AND amount = 7.77",
            "\"born\" >= ($1::text)::date AND \"amount\" = ($2::text)::numeric",
        ),
        ("SELECT id FROM t WHERE note IS NULL", "WHERE \"note\" IS NULL"),
        ("SELECT id FROM t WHERE id IN (1, 2, 3, 4, 5)", "\"id\" IN (($1::text)::int8, ($2::text)::int8, "),
        ("SELECT id FROM t LIMIT 5", "FROM \"public\".\"people\" LIMIT 5"),
    ];
    for (sql, sent) in cases {
        let plan = plan(&context, sql).await;
        assert!(
            plan.contains(sent),
            "{sql}
{plan}"
        );
    }
    for kept in
        ["code <> 'abc'", "code LIKE 'a%'", "upper(name) = 'X'", "length(name) > 2", "id + 1 = 3", "score = 0.0"]
    {
        let plan = plan(&context, &format!("SELECT id FROM t WHERE {kept} LIMIT 5")).await;
        let sends_more = |l: &str| l.contains("sql=") && (l.contains(" WHERE ") || l.contains("LIMIT"));
        assert!(
            !plan.lines().any(sends_more),
            "{kept}
{plan}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn cat_2_mariadb_and_sqlite_get_predicates_and_limit() {
    let dir = tempfile::tempdir().unwrap();
    let maria = session(people::in_mariadb().as_ref(), "people").await;
    let lite = session(people::sqlite(dir.path()).as_ref(), "people").await;
    let cases = [
        (&maria, "SELECT id FROM t WHERE id > 3", "SELECT `id` FROM `people` WHERE `id` > ?"),
        (&maria, "SELECT id FROM t WHERE code = 'abc'", "WHERE `code` = ?"),
        (&maria, "SELECT id FROM t WHERE code >= 'abc'", "WHERE CAST(`code` AS BINARY) >= ?"),
        (&maria, "SELECT id FROM t WHERE amount = 7.77", "WHERE `amount` = CAST(? AS DECIMAL(12,2))"),
        (&maria, "SELECT id FROM t WHERE seen < '2022-01-01'", "WHERE `seen` < CAST(? AS DATETIME(6))"),
        (&maria, "SELECT id FROM t LIMIT 3", "FROM `people` LIMIT 3"),
        (&lite, "SELECT id FROM t WHERE id > 3 AND name = '张三'", "WHERE `id` > ?1 AND `name` = ?2"),
        (&lite, "SELECT id FROM t WHERE code > 'abc'", "WHERE `code` COLLATE BINARY > ?1"),
        (&lite, "SELECT id FROM t LIMIT 3", "FROM `people` LIMIT 3"),
    ];
    for (context, sql, sent) in cases {
        let plan = plan(context, sql).await;
        assert!(plan.contains(sent), "{sql}\n{plan}");
    }
    for (context, kept) in
        [(&maria, "code <> 'abc'"), (&maria, "born IS NULL"), (&lite, "born = '2000-01-01'"), (&lite, "amount = 1.00")]
    {
        let plan = plan(context, &format!("SELECT id FROM t WHERE {kept}")).await;
        assert!(!plan.lines().any(|l| l.contains("sql=") && l.contains(" WHERE ")), "{kept}\n{plan}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn cat_2_parquet_prunes_row_groups() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("numbers.parquet");
    let ids: ArrayRef = Arc::new((0..100_000).collect::<Int64Array>());
    let batch = RecordBatch::try_from_iter([("id", ids)]).unwrap();
    let properties = WriterProperties::builder().set_max_row_group_row_count(Some(10_000)).build();
    let mut writer =
        ArrowWriter::try_new(std::fs::File::create(&path).unwrap(), batch.schema(), Some(properties)).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    let context = session(files(SourceKind::Parquet, &path).as_ref(), "numbers").await;
    assert_eq!(answer(&context, "SELECT count(*) FROM t WHERE id >= 95000").await, [["5000"]]);
    let explained = answer(&context, "EXPLAIN ANALYZE SELECT id FROM t WHERE id >= 95000").await.concat().join("\n");
    assert!(explained.contains("row_groups_pruned_statistics=10 total → 1 matched"), "{explained}");
}

#[tokio::test(flavor = "multi_thread")]
async fn ops_3_a_dropped_stream_ends_the_query_in_the_source() {
    let (pg, maria) = (servers::postgres(), servers::mariadb());
    pg.sql("DROP VIEW IF EXISTS endless; CREATE VIEW endless AS SELECT generate_series(1, 2000000000) AS n");
    maria.sql("CREATE OR REPLACE VIEW endless AS SELECT seq AS n FROM seq_1_to_2000000000");
    let running = [
        "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%endless%' AND pid <> pg_backend_pid()",
        "SELECT count(*) FROM information_schema.processlist WHERE info LIKE '%`endless`%' AND id <> connection_id()",
    ];
    for (source, server, running) in [(postgres(), pg, running[0]), (mariadb(), maria, running[1])] {
        let context = session(source.as_ref(), "endless").await;
        let mut stream = context.sql("SELECT n FROM t").await.unwrap().execute_stream().await.unwrap();
        assert!(stream.next().await.unwrap().unwrap().num_rows() > 0);
        assert_eq!(server.sql(running).trim(), "1");
        drop(stream);
        let begun = Instant::now();
        while server.sql(running).trim() != "0" {
            assert!(begun.elapsed() < Duration::from_secs(10), "query still runs");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}
