//! `POST /ingest/{source}`: the carriers' door.

use super::{peer, problem::Problem};
use crate::{
    tower::Tower,
    usecases::ingest::{self, Delivery, Refused},
};
use axum::{
    Extension, Json,
    body::Body,
    extract::{Path, Request, State},
    http::{HeaderName, HeaderValue, StatusCode},
    response::{IntoResponse, Response},
};
use connectors::carriers::RawRequest;
use domain::ids::{CorrelationId, MessageId};
use futures::StreamExt;
use serde::Serialize;
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use storage::inbox::Novelty;
use tokio::sync::SemaphorePermit;

/// Bytes of a body that are read without asking.
const FREELY_BYTES: usize = 1024 * 1024;
/// A body is there within this time.
const BODY_TIME: Duration = Duration::from_secs(30);

/// The header that names the thread, in requests and answers.
pub const CORRELATION: HeaderName = HeaderName::from_static("x-correlation-id");

/// Takes a message: verified over the raw bytes, durable before the 202.
pub async fn ingest(
    State(tower): State<Arc<Tower>>,
    Path(source): Path<String>,
    Extension(correlation): Extension<CorrelationId>,
    request: Request,
) -> Response {
    let started = Instant::now();
    let answer = take(&tower, &source, correlation, request).await;
    let (mut response, end) = match answer {
        Ok((receipt, end)) => (receipt, end),
        Err(refused) => (problem(&refused).correlated(correlation).into_response(), end_of(&refused)),
    };
    // the name of an unknown source is the sender's invention and no label
    let label = if end == "unknown_source" { "-".to_owned() } else { source };
    metrics::counter!("milepost_ingest_total", "source" => label, "end" => end).increment(1);
    metrics::histogram!("milepost_ingest_seconds").record(started.elapsed().as_secs_f64());
    let header = HeaderValue::from_str(&correlation.to_string()).expect("an id is ASCII");
    response.headers_mut().entry(CORRELATION).or_insert(header);
    response
}

async fn take(
    tower: &Tower,
    source: &str,
    correlation: CorrelationId,
    request: Request,
) -> Result<(Response, &'static str), Refused> {
    let limit = ingest::body_limit(tower, source).await?;
    let (parts, body) = request.into_parts();
    let read = tokio::time::timeout(BODY_TIME, read(tower, body, limit)).await;
    let (bytes, _room) = read.map_err(|_| Refused::TooSlow(BODY_TIME.as_secs()))??;
    let raw = RawRequest {
        method: parts.method.as_str(),
        path: parts.uri.path(),
        query: parts.uri.query().unwrap_or_default(),
        peer: peer::of(&parts.extensions, &parts.headers, &tower.config.trusted_proxies),
        headers: &parts.headers,
        body: &bytes,
    };
    let receipt = ingest::accept(tower, Delivery { source, request: raw, correlation }).await?;
    let (status, end) = match receipt.novelty {
        Novelty::New => ("accepted", "accepted"),
        Novelty::Repeated => ("duplicate", "duplicate"),
    };
    tracing::info!(source, correlation = %receipt.correlation, id = %receipt.message, bytes = bytes.len(), "message {status}");
    let body = Json(Taken { message: receipt.message, correlation: receipt.correlation, status });
    let kept = HeaderValue::from_str(&receipt.correlation.to_string()).expect("an id is ASCII");
    Ok(((StatusCode::ACCEPTED, [(CORRELATION, kept)], body).into_response(), end))
}

/// What the sender of a message is answered.
#[derive(Serialize)]
struct Taken {
    message: MessageId,
    correlation: CorrelationId,
    status: &'static str,
}

/// What a body takes up until it is answered.
#[derive(Default)]
struct Room<'a> {
    /// A share of [`ROOM_KIB`](crate::tower::ROOM_KIB).
    room: Option<SemaphorePermit<'a>>,
    file: Option<SemaphorePermit<'a>>,
}

impl<'a> Room<'a> {
    /// Takes up what a body of so many bytes needs.
    fn grow(&mut self, tower: &'a Tower, bytes: usize) -> Result<(), Refused> {
        if bytes > FREELY_BYTES && self.file.is_none() {
            self.file = Some(tower.files.try_acquire().map_err(|_| Refused::Unavailable)?);
        }
        let needed = bytes.min(FREELY_BYTES).div_ceil(1024);
        let more = needed - self.room.as_ref().map_or(0, SemaphorePermit::num_permits);
        if more == 0 {
            return Ok(());
        }
        let more = u32::try_from(more).unwrap_or(u32::MAX);
        let taken = tower.room.try_acquire_many(more).map_err(|_| Refused::Unavailable)?;
        match &mut self.room {
            Some(room) => room.merge(taken),
            None => self.room = Some(taken),
        }
        Ok(())
    }
}

/// A body, read piece by piece. There is only so much room for bodies that are not answered yet, and one of more than
/// [`FREELY_BYTES`] is a file, of which only so many are taken at once: memory has a limit whoever sends what.
async fn read(tower: &Tower, body: Body, limit: usize) -> Result<(Vec<u8>, Room<'_>), Refused> {
    let (mut bytes, mut room) = (Vec::new(), Room::default());
    let mut pieces = body.into_data_stream();
    while let Some(piece) = pieces.next().await {
        // a sender that went away; nobody reads the answer
        let piece = piece.map_err(|_| Refused::Unavailable)?;
        if bytes.len() + piece.len() > limit {
            return Err(Refused::TooLarge(limit));
        }
        room.grow(tower, bytes.len() + piece.len())?;
        bytes.extend_from_slice(&piece);
    }
    Ok((bytes, room))
}

fn problem(refused: &Refused) -> Problem {
    let detail = refused.to_string();
    match refused {
        Refused::UnknownSource => Problem::new(StatusCode::NOT_FOUND, "unknown_source", detail),
        Refused::NotVerified(_) => Problem::new(StatusCode::UNAUTHORIZED, "not_verified", detail),
        Refused::TooLarge(_) => Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", detail),
        Refused::TooSlow(_) => Problem::new(StatusCode::REQUEST_TIMEOUT, "too_slow", detail),
        Refused::Unavailable => Problem::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", detail).retry_after(1),
        Refused::Internal(_) => {
            tracing::error!("ingest: {detail}");
            Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "something went wrong on our side")
        }
    }
}

fn end_of(refused: &Refused) -> &'static str {
    match refused {
        Refused::UnknownSource => "unknown_source",
        Refused::NotVerified(_) => "not_verified",
        Refused::TooLarge(_) => "too_large",
        Refused::TooSlow(_) => "too_slow",
        Refused::Unavailable => "unavailable",
        Refused::Internal(_) => "internal",
    }
}
