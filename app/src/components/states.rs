//! Empty, loading, and error.

use super::{copy::Copy, icon::Icon, url::Address};
use crate::contract::ApiError;
use leptos::prelude::*;
use leptos_router::hooks::use_location;

/// Nothing to show, and what to do about it.
#[component]
pub fn Empty(
    /// The symbol.
    #[prop(default = "filter")]
    icon: &'static str,
    /// What there is not.
    #[prop(into)]
    title: String,
    /// Why, or what comes next.
    #[prop(into)]
    hint: String,
    /// A way on.
    #[prop(optional)]
    children: Option<Children>,
) -> impl IntoView {
    view! {
        <div class="blank">
            <Icon name=icon/>
            <b>{title}</b>
            <span>{hint}</span>
            {children.map(|c| c())}
        </div>
    }
}

/// Rows to come.
#[component]
pub fn Loading() -> impl IntoView {
    view! {
        <section class="panel" aria-busy="true" aria-label="Loading">
            <div class="in stack" aria-hidden="true">
                {(0..6)
                    .map(|i| {
                        view! {
                            <div class="row keep">
                                <span class="skel skel--dot"></span>
                                <span class=format!("skel skel--{}", i % 3)></span>
                                <span class="skel skel--end push"></span>
                            </div>
                        }
                    })
                    .collect_view()}
            </div>
        </section>
    }
}

/// What went wrong, what it means, and what to do.
#[component]
pub fn Failure(
    /// What.
    error: ApiError,
) -> impl IntoView {
    let title = match &error {
        ApiError::NotFound => "There is nothing here",
        ApiError::Forbidden => "This is not for your role",
        ApiError::Unauthenticated => "Your session has ended",
        ApiError::Conflict { .. } => "Somebody was faster",
        ApiError::Invalid { .. } => "This cannot be taken",
        ApiError::Unavailable => "Milepost cannot answer just now",
        ApiError::Internal { .. } => "Something went wrong on our side",
    };
    let hint = match &error {
        ApiError::NotFound => "The link may be old, or the shipment belongs to another company.".to_owned(),
        ApiError::Internal { .. } => "It is in our log. Nothing was changed; try again, and quote the id if it stays.".to_owned(),
        other => other.to_string(),
    };
    let quote = match &error {
        ApiError::Internal { correlation_id } if !correlation_id.is_empty() => Some(view! { <span>"Quote "<Copy text=correlation_id.clone()/></span> }),
        _ => None,
    };
    let path = use_location().pathname.get_untracked();
    let (href, label, external) = match &error {
        ApiError::Unauthenticated => (Address::new("/sign-in").with("next", &path).to_string(), "Sign in", Some("external")),
        ApiError::NotFound | ApiError::Forbidden => ("/".to_owned(), "Go to the start", None),
        _ => (path, "Try again", Some("external")),
    };
    view! {
        <section class="panel" role="alert" data-testid="failure">
            <div class="blank blank--page">
                <Icon name="critical" class="bad"/>
                <h1>{title}</h1>
                <span>{hint}</span>
                {quote}
                <a class="btn" href=href rel=external>{label}</a>
            </div>
        </section>
    }
}

/// Sets the status of the page that is being made; does nothing in the browser.
pub fn note_status<T>(answer: &Result<T, ApiError>) {
    #[cfg(feature = "ssr")]
    if let (Err(error), Some(response)) = (answer, use_context::<leptos_axum::ResponseOptions>()) {
        if let Ok(status) = axum::http::StatusCode::from_u16(error.status()) {
            response.set_status(status);
        }
    }
    #[cfg(not(feature = "ssr"))]
    let _ = answer;
}
