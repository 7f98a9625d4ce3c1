//! Updates sent to other systems, for the pages.

use super::{
    Asker, given, id,
    times::{Times, span_words},
    words::{verified, who},
};
use app::contract::{
    ApiError, ApiResult,
    connections::Health,
    session::Permission,
    sync::{
        BreakerView, CallView, Chosen, Destination, JobView, MessagePage, MessageView, Planned, ReplayView,
        RetryingFor, SyncQuery, SyncTab, SyncView, UnreadView,
    },
};
use application::{
    connections::catalogue,
    destinations::{self, Standing},
    jobs::{errors, registry, retry::ATTEMPTS_MAX},
    odoo,
    operations::{
        integrations::{self, BulkRetry, Call, Integrations, Job, Message, Query, Rows, Unread, View},
        replays,
    },
    people::Who,
};
use async_trait::async_trait;
use jiff::Timestamp;
use std::str::FromStr;
use storage::{
    inbox::{MessageState, MessageStatus},
    jobs::{JobFilter, JobStatus, Outcome},
    limits::DONE_COUNTED,
    replays::ReplayState,
    tally::Tally,
};

/// Syncs.
pub struct SyncPort(pub Asker);

#[async_trait]
impl app::contract::sync::SyncPort for SyncPort {
    async fn view(&self, query: SyncQuery) -> ApiResult<SyncView> {
        let caller = self.0.caller(Permission::Operate)?;
        let shown = integrations::integrations(&self.0.context, &caller, question(query)).await;
        Ok(view(shown.map_err(|e| self.0.refused(e))?, &self.0.times()))
    }

    async fn job(&self, job: String) -> ApiResult<JobView> {
        let caller = self.0.caller(Permission::Operate)?;
        let job = integrations::job(&self.0.context, &caller, id(&job)?).await;
        Ok(shown_job(job.map_err(|e| self.0.refused(e))?, &self.0.times()))
    }

    async fn message(&self, message: String) -> ApiResult<MessagePage> {
        let caller = self.0.caller(Permission::Operate)?;
        let found = integrations::message(&self.0.context, &caller, id(&message)?).await;
        let found = found.map_err(|e| self.0.refused(e))?;
        let record = &found.message.record;
        Ok(MessagePage {
            verified: verified(&record.verified_by),
            connector: catalogue::label(&record.connector).to_owned(),
            repeats: record.repeats,
            masked: found.masked,
            raw: found.body,
            message: shown_message(found.message, &self.0.times()),
        })
    }

    async fn retry(&self, job: String) -> ApiResult<()> {
        let caller = self.0.caller(Permission::Operate)?;
        let retried = replays::retry(&self.0.context, &caller, id(&job)?).await;
        retried.map(drop).map_err(|e| self.0.refused(e))
    }

    async fn start_replay(&self, chosen: Chosen) -> ApiResult<Planned> {
        let caller = self.0.caller(Permission::Operate)?;
        let started = integrations::retry_all(&self.0.context, &caller, choice(chosen)?).await;
        started.map(planned).map_err(|e| self.0.refused(e))
    }

    async fn stop_replay(&self, replay: String) -> ApiResult<()> {
        let caller = self.0.caller(Permission::Operate)?;
        replays::stop(&self.0.context, &caller, id(&replay)?).await.map_err(|e| self.0.refused(e))
    }

    async fn pause(&self, destination: String, why: String) -> ApiResult<()> {
        let caller = self.0.caller(Permission::Operate)?;
        let paused = destinations::pause(&self.0.context, &caller, &destination, &why).await;
        paused.map_err(|e| self.0.refused(e))
    }

    async fn resume(&self, destination: String) -> ApiResult<()> {
        let caller = self.0.caller(Permission::Operate)?;
        destinations::resume(&self.0.context, &caller, &destination).await.map_err(|e| self.0.refused(e))
    }

    async fn read_deliveries(&self) -> ApiResult<()> {
        let caller = self.0.caller(Permission::Operate)?;
        odoo::reimport(&self.0.context, &caller).await.map_err(|e| self.0.refused(e))
    }

    async fn replay(&self, message: String) -> ApiResult<()> {
        let caller = self.0.caller(Permission::Operate)?;
        replays::reprocess(&self.0.context, &caller, id(&message)?).await.map_err(|e| self.0.refused(e))
    }
}

