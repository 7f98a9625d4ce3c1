//! Updates sent to other systems, for the pages.

use super::{
    Asker, cursor, id, refused,
    times::{Times, span_words},
    words::verified,
};
use app::contract::{
    ApiError, ApiResult,
    session::Permission,
    sync::{
        BreakerState, BreakerView, CallView, Chosen, Destination, JobView, MessagePage, MessageView, Planned,
        ReplayView, SyncQuery, SyncView, UnreadView,
    },
};
use application::{
    caller::Caller,
    connections::{Snapshot, catalogue},
    context::Context,
    destinations::{self, Standing},
    error::UseCaseError,
    governance::messages,
    jobs::{errors, registry, retry::ATTEMPTS_MAX},
    odoo,
    operations::replays,
    texts::{Slot, Texts},
    tracking::normalise,
};
use async_trait::async_trait;
use domain::{
    ids::{JobId, MessageId},
    visible::visible,
};
use jiff::Timestamp;
use std::collections::BTreeSet;
use storage::{
    Actor, Scope, Sealed,
    figures::LONG_RETRYING,
    inbox::{MessageRecord, MessageSelection, MessageState, MessageStatus},
    jobs::{AttemptRecord, DestinationSummary, INSIDE, JobFilter, JobRow, JobSelection, JobStatus, Outcome},
    limits::DONE_COUNTED,
    order_problems::{Extent, OrderProblem},
    replays::{Replay, ReplayState, Selection},
    tally::Tally,
};

/// Syncs.
pub struct SyncPort(pub Asker);

impl SyncPort {
    /// What opens texts of other systems, for those who may read personal data.
    fn texts(&self) -> Option<&Texts> {
        (!self.0.mask().hides()).then_some(&self.0.context.texts)
    }
}

#[async_trait]
impl app::contract::sync::SyncPort for SyncPort {
    async fn view(&self, query: SyncQuery) -> ApiResult<SyncView> {
        let (context, caller) = (&self.0.context, self.0.caller()?);
        view(context, &caller, query, self.texts(), &self.0.times()).await.map_err(|e| refused(context, e))
    }

    async fn job(&self, job: String) -> ApiResult<JobView> {
        let (context, scope) = (&self.0.context, self.0.scope(Permission::Operate)?);
        let id: JobId = id(&job)?;
        let fail = |e| refused(context, e);
        let row = context.store.jobs.job(scope, id).await.map_err(fail)?.ok_or(ApiError::NotFound)?;
        let calls = context.store.jobs.attempts(scope, id).await.map_err(fail)?;
        Ok(shown_job(row, calls, &context.connections.now(), self.texts(), &self.0.times()))
    }

    async fn message(&self, message: String) -> ApiResult<MessagePage> {
        let (context, scope) = (&self.0.context, self.0.scope(Permission::Operate)?);
        let id: MessageId = id(&message)?;
        let fail = |e: UseCaseError| refused(context, e);
        let found = normalise::opened(context, scope, id).await.map_err(fail)?;
        let (record, body) = found.ok_or(ApiError::NotFound)?;
        let mask = self.0.mask();
        if !mask.hides() && body.is_some() {
            messages::note_read(context, scope, id).await.map_err(fail)?;
        }
        Ok(MessagePage {
            verified: verified(&record.verified_by),
            connector: catalogue::label(&record.connector).to_owned(),
            repeats: record.repeats,
            masked: body.is_some() && mask.hides(),
            raw: body.map(|(_, body)| mask.body(&body)),
            message: shown_message(record, &context.connections.now(), self.texts(), &self.0.times()),
        })
    }

    async fn retry(&self, job: String) -> ApiResult<()> {
        let (context, caller) = (&self.0.context, self.0.caller()?);
        replays::retry(context, &caller, id(&job)?).await.map(drop).map_err(|e| refused(context, e))
    }

    async fn start_replay(&self, chosen: Chosen) -> ApiResult<Planned> {
        let (context, caller) = (&self.0.context, self.0.caller()?);
        let scope = self.0.scope(Permission::Operate)?;
        let begun = async {
            let selection = chosen_selection(context, scope, chosen).await?;
            replays::start(context, &caller, selection).await
        };
        begun.await.map(|(_, tally)| planned(tally)).map_err(|e| refused(context, e))
    }

    async fn stop_replay(&self, replay: String) -> ApiResult<()> {
        let (context, caller) = (&self.0.context, self.0.caller()?);
        caller.require(Permission::Operate).map_err(|e| refused(context, e))?;
        replays::stop(context, &caller, id(&replay)?).await.map_err(|e| refused(context, e))
    }

