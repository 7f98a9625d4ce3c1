//! `/ingest/{source}`: the endpoint that carriers and platforms post to.

use super::{
    Front,
    guard::{BODY_TIME, SentPath},
    peer,
    problem::{CORRELATION, Problem},
    unpack::{self, Packing},
};
use application::{
    context::Context,
    tracking::ingest::{self, Delivery, Refused},
};
use axum::{
    Extension, Json,
    body::Body,
    extract::{Path, Request, State, rejection::PathRejection},
    http::{HeaderName, HeaderValue, Method, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use carriers::{HandshakeAnswer, HandshakeError, RawRequest};
use domain::ids::{CorrelationId, MessageId};
use futures::StreamExt;
use serde::Serialize;
use std::time::Instant;
use storage::inbox::Novelty;
use tokio::sync::SemaphorePermit;

/// Bytes of a body that are read without asking.
const FREELY_BYTES: usize = 1024 * 1024;

const ALLOWED_ORIGIN: HeaderName = HeaderName::from_static("webhook-allowed-origin");
const ALLOWED_RATE: HeaderName = HeaderName::from_static("webhook-allowed-rate");

/// Takes a message: verified over the raw bytes, durable before the answer. Any other method is a handshake, which is answered
/// where the source's platform makes it.
pub async fn ingest(
    State(front): State<Front>,
    source: Result<Path<String>, PathRejection>,
    Extension(correlation): Extension<CorrelationId>,
    request: Request,
) -> Response {
    let started = Instant::now();
    // a name that is no text is of no source
    let source = source.map(|Path(source)| source).unwrap_or_default();
    let answer = match *request.method() {
        Method::POST => take(&front, &source, correlation, request).await,
        _ => handshake(&front.context, &source, request.into_parts().0).await.map(|answer| (answer, "handshake")),
    };
    let (mut response, end) = match answer {
        Ok((receipt, end)) => (receipt, end),
        Err(refused) => (problem(&refused, correlation), end_of(&refused)),
    };
    // the name of an unknown source is the sender's invention and no label
    let label = if end == "unknown_source" { "-".to_owned() } else { source };
    metrics::counter!("milepost_ingest_total", "source" => label, "end" => end).increment(1);
    metrics::histogram!("milepost_ingest_seconds").record(started.elapsed().as_secs_f64());
    let header = HeaderValue::from_str(&correlation.to_string()).expect("an id is ASCII");
    response.headers_mut().entry(CORRELATION).or_insert(header);
    response
}

/// There is nothing else under this address.
pub async fn nowhere(Extension(correlation): Extension<CorrelationId>) -> Response {
    problem(&Refused::UnknownSource, correlation)
}

async fn take(
    Front { context, config }: &Front,
    source: &str,
    correlation: CorrelationId,
    request: Request,
) -> Result<(Response, &'static str), Refused> {
    let manifest = ingest::manifest(context, source).await?;
    let (parts, body) = request.into_parts();
    let packing = Packing::of(&parts.headers).map_err(|_| Refused::Packed)?;
    let arriving = tokio::time::timeout(BODY_TIME, read(context, body, manifest.max_body_bytes));
    let (sent, mut room) = arriving.await.map_err(|_| Refused::TooSlow(BODY_TIME.as_secs()))??;
    let unpacked = match packing {
        Some(packing) => Some(unpack(context, packing, &sent, &mut room, manifest.max_body_bytes).await?),
        None => None,
    };
    let bytes = unpacked.as_ref().unwrap_or(&sent);
    let raw = RawRequest {
        method: parts.method.as_str(),
        path: parts.extensions.get::<SentPath>().map_or(parts.uri.path(), |sent| &sent.0),
        query: parts.uri.query().unwrap_or_default(),
        peer: peer::of(&parts.extensions, &parts.headers, &config.proxies),
        headers: &parts.headers,
        body: bytes,
    };
    let delivery = Delivery { source, request: raw, correlation };
    let receipt = match &unpacked {
        Some(_) => ingest::accept_packed(context, delivery, &sent).await?,
        None => ingest::accept(context, delivery).await?,
    };
    let (status, end) = match receipt.novelty {
        Novelty::New => ("accepted", "accepted"),
        Novelty::Repeated => ("duplicate", "duplicate"),
    };
    tracing::info!(source, correlation = %receipt.correlation, id = %receipt.message, bytes = bytes.len(), "message {status}");
    let body = Json(Taken { message: receipt.message, correlation: receipt.correlation, status });
    let kept = HeaderValue::from_str(&receipt.correlation.to_string()).expect("an id is ASCII");
    let accepted = StatusCode::from_u16(manifest.endpoint.accepted).unwrap_or(StatusCode::ACCEPTED);
    Ok(((accepted, [(CORRELATION, kept)], body).into_response(), end))
}

/// Answers the handshake of the source's platform.
async fn handshake(context: &Context, source: &str, request: Parts) -> Result<Response, Refused> {
    let endpoint = ingest::manifest(context, source).await?.endpoint;
    let query = request.uri.query().unwrap_or_default();
    let text = [(header::CONTENT_TYPE, "text/plain; charset=utf-8"), (header::CACHE_CONTROL, "no-store")];
    Ok(match endpoint.answer_handshake(&request.method, query, &request.headers)? {
        HandshakeAnswer::Reachable => (text, String::new()).into_response(),
        HandshakeAnswer::Echo(value) => (text, value).into_response(),
        HandshakeAnswer::Allowed(origin) => {
            let headers = [(ALLOWED_ORIGIN, origin), (ALLOWED_RATE, "*".to_owned()), (header::ALLOW, endpoint.allow())];
            (headers, text, String::new()).into_response()
        }
    })
}

/// The body as it was before it was packed; it may be no larger than a plain one, and takes up room like one.
async fn unpack<'a>(
    context: &'a Context,
    packing: Packing,
    packed: &[u8],
    room: &mut Admission<'a>,
    limit: usize,
) -> Result<Vec<u8>, Refused> {
    let (mut pieces, mut bytes) = (packing.pieces(packed), Vec::new());
    loop {
        let piece = pieces.next().map_err(|_| Refused::NotAsPacked)?;
        if piece.is_empty() {
            return Ok(bytes);
        }
        if bytes.len() + piece.len() > limit {
            return Err(Refused::TooLarge(limit));
        }
        room.grow(context, packed.len() + bytes.len() + piece.len())?;
        bytes.extend_from_slice(piece);
        // a long one lets others through between its pieces
        tokio::task::yield_now().await;
    }
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
struct Admission<'a> {
    /// A share of [`ROOM_KIB`](application::context::ROOM_KIB).
    room: Option<SemaphorePermit<'a>>,
    file: Option<SemaphorePermit<'a>>,
}

impl<'a> Admission<'a> {
    /// Takes up what a body of so many bytes needs.
    fn grow(&mut self, context: &'a Context, bytes: usize) -> Result<(), Refused> {
        if bytes > FREELY_BYTES && self.file.is_none() {
            self.file = Some(context.files.try_acquire().map_err(|_| Refused::Unavailable)?);
        }
        let needed = bytes.min(FREELY_BYTES).div_ceil(1024);
        let more = needed.saturating_sub(self.room.as_ref().map_or(0, SemaphorePermit::num_permits));
        if more == 0 {
            return Ok(());
        }
        let more = u32::try_from(more).unwrap_or(u32::MAX);
        let taken = context.room.try_acquire_many(more).map_err(|_| Refused::Unavailable)?;
        match &mut self.room {
            Some(room) => room.merge(taken),
            None => self.room = Some(taken),
        }
        Ok(())
    }
}

/// A body, read piece by piece. There is only so much room for bodies that are not answered yet, and one of more than
/// [`FREELY_BYTES`] is a file, of which only so many are taken at once: memory has a limit, whatever is sent.
async fn read(context: &Context, body: Body, limit: usize) -> Result<(Vec<u8>, Admission<'_>), Refused> {
    let (mut bytes, mut room) = (Vec::new(), Admission::default());
    let mut pieces = body.into_data_stream();
    while let Some(piece) = pieces.next().await {
        let piece = piece.map_err(|_| Refused::CutShort)?;
        if bytes.len() + piece.len() > limit {
            return Err(Refused::TooLarge(limit));
        }
        room.grow(context, bytes.len() + piece.len())?;
        bytes.extend_from_slice(&piece);
    }
    Ok((bytes, room))
}

fn problem(refused: &Refused, correlation: CorrelationId) -> Response {
    let detail = refused.to_string();
    let status = match refused {
        Refused::UnknownSource => StatusCode::NOT_FOUND,
        Refused::NotVerified(_) => StatusCode::UNAUTHORIZED,
        Refused::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
        Refused::TooSlow(_) => StatusCode::REQUEST_TIMEOUT,
        Refused::Packed => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        Refused::CutShort | Refused::NotAsPacked | Refused::Handshake(HandshakeError::NotPlain) => {
            StatusCode::BAD_REQUEST
        }
        Refused::Handshake(HandshakeError::NotSupported(_)) => StatusCode::METHOD_NOT_ALLOWED,
        Refused::Unavailable | Refused::ProofUsed => StatusCode::SERVICE_UNAVAILABLE,
        Refused::Internal(_) => {
            tracing::error!("ingest: {detail}");
            return Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "something went wrong on our side")
                .correlated(correlation)
                .into_response();
        }
    };
    let mut problem = Problem::new(status, end_of(refused), detail).correlated(correlation);
    if status == StatusCode::SERVICE_UNAVAILABLE {
        problem = problem.retry_after(1);
    }
    let mut response = problem.into_response();
    let more = match refused {
        Refused::Packed => Some((header::ACCEPT_ENCODING, unpack::READ.to_owned())),
        Refused::Handshake(HandshakeError::NotSupported(endpoint)) => Some((header::ALLOW, endpoint.allow())),
        _ => None,
    };
    if let Some((name, value)) = more {
        response.headers_mut().insert(name, HeaderValue::from_str(&value).expect("names of methods and packings"));
    }
    response
}

fn end_of(refused: &Refused) -> &'static str {
    match refused {
        Refused::UnknownSource => "unknown_source",
        Refused::NotVerified(_) => "not_verified",
        Refused::ProofUsed => "proof_used",
        Refused::TooLarge(_) => "too_large",
        Refused::TooSlow(_) => "too_slow",
        Refused::CutShort => "cut_short",
        Refused::Packed => "packed",
        Refused::NotAsPacked => "not_as_packed",
        Refused::Handshake(HandshakeError::NotPlain) => "not_plain",
        Refused::Handshake(HandshakeError::NotSupported(_)) => "method_not_allowed",
        Refused::Unavailable => "unavailable",
        Refused::Internal(_) => "internal",
    }
}
