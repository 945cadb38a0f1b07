//! The binary `hufu`: command line, server assembly, demo city. It contains no rule.

mod assembly;
mod cli;
mod config;
mod demo;
mod health;
mod keys;
mod ledger_command;
mod serve;
mod sql_door;

use std::process::ExitCode;

use anyhow::Result;
use clap::Parser as _;

use crate::assembly::{City, startable};
use crate::cli::{Cli, Command, Configured, Init};
use crate::config::Config;

/// How a command ended; the contract of exit codes. Wrong use is 2, which the argument parser gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    Done = 0,
    /// Done, and something was found.
    Found = 1,
    Failed = 4,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let filter = tracing_subscriber::EnvFilter::try_from_env("HUFU_LOG").unwrap_or_else(|_| "warn,hufu=info".into());
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    let exit = run(cli.command).unwrap_or_else(|error| {
        eprintln!("hufu: {error:#}");
        Exit::Failed
    });
    ExitCode::from(exit as u8)
}

fn run(command: Command) -> Result<Exit> {
    let command = match command {
        Command::Ledger { command } => return ledger_command::run(command),
        other => other,
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        match command {
            Command::Demo(demo) => demo::run_demo(demo).await,
            Command::Init(init) => found(init).await,
            Command::Serve(configured) => serve::serve(&Config::read(&configured.config)?).await,
            Command::Migrate(configured) => migrate(&configured).await,
            Command::Check(configured) => check(&configured).await,
            Command::Ledger { command } => ledger_command::run(command),
        }
    })
}

/// Opening migrates; there is nothing else to do.
async fn migrate(configured: &Configured) -> Result<Exit> {
    let city = City::open(&Config::read(&configured.config)?).await?;
    city.house.shutdown().await.map_err(startable)?;
    Ok(Exit::Done)
}

async fn check(configured: &Configured) -> Result<Exit> {
    let city = City::open(&Config::read(&configured.config)?).await?;
    let found = city.house.verify().await.map_err(startable)?;
    for fault in &found.report.faults {
        println!("有误：{fault}");
    }
    for difference in &found.differences {
        println!("有误：{difference}");
    }
    println!("{}：账本记录 {} 条", if found.is_sound() { "正常" } else { "发现问题" }, found.report.entries);
    city.house.shutdown().await.map_err(startable)?;
    Ok(if found.is_sound() { Exit::Done } else { Exit::Found })
}

async fn found(init: Init) -> Result<Exit> {
    let config = Config::read(&init.configured.config)?;
    let city = City::open(&config).await?;
    let person = |login: &str, name: &str| hufu_identity::model::account::PersonInput {
        login: login.to_owned(),
        name: name.to_owned(),
        phone: String::new(),
        vendor: String::new(),
        vendor_until: String::new(),
    };
    let plan = hufu_identity::InitPlan {
        level: hufu_kernel::actor::UnitLevel::City,
        area: (init.area_code, init.city.clone()),
        bureau: (init.bureau_code, init.bureau),
        administrator: person(&init.administrator, &init.administrator_name),
        manager: person(&init.security, &init.security_name),
    };
    let ctx = hufu_kernel::command::Ctx::system(city.house.kernel.clock.now(), "init");
    let made = hufu_identity::init(&city.house.kernel, &city.identity.passwords, &ctx, plan).await.map_err(startable)?;
    println!("首任系统管理员 {}，初始口令 {}", made.administrator.login, made.administrator_password);
    println!("首任数据安全管理员 {}，初始口令 {}", made.manager.login, made.manager_password);
    println!("口令只显示这一次，首次登录须修改。");
    city.house.shutdown().await.map_err(startable)?;
    Ok(Exit::Done)
}
