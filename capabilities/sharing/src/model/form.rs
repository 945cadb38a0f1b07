//! What an applicant writes, and what must be true of it before it may leave the own house.
//!
//! A draft may be incomplete; [`Form::faults`] lists everything that keeps it from being submitted, at once.

use chrono::{Days, NaiveDate};
use hufu_kernel::error::FieldError;

use super::grant::Quota;
use super::way::Ways;

/// Characters a short text may have.
pub const LINE_CHARS_MAX: usize = 100;
/// Characters a long text may have.
pub const TEXT_CHARS_MAX: usize = 1000;
/// Resources in one application.
pub const RESOURCES_MAX: usize = 50;
/// Accounts in one application.
pub const PERSONS_MAX: usize = 50;

/// The sentence that binds whoever uses the data.
pub const BINDING: &str = "所申请数据仅限本部门履行上述职责使用，不超范围使用，不提供给第三方，使用完毕按提供部门要求妥善处置。";

/// The typed part of an application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Form {
    pub scenario: String,
    pub basis: String,
    pub scope_of_use: String,
    pub ways: Ways,
    pub quota: Quota,
    pub from: Option<NaiveDate>,
    pub until: Option<NaiveDate>,
    pub system_name: String,
    pub filing_no: String,
    pub bound: bool,
    pub persons: Vec<String>,
    pub resources: Vec<Asked>,
}

/// One resource that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    pub code: String,
    /// Rows in words or as an expression over fields; empty asks for all.
    pub row_scope: String,
    pub fields: Vec<AskedField>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AskedField {
    pub name: String,
    /// Asked without a mask; needs a reason and the provider's CDO.
    pub unmasked: bool,
    pub reason: String,
}

/// What the rules of the place allow at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    pub today: NaiveDate,
    pub period_days_max: i64,
    pub quota_max: Quota,
}

impl Form {
    /// Too long or beyond counting: refused already as a draft, so that nothing is cut silently.
    pub fn overflows(&self) -> Vec<FieldError> {
        let mut faults = Faults::default();
        faults.length("scenario", &self.scenario, LINE_CHARS_MAX);
        faults.length("basis", &self.basis, TEXT_CHARS_MAX);
        faults.length("scope_of_use", &self.scope_of_use, TEXT_CHARS_MAX);
        faults.length("system_name", &self.system_name, LINE_CHARS_MAX);
        faults.length("filing_no", &self.filing_no, LINE_CHARS_MAX);
        faults.when(self.resources.len() > RESOURCES_MAX, "resources", || format!("一次最多申请 {RESOURCES_MAX} 个资源"));
        faults.when(self.persons.len() > PERSONS_MAX, "persons", || format!("最多登记 {PERSONS_MAX} 名使用人员"));
        for asked in &self.resources {
            faults.length(&format!("row_scope.{}", asked.code), &asked.row_scope, TEXT_CHARS_MAX);
            for field in &asked.fields {
                faults.length(&format!("reason.{}.{}", asked.code, field.name), &field.reason, LINE_CHARS_MAX);
            }
        }
        faults.0
    }

    /// Everything that is missing or wrong, in the order of the page.
    pub fn faults(&self, bounds: Bounds) -> Vec<FieldError> {
        let mut faults = Faults(self.overflows());
        faults.when(self.resources.is_empty(), "resources", || "请至少选择一个资源".to_owned());
        for asked in &self.resources {
            let place = format!("fields.{}", asked.code);
            faults.when(asked.fields.is_empty(), &place, || "请至少勾选一个信息项".to_owned());
            for field in asked.fields.iter().filter(|field| field.unmasked && field.reason.trim().is_empty()) {
                let place = format!("reason.{}.{}", asked.code, field.name);
                faults.push(&place, "申请不脱敏，须写明理由".to_owned());
            }
        }
        faults.required("scenario", &self.scenario, "请选择或填写应用场景");
        faults.required("basis", &self.basis, "请填写履职依据（法条或文号）");
        faults.required("scope_of_use", &self.scope_of_use, "请填写使用范围");
        faults.when(self.persons.is_empty(), "persons", || "请至少选择一名使用人员".to_owned());
        faults.when(self.ways.is_empty(), "ways", || "请至少选择一种使用方式".to_owned());
        self.quota_faults(bounds, &mut faults);
        self.period_faults(bounds, &mut faults);
        faults.when(!self.bound, "bound", || "须勾选承诺方可提交".to_owned());
        faults.0
    }

