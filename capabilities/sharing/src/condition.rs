//! Conditions and orders as callers type them, turned into SQL over named fields and nothing else.
//!
//! `where=bzzt = '在保' and nl >= 16 and xm like '王%'` knows comparisons, `like`, `in (…)`, `is null` and
//! `and`. Every name must be one of the fields given, every value is quoted anew: what does not parse is refused.

use std::fmt::Write;

use hufu_kernel::error::{Error, FieldError, Result};

/// Characters of a condition.
const CHARS_MAX: usize = 4000;
/// Comparisons in one condition, values in one list.
const TERMS_MAX: usize = 100;

/// SQL of a condition over `fields`.
pub fn to_sql(text: &str, fields: &[&str]) -> Result<String> {
    if text.chars().count() > CHARS_MAX {
        return Err(wrong("where", "条件过长"));
    }
    let tokens = tokens(text)?;
    let mut reader = Reader { tokens: &tokens, fields };
    let mut sql = reader.term()?;
    for _ in 0..TERMS_MAX {
        match reader.next() {
            None => return Ok(sql),
            Some(Token::Word(word)) if word.eq_ignore_ascii_case("and") => {
                let _ = write!(sql, " AND {}", reader.term()?);
            }
            Some(_) => return Err(wrong("where", "条件之间只能用 and 连接")),
        }
    }
    Err(wrong("where", "条件过多"))
}

/// SQL of an order: `rdrq,-nl`.
pub fn order_to_sql(text: &str, fields: &[&str]) -> Result<String> {
    let mut parts = Vec::new();
    for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()).take(TERMS_MAX) {
        let (name, direction) = match part.strip_prefix('-') {
            Some(name) => (name, " DESC"),
            None => (part, ""),
        };
        parts.push(format!("{}{direction}", known("order", name, fields)?));
    }
    Ok(parts.join(", "))
}

/// A field of the list as SQL names it; any other is refused without saying whether it exists.
pub fn known(place: &str, name: &str, fields: &[&str]) -> Result<String> {
    let found = fields.iter().find(|field| field.eq_ignore_ascii_case(name.trim()));
    let field = found.ok_or_else(|| wrong(place, format!("没有信息项「{name}」，或未获授权")))?;
    Ok(identifier(field))
}

/// A name in quotes.
pub fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A text value in quotes.
pub fn literal(value: &str) -> String {
    format!("'{}'", value.replace('\'', "''"))
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Word(String),
    Text(String),
    Number(String),
    Sign(&'static str),
}

struct Reader<'a> {
    tokens: &'a [Token],
    fields: &'a [&'a str],
}

impl Reader<'_> {
    fn next(&mut self) -> Option<Token> {
        let (first, rest) = self.tokens.split_first()?;
        self.tokens = rest;
        Some(first.clone())
    }

    /// `field op value`.
    fn term(&mut self) -> Result<String> {
        let Some(Token::Word(name)) = self.next() else { return Err(wrong("where", "条件须以信息项开头")) };
        let field = known("where", &name, self.fields)?;
        match self.next() {
            Some(Token::Sign(sign @ ("=" | "<>" | "<" | "<=" | ">" | ">="))) => Ok(format!("{field} {sign} {}", self.value()?)),
            Some(Token::Word(word)) if word.eq_ignore_ascii_case("is") => self.null(&field),
            Some(Token::Word(word)) if word.eq_ignore_ascii_case("not") => {
                let Some(Token::Word(word)) = self.next() else { return Err(wrong("where", "not 之后须为 like 或 in")) };
                self.matched(&field, &word, " NOT")
            }
            Some(Token::Word(word)) => self.matched(&field, &word, ""),
            _ => Err(wrong("where", "信息项之后须为比较符号、like、in 或 is null")),
        }
    }

    fn matched(&mut self, field: &str, word: &str, not: &str) -> Result<String> {
        if word.eq_ignore_ascii_case("like") {
            return Ok(format!("{field}{not} LIKE {}", self.value()?));
        }
        if !word.eq_ignore_ascii_case("in") || self.next() != Some(Token::Sign("(")) {
            return Err(wrong("where", "只支持比较、like、in (…) 和 is null"));
        }
        let mut values = vec![self.value()?];
        loop {
            match self.next() {
                Some(Token::Sign(",")) if values.len() < TERMS_MAX => values.push(self.value()?),
                Some(Token::Sign(")")) => return Ok(format!("{field}{not} IN ({})", values.join(", "))),
                _ => return Err(wrong("where", "in 的取值用逗号分隔，放在括号内，且不超过 100 个")),
            }
        }
    }

    fn null(&mut self, field: &str) -> Result<String> {
        let null = |token: Option<Token>| matches!(token, Some(Token::Word(word)) if word.eq_ignore_ascii_case("null"));
        match self.next() {
            Some(Token::Word(word)) if word.eq_ignore_ascii_case("null") => Ok(format!("{field} IS NULL")),
            Some(Token::Word(word)) if word.eq_ignore_ascii_case("not") && null(self.next()) => Ok(format!("{field} IS NOT NULL")),
            _ => Err(wrong("where", "is 之后须为 null 或 not null")),
        }
    }

    fn value(&mut self) -> Result<String> {
        match self.next() {
            Some(Token::Text(text)) => Ok(literal(&text)),
            Some(Token::Number(number)) => Ok(number),
            Some(Token::Word(word)) if word.eq_ignore_ascii_case("true") || word.eq_ignore_ascii_case("false") => Ok(word.to_ascii_uppercase()),
            Some(Token::Word(_) | Token::Sign(_)) | None => Err(wrong("where", "取值须为数字，或用单引号括起的文字")),
        }
    }
}

