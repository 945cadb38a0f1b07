//! The two halves joined. A grant is open only while it is active and inside its period.

use sea_orm::entity::prelude::*;

use hufu_kernel::time::Timestamp;

use super::refusal::Refusal;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum State {
    Active,
    Suspended,
    Revoked,
    Expired,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter)]
pub enum Event {
    Suspend,
    Resume,
    Reduce,
    Revoke,
    Expire,
}

impl State {
    pub fn name(self) -> &'static str {
        match self {
            Self::Active => "生效中",
            Self::Suspended => "已暂停",
            Self::Revoked => "已撤销",
            Self::Expired => "已到期",
        }
    }

    pub fn step(self, event: Event) -> Result<State, Refusal> {
        use Event as E;
        use State as S;
        let next = match (self, event) {
            (S::Active, E::Suspend) => S::Suspended,
            (S::Suspended, E::Resume) => S::Active,
            (S::Active | S::Suspended, E::Reduce) => self,
            (S::Active | S::Suspended, E::Revoke) => S::Revoked,
            (S::Active | S::Suspended, E::Expire) => S::Expired,
            (
                S::Active | S::Suspended | S::Revoked | S::Expired,
                E::Suspend | E::Resume | E::Reduce | E::Revoke | E::Expire,
            ) => return Err(Refusal::State { subject: "授权", state: self.name(), act: event.name() }),
        };
        Ok(next)
    }
}

impl Event {
    pub fn name(self) -> &'static str {
        match self {
            Self::Suspend => "暂停",
            Self::Resume => "恢复",
            Self::Reduce => "缩减",
            Self::Revoke => "撤销",
            Self::Expire => "到期终止",
        }
    }
}

/// May rows leave under it now? `from` counts, `until` is the last moment that counts.
pub fn is_open(state: State, from: Timestamp, until: Timestamp, now: Timestamp) -> bool {
    match state {
        State::Active => from <= now && now <= until,
        State::Suspended | State::Revoked | State::Expired => false,
    }
}

/// How much may leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Quota {
    pub rows_per_day: i64,
    pub calls_per_minute: i64,
    pub rows_per_result: i64,
}

impl Quota {
    /// Is nothing larger than in `other`?
    pub fn within(self, other: Quota) -> bool {
        self.rows_per_day <= other.rows_per_day
            && self.calls_per_minute <= other.calls_per_minute
            && self.rows_per_result <= other.rows_per_result
    }

    /// The smaller of each.
    pub fn narrowed(self, other: Quota) -> Quota {
        Quota {
            rows_per_day: self.rows_per_day.min(other.rows_per_day),
            calls_per_minute: self.calls_per_minute.min(other.calls_per_minute),
            rows_per_result: self.rows_per_result.min(other.rows_per_result),
        }
    }

    pub fn is_positive(self) -> bool {
        self.rows_per_day > 0 && self.calls_per_minute > 0 && self.rows_per_result > 0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use sea_orm::Iterable;

    use super::*;

    fn events() -> impl Strategy<Value = Vec<Event>> {
        let all: Vec<Event> = Event::iter().collect();
        prop::collection::vec(prop::sample::select(all), 0..24)
    }

    proptest! {
        #[test]
        fn sha_3_nothing_reopens_a_revoked_or_expired_grant(events in events()) {
            let mut state = State::Active;
            for event in events {
                let ended = matches!(state, State::Revoked | State::Expired);
                match state.step(event) {
                    Ok(next) => {
                        prop_assert!(!ended, "{state:?} moved by {event:?}");
                        state = next;
                    }
                    Err(refusal) => prop_assert_eq!(refusal.code(), "SHA-STATE"),
                }
            }
        }

        #[test]
        fn sha_3_open_only_while_active_and_inside_the_period(from in -5_i64..5, length in 0_i64..5, now in -9_i64..14) {
            let at = Timestamp::from_millis;
            let inside = from <= now && now <= from + length;
            for state in State::iter() {
                let open = is_open(state, at(from), at(from + length), at(now));
                prop_assert_eq!(open, inside && state == State::Active);
            }
        }
    }
}
