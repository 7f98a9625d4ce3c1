//! The exception queue: what needs a person, most urgent first.

use super::shipment::act_buttons;
use crate::{
    api::{self, ActOnException},
    components::{
        Chip, Count, Failed, Frame, Icon, Outside, SeverityMark, StateMark, Time, action,
        browser::{self, POP},
        live::{followed, part, rows},
        may,
        parts::Empty,
    },
    contract::{
        exceptions::{Act, Age, Card, Due, QueuePage, QueueQuery, QueueRow, QueueTab, Recorded, Tickets},
        session::Permission,
        shipments::Lateness,
    },
};
use domain::{Category, Severity, visible::visible};
use leptos::prelude::*;
use leptos_router::{hooks::use_query_map, params::ParamsMap};

const VIEWS: &[(QueueTab, &str)] = &[
    (QueueTab::Open, "Open"),
    (QueueTab::Mine, "Assigned to me"),
    (QueueTab::Unassigned, "Unassigned"),
    (QueueTab::Snoozed, "Snoozed"),
    (QueueTab::Closed, "Closed"),
];

fn question(params: &ParamsMap) -> QueueQuery {
    let text = |key: &str| params.get(key).unwrap_or_default();
    QueueQuery {
        view: QueueTab::of(&text("view")),
        category: Category::from_code(&text("category")),
        severity: Severity::from_code(&text("severity")),
        due: Due::of(&text("due")),
        age: Age::of(&text("age")),
        recorded: Recorded::of(&text("recorded")),
        ticket: Tickets::of(&text("ticket")),
        team: text("team"),
        cursor: text("cursor"),
    }
}

/// The address of a question.
pub(crate) fn address(query: &QueueQuery) -> String {
    let pairs = [
        ("view", query.view.code()),
        ("category", query.category.map_or("", Category::code)),
        ("severity", query.severity.map_or("", Severity::code)),
        ("due", query.due.code()),
        ("age", query.age.code()),
        ("recorded", query.recorded.code()),
        ("ticket", query.ticket.code()),
        ("team", &query.team),
        ("cursor", &query.cursor),
    ];
    let mut params = ParamsMap::new();
    pairs.into_iter().filter(|(_, v)| !v.is_empty()).for_each(|(k, v)| params.insert(k, v.to_owned()));
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
    let chosen = part(queue, |(query, _)| query.category);
    let open = part(queue, |(_, page)| page.open);
    let all = address(&QueueQuery::default());
    let empty = part(queue, |(_, page)| page.rows.is_empty());
    let asked = part(queue, |(query, _)| query.clone());
    let older = part(queue, |(query, page)| {
        let cursor = page.next.clone()?;
        Some(address(&QueueQuery { cursor, ..query.clone() }))
    });
    let cards = part(queue, |(_, page)| page.cards.clone());
    let cards = rows(
        cards,
        |card| card.category,
        move |card| {
            let on = chosen.get() == Some(card.category);
            view! { <CategoryCard card on/> }
        },
    );
    let list = part(queue, |(query, page)| lines(query.view, &page.rows));
    let columns = if may_act { "8" } else { "7" };
    let line = move |line: Line| match line {
        Line::Group(severity) => group(severity, columns).into_any(),
        Line::Row(row) => view! { <OneRow row=*row act may_act/> }.into_any(),
    };
    let table = move || {
        view! {
            <table class="table table--sticky table--list">
                <caption class="sr">"Exceptions by severity and SLA"</caption>
                <thead><tr>
                    <th>"Exception"</th><th>"Shipment"</th><th class="p2">"Status"</th><th>"SLA, age"</th>
                    <th class="p3">"Owner"</th><th class="p3">"Next step"</th><th class="num">"Case"</th>{may_act.then(|| view! { <th><span class="sr">"Actions"</span></th> })}
                </tr></thead>
                <tbody>{rows(list, Line::key, line)}</tbody>
            </table>
        }
    };
    view! {
        <div class="page__head"><div><h1>"Exceptions"</h1><p>{move || view! { <Count n=open.get() label="open" href=all.clone()/> }}</p></div></div>
        <div class="cols cats">{cards}</div>
        <div class="row">
            <nav class="tabs" aria-label="Queues">{move || queue.with(|(query, _)| views(query, may_act))}</nav>
            <div class="chips push">{move || queue.with(|(query, page)| of_team(query, &page.teams))}{move || queue.with(|(query, _)| filters(query))}</div>
        </div>
        <div class="table-box">
            {move || if empty.get() {
                view! { {move || asked.with(none)} }.into_any()
            } else {
                table().into_any()
            }}
            <nav class="pager" aria-label="Pages">
                <span class="push btn-group">{move || older.get().map(|href| view! { <a class="btn btn--s" href=href rel="next">"Next page"<Icon name="right"/></a> })}</span>
            </nav>
        </div>
    }
}

