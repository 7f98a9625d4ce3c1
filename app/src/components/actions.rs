//! Forms by which a person acts on an exception. They are plain forms; in the browser they are sent without leaving the
//! page, and what is shown is read again.

use super::{icon::Icon, live::Live};
use crate::{
    api::exceptions::{ActKind, ActOnException},
    contract::{ApiError, ExceptionId, shipments::Ownership},
};
use leptos::prelude::*;
use leptos_router::hooks::use_query_map;
use server_fn::{ServerFn, error::ServerFnUrlError};

/// What went wrong with the last form of a kind: told in the URL after a plain form, by the action in the browser.
pub fn problem_of<S>(action: ServerAction<S>) -> Signal<Option<ApiError>>
where
    S: ServerFn<Error = ApiError> + Clone + Send + Sync + 'static,
    S::Output: Send + Sync + 'static,
{
    let query = use_query_map();
    let told = RwSignal::new(None::<Result<(), ApiError>>);
    let value = action.value();
    // effects run in the browser only, so both sides begin with what the URL says
    Effect::new(move |_| {
        let outcome = value.with(|v| v.as_ref().map(|r| r.as_ref().map(|_| ()).map_err(Clone::clone)));
        if outcome.is_some() {
            told.set(outcome);
        }
    });
    Signal::derive(move || match told.get() {
        Some(outcome) => outcome.err(),
        None => query.with(|q| error_in_url(q.get_str("__path"), q.get_str("__err"), S::PATH)),
    })
}

/// The error of a plain form in the URL it came back to.
pub fn error_in_url(path: Option<&str>, error: Option<&str>, expected: &str) -> Option<ApiError> {
    (path? == expected).then(|| ServerFnUrlError::<ApiError>::decode_err(error.unwrap_or_default()))
}

/// What went wrong, above the page.
#[component]
pub fn Problem(
    /// What.
    #[prop(into)]
    error: Signal<Option<ApiError>>,
) -> impl IntoView {
    move || {
        error.get().map(|error| {
            view! {
                <div class="note note--bad" role="alert" data-testid="problem">
                    <Icon name="critical"/>
                    <div>{error.to_string()}</div>
                </div>
            }
        })
    }
}

/// The action that all forms of a page share.
#[derive(Clone, Copy)]
pub struct Acts(pub ServerAction<ActOnException>);

/// Makes the action; the page is read again after each act.
pub fn provide_acts() -> Acts {
    let acts = Acts(ServerAction::new());
    let live = Live::here();
    let version = acts.0.version();
    Effect::new(move |before: Option<usize>| {
        let now = version.get();
        if before.is_some_and(|b| b != now) {
            live.refresh();
        }
        now
    });
    provide_context(acts);
    acts
}

/// Where an exception stands, for choosing what can be done with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActState {
    /// Which.
    pub id: ExceptionId,
    /// What a person reads: `Damaged, JD01 4600`.
    pub label: String,
    /// Whose it is.
    pub owned_by: Ownership,
    /// What it is waiting for.
    pub stage: Stage,
}

/// What an exception is waiting for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Somebody to see it.
    New,
    /// Somebody to settle it.
    Seen,
    /// It has ended.
    Closed,
}

/// One button that is a form.
#[component]
pub fn ActButton(
    /// Which exception.
    id: ExceptionId,
    /// What to do.
    kind: ActKind,
    /// The word on the button.
    label: &'static str,
    /// The symbol on it.
    icon: &'static str,
    /// What it is about, for those who do not see the row.
    #[prop(into)]
    about: String,
) -> impl IntoView {
    let Some(Acts(action)) = use_context::<Acts>() else { return ().into_any() };
    view! {
        <ActionForm action>
            <input type="hidden" name="exception" value=id.0/>
            <input type="hidden" name="kind" value=kind.code()/>
            <button class="btn btn--s" type="submit" data-testid=format!("act-{}", kind.code())>
                <Icon name=icon/>
                {label}
                <span class="sr">": "{about}</span>
            </button>
        </ActionForm>
    }
    .into_any()
}

/// All that a person can do with an exception.
#[component]
pub fn ActForms(
    /// Where it stands.
    state: ActState,
) -> impl IntoView {
    let Some(Acts(action)) = use_context::<Acts>() else { return ().into_any() };
    let ActState { id, label, owned_by, stage } = state;
    if stage == Stage::Closed {
        return view! { <div class="acts-x"><ActButton id kind=ActKind::Reopen label="Reopen" icon="alert" about=label/></div> }.into_any();
    }
    let seen = (stage == Stage::New)
        .then(|| view! { <ActButton id=id.clone() kind=ActKind::Acknowledge label="Acknowledge" icon="check" about=label.clone()/> });
    let owner = match owned_by {
        Ownership::Viewer => view! { <ActButton id=id.clone() kind=ActKind::GiveBack label="Give back" icon="user" about=label.clone()/> },
        Ownership::Nobody | Ownership::Colleague => view! { <ActButton id=id.clone() kind=ActKind::Take label="Take" icon="user" about=label.clone()/> },
    };
    let (hours_id, why_id) = (format!("hours-{id}"), format!("why-{id}"));
    view! {
        <div class="acts-x">
            <div class="row row--tight">{seen} {owner}</div>
            <ActionForm action>
                <input type="hidden" name="exception" value=id.0.clone()/>
                <input type="hidden" name="kind" value=ActKind::Snooze.code()/>
                <span class="row row--tight keep">
                    <label class="sr" for=hours_id.clone()>"Snooze for"</label>
                    <select class="input input--s" id=hours_id name="hours">
                        <option value="4">"4 hours"</option>
                        <option value="24" selected>"1 day"</option>
                        <option value="72">"3 days"</option>
                        <option value="168">"1 week"</option>
                    </select>
                    <button class="btn btn--s" type="submit" data-testid="act-snooze">
                        <Icon name="snooze"/>
                        "Snooze"
                    </button>
                </span>
            </ActionForm>
            <ActionForm action>
                <input type="hidden" name="exception" value=id.0.clone()/>
                <input type="hidden" name="kind" value=ActKind::Resolve.code()/>
                <span class="row row--tight keep">
                    <label class="sr" for=why_id.clone()>"How it was settled"</label>
                    <input class="input input--s" id=why_id name="why" required maxlength="500" placeholder="How was it settled?"/>
                    <button class="btn btn--s btn--go" type="submit" data-testid="act-resolve">"Resolve"</button>
                </span>
            </ActionForm>
        </div>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_forms_error_comes_back_in_the_url() {
        let error = ApiError::invalid("why", "Say why.");
        let url = ServerFnUrlError::new("/api/exceptions/act", error.clone()).to_url("http://h/exceptions").unwrap();
        let pairs: std::collections::HashMap<_, _> = url.query_pairs().into_owned().collect();
        let found = error_in_url(pairs.get("__path").map(String::as_str), pairs.get("__err").map(String::as_str), "/api/exceptions/act");
        assert_eq!(found, Some(error));
        assert_eq!(error_in_url(Some("/api/other"), Some("x"), "/api/exceptions/act"), None);
        assert_eq!(error_in_url(None, None, "/api/exceptions/act"), None);
    }
}
