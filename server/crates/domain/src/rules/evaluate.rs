//! Applies rules to a change. The only place where it is decided what follows.

use super::{About, Change, Intent, Moment, Policy, Regarded, condition::Condition};
use crate::{
    Direction, Severity,
    cause::Cause,
    commit::ExceptionChange,
    effects::{EffectBody, EffectTarget},
    exceptions::{CommittedException, exception_key},
    fold::{Folded, FoldedException, Plan},
    ids::{ExceptionId, ShipmentId},
    rule::{Action, Content, RuleId, RuleVersion, Steps, Terms, Trigger},
};
use jiff::{SignedDuration, Timestamp};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// A published rule, ready to run.
#[derive(Clone, Debug)]
pub struct Running {
    /// Its id.
    pub id: RuleId,
    /// The version that runs.
    pub version: RuleVersion,
    /// That version.
    pub content: Arc<Content>,
    /// Its condition.
    pub condition: Condition,
    /// Since when: what was received before it was published is history to it.
    pub since: Timestamp,
}

impl Running {
    /// A version of a rule, ready to run.
    ///
    /// # Errors
    /// What is wrong with its condition.
    pub fn new(id: RuleId, version: RuleVersion, content: Content, since: Timestamp) -> Result<Self, String> {
        let condition = Condition::new(&content.when)
            .map_err(|all| all.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))?;
        Ok(Self { id, version, content: Arc::new(content), condition, since })
    }
}

/// What a rule does about a change.
#[derive(Clone, Debug, PartialEq)]
pub struct Fired {
    /// The rule.
    pub rule: RuleId,
    /// What is to happen.
    pub intents: Vec<Intent>,
    /// The exceptions that it is about.
    pub exceptions: Vec<ExceptionId>,
}

/// A rule that could not be run on a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failed {
    /// The rule.
    pub rule: RuleId,
    /// Why, and what to do.
    pub why: String,
}

/// What follows from a change.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcome {
    /// What follows whatever the rules are.
    pub always: Vec<Intent>,
    /// What each rule does, in the order of the rules.
    pub fired: Vec<Fired>,
    /// The rules that could not be run; the others did.
    pub failed: Vec<Failed>,
    /// When rules look again, though nothing may have happened by then.
    pub look_at: Option<Timestamp>,
}

/// Those that a rule is about.
struct Matched {
    /// Whether the condition is met without an exception.
    whole: bool,
    /// The exceptions with which it is met.
    exceptions: BTreeSet<ExceptionId>,
    /// Whether one of these is open: what is over starts nothing.
    open: bool,
    /// The committed ones with which it was met, with the severity that they had.
    before: BTreeSet<ExceptionId>,
}

impl Matched {
    /// Whether the rule is met: without an exception, or with one that is open.
    fn any(&self) -> bool {
        self.whole || self.open
    }
}

/// What follows from a change.
pub fn evaluate(rules: &[Running], policy: &Policy, change: &Change<'_>) -> Outcome {
    let announced: BTreeSet<ExceptionId> =
        change.exceptions.iter().filter_map(|one| change.announced(policy, one)).collect();
    let mut outcome = Outcome { always: change.withheld(&announced), ..Outcome::default() };
    if !change.linked {
        return outcome;
    }
    let regarded = change.regarded(&announced);
    let evaluation = Evaluation { policy, change, announced: &announced, regarded: &regarded };
    let mut cases = CaseRules::default();
    for rule in rules {
        match evaluation.matched(rule) {
            Err(why) => outcome.failed.push(Failed { rule: rule.id.clone(), why }),
            Ok(matched) => {
                let intents = evaluation.follow(rule, &matched, &mut cases, outcome.fired.len());
                outcome.look_at = earlier(outcome.look_at, evaluation.looks_again(rule, &matched));
                let by_exception =
                    rule.condition.reads("exception") || !matches!(rule.content.trigger, Trigger::Change);
                let exceptions = matched.exceptions.into_iter().filter(|_| by_exception).collect();
                outcome.fired.push(Fired { rule: rule.id.clone(), intents, exceptions });
            }
        }
    }
    for (place, intent) in evaluation.cases(&cases) {
        // what is kept up whatever the rules are comes with the first that opens cases
        let place = place.or_else(|| cases.openers.first().map(|first| first.place));
        match place.and_then(|place| outcome.fired.get_mut(place)) {
            Some(fired) => fired.intents.push(intent),
            None => outcome.always.push(intent),
        }
    }
    outcome.fired.retain(|fired| !fired.intents.is_empty());
    outcome
}

