//! Sync: what Milepost told Odoo and the desk, what they answered, and what waits for a person.

use crate::{
    api::{self, PauseDestination, ReplayMessage, ResumeDestination, RetryAll, RetryJob},
    components::{
        Copy, Failed, Frame, Icon, Loading, Time, browser,
        parts::{Empty, grouped},
    },
    contract::sync::{CallView, Destination, GateView, JobView, MessageView, Stands, SyncQuery, SyncView},
};
use leptos::{form::ActionForm, prelude::*};
use leptos_router::{hooks::use_query_map, params::ParamsMap};

const VIEWS: &[(&str, &str)] = &[
    ("failed", "Failed"),
    ("retrying", "Retrying"),
    ("pending", "Pending"),
    ("done", "Done"),
    ("quarantine", "Quarantine"),
];

fn question(params: &ParamsMap) -> SyncQuery {
    let view = params.get("view").filter(|v| !v.is_empty()).unwrap_or_else(|| "failed".into());
    SyncQuery { view, cursor: params.get("cursor").unwrap_or_default() }
}

/// The sync page.
#[component]
pub fn SyncPage() -> impl IntoView {
    let params = use_query_map();
    let query = Memo::new(move |_| question(&params.get()));
    let (retry, all, replay) =
        (ServerAction::<RetryJob>::new(), ServerAction::<RetryAll>::new(), ServerAction::<ReplayMessage>::new());
    let (pause, resume) = (ServerAction::<PauseDestination>::new(), ServerAction::<ResumeDestination>::new());
    let acted = move || {
        [retry.version(), all.version(), replay.version(), pause.version(), resume.version()]
            .into_iter()
            .map(|version| version.get())
            .sum::<usize>()
    };
    let sync = Resource::new(move || (query.get(), acted()), |(query, _)| api::get_sync(query));
    browser::live(|| "/live/shipments".to_owned(), move || sync.refetch());
    let failed = move || {
        [
            retry.value().get().and_then(Result::err),
            replay.value().get().and_then(Result::err),
            all.value().get().and_then(Result::err),
            pause.value().get().and_then(Result::err),
            resume.value().get().and_then(Result::err),
        ]
        .into_iter()
        .flatten()
        .map(|error| view! { <Failed error/> })
        .collect_view()
    };
    let taken_up = move || {
        all.value().get().and_then(Result::ok).map(|n| view! { <div class="note note--ok" role="status"><Icon name="check"/><div>{format!("{n} taken up again")}</div></div> })
    };
    view! {
        <Frame title="Sync">
            <div class="page__head"><div><h1>"Sync"</h1><p>"What Milepost told Odoo and the desk, and what they answered"</p></div></div>
            {failed}{taken_up}
            <Transition fallback=Loading>
                {move || Suspend::new(async move {
                    match sync.await {
                        Ok(view) => view! { <Syncs view query=query.get_untracked() acts=Acts { retry, all, replay, pause, resume }/> }.into_any(),
                        Err(error) => view! { <Failed error/> }.into_any(),
                    }
                })}
            </Transition>
        </Frame>
    }
}

/// What a person can do here.
#[derive(Clone, Copy)]
struct Acts {
    retry: ServerAction<RetryJob>,
    all: ServerAction<RetryAll>,
    replay: ServerAction<ReplayMessage>,
    pause: ServerAction<PauseDestination>,
    resume: ServerAction<ResumeDestination>,
}

#[component]
fn Syncs(view: SyncView, query: SyncQuery, acts: Acts) -> impl IntoView {
    let Acts { retry, all, replay, .. } = acts;
    let destinations = view.destinations.into_iter().map(|d| destination(d, acts)).collect_view();
    let tabs = VIEWS
        .iter()
        .map(|(key, label)| {
            let href = format!("/sync?view={key}");
            view! { <a href=href aria-current=(query.view == *key).then_some("page")>{*label}</a> }
        })
        .collect_view();
    let quarantine = query.view == "quarantine";
    let nothing = if quarantine { view.quarantine.is_empty() } else { view.jobs.is_empty() };
    let retry_all = (query.view == "failed" && view.failed > 0).then(|| {
        view! {
            <ActionForm action=all attr:class="inline-form push">
                <button class="btn btn--s" type="submit" data-testid="retry-all"><Icon name="sync"/>{format!("Retry all {}", view.failed)}</button>
            </ActionForm>
        }
    });
    let older = view.next.map(|cursor| format!("/sync?view={}&cursor={cursor}", query.view));
    let jobs = view.jobs.into_iter().map(|job| view! { <OneJob job retry/> }).collect_view();
    let messages = view.quarantine.into_iter().map(|message| view! { <OneMessage message replay/> }).collect_view();
    view! {
        <section class="table-box">
            <table class="table">
                <caption class="sr">"Destinations"</caption>
                <thead><tr><th>"Destination"</th><th>"Stands"</th><th>"Errors"</th><th class="num">"Done, 24 h"</th><th class="num">"Pending"</th><th class="num">"Retrying"</th><th class="num">"Failed"</th><th class="p2">"Last success"</th><th><span class="sr">"Act"</span></th></tr></thead>
                <tbody>{destinations}</tbody>
            </table>
        </section>
        <section class="table-box">
            <div class="row"><nav class="tabs" aria-label="Jobs">{tabs}</nav>{retry_all}</div>
            {match (nothing, quarantine) {
                (true, true) => view! { <Empty title="No message waits">"Messages that cannot be read wait here with their reason; nothing is lost."</Empty> }.into_any(),
                (true, false) => view! { <Empty title="Nothing in this view">"What fails for good appears under Failed, with every attempt."</Empty> }.into_any(),
                (false, true) => view! {
                    <table class="table"><caption class="sr">"Messages that cannot be read"</caption>
                        <thead><tr><th>"Received"</th><th>"Source"</th><th>"Why it waits"</th><th class="num">"Bytes"</th><th>"Correlation"</th><th><span class="sr">"Act"</span></th></tr></thead>
                        <tbody>{messages}</tbody></table>
                }.into_any(),
                (false, false) => view! {
                    <table class="table"><caption class="sr">"Jobs"</caption>
                        <thead><tr><th>"Last moved"</th><th>"What"</th><th>"Error"</th><th>"Status"</th><th><span class="sr">"Act"</span></th></tr></thead>
                        <tbody>{jobs}</tbody></table>
                }.into_any(),
            }}
            <nav class="pager" aria-label="Pages"><span class="push btn-group">{older.map(|href| view! { <a class="btn btn--s" href=href rel="next">"Next page"<Icon name="right"/></a> })}</span></nav>
        </section>
    }
}

