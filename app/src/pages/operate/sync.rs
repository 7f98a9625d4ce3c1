//! Integrations: calls to Odoo and the desk, their answers, and what waits for a person.

use super::replays;
use crate::{
    api::{
        self, PauseDestination, ReadDeliveries, ReplayMessage, ResumeDestination, RetryJob, StartReplay, StopReplay,
    },
    components::{
        Copy, Count, Failed, Frame, HealthTag, Icon, Outside, Time, action,
        browser::{self, POP},
        live::{Ticked, followed, part, rows},
        parts::{Empty, grouped},
    },
    contract::{
        connections::Health,
        sync::{
            BreakerView, Destination, JobView, MessageView, Planned, RetryingFor, SyncQuery, SyncTab, SyncView,
            UnreadView,
        },
    },
};
use domain::visible::visible;
use leptos::{form::ActionForm, prelude::*};
use leptos_router::{hooks::use_query_map, params::ParamsMap};
use std::collections::BTreeSet;

const VIEWS: &[(SyncTab, &str)] = &[
    (SyncTab::Failed, "Failed"),
    (SyncTab::Retrying, "Retrying"),
    (SyncTab::Pending, "Pending"),
    (SyncTab::Done, "Succeeded"),
    (SyncTab::Quarantine, "Quarantine"),
    (SyncTab::Messages, "All messages"),
];
const AGES: &[(&str, &str)] = &[("", "All time"), ("1h", "Last hour"), ("24h", "24 h"), ("7d", "7 days")];
/// The form of the rows that are chosen; their boxes lie outside of it.
const CHOSEN: &str = "chosen";

fn question(params: &ParamsMap) -> SyncQuery {
    let text = |key: &str| params.get(key).unwrap_or_default();
    SyncQuery {
        view: SyncTab::of(&text("view")),
        destination: text("destination"),
        class: text("class"),
        source: text("source"),
        since: text("since"),
        longer: RetryingFor::of(&text("longer")),
        cursor: text("cursor"),
        count: text("count") == "true",
    }
}

/// The address of a question.
pub(crate) fn address(query: &SyncQuery) -> String {
    let pairs = [
        ("view", query.view.code()),
        ("destination", &query.destination),
        ("class", &query.class),
        ("source", &query.source),
        ("since", &query.since),
        ("longer", query.longer.code()),
        ("cursor", &query.cursor),
        ("count", if query.count { "true" } else { "" }),
    ];
    let mut params = ParamsMap::new();
    pairs.into_iter().filter(|(_, v)| !v.is_empty()).for_each(|(k, v)| params.insert(k, v.to_owned()));
    format!("/sync{}", params.to_query_string())
}

/// The sync page.
#[component]
pub fn SyncPage() -> impl IntoView {
    let params = use_query_map();
    let query = Memo::new(move |_| question(&params.get()));
    let acts = Acts::new();
    let sync = Resource::new(
        move || (query.get(), acts.done()),
        |(query, _)| async move { api::get_sync(query.clone()).await.map(|view| (query, view)) },
    );
    let ticked = Ticked::new(CHOSEN, "chosen[ids][]");
    let view = Memo::new(move |_| query.with(|query| query.view));
    Effect::watch(move || view.get(), move |_, _, _| ticked.clear(), false);
    Effect::watch(
        move || acts.start.value().with(|started| matches!(started, Some(Ok(_)))).then(|| acts.start.version().get()),
        move |started, _, _| {
            if started.is_some() {
                ticked.clear()
            }
        },
        false,
    );
    browser::acted(move || acts.done());
    browser::live(|| "/live/shipments".to_owned(), move || sync.refetch());
    view! {
        <Frame title="Integrations">
            <div class="page__head"><div><h1>"Integrations"</h1><p>"Updates sent to Odoo and the service desk"</p></div></div>
            {move || acts.failed()}
            {move || acts.started()}
            {followed(sync, move |sync| view! { <Syncs sync acts ticked/> })}
        </Frame>
    }
}

