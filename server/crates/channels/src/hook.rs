//! What the webhooks of chats share: an address that is the secret, one POST, and what its answers mean.

use crate::ChannelConfig;
use outbound::{
    CallError, CallKind, CallLog, Client, ErrorClass, Method, Request, Response, Url, class_of_status, is_in_clear,
    secrets,
};
use secrecy::ExposeSecret;
use serde_json::Value;
use std::num::NonZeroU32;

/// An incoming webhook of a chat.
#[derive(Debug)]
pub(crate) struct Hook {
    http: Client,
    url: String,
    site: String,
}

impl Hook {
    /// The webhook whose address is the newest secret; it takes so many messages a second at most.
    pub(crate) fn new(config: &ChannelConfig, usual_rate: u32) -> Result<Self, CallError> {
        let secret = config.secrets.first().map(|secret| secret.expose_secret().trim().to_owned()).unwrap_or_default();
        let wrong = |why: &str| CallError::new(ErrorClass::Misconfigured, format!("the webhook's address {why}"));
        let url = Url::parse(&secret).map_err(|_| wrong("is no address"))?;
        // the path is the secret
        if !matches!(url.scheme(), "http" | "https") || is_in_clear(&secret) || url.path().trim_matches('/').is_empty()
        {
            return Err(wrong("must begin with https:// and be the whole one, as the system shows it"));
        }
        // the path alone is kept of a call, so it has to be known as well
        secrets::know(&secret);
        secrets::know(url.path());
        url.query().into_iter().for_each(secrets::know);
        let rate = config.settings.calls_per_second.or(NonZeroU32::new(usual_rate));
        Ok(Self { http: Client::new("channel")?.paced(rate), site: site(&url), url: secret })
    }

    /// Scheme, host and port.
    pub(crate) fn site(&self) -> String {
        self.site.clone()
    }

    /// Posts a body.
    pub(crate) async fn post(
        &self,
        body: Value,
        log: &dyn CallLog,
        refused: fn(&Response) -> Option<CallError>,
    ) -> Result<(), CallError> {
        let request = Request {
            method: Method::POST,
            url: self.url.clone(),
            operation: "message".into(),
            kind: CallKind::Command,
            authorization: None,
            headers: Vec::new(),
            body: Some(body),
        };
        self.http.call(request, log, |answer| accepted(answer, refused)).await
    }
}

/// Scheme, host and port of an address: the rest may be secret.
pub(crate) fn site(url: &Url) -> String {
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    format!("{}://{}{port}", url.scheme(), url.host_str().unwrap_or_default())
}

/// What an answer means; `refused` knows the system's own words.
pub(crate) fn accepted(answer: &Response, refused: fn(&Response) -> Option<CallError>) -> Result<(), CallError> {
    let Some(class) = class_of_status(answer.status, CallKind::Command) else { return Ok(()) };
    if let Some(error) = refused(answer) {
        return Err(error.of(answer));
    }
    let error = match class {
        // the address is the whole set-up: where it is gone, no message gets through
        ErrorClass::NotFound | ErrorClass::Forbidden | ErrorClass::Unauthorized | ErrorClass::Misconfigured => {
            CallError::new(
                ErrorClass::Misconfigured,
                format!("the webhook answered {}: it is not there any more, or not enabled", answer.status),
            )
            .advising("make a new webhook there and rotate the secret of this connection")
        }
        class => CallError::new(class, format!("the webhook answered {}", answer.status)),
    };
    Err(error.of(answer))
}

/// A text of the answer, where it is a short word.
pub(crate) fn word(answer: &Response) -> &str {
    let text = std::str::from_utf8(&answer.body).unwrap_or_default().trim();
    let is_word = !text.is_empty() && text.len() <= 64 && text.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    if is_word { text } else { "" }
}
