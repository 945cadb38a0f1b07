//! The states of an account, and what is wrong with one that nobody looks after.

use hufu_kernel::error::{Error, FieldError};
use hufu_kernel::time::Timestamp;

/// What the administrator decided about an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, sea_orm::EnumIter, sea_orm::DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum AccountState {
    Active,
    /// Shut by a person until a person opens it.
    Locked,
    /// For good: the person left. The row stays, since the ledger names it.
    Closed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccountEvent {
    Lock,
    Unlock,
    Close,
}

impl AccountState {
    /// Every state × event; `None` is a refusal.
    pub fn after(self, event: AccountEvent) -> Option<Self> {
        use AccountEvent as E;
        match (self, event) {
            (Self::Active, E::Lock) => Some(Self::Locked),
            (Self::Locked, E::Unlock) => Some(Self::Active),
            (Self::Active | Self::Locked, E::Close) => Some(Self::Closed),
            (Self::Active, E::Unlock) | (Self::Locked, E::Lock) | (Self::Closed, E::Lock | E::Unlock | E::Close) => {
                None
            }
        }
    }

    /// Key in the dictionary of states.
    pub fn code(self) -> &'static str {
        match self {
            Self::Active => "enabled",
            Self::Locked => "locked",
            Self::Closed => "account_closed",
        }
    }

    pub fn apply(self, event: AccountEvent) -> Result<Self, Error> {
        self.after(event).ok_or_else(|| Error::conflict("HF-ACCOUNT-STATE", "账号当前状态不能进行此操作，请刷新后再看"))
    }
}

/// What decides whether a person gets in now.
#[derive(Clone, Copy, Debug)]
pub struct Admission {
    pub state: AccountState,
    /// End of a vendor's contract; the last millisecond of its last day.
    pub vendor_until: Option<Timestamp>,
}

impl Admission {
    /// Why not, in the words shown after the right password was given.
    pub fn refusal(self, now: Timestamp) -> Option<(&'static str, &'static str)> {
        match self.state {
            AccountState::Closed => Some(("HF-ACCOUNT-CLOSED", "账号已注销")),
            AccountState::Locked => Some(("HF-ACCOUNT-LOCKED", "账号已被停用，请联系本单位系统管理员")),
            AccountState::Active if self.vendor_until.is_some_and(|until| now > until) => {
                Some(("HF-VENDOR-ENDED", "外包服务期已满，账号不再可用，请联系系统管理员"))
            }
            AccountState::Active => None,
        }
    }
}

/// Days without log-in after which an account counts as unused.
pub const UNUSED_DAYS: i64 = 90;
/// Days after which an initial password that was never changed counts as a default one.
pub const INITIAL_PASSWORD_DAYS: i64 = 7;
/// Distinct addresses in 30 days from which an account looks shared.
pub const SHARED_ADDRESSES: usize = 4;

/// Why an account should be looked at (WHO-4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Concern {
    Unused,
    Default,
    SharedSuspect,
    VendorExpired,
}

impl Concern {
    pub const ALL: [Concern; 4] = [Self::Unused, Self::Default, Self::SharedSuspect, Self::VendorExpired];

    pub fn code(self) -> &'static str {
        match self {
            Self::Unused => "unused",
            Self::Default => "default",
            Self::SharedSuspect => "shared",
            Self::VendorExpired => "vendor",
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Unused => "长期未用",
            Self::Default => "默认账号",
            Self::SharedSuspect => "共用嫌疑",
            Self::VendorExpired => "外包到期",
        }
    }

    pub fn advice(self) -> &'static str {
        match self {
            Self::Unused => "超过 90 天未登录，建议注销",
            Self::Default => "账号名为通用名或初始口令 7 天未改，建议改为实名账号",
            Self::SharedSuspect => "30 天内从多个地址或同时从两处登录，建议核实是否共用",
            Self::VendorExpired => "外包服务期已满，建议注销并办理交接",
        }
    }
}

