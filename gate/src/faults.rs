//! What the engine says went wrong, turned into what the asker may hear.
//!
//! The engine's texts quote values (`Cannot cast string '…'`), so none of them is passed on, not
//! even to the log: only the kind of the failure is.

use arrow::error::ArrowError;
use datafusion::common::SchemaError;
use datafusion::error::DataFusionError;

use crate::error::{Error, Kind};

/// A failure before any row was read. It can only speak of the statement and of what the mandate shows.
pub(crate) fn planning(error: &DataFusionError) -> Error {
    if let Some(own) = own(error) {
        return own;
    }
    match root(error) {
        DataFusionError::SQL(..) => Error::new(Kind::Invalid, "GATE-SYNTAX", "语句有语法错误"),
        DataFusionError::SchemaError(schema, _) => match schema.as_ref() {
            SchemaError::FieldNotFound { field, .. } => {
                Error::new(Kind::Refused, "GATE-COLUMN", format!("没有信息项「{}」，或未获授权", field.name))
            }
            SchemaError::AmbiguousReference { field } => {
                Error::new(Kind::Invalid, "GATE-AMBIGUOUS", format!("信息项「{}」不明确，请加上表名", field.name))
            }
            _ => Error::new(Kind::Invalid, "GATE-PLAN", "语句中的名称有重复或不明确"),
        },
        DataFusionError::ResourcesExhausted(_) => memory(),
        other => {
            Error::new(Kind::Invalid, "GATE-PLAN", "语句无法执行：写法或数据类型不受支持").with_internal(kind_of(other))
        }
    }
}

/// A failure while rows were being read.
pub(crate) fn execution(error: &DataFusionError, request_id: &str) -> Error {
    if let Some(own) = own(error) {
        return own;
    }
    match root(error) {
        DataFusionError::ResourcesExhausted(_) => memory(),
        other => Error::new(
            Kind::Invalid,
            "GATE-EXECUTE",
            format!("查询在执行中出错，请检查计算和类型转换，编号 {request_id}"),
        )
        .with_internal(kind_of(other)),
    }
}

fn memory() -> Error {
    Error::new(Kind::Refused, "GATE-MEMORY", "查询需要的内存超过上限，请缩小范围")
}

/// An error of the gate or of a source that travelled through the engine.
fn own(error: &DataFusionError) -> Option<Error> {
    let cause = match root(error) {
        DataFusionError::External(cause) => cause.as_ref() as &(dyn std::error::Error + 'static),
        DataFusionError::ArrowError(arrow, _) => match arrow.as_ref() {
            ArrowError::ExternalError(cause) => cause.as_ref() as &(dyn std::error::Error + 'static),
            _ => return None,
        },
        _ => return None,
    };
    if let Some(own) = cause.downcast_ref::<Error>() {
        return Some(own.clone());
    }
    cause.downcast_ref::<DataFusionError>().and_then(own)
}

fn root(error: &DataFusionError) -> &DataFusionError {
    match error {
        DataFusionError::Context(_, inner) | DataFusionError::Diagnostic(_, inner) => root(inner),
        DataFusionError::Shared(inner) => root(inner),
        DataFusionError::Collection(all) => all.first().map_or(error, root),
        other => other,
    }
}

/// The name of the kind, which holds no value.
fn kind_of(error: &DataFusionError) -> &'static str {
    match error {
        DataFusionError::ArrowError(..) => "arrow",
        DataFusionError::ParquetError(_) => "parquet",
        DataFusionError::ObjectStore(_) => "object store",
        DataFusionError::IoError(_) => "io",
        DataFusionError::SQL(..) => "sql",
        DataFusionError::NotImplemented(_) => "not implemented",
        DataFusionError::Internal(_) => "internal",
        DataFusionError::Plan(_) => "plan",
        DataFusionError::Configuration(_) => "configuration",
        DataFusionError::SchemaError(..) => "schema",
        DataFusionError::Execution(_) => "execution",
        DataFusionError::ExecutionJoin(_) => "task",
        DataFusionError::External(_) => "external",
        _ => "other",
    }
}
