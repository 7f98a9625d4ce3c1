//! What follows from a change, by cause and by what is known of an exception.

use super::*;
use crate::{
    Classifier, ExceptionReason, Milestone, State,
    event_time::{EventTime, Precision},
    exceptions::TAKEN_BACK_AFTER,
    fold::{self, Resolution, Sighting, Standing, Trust, Verdict},
    ids::SourceId,
    mapping::Mapping,
    observation::{Codes, Observation, Origin, ProviderCode},
    reading::Reader,
};
use uuid::Uuid;

const SHIPMENT: ShipmentId = ShipmentId(Uuid::from_u128(1));
const TRACKER: TrackerId = TrackerId(Uuid::from_u128(2));
const EXCEPTION: ExceptionId = ExceptionId(Uuid::from_u128(3));
const CAUSES: [Cause; 5] = [Cause::Live, Cause::Import, Cause::History, Cause::Replay, Cause::Reconcile];
const HOUR: i64 = 1;
const DAY: i64 = 24;
const REVISION: u64 = 7;

fn now() -> Timestamp {
    "2026-03-20T12:00:00Z".parse().unwrap()
}

/// So many hours ago.
fn ago(hours: i64) -> Timestamp {
    now() - SignedDuration::from_hours(hours)
}

fn policy() -> Policy {
    let grace = Grace { minor: SignedDuration::from_hours(48), major: SignedDuration::from_hours(2) };
    Policy { recent_days: 10, grace }
}

fn time(at: Timestamp) -> EventTime {
    EventTime::instant(at.to_string(), at, Precision::Second)
}

fn observation_id(n: u128) -> ObservationId {
    ObservationId(Uuid::from_u128(n))
}

/// A fact of an event so many hours ago, received so many hours ago.
fn fact(n: u128, event: i64, received: i64) -> Fact {
    let observation = Observation {
        provider_event_id: None,
        retracts: None,
        codes: Codes { raw: "x".into(), status: vec![ProviderCode::new("test", "x")], reason: None, coarse: None },
        classifier: Classifier::Actual,
        time: time(ago(event)),
        stated_at: None,
        location: None,
        piece: None,
        stop: None,
        origin: Origin::Event,
        description: None,
        signatory: None,
        documents: Vec::new(),
    };
    Fact {
        id: observation_id(n),
        reading: Mapping::base().read(&observation),
        observation,
        tracker: TRACKER,
        piece: None,
        source: SourceId(Uuid::from_u128(4)),
        trust: Trust::Carrier,
        sightings: vec![Sighting { snapshot: None, position: 0, recorded_at: ago(received) }],
    }
}

/// A major exception that began so many hours ago, by these facts.
fn exception(began: i64, evidence: &[u128]) -> FoldedException {
    FoldedException {
        reason: ExceptionReason::Damaged,
        piece: None,
        severity: Severity::Major,
        opened: time(ago(began)),
        opened_recorded: ago(began),
        closed: None,
        evidence: evidence.iter().copied().map(observation_id).collect(),
        clock_stopped_minutes: 0,
    }
}

fn committed(hours: i64, evidence: &[u128]) -> CommittedException {
    CommittedException {
        id: EXCEPTION,
        reason: ExceptionReason::Damaged,
        piece: None,
        severity: Severity::Major,
        evidence: evidence.iter().copied().map(observation_id).collect(),
        opened_at: ago(hours),
        recorded_at: ago(hours),
        closed: None,
        withheld: false,
    }
}

fn open(exception: FoldedException) -> ExceptionChange {
    ExceptionChange::Open { id: EXCEPTION, exception }
}

fn keep(exception: FoldedException) -> ExceptionChange {
    ExceptionChange::Keep { id: EXCEPTION, exception }
}

/// What a change is made of.
struct Given {
    linked: bool,
    cause: Cause,
    facts: Vec<Fact>,
    bound_at: BTreeMap<TrackerId, Timestamp>,
    before: Folded,
    after: Folded,
    committed: Vec<CommittedException>,
    exceptions: Vec<ExceptionChange>,
    activities: Vec<String>,
    cases: Vec<ExceptionId>,
    invoiced: bool,
}

