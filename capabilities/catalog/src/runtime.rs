//! The catalogue at work: store, index, codes, scheme and the sources that are open.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use hufu_gate::error::Kind as GateKind;
use hufu_gate::source::config::{Password, Place, Server, SourceConfig, Tls};
use hufu_gate::source::{Source, TableInfo};
use hufu_identity::Vault;
use hufu_kernel::actor::UnitRef;
use hufu_kernel::audit::ActionNames;
use hufu_kernel::command::{Ctx, Kernel, run};
use hufu_kernel::error::{Error, FieldError, Kind, Result};
use hufu_kernel::ids::SourceId;
use hufu_kernel::policy::Resource;

use crate::commands::create_source::password_place;
use crate::commands::record_check::{RecordCheck, Seen};
use crate::commands::record_probe::{Probed, RecordProbe, Target};
use crate::commands::{policy_source, record_check};
use crate::model::check::Column;
use crate::model::codes::CodeScheme;
use crate::model::scheme::Scheme;
use crate::model::source::{Declared, Reach, SourceSpec, reach};
use crate::search::Search;
use crate::store::source_table::{Found, FoundColumn};
use crate::store::{check, resource, source};
use crate::usage::UsageOf;

/// Tables of one source that are looked at.
const TABLES_MAX: usize = 5_000;

/// What the catalogue is set up with.
#[derive(Debug)]
pub struct Setup {
    pub kernel: Arc<Kernel>,
    pub vault: Vault,
    /// Holds the search index.
    pub data: PathBuf,
    /// Files are read below these directories only; none means no file is.
    pub file_roots: Vec<PathBuf>,
    pub codes: Arc<dyn CodeScheme>,
    pub scheme: Scheme,
}

/// Handle on the catalogue; cheap to clone.
#[derive(Clone, Debug)]
pub struct Catalog(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    kernel: Arc<Kernel>,
    vault: Vault,
    search: Search,
    file_roots: Vec<PathBuf>,
    codes: Arc<dyn CodeScheme>,
    scheme: Arc<Scheme>,
    /// Open sources with the version of their row.
    open: Mutex<HashMap<SourceId, (i32, Arc<dyn Source>)>>,
    usage: OnceLock<Arc<dyn UsageOf>>,
    names: OnceLock<ActionNames>,
}

impl Catalog {
    pub fn new(setup: Setup) -> Result<Self> {
        let search = Search::open(&setup.data)?;
        Ok(Self(Arc::new(Inner {
            kernel: setup.kernel,
            vault: setup.vault,
            search,
            file_roots: setup.file_roots,
            codes: setup.codes,
            scheme: Arc::new(setup.scheme),
            open: Mutex::default(),
            usage: OnceLock::new(),
            names: OnceLock::new(),
        })))
    }

    pub fn kernel(&self) -> &Arc<Kernel> {
        &self.0.kernel
    }

    pub fn search(&self) -> &Search {
        &self.0.search
    }

    pub fn scheme(&self) -> Arc<Scheme> {
        Arc::clone(&self.0.scheme)
    }

    pub fn codes(&self) -> Arc<dyn CodeScheme> {
        Arc::clone(&self.0.codes)
    }

    /// Hands in what sharing knows; once, when the house is assembled.
    pub fn with_usage(self, usage: Arc<dyn UsageOf>) -> Self {
        let _ = self.0.usage.set(usage);
        self
    }

    pub fn usage(&self) -> Option<&Arc<dyn UsageOf>> {
        self.0.usage.get()
    }

    /// Hands in the names of all actions, for 操作记录.
    pub fn with_names(self, names: ActionNames) -> Self {
        let _ = self.0.names.set(names);
        self
    }

    pub fn action_name(&self, action: &str) -> String {
        let own = || crate::ACTIONS.iter().find(|(known, _)| *known == action).map_or(action, |(_, name)| name);
        self.0.names.get().map_or_else(own, |names| names.name(action)).to_owned()
    }

    pub fn vault(&self) -> Vault {
        self.0.vault.clone()
    }

    /// A stored source, ready to be read; opened once per version of its row.
    pub async fn open_source(&self, id: &SourceId) -> Result<Arc<dyn Source>> {
        let row = source::find(self.0.kernel.store.reader(), id).await?;
        if row.closed_at.is_some() {
            return Err(Error::conflict("CAT-SOURCE-CLOSED", "数据源已停用"));
        }
        if let Some((version, open)) = self.cache().get(id)
            && *version == row.version
        {
            return Ok(Arc::clone(open));
        }
        let opened = hufu_gate::source::open(&self.config(&row)?).map_err(gate_error)?;
        self.cache().insert(id.clone(), (row.version, Arc::clone(&opened)));
        Ok(opened)
    }

