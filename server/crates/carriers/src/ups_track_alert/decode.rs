//! From a Track Alert to statements: one activity, and the day for which the delivery is planned.

use super::super::DecodeError;
use crate::formats::{json, times};
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

/// Descriptions of a parcel on its way back: requested, returned, returning, returned by the post office.
const RETURNS: &[&str] = &["033", "034", "035", "036", "037", "067"];
/// How far a zone is away from UTC at most (IANA time zone database).
const AHEAD_MAX_MINUTES: i64 = 14 * 60;

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
            reason: "is missing, so the shipment is unknown".into(),
        });
    };
    let mut refs = References::default();
    refs.add(RefKind::TrackingNumber, Some(&number));
    let Some(codes) = alert.get("activity_status").and_then(|status| codes(status, delivered_on(alert))) else {
        return Err(DecodeError::Incomplete {
            at: format!("{at}/activityStatus"),
            reason: "has no type, so the event is unknown".into(),
        });
    };
    let time = happened(alert, at, problems);
    let stated_at = time.utc;
    let activity = Observation {
        stated_at,
        location: alert.get("activity_location").and_then(location),
        description: alert.get("activity_status").and_then(|s| json::text(s, "description")),
        ..Observation::new(codes, Classifier::Actual, time, Origin::Event)
    };
    let observations = std::iter::once(activity).chain(planned(alert, stated_at, at, problems)).collect();
    Ok(TrackerReport { refs, carrier: Some("UPS".into()), feed: Feed::Delta, observations, test: false })
}

fn delivered_on(alert: &Value) -> Option<String> {
    json::text(alert, "actual_delivery_date")
}

/// The type, the code that refines it, and the three-digit code of the description. `D` covers loaded on the vehicle, out
/// for delivery, delivered, and brought to an Access Point: which of them is said by the codes, else by the day of the
/// delivery.
fn codes(status: &Value, delivered_on: Option<String>) -> Option<Codes> {
    let kind = json::text(status, "type")?.to_uppercase();
    let code = json::text(status, "code").map(|c| c.to_uppercase());
    let description = json::code(status, "description_code");
    let raw = code.map_or_else(|| kind.clone(), |code| format!("{kind}/{code}"));
    let mut candidates = vec![ProviderCode::new("ups_track_alert.code", &raw)];
    candidates.extend(description.iter().map(|code| ProviderCode::new("ups.status_code", format!("{code:0>3}"))));
    if kind == "D" && delivered_on.is_some() {
        candidates.push(ProviderCode::new("ups_track_alert.code", "D/DELIVERED"));
    }
    let kind = ProviderCode::new("ups_track_alert.type", kind);
    let telling = TELLING_TYPES.contains(&kind.value.as_str());
    // on the way back a parcel is on its way, too
    let back = description.is_some_and(|code| RETURNS.contains(&code.as_str()));
    let coarse = (!telling && !back).then(|| kind.clone());
    candidates.extend(telling.then_some(kind));
    Some(Codes { raw, status: candidates, reason: None, coarse })
}

/// The wall clock at the place, and the instant: UPS gives both. Only together with a time of day each is one.
fn happened(alert: &Value, at: &str, problems: &mut Vec<Problem>) -> EventTime {
    let local = clock(alert, ["local_activity_date", "local_activity_time"], at, problems);
    let gmt = clock(alert, ["gmt_activity_date", "gmt_activity_time"], at, problems);
    let instant = gmt.filter(|gmt| gmt.precision > Precision::Date);
    let instant = instant.and_then(|gmt| Some((TimeZone::UTC.to_timestamp(gmt.local?).ok()?, gmt)));
    match (local, instant) {
        (Some(local), Some((utc, _))) => with_instant(local, utc, at, problems),
        (Some(local), None) => local,
        (None, Some((utc, gmt))) => EventTime::instant(gmt.raw, utc, gmt.precision),
        (None, None) => {
            problems.push(Problem {
                at: format!("{at}/localActivityDate"),
                message: "neither the local nor the GMT activity date can be read".into(),
            });
            EventTime::unknown(json::text(alert, "local_activity_date").unwrap_or_default())
        }
    }
}

/// The offset follows from the two, where there is such an offset: a quarter of an hour, up to 14 hours away.
fn with_instant(mut time: EventTime, utc: Timestamp, at: &str, problems: &mut Vec<Problem>) -> EventTime {
    let Some(local) = time.local.filter(|_| time.precision > Precision::Date) else { return time };
    let away = TimeZone::UTC.to_timestamp(local).map(|as_utc| as_utc.duration_since(utc)).unwrap_or_default();
    // one of the two may be without its seconds
    let minutes = (away.as_secs() + 30).div_euclid(60);
    if minutes % 15 != 0 || minutes.abs() > AHEAD_MAX_MINUTES {
        let message = "is as far from the local time as no zone is: only the local time is believed";
        problems.push(Problem { at: format!("{at}/gmtActivityTime"), message: message.into() });
        return time;
    }
    let sign = if minutes < 0 { '-' } else { '+' };
    time.zone = Some(format!("{sign}{:02}:{:02}", minutes.abs() / 60, minutes.abs() % 60));
    (time.utc, time.zone_source) = (Some(utc), Some(ZoneSource::Payload));
    time
}

/// Day and time of day in two fields; what of them cannot be read is a problem.
fn clock(alert: &Value, [date, time]: [&str; 2], at: &str, problems: &mut Vec<Problem>) -> Option<EventTime> {
    let (written, clock) = (json::text(alert, date)?, json::text(alert, time));
    let mut say =
        |key: &str, message: &str| problems.push(Problem { at: format!("{at}/{key}"), message: message.into() });
    let Some(day) = times::day(&written) else {
        say(date, "is no date that can be read");
        return None;
    };
    let of_day = clock.as_deref().and_then(times::time_of_day);
    if clock.is_some() && of_day.is_none() {
        say(time, "is no time of day that can be read: only the day counts");
    }
    let raw = clock.map_or_else(|| written.clone(), |clock| format!("{written} {clock}"));
    Some(match of_day {
        Some((of_day, precision)) => EventTime::floating(raw, DateTime::from_parts(day, of_day), precision),
        None => EventTime::floating(raw, day.at(0, 0, 0, 0), Precision::Date),
    })
}

/// The day for which UPS has planned the delivery; once it is delivered it is no news.
fn planned(alert: &Value, stated_at: Option<Timestamp>, at: &str, problems: &mut Vec<Problem>) -> Option<Observation> {
    if delivered_on(alert).is_some() {
        return None;
    }
    let raw = json::text(alert, "scheduled_delivery_date")?;
    let Some(day) = times::day(&raw) else {
        let message = "is no date that can be read";
        problems.push(Problem { at: format!("{at}/scheduledDeliveryDate"), message: message.into() });
        return None;
    };
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
