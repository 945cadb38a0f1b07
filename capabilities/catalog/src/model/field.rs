//! 信息项: one column or property of a resource.

use hufu_kernel::error::FieldError;

use super::scheme::Scheme;
use super::terms::DataType;

/// Fields of one resource.
pub const FIELDS_MAX: usize = 1000;
const NAME_CHARS_MAX: usize = 128;
const TITLE_CHARS_MAX: usize = 200;
const LENGTH_MAX: i32 = 1_000_000;

/// A field as a person or a file states it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct FieldSpec {
    /// Physical column.
    pub name: String,
    /// Chinese name.
    pub title: String,
    pub data_type: DataType,
    #[serde(default)]
    pub length: Option<i32>,
    #[serde(default)]
    pub key: bool,
    /// What the value is, in the words of the mask profiles: `id_card`, `mobile`, `name`.
    #[serde(default)]
    pub kind: Option<String>,
    /// Level of the scheme; absent while nobody has graded it.
    #[serde(default)]
    pub grade: Option<String>,
    /// Sensitive personal information in the sense of PIPL art. 28.
    #[serde(default)]
    pub sensitive: bool,
}

impl FieldSpec {
    /// What is wrong with this field, named `fields[3].title`.
    pub fn faults(&self, position: usize, scheme: &Scheme) -> Vec<FieldError> {
        let mut faults = Vec::new();
        let mut wrong = |part: &str, text: String| {
            faults.push(FieldError::new(format!("fields[{position}].{part}"), text));
        };
        if self.name.trim().is_empty() || self.name.chars().count() > NAME_CHARS_MAX {
            wrong("name", format!("第 {} 个信息项的字段名须为 1 至 {NAME_CHARS_MAX} 个字符", position + 1));
        }
        if self.title.trim().is_empty() || self.title.chars().count() > TITLE_CHARS_MAX {
            wrong("title", format!("第 {} 个信息项的中文名须为 1 至 {TITLE_CHARS_MAX} 个字符", position + 1));
        }
        if self.length.is_some_and(|length| !(1..=LENGTH_MAX).contains(&length)) {
            wrong("length", format!("信息项「{}」的长度须在 1 至 {LENGTH_MAX} 之间", self.title));
        }
        if self.kind.as_deref().is_some_and(|kind| !is_kind(kind)) {
            wrong("kind", format!("信息项「{}」的数据种类不是有效的种类代码", self.title));
        }
        if self.grade.as_deref().is_some_and(|grade| scheme.level(grade).is_none()) {
            wrong("grade", format!("信息项「{}」的级别不在现行分级方案中", self.title));
        }
        faults
    }
}

/// Two fields with one physical name cannot both be meant.
pub fn doubles(fields: &[FieldSpec]) -> Vec<FieldError> {
    let mut seen = std::collections::HashSet::new();
    let mut faults = Vec::new();
    for (position, field) in fields.iter().enumerate() {
        if !seen.insert(field.name.to_lowercase()) {
            let text = format!("字段名「{}」重复", field.name);
            faults.push(FieldError::new(format!("fields[{position}].name"), text));
        }
    }
    if fields.len() > FIELDS_MAX {
        faults.push(FieldError::new("fields", format!("一个目录最多 {FIELDS_MAX} 个信息项")));
    }
    faults
}

/// Shape of a kind; which kinds mean something is for the mask profiles to say, and an unknown one denies there.
fn is_kind(kind: &str) -> bool {
    (1..=40).contains(&kind.len()) && kind.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

/// Kinds offered on screen, with their names; the words of the detector and the mask profiles.
pub const KINDS: &[(&str, &str)] = &[
    ("name", "姓名"),
    ("id_card", "公民身份号码"),
    ("mobile", "手机号码"),
    ("landline", "固定电话"),
    ("address", "地址"),
    ("birth_date", "出生日期"),
    ("bank_card", "银行卡号"),
    ("passport", "护照号码"),
    ("uscc", "统一社会信用代码"),
    ("plate", "机动车号牌"),
    ("email", "电子邮箱"),
    ("health", "健康信息"),
    ("case_role", "涉疫身份"),
    ("geo", "位置坐标"),
    ("amount", "金额"),
    ("date", "日期"),
    ("code", "编号代码"),
    ("text", "文本"),
    ("number", "数值"),
];

/// The name of a kind on screen.
pub fn kind_title(kind: &str) -> &str {
    KINDS.iter().find(|(code, _)| *code == kind).map_or(kind, |(_, title)| title)
}
