//! One exception: what to do next, what may be done about it, and what happened to it.

use crate::{
    api::{self, ActOnException},
    components::{
        Failed, Frame, Icon, Outside, PageTitle, SeverityMark, StateMark, Time, action, browser, live::followed, may,
    },
    contract::{
        Record,
        exceptions::{ExceptionPage as Page, HistoryEntry, SnoozeFor},
        is_id,
        session::Permission,
        shipments::Lateness,
    },
};
use leptos::{form::ActionForm, prelude::*};
use leptos_router::hooks::use_params_map;

/// Reasons for resolving, beside a person's own words.
const REASONS: &[&str] = &[
    "Replacement sent",
    "Refunded",
    "Carrier confirmed the delivery",
    "Address corrected",
    "Documents sent",
    "Customer informed",
    "Not a problem",
    "Other",
];

/// The page of one exception.
#[component]
pub fn ExceptionPage() -> impl IntoView {
    let params = use_params_map();
    let id = Memo::new(move |_| params.get().get("id").unwrap_or_default());
    let act = action::<ActOnException>();
    let exception = Resource::new(
        move || (id.get(), act.version().get()),
        |(id, _)| async move { api::get_exception(id).await.map_err(|error| error.of_page(Record::Exception)) },
    );
    if id.with_untracked(|id| is_id(id)) {
        browser::live(|| "/live/shipments".to_owned(), move || exception.refetch());
    }
    browser::acted(move || act.version().get());
    let failed = move || act.value().get().and_then(Result::err).map(|error| view! { <Failed error/> });
    view! {
        <Frame title="Exception">
            {failed}
            {followed(exception, move |page| view! { {move || whole(page.get(), act)} })}
        </Frame>
    }
}

fn whole(page: Page, act: ServerAction<ActOnException>) -> impl IntoView {
    let Page { row, order, promised, eta, snoozed_until, teams, history } = page;
    let clock_class = match row.clock.0 {
        Lateness::None | Lateness::OnTime => "late",
        Lateness::Warn => "late late--warn",
        Lateness::Bad => "late late--bad",
    };
    let case = row.case.map(|(number, url)| match url {
        Some(url) => view! { <dt>"Case"</dt><dd><Outside href=url text=format!("#{number}")/></dd> }.into_any(),
        None => view! { <dt>"Case"</dt><dd>{format!("#{number}")}</dd> }.into_any(),
    });
    let owner = match (row.owner, row.team.clone()) {
        (Some(owner), Some(team)) => format!("{owner}, team {team}"),
        (Some(owner), None) => owner,
        (None, Some(team)) => format!("Team {team}"),
        (None, None) => "Unassigned".to_owned(),
    };
    let closed = row.closed.clone().map(|(how, at)| view! { <span class="tag tag--ok">{how}" "<Time when=at/></span> });
    let open = row.closed.is_none();
    let forms = may(Permission::Act).then(|| {
        acts(row.id.clone(), Stand { open, mine: row.mine, snoozed: snoozed_until.is_some() }, (teams, row.team), act)
    });
    let shipment = format!("/shipments/{}", row.shipment);
    view! {
        <PageTitle text=row.label.clone()/>
        <nav class="crumbs" aria-label="Where"><a href="/exceptions">"Exceptions"</a><Icon name="right"/><span>{row.label.clone()}</span></nav>
        <div class="page__head"><div>
            <h1 data-testid="exception-title"><SeverityMark severity=row.severity label=row.label/></h1>
            <p><StateMark state=row.state/>" "<span class=clock_class>{row.clock.1}</span>" · "<Time when=row.age/>" "{closed}</p>
        </div><a class="btn" href=shipment.clone()>"Open shipment"</a></div>
        <div class="cols cols--side">
            <div class="stack">
                <section class="panel" data-testid="next-step"><header><h2>"Next step"</h2></header><p class="in">{row.next_step}</p></section>
                <section class="panel"><header><h2>"History"</h2></header><div class="in"><ol class="stack stack--tight" data-testid="history">{history.into_iter().map(entry).collect_view()}</ol></div></section>
            </div>
            <aside class="stack" aria-label="Context">
                {forms}
                <section class="panel"><header><h2>"About"</h2></header><div class="in"><dl class="facts">
                    <dt>"Shipment"</dt><dd><a class="id" href=shipment>{row.number}</a><br/><span class="small muted">{row.route}</span></dd>
                    {order.map(|order| view! { <dt>"Order"</dt><dd class="id">{order}</dd> })}
                    <dt>"Owner"</dt><dd>{owner}</dd>
                    <dt>"Reason"</dt><dd>{row.responsible}</dd>
                    {promised.map(|when| view! { <dt>"Promised"</dt><dd><Time when/></dd> })}
                    {eta.map(|when| view! { <dt>"Carrier ETA"</dt><dd><Time when/></dd> })}
                    {snoozed_until.map(|when| view! { <dt>"Snoozed until"</dt><dd><Time when/></dd> })}
                    {case}
                </dl></div></section>
            </aside>
        </div>
    }
}

