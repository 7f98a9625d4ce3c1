//! What a platform's API does for Milepost, beside the messages that it sends: it books shipments, and registers numbers. Here are
//! what is fixed about it, what a connection to it is set to, and how it is called.

use crate::{
    booking::{BookKey, Booking, BookingManifest, Document, LabelFormat, Mode, Paper},
    outcome::{Complaint, Outcome, Refusal, RefusalCode, unread},
    registering::{Registering, RegisteringManifest},
};
use async_trait::async_trait;
use outbound::{
    CallError, CallKind, CallLog, Client, ErrorClass, Key, Method, Request, Response, Url, base_url,
    schema::{Field, FieldKind},
};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::{num::NonZeroU32, sync::Arc, time::Duration};

/// What is fixed about a platform's API.
pub struct ApiManifest {
    /// The connector's id, and the name that its calls are kept under.
    pub id: &'static str,
    /// What a person reads.
    pub label: &'static str,
    /// Its address; none where each has an own one.
    pub url: Option<&'static str>,
    /// What the key is called.
    pub key_label: &'static str,
    /// Where the key is found.
    pub key_help: &'static str,
    /// How the key goes out.
    pub sign: Sign,
    /// Whether a key is for tests or live, as far as its text says it.
    pub mode_of_key: fn(&str) -> Option<Mode>,
    /// Calls a second, where the platform documents how many it takes.
    pub calls_per_second: Option<NonZeroU32>,
    /// How long to wait after a rate limit that does not say it.
    pub backoff: Duration,
    /// How it books, where it does.
    pub booking: Option<&'static BookingManifest>,
    /// How it registers numbers, where it does.
    pub registering: Option<&'static RegisteringManifest>,
    /// Connects it; nothing is called yet.
    pub connect: fn(ApiConfig) -> Result<Arc<dyn Platform>, CallError>,
}

/// How a key goes out.
#[derive(Clone, Copy, Debug)]
pub enum Sign {
    /// In `Authorization`, behind this scheme; of `Basic` it is the user's name.
    Scheme(&'static str),
    /// Alone in this header.
    Header(&'static str),
}

/// What a connection to a platform is set to, beside its key.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ApiSettings {
    /// Its address, where it is not the platform's usual one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Whether the key is for tests or live.
    pub mode: Mode,
    /// The only carrier accounts that are asked for rates; all where the list is empty.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub accounts: Vec<String>,
    /// A live purchase that the platform does not list after the quiet period counts as not made.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub resend_unlisted: bool,
    /// Jobs at once, in each lane and process.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub concurrency: Option<NonZeroU32>,
    /// Calls a second at most, in each process.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub calls_per_second: Option<NonZeroU32>,
}

/// How to reach a platform.
#[derive(Clone, Debug)]
pub struct ApiConfig {
    /// What it is set to.
    pub settings: ApiSettings,
    /// The key.
    pub key: Key,
}

/// One account at a platform.
#[async_trait]
pub trait Platform: Send + Sync {
    /// Whether address and key are good.
    ///
    /// # Errors
    /// When the platform does not answer, or does not accept the key.
    async fn probe(&self, log: &dyn CallLog) -> Result<(), CallError>;

    /// Booking, where it books.
    fn booking(&self) -> Option<&dyn Booking> {
        None
    }

