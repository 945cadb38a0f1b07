//! A founded city with an asking and a providing department, their people, and two published resources.

use std::collections::BTreeMap;
use std::sync::Arc;

use hufu_catalog::model::field::FieldSpec;
use hufu_catalog::model::metadata::Metadata;
use hufu_catalog::model::state::State as EntryState;
use hufu_catalog::model::terms::{DataType, Sharing as Attribute};
use hufu_catalog::commands::create_source::CreateSource;
use hufu_catalog::model::source::SourceSpec;
use hufu_catalog::store::{field, resource};
use hufu_crypto::{Algorithm, KeyId, KeyRing, Profile, SigningKey};
use hufu_gate::{Gate, GateConfig};
use hufu_identity::model::account::PersonInput;
use hufu_identity::{Hashing, Identity, InitPlan, NewPerson, SecondFactors, Settings, Vault, appoint, init};
use hufu_kernel::actor::{Actor, Role, UnitLevel, UnitRef};
use hufu_kernel::approval::Verdict;
use hufu_kernel::audit::{self, ActionNames};
use hufu_kernel::command::{Ctx, Kernel, run};
use hufu_kernel::error::{Error, Result};
use hufu_kernel::ids::SourceId;
use hufu_kernel::facts::{Desk, Facts};
use hufu_kernel::house::{House, HouseConfig};
use hufu_kernel::ledger::SequencerConfig;
use hufu_kernel::rules::Rules;
use hufu_kernel::time::{Clock, ManualClock, Timestamp};
use hufu_kernel::unit::{self, NewUnit, UnitKind};
use hufu_ledger::{NoteSigner, Origin};
use hufu_sharing::{LedgerRecorder, Service, Sharing};
use hufu_sharing::commands::{Answer, DecideFront, DecidePart, Proposal, SubmitApplication};
use hufu_sharing::model::form::{Asked, AskedField, Form};
use hufu_sharing::model::grant::Quota;
use hufu_sharing::model::way::{Way, Ways};
use hufu_sharing::store::rows::{application, data_grant, part};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, Set};

pub(crate) struct Town {
    pub(crate) house: Arc<House>,
    pub(crate) kernel: Arc<Kernel>,
    pub(crate) sharing: Arc<Sharing>,
    pub(crate) service: Service,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) units: BTreeMap<&'static str, UnitRef>,
    pub(crate) people: BTreeMap<&'static str, Actor>,
    pub(crate) dir: tempfile::TempDir,
}

pub(crate) const QUOTA: Quota = Quota { rows_per_day: 1000, calls_per_minute: 60, rows_per_result: 1000 };

/// Login, unit, roles. 林 asks, 王 heads her office, 沈 and 陈 provide, 周 is the bureau's.
const PEOPLE: [(&str, &str, Role); 8] = [
    ("lin", "rsj", Role::R4),
    ("lin2", "rsj", Role::R4),
    ("wang", "rsj", Role::R2),
    ("shen", "mzj", Role::R3),
    ("chen", "mzj", Role::R2),
    ("mei", "mzj", Role::R4),
    ("guan", "gaj", Role::R2),
    ("deng", "mzj", Role::R6),
];

