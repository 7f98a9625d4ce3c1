//! Exceptions as people work on them: when they are due and when they escalate, how long one may heal by itself, and the ids by
//! which they and their cases are found again. What is usual on a lane is in [`usual`], which exception hides which in
//! [`suppression`], which of several is worked on in [`lead`], what to do about one in [`playbook`], which team gets it in [`teams`].

pub mod lead;
pub mod playbook;
pub mod suppression;
pub mod teams;
pub mod usual;

use crate::{
    ExceptionReason, Severity,
    calendar::Calendar,
    fold::{input::Fact, output::Resolution},
    ids::{CompanyId, ExceptionId, ObservationId, ShipmentId, content_id},
    vocabulary::Clock,
};
use jiff::{SignedDuration, Timestamp};

/// What a carrier takes back and reports again within this time keeps its activity.
pub const CORRECTED_WITHIN: SignedDuration = SignedDuration::from_mins(10);
/// After this time the activity of what was taken back is completed: later than [`CORRECTED_WITHIN`], so that no fold counts
/// on one that is just being completed.
pub const TAKEN_BACK_AFTER: SignedDuration = SignedDuration::from_mins(15);

/// An exception as committed before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommittedException {
    /// Its id.
    pub id: ExceptionId,
    /// Why.
    pub reason: ExceptionReason,
    /// The piece.
    pub piece: Option<String>,
    /// How much a person is needed.
    pub severity: Severity,
    /// The facts behind it.
    pub evidence: Vec<ObservationId>,
    /// When it began, sorting instant.
    pub opened_at: Timestamp,
    /// When it was committed.
    pub recorded_at: Timestamp,
    /// When and how it ended, if it has.
    pub closed: Option<(Timestamp, Resolution)>,
    /// Whether it was history when it was committed.
    pub withheld: bool,
}

/// How long an exception may heal by itself before a case is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grace {
    /// A minor one.
    pub minor: SignedDuration,
    /// A major one; a critical one has none.
    pub major: SignedDuration,
}

impl Grace {
    /// That of a severity; none where no case is ever opened.
    pub const fn of(&self, severity: Severity) -> Option<SignedDuration> {
        match severity {
            Severity::Info => None,
            Severity::Minor => Some(self.minor),
            Severity::Major => Some(self.major),
            Severity::Critical => Some(SignedDuration::ZERO),
        }
    }
}

/// The due time of what has none while its reason stops the clock: the cause lies outside, and time does not count. It sorts
/// behind every other one. The start of the year 9999.
pub const PAUSED: Timestamp = Timestamp::constant(253_370_764_800, 0);

/// Working hours in which a critical exception is due.
const CRITICAL_HOURS: i64 = 4;

/// The due time of an exception: working time from when it could first be known, by how much a person is needed; [`PAUSED`]
/// where its reason stops the clock.
pub fn due_at(reason: ExceptionReason, severity: Severity, recorded_at: Timestamp, calendar: &Calendar) -> Timestamp {
    match reason.clock() {
        Clock::Stopped if !is_ours(reason) => PAUSED,
        Clock::Stopped | Clock::Running => act_by(severity, recorded_at, calendar),
    }
}

/// Whether the own house has to mend what is derived: the carrier's clock stands still, the house's own does not.
fn is_ours(reason: ExceptionReason) -> bool {
    matches!(reason, ExceptionReason::LateToShip | ExceptionReason::ImportIncomplete)
}

/// By when a person should have looked, whether or not the clock stands still.
pub fn act_by(severity: Severity, recorded_at: Timestamp, calendar: &Calendar) -> Timestamp {
    match severity {
        Severity::Critical => calendar.after(recorded_at, SignedDuration::from_hours(CRITICAL_HOURS)),
        Severity::Major => calendar.after_days(recorded_at, 1),
        Severity::Minor => calendar.after_days(recorded_at, 3),
        Severity::Info => calendar.after_days(recorded_at, 7),
    }
}

/// The severity that an open exception has by its age, and when it has the next one. One that stops the clock waits for
/// others and stays as it is, and so does one that only informs.
pub fn escalated(
    reason: ExceptionReason,
    known_since: Timestamp,
    now: Timestamp,
    calendar: &Calendar,
) -> (Severity, Option<Timestamp>) {
    let steps = steps(reason, known_since, calendar);
    let passed = steps.iter().take_while(|(at, _)| *at <= now).count();
    let severity = passed.checked_sub(1).map_or(reason.severity(), |last| steps[last].1);
    (severity, steps.get(passed).map(|(at, _)| *at))
}

/// When an exception grew more severe, and to what, until a time.
pub fn escalations(
    reason: ExceptionReason,
    known_since: Timestamp,
    until: Timestamp,
    calendar: &Calendar,
) -> Vec<(Timestamp, Severity)> {
    steps(reason, known_since, calendar).into_iter().take_while(|(at, _)| *at <= until).collect()
}

/// When it grows more severe, and to what.
fn steps(reason: ExceptionReason, known_since: Timestamp, calendar: &Calendar) -> Vec<(Timestamp, Severity)> {
    let after = |days| calendar.after_days(known_since, days);
    match (reason.clock(), reason.severity()) {
        (Clock::Running, Severity::Minor) => {
            vec![(after(MINOR_DAYS), Severity::Major), (after(MINOR_DAYS + MAJOR_DAYS), Severity::Critical)]
        }
        (Clock::Running, Severity::Major) => vec![(after(MAJOR_DAYS), Severity::Critical)],
        (Clock::Stopped, _) | (_, Severity::Info | Severity::Critical) => Vec::new(),
    }
}

