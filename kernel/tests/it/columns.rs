//! Each metadata column is marked; a new one without a mark, or a mark without a column, fails.

use std::collections::{BTreeMap, BTreeSet};

use hufu_kernel::store::Store;
use sea_orm::{ConnectionTrait, Statement};

#[tokio::test]
async fn every_column_is_marked() {
    let marks: BTreeMap<String, BTreeMap<String, String>> = toml::from_str(include_str!("../../columns.toml")).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open_embedded(dir.path()).await.unwrap();
    store.migrate(&hufu_kernel::schema::migrations()).await.unwrap();
    let sql = "SELECT m.name AS t, c.name AS c FROM sqlite_master m, pragma_table_info(m.name) c \
               WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%'";
    let found = store.reader().query_all_raw(Statement::from_string(store.backend(), sql)).await.unwrap();
    let columns: BTreeSet<(String, String)> =
        found.iter().map(|row| (row.try_get("", "t").unwrap(), row.try_get("", "c").unwrap())).collect();
    let marked: BTreeSet<(String, String)> = marks
        .iter()
        .flat_map(|(table, columns)| columns.keys().map(|column| (table.clone(), column.clone())))
        .collect();
    assert!(columns.len() > 100, "only {} columns were read", columns.len());
    assert_eq!(marked, columns, "columns.toml and the schema differ");
    for (table, columns) in &marks {
        for (column, mark) in columns {
            assert!(["public", "internal", "personal", "secret"].contains(&mark.as_str()), "{table}.{column}: {mark}");
        }
    }
}
