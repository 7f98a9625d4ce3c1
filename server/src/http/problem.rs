//! Errors to machines: problem+json (RFC 9457) with a stable `code`.

use app::ssr::ERROR_HEADER;
use application::error::UseCaseError;
use axum::{
    extract::Request,
    http::{HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use domain::ids::CorrelationId;
use serde::Serialize;

/// The header with the correlation id, in requests and responses.
pub const CORRELATION: HeaderName = HeaderName::from_static("x-correlation-id");
const PROBLEM_JSON: &str = "application/problem+json";

/// Code and detail where there is nothing under an address.
const NOTHING: (&str, &str) = ("not_found", "there is nothing under this address");
/// Code and detail where an address does not take a method.
const WRONG_METHOD: (&str, &str) = ("method_not_allowed", "this address takes other methods");

/// A problem, as sent.
#[derive(Debug, Serialize)]
pub struct Problem {
    /// `https://…` names would have to be kept alive: `about:blank` and a stable code instead.
    #[serde(rename = "type")]
    kind: &'static str,
    title: &'static str,
    status: u16,
    code: &'static str,
    detail: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    correlation: Option<String>,
    #[serde(skip)]
    retry_after_seconds: Option<u32>,
    #[serde(skip)]
    allow: Option<String>,
}

impl Problem {
    /// A problem with its stable code.
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self {
            kind: "about:blank",
            title: status.canonical_reason().unwrap_or("Error"),
            status: status.as_u16(),
            code,
            detail: detail.into(),
            correlation: None,
            retry_after_seconds: None,
            allow: None,
        }
    }

    /// A method that this address does not take, with those that it takes: the answer has to name them (RFC 9110, 15.5.6).
    pub fn wrong_method(allow: &[&Method]) -> Self {
        let allow = allow.iter().map(|method| method.as_str()).collect::<Vec<_>>().join(", ");
        let problem = Self::new(StatusCode::METHOD_NOT_ALLOWED, WRONG_METHOD.0, WRONG_METHOD.1);
        Self { allow: Some(allow), ..problem }
    }

    /// There is nothing under this address.
    pub fn nothing_here() -> Self {
        Self::new(StatusCode::NOT_FOUND, NOTHING.0, NOTHING.1)
    }

    /// With the correlation id under which the logs have it.
    pub fn correlated(mut self, correlation: impl ToString) -> Self {
        self.correlation = Some(correlation.to_string());
        self
    }

    /// With the time after which another try makes sense.
    pub fn retry_after(mut self, seconds: u32) -> Self {
        self.retry_after_seconds = Some(seconds);
        self
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::to_string(&self).unwrap_or_else(|_| "{}".into());
        let mut response = (status, [(header::CONTENT_TYPE, PROBLEM_JSON)], body).into_response();
        if let Some(seconds) = self.retry_after_seconds {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if let Some(allow) = self.allow.and_then(|allow| HeaderValue::from_str(&allow).ok()) {
            response.headers_mut().insert(header::ALLOW, allow);
        }
        if let Some(id) = self.correlation.and_then(|id| HeaderValue::from_str(&id).ok()) {
            response.headers_mut().insert(CORRELATION, id);
        }
        response
    }
}

/// Addresses and methods that there are not: machines get problem+json, with the correlation id of the log.
/// People, who ask for HTML, see the page.
pub async fn for_machines(request: Request, next: Next) -> Response {
    let accept = request.headers().get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    let to_a_person = accept.contains("text/html");
    let correlation = request.extensions().get::<CorrelationId>().copied();
    let response = next.run(request).await;
    let (code, detail) = match response.status() {
        StatusCode::NOT_FOUND => NOTHING,
        StatusCode::METHOD_NOT_ALLOWED => WRONG_METHOD,
        _ => return response,
    };
    let problem = response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind == PROBLEM_JSON);
    let said = problem && response.headers().contains_key(CORRELATION);
    if to_a_person || said || response.headers().contains_key(ERROR_HEADER) {
        return response;
    }
    let mut problem = Problem::new(response.status(), code, detail);
    problem.correlation = correlation.map(|id| id.to_string());
    let mut answer = problem.into_response();
    if let Some(allow) = response.headers().get(header::ALLOW) {
        answer.headers_mut().insert(header::ALLOW, allow.clone());
    }
    answer
}

impl From<UseCaseError> for Problem {
    fn from(error: UseCaseError) -> Self {
        let detail = error.to_string();
        match error {
            UseCaseError::NotFound(_) => Self::new(StatusCode::NOT_FOUND, "not_found", detail),
            UseCaseError::NotPermitted(_) | UseCaseError::Forbidden(_) => {
                Self::new(StatusCode::FORBIDDEN, "forbidden", detail)
            }
            UseCaseError::Conflict(_) => Self::new(StatusCode::CONFLICT, "conflict", detail),
            UseCaseError::Invalid { .. } => Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", detail),
            UseCaseError::Unavailable(_) => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", detail).retry_after(1)
            }
            UseCaseError::Internal(_) => {
                tracing::error!("{detail}");
                // what went wrong inside is for the logs
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "something went wrong on our side")
            }
        }
    }
}
