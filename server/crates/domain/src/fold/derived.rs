//! What follows from the facts without a carrier saying so: stuck at customs, coming back, in the wrong country, a planned
//! milestone that is missing, identifiers that do not match, tracking that stopped, unmapped codes, and what other systems
//! refused. Needs to know what is usual ([`Watch`]); without it nothing is derived.

use super::{
    Choice, Decision, FoldedException, Resolution, ScheduleEntry, Standing, Watch,
    clock::{Said, next, once, raised, resolution},
    journey::Step,
    standing::Examined,
};
use crate::{
    Category, ExceptionReason as E, Milestone, State, Visibility,
    event_time::EventTime,
    ids::{IdMap, IdSet, ObservationId},
    vocabulary::Phase,
};
use jiff::Timestamp;
use std::collections::BTreeMap;

/// Working days that customs usually take where the lane is not known.
const CUSTOMS_DAYS: u32 = 5;
/// Working days by which a planned milestone may be reported late.
const MILESTONE_DAYS: u32 = 1;

/// What it is derived from.
pub(super) struct Known<'a> {
    /// What is usual.
    pub watch: &'a Watch,
    /// The facts that count and are actual, in order.
    pub walked: &'a [&'a Examined<'a>],
    /// All facts.
    pub facts: &'a [Examined<'a>],
    /// What each did to the state.
    pub steps: &'a IdMap<ObservationId, Step>,
    /// Plans and estimates.
    pub schedule: &'a BTreeMap<String, ScheduleEntry>,
    /// Country of destination.
    pub to: Option<&'a str>,
    /// The state.
    pub state: State,
    /// Whether the feed is alive.
    pub visibility: Visibility,
    /// When it ended, if it has.
    pub ended: Option<(Timestamp, EventTime)>,
    /// Facts about pieces that the order does not have.
    pub unexpected: &'a IdSet<ObservationId>,
    /// Since when something is reported under its number that is another delivery's.
    pub of_another: Option<Timestamp>,
    /// Now.
    pub now: Timestamp,
}

pub(super) fn derive(known: &Known<'_>) -> Said {
    let mut said = Said::default();
    customs(known, &mut said);
    comes_back(known, &mut said);
    wrong_country(known, &mut said);
    mismatch(known, &mut said);
    if !known.state.is_terminal() {
        missing(known, &mut said);
        stopped(known, &mut said);
        unmapped(known, &mut said);
    }
    said
}

/// Customs have it for longer than is usual.
fn customs(known: &Known<'_>, said: &mut Said) {
    let days = known.watch.usual.map_or(CUSTOMS_DAYS, |usual| usual.customs);
    let mut since: Option<Timestamp> = None;
    let stuck = |since: Timestamp| known.watch.calendar.after_days(since, days);
    for fact in known.walked {
        let reading = &fact.fact.reading;
        let held = reading.exceptions().any(|reason| reason.category() == Category::Customs);
        let begins = matches!(reading.milestone, Milestone::CustomsStarted | Milestone::CustomsInspection);
        if held || begins {
            since.get_or_insert(fact.key);
        } else if let Some(began) = since.take_if(|_| reading.milestone.is_physical()) {
            let due = stuck(began);
            if fact.key > due {
                let over = Some((fact.time.clone(), Resolution::Progress));
                said.exceptions.push(raised(E::CustomsStuck, "stuck at customs", began, due, over));
            }
        }
    }
    let Some(began) = since else { return };
    let due = stuck(began);
    match &known.ended {
        Some((at, time)) if *at > due => {
            let over = Some((time.clone(), resolution(known.state)));
            said.exceptions.push(raised(E::CustomsStuck, "stuck at customs", began, due, over));
        }
        _ if known.state.is_terminal() => {}
        _ if known.now <= due => said.review(next(due)),
        _ => said.exceptions.push(raised(E::CustomsStuck, "stuck at customs", began, due, None)),
    }
}

/// It goes back to the sender.
fn comes_back(known: &Known<'_>, said: &mut Said) {
    let Some((began, _)) = returning(known.walked, known.steps) else { return };
    let closed = match (known.state, &known.ended) {
        (State::Returning, _) => None,
        (state, Some((_, time))) if state.is_terminal() => Some((time.clone(), resolution(state))),
        _ => return,
    };
    said.exceptions.push(raised(E::ReturnToOrigin, "returns", began, began, closed));
}

/// When the return began that is still going on, or that ended it.
pub(super) fn returning(
    walked: &[&Examined<'_>],
    steps: &IdMap<ObservationId, Step>,
) -> Option<(Timestamp, EventTime)> {
    let turned = |fact: &&&Examined<'_>| {
        steps.get(&fact.fact.id).is_some_and(|step| {
            let back = |state| matches!(state, State::Returning | State::Returned);
            back(step.after) && !back(step.before)
        })
    };
    let last = walked.iter().rev().find(turned)?;
    Some((last.key, last.time.clone()))
}

/// Countries whose parcels go by the same network under either code, ISO 3166-1.
const ONE_NETWORK: &[(&str, &str)] = &[
    ("CH", "LI"),
    ("DK", "FO"),
    ("ES", "AD"),
    ("FI", "AX"),
    ("FR", "AD"),
    ("FR", "MC"),
    ("GB", "GG"),
    ("GB", "IM"),
    ("GB", "JE"),
    ("IT", "SM"),
    ("IT", "VA"),
    ("US", "GU"),
    ("US", "PR"),
    ("US", "VI"),
];