/// Working days after which a minor exception is a major one.
const MINOR_DAYS: u32 = 5;
/// Working days after which a major one is critical.
const MAJOR_DAYS: u32 = 10;

/// The id of an exception: the `number`-th, from 0, of its shipment's of this reason and piece.
pub fn exception_id(shipment: ShipmentId, reason: ExceptionReason, piece: Option<&str>, number: u64) -> ExceptionId {
    let parts: [&[u8]; 4] =
        [shipment.0.as_bytes(), reason.code().as_bytes(), piece.unwrap_or_default().as_bytes(), &number.to_be_bytes()];
    ExceptionId(content_id("exception", &parts))
}

/// Names an exception in an effect's key.
pub fn exception_key(id: ExceptionId) -> String {
    format!("exception/{id}")
}

/// The key of an exception's first case at a desk.
pub fn case_key(company: CompanyId, exception: ExceptionId) -> String {
    content_id("case", &[company.0.as_bytes(), exception.0.as_bytes()]).simple().to_string()
}

/// The key of the case that follows up another one for the same exception.
pub fn case_key_after(company: CompanyId, exception: ExceptionId, number: &str) -> String {
    content_id("case", &[company.0.as_bytes(), exception.0.as_bytes(), number.as_bytes()]).simple().to_string()
}

/// When the carrier took back what an exception was about, if that is how it ended; one that only the clock made is not
/// taken back.
pub fn taken_back_at(facts: &[Fact], exception: &CommittedException) -> Option<Timestamp> {
    let (at, how) = exception.closed?;
    let reported = facts.iter().any(|fact| exception.evidence.contains(&fact.id));
    (how == Resolution::Cleared && reported).then_some(at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    /// Computed outside of this code, by SHA-256 over length-prefixed parts. Ids and keys like these are stored in every
    /// installation and at its desks: they never change.
    #[test]
    fn ids_of_exceptions_and_keys_of_cases_never_change() {
        let shipment = ShipmentId(Uuid::from_u128(1));
        let first = exception_id(shipment, ExceptionReason::Damaged, None, 0);
        assert_eq!(first.to_string(), "81a2986e-ef3c-fb31-ec55-a5280cfa3037");
        let of_piece = exception_id(shipment, ExceptionReason::Damaged, Some("P1"), 1);
        assert_eq!(of_piece.to_string(), "72f772c7-0777-1349-58ce-b7f9b036ac26");
        let (company, exception) = (CompanyId(Uuid::from_u128(9)), ExceptionId(Uuid::from_u128(2)));
        assert_eq!(case_key(company, exception), "9971785fcf9f9137c5b0652f677ae7c6");
        assert_eq!(case_key_after(company, exception, "17"), "b63a3e33fc276f9af9353b21269ee503");
    }

    #[test]
    fn the_more_a_person_is_needed_the_sooner_it_is_due_and_the_shorter_its_grace() {
        // a Thursday
        let at: Timestamp = "2026-03-05T09:00:00Z".parse().unwrap();
        let grace = Grace { minor: SignedDuration::from_hours(48), major: SignedDuration::from_mins(120) };
        let calendar = Calendar::default();
        for (severity, due, wait) in [
            (Severity::Critical, "2026-03-05T13:00:00Z", Some(0)),
            (Severity::Major, "2026-03-06T09:00:00Z", Some(2)),
            (Severity::Minor, "2026-03-10T09:00:00Z", Some(48)),
            (Severity::Info, "2026-03-16T09:00:00Z", None),
        ] {
            let due: Timestamp = due.parse().unwrap();
            assert_eq!(due_at(ExceptionReason::Late, severity, at, &calendar), due, "{severity:?}");
            assert_eq!(due_at(ExceptionReason::HoldPayment, severity, at, &calendar), PAUSED, "{severity:?}");
            for ours in [ExceptionReason::LateToShip, ExceptionReason::ImportIncomplete] {
                assert_eq!(due_at(ours, severity, at, &calendar), due, "{ours:?}: nobody else mends it");
            }
            assert_eq!(act_by(severity, at, &calendar), due, "{severity:?}");
            assert_eq!(grace.of(severity), wait.map(SignedDuration::from_hours), "{severity:?}");
        }
        assert_eq!(PAUSED.to_string(), "9999-01-01T00:00:00Z");
    }

    #[test]
    fn what_stays_open_escalates_by_working_days() {
        let (calendar, opened) = (Calendar::default(), "2026-03-05T09:00:00Z".parse().unwrap());
        let at = |reason, now: &str| escalated(reason, opened, now.parse().unwrap(), &calendar);
        let next = |text: &str| Some(text.parse::<Timestamp>().unwrap());
        let (minor, major) = (ExceptionReason::Late, ExceptionReason::Silence);
        assert_eq!(at(minor, "2026-03-12T08:59:59Z"), (Severity::Minor, next("2026-03-12T09:00:00Z")));
        assert_eq!(at(minor, "2026-03-12T09:00:00Z"), (Severity::Major, next("2026-03-26T09:00:00Z")));
        assert_eq!(at(minor, "2026-03-26T09:00:00Z"), (Severity::Critical, None));
        assert_eq!(at(major, "2026-03-19T09:00:00Z"), (Severity::Critical, None));
        assert_eq!(at(ExceptionReason::HoldPayment, "2027-01-01T00:00:00Z"), (Severity::Major, None), "it waits");
        assert_eq!(at(ExceptionReason::UnmappedCode, "2027-01-01T00:00:00Z"), (Severity::Info, None));
    }
}
