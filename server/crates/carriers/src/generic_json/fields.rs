//! Where a message has what, and whether that can be used.

use super::format::Format;
use domain::{Classifier, observation::RefKind};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Characters of the longest name of a source's code list.
const NAME_MAX: usize = 40;

/// Where a message has what: JSON pointers (RFC 6901).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Fields {
    /// The source's name: its codes are in the list `generic.<name>`. Without one, `generic`.
    pub name: Option<String>,
    /// In the message: the id of the delivery.
    pub delivery_id: Option<String>,
    /// In the message: a shipment, or a list of them. Without one, the message is the shipment.
    pub reports: Option<String>,
    /// In a shipment: the tracking number. Needed.
    pub tracking_number: Option<String>,
    /// In a shipment: the carrier's name or code.
    pub carrier: Option<String>,
    /// In a shipment: other numbers, by kind.
    pub refs: BTreeMap<RefKind, String>,
    /// Whether a message has the whole list of events, or adds to it.
    pub feed: FeedKind,
    /// In a shipment: when the list was written; decides the newer of two snapshots.
    pub stamp: Option<String>,
    /// In a shipment: the list of events. Without one, the shipment is its only event.
    pub events: Option<String>,
    /// What an event has where.
    pub event: EventFields,
    /// The summary of the shipment, beside its events.
    pub summary: SummaryFields,
}

/// Whether a message has the whole list of events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FeedKind {
    /// Each message adds.
    #[default]
    Delta,
    /// The whole list each time.
    Snapshot,
}

/// Pointers within an event.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EventFields {
    /// The status code. It, or `reason`, is needed.
    pub status: Option<String>,
    /// The code of a reason: refines the exception.
    pub reason: Option<String>,
    /// A coarser status of the same source: the floor where the code is unknown.
    pub coarse: Option<String>,
    /// When it happened.
    pub time: TimeField,
    /// Whether it happened, is planned, or estimated.
    pub classifier: ClassifierField,
    /// City or place.
    pub city: Option<String>,
    /// State, province or region.
    pub region: Option<String>,
    /// Postal code.
    pub postal: Option<String>,
    /// ISO 3166-1 code, of two letters or three.
    pub country: Option<String>,
    /// UN/LOCODE.
    pub unlocode: Option<String>,
    /// A facility's code.
    pub facility: Option<String>,
    /// The place as text, where it does not come in parts.
    pub place: Option<String>,
    /// The source's text.
    pub description: Option<String>,
    /// Who signed.
    pub signatory: Option<String>,
    /// A proof of delivery: a link, a file as Base64, or a list of either.
    pub documents: Option<String>,
    /// The piece that it concerns.
    pub piece: Option<String>,
    /// The stop of a multi-stop load, counted from 1.
    pub stop: Option<String>,
    /// The event's own id: only where the source keeps it for ever.
    pub id: Option<String>,
    /// When it was written down.
    pub stated_at: Option<String>,
}

/// Pointers within a shipment to what sums it up.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SummaryFields {
    /// The status code: counts where there is no event.
    pub status: Option<String>,
    /// The status codes of an end: they count even beside events that do not report it.
    pub ends: Vec<String>,
    /// When that was.
    pub time: TimeField,
    /// The estimated time of delivery.
    pub expected_delivery: TimeField,
    /// The appointment, or what was promised.
    pub promised_delivery: TimeField,
}

/// A time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TimeField {
    /// The time, or the day alone.
    pub at: Option<String>,
    /// The time of day, where it is a field of its own.
    pub clock: Option<String>,
    /// The offset (`+02:00`) or IANA zone, where it is a field of its own.
    pub zone: Option<String>,
    /// `iso` (which it is without a word), `epoch_seconds`, `epoch_milliseconds`, or a pattern as of strftime:
    /// `%d.%m.%Y %H:%M`. Day and time of day of two fields are joined by a blank.
    pub format: Option<String>,
}

/// Planned, estimated or actual.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ClassifierField {
    /// The word that decides.
    pub at: Option<String>,
    /// What the words mean: `PLN`, `EST` or `ACT`.
    pub values: BTreeMap<String, Classifier>,
    /// For all other events; without it they are actual, and those with a word that `values` lacks are left out.
    pub otherwise: Option<Classifier>,
}

/// Why the fields of a source cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("fields.{field}: {reason}")]
pub struct BadField {
    /// Which, as it is written in the settings.
    pub field: String,
    /// What is wrong and what to do.
    pub reason: String,
}

impl BadField {
    fn new(field: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { field: field.into(), reason: reason.into() }
    }
}

impl TimeField {
    const NONE: Self = Self { at: None, clock: None, zone: None, format: None };

    fn check(&self, name: &str) -> Result<(), BadField> {
        let alone = self.at.is_none() && (self.clock.is_some() || self.zone.is_some() || self.format.is_some());
        if alone {
            return Err(BadField::new(format!("{name}.at"), "is missing, though the time is described"));
        }
        let format = Format::new(self.format.as_deref());
        format.map(drop).map_err(|reason| BadField::new(format!("{name}.format"), reason))
    }

    fn pointers(&self, name: &str) -> [(String, &Option<String>); 3] {
        [("at", &self.at), ("clock", &self.clock), ("zone", &self.zone)].map(|(key, p)| (format!("{name}.{key}"), p))
    }
}

