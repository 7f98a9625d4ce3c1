//! One shipment: its timeline, why it has its status, and the updates sent to other systems.

use super::{
    bookings::{BookingsPanel, LabelActs},
    claims::of_shipment::ClaimsPanel,
    same_number::SameNumber,
    unknown::{self, Remedies},
};
use crate::{
    api::{self, ActOnException},
    components::{
        Copy, Failed, Frame, Icon, Late, Masked, Outside, PageTitle, SeverityMark, StateMark, Time, action, browser,
        live::{followed, part, rows},
        may,
    },
    contract::{
        ApiError, Record,
        exceptions::Act,
        is_id,
        session::Permission,
        shipments::{
            CaseView, CustomerView, Entry, EntryKind, ExceptionView, Lateness, Mark, OursView, ProofView, RawView,
            Reason, ShipmentView, Standing, Step, StepStanding,
        },
    },
};
use domain::Direction;
use leptos::{form::ActionForm, prelude::*, tachys::view::keyed::keyed};
use leptos_router::hooks::{use_params_map, use_query_map};

/// The page of one shipment.
#[component]
pub fn ShipmentPage() -> impl IntoView {
    let (params, query) = (use_params_map(), use_query_map());
    let id = Memo::new(move |_| params.get().get("id").unwrap_or_default());
    let as_known_at = Memo::new(move |_| query.get().get("at").filter(|at| !at.is_empty()));
    let event = Memo::new(move |_| query.get().get("event").unwrap_or_default());
    let done = Memo::new(move |_| query.get().get("done").unwrap_or_default());
    let act = action::<ActOnException>();
    let (remedies, labels) = (Remedies::new(), LabelActs::new());
    let done_here = move || act.version().get() + remedies.done() + labels.done();
    let shipment = Resource::new(
        move || (id.get(), as_known_at.get(), event.get(), done_here()),
        |(id, at, event, _)| async move {
            let view = api::get_shipment(id.clone(), at).await.map_err(|error| error.of_page(Record::Shipment))?;
            let opened = if event.is_empty() { None } else { Some(api::raw_event(id, event).await) };
            Ok((view, opened))
        },
    );
    // what is no id has no changes
    if id.with_untracked(|id| is_id(id)) {
        browser::live(move || format!("/live/shipments/{}", id.get_untracked()), move || shipment.refetch());
    }
    browser::acted(done_here);
    view! {
        <Frame title="Shipment">
            {move || unknown::done(&done.get())}
            {move || remedies.failed()}
            {followed(shipment, move |shipment| view! { <Whole shipment act remedies labels as_known_at/> })}
        </Frame>
    }
}

fn crumbs(here: String) -> impl IntoView {
    view! { <nav class="crumbs" aria-label="Where"><a href="/shipments">"Shipments"</a><Icon name="right"/><span>{here}</span></nav> }
}

type Opened = Option<Result<RawView, ApiError>>;

