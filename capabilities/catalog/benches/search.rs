//! Search over 100,000 entries: time per query, facets counted, on a store and index of its own.
//!
//! `cargo bench -p hufu-catalog --bench search [-- entries]`

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use hufu_catalog::commands::seed_resources::{Batch, NewResource, SeedResources};
use hufu_catalog::model::class::Class;
use hufu_catalog::model::codes::National;
use hufu_catalog::model::field::FieldSpec;
use hufu_catalog::model::metadata::{Metadata, SharingTerms};
use hufu_catalog::model::scheme::Scheme;
use hufu_catalog::model::state::State;
use hufu_catalog::model::terms::{Cycle, DataType, ResourceKind, Sharing, THEMES};
use hufu_catalog::search::{Facet, Search, Wanted};
use hufu_catalog::{POLICY, migrations};
use hufu_kernel::actor::{UnitLevel, UnitRef};
use hufu_kernel::audit::Sequencer;
use hufu_kernel::command::{Ctx, Kernel, run};
use hufu_kernel::policy::Policy;
use hufu_kernel::store::Store;
use hufu_kernel::time::{SystemClock, Timestamp};
use hufu_kernel::unit::{self, NewUnit, UnitKind};

const ENTRIES: usize = 100_000;
const ROUNDS: usize = 25;
const LIMIT: Duration = Duration::from_millis(50);
const BATCH: usize = 10_000;

const OBJECTS: &[&str] = &["低保对象", "婚姻登记", "常住人口", "企业登记", "不动产登记", "养老保险参保", "医疗救助", "学籍", "车辆", "核酸检测", "疫苗接种", "建筑许可", "排污许可", "食品经营许可", "社会组织", "残疾人", "退役军人", "公积金缴存", "道路运输", "地质灾害点"];
const ASPECTS: &[&str] = &["基本信息", "变更记录", "核验服务", "统计台账", "年度报告", "办理结果", "空间分布", "状态查询", "处罚信息", "名录"];
const QUERIES: &[&str] = &["低保", "婚姻登记", "基本信息", "信息", "信", "核酸检测 结果", "养老保险", "许可", "公民身份号码", "sfzh", "3050120001/000123", "305012", "残疾人 名录", "第77号", "道路运输处罚信息", "不存在词", "市第三局 疫苗", "", "退役军人年度报告", "地质灾害点空间分布"];

#[derive(Debug, Default)]
struct Memory(Mutex<u64>);

#[async_trait::async_trait]
impl Sequencer for Memory {
    async fn append(&self, _: Vec<u8>) -> hufu_kernel::error::Result<u64> {
        Ok(self.0.lock().map(|mut count| { *count += 1; *count - 1 }).unwrap_or_default())
    }
}

type AnyError = Box<dyn std::error::Error>;

#[tokio::main]
async fn main() -> Result<(), AnyError> {
    let entries = std::env::args().skip(1).find_map(|arg| arg.parse().ok()).unwrap_or(ENTRIES);
    let dir = tempfile::tempdir()?;
    let kernel = house(dir.path()).await?;
    let started = Instant::now();
    fill(&kernel, entries).await?;
    println!("seeded {entries} entries in {:.1?}", started.elapsed());
    let search = Search::open(dir.path())?;
    let started = Instant::now();
    search.catch_up(kernel.store.reader()).await?;
    println!("indexed in {:.1?}", started.elapsed());
    let p99 = measure(&search)?;
    if p99 > LIMIT {
        return Err(format!("p99 {p99:.1?} is over {LIMIT:?}").into());
    }
    Ok(())
}

fn measure(search: &Search) -> Result<Duration, AnyError> {
    println!("{:<28}{:>9}{:>10}{:>10}", "query", "matches", "p50 ms", "p99 ms");
    let mut all = Vec::new();
    for query in QUERIES {
        for narrowed in [false, true] {
            let mut wanted = Wanted { text: (*query).into(), ..Wanted::default() };
            if narrowed {
                wanted.chosen.insert(Facet::Kind, vec!["table".into()]);
                wanted.chosen.insert(Facet::Grade, vec!["L3".into(), "L4".into()]);
            }
            let mut times = Vec::with_capacity(ROUNDS);
            let mut total = 0;
            for _ in 0..ROUNDS {
                let started = Instant::now();
                total = search.find_now(&wanted)?.total;
                times.push(started.elapsed());
            }
            let mark = if narrowed { "库表 L3–L4" } else { "" };
            let ms = |time: Duration| time.as_secs_f64() * 1e3;
            println!("{:<28}{total:>9}{:>10.2}{:>10.2}", format!("「{query}」{mark}"), ms(at(&mut times, 50)), ms(at(&mut times, 99)));
            all.extend(times);
        }
    }
    let p99 = at(&mut all, 99);
    println!("all {} queries: p50 {:.2?}, p99 {p99:.2?}, limit {LIMIT:?}", all.len(), at(&mut all, 50));
    Ok(p99)
}

