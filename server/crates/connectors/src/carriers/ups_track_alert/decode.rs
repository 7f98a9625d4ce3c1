//! From a Track Alert to statements: one activity, and the day for which the delivery is planned.

use super::super::{DecodeError, json, times};
use domain::{
    Classifier,
    event_time::{EventTime, Precision, ZoneSource},
    observation::{
        Codes, Decoded, Feed, Location, Observation, Origin, Problem, ProviderCode, RefKind, References, TrackerReport,
    },
};
use jiff::{Timestamp, civil::DateTime, tz::TimeZone};
use serde_json::Value;

/// Types that say by themselves what happened; their codes only say how.
const TELLING_TYPES: &[&str] = &["M", "MV", "U", "D"];

/// Decodes an alert, or a list of them.
pub(super) fn decode(body: &Value) -> Result<Decoded, DecodeError> {
    match body {
        Value::Array(list) => json::each(&list.iter().collect::<Vec<_>>(), "", report),
        Value::Object(fields) if fields.contains_key("tracking_number") => json::each(&[body], "", report),
        Value::Object(fields)
            if fields.contains_key("inquiry_number") || fields.contains_key("valid_tracking_numbers") =>
        {
            Err(DecodeError::NotTracking("UPS answers a subscription".into()))
        }
        _ => Err(DecodeError::Incomplete {
            at: "/trackingNumber".into(),
            reason: "is missing: is this a UPS Track Alert?".into(),
        }),
    }
}

fn report(alert: &Value, at: &str, problems: &mut Vec<Problem>) -> Result<TrackerReport, DecodeError> {
    let Some(number) = json::number(alert, "tracking_number", at)? else {
        return Err(DecodeError::Incomplete {
            at: format!("{at}/trackingNumber"),
            reason: "is missing: nobody can tell what this is about".into(),
        });
    };
    let mut refs = References::default();
    refs.add(RefKind::TrackingNumber, Some(&number));
    let Some(codes) = alert.get("activity_status").and_then(|status| codes(status, delivered_on(alert))) else {
        return Err(DecodeError::Incomplete {
            at: format!("{at}/activityStatus"),
            reason: "has no type: nobody can tell what happened".into(),
        });
    };
    let time = happened(alert);
    if time.sentinel || time.sort_key().is_none() {
        problems.push(Problem {
            at: format!("{at}/localActivityDate"),
            message: "neither the local nor the GMT activity date can be read".into(),
        });
    }
    let stated_at = time.utc;
    let activity = Observation {
        stated_at,
        location: alert.get("activity_location").and_then(location),
        description: alert.get("activity_status").and_then(|s| json::text(s, "description")),
        ..Observation::new(codes, Classifier::Actual, time, Origin::Event)
    };
    let observations = std::iter::once(activity).chain(planned(alert, stated_at)).collect();
    Ok(TrackerReport { refs, carrier: Some("UPS".into()), feed: Feed::Delta, observations })
}

fn delivered_on(alert: &Value) -> Option<String> {
    json::text(alert, "actual_delivery_date")
}

/// The type, and the code that refines it. `D` covers loaded on the vehicle, out for delivery and delivered: with the
/// day of the delivery, or a code that says so, it is the last.
fn codes(status: &Value, delivered_on: Option<String>) -> Option<Codes> {
    let kind = json::text(status, "type")?.to_uppercase();
    let code = json::text(status, "code").map(|c| c.to_uppercase());
    let raw = code.map_or_else(|| kind.clone(), |code| format!("{kind}/{code}"));
    let mut candidates = vec![ProviderCode::new("ups_track_alert.code", &raw)];
    if kind == "D" && delivered_on.is_some() {
        candidates.push(ProviderCode::new("ups_track_alert.code", "D/DELIVERED"));
    }
    let kind = ProviderCode::new("ups_track_alert.type", kind);
    let telling = TELLING_TYPES.contains(&kind.value.as_str());
    let coarse = (!telling).then(|| kind.clone());
    candidates.extend(telling.then_some(kind));
    Some(Codes { raw, status: candidates, reason: None, coarse })
}

/// The wall clock at the place, and the instant: UPS gives both.
fn happened(alert: &Value) -> EventTime {
    let local = clock(alert, "local_activity_date", "local_activity_time");
    let gmt = clock(alert, "gmt_activity_date", "gmt_activity_time");
    let utc = gmt.as_ref().and_then(|(_, at, _)| TimeZone::UTC.to_timestamp(*at).ok());
    match (local, utc) {
        (Some((raw, local, precision)), utc) => with_instant(EventTime::floating(raw, local, precision), utc),
        (None, Some(utc)) => {
            let (raw, _, precision) = gmt.expect("the instant came from it");
            EventTime::instant(raw, utc, precision)
        }
        (None, None) => EventTime::unknown(json::text(alert, "local_activity_date").unwrap_or_default()),
    }
}

fn with_instant(mut time: EventTime, utc: Option<Timestamp>) -> EventTime {
    let (Some(local), Some(utc), true) = (time.local, utc, time.precision > Precision::Date) else { return time };
    let away = TimeZone::UTC.to_timestamp(local).map(|as_utc| as_utc.duration_since(utc).as_mins()).unwrap_or_default();
    let sign = if away < 0 { '-' } else { '+' };
    time.zone = Some(format!("{sign}{:02}:{:02}", away.abs() / 60, away.abs() % 60));
    (time.utc, time.zone_source) = (Some(utc), Some(ZoneSource::Payload));
    time
}

fn clock(alert: &Value, date: &str, time: &str) -> Option<(String, DateTime, Precision)> {
    let (date, time) = (json::text(alert, date)?, json::text(alert, time));
    let day = times::compact_date(&date.replace('-', ""))?;
    let clock = time.as_deref().and_then(|t| times::compact_clock(&t.replace(':', "")));
    let raw = time.map_or_else(|| date.clone(), |time| format!("{date} {time}"));
    Some(match clock {
        Some((clock, precision)) => (raw, DateTime::from_parts(day, clock), precision),
        None => (raw, day.at(0, 0, 0, 0), Precision::Date),
    })
}

/// The day for which UPS has planned the delivery; once it is delivered it is no news.
fn planned(alert: &Value, stated_at: Option<Timestamp>) -> Option<Observation> {
    if delivered_on(alert).is_some() {
        return None;
    }
    let raw = json::text(alert, "scheduled_delivery_date")?;
    let day = times::compact_date(&raw.replace('-', ""))?;
    let codes = Codes {
        raw: "scheduledDeliveryDate".into(),
        status: vec![ProviderCode::new("milepost.field", "expected_delivery")],
        reason: None,
        coarse: None,
    };
    let time = EventTime::floating(raw, day.at(0, 0, 0, 0), Precision::Date);
    Some(Observation { stated_at, ..Observation::new(codes, Classifier::Estimated, time, Origin::Summary) })
}

fn location(place: &Value) -> Option<Location> {
    Location {
        city: json::text(place, "city"),
        region: json::text(place, "state_province"),
        postal: json::text(place, "postal_code"),
        country: json::text(place, "country").and_then(|c| json::country(&c)),
        ..Location::default()
    }
    .non_empty()
}
