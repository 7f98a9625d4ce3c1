//! The parts above the list: how far the systems agree, the run that goes on, differences by cause.

use super::chart::chart;
use crate::{
    api::StopReconciliation,
    components::{Icon, Time, parts::grouped},
    contract::reconciliation::{ReconciliationView, RunRow, RunningView, ShareView},
};
use domain::reconcile::Cause;
use leptos::{form::ActionForm, prelude::*};

/// The target in hundredths of a percent, as `99.5` says it.
fn basis_points(percent: &str) -> u64 {
    let (whole, part) = percent.split_once('.').unwrap_or((percent, ""));
    let part = format!("{part:0<2}");
    whole.parse::<u64>().unwrap_or_default() * 100 + part[..2].parse::<u64>().unwrap_or_default()
}

/// How far the systems agree.
pub(super) fn hero(view: &ReconciliationView) -> impl IntoView + use<> {
    let Some(share) = view.share.clone() else {
        return view! {
            <section class="card"><div class="blank"><Icon name="equal"/><b>"Not compared yet"</b>
                <span>"The first run shows how far Odoo, Milepost and the service desk agree."</span></div></section>
        }
        .into_any();
    };
    let ShareView { percent, change, compared, agreeing, differ, oldest, missing, at } = share;
    let change = change.map(|(points, better)| {
        let (class, icon, word) = if better { ("delta ok", "up2", "up") } else { ("delta bad", "down2", "down") };
        view! { <p class="fig__d"><span class=class><Icon name=icon/><span class="sr">{word}" "</span>{format!("{points} pt")}</span>" since the day before"</p> }
    });
    let oldest = oldest.map(|age| format!(", oldest {age}"));
    let goal = match missing {
        Some(missing) => {
            view! { <p class="goal goal--miss" data-testid="goal"><Icon name="major"/>{missing}</p> }.into_any()
        }
        None => view! { <p class="goal" data-testid="goal"><Icon name="check"/>"Target met"</p> }.into_any(),
    };
    let target = basis_points(&view.target);
    let figure = (!view.days.is_empty()).then(|| chart(view.days.clone(), target));
    view! {
        <section class="card hero">
            <div class="hero__top">
                <div class="fig"><h2>"Systems in agreement"</h2><p class="fig__n" data-testid="share">{percent}<small>"%"</small></p>{change}</div>
                <dl class="facts hero__facts">
                    <dt>"Target"</dt><dd><b>{format!("{} %", view.target)}</b></dd>
                    <dt>"Compared"</dt><dd>{format!("{} {}", grouped(compared), if compared == 1 { "shipment" } else { "shipments" })}</dd>
                    <dt>"In agreement"</dt><dd>{grouped(agreeing)}</dd>
                    <dt>"Differ now"</dt><dd><a href="#diffs">{grouped(differ)}</a>{oldest}</dd>
                </dl>
            </div>
            {goal}{figure}
            <p class="kfoot"><span>{view.definition.clone()}</span><a href="/reconciliation/fields">"Field ownership"</a><span class="push">"run of "<Time when=at/></span></p>
        </section>
    }
    .into_any()
}

/// A line of an SVG that is so many percent long.
fn meter(part: u64, whole: u64) -> String {
    format!("{}%", part.saturating_mul(100).checked_div(whole).unwrap_or(0).min(100))
}

