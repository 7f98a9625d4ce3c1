//! One exception: what happened, what to do next, what may be done about it, and its history.

use super::{
    resolve::{self, Stand},
    unknown::{self, Remedies},
};
use crate::{
    api::{self, ActOnException},
    components::{
        Failed, Frame, Icon, Outside, PageTitle, SeverityMark, StateMark, Time, action, browser,
        live::{followed, part},
        may,
    },
    contract::{
        Record,
        exceptions::{ClaimOffer, ClockView, EventLine, ExceptionPage as Page, HistoryEntry, QueueRow},
        is_id,
        session::Permission,
        shipments::Lateness,
    },
};
use leptos::prelude::*;
use leptos_router::hooks::use_params_map;

/// The page of one exception.
#[component]
pub fn ExceptionPage() -> impl IntoView {
    let params = use_params_map();
    let id = Memo::new(move |_| params.get().get("id").unwrap_or_default());
    let act = action::<ActOnException>();
    let remedies = Remedies::new();
    let exception = Resource::new(
        move || (id.get(), act.version().get() + remedies.done()),
        |(id, _)| async move { api::get_exception(id).await.map_err(|error| error.of_page(Record::Exception)) },
    );
    if id.with_untracked(|id| is_id(id)) {
        browser::live(|| "/live/shipments".to_owned(), move || exception.refetch());
    }
    browser::acted(move || act.version().get() + remedies.done());
    let failed = move || act.value().get().and_then(Result::err).map(|error| view! { <Failed error/> });
    view! {
        <Frame title="Exception">
            {failed}
            {move || remedies.failed()}
            {followed(exception, move |page| view! { <Whole page act remedies/> })}
        </Frame>
    }
}

/// Each part changes by itself, so that what is typed into a form stays while times go on.
#[component]
fn Whole(page: Signal<Page>, act: ServerAction<ActOnException>, remedies: Remedies) -> impl IntoView {
    let head = part(page, |page| (page.row.clone(), page.order.clone()));
    let step = part(page, |page| (page.row.shipment.clone(), page.row.code.clone(), page.row.next_step.clone()));
    let claim = part(page, |page| page.claim.clone());
    let happened =
        part(page, |page| (page.row.shipment.clone(), page.why.clone(), page.events.clone(), page.problems.clone()));
    let unknown = part(page, |page| (page.row.shipment.clone(), page.unknown.clone()));
    let history = part(page, |page| page.history.clone());
    let clock = part(page, |page| page.clock.clone());
    let stand = part(page, Stand::of);
    let about = part(page, |page| Page { history: Vec::new(), unknown: None, ..page.clone() });
    view! {
        {move || head.with(|(row, order)| top(row.clone(), order.clone()))}
        <div class="cols cols--side">
            <div class="stack">
                <section class="panel" data-testid="next-step"><header><h2>"Next step"</h2>{move || step.with(|(_, code, _)| edit_playbook(code))}</header>
                    <div class="in stack stack--tight"><p>{move || step.with(|(.., text)| text.clone())}</p>
                        {move || claim.get().map(|offer| step.with(|(shipment, ..)| claimed(shipment, offer)))}</div></section>
                {move || unknown.get().1.map(|view| unknown::panel(unknown.get().0, view, remedies))}
                {move || happened.with(|(shipment, why, events, problems)| what_happened(shipment, why.clone(), events.clone(), problems.clone()))}
                <section class="panel"><header><h2>"History"</h2></header><div class="in"><ol class="stack stack--tight" data-testid="history">{move || history.get().into_iter().map(entry).collect_view()}</ol></div></section>
            </div>
            <aside class="stack" aria-label="Context">
                {move || sla(clock.get())}
                {move || may(Permission::Act).then(|| resolve::forms(stand.get(), act))}
                {move || about_it(about.get())}
            </aside>
        </div>
    }
}

fn top(row: QueueRow, order: Option<String>) -> impl IntoView {
    let clock_class = match row.clock.0 {
        Lateness::None | Lateness::OnTime => "late",
        Lateness::Warn => "late late--warn",
        Lateness::Bad => "late late--bad",
    };
    let stands = match row.closed {
        Some((how, at)) => view! { <span class="tag tag--ok">{how}" "<Time when=at/></span> }.into_any(),
        None => view! { <span class=clock_class>{row.clock.1}</span> }.into_any(),
    };
    let shipment = format!("/shipments/{}", row.shipment);
    // of ten open tabs each says whose trouble it is
    let title = format!("{} · {}", row.label, row.number);
    let order = order.map(|order| view! { " · "<span class="id">{order}</span> });
    view! {
        <PageTitle text=title/>
        <nav class="crumbs" aria-label="Where"><a href="/exceptions">"Exceptions"</a><Icon name="right"/><span>{row.label.clone()}</span></nav>
        <div class="page__head"><div>
            <h1 data-testid="exception-title"><SeverityMark severity=row.severity label=row.label/></h1>
            <p class="about" data-testid="exception-about"><a class="id" href=shipment.clone()>{row.number}</a>" "{row.route}{order}</p>
            <p><StateMark state=row.state/>" · "{stands}" · "<Time when=row.age/></p>
        </div><a class="btn push" href=shipment>"Open shipment"</a></div>
    }
}

