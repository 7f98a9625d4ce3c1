//! The exception queue: what needs a person, most urgent first.

use super::shipment::act_buttons;
use crate::{
    api::{self, ActOnException},
    components::{
        Chip, Count, Failed, Frame, Icon, Outside, SeverityMark, StateMark, Time, action, browser,
        live::{followed, part, rows},
        may,
        parts::Empty,
    },
    contract::{
        exceptions::{Act, Card, QueuePage, QueueQuery, QueueRow},
        session::Permission,
        shipments::Lateness,
    },
};
use domain::{Category, Severity};
use leptos::prelude::*;
use leptos_router::{hooks::use_query_map, params::ParamsMap};

const VIEWS: &[(&str, &str)] = &[
    ("open", "Open"),
    ("mine", "Assigned to me"),
    ("unassigned", "Unassigned"),
    ("snoozed", "Snoozed"),
    ("closed", "Closed"),
];
/// The ages of the overview: the least hours, in words.
const AGES: &[(&str, &str)] = &[
    ("0", "less than 4 h"),
    ("4", "4 to 8 h"),
    ("8", "8 to 24 h"),
    ("24", "1 to 2 d"),
    ("48", "2 to 4 d"),
    ("96", "4 d or more"),
];

fn question(params: &ParamsMap) -> QueueQuery {
    let text = |key: &str| params.get(key).unwrap_or_default();
    let view = Some(text("view")).filter(|v| !v.is_empty()).unwrap_or_else(|| "open".into());
    QueueQuery {
        view,
        category: text("category"),
        severity: text("severity"),
        due: text("due"),
        age: text("age"),
        recorded: text("recorded"),
        ticket: text("ticket"),
        cursor: text("cursor"),
    }
}