/// The severities of exceptions as the rules have them: those of the newest rule that has one for it.
pub fn severities(rules: &[Running], change: &Change<'_>, exceptions: &mut [FoldedException]) {
    for rule in rules {
        let Some(severity) = rule.content.severity.filter(|_| change.linked) else { continue };
        for exception in exceptions.iter_mut() {
            let regarded = Regarded {
                id: ExceptionId(uuid::Uuid::nil()),
                reason: exception.reason,
                severity: exception.severity,
                recorded_at: exception.opened_recorded,
                open: exception.closed.is_none(),
                withheld: false,
            };
            if rule.condition.is_met(&Moment { change, exception: Some(&regarded) }).unwrap_or(false) {
                exception.severity = severity;
            }
        }
    }
}

/// What makes an action one: its kind and its place among those of its kind, so that a version that adds others before it does
/// nothing again.
fn key_of(rule: &Running, occurrence: &str, action: &Action, ordinal: usize) -> String {
    format!("rule/{}/{occurrence}/{}/{ordinal}", rule.id, action.code())
}

fn body_of(rule: &Running, exception: Option<ExceptionId>, action: &Action) -> EffectBody {
    EffectBody::ByRule { rule: rule.id.clone(), version: rule.version, exception, action: action.clone() }
}

fn earlier(one: Option<Timestamp>, other: Option<Timestamp>) -> Option<Timestamp> {
    one.into_iter().chain(other).min()
}

/// The rules that open cases, with what each is about; of several for one exception the first counts.
#[derive(Default)]
struct CaseRules {
    openers: Vec<Opener>,
}

struct Opener {
    /// Its rule's place among those that fired.
    place: usize,
    action: Action,
    about: BTreeSet<ExceptionId>,
    before: BTreeSet<ExceptionId>,
    /// Whether it takes whatever is announced.
    every: bool,
    trigger: Trigger,
}

struct Evaluation<'a> {
    policy: &'a Policy,
    change: &'a Change<'a>,
    announced: &'a BTreeSet<ExceptionId>,
    regarded: &'a [Regarded],
}

