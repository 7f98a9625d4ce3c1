//! The list of alerts, by severity; below it what is snoozed or ended.

use super::acts::Acts;
use crate::{
    components::{Icon, Time, browser::POP, live::rows as keyed},
    contract::alerts::{AlertRow, AlertTab, QuietRow, SnoozeFor},
};
use domain::Severity;
use leptos::{form::ActionForm, prelude::*};
use std::collections::BTreeMap;

/// A line of the table.
#[derive(Clone, PartialEq)]
pub(super) enum Line {
    /// The head of a group, with how many it has.
    Group(Severity, usize),
    /// An alert, without its age.
    Alert(Box<AlertRow>),
}

impl Line {
    fn key(&self) -> String {
        match self {
            Self::Group(severity, _) => severity.code().to_owned(),
            Self::Alert(row) => row.id.clone(),
        }
    }
}

/// The lines: a group for each severity, the worst first.
pub(super) fn lines(rows: &[AlertRow]) -> Vec<Line> {
    let mut lines = Vec::with_capacity(rows.len() + Severity::ALL.len());
    for severity in Severity::ALL.iter().rev() {
        let of = || rows.iter().filter(|row| row.severity == *severity);
        if of().next().is_some() {
            lines.push(Line::Group(*severity, of().count()));
            lines.extend(of().map(|row| Line::Alert(Box::new(AlertRow { age: String::new(), ..row.clone() }))));
        }
    }
    lines
}

/// For how long each alert is open, by its id.
pub(super) type Ages = Memo<BTreeMap<String, String>>;

/// Open alerts. A row stays while others come and go: what was opened and typed in it stays too.
pub(super) fn table(lines: Memo<Vec<Line>>, ages: Ages, acts: Acts) -> impl IntoView {
    let line = move |line: Line| match line {
        Line::Group(severity, number) => group(severity, number).into_any(),
        Line::Alert(alert) => row(*alert, ages, acts).into_any(),
    };
    view! {
        <div class="table-box">
            <table class="table table--list table--lead table--ops table--top">
                <caption class="sr">"Open alerts by severity"</caption>
                <thead><tr><th>"Alert"</th><th>"Affects"</th><th aria-sort="descending">"Since"</th><th>"Owner"</th><th><span class="sr">"Actions"</span></th></tr></thead>
                <tbody>{keyed(lines, Line::key, line)}</tbody>
            </table>
        </div>
    }
}

fn group(severity: Severity, number: usize) -> impl IntoView {
    let slug = severity.code().to_lowercase();
    view! {
        <tr class="group"><th colspan="5" scope="rowgroup" class="wide-s">
            <span class=format!("sev sev--{slug}")><Icon name=slug.clone()/><span>{severity.label()}</span></span>" "<span class="muted thin">{number}</span>
        </th></tr>
    }
}

fn row(alert: AlertRow, ages: Ages, acts: Acts) -> impl IntoView {
    let sent = alert
        .sent
        .iter()
        .map(|(icon, words)| view! { <small class="thin sent"><Icon name=icon.clone()/>{words.clone()}</small> })
        .collect_view();
    let history = (!alert.history.is_empty()).then(|| {
        let lines = alert
            .history
            .iter()
            .map(|line| view! { <li><span><Time when=line.at.clone()/></span><span>{line.text.clone()}</span></li> })
            .collect_view();
        view! { <details class="grouped"><summary>"History and first step"<Icon name="down"/></summary>
        <p class="small">{alert.first_step.clone()}</p><ul>{lines}</ul></details> }
    });
    let owner = owner(&alert, acts);
    let id = alert.id.clone();
    let age = move || ages.with(|ages| ages.get(&id).cloned());
    let acts = actions(&alert, acts);
    view! {
        <tr data-testid="alert" data-id=alert.id>
            <th scope="row" class="two fill c11"><a href=alert.link>{alert.title}</a><small class="thin">{alert.detail}</small>{sent}{history}</th>
            <td class="nowrap c21">{alert.affects}</td>
            <td class="two nowrap c12"><Time when=alert.since/><small>{age}</small></td>
            <td class="two nowrap c3 own">{owner}<small data-testid="standing">{alert.standing}</small></td>
            <td class="num nowrap c22">{acts}</td>
        </tr>
    }
}

