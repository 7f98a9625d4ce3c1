//! An EPCIS event, whatever it was written in.

use super::gs1::{self, Word};
use domain::{
    event_time::{EventTime, Precision, ZoneSource},
    ids::content_id,
};
use jiff::{Timestamp, tz::TimeZone};

use crate::formats::{edi::said_by, times};

/// The kinds of event: EPCIS 2.0 section 7.4; QuantityEvent is deprecated since 1.1.
pub(super) const KINDS: &[&str] = &[
    "ObjectEvent",
    "AggregationEvent",
    "TransactionEvent",
    "TransformationEvent",
    "AssociationEvent",
    "QuantityEvent",
];

/// One event.
#[derive(Clone, Debug, Default)]
pub(super) struct Event {
    /// Where it stands in the message.
    pub(super) at: String,
    /// One of [`KINDS`].
    pub(super) kind: String,
    /// Who sends the document.
    pub(super) sender: Option<String>,
    /// `eventID`.
    pub(super) id: Option<String>,
    /// `eventTime`.
    pub(super) time: Option<String>,
    /// `eventTimeZoneOffset`.
    pub(super) offset: Option<String>,
    /// `recordTime`.
    pub(super) recorded: Option<String>,
    /// The event declares itself, as it was said before, to be an error.
    pub(super) error: Option<ErrorDeclaration>,
    /// `action`.
    pub(super) action: Option<String>,
    /// Parent, children, inputs and outputs.
    pub(super) epcs: Vec<String>,
    /// `bizStep`.
    pub(super) step: Option<Word>,
    /// `disposition`.
    pub(super) disposition: Option<Word>,
    /// `persistentDisposition`, what it sets.
    pub(super) lasting: Vec<Word>,
    /// `readPoint`.
    pub(super) read_point: Option<String>,
    /// `bizLocation`.
    pub(super) location: Option<String>,
    /// `bizTransactionList`: type and number.
    pub(super) transactions: Vec<(Option<Word>, String)>,
    /// `destinationList`.
    pub(super) destinations: Vec<String>,
}

/// `errorDeclaration`. The events that correct it come by themselves.
#[derive(Clone, Debug, Default)]
pub(super) struct ErrorDeclaration {
    /// `declarationTime`.
    pub(super) declared: Option<String>,
    /// `reason`.
    pub(super) reason: Option<Word>,
}

/// Where something was read, seen from where it is to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Whereabouts {
    /// At the destination, or at the party that is to have it.
    Destination,
    /// Somewhere else.
    Elsewhere,
    /// The event does not say where it is, or where it is to go.
    Unsaid,
}

impl Event {
    /// What names the event, the best first: its id, else what it says; both under who sends it. A declaration of an error
    /// repeats the event word for word (EPCIS 2.0 section 7.4.1.4), so that both have one name even where the id is none
    /// that lasts.
    pub(super) fn names(&self) -> Vec<String> {
        let id = self.id.clone().filter(|id| lasts(id));
        id.into_iter().chain([self.content()]).map(|name| said_by(self.sender.as_deref(), &name)).collect()
    }

    /// What it says, however it is written.
    fn content(&self) -> String {
        let time = self.event_time();
        let said = (
            (&self.kind, time.utc, self.time.as_ref().filter(|_| time.utc.is_none())),
            (sorted(&self.epcs), self.read_point.as_deref().map(place), self.location.as_deref().map(place)),
            (self.step.as_ref().map(Word::as_str), self.disposition.as_ref().map(Word::as_str)),
            (sorted(self.transactions.iter().map(|(_, number)| number)), sorted(&self.destinations)),
        );
        let said = serde_json::to_vec(&said).expect("plain data serialises");
        format!("content:{}", content_id("epcis.event", &[&said]).simple())
    }

