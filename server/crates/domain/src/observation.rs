//! Observations: what connectors read out of messages, in the provider's own codes. Decoding never guesses.

use crate::{
    Classifier,
    documents::Document,
    event_time::EventTime,
    ids::{ObservationId, content_id},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use uuid::Uuid;

/// How many bytes of an observation's id are those of its tracker.
const PLACE: usize = 4;

/// What a connector makes of one message.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Decoded {
    /// One report for each tracker in the message.
    pub reports: Vec<TrackerReport>,
    /// What could not be read, or was read with doubt; never silently dropped.
    pub problems: Vec<Problem>,
}

/// What a message reports about one tracker.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrackerReport {
    /// The numbers that identify it.
    pub refs: References,
    /// The carrier as the provider names it (slug, SCAC, name); resolved by the carrier directory.
    pub carrier: Option<String>,
    /// Whether the list replaces earlier ones or adds to them.
    pub feed: Feed,
    /// In the order of the message.
    pub observations: Vec<Observation>,
    /// The message is marked as a test: nothing has happened to any goods.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub test: bool,
}

impl TrackerReport {
    /// The place of each statement in the order in which things happened, as far as the list shows: some providers write
    /// the newest first, and then the list is counted from its end. It decides between statements of one moment (R10).
    pub fn positions(&self) -> Vec<u32> {
        let times: Vec<Timestamp> = self
            .observations
            .iter()
            .filter(|o| o.origin == Origin::Event && o.classifier == Classifier::Actual)
            .filter_map(|o| o.time.sort_key())
            .collect();
        let falls = times.windows(2).filter(|pair| pair[0] > pair[1]).count();
        let rises = times.windows(2).filter(|pair| pair[0] < pair[1]).count();
        let last = u32::try_from(self.observations.len()).unwrap_or(u32::MAX);
        if falls > rises { (0..last).rev().collect() } else { (0..last).collect() }
    }
}

/// The kinds of number that a message may carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefKind {
    /// The carrier's number of the parcel or consignment (for X12 214: the PRO number, B10-01).
    TrackingNumber,
    /// The provider's own id of its tracker object.
    TrackerObject,
    /// The shipper's number of the shipment (B10-02, `shipment_id`).
    Shipment,
    /// The customer's or sales order.
    Order,
    /// A purchase order.
    PurchaseOrder,
    /// A bill of lading.
    BillOfLading,
    /// A booking.
    Booking,
    /// A container (ISO 6346).
    Container,
    /// A serial shipping container code (GS1).
    Sscc,
}

/// Kinds of number that statements may hang on, the most exact first.
const TRACKER_KINDS: &[RefKind] = &[
    RefKind::TrackingNumber,
    RefKind::Container,
    RefKind::Sscc,
    RefKind::Shipment,
    RefKind::Booking,
    RefKind::BillOfLading,
    RefKind::PurchaseOrder,
    RefKind::Order,
];

/// Numbers by kind. One of a kind; the first in the message wins.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct References(pub BTreeMap<RefKind, String>);

impl References {
    /// Adds a number, unless it is blank or its kind is there already.
    pub fn add(&mut self, kind: RefKind, value: Option<&str>) {
        if let Some(value) = value.map(str::trim).filter(|v| !v.is_empty()) {
            self.0.entry(kind).or_insert_with(|| value.to_owned());
        }
    }

    /// The number that statements hang on: what names the parcel, else the container or logistic unit, else what names
    /// the whole consignment.
    pub fn tracker(&self) -> Option<(RefKind, &str)> {
        TRACKER_KINDS.iter().find_map(|kind| Some((*kind, self.get(*kind)?)))
    }

    /// The number of this kind.
    pub fn get(&self, kind: RefKind) -> Option<&str> {
        self.0.get(&kind).map(String::as_str)
    }
}

/// How a provider reports.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Feed {
    /// The whole list each time (R7).
    Snapshot {
        /// The provider's own time of the list: its revision order.
        stamp: Option<Timestamp>,
    },
    /// Each message adds.
    Delta,
}

