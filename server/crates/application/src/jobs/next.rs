//! When a schedule's expression comes next.

use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use std::fmt::Display;

/// The longest time between two starts, in seconds.
pub(super) const EVERY_SECONDS_MAX: u64 = 1_000_000_000;

/// When an expression comes next after a time: `every N s`, or a cron expression of five or six fields in a zone.
///
/// # Errors
/// Says what is wrong with the expression, and how it is written.
pub(super) fn next_after(expression: &str, zone: &str, now: Timestamp) -> Result<Timestamp, String> {
    let wrong = |why: &dyn Display| {
        format!("{expression:?} is no schedule ({why}): write it like \"every 60 s\" or \"0 7 * * MON-FRI\"")
    };
    if let Some(seconds) = expression.strip_prefix("every ").and_then(|rest| rest.strip_suffix(" s")) {
        let seconds: u64 = seconds.trim().parse().map_err(|error| wrong(&error))?;
        let seconds =
            i64::try_from(seconds).ok().filter(|seconds| (1..=EVERY_SECONDS_MAX.cast_signed()).contains(seconds));
        let Some(seconds) = seconds else { return Err(wrong(&"1 s to 1000000000 s")) };
        return Ok(now.checked_add(SignedDuration::from_secs(seconds)).unwrap_or(Timestamp::MAX));
    }
    let zone = TimeZone::get(zone).map_err(|error| wrong(&error))?;
    let cron: croner::Cron = expression.parse().map_err(|error: croner::errors::CronError| wrong(&error))?;
    let next = cron.find_next_occurrence(&now.to_zoned(zone), false).map_err(|error| wrong(&error))?;
    Ok(next.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn an_interval_and_a_cron_expression_give_the_next_time() {
        for (expression, zone, now, next) in [
            ("every 90 s", "UTC", "2026-03-01T08:00:00Z", "2026-03-01T08:01:30Z"),
            ("0 7 * * *", "Europe/Berlin", "2026-03-28T07:00:00Z", "2026-03-29T05:00:00Z"),
            ("0 7 * * *", "Europe/Berlin", "2026-10-24T06:00:00Z", "2026-10-25T06:00:00Z"),
            ("0 7 * * MON-FRI", "UTC", "2026-03-06T07:00:00Z", "2026-03-09T07:00:00Z"),
            ("*/15 * * * * *", "UTC", "2026-03-01T08:00:15Z", "2026-03-01T08:00:30Z"),
        ] {
            assert_eq!(next_after(expression, zone, at(now)), Ok(at(next)), "{expression} after {now}");
        }
        assert_eq!(next_after("every 1000000000 s", "UTC", Timestamp::MAX), Ok(Timestamp::MAX));
    }

    #[test]
    fn what_is_no_schedule_is_refused_and_says_how_to_write_one() {
        for expression in ["61 * * * *", "every 0 s", "every 1000000001 s", "every -1 s", "", "every day", "* *"] {
            let refused = next_after(expression, "UTC", at("2026-03-01T08:00:00Z")).unwrap_err();
            assert!(refused.contains("is no schedule") && refused.contains("every 60 s"), "{refused}");
        }
        assert!(next_after("0 7 * * *", "Europe/Nowhere", at("2026-03-01T08:00:00Z")).is_err());
    }
}
