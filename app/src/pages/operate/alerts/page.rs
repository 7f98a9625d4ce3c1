//! The page: head, tabs, filters, list; beside it channels and rules.

use super::{acts::Acts, maintenance, rows, side};
use crate::{
    api,
    components::{
        Frame, Icon, browser,
        live::{followed, part},
        parts::Empty,
    },
    contract::alerts::{AlertOwner, AlertTab, AlertsQuery, AlertsView},
};
use domain::Severity;
use leptos::{form::ActionForm, prelude::*};
use leptos_router::{hooks::use_query_map, params::ParamsMap};
use std::collections::BTreeMap;

fn question(params: &ParamsMap) -> AlertsQuery {
    let text = |key: &str| params.get(key).unwrap_or_default();
    AlertsQuery {
        view: AlertTab::of(&text("view")),
        severity: Severity::from_code(&text("severity")),
        kind: text("kind"),
        owner: AlertOwner::of(&text("owner")),
        connection: text("connection"),
        alert: text("alert"),
    }
}

/// The address of a question.
fn address(query: &AlertsQuery) -> String {
    let pairs = [
        ("view", query.view.code()),
        ("severity", query.severity.map_or("", Severity::code)),
        ("kind", &query.kind),
        ("owner", query.owner.code()),
        ("connection", &query.connection),
    ];
    let mut params = ParamsMap::new();
    pairs.into_iter().filter(|(_, v)| !v.is_empty()).for_each(|(k, v)| params.insert(k, v.to_owned()));
    format!("/alerts{}", params.to_query_string())
}

type Asked = (AlertsQuery, AlertsView);

/// The page.
#[component]
pub fn AlertsPage() -> impl IntoView {
    let params = use_query_map();
    let query = Memo::new(move |_| question(&params.get()));
    let acts = Acts::new();
    let asked = Resource::new(
        move || (query.get(), acts.done()),
        |(query, _)| async move { api::get_alerts(query.clone()).await.map(|view| (query, view)) },
    );
    browser::acted(move || acts.done());
    browser::regularly(move || asked.refetch());
    view! {
        <Frame title="Alerts">
            {move || acts.failed()}
            {move || acts.tested()}
            {followed(asked, move |asked| view! { <Page asked acts/> })}
        </Frame>
    }
}

#[component]
fn Page(asked: Signal<Asked>, acts: Acts) -> impl IntoView {
    let head = part(asked, |(_, view)| (view.summary.clone(), view.unacknowledged));
    let read_us = part(asked, |(_, view)| view.read_us.clone());
    let tabs = part(asked, |(query, view)| (query.clone(), view.tabs.clone()));
    let filters = part(asked, |(query, view)| (query.clone(), view.kinds.clone(), view.about.clone()));
    let sizes = part(asked, |(_, view)| (view.rules.len(), view.channels.len()));
    let connections = part(asked, |(_, view)| view.connections.clone());
    let maintained = part(asked, |(_, view)| view.maintenance.clone());
    let shape = part(asked, |(query, view)| (query.clone(), view.rows.is_empty()));
    // ages go on by themselves: with them aside a row is made anew only when something happened to it
    let ages = part(asked, |(_, view)| {
        view.rows.iter().map(|row| (row.id.clone(), row.age.clone())).collect::<BTreeMap<_, _>>()
    });
    let list = part(asked, |(_, view)| rows::lines(&view.rows));
    let quiet = part(asked, |(query, view)| (query.view, view.quiet.clone()));
    let channels = part(asked, |(_, view)| (view.channels.clone(), view.tested.clone(), view.quiet_hours.clone()));
    let rules = part(asked, |(_, view)| view.rules.clone());
    view! {
        {top(head, read_us, connections, acts)}
        {move || maintained.get().into_iter().map(|one| maintenance::note(one, acts)).collect_view()}
        <nav class="tabs" aria-label="Alerts">{move || tabs.with(|(query, tabs)| tab_links(query, tabs))}
            {move || sizes.with(|(rules, channels)| view! { <a href="#rules">"Rules "<span class="n">{*rules}</span></a><a href="#channels">"Channels "<span class="n">{*channels}</span></a> })}</nav>
        {move || filters.with(|(query, kinds, about)| filter_form(query, kinds, about))}
        <div class="cols cols--side">
            <div class="stack">
                {move || shape.with(|(query, empty)| {
                    let shown = query.view != AlertTab::Resolved || !query.alert.is_empty();
                    shown.then(|| match empty {
                        true => none(query).into_any(),
                        false => rows::table(list, ages, acts).into_any(),
                    })
                })}
                {move || quiet.with(|(view, rows)| rows::quiet(*view, rows.clone()))}
            </div>
            <aside class="stack" aria-label="Channels and rules">
                {move || channels.with(|(rows, tested, hours)| side::channels(rows.clone(), tested.clone(), hours.clone(), acts))}
                {side::rules(rules, acts)}
            </aside>
        </div>
    }
}

