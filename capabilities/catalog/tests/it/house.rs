//! A small city: a bureau, two departments, and people with their roles.

use std::path::Path;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use hufu_catalog::commands::create_resource::CreateResource;
use hufu_catalog::commands::decide_resource::DecideResource;
use hufu_catalog::commands::submit_resource::SubmitResource;
use hufu_catalog::model::class::Class;
use hufu_catalog::model::codes::National;
use hufu_catalog::model::field::FieldSpec;
use hufu_catalog::model::metadata::{Metadata, SharingTerms};
use hufu_catalog::model::scheme::Scheme;
use hufu_catalog::model::terms::{DataType, Sharing};
use hufu_catalog::store::resource;
use hufu_catalog::{Catalog, POLICY, Setup, migrations};
use hufu_crypto::{KeyId, KeyRing, Profile};
use hufu_identity::Vault;
use hufu_kernel::actor::{Actor, Role, UnitLevel, UnitRef};
use hufu_kernel::approval::{self, Decision, Verdict};
use hufu_kernel::audit::{self, Sequencer};
use hufu_kernel::command::{Ctx, Kernel, run};
use hufu_kernel::error::Result;
use hufu_kernel::ids::AccountId;
use hufu_kernel::policy::Policy;
use hufu_kernel::store::Store;
use hufu_kernel::time::{Clock, ManualClock, Timestamp};
use hufu_kernel::unit::{self, NewUnit, UnitKind};
use sea_orm::{EntityTrait, QueryOrder};

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
    pub(crate) catalog: Catalog,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) bureau: UnitRef,
    pub(crate) civil: UnitRef,
    pub(crate) social: UnitRef,
    pub(crate) dir: tempfile::TempDir,
}

/// The embedded store in a directory of its own.
pub(crate) async fn house() -> House {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open_embedded(dir.path()).await.unwrap();
    house_on(store, dir).await
}

/// A database of its own on a real PostgreSQL.
pub(crate) async fn house_on_postgres(database: &str) -> House {
    let server = hufu_test_servers::postgres();
    server.sql(&format!("DROP DATABASE IF EXISTS {database}; CREATE DATABASE {database}"));
    let (user, password, port) = (server.user, server.password, server.port);
    let store = Store::open(&format!("postgres://{user}:{password}@127.0.0.1:{port}/{database}")).await.unwrap();
    house_on(store, tempfile::tempdir().unwrap()).await
}

async fn house_on(store: Store, dir: tempfile::TempDir) -> House {
    store.migrate(&hufu_kernel::schema::migrations()).await.unwrap();
    store.migrate(&migrations()).await.unwrap();
    let (bureau, civil, social) = found(&store).await;
    // 2026-11-20 09:00 in Beijing.
    let clock = Arc::new(ManualClock::at(Timestamp::from_millis(1_795_136_400_000)));
    let kernel = Kernel {
        store,
        policy: Policy::load(&[POLICY]).unwrap(),
        clock: clock.clone(),
        sequencer: Arc::new(Memory::default()),
        events: tokio::sync::broadcast::channel(1024).0,
    };
    let catalog = open(Arc::new(kernel), dir.path());
    House { catalog, clock, bureau, civil, social, dir }
}

/// The catalogue over a house's store, as a start of the process opens it.
pub(crate) fn open(kernel: Arc<Kernel>, data: &Path) -> Catalog {
    let ring = KeyRing::generate(KeyId::parse("test").unwrap(), Profile::Sm, &mut rand::rng());
    let setup = Setup {
        kernel,
        vault: Vault::new(Arc::new(ring), Profile::Sm),
        data: data.to_owned(),
        file_roots: vec![data.to_owned()],
        codes: Arc::new(National),
        scheme: Scheme::built_in(),
    };
    Catalog::new(setup).unwrap()
}

async fn found(store: &Store) -> (UnitRef, UnitRef, UnitRef) {
    let tx = store.begin().await.unwrap();
    let new = |code: &str, name: &str, kind: UnitKind, parent: Option<&UnitRef>| NewUnit {
        code: code.into(),
        name: name.into(),
        kind,
        level: UnitLevel::City,
        parent: parent.cloned(),
        sort: 0,
    };
    let area = unit::insert(tx.db(), new("yj", "云江市", UnitKind::Area, None)).await.unwrap();
    let bureau = unit::insert(tx.db(), new("yj_sjj", "市数据局", UnitKind::Bureau, Some(&area))).await.unwrap();
    let civil = unit::insert(tx.db(), new("yj_mzj", "市民政局", UnitKind::Department, Some(&area))).await.unwrap();
    let social = unit::insert(tx.db(), new("yj_rsj", "市人社局", UnitKind::Department, Some(&area))).await.unwrap();
    tx.commit().await.unwrap();
    (bureau, civil, social)
}

