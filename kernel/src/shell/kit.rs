//! The signs of a page: status, level, deadline, mask, proof. Each is one function, so that a template macro, a table cell and a test get the same markup.

use std::fmt::Write as _;

use super::fmt::{self, Due, Whole};
use super::parts::TreeNode;
use super::status::{self, Tone};
use crate::time::Timestamp;

/// Markup that is already escaped.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Html(String);

impl Html {
    /// Takes text as text.
    pub fn text(text: impl AsRef<str>) -> Self {
        Self(esc(text.as_ref()))
    }

    /// Takes markup written by us; values inside it must have gone through [`esc`].
    pub fn trusted(markup: impl Into<String>) -> Self {
        Self(markup.into())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl std::fmt::Display for Html {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl askama::filters::HtmlSafe for Html {}

/// Escapes text for an element or a quoted attribute.
pub fn esc(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

/// An icon of the sprite; decoration, the word stands beside it.
pub fn icon(name: impl AsRef<str>) -> Html {
    Html(format!("<svg class=\"i\" aria-hidden=\"true\"><use href=\"#{}\"/></svg>", esc(name.as_ref())))
}

/// A state with colour, icon and word.
pub fn tag(code: impl AsRef<str>) -> Html {
    let code = code.as_ref();
    match status::state(code) {
        Some(state) => tag_as(state.tone, state.icon, state.word),
        None => tag_as(Tone::Plain, "", code),
    }
}

/// A state whose word says more than the dictionary (「少 1 项」), in a colour of the dictionary.
pub fn tag_as(tone: Tone, icon_name: &str, word: &str) -> Html {
    let sign = if icon_name.is_empty() { Html::default() } else { icon(icon_name) };
    Html(format!("<span class=\"hf-tag{}\">{sign}{}</span>", tone.class(), esc(word)))
}

/// Names of the four levels as most cities use them; a scheme with other words passes its own.
const LEVEL_NAMES: [&str; 4] = ["不敏感", "低敏感", "较敏感", "敏感"];

/// `L3`, always with its letter; 0 or unknown is 未分级, shown, never hidden.
pub fn level(n: impl Whole) -> Html {
    match n.whole() {
        n @ 1..=4 => Html(format!("<span class=\"hf-lv is-{n}\">L{n}</span>")),
        n if n > 4 => Html(format!("<span class=\"hf-lv is-4\">L{n}</span>")),
        _ => tag("unclassified"),
    }
}

/// `L3 较敏感`.
pub fn level_named(n: impl Whole) -> Html {
    let n = n.whole();
    let name = usize::try_from(n - 1).ok().and_then(|at| LEVEL_NAMES.get(at));
    match name {
        Some(name) => Html(format!("<span class=\"hf-lv is-{n}\">L{n}<em>{name}</em></span>")),
        None => level(n as i64),
    }
}

/// Two working days before its end a deadline turns amber.
const DUE_SOON_DAYS: u32 = 2;
/// More pips than this do not fit beside a title.
const PIPS_MAX: u32 = 20;

/// A deadline in a table.
pub fn clock(due: &Due) -> Html {
    if *due == Due::None {
        return Html("<span class=\"hf-dim\">—</span>".to_owned());
    }
    Html(format!(
        "<span class=\"hf-clock{}\" title=\"{}\">{}{}</span>",
        clock_tone(due),
        esc(&due.note()),
        clock_icon(due),
        esc(&due.text())
    ))
}

/// A deadline beside a title: with its date and one pip per working day.
pub fn clock_chip(due: &Due) -> Html {
    if *due == Due::None {
        return Html::default();
    }
    let note = if due.note().is_empty() { String::new() } else { format!("<small>{}</small>", esc(&due.note())) };
    Html(format!(
        "<span class=\"hf-clock is-chip{}\">{}{}{note}{}</span>",
        clock_tone(due),
        clock_icon(due),
        esc(&due.text()),
        pips(due)
    ))
}

fn clock_tone(due: &Due) -> &'static str {
    match due {
        Due::Left { left, .. } if *left <= DUE_SOON_DAYS => " is-amber",
        Due::Left { .. } | Due::None => "",
        Due::Over { .. } => " is-red",
        Due::Paused { .. } => " is-stop",
    }
}

fn clock_icon(due: &Due) -> Html {
    icon(if matches!(due, Due::Paused { .. }) { "pause" } else { "clock" })
}

fn pips(due: &Due) -> String {
    let Due::Left { left, total, .. } = due else { return String::new() };
    if *total == 0 || *total > PIPS_MAX {
        return String::new();
    }
    let used = total.saturating_sub(*left);
    let mut out = format!("<span class=\"hf-pips\" title=\"已用 {used} 个，共 {total} 个工作日\">");
    for at in 0..*total {
        out.push_str(if at < used { "<i class=\"on\"></i>" } else { "<i></i>" });
    }
    out + "</span>"
}

/// A masked value: its stars are hatched, so that they do not look like data. An empty one says 已置空.
pub fn mask(value: impl AsRef<str>) -> Html {
    let value = value.as_ref();
    if value.is_empty() {
        return Html("<i class=\"hf-null\">已置空</i>".to_owned());
    }
    Html(format!("<span class=\"hf-mask\">{}</span>", hatch(value)))
}

/// A masked value with the button that asks for a reason and opens it, on the books.
pub fn mask_reveal(value: impl AsRef<str>, href: impl AsRef<str>) -> Html {
    Html(format!(
        "<span class=\"hf-mask\">{}<a class=\"hf-reveal\" href=\"{}\" title=\"查看明文须填写理由并记账\" aria-label=\"查看明文，须填写理由并记账\">{}</a></span>",
        hatch(value.as_ref()),
        esc(href.as_ref()),
        icon("eye")
    ))
}

fn hatch(value: &str) -> String {
    let mut out = String::new();
    let mut hidden = false;
    for c in value.chars() {
        let star = c == '*';
        if star != hidden {
            out.push_str(if star { "<i>" } else { "</i>" });
            hidden = star;
        }
        out.push_str(&esc(c.encode_utf8(&mut [0; 4])));
    }
    if hidden {
        out.push_str("</i>");
    }
    out
}

/// What is known of a ledger entry. `verified` is set only by whoever checked the proof.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proof {
    pub seq: u64,
    pub verified: bool,
    pub leaf: Option<String>,
    pub checkpoint: Option<(u64, Timestamp)>,
    /// Where the inclusion proof can be fetched.
    pub href: Option<String>,
}

impl Proof {
    pub fn entry(seq: u64) -> Self {
        Self { seq, ..Self::default() }
    }

    pub fn verified(seq: u64) -> Self {
        Self { seq, verified: true, ..Self::default() }
    }
}

/// 「链序号 1,204,551 已校验 ✓」
pub fn proof(proof: &Proof) -> Html {
    let ok = if proof.verified { "<span class=\"ok\">已校验 ✓</span>" } else { "" };
    Html(format!("<span class=\"hf-proof\">{}链序号&nbsp;<b>{}</b>{ok}</span>", icon("chain"), fmt::number(proof.seq)))
}

/// The same as the foot of a card, with leaf hash, checkpoint and the way to the proof.
pub fn proof_line(entry: &Proof) -> Html {
    let mut out = format!(
        "<div class=\"hf-proof is-line\"><span class=\"hf-proof\">{}链序号&nbsp;<b>{}</b></span>",
        icon("chain"),
        fmt::number(entry.seq)
    );
    if let Some(leaf) = &entry.leaf {
        let _ = write!(
            out,
            "<span title=\"{0}\">叶哈希 <span class=\"hf-code\">{1}</span></span>",
            esc(leaf),
            esc(&short_hash(leaf))
        );
    }
    if let Some((size, at)) = entry.checkpoint {
        let _ = write!(out, "<span>检查点 第 {} 号（{}）</span>", fmt::number(size), fmt::minute(at));
    }
    if entry.verified {
        out.push_str("<span class=\"ok\">已校验 ✓</span>");
    }
    if let Some(href) = &entry.href {
        let _ = write!(out, "<span class=\"hf-push\"><a href=\"{}\">下载包含证明</a></span>", esc(href));
    }
    Html(out + "</div>")
}

/// `9f3c…a21e`.
pub fn short_hash(hash: &str) -> String {
    let chars: Vec<char> = hash.chars().collect();
    match (chars.get(..4), chars.len().checked_sub(4).and_then(|from| chars.get(from..))) {
        (Some(head), Some(tail)) if chars.len() > 9 => {
            format!("{}…{}", head.iter().collect::<String>(), tail.iter().collect::<String>())
        }
        _ => hash.to_owned(),
    }
}

/// A tree; what lies on the way to the current node is open. The name of a branch is a link, the caret before it opens the branch.
pub fn tree(nodes: &[TreeNode]) -> Html {
    let mut out = String::from("<ul class=\"hf-tree\">");
    branches(nodes, &mut out);
    Html(out + "</ul>")
}

fn branches(nodes: &[TreeNode], out: &mut String) {
    for node in nodes {
        let on = if node.on { " class=\"is-on\" aria-current=\"true\"" } else { "" };
        let count = node.count.map(|n| format!("<small>{}</small>", fmt::number(n))).unwrap_or_default();
        let link = format!("<a href=\"{}\"{on}>{}{count}</a>", esc(&node.href), esc(&node.label));
        if node.children.is_empty() {
            let _ = write!(out, "<li>{link}</li>");
            continue;
        }
        let open = if node.on || node.leads_on() { " open" } else { "" };
        let _ = write!(
            out,
            "<li class=\"is-branch\">{link}<details{open}><summary aria-label=\"展开 {}\"></summary><ul>",
            esc(&node.label)
        );
        branches(&node.children, out);
        out.push_str("</ul></details></li>");
    }
}

/// Which half of the tally a page shows: 王 is in the gap, the tooth below it fits the other half.
pub fn mark() -> Html {
    Html("<svg class=\"hf-mark\" viewBox=\"0 0 64 64\" aria-hidden=\"true\"><use class=\"l\" href=\"#mark-l\"/><use class=\"r\" href=\"#mark-r\"/></svg>".to_owned())
}

/// The halves apart: nothing moves.
pub fn mark_apart() -> Html {
    Html("<svg class=\"hf-mark hf-apart\" viewBox=\"-12 2 88 60\" aria-hidden=\"true\"><use class=\"l\" href=\"#mark-l\" x=\"-8\"/><use class=\"r\" href=\"#mark-r\" x=\"8\"/></svg>".to_owned())
}

/// Icon of a notice.
pub fn note_icon(kind: impl AsRef<str>) -> &'static str {
    match kind.as_ref() {
        "amber" => "warn",
        "bronze" => "chain",
        _ => "info",
    }
}

/// Text as text, owned or borrowed, for comparisons in templates.
pub fn as_str<T: AsRef<str> + ?Sized>(text: &T) -> &str {
    text.as_ref()
}

/// A truth value, owned or borrowed.
pub trait Flag {
    fn is_set(&self) -> bool;
}

impl Flag for bool {
    fn is_set(&self) -> bool {
        *self
    }
}

impl<T: Flag + ?Sized> Flag for &T {
    fn is_set(&self) -> bool {
        (**self).is_set()
    }
}

/// For conditions in templates, where a value may be borrowed.
pub fn yes(flag: impl Flag) -> bool {
    flag.is_set()
}

/// A tab of an object page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tab {
    pub label: String,
    pub href: String,
    pub on: bool,
    pub count: Option<u64>,
}