impl Town {
    /// Under a jurisdiction's flow.
    pub(crate) async fn found(jurisdiction: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        // 2026-11-20 09:00 in Beijing, a Friday.
        let clock = Arc::new(ManualClock::at(Timestamp::from_millis(1_795_136_400_000)));
        let house = House::open(config(dir.path(), clock.clone())).await.unwrap();
        let kernel = house.kernel.clone();
        let keys = Arc::new(KeyRing::generate(KeyId::parse("test").unwrap(), Profile::Sm, &mut rand::rng()));
        let vault = Vault::new(keys, Profile::Sm);
        let sharing = Arc::new(Sharing::new(jurisdiction, vault.clone()).unwrap());
        let rows = dir.path().join("rows");
        std::fs::create_dir(&rows).unwrap();
        std::fs::write(rows.join("dbdx.csv"), csv()).unwrap();
        let setup = hufu_catalog::Setup {
            kernel: kernel.clone(),
            vault: vault.clone(),
            data: dir.path().join("search"),
            file_roots: vec![rows],
            codes: Arc::new(hufu_catalog::model::codes::ByProvider),
            scheme: hufu_catalog::model::scheme::Scheme::built_in(),
        };
        let catalog = hufu_catalog::Catalog::new(setup).unwrap();
        let gate_clock = clock.clone();
        let recorder = Arc::new(LedgerRecorder::new(kernel.clone()));
        let gate = Gate::new(&GateConfig::default(), recorder, Arc::new(move || gate_clock.now().utc()), b"salt").unwrap();
        let service = Service::new(kernel.clone(), sharing.clone(), catalog, Arc::new(gate));
        let mut town = Self { house, kernel, sharing, service, clock, units: BTreeMap::new(), people: BTreeMap::new(), dir };
        town.populate(vault).await;
        let source = town.source().await;
        town.publish("DB-01", "低保对象基本信息", "mzj", Attribute::Conditional, &low_income(), &source).await;
        town.publish("JG-01", "养老机构名录", "mzj", Attribute::Unconditional, &institutions(), &source).await;
        town.publish("HJ-01", "户籍人口信息", "gaj", Attribute::Conditional, &low_income(), &source).await;
        town
    }

    /// A real CSV file of the provider.
    async fn source(&self) -> SourceId {
        let spec = SourceSpec {
            name: "业务库".into(),
            kind: "csv".into(),
            path: self.dir.path().join("rows").to_str().unwrap().to_owned(),
            ..SourceSpec::default()
        };
        let command = CreateSource { unit: None, spec, vault: self.sharing.vault.clone() };
        run(&self.kernel, &self.ctx("deng"), command).await.unwrap().output
    }

    async fn populate(&mut self, vault: Vault) {
        let person = |login: &str| PersonInput { login: login.into(), name: name_of(login).into(), ..PersonInput::default() };
        let settings = Settings { hashing: Hashing::CHEAP, second_factors: SecondFactors::OffForDemo, secure_cookie: false, ..Settings::default() };
        let identity = Identity::new(self.kernel.clone(), settings, vault).unwrap();
        let plan = InitPlan {
            level: UnitLevel::City,
            area: ("city".into(), "云江市".into()),
            bureau: ("sjj".into(), "市数据局".into()),
            administrator: person("guanli"),
            manager: person("zhou"),
        };
        let initial = init(&self.kernel, &identity.passwords, &self.system(), plan).await.unwrap();
        self.units.insert("sjj", initial.bureau.clone());
        self.people.insert("zhou", initial.manager.clone());
        let tx = self.kernel.store.begin().await.unwrap();
        for (code, name) in [("rsj", "市人社局"), ("mzj", "市民政局"), ("gaj", "市公安局")] {
            let new = NewUnit { code: code.into(), name: name.into(), kind: UnitKind::Department, level: UnitLevel::City, parent: Some(initial.area.clone()), sort: 0 };
            self.units.insert(code, unit::insert(tx.db(), new).await.unwrap());
        }
        tx.commit().await.unwrap();
        let administrator = Ctx { actor: Some(initial.administrator.clone()), ..self.system() };
        for (login, unit, role) in PEOPLE {
            let new = NewPerson { unit: self.units[unit].id.clone(), person: person(login), roles: vec![role], password: None };
            let (account, _) = appoint(&identity, &administrator, new).await.unwrap();
            let actor = hufu_identity::queries::actor(self.kernel.store.reader(), &account).await.unwrap();
            self.people.insert(login, actor);
        }
    }

