//! The first page of an installation with which nothing is connected: the steps that lead to the first shipments.

use crate::{
    api::{self, NameCompany, SkipStart},
    components::{Failed, Frame, Icon, action, browser, live::followed},
    contract::{
        ApiError,
        start::{Standing, StartView, StepAction, StepView},
    },
};
use leptos::{form::ActionForm, prelude::*};

/// The page.
#[component]
pub fn StartPage() -> impl IntoView {
    let (skip, name) = (action::<SkipStart>(), action::<NameCompany>());
    let start = Resource::new(move || name.version().get(), |_| api::get_start());
    browser::acted(move || name.version().get());
    let failed = move || skip.value().get().and_then(Result::err).map(|error| view! { <Failed error/> });
    view! {
        <Frame title="Getting started">
            <div class="page__head"><div><h1>"Getting started"</h1><p>"From an empty installation to the first shipment"</p></div></div>
            {failed}
            {followed(start, move |start| move || view! { <Steps start=start.get() skip name/> })}
        </Frame>
    }
}

#[component]
fn Steps(start: StartView, skip: ServerAction<SkipStart>, name: ServerAction<NameCompany>) -> impl IntoView {
    let left = start.steps.iter().filter(|step| step.standing != Standing::Done).count();
    let done = start.steps.len() - left;
    let progress = format!("{done} of {} done", start.steps.len());
    let steps = start.steps.into_iter().map(|step| view! { <Step step name/> }).collect_view();
    let guided = start.guided;
    let end = match (left, start.connected) {
        (0, _) => {
            view! { <a class="btn btn--go" href="/shipments">"Open shipments"</a><span class="small muted">"Everything is connected. More systems can be added under Connections at any time."</span> }
                .into_any()
        }
        (_, connected) if guided => {
            let label = if connected { "Skip the rest" } else { "Skip for now" };
            view! {
                <ActionForm action=skip attr:class="inline-form"><button class="btn" type="submit" data-testid="skip">{label}</button></ActionForm>
                <span class="small muted">"Hides this guide. Everything can be done under Connections later."</span>
            }
            .into_any()
        }
        _ => view! { <span class="small muted">"This guide no longer opens by itself. It stays at /start."</span> }.into_any(),
    };
    view! {
        <section class="panel guide">
            <header><h2>"Steps"</h2><span class="push small muted" data-testid="progress">{progress}</span></header>
            <ol>{steps}</ol>
            <div class="row guide__end">{end}</div>
        </section>
    }
}

#[component]
fn Step(step: StepView, name: ServerAction<NameCompany>) -> impl IntoView {
    let (icon, mark, tag) = match step.standing {
        Standing::Done => (Some("check"), "guide__mark guide__mark--done", "tag tag--ok"),
        Standing::Failing => (Some("alert"), "guide__mark guide__mark--failing", "tag tag--warn"),
        Standing::Next => (None, "guide__mark guide__mark--next", "tag tag--info"),
        Standing::Later | Standing::Optional => (None, "guide__mark", "tag"),
    };
    let button = if step.standing == Standing::Next { "btn btn--go" } else { "btn" };
    let current = (step.standing == Standing::Next).then_some("step");
    view! {
        <li aria-current=current data-testid="step" data-standing=step.standing.label()>
            <span class=mark aria-hidden="true">{icon.map(|name| view! { <Icon name/> })}</span>
            <div class="guide__text">
                <h3>{step.title}<span class=tag>{step.standing.label()}</span></h3>
                <p class="muted">{step.why}</p>
                <p class="small wrap-any">{step.detail}</p>
            </div>
            {step.action.map(|to| match to {
                StepAction::Open { label, href } => view! { <a class=button href=href>{label}</a> }.into_any(),
                StepAction::Name { name: now } => view! { <CompanyName now action=name button/> }.into_any(),
            })}
        </li>
    }
}

#[component]
fn CompanyName(now: String, action: ServerAction<NameCompany>, button: &'static str) -> impl IntoView {
    let wrong = move || action.value().get().and_then(Result::err);
    let error = move || {
        wrong().map(|error| view! { <span class="hint bad" id="company-error" role="alert">{error.to_string()}</span> })
    };
    let invalid = move || matches!(wrong(), Some(ApiError::Invalid { .. })).then_some("true");
    let described = move || wrong().is_some().then_some("company-error");
    view! {
        <ActionForm action attr:class="guide__form">
            <label for="company">"Company name"</label>
            <input class="input" id="company" name="name" value=now maxlength="100" autocomplete="organization" required
                aria-invalid=invalid aria-describedby=described/>
            <button class=button type="submit">"Save"</button>
            {error}
        </ActionForm>
    }
}
