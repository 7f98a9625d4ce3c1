//! The list of connections with their health.

use super::super::times::{Times, span_words};
use app::{
    components::parts::grouped,
    contract::connections::{
        ConnectionRow, ConnectionsQuery, ConnectionsView, Environment, Group, Health, HealthCount, HourView, ListView,
    },
};
use application::connections::{Names, Overview, StateKind, needs_attention, overview::HOURS};
use jiff::Timestamp;
use outbound::template::{Direction, Family};
use std::collections::BTreeSet;

/// What it is for; none where this version has no such connector.
pub(super) fn family(one: &Overview) -> Option<Family> {
    one.template.as_ref().map(|template| template.family)
}

/// Who paused it.
pub(super) fn paused_by(one: &Overview, pausing: &Names) -> String {
    one.breaker.paused.as_ref().map(|pause| pausing.of(pause.by)).unwrap_or_default()
}

/// How a connection stands, for people.
pub(super) fn health(one: &Overview) -> Health {
    let untouched = one.record.last_ok_at.is_none() && one.record.last_failed_at.is_none();
    match one.state.is {
        StateKind::Broken => Health::Suspended,
        StateKind::RateLimited => Health::RateLimited,
        StateKind::Failing => Health::Failing,
        StateKind::Expiring => Health::Expiring,
        StateKind::Paused => Health::Paused,
        StateKind::Disabled if one.record.is_draft() => Health::Draft,
        StateKind::Disabled => Health::Disabled,
        StateKind::Active if untouched => Health::NoTraffic,
        StateKind::Active => Health::Healthy,
    }
}

/// A sentence without its end, to go on with.
pub(super) fn open_end(sentence: &str) -> String {
    sentence.trim_end_matches('.').to_owned()
}

/// Why it stands so, in a few words.
fn detail(one: &Overview, pausing: &Names, times: &Times) -> String {
    match (one.state.is, one.state.since) {
        (StateKind::Paused, _) => format!("{}: {}", paused_by(one, pausing), one.state.why),
        (StateKind::RateLimited, Some(until)) => format!("resumes {}", times.relative(until)),
        _ => open_end(&one.state.why),
    }
}

/// What its connector is called.
pub(super) fn label_of(one: &Overview) -> &str {
    one.template.as_ref().map_or(one.record.connector.as_str(), |template| template.label)
}

/// The connector or the system that answered, and where it is.
fn about(one: &Overview) -> String {
    let url = one.settings.get("url").and_then(|url| url.as_str());
    let host = url.map(|url| url.split_once("://").map_or(url, |(_, host)| host).to_owned());
    let system =
        one.report.as_ref().and_then(|report| report.system.clone()).unwrap_or_else(|| label_of(one).to_owned());
    match host {
        Some(host) => format!("{system} · {host}"),
        None if family(one) == Some(Family::Channel) => match one.settings.get("host").and_then(|host| host.as_str()) {
            Some(host) => format!("{system} · {host}"),
            None => system,
        },
        None => format!("{system} · webhook"),
    }
}

/// A connection in the list.
pub(super) fn row(one: &Overview, pausing: &Names, times: &Times) -> ConnectionRow {
    let (ok, failed) = one.traffic();
    let direction = family(one).map(Family::direction);
    let first = times.now.as_second().div_euclid(3_600) - i64::try_from(HOURS).unwrap_or(i64::MAX) + 1;
    let hour = |(i, (ok, failed)): (usize, &(u64, u64))| {
        let at = i64::try_from(i).ok().and_then(|i| Timestamp::from_second((first + i) * 3_600).ok());
        HourView { hour: at.map(|at| times.clock(at).shown).unwrap_or_default(), ok: *ok, failed: *failed }
    };
    ConnectionRow {
        name: one.record.name.clone(),
        label: one.record.label.clone(),
        about: about(one),
        direction: direction.map_or("Unknown", Direction::label).to_owned(),
        called: matches!(direction, Some(Direction::Both | Direction::Out)),
        sandbox: one.record.sandbox,
        health: health(one),
        detail: detail(one, pausing, times),
        since: one.state.since.map(|at| times.clock_or_date(at)),
        hours: one.hours.iter().enumerate().map(hour).collect(),
        ok,
        failed,
        waiting: one.waiting,
        last_ok: one.record.last_ok_at.map(|at| times.ago(at)),
        secrets: u64::try_from(one.secrets).unwrap_or(u64::MAX),
        secret_age: span_words(times.now.duration_since(one.record.secret_set_at)),
        owner: one.record.owner.clone(),
    }
}

fn is_in(view: ListView, one: &Overview) -> bool {
    match view {
        ListView::All => true,
        ListView::Sources => family(one).is_some_and(|family| matches!(family, Family::Orders | Family::Carrier)),
        ListView::Destinations => family(one).is_some_and(|family| family.direction() != Direction::In),
        ListView::Attention => needs_attention(one.state.is),
    }
}

