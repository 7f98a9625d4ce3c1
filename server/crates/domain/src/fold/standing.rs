//! First step: which facts count at all. Retraction (R6), snapshots (R7), impossible times (R15), feed messages (R14).

use super::{Fact, FoldInput, Rule, Snapshot, Standing};
use crate::{
    Classifier, Milestone, State,
    event_time::EventTime,
    ids::{IdMap, IdSet, ObservationId, SnapshotId},
    observation::Origin,
};
use jiff::{SignedDuration, Timestamp};
use std::{
    cmp::Reverse,
    collections::{BTreeMap, HashMap, HashSet},
};

/// An actual may lie ahead of our clock by the largest spread of offsets and no more.
const AHEAD_MAX: SignedDuration = SignedDuration::from_hours(26);

/// A fact that is examined: its place in the input, when it counts, and its standing so far.
#[derive(Clone, Debug)]
pub(super) struct Examined<'a> {
    /// The fact.
    pub fact: &'a Fact,
    /// When it happened; where several sources report one event, the most precise time.
    pub time: &'a EventTime,
    /// Orders facts: the event's time, else when it was stated, else when we took it in.
    pub key: Timestamp,
    /// Where `key` leaves the place of a day without a time open, the place that it got among that day's facts.
    pub slot: (Timestamp, u8),
    /// Its place in the newest message that has it; ascends with time.
    pub position: u32,
    /// The newest list that has it.
    pub list: Option<SnapshotId>,
    /// The other facts of the same event.
    pub also: Vec<ObservationId>,
    /// When we first took it in.
    pub first: Timestamp,
    /// Its standing; none while it counts.
    pub out: Option<(Standing, Rule, &'static str)>,
}

impl Examined<'_> {
    pub(super) fn counts(&self) -> bool {
        self.out.is_none()
    }

    pub(super) fn is_actual(&self) -> bool {
        self.fact.observation.classifier == Classifier::Actual
    }

    /// The state that it reports.
    pub(super) fn leads_to(&self) -> Option<State> {
        self.fact.reading.milestone.state().or(self.fact.reading.floor)
    }

    /// A plan or an estimate that the message states beside its events.
    pub(super) fn is_aside(&self) -> bool {
        !self.is_actual() && self.fact.observation.origin == Origin::Summary
    }

    /// The order of everything (R1, R10): time, then place in the message, then rank, then id.
    pub(super) fn order(&self) -> ((Timestamp, u8), u32, u16, ObservationId) {
        (self.slot, self.position, self.fact.reading.milestone.rank(), self.fact.id)
    }

    /// It, and the others of the same event.
    pub(super) fn evidence(&self) -> impl Iterator<Item = ObservationId> {
        std::iter::once(self.fact.id).chain(self.also.iter().copied())
    }

    /// Something was reported about the goods, by one source or several.
    pub(super) fn speaks(&self) -> bool {
        self.is_actual() && matches!(self.out, None | Some((Standing::Merged, ..)))
    }
}

pub(super) fn examine(input: &FoldInput) -> Vec<Examined<'_>> {
    let lists = Lists::of(input);
    let retracted = retracted(input);
    let mut seen = IdSet::with_capacity_and_hasher(input.facts.len(), Default::default());
    let mut facts: Vec<Examined<'_>> =
        input.facts.iter().filter(|fact| seen.insert(fact.id)).map(|fact| examined(fact, &lists, &retracted)).collect();
    weigh_summaries(&mut facts);
    facts
}

/// The newest event goes before a summary (R17): one that reports the same, or less, adds nothing.
fn weigh_summaries(facts: &mut [Examined<'_>]) {
    let summary = |f: &Examined<'_>| f.fact.observation.origin == Origin::Summary;
    let walked = |f: &&Examined<'_>| f.counts() && f.is_actual();
    if !facts.iter().any(|f| walked(&f) && summary(f)) {
        return;
    }
    let by = |f: &Examined<'_>| (f.fact.source, f.fact.tracker);
    let mut newest: HashMap<_, (_, &Fact, State)> = HashMap::new();
    for event in facts.iter().filter(walked).filter(|f| !summary(f)) {
        let Some(state) = event.leads_to() else { continue };
        let (at, repeated) = (event.order(), newest.get(&by(event)));
        if repeated.is_none_or(|(newest, ..)| *newest < at) {
            newest.insert(by(event), (at, event.fact, state));
        }
    }
    for examined in facts.iter_mut().filter(|f| f.counts() && f.is_actual() && summary(f)) {
        let (Some(state), Some((_, event, reached))) = (examined.leads_to(), newest.get(&by(examined))) else {
            continue;
        };
        let (said, repeated) = (&examined.fact.reading, &event.reading);
        let news = said.exception.is_some() && said.exception != repeated.exception;
        let further = state.is_terminal() || state.rank() > reached.rank();
        if !news && (said.milestone == repeated.milestone || !further) {
            examined.out = Some((
                Standing::Overruled,
                Rule::R17,
                "The newest event reports the same and takes precedence over a summary.",
            ));
        }
    }
}

fn examined<'a>(fact: &'a Fact, lists: &Lists<'_>, retracted: &Retracted<'_>) -> Examined<'a> {
    let first = fact.sightings.iter().map(|s| s.recorded_at).min().unwrap_or(Timestamp::MIN);
    let time = fact.observation.time.sort_key().filter(|_| !fact.observation.time.sentinel);
    let key = time.or(fact.observation.stated_at).unwrap_or(first);
    let (list, position) = lists.position(fact);
    Examined {
        fact,
        time: &fact.observation.time,
        key,
        slot: (key, 1),
        position,
        list,
        also: Vec::new(),
        first,
        out: out(fact, first, key, lists, retracted),
    }
}

