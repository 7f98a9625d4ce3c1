//! Ingest: verify over the raw bytes, keep them, enqueue, answer. Nothing else happens in the request.

use crate::{
    connections::{
        inbound::{self, SECRETS},
        weaknesses,
    },
    context::Context,
    tracking::source_cache::ReadySource,
};
use carriers::{Configured, HandshakeError, Manifest, RawRequest, Rejected, Scheme, Secrets, Settings, Verified};
use domain::ids::{CorrelationId, MessageId, SubjectId};
use http::HeaderMap;
use jiff::Timestamp;
use std::sync::Arc;
use storage::{
    Scope, StoreError, WrappedKey,
    connections::ConnectionRecord,
    inbox::{Accepted, NewMessage, Novelty},
    jobs::{Cause, JobKind, Lane},
};
use uuid::Uuid;

/// A message of more bytes is an interchange: it is read in the batch lane.
const INTERCHANGE_BYTES: usize = 256 * 1024;
/// Headers that are kept with a message. None of them carries a secret.
const KEPT_HEADERS: &[&str] = &[
    "content-type",
    "user-agent",
    "as-webhook-version",
    "x-timestamp",
    "x-github-delivery",
    "webhook-id",
    "webhook-timestamp",
];

/// A request to the inbox.
pub struct Delivery<'a> {
    /// The source's name in the path.
    pub source: &'a str,
    /// The request as received.
    pub request: RawRequest<'a>,
    /// The correlation id of everything that follows.
    pub correlation: CorrelationId,
}

/// The answer to the sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The message that is kept.
    pub message: MessageId,
    /// Its correlation id.
    pub correlation: CorrelationId,
    /// Whether it was new.
    pub novelty: Novelty,
}

/// Why a message is not taken. Nothing of it is kept.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// Nobody configured a source of this name, or it is switched off.
    #[error("there is no source of this name")]
    UnknownSource,
    /// It is not the source's.
    #[error("not verified: {0}")]
    NotVerified(#[from] Rejected),
    /// Its proof covers a time and not the body, and came with another message: the sender is not certain. An honest
    /// sender comes again with a later time.
    #[error("another message came with the same time stamp and signature: send it again with a new time stamp")]
    ProofUsed,
    /// Too large.
    #[error("the body has more than {0} bytes")]
    TooLarge(usize),
    /// Its body did not come.
    #[error("the body was not there after {0} seconds")]
    TooSlow(u64),
    /// Its body ended before its end, or is not chunked as it says.
    #[error("the body is cut short, or its chunks are not as they should be")]
    CutShort,
    /// Its body is packed in a way that is not read.
    #[error("the body's Content-Encoding is not read: send it plain, or packed once as gzip, deflate or br")]
    Packed,
    /// Its body cannot be unpacked.
    #[error("the body is not what its Content-Encoding says, or is cut short")]
    NotAsPacked,
    /// No message, and a handshake that the source does not support.
    #[error(transparent)]
    Handshake(#[from] HandshakeError),
    /// The inbox is full or not there: the sender keeps the message and tries again.
    #[error("the inbox cannot take it now")]
    Unavailable,
    /// Our fault.
    #[error("internal error: {0}")]
    Internal(String),
}

impl Refused {
    /// What kind of refusal it is, in a word.
    pub const fn class(&self) -> &'static str {
        match self {
            Self::UnknownSource => "unknown_source",
            Self::NotVerified(_) => "not_verified",
            Self::ProofUsed => "proof_used",
            Self::TooLarge(_) => "too_large",
            Self::TooSlow(_) => "too_slow",
            Self::CutShort => "cut_short",
            Self::Packed | Self::NotAsPacked => "packed",
            Self::Handshake(_) => "no_message",
            Self::Unavailable => "unavailable",
            Self::Internal(_) => "internal",
        }
    }
}

impl From<StoreError> for Refused {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Busy | StoreError::Unavailable(_) => Self::Unavailable,
            other => Self::Internal(other.to_string()),
        }
    }
}

/// What is fixed about a source's connector.
///
/// # Errors
/// When there is no such source, or the store cannot be reached.
pub async fn manifest(context: &Context, source: &str) -> Result<&'static Manifest, Refused> {
    Ok(ready(context, source).await?.connector.carrier().manifest())
}

/// Verifies and keeps a message with its job, durably, before it is acknowledged.
///
/// # Errors
/// Says why not; then nothing is kept.
pub async fn accept(context: &Context, delivery: Delivery<'_>) -> Result<Receipt, Refused> {
    take(context, delivery, None).await
}

/// The same for a body that came packed: some platforms sign the bytes that they send, some those that they pack. What
/// is kept is the body as it is read.
///
/// # Errors
/// As [`accept`].
pub async fn accept_packed(context: &Context, delivery: Delivery<'_>, sent: &[u8]) -> Result<Receipt, Refused> {
    take(context, delivery, Some(sent)).await
}