/// What a person can do here.
#[derive(Clone, Copy)]
struct Acts {
    retry: ServerAction<RetryJob>,
    replay: ServerAction<ReplayMessage>,
    start: ServerAction<StartReplay>,
    stop: ServerAction<StopReplay>,
    pause: ServerAction<PauseDestination>,
    resume: ServerAction<ResumeDestination>,
    read: ServerAction<ReadDeliveries>,
}

impl Acts {
    fn new() -> Self {
        Self {
            retry: action(),
            replay: action(),
            start: action(),
            stop: action(),
            pause: action(),
            resume: action(),
            read: action(),
        }
    }

    /// How often something was done.
    fn done(self) -> usize {
        [
            self.retry.version(),
            self.replay.version(),
            self.start.version(),
            self.stop.version(),
            self.pause.version(),
            self.resume.version(),
            self.read.version(),
        ]
        .into_iter()
        .map(|version| version.get())
        .sum()
    }

    fn failed(self) -> impl IntoView {
        [
            self.retry.value().get().and_then(Result::err),
            self.replay.value().get().and_then(Result::err),
            self.start.value().get().and_then(Result::err),
            self.stop.value().get().and_then(Result::err),
            self.pause.value().get().and_then(Result::err),
            self.resume.value().get().and_then(Result::err),
            self.read.value().get().and_then(Result::err),
        ]
        .into_iter()
        .flatten()
        .map(|error| view! { <Failed error/> })
        .collect_view()
    }

    fn started(self) -> impl IntoView {
        self.start.value().get().and_then(Result::ok).map(|planned| {
            let text = format!("Retry of {} started", grouped(planned.take));
            view! { <div class="note note--ok" role="status"><Icon name="check"/><div>{text}</div></div> }
        })
    }
}

type Asked = (SyncQuery, SyncView);

#[component]
fn Syncs(sync: Signal<Asked>, acts: Acts, ticked: Ticked) -> impl IntoView {
    let query = part(sync, |(query, _)| query.clone());
    let of_messages = part(sync, |(query, _)| query.view.of_messages());
    let planned = part(sync, |(_, view)| view.planned);
    let shown = part(sync, |(_, view)| {
        view.jobs
            .iter()
            .map(|job| job.id.clone())
            .chain(view.messages.iter().map(|message| message.id.clone()))
            .collect()
    });
    let destinations = rows(
        part(sync, |(_, view)| view.destinations.clone()),
        |d| d.name.clone(),
        move |d| query.with(|query| destination(d, query, acts)),
    );
    let narrowed = part(sync, |(query, view)| (query.clone(), labels(query, view)));
    let not_read = part(sync, |(_, view)| view.unread.clone());
    let tabs = move || query.with(tabs);
    let older = part(sync, |(query, view)| {
        let cursor = view.next.clone()?;
        Some(address(&SyncQuery { cursor, ..query.clone() }))
    });
    view! {
        <section class="table-box">
            <table class="table table--list">
                <caption class="sr">"Destinations"</caption>
                <thead><tr><th>"Destination"</th><th>"Status"</th><th>"Errors"</th><th class="num">"Succeeded, 24 h"</th><th class="num">"Pending"</th><th class="num">"Retrying"</th><th class="num">"Failed"</th><th class="p2">"Last success"</th><th><span class="sr">"Actions"</span></th></tr></thead>
                <tbody>{destinations}</tbody>
            </table>
        </section>
        {move || unread(not_read.get(), acts)}
        {replays::table(part(sync, |(_, view)| replays::shown(&view.replays)), acts.stop)}
        <section class="table-box">
            <div class="row"><nav class="tabs" aria-label="Jobs and messages">{tabs}</nav></div>
            <div class="row in">{move || narrowed.with(|(query, labels)| filters(query, labels))}{move || query.with(|query| taking_up(query, planned.get(), acts, ticked, shown))}</div>
            {move || if of_messages.get() {
                messages(sync, query, acts, ticked).into_any()
            } else {
                jobs(sync, query, acts, ticked).into_any()
            }}
            <nav class="pager" aria-label="Pages"><span class="push btn-group">{move || older.get().map(|href| view! { <a class="btn btn--s" href=href rel="next">"Next page"<Icon name="right"/></a> })}</span></nav>
        </section>
    }
}

