//! Classification 类/项/目/细目: one digit, two, three, and a detail of variable length.

use super::terms::THEMES;

/// Longest detail code.
const DETAIL_DIGITS_MAX: usize = 8;

/// A place in the classification.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Class {
    /// All digits together: `3050120001`.
    pub code: String,
    pub item_name: String,
    pub directory_name: String,
    pub detail_name: String,
}

impl Class {
    /// The four parts of the code, when it is one.
    pub fn parts(&self) -> Option<(&str, &str, &str, &str)> {
        if !self.code.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let (category, rest) = self.code.split_at_checked(1)?;
        let (item, rest) = rest.split_at_checked(2)?;
        let (directory, detail) = rest.split_at_checked(3)?;
        let known = category_title(category).is_some();
        (known && (1..=DETAIL_DIGITS_MAX).contains(&detail.len())).then_some((category, item, directory, detail))
    }

    /// Joins parts as they stand in the columns of the national form.
    pub fn join(category: &str, item: &str, directory: &str, detail: &str) -> Option<String> {
        let class = Self { code: format!("{category}{item}{directory}{detail}"), ..Self::default() };
        let lengths_hold = category.len() == 1 && item.len() == 2 && directory.len() == 3;
        (lengths_hold && class.parts().is_some()).then_some(class.code)
    }

    pub fn category_title(&self) -> &'static str {
        self.parts().and_then(|(category, ..)| category_title(category)).unwrap_or("")
    }
}

/// 类 by its digit.
pub fn category_title(digit: &str) -> Option<&'static str> {
    match digit {
        "1" => Some("基础"),
        "2" => Some("主题"),
        "3" => Some("部门"),
        _ => None,
    }
}

/// Digit of a 类 by its name or digit.
pub fn category_digit(text: &str) -> Option<&'static str> {
    ["1", "2", "3"].into_iter().find(|digit| *digit == text || category_title(digit) == Some(text))
}

/// Is this one of the theme libraries?
pub fn is_theme(name: &str) -> bool {
    THEMES.contains(&name)
}