/// One statement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observation {
    /// What the provider calls the event itself, where it names it, under the sender's name where one source brings the
    /// messages of several. Ids that mean something only within their document are none.
    pub provider_event_id: Option<String>,
    /// The event that this one retracts; it reports nothing else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retracts: Option<String>,
    /// The codes to look up.
    pub codes: Codes,
    /// Planned, estimated or actual, by the message or the code's definition.
    pub classifier: Classifier,
    /// When it happened, or is to happen.
    pub time: EventTime,
    /// When the provider wrote it down: the order of estimates.
    pub stated_at: Option<Timestamp>,
    /// Where.
    pub location: Option<Location>,
    /// The piece it concerns, where the message names one of several.
    pub piece: Option<String>,
    /// The stop of a multi-stop load.
    pub stop: Option<Stop>,
    /// Where the statement comes from inside the message.
    pub origin: Origin,
    /// The provider's text. May hold personal data: kept sealed, no part of the identity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Who signed. Personal data, as `description`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signatory: Option<String>,
    /// What the provider gives as proof of a delivery. Personal data, as `description`; read again in the message when it is
    /// needed, and kept nowhere else.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub documents: Vec<Document>,
}

/// The place of an observation in its message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// An event of the list.
    Event,
    /// The summary field of the message, without an event for it (R17).
    Summary,
}

/// A code in a code list, e.g. `aftership.subtag` / `InTransit_003`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ProviderCode {
    /// The list, as the mapping tables name it.
    pub list: String,
    /// The value in it.
    pub value: String,
}

impl ProviderCode {
    /// A code of a list.
    pub fn new(list: &str, value: impl Into<String>) -> Self {
        Self { list: list.to_owned(), value: value.into() }
    }
}

/// The provider's codes of one statement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Codes {
    /// As a person knows it: `InTransit_003`, `A7/BS`.
    pub raw: String,
    /// Candidates for the meaning, most specific first: the first that the mapping knows decides.
    pub status: Vec<ProviderCode>,
    /// A reason that refines the exception.
    pub reason: Option<ProviderCode>,
    /// The provider's coarse status: the floor where the specific code is unknown, and decisive where the two
    /// contradict each other.
    pub coarse: Option<ProviderCode>,
}

/// Where something happened. Place names only: street addresses and parties belong to the vault.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Location {
    /// City or place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub city: Option<String>,
    /// State, province or region.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// Postal code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub postal: Option<String>,
    /// ISO 3166-1 alpha-2; a word that names no country stays as it was written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    /// UN/LOCODE.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unlocode: Option<String>,
    /// Facility code in the carrier's or a standard list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub facility: Option<String>,
    /// As the source wrote it, where it did not come in parts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub raw: Option<String>,
}

impl Location {
    /// The location, or none if nothing is in it.
    pub fn non_empty(self) -> Option<Self> {
        (self != Self::default()).then_some(self)
    }

    /// What a person reads: `Leipzig, DE`.
    pub fn label(&self) -> String {
        let place =
            self.city.as_deref().or(self.unlocode.as_deref()).or(self.facility.as_deref()).or(self.raw.as_deref());
        [place, self.region.as_deref().filter(|_| self.city.is_some()), self.country.as_deref()]
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
            .join(", ")
    }
}

impl Location {
    /// Without what may name a person: an address in the city, a sentence as a facility. Towns, regions and countries stay, postal
    /// codes, the UN/LOCODE, codes of facilities, and of what did not come in parts "town, region, country".
    #[must_use]
    pub fn in_parts(&self) -> Self {
        let kept = |text: &Option<String>, is_kept: fn(&str) -> bool| text.clone().filter(|text| is_kept(text));
        // a word in small letters may be a name
        let is_code = |text: &str| {
            has_only(text, "-_./") && text.len() <= FACILITY_CODE_MAX && !text.chars().any(|c| c.is_ascii_lowercase())
        };
        Self {
            city: kept(&self.city, |text| is_name(text) || is_town_with_country(text)),
            region: kept(&self.region, |text| is_name(text) || has_only(text, "-")),
            postal: kept(&self.postal, |text| has_only(text, " -") && text.len() <= POSTAL_CODE_MAX),
            country: kept(&self.country, is_name),
            unlocode: self.unlocode.clone(),
            facility: kept(&self.facility, is_code),
            raw: kept(&self.raw, is_town_with_country),
        }
    }

