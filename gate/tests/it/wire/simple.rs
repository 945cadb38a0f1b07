use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use hufu_gate::GateConfig;
use hufu_gate::record::Outcome;
use hufu_gate::source::SourceKind;
use hufu_test_servers as servers;

use super::city::{PASSWORD, ROWS, UNIT, city, city_with, id_card, insert, table, usual};

#[tokio::test(flavor = "multi_thread")]
async fn sha_5_psql_reads_masked_rows_in_postgres_forms() {
    let dir = tempfile::tempdir().unwrap();
    let city = usual(dir.path()).await;
    let row = "SELECT id, name, id_card, born, seen, amount, score, active, note FROM people WHERE id = 4";
    let masked = "4|张4|330102************|1990-01-05|2022-03-05 08:09:10.500|4.25|4.5|t|第4行\n";
    assert_eq!(city.ask(row).await, masked);
    assert_eq!(city.ask(&format!("SELECT count(*), count(note) FROM \"{UNIT}\".people")).await, "2999|2998\n");
    assert_eq!(
        city.ask("SELECT note IS NULL, note = '' FROM people WHERE id IN (2, 3) ORDER BY id").await,
        "t|\nf|t\n"
    );
    assert_eq!(city.ask("SELECT 1; SELECT 2 AS b; ;").await, "1\n2\n");
    assert_eq!(city.ask("").await, "");
    let raw = id_card(4);
    assert_eq!(city.ask(&format!("SELECT count(*) FROM people WHERE id_card = '{raw}'")).await, "0\n");
    let explained = city.ask("EXPLAIN SELECT name FROM people WHERE id > 10 LIMIT 3").await;
    assert!(!explained.contains("不可见"), "{explained}");
    let begun = city.book.begun.lock().unwrap();
    assert!(begun.iter().all(|b| !b.statement.text.contains(&raw)));
}