    async fn pause(&self, destination: String, why: String) -> ApiResult<()> {
        let (context, caller) = (&self.0.context, self.0.caller()?);
        destinations::pause(context, &caller, &destination, &why).await.map_err(|e| refused(context, e))
    }

    async fn resume(&self, destination: String) -> ApiResult<()> {
        let (context, caller) = (&self.0.context, self.0.caller()?);
        destinations::resume(context, &caller, &destination).await.map_err(|e| refused(context, e))
    }

    async fn read_deliveries(&self) -> ApiResult<()> {
        let (context, caller) = (&self.0.context, self.0.caller()?);
        odoo::reimport(context, &caller).await.map_err(|e| refused(context, e))
    }

    async fn replay(&self, message: String) -> ApiResult<()> {
        let (context, caller) = (&self.0.context, self.0.caller()?);
        replays::reprocess(context, &caller, id(&message)?).await.map_err(|e| refused(context, e))
    }
}

async fn view(
    context: &Context,
    caller: &Caller,
    query: SyncQuery,
    texts: Option<&Texts>,
    times: &Times,
) -> Result<SyncView, UseCaseError> {
    caller.require(Permission::Operate)?;
    let (store, scope) = (&context.store, caller.scope());
    let summary = store.jobs.summary(scope, times.now).await?;
    let mut view = SyncView {
        destinations: shown_destinations(context, caller, summary, times).await?,
        jobs: Vec::new(),
        messages: Vec::new(),
        next: None,
        planned: None,
        replays: Vec::new(),
        unread: unread(context, scope, times).await?,
    };
    for replay in store.replays.newest(scope).await? {
        view.replays.push(shown_replay(context, caller, replay, times).await?);
    }
    let connections = context.connections.now();
    let selection = selection(context, scope, &query).await?;
    if query.count || matches!(query.view.as_str(), "failed" | "quarantine") {
        view.planned = Some(planned(replays::count(context, caller, &selection).await?));
    }
    match selection {
        Selection::Messages(which) => {
            let page = store.inbox.messages(scope, which, cursor(query.cursor)).await?;
            view.next = page.next;
            view.messages =
                page.rows.into_iter().map(|message| shown_message(message, &connections, texts, times)).collect();
        }
        Selection::Jobs(which) => {
            let page = store.jobs.list(scope, filter(&query.view), which, cursor(query.cursor)).await?;
            view.next = page.next;
            view.jobs =
                page.rows.into_iter().map(|row| shown_job(row, Vec::new(), &connections, texts, times)).collect();
        }
    }
    Ok(view)
}

/// Deliveries that could not be read, or only in part.
async fn unread(context: &Context, scope: Scope, times: &Times) -> Result<Vec<UnreadView>, UseCaseError> {
    let problems = context.store.order_problems.list(scope).await?;
    let mut known = BTreeSet::new();
    let systems: BTreeSet<_> = problems.iter().map(|problem| problem.system.clone()).collect();
    for system in systems {
        let of_system = problems.iter().filter(|problem| problem.system == system);
        let records = of_system.map(|problem| problem.seen.record).collect();
        let records = context.store.shipments.known_records(scope, &system, records).await?;
        known.extend(records.into_iter().map(|record| (system.clone(), record)));
    }
    let shown =
        problems.into_iter().map(|OrderProblem { system, seen, attempts, first_seen, next_try, .. }| UnreadView {
            url: context.odoo(&system).filter(|_| seen.record > 0).map(|odoo| odoo.page(seen.record)),
            name: seen.name.unwrap_or_else(|| format!("Delivery {}", seen.record)),
            what_to_do: odoo::what_to_do(&seen.problem).to_owned(),
            problem: seen.problem,
            // a shipment that was there before stays, whatever can be read now
            imported: seen.extent == Extent::Part || known.contains(&(system, seen.record)),
            attempts,
            since: times.dated(first_seen),
            next_try: times.dated(next_try),
        });
    Ok(shown.collect())
}

/// What a question chooses.
async fn selection(context: &Context, scope: Scope, query: &SyncQuery) -> Result<Selection, UseCaseError> {
    let given = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    let since = replays::from_when(&query.since, context.now())?;
    if !query.of_messages() {
        let (destination, class) = (given(&query.destination), given(&query.class));
        let created_until = (query.longer == "1h").then(|| context.now().checked_sub(LONG_RETRYING).ok()).flatten();
        return Ok(Selection::Jobs(JobSelection {
            destination,
            class,
            since,
            created_until,
            ..JobSelection::default()
        }));
    }
    let source = match given(&query.source) {
        None => None,
        Some(name) => {
            let sources = context.store.connections.all(scope).await?;
            let found = sources.into_iter().find(|source| source.name == name);
            Some(found.ok_or(UseCaseError::NotFound("source"))?.id)
        }
    };
    let state = (query.view == "quarantine").then_some(MessageState::Quarantined);
    Ok(Selection::Messages(MessageSelection { source, state, since, ..MessageSelection::default() }))
}