fn tabs(query: &SyncQuery) -> impl IntoView + use<> {
    VIEWS
        .iter()
        .map(|(view, label)| {
            let href = address(&SyncQuery { view: *view, since: query.since.clone(), ..SyncQuery::default() });
            view! { <a href=href aria-current=(query.view == *view).then_some("page")>{*label}</a> }
        })
        .collect_view()
}

/// Deliveries that could not be read, or only in part.
fn unread(deliveries: Vec<UnreadView>, acts: Acts) -> impl IntoView {
    let any = !deliveries.is_empty();
    let rows = deliveries
        .into_iter()
        .map(|d| {
            let name = match d.url {
                Some(url) => view! { <Outside href=url text=d.name/> }.into_any(),
                None => d.name.into_any(),
            };
            let extent = if d.imported { "Imported in part" } else { "Not imported" };
            let tried = tries(d.attempts);
            view! {
                <tr data-testid="unread-row">
                    <th scope="row" class="two c11 nowrap">{name}<small>{extent}</small></th>
                    <td class="two c2 wrap-any">{d.problem}<small>{d.what_to_do}</small></td>
                    <td class="num hide-s">{d.attempts}</td>
                    <td class="nowrap p2 hide-s"><Time when=d.since/></td>
                    <td class="nowrap c3"><span class="small muted only-s">{tried}", next try "</span><Time when=d.next_try/></td>
                </tr>
            }
        })
        .collect_view();
    any.then(|| {
        view! {
            <section class="table-box">
                <div class="row in table-box__head"><h2>"Deliveries that could not be read"</h2>
                    <span class="push"><ActionForm action=acts.read attr:class="inline-form"><button class="btn btn--s" type="submit">"Try again now"</button></ActionForm></span></div>
                <table class="table table--list">
                    <caption class="sr">"Deliveries that could not be read, or only in part"</caption>
                    <thead><tr><th>"Delivery"</th><th>"Problem"</th><th class="num">"Attempts"</th><th class="p2">"Since"</th><th>"Next try"</th></tr></thead>
                    <tbody>{rows}</tbody>
                </table>
            </section>
        }
    })
}

/// What the destination and the source of the address are called, where the page has them.
fn labels(query: &SyncQuery, view: &SyncView) -> (String, String) {
    let destination = view.destinations.iter().find(|d| d.name == query.destination).map(|d| &d.label);
    let source =
        view.messages.iter().find(|message| message.source == query.source).map(|message| &message.source_label);
    (destination.unwrap_or(&query.destination).clone(), source.unwrap_or(&query.source).clone())
}

/// What narrows the view, each to be taken off; and the ages.
fn filters(query: &SyncQuery, (destination, source): &(String, String)) -> impl IntoView + use<> {
    let first = SyncQuery { cursor: String::new(), count: false, ..query.clone() };
    let chip = |label: &'static str, value: &str, without: SyncQuery| {
        let value = visible(value).into_owned();
        (!value.is_empty()).then(
            || view! { <a class="chip chip--on" href=address(&without)>{label}" "<b>{value}</b><Icon name="x"/></a> },
        )
    };
    let longer = if query.longer == RetryingFor::Hour { "1 h" } else { "" };
    let ages = AGES
        .iter()
        .map(|(since, label)| {
            let href = address(&SyncQuery { since: (*since).into(), ..first.clone() });
            let on = query.since == *since;
            view! { <a class="chip" class:chip--on=on href=href aria-current=on.then_some("true")>{*label}</a> }
        })
        .collect_view();
    view! {
        <div class="chips">
            {ages}
            {chip("Destination", destination, SyncQuery { destination: String::new(), ..first.clone() })}
            {chip("Error", &query.class, SyncQuery { class: String::new(), ..first.clone() })}
            {chip("Retrying for more than", longer, SyncQuery { longer: RetryingFor::Any, ..first.clone() })}
            {chip("Source", source, SyncQuery { source: String::new(), ..first.clone() })}
        </div>
    }
}

