//! Setting up an Odoo with an administrator's key: first a preview, then the steps; and taking that away.

use crate::{
    api::SetUpOdoo,
    components::{Icon, Time, browser, live::part},
    contract::{
        ApiError,
        connections::{CheckResult, ConnectionView, SetupAct, SetupReportView, SetupStepView},
    },
};
use leptos::{form::ActionForm, prelude::*};

/// What a form of the two asks for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Of {
    SetUp,
    Removal,
}

impl Of {
    const fn key(self) -> &'static str {
        match self {
            Self::SetUp => "setup-key",
            Self::Removal => "removal-key",
        }
    }

    const fn login(self) -> &'static str {
        match self {
            Self::SetUp => "setup-login",
            Self::Removal => "removal-login",
        }
    }
}

/// The tab.
#[component]
pub fn SetUp(
    /// The connection.
    one: Signal<ConnectionView>,
    /// What sets up.
    act: ServerAction<SetUpOdoo>,
) -> impl IntoView {
    let hints = part(one, |one| one.setup.as_ref().map(|setup| (setup.hints.clone(), setup.silent)));
    let report = part(one, |one| one.setup.as_ref().and_then(|setup| setup.report.clone()));
    let wrong = part(one, |one| one.setup.as_ref().map(|setup| setup.wrong.clone()).unwrap_or_default());
    let name = part(one, |one| one.row.name.clone());
    // a key that did its work is not left on the page
    Effect::watch(
        move || matches!(act.value().get(), Some(Ok(()))).then(|| act.version().get()),
        move |done, _, _| {
            let acted = act.input().with_untracked(|input| input.as_ref().map(|input| input.setup.act));
            let changed = matches!(acted, Some(SetupAct::Apply | SetupAct::Remove));
            if done.is_some() && changed {
                browser::clear(Of::SetUp.key());
                browser::clear(Of::Removal.key());
            }
        },
        false,
    );
    let refused = move || {
        // of an error in the address the code counts alone: what it says is kept in the session
        let of_action = match act.value().get() {
            Some(Err(ApiError::Invalid { message, .. })) => Some(message),
            _ => None,
        };
        let of_session = Some(wrong.get()).filter(|text| !text.is_empty());
        of_session.or(of_action).map(|text| view! { <div class="note note--bad" role="alert" data-testid="setup-wrong"><Icon name="critical"/><div class="wrap-any">{text}</div></div> })
    };
    let working = move || {
        act.pending()
            .get()
            .then(|| view! { <p class="small muted" role="status">"Asking Odoo … new fields can take a minute."</p> })
    };
    view! {
        <div class="cols cols--add">
            <div class="stack">
                {refused}{working}
                {move || view! { <SetUpForm name=name.get() act/> }}
                {move || view! { <RemovalForm name=name.get() act/> }}
            </div>
            <div class="stack" id="setup-side">
                {move || report.get().map(|report| view! { <Report report/> })}
                {move || hints.get().map(|(text, silent)| hint_panel(text, silent))}
            </div>
        </div>
    }
}

fn hint_panel(text: String, silent: bool) -> impl IntoView {
    let icon = if silent {
        view! { <Icon name="major" class="warn"/> }
    } else {
        view! { <Icon name="info" class=""/> }
    };
    view! {
        <section class="panel" id="hints">
            <header><h2>"Reports of changes"</h2></header>
            <ul class="lines lines--s"><li data-testid="hints">{icon}<span class="wrap-any">{text}</span><span></span></li></ul>
        </section>
    }
}

/// The key and the login: they are sent and forgotten.
fn asked(of: Of) -> impl IntoView {
    view! {
        <div class="field">
            <label for=of.key()>"Administrator's API key"</label>
            <input class="input" id=of.key() name="setup[key]" type="password" autocomplete="off" spellcheck="false" required aria-describedby=format!("{}-help", of.key())/>
            <span class="hint" id=format!("{}-help", of.key())>"In Odoo as an administrator: Preferences, Account Security, New API Key. It is used for this once, and neither kept nor logged; delete it in Odoo afterwards."</span>
        </div>
        <div class="field">
            <label for=of.login()>"Administrator's login (Odoo 16 to 18)"</label>
            <input class="input" id=of.login() name="setup[login]" autocomplete="off" spellcheck="false"/>
        </div>
    }
}