fn question(query: SyncQuery) -> Query {
    Query {
        view: match query.view {
            SyncTab::Failed => View::Jobs(JobFilter::Failed),
            SyncTab::Retrying => View::Jobs(JobFilter::Retrying),
            SyncTab::Pending => View::Jobs(JobFilter::Pending),
            SyncTab::Done => View::Jobs(JobFilter::Done),
            SyncTab::Quarantine => View::Messages(Some(MessageState::Quarantined)),
            SyncTab::Messages => View::Messages(None),
        },
        destination: given(query.destination),
        class: given(query.class),
        source: given(query.source),
        since: query.since,
        long_retrying: query.longer == RetryingFor::Hour,
        cursor: given(query.cursor),
        count: query.count,
    }
}

/// The tab that shows such jobs.
const fn tab_of(filter: JobFilter) -> SyncTab {
    match filter {
        JobFilter::Failed => SyncTab::Failed,
        JobFilter::Retrying => SyncTab::Retrying,
        JobFilter::Pending => SyncTab::Pending,
        JobFilter::Done => SyncTab::Done,
    }
}

fn choice(chosen: Chosen) -> Result<integrations::Chosen, ApiError> {
    fn ids<T: FromStr>(texts: &[String]) -> Result<Vec<T>, ApiError> {
        let unknown = || ApiError::Invalid { field: "ids".into(), message: "one of the rows is not known".into() };
        texts.iter().map(|text| text.parse().map_err(|_| unknown())).collect()
    }
    Ok(if chosen.all {
        integrations::Chosen::All(question(chosen.query))
    } else if chosen.query.view.of_messages() {
        integrations::Chosen::Messages(ids(&chosen.ids)?)
    } else {
        integrations::Chosen::Jobs(ids(&chosen.ids)?)
    })
}

fn view(shown: Integrations, times: &Times) -> SyncView {
    let (jobs, messages) = match shown.rows {
        Rows::Jobs(jobs) => (jobs, Vec::new()),
        Rows::Messages(messages) => (Vec::new(), messages),
    };
    SyncView {
        destinations: shown.destinations.into_iter().map(|of| destination(of, times)).collect(),
        jobs: jobs.into_iter().map(|job| shown_job(job, times)).collect(),
        messages: messages.into_iter().map(|message| shown_message(message, times)).collect(),
        next: shown.next,
        planned: shown.planned.map(planned),
        replays: shown.bulk_retries.into_iter().map(|retry| shown_replay(retry, times)).collect(),
        unread: shown.unread.into_iter().map(|delivery| unread(delivery, times)).collect(),
    }
}

fn unread(delivery: Unread, times: &Times) -> UnreadView {
    let Unread { problem, what_to_do, url, imported } = delivery;
    UnreadView {
        url,
        name: problem.seen.name.unwrap_or_else(|| format!("Delivery {}", problem.seen.record)),
        what_to_do: what_to_do.to_owned(),
        problem: problem.seen.problem,
        imported,
        attempts: problem.attempts,
        since: times.dated(problem.first_seen),
        next_try: times.dated(problem.next_try),
    }
}

fn planned(tally: Tally) -> Planned {
    Planned { take: tally.take, skip: tally.skip }
}

fn shown_replay(retry: BulkRetry, times: &Times) -> ReplayView {
    let BulkRetry { record, what, by } = retry;
    let state = match record.state {
        ReplayState::Running => "Running",
        ReplayState::Done => "Completed",
        ReplayState::Stopped => "Stopped",
    };
    ReplayView {
        id: record.id.to_string(),
        what,
        by: who(by),
        started: times.ago(record.at),
        planned: record.planned.take + record.planned.skip,
        done: record.done.take + record.done.skip,
        skipped: record.done.skip,
        running: record.state == ReplayState::Running,
        state: state.into(),
    }
}

