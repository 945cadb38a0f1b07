//! Authorize and plan one statement with 10,000 grants in the store: 500 accounts with 20 grants each.
//!
//! `cargo bench -p hufu-sharing --bench authorize [-- grants]`. Exits with 1 when the median is above 3 ms.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hufu_catalog::commands::create_source::CreateSource;
use hufu_catalog::model::field::FieldSpec;
use hufu_catalog::model::metadata::Metadata;
use hufu_catalog::model::source::SourceSpec;
use hufu_catalog::model::state::State as EntryState;
use hufu_catalog::model::terms::DataType;
use hufu_catalog::store::{field, resource};
use hufu_crypto::{Algorithm, KeyId, KeyRing, Profile, SigningKey};
use hufu_gate::{Gate, GateConfig, describe};
use hufu_identity::Vault;
use hufu_kernel::actor::{Actor, Role, UnitLevel, UnitRef};
use hufu_kernel::audit::ActionNames;
use hufu_kernel::command::{Ctx, run};
use hufu_kernel::facts::{Desk, Facts};
use hufu_kernel::house::{House, HouseConfig};
use hufu_kernel::ids::{AccountId, GrantId, ResourceId};
use hufu_kernel::ledger::SequencerConfig;
use hufu_kernel::rules::Rules;
use hufu_kernel::time::{Clock, SystemClock};
use hufu_kernel::unit::{self, NewUnit, UnitKind};
use hufu_ledger::{NoteSigner, Origin};
use hufu_sharing::model::grant::State;
use hufu_sharing::model::way::Way;
use hufu_sharing::store::grants::{self, NewField, NewGrant};
use hufu_sharing::store::rows::data_grant;
use hufu_sharing::{LedgerRecorder, Service, Sharing};
use sea_orm::Set;

const GRANTS: usize = 10_000;
const PER_ACCOUNT: usize = 20;
const ROUNDS: usize = 4_000;
const LIMIT: Duration = Duration::from_millis(3);

type AnyError = Box<dyn std::error::Error>;

#[tokio::main]
async fn main() -> Result<(), AnyError> {
    let wanted = std::env::args().skip(1).find_map(|arg| arg.parse().ok()).unwrap_or(GRANTS);
    let dir = tempfile::tempdir()?;
    let city = City::build(dir.path(), wanted).await?;
    let mut cold = city.measure(city.people.len()).await?;
    let mut warm = city.measure(ROUNDS).await?;
    let median = percentile(&mut warm, 50);
    println!("| what | p50 | p95 | p99 |");
    println!("|---|---|---|---|");
    row("first statement of an account", &mut cold);
    row("authorize + plan", &mut warm);
    println!("\n{wanted} grants, {} accounts, {ROUNDS} statements", city.people.len());
    if median > LIMIT {
        return Err(format!("the median {median:?} is above {LIMIT:?}").into());
    }
    Ok(())
}

fn row(what: &str, times: &mut [Duration]) {
    let [p50, p95, p99] = [50, 95, 99].map(|part| percentile(times, part));
    println!("| {what} | {p50:.2?} | {p95:.2?} | {p99:.2?} |");
}

fn percentile(times: &mut [Duration], part: usize) -> Duration {
    times.sort();
    times.get(times.len() * part / 100).copied().unwrap_or_default()
}

struct City {
    service: Service,
    people: Vec<Actor>,
}

impl City {
    async fn build(dir: &Path, wanted: usize) -> Result<Self, AnyError> {
        let house = House::open(config(dir)?).await?;
        let vault = Vault::new(Arc::new(KeyRing::generate(KeyId::parse("bench")?, Profile::Sm, &mut rand::rng())), Profile::Sm);
        let rows = dir.join("rows");
        std::fs::create_dir(&rows)?;
        std::fs::write(rows.join("rows.csv"), "xm,sfzh,bzlb\n王某,330102199001010011,城市低保\n")?;
        let setup = hufu_catalog::Setup {
            kernel: house.kernel.clone(),
            vault: vault.clone(),
            data: dir.join("search"),
            file_roots: vec![rows.clone()],
            codes: Arc::new(hufu_catalog::model::codes::ByProvider),
            scheme: hufu_catalog::model::scheme::Scheme::built_in(),
        };
        let sharing = Arc::new(Sharing::new("d809", vault)?);
        let recorder = Arc::new(LedgerRecorder::new(house.kernel.clone()));
        let gate = Gate::new(&GateConfig::default(), recorder, Arc::new(|| SystemClock.now().utc()), b"bench")?;
        let service = Service::new(house.kernel.clone(), sharing, hufu_catalog::Catalog::new(setup)?, Arc::new(gate));
        let (asker, provider) = units(&service).await?;
        let resources = resources(&service, &provider, &rows).await?;
        let people: Vec<Actor> = (0..wanted.div_ceil(PER_ACCOUNT)).map(|n| person(n, &asker, Role::R4)).collect();
        fill(&service, &people, &resources, &provider, wanted).await?;
        Ok(Self { service, people })
    }

    /// One statement per round, another account each time.
    async fn measure(&self, rounds: usize) -> Result<Vec<Duration>, AnyError> {
        let mut times = Vec::with_capacity(rounds);
        for (round, actor) in (0..rounds).zip(self.people.iter().cycle()) {
            let ctx = ctx(actor);
            let sql = format!("SELECT xm, bzlb FROM mzj.r{} WHERE bzlb = '城市低保' LIMIT 10", round % PER_ACCOUNT);
            let started = Instant::now();
            let mandated = self.service.mandate(&ctx, Way::Sql, None).await?;
            describe(&self.service.gate, mandated.mandate, &sql).await?;
            times.push(started.elapsed());
        }
        Ok(times)
    }
}

