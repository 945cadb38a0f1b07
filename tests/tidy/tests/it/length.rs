//! Files and functions stay short. What is long today is listed; the list may only shrink.

use std::collections::BTreeMap;

const FILE_LINES_MAX: usize = 600;
const FUNCTION_LINES_MAX: usize = 80;

/// Today's exceptions: `path` or `path::function` with the length it may not pass.
const RATCHET: &str = include_str!("../../ratchet.txt");

#[test]
fn files_and_functions_stay_short() {
    let allowed: BTreeMap<&str, usize> =
        RATCHET.lines().filter_map(|line| line.split_once(' ')).map(|(name, n)| (name, n.parse().unwrap())).collect();
    let mut long = Vec::new();
    for path in hufu_tidy::files(&[".rs"]) {
        let shown = hufu_tidy::shown(&path);
        let text = std::fs::read_to_string(&path).unwrap();
        let mut measure = |name: String, lines: usize, limit: usize| {
            if lines > allowed.get(name.as_str()).copied().unwrap_or(limit) {
                long.push(format!("{name} {lines}"));
            }
        };
        measure(shown.clone(), text.lines().count(), FILE_LINES_MAX);
        for (function, lines) in functions(&text) {
            measure(format!("{shown}::{function}"), lines, FUNCTION_LINES_MAX);
        }
    }
    assert!(long.is_empty(), "too long, split them:\n{}", long.join("\n"));
}

/// Functions as formatted text shows them: from the line with `fn` to the closing brace of the same indent.
fn functions(text: &str) -> Vec<(String, usize)> {
    let lines: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    for (start, line) in lines.iter().enumerate() {
        let indent = line.len() - line.trim_start().len();
        let head = line.trim_start();
        let Some(at) = head.find("fn ").filter(|at| *at == 0 || head[..*at].ends_with(' ')) else { continue };
        if head.starts_with("//") || head[..at].contains(['"', '(', '=', '|']) {
            continue;
        }
        let name: String = head[at + 3..].chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        let closing = format!("{}}}", " ".repeat(indent));
        if let Some(length) = lines[start..].iter().position(|line| *line == closing) {
            found.push((name, length + 1));
        }
    }
    found
}

#[test]
fn functions_are_measured() {
    let text = "impl A {\n    pub async fn long(\n        x: u8,\n    ) {\n        a();\n    }\n}\nfn short() {\n}\n";
    assert_eq!(functions(text), [("long".to_owned(), 5), ("short".to_owned(), 2)]);
}
