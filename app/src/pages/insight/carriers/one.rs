//! The review of one carrier; on paper it is one page.

use super::parts::{
    all_definitions, bands, carrier_address, chart_card, distribution, foot, linked, of_carrier, small_change,
    split_address,
};
use crate::{
    api,
    components::{
        Frame, Icon, browser,
        charts::{
            Chart, ControlChart, Distribution, Hatch, HeatCell, HeatMap, Mark, Part, Patterns, RankedBar, RankedChart,
            Stack, Strip, Tone,
        },
        figures::{self, Change, FilterBar, Fresh},
        live::followed,
        parts::grouped,
    },
    contract::{
        carriers::{CarrierQuery, CarrierView, FindingView, LaneMap, LaneRow, Measure, PromisesView, SplitBy},
        figures::{ChoiceView, FigureTab, FiguresQuery},
    },
};
use leptos::prelude::*;
use leptos_router::{
    hooks::{use_params_map, use_query_map},
    params::ParamsMap,
};

const ON_TIME: &str = "On time against promise";
/// Reasons with a bar of their own.
const REASONS_MAX: usize = 8;
/// Percent points below the target at which the shades of lanes begin.
const SHADES: [f64; 4] = [0.0, 3.0, 7.0, 15.0];

fn question(path: &ParamsMap, params: &ParamsMap) -> CarrierQuery {
    CarrierQuery {
        code: path.get("id").unwrap_or_default(),
        by: SplitBy::of(&params.get("by").unwrap_or_default()),
        figures: figures::query(params),
    }
}

/// The page.
#[component]
pub fn CarrierPage() -> impl IntoView {
    let (path, params) = (use_params_map(), use_query_map());
    let query = Memo::new(move |_| question(&path.get(), &params.get()));
    let carrier = Resource::new(move || query.get(), api::get_carrier);
    browser::regularly(move || carrier.refetch());
    view! {
        <Frame title="Carrier review"><Patterns/>{followed(carrier, |view| move || page(&view.get()))}</Frame>
    }
}

fn page(view: &CarrierView) -> AnyView {
    let query = view.choice.query.clone();
    let here = carrier_address(&view.card.code, &FiguresQuery::default());
    let by = vec![("by", view.by.code().to_owned())];
    // the carrier stands in the path
    let in_path = |query: &FiguresQuery| FiguresQuery { carrier: String::new(), ..query.clone() };
    let narrowed = ChoiceView {
        carriers: Vec::new(),
        query: in_path(&query),
        earlier: in_path(&view.choice.earlier),
        later: view.choice.later.as_ref().map(in_path),
        ..view.choice.clone()
    };
    view! {
        <div class="sheet-page">
            {head(view, &query)}
            <p class="print-only small muted">{view.printed.clone()}</p>
            <FilterBar choice=narrowed path=here keep=by/>
            {figures_of(view)}
            <div class="sheet">
                {control(view)}
                {findings(&view.findings)}
                {lanes(view)}
                {reasons(view, &query)}
                {table(view, &query)}
                {transit(view)}
                {promises(&view.promises, &query, view)}
                {data(view, &query)}
            </div>
            {all_definitions(view.definitions.clone())}
        </div>
    }
    .into_any()
}

fn head(view: &CarrierView, query: &FiguresQuery) -> AnyView {
    let back = figures::address("/carriers", &FiguresQuery { carrier: String::new(), ..query.clone() });
    let ChoiceView { period, days, compared, unfinished, .. } = &view.choice;
    let so_far = if *unfinished { " so far" } else { "" };
    let rank = match view.card.rank {
        Some(rank) => format!("rank {rank} of {}", view.ranked),
        None => view.card.unranked.clone(),
    };
    let target = view.target.map(|target| format!(", target {target} %")).unwrap_or_default();
    let said = format!("Carrier review · {period}{so_far}, {days}, compared with {compared} · {rank}{target}");
    view! {
        <nav class="crumbs no-print" aria-label="Breadcrumb"><a href=back data-testid="all-carriers">"Carriers"</a><Icon name="right"/><span>{view.card.name.clone()}</span></nav>
        <div class="page__head">
            <div><h1>{view.card.name.clone()}</h1><p data-testid="period">{said}</p></div>
            <div class="row push no-print"><button class="btn btn--go after-hydration" type="button" on:click=|_| browser::print()><Icon name="print"/>"Print one page"</button></div>
        </div>
    }
    .into_any()
}

