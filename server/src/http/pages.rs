//! Pages: server-side rendering, the pages' server functions, and the site folder with the browser's half.

use super::{Front, panics::PageTasks, peer, problem::Problem, session};
use crate::{config::Config, ports};
use anyhow::Context as _;
use app::{
    SiteAssets,
    contract::{ApiError, session::Viewer},
    pages::errors::AWAY_SECONDS,
    shell,
};
use application::{config::Mode, people::sign_in::Origin};
use axum::{
    Json, Router,
    body::{Body, to_bytes},
    extract::{Request, State},
    http::{HeaderValue, Method, StatusCode, header},
    middleware::{Next, from_fn},
    response::{Html, IntoResponse, Response},
    routing::any,
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE};
use domain::ids::CorrelationId;
use leptos::{
    context::provide_context,
    prelude::{Owner, RenderHtml},
    server_fn::{
        axum::server_fn_paths,
        error::{FromServerFnError as _, SERVER_FN_ERROR_HEADER, ServerFnUrlError},
    },
};
use leptos_axum::handle_server_fns_with_context;
use std::sync::Arc;
use tower::ServiceExt as _;
use tower_http::services::ServeDir;
use tower_sessions::Session;

/// Hashed names never change their content.
const FOREVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
/// Public files may change with a release.
const A_DAY: HeaderValue = HeaderValue::from_static("public, max-age=86400");
/// What the page may load that stands for the others while they are away.
const AWAY_POLICY: &str =
    "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
/// Bytes of a page; the largest shows a raw message, which is cut far below this.
const PAGE_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Bytes of a server function's error; those that use cases give are a sentence.
const ERROR_BYTES_MAX: usize = 64 * 1024;
/// Seconds in `Retry-After` where something is not available.
const AGAIN_AFTER_SECONDS: u64 = 5;
/// What ends a page.
const PAGE_END: &str = "</body></html>";
/// Pages hold what is true now, for one person.
const NEVER: HeaderValue = HeaderValue::from_static("no-store");

#[derive(Clone)]
struct Pages {
    front: Front,
    assets: SiteAssets,
}

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

/// The browser's half; where it cannot be read, the log says so and pages run without.
pub fn assets_or_none(config: &Config) -> SiteAssets {
    match assets(config) {
        Ok(found) => found.unwrap_or_default(),
        Err(error) => {
            tracing::error!("pages run without the browser's half: {error:#}");
            SiteAssets::default()
        }
    }
}

/// Pages, server functions and static files.
pub fn router(front: &Front, assets: SiteAssets) -> Router {
    // pages load their data in tasks of this runtime; a second router in one process finds it set
    let _ = any_spawner::Executor::init_custom_executor(PageTasks);
    let pages = Pages { front: front.clone(), assets };
    Router::new()
        .route("/api/{*function}", any(server_function))
        .fallback(file_or_page)
        .layer(from_fn(page_headers))
        .with_state(pages)
}

/// What pages and server functions find in their context.
#[derive(Clone)]
struct InContext {
    ports: Arc<app::contract::Ports>,
    viewer: Option<Viewer>,
    session: ports::session::BrowserSession,
    site: app::contract::session::Installation,
}

impl InContext {
    async fn of(pages: &Pages, browser: ports::session::BrowserSession) -> Result<Self, StatusCode> {
        let user = match &browser.session {
            Some(session) => session::user(&pages.front.context, session).await?,
            None => None,
        };
        Ok(Self {
            viewer: user.as_ref().map(ports::session::viewer),
            ports: Arc::new(ports::all(&pages.front.context, user.as_ref(), &browser)),
            session: browser,
            site: ports::session::installation(&pages.front.context, pages.front.config.system.mode == Mode::Demo),
        })
    }

    fn provide(&self) {
        provide_context(Arc::clone(&self.ports));
        provide_context(self.viewer.clone());
        provide_context(self.session.clone());
        provide_context(self.site.clone());
    }
}

fn browser(pages: &Pages, request: &Request) -> ports::session::BrowserSession {
    let proxies = &pages.front.config.proxies;
    let (extensions, headers) = (request.extensions(), request.headers());
    let address = peer::shown(extensions, headers, proxies);
    let origin = Origin { address, counted: peer::counted_of(extensions, headers, proxies) };
    let zone = cookie(request, app::components::browser::ZONE_COOKIE).unwrap_or_default();
    ports::session::BrowserSession { session: request.extensions().get::<Session>().cloned(), origin, zone }
}

