//! Saved reports as files.

use super::{Front, export::refused, problem::Problem};
use app::ssr::Visitors;
use axum::{
    extract::{Path, Request, State},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};

/// A report stands alone: it may have its own styles, and nothing else.
const ALONE: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'unsafe-inline'; sandbox allow-modals; frame-ancestors 'none'",
);
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

/// A report as CSV, workbook or document. The document is shown, so that it can be printed; the others are saved.
pub async fn file(State(front): State<Front>, Path((id, file)): Path<(String, String)>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let Ok(visitor) = front.visitor(&parts).await else {
        let detail = "the database does not answer: try again in a moment";
        return Problem::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", detail).into_response();
    };
    let made = match visitor.ports.reports.file(id, file).await {
        Ok(made) => made,
        Err(error) => return refused(&error),
    };
    let how = if made.media_type.starts_with("text/html") { "inline" } else { "attachment" };
    // the name is of letters, digits and hyphens alone
    let disposition = HeaderValue::from_str(&format!("{how}; filename=\"{}\"", made.name));
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(made.media_type)),
        (header::CONTENT_DISPOSITION, disposition.unwrap_or(HeaderValue::from_static("attachment"))),
        (header::CACHE_CONTROL, NO_STORE),
        (header::CONTENT_SECURITY_POLICY, ALONE),
    ];
    (headers, made.bytes).into_response()
}
