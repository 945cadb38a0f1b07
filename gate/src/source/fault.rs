//! What goes wrong at a source, told without a value, a password or a driver's words:
//! drivers quote the offending value in their texts.

use datafusion::error::DataFusionError;

use crate::error::{Error, Kind};

pub(super) fn unreachable(internal: impl Into<String>) -> Error {
    source("GATE-SOURCE-UNREACHABLE", "数据源无法连接,请检查地址、端口和网络,或联系数据源管理员", internal)
}

pub(super) fn auth(internal: impl Into<String>) -> Error {
    source("GATE-SOURCE-AUTH", "数据源拒绝了登录,请核对账号、口令和库名", internal)
}

pub(super) fn vanished(table: &str) -> Error {
    source("GATE-SOURCE-VANISHED", "数据源中已没有这张表或这个文件,请联系数据提供单位", format!("table {table}"))
}

pub(super) fn changed(internal: impl Into<String>) -> Error {
    source("GATE-SOURCE-CHANGED", "数据源的表结构已变化,与目录不一致,请数据提供单位重新核对", internal)
}

/// A value that is not what its column says, told by place only.
pub(super) fn value(internal: impl Into<String>) -> Error {
    source("GATE-SOURCE-VALUE", "数据源中有值与该列的类型不符,已停止读取,请数据提供单位核对", internal)
}

pub(super) fn forbidden(internal: impl Into<String>) -> Error {
    source("GATE-SOURCE-FORBIDDEN", "登记的账号无权读取数据源中的这张表", internal)
}

pub(super) fn read(internal: impl Into<String>) -> Error {
    source("GATE-SOURCE-READ", "读取数据源时出错,请稍后重试", internal)
}

pub(super) fn config(message: &str) -> Error {
    Error { kind: Kind::Invalid, code: "GATE-SOURCE-CONFIG", message: message.to_owned(), internal: None }
}

/// Carries our error through the engine; the gate finds it again by downcast.
pub(super) fn external(error: Error) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}

fn source(code: &'static str, message: &str, internal: impl Into<String>) -> Error {
    Error { kind: Kind::Source, code, message: message.to_owned(), internal: Some(internal.into()) }
}
