//! Files of claims: uploads, downloads, bundles, the list as CSV.

use super::{Front, export::refused, problem::Problem};
use app::{
    contract::{
        ApiError,
        claims::{ClaimTab, FileAnswer},
        session::Permission,
    },
    ssr::{Visitor, Visitors},
};
use axum::{
    extract::{FromRequest as _, Multipart, Path, Query, Request, State},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
};
use serde::Deserialize;

/// The largest upload in bytes: a file of the largest kind with what a form adds.
pub const UPLOAD_BYTES_MAX: usize = application::claims::FILE_BYTES_MAX + 64 * 1024;
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
/// A file is shown by itself, whatever it holds.
const ALONE: HeaderValue = HeaderValue::from_static("default-src 'none'; sandbox; frame-ancestors 'none'");

/// What the address of an export narrows.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    tab: String,
}

async fn visitor(front: &Front, request: Request) -> Result<(Visitor, Request), Response> {
    let (parts, body) = request.into_parts();
    match front.visitor(&parts).await {
        Ok(visitor) => Ok((visitor, Request::from_parts(parts, body))),
        Err(_) => {
            let detail = "the database does not answer: try again in a moment";
            Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", detail).into_response())
        }
    }
}

/// The claims of a tab.
pub async fn export(State(front): State<Front>, Query(asked): Query<Asked>, request: Request) -> Response {
    let (visitor, _) = match visitor(&front, request).await {
        Ok(found) => found,
        Err(response) => return response,
    };
    match visitor.ports.claims.export(ClaimTab::of(&asked.tab)).await {
        Ok(text) => {
            let name = "claims.csv".to_owned();
            answer(FileAnswer { name, media_type: "text/csv; charset=utf-8", bytes: text.into_bytes() })
        }
        Err(error) => refused(&error),
    }
}

/// The bundle of a claim.
pub async fn bundle(State(front): State<Front>, Path(number): Path<String>, request: Request) -> Response {
    let (visitor, _) = match visitor(&front, request).await {
        Ok(found) => found,
        Err(response) => return response,
    };
    visitor.ports.claims.bundle(number).await.map_or_else(|error| refused(&error), answer)
}

/// A file of a claim.
pub async fn file(
    State(front): State<Front>,
    Path((number, file)): Path<(String, String)>,
    request: Request,
) -> Response {
    let (visitor, _) = match visitor(&front, request).await {
        Ok(found) => found,
        Err(response) => return response,
    };
    visitor.ports.claims.file(number, file).await.map_or_else(|error| refused(&error), answer)
}

/// Adds a file, and leads back to the claim; what was wrong is in the address as a code.
pub async fn upload(State(front): State<Front>, Path(number): Path<String>, request: Request) -> Response {
    let (visitor, request) = match visitor(&front, request).await {
        Ok(found) => found,
        Err(response) => return response,
    };
    // before a file is read for who may not add it
    match &visitor.viewer {
        None => return refused(&ApiError::Unauthenticated),
        Some(viewer) if !viewer.may(Permission::Act) => return refused(&ApiError::Forbidden),
        Some(_) => {}
    }
    let to = |code: &str| {
        let number: String = number.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').collect();
        let query = if code.is_empty() { String::new() } else { format!("?refused={code}") };
        Redirect::to(&format!("/claims/{number}{query}#files")).into_response()
    };
    let Some((kind, name, bytes)) = form(request, &front).await else { return to("file") };
    match visitor.ports.claims.add_file(number.clone(), kind, name, bytes).await {
        Ok(()) => to(""),
        Err(ApiError::Invalid { field, .. }) => to(if field == "kind" { "kind" } else { "file" }),
        Err(ApiError::Conflict { .. }) => to("limit"),
        Err(ApiError::Unavailable { .. } | ApiError::Internal { .. }) => to("failed"),
        Err(error) => refused(&error),
    }
}

/// The kind, the name and the bytes; none where the form is not whole or too large.
async fn form(request: Request, front: &Front) -> Option<(String, String, Vec<u8>)> {
    let mut parts = Multipart::from_request(request, front).await.ok()?;
    let (mut kind, mut file) = (String::new(), None);
    while let Some(part) = parts.next_field().await.ok()? {
        match part.name() {
            Some("kind") => kind = part.text().await.ok()?,
            Some("file") => {
                let name = part.file_name().unwrap_or_default().to_owned();
                file = Some((name, part.bytes().await.ok()?.to_vec()));
            }
            _ => {}
        }
    }
    file.map(|(name, bytes)| (kind, name, bytes))
}

/// A file as an attachment: it is never shown as a page of ours.
fn answer(file: FileAnswer) -> Response {
    let plain = |c: char| if c.is_ascii_alphanumeric() || "-_.() ".contains(c) { c } else { '_' };
    let name: String = file.name.chars().map(plain).collect();
    let disposition = HeaderValue::from_str(&format!("attachment; filename=\"{name}\""));
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(file.media_type)),
        (header::CONTENT_DISPOSITION, disposition.unwrap_or(HeaderValue::from_static("attachment"))),
        (header::CACHE_CONTROL, NO_STORE),
        (header::CONTENT_SECURITY_POLICY, ALONE),
    ];
    (headers, file.bytes).into_response()
}
