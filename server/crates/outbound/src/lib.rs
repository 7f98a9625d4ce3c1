//! What every call to another system shares: one HTTP client with limits, one catalogue of errors that state a decision, and a
//! record of each call with personal data and secrets masked.

mod address;
pub mod check;
mod foreign;
mod key;
pub mod limits;
mod mask;
pub mod missing;
mod pace;
pub mod schema;
pub mod secrets;
pub mod template;
mod transport;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use pace::Pace;
use reqwest::{header::HeaderMap, redirect::Policy};
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::{
    num::NonZeroU32,
    sync::Arc,
    time::{Duration, Instant},
};

pub use address::{base_url, is_in_clear, site_of};
pub use foreign::Foreign;
pub use key::Key;
pub use mask::{EXCERPT_CHARS_MAX, PERSONAL_MARK, masked};
// a connector describes its calls with them and needs no HTTP client of its own
pub use reqwest::{Method, Url};

/// A connection has to stand within this time.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// The other side has to have answered within this time. Odoo's own tries at a write that collides take up to 19 s, so
/// less than 30 s would cut real work off.
pub const TOTAL_TIMEOUT: Duration = Duration::from_secs(60);
/// Maximum size of a response in bytes.
pub const RESPONSE_BYTES_MAX: usize = 8 * 1024 * 1024;
/// A connection without work is kept for so long.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);
/// With this header a JSON object of texts goes out as a form.
pub const FORM: (&str, &str) = ("Content-Type", "application/x-www-form-urlencoded");
/// The header that carries the correlation id.
pub const CORRELATION_HEADER: &str = "X-Correlation-Id";

/// How a call went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// As wanted.
    Ok,
    /// It was refused, or could not be made.
    Failed,
    /// Nobody knows: it may have been applied.
    Unknown,
}

/// A call to another system, as it may be kept: personal data and secrets are masked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Which system: `odoo`, `desk`.
    pub destination: &'static str,
    /// What was called: `stock.picking/write`.
    pub operation: String,
    /// How long it took.
    pub duration: Duration,
    /// The HTTP status, where there was one.
    pub status: Option<u16>,
    /// How it went.
    pub outcome: Outcome,
    /// What was asked, masked.
    pub request: Foreign,
    /// What was answered, masked.
    pub response: Foreign,
    /// For how long the system asks not to be called at all.
    pub wait: Option<Duration>,
}

/// Where calls are kept.
pub trait CallLog: Send + Sync {
    /// The correlation id of the call; goes out in [`CORRELATION_HEADER`].
    fn correlation(&self) -> String;

    /// Keeps a call.
    fn record(&self, call: Call);
}

/// Keeps nothing: for command lines and tests.
#[derive(Clone, Copy, Debug, Default)]
pub struct Discard;

impl CallLog for Discard {
    fn correlation(&self) -> String {
        "none".into()
    }

    fn record(&self, _call: Call) {}
}

/// What a job does after a failed call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Try again later.
    Retry,
    /// Trying again changes nothing: a person has to look.
    Fail,
    /// It may have been applied: wait until it has settled, look, and only then decide.
    SettleThenLook,
    /// It works once the connection is set up: wait until then, however long.
    AwaitSetup,
}

/// Whose failure it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Concerns {
    /// The whole system: others would fare no better, so its circuit breaker opens.
    System,
    /// This record or this call: others may go on.
    Record,
}

macro_rules! classes {
    ($($variant:ident, $code:literal, $decision:ident, $concerns:ident, $meaning:literal, $todo:literal;)*) => {
        /// What kind of failure it was.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum ErrorClass {
            $(#[doc = $meaning] $variant,)*
        }

        impl ErrorClass {
            /// Every class.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The stable code.
            pub const fn code(self) -> &'static str {
                match self { $(Self::$variant => $code,)* }
            }

            /// The class with this code.
            pub fn from_code(code: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|class| class.code() == code)
            }

            /// What a job does.
            pub const fn decision(self) -> Decision {
                match self { $(Self::$variant => Decision::$decision,)* }
            }

            /// Whose failure it is.
            pub const fn concerns(self) -> Concerns {
                match self { $(Self::$variant => Concerns::$concerns,)* }
            }

            /// What happened.
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$variant => $meaning,)* }
            }

            /// What a person can do.
            pub const fn what_to_do(self) -> &'static str {
                match self { $(Self::$variant => $todo,)* }
            }
        }
    };
}

