//! Alerts as the page and the command line show them.

use super::reasons;
use crate::{
    caller::Caller,
    connections::{self, Names},
    context::Context,
    error::Result,
};
use domain::{
    access::Permission,
    alerts::route::Route,
    ids::{AlertId, UserId},
};
use jiff::{SignedDuration, Timestamp};
use outbound::{check::Report, template::Family};
use std::collections::BTreeMap;
use storage::{
    Actor,
    alerts::{AlertCounts, AlertEvent, AlertRecord, EventKind, NoticeRecord},
};

/// Resolved ones are shown for so long.
const RESOLVED: SignedDuration = SignedDuration::from_hours(7 * 24);

/// An alert with what happened to it.
#[derive(Clone, Debug)]
pub struct Listed {
    /// The alert.
    pub alert: AlertRecord,
    /// Who looks after it.
    pub owner: Option<String>,
    /// Who acknowledged, snoozed or resolved it last.
    pub by: Option<String>,
    /// What happened, newest first.
    pub history: History,
    /// The notices of it, oldest first.
    pub notices: Vec<NoticeRecord>,
}

/// What happened to an alert, newest first.
pub type History = Vec<Entry>;

/// An entry of it, with the person's name.
#[derive(Clone, Debug)]
pub struct Entry {
    /// What happened.
    pub event: AlertEvent,
    /// By whom; none: by the system.
    pub by: Option<String>,
}

/// Every alert that is open or ended lately.
#[derive(Clone, Debug)]
pub struct Overview {
    /// Those that are open, the most severe first.
    pub open: Vec<Listed>,
    /// Those that ended, newest first.
    pub resolved: Vec<Listed>,
    /// How many stand how.
    pub counts: AlertCounts,
}

/// A channel, and how it works.
#[derive(Clone, Debug)]
pub struct ChannelState {
    /// The connection's name.
    pub name: String,
    /// What people call it.
    pub label: String,
    /// Its connector.
    pub connector: String,
    /// What it takes; none where its settings cannot be read.
    pub route: Option<Route>,
    /// Its quiet hours, as they are written.
    pub quiet: String,
    /// Whether it is in use.
    pub enabled: bool,
    /// Whether it works; none where that is not known yet.
    pub works: Option<bool>,
    /// When it was last tested.
    pub tested_at: Option<Timestamp>,
}

/// Alerts for the page.
///
/// # Errors
/// When the caller may not, or the store fails.
pub async fn overview(context: &Context, caller: &Caller) -> Result<Overview> {
    caller.require(Permission::Operate)?;
    let (scope, now) = (caller.scope(), context.now());
    let since = now.checked_sub(RESOLVED).unwrap_or(Timestamp::MIN);
    let open = context.store.alerts.open(scope).await?;
    let resolved = context.store.alerts.resolved(scope, since).await?;
    let ids: Vec<AlertId> = open.iter().chain(&resolved).map(|alert| alert.id).collect();
    let mut events = BTreeMap::<AlertId, Vec<AlertEvent>>::new();
    for (id, event) in context.store.alerts.events(scope, ids.clone()).await? {
        events.entry(id).or_default().push(event);
    }
    let mut notices = BTreeMap::<AlertId, Vec<NoticeRecord>>::new();
    for notice in context.store.alerts.notices(scope, ids).await? {
        notices.entry(notice.alert).or_default().push(notice);
    }
    let owners = open.iter().chain(&resolved).filter_map(|alert| alert.owner).map(Actor::User);
    let acted = open.iter().chain(&resolved).flat_map(actors).chain(events.values().flatten().map(|event| event.by));
    let names = Names::read(context, owners.chain(acted)).await?;
    let mut list = |alerts: Vec<AlertRecord>| -> Vec<Listed> {
        let of = |alert: AlertRecord| Listed {
            owner: alert.owner.map(|owner: UserId| names.of(Actor::User(owner))),
            by: actors(&alert).next().map(|actor| names.of(actor)),
            history: events
                .remove(&alert.id)
                .unwrap_or_default()
                .into_iter()
                .map(|event| entry(context, event, &names))
                .collect(),
            notices: notices.remove(&alert.id).unwrap_or_default(),
            alert: with_reasons(context, alert),
        };
        alerts.into_iter().map(of).collect()
    };
    let (open, resolved) = (list(open), list(resolved));
    Ok(Overview { open, resolved, counts: context.store.alerts.counts(scope, now).await? })
}

/// Who did something to an alert, the last one first.
fn actors(alert: &AlertRecord) -> impl Iterator<Item = Actor> + use<> {
    let resolved = alert.resolved.as_ref().map(|resolved| resolved.by).filter(|by| *by != Actor::System);
    let snoozed = alert.snoozed.as_ref().filter(|_| alert.standing.snoozed_until.is_some()).map(|(by, _)| *by);
    [resolved, snoozed, alert.acknowledged_by].into_iter().flatten()
}

fn entry(context: &Context, mut event: AlertEvent, names: &Names) -> Entry {
    let by = (event.by != Actor::System).then(|| names.of(event.by));
    if by.is_some() && matches!(event.what, EventKind::Snoozed | EventKind::Resolved) {
        event.detail = reasons::opened(context, &event.detail);
    }
    Entry { event, by }
}

/// The alert with what people wrote about it.
fn with_reasons(context: &Context, mut alert: AlertRecord) -> AlertRecord {
    if let Some((_, why)) = &mut alert.snoozed {
        *why = reasons::opened(context, why);
    }
    if let Some(resolved) = &mut alert.resolved {
        resolved.why = reasons::opened(context, &resolved.why);
    }
    alert
}

/// How many are open and not snoozed: the number beside the navigation.
///
/// # Errors
/// When the caller may not, or the store fails.
pub async fn count(context: &Context, caller: &Caller) -> Result<u64> {
    caller.require(Permission::Operate)?;
    let counts = context.store.alerts.counts(caller.scope(), context.now()).await?;
    Ok(counts.unacknowledged + counts.acknowledged)
}

/// The channels, by name.
///
/// # Errors
/// When the caller may not, or the store fails.
pub async fn channels(context: &Context, caller: &Caller) -> Result<Vec<ChannelState>> {
    caller.require(Permission::Operate)?;
    let all = connections::list(context, caller).await?;
    let of_family = all.into_iter().filter(|one| one.template.as_ref().is_some_and(|it| it.family == Family::Channel));
    let state = |one: connections::Overview| {
        let settings: Option<channels::Settings> = serde_json::from_str(&one.record.settings).ok();
        let is_broken = connections::needs_attention(one.state.is);
        let passed = one.report.as_ref().map(Report::passed);
        ChannelState {
            name: one.record.name.clone(),
            label: one.record.label.clone(),
            connector: one.record.connector.clone(),
            route: settings.and_then(|settings| settings.route().ok()),
            quiet: one.settings.get("quiet").and_then(|quiet| quiet.as_str()).unwrap_or_default().to_owned(),
            enabled: one.record.enabled,
            works: if is_broken { Some(false) } else { passed.or(one.record.last_ok_at.map(|_| true)) },
            tested_at: one.report.as_ref().map(|report| report.at),
        }
    };
    Ok(of_family.map(state).collect())
}
