//! The gate's recorder: what is read stands in the ledger before it leaves.
//!
//! A beginning, each extension and the end are entries. Entry, access record and the day's usage are one
//! transaction; the act is durable when the sequencer has acknowledged the entry, and only then do rows leave.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use hufu_gate::record::{Asker, BeginRecord, EndRecord, NotRecorded, Outcome as Ending, RecordHandle, Recorder, RefusedRecord};
use hufu_gate::Redacted;
use hufu_gate::error::Kind;
use hufu_kernel::actor::Actor;
use hufu_kernel::audit::{self, Entry, EntryActor, ObjectRef, Outcome};
use hufu_kernel::command::Kernel;
use hufu_kernel::error::{Error, Result};
use hufu_kernel::ids::{EntryId, GrantId};
use hufu_kernel::time::Timestamp;
use sea_orm::ActiveValue::Set;

use crate::queries::day_of;
use crate::store::access;
use crate::store::rows::access_record::{self, AccessState};

/// Code of an access that the end of the process interrupted.
pub const INTERRUPTED: &str = "GATE-INTERRUPTED";

/// One per process.
#[derive(Debug)]
pub struct LedgerRecorder {
    kernel: Arc<Kernel>,
    running: Mutex<HashMap<u64, Running>>,
}

/// What an access that has begun is remembered by.
#[derive(Clone, Debug)]
struct Running {
    id: String,
    object: ObjectRef,
    actor: EntryActor,
    grants: Vec<GrantId>,
    reserved: i64,
    /// The day on which its rows count.
    day: i32,
    client: String,
    request: String,
}

impl LedgerRecorder {
    pub fn new(kernel: Arc<Kernel>) -> Self {
        Self { kernel, running: Mutex::default() }
    }

    async fn begun(&self, record: BeginRecord) -> Result<RecordHandle> {
        let actor = self.actor(&record.asker).await?;
        let numbers: Vec<String> = record.tables.iter().map(|table| table.grant.clone()).collect();
        let grants = access::grant_ids(self.kernel.store.reader(), &numbers).await?;
        let at = Timestamp::from_millis(record.asker.at.timestamp_millis());
        let id = EntryId::generate().to_string();
        let running = Running {
            object: ObjectRef::new("access", &id, numbers.first().cloned().unwrap_or_default()),
            actor: EntryActor::from(&actor),
            reserved: signed(record.reserved),
            day: day_of(at),
            client: record.asker.client.clone(),
            request: record.asker.request_id.clone(),
            grants,
            id,
        };
        let entry = running.entry("gate.query.begin", at, Outcome::Done, None, begin_detail(&record));
        let row = row(&running, &actor, &record.asker, at, &record.statement, AccessState::Open);
        let tx = self.kernel.store.begin().await?;
        access::insert(tx.db(), row, &running.grants).await?;
        access::count(tx.db(), &running.grants, running.day, running.reserved, 1).await?;
        audit::write(tx.db(), &entry).await?;
        tx.commit().await?;
        let index = self.kernel.sequencer.append(entry.body()?).await?;
        self.lock().insert(index, running);
        Ok(RecordHandle { index })
    }

    async fn extended(&self, handle: &RecordHandle, reserved: u64) -> Result<()> {
        let running = self.find(handle)?;
        let reserved = signed(reserved);
        let detail = serde_json::json!({ "begin": handle.index, "reserved": reserved });
        let entry = running.entry("gate.query.extend", self.kernel.clock.now(), Outcome::Done, None, detail);
        let change = access_record::ActiveModel { rows_reserved: Set(reserved), ..Default::default() };
        let tx = self.kernel.store.begin().await?;
        access::update(tx.db(), &running.id, change).await?;
        access::count(tx.db(), &running.grants, running.day, reserved - running.reserved, 0).await?;
        audit::write(tx.db(), &entry).await?;
        tx.commit().await?;
        self.kernel.sequencer.append(entry.body()?).await?;
        if let Some(kept) = self.lock().get_mut(&handle.index) {
            kept.reserved = reserved;
        }
        Ok(())
    }

