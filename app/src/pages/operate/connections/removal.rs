//! Removing a connection: what ends and what stays is said before.

use crate::{
    api::RemoveConnection,
    components::{Icon, live::part},
    contract::connections::{ConnectionView, RemovalView},
};
use leptos::{form::ActionForm, prelude::*};

/// The panel with the button; where it cannot be removed, why.
#[component]
pub fn Remove(
    /// The connection.
    one: Signal<ConnectionView>,
    /// What removes it.
    act: ServerAction<RemoveConnection>,
) -> impl IntoView {
    let shown = part(one, |one| (one.row.name.clone(), one.row.label.clone(), one.removal.clone()));
    move || {
        let (name, label, RemovalView { blocked, ends, stays }) = shown.get();
        let body = match blocked {
            Some(why) => view! { <p class="in small muted wrap-any" data-testid="not-removed">{why}</p> }.into_any(),
            None => view! { <Question name label ends stays act/> }.into_any(),
        };
        view! { <section class="panel" id="remove"><header><h2>"Remove connection"</h2></header>{body}</section> }
    }
}

/// What is asked before.
#[component]
fn Question(
    name: String,
    label: String,
    ends: Vec<String>,
    stays: Vec<String>,
    act: ServerAction<RemoveConnection>,
) -> impl IntoView {
    let line = |icon: &'static str, tone: &'static str| move |text: String| view! { <li><Icon name=icon class=tone/><span>{text}</span><span></span></li> };
    view! {
        <details class="more-asks" data-testid="remove">
            <summary><Icon name="right"/>"Remove connection …"</summary>
            <p class="in small strong wrap-any">{format!("Remove {label}? It cannot be undone.")}</p>
            <h3 class="box-head small muted">"What ends"</h3>
            <ul class="lines lines--s">{ends.into_iter().map(line("x", "bad")).collect_view()}</ul>
            <h3 class="box-head small muted">"What stays"</h3>
            <ul class="lines lines--s">{stays.into_iter().map(line("check", "ok")).collect_view()}</ul>
            <ActionForm action=act attr:class="in stack stack--tight">
                <input type="hidden" name="name" value=name/>
                <div class="field"><label for="remove-why">"Reason (optional)"</label><input class="input" id="remove-why" name="why" maxlength="500"/></div>
                <div class="row"><button class="btn btn--stop" type="submit" data-testid="remove-now"><Icon name="x"/>"Remove connection"</button></div>
            </ActionForm>
        </details>
    }
}
