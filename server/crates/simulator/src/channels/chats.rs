//! Incoming webhooks, each at an address of its own.

use crate::{
    faults::{Fault, Faults, spoiled},
    serve::Server,
};
use axum::{
    Json, Router,
    body::Bytes,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::post,
};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// What came to a webhook.
#[derive(Clone, Debug, PartialEq)]
pub struct Post {
    /// Which one: `slack`, `teams`, `mattermost`, `webhook`.
    pub to: String,
    /// The headers that begin with `webhook-`.
    pub headers: BTreeMap<String, String>,
    /// The body as it came.
    pub bytes: Vec<u8>,
    /// The same as JSON.
    pub body: Value,
}

#[derive(Default)]
struct Inner {
    posts: Mutex<Vec<Post>>,
    faults: Faults,
    gone: Mutex<Vec<String>>,
}

/// The simulated webhooks.
#[derive(Clone)]
pub struct SandboxHooks {
    inner: Arc<Inner>,
    server: Arc<Server>,
}

impl SandboxHooks {
    /// Starts them on this machine.
    ///
    /// # Errors
    /// When no port is free.
    pub async fn start() -> std::io::Result<Self> {
        let inner = Arc::new(Inner::default());
        let router = Router::new().route("/{to}/{secret}", post(take)).with_state(Arc::clone(&inner));
        Ok(Self { inner, server: Arc::new(Server::start(router).await?) })
    }

    /// The address of a webhook, whose secret is part of it.
    pub fn url(&self, to: &str) -> String {
        format!("{}/{to}/T0-sandbox-secret", self.server.url())
    }

    /// What came to one, oldest first.
    pub fn posts(&self, to: &str) -> Vec<Post> {
        locked(&self.inner.posts).iter().filter(|post| post.to == to).cloned().collect()
    }

    /// The next calls to this one go wrong like this.
    pub fn fail(&self, to: &str, fault: &Fault, count: usize) {
        self.inner.faults.order(Some(to), fault, count);
    }

    /// The chat's channel of this one is archived, or is there again.
    pub fn archive(&self, to: &str, gone: bool) {
        let mut list = locked(&self.inner.gone);
        list.retain(|one| one != to);
        if gone {
            list.push(to.to_owned());
        }
    }
}

async fn take(
    State(inner): State<Arc<Inner>>,
    Path((to, _)): Path<(String, String)>,
    headers: HeaderMap,
    bytes: Bytes,
) -> Response {
    let fault = inner.faults.take(&to);
    spoiled(fault, || answer(&inner, &to, &headers, &bytes)).await
}

fn answer(inner: &Inner, to: &str, headers: &HeaderMap, bytes: &Bytes) -> Response {
    if locked(&inner.gone).iter().any(|one| one == to) {
        return match to {
            "slack" => (StatusCode::GONE, "channel_is_archived").into_response(),
            "webhook" => StatusCode::GONE.into_response(),
            _ => (StatusCode::NOT_FOUND, Json(json!({"id": "web.incoming_webhook.channel.app_error"}))).into_response(),
        };
    }
    let Ok(body) = serde_json::from_slice::<Value>(bytes) else {
        return (StatusCode::BAD_REQUEST, "invalid_payload").into_response();
    };
    // what each one must have, or it refuses it
    let complete = match to {
        "slack" => body["text"].is_string() || body["blocks"].is_array(),
        "teams" => body["attachments"][0]["contentType"] == "application/vnd.microsoft.card.adaptive",
        "mattermost" => body["text"].is_string(),
        _ => body["type"].is_string() && body["timestamp"].is_string(),
    };
    if !complete {
        return (StatusCode::BAD_REQUEST, "invalid_payload").into_response();
    }
    let signed = headers.iter().filter(|(name, _)| name.as_str().starts_with("webhook-"));
    let signed = signed.map(|(name, value)| (name.to_string(), value.to_str().unwrap_or_default().to_owned()));
    let post = Post { to: to.to_owned(), headers: signed.collect(), bytes: bytes.to_vec(), body };
    locked(&inner.posts).push(post);
    match to {
        "teams" => StatusCode::ACCEPTED.into_response(),
        _ => "ok".into_response(),
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
