//! The page: figure, run, causes, list.

use super::{
    acts::{Acts, PREVIEW},
    parts, rows,
};
use crate::{
    api,
    components::{
        Frame, Icon, browser,
        live::{followed, part, rows as keyed},
        parts::{Empty, grouped},
    },
    contract::reconciliation::{Age, DifferenceView, Owned, ReconciliationQuery, ReconciliationView, Tab},
};
use domain::{
    reconcile::{Cause, Topic},
    visible::visible,
};
use leptos::{form::ActionForm, prelude::*};
use leptos_router::{NavigateOptions, hooks::use_navigate, hooks::use_query_map, params::ParamsMap};

/// Every one that is safe to fix, in place of ids.
const ALL_SAFE: &str = "safe";

fn question(params: &ParamsMap) -> ReconciliationQuery {
    let text = |key: &str| params.get(key).unwrap_or_default();
    ReconciliationQuery {
        view: Tab::of(&text("view")),
        field: text("field"),
        system: text("system"),
        cause: text("cause"),
        carrier: text("carrier"),
        owner: Owned::of(&text("owner")),
        age: Age::of(&text("age")),
        cursor: text("cursor"),
        preview: params.get_all("preview").unwrap_or_default().join(","),
    }
}

/// The address of a question.
fn address(query: &ReconciliationQuery) -> String {
    let pairs = [
        ("view", query.view.code()),
        ("field", &query.field),
        ("system", &query.system),
        ("cause", &query.cause),
        ("carrier", &query.carrier),
        ("owner", query.owner.code()),
        ("age", query.age.code()),
        ("cursor", &query.cursor),
        ("preview", &query.preview),
    ];
    let mut params = ParamsMap::new();
    pairs.into_iter().filter(|(_, v)| !v.is_empty()).for_each(|(k, v)| params.insert(k, v.to_owned()));
    format!("/reconciliation{}", params.to_query_string())
}

/// The same question without its preview, at its beginning.
fn plain(query: &ReconciliationQuery) -> ReconciliationQuery {
    ReconciliationQuery { cursor: String::new(), preview: String::new(), ..query.clone() }
}

type Asked = (ReconciliationQuery, ReconciliationView);

/// The page.
#[component]
pub fn ReconciliationPage() -> impl IntoView {
    let params = use_query_map();
    let query = Memo::new(move |_| question(&params.get()));
    let acts = Acts::new();
    let asked = Resource::new(
        move || (query.get(), acts.done()),
        |(query, _)| async move { api::get_reconciliation(query.clone()).await.map(|view| (query, view)) },
    );
    browser::acted(move || acts.done());
    browser::regularly(move || asked.refetch());
    // what was previewed is being fixed
    let navigate = use_navigate();
    Effect::watch(
        move || acts.fix.value().with(|fixed| matches!(fixed, Some(Ok(_)))).then(|| acts.fix.version().get()),
        move |fixed, _, _| {
            let here = query.get_untracked();
            if fixed.is_some() && !here.preview.is_empty() {
                navigate(&address(&plain(&here)), NavigateOptions::default());
            }
        },
        false,
    );
    view! {
        <Frame title="Reconciliation">
            {move || acts.failed()}
            {move || acts.started()}
            {followed(asked, move |asked| view! { <Page asked acts/> })}
        </Frame>
    }
}

#[component]
fn Page(asked: Signal<Asked>, acts: Acts) -> impl IntoView {
    let query = part(asked, |(query, _)| query.clone());
    let head = part(asked, |(query, view)| (query.clone(), view.every.clone(), view.running.is_some(), view.connected));
    let hero =
        part(asked, |(_, view)| (view.share.clone(), view.days.clone(), view.target.clone(), view.definition.clone()));
    let running = part(asked, |(_, view)| view.running.clone());
    let causes = part(asked, |(_, view)| view.causes.clone());
    let tabs = part(asked, |(query, view)| (query.clone(), view.tabs.clone()));
    let filters = part(asked, |(query, view)| (query.clone(), view.systems.clone(), view.carriers.clone()));
    let preview = part(asked, |(_, view)| view.preview.clone());
    let of_cause = move |cause: Cause| {
        let query = ReconciliationQuery { cause: cause.code().into(), ..ReconciliationQuery::default() };
        address(&query)
    };
    view! {
        {move || head.with(|(query, every, running, connected)| top(query, every.as_deref(), *running, *connected, acts))}
        <div class="cols cols--wide-side">
            {move || hero.with(|_| asked.with_untracked(|(_, view)| parts::hero(view)))}
            <div class="stack">
                {move || match running.get() {
                    Some(run) => parts::running(run, acts.stop).into_any(),
                    None => head.with(|(_, every, ..)| parts::idle(every.as_deref())).into_any(),
                }}
                {move || parts::causes(causes.get(), of_cause)}
            </div>
        </div>
        <nav class="tabs" aria-label="Differences">{move || tabs.with(|(query, tabs)| tab_links(query, tabs))}</nav>
        {move || (query.with(|query| query.view) != Tab::Runs).then(|| filters.with(|(query, systems, carriers)| {
            view! { <Filters query=query.clone() systems=systems.clone() carriers=carriers.clone()/> }
        }))}
        <section class="table-box" id="diffs">{table(asked, query, acts)}</section>
        {move || preview.get().map(|preview| rows::fixbar(preview, acts, address(&plain(&query.get()))))}
    }
}

