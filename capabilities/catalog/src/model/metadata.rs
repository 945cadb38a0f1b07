//! Core metadata of an entry, and when they are complete enough to be published.

use hufu_kernel::error::FieldError;

use super::class::{Class, is_theme};
use super::codes;
use super::field::{FieldSpec, doubles};
use super::scheme::Scheme;
use super::terms::{Cycle, FormatClass, MethodClass, ResourceKind, Sharing};

pub const NAME_CHARS_MAX: usize = 200;
pub const TEXT_CHARS_MAX: usize = 2000;
/// Shortest legal citation that can name an act and an article.
const CITATION_CHARS_MIN: usize = 6;

/// What the steward states about a resource; texts are empty while nothing is stated.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct Metadata {
    pub name: String,
    pub class: Class,
    /// Unified social credit code of the provider.
    pub provider_code: String,
    pub summary: String,
    pub kind: ResourceKind,
    pub format_class: FormatClass,
    pub format_type: String,
    pub terms: SharingTerms,
    pub method_class: MethodClass,
    pub method: String,
    pub open: bool,
    pub open_condition: String,
    pub tradeable: bool,
    pub cycle: Cycle,
    pub related_code: String,
    pub theme: String,
    pub important: bool,
    pub row_count: Option<i64>,
    /// Name in SQL; empty until the code gives one.
    pub table_name: String,
}

/// The sharing attribute with what D809 art. 15 asks beside it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct SharingTerms {
    pub sharing: Sharing,
    /// Scope, for 有条件共享.
    pub scope: String,
    /// Purpose condition, for 有条件共享.
    pub purpose: String,
    /// Legal citation, for 不予共享.
    pub basis: String,
    /// Reason, for 不予共享.
    pub reason: String,
}

impl Default for SharingTerms {
    /// 有条件 with nothing stated: it cannot be submitted by oversight, and it opens nothing.
    fn default() -> Self {
        Self {
            sharing: Sharing::Conditional,
            scope: String::new(),
            purpose: String::new(),
            basis: String::new(),
            reason: String::new(),
        }
    }
}

impl Default for Metadata {
    fn default() -> Self {
        let kind = ResourceKind::Table;
        let (format_class, format_type) = FormatClass::usual_for(kind);
        Self {
            name: String::new(),
            class: Class::default(),
            provider_code: String::new(),
            summary: String::new(),
            kind,
            format_class,
            format_type: format_type.to_owned(),
            terms: SharingTerms::default(),
            method_class: MethodClass::Platform,
            method: "数据库".to_owned(),
            open: false,
            open_condition: String::new(),
            tradeable: false,
            cycle: Cycle::Irregular,
            related_code: String::new(),
            theme: String::new(),
            important: false,
            row_count: None,
            table_name: String::new(),
        }
    }
}

impl SharingTerms {
    /// D809 art. 13–15: each attribute asks for its own words, and only for those.
    pub fn faults(&self) -> Vec<FieldError> {
        let mut faults = Vec::new();
        let mut need = |field: &str, present: bool, text: &str| {
            if !present {
                faults.push(FieldError::new(field, text));
            }
        };
        match self.sharing {
            Sharing::Unconditional => {
                let bare = self.scope.trim().is_empty() && self.purpose.trim().is_empty();
                need("scope", bare, "无条件共享不得附加共享范围或用途条件");
            }
            Sharing::Conditional => {
                need("scope", !self.scope.trim().is_empty(), "有条件共享须写明共享范围");
                need("purpose", !self.purpose.trim().is_empty(), "有条件共享须写明用途条件");
            }
            Sharing::Withheld => {
                let cited = self.basis.trim().chars().count() >= CITATION_CHARS_MIN;
                need("basis", cited, "不予共享须写明法律、行政法规或国务院决定的名称和条款");
                need("reason", !self.reason.trim().is_empty(), "不予共享须写明理由");
            }
        }
        faults
    }
}

impl Metadata {
    /// What keeps a draft from being kept at all: it needs a name and a class, and no text may be endless.
    pub fn faults_of_draft(&self) -> Vec<FieldError> {
        let mut faults = Vec::new();
        if self.name.trim().is_empty() || self.name.chars().count() > NAME_CHARS_MAX {
            faults.push(FieldError::new("name", format!("目录名称须为 1 至 {NAME_CHARS_MAX} 个字")));
        }
        if self.class.parts().is_none() {
            let text = "分类代码须为类 1 位、项 2 位、目 3 位、细目 1 至 8 位数字，类为 1 基础、2 主题、3 部门";
            faults.push(FieldError::new("class_code", text));
        }
        if !self.table_name.is_empty() && !codes::is_table_name(&self.table_name) {
            let text = "SQL 表名须以小写字母开头，只含小写字母、数字和下划线，不超过 63 个字符";
            faults.push(FieldError::new("table_name", text));
        }
        for (field, text) in self.texts() {
            if text.chars().count() > TEXT_CHARS_MAX {
                faults.push(FieldError::new(field, format!("不能超过 {TEXT_CHARS_MAX} 个字")));
            }
        }
        if self.row_count.is_some_and(|rows| rows < 0) {
            faults.push(FieldError::new("row_count", "数据量须为不小于 0 的整数"));
        }
        faults
    }

    /// Everything that keeps the entry from being submitted, all at once.
    pub fn faults(&self, fields: &[FieldSpec], scheme: &Scheme) -> Vec<FieldError> {
        let mut faults = self.faults_of_draft();
        let mut need = |field: &str, present: bool, text: &str| {
            if !present {
                faults.push(FieldError::new(field, text));
            }
        };
        need("summary", !self.summary.trim().is_empty(), "请填写摘要");
        need("provider_code", is_credit_code(&self.provider_code), "提供方代码须为 18 位统一社会信用代码");
        let format_fits = self.format_class.admits(&self.format_type);
        need("format_type", format_fits, "格式类型与格式分类不相符");
        need("method", self.method_class.admits(&self.method), "共享方式类型与共享方式分类不相符");
        let open_condition_fits = self.open || self.open_condition.trim().is_empty();
        need("open_condition", open_condition_fits, "不向社会开放的目录不填开放条件");
        need("theme", self.theme.is_empty() || is_theme(&self.theme), "主题不在主题库名录中");
        let has_fields = !fields.is_empty() || self.kind != ResourceKind::Table;
        need("fields", has_fields, "库表类目录至少要有一个信息项");
        faults.extend(self.terms.faults());
        faults.extend(doubles(fields));
        faults.extend(fields.iter().enumerate().flat_map(|(position, field)| field.faults(position, scheme)));
        faults
    }

    fn texts(&self) -> [(&'static str, &str); 9] {
        [
            ("summary", &self.summary),
            ("scope", &self.terms.scope),
            ("purpose", &self.terms.purpose),
            ("basis", &self.terms.basis),
            ("reason", &self.terms.reason),
            ("open_condition", &self.open_condition),
            ("item_name", &self.class.item_name),
            ("directory_name", &self.class.directory_name),
            ("detail_name", &self.class.detail_name),
        ]
    }
}

/// Shape of a unified social credit code: 18 digits and capitals without I, O, S, V, Z.
pub fn is_credit_code(code: &str) -> bool {
    code.len() == 18
        && code.bytes().all(|b| b.is_ascii_digit() || (b.is_ascii_uppercase() && !b"IOSVZ".contains(&b)))
}
