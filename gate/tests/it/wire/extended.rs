use futures::TryStreamExt;
use tokio_postgres::types::Type;

use super::city::{ROWS, usual};

#[tokio::test(flavor = "multi_thread")]
async fn sha_5_prepared_statements_take_typed_parameters_and_give_binary_rows() {
    let dir = tempfile::tempdir().unwrap();
    let city = usual(dir.path()).await;
    let client = city.client().await;
    let statement = client
        .prepare("SELECT id, name, id_card, score, active, note FROM people WHERE id = $1 AND name = $2")
        .await
        .unwrap();
    assert_eq!(statement.params(), [Type::INT8, Type::TEXT]);
    let types: Vec<Type> = statement.columns().iter().map(|c| c.type_().clone()).collect();
    assert_eq!(types, [Type::INT8, Type::TEXT, Type::TEXT, Type::FLOAT8, Type::BOOL, Type::TEXT]);
    let row = client.query_one(&statement, &[&4_i64, &"张4"]).await.unwrap();
    assert_eq!((row.get::<_, i64>(0), row.get::<_, &str>(1), row.get::<_, &str>(2)), (4, "张4", "330102************"));
    assert_eq!(
        (row.get::<_, f64>(3), row.get::<_, bool>(4), row.get::<_, Option<&str>>(5)),
        (4.5, true, Some("第4行"))
    );
    assert!(client.query_opt(&statement, &[&4_i64, &"张5"]).await.unwrap().is_none());
    let row = client.query_one("SELECT note FROM people WHERE id = $1", &[&2_i64]).await.unwrap();
    assert_eq!(row.get::<_, Option<&str>>(0), None);
    let error = client.query("SELECT id FROM people WHERE id / ($1 - 4) = 1", &[&4_i64]).await.unwrap_err();
    assert!(!error.to_string().contains("张"));
    let all = client.query("SELECT id FROM people WHERE id > $1", &[&0_i64]).await.unwrap();
    assert_eq!(all.len(), ROWS - 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn sha_3_revocation_bites_statements_that_were_prepared_before() {
    let dir = tempfile::tempdir().unwrap();
    let city = usual(dir.path()).await;
    let mut client = city.client().await;
    let statement = client.prepare("SELECT id FROM people WHERE id < 10").await.unwrap();
    let kept = client.prepare("SELECT id FROM twice WHERE id < 10").await.unwrap();
    assert_eq!(client.query(&statement, &[]).await.unwrap().len(), 9);
    let transaction = client.transaction().await.unwrap();
    let portal = transaction.bind(&statement, &[]).await.unwrap();
    assert_eq!(transaction.query_portal(&portal, 4).await.unwrap().len(), 4);
    city.desk.shut("YS-1");
    let stopped = transaction.query_portal(&portal, 4).await;
    assert_eq!(stopped.unwrap_err().code().unwrap().code(), "42501", "an open portal stops");
    transaction.rollback().await.unwrap();
    let refused = client.query(&statement, &[]).await.unwrap_err();
    assert_eq!(refused.code().unwrap().code(), "42P01", "the table does not exist any more");
    assert_eq!(client.query(&kept, &[]).await.unwrap().len(), 9, "other grants are not touched");
}

#[tokio::test(flavor = "multi_thread")]
async fn sha_5_portals_give_rows_piece_by_piece() {
    let dir = tempfile::tempdir().unwrap();
    let city = usual(dir.path()).await;
    let mut client = city.client().await;
    let transaction = client.transaction().await.unwrap();
    let portal = transaction.bind("SELECT id FROM people ORDER BY id", &[]).await.unwrap();
    let mut got = Vec::new();
    loop {
        let rows = transaction.query_portal(&portal, 700).await.unwrap();
        got.extend(rows.iter().map(|r| r.get::<_, i64>(0) as usize));
        if rows.len() < 700 {
            break;
        }
    }
    assert_eq!(got, (1..ROWS).collect::<Vec<_>>());
    transaction.commit().await.unwrap();
    let copied: Vec<bytes::Bytes> = client
        .copy_out("COPY (SELECT id FROM people WHERE id < 4 ORDER BY id) TO STDOUT")
        .await
        .unwrap()
        .try_collect()
        .await
        .unwrap();
    assert_eq!(copied.concat(), b"1\n2\n3\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn sha_5_refusals_while_preparing_are_recorded() {
    let dir = tempfile::tempdir().unwrap();
    let city = usual(dir.path()).await;
    let client = city.client().await;
    assert_eq!(client.prepare("SELECT secret FROM people").await.unwrap_err().code().unwrap().code(), "42703");
    assert_eq!(client.execute("DELETE FROM people", &[]).await.unwrap_err().code().unwrap().code(), "42501");
    assert_eq!(city.book.refused.lock().unwrap().len(), 2);
    assert_eq!(client.query_one("SELECT 1", &[]).await.unwrap().get::<_, i64>(0), 1, "the connection goes on");
}

#[tokio::test(flavor = "multi_thread")]
async fn ops_3_a_cancel_request_reaches_only_its_own_connection() {
    let dir = tempfile::tempdir().unwrap();
    let city = usual(dir.path()).await;
    let (one, two) = (city.client().await, city.client().await);
    let token = one.cancel_token();
    let endless = tokio::spawn(async move { one.query("SELECT count(*) FROM endless", &[]).await });
    let other = tokio::spawn(async move { two.query("SELECT count(*) FROM people", &[]).await });
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    token.cancel_query(tokio_postgres::NoTls).await.unwrap();
    let stopped = tokio::time::timeout(std::time::Duration::from_secs(3), endless).await.unwrap().unwrap();
    assert_eq!(stopped.unwrap_err().code().unwrap().code(), "57014");
    assert_eq!(other.await.unwrap().unwrap().len(), 1);
}
