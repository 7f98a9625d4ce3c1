//! Carriers side by side: the same numbers at the same height of every card, so that the eye compares across.

use super::parts::{
    all_definitions, bands, carrier_address, chart_card, distribution, foot, linked, of_carrier, small_change,
};
use crate::{
    api,
    components::{
        Frame, Icon, browser,
        charts::{Chart, DivergingBar, DivergingChart, LineChart, LineSeries, Patterns, Spark, Sparkline, Stroke},
        figures::{self, Change, FigureHead, FilterBar, Fresh, Goal},
        live::followed,
        not_connected,
        parts::Empty,
    },
    contract::{
        carriers::{CardView, CarriersQuery, CarriersView, ExcessView, Measure, SortBy},
        figures::{ChoiceView, FiguresQuery},
    },
};
use leptos::prelude::*;
use leptos_router::{
    NavigateOptions,
    hooks::{use_navigate, use_query_map},
    params::ParamsMap,
};

/// Lines of the chart of all carriers.
const LINES_MAX: usize = 4;
const STROKES: [Stroke; LINES_MAX] = [Stroke::Solid, Stroke::Dashed, Stroke::Dotted, Stroke::DashDotted];
const PATH: &str = "/carriers";
const ON_TIME: &str = "On time against promise";

fn question(params: &ParamsMap) -> CarriersQuery {
    let sort = SortBy::of(&params.get("sort").unwrap_or_default());
    // all carriers are compared
    let figures = FiguresQuery { carrier: String::new(), ..figures::query(params) };
    CarriersQuery { sort, figures }
}

/// The page.
#[component]
pub fn CarriersPage() -> impl IntoView {
    let params = use_query_map();
    let query = Memo::new(move |_| question(&params.get()));
    let carriers = Resource::new(move || query.get(), api::get_carriers);
    browser::regularly(move || carriers.refetch());
    view! {
        <Frame title="Carriers"><Patterns/>{followed(carriers, |view| move || page(view.get()))}</Frame>
    }
}

fn page(view: CarriersView) -> AnyView {
    let CarriersView { choice, sort, .. } = &view;
    let keep = vec![("sort", sort.code().to_owned())];
    // the carriers are the page
    let narrowed = ChoiceView { carriers: Vec::new(), ..choice.clone() };
    let nothing = view.cards.is_empty() && view.others.is_empty();
    let body = if nothing { none() } else { body(&view) };
    view! {
        <FigureHead title="Carriers" choice=choice.clone() path=PATH/>
        <FilterBar choice=narrowed path=PATH keep/>
        {body}
    }
    .into_any()
}

fn none() -> AnyView {
    match not_connected() {
        Some(why) => view! { <div class="table-box">{why}</div> }.into_any(),
        None => view! {
            <div class="table-box"><Empty title="No shipments in this period">"Nothing was handed over, delivered or reported then. Choose another period, or clear the filters."</Empty></div>
        }
        .into_any(),
    }
}

fn body(view: &CarriersView) -> AnyView {
    let query = &view.choice.query;
    let most = view.cards.iter().flat_map(|card| &card.transit.shares).copied().fold(0.0, f64::max);
    let cards: Vec<AnyView> = view.cards.iter().map(|card| score(card, view.target, query, most)).collect();
    // rows of about the same number of cards
    let columns = match view.cards.len() {
        0..=3 | 5 | 6 | 9 => 3,
        4 | 7 | 8 => 4,
        _ => 5,
    };
    let export = figures::address_with("/carriers/export.csv", query, &[("sort", view.sort.code())]);
    view! {
        <div class="row scores-head">
            <p class="small muted" data-testid="summary">{view.summary.clone()}</p>
            <span class="row push no-print">
                {order(view.sort, query)}
                <a class="btn btn--s" href=export rel="external" download="carriers.csv" data-testid="export"><Icon name="csv"/>"Export"</a>
            </span>
        </div>
        <div class=format!("scores scores--{columns}")>{cards}</div>
        {legend(view)}
        {others(&view.others, query)}
        {charts(view)}
        {all_definitions(view.definitions.clone())}
    }
    .into_any()
}

