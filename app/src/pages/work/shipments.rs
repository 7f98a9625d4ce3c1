//! The list of shipments. The whole question is in the address.

use crate::{
    api,
    components::{
        Chip, Frame, Icon, Late, SeverityMark, StateMark, Time, browser,
        live::{followed, part, rows},
        may, not_connected,
        parts::{Empty, grouped},
        searched_by,
    },
    contract::{
        session::Permission,
        shipments::{Freshness, Linked, ListPage, ListQuery, ListTab, Row},
    },
};
use domain::{Direction, State, labels::LabelState, unknown::Cause, visible::visible};
use leptos::prelude::*;
use leptos_router::{hooks::use_query_map, params::ParamsMap};

/// The views, as they are called.
const fn label(tab: ListTab) -> &'static str {
    match tab {
        ListTab::Open => "Open",
        ListTab::Exceptions => "Exceptions",
        ListTab::Late => "Late",
        ListTab::Silent => "No updates",
        ListTab::Delivered => "Delivered",
        ListTab::Unclaimed => "Unlinked",
        ListTab::All => "All",
    }
}

fn question(params: &ParamsMap) -> ListQuery {
    let text = |key: &str| params.get(key).unwrap_or_default();
    let (tab, words) = (text("tab"), text("q"));
    ListQuery {
        // a search looks everywhere unless a view is chosen
        tab: if tab.is_empty() && !words.is_empty() { ListTab::All } else { ListTab::of(&tab) },
        text: words,
        state: State::from_code(&text("state")),
        direction: Direction::from_code(&text("direction")),
        linked: Linked::of(&text("linked")),
        carrier: text("carrier"),
        labels: LabelState::from_code(&text("labels")),
        unknown: Cause::from_code(&text("unknown")),
        fresh: Freshness::of(&text("fresh")),
        delivered: text("delivered"),
        cursor: text("cursor"),
    }
}

/// The address of a question.
pub(crate) fn address(query: &ListQuery) -> String {
    let pairs = [
        ("tab", query.tab.code()),
        ("q", &query.text),
        ("state", query.state.map_or("", State::code)),
        ("direction", query.direction.map_or("", Direction::code)),
        ("linked", query.linked.code()),
        ("carrier", &query.carrier),
        ("labels", query.labels.map_or("", LabelState::code)),
        ("unknown", query.unknown.map_or("", Cause::code)),
        ("fresh", query.fresh.code()),
        ("delivered", &query.delivered),
        ("cursor", &query.cursor),
    ];
    let mut params = ParamsMap::new();
    pairs.into_iter().filter(|(_, v)| !v.is_empty()).for_each(|(k, v)| params.insert(k, v.to_owned()));
    format!("/shipments{}", params.to_query_string())
}

/// The list page.
#[component]
pub fn ShipmentsPage() -> impl IntoView {
    let params = use_query_map();
    let query = Memo::new(move |_| question(&params.get()));
    // straight to the shipment that goes under exactly what was searched
    let exact = Resource::new_blocking(
        move || params.get().get("find").and(params.get().get("q")).unwrap_or_default(),
        |text| async move { if text.is_empty() { Ok(None) } else { api::find_shipment(text).await } },
    );
    let list = Resource::new(
        move || query.get(),
        |query| async move { api::list_shipments(query.clone()).await.map(|page| (query, page)) },
    );
    browser::live(|| "/live/shipments".to_owned(), move || list.refetch());
    view! {
        <Frame title="Shipments">
            <Suspense fallback=|| ()>
                {move || Suspend::new(async move {
                    let found = exact.await.ok().flatten();
                    found.map(|id| view! { <leptos_router::components::Redirect path=format!("/shipments/{id}")/> })
                })}
            </Suspense>
            <div class="page__head"><div><h1>"Shipments"</h1></div></div>
            {followed(list, move |list| view! { <List list/> })}
        </Frame>
    }
}

type Asked = (ListQuery, ListPage);