/// The address of a question.
pub(crate) fn address(query: &QueueQuery) -> String {
    let pairs = [
        ("view", &query.view),
        ("category", &query.category),
        ("severity", &query.severity),
        ("due", &query.due),
        ("age", &query.age),
        ("recorded", &query.recorded),
        ("ticket", &query.ticket),
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
    let act = action::<ActOnException>();
    let queue = Resource::new(
        move || (query.get(), act.version().get()),
        |(query, _)| async move { api::exception_queue(query.clone()).await.map(|page| (query, page)) },
    );
    browser::acted(move || act.version().get());
    browser::live(|| "/live/shipments".to_owned(), move || queue.refetch());
    let refused = move || act.value().get().and_then(Result::err);
    // the list says the same where it cannot be read either
    let said = RwSignal::new(false);
    Effect::new(move |_| {
        let same = refused().is_some_and(|why| queue.with(|list| matches!(list, Some(Err(error)) if *error == why)));
        said.set(same);
    });
    let failed = move || refused().filter(|_| !said.get()).map(|error| view! { <Failed error/> });
    view! {
        <Frame title="Exceptions">
            {failed}
            {followed(queue, move |queue| view! { <Queue queue act/> })}
        </Frame>
    }
}

type Asked = (QueueQuery, QueuePage);

#[component]
fn Queue(queue: Signal<Asked>, act: ServerAction<ActOnException>) -> impl IntoView {
    let may_act = may(Permission::Act);
    let chosen = part(queue, |(query, _)| query.category.clone());
    let open = part(queue, |(_, page)| page.open);
    let all = address(&QueueQuery { view: "open".into(), ..QueueQuery::default() });
    let empty = part(queue, |(_, page)| page.rows.is_empty());
    let older = part(queue, |(query, page)| {
        let cursor = page.next.clone()?;
        Some(address(&QueueQuery { cursor, ..query.clone() }))
    });
    let cards = part(queue, |(_, page)| page.cards.clone());
    let cards = rows(
        cards,
        |card| card.code.clone(),
        move |card| {
            let on = chosen.with(|chosen| *chosen == card.code);
            view! { <CategoryCard card on/> }
        },
    );
    let list = part(queue, |(_, page)| page.rows.clone());
    let table = move || {
        view! {
            <table class="table table--sticky table--list">
                <caption class="sr">"Exceptions by severity and SLA"</caption>
                <thead><tr>
                    <th>"Exception"</th><th>"Shipment"</th><th class="p2">"Status"</th><th>"SLA, age"</th>
                    <th class="p3">"Owner"</th><th class="num">"Case"</th>{may_act.then(|| view! { <th><span class="sr">"Actions"</span></th> })}
                </tr></thead>
                <tbody>{rows(list, |row| row.id.clone(), move |row| view! { <OneRow row act may_act/> })}</tbody>
            </table>
        }
    };
    view! {
        <div class="page__head"><div><h1>"Exceptions"</h1><p>{move || view! { <Count n=open.get() label="open" href=all.clone()/> }}</p></div></div>
        <div class="cols cats">{cards}</div>
        <div class="row">
            <nav class="tabs" aria-label="Queues">{move || queue.with(|(query, _)| views(query, may_act))}</nav>
            <div class="chips push">{move || queue.with(|(query, page)| filters(query, page))}</div>
        </div>
        <div class="table-box">
            {move || if empty.get() {
                view! { <Empty title="No exceptions match these filters">"Exceptions appear when a carrier reports trouble, or when a shipment is late or has no updates."</Empty> }.into_any()
            } else {
                table().into_any()
            }}
            <nav class="pager" aria-label="Pages">
                <span class="push btn-group">{move || older.get().map(|href| view! { <a class="btn btn--s" href=href rel="next">"Next page"<Icon name="right"/></a> })}</span>
            </nav>
        </div>
    }
}

#[component]
fn CategoryCard(card: Card, on: bool) -> impl IntoView {
    // the counts are of everything that is open
    let all = QueueQuery { view: "open".into(), category: card.code, ..QueueQuery::default() };
    let worst = QueueQuery { severity: card.worst.code().into(), ..all.clone() };
    let label = card.worst.label().to_lowercase();
    view! {
        <div class="card cat" aria-current=on.then_some("true")>
            <span class="small muted">{card.label}</span>
            <Count class="cat__n" n=card.count href=address(&all)/>
            <span class="small"><Count n=card.of_worst label href=address(&worst)/></span>
        </div>
    }
}

fn views(query: &QueueQuery, may_act: bool) -> impl IntoView + use<> {
    VIEWS
        .iter()
        // nothing is ever assigned to a viewer who may not act
        .filter(|(key, _)| may_act || *key != "mine")
        .map(|(key, label)| {
            let href = address(&QueueQuery { view: (*key).into(), cursor: String::new(), ..query.clone() });
            view! { <a href=href aria-current=(query.view == *key).then_some("page")>{*label}</a> }
        })
        .collect_view()
}

/// What narrows the view, each to be taken off.
fn filters(query: &QueueQuery, page: &QueuePage) -> impl IntoView + use<> {
    let first = QueueQuery { cursor: String::new(), ..query.clone() };
    let category = page.cards.iter().find(|card| card.code == query.category).map(|card| card.label.clone());
    let category = category.or_else(|| Category::from_code(&query.category).map(|c| c.label().to_owned()));
    let severity = Severity::from_code(&query.severity).map(|severity| severity.label().to_owned());
    let age = AGES.iter().find(|(hours, _)| *hours == query.age).map(|(_, words)| (*words).to_owned());
    let due = match query.due.as_str() {
        "over" => Some("Overdue"),
        "within" => Some("Within SLA"),
        _ => None,
    };
    let ticket = match query.ticket.as_str() {
        "opened" => Some("Ticket opened in 7 days"),
        "resolved" => Some("Ticket opened in 7 days, auto-resolved"),
        _ => None,
    };
    let recorded = (query.recorded == "7d").then_some("New in 7 days");
    let all = (query.view == "all").then_some("Open and closed");
    let none = String::new;
    [
        category.map(|c| ("Category", c, QueueQuery { category: none(), ..first.clone() })),
        severity.map(|s| ("Severity", s, QueueQuery { severity: none(), ..first.clone() })),
        age.map(|a| ("Open for", a, QueueQuery { age: none(), ..first.clone() })),
        due.map(|label| (label, none(), QueueQuery { due: none(), ..first.clone() })),
        all.map(|label| (label, none(), QueueQuery { view: "open".into(), ..first.clone() })),
        recorded.map(|label| (label, none(), QueueQuery { recorded: none(), ..first.clone() })),
        ticket.map(|label| (label, none(), QueueQuery { ticket: none(), ..first.clone() })),
    ]
    .into_iter()
    .flatten()
    .map(|(label, value, without)| view! { <Chip label value off=address(&without)/> })
    .collect_view()
}

#[component]
fn OneRow(row: QueueRow, act: ServerAction<ActOnException>, may_act: bool) -> impl IntoView {
    let clock_class = match row.clock.0 {
        Lateness::None | Lateness::OnTime => "late nowrap",
        Lateness::Warn => "late late--warn nowrap",
        Lateness::Bad => "late late--bad nowrap",
    };
    let href = format!("/shipments/{}", row.shipment);
    let case = match row.case {
        Some((number, Some(url))) => view! { <Outside href=url text=format!("#{number}")/> }.into_any(),
        Some((number, None)) => view! { <span>{format!("#{number}")}</span> }.into_any(),
        None => view! { <span class="faint">"–"</span> }.into_any(),
    };
    let acts: &[(Act, &str)] = match (&row.closed, row.mine, row.acknowledged) {
        (Some(_), ..) => &[(Act::Reopen, "Reopen")],
        _ if row.question.is_some() => &[(Act::Ticket, "Reopen ticket"), (Act::Resolve, "Resolve")],
        (None, true, _) => &[(Act::Release, "Unassign"), (Act::Snooze, "Snooze"), (Act::Resolve, "Resolve")],
        (None, false, false) => &[(Act::Take, "Assign to me"), (Act::Acknowledge, "Acknowledge")],
        (None, false, true) => &[(Act::Take, "Assign to me"), (Act::Snooze, "Snooze")],
    };
    let id = row.id;
    view! {
        <tr data-testid="exception-row">
            <th scope="row" class="two nowrap c11"><SeverityMark severity=row.severity label=row.label/><small>{row.responsible}</small>{row.question.map(|what| view! { <small class="late late--warn" data-testid="question">{what}</small> })}</th>
            <td class="two nowrap c21"><a class="id" href=href data-row="">{row.number}</a><small class="wide-only">{row.route}</small></td>
            <td class="hide-s p2"><StateMark state=row.state/></td>
            <td class="two c12"><span class=clock_class>{row.clock.1}</span><small class="nowrap">{row.closed.clone().map(|(how, at)| view! { {how}" "<Time when=at/>" · " })}<Time when=row.age/></small></td>
            <td class="nowrap hide-s p3">{row.owner.unwrap_or_else(|| "Unassigned".into())}</td>
            <td class="num id hide-s">{case}</td>
            {may_act.then(|| view! { <td class="c3"><div class="row row--tight">{act_buttons(&id, acts, act)}</div></td> })}
        </tr>
    }
}
