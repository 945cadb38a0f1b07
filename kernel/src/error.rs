//! One transport-free error for everything above the engines.
//!
//! `message` is for people, in Chinese, without any personal value; the cause is for the log and is never shown.

/// Result of everything in the kernel and the capabilities.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong, for people (code and message) and for the log (cause).
#[derive(Debug)]
pub struct Error {
    kind: Kind,
    code: &'static str,
    message: String,
    fields: Vec<FieldError>,
    cause: Option<Box<dyn std::error::Error + Send + Sync>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Input is wrong; `fields` says where.
    Invalid,
    Unauthenticated,
    /// The actor may not do this.
    Refused,
    NotFound,
    /// Somebody else was faster, or the state does not allow it.
    Conflict,
    TooLarge,
    TooMany,
    /// A source, a disk or a peer does not answer now.
    Unavailable,
    Internal,
}

/// One wrong input, shown beside its field.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct FieldError {
    pub field: String,
    pub message: String,
}

impl FieldError {
    pub fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { field: field.into(), message: message.into() }
    }
}

impl Error {
    pub fn new(kind: Kind, code: &'static str, message: impl Into<String>) -> Self {
        Self { kind, code, message: message.into(), fields: Vec::new(), cause: None }
    }

    /// Wrong input, with every wrong field at once.
    pub fn invalid(fields: Vec<FieldError>) -> Self {
        Self { fields, ..Self::new(Kind::Invalid, "HF-INVALID", "填写有误，请按提示修改后再提交") }
    }

    pub fn refused(message: impl Into<String>) -> Self {
        Self::new(Kind::Refused, "HF-REFUSED", message)
    }

    pub fn unauthenticated() -> Self {
        Self::new(Kind::Unauthenticated, "HF-LOGIN", "请先登录")
    }

    pub fn not_found(what: &str) -> Self {
        Self::new(Kind::NotFound, "HF-NOT-FOUND", format!("{what}不存在，或不在您可查看的范围内"))
    }

    /// The object changed since the reader saw it.
    pub fn stale() -> Self {
        Self::new(Kind::Conflict, "HF-STALE", "内容已被他人更新，请刷新后再操作")
    }

    pub fn conflict(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(Kind::Conflict, code, message)
    }

    pub fn unavailable(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(Kind::Unavailable, code, message)
    }

    pub fn internal(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::new(Kind::Internal, "HF-INTERNAL", "系统内部错误，请稍后再试；如仍出现，请将事件编号告知运维人员")
            .because(cause)
    }

    /// Keeps the cause for the log.
    pub fn because(mut self, cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.cause = Some(cause.into());
        self
    }

    pub fn kind(&self) -> Kind {
        self.kind
    }

    pub fn code(&self) -> &'static str {
        self.code
    }

    pub fn message(&self) -> &str {
        &self.message
    }

    pub fn fields(&self) -> &[FieldError] {
        &self.fields
    }

    /// For the log only.
    pub fn cause(&self) -> Option<&(dyn std::error::Error + Send + Sync)> {
        self.cause.as_deref()
    }
}

/// Shows code and message only: a cause may name hosts or statements.
impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.code, self.message)
    }
}

impl std::error::Error for Error {}

impl From<sea_orm::DbErr> for Error {
    fn from(cause: sea_orm::DbErr) -> Self {
        match cause.sql_err() {
            Some(sea_orm::SqlErr::UniqueConstraintViolation(_)) => {
                Self::conflict("HF-DUPLICATE", "同样的记录已经存在").because(cause)
            }
            _ => Self::internal(cause),
        }
    }
}

impl From<serde_json::Error> for Error {
    fn from(cause: serde_json::Error) -> Self {
        Self::internal(cause)
    }
}