fn is_same_country(a: &str, b: &str) -> bool {
    a == b || ONE_NETWORK.iter().any(|pair| *pair == (a, b) || *pair == (b, a))
}

/// At its destination, and that is not the country of the order.
fn wrong_country(known: &Known<'_>, said: &mut Said) {
    let Some(to) = known.to else { return };
    let back = |fact: &Examined<'_>| {
        known.steps.get(&fact.fact.id).is_some_and(|s| matches!(s.after, State::Returning | State::Returned))
    };
    let mut wrong: Option<Timestamp> = None;
    for fact in known.walked.iter().filter(|fact| !back(fact)) {
        let milestone = fact.fact.reading.milestone;
        let arrived = matches!(milestone.phase(), Phase::Destination | Phase::End) && milestone.is_physical();
        let country = fact.fact.observation.location.as_ref().and_then(|place| place.country.as_deref());
        let Some(country) = country.and_then(crate::place::country).filter(|_| arrived) else { continue };
        if !is_same_country(country, to) {
            wrong.get_or_insert(fact.key);
        } else if let Some(since) = wrong.take() {
            let over = Some((fact.time.clone(), Resolution::Progress));
            said.exceptions.push(raised(E::WrongDestination, "wrong country", since, since, over));
        }
    }
    let Some(since) = wrong else { return };
    // delivered there it is still wrong
    let closed = match (known.state, &known.ended) {
        (State::Returned | State::Cancelled, Some((_, time))) => Some((time.clone(), resolution(known.state))),
        _ => None,
    };
    said.exceptions.push(raised(E::WrongDestination, "wrong country", since, since, closed));
}

/// Planned or expected for a day that is over, and neither it nor anything after it was reported. The delivery itself is late
/// against the promise.
fn missing(known: &Known<'_>, said: &mut Said) {
    let moved = known.walked.iter().rev().find(|f| f.fact.reading.milestone.is_physical()).map(|f| f.key);
    let mut overdue: Vec<(Timestamp, Timestamp)> = Vec::new();
    for (name, entry) in known.schedule {
        let milestone = name.split('@').next().and_then(Milestone::from_code);
        let expected = entry.estimated.as_ref().or(entry.planned.as_ref()).and_then(EventTime::sort_key);
        let (Some(milestone), Some(at), None) = (milestone, expected, &entry.actual) else { continue };
        let passed = milestone.state().is_some_and(|state| state.rank() < known.state.rank());
        if milestone == Milestone::Delivered || passed || moved.is_some_and(|moved| moved >= at) {
            continue;
        }
        let due = known.watch.calendar.after_days(at, MILESTONE_DAYS);
        match known.now <= due {
            true => said.review(next(due)),
            false => overdue.push((at, due)),
        }
    }
    if let Some((at, due)) = overdue.into_iter().min() {
        said.exceptions.push(raised(E::MilestoneMissing, "milestone missing", at, due, None));
    }
}

/// What is reported is about a piece that the order does not have, or about another delivery.
fn mismatch(known: &Known<'_>, said: &mut Said) {
    let stray = known.facts.iter().filter(|fact| known.unexpected.contains(&fact.fact.id)).map(|fact| fact.first).min();
    let Some(since) = [stray, known.of_another].into_iter().flatten().min() else { return };
    let over = known.ended.as_ref().filter(|_| known.state.is_terminal());
    let closed = over.map(|(_, time)| (time.clone(), resolution(known.state)));
    said.exceptions.push(once(E::IdentifierMismatch, "identifier mismatch", since, closed));
}

fn stopped(known: &Known<'_>, said: &mut Said) {
    if known.visibility != Visibility::Stopped {
        return;
    }
    let feed = |fact: &&Examined<'_>| {
        fact.fact.reading.milestone == Milestone::TrackingStopped && matches!(fact.out, Some((Standing::Feed, ..)))
    };
    if let Some(since) = known.facts.iter().filter(feed).map(|fact| fact.first).max() {
        said.exceptions.push(raised(E::TrackingStopped, "tracking stopped", since, since, None));
    }
}

/// Codes that the mapping does not know; over when they are mapped.
fn unmapped(known: &Known<'_>, said: &mut Said) {
    let codes = known.facts.iter().filter(|fact| fact.counts() && fact.fact.reading.unmapped);
    if let Some(since) = codes.map(|fact| fact.first).min() {
        said.exceptions.push(once(E::UnmappedCode, "unmapped code", since, None));
    }
}

/// What other systems refused for good and was not accepted since: by the newest word about each.
pub(super) fn refusals(decisions: &[Decision]) -> Vec<FoldedException> {
    [E::OrderRefused, E::DeskRefused].into_iter().filter_map(|reason| refusal(decisions, reason)).collect()
}

fn refusal(decisions: &[Decision], reason: E) -> Option<FoldedException> {
    // of one moment, what was accepted came last: it ends what was refused
    let mut words: Vec<(Timestamp, bool)> = decisions
        .iter()
        .filter_map(|decision| match decision.what {
            Choice::Refused { reason: of } => (of == reason).then_some((decision.at, false)),
            Choice::Accepted { reason: of } => (of == reason).then_some((decision.at, true)),
            Choice::Resolve { .. } | Choice::Reopen { .. } => None,
        })
        .collect();
    words.sort_unstable();
    let accepted = words.iter().rposition(|(_, accepted)| *accepted).map_or(0, |at| at + 1);
    let since = words[accepted..].first().map(|(at, _)| *at)?;
    Some(raised(reason, reason.code(), since, since, None))
}