/// A line of the table.
#[derive(Clone, PartialEq)]
enum Line {
    /// The head of a severity.
    Group(Severity),
    /// An exception.
    Row(Box<QueueRow>),
}

impl Line {
    fn key(&self) -> String {
        match self {
            Self::Group(severity) => severity.code().to_owned(),
            Self::Row(row) => row.id.clone(),
        }
    }
}

/// The lines of the table: what is sorted by severity has a head for each.
fn lines(view: QueueTab, rows: &[QueueRow]) -> Vec<Line> {
    let grouped = !matches!(view, QueueTab::Closed | QueueTab::All);
    let mut lines: Vec<Line> = Vec::with_capacity(rows.len() + Severity::ALL.len());
    let mut last = None;
    for row in rows {
        if grouped && last != Some(row.severity) {
            last = Some(row.severity);
            lines.push(Line::Group(row.severity));
        }
        lines.push(Line::Row(Box::new(row.clone())));
    }
    lines
}

fn group(severity: Severity, columns: &'static str) -> impl IntoView {
    let slug = severity.code().to_lowercase();
    view! {
        <tr class="group"><th colspan=columns scope="rowgroup" class="wide-s"><span class=format!("sev sev--{slug}")><Icon name=slug.clone()/><span>{severity.label()}</span></span></th></tr>
    }
}

#[component]
fn CategoryCard(card: Card, on: bool) -> impl IntoView {
    // the counts are of everything that is open
    let all = QueueQuery { category: Some(card.category), ..QueueQuery::default() };
    let worst = QueueQuery { severity: Some(card.worst), ..all.clone() };
    let label = card.worst.label().to_lowercase();
    view! {
        <div class="card cat" aria-current=on.then_some("true")>
            <span class="small muted">{card.category.label()}</span>
            <Count class="cat__n" n=card.count href=address(&all)/>
            <span class="small"><Count n=card.of_worst label href=address(&worst)/></span>
        </div>
    }
}

fn views(query: &QueueQuery, may_act: bool) -> impl IntoView + use<> {
    VIEWS
        .iter()
        // nothing is ever assigned to a viewer who may not act
        .filter(|(view, _)| may_act || *view != QueueTab::Mine)
        .map(|(view, label)| {
            let href = address(&QueueQuery { view: *view, cursor: String::new(), ..query.clone() });
            view! { <a href=href aria-current=(query.view == *view).then_some("page")>{*label}</a> }
        })
        .collect_view()
}

/// What an empty queue says.
fn none(query: &QueueQuery) -> impl IntoView + use<> {
    let any = QueueQuery { view: query.view, ..QueueQuery::default() };
    if *query != any {
        let href = address(&any);
        return view! { <Empty title="No exceptions match these filters"><a class="btn" href=href>"Clear filters"</a></Empty> }.into_any();
    }
    let (title, text) = match query.view {
        QueueTab::Mine => {
            ("Nothing is assigned to you", "What you take, or what a colleague assigns to you, appears here.")
        }
        QueueTab::Unassigned => ("Every open exception has an owner", "What opens without one appears here."),
        QueueTab::Snoozed => ("Nothing is snoozed", "What is put off appears here until it comes back into the queue."),
        QueueTab::Closed => ("Nothing was closed yet", "What ends by an event or by a person appears here."),
        QueueTab::Open | QueueTab::All => (
            "No open exceptions",
            "Exceptions appear when a carrier reports trouble, or when a shipment is late or has no updates.",
        ),
    };
    view! { <Empty title=title>{text}</Empty> }.into_any()
}

