//! One rule: its head, its versions, what differs between two of them, its newest dry run.

use super::list::{self, People};
use crate::views::{
    times::{Times, span_words},
    words::sentence,
};
use app::contract::rules::{CompareView, RuleRow, RuleStateView, TrialRowView, TrialSumView, TrialView, VersionView};
use application::rules::read::{Shown, who};
use domain::{
    ExceptionReason,
    rule::{Action, Content, RuleVersion, Trigger},
    rules::{trial, words},
};
use jiff::SignedDuration;
use storage::rules::{Trial, TrialRow, TrialState, TrialSum};

/// Rows of a dry run on the page.
const ROWS: usize = 10;
/// The hours at which the bars of a dry run end; the last one does not.
const BARS: [(&str, u32); 7] =
    [("< 1 h", 1), ("1–2", 2), ("2–3", 3), ("3–4", 4), ("4–8", 8), ("8–24", 24), ("> 24 h", u32::MAX)];

/// The row of a rule that is not there yet.
pub fn new_row() -> RuleRow {
    RuleRow {
        id: String::new(),
        name: "New rule".into(),
        when: String::new(),
        then: String::new(),
        state: RuleStateView { code: "draft".into(), label: "New".into(), ..RuleStateView::default() },
        fired: None,
        auto_resolved: None,
        failed: 0,
        delayed: 0,
        owner: None,
    }
}

/// What is known of a rule in one line.
pub fn summary(shown: &Shown, row: &RuleRow, times: &Times) -> String {
    let mut parts = Vec::new();
    if let Some((version, _, published)) = &shown.rule.active {
        let since = published.as_ref().map(|one| times.dated(one.at).shown);
        parts.push(match (version, since) {
            (0, _) => "the built-in version runs".to_owned(),
            (version, Some(since)) => format!("v{version} runs since {since}"),
            (version, None) => format!("v{version} runs"),
        });
        let times = if shown.figures.fired == 1 { "time" } else { "times" };
        let share = row.auto_resolved.map(|share| format!(", {share} % auto-resolved")).unwrap_or_default();
        parts.push(format!("fired {} {times} in 7 days{share}", shown.figures.fired));
        parts.extend((row.failed > 0).then(|| format!("{} failed", row.failed)));
        parts.extend((row.delayed > 0).then(|| format!("{} delayed by its rate", row.delayed)));
    } else {
        parts.push("never published".to_owned());
    }
    if let Some(draft) = shown.rule.record.as_ref().and_then(|record| record.draft.as_ref()) {
        parts.push(format!("draft by {}, saved {}", who(&shown.people, draft.by), times.clock_or_date(draft.at).shown));
    }
    sentence(&parts.join(" · "))
}

/// The versions, newest first; the built-in one last.
pub fn history(shown: &Shown, times: &Times) -> Vec<VersionView> {
    let active = shown.rule.active.as_ref().map(|(version, ..)| *version);
    let mut versions: Vec<_> =
        shown.history.iter().map(|one| list::version(one, active, &shown.people, times)).collect();
    let built_in = domain::rules::shipped().into_iter().find(|(id, _)| *id == shown.rule.id);
    versions.extend(built_in.map(|(_, content)| VersionView {
        version: 0,
        active: active == Some(0),
        by: "Built in".into(),
        approved_by: None,
        at: None,
        back_to: None,
        says: list::says(&content),
    }));
    versions
}

/// What differs between a version and what is edited or runs.
pub fn compare(version: RuleVersion, there: &Content, shown: &Shown, here: &Content) -> CompareView {
    let has_draft = shown.rule.record.as_ref().is_some_and(|record| record.draft.is_some());
    let active = shown.rule.active.as_ref().map(|(version, ..)| *version);
    let with = match (has_draft, active) {
        (true, active) => format!("draft v{}", active.map_or(1, |version| version + 1)),
        (false, Some(active)) => format!("v{active}"),
        (false, None) => "what is edited".to_owned(),
    };
    let (there, here) = (lines(there), lines(here));
    let most = there.len().max(here.len());
    let at = |lines: &[(String, String)], n: usize| lines.get(n).cloned().unwrap_or_default();
    let lines = (0..most).filter_map(|n| {
        let ((left, there), (right, here)) = (at(&there, n), at(&here, n));
        let what = if left.is_empty() { right } else { left };
        (there != here).then_some((what, there, here))
    });
    CompareView { version, with, lines: lines.collect() }
}