impl Evaluation<'_> {
    fn matched(&self, rule: &Running) -> Result<Matched, String> {
        let met = |exception: Option<&Regarded>| rule.condition.is_met(&Moment { change: self.change, exception });
        if !rule.condition.reads("exception") {
            let whole = met(None)?;
            let every: BTreeSet<_> = self.regarded.iter().filter(|_| whole).map(|one| one.id).collect();
            return Ok(Matched { whole, before: every.clone(), exceptions: every, open: false });
        }
        let (mut exceptions, mut before, mut open) = (BTreeSet::new(), BTreeSet::new(), false);
        for one in self.regarded {
            let is_met = met(Some(one))?;
            let committed = self.change.committed(one.id).map(|committed| committed.severity);
            let was_met = match committed {
                Some(severity) if severity != one.severity => {
                    let earlier = Regarded { severity, ..one.clone() };
                    met(Some(&earlier))?
                }
                _ => is_met,
            };
            open |= is_met && one.open;
            exceptions.extend(is_met.then_some(one.id));
            before.extend(was_met.then_some(one.id));
        }
        Ok(Matched { whole: false, exceptions, before, open })
    }

    /// When a rule looks again at an exception that is not open for long enough yet.
    fn looks_again(&self, rule: &Running, matched: &Matched) -> Option<Timestamp> {
        let Trigger::OpenFor { hours } = rule.content.trigger else { return None };
        let open = self.regarded.iter().filter(|one| one.open && matched.exceptions.contains(&one.id));
        let due = open.filter_map(|one| one.recorded_at.checked_add(SignedDuration::from_hours(hours.into())).ok());
        due.filter(|due| *due > self.change.now).min()
    }

    fn follow(&self, rule: &Running, matched: &Matched, cases: &mut CaseRules, place: usize) -> Vec<Intent> {
        let mut intents = Vec::new();
        let mut seen: Vec<&str> = Vec::new();
        for action in &rule.content.then {
            let code = action.code();
            let ordinal = seen.iter().filter(|one| **one == code).count();
            seen.push(code);
            self.act(rule, (ordinal, action), matched, cases, place, &mut intents);
        }
        intents
    }

    fn act(
        &self,
        rule: &Running,
        (n, action): (usize, &Action),
        matched: &Matched,
        cases: &mut CaseRules,
        place: usize,
        intents: &mut Vec<Intent>,
    ) {
        let change = self.change;
        let any = matched.any();
        let follows_change = rule.content.trigger == Trigger::Change;
        let due = || !self.occurrences(rule, matched).is_empty();
        match action {
            Action::OpenCase { .. } => {
                cases.openers.push(Opener {
                    place,
                    action: action.clone(),
                    about: matched.exceptions.clone(),
                    before: matched.before.clone(),
                    every: matched.whole,
                    trigger: rule.content.trigger,
                });
            }
            Action::ScheduleActivity { summary: None, login: None, due_days: None }
                if matches!(rule.content.trigger, Trigger::Change | Trigger::Exception) =>
            {
                intents.extend(change.activities(&matched.exceptions, self.announced));
            }
            _ if !any => {}
            Action::NoteMilestones => intents.extend(change.milestones()),
            Action::NoteCorrections => intents.extend(change.correction()),
            Action::UpdateOrder => intents.push(Intent::UpdateOrder { urgent: !self.announced.is_empty() }),
            Action::ValidateDelivery => intents.extend(change.first_scan()),
            Action::AttachProof => intents.extend(change.proofs()),
            Action::Invoice { terms } => {
                if let Some(Terms { how, on, of }) = terms.or(change.about.steps.invoicing) {
                    let body = EffectBody::Invoice { how, on, of, by: terms.map(|_| rule.id.clone()) };
                    match follows_change {
                        true => intents.extend(change.arrived(body)),
                        false if due() => intents.push(change.wanted(EffectTarget::OrderInvoice, body)),
                        false => {}
                    }
                    intents.extend(change.invoice_in_doubt());
                }
            }
            Action::CreateReturn if follows_change => intents.extend(change.comes_back()),
            Action::CreateReturn if due() => {
                let body = EffectBody::Return { by: Some(rule.id.clone()) };
                intents.push(change.wanted(EffectTarget::OrderReturn, body));
            }
            Action::CreateReturn => {}
            Action::ScheduleActivity { .. } => {
                self.once(rule, (n, action, EffectTarget::OrderActivity), matched, intents)
            }
            Action::Note { .. } => self.once(rule, (n, action, EffectTarget::OrderNote), matched, intents),
            Action::WriteField { .. } => self.once(rule, (n, action, EffectTarget::OrderField), matched, intents),
            Action::Alert { .. } => self.once(rule, (n, action, EffectTarget::Alert), matched, intents),
            Action::RaiseClaim => self.once(rule, (n, action, EffectTarget::Claim), matched, intents),
            Action::MessageCustomer { .. } => self.once(rule, (n, action, EffectTarget::Customer), matched, intents),
            Action::UpdateCase { .. } | Action::CloseCase { .. } => {
                self.change_cases(rule, (n, action), matched, intents);
            }
        }
    }

    /// A change of cases: of that of the exception, else of each that the shipment has.
    fn change_cases(
        &self,
        rule: &Running,
        (n, action): (usize, &Action),
        matched: &Matched,
        intents: &mut Vec<Intent>,
    ) {
        for (occurrence, exception) in self.occurrences(rule, matched) {
            let cases = exception.map_or_else(|| self.change.cases.to_vec(), |id| vec![id]);
            for id in cases {
                let key = match exception {
                    Some(_) => key_of(rule, &occurrence, action, n),
                    None => key_of(rule, &format!("{occurrence}/{}", exception_key(id)), action, n),
                };
                let body = body_of(rule, Some(id), action);
                intents.push(self.change.effect(EffectTarget::Case, key, body, true));
            }
        }
    }

    /// An action of the rule's own: once for each occurrence, whichever version does it.
    fn once(
        &self,
        rule: &Running,
        (n, action, target): (usize, &Action, EffectTarget),
        matched: &Matched,
        intents: &mut Vec<Intent>,
    ) {
        for (occurrence, exception) in self.occurrences(rule, matched) {
            let (key, body) = (key_of(rule, &occurrence, action, n), body_of(rule, exception, action));
            intents.push(self.change.effect(target, key, body, true));
        }
    }

    /// What a rule acts on: a name that makes each once, and its exception.
    fn occurrences(&self, rule: &Running, matched: &Matched) -> Vec<(String, Option<ExceptionId>)> {
        let change = self.change;
        let newest = change.after.last_event.filter(|fact| !change.is_received_before(*fact));
        let received_since = change.after.heard_at.is_some_and(|at| at >= rule.since);
        let live = change.cause == Cause::Live && newest.is_some() && received_since;
        let exceptions = |wait: SignedDuration| {
            let due = move |one: &&Regarded| {
                let long_enough = change.now.duration_since(one.recorded_at) >= wait;
                one.open && !one.withheld && long_enough && one.recorded_at >= rule.since
            };
            let about = self.regarded.iter().filter(due).filter(|one| matched.exceptions.contains(&one.id));
            about.map(|one| (exception_key(one.id), Some(one.id))).collect::<Vec<_>>()
        };
        match rule.content.trigger {
            Trigger::Change if live && matched.any() => vec![("shipment".into(), None)],
            Trigger::Event if live && matched.any() => {
                newest.map(|fact| (format!("event/{fact}"), None)).into_iter().collect()
            }
            Trigger::Every { .. } if change.cause == Cause::Live && matched.any() => vec![("shipment".into(), None)],
            Trigger::Exception => exceptions(SignedDuration::ZERO),
            Trigger::OpenFor { hours } => exceptions(SignedDuration::from_hours(hours.into())),
            Trigger::Change | Trigger::Event | Trigger::Every { .. } => Vec::new(),
        }
    }

    /// An announced exception waits its grace; one that has a case is reported at once, and so is one whose case may be in
    /// the making: the job that makes it may have looked before this commit. What is over before its grace needs no case:
    /// the job that waits runs now, and finds that.
    fn cases(&self, rules: &CaseRules) -> Vec<(Option<usize>, Intent)> {
        let change = self.change;
        let grace = self.policy.grace;
        let now = |exception, opener: Option<&Opener>| {
            let desk = opener.and_then(Opener::desk);
            let update = Intent::UpdateCase { exception, at: change.now, urgent: false, desk };
            (opener.map(|opener| opener.place), update)
        };
        let opener = |id: ExceptionId| rules.openers.iter().find(|one| one.every || one.about.contains(&id));
        let wait = |id: ExceptionId, severity: Severity| opener(id)?.wait(grace.of(severity));
        let mut intents = Vec::new();
        for one in change.exceptions {
            let (ExceptionChange::Open { id, exception } | ExceptionChange::Keep { id, exception }) = one else {
                continue;
            };
            let escalated = change.escalated(one).filter(|before| !change.cases.contains(&before.id));
            let since = match escalated {
                _ if self.announced.contains(id) => change.now,
                Some(before) => before.recorded_at,
                None => continue,
            };
            let Some(wait) = wait(*id, exception.severity) else { continue };
            let at = since.checked_add(wait).unwrap_or(since).max(change.now);
            let by = opener(*id);
            let update = Intent::UpdateCase { exception: *id, at, urgent: true, desk: by.and_then(Opener::desk) };
            intents.push((by.map(|by| by.place), update));
        }
        intents.extend(change.cases.iter().map(|id| now(*id, None)));
        let opener_before = |id: ExceptionId| rules.openers.iter().find(|one| one.every || one.before.contains(&id));
        let grace_over = |exception: &&CommittedException| {
            let wait = opener_before(exception.id).and_then(|opener| opener.wait(grace.of(exception.severity)));
            let due = wait.and_then(|wait| exception.recorded_at.checked_add(wait).ok());
            due.is_some_and(|due| due <= change.now)
        };
        let open = change.committed.iter().filter(|exception| exception.closed.is_none() && !exception.withheld);
        intents.extend(open.filter(grace_over).map(|exception| now(exception.id, opener_before(exception.id))));
        let over = change.exceptions.iter().filter_map(|one| {
            let ExceptionChange::Close { id, .. } = one else { return None };
            grace.of(change.committed(*id)?.severity)?;
            Some(now(*id, opener_before(*id)))
        });
        intents.extend(over);
        intents
    }
}