    /// What [`Self::in_parts`] leaves out.
    pub fn personal(&self) -> impl Iterator<Item = &str> {
        let parts = self.in_parts();
        let all = [
            (&self.city, parts.city),
            (&self.region, parts.region),
            (&self.postal, parts.postal),
            (&self.country, parts.country),
            (&self.facility, parts.facility),
            (&self.raw, parts.raw),
        ];
        all.into_iter().filter(|(text, kept)| kept.is_none() && text.is_some()).filter_map(|(text, _)| text.as_deref())
    }

    /// Whether what a person reads has nothing else in it.
    pub fn is_in_parts(&self) -> bool {
        self.label() == self.in_parts().label()
    }
}

/// The longest code of a facility: a GLN with its extension has 34 signs.
const FACILITY_CODE_MAX: usize = 34;
/// The longest postal code, with its country in front.
const POSTAL_CODE_MAX: usize = 13;

fn has_only(text: &str, signs: &str) -> bool {
    text.chars().all(|c| c.is_ascii_alphanumeric() || signs.contains(c))
}

/// Whether it is written as places are: with a digit or a slash it is an address.
fn is_name(text: &str) -> bool {
    text.chars().all(|c| c.is_alphabetic() || " -'’.()".contains(c))
}

/// `Leipzig, Germany`, `MEMPHIS, TN, US`: the last part is a country or the code of a region, and no word before it begins small, as
/// those of a sentence do.
fn is_town_with_country(text: &str) -> bool {
    let is_place =
        |part: &str| is_name(part) && part.split_whitespace().all(|word| !word.starts_with(char::is_lowercase));
    let is_region = |part: &str| part.len() == 2 && part.chars().all(|c| c.is_ascii_uppercase());
    let mut parts = text.rsplit(',').map(str::trim);
    let ends_well = parts.next().is_some_and(|last| is_region(last) || crate::place::country(last).is_some());
    ends_well && (1..=2).contains(&parts.clone().count()) && parts.all(|part| !part.is_empty() && is_place(part))
}

/// A stop of a multi-stop load.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Stop {
    /// Counted from 1 in the order of the plan.
    pub number: u32,
}

/// How bad a problem in a message is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// Where in the message (a JSON pointer, a segment number).
    pub at: String,
    /// What is wrong and what was made of it, without personal data.
    pub message: String,
}

impl Observation {
    /// A statement with nothing but its codes, its kind and its time; the rest is added by the caller.
    pub fn new(codes: Codes, classifier: Classifier, time: EventTime, origin: Origin) -> Self {
        Self {
            provider_event_id: None,
            retracts: None,
            codes,
            classifier,
            time,
            stated_at: None,
            location: None,
            piece: None,
            stop: None,
            origin,
            description: None,
            signatory: None,
            documents: Vec::new(),
        }
    }

    /// The identity of the statement: who says it, of which tracker, and the provider's event id where there is one, with a
    /// fingerprint of what it says (R2). The descriptive text is no part of it. The ids of what is said of one tracker begin alike, so that
    /// a report comes to one place of an index and not to one for each of its statements.
    pub fn id(&self, source: &str, tracker: &str) -> ObservationId {
        let said = serde_json::to_vec(&(
            &self.retracts,
            &self.codes,
            self.classifier,
            &self.time.raw,
            self.time.local,
            self.time.utc,
            &self.location,
            &self.piece,
            self.stop,
            self.origin,
            // a new estimate of the same thing is a new statement; one that each list repeats is not
            self.stated_at.filter(|_| self.classifier != Classifier::Actual && self.origin == Origin::Event),
        ))
        .expect("plain data serialises");
        let event = self.provider_event_id.as_deref().unwrap_or_default();
        let said = content_id("observation", &[source.as_bytes(), tracker.as_bytes(), event.as_bytes(), &said]);
        let mut id = said.into_bytes();
        id[..PLACE].copy_from_slice(&content_id("tracker", &[tracker.as_bytes()]).as_bytes()[..PLACE]);
        ObservationId(Uuid::from_bytes(id))
    }