fn tokens(text: &str) -> Result<Vec<Token>> {
    let mut found = Vec::new();
    let mut chars = text.chars().peekable();
    while let Some(&first) = chars.peek() {
        if first.is_whitespace() {
            chars.next();
        } else if first == '\'' {
            chars.next();
            found.push(Token::Text(quoted(&mut chars)?));
        } else if first.is_ascii_digit() || first == '-' {
            let number = take(&mut chars, |c| c.is_ascii_digit() || matches!(c, '-' | '.'));
            if number.parse::<f64>().is_err() {
                return Err(wrong("where", "数字不正确"));
            }
            found.push(Token::Number(number));
        } else if first.is_alphabetic() || first == '_' {
            found.push(Token::Word(take(&mut chars, |c| c.is_alphanumeric() || c == '_')));
        } else {
            found.push(Token::Sign(sign(&mut chars)?));
        }
    }
    Ok(found)
}

type Chars<'a> = std::iter::Peekable<std::str::Chars<'a>>;

fn take(chars: &mut Chars<'_>, fits: impl Fn(char) -> bool) -> String {
    let mut taken = String::new();
    while let Some(next) = chars.next_if(|c| fits(*c)) {
        taken.push(next);
    }
    taken
}

/// Up to the closing quote; two quotes are one.
fn quoted(chars: &mut Chars<'_>) -> Result<String> {
    let mut text = String::new();
    while let Some(next) = chars.next() {
        if next != '\'' {
            text.push(next);
        } else if chars.next_if_eq(&'\'').is_some() {
            text.push('\'');
        } else {
            return Ok(text);
        }
    }
    Err(wrong("where", "单引号没有成对"))
}

fn sign(chars: &mut Chars<'_>) -> Result<&'static str> {
    let first = chars.next().unwrap_or_default();
    Ok(match first {
        '=' => "=",
        '!' if chars.next_if_eq(&'=').is_some() => "<>",
        '<' if chars.next_if_eq(&'=').is_some() => "<=",
        '<' if chars.next_if_eq(&'>').is_some() => "<>",
        '<' => "<",
        '>' if chars.next_if_eq(&'=').is_some() => ">=",
        '>' => ">",
        '(' => "(",
        ')' => ")",
        ',' => ",",
        _ => return Err(wrong("where", "条件中有不认识的符号")),
    })
}

fn wrong(place: &str, message: impl Into<String>) -> Error {
    Error::invalid(vec![FieldError::new(place, message)])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const FIELDS: [&str; 3] = ["bzzt", "nl", "xm"];

    fn check(text: &str, expect: Option<&str>) {
        assert_eq!(to_sql(text, &FIELDS).ok().as_deref(), expect, "{text}");
    }

    #[test]
    fn sha_5_conditions_become_safe_sql() {
        check("bzzt = '在保' and nl >= 16", Some(r#""bzzt" = '在保' AND "nl" >= 16"#));
        check("XM like '王%'", Some(r#""xm" LIKE '王%'"#));
        check("xm not in ('甲', 'O''Neil')", Some(r#""xm" NOT IN ('甲', 'O''Neil')"#));
        check("nl is not null", Some(r#""nl" IS NOT NULL"#));
        check("nl != -1.5", Some(r#""nl" <> -1.5"#));
    }

    #[test]
    fn sha_5_anything_else_is_refused() {
        for text in ["", "sfzh = '1'", "nl = 1 or 1 = 1", "nl = (select 1)", "nl = 1; drop table x", "nl = 1 -- x", "nl = xm", "'a' = 'a'", "nl = 1)", "xm = '甲", "nl = 1-2", "nl in ()", "lower(xm) = 'x'"] {
            check(text, None);
        }
        assert!(order_to_sql("nl,-sfzh", &FIELDS).is_err());
        assert_eq!(order_to_sql("nl,-xm", &FIELDS).unwrap(), r#""nl", "xm" DESC"#);
    }

    proptest! {
        #[test]
        fn sha_5_a_value_never_leaves_its_quotes(value in ".{0,40}") {
            let text = format!("xm = '{}'", value.replace('\'', "''"));
            let sql = to_sql(&text, &FIELDS).unwrap();
            prop_assert_eq!(sql, format!("\"xm\" = {}", literal(&value)));
        }
    }
}
