//! The pages on the server, as plain axum routers: server functions under `/api`, and a page for every other address. No type of
//! leptos leaves this crate.

use crate::{
    App, SiteAssets, api,
    contract::{
        ApiError, Ports,
        session::{Installation, Viewer},
    },
    document,
    pages::errors::AWAY_SECONDS,
};
use async_trait::async_trait;
use axum::{
    Json, Router,
    body::{Body, to_bytes},
    extract::{Request, State},
    http::{HeaderValue, Method, StatusCode, header, request::Parts},
    response::{Html, IntoResponse, Response},
    routing::any,
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE};
use leptos::{
    context::provide_context,
    prelude::{Owner, RenderHtml},
    server_fn::{
        axum::server_fn_paths,
        error::{FromServerFnError as _, SERVER_FN_ERROR_HEADER, ServerFnUrlError},
    },
};
use leptos_axum::{generate_route_list, handle_server_fns_with_context, render_app_async_with_context};
use std::sync::Arc;

/// The header that marks a server function's error.
pub const ERROR_HEADER: &str = SERVER_FN_ERROR_HEADER;
/// What the page may load that stands for the others while they are away.
const AWAY_POLICY: &str =
    "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
/// Maximum size of a page in bytes; the largest shows a raw message, which is cut far below this.
const PAGE_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Maximum size of a server function's error in bytes; those that use cases give are a sentence.
const ERROR_BYTES_MAX: usize = 64 * 1024;
/// Seconds in `Retry-After` where something is not available.
const AGAIN_AFTER_SECONDS: u64 = 5;
/// What ends a page's body.
const BODY_END: &str = "</body>";
/// What ends a page.
const PAGE_END: &str = "</html>";
/// What leptos writes where a view of an unnamed type ends. Outside of the body it is of no use.
const MARKER: &str = "<!>";
/// An error holds for its moment.
const NEVER: HeaderValue = HeaderValue::from_static("no-store");

/// What pages and server functions know of a request.
#[derive(Clone)]
pub struct Visitor {
    /// What they may ask of the server, in this person's name.
    pub ports: Arc<Ports>,
    /// The person; none where nobody is signed in.
    pub viewer: Option<Viewer>,
    /// What everybody may know.
    pub installation: Installation,
    /// The id under which the log has the request.
    pub correlation: String,
}

impl Visitor {
    fn provide(&self) {
        provide_context(Arc::clone(&self.ports));
        provide_context(self.viewer.clone());
        provide_context(self.installation.clone());
    }
}

/// Sessions cannot be read.
#[derive(Clone, Copy, Debug)]
pub struct Unavailable;

/// Tells visitors apart.
#[async_trait]
pub trait Visitors: Send + Sync + 'static {
    /// The visitor whose request this is.
    ///
    /// # Errors
    /// When sessions cannot be read.
    async fn visitor(&self, request: &Parts) -> Result<Visitor, Unavailable>;
}

/// The server functions.
pub fn functions_router(visitors: Arc<dyn Visitors>) -> Router {
    Router::new().route("/api/{*function}", any(server_function)).with_state(visitors)
}

/// The pages, under every address that no other router has.
pub fn page_router(visitors: Arc<dyn Visitors>, assets: SiteAssets) -> Router {
    Router::new().fallback(page).with_state(Pages { visitors, assets })
}

/// The addresses of the server functions, with the method that each takes.
pub fn functions() -> impl Iterator<Item = (&'static str, Method)> {
    server_fn_paths()
}

/// The addresses of the pages; `{id}` stands for a record's id.
pub fn pages() -> Vec<String> {
    generate_route_list(App).iter().map(|route| route.path().to_owned()).collect()
}

/// The answer to any page that could not be made; the log has the reason under the same id.
pub fn broken(assets: &SiteAssets, correlation: String) -> Response {
    let html = Owner::new_root(None).with(|| document::broken(assets.clone(), correlation).to_html());
    let headers =
        [(header::CACHE_CONTROL, NEVER), (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(AWAY_POLICY))];
    (StatusCode::INTERNAL_SERVER_ERROR, headers, Html(document_of(&html))).into_response()
}

/// The answer to any page while sessions cannot be read.
fn away(assets: &SiteAssets) -> Response {
    let html = Owner::new_root(None).with(|| document::away(assets.clone()).to_html());
    let headers = [
        (header::RETRY_AFTER, HeaderValue::from(AWAY_SECONDS)),
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(AWAY_POLICY)),
    ];
    (StatusCode::SERVICE_UNAVAILABLE, headers, Html(document_of(&html))).into_response()
}

#[derive(Clone)]
struct Pages {
    visitors: Arc<dyn Visitors>,
    assets: SiteAssets,
}

/// Pages are sent whole, so that their status and redirects are settled before the first byte.
async fn page(State(Pages { visitors, assets }): State<Pages>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(visitor) = visitors.visitor(&parts).await else { return away(&assets) };
    let correlation = visitor.correlation.clone();
    let shell = {
        let assets = assets.clone();
        move || document::shell(assets.clone())
    };
    let render = render_app_async_with_context(move || visitor.provide(), shell);
    match whole(render(Request::from_parts(parts, body)).await).await {
        Ok(page) => page,
        Err(error) => {
            tracing::error!(%correlation, "a page cannot be made: {error}");
            broken(&assets, correlation)
        }
    }
}