#[tokio::test(flavor = "multi_thread")]
async fn sha_5_everything_but_reading_is_refused_and_recorded() {
    let dir = tempfile::tempdir().unwrap();
    let city = usual(dir.path()).await;
    let refused = [
        "DELETE FROM people",
        "INSERT INTO people VALUES (1)",
        "CREATE TABLE x (a int)",
        "DROP TABLE people",
        "SELECT * INTO x FROM people",
        "COPY people TO STDOUT",
        "COPY people FROM STDIN",
        "COPY (SELECT 1) TO '/tmp/x'",
        "COPY (SELECT 1) TO PROGRAM 'id'",
        "CALL f()",
        "GRANT ALL ON people TO x",
        "PREPARE p AS DELETE FROM people",
        "WITH x AS (DELETE FROM people RETURNING *) SELECT * FROM x",
        "DO $$ BEGIN END $$",
        "VACUUM",
        "LISTEN x",
        "EXPLAIN ANALYZE SELECT 1",
        "SELECT name FROM people FOR UPDATE",
    ];
    for (n, sql) in refused.iter().enumerate() {
        let said = city.refusal(sql).await;
        assert!(said.contains("ERROR:  42501") || said.contains("ERROR:  42601"), "{sql}: {said}");
        assert_eq!(city.book.refused.lock().unwrap().len(), n + 1, "{sql} is recorded");
    }
    for (sql, state) in [
        ("SELECT secret FROM people", "42703"),
        ("SELECT * FROM other", "42P01"),
        ("SELECT 1 +", "42601"),
        ("SELECT pg_read_file('/etc/passwd')", "0A000"),
        ("SET datafusion.execution.batch_size = 1", "42501"),
        ("SET search_path_x = 1", "42501"),
        ("SET hufu.grant = 'YS-99'; SELECT 1", "42501"),
        ("SHOW nothing", "42704"),
        ("SELECT CAST(name AS int) FROM people", "22000"),
        ("FETCH 1 FROM nothing", "34000"),
    ] {
        let said = city.refusal(sql).await;
        assert!(said.contains(&format!("ERROR:  {state}")), "{sql}: {said}");
        assert!(!said.contains("张"), "{said}");
    }
    assert!(city.book.begun.lock().unwrap().iter().all(|b| b.tables.len() <= 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn sha_5_copy_streams_text_and_csv() {
    let dir = tempfile::tempdir().unwrap();
    let city = usual(dir.path()).await;
    let text =
        city.ask("COPY (SELECT id, id_card, active, note FROM people WHERE id <= 3 ORDER BY id) TO STDOUT").await;
    let expected = "1\t330102************\tf\ttab\\there, \"quote\", back\\\\slash\\nline\n\
                    2\t330102************\tt\t\\N\n3\t330102************\tf\t\n";
    assert_eq!(text, expected);
    let csv = city
        .ask("COPY (SELECT id, note FROM people WHERE id <= 3 ORDER BY id) TO STDOUT WITH (FORMAT csv, HEADER true)")
        .await;
    assert_eq!(csv, "id,note\n1,\"tab\there, \"\"quote\"\", back\\slash\nline\"\n2,\n3,\"\"\n");
    let all = city.ask("COPY (SELECT id FROM people) TO STDOUT CSV").await;
    assert_eq!(all.lines().count(), ROWS - 1);
    let ended = city.book.ended.lock().unwrap();
    assert!(ended.iter().all(|e| e.outcome == Outcome::Complete));
    assert_eq!(ended.iter().map(|e| e.rows).sum::<u64>(), 3 + 3 + 2999);
}

#[tokio::test(flavor = "multi_thread")]
async fn sha_5_cursors_and_transactions_as_clients_use_them() {
    let dir = tempfile::tempdir().unwrap();
    let city = usual(dir.path()).await;
    let arguments = ["-A", "-t", "-v", "FETCH_COUNT=100", "-c", "SELECT id FROM people ORDER BY id"];
    let output = city.psql("li.na", PASSWORD, &arguments).await;
    let numbers: Vec<usize> = String::from_utf8(output.stdout).unwrap().lines().map(|l| l.parse().unwrap()).collect();
    assert_eq!(numbers, (1..ROWS).collect::<Vec<_>>());
    let script = "BEGIN; DECLARE c CURSOR FOR SELECT id FROM people ORDER BY id; FETCH 2 FROM c; MOVE 5 IN c; FETCH NEXT FROM c; CLOSE c; COMMIT;";
    assert_eq!(
        city.ask(script).await.replace("BEGIN\n", ""),
        "DECLARE CURSOR\n1\n2\nMOVE 5\n8\nCLOSE CURSOR\nCOMMIT\n"
    );
    let client = city.client().await;
    client.batch_execute("BEGIN").await.unwrap();
    assert!(client.simple_query("SELECT nothing FROM people").await.is_err());
    let again = client.simple_query("SELECT 1").await.unwrap_err();
    assert_eq!(again.code().unwrap().code(), "25P02");
    client.batch_execute("ROLLBACK").await.unwrap();
    assert!(client.simple_query("SELECT 1").await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn sha_3_settings_choose_the_grant_and_show_the_purpose() {
    let dir = tempfile::tempdir().unwrap();
    let city = usual(dir.path()).await;
    assert_eq!(city.ask("SELECT * FROM twice WHERE id = 4").await.split('|').count(), 9);
    assert_eq!(city.ask("SET hufu.grant = 'YS-3'; SELECT * FROM twice WHERE id = 4").await, "SET\n4\n");
    assert_eq!(
        city.ask("SET hufu.grant = 'YS-3'; SHOW hufu.grant; RESET hufu.grant; SHOW hufu.grant").await,
        "SET\nYS-3\nRESET\n\n"
    );
    let purpose = city.ask("SHOW hufu.purpose").await;
    assert!(
        purpose.contains(&format!("YS-1|{UNIT}.people|核验 YS-1|条例第二十条|")) && purpose.contains("不得转供第三方"),
        "{purpose}"
    );
    let habits = "SET client_encoding TO 'UTF8'; SET DateStyle = ISO, MDY; SET extra_float_digits = 3; SET application_name = 'x'; \
                  SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY; SET TIME ZONE 'Asia/Shanghai'; SHOW transaction_isolation; \
                  SHOW TRANSACTION ISOLATION LEVEL; DISCARD ALL";
    assert!(city.ask(habits).await.contains("read committed"));
    assert!(city.refusal("SET client_encoding = 'GBK'").await.contains("42501"));
}

#[tokio::test(flavor = "multi_thread")]
async fn sha_3_revocation_cancel_and_timeout_stop_a_running_stream() {
    let dir = tempfile::tempdir().unwrap();
    let city = usual(dir.path()).await;
    let address = city.address;
    let endless = || {
        let mut command = Command::new(servers::psql());
        let connection = format!("host=127.0.0.1 port={} user=li.na dbname=hufu sslmode=disable", address.port());
        command.args([
            "-X",
            "-v",
            "VERBOSITY=verbose",
            "-c",
            "COPY (SELECT id FROM endless) TO STDOUT",
            "-d",
            &connection,
        ]);
        command.env("PGPASSWORD", PASSWORD).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let running = async |n: usize| {
        let begun = Instant::now();
        while city.book.begun.lock().unwrap().len() < n {
            assert!(begun.elapsed() < Duration::from_secs(20));
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
    };
    let ended = async |child: std::process::Child| {
        let begun = Instant::now();
        let output = tokio::task::spawn_blocking(move || child.wait_with_output().unwrap()).await.unwrap();
        (String::from_utf8(output.stderr).unwrap(), begun.elapsed())
    };
    // Ctrl-C in psql is a cancel request on a connection of its own.
    let child = endless();
    running(1).await;
    let _sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    let (said, took) = ended(child).await;
    assert!(took < Duration::from_secs(2), "{took:?} {said}");
    let child = endless();
    running(2).await;
    city.desk.shut("YS-4");
    let (said, took) = ended(child).await;
    assert!(said.contains("42501") && said.contains("GATE-REVOKED"), "{said}");
    assert!(took < Duration::from_secs(1), "{took:?}");
    let codes: Vec<Outcome> = city.book.ended.lock().unwrap().iter().map(|e| e.outcome).collect();
    let failed = |code| codes.iter().any(|o| matches!(o, Outcome::Failed { code: c, .. } if *c == code));
    assert!(failed("GATE-CANCELLED") && failed("GATE-REVOKED"), "{codes:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn sha_5_the_time_limit_holds_for_the_whole_stream() {
    let dir = tempfile::tempdir().unwrap();
    let source = super::city::sqlite(dir.path());
    let mut endless = table("YS-4", "endless", &source);
    endless.source_table = "endless".into();
    endless.row_filter = None;
    endless.fields.retain(|f| f.name == "id");
    let limits = GateConfig { timeout: Duration::from_secs(2), parallelism: 2, ..GateConfig::default() };
    let city = city_with(vec![endless], None, limits).await;
    let begun = Instant::now();
    let output =
        city.psql("li.na", PASSWORD, &["-o", "/dev/null", "-c", "COPY (SELECT id FROM endless) TO STDOUT"]).await;
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("57014") && said.contains("GATE-TIMEOUT"), "{said}");
    assert!(begun.elapsed() < Duration::from_secs(6));
}

#[tokio::test(flavor = "multi_thread")]
async fn sha_5_psql_reads_masked_rows_of_real_servers() {
    let columns = "(id bigint, name varchar(50), id_card char(18), born date, seen timestamp(3), amount decimal(12,2), score double precision, active boolean, note text)";
    let (pg, maria) = (servers::postgres(), servers::mariadb());
    pg.sql(&format!("DROP TABLE IF EXISTS people; CREATE TABLE people {columns}; {}", insert("true", "false")));
    let columns = columns.replace("timestamp(3)", "datetime(3)");
    maria.sql(&format!(
        "DROP TABLE IF EXISTS people; CREATE TABLE people {columns}; {}",
        insert("1", "0").replace('\\', "\\\\")
    ));
    let sources =
        [crate::sources::on_server(SourceKind::Postgres, pg), crate::sources::on_server(SourceKind::Mysql, maria)];
    for conf in sources {
        let source = hufu_gate::source::open(&conf).unwrap();
        let city = city(vec![table("YS-1", "people", &source)]).await;
        let got = city.ask("SELECT id, name, id_card, born, seen, amount, score FROM people WHERE id = 4").await;
        assert_eq!(got, "4|张4|330102************|1990-01-05|2022-03-05 08:09:10.500|4.25|4.5\n");
        assert_eq!(city.ask("SELECT count(*) FROM people").await, "2999\n", "the row outside the scope stays away");
        assert_eq!(city.ask("SELECT count(*) FROM people WHERE id_card LIKE '3301021990%'").await, "0\n");
    }
}