impl Default for Given {
    fn default() -> Self {
        Self {
            linked: true,
            cause: Cause::Live,
            facts: Vec::new(),
            bound_at: BTreeMap::new(),
            before: Folded::default(),
            after: Folded::default(),
            committed: Vec::new(),
            exceptions: Vec::new(),
            activities: Vec::new(),
            cases: Vec::new(),
            invoiced: false,
        }
    }
}

impl Given {
    fn intents(&self, rules: &[Rule]) -> Vec<Intent> {
        let change = Change {
            shipment: SHIPMENT,
            revision: REVISION,
            linked: self.linked,
            cause: self.cause,
            now: now(),
            facts: &self.facts,
            bound_at: &self.bound_at,
            before: &self.before,
            after: &self.after,
            committed: &self.committed,
            exceptions: &self.exceptions,
            activities: &self.activities.iter().map(String::as_str).collect::<Vec<_>>(),
            cases: &self.cases,
            invoiced: self.invoiced,
        };
        evaluate(rules, &policy(), &change)
    }

    /// Target, key and outcome of each effect.
    fn effects(&self, rules: &[Rule]) -> Vec<(EffectTarget, String, EffectOutcome)> {
        let effect = |intent| match intent {
            Intent::Effect { target, key, outcome, .. } => Some((target, key, outcome)),
            _ => None,
        };
        self.intents(rules).into_iter().filter_map(effect).collect()
    }

    /// When each case is looked at, and whether urgently.
    fn cases(&self) -> Vec<(ExceptionId, Timestamp, bool)> {
        let case = |intent| match intent {
            Intent::UpdateCase { exception, at, urgent } => Some((exception, at, urgent)),
            _ => None,
        };
        self.intents(SHIPPED).into_iter().filter_map(case).collect()
    }
}

#[test]
fn an_exception_is_announced_by_its_cause_and_by_what_is_recent_of_it() {
    let over = FoldedException { closed: Some((time(now()), Resolution::Progress)), ..exception(HOUR, &[1]) };
    let withheld = CommittedException { withheld: true, ..committed(20 * DAY, &[1]) };
    let closed = CommittedException { closed: Some((ago(19 * DAY), Resolution::Person)), ..committed(20 * DAY, &[1]) };
    let recent = || fact(1, HOUR, HOUR);
    let old = || fact(1, 20 * DAY, 20 * DAY);
    for (what, committed, change, facts, announced_for) in [
        ("reported now", None, open(exception(HOUR, &[1])), vec![recent()], &CAUSES[..3]),
        (
            "reported now, began long ago",
            None,
            open(exception(20 * DAY, &[1])),
            vec![fact(1, 20 * DAY, HOUR)],
            &CAUSES[..2],
        ),
        ("reported long ago", None, open(exception(20 * DAY, &[1])), vec![old()], &[]),
        ("made by the clock now", None, open(exception(HOUR, &[])), vec![], &CAUSES[..2]),
        ("made by the clock long ago", None, open(exception(20 * DAY, &[])), vec![], &[]),
        ("over already", None, open(over), vec![recent()], &[]),
        (
            "announced before",
            Some(committed(HOUR, &[1])),
            keep(exception(HOUR, &[1, 2])),
            vec![recent(), fact(2, 0, 0)],
            &[],
        ),
        (
            "withheld, and reported again",
            Some(withheld.clone()),
            keep(exception(20 * DAY, &[1, 2])),
            vec![old(), fact(2, HOUR, HOUR)],
            &CAUSES[..2],
        ),
        (
            "withheld, and the old event reported again",
            Some(withheld.clone()),
            keep(exception(20 * DAY, &[1, 2])),
            vec![old(), fact(2, 20 * DAY, HOUR)],
            &[],
        ),
        ("withheld, nothing new", Some(withheld), keep(exception(20 * DAY, &[1])), vec![old()], &[]),
        ("open again", Some(closed), keep(exception(20 * DAY, &[1])), vec![old()], &CAUSES[..1]),
    ] {
        for cause in CAUSES {
            for linked in [true, false] {
                let (committed, exceptions) = (committed.iter().cloned().collect(), vec![change.clone()]);
                let given = Given { linked, cause, facts: facts.clone(), committed, exceptions, ..Given::default() };
                let announced = linked && announced_for.contains(&cause);
                let intents = given.intents(SHIPPED);
                let about = format!("{what}, {cause:?}, linked: {linked}: {intents:?}");
                assert_eq!(intents.contains(&Intent::UpdateOrder { urgent: true }), announced, "{about}");
                assert_eq!(intents.contains(&Intent::UpdateOrder { urgent: false }), linked && !announced, "{about}");
                let pending = given.effects(SHIPPED).iter().any(|(.., outcome)| *outcome == EffectOutcome::Pending);
                assert_eq!(pending, announced, "{about}");
                assert_eq!(given.cases().iter().any(|(.., urgent)| *urgent), announced, "{about}");
                // what goes on after it was announced is no history
                let history = !announced && what != "announced before";
                assert_eq!(intents.contains(&Intent::Withhold(EXCEPTION)), history, "{about}");
            }
        }
    }
}