async fn chosen_selection(context: &Context, scope: Scope, chosen: Chosen) -> Result<Selection, UseCaseError> {
    let invalid = |message: &str| UseCaseError::Invalid { field: "ids", message: message.into() };
    if chosen.all {
        return selection(context, scope, &chosen.query).await;
    }
    if chosen.ids.is_empty() {
        return Err(invalid("choose at least one row, or all"));
    }
    fn parsed<T: std::str::FromStr>(ids: &[String]) -> Result<Vec<T>, T::Err> {
        ids.iter().map(|id| id.parse()).collect()
    }
    let unknown = |_| invalid("one of the rows is not known");
    Ok(if chosen.query.of_messages() {
        let messages = parsed(&chosen.ids).map_err(unknown)?;
        Selection::Messages(MessageSelection { messages, ..MessageSelection::default() })
    } else {
        let jobs = parsed(&chosen.ids).map_err(unknown)?;
        Selection::Jobs(JobSelection { jobs, ..JobSelection::default() })
    })
}

fn planned(tally: Tally) -> Planned {
    Planned { take: tally.take, skip: tally.skip }
}

async fn shown_replay(
    context: &Context,
    caller: &Caller,
    replay: Replay,
    times: &Times,
) -> Result<ReplayView, UseCaseError> {
    let state = match replay.state {
        ReplayState::Running => "Running",
        ReplayState::Done => "Completed",
        ReplayState::Stopped => "Stopped",
    };
    Ok(ReplayView {
        id: replay.id.to_string(),
        what: replays::describe(context, caller, &replay.selection).await?,
        by: name_of(context, replay.by).await?,
        started: times.ago(replay.at),
        planned: replay.planned.take + replay.planned.skip,
        done: replay.done.take + replay.done.skip,
        skipped: replay.done.skip,
        running: replay.state == ReplayState::Running,
        state: state.into(),
    })
}

/// Who did something, for people.
async fn name_of(context: &Context, actor: Actor) -> Result<String, UseCaseError> {
    Ok(match actor {
        Actor::User(id) => {
            context.store.people.user(id).await?.map_or_else(|| "a former user".into(), |user| user.name)
        }
        Actor::Operator | Actor::System => "the command line".to_owned(),
    })
}

fn filter(view: &str) -> JobFilter {
    match view {
        "retrying" => JobFilter::Retrying,
        "pending" => JobFilter::Pending,
        "done" => JobFilter::Done,
        _ => JobFilter::Failed,
    }
}

/// The view of the address.
const fn view_of(filter: JobFilter) -> &'static str {
    match filter {
        JobFilter::Failed => "failed",
        JobFilter::Retrying => "retrying",
        JobFilter::Pending => "pending",
        JobFilter::Done => "done",
    }
}

/// Those that have work, and those that are not open.
async fn shown_destinations(
    context: &Context,
    caller: &Caller,
    summary: Vec<DestinationSummary>,
    times: &Times,
) -> Result<Vec<Destination>, UseCaseError> {
    let standings = destinations::standings(context, caller).await?;
    let mut shown = Vec::new();
    for d in summary {
        let standing = standings.iter().find(|s| s.name == d.destination);
        let breaker = match standing {
            Some(standing) => Some(breaker(context, standing).await?),
            None => None,
        };
        let label = context.connections.now().label(&d.destination);
        shown.push(destination(d, label, breaker, times));
    }
    Ok(shown)
}

async fn breaker(context: &Context, standing: &Standing) -> Result<BreakerView, UseCaseError> {
    let (now, health) = (context.now(), &standing.breaker.health);
    let later = |time: Option<Timestamp>| time.filter(|time| *time > now);
    let (stands, detail) = match (&standing.breaker.paused, later(health.limited_until), health.open_until) {
        (Some(pause), _, _) => {
            let who = name_of(context, pause.by).await?;
            (BreakerState::Paused, format!("by {who}: {}", pause.why))
        }
        (None, Some(until), _) => {
            (BreakerState::RateLimited, format!("rate-limited, resumes in {}", span_words(until.duration_since(now))))
        }
        (None, None, Some(until)) => {
            let next = later(Some(until)).map_or_else(
                || "next probe now".to_owned(),
                |until| format!("next probe in {}", span_words(until.duration_since(now))),
            );
            (BreakerState::Suspended, format!("{} failures in a row; {next}", health.failures))
        }
        (None, None, None) => (BreakerState::Healthy, String::new()),
    };
    Ok(BreakerView { name: standing.name.clone(), stands, detail })
}

