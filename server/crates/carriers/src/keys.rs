//! Public keys that a platform publishes (JWKS, RFC 7517), fetched from the address that an admin set.

use outbound::Method;
use outbound::{CallError, CallKind, CallLog, Client, ErrorClass, Request, Response, class_of_status};
use serde_json::Value;

/// The name under which these calls are kept.
pub const DESTINATION: &str = "keys";

/// The published key set, as it is.
///
/// # Errors
/// When it cannot be had, or is no key set.
pub async fn fetch(url: &str, log: &dyn CallLog) -> Result<String, CallError> {
    let ask = Request {
        method: Method::GET,
        url: url.to_owned(),
        operation: "jwks".into(),
        kind: CallKind::Query,
        authorization: None,
        headers: Vec::new(),
        body: None,
    };
    Client::new(DESTINATION)?.call(ask, log, key_set).await
}

fn key_set(answer: &Response) -> Result<String, CallError> {
    if let Some(class) = class_of_status(answer.status, CallKind::Query) {
        return Err(CallError::new(class, format!("the keys were answered with {}", answer.status)).of(answer));
    }
    let no_keys = || CallError::new(ErrorClass::BadAnswer, "the answer is no JWKS with keys").of(answer);
    let value: Value = answer.json()?;
    let keys = value["keys"].as_array().filter(|keys| !keys.is_empty()).ok_or_else(no_keys)?;
    if keys.iter().all(|key| key["kid"].is_string()) { Ok(value.to_string()) } else { Err(no_keys()) }
}
