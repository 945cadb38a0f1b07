//! How long a log-in lasts, what still stands between it and the pages, and when guessing is stopped.

use hufu_kernel::time::Timestamp;

/// Minutes without a request after which a session ends.
pub const IDLE_MINUTES: i64 = 15;
/// Hours after which a session ends whatever happens.
pub const ABSOLUTE_HOURS: i64 = 12;
/// Seconds between two notes that a session is alive; a session may end this much early.
pub const TOUCH_SECONDS: i64 = 30;
/// Failures in a row that lock the log-in name.
pub const FAILURES_MAX: i32 = 5;
/// Minutes for which it stays locked.
pub const LOCK_MINUTES: i64 = 15;
/// Days after which a password must be changed.
pub const PASSWORD_DAYS: i64 = 90;

/// What is left to do before the pages open. The order is the order in which it is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// The six digits.
    SecondFactor,
    /// A new password: the first log-in, after a reset, or too old.
    Password,
    /// The second factor has to be set up first.
    Enrol,
    Open,
}

impl Stage {
    /// Where a browser at this stage is sent.
    pub fn page(self) -> &'static str {
        match self {
            Self::SecondFactor => "/login/totp",
            Self::Password => "/password",
            Self::Enrol => "/login/enrol",
            Self::Open => "/",
        }
    }

    pub fn message(self) -> &'static str {
        match self {
            Self::SecondFactor => "请输入动态口令",
            Self::Password => "请先修改口令",
            Self::Enrol => "请先绑定第二因子",
            Self::Open => "",
        }
    }
}

/// What a session is judged by, on each request.
#[derive(Clone, Copy, Debug)]
pub struct Standing {
    pub created_at: Timestamp,
    pub seen_at: Timestamp,
    pub second_passed: bool,
    pub enrolled: bool,
    /// Second factors are on, and a role of this person asks for one.
    pub second_needed: bool,
    pub second_on: bool,
    pub password_initial: bool,
    pub password_at: Timestamp,
}

impl Standing {
    /// `None` when the session has ended.
    pub fn stage(&self, now: Timestamp) -> Option<Stage> {
        let ended = now >= self.created_at.plus(chrono::Duration::hours(ABSOLUTE_HOURS))
            || now >= self.seen_at.plus(chrono::Duration::minutes(IDLE_MINUTES));
        if ended {
            return None;
        }
        let old = now >= self.password_at.plus(chrono::Duration::days(PASSWORD_DAYS));
        Some(if self.second_on && self.enrolled && !self.second_passed {
            Stage::SecondFactor
        } else if self.password_initial || old {
            Stage::Password
        } else if self.second_needed && !self.enrolled {
            Stage::Enrol
        } else {
            Stage::Open
        })
    }
}

/// Guesses against one log-in name, known or not: an unknown one behaves in the same way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Guesses {
    pub failures: i32,
    pub locked_until: Option<Timestamp>,
}

impl Guesses {
    pub fn locked(self, now: Timestamp) -> bool {
        self.locked_until.is_some_and(|until| now < until)
    }

    /// After one more failure. A lock that holds is not prolonged, else a stranger could keep it up for ever.
    pub fn failed(self, now: Timestamp) -> Self {
        if self.locked(now) {
            return self;
        }
        let lapsed = self.locked_until.is_some_and(|until| now >= until);
        let failures = if lapsed { 1 } else { self.failures.saturating_add(1) };
        let lock = failures >= FAILURES_MAX;
        Self { failures, locked_until: lock.then(|| now.plus(chrono::Duration::minutes(LOCK_MINUTES))) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: i64 = 60_000;

    fn at(minutes: i64) -> Timestamp {
        Timestamp::from_millis(minutes * MINUTE)
    }

    fn standing() -> Standing {
        Standing {
            created_at: at(0),
            seen_at: at(0),
            second_passed: false,
            enrolled: false,
            second_needed: false,
            second_on: true,
            password_initial: false,
            password_at: at(0),
        }
    }

    #[test]
    fn who_6_idle_and_absolute_end() {
        assert_eq!(standing().stage(at(14)), Some(Stage::Open));
        assert_eq!(standing().stage(at(15)), None);
        assert_eq!(Standing { seen_at: at(719), ..standing() }.stage(at(719)), Some(Stage::Open));
        assert_eq!(Standing { seen_at: at(719), ..standing() }.stage(at(720)), None);
    }

    #[test]
    fn who_6_stages_in_their_order() {
        let all = Standing { enrolled: true, second_needed: true, password_initial: true, ..standing() };
        assert_eq!(all.stage(at(1)), Some(Stage::SecondFactor));
        let passed = Standing { second_passed: true, ..all };
        assert_eq!(passed.stage(at(1)), Some(Stage::Password));
        let changed = Standing { password_initial: false, ..passed };
        assert_eq!(changed.stage(at(1)), Some(Stage::Open));
        assert_eq!(Standing { enrolled: false, ..changed }.stage(at(1)), Some(Stage::Enrol));
        let late = at(91 * 24 * 60);
        let old = Standing { created_at: late, seen_at: late, ..changed };
        assert_eq!(old.stage(late), Some(Stage::Password));
    }

    #[test]
    fn who_6_the_fifth_failure_locks_for_fifteen_minutes() {
        let mut guesses = Guesses::default();
        for n in 1..=4 {
            guesses = guesses.failed(at(n));
            assert!(!guesses.locked(at(n)), "failure {n}");
        }
        guesses = guesses.failed(at(5));
        assert!(guesses.locked(at(19)));
        assert_eq!(guesses.failed(at(12)), guesses);
        assert!(!guesses.locked(at(20)));
        let again = guesses.failed(at(20));
        assert_eq!(again, Guesses { failures: 1, locked_until: None });
    }
}