#[component]
fn List(list: Signal<Asked>) -> impl IntoView {
    let empty = part(list, |(_, page)| page.rows.is_empty());
    let shipments = part(list, |(_, page)| page.rows.clone());
    let table = move || {
        view! {
            <table class="table table--sticky table--list">
                <caption class="sr">"Shipments, sorted by need for action"</caption>
                <thead><tr>
                    <th>"Status, exception"</th><th>"Tracking number, carrier"</th><th class="p3">"Order, transfer"</th>
                    <th class="p2">"Destination"</th><th>"ETA, promised"</th><th class="num">"On time"</th><th>"Last event"</th><th class="num">"Case"</th>
                </tr></thead>
                <tbody>{rows(shipments, |row| row.id.clone(), |row| view! { <ListRow row/> })}</tbody>
            </table>
        }
    };
    view! {
        {move || list.with(|(query, page)| narrowing(query, page))}
        <div class="table-box">
            {move || if empty.get() { list.with(|(query, page)| nothing(query, page.cut_short)) } else { table().into_any() }}
            {move || list.with(|(query, page)| pager(query, page))}
        </div>
    }
}

/// The views with their counts, what narrows them, and how new all of it is.
fn narrowing(query: &ListQuery, page: &ListPage) -> impl IntoView + use<> {
    let tabs = page
        .tabs
        .iter()
        .map(|tab| {
            let here = (tab.key == query.tab).then_some("page");
            let state = query.state.filter(|state| ListQuery::filters_by(tab.key, *state));
            let href = address(&ListQuery { tab: tab.key, state, cursor: String::new(), ..query.clone() });
            // the counts are of whole views
            let count = (!query.is_narrowed()).then(|| view! { " "<span class="n">{grouped(tab.count)}</span> });
            let data = (!query.is_narrowed()).then(|| tab.count.to_string());
            view! { <a href=href aria-current=here data-count=data>{label(tab.key)}{count}</a> }
        })
        .collect_view();
    let filters = filters(query);
    let offered = |state: &&State| query.state == Some(**state) || ListQuery::filters_by(query.tab, **state);
    let states = State::ALL.iter().filter(offered).map(|state| {
        let on = query.state == Some(*state);
        let href = address(&ListQuery { state: (!on).then_some(*state), cursor: String::new(), ..query.clone() });
        let class = if on { "chip chip--on" } else { "chip" };
        view! { <a class=class href=href aria-pressed=on.to_string() role="button"><StateMark state=*state/>{on.then(|| view! { <Icon name="x"/> })}</a> }
    }).collect_view();
    let directions = Direction::ALL.iter().map(|direction| {
        let on = query.direction == Some(*direction);
        let href = address(&ListQuery { direction: (!on).then_some(*direction), cursor: String::new(), ..query.clone() });
        let class = if on { "chip chip--on" } else { "chip" };
        view! { <a class=class href=href aria-pressed=on.to_string() role="button">{direction.label()}{on.then(|| view! { <Icon name="x"/> })}</a> }
    }).collect_view();
    // where no label was ever booked there is nothing to choose
    let offered = |state: &&LabelState| query.labels == Some(**state) || page.labels;
    let labels: Vec<_> = LabelState::ALL.iter().filter(offered).map(|state| {
        let on = query.labels == Some(*state);
        let href = address(&ListQuery { labels: (!on).then_some(*state), cursor: String::new(), ..query.clone() });
        let class = if on { "chip chip--on" } else { "chip" };
        view! { <a class=class href=href aria-pressed=on.to_string() role="button">{state.label()}{on.then(|| view! { <Icon name="x"/> })}</a> }
    }).collect();
    let labels =
        (!labels.is_empty()).then(|| view! { <div class="chips" role="group" aria-label="Label">{labels}</div> });
    let causes = causes(query);
    let cut_off = use_context::<browser::CutOff>();
    let live = page.newest.clone();
    let newest = move || {
        let live = live.clone().filter(|_| !cut_off.is_some_and(browser::CutOff::is));
        live.map(|when| view! { <span class="live push" role="status" data-testid="live"><span>"Live · last event "<Time when/></span></span> })
    };
    view! {
        <nav class="tabs" aria-label="Views">{tabs}</nav>
        {filters}
        <div class="chips" role="group" aria-label="Direction">{directions}</div>
        {labels}
        {causes}
        <div class="chips" role="group" aria-label="Status">{states}{newest}</div>
    }
}

