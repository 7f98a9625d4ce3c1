//! Before the first step (R16): carriers give their numbers out again. What is reported for a tracker falls into *uses*, one
//! parcel after the other; a shipment folds those of its own use as if there were no others.
//!
//! Three signs of a number in use again: the parcel before has come to its end, nothing happened for long, a
//! provider that already had a tracker object begins a new one. Two of them, where something begins as parcels begin,
//! are a new use. All of it goes by the times of the events, so that the order of arrival does not matter.

use super::{
    Fact, FoldInput, NextUse, Rule, Sighting, Snapshot, Standing, Verdict,
    standing::{Retracted, impossible, retracted},
};
use crate::{
    Classifier, State,
    ids::{ObservationId, SnapshotId, SourceId, TrackerId},
    observation::Observation,
};
use jiff::{SignedDuration, Timestamp};
use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
};

/// So long a silence is a sign that a number is another parcel's by now.
const GAP: SignedDuration = SignedDuration::from_hours(120 * 24);

/// What concerns the shipment, and what of the same numbers does not.
pub(super) struct Own<'a> {
    /// The input without the facts of other uses.
    pub input: Cow<'a, FoldInput>,
    /// The standing of those events.
    pub others: Vec<Verdict>,
    /// Which use of its numbers it is, counted from 1.
    pub incarnation: u32,
    /// The uses that follow upon the shipment's own.
    pub next: Vec<NextUse>,
}

/// Separates what is reported for several parcels under one number.
pub(super) fn own(input: &FoldInput) -> Own<'_> {
    let mut own = Own { input: Cow::Borrowed(input), others: Vec::new(), incarnation: 1, next: Vec::new() };
    if surely_one(input) {
        return own;
    }
    let numbers = Number::all(input);
    if numbers.iter().all(|number| number.uses.len() <= 1 && number.mine.is_some()) {
        return own;
    }
    let (mut facts, mut snapshots) = (Vec::with_capacity(input.facts.len()), Vec::new());
    for number in &numbers {
        let (kept, others) = number.part();
        snapshots.extend(number.lists_of(&kept));
        facts.extend(kept);
        own.others.extend(others);
        own.next.extend(number.next());
        own.incarnation = own.incarnation.max(number.incarnation());
    }
    own.input = Cow::Owned(with(input, facts, snapshots));
    own.others.sort_unstable_by_key(|verdict| verdict.fact);
    own
}

/// The input with these facts and lists in place of its own.
pub(super) fn with(input: &FoldInput, facts: Vec<Fact>, snapshots: Vec<Snapshot>) -> FoldInput {
    FoldInput {
        plan: input.plan.clone(),
        facts,
        snapshots,
        decisions: input.decisions.clone(),
        bound: input.bound.clone(),
        others: input.others.clone(),
        watch: input.watch.clone(),
    }
}

/// Whether shipments that were bound to a tracker at these times have the same parcel.
pub fn same_use(input: &FoldInput, tracker: TrackerId, one: Timestamp, other: Timestamp) -> bool {
    let number = Number::all(input).into_iter().find(|number| number.tracker == tracker);
    let uses = number.map(|number| number.uses).unwrap_or_default();
    let one = mine(&uses, Some(one));
    one.is_some() && one == mine(&uses, Some(other))
}

/// The facts on a shipment's numbers that are of another use than the shipment's own.
pub fn of_other_uses(input: &FoldInput) -> Vec<ObservationId> {
    own(input).others.into_iter().map(|verdict| verdict.fact).collect()
}

/// Nearly always: nothing lies far from the rest, and no provider has made a second tracker object.
fn surely_one(input: &FoldInput) -> bool {
    let facts = input.facts.iter().flat_map(|f| [time(&f.observation), f.observation.stated_at]);
    let moments = facts.chain(input.snapshots.iter().map(|s| s.stamp)).flatten().chain(input.bound.values().copied());
    let (first, last) = moments.fold((Timestamp::MAX, Timestamp::MIN), |(a, b), at| (a.min(at), b.max(at)));
    let mut objects: BTreeMap<(SourceId, TrackerId), &str> = BTreeMap::new();
    let mut named = input.snapshots.iter().filter_map(|s| Some(((s.source, s.tracker), s.object.as_deref()?)));
    (first > last || last.duration_since(first) <= GAP)
        && named.all(|(of, object)| *objects.entry(of).or_insert(object) == object)
}

/// One parcel's part of what is reported for a number.
struct Use {
    /// Events from here on belong to this use; those between two uses belong to the nearer one.
    since: Timestamp,
    begins: Timestamp,
    ends: Timestamp,
    /// When we first took in anything of it.
    heard: Timestamp,
}

impl Use {
    /// The use that a moment belongs to.
    fn at(uses: &[Self], moment: Timestamp) -> usize {
        uses.partition_point(|one| one.since <= moment).saturating_sub(1)
    }
}

