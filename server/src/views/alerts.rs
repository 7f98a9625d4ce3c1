//! Alerts, for the pages: times and words for people.

use super::{
    Asker, id,
    times::{Times, exact_span, span_words},
};
use app::contract::{
    ApiError, ApiResult,
    alerts::{
        AlertOwner, AlertRow, AlertTab, AlertsQuery, AlertsView, ChannelRow, HistoryLine, MaintenanceForm,
        MaintenanceRow, QuietRow, RuleRow, SnoozeFor,
    },
    session::Permission,
};
use application::{
    alerts::{self, ChannelState, Listed, Overview, Rule, RuleChange, UnderMaintenance, Until},
    connections::{self, Connection, Snapshot},
};
use async_trait::async_trait;
use domain::{
    Severity,
    alerts::{
        AlertKind,
        machine::is_snoozed,
        route::{Route, Stage},
    },
    visible::visible_line,
};
use jiff::{SignedDuration, Timestamp};
use std::{collections::BTreeSet, sync::Arc};
use storage::alerts::{AlertRecord, EventKind, NoticeState};

/// Alerts.
pub struct AlertsPort(pub Asker);

#[async_trait]
impl app::contract::alerts::AlertsPort for AlertsPort {
    async fn view(&self, query: AlertsQuery) -> ApiResult<AlertsView> {
        let caller = self.0.caller(Permission::Operate)?;
        let (context, times) = (&self.0.context, self.0.times());
        let read_at = context.now();
        let overview = alerts::overview(context, &caller).await.map_err(|e| self.0.refused(e))?;
        let channels = alerts::channels(context, &caller).await.map_err(|e| self.0.refused(e))?;
        let rules = alerts::rules(context, &caller).await.map_err(|e| self.0.refused(e))?;
        let maintained = alerts::maintained(context, &caller).await.map_err(|e| self.0.refused(e))?;
        let snapshot = context.connections.now();
        let me = self.0.user.as_ref().map(|user| user.id);
        let labels = Labels::of(&channels);
        let is_mine = |listed: &Listed| listed.alert.owner.is_some() && listed.alert.owner == me;
        let shown = overview.open.iter().filter(|one| fits(&query, one, is_mine(one), times.now));
        let rows = shown.map(|one| row(one, is_mine(one), &labels, &times)).collect();
        Ok(AlertsView {
            summary: summary(&overview, times.now),
            unacknowledged: overview.counts.unacknowledged,
            read_us: read_at.as_microsecond().to_string(),
            tabs: tabs(&overview),
            rows,
            quiet: quiet(&overview, &query, &times, &self.0),
            tested: channels.iter().filter_map(|one| one.tested_at).max().map(|at| times.clock_or_date(at)),
            quiet_hours: quiet_hours(&channels),
            channels: channels.iter().map(channel).collect(),
            kinds: kinds(&overview),
            about: about(&overview, &snapshot),
            connections: named(&snapshot),
            maintenance: maintained.into_iter().map(|one| maintenance(one, &times)).collect(),
            rules: rules.iter().map(rule).collect(),
        })
    }

    async fn acknowledge(&self, one: String, read_us: String) -> ApiResult<u64> {
        let caller = self.0.caller(Permission::Operate)?;
        if one.is_empty() {
            let seen = read_us.parse().ok().and_then(|at| Timestamp::from_microsecond(at).ok());
            let seen = seen.ok_or_else(|| ApiError::Invalid {
                field: "read_us".into(),
                message: "Load the page again, and acknowledge what it shows.".into(),
            })?;
            let done = alerts::acknowledge_all(&self.0.context, &caller, seen).await;
            return done.map_err(|e| self.0.refused(e));
        }
        let done = alerts::acknowledge(&self.0.context, &caller, id(&one)?).await;
        done.map(|()| 1).map_err(|e| self.0.refused(e))
    }

