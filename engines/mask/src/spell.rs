//! The text form of a mask: `keep(3,4)`, `hash(16)`, `email`. Keys and salts are not part of it.

use std::fmt;
use std::str::FromStr;

use crate::Mask;
use crate::error::{MaskError, Result};

const FILL: char = '*';
/// Characters of a token when none are named: 64 bits.
const TOKEN_CHARS: u8 = 16;

impl Mask {
    /// Reads a mask. `hash` and `pseudonym` come without a secret and do nothing before they have one.
    pub fn parse(text: &str) -> Result<Mask> {
        let unknown = || MaskError::Unknown(text.to_owned());
        let (name, arguments) = match text.trim().split_once('(') {
            Some((name, rest)) => (name.trim(), Some(rest.trim().strip_suffix(')').ok_or_else(unknown)?)),
            None => (text.trim(), None),
        };
        let mask = match (name, arguments) {
            ("clear", None) => Mask::Clear,
            ("full", None) => Mask::Full,
            ("null", None) => Mask::Null,
            ("date_to_year", None) => Mask::DateToYear,
            ("date_to_month", None) => Mask::DateToMonth,
            ("address_to_district", None) => Mask::AddressToDistrict,
            ("name_to_surname", None) => Mask::NameToSurname,
            ("email", None) => Mask::Email,
            ("hash", arguments) => Mask::Hash { salt: vec![], chars: chars(arguments).ok_or_else(unknown)? },
            ("pseudonym", arguments) => Mask::Pseudonym { key: vec![], chars: chars(arguments).ok_or_else(unknown)? },
            ("keep", Some(arguments)) => keep(arguments).ok_or_else(unknown)?,
            ("constant", Some(argument)) => Mask::Constant(quoted(argument, '"').ok_or_else(unknown)?),
            ("number_to_range", Some(argument)) => {
                let step = argument.trim().parse().ok().filter(|step| *step > 0);
                Mask::NumberToRange { step: step.ok_or_else(unknown)? }
            }
            _ => return Err(unknown()),
        };
        Ok(mask)
    }
}

impl FromStr for Mask {
    type Err = MaskError;

    fn from_str(text: &str) -> Result<Mask> {
        Mask::parse(text)
    }
}

impl fmt::Display for Mask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Mask::Clear => f.write_str("clear"),
            Mask::Keep { head, tail, fill: FILL } => write!(f, "keep({head},{tail})"),
            Mask::Keep { head, tail, fill } => {
                write!(f, "keep({head},{tail},'{}')", escape(&fill.to_string(), '\''))
            }
            Mask::Full => f.write_str("full"),
            Mask::Null => f.write_str("null"),
            Mask::Constant(text) => write!(f, "constant(\"{}\")", escape(text, '"')),
            Mask::Hash { chars, .. } => write!(f, "hash({chars})"),
            Mask::Pseudonym { chars, .. } => write!(f, "pseudonym({chars})"),
            Mask::DateToYear => f.write_str("date_to_year"),
            Mask::DateToMonth => f.write_str("date_to_month"),
            Mask::NumberToRange { step } => write!(f, "number_to_range({step})"),
            Mask::AddressToDistrict => f.write_str("address_to_district"),
            Mask::NameToSurname => f.write_str("name_to_surname"),
            Mask::Email => f.write_str("email"),
        }
    }
}

impl fmt::Debug for Mask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

fn chars(arguments: Option<&str>) -> Option<u8> {
    match arguments {
        None => Some(TOKEN_CHARS),
        Some(text) => text.trim().parse().ok().filter(|chars| (1..=64).contains(chars)),
    }
}

fn keep(arguments: &str) -> Option<Mask> {
    let (head, rest) = arguments.split_once(',')?;
    let (tail, fill) = match rest.split_once(',') {
        Some((tail, fill)) => {
            let fill = quoted(fill.trim(), '\'')?;
            let mut characters = fill.chars();
            let only = characters.next().filter(|_| characters.next().is_none())?;
            (tail, only)
        }
        None => (rest, FILL),
    };
    let (head, tail) = (head.trim().parse().ok()?, tail.trim().parse().ok()?);
    Some(Mask::Keep { head, tail, fill })
}

fn escape(text: &str, quote: char) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        if character == quote || character == '\\' {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}

/// Undoes [`escape`]; `None` when a quote is missing or stands inside unescaped.
fn quoted(text: &str, quote: char) -> Option<String> {
    let inner = text.trim().strip_prefix(quote)?.strip_suffix(quote)?;
    let mut plain = String::with_capacity(inner.len());
    let mut characters = inner.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => plain.push(characters.next()?),
            other if other == quote => return None,
            other => plain.push(other),
        }
    }
    Some(plain)
}
