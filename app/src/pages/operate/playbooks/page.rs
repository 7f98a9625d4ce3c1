//! The page with its three parts. Forms and links only, so that it works before the browser's half has come.

use super::{
    acts::{Acts, address},
    calendar, steps, teams,
};
use crate::{
    api,
    components::{
        Frame,
        live::{followed, part},
        parts::grouped,
    },
    contract::playbooks::{PlaybookTab, PlaybooksQuery, PlaybooksView},
};
use leptos::prelude::*;
use leptos_router::{hooks::use_query_map, params::ParamsMap};

fn question(params: &ParamsMap) -> PlaybooksQuery {
    let text = |key: &str| params.get(key).unwrap_or_default();
    PlaybooksQuery {
        tab: PlaybookTab::of(&text("tab")),
        reason: text("reason"),
        team: text("team"),
        country: text("country"),
    }
}

/// The page.
#[component]
pub fn PlaybooksPage() -> impl IntoView {
    let params = use_query_map();
    let query = Memo::new(move |_| question(&params.get()));
    let acts = Acts::new();
    let asked = Resource::new(
        move || (query.get(), acts.done()),
        |(query, _)| async move { api::get_playbooks(query.clone()).await.map(|view| (query, view)) },
    );
    view! {
        <Frame title="Playbooks">
            <div class="page__head"><div><h1>"Playbooks"</h1><p>"What is done about exceptions, by whom, and in which hours"</p></div></div>
            {move || acts.failed()}
            {followed(asked, move |asked| view! { <Whole asked acts/> })}
        </Frame>
    }
}

#[component]
fn Whole(asked: Signal<(PlaybooksQuery, PlaybooksView)>, acts: Acts) -> impl IntoView {
    let tabs = part(asked, |(query, view)| (query.tab, view.tabs.clone()));
    let steps = part(asked, |(query, view)| (query.reason.clone(), view.steps.clone()));
    let teams = part(asked, |(_, view)| (view.teams.clone(), view.form.clone()));
    let calendar = part(asked, |(_, view)| view.calendar.clone());
    let tab = part(asked, |(query, _)| query.tab);
    view! {
        <nav class="tabs" aria-label="Playbooks">{move || tabs.with(|(here, tabs)| tab_links(*here, tabs))}</nav>
        {move || match tab.get() {
            PlaybookTab::Steps => steps.with(|(reason, rows)| steps::list(reason, rows.clone(), acts)).into_any(),
            PlaybookTab::Teams => teams.with(|(rows, form)| teams::list(rows.clone(), form.clone(), acts)).into_any(),
            PlaybookTab::Calendar => calendar.get().map(|view| calendar::page(view, acts)).into_any(),
        }}
    }
}

fn tab_links(here: PlaybookTab, tabs: &[(PlaybookTab, u64)]) -> impl IntoView + use<> {
    tabs.iter()
        .map(|(tab, n)| {
            // a calendar is one, whatever it has
            let n = (*tab != PlaybookTab::Calendar).then(|| view! { " "<span class="n">{grouped(*n)}</span> });
            let href = address(&PlaybooksQuery { tab: *tab, ..PlaybooksQuery::default() });
            view! { <a href=href aria-current=(here == *tab).then_some("page")>{tab.label()}{n}</a> }
        })
        .collect_view()
}
