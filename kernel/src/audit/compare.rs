//! Does the metadata copy say what the log says? Each entry that differs is named.

use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect};

use super::project::{Durable, read_log};
use super::{Column, Entity, Entry, Model, row};
use crate::error::{Error, Result};
use crate::ledger::DirReader;
use crate::store::Store;
use crate::time::Timestamp;

/// Rows compared at a time.
const STEP: u64 = 2000;

/// One difference between copy and log.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Difference {
    /// The log has an entry that the copy lacks.
    Missing { index: u64 },
    /// The copy's bytes are not the leaf's.
    Body { index: u64, id: String },
    /// The bytes agree, and a searchable column of the copy says something else.
    Column { index: u64, id: String, column: &'static str },
    /// The copy knows an entry beyond the end of the log, or under an index that is another's.
    Unknown { id: String, index: u64 },
    /// A committed act whose entry has not reached the log; normal only while the act is under way.
    Unsequenced { id: String, at: Timestamp },
}

impl std::fmt::Display for Difference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Missing { index } => write!(f, "第{index}条：业务库缺少该记录"),
            Self::Body { index, id } => write!(f, "第{index}条（{id}）：业务库内容与账本不一致"),
            Self::Column { index, id, column } => write!(f, "第{index}条（{id}）：业务库字段 {column} 与账本不一致"),
            Self::Unknown { id, index } => write!(f, "第{index}条（{id}）：账本中没有该记录"),
            Self::Unsequenced { id, .. } => write!(f, "{id}：尚未写入账本"),
        }
    }
}

/// Compares the copy with the log's first `size` entries; the log itself must have been verified.
pub async fn compare(store: &Store, reader: &DirReader, size: u64) -> Result<Vec<Difference>> {
    let mut differences = Vec::new();
    let mut start = 0;
    while start < size {
        let end = (start + STEP).min(size);
        let rows = rows_between(store, start, end).await?;
        let mut rows = rows.into_iter().peekable();
        for Durable { idx: index, body } in read_log(reader.clone(), start, end, size).await? {
            match rows.next_if(|row| row.idx.and_then(|idx| u64::try_from(idx).ok()) == Some(index)) {
                Some(row) => differences.extend(difference(index, &row, &body)?),
                None => differences.push(Difference::Missing { index }),
            }
        }
        start = end;
    }
    let beyond = i64::try_from(size).map_err(Error::internal)?;
    for row in Entity::find().filter(Column::Idx.gte(beyond)).all(store.reader()).await? {
        let index = row.idx.and_then(|idx| u64::try_from(idx).ok()).unwrap_or_default();
        differences.push(Difference::Unknown { id: row.id.to_string(), index });
    }
    for row in Entity::find().filter(Column::Idx.is_null()).all(store.reader()).await? {
        differences.push(Difference::Unsequenced { id: row.id.to_string(), at: row.at });
    }
    Ok(differences)
}

/// Number of rows of the copy that bear an index.
pub async fn indexed(store: &Store) -> Result<u64> {
    Ok(Entity::find().filter(Column::Idx.is_not_null()).count(store.reader()).await?)
}

async fn rows_between(store: &Store, start: u64, end: u64) -> Result<Vec<Model>> {
    let number = |index: u64| i64::try_from(index).map_err(Error::internal);
    let found = Entity::find().filter(Column::Idx.gte(number(start)?)).filter(Column::Idx.lt(number(end)?));
    Ok(found.order_by_asc(Column::Idx).limit(STEP).all(store.reader()).await?)
}

fn difference(index: u64, found: &Model, body: &[u8]) -> Result<Option<Difference>> {
    if found.body.as_bytes() != body {
        return Ok(Some(Difference::Body { index, id: found.id.to_string() }));
    }
    let Ok(entry) = serde_json::from_slice::<Entry>(body) else { return Ok(None) };
    let idx = i64::try_from(index).map_err(Error::internal)?;
    let expected = sea_orm::TryIntoModel::<Model>::try_into_model(row(&entry, Some(idx))?)?;
    let column = first_difference(found, &expected);
    Ok(column.map(|column| Difference::Column { index, id: found.id.to_string(), column }))
}

fn first_difference(found: &Model, expected: &Model) -> Option<&'static str> {
    let pairs = [
        ("id", found.id == expected.id),
        ("at", found.at == expected.at),
        ("action", found.action == expected.action),
        ("outcome", found.outcome == expected.outcome),
        ("code", found.code == expected.code),
        ("account", found.account == expected.account),
        ("login", found.login == expected.login),
        ("unit", found.unit == expected.unit),
        ("roles", found.roles == expected.roles),
        ("object_kind", found.object_kind == expected.object_kind),
        ("object_id", found.object_id == expected.object_id),
        ("object_no", found.object_no == expected.object_no),
        ("client", found.client == expected.client),
        ("request", found.request == expected.request),
    ];
    pairs.into_iter().find(|(_, same)| !same).map(|(column, _)| column)
}
