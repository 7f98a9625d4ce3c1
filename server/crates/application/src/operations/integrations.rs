//! What callers read of the work that goes to other systems: how each destination stands, jobs with their calls, messages as
//! received, bulk retries, deliveries that could not be read.

use super::replays;
use crate::{
    caller::Caller,
    context::Context,
    destinations::{self, Standing},
    error::{Result, UseCaseError},
    governance::messages,
    mask::Mask,
    odoo::what_to_do,
    people::Who,
    texts::Slot,
    tracking::normalise,
};
use domain::{
    access::Permission,
    ids::{JobId, MessageId},
};
use std::collections::BTreeSet;
use storage::{
    Scope, Sealed,
    figures::LONG_RETRYING,
    inbox::{MessageRecord, MessageSelection, MessageState, MessageStatus},
    jobs::{AttemptRecord, DestinationSummary, INSIDE, JobFilter, JobRow, JobSelection},
    order_problems::{Extent, OrderProblem},
    replays::{Replay, Selection},
    tally::Tally,
};

/// Which jobs or messages are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View {
    /// Such jobs.
    Jobs(JobFilter),
    /// Messages that stand so, or all.
    Messages(Option<MessageState>),
}

impl View {
    fn jobs(self) -> JobFilter {
        match self {
            Self::Jobs(filter) => filter,
            Self::Messages(_) => JobFilter::default(),
        }
    }
}

/// A question to the jobs and messages: what is given here narrows it.
#[derive(Clone, Debug)]
pub struct Query {
    /// Which.
    pub view: View,
    /// Jobs of this destination.
    pub destination: Option<String>,
    /// Jobs with this class of error.
    pub class: Option<String>,
    /// Messages of the source of this name.
    pub source: Option<String>,
    /// An age or a time, as [`replays::from_when`] reads it; empty for any.
    pub since: String,
    /// Only jobs that are there for long.
    pub long_retrying: bool,
    /// Where the page begins.
    pub cursor: Option<String>,
    /// Whether to count what could be retried, where that takes time.
    pub count: bool,
}

/// What is to be retried.
#[derive(Clone, Debug)]
pub enum Chosen {
    /// All that a question selects.
    All(Query),
    /// These jobs.
    Jobs(Vec<JobId>),
    /// These messages.
    Messages(Vec<MessageId>),
}

/// Jobs and messages, with how the destinations stand.
#[derive(Clone, Debug)]
pub struct Integrations {
    /// The destinations that have work.
    pub destinations: Vec<Destination>,
    /// The rows.
    pub rows: Rows,
    /// Where the next page begins.
    pub next: Option<String>,
    /// What a bulk retry of everything that is selected would come to, where it was counted.
    pub planned: Option<Tally>,
    /// Bulk retries, newest first.
    pub bulk_retries: Vec<BulkRetry>,
    /// Deliveries of Odoo that could not be read, or only in part, newest first.
    pub unread: Vec<Unread>,
}

/// The rows of a view.
#[derive(Clone, Debug)]
pub enum Rows {
    /// Jobs, without their calls.
    Jobs(Vec<Job>),
    /// Messages.
    Messages(Vec<Message>),
}

/// A destination.
#[derive(Clone, Debug)]
pub struct Destination {
    /// Its figures.
    pub summary: DestinationSummary,
    /// What people call it.
    pub label: String,
    /// Whether there is a connection of this name, or it is work inside. Where there is none, its jobs wait until one is made.
    pub is_connected: bool,
    /// How it stands; none for work inside.
    pub standing: Option<Standing>,
    /// Who paused it.
    pub paused_by: Option<Who>,
}

/// A bulk retry.
#[derive(Clone, Debug)]
pub struct BulkRetry {
    /// As it is stored.
    pub record: Replay,
    /// What it retries, in words.
    pub what: String,
    /// Who started it.
    pub by: Who,
}

/// A delivery of Odoo that could not be read, or only in part.
#[derive(Clone, Debug)]
pub struct Unread {
    /// What is wrong.
    pub problem: OrderProblem,
    /// What a person can do.
    pub what_to_do: &'static str,
    /// Its page in Odoo.
    pub url: Option<String>,
    /// Whether there is a shipment of it all the same.
    pub imported: bool,
}

/// A job, with the texts that the caller may read.
#[derive(Clone, Debug)]
pub struct Job {
    /// As it is stored.
    pub row: JobRow,
    /// What people call the destination.
    pub destination: String,
    /// The name of the connection that it waits for, where there is none of this name.
    pub lacks: Option<String>,
    /// Why the last try failed.
    pub error: Option<String>,
    /// The calls that it made, oldest first; none in a list.
    pub calls: Vec<Call>,
}

