//! Taking up again: failed jobs are tried again, kept messages are read again. What is chosen is counted first; a
//! replay then takes it up step by step in the batch lane, and leaves out what succeeded meanwhile.

use crate::caller::Caller;
use crate::{
    audit,
    context::Context,
    error::{Result, UseCaseError},
};
use domain::access::Permission;
use domain::ids::{JobId, MessageId, ReplayId};
use jiff::{SignedDuration, Timestamp};
use storage::{
    Scope,
    inbox::{MessageRecord, MessageState},
    jobs::{Cause, JobKind, JobSelection, Lane, NewJob},
    replays::{NewReplay, Replay, ReplayState, Selection, Step},
    tally::Tally,
};

/// Between two steps, so that live work has its turn and a person has time to stop it.
const PAUSE: SignedDuration = SignedDuration::from_millis(500);

/// How many a selection takes up and leaves out.
///
/// # Errors
/// When the store fails.
pub async fn count(context: &Context, caller: &Caller, selection: &Selection) -> Result<Tally> {
    caller.require(Permission::Operate)?;
    let scope = caller.scope();
    Ok(match selection {
        Selection::Jobs(which) => context.store.jobs.count(scope, which.clone()).await?,
        Selection::Messages(which) => context.store.inbox.count(scope, which.clone()).await?,
    })
}

/// Starts a replay of what is selected; what fails or comes from now on is not part of it. Returns what was counted.
///
/// # Errors
/// When nothing is chosen that can be taken up, or the store fails.
pub async fn start(context: &Context, caller: &Caller, mut selection: Selection) -> Result<(ReplayId, Tally)> {
    caller.require(Permission::Operate)?;
    let scope = caller.scope();
    let now = context.now();
    let until = match &mut selection {
        Selection::Jobs(which) => &mut which.until,
        Selection::Messages(which) => &mut which.until,
    };
    *until = Some(until.map_or(now, |until| until.min(now)));
    let planned = count(context, caller, &selection).await?;
    if planned.take == 0 {
        let message =
            format!("nothing is left to replay ({} succeeded later or cannot be read any more)", planned.skip);
        return Err(UseCaseError::Invalid { field: "selection", message });
    }
    let id = ReplayId(context.clock.id());
    let why = audit::reason(context, scope, &describe(context, caller, &selection).await?).await?;
    let audit = context.audit("replay.start", format!("replay:{id}")).why(Some(why));
    let replay = NewReplay { id, selection, planned, at: now };
    context.store.replays.start(scope, replay, next(context, id), audit).await?;
    context.notifier.work(Lane::Batch);
    Ok((id, planned))
}

/// Stops one; what it took up stays taken up.
///
/// # Errors
/// When there is none, it has ended, or the store fails.
pub async fn stop(context: &Context, caller: &Caller, id: ReplayId) -> Result<()> {
    caller.require(Permission::Operate)?;
    let scope = caller.scope();
    let audit = context.audit("replay.stop", format!("replay:{id}"));
    if context.store.replays.stop(scope, id, audit).await? {
        return Ok(());
    }
    Err(UseCaseError::Invalid { field: "replay", message: "the bulk retry has ended already".into() })
}

/// Makes the next step of a replay.
///
/// # Errors
/// When the store fails; nothing is then taken up.
pub async fn step(context: &Context, scope: Scope, id: ReplayId) -> Result<()> {
    let replay = context.store.replays.replay(scope, id).await?.ok_or(UseCaseError::NotFound("replay"))?;
    let mut step = Step {
        from: replay.cursor.clone(),
        messages: Vec::new(),
        to: None,
        at: context.now(),
        next: next(context, id),
    };
    step.next.run_at = context.now().checked_add(PAUSE).unwrap_or(context.now());
    if let Replay { selection: Selection::Messages(which), state: ReplayState::Running, .. } = &replay {
        let page = context.store.inbox.messages(scope, which.clone(), replay.cursor.clone()).await?;
        step.messages =
            page.rows.iter().map(|message| (message.id, reprocessing(context, message, Lane::Batch))).collect();
        step.to = page.next;
    }
    context.store.replays.step(scope, id, step).await?;
    context.notifier.all_work();
    Ok(())
}

/// Takes one failed job up again, at once.
///
/// # Errors
/// When there is no such failed job, or the store fails.
pub async fn retry(context: &Context, caller: &Caller, job: JobId) -> Result<Tally> {
    caller.require(Permission::Operate)?;
    let scope = caller.scope();
    let now = context.now();
    let audit = context.audit("job.retry", format!("job:{job}"));
    let tally = context.store.jobs.retry(scope, JobSelection::one(job), now, audit).await?;
    context.notifier.all_work();
    Ok(tally)
}

