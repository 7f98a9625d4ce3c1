//! The fold: from everything known to one state and the reasons for it. Pure, total, order-independent, idempotent.
//!
//! The steps, each in its file: which facts are about this parcel ([`sharing`], [`incarnation`]), which of them count ([`standing`]), which are one event ([`merge`]), in which order they
//! go ([`order`]), the state by walking them ([`journey`]), exceptions over it ([`overlay`]), plans and estimates
//! ([`schedule`]), what only the clock decides ([`clock`]), what follows without a carrier saying so ([`derived`]), what is
//! announced ([`announce`]), and why nothing current is known ([`unknown`]).

mod announce;
mod clock;
mod derived;
mod incarnation;
pub(crate) mod input;
mod journey;
mod merge;
mod moments;
mod order;
pub(crate) mod output;
mod overlay;
mod schedule;
mod sharing;
mod standing;
#[cfg(test)]
mod tests;
mod unknown;

pub use clock::update_due;
pub use incarnation::{of_other_uses, same_use};
pub use input::{
    Choice, Decision, DeliveryStanding, Fact, Feed, FoldInput, OtherDelivery, Plan, PromiseSource, Promised, Sighting,
    Snapshot, Trust, Watch,
};
pub use output::{
    Announcement, Anomaly, Counts, Folded, FoldedException, NextUse, Resolution, Rule, ScheduleEntry, Standing, Verdict,
};

use crate::{
    Milestone, State, Visibility,
    event_time::EventTime,
    exceptions::{escalated, suppression},
    ids::{IdMap, IdSet, ObservationId, content_id},
    observation::Origin,
};
use jiff::Timestamp;
pub use journey::speaks_for;
use journey::{Journey, Reached, Step};
use overlay::Settled;
use standing::Examined;
use std::collections::BTreeMap;

/// Folds everything known into the state. The order of facts, sightings and snapshots in the input does not matter;
/// `now` decides only what the clock decides.
pub fn fold(input: &FoldInput, now: Timestamp) -> Folded {
    let shared = sharing::own(input);
    let of_another = of_another(input, &shared);
    let own = incarnation::own(&shared.input);
    let input = &*own.input;
    let mut facts = standing::examine(input);
    merge::merge(&mut facts);
    order::arrange(&mut facts);
    let walked: Vec<&Examined<'_>> = facts.iter().filter(|f| f.counts() && f.is_actual()).collect();
    let mut whole = Whole::of(&walked, &input.plan);
    whole.call_off(&input.plan);
    whole.receive(&input.plan);
    let steps: IdMap<ObservationId, Step> = whole.steps().map(|step| (step.fact, *step)).collect();
    let settled = Settled::of(input);
    let failed = whole.failed_attempts();
    let mut exceptions = overlay::exceptions(&settled, &walked, &steps, now);
    exceptions.extend(overlay::repeated_attempts(failed, &walked, &steps).map(|e| settled.derived(e)));
    close_with_the_delivery(&mut exceptions, &whole, &input.plan);
    let heard_at = heard_at(&facts);
    let known = schedule::Known { plan: &input.plan, steps: &steps, delivered: whole.delivered };
    let schedule = schedule::schedule(&facts, &known);
    let visibility = visibility(&facts, whole.state);
    let asked = clock::Asked {
        plan: &input.plan,
        state: whole.state,
        left: left(&walked),
        ended: whole.ended(&walked),
        returning: derived::returning(&walked, &steps).filter(|_| whole.goes_back()),
        labelled: labelled(&walked),
        heard_at,
        watch: input.watch.as_ref(),
        now,
    };
    let mut clock = clock::ask(&asked);
    if let (Some(watch), false) = (&input.watch, input.plan.is_called_off()) {
        clock.add(derived::derive(&derived::Known {
            watch,
            walked: &walked,
            facts: &facts,
            steps: &steps,
            schedule: &schedule,
            to: input.plan.to.as_deref(),
            state: whole.state,
            visibility,
            ended: asked.ended.clone(),
            unexpected: &whole.unexpected,
            of_another,
            now,
        }));
    }
    clock.exceptions.extend(derived::refusals(&input.decisions));
    let mut folded = Folded {
        state: whole.state,
        decided_by: whole.decided_by,
        visibility,
        delivered_at: whole.received.map(clock::event_time).or_else(|| whole.delivered.map(|end| end.time.clone())),
        returned_at: whole.returned.map(|end| end.time.clone()),
        eta: schedule::eta(&schedule),
        last_event: walked.iter().rev().find(|f| is_event(f)).map(|f| f.fact.id),
        heard_at,
        pieces: whole.pieces.iter().map(|(piece, journey)| (piece.clone(), journey.state)).collect(),
        schedule,
        attempts: u32::try_from(failed.len() + usize::from(whole.delivered.is_some())).unwrap_or(u32::MAX),
        counts: counts(&facts, whole.state),
        exceptions,
        anomalies: anomalies(&facts, &whole, &shared),
        verdicts: verdicts(&facts, &steps, &whole, shared.others.into_iter().chain(own.others)),
        announcements: whole.announcements(),
        incarnation: own.incarnation,
        next_uses: own.next,
        unknown: None,
        review_at: clock.review_at,
        hash: String::new(),
    };
    folded.hash = hash(&folded);
    let derived = clock.exceptions.into_iter().map(|e| settled.derived(e)).collect();
    notice(&mut folded, derived, input, now);
    folded
}