impl Job {
    /// With its texts opened, as far as the caller may read them.
    pub fn read(context: &Context, caller: &Caller, row: JobRow, calls: Vec<AttemptRecord>) -> Self {
        let mask = Mask::of(caller);
        let shown = |slot: Slot, sealed: Option<&Sealed>| context.texts.shown(mask, slot, sealed);
        let call = |record: AttemptRecord| Call {
            request: shown(Slot::Request, record.request.as_ref()),
            response: shown(Slot::Response, record.response.as_ref()),
            record,
        };
        let (connections, name) = (context.connections.now(), row.job.destination.as_deref().unwrap_or(INSIDE));
        Self {
            destination: connections.label(name),
            lacks: (!connections.has(name)).then(|| name.to_owned()),
            error: shown(Slot::Error, row.error.as_ref()),
            calls: calls.into_iter().map(call).collect(),
            row,
        }
    }
}

/// A call, with the texts that the caller may read.
#[derive(Clone, Debug)]
pub struct Call {
    /// As it is stored.
    pub record: AttemptRecord,
    /// The request.
    pub request: Option<String>,
    /// The answer.
    pub response: Option<String>,
}

/// A message, with the text that the caller may read.
#[derive(Clone, Debug)]
pub struct Message {
    /// As it is stored.
    pub record: MessageRecord,
    /// What people call the source.
    pub source: String,
    /// Why it is not read.
    pub reason: Option<String>,
}

impl Message {
    /// With its reason opened, as far as the caller may read it.
    pub fn read(context: &Context, caller: &Caller, record: MessageRecord) -> Self {
        let sealed = match &record.status {
            MessageStatus::Quarantined { reason } | MessageStatus::Ignored { reason } => reason.as_ref(),
            MessageStatus::Received | MessageStatus::Normalised { .. } => None,
        };
        Self {
            source: context.connections.now().label(&record.source_name),
            reason: context.texts.shown(Mask::of(caller), Slot::Reason, sealed),
            record,
        }
    }
}

/// A message with its body.
#[derive(Clone, Debug)]
pub struct MessageWithBody {
    /// The message.
    pub message: Message,
    /// The body as text, masked for a caller who may not read it; none once it is no longer kept.
    pub body: Option<String>,
    /// Whether something is left out of it.
    pub masked: bool,
}

/// Jobs or messages, with how the destinations stand.
///
/// # Errors
/// When the caller may not, the question names a source or a time that there is not, or the store fails.
pub async fn integrations(context: &Context, caller: &Caller, query: Query) -> Result<Integrations> {
    caller.require(Permission::Operate)?;
    let (store, scope) = (&context.store, caller.scope());
    let destinations = destinations(context, caller).await?;
    let unread = unread(context, scope).await?;
    let mut bulk_retries = Vec::new();
    for record in store.replays.newest(scope).await? {
        let what = replays::describe(context, caller, &record.selection).await?;
        bulk_retries.push(BulkRetry { what, by: Who::one(context, record.by).await?, record });
    }
    let selection = selection(context, scope, &query).await?;
    let counts = query.count
        || matches!(query.view, View::Jobs(JobFilter::Failed) | View::Messages(Some(MessageState::Quarantined)));
    let planned = if counts { Some(replays::count(context, caller, &selection).await?) } else { None };
    let (rows, next) = match selection {
        Selection::Jobs(which) => {
            let page = store.jobs.list(scope, query.view.jobs(), which, query.cursor).await?;
            let jobs = page.rows.into_iter().map(|row| Job::read(context, caller, row, Vec::new()));
            (Rows::Jobs(jobs.collect()), page.next)
        }
        Selection::Messages(which) => {
            let page = store.inbox.messages(scope, which, query.cursor).await?;
            let messages = page.rows.into_iter().map(|record| Message::read(context, caller, record));
            (Rows::Messages(messages.collect()), page.next)
        }
    };
    Ok(Integrations { destinations, rows, next, planned, bulk_retries, unread })
}

/// One job with every call that it made.
///
/// # Errors
/// When the caller may not, there is no such job, or the store fails.
pub async fn job(context: &Context, caller: &Caller, id: JobId) -> Result<Job> {
    caller.require(Permission::Operate)?;
    let row = context.store.jobs.job(caller.scope(), id).await?.ok_or(UseCaseError::NotFound("job"))?;
    let calls = context.store.jobs.attempts(caller.scope(), id).await?;
    Ok(Job::read(context, caller, row, calls))
}

