//! The sandbox over JSON-RPC, as every version up to 21 has it: all is answered with 200, and an error has its name inside.

use super::{
    DATABASE, Inner, KEY_USER, OdooError, OdooResult,
    calls::{FIRST_JSON2, called},
    keys::LOGIN,
};
use crate::faults::{Fault, spoiled};
use axum::{
    Json,
    body::Bytes,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// Methods that are of no record, with their arguments by place; others get the ids first, then these.
const OF_MODELS: &[(&str, &[&str])] = &[
    ("create", &["vals_list"]),
    ("search", &["domain", "offset", "limit", "order"]),
    ("search_read", &["domain", "fields", "offset", "limit", "order"]),
    ("search_count", &["domain", "limit"]),
    ("fields_get", &["allfields", "attributes"]),
    ("context_get", &[]),
    ("check_access_rights", &["operation", "raise_exception"]),
    ("call_cache_clearing_methods", &[]),
];
const OF_RECORDS: &[(&str, &[&str])] = &[("write", &["vals"]), ("read", &["fields"]), ("has_access", &["operation"])];

pub(super) async fn jsonrpc(State(inner): State<Arc<Inner>>, body: Bytes) -> Response {
    let Ok(ask) = serde_json::from_slice::<Value>(&body) else {
        return (StatusCode::BAD_REQUEST, "Invalid JSON data").into_response();
    };
    let (id, params) = (ask["id"].clone(), &ask["params"]);
    let args = params["args"].as_array().cloned().unwrap_or_default();
    let answer = |result| Json(enveloped(&id, result)).into_response();
    match (params["service"].as_str(), params["method"].as_str()) {
        (Some("common"), Some("version")) => answer(Ok(version(&inner))),
        (Some("common"), Some("login" | "authenticate")) => answer(login(&inner, &args)),
        (Some("object"), Some("execute_kw")) => {
            let operation = format!("{}/{}", args.get(3).and_then(Value::as_str).unwrap_or_default(), method_of(&args));
            *inner.lock().calls.entry(operation.clone()).or_default() += 1;
            match inner.faults.take(&operation) {
                Some(Fault::Error(name)) => {
                    answer(Err(OdooError(StatusCode::INTERNAL_SERVER_ERROR, name, name.to_owned())))
                }
                fault => spoiled(fault, || answer(execute(&inner, &args))).await,
            }
        }
        (service, _) => answer(Err(key_error(service.unwrap_or_default()))),
    }
}

fn method_of(args: &[Value]) -> &str {
    args.get(4).and_then(Value::as_str).unwrap_or_default()
}

fn enveloped(id: &Value, result: OdooResult) -> Value {
    match result {
        Ok(Value::Null) => json!({"jsonrpc": "2.0", "id": id}),
        Ok(result) => json!({"jsonrpc": "2.0", "id": id, "result": result}),
        Err(error) => {
            let error = json!({"code": 0, "message": "Odoo Server Error", "data": error.described()});
            json!({"jsonrpc": "2.0", "id": id, "error": error})
        }
    }
}

fn key_error(of: &str) -> OdooError {
    OdooError(StatusCode::OK, "builtins.KeyError", of.to_owned())
}

fn version(inner: &Inner) -> Value {
    let major = inner.lock().major.0;
    let text = format!("{major}.0");
    json!({"server_version": text, "server_version_info": [major, 0, 0, "final", 0, ""], "server_serie": text, "protocol_version": 1})
}

fn text(args: &[Value], at: usize) -> &str {
    args.get(at).and_then(Value::as_str).unwrap_or_default()
}

fn in_database(name: &str) -> Result<(), OdooError> {
    if name == DATABASE {
        return Ok(());
    }
    let text = format!("connection to server failed: FATAL:  database \"{name}\" does not exist\n");
    Err(OdooError(StatusCode::OK, "psycopg2.OperationalError", text))
}

fn login(inner: &Inner, args: &[Value]) -> OdooResult {
    in_database(text(args, 0))?;
    let is_known = text(args, 1) == LOGIN && inner.lock().lacks_of(text(args, 2), (inner.now)()).is_some();
    Ok(if is_known { json!(KEY_USER) } else { json!(false) })
}

fn execute(inner: &Arc<Inner>, args: &[Value]) -> OdooResult {
    in_database(text(args, 0))?;
    let lacks = inner.lock().lacks_of(text(args, 2), (inner.now)());
    let lacks = lacks.filter(|_| args.get(1).and_then(Value::as_i64) == Some(KEY_USER));
    let Some(lacks) = lacks else {
        return Err(OdooError(StatusCode::OK, "odoo.exceptions.AccessDenied", "Access Denied".into()));
    };
    let (model, method) = (text(args, 3), method_of(args));
    let major = inner.lock().major.0;
    let method = as_of(major, model, method)?;
    let places = args.get(5).and_then(Value::as_array).cloned().unwrap_or_default();
    let named = args.get(6).and_then(Value::as_object).cloned().unwrap_or_default();
    let is_one = method == "create" && places.first().is_some_and(Value::is_object);
    let mut body = named_arguments(method, places, named)?;
    if major < 17 && method == "message_post" {
        body["body_is_html"] = json!(true);
    }
    let value = called(inner, &lacks, model, method, &body).map_err(|error| match error.1 {
        "werkzeug.exceptions.NotFound" if !inner.lock().tables.contains_key(model) => {
            OdooError(StatusCode::OK, "odoo.exceptions.UserError", format!("Object {model} doesn't exist"))
        }
        "werkzeug.exceptions.NotFound" => no_method(model, method),
        _ => error,
    })?;
    Ok(match method {
        "create" if is_one => value[0].clone(),
        "message_post" if major < FIRST_JSON2 => value[0].clone(),
        "activity_schedule" if major < FIRST_JSON2 => json!(format!("mail.activity({},)", value[0])),
        _ => value,
    })
}

fn no_method(model: &str, method: &str) -> OdooError {
    OdooError(StatusCode::OK, "builtins.AttributeError", format!("The method '{model}.{method}' does not exist"))
}

/// The method as the newest version names it, where this one has it.
fn as_of<'a>(major: u32, model: &str, method: &'a str) -> Result<&'a str, OdooError> {
    match method {
        "has_access" if major < 18 => Err(no_method(model, method)),
        "check_access_rights" if major < FIRST_JSON2 => Ok("has_access"),
        "check_access_rights" => Err(no_method(model, method)),
        _ => Ok(method),
    }
}

