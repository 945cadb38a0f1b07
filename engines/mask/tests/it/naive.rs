//! What each mask means, said as slowly and plainly as possible: one value, one `String`.

use hufu_mask::Mask;
use sm3::{Digest, Sm3};

pub(crate) fn text(mask: &Mask, value: &str) -> Option<String> {
    let characters: Vec<char> = value.chars().collect();
    Some(match mask {
        Mask::Clear => value.to_owned(),
        Mask::Keep { head, tail, fill } => {
            let (head, tail) = (usize::from(*head), usize::from(*tail));
            let mut shown: Vec<char> = vec![*fill; characters.len()];
            if head + tail < characters.len() {
                for place in 0..characters.len() {
                    if place < head || place + tail >= characters.len() {
                        shown[place] = characters[place];
                    }
                }
            }
            shown.into_iter().collect()
        }
        Mask::Full => "******".to_owned(),
        Mask::Null => return None,
        Mask::Constant(text) => text.clone(),
        Mask::Hash { salt, chars } => {
            let mut input = salt.clone();
            input.extend_from_slice(value.as_bytes());
            hex(&Sm3::digest(input), *chars)
        }
        Mask::Pseudonym { key, chars } => hex(&hmac(key, value.as_bytes()), *chars),
        Mask::NameToSurname => surname(&characters),
        Mask::Email => match value.rfind('@') {
            Some(at) if at > 0 => {
                let mailbox: Vec<char> = value[..at].chars().collect();
                let first = if mailbox.len() > 1 && mailbox[0] != '*' { mailbox[0].to_string() } else { String::new() };
                format!("{first}***{}", &value[at..])
            }
            _ => "******".to_owned(),
        },
        other => panic!("no naive text form of {other}"),
    })
}

/// The textbook definition of HMAC.
pub(crate) fn hmac(key: &[u8], message: &[u8]) -> Vec<u8> {
    let mut block = if key.len() > 64 { Sm3::digest(key).to_vec() } else { key.to_vec() };
    block.resize(64, 0);
    let inner: Vec<u8> = block.iter().map(|b| b ^ 0x36).chain(message.iter().copied()).collect();
    let outer: Vec<u8> = block.iter().map(|b| b ^ 0x5c).chain(Sm3::digest(inner).iter().copied()).collect();
    Sm3::digest(outer).to_vec()
}

fn hex(bytes: &[u8], chars: u8) -> String {
    let all: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    all[..usize::from(chars)].to_owned()
}

fn surname(characters: &[char]) -> String {
    let first_two: String = characters.iter().take(2).collect();
    let kept = match characters.len() {
        0 | 1 => 0,
        2 => 1,
        _ if ["欧阳", "司马", "诸葛", "上官"].contains(&first_two.as_str()) => 2,
        _ => 1,
    };
    let mut shown: String = characters.iter().take(kept).collect();
    shown.push_str(&"*".repeat(characters.len() - kept));
    shown
}
