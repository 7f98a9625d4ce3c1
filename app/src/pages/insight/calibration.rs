//! How well our estimates of the arrival held, against the carriers' own, and what they rest on.

use crate::{
    api,
    components::{
        Frame, Icon, Time, browser,
        charts::{
            Chart, Distribution, HeatCell, HeatMap, Held, LineChart, LineSeries, Mark, Patterns, Reliability, Stroke,
            Wanted, number,
        },
        figures::{Change, Definition, FigureHead, FilterBar, address, query},
        live::followed,
        parts::{Empty, grouped},
    },
    contract::{
        When,
        calibration::{
            CalibrationView, CarrierAccuracy, CellView, ErrorsView, HeldView, MonthsView, NumberView, WorstView,
        },
    },
};
use domain::visible::visible;
use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

const PATH: &str = "/calibration";
/// Of a good P80, per cent.
const WANTED: (f64, f64) = (77.0, 83.0);
/// Deliveries below which a month of a carrier says little.
const FEW: u64 = 30;

/// The page.
#[component]
pub fn CalibrationPage() -> impl IntoView {
    let params = use_query_map();
    let asked = Memo::new(move |_| query(&params.get()));
    let accuracy = Resource::new(move || asked.get(), api::get_calibration);
    browser::regularly(move || accuracy.refetch());
    view! {
        <Frame title="ETA accuracy"><Patterns/>{followed(accuracy, |view| move || page(view.get()))}</Frame>
    }
}

fn page(view: CalibrationView) -> AnyView {
    let choice = view.choice.clone();
    let learning = (!view.learning.is_empty())
        .then(|| view! { <p class="small muted" role="status" data-testid="learning">{view.learning.clone()}</p> });
    let body = if view.as_of.is_none() { not_yet() } else { body(&view) };
    view! {
        <FigureHead title="ETA accuracy" choice=choice.clone() path=PATH/>
        <FilterBar choice=choice path=PATH/>
        {learning}{body}
    }
    .into_any()
}

fn not_yet() -> AnyView {
    view! { <div class="table-box"><Empty title="Nothing is learned yet">"Transit times are learned every night from what was delivered. From the first night on, shipments under way have an estimate of ours, and this page shows how often it held."</Empty></div> }.into_any()
}

fn body(view: &CalibrationView) -> AnyView {
    let numbers: Vec<AnyView> = view.numbers.iter().map(top).collect();
    let worst = view.worst.as_ref().map(worst);
    let definition = || view! { <Definition definition=view.definition.clone()/> }.into_any();
    view! {
        <section class="card figrow" aria-label="Key figures">{numbers}</section>
        {worst}
        <div class="cols cols--wide2">
            {card("How often the 80 % ETA held", "by week of delivery", weeks(view).figure(), definition(), &view.as_of)}
            {card("By carrier and month", "% held", months(&view.months).figure(), said("The same share, by the month of delivery. Corner mark: outside 77 to 83 %."), &view.as_of)}
        </div>
        <div class="cols cols--wide2">
            {errors(&view.errors, &view.as_of)}
            {card("Predicted against actual", &format!("{} deliveries", grouped(view.deliveries)), reliability(&view.held).figure(), said("For each percentile of our forecast: how many were delivered by then. On the dashed line the forecast is honest; below it is too optimistic. Grey: 3 points either way."), &view.as_of)}
        </div>
        {carriers(&view.carriers, &view.as_of)}
        {cells(&view.cells, &view.model)}
    }
    .into_any()
}

fn top(of: &NumberView) -> AnyView {
    let NumberView { id, title, shown, unit, weak, change, beside, definition } = of.clone();
    let class = if weak { "fig__n fig__n--m fig__n--weak" } else { "fig__n fig__n--m" };
    view! {
        <div class="fig">
            <span class="label">{title}</span>
            <p class=class data-testid=format!("number-{id}")>{shown}{(!unit.is_empty()).then(|| view! { <small>{unit}</small> })}</p>
            <Change change/>
            <p class="fig__d">{beside}</p>
            {said_of(definition)}
        </div>
    }
    .into_any()
}

