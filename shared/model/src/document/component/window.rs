//! When AWS may back a database up and maintain it.

use super::super::collect::shown;

/// Minutes of a week or a day; the week starts on Monday.
type Minutes = u32;
const DAY: Minutes = 24 * 60;
const WEEK: Minutes = 7 * DAY;

/// A backup window.
pub(super) fn is_daily(text: &str) -> Result<(), (String, String)> {
    check(
        text,
        daily(text),
        "daily window",
        "hh:mm-hh:mm in UTC, at least 30 minutes, for instance 03:00-04:00",
    )
}

/// A time of day.
pub(super) fn is_time(text: &str) -> Result<(), (String, String)> {
    match time_of_day(text) {
        Some(_) => Ok(()),
        None => Err((
            format!("`{}` is no time of day", shown(text)),
            "expected hh:mm in UTC, for instance \"05:00\"".to_owned(),
        )),
    }
}

/// A maintenance window.
pub(super) fn is_weekly(text: &str) -> Result<(), (String, String)> {
    let example = "ddd:hh:mm-ddd:hh:mm in UTC, 30 minutes to 24 hours, for instance sun:04:00-sun:05:00";
    check(text, weekly(text), "weekly window", example)
}

fn check(text: &str, found: Option<(Minutes, Minutes)>, what: &str, example: &str) -> Result<(), (String, String)> {
    match found {
        Some(_) => Ok(()),
        None => Err((format!("`{}` is no {what}", shown(text)), format!("expected {example}"))),
    }
}

/// Whether a backup window overlaps with a maintenance window, on some day; no, where one of them is none.
pub(super) fn overlap(backup: &str, maintenance: &str) -> bool {
    let (Some((backup_start, backup_length)), Some((start, length))) = (daily(backup), weekly(maintenance)) else {
        return false;
    };
    // The maintenance window may reach into the next week; and Sunday's backup too.
    (0..15).any(|day| {
        let backup_start = day * DAY + backup_start;
        let start = start + WEEK;
        let overlaps = |start: Minutes| backup_start < start + length && start < backup_start + backup_length;
        overlaps(start) || overlaps(start - WEEK)
    })
}

/// Start and length of `hh:mm-hh:mm`, at least 30 minutes, possibly over midnight.
fn daily(text: &str) -> Option<(Minutes, Minutes)> {
    let (start, end) = text.split_once('-')?;
    let (start, end) = (time_of_day(start)?, time_of_day(end)?);
    let length = (end + DAY - start) % DAY;
    (length >= 30).then_some((start, length))
}

/// Start and length of `ddd:hh:mm-ddd:hh:mm`, 30 minutes to 24 hours, possibly over Sunday's midnight.
fn weekly(text: &str) -> Option<(Minutes, Minutes)> {
    let (start, end) = text.split_once('-')?;
    let (start, end) = (time_of_week(start)?, time_of_week(end)?);
    let length = (end + WEEK - start) % WEEK;
    (30..=DAY).contains(&length).then_some((start, length))
}

fn time_of_week(text: &str) -> Option<Minutes> {
    let (day, time) = text.split_once(':')?;
    let days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
    let day = days.iter().position(|known| *known == day.to_lowercase())?;
    Some(Minutes::try_from(day).ok()? * DAY + time_of_day(time)?)
}

fn time_of_day(text: &str) -> Option<Minutes> {
    let (hours, minutes) = text.split_once(':')?;
    let two_digits = |text: &str, most: Minutes| {
        (text.len() == 2 && text.chars().all(|char| char.is_ascii_digit()))
            .then(|| text.parse::<Minutes>().ok())
            .flatten()
            .filter(|number| *number <= most)
    };
    Some(two_digits(hours, 23)? * 60 + two_digits(minutes, 59)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_overlap_over_midnight_and_sunday_too() {
        let table = [
            ("03:00-04:00", "mon:04:00-mon:05:00", false),
            ("03:00-04:00", "mon:03:30-mon:04:30", true),
            ("03:00-04:00", "mon:02:00-mon:05:00", true),
            ("02:00-05:00", "mon:03:00-mon:04:00", true),
            ("23:30-00:30", "wed:00:00-wed:01:00", true),
            ("23:30-00:30", "mon:00:00-mon:01:00", true),
            ("00:00-01:00", "sun:23:30-mon:00:30", true),
            ("00:30-01:00", "sun:23:30-mon:00:30", false),
            ("nonsense", "mon:03:30-mon:04:30", false),
        ];
        for (backup, maintenance, expected) in table {
            assert_eq!(overlap(backup, maintenance), expected, "{backup} and {maintenance}");
        }
    }
}