    async fn ended(&self, handle: &RecordHandle, record: EndRecord) -> Result<()> {
        let running = self.find(handle)?;
        let (state, outcome, code) = ending(record.outcome);
        let rows = signed(record.rows);
        let duration_ms = i64::try_from(record.duration.as_millis()).unwrap_or(i64::MAX);
        let detail = serde_json::json!({
            "begin": handle.index, "rows": rows, "bytes": record.bytes, "duration_ms": duration_ms, "digest": record.digest,
        });
        let entry = running.entry("gate.query.end", self.kernel.clock.now(), outcome, code, detail);
        let change = access_record::ActiveModel {
            state: Set(state),
            code: Set(code.map(str::to_owned)),
            rows_released: Set(rows),
            bytes: Set(signed(record.bytes)),
            duration_ms: Set(duration_ms),
            result_digest: Set(Some(record.digest)),
            begin_idx: Set(Some(signed(handle.index))),
            ..Default::default()
        };
        let tx = self.kernel.store.begin().await?;
        access::update(tx.db(), &running.id, change).await?;
        access::count(tx.db(), &running.grants, running.day, rows - running.reserved, 0).await?;
        audit::write(tx.db(), &entry).await?;
        tx.commit().await?;
        self.kernel.sequencer.append(entry.body()?).await?;
        self.lock().remove(&handle.index);
        Ok(())
    }

    async fn was_refused(&self, record: RefusedRecord) -> Result<()> {
        let actor = self.actor(&record.asker).await?;
        let at = Timestamp::from_millis(record.asker.at.timestamp_millis());
        let id = EntryId::generate().to_string();
        let running = Running {
            object: ObjectRef::new("access", &id, ""),
            actor: EntryActor::from(&actor),
            grants: Vec::new(),
            reserved: 0,
            day: day_of(at),
            client: record.asker.client.clone(),
            request: record.asker.request_id.clone(),
            id,
        };
        let detail = serde_json::json!({ "statement": record.statement.text, "digest": record.statement.digest });
        let entry = running.entry("gate.query.refused", at, Outcome::Refused, Some(record.code), detail);
        let mut row = row(&running, &actor, &record.asker, at, &record.statement, AccessState::Refused);
        row.code = Some(record.code.to_owned());
        let tx = self.kernel.store.begin().await?;
        access::insert(tx.db(), row, &[]).await?;
        audit::write(tx.db(), &entry).await?;
        tx.commit().await?;
        self.kernel.sequencer.append(entry.body()?).await?;
        Ok(())
    }

    async fn actor(&self, asker: &Asker) -> Result<Actor> {
        let db = self.kernel.store.reader();
        let account = hufu_identity::store::account::find_by_login(db, &asker.principal).await?;
        let account = account.ok_or_else(|| Error::not_found("账号"))?;
        hufu_identity::store::account::actor(db, &account).await
    }