#[component]
fn Whole(
    shipment: Signal<(ShipmentView, Opened)>,
    act: ServerAction<ActOnException>,
    remedies: Remedies,
    labels: LabelActs,
    as_known_at: Memo<Option<String>>,
) -> impl IntoView {
    let number = part(shipment, |(view, _)| name(view));
    let title =
        rows(Memo::new(move |_| vec![number.get()]), String::clone, |number| view! { <PageTitle text=number/> });
    let base = part(shipment, |(view, _)| base(view));
    let moments = part(shipment, |(view, _)| view.moments.clone());
    let lines = part(shipment, |(view, opened)| lines(&view.timeline, opened.as_ref()));
    let timeline = rows(lines, Line::key, move |line| line.view(&base.get()));
    let silent = part(shipment, |(view, _)| view.timeline.is_empty());
    let exceptions = part(shipment, |(view, _)| view.exceptions.clone());
    let cases = part(shipment, |(view, _)| view.cases.clone());
    let shipment_id = part(shipment, |(view, _)| view.row.id.clone());
    // what is typed into a form stays while other parts of the shipment change
    let why_unknown = part(shipment, |(view, _)| view.unknown.clone());
    let bookings = part(shipment, |(view, _)| view.bookings.clone());
    let claims = part(shipment, |(view, _)| view.claims.clone());
    let same_number = part(shipment, |(view, _)| view.same_number.clone());
    view! {
        {title}
        {move || crumbs(number.get())}
        {move || shipment.with(|(view, _)| as_known(view))}
        {move || view! { <SameNumber proposals=same_number.get()/> }}
        {move || shipment.with(|(view, _)| view! { <Head view=view.clone()/> })}
        <div class="cols cols--side">
            <div class="stack">
                <section class="panel" id="timeline">
                    <header><h2>"Timeline"</h2><span class="push small muted">{move || shipment.with(|(view, _)| count(&view.timeline))}</span></header>
                    <AsKnownAt moments base as_known_at/>
                    <div class="in"><ol class="tl">
                        {timeline}
                        {move || silent.get().then(|| view! { <li class="muted small">"No tracking updates yet."</li> })}
                    </ol></div>
                </section>
            </div>
            <aside class="stack" aria-label="Context">
                {move || why_unknown.get().map(|view| unknown::panel(shipment_id.get(), view, remedies))}
                {move || shipment.with(|(view, _)| why(view))}
                <ExceptionsPanel exceptions act/>
                {move || shipment.with(|(view, _)| order(view))}
                {move || shipment.with(|(view, _)| view! { <ProofPanel proofs=view.proofs.clone() unread=view.unread_deliveries/> })}
                <BookingsPanel shipment=shipment_id view=bookings acts=labels/>
                {move || view! { <ClaimsPanel shipment=shipment_id.get() claims=claims.get()/> }}
                <CasesPanel cases/>
            </aside>
        </div>
    }
}

/// What a shipment is called: its number, else its transfer.
fn name(view: &ShipmentView) -> String {
    let transfer = view.row.transfer.clone().filter(|_| view.numbers.is_empty());
    transfer.unwrap_or_else(|| view.row.number.clone())
}

fn base(view: &ShipmentView) -> String {
    format!("/shipments/{}", view.row.id)
}

fn as_known(view: &ShipmentView) -> impl IntoView + use<> {
    let base = base(view);
    view.as_known_at.clone().map(|when| {
        view! {
            <div class="note note--warn" role="status">
                <Icon name="clock"/>
                <div><b>"View as of "<Time when/></b>": later events are hidden."</div>
                <div class="row"><a class="btn btn--s" href=base.clone()>"Back to now"</a></div>
            </div>
        }
    })
}

fn why(view: &ShipmentView) -> impl IntoView + use<> {
    let ShipmentView { why, facts, hash, anomalies, .. } = view.clone();
    view! { <WhyPanel title=format!("Why “{}”?", view.row.state.label()) reasons=why facts hash anomalies/> }
}

fn order(view: &ShipmentView) -> impl IntoView + use<> {
    view! { <OrderPanel view=view.clone()/> }
}

fn count(entries: &[Entry]) -> String {
    let of = |kind| entries.iter().filter(|e| e.kind == kind).count();
    let named = [
        (of(EntryKind::Carrier), "carrier"),
        (of(EntryKind::Odoo), "Odoo"),
        (of(EntryKind::Desk), "desk"),
        (of(EntryKind::Person), "people"),
    ];
    named.iter().filter(|(n, _)| *n > 0).map(|(n, name)| format!("{name} {n}")).collect::<Vec<_>>().join(" · ")
}

