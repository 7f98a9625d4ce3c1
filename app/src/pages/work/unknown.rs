//! *Why don't we know?*: the cause, and buttons that do something about it. Each is a form, so that it works before the browser's half
//! has come.

use crate::{
    api::{CorrectNumber, DoRemedy},
    components::{Failed, Icon, Outside, action},
    contract::unknown::{Remedied, RemedyAct, RemedyView, UnknownView},
    pages::operate::mappings,
};
use domain::visible::visible;
use leptos::{form::ActionForm, prelude::*};

/// What a person can do about it.
#[derive(Clone, Copy)]
pub struct Remedies {
    act: ServerAction<DoRemedy>,
    correct: ServerAction<CorrectNumber>,
}

impl Remedies {
    /// Those of a page; made once.
    pub fn new() -> Self {
        Self { act: action(), correct: action() }
    }

    /// How often something was done.
    pub fn done(self) -> usize {
        self.act.version().get() + self.correct.version().get()
    }

    /// Why something was not done.
    pub fn failed(self) -> impl IntoView {
        [self.act.value().get().and_then(Result::err), self.correct.value().get().and_then(Result::err)]
            .into_iter()
            .flatten()
            .map(|error| view! { <Failed error/> })
            .collect_view()
    }
}

/// What was done, by the word in the address.
pub fn done(code: &str) -> impl IntoView + use<> {
    Remedied::of(code).map(|done| {
        view! { <div class="note note--ok" role="status" data-testid="remedied"><Icon name="check"/><div>{done.said()}</div></div> }
    })
}

/// The panel.
pub fn panel(shipment: String, view: UnknownView, remedies: Remedies) -> impl IntoView {
    let UnknownView { cause, owner, note, remedies: offered } = view;
    let (forms, buttons): (Vec<_>, Vec<_>) =
        offered.into_iter().partition(|one| matches!(one, RemedyView::Correct { .. }));
    let forms = forms.into_iter().map(|one| remedy(shipment.clone(), one, true, remedies)).collect_view();
    let buttons: Vec<_> =
        (0..).zip(buttons).map(|(place, one)| remedy(shipment.clone(), one, place == 0, remedies).into_any()).collect();
    let row = (!buttons.is_empty()).then(|| view! { <div class="row">{buttons}</div> });
    view! {
        <section class="panel" id="unknown" data-testid="unknown"><header><h2>"Why don’t we know?"</h2></header>
            <div class="in stack stack--tight">
                <p><b>{cause}</b></p>
                <p class="small muted">{format!("Looked after by: {owner}")}{(!note.is_empty()).then(|| format!(". {note}"))}</p>
                {forms}{row}
            </div>
        </section>
    }
}

fn remedy(shipment: String, remedy: RemedyView, first: bool, remedies: Remedies) -> impl IntoView {
    let class = if first { "btn btn--s btn--go" } else { "btn btn--s" };
    match remedy {
        RemedyView::Page { label, href } => {
            view! { <a class=class href=href data-testid="remedy">{label}</a> }.into_any()
        }
        RemedyView::Outside { label, href } => {
            view! { <Outside href=href text=label attr:class="btn btn--s" attr:data-testid="remedy"/> }.into_any()
        }
        RemedyView::Map { list, code } => {
            let label = format!("Map code {}", visible(&code));
            view! { <a class=class href=mappings::form_of(&list, &code) data-testid="remedy">{label}</a> }.into_any()
        }
        RemedyView::Act { label, act, on } => {
            let word = word(act);
            view! {
                <ActionForm action=remedies.act attr:class="inline-form">
                    <input type="hidden" name="id" value=shipment/>
                    <input type="hidden" name="act" value=word/>
                    <input type="hidden" name="on" value=on/>
                    <button class=class type="submit" data-testid="remedy">{label}</button>
                </ActionForm>
            }
            .into_any()
        }
        RemedyView::Correct { number, suggestion } => correct(shipment, number, suggestion, remedies).into_any(),
    }
}

const fn word(act: RemedyAct) -> &'static str {
    Remedied::Act(act).code()
}

/// The number that is there, and the one that it should be: what the check digit suggests stands in the field.
fn correct(shipment: String, number: String, suggestion: Option<String>, remedies: Remedies) -> impl IntoView {
    let suggested = suggestion.is_some();
    let value = suggestion.unwrap_or_else(|| number.clone());
    let (shown, hint) =
        (visible(&number).into_owned(), if suggested { "Suggested by its check digit" } else { "As on the label" });
    view! {
        <ActionForm action=remedies.correct attr:class="stack stack--tight" attr:data-testid="correct">
            <input type="hidden" name="id" value=shipment/>
            <input type="hidden" name="wrong" value=number/>
            <p class="small">"In Odoo: "<span class="id wrap-any">{shown}</span></p>
            <label class="field"><span>"Right number"</span><input class="input id" name="number" value=value required maxlength="60" autocomplete="off" spellcheck="false"/></label>
            <div class="row"><button class="btn btn--s btn--go" type="submit" data-testid="remedy">"Correct the number"</button><span class="small muted">{hint}</span></div>
        </ActionForm>
    }
}
