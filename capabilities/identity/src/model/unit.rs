//! What somebody types about a unit, checked.

use hufu_kernel::actor::UnitLevel;
use hufu_kernel::error::{Error, FieldError};
use hufu_kernel::unit::UnitKind;

use super::account::phone_ok;

/// As which the first responsible person answers (WHO-2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ResponsibleAs {
    Cdo,
    /// Where there is no chief data officer: the deputy head in charge of IT.
    DeputyHead,
}

impl ResponsibleAs {
    pub const ALL: [Self; 2] = [Self::Cdo, Self::DeputyHead];

    pub fn code(self) -> &'static str {
        match self {
            Self::Cdo => "cdo",
            Self::DeputyHead => "deputy_head",
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Cdo => "首席数据官",
            Self::DeputyHead => "分管信息化负责人",
        }
    }

    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.code() == code)
    }
}

/// Who answers for a unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    pub responsible: String,
    pub responsible_as: ResponsibleAs,
    pub responsible_post: String,
    pub sharing_office: String,
    pub contact: String,
    pub contact_phone: String,
}

/// The form of a unit.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
#[serde(default)]
pub struct UnitInput {
    pub code: String,
    pub name: String,
    pub kind: String,
    pub level: String,
    pub sort: String,
    pub responsible: String,
    pub responsible_as: String,
    pub responsible_post: String,
    pub sharing_office: String,
    pub contact: String,
    pub contact_phone: String,
}

/// The same, checked. The profile is absent when nothing of it was filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnitDraft {
    pub code: String,
    pub name: String,
    pub kind: UnitKind,
    pub level: UnitLevel,
    pub sort: i32,
    pub profile: Option<Profile>,
}

impl UnitInput {
    /// Every wrong field at once.
    pub fn check(&self) -> Result<UnitDraft, Error> {
        let mut faults = Vec::new();
        let code = self.code.trim().to_owned();
        if !code_ok(&code) {
            faults.push(FieldError::new("code", "单位代码为 2 至 40 位字母、数字、下划线或短横"));
        }
        let name = self.name.trim().to_owned();
        if !(2..=60).contains(&name.chars().count()) || name.chars().any(char::is_control) {
            faults.push(FieldError::new("name", "单位名称为 2 至 60 个字"));
        }
        let kind = kinds().into_iter().find(|kind| kind_code(*kind) == self.kind.trim());
        if kind.is_none() {
            faults.push(FieldError::new("kind", "请选择单位类别"));
        }
        let level = levels().into_iter().find(|level| level_code(*level) == self.level.trim());
        if level.is_none() {
            faults.push(FieldError::new("level", "请选择所属层级"));
        }
        let sort = if self.sort.trim().is_empty() { Some(0) } else { self.sort.trim().parse::<i32>().ok() };
        if sort.is_none_or(|sort| !(0..=999_999).contains(&sort)) {
            faults.push(FieldError::new("sort", "排序为 0 至 999999 的整数"));
        }
        let profile = self.profile(&mut faults);
        match (kind, level, sort) {
            (Some(kind), Some(level), Some(sort)) if faults.is_empty() => {
                Ok(UnitDraft { code, name, kind, level, sort, profile })
            }
            _ => Err(Error::invalid(faults)),
        }
    }

    fn profile(&self, faults: &mut Vec<FieldError>) -> Option<Profile> {
        let texts = [
            ("responsible", &self.responsible),
            ("responsible_post", &self.responsible_post),
            ("sharing_office", &self.sharing_office),
            ("contact", &self.contact),
            ("contact_phone", &self.contact_phone),
        ];
        if texts.iter().all(|(_, text)| text.trim().is_empty()) {
            return None;
        }
        for (field, text) in texts {
            if text.trim().chars().count() > 60 || text.chars().any(char::is_control) {
                faults.push(FieldError::new(field, "最多 60 个字，不能有控制字符"));
            }
        }
        if self.responsible.trim().is_empty() {
            faults.push(FieldError::new("responsible", "请填写第一责任人（首席数据官；未设的填分管信息化负责人）"));
        }
        let phone = self.contact_phone.trim();
        if !phone.is_empty() && !phone_ok(phone) {
            faults.push(FieldError::new("contact_phone", "电话格式不对，应为 11 位手机号或带区号的固定电话"));
        }
        let responsible_as = ResponsibleAs::parse(self.responsible_as.trim());
        if responsible_as.is_none() {
            faults.push(FieldError::new("responsible_as", "请选择第一责任人身份"));
        }
        Some(Profile {
            responsible: self.responsible.trim().to_owned(),
            responsible_as: responsible_as?,
            responsible_post: self.responsible_post.trim().to_owned(),
            sharing_office: self.sharing_office.trim().to_owned(),
            contact: self.contact.trim().to_owned(),
            contact_phone: phone.to_owned(),
        })
    }
}

pub fn kinds() -> [UnitKind; 5] {
    [UnitKind::Area, UnitKind::Bureau, UnitKind::Department, UnitKind::Subordinate, UnitKind::WorkingGroup]
}

pub fn levels() -> [UnitLevel; 5] {
    [UnitLevel::Province, UnitLevel::City, UnitLevel::County, UnitLevel::Township, UnitLevel::Village]
}

pub fn kind_code(kind: UnitKind) -> &'static str {
    match kind {
        UnitKind::Area => "area",
        UnitKind::Bureau => "bureau",
        UnitKind::Department => "department",
        UnitKind::Subordinate => "subordinate",
        UnitKind::WorkingGroup => "working_group",
    }
}

pub fn kind_name(kind: UnitKind) -> &'static str {
    match kind {
        UnitKind::Area => "地区",
        UnitKind::Bureau => "主管部门",
        UnitKind::Department => "部门",
        UnitKind::Subordinate => "所属单位",
        UnitKind::WorkingGroup => "专班",
    }
}

pub fn level_code(level: UnitLevel) -> &'static str {
    match level {
        UnitLevel::Province => "province",
        UnitLevel::City => "city",
        UnitLevel::County => "county",
        UnitLevel::Township => "township",
        UnitLevel::Village => "village",
    }
}

fn code_ok(code: &str) -> bool {
    (2..=40).contains(&code.len()) && code.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> UnitInput {
        UnitInput {
            code: "yj-mzj".into(),
            name: "市民政局".into(),
            kind: "department".into(),
            level: "city".into(),
            ..UnitInput::default()
        }
    }

    #[test]
    fn who_2_a_unit_names_its_first_responsible_person() {
        assert_eq!(good().check().unwrap().profile, None);
        let half = UnitInput { sharing_office: "信息科".into(), ..good() };
        let fields: Vec<String> = half.check().unwrap_err().fields().iter().map(|f| f.field.clone()).collect();
        assert_eq!(fields, ["responsible", "responsible_as"]);
        let whole = UnitInput { responsible: "沈其".into(), responsible_as: "deputy_head".into(), ..half };
        assert_eq!(whole.check().unwrap().profile.unwrap().responsible_as, ResponsibleAs::DeputyHead);
    }

    #[test]
    fn every_wrong_field_is_named() {
        let fields: Vec<String> = UnitInput { sort: "x".into(), ..UnitInput::default() }
            .check()
            .unwrap_err()
            .fields()
            .iter()
            .map(|f| f.field.clone())
            .collect();
        assert_eq!(fields, ["code", "name", "kind", "level", "sort"]);
    }
}