#[component]
fn Head(view: ShipmentView) -> impl IntoView {
    let name = name(&view);
    let row = view.row;
    let exception = row.exception.map(|(severity, label)| view! { <SeverityMark severity label/> });
    let late = row.late.filter(|(how, _)| *how != Lateness::None).map(|(how, text)| view! { " "<Late how text/> });
    let arrival = if row.delivered { "Delivered" } else { "ETA" };
    let ours = view.ours.map(ours);
    let none = view.numbers.is_empty().then_some("None yet");
    let numbers = view.numbers.into_iter().map(|n| view! { <span class="row row--tight keep"><span data-testid="tracking-number"><Copy text=n.number/></span>{n.carrier.map(|c| view! { <span class="small muted">{c}</span> })}</span> }).collect_view();
    let steps = view.steps.into_iter().map(step).collect_view();
    view! {
        <section class="card" aria-labelledby="h">
            <div class="row">
                <StateMark state=row.state class="st--big"/>
                <h1 id="h">{row.destination.clone().map_or_else(|| format!("Shipment {name}"), |to| format!("Shipment {name} to {to}"))}</h1>
                {(!row.direction.is_outbound()).then(|| view! { <span class="tag" data-testid="direction">{row.direction.label()}</span> })}
                {exception}
            </div>
            <dl class="facts facts--across">
                <dt>"Promised date"</dt><dd>{row.promise.map_or_else(|| "No promised date".into_any(), |when| view! { <Time when/> }.into_any())}</dd>
                <dt>{arrival}</dt><dd>{row.eta.map_or_else(|| "No ETA".into_any(), |when| view! { <b><Time when/></b> }.into_any())}{late}</dd>
                {ours}
                <dt>"Tracking number"</dt><dd>{numbers}{none}</dd>
                <dt>"Order"</dt><dd class="id">{row.order.unwrap_or_else(|| "No order".into())}</dd>
                <dt>"Transfer"</dt><dd class="id">{row.transfer.unwrap_or_else(|| "–".into())}</dd>
            </dl>
            <ol class="rail rail--tall" aria-label="Progress">{steps}</ol>
        </section>
    }
}

/// Our estimate beside the carrier's, and why we expect it late.
fn ours(of: OursView) -> AnyView {
    let OursView { p50, p80, basis, late } = of;
    let late = late.map(
        |why| view! { <p class="late late--warn" data-testid="expected-late">{format!("Expected late: {why}")}</p> },
    );
    view! {
        <dt>"Our ETA"</dt>
        <dd data-testid="our-eta"><b><Time when=p50/></b>", 80 % by "<Time when=p80/><p class="small muted">{basis}</p>{late}</dd>
    }
    .into_any()
}

fn step(step: Step) -> impl IntoView {
    let (class, said) = match step.standing {
        StepStanding::Done => ("done", "reached"),
        StepStanding::Here => ("here", "current status"),
        StepStanding::Trouble => ("here bad", "current status, needs attention"),
        StepStanding::Skipped => ("passed", ""),
        StepStanding::Todo => ("todo", "not reached"),
    };
    let note = match (step.at, step.standing) {
        (Some(when), _) => view! { {step.estimated.then_some("est. ")}<Time when/> }.into_any(),
        (None, StepStanding::Skipped) => "no event".into_any(),
        (None, StepStanding::Todo) => ().into_any(),
        (None, _) => "time not known".into_any(),
    };
    let current = matches!(step.standing, StepStanding::Here | StepStanding::Trouble).then_some("step");
    view! { <li class=class aria-current=current><b>{step.label}<span class="sr">{(!said.is_empty()).then(|| format!(" ({said})"))}</span></b><span>{note}</span></li> }
}