fn owner(alert: &AlertRow, acts: Acts) -> impl IntoView + use<> {
    let id = alert.id.clone();
    match alert.owner.clone() {
        Some(name) => {
            let initials: String = name.split_whitespace().filter_map(|word| word.chars().next()).take(2).collect();
            let give_up = alert.mine.then(|| view! {
                <ActionForm action=acts.assign attr:class="inline-form"><input type="hidden" name="id" value=id/><input type="hidden" name="mine" value="false"/>
                    <button class="linkish" type="submit">"Unassign"</button></ActionForm>
            });
            view! { <span class="row row--tight keep"><span class="avatar avatar--s" aria-hidden="true">{initials}</span><span>{name}</span>{give_up}</span> }.into_any()
        }
        None => view! {
            <ActionForm action=acts.assign attr:class="inline-form"><input type="hidden" name="id" value=id/><input type="hidden" name="mine" value="true"/>
                <button class="linkish" type="submit" data-testid="assign">"Assign to me"</button></ActionForm>
        }
        .into_any(),
    }
}

fn actions(alert: &AlertRow, acts: Acts) -> impl IntoView + use<> {
    let id = alert.id.clone();
    let acknowledge = alert.acknowledgeable.then(|| {
        let id = id.clone();
        view! {
            <ActionForm action=acts.acknowledge attr:class="inline-form"><input type="hidden" name="id" value=id/>
                <button class="btn btn--s" type="submit" data-testid="acknowledge">"Acknowledge"</button></ActionForm>
        }
    });
    let spans =
        SnoozeFor::ALL.iter().map(|span| view! { <option value=span.code()>{span.label()}</option> }).collect_view();
    let (of_snooze, of_resolve) = (id.clone(), id);
    let label = format!("Snooze or resolve {}", alert.title);
    view! {
        <span class="row row--tight keep"><span class="push row row--tight keep">{acknowledge}
            <details class="pop" name=POP>
                <summary class="btn btn--s btn--icon" aria-label=label data-testid="quieten"><Icon name="snooze"/></summary>
                <div class="pop__in stack stack--tight">
                    <ActionForm action=acts.snooze attr:class="stack stack--tight">
                        <input type="hidden" name="id" value=of_snooze/>
                        <label>"Snooze for "<select class="input" name="span">{spans}</select></label>
                        <label>"Why "<input class="input" name="why" maxlength="500"/></label>
                        <button class="btn btn--s" type="submit" data-testid="snooze">"Snooze"</button>
                    </ActionForm>
                    <ActionForm action=acts.resolve attr:class="stack stack--tight">
                        <input type="hidden" name="id" value=of_resolve/>
                        <label>"What was done "<input class="input" name="why" maxlength="500"/></label>
                        <button class="btn btn--s" type="submit" data-testid="resolve">"Resolve"</button>
                    </ActionForm>
                </div>
            </details>
        </span></span>
    }
}

/// What is snoozed, and what ended.
pub(super) fn quiet(view: AlertTab, rows: Vec<QuietRow>) -> impl IntoView {
    let (title, nothing) = match view {
        AlertTab::Resolved => ("Resolved in the last 7 days", "Nothing was resolved in the last 7 days."),
        _ => ("Snoozed and resolved today", "Nothing is snoozed, and nothing was resolved today."),
    };
    let all = (view != AlertTab::Resolved)
        .then(|| view! { <a class="push small" href="/alerts?view=resolved">"All resolved"</a> });
    let body = if rows.is_empty() {
        view! { <p class="in small muted">{nothing}</p> }.into_any()
    } else {
        let rows = rows.into_iter().map(quiet_row).collect_view();
        view! {
            <table class="table table--list table--ops quietrows">
                <caption class="sr">{title}</caption>
                <thead><tr><th>"Alert"</th><th class="p2">"Opened"</th><th>"Ended"</th><th>"How"</th></tr></thead>
                <tbody>{rows}</tbody>
            </table>
        }
        .into_any()
    };
    view! { <section class="table-box" data-testid="quiet"><div class="row box-head"><h2>{title}</h2>{all}</div>{body}</section> }
}

fn quiet_row(row: QuietRow) -> impl IntoView {
    let until = row.snoozed.then_some("until ");
    view! {
        <tr data-testid="quiet-row"><th scope="row" class="two c11"><b>{row.title}</b><small class="thin">{row.about}</small></th>
            <td class="nowrap hide-s p2"><Time when=row.opened/></td>
            <td class="nowrap c12">{until}<Time when=row.ended/></td>
            <td class="c21">{row.how}</td></tr>
    }
}
