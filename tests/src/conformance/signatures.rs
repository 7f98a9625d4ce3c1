//! Signature vectors: published ones, composed ones, and those that must fail.

use super::{Tally, root};
use anyhow::{Context, Result};
use carriers::{Material, RawRequest, verify_named};
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;
use std::{fs, path::Path};

/// Every vector whose body is to be had.
pub(super) fn run(collection: Option<&Path>) -> Result<Tally> {
    let shipped = root().join("server/crates/carriers/src/verify/fixtures");
    let beside = collection.and_then(|folder| Some(folder.parent()?.join("signatures")));
    let file = |name: &str| {
        let name = name.strip_prefix("signatures/").unwrap_or(name);
        [Some(shipped.as_path()), beside.as_deref()].into_iter().flatten().find_map(|f| fs::read(f.join(name)).ok())
    };
    let path = shipped.join("vectors.json");
    let all: Value = serde_json::from_slice(&fs::read(&path).with_context(|| path.display().to_string())?)?;
    let mut tally = Tally::default();
    for vector in all["vectors"].as_array().into_iter().flatten() {
        let body = match vector["body_file"].as_str() {
            Some(name) => file(name),
            None => Some(vector["in_body"].to_string().into_bytes()),
        };
        let Some(body) = body else { continue };
        tally.add(vector["id"].as_str().unwrap_or_default(), examine(vector, &body, &file));
    }
    Ok(tally)
}

fn examine(vector: &Value, body: &[u8], file: &dyn Fn(&str) -> Option<Vec<u8>>) -> Result<(), String> {
    let material = match (vector["secret"].as_str(), vector["jwks_file"].as_str(), vector["public_key"].as_str()) {
        (Some(secret), ..) => Material::Secret(secret.to_owned().into()),
        (_, Some(name), _) => {
            let keys = file(name).ok_or("its keys are missing")?;
            Material::Jwks(String::from_utf8_lossy(&keys).into_owned())
        }
        (.., Some(key)) => Material::PublicKey(key.to_owned()),
        _ => return Err("it has no key".into()),
    };
    let headers = headers(&vector["headers"])?;
    let text = |at: &str| vector["request"][at].as_str();
    let request = RawRequest {
        method: text("method").unwrap_or("POST"),
        path: text("path").unwrap_or_default(),
        query: "",
        peer: None,
        headers: &headers,
        body,
    };
    let now = vector["now"].as_str().unwrap_or("2026-03-01T00:00:00Z").parse().map_err(|_| "its time is none")?;
    let provider = vector["provider"].as_str().unwrap_or_default();
    for scheme in [vector["scheme"].as_str(), None] {
        let verdict = verify_named(provider, scheme, &material, &request, now);
        if verdict.is_ok() != (vector["valid"] == true) {
            return Err(format!("with scheme {scheme:?}: {verdict:?}"));
        }
    }
    Ok(())
}

fn headers(given: &Value) -> Result<HeaderMap, String> {
    let mut headers = HeaderMap::new();
    for (name, value) in given.as_object().into_iter().flatten() {
        let name: HeaderName = name.parse().map_err(|_| format!("{name} is no header"))?;
        let value = HeaderValue::from_str(value.as_str().unwrap_or_default()).map_err(|e| e.to_string())?;
        headers.append(name, value);
    }
    Ok(headers)
}
