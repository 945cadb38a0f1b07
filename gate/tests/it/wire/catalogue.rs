//! What clients ask about tables before they ask for rows.

use super::city::{PASSWORD, UNIT, usual};

#[tokio::test(flavor = "multi_thread")]
async fn sha_5_psql_lists_and_describes_what_is_granted() {
    let dir = tempfile::tempdir().unwrap();
    let city = usual(dir.path()).await;
    let shown = async |command: &str| {
        let output = city.psql("li.na", PASSWORD, &["-A", "-c", command]).await;
        assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let tables = shown("\\dt").await;
    for name in ["people", "twice", "endless"] {
        assert!(tables.contains(&format!("{UNIT}|{name}|table|hufu")), "{tables}");
    }
    let described = shown("\\d people").await;
    for line in [
        "id|bigint|",
        "id_card|text|",
        "born|date|",
        "seen|timestamp without time zone|",
        "amount|numeric(12,2)|",
        "score|double precision|",
        "active|boolean|",
    ] {
        assert!(described.contains(line), "{described}");
    }
    assert!(shown("\\d+ people").await.contains("身份证号"));
    assert!(shown("\\dt+").await.contains("涉疫人员"));
    assert!(shown(&format!("\\d \"{UNIT}\".*")).await.contains("endless"));
    assert!(shown("\\dn").await.contains(UNIT));
    assert!(shown("\\l").await.contains("hufu"));
    assert!(shown("\\du").await.contains("li.na"));
    for quiet in ["\\df", "\\dv", "\\di", "\\ds", "\\dT", "\\dx", "\\dp people"] {
        shown(quiet).await;
    }
    assert!(city.book.begun.lock().unwrap().is_empty(), "the catalogue is no data");
}

#[tokio::test(flavor = "multi_thread")]
async fn sha_4_the_catalogue_shows_nothing_beyond_the_grant() {
    let dir = tempfile::tempdir().unwrap();
    let city = usual(dir.path()).await;
    assert_eq!(city.ask("SELECT count(*) FROM pg_class WHERE relname = 'twice'").await, "1\n");
    let columns = "SELECT attname FROM pg_catalog.pg_attribute a JOIN pg_class c ON c.oid = a.attrelid WHERE relname = 'twice' ORDER BY attnum";
    assert_eq!(city.ask(columns).await.lines().count(), 9);
    assert_eq!(city.ask(&format!("SET hufu.grant = 'YS-3'; {columns}")).await, "SET\nid\n");
    city.desk.shut("YS-1");
    assert_eq!(city.ask("SELECT count(*) FROM pg_class WHERE relname = 'people'").await, "0\n");
    for sql in [
        "SELECT * FROM pg_catalog.pg_class, people",
        "SELECT * FROM sqlite_master WHERE pg_backend_pid() = 0",
        "SELECT load_extension('x'), version()",
        "SELECT * FROM pragma_database_list, pg_class",
        "WITH RECURSIVE pg_x AS (SELECT 1 AS a UNION ALL SELECT a + 1 FROM pg_x) SELECT count(*) FROM pg_x, pg_class",
        "SELECT * FROM pg_authid",
        "DELETE FROM pg_class",
    ] {
        let said = city.refusal(sql).await;
        assert!(
            said.contains("42P01") || said.contains("0A000") || said.contains("42501") || said.contains("42883"),
            "{sql}: {said}"
        );
    }
    let names = city
        .ask(&format!(
            "SELECT table_schema, table_name FROM information_schema.tables WHERE table_schema = '{UNIT}' ORDER BY 2"
        ))
        .await;
    assert_eq!(names, format!("{UNIT}|endless\n{UNIT}|twice\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn sha_5_drivers_and_tools_get_typed_answers() {
    let dir = tempfile::tempdir().unwrap();
    let city = usual(dir.path()).await;
    let client = city.client().await;
    let row = client
        .query_one(
            "SELECT version(), current_database(), current_schema(), current_user, 1 = 1 AND pg_is_in_recovery()",
            &[],
        )
        .await
        .unwrap();
    assert!(row.get::<_, &str>(0).starts_with("PostgreSQL 15"));
    assert_eq!((row.get::<_, &str>(1), row.get::<_, &str>(2), row.get::<_, &str>(3)), ("hufu", "public", "li.na"));
    assert!(!row.get::<_, bool>(4));
    let sql = "SELECT c.oid, c.relname, n.nspname, c.relkind::text AS kind, d.description, c.relispartition \
               FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
               LEFT JOIN pg_catalog.pg_description d ON d.objoid = c.oid AND d.objsubid = 0 AND d.classoid = 'pg_class'::regclass \
               WHERE c.relkind = ANY (ARRAY['r', 'v']) AND n.nspname = $1 AND pg_catalog.pg_table_is_visible(c.oid) ORDER BY c.relname";
    let rows = client.query(sql, &[&UNIT]).await.unwrap();
    assert_eq!(rows.iter().map(|r| r.get::<_, &str>(1)).collect::<Vec<_>>(), ["endless", "people", "twice"]);
    assert!(rows[1].get::<_, u32>(0) > 16384);
    assert_eq!(rows[1].get::<_, Option<&str>>(4), Some("涉疫人员"));
    assert!(!rows[1].get::<_, bool>(5));
    let oid = rows[1].get::<_, u32>(0);
    let columns = client
        .query(
            "SELECT a.attname, a.attnum, pg_catalog.format_type(a.atttypid, a.atttypmod) AS t, a.attnotnull, \
             (SELECT pg_catalog.pg_get_expr(f.adbin, f.adrelid) FROM pg_catalog.pg_attrdef f WHERE f.adrelid = a.attrelid AND f.adnum = a.attnum) AS def, \
             CASE WHEN t.typtype = 'd' THEN 1 ELSE 0 END AS domain, col.description \
             FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type t ON t.oid = a.atttypid \
             LEFT JOIN pg_catalog.pg_description col ON col.objoid = a.attrelid AND col.objsubid = a.attnum \
             WHERE a.attrelid = $1::oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum",
            &[&oid.to_string()],
        )
        .await
        .unwrap();
    assert_eq!(columns.len(), 9);
    assert_eq!(columns[2].get::<_, &str>(0), "id_card");
    assert_eq!(columns[2].get::<_, i16>(1), 3);
    assert_eq!(columns[5].get::<_, &str>(2), "numeric(12,2)");
    assert_eq!(columns[2].get::<_, Option<&str>>(6), Some("身份证号"));
    assert_eq!(columns[2].get::<_, i32>(5), 0);
    let search = client
        .query(
            "SELECT relname FROM pg_class WHERE relname ~ '^(pe)' AND relname !~~ 'x%' AND relname ILIKE 'PEOPLE'",
            &[],
        )
        .await
        .unwrap();
    assert_eq!(search.len(), 1);
}
