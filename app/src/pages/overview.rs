//! Figures for executives. Each has its definition, its time and the way to the rows behind it.

use crate::{
    api,
    components::{Failed, Frame, Icon, Loading, StateMark, Time, browser, parts::grouped},
    contract::{
        When,
        overview::{Bucket, CarrierRow, Day, OverviewView},
    },
};
use leptos::prelude::*;

/// The overview page.
#[component]
pub fn OverviewPage() -> impl IntoView {
    let overview = Resource::new(|| (), |()| api::get_overview());
    browser::live(|| "/live/shipments".to_owned(), move || overview.refetch());
    view! {
        <Frame title="Overview">
            <div class="page__head"><div><h1>"Overview"</h1><p>"Where the company’s shipments stand now"</p></div></div>
            <Transition fallback=Loading>
                {move || Suspend::new(async move {
                    match overview.await {
                        Ok(view) => view! { <Figures view/> }.into_any(),
                        Err(error) => view! { <Failed error/> }.into_any(),
                    }
                })}
            </Transition>
        </Frame>
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of shipments are far below 2^52")]
fn percent(part: u64, whole: u64) -> String {
    if whole == 0 { "–".into() } else { format!("{:.1}", part as f64 * 100.0 / whole as f64) }
}

#[component]
fn Figures(view: OverviewView) -> impl IntoView {
    let as_of = || view.as_of.clone();
    let series = |of: fn(&Day) -> u64| view.days.iter().map(of).collect::<Vec<_>>();
    let states = view.states.iter().map(|(state, n)| {
        let href = format!("/shipments?tab=all&state={}", state.code());
        view! { <tr><th scope="row"><a href=href><StateMark state=*state/></a></th><td class="num">{grouped(*n)}</td></tr> }
    }).collect_view();
    let carriers = view.carriers.iter().cloned().map(carrier).collect_view();
    let unmapped = (view.unmapped > 0).then(|| unmapped_codes(view.unmapped));
    view! {
        {unmapped}
        <div class="cols cols--4 cols--fill figs">
            <Figure title="Shipments with current status" href="/shipments?tab=open" number=percent(view.current, view.non_terminal) unit="%"
                note=format!("{} of {} under way", grouped(view.current), grouped(view.non_terminal)) spark=series(|d| d.delivered) spark_label="Deliveries by day"
                definition="Under way and heard from within 48 hours" as_of=as_of()/>
            <Figure title="Open exceptions" href="/exceptions" number=grouped(view.open) unit=""
                note=format!("{} past due, {} opened in 7 days", view.over, view.exceptions_7d) spark=series(|d| d.exceptions) spark_label="Exceptions opened by day"
                definition="Not settled, snoozed ones included" as_of=as_of()/>
            <Figure title="Failed syncs" href="/sync" number=grouped(view.failed) unit=format!("of {}", grouped(view.jobs))
                note=if view.failed == 0 { "everything was told".to_owned() } else { "a person has to look".to_owned() } spark=Vec::new() spark_label=""
                definition="Dead, or retrying for more than 1 hour; 7 days" as_of=as_of()/>
            <Figure title="Cases from logistics events" href="/exceptions" number=grouped(view.cases) unit=format!("of {} exceptions", grouped(view.exceptions_7d))
                note=format!("{} settled by themselves", view.self_healed) spark=series(|d| d.cases) spark_label="Cases opened by day"
                definition="Opened by rule in 7 days" as_of=as_of()/>
        </div>
        <div class="cols cols--2 cols--fill">
            <section class="card">
                <div class="card__head"><h2>"Exception ageing"</h2><span class="push legend"><span><i class="key key--within"></i>"in time"</span><span><i class="key key--over"></i>"past due"</span></span></div>
                <Ageing buckets=view.ageing/>
                <p class="defn"><span>"Time since opened, open exceptions only"</span></p>
            </section>
            <section class="card">
                <div class="card__head"><h2>"Deliveries"</h2><span class="push small muted">"last 14 days"</span></div>
                <Bars days=view.days.clone()/>
                <p class="defn"><span>"Delivered by the event’s own time, by day (UTC)"</span></p>
            </section>
        </div>
        <div class="cols cols--side">
            <section class="table-box">
                <table class="table">
                    <caption class="sr">"Carriers"</caption>
                    <thead><tr><th>"Carrier"</th><th class="num">"Shipments"</th><th class="num">"Under way"</th><th class="num">"Current status"</th><th class="num">"Open exceptions"</th><th class="num">"Delivered"</th></tr></thead>
                    <tbody>{carriers}</tbody>
                </table>
            </section>
            <section class="table-box">
                <table class="table"><caption class="sr">"Shipments by state"</caption><thead><tr><th>"State"</th><th class="num">"Shipments"</th></tr></thead><tbody>{states}</tbody></table>
            </section>
        </div>
    }
}

/// What of the figures cannot be trusted until an admin acts.
fn unmapped_codes(count: u64) -> impl IntoView {
    let said =
        if count == 1 { "1 code is not mapped".to_owned() } else { format!("{} codes are not mapped", grouped(count)) };
    view! {
        <div class="note note--warn" data-testid="unmapped-alert">
            <Icon name="minor"/>
            <div><b>{said}</b>": what is said in unmapped codes is kept, but not understood until somebody says what it means. "<a href=super::mappings::UNMAPPED>"Map codes"</a></div>
        </div>
    }
}

fn carrier(row: CarrierRow) -> impl IntoView {
    view! {
        <tr>
            <th scope="row">{row.carrier}</th>
            <td class="num">{grouped(row.shipments)}</td><td class="num">{grouped(row.non_terminal)}</td>
            <td class="num">{percent(row.current, row.non_terminal)}" %"</td>
            <td class="num">{grouped(row.exceptions)}</td><td class="num">{grouped(row.delivered)}</td>
        </tr>
    }
}

#[component]
fn Figure(
    title: &'static str,
    href: &'static str,
    number: String,
    #[prop(into)] unit: String,
    note: String,
    spark: Vec<u64>,
    spark_label: &'static str,
    definition: &'static str,
    as_of: When,
) -> impl IntoView {
    view! {
        <a class="card" href=href>
            <div class="fig fig--with">
                <h2>{title}</h2>
                <div><p class="fig__n">{number}<small>{unit}</small></p><p class="fig__d">{note}</p></div>
                {(!spark.is_empty()).then(|| view! { <Spark points=spark label=spark_label/> })}
            </div>
            <p class="defn"><span>{definition}</span><span class="nowrap">"as of "<Time when=as_of/></span></p>
        </a>
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of a day are far below 2^52")]
#[component]
fn Spark(points: Vec<u64>, label: &'static str) -> impl IntoView {
    let top = points.iter().copied().max().unwrap_or(1).max(1) as f64;
    let step = 78.0 / points.len().saturating_sub(1).max(1) as f64;
    let at: Vec<(f64, f64)> =
        points.iter().enumerate().map(|(i, p)| (2.0 + step * i as f64, 22.0 - 18.0 * *p as f64 / top)).collect();
    let path = at.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect::<Vec<_>>().join(" ");
    let (x, y) = at.last().copied().unwrap_or((80.0, 22.0));
    view! {
        <svg class="spark" viewBox="0 0 84 26" role="img" aria-label=label>
            <path d=format!("M{path}")></path>
            <circle cx=format!("{x:.1}") cy=format!("{y:.1}") r="2.5"></circle>
        </svg>
    }
}

const CHART_W: f64 = 530.0;
const BASE: f64 = 150.0;
const TOP: f64 = 22.0;

#[expect(clippy::cast_precision_loss, reason = "counts of exceptions are far below 2^52")]
#[component]
fn Ageing(buckets: Vec<Bucket>) -> impl IntoView {
    let most = buckets.iter().map(|b| b.within + b.over).max().unwrap_or(1).max(1) as f64;
    let width = (CHART_W - 44.0) / buckets.len().max(1) as f64;
    let said = buckets
        .iter()
        .map(|b| format!("{}: {}, {} past due", b.label, b.within + b.over, b.over))
        .collect::<Vec<_>>()
        .join("; ");
    let bars = buckets.into_iter().enumerate().map(|(i, b)| {
        let x = 34.0 + width * i as f64 + width * 0.13;
        let (w, middle) = (width * 0.74, 34.0 + width * (i as f64 + 0.5));
        let height = |n: u64| (BASE - TOP) * n as f64 / most;
        let (within, over) = (height(b.within), height(b.over));
        let total = b.within + b.over;
        view! {
            <rect class="b1" x=x y=BASE - within width=w height=within></rect>
            <rect class="bbad" x=x y=BASE - within - over width=w height=over></rect>
            {(b.over > 0).then(|| view! { <rect fill="url(#hatch)" x=x y=BASE - within - over width=w height=over></rect> })}
            {(total > 0).then(|| view! { <text class="v" x=middle y=BASE - within - over - 6.0 text-anchor="middle">{total}</text> })}
            <text x=middle y="167" text-anchor="middle">{b.label}</text>
        }
    }).collect_view();
    view! {
        <svg class="chart" viewBox="0 0 530 174" role="img" aria-label=format!("Open exceptions by age. {said}")>
            <defs><pattern id="hatch" width="5" height="5" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><path d="M0 0v5" stroke="var(--surface)" stroke-width="1.6" opacity=".55"></path></pattern></defs>
            <path class="axis" d="M34 150H520"></path>
            {bars}
        </svg>
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of a day are far below 2^52")]
#[component]
fn Bars(days: Vec<Day>) -> impl IntoView {
    let most = days.iter().map(|d| d.delivered).max().unwrap_or(1).max(1) as f64;
    let width = (CHART_W - 44.0) / days.len().max(1) as f64;
    let said = days.iter().map(|d| format!("{}: {}", d.label, d.delivered)).collect::<Vec<_>>().join("; ");
    let count = days.len();
    let bars = days.into_iter().enumerate().map(|(i, d)| {
        let (x, middle) = (34.0 + width * i as f64 + width * 0.13, 34.0 + width * (i as f64 + 0.5));
        let height = (BASE - TOP) * d.delivered as f64 / most;
        // every third day is named, counted from the last
        let named = (count - 1 - i).is_multiple_of(3);
        view! {
            <rect class="b1" x=x y=BASE - height width=width * 0.74 height=height></rect>
            {(d.delivered > 0).then(|| view! { <text class="v" x=middle y=BASE - height - 6.0 text-anchor="middle">{d.delivered}</text> })}
            {named.then(|| view! { <text x=middle y="167" text-anchor="middle">{d.label}</text> })}
        }
    }).collect_view();
    view! {
        <svg class="chart" viewBox="0 0 530 174" role="img" aria-label=format!("Deliveries by day. {said}")>
            <path class="axis" d="M34 150H520"></path>
            {bars}
        </svg>
    }
}
