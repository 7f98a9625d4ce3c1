//! What was told to whom, for the pages.

use super::{Asker, cursor, id, refused, session::failed, times};
use crate::{
    jobs::errors,
    tower::Tower,
    usecases::{
        UseCaseError,
        destinations::{self, Standing},
        people::plain_audit,
    },
};
use app::contract::{
    Answer, ApiError,
    sync::{CallView, Destination, GateView, JobView, MessageView, Stands, SyncQuery, SyncView},
};
use async_trait::async_trait;
use domain::ids::{JobId, MessageId};
use jiff::Timestamp;
use storage::{
    Actor, Scope,
    inbox::{MessageFilter, MessageRecord, MessageStatus},
    jobs::{
        AttemptRecord, Cause, DestinationSummary, JobFilter, JobKind, JobRow, JobStatus, Lane, Outcome, RetrySelection,
    },
};

/// Calls shown of one job, the newest.
const CALLS_SHOWN: usize = 12;

/// Syncs.
pub struct SyncPort(pub Asker);

#[async_trait]
impl app::contract::sync::SyncPort for SyncPort {
    async fn view(&self, query: SyncQuery) -> Answer<SyncView> {
        let (tower, scope) = (&self.0.tower, self.0.scope()?);
        let fail = |e| refused(tower, e);
        let now = tower.now();
        let summary = tower.store.jobs.summary(scope, now).await.map_err(fail)?;
        let failed = failed(&summary);
        let mut view = SyncView {
            destinations: destinations(tower, scope, summary).await.map_err(|e| refused(tower, e))?,
            jobs: Vec::new(),
            quarantine: Vec::new(),
            next: None,
            failed,
        };
        if query.view == "quarantine" {
            let page = tower
                .store
                .inbox
                .messages(scope, MessageFilter::Quarantined, cursor(query.cursor))
                .await
                .map_err(fail)?;
            view.next = page.next;
            view.quarantine = page.rows.into_iter().map(|m| message(m, now)).collect();
            return Ok(view);
        }
        let page = tower.store.jobs.list(scope, filter(&query.view), None, cursor(query.cursor)).await.map_err(fail)?;
        view.next = page.next;
        for row in page.rows {
            let calls = tower.store.jobs.attempts(scope, row.job.id).await.map_err(fail)?;
            view.jobs.push(job(row, calls, now));
        }
        Ok(view)
    }

    async fn retry(&self, job: String) -> Answer<()> {
        let job: JobId = id(&job)?;
        self.take_up(RetrySelection::One(job), format!("job:{job}")).await.map(drop)
    }

    async fn retry_all(&self) -> Answer<u64> {
        let selection = RetrySelection::DeadSince { since: Timestamp::UNIX_EPOCH, destination: None };
        self.take_up(selection, "jobs:dead".into()).await
    }

    async fn pause(&self, destination: String, why: String) -> Answer<()> {
        let (tower, scope) = (&self.0.tower, self.0.scope()?);
        destinations::pause(tower, scope, &destination, &why).await.map_err(|e| refused(tower, e))
    }

    async fn resume(&self, destination: String) -> Answer<()> {
        let (tower, scope) = (&self.0.tower, self.0.scope()?);
        destinations::resume(tower, scope, &destination).await.map_err(|e| refused(tower, e))
    }

    async fn replay(&self, message: String) -> Answer<()> {
        let (tower, scope) = (&self.0.tower, self.0.scope()?);
        let message: MessageId = id(&message)?;
        let record = tower
            .store
            .inbox
            .message(scope, message)
            .await
            .map_err(|e| refused(tower, e))?
            .ok_or(ApiError::NotFound)?;
        replay(tower, scope, &record).await
    }
}

async fn replay(tower: &Tower, scope: Scope, record: &MessageRecord) -> Answer<()> {
    let job = tower.job(JobKind::Normalise, record.id, Cause::Live, record.correlation, None);
    let audit = plain_audit(tower.now(), "message.replay", format!("message:{}", record.id));
    tower.store.inbox.replay(scope, vec![(record.id, job)], audit).await.map_err(|e| refused(tower, e))?;
    tower.wake.work(Lane::RealTime);
    Ok(())
}

impl SyncPort {
    async fn take_up(&self, selection: RetrySelection, subject: String) -> Answer<u64> {
        let (tower, scope) = (&self.0.tower, self.0.scope()?);
        let now = tower.now();
        let taken = tower
            .store
            .jobs
            .retry(scope, selection, now, plain_audit(now, "jobs.retry", subject))
            .await
            .map_err(|e| refused(tower, e))?;
        tower.wake.all_work();
        Ok(taken)
    }
}

fn filter(view: &str) -> JobFilter {
    match view {
        "retrying" => JobFilter::Retrying,
        "pending" => JobFilter::Pending,
        "done" => JobFilter::Done,
        _ => JobFilter::Failed,
    }
}