    async fn assign(&self, one: String, mine: bool) -> ApiResult<()> {
        let caller = self.0.caller(Permission::Operate)?;
        let owner = if mine { caller.user() } else { None };
        alerts::assign(&self.0.context, &caller, id(&one)?, owner).await.map_err(|e| self.0.refused(e))
    }

    async fn snooze(&self, one: String, span: SnoozeFor, why: String) -> ApiResult<()> {
        let caller = self.0.caller(Permission::Operate)?;
        let until = Until::For(SignedDuration::from_hours(span.hours()));
        let done = alerts::snooze(&self.0.context, &caller, id(&one)?, until, Some(why)).await;
        done.map_err(|e| self.0.refused(e))
    }

    async fn resolve(&self, one: String, why: String) -> ApiResult<()> {
        let caller = self.0.caller(Permission::Operate)?;
        alerts::resolve(&self.0.context, &caller, id(&one)?, Some(why)).await.map_err(|e| self.0.refused(e))
    }

    async fn maintain(&self, form: MaintenanceForm) -> ApiResult<()> {
        let caller = self.0.caller(Permission::Operate)?;
        let times = self.0.times();
        let span = SignedDuration::from_hours(form.span.hours());
        let until = match times.chosen(&form.until)? {
            Some(until) => until,
            None => times.now.checked_add(span).unwrap_or(times.now),
        };
        let done = alerts::maintain(&self.0.context, &caller, &form.connection, until, &form.why).await;
        done.map_err(|e| self.0.refused(e))
    }

    async fn end_maintenance(&self, connection: String) -> ApiResult<()> {
        let caller = self.0.caller(Permission::Operate)?;
        alerts::end_maintenance(&self.0.context, &caller, &connection).await.map_err(|e| self.0.refused(e))
    }

    async fn set_rule(&self, kind: String, on: String, threshold: String) -> ApiResult<()> {
        let caller = self.0.caller(Permission::Operate)?;
        let kind = AlertKind::from_code(&kind).ok_or(ApiError::NotFound)?;
        let number = match threshold.trim() {
            "" => None,
            text => Some(text.parse::<u32>().map_err(|_| ApiError::Invalid {
                field: "threshold".into(),
                message: "Enter a whole number.".into(),
            })?),
        };
        let on = match on.as_str() {
            "on" => Some(true),
            "off" => Some(false),
            _ => None,
        };
        let change = RuleChange { on, threshold: number };
        alerts::set_rule(&self.0.context, &caller, kind, change).await.map_err(|e| self.0.refused(e))
    }

    async fn test(&self, channel: String) -> ApiResult<(u64, u64)> {
        let caller = self.0.caller(Permission::Operate)?;
        let context = &self.0.context;
        let all = alerts::channels(context, &caller).await.map_err(|e| self.0.refused(e))?;
        let wanted = |one: &&ChannelState| if channel.is_empty() { one.enabled } else { one.name == channel };
        let (mut passed, mut tested) = (0, 0);
        for one in all.iter().filter(wanted) {
            let report = connections::test(context, &caller, &one.name).await.map_err(|e| self.0.refused(e))?;
            tested += 1;
            passed += u64::from(report.passed());
        }
        if tested == 0 {
            return Err(ApiError::Invalid {
                field: "channel".into(),
                message: "No channel is in use: connect one under Connections first.".into(),
            });
        }
        Ok((passed, tested))
    }
}

/// What people call channels, and their icons.
struct Labels(Vec<(String, String, &'static str)>);

impl Labels {
    fn of(channels: &[ChannelState]) -> Self {
        Self(channels.iter().map(|one| (one.name.clone(), one.label.clone(), icon(&one.connector))).collect())
    }

    fn of_name<'a>(&'a self, name: &'a str) -> (&'a str, &'static str) {
        let found = self.0.iter().find(|(known, ..)| known == name);
        found.map_or((name, "bolt"), |(_, label, icon)| (label.as_str(), *icon))
    }
}

fn icon(connector: &str) -> &'static str {
    match connector {
        "mail" => "mail",
        "webhook" => "bolt",
        _ => "chat",
    }
}