/// Why nothing current is known, where shipments of which nothing is known are looked for.
fn causes(query: &ListQuery) -> impl IntoView + use<> {
    let wanted = query.unknown.is_some() || query.state == Some(State::Unknown) || query.tab == ListTab::Silent;
    wanted.then(|| {
        let chips = Cause::ALL.iter().map(|cause| {
            let on = query.unknown == Some(*cause);
            // a cause is of any status: the order system can have refused one that is known
            let other = ListQuery { unknown: (!on).then_some(*cause), state: None, cursor: String::new(), ..query.clone() };
            let class = if on { "chip chip--on" } else { "chip" };
            view! { <a class=class href=address(&other) aria-pressed=on.to_string() role="button" data-testid="cause">{cause.label()}{on.then(|| view! { <Icon name="x"/> })}</a> }
        }).collect_view();
        view! { <div class="chips" role="group" aria-label="No current status because"><span class="small muted">"Not known because"</span>{chips}</div> }
    })
}

fn pager(query: &ListQuery, page: &ListPage) -> impl IntoView + use<> {
    let older = page.next.clone().map(|cursor| address(&ListQuery { cursor, ..query.clone() }));
    let on = if page.cut_short { "Search further" } else { "Next page" };
    let first = (!query.cursor.is_empty()).then(|| address(&ListQuery { cursor: String::new(), ..query.clone() }));
    view! {
        <nav class="pager" aria-label="Pages">
            <span class="wide-only muted"><kbd>"j"</kbd>" "<kbd>"k"</kbd>" move · "<kbd>"Enter"</kbd>" open · "<kbd>"/"</kbd>" search"</span>
            <span class="push btn-group">
                {first.map(|href| view! { <a class="btn btn--s" href=href><Icon name="left"/>"First page"</a> })}
                {older.map(|href| view! { <a class="btn btn--s" href=href rel="next">{on}<Icon name="right"/></a> })}
            </span>
        </nav>
    }
}

/// What narrows the view beside its status, each to be taken off.
fn filters(query: &ListQuery) -> impl IntoView + use<> {
    let first = ListQuery { cursor: String::new(), ..query.clone() };
    let fresh = match query.fresh {
        Freshness::Any => None,
        Freshness::Current => Some("Event within 48 h"),
        Freshness::Outdated => Some("No event within 48 h"),
        Freshness::Received => Some("Update received within 48 h"),
        Freshness::NotReceived => Some("No update received within 48 h"),
    };
    let chips: Vec<_> = [
        ("Search", query.text.clone(), ListQuery { text: String::new(), ..first.clone() }),
        ("Carrier", query.carrier.clone(), ListQuery { carrier: String::new(), ..first.clone() }),
        ("Delivered on", day(&query.delivered), ListQuery { delivered: String::new(), ..first.clone() }),
    ]
    .into_iter()
    .filter(|(_, value, _)| !value.is_empty())
    .map(|(label, value, without)| view! { <Chip label value off=address(&without)/> })
    .collect();
    let linked = (query.linked == Linked::Order)
        .then(|| view! { <Chip label="Linked to an order" off=address(&ListQuery { linked: Linked::Any, ..first.clone() })/> });
    let fresh =
        fresh.map(|label| view! { <Chip label off=address(&ListQuery { fresh: Freshness::Any, ..first.clone() })/> });
    let unknown = query.unknown.map(|cause| {
        let off = address(&ListQuery { unknown: None, ..first.clone() });
        view! { <Chip label="No current status" value=cause.label() off=off/> }
    });
    let any = !chips.is_empty() || linked.is_some() || fresh.is_some() || unknown.is_some();
    any.then(|| view! { <div class="chips" role="group" aria-label="Filters">{chips}{linked}{fresh}{unknown}</div> })
}

