//! What follows from a look at a condition: the alert, its history, its notices and their jobs, kept in one commit.

use super::{maintenance, rules};
use crate::{context::Context, error::Result};
use domain::{
    Severity,
    alerts::{
        AlertKind,
        machine::{self, Next, Notice, Observed, Standing},
        route::Subject,
    },
    ids::{AlertId, CorrelationId, JobId, NoticeId},
};
use jiff::Timestamp;
use std::collections::BTreeSet;
use storage::{
    Actor, Scope,
    alerts::{AlertChange, AlertEvent, AlertRecord, EventKind, NewNotice, NoticeState, Resolved},
    jobs::{Cause, JobKind, Lane, NewJob},
};

/// Characters of a title.
const TITLE_CHARS_MAX: usize = 200;
/// Characters of a detail.
const DETAIL_CHARS_MAX: usize = 1_000;
/// Of two who change an alert at once the second looks again, so often.
const TRIES_MAX: usize = 5;

/// How many things an alert affects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Count {
    /// So many in all.
    Total(u64),
    /// So many more than before.
    More(u64),
}

/// A condition that holds.
#[derive(Clone, Debug)]
pub struct Raised {
    /// The kind.
    pub kind: AlertKind,
    /// What it is about: with the kind it says which alert it is. A rule's name and group, a connection's name.
    pub subject: String,
    /// How much a person is needed; none: as the kind is shipped.
    pub severity: Option<Severity>,
    /// One line, in our own words and without personal data.
    pub title: String,
    /// Why, likewise.
    pub detail: String,
    /// How many things it affects.
    pub count: Count,
    /// What it affects, in the plural: `shipments`.
    pub unit: String,
    /// The page that shows what to do about it: `/connections/odoo`.
    pub link: String,
    /// The channels that get it, by their connections' names; empty: those that take it.
    pub channels: Vec<String>,
}

/// Opens an alert, or goes on with the open one of this kind and subject: channels are notified once. Of a kind that is switched off,
/// and of a connection under maintenance, there is none.
///
/// # Errors
/// When the store fails.
pub async fn raise(context: &Context, scope: Scope, raised: Raised) -> Result<Option<AlertId>> {
    let is_of = raised.kind.is_of_connection();
    let is_maintained = is_of && maintenance::now(context, scope).await?.contains_key(&raised.subject);
    match rules::read(context, scope).await?.is_on(raised.kind) && !is_maintained {
        true => hold(context, scope, raised).await.map(Some),
        false => Ok(None),
    }
}

/// The same of a kind that is on.
pub(super) async fn hold(context: &Context, scope: Scope, raised: Raised) -> Result<AlertId> {
    for _ in 0..TRIES_MAX {
        let open = context.store.alerts.open_of(scope, raised.kind, &raised.subject).await?;
        let before = open.as_ref().map_or(0, |open| open.standing.affects);
        let affects = match raised.count {
            Count::Total(total) => total,
            Count::More(more) => before.saturating_add(more),
        };
        let severity = raised.severity.unwrap_or(raised.kind.shipped().severity);
        let observed = Observed::Holds { severity, affects };
        let now = context.now();
        let Next::Stands(standing, notice) = machine::observe(open.as_ref().map(|open| &open.standing), observed, now)
        else {
            continue;
        };
        let (id, change) = held(context, open, &raised, standing, notice);
        let Some(change) = change else { return Ok(id) };
        if keep(context, scope, change).await? {
            return Ok(id);
        }
    }
    Err(crate::UseCaseError::Unavailable("the alert was changed again and again meanwhile".into()))
}

/// The condition of an alert no longer holds: it resolves once that has lasted ([`machine::MIN_CLEAR`]), which the clock looks at.
///
/// # Errors
/// When the store fails.
pub async fn clear(context: &Context, scope: Scope, kind: AlertKind, subject: &str) -> Result<()> {
    for _ in 0..TRIES_MAX {
        let Some(open) = context.store.alerts.open_of(scope, kind, subject).await? else { return Ok(()) };
        if cleared(context, scope, open).await? {
            return Ok(());
        }
    }
    Ok(())
}

/// Another alert takes the place of an open one, which ends. That is no news: channels are notified of the other one.
///
/// # Errors
/// When the store fails.
pub async fn give_way(context: &Context, scope: Scope, open: AlertRecord, why: &str) -> Result<()> {
    let (now, expected) = (context.now(), open.revision);
    let event = AlertEvent { at: now, what: EventKind::Resolved, by: Actor::System, detail: why.to_owned() };
    let resolved = Some(Resolved { at: now, by: Actor::System, why: String::new() });
    let change = quiet(expected, AlertRecord { resolved, ..open }, now);
    // who changed it meanwhile has seen it; the next look decides anew
    keep(context, scope, AlertChange { events: vec![event], drops_waiting: true, ..change }).await.map(drop)
}