fn edit_playbook(code: &str) -> impl IntoView + use<> {
    let href = format!("/playbooks?reason={code}#{code}");
    may(Permission::Operate)
        .then(|| view! { <a class="push small" href=href data-testid="edit-playbook">"Edit playbook"</a> })
}

/// What is known of it: what the clock says, the carrier's events behind it, and what is wrong with the order's data.
fn what_happened(
    shipment: &str,
    why: Option<String>,
    events: Vec<EventLine>,
    problems: Vec<String>,
) -> impl IntoView + use<> {
    let shipment = shipment.to_owned();
    (!events.is_empty() || !problems.is_empty() || why.is_some()).then(|| {
        let why = why.map(|why| view! { <p data-testid="why">{why}</p> });
        let problems = problems.into_iter().map(|problem| view! { <li>{problem}</li> }).collect_view();
        let events = events
            .into_iter()
            .map(|event| {
                let place = event.place.map(|place| format!(", {place}"));
                let payload = format!("/shipments/{shipment}?event={id}#{id}", id = event.observation);
                view! {
                    <li><b>{event.title}</b>{place}" "<span class="small muted"><Time when=event.at/></span>
                        <p class="small muted">{format!("Code {} · ", event.code)}<a href=payload>"View payload"</a></p></li>
                }
            })
            .collect_view();
        view! {
            <section class="panel" data-testid="happened"><header><h2>"What happened"</h2></header>
                <div class="in stack stack--tight">{why}<ul class="stack stack--tight">{problems}{events}</ul></div></section>
        }
    })
}

fn about_it(page: Page) -> impl IntoView {
    let Page { row, order, transfer, promised, eta, snoozed_until, .. } = page;
    let case = row.case.map(|(number, url)| match url {
        Some(url) => view! { <dt>"Case"</dt><dd><Outside href=url text=format!("#{number}")/></dd> }.into_any(),
        None => view! { <dt>"Case"</dt><dd>{format!("#{number}")}</dd> }.into_any(),
    });
    let owner = match (row.owner, row.team) {
        (Some(owner), Some(team)) => format!("{owner}, team {team}"),
        (Some(owner), None) => owner,
        (None, Some(team)) => format!("Team {team}"),
        (None, None) => "Unassigned".to_owned(),
    };
    let responsible = row.responsible.strip_prefix("Responsible: ").unwrap_or(&row.responsible);
    let responsible = format!("{}{}", responsible[..1].to_uppercase(), &responsible[1..]);
    let shipment = format!("/shipments/{}", row.shipment);
    view! {
        <section class="panel"><header><h2>"About"</h2></header><div class="in"><dl class="facts">
            <dt>"Shipment"</dt><dd><a class="id" href=shipment>{row.number}</a><br/><span class="small muted">{row.route}</span></dd>
            {order.map(|order| view! { <dt>"Order"</dt><dd class="id">{order}</dd> })}
            {transfer.map(|transfer| view! { <dt>"Transfer"</dt><dd class="id">{transfer}</dd> })}
            <dt>"Owner"</dt><dd>{owner}</dd>
            <dt>"Responsible"</dt><dd>{responsible}</dd>
            {promised.map(|when| view! { <dt>"Promised"</dt><dd><Time when/></dd> })}
            {eta.map(|when| view! { <dt>"Carrier ETA"</dt><dd><Time when/></dd> })}
            {snoozed_until.map(|when| view! { <dt>"Snoozed until"</dt><dd><Time when/></dd> })}
            {case}
        </dl></div></section>
    }
}

/// The SLA clock, and what stops it.
fn sla(clock: ClockView) -> impl IntoView {
    let ClockView { due, stops, escalates } = clock;
    let times = (due.is_some() || escalates.is_some()).then(|| {
        view! {
            <dl class="facts">
                {due.map(|when| view! { <dt>"Due"</dt><dd><Time when/></dd> })}
                {escalates.map(|(when, severity)| view! { <dt>"Escalates"</dt><dd>{format!("to {severity} ")}<Time when/></dd> })}
            </dl>
        }
    });
    view! {
        <section class="panel" data-testid="clock"><header><h2>"SLA clock"</h2></header><div class="in stack stack--tight">{times}
            <p class="small muted">{stops}</p>
        </div></section>
    }
}

/// The claim that is there, or a button that raises one.
fn claimed(shipment: &str, offer: ClaimOffer) -> AnyView {
    match offer {
        ClaimOffer::There { number, status } => {
            let href = format!("/claims/{number}");
            view! { <p class="small">"Claim "<a class="id" href=href data-testid="claim">{number}</a>{format!(" · {status}")}</p> }
                .into_any()
        }
        ClaimOffer::Raise { reason } if may(Permission::Act) => {
            let href = format!("/claims/new?shipment={shipment}&reason={reason}");
            view! { <div class="row"><a class="btn btn--s" href=href data-testid="raise-claim"><Icon name="claim"/>"Raise claim"</a></div> }
                .into_any()
        }
        ClaimOffer::Raise { .. } => ().into_any(),
    }
}

fn entry(line: HistoryEntry) -> impl IntoView {
    view! {
        <li><b>{line.what}</b>{line.who.map(|who| format!(" by {who}"))}" "<span class="small muted"><Time when=line.at/></span>
            {line.why.map(|why| view! { <p class="small">{why}</p> })}
        </li>
    }
}
