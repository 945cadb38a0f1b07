use futures::StreamExt;
use hufu_gate::error::{Error, Kind};
use hufu_gate::source::config::{Password, Place};
use hufu_gate::source::{SourceKind, open};
use hufu_test_servers as servers;

use super::{files, mariadb, on_server, postgres, session};

/// Our error inside the engine's.
fn code_of(error: &datafusion::error::DataFusionError) -> &'static str {
    let datafusion::error::DataFusionError::External(inner) = error.find_root() else { panic!("{error}") };
    let error = inner.downcast_ref::<Error>().unwrap();
    assert_eq!(error.kind, Kind::Source);
    error.code
}

#[tokio::test(flavor = "multi_thread")]
async fn cat_2_a_source_that_is_down_or_refuses_says_so() {
    for (kind, server) in [(SourceKind::Postgres, servers::postgres()), (SourceKind::Mysql, servers::mariadb())] {
        let changed = |change: fn(&mut hufu_gate::source::config::Server)| {
            let mut conf = on_server(kind, server);
            let Place::Server(place) = &mut conf.place else { unreachable!() };
            change(place);
            conf
        };
        let cases = [
            (changed(|s| s.port = servers::free_port()), "GATE-SOURCE-UNREACHABLE"),
            (changed(|s| s.password = Password::new("s3cret-wrong")), "GATE-SOURCE-AUTH"),
            (changed(|s| s.user = "nobody_here".into()), "GATE-SOURCE-AUTH"),
            (changed(|s| s.database = "nowhere".into()), "GATE-SOURCE-AUTH"),
        ];
        for (conf, code) in cases {
            assert!(!format!("{conf:?}").contains("s3cret"), "a password is printed");
            let error = open(&conf).unwrap().probe().await.unwrap_err();
            assert_eq!(error.code, code, "{error:?}");
            assert!(!format!("{error:?}").contains("s3cret"));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn cat_2_a_table_that_vanishes_or_changes_says_so() {
    for (source, server) in [(postgres(), servers::postgres()), (mariadb(), servers::mariadb())] {
        server.sql("DROP TABLE IF EXISTS moving; CREATE TABLE moving (id int, word varchar(20)); INSERT INTO moving VALUES (1, 'x')");
        assert_eq!(source.describe("not_there").await.unwrap_err().code, "GATE-SOURCE-VANISHED");
        let context = session(source.as_ref(), "moving").await;
        let failure = async |sql: &str| {
            let mut stream = context.sql(sql).await.unwrap().execute_stream().await.unwrap();
            code_of(&stream.next().await.unwrap().unwrap_err())
        };
        server.sql("ALTER TABLE moving DROP COLUMN word; ALTER TABLE moving ADD word date");
        assert_eq!(failure("SELECT word FROM t").await, "GATE-SOURCE-CHANGED", "another type");
        server.sql("ALTER TABLE moving DROP COLUMN word");
        assert_eq!(failure("SELECT word FROM t").await, "GATE-SOURCE-CHANGED", "column gone");
        server.sql("DROP TABLE moving");
        assert_eq!(failure("SELECT id FROM t").await, "GATE-SOURCE-VANISHED");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn cat_2_sqlite_faults_are_told_apart() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("s.db");
    assert_eq!(files(SourceKind::Sqlite, &path).probe().await.unwrap_err().code, "GATE-SOURCE-UNREACHABLE");
    let db = rusqlite::Connection::open(&path).unwrap();
    db.execute_batch(
        "CREATE TABLE moving (id INTEGER, word TEXT, odd INTEGER); INSERT INTO moving VALUES (1, 'x', '13800138000x')",
    )
    .unwrap();
    let source = files(SourceKind::Sqlite, &path);
    assert_eq!(source.describe("not_there").await.unwrap_err().code, "GATE-SOURCE-VANISHED");
    let context = session(source.as_ref(), "moving").await;
    let failure = async |sql: &str| {
        let error = context.sql(sql).await.unwrap().collect().await.unwrap_err();
        assert!(!error.to_string().contains("13800138000"), "{error}");
        code_of(&error)
    };
    assert_eq!(failure("SELECT odd FROM t").await, "GATE-SOURCE-VALUE");
    db.execute_batch("ALTER TABLE moving DROP COLUMN word").unwrap();
    assert_eq!(failure("SELECT word FROM t").await, "GATE-SOURCE-CHANGED");
    db.execute_batch("DROP TABLE moving").unwrap();
    assert_eq!(failure("SELECT id FROM t").await, "GATE-SOURCE-VANISHED");
    std::fs::write(&path, "this is no database at all, only some text that is long enough").unwrap();
    assert_eq!(source.probe().await.unwrap_err().code, "GATE-SOURCE-UNREACHABLE");
}
