//! From 17TRACK's track info (v2, v2.2) and track object (v1) to statements.

use super::super::DecodeError;
use crate::formats::{json, times};
use domain::{
    Classifier,
    event_time::EventTime,
    observation::{
        Codes, Decoded, Feed, Location, Observation, Origin, Problem, ProviderCode, RefKind, References, TrackerReport,
    },
};
use jiff::Timestamp;
use serde_json::Value;

/// Decodes a webhook, or an answer with accepted and rejected numbers.
pub(super) fn decode(body: &Value) -> Result<Decoded, DecodeError> {
    let data = body.get("data").unwrap_or(&Value::Null);
    match json::text(body, "event").as_deref() {
        Some("TRACKING_STOPPED") => json::each(&[data], "/data", stopped),
        Some("TRACKING_UPDATED") => json::each(&[data], "/data", report),
        Some(event) => Err(DecodeError::NotTracking(format!("17TRACK event {event}"))),
        None => answer(body, data),
    }
}

fn answer(body: &Value, data: &Value) -> Result<Decoded, DecodeError> {
    if let Some(accepted) = data.get("accepted").and_then(Value::as_array) {
        let mut decoded = json::each(&accepted.iter().collect::<Vec<_>>(), "/data/accepted", report)?;
        let rejected = data.get("rejected").and_then(Value::as_array).into_iter().flatten().enumerate();
        decoded.problems.extend(rejected.map(|(n, item)| Problem {
            at: format!("/data/rejected/{n}"),
            message: format!(
                "17TRACK rejects the number with error {}",
                item.get("error").and_then(|e| json::code(e, "code")).unwrap_or_else(|| "without code".into())
            ),
        }));
        return Ok(decoded);
    }
    if body.get("number").is_some() {
        return json::each(&[body], "", report);
    }
    if body.get("Json").is_some() {
        return Err(DecodeError::NotTracking(
            "a page of 17track.net itself: its numbers have no status to rely on".into(),
        ));
    }
    Err(DecodeError::Incomplete {
        at: "/".into(),
        reason: "there is neither event nor data.accepted nor number: is this a 17TRACK message?".into(),
    })
}

fn references(tracking: &Value, at: &str) -> Result<References, DecodeError> {
    let Some(number) = json::number(tracking, "number", at)? else {
        return Err(DecodeError::Incomplete {
            at: format!("{at}/number"),
            reason: "is missing, so the shipment is unknown".into(),
        });
    };
    let mut refs = References::default();
    refs.add(RefKind::TrackingNumber, Some(&number));
    refs.add(RefKind::Order, json::text(tracking, "tag").as_deref());
    Ok(refs)
}

/// The platform has stopped tracking: that is no event of the goods, and retracts none.
fn stopped(tracking: &Value, at: &str, _problems: &mut Vec<Problem>) -> Result<TrackerReport, DecodeError> {
    let codes = Codes {
        raw: "TRACKING_STOPPED".into(),
        status: vec![ProviderCode::new("17track.event", "TRACKING_STOPPED")],
        reason: None,
        coarse: None,
    };
    let observation = Observation::new(codes, Classifier::Actual, EventTime::unknown(""), Origin::Event);
    Ok(TrackerReport {
        refs: references(tracking, at)?,
        carrier: json::code(tracking, "carrier"),
        feed: Feed::Delta,
        observations: vec![observation],
        test: false,
    })
}

fn report(tracking: &Value, at: &str, problems: &mut Vec<Problem>) -> Result<TrackerReport, DecodeError> {
    let refs = references(tracking, at)?;
    let carrier = json::code(tracking, "carrier");
    let (stamp, observations) = match (tracking.get("track_info"), tracking.get("track")) {
        (Some(info), _) if info.is_object() => of_info(info, &format!("{at}/track_info"), problems),
        (_, Some(track)) if track.is_object() => of_first_version(track, &format!("{at}/track"), problems),
        _ => {
            return Err(DecodeError::Incomplete {
                at: format!("{at}/track_info"),
                reason: "is missing, as is track: there is nothing to read about the number".into(),
            });
        }
    };
    Ok(TrackerReport { refs, carrier, feed: times::snapshot(stamp, &observations), observations, test: false })
}