classes! {
    Unreachable, "unreachable", Retry, System, "The system cannot be reached.", "Check that it runs, its address and the network.";
    TimeoutBeforeSend, "timeout_before_send", Retry, System, "No connection came about in time; nothing was sent.", "Check the network and the load of the system.";
    NoAnswer, "no_answer", Retry, System, "A question was not answered in time; nothing was changed.", "Nothing: it is asked again. If it lasts, check the load of the system.";
    UnknownOutcome, "unknown_outcome", SettleThenLook, System, "The answer to a change did not come: it may have been applied.", "Nothing: it is looked up before it is tried again.";
    RateLimited, "rate_limited", Retry, Record, "The system limits the rate of calls; it is not called for as long as it says.", "Nothing. If it lasts, ask for a higher limit or lower the calls per second.";
    Unauthorized, "unauthorized", Retry, System, "The key is wrong, expired or revoked.", "Make a new key and put it into the key file: it is read again, and what waits goes out.";
    Forbidden, "forbidden", Fail, Record, "The key's user may not read or change this record.", "Grant it, then retry.";
    MissingRight, "missing_right", AwaitSetup, System, "The key's user lacks a right that Milepost needs.", "Test the connection: it names rights that are missing, and so does the job. Once they are granted, what waits goes on.";
    NotFound, "not_found", Fail, Record, "The record is gone.", "Restore or re-link it and retry, or leave it be.";
    Rejected, "rejected", Fail, Record, "The system refused the content.", "Read its message, correct the data, then retry.";
    Conflict, "conflict", Retry, Record, "Somebody else was changing the same record.", "Nothing: it is tried again.";
    ServerError, "server_error", Retry, System, "The system had a failure of its own.", "Nothing: it is tried again. If it lasts, read the system's log.";
    BadAnswer, "bad_answer", Retry, System, "The answer cannot be read: a maintenance page, perhaps.", "Nothing: it is asked again. If it lasts, check that the address leads to the right system and version.";
    Misconfigured, "misconfigured", AwaitSetup, System, "The system is not set up for Milepost: a field, an app, a queue or a database is missing, or the settings are wrong.", "Test the connection: it names what is missing. Once that is there, what waits goes on.";
}

/// A call that did not end well. It shows our own words alone; what the other system said is opened by name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}{}", appended(.advice))]
pub struct CallError {
    /// What kind of failure.
    pub class: ErrorClass,
    /// What happened, in our own words: without personal data and secrets.
    pub message: String,
    /// What a person can do, where more is known than the class says.
    pub advice: Option<&'static str>,
    /// What the other system said of it.
    pub said: Foreign,
    /// When the other side wants to be asked again.
    pub retry_after: Option<Duration>,
    /// The HTTP status, where there was one.
    pub status: Option<u16>,
}

fn appended(advice: &Option<&str>) -> String {
    advice.map(|advice| format!("; {advice}")).unwrap_or_default()
}

impl CallError {
    /// An error of this class, in our own words.
    pub fn new(class: ErrorClass, message: impl AsRef<str>) -> Self {
        let message = masked::text(message.as_ref());
        Self { class, message, advice: None, said: Foreign::default(), retry_after: None, status: None }
    }

    /// The same with what a person can do.
    #[must_use]
    pub fn advising(self, advice: &'static str) -> Self {
        Self { advice: Some(advice), ..self }
    }

    /// The same with what the other system said.
    #[must_use]
    pub fn saying(mut self, said: &str) -> Self {
        self.said = masked::text(said.trim()).into();
        self
    }

    /// Our words with the other system's: for those who may read them, and for the vault.
    pub fn whole(&self) -> Foreign {
        if self.said.is_empty() {
            return self.to_string().into();
        }
        format!("{self}; it says: {}", self.said.open()).into()
    }

    /// The same, with the answer's status and its wish when to come again.
    #[must_use]
    pub fn of(mut self, answer: &Response) -> Self {
        self.status = Some(answer.status);
        self.retry_after = answer.retry_after();
        self
    }
}

/// Whether a call changes something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallKind {
    /// It only asks: without an answer it is just asked again.
    Query,
    /// It changes something: without an answer it may or may not have been applied.
    Command,
}

/// One call.
#[derive(Clone, Debug)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// The whole address.
    pub url: String,
    /// What is called, for people: `stock.picking/write`.
    pub operation: String,
    /// Whether it changes something.
    pub kind: CallKind,
    /// The scheme and key of the `Authorization` header, where one is needed; of `Basic` the key is the user's name, or name and
    /// password with a colon between, which no name has in it (RFC 7617). With [`Client::with_key_in`] the key stands alone in that
    /// header.
    pub authorization: Option<(&'static str, Key)>,
    /// Further headers.
    pub headers: Vec<(&'static str, String)>,
    /// The JSON body, where there is one; with the header [`FORM`] it goes out as a form.
    pub body: Option<Value>,
}

impl Request {
    fn is_form(&self) -> bool {
        self.headers.iter().any(|(name, value)| (*name, value.as_str()) == FORM)
    }
}

/// An answer, read whole.
#[derive(Clone, Debug)]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Vec<u8>,
}

