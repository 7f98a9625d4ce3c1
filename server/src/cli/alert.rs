//! `milepost alert`: what is open, acknowledging and resolving, testing channels, the rules.

use crate::log;
use anyhow::{Context as _, Result, bail, ensure};
use application::{
    alerts::{self, Listed, Rule, RuleChange, Until},
    caller::Caller,
    connections,
    context::Context,
};
use clap::{Subcommand, ValueEnum};
use domain::{
    alerts::{AlertKind, machine::is_snoozed},
    ids::AlertId,
};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use std::sync::Arc;
use storage::{Actor, Scope};

/// Operational alerts: list, acknowledge, snooze, resolve; test channels; change rules.
#[derive(Subcommand)]
pub enum Alert {
    /// List open alerts, the most severe first.
    List {
        /// Those too that were resolved in the last 7 days.
        #[arg(long)]
        resolved: bool,
        /// One JSON object a line.
        #[arg(long)]
        json: bool,
    },
    /// Acknowledge an alert: it escalates no further.
    Ack {
        /// Its id, or enough of its beginning; `all` acknowledges every one.
        id: String,
    },
    /// Send no notifications of an alert for some hours; it comes back if it is still there.
    Snooze {
        /// Its id, or enough of its beginning.
        id: String,
        /// For so many hours.
        #[arg(long, default_value_t = 4)]
        hours: u32,
        /// Why.
        #[arg(long)]
        why: Option<String>,
    },
    /// Resolve an alert; where its condition still holds, another one opens.
    Resolve {
        /// Its id, or enough of its beginning.
        id: String,
        /// What was done.
        #[arg(long)]
        why: Option<String>,
    },
    /// Send a test message over a channel, or over every one that is in use.
    Test {
        /// The connection's name.
        channel: Option<String>,
    },
    /// List the rules, or change one.
    Rules {
        /// The kind whose rule is changed.
        kind: Option<String>,
        /// Switch it on or off.
        #[arg(long, value_enum, requires = "kind")]
        switch: Option<Switch>,
        /// The number from which on it holds.
        #[arg(long, value_name = "N", requires = "kind")]
        threshold: Option<u32>,
        /// One JSON object a line.
        #[arg(long)]
        json: bool,
    },
}

/// On or off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Switch {
    /// Alerts of this kind are made.
    On,
    /// They are not.
    Off,
}

impl Alert {
    /// Does it.
    pub async fn run(self, context: Arc<Context>, scope: Scope) -> Result<()> {
        let caller = Caller::trusted(scope);
        match self {
            Self::List { resolved, json } => list(&context, &caller, resolved, json).await,
            Self::Ack { id } if id == "all" => {
                let number = alerts::acknowledge_all(&context, &caller, context.now()).await?;
                say!("{number} acknowledged");
                Ok(())
            }
            Self::Ack { id } => {
                let id = found(&context, scope, &id).await?;
                alerts::acknowledge(&context, &caller, id).await?;
                say!("{id} acknowledged");
                Ok(())
            }
            Self::Snooze { id, hours, why } => {
                let id = found(&context, scope, &id).await?;
                let until = Until::For(SignedDuration::from_hours(i64::from(hours)));
                alerts::snooze(&context, &caller, id, until, why).await?;
                say!("{id} snoozed for {hours} h");
                Ok(())
            }
            Self::Resolve { id, why } => {
                let id = found(&context, scope, &id).await?;
                alerts::resolve(&context, &caller, id, why).await?;
                say!("{id} resolved");
                Ok(())
            }
            Self::Test { channel } => test(&context, &caller, channel.as_deref()).await,
            Self::Rules { kind, switch, threshold, json } => {
                if let Some(kind) = &kind {
                    let known = || AlertKind::ALL.iter().map(|kind| kind.code()).collect::<Vec<_>>().join(", ");
                    let kind = AlertKind::from_code(kind)
                        .with_context(|| format!("there is no kind {kind}: there are {}", known()))?;
                    let change = RuleChange { on: switch.map(|switch| switch == Switch::On), threshold };
                    if change != RuleChange::default() {
                        alerts::set_rule(&context, &caller, kind, change).await?;
                    }
                }
                let rules = alerts::rules(&context, &caller).await?;
                let wanted = rules.iter().filter(|rule| kind.as_deref().is_none_or(|kind| kind == rule.kind.code()));
                for rule in wanted {
                    if json { say!("{}", rule_json(rule)) } else { say!("{}", rule_line(rule)) }
                }
                Ok(())
            }
        }
    }
}

