//! One exception: what to do next, and what happened to it: opened, escalated, and by the audit trail what people did.

use super::{
    calendar,
    read::{QueueEntry, queue},
    teams,
};
use crate::{
    audit::Opened,
    caller::Caller,
    cases::agents::Names,
    context::Context,
    error::{Result, UseCaseError},
    mask::Mask,
    people::PeopleNames,
};
use domain::{
    Classifier, ExceptionReason, Severity,
    access::{Permission, Permissions},
    event_time::EventTime,
    exceptions::{escalated, escalations},
    fold::{Fact, Plan, Resolution},
    ids::{ExceptionId, UserId},
};
use jiff::Timestamp;
use storage::{
    Actor, Scope,
    people::{AuditRecord, UserRecord},
    work::{ExceptionAction, ExceptionRecord, QueueQuery, QueueView},
};

/// Lines of the audit trail that are shown.
const LINES_MAX: u32 = 200;

/// An exception with all that its page shows.
#[derive(Clone, Debug)]
pub struct OneException {
    /// As in the queue.
    pub entry: QueueEntry,
    /// The events behind it, newest first; the newest of all where the clock made it.
    pub events: Vec<Fact>,
    /// What is wrong with the order's data.
    pub problems: Vec<String>,
    /// People who can look after it; none for a caller who may not act.
    pub people: Vec<(UserId, String)>,
    /// The promised date.
    pub promised_by: Option<Timestamp>,
    /// The latest estimate.
    pub eta: Option<EventTime>,
    /// When it grows more severe, and to what, while it stays open.
    pub escalates: Option<(Timestamp, Severity)>,
    /// The teams that there are.
    pub teams: Vec<String>,
    /// What happened, oldest first.
    pub history: Vec<HistoryLine>,
}

/// Something that happened to an exception.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryLine {
    /// When.
    pub at: Timestamp,
    /// What.
    pub what: Happened,
    /// Who did it, as far as it may be read.
    pub who: Option<String>,
    /// The reason that was given, where it may be read.
    pub why: Option<String>,
}

/// What happened to an exception.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Happened {
    /// It was opened.
    Opened,
    /// It grew more severe by its age.
    Escalated(Severity),
    /// It was assigned; to a person of this name, where one is known.
    Assigned(Option<String>),
    /// It was given to a team, or to none.
    Team(Option<String>),
    /// It was put off.
    Snoozed(Timestamp),
    /// Something else that people do, by its word in the audit trail: `exception.acknowledge`.
    Done(String),
    /// It ended without a person.
    Closed(Resolution),
}

/// One exception.
///
/// # Errors
/// When the caller may not, there is none, or the store fails.
pub async fn one(context: &Context, caller: &Caller, id: ExceptionId) -> Result<OneException> {
    caller.require(Permission::See)?;
    let scope = caller.scope();
    let query = QueueQuery { view: QueueView::All, id: Some(id), ..QueueQuery::default() };
    let entry = queue(context, caller, query).await?.rows.into_iter().next();
    let entry = entry.ok_or(UseCaseError::NotFound("exception"))?;
    let record = &entry.row.exception;
    let loaded = context.store.shipments.load(scope, record.shipment, None).await?;
    let loaded = loaded.ok_or(UseCaseError::NotFound("shipment"))?;
    let (events, problems) = (evidence(&loaded.input.facts, record), problems(&loaded.shipment.plan, record.reason));
    let shipment = loaded.shipment;
    let people = if caller.may(Permission::Act) { members(context, scope).await? } else { Vec::new() };
    let mut history = acts(context, caller, id).await?;
    let (calendar, now) = (calendar::company(context, scope).await?.own(), context.now());
    history.extend(by_itself(record, &calendar, now));
    let next = escalated(record.reason, record.recorded_at, now, &calendar).1.filter(|_| record.closed.is_none());
    let escalates = next.map(|at| (at, escalated(record.reason, record.recorded_at, at, &calendar).0));
    history.sort_by_key(|line| line.at);
    Ok(OneException {
        events,
        problems,
        people,
        promised_by: shipment.plan.promised_by,
        eta: shipment.folded.eta,
        escalates,
        teams: teams::all(context, scope).await?.into_keys().collect(),
        history,
        entry,
    })
}

/// Events of an exception that are shown.
const EVENTS_MAX: usize = 5;

