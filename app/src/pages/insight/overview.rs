//! The overview: on time first, what needs a decision, what is due today, and the figures below; then what is so at this moment.

use crate::{
    api,
    components::{
        Count, Frame, Icon, StateMark, Time, browser,
        charts::{Chart, Hatch, LineChart, LineSeries, Part, Patterns, Stack, Strip, Stroke, Tone},
        figures::{
            Change, Definition, FigureHead, FigureTile, FilterBar, Fresh, Goal, Number, address, figure_address, query,
            rows, trend_chart,
        },
        live::followed,
        not_connected,
        parts::grouped,
    },
    contract::{
        exceptions::{Due, QueueQuery, QueueTab, Recorded, Tickets},
        figures::{Bucket, CarrierRow, Day, Decision, DueView, FigureView, Leads, LiveView, OverviewView},
        shipments::{Freshness, Linked, ListQuery, ListTab},
        sync::{RetryingFor, SyncQuery, SyncTab},
    },
    pages::{operate, work},
};
use domain::{unknown::Cause, visible::visible};
use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

const PATH: &str = "/overview";

/// The overview page.
#[component]
pub fn OverviewPage() -> impl IntoView {
    let params = use_query_map();
    let asked = Memo::new(move |_| query(&params.get()));
    let overview = Resource::new(move || asked.get(), api::get_overview);
    // not at each change of a shipment: with many of them that would be all the time
    browser::regularly(move || overview.refetch());
    view! {
        <Frame title="Overview">
            {followed(overview, |view| move || page(view.get()))}
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

fn page(view: OverviewView) -> AnyView {
    let choice = view.choice.clone();
    let live = view.live.clone();
    let report =
        [&view.on_time].into_iter().chain(&view.tiles).map(|figure| figure.id.as_str()).collect::<Vec<_>>().join(",");
    // figures of nothing say nothing
    let nothing =
        not_connected().filter(|_| live.states.is_empty()).map(|why| view! { <div class="table-box">{why}</div> });
    let unmapped = (live.unmapped > 0).then(|| unmapped_codes(live.unmapped));
    view! {
        <Patterns/>
        <FigureHead title="Overview" choice=choice.clone() path=PATH report=report/>
        <FilterBar choice=choice.clone() path=PATH/>
        {nothing}
        {unmapped}
        <div class="cols insight">
            {on_time(&view)}
            <div class="stack insight__side">{decisions(&view.decisions)}{due_today(&view.due)}</div>
        </div>
        <div class="cols cols--3 cols--fill kpis">{tiles(&view)}</div>
        {now(live)}
    }
    .into_any()
}

/// On time against promise, with and without the carrier that makes it worse.
fn on_time(view: &OverviewView) -> AnyView {
    let (figure, query) = (view.on_time.clone(), view.choice.query.clone());
    let count = |code: &str| figure.parts.iter().find(|part| part.code == code).map_or(0, |part| part.count);
    let link = |code: &str, words: &str| {
        let (n, href) = (count(code), rows(&figure.id, code, &query));
        view! { <Count n=n href=href label=words/> }
    };
    let without = view.without.clone().map(|without| {
        let href = rows(&figure.id, "against", &without.query);
        let carrier = without.carrier.clone();
        view! {
            <dt>{format!("Of {carrier}")}</dt><dd><Count n=without.late label="late" href=href/></dd>
            <dt>{format!("Without {carrier}")}</dt><dd><b>{format!("{} %", without.shown)}</b></dd>
        }
    });
    let alone = view.without.as_ref().filter(|without| without.makes_the_difference);
    let alone = alone.map(|without| format!("{} alone makes the difference to the target", without.carrier));
    let href = rows(&figure.id, "", &query);
    let mut pending = count("pending");
    if !view.choice.unfinished {
        pending = 0;
    }
    let pending = (pending > 0).then(|| {
        let href = rows(&figure.id, "pending", &query);
        view! { <dt>"Not due yet"</dt><dd><Count n=pending href=href/></dd> }
    });
    view! {
        <section class="card insight__hero">
            <div class="hero__top">
                <div><h2><a href=href data-testid="figure-link">{figure.title.clone()}</a></h2><Number figure=figure.clone() class="fig__n--xl"/><Change change=figure.change.clone()/></div>
                <dl class="facts hero__facts">
                    <dt>"In time"</dt><dd>{link("for", "")}</dd>
                    <dt>"Late"</dt><dd>{link("against", "")}</dd>
                    {pending}{without}
                </dl>
            </div>
            <Goal target=figure.target.clone()/>
            {alone.map(|words| view! { <p class="kpi__lead">{words}</p> })}
            {(!figure.beside.is_empty()).then(|| view! { <p class="kpi__lead">{figure.beside.clone()}</p> })}
            <Chart figure=chart(view).figure()/>
            <div class="kfoot"><Definition definition=figure.definition.clone()/><Fresh as_of=figure.as_of.clone()/></div>
        </section>
    }
    .into_any()
}

fn chart(view: &OverviewView) -> LineChart {
    let mut chart = trend_chart(&view.on_time, &view.annotations);
    if let Some(without) = &view.without {
        let name = format!("without {}", without.carrier);
        chart.series.push(LineSeries { name, values: without.values.clone(), stroke: Stroke::Dashed });
    }
    chart
}

/// What needs a decision, in sentences.
fn decisions(decisions: &[Decision]) -> AnyView {
    let one = |(place, decision): (usize, &Decision)| {
        let href = match &decision.page {
            Leads::Rows(query) => figure_address(query),
            Leads::Sla(query) => address("/sla", query),
            Leads::Page(href) => href.clone(),
        };
        let link = (!href.is_empty()).then(|| view! { " "<a href=href>{decision.label.clone()}</a> });
        view! { <li><span class="decide__n">{place + 1}</span><p><b>{decision.question.clone()}</b>" "{decision.because.clone()}{link}</p></li> }
            .into_any()
    };
    let list: Vec<AnyView> = decisions.iter().enumerate().map(one).collect();
    let shown = if list.is_empty() {
        view! { <p class="in small muted">"Nothing: the target is met or missed by no single carrier, nothing due today is at risk, no update failed."</p> }.into_any()
    } else {
        view! { <ol class="decide">{list}</ol> }.into_any()
    };
    let many = decisions.len();
    view! {
        <section class="panel" data-testid="decisions"><header><h2>"Needs a decision"</h2><span class="push">{(many > 0).then_some(many)}</span></header>{shown}</section>
    }
    .into_any()
}

/// What is promised for today.
fn due_today(due: &DueView) -> AnyView {
    let href = address("/sla", &due.query);
    let all = rows("on_time", "", &due.query);
    let shown = if due.due == 0 {
        view! { <p class="small muted">"Nothing is promised for today."</p> }.into_any()
    } else {
        due_bar(due)
    };
    view! {
        <section class="panel" data-testid="due-today">
            <header><h2>"Due today"</h2><span class="push">{format!("{} shipments", grouped(due.due))}</span></header>
            <div class="in stack stack--tight">
                {shown}
                <div class="kfoot"><a href=href>"Service levels"</a><a href=all>"Rows"</a><Fresh as_of=due.as_of.clone()/></div>
            </div>
        </section>
    }
    .into_any()
}

/// Delivered, on track, at risk, too late: a bar and its numbers.
pub(super) fn due_bar(due: &DueView) -> AnyView {
    let range = match (&due.expected, &due.least, &due.most) {
        (Some(expected), Some(least), Some(most)) => {
            view! { <b>{format!("{expected} %")}</b>" expected on time "<span class="muted">{format!("({least} to {most})")}</span> }.into_any()
        }
        (None, Some(least), Some(most)) if least == most => {
            view! { <b>{format!("{least} %")}</b>" on time, as far as is known" }.into_any()
        }
        (None, Some(least), Some(most)) => {
            view! { <b>{format!("{least} to {most} %")}</b>" on time, by what becomes of those at risk" }.into_any()
        }
        _ => ().into_any(),
    };
    let target = (!due.target.is_empty()).then(|| format!(", target {}", due.target));
    let parts = [
        ("Delivered", due.delivered, Tone::Light, None, ""),
        ("On track", due.on_track, Tone::Dark, None, ""),
        ("At risk", due.at_risk, Tone::Warn, Some(Hatch::Diagonal), "warn"),
        ("Too late", due.breached, Tone::Bad, Some(Hatch::Cross), "bad"),
    ];
    let stack = Stack {
        name: "Due today".into(),
        parts: parts
            .iter()
            .map(|(words, count, tone, hatch, _)| Part {
                words: (*words).into(),
                count: *count,
                tone: *tone,
                hatch: *hatch,
            })
            .collect(),
    };
    let query = &due.query;
    let codes = ["for", "pending", "", "against"];
    let numbers: Vec<AnyView> = parts
        .into_iter()
        .zip(codes)
        .map(|((words, n, tone, hatch, class), code)| {
            // what is at risk is no part of the figure: the page of service levels lists it
            let shown = match code {
                "for" | "against" => view! { <Count n=n href=rows("on_time", code, query)/> }.into_any(),
                _ => view! { <span>{grouped(n)}</span> }.into_any(),
            };
            let class = if n > 0 { class } else { "" };
            view! { <div><dt>{swatch(tone, hatch)}{words}</dt><dd class=class>{shown}</dd></div> }.into_any()
        })
        .collect();
    let seen = due.looked_at.map(|n| format!("The {} with the shortest time left were looked at.", grouped(n)));
    view! {
        <p class="fc">{range}{target}</p>
        <Strip stack=stack/>
        <dl class="four">{numbers}</dl>
        {seen.map(|seen| view! { <p class="small muted">{seen}</p> })}
        <details class="def"><summary>"What is counted"</summary><div class="def__pop"><p>"Shipments whose promise ends today. At risk: open, with a serious exception or a carrier’s estimate after the promise. Too late: delivered after it, ended without a delivery, or open past it."</p></div></details>
    }
    .into_any()
}

fn swatch(tone: Tone, hatch: Option<Hatch>) -> AnyView {
    let over = hatch.map(|hatch| {
        let fill = format!("url(#{})", hatch.id());
        view! { <rect class="over" fill=fill x="0.5" y="0.5" width="11" height="11"></rect> }
    });
    view! { <svg class="sw" viewBox="0 0 12 12" aria-hidden="true"><rect class=tone.class() x="0.5" y="0.5" width="11" height="11"></rect>{over}</svg> }
        .into_any()
}

/// The figures below; those that have a live list show that too.
fn tiles(view: &OverviewView) -> Vec<AnyView> {
    let tile = |figure: &FigureView| {
        let (live, query) = (&view.live, view.choice.query.clone());
        let beside = match figure.id.as_str() {
            "status_current" => Some(current(live)),
            "exceptions_open" => Some(open_exceptions(live)),
            "sync_failed" => Some(failed(live)),
            "cases_opened" => Some(tickets(live)),
            _ => None,
        };
        match beside {
            Some(beside) => view! { <FigureTile figure=figure.clone() query>{beside}</FigureTile> }.into_any(),
            None => view! { <FigureTile figure=figure.clone() query/> }.into_any(),
        }
    };
    view.tiles.iter().map(tile).collect()
}

fn current(live: &LiveView) -> AnyView {
    let outdated = live.open.saturating_sub(live.current);
    view! {
        <p class="kpi__now"><span>"Now: "</span><Count n=live.current label="up to date" href=open(Freshness::Current)/>" of "<Count n=live.open label="open" href=open(Freshness::Any)/></p>
        <p class="kpi__now"><Count n=outdated label="without a recent event" href=open(Freshness::Outdated)/>" · "<Count n=live.received label="updated by the feed" href=open(Freshness::Received)/></p>
    }
    .into_any()
}

fn open_exceptions(live: &LiveView) -> AnyView {
    let of_all = QueueQuery { view: QueueTab::All, ..QueueQuery::default() };
    let of_7_days = QueueQuery { recorded: Recorded::Week, ..of_all };
    let overdue = QueueQuery { due: Due::Over, ..QueueQuery::default() };
    let snoozed = QueueQuery { view: QueueTab::Snoozed, ..QueueQuery::default() };
    view! {
        <p class="kpi__now"><span>"Now: "</span><Count n=live.exceptions label="open" href=exceptions(&QueueQuery::default())/>" · "<Count n=live.overdue label="overdue" href=exceptions(&overdue)/>" · "<Count n=live.snoozed label="snoozed" href=exceptions(&snoozed)/></p>
        <p class="kpi__now"><Count n=live.exceptions_7d label="new in 7 days" href=exceptions(&of_7_days)/></p>
    }
    .into_any()
}

/// Who may not see the jobs is not led to them.
fn failed(live: &LiveView) -> AnyView {
    let operates = live.operates;
    let job = move |n: u64, label: &'static str, href: String| {
        if operates {
            view! { <Count n label href/> }.into_any()
        } else {
            view! { <span>{grouped(n)}" "{label}</span> }.into_any()
        }
    };
    view! {
        <p class="kpi__now"><span>"Now: "</span>{job(live.failed, "failed for good", jobs(SyncTab::Failed, RetryingFor::Any))}" · "{job(live.retrying, "retrying for more than 1 h", jobs(SyncTab::Retrying, RetryingFor::Hour))}</p>
        <p class="kpi__now">{if live.failed + live.retrying == 0 { "All updates delivered" } else { "Needs attention" }}</p>
    }
    .into_any()
}

fn tickets(live: &LiveView) -> AnyView {
    let of = |ticket: Tickets| exceptions(&QueueQuery { view: QueueTab::All, ticket, ..QueueQuery::default() });
    view! {
        <p class="kpi__now"><span>"Last 7 days: "</span><Count n=live.cases label="opened" href=of(Tickets::Opened)/>" · "<Count n=live.self_healed label="auto-resolved" href=of(Tickets::Resolved)/></p>
    }
    .into_any()
}

/// What is so at this moment, of all shipments.
fn now(view: LiveView) -> AnyView {
    let states = view.states.iter().map(|(state, n)| {
        let href = shipments(ListQuery { state: Some(*state), ..linked(ListTab::All) });
        view! { <tr><th scope="row"><StateMark state=*state/></th><td class="num"><Count n=*n href=href/></td></tr> }
    }).collect_view();
    let carriers = view.carriers.iter().cloned().map(carrier).collect_view();
    view! {
        <div class="row now"><h2>"Now, all shipments"</h2><span class="push small muted">"as of "<Time when=view.as_of.clone()/></span></div>
        <div class="cols cols--2 cols--fill">
            <section class="card">
                <div class="card__head"><h2>"Exception ageing"</h2><span class="push legend"><span><i class="key key--within"></i>"within SLA"</span><span><i class="key key--over"></i>"overdue"</span></span></div>
                <Ageing buckets=view.ageing.clone()/>
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
            <section class="table-box">
                <table class="table"><caption class="sr">"Shipments of orders by status"</caption><thead><tr><th>"Status"</th><th class="num">"Shipments"</th></tr></thead><tbody>{states}</tbody></table>
            </section>
        </div>
        <section class="table-box">
            <table class="table">
                <caption class="sr">"Shipments of orders by carrier"</caption>
                <thead><tr><th>"Carrier"</th><th class="num">"Shipments"</th><th class="num">"Open"</th><th class="num">"Up to date"</th><th class="num">"Exceptions"</th><th class="num">"Delivered"</th></tr></thead>
                <tbody>{carriers}</tbody>
            </table>
        </section>
    }
    .into_any()
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
