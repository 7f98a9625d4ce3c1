//! Errors to machines: problem+json (RFC 9457) with a stable `code`.

use crate::usecases::UseCaseError;
use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;

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
        }
    }

    /// With the thread under which the logs have it.
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
        let mut response = (status, [(header::CONTENT_TYPE, "application/problem+json")], body).into_response();
        if let Some(seconds) = self.retry_after_seconds {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

impl From<UseCaseError> for Problem {
    fn from(error: UseCaseError) -> Self {
        let detail = error.to_string();
        match error {
            UseCaseError::NotFound(_) => Self::new(StatusCode::NOT_FOUND, "not_found", detail),
            UseCaseError::Forbidden(_) => Self::new(StatusCode::FORBIDDEN, "forbidden", detail),
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