fn top(
    query: &ReconciliationQuery,
    every: Option<&str>,
    running: bool,
    connected: bool,
    acts: Acts,
) -> impl IntoView + use<> {
    let often = every.map(|every| format!(", {every}")).unwrap_or_default();
    let why_off = match (running, connected) {
        (true, _) => "A run is in progress",
        (false, false) => "No order system is connected",
        _ => "",
    };
    let export = address(&plain(query)).replacen("/reconciliation", "/reconciliation/export.csv", 1);
    view! {
        <div class="page__head">
            <div><h1>"Reconciliation"</h1><p>{format!("Compares shipments in Odoo, Milepost and the service desk{often}")}</p></div>
            <div class="row push">
                <span class="small muted" id="why-off">{why_off}</span>
                <a class="btn" href=export rel="external" download="differences.csv" data-testid="export"><Icon name="csv"/>"Export"</a>
                <ActionForm action=acts.start attr:class="inline-form">
                    <button class="btn" type="submit" disabled={!why_off.is_empty()} aria-describedby="why-off" data-testid="run-now"><Icon name="play"/>"Run now"</button>
                </ActionForm>
            </div>
        </div>
    }
}

fn tab_links(query: &ReconciliationQuery, tabs: &[(Tab, Option<u64>)]) -> impl IntoView + use<> {
    tabs.iter()
        .map(|(view, n)| {
            let href = address(&ReconciliationQuery { view: *view, ..plain(query) });
            let n = n.map(|n| view! { <span class="n">{grouped(n)}</span> });
            view! { <a href=href aria-current=(query.view == *view).then_some("page")>{view.label()}" "{n}</a> }
        })
        .collect_view()
}

fn table(asked: Signal<Asked>, query: Memo<ReconciliationQuery>, acts: Acts) -> impl IntoView {
    let list = part(asked, |(_, view)| view.rows.clone());
    let empty = part(asked, |(_, view)| (view.rows.is_empty(), view.share.is_some()));
    let runs = part(asked, |(_, view)| view.runs.clone());
    let chosen = part(asked, |(_, view)| view.preview.as_ref().map(|preview| preview.ids.clone()).unwrap_or_default());
    let foot = part(asked, |(query, view)| {
        let next = view.next.clone().map(|cursor| address(&ReconciliationQuery { cursor, ..plain(query) }));
        (view.rows.len(), view.total, next)
    });
    let safe = part(asked, |(query, view)| {
        let any = view.rows.iter().any(|row| row.choosable);
        let preview = ReconciliationQuery { preview: ALL_SAFE.into(), ..plain(query) };
        any.then(|| address(&preview))
    });
    let line = move |row: DifferenceView| {
        let is = chosen.with_untracked(|chosen| chosen.contains(&row.id));
        rows::row(row, is, acts)
    };
    let full = move || {
        view! {
            <table class="table table--list table--lead table--ops table--rec">
                <caption class="sr">"Differences between Odoo, Milepost and the service desk"</caption>
                {rows::head()}
                <tbody>{keyed(list, |row| row.id.clone(), line)}</tbody>
            </table>
            <nav class="pager" aria-label="Pages">
                <span>{move || foot.with(|(shown, total, _)| format!("{shown} of {}", grouped(*total)))}</span>
                <span class="wide-only">"≠ marks the value that a fix would change"</span>
                <span class="push row">
                    {move || safe.get().map(|href| view! {
                        <form id=PREVIEW method="get" action="/reconciliation" class="inline-form hide-s">
                            {query.with(hidden)}
                            <button class="btn btn--s" type="submit" data-testid="preview-some">"Preview selected"</button>
                        </form>
                        <a class="btn btn--s" href=href data-testid="preview-all">"Select all of this filter"</a>
                    })}
                    {move || foot.with(|(_, _, next)| next.clone()).map(|href| view! { <a class="btn btn--s" href=href rel="next">"Next"<Icon name="right"/></a> })}
                </span>
            </nav>
        }
    };
    move || match (query.with(|query| query.clone()), empty.get()) {
        (ReconciliationQuery { view: Tab::Runs, .. }, _) => {
            if runs.with(Vec::is_empty) {
                view! { <Empty title="No runs yet">"Runs start by themselves once Odoo is connected; Run now starts one at once."</Empty> }.into_any()
            } else {
                parts::runs(runs.get()).into_any()
            }
        }
        (_, (false, _)) => full().into_any(),
        (here, (true, compared)) => none(&here, compared).into_any(),
    }
}

