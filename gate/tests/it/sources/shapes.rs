//! Types that only databases have, and what their catalogues say.

use hufu_test_servers as servers;

use super::{answer, lines, mariadb, people, postgres, session};

#[tokio::test(flavor = "multi_thread")]
async fn cat_2_postgres_types_are_kept() {
    servers::postgres().sql(
        "DROP TABLE IF EXISTS shapes; DROP DOMAIN IF EXISTS idno; DROP TYPE IF EXISTS grade; CREATE TYPE grade AS ENUM ('轻', '重'); CREATE DOMAIN idno AS varchar(18);
         CREATE TABLE shapes (i2 smallint, i4 int, i8 bigint, f4 real, n numeric, n5 numeric(5,1), c char(6), id idno, g grade, u uuid, j jsonb,
         a int[], d date, t time, ts timestamp(3), tz timestamptz, b bytea, \"奇\"\"怪\" text, long text);
         INSERT INTO shapes VALUES (-32768, 2147483647, 9223372036854775807, 0.1, 12345678901234567890.0123456789, -0.5, 'ab', '44', '重',
         '00112233-4455-6677-8899-aabbccddeeff', '{\"k\": [1]}', '{1,2}', 'infinity', '23:59:59.5', '2022-03-05 08:09:10.123',
         '2022-03-05 08:09:10+08', '\\x00ff', 'q', repeat('长', 300000)), (NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);",
    );
    let source = postgres();
    let context = session(source.as_ref(), "shapes").await;
    let got = answer(&context, "SELECT i2, i4, i8, f4, n, n5, c, id, g, u, j, a, d, t, ts, tz, b, \"奇\"\"怪\", length(long) FROM t WHERE i2 IS NOT NULL").await;
    let expected = [
        "-32768",
        "2147483647",
        "9223372036854775807",
        "0.1",
        "12345678901234567890.0123456789",
        "-0.5",
        "ab",
        "44",
        "重",
        "00112233-4455-6677-8899-aabbccddeeff",
        "{\"k\": [1]}",
        "{1,2}",
        "9999-12-31",
        "23:59:59.500",
        "2022-03-05T08:09:10.123",
        "2022-03-05T08:09:10+08:00",
        "00ff",
        "q",
        "300000",
    ];
    assert_eq!(got, [expected]);
    let nulls = answer(&context, "SELECT * FROM t WHERE i2 IS NULL").await;
    assert!(nulls[0].iter().all(|v| v == "∅"));
    for found in [
        "c = 'ab'",
        "id = '44'",
        "tz = '2022-03-05T08:09:10+08:00'",
        "tz < '2022-03-05T00:09:11Z'",
        "d > '2022-01-01'",
        "n5 <= -0.5",
        "\"奇\"\"怪\" = 'q'",
        "ts = '2022-03-05 08:09:10.123'",
    ] {
        assert_eq!(answer(&context, &format!("SELECT count(*) FROM t WHERE {found}")).await, [["1"]], "{found}");
    }
    assert_eq!(answer(&context, "SELECT count(*) FROM t WHERE c = 'ab    '").await, [["0"]]);
    // A value that its column cannot hold exactly stops the reading instead of being rounded.
    servers::postgres().sql("UPDATE shapes SET n = 0.12345678901 WHERE i2 IS NOT NULL");
    let error = context.sql("SELECT n FROM t").await.unwrap().collect().await.unwrap_err().to_string();
    assert!(error.contains("GATE-SOURCE-VALUE") && !error.contains("12345678901"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn cat_2_mariadb_types_are_kept() {
    servers::mariadb().sql(
        "DROP TABLE IF EXISTS shapes; CREATE TABLE shapes (t1 tinyint(1), u1 tinyint unsigned, u4 int unsigned, u8 bigint unsigned, f4 float,
         n decimal(38,10), c char(6), e enum('轻', '重'), s set('a', 'b'), j json, d date, t time(3), dt datetime(6), ts timestamp NULL, b varbinary(9),
         bits bit(10), y year, gbk varchar(20) CHARACTER SET gbk, `奇``怪` text, l longtext);
         SET time_zone = '+00:00'; SET sql_mode = '';
         INSERT INTO shapes VALUES (2, 255, 4294967295, 18446744073709551615, 0.1, 1234567890123456789012345678.0123456789, 'ab  ', '重', 'a,b',
         '{\"k\": [1]}', '2000-02-29', '23:59:59.5', '2022-03-05 08:09:10.000001', '2022-03-05 00:09:10', x'00ff', b'1000000001', 2022, '汉字', 'q', repeat('长', 300000)),
         (NULL, 1, 1, 1, 1, 1, '', '轻', '', '1', '0000-00-00', '00:00', NULL, NULL, '', b'0', 1999, '', '', '');",
    );
    let source = mariadb();
    let context = session(source.as_ref(), "shapes").await;
    let got = answer(&context, "SELECT t1, u1, u4, u8, f4, n, c, e, s, j, d, t, dt, ts, b, bits, y, gbk, \"奇`怪\", length(l) FROM t WHERE u1 = 255").await;
    let expected = [
        "2",
        "255",
        "4294967295",
        "18446744073709551615",
        "0.1",
        "1234567890123456789012345678.0123456789",
        "ab",
        "重",
        "a,b",
        "{\"k\": [1]}",
        "2000-02-29",
        "23:59:59.500",
        "2022-03-05T08:09:10.000001",
        "2022-03-05T08:09:10+08:00",
        "00ff",
        "513",
        "2022",
        "汉字",
        "q",
        "300000",
    ];
    assert_eq!(got, [expected]);
    for found in [
        "d IS NULL",
        "u8 > 18446744073709551614",
        "e = '重'",
        "c = 'ab'",
        "gbk = '汉字'",
        "ts = '2022-03-05T08:09:10+08:00'",
        "dt < '2022-03-05 08:09:10.000002'",
        "n = 1",
    ] {
        assert_eq!(answer(&context, &format!("SELECT count(*) FROM t WHERE {found}")).await, [["1"]], "{found}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn cat_2_catalogues_give_comments_keys_counts_and_samples() {
    for source in [people::in_postgres(), people::in_mariadb()] {
        let probe = source.probe().await.unwrap();
        assert!(
            probe.version.starts_with("PostgreSQL 1") || probe.version.starts_with("MariaDB 1"),
            "{}",
            probe.version
        );
        let tables = source.tables().await.unwrap();
        let table = tables.iter().find(|t| t.name == "people").unwrap();
        assert_eq!(table.comment.as_deref(), Some("人员"));
        let schema = source.describe("people").await.unwrap();
        assert!(schema.columns[0].primary_key && !schema.columns[0].nullable && !schema.columns[1].primary_key);
        assert_eq!(schema.columns[1].comment.as_deref(), Some("姓名"));
        assert!(schema.columns[1].native_type.contains("50"), "{}", schema.columns[1].native_type);
        assert_eq!(source.count("people").await.unwrap(), 12);
        assert_eq!(lines(&source.sample("people", 100).await.unwrap()).len(), 12);
    }
    servers::postgres().sql(
        "DROP TABLE IF EXISTS many; CREATE TABLE many AS SELECT g AS n FROM generate_series(1, 50000) g; ANALYZE many",
    );
    servers::mariadb().sql("DROP TABLE IF EXISTS many; CREATE TABLE many AS SELECT seq AS n FROM seq_1_to_50000");
    for source in [postgres(), mariadb()] {
        let sample: Vec<u32> =
            lines(&source.sample("many", 1000).await.unwrap()).iter().map(|l| l[0].parse().unwrap()).collect();
        assert!((900..=1000).contains(&sample.len()), "{}", sample.len());
        assert!(
            sample.iter().any(|n| *n < 5_000) && sample.iter().any(|n| *n > 40_000),
            "a sample is spread over the table"
        );
    }
}
