//! Store and ledger agree after any stop: every committed act has exactly one entry, every command's entry its act.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use hufu_crypto::{Algorithm, SigningKey};
use hufu_kernel::actor::UnitLevel;
use hufu_kernel::audit::{self, ActionNames, Difference, Entry, ObjectRef, Outcome};
use hufu_kernel::command::{Applied, Command, Ctx, Loaded, run};
use hufu_kernel::error::Result;
use hufu_kernel::facts::{Desk, Facts};
use hufu_kernel::house::{House, HouseConfig};
use hufu_kernel::ids::EntryId;
use hufu_kernel::ledger::SequencerConfig;
use hufu_kernel::policy::Resource;
use hufu_kernel::rules::Rules;
use hufu_kernel::store::{Store, Tx};
use hufu_kernel::time::{SystemClock, Timestamp};
use hufu_kernel::unit::{self, NewUnit, UnitKind};
use hufu_ledger::{NoteSigner, Origin};
use sea_orm::{ConnectionTrait, EntityTrait};

/// Each makes one unit of a number: the act that must have its entry.
struct Make(u64);

#[async_trait]
impl Command for Make {
    const ACTION: &'static str = "test.make";
    type Subject = ();
    type Output = ();

    async fn load(&self, _: &Tx, _: &Ctx) -> Result<Loaded<()>> {
        let object = ObjectRef::new("unit", self.0, format!("U-{}", self.0));
        Ok(Loaded { subject: (), resource: Resource::new("Thing", "t"), object })
    }

    async fn apply(self, tx: &Tx, _: &Ctx, (): ()) -> Result<Applied<()>> {
        let new = NewUnit {
            code: format!("U-{}", self.0),
            name: "单位".into(),
            kind: UnitKind::Department,
            level: UnitLevel::City,
            parent: None,
            sort: 0,
        };
        unit::insert(tx.db(), new).await?;
        Ok(Applied::new(()))
    }

    fn by_system(&self) -> bool {
        true
    }
}

pub fn config(dir: &Path) -> HouseConfig {
    let origin = Origin::parse("hufu.test/ledger").unwrap();
    HouseConfig {
        directory: dir.to_owned(),
        database: None,
        ledger: None,
        signers: vec![NoteSigner::new(&origin, SigningKey::from_hex(Algorithm::Ed25519, &"07".repeat(32)).unwrap())],
        origin,
        sequencer: SequencerConfig::default(),
        clock: Arc::new(SystemClock),
        rules: Rules::embedded().unwrap(),
        policies: Vec::new(),
        migrations: Vec::new(),
        names: ActionNames::new(),
        facts: Facts::new(),
        desk: Desk::default(),
    }
}

fn system() -> Ctx {
    Ctx::system(Timestamp::from_millis(1), "r")
}

async fn log_of(house: &House) -> Vec<Entry> {
    let size = house.ledger.checkpoint().await.unwrap().size;
    let reader = house.ledger.reader().clone();
    let found = hufu_ledger::entries(&reader, hufu_ledger::Index(0), size);
    found.map(|entry| serde_json::from_slice(entry.unwrap().1.body()).unwrap()).collect()
}