/// The events behind an exception; the newest of the shipment where it has none of its own.
fn evidence(facts: &[Fact], exception: &ExceptionRecord) -> Vec<Fact> {
    let is_actual = |fact: &&Fact| fact.observation.classifier == Classifier::Actual;
    let mut behind: Vec<&Fact> = facts.iter().filter(|fact| exception.evidence.contains(&fact.id)).collect();
    if behind.is_empty() {
        behind = facts.iter().filter(is_actual).collect();
    }
    behind.sort_by_key(|fact| std::cmp::Reverse((fact.observation.time.sort_key(), fact.id)));
    behind.into_iter().take(EVENTS_MAX).cloned().collect()
}

/// What of the order could not be read, or is in doubt, where the exception is about that.
fn problems(plan: &Plan, reason: ExceptionReason) -> Vec<String> {
    match reason {
        ExceptionReason::ImportIncomplete => plan.unread.iter().chain(&plan.doubts).cloned().collect(),
        _ => Vec::new(),
    }
}

/// Who can look after exceptions, by name: users who may act and are not switched off.
async fn members(context: &Context, scope: Scope) -> Result<Vec<(UserId, String)>> {
    let users = context.store.people.users(scope).await?;
    let may = |user: &UserRecord| user.enabled && Permissions::of_roles(&user.roles).contains(Permission::Act);
    let mut people: Vec<_> = users.into_iter().filter(may).map(|user| (user.id, user.name)).collect();
    people.sort_by(|(_, a), (_, b)| a.cmp(b));
    Ok(people)
}

/// What happened without a person.
fn by_itself(
    record: &ExceptionRecord,
    calendar: &domain::calendar::Calendar,
    now: Timestamp,
) -> impl Iterator<Item = HistoryLine> {
    let line = |at, what| HistoryLine { at, what, who: None, why: None };
    let until = record.closed.map_or(now, |(at, _)| at);
    let escalated = escalations(record.reason, record.recorded_at, until, calendar);
    // as far as the fold has come
    let escalated = escalated.into_iter().filter(|(_, severity)| *severity <= record.severity);
    let closed = record.closed.filter(|(_, how)| *how != Resolution::Person);
    std::iter::once(line(record.opened_at, Happened::Opened))
        .chain(escalated.map(move |(at, severity)| line(at, Happened::Escalated(severity))))
        .chain(closed.map(move |(at, how)| line(at, Happened::Closed(how))))
}

/// What people did, by the audit trail.
async fn acts(context: &Context, caller: &Caller, id: ExceptionId) -> Result<Vec<HistoryLine>> {
    let (scope, mask) = (caller.scope(), Mask::of(caller));
    let lines = context.store.people.audit_trail(scope, Some(format!("exception:{id}")), LINES_MAX).await?;
    let opened = Opened::read(context, scope, lines.iter().map(|line| &line.entry)).await?;
    let names = Names::read(context, caller, std::iter::empty(), lines.iter().map(|line| &line.entry)).await?;
    let people = PeopleNames::read(context, scope).await?;
    let shown = |line: AuditRecord| {
        let named = |actor| match actor {
            Actor::User(user) => people.of(user),
            Actor::Operator | Actor::System => None,
        };
        // a person's words may name people
        let is_read = !mask.hides() || line.actor == Actor::System;
        HistoryLine {
            at: line.entry.at,
            who: named(line.actor).or_else(|| names.of_line(&line.entry)),
            why: opened.why(line.entry.why.as_ref()).filter(|_| is_read),
            what: happened(&line, &opened, |owner| people.of(owner)),
        }
    };
    Ok(lines.into_iter().map(shown).collect())
}

fn happened(line: &AuditRecord, opened: &Opened, name: impl Fn(UserId) -> Option<String>) -> Happened {
    let after = opened.value(line.entry.after.as_ref()).and_then(|value| serde_json::from_value(value).ok());
    match after.filter(|_| line.entry.action.starts_with("exception.")) {
        Some(ExceptionAction::Assign { owner }) => Happened::Assigned(owner.and_then(name)),
        Some(ExceptionAction::Team { team }) => Happened::Team(team),
        Some(ExceptionAction::Snooze { until }) => Happened::Snoozed(until),
        _ => Happened::Done(line.entry.action.clone()),
    }
}