/// The run that goes on.
pub(super) fn running(run: RunningView, stop: ServerAction<StopReconciliation>) -> impl IntoView {
    let (now, total) = (run.compared.min(run.total.max(run.compared)), run.total.max(run.compared));
    let at = run.steps.iter().position(|(_, state, _)| state == "now").map_or(run.steps.len(), |at| at + 1);
    let step = format!("Step {at} of {}", run.steps.len());
    let steps = run
        .steps
        .into_iter()
        .map(|(words, state, figure)| {
            let (class, icon, tone, spoken) = match state.as_str() {
                "done" => ("", "check", "ok", "Done: "),
                "now" => ("", "clock", "", "Now: "),
                _ => ("skip-c", "clock", "", "Still to come: "),
            };
            view! { <li class=class><Icon name=icon class=tone/><span><span class="sr">{spoken}</span>{words}</span><small>{figure}</small></li> }
        })
        .collect_view();
    let dry = run.dry_run.then(|| view! { <span class="tag">"Dry run"</span> });
    view! {
        <section class="panel" data-testid="running">
            <header><h2>"Running"</h2>{dry}<span class="push">"since "<Time when=run.since/>" by "{run.by}</span></header>
            <div class="in stack stack--tight">
                <div class="row keep small"><span>{step}</span><span class="push"><b>{grouped(now)}</b>{format!(" of {}", grouped(total))}</span></div>
                <svg class="meter meter--w" role="progressbar" aria-valuemin="0" aria-valuemax=total.to_string() aria-valuenow=now.to_string() aria-label="Compared shipments"><line x1="0" y1="4" x2=meter(now, total) y2="4"></line></svg>
                <div class="row keep small muted"><span>{run.so_far}</span>
                    <span class="push"><ActionForm action=stop attr:class="inline-form"><input type="hidden" name="run" value=run.id/>
                        <button class="btn btn--s btn--stop" type="submit" data-testid="stop-run">"Stop"</button></ActionForm></span></div>
            </div>
            <ul class="checks">{steps}</ul>
        </section>
    }
}

/// What stands where no run goes on.
pub(super) fn idle(every: Option<&str>) -> impl IntoView + use<> {
    let often = every.map_or_else(
        || "Runs start by themselves once Odoo is connected.".to_owned(),
        |every| format!("A run starts {every}."),
    );
    view! {
        <section class="panel" data-testid="idle">
            <header><h2>"No run in progress"</h2><a class="push small" href="/reconciliation?view=runs">"Runs"</a></header>
            <p class="in small muted">{often}</p>
        </section>
    }
}

/// Open differences by cause, each leading to them.
pub(super) fn causes(causes: Vec<(Cause, u64)>, address: impl Fn(Cause) -> String) -> impl IntoView {
    let total: u64 = causes.iter().map(|(_, n)| n).sum();
    let most = causes.iter().map(|(_, n)| *n).max().unwrap_or_default();
    let bars = causes
        .into_iter()
        .map(|(cause, n)| {
            let label = format!("{}: {n}", cause.label());
            view! {
                <a href=address(cause)>{cause.label()}</a>
                <svg class="meter meter--w" role="img" aria-label=label><line x1="0" y1="4" x2=meter(n, most) y2="4"></line></svg>
                <b class="thin">{grouped(n)}</b>
            }
        })
        .collect_view();
    (total > 0).then(|| {
        view! { <section class="panel" data-testid="by-cause"><header><h2>"By cause"</h2><span class="push">{grouped(total)}</span></header><div class="in bars">{bars}</div></section> }
    })
}

/// The runs.
pub(super) fn runs(runs: Vec<RunRow>) -> impl IntoView {
    let rows = runs
        .into_iter()
        .map(|run| {
            let (opened, closed, fixes) = run.changes;
            let share = if run.percent.is_empty() { "–".to_owned() } else { format!("{} %", run.percent) };
            view! {
                <tr data-testid="run-row">
                    <th scope="row" class="two c11"><Time when=run.started/><small class="thin">"by "{run.by}</small></th>
                    <td class="c12"><span class="tag">{run.state}</span></td>
                    <td class="num c2"><span class="only-s small muted">"in agreement "</span>{share}</td>
                    <td class="num hide-s">{grouped(run.compared)}</td>
                    <td class="num hide-s">{grouped(run.differing)}</td>
                    <td class="small muted c3">{format!("{opened} opened, {closed} closed, {fixes} fixes")}</td>
                    <td class="num p2 hide-s">{run.took}</td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <table class="table table--list">
            <caption class="sr">"Runs"</caption>
            <thead><tr><th>"Started"</th><th>"Status"</th><th class="num">"In agreement"</th><th class="num">"Compared"</th><th class="num">"Differ"</th><th>"Differences"</th><th class="num p2">"Took"</th></tr></thead>
            <tbody>{rows}</tbody>
        </table>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_read_back() {
        for (text, wanted) in [("99.5", 9_950), ("99.55", 9_955), ("100", 10_000), ("", 0)] {
            assert_eq!(basis_points(text), wanted, "{text}");
        }
        assert_eq!([meter(1, 3), meter(3, 3), meter(0, 0)], ["33%", "100%", "0%"]);
    }
}
