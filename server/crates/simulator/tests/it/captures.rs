//! The sandbox Odoo answers as a real one did: every request of the captures is sent to it, and status, error and the types
//! of the answer are compared.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use serde::Deserialize;
use serde_json::{Value, json};
use simulator::{
    World,
    odoo::{DATABASE, LOGIN, SandboxOdoo},
};
use std::collections::BTreeMap;

const CAPTURES: &str = include_str!("../../fixtures/odoo/captures.json");
const KEYS: &[&str] = &["good", "limited", "revoked", "bad"];

#[derive(Deserialize)]
struct Capture {
    capture: String,
    asks: String,
    method: String,
    path: String,
    database: String,
    r#type: String,
    body: Value,
    status: u16,
    error: Option<String>,
    shape: Option<Value>,
}

/// What stands in the place of the captured installation's ids and keys.
struct Places(BTreeMap<&'static str, Value>);

impl Places {
    fn fill(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => self.0.get(text.as_str()).cloned().unwrap_or_else(|| value.clone()),
            Value::Array(items) => items.iter().map(|item| self.fill(item)).collect(),
            Value::Object(fields) => fields.iter().map(|(name, inner)| (name.clone(), self.fill(inner))).collect(),
            other => other.clone(),
        }
    }
}

/// Where a value has other types than the captured one; what is empty in one of them may be filled in the other, as it depends
/// on the data.
fn differs(shape: &Value, value: &Value, at: &str) -> Option<String> {
    let is_empty = matches!(value, Value::Null | Value::Bool(false));
    let as_wanted = match shape {
        Value::String(kind) => match kind.as_str() {
            "empty" => true,
            _ if is_empty && !at.is_empty() => true,
            "yes" => value.is_boolean(),
            "number" => value.is_number(),
            "text" => value.is_string(),
            "list" => value.is_array(),
            "link" => {
                value.as_array().is_some_and(|pair| pair.len() == 2 && pair[0].is_number() && pair[1].is_string())
            }
            _ => false,
        },
        Value::Array(items) => match (items.first(), value.as_array()) {
            (_, None) => false,
            (None, Some(_)) => true,
            (Some(item), Some(values)) => {
                return values.iter().find_map(|value| differs(item, value, &format!("{at}[]")));
            }
        },
        Value::Object(fields) => {
            return fields.iter().find_map(|(name, shape)| match value.get(name) {
                Some(value) => differs(shape, value, &format!("{at}.{name}")),
                None => Some(format!("{at}.{name} is missing")),
            });
        }
        _ => false,
    };
    (!as_wanted).then(|| format!("{at}: {value} is no {shape}"))
}

async fn sandbox() -> (World, Places) {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let world = World::fixed(7, "2026-03-10T12:00:00Z".parse().unwrap()).await.unwrap();
    let odoo = world.odoo();
    let rights = [("res.users", "write"), ("ir.model.fields", "create"), ("ir.model", "read")];
    odoo.add_key("limited", rights);
    odoo.add_key("revoked", []);
    odoo.revoke_key("revoked");
    let picking = some_delivery(odoo);
    let places = [
        ("$database", json!(DATABASE)),
        ("$login", json!(LOGIN)),
        ("$user", json!(2)),
        ("$picking", json!(picking)),
        ("$good", json!(odoo.key())),
        ("$limited", json!("limited")),
        ("$revoked", json!("revoked")),
        ("$bad", json!("wrong")),
    ];
    (world, Places(places.into_iter().collect()))
}

/// A delivery of the world that has nothing written on it yet.
fn some_delivery(odoo: &SandboxOdoo) -> i64 {
    (1..10_000).find(|id| odoo.value(*id, "sale_id").is_array()).unwrap()
}

#[tokio::test]
async fn the_sandbox_answers_as_the_captures_of_a_real_odoo() {
    let captures: Vec<Capture> = serde_json::from_str(CAPTURES).unwrap();
    assert!(captures.len() >= 45, "{}", captures.len());
    let (world, mut places) = sandbox().await;
    let http = reqwest::Client::new();
    let mut faults = Vec::new();
    for capture in &captures {
        let database = places.fill(&json!(capture.database));
        let method: reqwest::Method = capture.method.parse().unwrap();
        let mut request = http
            .request(method, format!("{}{}", world.odoo_url(), capture.path))
            .header("Content-Type", &capture.r#type)
            .header("X-Odoo-Database", database.as_str().unwrap());
        if KEYS.contains(&capture.asks.as_str()) {
            let key = places.fill(&json!(format!("${}", capture.asks)));
            request = request.bearer_auth(key.as_str().unwrap());
        }
        request = match &capture.body {
            Value::Null => request,
            Value::String(text) => request.body(text.clone()),
            body => request.body(places.fill(body).to_string()),
        };
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        let text = answer.text().await.unwrap();
        let fault = compared(capture, status, &text, &mut places);
        faults.extend(fault.map(|fault| format!("{}: {fault}", capture.capture)));
    }
    assert!(faults.is_empty(), "{} differ:\n{}", faults.len(), faults.join("\n"));
}

fn compared(capture: &Capture, status: u16, text: &str, places: &mut Places) -> Option<String> {
    if status != capture.status {
        return Some(format!("{status} and not {}: {text}", capture.status));
    }
    if capture.shape == Some(json!("page")) {
        return (!text.trim_start().to_lowercase().starts_with("<!doctype html")).then(|| format!("no page: {text}"));
    }
    let Ok(answer) = serde_json::from_str::<Value>(text) else { return Some(format!("no JSON: {text}")) };
    let is_rpc = capture.path == "/jsonrpc";
    let error = if is_rpc { &answer["error"]["data"] } else { &answer };
    let name = error.get("name").and_then(Value::as_str).filter(|_| error.get("debug").is_some());
    if name != capture.error.as_deref() {
        return Some(format!("{name:?} and not {:?}: {text}", capture.error));
    }
    if name.is_some() {
        let lacks = ["message", "arguments", "context"].into_iter().find(|field| error.get(field).is_none());
        return lacks.map(|field| format!("the error has no {field}"));
    }
    let result = if is_rpc { &answer["result"] } else { &answer };
    if capture.path.ends_with("/activity_schedule") {
        places.0.insert("$activity", result[0].clone());
    }
    differs(capture.shape.as_ref().unwrap_or(&Value::Null), result, "")
}

#[test]
fn other_types_are_noticed() {
    for (shape, value) in [
        (json!("number"), json!("7")),
        (json!("number"), json!(false)),
        (json!(["number"]), json!(7)),
        (json!([{"id": "number"}]), json!([{"id": "7"}])),
        (json!([{"id": "number", "name": "text"}]), json!([{"id": 7}])),
        (json!("link"), json!([7])),
    ] {
        assert!(differs(&shape, &value, "").is_some(), "{value}");
    }
    assert_eq!(differs(&json!([{"name": "text", "at": "empty"}]), &json!([{"name": false, "at": "x"}]), ""), None);
}