fn worst(of: &WorstView) -> impl IntoView + use<> {
    let WorstView { query, fact, meaning } = of.clone();
    view! {
        <div class="note note--warn" data-testid="worst">
            <Icon name="major"/><div><b>{fact}</b>" "{meaning}</div>
            <div class="row"><a class="btn btn--s" href=address(PATH, &query)>"Its accuracy"</a></div>
        </div>
    }
}

fn said(words: &'static str) -> AnyView {
    said_of(words.to_owned())
}

fn said_of(words: String) -> AnyView {
    view! { <details class="def"><summary>"Definition"</summary><div class="def__pop"><p>{words}</p></div></details> }
        .into_any()
}

fn fresh(as_of: &Option<When>) -> AnyView {
    as_of.clone().map(|when| view! { <span class="push nowrap">"as of "<Time when/></span> }).into_any()
}

fn card(
    title: &str,
    beside: &str,
    figure: crate::components::charts::Figure,
    definition: AnyView,
    as_of: &Option<When>,
) -> AnyView {
    view! {
        <section class="card">
            <div class="card__head"><h2>{title.to_owned()}</h2><span class="push">{beside.to_owned()}</span></div>
            <Chart figure/>
            <div class="kfoot">{definition}{fresh(as_of)}</div>
        </section>
    }
    .into_any()
}

fn weeks(view: &CalibrationView) -> LineChart {
    LineChart {
        name: "P80 held".into(),
        of: "Week".into(),
        unit: " %".into(),
        labels: view.weeks.iter().map(|(week, _)| week.clone()).collect(),
        series: vec![LineSeries {
            name: "held".into(),
            values: view.weeks.iter().map(|(_, held)| *held).collect(),
            stroke: Stroke::Solid,
        }],
        wanted: Some(Wanted { low: WANTED.0, high: WANTED.1, words: "wanted: 77 to 83 %".into() }),
        ..LineChart::default()
    }
}

/// How far a share is outside of the wanted range, in points.
fn outside(held: f64) -> f64 {
    (WANTED.0 - held).max(held - WANTED.1).max(0.0)
}

fn months(of: &MonthsView) -> HeatMap {
    let cell = |held: &Option<(f64, u64)>| {
        held.map(|(held, n)| {
            let few = n < FEW;
            let mark = match (few, outside(held) > 0.0) {
                (true, _) => Mark::TooFew,
                (false, true) => Mark::Attention,
                (false, false) => Mark::None,
            };
            HeatCell { value: outside(held), words: if few { format!("n {n}") } else { number(held) }, mark }
        })
    };
    HeatMap {
        name: "P80 held by carrier and month".into(),
        side: "carrier".into(),
        head: "month".into(),
        rows: of.carriers.clone(),
        columns: of.months.clone(),
        cells: of.held.iter().map(|row| row.iter().map(cell).collect()).collect(),
        bounds: vec![f64::MIN_POSITIVE, 3.0],
        keys: vec!["in the wanted range".into(), "up to 3 points outside".into(), "further outside".into()],
        few: format!("fewer than {FEW} deliveries"),
    }
}

fn errors(of: &ErrorsView, as_of: &Option<When>) -> AnyView {
    let second = (!of.theirs.is_empty()).then(|| ("carriers".to_owned(), of.theirs.clone()));
    let beside = if second.is_some() { "ours filled, carriers outlined" } else { "no carrier gave an estimate" };
    let figure = Distribution {
        name: "Our ETA against the carriers’".into(),
        of: "% of deliveries".into(),
        unit: " %".into(),
        along: "hours later than the ETA".into(),
        edges: of.edges.clone(),
        values: of.ours.clone(),
        second,
        ..Distribution::default()
    };
    let words = of.words.clone();
    view! {
        <section class="card">
            <div class="card__head"><h2>"Our ETA against the carriers’"</h2><span class="push">{beside}</span></div>
            <p class="small muted">{words}</p>
            <Chart figure=figure.figure()/>
            <div class="kfoot">{said("Actual less estimated delivery in working hours, both as known at the first scan. A carrier’s date without a time is the end of its day. Where carriers are compared, shipments without an estimate of theirs are left out.")}{fresh(as_of)}</div>
        </section>
    }
    .into_any()
}

