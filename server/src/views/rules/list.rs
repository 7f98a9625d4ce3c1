//! The list of rules, and a rule's row in it.

use crate::views::times::Times;
use app::contract::rules::{RuleRow, RuleStateView, RulesTab, RulesView, StormView, VersionView};
use application::{
    rules::{
        book::Rule,
        manage::FourEyes,
        read::{Listed, who},
    },
    words::csv_line,
};
use domain::{
    ids::UserId,
    rule::{Content, RuleVersion},
    rules::words,
    visible::visible_line,
};
use jiff::Timestamp;
use std::collections::BTreeMap;
use storage::{
    alerts::AlertRecord,
    rules::{Halt, PublishedRule, RuleFigures},
};

/// The columns of the file.
const COLUMNS: &[&str] = &[
    "id",
    "name",
    "state",
    "version",
    "draft",
    "when",
    "then",
    "fired_7_days",
    "failed_7_days",
    "delayed_7_days",
    "auto_resolved_percent",
    "owner",
];

/// Names of people.
pub type People = BTreeMap<UserId, String>;

/// Whether a tab has a rule.
fn fits(tab: RulesTab, rule: &Rule, now: Timestamp) -> bool {
    let halted = rule.is_halted(now);
    match tab {
        RulesTab::All => true,
        RulesTab::Active => rule.active.is_some() && !halted,
        RulesTab::Draft => draft(rule).is_some(),
        RulesTab::Paused => halted,
        RulesTab::History => false,
    }
}

fn draft(rule: &Rule) -> Option<&storage::rules::Draft> {
    rule.record.as_ref()?.draft.as_ref()
}

/// What runs, else the draft.
fn content(rule: &Rule) -> Option<&Content> {
    let active = rule.active.as_ref().map(|(_, content, _)| content);
    active.or_else(|| draft(rule).map(|draft| &draft.content))
}

/// The list.
pub fn view(tab: RulesTab, listed: &Listed, times: &Times, may_edit: bool) -> RulesView {
    let of = |tab: RulesTab| listed.rules.iter().filter(move |(rule, _)| fits(tab, rule, listed.now));
    let count = |tab: &RulesTab| (*tab != RulesTab::History).then(|| of(*tab).count() as u64);
    RulesView {
        counts: RulesTab::ALL.iter().map(count).collect(),
        rules: of(tab).map(|(rule, figures)| row(rule, figures, &listed.people, times)).collect(),
        published: Vec::new(),
        storms: Vec::new(),
        four_eyes: listed.four_eyes == FourEyes::On,
        as_of: times.clock(listed.now).shown,
        may_edit,
    }
}

/// A rule.
pub fn row(rule: &Rule, figures: &RuleFigures, people: &People, times: &Times) -> RuleRow {
    let shown = content(rule);
    let share = |of: u64, all: u64| u8::try_from((of * 100 + all / 2).checked_div(all)?).ok();
    let owner = rule.record.as_ref().and_then(|record| record.owner);
    RuleRow {
        id: rule.id.to_string(),
        name: shown.map(|content| named(content, &rule.id)).unwrap_or_default(),
        when: shown.map(in_words).unwrap_or_default(),
        then: shown.map(words::then).unwrap_or_default(),
        state: state(rule, people, times),
        fired: rule.active.is_some().then_some(figures.fired),
        auto_resolved: share(figures.auto_resolved, figures.exceptions),
        failed: figures.failed,
        delayed: figures.delayed,
        owner: owner.map(|id| who(people, storage::Actor::User(id))),
    }
}

/// A rule without a name is called by its id.
pub fn named(content: &Content, id: &impl ToString) -> String {
    if content.name.trim().is_empty() { id.to_string() } else { content.name.clone() }
}

/// When it looks and under which condition.
fn in_words(content: &Content) -> String {
    let looks = words::trigger(content.trigger);
    match words::when(content).as_str() {
        "Always" => looks,
        when => format!("{looks}: {when}"),
    }
}

/// Where a rule stands.
pub fn state(rule: &Rule, people: &People, times: &Times) -> RuleStateView {
    let version = rule.active.as_ref().map(|(version, ..)| *version);
    let halt = rule.record.as_ref().and_then(|record| record.halt.as_ref()).filter(|_| rule.is_halted(times.now));
    let (code, why) = match halt {
        Some(Halt::Stopped { why, .. }) => ("stopped", visible_line(why).into_owned()),
        Some(Halt::Paused { until, by }) => {
            let until = until.map(|until| format!("until {}, ", times.clock_or_date(until).shown)).unwrap_or_default();
            ("paused", format!("{until}by {}", who(people, *by)))
        }
        None if version.is_none() => ("draft", String::new()),
        None => ("active", String::new()),
    };
    let label = match code {
        "stopped" => "Stopped",
        "paused" => "Paused",
        "draft" => "Draft",
        _ => "Active",
    };
    RuleStateView {
        code: code.into(),
        label: label.into(),
        version,
        draft: draft(rule).map(|_| version.map_or(1, |version| version + 1)),
        asked: draft(rule).is_some_and(|draft| draft.asked_at.is_some()),
        why,
    }
}

/// A published version.
pub fn version(one: &PublishedRule, active: Option<RuleVersion>, people: &People, times: &Times) -> VersionView {
    VersionView {
        version: one.version,
        active: active == Some(one.version),
        by: who(people, one.by),
        approved_by: one.approved_by.map(|by| who(people, by)),
        at: Some(times.dated(one.at)),
        back_to: one.back_to,
        says: says(&one.content),
    }
}

/// A rule in one sentence.
pub fn says(content: &Content) -> String {
    format!("{} → {}", in_words(content), words::then(content))
}

/// An alert for several shipments.
pub fn storm(alert: &AlertRecord, listed: &Listed, times: &Times, may_see: bool) -> StormView {
    let (id, place) = alert.subject.split_once('/').unwrap_or((&alert.subject, ""));
    let name = listed.rules.iter().find(|(rule, _)| rule.id.as_str() == id).and_then(|(rule, _)| content(rule));
    let name = name.map_or_else(|| id.to_owned(), |content| named(content, &id));
    let place = if place.is_empty() { String::new() } else { format!(" ({})", visible_line(place)) };
    let count = alert.standing.affects;
    StormView {
        title: format!("Storm protection: {count} shipments{place} made 1 alert."),
        text: format!(
            "Rule “{name}”, {} alerts are grouped since {}. Cases and activities in Odoo are not.",
            count - 1,
            times.clock_or_date(alert.standing.opened_at).shown
        ),
        href: may_see.then(|| format!("/alerts?alert={}", alert.id)),
    }
}

/// Every rule, as a file.
pub fn csv(listed: &Listed, times: &Times) -> String {
    let mut csv = csv_line(COLUMNS);
    for (rule, figures) in &listed.rules {
        let row = row(rule, figures, &listed.people, times);
        let number = |number: Option<u32>| number.map(|number| number.to_string()).unwrap_or_default();
        let fields = [
            row.id,
            row.name,
            row.state.code,
            number(row.state.version),
            number(row.state.draft),
            row.when,
            row.then,
            row.fired.unwrap_or_default().to_string(),
            row.failed.to_string(),
            row.delayed.to_string(),
            number(row.auto_resolved.map(u32::from)),
            row.owner.unwrap_or_default(),
        ];
        csv += &csv_line(&fields);
    }
    csv
}