/// The use that a shipment has which was bound then; none where all that is known had long been over. An old story that
/// is only reported now, under a number that no later use has, is taken as meant for the shipment.
fn mine(uses: &[Use], bound: Option<Timestamp>) -> Option<usize> {
    let (last, Some(bound)) = (uses.len().saturating_sub(1), bound) else { return Some(uses.len().saturating_sub(1)) };
    let mine = Use::at(uses, bound);
    let long_before = |moment: Timestamp| bound.duration_since(moment) > GAP;
    let over = |one: &Use| long_before(one.ends) && long_before(one.heard);
    (mine < last || !uses.get(mine).is_some_and(over)).then_some(mine)
}

/// Something that changes the state, reported at a moment.
struct Mark {
    at: Timestamp,
    state: State,
}

/// When each source's tracker objects begin.
type Objects = BTreeSet<(SourceId, Timestamp)>;

/// Follows the marks of a tracker in time.
fn walk(marks: &[Mark], objects: &Objects) -> Vec<Use> {
    let mut uses: Vec<Use> = Vec::new();
    let mut end: Option<State> = None;
    for mark in marks {
        let before = uses.last().map(|one| one.ends);
        match uses.last_mut() {
            Some(current) if !again(mark, current, end, objects) => current.ends = mark.at,
            _ => {
                let since = before.map_or(Timestamp::MIN, |ends| between(ends, mark.at));
                uses.push(Use { since, begins: mark.at, ends: mark.at, heard: Timestamp::MAX });
                end = None;
            }
        }
        end = match (mark.state, end) {
            (state, _) if state.is_terminal() => Some(state),
            (State::Returning, _) => None,
            // found again, or under way after all
            (state, Some(State::Cancelled | State::Failed)) if state > State::Registered => None,
            (_, end) => end,
        };
    }
    uses
}

/// Whether a mark begins another use.
fn again(mark: &Mark, current: &Use, end: Option<State>, objects: &Objects) -> bool {
    let silence = mark.at.duration_since(current.ends) > GAP;
    let another = |source| objects.range((source, current.begins)..(source, mark.at)).next().is_some();
    let new_object =
        mark.at > current.ends && objects.iter().any(|(source, begins)| *begins == mark.at && another(*source));
    let begins = match mark.state {
        // a platform that makes its object anew may report the delivery alone
        State::Delivered => silence,
        state => (State::Registered..State::Delivered).contains(&state),
    };
    begins && usize::from(end.is_some()) + usize::from(silence) + usize::from(new_object) >= 2
}

/// What comes nearer to an end than to the next beginning is of the first use, unless it comes long after.
fn between(ends: Timestamp, begins: Timestamp) -> Timestamp {
    let half = begins.duration_since(ends) / 2;
    ends.checked_add(half.min(GAP)).unwrap_or(begins)
}

/// What is reported for one tracker.
struct Number<'a> {
    tracker: TrackerId,
    facts: Vec<&'a Fact>,
    lists: BTreeMap<SnapshotId, &'a Snapshot>,
    /// The newest event of each list: what has no time of its own belongs to it.
    newest: HashMap<SnapshotId, Timestamp>,
    uses: Vec<Use>,
    /// The use that is the shipment's.
    mine: Option<usize>,
}

impl<'a> Number<'a> {
    fn all(input: &'a FoldInput) -> Vec<Self> {
        let retracted = retracted(input);
        let mut facts: BTreeMap<TrackerId, Vec<&Fact>> = BTreeMap::new();
        for fact in &input.facts {
            facts.entry(fact.tracker).or_default().push(fact);
        }
        facts.into_iter().map(|(tracker, facts)| Self::of(tracker, facts, input, &retracted)).collect()
    }

    fn of(tracker: TrackerId, facts: Vec<&'a Fact>, input: &'a FoldInput, retracted: &Retracted<'_>) -> Self {
        let lists = input.snapshots.iter().filter(|s| s.tracker == tracker).map(|s| (s.id, s)).collect();
        let mut number = Self { newest: newest(&facts), tracker, facts, lists, uses: Vec::new(), mine: None };
        number.uses = number.uses(retracted);
        number.mine = mine(&number.uses, input.bound.get(&tracker).copied());
        number
    }

    /// When something was reported, as far as the provider gives it: the event's own time, else that of its list.
    fn reported_at(&self, fact: &Fact, sighting: &Sighting) -> Option<Timestamp> {
        let list = || {
            let list = sighting.snapshot?;
            self.newest.get(&list).copied().or_else(|| self.lists.get(&list)?.stamp)
        };
        let observation = &fact.observation;
        let scheduled = || time(observation).filter(|_| observation.classifier != Classifier::Actual);
        event_time(fact).or_else(list).or(observation.stated_at).or_else(scheduled)
    }

    fn use_of(&self, uses: &[Use], fact: &Fact, sighting: &Sighting) -> usize {
        Use::at(uses, self.reported_at(fact, sighting).unwrap_or(sighting.recorded_at))
    }

