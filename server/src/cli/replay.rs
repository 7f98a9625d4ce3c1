//! `milepost dead`, `milepost message`, `milepost replay`: what failed or could not be read, and its replay. Many
//! at once are counted first and replayed by the running server, step by step.

use crate::log;
use anyhow::{Context as _, Result, bail};
use application::caller::Caller;
use application::{
    context::Context,
    jobs::errors,
    operations::replays::{self, from_when},
    texts::Slot,
};
use clap::{Args, Subcommand, ValueEnum};
use domain::ids::{JobId, MessageId, ReplayId};
use std::{io::Write, sync::Arc};
use storage::{
    Scope, Sealed,
    inbox::{MessageRecord, MessageSelection, MessageState, MessageStatus},
    jobs::{INSIDE, JobFilter, JobRow, JobSelection},
    replays::Selection,
};

/// Failed jobs.
#[derive(Subcommand)]
pub enum Dead {
    /// List failed jobs, newest first: job, when, destination, class, kind, target, error.
    List(Jobs),
    /// Show a job: its error, what to do, and every call with its request and response, personal data masked.
    Show {
        /// The job.
        job: JobId,
    },
    /// Retry failed jobs: those named, or with --all every one that the options select.
    Retry {
        /// The jobs.
        jobs: Vec<JobId>,
        #[command(flatten)]
        which: Jobs,
        #[command(flatten)]
        how: How,
    },
}

/// Which failed jobs.
#[derive(Args)]
pub struct Jobs {
    /// Of this destination: the name of a connection, or inside.
    #[arg(long, value_name = "NAME")]
    destination: Option<String>,
    /// Of this class of error.
    #[arg(long, value_name = "CLASS")]
    class: Option<String>,
    /// Failed at most so long ago (24h, 7d), or since a time.
    #[arg(long, value_name = "WHEN", default_value = "", hide_default_value = true)]
    since: String,
}

/// How many are replayed.
#[derive(Args)]
pub struct How {
    /// Everything that the options select.
    #[arg(long)]
    all: bool,
    /// Start it; without this they are only counted.
    #[arg(long)]
    yes: bool,
}

/// Messages as they were received.
#[derive(Subcommand)]
pub enum Message {
    /// List messages, newest first: message, when, source, status, reason.
    List(Messages),
    /// Reprocess messages: those named, or with --all every one that the options select. What was processed before sends no
    /// note, case or customer message.
    Reread {
        /// The messages.
        messages: Vec<MessageId>,
        #[command(flatten)]
        which: Messages,
        #[command(flatten)]
        how: How,
    },
}

/// Which messages.
#[derive(Args)]
pub struct Messages {
    /// Of this source.
    #[arg(long, value_name = "NAME")]
    source: Option<String>,
    /// With this status.
    #[arg(long, value_enum)]
    status: Option<Status>,
    /// Received at most so long ago (24h, 7d), or since a time.
    #[arg(long, value_name = "WHEN", default_value = "", hide_default_value = true)]
    since: String,
}

/// The status of a message.
#[derive(Clone, Copy, ValueEnum)]
pub enum Status {
    /// Waiting to be processed.
    Received,
    /// Processed.
    Read,
    /// Not about tracking.
    Ignored,
    /// Cannot be read.
    Quarantined,
}

/// Bulk retries.
#[derive(Subcommand)]
pub enum Replay {
    /// List the newest: replay, when, state, how many of how many, what.
    List,
    /// Stop one; what it retried stays retried.
    Stop {
        /// The replay.
        replay: ReplayId,
    },
}

impl Dead {
    /// Does it.
    pub async fn run(self, context: Arc<Context>, scope: Scope) -> Result<()> {
        match self {
            Self::List(which) => {
                let which = which.selection(&context)?;
                let mut cursor = None;
                loop {
                    let first = cursor.is_none();
                    let page = context.store.jobs.list(scope, JobFilter::Failed, which.clone(), cursor).await?;
                    if first && page.rows.is_empty() {
                        eprintln!("no failed job");
                    }
                    for row in &page.rows {
                        writeln!(std::io::stdout(), "{}", line(&context, row))?;
                    }
                    cursor = page.next;
                    if cursor.is_none() {
                        return Ok(());
                    }
                }
            }
            Self::Show { job } => show(&context, scope, job).await,
            Self::Retry { jobs, which, how } => {
                how.check(jobs.is_empty())?;
                let which = JobSelection { jobs, ..which.selection(&context)? };
                take_up(&context, scope, Selection::Jobs(which), how.yes || !how.all).await
            }
        }
    }
}

impl Jobs {
    fn selection(&self, context: &Context) -> Result<JobSelection> {
        Ok(JobSelection {
            destination: self.destination.clone(),
            class: self.class.clone(),
            since: from_when(&self.since, context.now())?,
            ..JobSelection::default()
        })
    }
}

impl How {
    fn check(&self, nothing_named: bool) -> Result<()> {
        match (nothing_named, self.all) {
            (true, false) => bail!("name what to retry, or give --all"),
            (false, true) => bail!("either name what to retry, or give --all"),
            _ => Ok(()),
        }
    }
}

fn line(context: &Context, row: &JobRow) -> String {
    let job = &row.job;
    [
        job.id.to_string(),
        format!("{:.0}", row.updated_at),
        job.destination.clone().unwrap_or_else(|| INSIDE.into()),
        row.class.clone().unwrap_or_default(),
        job.kind.code().into(),
        job.target.clone(),
        context.texts.open(Slot::Error, row.error.as_ref()).unwrap_or_default(),
    ]
    .map(|part| log::shown(&part))
    .join("\t")
}

