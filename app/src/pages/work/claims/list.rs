//! The list of claims by deadline, with what they add up to.

use super::{
    panel::ClaimPanel,
    parts::{amount, due_words, meter, status_tag},
};
use crate::{
    api,
    components::{
        Frame, Icon, browser,
        live::{followed, part, rows as keyed},
        may,
        parts::{Empty, grouped},
    },
    contract::{
        claims::{ClaimRow, ClaimTab, ClaimsQuery, ClaimsView, FigureView},
        session::Permission,
    },
};
use leptos::prelude::*;
use leptos_router::{hooks::use_query_map, params::ParamsMap};

fn question(params: &ParamsMap) -> ClaimsQuery {
    let text = |key: &str| params.get(key).unwrap_or_default();
    ClaimsQuery { tab: ClaimTab::of(&text("tab")), cursor: text("cursor"), claim: text("claim") }
}

/// The address of a question.
fn address(query: &ClaimsQuery) -> String {
    let pairs = [("tab", query.tab.code()), ("cursor", &query.cursor), ("claim", &query.claim)];
    let mut params = ParamsMap::new();
    pairs.into_iter().filter(|(_, v)| !v.is_empty()).for_each(|(k, v)| params.insert(k, v.to_owned()));
    format!("/claims{}", params.to_query_string())
}

type Asked = (ClaimsQuery, ClaimsView);

/// The page.
#[component]
pub fn ClaimsPage() -> impl IntoView {
    let params = use_query_map();
    let query = Memo::new(move |_| question(&params.get()));
    let asked = Resource::new(
        move || query.get(),
        |query| async move { api::get_claims(query.clone()).await.map(|view| (query, view)) },
    );
    browser::regularly(move || asked.refetch());
    view! { <Frame title="Claims">{followed(asked, move |asked| view! { <Page asked/> })}</Frame> }
}

#[component]
fn Page(asked: Signal<Asked>) -> impl IntoView {
    let summary = part(asked, |(query, view)| (query.tab, view.summary.clone()));
    let figures = part(asked, |(_, view)| view.figures.clone());
    let tabs = part(asked, |(query, view)| (query.tab, view.tabs.clone()));
    let selected = part(asked, |(_, view)| view.selected.clone());
    let empty = part(asked, |(query, view)| view.rows.is_empty().then_some(query.tab));
    view! {
        {move || summary.with(|(tab, summary)| top(*tab, summary))}
        <div class="cols cols--4 cards-x claim-figs" role="group" tabindex="0" aria-label="Figures">{move || figures.get().into_iter().map(card).collect_view()}</div>
        <nav class="tabs" aria-label="Claims">{move || tabs.with(|(here, tabs)| tab_links(*here, tabs))}</nav>
        {move || match empty.get() {
            Some(tab) => none(tab).into_any(),
            None => view! {
                <div class="cols cols--side">
                    <div class="table-box">{table(asked)}</div>
                    <aside class="stack" aria-label="Claim">
                        {move || selected.get().map(|claim| {
                            let page = Some(format!("/claims/{}", claim.row.number));
                            view! { <ClaimPanel claim page/> }
                        })}
                    </aside>
                </div>
            }.into_any(),
        }}
    }
}

fn top(tab: ClaimTab, summary: &str) -> impl IntoView + use<> {
    let export = match tab.code() {
        "" => "/claims/export.csv".to_owned(),
        code => format!("/claims/export.csv?tab={code}"),
    };
    view! {
        <div class="page__head">
            <div><h1>"Claims"</h1><p>{summary.to_owned()}</p></div>
            <div class="row push">
                <a class="btn" href=export rel="external" download="claims.csv" data-testid="export"><Icon name="csv"/>"Export"</a>
                {may(Permission::Act).then(|| view! { <a class="btn btn--go" href="/claims/new" data-testid="new-claim"><Icon name="plus"/>"New claim"</a> })}
            </div>
        </div>
    }
}

fn card(figure: FigureView) -> impl IntoView {
    let values = if figure.values.is_empty() { vec!["–".to_owned()] } else { figure.values };
    let note = if figure.bad { "small bad" } else { "small muted" };
    view! {
        <div class="card cat" data-testid="figure">
            <span class="small muted">{figure.label}</span>
            {values.into_iter().map(|value| view! { <span class="cat__n">{value}</span> }).collect_view()}
            <span class=note>{figure.note}</span>
        </div>
    }
}