/// The value of a cookie.
fn cookie(request: &Request, name: &str) -> Option<String> {
    let headers = request.headers().get_all(header::COOKIE);
    let mut pairs = headers.iter().filter_map(|header| header.to_str().ok()).flat_map(|header| header.split(';'));
    pairs.find_map(|pair| pair.trim().strip_prefix(name)?.strip_prefix('=').map(str::to_owned))
}

async fn server_function(State(pages): State<Pages>, request: Request) -> Response {
    if let Some(problem) = no_function(&request) {
        return problem.into_response();
    }
    let context = match InContext::of(&pages, browser(&pages, &request)).await {
        Ok(context) => context,
        Err(_) => {
            let message = "The database does not answer. Try again in a moment.".into();
            let again = [(header::RETRY_AFTER, HeaderValue::from(AGAIN_AFTER_SECONDS))];
            return (again, refusal(&ApiError::Unavailable { message })).into_response();
        }
    };
    // before its arguments are looked at; a form is led back to its page, which leads to the sign-in
    if context.viewer.is_none() && !takes_html(&request) && !is_open(request.uri().path()) {
        return refusal(&ApiError::Unauthenticated);
    }
    with_status(handle_server_fns_with_context(move || context.provide(), request).await.into_response()).await
}

/// Whether this function needs nobody to be signed in.
fn is_open(path: &str) -> bool {
    path.strip_prefix("/api/").is_some_and(|name| app::api::FUNCTIONS.contains(&(name, None)))
}

fn takes_html(request: &Request) -> bool {
    let accept = request.headers().get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    accept.is_some_and(|accept| accept.contains("text/html"))
}

/// Why no server function answers this address and method.
fn no_function(request: &Request) -> Option<Problem> {
    let path = request.uri().path();
    let methods: Vec<_> = server_fn_paths().filter(|(at, _)| *at == path).map(|(_, method)| method).collect();
    if methods.is_empty() {
        return Some(Problem::nothing_here());
    }
    if methods.contains(request.method()) {
        return None;
    }
    Some(Problem::wrong_method(&methods.iter().collect::<Vec<_>>()))
}

/// An error as the browser's half reads it.
fn refusal(error: &ApiError) -> Response {
    let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, Json(error)).into_response()
}

/// Every error of a server function passes here. Leptos answers 500 to all of them; the status is the error's own. A form
/// without the browser's half is sent back to its page instead, which shows what is known of the error by its code: other words
/// do not go into an address.
async fn with_status(mut answer: Response) -> Response {
    let back = answer.headers().get(header::LOCATION).and_then(|to| to.to_str().ok()).and_then(with_known_error);
    if let Some(back) = back.and_then(|back| HeaderValue::from_str(&back).ok()) {
        answer.headers_mut().insert(header::LOCATION, back);
    }
    if answer.status() != StatusCode::INTERNAL_SERVER_ERROR || !answer.headers().contains_key(SERVER_FN_ERROR_HEADER) {
        return answer;
    }
    let (mut parts, body) = answer.into_parts();
    let bytes = match to_bytes(body, ERROR_BYTES_MAX).await {
        Ok(bytes) => bytes,
        Err(error) => {
            tracing::error!("an error of a server function cannot be sent: {error}");
            return Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "something went wrong on our side")
                .into_response();
        }
    };
    let Ok(error) = serde_json::from_slice::<ApiError>(&bytes) else {
        return Response::from_parts(parts, Body::from(bytes));
    };
    parts.status = StatusCode::from_u16(error.status()).unwrap_or(parts.status);
    let again = match error {
        ApiError::TooMany { seconds } => Some(seconds),
        ApiError::Unavailable { .. } => Some(AGAIN_AFTER_SECONDS),
        _ => None,
    };
    if let Some(seconds) = again {
        parts.headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    Response::from_parts(parts, Body::from(bytes))
}

/// The address with the error that it carries last, in our own words; nothing where it carries none.
fn with_known_error(address: &str) -> Option<String> {
    const ERROR: &str = "__err=";
    const FUNCTION: &str = "__path=";
    let (address, anchor) = address.split_at(address.find('#').unwrap_or(address.len()));
    let (page, query) = address.split_once('?')?;
    let pairs = query.split('&');
    let last = |name: &str| pairs.clone().rev().find_map(|pair| pair.strip_prefix(name));
    let (error, function) = (last(ERROR)?, last(FUNCTION)?);
    let error: ApiError = ServerFnUrlError::decode_err(&error.replace("%3D", "="));
    let known = URL_SAFE.encode(error.known(&function.replace("%2F", "/")).ser()).replace('=', "%3D");
    let others = pairs.filter(|pair| !pair.starts_with(ERROR) && !pair.starts_with(FUNCTION));
    let written = [format!("{FUNCTION}{function}"), format!("{ERROR}{known}")];
    let pairs: Vec<_> = others.map(str::to_owned).chain(written).collect();
    Some(format!("{page}?{}{anchor}", pairs.join("&")))
}

