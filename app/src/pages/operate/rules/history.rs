//! The versions of a rule, and what differs between one and what is edited.

use super::acts::Acts;
use crate::{
    components::{Icon, Time, live::part},
    contract::rules::{CompareView, RuleView, VersionView},
};
use leptos::{form::ActionForm, prelude::*};

/// The panel of what differs.
pub(super) fn compared(view: Signal<RuleView>) -> impl IntoView {
    let compared = part(view, |view| (view.row.id.clone(), view.compared.clone()));
    move || compared.with(|(id, compared)| compared.clone().map(|compared| differences(id, compared)))
}

fn differences(id: &str, compared: CompareView) -> impl IntoView + use<> {
    let CompareView { version, with, lines } = compared;
    let close = format!("/rules/{id}");
    let there = name(version);
    let rows = lines
        .into_iter()
        .map(|(what, there, here)| {
            view! { <tr data-testid="difference"><th scope="row">{what}</th><td><del class="code-line">{or_none(there)}</del></td><td><ins class="code-line">{or_none(here)}</ins></td></tr> }
        })
        .collect::<Vec<_>>();
    let body = if rows.is_empty() {
        view! { <p class="in muted">"They are the same."</p> }.into_any()
    } else {
        view! {
            <div class="scroll" tabindex="0" role="group" aria-label="What differs"><table class="table diff"><caption class="sr">"What differs"</caption>
                <thead><tr><th>"What"</th><th>{there.clone()}</th><th>{with.clone()}</th></tr></thead><tbody>{rows}</tbody></table></div>
        }
        .into_any()
    };
    view! {
        <section class="panel" id="compare" data-testid="compare">
            <header><h2>{format!("{there} compared with {with}")}</h2><a class="push btn btn--s btn--bare" href=close><Icon name="x"/>"Close"</a></header>
            {body}
        </section>
    }
}

fn or_none(text: String) -> String {
    if text.is_empty() { "–".to_owned() } else { text }
}

fn name(version: u32) -> String {
    if version == 0 { "Built-in version".to_owned() } else { format!("Version {version}") }
}

/// The panel of versions.
pub(super) fn versions(view: Signal<RuleView>, acts: Acts) -> impl IntoView {
    let versions = part(view, |view| (view.row.id.clone(), view.history.clone(), view.may_edit));
    move || {
        versions.with(|(id, versions, may_edit)| {
            let rows = versions.iter().cloned().map(|one| version(id, one, *may_edit, acts)).collect_view();
            (!versions.is_empty()).then(|| {
                view! {
                    <section class="panel" id="history" data-testid="history">
                        <header><h2 id="history-title" tabindex="-1">"History"</h2><span class="push">"versions never change"</span></header>
                        <ul class="versions">{rows}</ul>
                    </section>
                }
            })
        })
    }
}

fn version(id: &str, one: VersionView, may_edit: bool, acts: Acts) -> impl IntoView + use<> {
    let VersionView { version, active, by, approved_by, at, back_to, says } = one;
    let label = name(version);
    let compare = format!("/rules/{id}?compare={version}#compare");
    let approved = approved_by.map(|by| format!(", published by {by}"));
    let back = back_to.map(|to| view! { <span class="tag">{format!("back to {}", name(to).to_lowercase())}</span> });
    let runs = active.then(|| view! { <span class="tag tag--ok"><Icon name="check"/>"Active"</span> });
    let roll_back = (!active && may_edit).then(|| {
        let id = id.to_owned();
        let described = format!("Roll back to {}", label.to_lowercase());
        view! {
            <ActionForm action=acts.act attr:class="inline-form">
                <input type="hidden" name="id" value=id/><input type="hidden" name="act" value="roll_back"/><input type="hidden" name="with" value=version.to_string()/>
                <button class="btn btn--s" type="submit" aria-label=described data-testid="roll-back">"Roll back to it"</button>
            </ActionForm>
        }
    });
    view! {
        <li data-testid="version" data-version=version.to_string()>
            <div class="versions__t"><b>{label.clone()}</b>{runs}{back}
                <span class="small muted">{by}{approved}{at.map(|at| view! { ", "<Time when=at/> })}</span></div>
            <p class="small muted wrap-any">{says}</p>
            <div class="row row--tight"><a class="btn btn--s btn--bare" href=compare aria-label=format!("Compare with {}", label.to_lowercase())>"Compare"</a>{roll_back}</div>
        </li>
    }
}
