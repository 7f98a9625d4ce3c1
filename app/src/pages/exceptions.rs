//! The exception queue: what needs a person, most urgent first.

use super::shipment::ActButton;
use crate::{
    api::{self, ActOnException},
    components::{Failed, Frame, Icon, Loading, SeverityMark, StateMark, Time, browser, parts::Empty},
    contract::{
        exceptions::{Act, QueuePage, QueueQuery, QueueRow},
        shipments::Lateness,
    },
};
use leptos::prelude::*;
use leptos_router::{hooks::use_query_map, params::ParamsMap};

const VIEWS: &[(&str, &str)] =
    &[("open", "All open"), ("mine", "Mine"), ("unassigned", "Nobody’s"), ("snoozed", "Snoozed"), ("closed", "Closed")];

fn question(params: &ParamsMap) -> QueueQuery {
    let text = |key: &str| params.get(key).unwrap_or_default();
    let view = Some(text("view")).filter(|v| !v.is_empty()).unwrap_or_else(|| "open".into());
    QueueQuery { view, category: text("category"), severity: text("severity"), cursor: text("cursor") }
}

fn address(query: &QueueQuery) -> String {
    let pairs = [
        ("view", &query.view),
        ("category", &query.category),
        ("severity", &query.severity),
        ("cursor", &query.cursor),
    ];
    let mut params = ParamsMap::new();
    pairs.into_iter().filter(|(_, v)| !v.is_empty()).for_each(|(k, v)| params.insert(k, v.clone()));
    format!("/exceptions{}", params.to_query_string())
}

/// The queue page.
#[component]
pub fn ExceptionsPage() -> impl IntoView {
    let params = use_query_map();
    let query = Memo::new(move |_| question(&params.get()));
    let act = ServerAction::<ActOnException>::new();
    let queue = Resource::new(move || (query.get(), act.version().get()), |(query, _)| api::exception_queue(query));
    browser::acted(move || act.version().get());
    browser::live(|| "/live/shipments".to_owned(), move || queue.refetch());
    let failed = move || act.value().get().and_then(Result::err).map(|error| view! { <Failed error/> });
    view! {
        <Frame title="Exceptions">
            {failed}
            <Transition fallback=Loading>
                {move || Suspend::new(async move {
                    match queue.await {
                        Ok(page) => view! { <Queue page query=query.get_untracked() act/> }.into_any(),
                        Err(error) => view! { <Failed error/> }.into_any(),
                    }
                })}
            </Transition>
        </Frame>
    }
}

#[component]
fn Queue(page: QueuePage, query: QueueQuery, act: ServerAction<ActOnException>) -> impl IntoView {
    let cards = page
        .cards
        .iter()
        .map(|card| {
            let on = query.category == card.code;
            let category = if on { String::new() } else { card.code.clone() };
            let href = address(&QueueQuery { category, cursor: String::new(), ..query.clone() });
            view! {
                <a class="card cat" href=href aria-current=on.then_some("true")>
                    <span class="small muted">{card.label.clone()}</span>
                    <span class="cat__n">{card.count}</span>
                    <span class="small muted">{card.note.clone()}</span>
                </a>
            }
        })
        .collect_view();
    let views = VIEWS
        .iter()
        .map(|(key, label)| {
            let href = address(&QueueQuery { view: (*key).into(), cursor: String::new(), ..query.clone() });
            view! { <a href=href aria-current=(query.view == *key).then_some("page")>{*label}</a> }
        })
        .collect_view();
    let category = page.cards.iter().find(|c| c.code == query.category).map(|card| {
        let href = address(&QueueQuery { category: String::new(), cursor: String::new(), ..query.clone() });
        view! { <a class="chip chip--on" href=href>"Category "<b>{card.label.clone()}</b><Icon name="x"/></a> }
    });
    let empty = page.rows.is_empty();
    let rows = page.rows.into_iter().map(|row| view! { <OneRow row act/> }).collect_view();
    let older = page.next.map(|cursor| address(&QueueQuery { cursor, ..query.clone() }));
    let open = page.open;
    view! {
        <div class="page__head"><div><h1>"Exceptions"</h1><p>{format!("{open} open, most urgent first")}</p></div></div>
        <div class="cols cats">{cards}</div>
        <div class="row"><nav class="tabs" aria-label="Queues">{views}</nav><div class="chips push">{category}</div></div>
        <div class="table-box">
            {if empty {
                view! { <Empty title="Nothing to do here">"Exceptions appear when a carrier reports trouble, or when a shipment is late or silent."</Empty> }.into_any()
            } else {
                view! {
                    <table class="table table--sticky table--list">
                        <caption class="sr">"Exceptions by severity and clock"</caption>
                        <thead><tr>
                            <th>"Exception"</th><th>"Shipment"</th><th class="p2">"State"</th><th>"Clock, age"</th>
                            <th class="p3">"Owner"</th><th class="num">"Case"</th><th><span class="sr">"Act"</span></th>
                        </tr></thead>
                        <tbody>{rows}</tbody>
                    </table>
                }.into_any()
            }}
            <nav class="pager" aria-label="Pages">
                <span class="push btn-group">{older.map(|href| view! { <a class="btn btn--s" href=href rel="next">"Next page"<Icon name="right"/></a> })}</span>
            </nav>
        </div>
    }
}

#[component]
fn OneRow(row: QueueRow, act: ServerAction<ActOnException>) -> impl IntoView {
    let clock_class = match row.clock.0 {
        Lateness::OnTime => "late nowrap",
        Lateness::Warn => "late late--warn nowrap",
        Lateness::Bad => "late late--bad nowrap",
    };
    let href = format!("/shipments/{}", row.shipment);
    let case = match row.case {
        Some((number, Some(url))) => view! { <a href=url rel="noreferrer">{format!("#{number}")}</a> }.into_any(),
        Some((number, None)) => view! { <span>{format!("#{number}")}</span> }.into_any(),
        None => view! { <span class="faint">"–"</span> }.into_any(),
    };
    let acts: &[(Act, &str)] = match (&row.closed, row.mine, row.acknowledged) {
        (Some(_), ..) => &[(Act::Reopen, "Reopen")],
        (None, true, _) => &[(Act::Release, "Give back"), (Act::Snooze, "Snooze"), (Act::Resolve, "Resolve")],
        (None, false, false) => &[(Act::Take, "Take"), (Act::Acknowledge, "Seen")],
        (None, false, true) => &[(Act::Take, "Take"), (Act::Snooze, "Snooze")],
    };
    let id = row.id;
    view! {
        <tr data-testid="exception-row">
            <th scope="row" class="two nowrap c11"><SeverityMark severity=row.severity label=row.label/><small>{row.responsible}</small></th>
            <td class="two nowrap c21"><a class="id" href=href data-row="">{row.number}</a><small class="wide-only">{row.route}</small></td>
            <td class="hide-s p2"><StateMark state=row.state/></td>
            <td class="two c12"><span class=clock_class>{row.clock.1}</span><small class="nowrap">{row.closed.clone().unwrap_or_else(|| "since ".into())}<Time when=row.age/></small></td>
            <td class="nowrap hide-s p3">{row.owner.unwrap_or_else(|| "nobody".into())}</td>
            <td class="num id hide-s">{case}</td>
            <td class="c3"><div class="row row--tight">{acts.iter().map(|(what, label)| view! { <ActButton id=id.clone() what=*what label=*label act/> }).collect_view()}</div></td>
        </tr>
    }
}
