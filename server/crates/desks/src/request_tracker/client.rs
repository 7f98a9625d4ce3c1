//! Calls over REST 2.0 and what their errors mean.

use super::wire::Fault;
use crate::DeskConfig;
use outbound::{
    CallError, CallKind, CallLog, Client, ErrorClass, Key, Request, Response, base_url, class_of_status,
    class_of_stranger, site_of,
};
use outbound::{Method, Url};
use secrecy::SecretString;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Paths of Request Tracker's own pages and API.
pub(super) const PAGES: &[&str] =
    &["REST", "Ticket", "Search", "SelfService", "Dashboards", "Admin", "Prefs", "NoAuth", "index.html"];

/// One Request Tracker.
#[derive(Debug)]
pub(super) struct RtClient {
    http: Client,
    base: String,
    token: Key,
}

impl RtClient {
    pub(super) fn new(config: &DeskConfig) -> Result<Self, CallError> {
        if config.token.is_empty() {
            return Err(CallError::new(ErrorClass::Misconfigured, "the desk needs a token"));
        }
        Ok(Self {
            http: Client::new("desk")?.with_conversations().paced(config.calls_per_second),
            base: base_url(&site_of(&config.url, PAGES))?,
            token: config.token.clone(),
        })
    }

    /// The token.
    pub(super) fn token(&self) -> SecretString {
        self.token.get()
    }

    /// The page of a ticket, for people.
    pub(super) fn page(&self, number: &str) -> String {
        format!("{}/Ticket/Display.html?id={number}", self.base)
    }

    /// Asks something.
    pub(super) async fn get<T: DeserializeOwned>(
        &self,
        operation: &str,
        path: &str,
        parameters: &[(&str, &str)],
        log: &dyn CallLog,
    ) -> Result<T, CallError> {
        let mut url = Url::parse(&format!("{}/REST/2.0/{path}", self.base))
            .map_err(|e| CallError::new(ErrorClass::Misconfigured, format!("no address: {e}")))?;
        if !parameters.is_empty() {
            url.query_pairs_mut().extend_pairs(parameters);
        }
        let ask = self.ask(operation, Method::GET, url.into(), None);
        self.http.call(ask, log, |answer| good(answer, CallKind::Query)?.json()).await
    }

    /// Makes something.
    pub(super) async fn create<T: DeserializeOwned>(
        &self,
        operation: &str,
        path: &str,
        body: Value,
        log: &dyn CallLog,
    ) -> Result<T, CallError> {
        let ask = self.ask(operation, Method::POST, format!("{}/REST/2.0/{path}", self.base), Some(body));
        self.http
            .call(ask, log, |answer| match good(answer, CallKind::Command)?.status {
                201 => answer.json(),
                status => {
                    Err(CallError::new(ErrorClass::Rejected, format!("the desk answered {status} but made nothing"))
                        .of(answer))
                }
            })
            .await
    }

    /// Changes something. The answer's text says how it went, but in the user's language: read back what matters.
    pub(super) async fn change(
        &self,
        operation: &str,
        method: Method,
        path: &str,
        body: Value,
        log: &dyn CallLog,
    ) -> Result<(), CallError> {
        let ask = self.ask(operation, method, format!("{}/REST/2.0/{path}", self.base), Some(body));
        self.http.call(ask, log, |answer| good(answer, CallKind::Command).map(drop)).await
    }

    fn ask(&self, operation: &str, method: Method, url: String, body: Option<Value>) -> Request {
        let kind = if method == Method::GET { CallKind::Query } else { CallKind::Command };
        Request {
            method,
            url,
            operation: operation.to_owned(),
            kind,
            authorization: Some(("token", self.token.clone())),
            headers: vec![("Accept", "application/json".into())],
            body,
        }
    }
}

pub(super) fn good(answer: &Response, kind: CallKind) -> Result<&Response, CallError> {
    let Some(class) = class_of_status(answer.status, kind) else { return Ok(answer) };
    // every error of its API is JSON; a page is another's answer
    let fault = serde_json::from_slice::<Fault>(&answer.body).ok();
    let class = if fault.is_some() { class } else { class_of_stranger(answer.status, kind) };
    let said = fault.map(|fault| fault.message).unwrap_or_default();
    let advice = match (answer.status, class) {
        (300..=399 | 405, _) | (404 | 410, ErrorClass::BadAnswer) => {
            Some("is this the address of Request Tracker, up to /REST?")
        }
        (401, _) => Some("the token is wrong, expired or revoked"),
        _ => None,
    };
    let error = CallError::new(class, format!("the desk answered {}", answer.status));
    Err(CallError { advice, ..error }.saying(&said).of(answer))
}
