//! What holds for the statements of every connector: no control characters, and one event once.

use domain::{
    Classifier,
    observation::{Codes, Decoded, Feed, Location, Observation, Origin, TrackerReport},
};
use std::collections::HashMap;

/// Statements of one moment that others are compared with.
const ALIKE_MAX: usize = 50;

/// Cleans texts, and leaves out what a list has twice.
pub(super) fn tidy(decoded: &mut Decoded) {
    for report in &mut decoded.reports {
        report.refs.0.values_mut().chain(&mut report.carrier).for_each(clean);
        report.observations.iter_mut().for_each(clean_observation);
        once_each(report);
    }
}

/// No database column and no page takes control characters; a line end is one only in words.
fn clean(text: &mut String) {
    if text.contains(char::is_control) {
        text.retain(|c| !c.is_control());
    }
}

fn clean_observation(observation: &mut Observation) {
    let Codes { raw, status, reason, coarse } = &mut observation.codes;
    clean(raw);
    status.iter_mut().chain(reason).chain(coarse).for_each(|code| clean(&mut code.value));
    if let Some(Location { city, region, postal, country, unlocode, facility, raw }) = &mut observation.location {
        for part in [city, region, postal, country, unlocode, facility, raw] {
            part.iter_mut().for_each(clean);
            part.take_if(|text| text.trim().is_empty());
        }
    }
    clean(&mut observation.time.raw);
    let ids = [&mut observation.provider_event_id, &mut observation.retracts, &mut observation.piece];
    ids.into_iter().flatten().for_each(clean);
    let words = [&mut observation.description, &mut observation.signatory];
    words.into_iter().flatten().for_each(|words| words.retain(|c| !c.is_control() || c == '\n'));
}

/// A list that has one event twice, once with and once without its place, has it once, as complete as possible.
fn once_each(report: &mut TrackerReport) {
    if report.observations.len() < 2 {
        return;
    }
    let listed = matches!(report.feed, Feed::Snapshot { .. });
    let mut kept: Vec<Observation> = Vec::with_capacity(report.observations.len());
    // of one moment there are few, in however long a list
    let mut moments: HashMap<_, Vec<usize>> = HashMap::new();
    for observation in std::mem::take(&mut report.observations) {
        let moment = (observation.time.local, observation.time.utc, observation.piece.clone());
        let alike = moments.entry(moment).or_default();
        match alike.iter().copied().find(|at| is_one_event(&kept[*at], &observation, listed)) {
            Some(at) => {
                let [mut other, mut fuller] = [std::mem::replace(&mut kept[at], observation.clone()), observation];
                if detail(&other) >= detail(&fuller) {
                    std::mem::swap(&mut other, &mut fuller);
                }
                if fuller.documents.is_empty() {
                    fuller.documents = other.documents;
                }
                kept[at] = fuller;
            }
            None => {
                if alike.len() < ALIKE_MAX {
                    alike.push(kept.len());
                }
                kept.push(observation);
            }
        }
    }
    report.observations = kept;
}

/// The same event of the same time, in places of which one is less complete than the other.
fn is_one_event(one: &Observation, other: &Observation, listed: bool) -> bool {
    let events = [one, other].iter().all(|o| o.origin == Origin::Event && o.classifier == Classifier::Actual);
    let ids = one.provider_event_id == other.provider_event_id || listed;
    let agree = |a: &Option<String>, b: &Option<String>| a.is_none() || b.is_none() || a == b;
    events
        && ids
        && one.codes == other.codes
        && (one.time.local, one.time.utc) == (other.time.local, other.time.utc)
        && one.time.sort_key().is_some()
        && (one.retracts.as_ref(), one.piece.as_ref(), one.stop)
            == (other.retracts.as_ref(), other.piece.as_ref(), other.stop)
        && agree(&one.description, &other.description)
        && one.location != other.location
        && is_within(one.location.as_ref(), other.location.as_ref())
}

