//! What the pages of connections share: health, volume, and what a test found.

use crate::{
    api::TestConnection,
    components::{Icon, Time, parts::grouped},
    contract::connections::{CheckResult, CheckView, ConnectionRow, Health, ReportView},
};
use leptos::{form::ActionForm, prelude::*};

/// The page of a connection.
pub fn page(name: &str) -> String {
    format!("/connections/{name}")
}

/// Height and width of the small chart; one bar an hour.
const VOLUME_HEIGHT: f64 = 24.0;
const BAR: usize = 5;
/// The least height of a bar, so that one message is seen.
const BAR_LEAST: f64 = 1.5;
/// What failed is seen beside thousands that did not.
const FAILED_LEAST: f64 = 3.0;

#[expect(clippy::cast_precision_loss, reason = "messages of an hour are far below 2^52")]
fn height(n: u64, most: u64, room: f64, least: f64) -> f64 {
    if n == 0 || most == 0 { 0.0 } else { (n as f64 / most as f64 * room).max(least) }
}

/// The last 24 hours in small: what failed is on top.
#[component]
pub fn Volume(
    /// The connection.
    row: ConnectionRow,
) -> impl IntoView {
    let most = row.hours.iter().map(|hour| hour.ok + hour.failed).max().unwrap_or_default();
    let floor = VOLUME_HEIGHT - 1.0;
    let bars = row
        .hours
        .iter()
        .enumerate()
        .map(|(i, hour)| {
            let x = (i * BAR).to_string();
            let ok = height(hour.ok, most, floor - FAILED_LEAST, BAR_LEAST);
            let failed = height(hour.failed, most, floor - FAILED_LEAST, FAILED_LEAST);
            let bar = |class: &'static str, bottom: f64, height: f64| {
                (height > 0.0).then(|| {
                    let (y, height) = (format!("{:.1}", bottom - height), format!("{height:.1}"));
                    view! { <rect class=class x=x.clone() y=y width="4" height=height></rect> }
                })
            };
            view! { {bar("ok", floor, ok)}{bar("no", floor - ok, failed)} }
        })
        .collect_view();
    let words = second_line(&row);
    let label = format!("{}: {} in 24 hours, {words}", row.label, grouped(row.ok + row.failed));
    view! {
        <span class="volcell">
            <svg class="vol" viewBox="0 0 119 24" role="img" aria-label=label><path class="axis" d="M0 23.5H119"></path>{bars}</svg>
            <span>{grouped(row.ok + row.failed)}<small>{words}</small></span>
        </span>
    }
}

fn second_line(row: &ConnectionRow) -> String {
    if row.waiting > 0 && !matches!(row.health, Health::Healthy | Health::Failing | Health::Expiring) {
        format!("{} waiting", grouped(row.waiting))
    } else {
        row.errors()
    }
}

/// Tests a connection.
#[component]
pub fn TestButton(
    /// Its name.
    name: String,
    /// What it says.
    label: &'static str,
    /// What does it.
    test: ServerAction<TestConnection>,
    /// Further classes.
    #[prop(default = "btn btn--s")]
    class: &'static str,
) -> impl IntoView {
    let this = name.clone();
    let running =
        move || test.pending().get() && test.input().with(|input| input.as_ref().is_some_and(|i| i.name == this));
    let word = move || if running() { "Testing …" } else { label };
    view! {
        <ActionForm action=test attr:class="inline-form">
            <input type="hidden" name="name" value=name/>
            <button class=class type="submit" data-testid="test"><Icon name="test"/><span aria-live="polite">{word}</span></button>
        </ActionForm>
    }
}

/// What a test found.
#[component]
pub fn Report(
    /// It.
    report: ReportView,
) -> impl IntoView {
    let count = |result| report.count(result);
    let (passed, failed) = (count(CheckResult::Passed), count(CheckResult::Failed));
    let (warnings, not_run) = (count(CheckResult::Warning), count(CheckResult::NotRun));
    let one = |n: usize, class: &'static str, icon: &'static str, word: String| {
        (n > 0).then(|| view! { <span class=class><Icon name=icon/>{word}</span> })
    };
    let warning = if warnings == 1 { "1 warning".to_owned() } else { format!("{warnings} warnings") };
    let system = report.system.clone().map(|system| view! { <b>{system}</b>". " });
    view! {
        <div class="in stack stack--tight" data-testid="report">
            <div class="count">
                {one(passed, "", "check", format!("{passed} passed"))}
                {one(failed, "bad strong", "critical", format!("{failed} failed"))}
                {one(warnings, "warn", "major", warning)}
                {one(not_run, "muted", "clock", format!("{not_run} not run"))}
            </div>
            <p class="small muted">{system}"Tested "<Time when=report.at.clone()/>{(!report.took.is_empty()).then(|| format!(", took {}", report.took))}"; nothing was written."</p>
        </div>
        <ul class="checks">{report.checks.into_iter().map(check).collect_view()}</ul>
    }
}

/// Words with commands in them, which stand between backticks.
fn coded(text: &str) -> impl IntoView + use<> {
    let part = |(i, part): (usize, &str)| match i % 2 {
        0 => part.to_owned().into_any(),
        _ => view! { <code>{part.to_owned()}</code> }.into_any(),
    };
    text.split('`').enumerate().map(part).collect_view()
}

fn check(check: CheckView) -> impl IntoView {
    let CheckView { what, result, detail, todo, href, took } = check;
    let (class, icon, tone, word) = match result {
        CheckResult::Passed => ("", "check", "ok", "Passed: "),
        CheckResult::Failed => ("fail", "critical", "bad", "Failed: "),
        CheckResult::Warning => ("", "major", "warn", "Warning: "),
        CheckResult::NotRun => ("skip-c", "clock", "", "Not run: "),
    };
    let what = if result == CheckResult::Failed { view! { <b>{what}</b> }.into_any() } else { what.into_any() };
    let detail = (!detail.is_empty()).then(|| view! { <br/><span class="small muted wrap-any">{detail}</span> });
    let todo = (!todo.is_empty()).then(|| view! { <div class="checks__do wrap-any">{coded(&todo)}{href.clone().map(|href| view! { " "<a href=href>"Set up Odoo"</a> })}</div> });
    view! {
        <li class=class data-testid="check" data-result=word.trim_end_matches(": ").to_lowercase()>
            <Icon name=icon class=tone/>
            <span><span class="sr">{word}</span>{what}{detail}</span>
            <small>{took}</small>
            {todo}
        </li>
    }
}

/// The test of a connection, or the way to one.
#[component]
pub fn TestPanel(
    /// The connection's name.
    name: String,
    /// What its test found.
    report: Option<ReportView>,
    /// What tests.
    test: ServerAction<TestConnection>,
) -> impl IntoView {
    let label = if report.is_some() { "Test again" } else { "Test now" };
    let found = match report {
        Some(report) => view! { <Report report/> }.into_any(),
        None => view! {
            <div class="blank"><Icon name="test"/><b>"Not tested yet"</b><span>"The test reads only: address, secret, rights. It writes nothing."</span></div>
        }
        .into_any(),
    };
    view! {
        <section class="panel" id="test">
            <header><h2>"Test connection"</h2><span class="push"><TestButton name label test/></span></header>
            {found}
        </section>
    }
}
