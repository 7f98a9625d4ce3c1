//! `/embed/desk/{connection}`: the page beside a ticket, inside the service desk. It has no scripts and no cookies, and only the desk's
//! own site may show it in a frame.

use super::{Front, problem::Problem};
use application::{
    cases::sidebar::{self, Sidebar},
    error::UseCaseError,
};
use axum::{
    Json,
    extract::{Path, Query, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{Html, IntoResponse, Response},
};
use serde::Deserialize;
use serde_json::json;
use std::fmt::Write as _;

/// What the desk's app asks for.
#[derive(Deserialize)]
pub struct Asked {
    /// The ticket's number.
    ticket: String,
}

/// What a link has behind it.
#[derive(Deserialize)]
pub struct Signed {
    until: i64,
    proof: String,
}

/// Gives the desk's app a link for one ticket.
pub async fn link(
    State(front): State<Front>,
    Path(connection): Path<String>,
    headers: HeaderMap,
    Json(asked): Json<Asked>,
) -> Response {
    let secret = headers.get(desks::hooks::SECRET_HEADER).and_then(|secret| secret.to_str().ok()).unwrap_or_default();
    match sidebar::link(&front.context, &connection, secret, &asked.ticket).await {
        Ok(link) => Json(json!({"url": link.url, "expires_in": link.expires_in})).into_response(),
        Err(error) => refused(&error),
    }
}

/// The page.
pub async fn page(
    State(front): State<Front>,
    Path((connection, number)): Path<(String, String)>,
    Query(signed): Query<Signed>,
) -> Response {
    match sidebar::sidebar(&front.context, &connection, &number, signed.until, &signed.proof).await {
        Ok(shown) => {
            let policy = format!(
                "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors {}",
                shown.desk
            );
            let mut response = Html(html(&shown)).into_response();
            let headers = response.headers_mut();
            if let Ok(policy) = HeaderValue::from_str(&policy) {
                headers.insert(header::CONTENT_SECURITY_POLICY, policy);
            }
            headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
            response.extensions_mut().insert(super::guard::Framed);
            response
        }
        Err(UseCaseError::NotFound(_)) => {
            // people read this one, inside the desk
            let page = "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Milepost</title>\
                        <style>:root{color-scheme:light dark}body{font:14px/1.45 system-ui,sans-serif;margin:12px}</style></head>\
                        <body><p>This view has ended, or the ticket has no shipment. Reload the ticket.</p></body></html>";
            let mut response = (StatusCode::NOT_FOUND, Html(page)).into_response();
            let policy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";
            response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
            response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
            response.extensions_mut().insert(super::guard::Framed);
            response
        }
        Err(error) => refused(&error),
    }
}

fn refused(error: &UseCaseError) -> Response {
    let (status, kind, said) = match error {
        UseCaseError::Invalid { .. } => (StatusCode::BAD_REQUEST, "invalid", "this is no ticket's number"),
        UseCaseError::NotFound(_) => {
            (StatusCode::NOT_FOUND, "not_found", "there is nothing here, or the link has ended")
        }
        _ => (StatusCode::SERVICE_UNAVAILABLE, "unavailable", "try again in a moment"),
    };
    Problem::new(status, kind, said).into_response()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// Facts as a list of terms, events as a list; in the desk's light or dark.
fn html(shown: &Sidebar) -> String {
    let mut facts = String::new();
    let mut events = String::new();
    for line in &shown.lines {
        match (line.strip_prefix("- "), line.split_once(": ")) {
            (Some(event), _) => drop(write!(events, "<li>{}</li>", escaped(event))),
            // links are below
            (None, Some((_, link))) if link.starts_with("http") => {}
            (None, Some((term, fact))) => drop(write!(facts, "<dt>{}</dt><dd>{}</dd>", escaped(term), escaped(fact))),
            (None, None) => {}
        }
    }
    let events =
        if events.is_empty() { "<p>No tracking updates yet</p>".to_owned() } else { format!("<ul>{events}</ul>") };
    format!(
        "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <title>{title}</title><style>:root{{color-scheme:light dark}}body{{font:14px/1.45 system-ui,sans-serif;margin:12px}}\
         h1{{font-size:1.05em;margin:0 0 8px}}h2{{font-size:1em;margin:12px 0 4px}}dl{{margin:0}}dt{{opacity:.75;font-size:.9em}}\
         dd{{margin:0 0 6px}}ul{{margin:0;padding-left:1.1em}}a{{color:LinkText}}</style></head><body><main><h1>{title}</h1>\
         <dl>{facts}</dl><h2>Latest events</h2>{events}<p><a href=\"{page}\" target=\"_blank\" rel=\"noopener\">Open in Milepost</a></p>\
         </main></body></html>",
        title = escaped(&shown.title),
        page = escaped(&shown.page),
    )
}
