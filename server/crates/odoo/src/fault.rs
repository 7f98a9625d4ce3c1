//! What errors of Odoo mean: one table for both of its APIs.

use outbound::{CallError, CallKind, ErrorClass, Response, class_of_stranger};
use serde::Deserialize;
use serde_json::Value;

/// An error as Odoo describes it (all of it but `debug`, which is a traceback): the body of JSON-2, `error.data` of JSON-RPC.
#[derive(Debug, Deserialize)]
pub(super) struct Fault {
    pub name: String,
    #[serde(default)]
    pub message: Value,
}

/// What an answer means that JSON-2 gives with another status than 200.
pub(super) fn of_answer(answer: &Response, kind: CallKind) -> CallError {
    match serde_json::from_slice::<Fault>(&answer.body) {
        Ok(fault) => named(&fault, answer),
        Err(_) => without_name(answer, kind),
    }
}

/// What an error means. Odoo answers 500 both for what will never work (an unknown field) and for what works the next
/// time (a collision), and JSON-RPC 200 for everything, so its name decides and never the status.
pub(super) fn named(fault: &Fault, answer: &Response) -> CallError {
    let message = fault.message.as_str().map_or_else(|| fault.message.to_string(), str::to_owned);
    let name = short(&fault.name);
    let class = class_of(name, &message);
    let advice = match class {
        ErrorClass::Misconfigured if message.contains("Invalid field") && message.contains("x_milepost") => {
            Some("run `milepost odoo setup --connection NAME`")
        }
        ErrorClass::Misconfigured if is_no_database(name, &message) => Some("check the database's name"),
        ErrorClass::Unauthorized => Some("the API key is wrong, expired or revoked"),
        _ => None,
    };
    // the name of a Python class is a word; anything else is a text of theirs
    let name = if name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') { name } else { "an error" };
    let text = match answer.status {
        200 => format!("Odoo answered {name}"),
        status => format!("Odoo answered {status}: {name}"),
    };
    CallError { advice, ..CallError::new(class, text) }.saying(&message).of(answer)
}

fn class_of(name: &str, message: &str) -> ErrorClass {
    match name {
        "Unauthorized" | "AccessDenied" | "SessionExpiredException" => ErrorClass::Unauthorized,
        "AccessError" | "Forbidden" => ErrorClass::Forbidden,
        "MissingError" => ErrorClass::NotFound,
        // a model or method that is not there: a module is missing
        "NotFound" | "UnsupportedMediaType" | "MethodNotAllowed" => ErrorClass::Misconfigured,
        // so JSON-RPC says it of a model, and of a method
        "UserError" if message.starts_with("Object ") && message.ends_with("doesn't exist") => {
            ErrorClass::Misconfigured
        }
        "AttributeError" => ErrorClass::Misconfigured,
        "UserError" | "ValidationError" | "RedirectWarning" | "UnprocessableEntity" | "BadRequest" => {
            ErrorClass::Rejected
        }
        "SerializationFailure"
        | "LockNotAvailable"
        | "DeadlockDetected"
        | "LockError"
        | "ConcurrencyError"
        | "TransactionRollbackError" => ErrorClass::Conflict,
        _ if is_no_database(name, message) => ErrorClass::Misconfigured,
        "OperationalError"
        | "InterfaceError"
        | "AdminShutdown"
        | "QueryCanceled"
        | "TooManyConnections"
        | "PoolError"
        | "ServiceUnavailable"
        | "InternalServerError"
        | "MemoryError" => ErrorClass::ServerError,
        "TooManyRequests" => ErrorClass::RateLimited,
        "ValueError" if message.contains("Invalid field") => ErrorClass::Misconfigured,
        _ => ErrorClass::Rejected,
    }
}

/// JSON-RPC tries to connect with whatever database is named, and says what PostgreSQL says.
fn is_no_database(name: &str, message: &str) -> bool {
    name == "OperationalError" && message.contains("database \"") && message.contains("does not exist")
}

fn short(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or(name)
}

/// What an answer means that is not of Odoo's API: an HTML page, of Odoo without such a database, or of what stands before it.
pub(super) fn without_name(answer: &Response, kind: CallKind) -> CallError {
    let class = class_of_stranger(answer.status, kind);
    let advice = match answer.status {
        404 | 410 => Some("check the address and the database's name"),
        403 => Some("check what stands before Odoo, a proxy or a firewall"),
        300..=400 | 405 => Some("is this the address of Odoo, without /odoo or /web?"),
        _ => None,
    };
    let error = CallError::new(class, format!("Odoo answered {}", answer.status));
    CallError { advice, ..error }.of(answer)
}

/// Whether an answer was none of the API that was called: another version may answer by now, with another API.
pub(super) fn is_of_another_api(error: &CallError) -> bool {
    error.class == ErrorClass::BadAnswer && matches!(error.status, Some(404 | 405 | 410))
}
