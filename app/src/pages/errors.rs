//! What stands where there is no page.

use crate::components::PageTitle;
use leptos::prelude::*;

/// A page that is away reloads after so many seconds.
pub const AWAY_SECONDS: u32 = 5;

/// There is no such page.
#[component]
pub fn NotFoundPage() -> impl IntoView {
    #[cfg(feature = "ssr")]
    if let Some(response) = use_context::<leptos_axum::ResponseOptions>() {
        response.set_status(axum::http::StatusCode::NOT_FOUND);
    }
    view! {
        <PageTitle text="Not found"/>
        <main class="page" id="main">
            <div class="empty-state">
                <h1>"Not found"</h1>
                <span>"There is no page at this address."</span>
                <a class="btn" href="/">"Home"</a>
            </div>
        </main>
    }
}

/// Shown while the database does not answer and sessions cannot be read. It does not name the page that was requested, since
/// customers see it as well.
#[component]
pub fn AwayPage() -> impl IntoView {
    view! {
        <main class="page" id="main">
            <div class="empty-state">
                <span class="brand"><svg viewBox="0 0 24 24" aria-hidden="true"><use href="/icons.svg#brand"></use></svg>"Milepost"</span>
                <h1>"Coming back"</h1>
                <span role="status">
                    "The database does not answer right now. What has been received is kept, and this page is tried again every "
                    {AWAY_SECONDS} " seconds."
                </span>
                <a class="btn" href="">"Try now"</a>
            </div>
        </main>
    }
}

/// The page could not be made, and that is our fault.
#[component]
pub fn BrokenPage(
    /// The id under which the log has the reason.
    correlation: String,
) -> impl IntoView {
    view! {
        <main class="page" id="main">
            <div class="empty-state">
                <h1>"Something went wrong"</h1>
                <span role="alert">"This page could not be shown. Try again; if it happens again, give your administrator this id: "<code>{correlation}</code></span>
                <span><a class="btn" href="">"Try again"</a>" "<a class="btn" href="/">"Home"</a></span>
            </div>
        </main>
    }
}
