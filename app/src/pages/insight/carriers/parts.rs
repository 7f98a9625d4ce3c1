//! What the pages of carriers share: addresses that keep period and filters, numbers that lead to their rows, charts.

use crate::{
    components::{
        Icon,
        charts::{Band, Chart, Distribution, Figure, Marker},
        figures::{self, Definition, Fresh},
    },
    contract::{
        When,
        carriers::{Measure, SplitBy, TransitView},
        figures::{AnnotationView, ChangeView, DefinitionView, FiguresQuery, Way},
    },
};
use leptos::prelude::*;
use leptos_router::location::Url;

/// The address of a carrier's page.
pub fn carrier_address(code: &str, query: &FiguresQuery) -> String {
    split_address(code, query, SplitBy::Lane)
}

/// The same, with its table split in another way.
pub fn split_address(code: &str, query: &FiguresQuery, by: SplitBy) -> String {
    // which carrier stands in the path
    let query = FiguresQuery { carrier: String::new(), ..query.clone() };
    figures::address_with(&format!("/carriers/{}", Url::escape(code)), &query, &[("by", by.code())])
}

/// The question of a carrier's rows.
pub fn of_carrier(code: &str, query: &FiguresQuery) -> FiguresQuery {
    FiguresQuery { carrier: code.to_owned(), ..query.clone() }
}

/// A number that leads to its rows. Without a carrier there is no question that has exactly them.
pub fn linked(measure: &Measure, query: Option<&FiguresQuery>) -> AnyView {
    let number = match measure.unit.as_str() {
        "" => measure.shown.clone(),
        unit => format!("{} {unit}", measure.shown),
    };
    match query.filter(|_| measure.of > 0) {
        Some(query) => {
            let href = figures::rows(&measure.kpi, &measure.tab, query);
            let said = format!("{}: {number}, show the rows", measure.label);
            view! { <a class="count" href=href aria-label=said data-testid="measure">{number}</a> }.into_any()
        }
        None => number.into_any(),
    }
}

/// A change in little room: `+0.3`, `=`.
pub fn small_change(change: Option<&ChangeView>) -> AnyView {
    let Some(change) = change else { return ().into_any() };
    let (sign, class) = match (change.way, change.better) {
        (Way::Same, _) => return view! { <small title=format!("No change on {}", change.on)>"="</small> }.into_any(),
        (Way::Up, better) => ("+", class_of(better)),
        (Way::Down, better) => ("−", class_of(better)),
    };
    let by = change.shown.split(' ').next().unwrap_or_default();
    let said = format!("{sign}{} on {}", change.shown, change.on);
    let title = said.clone();
    view! { <small class=class title=title><span aria-hidden="true">{sign}{by.to_owned()}</span><span class="sr">{said}</span></small> }.into_any()
}

const fn class_of(better: Option<bool>) -> &'static str {
    match better {
        Some(false) => "worse",
        Some(true) | None => "",
    }
}

/// The distribution of transit times.
pub fn distribution(name: &str, transit: &TransitView) -> Distribution {
    let marker = |one: &Option<(f64, String)>| one.clone().map(|(at, words)| Marker { at, words });
    Distribution {
        name: format!("{name}: transit time in working days"),
        of: "this period".into(),
        unit: " %".into(),
        along: "working days from hand-over to delivery".into(),
        edges: transit.edges.clone(),
        values: transit.shares.clone(),
        markers: [&transit.p50, &transit.p90].into_iter().filter_map(marker).collect(),
        second: None,
        tail: None,
    }
}

/// What was unlike other weeks.
pub fn bands(annotations: &[AnnotationView]) -> Vec<Band> {
    annotations.iter().map(|one| Band { from: one.from, until: one.until, words: one.words.clone() }).collect()
}

/// A chart in a card, with its foot.
pub fn chart_card(title: String, aside: String, lead: String, figure: Figure, foot: AnyView) -> AnyView {
    view! {
        <section class="card">
            <div class="card__head"><h2>{title}</h2><span class="push">{aside}</span></div>
            {(!lead.is_empty()).then(|| view! { <p class="kpi__lead">{lead}</p> })}
            <Chart figure/>
            {foot}
        </section>
    }
    .into_any()
}

/// The definitions of the figures of these ids, and up to when they are counted.
pub fn foot(definitions: &[(String, DefinitionView)], title: &str, as_of: &When) -> AnyView {
    let definition = definitions.iter().find(|(known, _)| known == title).map(|(_, definition)| definition.clone());
    view! {
        <div class="kfoot">{definition.map(|definition| view! { <Definition definition/> })}<Fresh as_of=as_of.clone()/></div>
    }
    .into_any()
}

/// All definitions, behind a switch.
pub fn all_definitions(definitions: Vec<(String, DefinitionView)>) -> AnyView {
    let one = |(title, definition): (String, DefinitionView)| {
        let DefinitionView { version, reads, counts, .. } = definition;
        view! { <dt>{title}<small class="muted">{format!(" v{version}")}</small></dt><dd>{reads}"; "{counts}</dd> }
            .into_any()
    };
    let all: Vec<AnyView> = definitions.into_iter().map(one).collect();
    view! {
        <details class="panel no-print">
            <summary class="in"><Icon name="right"/>"Definitions of the figures"</summary>
            <dl class="facts in">{all}</dl>
        </details>
    }
    .into_any()
}
