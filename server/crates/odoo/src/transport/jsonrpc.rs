//! JSON-RPC, as calls and answers are written: `execute_kw` with the key in the place of the password. Everything is
//! answered with 200, errors too.

use crate::fault::{self, Fault};
use outbound::{CallError, CallKind, ErrorClass, Method, Request, Response};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Map, Value, json};

/// What every call says of itself: answers come back on the connection that asked.
const CALL_ID: u32 = 1;
/// Arguments that are given by place: versions differ in their names, or look at the first one.
const BY_PLACE: &[(&str, &str)] = &[("create", "vals_list"), ("search", "domain"), ("search_count", "domain")];

/// A call of a service's method.
pub(super) fn request(
    base: &str,
    service: &str,
    method: &str,
    args: Value,
    operation: String,
    kind: CallKind,
) -> Request {
    let params = json!({"service": service, "method": method, "args": args});
    Request {
        method: Method::POST,
        url: format!("{base}/jsonrpc"),
        operation,
        kind,
        authorization: None,
        headers: Vec::new(),
        body: Some(json!({"jsonrpc": "2.0", "method": "call", "id": CALL_ID, "params": params})),
    }
}

/// Named arguments as `execute_kw` takes them: the ids first, the others by name.
pub(super) fn arguments(method: &str, named: Value) -> (Vec<Value>, Map<String, Value>) {
    let Value::Object(mut named) = named else { return (Vec::new(), Map::new()) };
    let by_place = BY_PLACE.iter().find(|(of, _)| *of == method).map(|(_, argument)| *argument);
    let places = ["ids"].into_iter().chain(by_place).filter_map(|argument| named.remove(argument));
    let places = places.collect();
    (places, named)
}

#[derive(Deserialize)]
struct Answer {
    jsonrpc: String,
    // nothing is written where the method gives nothing
    #[serde(default)]
    result: Value,
    #[serde(default)]
    error: Option<Failure>,
}

#[derive(Deserialize)]
struct Failure {
    data: Option<Fault>,
}

/// What a call gave.
pub(super) fn result<T: DeserializeOwned>(answer: &Response, kind: CallKind) -> Result<T, CallError> {
    if answer.status != 200 {
        return Err(fault::without_name(answer, kind));
    }
    let read: Answer = answer.json()?;
    if read.jsonrpc != "2.0" {
        return Err(CallError::new(ErrorClass::BadAnswer, "the answer is no JSON-RPC").of(answer));
    }
    match read.error {
        None => serde_json::from_value(read.result).map_err(|error| {
            let text = "the result is not what it should be";
            CallError::new(ErrorClass::BadAnswer, text).saying(&error.to_string()).of(answer)
        }),
        Some(Failure { data: Some(fault) }) => Err(fault::named(&fault, answer)),
        Some(Failure { data: None }) => {
            Err(CallError::new(ErrorClass::ServerError, "Odoo answered an error without a name").of(answer))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(body: Value) -> Response {
        Response { status: 200, headers: http::HeaderMap::new(), body: body.to_string().into_bytes() }
    }

    #[test]
    fn ids_come_first_and_what_versions_name_differently_by_place() {
        for (method, named, args, kwargs) in [
            ("write", json!({"ids": [7], "vals": {"x": 1}}), json!([[7]]), json!({"vals": {"x": 1}})),
            ("create", json!({"vals_list": [{"x": 1}]}), json!([[{"x": 1}]]), json!({})),
            ("search", json!({"domain": [], "limit": 1}), json!([[]]), json!({"limit": 1})),
            ("search_read", json!({"domain": [], "limit": 1}), json!([]), json!({"domain": [], "limit": 1})),
            ("context_get", json!({}), json!([]), json!({})),
            (
                "message_post",
                json!({"ids": [7], "context": {"lang": "en_US"}}),
                json!([[7]]),
                json!({"context": {"lang": "en_US"}}),
            ),
        ] {
            let (places, others) = arguments(method, named);
            assert_eq!((Value::Array(places), Value::Object(others)), (args, kwargs), "{method}");
        }
    }

    #[test]
    fn what_was_answered_is_read_whatever_it_is() {
        let read = |body| result::<Value>(&answer(body), CallKind::Command);
        assert_eq!(read(json!({"jsonrpc": "2.0", "id": 1, "result": [29]})).unwrap(), json!([29]));
        assert_eq!(read(json!({"jsonrpc": "2.0", "id": 1})).unwrap(), Value::Null, "the method gives nothing");
        let failed = |name: &str, message: &str| {
            let data = json!({"name": name, "message": message, "arguments": [message], "debug": "Traceback"});
            read(json!({"jsonrpc": "2.0", "id": 1, "error": {"code": 0, "message": "Odoo Server Error", "data": data}}))
                .unwrap_err()
        };
        for (name, message, class) in [
            ("odoo.exceptions.AccessDenied", "Access Denied", ErrorClass::Unauthorized),
            ("odoo.exceptions.AccessError", "not you", ErrorClass::Forbidden),
            ("odoo.exceptions.MissingError", "gone", ErrorClass::NotFound),
            ("odoo.exceptions.UserError", "nothing to invoice", ErrorClass::Rejected),
            ("odoo.exceptions.UserError", "Object helpdesk.ticket doesn't exist", ErrorClass::Misconfigured),
            ("builtins.AttributeError", "The method 'res.users.x' does not exist", ErrorClass::Misconfigured),
            ("psycopg2.errors.SerializationFailure", "could not serialize", ErrorClass::Conflict),
            ("psycopg2.OperationalError", "FATAL:  database \"nodb\" does not exist\n", ErrorClass::Misconfigured),
            ("psycopg2.OperationalError", "server closed the connection", ErrorClass::ServerError),
        ] {
            let error = failed(name, message);
            assert_eq!((error.class, error.status), (class, Some(200)), "{name}: {message}");
            assert!(!error.to_string().contains("Traceback") && !error.to_string().contains(message), "{error}");
        }
        let nameless = read(json!({"jsonrpc": "2.0", "id": 1, "error": {"code": 0, "message": "?"}})).unwrap_err();
        assert_eq!(nameless.class, ErrorClass::ServerError);
        for other in [json!({"version": "1"}), json!([]), json!({"jsonrpc": "1.0", "result": 1})] {
            assert_eq!(read(other).unwrap_err().class, ErrorClass::BadAnswer);
        }
    }
}