/// A look found the condition of an open alert clear; whether that is kept.
pub(super) async fn cleared(context: &Context, scope: Scope, open: AlertRecord) -> Result<bool> {
    let now = context.now();
    match machine::observe(Some(&open.standing), Observed::Clear, now) {
        Next::Over(standing) => {
            let resolved = Resolved { at: now, by: Actor::System, why: String::new() };
            over(context, scope, AlertRecord { standing, ..open }, resolved, None).await
        }
        Next::Stands(standing, _) if standing != open.standing => {
            let change = quiet(open.revision, AlertRecord { standing, ..open }, now);
            keep(context, scope, change).await
        }
        _ => Ok(true),
    }
}

/// Keeps a change that nobody is notified of.
pub(super) fn quiet(expected: u64, after: AlertRecord, at: Timestamp) -> AlertChange {
    AlertChange {
        expected: Some(expected),
        after,
        events: Vec::new(),
        notices: Vec::new(),
        drops_waiting: false,
        jobs: Vec::new(),
        audit: None,
        at,
    }
}

/// Ends an alert: channels that have it are notified that it is over, once.
pub(super) async fn over(
    context: &Context,
    scope: Scope,
    alert: AlertRecord,
    resolved: Resolved,
    audit: Option<storage::AuditEntry>,
) -> Result<bool> {
    let (now, expected) = (resolved.at, alert.revision);
    let notices = context.store.alerts.notices(scope, vec![alert.id]).await?;
    let have: BTreeSet<_> =
        notices.into_iter().filter(|notice| may_have(notice.state)).map(|notice| notice.channel).collect();
    let connections = context.connections.now();
    let due = |name: &String| {
        let route = connections.channels().find(|(channel, _)| channel == name).map(|(_, route)| route.clone());
        route.map_or(now, |route| route.due(alert.standing.severity, now))
    };
    let to = have.iter().map(|name| (name.clone(), due(name))).collect();
    let detail = match (&resolved.by, resolved.why.as_str()) {
        (Actor::System, "") => "cleared by itself".to_owned(),
        (_, why) => why.to_owned(),
    };
    let event = AlertEvent { at: now, what: EventKind::Resolved, by: resolved.by, detail };
    let after = AlertRecord { resolved: Some(resolved), ..alert };
    let change = AlertChange { events: vec![event], drops_waiting: true, audit, ..quiet(expected, after, now) };
    keep(context, scope, notifying(context, change, Notice::Resolved, to)).await
}

/// Whether a channel may have a notice by the time that the next one is sent: then it is seen whether it has.
fn may_have(state: NoticeState) -> bool {
    state.may_be_there() || state == NoticeState::Waiting
}

/// The change of an alert whose condition holds; none where nothing of it is new.
fn held(
    context: &Context,
    open: Option<AlertRecord>,
    raised: &Raised,
    standing: Standing,
    notice: Option<Notice>,
) -> (AlertId, Option<AlertChange>) {
    let now = context.now();
    let (title, detail) = (cut(&raised.title, TITLE_CHARS_MAX), cut(&raised.detail, DETAIL_CHARS_MAX));
    let before = open.clone();
    let expected = open.as_ref().map(|open| open.revision);
    let base = open.unwrap_or_else(|| AlertRecord {
        id: AlertId(context.clock.id()),
        kind: raised.kind,
        subject: raised.subject.clone(),
        standing: standing.clone(),
        title: String::new(),
        detail: String::new(),
        unit: String::new(),
        link: String::new(),
        channels: Vec::new(),
        owner: None,
        acknowledged_by: None,
        snoozed: None,
        resolved: None,
        notices: 0,
        revision: 0,
    });
    let id = base.id;
    let acknowledged_by = base.acknowledged_by.filter(|_| standing.acknowledged_at.is_some());
    let after = AlertRecord {
        title,
        detail,
        unit: raised.unit.clone(),
        link: raised.link.clone(),
        channels: raised.channels.clone(),
        acknowledged_by,
        standing,
        ..base
    };
    let event = event_of(before.as_ref(), &after, notice, now);
    // that it was seen again is kept once in a while: each minute would be a write for each alert
    let is_same = before.as_ref().is_some_and(|before| {
        let seen = after.standing.seen_at.duration_since(before.standing.seen_at) < machine::MIN_CLEAR / 2;
        let unseen = Standing { seen_at: before.standing.seen_at, ..after.standing.clone() };
        seen && *before == AlertRecord { standing: unseen, ..after.clone() }
    });
    if is_same {
        return (id, None);
    }
    let to = notice.map(|notice| (notice, channels_of(context, &after, notice, now)));
    let change = AlertChange { expected, events: event.into_iter().collect(), ..quiet(0, after, now) };
    let change = match to {
        Some((notice, to)) => notifying(context, change, notice, to),
        None => change,
    };
    (id, Some(change))
}