fn config(dir: &Path) -> Result<HouseConfig, AnyError> {
    let origin = Origin::parse("hufu.bench/ledger")?;
    let mut migrations = hufu_identity::migrations::migrations();
    migrations.extend(hufu_catalog::migrations());
    migrations.extend(hufu_sharing::migrations());
    Ok(HouseConfig {
        directory: dir.join("house"),
        database: None,
        ledger: None,
        signers: vec![NoteSigner::new(&origin, SigningKey::from_hex(Algorithm::Ed25519, &"07".repeat(32))?)],
        origin,
        sequencer: SequencerConfig::default(),
        clock: Arc::new(SystemClock),
        rules: Rules::embedded()?,
        policies: vec![hufu_identity::POLICY, hufu_catalog::POLICY, hufu_sharing::POLICY],
        migrations,
        names: ActionNames::new(),
        facts: Facts::new(),
        desk: Desk::default(),
    })
}

fn person(number: usize, unit: &UnitRef, role: Role) -> Actor {
    Actor { account: AccountId::generate(), login: format!("bench{number}"), name: "某人".into(), unit: unit.clone(), roles: vec![role] }
}

fn ctx(actor: &Actor) -> Ctx {
    Ctx { actor: Some(actor.clone()), request_id: "bench".into(), client: "local".into(), now: SystemClock.now() }
}

async fn units(service: &Service) -> Result<(UnitRef, UnitRef), AnyError> {
    let tx = service.kernel.store.begin().await?;
    let new = |code: &str, kind, parent| NewUnit { code: code.into(), name: code.into(), kind, level: UnitLevel::City, parent, sort: 0 };
    let area = unit::insert(tx.db(), new("city", UnitKind::Area, None)).await?;
    unit::insert(tx.db(), new("sjj", UnitKind::Bureau, Some(area.clone()))).await?;
    let asker = unit::insert(tx.db(), new("rsj", UnitKind::Department, Some(area.clone()))).await?;
    let provider = unit::insert(tx.db(), new("mzj", UnitKind::Department, Some(area))).await?;
    tx.commit().await?;
    Ok((asker, provider))
}

async fn resources(service: &Service, provider: &UnitRef, rows: &Path) -> Result<Vec<ResourceId>, AnyError> {
    let spec = SourceSpec { name: "rows".into(), kind: "csv".into(), path: rows.display().to_string(), ..SourceSpec::default() };
    let create = CreateSource { unit: None, spec, vault: service.sharing.vault.clone() };
    let source = run(&service.kernel, &ctx(&person(0, provider, Role::R6)), create).await?.output;
    let tx = service.kernel.store.begin().await?;
    let mut ids = Vec::new();
    for number in 0..PER_ACCOUNT {
        let metadata = Metadata { name: format!("资源{number}"), table_name: format!("r{number}"), ..Metadata::default() };
        let birth = resource::Birth { code: format!("R-{number}"), unit: provider, state: EntryState::Published, by: "bench", at: SystemClock.now() };
        let mut row = resource::new_row(&metadata, birth);
        let id = ResourceId::generate();
        row.id = Set(id.clone());
        row.source_id = Set(Some(source.clone()));
        row.source_table = Set("rows".into());
        resource::insert_many(tx.db(), vec![row]).await?;
        field::replace(tx.db(), &id, &[spec_of("xm", "name", "L3"), spec_of("sfzh", "id_card", "L3"), spec_of("bzlb", "text", "L1")]).await?;
        ids.push(id);
    }
    tx.commit().await?;
    Ok(ids)
}

fn spec_of(name: &str, kind: &str, grade: &str) -> FieldSpec {
    FieldSpec { name: name.into(), title: name.into(), data_type: DataType::Text, length: None, key: false, kind: Some(kind.into()), grade: Some(grade.into()), sensitive: false }
}

async fn fill(service: &Service, people: &[Actor], resources: &[ResourceId], provider: &UnitRef, wanted: usize) -> Result<(), AnyError> {
    let now = SystemClock.now();
    let tx = service.kernel.store.begin().await?;
    let pairs = people.iter().flat_map(|person| resources.iter().map(move |resource| (person, resource)));
    for (number, (person, resource)) in (0..wanted).zip(pairs) {
        let id = GrantId::generate();
        let fields = field::of(tx.db(), resource).await?;
        let given = fields.into_iter().map(|row| NewField {
            mask: if row.grade.as_deref() == Some("L1") { "clear".into() } else { "full".into() },
            field_id: row.id,
            name: row.name,
            title: row.title,
            grade: row.grade.unwrap_or_default(),
            clear_until: None,
        });
        let row = data_grant::Model {
            no: format!("SQ-{number:06}"),
            part_id: None,
            unit_id: person.unit.id.clone(),
            provider_id: provider.id.clone(),
            resource_id: resource.clone(),
            resource_code: String::new(),
            resource_name: String::new(),
            purpose: "核验".into(),
            basis: "法".into(),
            ways: "sql".into(),
            row_scope: "bzlb = '城市低保'".into(),
            rows_per_day: 1_000_000,
            calls_per_minute: 1_000_000,
            rows_per_result: 1_000_000,
            from_at: now,
            until_at: now.plus(chrono::Duration::days(30)),
            grade_max: "L3".into(),
            state: State::Active,
            state_reason: String::new(),
            state_at: now,
            key: service.sharing.vault.seal(&format!("data_grant.key.{id}"), &[7; 32])?,
            created_at: now,
            version: 1,
            id,
        };
        let persons = vec![(person.account.clone(), person.login.clone(), person.name.clone())];
        grants::insert(&tx, NewGrant { row, persons, fields: given.collect() }).await?;
    }
    tx.commit().await?;
    Ok(())
}