fn reliability(held: &[HeldView]) -> Reliability {
    let point = |of: &HeldView| Held { predicted: of.predicted, actual: of.actual, n: of.n };
    Reliability { name: "Predicted against actual".into(), points: held.iter().map(point).collect() }
}

fn carriers(list: &[CarrierAccuracy], as_of: &Option<When>) -> AnyView {
    if list.is_empty() {
        return view! { <div class="table-box"><Empty title="No delivery with an estimate in this period">"Choose another period, or no carrier."</Empty></div> }.into_any();
    }
    let row = |of: &CarrierAccuracy| {
        let CarrierAccuracy { name, query, deliveries, theirs, ours, held, outside, remark } = of.clone();
        let class = if outside { "late late--bad" } else { "" };
        view! {
            <tr data-testid="carrier-row">
                <th scope="row" class="c11"><a href=address(PATH, &query)>{visible(&name).into_owned()}</a></th>
                <td class="num hide-s">{grouped(deliveries)}</td>
                <td class="num hide-s">{theirs}</td>
                <td class="num c12"><span class="only-s muted">"our error "</span><b>{ours}</b></td>
                <td class="num c22"><span class=class>{held}</span><span class="only-s muted">" P80 held"</span></td>
                <td class="c21">{remark}</td>
            </tr>
        }
        .into_any()
    };
    let rows: Vec<AnyView> = list.iter().map(row).collect();
    view! {
        <section class="table-box">
            <table class="table table--list">
                <caption class="sr">"ETA accuracy by carrier"</caption>
                <thead><tr><th>"Carrier"</th><th class="num">"Deliveries"</th><th class="num">"Carrier’s error"</th><th class="num">"Ours"</th><th class="num">"P80 held"</th><th>"Remark"</th></tr></thead>
                <tbody>{rows}</tbody>
            </table>
            <p class="pager"><span>"Median of the absolute error in working hours, ETA at first scan"</span>{fresh(as_of)}</p>
        </section>
    }
    .into_any()
}

fn cells(list: &[CellView], model: &str) -> AnyView {
    if list.is_empty() {
        return ().into_any();
    }
    let row = |of: &CellView| {
        let CellView { name, level, deliveries, effective, p50, p80, own } = of.clone();
        view! {
            <tr data-testid="cell-row">
                <th scope="row" class="c11">{visible(&name).into_owned()}</th>
                <td class="c21">{level}</td>
                <td class="num c12">{grouped(deliveries)}<span class="only-s muted">" deliveries"</span></td>
                <td class="num hide-s">{effective}</td>
                <td class="num hide-s">{p50}</td>
                <td class="num c22"><span class="only-s muted">"P80 "</span>{p80}</td>
                <td class="hide-s">{own}</td>
            </tr>
        }
        .into_any()
    };
    let rows: Vec<AnyView> = list.iter().map(row).collect();
    let model = model.to_owned();
    view! {
        <section class="table-box" data-testid="cells">
            <div class="boxhead"><h2>"What estimates rest on"</h2><span class="push">{model}</span></div>
            <table class="table table--list">
                <caption class="sr">"Cells of the model: the largest first"</caption>
                <thead><tr><th>"Cell"</th><th>"Level"</th><th class="num">"Deliveries"</th><th class="num">"Weighted"</th><th class="num">"P50"</th><th class="num">"P80"</th><th>"Leans on"</th></tr></thead>
                <tbody>{rows}</tbody>
            </table>
            <p class="pager"><span>"Working hours from the day of hand-over: 24 to an operating day, then the hour of the day. The last 26 weeks; what is 6 weeks old weighs half. A small cell leans on coarser ones: lane, country pair, carrier."</span></p>
        </section>
    }
    .into_any()
}