/// Retries what is selected, or all that the view shows.
fn taking_up(
    query: &SyncQuery,
    planned: Option<Planned>,
    acts: Acts,
    ticked: Ticked,
    shown: Memo<BTreeSet<String>>,
) -> impl IntoView + use<> {
    let messages = query.view.of_messages();
    if !messages && query.view != SyncTab::Failed || planned.is_some_and(|p| p.take + p.skip == 0) {
        return ().into_any();
    }
    let (some, all) = if messages { ("Reprocess selected", "Reprocess all") } else { ("Retry selected", "Retry all") };
    let count = (planned.is_none()).then(|| {
        let href = address(&SyncQuery { count: true, cursor: String::new(), ..query.clone() });
        view! { <a class="btn btn--s" href=href data-testid="count">"Preview"</a> }
    });
    let left_out = planned.filter(|p| p.skip > 0).map(|p| {
        let why = if messages { "are no longer kept" } else { "succeeded later" };
        view! { <span class="small muted">{format!("{} {why} and are skipped", grouped(p.skip))}</span> }
    });
    let take_all = planned.filter(|p| p.take > 0).map(|p| {
        let (label, hidden) = (format!("{all} {}", grouped(p.take)), hidden(query));
        view! {
            <ActionForm action=acts.start attr:class="inline-form">
                {hidden}<input type="hidden" name="chosen[all]" value="true"/>
                <button class="btn btn--s" type="submit" data-testid="take-all"><Icon name="sync"/>{label}</button>
            </ActionForm>
        }
    });
    let hidden = hidden(query);
    view! {
        <div class="row push">
            {left_out}
            <ActionForm action=acts.start attr:id=CHOSEN attr:class="inline-form hide-s">
                {hidden}{ticked.note(shown)}<button class="btn btn--s" type="submit" data-testid="take-some">{some}</button>
            </ActionForm>
            {count}{take_all}
        </div>
    }
    .into_any()
}

fn hidden(query: &SyncQuery) -> impl IntoView + use<> {
    let fields = [
        ("chosen[query][view]", query.view.code()),
        ("chosen[query][destination]", &query.destination),
        ("chosen[query][class]", &query.class),
        ("chosen[query][source]", &query.source),
        ("chosen[query][since]", &query.since),
        ("chosen[query][longer]", query.longer.code()),
    ];
    fields
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| view! { <input type="hidden" name=name value=value.to_owned()/> })
        .collect_view()
}

fn jobs(sync: Signal<Asked>, query: Memo<SyncQuery>, acts: Acts, ticked: Ticked) -> impl IntoView {
    let empty = part(sync, |(_, view)| view.jobs.is_empty());
    let choice = Memo::new(move |_| query.with(|query| query.view == SyncTab::Failed));
    let none = Memo::new(move |_| {
        let filtered = query.with(|q| !(q.destination.is_empty() && q.class.is_empty() && q.since.is_empty()));
        if choice.get() && !filtered { "No failed jobs" } else { "No jobs match these filters" }
    });
    let advice = move || (!choice.get()).then_some("Jobs that fail for good appear under Failed, with every attempt.");
    let list = part(sync, |(_, view)| view.jobs.clone());
    let rows = move || {
        let choice = choice.get().then_some(ticked);
        rows(list, |job| job.id.clone(), move |job| view! { <OneJob job choice retry=acts.retry/> })
    };
    let table = move || {
        view! {
            <table class="table table--list"><caption class="sr">"Jobs"</caption>
                <thead><tr>{move || choice.get().then(|| view! { <th><span class="sr">"Select"</span></th> })}<th>"Updated"</th><th>"Job"</th><th>"Error"</th><th>"Status"</th><th><span class="sr">"Actions"</span></th></tr></thead>
                <tbody>{rows}</tbody></table>
        }
    };
    move || {
        if empty.get() { view! { <Empty title=none.get()>{advice}</Empty> }.into_any() } else { table().into_any() }
    }
}