fn option(name: &'static str, checked: bool, label: &'static str, help: &'static str) -> impl IntoView {
    view! {
        <label class="row row--tight"><input type="checkbox" name=format!("setup[{name}]") value="true" checked=checked data-testid=format!("setup-{name}")/><span>{label}<br/><span class="small muted">{help}</span></span></label>
    }
}

#[component]
fn SetUpForm(name: String, act: ServerAction<SetUpOdoo>) -> impl IntoView {
    view! {
        <section class="panel" id="set-up">
            <header><h2>"Set up Odoo"</h2><span class="push">"running it again changes nothing"</span></header>
            <ActionForm action=act attr:class="in stack stack--tight">
                <input type="hidden" name="setup[name]" value=name/>
                <p class="small">"Makes the shipment's fields on transfers and sales orders, shows them on forms, lists and searches, and lets Odoo report changes."</p>
                {asked(Of::SetUp)}
                {option("hints", true, "Report changes at once", "Automation rules post the number of a changed record to Milepost, nothing else. Needs Odoo's app Automation Rules.")}
                {option("renew", false, "New secret for that address", "The one so far is refused from then on.")}
                {option("user", false, "Make the user milepost", "With just the rights that Milepost needs; its API key is made in Odoo by hand.")}
                <div class="row">
                    <button class="btn" type="submit" name="setup[act]" value="preview" data-testid="setup-preview"><Icon name="test"/>"Preview"</button>
                    <button class="btn btn--go" type="submit" name="setup[act]" value="apply" data-testid="setup-apply"><Icon name="check"/>"Apply"</button>
                </div>
            </ActionForm>
        </section>
    }
}

#[component]
fn RemovalForm(name: String, act: ServerAction<SetUpOdoo>) -> impl IntoView {
    view! {
        <details class="panel" id="removal">
            <summary class="in"><Icon name="right"/>"Remove what was made in Odoo"</summary>
            <ActionForm action=act attr:class="in stack stack--tight">
                <input type="hidden" name="setup[name]" value=name/>
                <p class="small">"Takes away automation rules, views and the user milepost, and only what Milepost made."</p>
                {asked(Of::Removal)}
                {option("fields", false, "Delete the fields too", "Their values are lost in Odoo; the preview says of how many records.")}
                <div class="row">
                    <button class="btn" type="submit" name="setup[act]" value="preview_removal" data-testid="removal-preview"><Icon name="test"/>"Preview"</button>
                    <button class="btn btn--stop" type="submit" name="setup[act]" value="remove" data-testid="removal-remove">"Remove"</button>
                </div>
            </ActionForm>
        </details>
    }
}

#[component]
fn Report(report: SetupReportView) -> impl IntoView {
    let SetupReportView { title, at, preview, steps, notes } = report;
    let none = steps.is_empty().then(|| view! { <li><Icon name="check" class="ok"/><span>"Everything is as it should be: nothing to do"</span><small></small></li> });
    let steps = steps.into_iter().map(|one| step(one, preview)).collect_view();
    let note = |text: String| view! { <li data-testid="setup-note"><Icon name="info"/><span class="wrap-any">{text}</span><span></span></li> };
    let notes = (!notes.is_empty())
        .then(|| view! { <ul class="lines lines--s">{notes.into_iter().map(note).collect_view()}</ul> });
    view! {
        <section class="panel" id="setup-report" data-testid="setup-report">
            <header><h2>{title}</h2><span class="push small muted"><Time when=at/></span></header>
            <ul class="checks">{none}{steps}</ul>
            {notes}
        </section>
    }
}

fn step(step: SetupStepView, preview: bool) -> impl IntoView {
    let SetupStepView { what, result, why } = step;
    let (class, icon, tone, word) = match result {
        _ if preview => ("", "right", "", "Would do: "),
        CheckResult::Passed => ("", "check", "ok", "Done: "),
        CheckResult::Failed => ("fail", "critical", "bad", "Refused: "),
        CheckResult::Warning | CheckResult::NotRun => ("skip-c", "clock", "", "Left out: "),
    };
    let why = (!why.is_empty()).then(|| view! { <br/><span class="small muted wrap-any">{why}</span> });
    view! {
        <li class=class data-testid="setup-step" data-result=word.trim_end_matches(": ").to_lowercase()>
            <Icon name=icon class=tone/>
            <span><span class="sr">{word}</span>{what}{why}</span>
            <small></small>
        </li>
    }
}
