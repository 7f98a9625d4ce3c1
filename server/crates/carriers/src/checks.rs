//! The standard tests of every connector: what its fixtures say, what must be refused, and that nothing makes it panic.

use super::{Carrier, DecodeError, Settings, Tests, present};
use domain::{event_time::ZoneSource, mapping::Mapping, observation::Decoded};
use serde_json::{Value, json};
use std::{
    fs,
    path::{Path, PathBuf},
};

fn carriers() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
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
        if let Some(problems) = expected["problems"].as_u64() {
            assert_eq!(decoded.problems.len() as u64, problems, "{stem}: {:?}", decoded.problems);
        }
        let (events, wanted) = (shown["events"].as_array().unwrap(), expected["events"].as_array().unwrap());
        assert_eq!(events.len(), wanted.len(), "{stem}: {shown}");
        for (event, wanted) in events.iter().zip(wanted) {
            for key in ["milestone", "exception", "classifier", "raw_code"] {
                assert_eq!(event[key], wanted[key], "{stem}: {key}");
            }
            for key in ["test", "also"].into_iter().filter(|_| expected["problems"].is_u64()) {
                assert_eq!(event.get(key), wanted.get(key), "{stem}: {key}");
            }
            if let Some(city) = wanted["location"]["city"].as_str() {
                assert_eq!(event["location"]["city"].as_str(), Some(city), "{stem}");
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
                assert!(decoded.reports.iter().all(|r| !r.observations.is_empty()), "{} has no event", path.display())
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

/// Every scenario of the rules ends as it says, whatever the connectors have become.
#[test]
fn scenarios_end_as_they_say() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../tests/fixtures/scenarios");
    let mut scenarios = 0;
    for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if path.extension().is_none_or(|e| e != "json") {
            continue;
        }
        let text = read(&path);
        let expected = serde_json::from_slice::<Value>(&text).unwrap()["expected"].take();
        let got = super::scenarios::fold(&path, &text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        assert_eq!(got["state_after_each"], expected["state_after_each"], "{}", path.display());
        for key in
            ["state", "delivered_at", "attempts", "events_active", "events_retracted", "corrections", "anomalies"]
        {
            if let Some(wanted) = expected["final"].get(key) {
                assert_eq!(&got["final"][key], wanted, "{}: {key}", path.display());
            }
        }
        scenarios += 1;
    }
    assert!(scenarios > 20);
}

/// Cuts, flips and doubles pieces of a good message: whatever comes out, decoding ends.
pub(super) fn corrupt(carrier: &dyn Carrier, good: &[u8]) {
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

/// What the documentation says of a proof is what the code does.
#[test]
fn every_scheme_is_in_the_documentation() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../docs/PLATFORMS.md");
    let page = String::from_utf8(read(&page)).unwrap();
    let (_, table) = page.split_once("\n| scheme | covers |").unwrap();
    for scheme in super::Scheme::ALL {
        let line = table.lines().find(|l| l.starts_with(&format!("| `{}` |", scheme.name())));
        let line = line.unwrap_or_else(|| panic!("{} is not in docs/PLATFORMS.md", scheme.name()));
        let covers = scheme.covers();
        let words: Vec<_> = [(covers.body, "body"), (covers.time, "time"), (covers.path, "path")]
            .into_iter()
            .filter_map(|(covered, word)| covered.then_some(word))
            .collect();
        let words = if words.is_empty() { "nothing".to_owned() } else { words.join(", ") };
        let tolerance =
            if covers.time { format!("{} min", super::Endpoint::USUAL.tolerance_minutes) } else { String::new() };
        let cells: Vec<_> = line.split('|').map(str::trim).collect();
        assert_eq!((cells[2], cells[3]), (words.as_str(), tolerance.as_str()), "{line}");
        assert_eq!(cells[4].contains("good for one message"), !covers.body && covers.time, "{line}");
    }
    let only_ok: Vec<_> = super::ALL.iter().map(|c| c.manifest()).filter(|m| m.endpoint.accepted == 200).collect();
    let success = page.lines().find(|l| l.starts_with("| success |")).unwrap();
    assert!(only_ok.iter().all(|m| success.contains(m.label)), "{success}");
    assert_eq!(success.matches(',').count() + 1, only_ok.len(), "{success}");
    assert!(super::ALL.iter().all(|c| [200, 202].contains(&c.manifest().endpoint.accepted)));
}

#[test]
fn a_source_is_set_to_a_zone_that_there_is() {
    let set = |zone: &str| Settings { zone: Some(zone.to_owned()), ..Settings::default() };
    assert_eq!(Settings::default().check(), Ok(()));
    assert_eq!(set("Europe/Berlin").check(), Ok(()));
    for zone in ["", "CET+1", "Berlin", "+01:00", "Mars/Phobos"] {
        assert!(set(zone).check().is_err_and(|bad| bad.contains("Europe/Berlin")), "{zone}");
    }
}

/// Whatever is settled, what the message said of the time stays as it said it.
#[test]
fn settling_adds_zones_and_never_an_instant() {
    let settings = Settings { zone: Some("Asia/Tokyo".into()), ..Settings::default() };
    let mut of_source = 0;
    for carrier in super::ALL {
        let folder = carriers().join(carrier.manifest().id).join("fixtures");
        for entry in fs::read_dir(&folder).into_iter().flatten() {
            let raw = read(&entry.unwrap().path());
            let (Ok(mut said), Ok(settled)) = (carrier.decode(&raw), super::read(*carrier, &settings, &raw)) else {
                continue;
            };
            super::tidy::tidy(&mut said);
            let times = |decoded: &Decoded| -> Vec<_> {
                decoded.reports.iter().flat_map(|r| &r.observations).map(|o| o.time.clone()).collect()
            };
            for (said, settled) in times(&said).into_iter().zip(times(&settled)) {
                assert_eq!((&said.raw, said.local, said.utc), (&settled.raw, settled.local, settled.utc));
                assert!(said.zone.is_none() || said.zone == settled.zone, "{}", said.raw);
                assert!(settled.local.is_none() || settled.sentinel || settled.zone.is_some(), "{}", said.raw);
                of_source += usize::from(settled.zone_source == Some(ZoneSource::CarrierDefault));
            }
        }
    }
    assert!(of_source > 0);
}

/// What says of itself that it is a test is shown and moves nothing, unless the source is set to take it.
#[test]
fn tests_move_nothing() {
    let live = json!({"tracking_code": "EZ1", "status": "delivered", "mode": "production"});
    let test = json!({"tracking_code": "EZ2", "status": "delivered", "mode": "test"});
    let x12 = "ISA*00*          *00*          *02*CMPO           *ZZ*RCV            *260310*1200*U*00401*000000001*0*";
    let set = "~GS*QM*A*B~ST*214*1~B10*N1*S*C~AT7*D1*NS***20260310~SE*4*1~GE*1*1~IEA*1*1~";
    let taken = Settings { tests: Tests::Taken, ..Settings::default() };
    for (carrier, raw, moving, all) in [
        ("easypost", json!({"trackers": [live, test]}).to_string(), 1, 2),
        ("easypost", json!([live, test]).to_string(), 1, 2),
        (
            "shippo",
            json!({"event": "track_updated", "test": true, "data": {"tracking_number": "S1"}}).to_string(),
            0,
            1,
        ),
        ("x12_214", format!("{x12}T*>{set}{x12}P*>{set}"), 1, 2),
    ] {
        let read = |settings: &Settings| super::read(super::by_id(carrier).unwrap(), settings, raw.as_bytes()).unwrap();
        assert_eq!(read(&Settings::default()).reports.len(), all, "{raw}");
        assert!(read(&Settings::default()).problems.iter().any(|p| p.message.contains("test")), "{raw}");
        match super::moving(read(&Settings::default()), &Settings::default()) {
            Ok(left) => assert_eq!(left.reports.len(), moving, "{raw}"),
            Err(error) => assert!(moving == 0 && matches!(error, DecodeError::NotTracking(_)), "{raw}: {error}"),
        }
        assert_eq!(super::moving(read(&taken), &taken).unwrap().reports.len(), all, "{raw}");
    }
}
