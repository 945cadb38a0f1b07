//! PostgreSQL's catalogue queries in SQLite's words.

use std::collections::HashSet;
use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    BinaryOperator, DataType, Expr, FunctionArguments, Ident, ObjectName, Query, SetExpr, Statement, TableFactor,
    Value, Visit, VisitMut, Visitor, VisitorMut,
};
use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
use datafusion::sql::sqlparser::parser::Parser;
use pgwire::error::{PgWireError, PgWireResult};

use super::functions::MARKS;
use super::infer::{self, Column, function_name};
use crate::wire::faults;

const DEPTH_MAX: usize = 64;

pub(super) struct Rewritten {
    pub sql: String,
    pub columns: Vec<Option<Column>>,
}

/// Whether a query asks about the catalogue and about nothing else.
pub(in crate::wire) fn concerns(sql: &str) -> bool {
    let Some(query) = parse(sql) else { return false };
    let mut seen = Seen::default();
    let _all = query.visit(&mut seen);
    seen.relations.retain(|name| !seen.own.contains(name));
    let of_catalogue =
        |name: &String| name.starts_with("pg_catalog.") || (name.starts_with("pg_") && !name.contains('.'));
    if seen.relations.is_empty() { seen.marked } else { seen.relations.iter().all(of_catalogue) }
}

pub(super) fn rewrite(sql: &str) -> PgWireResult<Rewritten> {
    let mut query = parse(sql).ok_or_else(not_supported)?;
    let columns = infer::columns(&query);
    if let ControlFlow::Break(error) = VisitMut::visit(query.as_mut(), &mut Translate) {
        return Err(error);
    }
    Ok(Rewritten { sql: query.to_string(), columns })
}

fn parse(sql: &str) -> Option<Box<Query>> {
    let parser = Parser::new(&PostgreSqlDialect {}).with_recursion_limit(DEPTH_MAX).try_with_sql(sql).ok();
    let mut statements = parser?.parse_statements().ok()?;
    match (statements.pop()?, statements.is_empty()) {
        (Statement::Query(query), true) => Some(query),
        _ => None,
    }
}

fn not_supported() -> PgWireError {
    faults::error("0A000", "不支持这样的目录查询")
}

#[derive(Default)]
struct Seen {
    relations: Vec<String>,
    /// Names that the query gives itself (WITH).
    own: HashSet<String>,
    marked: bool,
}

impl Visitor for Seen {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        let named = query.with.iter().flat_map(|w| &w.cte_tables);
        self.own.extend(named.map(|cte| cte.alias.name.value.to_ascii_lowercase()));
        ControlFlow::Continue(())
    }

    fn pre_visit_relation(&mut self, relation: &ObjectName) -> ControlFlow<()> {
        self.relations.push(relation.to_string().replace('"', "").to_ascii_lowercase());
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        if let Expr::Function(function) = expr {
            let name = function_name(function);
            self.marked |= name.starts_with("pg_") || MARKS.contains(&name.as_str());
        }
        if let Expr::Cast { data_type, .. } = expr {
            self.marked |= matches!(cast_name(data_type).as_str(), "regclass" | "regtype");
        }
        ControlFlow::Continue(())
    }
}

struct Translate;