/// Those that have work, and those that are not open.
async fn destinations(
    tower: &Tower,
    scope: Scope,
    summary: Vec<DestinationSummary>,
) -> Result<Vec<Destination>, UseCaseError> {
    let (now, standings) = (tower.now(), destinations::standings(tower, scope).await?);
    let mut shown = Vec::new();
    for d in summary {
        let standing = standings.iter().find(|s| s.name == d.destination);
        let gate = match standing {
            Some(standing) => Some(gate(tower, standing).await?),
            None => None,
        };
        shown.push(destination(d, gate, now));
    }
    Ok(shown)
}

async fn gate(tower: &Tower, standing: &Standing) -> Result<GateView, UseCaseError> {
    let (now, health) = (tower.now(), &standing.gate.health);
    let later = |time: Option<Timestamp>| time.filter(|time| *time > now);
    let (stands, detail) = match (&standing.gate.paused, later(health.held_until), health.shut_until) {
        (Some(pause), _, _) => {
            let who = match pause.by {
                Actor::User(id) => tower.store.people.user(id).await?.map_or_else(|| "somebody".into(), |u| u.name),
                Actor::Operator | Actor::System => "the command line".to_owned(),
            };
            (Stands::Paused, format!("by {who}: {}", pause.why))
        }
        (None, Some(until), _) => {
            (Stands::Held, format!("asked for peace for {}", times::span_words(until.duration_since(now))))
        }
        (None, None, Some(until)) => {
            let next = later(Some(until)).map_or_else(
                || "one job is let through next".to_owned(),
                |until| format!("one job is let through in {}", times::span_words(until.duration_since(now))),
            );
            (Stands::Shut, format!("{} failures in a row; {next}", health.failures))
        }
        (None, None, None) => (Stands::Open, String::new()),
    };
    Ok(GateView { name: standing.name.into(), stands, detail })
}

fn destination(d: DestinationSummary, gate: Option<GateView>, now: Timestamp) -> Destination {
    let label = match d.destination.as_str() {
        "odoo" => "Odoo".to_owned(),
        "desk" => "Service desk".to_owned(),
        "inside" => "Inside: reading and folding".to_owned(),
        other => other.to_owned(),
    };
    Destination {
        gate,
        label,
        done: d.done,
        pending: d.pending,
        retrying: d.retrying,
        dead: d.dead,
        errors: d.errors,
        last_ok: d.last_ok.map(|at| times::ago(at, now)),
    }
}

fn job(row: JobRow, calls: Vec<AttemptRecord>, now: Timestamp) -> JobView {
    let what = match row.job.kind {
        JobKind::SyncOrder => "Status, notes and activities of a delivery",
        JobKind::SyncCase => "Case of an exception",
        JobKind::ImportOrders => "Import of changed deliveries",
        JobKind::FetchKeys => "Published keys of a platform",
        JobKind::Reread => "Reading again after a mapping was published",
        JobKind::Normalise => "Reading a message",
        JobKind::Fold => "State of a shipment",
    };
    let status = match row.status {
        JobStatus::Ready => "waiting",
        JobStatus::Retrying => "will be tried again",
        JobStatus::Leased => "running",
        JobStatus::Done => "done",
        JobStatus::Dead => "given up until a person acts",
    };
    let advice =
        row.class.as_deref().and_then(errors::class).map(|class| format!("{} {}", class.meaning, class.what_to_do));
    let waits = matches!(row.status, JobStatus::Ready | JobStatus::Retrying);
    let skip = calls.len().saturating_sub(CALLS_SHOWN);
    JobView {
        id: row.job.id.to_string(),
        what: what.into(),
        destination: row.job.kind.destination().unwrap_or("inside").into(),
        shipment: row.job.shipment.map(|s| s.to_string()),
        attempts: row.attempts,
        status: status.into(),
        retryable: row.status == JobStatus::Dead,
        error: row.error,
        class: row.class,
        advice,
        next: waits.then(|| times::ago(row.job.run_at, now)),
        updated: times::ago(row.updated_at, now),
        correlation: row.job.correlation.to_string(),
        calls: calls.into_iter().skip(skip).map(|c| call(c, now)).collect(),
    }
}

fn call(attempt: AttemptRecord, now: Timestamp) -> CallView {
    let status = attempt.status.map_or_else(|| "no answer".to_owned(), |s| s.to_string());
    let outcome = match attempt.outcome {
        Outcome::Ok => "went well",
        Outcome::Failed => "failed",
        Outcome::Unknown => "outcome not known",
    };
    CallView {
        title: format!("{} · {status} · {} ms · {outcome}", attempt.operation, attempt.duration_ms),
        at: times::ago(attempt.started_at, now),
        request: attempt.request,
        response: attempt.response,
    }
}

fn message(message: MessageRecord, now: Timestamp) -> MessageView {
    let reason = match message.status {
        MessageStatus::Quarantined { reason } | MessageStatus::Ignored { reason } => reason,
        MessageStatus::Received => "being read".into(),
        MessageStatus::Normalised { .. } => "read".into(),
    };
    MessageView {
        id: message.id.to_string(),
        source: message.source_name,
        reason,
        received: times::ago(message.received_at, now),
        size: message.size,
        correlation: message.correlation.to_string(),
    }
}