impl Opener {
    /// The desk that it chooses.
    fn desk(&self) -> Option<String> {
        match &self.action {
            Action::OpenCase { desk, .. } => desk.clone(),
            _ => None,
        }
    }

    /// How long an exception may heal by itself; none where it gets no case.
    fn wait(&self, grace: Option<SignedDuration>) -> Option<SignedDuration> {
        wait(&self.action, self.trigger, grace)
    }
}

/// How long an exception may heal by itself before a rule opens a case for it; none where it gets none. `grace` is that of its
/// severity.
fn wait(action: &Action, trigger: Trigger, grace: Option<SignedDuration>) -> Option<SignedDuration> {
    let own = match action {
        Action::OpenCase { grace_minutes: Some(minutes), .. } => Some(SignedDuration::from_mins((*minutes).into())),
        _ => grace,
    };
    let open_for = match trigger {
        Trigger::OpenFor { hours } => SignedDuration::from_hours(hours.into()),
        _ => SignedDuration::ZERO,
    };
    own.map(|own| own.max(open_for))
}

/// The case that the rules want for an exception.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WantedCase<'a> {
    /// How long it may heal by itself, from when it was recorded.
    pub wait: SignedDuration,
    /// The desk; none: the one that takes such shipments.
    pub desk: Option<&'a str>,
    /// The queue of that desk; none: that of the connection.
    pub queue: Option<&'a str>,
}