    /// When it happened: the instant by the time's own offset, the wall clock by `eventTimeZoneOffset`.
    pub(super) fn event_time(&self) -> EventTime {
        let Some(raw) = &self.time else { return EventTime::unknown("") };
        let mut time = times::iso(raw);
        let Some(offset) = self.offset.as_deref().and_then(times::offset) else { return time };
        let name = self.offset.clone().unwrap_or_default();
        match (time.utc, time.local) {
            (Some(utc), _) => {
                time.local = Some(offset.to_datetime(utc));
                (time.zone, time.zone_source) = (Some(name), Some(ZoneSource::Payload));
                time
            }
            (None, Some(local)) if time.precision >= Precision::Minute => {
                EventTime::zoned(raw, local, &TimeZone::fixed(offset), name, time.precision, ZoneSource::Payload)
            }
            _ => time,
        }
    }

    /// When it was written down.
    pub(super) fn stated_at(&self) -> Option<Timestamp> {
        let declared = self.error.as_ref().and_then(|e| e.declared.as_deref());
        times::iso(self.recorded.as_deref().or(declared)?).utc
    }

    /// Where it is, seen from the destination that it names.
    pub(super) fn whereabouts(&self) -> Whereabouts {
        let places: Vec<String> =
            [&self.read_point, &self.location].into_iter().flatten().map(|uri| place(uri)).collect();
        let mut destinations = self.destinations.iter().map(|uri| place(uri)).peekable();
        match destinations.peek() {
            Some(_) if !places.is_empty() => match destinations.any(|d| places.contains(&d)) {
                true => Whereabouts::Destination,
                false => Whereabouts::Elsewhere,
            },
            _ => Whereabouts::Unsaid,
        }
    }
}

/// Whether an event's id means the same outside of its document. A blank node (`_:`, JSON-LD 1.1) and a fragment do not; a
/// digest of the event (`ni:`, CBV 2.0 section 8.9) is another one in a declaration of an error.
fn lasts(id: &str) -> bool {
    !["_:", "#", "ni:"].iter().any(|local| id.starts_with(local))
}

/// Keys as they are compared, in whatever order they are listed.
fn sorted<'a>(uris: impl IntoIterator<Item = &'a String>) -> Vec<String> {
    let mut uris: Vec<String> = uris.into_iter().map(|uri| gs1::sscc(uri).unwrap_or_else(|| place(uri))).collect();
    uris.sort_unstable();
    uris
}

/// A place or party as it is compared: by GLN, so that a dock door is the warehouse that it belongs to.
fn place(uri: &str) -> String {
    gs1::gln(uri).unwrap_or_else(|| uri.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(time: &str, offset: Option<&str>) -> EventTime {
        Event { time: Some(time.into()), offset: offset.map(Into::into), ..Event::default() }.event_time()
    }

    #[test]
    fn the_instant_by_the_times_own_offset_and_the_wall_clock_by_the_other() {
        let shown = |t: EventTime| (t.local.map(|l| l.to_string()), t.utc.map(|u| u.to_string()));
        let both = |l: &str, u: &str| (Some(l.to_owned()), Some(u.to_owned()));
        assert_eq!(
            shown(at("2020-06-07T17:10:16Z", Some("+02:00"))),
            both("2020-06-07T19:10:16", "2020-06-07T17:10:16Z")
        );
        assert_eq!(
            shown(at("2020-06-07T17:10:16+02:00", Some("-05:00"))),
            both("2020-06-07T10:10:16", "2020-06-07T15:10:16Z")
        );
        assert_eq!(
            shown(at("2020-06-07T17:10:16", Some("+0200"))),
            both("2020-06-07T17:10:16", "2020-06-07T15:10:16Z")
        );
        assert_eq!(shown(at("2020-06-07T17:10:16", Some("CEST"))), (Some("2020-06-07T17:10:16".into()), None));
        assert_eq!(shown(at("2020-06-07T17:10:16", None)), (Some("2020-06-07T17:10:16".into()), None));
    }
}
