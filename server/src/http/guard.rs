//! What every request passes: security headers, and the check against cross-site writes.

use super::problem::Problem;
use axum::{
    body::{Body, HttpBody as _},
    extract::Request,
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use domain::ids::CorrelationId;
use futures::{StreamExt, stream};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

/// Marks a page that another site shows in a frame, and whose own policy says which.
#[derive(Clone, Copy, Debug)]
pub struct Framed;

/// Headers that every answer carries. The content security policy of pages, with its nonce, is set where they are made.
pub async fn security_headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let framed = response.extensions().get::<Framed>().is_some();
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    // a page for a frame names in its policy who may show it, which this header cannot say
    if !framed {
        headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    }
    headers
        .entry(header::CONTENT_SECURITY_POLICY)
        .or_insert(HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"));
    response
}

/// Refuses writes that another site's page sends with our cookie (the session cookie is also SameSite=Lax). Browsers
/// send Sec-Fetch-Site; where it is missing, Origin must be ours; where both are missing it is no browser.
pub async fn same_site(request: Request, next: Next) -> Response {
    let safe = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    if safe || from_here(request.headers()) {
        return next.run(request).await;
    }
    Problem::new(StatusCode::FORBIDDEN, "cross_site", "this request comes from another site").into_response()
}

/// The path as the sender wrote it: some sign it.
#[derive(Clone, Debug)]
pub struct SentPath(pub String);

/// The address of a source in its plain form, with the path as it was sent beside it: `//ingest//name/` is `/ingest/name`.
pub fn one_address(mut request: Request) -> Request {
    let sent = request.uri().path().to_owned();
    let plain = format!("/{}", sent.split('/').filter(|part| !part.is_empty()).collect::<Vec<_>>().join("/"));
    if plain == sent || !(plain == "/ingest" || plain.starts_with("/ingest/")) {
        return request;
    }
    let query = request.uri().query().map(|query| format!("?{query}")).unwrap_or_default();
    if let Ok(uri) = format!("{plain}{query}").parse() {
        *request.uri_mut() = uri;
        request.extensions_mut().insert(SentPath(sent));
    }
    request
}

/// The body of a request is there within this time.
pub(super) const BODY_TIME: Duration = Duration::from_secs(30);

/// A body that comes too slowly is none: 408, and the connection ends.
pub async fn timely_body(request: Request, next: Next) -> Response {
    within(BODY_TIME, request, next).await
}

async fn within(time: Duration, request: Request, next: Next) -> Response {
    if request.body().size_hint().exact() == Some(0) {
        return next.run(request).await;
    }
    let late = Arc::new(AtomicBool::new(false));
    let (said, end) = (Arc::clone(&late), Box::pin(tokio::time::sleep(time)));
    let timely = |body: Body| {
        let from = (body.into_data_stream(), end, said);
        Body::from_stream(stream::unfold(from, |(mut pieces, mut end, said)| async move {
            let piece = tokio::select! {
                piece = pieces.next() => piece?,
                () = &mut end => {
                    said.store(true, Ordering::Relaxed);
                    Err(axum::Error::new("the body did not come in time"))
                }
            };
            Some((piece, (pieces, end, said)))
        }))
    };
    let correlation = request.extensions().get::<CorrelationId>().copied();
    let response = next.run(request.map(timely)).await;
    if !late.load(Ordering::Relaxed) {
        return response;
    }
    let detail = format!("the body was not there after {} seconds", time.as_secs());
    let mut problem = Problem::new(StatusCode::REQUEST_TIMEOUT, "too_slow", detail);
    if let Some(id) = correlation {
        problem = problem.correlated(id);
    }
    let mut refused = problem.into_response();
    refused.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    refused
}

fn from_here(headers: &HeaderMap) -> bool {
    let text = |name: header::HeaderName| headers.get(name).and_then(|v| v.to_str().ok());
    match headers.get("sec-fetch-site").and_then(|v| v.to_str().ok()) {
        Some(site) => site == "same-origin" || site == "none",
        None => match text(header::ORIGIN) {
            Some(origin) => origin.split_once("://").map(|(_, host)| host) == text(header::HOST),
            None => true,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::{Router, middleware::from_fn, routing::any};
    use tower::ServiceExt as _;

    fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(k, v)| (k.parse::<header::HeaderName>().unwrap(), HeaderValue::from_str(v).unwrap()))
            .collect()
    }

    #[tokio::test]
    async fn a_body_is_there_in_time_or_not_at_all() {
        let read = |body: axum::body::Bytes| async move { body };
        let soon = |request: Request, next: Next| within(Duration::from_millis(50), request, next);
        let router = Router::new().route("/", any(read)).layer(from_fn(soon));
        let first = || stream::iter([Ok::<_, axum::Error>("hello")]);
        let asked = |body: Body| router.clone().oneshot(Request::post("/").body(body).unwrap());
        let whole = asked(Body::from_stream(first())).await.unwrap();
        assert_eq!(whole.status(), StatusCode::OK);
        let slow = asked(Body::from_stream(first().chain(stream::pending()))).await.unwrap();
        assert_eq!(
            (slow.status(), &slow.headers()["connection"]),
            (StatusCode::REQUEST_TIMEOUT, &"close".parse().unwrap())
        );
        assert_eq!(asked(Body::empty()).await.unwrap().status(), StatusCode::OK);
    }

    #[test]
    fn slashes_do_not_make_another_address() {
        let asked = |uri: &str| {
            let request = one_address(Request::builder().uri(uri).body(Body::empty()).unwrap());
            let sent = request.extensions().get::<SentPath>().map(|sent| sent.0.clone());
            (request.uri().to_string(), sent)
        };
        for (uri, plain) in [
            ("/ingest/name/?a=//b", "/ingest/name?a=//b"),
            ("//ingest//name", "/ingest/name"),
            ("/ingest/name//", "/ingest/name"),
            ("///ingest///na%2Fme", "/ingest/na%2Fme"),
            ("/ingest/", "/ingest"),
        ] {
            let path = uri.split('?').next().map(str::to_owned);
            assert_eq!(asked(uri), (plain.to_owned(), path), "{uri}");
        }
        for uri in ["/ingest/name", "//shipments//x", "/ingests//name", "//x/ingest/name", "/"] {
            assert_eq!(asked(uri), (uri.to_owned(), None), "{uri}");
        }
    }

    #[test]
    fn another_sites_page_cannot_write() {
        assert!(from_here(&headers(&[("sec-fetch-site", "same-origin")])));
        assert!(!from_here(&headers(&[("sec-fetch-site", "cross-site")])));
        assert!(!from_here(&headers(&[("sec-fetch-site", "same-site")])));
        assert!(from_here(&headers(&[("origin", "https://tower.test"), ("host", "tower.test")])));
        assert!(!from_here(&headers(&[("origin", "https://evil.test"), ("host", "tower.test")])));
        assert!(!from_here(&headers(&[("origin", "null"), ("host", "tower.test")])));
        assert!(from_here(&headers(&[("host", "tower.test")])), "no browser");
    }
}