/// A plain form: choose a moment at which something was recorded.
#[component]
fn AsKnownAt(
    moments: Memo<Vec<(String, String)>>,
    base: Memo<String>,
    as_known_at: Memo<Option<String>>,
) -> impl IntoView {
    let option = move |(value, label): (String, String)| {
        let chosen = value.clone();
        let chosen = move || as_known_at.with(|at| at.as_ref() == Some(&chosen));
        view! { <option value=value selected=chosen>{label}</option> }
    };
    let options = rows(moments, |(value, _)| value.clone(), option);
    view! {
        <div class="in">
            <div class="asof">
                <form action=move || base.get() method="get">
                    <label for="at"><b>"View as of"</b></label>
                    <select class="input" id="at" name="at"><option value="">"now"</option>{options}</select>
                    <button class="btn btn--s" type="submit">"Show"</button>
                </form>
            </div>
        </div>
    }
}

/// What the timeline is made of.
#[derive(Clone, PartialEq)]
enum Line {
    Day(String),
    Entry(Box<(Entry, Opened)>),
}

impl Line {
    fn key(&self) -> String {
        match self {
            Self::Day(day) => day.clone(),
            Self::Entry(line) => line.0.key.clone(),
        }
    }

    fn view(self, base: &str) -> AnyView {
        match self {
            Self::Day(day) => view! { <li class="tl__day">{day}</li> }.into_any(),
            Self::Entry(line) => {
                let (entry, opened) = *line;
                view! { <TimelineEntry entry base=base.to_owned() opened/> }.into_any()
            }
        }
    }
}

fn lines(entries: &[Entry], opened: Option<&Result<RawView, ApiError>>) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut day = "";
    let open = opened.and_then(|opened| opened.as_ref().ok()).map(|raw| &raw.observation);
    let mut raw = opened.cloned();
    for entry in entries {
        if entry.day != day {
            day = &entry.day;
            lines.push(Line::Day(day.to_owned()));
        }
        let here = open.is_some() && entry.observation.as_ref() == open;
        lines.push(Line::Entry(Box::new((entry.clone(), if here { raw.take() } else { None }))));
    }
    lines
}

#[component]
fn TimelineEntry(entry: Entry, base: String, opened: Opened) -> impl IntoView {
    let class = match entry.mark {
        Mark::Actual => "ev",
        Mark::Deciding => "ev ev--key",
        Mark::Estimated => "ev ev--est",
        Mark::Planned => "ev ev--plan",
        Mark::Void => "ev ev--void",
        Mark::Trouble => "ev ev--bad",
        Mark::System => "ev ev--system",
    };
    let mark = match entry.kind {
        EntryKind::Carrier => view! { <i></i> }.into_any(),
        EntryKind::Odoo => view! { <Icon name="cube"/> }.into_any(),
        EntryKind::Desk => view! { <Icon name="chat"/> }.into_any(),
        EntryKind::Person => view! { <Icon name="user"/> }.into_any(),
    };
    let when = entry.when;
    let clock = crate::contract::When { shown: entry.clock, ..when };
    let exception = entry.exception.map(|(severity, label)| view! { " "<SeverityMark severity label/> });
    let is_open = opened.is_some();
    let toggle = entry.observation.map(|id| {
        let (href, word) =
            if is_open { (base.clone(), "Close") } else { (format!("{base}?event={id}"), "View payload") };
        view! { " · "<a href=href aria-expanded=is_open.to_string()>{word}</a> }
    });
    let correlation = entry.correlation.map(|id| view! { " · "<Copy text=id/> });
    view! {
        <li class=class data-testid="timeline-entry" id=entry.key>
            <div class="ev__time"><Time when=clock/><small>{entry.remark}</small></div>
            <div class="ev__mark" aria-hidden="true">{mark}</div>
            <div class="ev__body">
                <div class="ev__head"><b>{entry.title}</b>{entry.place.map(|p| format!(" · {p}"))}{exception}<span class="push small muted standing">{entry.standing}</span></div>
                <div class="ev__sub">{entry.detail}{toggle}{correlation}</div>
                {opened.map(|raw| match raw {
                    Ok(raw) => view! { <RawBesideCanonical raw/> }.into_any(),
                    Err(error) => view! { <Failed error/> }.into_any(),
                })}
            </div>
        </li>
    }
}