/// A day as pages write it; as it came where it is none.
fn day(iso: &str) -> String {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let mut parts = iso.split('-').map(str::parse::<usize>);
    match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some(Ok(year)), Some(Ok(month)), Some(Ok(day)), None) => {
            month.checked_sub(1).and_then(|m| MONTHS.get(m)).map(|month| format!("{day} {month} {year}"))
        }
        _ => None,
    }
    .unwrap_or_else(|| iso.to_owned())
}

fn nothing(query: &ListQuery, cut_short: bool) -> AnyView {
    if let Some(why) = not_connected().filter(|_| !query.is_narrowed()) {
        return why;
    }
    let searched = visible(&query.text);
    let all = ListQuery { tab: query.tab, ..ListQuery::default() };
    let clear = query.is_narrowed().then(|| address(&all));
    let which = if cut_short {
        "None of the shipments searched so far"
    } else if query.cursor.is_empty() {
        "No shipments"
    } else {
        "No more shipments"
    };
    let matches = if cut_short { "matches" } else { "match" };
    let what = if searched.is_empty() { "these filters".to_owned() } else { format!("“{searched}”") };
    let title = format!("{which} {matches} {what}");
    let advice = match (searched.is_empty(), clear.is_some()) {
        (false, _) => format!("Search by {}.", searched_by(may(Permission::ReadPersonal))),
        (true, true) => String::new(),
        (true, false) => "Shipments come from Odoo and from carriers’ messages.".to_owned(),
    };
    view! { <Empty title>{advice}{clear.map(|href| view! { <a class="btn btn--s" href=href>"Clear filters"</a> })}</Empty> }.into_any()
}

#[component]
fn ListRow(row: Row) -> impl IntoView {
    let href = format!("/shipments/{}", row.id);
    let late = match row.late {
        Some((how, text)) => view! { <Late how text/> }.into_any(),
        None => view! { <span class="faint">"–"</span> }.into_any(),
    };
    let direction = (!row.direction.is_outbound()).then(|| view! { <b>{row.direction.label()}</b>" · " });
    let more = (row.more_numbers > 0).then(|| format!(" +{} more", row.more_numbers));
    view! {
        <tr data-testid="shipment-row">
            <td class="two c11"><StateMark state=row.state/><small>{row.exception.map(|(severity, label)| view! { <SeverityMark severity label/> })}</small></td>
            <td class="two c21"><a class="id" href=href data-row="" data-testid="tracking-number">{row.number}</a><small>{direction}{row.carrier}{more}</small></td>
            <td class="two c22 p3"><span class="id">{row.order}</span><small class="id wide-only">{row.transfer}</small></td>
            <td class="hide-s p2 nowrap">{row.destination}</td>
            <td class="two nowrap hide-s">
                {row.eta.map_or_else(|| view! { <span class="muted">"No ETA"</span> }.into_any(), |when| view! { {row.delivered.then_some("Delivered ")}<Time when/> }.into_any())}
                <small>{row.promise.map(|when| view! { "promised "<Time when/> })}</small>
            </td>
            <td class="num nowrap c12">{late}</td>
            <td class="fill two c3">
                <div class="cut">{row.last_event.unwrap_or_else(|| "No tracking updates yet".into())}</div>
                <small class="cut">{row.last_place.map(|place| format!("{place} · "))}{row.last_at.map(|when| view! { <Time when/> })}</small>
            </td>
            <td class="num id hide-s">{row.case.map_or_else(|| view! { <span class="faint">"–"</span> }.into_any(), |case| view! { <span>{format!("#{case}")}</span> }.into_any())}</td>
        </tr>
    }
}
