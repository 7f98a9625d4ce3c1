//! What stands where there is no page.

use leptos::prelude::*;
use leptos_meta::Title;

/// There is no such page.
#[component]
pub fn NotFoundPage() -> impl IntoView {
    #[cfg(feature = "ssr")]
    if let Some(response) = use_context::<leptos_axum::ResponseOptions>() {
        response.set_status(axum::http::StatusCode::NOT_FOUND);
    }
    view! {
        <Title text="Not found"/>
        <main class="page" id="main">
            <div class="empty-state">
                <h1>"Not found"</h1>
                <span>"There is no page at this address. "<a href="/">"Go to the start"</a>" or search from there."</span>
            </div>
        </main>
    }
}