fn fits(query: &AlertsQuery, one: &Listed, mine: bool, now: Timestamp) -> bool {
    let (alert, standing) = (&one.alert, &one.alert.standing);
    let snoozed = is_snoozed(standing, now);
    let of_view = match query.view {
        AlertTab::Open => !snoozed,
        AlertTab::Acknowledged => !snoozed && standing.acknowledged_at.is_some(),
        AlertTab::Snoozed => snoozed,
        AlertTab::Resolved => false,
    };
    let of_owner = match query.owner {
        AlertOwner::Any => true,
        AlertOwner::Mine => mine,
        AlertOwner::Unassigned => alert.owner.is_none(),
    };
    // a notification leads to its alert wherever that stands
    if !query.alert.is_empty() {
        return alert.id.to_string() == query.alert;
    }
    of_view
        && of_owner
        && query.severity.is_none_or(|wanted| wanted == standing.severity)
        && (query.kind.is_empty() || query.kind == alert.kind.code())
        && (query.connection.is_empty() || (alert.kind.is_of_connection() && alert.subject == query.connection))
}

fn summary(overview: &Overview, now: Timestamp) -> String {
    let awake: Vec<_> = overview.open.iter().filter(|one| !is_snoozed(&one.alert.standing, now)).collect();
    if awake.is_empty() {
        return "Nothing is open".into();
    }
    let critical = awake.iter().filter(|one| one.alert.standing.severity == Severity::Critical).count();
    let waiting: Vec<_> = awake.iter().filter(|one| one.alert.standing.acknowledged_at.is_none()).collect();
    let oldest = waiting.iter().map(|one| one.alert.standing.opened_at).min();
    let critical = if critical > 0 { format!(", {critical} critical") } else { String::new() };
    let waits = oldest.map_or_else(
        || "; all acknowledged".to_owned(),
        |at| format!("; {} not acknowledged, longest {}", waiting.len(), exact_span(now.duration_since(at))),
    );
    format!("{} open{critical}{waits}", awake.len())
}

fn tabs(overview: &Overview) -> Vec<(AlertTab, u64)> {
    let counts = overview.counts;
    vec![
        (AlertTab::Open, counts.unacknowledged + counts.acknowledged),
        (AlertTab::Acknowledged, counts.acknowledged),
        (AlertTab::Snoozed, counts.snoozed),
        (AlertTab::Resolved, overview.resolved.len() as u64),
    ]
}

fn kinds(overview: &Overview) -> Vec<(String, String)> {
    let kinds: BTreeSet<AlertKind> = overview.open.iter().map(|one| one.alert.kind).collect();
    kinds.into_iter().map(|kind| (kind.code().to_owned(), kind.label().to_owned())).collect()
}

/// The connections that open alerts are about.
fn about(overview: &Overview, connections: &Snapshot) -> Vec<(String, String)> {
    let of = overview.open.iter().filter(|one| one.alert.kind.is_of_connection());
    let names: BTreeSet<&str> = of.map(|one| one.alert.subject.as_str()).collect();
    names.into_iter().map(|name| (name.to_owned(), connections.label(name))).collect()
}

/// Every connection.
fn named(connections: &Snapshot) -> Vec<(String, String)> {
    let name = |one: &Arc<Connection>| (one.record.name.clone(), connections.label(&one.record.name));
    let mut named: Vec<_> = connections.all().iter().map(name).collect();
    named.sort_by_key(|(_, label)| label.to_lowercase());
    named
}

fn maintenance(one: UnderMaintenance, times: &Times) -> MaintenanceRow {
    MaintenanceRow {
        why: said(&one.by, &one.maintenance.why),
        until: times.clock_or_date(one.maintenance.until),
        connection: one.connection,
        label: one.label,
    }
}