impl Response {
    /// The body as this type.
    ///
    /// # Errors
    /// `bad_answer` where it is something else.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, CallError> {
        serde_json::from_slice(&self.body).map_err(|e| {
            let text = format!("the answer is not what it should be (line {}, column {})", e.line(), e.column());
            CallError::new(ErrorClass::BadAnswer, text).saying(&e.to_string()).of(self)
        })
    }

    /// The body as JSON, where it is some.
    pub fn value(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }

    /// When the other side wants to be asked again.
    pub fn retry_after(&self) -> Option<Duration> {
        limits::retry_after(&self.headers)
    }

    /// For how long the other side asks not to be called at all: it refuses more (429, 503), or this call was the last
    /// of its budget.
    fn wait(&self, backoff: Duration) -> Option<Duration> {
        let refused = matches!(self.status, 429 | 503).then(|| self.retry_after()).flatten();
        let refused = refused.or((self.status == 429).then_some(backoff));
        refused.max(limits::spent(&self.headers)).filter(|wait| !wait.is_zero())
    }
}

/// What an HTTP status means when the body says nothing more exact.
pub fn class_of_status(status: u16, kind: CallKind) -> Option<ErrorClass> {
    Some(match status {
        200..=299 => return None,
        300..=399 | 405 | 415 => ErrorClass::Misconfigured,
        401 => ErrorClass::Unauthorized,
        403 => ErrorClass::Forbidden,
        404 | 410 => ErrorClass::NotFound,
        408 | 409 | 412 | 423 => ErrorClass::Conflict,
        429 => ErrorClass::RateLimited,
        // a proxy gave up waiting: the server behind it may still do it
        502 | 504 if kind == CallKind::Command => ErrorClass::UnknownOutcome,
        500..=599 => ErrorClass::ServerError,
        _ => ErrorClass::Rejected,
    })
}

/// What an HTTP status means where the answer is not of the system's API: a page of a proxy, of a moved or another site. What would
/// be about a record or a right there is about the connection here, and other calls fare no better.
pub fn class_of_stranger(status: u16, kind: CallKind) -> ErrorClass {
    match class_of_status(status, kind) {
        None | Some(ErrorClass::NotFound | ErrorClass::Forbidden | ErrorClass::Misconfigured) => ErrorClass::BadAnswer,
        Some(class) => class,
    }
}

/// For how long a rate-limited platform is not called that does not say for how long.
const DEFAULT_BACKOFF: Duration = Duration::from_secs(5);
/// Answers of these models are about people, or what they write to each other: no text of theirs is kept.
const PEOPLE: [&str; 3] = ["res.partner", "res.users", "mail.message"];

/// One destination's HTTP client.
#[derive(Clone, Debug)]
pub struct Client {
    client: reqwest::Client,
    destination: &'static str,
    pace: Option<Arc<Pace>>,
    key_header: Option<&'static str>,
    backoff: Duration,
    holds_conversations: bool,
}

