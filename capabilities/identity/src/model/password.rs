//! What a password must be. The rules are those of MLPS level 3 with the usual guessing tricks refused.

/// Shortest password, in characters.
pub const CHARS_MIN: usize = 10;
/// Longest, in bytes: a hash must not become a way to burn the server's time.
pub const BYTES_MAX: usize = 128;
/// Kinds of characters that must occur, of the four there are.
const KINDS_MIN: usize = 3;
/// Equal or counting characters in a row that are still accepted.
const RUN_MAX: usize = 3;
/// Former passwords that may not come back.
pub const HISTORY: u64 = 5;
/// Stems of the passwords that are tried first; compared without case and look-alikes.
const STEMS: [&str; 12] = [
    "password", "passw0rd", "qwerty", "asdfgh", "zxcvbn", "admin", "welcome", "letmein", "iloveyou", "abc123", "hufu",
    "woaini",
];

/// Everything that is wrong with a password, in the users' words; empty when it is good.
pub fn faults(password: &str, login: &str) -> Vec<&'static str> {
    let mut out = Vec::new();
    if password.chars().count() < CHARS_MIN {
        out.push("口令至少 10 个字符");
    }
    if password.len() > BYTES_MAX {
        out.push("口令过长，最多 128 字节");
    }
    if kinds(password) < KINDS_MIN {
        out.push("须包含大写字母、小写字母、数字、符号中的至少三类");
    }
    let lower = password.to_lowercase();
    if login.chars().count() >= 3 && lower.contains(&login.to_lowercase()) {
        out.push("口令中不能包含账号");
    }
    if longest_run(&lower) > RUN_MAX {
        out.push("不能有连续 4 个以上相同或顺序的字符，如 1111、abcd、4321");
    }
    if STEMS.iter().any(|stem| lower.contains(stem)) {
        out.push("口令过于常见，容易被猜中");
    }
    if password.chars().any(char::is_control) {
        out.push("口令中有不可见的控制字符");
    }
    out
}

fn kinds(password: &str) -> usize {
    let has = |test: fn(&char) -> bool| usize::from(password.chars().any(|c| test(&c)));
    has(|c| c.is_lowercase()) + has(|c| c.is_uppercase()) + has(|c| c.is_numeric()) + has(|c| !c.is_alphanumeric())
}

/// Length of the longest run of equal, rising or falling characters.
fn longest_run(text: &str) -> usize {
    let codes: Vec<i64> = text.chars().map(|c| i64::from(u32::from(c))).collect();
    let (mut longest, mut length, mut step) = (usize::from(!codes.is_empty()), 1_usize, None);
    for pair in codes.windows(2) {
        let [before, after] = pair else { continue };
        let difference = after - before;
        if (-1..=1).contains(&difference) && step == Some(difference) {
            length += 1;
        } else {
            step = (-1..=1).contains(&difference).then_some(difference);
            length = if step.is_some() { 2 } else { 1 };
        }
        longest = longest.max(length);
    }
    longest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(password: &str, good: bool) {
        let found = faults(password, "zhoumin");
        assert_eq!(found.is_empty(), good, "{password}: {found:?}");
    }

    #[test]
    fn who_6_complexity() {
        check("Kai-Feng7Lu", true);
        check("Kai-Feng7L", true);
        check("Kai-Fen7L", false);
        check("kaifenglu77", false);
        check("KAIFENGLU77-", true);
        check("Xx-zhoumin-9", false);
        check("Xx-ZhouMin-9", false);
        check("Good-1234-Ka", false);
        check("Good-4321-Ka", false);
        check("Good-aaaa-K1", false);
        check("Good-123-Ka7", true);
        check("PassWord-9517", false);
        check("", false);
        check("春江花月夜照Kx-9", true);
        check("Ka1-\u{7}Feng7Lu", false);
    }

    #[test]
    fn runs_are_counted() {
        assert_eq!(longest_run(""), 0);
        assert_eq!(longest_run("a"), 1);
        assert_eq!(longest_run("abd"), 2);
        assert_eq!(longest_run("xabcd"), 4);
        assert_eq!(longest_run("x4321"), 4);
        assert_eq!(longest_run("aab"), 2);
    }

    #[test]
    fn a_very_long_password_is_refused() {
        assert!(!faults(&"Ka1-".repeat(40), "x").is_empty());
    }
}
