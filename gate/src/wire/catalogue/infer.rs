//! Types of computed columns: SQLite has none, and clients want to be told.

use datafusion::sql::sqlparser::ast::{
    BinaryOperator, DataType, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, Query, SelectItem,
    SetExpr, UnaryOperator, Value,
};
use pgwire::api::Type;

/// What a select list says about a column.
#[derive(Clone, Debug)]
pub(super) struct Column {
    /// PostgreSQL's name of it where SQLite would give another.
    pub name: Option<String>,
    pub of: Option<Type>,
}

/// One entry per column; empty if the list holds a star, where positions cannot be told.
pub(super) fn columns(query: &Query) -> Vec<Option<Column>> {
    let SetExpr::Select(select) = leftmost(&query.body) else { return Vec::new() };
    let is_star = |item: &SelectItem| matches!(item, SelectItem::Wildcard(_) | SelectItem::QualifiedWildcard(..));
    if select.projection.iter().any(is_star) {
        return Vec::new();
    }
    let column = |item: &SelectItem| match item {
        SelectItem::UnnamedExpr(expr) => Some(Column { name: name_of(expr), of: type_of(expr) }),
        SelectItem::ExprWithAlias { expr, alias } => {
            Some(Column { name: Some(alias.value.clone()), of: type_of(expr) })
        }
        _ => None,
    };
    select.projection.iter().map(column).collect()
}

fn leftmost(body: &SetExpr) -> &SetExpr {
    match body {
        SetExpr::SetOperation { left, .. } => leftmost(left),
        SetExpr::Query(query) => leftmost(&query.body),
        other => other,
    }
}

/// PostgreSQL names a column by its function, or `?column?`.
fn name_of(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Identifier(name) => Some(name.value.clone()),
        Expr::CompoundIdentifier(parts) => parts.last().map(|p| p.value.clone()),
        Expr::Function(function) => Some(function_name(function)),
        Expr::Cast { expr, .. } | Expr::Collate { expr, .. } | Expr::Nested(expr) => name_of(expr),
        Expr::Case { .. } => Some("case".to_owned()),
        Expr::Subquery(_) => None,
        _ => Some("?column?".to_owned()),
    }
}

pub(super) fn function_name(function: &Function) -> String {
    function.name.0.last().map(|p| p.to_string().trim_matches('"').to_ascii_lowercase()).unwrap_or_default()
}

fn type_of(expr: &Expr) -> Option<Type> {
    use BinaryOperator as B;
    match expr {
        Expr::Value(value) => literal(&value.value),
        Expr::Nested(inner) | Expr::Collate { expr: inner, .. } => type_of(inner),
        Expr::Cast { data_type, .. } => Some(cast_type(data_type)),
        Expr::BinaryOp { op: B::Plus | B::Minus | B::Multiply | B::Divide | B::Modulo, left, right } => {
            type_of(left).or_else(|| type_of(right))
        }
        Expr::BinaryOp { op: B::StringConcat, .. } => Some(Type::TEXT),
        Expr::BinaryOp { .. }
        | Expr::IsNull(_)
        | Expr::IsNotNull(_)
        | Expr::IsTrue(_)
        | Expr::IsFalse(_)
        | Expr::InList { .. }
        | Expr::InSubquery { .. }
        | Expr::Like { .. }
        | Expr::ILike { .. }
        | Expr::Between { .. }
        | Expr::AnyOp { .. }
        | Expr::Exists { .. } => Some(Type::BOOL),
        Expr::UnaryOp { op: UnaryOperator::Not, .. } => Some(Type::BOOL),
        Expr::UnaryOp { expr, .. } => type_of(expr),
        Expr::Case { conditions, else_result, .. } => {
            conditions.iter().find_map(|c| type_of(&c.result)).or_else(|| else_result.as_ref().and_then(|e| type_of(e)))
        }
        Expr::Function(function) => function_type(function),
        Expr::Subquery(query) => columns(query).into_iter().next().flatten().and_then(|c| c.of),
        _ => None,
    }
}

fn literal(value: &Value) -> Option<Type> {
    match value {
        Value::Number(digits, _) if digits.contains('.') => Some(Type::FLOAT8),
        Value::Number(digits, _) => Some(if digits.len() > 9 { Type::INT8 } else { Type::INT4 }),
        Value::Boolean(_) => Some(Type::BOOL),
        Value::Null | Value::Placeholder(_) => None,
        _ => Some(Type::TEXT),
    }
}

fn cast_type(data_type: &DataType) -> Type {
    let name = data_type.to_string().to_ascii_lowercase();
    match name.trim_start_matches("pg_catalog.") {
        "int" | "integer" | "int4" => Type::INT4,
        "bigint" | "int8" => Type::INT8,
        "smallint" | "int2" => Type::INT2,
        "oid" => Type::OID,
        "boolean" | "bool" => Type::BOOL,
        "name" => Type::NAME,
        "float8" | "double precision" => Type::FLOAT8,
        _ => Type::TEXT,
    }
}

fn function_type(function: &Function) -> Option<Type> {
    let name = function_name(function);
    match name.as_str() {
        "count"
        | "row_number"
        | "pg_relation_size"
        | "pg_total_relation_size"
        | "pg_table_size"
        | "pg_database_size"
        | "txid_current" => Some(Type::INT8),
        "pg_backend_pid" | "array_length" | "pg_char_to_encoding" | "length" => Some(Type::INT4),
        "to_regclass" | "pg_my_temp_schema" => Some(Type::OID),
        "pg_is_in_recovery" | "pg_is_wal_replay_paused" | "row_security_active" | "pg_has_role" => Some(Type::BOOL),
        _ if name.ends_with("_is_visible") || name.starts_with("has_") || name.starts_with("pg_is_") => {
            Some(Type::BOOL)
        }
        "coalesce" | "nullif" | "max" | "min" => first_argument(function).and_then(type_of),
        _ => Some(Type::TEXT),
    }
}

fn first_argument(function: &Function) -> Option<&Expr> {
    let FunctionArguments::List(list) = &function.args else { return None };
    match list.args.first()? {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Some(expr),
        _ => None,
    }
}