    /// Puts a published entry with its fields into the catalogue.
    pub(crate) async fn publish(&self, code: &str, name: &str, unit: &str, sharing: Attribute, fields: &[FieldSpec], source: &SourceId) {
        let mut metadata = Metadata { name: name.into(), table_name: code.to_lowercase().replace('-', "_"), ..Metadata::default() };
        metadata.terms.sharing = sharing;
        let birth = resource::Birth { code: code.into(), unit: &self.units[unit], state: EntryState::Published, by: "test", at: self.clock.now() };
        let mut row = resource::new_row(&metadata, birth);
        row.source_id = Set(Some(source.clone()));
        row.source_table = Set("dbdx".into());
        let id = row.id.clone().unwrap();
        let tx = self.kernel.store.begin().await.unwrap();
        resource::insert_many(tx.db(), vec![row]).await.unwrap();
        field::replace(tx.db(), &id, fields).await.unwrap();
        tx.commit().await.unwrap();
    }

    pub(crate) fn clock_now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(crate) fn system(&self) -> Ctx {
        Ctx::system(self.clock.now(), "test")
    }

    pub(crate) fn ctx(&self, login: &str) -> Ctx {
        Ctx { actor: Some(self.people[login].clone()), request_id: format!("r-{login}"), client: "10.1.2.3".into(), now: self.clock.now() }
    }

    pub(crate) fn form(&self, resources: &[(&str, &[&str])]) -> Form {
        let field = |name: &&str| AskedField { name: (*name).to_owned(), unmasked: false, reason: String::new() };
        let asked = |(code, fields): &(&str, &[&str])| Asked { code: (*code).to_owned(), row_scope: String::new(), fields: fields.iter().map(field).collect() };
        let today = self.clock.now().date();
        Form {
            scenario: "困难人员就业援助资格核验".into(),
            basis: "《就业促进法》第五十二条".into(),
            scope_of_use: "本市在保人员".into(),
            ways: Ways::new([Way::Page, Way::Sql]),
            quota: QUOTA,
            from: Some(today),
            until: today.checked_add_days(chrono::Days::new(180)),
            system_name: String::new(),
            filing_no: String::new(),
            bound: true,
            persons: vec![self.people["lin"].account.to_string()],
            resources: resources.iter().map(asked).collect(),
        }
    }

    /// Hands a form in as 林 and gives its number.
    pub(crate) async fn submit(&self, form: Form) -> Result<String> {
        let command = SubmitApplication { sharing: self.sharing.clone(), no: None, version: None, form: Some(form), note: String::new() };
        Ok(run(&self.kernel, &self.ctx("lin"), command).await?.output.application.no)
    }

    pub(crate) async fn front(&self, login: &str, no: &str, verdict: Verdict, opinion: &str) -> Result<Answer> {
        let command = DecideFront { sharing: self.sharing.clone(), no: no.into(), verdict, opinion: opinion.into(), version: None };
        Ok(run(&self.kernel, &self.ctx(login), command).await?.output)
    }

    pub(crate) async fn part(&self, login: &str, no: &str, seq: i32, verdict: Verdict, opinion: &str, proposal: Proposal) -> Result<Answer> {
        let command = DecidePart { sharing: self.sharing.clone(), no: no.into(), seq, verdict, opinion: opinion.into(), version: None, proposal };
        Ok(run(&self.kernel, &self.ctx(login), command).await?.output)
    }

    /// Through own office and bureau to the provider.
    pub(crate) async fn to_provider(&self, form: Form) -> String {
        let no = self.submit(form).await.unwrap();
        self.front("wang", &no, Verdict::Approve, "").await.unwrap();
        self.front("zhou", &no, Verdict::Approve, "").await.unwrap();
        no
    }

    /// All the way; the numbers of the grants.
    pub(crate) async fn granted(&self, form: Form) -> Vec<String> {
        let no = self.to_provider(form).await;
        let answer = self.part("shen", &no, 1, Verdict::Approve, "", Proposal::default()).await.unwrap();
        if answer.grants.is_empty() {
            return self.part("chen", &no, 1, Verdict::Approve, "", Proposal::default()).await.unwrap().grants;
        }
        answer.grants
    }

    pub(crate) async fn application(&self, no: &str) -> application::Model {
        let found = application::Entity::find().filter(application::Column::No.eq(no));
        found.one(self.kernel.store.reader()).await.unwrap().unwrap()
    }