fn messages(sync: Signal<Asked>, query: Memo<SyncQuery>, acts: Acts, ticked: Ticked) -> impl IntoView {
    let empty = part(sync, |(_, view)| view.messages.is_empty());
    let list = part(sync, |(_, view)| view.messages.clone());
    let row = move |message: MessageView| {
        let source = message.source.clone();
        let href = query.with(|query| address(&SyncQuery { source, cursor: String::new(), ..query.clone() }));
        view! { <OneMessage message of_source=href ticked replay=acts.replay/> }
    };
    let table = move || {
        view! {
            <table class="table table--list"><caption class="sr">"Messages as received"</caption>
                <thead><tr><th><span class="sr">"Select"</span></th><th>"Received"</th><th>"Source"</th><th>"Result"</th><th class="num">"Bytes"</th><th class="p2">"Correlation"</th><th><span class="sr">"Actions"</span></th></tr></thead>
                <tbody>{rows(list, |message| message.id.clone(), row)}</tbody></table>
        }
    };
    let quarantine = Memo::new(move |_| query.with(|query| query.view == SyncTab::Quarantine));
    move || {
        match (empty.get(), quarantine.get()) {
        (false, _) => table().into_any(),
        (true, true) => {
            view! { <Empty title="Quarantine is empty">"Messages that cannot be read wait here with their reason; nothing is lost."</Empty> }.into_any()
        }
        (true, false) => {
            view! { <Empty title="No message in this view">"What carriers and platforms send appears here as it was received."</Empty> }.into_any()
        }
    }
    }
}

fn destination(d: Destination, query: &SyncQuery, acts: Acts) -> impl IntoView + use<> {
    let of = |view: SyncTab, class: &str, since: &str| {
        address(&SyncQuery {
            view,
            destination: d.name.clone(),
            class: class.into(),
            since: since.into(),
            ..SyncQuery::default()
        })
    };
    let errors = d
        .errors
        .iter()
        .map(|(view, class, n)| {
            let word = if *view == SyncTab::Failed { "failed" } else { "retrying" };
            view! { <span class="nowrap">{class.clone()}" "<Count n=*n label=word href=of(*view, class, "")/></span>" " }
        })
        .collect_view();
    let view = if query.view.of_messages() { SyncTab::Failed } else { query.view };
    let name = d.label.clone();
    let label = view! { <a href=of(view, "", "")>{d.label}</a> };
    let status = match d.no_connection {
        Some(why) => view! { <span class="tag tag--bad">"No connection"</span><small>{why}</small> }.into_any(),
        None => d.breaker.as_ref().map(stands).into_any(),
    };
    let dead = if d.dead > 0 { "bad strong" } else { "faint" };
    // beyond a limit they are not counted: the figure says so, and leads to more rows than it names
    let done = |label: &'static str| {
        let href = of(SyncTab::Done, "", "24h");
        if d.done_more {
            view! { <a href=href>{grouped(d.done)}"+ "{label}</a> }.into_any()
        } else {
            view! { <Count n=d.done label href=href/> }.into_any()
        }
    };
    let (pending, retrying, failed) =
        (of(SyncTab::Pending, "", ""), of(SyncTab::Retrying, "", ""), of(SyncTab::Failed, "", ""));
    let counts = view! {
        {done("succeeded")}", "<Count n=d.pending label="pending" href=pending.clone()/>", "
        <Count n=d.retrying label="retrying" href=retrying.clone()/>", "<Count n=d.dead label="failed" href=failed.clone()/>
    };
    view! {
        <tr>
            <th scope="row" class="c11">{label}</th>
            <td class="two c12">{status}</td>
            <td class="mono small c3">{errors}</td>
            <td class="num hide-s">{done("")}</td><td class="num hide-s"><Count n=d.pending href=pending/></td><td class="num hide-s"><Count n=d.retrying href=retrying/></td>
            <td class="small muted c2 only-s">{counts}</td>
            <td class="num hide-s"><Count n=d.dead href=failed class=dead/></td>
            <td class="p2 hide-s">{d.last_ok.map_or_else(|| "never".into_any(), |when| view! { <Time when/> }.into_any())}</td>
            <td class="right wide-s">{d.breaker.map(|breaker| breaker_actions(breaker, &name, acts))}</td>
        </tr>
    }
}

fn stands(breaker: &BreakerView) -> impl IntoView + use<> {
    let detail =
        (!breaker.detail.is_empty()).then(|| view! { <small class="wrap-any">{breaker.detail.clone()}</small> });
    view! { <HealthTag health=breaker.stands/>{detail} }
}

