//! How an alert goes on: a condition that holds opens it once; it escalates while it is not acknowledged; it resolves once, after its
//! condition was clear for a while, so that what comes and goes stays one alert.

use crate::Severity;
use jiff::{SignedDuration, Timestamp};

/// A condition has to be clear for so long, without a break, before its alert resolves: a destination that flaps makes one alert.
pub const MIN_CLEAR: SignedDuration = SignedDuration::from_mins(10);
/// How often an alert escalates at most.
pub const ESCALATIONS_MAX: u32 = 2;

/// After how long an alert that is not acknowledged goes to the next channels; none: never.
pub const fn escalates_after(severity: Severity) -> Option<SignedDuration> {
    match severity {
        Severity::Critical => Some(SignedDuration::from_mins(5)),
        Severity::Major => Some(SignedDuration::from_hours(1)),
        Severity::Minor | Severity::Info => None,
    }
}

/// How an open alert stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// How much a person is needed; it only grows while the alert is open.
    pub severity: Severity,
    /// How many things it affects now.
    pub affects: u64,
    /// When it opened.
    pub opened_at: Timestamp,
    /// When its condition last held.
    pub seen_at: Timestamp,
    /// Since when its condition is clear; none while it holds.
    pub clear_since: Option<Timestamp>,
    /// How often it has escalated.
    pub escalated: u32,
    /// Since when it is in the present severity: escalation counts from here.
    pub raised_at: Timestamp,
    /// When a person acknowledged it.
    pub acknowledged_at: Option<Timestamp>,
    /// No notifications until then.
    pub snoozed_until: Option<Timestamp>,
}

/// What the condition of an alert is found to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Observed {
    /// It holds.
    Holds {
        /// How much a person is needed.
        severity: Severity,
        /// How many things it affects.
        affects: u64,
    },
    /// It does not.
    Clear,
}

/// What channels are notified of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Notice {
    /// It opened.
    Opened,
    /// It is more severe than before.
    Raised,
    /// It was not acknowledged in time.
    Escalated,
    /// It is no longer snoozed, and still there.
    Back,
    /// It is over.
    Resolved,
}

impl Notice {
    /// Every one.
    pub const ALL: &'static [Self] = &[Self::Opened, Self::Raised, Self::Escalated, Self::Back, Self::Resolved];

    /// The stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Opened => "opened",
            Self::Raised => "raised",
            Self::Escalated => "escalated",
            Self::Back => "back",
            Self::Resolved => "resolved",
        }
    }

    /// The one with this code.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|notice| notice.code() == code)
    }
}

/// What becomes of an alert.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// There is none, and none is needed.
    Nothing,
    /// It stands so, and channels are notified of what happened, if anything did.
    Stands(Standing, Option<Notice>),
    /// It is over.
    Over(Standing),
}

/// A look at the condition of an alert that is open, or is not.
pub fn observe(open: Option<&Standing>, observed: Observed, now: Timestamp) -> Next {
    match (open, observed) {
        (None, Observed::Clear) => Next::Nothing,
        (None, Observed::Holds { severity, affects }) => {
            let standing = Standing {
                severity,
                affects,
                opened_at: now,
                seen_at: now,
                clear_since: None,
                escalated: 0,
                raised_at: now,
                acknowledged_at: None,
                snoozed_until: None,
            };
            Next::Stands(standing, Some(Notice::Opened))
        }
        (Some(open), Observed::Holds { severity, affects }) => {
            let held = Standing { affects, seen_at: now, clear_since: None, ..open.clone() };
            if severity <= open.severity {
                return Next::Stands(held, None);
            }
            // who acknowledged the milder one has not seen this
            let raised = Standing { severity, raised_at: now, escalated: 0, acknowledged_at: None, ..held };
            let notice = if is_snoozed(&raised, now) { None } else { Some(Notice::Raised) };
            Next::Stands(raised, notice)
        }
        (Some(open), Observed::Clear) => {
            let since = open.clear_since.unwrap_or(now);
            let clear = Standing { clear_since: Some(since), ..open.clone() };
            if now.duration_since(since) >= MIN_CLEAR { Next::Over(clear) } else { Next::Stands(clear, None) }
        }
    }
}

/// What time alone does to an open alert: it escalates, or its snooze ends.
pub fn wait(open: &Standing, now: Timestamp) -> Option<(Standing, Notice)> {
    // what is about to resolve wakes no one
    if open.clear_since.is_some() {
        return None;
    }
    if let Some(until) = open.snoozed_until {
        if until > now {
            return None;
        }
        let back = Standing { snoozed_until: None, raised_at: now, ..open.clone() };
        return Some((back, Notice::Back));
    }
    if open.acknowledged_at.is_some() || open.escalated >= ESCALATIONS_MAX {
        return None;
    }
    let step = escalates_after(open.severity)?;
    let due = open.raised_at.checked_add(step * i32::try_from(open.escalated + 1).ok()?).ok()?;
    (due <= now).then(|| (Standing { escalated: open.escalated + 1, ..open.clone() }, Notice::Escalated))
}