fn out(
    fact: &Fact,
    first: Timestamp,
    key: Timestamp,
    lists: &Lists<'_>,
    retracted: &Retracted<'_>,
) -> Option<(Standing, Rule, &'static str)> {
    let observation = &fact.observation;
    if observation.retracts.is_some() {
        return Some((Standing::Retraction, Rule::R6, "Retracts another event."));
    }
    if observation.provider_event_id.as_deref().is_some_and(|id| retracted.contains(&(fact.source.0, id))) {
        return Some((Standing::Retracted, Rule::R6, "Retracted by its source; does not count."));
    }
    if lists.superseded(fact, key) {
        return Some((Standing::Superseded, Rule::R7, "A newer list from the same source no longer has it."));
    }
    if is_feed(fact.reading.milestone) {
        return Some((Standing::Feed, Rule::R14, "About the feed, not about the goods."));
    }
    if impossible(fact, first) {
        return Some((Standing::Quarantined, Rule::R15, "Impossible time: stored and shown, does not count."));
    }
    None
}

pub(super) fn is_feed(milestone: Milestone) -> bool {
    matches!(
        milestone,
        Milestone::TrackingStarted | Milestone::TrackingStopped | Milestone::TrackingExpired | Milestone::NotFound
    )
}

pub(super) fn impossible(fact: &Fact, first: Timestamp) -> bool {
    let time = &fact.observation.time;
    let actual = fact.observation.classifier == Classifier::Actual;
    let ahead = || time.earliest().is_some_and(|earliest| earliest.duration_since(first) > AHEAD_MAX);
    time.sentinel || actual && ahead()
}

/// Events by source and the source's id.
pub(super) type Retracted<'a> = HashSet<(uuid::Uuid, &'a str)>;

/// What sources have retracted, in any order of arrival.
pub(super) fn retracted(input: &FoldInput) -> Retracted<'_> {
    input.facts.iter().filter_map(|fact| Some((fact.source.0, fact.observation.retracts.as_deref()?))).collect()
}

/// The lists of snapshot providers, newest first for each source and tracker object.
struct Lists<'a> {
    /// The rank of each snapshot among those of its object; 0 is the active one.
    rank: IdMap<SnapshotId, Listed<'a>>,
}

#[derive(Clone, Copy)]
struct Listed<'a> {
    rank: usize,
    /// The oldest event of any newer list of the same object: what is not older is withdrawn.
    newer_reach_to: Option<Timestamp>,
    snapshot: &'a Snapshot,
}

type Object<'a> = (uuid::Uuid, uuid::Uuid, Option<&'a str>);

impl<'a> Lists<'a> {
    fn of(input: &'a FoldInput) -> Self {
        let mut oldest: IdMap<SnapshotId, Timestamp> = IdMap::default();
        for fact in input
            .facts
            .iter()
            .filter(|f| f.observation.classifier == Classifier::Actual && f.observation.origin == Origin::Event)
        {
            let Some(key) = fact.observation.time.sort_key().filter(|_| !fact.observation.time.sentinel) else {
                continue;
            };
            for snapshot in fact.sightings.iter().filter_map(|s| s.snapshot) {
                oldest.entry(snapshot).and_modify(|o| *o = (*o).min(key)).or_insert(key);
            }
        }
        let mut objects: BTreeMap<Object<'_>, Vec<&Snapshot>> = BTreeMap::new();
        for snapshot in &input.snapshots {
            objects
                .entry((snapshot.source.0, snapshot.tracker.0, snapshot.object.as_deref()))
                .or_default()
                .push(snapshot);
        }
        let mut rank = IdMap::default();
        for mut lists in objects.into_values() {
            lists.sort_by_key(|s| Reverse((s.stamp, &s.digest, s.id)));
            lists.dedup_by_key(|s| s.id);
            let mut newer_reach_to: Option<Timestamp> = None;
            for (place, snapshot) in lists.into_iter().enumerate() {
                rank.insert(snapshot.id, Listed { rank: place, newer_reach_to, snapshot });
                newer_reach_to = match (newer_reach_to, oldest.get(&snapshot.id)) {
                    (Some(a), Some(b)) => Some(a.min(*b)),
                    (a, b) => a.or(b.copied()),
                };
            }
        }
        Self { rank }
    }

    /// The newest list that has the fact; none where it also came outside of lists, or in none.
    fn newest(&self, fact: &Fact) -> Option<Listed<'a>> {
        if fact.sightings.iter().any(|s| s.snapshot.is_none()) {
            return None;
        }
        fact.sightings
            .iter()
            .filter_map(|s| self.rank.get(&s.snapshot?).copied())
            .min_by_key(|p| (p.rank, p.snapshot.id))
    }

    /// A summary, a plan or an estimate is only as good as its list; an event is withdrawn by a newer list
    /// that reaches back to it.
    fn superseded(&self, fact: &Fact, key: Timestamp) -> bool {
        let Some(place) = self.newest(fact) else { return false };
        if fact.observation.origin == Origin::Summary
            || fact.observation.classifier != Classifier::Actual
            || is_feed(fact.reading.milestone)
        {
            return place.rank > 0;
        }
        place.newer_reach_to.is_some_and(|reach| key >= reach)
    }

    /// The active-most list that has the fact, and its place there; without lists, the smallest place seen.
    fn position(&self, fact: &Fact) -> (Option<SnapshotId>, u32) {
        let listed = fact.sightings.iter().filter_map(|s| {
            let list = s.snapshot?;
            Some((self.rank.get(&list)?.rank, s.position, list))
        });
        match listed.min() {
            Some((_, position, list)) => (Some(list), position),
            None => (None, fact.sightings.iter().map(|s| s.position).min().unwrap_or_default()),
        }
    }
}
