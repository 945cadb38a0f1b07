//! What an operator states about a source.

use hufu_gate::source::SourceKind;
use hufu_gate::source::config::{DeclaredColumn, DeclaredType};
use hufu_kernel::error::FieldError;

const TEXT_CHARS_MAX: usize = 200;
const PATH_CHARS_MAX: usize = 1000;
const DECLARED_MAX: usize = 2000;

/// A source as it is stated; `password` absent keeps the one that is stored.
#[derive(Clone, Default, serde::Deserialize)]
#[serde(default)]
pub struct SourceSpec {
    pub name: String,
    pub system: String,
    pub mlps_level: String,
    pub kind: String,
    pub host: String,
    pub port: Option<i32>,
    pub database: String,
    pub user: String,
    pub password: Option<String>,
    /// `off`, `encrypt`, `verify`.
    pub tls: String,
    pub path: String,
    pub declared: Vec<Declared>,
}

/// The type of a column in a file that carries none.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Declared {
    pub table: String,
    pub column: String,
    /// `integer`, `decimal(12,2)`, `float`, `boolean`, `date`, `timestamp`, `text`.
    #[serde(rename = "type")]
    pub as_type: String,
}

/// Says neither address nor password.
impl std::fmt::Debug for SourceSpec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SourceSpec").field("name", &self.name).field("kind", &self.kind).finish_non_exhaustive()
    }
}

/// How a kind is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    Server { usual_port: i32 },
    Path,
}

pub fn reach(kind: SourceKind) -> Reach {
    match kind {
        SourceKind::Postgres => Reach::Server { usual_port: 5432 },
        SourceKind::Mysql => Reach::Server { usual_port: 3306 },
        SourceKind::Sqlite | SourceKind::Csv | SourceKind::Json | SourceKind::Xlsx | SourceKind::Parquet => Reach::Path,
    }
}

impl SourceSpec {
    /// Everything that is wrong, at once.
    pub fn faults(&self) -> Vec<FieldError> {
        let mut faults = Vec::new();
        let mut need = |field: &str, right: bool, text: &str| {
            if !right {
                faults.push(FieldError::new(field, text));
            }
        };
        let short = |text: &str| text.chars().count() <= TEXT_CHARS_MAX;
        need("name", !self.name.trim().is_empty() && short(&self.name), "请填写数据源名称，不超过 200 个字");
        need("system", short(&self.system), "所属系统不超过 200 个字");
        need("mlps_level", short(&self.mlps_level), "等保级别不超过 200 个字");
        let kind = crate::store::source::parse_kind(&self.kind);
        need("kind", kind.is_some(), "请选择数据源类型");
        match kind.map(reach) {
            Some(Reach::Server { .. }) => {
                need("host", is_host(&self.host), "请填写主机名或 IP 地址，不含端口和路径");
                need("port", self.port.is_none_or(|port| (1..=65_535).contains(&port)), "端口须在 1 至 65535 之间");
                need("database", !self.database.is_empty() && short(&self.database), "请填写数据库名");
                need("user", !self.user.is_empty() && short(&self.user), "请填写用户名");
                need("tls", matches!(self.tls.as_str(), "" | "off" | "encrypt" | "verify"), "请选择传输加密方式");
            }
            Some(Reach::Path) => {
                let length = self.path.chars().count();
                need("path", (1..=PATH_CHARS_MAX).contains(&length), "请填写文件或目录的路径");
            }
            None => {}
        }
        let types_hold = self.declared.iter().all(|declared| declared.parse().is_some());
        need("declared", self.declared.len() <= DECLARED_MAX && types_hold, "列类型声明有误");
        faults
    }
}

impl Declared {
    pub fn parse(&self) -> Option<DeclaredColumn> {
        let as_type = match self.as_type.as_str() {
            "text" => DeclaredType::Text,
            "integer" => DeclaredType::Integer,
            "float" => DeclaredType::Float,
            "boolean" => DeclaredType::Boolean,
            "date" => DeclaredType::Date,
            "timestamp" => DeclaredType::Timestamp,
            other => {
                let inner = other.strip_prefix("decimal(")?.strip_suffix(')')?;
                let (precision, scale) = inner.split_once(',')?;
                DeclaredType::Decimal { precision: precision.trim().parse().ok()?, scale: scale.trim().parse().ok()? }
            }
        };
        Some(DeclaredColumn { table: self.table.clone(), column: self.column.clone(), as_type })
    }
}

fn is_host(host: &str) -> bool {
    (1..=253).contains(&host.len())
        && host.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '_'))
}