fn top(
    head: Memo<(String, u64)>,
    read_us: Memo<String>,
    connections: Memo<Vec<(String, String)>>,
    acts: Acts,
) -> impl IntoView {
    let summary = move || head.with(|(summary, _)| summary.clone());
    let waiting = Memo::new(move |_| head.with(|(_, waiting)| *waiting));
    let all = move || {
        let waiting = waiting.get();
        (waiting > 0).then(|| {
            view! {
                <ActionForm action=acts.acknowledge attr:class="inline-form"><input type="hidden" name="id" value=""/>
                    <input type="hidden" name="read_us" value=move || read_us.get()/>
                    <button class="btn" type="submit" data-testid="acknowledge-all"><Icon name="check"/>{format!("Acknowledge all {waiting}")}</button></ActionForm>
            }
        })
    };
    view! {
        <div class="page__head">
            <div><h1>"Alerts"</h1><p data-testid="summary">{summary}</p></div>
            <div class="row push">{maintenance::button(connections, acts)}{all}</div>
        </div>
    }
}

fn tab_links(query: &AlertsQuery, tabs: &[(AlertTab, u64)]) -> impl IntoView + use<> {
    tabs.iter()
        .map(|(view, n)| {
            let href = address(&AlertsQuery { view: *view, alert: String::new(), ..query.clone() });
            view! { <a href=href aria-current=(query.view == *view).then_some("page")>{view.label()}" "<span class="n">{*n}</span></a> }
        })
        .collect_view()
}

/// What narrows the list: a plain form, which works before the browser's half has come and without it.
fn filter_form(query: &AlertsQuery, kinds: &[(String, String)], about: &[(String, String)]) -> impl IntoView + use<> {
    let option = |value: &str, label: String, chosen: bool| {
        view! { <option value=value.to_owned() selected=chosen>{label}</option> }
    };
    let severities = [Severity::Critical, Severity::Major, Severity::Minor]
        .map(|one| option(one.code(), format!("Severity: {}", one.label()), query.severity == Some(one)));
    let kinds =
        kinds.iter().map(|(code, label)| option(code, format!("Kind: {label}"), query.kind == *code)).collect_view();
    let about = about
        .iter()
        .map(|(name, label)| option(name, format!("Connection: {label}"), query.connection == *name))
        .collect_view();
    let owners = [(AlertOwner::Mine, "Owner: me"), (AlertOwner::Unassigned, "Unassigned")]
        .map(|(owner, label)| option(owner.code(), label.to_owned(), query.owner == owner));
    let any = AlertsQuery { view: query.view, ..AlertsQuery::default() };
    let clear = (*query != any)
        .then(|| view! { <a class="chip chip--on" href=address(&any)>"Clear filters"<Icon name="x"/></a> });
    view! {
        <form class="chips" method="get" action="/alerts" aria-label="Filters">
            <input type="hidden" name="view" value=query.view.code()/>
            <select class="chip" name="severity" aria-label="Severity"><option value="">"Severity"</option>{severities}</select>
            <select class="chip" name="kind" aria-label="Kind"><option value="">"Kind"</option>{kinds}</select>
            <select class="chip" name="connection" aria-label="Connection"><option value="">"Connection"</option>{about}</select>
            <select class="chip" name="owner" aria-label="Owner"><option value="">"Owner"</option>{owners}</select>
            <button class="btn btn--s" type="submit">"Filter"</button>
            {clear}
            <span class="push small muted wide-only">"By severity, newest first; same cause and place make one alert"</span>
        </form>
    }
}

fn none(query: &AlertsQuery) -> impl IntoView + use<> {
    let any = AlertsQuery { view: query.view, ..AlertsQuery::default() };
    if *query != any {
        let href = address(&any);
        return view! { <div class="table-box"><Empty title="No alerts match these filters"><a class="btn" href=href>"Clear filters"</a></Empty></div> }.into_any();
    }
    let (title, text) = match query.view {
        AlertTab::Acknowledged => {
            ("Nothing is acknowledged", "Alerts that a person has seen and that are still open appear here.")
        }
        AlertTab::Snoozed => {
            ("Nothing is snoozed", "Alerts that are quiet for a while appear here until they come back.")
        }
        _ => (
            "No open alerts",
            "Milepost looks at every rule once a minute; what fires appears here and goes out over the channels.",
        ),
    };
    view! { <div class="table-box"><Empty title=title>{text}</Empty></div> }.into_any()
}
