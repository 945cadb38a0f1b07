//! Every column is marked.

use std::collections::{BTreeMap, BTreeSet};

use sea_orm::{ConnectionTrait, Statement};

use crate::house::house;

#[tokio::test]
async fn every_column_is_marked() {
    let house = house().await;
    let text = include_str!("../../columns.toml");
    let marked: BTreeMap<String, BTreeMap<String, String>> = toml::from_str(text).unwrap();
    let sql = "SELECT m.name, c.name FROM sqlite_master m JOIN pragma_table_info(m.name) c WHERE m.name LIKE 'catalog_%' AND m.type = 'table'";
    let rows = house.db().query_all_raw(Statement::from_string(house.db().get_database_backend(), sql)).await.unwrap();
    let there: BTreeSet<(String, String)> =
        rows.iter().map(|row| (row.try_get_by_index(0).unwrap(), row.try_get_by_index(1).unwrap())).collect();
    let told: BTreeSet<(String, String)> =
        marked.iter().flat_map(|(table, columns)| columns.keys().map(|column| (table.clone(), column.clone()))).collect();
    assert!(there.len() > 90, "{}", there.len());
    assert_eq!(there.difference(&told).collect::<Vec<_>>(), Vec::<&(String, String)>::new(), "unmarked");
    assert_eq!(told.difference(&there).collect::<Vec<_>>(), Vec::<&(String, String)>::new(), "marked but absent");
    let words = ["public", "internal", "personal", "secret"];
    assert!(marked.values().flat_map(BTreeMap::values).all(|mark| words.contains(&mark.as_str())));
    assert_eq!(marked["catalog_source"]["password"], "secret");
}
