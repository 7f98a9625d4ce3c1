//! Sends reports by mail, each mailing once: that it is being sent is kept before the call. Where the answer is lost it goes out once
//! more, under the same id, by which many mail systems know a repeat; after that what became of it is not known, and is shown so.

use super::{
    build::build,
    common::{mail_channel, recipients_of, zone},
    html, written,
};
use crate::{
    alerts,
    caller::Caller,
    context::Context,
    error::{Result, UseCaseError},
};
use channels::{Attachment, Late, Mailing as Mail};
use domain::{
    access::Permission,
    alerts::AlertKind,
    ids::{ReportId, ReportRunId},
};
use jiff::{SignedDuration, Timestamp};
use outbound::{CallError, CallLog, ErrorClass};
use storage::{
    Scope,
    jobs::{Cause, JobKind, Lane},
    reports::{Format, NewRun, ReportRecord, ReportRun, RunState},
};

/// So long all wait for a recipient that the mail server refuses for now: greylisting takes minutes.
const WAITING: SignedDuration = SignedDuration::from_mins(30);
/// The note of a mailing that goes out for the second time.
const REPEATED: &str = "sent again: the mail server's answer was lost";

/// Why a mailing is not sent now.
#[derive(Debug)]
pub enum SendError {
    /// The mail server refused it, or did not answer.
    Call(CallError),
    /// Our own doing.
    Ours(UseCaseError),
    /// The channel is not in use.
    NotInUse,
}

impl From<storage::StoreError> for SendError {
    fn from(error: storage::StoreError) -> Self {
        Self::Ours(error.into())
    }
}

impl From<UseCaseError> for SendError {
    fn from(error: UseCaseError) -> Self {
        Self::Ours(error)
    }
}

/// A mailing of a report, with the job that sends it.
pub(super) fn new_run(context: &Context, report: ReportId, due_at: Timestamp) -> NewRun {
    let id = ReportRunId(context.clock.id());
    let job = mail_channel(context)
        .map(|channel| context.job(JobKind::SEND_REPORT, id, Cause::Live, context.correlation(), None).to(channel));
    let (state, note) = match job {
        Some(_) => (RunState::Waiting, String::new()),
        None => (RunState::Failed, "No mail channel is connected.".to_owned()),
    };
    NewRun { run: ReportRun { id, report, due_at, state, note, at: context.now() }, job }
}

/// Begins the mailings that are due; how many. One that was missed while the server was down goes out once, about the period
/// that it was due for. A report that cannot begin stops no other.
///
/// # Errors
/// When the store fails.
pub async fn begin_due(context: &Context, scope: Scope) -> Result<usize> {
    let zone = zone(context, scope).await?;
    let mut started = 0;
    for report in context.store.reports.due(scope, context.now()).await? {
        let Some(mailing) = &report.mailing else { continue };
        let Some(due_at) = mailing.next_at else { continue };
        let next = mailing.rhythm.next_after(context.now(), &zone);
        let new = new_run(context, report.id, due_at);
        match context.store.reports.begin(scope, due_at, next, new).await {
            Ok(did) => started += usize::from(did),
            Err(error) => tracing::warn!(report = %report.id, "a mailing of a report did not begin yet: {error}"),
        }
    }
    if started > 0 {
        context.notifier.work(Lane::RealTime);
    }
    Ok(started)
}

