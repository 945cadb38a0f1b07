//! A port on which two invented people may log in, over a small SQLite source.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, TimeZone, Utc};
use hufu_gate::error::{Error, Kind, Result};
use hufu_gate::mandate::{FieldMandate, GrantState, Mandate, Quota, TableMandate, Way};
use hufu_gate::record::{BeginRecord, EndRecord, NotRecorded, RecordHandle, Recorder, RefusedRecord};
use hufu_gate::source::Source;
use hufu_gate::wire::{Front, ScramVerifier, Session, WireConfig, serve};
use hufu_gate::{Gate, GateConfig};
use hufu_mask::Mask;
use hufu_test_servers as servers;
use tokio::net::TcpListener;
use tokio::sync::watch;

pub(super) const PASSWORD: &str = "令牌-Token-1";
pub(super) const UNIT: &str = "3301020001";
pub(super) const ROWS: usize = 3_000;

/// Keeps what the gate asks to be recorded; everything is durable at once.
#[derive(Debug, Default)]
pub(super) struct Book {
    pub begun: Mutex<Vec<BeginRecord>>,
    pub ended: Mutex<Vec<EndRecord>>,
    pub refused: Mutex<Vec<RefusedRecord>>,
}

#[async_trait]
impl Recorder for Book {
    async fn begin(&self, record: BeginRecord) -> Result<RecordHandle, NotRecorded> {
        let mut begun = self.begun.lock().unwrap();
        begun.push(record);
        Ok(RecordHandle { index: begun.len() as u64 })
    }

    async fn extend(&self, _handle: &RecordHandle, _reserved: u64) -> Result<(), NotRecorded> {
        Ok(())
    }

    async fn end(&self, _handle: &RecordHandle, record: EndRecord) -> Result<(), NotRecorded> {
        self.ended.lock().unwrap().push(record);
        Ok(())
    }

    async fn refused(&self, record: RefusedRecord) -> Result<(), NotRecorded> {
        self.refused.lock().unwrap().push(record);
        Ok(())
    }
}

pub(super) struct City {
    pub address: SocketAddr,
    pub book: Arc<Book>,
    pub desk: Arc<Desk>,
    served: tokio::task::JoinHandle<()>,
}

impl Drop for City {
    fn drop(&mut self) {
        self.served.abort();
    }
}

/// Who may log in, and the grants.
pub(super) struct Desk {
    users: HashMap<String, ScramVerifier>,
    /// The user store does not answer.
    pub broken: AtomicBool,
    tables: Vec<(TableMandate, watch::Sender<GrantState>)>,
}

impl Desk {
    pub(super) fn shut(&self, grant: &str) {
        for (table, state) in &self.tables {
            if table.grant == grant {
                state.send_replace(GrantState::Shut);
            }
        }
    }
}

#[async_trait]
impl Front for Desk {
    async fn verifier(&self, user: &str) -> Option<ScramVerifier> {
        self.users.get(user).cloned()
    }

    async fn session(&self, user: &str, client: SocketAddr) -> Result<Arc<dyn Session>> {
        if self.broken.load(Ordering::SeqCst) {
            return Err(Error::new(Kind::Internal, "STORE", "用户库暂时不可用"));
        }
        let tables = self.tables.iter().map(|(t, s)| (t.clone(), s.subscribe())).collect();
        Ok(Arc::new(Seat { user: user.to_owned(), client, tables }))
    }
}

struct Seat {
    user: String,
    client: SocketAddr,
    tables: Vec<(TableMandate, watch::Receiver<GrantState>)>,
}

#[async_trait]
impl Session for Seat {
    async fn mandate(&self, way: Way, choice: Option<&str>) -> Result<Mandate> {
        if let Some(choice) = choice
            && !self.tables.iter().any(|(t, _)| t.grant == choice)
        {
            return Err(Error::new(Kind::Refused, "GRANT-UNKNOWN", format!("没有授权 {choice}")));
        }
        let open = |state: &watch::Receiver<GrantState>| *state.borrow() == GrantState::Open;
        let wanted = |t: &TableMandate| {
            choice.is_none_or(|c| t.name != "twice" || t.grant == c) && (choice.is_some() || t.grant != "YS-3")
        };
        let tables = self.tables.iter().filter(|(t, s)| open(s) && wanted(t));
        Ok(Mandate {
            principal: self.user.clone(),
            unit: UNIT.into(),
            way,
            tables: tables.map(|(t, s)| TableMandate { state: s.clone(), ..t.clone() }).collect(),
            request_id: "req-1".into(),
            client: self.client.to_string(),
        })
    }
}

pub(super) fn now() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 11, 21, 4, 0, 0).unwrap()
}

fn field(name: &str, comment: &str, mask: Mask) -> FieldMandate {
    FieldMandate { name: name.into(), comment: comment.into(), grade: "L3".into(), mask }
}

pub(super) fn table(grant: &str, name: &str, source: &Arc<dyn Source>) -> TableMandate {
    let hidden = Mask::Keep { head: 6, tail: 0, fill: '*' };
    let clear = ["id", "name", "born", "seen", "amount", "score", "active", "note"];
    let mut fields: Vec<FieldMandate> = clear.iter().map(|n| field(n, "", Mask::Clear)).collect();
    fields.insert(2, field("id_card", "身份证号", hidden));
    TableMandate {
        grant: grant.into(),
        schema: UNIT.into(),
        name: name.into(),
        comment: "涉疫人员".into(),
        source: Arc::clone(source),
        source_table: "people".into(),
        fields,
        row_filter: Some("name <> '不可见'".into()),
        purpose: format!("核验 {grant}"),
        basis: "条例第二十条".into(),
        quota: Quota { rows_left_today: 100_000_000, calls_per_minute: 100_000, rows_per_result: 100_000_000 },
        until: now() + chrono::Duration::days(30),
        state: watch::Sender::new(GrantState::Open).subscribe(),
    }
}