/// One of two places is given without its parts, or with fewer of the same.
fn is_within(one: Option<&Location>, other: Option<&Location>) -> bool {
    let (Some(one), Some(other)) = (one, other) else { return true };
    let pairs = parts(one).into_iter().zip(parts(other));
    let (mut less, mut more) = (false, false);
    for (a, b) in pairs {
        match (a, b) {
            (Some(a), Some(b)) if !a.eq_ignore_ascii_case(b) => return false,
            (Some(_), None) => more = true,
            (None, Some(_)) => less = true,
            _ => {}
        }
    }
    less != more
}

fn parts(place: &Location) -> [Option<&str>; 6] {
    let Location { city, region, postal, country, unlocode, facility, raw: _ } = place;
    [city, region, postal, country, unlocode, facility].map(Option::as_deref)
}

/// How complete its place is.
fn detail(observation: &Observation) -> (usize, bool) {
    let place = observation.location.as_ref();
    let parts = place.map_or(0, |place| parts(place).into_iter().flatten().count());
    (parts, place.is_some())
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::event_time::{EventTime, Precision};

    fn said(city: Option<&str>, raw: Option<&str>) -> Observation {
        let codes = Codes { raw: "X".into(), status: Vec::new(), reason: None, coarse: None };
        let time = EventTime::floating("x", "2026-03-02T10:00".parse().unwrap(), Precision::Minute);
        let [city, raw] = [city, raw].map(|text| text.map(str::to_owned));
        let country = city.as_ref().map(|_| "GB".to_owned());
        let location = Location { city, raw, country, ..Location::default() }.non_empty();
        Observation { location, ..Observation::new(codes, Classifier::Actual, time, Origin::Event) }
    }

    fn tidied(observations: &[Observation], feed: Feed) -> Vec<Option<String>> {
        let report = TrackerReport {
            refs: Default::default(),
            carrier: None,
            feed,
            observations: observations.to_vec(),
            test: false,
        };
        let mut decoded = Decoded { reports: vec![report], problems: Vec::new() };
        tidy(&mut decoded);
        decoded.reports.remove(0).observations.into_iter().map(|o| o.location.map(|l| l.label())).collect()
    }

    #[test]
    fn one_event_with_and_without_its_place_is_one() {
        let leeds = Some("LEEDS, GB".to_owned());
        let (nowhere, in_words, there) =
            (said(None, None), said(None, Some("At LEEDS - UK")), said(Some("LEEDS"), None));
        for list in [[nowhere.clone(), in_words.clone(), there.clone()], [there.clone(), in_words, nowhere.clone()]] {
            assert_eq!(tidied(&list, Feed::Delta), vec![leeds.clone()]);
        }
        let york = said(Some("YORK"), None);
        assert_eq!(tidied(&[there.clone(), york], Feed::Delta).len(), 2, "two places");
        let mut named = nowhere.clone();
        named.provider_event_id = Some("1".into());
        assert_eq!(tidied(&[there.clone(), named.clone()], Feed::Delta).len(), 2, "its own id says that it is another");
        assert_eq!(tidied(&[there.clone(), named], Feed::Snapshot { stamp: None }).len(), 1);
        let mut later = nowhere;
        later.time.local = Some("2026-03-02T10:01".parse().unwrap());
        assert_eq!(tidied(&[there, later], Feed::Delta).len(), 2);
    }

    #[test]
    fn control_characters_are_dropped() {
        let mut odd = said(Some("LE\u{1}EDS"), None);
        odd.codes.raw = "X\r\n".into();
        odd.description = Some("a\tb\nc".into());
        let report = TrackerReport {
            refs: Default::default(),
            carrier: None,
            feed: Feed::Delta,
            observations: vec![odd],
            test: false,
        };
        let mut decoded = Decoded { reports: vec![report], problems: Vec::new() };
        tidy(&mut decoded);
        let [only] = &decoded.reports[0].observations[..] else { panic!("one statement") };
        let city = only.location.as_ref().and_then(|l| l.city.as_deref());
        assert_eq!((city, &*only.codes.raw, only.description.as_deref()), (Some("LEEDS"), "X", Some("ab\nc")));
    }
}
