//! One command = one transaction = one entry, also when it is refused.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use hufu_kernel::actor::{Actor, Role, UnitLevel, UnitRef};
use hufu_kernel::audit::{self, ObjectRef, Outcome, Sequencer};
use hufu_kernel::command::{Applied, Command, Ctx, Kernel, Loaded, run};
use hufu_kernel::error::{Error, Result};
use hufu_kernel::ids::AccountId;
use hufu_kernel::policy::{Policy, PolicyText, Resource};
use hufu_kernel::store::{Store, Tx};
use hufu_kernel::time::{ManualClock, Timestamp};
use hufu_kernel::unit::{self, NewUnit, UnitKind};
use sea_orm::{EntityTrait, QueryOrder};

const POLICY: PolicyText = PolicyText {
    capability: "test",
    policies: r#"@id("asker-own-unit") permit(principal in Role::"R4", action == Action::"test.rename", resource)
        when { resource.unit in principal.unit };"#,
    schema: r#"entity Thing { unit: Unit };
        action "test.rename" appliesTo { principal: Account, resource: Thing };"#,
};

#[derive(Debug, Default)]
struct Memory(Mutex<Vec<Vec<u8>>>);

#[async_trait]
impl Sequencer for Memory {
    async fn append(&self, body: Vec<u8>) -> Result<u64> {
        let mut all = self.0.lock().unwrap();
        all.push(body);
        Ok(all.len() as u64 - 1)
    }
}

struct Rename {
    unit: UnitRef,
    fails: bool,
}

#[async_trait]
impl Command for Rename {
    const ACTION: &'static str = "test.rename";
    type Subject = UnitRef;
    type Output = ();

    async fn load(&self, _: &Tx, _: &Ctx) -> Result<Loaded<UnitRef>> {
        let resource = Resource::new("Thing", "t1").of_unit(&self.unit);
        Ok(Loaded { subject: self.unit.clone(), resource, object: ObjectRef::new("thing", "t1", "T-1") })
    }

    async fn apply(self, tx: &Tx, _: &Ctx, subject: UnitRef) -> Result<Applied<()>> {
        let new = NewUnit {
            code: "below".into(),
            name: "下级".into(),
            kind: UnitKind::Department,
            level: UnitLevel::City,
            parent: Some(subject),
            sort: 0,
        };
        unit::insert(tx.db(), new).await?;
        if self.fails { Err(Error::conflict("T-FAIL", "不行")) } else { Ok(Applied::new(())) }
    }
}

async fn house() -> (tempfile::TempDir, Kernel, UnitRef, UnitRef) {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open_embedded(dir.path()).await.unwrap();
    store.migrate(&hufu_kernel::schema::migrations()).await.unwrap();
    let tx = store.begin().await.unwrap();
    let mut units = Vec::new();
    for code in ["a", "b"] {
        let new = NewUnit {
            code: code.into(),
            name: code.into(),
            kind: UnitKind::Area,
            level: UnitLevel::City,
            parent: None,
            sort: 0,
        };
        units.push(unit::insert(tx.db(), new).await.unwrap());
    }
    tx.commit().await.unwrap();
    let kernel = Kernel {
        store,
        policy: Policy::load(&[POLICY]).unwrap(),
        clock: Arc::new(ManualClock::at(Timestamp::from_millis(0))),
        sequencer: Arc::new(Memory::default()),
        events: tokio::sync::broadcast::channel(8).0,
    };
    let b = units.pop().unwrap();
    (dir, kernel, units.pop().unwrap(), b)
}

fn ctx(unit: &UnitRef, role: Role) -> Ctx {
    let actor = Actor {
        account: AccountId::generate(),
        login: "lin".into(),
        name: "林书涵".into(),
        unit: unit.clone(),
        roles: vec![role],
    };
    Ctx { actor: Some(actor), request_id: "r".into(), client: "127.0.0.1".into(), now: Timestamp::from_millis(7) }
}

