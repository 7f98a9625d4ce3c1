//! The composed scenarios, folded as the tower would: after each message and at the end.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use serde_json::Value;
use std::{fs, path::Path};

#[test]
fn every_scenario_ends_as_it_must() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios");
    let mut folded = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|e| e != "json") {
            continue;
        }
        let text = fs::read(&path).unwrap();
        let scenario: Value = serde_json::from_slice(&text).unwrap();
        let got = server::cli::fold_file(&path, &text).unwrap();
        let expected = &scenario["expected"];
        assert_eq!(got["state_after_each"], expected["state_after_each"], "{}", path.display());
        for (key, value) in expected["final"].as_object().unwrap() {
            agrees(value, &got["final"][key], &format!("{}: {key}", path.display()));
        }
        if scenario["permutation_invariant"] == true {
            in_reverse(&path, scenario, &got["final"]["state"]);
        }
        folded += 1;
    }
    assert!(folded >= 12, "{folded} scenarios");
}

/// What is expected is there; what is not spoken of may be anything.
fn agrees(expected: &Value, got: &Value, at: &str) {
    match (expected, got) {
        (Value::Object(wanted), Value::Object(found)) if !wanted.is_empty() => {
            wanted.iter().for_each(|(k, v)| agrees(v, found.get(k).unwrap_or(&Value::Null), at))
        }
        (Value::Array(wanted), Value::Array(found)) => {
            assert_eq!(wanted.len(), found.len(), "{at}: {got}");
            wanted.iter().zip(found).for_each(|(v, w)| agrees(v, w, at));
        }
        _ => assert_eq!(expected, got, "{at}"),
    }
}

fn in_reverse(path: &Path, mut scenario: Value, state: &Value) {
    let received: Vec<Value> =
        scenario["inputs"].as_array().unwrap().iter().map(|i| i["received_at"].clone()).collect();
    let inputs = scenario["inputs"].as_array_mut().unwrap();
    inputs.reverse();
    // the clock does not run backwards: the last message's time for all
    inputs.iter_mut().for_each(|i| i["received_at"] = received.last().unwrap().clone());
    let got = server::cli::fold_file(path, scenario.to_string().as_bytes()).unwrap();
    assert_eq!(&got["final"]["state"], state, "{} in reverse", path.display());
}