/// Ends what is open of a delivery that was called off or received.
fn close_with_the_delivery(exceptions: &mut [FoldedException], whole: &Whole, plan: &Plan) {
    if whole.called_off || plan.standing == DeliveryStanding::Deleted {
        clock::close_called_off(exceptions, plan);
    }
    if let Some(at) = whole.received {
        clock::close_received(exceptions, at);
    }
}

/// Adds what is derived, as far as nothing else explains it, and what follows from all exceptions.
fn notice(folded: &mut Folded, mut derived: Vec<FoldedException>, input: &FoldInput, now: Timestamp) {
    suppression::suppress(&folded.exceptions, &mut derived, folded.state);
    folded.exceptions.extend(derived);
    if let Some(watch) = &input.watch {
        escalate(folded, watch, now);
        let (cause, until) = unknown::cause(&input.plan, folded, watch, now);
        folded.unknown = cause;
        folded.review_at = [folded.review_at, until].into_iter().flatten().min();
    }
}

/// What stays open grows more severe with its age.
fn escalate(folded: &mut Folded, watch: &Watch, now: Timestamp) {
    for exception in folded.exceptions.iter_mut().filter(|exception| exception.closed.is_none()) {
        let (severity, next) = escalated(exception.reason, exception.opened_recorded, now, &watch.calendar);
        exception.severity = severity;
        folded.review_at = [folded.review_at, next].into_iter().flatten().min();
    }
}

/// The journey of the whole, with those of the pieces where the plan has any.
struct Whole<'a> {
    state: State,
    decided_by: Option<ObservationId>,
    delivered: Option<Reached<'a>>,
    returned: Option<Reached<'a>>,
    /// Of the whole; empty where there are pieces.
    journey: Journey<'a>,
    pieces: BTreeMap<String, Journey<'a>>,
    unexpected: IdSet<ObservationId>,
    /// It was cancelled or deleted in the order system before the carrier had it.
    called_off: bool,
    /// When the order system had it received, where no carrier reports how it ended.
    received: Option<Timestamp>,
}

