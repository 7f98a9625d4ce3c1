//! What reading and folding cost on one core.

use super::Line;
use crate::conformance::root;
use anyhow::{Context, Result, ensure};
use carriers::{Carrier, Settings};
use domain::{
    fold::{Fact, FoldInput, Sighting, Snapshot, fold},
    ids::{SnapshotId, SourceId, TrackerId, content_id},
    mapping::Mapping,
    observation::{Decoded, Feed},
    reading::Reader,
};
use jiff::Timestamp;
use std::{
    fs,
    hint::black_box,
    time::{Duration, Instant},
};

/// A measurement runs at least so long.
const MEASURED: Duration = Duration::from_millis(300);
/// A measurement is the best of so many: what disturbs it only makes it slower.
const ROUNDS: u32 = 60;
/// Decoding, mapping and folding a kibibyte, in microseconds.
const EVENT_GOAL_US: f64 = 30.0;
/// Folding a shipment of so many observations, in microseconds.
const FOLD_GOAL_US: f64 = 200.0;
const FOLDED: usize = 500;
/// A byte of a large message may cost so many times a byte of a small one.
const FLAT_GOAL: f64 = 2.0;

/// All of it.
///
/// # Errors
/// When a fixture cannot be read.
pub fn reading() -> Result<Vec<Line>> {
    let mut lines = events()?;
    lines.extend(folds()?);
    lines.extend(flatness()?);
    Ok(lines)
}

/// Microseconds of one call: the best of some rounds.
fn measure(mut work: impl FnMut()) -> f64 {
    work();
    let begin = Instant::now();
    work();
    let once = begin.elapsed().max(Duration::from_nanos(50));
    let calls = u32::try_from(MEASURED.as_nanos() / u128::from(ROUNDS) / once.as_nanos()).unwrap_or(u32::MAX).max(1);
    let best = (0..ROUNDS).map(|_| {
        let begin = Instant::now();
        (0..calls).for_each(|_| work());
        begin.elapsed()
    });
    best.min().unwrap_or_default().as_secs_f64() * 1e6 / f64::from(calls)
}

/// For every platform that speaks JSON: the fixture that is nearest to a kibibyte, from its bytes to the state.
fn events() -> Result<Vec<Line>> {
    let mut lines = Vec::new();
    let now: Timestamp = "2026-12-01T00:00:00Z".parse()?;
    let mapping = Mapping::base();
    for carrier in carriers::ALL {
        let Some(bytes) = fixture(*carrier)? else { continue };
        let kibibytes = bytes.len() as f64 / 1024.0;
        let us = measure(|| {
            let decoded = carriers::read(*carrier, &Settings::default(), &bytes).expect("the fixture was read before");
            black_box(fold(&input(decoded, &mapping, now), now));
        });
        let name = format!("{}: decode, map and fold, per KiB ({} B)", carrier.manifest().id, bytes.len());
        lines.push(Line::at_most(name, us / kibibytes.max(1.0), "µs", EVENT_GOAL_US));
    }
    Ok(lines)
}

fn fixture(carrier: &dyn Carrier) -> Result<Option<Vec<u8>>> {
    let folder = root().join("server/crates/carriers/src").join(carrier.manifest().id).join("fixtures");
    let mut best: Option<Vec<u8>> = None;
    // a connector without fixtures of its own reads as its source is set
    for entry in fs::read_dir(&folder).into_iter().flatten() {
        let path = entry?.path();
        let name = path.to_string_lossy();
        if !name.ends_with(".json") || name.ends_with(".expected.json") {
            continue;
        }
        let bytes = fs::read(&path)?;
        let says = carriers::read(carrier, &Settings::default(), &bytes)
            .is_ok_and(|d| d.reports.iter().any(|r| !r.observations.is_empty()));
        if says && best.as_ref().is_none_or(|b| b.len().abs_diff(1024) > bytes.len().abs_diff(1024)) {
            best = Some(bytes);
        }
    }
    Ok(best)
}

/// What is known once a message is recorded.
fn input(decoded: Decoded, reader: &dyn Reader, at: Timestamp) -> FoldInput {
    let (source, tracker) = (SourceId(content_id("source", &[])), TrackerId(content_id("tracker", &[])));
    let mut input = FoldInput::default();
    for (report, n) in decoded.reports.into_iter().zip(0u8..) {
        let positions = report.positions();
        let snapshot = match report.feed {
            Feed::Delta => None,
            Feed::Snapshot { stamp } => {
                let id = SnapshotId(content_id("snapshot", &[&[n]]));
                let digest = n.to_string();
                input.snapshots.push(Snapshot { id, source, tracker, object: None, stamp, digest, recorded_at: at });
                Some(id)
            }
        };
        input.facts.extend(report.observations.into_iter().zip(positions).map(|(observation, position)| Fact {
            id: observation.id("bench", "tracker"),
            reading: reader.read(&observation),
            observation,
            tracker,
            piece: None,
            source,
            trust: domain::fold::Trust::Carrier,
            sightings: vec![Sighting { snapshot, position, recorded_at: at }],
        }));
    }
    input
}