fn breaker_actions(breaker: BreakerView, label: &str, acts: Acts) -> impl IntoView + use<> {
    let Acts { pause, resume, .. } = acts;
    let name = breaker.name;
    if breaker.stands == Health::Paused {
        view! {
            <ActionForm action=resume attr:class="inline-form"><input type="hidden" name="destination" value=name/>
                <button class="btn btn--s" type="submit" data-testid="resume">"Resume"</button></ActionForm>
        }
        .into_any()
    } else {
        let label = format!("Reason for pausing {label}");
        view! {
            <details class="pause" name=POP>
                <summary class="small" data-testid="pause">"Pause …"</summary>
                <ActionForm action=pause attr:class="row">
                    <input type="hidden" name="destination" value=name/>
                    <input class="input" name="why" maxlength="500" required placeholder="Reason" aria-label=label/>
                    <button class="btn btn--s" type="submit">"Pause"</button>
                </ActionForm></details>
        }
        .into_any()
    }
}

#[component]
fn OneJob(job: JobView, choice: Option<Ticked>, retry: ServerAction<RetryJob>) -> impl IntoView {
    let select =
        choice.map(|ticked| view! { <td class="hide-s">{ticked.tick(&job.id, format!("Select: {}", job.what))}</td> });
    let page = format!("/sync/jobs/{}", job.id);
    let shipment = job.shipment.map(|id| view! { <a href=format!("/shipments/{id}")>"Shipment"</a> });
    let id = job.id;
    view! {
        <tr data-testid="job-row">
            {select}
            <td class="two nowrap hide-s"><Time when=job.updated/><small>{job.destination}</small></td>
            <td class="two c11"><a href=page>{job.what}</a><small>{shipment}</small></td>
            <td class="two c2"><span class="mono">{job.class}</span><small class="wrap-any">{job.error}</small><small>{job.advice}</small></td>
            <td class="two c3"><span class="tag">{job.status}</span><small>{job.attempts}{job.next.map(|when| view! { " · next "<Time when/> })}</small></td>
            <td class="c12">{job.retryable.then(|| view! { <RetryButton id retry/> })}</td>
        </tr>
    }
}

/// How often something was tried.
fn tries(attempts: u32) -> String {
    format!("{attempts} {}", if attempts == 1 { "attempt" } else { "attempts" })
}

/// Retries one failed job.
#[component]
pub(super) fn RetryButton(
    /// The job.
    id: String,
    /// What does it.
    retry: ServerAction<RetryJob>,
) -> impl IntoView {
    view! {
        <ActionForm action=retry attr:class="inline-form"><input type="hidden" name="job" value=id/><button class="btn btn--s" type="submit" data-testid="retry">"Retry"</button></ActionForm>
    }
}

/// Reads one message again.
#[component]
pub(super) fn Reprocess(
    /// The message.
    id: String,
    /// What does it.
    replay: ServerAction<ReplayMessage>,
) -> impl IntoView {
    view! {
        <ActionForm action=replay attr:class="inline-form"><input type="hidden" name="message" value=id/><button class="btn btn--s" type="submit" data-testid="read-again">"Reprocess"</button></ActionForm>
    }
}

#[component]
fn OneMessage(
    message: MessageView,
    of_source: String,
    ticked: Ticked,
    replay: ServerAction<ReplayMessage>,
) -> impl IntoView {
    let page = format!("/sync/messages/{}", message.id);
    let select = ticked.tick(&message.id, format!("Select the message from {}", message.source_label));
    view! {
        <tr data-testid="message-row">
            <td class="hide-s">{select}</td>
            <td class="nowrap c11"><a href=page><Time when=message.received/></a></td>
            <td class="c2"><a href=of_source>{message.source_label}</a></td>
            <td class="two c3"><span class="tag">{message.status}</span><small class="wrap-any">{message.reason}</small></td>
            <td class="num hide-s">{grouped(message.size)}</td>
            <td class="p2 hide-s"><Copy text=message.correlation/></td>
            <td class="c12"><Reprocess id=message.id replay/></td>
        </tr>
    }
}