/// The page with all of its parts. What comes behind the document, the data for the browser's half, goes into its body.
async fn whole(page: Response) -> Result<Response, axum::Error> {
    let (parts, body) = page.into_parts();
    let bytes = to_bytes(body, PAGE_BYTES_MAX).await?;
    Ok(Response::from_parts(parts, Body::from(document_of(&String::from_utf8_lossy(&bytes)))))
}

/// The document, with what comes behind it in its body.
fn document_of(text: &str) -> String {
    let end = text.match_indices(BODY_END).find_map(|(at, end)| {
        let behind = text.get(at + end.len()..)?.trim_start_matches(MARKER).strip_prefix(PAGE_END)?;
        Some((text.get(..at)?, behind.trim_start_matches(MARKER)))
    });
    end.map_or_else(|| text.to_owned(), |(page, data)| [page, data, BODY_END, PAGE_END].concat())
}

async fn server_function(State(visitors): State<Arc<dyn Visitors>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(visitor) = visitors.visitor(&parts).await else {
        let message = "The database does not answer. Try again in a moment.".into();
        let again = [(header::RETRY_AFTER, HeaderValue::from(AGAIN_AFTER_SECONDS))];
        return (again, refusal(&ApiError::Unavailable { message })).into_response();
    };
    // before its arguments are read: who may not call a function does not learn whether the arguments are valid
    if let Err(error) = may_ask(parts.uri.path(), visitor.viewer.as_ref()) {
        return refused(&parts, error);
    }
    let (request, correlation) = (Request::from_parts(parts, body), visitor.correlation.clone());
    let answer = handle_server_fns_with_context(move || visitor.provide(), request).await.into_response();
    with_status(answer, correlation).await
}

/// Whether a viewer may ask for a function at all. Its use case asks again.
fn may_ask(path: &str, viewer: Option<&Viewer>) -> Result<(), ApiError> {
    let name = path.strip_prefix("/api/").unwrap_or_default();
    let asked = api::FUNCTIONS.iter().find(|(function, _)| *function == name);
    match (asked.map(|(_, permission)| *permission), viewer) {
        // open to everybody
        (Some(None), _) => Ok(()),
        (_, None) => Err(ApiError::Unauthenticated),
        (Some(Some(permission)), Some(viewer)) if !viewer.may(permission) => Err(ApiError::Forbidden),
        // there may be no such function
        (_, Some(_)) => Ok(()),
    }
}

/// A refusal before the function is called. A form without the browser's half is led back to its page, which says why or leads to
/// the sign-in.
fn refused(request: &Parts, error: ApiError) -> Response {
    if !takes_html(request) {
        return refusal(&error);
    }
    let from = request.headers.get(header::REFERER).and_then(|from| from.to_str().ok()).unwrap_or("/");
    let back = ServerFnUrlError::new(request.uri.path(), error).to_url(from);
    let back = back.map_or_else(|_| from.to_owned(), String::from);
    (StatusCode::FOUND, [(header::LOCATION, with_known_error(&back).unwrap_or(back))]).into_response()
}

fn takes_html(request: &Parts) -> bool {
    let accept = request.headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    accept.is_some_and(|accept| accept.contains("text/html"))
}

/// An error as the browser's half reads it.
fn refusal(error: &ApiError) -> Response {
    let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, Json(error)).into_response()
}

/// Every error of a server function passes here. Leptos answers 500 to all of them; the status is the error's own. A form
/// without the browser's half is sent back to its page instead, which shows what is known of the error by its code: other words
/// do not go into an address.
async fn with_status(mut answer: Response, correlation: String) -> Response {
    let back = answer.headers().get(header::LOCATION).and_then(|to| to.to_str().ok()).and_then(with_known_error);
    if let Some(back) = back.and_then(|back| HeaderValue::from_str(&back).ok()) {
        answer.headers_mut().insert(header::LOCATION, back);
    }
    if answer.status() != StatusCode::INTERNAL_SERVER_ERROR || !answer.headers().contains_key(ERROR_HEADER) {
        return answer;
    }
    let (mut parts, body) = answer.into_parts();
    let bytes = match to_bytes(body, ERROR_BYTES_MAX).await {
        Ok(bytes) => bytes,
        Err(error) => {
            tracing::error!(%correlation, "an error of a server function cannot be sent: {error}");
            return refusal(&ApiError::Internal { correlation });
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

    #[test]
    fn what_comes_behind_a_document_goes_into_its_body() {
        for (given, document) in [
            ("<body>a</body></html>", "<body>a</body></html>"),
            ("<body>a</body></html><script>1</script>", "<body>a<script>1</script></body></html>"),
            ("<body>a<!></body><!><!></html><!><script>1</script>", "<body>a<!><script>1</script></body></html>"),
            ("<body>says </body> a</body></html>x", "<body>says </body> ax</body></html>"),
            ("<body>cut off", "<body>cut off"),
        ] {
            assert_eq!(document_of(given), document);
        }
    }
}
