//! A founded house with a city, a county and a few people.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use hufu_crypto::{KeyId, KeyRing, Profile};
use hufu_identity::commands::create_unit::CreateUnit;
use hufu_identity::model::account::PersonInput;
use hufu_identity::model::unit::UnitInput;
use hufu_identity::{
    Hashing, Identity, InitPlan, Initial, LogIn, NewPerson, POLICY, SecondFactors, Settings, Vault, appoint, init,
    migrations, store,
};
use hufu_kernel::actor::{Actor, Role, UnitLevel, UnitRef};
use hufu_kernel::audit::{self, Sequencer};
use hufu_kernel::command::{Ctx, Kernel, run};
use hufu_kernel::error::Result;
use hufu_kernel::ids::{AccountId, UnitId};
use hufu_kernel::policy::Policy;
use hufu_kernel::store::Store;
use hufu_kernel::time::{Clock, ManualClock, Timestamp};
use sea_orm::{EntityTrait, QueryOrder};

pub(crate) const PASSWORD: &str = "Kai-Feng7Lu";

#[derive(Debug, Default)]
struct Memory(Mutex<u64>);

#[async_trait]
impl Sequencer for Memory {
    async fn append(&self, _: Vec<u8>) -> Result<u64> {
        let mut count = self.0.lock().unwrap();
        *count += 1;
        Ok(*count - 1)
    }
}

pub(crate) struct House {
    pub(crate) identity: Arc<Identity>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) area: UnitRef,
    pub(crate) bureau: UnitRef,
    pub(crate) r8: Actor,
    pub(crate) r1: Actor,
    pub(crate) initial: Initial,
    _dir: tempfile::TempDir,
}

pub(crate) fn person(login: &str, name: &str) -> PersonInput {
    PersonInput { login: login.into(), name: name.into(), ..PersonInput::default() }
}

pub(crate) fn plan() -> InitPlan {
    InitPlan {
        level: UnitLevel::City,
        area: ("330000".into(), "云江市".into()),
        bureau: ("330000-SJJ".into(), "市数据局".into()),
        administrator: person("guanli", "管理甲"),
        manager: person("anquan", "安全乙"),
    }
}

/// A house with an empty, migrated store.
pub(crate) async fn empty(second_factors: SecondFactors) -> (Arc<Identity>, Arc<ManualClock>, tempfile::TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open_embedded(dir.path()).await.unwrap();
    let (identity, clock) = empty_on(store, second_factors).await;
    (identity, clock, dir)
}

/// The same on a store of the caller's.
pub(crate) async fn empty_on(store: Store, second_factors: SecondFactors) -> (Arc<Identity>, Arc<ManualClock>) {
    store.migrate(&hufu_kernel::schema::migrations()).await.unwrap();
    store.migrate(&migrations::migrations()).await.unwrap();
    // 2026-11-20 09:00 in Beijing.
    let clock = Arc::new(ManualClock::at(Timestamp::from_millis(1_795_136_400_000)));
    let kernel = Kernel {
        store,
        policy: Policy::load(&[POLICY]).unwrap(),
        clock: clock.clone(),
        sequencer: Arc::new(Memory::default()),
        events: tokio::sync::broadcast::channel(16).0,
    };
    let settings = Settings { hashing: Hashing::CHEAP, second_factors, secure_cookie: false, ..Settings::default() };
    let ring = KeyRing::generate(KeyId::parse("test").unwrap(), Profile::Sm, &mut rand::rng());
    let vault = Vault::new(Arc::new(ring), Profile::Sm);
    (Arc::new(Identity::new(Arc::new(kernel), settings, vault).unwrap()), clock)
}

/// A founded house; second factors off unless asked for.
pub(crate) async fn house(second_factors: SecondFactors) -> House {
    let (identity, clock, dir) = empty(second_factors).await;
    found(identity, clock, dir).await
}

/// Founds a house on PostgreSQL.
pub(crate) async fn house_on_postgres(second_factors: SecondFactors) -> House {
    let server = hufu_test_servers::postgres();
    let url = format!("postgres://{}:{}@127.0.0.1:{}/{}", server.user, server.password, server.port, server.database);
    let (identity, clock) = empty_on(Store::open(&url).await.unwrap(), second_factors).await;
    found(identity, clock, tempfile::tempdir().unwrap()).await
}

async fn found(identity: Arc<Identity>, clock: Arc<ManualClock>, dir: tempfile::TempDir) -> House {
    let ctx = Ctx::system(clock.now(), "init");
    let initial = init(&identity.kernel, &identity.passwords, &ctx, plan()).await.unwrap();
    House {
        area: initial.area.clone(),
        bureau: initial.bureau.clone(),
        r8: initial.administrator.clone(),
        r1: initial.manager.clone(),
        initial,
        identity,
        clock,
        _dir: dir,
    }
}

impl House {
    pub(crate) fn kernel(&self) -> &Kernel {
        &self.identity.kernel
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(crate) fn minutes(&self, minutes: i64) {
        self.clock.advance(chrono::Duration::minutes(minutes));
    }

    pub(crate) fn ctx(&self, actor: &Actor) -> Ctx {
        Ctx { actor: Some(actor.clone()), ..self.nobody() }
    }

    pub(crate) fn nobody(&self) -> Ctx {
        Ctx { actor: None, request_id: "r".into(), client: "10.1.2.3".into(), now: self.now() }
    }

    pub(crate) async fn unit(&self, code: &str, kind: &str, level: &str, parent: &UnitRef) -> UnitRef {
        let input = UnitInput {
            code: code.into(),
            name: format!("单位{code}"),
            kind: kind.into(),
            level: level.into(),
            ..UnitInput::default()
        };
        run(self.kernel(), &self.ctx(&self.r8), CreateUnit { parent: parent.id.clone(), input }).await.unwrap().output
    }

    /// Somebody with roles and the usual password.
    pub(crate) async fn appoint(&self, login: &str, unit: &UnitId, roles: &[Role]) -> Actor {
        let new = NewPerson {
            unit: unit.clone(),
            person: person(login, &format!("某{}", "甲乙丙丁".chars().nth(login.len() % 4).unwrap())),
            roles: roles.to_vec(),
            password: Some(PASSWORD.into()),
        };
        let (id, _) = appoint(&self.identity, &self.ctx(&self.r8), new).await.unwrap();
        self.actor(&id).await
    }

    pub(crate) async fn actor(&self, id: &AccountId) -> Actor {
        hufu_identity::queries::actor(self.kernel().store.reader(), id).await.unwrap()
    }

    pub(crate) async fn account(&self, id: &AccountId) -> store::account::Model {
        store::account::find(self.kernel().store.reader(), id).await.unwrap()
    }

    pub(crate) async fn log_in(
        &self,
        login: &str,
        password: &str,
        code: Option<&str>,
    ) -> Result<hufu_identity::Signed> {
        let given = LogIn {
            login: login.into(),
            password: password.into(),
            code: code.map(str::to_owned),
            agent: "test".into(),
        };
        self.identity.log_in(&self.nobody(), given).await
    }

    pub(crate) async fn entries(&self) -> Vec<audit::Model> {
        audit::Entity::find().order_by_asc(audit::Column::Id).all(self.kernel().store.reader()).await.unwrap()
    }
}