/// The queue of a team: a plain form, which works before the browser's half has come and without it.
fn of_team(query: &QueueQuery, teams: &[String]) -> impl IntoView + use<> {
    (!teams.is_empty() && query.team.is_empty()).then(|| {
        let pairs = [
            ("view", query.view.code()),
            ("category", query.category.map_or("", Category::code)),
            ("severity", query.severity.map_or("", Severity::code)),
            ("due", query.due.code()),
            ("age", query.age.code()),
            ("recorded", query.recorded.code()),
            ("ticket", query.ticket.code()),
        ];
        let kept = pairs.into_iter().filter(|(_, value)| !value.is_empty());
        let kept = kept.map(|(name, value)| view! { <input type="hidden" name=name value=value/> }).collect_view();
        let options = teams
            .iter()
            .map(|team| view! { <option value=team.clone()>{visible(team).into_owned()}</option> })
            .collect_view();
        view! {
            <form class="row row--tight" method="get" action="/exceptions" data-testid="team-filter">{kept}
                <select class="chip" name="team" aria-label="Team" required><option value="">"Team"</option>{options}</select>
                <button class="btn btn--s" type="submit">"Filter"</button></form>
        }
    })
}

/// The ages of the overview, in words.
const fn age(of: Age) -> Option<&'static str> {
    Some(match of {
        Age::Any => return None,
        Age::From0 => "less than 4 h",
        Age::From4 => "4 to 8 h",
        Age::From8 => "8 to 24 h",
        Age::From24 => "1 to 2 d",
        Age::From48 => "2 to 4 d",
        Age::From96 => "4 d or more",
    })
}

/// What narrows the view, each to be taken off.
fn filters(query: &QueueQuery) -> impl IntoView + use<> {
    let first = QueueQuery { cursor: String::new(), ..query.clone() };
    let due = match query.due {
        Due::Any => None,
        Due::Over => Some("Overdue"),
        Due::Within => Some("Within SLA"),
    };
    let ticket = match query.ticket {
        Tickets::Any => None,
        Tickets::Opened => Some("Ticket opened in 7 days"),
        Tickets::Resolved => Some("Ticket opened in 7 days, auto-resolved"),
    };
    let recorded = (query.recorded == Recorded::Week).then_some("New in 7 days");
    let all = (query.view == QueueTab::All).then_some("Open and closed");
    [
        query.category.map(|c| ("Category", c.label(), QueueQuery { category: None, ..first.clone() })),
        query.severity.map(|s| ("Severity", s.label(), QueueQuery { severity: None, ..first.clone() })),
        age(query.age).map(|a| ("Open for", a, QueueQuery { age: Age::Any, ..first.clone() })),
        due.map(|label| (label, "", QueueQuery { due: Due::Any, ..first.clone() })),
        all.map(|label| (label, "", QueueQuery { view: QueueTab::Open, ..first.clone() })),
        (!query.team.is_empty())
            .then(|| ("Team", query.team.as_str(), QueueQuery { team: String::new(), ..first.clone() })),
        recorded.map(|label| (label, "", QueueQuery { recorded: Recorded::Any, ..first.clone() })),
        ticket.map(|label| (label, "", QueueQuery { ticket: Tickets::Any, ..first.clone() })),
    ]
    .into_iter()
    .flatten()
    .map(|(label, value, without)| view! { <Chip label value off=address(&without)/> })
    .collect_view()
}