    fn uses(&self, retracted: &Retracted<'_>) -> Vec<Use> {
        let mut marks = Vec::new();
        let mut objects: BTreeMap<(SourceId, &str), Timestamp> = BTreeMap::new();
        for (fact, state) in self.facts.iter().filter_map(|f| Some((f, moves(f, retracted)?))) {
            for sighting in &fact.sightings {
                let Some(at) = self.reported_at(fact, sighting) else { continue };
                marks.push(Mark { at, state });
                let list = sighting.snapshot.and_then(|list| self.lists.get(&list));
                if let Some((list, object)) = list.and_then(|list| Some((list, list.object.as_deref()?))) {
                    objects.entry((list.source, object)).and_modify(|first| *first = at.min(*first)).or_insert(at);
                }
            }
        }
        marks.sort_unstable_by_key(|mark| (mark.at, mark.state.rank()));
        let mut uses = walk(&marks, &objects.into_iter().map(|((source, _), begins)| (source, begins)).collect());
        for (fact, sighting) in self.facts.iter().flat_map(|f| f.sightings.iter().map(move |s| (f, s))) {
            let of = self.use_of(&uses, fact, sighting);
            if let Some(one) = uses.get_mut(of) {
                one.heard = one.heard.min(sighting.recorded_at);
            }
        }
        uses
    }

    /// The facts of the shipment's use, each with its sightings there, and how the others stand.
    fn part(&self) -> (Vec<Fact>, Vec<Verdict>) {
        let (mut own, mut others) = (Vec::new(), Vec::new());
        for fact in &self.facts {
            let of = |sighting: &Sighting| self.use_of(&self.uses, fact, sighting);
            let mine = |sighting: &&Sighting| takes_back(fact) || Some(of(sighting)) == self.mine;
            let sightings: Vec<Sighting> = fact.sightings.iter().filter(mine).copied().collect();
            if sightings.is_empty() {
                let later = self.mine.is_some_and(|mine| fact.sightings.iter().any(|s| of(s) > mine));
                others.push(of_another(fact.id, later));
            } else {
                own.push(Fact { sightings, ..(*fact).clone() });
            }
        }
        (own, others)
    }

    /// The lists that say something of the shipment's use; an empty one by its stamp.
    fn lists_of(&self, own: &[Fact]) -> Vec<Snapshot> {
        let (own, all) = (named(own.iter()), named(self.facts.iter().copied()));
        let of = |list: &Snapshot| Use::at(&self.uses, list.stamp.unwrap_or(list.recorded_at));
        let mine = |list: &Snapshot| own.contains(&list.id) || !all.contains(&list.id) && Some(of(list)) == self.mine;
        self.lists.values().filter(|list| mine(list)).map(|list| (*list).clone()).collect()
    }

    /// One that is still waited for comes after all that are known.
    fn incarnation(&self) -> u32 {
        u32::try_from(self.mine.unwrap_or(self.uses.len()) + 1).unwrap_or(u32::MAX)
    }

    fn next(&self) -> Option<NextUse> {
        let next = self.uses.get(self.mine? + 1)?;
        Some(NextUse { tracker: self.tracker, since: next.since, begins: next.begins })
    }
}

/// The lists in which facts were seen.
fn named<'f>(facts: impl Iterator<Item = &'f Fact>) -> HashSet<SnapshotId> {
    facts.flat_map(|f| f.sightings.iter().filter_map(|s| s.snapshot)).collect()
}

fn of_another(fact: ObservationId, later: bool) -> Verdict {
    let because = if later {
        "From a later use of this number: another parcel."
    } else {
        "From an earlier use of this number: another parcel."
    };
    Verdict { fact, standing: Standing::OtherUse, rule: Rule::R16, because: because.to_owned() }
}

/// The newest event of each list.
fn newest(facts: &[&Fact]) -> HashMap<SnapshotId, Timestamp> {
    let mut newest: HashMap<SnapshotId, Timestamp> = HashMap::new();
    for (fact, at) in facts.iter().filter_map(|f| Some((f, event_time(f)?))) {
        for list in fact.sightings.iter().filter_map(|s| s.snapshot) {
            newest.entry(list).and_modify(|newest| *newest = at.max(*newest)).or_insert(at);
        }
    }
    newest
}

/// The state that a fact leads to, where it counts.
fn moves(fact: &Fact, retracted: &Retracted<'_>) -> Option<State> {
    let event = fact.observation.provider_event_id.as_deref();
    let stands = fact.observation.classifier == Classifier::Actual
        && !takes_back(fact)
        && !event.is_some_and(|id| retracted.contains(&(fact.source.0, id)))
        && !impossible(fact, first_seen(fact));
    fact.reading.milestone.state().or(fact.reading.floor).filter(|_| stands)
}

/// A retraction is of the use of the event that it takes back.
fn takes_back(fact: &Fact) -> bool {
    fact.observation.retracts.is_some()
}

/// When an event happened that has a time of its own.
fn event_time(fact: &Fact) -> Option<Timestamp> {
    let actual = fact.observation.classifier == Classifier::Actual;
    time(&fact.observation).filter(|_| actual && !impossible(fact, first_seen(fact)))
}

fn time(observation: &Observation) -> Option<Timestamp> {
    observation.time.sort_key().filter(|_| !observation.time.sentinel)
}

fn first_seen(fact: &Fact) -> Timestamp {
    fact.sightings.iter().map(|s| s.recorded_at).min().unwrap_or(Timestamp::MIN)
}
