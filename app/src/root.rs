//! The document around the pages, and the routes.

use crate::{
    components::{icon::SPRITE, shell::Frame, theme::Theme},
    contract::session::Session,
    pages::{
        exceptions::ExceptionsPage,
        find::FindPage,
        gate::{HomePage, MissingPage, SetUpPage, SignInPage},
        overview::OverviewPage,
        shipment::ShipmentPage,
        shipments::ShipmentsPage,
        sync::SyncPage,
    },
};
use leptos::{nonce::use_nonce, prelude::*};
use leptos_meta::{MetaTags, Title, provide_meta_context};
use leptos_router::{
    SsrMode,
    components::{ParentRoute, Route, Router, Routes},
    path,
};
use serde::{Deserialize, Serialize};

/// The browser's half under hashed names, as the site folder's manifest has them. Empty paths leave it out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SiteAssets {
    /// The module that loads the browser's half.
    #[serde(default)]
    pub js: String,
    /// The browser's half.
    #[serde(default)]
    pub wasm: String,
    /// The style sheet.
    #[serde(default)]
    pub css: String,
}

/// What the server knows when it begins a page; the browser reads it from the page.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Boot {
    pub(crate) session: Session,
    pub(crate) theme: Theme,
}

impl Boot {
    #[cfg(feature = "ssr")]
    fn of_request() -> Self {
        use crate::contract::session::{Installation, Viewer};
        let viewer = use_context::<Option<Viewer>>().flatten();
        let installation = use_context::<Installation>().unwrap_or_default();
        Self { session: Session { viewer, installation }, theme: crate::components::theme::requested() }
    }

    #[cfg(not(feature = "ssr"))]
    fn of_request() -> Self {
        Self::default()
    }
}

/// The document. Sets the content security policy of the page, since the nonce is known here.
pub fn shell(options: LeptosOptions, assets: SiteAssets) -> impl IntoView {
    #[cfg(feature = "ssr")]
    security_policy();
    #[cfg(feature = "ssr")]
    let theme = match crate::components::theme::requested() {
        Theme::System => None,
        theme => Some(theme.code()),
    };
    #[cfg(not(feature = "ssr"))]
    let theme: Option<&'static str> = None;
    let nonce = use_nonce();
    let preload = (!assets.js.is_empty()).then(|| {
        view! {
            <link rel="modulepreload" href=assets.js.clone() nonce=nonce.clone()/>
            <link rel="preload" href=assets.wasm.clone() r#as="fetch" r#type="application/wasm" crossorigin=""/>
        }
    });
    let style = (!assets.css.is_empty()).then(|| view! { <link rel="stylesheet" href=assets.css.clone()/> });
    let script = (!assets.js.is_empty()).then(|| {
        // paths come from the manifest that our own build writes
        let load = format!("import init,{{hydrate}} from {:?};init({{module_or_path:{:?}}}).then(()=>hydrate());", assets.js, assets.wasm);
        view! { <script type="module" nonce=nonce inner_html=load></script> }
    });
    view! {
        <!DOCTYPE html>
        <html lang="en" data-theme=theme>
            <head>
                <meta charset="utf-8"/>
                <meta name="viewport" content="width=device-width, initial-scale=1"/>
                <meta name="color-scheme" content="light dark"/>
                <meta name="theme-color" content="#f5f5f2" media="(prefers-color-scheme: light)"/>
                <meta name="theme-color" content="#111315" media="(prefers-color-scheme: dark)"/>
                <link rel="icon" href="/favicon.svg" type="image/svg+xml"/>
                {style}
                {preload}
                <AutoReload options/>
                <MetaTags/>
                {script}
            </head>
            <body>
                <App/>
                <div hidden inner_html=SPRITE></div>
            </body>
        </html>
    }
}

#[cfg(feature = "ssr")]
fn security_policy() {
    use axum::http::{HeaderValue, header};
    let (Some(nonce), Some(response)) = (use_nonce(), use_context::<leptos_axum::ResponseOptions>()) else { return };
    let policy = format!(
        "default-src 'self'; script-src 'self' 'nonce-{nonce}' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
         object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    );
    if let Ok(value) = HeaderValue::from_str(&policy) {
        response.insert_header(header::CONTENT_SECURITY_POLICY, value);
    }
}

/// The routes.
#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    provide_context(SharedValue::new(Boot::of_request).into_inner());
    Effect::new(|_| {
        if let Some(root) = document().document_element() {
            // tests and style sheets know by this that the browser has taken over
            let _ = root.set_attribute("data-hydrated", "yes");
        }
    });
    view! {
        <Title formatter=|text: String| if text.is_empty() { "Milepost".to_owned() } else { format!("{text} · Milepost") }/>
        <Router>
            <Routes fallback=MissingPage>
                <Route path=path!("/sign-in") view=SignInPage ssr=SsrMode::InOrder/>
                <Route path=path!("/set-up") view=SetUpPage ssr=SsrMode::InOrder/>
                <ParentRoute path=path!("") view=Frame ssr=SsrMode::InOrder>
                    <Route path=path!("/") view=HomePage/>
                    <Route path=path!("/find") view=FindPage/>
                    <Route path=path!("/shipments") view=ShipmentsPage/>
                    <Route path=path!("/shipments/:id") view=ShipmentPage/>
                    <Route path=path!("/exceptions") view=ExceptionsPage/>
                    <Route path=path!("/overview") view=OverviewPage/>
                    <Route path=path!("/sync") view=SyncPage/>
                </ParentRoute>
            </Routes>
        </Router>
    }
}