fn destination(d: DestinationSummary, label: String, breaker: Option<BreakerView>, times: &Times) -> Destination {
    Destination {
        breaker,
        label,
        name: d.destination,
        done: d.done,
        done_more: d.done >= u64::from(DONE_COUNTED),
        pending: d.pending,
        retrying: d.retrying,
        dead: d.dead,
        errors: d.errors.into_iter().map(|e| (view_of(e.filter).to_owned(), e.class, e.count)).collect(),
        last_ok: d.last_ok.map(|at| times.ago(at)),
    }
}

fn shown_job(
    row: JobRow,
    calls: Vec<AttemptRecord>,
    connections: &Snapshot,
    texts: Option<&Texts>,
    times: &Times,
) -> JobView {
    let what = registry::of(row.job.kind).map_or_else(|| row.job.kind.to_string(), |kind| kind.label.to_owned());
    let status = match row.status {
        JobStatus::Ready if row.job.run_at > times.now => "Scheduled",
        JobStatus::Ready => "Queued",
        JobStatus::Retrying => "Retrying",
        JobStatus::Leased => "Running",
        JobStatus::Done => "Succeeded",
        JobStatus::Dead => "Failed",
    };
    let advice =
        row.class.as_deref().and_then(errors::class).map(|class| format!("{} {}", class.meaning, class.what_to_do));
    let waits = matches!(row.status, JobStatus::Ready | JobStatus::Retrying);
    JobView {
        id: row.job.id.to_string(),
        what,
        destination: connections.label(row.job.destination.as_deref().unwrap_or(INSIDE)),
        shipment: row.job.shipment.map(|s| s.to_string()),
        attempts: tried(row.status, row.attempts),
        status: status.into(),
        retryable: row.status == JobStatus::Dead,
        error: opened(texts, Slot::Error, row.error.as_ref()),
        class: row.class,
        advice,
        next: waits.then(|| times.ago(row.job.run_at)),
        updated: times.ago(row.updated_at),
        correlation: row.job.correlation.to_string(),
        calls: calls.into_iter().map(|c| call(c, texts, times)).collect(),
    }
}

/// How often a job was tried: of how many times, while it goes on.
fn tried(status: JobStatus, attempts: u32) -> String {
    match status {
        JobStatus::Ready | JobStatus::Retrying | JobStatus::Leased => format!("attempt {attempts} of {ATTEMPTS_MAX}"),
        JobStatus::Done | JobStatus::Dead if attempts == 1 => "1 attempt".to_owned(),
        JobStatus::Done | JobStatus::Dead => format!("{attempts} attempts"),
    }
}

fn call(attempt: AttemptRecord, texts: Option<&Texts>, times: &Times) -> CallView {
    let status = attempt.status.map_or_else(|| "no answer".to_owned(), |s| s.to_string());
    let outcome = match attempt.outcome {
        Outcome::Ok => "Success",
        Outcome::Failed => "Failed",
        Outcome::Unknown => "Unknown",
    };
    CallView {
        title: format!("{} · {status} · {} ms · {outcome}", attempt.operation, attempt.duration_ms),
        at: times.ago(attempt.started_at),
        request: opened(texts, Slot::Request, attempt.request.as_ref()).unwrap_or_default(),
        response: opened(texts, Slot::Response, attempt.response.as_ref()).unwrap_or_default(),
    }
}

/// A text of another system, for those who may read it.
fn opened(texts: Option<&Texts>, place: Slot, sealed: Option<&Sealed>) -> Option<String> {
    texts?.open(place, sealed).map(|text| visible(&text).into_owned())
}

fn shown_message(message: MessageRecord, connections: &Snapshot, texts: Option<&Texts>, times: &Times) -> MessageView {
    let plural = |n: u32, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
    let said = |reason: Option<&Sealed>| opened(texts, Slot::Reason, reason).unwrap_or_default();
    let (status, reason) = match message.status {
        MessageStatus::Quarantined { reason } => ("Quarantined", said(reason.as_ref())),
        MessageStatus::Ignored { reason } => ("Ignored", said(reason.as_ref())),
        MessageStatus::Received => ("Processing", String::new()),
        MessageStatus::Normalised { observations, problems: 0 } => ("Processed", plural(observations, "event")),
        MessageStatus::Normalised { observations, problems } => {
            ("Processed", format!("{}, with {}", plural(observations, "event"), plural(problems, "warning")))
        }
    };
    MessageView {
        id: message.id.to_string(),
        source_label: connections.label(&message.source_name),
        source: message.source_name,
        status: status.into(),
        reason: if message.erased { "Content erased".into() } else { reason },
        received: times.ago(message.received_at),
        size: message.size,
        correlation: message.correlation.to_string(),
    }
}
