//! How a figure is shown; always in this order: number, change, its own course, target, what it is made of, definition, rows,
//! freshness.

use super::rows;
use crate::{
    components::{
        Icon, Time,
        charts::{Band, LineChart, LineSeries, Spark, Sparkline, Stroke},
        parts::grouped,
    },
    contract::{
        When,
        figures::{AnnotationView, ChangeView, DefinitionView, FigureView, FiguresQuery, Standing, TargetView, Way},
    },
};
use leptos::prelude::*;

/// The number of a figure with its unit, grey where it is of few.
#[component]
pub fn Number(
    /// The figure.
    figure: FigureView,
    /// Further classes of the number: `fig__n--xl`.
    #[prop(optional)]
    class: &'static str,
) -> impl IntoView {
    let FigureView { id, shown, unit, standing, of, .. } = figure;
    let few = (standing == Standing::Few).then(|| {
        view! { <small class="few" title="Of too few to be compared or ranked">{format!("of {}", grouped(of))}</small> }
    });
    let weak = if matches!(standing, Standing::Known) { "" } else { "fig__n--weak" };
    view! {
        <p class=format!("fig__n {class} {weak}") data-testid=format!("figure-{id}")>{shown}{(!unit.is_empty()).then(|| view! { <small>{if unit == "%" { unit } else { format!(" {unit}") }}</small> })}{few}</p>
    }
    .into_any()
}

/// How a figure changed: an arrow, the amount, and whether that is better.
#[component]
pub fn Change(
    /// The change.
    change: Option<ChangeView>,
) -> impl IntoView {
    let Some(ChangeView { shown, way, better, on }) = change else { return ().into_any() };
    let class = match better {
        Some(true) => "delta ok",
        Some(false) => "delta bad",
        None => "delta",
    };
    let icon = match way {
        Way::Up => Some("up2"),
        Way::Down => Some("down2"),
        Way::Same => None,
    };
    let said = match better {
        Some(true) => " (better)",
        Some(false) => " (worse)",
        None => "",
    };
    view! {
        <p class="fig__d"><span class=class>{icon.map(|name| view! { <Icon name=name/> })}{shown}<span class="sr">{said}</span></span>{format!("on {on}")}</p>
    }
    .into_any()
}

/// What should be reached, and whether it is.
#[component]
pub fn Goal(
    /// The target.
    target: Option<TargetView>,
) -> impl IntoView {
    let Some(TargetView { shown, met, missed, .. }) = target else { return ().into_any() };
    let (class, icon, said) = match met {
        Some(true) => ("goal", Some("check"), format!("Target {shown}: met")),
        Some(false) => ("goal goal--miss", Some("major"), format!("Target {shown}: {missed}")),
        None => ("goal", None, format!("Target {shown}")),
    };
    view! { <p class=class data-testid="goal">{icon.map(|name| view! { <Icon name=name/> })}<span>{said}</span></p> }
        .into_any()
}

/// The course of a figure over several periods.
#[component]
pub fn Trend(
    /// The figure.
    figure: FigureView,
) -> impl IntoView {
    let FigureView { title, unit, target, trend, standing, .. } = figure;
    if standing == Standing::NotCounted || trend.values.iter().flatten().count() < 2 {
        return ().into_any();
    }
    let line = Sparkline {
        name: format!("{title}, {}", trend.span),
        unit: spaced(&unit),
        target: target.filter(|target| target.of_number).map(|target| target.value),
        values: trend.values,
    };
    let range = line.range().map(|(low, high)| {
        format!("{} to {}", crate::components::charts::number(low), crate::components::charts::number(high))
    });
    view! { <div class="kpi__spark"><Spark line/><small>{trend.span}<br/>{range}</small></div> }.into_any()
}

/// The definition of a figure, behind a switch.
#[component]
pub fn Definition(
    /// The definition.
    definition: DefinitionView,
) -> impl IntoView {
    let DefinitionView { version, reads, counts, bucket, restated, source } = definition;
    let kept = if restated {
        "Late events and corrections change past days."
    } else {
        "As it was known then: what comes later does not change it."
    };
    view! {
        <details class="def">
            <summary>{format!("Definition v{version}")}</summary>
            <div class="def__pop"><p>{reads}</p><p><b>"Counts: "</b>{counts}</p><p><b>"Lies on: "</b>{bucket}</p><p>{kept}</p><p class="muted"><b>"Source: "</b>{source}</p></div>
        </details>
    }
    .into_any()
}

/// Up to when a figure is counted.
#[component]
pub fn Fresh(
    /// Up to when.
    as_of: When,
) -> impl IntoView {
    view! { <span class="push nowrap">"as of "<Time when=as_of/></span> }.into_any()
}

/// What a figure is made of: each part leads to exactly its rows.
#[component]
pub fn Parts(
    /// The figure.
    figure: FigureView,
    /// The period, and what narrows it.
    query: FiguresQuery,
) -> impl IntoView {
    let FigureView { id, parts, .. } = figure;
    let shown: Vec<AnyView> = parts
        .into_iter()
        .filter(|part| part.count > 0)
        .map(|part| {
            let href = rows(&id, &part.code, &query);
            view! { <a class="count" href=href data-count=part.count.to_string()>{format!("{} {}", grouped(part.count), part.label)}</a> }.into_any()
        })
        .collect();
    (!shown.is_empty()).then(|| view! { <p class="kpi__parts">{shown}</p> }).into_any()
}

/// A figure as a tile. The children stand between its target and its foot.
#[component]
pub fn FigureTile(
    /// The figure.
    figure: FigureView,
    /// The period, and what narrows it.
    query: FiguresQuery,
    /// What else stands in it.
    #[prop(optional)]
    children: Option<Children>,
) -> impl IntoView {
    let href = rows(&figure.id, "", &query);
    let FigureView { title, change, target, definition, as_of, .. } = figure.clone();
    view! {
        <section class="card kpi">
            <div class="kpi__top">
                <div><h2><a href=href data-testid="figure-link">{title}</a></h2><Number figure=figure.clone()/><Change change/></div>
                <Trend figure=figure.clone()/>
            </div>
            <Goal target/>
            {(!figure.beside.is_empty()).then(|| view! { <p class="kpi__lead">{figure.beside.clone()}</p> })}
            <Parts figure=figure query/>
            {children.map(|children| children())}
            <div class="kfoot"><Definition definition/><Fresh as_of/></div>
        </section>
    }
    .into_any()
}

/// The chart of a figure's course, with its target and what was unlike other times.
pub fn trend_chart(figure: &FigureView, annotations: &[AnnotationView]) -> LineChart {
    let trend = &figure.trend;
    LineChart {
        name: figure.title.clone(),
        of: trend.of.clone(),
        unit: spaced(&figure.unit),
        labels: trend.labels.clone(),
        series: vec![LineSeries { name: "all".into(), values: trend.values.clone(), stroke: Stroke::Solid }],
        target: figure.target.as_ref().filter(|target| target.of_number).map(|target| target.value),
        wanted: None,
        bands: annotations
            .iter()
            .map(|one| Band { from: one.from, until: one.until, words: one.words.clone() })
            .collect(),
    }
}

/// A unit with the space before it.
fn spaced(unit: &str) -> String {
    if unit.is_empty() { String::new() } else { format!(" {unit}") }
}
