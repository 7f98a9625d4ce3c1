//! Plans and estimates (R9): they never touch the state. The latest by the provider's own time wins; at the actual the
//! last estimate stated before it is frozen.

use super::{ScheduleEntry, standing::Examined};
use crate::{Classifier, Milestone, event_time::EventTime};
use jiff::Timestamp;
use std::collections::BTreeMap;

pub(super) fn schedule(facts: &[Examined<'_>]) -> BTreeMap<String, ScheduleEntry> {
    let mut entries: BTreeMap<String, Vec<&Examined<'_>>> = BTreeMap::new();
    for examined in facts.iter().filter(|f| f.counts() && !f.is_actual()) {
        entries.entry(key(examined)).or_default().push(examined);
    }
    let mut actuals: BTreeMap<String, Vec<&Examined<'_>>> = BTreeMap::new();
    for examined in facts.iter().filter(|f| f.counts() && f.is_actual()) {
        let key = key(examined);
        if entries.contains_key(&key) {
            actuals.entry(key).or_default().push(examined);
        }
    }
    entries.into_iter().map(|(key, stated)| (key.clone(), entry(&stated, actuals.get(&key)))).collect()
}

fn entry(stated: &[&Examined<'_>], actuals: Option<&Vec<&Examined<'_>>>) -> ScheduleEntry {
    let actual = actuals.and_then(|list| list.iter().min_by_key(|f| f.order()));
    let before = actual.map(|f| stated_at(f));
    let latest = |classifier: Classifier, until: Option<Timestamp>| -> Option<EventTime> {
        let of_kind = stated.iter().filter(|f| f.fact.observation.classifier == classifier);
        let in_time = of_kind.filter(|f| until.is_none_or(|until| stated_at(f) <= until));
        in_time.max_by_key(|f| (stated_at(f), f.fact.id)).map(|f| f.fact.observation.time.clone())
    };
    ScheduleEntry {
        planned: latest(Classifier::Planned, None),
        estimated: latest(Classifier::Estimated, before),
        actual: actual.map(|f| f.fact.observation.time.clone()),
    }
}

fn stated_at(examined: &Examined<'_>) -> Timestamp {
    examined.fact.observation.stated_at.unwrap_or(examined.first)
}

/// The milestone that is scheduled, and the place where it has a code: `TRANSPORT_ARRIVED@DEHAM`.
fn key(examined: &Examined<'_>) -> String {
    let reading = &examined.fact.reading;
    let milestone = reading.schedules.unwrap_or(match reading.milestone {
        Milestone::EtaChanged | Milestone::DeliveryScheduled => Milestone::Delivered,
        Milestone::PickupScheduled => Milestone::PickedUp,
        other => other,
    });
    match examined.fact.observation.location.as_ref().and_then(|l| l.unlocode.as_deref()) {
        Some(place) => format!("{}@{place}", milestone.code()),
        None => milestone.code().to_owned(),
    }
}
