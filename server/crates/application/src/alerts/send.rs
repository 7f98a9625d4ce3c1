//! Sends a notice over its channel, once: that it is being sent is kept before the call, so that after a crash nothing goes out twice
//! where the other side would not notice.

use super::change;
use crate::{
    context::Context,
    error::{Result, UseCaseError},
    words::span,
};
use channels::{Kind, Message};
use domain::{
    alerts::{
        AlertKind,
        machine::{Notice, is_snoozed},
    },
    ids::NoticeId,
    visible::visible_line,
};
use jiff::{SignedDuration, Timestamp};
use outbound::{CallError, CallLog, ErrorClass};
use storage::{
    Actor, Scope,
    alerts::{AlertRecord, NoticeRecord, NoticeState},
};

/// So long is waited for an earlier notice of an alert whose sending is under way.
const SENDING: SignedDuration = SignedDuration::from_secs(15);

/// What became of a notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    /// It is there.
    Yes,
    /// It was no longer needed, or was sent before.
    NotNeeded,
    /// It may be there; it is not sent again.
    Unknown,
}

/// Why a notice is not sent.
#[derive(Debug)]
pub enum SendError {
    /// The channel refused it, or did not answer.
    Call(CallError),
    /// Our own doing.
    Ours(UseCaseError),
    /// The channel is not in use.
    NotInUse,
    /// It is looked at again then: an earlier notice of the alert is being sent over the channel.
    NotBefore(Timestamp),
}

impl From<storage::StoreError> for SendError {
    fn from(error: storage::StoreError) -> Self {
        Self::Ours(error.into())
    }
}

/// Sends a notice.
///
/// # Errors
/// See [`SendError`].
pub async fn send(
    context: &Context,
    scope: Scope,
    id: NoticeId,
    log: &dyn CallLog,
) -> std::result::Result<Sent, SendError> {
    let store = &context.store.alerts;
    let Some(notice) = store.notice(scope, id).await? else { return Ok(Sent::NotNeeded) };
    let Some(alert) = store.one(scope, notice.alert).await? else { return Ok(Sent::NotNeeded) };
    let moved = async |from, to| store.notice_moved(scope, id, from, to, context.now()).await;
    match notice.state {
        NoticeState::Waiting | NoticeState::Sending => {}
        _ => return Ok(Sent::NotNeeded),
    }
    let Some(channel) = context.connections.channel(&notice.channel) else { return Err(SendError::NotInUse) };
    // the process died while it was sent
    if notice.state == NoticeState::Sending && !channel.knows_repeats() {
        moved(NoticeState::Sending, NoticeState::Unknown).await?;
        return Ok(Sent::Unknown);
    }
    if is_over(&alert, &notice, context.now()) {
        moved(notice.state, NoticeState::Dropped).await?;
        return Ok(Sent::NotNeeded);
    }
    // that it is over is for those who have that it began, which only shows once nothing of that is on its way
    if notice.notice == Notice::Resolved {
        let all = store.notices(scope, vec![alert.id]).await?;
        let mut before = all.iter().filter(|one| one.channel == notice.channel && one.notice != Notice::Resolved);
        if before.clone().any(|one| one.state == NoticeState::Sending) {
            return Err(SendError::NotBefore(context.now().checked_add(SENDING).unwrap_or(Timestamp::MAX)));
        }
        if !before.any(|one| one.state.may_be_there()) {
            moved(notice.state, NoticeState::Dropped).await?;
            return Ok(Sent::NotNeeded);
        }
    }
    // made before it is kept that it is being sent: what cannot be read now has called no one, and is tried again
    let message = message(context, scope, &alert, &notice).await.map_err(SendError::Ours)?;
    if notice.state == NoticeState::Waiting && !moved(NoticeState::Waiting, NoticeState::Sending).await? {
        return Ok(Sent::NotNeeded);
    }
    match channel.send(&message, context.now(), log).await {
        Ok(()) => {
            moved(NoticeState::Sending, NoticeState::Sent).await?;
            change::clear(context, scope, AlertKind::ChannelFailed, &notice.channel).await.map_err(SendError::Ours)?;
            Ok(Sent::Yes)
        }
        Err(error) if error.class == ErrorClass::UnknownOutcome && !channel.knows_repeats() => {
            moved(NoticeState::Sending, NoticeState::Unknown).await?;
            Ok(Sent::Unknown)
        }
        Err(error) => {
            // one whose outcome is unknown stays as it is: it is sent again under its id
            if error.class != ErrorClass::UnknownOutcome {
                moved(NoticeState::Sending, NoticeState::Waiting).await?;
            }
            Err(SendError::Call(error))
        }
    }
}