fn event_of(
    before: Option<&AlertRecord>,
    after: &AlertRecord,
    notice: Option<Notice>,
    now: Timestamp,
) -> Option<AlertEvent> {
    let (affects, unit) = (after.standing.affects, &after.unit);
    let entry = |what, detail| Some(AlertEvent { at: now, what, by: Actor::System, detail });
    let severity = after.standing.severity.label().to_lowercase();
    match (before, notice) {
        (None, _) => entry(EventKind::Opened, format!("{affects} {unit}")),
        (Some(before), _) if after.standing.severity > before.standing.severity => {
            entry(EventKind::Raised, format!("{affects} {unit}: now {severity}"))
        }
        // each doubling is worth a line
        (Some(before), _) if grew(before.standing.affects, affects) => {
            entry(EventKind::Grew, format!("{affects} {unit}"))
        }
        _ => None,
    }
}

/// Whether the number passed a power of two.
fn grew(before: u64, after: u64) -> bool {
    after > before && (before == 0 || after.ilog2() > before.ilog2())
}

/// What time alone does: it escalates, or its snooze ended.
pub(super) async fn waited(context: &Context, scope: Scope, open: AlertRecord) -> Result<()> {
    let now = context.now();
    let Some((standing, notice)) = machine::wait(&open.standing, now) else { return Ok(()) };
    let (what, detail) = match notice {
        Notice::Escalated => {
            (EventKind::Escalated, format!("step {} of {}", standing.escalated, machine::ESCALATIONS_MAX))
        }
        _ => (EventKind::Back, "the snooze is over".to_owned()),
    };
    let snoozed = open.snoozed.clone().filter(|_| standing.snoozed_until.is_some());
    let expected = open.revision;
    let after = AlertRecord { standing, snoozed, ..open };
    let to = channels_of(context, &after, notice, now);
    let event = AlertEvent { at: now, what, by: Actor::System, detail };
    let change = AlertChange { events: vec![event], ..quiet(expected, after, now) };
    // who changed it meanwhile has seen it; the next look decides anew
    keep(context, scope, notifying(context, change, notice, to)).await.map(drop)
}

/// The channels that are notified, and when.
fn channels_of(context: &Context, alert: &AlertRecord, notice: Notice, now: Timestamp) -> Vec<(String, Timestamp)> {
    let (severity, escalated) = (alert.standing.severity, alert.standing.escalated);
    let subject = Subject { kind: alert.kind, severity, escalated };
    let connections = context.connections.now();
    let wanted = |(name, route): (&str, &domain::alerts::route::Route)| {
        // that a channel does not deliver is for the others
        if alert.kind == AlertKind::ChannelFailed && alert.subject == name {
            return None;
        }
        let named = alert.channels.iter().any(|channel| channel == name);
        let due = match (alert.channels.is_empty(), named) {
            (true, _) => route.at(subject, notice, now)?,
            (false, true) if notice != Notice::Escalated => route.due(severity, now),
            // where those that a rule names do not answer, the others may
            (false, false) if notice == Notice::Escalated => route.at(subject, notice, now)?,
            (false, _) => return None,
        };
        Some((name.to_owned(), due))
    };
    connections.channels().filter_map(wanted).collect()
}

/// The change with its notices and their jobs.
fn notifying(context: &Context, change: AlertChange, notice: Notice, to: Vec<(String, Timestamp)>) -> AlertChange {
    let correlation = CorrelationId(context.clock.id());
    let new = |(channel, due_at)| NewNotice { id: NoticeId(context.clock.id()), notice, channel, due_at };
    let notices: Vec<NewNotice> = to.into_iter().map(new).collect();
    let job = |notice: &NewNotice| NewJob {
        id: JobId(context.clock.id()),
        kind: JobKind::SEND_ALERT,
        target: notice.id.to_string(),
        destination: Some(notice.channel.clone()),
        lane: Lane::RealTime,
        cause: Cause::Live,
        run_at: notice.due_at,
        correlation,
        shipment: None,
    };
    let jobs = notices.iter().map(job).collect();
    AlertChange { notices, jobs, ..change }
}

/// Keeps a change; whether it did.
pub(super) async fn keep(context: &Context, scope: Scope, change: AlertChange) -> Result<bool> {
    let has_work = !change.jobs.is_empty();
    let kept = context.store.alerts.change(scope, change).await?;
    if kept && has_work {
        context.notifier.work(Lane::RealTime);
    }
    Ok(kept)
}

fn cut(text: &str, max: usize) -> String {
    text.chars().take(max).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_doubling_is_a_line_of_the_history() {
        let mut lines = Vec::new();
        let mut before = 10;
        for now in 11..=100 {
            if grew(before, now) {
                lines.push(now);
            }
            before = now;
        }
        assert_eq!(lines, [16, 32, 64]);
        assert!(!grew(20, 5) && grew(0, 1));
    }
}