#[component]
fn RawBesideCanonical(raw: RawView) -> impl IntoView {
    let rows = raw
        .canonical
        .into_iter()
        .map(|(label, value)| view! { <tr><th>{label}</th><td>{value}</td></tr> })
        .collect_view();
    let later = raw.later.map(|message| {
        let more = raw.later_messages.saturating_sub(1);
        let more = (more > 0).then(|| format!(" and {more} more"));
        view! { <tr><th>"Also in"</th><td>"the later message "<Copy text=message/>{more}</td></tr> }
    });
    let masked = raw.masked.then(|| view! { <Masked/> });
    view! {
        <div class="ev__open">
            <div class="beside">
                <div>
                    <h3>"Payload as received "<span class="push"><span class="tag tag--ok"><Icon name="check"/>{raw.verified}</span></span></h3>
                    {masked}
                    <pre class="code" tabindex="0" aria-label="Raw message">{raw.raw}</pre>
                </div>
                <div>
                    <h3>"Normalized "<span class="push">{raw.mapping}</span></h3>
                    <table class="map"><tbody>
                        {rows}
                        <tr><th>"Received"</th><td><Time when=raw.received/></td></tr>
                        <tr><th>"Message"</th><td><Copy text=raw.message/></td></tr>
                        {later}
                        <tr><th>"Correlation"</th><td><Copy text=raw.correlation/></td></tr>
                    </tbody></table>
                </div>
            </div>
        </div>
    }
}

#[component]
fn WhyPanel(title: String, reasons: Vec<Reason>, facts: usize, hash: String, anomalies: Vec<String>) -> impl IntoView {
    let items = reasons.into_iter().map(reason).collect_view();
    let odd = (!anomalies.is_empty()).then(
        || view! { <p class="in small"><span class="tag tag--warn">"Data warnings"</span>" "{anomalies.join(", ")}</p> },
    );
    view! {
        <section class="panel" id="why">
            <header><h2>{title}</h2><span class="push small muted"><span title=hash>{based_on(facts)}</span></span></header>
            <ul class="why">{items}</ul>
            {odd}
        </section>
    }
}

fn based_on(events: usize) -> String {
    match events {
        1 => "Based on 1 event".to_owned(),
        n => format!("Based on {n} events"),
    }
}

fn reason(reason: Reason) -> impl IntoView {
    let (class, icon, icon_class) = match reason.standing {
        Standing::Decides => ("", "check", "ok"),
        Standing::Overlay => ("", "critical", "bad"),
        Standing::Counts => ("", "right", ""),
        Standing::Lost => ("lost", "x", ""),
    };
    view! {
        <li class=class>
            <Icon name=icon class=icon_class/>
            <span><b>{reason.title}</b>{reason.detail}<br/><span class="small muted">{reason.because}</span></span>
            <span class="rule">{reason.rule}</span>
        </li>
    }
}

#[component]
fn ExceptionsPanel(exceptions: Memo<Vec<ExceptionView>>, act: ServerAction<ActOnException>) -> impl IntoView {
    let any = Memo::new(move |_| exceptions.with(|exceptions| !exceptions.is_empty()));
    let failed = move || act.value().get().and_then(Result::err).map(|error| view! { <Failed error/> });
    let items =
        move || rows(exceptions, |one| one.id.clone(), move |exception| view! { <OneException exception act/> });
    move || {
        any.get().then(|| view! { <section class="panel"><header><h2>"Exceptions"</h2></header><div class="in stack">{items()}{failed}</div></section> })
    }
}