/// Whether a notice is no longer true.
fn is_over(alert: &AlertRecord, notice: &NoticeRecord, now: Timestamp) -> bool {
    match notice.notice {
        Notice::Resolved => false,
        Notice::Escalated => {
            alert.resolved.is_some() || alert.standing.acknowledged_at.is_some() || is_snoozed(&alert.standing, now)
        }
        Notice::Opened | Notice::Raised | Notice::Back => alert.resolved.is_some() || is_snoozed(&alert.standing, now),
    }
}

/// A notice was given up: the other channels say so.
///
/// # Errors
/// When the store fails.
pub async fn failed(context: &Context, scope: Scope, id: NoticeId, class: &str) -> Result<()> {
    let store = &context.store.alerts;
    let Some(notice) = store.notice(scope, id).await? else { return Ok(()) };
    let given_up = store.notice_moved(scope, id, notice.state, NoticeState::Failed, context.now()).await?;
    let is_open = matches!(notice.state, NoticeState::Waiting | NoticeState::Sending);
    if !given_up || !is_open {
        return Ok(());
    }
    channel_failed(context, scope, &notice.channel, class, "notifications").await
}

/// What was to go out over a channel was given up: the other channels say so.
///
/// # Errors
/// When the store fails.
pub async fn channel_failed(
    context: &Context,
    scope: Scope,
    channel: &str,
    class: &str,
    unit: &'static str,
) -> Result<()> {
    // that the channel is suspended is an alert already
    if context.store.alerts.open_of(scope, AlertKind::ConnectionSuspended, channel).await?.is_some() {
        return Ok(());
    }
    let label = context.connections.now().label(channel);
    let meaning = ErrorClass::from_code(class).map_or("It was tried until its time was over.", ErrorClass::meaning);
    let raised = change::Raised {
        kind: AlertKind::ChannelFailed,
        subject: channel.to_owned(),
        severity: None,
        title: format!("{} does not deliver", visible_line(&label)),
        detail: meaning.to_owned(),
        count: change::Count::More(1),
        unit: unit.into(),
        link: format!("/connections/{channel}"),
        channels: Vec::new(),
    };
    change::raise(context, scope, raised).await.map(drop)
}

/// The message of a notice, as the alert is now.
async fn message(context: &Context, scope: Scope, alert: &AlertRecord, notice: &NoticeRecord) -> Result<Message> {
    let shipped = alert.kind.shipped();
    let standing = &alert.standing;
    // of a message that is sent again each time the same
    let at = match (&alert.resolved, notice.notice) {
        (Some(resolved), _) => resolved.at,
        (None, Notice::Opened) => standing.opened_at,
        (None, Notice::Raised) => standing.raised_at,
        (None, _) => notice.due_at,
    };
    let since = standing.opened_at.strftime("%Y-%m-%d %H:%M UTC");
    let affects = format!("Affects: {} {}", standing.affects, alert.unit);
    let mut lines = match (&alert.resolved, notice.notice) {
        (Some(resolved), _) => {
            let by = match resolved.by {
                Actor::System => "Cleared by itself".to_owned(),
                Actor::Operator => "Resolved at the command line".to_owned(),
                Actor::User(id) => {
                    let user = context.store.people.user(id).await?;
                    format!("Resolved by {}", user.map_or_else(|| "a person".to_owned(), |user| user.name))
                }
            };
            // what a person wrote stays here
            vec![by, format!("It was open for {}", span(resolved.at.duration_since(standing.opened_at)))]
        }
        (None, Notice::Escalated) => vec![
            alert.detail.clone(),
            affects,
            format!("Open since {since}, not acknowledged for {}", span(at.duration_since(standing.raised_at))),
        ],
        (None, _) => vec![alert.detail.clone(), affects, format!("Since {since}")],
    };
    lines.retain(|line| !line.is_empty());
    let opened = first_of(context, scope, alert, notice).await?;
    Ok(Message {
        id: notice.id.to_string(),
        thread: opened,
        kind: Kind::Alert(notice.notice),
        severity: standing.severity,
        about: shipped.code.to_owned(),
        title: alert.title.clone(),
        lines,
        first_step: if alert.resolved.is_some() { String::new() } else { shipped.first_step.to_owned() },
        link: format!("{}/alerts?alert={}", context.config.public_url, alert.id),
        at,
    })
}

/// The id of the first message of this alert over this channel: later ones answer it.
async fn first_of(context: &Context, scope: Scope, alert: &AlertRecord, notice: &NoticeRecord) -> Result<String> {
    let all = context.store.alerts.notices(scope, vec![alert.id]).await?;
    let first = all.iter().find(|one| one.channel == notice.channel && one.state.may_be_there());
    Ok(first.map_or(notice.id, |first| first.id).to_string())
}