async fn projected(house: &House, count: u64) {
    for _ in 0..400 {
        if house.size().await.unwrap() >= count {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("only {} of {count} entries are in the copy", house.size().await.unwrap());
}

/// Acts and entries, one to one; and the copy says what the log says.
async fn check(house: &House) -> usize {
    let mut entries: BTreeMap<String, usize> = BTreeMap::new();
    for entry in log_of(house).await {
        if entry.action == "test.make" && entry.outcome == Outcome::Done {
            *entries.entry(entry.object.no).or_default() += 1;
        }
    }
    let acts = unit::all(house.kernel.store.reader()).await.unwrap();
    let expected: BTreeMap<String, usize> = acts.iter().map(|act| (act.code.clone(), 1)).collect();
    assert_eq!(entries, expected, "every act one entry, every entry its act");
    let found = house.verify().await.unwrap();
    assert!(found.is_sound(), "{found:?}");
    acts.len()
}

#[tokio::test(flavor = "multi_thread")]
async fn led_1_entry_is_in_log_and_copy_with_its_index() {
    let dir = tempfile::tempdir().unwrap();
    let house = House::open(config(dir.path())).await.unwrap();
    let first = run(&house.kernel, &system(), Make(1)).await.unwrap();
    let second = run(&house.kernel, &system(), Make(2)).await.unwrap();
    assert_eq!((first.ledger_index, second.ledger_index), (0, 1));
    projected(&house, 2).await;
    let rows = audit::of_object(house.kernel.store.reader(), "unit", "2", 10).await.unwrap();
    assert_eq!(rows.iter().map(|row| row.idx).collect::<Vec<_>>(), [Some(1)]);
    assert_eq!(check(&house).await, 2);
    assert_eq!(house.verified().unwrap().upto, 2);
    house.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn led_3_access_goes_to_the_log_first_and_is_projected_also_after_a_stop() {
    let dir = tempfile::tempdir().unwrap();
    let entry = |no: &str| Entry {
        id: EntryId::generate(),
        at: Timestamp::from_millis(5),
        action: "gate.query.begin".into(),
        outcome: Outcome::Done,
        code: None,
        actor: None,
        object: ObjectRef::new("grant", no, no),
        client: "127.0.0.1".into(),
        request: "r".into(),
        detail: serde_json::json!({ "rows": 3 }),
    };
    let house = House::open(config(dir.path())).await.unwrap();
    assert_eq!(audit::record(&house.kernel, &entry("YS-1")).await.unwrap(), 0);
    projected(&house, 1).await;
    house.shutdown().await.unwrap();
    // The projector has ended: what is recorded now only the log knows.
    assert_eq!(audit::record(&house.kernel, &entry("YS-2")).await.unwrap(), 1);
    assert_eq!(house.size().await.unwrap(), 1);
    drop(house);
    let house = reopen(dir.path()).await;
    assert_eq!((house.recovery.projected, house.recovery.appended), (1, 0));
    let query = audit::EntryQuery { action: Some("gate.".into()), size: 10, ..Default::default() };
    let (rows, total) = audit::page(house.kernel.store.reader(), &query).await.unwrap();
    assert_eq!((total, rows[0].object_no.as_str(), rows[0].idx), (2, "YS-2", Some(1)));
    assert_eq!(check(&house).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn ops_3_act_without_entry_gets_it_at_the_next_start_and_once_only() {
    let dir = tempfile::tempdir().unwrap();
    let house = House::open(config(dir.path())).await.unwrap();
    run(&house.kernel, &system(), Make(1)).await.unwrap();
    projected(&house, 1).await;
    house.shutdown().await.unwrap();
    // After the projector's end: in the log, without an index in the copy.
    run(&house.kernel, &system(), Make(2)).await.unwrap();
    drop(house);
    // Committed by a process that died before it could append.
    let store = Store::open_embedded(dir.path()).await.unwrap();
    let tx = store.begin().await.unwrap();
    let loaded = Make(3).load(&tx, &system()).await.unwrap();
    Make(3).apply(&tx, &system(), ()).await.unwrap();
    let entry = Entry {
        id: EntryId::generate(),
        at: Timestamp::from_millis(1),
        action: "test.make".into(),
        outcome: Outcome::Done,
        code: None,
        actor: None,
        object: loaded.object,
        client: "local".into(),
        request: "r".into(),
        detail: serde_json::Value::Null,
    };
    audit::write(tx.db(), &entry).await.unwrap();
    tx.commit().await.unwrap();
    drop(store);
    let house = reopen(dir.path()).await;
    assert_eq!((house.recovery.projected, house.recovery.appended), (1, 1));
    assert_eq!(check(&house).await, 3);
    house.shutdown().await.unwrap();
    drop(house);
    let house = reopen(dir.path()).await;
    assert_eq!((house.recovery.projected, house.recovery.appended), (0, 0), "nothing is left to repair");
    assert_eq!(check(&house).await, 3);
}

/// The ledger's lock goes with its last owner, which may be a task that is just ending.
async fn reopen(dir: &Path) -> Arc<House> {
    for _ in 0..100 {
        if let Ok(house) = House::open(config(dir)).await {
            return house;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    House::open(config(dir)).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn led_1_caller_who_leaves_half_way_leaves_no_act_without_entry() {
    let dir = tempfile::tempdir().unwrap();
    let house = House::open(config(dir.path())).await.unwrap();
    let mut left = 0;
    for number in 0..150_u64 {
        // A browser that closes its connection at any moment between begin and acknowledgement.
        let patience = Duration::from_micros(number * 100);
        let done = tokio::time::timeout(patience, run(&house.kernel, &system(), Make(number))).await;
        left += u64::from(done.is_err());
    }
    let acts = unit::all(house.kernel.store.reader()).await.unwrap().len() as u64;
    projected(&house, acts).await;
    assert_eq!(check(&house).await as u64, acts, "without any restart");
    assert!(left > 10, "only {left} left");
    house.shutdown().await.unwrap();
}

#[derive(Debug)]
struct Broken {
    stopped: std::sync::atomic::AtomicBool,
}

#[async_trait]
impl audit::Sequencer for Broken {
    async fn append(&self, _: Vec<u8>) -> Result<u64> {
        self.stopped.store(true, std::sync::atomic::Ordering::SeqCst);
        Err(hufu_kernel::error::Error::unavailable("T-DISK", "磁盘故障"))
    }

    fn is_stopped(&self) -> bool {
        self.stopped.load(std::sync::atomic::Ordering::SeqCst)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn led_1_stopped_ledger_stops_every_act() {
    let dir = tempfile::tempdir().unwrap();
    let house = House::open(config(dir.path())).await.unwrap();
    let broken = hufu_kernel::command::Kernel {
        store: house.kernel.store.clone(),
        policy: hufu_kernel::policy::Policy::load(&[]).unwrap(),
        clock: Arc::clone(&house.kernel.clock),
        sequencer: Arc::new(Broken { stopped: false.into() }),
        events: house.kernel.events.clone(),
    };
    let first = run(&broken, &system(), Make(1)).await.unwrap_err();
    assert_eq!(first.code(), "HF-LEDGER-UNKNOWN", "it happened, and nobody may take it for undone");
    for number in 2..5 {
        assert_eq!(run(&broken, &system(), Make(number)).await.unwrap_err().code(), "HF-LEDGER-STOPPED");
    }
    assert_eq!(unit::all(house.kernel.store.reader()).await.unwrap().len(), 1, "nothing happens unrecorded");
    house.shutdown().await.unwrap();
    drop((house, broken));
    let house = reopen(dir.path()).await;
    assert_eq!(house.recovery.appended, 1);
    assert_eq!(check(&house).await, 1);
}

const CHILD_DIR: &str = "HUFU_TEST_RECOVERY_DIR";

/// The other process of the test below: acts until it is killed, saying each act it was acknowledged.
#[tokio::test(flavor = "multi_thread")]
async fn child_acts_until_killed() {
    let Some(dir) = std::env::var_os(CHILD_DIR) else { return };
    let house = reopen(Path::new(&dir)).await;
    let begin = unit::all(house.kernel.store.reader()).await.unwrap().len() as u64 + 1;
    let writers = (0..4).map(|writer| {
        let house = Arc::clone(&house);
        tokio::spawn(async move {
            for turn in 0.. {
                let number = begin * 1_000_000 + writer * 100_000 + turn;
                let receipt = run(&house.kernel, &system(), Make(number)).await.unwrap();
                println!("ACK U-{number} {}", receipt.ledger_index);
            }
        })
    });
    futures::future::join_all(writers).await;
}

fn spawn_child(dir: &Path) -> Child {
    std::process::Command::new(std::env::current_exe().unwrap())
        .args(["recovery::child_acts_until_killed", "--exact", "--nocapture"])
        .env(CHILD_DIR, dir)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn ops_3_kill_9_between_commit_and_append_loses_and_doubles_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (mut acknowledged, mut appended) = (BTreeMap::new(), 0);
    for round in 0..12_u64 {
        let mut child = spawn_child(dir.path());
        let out = child.stdout.take().unwrap();
        let reader = std::thread::spawn(move || {
            let lines = std::io::BufRead::lines(std::io::BufReader::new(out)).map_while(Result::ok);
            lines.filter_map(|line| {
                // The harness may put its own words before the first.
                let (_, ack) = line.split_once("ACK ")?;
                let (no, index) = ack.split_once(' ')?;
                Some((no.to_owned(), index.parse::<u64>().ok()?))
            }).collect::<Vec<_>>()
        });
        std::thread::sleep(Duration::from_millis(500 + round * 37));
        child.kill().unwrap();
        child.wait().unwrap();
        acknowledged.extend(reader.join().unwrap());
        let house = reopen(dir.path()).await;
        appended += house.recovery.appended;
        check(&house).await;
        let log = log_of(&house).await;
        for (no, index) in &acknowledged {
            assert_eq!(log[*index as usize].object.no, *no, "acknowledged at {index}");
        }
        house.shutdown().await.unwrap();
    }
    assert!(acknowledged.len() > 50, "only {} acts in all rounds", acknowledged.len());
    println!("{} acknowledged, {appended} appended at restart", acknowledged.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn led_2_changed_copy_is_found_and_the_entry_named() {
    let dir = tempfile::tempdir().unwrap();
    let house = House::open(config(dir.path())).await.unwrap();
    for number in 0..5 {
        run(&house.kernel, &system(), Make(number)).await.unwrap();
    }
    projected(&house, 5).await;
    let change = |sql: &'static str| {
        let house = Arc::clone(&house);
        async move {
            let tx = house.kernel.store.begin().await.unwrap();
            tx.db().execute_unprepared(sql).await.unwrap();
            tx.commit().await.unwrap();
        }
    };
    change("UPDATE audit_entry SET login = 'somebody' WHERE idx = 2").await;
    let found = house.verify().await.unwrap();
    let id = audit::Entity::find().all(house.kernel.store.reader()).await.unwrap();
    let id_at = |idx: i64| id.iter().find(|row| row.idx == Some(idx)).unwrap().id.to_string();
    assert_eq!(found.differences, [Difference::Column { index: 2, id: id_at(2), column: "login" }]);
    assert!(house.verified().is_none(), "an unsound check vouches for nothing");
    change("UPDATE audit_entry SET login = NULL WHERE idx = 2").await;
    change("UPDATE audit_entry SET body = replace(body, 'U-3', 'U-4') WHERE idx = 3").await;
    assert_eq!(house.verify().await.unwrap().differences, [Difference::Body { index: 3, id: id_at(3) }]);
    change("DELETE FROM audit_entry WHERE idx = 1").await;
    let differences = house.verify().await.unwrap().differences;
    assert_eq!(differences.first(), Some(&Difference::Missing { index: 1 }), "{differences:?}");
    house.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn led_2_shortened_log_stops_the_start() {
    let dir = tempfile::tempdir().unwrap();
    let house = House::open(config(dir.path())).await.unwrap();
    run(&house.kernel, &system(), Make(1)).await.unwrap();
    projected(&house, 1).await;
    house.shutdown().await.unwrap();
    drop(house);
    tokio::time::sleep(Duration::from_millis(300)).await;
    std::fs::remove_dir_all(dir.path().join("ledger")).unwrap();
    assert_eq!(House::open(config(dir.path())).await.unwrap_err().code(), "HF-LEDGER-SHORT");
}
