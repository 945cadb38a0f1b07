//! Rows under a grant: real file, real gate, real ledger.

use std::time::Duration;

use futures::StreamExt;
use hufu_catalog::store::{field, resource};
use hufu_kernel::audit;
use hufu_kernel::command::run;
use hufu_sharing::commands::{ReduceGrant, Reduction, RevokeGrant};
use hufu_sharing::data::Ask;
use hufu_sharing::model::way::{Way, Ways};
use hufu_sharing::store::rows::access_record::AccessState;
use hufu_sharing::store::rows::{access_record, grant_usage};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};

use crate::town::{Town, code};

const ALL: &str = "SELECT * FROM mzj.db_01";

async fn granted(town: &Town) -> String {
    let mut form = town.form(&[("DB-01", &["xm", "sfzh", "bzlb"])]);
    form.quota.rows_per_day = 100_000;
    form.quota.rows_per_result = 100_000;
    town.granted(form).await.remove(0)
}

async fn last(town: &Town) -> access_record::Model {
    let all = access_record::Entity::find().order_by_desc(access_record::Column::Id);
    all.one(town.kernel.store.reader()).await.unwrap().unwrap()
}

/// The end of an abandoned stream is recorded beside it.
async fn settled(town: &Town) -> access_record::Model {
    for _ in 0..100 {
        let row = last(town).await;
        if row.state != AccessState::Open {
            return row;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    last(town).await
}

#[tokio::test]
async fn sha_4_rows_are_masked_recorded_and_only_granted_fields_exist() {
    let town = Town::found("d809").await;
    let sq = granted(&town).await;
    let answer = town.service.show(&town.ctx("lin"), None, &format!("{ALL} ORDER BY xm LIMIT 3")).await.unwrap();
    let names: Vec<&str> = answer.heads.iter().map(|head| head.name.as_str()).collect();
    assert_eq!((names, answer.rows.len(), answer.cut), (vec!["xm", "sfzh", "bzlb"], 3, false));
    for row in &answer.rows {
        assert!(!row[0].as_ref().unwrap().contains('某'), "{row:?}");
        assert!(!row[1].as_ref().unwrap().contains("1990"), "{row:?}");
    }
    assert_eq!(answer.heads[1].grade.as_deref(), Some("L3"));
    assert!(answer.heads[1].masked);
    let row = last(&town).await;
    assert_eq!((row.state, row.rows_released, row.begin_idx), (AccessState::Done, 3, i64::try_from(answer.index).ok()));
    let begin = audit::Entity::find().filter(audit::Column::Action.eq("gate.query.begin")).one(town.kernel.store.reader()).await.unwrap().unwrap();
    assert!(begin.body.contains(&sq) && begin.body.contains(r#""mask":"#), "LED-3: {}", begin.body);
    assert_eq!(code(town.service.show(&town.ctx("lin"), None, "SELECT lxdh FROM mzj.db_01").await), "GATE-COLUMN");
    assert_eq!(last(&town).await.state, AccessState::Refused);
    assert_eq!(code(town.service.show(&town.ctx("lin2"), None, ALL).await), "GATE-TABLE", "not named in the grant");
    assert_eq!(code(town.service.show(&town.ctx("chen"), None, ALL).await), "HF-REFUSED", "no data user");
}

#[tokio::test]
async fn sha_4_a_predicate_sees_masked_values() {
    let town = Town::found("d809").await;
    granted(&town).await;
    let lin = town.ctx("lin");
    let ask = |sql: &'static str| town.service.show(&lin, None, sql);
    let hit = ask("SELECT count(*) FROM mzj.db_01 WHERE sfzh = '330102199001000001'");
    assert_eq!(hit.await.unwrap().rows[0][0].as_deref(), Some("0"));
    let clear = ask("SELECT count(*) FROM mzj.db_01 WHERE bzlb = '城市低保'");
    assert_eq!(clear.await.unwrap().rows[0][0].as_deref(), Some("10000"));
}

#[tokio::test]
async fn sha_3_revocation_stops_a_running_stream_within_a_second() {
    let town = Town::found("d809").await;
    let sq = granted(&town).await;
    let watching = town.service.start().await.unwrap();
    let mut opened = town.service.read(&town.ctx("lin"), Way::Sql, None, ALL).await.unwrap();
    let first = opened.rows.next().await.unwrap().unwrap().num_rows();
    assert!(first < 20_000);
    let revoke = RevokeGrant { no: sq, reason: "超范围使用".into(), version: None };
    run(&town.kernel, &town.ctx("zhou"), revoke).await.unwrap();
    tokio::time::sleep(Duration::from_millis(900)).await;
    let next = opened.rows.next().await.unwrap();
    assert_eq!(next.unwrap_err().code, "GATE-REVOKED");
    let row = settled(&town).await;
    assert_eq!(row.state, AccessState::Stopped);
    assert!(row.rows_released <= row.rows_reserved && row.rows_released < 20_000, "{row:?}");
    assert_eq!(code(town.service.show(&town.ctx("lin"), None, ALL).await), "GATE-TABLE");
    watching.abort();
}

#[tokio::test]
async fn sha_3_ways_and_quota_hold() {
    let town = Town::found("d809").await;
    let sq = granted(&town).await;
    assert_eq!(code(town.service.read(&town.ctx("lin"), Way::Http, None, ALL).await), "GATE-TABLE", "the way was not granted");
    let less = Reduction { ways: Some(Ways::new([Way::Sql])), ..Reduction::default() };
    let reduce = ReduceGrant { no: sq.clone(), reason: "只用 SQL".into(), version: None, reduction: less };
    run(&town.kernel, &town.ctx("zhou"), reduce).await.unwrap();
    assert_eq!(code(town.service.show(&town.ctx("lin"), None, ALL).await), "GATE-TABLE", "at once, also from the cache");
    let mut opened = town.service.read(&town.ctx("lin"), Way::Sql, None, ALL).await.unwrap();
    let mut rows = 0;
    while let Some(batch) = opened.rows.next().await {
        rows += batch.unwrap().num_rows();
    }
    assert_eq!(rows, 20_000);
    let used = grant_usage::Entity::find().one(town.kernel.store.reader()).await.unwrap().unwrap();
    assert_eq!((used.day, used.rows, used.calls), (20_261_120, 20_000, 1));
}

#[tokio::test]
async fn sha_4_a_page_takes_no_more_than_it_shows() {
    let town = Town::found("d809").await;
    granted(&town).await;
    let answer = town.service.show(&town.ctx("lin"), None, ALL).await.unwrap();
    assert_eq!((answer.rows.len(), answer.cut), (200, true));
    assert_eq!(settled(&town).await.rows_released, 200);
}

#[tokio::test]
async fn sha_3_several_grants_on_one_resource_need_a_choice() {
    let town = Town::found("d809").await;
    let one = granted(&town).await;
    granted(&town).await;
    assert_eq!(code(town.service.show(&town.ctx("lin"), None, ALL).await), "SHA-CHOOSE-GRANT");
    town.service.show(&town.ctx("lin"), Some(&one), ALL).await.unwrap();
    assert_eq!(code(town.service.show(&town.ctx("lin"), Some("SQ-20000101-0001"), ALL).await), "HF-REFUSED");
}

#[tokio::test]
async fn sha_4_a_field_graded_anew_or_unknown_changes_at_once() {
    let town = Town::found("d809").await;
    granted(&town).await;
    let lin = town.ctx("lin");
    let first = |sql: &'static str| town.service.show(&lin, None, sql);
    let before = first("SELECT sfzh FROM mzj.db_01 LIMIT 1").await.unwrap().rows[0][0].clone();
    grade(&town, "sfzh", Some("L4")).await;
    let after = first("SELECT sfzh FROM mzj.db_01 LIMIT 1").await.unwrap().rows[0][0].clone();
    assert_ne!(before, after);
    grade(&town, "sfzh", None).await;
    assert_eq!(code(first("SELECT sfzh FROM mzj.db_01 LIMIT 1").await), "GATE-COLUMN", "unknown denies");
}

async fn grade(town: &Town, name: &str, grade: Option<&str>) {
    let db = town.kernel.store.reader();
    let entry = resource::find_by_key(db, "DB-01").await.unwrap();
    let tx = town.kernel.store.begin().await.unwrap();
    let found = field::Entity::find().filter(field::Column::ResourceId.eq(entry.id.clone())).filter(field::Column::Name.eq(name));
    let mut row = sea_orm::IntoActiveModel::into_active_model(found.one(tx.db()).await.unwrap().unwrap());
    row.grade = sea_orm::Set(grade.map(str::to_owned));
    sea_orm::ActiveModelTrait::update(row, tx.db()).await.unwrap();
    resource::update(tx.db(), &entry, resource::change(), town.clock_now()).await.unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn sha_3_a_row_scope_is_checked_when_written_and_holds() {
    let town = Town::found("d809").await;
    let mut form = town.form(&[("DB-01", &["bzlb"])]);
    form.resources[0].row_scope = "substr(sfzh, 1, 2) = '33'".into();
    assert_eq!(town.submit(form.clone()).await.unwrap_err().fields()[0].field, "row_scope.DB-01");
    form.resources[0].row_scope = "bzlb = '城市低保'".into();
    town.granted(form).await;
    let answer = town.service.show(&town.ctx("lin"), None, "SELECT count(*) FROM mzj.db_01").await.unwrap();
    assert_eq!(answer.rows[0][0].as_deref(), Some("10000"));
}

#[tokio::test]
async fn sha_1_the_approver_counts_the_rows_in_scope() {
    let town = Town::found("d809").await;
    let mut form = town.form(&[("DB-01", &["bzlb"])]);
    form.resources[0].row_scope = "bzlb = '城市低保'".into();
    let no = town.to_provider(form).await;
    let view = hufu_sharing::queries::application(&town.kernel, &town.ctx("shen"), &no).await.unwrap();
    let rows = town.service.preview(&town.ctx("shen"), &view.paper, &view.paper.resources[0]).await.unwrap();
    assert_eq!(rows, 10_000);
    assert_eq!(code(town.service.preview(&town.ctx("lin"), &view.paper, &view.paper.resources[0]).await), "HF-REFUSED");
}

#[tokio::test]
async fn sha_5_one_resource_by_condition_order_and_limit() {
    let town = Town::found("d809").await;
    granted(&town).await;
    let ask = Ask {
        fields: vec!["bzlb".into()],
        condition: Some("bzlb = '城市低保'".into()),
        order: Some("-bzlb".into()),
        limit: Some(5),
    };
    let mut opened = town.service.read_resource(&town.ctx("lin"), Way::Sql, None, "DB-01", &ask).await.unwrap();
    assert_eq!(opened.rows.next().await.unwrap().unwrap().num_rows(), 5);
    let secret = Ask { condition: Some("lxdh = '1'".into()), ..Ask::default() };
    assert_eq!(code(town.service.read_resource(&town.ctx("lin"), Way::Sql, None, "DB-01", &secret).await), "HF-INVALID");
}

#[tokio::test]
async fn led_1_what_a_stop_interrupted_is_closed_as_at_most() {
    let town = Town::found("d809").await;
    granted(&town).await;
    let opened = town.service.read(&town.ctx("lin"), Way::Sql, None, ALL).await.unwrap();
    // The process dies: the stream is neither finished nor dropped.
    std::mem::forget(opened);
    hufu_sharing::recorder::close_interrupted(&town.kernel, town.clock_now()).await.unwrap();
    let row = last(&town).await;
    assert_eq!((row.state, row.code.as_deref()), (AccessState::AtMost, Some("GATE-INTERRUPTED")));
    assert!(row.rows_reserved > 0);
}
