//! A statement as it may stand in a record: its shape, without anything that could be somebody's.
//!
//! Literals become their kind, names that the gate does not know (aliases, mistyped or forbidden
//! columns, and whatever was written where a name should stand) become `<name>`, comments go.
//! A salted digest lets an auditor who holds the text and the salt prove that it was this one.

use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::tokenizer::{Token, Tokenizer, Whitespace};
use hufu_crypto::HmacSm3;

use crate::functions;

/// Longest text kept, in characters.
const TEXT_CHARS_MAX: usize = 4_000;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redacted {
    pub text: String,
    /// HMAC-SM3 of the statement under the salt, hex.
    pub digest: String,
}

/// `known` says whether a name is one of the mandate's schemas, tables or fields.
pub fn redact_statement(sql: &str, salt: &[u8], known: &dyn Fn(&str) -> bool) -> Redacted {
    let digest = HmacSm3::new(salt).mac(sql.as_bytes()).to_hex();
    let dialect = PostgreSqlDialect {};
    let text = match Tokenizer::new(&dialect, sql).tokenize() {
        Ok(tokens) => shape(&tokens, known),
        Err(_) => "<unreadable>".to_owned(),
    };
    Redacted { text, digest }
}

fn shape(tokens: &[Token], known: &dyn Fn(&str) -> bool) -> String {
    let mut text = String::new();
    for token in tokens {
        match token {
            Token::EOF => {}
            // Comments are whitespace to the tokenizer, and anything can stand in them.
            Token::Whitespace(Whitespace::Space | Whitespace::Newline | Whitespace::Tab) => {
                if !text.ends_with(' ') && !text.is_empty() {
                    text.push(' ');
                }
            }
            Token::Whitespace(_) => {}
            Token::Number(..) => text.push_str("<number>"),
            Token::Placeholder(_) => text.push_str("<parameter>"),
            Token::Word(word) if word.quote_style.is_none() && is_plain_word(&word.value, word.keyword, known) => {
                text.push_str(&word.value);
            }
            Token::Word(word) if word.quote_style.is_some() && known(&word.value) => {
                text.push_str(&token.to_string());
            }
            Token::Word(_) => text.push_str("<name>"),
            other => match symbol(other) {
                Some(symbol) => text.push_str(&symbol),
                None => text.push_str("<text>"),
            },
        }
    }
    match text.char_indices().nth(TEXT_CHARS_MAX) {
        Some((end, _)) => {
            text.truncate(end);
            text.push('…');
            text
        }
        None => text.trim_end().to_owned(),
    }
}

fn is_plain_word(word: &str, keyword: Keyword, known: &dyn Fn(&str) -> bool) -> bool {
    keyword != Keyword::NoKeyword || known(word) || functions::is_known(&word.to_ascii_lowercase())
}

/// Operators and punctuation as they are; every token that carries text of its own is `None`.
fn symbol(token: &Token) -> Option<String> {
    let text = token.to_string();
    let plain = !text.is_empty() && text.chars().all(|c| c.is_ascii_punctuation() && !matches!(c, '\'' | '"' | '$'));
    plain.then_some(text)
}

#[cfg(test)]
mod tests {
    use super::redact_statement;

    #[track_caller]
    fn check(sql: &str, expect: &str) {
        let redacted = redact_statement(sql, b"salt", &|name| ["persons", "name", "身份证号"].contains(&name));
        assert_eq!(redacted.text, expect);
        assert_eq!(redacted.digest.len(), 64);
    }

    #[test]
    fn led_1_no_literal_or_unknown_name_stays() {
        check(
            "SELECT name FROM persons WHERE name = '张三' AND x > 13800138000",
            "SELECT name FROM persons WHERE name = <text> AND <name> > <number>",
        );
        check("SELECT \"身份证号\" AS \"李四\" FROM persons -- 王五", "SELECT \"身份证号\" AS <name> FROM persons");
        check(
            "select count(*)/*13800138000*/from persons where name like $$a$$",
            "select count(*)from persons where name like <text>",
        );
        check("SELECT 11010519491231002X", "SELECT <number><name>");
        check("SELECT 张三丰 FROM persons", "SELECT <name> FROM persons");
        check(
            "SELECT E'\\x', B'01', X'ff', U&'d', N'国' FROM persons",
            "SELECT <text>, <text>, <text>, <text>, <text> FROM persons",
        );
        check("SELECT 'open", "<unreadable>");
        check("SELECT name FROM persons WHERE name = $1", "SELECT name FROM persons WHERE name = <parameter>");
    }

    #[test]
    fn led_1_the_digest_needs_the_salt() {
        let one = redact_statement("SELECT 1", b"one", &|_| false);
        let two = redact_statement("SELECT 1", b"two", &|_| false);
        assert_ne!(one.digest, two.digest);
        assert_eq!(one, redact_statement("SELECT 1", b"one", &|_| false));
    }
}