fn fits(query: &ConnectionsQuery, one: &Overview) -> bool {
    let environment = match query.environment {
        Environment::Production => !one.record.sandbox,
        Environment::Sandbox => one.record.sandbox,
        Environment::Any => true,
    };
    let given = |wanted: &str, is: &str| wanted.is_empty() || wanted == is;
    environment
        && query.health.is_none_or(|wanted| wanted == health(one))
        && given(&query.connector, &one.record.connector)
        && given(&query.owner, &one.record.owner)
}

/// The list.
pub(super) fn list(all: &[Overview], query: &ConnectionsQuery, pausing: &Names, times: &Times) -> ConnectionsView {
    let count = |view: &ListView| (*view, all.iter().filter(|one| is_in(*view, one)).count() as u64);
    let mut failing: Vec<&Overview> = all.iter().filter(|one| needs_attention(one.state.is)).collect();
    failing.sort_by_key(|one| one.state.is);
    let connectors: BTreeSet<_> =
        all.iter().map(|one| (label_of(one).to_owned(), one.record.connector.clone())).collect();
    let owners: BTreeSet<_> =
        all.iter().map(|one| one.record.owner.clone()).filter(|owner| !owner.is_empty()).collect();
    let shown: Vec<&Overview> = all.iter().filter(|one| is_in(query.view, one) && fits(query, one)).collect();
    ConnectionsView {
        counts: ListView::ALL.iter().map(count).collect(),
        figures: figures(all, times),
        traffic: all.iter().map(Overview::traffic).map(|(ok, failed)| ok + failed).sum(),
        failing: failing.into_iter().map(|one| row(one, pausing, times)).collect(),
        groups: groups(&shown, pausing, times),
        connectors: connectors.into_iter().map(|(label, id)| (id, label)).collect(),
        owners: owners.into_iter().collect(),
        as_of: times.clock(times.now),
    }
}

/// What needs attention, then by kind.
fn groups(shown: &[&Overview], pausing: &Names, times: &Times) -> Vec<Group> {
    let of = |title: &str, is: &dyn Fn(&Overview) -> bool| Group {
        title: title.to_owned(),
        rows: shown.iter().filter(|one| is(one)).map(|one| row(one, pausing, times)).collect(),
    };
    let calm = |one: &Overview, of: Option<Family>| !needs_attention(one.state.is) && family(one) == of;
    let systems = |one: &Overview| calm(one, Some(Family::Orders)) || calm(one, Some(Family::Desk));
    let groups = [
        of("Needs attention", &|one| needs_attention(one.state.is)),
        of("Odoo and service desk", &systems),
        of("Booking and tracking", &|one| calm(one, Some(Family::Shipping))),
        of("Notification channels", &|one| calm(one, Some(Family::Channel))),
        of("Carriers and platforms", &|one| calm(one, Some(Family::Carrier))),
        of("Connectors that this version lacks", &|one| calm(one, None)),
    ];
    groups.into_iter().filter(|group| !group.rows.is_empty()).collect()
}

/// How many stand so; what is always worth a figure, and what there is.
fn figures(all: &[Overview], times: &Times) -> Vec<HealthCount> {
    let figure = |wanted: &Health| {
        let these: Vec<&Overview> = all.iter().filter(|one| health(one) == *wanted).collect();
        let usual = matches!(wanted, Health::Healthy | Health::Failing | Health::Suspended | Health::RateLimited);
        if these.is_empty() && !usual {
            return None;
        }
        let waiting: u64 = these.iter().map(|one| one.waiting).sum();
        let failed: u64 = these.iter().map(|one| one.traffic().1).sum();
        let waits = match waiting {
            0 => None,
            1 => Some("1 job waiting".to_owned()),
            n => Some(format!("{} jobs waiting", grouped(n))),
        };
        let detail = match wanted {
            _ if these.is_empty() => "none".to_owned(),
            Health::Healthy if failed == 0 => "no errors in 24 h".to_owned(),
            Health::Healthy => format!("{} failed in 24 h", grouped(failed)),
            Health::RateLimited => {
                let until = these.iter().filter_map(|one| one.state.since).min();
                let resumes = until.map(|until| format!("resumes {}", times.relative(until)));
                waits.into_iter().chain(resumes).collect::<Vec<_>>().join(", ")
            }
            Health::Failing => "failed jobs or test".to_owned(),
            Health::Expiring => "within 14 days".to_owned(),
            Health::Suspended | Health::Paused => waits.unwrap_or_default(),
            Health::NoTraffic => "in use".to_owned(),
            Health::Disabled => "not in use".to_owned(),
            Health::Draft => "never turned on".to_owned(),
        };
        Some(HealthCount { health: *wanted, n: these.len() as u64, detail })
    };
    Health::ALL.iter().filter_map(figure).collect()
}
