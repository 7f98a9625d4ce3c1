//! One message as it was received, with its result.

use super::sync::Reprocess;
use crate::{
    api::{self, ReplayMessage},
    components::{Copy, Failed, Frame, Masked, Time, action, browser, live::followed, parts::grouped},
    contract::{Record, sync::MessagePage as View},
};
use leptos::prelude::*;
use leptos_router::hooks::use_params_map;

/// The page of a message.
#[component]
pub fn MessagePage() -> impl IntoView {
    let params = use_params_map();
    let replay = action::<ReplayMessage>();
    let id = Memo::new(move |_| params.get().get("id").unwrap_or_default());
    let message = Resource::new(
        move || (id.get(), replay.version().get()),
        |(id, _)| async move { api::get_message(id).await.map_err(|error| error.of_page(Record::Message)) },
    );
    browser::acted(move || replay.version().get());
    let failed = move || replay.value().get().and_then(Result::err).map(|error| view! { <Failed error/> });
    view! {
        <Frame title="Message">
            {failed}
            {followed(message, move |page| move || view! { <Whole page=page.get() replay/> })}
        </Frame>
    }
}

#[component]
fn Whole(page: View, replay: ServerAction<ReplayMessage>) -> impl IntoView {
    let View { message, verified, connector, repeats, raw, masked } = page;
    let repeats =
        (repeats > 0).then(|| view! { <tr><th>"Repeated"</th><td>{format!("{repeats} times; kept once")}</td></tr> });
    let kept = raw.is_some();
    let raw = match raw {
        Some(raw) => view! { <pre class="code" tabindex="0" aria-label="Raw message">{raw}</pre> }.into_any(),
        None => view! { <p class="in muted">"The body is no longer kept, so it cannot be reprocessed."</p> }.into_any(),
    };
    let id = message.id;
    view! {
        <div class="page__head">
            <div><h1>"Message from "{message.source_label}</h1><p>"As received, with the result"</p></div>
            <div class="push">{kept.then(|| view! { <Reprocess id replay/> })}</div>
        </div>
        <section class="panel"><div class="in"><table class="map"><tbody>
            <tr><th>"Status"</th><td class="wrap-any"><span class="tag" data-testid="message-status">{message.status}</span>" "{message.reason}</td></tr>
            <tr><th>"Received"</th><td><Time when=message.received/></td></tr>
            <tr><th>"Connector"</th><td>{connector}</td></tr>
            <tr><th>"Signature"</th><td>{verified}</td></tr>
            <tr><th>"Size"</th><td>{grouped(message.size)}" bytes"</td></tr>
            {repeats}
            <tr><th>"Correlation"</th><td><Copy text=message.correlation/></td></tr>
        </tbody></table></div></section>
        <section class="panel"><header><h2>"As received"</h2></header><div class="in">{masked.then(|| view! { <Masked/> })}{raw}</div></section>
    }
}