/// The order of the cards: a plain form, which sends itself once the browser's half has come.
fn order(chosen: SortBy, query: &FiguresQuery) -> AnyView {
    let hidden = query
        .pairs()
        .into_iter()
        .map(|(name, value)| view! { <input type="hidden" name=name value=value/> }.into_any());
    let hidden: Vec<AnyView> = hidden.collect();
    let options: Vec<AnyView> = SortBy::ALL
        .iter()
        .map(|sort| view! { <option value=sort.code() selected=*sort == chosen>{sort.label()}</option> }.into_any())
        .collect();
    let (navigate, query) = (use_navigate(), StoredValue::new(query.clone()));
    let go = move |code: String| {
        let to = figures::address_with(PATH, &query.get_value(), &[("sort", code.as_str())]);
        navigate(&to, NavigateOptions { scroll: false, ..NavigateOptions::default() });
    };
    view! {
        <form class="inline-form" method="get" action=PATH>
            {hidden}
            <label class="small muted" for="sort">"Sorted by"</label>
            <select class="chip chip--on" id="sort" name="sort" data-testid="sort" on:change=move |event| go(event_target_value(&event))>{options}</select>
            <button class="btn btn--s before-hydration" type="submit">"Sort"</button>
        </form>
    }
    .into_any()
}

/// A carrier's card.
fn score(card: &CardView, target: Option<f64>, query: &FiguresQuery, most: f64) -> AnyView {
    let of_it = of_carrier(&card.code, query);
    let class = if card.attention { "card score score--act" } else { "card score" };
    let rank = card.rank.map(|rank| rank.to_string()).unwrap_or_default();
    let said = format!("Rank {rank}");
    let line = Sparkline {
        name: format!("{}, on time by week", card.name),
        unit: " %".into(),
        values: card.course.points.iter().map(|point| point.map(|(percent, _)| percent)).collect(),
        target,
    };
    let href = carrier_address(&card.code, query);
    view! {
        <article class=class data-testid="scorecard" data-code=card.code.clone()>
            <header class="score__head"><span class="score__rank" data-testid="rank"><span class="sr">{said}</span><span aria-hidden="true">{rank.clone()}</span></span><h2><a href=href>{card.name.clone()}</a></h2><small>{card.rank_before.clone()}</small></header>
            <div class="score__on">
                <div>
                    <p class="fig__n">{rows_of(&card.on_time, &of_it)}<small>{card.on_time.unit.clone()}</small></p>
                    <Change change=card.on_time.change.clone()/>
                </div>
                <Spark line/>
            </div>
            <Goal target=card.on_time.target.clone()/>
            <p class="score__sure" title="In 95 of 100 cases the true share lies in between. The ranking goes by the lower end.">{format!("between {}", card.sure)}</p>
            <div class="score__days"><h3 class="label">"Working days; lines: P50, P90"</h3><Chart figure=distribution(&card.name, &card.transit).small(most)/></div>
            <dl class="facts score__facts">{card.measures.iter().map(|measure| line_of(measure, &of_it)).collect::<Vec<_>>()}</dl>
        </article>
    }
    .into_any()
}

/// The headline's number, with the rows behind it.
fn rows_of(measure: &Measure, query: &FiguresQuery) -> AnyView {
    let href = figures::rows(&measure.kpi, "", query);
    let said = format!("{}: {} {}, show the rows", measure.label, measure.shown, measure.unit);
    view! { <a class="count" href=href aria-label=said data-testid="on-time">{measure.shown.clone()}</a> }.into_any()
}

fn line_of(measure: &Measure, query: &FiguresQuery) -> AnyView {
    let class = match (measure.missed, measure.few) {
        (true, _) => "miss",
        (false, true) => "weak",
        _ => "",
    };
    let mark = measure.missed.then(|| view! { <Icon name="major"/><span class="sr">"Target missed: "</span> });
    let few =
        (measure.few && measure.of > 0).then(|| view! { <small class="few">{format!("n {}", measure.of)}</small> });
    let change = if few.is_some() { ().into_any() } else { small_change(measure.change.as_ref()) };
    view! { <dt>{measure.label.clone()}</dt><dd class=class>{mark}<b>{linked(measure, Some(query))}</b>{few}{change}</dd> }.into_any()
}

/// By what they are ranked, and what the marks mean.
fn legend(view: &CarriersView) -> AnyView {
    let targets = view.targets.join(" · ");
    view! {
        <div class="kfoot scores-foot">
            <p data-testid="rank-rule">"Ranked by on time, at the lower end of its 95 % interval, so that a good share of few does not stand above a good one of many; from 30 due on. Small figures: change on "{view.choice.compared.clone()}"; none where either period has fewer than 30."</p>
            <p><Icon name="major"/>" target missed, and chance alone does not explain it. Targets: "{targets}"."</p>
            <Fresh as_of=view.as_of.clone()/>
        </div>
    }
    .into_any()
}