/// The numbers at the top.
fn figures_of(view: &CarrierView) -> AnyView {
    let query = of_carrier(&view.card.code, &view.choice.query);
    let labels = ["Shipments", "Carrier’s part", "Transit P50", "Transit P90", "First attempt", "Damaged", "Lost"];
    let measures = labels.iter().filter_map(|label| view.card.measures.iter().find(|one| one.label == *label));
    let shown: Vec<AnyView> =
        [&view.card.on_time].into_iter().chain(measures).map(|measure| figure(measure, &query)).collect();
    view! { <section class="card figrow" aria-label="Figures">{shown}</section> }.into_any()
}

fn figure(measure: &Measure, query: &FiguresQuery) -> AnyView {
    let class = if measure.missed { "fig__n fig__n--m bad" } else { "fig__n fig__n--m" };
    let few =
        (measure.few && measure.of > 0).then(|| view! { <small class="few">{format!("of {}", measure.of)}</small> });
    view! {
        <div class="fig"><h2 class="label">{measure.label.clone()}</h2><p class=class>{linked(measure, Some(query))}{few}</p><Change change=measure.change.clone()/></div>
    }
    .into_any()
}

fn control(view: &CarrierView) -> AnyView {
    let course = &view.card.course;
    let left_out = view.annotations.iter().flat_map(|one| one.from..=one.until).collect();
    let chart = ControlChart {
        name: format!("{}, on time by week", view.card.name),
        of: "Week".into(),
        points: course.labels.iter().cloned().zip(course.points.iter().copied()).collect(),
        base: view.base,
        left_out,
        target: view.target,
        bands: bands(&view.annotations),
    };
    chart_card(
        "On time by week".into(),
        format!("limits: 3 sigma, from the first {} weeks", view.base),
        view.course_lead.clone(),
        chart.figure(),
        foot(&view.definitions, ON_TIME, &view.as_of),
    )
}

fn findings(all: &[FindingView]) -> AnyView {
    let one = |(place, finding): (usize, &FindingView)| {
        let link = (!finding.kpi.is_empty()).then(|| {
            let href = figures::rows(&finding.kpi, &finding.tab, &finding.query);
            view! { " "<a class="no-print" href=href data-testid="finding-rows">"Show the shipments"</a> }
        });
        view! {
            <li data-testid="finding"><span class="decide__n">{place + 1}</span><p><b>{finding.title.clone()}</b>" "{finding.words.clone()}{link}</p></li>
        }
        .into_any()
    };
    let list = if all.is_empty() {
        view! { <p class="in small muted">"Nothing stands out: every target is met, or chance may explain what is missing."</p> }.into_any()
    } else {
        let rows: Vec<AnyView> = all.iter().enumerate().map(one).collect();
        view! { <ol class="decide">{rows}</ol> }.into_any()
    };
    view! { <section class="panel"><header><h2>"To settle in the review"</h2></header>{list}</section> }.into_any()
}

fn lanes(view: &CarrierView) -> AnyView {
    let LaneMap { rows, columns, cells, more, few_under } = view.lanes.clone();
    let target = view.target.unwrap_or(100.0);
    let bounds: Vec<f64> = SHADES.iter().map(|below| target - below).collect();
    let cell = |one: crate::contract::carriers::LaneCell| HeatCell {
        value: one.percent,
        words: if one.due < few_under { format!("n {}", one.due) } else { format!("{:.0}", one.percent) },
        mark: match (one.due < few_under, one.missed) {
            (true, _) => Mark::TooFew,
            (false, true) => Mark::Attention,
            (false, false) => Mark::None,
        },
    };
    let between = |pair: &[f64]| format!("{} to {}", pair[1], pair[0]);
    let mut keys = vec![format!("{} % and more", bounds[0])];
    keys.extend(bounds.windows(2).map(between));
    keys.push(format!("below {}", bounds[3]));
    let chart = HeatMap {
        name: format!("{}, on time by lane, per cent", view.card.name),
        side: "from".into(),
        head: "to country".into(),
        rows,
        columns,
        cells: cells.into_iter().map(|row| row.into_iter().map(|one| one.map(cell)).collect()).collect(),
        bounds,
        keys,
        few: format!("under {few_under} due"),
    };
    let more = if more > 0 { format!("{more} more in the table, by country") } else { String::new() };
    chart_card("Lanes: on time, %".into(), more, String::new(), chart.figure(), ().into_any())
}

