//! What a client's statement asks for. Only the first words are read here; queries are judged by the gate.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::visit_relations;
use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
use datafusion::sql::sqlparser::parser::Parser;
use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan, Tokenizer};

/// Most rows that one FETCH gives.
pub(super) const FETCH_MAX: usize = 1_000_000;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Command {
    Query(String),
    Begin,
    Commit,
    Rollback,
    Set {
        name: String,
        value: Option<String>,
    },
    ResetAll,
    /// `SET TRANSACTION …`, savepoints, `DEALLOCATE`, `LISTEN` and the like: said yes to, as nothing hangs on it.
    Nothing(&'static str),
    Show(String),
    Declare {
        cursor: String,
        query: String,
    },
    Fetch {
        cursor: String,
        rows: usize,
    },
    Move {
        cursor: String,
        rows: usize,
    },
    CloseCursor(Option<String>),
    DiscardAll,
    Copy(Copy),
    /// Goes through the gate to be refused there, so that the refusal is recorded.
    Refused(String),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Copy {
    pub query: String,
    pub csv: bool,
    pub header: bool,
    pub delimiter: u8,
    pub null: String,
}

/// The statements of a simple query, in order.
pub(super) fn split(text: &str) -> Vec<String> {
    let Some(tokens) = tokens(text) else { return vec![text.to_owned()] };
    let (mut statements, mut from) = (Vec::new(), 0);
    for token in &tokens {
        if token.token == Token::SemiColon {
            let at = offset(text, token);
            statements.extend(text.get(from..at).map(str::to_owned));
            from = at + 1;
        }
    }
    statements.extend(text.get(from..).map(str::to_owned));
    let words = |s: &String| tokens_of_words(s) > 0;
    statements.retain(words);
    statements
}

pub(super) fn parse(text: &str) -> Command {
    let refused = || Command::Refused(text.to_owned());
    let Some(tokens) = tokens(text) else { return refused() };
    let tokens: Vec<TokenWithSpan> = tokens
        .into_iter()
        .filter(|t| !matches!(t.token, Token::Whitespace(_) | Token::SemiColon | Token::EOF))
        .collect();
    let words = Words { text, tokens: &tokens };
    let second = words.upper(1);
    match (words.upper(0).as_str(), second.as_str()) {
        ("SELECT" | "WITH" | "VALUES" | "TABLE" | "EXPLAIN" | "(", _) => Command::Query(words.rest(0)),
        ("BEGIN", _) | ("START", "TRANSACTION") => Command::Begin,
        ("COMMIT" | "END", _) => Command::Commit,
        ("ROLLBACK", "TO") => Command::Nothing("ROLLBACK"),
        ("ROLLBACK" | "ABORT", _) => Command::Rollback,
        ("SAVEPOINT", _) => Command::Nothing("SAVEPOINT"),
        ("RELEASE", _) => Command::Nothing("RELEASE"),
        ("DEALLOCATE", _) => Command::Nothing("DEALLOCATE"),
        ("UNLISTEN", _) => Command::Nothing("UNLISTEN"),
        ("DISCARD", "ALL") => Command::DiscardAll,
        ("DISCARD", _) => Command::Nothing("DISCARD"),
        ("RESET", "ALL") => Command::ResetAll,
        ("RESET", _) => Command::Set { name: words.name(1), value: None },
        ("SET", _) => set(&words).unwrap_or_else(refused),
        ("SHOW", _) => Command::Show(show(&words)),
        ("DECLARE", _) => declare(&words).unwrap_or_else(refused),
        ("FETCH", _) => cursor_step(&words).map_or_else(refused, |(cursor, rows)| Command::Fetch { cursor, rows }),
        ("MOVE", _) => cursor_step(&words).map_or_else(refused, |(cursor, rows)| Command::Move { cursor, rows }),
        ("CLOSE", "ALL") => Command::CloseCursor(None),
        ("CLOSE", _) => Command::CloseCursor(Some(words.identifier(1))),
        ("COPY", _) => copy(&words).map_or_else(refused, Command::Copy),
        _ => refused(),
    }
}

/// Tables that a query names, as they are written there, without quotes.
pub(super) fn relations(sql: &str) -> Vec<String> {
    let Ok(statements) = Parser::parse_sql(&PostgreSqlDialect {}, sql) else { return Vec::new() };
    let mut names = Vec::new();
    let _all = visit_relations(&statements, |name| {
        names.push(name.to_string().replace('"', ""));
        ControlFlow::<()>::Continue(())
    });
    names
}

fn tokens(text: &str) -> Option<Vec<TokenWithSpan>> {
    Tokenizer::new(&PostgreSqlDialect {}, text).tokenize_with_location().ok()
}

fn tokens_of_words(text: &str) -> usize {
    let meaning = |t: &TokenWithSpan| !matches!(t.token, Token::Whitespace(_) | Token::EOF | Token::SemiColon);
    tokens(text).map_or(1, |all| all.iter().filter(|t| meaning(t)).count())
}

/// Byte offset of a token; the tokenizer counts lines and characters.
fn offset(text: &str, token: &TokenWithSpan) -> usize {
    let (line, column) = (token.span.start.line, token.span.start.column);
    let mut at = 0;
    for (number, content) in (1..).zip(text.split_inclusive('\n')) {
        if number == line {
            let skip = usize::try_from(column.saturating_sub(1)).unwrap_or(0);
            return at + content.char_indices().nth(skip).map_or(content.len(), |(i, _)| i);
        }
        at += content.len();
    }
    text.len()
}

struct Words<'a> {
    text: &'a str,
    tokens: &'a [TokenWithSpan],
}

impl Words<'_> {
    fn upper(&self, at: usize) -> String {
        self.tokens.get(at).map(|t| t.token.to_string().to_ascii_uppercase()).unwrap_or_default()
    }

    fn is(&self, at: usize, word: &str) -> bool {
        self.upper(at) == word
    }

    /// A name as PostgreSQL folds it.
    fn identifier(&self, at: usize) -> String {
        match self.tokens.get(at).map(|t| &t.token) {
            Some(Token::Word(w)) if w.quote_style.is_some() => w.value.clone(),
            Some(token) => token.to_string().to_ascii_lowercase(),
            None => String::new(),
        }
    }

    /// `a.b` as one name.
    fn name(&self, at: usize) -> String {
        let mut name = self.identifier(at);
        let mut next = at + 1;
        while self.is(next, ".") {
            name = format!("{name}.{}", self.identifier(next + 1));
            next += 2;
        }
        name
    }

    /// The statement's text from a token on, without a closing semicolon.
    fn rest(&self, at: usize) -> String {
        let from = self.tokens.get(at).map_or(self.text.len(), |t| offset(self.text, t));
        self.text.get(from..).unwrap_or_default().trim_end().trim_end_matches(';').to_owned()
    }

    fn find(&self, word: &str) -> Option<usize> {
        (0..self.tokens.len()).find(|i| self.is(*i, word))
    }

    fn value(&self, at: usize) -> Option<String> {
        match &self.tokens.get(at)?.token {
            Token::SingleQuotedString(s) | Token::EscapedStringLiteral(s) => Some(s.clone()),
            Token::Number(n, _) => Some(n.clone()),
            Token::Word(w) => Some(w.value.clone()),
            Token::Minus => Some(format!("-{}", self.value(at + 1)?)),
            _ => None,
        }
    }
}