impl Tab {
    pub fn new(label: impl Into<String>, href: impl Into<String>, on: bool) -> Self {
        Self { label: label.into(), href: href.into(), on, count: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_escaped_everywhere() {
        assert_eq!(esc("<a href=\"x\">'&"), "&lt;a href=&quot;x&quot;&gt;&#39;&amp;");
        assert!(!tag("<script>").as_str().contains("<script>"));
        assert!(!mask("<b>**").as_str().contains("<b>"));
        assert!(!mask_reveal("1*", "\"><script>").as_str().contains("<script>"));
    }

    #[test]
    fn a_level_always_has_its_letter() {
        assert_eq!(level(3_u8).as_str(), "<span class=\"hf-lv is-3\">L3</span>");
        assert!(level_named(4_i32).as_str().contains("L4<em>敏感</em>"));
        assert!(level(0_u8).as_str().contains("未分级"));
    }

    #[test]
    fn only_a_checked_entry_says_so() {
        assert!(!proof(&Proof::entry(7)).as_str().contains("已校验"));
        assert!(
            proof(&Proof::verified(1_204_551)).as_str().contains("<b>1,204,551</b><span class=\"ok\">已校验 ✓</span>")
        );
        assert!(!proof_line(&Proof::entry(7)).as_str().contains("已校验"));
    }

    #[test]
    fn stars_are_hatched() {
        assert_eq!(mask("138****1234").as_str(), "<span class=\"hf-mask\">138<i>****</i>1234</span>");
        assert_eq!(mask("王**").as_str(), "<span class=\"hf-mask\">王<i>**</i></span>");
        assert!(mask("").as_str().contains("已置空"));
    }

    #[test]
    fn a_deadline_changes_its_colour() {
        let until = chrono::NaiveDate::from_ymd_opt(2026, 11, 25).unwrap();
        assert!(clock(&Due::Left { left: 2, total: 5, until }).as_str().contains("is-amber"));
        assert!(!clock(&Due::Left { left: 5, total: 10, until }).as_str().contains("is-amber"));
        assert!(clock_chip(&Due::Over { over: 1, until }).as_str().contains("is-red"));
        assert_eq!(clock_chip(&Due::Left { left: 2, total: 5, until }).as_str().matches("class=\"on\"").count(), 3);
    }

    #[test]
    fn a_tree_is_open_on_the_way_to_the_current_node() {
        let leaf = TreeNode { on: true, count: Some(2211), ..TreeNode::new("市民政局", "/catalog?owner=MZJ") };
        let city = TreeNode { children: vec![leaf], ..TreeNode::new("云江市本级", "/catalog?unit=1") };
        let county = TreeNode { children: vec![TreeNode::new("<x>", "/")], ..TreeNode::new("临江区", "/") };
        let html = tree(&[city, county]).to_string();
        assert_eq!((html.matches("<details open>").count(), html.matches("<details>").count()), (1, 1));
        assert!(html.contains("class=\"is-on\" aria-current=\"true\">市民政局<small>2,211</small>"));
        assert!(!html.contains("<x>"));
    }

    #[test]
    fn long_hashes_are_shortened() {
        assert_eq!(short_hash("9f3c00000000a21e"), "9f3c…a21e");
        assert_eq!(short_hash("abc"), "abc");
    }
}
