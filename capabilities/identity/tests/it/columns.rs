//! Invariant 4: every column of this capability is marked, and every mark has its column.

use std::collections::BTreeSet;

use hufu_identity::SecondFactors::OffForDemo;
use sea_orm::{ConnectionTrait, Statement};

use crate::house::empty;

const MARKS: &str = include_str!("../../columns.toml");
const TABLES: [&str; 10] = [
    "account",
    "account_role",
    "act_reason",
    "api_token",
    "former_password",
    "login_guard",
    "login_record",
    "login_session",
    "role_change",
    "unit_profile",
];

#[tokio::test]
async fn every_column_is_marked() {
    let (identity, _, _dir) = empty(OffForDemo).await;
    let marks: toml::Table = MARKS.parse().unwrap();
    assert_eq!(marks.keys().map(String::as_str).collect::<BTreeSet<_>>(), TABLES.into_iter().collect());
    let db = identity.kernel.store.reader();
    for table in TABLES {
        let sql = format!("SELECT name FROM pragma_table_info('{table}')");
        let rows = db.query_all_raw(Statement::from_string(db.get_database_backend(), sql)).await.unwrap();
        let found: BTreeSet<String> = rows.iter().map(|row| row.try_get::<String>("", "name").unwrap()).collect();
        let marked: BTreeSet<String> = marks[table].as_table().unwrap().keys().cloned().collect();
        assert_eq!(found, marked, "{table}");
        for (column, mark) in marks[table].as_table().unwrap() {
            let known = ["public", "internal", "personal", "secret"];
            assert!(known.contains(&mark.as_str().unwrap()), "{table}.{column}");
        }
    }
}