fn breaker(standing: &Standing, paused_by: Option<Who>, now: Timestamp) -> BreakerView {
    let health = &standing.breaker.health;
    let later = |time: Option<Timestamp>| time.filter(|time| *time > now);
    let (stands, detail) = match (&standing.breaker.paused, later(health.limited_until), health.open_until) {
        (Some(pause), _, _) => {
            let by = who(paused_by.unwrap_or(Who::Former));
            (Health::Paused, format!("by {by}: {}", pause.why))
        }
        (None, Some(until), _) => {
            (Health::RateLimited, format!("rate-limited, resumes in {}", span_words(until.duration_since(now))))
        }
        (None, None, Some(until)) => {
            let next = later(Some(until)).map_or_else(
                || "next probe now".to_owned(),
                |until| format!("next probe in {}", span_words(until.duration_since(now))),
            );
            let why = health
                .last_error
                .as_deref()
                .and_then(errors::class)
                .map(|class| class.meaning.trim_end_matches('.').to_owned());
            let why = why.unwrap_or_else(|| format!("{} failures in a row", health.failures));
            (Health::Suspended, format!("{why}; {next}"))
        }
        (None, None, None) => (Health::Healthy, String::new()),
    };
    BreakerView { name: standing.name.clone(), stands, detail }
}

/// Why the jobs of a destination wait that no connection leads to.
fn no_connection(name: &str) -> String {
    format!("No connection of this name: its jobs wait until a connection named {name} is made")
}

fn destination(of: integrations::Destination, times: &Times) -> Destination {
    let integrations::Destination { summary, label, is_connected, standing, paused_by } = of;
    Destination {
        no_connection: (!is_connected).then(|| no_connection(&summary.destination)),
        breaker: standing.map(|standing| breaker(&standing, paused_by, times.now)),
        label,
        name: summary.destination,
        done: summary.done,
        done_more: summary.done >= u64::from(DONE_COUNTED),
        pending: summary.pending,
        retrying: summary.retrying,
        dead: summary.dead,
        errors: summary.errors.into_iter().map(|e| (tab_of(e.filter), e.class, e.count)).collect(),
        last_ok: summary.last_ok.map(|at| times.ago(at)),
    }
}

/// A job, for people.
pub(super) fn shown_job(job: Job, times: &Times) -> JobView {
    let Job { row, destination, lacks, error, calls } = job;
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
    let advice = lacks.filter(|_| waits).map(|name| no_connection(&name)).or(advice);
    JobView {
        id: row.job.id.to_string(),
        what,
        destination,
        shipment: row.job.shipment.map(|s| s.to_string()),
        attempts: tried(row.status, row.attempts),
        status: status.into(),
        retryable: row.status == JobStatus::Dead,
        error,
        class: row.class,
        advice,
        next: waits.then(|| times.ago(row.job.run_at)),
        updated: times.ago(row.updated_at),
        correlation: row.job.correlation.to_string(),
        calls: calls.into_iter().map(|made| call(made, times)).collect(),
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

fn call(made: Call, times: &Times) -> CallView {
    let Call { record, request, response } = made;
    let status = record.status.map_or_else(|| "no answer".to_owned(), |s| s.to_string());
    let outcome = match record.outcome {
        Outcome::Ok => "Success",
        Outcome::Failed => "Failed",
        Outcome::Unknown => "Unknown",
    };
    CallView {
        title: format!("{} · {status} · {} ms · {outcome}", record.operation, record.duration_ms),
        at: times.ago(record.started_at),
        request: request.unwrap_or_default(),
        response: response.unwrap_or_default(),
    }
}

/// A message, for people.
pub(super) fn shown_message(message: Message, times: &Times) -> MessageView {
    let Message { record, source, reason } = message;
    let plural = |n: u32, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
    let reason = reason.unwrap_or_default();
    let (status, result) = match record.status {
        MessageStatus::Quarantined { .. } => ("Quarantined", reason),
        MessageStatus::Ignored { .. } => ("Ignored", reason),
        MessageStatus::Received => ("Processing", String::new()),
        MessageStatus::Normalised { observations, problems: 0 } => ("Processed", plural(observations, "event")),
        MessageStatus::Normalised { observations, problems } => {
            ("Processed", format!("{}, with {}", plural(observations, "event"), plural(problems, "warning")))
        }
    };
    MessageView {
        id: record.id.to_string(),
        source_label: source,
        source: record.source_name,
        status: status.into(),
        reason: if record.erased { "Content erased".into() } else { result },
        received: times.ago(record.received_at),
        size: record.size,
        correlation: record.correlation.to_string(),
    }
}