#[component]
fn OneException(exception: ExceptionView, act: ServerAction<ActOnException>) -> impl IntoView {
    let acts: &[(Act, &str)] = match (&exception.closed, exception.acknowledged) {
        (Some(_), _) => &[(Act::Reopen, "Reopen")],
        _ if exception.question.is_some() => &[(Act::Ticket, "Reopen ticket"), (Act::Take, "Assign to me")],
        (None, false) => &[(Act::Acknowledge, "Acknowledge"), (Act::Take, "Assign to me")],
        (None, true) => &[(Act::Take, "Assign to me"), (Act::Snooze, "Snooze")],
    };
    let page = format!("/exceptions/{}", exception.id);
    // a reason is asked for there
    let resolve = exception
        .closed
        .is_none()
        .then(|| view! { <a class="btn btn--s" href=format!("{page}#resolve")>"Resolve…"</a> });
    view! {
        <div class="stack stack--tight">
            <div class="row"><a href=page><SeverityMark severity=exception.severity label=exception.label/></a>{exception.closed.clone().map(|(how, at)| view! { <span class="tag tag--ok">{how}" "<Time when=at/></span> })}</div>
            {exception.no_ticket.map(|why| view! { <p class="small muted" data-testid="no-ticket">{why}</p> })}
            {exception.question.map(|what| view! { <p class="small late late--warn" data-testid="question">{what}</p> })}
            <dl class="facts">
                <dt>"Opened"</dt><dd><Time when=exception.opened/></dd>
                <dt>"Responsible"</dt><dd>{exception.responsible}</dd>
                <dt>"Owner"</dt><dd>{exception.owner.unwrap_or_else(|| "Unassigned".into())}</dd>
            </dl>
            {may(Permission::Act).then(|| view! { <div class="row">{act_buttons(&exception.id, acts, act)}{resolve}</div> })}
        </div>
    }
}

/// The buttons that act on an exception; one never becomes another.
pub fn act_buttons(
    id: &str,
    acts: &'static [(Act, &'static str)],
    act: ServerAction<ActOnException>,
) -> impl IntoView + use<> {
    let id = id.to_owned();
    let button = move |_: usize, (what, label): &'static (Act, &'static str)| {
        (|_: usize| (), view! { <ActButton id=id.clone() what=*what label act/> })
    };
    keyed(acts, |(what, _)| *what as u8, button)
}

/// A form of its own, so that it works before the browser's half has come.
#[component]
fn ActButton(id: String, what: Act, label: &'static str, act: ServerAction<ActOnException>) -> impl IntoView {
    let word = match what {
        Act::Acknowledge => "acknowledge",
        Act::Take => "take",
        Act::Assign => "assign",
        Act::Release => "release",
        Act::Snooze => "snooze",
        Act::Resolve => "resolve",
        Act::Reopen => "reopen",
        Act::Ticket => "ticket",
        Act::Unsnooze => "unsnooze",
        Act::Team => "team",
    };
    view! {
        <ActionForm action=act attr:class="inline-form">
            <input type="hidden" name="id" value=id/>
            <input type="hidden" name="act" value=word/>
            <button class="btn btn--s" type="submit">{label}</button>
        </ActionForm>
    }
}

#[component]
fn OrderPanel(view: ShipmentView) -> impl IntoView {
    let ShipmentView { row, order_url, follows, customer, pieces, .. } = view;
    let of_vendor = row.direction == Direction::Inbound;
    let Some(transfer) = row.transfer else {
        return view! {
            <section class="panel"><header><h2>"Order"</h2></header>
                <p class="in small muted">"Not linked to an order. Excluded from reports; no notifications are sent. An order that gets this number takes over its history."</p>
            </section>
        }.into_any();
    };
    let link = match order_url {
        Some(url) => {
            view! { <Outside href=url text=transfer attr:class="id" attr:data-testid="odoo-link"/> }.into_any()
        }
        None => view! { <span class="id">{transfer}</span> }.into_any(),
    };
    let pieces = pieces
        .into_iter()
        .map(|(piece, state)| view! { <dt class="id">{piece}</dt><dd><StateMark state/></dd> })
        .collect_view();
    view! {
        <section class="panel">
            <header><h2>{if of_vendor { "Order and vendor" } else { "Order and customer" }}</h2>{customer.as_ref().is_some_and(|c| c.masked).then(|| view! { <span class="push small muted row row--tight"><Icon name="mask"/>"masked"</span> })}</header>
            <div class="in"><dl class="facts">
                <dt>"Order"</dt><dd class="id">{row.order.unwrap_or_else(|| "–".into())}</dd>
                <dt>"Transfer"</dt><dd>{link}</dd>
                {follows.into_iter().map(|(how, transfer)| view! { <dt>{how}</dt><dd class="id">{transfer}</dd> }).collect_view()}
                {customer.map(|customer| customer_facts(customer, of_vendor))}
                {pieces}
            </dl></div>
        </section>
    }.into_any()
}