fn named_arguments(method: &str, places: Vec<Value>, mut named: Map<String, Value>) -> OdooResult {
    let of = |table: &[(&str, &'static [&'static str])]| {
        table.iter().find(|(name, _)| *name == method).map(|(_, arguments)| arguments.to_vec())
    };
    let is_of_model = of(OF_MODELS).is_some() || (method == "has_access" && named.contains_key("raise_exception"));
    let mut names = of(OF_MODELS).or_else(|| of(OF_RECORDS)).unwrap_or_default();
    if !is_of_model {
        names.insert(0, "ids");
    }
    if places.is_empty() && !is_of_model {
        return Err(OdooError(StatusCode::OK, "builtins.IndexError", "list index out of range".into()));
    }
    if places.len() > names.len() {
        let text = format!("{method}() takes {} positional arguments but {} were given", names.len(), places.len());
        return Err(OdooError(StatusCode::OK, "builtins.TypeError", text));
    }
    if method == "create" && places.is_empty() {
        return Err(OdooError(StatusCode::OK, "builtins.IndexError", "tuple index out of range".into()));
    }
    for (name, value) in names.into_iter().zip(places) {
        let value = match name {
            "vals_list" if value.is_object() => json!([value]),
            "ids" if value.is_i64() => json!([value]),
            _ => value,
        };
        if named.insert(name.to_owned(), value).is_some() {
            let text = format!("{method}() got multiple values for argument '{name}'");
            return Err(OdooError(StatusCode::OK, "builtins.TypeError", text));
        }
    }
    Ok(Value::Object(named))
}