    /// Tests what was stated before it is stored. Nobody who may not test reaches anything.
    pub async fn probe_unstored(&self, ctx: &Ctx, unit: UnitRef, spec: &SourceSpec) -> Result<Probed> {
        self.allow(ctx, "catalog.source.test", &policy_source("new", &unit))?;
        let faults = spec.faults();
        if !faults.is_empty() {
            return Err(Error::invalid(faults));
        }
        let outcome = match self.config_of(spec).and_then(|config| hufu_gate::source::open(&config).map_err(gate_error)) {
            Ok(opened) => probed(&opened).await,
            Err(error) => failed(&error),
        };
        let target = Target::Unstored { name: spec.name.clone(), unit };
        Ok(run(&self.0.kernel, ctx, RecordProbe { target, outcome }).await?.output)
    }

    /// Tests a stored source and keeps the result.
    pub async fn probe(&self, ctx: &Ctx, id: &SourceId) -> Result<Probed> {
        let row = source::find(self.0.kernel.store.reader(), id).await?;
        let unit = hufu_kernel::unit::find(self.0.kernel.store.reader(), &row.unit_id).await?.as_ref();
        self.allow(ctx, "catalog.source.test", &policy_source(id.as_str(), &unit))?;
        let outcome = match self.open_source(id).await {
            Ok(opened) => probed(&opened).await,
            Err(error) => failed(&error),
        };
        Ok(run(&self.0.kernel, ctx, RecordProbe { target: Target::Stored(id.clone()), outcome }).await?.output)
    }

    /// Tables of a source.
    pub async fn tables(&self, id: &SourceId) -> Result<Vec<TableInfo>> {
        let mut tables = self.open_source(id).await?.tables().await.map_err(gate_error)?;
        if tables.len() > TABLES_MAX {
            return Err(Error::new(Kind::TooLarge, "CAT-TABLES", format!("数据源的表超过 {TABLES_MAX} 张，请按库或模式拆分")));
        }
        tables.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(tables)
    }

    /// Columns and number of rows of one table.
    pub async fn inspect(&self, id: &SourceId, info: TableInfo) -> Result<Found> {
        let opened = self.open_source(id).await?;
        let schema = opened.describe(&info.name).await.map_err(gate_error)?;
        let rows = opened.count(&info.name).await.map_err(gate_error)?;
        let column = |column: hufu_gate::source::ColumnInfo| FoundColumn {
            name: column.name,
            native_type: column.native_type,
            nullable: column.nullable,
            primary_key: column.primary_key,
            comment: column.comment.unwrap_or_default(),
        };
        Ok(Found {
            name: info.name,
            comment: info.comment.unwrap_or_default(),
            row_count: i64::try_from(rows).ok(),
            columns: schema.columns.into_iter().map(column).collect(),
        })
    }

    /// Compares one entry with its source now, and keeps the record.
    pub async fn check(&self, ctx: &Ctx, key: &str) -> Result<check::Model> {
        let db = self.0.kernel.store.reader();
        let row = resource::find_by_key(db, key).await?;
        let unit = hufu_kernel::unit::find(db, &row.unit_id).await?.as_ref();
        self.allow(ctx, "catalog.resource.check", &crate::commands::policy_resource(row.id.as_str(), &unit, row.state))?;
        record_check::mounted(&crate::commands::Entry { row: row.clone(), unit })?;
        let seen = self.look_at(&row).await?;
        Ok(run(&self.0.kernel, ctx, RecordCheck { key: row.id.to_string(), seen }).await?.output)
    }

    /// What the source of an entry looks like now; a source that does not answer is an answer too.
    pub(crate) async fn look_at(&self, row: &resource::Model) -> Result<Seen> {
        let Some(id) = &row.source_id else {
            return Err(Error::conflict("CAT-UNMOUNTED", "目录尚未挂接资源，请先挂接"));
        };
        let read = async {
            let opened = self.open_source(id).await?;
            let schema = opened.describe(&row.source_table).await.map_err(gate_error)?;
            let rows = opened.count(&row.source_table).await.map_err(gate_error)?;
            // Text in a CSV file carries no type of its own.
            let typed = opened.kind() != hufu_gate::source::SourceKind::Csv;
            let column = |column: hufu_gate::source::ColumnInfo| {
                let untyped = !typed && crate::model::check::is_text(&column.native_type);
                let native_type = if untyped { "未标注".to_owned() } else { column.native_type };
                Column { name: column.name, native_type }
            };
            let columns = schema.columns.into_iter().map(column).collect();
            Ok::<Seen, Error>(Seen::Columns { columns, rows: i64::try_from(rows).ok() })
        };
        match read.await {
            Ok(seen) => Ok(seen),
            Err(error) if matches!(error.kind(), Kind::Internal) => Err(error),
            Err(error) => Ok(Seen::Fault(error.to_string())),
        }
    }