/// One message with its body. Who reads personal data leaves a line in the audit trail.
///
/// # Errors
/// When the caller may not, there is no such message, or the store fails.
pub async fn message(context: &Context, caller: &Caller, id: MessageId) -> Result<MessageWithBody> {
    caller.require(Permission::Operate)?;
    let (scope, mask) = (caller.scope(), Mask::of(caller));
    let found = normalise::opened(context, scope, id).await?;
    let (record, body) = found.ok_or(UseCaseError::NotFound("message"))?;
    if !mask.hides() && body.is_some() {
        messages::note_read(context, scope, id).await?;
    }
    Ok(MessageWithBody {
        message: Message::read(context, caller, record),
        masked: body.is_some() && mask.hides(),
        body: body.map(|(_, body)| mask.body(&body)),
    })
}

/// Starts a bulk retry of what is chosen; how many it takes up and leaves out.
///
/// # Errors
/// When the caller may not, nothing is chosen that can be retried, or the store fails.
pub async fn retry_all(context: &Context, caller: &Caller, chosen: Chosen) -> Result<Tally> {
    caller.require(Permission::Operate)?;
    let selection = match chosen {
        Chosen::All(query) => selection(context, caller.scope(), &query).await?,
        Chosen::Jobs(jobs) if !jobs.is_empty() => Selection::Jobs(JobSelection { jobs, ..JobSelection::default() }),
        Chosen::Messages(messages) if !messages.is_empty() => {
            Selection::Messages(MessageSelection { messages, ..MessageSelection::default() })
        }
        Chosen::Jobs(_) | Chosen::Messages(_) => {
            return Err(UseCaseError::Invalid { field: "ids", message: "choose at least one row, or all".into() });
        }
    };
    replays::start(context, caller, selection).await.map(|(_, tally)| tally)
}

/// What a question selects.
async fn selection(context: &Context, scope: Scope, query: &Query) -> Result<Selection> {
    let now = context.now();
    let since = replays::from_when(&query.since, now)?;
    let state = match query.view {
        View::Jobs(_) => {
            return Ok(Selection::Jobs(JobSelection {
                destination: query.destination.clone(),
                class: query.class.clone(),
                since,
                created_until: query.long_retrying.then(|| now.checked_sub(LONG_RETRYING).ok()).flatten(),
                ..JobSelection::default()
            }));
        }
        View::Messages(state) => state,
    };
    let source = match &query.source {
        None => None,
        Some(name) => {
            let sources = context.store.connections.all(scope).await?;
            let found = sources.into_iter().find(|source| source.name == *name);
            Some(found.ok_or(UseCaseError::NotFound("source"))?.id)
        }
    };
    Ok(Selection::Messages(MessageSelection { source, state, since, ..MessageSelection::default() }))
}

/// Those that have work, with how they stand.
async fn destinations(context: &Context, caller: &Caller) -> Result<Vec<Destination>> {
    let summaries = context.store.jobs.summary(caller.scope(), context.now()).await?;
    let standings = destinations::standings(context, caller).await?;
    let connections = context.connections.now();
    let mut shown = Vec::with_capacity(summaries.len());
    for summary in summaries {
        let standing = standings.iter().find(|standing| standing.name == summary.destination).cloned();
        let paused_by = match standing.as_ref().and_then(|standing| standing.breaker.paused.as_ref()) {
            Some(pause) => Some(Who::one(context, pause.by).await?),
            None => None,
        };
        let label = connections.label(&summary.destination);
        let is_connected = connections.has(&summary.destination);
        shown.push(Destination { summary, label, is_connected, standing, paused_by });
    }
    Ok(shown)
}

/// Deliveries that could not be read, or only in part.
async fn unread(context: &Context, scope: Scope) -> Result<Vec<Unread>> {
    let problems = context.store.order_problems.list(scope).await?;
    let mut known = BTreeSet::new();
    let systems: BTreeSet<_> = problems.iter().map(|problem| problem.system.clone()).collect();
    for system in systems {
        let of_system = problems.iter().filter(|problem| problem.system == system);
        let records = of_system.map(|problem| problem.seen.record).collect();
        let records = context.store.shipments.known_records(scope, &system, records).await?;
        known.extend(records.into_iter().map(|record| (system.clone(), record)));
    }
    let shown = |problem: OrderProblem| {
        let (system, seen) = (&problem.system, &problem.seen);
        Unread {
            url: context.odoo(system).filter(|_| seen.record > 0).map(|odoo| odoo.page(seen.record)),
            what_to_do: what_to_do(&seen.problem),
            // a shipment that was there before stays, whatever can be read now
            imported: seen.extent == Extent::Part || known.contains(&(system.clone(), seen.record)),
            problem,
        }
    };
    Ok(problems.into_iter().map(shown).collect())
}
