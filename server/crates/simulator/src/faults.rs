//! Faults that a test can order from a sandbox server.

use axum::{
    body::{Body, Bytes},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::json;
use std::{collections::VecDeque, sync::Mutex, time::Duration};

/// A server that does not answer holds a call for so long at most.
const SILENCE_MAX: Duration = Duration::from_secs(300);

/// What goes wrong with one call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Not applied; 500 with this error name (Odoo) or message (desk).
    Error(&'static str),
    /// Applied, but no answer comes.
    SilentAfterApply,
    /// Not applied; 429 with `Retry-After` in seconds.
    RateLimited(u64),
    /// Not applied; the connection breaks.
    Reset,
    /// Applied; the connection breaks before the answer.
    ResetAfterApply,
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
        Some(Fault::Reset) => broken(),
    }
}

/// A body that fails at once: the server closes the connection in the middle of the answer.
fn broken() -> Response {
    let nothing = tokio_stream::once(Err::<Bytes, _>(std::io::Error::from(std::io::ErrorKind::ConnectionReset)));
    Body::from_stream(nothing).into_response()
}
