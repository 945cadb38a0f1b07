//! Time as a parameter. Every stored moment is milliseconds since 1970 in UTC; people see Beijing time.

use chrono::{DateTime, Datelike, FixedOffset, NaiveDate, TimeZone, Utc};

/// A moment, as it is stored.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    serde::Serialize,
    serde::Deserialize,
    sea_orm::DeriveValueType,
)]
#[serde(transparent)]
pub struct Timestamp(i64);

impl Timestamp {
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    pub fn millis(self) -> i64 {
        self.0
    }

    pub fn utc(self) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(self.0).unwrap_or(DateTime::UNIX_EPOCH)
    }

    /// The moment on clocks in China.
    pub fn local(self) -> DateTime<FixedOffset> {
        self.utc().with_timezone(&beijing())
    }

    pub fn date(self) -> NaiveDate {
        self.local().date_naive()
    }

    /// RFC 3339 with +08:00, as the API gives it.
    pub fn rfc3339(self) -> String {
        self.local().to_rfc3339_opts(chrono::SecondsFormat::Millis, false)
    }

    /// `20261121`, the middle of every object number.
    pub fn day_number(self) -> String {
        let date = self.date();
        format!("{:04}{:02}{:02}", date.year(), date.month(), date.day())
    }

    pub fn plus(self, by: chrono::Duration) -> Self {
        Self(self.0.saturating_add(by.num_milliseconds()))
    }

    /// First moment of a day in China.
    pub fn start_of(date: NaiveDate) -> Self {
        let midnight = date.and_hms_opt(0, 0, 0).unwrap_or_default();
        match beijing().from_local_datetime(&midnight).single() {
            Some(moment) => Self(moment.timestamp_millis()),
            None => Self(0),
        }
    }

    /// Last millisecond of a day in China: what 「止」 means in a deadline.
    pub fn end_of(date: NaiveDate) -> Self {
        Self(Self::start_of(date).0 + 24 * 3600 * 1000 - 1)
    }
}

fn beijing() -> FixedOffset {
    // INVARIANT (beijing): +08:00 is inside the range chrono accepts, and China keeps no summer time.
    FixedOffset::east_opt(8 * 3600).unwrap_or_else(|| chrono::Offset::fix(&Utc))
}

/// Where the present comes from. Only the outermost layer asks it; below, the moment is a parameter.
pub trait Clock: std::fmt::Debug + Send + Sync {
    fn now(&self) -> Timestamp;
}

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the machine's clock")]
    fn now(&self) -> Timestamp {
        Timestamp(Utc::now().timestamp_millis())
    }
}

/// A clock that tests and replays set by hand.
#[derive(Debug)]
pub struct ManualClock(std::sync::atomic::AtomicI64);

impl ManualClock {
    pub fn at(moment: Timestamp) -> Self {
        Self(moment.0.into())
    }

    pub fn set(&self, moment: Timestamp) {
        self.0.store(moment.0, std::sync::atomic::Ordering::SeqCst);
    }

    pub fn advance(&self, by: chrono::Duration) {
        self.0.fetch_add(by.num_milliseconds(), std::sync::atomic::Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(std::sync::atomic::Ordering::SeqCst))
    }
}