/// Sends a mailing. What a person tries again after it was given up is sent too.
///
/// # Errors
/// See [`SendError`].
pub async fn send(
    context: &Context,
    scope: Scope,
    id: ReportRunId,
    channel: &str,
    log: &dyn CallLog,
) -> std::result::Result<(), SendError> {
    let store = &context.store.reports;
    let Some(run) = store.run(scope, id).await? else { return Ok(()) };
    if matches!(run.state, RunState::Sent | RunState::Unknown) {
        return Ok(());
    }
    let moved = async |from, to, note: &str| {
        let to = ReportRun { state: to, note: note.to_owned(), at: context.now(), ..run.clone() };
        store.run_moved(scope, from, to).await
    };
    let Some(mail) = context.connections.channel(channel) else { return Err(SendError::NotInUse) };
    // the answer was lost, or the process died while it was sent: it goes out once more at most
    let repeats = run.state == RunState::Sending;
    if repeats && (run.note == REPEATED || !mail.knows_repeats()) {
        moved(RunState::Sending, RunState::Unknown, "").await?;
        return Ok(());
    }
    let Some(report) = store.report(scope, run.report).await? else { return Ok(()) };
    let Some(to) = recipients_of(context, &report) else {
        moved(run.state, RunState::Failed, "It has no recipients.").await?;
        return Ok(());
    };
    let Some(caller) = on_behalf_of(context, scope, &report).await? else {
        moved(run.state, RunState::Failed, "Its owner may no longer see figures.").await?;
        return Ok(());
    };
    let mailing = composed(context, &caller, &report, &run, to).await?;
    if !moved(run.state, RunState::Sending, if repeats { REPEATED } else { "" }).await? {
        return Ok(());
    }
    match mail.send_mailing(&mailing, log).await {
        Ok(refused) => {
            let note = match (refused, mailing.to.len()) {
                (0, 1) => "1 recipient".to_owned(),
                (0, all) => format!("{all} recipients"),
                (refused, all) => format!("{refused} of {all} recipients refused by the mail server"),
            };
            moved(RunState::Sending, RunState::Sent, &note).await?;
            alerts::clear(context, scope, AlertKind::ChannelFailed, channel).await?;
            Ok(())
        }
        Err(error) if error.class == ErrorClass::UnknownOutcome && (repeats || !mail.knows_repeats()) => {
            moved(RunState::Sending, RunState::Unknown, "").await?;
            Ok(())
        }
        Err(error) => {
            // one whose outcome is unknown stays as it is: it is sent once more under its id
            if error.class != ErrorClass::UnknownOutcome {
                moved(RunState::Sending, RunState::Waiting, error.class.meaning()).await?;
            }
            Err(SendError::Call(error))
        }
    }
}

/// A mailing was given up: its report says so, and so does an alert over the other channels.
///
/// # Errors
/// When the store fails.
pub async fn failed(context: &Context, scope: Scope, id: ReportRunId, channel: &str, class: &str) -> Result<()> {
    let store = &context.store.reports;
    let Some(run) = store.run(scope, id).await? else { return Ok(()) };
    let meaning = ErrorClass::from_code(class).map_or("It was tried until its time was over.", ErrorClass::meaning);
    let given_up = ReportRun { state: RunState::Failed, note: meaning.to_owned(), at: context.now(), ..run.clone() };
    if run.state == RunState::Failed || !store.run_moved(scope, run.state, given_up).await? {
        return Ok(());
    }
    alerts::channel_failed(context, scope, channel, class, "reports").await
}

/// The owner, with what they may do now; none where they may no longer see figures.
async fn on_behalf_of(context: &Context, scope: Scope, report: &ReportRecord) -> Result<Option<Caller>> {
    let Some(owner) = report.owner else { return Ok(Some(Caller::trusted(scope))) };
    let user = context.store.people.user(owner).await?.filter(|user| user.enabled && user.company == scope.company);
    Ok(user.map(|user| Caller::of(&user)).filter(|caller| caller.may(Permission::Figures)))
}

/// The mail.
async fn composed(
    context: &Context,
    caller: &Caller,
    report: &ReportRecord,
    run: &ReportRun,
    to: Vec<String>,
) -> Result<Mail> {
    let built = build(context, caller, report, run.due_at).await?;
    let format = report.mailing.as_ref().map(|mailing| mailing.format).unwrap_or_default();
    let file = match format {
        Format::Html => None,
        Format::Csv | Format::Xlsx => {
            let file = written(&built, format)?;
            Some(Attachment { name: file.name, media_type: file.media_type, bytes: file.bytes })
        }
    };
    let page = format!("{}/reports/{}", context.config.public_url, report.id);
    Ok(Mail {
        id: run.id.to_string(),
        to,
        subject: format!("{}: {}", built.name, built.period.days_in_full()),
        text: format!("{}\n{page}\n", html::plain(&built)),
        html: html::mailed(&built, &page),
        file,
        at: run.due_at,
        late: if context.now().duration_since(run.due_at) > WAITING { Late::Waited } else { Late::No },
    })
}