fn destination(d: Destination, acts: Acts) -> impl IntoView {
    let errors = d.errors.into_iter().map(|(class, n)| format!("{class} {n}")).collect::<Vec<_>>().join(", ");
    let dead = if d.dead > 0 { "bad strong" } else { "faint" };
    view! {
        <tr>
            <th scope="row">{d.label}</th>
            <td class="two">{d.gate.as_ref().map(stands)}</td>
            <td class="mono small">{errors}</td>
            <td class="num">{grouped(d.done)}</td><td class="num">{grouped(d.pending)}</td><td class="num">{grouped(d.retrying)}</td>
            <td class="num"><span class=dead>{grouped(d.dead)}</span></td>
            <td class="p2">{d.last_ok.map_or_else(|| "never".into_any(), |when| view! { <Time when/> }.into_any())}</td>
            <td class="right">{d.gate.map(|gate| gate_acts(gate, acts))}</td>
        </tr>
    }
}

fn stands(gate: &GateView) -> impl IntoView + use<> {
    let (class, word) = match gate.stands {
        Stands::Open => ("tag tag--ok", "Open"),
        Stands::Paused => ("tag tag--warn", "Paused"),
        Stands::Held => ("tag tag--warn", "Held"),
        Stands::Shut => ("tag tag--bad", "Shut"),
    };
    let detail = (!gate.detail.is_empty()).then(|| view! { <small class="wrap-any">{gate.detail.clone()}</small> });
    view! { <span class=class data-testid="stands">{word}</span>{detail} }
}

fn gate_acts(gate: GateView, acts: Acts) -> impl IntoView {
    let Acts { pause, resume, .. } = acts;
    let name = gate.name;
    if gate.stands == Stands::Paused {
        view! {
            <ActionForm action=resume attr:class="inline-form"><input type="hidden" name="destination" value=name/>
                <button class="btn btn--s" type="submit" data-testid="resume">"Resume"</button></ActionForm>
        }
        .into_any()
    } else {
        let label = format!("Why {name} is paused");
        view! {
            <details class="pause">
                <summary class="small" data-testid="pause">"Pause…"</summary>
                <ActionForm action=pause attr:class="row">
                    <input type="hidden" name="destination" value=name/>
                    <input class="input" name="why" maxlength="500" required placeholder="Why" aria-label=label/>
                    <button class="btn btn--s" type="submit">"Pause"</button>
                </ActionForm></details>
        }
        .into_any()
    }
}

#[component]
fn OneJob(job: JobView, retry: ServerAction<RetryJob>) -> impl IntoView {
    let what = match job.shipment {
        Some(id) => view! { <a href=format!("/shipments/{id}")>{job.what}</a> }.into_any(),
        None => view! { <span>{job.what}</span> }.into_any(),
    };
    let calls = (!job.calls.is_empty()).then(|| view! { <Calls calls=job.calls/> });
    let id = job.id;
    view! {
        <tr data-testid="job-row">
            <td class="two nowrap"><Time when=job.updated/><small>{job.destination}</small></td>
            <td class="two">{what}<small><Copy text=job.correlation/></small></td>
            <td class="two"><span class="mono">{job.class}</span><small class="wrap-any">{job.error}</small><small>{job.advice}</small>{calls}</td>
            <td class="two nowrap"><span class="tag">{job.status}</span><small>{format!("{} tries", job.attempts)}{job.next.map(|when| view! { " · next "<Time when/> })}</small></td>
            <td>{job.retryable.then(|| view! {
                <ActionForm action=retry attr:class="inline-form"><input type="hidden" name="job" value=id/><button class="btn btn--s" type="submit" data-testid="retry">"Retry"</button></ActionForm>
            })}</td>
        </tr>
    }
}

#[component]
fn Calls(calls: Vec<CallView>) -> impl IntoView {
    let items = calls
        .into_iter()
        .map(|call| {
            view! {
                <details>
                    <summary>{call.title}" · "<Time when=call.at/></summary>
                    <pre class="mono">{call.request}</pre>
                    <pre class="mono">{call.response}</pre>
                </details>
            }
        })
        .collect_view();
    view! { <div class="calls">{items}</div> }
}

#[component]
fn OneMessage(message: MessageView, replay: ServerAction<ReplayMessage>) -> impl IntoView {
    view! {
        <tr data-testid="quarantine-row">
            <td class="nowrap"><Time when=message.received/></td>
            <td>{message.source}</td>
            <td class="wrap-any">{message.reason}</td>
            <td class="num">{grouped(message.size)}</td>
            <td><Copy text=message.correlation/></td>
            <td><ActionForm action=replay attr:class="inline-form"><input type="hidden" name="message" value=message.id/><button class="btn btn--s" type="submit">"Read again"</button></ActionForm></td>
        </tr>
    }
}
