//! Which tracker a number leads to, the same for every engine.

use crate::facts::TrackerKey;
use domain::{
    ids::TrackerId,
    numbers::{self, Written},
};

/// A tracker under a number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownTracker {
    /// Its id.
    pub id: TrackerId,
    /// The number that it is kept under.
    pub number: String,
    /// The number as it was first written.
    pub number_raw: String,
    /// The carrier's family; none while it is unknown.
    pub carrier: Option<String>,
    /// The carrier as a person reads it.
    pub carrier_label: Option<String>,
}

/// A tracker that is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// What names it.
    pub key: &'a TrackerKey,
    /// The number as it is written.
    pub number_raw: &'a str,
}

impl Wanted<'_> {
    /// The numbers under which it may be kept, its own first; nearly always that alone.
    pub fn kept_under(&self) -> Vec<String> {
        let mut keys = vec![self.key.number.clone()];
        for key in numbers::kept_under(self.number_raw, self.key.carrier.as_deref()) {
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
        keys
    }

    /// The numbers under which a person may find the same one, of whatever carrier.
    pub fn resembling(&self) -> Vec<String> {
        let mut keys = numbers::resembling(self.number_raw, self.key.carrier.as_deref());
        if !keys.contains(&self.key.number) {
            keys.push(self.key.number.clone());
        }
        keys
    }

    /// The one of exactly this carrier and number, which is meant whatever else there is: where it is known, the other numbers
    /// of [`Self::kept_under`] need not be worked out.
    pub fn exact_of(&self, known: &[KnownTracker]) -> Option<TrackerId> {
        let exact = known.iter().filter(|t| t.carrier == self.key.carrier && t.number == self.key.number);
        exact.map(|tracker| tracker.id).min()
    }

    /// The one that is meant of those that are kept under [`Self::kept_under`]: of exactly this carrier and number; else of
    /// a carrier that knows the same number (on either side of a handover); else the only one of the number,
    /// where either side does not name a carrier.
    pub fn chosen_of(&self, known: &[KnownTracker]) -> Option<TrackerId> {
        if known.is_empty() {
            return None;
        }
        if let Some(exact) = self.exact_of(known) {
            return Some(exact);
        }
        let mut known: Vec<&KnownTracker> = known.iter().collect();
        known.sort_unstable_by_key(|tracker| tracker.id);
        known.retain(|tracker| tracker.number == self.key.number || self.is_number_of(tracker));
        let networks = |tracker: &KnownTracker| Some((self.network(tracker.carrier.as_deref()?), tracker.id));
        let own = self.network(self.key.carrier.as_deref().unwrap_or_default());
        let (nobodys, named): (Vec<_>, Vec<_>) = known.into_iter().partition(|tracker| tracker.carrier.is_none());
        let named: Vec<(String, TrackerId)> = named.into_iter().filter_map(networks).collect();
        match (&self.key.carrier, &nobodys[..], &named[..]) {
            (Some(_), _, _) if named.iter().any(|(network, _)| *network == own) => {
                named.iter().find(|(network, _)| *network == own).map(|(_, id)| *id)
            }
            (None, [one, ..], _) | (Some(_), [one], []) => Some(one.id),
            (None, [], [(network, id), others @ ..]) => others.iter().all(|(other, _)| other == network).then_some(*id),
            _ => None,
        }
    }

    fn network(&self, carrier: &str) -> String {
        numbers::network(&self.key.number, carrier).into_owned()
    }

    fn is_number_of(&self, tracker: &KnownTracker) -> bool {
        numbers::same(
            Written { text: self.number_raw, carrier: self.key.carrier.as_deref() },
            Written { text: &tracker.number_raw, carrier: tracker.carrier.as_deref() },
        )
    }
}

/// The numbers in a text that people search for: scanned, copied with words around it, or several pasted ones.
pub fn numbers_in(text: &str, most: usize) -> Vec<String> {
    let parts = numbers::split(text).into_iter().chain(text.split_whitespace()).take(most);
    parts.filter_map(|part| numbers::normalise(part).ok()).collect()
}