    fn quota_faults(&self, bounds: Bounds, faults: &mut Faults) {
        let max = bounds.quota_max;
        let limits = [
            ("rows_per_day", self.quota.rows_per_day, max.rows_per_day),
            ("calls_per_minute", self.quota.calls_per_minute, max.calls_per_minute),
            ("rows_per_result", self.quota.rows_per_result, max.rows_per_result),
        ];
        for (place, asked, most) in limits {
            faults.when(asked < 1 || asked > most, place, || format!("应为 1 至 {most} 之间的整数"));
        }
    }

    fn period_faults(&self, bounds: Bounds, faults: &mut Faults) {
        let (Some(from), Some(until)) = (self.from, self.until) else {
            faults.when(self.from.is_none(), "from", || "请填写开始日期".to_owned());
            faults.when(self.until.is_none(), "until", || "请填写截止日期".to_owned());
            return;
        };
        let longest = u64::try_from(bounds.period_days_max).unwrap_or_default();
        let last = from.checked_add_days(Days::new(longest)).unwrap_or(from);
        faults.when(until < from, "until", || "截止日期早于开始日期".to_owned());
        faults.when(until < bounds.today, "until", || "截止日期已过".to_owned());
        faults.when(until > last, "until", || "期限不得超过一年".to_owned());
    }
}

#[derive(Default)]
struct Faults(Vec<FieldError>);

impl Faults {
    fn push(&mut self, place: &str, message: String) {
        self.0.push(FieldError::new(place, message));
    }

    fn when(&mut self, wrong: bool, place: &str, message: impl FnOnce() -> String) {
        if wrong {
            self.push(place, message());
        }
    }

    fn required(&mut self, place: &str, text: &str, message: &str) {
        self.when(text.trim().is_empty(), place, || message.to_owned());
    }

    fn length(&mut self, place: &str, text: &str, most: usize) {
        self.when(text.chars().count() > most, place, || format!("不得超过 {most} 字"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::way::Way;

    const QUOTA: Quota = Quota { rows_per_day: 1000, calls_per_minute: 60, rows_per_result: 1000 };

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn bounds() -> Bounds {
        Bounds { today: day("2026-11-21"), period_days_max: 365, quota_max: QUOTA }
    }

    fn good() -> Form {
        let field = AskedField { name: "xm".into(), unmasked: false, reason: String::new() };
        Form {
            scenario: "困难人员就业援助资格核验".into(),
            basis: "《就业促进法》第五十二条".into(),
            scope_of_use: "本市在保人员".into(),
            ways: Ways::new([Way::Page, Way::Sql]),
            quota: QUOTA,
            from: Some(day("2026-11-21")),
            until: Some(day("2027-11-20")),
            system_name: String::new(),
            filing_no: String::new(),
            bound: true,
            persons: vec!["a".into()],
            resources: vec![Asked { code: "db".into(), row_scope: String::new(), fields: vec![field] }],
        }
    }

    fn check(change: impl FnOnce(&mut Form), places: &[&str]) {
        let mut form = good();
        change(&mut form);
        let faults = form.faults(bounds());
        let found: Vec<&str> = faults.iter().map(|fault| fault.field.as_str()).collect();
        assert_eq!(found, places);
    }

    #[test]
    fn sha_1_form_names_every_fault_at_once() {
        check(|_| (), &[]);
        check(|form| form.bound = false, &["bound"]);
        check(|form| form.until = Some(day("2027-11-22")), &["until"]);
        check(|form| form.until = Some(day("2026-11-20")), &["until", "until"]);
        check(|form| form.scenario = "场".repeat(101), &["scenario"]);
        check(|form| form.quota.rows_per_day = 1001, &["rows_per_day"]);
        check(|form| form.quota.calls_per_minute = 0, &["calls_per_minute"]);
        check(|form| form.resources[0].fields.clear(), &["fields.db"]);
        check(|form| form.resources[0].fields[0].unmasked = true, &["reason.db.xm"]);
        let empty = |form: &mut Form| {
            *form = Form { scenario: " ".into(), basis: String::new(), scope_of_use: String::new(), persons: vec![], ways: Ways::default(), from: None, until: None, bound: false, resources: vec![], ..good() };
        };
        check(empty, &["resources", "scenario", "basis", "scope_of_use", "persons", "ways", "from", "until", "bound"]);
    }
}