    pub(crate) async fn parts(&self, no: &str) -> Vec<part::Model> {
        let of = part::Column::ApplicationId.eq(self.application(no).await.id);
        part::Entity::find().filter(of).order_by_asc(part::Column::Seq).all(self.kernel.store.reader()).await.unwrap()
    }

    pub(crate) async fn grant(&self, no: &str) -> data_grant::Model {
        let found = data_grant::Entity::find().filter(data_grant::Column::No.eq(no));
        found.one(self.kernel.store.reader()).await.unwrap().unwrap()
    }

    /// The last entry with this action: its outcome's code, and its text.
    pub(crate) async fn entry(&self, action: &str) -> (Option<String>, String) {
        let found = audit::Entity::find().filter(audit::Column::Action.eq(action)).order_by_desc(audit::Column::Id);
        let row = found.one(self.kernel.store.reader()).await.unwrap().unwrap();
        (row.code, row.body)
    }
}

fn config(dir: &std::path::Path, clock: Arc<ManualClock>) -> HouseConfig {
    let origin = Origin::parse("hufu.test/ledger").unwrap();
    let mut migrations = hufu_identity::migrations::migrations();
    migrations.extend(hufu_catalog::migrations());
    migrations.extend(hufu_sharing::migrations());
    HouseConfig {
        directory: dir.join("house"),
        database: None,
        ledger: None,
        signers: vec![NoteSigner::new(&origin, SigningKey::from_hex(Algorithm::Ed25519, &"07".repeat(32)).unwrap())],
        origin,
        sequencer: SequencerConfig::default(),
        clock,
        rules: Rules::embedded().unwrap(),
        policies: vec![hufu_identity::POLICY, hufu_catalog::POLICY, hufu_sharing::POLICY],
        migrations,
        names: ActionNames::new(),
        facts: Facts::new(),
        desk: Desk::default(),
    }
}

/// Invented people: 20,000 rows, so that a stream has several batches.
fn csv() -> String {
    let mut text = String::from("xm,sfzh,lxdh,bzlb,bzzt,bz\n");
    for row in 0..20_000 {
        let kind = if row % 2 == 0 { "城市低保" } else { "农村低保" };
        text.push_str(&format!("王某{row},330102199001{row:06},1380000{:04},{kind},在保,备注{row}\n", row % 10_000));
    }
    text
}

fn name_of(login: &str) -> &'static str {
    match login {
        "lin" => "某林",
        "lin2" => "某霖",
        "wang" => "某王",
        "shen" => "某沈",
        "chen" => "某陈",
        "mei" => "某梅",
        "guan" => "某顾",
        "zhou" => "某周",
        "deng" => "某邓",
        _ => "某甲",
    }
}

pub(crate) fn spec(name: &str, title: &str, kind: &str, grade: &str) -> FieldSpec {
    FieldSpec {
        name: name.into(),
        title: title.into(),
        data_type: DataType::Text,
        length: None,
        key: false,
        kind: Some(kind.into()),
        grade: Some(grade.into()),
        sensitive: false,
    }
}

fn low_income() -> Vec<FieldSpec> {
    let mut ungraded = spec("bz", "备注", "text", "L2");
    ungraded.grade = None;
    vec![
        spec("xm", "姓名", "name", "L3"),
        spec("sfzh", "公民身份号码", "id_card", "L3"),
        spec("lxdh", "联系电话", "mobile", "L3"),
        spec("bzlb", "保障类别", "text", "L1"),
        spec("bzzt", "保障状态", "text", "L1"),
        ungraded,
    ]
}

fn institutions() -> Vec<FieldSpec> {
    vec![spec("mc", "机构名称", "text", "L1"), spec("dz", "机构地址", "address", "L1")]
}

/// The code of a refusal, for assertions.
pub(crate) fn code<T: std::fmt::Debug>(result: Result<T>) -> &'static str {
    result.map_err(|error: Error| error.code()).unwrap_err()
}
