//! Calls of desks that speak JSON over HTTP: addresses, signing in, and what an answer means.

use crate::{DeskConfig, oauth::OAuth};
use outbound::{
    CallError, CallKind, CallLog, Client, ErrorClass, Key, Method, Request, Response, Url, base_url, class_of_status,
    class_of_stranger, site_of,
};
use serde_json::Value;

/// How a desk is signed in to.
#[derive(Debug)]
pub enum SignIn {
    /// With this scheme and key.
    Key(&'static str, Key),
    /// With tokens of an OAuth client.
    OAuth(OAuth),
}

/// What a refusal is: its class, from the status and the answer's JSON, and what the desk says of it. Answers that are no JSON are
/// not asked about: they are another system's.
pub type Refusal = fn(u16, &Value, CallKind) -> (ErrorClass, String);

/// One desk's REST interface.
#[derive(Debug)]
pub struct Rest {
    http: Client,
    base: String,
    sign_in: SignIn,
    refusal: Refusal,
    headers: Vec<(&'static str, String)>,
}

/// The HTTP client of a desk.
///
/// # Errors
/// `misconfigured` where there is no secret, or TLS cannot be set up.
pub fn client(config: &DeskConfig) -> Result<Client, CallError> {
    if config.token.is_empty() {
        return Err(CallError::new(ErrorClass::Misconfigured, "the desk needs its secret"));
    }
    Ok(Client::new("desk")?.with_conversations().paced(config.calls_per_second))
}

/// A desk's address without what people copy along, whose own pages begin with one of these.
///
/// # Errors
/// `misconfigured` where it cannot be used.
pub fn base(config: &DeskConfig, pages: &[&str]) -> Result<String, CallError> {
    base_url(&site_of(&config.url, pages))
}

impl Rest {
    /// An interface below this address; nothing is called yet.
    pub fn new(http: Client, base: String, sign_in: SignIn, refusal: Refusal) -> Self {
        Self { http, base, sign_in, refusal, headers: Vec::new() }
    }

    /// The same with this header on every call.
    #[must_use]
    pub fn with_header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    /// Its address.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// Asks something.
    ///
    /// # Errors
    /// When the desk does not answer as it should.
    pub async fn get(
        &self,
        operation: &str,
        path: &str,
        query: &[(&str, &str)],
        log: &dyn CallLog,
    ) -> Result<Value, CallError> {
        let mut url = self.url(path)?;
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        self.call(self.ask(operation, Method::GET, CallKind::Query, url, None), log).await
    }

    /// Asks something with a body.
    ///
    /// # Errors
    /// As [`Rest::get`].
    pub async fn search(
        &self,
        operation: &str,
        path: &str,
        body: Value,
        log: &dyn CallLog,
    ) -> Result<Value, CallError> {
        let ask = self.ask(operation, Method::POST, CallKind::Query, self.url(path)?, Some(body));
        self.call(ask, log).await
    }

    /// Changes something.
    ///
    /// # Errors
    /// When the desk does not answer as it should; `unknown_outcome` where no answer came.
    pub async fn send(
        &self,
        operation: &str,
        method: Method,
        path: &str,
        body: Value,
        log: &dyn CallLog,
    ) -> Result<Value, CallError> {
        let ask = self.ask(operation, method, CallKind::Command, self.url(path)?, Some(body));
        self.call(ask, log).await
    }

    /// Changes something, with this header.
    ///
    /// # Errors
    /// As [`Rest::send`].
    pub async fn send_with(
        &self,
        header: (&'static str, &str),
        operation: &str,
        method: Method,
        path: &str,
        body: Value,
        log: &dyn CallLog,
    ) -> Result<Value, CallError> {
        let mut ask = self.ask(operation, method, CallKind::Command, self.url(path)?, Some(body));
        ask.headers.push((header.0, header.1.to_owned()));
        self.call(ask, log).await
    }

    fn url(&self, path: &str) -> Result<Url, CallError> {
        Url::parse(&format!("{}/{path}", self.base))
            .map_err(|e| CallError::new(ErrorClass::Misconfigured, format!("no address: {e}")))
    }

    fn ask(&self, operation: &str, method: Method, kind: CallKind, url: Url, body: Option<Value>) -> Request {
        let authorization = match &self.sign_in {
            SignIn::Key(scheme, key) => Some((*scheme, key.clone())),
            SignIn::OAuth(_) => None,
        };
        let mut headers = vec![("Accept", "application/json".to_owned())];
        headers.extend(self.headers.iter().cloned());
        Request { method, url: url.into(), operation: operation.to_owned(), kind, authorization, headers, body }
    }

    async fn call(&self, ask: Request, log: &dyn CallLog) -> Result<Value, CallError> {
        let (kind, refusal) = (ask.kind, self.refusal);
        let read = move |answer: &Response| read(answer, kind, refusal);
        match &self.sign_in {
            SignIn::Key(..) => self.http.call(ask, log, read).await,
            SignIn::OAuth(oauth) => oauth.call(&self.http, ask, log, read).await,
        }
    }
}

/// An answer as JSON; nothing where it is empty, as of a change it may be.
fn read(answer: &Response, kind: CallKind, refusal: Refusal) -> Result<Value, CallError> {
    let value = answer.value();
    let is_empty = answer.body.iter().all(u8::is_ascii_whitespace);
    match (class_of_status(answer.status, kind), value) {
        (None, Some(value)) => Ok(value),
        (None, None) if is_empty && (kind == CallKind::Command || answer.status == 204) => Ok(Value::Null),
        (None, None) => answer.json(),
        (Some(_), Some(value)) => {
            let (class, said) = refusal(answer.status, &value, kind);
            Err(CallError::new(class, format!("the desk answered {}", answer.status)).saying(&said).of(answer))
        }
        (Some(_), None) => {
            // a limit or a refused key may come as plain text; other texts are no answers of the interface
            let class = class_of_stranger(answer.status, kind);
            let error = CallError::new(class, format!("the desk answered {}", answer.status)).of(answer);
            match class {
                ErrorClass::BadAnswer => Err(error.advising("is this the address of the desk?")),
                _ => Err(error),
            }
        }
    }
}

/// What an HTTP status means; where the platform gives it no other sense.
pub fn class(status: u16, kind: CallKind) -> ErrorClass {
    class_of_status(status, kind).unwrap_or(ErrorClass::BadAnswer)
}

/// The number of a case goes into an address: digits only.
///
/// # Errors
/// `not_found` where it has anything else.
pub fn digits(number: &str) -> Result<&str, CallError> {
    match !number.is_empty() && number.len() <= 18 && number.bytes().all(|b| b.is_ascii_digit()) {
        true => Ok(number),
        false => Err(CallError::new(ErrorClass::NotFound, "a ticket's number has digits only")),
    }
}

/// A text inside, empty where there is none.
pub fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// Whether an error says that there is no such case, or none that the integration may see.
pub fn is_gone(error: &CallError) -> bool {
    matches!(error.class, ErrorClass::NotFound | ErrorClass::Forbidden)
}