/// That the request is the source's.
fn verify(
    source: &ReadySource,
    request: RawRequest<'_>,
    sent: Option<&[u8]>,
    now: Timestamp,
) -> Result<Verified, Rejected> {
    verify_with(source, &source.secrets, request, sent, now)
}

fn verify_with(
    source: &ReadySource,
    secrets: &Secrets,
    request: RawRequest<'_>,
    sent: Option<&[u8]>,
    now: Timestamp,
) -> Result<Verified, Rejected> {
    let carrier = source.connector.carrier();
    if let Some(sent) = sent
        && let Ok(verified) = carrier.verify(secrets, &RawRequest { body: sent, ..request }, now)
    {
        return Ok(Verified { key: carrier.delivery_key(request.body), ..verified });
    }
    carrier.verify(secrets, &request, now)
}

/// Whether a message that was taken proves that the newest secret is the platform's; it is asked until one does.
fn is_of_newest_secret(source: &ReadySource, request: RawRequest<'_>, sent: Option<&[u8]>, now: Timestamp) -> bool {
    if source.record.secret_accepted_at.is_some() {
        return false;
    }
    let newest = Secrets { active: source.secrets.active.iter().take(1).cloned().collect(), ..source.secrets.clone() };
    verify_with(source, &newest, request, sent, now).is_ok()
}

async fn take(context: &Context, delivery: Delivery<'_>, sent: Option<&[u8]>) -> Result<Receipt, Refused> {
    let source = ready(context, delivery.source).await?;
    let request = delivery.request;
    let taken = keep(context, delivery, sent, &source).await;
    context.connections.count(&source.record.name, taken.as_ref().err().map(Refused::class), context.now());
    if taken.is_ok() && is_of_newest_secret(&source, request, sent, context.now()) {
        context.connections.accepted(&source.record, context.now());
    }
    taken
}

async fn keep(
    context: &Context,
    delivery: Delivery<'_>,
    sent: Option<&[u8]>,
    source: &ReadySource,
) -> Result<Receipt, Refused> {
    let limit = source.connector.carrier().manifest().max_body_bytes;
    let body = delivery.request.body;
    if body.len() > limit {
        return Err(Refused::TooLarge(limit));
    }
    let now = context.now();
    let verified = match verify(source, delivery.request, sent, now) {
        Err(Rejected::UnknownKey)
            if source.keys_published && context.sources.may_ask_for_keys(delivery.source, now) =>
        {
            context.store.jobs.enqueue(source.scope, vec![inbound::keys_job(context, delivery.source)]).await?;
            context.notifier.work(Lane::Batch);
            return Err(Rejected::UnknownKey.into());
        }
        verdict => verdict?,
    };
    let digest = match &verified.once {
        // the first message with this proof has its place; any other one is found there
        Some(once) => context.vault.delivery(source.record.id, Some(once), USED_UP),
        None => context.vault.delivery(source.record.id, verified.key.0.as_deref(), body),
    };
    let accepted = store(
        context,
        source,
        Body {
            digest,
            headers: kept_headers(delivery.request.headers),
            content_type: header(delivery.request.headers, "content-type"),
            verified_by: source.record.scheme.clone(),
            bytes: body,
        },
        delivery.correlation,
    )
    .await?;
    match accepted.novelty {
        Novelty::Repeated
            if verified.once.is_some() && !is_kept(context, source.scope, accepted.message, body).await? =>
        {
            return Err(Refused::ProofUsed);
        }
        Novelty::New | Novelty::Repeated => {}
    }
    Ok(Receipt { message: accepted.message, correlation: accepted.correlation, novelty: accepted.novelty })
}

/// How what Milepost fetched itself is verified: by the platform's certificate, under its own key.
const FETCHED: &str = "fetched_from_the_platform";

/// Keeps what Milepost fetched at the platform of a source by itself: it needs no proof. The same answer twice is one message.
///
/// # Errors
/// As [`accept`].
pub async fn take_fetched(
    context: &Context,
    source: &str,
    bytes: &[u8],
    correlation: CorrelationId,
) -> Result<Receipt, Refused> {
    let source = ready(context, source).await?;
    let limit = source.connector.carrier().manifest().max_body_bytes;
    if bytes.len() > limit {
        return Err(Refused::TooLarge(limit));
    }
    let digest = context.vault.delivery(source.record.id, None, bytes);
    let (headers, content_type) = ("{}".to_owned(), Some("application/json".to_owned()));
    let body = Body { digest, headers, content_type, verified_by: FETCHED.to_owned(), bytes };
    let accepted = store(context, &source, body, correlation).await?;
    Ok(Receipt { message: accepted.message, correlation: accepted.correlation, novelty: accepted.novelty })
}

