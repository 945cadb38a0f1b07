//! The statement that is sent: names quoted, values as parameters.

use super::column::{Column, Dialect};
use super::condition::{Compare, Condition, Value};

/// A statement and the values of its placeholders, in order.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::source) struct Statement {
    pub sql: String,
    pub values: Vec<Value>,
}

/// What one scan asks of the database.
#[derive(Clone, Debug)]
pub(in crate::source) struct Select<'a> {
    pub dialect: Dialect,
    /// Quoted name, with schema where there is one.
    pub from: &'a str,
    pub columns: &'a [Column],
    /// Indexes into `columns`, in the order of the result.
    pub wanted: &'a [usize],
    pub conditions: &'a [Condition],
    pub limit: Option<usize>,
}

impl Select<'_> {
    pub(in crate::source) fn statement(&self) -> Statement {
        let mut values = Vec::new();
        let list: Vec<&str> =
            self.wanted.iter().filter_map(|i| self.columns.get(*i)).map(|c| c.select.as_str()).collect();
        // A count needs rows but no column.
        let list = if list.is_empty() { "1".to_owned() } else { list.join(", ") };
        let mut sql = format!("SELECT {list} FROM {}", self.from);
        let conditions: Vec<String> = self.conditions.iter().filter_map(|c| self.write(c, &mut values)).collect();
        if !conditions.is_empty() {
            sql.push_str(" WHERE ");
            sql.push_str(&conditions.join(" AND "));
        }
        if let Some(limit) = self.limit {
            sql.push_str(&format!(" LIMIT {limit}"));
        }
        Statement { sql, values }
    }

    fn write(&self, condition: &Condition, values: &mut Vec<Value>) -> Option<String> {
        match condition {
            Condition::And(l, r) => Some(format!("({} AND {})", self.write(l, values)?, self.write(r, values)?)),
            Condition::Or(l, r) => Some(format!("({} OR {})", self.write(l, values)?, self.write(r, values)?)),
            Condition::Null { column, is_null } => {
                let name = self.dialect.quote(&self.columns.get(*column)?.name);
                Some(format!("{name} IS {}NULL", if *is_null { "" } else { "NOT " }))
            }
            Condition::Compare { column, op, value } => {
                let push = &self.columns.get(*column)?.push;
                let (left, sign) = match op {
                    Compare::Equal => (push.equal.as_ref()?, "="),
                    Compare::Differ => (push.equal.as_ref()?, "<>"),
                    Compare::Less => (push.order.as_ref()?, "<"),
                    Compare::LessEqual => (push.order.as_ref()?, "<="),
                    Compare::Greater => (push.order.as_ref()?, ">"),
                    Compare::GreaterEqual => (push.order.as_ref()?, ">="),
                };
                Some(format!("{left} {sign} {}", self.parameter(&push.around, value, values)))
            }
            Condition::In { column, values: list } => {
                let push = &self.columns.get(*column)?.push;
                let left = push.equal.as_ref()?;
                let list: Vec<String> = list.iter().map(|v| self.parameter(&push.around, v, values)).collect();
                Some(format!("{left} IN ({})", list.join(", ")))
            }
        }
    }

    fn parameter(&self, around: &(String, String), value: &Value, values: &mut Vec<Value>) -> String {
        values.push(value.clone());
        format!("{}{}{}", around.0, self.dialect.placeholder(values.len()), around.1)
    }
}