impl VisitorMut for Translate {
    type Break = PgWireError;

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<PgWireError> {
        if query.with.as_ref().is_some_and(|w| w.recursive) || !is_read(&query.body) || !query.locks.is_empty() {
            return ControlFlow::Break(not_supported());
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<PgWireError> {
        match factor {
            TableFactor::Table { args: None, .. } | TableFactor::Derived { .. } | TableFactor::NestedJoin { .. } => {
                ControlFlow::Continue(())
            }
            // Such functions unfold arrays of indexes, constraints and options, of which there are none.
            TableFactor::Table { args: Some(_), alias, name, .. } if unfolds(name) => {
                let alias = alias.as_ref().map_or("unfolded", |a| a.name.value.as_str());
                match nothing(alias) {
                    Some(empty) => *factor = empty,
                    None => return ControlFlow::Break(not_supported()),
                }
                ControlFlow::Continue(())
            }
            _ => ControlFlow::Break(not_supported()),
        }
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<PgWireError> {
        match translated(expr) {
            Ok(Some(new)) => *expr = new,
            Ok(None) => {}
            Err(error) => return ControlFlow::Break(error),
        }
        ControlFlow::Continue(())
    }
}

fn unfolds(name: &ObjectName) -> bool {
    let name = name.to_string().to_ascii_lowercase();
    let name = name.rsplit('.').next().unwrap_or_default();
    matches!(name, "generate_series" | "unnest" | "aclexplode" | "pg_options_to_table" | "_pg_expandarray")
}

/// `(SELECT 0 AS alias WHERE false) AS alias`
fn nothing(alias: &str) -> Option<TableFactor> {
    let quoted = format!("\"{}\"", alias.replace('"', "\"\""));
    let query = parse(&format!("SELECT * FROM (SELECT 0 AS {quoted} WHERE 1 = 0) AS {quoted}"))?;
    match *query.body {
        SetExpr::Select(select) => select.from.into_iter().next().map(|from| from.relation),
        _ => None,
    }
}

fn is_read(body: &SetExpr) -> bool {
    match body {
        SetExpr::Select(select) => select.into.is_none(),
        SetExpr::Values(_) => true,
        SetExpr::Query(query) => is_read(&query.body),
        SetExpr::SetOperation { left, right, .. } => is_read(left) && is_read(right),
        _ => false,
    }
}

/// What stands in the place of `expr`, whose parts have been translated already.
fn translated(expr: &mut Expr) -> PgWireResult<Option<Expr>> {
    Ok(match expr {
        Expr::Value(value) => match &value.value {
            Value::EscapedStringLiteral(s) => Some(string(s)),
            _ => None,
        },
        Expr::Collate { expr, .. } => Some(expr.as_ref().clone()),
        Expr::Cast { expr, data_type, .. } => Some(cast(expr, &cast_name(data_type))?),
        Expr::BinaryOp { left, op, right } => operator(left, op, right)?,
        Expr::ILike { negated, expr, pattern, .. } => {
            let not = if *negated { "NOT " } else { "" };
            Some(written(&format!("lower({expr}) {not}LIKE lower({pattern})"))?)
        }
        Expr::AnyOp { left, right, .. } => Some(match right.as_ref() {
            Expr::Nested(inner) => written(&format!("hufu_any({left}, {inner})"))?,
            right => written(&format!("hufu_any({left}, {right})"))?,
        }),
        Expr::Array(array) => {
            let items: Vec<String> = array.elem.iter().map(ToString::to_string).collect();
            Some(written(&format!("hufu_array({})", items.join(", ")))?)
        }
        // An element of an array: there are no indexes and constraints whose arrays could hold one.
        Expr::CompoundFieldAccess { .. } => Some(Expr::Value(Value::Null.into())),
        Expr::Function(function) => {
            let name = function_name(function);
            match (name.as_str(), &function.args) {
                (_, FunctionArguments::Subquery(_)) => Some(Expr::Value(Value::Null.into())),
                ("current_user" | "session_user" | "user", _) => Some(written("hufu_user()")?),
                ("current_schema" | "current_catalog", FunctionArguments::None) => {
                    Some(string(if name == "current_schema" { "public" } else { "hufu" }))
                }
                ("current_setting", FunctionArguments::List(list)) => {
                    let first = list.args.first().map(ToString::to_string).unwrap_or_default();
                    Some(written(&format!("(SELECT setting FROM pg_catalog.pg_settings WHERE name = lower({first}))"))?)
                }
                ("load_extension" | "fts3_tokenizer" | "randomblob" | "zeroblob" | "printf" | "format" | "edit", _) => {
                    return Err(not_supported());
                }
                _ => {
                    function.name = ObjectName::from(vec![Ident::new(name)]);
                    None
                }
            }
        }
        _ => None,
    })
}

fn operator(left: &Expr, op: &BinaryOperator, right: &Expr) -> PgWireResult<Option<Expr>> {
    let sign = match op {
        BinaryOperator::PGRegexMatch => "~",
        BinaryOperator::PGRegexIMatch => "~*",
        BinaryOperator::PGRegexNotMatch => "!~",
        BinaryOperator::PGRegexNotIMatch => "!~*",
        BinaryOperator::PGLikeMatch => "~~",
        BinaryOperator::PGNotLikeMatch => "!~~",
        BinaryOperator::PGILikeMatch => "~~*",
        BinaryOperator::PGNotILikeMatch => "!~~*",
        BinaryOperator::PGCustomBinaryOperator(parts) => parts.last().map_or("", String::as_str),
        _ => return Ok(None),
    };
    let text = match sign {
        "~" => format!("regexp({right}, {left})"),
        "~*" => format!("regexp('(?i)' || {right}, {left})"),
        "!~" => format!("NOT regexp({right}, {left})"),
        "!~*" => format!("NOT regexp('(?i)' || {right}, {left})"),
        "~~" => format!("{left} LIKE {right}"),
        "!~~" => format!("{left} NOT LIKE {right}"),
        "~~*" => format!("lower({left}) LIKE lower({right})"),
        "!~~*" => format!("lower({left}) NOT LIKE lower({right})"),
        "=" | "<>" | "<" | ">" | "<=" | ">=" | "||" | "+" | "-" => format!("{left} {sign} {right}"),
        _ => return Err(not_supported()),
    };
    written(&text).map(Some)
}

fn cast(inner: &Expr, to: &str) -> PgWireResult<Expr> {
    match to {
        "regclass" => written(&format!("hufu_regclass({inner})")),
        "regtype" => written(&format!("format_type({inner}, NULL)")),
        "oid" | "int" | "int2" | "int4" | "int8" | "integer" | "bigint" | "smallint" => {
            written(&format!("CAST({inner} AS INTEGER)"))
        }
        "text" | "varchar" | "name" => match inner {
            // `x::regclass::text` is the table's name.
            Expr::Function(f) if function_name(f) == "hufu_regclass" => {
                written(&format!("hufu_relation_name({inner})"))
            }
            _ => written(&format!("CAST({inner} AS TEXT)")),
        },
        _ => Ok(inner.clone()),
    }
}

fn cast_name(data_type: &DataType) -> String {
    let name = data_type.to_string().to_ascii_lowercase();
    name.rsplit('.').next().unwrap_or_default().split('(').next().unwrap_or_default().trim().to_owned()
}

fn written(text: &str) -> PgWireResult<Expr> {
    let parser = Parser::new(&PostgreSqlDialect {}).try_with_sql(text);
    parser.and_then(|mut p| p.parse_expr()).map_err(|_e| not_supported())
}

fn string(text: &str) -> Expr {
    Expr::Value(Value::SingleQuotedString(text.to_owned()).into())
}