fn tab_links(here: ClaimTab, tabs: &[(ClaimTab, u64)]) -> impl IntoView + use<> {
    tabs.iter()
        .map(|(tab, n)| {
            let href = address(&ClaimsQuery { tab: *tab, ..ClaimsQuery::default() });
            view! { <a href=href aria-current=(here == *tab).then_some("page")>{tab.label()}" "<span class="n">{grouped(*n)}</span></a> }
        })
        .collect_view()
}

fn table(asked: Signal<Asked>) -> impl IntoView {
    let list = part(asked, |(_, view)| view.rows.clone());
    let query = part(asked, |(query, _)| query.clone());
    let chosen = part(asked, |(_, view)| view.selected.as_ref().map(|claim| claim.row.number.clone()));
    let sums = part(asked, |(_, view)| (view.rows.len(), view.claimed.join(" + "), view.paid.join(" + ")));
    let next = part(asked, |(query, view)| {
        view.next.clone().map(|cursor| address(&ClaimsQuery { cursor, claim: String::new(), ..query.clone() }))
    });
    let line = move |row: ClaimRow| {
        let claim = row.number.clone();
        let is = claim.clone();
        let on = move || chosen.with(|chosen| chosen.as_ref() == Some(&is));
        let href = query.with_untracked(|query| address(&ClaimsQuery { claim, ..query.clone() }));
        one(row, href, on)
    };
    view! {
        <table class="table table--list table--lead claims">
            <caption class="sr">"Claims by deadline"</caption>
            <thead><tr><th>"Claim"</th><th>"Shipment"</th><th aria-sort="ascending">"Deadline ↑"</th><th>"Status"</th><th class="p3">"Evidence"</th><th class="num">"Claimed"</th><th class="num p2">"Paid"</th></tr></thead>
            <tbody>{keyed(list, |row| row.number.clone(), line)}</tbody>
            <tfoot><tr>
                <th scope="row" colspan="5" class="hide-s">{move || sums.with(|(shown, ..)| format!("{shown} shown"))}</th>
                <td class="num hide-s">{move || sums.with(|(_, claimed, _)| claimed.clone())}</td>
                <td class="num hide-s p2">{move || sums.with(|(.., paid)| paid.clone())}</td>
            </tr></tfoot>
        </table>
        <nav class="pager" aria-label="Pages">
            <span>"Deadlines by carrier are data: "<a class="btn btn--s btn--bare" href="/claims/deadlines">"rules and sources"</a></span>
            <span class="push">{move || next.get().map(|href| view! { <a class="btn btn--s" href=href rel="next">"Next"<Icon name="right"/></a> })}</span>
        </nav>
    }
}

fn one(row: ClaimRow, href: String, on: impl Fn() -> bool + Send + 'static) -> impl IntoView {
    let shipment = format!("/shipments/{}", row.shipment);
    view! {
        <tr class:cursor=on data-testid="claim-row">
            <th scope="row" class="two nowrap c11"><a href=href>{row.reason}</a><small class="id thin muted">{row.number}</small></th>
            <td class="two nowrap c21"><a class="id" href=shipment>{row.tracking}</a><small class="wide-block">{row.carrier}</small></td>
            <td class="two nowrap c12">{due_words(&row.due)}<small>{row.due.day.clone()}</small></td>
            <td class="nowrap c22">{status_tag(row.status)}</td>
            <td class="nowrap hide-s p3">{row.evidence.map(meter)}</td>
            <td class="num nowrap hide-s">{amount(row.claimed)}</td>
            <td class="num nowrap hide-s p2">{amount(row.paid)}</td>
        </tr>
    }
}

fn none(tab: ClaimTab) -> impl IntoView {
    if tab == ClaimTab::All {
        return view! { <Empty title="No claims yet">"A claim is raised on a shipment that is damaged, lost, incomplete or late, or by a rule."</Empty> }.into_any();
    }
    view! { <Empty title="No claims here"><a class="btn" href="/claims">"All claims"</a></Empty> }.into_any()
}