/// What is known of an account when its upkeep is judged.
#[derive(Clone, Debug)]
pub struct Upkeep<'a> {
    pub login: &'a str,
    pub created_at: Timestamp,
    pub last_login_at: Option<Timestamp>,
    pub initial_password: bool,
    pub vendor_until: Option<Timestamp>,
    /// Addresses of the last 30 days' log-ins, each once.
    pub addresses: usize,
    /// Two sessions from two addresses at one moment in the last 30 days.
    pub in_two_places: bool,
}

/// Log-in names that name no person.
const GENERIC: [&str; 16] = [
    "admin",
    "administrator",
    "root",
    "test",
    "guest",
    "user",
    "demo",
    "sa",
    "system",
    "sys",
    "public",
    "operator",
    "temp",
    "oracle",
    "postgres",
    "super",
];

impl Upkeep<'_> {
    pub fn concerns(&self, now: Timestamp) -> Vec<Concern> {
        let days = chrono::Duration::days;
        let since = self.last_login_at.unwrap_or(self.created_at);
        let initial = self.initial_password && now > self.created_at.plus(days(INITIAL_PASSWORD_DAYS));
        Concern::ALL
            .into_iter()
            .filter(|concern| match concern {
                Concern::Unused => now > since.plus(days(UNUSED_DAYS)),
                Concern::Default => initial || generic(self.login),
                Concern::SharedSuspect => self.in_two_places || self.addresses >= SHARED_ADDRESSES,
                Concern::VendorExpired => self.vendor_until.is_some_and(|until| now > until),
            })
            .collect()
    }
}

/// `admin`, `admin01`, `test_2`: a name of nobody.
fn generic(login: &str) -> bool {
    let stem = login.trim_end_matches(|c: char| c.is_ascii_digit() || c == '_' || c == '-');
    GENERIC.iter().any(|name| stem.eq_ignore_ascii_case(name))
}

/// What somebody typed about a person.
#[derive(Clone, Debug, Default)]
pub struct PersonInput {
    pub login: String,
    pub name: String,
    pub phone: String,
    pub vendor: String,
    /// `2027-03-31`, or empty for the unit's own staff.
    pub vendor_until: String,
}

/// The same, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    pub login: String,
    pub name: String,
    pub phone: Option<String>,
    pub vendor: Option<String>,
    pub vendor_until: Option<Timestamp>,
}

impl PersonInput {
    /// Every wrong field at once.
    pub fn check(&self) -> Result<Person, Error> {
        let mut faults = Vec::new();
        let mut fault = |field: &str, message: &str| faults.push(FieldError::new(field, message));
        let login = self.login.trim().to_ascii_lowercase();
        if !login_ok(&login) {
            fault("login", "账号为 3 至 32 位小写字母、数字、点、下划线或短横，以字母开头");
        } else if generic(&login) {
            fault("login", "须使用实名账号，不能用 admin、test 一类的通用名");
        }
        let name = self.name.trim();
        if !(2..=30).contains(&name.chars().count()) || name.chars().any(|c| c.is_control() || c.is_ascii_digit()) {
            fault("name", "请填写真实姓名，2 至 30 个字");
        }
        let phone = self.phone.trim();
        if !phone.is_empty() && !phone_ok(phone) {
            fault("phone", "电话格式不对，应为 11 位手机号或带区号的固定电话");
        }
        let vendor = self.vendor.trim();
        if vendor.chars().count() > 60 {
            fault("vendor", "外包单位名称最多 60 个字");
        }
        let until = self.vendor_until.trim();
        let vendor_until = until.parse::<chrono::NaiveDate>().ok().map(Timestamp::end_of);
        if !until.is_empty() && vendor_until.is_none() {
            fault("vendor_until", "日期格式不对，应为 2027-03-31");
        }
        if !vendor.is_empty() && until.is_empty() {
            fault("vendor_until", "外包人员须填写服务截止日期");
        }
        if vendor.is_empty() && !until.is_empty() {
            fault("vendor", "填写了服务截止日期，请同时填写外包单位");
        }
        if !faults.is_empty() {
            return Err(Error::invalid(faults));
        }
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Ok(Person { login, name: name.to_owned(), phone: some(phone), vendor: some(vendor), vendor_until })
    }
}