impl House {
    pub(crate) fn kernel(&self) -> &Arc<Kernel> {
        self.catalog.kernel()
    }

    pub(crate) fn db(&self) -> &sea_orm::DatabaseConnection {
        self.kernel().store.reader()
    }

    /// A new person of a unit with one role.
    pub(crate) fn person(&self, unit: &UnitRef, role: Role) -> Ctx {
        let actor = Actor {
            account: AccountId::generate(),
            login: format!("{}_{}", unit.code, role.code().to_lowercase()),
            name: "林书涵".into(),
            unit: unit.clone(),
            roles: vec![role],
        };
        self.ctx(actor)
    }

    pub(crate) fn ctx(&self, actor: Actor) -> Ctx {
        Ctx { actor: Some(actor), request_id: "r-1".into(), client: "127.0.0.1".into(), now: self.clock.now() }
    }

    pub(crate) async fn create(&self, ctx: &Ctx, metadata: Metadata, fields: Vec<FieldSpec>) -> Result<resource::Model> {
        let (codes, scheme) = (self.catalog.codes(), self.catalog.scheme());
        Ok(run(self.kernel(), ctx, CreateResource { metadata, fields, codes, scheme }).await?.output)
    }

    pub(crate) async fn submit(&self, ctx: &Ctx, row: &resource::Model) -> Result<resource::Model> {
        let scheme = self.catalog.scheme();
        Ok(run(self.kernel(), ctx, SubmitResource { key: row.code.clone(), version: row.version, scheme }).await?.output)
    }

    pub(crate) async fn decide(&self, ctx: &Ctx, row: &resource::Model, verdict: Verdict) -> Result<resource::Model> {
        let decision = Decision { verdict, opinion: "意见".into(), version: self.approval_version(row).await };
        Ok(run(self.kernel(), ctx, DecideResource { key: row.code.clone(), decision }).await?.output)
    }

    pub(crate) async fn approval_version(&self, row: &resource::Model) -> i32 {
        let tx = self.kernel().store.begin().await.unwrap();
        let row = resource::find(tx.db(), &row.id).await.unwrap();
        match row.approval_id {
            Some(id) => approval::find(&tx, &id).await.unwrap().0.version,
            None => 1,
        }
    }

    /// Creates, submits and has both steps agree.
    pub(crate) async fn publish(&self, unit: &UnitRef, metadata: Metadata, fields: Vec<FieldSpec>) -> resource::Model {
        let steward = self.person(unit, Role::R3);
        let row = self.create(&steward, metadata, fields).await.unwrap();
        let row = self.submit(&steward, &row).await.unwrap();
        let row = self.decide(&self.person(unit, Role::R2), &row, Verdict::Approve).await.unwrap();
        self.decide(&self.person(&self.bureau, Role::R1), &row, Verdict::Approve).await.unwrap()
    }

    /// Actions with outcomes and codes of all entries, oldest first.
    pub(crate) async fn entries(&self) -> Vec<(String, audit::Outcome, Option<String>)> {
        let rows = audit::Entity::find().order_by_asc(audit::Column::Id).all(self.db()).await.unwrap();
        rows.into_iter().map(|row| (row.action, row.outcome, row.code)).collect()
    }
}

pub(crate) fn complete(name: &str) -> Metadata {
    Metadata {
        name: name.into(),
        class: Class {
            code: "3050120001".into(),
            item_name: "民政".into(),
            directory_name: "社会救助".into(),
            detail_name: "救助".into(),
        },
        provider_code: "11330000002480001A".into(),
        summary: format!("{name}的认定、发放与动态管理信息。"),
        terms: conditional(),
        theme: "社会保障".into(),
        ..Metadata::default()
    }
}

pub(crate) fn conditional() -> SharingTerms {
    SharingTerms {
        sharing: Sharing::Conditional,
        scope: "市级部门".into(),
        purpose: "社会救助资格核对".into(),
        ..SharingTerms::default()
    }
}

pub(crate) fn field(name: &str, title: &str, data_type: DataType, kind: &str, grade: &str) -> FieldSpec {
    FieldSpec {
        name: name.into(),
        title: title.into(),
        data_type,
        length: None,
        key: false,
        kind: (!kind.is_empty()).then(|| kind.into()),
        grade: (!grade.is_empty()).then(|| grade.into()),
        sensitive: false,
    }
}

pub(crate) fn fields() -> Vec<FieldSpec> {
    vec![
        FieldSpec { key: true, ..field("dxbh", "对象编号", DataType::Text, "code", "L1") },
        field("xm", "姓名", DataType::Text, "name", "L3"),
        field("sfzh", "公民身份号码", DataType::Text, "id_card", "L3"),
        FieldSpec { sensitive: true, ..field("jkzk", "健康状况", DataType::Text, "health", "L4") },
    ]
}
