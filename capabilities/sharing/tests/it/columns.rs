//! Every column of sharing is marked, and only columns that exist are.

use std::collections::{BTreeMap, BTreeSet};

use sea_orm::{ConnectionTrait, Statement};

use crate::town::Town;

#[tokio::test]
async fn every_column_is_marked() {
    let town = Town::found("d809").await;
    let marked: BTreeMap<String, BTreeMap<String, String>> = toml::from_str(include_str!("../../columns.toml")).unwrap();
    for (table, columns) in &marked {
        let db = town.kernel.store.reader();
        let sql = format!("SELECT name FROM pragma_table_info('{table}')");
        let rows = db.query_all_raw(Statement::from_string(db.get_database_backend(), sql)).await.unwrap();
        let real: BTreeSet<String> = rows.iter().map(|row| row.try_get_by_index(0).unwrap()).collect();
        assert_eq!(columns.keys().cloned().collect::<BTreeSet<_>>(), real, "{table}");
        for (column, mark) in columns {
            assert!(["public", "internal", "personal", "secret"].contains(&mark.as_str()), "{table}.{column}: {mark}");
        }
    }
    let created: BTreeSet<&str> = include_str!("../../src/store/schema.rs")
        .lines()
        .filter_map(|line| line.trim().strip_prefix(".table(\"")?.strip_suffix("\")"))
        .collect();
    assert_eq!(created, marked.keys().map(String::as_str).collect::<BTreeSet<_>>());
}
