//! Plans and estimates (R9): they never touch the state. The latest by the provider's own time wins; at the actual the
//! last estimate stated before it is frozen.

use super::{
    Plan, ScheduleEntry,
    journey::{Reached, Step, at_stop},
    standing::Examined,
};
use crate::{
    Classifier, Milestone,
    event_time::EventTime,
    ids::{IdMap, ObservationId},
};
use jiff::Timestamp;
use std::collections::{BTreeMap, HashSet};

/// What has been found out about the shipment.
pub(super) struct Known<'a> {
    pub plan: &'a Plan,
    pub steps: &'a IdMap<ObservationId, Step>,
    /// The delivery that counts: of several pieces the last, of several stops the last one's.
    pub delivered: Option<Reached<'a>>,
}

/// The milestone that is scheduled, and the place where it has a code.
type Key<'a> = (Milestone, Option<&'a str>);

pub(super) fn schedule(facts: &[Examined<'_>], known: &Known<'_>) -> BTreeMap<String, ScheduleEntry> {
    let mut stated: BTreeMap<Key<'_>, Vec<&Examined<'_>>> = BTreeMap::new();
    for examined in facts.iter().filter(|f| f.counts() && !f.is_actual()) {
        stated.entry((scheduled(examined, known.plan), place(examined))).or_default().push(examined);
    }
    if stated.is_empty() {
        return BTreeMap::new();
    }
    let about: HashSet<Milestone> = stated.keys().map(|(milestone, _)| *milestone).collect();
    // the facts are in order: the first one of a key is when it happened
    let mut happened: BTreeMap<Key<'_>, &Examined<'_>> = BTreeMap::new();
    for examined in facts.iter().filter(|f| f.counts() && f.is_actual()) {
        let milestone = known.steps.get(&examined.fact.id).map_or(examined.fact.reading.milestone, |s| s.milestone);
        // who has left the pick-up place loaded has picked up
        let picked_up = milestone == Milestone::DepartedPickup && !happened.keys().any(|k| k.0 == Milestone::PickedUp);
        let milestone = if picked_up { Milestone::PickedUp } else { milestone };
        if about.contains(&milestone) {
            happened.entry((milestone, place(examined))).or_insert(examined);
        }
    }
    let delivered = known.delivered.and_then(|d| facts.iter().find(|f| f.fact.id == d.by));
    stated
        .into_iter()
        .map(|(key, stated)| {
            let actual = if key.0 == Milestone::Delivered { delivered } else { happened.get(&key).copied() };
            (name(key), entry(&stated, actual))
        })
        .collect()
}

fn entry(stated: &[&Examined<'_>], actual: Option<&Examined<'_>>) -> ScheduleEntry {
    let before = actual.map(stated_at);
    let latest = |classifier: Classifier, until: Option<Timestamp>| -> Option<EventTime> {
        let of_kind = stated.iter().filter(|f| f.fact.observation.classifier == classifier);
        let in_time = of_kind.filter(|f| until.is_none_or(|until| stated_at(f) <= until));
        in_time.max_by_key(|f| (stated_at(f), f.fact.id)).map(|f| f.time.clone())
    };
    ScheduleEntry {
        planned: latest(Classifier::Planned, None),
        estimated: latest(Classifier::Estimated, before),
        actual: actual.map(|f| f.time.clone()),
    }
}

/// When the delivery is expected: the latest estimate, else the plan.
pub(super) fn eta(schedule: &BTreeMap<String, ScheduleEntry>) -> Option<EventTime> {
    let code = Milestone::Delivered.code();
    let of_delivery = |key: &str| key.strip_prefix(code).is_some_and(|rest| rest.is_empty() || rest.starts_with('@'));
    let entries = || schedule.iter().filter(|(key, _)| of_delivery(key)).map(|(_, entry)| entry);
    entries().find_map(|e| e.estimated.clone()).or_else(|| entries().find_map(|e| e.planned.clone()))
}

fn stated_at(examined: &Examined<'_>) -> Timestamp {
    examined.fact.observation.stated_at.unwrap_or(examined.first)
}

/// The milestone that a plan or an estimate is about; at a stop before the last it is the leg's.
fn scheduled(examined: &Examined<'_>, plan: &Plan) -> Milestone {
    let reading = &examined.fact.reading;
    let milestone = reading.schedules.unwrap_or(match reading.milestone {
        Milestone::EtaChanged | Milestone::DeliveryScheduled => Milestone::Delivered,
        Milestone::PickupScheduled => Milestone::PickedUp,
        other => other,
    });
    at_stop(examined.fact, plan, milestone).unwrap_or(milestone)
}

fn place<'a>(examined: &Examined<'a>) -> Option<&'a str> {
    examined.fact.observation.location.as_ref().and_then(|l| l.unlocode.as_deref())
}

/// As it is shown: `TRANSPORT_ARRIVED@DEHAM`.
fn name((milestone, place): Key<'_>) -> String {
    match place {
        Some(place) => format!("{}@{place}", milestone.code()),
        None => milestone.code().to_owned(),
    }
}