/// Why its shipments had exceptions, the most frequent reasons first.
fn reasons(view: &CarrierView, query: &FiguresQuery) -> AnyView {
    #[expect(clippy::cast_precision_loss, reason = "counts of exceptions are far below 2^52")]
    let bar = |(place, (name, n)): (usize, &(String, u64))| RankedBar {
        name: name.clone(),
        value: *n as f64,
        tone: if place == 0 { Tone::Dark } else { Tone::Middle },
        hatch: None,
        href: None,
    };
    let mut bars: Vec<RankedBar> = view.reasons.rows.iter().take(REASONS_MAX).enumerate().map(bar).collect();
    let rest: u64 = view.reasons.rows.iter().skip(REASONS_MAX).map(|(_, n)| n).sum();
    if rest > 0 {
        bars.push(bar((1, &("Other".to_owned(), rest))));
    }
    let chart = RankedChart {
        name: format!("{}, exceptions by reason", view.card.name),
        of: "Reason".into(),
        unit: String::new(),
        bars,
    };
    let href = figures::rows("exception_rate", "for", query);
    let link = (!view.reasons.rows.is_empty()).then(|| view! { <a href=href>"Show the shipments"</a> });
    let foot = view! { <div class="kfoot">{link}<Fresh as_of=view.as_of.clone()/></div> }.into_any();
    chart_card("Exceptions by reason".into(), view.reasons.summary.clone(), String::new(), chart.figure(), foot)
}

/// How shipments stand to their promises: one bar, and its parts with their rows.
fn promises(promises: &PromisesView, query: &FiguresQuery, view: &CarrierView) -> AnyView {
    let fill = |part: &FigureTab| match part.code.as_str() {
        "for" => (Tone::Dark, None),
        "against" => (Tone::Bad, Some(Hatch::Diagonal)),
        "pending" => (Tone::Paper, None),
        _ => (Tone::Light, Some(Hatch::Rows)),
    };
    let part = |part: &FigureTab| {
        let (tone, hatch) = fill(part);
        Part { words: part.label.clone(), count: part.count, tone, hatch }
    };
    let stack = Stack { name: "Promises".into(), parts: promises.parts.iter().map(part).collect() };
    let row = |part: &FigureTab| {
        let href = figures::rows("on_time", &part.code, query);
        #[expect(clippy::cast_precision_loss, reason = "counts of shipments are far below 2^52")]
        let share = part.count as f64 * 100.0 / promises.all.max(1) as f64;
        view! {
            <tr><th scope="row">{part.label.clone()}</th><td class="num"><a class="count" href=href data-count=part.count.to_string()>{grouped(part.count)}</a></td><td class="num">{format!("{share:.1} %")}</td></tr>
        }
        .into_any()
    };
    let rows: Vec<AnyView> = promises.parts.iter().map(row).collect();
    let body = if rows.is_empty() {
        view! { <p class="small muted">"Nothing was promised for this period."</p> }.into_any()
    } else {
        view! {
            <Strip stack/>
            <table class="table table--sum"><caption class="sr">"Promised against actual"</caption><thead><tr><th>"Promise"</th><th class="num">"Shipments"</th><th class="num">"Share"</th></tr></thead><tbody>{rows}</tbody></table>
        }
        .into_any()
    };
    view! {
        <section class="card">
            <div class="card__head"><h2>"Promised against actual"</h2><span class="push">{format!("{} shipments", grouped(promises.all))}</span></div>
            {body}
            <div class="kfoot"><Fresh as_of=view.as_of.clone()/></div>
        </section>
    }
    .into_any()
}

