//! The dry run: what the draft would have done, against the version that runs.

use crate::{
    components::{
        Icon,
        live::part,
        parts::{Empty, grouped},
    },
    contract::rules::{RuleView, TrialRowView, TrialSumView, TrialView},
};
use leptos::prelude::*;

/// Measures of the chart.
const LEFT: f64 = 12.0;
const BAR: f64 = 54.0;
const GAP: f64 = 18.0;
const FLOOR: f64 = 138.0;
const HIGH: f64 = 108.0;
/// Room for the line of the grace.
const GRACE: f64 = 10.0;

/// The panel.
pub(super) fn panel(view: Signal<RuleView>, may_edit: bool) -> impl IntoView {
    let trial = part(view, |view| (view.row.id.clone(), view.trial.clone()));
    let days = Memo::new(move |_| trial.with(|(_, trial)| trial.as_ref().map_or(30, |trial| trial.days)));
    let again = Memo::new(move |_| trial.with(|(_, trial)| trial.is_some()));
    let title = move || {
        if again.get() { format!("Dry run, last {} days", days.get()) } else { "Dry run".to_owned() }
    };
    let run = may_edit.then(|| {
        view! {
            <span class="push row row--tight keep">
                <label class="sr" for="rule-days">"Days of the dry run"</label>
                <input class="input input--n" id="rule-days" name="rule[days]" inputmode="numeric" maxlength="2" value=days.get_untracked().to_string()/>"days"
                <button class="btn btn--s" type="submit" name="rule[step]" value="try" data-testid="try"><Icon name="play"/>{move || if again.get() { "Run again" } else { "Run" }}</button>
            </span>
        }
    });
    view! {
        <section class="panel" id="dry-run" data-testid="dry-run">
            <header><h2>{title}</h2>{run}</header>
            {move || trial.with(|(id, trial)| match trial {
                None => view! { <Empty title="Not tested yet">"A dry run says what the draft would have done in the last days. Nothing is sent."</Empty> }.into_any(),
                Some(trial) => result(id, trial).into_any(),
            })}
        </section>
    }
}

fn result(id: &str, trial: &TrialView) -> impl IntoView + use<> {
    let running = (trial.state == "running").then(|| progress(trial));
    let remark = match trial.state.as_str() {
        "failed" => Some("It failed. Start it again; the log has the reason."),
        "cut" => Some("It came to its limit of shipments: what it says is of a part."),
        _ if trial.outdated => Some("The rule was changed since: run it again."),
        _ => None,
    };
    let remark = remark.map(|text| view! { <div class="in"><div class="note note--warn" data-testid="trial-remark"><Icon name="alert"/><div>{text}</div></div></div> });
    let grace = if trial.grace.is_empty() { "its grace".to_owned() } else { trial.grace.clone() };
    let figure = |n: u64, text: String, tone: &'static str| {
        view! { <div class="fig"><p class=format!("fig__n {tone}")>{grouped(n)}</p><p class="fig__d">{text}</p></div> }
    };
    let sum = trial.draft;
    let failed = (sum.failed > 0).then(
        || view! { <p class="in small bad">{format!("It could not be run on {} shipments.", grouped(sum.failed))}</p> },
    );
    let all: u64 = trial.lasted.iter().map(|(_, n)| n).sum();
    let chart = (all > 0).then(|| chart(trial).into_any());
    let compared = trial.active.map(|(version, active)| view! { <p class="small muted" data-testid="trial-compared">{against(version, active, sum)}</p> });
    let rows = trial.rows.iter().cloned().map(row).collect_view();
    let table = (!trial.rows.is_empty()).then(|| {
        view! {
            <table class="table table--list"><caption class="sr">"What it would have acted on; what needed a person comes first"</caption>
                <thead><tr><th>"Shipment"</th><th class="num">"Lasted"</th><th>"What happened"</th></tr></thead><tbody>{rows}</tbody></table>
        }
    });
    let file = (sum.fired > 0).then(|| {
        let all = format!("All {} as CSV", grouped(sum.fired));
        view! { <span>{format!("{} of {}", trial.rows.len(), grouped(sum.fired))}</span><a href=format!("/rules/{id}/dry-run.csv") rel="external" download="dry-run.csv" data-testid="trial-csv">{all}</a> }
    });
    view! {
        {running}
        <div class="in trifig" data-testid="trial-figures">
            {figure(sum.fired, "would have acted".into(), "")}
            {figure(sum.healed, format!("auto-resolved within {grace}"), "muted")}
            {figure(sum.needed, "needed a person".into(), if sum.needed > 0 { "warn" } else { "" })}
        </div>
        {remark}{failed}
        <div class="in">{chart}{compared}</div>
        {table}
        <p class="pager">{file}<span class="push">{trial.cost.clone()}<br/>{format!("started {}", trial.started)}</span></p>
    }
}

