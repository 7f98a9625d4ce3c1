//! Figures for executives. Each has its definition, its time and the way to the rows behind it.

use crate::{
    api,
    components::{Count, Frame, Icon, StateMark, Time, browser, live::followed, not_connected, parts::grouped},
    contract::{
        When,
        exceptions::{Due, QueueQuery, QueueTab, Recorded, Tickets},
        overview::{Bucket, CarrierRow, Day, OverviewView},
        shipments::{Freshness, Linked, ListQuery, ListTab},
        sync::{RetryingFor, SyncQuery, SyncTab},
    },
    pages::{operate, work},
};
use domain::{unknown::Cause, visible::visible};
use leptos::prelude::*;

/// The overview page.
#[component]
pub fn OverviewPage() -> impl IntoView {
    let overview = Resource::new(|| (), |()| api::get_overview());
    browser::live(|| "/live/shipments".to_owned(), move || overview.refetch());
    view! {
        <Frame title="Overview">
            <div class="page__head"><div><h1>"Overview"</h1><p>"Shipment performance"</p></div></div>
            {followed(overview, |view| move || view! { <Figures view=view.get()/> })}
        </Frame>
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of shipments are far below 2^52")]
fn percent(part: u64, whole: u64) -> String {
    if whole == 0 { "–".into() } else { format!("{:.1}", part as f64 * 100.0 / whole as f64) }
}

fn shipments(query: ListQuery) -> String {
    work::shipments::address(&query)
}

/// Of the open shipments.
fn open(fresh: Freshness) -> String {
    shipments(ListQuery { fresh, ..ListQuery::default() })
}

/// Of the shipments that are linked to an order.
fn linked(tab: ListTab) -> ListQuery {
    ListQuery { tab, linked: Linked::Order, ..ListQuery::default() }
}

fn exceptions(query: &QueueQuery) -> String {
    work::exceptions::address(query)
}

fn jobs(view: SyncTab, longer: RetryingFor) -> String {
    operate::sync::address(&SyncQuery { view, longer, ..SyncQuery::default() })
}

#[component]
fn Figures(view: OverviewView) -> impl IntoView {
    let as_of = || view.as_of.clone();

    let states = view.states.iter().map(|(state, n)| {
        let href = shipments(ListQuery { state: Some(*state), ..linked(ListTab::All) });
        view! { <tr><th scope="row"><StateMark state=*state/></th><td class="num"><Count n=*n href=href/></td></tr> }
    }).collect_view();
    let carriers = view.carriers.iter().cloned().map(carrier).collect_view();
    let unmapped = (view.unmapped > 0).then(|| unmapped_codes(view.unmapped));
    let outdated = view.open.saturating_sub(view.current);
    let of_all = || QueueQuery { view: QueueTab::All, ..QueueQuery::default() };
    let of_7_days = QueueQuery { recorded: Recorded::Week, ..of_all() };
    let overdue = QueueQuery { due: Due::Over, ..QueueQuery::default() };
    let snoozed = QueueQuery { view: QueueTab::Snoozed, ..QueueQuery::default() };
    let ticket = move |ticket: Tickets| exceptions(&QueueQuery { ticket, ..of_all() });
    // who may not see the jobs is not led to them
    let job = move |n: u64, label: &'static str, href: String| {
        if view.operates {
            view! { <Count n label href/> }.into_any()
        } else {
            view! { <span>{grouped(n)}" "{label}</span> }.into_any()
        }
    };
    // figures of nothing say nothing
    let nothing =
        not_connected().filter(|_| view.states.is_empty()).map(|why| view! { <div class="table-box">{why}</div> });
    view! {
        {nothing}
        {unmapped}
        <div class="cols cols--4 cols--fill figs">
            <Figure title="Tracking up to date" definition="Share of open shipments whose last event is at most 48 hours old" as_of=as_of()>
                <p class="fig__n">{percent(view.current, view.open)}<small>"%"</small></p>
                <p class="fig__d"><Count n=view.current label="up to date" href=open(Freshness::Current)/>" of "<Count n=view.open label="open" href=open(Freshness::Any)/></p>
                <p class="fig__d"><Count n=outdated label="without a recent event" href=open(Freshness::Outdated)/></p>
                <p class="fig__d"><Count n=view.received label="updated by the feed" href=open(Freshness::Received)/></p>
            </Figure>
            <Figure title="Open exceptions" definition="Unresolved and not snoozed" as_of=as_of()>
                <p class="fig__n"><Count n=view.exceptions href=exceptions(&QueueQuery::default())/></p>
                <p class="fig__d"><Count n=view.overdue label="overdue" href=exceptions(&overdue)/>"· "<Count n=view.snoozed label="snoozed" href=exceptions(&snoozed)/></p>
                <p class="fig__d"><Count n=view.exceptions_7d label="new in 7 days" href=exceptions(&of_7_days)/></p>
            </Figure>
            <Figure title="Failed updates" definition="Given up after all attempts; retrying: for more than 1 hour" as_of=as_of()>
                <p class="fig__n">{job(view.failed, "", jobs(SyncTab::Failed, RetryingFor::Any))}</p>
                <p class="fig__d">{job(view.retrying, "retrying", jobs(SyncTab::Retrying, RetryingFor::Hour))}</p>
                <p class="fig__d">{if view.failed + view.retrying == 0 { "All updates delivered" } else { "Needs attention" }}</p>
            </Figure>
            <Figure title="Tickets opened automatically" definition="Opened for exceptions in the last 7 days" as_of=as_of()>
                <p class="fig__n"><Count n=view.cases href=ticket(Tickets::Opened)/></p>
                <p class="fig__d"><Count n=view.self_healed label="auto-resolved" href=ticket(Tickets::Resolved)/></p>
            </Figure>
        </div>
        <div class="cols cols--2 cols--fill">
            <section class="card">
                <div class="card__head"><h2>"Exception ageing"</h2><span class="push legend"><span><i class="key key--within"></i>"within SLA"</span><span><i class="key key--over"></i>"overdue"</span></span></div>
                <Ageing buckets=view.ageing/>
                <p class="defn"><span>"Time since opened; open exceptions that are not snoozed"</span></p>
            </section>
            <section class="card" data-testid="unknown-card">
                <div class="card__head"><h2>"Why don’t we know?"</h2></div>
                {unknown(&view.unknown)}
                <p class="defn"><span>"Shipments without a current status, each with one cause"</span></p>
            </section>
            <section class="card">
                <div class="card__head"><h2>"Deliveries"</h2><span class="push small muted">"last 14 days"</span></div>
                <Bars days=view.days.clone()/>
                <p class="defn"><span>"Delivered shipments of orders, by event time"</span></p>
            </section>
        </div>
        <div class="cols cols--side">
            <section class="table-box">
                <table class="table">
                    <caption class="sr">"Shipments of orders by carrier"</caption>
                    <thead><tr><th>"Carrier"</th><th class="num">"Shipments"</th><th class="num">"Open"</th><th class="num">"Up to date"</th><th class="num">"Exceptions"</th><th class="num">"Delivered"</th></tr></thead>
                    <tbody>{carriers}</tbody>
                </table>
            </section>
            <section class="table-box">
                <table class="table"><caption class="sr">"Shipments of orders by status"</caption><thead><tr><th>"Status"</th><th class="num">"Shipments"</th></tr></thead><tbody>{states}</tbody></table>
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
            <div><b>{said}</b>": events with unmapped codes are stored but do not change the status until mapped. "<a href=operate::mappings::UNMAPPED>"Map codes"</a></div>
        </div>
    }
}

fn carrier(row: CarrierRow) -> impl IntoView {
    let of = |query| shipments(ListQuery { carrier: row.carrier.clone(), ..query });
    let going = |fresh: Freshness| of(ListQuery { fresh, ..ListQuery::default() });
    view! {
        <tr>
            <th scope="row">{visible(&row.carrier).into_owned()}</th>
            <td class="num"><Count n=row.shipments href=of(linked(ListTab::All))/></td>
            <td class="num"><Count n=row.open href=going(Freshness::Any)/></td>
            <td class="num"><Count n=row.current href=going(Freshness::Current)/><small class="muted">{format!(" {} %", percent(row.current, row.open))}</small></td>
            <td class="num"><Count n=row.exceptions href=of(linked(ListTab::Exceptions))/></td>
            <td class="num"><Count n=row.delivered href=of(linked(ListTab::Delivered))/></td>
        </tr>
    }
}

/// The causes, each with the shipments behind it.
fn unknown(causes: &[(Cause, u64)]) -> AnyView {
    if causes.is_empty() {
        return view! { <p class="in small muted">"The status of every shipment is current."</p> }.into_any();
    }
    let rows = causes.iter().map(|(cause, n)| {
        let href = shipments(ListQuery { tab: ListTab::All, unknown: Some(*cause), ..ListQuery::default() });
        view! {
            <tr>
                <th scope="row">{cause.label()}<small class="muted">{format!(" {}", cause.owner().label())}</small></th>
                <td class="num"><Count n=*n href=href/></td>
                <td class="small hide-s">{cause.action().label()}</td>
            </tr>
        }
    });
    view! { <table class="table"><caption class="sr">"Shipments without a current status, by cause"</caption><thead><tr><th>"Cause, owner"</th><th class="num">"Shipments"</th><th class="hide-s">"What to do"</th></tr></thead><tbody>{rows.collect_view()}</tbody></table> }.into_any()
}

#[component]
fn Figure(title: &'static str, definition: &'static str, as_of: When, children: Children) -> impl IntoView {
    view! {
        <section class="card">
            <div class="fig"><h2>{title}</h2>{children()}</div>
            <p class="defn"><span>{definition}</span><span class="nowrap">"as of "<Time when=as_of/></span></p>
        </section>
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
    let bars = buckets.into_iter().enumerate().map(|(i, b)| {
        let x = 34.0 + width * i as f64 + width * 0.13;
        let (w, middle) = (width * 0.74, 34.0 + width * (i as f64 + 0.5));
        let height = |n: u64| (BASE - TOP) * n as f64 / most;
        let (within, over) = (height(b.within), height(b.over));
        let total = b.within + b.over;
        let of = |due: Due| exceptions(&QueueQuery { age: b.age, due, ..QueueQuery::default() });
        let label = |n: u64, word: &str| format!("{}: {n} {word}", b.label);
        let hatched = (b.over > 0).then(|| view! { <g><rect fill="url(#hatch)" x=x y=BASE - within - over width=w height=over></rect></g> });
        let in_time = (b.within > 0).then(|| view! {
            <g><a href=of(Due::Within) aria-label=label(b.within, "within SLA") data-count=b.within.to_string()><rect class="b1" x=x y=BASE - within width=w height=within></rect></a></g>
        });
        let overdue = (b.over > 0).then(|| view! {
            <g><a href=of(Due::Over) aria-label=label(b.over, "overdue") data-count=b.over.to_string()><rect class="bbad" x=x y=BASE - within - over width=w height=over></rect>{hatched}</a></g>
        });
        let number = (total > 0).then(|| view! {
            <g><a href=of(Due::Any) aria-label=label(total, "open") data-count=total.to_string()><text class="v" x=middle y=BASE - within - over - 6.0 text-anchor="middle">{total}</text></a></g>
        });
        view! { <g>{in_time}{overdue}{number}<text x=middle y="167" text-anchor="middle">{b.label}</text></g> }
    }).collect_view();
    view! {
        <svg class="chart" viewBox="0 0 530 174" role="group" aria-label="Open exceptions by age">
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
    let count = days.len();
    let bars = days.into_iter().enumerate().map(|(i, d)| {
        let (x, middle) = (34.0 + width * i as f64 + width * 0.13, 34.0 + width * (i as f64 + 0.5));
        let height = (BASE - TOP) * d.delivered as f64 / most;
        // every third day is named, counted from the last
        let named = (count - 1 - i).is_multiple_of(3);
        let href = shipments(ListQuery { delivered: d.date.clone(), ..linked(ListTab::Delivered) });
        let label = format!("{}: {} delivered", d.label, d.delivered);
        let bar = (d.delivered > 0).then(|| view! {
            <g><a href=href aria-label=label data-count=d.delivered.to_string()>
                <rect class="b1" x=x y=BASE - height width=width * 0.74 height=height></rect>
                <text class="v" x=middle y=BASE - height - 6.0 text-anchor="middle">{d.delivered}</text>
            </a></g>
        });
        view! { <g>{bar}{named.then(|| view! { <text x=middle y="167" text-anchor="middle">{d.label}</text> })}</g> }
    }).collect_view();
    view! {
        <svg class="chart" viewBox="0 0 530 174" role="group" aria-label="Deliveries by day">
            <path class="axis" d="M34 150H520"></path>
            {bars}
        </svg>
    }
}
