//! Small parts: icons, states, severities, times, and what stands where nothing can be shown.

use super::browser;
use crate::contract::{ApiError, When, connections::Health, session::local_page, shipments::Lateness, web_address};
use domain::{Severity, State, visible::visible};
use leptos::prelude::*;
use leptos_router::{hooks::use_location, location::Url};

/// An icon of the sprite; never the only bearer of a meaning.
#[component]
pub fn Icon(
    /// Its name in the sprite.
    #[prop(into)]
    name: String,
    /// Further classes.
    #[prop(optional, into)]
    class: String,
) -> impl IntoView {
    view! { <svg class=format!("i {class}") aria-hidden="true"><use href=format!("/icons.svg#{name}")></use></svg> }
}

fn slug(code: &str) -> String {
    code.to_lowercase().replace('_', "-")
}

/// A state: shape, word, colour.
#[component]
pub fn StateMark(
    /// The state.
    state: State,
    /// Further classes.
    #[prop(optional, into)]
    class: String,
) -> impl IntoView {
    let slug = slug(state.code());
    view! {
        <span class=format!("st st--{slug} {class}") data-testid="state">
            <Icon name=format!("st-{slug}")/>
            {state.label()}
        </span>
    }
}

/// How a connection stands: shape, word, colour.
#[component]
pub fn HealthTag(
    /// How.
    health: Health,
) -> impl IntoView {
    let (class, icon) = match health {
        Health::Healthy => ("tag tag--ok", "check"),
        Health::NoTraffic => ("tag", "clock"),
        Health::Suspended => ("tag tag--bad", "x"),
        Health::Failing => ("tag tag--bad", "critical"),
        Health::Expiring => ("tag tag--warn", "clock"),
        Health::RateLimited => ("tag tag--warn", "clock"),
        Health::Paused => ("tag", "pause"),
        Health::Disabled => ("tag", "lock"),
        Health::Draft => ("tag tag--info", "pen"),
    };
    view! { <span class=class data-testid="health"><Icon name=icon/>{health.label()}</span> }
}

/// A severity with words: four outlines.
#[component]
pub fn SeverityMark(
    /// The severity.
    severity: Severity,
    /// What is wrong.
    #[prop(into)]
    label: String,
) -> impl IntoView {
    let slug = slug(severity.code());
    view! {
        <span class=format!("sev sev--{slug}")>
            <Icon name=slug.clone()/>
            <span>{label}</span>
            <span class="sr">{format!(" ({})", severity.label().to_lowercase())}</span>
        </span>
    }
}

/// A time in the viewer's zone: short, in full on hover and focus. So is the event's own clock, where it is another.
#[component]
pub fn Time(
    /// The time.
    when: When,
) -> impl IntoView {
    let When { iso, shown, full, own } = when;
    match own {
        None => view! { <time datetime=iso title=full>{shown}</time> }.into_any(),
        Some(own) => {
            let tip = format!("{full} · at the event: {own}");
            let said = format!(" (at the event: {own})");
            view! { <time class="own" datetime=iso tabindex="0" data-own=own title=tip>{shown}<span class="sr">{said}</span></time> }.into_any()
        }
    }
}

/// Whether a promise is kept, in a word or two.
#[component]
pub fn Late(
    /// How bad it is.
    how: Lateness,
    /// In words.
    #[prop(into)]
    text: String,
) -> impl IntoView {
    let class = match how {
        Lateness::None => "late late--none",
        Lateness::OnTime => "late",
        Lateness::Warn => "late late--warn",
        Lateness::Bad => "late late--bad",
    };
    view! { <span class=class data-testid="lateness">{text}</span> }
}

/// A figure that leads to exactly the rows that it counts; nothing to lead to where it counts none.
#[component]
pub fn Count(
    /// How many.
    n: u64,
    /// The list with the filter that shows them.
    #[prop(into)]
    href: String,
    /// What they are, where the page does not say so beside it.
    #[prop(optional, into)]
    label: String,
    /// Further classes.
    #[prop(optional, into)]
    class: String,
) -> impl IntoView {
    let words = (!label.is_empty()).then(|| format!(" {label}"));
    if n == 0 {
        return view! { <span class=class>"0"{words}</span> }.into_any();
    }
    view! { <a class=format!("count {class}") href=href data-count=n.to_string()>{grouped(n)}{words}</a> }.into_any()
}