fn table(view: &CarrierView, query: &FiguresQuery) -> AnyView {
    let tab = |by: &SplitBy| {
        let href = split_address(&view.card.code, query, *by);
        view! { <a href=href aria-current=(view.by == *by).then_some("page")>{by.label()}</a> }.into_any()
    };
    let tabs: Vec<AnyView> = SplitBy::ALL.iter().map(tab).collect();
    let rows: Vec<AnyView> = view.rows.iter().map(lane_row).collect();
    let empty = rows.is_empty().then(|| view! { <p class="in small muted">"Nothing was due in this period."</p> });
    view! {
        <section class="table-box sheet__wide">
            <div class="row no-print"><nav class="tabs" aria-label="Split by">{tabs}</nav></div>
            <table class="table table--list"><caption class="sr">"Those with the most late deliveries first"</caption>
                <thead><tr><th>{view.by.label()}</th><th class="num">"Due"</th><th class="num">"On time"</th><th class="num" aria-sort="descending">"Late ↓"</th><th class="num">"Share of late"</th><th class="num">"Transit P90"</th><th class="num p2">"First attempt"</th><th class="num">"Exceptions"</th><th class="p3">"Main reason"</th></tr></thead>
                <tbody>{rows}</tbody>
            </table>
            {empty}
            <p class="pager"><span>{view.rows_summary.clone()}</span><span class="push">{view.choice.period.clone()}</span></p>
        </section>
    }
    .into_any()
}

fn lane_row(row: &LaneRow) -> AnyView {
    let class = match (row.missed, row.few) {
        (true, _) => "late late--bad",
        (false, true) => "weak",
        _ => "",
    };
    let of = |kpi: &str, tab: &str, words: String, n: u64| match row.query.as_ref().filter(|_| n > 0) {
        Some(query) => view! { <a href=figures::rows(kpi, tab, query)>{words}</a> }.into_any(),
        None => words.into_any(),
    };
    view! {
        <tr data-testid="lane">
            <th scope="row" class="c11">{row.name.clone()}</th>
            <td class="num hide-s">{grouped(row.due)}</td>
            <td class="num c12"><span class=class>{row.on_time.clone()}</span></td>
            <td class="num c22">{of("on_time", "against", grouped(row.late), row.late)}<span class="only-s muted">" late"</span></td>
            <td class="num hide-s">{row.of_late.clone()}</td>
            <td class="num hide-s">{of("transit_time", "", row.p90.clone(), row.due)}</td>
            <td class="num hide-s p2">{row.first_attempt.clone()}</td>
            <td class="num c21">{of("exception_rate", "for", grouped(row.exceptions), row.exceptions)}<span class="only-s muted">" exceptions"</span></td>
            <td class="hide-s p3">{row.reason.clone()}</td>
        </tr>
    }
    .into_any()
}

fn transit(view: &CarrierView) -> AnyView {
    let transit = &view.card.transit;
    let before = (!transit.before.is_empty()).then(|| (view.choice.compared.clone(), transit.before.clone()));
    let chart = Distribution { second: before, ..distribution(&view.card.name, transit) };
    let title = "Transit time";
    view! {
        <section class="card">
            <div class="card__head"><h2>{title}</h2><span class="push">"by working days"</span></div>
            <Chart figure=chart.figure()/>
            {foot(&view.definitions, title, &view.as_of)}
        </section>
    }
    .into_any()
}

/// How good its data is.
fn data(view: &CarrierView, query: &FiguresQuery) -> AnyView {
    let row = |measure: &Measure| {
        let class = if measure.missed { "num bad" } else { "num" };
        let target = measure.target.as_ref().map(|target| target.shown.clone()).unwrap_or_default();
        view! {
            <tr><th scope="row">{measure.label.clone()}</th><td class=class>{linked(measure, Some(query))}</td><td class="num">{small_change(measure.change.as_ref())}</td><td class="num muted">{target}</td></tr>
        }
        .into_any()
    };
    let rows: Vec<AnyView> = view.data.iter().map(row).collect();
    view! {
        <section class="table-box sheet__wide">
            <table class="table table--sum"><caption class="sr">"Quality of its data"</caption><thead><tr><th>"Quality of its data"</th><th class="num">"Value"</th><th class="num">"Change"</th><th class="num">"Target"</th></tr></thead><tbody>{rows}</tbody></table>
            <p class="pager"><span>"Events received in the period, and shipments handed over or closed in it"</span></p>
        </section>
    }
    .into_any()
}