#[test]
fn an_exception_that_is_over_when_it_is_first_known_has_no_activity() {
    let over = FoldedException { closed: Some((time(now()), Resolution::Progress)), ..exception(HOUR, &[1]) };
    let given = Given { facts: vec![fact(1, HOUR, HOUR)], exceptions: vec![open(over)], ..Given::default() };
    assert_eq!(given.intents(SHIPPED), [Intent::Withhold(EXCEPTION), Intent::UpdateOrder { urgent: false }]);
}

/// A change with something for each rule.
fn eventful() -> Given {
    let announcement = |milestone, ordinal| Announcement { piece: None, milestone, ordinal, fact: observation_id(1) };
    let before = announcement(Milestone::Delivered, 1);
    let after = announcement(Milestone::PickedUp, 1);
    Given {
        facts: vec![fact(1, HOUR, HOUR)],
        before: Folded { state: State::Delivered, announcements: vec![before], ..Folded::default() },
        after: Folded { state: State::InTransit, announcements: vec![after], ..Folded::default() },
        exceptions: vec![open(exception(HOUR, &[1]))],
        ..Given::default()
    }
}

#[test]
fn each_rule_has_its_intents_in_the_order_of_the_rules() {
    let all = eventful().intents(SHIPPED);
    let keys: Vec<_> = eventful().effects(SHIPPED).into_iter().map(|(_, key, _)| key).collect();
    assert_eq!(keys, ["PICKED_UP/-/1", &exception_key(EXCEPTION), "correction/7"]);
    let due = now() + policy().grace.major;
    assert_eq!(
        all[3..],
        [Intent::UpdateOrder { urgent: true }, Intent::UpdateCase { exception: EXCEPTION, at: due, urgent: true }]
    );
    for (n, rule) in SHIPPED.iter().enumerate() {
        assert_eq!(eventful().intents(&[*rule]), all[n..=n], "{rule:?} alone");
        let others: Vec<_> = SHIPPED.iter().filter(|other| *other != rule).copied().collect();
        let without: Vec<_> = all.iter().filter(|intent| **intent != all[n]).cloned().collect();
        assert_eq!(eventful().intents(&others), without, "without {rule:?}");
    }
    assert_eq!(eventful().intents(&[]), []);
    let critical = [Rule::ScheduleActivities { least: Severity::Critical }];
    assert_eq!(eventful().intents(&critical), [], "it is major");
}

#[test]
fn notes_follow_only_what_is_received_live_since_the_number_is_the_shipments() {
    use EffectOutcome::{Pending, Withheld};
    let notes = |given: Given| -> Vec<_> {
        let rules = [Rule::NoteMilestones, Rule::NoteCorrections];
        given.effects(&rules).into_iter().map(|(.., outcome)| outcome).collect()
    };
    assert_eq!(notes(eventful()), [Pending, Pending]);
    for cause in &CAUSES[1..] {
        assert_eq!(notes(Given { cause: *cause, ..eventful() }), [Withheld, Withheld], "{cause:?}");
    }
    let bound = |hours| BTreeMap::from([(TRACKER, ago(hours))]);
    assert_eq!(notes(Given { bound_at: bound(2), ..eventful() }), [Pending, Pending]);
    assert_eq!(notes(Given { bound_at: bound(0), ..eventful() }), [Withheld, Pending], "received before");
    assert_eq!(notes(Given { linked: false, ..eventful() }), []);
    let after = Folded { state: State::Delivered, ..eventful().after };
    assert_eq!(notes(Given { after, ..eventful() }), [Pending], "the state is the same: no correction");
}