fn affects(alert: &AlertRecord) -> String {
    let number = alert.standing.affects;
    let unit = alert.unit.as_str();
    match (number, unit.strip_suffix('s')) {
        (1, Some(one)) => format!("1 {one}"),
        _ => format!("{number} {unit}"),
    }
}

fn row(listed: &Listed, mine: bool, labels: &Labels, times: &Times) -> AlertRow {
    let (alert, standing) = (&listed.alert, &listed.alert.standing);
    let acknowledged = standing.acknowledged_at;
    let state = match (standing.snoozed_until.filter(|until| *until > times.now), acknowledged) {
        (Some(until), _) => format!("snoozed until {}", times.clock_or_date(until).shown),
        (None, Some(at)) => format!("acknowledged {}", times.clock_or_date(at).shown),
        (None, None) => "not acknowledged".to_owned(),
    };
    let sent = listed.notices.iter().filter(|notice| notice.state != NoticeState::Dropped).map(|notice| {
        let (label, icon) = labels.of_name(&notice.channel);
        let at = times.clock_or_date(notice.ended_at.unwrap_or(notice.due_at)).shown;
        let words = match notice.state {
            NoticeState::Sent => format!("{label} {at}"),
            NoticeState::Unknown => format!("{label} {at}, outcome unknown"),
            NoticeState::Failed => format!("{label}, not delivered"),
            // quiet hours and the next try have a time to come
            _ if notice.due_at > times.now => format!("{label}, waits until {at}"),
            _ => format!("{label}, waits since {at}"),
        };
        (icon.to_owned(), words)
    });
    let line = |entry: &alerts::Entry| {
        let by = entry.by.as_ref().map(|by| format!(" by {by}")).unwrap_or_default();
        let detail = entry.event.detail.as_str();
        let detail = if detail.is_empty() { String::new() } else { format!(": {}", visible_line(detail)) };
        HistoryLine { at: times.clock_or_date(entry.event.at), text: format!("{}{by}{detail}", word(entry.event.what)) }
    };
    AlertRow {
        id: alert.id.to_string(),
        severity: standing.severity,
        title: alert.title.clone(),
        detail: alert.detail.clone(),
        first_step: alert.kind.shipped().first_step.to_owned(),
        link: alert.link.clone(),
        sent: sent.collect(),
        affects: affects(alert),
        since: times.clock_or_date(standing.opened_at),
        age: exact_span(times.now.duration_since(standing.opened_at)),
        owner: listed.owner.clone(),
        mine,
        standing: state,
        acknowledgeable: acknowledged.is_none(),
        history: listed.history.iter().map(line).collect(),
    }
}

const fn word(what: EventKind) -> &'static str {
    match what {
        EventKind::Opened => "Opened",
        EventKind::Raised => "Raised",
        EventKind::Grew => "Grew",
        EventKind::Escalated => "Not acknowledged in time",
        EventKind::Acknowledged => "Acknowledged",
        EventKind::Assigned => "Assigned",
        EventKind::Snoozed => "Snoozed",
        EventKind::Back => "Open again",
        EventKind::Resolved => "Resolved",
    }
}