/// Version 2 and 2.2: events of every carrier on the way, newest first, beside a summary of the newest one.
fn of_info(info: &Value, at: &str, problems: &mut Vec<Problem>) -> (Option<Timestamp>, Vec<Observation>) {
    let tracking = info.get("tracking").unwrap_or(&Value::Null);
    let providers = json::items(tracking, "providers", &format!("{at}/tracking"), problems);
    let stamp = providers.iter().filter_map(|(_, p)| json::instant(p, "latest_sync_time")).max();
    let stages = Stages::of(info);
    let events: Vec<_> = providers.iter().flat_map(|(at, p)| json::items(p, "events", at, problems)).collect();
    let mut observations: Vec<Observation> =
        events.iter().map(|(at, event)| event_of(event, &stages, at, problems)).collect();
    observations.extend(summary(info, &observations, stamp));
    observations.extend(info.pointer("/time_metrics/estimated_delivery_date").and_then(|d| {
        let at = format!("{at}/time_metrics/estimated_delivery_date");
        json::expected_delivery(d, "to", stamp, &at, problems)
            .or_else(|| json::expected_delivery(d, "from", stamp, &at, problems))
    }));
    (stamp, observations)
}

/// Stages by time: events of some carriers have none, while the list of stages reached has the time of each.
struct Stages(Vec<(String, String)>);

impl Stages {
    fn of(info: &Value) -> Self {
        let reached = info.get("milestone").and_then(Value::as_array).into_iter().flatten();
        Self(reached.filter_map(|m| Some((json::text(m, "time_iso")?, json::text(m, "key_stage")?))).collect())
    }

    fn at(&self, event: &Value) -> Option<String> {
        let time = json::text(event, "time_iso")?;
        let mut of_time = self.0.iter().filter(|(at, _)| *at == time);
        // two stages at one time: which event is which is unknown
        of_time.next().filter(|_| of_time.next().is_none()).map(|(_, stage)| stage.clone())
    }
}

fn event_of(event: &Value, stages: &Stages, at: &str, problems: &mut Vec<Problem>) -> Observation {
    let sub_status = json::text(event, "sub_status");
    let stage = json::text(event, "stage").or_else(|| stages.at(event));
    let time = happened(event);
    if time.sort_key().is_none() || time.sentinel {
        problems.push(Problem { at: format!("{at}/time_iso"), message: "is no time that can be used".into() });
    }
    Observation {
        location: location(event),
        description: json::text(event, "description"),
        ..Observation::new(codes(sub_status, stage), Classifier::Actual, time, Origin::Event)
    }
}

/// The sub status is the most specific; a stage is a word of its own list, or of one of the two others. An event with neither has
/// words only.
fn codes(sub_status: Option<String>, stage: Option<String>) -> Codes {
    let raw = sub_status.clone().or_else(|| stage.clone()).unwrap_or_default();
    let of_stage = |stage: &String| {
        ["17track.stage", "17track.sub_status", "17track.status"].map(|list| ProviderCode::new(list, stage))
    };
    let mut status: Vec<ProviderCode> = sub_status.iter().map(|s| ProviderCode::new("17track.sub_status", s)).collect();
    status.extend(stage.iter().flat_map(of_stage));
    let coarse =
        sub_status.as_deref().and_then(|s| s.split('_').next()).map(|s| ProviderCode::new("17track.status", s));
    Codes { raw, status, reason: None, coarse }
}

/// With its own offset; else the instant, else the wall clock as the carrier writes it.
fn happened(event: &Value) -> EventTime {
    let raw = event.get("time_raw").filter(|raw| raw.is_object());
    json::time(event, "time_iso")
        .or_else(|| json::time(event, "time_utc"))
        .or_else(|| {
            let (date, time) = (json::text(raw?, "date")?, json::text(raw?, "time"));
            Some(times::iso(&time.map_or_else(|| date.clone(), |time| format!("{date}T{time}"))))
        })
        .unwrap_or_else(|| EventTime::unknown(""))
}