impl Fields {
    /// No field at all.
    pub const NONE: Self = Self {
        name: None,
        delivery_id: None,
        reports: None,
        tracking_number: None,
        carrier: None,
        refs: BTreeMap::new(),
        feed: FeedKind::Delta,
        stamp: None,
        events: None,
        event: EventFields {
            status: None,
            reason: None,
            coarse: None,
            time: TimeField::NONE,
            classifier: ClassifierField { at: None, values: BTreeMap::new(), otherwise: None },
            city: None,
            region: None,
            postal: None,
            country: None,
            unlocode: None,
            facility: None,
            place: None,
            description: None,
            signatory: None,
            documents: None,
            piece: None,
            stop: None,
            id: None,
            stated_at: None,
        },
        summary: SummaryFields {
            status: None,
            ends: Vec::new(),
            time: TimeField::NONE,
            expected_delivery: TimeField::NONE,
            promised_delivery: TimeField::NONE,
        },
    };

    /// The list that the source's codes are in.
    pub fn list(&self) -> String {
        format!("generic.{}", self.name.as_deref().unwrap_or("generic"))
    }

    /// Whether the fields can be used.
    ///
    /// # Errors
    /// Says which cannot, and why.
    pub fn check(&self) -> Result<(), BadField> {
        self.check_name()?;
        for (field, pointer) in self.pointers() {
            check_pointer(pointer).map_err(|reason| BadField::new(field, reason))?;
        }
        for (name, time) in self.times() {
            time.check(name)?;
        }
        if self.tracking_number.is_none() {
            return Err(BadField::new("tracking_number", "is missing: say where a shipment has its number"));
        }
        if self.event.status.is_none() && self.event.reason.is_none() {
            return Err(BadField::new(
                "event.status",
                "is missing, and so is event.reason: one has to say what happened",
            ));
        }
        if self.event.classifier.at.is_none() && !self.event.classifier.values.is_empty() {
            return Err(BadField::new("event.classifier.at", "is missing: name the place of the words in values"));
        }
        self.check_feed()
    }

    fn check_name(&self) -> Result<(), BadField> {
        let Some(name) = &self.name else { return Ok(()) };
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-');
        match !name.is_empty() && name.len() <= NAME_MAX && name.chars().all(plain) {
            true => Ok(()),
            false => Err(BadField::new(
                "name",
                format!("has to be 1 to {NAME_MAX} small letters, digits, hyphens or underscores"),
            )),
        }
    }

    fn check_feed(&self) -> Result<(), BadField> {
        match (self.feed, &self.events, &self.stamp) {
            (FeedKind::Snapshot, None, _) => {
                Err(BadField::new("events", "is missing: a snapshot is a list of events, else the feed is a delta"))
            }
            (FeedKind::Snapshot, _, None) => {
                Err(BadField::new("stamp", "is missing: without it the newer of two snapshots is unknown"))
            }
            _ => Ok(()),
        }
    }

    fn times(&self) -> [(&'static str, &TimeField); 4] {
        [
            ("event.time", &self.event.time),
            ("summary.time", &self.summary.time),
            ("summary.expected_delivery", &self.summary.expected_delivery),
            ("summary.promised_delivery", &self.summary.promised_delivery),
        ]
    }

    /// Every pointer that is set, with its name.
    fn pointers(&self) -> Vec<(String, &str)> {
        let event = &self.event;
        let plain = [
            ("delivery_id", &self.delivery_id),
            ("reports", &self.reports),
            ("tracking_number", &self.tracking_number),
            ("carrier", &self.carrier),
            ("stamp", &self.stamp),
            ("events", &self.events),
            ("event.status", &event.status),
            ("event.reason", &event.reason),
            ("event.coarse", &event.coarse),
            ("event.classifier.at", &event.classifier.at),
            ("event.city", &event.city),
            ("event.region", &event.region),
            ("event.postal", &event.postal),
            ("event.country", &event.country),
            ("event.unlocode", &event.unlocode),
            ("event.facility", &event.facility),
            ("event.place", &event.place),
            ("event.description", &event.description),
            ("event.signatory", &event.signatory),
            ("event.documents", &event.documents),
            ("event.piece", &event.piece),
            ("event.stop", &event.stop),
            ("event.id", &event.id),
            ("event.stated_at", &event.stated_at),
            ("summary.status", &self.summary.status),
        ];
        let plain = plain.into_iter().map(|(name, pointer)| (name.to_owned(), pointer));
        let times = self.times().into_iter().flat_map(|(name, time)| time.pointers(name));
        let set = plain.chain(times).filter_map(|(name, pointer)| Some((name, pointer.as_deref()?)));
        let refs = self.refs.iter().map(|(kind, pointer)| (format!("refs.{}", kind_name(*kind)), pointer.as_str()));
        set.chain(refs).collect()
    }
}

fn kind_name(kind: RefKind) -> String {
    serde_json::to_value(kind).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default()
}

fn check_pointer(pointer: &str) -> Result<(), String> {
    if !pointer.starts_with('/') {
        return Err(format!("{pointer:?} is no JSON pointer: it begins with /, like /shipment/number"));
    }
    let escaped = pointer.split('~').skip(1).all(|rest| rest.starts_with(['0', '1']));
    match escaped {
        true => Ok(()),
        false => Err(format!("{pointer:?} is no JSON pointer: ~ is written ~0 in it, and / inside a name ~1")),
    }
}
