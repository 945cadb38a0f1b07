//! Sources through the whole way: registered, tested, scanned, mounted and compared, on real files and a real PostgreSQL.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use hufu_catalog::commands::create_source::CreateSource;
use hufu_catalog::commands::edit_source::EditSource;
use hufu_catalog::commands::mount_resource::MountResource;
use hufu_catalog::commands::record_probe::Probed;
use hufu_catalog::commands::record_scan::{StartCheck, StartScan};
use hufu_catalog::jobs;
use hufu_catalog::model::check::{CheckResult, Column, Problem, compare, fits};
use hufu_catalog::model::source::SourceSpec;
use hufu_catalog::model::terms::DataType;
use hufu_catalog::store::{check, resource, source, source_table};
use hufu_kernel::actor::Role;
use hufu_kernel::command::{Ctx, run};
use hufu_kernel::error::Kind;
use hufu_kernel::ids::{JobId, SourceId};
use hufu_kernel::jobs::{JobState, Runner, RunnerConfig};

use crate::house::{House, complete, field, house};

fn people_csv(house: &House, text: &str) -> SourceSpec {
    let folder = house.dir.path().join("files");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("dbdx.csv"), text).unwrap();
    spec("csv", &folder)
}

fn spec(kind: &str, path: &Path) -> SourceSpec {
    SourceSpec { name: "救助平台".into(), kind: kind.into(), path: path.display().to_string(), ..SourceSpec::default() }
}

async fn created(house: &House, ctx: &Ctx, spec: SourceSpec) -> SourceId {
    let vault = house.catalog.vault();
    run(house.kernel(), ctx, CreateSource { unit: None, spec, vault }).await.unwrap().output
}

