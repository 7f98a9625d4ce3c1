//! Some exceptions of a period: those behind a number of the page.

use super::troubles_address;
use crate::{
    api,
    components::{
        Frame, Icon, SeverityMark, Time,
        figures::{FigureHead, FilterBar, address},
        live::followed,
        parts::grouped,
    },
    contract::analytics::{TroubleRowsView, TroubleView, TroublesQuery},
};
use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

const PATH: &str = "/analytics/exceptions";

/// The page.
#[component]
pub fn TroublesPage() -> impl IntoView {
    let params = use_query_map();
    let asked = Memo::new(move |_| params.with(|params| TroublesQuery::of(|name| params.get(name))));
    let view = Resource::new(move || asked.get(), api::get_troubles);
    view! {
        <Frame title="Exceptions of a period">
            {followed(view, move |view| move || page(&view.get(), &asked.get()))}
        </Frame>
    }
}

fn page(view: &TroubleRowsView, asked: &TroublesQuery) -> AnyView {
    let back = address("/analytics", &asked.figures);
    let keep: Vec<(&'static str, String)> = asked.pairs().into_iter().filter(|(name, _)| *name != "cursor").collect();
    let narrowed = (!view.narrowed.is_empty()).then(|| {
        let href = troubles_address(&TroublesQuery { figures: asked.figures.clone(), ..TroublesQuery::default() });
        view! { <a class="chip chip--on" href=href>{view.narrowed.join(" · ")}<Icon name="x"/></a> }
    });
    let next = view.next.clone().map(|cursor| {
        let href = troubles_address(&TroublesQuery { cursor, ..asked.clone() });
        view! { <a class="push" href=href rel="next" data-testid="next">"Next"</a> }
    });
    let lines: Vec<AnyView> = view.rows.iter().map(line).collect();
    let none = lines.is_empty().then(|| view! { <p class="empty">"No exceptions match these filters."</p> });
    let cut = view.cut.then_some(" of those that were read; there are more");
    view! {
        <nav class="crumbs" aria-label="Where"><a href=back>"Exception analysis"</a><Icon name="right"/><span>"Exceptions"</span></nav>
        <FigureHead title="Exceptions of a period" choice=view.choice.clone() path=PATH keep=keep.clone() report="exception_rate,exception_time"/>
        <FilterBar choice=view.choice.clone() path=PATH keep=keep/>
        <p class="row">{narrowed}<span data-testid="total" data-count=view.total.to_string()>{format!("{} exceptions", grouped(view.total))}{cut}</span></p>
        <section class="table-box">
            <table class="table table--list"><caption class="sr">"Exceptions"</caption>
                <thead><tr><th>"Exception"</th><th>"Began"</th><th>"Took"</th><th class="hide-s">"Carrier"</th><th class="hide-s">"Country"</th><th class="hide-s">"Responsible"</th></tr></thead>
                <tbody>{lines}</tbody></table>
            {none}
            <p class="pager">{next}</p>
        </section>
    }
    .into_any()
}

fn line(row: &TroubleView) -> AnyView {
    let href = format!("/exceptions/{}", row.id);
    view! {
        <tr data-testid="exception-row">
            <th scope="row" class="c11"><a href=href><SeverityMark severity=row.severity label=row.reason.clone()/></a></th>
            <td class="c21 nowrap"><Time when=row.opened.clone()/></td><td class="c12 nowrap">{row.took.clone()}</td>
            <td class="hide-s">{row.carrier.clone()}</td><td class="hide-s">{row.country.clone()}</td><td class="hide-s">{row.party.clone()}</td>
        </tr>
    }
    .into_any()
}