    /// Registering, where it registers.
    fn registering(&self) -> Option<&dyn Registering> {
        None
    }
}

impl ApiManifest {
    /// What a connection's form asks for.
    pub fn fields(&self) -> Vec<Field> {
        let url = Field::new("url", "API address", FieldKind::Url { pages: &[] }, "The address of the platform's API.");
        let mut fields = vec![match self.url {
            Some(usual) => url.or(usual),
            None => url.required(),
        }];
        if let Some(booking) = self.booking {
            let modes = vec![("test", "Test labels, nothing is paid"), ("live", "Live labels, which are paid")];
            let help = "What the key is for. Test labels are taken by no carrier.";
            fields.push(Field::new("mode", "Labels", FieldKind::Choice(modes), help).or("test"));
            let help = "The only carrier accounts that are asked for rates, by the platform's ids; empty for all.";
            fields.push(Field::new("accounts", "Carrier accounts", FieldKind::List, help));
            if booking.key == BookKey::None {
                let help = "After a purchase without an answer the platform cannot prove that nothing was bought. Off: a person \
                            decides. On: what is not listed after 15 minutes is bought again, at the risk of a second label.";
                fields.push(Field::new("resend_unlisted", "Buy again what is not listed", FieldKind::Flag, help));
            }
        }
        fields.extend([Field::concurrency(), Field::calls_per_second()]);
        fields
    }
}

/// Calls to one platform.
#[derive(Debug)]
pub(crate) struct ApiClient {
    http: Client,
    /// Fetches what a link of the platform leads to, without the key.
    links: Client,
    base: String,
    key: Key,
    label: &'static str,
    scheme: &'static str,
    mode_of_key: fn(&str) -> Option<Mode>,
    headers: Vec<(&'static str, String)>,
    /// What the connection is set to.
    pub settings: ApiSettings,
    /// The platform's complaint in an answer.
    complaint: fn(&Value) -> Option<Complaint>,
}

/// One call.
pub(crate) struct Ask<'a> {
    /// What is called, for people.
    pub operation: &'a str,
    /// The method.
    pub method: Method,
    /// Behind the base; made of literals and [`segment`]s.
    pub path: String,
    /// The query.
    pub query: Vec<(&'static str, String)>,
    /// The body, where there is one.
    pub body: Option<Value>,
    /// Further headers.
    pub headers: Vec<(&'static str, String)>,
}

impl<'a> Ask<'a> {
    /// A question.
    pub fn get(operation: &'a str, path: impl Into<String>) -> Self {
        let path = path.into();
        Self { operation, method: Method::GET, path, query: Vec::new(), body: None, headers: Vec::new() }
    }

    /// A change.
    pub fn post(operation: &'a str, path: impl Into<String>, body: Value) -> Self {
        Self { method: Method::POST, body: Some(body), ..Self::get(operation, path) }
    }

    /// The same by another method.
    pub fn by(self, method: Method) -> Self {
        Self { method, ..self }
    }

    /// The same with this query.
    pub fn with(self, query: Vec<(&'static str, String)>) -> Self {
        Self { query, ..self }
    }
}

/// Characters of an id in an address.
const SEGMENT_CHARS_MAX: usize = 200;

/// An id of the platform as a segment of an address.
///
/// # Errors
/// Where it could lead elsewhere.
pub(crate) fn segment(id: &str) -> Result<&str, CallError> {
    let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    match (1..=SEGMENT_CHARS_MAX).contains(&id.len()) && id.chars().all(good) && !id.chars().all(|c| c == '.') {
        true => Ok(id),
        false => Err(CallError::new(ErrorClass::NotFound, "an id of the platform has letters, digits, - and _ only")),
    }
}

impl ApiClient {
    /// A client; nothing is called yet.
    ///
    /// # Errors
    /// `misconfigured` where address, key and mode do not go together.
    pub fn new(
        manifest: &ApiManifest,
        config: ApiConfig,
        complaint: fn(&Value) -> Option<Complaint>,
    ) -> Result<Self, CallError> {
        let misconfigured = |what: String| CallError::new(ErrorClass::Misconfigured, what);
        let ApiConfig { settings, key } = config;
        if key.is_empty() {
            return Err(misconfigured(format!("{} needs its {}", manifest.label, manifest.key_label)));
        }
        let url = settings.url.as_deref().or(manifest.url);
        let url = url.ok_or_else(|| misconfigured(format!("{} needs the address of its API", manifest.label)))?;
        let http = Client::new(manifest.id)?
            .paced(settings.calls_per_second.or(manifest.calls_per_second))
            .with_backoff(manifest.backoff);
        let (http, scheme) = match manifest.sign {
            Sign::Scheme(scheme) => (http, scheme),
            Sign::Header(header) => (http.with_key_in(header), ""),
        };
        Ok(Self {
            http,
            links: Client::new(manifest.id)?,
            base: base_url(url)?,
            key,
            label: manifest.label,
            scheme,
            mode_of_key: manifest.mode_of_key,
            headers: vec![("Accept", "application/json".into())],
            settings,
            complaint,
        })
    }

    /// The same with this header on every call.
    pub fn with_header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    /// Refuses what is for real with a test key, and a test with a live one.
    ///
    /// # Errors
    /// Says which of the two it is.
    pub fn fits(&self, mode: Mode) -> Result<(), Refusal> {
        let refused = |what: &str, is: Mode| {
            let text = format!("a {} booking, but {what} is for {} ones", mode.label(), is.label());
            Err(Refusal::new(RefusalCode::Mode, text))
        };
        let of_key = (self.mode_of_key)(self.key.get().expose_secret());
        match (self.settings.mode, of_key) {
            (set, _) if set != mode => refused("the connection", set),
            (_, Some(key)) if key != mode => refused("its key", key),
            _ => Ok(()),
        }
    }

    fn request(&self, ask: Ask<'_>, kind: CallKind) -> Result<Request, CallError> {
        let Ask { operation, method, path, query, body, headers } = ask;
        let mut url = Url::parse(&format!("{}/{path}", self.base))
            .map_err(|e| CallError::new(ErrorClass::Misconfigured, format!("no address: {e}")))?;
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        Ok(Request {
            method,
            url: url.into(),
            operation: operation.to_owned(),
            kind,
            authorization: Some((self.scheme, self.key.clone())),
            headers: self.headers.iter().cloned().chain(headers).collect(),
            body,
        })
    }

    /// Makes a change; `decode` says what the answer means, whatever its status.
    pub async fn change<T: Send>(
        &self,
        ask: Ask<'_>,
        log: &dyn CallLog,
        decode: impl FnOnce(&Response) -> Outcome<T> + Send,
    ) -> Outcome<T> {
        let outcomes = self.change_each(ask, log, 1, |answer| vec![decode(answer)]).await;
        outcomes.into_iter().next().expect("one for the one change")
    }

    /// The same for several in one call: `decode` says what became of each of the `count`.
    pub async fn change_each<T: Send>(
        &self,
        ask: Ask<'_>,
        log: &dyn CallLog,
        count: usize,
        decode: impl FnOnce(&Response) -> Vec<Outcome<T>> + Send,
    ) -> Vec<Outcome<T>> {
        let request = match self.request(ask, CallKind::Command) {
            Ok(request) => request,
            Err(error) => return (0..count).map(|_| Outcome::NotSent(error.clone())).collect(),
        };
        let mut decoded = Vec::new();
        let interpret = |answer: &Response| {
            decoded = decode(answer);
            // the call is kept as failed where nothing of it was done
            let errors: Option<Vec<&CallError>> = decoded.iter().map(Outcome::error).collect();
            errors.and_then(|errors| errors.first().copied().cloned()).map_or(Ok(()), Err)
        };
        match self.http.call(request, log, interpret).await {
            Err(error) if decoded.is_empty() => (0..count).map(|_| Outcome::unanswered(error.clone())).collect(),
            _ => decoded,
        }
    }

    /// Asks something; only a success is decoded.
    ///
    /// # Errors
    /// When the platform does not answer, complains, or `decode` says so.
    pub async fn ask<T: Send>(
        &self,
        ask: Ask<'_>,
        log: &dyn CallLog,
        decode: impl FnOnce(&Value) -> Option<T> + Send,
    ) -> Result<T, CallError> {
        self.ask_raw(ask, log, |answer| answer.value().as_ref().and_then(decode)).await
    }

    /// The same over the answer as it came.
    ///
    /// # Errors
    /// As [`ApiClient::ask`].
    pub async fn ask_raw<T: Send>(
        &self,
        ask: Ask<'_>,
        log: &dyn CallLog,
        decode: impl FnOnce(&Response) -> Option<T> + Send,
    ) -> Result<T, CallError> {
        let request = self.request(ask, CallKind::Query)?;
        let (label, complaint) = (self.label, self.complaint);
        let interpret = |answer: &Response| {
            if !(200..300).contains(&answer.status) {
                return Err(unread(label, answer, answer.value().as_ref().and_then(complaint).as_ref()));
            }
            let odd =
                || CallError::new(ErrorClass::BadAnswer, format!("the answer of {label} cannot be read")).of(answer);
            decode(answer).ok_or_else(odd)
        };
        self.http.call(request, log, interpret).await
    }

    /// The paper that a link of the platform leads to.
    ///
    /// # Errors
    /// As [`ApiClient::file`], and where the file is none.
    pub async fn document(&self, paper: Paper, link: &str, log: &dyn CallLog) -> Result<Document, CallError> {
        let operation = match paper {
            Paper::Label => "label",
            Paper::Customs => "customs paper",
        };
        let bytes = self.file(operation, link, log).await?;
        self.as_document(paper, bytes)
    }

    /// The label and the papers for customs that these links lead to.
    ///
    /// # Errors
    /// As [`ApiClient::document`].
    pub async fn documents(
        &self,
        label: &str,
        papers: impl IntoIterator<Item = String, IntoIter: Send> + Send,
        log: &dyn CallLog,
    ) -> Result<Vec<Document>, CallError> {
        let mut documents = vec![self.document(Paper::Label, label, log).await?];
        for paper in papers {
            documents.push(self.document(Paper::Customs, &paper, log).await?);
        }
        Ok(documents)
    }

    /// A file as a paper.
    ///
    /// # Errors
    /// Where it is none: an error page, an empty file.
    pub fn as_document(&self, paper: Paper, bytes: Vec<u8>) -> Result<Document, CallError> {
        let odd = || CallError::new(ErrorClass::BadAnswer, format!("{} answered with what is no label", self.label));
        let format = LabelFormat::of(&bytes).ok_or_else(odd)?;
        Ok(Document { paper, format, bytes })
    }

    /// The file that a link of the platform leads to, by https, or from the platform's own host, where the key goes along.
    ///
    /// # Errors
    /// When the link cannot be used, or the file cannot be had.
    pub async fn file(&self, operation: &str, link: &str, log: &dyn CallLog) -> Result<Vec<u8>, CallError> {
        let label = self.label;
        let bad = |what: &str| CallError::new(ErrorClass::BadAnswer, format!("the link of {label} to a file {what}"));
        let base = Url::parse(&self.base).map_err(|_| bad("has no base"))?;
        let url = base.join(link).map_err(|_| bad("cannot be read"))?;
        let own = url.origin() == base.origin();
        if !own && url.scheme() != "https" {
            return Err(bad("is not https"));
        }
        let request = Request {
            method: Method::GET,
            url: url.into(),
            operation: operation.to_owned(),
            kind: CallKind::Query,
            authorization: own.then(|| (self.scheme, self.key.clone())),
            headers: Vec::new(),
            body: None,
        };
        let client = if own { &self.http } else { &self.links };
        client
            .call(request, log, |answer| match answer.status {
                200 => Ok(answer.body.clone()),
                _ => Err(unread(label, answer, None)),
            })
            .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_never_leads_elsewhere() {
        for id in ["shp_1", "se-12", "6f0.a", "a"] {
            assert_eq!(segment(id), Ok(id));
        }
        for id in ["", ".", "..", "a/b", "a?b", "a#b", "a%2fb", "ä", "a b", &"a".repeat(201)] {
            assert!(segment(id).is_err(), "{id}");
        }
    }

    /// A platform at this address.
    fn client(url: &str, key: &str) -> ApiClient {
        let manifest = crate::by_id("easypost").and_then(crate::Carrier::api).unwrap();
        let settings = ApiSettings { url: Some(url.into()), ..ApiSettings::default() };
        ApiClient::new(manifest, ApiConfig { settings, key: key.into() }, |_| None).unwrap()
    }

    #[tokio::test]
    async fn a_link_is_followed_by_https_or_to_the_platform_itself() {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = client("http://127.0.0.1:9/v2", "EZTKsandbox");
        for elsewhere in
            ["http://127.0.0.1:10/label.pdf", "http://files.example.com/label.pdf", "ftp://127.0.0.1:9/x", "file:///x"]
        {
            let error = client.file("label", elsewhere, &outbound::Discard).await.unwrap_err();
            assert_eq!(error.class, ErrorClass::BadAnswer, "{elsewhere}: {error}");
        }
        for own in ["http://127.0.0.1:9/label.pdf", "/label.pdf"] {
            let error = client.file("label", own, &outbound::Discard).await.unwrap_err();
            assert_eq!(error.class, ErrorClass::Unreachable, "{own} is called: {error}");
        }
    }

    #[test]
    fn key_connection_and_booking_are_of_one_mode() {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let fits = |key: &str, mode| client("http://127.0.0.1:9", key).fits(mode).map_err(|refusal| refusal.code);
        assert_eq!(fits("EZTKsandbox", Mode::Test), Ok(()));
        assert_eq!(fits("key without a prefix", Mode::Test), Ok(()), "only the platform knows");
        for (key, mode) in [("EZAKsandbox", Mode::Test), ("EZTKsandbox", Mode::Live)] {
            assert_eq!(fits(key, mode), Err(RefusalCode::Mode), "{key}");
        }
    }

    #[test]
    fn what_cannot_be_connected_says_what_is_missing() {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let error = |id: &str, url: Option<&str>, key: &str| {
            let api = crate::by_id(id).and_then(crate::Carrier::api).unwrap();
            let settings = ApiSettings { url: url.map(str::to_owned), ..ApiSettings::default() };
            (api.connect)(ApiConfig { settings, key: key.into() }).err().map(|error| error.message).unwrap_or_default()
        };
        assert_eq!(error("karrio", None, "key"), "Karrio needs the address of its API");
        assert_eq!(error("easypost", None, " "), "EasyPost needs its API key");
        assert!(error("easypost", Some("ftp://x"), "key").contains("must begin with https://"));
        assert_eq!(error("karrio", Some("https://karrio.example.com/v1/"), "key"), "");
    }
}
