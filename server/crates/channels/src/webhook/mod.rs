//! Any system that takes JSON over HTTPS, signed as Standard Webhooks have it
//! (<https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>): `webhook-id` says which message it
//! is, so that one that comes twice is recognised; `webhook-timestamp` is when it was sent; `webhook-signature` has one signature for
//! each valid secret, so that a secret is replaced without a gap.

use crate::{
    Channel, ChannelConfig, Manifest, Message,
    hook::{accepted, site},
    settings,
};
use async_trait::async_trait;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use jiff::Timestamp;
use outbound::{
    CallError, CallKind, CallLog, Client, ErrorClass, Method, Request, Response, Url, base_url,
    schema::{Field, FieldKind},
    secrets,
    template::{Family, Template},
};
use ring::hmac;
use secrecy::ExposeSecret;
use std::sync::Arc;

pub(super) static MANIFEST: Manifest = Manifest { id: "webhook", label: "Signed webhook" };

/// What a secret begins with.
const PREFIX: &str = "whsec_";
/// A secret has at least so many bytes.
const SECRET_BYTES_MIN: usize = 24;

struct Webhook {
    http: Client,
    url: String,
    site: String,
    keys: Vec<hmac::Key>,
}

pub(super) fn template() -> Template {
    let url = Field::new("url", "URL", FieldKind::Url { pages: &[] }, "Where messages are posted to.").required();
    Template {
        id: MANIFEST.id,
        label: MANIFEST.label,
        family: Family::Channel,
        version: 1,
        fields: std::iter::once(url).chain(settings::of_every_channel()).collect(),
        secret_label: "Signing secret",
        secret_help: "whsec_ and at least 24 bytes in base64, the same as the receiver checks with: echo whsec_$(openssl rand -base64 32)",
        reads: "Nothing",
        writes: "Messages as JSON",
        signs_in: "Signature (Standard Webhooks)",
    }
}

pub(super) fn connect(config: ChannelConfig) -> Result<Arc<dyn Channel>, CallError> {
    let url = base_url(&config.settings.url)?;
    let parsed =
        Url::parse(&url).map_err(|_| CallError::new(ErrorClass::Misconfigured, "the address is no address"))?;
    let keys = config.secrets.iter().map(|secret| key(secret.expose_secret())).collect::<Result<Vec<_>, _>>()?;
    if keys.is_empty() {
        return Err(CallError::new(ErrorClass::Misconfigured, "the webhook needs a signing secret"));
    }
    let http = Client::new("channel")?.paced(config.settings.calls_per_second);
    Ok(Arc::new(Webhook { http, site: site(&parsed), url, keys }))
}

fn key(secret: &str) -> Result<hmac::Key, CallError> {
    let secret = secret.trim();
    secrets::know(secret);
    let wrong = || {
        let text = format!("the signing secret must be {PREFIX} and at least {SECRET_BYTES_MIN} bytes in base64");
        CallError::new(ErrorClass::Misconfigured, text)
    };
    let bytes = STANDARD.decode(secret.strip_prefix(PREFIX).unwrap_or(secret)).map_err(|_| wrong())?;
    if bytes.len() < SECRET_BYTES_MIN {
        return Err(wrong());
    }
    Ok(hmac::Key::new(hmac::HMAC_SHA256, &bytes))
}

impl Webhook {
    fn signatures(&self, id: &str, seconds: i64, body: &[u8]) -> String {
        let signed = [format!("{id}.{seconds}.").as_bytes(), body].concat();
        let of = |key: &hmac::Key| format!("v1,{}", STANDARD.encode(hmac::sign(key, &signed)));
        self.keys.iter().map(of).collect::<Vec<_>>().join(" ")
    }
}

/// The standard has one answer of its own: the receiver wants no more.
fn refused(answer: &Response) -> Option<CallError> {
    (answer.status == 410).then(|| {
        CallError::new(ErrorClass::Misconfigured, "the receiver answered 410: it wants no more messages")
            .advising("disable this connection, or enable the receiver again")
    })
}

#[async_trait]
impl Channel for Webhook {
    fn manifest(&self) -> &'static Manifest {
        &MANIFEST
    }

    fn address(&self) -> String {
        self.site.clone()
    }

    fn knows_repeats(&self) -> bool {
        true
    }

    async fn send(&self, message: &Message, now: Timestamp, log: &dyn CallLog) -> Result<(), CallError> {
        let body = message.data();
        // the client writes the same value in the same way
        let bytes = serde_json::to_vec(&body)
            .map_err(|_| CallError::new(ErrorClass::Rejected, "the message cannot be written as JSON"))?;
        let seconds = now.as_second();
        let request = Request {
            method: Method::POST,
            url: self.url.clone(),
            operation: "message".into(),
            kind: CallKind::Command,
            authorization: None,
            headers: vec![
                ("webhook-id", message.id.clone()),
                ("webhook-timestamp", seconds.to_string()),
                ("webhook-signature", self.signatures(&message.id, seconds, &bytes)),
            ],
            body: Some(body),
        };
        self.http.call(request, log, |answer| accepted(answer, refused)).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification's libraries:
    /// <https://github.com/standard-webhooks/standard-webhooks/blob/main/libraries/python/tests/test_webhooks.py>.
    #[test]
    fn the_signature_is_the_standards() {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let key = key("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let webhook =
            Webhook { http: Client::new("channel").unwrap(), url: String::new(), site: String::new(), keys: vec![key] };
        assert_eq!(
            webhook.signatures("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, br#"{"test": 2432232314}"#),
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
        );
    }

    #[test]
    fn a_secret_that_can_be_guessed_is_refused() {
        for secret in ["", "whsec_", "whsec_c2hvcnQ=", "not base64 !"] {
            assert!(key(secret).is_err(), "{secret}");
        }
    }
}