/// The case that the first rule wants that opens one for an exception; none where no rule does.
pub fn wanted_case<'a>(
    rules: &'a [Running],
    policy: &Policy,
    change: &Change<'_>,
    exception: &Regarded,
) -> Option<WantedCase<'a>> {
    let opens = |rule: &'a Running| {
        let action = rule.content.then.iter().find(|action| matches!(action, Action::OpenCase { .. }))?;
        let about = Some(exception).filter(|_| rule.condition.reads("exception"));
        let met = rule.condition.is_met(&Moment { change, exception: about }).unwrap_or(false);
        met.then_some((action, rule.content.trigger))
    };
    let (action, trigger) = rules.iter().find_map(opens)?;
    let Action::OpenCase { desk, queue, .. } = action else { return None };
    let wait = wait(action, trigger, policy.grace.of(exception.severity))?;
    Some(WantedCase { wait, desk: desk.as_deref(), queue: queue.as_deref() })
}

/// The same, where only the exception is known; none too where a rule that opens cases reads more than that.
pub fn wanted_by_exception<'a>(
    rules: &'a [Running],
    policy: &Policy,
    exception: &Regarded,
    now: Timestamp,
) -> Option<WantedCase<'a>> {
    let opens = |rule: &&Running| rule.content.then.iter().any(|action| matches!(action, Action::OpenCase { .. }));
    if rules.iter().filter(opens).any(|rule| !rule.condition.reads_only("exception")) {
        return None;
    }
    let (folded, plan, bound_at) = (Folded::default(), Plan::default(), BTreeMap::new());
    let about = About {
        order: None,
        delivery: None,
        warehouse: None,
        company: None,
        value: None,
        customer: None,
        segments: Vec::new(),
        is_purchase: false,
        direction: Direction::default(),
        carriers: Vec::new(),
        country: None,
        plan: &plan,
        watch: None,
        steps: Steps::default(),
    };
    let change = Change {
        shipment: ShipmentId(uuid::Uuid::nil()),
        revision: 0,
        linked: true,
        cause: Cause::Live,
        now,
        facts: &[],
        bound_at: &bound_at,
        before: &folded,
        after: &folded,
        committed: &[],
        exceptions: &[],
        activities: &[],
        cases: &[],
        invoiced: false,
        about: &about,
    };
    wanted_case(rules, policy, &change, exception)
}
