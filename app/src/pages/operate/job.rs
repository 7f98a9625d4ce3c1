//! One job: its status and error, what to do about it, and every call that it made.

use super::sync::RetryButton;
use crate::{
    api::{self, RetryJob},
    components::{Copy, Failed, Frame, Time, action, browser, live::followed, parts::Empty},
    contract::{
        Record,
        sync::{CallView, JobView},
    },
};
use leptos::prelude::*;
use leptos_router::hooks::use_params_map;

/// The page of a job.
#[component]
pub fn JobPage() -> impl IntoView {
    let params = use_params_map();
    let retry = action::<RetryJob>();
    let id = Memo::new(move |_| params.get().get("id").unwrap_or_default());
    let job = Resource::new(
        move || (id.get(), retry.version().get()),
        |(id, _)| async move { api::get_job(id).await.map_err(|error| error.of_page(Record::Job)) },
    );
    browser::acted(move || retry.version().get());
    let failed = move || retry.value().get().and_then(Result::err).map(|error| view! { <Failed error/> });
    view! {
        <Frame title="Job">
            {failed}
            {followed(job, move |job| move || view! { <Whole job=job.get() retry/> })}
        </Frame>
    }
}

#[component]
fn Whole(job: JobView, retry: ServerAction<RetryJob>) -> impl IntoView {
    let shipment = job
        .shipment
        .map(|id| view! { <tr><th>"Shipment"</th><td><a class="id" href=format!("/shipments/{id}")>{id.clone()}</a></td></tr> });
    let error = job.error.map(|error| view! { <tr><th>"Error"</th><td class="wrap-any">{error}</td></tr> });
    let class = job
        .class
        .map(|class| view! { <tr><th>"Class"</th><td><span class="mono">{class}</span>". "{job.advice}</td></tr> });
    let calls = if job.calls.is_empty() {
        view! { <Empty title="No call is kept">"It made none, or they are older than what is kept."</Empty> }.into_any()
    } else {
        view! { <div class="in"><Calls calls=job.calls/></div> }.into_any()
    };
    let id = job.id;
    view! {
        <div class="page__head">
            <div><h1>{job.what}</h1><p>{job.destination}</p></div>
            <div class="push">{job.retryable.then(|| view! { <RetryButton id retry/> })}</div>
        </div>
        <section class="panel"><div class="in"><table class="map"><tbody>
            <tr><th>"Status"</th><td><span class="tag" data-testid="job-status">{job.status}</span>" "{job.attempts}{job.next.map(|when| view! { ", next "<Time when/> })}</td></tr>
            {error}{class}{shipment}
            <tr><th>"Updated"</th><td><Time when=job.updated/></td></tr>
            <tr><th>"Correlation"</th><td><Copy text=job.correlation/></td></tr>
        </tbody></table></div></section>
        <section class="panel"><header><h2>"Calls"</h2><span class="push small muted">"oldest first, personal data masked"</span></header>{calls}</section>
    }
}

/// Calls with their requests and answers.
#[component]
fn Calls(calls: Vec<CallView>) -> impl IntoView {
    let items = calls
        .into_iter()
        .map(|call| {
            view! {
                <details open>
                    <summary>{call.title}" · "<Time when=call.at/></summary>
                    <pre class="mono" tabindex="0" aria-label="Request">{call.request}</pre>
                    <pre class="mono" tabindex="0" aria-label="Response">{call.response}</pre>
                </details>
            }
        })
        .collect_view();
    view! { <div class="calls">{items}</div> }
}