#[test]
fn what_is_taken_back_and_reported_again_at_once_keeps_its_activity() {
    let again = format!("{}/{REVISION}", exception_key(EXCEPTION));
    let within = CORRECTED_WITHIN.as_secs();
    assert!(CORRECTED_WITHIN < TAKEN_BACK_AFTER);
    for (seconds, how, activity, wanted) in [
        (within, Resolution::Cleared, true, false),
        (within + 1, Resolution::Cleared, true, true),
        (within, Resolution::Cleared, false, true),
        (within, Resolution::Progress, true, true),
    ] {
        let closed = Some((now() - SignedDuration::from_secs(seconds), how));
        let activities = activity.then(|| exception_key(EXCEPTION)).into_iter().collect();
        let given = Given {
            facts: vec![fact(1, HOUR, HOUR)],
            committed: vec![CommittedException { closed, ..committed(HOUR, &[1]) }],
            exceptions: vec![keep(exception(HOUR, &[1]))],
            activities,
            ..Given::default()
        };
        let wanted: Vec<_> =
            wanted.then(|| (EffectTarget::OrderActivity, again.clone(), EffectOutcome::Pending)).into_iter().collect();
        assert_eq!(given.effects(SHIPPED), wanted, "{seconds} s, {how:?}, activity: {activity}");
    }
}

#[test]
fn a_case_is_looked_at_after_the_grace_or_at_once_where_there_may_be_one() {
    let (case, info) = (ExceptionId(Uuid::from_u128(5)), ExceptionId(Uuid::from_u128(6)));
    let close = |id| ExceptionChange::Close { id, at: None, resolution: Resolution::Cleared };
    let at = |hours| vec![committed(hours, &[1])];
    for (what, committed, exceptions, cases, looked_at) in [
        (
            "minor",
            vec![],
            vec![open(FoldedException { severity: Severity::Minor, ..exception(0, &[1]) })],
            vec![],
            vec![(EXCEPTION, ago(-48), true)],
        ),
        (
            "critical",
            vec![],
            vec![open(FoldedException { severity: Severity::Critical, ..exception(0, &[1]) })],
            vec![],
            vec![(EXCEPTION, now(), true)],
        ),
        (
            "information",
            vec![],
            vec![open(FoldedException { severity: Severity::Info, ..exception(0, &[1]) })],
            vec![],
            vec![],
        ),
        ("there is a case", vec![], vec![], vec![case], vec![(case, now(), false)]),
        ("its grace is over", at(2), vec![], vec![], vec![(EXCEPTION, now(), false)]),
        ("its grace is not over", at(1), vec![], vec![], vec![]),
        ("withheld", vec![CommittedException { withheld: true, ..committed(3, &[1]) }], vec![], vec![], vec![]),
        ("over before its grace", at(1), vec![close(EXCEPTION)], vec![], vec![(EXCEPTION, now(), false)]),
        (
            "information is over",
            vec![CommittedException { id: info, severity: Severity::Info, ..committed(1, &[1]) }],
            vec![close(info)],
            vec![],
            vec![],
        ),
    ] {
        let given = Given { facts: vec![fact(1, 0, 0)], committed, exceptions, cases, ..Given::default() };
        assert_eq!(given.cases(), looked_at, "{what}");
        assert_eq!(Given { linked: false, ..given }.cases(), [], "{what}, not linked");
    }
}