fn at(times: &mut [Duration], percent: usize) -> Duration {
    times.sort();
    times.get((times.len() * percent / 100).min(times.len().saturating_sub(1))).copied().unwrap_or_default()
}

async fn house(dir: &std::path::Path) -> Result<Kernel, AnyError> {
    let store = Store::open_embedded(dir).await?;
    store.migrate(&hufu_kernel::schema::migrations()).await?;
    store.migrate(&migrations()).await?;
    Ok(Kernel {
        store,
        policy: Policy::load(&[POLICY])?,
        clock: Arc::new(SystemClock),
        sequencer: Arc::new(Memory::default()),
        events: tokio::sync::broadcast::channel(8).0,
    })
}

async fn fill(kernel: &Kernel, entries: usize) -> Result<(), AnyError> {
    let now = Timestamp::from_millis(1_795_136_400_000);
    let mut units = Vec::new();
    let tx = kernel.store.begin().await?;
    for at in 0..60 {
        let new = NewUnit {
            code: format!("u{at}"),
            name: format!("市第{at}局"),
            kind: UnitKind::Department,
            level: UnitLevel::City,
            parent: units.first().cloned(),
            sort: at,
        };
        units.push(unit::insert(tx.db(), new).await?);
    }
    tx.commit().await?;
    let ctx = Ctx::system(now, "bench");
    let numbers: Vec<usize> = (0..entries).collect();
    for some in numbers.chunks(BATCH) {
        let batch = Batch {
            state: State::Published,
            by: "bench".into(),
            now,
            codes: Arc::new(National),
            scheme: Arc::new(Scheme::built_in()),
        };
        let new = some.iter().map(|at| entry(*at, &units)).collect();
        run(kernel, &ctx, SeedResources { batch, new }).await?;
    }
    Ok(())
}

fn pick<T: Clone>(from: &[T], at: usize) -> Option<T> {
    from.get(at % from.len().max(1)).cloned()
}

fn entry(at: usize, units: &[UnitRef]) -> NewResource {
    let object = pick(OBJECTS, at).unwrap_or_default();
    let aspect = pick(ASPECTS, at / OBJECTS.len()).unwrap_or_default();
    let name = format!("{object}{aspect}（第{}号）", at / 200);
    let metadata = Metadata {
        summary: format!("{name}，含{object}的登记、变更与办理情况，按{aspect}口径整理，供部门依法履职使用。"),
        name,
        class: Class { code: "3050120001".into(), ..Class::default() },
        provider_code: "11330000002480001A".into(),
        kind: pick(ResourceKind::ALL, at / 7).unwrap_or(ResourceKind::Table),
        terms: SharingTerms {
            sharing: Sharing::Conditional,
            scope: "市级部门".into(),
            purpose: "依法履职".into(),
            ..SharingTerms::default()
        },
        cycle: pick(Cycle::ALL, at / 3).unwrap_or(Cycle::Daily),
        theme: pick(THEMES, at / 5).unwrap_or_default().into(),
        ..Metadata::default()
    };
    let field = |name: &str, title: &str, grade: usize| FieldSpec {
        name: name.into(),
        title: title.into(),
        data_type: DataType::Text,
        length: Some(30),
        key: false,
        kind: None,
        grade: Some(format!("L{}", grade % 4 + 1)),
        sensitive: false,
    };
    let fields = vec![field("xm", "姓名", at), field("sfzh", "公民身份号码", at), field("djrq", "登记日期", 0), field("bljg", "办理结果", 0)];
    // Units are never empty: `fill` makes them first.
    let unit = pick(units, at / 11).unwrap_or_else(|| UnitRef {
        id: hufu_kernel::ids::UnitId::generate(),
        code: String::new(),
        name: String::new(),
        path: "/".into(),
        level: UnitLevel::City,
    });
    NewResource { unit, metadata, fields, mount: None, at: None }
}