/// A body that is certainly the source's.
struct Body<'a> {
    digest: Uuid,
    headers: String,
    content_type: Option<String>,
    verified_by: String,
    bytes: &'a [u8],
}

/// Keeps a message with its job, sealed under a key of its own.
async fn store(
    context: &Context,
    source: &ReadySource,
    body: Body<'_>,
    correlation: CorrelationId,
) -> Result<Accepted, Refused> {
    let Body { digest, headers, content_type, verified_by, bytes } = body;
    let id = MessageId(context.clock.id());
    let (data_key, wrapped) = context.vault.new_key(SubjectId(id.0));
    let message = NewMessage {
        id,
        source: source.record.id,
        correlation,
        received_at: context.now(),
        digest,
        headers,
        content_type,
        verified_by,
        size: bytes.len() as u64,
        body: data_key.seal(BODY, bytes),
        key: wrapped,
    };
    let mut job = context.job(JobKind::NORMALISE, id, Cause::Live, correlation, None);
    if bytes.len() > INTERCHANGE_BYTES {
        job.lane = Lane::Batch;
    }
    let lane = job.lane;
    let accepted = context.store.inbox.accept(source.scope, message, job).await?;
    if accepted.novelty == Novelty::New {
        context.notifier.work(lane);
    }
    Ok(accepted)
}

/// Stands for the body in the digest of a message whose proof does not cover it.
const USED_UP: &[u8] = b"one message";

/// Whether this is the body of that message.
async fn is_kept(context: &Context, scope: Scope, message: MessageId, body: &[u8]) -> Result<bool, Refused> {
    let kept = context.store.inbox.message_and_body(scope, message).await?;
    let Some((_, Some(kept))) = kept else { return Ok(false) };
    let opened = context.vault.unwrap(&kept.key).and_then(|key| key.open(BODY, &kept.body));
    Ok(opened.map_err(|error| Refused::Internal(error.to_string()))?.as_slice() == body)
}

/// The place of a message's body in the vault.
pub const BODY: &str = "message.body";

async fn ready(context: &Context, name: &str) -> Result<Arc<ReadySource>, Refused> {
    let now = context.now();
    if let Some(kept) = context.sources.get(name, now) {
        return kept.ok_or(Refused::UnknownSource);
    }
    let source = match context.store.connections.by_name(name).await? {
        Some((scope, record, key)) if record.enabled && inbound::is_source(&record) => {
            Some(Arc::new(prepare(context, scope, record, key)?))
        }
        _ => None,
    };
    context.sources.put(name, now, source.clone());
    source.ok_or(Refused::UnknownSource)
}

fn prepare(
    context: &Context,
    scope: Scope,
    record: ConnectionRecord,
    key: Option<WrappedKey>,
) -> Result<ReadySource, Refused> {
    // a newer version has it, or a person is to set a new secret: the platform comes again
    let (Some(_), Some(key)) = (carriers::by_id(&record.connector), key) else {
        tracing::error!(source = record.name, "messages are not taken: its connector or its secret is missing here");
        return Err(Refused::Unavailable);
    };
    let internal = |what: String| Refused::Internal(format!("source {}: {what}", record.name));
    let settings: Settings = serde_json::from_str(&record.settings).map_err(|e| internal(e.to_string()))?;
    let connector = Configured::new(&record.connector, &settings)
        .ok_or_else(|| internal(format!("no connector {}", record.connector)))?;
    let scheme = Scheme::from_name(&record.scheme).ok_or_else(|| internal(format!("no scheme {}", record.scheme)))?;
    let opened = context
        .vault
        .unwrap(&key)
        .and_then(|key| key.open(SECRETS, &record.secrets))
        .map_err(|e| internal(e.to_string()))?;
    let secrets: Vec<String> =
        serde_json::from_slice(&opened).map_err(|_| internal("its secrets are no list".into()))?;
    // published keys are no secret
    if settings.keys_url.is_none() {
        for secret in &secrets {
            outbound::secrets::know(secret);
            // the password of USER:PASSWORD, without the user
            if let Ok(Some(part)) = weaknesses::kept_secret(scheme, secret) {
                outbound::secrets::know(part);
            }
        }
    }
    let secrets = Secrets {
        scheme,
        active: secrets.into_iter().map(Into::into).collect(),
        header: settings.header,
        networks: settings.networks,
    };
    Ok(ReadySource { scope, connector, secrets, keys_published: settings.keys_url.is_some(), record })
}

fn header(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}

fn kept_headers(headers: &HeaderMap) -> String {
    let kept: serde_json::Map<_, _> =
        KEPT_HEADERS.iter().filter_map(|name| Some(((*name).to_owned(), header(headers, name)?.into()))).collect();
    serde_json::Value::Object(kept).to_string()
}
