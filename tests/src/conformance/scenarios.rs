//! Scenarios of the precedence rules: the state after each message, the end, and the same end in any order.

use super::Tally;
use anyhow::{Context, Result};
use serde_json::Value;
use std::{
    fs,
    path::{Path, PathBuf},
};

/// Orders of one scenario that are tried.
const ORDERS_MAX: usize = 120;

/// Every scenario under a folder.
pub(super) fn run(folder: &Path) -> Result<Tally> {
    let mut tally = Tally::default();
    for path in files(folder)? {
        let text = fs::read(&path).with_context(|| path.display().to_string())?;
        let scenario: Value = serde_json::from_slice(&text).with_context(|| path.display().to_string())?;
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        tally.add(&name, examine(&path, &text, scenario));
    }
    Ok(tally)
}

fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(files(&path)?);
        } else if path.extension().is_some_and(|e| e == "json") {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

fn examine(path: &Path, text: &[u8], scenario: Value) -> Result<(), String> {
    let got = carriers::scenarios::fold(path, text)?;
    let expected = &scenario["expected"];
    agrees(&expected["state_after_each"], &got["state_after_each"], "state_after_each")?;
    for (key, value) in expected["final"].as_object().into_iter().flatten() {
        agrees(value, &got["final"][key], key)?;
    }
    if scenario["permutation_invariant"] == true {
        in_any_order(path, scenario, &got["final"])?;
    }
    Ok(())
}

/// What is expected is there; what is not spoken of may be anything.
fn agrees(expected: &Value, got: &Value, at: &str) -> Result<(), String> {
    match (expected, got) {
        (Value::Object(wanted), Value::Object(found)) if !wanted.is_empty() => wanted
            .iter()
            .try_for_each(|(key, v)| agrees(v, found.get(key).unwrap_or(&Value::Null), &format!("{at}.{key}"))),
        (Value::Array(wanted), Value::Array(found)) if wanted.len() == found.len() => {
            wanted.iter().zip(found).try_for_each(|(v, w)| agrees(v, w, at))
        }
        _ if expected == got => Ok(()),
        _ => Err(format!("{at}: expected {expected}, got {got}")),
    }
}

/// The clock does not run backwards: the last message's time for all.
fn in_any_order(path: &Path, mut scenario: Value, first: &Value) -> Result<(), String> {
    let mut inputs = scenario["inputs"].as_array().cloned().unwrap_or_default();
    let last = inputs.iter().filter_map(|i| i["received_at"].as_str()).max().unwrap_or_default().to_owned();
    inputs.iter_mut().for_each(|input| input["received_at"] = last.clone().into());
    for order in permutations(inputs.len()).into_iter().take(ORDERS_MAX) {
        scenario["inputs"] = order.iter().map(|n| inputs[*n].clone()).collect();
        let got = carriers::scenarios::fold(path, scenario.to_string().as_bytes())?;
        for key in [
            "state",
            "delivered_at",
            "delivered_at_local",
            "returned_at",
            "pieces",
            "schedule",
            "visibility",
            "open_exceptions",
        ] {
            agrees(&first[key], &got["final"][key], &format!("in the order {order:?}: {key}"))?;
        }
    }
    Ok(())
}

/// Every order of so many, the first ones by exchange of the last.
fn permutations(n: usize) -> Vec<Vec<usize>> {
    if n == 0 {
        return vec![Vec::new()];
    }
    let shorter = permutations(n.min(6) - 1);
    let mut all: Vec<Vec<usize>> = Vec::new();
    for order in shorter {
        for at in (0..=order.len()).rev() {
            let mut longer = order.clone();
            longer.insert(at, order.len());
            longer.extend(n.min(6)..n);
            all.push(longer);
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_order_is_there_once() {
        let mut all = permutations(4);
        assert_eq!(all.len(), 24);
        all.sort();
        all.dedup();
        assert_eq!(all.len(), 24);
        assert!(permutations(7).iter().all(|o| o.len() == 7));
    }
}