pub(super) fn id_card(i: usize) -> String {
    format!("330102{:012}", 199_001_010_000 + i)
}

/// A person per row; the last one is outside every grant.
pub(super) fn insert(is_true: &str, is_false: &str) -> String {
    let row = |i: usize| {
        let name = if i == ROWS { "不可见".to_owned() } else { format!("张{i}") };
        let note = match i {
            1 => "'tab\there, \"quote\", back\\slash\nline'".to_owned(),
            2 => "NULL".to_owned(),
            3 => "''".to_owned(),
            _ => format!("'第{i}行'"),
        };
        let active = if i % 2 == 0 { is_true } else { is_false };
        format!(
            "({i}, '{name}', '{}', '1990-01-{:02}', '2022-03-05 08:09:10.5', {}.25, {}.5, {active}, {note})",
            id_card(i),
            i % 28 + 1,
            i,
            i
        )
    };
    let rows: Vec<String> = (1..=ROWS).map(row).collect();
    format!("INSERT INTO people VALUES {};", rows.join(",\n"))
}

pub(super) fn sqlite(dir: &std::path::Path) -> Arc<dyn Source> {
    let path = dir.join("people.db");
    let db = rusqlite::Connection::open(&path).unwrap();
    db.execute_batch(&format!(
        "CREATE TABLE people (id INTEGER, name TEXT, id_card TEXT, born DATE, seen DATETIME, amount DECIMAL(12,2), score REAL, active BOOLEAN, note TEXT); {}
         CREATE VIEW endless AS WITH RECURSIVE n(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n) SELECT id FROM n;",
        insert("1", "0")
    ))
    .unwrap();
    crate::sources::files(hufu_gate::source::SourceKind::Sqlite, &path)
}

pub(super) async fn city(tables: Vec<TableMandate>) -> City {
    city_with(tables, None, GateConfig { parallelism: 2, ..GateConfig::default() }).await
}

pub(super) async fn city_with(
    tables: Vec<TableMandate>,
    tls: Option<Arc<tokio_rustls::rustls::ServerConfig>>,
    config: GateConfig,
) -> City {
    let book = Arc::new(Book::default());
    let gate = Gate::new(&config, Arc::clone(&book) as _, Arc::new(now), b"salt").unwrap();
    let verifier = ScramVerifier::from_password(PASSWORD, b"0123456789abcdef");
    let users = ["li.na", "wang.wei"].map(|user| (user.to_owned(), verifier.clone()));
    let tables = tables.into_iter().map(|t| (t, watch::Sender::new(GrantState::Open))).collect();
    let desk = Arc::new(Desk { users: users.into(), broken: AtomicBool::new(false), tables });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let wire = WireConfig { tls, connections_max: 50, decoy_secret: b"decoy".to_vec() };
    let served = tokio::spawn(serve(listener, wire, Arc::new(gate), Arc::clone(&desk) as _));
    City { address, book, desk, served }
}

/// The usual city: `people` twice, and a view without end.
pub(super) async fn usual(dir: &std::path::Path) -> City {
    let source = sqlite(dir);
    let people = table("YS-1", "people", &source);
    let first = TableMandate { name: "twice".into(), ..table("YS-2", "twice", &source) };
    let second = TableMandate { fields: vec![field("id", "", Mask::Clear)], ..table("YS-3", "twice", &source) };
    let endless = TableMandate {
        source_table: "endless".into(),
        fields: vec![field("id", "编号", Mask::Clear)],
        row_filter: None,
        ..table("YS-4", "endless", &source)
    };
    city(vec![people, first, second, endless]).await
}

impl City {
    /// Runs psql with the given arguments; a colour or a pager would only disturb.
    pub(super) async fn psql(&self, user: &str, password: &str, arguments: &[&str]) -> Output {
        self.psql_over("disable", user, password, arguments).await
    }

    pub(super) async fn psql_over(&self, ssl: &str, user: &str, password: &str, arguments: &[&str]) -> Output {
        let mut command = Command::new(servers::psql());
        command.args(["-X", "-v", "ON_ERROR_STOP=1", "-v", "VERBOSITY=verbose", "-P", "pager=off"]).args(arguments);
        let connection = format!("host=127.0.0.1 port={} user={user} dbname=hufu sslmode={ssl}", self.address.port());
        command.args(["-d", &connection]).env("PGPASSWORD", password).env("PGCLIENTENCODING", "UTF8");
        let run = tokio::task::spawn_blocking(move || command.output().unwrap());
        tokio::time::timeout(Duration::from_secs(60), run).await.expect("psql ends").unwrap()
    }

    /// What psql prints for one statement, unaligned.
    pub(super) async fn ask(&self, sql: &str) -> String {
        let output = self.psql("li.na", PASSWORD, &["-A", "-t", "-c", sql]).await;
        assert!(output.status.success(), "{sql}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// What psql says to a statement that fails.
    pub(super) async fn refusal(&self, sql: &str) -> String {
        let output = self.psql("li.na", PASSWORD, &["-A", "-t", "-c", sql]).await;
        assert!(!output.status.success(), "{sql} gave {}", String::from_utf8_lossy(&output.stdout));
        String::from_utf8(output.stderr).unwrap()
    }

    pub(super) async fn client(&self) -> tokio_postgres::Client {
        let mut config = tokio_postgres::Config::new();
        config.host("127.0.0.1").port(self.address.port()).user("li.na").password(PASSWORD).dbname("hufu");
        let (client, connection) = config.connect(tokio_postgres::NoTls).await.unwrap();
        tokio::spawn(connection);
        client
    }
}
