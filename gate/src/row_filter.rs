//! Which expressions may run where hidden rows are still present.
//!
//! Two kinds of expression meet rows that the asker must not know of: the grant's own row filter,
//! and the few predicates of the asker that are pushed to the source to save reading. Both must be
//! *leakproof*: they cannot fail on any value, so that nothing about a hidden row shows as an error.
//! Comparisons of a column with a literal, `IN`, `BETWEEN`, `LIKE`, `IS NULL` and their `AND`, `OR`,
//! `NOT` are; casts, arithmetic and function calls are not.

use std::collections::HashSet;
use std::sync::{Arc, LazyLock};

use arrow::datatypes::{DataType, Schema};
use datafusion::common::DFSchema;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::execution::session_state::{SessionState, SessionStateBuilder};
use datafusion::logical_expr::simplify::SimplifyContext;
use datafusion::logical_expr::{BinaryExpr, Expr, ExprSchemable, Operator, lit};
use datafusion::optimizer::simplify_expressions::ExprSimplifier;
use datafusion::prelude::SessionConfig;

use crate::error::{Error, Kind, Result};

/// Longest row filter, in bytes.
const FILTER_BYTES_MAX: usize = 64 * 1024;

/// A session without any function: a row filter needs none.
static BARE: LazyLock<SessionState> = LazyLock::new(|| {
    let mut config = SessionConfig::new();
    config.options_mut().sql_parser.dialect = datafusion::common::config::Dialect::PostgreSQL;
    SessionStateBuilder::new().with_config(config).build()
});

/// Reads a row filter over a table's physical columns and makes sure that it is boolean and leakproof.
/// To be called when a grant is written; the gate calls it again for every query.
pub fn check_row_filter(text: &str, schema: &Schema) -> Result<Expr> {
    if text.len() > FILTER_BYTES_MAX {
        return Err(bad("行范围条件过长"));
    }
    let columns = DFSchema::try_from(schema.clone()).map_err(|_| bad("数据表结构无法识别"))?;
    let parsed = BARE.create_logical_expr(text, &columns).map_err(|_| bad("无法解析，请检查写法和字段名"))?;
    if !is_leakproof(&parsed, &|_| true) {
        return Err(bad("只允许字段与固定值的比较、IN、BETWEEN、LIKE、IS NULL 以及 AND、OR、NOT"));
    }
    let context = SimplifyContext::builder().with_schema(Arc::new(columns.clone())).with_current_time().build();
    let simplifier = ExprSimplifier::new(context);
    let coerced = simplifier.coerce(parsed, &columns).and_then(|expr| simplifier.simplify(expr));
    let filter = coerced.map_err(|_| bad("字段类型与固定值不相符"))?;
    match filter.get_type(&columns) {
        Ok(DataType::Boolean) => {}
        // `NULL` as the whole filter is never true: no row is in scope.
        Ok(DataType::Null) => return Ok(lit(false)),
        _ => return Err(bad("不是判断条件")),
    }
    if has_fallible_cast(&filter, &columns) {
        // Written as a comparison, but the types differ so that every row would have to be converted.
        return Err(bad("字段类型与固定值不相符，请改用与字段同类型的值"));
    }
    Ok(filter)
}

/// Whether an expression cannot fail on any row and names only columns that `known` accepts.
pub(crate) fn is_leakproof(expr: &Expr, known: &dyn Fn(&str) -> bool) -> bool {
    match expr {
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => match op {
            Operator::And | Operator::Or => is_leakproof(left, known) && is_leakproof(right, known),
            Operator::Eq
            | Operator::NotEq
            | Operator::Lt
            | Operator::LtEq
            | Operator::Gt
            | Operator::GtEq
            | Operator::IsDistinctFrom
            | Operator::IsNotDistinctFrom => is_operand(left, known) && is_operand(right, known),
            _ => false,
        },
        Expr::Not(inner)
        | Expr::IsTrue(inner)
        | Expr::IsFalse(inner)
        | Expr::IsUnknown(inner)
        | Expr::IsNotTrue(inner)
        | Expr::IsNotFalse(inner)
        | Expr::IsNotUnknown(inner) => is_leakproof(inner, known),
        Expr::IsNull(inner) | Expr::IsNotNull(inner) => is_operand(inner, known),
        Expr::InList(list) => is_operand(&list.expr, known) && list.list.iter().all(is_literal),
        Expr::Between(between) => {
            is_operand(&between.expr, known) && is_literal(&between.low) && is_literal(&between.high)
        }
        Expr::Like(like) => is_operand(&like.expr, known) && is_literal(&like.pattern),
        other => is_operand(other, known),
    }
}

/// The columns an expression reads.
pub(crate) fn columns_of(expr: &Expr) -> HashSet<String> {
    expr.column_refs().into_iter().map(|column| column.name.clone()).collect()
}

fn is_operand(expr: &Expr, known: &dyn Fn(&str) -> bool) -> bool {
    match expr {
        Expr::Column(column) => known(&column.name),
        other => is_literal(other),
    }
}

/// A constant, also when it is written as `DATE '2026-01-01'` or `-5`: it is folded before any row is seen.
fn is_literal(expr: &Expr) -> bool {
    match expr {
        Expr::Literal(..) => true,
        Expr::Negative(inner) => is_literal(inner),
        Expr::Cast(cast) => is_literal(&cast.expr),
        _ => false,
    }
}

/// Whether coercion has put a cast round a column that can fail on a value.
fn has_fallible_cast(filter: &Expr, columns: &DFSchema) -> bool {
    let mut found = false;
    let visited = filter.apply(|expr| {
        let cast = match expr {
            Expr::Cast(cast) => Some((&cast.expr, cast.field.data_type())),
            _ => None,
        };
        if let Some((inner, to)) = cast {
            let from = inner.get_type(columns);
            found |= !from.is_ok_and(|from| is_widening(&from, to));
        }
        Ok(TreeNodeRecursion::Continue)
    });
    found || visited.is_err()
}

fn is_widening(from: &DataType, to: &DataType) -> bool {
    let text = |kind: &DataType| matches!(kind, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View);
    let from = match from {
        DataType::Dictionary(_, values) => values.as_ref(),
        other => other,
    };
    if from == to || (text(from) && text(to)) {
        return true;
    }
    let bits = |kind: &DataType| kind.primitive_width().unwrap_or(0);
    (from.is_integer() && to.is_signed_integer() && bits(to) > bits(from))
        || (from.is_unsigned_integer() && to.is_unsigned_integer() && bits(to) > bits(from))
        || (from.is_integer() && to.is_floating())
        || (from.is_floating() && to.is_floating() && bits(to) > bits(from))
}

fn bad(why: &str) -> Error {
    Error {
        kind: Kind::Refused, code: "GATE-ROW-FILTER", message: format!("行范围条件不可用：{why}"), internal: None
    }
}