    /// Asks the policy outside a command, before anything is reached or shown.
    pub fn allow(&self, ctx: &Ctx, action: &str, resource: &Resource) -> Result<()> {
        let decision = self.0.kernel.policy.decide(ctx.actor()?, action, resource)?;
        if decision.allowed { Ok(()) } else { Err(Error::refused("您的角色或单位无权进行此操作")) }
    }

    fn cache(&self) -> std::sync::MutexGuard<'_, HashMap<SourceId, (i32, Arc<dyn Source>)>> {
        self.0.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How a stored source is reached; the password is opened here and nowhere else.
    fn config(&self, row: &source::Model) -> Result<SourceConfig> {
        let password = match row.password.as_str() {
            "" => None,
            sealed => {
                let clear = self.0.vault.open(&password_place(&row.id), sealed)?;
                Some(String::from_utf8(clear).map_err(Error::internal)?)
            }
        };
        let declared: Vec<Declared> = serde_json::from_str(&row.declared)?;
        self.config_of(&SourceSpec {
            name: row.name.clone(),
            system: String::new(),
            mlps_level: String::new(),
            kind: row.kind.clone(),
            host: row.host.clone(),
            port: Some(row.port),
            database: row.database_name.clone(),
            user: row.user_name.clone(),
            password,
            tls: row.tls.clone(),
            path: row.path.clone(),
            declared,
        })
    }

    fn config_of(&self, spec: &SourceSpec) -> Result<SourceConfig> {
        let unknown = || Error::invalid(vec![FieldError::new("kind", "请选择数据源类型")]);
        let kind = source::parse_kind(&spec.kind).ok_or_else(unknown)?;
        let place = match reach(kind) {
            Reach::Path => Place::Path(self.allowed(&spec.path)?),
            Reach::Server { usual_port } => Place::Server(Server {
                host: spec.host.trim().to_owned(),
                port: u16::try_from(spec.port.unwrap_or(usual_port)).map_err(Error::internal)?,
                database: spec.database.clone(),
                user: spec.user.clone(),
                password: Password::new(spec.password.clone().unwrap_or_default()),
                tls: match spec.tls.as_str() {
                    "verify" => Tls::Verify { ca: None },
                    "encrypt" => Tls::Encrypt,
                    _ => Tls::Off,
                },
            }),
        };
        Ok(SourceConfig { kind, place, declared: spec.declared.iter().filter_map(Declared::parse).collect() })
    }

    /// The real path, when it lies below an allowed directory; links and `..` are followed first.
    fn allowed(&self, path: &str) -> Result<PathBuf> {
        let outside = || {
            let text = "路径不存在，或不在允许读取的数据目录之内";
            Error::invalid(vec![FieldError::new("path", text)])
        };
        let real = Path::new(path).canonicalize().map_err(|_| outside())?;
        let below = |root: &PathBuf| root.canonicalize().is_ok_and(|root| real.starts_with(root));
        if self.0.file_roots.iter().any(below) { Ok(real) } else { Err(outside()) }
    }
}

async fn probed(opened: &Arc<dyn Source>) -> Probed {
    match opened.probe().await {
        Ok(probe) => Probed::Reached { version: probe.version, latency_ms: probe.latency_ms },
        Err(error) => failed(&gate_error(error)),
    }
}

fn failed(error: &Error) -> Probed {
    let message = match error.fields().first() {
        Some(field) => field.message.clone(),
        None => error.message().to_owned(),
    };
    Probed::Failed { code: error.code().to_owned(), message }
}

/// The gate's error as everybody else knows errors.
pub fn gate_error(error: hufu_gate::error::Error) -> Error {
    let kind = match error.kind {
        GateKind::Refused => Kind::Refused,
        GateKind::Invalid => Kind::Invalid,
        GateKind::Quota => Kind::TooMany,
        GateKind::Source | GateKind::Record => Kind::Unavailable,
        GateKind::Stopped => Kind::Conflict,
        GateKind::Internal => Kind::Internal,
    };
    let told = Error::new(kind, error.code, error.message);
    match error.internal {
        Some(cause) => told.because(cause),
        None => told,
    }
}
