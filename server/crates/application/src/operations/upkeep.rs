//! Retention: what is old goes, a small step at a time.

use crate::{config::Keep, context::Context, error::Result};
use jiff::{SignedDuration, Span, Timestamp, tz::TimeZone};
use storage::upkeep::{Old, Pruned, month_of};

/// For how long changes are kept that live streams resume from.
const KEEP_CHANGES: SignedDuration = SignedDuration::from_hours(7 * 24);

/// Drops a step of what is old, and makes what is needed soon.
///
/// # Errors
/// When the store fails; the next step tries again.
pub async fn prune(context: &Context) -> Result<Pruned> {
    context.store.upkeep.prepare(context.now()).await?;
    let pruned = context.store.upkeep.prune(old(context.config.keep, context.now())).await?;
    for (what, number) in
        [("bodies", pruned.bodies), ("attempts", pruned.attempts), ("jobs", pruned.jobs), ("changes", pruned.changes)]
    {
        metrics::counter!("milepost_pruned_total", "what" => what).increment(number);
    }
    Ok(pruned)
}

fn old(keep: Keep, now: Timestamp) -> Old {
    let month = |months: u32| (months > 0).then(|| month_of(months_before(now, months)));
    let days = |days: u32| now.checked_sub(SignedDuration::from_hours(24 * i64::from(days))).unwrap_or(Timestamp::MIN);
    Old {
        bodies: month(keep.bodies_months),
        attempts: month(keep.attempts_months),
        jobs: (keep.done_days > 0).then(|| days(keep.done_days)),
        changes: now.checked_sub(KEEP_CHANGES).ok(),
    }
}

fn months_before(now: Timestamp, months: u32) -> Timestamp {
    let span = Span::new().try_months(months).ok();
    span.and_then(|span| now.to_zoned(TimeZone::UTC).checked_sub(span).ok())
        .map_or(Timestamp::MIN, |then| then.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_months_go_and_nothing_where_all_is_kept() {
        let now = "2026-03-15T00:00:00Z".parse().unwrap();
        let some = old(Keep { bodies_months: 13, attempts_months: 3, done_days: 30 }, now);
        assert_eq!((some.bodies, some.attempts), (Some(202_502), Some(202_512)));
        assert_eq!(some.jobs, Some("2026-02-13T00:00:00Z".parse().unwrap()));
        let none = old(Keep { bodies_months: 0, attempts_months: 0, done_days: 0 }, now);
        assert_eq!((none.bodies, none.attempts, none.jobs), (None, None, None));
        let ever = old(Keep { bodies_months: u32::MAX, attempts_months: 1, done_days: u32::MAX }, now);
        assert!(ever.bodies.is_some_and(|month| month < 202_000) && ever.jobs.is_some());
    }
}
