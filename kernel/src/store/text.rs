//! Searching text alike in both stores: SQLite's LIKE ignores ASCII case, PostgreSQL's does not, and in both
//! `%` and `_` of what somebody typed would be wildcards.

use sea_orm::sea_query::{Expr, ExprTrait as _, Func, LikeExpr};
use sea_orm::ColumnTrait;

/// Rows whose column contains the text, letter by letter but for ASCII case.
pub fn contains<C: ColumnTrait>(column: C, text: &str) -> Expr {
    like(column, format!("%{}%", escaped(text)))
}

/// Rows whose column begins with the text.
pub fn starts_with<C: ColumnTrait>(column: C, text: &str) -> Expr {
    like(column, format!("{}%", escaped(text)))
}

fn like<C: ColumnTrait>(column: C, pattern: String) -> Expr {
    Expr::expr(Func::lower(Expr::col(column.as_column_ref()))).like(LikeExpr::new(pattern).escape('\\'))
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        if matches!(letter, '%' | '_' | '\\') {
            out.push('\\');
        }
        out.push(letter.to_ascii_lowercase());
    }
    out
}