/// The filters, for a form that asks the same question.
fn hidden(query: &ReconciliationQuery) -> impl IntoView + use<> {
    let fields = [
        ("view", query.view.code()),
        ("field", &query.field),
        ("system", &query.system),
        ("cause", &query.cause),
        ("carrier", &query.carrier),
        ("owner", query.owner.code()),
        ("age", query.age.code()),
        ("cursor", &query.cursor),
    ];
    fields
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| view! { <input type="hidden" name=name value=value.to_owned()/> })
        .collect_view()
}

fn none(query: &ReconciliationQuery, compared: bool) -> impl IntoView + use<> {
    let any = ReconciliationQuery { view: query.view, ..ReconciliationQuery::default() };
    if plain(query) != any {
        let href = address(&any);
        return view! { <Empty title="No differences match these filters"><a class="btn" href=href>"Clear filters"</a></Empty> }.into_any();
    }
    match (query.view, compared) {
        (Tab::Fixed, _) => view! { <Empty title="Nothing fixed today">"Differences that Milepost or a person mends appear here until midnight."</Empty> }.into_any(),
        (_, true) => view! { <Empty title="No differences">"Odoo, Milepost and the service desk agree on every shipment that was compared."</Empty> }.into_any(),
        (_, false) => view! { <Empty title="Not compared yet">"The first run lists what differs between Odoo, Milepost and the service desk."</Empty> }.into_any(),
    }
}

/// What narrows the list. A plain form: its button is there until the browser's half is.
#[component]
fn Filters(query: ReconciliationQuery, systems: Vec<(String, String)>, carriers: Vec<String>) -> impl IntoView {
    let navigate = use_navigate();
    let asked = StoredValue::new(plain(&query));
    let set = Callback::new(move |(name, value): (&'static str, String)| {
        let mut query = asked.get_value();
        match name {
            "field" => query.field = value,
            "system" => query.system = value,
            "cause" => query.cause = value,
            "carrier" => query.carrier = value,
            "owner" => query.owner = Owned::of(&value),
            _ => query.age = Age::of(&value),
        }
        navigate(&address(&query), NavigateOptions::default());
    });
    let select = |name: &'static str, label: &'static str, value: &str, options: Vec<(String, String)>| {
        // of the address, which anybody can write
        let other = (!value.is_empty() && options.iter().all(|(option, _)| option != value)).then(|| {
            view! { <option value=value.to_owned() selected=true>{format!("{label}: {}", visible(value))}</option> }
        });
        let options = options
            .into_iter()
            .map(|(option, words)| {
                let selected = option == value;
                view! { <option value=option selected=selected>{format!("{label}: {words}")}</option> }
            })
            .collect_view();
        let class = if value.is_empty() { "chip" } else { "chip chip--on" };
        view! {
            <select class=class name=name aria-label=label on:change=move |event| set.run((name, event_target_value(&event)))>
                <option value="">{label}</option>{other}{options}
            </select>
        }
    };
    let of = |code: &str, label: &str| (code.to_owned(), label.to_owned());
    let fields = Topic::ALL.iter().map(|topic| of(topic.code(), topic.label())).collect();
    let causes = Cause::ALL.iter().map(|cause| of(cause.code(), cause.label())).collect();
    let carriers = carriers.into_iter().map(|carrier| (carrier.clone(), carrier)).collect();
    let owners = [Owned::Mine, Owned::Unassigned].map(|owned| of(owned.code(), owned.label())).to_vec();
    let ages = [Age::Hour, Age::Day, Age::Older].map(|age| of(age.code(), age.label())).to_vec();
    let any = ReconciliationQuery { view: query.view, ..ReconciliationQuery::default() };
    let clear = (plain(&query) != any)
        .then(|| view! { <a class="chip chip--on" href=address(&any)>"Clear filters"<Icon name="x"/></a> });
    let order = if query.view == Tab::Fixed { "Newest first" } else { "Oldest first" };
    view! {
        <form class="chips" method="get" action="/reconciliation" aria-label="Filters">
            <input type="hidden" name="view" value=query.view.code()/>
            {select("field", "Field", &query.field, fields)}
            {select("system", "System", &query.system, systems)}
            {select("cause", "Cause", &query.cause, causes)}
            {select("carrier", "Carrier", &query.carrier, carriers)}
            {select("owner", "Owner", query.owner.code(), owners)}
            {select("age", "Age", query.age.code(), ages)}
            <button class="btn btn--s before-hydration" type="submit">"Filter"</button>
            {clear}
            <span class="push small muted wide-only">{order}</span>
        </form>
    }
}