fn progress(trial: &TrialView) -> impl IntoView + use<> {
    let text = format!("{} % done", trial.percent);
    view! {
        <div class="in stack stack--tight" role="status" data-testid="trial-running">
            <progress class="progress" max="100" value=trial.percent.to_string() aria-label="Dry run"></progress>
            <span class="small muted">{text}<a class="plain-only" href="">" Look again"</a></span>
        </div>
    }
}

/// What the version that runs would have done.
fn against(version: u32, active: TrialSumView, draft: TrialSumView) -> String {
    let name = if version == 0 { "the built-in version".to_owned() } else { format!("v{version}") };
    let more = match draft.fired.cmp(&active.fired) {
        std::cmp::Ordering::Less => format!(", {} more than this one", grouped(active.fired - draft.fired)),
        std::cmp::Ordering::Greater => format!(", {} fewer than this one", grouped(draft.fired - active.fired)),
        std::cmp::Ordering::Equal => ", as often as this one".to_owned(),
    };
    format!(
        "With {name} it would have acted {} times{more}: {} auto-resolved, {} needed a person.",
        grouped(active.fired),
        grouped(active.healed),
        grouped(active.needed)
    )
}

fn row(row: TrialRowView) -> impl IntoView {
    let (href, fresh) = (format!("/shipments/{}", row.shipment), row.fresh);
    let fresh = fresh.then(|| view! { <span class="small muted">" · not with the version that runs"</span> });
    let person = row.needed.then(|| view! { <span class="sr">" (needed a person)"</span> });
    let tone = if row.needed { "num nowrap c12 strong" } else { "num nowrap c12" };
    view! {
        <tr data-testid="trial-row">
            <td class="two nowrap c11"><a class="id" href=href>{row.number}</a><small>{row.of}</small></td>
            <td class=tone>{row.lasted}</td><td class="c2">{row.what}{person}{fresh}</td>
        </tr>
    }
}

/// How long it lasted, as bars: what is beyond the grace is hatched.
#[expect(clippy::cast_precision_loss, reason = "shipments of a dry run are far below 2^52")]
fn chart(trial: &TrialView) -> impl IntoView + use<> {
    let most = trial.lasted.iter().map(|(_, n)| *n).max().unwrap_or(1).max(1) as f64;
    let within = trial.within;
    let split = within > 0 && within < trial.lasted.len();
    let place = |n: usize| LEFT + n as f64 * (BAR + GAP) + if split && n >= within { GRACE } else { 0.0 };
    let bars = trial
        .lasted
        .iter()
        .enumerate()
        .map(|(n, (label, count))| {
            let (x, height) = (place(n), if *count == 0 { 0.0 } else { (*count as f64 / most * HIGH).max(2.0) });
            let (top, middle) = (FLOOR - height, x + BAR / 2.0);
            let rect = |fill: Option<&'static str>, class: &'static str| {
                view! { <rect class=class fill=fill x=format!("{x:.1}") y=format!("{top:.1}") width=BAR.to_string() height=format!("{height:.1}")></rect> }
            };
            let hatched = (split && n >= within).then(|| rect(Some("url(#trial-hatch)"), ""));
            let class = if split && n >= within { "bwarn" } else { "b2" };
            view! {
                {rect(None, class)}{hatched}
                <text class="v" x=format!("{middle:.1}") y=format!("{:.1}", top - 6.0) text-anchor="middle">{grouped(*count)}</text>
                <text x=format!("{middle:.1}") y=(FLOOR + 17.0).to_string() text-anchor="middle">{label.clone()}</text>
            }
        })
        .collect_view();
    let line = split.then(|| {
        let x = place(within) - GAP / 2.0 - GRACE / 2.0;
        view! {
            <path class="target" d=format!("M{x:.1} 16V{FLOOR}")></path>
            <text class="v" x=format!("{:.1}", x + 8.0) y="24">{format!("grace {}", trial.grace)}</text>
        }
    });
    let said: Vec<String> = trial.lasted.iter().map(|(label, n)| format!("{label}: {n}")).collect();
    let title = format!("How long it lasted, in hours: {}.", said.join(", "));
    view! {
        <svg class="chart" viewBox="0 0 530 166" role="img" aria-label=title>
            <defs><pattern id="trial-hatch" width="5" height="5" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><path class="hatch" d="M0 0v5"></path></pattern></defs>
            <path class="axis" d=format!("M0 {FLOOR}H530")></path>{bars}{line}
        </svg>
        <p class="small muted">"How long what it acted on lasted, in hours"</p>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_versions_are_compared_in_words() {
        let sum = |fired| TrialSumView { fired, healed: 3, needed: 1, failed: 0 };
        assert_eq!(
            against(0, sum(4), sum(2)),
            "With the built-in version it would have acted 4 times, 2 more than this one: 3 auto-resolved, 1 needed a person."
        );
        assert!(against(4, sum(2), sum(4)).starts_with("With v4 it would have acted 2 times, 2 fewer than this one"));
        assert!(against(4, sum(2), sum(2)).contains("as often as this one"));
    }
}
