//! From what a person typed to a query. There is no query syntax: every character is only text.

use tantivy::Term;
use tantivy::query::{
    AllQuery, BooleanQuery, BoostQuery, ConstScoreQuery, Occur, Query, RegexQuery, TermQuery, TermSetQuery,
};
use tantivy::schema::{Field, IndexRecordOption};

use super::facets::{Chosen, Facet};
use super::index::Fields;
use super::text;
use super::{QUERY_CHARS_MAX, Scope};

/// Shortest beginning of a code that is looked up as a beginning.
const PREFIX_CHARS_MIN: usize = 3;
/// Words of one query; what comes after is not looked at.
const WORDS_MAX: usize = 16;

/// Every word of the text must occur somewhere; without words everything matches.
pub(super) fn of_text(fields: &Fields, typed: &str) -> Box<dyn Query> {
    let short: String = typed.chars().take(QUERY_CHARS_MAX).collect();
    let normal = text::normal(&short);
    let mut clauses: Vec<(Occur, Box<dyn Query>)> = Vec::new();
    for run in runs(&normal).into_iter().take(WORDS_MAX) {
        match run {
            Run::Ident(ident) => clauses.push((Occur::Must, of_ident(fields, &ident))),
            Run::Han(han) => {
                let words = text::query_words(&han).into_iter().take(WORDS_MAX);
                clauses.extend(words.map(|word| (Occur::Must, of_word(fields, &word))));
            }
        }
    }
    if clauses.is_empty() {
        return Box::new(AllQuery);
    }
    let exact = term(fields.name_exact, normal.trim());
    clauses.push((Occur::Should, Box::new(BoostQuery::new(exact, 20.0))));
    Box::new(BooleanQuery::new(clauses))
}

/// Which entries the asker may see at all.
pub(super) fn of_scope(fields: &Fields, scope: &Scope) -> Box<dyn Query> {
    let published = term(fields.facet(Facet::State), "published");
    match scope {
        Scope::Published => published,
        Scope::PublishedAndUnit(unit) => {
            let own = term(fields.facet(Facet::Unit), unit.as_str());
            Box::new(BooleanQuery::union(vec![published, own]))
        }
    }
}

/// Narrows to the chosen values of every facet.
pub(super) fn narrowed(fields: &Fields, matching: Vec<Box<dyn Query>>, chosen: &Chosen) -> Box<dyn Query> {
    let mut all = matching;
    for (facet, values) in chosen.iter().filter(|(_, values)| !values.is_empty()) {
        let terms = values.iter().map(|value| Term::from_field_text(fields.facet(*facet), value));
        all.push(Box::new(ConstScoreQuery::new(Box::new(TermSetQuery::new(terms)), 0.0)));
    }
    Box::new(BooleanQuery::intersection(all))
}

fn of_word(fields: &Fields, word: &str) -> Box<dyn Query> {
    let grams = text::covering_grams(word);
    let any: Vec<Box<dyn Query>> = vec![
        boosted(term(fields.name_words, word), 6.0),
        boosted(all_of(fields.name_grams, &grams), 3.0),
        term(fields.text_words, word),
        Box::new(ConstScoreQuery::new(all_of(fields.text_grams, &grams), 0.1)),
    ];
    Box::new(BooleanQuery::union(any))
}

fn of_ident(fields: &Fields, ident: &str) -> Box<dyn Query> {
    let mut any: Vec<Box<dyn Query>> = vec![
        boosted(term(fields.idents, ident), 8.0),
        boosted(term(fields.name_words, ident), 6.0),
        term(fields.text_words, ident),
    ];
    if ident.len() >= PREFIX_CHARS_MIN
        && let Ok(prefix) = RegexQuery::from_pattern(&format!("{}.*", escaped(ident)), fields.idents)
    {
        any.push(Box::new(ConstScoreQuery::new(Box::new(prefix), 2.0)));
    }
    Box::new(BooleanQuery::union(any))
}

fn all_of(field: Field, terms: &[String]) -> Box<dyn Query> {
    let mut queries: Vec<Box<dyn Query>> = terms.iter().map(|gram| term(field, gram)).collect();
    match (queries.pop(), queries.is_empty()) {
        (Some(only), true) => only,
        (Some(last), false) => {
            queries.push(last);
            Box::new(BooleanQuery::intersection(queries))
        }
        (None, _) => Box::new(tantivy::query::EmptyQuery),
    }
}

fn term(field: Field, text: &str) -> Box<dyn Query> {
    Box::new(TermQuery::new(Term::from_field_text(field, text), IndexRecordOption::WithFreqs))
}

fn boosted(query: Box<dyn Query>, by: f32) -> Box<dyn Query> {
    Box::new(BoostQuery::new(query, by))
}

/// The automaton library has signs of its own; each is written so that it means itself.
fn escaped(ident: &str) -> String {
    ident.chars().fold(String::new(), |mut pattern, c| {
        if !c.is_ascii_alphanumeric() && c != '_' {
            pattern.push('\\');
        }
        pattern.push(c);
        pattern
    })
}

/// What was typed, in stretches of one script.
enum Run {
    Han(String),
    /// Codes and names of columns: `3050120001/000123`, `id_card`.
    Ident(String),
}

fn runs(text: &str) -> Vec<Run> {
    let mut runs = Vec::new();
    let mut current = String::new();
    let mut han = false;
    for c in text.chars() {
        let is_han = text::is_han(c);
        let is_ident = c.is_alphanumeric() || (!han && !current.is_empty() && matches!(c, '_' | '-' | '/' | '.'));
        let fits = if is_han { han } else { is_ident && !han };
        if !fits && !current.is_empty() {
            runs.push(run(std::mem::take(&mut current), han));
        }
        if is_han || is_ident {
            current.push(c);
            han = is_han;
        }
    }
    if !current.is_empty() {
        runs.push(run(current, han));
    }
    runs
}

fn run(text: String, han: bool) -> Run {
    if han { Run::Han(text) } else { Run::Ident(text.trim_end_matches(['_', '-', '/', '.']).to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(typed: &str) -> Vec<String> {
        let show = |run| match run {
            Run::Han(text) => format!("汉 {text}"),
            Run::Ident(text) => format!("码 {text}"),
        };
        runs(typed).into_iter().map(show).collect()
    }

    #[test]
    fn cat_5_signs_are_only_text() {
        assert_eq!(shown("名称:\"低保\" AND (id_card OR 3050120001/000123)*"), [
            "汉 名称", "汉 低保", "码 AND", "码 id_card", "码 OR", "码 3050120001/000123"
        ]);
        assert_eq!(escaped("a.b*[c"), "a\\.b\\*\\[c");
    }
}
