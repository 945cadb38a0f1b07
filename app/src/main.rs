//! The binary `hufu`: command line, server assembly, demo city. It contains no rule.

mod assembly;
mod cli;
mod config;
mod demo;
mod keys;
mod ledger_command;

use std::process::ExitCode;

use clap::Parser as _;

use crate::cli::{Cli, Command};

/// How a command ended; the contract of exit codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    Done = 0,
    /// Done, and something was found.
    Found = 1,
    Failed = 4,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let exit = match run(cli.command) {
        Ok(exit) => exit,
        Err(error) => {
            eprintln!("hufu: {error:#}");
            Exit::Failed
        }
    };
    ExitCode::from(exit as u8)
}

fn run(command: Command) -> anyhow::Result<Exit> {
    match command {
        Command::Ledger { command } => ledger_command::run(command),
        Command::Demo(_) | Command::Init(_) | Command::Migrate(_) | Command::Serve(_) | Command::Check(_) => {
            anyhow::bail!("not built in yet")
        }
    }
}