/// The answer to any page while sessions cannot be read.
fn away(pages: &Pages) -> Response {
    let html = Owner::new_root(None).with(|| app::away(pages.assets.clone()).to_html());
    let headers = [
        (header::RETRY_AFTER, HeaderValue::from(AWAY_SECONDS)),
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(AWAY_POLICY)),
    ];
    (StatusCode::SERVICE_UNAVAILABLE, headers, Html(html)).into_response()
}

/// The answer to any page that could not be made; the log has the reason under the same id.
pub fn broken(assets: &SiteAssets, correlation: CorrelationId) -> Response {
    let html = Owner::new_root(None).with(|| app::broken(assets.clone(), correlation.to_string()).to_html());
    let headers =
        [(header::CACHE_CONTROL, NEVER), (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(AWAY_POLICY))];
    (StatusCode::INTERNAL_SERVER_ERROR, headers, Html(html)).into_response()
}

/// A file of the site folder, precompressed where the browser takes it; else a page. Pages are sent whole, so that their
/// status and redirects are settled before the first byte.
async fn file_or_page(State(pages): State<Pages>, request: Request) -> Response {
    if let Some(probe) = static_path(&pages, &request)
        && let Some(file) = static_file(&pages, probe).await
    {
        return file;
    }
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return Problem::wrong_method(&[&Method::GET, &Method::HEAD]).into_response();
    }
    let Ok(context) = InContext::of(&pages, browser(&pages, &request)).await else { return away(&pages) };
    let correlation = request.extensions().get::<CorrelationId>().copied();
    let assets = pages.assets.clone();
    let render = leptos_axum::render_app_async_with_context(move || context.provide(), move || shell(assets.clone()));
    match whole(render(request).await).await {
        Ok(page) => page,
        Err(error) => {
            let correlation = correlation.unwrap_or_else(|| pages.front.context.correlation());
            tracing::error!(%correlation, "a page cannot be made: {error}");
            broken(&pages.assets, correlation)
        }
    }
}

/// The page with all of its parts. What comes behind the document, the data for the browser's half, goes into its body.
async fn whole(page: Response) -> Result<Response, axum::Error> {
    let (parts, body) = page.into_parts();
    let bytes = to_bytes(body, PAGE_BYTES_MAX).await?;
    let mut text = String::from_utf8_lossy(&bytes).into_owned();
    if let Some(end) = text.find(PAGE_END) {
        let data = text.split_off(end + PAGE_END.len());
        text.insert_str(end, &data);
    }
    Ok(Response::from_parts(parts, Body::from(text)))
}

/// The request for a file, where the path may be one: pages have no dot in their last part.
fn static_path(pages: &Pages, request: &Request) -> Option<Request> {
    pages.front.config.site.as_ref()?;
    let path = request.uri().path();
    if path == "/manifest.json" || !path.rsplit('/').next().unwrap_or_default().contains('.') {
        return None;
    }
    let mut probe = Request::builder().method(request.method()).uri(request.uri()).body(Body::empty()).ok()?;
    *probe.headers_mut() = request.headers().clone();
    Some(probe)
}

async fn static_file(pages: &Pages, probe: Request) -> Option<Response> {
    let site = pages.front.config.site.as_ref()?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_carries_one_error_and_no_words() {
        let written = |message: &str| {
            URL_SAFE.encode(format!("{{\"code\":\"conflict\",\"message\":\"{message}\"}}")).replace('=', "%3D")
        };
        let address = |a: &str, b: &str| {
            format!(
                "http://t/sync?view=done&__path=%2Fapi%2Fa&__err={}&q=x&__path=%2Fapi%2Fb&__err={}#rows",
                written(a),
                written(b)
            )
        };
        let known = with_known_error(&address("Call us", "Call me")).unwrap();
        let (before, error) = known.split_once("&__err=").unwrap();
        assert_eq!(before, "http://t/sync?view=done&q=x&__path=%2Fapi%2Fb");
        let (error, anchor) = error.split_once('#').unwrap();
        let error = String::from_utf8(URL_SAFE.decode(error.replace("%3D", "=")).unwrap()).unwrap();
        assert!(anchor == "rows" && error.contains("conflict") && !error.contains("Call"), "{error}");
        assert_eq!(with_known_error("http://t/sync?view=done"), None);
        assert_eq!(with_known_error("/sign-in?next=%2F__err="), None);
    }
}
