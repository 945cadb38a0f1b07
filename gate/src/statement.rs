//! What may be asked: one query, reading, over named tables.
//!
//! The statement's tree is held against a list of what is allowed before it is planned, and the
//! plan is held against another afterwards (`plan.rs`). What neither list names is refused.

use std::ops::ControlFlow;

use datafusion::common::ScalarValue;
use datafusion::sql::parser::{DFParserBuilder, Statement as DfStatement};
use datafusion::sql::sqlparser::ast::{
    Expr, FunctionArguments, ObjectName, Query, Select, SetExpr, Statement as SqlStatement, TableFactor, Visit, Visitor,
};
use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;

use crate::error::{Error, Kind, Result};
use crate::functions;
use crate::stop::CancelToken;

/// Longest statement, in bytes.
pub const STATEMENT_BYTES_MAX: usize = 256 * 1024;
/// Deepest nesting that is parsed.
const DEPTH_MAX: usize = 64;

/// A statement with the values of its `$1`, `$2`….
#[derive(Clone, Debug, Default)]
pub struct Statement {
    pub sql: String,
    pub parameters: Vec<ScalarValue>,
    /// Stops planning and the stream.
    pub cancel: CancelToken,
}

impl Statement {
    pub fn new(sql: impl Into<String>) -> Self {
        Self { sql: sql.into(), ..Self::default() }
    }

    #[must_use]
    pub fn with_parameters(mut self, parameters: Vec<ScalarValue>) -> Self {
        self.parameters = parameters;
        self
    }
}

/// A statement that may be planned.
#[derive(Debug)]
pub(crate) struct Allowed {
    pub(crate) query: DfStatement,
    /// `EXPLAIN query`: the governed plan is shown and nothing is read.
    pub(crate) explain: bool,
}

pub(crate) fn parse(sql: &str) -> Result<Allowed> {
    if sql.len() > STATEMENT_BYTES_MAX {
        return Err(refused("GATE-TOO-LONG", "语句过长"));
    }
    let dialect = PostgreSqlDialect {};
    let parser = DFParserBuilder::new(sql).with_dialect(&dialect).with_recursion_limit(DEPTH_MAX).build();
    let mut statements =
        parser.and_then(|mut parser| parser.parse_statements()).map_err(|error| crate::faults::planning(&error))?;
    let (Some(statement), None) = (statements.pop_front(), statements.pop_front()) else {
        return Err(Error::new(Kind::Invalid, "GATE-ONE-STATEMENT", "一次只能执行一条语句"));
    };
    let (statement, explain) = match statement {
        DfStatement::Explain(explain) if !explain.options.analyze => (*explain.statement, true),
        DfStatement::Explain(_) => return Err(refused("GATE-EXPLAIN", "不提供 EXPLAIN ANALYZE")),
        other => (other, false),
    };
    let DfStatement::Statement(inner) = &statement else { return Err(select_only()) };
    let SqlStatement::Query(query) = inner.as_ref() else { return Err(select_only()) };
    match query.visit(&mut OnlyReads) {
        ControlFlow::Continue(()) => Ok(Allowed { query: statement, explain }),
        ControlFlow::Break(error) => Err(error),
    }
}

fn select_only() -> Error {
    refused("GATE-SELECT-ONLY", "只能执行查询（SELECT）语句")
}

fn refused(code: &'static str, message: &str) -> Error {
    Error::new(Kind::Refused, code, message)
}

struct OnlyReads;

impl Visitor for OnlyReads {
    type Break = Error;

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<Error> {
        let plain = query.locks.is_empty()
            && query.for_clause.is_none()
            && query.settings.is_none()
            && query.format_clause.is_none()
            && query.pipe_operators.is_empty();
        let recursive = query.with.as_ref().is_some_and(|with| with.recursive);
        if recursive {
            return ControlFlow::Break(refused("GATE-RECURSIVE", "不支持递归查询（WITH RECURSIVE）"));
        }
        if plain && is_read(&query.body) { ControlFlow::Continue(()) } else { ControlFlow::Break(select_only()) }
    }

    fn pre_visit_select(&mut self, select: &Select) -> ControlFlow<Error> {
        let plain = select.into.is_none()
            && select.lateral_views.is_empty()
            && select.connect_by.is_empty()
            && select.prewhere.is_none();
        if plain { ControlFlow::Continue(()) } else { ControlFlow::Break(select_only()) }
    }

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<Error> {
        let allowed = match factor {
            TableFactor::Table { args, version, json_path, sample, .. } => {
                args.is_none() && version.is_none() && json_path.is_none() && sample.is_none()
            }
            TableFactor::Derived { .. } | TableFactor::NestedJoin { .. } | TableFactor::UNNEST { .. } => true,
            _ => false,
        };
        if allowed {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(refused("GATE-TABLE-FUNCTION", "FROM 中只能使用已授权的表，不能使用函数或文件"))
        }
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<Error> {
        let Expr::Function(function) = expr else { return ControlFlow::Continue(()) };
        if matches!(function.args, FunctionArguments::Subquery(_)) {
            return ControlFlow::Break(select_only());
        }
        match single_name(&function.name) {
            Some(name) if functions::is_known(&name) => ControlFlow::Continue(()),
            _ => ControlFlow::Break(refused("GATE-FUNCTION", "语句使用了未开放的函数")),
        }
    }

    fn pre_visit_statement(&mut self, statement: &SqlStatement) -> ControlFlow<Error> {
        // Data-changing statements inside a CTE come by here.
        match statement {
            SqlStatement::Query(_) => ControlFlow::Continue(()),
            _ => ControlFlow::Break(select_only()),
        }
    }
}

fn is_read(body: &SetExpr) -> bool {
    match body {
        SetExpr::Select(_) | SetExpr::Values(_) | SetExpr::Query(_) => true,
        SetExpr::SetOperation { left, right, .. } => is_read(left) && is_read(right),
        _ => false,
    }
}

/// The name of a function that is not qualified, as the planner will look it up.
fn single_name(name: &ObjectName) -> Option<String> {
    match name.0.as_slice() {
        [part] => part.as_ident().map(|ident| {
            if ident.quote_style.is_some() { ident.value.clone() } else { ident.value.to_ascii_lowercase() }
        }),
        _ => None,
    }
}