/// A filter of the address that can be taken off.
#[component]
pub fn Chip(
    /// What it filters by.
    #[prop(into)]
    label: String,
    /// The value.
    #[prop(optional, into)]
    value: String,
    /// The address without it.
    #[prop(into)]
    off: String,
) -> impl IntoView {
    // of the address, which anybody can write
    let value = visible(&value).into_owned();
    let remove = format!("Remove filter: {label} {value}");
    view! {
        <a class="chip chip--on" href=off data-testid="filter" aria-label=remove>
            {label}{(!value.is_empty()).then(|| view! { " "<b>{value.clone()}</b> })}<Icon name="x"/>
        </a>
    }
}

/// A page elsewhere: of another system, or as another system says. Only the text where it is no page.
#[component]
pub fn Outside(
    /// Its address.
    #[prop(into)]
    href: String,
    /// What it is called.
    #[prop(into)]
    text: String,
) -> impl IntoView {
    // an anchor without an address leads nowhere
    let href = web_address(&href).map(str::to_owned);
    view! { <a href=href rel="external noopener noreferrer">{text}</a> }
}

/// Text that people copy.
#[component]
pub fn Copy(
    /// The text.
    #[prop(into)]
    text: String,
) -> impl IntoView {
    let value = text.clone();
    let label = format!("Copy {text}");
    view! {
        <button class="copy id wrap-any" type="button" aria-label=label on:click=move |_| browser::copy(&value)>
            {text}
            <Icon name="copy"/>
        </button>
    }
}

/// Says that something is left out of a message.
#[component]
pub fn Masked() -> impl IntoView {
    view! {
        <p class="small muted" data-testid="masked">
            <Icon name="mask"/>" Personal data and free text are masked: your role does not allow reading them. An admin can change it."
        </p>
    }
}

/// While something is on its way.
#[component]
pub fn Loading() -> impl IntoView {
    view! { <p class="loading" role="status">"Loading …"</p> }
}

/// What could not be shown, and what to do. Where nobody is signed in, the way to the sign-in.
#[component]
pub fn Failed(
    /// Why.
    error: ApiError,
) -> impl IntoView {
    #[cfg(feature = "ssr")]
    answer_with(&error);
    if error == ApiError::Unauthenticated {
        return view! { <leptos_router::components::Redirect path=sign_in_address()/> }.into_any();
    }
    let heading = match &error {
        ApiError::NotFound | ApiError::Missing { .. } => "Not found",
        ApiError::Forbidden => "Not allowed",
        ApiError::Unavailable { .. } => "Not available at the moment",
        _ => "This did not work",
    };
    let back = match error {
        ApiError::Missing { what } => {
            let (href, label) = what.list();
            Some(view! { <div class="row"><a class="btn btn--s" href=href>{label}</a></div> })
        }
        _ => None,
    };
    view! {
        <div class="note note--bad" role="alert">
            <Icon name="critical"/>
            <div>
                <b>{heading}</b>
                <br/>
                {error.to_string()}
            </div>
            {back}
        </div>
    }
    .into_any()
}

/// The sign-in, which leads back to this page.
fn sign_in_address() -> String {
    let location = use_location();
    let (path, search) = (location.pathname.get_untracked(), location.search.get_untracked());
    let query = search.trim_start_matches('?');
    let here = if query.is_empty() { path.clone() } else { format!("{path}?{query}") };
    if matches!(path.as_str(), "" | "/" | "/sign-in") || local_page(&here).is_none() {
        return "/sign-in".to_owned();
    }
    format!("/sign-in?next={}", Url::escape(&here))
}

#[cfg(feature = "ssr")]
fn answer_with(error: &ApiError) {
    use axum::http::StatusCode;
    // a viewer who is not signed in is led to the sign-in, which is a status of its own
    if *error == ApiError::Unauthenticated {
        return;
    }
    if let (Some(response), Ok(status)) =
        (use_context::<leptos_axum::ResponseOptions>(), StatusCode::from_u16(error.status()))
    {
        response.set_status(status);
    }
}

/// An empty list, with the next step.
#[component]
pub fn Empty(
    /// What is not there.
    #[prop(into)]
    title: String,
    /// What to do.
    children: Children,
) -> impl IntoView {
    view! { <div class="empty-state"><b>{title}</b><span>{children()}</span></div> }
}

/// A number with thousands apart.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    #[test]
    fn thousands_are_apart() {
        assert_eq!(super::grouped(7), "7");
        assert_eq!(super::grouped(18402), "18,402");
        assert_eq!(super::grouped(1_000_000), "1,000,000");
    }
}
