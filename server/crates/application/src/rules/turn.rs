//! When a rule may do what it wanted before: it may be paused or stopped meanwhile, and alerts and messages keep its quiet hours.
//! Whatever carries out what a rule wanted asks here first.

use super::book::{Book, Hold};
use domain::{
    effects::EffectTarget,
    rule::{Content, QuietHours, RuleId},
};
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use std::sync::Arc;

/// How often it is looked whether a rule was resumed that is paused without an end.
const RESUMED: SignedDuration = SignedDuration::from_hours(1);
/// Why what a rule wanted is not done any more, for people.
const STOPPED: &str = "the rule was stopped";
const GONE: &str = "the rule was removed";

/// When what a rule wanted may be done.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Turn {
    /// Now, as this content says.
    Now(Arc<Content>),
    /// Not before this time.
    At(Timestamp),
    /// Never, for this reason.
    Never(&'static str),
}

/// When a rule may do what it wanted of a target: alerts and messages to customers keep its quiet hours.
pub(super) fn turn(book: &Book, rule: &RuleId, target: &EffectTarget, now: Timestamp) -> Turn {
    let content = match runs(book, rule, now) {
        Turn::Now(content) => content,
        held => return held,
    };
    let quiet = content.limits.quiet.as_ref().filter(|_| *target != EffectTarget::Claim);
    match quiet.and_then(|quiet| quiet_until(quiet, now)) {
        Some(until) => Turn::At(until),
        None => Turn::Now(content),
    }
}

/// When a rule may do what it wanted in an order system or at a desk, which keep no quiet hours.
pub(crate) fn runs(book: &Book, rule: &RuleId, now: Timestamp) -> Turn {
    if let Some(running) = book.rule(rule) {
        return Turn::Now(Arc::clone(&running.content));
    }
    match book.held.iter().find(|held| held.id == *rule).map(|held| held.hold) {
        Some(Hold::Paused(until)) => {
            Turn::At(until.unwrap_or_else(|| now.checked_add(RESUMED).unwrap_or(Timestamp::MAX)))
        }
        Some(Hold::Stopped) => Turn::Never(STOPPED),
        None => Turn::Never(GONE),
    }
}

/// When quiet hours end that are now; none where they are not now.
fn quiet_until(quiet: &QuietHours, now: Timestamp) -> Option<Timestamp> {
    let zone = TimeZone::get(&quiet.zone).ok()?;
    let local = zone.to_datetime(now);
    let minute = i64::from(local.hour()) * 60 + i64::from(local.minute());
    let (from, to) = (i64::from(quiet.from_minute), i64::from(quiet.to_minute));
    let is_quiet = if from < to { (from..to).contains(&minute) } else { minute >= from || minute < to };
    if !is_quiet {
        return None;
    }
    let day = if minute < to { local.date() } else { local.date().tomorrow().ok()? };
    let time = jiff::civil::time(i8::try_from(to / 60).ok()?, i8::try_from(to % 60).ok()?, 0, 0);
    let end = zone.to_timestamp(day.to_datetime(time)).ok()?;
    Some(end.max(now.checked_add(SignedDuration::from_secs(1)).unwrap_or(now)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::book::Held;

    #[test]
    fn what_is_held_back_waits_or_is_given_up() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let (now, until) = (at("2026-11-30T12:00:00Z"), at("2026-12-02T12:00:00Z"));
        let (_, content) = domain::rules::shipped().remove(0);
        let held = |name: &str, hold| Held { id: id(name), content: Arc::new(content.clone()), hold };
        let held = vec![held("a", Hold::Paused(Some(until))), held("b", Hold::Paused(None)), held("c", Hold::Stopped)];
        let book = Book { running: Vec::new(), held };
        let turn = |name: &str| turn(&book, &id(name), &EffectTarget::Alert, now);
        for name in ["a", "b", "c", "d"] {
            assert_eq!(runs(&book, &id(name), now), turn(name), "{name}");
        }
        assert_eq!(turn("a"), Turn::At(until));
        assert_eq!(turn("b"), Turn::At(at("2026-11-30T13:00:00Z")));
        assert_eq!((turn("c"), turn("d")), (Turn::Never(STOPPED), Turn::Never(GONE)));
    }

    fn id(name: &str) -> RuleId {
        name.parse().unwrap()
    }

    #[test]
    fn quiet_hours_go_over_midnight_and_by_the_zone() {
        let quiet = QuietHours { from_minute: 20 * 60, to_minute: 7 * 60, zone: "Europe/Berlin".into() };
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        for (now, until) in [
            ("2026-11-30T18:59:00Z", None),
            ("2026-11-30T19:00:00Z", Some("2026-12-01T06:00:00Z")),
            ("2026-12-01T05:59:00Z", Some("2026-12-01T06:00:00Z")),
            ("2026-12-01T06:00:00Z", None),
            // the clocks go forward in the night
            ("2026-03-28T22:00:00Z", Some("2026-03-29T05:00:00Z")),
        ] {
            assert_eq!(quiet_until(&quiet, at(now)), until.map(at), "{now}");
        }
        let noon = QuietHours { from_minute: 720, to_minute: 780, zone: "UTC".into() };
        assert_eq!(quiet_until(&noon, at("2026-11-30T12:30:00Z")), Some(at("2026-11-30T13:00:00Z")));
        assert_eq!(quiet_until(&noon, at("2026-11-30T13:30:00Z")), None);
    }
}