fn login_ok(login: &str) -> bool {
    (3..=32).contains(&login.len())
        && login.starts_with(|c: char| c.is_ascii_lowercase())
        && login.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-".contains(c))
}

/// Also used for the contacts of a unit.
pub fn phone_ok(phone: &str) -> bool {
    let digits = phone.chars().filter(char::is_ascii_digit).count();
    (7..=20).contains(&digits) && phone.chars().all(|c| c.is_ascii_digit() || "+- ".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 24 * 3600 * 1000;

    fn upkeep(login: &str) -> Upkeep<'_> {
        Upkeep {
            login,
            created_at: Timestamp::from_millis(0),
            last_login_at: None,
            initial_password: false,
            vendor_until: None,
            addresses: 1,
            in_two_places: false,
        }
    }

    #[test]
    fn every_state_and_event_is_written_down() {
        use AccountEvent::{Close, Lock, Unlock};
        use AccountState::{Active, Closed, Locked};
        let table: Vec<_> = [Active, Locked, Closed].map(|s| [Lock, Unlock, Close].map(|e| s.after(e))).to_vec();
        assert_eq!(table, [[Some(Locked), None, Some(Closed)], [None, Some(Active), Some(Closed)], [None, None, None]]);
    }

    #[test]
    fn who_4_concerns_of_an_account() {
        let at = |days: i64| Timestamp::from_millis(days * DAY);
        assert_eq!(upkeep("zhoumin").concerns(at(90)), []);
        assert_eq!(upkeep("zhoumin").concerns(at(91)), [Concern::Unused]);
        assert_eq!(Upkeep { last_login_at: Some(at(10)), ..upkeep("zhoumin") }.concerns(at(100)), []);
        assert_eq!(upkeep("admin01").concerns(at(1)), [Concern::Default]);
        assert_eq!(Upkeep { initial_password: true, ..upkeep("zhoumin") }.concerns(at(7)), []);
        assert_eq!(Upkeep { initial_password: true, ..upkeep("zhoumin") }.concerns(at(8)), [Concern::Default]);
        assert_eq!(Upkeep { addresses: 4, ..upkeep("zhoumin") }.concerns(at(1)), [Concern::SharedSuspect]);
        assert_eq!(Upkeep { vendor_until: Some(at(2)), ..upkeep("zhoumin") }.concerns(at(3)), [Concern::VendorExpired]);
    }

    #[test]
    fn who_4_vendor_accounts_end_with_their_contract() {
        let ends = Timestamp::from_millis(100);
        let admission = Admission { state: AccountState::Active, vendor_until: Some(ends) };
        assert!(admission.refusal(ends).is_none());
        assert_eq!(admission.refusal(Timestamp::from_millis(101)).unwrap().0, "HF-VENDOR-ENDED");
    }

    #[test]
    fn a_person_is_checked_in_all_fields_at_once() {
        let wrong = PersonInput {
            login: "Admin".into(),
            name: "x".into(),
            phone: "12".into(),
            vendor: "甲公司".into(),
            ..PersonInput::default()
        };
        let error = wrong.check().unwrap_err();
        let fields: Vec<&str> = error.fields().iter().map(|fault| fault.field.as_str()).collect();
        assert_eq!(fields, ["login", "name", "phone", "vendor_until"]);
        let good = PersonInput { login: " ZhouMin ".into(), name: "周敏".into(), ..PersonInput::default() };
        assert_eq!(good.check().unwrap().login, "zhoumin");
    }
}
