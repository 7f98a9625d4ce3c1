//! Pages and their server functions, in the name of who is signed in, and the site folder with the browser's half.

use super::{Front, peer, problem::Problem, session};
use crate::{config::Config, views};
use anyhow::Context as _;
use app::{
    SiteAssets,
    ssr::{self, Unavailable, Visitor, Visitors},
};
use application::people::sign_in::Origin;
use async_trait::async_trait;
use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    http::{HeaderValue, Method, StatusCode, header, request::Parts},
    middleware::{Next, from_fn, from_fn_with_state},
    response::{IntoResponse, Response},
};
use domain::ids::CorrelationId;
use std::sync::Arc;
use tower::ServiceExt as _;
use tower_http::services::ServeDir;
use tower_sessions::Session;

/// Hashed names never change their content.
const FOREVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
/// Public files may change with a release.
const A_DAY: HeaderValue = HeaderValue::from_static("public, max-age=86400");
/// Pages hold what is true now, for one person.
const NEVER: HeaderValue = HeaderValue::from_static("no-store");

/// What a server without a site folder lacks.
pub const NO_SITE: &str =
    "no site folder (--site): pages have no style, no icons and no live updates; build it as README.md says";

/// The browser's half, from the site folder's manifest; none where no folder is configured.
///
/// # Errors
/// When the folder has no readable manifest.
pub fn assets(config: &Config) -> anyhow::Result<Option<SiteAssets>> {
    let Some(site) = &config.site else { return Ok(None) };
    let path = site.join("manifest.json");
    let text = std::fs::read_to_string(&path)
        .with_context(|| format!("{}: is --site the folder that the build made?", path.display()))?;
    let manifest = serde_json::from_str(&text).with_context(|| path.display().to_string())?;
    Ok(Some(manifest))
}

/// The browser's half; where there is none, or it cannot be read, the log says so and pages run without.
pub fn assets_or_none(config: &Config) -> SiteAssets {
    match assets(config) {
        Ok(Some(found)) => return found,
        Ok(None) => tracing::warn!("{NO_SITE}"),
        Err(error) => tracing::error!("pages have no style, no icons and no live updates: {error:#}"),
    }
    SiteAssets::default()
}

/// Pages, server functions and static files.
pub fn router(front: &Front, assets: SiteAssets) -> Router {
    let visitors: Arc<dyn Visitors> = Arc::new(front.clone());
    let functions = ssr::functions_router(Arc::clone(&visitors)).route_layer(from_fn(function_or_problem));
    let pages = ssr::page_router(visitors, assets).layer(from_fn_with_state(front.clone(), file_or_page));
    functions.merge(pages).layer(from_fn(page_headers))
}

#[async_trait]
impl Visitors for Front {
    async fn visitor(&self, request: &Parts) -> Result<Visitor, Unavailable> {
        let browser = browser(self, request);
        let user = match &browser.session {
            Some(session) => session::user(&self.context, session).await.map_err(|_| Unavailable)?,
            None => None,
        };
        let correlation = request.extensions.get::<CorrelationId>().copied();
        Ok(Visitor {
            ports: Arc::new(views::ports(&self.context, user.as_ref(), &browser)),
            viewer: user.as_ref().map(views::session::viewer),
            installation: views::session::installation(&self.context).await.map_err(|_| Unavailable)?,
            correlation: correlation.unwrap_or_else(|| self.context.correlation()).to_string(),
        })
    }
}

fn browser(front: &Front, request: &Parts) -> views::session::BrowserSession {
    let (extensions, headers, proxies) = (&request.extensions, &request.headers, &front.config.proxies);
    let address = peer::shown(extensions, headers, proxies);
    let origin = Origin { address, counted: peer::counted_of(extensions, headers, proxies) };
    let zone = cookie(request, app::components::browser::ZONE_COOKIE).unwrap_or_default();
    let accepts = headers.get(header::ACCEPT).and_then(|accepts| accepts.to_str().ok());
    let loads_pages = accepts.is_some_and(|accepts| accepts.contains("text/html"));
    views::session::BrowserSession { session: extensions.get::<Session>().cloned(), origin, zone, loads_pages }
}

/// The value of a cookie.
fn cookie(request: &Parts, name: &str) -> Option<String> {
    let headers = request.headers.get_all(header::COOKIE);
    let mut pairs = headers.iter().filter_map(|header| header.to_str().ok()).flat_map(|header| header.split(';'));
    pairs.find_map(|pair| pair.trim().strip_prefix(name)?.strip_prefix('=').map(str::to_owned))
}

/// A server function, where there is one for this address and method.
async fn function_or_problem(request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let methods: Vec<_> = ssr::functions().filter(|(at, _)| *at == path).map(|(_, method)| method).collect();
    if methods.is_empty() {
        return Problem::nothing_here().into_response();
    }
    if !methods.contains(request.method()) {
        return Problem::wrong_method(&methods.iter().collect::<Vec<_>>()).into_response();
    }
    next.run(request).await
}

/// A file of the site folder, precompressed where the browser takes it; else a page.
async fn file_or_page(State(front): State<Front>, request: Request, next: Next) -> Response {
    if let Some(probe) = static_path(&front, &request)
        && let Some(file) = static_file(&front, probe).await
    {
        return file;
    }
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return Problem::wrong_method(&[&Method::GET, &Method::HEAD]).into_response();
    }
    next.run(request).await
}

/// The request for a file, where the path may be one: pages have no dot in their last part.
fn static_path(front: &Front, request: &Request) -> Option<Request> {
    front.config.site.as_ref()?;
    let path = request.uri().path();
    if path == "/manifest.json" || !path.rsplit('/').next().unwrap_or_default().contains('.') {
        return None;
    }
    let mut probe = Request::builder().method(request.method()).uri(request.uri()).body(Body::empty()).ok()?;
    *probe.headers_mut() = request.headers().clone();
    Some(probe)
}

async fn static_file(front: &Front, probe: Request) -> Option<Response> {
    let site = front.config.site.as_ref()?;
    let keep = if probe.uri().path().starts_with("/pkg/") { FOREVER } else { A_DAY };
    let Ok(mut answer) = ServeDir::new(site).precompressed_br().precompressed_gzip().oneshot(probe).await;
    if answer.status() == StatusCode::NOT_FOUND {
        return None;
    }
    answer.headers_mut().insert(header::CACHE_CONTROL, keep);
    Some(answer.into_response())
}

async fn page_headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    response.headers_mut().entry(header::CACHE_CONTROL).or_insert(NEVER);
    response
}