/// The open alert whose id begins so.
async fn found(context: &Context, scope: Scope, text: &str) -> Result<AlertId> {
    let open = context.store.alerts.open(scope).await?;
    let begins = |id: &AlertId| !text.is_empty() && id.to_string().starts_with(&text.to_lowercase());
    let ids: Vec<_> = open.iter().map(|alert| alert.id).filter(begins).collect();
    match ids.as_slice() {
        [one] => Ok(*one),
        [] => bail!("there is no open alert {text}: `milepost alert list` shows them"),
        many => bail!("{} open alerts begin with {text}: write more of the id", many.len()),
    }
}

async fn list(context: &Context, caller: &Caller, resolved: bool, json: bool) -> Result<()> {
    let overview = alerts::overview(context, caller).await?;
    let ended = overview.resolved.iter().filter(|_| resolved);
    let all: Vec<&Listed> = overview.open.iter().chain(ended).collect();
    if all.is_empty() && !json {
        say!("nothing is open");
    }
    for one in all {
        if json { say!("{}", alert_json(one)) } else { say!("{}", alert_line(one, context.now())) }
    }
    Ok(())
}

fn standing(one: &Listed, now: Timestamp) -> String {
    let by = one.by.as_deref().map(|by| format!(" by {by}")).unwrap_or_default();
    match (&one.alert.resolved, one.alert.standing.acknowledged_at) {
        (Some(resolved), _) if resolved.by == Actor::System => "cleared by itself".to_owned(),
        (Some(_), _) => format!("resolved{by}"),
        (None, _) if is_snoozed(&one.alert.standing, now) => format!("snoozed{by}"),
        (None, Some(_)) => format!("acknowledged{by}"),
        (None, None) => "not acknowledged".to_owned(),
    }
}

fn alert_line(one: &Listed, now: Timestamp) -> String {
    let alert = &one.alert;
    let affects = format!("{} {}", alert.standing.affects, alert.unit);
    let since = format!("{:.0}", alert.standing.opened_at);
    let standing = standing(one, now);
    let id = alert.id.to_string();
    [&id, alert.standing.severity.label(), &alert.title, &alert.detail, &affects, &since, &standing]
        .map(log::shown)
        .join("\t")
}

fn alert_json(one: &Listed) -> Value {
    let (alert, standing) = (&one.alert, &one.alert.standing);
    json!({
        "id": alert.id.to_string(), "kind": alert.kind.code(), "subject": alert.subject,
        "severity": standing.severity.code(), "title": alert.title, "detail": alert.detail,
        "affects": standing.affects, "unit": alert.unit, "link": alert.link, "opened_at": standing.opened_at,
        "escalated": standing.escalated, "acknowledged_at": standing.acknowledged_at,
        "snoozed_until": standing.snoozed_until, "owner": one.owner,
        "resolved_at": alert.resolved.as_ref().map(|resolved| resolved.at),
        "first_step": alert.kind.shipped().first_step,
        "notices": one.notices.iter().map(|notice| json!({
            "channel": notice.channel, "notice": notice.notice.code(), "state": notice.state, "due_at": notice.due_at,
        })).collect::<Vec<_>>(),
    })
}

async fn test(context: &Context, caller: &Caller, channel: Option<&str>) -> Result<()> {
    let all = alerts::channels(context, caller).await?;
    let wanted = |one: &&alerts::ChannelState| channel.map_or(one.enabled, |name| name == one.name);
    let chosen: Vec<_> = all.iter().filter(wanted).collect();
    ensure!(
        !chosen.is_empty(),
        "there is no such channel in use: `milepost connection put` makes one, `milepost connection enable` takes it into use"
    );
    let mut failed = 0;
    for one in chosen {
        let report = connections::test(context, caller, &one.name).await?;
        for check in &report.checks {
            let todo = check.todo.as_deref().unwrap_or_default();
            say!("{}", log::shown(&format!("{}\t{:?}\t{}\t{todo}", one.name, check.outcome, check.found())));
        }
        failed += u32::from(!report.passed());
    }
    ensure!(failed == 0, "{failed} channels did not take the test message");
    Ok(())
}

fn rule_line(rule: &Rule) -> String {
    let shipped = rule.kind.shipped();
    let condition = match (shipped.threshold, rule.threshold) {
        (Some(shipped), Some(set)) => shipped.condition.replace("{}", &set.to_string()),
        _ => "as soon as it happens".to_owned(),
    };
    let state = if rule.on { "on" } else { "off" };
    let fired = format!("fired {} in 7 days", rule.fired);
    [shipped.code, state, shipped.severity.label(), &condition, &fired].join("\t")
}

fn rule_json(rule: &Rule) -> Value {
    let shipped = rule.kind.shipped();
    json!({
        "kind": shipped.code, "label": shipped.label, "on": rule.on, "severity": shipped.severity.code(),
        "threshold": rule.threshold, "unit": shipped.threshold.map(|threshold| threshold.unit), "fired": rule.fired,
        "first_step": shipped.first_step,
    })
}