fn entry(line: HistoryEntry) -> impl IntoView {
    view! {
        <li><b>{line.what}</b>{line.who.map(|who| format!(" by {who}"))}" "<span class="small muted"><Time when=line.at/></span>
            {line.why.map(|why| view! { <p class="small">{why}</p> })}
        </li>
    }
}

/// How an exception stands for the viewer.
#[derive(Clone, Copy)]
struct Stand {
    open: bool,
    mine: bool,
    snoozed: bool,
}

/// What a person may do, each a form of its own.
fn acts(
    id: String,
    stand: Stand,
    (teams, team): (Vec<String>, Option<String>),
    act: ServerAction<ActOnException>,
) -> AnyView {
    let of = id.clone();
    let simple = move |what, label| plain(of.clone(), what, label, act);
    if !stand.open {
        return view! { <section class="panel"><header><h2>"Work on it"</h2></header><div class="in row">{simple("reopen", "Reopen")}</div></section> }.into_any();
    }
    let assign = if stand.mine { simple("release", "Unassign") } else { simple("take", "Assign to me") };
    let later = stand.snoozed.then(|| simple("unsnooze", "Back in the queue"));
    let reasons = REASONS.iter().map(|reason| view! { <option value=*reason>{*reason}</option> }).collect_view();
    let lengths = [SnoozeFor::Hours, SnoozeFor::Day, SnoozeFor::Days, SnoozeFor::Week].map(|length| {
        view! { <option value=length.code() selected=length == SnoozeFor::Day>{length.label()}</option> }
    });
    let (to_resolve, to_snooze) = (id.clone(), id.clone());
    let choices = (!teams.is_empty()).then(|| {
        let chosen = |name: &String| team.as_ref() == Some(name);
        let options: Vec<_> = teams.iter().map(|name| (name.clone(), chosen(name))).collect();
        let options = options.into_iter().map(|(name, selected)| {
            view! { <option value=name.clone() selected=selected>{name.clone()}</option> }
        });
        view! {
            <ActionForm action=act attr:class="row">
                <input type="hidden" name="id" value=id/><input type="hidden" name="act" value="team"/>
                <label class="field"><span>"Team"</span><select class="input" name="with[team]"><option value="">"No team"</option>{options.collect_view()}</select></label>
                <button class="btn" type="submit">"Give"</button>
            </ActionForm>
        }
    });
    view! {
        <section class="panel" id="resolve"><header><h2>"Work on it"</h2></header><div class="in stack">
            <div class="row">{assign}{simple("acknowledge", "Acknowledge")}{later}</div>
            <ActionForm action=act attr:class="stack stack--tight">
                <input type="hidden" name="id" value=to_resolve/><input type="hidden" name="act" value="resolve"/>
                <label class="field"><span>"Reason"</span><select class="input" name="why" required>{reasons}</select></label>
                <label class="field"><span>"In your words"</span><input class="input" name="with[note]" maxlength="400"/></label>
                <button class="btn btn--pri" type="submit">"Resolve"</button>
            </ActionForm>
            <ActionForm action=act attr:class="stack stack--tight">
                <input type="hidden" name="id" value=to_snooze/><input type="hidden" name="act" value="snooze"/>
                <label class="field"><span>"Snooze for"</span><select class="input" name="with[snooze]">{lengths}</select></label>
                <label class="field"><span>"or until"</span><input class="input" type="datetime-local" name="with[until]"/></label>
                <button class="btn" type="submit">"Snooze"</button>
            </ActionForm>
            {choices}
        </div></section>
    }.into_any()
}

fn plain(id: String, what: &'static str, label: &'static str, act: ServerAction<ActOnException>) -> impl IntoView {
    view! {
        <ActionForm action=act attr:class="inline-form">
            <input type="hidden" name="id" value=id/>
            <input type="hidden" name="act" value=what/>
            <button class="btn btn--s" type="submit">{label}</button>
        </ActionForm>
    }
}