/// A change of the state by an event, whose milestone and reception are given.
fn moved(from: State, to: State, milestone: Milestone, received: i64) -> Given {
    let mut event = fact(1, HOUR, received);
    event.reading.milestone = milestone;
    let verdict = Verdict { fact: event.id, standing: Standing::Decides, rule: fold::Rule::R1, because: String::new() };
    let announcement = Announcement { piece: None, milestone, ordinal: 1, fact: event.id };
    let after = Folded {
        state: to,
        decided_by: Some(event.id),
        verdicts: vec![verdict],
        announcements: vec![announcement],
        ..Folded::default()
    };
    let before = Folded { state: from, ..Folded::default() };
    Given { facts: vec![event], before, after, ..Given::default() }
}

#[test]
fn steps_follow_the_change_that_leads_to_them_and_no_history() {
    use EffectOutcome::{Pending, Withheld};
    use EffectTarget::{OrderInvoice, OrderProof, OrderReturn, OrderValidation};
    let invoice = Rule::Invoice { how: Invoicing::Post, on: InvoiceOn::Delivered, of: InvoiceFor::Order };
    let rules = [Rule::ValidateDelivery, Rule::AttachProof, invoice, Rule::CreateReturn];
    let bound = BTreeMap::from([(TRACKER, ago(2))]);
    for (what, from, to, milestone, steps) in [
        ("first scan", State::Registered, State::PickedUp, Milestone::PickedUp, vec![OrderValidation]),
        ("announced only", State::Unknown, State::Registered, Milestone::InfoReceived, vec![]),
        (
            "delivered",
            State::OutForDelivery,
            State::Delivered,
            Milestone::Delivered,
            vec![OrderValidation, OrderProof, OrderInvoice],
        ),
        ("was delivered", State::Delivered, State::Delivered, Milestone::Delivered, vec![OrderValidation, OrderProof]),
        (
            "comes back",
            State::InTransit,
            State::Returning,
            Milestone::ReturnInTransit,
            vec![OrderValidation, OrderReturn],
        ),
        ("is back", State::Returning, State::Returned, Milestone::Returned, vec![OrderValidation]),
    ] {
        for (received, cause, outcome) in [
            (1, Cause::Live, Pending),
            (3, Cause::Live, Withheld),
            (1, Cause::Import, Withheld),
            (1, Cause::History, Withheld),
            (1, Cause::Replay, Withheld),
            (1, Cause::Reconcile, Withheld),
        ] {
            let given = Given { cause, bound_at: bound.clone(), ..moved(from, to, milestone, received) };
            let found: Vec<_> =
                given.effects(&rules).into_iter().map(|(target, _, outcome)| (target, outcome)).collect();
            let expected: Vec<_> = steps.iter().map(|step| (*step, outcome.clone())).collect();
            assert_eq!(found, expected, "{what}, received {received} h ago, {cause:?}");
            assert_eq!(Given { linked: false, ..given }.effects(&rules), [], "{what}, not linked");
        }
    }
}

#[test]
fn a_delivery_that_was_scanned_before_is_not_validated_later() {
    let mut given = moved(State::PickedUp, State::InTransit, Milestone::DepartedFacility, HOUR);
    given.before.verdicts = given.after.verdicts.clone();
    assert_eq!(given.effects(&[Rule::ValidateDelivery]), [], "the rule came after the scan");
    given.before.verdicts[0].standing = Standing::Retracted;
    assert_eq!(given.effects(&[Rule::ValidateDelivery]).len(), 1, "what is retracted is no scan");
}

#[test]
fn a_retracted_delivery_asks_to_check_its_invoice() {
    let invoice = [Rule::Invoice { how: Invoicing::Post, on: InvoiceOn::Delivered, of: InvoiceFor::Order }];
    for (invoiced, cause, expected) in [
        (true, Cause::Live, vec![EffectOutcome::Pending]),
        (true, Cause::Replay, vec![EffectOutcome::Withheld]),
        (false, Cause::Live, vec![]),
    ] {
        let given = Given { invoiced, cause, ..eventful() };
        let found: Vec<_> = given.effects(&invoice).into_iter().map(|(.., outcome)| outcome).collect();
        assert_eq!(found, expected, "{invoiced}, {cause:?}");
    }
}