/// Reads one message again, at once.
///
/// # Errors
/// When there is none, its body is no longer kept or was rewritten by an erasure, or the store fails.
pub async fn reprocess(context: &Context, caller: &Caller, id: MessageId) -> Result<()> {
    caller.require(Permission::Operate)?;
    let scope = caller.scope();
    let message = context.store.inbox.message(scope, id).await?.ok_or(UseCaseError::NotFound("message"))?;
    if message.rewritten {
        let message =
            "an erasure has rewritten the message, so that it is not read again: what was read before stays".into();
        return Err(UseCaseError::Invalid { field: "message", message });
    }
    let audit = context.audit("message.replay", format!("message:{id}"));
    let job = reprocessing(context, &message, Lane::RealTime);
    if context.store.inbox.replay(scope, vec![(id, job)], audit).await? == 0 {
        let message = "the body of the message is no longer kept, so that it cannot be read again".into();
        return Err(UseCaseError::Invalid { field: "message", message });
    }
    context.notifier.work(Lane::RealTime);
    Ok(())
}

/// What was never read is live. What was read sends no note, case or customer message when it is read again,
/// whatever it says by now.
fn reprocessing(context: &Context, message: &MessageRecord, lane: Lane) -> NewJob {
    let cause = if message.read_before { Cause::Replay } else { Cause::Live };
    NewJob { lane, ..context.job(JobKind::NORMALISE, message.id, cause, message.correlation, None) }
}

fn next(context: &Context, id: ReplayId) -> NewJob {
    context.job(JobKind::REPLAY, id, Cause::Replay, context.correlation(), None)
}

/// What is chosen, in words.
///
/// # Errors
/// When the store fails.
pub async fn describe(context: &Context, caller: &Caller, selection: &Selection) -> Result<String> {
    caller.require(Permission::Operate)?;
    let scope = caller.scope();
    let named = |ids: usize, what: &str| match ids {
        0 => format!("every {what}"),
        1 => format!("1 {what}"),
        _ => format!("{ids} {what}s"),
    };
    let since = |since: &Option<Timestamp>| since.map(|since| format!("since {since:.0}"));
    let connections = context.connections.now();
    let (head, rest) = match selection {
        Selection::Jobs(which) => (
            named(which.jobs.len(), "failed job"),
            [
                which.destination.as_deref().map(|name| connections.label(name)),
                which.class.clone(),
                since(&which.since),
            ],
        ),
        Selection::Messages(which) => {
            let sources = context.store.connections.all(scope).await?;
            let source = sources.into_iter().find(|source| Some(source.id) == which.source);
            let what = if which.state == Some(MessageState::Quarantined) { "quarantined message" } else { "message" };
            (
                named(which.messages.len(), what),
                [source.map(|source| connections.label(&source.name)), None, since(&which.since)],
            )
        }
    };
    Ok([vec![head], rest.into_iter().flatten().collect()].concat().join(", "))
}

/// From when on, as people say it: an age (`24h`, `7d`) or a time; nothing for any time.
///
/// # Errors
/// When the text is neither.
pub fn from_when(text: &str, now: Timestamp) -> Result<Option<Timestamp>> {
    if text.is_empty() {
        return Ok(None);
    }
    let age = text
        .parse::<jiff::Span>()
        .ok()
        .and_then(|span| span.to_duration(jiff::SpanRelativeTo::days_are_24_hours()).ok());
    let time = match age {
        Some(age) => now.checked_sub(age.abs()).ok(),
        None => text.parse().ok(),
    };
    let message = || format!("{text:?} is neither an age (24h, 7d) nor a time (2026-03-01T00:00:00Z)");
    time.map(Some).ok_or_else(|| UseCaseError::Invalid { field: "since", message: message() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn from_when_on_is_an_age_or_a_time() {
        let now: Timestamp = "2026-03-08T12:00:00Z".parse().unwrap();
        let at = |text: &str| from_when(text, now).map(|at| at.map(|at| at.to_string())).ok();
        assert_eq!(at(""), Some(None));
        assert_eq!(at("24h"), Some(Some("2026-03-07T12:00:00Z".into())));
        assert_eq!(at("7d"), Some(Some("2026-03-01T12:00:00Z".into())));
        assert_eq!(at("2026-03-01T00:00:00Z"), Some(Some("2026-03-01T00:00:00Z".into())));
        assert_eq!(at("lately"), None);
    }
}