    fn find(&self, handle: &RecordHandle) -> Result<Running> {
        self.lock().get(&handle.index).cloned().ok_or_else(|| Error::internal("no access begins at this entry"))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<u64, Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Recorder for LedgerRecorder {
    async fn begin(&self, record: BeginRecord) -> Result<RecordHandle, NotRecorded> {
        self.begun(record).await.map_err(not_recorded)
    }

    async fn extend(&self, handle: &RecordHandle, reserved: u64) -> Result<(), NotRecorded> {
        self.extended(handle, reserved).await.map_err(not_recorded)
    }

    async fn end(&self, handle: &RecordHandle, record: EndRecord) -> Result<(), NotRecorded> {
        self.ended(handle, record).await.map_err(not_recorded)
    }

    async fn refused(&self, record: RefusedRecord) -> Result<(), NotRecorded> {
        self.was_refused(record).await.map_err(not_recorded)
    }
}

/// Closes what an earlier process left open: nobody knows how many rows left, only that it were at most
/// those reserved. To be called once, before the gate opens.
pub async fn close_interrupted(kernel: &Kernel, now: Timestamp) -> Result<usize> {
    let open = access::open(kernel.store.reader()).await?;
    for row in &open {
        let detail = serde_json::json!({ "at_most": row.rows_reserved });
        let entry = Entry {
            id: EntryId::generate(),
            at: now,
            action: "gate.query.interrupted".to_owned(),
            outcome: Outcome::Failed,
            code: Some(INTERRUPTED.to_owned()),
            actor: None,
            object: ObjectRef::new("access", &row.id, ""),
            client: "local".to_owned(),
            request: row.request.clone(),
            detail,
        };
        let change = access_record::ActiveModel {
            state: Set(AccessState::AtMost),
            code: Set(Some(INTERRUPTED.to_owned())),
            rows_released: Set(row.rows_reserved),
            ..Default::default()
        };
        let tx = kernel.store.begin().await?;
        access::update(tx.db(), &row.id, change).await?;
        audit::write(tx.db(), &entry).await?;
        tx.commit().await?;
        kernel.sequencer.append(entry.body()?).await?;
    }
    Ok(open.len())
}

impl Running {
    fn entry(&self, action: &str, at: Timestamp, outcome: Outcome, code: Option<&str>, detail: serde_json::Value) -> Entry {
        Entry {
            id: EntryId::generate(),
            at,
            action: action.to_owned(),
            outcome,
            code: code.map(str::to_owned),
            actor: Some(self.actor.clone()),
            object: self.object.clone(),
            client: self.client.clone(),
            request: self.request.clone(),
            detail,
        }
    }
}

/// Who reads what, for what, under which masks (LED-3). Statements come without literals.
fn begin_detail(record: &BeginRecord) -> serde_json::Value {
    let tables: Vec<serde_json::Value> = record
        .tables
        .iter()
        .map(|table| {
            let fields: Vec<serde_json::Value> = table
                .fields
                .iter()
                .map(|field| serde_json::json!({ "name": field.name, "grade": field.grade, "mask": field.mask }))
                .collect();
            serde_json::json!({
                "grant": table.grant, "schema": table.schema, "table": table.table, "purpose": table.purpose,
                "basis": table.basis, "scoped": table.scoped, "fields": fields,
            })
        })
        .collect();
    serde_json::json!({
        "way": way_code(record.asker.way), "statement": record.statement.text, "digest": record.statement.digest,
        "tables": tables, "reserved": record.reserved,
    })
}

fn row(running: &Running, actor: &Actor, asker: &Asker, at: Timestamp, statement: &Redacted, state: AccessState) -> access_record::Model {
    access_record::Model {
        id: running.id.clone(),
        at,
        account: actor.account.clone(),
        login: actor.login.clone(),
        unit_id: actor.unit.id.clone(),
        way: way_code(asker.way).to_owned(),
        statement: statement.text.clone(),
        digest: statement.digest.clone(),
        state,
        code: None,
        rows_reserved: running.reserved,
        rows_released: 0,
        bytes: 0,
        duration_ms: 0,
        result_digest: None,
        begin_idx: None,
        client: asker.client.clone(),
        request: asker.request_id.clone(),
    }
}

fn ending(outcome: Ending) -> (AccessState, Outcome, Option<&'static str>) {
    match outcome {
        Ending::Complete => (AccessState::Done, Outcome::Done, None),
        Ending::Abandoned => (AccessState::Stopped, Outcome::Done, Some("GATE-ABANDONED")),
        Ending::Failed { kind: Kind::Stopped | Kind::Quota, code } => (AccessState::Stopped, Outcome::Refused, Some(code)),
        Ending::Failed { kind: Kind::Refused | Kind::Invalid | Kind::Source | Kind::Record | Kind::Internal, code } => {
            (AccessState::Failed, Outcome::Failed, Some(code))
        }
    }
}

fn way_code(way: hufu_gate::mandate::Way) -> &'static str {
    use hufu_gate::mandate::Way as W;
    match way {
        W::Sql => "sql",
        W::Page => "page",
        W::Http => "http",
        W::Export => "export",
    }
}

fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn not_recorded(error: Error) -> NotRecorded {
    tracing::error!(code = error.code(), cause = error.cause().map(ToString::to_string), "an access cannot be recorded");
    NotRecorded(error.code().to_owned())
}
