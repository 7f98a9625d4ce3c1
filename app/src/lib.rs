//! The pages, built twice: on the server (feature `ssr`) and in the browser (feature `hydrate`).
//!
//! Every page is complete without JavaScript; hydration adds live updates, keys and copying.

// views are nested types
#![recursion_limit = "512"]

pub mod api;
pub mod components;
pub mod contract;
pub mod pages;

#[cfg(feature = "ssr")]
use leptos::nonce::use_nonce;
use leptos::prelude::*;
#[cfg(feature = "ssr")]
use leptos_meta::MetaTags;
use leptos_meta::provide_meta_context;
use leptos_router::{
    components::{Route, Router, Routes},
    path,
};
use serde::{Deserialize, Serialize};

/// Where the browser's half lies: hashed names from the site folder's manifest. Empty: no browser's half.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SiteAssets {
    /// The glue.
    pub js: String,
    /// The program.
    pub wasm: String,
    /// The style.
    pub css: String,
}

/// The document around the pages; made on the server only.
#[cfg(feature = "ssr")]
pub fn shell(assets: SiteAssets) -> impl IntoView {
    policy();
    let script = (!assets.js.is_empty()).then(|| {
        let start = format!(
            "import init, {{ hydrate }} from '{}'; await init({{ module_or_path: '{}' }}); hydrate();",
            assets.js, assets.wasm
        );
        view! {
            <link rel="modulepreload" href=assets.js.clone() nonce=use_nonce()/>
            <script type="module" nonce=use_nonce() inner_html=start></script>
        }
    });
    let head = view! { {script} <MetaTags/> };
    document(assets, head, App)
}

/// Shown instead of any page while the database does not answer and sessions cannot be read. It has no browser half and reloads
/// until the page is back.
#[cfg(feature = "ssr")]
pub fn away(assets: SiteAssets) -> impl IntoView {
    let head = view! {
        <meta http-equiv="refresh" content=pages::errors::AWAY_SECONDS.to_string()/>
        <title>"Coming back · Milepost"</title>
    };
    document(assets, head, pages::errors::AwayPage)
}

/// What stands in the place of a page that could not be made.
#[cfg(feature = "ssr")]
pub fn broken(assets: SiteAssets, correlation: String) -> impl IntoView {
    let head = view! { <title>"Error · Milepost"</title> };
    document(assets, head, move || view! { <pages::errors::BrokenPage correlation=correlation.clone()/> })
}

#[cfg(feature = "ssr")]
fn document<Body: IntoView>(assets: SiteAssets, head: impl IntoView, body: impl Fn() -> Body) -> impl IntoView {
    let css = (!assets.css.is_empty()).then(|| view! { <link rel="stylesheet" href=assets.css/> });
    view! {
        <!DOCTYPE html>
        <html lang="en">
            <head>
                <meta charset="utf-8"/>
                <meta name="viewport" content="width=device-width, initial-scale=1"/>
                <link rel="icon" href="/favicon.svg" type="image/svg+xml"/>
                {css}
                {head}
            </head>
            <body>{body()}</body>
        </html>
    }
}

/// What a page may load: itself, and the scripts that carry this answer's nonce.
#[cfg(feature = "ssr")]
fn policy() {
    use axum::http::{HeaderValue, header};
    let (Some(nonce), Some(response)) = (use_nonce(), use_context::<leptos_axum::ResponseOptions>()) else { return };
    let policy = format!(
        "default-src 'self'; script-src 'self' 'nonce-{nonce}' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data:; \
         connect-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    );
    if let Ok(value) = HeaderValue::from_str(&policy) {
        response.insert_header(header::CONTENT_SECURITY_POLICY, value);
    }
}

/// The pages.
#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    components::browser::Happened::provide();
    components::browser::Pressed::provide();
    components::browser::CutOff::provide();
    components::browser::no_double_clicks();
    components::browser::mark_hydrated();
    view! {
        <components::PageTitle/>
        <Router>
            <Routes fallback=pages::errors::NotFoundPage>
                <Route path=path!("/") view=pages::HomePage/>
                <Route path=path!("/sign-in") view=pages::sign_in::SignInPage/>
                <Route path=path!("/set-up") view=pages::set_up::SetUpPage/>
                <Route path=path!("/shipments") view=pages::shipments::ShipmentsPage/>
                <Route path=path!("/shipments/:id") view=pages::shipment::ShipmentPage/>
                <Route path=path!("/exceptions") view=pages::exceptions::ExceptionsPage/>
                <Route path=path!("/overview") view=pages::overview::OverviewPage/>
                <Route path=path!("/sync") view=pages::sync::SyncPage/>
                <Route path=path!("/sync/jobs/:id") view=pages::job::JobPage/>
                <Route path=path!("/sync/messages/:id") view=pages::message::MessagePage/>
                <Route path=path!("/mappings/unmapped") view=pages::mappings::MappingsPage/>
            </Routes>
        </Router>
    }
}