/// A rule line by line: what, and what it says; the actions come last.
fn lines(content: &Content) -> Vec<(String, String)> {
    let limits = &content.limits;
    let clock = |minute: u16| format!("{:02}:{:02}", minute / 60, minute % 60);
    let quiet = limits
        .quiet
        .as_ref()
        .map(|quiet| format!("{} – {} ({})", clock(quiet.from_minute), clock(quiet.to_minute), quiet.zone));
    let line = |what: &str, says: String| (what.to_owned(), says);
    let none = || "none".to_owned();
    let mut lines = vec![
        line("Name", content.name.clone()),
        line("Looks", words::trigger(content.trigger)),
        line("Condition", content.when.clone()),
        line("Severity", content.severity.map_or_else(|| "as the reason has it".into(), |one| one.label().into())),
        line("Rate limit", limits.per_minute.map_or_else(none, |rate| format!("{rate} a minute"))),
        line("Quiet hours", quiet.unwrap_or_else(none)),
        line("Alerts grouped by", limits.group_by.clone().unwrap_or_else(none)),
    ];
    lines.extend(content.then.iter().enumerate().map(|(n, action)| {
        let (what, how) = words::action(action);
        (format!("Action {}", n + 1), format!("{what}: {how}"))
    }));
    lines
}

/// The newest dry run; `kept` is what is kept now.
pub fn trial(
    (trial, rows): &(Trial, Vec<TrialRow>),
    people: &People,
    kept: Option<&Content>,
    times: &Times,
) -> TrialView {
    let sum =
        |sum: &TrialSum| TrialSumView { fired: sum.fired, healed: sum.healed, needed: sum.needed, failed: sum.failed };
    let grace = grace(&trial.content);
    let took = trial.ended_at.map(|end| span_words(end.duration_since(trial.at)));
    let took = took.map(|took| format!(" · {took}")).unwrap_or_default();
    let percent = (trial.shipments * 100).checked_div(trial.total).unwrap_or(0).min(100);
    TrialView {
        state: match trial.state {
            TrialState::Running => "running",
            TrialState::Done => "done",
            TrialState::Cut => "cut",
            TrialState::Failed => "failed",
        }
        .into(),
        days: trial.days,
        started: format!("{}, by {}", times.clock_or_date(trial.at).shown, who(people, trial.by)),
        percent: u8::try_from(percent).unwrap_or(100),
        draft: sum(&trial.draft_sum),
        active: trial.active.as_ref().map(|(version, _)| (*version, sum(&trial.active_sum))),
        lasted: BARS.iter().zip(trial.draft_sum.lasted).map(|((label, _), n)| ((*label).to_owned(), n)).collect(),
        grace: grace.map(words::duration).unwrap_or_default(),
        within: grace.map_or(0, |grace| BARS.iter().filter(|(_, hours)| hours.saturating_mul(60) <= grace).count()),
        rows: rows.iter().take(ROWS).map(|row| trial_row(trial, row)).collect(),
        cost: format!("{} shipments, {} events{took} · nothing was sent", trial.shipments, trial.events),
        outdated: kept.is_some_and(|kept| *kept != trial.content),
    }
}

/// The grace in minutes, where it is one for all that a rule acts on.
fn grace(content: &Content) -> Option<u32> {
    let of_case = content.then.iter().find_map(|action| match action {
        Action::OpenCase { grace_minutes, .. } => Some(*grace_minutes),
        _ => None,
    });
    let open_for = match content.trigger {
        Trigger::OpenFor { hours } => Some(hours.saturating_mul(60)),
        _ => None,
    };
    match of_case {
        // by severity
        Some(None) => None,
        Some(Some(minutes)) => Some(open_for.map_or(minutes, |open| open.max(minutes))),
        None => open_for.or_else(|| u32::try_from(trial::HEALED_WITHIN.as_mins()).ok()),
    }
}

fn trial_row(trial: &Trial, row: &TrialRow) -> TrialRowView {
    let reason = row.reason.as_deref().and_then(ExceptionReason::from_code).map(ExceptionReason::label);
    let lasted = match (reason, row.lasted_minutes) {
        (Some(_), Some(minutes)) => span_words(SignedDuration::from_mins(minutes)),
        (Some(_), None) => "goes on".into(),
        (None, _) => String::new(),
    };
    let parts = [reason.unwrap_or("Acted once"), row.ended.as_deref().unwrap_or_default()];
    let of = [row.order.as_deref().unwrap_or_default(), row.carrier.as_deref().unwrap_or_default()];
    let joined =
        |parts: &[&str], by: &str| parts.iter().copied().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(by);
    TrialRowView {
        shipment: row.shipment.to_string(),
        number: row.number.clone(),
        of: joined(&of, " · "),
        lasted,
        what: joined(&parts, ": "),
        needed: row.needed,
        fresh: trial.active.is_some() && !row.active_too,
    }
}
