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
    Severity,
    access::Permission,
    event_time::EventTime,
    exceptions::escalations,
    fold::Resolution,
    ids::{ExceptionId, UserId},
};
use jiff::Timestamp;
use storage::{
    Actor,
    people::AuditRecord,
    work::{ExceptionAction, ExceptionRecord, QueueQuery, QueueView},
};

/// Lines of the audit trail that are shown.
const LINES_MAX: u32 = 200;

/// An exception with all that its page shows.
#[derive(Clone, Debug)]
pub struct OneException {
    /// As in the queue.
    pub entry: QueueEntry,
    /// The promised date.
    pub promised_by: Option<Timestamp>,
    /// The latest estimate.
    pub eta: Option<EventTime>,
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
    let shipment = context.store.shipments.shipment(scope, record.shipment).await?;
    let shipment = shipment.ok_or(UseCaseError::NotFound("shipment"))?;
    let mut history = acts(context, caller, id).await?;
    history.extend(by_itself(record, &calendar::company(context, scope).await?.own(), context.now()));
    history.sort_by_key(|line| line.at);
    Ok(OneException {
        promised_by: shipment.plan.promised_by,
        eta: shipment.folded.eta,
        teams: teams::all(context, scope).await?.into_keys().collect(),
        history,
        entry,
    })
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