    /// The observation without what belongs to the vault: words, who signed, documents, of the place what may name a person, a time
    /// that is none.
    pub fn without_personal(&self) -> Self {
        let location = self.location.as_ref().map(Location::in_parts).and_then(Location::non_empty);
        let mut time = self.time.clone();
        if !time.is_usable() {
            time.raw.clear();
        }
        Self { description: None, signatory: None, documents: Vec::new(), location, time, ..self.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_and_a_sentence_are_no_place_name() {
        let city = |text: &str| Location { city: Some(text.to_owned()), ..Location::default() };
        let raw = |text: &str| Location { raw: Some(text.to_owned()), ..Location::default() };
        let facility = |text: &str| Location { facility: Some(text.to_owned()), ..Location::default() };
        let postal = |text: &str| Location { postal: Some(text.to_owned()), ..Location::default() };
        let places = ["Frankfurt (Oder)", "L'Aquila", "Saint-Étienne", "St. Gallen", "東京"].map(city).into_iter();
        let places = places.chain(["Leipzig, Germany", "MEMPHIS, TN, US", "Memphis, TN"].map(raw));
        let places = places.chain(["4012345000009", "DELEJ-HUB1", "N012"].map(facility));
        for place in places.chain(["10115", "SW1A 1AA", "L-1009"].map(postal)) {
            assert_eq!(place.in_parts(), place);
            assert_eq!(place.personal().count(), 0, "{place:?}");
        }
        let texts = ["Hauptstr 5", "c/o Schulze", "a@b.test", "Dock #7"].map(city).into_iter();
        let texts = texts.chain(
            [
                "Leipzig",
                "1 Main St, Memphis, TN",
                "with Mrs Miller",
                "Left with Mrs Miller, Memphis, TN",
                "Ann, Lee, Miller, DE",
                ",",
            ]
            .map(raw),
        );
        let texts = texts.chain(["with Mrs Miller", "Müller", "Miller"].map(facility));
        for text in texts.chain(["10115 Berlin bei Schulze"].map(postal)) {
            assert_eq!(text.in_parts(), Location::default(), "{text:?}");
            assert_eq!(
                text.personal().collect::<Vec<_>>(),
                vec![text.label().as_str()]
                    .into_iter()
                    .filter(|_| text.postal.is_none())
                    .chain(text.postal.as_deref())
                    .collect::<Vec<_>>()
            );
        }
    }

    fn report(times: &[&str]) -> TrackerReport {
        let codes = Codes { raw: "x".into(), status: Vec::new(), reason: None, coarse: None };
        let observations = times.iter().map(|time| {
            let time = EventTime::floating(*time, time.parse().unwrap(), crate::event_time::Precision::Minute);
            Observation::new(codes.clone(), Classifier::Actual, time, Origin::Event)
        });
        let observations = observations.collect();
        TrackerReport { refs: References::default(), carrier: None, feed: Feed::Delta, observations, test: false }
    }

    #[test]
    fn a_list_that_begins_with_the_newest_is_counted_from_its_end() {
        let (morning, noon) = ("2026-03-02T08:00", "2026-03-02T12:00");
        assert_eq!(report(&[morning, noon, noon]).positions(), [0, 1, 2]);
        assert_eq!(report(&[noon, noon, morning]).positions(), [2, 1, 0]);
        assert_eq!(report(&[noon, noon]).positions(), [0, 1], "nothing tells");
    }
}
