//! Exceptions as people work on them: when they are due, how long one may heal by itself, and the ids by which they and their
//! cases are found again.

use crate::{
    ExceptionReason, Severity,
    fold::{Fact, Resolution},
    ids::{CompanyId, ExceptionId, ObservationId, ShipmentId, content_id},
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

/// The due time of an exception: counted from when it could first be known, by how much a person is
/// needed.
pub fn due_at(severity: Severity, recorded_at: Timestamp) -> Timestamp {
    let hours = match severity {
        Severity::Critical => 4,
        Severity::Major => 24,
        Severity::Minor => 72,
        Severity::Info => 7 * 24,
    };
    recorded_at.checked_add(SignedDuration::from_hours(hours)).unwrap_or(recorded_at)
}

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
        let at: Timestamp = "2026-03-01T08:00:00Z".parse().unwrap();
        let grace = Grace { minor: SignedDuration::from_hours(48), major: SignedDuration::from_mins(120) };
        for (severity, due, wait) in [
            (Severity::Critical, 4, Some(0)),
            (Severity::Major, 24, Some(2)),
            (Severity::Minor, 72, Some(48)),
            (Severity::Info, 168, None),
        ] {
            assert_eq!(due_at(severity, at), at + SignedDuration::from_hours(due), "{severity:?}");
            assert_eq!(grace.of(severity), wait.map(SignedDuration::from_hours), "{severity:?}");
        }
        assert_eq!(due_at(Severity::Minor, Timestamp::MAX), Timestamp::MAX);
    }
}