async fn show(context: &Context, scope: Scope, id: JobId) -> Result<()> {
    let row = context.store.jobs.job(scope, id).await?.context("there is no such job")?;
    say!("{}", line(context, &row));
    say!("correlation id {}, {} attempts", row.job.correlation, row.attempts);
    if let Some(class) = row.class.as_deref().and_then(errors::class) {
        say!("{} {}", class.meaning, class.what_to_do);
    }
    for call in context.store.jobs.attempts(scope, id).await? {
        let status = call.status.map_or_else(|| "no answer".into(), |status| status.to_string());
        say!("\n{:.3} {} {status}, {} ms", call.started_at, call.operation, call.duration_ms);
        let said = |place, text: Option<&Sealed>| log::shown(&context.texts.open(place, text).unwrap_or_default());
        let (request, response) = (call.request.as_ref(), call.response.as_ref());
        say!("> {}\n< {}", said(Slot::Request, request), said(Slot::Response, response));
    }
    Ok(())
}

impl Message {
    /// Does it.
    pub async fn run(self, context: Arc<Context>, scope: Scope) -> Result<()> {
        match self {
            Self::List(which) => {
                let which = which.selection(&context, scope).await?;
                let mut cursor = None;
                loop {
                    let first = cursor.is_none();
                    let page = context.store.inbox.messages(scope, which.clone(), cursor).await?;
                    if first && page.rows.is_empty() {
                        eprintln!("no message");
                    }
                    for message in page.rows {
                        writeln!(std::io::stdout(), "{}", message_line(&context, message))?;
                    }
                    cursor = page.next;
                    if cursor.is_none() {
                        return Ok(());
                    }
                }
            }
            Self::Reread { messages, which, how } => {
                how.check(messages.is_empty())?;
                let which = MessageSelection { messages, ..which.selection(&context, scope).await? };
                take_up(&context, scope, Selection::Messages(which), how.yes || !how.all).await
            }
        }
    }
}

impl Messages {
    async fn selection(&self, context: &Context, scope: Scope) -> Result<MessageSelection> {
        let source = match &self.source {
            None => None,
            Some(name) => {
                let sources = context.store.connections.all(scope).await?;
                let found = sources.into_iter().find(|source| source.name == *name);
                Some(found.with_context(|| format!("there is no source {name}"))?.id)
            }
        };
        let state = self.status.map(|status| match status {
            Status::Received => MessageState::Received,
            Status::Read => MessageState::Normalised,
            Status::Ignored => MessageState::Ignored,
            Status::Quarantined => MessageState::Quarantined,
        });
        let since = from_when(&self.since, context.now())?;
        Ok(MessageSelection { source, state, since, ..MessageSelection::default() })
    }
}

fn message_line(context: &Context, message: MessageRecord) -> String {
    let said = |reason: Option<&Sealed>| context.texts.open(Slot::Reason, reason).unwrap_or_default();
    let (status, reason) = match message.status {
        MessageStatus::Received => ("received", String::new()),
        MessageStatus::Normalised { observations, .. } => ("read", format!("{observations} statements")),
        MessageStatus::Ignored { reason } => ("ignored", said(reason.as_ref())),
        MessageStatus::Quarantined { reason } => ("quarantined", said(reason.as_ref())),
    };
    let reason = if message.erased { "content erased".to_owned() } else { reason };
    let when = format!("{:.0}", message.received_at);
    let parts = [message.id.to_string(), when, message.source_name, status.into(), reason];
    parts.map(|part| log::shown(&part)).join("\t")
}

/// Counts, and with `really` begins.
async fn take_up(context: &Context, scope: Scope, selection: Selection, really: bool) -> Result<()> {
    let said = replays::describe(context, &Caller::trusted(scope), &selection).await?;
    if !really {
        let counted = replays::count(context, &Caller::trusted(scope), &selection).await?;
        say!("{said}: {} would be retried, {} skipped; give --yes to start", counted.take, counted.skip);
        return Ok(());
    }
    let (id, planned) = replays::start(context, &Caller::trusted(scope), selection).await?;
    say!(
        "{id}\t{said}: retry of {} started, {} skipped; the running server does it step by step",
        planned.take,
        planned.skip
    );
    Ok(())
}

impl Replay {
    /// Does it.
    pub async fn run(self, context: Arc<Context>, scope: Scope) -> Result<()> {
        match self {
            Self::List => {
                let replays = context.store.replays.newest(scope).await?;
                if replays.is_empty() {
                    eprintln!("no bulk retry so far");
                }
                for replay in replays {
                    let (done, planned) = (replay.done, replay.planned);
                    let counts = format!("{} of {}", done.take + done.skip, planned.take + planned.skip);
                    let said = replays::describe(&context, &Caller::trusted(scope), &replay.selection).await?;
                    let state = format!("{:?}", replay.state).to_lowercase();
                    say!("{}\t{:.0}\t{state}\t{counts}\t{said}", replay.id, replay.at);
                }
            }
            Self::Stop { replay } => {
                replays::stop(&context, &Caller::trusted(scope), replay).await?;
                say!("stopped");
            }
        }
        Ok(())
    }
}