impl Client {
    /// A client for this destination. The process must have a rustls provider installed.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn new(destination: &'static str) -> Result<Self, CallError> {
        Self::with_timeout(destination, TOTAL_TIMEOUT)
    }

    /// The same with at most so many calls a second.
    #[must_use]
    pub fn paced(mut self, calls_per_second: Option<NonZeroU32>) -> Self {
        self.pace = calls_per_second.map(|calls| Arc::new(Pace::of(calls)));
        self
    }

    /// The same with the key in this header instead of `Authorization`.
    #[must_use]
    pub fn with_key_in(self, header: &'static str) -> Self {
        Self { key_header: Some(header), ..self }
    }

    /// The same with this wait after a rate limit that does not say for how long.
    #[must_use]
    pub fn with_backoff(self, backoff: Duration) -> Self {
        Self { backoff, ..self }
    }

    /// The same for a system in which people write to each other: neither their names nor what they write is kept of a call.
    #[must_use]
    pub fn with_conversations(self) -> Self {
        Self { holds_conversations: true, ..self }
    }

    pub(crate) fn with_timeout(destination: &'static str, total: Duration) -> Result<Self, CallError> {
        let client = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(total)
            .pool_idle_timeout(IDLE_TIMEOUT)
            // a redirect would carry the key to another place
            .redirect(Policy::none())
            .user_agent(concat!("Milepost/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|e| {
                CallError::new(ErrorClass::Misconfigured, format!("no HTTP client: {}", transport::chain(&e)))
            })?;
        Ok(Self {
            client,
            destination,
            pace: None,
            key_header: None,
            backoff: DEFAULT_BACKOFF,
            holds_conversations: false,
        })
    }

    /// Makes one call, lets `interpret` read the response, and records both, masked.
    ///
    /// # Errors
    /// When no answer came, or `interpret` says so.
    pub async fn call<T>(
        &self,
        ask: Request,
        log: &dyn CallLog,
        interpret: impl FnOnce(&Response) -> Result<T, CallError> + Send,
    ) -> Result<T, CallError> {
        let (sent, read) = if self.holds_conversations { (masked::SENT, masked::READ) } else { (&[][..], &[][..]) };
        let request = format!("{} {}{}", ask.method, masked::query(&ask.url), masked::body(ask.body.as_ref(), sent));
        let (operation, kind) = (ask.operation.clone(), ask.kind);
        let about_people = PEOPLE.iter().any(|model| operation.contains(model));
        if let Some(pace) = &self.pace {
            pace.wait().await;
        }
        let begun = Instant::now();
        let mut answer = self.exchange(&ask, log).await;
        // another one may be valid by now; what was refused was not applied
        if let (Ok((first, refused)), Some((_, key))) = (&answer, &ask.authorization)
            && first.status == 401
            && refused.as_ref().is_some_and(|refused| key.renew(refused))
        {
            tracing::info!(
                destination = self.destination,
                "the key was refused: another key of this connection is tried"
            );
            answer = self.exchange(&ask, log).await;
        }
        let answer = answer.map(|(answer, _)| answer);
        let wait = answer.as_ref().ok().and_then(|answer| answer.wait(self.backoff));
        let (result, status, response) = match answer {
            Ok(answer) => {
                let kept = if about_people { masked::people(&answer.body) } else { masked::answer(&answer.body, read) };
                (interpret(&answer), Some(answer.status), kept)
            }
            Err(error) => (Err(error), None, String::new()),
        };
        let result = result.map_err(|mut error| {
            // the change was made or was not: an answer that cannot be read does not say
            if error.class == ErrorClass::BadAnswer && kind == CallKind::Command {
                error.class = ErrorClass::UnknownOutcome;
            }
            error.status = error.status.or(status);
            error
        });
        let outcome = match &result {
            Ok(_) => Outcome::Ok,
            Err(e) if e.class == ErrorClass::UnknownOutcome => Outcome::Unknown,
            // a change was answered, but nobody can say how
            Err(e) if e.class == ErrorClass::BadAnswer && kind == CallKind::Command => Outcome::Unknown,
            Err(_) => Outcome::Failed,
        };
        let response = match &result {
            Err(e) if response.is_empty() => e.whole(),
            _ => response.into(),
        };
        log.record(Call {
            destination: self.destination,
            operation,
            duration: begun.elapsed(),
            status,
            outcome,
            request: request.into(),
            response,
            wait,
        });
        result
    }

    /// The answer, and the key that went out.
    async fn exchange(&self, ask: &Request, log: &dyn CallLog) -> Result<(Response, Option<SecretString>), CallError> {
        let kind = ask.kind;
        let mut request =
            self.client.request(ask.method.clone(), &ask.url).header(CORRELATION_HEADER, log.correlation());
        let mut sent = None;
        if let Some((scheme, key)) = &ask.authorization {
            let key = key.get();
            let (header, value) = match (self.key_header, *scheme) {
                (Some(header), _) => (header, key.expose_secret().to_owned()),
                (None, "Basic") => {
                    let key = key.expose_secret();
                    let pair = if key.contains(':') { key.to_owned() } else { format!("{key}:") };
                    ("authorization", format!("Basic {}", STANDARD.encode(pair)))
                }
                (None, scheme) => ("authorization", format!("{scheme} {}", key.expose_secret())),
            };
            request = request.header(header, sensitive(&value)?);
            sent = Some(key);
        }
        for (name, value) in &ask.headers {
            request = request.header(*name, value);
        }
        request = match &ask.body {
            Some(body) if ask.is_form() => request.body(form(body)),
            Some(body) => request.json(body),
            None => request,
        };
        let mut response = request.send().await.map_err(|e| transport::error(&e, kind, &ask.url))?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|e| transport::error(&e, kind, &ask.url))? {
            if body.len() + chunk.len() > RESPONSE_BYTES_MAX {
                let text = format!("the answer has more than {RESPONSE_BYTES_MAX} bytes");
                return Err(CallError { status: Some(status), ..CallError::new(ErrorClass::BadAnswer, text) });
            }
            body.extend_from_slice(&chunk);
        }
        Ok((Response { status, headers, body }, sent))
    }
}

/// An object of texts as a form.
fn form(body: &Value) -> String {
    let texts = body.as_object().into_iter().flatten().filter_map(|(name, value)| Some((name, value.as_str()?)));
    let mut url = Url::parse("form:").expect("a scheme alone is an address");
    url.query_pairs_mut().extend_pairs(texts);
    url.query().unwrap_or_default().to_owned()
}

fn sensitive(text: &str) -> Result<http::HeaderValue, CallError> {
    let mut value = http::HeaderValue::from_str(text)
        .map_err(|_| CallError::new(ErrorClass::Misconfigured, "the key holds characters that no key has"))?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests;