/// The latest status is an event of its own only where no other reports it (R17).
fn summary(info: &Value, events: &[Observation], stamp: Option<Timestamp>) -> Option<Observation> {
    let status = info.get("latest_status")?;
    let (main, sub) = (json::text(status, "status"), json::text(status, "sub_status"));
    let raw = sub.clone().or_else(|| main.clone())?;
    let latest = info.get("latest_event").filter(|event| event.is_object());
    let time = latest.map_or_else(|| EventTime::unknown(""), happened);
    let coarse = main.as_ref().map(|main| ProviderCode::new("17track.status", main));
    let says_it = |e: &Observation| {
        e.codes.raw == raw
            || e.time == time && main.as_ref().is_some_and(|main| !main.is_empty() && e.codes.raw == *main)
    };
    if events.iter().any(says_it) {
        return None;
    }
    Some(Observation {
        stated_at: stamp,
        location: latest.and_then(location),
        description: latest.and_then(|event| json::text(event, "description")),
        ..Observation::new(
            Codes {
                raw,
                status: sub.iter().map(|s| ProviderCode::new("17track.sub_status", s)).collect(),
                reason: None,
                coarse,
            },
            Classifier::Actual,
            time,
            Origin::Summary,
        )
    })
}

fn location(event: &Value) -> Option<Location> {
    let address = event.get("address").unwrap_or(&Value::Null);
    let named = json::text(event, "location");
    let only_country = named.as_deref().filter(|n| n.len() == 2).and_then(json::country);
    let city = json::text(address, "city");
    Location {
        country: json::text(address, "country").and_then(|c| json::country(&c)).or_else(|| only_country.clone()),
        region: json::text(address, "state"),
        postal: json::text(address, "postal_code"),
        raw: named.filter(|n| only_country.is_none() && city.as_ref() != Some(n)),
        city,
        ..Location::default()
    }
    .non_empty()
}

/// Version 1: `e` is the status, `z0` the newest event, `z1` and `z2` the lists of the two carriers; an event is a time
/// `a`, places `c` and `d`, and words `z`.
fn of_first_version(track: &Value, at: &str, problems: &mut Vec<Problem>) -> (Option<Timestamp>, Vec<Observation>) {
    let stamp = json::instant(track, "ygt2").or_else(|| json::instant(track, "ygt1"));
    let status = json::code(track, "e");
    let newest = track.get("z0").filter(|event| event.is_object());
    let lists = ["z2", "z1", "z9"].into_iter().filter_map(|list| track.get(list)?.as_array());
    let mut observations: Vec<Observation> = lists
        .flatten()
        .map(|event| in_words(event, newest.filter(|n| *n == event).and(status.clone()), at, problems))
        .collect();
    if let Some(status) = status.filter(|s| !observations.iter().any(|o| o.codes.raw == *s)) {
        let event = newest.unwrap_or(&Value::Null);
        let said = in_words(event, Some(status), at, &mut Vec::new());
        observations.push(Observation { origin: Origin::Summary, stated_at: stamp, ..said });
    }
    (stamp, observations)
}

fn in_words(event: &Value, status: Option<String>, at: &str, problems: &mut Vec<Problem>) -> Observation {
    let time = json::text(event, "a").map_or_else(|| EventTime::unknown(""), |raw| times::iso(&raw));
    if time.sort_key().is_none() {
        problems.push(Problem { at: format!("{at}/a"), message: "an event has no time that can be used".into() });
    }
    let codes = Codes {
        raw: status.clone().unwrap_or_default(),
        status: status.iter().map(|s| ProviderCode::new("17track.v1", s)).collect(),
        reason: None,
        coarse: None,
    };
    let place = [json::text(event, "c"), json::text(event, "d")].into_iter().flatten().collect::<Vec<_>>().join(", ");
    Observation {
        location: Location { raw: (!place.is_empty()).then_some(place), ..Location::default() }.non_empty(),
        description: json::text(event, "z"),
        ..Observation::new(codes, Classifier::Actual, time, Origin::Event)
    }
}
