//! The document around the pages, and the two that stand in their place. Made on the server only.

use crate::{
    App, SiteAssets,
    pages::errors::{AWAY_SECONDS, AwayPage, BrokenPage},
};
use axum::http::{HeaderValue, header};
use leptos::{nonce::use_nonce, prelude::*};
use leptos_axum::ResponseOptions;
use leptos_meta::MetaTags;

/// The document around the pages.
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
pub fn away(assets: SiteAssets) -> impl IntoView {
    let head = view! {
        <meta http-equiv="refresh" content=AWAY_SECONDS.to_string()/>
        <title>"Coming back · Milepost"</title>
    };
    document(assets, head, AwayPage)
}

/// What stands in the place of a page that could not be made.
pub fn broken(assets: SiteAssets, correlation: String) -> impl IntoView {
    let head = view! { <title>"Error · Milepost"</title> };
    document(assets, head, move || view! { <BrokenPage correlation=correlation.clone()/> })
}

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
fn policy() {
    let (Some(nonce), Some(response)) = (use_nonce(), use_context::<ResponseOptions>()) else { return };
    let policy = format!(
        "default-src 'self'; script-src 'self' 'nonce-{nonce}' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data:; \
         connect-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    );
    if let Ok(value) = HeaderValue::from_str(&policy) {
        response.insert_header(header::CONTENT_SECURITY_POLICY, value);
    }
}