/// `SET [SESSION | LOCAL] name {= | TO} value[, …]`
fn set(words: &Words<'_>) -> Option<Command> {
    let mut at = 1;
    if words.is(at, "SESSION") && words.is(at + 1, "CHARACTERISTICS") || words.is(at, "TRANSACTION") {
        return Some(Command::Nothing("SET"));
    }
    if words.is(at, "SESSION") || words.is(at, "LOCAL") {
        at += 1;
    }
    if words.is(at, "TIME") && words.is(at + 1, "ZONE") {
        return Some(Command::Set { name: "timezone".into(), value: Some(words.value(at + 2)?) });
    }
    if words.is(at, "NAMES") {
        return Some(Command::Set { name: "client_encoding".into(), value: Some(words.value(at + 1)?) });
    }
    let name = words.name(at);
    let mark = (at..words.tokens.len()).find(|i| words.is(*i, "=") || words.is(*i, "TO"))?;
    if words.is(mark + 1, "DEFAULT") {
        return Some(Command::Set { name, value: None });
    }
    let mut value = words.value(mark + 1)?;
    let mut next = mark + 2;
    while words.is(next, ",") {
        value = format!("{value}, {}", words.value(next + 1)?);
        next += 2;
    }
    Some(Command::Set { name, value: Some(value) })
}

fn show(words: &Words<'_>) -> String {
    match (words.upper(1).as_str(), words.upper(2).as_str()) {
        ("TRANSACTION", "ISOLATION") => "transaction_isolation".to_owned(),
        ("TIME", "ZONE") => "timezone".to_owned(),
        _ => words.name(1),
    }
}

/// `DECLARE name [options] CURSOR [options] FOR query`
fn declare(words: &Words<'_>) -> Option<Command> {
    let cursor = words.find("CURSOR")?;
    let at = (cursor..words.tokens.len()).find(|i| words.is(*i, "FOR"))?;
    let scrolls = (2..cursor).any(|i| words.is(i, "SCROLL") && !words.is(i - 1, "NO"));
    let binary = (2..cursor).any(|i| words.is(i, "BINARY"));
    if scrolls || binary {
        return None;
    }
    Some(Command::Declare { cursor: words.identifier(1), query: words.rest(at + 1) })
}

/// `FETCH [NEXT | n | ALL | FORWARD [n | ALL]] [FROM | IN] name`
fn cursor_step(words: &Words<'_>) -> Option<(String, usize)> {
    let last = words.tokens.len().checked_sub(1).filter(|l| *l >= 1)?;
    let mut rows = 1;
    for at in 1..last {
        match words.upper(at).as_str() {
            "NEXT" | "FROM" | "IN" | "FORWARD" => {}
            "ALL" => rows = FETCH_MAX,
            number => rows = number.parse::<usize>().ok()?.min(FETCH_MAX),
        }
    }
    Some((words.identifier(last), rows))
}

