//! Working-day arithmetic against the vectors that the law's calendar gives.

use chrono::NaiveDate;
use hufu_kernel::rules::Rules;
use hufu_kernel::time::Timestamp;

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn check(start: &str, workdays: u32, due: &str) {
    let rules = Rules::embedded().unwrap();
    let found = rules.calendar.after(day(start), workdays);
    assert_eq!((found.date, found.warning), (day(due), None), "{start} + {workdays}");
}

#[test]
fn sha_1_start_day_is_not_counted_and_holidays_are_skipped() {
    check("2026-09-18", 10, "2026-10-09");
    check("2026-02-13", 1, "2026-02-14");
    check("2026-09-30", 1, "2026-10-08");
    check("2026-09-24", 20, "2026-10-29");
    check("2025-09-30", 1, "2025-10-09");
    check("2025-01-24", 1, "2025-01-26");
    check("2025-12-31", 1, "2026-01-04");
    // Without days to add, a holiday still moves to the next working day.
    check("2026-10-01", 0, "2026-10-08");
    check("2026-09-18", 0, "2026-09-18");
}

#[test]
fn sha_1_2026_has_248_working_days() {
    let rules = Rules::embedded().unwrap();
    let year = day("2026-01-01").iter_days().take(365);
    assert_eq!(year.filter(|date| rules.calendar.is_workday(*date)).count(), 248);
}

#[test]
fn sha_1_year_without_table_warns_and_reckons_by_weekends() {
    let rules = Rules::embedded().unwrap();
    let found = rules.calendar.after(day("2026-12-31"), 1);
    assert_eq!(found.date, day("2027-01-01"));
    let warning = found.warning.unwrap();
    assert_eq!(warning.year, 2027);
    assert!(warning.to_string().starts_with("2027年节假日安排尚未导入"), "{warning}");
}

#[test]
fn sha_1_remaining_is_zero_on_the_day_and_negative_after() {
    let calendar = Rules::embedded().unwrap().calendar;
    let due = day("2026-10-09");
    assert_eq!(calendar.remaining(day("2026-09-18"), due), 10);
    assert_eq!(calendar.remaining(due, due), 0);
    assert_eq!(calendar.remaining(day("2026-10-10"), due), -1);
    // A deadline passed over a weekend day is late all the same.
    assert_eq!(calendar.remaining(day("2026-10-17"), day("2026-10-16")), -1);
}

#[test]
fn sha_1_clock_that_stood_keeps_what_was_left() {
    let calendar = Rules::embedded().unwrap().calendar;
    // Due in 10, paused after 3, so 7 are left when it goes on.
    let resumed = calendar.resume(day("2026-10-09"), day("2026-09-22"), day("2026-10-12"));
    assert_eq!(calendar.remaining(day("2026-09-22"), day("2026-10-09")), 7);
    assert_eq!(resumed.date, day("2026-10-21"));
    // Lateness is not forgiven by returning the paper.
    assert_eq!(calendar.resume(day("2026-09-10"), day("2026-09-22"), day("2026-10-12")).date, day("2026-09-10"));
}

#[test]
fn sha_1_limits_of_decree_809_are_the_default() {
    let rules = Rules::embedded().unwrap();
    let limit = |name: &str| {
        let limit = rules.limit(name).unwrap();
        (limit.workdays, limit.extension)
    };
    assert_eq!(limit("application.unconditional.answer").0, 1);
    assert_eq!(limit("application.conditional.answer"), (10, 10));
    assert_eq!(limit("application.share"), (20, 0));
    assert_eq!(limit("catalog.update"), (10, 5));
    assert_eq!(limit("catalog.review"), (2, 0));
    assert_eq!(limit("correction.answer"), (10, 0));
    assert!(rules.limit("no.such.limit").is_err());
    assert!(rules.warnings().is_empty(), "{:?}", rules.warnings());
    let start = Timestamp::start_of(day("2026-09-18"));
    let due = rules.due(rules.limit("application.conditional.answer").unwrap(), start);
    assert_eq!(due.at(), Timestamp::end_of(day("2026-10-09")));
}

#[test]
fn sha_1_place_may_shorten_and_a_longer_limit_is_told() {
    let local = Rules::load(None, "yunjiang").unwrap();
    assert_eq!(local.limit("application.conditional.answer").unwrap().workdays, 5);
    assert_eq!(local.limit("application.share").unwrap().workdays, 20, "the nation's where the place is silent");

    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("jurisdictions")).unwrap();
    let slow = "code = \"slow\"\nname = \"慢城规定\"\nextends = \"d809\"\n[limits.\"application.conditional.answer\"]\n\
                title = \"答复\"\nworkdays = 30\nbasis = \"x\"\n";
    std::fs::write(dir.path().join("jurisdictions/slow.toml"), slow).unwrap();
    let rules = Rules::load(Some(dir.path()), "slow").unwrap();
    assert_eq!(rules.warnings().len(), 1, "{:?}", rules.warnings());
    assert!(rules.warnings()[0].contains("慢城规定"), "{:?}", rules.warnings());
    assert!(Rules::load(Some(dir.path()), "nowhere").is_err());
}

#[test]
fn sha_1_directory_brings_the_next_year_and_a_broken_file_stops_the_start() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("calendars")).unwrap();
    let write = |text: &str| std::fs::write(dir.path().join("calendars/2027.toml"), text).unwrap();
    write("year = 2027\nnotice = \"x\"\noff = [\"2027-01-01..2027-01-03\"]\nwork = []\n");
    let rules = Rules::load(Some(dir.path()), "d809").unwrap();
    let found = rules.calendar.after(day("2026-12-31"), 1);
    assert_eq!((found.date, found.warning), (day("2027-01-04"), None));
    for broken in ["year = 2027", "year = 2027\nnotice = \"x\"\noff = [\"2026-01-01\"]\nwork = []\n"] {
        write(broken);
        assert!(Rules::load(Some(dir.path()), "d809").is_err(), "{broken}");
    }
}