async fn outcomes(kernel: &Kernel) -> Vec<(Outcome, Option<String>)> {
    let found = audit::Entity::find().order_by_asc(audit::Column::Id).all(kernel.store.reader()).await.unwrap();
    found.into_iter().map(|row| (row.outcome, row.code)).collect()
}

#[tokio::test]
async fn led_1_every_command_leaves_one_entry() {
    let (_dir, kernel, own, other) = house().await;
    run(&kernel, &ctx(&own, Role::R4), Rename { unit: own.clone(), fails: false }).await.unwrap();
    run(&kernel, &ctx(&own, Role::R4), Rename { unit: other, fails: false }).await.unwrap_err();
    run(&kernel, &ctx(&own, Role::R8), Rename { unit: own.clone(), fails: false }).await.unwrap_err();
    let nobody = Ctx::system(Timestamp::from_millis(9), "r");
    run(&kernel, &nobody, Rename { unit: own.clone(), fails: false }).await.unwrap_err();
    run(&kernel, &ctx(&own, Role::R4), Rename { unit: own, fails: true }).await.unwrap_err();
    let refused = |code: &str| (Outcome::Refused, Some(code.to_owned()));
    let expected = vec![
        (Outcome::Done, None),
        refused("HF-REFUSED"),
        refused("HF-REFUSED"),
        refused("HF-LOGIN"),
        refused("HF-DUPLICATE"),
    ];
    assert_eq!(outcomes(&kernel).await, expected);
}

#[tokio::test]
async fn a_failed_command_writes_nothing_but_its_entry() {
    let (_dir, kernel, own, _) = house().await;
    run(&kernel, &ctx(&own, Role::R4), Rename { unit: own.clone(), fails: true }).await.unwrap_err();
    assert_eq!(outcomes(&kernel).await, [(Outcome::Refused, Some("T-FAIL".to_owned()))]);
    assert_eq!(unit::all(kernel.store.reader()).await.unwrap().len(), 2);
}

#[tokio::test]
async fn led_1_entry_bears_the_login_and_never_the_name() {
    let (_dir, kernel, own, _) = house().await;
    run(&kernel, &ctx(&own, Role::R4), Rename { unit: own.clone(), fails: false }).await.unwrap();
    let row = audit::Entity::find().one(kernel.store.reader()).await.unwrap().unwrap();
    assert!(row.body.contains("\"login\":\"lin\""), "{}", row.body);
    assert!(!row.body.contains("林书涵"), "{}", row.body);
}

#[tokio::test]
async fn who_1_reparenting_keeps_history() {
    let (_dir, kernel, a, b) = house().await;
    let tx = kernel.store.begin().await.unwrap();
    let new = |code: &str, parent: &UnitRef| NewUnit {
        code: code.into(),
        name: code.into(),
        kind: UnitKind::Area,
        level: UnitLevel::County,
        parent: Some(parent.clone()),
        sort: 0,
    };
    let county = unit::insert(tx.db(), new("county", &a)).await.unwrap();
    let town = unit::insert(tx.db(), new("town", &county)).await.unwrap();
    let before = unit::find(tx.db(), &county.id).await.unwrap();
    unit::reparent(tx.db(), &before, &b, Timestamp::from_millis(100)).await.unwrap();
    let town_now = unit::find(tx.db(), &town.id).await.unwrap();
    assert!(town_now.path.starts_with(&b.path), "the whole subtree moves");
    assert_eq!(unit::path_at(tx.db(), &town_now, Timestamp::from_millis(99)).await.unwrap(), town.path);
    assert_eq!(unit::path_at(tx.db(), &town_now, Timestamp::from_millis(100)).await.unwrap(), town_now.path);
    let moved = unit::find(tx.db(), &county.id).await.unwrap();
    assert!(unit::reparent(tx.db(), &moved, &town_now.as_ref(), Timestamp::from_millis(1)).await.is_err());
}