/// `COPY (query) TO STDOUT [[WITH] options]`
fn copy(words: &Words<'_>) -> Option<Copy> {
    if !words.is(1, "(") {
        return None;
    }
    let mut depth = 0_i32;
    let close = (1..words.tokens.len()).find(|i| {
        depth += match words.upper(*i).as_str() {
            "(" => 1,
            ")" => -1,
            _ => 0,
        };
        depth == 0
    })?;
    if !(words.is(close + 1, "TO") && words.is(close + 2, "STDOUT")) {
        return None;
    }
    let from = words.tokens.get(2).map(|t| offset(words.text, t))?;
    let to = words.tokens.get(close).map(|t| offset(words.text, t))?;
    let query = words.text.get(from..to)?.to_owned();
    let mut copy = Copy { query, csv: false, header: false, delimiter: b'\t', null: "\\N".to_owned() };
    let (mut delimiter, mut null) = (None, None);
    let mut at = close + 3;
    while at < words.tokens.len() {
        match words.upper(at).as_str() {
            "WITH" | "(" | ")" | "," | "FORMAT" | "TEXT" | "AS" => {}
            "CSV" => copy.csv = true,
            "HEADER" => {
                let off = matches!(words.upper(at + 1).as_str(), "FALSE" | "OFF" | "0");
                let said = off || matches!(words.upper(at + 1).as_str(), "TRUE" | "ON" | "1");
                copy.header = !off;
                at += usize::from(said);
            }
            "DELIMITER" | "NULL" | "ENCODING" => {
                let value_at = if words.is(at + 1, "AS") { at + 2 } else { at + 1 };
                let value = words.value(value_at)?;
                match words.upper(at).as_str() {
                    "DELIMITER" => delimiter = Some(value),
                    "NULL" => null = Some(value),
                    _ if value.to_ascii_uppercase().replace('-', "") == "UTF8" => {}
                    _ => return None,
                }
                at = value_at;
            }
            // BINARY, QUOTE, FORCE_QUOTE …: not offered.
            _ => return None,
        }
        at += 1;
    }
    if copy.csv {
        copy.delimiter = b',';
        copy.null = String::new();
    }
    if let Some(delimiter) = delimiter {
        let [one] = delimiter.as_bytes() else { return None };
        copy.delimiter = *one;
    }
    copy.null = null.unwrap_or(copy.null);
    Some(copy)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_are_split_where_they_end() {
        assert_eq!(
            split("select 1; select ';' ;; -- x;\nselect \"a;b\""),
            ["select 1", " select ';' ", " -- x;\nselect \"a;b\""]
        );
        assert!(split(" ; -- nothing\n;").is_empty());
    }

    #[test]
    fn commands_are_recognised() {
        let set = |name: &str, value: Option<&str>| Command::Set { name: name.into(), value: value.map(Into::into) };
        let cases = [
            ("/* c */ select 1;", Command::Query("select 1".into())),
            ("SET hufu.grant = 'YS-1'", set("hufu.grant", Some("YS-1"))),
            ("set session extra_float_digits to 3", set("extra_float_digits", Some("3"))),
            ("SET DateStyle=ISO, YMD", set("datestyle", Some("ISO, YMD"))),
            ("SET TIME ZONE 'UTC'", set("timezone", Some("UTC"))),
            ("RESET hufu.grant", set("hufu.grant", None)),
            ("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY", Command::Nothing("SET")),
            ("SHOW TRANSACTION ISOLATION LEVEL", Command::Show("transaction_isolation".into())),
            ("show hufu.purpose", Command::Show("hufu.purpose".into())),
            (
                "DECLARE _psql_cursor NO SCROLL CURSOR FOR\nselect 'for' from x",
                Command::Declare { cursor: "_psql_cursor".into(), query: "select 'for' from x".into() },
            ),
            ("FETCH FORWARD 100 FROM _psql_cursor", Command::Fetch { cursor: "_psql_cursor".into(), rows: 100 }),
            ("fetch all in \"C\"", Command::Fetch { cursor: "C".into(), rows: FETCH_MAX }),
            ("CLOSE c", Command::CloseCursor(Some("c".into()))),
            ("delete from x", Command::Refused("delete from x".into())),
            ("COPY x TO STDOUT", Command::Refused("COPY x TO STDOUT".into())),
            ("COPY (select 1) TO '/etc/x'", Command::Refused("COPY (select 1) TO '/etc/x'".into())),
            (
                "COPY (select 1) TO STDOUT (FORMAT binary)",
                Command::Refused("COPY (select 1) TO STDOUT (FORMAT binary)".into()),
            ),
        ];
        for (text, expected) in cases {
            assert_eq!(parse(text), expected, "{text}");
        }
        let copy = Copy { query: "select (1) ".into(), csv: true, header: true, delimiter: b';', null: String::new() };
        assert_eq!(parse("COPY (select (1) ) TO STDOUT WITH (FORMAT csv, HEADER, DELIMITER ';')"), Command::Copy(copy));
    }
}