impl<'a> Whole<'a> {
    fn of(walked: &[&Examined<'a>], plan: &Plan) -> Self {
        if plan.pieces.is_empty() {
            let journey = journey::walk(walked, plan);
            return Self {
                state: journey.state,
                decided_by: journey.decided_by,
                delivered: journey.delivered,
                returned: journey.returned,
                journey,
                pieces: BTreeMap::new(),
                unexpected: IdSet::default(),
                called_off: false,
                received: None,
            };
        }
        let pieces = journey::walk_pieces(walked, plan);
        Self {
            state: pieces.state,
            decided_by: pieces.decided_by,
            delivered: pieces.delivered,
            returned: pieces.returned,
            journey: Journey::default(),
            pieces: pieces.pieces,
            unexpected: pieces.unexpected.into_iter().collect(),
            called_off: false,
            received: None,
        }
    }

    /// What the order system cancelled before the carrier had it is cancelled; a parcel that moves goes by its events.
    fn call_off(&mut self, plan: &Plan) {
        if plan.is_called_off() && !self.state.has_left() && self.state != State::Cancelled {
            self.called_off = true;
            self.state = State::Cancelled;
            self.decided_by = None;
        }
    }

    /// What was received into stock has arrived, however far the carrier's events go; how it ended by these goes before that.
    fn receive(&mut self, plan: &Plan) {
        if let Some(at) = plan.received_at.filter(|_| !self.state.is_terminal()) {
            self.received = Some(at);
            self.state = State::Delivered;
            self.decided_by = None;
        }
    }

    fn journeys(&self) -> impl DoubleEndedIterator<Item = (Option<&str>, &Journey<'a>)> {
        let pieces = self.pieces.iter().map(|(piece, journey)| (Some(piece.as_str()), journey));
        pieces.chain(self.pieces.is_empty().then_some((None, &self.journey)))
    }

    fn steps(&self) -> impl Iterator<Item = &Step> {
        self.journeys().flat_map(|(_, journey)| &journey.steps)
    }

    /// The failed attempts; of several pieces, those of the one that failed most often.
    fn failed_attempts(&self) -> &[ObservationId] {
        let all = self.journeys().map(|(_, journey)| &journey.failed_attempts[..]);
        all.rev().max_by_key(|attempts| attempts.len()).unwrap_or_default()
    }

    /// What the latest status of a piece means for the whole, where there are several pieces; none of any other fact.
    fn of_piece(&self, fact: ObservationId) -> Option<String> {
        let decides = |journey: &Journey<'_>| journey.decided_by == Some(fact);
        let of: Vec<&str> =
            self.pieces.iter().filter(|(_, one)| decides(one)).map(|(piece, _)| piece.as_str()).collect();
        let [piece] = of[..] else { return None };
        let whole = self.decided_by?;
        if self.pieces.len() < 2 || self.called_off || self.received.is_some() {
            return None;
        }
        let behind = self.pieces.iter().find(|(_, journey)| journey.decided_by == Some(whole));
        Some(match (self.state, fact == whole) {
            (State::Delivered, true) => format!("All pieces are delivered, {piece} as the last one."),
            (State::PartiallyDelivered, true) => format!("Some pieces are delivered, {piece} as the latest."),
            (State::Delivered | State::PartiallyDelivered, false) => format!("Latest status of piece {piece} alone."),
            (_, true) => format!("Latest status of piece {piece}, which is furthest behind."),
            (_, false) => match behind {
                Some((behind, _)) => format!("Latest status of piece {piece} alone: piece {behind} is further behind."),
                None => format!("Latest status of piece {piece} alone."),
            },
        })
    }

    fn announcements(&self) -> Vec<Announcement> {
        self.journeys().flat_map(|(piece, journey)| announce::announcements(&journey.steps, piece)).collect()
    }

    /// Whether it is on its way back, or came back.
    fn goes_back(&self) -> bool {
        matches!(self.state, State::Returning | State::Returned)
    }

    /// When the journey ended: the time of the fact that decided it, or of the receipt.
    fn ended(&self, walked: &[&Examined<'_>]) -> Option<(Timestamp, EventTime)> {
        if let Some(at) = self.received {
            return Some((at, clock::event_time(at)));
        }
        let fact = walked.iter().find(|f| Some(f.fact.id) == self.decided_by && self.state.is_terminal())?;
        Some((fact.key, fact.time.clone()))
    }
}

/// When the carrier first had the goods: sorting instant and time of the first such event.
fn left(walked: &[&Examined<'_>]) -> Option<(Timestamp, EventTime)> {
    let first = walked.iter().find(|f| f.leads_to().is_some_and(State::has_left))?;
    Some((first.key, first.time.clone()))
}

/// When the first statement came in that is about another delivery under the same number.
fn of_another(input: &FoldInput, shared: &sharing::Own<'_>) -> Option<Timestamp> {
    let theirs: IdSet<ObservationId> = shared.others.iter().map(|verdict| verdict.fact).collect();
    let of_them = input.facts.iter().filter(|fact| theirs.contains(&fact.id));
    of_them.flat_map(|fact| &fact.sightings).map(|sighting| sighting.recorded_at).min()
}

/// When the carrier first had the data and nothing but the data.
fn labelled(walked: &[&Examined<'_>]) -> Option<Timestamp> {
    walked.iter().find(|f| f.leads_to() == Some(State::Registered)).map(|f| f.key)
}

/// An actual statement about the goods: what people call the last event.
fn is_event(examined: &Examined<'_>) -> bool {
    !matches!(examined.fact.reading.milestone, Milestone::EtaChanged | Milestone::Position)
}

/// When something new was last reported: the newest first sighting. A list that only repeats is nothing new.
fn heard_at(facts: &[Examined<'_>]) -> Option<Timestamp> {
    facts.iter().filter(|f| !standing::is_feed(f.fact.reading.milestone)).map(|f| f.first).max()
}

/// The newest report about the feed, unless an event came after it.
fn visibility(facts: &[Examined<'_>], state: State) -> Visibility {
    let said = |f: &&Examined<'_>| {
        matches!(f.out, Some((Standing::Feed, ..))) && f.fact.reading.milestone != Milestone::TrackingStarted
    };
    let Some(feed) = facts.iter().filter(said).max_by_key(|f| (f.first, f.order())) else { return Visibility::Live };
    let spoken_since = facts.iter().any(|f| f.speaks() && f.first > feed.first);
    match feed.fact.reading.milestone {
        _ if spoken_since || state == State::Delivered => Visibility::Live,
        Milestone::TrackingStopped => Visibility::Stopped,
        _ => Visibility::Stale,
    }
}

fn counts(facts: &[Examined<'_>], state: State) -> Counts {
    let mut counts = Counts::default();
    for examined in facts {
        match examined.out.map(|(standing, ..)| standing) {
            // what a message expects of the delivery, beside its events, is no event
            None if examined.is_aside() => {}
            None => {
                counts.active += 1;
                counts.unmapped += u32::from(examined.fact.reading.unmapped);
            }
            Some(Standing::Merged) => counts.merged += 1,
            Some(Standing::Superseded) => {
                counts.superseded += 1;
                // a newer list that goes back behind an older one corrects it
                let further = examined.leads_to().is_some_and(|said| said.rank() > state.rank());
                counts.corrections += u32::from(examined.is_actual() && further && is_reported(examined));
            }
            Some(Standing::Quarantined) => counts.quarantined += 1,
            Some(Standing::Retracted) => {
                counts.retracted += 1;
                let moved = examined.is_actual() && examined.fact.reading.milestone.state().is_some();
                counts.corrections += u32::from(moved);
            }
            Some(_) => {}
        }
    }
    counts
}

/// An event of a list, not its summary.
fn is_reported(examined: &Examined<'_>) -> bool {
    examined.fact.observation.origin == Origin::Event
}

fn anomalies(facts: &[Examined<'_>], whole: &Whole<'_>, shared: &sharing::Own<'_>) -> Vec<Anomaly> {
    let mut all: Vec<Anomaly> = whole.journeys().flat_map(|(_, journey)| journey.anomalies.clone()).collect();
    all.extend((!whole.unexpected.is_empty()).then_some(Anomaly::UnexpectedPiece));
    all.extend((!shared.others.is_empty()).then_some(Anomaly::NumberOfAnother));
    let some = |test: &dyn Fn(&Examined<'_>) -> bool| facts.iter().any(test);
    all.extend(some(&|f| matches!(f.out, Some((Standing::Quarantined, ..)))).then_some(Anomaly::ImpossibleTime));
    all.extend(some(&|f| f.counts() && f.fact.reading.doubt.is_some()).then_some(Anomaly::Contradiction));
    all.extend(some(&|f| f.counts() && f.fact.reading.unmapped).then_some(Anomaly::UnmappedCode));
    all.sort_unstable();
    all.dedup();
    all
}

/// The standing of every fact, its rule and one sentence why.
fn verdicts(
    facts: &[Examined<'_>],
    steps: &IdMap<ObservationId, Step>,
    whole: &Whole<'_>,
    others: impl Iterator<Item = Verdict>,
) -> Vec<Verdict> {
    let own = facts.iter().map(|examined| {
        let id = examined.fact.id;
        let (standing, rule, because) = match (examined.out, steps.get(&id)) {
            (Some(out), _) => out,
            _ if !examined.is_actual() => (Standing::Schedule, Rule::R9, "Estimates do not change the status."),
            _ if whole.unexpected.contains(&id) => {
                (Standing::Counts, Rule::R12, "About a piece that is not in the order.")
            }
            (None, Some(step)) if Some(id) == whole.decided_by => (Standing::Decides, step.rule, step.because),
            (None, Some(step)) => of_step(examined, step),
            (None, None) => (Standing::Counts, Rule::R1, "Counts, but does not change the status."),
        };
        let (rule, because) = match examined.out.is_none().then(|| whole.of_piece(id)).flatten() {
            Some(of_piece) => (Rule::R12, of_piece),
            None => (rule, because.to_owned()),
        };
        Verdict { fact: id, standing, rule, because }
    });
    own.chain(others).collect()
}

fn of_step(examined: &Examined<'_>, step: &Step) -> (Standing, Rule, &'static str) {
    match (step.standing, &examined.fact.reading) {
        (Standing::Counts, reading) if reading.unmapped => {
            (Standing::Counts, Rule::R17, "Unmapped code: stored, not guessed.")
        }
        (Standing::Counts, reading) if reading.exception.is_some() => {
            (Standing::Overlay, Rule::R8, "Exception; status unchanged.")
        }
        (Standing::Counts, _) if examined.fact.observation.origin == Origin::Summary => {
            (Standing::Counts, Rule::R17, "From the summary; no event in the list.")
        }
        (Standing::Decides, _) => (Standing::Overruled, step.rule, "Superseded by a newer event."),
        (standing, _) => (standing, step.rule, step.because),
    }
}

/// Digest of what the clock alone does not decide.
fn hash(folded: &Folded) -> String {
    let exceptions: Vec<_> =
        folded.exceptions.iter().map(|e| (e.reason, &e.piece, &e.opened, &e.closed, &e.evidence)).collect();
    let said = (
        (folded.state, folded.decided_by, folded.visibility, &folded.delivered_at, &folded.returned_at),
        (&folded.pieces, &folded.schedule, folded.attempts, folded.counts, folded.last_event),
        (exceptions, &folded.anomalies, &folded.announcements),
    );
    // a dense form: this is done for every fold
    let bytes = postcard::to_allocvec(&said).expect("plain data serialises");
    content_id("fold", &[&bytes]).simple().to_string()
}
