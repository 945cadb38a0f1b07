//! What was typed on the command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// 虎符 Hufu: one gate, one ledger and one broom for government data.
#[derive(Debug, Parser)]
#[command(name = "hufu", version, disable_help_subcommand = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Opens the invented city 云江市 (made when absent)
    Demo(Demo),
    /// Makes a new house: keys, store, the first system administrator and the first security manager
    Init(Init),
    /// Brings the store's schema up to date
    Migrate(Configured),
    /// Serves pages, API and SQL
    Serve(Configured),
    /// Looks at store, ledger and keys and says what is wrong
    Check(Configured),
    /// Verifies, proves and exports what stands on the ledger
    Ledger {
        #[command(subcommand)]
        command: Ledger,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// Where the city lives
    #[arg(long, default_value = "var/demo")]
    pub(crate) dir: PathBuf,
    /// Address of pages and API
    #[arg(long, default_value = "127.0.0.1:8700")]
    pub(crate) listen: std::net::SocketAddr,
    /// Address of the SQL door
    #[arg(long, default_value = "127.0.0.1:8754")]
    pub(crate) sql: std::net::SocketAddr,
    /// How much of the city is made
    #[arg(long, value_enum, default_value_t = Scale::City)]
    pub(crate) scale: Scale,
    /// Metadata store; the embedded one when absent
    #[arg(long, value_name = "postgres://…")]
    pub(crate) store: Option<String>,
    /// Throws the old city away first
    #[arg(long)]
    pub(crate) reset: bool,
    /// Makes the city and exits
    #[arg(long)]
    pub(crate) init_only: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Scale {
    /// A few units and the epidemic tables cut short: up in seconds
    Small,
    /// 223 units, 2,211 entries, over 200,000 rows
    City,
}

#[derive(Debug, Args)]
pub(crate) struct Configured {
    #[arg(long, default_value = "hufu.toml")]
    pub(crate) config: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct Init {
    #[command(flatten)]
    pub(crate) configured: Configured,
    /// Log-in name of the first system administrator (R8)
    #[arg(long)]
    pub(crate) administrator: String,
    /// Chinese name of the first system administrator
    #[arg(long)]
    pub(crate) administrator_name: String,
    /// Log-in name of the first security manager (R1)
    #[arg(long)]
    pub(crate) security: String,
    /// Chinese name of the first security manager
    #[arg(long)]
    pub(crate) security_name: String,
    /// Name of the city's government
    #[arg(long)]
    pub(crate) city: String,
    /// Code of the city's government
    #[arg(long)]
    pub(crate) area_code: String,
    /// Name of its data bureau
    #[arg(long)]
    pub(crate) bureau: String,
    /// Code of its data bureau
    #[arg(long)]
    pub(crate) bureau_code: String,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Ledger {
    /// Recomputes everything from the entries, offline, and says which byte was touched
    Verify(LedgerPlace),
    /// Like verify, and also finds what a crash left half-done
    Fsck(LedgerPlace),
    /// Prints the proof of one entry as a tlog-proof
    Prove {
        index: u64,
        #[command(flatten)]
        place: LedgerPlace,
    },
    /// Prints entries, one JSON document per line
    Export {
        #[arg(long, default_value_t = 0)]
        from: u64,
        /// First index no longer printed
        #[arg(long)]
        to: Option<u64>,
        #[command(flatten)]
        place: LedgerPlace,
    },
}

#[derive(Debug, Args)]
pub(crate) struct LedgerPlace {
    /// Directory of the ledger, or http address under which its tiles are served
    #[arg(long, default_value = "var/demo/ledger")]
    pub(crate) ledger: String,
    /// Verifier keys, one per line; else those beside the ledger
    #[arg(long)]
    pub(crate) keys: Option<PathBuf>,
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    Text,
    Json,
}