/// Those without a place.
fn others(others: &[CardView], query: &FiguresQuery) -> AnyView {
    if others.is_empty() {
        return ().into_any();
    }
    let row = |card: &CardView| {
        let of_it = (!card.code.is_empty()).then(|| of_carrier(&card.code, query));
        let name = match &of_it {
            Some(_) => view! { <a href=carrier_address(&card.code, query)>{card.name.clone()}</a> }.into_any(),
            None => card.name.clone().into_any(),
        };
        let measure = |label: &str| {
            let found = card.measures.iter().find(|measure| measure.label == label);
            found.map(|measure| linked(measure, of_it.as_ref()))
        };
        view! {
            <tr data-testid="unranked">
                <th scope="row" class="c11">{name}</th>
                <td class="num c12">{linked(&card.on_time, of_it.as_ref())}</td>
                <td class="c21">{card.unranked.clone()}</td>
                <td class="num c22">{measure("Shipments")}<span class="only-s muted">" shipments"</span></td>
                <td class="num hide-s">{measure("Transit P90")}</td>
                <td class="num hide-s">{measure("First attempt")}</td>
                <td class="num hide-s">{measure("Exceptions")}</td>
            </tr>
        }
        .into_any()
    };
    let rows: Vec<AnyView> = others.iter().map(row).collect();
    view! {
        <section class="table-box">
            <div class="boxhead"><h2>"Not ranked"</h2></div>
            <table class="table table--list"><caption class="sr">"Carriers that are not ranked"</caption>
                <thead><tr><th>"Carrier"</th><th class="num">"On time"</th><th>"Why not"</th><th class="num">"Shipments"</th><th class="num">"Transit P90"</th><th class="num">"First attempt"</th><th class="num">"Exceptions"</th></tr></thead>
                <tbody>{rows}</tbody>
            </table>
        </section>
    }
    .into_any()
}

fn charts(view: &CarriersView) -> AnyView {
    if view.cards.is_empty() {
        return ().into_any();
    }
    let course = course(view);
    let chart = chart_card(
        ON_TIME.into(),
        "by week promised".into(),
        course.1,
        course.0.figure(),
        foot(&view.definitions, ON_TIME, &view.as_of),
    );
    let excess = view.excess.as_ref().map(|excess| excess_card(excess, view));
    view! { <div class="cols cols--wide2">{chart}{excess}</div> }.into_any()
}

/// The weeks of the one that needs attention and of the busiest others; what the chart leaves out in words.
fn course(view: &CarriersView) -> (LineChart, String) {
    let due = |card: &CardView| card.on_time.of;
    let mut cards: Vec<&CardView> = view.cards.iter().collect();
    cards.sort_by_key(|card| (!card.attention, std::cmp::Reverse(due(card))));
    let left_out = cards.len().saturating_sub(LINES_MAX);
    cards.truncate(LINES_MAX);
    let series = cards.iter().zip(STROKES).map(|(card, stroke)| LineSeries {
        name: card.name.clone(),
        values: card.course.points.iter().map(|point| point.map(|(percent, _)| percent)).collect(),
        stroke,
    });
    let chart = LineChart {
        name: ON_TIME.into(),
        of: "Week".into(),
        unit: " %".into(),
        labels: cards.first().map(|card| card.course.labels.clone()).unwrap_or_default(),
        series: series.collect(),
        target: view.target,
        wanted: None,
        bands: bands(&view.annotations),
    };
    let lead = match left_out {
        0 => String::new(),
        n => format!("The {LINES_MAX} carriers that matter most; {n} more are above."),
    };
    (chart, lead)
}

fn excess_card(excess: &ExcessView, view: &CarriersView) -> AnyView {
    let bar = |(code, name, value): &(String, String, f64)| DivergingBar {
        name: name.clone(),
        value: *value,
        href: (!code.is_empty()).then(|| figures::rows("on_time", "against", &of_carrier(code, &view.choice.query))),
    };
    let chart = DivergingChart {
        name: format!("Late against what a target of {} allows", excess.target),
        of: "Carrier".into(),
        counted: "Late, less what is allowed".into(),
        bars: excess.bars.iter().map(bar).collect(),
    };
    let note = view! {
        <div class="kfoot"><span>"Late ones of a carrier, less what the target allows of its own. Right of zero: more than that. Together: the distance to the target."</span><Fresh as_of=view.as_of.clone()/></div>
    };
    chart_card(
        format!("Who keeps us from {}", excess.target),
        excess.summary.clone(),
        excess.lead.clone(),
        chart.figure(),
        note.into_any(),
    )
}