/// Whether no notifications go out now.
pub fn is_snoozed(open: &Standing, now: Timestamp) -> bool {
    open.snoozed_until.is_some_and(|until| until > now)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(minutes: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + minutes * 60).unwrap()
    }

    const HOLDS: Observed = Observed::Holds { severity: Severity::Major, affects: 1 };

    fn opened() -> Standing {
        match observe(None, HOLDS, at(0)) {
            Next::Stands(standing, Some(Notice::Opened)) => standing,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn it_opens_once_and_resolves_once() {
        let open = opened();
        let Next::Stands(open, None) = observe(Some(&open), HOLDS, at(1)) else { panic!("opened twice") };
        let Next::Stands(open, None) = observe(Some(&open), Observed::Clear, at(2)) else { panic!("too early") };
        let Next::Stands(open, None) = observe(Some(&open), Observed::Clear, at(11)) else { panic!("too early") };
        assert!(matches!(observe(Some(&open), Observed::Clear, at(12)), Next::Over(_)));
        assert_eq!(observe(None, Observed::Clear, at(13)), Next::Nothing);
    }

    #[test]
    fn a_more_severe_one_is_a_new_matter_to_acknowledge() {
        let open = Standing { acknowledged_at: Some(at(1)), ..opened() };
        let worse = Observed::Holds { severity: Severity::Critical, affects: 20 };
        let Next::Stands(open, Some(Notice::Raised)) = observe(Some(&open), worse, at(2)) else { panic!("raised") };
        assert_eq!((open.acknowledged_at, open.affects, open.severity), (None, 20, Severity::Critical));
        // it does not become milder again while it is open
        let Next::Stands(open, None) = observe(Some(&open), HOLDS, at(3)) else { panic!("nothing to notify of") };
        assert_eq!(open.severity, Severity::Critical);
    }

    #[test]
    fn it_escalates_by_age_until_it_is_acknowledged() {
        let open = opened();
        assert_eq!(wait(&open, at(59)), None);
        let (open, Notice::Escalated) = wait(&open, at(60)).unwrap() else { panic!("escalated") };
        assert_eq!(wait(&open, at(61)), None);
        assert_eq!(wait(&Standing { acknowledged_at: Some(at(61)), ..open.clone() }, at(500)), None);
        assert_eq!(wait(&Standing { clear_since: Some(at(61)), ..open.clone() }, at(500)), None);
        let (open, _) = wait(&open, at(120)).unwrap();
        assert_eq!(wait(&open, at(100_000)), None, "the last step");
        let minor = Standing { severity: Severity::Minor, ..opened() };
        assert_eq!(wait(&minor, at(100_000)), None);
    }

    #[test]
    fn a_snoozed_one_comes_back() {
        let open = Standing { snoozed_until: Some(at(30)), ..opened() };
        assert_eq!(wait(&open, at(29)), None);
        let (back, notice) = wait(&open, at(30)).unwrap();
        assert_eq!((back.snoozed_until, notice), (None, Notice::Back));
        assert_eq!(wait(&Standing { clear_since: Some(at(25)), ..open }, at(30)), None, "it is about to resolve");
    }

    proptest! {
        /// However a condition comes and goes: between two openings it was clear for as long as it has to be, and every alert that
        /// is over was open.
        #[test]
        fn what_flaps_is_one_alert(holds in proptest::collection::vec(any::<bool>(), 1..200)) {
            let (mut open, mut opens, mut ends): (Option<Standing>, u32, u32) = (None, 0, 0);
            let mut last_held: Option<usize> = None;
            for (minute, holds) in holds.into_iter().enumerate() {
                let now = at(i64::try_from(minute).unwrap());
                let observed = if holds { HOLDS } else { Observed::Clear };
                match observe(open.as_ref(), observed, now) {
                    Next::Nothing => prop_assert!(open.is_none() && !holds),
                    Next::Stands(standing, notice) => {
                        if notice == Some(Notice::Opened) {
                            opens += 1;
                            if let Some(last) = last_held {
                                prop_assert!(minute - last > 10, "{minute} {last}");
                            }
                        }
                        open = Some(standing);
                    }
                    Next::Over(_) => {
                        ends += 1;
                        open = None;
                    }
                }
                if holds {
                    last_held = Some(minute);
                }
            }
            prop_assert_eq!(opens, ends + u32::from(open.is_some()));
        }
    }
}
