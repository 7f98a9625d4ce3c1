//! Second step (R11): several sources, one physical event. Candidates agree on milestone, piece, place and local time or
//! instant, to the minute; the connected components of that relation are one event each. The lowest id represents it,
//! all of them are its evidence, and the most precise time is its time.

use super::{Rule, Standing, standing::Examined};
use crate::{
    Milestone,
    event_time::Precision,
    ids::{ObservationId, SourceId},
    place::name::folded,
};
use jiff::{Timestamp, ToSpan, civil::DateTime};
use std::{
    cmp::Reverse,
    collections::{BTreeMap, HashMap},
};

/// Finds events that several sources report, and lets one fact represent each.
pub(super) fn merge(facts: &mut [Examined<'_>]) {
    let Some(one) = facts.first().map(|f| f.fact.source) else { return };
    if facts.iter().all(|f| f.fact.source == one) {
        return;
    }
    let mut components = Components::new(facts.len());
    connect(facts, &mut components);
    for members in components.several() {
        unite(facts, members);
    }
}

/// One fact of a component represents it, the others are its evidence.
fn unite(facts: &mut [Examined<'_>], mut members: Vec<usize>) {
    members.sort_unstable_by_key(|i| facts[*i].fact.id);
    let Some(best) = members.iter().copied().max_by_key(|i| how_precise(&facts[*i])) else { return };
    let (time, key) = (facts[best].time, facts[best].key);
    let Some((speaker, others)) = members.split_first() else { return };
    for other in others {
        facts[*other].out =
            Some((Standing::Merged, Rule::R11, "The same event from another source; kept as evidence."));
    }
    let also: Vec<ObservationId> = others.iter().map(|i| facts[*i].fact.id).collect();
    let speaker = &mut facts[*speaker];
    (speaker.time, speaker.key, speaker.slot, speaker.also) = (time, key, (key, 1), also);
}

/// A known instant goes before a wall clock; then the source with more trust, then the finer time.
fn how_precise(examined: &Examined<'_>) -> (bool, super::Trust, Precision, Reverse<ObservationId>) {
    let time = examined.time;
    (time.utc.is_some(), examined.fact.trust, time.precision, Reverse(examined.fact.id))
}

/// When something happened, to the minute; days without a time agree with each other only.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum When {
    Day(DateTime),
    Local(DateTime),
    Instant(i64),
}

type Town<'a> = (usize, Option<&'a str>);
type Key<'a> = (Milestone, Option<&'a str>, Town<'a>, When);

/// The facts that agree on a key.
struct Agreeing {
    first: usize,
    source: SourceId,
    speakers: Speakers,
}

/// Facts of one source are never one event by themselves: it reported them separately. They meet through a second source.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Speakers {
    One,
    Several,
}

fn connect(facts: &[Examined<'_>], components: &mut Components) {
    let places = places(facts);
    let keys: Vec<(usize, Key<'_>)> = facts
        .iter()
        .enumerate()
        .filter(|(_, f)| f.counts() && f.is_actual() && f.fact.reading.milestone.is_physical())
        .flat_map(|(i, f)| {
            let about = (f.fact.reading.milestone, piece_of(f), places[i]);
            times(f).into_iter().flatten().map(move |when| (i, (about.0, about.1, about.2, when)))
        })
        .collect();
    let mut agreeing: HashMap<Key<'_>, Agreeing> = HashMap::with_capacity(keys.len());
    for (i, key) in &keys {
        let source = facts[*i].fact.source;
        let group = agreeing.entry(*key).or_insert(Agreeing { first: *i, source, speakers: Speakers::One });
        if group.source != source {
            group.speakers = Speakers::Several;
        }
    }
    for (i, key) in &keys {
        if let Some(Agreeing { first, speakers: Speakers::Several, .. }) = agreeing.get(key) {
            components.join(*first, *i);
        }
    }
}

/// The wall clock and the instant, as far as they are known.
fn times(examined: &Examined<'_>) -> [Option<When>; 2] {
    let time = examined.time;
    if time.precision == Precision::Date {
        return [time.local.map(When::Day), None];
    }
    let minute = |local: DateTime| {
        let within = i64::from(local.second()).seconds().nanoseconds(local.subsec_nanosecond());
        local.checked_sub(within).unwrap_or(local)
    };
    [
        time.local.map(|l| When::Local(minute(l))),
        time.utc.map(|u: Timestamp| When::Instant(u.as_second().div_euclid(60))),
    ]
}

/// The piece that a fact is about: by the message, else by the binding.
pub(super) fn piece_of<'a>(examined: &Examined<'a>) -> Option<&'a str> {
    examined.fact.piece.as_deref().or(examined.fact.observation.piece.as_deref())
}

/// The place of each fact: the town however it is spelled, and the country where towns of one name lie in several.
fn places<'a>(facts: &[Examined<'a>]) -> Vec<Town<'a>> {
    let mut spelled: HashMap<&str, usize> = HashMap::new();
    let mut towns: HashMap<String, usize> = HashMap::new();
    let mut countries: Vec<Vec<&str>> = Vec::new();
    let located: Vec<(usize, Option<&str>)> = facts
        .iter()
        .map(|examined| {
            let location = examined.fact.observation.location.as_ref();
            let name = location.and_then(|l| l.city.as_deref().or(l.unlocode.as_deref())).unwrap_or_default();
            let country = location.and_then(|l| l.country.as_deref());
            let town = *spelled.entry(name).or_insert_with(|| {
                let next = towns.len();
                *towns.entry(folded(name)).or_insert(next)
            });
            countries.resize(countries.len().max(town + 1), Vec::new());
            if let Some(country) = country.filter(|c| !countries[town].contains(c)) {
                countries[town].push(country);
            }
            (town, country)
        })
        .collect();
    located.into_iter().map(|(town, country)| (town, country.filter(|_| countries[town].len() > 1))).collect()
}

/// Disjoint sets of indices.
struct Components(Vec<usize>);

impl Components {
    fn new(size: usize) -> Self {
        Self((0..size).collect())
    }

    fn root(&mut self, mut index: usize) -> usize {
        while self.0[index] != index {
            self.0[index] = self.0[self.0[index]];
            index = self.0[index];
        }
        index
    }

    fn join(&mut self, a: usize, b: usize) {
        let (a, b) = (self.root(a), self.root(b));
        self.0[a.max(b)] = a.min(b);
    }

    /// The sets with more than one member.
    fn several(mut self) -> Vec<Vec<usize>> {
        let mut members: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for index in 0..self.0.len() {
            let root = self.root(index);
            if root != index {
                members.entry(root).or_insert_with(|| vec![root]).push(index);
            }
        }
        members.into_values().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn components_do_not_depend_on_the_order_of_joining() {
        let joined = |pairs: &[(usize, usize)]| {
            let mut components = Components::new(6);
            pairs.iter().for_each(|(a, b)| components.join(*a, *b));
            components.several()
        };
        assert_eq!(joined(&[(0, 2), (2, 4), (5, 3)]), joined(&[(3, 5), (4, 2), (4, 0)]));
        assert_eq!(joined(&[]), Vec::<Vec<usize>>::new());
    }
}
