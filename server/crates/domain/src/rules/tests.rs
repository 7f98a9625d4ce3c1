//! What follows from a change, by cause and by what is known of an exception.

use super::*;
use crate::{
    Classifier, ExceptionReason, Milestone, State,
    effects::{InvoiceFor, InvoiceOn, Invoicing},
    event_time::{EventTime, Precision},
    exceptions::TAKEN_BACK_AFTER,
    fold::{self, Resolution, Sighting, Standing, Trust, Verdict},
    ids::SourceId,
    mapping::Mapping,
    observation::{Codes, Observation, Origin, ProviderCode},
    reading::Reader,
    rule::{Action, Content, Limits, Terms, Trigger},
};
use uuid::Uuid;

mod actions;

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
    plan: Plan,
    watch: Option<Watch>,
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
            plan: Plan::default(),
            watch: None,
        }
    }
}

/// A rule that does one thing.
fn rule(when: &str, action: Action) -> Running {
    let content = Content {
        name: "a rule".into(),
        trigger: Trigger::Change,
        when: when.into(),
        then: vec![action],
        severity: None,
        limits: Limits::default(),
    };
    Running::new("a-rule".parse().unwrap(), 1, content, Timestamp::MIN).unwrap()
}

/// The shipped rules, as far as they do not depend on the connection.
fn shipped_rules() -> Vec<Running> {
    let first = shipped().into_iter().take(5);
    first.map(|(id, content)| Running::new(id, 0, content, Timestamp::MIN).unwrap()).collect()
}

/// Everything that follows, in the order in which it is committed.
fn flat(outcome: Outcome) -> Vec<Intent> {
    assert_eq!(outcome.failed, []);
    outcome.always.into_iter().chain(outcome.fired.into_iter().flat_map(|fired| fired.intents)).collect()
}

impl Given {
    fn intents(&self, rules: &[Running]) -> Vec<Intent> {
        flat(self.outcome(rules, Steps::default()))
    }

    fn outcome(&self, rules: &[Running], steps: Steps) -> Outcome {
        self.with(steps, |change| evaluate(rules, &policy(), change))
    }

    fn with<T>(&self, steps: Steps, look: impl FnOnce(&Change<'_>) -> T) -> T {
        let about = About {
            order: Some("S00123"),
            delivery: Some("WH/OUT/00042"),
            warehouse: Some("WH"),
            company: None,
            value: Money::read("1250.50", "EUR").ok(),
            customer: Some(7),
            segments: vec!["VIP", "Wholesale"],
            is_purchase: false,
            direction: Direction::Outbound,
            carriers: vec!["dhl"],
            country: Some("PT".into()),
            plan: &self.plan,
            watch: self.watch.as_ref(),
            steps,
        };
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
            about: &about,
        };
        look(&change)
    }

    /// Target, key and outcome of each effect.
    fn effects(&self, rules: &[Running]) -> Vec<(EffectTarget, String, EffectOutcome)> {
        let effect = |intent| match intent {
            Intent::Effect { target, key, outcome, .. } => Some((target, key, outcome)),
            _ => None,
        };
        self.intents(rules).into_iter().filter_map(effect).collect()
    }