/// A number of a shipment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NumberRecord {
    /// The tracker.
    pub tracker: TrackerId,
    /// As written.
    pub number: String,
    /// The carrier's family.
    pub carrier: Option<String>,
    /// The carrier as a person reads it.
    pub carrier_label: Option<String>,
    /// The piece.
    pub piece: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn id(n: usize) -> TrackerId {
        TrackerId(Uuid::from_u128(n as u128 + 1))
    }

    fn key(raw: &str, carrier: Option<&str>) -> TrackerKey {
        TrackerKey { carrier: carrier.map(str::to_owned), number: numbers::normalise_of(raw, carrier).unwrap() }
    }

    /// Which of these a number leads to.
    fn chosen(new: (&str, Option<&str>), known: &[(&str, Option<&str>)]) -> Option<usize> {
        let known: Vec<KnownTracker> = known
            .iter()
            .enumerate()
            .map(|(n, (raw, carrier))| KnownTracker {
                id: id(n),
                number: key(raw, *carrier).number,
                number_raw: (*raw).to_owned(),
                carrier: carrier.map(str::to_owned),
                carrier_label: None,
            })
            .collect();
        let key = key(new.0, new.1);
        let wanted = Wanted { key: &key, number_raw: new.0 };
        let kept = wanted.kept_under();
        let known: Vec<_> = known.into_iter().filter(|tracker| kept.contains(&tracker.number)).collect();
        let found = wanted.chosen_of(&known)?;
        (0..10).find(|n| id(*n) == found)
    }

    #[test]
    fn the_tracker_that_is_meant() {
        let (gls, eleven) = ("913411501389", "91341150138");
        for (new, known, expected) in [
            (("N1", Some("dhl")), &[("N1", Some("ups")), ("N1", Some("dhl"))][..], Some(1)),
            (("N1", None), &[("N1", Some("ups"))], Some(0)),
            (("N1", Some("ups")), &[("N1", None)], Some(0)),
            (("N1", None), &[("N1", Some("ups")), ("N1", Some("dhl"))], None),
            (("N1", None), &[("N1", Some("ups")), ("N1", None)], Some(1)),
            (("N1", Some("dhl")), &[("N1", Some("ups")), ("N1", None)], None),
            (("N1", Some("dhl")), &[("N1", Some("ups"))], None),
            // networks that hand over to each other
            (("9261299999998730503142", Some("usps")), &[("61299999998730503142", Some("fedex"))], Some(0)),
            (("9261299999998730503142", None), &[("9261299999998730503142", Some("ups"))], Some(0)),
            // as its carrier reads it
            ((gls, None), &[(eleven, Some("gls"))], Some(0)),
            ((eleven, Some("gls")), &[(gls, None)], Some(0)),
            ((gls, Some("fedex")), &[(eleven, Some("gls"))], None),
            // it is not certain which of the two it is
            ((gls, None), &[(eleven, Some("gls")), (gls, Some("fedex"))], None),
        ] {
            assert_eq!(chosen(new, known), expected, "{new:?} among {known:?}");
        }
    }

    #[test]
    fn what_is_known_exactly_is_meant_whatever_else_is_there() {
        let written = ["913411501389", "91341150138", "N1", "9261299999998730503142", "61299999998730503142"];
        let carriers = [None, Some("gls"), Some("fedex"), Some("usps"), Some("ups")];
        let all = || written.iter().flat_map(|text| carriers.map(|carrier| (*text, carrier)));
        for one in all() {
            for other in all().filter(|other| key(other.0, other.1) != key(one.0, one.1)) {
                assert_eq!(chosen(one, &[one, other]), Some(0), "{one:?} {other:?}");
                assert_eq!(chosen(one, &[other, one]), Some(1), "{one:?} {other:?}");
            }
        }
    }

    #[test]
    fn what_two_lead_to_does_not_depend_on_which_was_first() {
        let written =
            ["913411501389", "91341150138", "N1", "9261299999998730503142", "61299999998730503142", "00732879858041"];
        let carriers = [None, Some("gls"), Some("fedex"), Some("usps"), Some("dpd")];
        let all = || written.iter().flat_map(|text| carriers.map(|carrier| (*text, carrier)));
        for one in all() {
            for other in all() {
                assert_eq!(chosen(one, &[other]), chosen(other, &[one]), "{one:?} {other:?}");
            }
        }
    }
}
