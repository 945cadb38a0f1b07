//! `hufu demo`: the invented city 云江市. All its people are synthetic.

pub(crate) mod accounts;
pub(crate) mod applications;
pub(crate) mod city;
pub(crate) mod entries;
pub(crate) mod epidemic;
pub(crate) mod people;
pub(crate) mod seed;
pub(crate) mod tables;

use std::path::Path;

use anyhow::{Context as _, Result};
use hufu_kernel::actor::Role;
use hufu_kernel::command::{Ctx, run};

use crate::Exit;
use crate::assembly::{City, startable};
use crate::cli::{Demo, Scale};
use crate::config::Config;
use applications::Plan;
use entries::EntryPlan;

/// Stands once the city is complete; a city without it was interrupted and is made anew.
const COMPLETE: &str = "complete";
/// Units of the small city.
const SMALL_UNITS: [&str; 17] = [
    "yj", "sjj", "swjj", "sjdhlw", "sgaj", "sminz", "srsj", "syjj", "sjyj", "szrzy", "yqzb", "qh", "qh_sj", "qh_wj", "qh_z1",
    "qh_z1_c1", "srmyy",
];
/// The small city's tables are cut to this part, and no further than a few rows.
const SMALL_ROWS_PART: usize = 50;
const SMALL_ROWS_MIN: usize = 40;
const SMALL_FILES: usize = 60;

pub(crate) async fn run_demo(demo: Demo) -> Result<Exit> {
    let config = Config::demo(&demo);
    if demo.reset || !demo.dir.join(COMPLETE).exists() {
        clear(&demo.dir)?;
        make(&config, demo.scale).await?;
    }
    if demo.init_only {
        return Ok(Exit::Done);
    }
    announce(&demo)?;
    crate::serve::serve(&config).await
}

/// Throws away what the demo itself made, and nothing else that may lie in the directory.
fn clear(dir: &Path) -> Result<()> {
    for name in ["hufu.db", "hufu.db-wal", "hufu.db-shm", "accounts.json", "ledger.keys", COMPLETE] {
        match std::fs::remove_file(dir.join(name)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error).context(name),
            Ok(()) | Err(_) => {}
        }
    }
    for name in ["ledger", "keys", "files", "index", "search", "sources"] {
        match std::fs::remove_dir_all(dir.join(name)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error).context(name),
            Ok(()) | Err(_) => {}
        }
    }
    Ok(())
}

async fn make(config: &Config, scale: Scale) -> Result<()> {
    eprintln!("正在建立演示城市“云江市”（个人信息均为合成数据）…");
    std::fs::create_dir_all(&config.dir)?;
    let plans = plans(scale);
    let sources_dir = config.dir.join("sources");
    let writing = {
        let (dir, plans) = (sources_dir.clone(), plans.clone());
        tokio::task::spawn_blocking(move || tables::write(&dir, &plans))
    };
    let city = City::open(config).await?;
    let kernel = city.house.kernel.clone();
    let ctx = Ctx::system(kernel.clock.now(), "demo");
    let founders = accounts::found(&city, &ctx).await?;
    run(&kernel, &ctx, seed::SeedUnits(units(scale))).await.map_err(startable)?;
    let listed = accounts::named(&city, &founders).await?;
    writing.await??;
    let operator = applications::holder(&city, &founders, "yj", Role::R6).await?;
    let sources = seed::sources(&city, &operator, &sources_dir, &plans).await?;
    let ids = seed::entries(&city, &ctx, &plans, &sources).await?;
    city.catalog.search().catch_up(kernel.store.reader()).await.map_err(startable)?;
    let with_rows: Vec<_> = ids.into_iter().zip(&plans).filter(|(_, plan)| plan.rows > 0).map(|(id, _)| id).collect();
    let plan = match scale {
        Scale::Small => Plan { applications: 12, fields: 78 },
        Scale::City => Plan { applications: 523, fields: 3_330 },
    };
    applications::seed(&city, &founders, &with_rows, plan).await?;
    city.house.shutdown().await.map_err(startable)?;
    accounts::write(&config.dir.join("accounts.json"), &listed)?;
    std::fs::write(config.dir.join(COMPLETE), b"")?;
    Ok(())
}

fn units(scale: Scale) -> Vec<city::UnitPlan> {
    let all = city::units();
    match scale {
        Scale::City => all,
        Scale::Small => all.into_iter().filter(|unit| SMALL_UNITS.contains(&unit.code.as_str())).collect(),
    }
}

fn plans(scale: Scale) -> Vec<EntryPlan> {
    let all = entries::entries();
    match scale {
        Scale::City => all,
        Scale::Small => {
            let here = |plan: &EntryPlan| SMALL_UNITS.contains(&plan.unit);
            let (tables, others): (Vec<_>, Vec<_>) = all.into_iter().filter(here).partition(|plan| plan.rows > 0);
            let cut = |plan: EntryPlan| EntryPlan { rows: (plan.rows / SMALL_ROWS_PART).max(SMALL_ROWS_MIN), ..plan };
            tables.into_iter().map(cut).chain(others.into_iter().take(SMALL_FILES)).collect()
        }
    }
}

/// Says where the city is and who can go in.
fn announce(demo: &Demo) -> Result<()> {
    let file = demo.dir.join("accounts.json");
    let listed: Vec<serde_json::Value> = serde_json::from_reader(std::fs::File::open(&file)?)?;
    println!("虎符演示城市“云江市”——个人信息均为合成数据，第二因素认证已关闭，仅供演示\n");
    println!("  页面与接口  http://{}", demo.listen);
    println!("  SQL         psql -h {} -p {} -U <账号> hufu   （口令为令牌）", demo.sql.ip(), demo.sql.port());
    println!("  账号与令牌  {}\n", file.display());
    println!("  {:<14}{:<8}{:<10}{}", "账号", "角色", "单位", "姓名");
    for one in listed {
        let text = |key: &str| one.get(key).and_then(serde_json::Value::as_str).unwrap_or_default().to_owned();
        println!("  {:<16}{:<10}{:<12}{}", text("account"), text("role"), text("unit"), text("name"));
    }
    println!("\n  所有账号的登录口令：{}\n", accounts::PASSWORD);
    Ok(())
}