/// An AfterShip message with so many checkpoints.
fn long_message(checkpoints: usize) -> Vec<u8> {
    let subtags =
        ["InTransit_001", "InTransit_003", "InTransit_007", "Exception_005", "OutForDelivery_001", "AttemptFail_002"];
    let list: Vec<_> = (0..checkpoints)
        .map(|n| {
            let subtag = subtags[n % subtags.len()];
            let (day, hour, minute) = (n / 288 % 28 + 1, n / 12 % 24, n % 12 * 5);
            serde_json::json!({"tag": subtag.split('_').next(), "subtag": subtag, "message": "as the carrier says it", "city": "Lyon", "country_iso3": "FRA",
                "checkpoint_time": format!("2026-03-{day:02}T{hour:02}:{minute:02}:00")})
        })
        .collect();
    let message = serde_json::json!({"event_id": "e", "msg": {"id": "t", "tracking_number": "BENCH1", "slug": "dhl", "tag": "InTransit",
        "subtag": "InTransit_001", "updated_at": "2026-03-30T00:00:00Z", "checkpoints": list}});
    message.to_string().into_bytes()
}

fn folds() -> Result<Vec<Line>> {
    let now: Timestamp = "2026-04-01T00:00:00Z".parse()?;
    let carrier = carriers::by_id("aftership").context("the connector")?;
    let decoded = carriers::read(carrier, &Settings::default(), &long_message(FOLDED))?;
    let input = input(decoded, &Mapping::base(), now);
    ensure!(input.facts.len() >= FOLDED, "{} facts", input.facts.len());
    let us = measure(|| drop(black_box(fold(black_box(&input), now))));
    Ok(vec![Line::at_most(format!("fold of a shipment with {FOLDED} observations"), us, "µs", FOLD_GOAL_US)])
}

/// Makes a message of about so many kibibytes.
type OfSize = fn(usize) -> Vec<u8>;

/// A byte of a mebibyte costs what a byte of a kibibyte does.
fn flatness() -> Result<Vec<Line>> {
    let messages: [(&str, OfSize); 4] = [
        ("aftership", |kib| long_message(kib * 7)),
        ("x12_214", interchange),
        ("edifact_iftsta", statuses),
        ("epcis", events_of_units),
    ];
    let mut lines = Vec::new();
    for (id, of_size) in messages {
        let carrier = carriers::by_id(id).context("the connector")?;
        let per_byte = |kib: usize| -> Result<f64> {
            let bytes = of_size(kib);
            carriers::read(carrier, &Settings::default(), &bytes)?;
            Ok(measure(|| drop(black_box(carriers::read(carrier, &Settings::default(), &bytes)))) * 1000.0
                / bytes.len() as f64)
        };
        let (small, large) = (per_byte(1)?, per_byte(1024)?);
        lines.push(Line::info(format!("{id}: decode, 1 KiB"), small, "ns/B"));
        lines.push(Line::at_most(format!("{id}: a byte of 1 MiB against one of 1 KiB"), large / small, "×", FLAT_GOAL));
    }
    Ok(lines)
}

/// A 214 interchange of about so many kibibytes.
fn interchange(kib: usize) -> Vec<u8> {
    let isa = "ISA*00*          *00*          *02*CMPO           *ZZ*RCV            *260310*1200*U*00401*000000001*0*T*>~GS*QM*CMPO*RCV*20260310*1200*1*X*004010~";
    let set = |n: usize| {
        format!(
            "ST*214*{n:04}~B10*PRO{n:05}*SHP{n:05}*CMPO~LX*1~AT7*X6*NS***20260304*1000*ET~MS1*BECKLEY*WV*US~AT7*D1*NS***20260305*1000*ET~MS1*CHARLOTTE*NC*US~SE*8*{n:04}~"
        )
    };
    let sets = kib * 1024 / set(0).len();
    format!("{isa}{}GE*1*1~IEA*1*000000001~", (0..sets.max(1)).map(set).collect::<String>()).into_bytes()
}

/// An IFTSTA interchange of about so many kibibytes.
fn statuses(kib: usize) -> Vec<u8> {
    let message = |n: usize| {
        format!(
            "UNH+{n}+IFTSTA:D:01B:UN'BGM+23+{n}+9'DTM+137:202603101200:203'NAD+CA+CMPO::ZZZ'CNI+1+CMP{n:06}'LOC+7+DEHAM::6'STS+1+24'DTM+78:202603091512+01:205'STS+1+21'DTM+78:202603101512+01:205'UNT+11+{n}'"
        )
    };
    let messages = (kib * 1024 / message(0).len()).max(1);
    format!("UNB+UNOC:3+A:ZZ+B:ZZ+260310:1200+1'{}UNZ+{messages}+1'", (0..messages).map(message).collect::<String>())
        .into_bytes()
}

/// An EPCIS document of about so many kibibytes, each logistic unit with two events.
fn events_of_units(kib: usize) -> Vec<u8> {
    let event = |n: usize| {
        format!(
            r#"{{"type":"ObjectEvent","eventTime":"2026-03-02T10:30:00+01:00","eventTimeZoneOffset":"+01:00","epcList":["urn:epc:id:sscc:4012345.{:010}"],"action":"OBSERVE","bizStep":"departing","readPoint":{{"id":"urn:epc:id:sgln:4012345.00001.0"}}}}"#,
            n / 2
        )
    };
    let events = (kib * 1024 / event(0).len()).max(1);
    let list = (0..events).map(event).collect::<Vec<_>>().join(",");
    format!(r#"{{"type":"EPCISDocument","schemaVersion":"2.0","epcisBody":{{"eventList":[{list}]}}}}"#).into_bytes()
}