/// Runs the queue until this job has ended.
async fn finished(house: &House, id: &JobId) -> JobState {
    let runner = Runner::start(Arc::clone(house.kernel()), jobs::registry(&house.catalog), RunnerConfig::default());
    for _ in 0..400 {
        let row = hufu_kernel::jobs::find(house.db(), id).await.unwrap();
        if !matches!(row.state, JobState::Queued | JobState::Running) {
            runner.stop().await;
            return row.state;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("job does not end");
}

#[tokio::test]
async fn cat_2_register_test_scan_mount_and_check() {
    let house = house().await;
    let operator = house.person(&house.civil, Role::R6);
    let spec = people_csv(&house, "dxbh,xm,sfzh\n1,王伟,339900202604180074\n2,李娜,339900202604180082\n");
    let probed = house.catalog.probe_unstored(&operator, house.civil.clone(), &spec).await.unwrap();
    assert!(probed.reached(), "{probed:?}");
    let id = created(&house, &operator, spec.clone()).await;
    assert!(house.catalog.probe(&operator, &id).await.unwrap().reached());
    assert_eq!(source::find(house.db(), &id).await.unwrap().reachable, Some(true));
    let job = run(house.kernel(), &operator, StartScan { id: id.clone() }).await.unwrap().output;
    assert_eq!(finished(&house, &job).await, JobState::Done);
    let tables = source_table::of(house.db(), &id).await.unwrap();
    assert_eq!((tables.len(), tables[0].row_count), (1, Some(2)));
    let columns = source_table::columns(house.db(), &id, &tables[0].name).await.unwrap();
    assert_eq!(columns.iter().map(|column| column.name.as_str()).collect::<Vec<_>>(), ["dxbh", "xm", "sfzh"]);

    let steward = house.person(&house.civil, Role::R3);
    let fields = vec![
        field("dxbh", "对象编号", DataType::Integer, "code", "L1"),
        field("xm", "姓名", DataType::Text, "name", "L3"),
        field("jkzk", "健康状况", DataType::Text, "health", "L4"),
    ];
    let row = house.create(&steward, complete("低保对象基本信息"), fields).await.unwrap();
    let unmounted = house.catalog.check(&steward, &row.code).await.unwrap_err();
    assert_eq!(unmounted.code(), "CAT-UNMOUNTED");
    let mount = |table: &str, row: &resource::Model| MountResource {
        key: row.code.clone(),
        version: row.version,
        source: id.clone(),
        table: table.into(),
    };
    assert_eq!(run(house.kernel(), &steward, mount("nope", &row)).await.unwrap_err().kind(), Kind::Invalid);
    let row = run(house.kernel(), &steward, mount(&tables[0].name, &row)).await.unwrap().output;
    assert_eq!(row.row_count, Some(2));

    let first = house.catalog.check(&steward, &row.code).await.unwrap();
    let items = check::items(house.db(), &first.id).await.unwrap();
    let told: Vec<(&str, Problem)> = items.iter().map(|item| (item.field.as_str(), item.problem)).collect();
    assert_eq!(told, [("jkzk", Problem::Missing), ("sfzh", Problem::Extra)]);
    std::fs::write(house.dir.path().join("files/dbdx.csv"), "dxbh,xm,jkzk\n1,王伟,良好\n").unwrap();
    let again = house.catalog.check(&steward, &row.code).await.unwrap();
    assert_eq!((again.result, again.rows_seen), (CheckResult::Consistent, Some(1)));
    std::fs::remove_file(house.dir.path().join("files/dbdx.csv")).unwrap();
    let job = run(house.kernel(), &operator, StartCheck { id: id.clone() }).await.unwrap().output;
    assert_eq!(finished(&house, &job).await, JobState::Done);
    let kept = check::of(house.db(), &row.id, 10).await.unwrap();
    let results: Vec<CheckResult> = kept.iter().map(|check| check.result).collect();
    assert_eq!(results, [CheckResult::Failed, CheckResult::Consistent, CheckResult::Different], "every check is kept");
    assert!(!kept[0].fault.is_empty());
}

#[tokio::test]
async fn cat_2_files_outside_the_data_directories_are_not_read() {
    let house = house().await;
    let operator = house.person(&house.civil, Role::R6);
    for path in ["/etc/passwd", "/etc", "/no/such/place"] {
        let probed = house.catalog.probe_unstored(&operator, house.civil.clone(), &spec("csv", Path::new(path))).await.unwrap();
        assert!(matches!(&probed, Probed::Failed { message, .. } if message.contains("数据目录")), "{probed:?}");
    }
    let sneaky = house.dir.path().join("files/../../../../../../etc");
    let probed = house.catalog.probe_unstored(&operator, house.civil.clone(), &spec("csv", &sneaky)).await.unwrap();
    assert!(!probed.reached());
    let link = house.dir.path().join("link.csv");
    std::os::unix::fs::symlink("/etc/passwd", &link).unwrap();
    let probed = house.catalog.probe_unstored(&operator, house.civil.clone(), &spec("csv", &link)).await.unwrap();
    assert!(!probed.reached(), "links are followed before the path is judged");
}

#[tokio::test]
async fn cat_2_nobody_else_reaches_or_sees_a_source() {
    let house = house().await;
    let spec = people_csv(&house, "a\n1\n");
    let id = created(&house, &house.person(&house.civil, Role::R6), spec.clone()).await;
    for ctx in [house.person(&house.social, Role::R6), house.person(&house.civil, Role::R3), house.person(&house.bureau, Role::R1)] {
        assert_eq!(house.catalog.probe(&ctx, &id).await.unwrap_err().kind(), Kind::Refused);
        let unstored = house.catalog.probe_unstored(&ctx, house.civil.clone(), &spec).await;
        assert_eq!(unstored.unwrap_err().kind(), Kind::Refused);
        assert_eq!(run(house.kernel(), &ctx, StartScan { id: id.clone() }).await.unwrap_err().kind(), Kind::Refused);
    }
}

#[tokio::test]
async fn cat_2_postgres_password_is_sealed_and_wrong_ones_are_told() {
    let house = house().await;
    let server = hufu_test_servers::postgres();
    server.sql("CREATE TABLE IF NOT EXISTS dbdx (dxbh varchar(20) PRIMARY KEY, xm varchar(30), rdrq date, je numeric(10,2))");
    server.sql("DELETE FROM dbdx; INSERT INTO dbdx VALUES ('a', '王伟', '2026-04-18', 900)");
    let operator = house.person(&house.civil, Role::R6);
    let spec = |password: &str| SourceSpec {
        name: "救助库".into(),
        kind: "postgres".into(),
        host: "127.0.0.1".into(),
        port: Some(server.port.into()),
        database: server.database.into(),
        user: server.user.into(),
        password: Some(password.into()),
        ..SourceSpec::default()
    };
    let id = created(&house, &operator, spec("wrong-secret")).await;
    let row = source::find(house.db(), &id).await.unwrap();
    assert!(!row.password.is_empty() && !row.password.contains("wrong-secret"));
    assert!(!format!("{row:?} {:?}", spec("wrong-secret")).contains("wrong-secret"));
    let failed = house.catalog.probe(&operator, &id).await.unwrap();
    let Probed::Failed { message, .. } = &failed else { panic!("{failed:?}") };
    assert!(!message.contains("wrong-secret") && !message.is_empty(), "{message}");
    let edit = EditSource { id: id.clone(), version: row.version, spec: spec(server.password), vault: house.catalog.vault() };
    run(house.kernel(), &operator, edit).await.unwrap();
    let reached = house.catalog.probe(&operator, &id).await.unwrap();
    assert!(reached.reached(), "{reached:?}");
    let tables = house.catalog.tables(&id).await.unwrap();
    let info = tables.into_iter().find(|table| table.name.ends_with("dbdx")).expect("the table is listed");
    let found = house.catalog.inspect(&id, info).await.unwrap();
    assert_eq!(found.row_count, Some(1));
    let types: Vec<&str> = found.columns.iter().map(|column| column.native_type.as_str()).collect();
    assert!(fits(DataType::Text, types[0]) && fits(DataType::Date, types[2]) && fits(DataType::Money, types[3]), "{types:?}");
    let body = house.entries().await;
    assert!(body.len() >= 4, "each test leaves its entry");
}

#[test]
fn cat_2_comparison_tells_missing_extra_and_changed() {
    let column = |name: &str, native: &str| Column { name: name.into(), native_type: native.into() };
    let fields = vec![
        field("id", "编号", DataType::Integer, "", ""),
        field("xm", "姓名", DataType::Text, "", ""),
        field("rq", "日期", DataType::Date, "", ""),
    ];
    let found = compare(&fields, &[column("ID", "bigint"), column("xm", "int(11)"), column("new", "text")]);
    let told: Vec<(&str, Problem)> = found.iter().map(|one| (one.field.as_str(), one.problem)).collect();
    assert_eq!(told, [("xm", Problem::TypeChanged), ("rq", Problem::Missing), ("new", Problem::Extra)]);
}

#[test]
fn cat_2_types_fit_by_family() {
    let check = |promised, native: &str, expected| assert_eq!(fits(promised, native), expected, "{promised} {native}");
    check(DataType::Text, "varchar(18)", true);
    check(DataType::Text, "character varying(30)", true);
    check(DataType::Text, "Utf8", true);
    check(DataType::Text, "integer", false);
    check(DataType::Integer, "int(11)", true);
    check(DataType::Integer, "Int64", true);
    check(DataType::Money, "numeric(10,2)", true);
    check(DataType::Number, "varchar(20)", false);
    check(DataType::Date, "date", true);
    check(DataType::Date, "timestamp without time zone", true);
    check(DataType::DateTime, "date", false);
    check(DataType::Logic, "boolean", true);
    check(DataType::Logic, "tinyint(1)", true);
    check(DataType::General, "anything", true);
    check(DataType::Text, "未标注", true);
}
