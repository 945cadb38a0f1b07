//! Chinese text as terms: words by jieba in search mode, and grams of one and two characters.
//!
//! Words rank; grams make sure that nothing is missed when a query is cut differently from the text.
//! Both sides are first brought to one form: half-width, lower case.

use std::sync::LazyLock;

use jieba_rs::Jieba;
use tantivy::tokenizer::{Token, TokenStream, Tokenizer};

static JIEBA: LazyLock<Jieba> = LazyLock::new(Jieba::new);

/// One form for text and query: full-width forms become half-width, letters lower case.
pub(crate) fn normal(text: &str) -> String {
    let fold = |c: char| match c {
        '\u{3000}' => ' ',
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
        other => other,
    };
    text.chars().map(fold).flat_map(char::to_lowercase).collect()
}

pub(crate) fn is_han(c: char) -> bool {
    matches!(c, '\u{3007}' | '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

/// Words of a text for the index: compounds and their parts.
fn index_words(text: &str) -> Vec<String> {
    let words = JIEBA.cut_for_search(text, false);
    words.into_iter().map(|token| token.word).filter(|word| word.chars().any(char::is_alphanumeric)).map(str::to_owned).collect()
}

/// Words of a query. Characters that belong to no known word are taken together: they are one name that the dictionary lacks.
pub(crate) fn query_words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut loose = String::new();
    for token in JIEBA.cut(text, false) {
        let mut chars = token.word.chars();
        match (chars.next(), chars.next()) {
            (Some(one), None) if is_han(one) => loose.push(one),
            _ => {
                words.extend((!loose.is_empty()).then(|| std::mem::take(&mut loose)));
                if token.word.chars().any(char::is_alphanumeric) {
                    words.push(token.word.to_owned());
                }
            }
        }
    }
    words.extend((!loose.is_empty()).then_some(loose));
    words
}

/// Characters and pairs of neighbours, in runs of Han characters.
pub(crate) fn grams(text: &str) -> Vec<String> {
    let mut grams = Vec::new();
    let mut former: Option<char> = None;
    for c in text.chars() {
        if !is_han(c) {
            former = None;
            continue;
        }
        grams.push(c.to_string());
        if let Some(before) = former {
            grams.push(format!("{before}{c}"));
        }
        former = Some(c);
    }
    grams
}

/// The longest grams that cover a word: its pairs, or its one character.
pub(crate) fn covering_grams(word: &str) -> Vec<String> {
    let all = grams(word);
    let has_pairs = word.chars().filter(|c| is_han(*c)).count() > 1;
    if has_pairs { all.into_iter().filter(|gram| gram.chars().count() == 2).collect() } else { all }
}

/// A code or identifier whole, and its parts: `id_card` is also `id` and `card`.
pub(crate) fn idents(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for whole in text.split_whitespace() {
        let parts: Vec<&str> = whole.split(|c: char| !c.is_ascii_alphanumeric()).filter(|part| !part.is_empty()).collect();
        if parts.len() > 1 {
            found.extend(parts.into_iter().map(str::to_owned));
        }
        found.push(whole.to_owned());
    }
    found
}

/// Which cutter a field uses.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Cutter {
    Words,
    Grams,
    Idents,
}

impl Cutter {
    pub(crate) const ALL: [Self; 3] = [Self::Words, Self::Grams, Self::Idents];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Words => "words",
            Self::Grams => "grams",
            Self::Idents => "idents",
        }
    }
}

impl Tokenizer for Cutter {
    type TokenStream<'a> = Cut;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> Cut {
        let text = normal(text);
        let terms = match self {
            Self::Words => index_words(&text),
            Self::Grams => grams(&text),
            Self::Idents => idents(&text),
        };
        Cut { terms: terms.into_iter(), position: 0, token: Token::default() }
    }
}

/// Terms one after the other.
pub(crate) struct Cut {
    terms: std::vec::IntoIter<String>,
    position: usize,
    token: Token,
}

impl TokenStream for Cut {
    fn advance(&mut self) -> bool {
        let Some(text) = self.terms.next() else { return false };
        self.token.text = text;
        self.token.position = self.position;
        self.position += 1;
        true
    }

    fn token(&self) -> &Token {
        &self.token
    }

    fn token_mut(&mut self) -> &mut Token {
        &mut self.token
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cat_5_full_width_and_case_make_no_difference() {
        assert_eq!(normal("ＩＤ＿Card　１２"), "id_card 12");
    }

    #[test]
    fn cat_5_grams_stay_inside_runs_of_characters() {
        assert_eq!(grams("低保A对象"), ["低", "保", "低保", "对", "象", "对象"]);
        assert_eq!(covering_grams("民政局"), ["民政", "政局"]);
        assert_eq!(covering_grams("民"), ["民"]);
    }

    #[test]
    fn cat_5_words_of_a_query_are_known_words_and_loose_names() {
        assert_eq!(query_words("婚姻登记信息"), ["婚姻登记", "信息"]);
        assert_eq!(query_words("？！"), Vec::<String>::new());
    }
}