fn quiet(overview: &Overview, query: &AlertsQuery, times: &Times, asker: &Asker) -> Vec<QuietRow> {
    let today = times.now.to_zoned(asker.zone.clone()).start_of_day().map_or(times.now, |start| start.timestamp());
    let all = query.view == AlertTab::Resolved;
    // a notification leads to its alert wherever that stands
    let is_named = |one: &&Listed| query.alert.is_empty() || one.alert.id.to_string() == query.alert;
    let any_day = all || !query.alert.is_empty();
    let snoozed =
        overview.open.iter().filter(is_named).filter(|one| !all && is_snoozed(&one.alert.standing, times.now)).map(
            |one| {
                let standing = &one.alert.standing;
                let until = standing.snoozed_until.unwrap_or(times.now);
                let why = one.alert.snoozed.as_ref().map(|(_, why)| why.as_str()).unwrap_or_default();
                QuietRow {
                    id: one.alert.id.to_string(),
                    title: one.alert.title.clone(),
                    about: standing.severity.label().to_owned(),
                    opened: times.clock_or_date(standing.opened_at),
                    ended: times.clock_or_date(until),
                    snoozed: true,
                    how: said(one.by.as_deref().unwrap_or("a person"), why),
                }
            },
        );
    let ended = overview.resolved.iter().filter(is_named).filter_map(|one| {
        let resolved = one.alert.resolved.as_ref().filter(|resolved| any_day || resolved.at >= today)?;
        let lasted = span_words(resolved.at.duration_since(one.alert.standing.opened_at));
        let how = match &one.by {
            Some(by) if resolved.by != storage::Actor::System => said(&format!("Resolved by {by}"), &resolved.why),
            _ => "Cleared by itself".to_owned(),
        };
        Some(QuietRow {
            id: one.alert.id.to_string(),
            title: one.alert.title.clone(),
            about: format!("{}, {lasted}", one.alert.standing.severity.label()),
            opened: times.clock_or_date(one.alert.standing.opened_at),
            ended: times.clock_or_date(resolved.at),
            snoozed: false,
            how,
        })
    });
    snoozed.chain(ended).collect()
}

fn said(who: &str, why: &str) -> String {
    if why.is_empty() { who.to_owned() } else { format!("{who}: {}", visible_line(why)) }
}

fn channel(one: &ChannelState) -> ChannelRow {
    let state = match (one.enabled, one.works) {
        (false, _) => "off",
        (true, Some(true)) => "works",
        (true, Some(false)) => "fails",
        (true, None) => "not tested",
    };
    ChannelRow {
        name: one.name.clone(),
        label: one.label.clone(),
        icon: icon(&one.connector).to_owned(),
        takes: one.route.as_ref().map_or_else(|| "its settings cannot be read".to_owned(), takes),
        works: one.works.filter(|_| one.enabled),
        state: state.to_owned(),
    }
}

fn takes(route: &Route) -> String {
    let severities = match route.least {
        Severity::Critical => "critical",
        Severity::Major => "critical and major",
        _ => "every severity",
    };
    let when = match route.stage {
        Stage::AtOnce => "at once",
        Stage::Unacknowledged => "when not acknowledged",
        Stage::StillUnacknowledged => "when still not acknowledged",
    };
    let kinds = match route.kinds.as_slice() {
        [] => String::new(),
        [one] => format!(", only {}", one.label().to_lowercase()),
        many => format!(", only {} kinds", many.len()),
    };
    format!("{severities}, {when}{kinds}")
}

fn quiet_hours(channels: &[ChannelState]) -> String {
    let hours: BTreeSet<&str> =
        channels.iter().map(|one| one.quiet.as_str()).filter(|hours| !hours.is_empty()).collect();
    match hours.into_iter().collect::<Vec<_>>().as_slice() {
        [] => "No quiet hours".to_owned(),
        [one] => format!("Quiet {one}"),
        many => format!("Quiet hours of {} channels", many.len()),
    }
}

fn rule(rule: &Rule) -> RuleRow {
    let shipped = rule.kind.shipped();
    let condition = match (shipped.threshold, rule.threshold) {
        (Some(shipped), Some(set)) => format!(" · {}", shipped.condition.replace("{}", &set.to_string())),
        _ => String::new(),
    };
    let fired = if rule.fired > 0 { format!(" · fired {}", rule.fired) } else { String::new() };
    RuleRow {
        kind: shipped.code.to_owned(),
        label: shipped.label.to_owned(),
        about: format!("{}{condition}{fired}", shipped.severity.label()),
        on: rule.on,
        threshold: rule.threshold,
        limits: shipped.threshold.map_or((0, 0, String::new()), |it| (it.least, it.most, it.unit.to_owned())),
    }
}
