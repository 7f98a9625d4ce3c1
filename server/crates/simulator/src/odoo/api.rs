//! The sandbox over HTTP: JSON-2, and what both APIs share.

use super::{
    DATABASE, Inner, OdooError,
    calls::{FIRST_JSON2, called},
    picking_page, rpc,
};
use crate::faults::spoiled;
use axum::{
    Router,
    body::Bytes,
    extract::{Path, Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    middleware::{Next, from_fn_with_state},
    response::{Html, IntoResponse, Response},
    routing::{get, post},
};
use serde_json::{Value, json};
use std::sync::Arc;

pub(super) fn router(inner: &Arc<Inner>) -> Router {
    Router::new()
        .route("/web/version", get(version))
        .route("/json/2/{model}/{method}", post(json2).fallback(not_found))
        .route("/jsonrpc", post(rpc::jsonrpc))
        .route("/odoo/stock.picking/{id}", get(picking_page))
        .layer(from_fn_with_state(Arc::clone(inner), dated))
        .with_state(Arc::clone(inner))
}

/// Answers are dated by the clock of the sandbox.
async fn dated(State(inner): State<Arc<Inner>>, request: Request, next: Next) -> Response {
    let mut answer = next.run(request).await;
    let date = (inner.now)().strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    if let Ok(date) = HeaderValue::from_str(&date) {
        answer.headers_mut().insert(header::DATE, date);
    }
    answer
}

async fn version(State(inner): State<Arc<Inner>>) -> Response {
    match inner.lock().major.0 {
        major if major >= FIRST_JSON2 => {
            let info = json!([major, 0, 0, "final", 0, ""]);
            axum::Json(json!({"version_info": info, "version": format!("{major}.0")})).into_response()
        }
        _ => no_page(),
    }
}

/// The page of a site that has no such address.
fn no_page() -> Response {
    (StatusCode::NOT_FOUND, Html("<!DOCTYPE html>\n<title>404 Not Found</title>\n<h1>Not Found</h1>\n")).into_response()
}

/// Only POST is taken; so Odoo says it.
async fn not_found() -> Response {
    OdooError(StatusCode::NOT_FOUND, "werkzeug.exceptions.NotFound", "404 Not Found".into()).into_response()
}

async fn json2(
    State(inner): State<Arc<Inner>>,
    Path((model, method)): Path<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if inner.lock().major.0 < FIRST_JSON2 {
        return no_page();
    }
    let header = |name: &str| headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or_default().to_owned();
    if header("x-odoo-database") != DATABASE {
        let text = "<!DOCTYPE html>\n<title>404 Not Found</title>\n<p>No database is selected (sandbox)</p>\n";
        return (StatusCode::NOT_FOUND, Html(text)).into_response();
    }
    if !header(header::CONTENT_TYPE.as_str()).starts_with("application/json") {
        let text = "<!DOCTYPE html>\n<title>415 Unsupported Media Type</title>\n";
        return (StatusCode::UNSUPPORTED_MEDIA_TYPE, Html(text)).into_response();
    }
    let authorization = header(header::AUTHORIZATION.as_str());
    let bearer = authorization.split_once(' ').filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    let lacks = bearer.and_then(|(_, key)| inner.lock().lacks_of(key, (inner.now)()));
    let Some(lacks) = lacks else {
        return OdooError(StatusCode::UNAUTHORIZED, "werkzeug.exceptions.Unauthorized", "Invalid apikey".into())
            .into_response();
    };
    let Ok(body) = serde_json::from_slice::<Value>(&body) else {
        return OdooError(StatusCode::BAD_REQUEST, "werkzeug.exceptions.BadRequest", "not JSON".into()).into_response();
    };
    let operation = format!("{model}/{method}");
    *inner.lock().calls.entry(operation.clone()).or_default() += 1;
    let fault = inner.faults.take(&operation);
    spoiled(fault, || match called(&inner, &lacks, &model, &method, &body) {
        Ok(value) => axum::Json(value).into_response(),
        Err(error) => error.into_response(),
    })
    .await
}

impl IntoResponse for OdooError {
    fn into_response(self) -> Response {
        (self.0, axum::Json(self.described())).into_response()
    }
}
