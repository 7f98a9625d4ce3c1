//! The standard tests of every connector: what its fixtures say, what must be refused, and that nothing makes it panic.

use super::{Carrier, DecodeError, Settings, present};
use domain::{mapping::Mapping, observation::Decoded};
use serde_json::Value;
use std::{
    fs,
    path::{Path, PathBuf},
};

fn carriers() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/carriers")
}

fn read(path: &Path) -> Vec<u8> {
    fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// As a source without settings reads it.
fn message(carrier: &dyn Carrier, raw: &[u8]) -> Result<Decoded, DecodeError> {
    super::read(carrier, &Settings::default(), raw)
}

/// Every fixture with an expectation is read as expected; how many.
pub(super) fn agree_with_expectations(carrier: &dyn Carrier) -> usize {
    let folder = carriers().join(carrier.manifest().id).join("fixtures");
    let mut files = 0;
    for entry in fs::read_dir(&folder).unwrap() {
        let expected = entry.unwrap().path();
        let name = expected.file_name().unwrap().to_string_lossy().into_owned();
        let Some(stem) = name.strip_suffix(".expected.json") else { continue };
        let payload = ["json", "edi", "xml"]
            .iter()
            .map(|ending| folder.join(format!("{stem}.{ending}")))
            .find(|p| p.exists())
            .unwrap();
        let expected: Value = serde_json::from_slice(&read(&expected)).unwrap();
        let decoded = message(carrier, &read(&payload)).unwrap_or_else(|e| panic!("{stem}: {e}"));
        let shown = present::decoded(stem, carrier.manifest().id, &decoded, &Mapping::base());
        let (events, wanted) = (shown["events"].as_array().unwrap(), expected["events"].as_array().unwrap());
        assert_eq!(events.len(), wanted.len(), "{stem}: {shown}");
        for (event, wanted) in events.iter().zip(wanted) {
            for key in ["milestone", "exception", "classifier", "raw_code"] {
                assert_eq!(event[key], wanted[key], "{stem}: {key}");
            }
            for key in ["local", "utc", "precision"] {
                assert_eq!(event["time"][key], wanted["time"][key], "{stem}: time {key}");
            }
        }
        files += 1;
    }
    files
}

/// Every fixture is read or refused with a reason.
pub(super) fn nothing_is_refused_without_a_reason(carrier: &dyn Carrier) {
    for entry in fs::read_dir(carriers().join(carrier.manifest().id).join("fixtures")).unwrap() {
        let path = entry.unwrap().path();
        if path.to_string_lossy().contains(".expected.") || path.extension().is_some_and(|e| e == "md") {
            continue;
        }
        match message(carrier, &read(&path)) {
            Ok(decoded) => {
                assert!(decoded.reports.iter().all(|r| !r.observations.is_empty()), "{} says nothing", path.display())
            }
            Err(DecodeError::NotTracking(what)) => assert!(!what.is_empty()),
            Err(error) => panic!("{}: {error}", path.display()),
        }
    }
}

/// A hostile input.
pub(super) fn hostile(name: &str) -> Vec<u8> {
    read(&carriers().join("fixtures/hostile").join(name))
}

/// Cuts, flips and doubles pieces of a good message: whatever comes out, decoding ends.
pub(super) fn mutilate(carrier: &dyn Carrier, good: &[u8]) {
    for at in (0..good.len()).step_by((good.len() / 97).max(1)) {
        let _ = message(carrier, &good[..at]);
        let mut flipped = good.to_vec();
        flipped[at] ^= 0x15;
        let _ = message(carrier, &flipped);
        let _ = message(carrier, &[&good[..at], good].concat());
    }
}

#[test]
fn every_connector_is_in_the_documentation() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../docs/PLATFORMS.md");
    let page = String::from_utf8(read(&page)).unwrap();
    for manifest in super::ALL.iter().map(|c| c.manifest()) {
        let line = page.lines().find(|l| l.starts_with(&format!("| `{}` |", manifest.id)));
        let line = line.unwrap_or_else(|| panic!("{} is not in docs/PLATFORMS.md", manifest.id));
        for scheme in manifest.schemes {
            assert!(line.contains(&format!("`{}`", scheme.name())), "{}: {}", manifest.id, scheme.name());
        }
    }
}
