//! One rule, or a new one: head, editor, dry run, versions.

use super::{acts::Acts, editor, history, parts::state_tag};
use crate::{
    api,
    components::{
        Frame, Icon, PageTitle, browser,
        live::{followed, part},
    },
    contract::{
        Record,
        rules::{RuleQuery, RuleView},
    },
};
use leptos::{form::ActionForm, prelude::*};
use leptos_router::hooks::{use_params_map, use_query_map};
use std::time::Duration;

/// While a dry run goes on the page is read so often.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// A rule that is there.
#[component]
pub fn RulePage() -> impl IntoView {
    let params = use_params_map();
    let id = Memo::new(move |_| params.get().get("id").unwrap_or_default());
    whole(id, "Rule")
}

/// A new rule.
#[component]
pub fn NewRulePage() -> impl IntoView {
    whole(Memo::new(|_| String::new()), "New rule")
}

fn whole(id: Memo<String>, title: &'static str) -> impl IntoView {
    let params = use_query_map();
    let query = Memo::new(move |_| {
        params.with(|params| RuleQuery {
            id: id.get(),
            compare: params.get("compare").unwrap_or_default(),
            typed: params.get("typed").is_some(),
        })
    });
    let acts = Acts::new();
    let rule = Resource::new(
        move || (query.get(), acts.done()),
        |(query, _)| async move { api::get_rule(query).await.map_err(|error| error.of_page(Record::Rule)) },
    );
    browser::acted(move || acts.done());
    browser::regularly(move || rule.refetch());
    view! {
        <Frame title=title>
            {followed(rule, move |view| view! { <Whole view acts again=Callback::new(move |()| rule.refetch())/> })}
        </Frame>
    }
}

#[component]
fn Whole(view: Signal<RuleView>, acts: Acts, again: Callback<()>) -> impl IntoView {
    let running = part(view, |view| view.trial.as_ref().is_some_and(|trial| trial.state == "running"));
    Effect::new(move |_| {
        if running.get()
            && let Ok(timer) = set_interval_with_handle(move || again.run(()), LOOK_EVERY)
        {
            on_cleanup(move || timer.clear());
        }
    });
    // another rule is another form
    let id = part(view, |view| view.row.id.clone());
    view! {
        {head(view, acts).into_any()}
        {move || acts.failed()}
        {move || acts.said()}
        {history::compared(view).into_any()}
        {move || { id.track(); editor::form(view, acts).into_any() }}
        {history::versions(view, acts).into_any()}
        {side_forms(view, acts).into_any()}
    }
}

fn head(view: Signal<RuleView>, acts: Acts) -> impl IntoView {
    let row = part(view, |view| (view.row.clone(), view.summary.clone(), view.may_edit, !view.history.is_empty()));
    let active = part(view, |view| view.history.iter().find(|one| one.active).map(|one| one.version));
    let compare = move || {
        let (id, has_draft) = row.with(|(row, ..)| (row.id.clone(), row.state.draft.is_some()));
        active.get().filter(|_| has_draft).map(|version| {
            let label = if version == 0 { "Compare with the built-in version".to_owned() } else { format!("Compare with v{version}") };
            view! { <a class="btn" href=format!("/rules/{id}?compare={version}#compare") data-testid="compare-with">{label}</a> }
        })
    };
    move || {
        row.with(|(row, summary, may_edit, versions)| {
            let draft = row.state.draft.map(|draft| view! { <span class="tag tag--warn" data-testid="draft"><Icon name="pen"/>{format!("Draft v{draft}")}</span> });
            let tag = (row.state.code != "draft").then(|| state_tag(&row.state));
            let is_there = !row.id.is_empty();
            let history = (is_there && *versions).then(|| view! { <a class="btn btn--bare" href="#history">"History"</a> });
            let pause = (is_there && *may_edit && row.state.version.is_some()).then(|| pausing(&row.id, &row.state.code, acts));
            let halted = (!row.state.why.is_empty()).then(|| halted(&row.state.code, &row.state.why));
            view! {
                <PageTitle text=row.name.clone()/>
                <nav class="crumbs" aria-label="Where"><a href="/rules">"Rules"</a><Icon name="right"/><span>{row.name.clone()}</span></nav>
                <div class="page__head">
                    <div><div class="row"><h1 class="wrap-any">{row.name.clone()}</h1>{tag}{draft}</div><p data-testid="summary">{summary.clone()}</p></div>
                    <div class="row push">{history}{compare}{pause}</div>
                </div>
                {halted}
            }
        })
    }
}

/// Why it does not run.
fn halted(code: &str, why: &str) -> impl IntoView + use<> {
    let (class, icon, word) = match code {
        "stopped" => ("note note--bad", "critical", "Stopped: "),
        _ => ("note", "pause", "Paused "),
    };
    let advice = (code == "stopped").then_some(" Correct it and publish it again, or resume it.");
    view! { <div class=class role="status" data-testid="halted"><Icon name=icon/><div><b>{word}</b>{why.to_owned()}{advice}</div></div> }
}

/// Pauses or resumes it.
fn pausing(id: &str, code: &str, acts: Acts) -> impl IntoView + use<> {
    let id = id.to_owned();
    if code == "active" {
        return view! {
            <details class="pop" name="pop"><summary class="btn" data-testid="pausing"><Icon name="pause"/>"Pause"</summary>
                <div class="pop__in"><ActionForm action=acts.act attr:class="stack stack--tight">
                    <input type="hidden" name="id" value=id/><input type="hidden" name="act" value="pause"/>
                    <div class="field"><label for="pause-until">"Until"</label><input class="input" id="pause-until" type="datetime-local" name="with"/>
                        <span class="hint">"Empty: until it is resumed"</span></div>
                    <button class="btn btn--go" type="submit" data-testid="pause">"Pause"</button>
                </ActionForm></div></details>
        }
        .into_any();
    }
    view! {
        <ActionForm action=acts.act attr:class="inline-form">
            <input type="hidden" name="id" value=id/><input type="hidden" name="act" value="resume"/><input type="hidden" name="with" value=""/>
            <button class="btn btn--go" type="submit" data-testid="resume"><Icon name="play"/>"Resume"</button>
        </ActionForm>
    }
    .into_any()
}

/// The forms whose fields and buttons stand within the editor's form.
fn side_forms(view: Signal<RuleView>, acts: Acts) -> impl IntoView {
    let of = part(view, |view| (view.row.id.clone(), view.row.state.version.is_some(), view.may_edit));
    move || {
        of.with(|(id, published, may_edit)| {
            (!id.is_empty() && *may_edit).then(|| {
                let (owner, discard, published) = (id.clone(), id.clone(), published.to_string());
                view! {
                    <ActionForm action=acts.act attr:id="owner-form" attr:class="inline-form">
                        <input type="hidden" name="id" value=owner/><input type="hidden" name="act" value="owner"/></ActionForm>
                    <ActionForm action=acts.act attr:id="discard-form" attr:class="inline-form">
                        <input type="hidden" name="id" value=discard/><input type="hidden" name="act" value="discard"/><input type="hidden" name="with" value=""/>
                        <input type="hidden" name="published" value=published/></ActionForm>
                }
            })
        })
    }
}