#[component]
fn OneRow(row: QueueRow, act: ServerAction<ActOnException>, may_act: bool) -> impl IntoView {
    let clock_class = match (&row.closed, row.clock.0) {
        // how it ended can be long: it has the line of the clock
        (Some(_), _) => "late",
        (None, Lateness::None | Lateness::OnTime) => "late nowrap",
        (None, Lateness::Warn) => "late late--warn nowrap",
        (None, Lateness::Bad) => "late late--bad nowrap",
    };
    let (clock, ended) = match row.closed.clone() {
        Some((how, at)) => (how, Some(view! { <Time when=at/>" · " })),
        None => (row.clock.1, None),
    };
    let href = format!("/shipments/{}", row.shipment);
    let number = row.case.as_ref().map(|(number, _)| format!("#{number}"));
    let case = match row.case {
        Some((number, Some(url))) => view! { <Outside href=url text=format!("#{number}")/> }.into_any(),
        Some((number, None)) => view! { <span>{format!("#{number}")}</span> }.into_any(),
        None if row.led_by.is_some() => {
            let by = row.led_by.clone().unwrap_or_default();
            view! { <span class="muted" data-testid="led">{format!("With {by}")}</span> }.into_any()
        }
        None if row.not_taken => view! { <span class="muted" data-testid="not-taken">"No desk"</span> }.into_any(),
        None => view! { <span class="faint">"–"</span> }.into_any(),
    };
    let desk = row.desk.map(|desk| view! { <small>{desk}</small> });
    // the first is a button, the others are in the menu
    let acts: &'static [(Act, &'static str)] = match (&row.closed, row.mine, row.acknowledged) {
        (Some(_), ..) => &[(Act::Reopen, "Reopen")],
        _ if row.question.is_some() => &[(Act::Ticket, "Reopen ticket")],
        (None, true, false) => {
            &[(Act::Release, "Unassign"), (Act::Acknowledge, "Acknowledge"), (Act::Snooze, "Snooze for a day")]
        }
        (None, true, true) => &[(Act::Release, "Unassign"), (Act::Snooze, "Snooze for a day")],
        (None, false, false) => {
            &[(Act::Take, "Assign to me"), (Act::Acknowledge, "Acknowledge"), (Act::Snooze, "Snooze for a day")]
        }
        (None, false, true) => &[(Act::Take, "Assign to me"), (Act::Snooze, "Snooze for a day")],
    };
    let (first, others) = acts.split_at(1);
    let id = row.id;
    let page = format!("/exceptions/{id}");
    let more = row.closed.is_none().then(|| {
        let label = format!("More for {}, {}", row.label, row.number);
        // a reason is asked for there
        let resolve = format!("{page}#resolve");
        view! {
            <details class="pop" name=POP>
                <summary class="btn btn--s btn--icon" aria-label=label><Icon name="more"/></summary>
                <div class="pop__in menu">{act_buttons(&id, others, act)}<a class="btn btn--s" href=resolve>"Resolve…"</a></div>
            </details>
        }
    });
    let owner = row.owner.unwrap_or_else(|| "Unassigned".to_owned());
    let phone = [Some(owner.clone()), row.team.clone(), number].into_iter().flatten().collect::<Vec<_>>().join(" · ");
    let team = row.team.map(|team| view! { <small>{team}</small> });
    view! {
        <tr data-testid="exception-row">
            <th scope="row" class="two nowrap c11"><a href=page data-testid="exception-link"><SeverityMark severity=row.severity label=row.label/></a><small>{row.responsible}</small><small class="only-s">{phone}</small>{row.question.map(|what| view! { <small class="late late--warn wrap" data-testid="question">{what}</small> })}</th>
            <td class="two nowrap c21"><a class="id" href=href data-row="">{row.number}</a><small>{row.route}</small></td>
            <td class="hide-s p2"><StateMark state=row.state/></td>
            <td class="two c12"><span class=clock_class>{clock}</span><small>{ended}<Time when=row.age/></small></td>
            <td class="two nowrap hide-s p3">{owner}{team}</td>
            <td class="p3 small next-step c3">{row.next_step}</td>
            <td class="two num hide-s"><span class="id">{case}</span>{desk}</td>
            {may_act.then(|| view! { <td class="c4"><div class="row row--tight keep">{act_buttons(&id, first, act)}{more}</div></td> })}
        </tr>
    }
}
