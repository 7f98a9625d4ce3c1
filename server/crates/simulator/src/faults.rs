//! Faults that a test can order from a sandbox server.

use axum::{
    body::{Body, Bytes},
    http::{StatusCode, header},
    response::{Html, IntoResponse, Response},
};
use serde_json::json;
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::sync::Notify;

/// A server that does not answer holds a call for so long at most.
const SILENCE_MAX: Duration = Duration::from_secs(300);

/// What goes wrong with one call.
#[derive(Clone, Debug)]
pub enum Fault {
    /// Not applied; 500 with this error name (Odoo) or message (desk).
    Error(&'static str),
    /// Applied, but no answer comes.
    SilentAfterApply,
    /// Not applied; a page with this status, of a proxy or another site.
    Page(u16),
    /// Not applied; 400 with a message, as a desk answers it.
    Refused,
    /// Not applied; 429 with `Retry-After` in seconds.
    RateLimited(u64),
    /// Applied and answered when the test lets it go on.
    Held(Hold),
    /// Not applied; the connection breaks.
    Reset,
    /// Applied; the connection breaks before the answer.
    ResetAfterApply,
    /// Applied; the answer is a failure: 500.
    ErrorAfterApply,
}

/// Holds one call, so that something else can happen meanwhile.
#[derive(Clone, Debug, Default)]
pub struct Hold {
    arrived: Arc<Notify>,
    released: Arc<Notify>,
}

impl Hold {
    /// Waits until the call has come.
    pub async fn arrived(&self) {
        self.arrived.notified().await;
    }

    /// Lets the call go on.
    pub fn release(&self) {
        self.released.notify_one();
    }
}

/// The faults still to come, first ordered first.
#[derive(Debug, Default)]
pub struct Faults(Mutex<VecDeque<(Option<String>, Fault)>>);

impl Faults {
    /// The next `count` calls whose operation contains `operation` (any, where none is given) go wrong like this.
    pub fn order(&self, operation: Option<&str>, fault: &Fault, count: usize) {
        let mut faults = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        faults.extend((0..count).map(|_| (operation.map(str::to_owned), fault.clone())));
    }

    /// Nothing goes wrong any more.
    pub fn clear(&self) {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clear();
    }

    /// The fault of this call.
    pub(crate) fn take(&self, operation: &str) -> Option<Fault> {
        let mut faults = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let fits = |(wanted, _): &(Option<String>, Fault)| wanted.as_deref().is_none_or(|w| operation.contains(w));
        let at = faults.iter().position(fits)?;
        faults.remove(at).map(|(_, fault)| fault)
    }
}

/// Answers a call, or spoils it.
pub(crate) async fn spoiled(fault: Option<Fault>, apply: impl FnOnce() -> Response + Send) -> Response {
    match fault {
        None => apply(),
        Some(Fault::Error(name)) => {
            let body = json!({"name": name, "message": name, "arguments": [name], "context": {}, "debug": "Traceback (sandbox)"});
            (StatusCode::INTERNAL_SERVER_ERROR, axum::Json(body)).into_response()
        }
        Some(Fault::Page(status)) => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::NOT_FOUND);
            (status, Html("<!DOCTYPE html>\n<title>Maintenance</title>\n")).into_response()
        }
        Some(Fault::Refused) => {
            (StatusCode::BAD_REQUEST, axum::Json(json!({"message": "Message failed"}))).into_response()
        }
        Some(Fault::RateLimited(seconds)) => {
            (StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, seconds.to_string())]).into_response()
        }
        Some(Fault::SilentAfterApply) => {
            let answer = apply();
            tokio::time::sleep(SILENCE_MAX).await;
            answer
        }
        Some(Fault::ResetAfterApply) => {
            drop(apply());
            broken()
        }
        Some(Fault::ErrorAfterApply) => {
            drop(apply());
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
        Some(Fault::Held(hold)) => {
            hold.arrived.notify_one();
            hold.released.notified().await;
            apply()
        }
        Some(Fault::Reset) => broken(),
    }
}

/// A body that fails at once: the server closes the connection in the middle of the answer.
fn broken() -> Response {
    let nothing = tokio_stream::once(Err::<Bytes, _>(std::io::Error::from(std::io::ErrorKind::ConnectionReset)));
    Body::from_stream(nothing).into_response()
}