    /// When each case is looked at, and whether urgently.
    fn cases(&self) -> Vec<(ExceptionId, Timestamp, bool)> {
        let case = |intent| match intent {
            Intent::UpdateCase { exception, at, urgent, .. } => Some((exception, at, urgent)),
            _ => None,
        };
        self.intents(&shipped_rules()).into_iter().filter_map(case).collect()
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
                let intents = given.intents(&shipped_rules());
                let about = format!("{what}, {cause:?}, linked: {linked}: {intents:?}");
                assert_eq!(intents.contains(&Intent::UpdateOrder { urgent: true }), announced, "{about}");
                assert_eq!(intents.contains(&Intent::UpdateOrder { urgent: false }), linked && !announced, "{about}");
                let pending =
                    given.effects(&shipped_rules()).iter().any(|(.., outcome)| *outcome == EffectOutcome::Pending);
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
    assert_eq!(given.intents(&shipped_rules()), [Intent::Withhold(EXCEPTION), Intent::UpdateOrder { urgent: false }]);
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
    let all = eventful().intents(&shipped_rules());
    let keys: Vec<_> = eventful().effects(&shipped_rules()).into_iter().map(|(_, key, _)| key).collect();
    assert_eq!(keys, ["PICKED_UP/-/1", &exception_key(EXCEPTION), "correction/7"]);
    let due = now() + policy().grace.major;
    assert_eq!(
        all[3..],
        [
            Intent::UpdateOrder { urgent: true },
            Intent::UpdateCase { exception: EXCEPTION, at: due, urgent: true, desk: None }
        ]
    );
    for (n, rule) in shipped_rules().iter().enumerate() {
        assert_eq!(eventful().intents(std::slice::from_ref(rule)), all[n..=n], "{rule:?} alone");
        let others: Vec<_> = shipped_rules().into_iter().filter(|other| other.id != rule.id).collect();
        let without: Vec<_> = all.iter().filter(|intent| **intent != all[n]).cloned().collect();
        assert_eq!(eventful().intents(&others), without, "without {rule:?}");
    }
    assert_eq!(eventful().intents(&[]), []);
    let plain = Action::ScheduleActivity { summary: None, login: None, due_days: None };
    let critical = [rule("exception.severity == \"CRITICAL\"", plain)];
    assert_eq!(eventful().intents(&critical), [], "it is major");
}

#[test]
fn notes_follow_only_what_is_received_live_since_the_number_is_the_shipments() {
    use EffectOutcome::{Pending, Withheld};
    let notes = |given: Given| -> Vec<_> {
        let rules = [Action::NoteMilestones, Action::NoteCorrections].map(|action| rule("true", action));
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
        assert_eq!(given.effects(&shipped_rules()), wanted, "{seconds} s, {how:?}, activity: {activity}");
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
    let terms = Some(Terms { how: Invoicing::Post, on: InvoiceOn::Delivered, of: InvoiceFor::Order });
    let rules = [Action::ValidateDelivery, Action::AttachProof, Action::Invoice { terms }, Action::CreateReturn]
        .map(|action| rule("true", action));
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
    assert_eq!(given.effects(&[rule("true", Action::ValidateDelivery)]), [], "the rule came after the scan");
    given.before.verdicts[0].standing = Standing::Retracted;
    assert_eq!(given.effects(&[rule("true", Action::ValidateDelivery)]).len(), 1, "what is retracted is no scan");
}

#[test]
fn a_retracted_delivery_asks_to_check_its_invoice() {
    let terms = Some(Terms { how: Invoicing::Post, on: InvoiceOn::Delivered, of: InvoiceFor::Order });
    let invoice = [rule("true", Action::Invoice { terms })];
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

/// What followed before rules were data, as it was decided then: the shipped rules decide the same, to the byte.
fn as_before(change: &Change<'_>, steps: Steps) -> Vec<Intent> {
    let policy = policy();
    let announced: BTreeSet<ExceptionId> =
        change.exceptions.iter().filter_map(|one| change.announced(&policy, one)).collect();
    let mut intents = change.withheld(&announced);
    if !change.linked {
        return intents;
    }
    intents.extend(change.milestones());
    let open = |one: &ExceptionChange| match one {
        ExceptionChange::Open { id, exception } | ExceptionChange::Keep { id, exception } => {
            Some((*id, exception.severity))
        }
        ExceptionChange::Close { .. } => None,
    };
    let serious = change.exceptions.iter().filter_map(open).filter(|(_, severity)| *severity >= Severity::Major);
    intents.extend(change.activities(&serious.map(|(id, _)| id).collect(), &announced));
    intents.extend(change.correction());
    intents.push(Intent::UpdateOrder { urgent: !announced.is_empty() });
    intents.extend(cases_as_before(change, policy.grace, &announced));
    if steps.validates_at_first_scan {
        intents.extend(change.first_scan());
    }
    if steps.attaches_proofs {
        intents.extend(change.proofs());
    }
    if let Some(Terms { how, on, of }) = steps.invoicing {
        intents.extend(change.arrived(EffectBody::Invoice { how, on, of, by: None }));
        intents.extend(change.invoice_in_doubt());
    }
    if steps.makes_returns {
        intents.extend(change.comes_back());
    }
    intents
}

fn cases_as_before(change: &Change<'_>, grace: Grace, announced: &BTreeSet<ExceptionId>) -> Vec<Intent> {
    let now = |exception| Intent::UpdateCase { exception, at: change.now, urgent: false, desk: None };
    let opened = change.exceptions.iter().filter_map(|one| match one {
        ExceptionChange::Open { id, exception } | ExceptionChange::Keep { id, exception } if announced.contains(id) => {
            let at = change.now.checked_add(grace.of(exception.severity)?).unwrap_or(change.now);
            Some(Intent::UpdateCase { exception: *id, at, urgent: true, desk: None })
        }
        // since then: one that grows more severe gets the case that it has none of
        ExceptionChange::Keep { id, exception } if !change.cases.contains(id) => {
            let since = change.escalated(one)?.recorded_at;
            let at = since.checked_add(grace.of(exception.severity)?).unwrap_or(since).max(change.now);
            Some(Intent::UpdateCase { exception: *id, at, urgent: true, desk: None })
        }
        _ => None,
    });
    let grace_over = |exception: &&CommittedException| {
        let due = grace.of(exception.severity).and_then(|wait| exception.recorded_at.checked_add(wait).ok());
        due.is_some_and(|due| due <= change.now)
    };
    let open = change.committed.iter().filter(|exception| exception.closed.is_none() && !exception.withheld);
    let in_the_making = open.filter(grace_over).map(|exception| now(exception.id));
    let over = change.exceptions.iter().filter_map(|one| {
        let ExceptionChange::Close { id, .. } = one else { return None };
        grace.of(change.committed(*id)?.severity)?;
        Some(now(*id))
    });
    opened.chain(change.cases.iter().map(|id| now(*id))).chain(in_the_making).chain(over).collect()
}

#[test]
fn the_shipped_rules_do_what_was_done_before_they_were_data() {
    let all: Vec<Running> =
        shipped().into_iter().map(|(id, content)| Running::new(id, 0, content, Timestamp::MIN).unwrap()).collect();
    let invoicing = Terms { how: Invoicing::Draft, on: InvoiceOn::Pod, of: InvoiceFor::Delivery };
    let every =
        Steps { validates_at_first_scan: true, attaches_proofs: true, invoicing: Some(invoicing), makes_returns: true };
    let close = |id| ExceptionChange::Close { id, at: None, resolution: Resolution::Cleared };
    let withheld = CommittedException { withheld: true, ..committed(20 * DAY, &[1]) };
    let mut compared = 0;
    for severity in Severity::ALL {
        let given_exceptions = [
            (vec![], vec![]),
            (vec![], vec![open(FoldedException { severity: *severity, ..exception(HOUR, &[1]) })]),
            (vec![committed(5, &[1])], vec![keep(FoldedException { severity: *severity, ..exception(HOUR, &[1, 2]) })]),
            (vec![CommittedException { severity: *severity, ..committed(3, &[1]) }], vec![]),
            (vec![CommittedException { severity: *severity, ..committed(3, &[1]) }], vec![close(EXCEPTION)]),
            (
                vec![withheld.clone()],
                vec![keep(FoldedException { severity: *severity, ..exception(20 * DAY, &[1, 2]) })],
            ),
        ];
        for (committed, exceptions) in given_exceptions {
            for (from, to, milestone) in [
                (State::Unknown, State::PickedUp, Milestone::PickedUp),
                (State::OutForDelivery, State::Delivered, Milestone::Delivered),
                (State::Delivered, State::InTransit, Milestone::InTransit),
                (State::InTransit, State::Returning, Milestone::ReturnInTransit),
            ] {
                for (cause, linked, invoiced, cased, steps) in CAUSES.iter().flat_map(|cause| {
                    let some = [(true, false, false), (true, true, true), (false, true, false)];
                    let both = some.into_iter().flat_map(|one| [(one, Steps::default()), (one, every)]);
                    both.map(|((linked, invoiced, cased), steps)| (*cause, linked, invoiced, cased, steps))
                }) {
                    let given = Given {
                        cause,
                        linked,
                        invoiced,
                        cases: if cased { vec![EXCEPTION] } else { Vec::new() },
                        committed: committed.clone(),
                        exceptions: exceptions.clone(),
                        ..moved(from, to, milestone, HOUR)
                    };
                    let expected = given.with(steps, |change| as_before(change, steps));
                    assert_eq!(flat(given.outcome(&all, steps)), expected, "{cause:?} {severity:?} {from:?} → {to:?}");
                    compared += 1;
                }
            }
        }
    }
    assert_eq!(compared, 4 * 6 * 4 * 30);
}

/// A rule of a person's own.
fn own(trigger: Trigger, when: &str, then: Vec<Action>) -> Running {
    let content = Content { trigger, then, ..(*rule(when, Action::RaiseClaim).content).clone() };
    Running::new("own".parse().unwrap(), 3, content, Timestamp::MIN).unwrap()
}

fn alert() -> Action {
    Action::Alert { channel: None, text: "{number}".into() }
}

/// A live change whose newest event is its only one.
fn live() -> Given {
    let mut given = moved(State::PickedUp, State::InTransit, Milestone::DepartedFacility, HOUR);
    given.after.last_event = Some(observation_id(1));
    given.after.heard_at = Some(ago(HOUR));
    given
}

#[test]
fn a_rule_acts_once_for_what_it_is_about() {
    let when = "shipment.status == \"IN_TRANSIT\" && event.milestone == \"DEPARTED_FACILITY\"";
    let keys = |given: &Given, rules: &[Running]| -> Vec<String> {
        given.effects(rules).into_iter().map(|(_, key, _)| key).collect()
    };
    let change = [own(Trigger::Change, when, vec![alert(), alert()])];
    assert_eq!(keys(&live(), &change), ["rule/own/shipment/alert/0", "rule/own/shipment/alert/1"]);
    let event = [own(Trigger::Event, when, vec![alert()])];
    assert_eq!(keys(&live(), &event), [format!("rule/own/event/{}/alert/0", observation_id(1))]);
    for cause in &CAUSES[1..] {
        let other = Given { cause: *cause, ..live() };
        assert_eq!(keys(&other, &change), Vec::<String>::new(), "{cause:?}");
    }
    assert_eq!(keys(&Given { linked: false, ..live() }, &change), Vec::<String>::new());
    let later = [Running { since: now(), ..change[0].clone() }];
    assert_eq!(keys(&live(), &later), Vec::<String>::new(), "received before the rule was published");
    let other = [own(Trigger::Change, "shipment.status == \"DELIVERED\"", vec![alert()])];
    assert_eq!(keys(&live(), &other), Vec::<String>::new());
}

#[test]
fn a_rule_for_exceptions_acts_on_those_that_match_and_are_open_for_long_enough() {
    let keys = |given: &Given, rules: &[Running]| -> Vec<String> {
        given
            .effects(rules)
            .into_iter()
            .filter(|(target, ..)| *target == EffectTarget::Claim)
            .map(|(_, key, _)| key)
            .collect()
    };
    let when = "exception.reason == \"DAMAGED\"";
    let opened =
        || Given { facts: vec![fact(1, 0, 0)], exceptions: vec![open(exception(0, &[1]))], ..Given::default() };
    let key = [format!("rule/own/{}/raise_claim/0", exception_key(EXCEPTION))];
    assert_eq!(keys(&opened(), &[own(Trigger::Exception, when, vec![Action::RaiseClaim])]), key);
    assert_eq!(
        keys(&opened(), &[own(Trigger::Exception, "exception.reason == \"LOST\"", vec![Action::RaiseClaim])]),
        Vec::<String>::new()
    );
    let replayed = Given { cause: Cause::Replay, ..opened() };
    let raises = [own(Trigger::Exception, when, vec![Action::RaiseClaim])];
    assert_eq!(keys(&replayed, &raises), Vec::<String>::new(), "it is history");
    let waits = [own(Trigger::OpenFor { hours: 6 }, when, vec![Action::RaiseClaim])];
    assert_eq!(keys(&opened(), &waits), Vec::<String>::new());
    assert_eq!(opened().outcome(&waits, Steps::default()).look_at, Some(now() + SignedDuration::from_hours(6)));
    let long = Given { committed: vec![committed(7, &[1])], ..Given::default() };
    assert_eq!(keys(&long, &waits), key);
    assert_eq!(long.outcome(&waits, Steps::default()).look_at, None);
    let over = Given {
        exceptions: vec![ExceptionChange::Close { id: EXCEPTION, at: None, resolution: Resolution::Cleared }],
        ..long
    };
    assert_eq!(keys(&over, &waits), Vec::<String>::new(), "it is over");
    let history =
        Given { committed: vec![CommittedException { withheld: true, ..committed(7, &[1]) }], ..Given::default() };
    assert_eq!(keys(&history, &waits), Vec::<String>::new(), "it is history");
}

#[test]
fn a_rule_says_how_long_an_exception_may_heal_and_at_which_desk_its_case_is() {
    let queue = Some("VIP".to_owned());
    let case = Action::OpenCase { desk: Some("zendesk".into()), queue, grace_minutes: Some(240) };
    let rules = [own(Trigger::Change, "exception.reason == \"DAMAGED\"", vec![case]), shipped_rules().remove(4)];
    let given = Given { facts: vec![fact(1, 0, 0)], exceptions: vec![open(exception(0, &[1]))], ..Given::default() };
    let at = now() + SignedDuration::from_hours(4);
    assert!(
        given.intents(&rules).contains(&Intent::UpdateCase {
            exception: EXCEPTION,
            at,
            urgent: true,
            desk: Some("zendesk".into())
        }),
        "the first rule counts"
    );
    let regarded = Regarded {
        id: EXCEPTION,
        reason: ExceptionReason::Damaged,
        severity: Severity::Info,
        recorded_at: ago(1),
        open: true,
        withheld: false,
    };
    let wanted = |rules: &[Running], regarded: &Regarded| {
        given.with(Steps::default(), |change| {
            let case = wanted_case(rules, &policy(), change, regarded);
            assert_eq!(wanted_by_exception(rules, &policy(), regarded, now()), case, "only the exception is asked for");
            case.map(|case| (case.wait.as_hours(), case.desk.map(str::to_owned), case.queue.map(str::to_owned)))
        })
    };
    let lost = Regarded { reason: ExceptionReason::Lost, severity: Severity::Minor, ..regarded.clone() };
    assert_eq!(wanted(&rules, &regarded), Some((4, Some("zendesk".into()), Some("VIP".into()))));
    assert_eq!(wanted(&rules, &lost), Some((48, None, None)), "by severity");
    assert_eq!(wanted(&rules[..1], &lost), None, "no rule opens one");
    let asks_more = [own(Trigger::Change, "customer.country == \"PT\"", rules[0].content.then.clone())];
    given.with(Steps::default(), |change| {
        assert!(wanted_case(&asks_more, &policy(), change, &regarded).is_some());
    });
    assert_eq!(wanted_by_exception(&asks_more, &policy(), &regarded, now()), None, "the exception alone does not say");
    let alone = [own(
        Trigger::Change,
        "exception.reason == \"LOST\"",
        vec![Action::OpenCase { desk: None, queue: None, grace_minutes: None }],
    )];
    assert!(
        given.intents(&alone).iter().all(|intent| !matches!(intent, Intent::UpdateCase { .. })),
        "no rule opens one"
    );
    let with_case = Given { cases: vec![EXCEPTION], ..Given::default() };
    let now = Intent::UpdateCase { exception: EXCEPTION, at: now(), urgent: false, desk: None };
    assert!(with_case.intents(&[]).contains(&now), "what has a case is kept up whatever the rules are");
}

#[test]
fn a_rule_that_throws_stops_no_other() {
    let throws = own(Trigger::Change, "1 / size(shipment.exceptions) == 1", vec![alert()]);
    let outcome = live().outcome(&[throws, own(Trigger::Change, "true", vec![alert()])], Steps::default());
    assert_eq!(outcome.failed, [Failed { rule: "own".parse().unwrap(), why: "it divides by 0".into() }]);
    assert_eq!(outcome.fired.len(), 1);
}

#[test]
fn a_severity_by_rule_is_that_of_the_newest_rule_that_matches() {
    let mut raised =
        own(Trigger::Change, "exception.reason == \"DAMAGED\" && customer.country == \"PT\"", vec![alert()]);
    raised.content = std::sync::Arc::new(Content { severity: Some(Severity::Critical), ..(*raised.content).clone() });
    let mut exceptions = [exception(0, &[1])];
    live().with(Steps::default(), |change| severities(&[raised], change, &mut exceptions));
    assert_eq!(exceptions[0].severity, Severity::Critical);
}

/// The gap of a lane is the one by which silence is found: the rule matches from the second on in which the exception opens.
#[test]
fn the_usual_gap_is_that_of_the_lane_and_of_the_silence() {
    use crate::{calendar::CompanyCalendar, exceptions::usual::Usual};
    let usual = |gap| Usual { transit: 4, gap, first_scan: 2, customs: 2, lost: 20 };
    let watch = |gap| Watch {
        calendar: CompanyCalendar::default().own(),
        usual: Some(usual(gap)),
        late_from: None,
        feed: fold::Feed::Running,
    };
    // 20 March 2026 is a Friday
    for (heard, expected, watch, due) in [
        (Some(ago(10)), None, Some(watch(1)), "2026-03-23T02:00:00Z"),
        (Some(ago(10)), None, Some(watch(5)), "2026-03-27T02:00:00Z"),
        (Some(ago(10)), None, None, "2026-03-23T02:00:00Z"),
        (Some(ago(100)), None, Some(watch(3)), "2026-03-19T08:00:00Z"),
        (Some(ago(100)), Some(ago(90)), Some(watch(3)), "2026-03-19T18:00:00Z"),
        (Some(ago(100)), None, None, "2026-03-19T08:00:00Z"),
    ] {
        let due: Timestamp = due.parse().unwrap();
        let plan = Plan { silence_after_hours: Some(72), expected_from: expected, ..Plan::default() };
        let after = Folded { heard_at: heard, last_event: live().after.last_event, ..Folded::default() };
        assert_eq!(fold::update_due(&plan, heard, watch.as_ref()).map(|(_, due)| due), Some(due));
        let given = Given { plan, watch, after, ..live() };
        let silent = rule("shipment.hours_without_update > lane.usual_gap_hours", alert());
        let fired = given.intents(&[silent]).iter().any(|intent| matches!(intent, Intent::Effect { .. }));
        assert_eq!(fired, now() > due, "{due}");
    }
}