fn customer_facts(customer: CustomerView, of_vendor: bool) -> impl IntoView {
    let class = if customer.masked { "masked" } else { "" };
    let line = move |label: &'static str, value: Option<String>, class: &'static str| {
        value.map(|value| view! { <dt>{label}</dt><dd class=class>{value}</dd> })
    };
    view! {
        {line(if of_vendor { "Vendor" } else { "Customer" }, customer.name, class)}
        {line(if of_vendor { "Ship from" } else { "Ship to" }, customer.place, "")}
        {line("Email", customer.email, class)}
        {line("Language, local time", customer.locale, "")}
    }
}

/// Who signed; nothing where nobody is named.
#[component]
fn ProofPanel(proofs: Vec<ProofView>, unread: usize) -> impl IntoView {
    if proofs.is_empty() && unread == 0 {
        return ().into_any();
    }
    let masked = proofs.iter().any(|proof| proof.masked);
    let items = proofs
        .into_iter()
        .map(|proof| {
            let class = if proof.masked { "masked" } else { "" };
            view! {
                {proof.number.map(|number| view! { <dt>"Number"</dt><dd class="id">{number}</dd> })}
                <dt>"Signed by"</dt><dd class=class data-testid="signed-by">{proof.signed_by}</dd>
                <dt>"Delivered"</dt><dd><Time when=proof.when/></dd>
            }
        })
        .collect_view();
    let more = (unread > 0).then(|| {
        let deliveries =
            if unread == 1 { "1 more delivery is".to_owned() } else { format!("{unread} more deliveries are") };
        let text = format!("{deliveries} not listed. “View payload” in the timeline shows who signed.");
        view! { <p class="small muted" data-testid="unread-deliveries">{text}</p> }
    });
    view! {
        <section class="panel">
            <header><h2>"Proof of delivery"</h2>{masked.then(|| view! { <span class="push small muted row row--tight"><Icon name="mask"/>"masked"</span> })}</header>
            <div class="in"><dl class="facts">{items}</dl>{more}</div>
        </section>
    }.into_any()
}

#[component]
fn CasesPanel(cases: Memo<Vec<CaseView>>) -> impl IntoView {
    let any = Memo::new(move |_| cases.with(|cases| !cases.is_empty()));
    let items = move || rows(cases, |case| (case.desk.clone(), case.number.clone(), case.opened.iso.clone()), one_case);
    move || {
        any.get().then(|| view! { <section class="panel"><header><h2>"Cases"</h2></header><div class="in stack stack--tight">{items()}</div></section> })
    }
}

fn one_case(case: CaseView) -> impl IntoView {
    let number = case.number.map_or_else(|| "being opened".to_owned(), |n| format!("#{n}"));
    let name = match case.url {
        Some(url) => view! { <Outside href=url text=number attr:class="id" attr:data-testid="case-link"/> }.into_any(),
        None => view! { <span class="id">{number}</span> }.into_any(),
    };
    view! { <dl class="facts"><dt>{name}</dt><dd>{case.status}" · "{case.desk}" · created "<Time when=case.opened/></dd></dl> }
}
