//! When a ShipEngine event happened: the carrier's wall clock, and the instant where it can be believed.

use crate::formats::{json, times};
use domain::event_time::{EventTime, ZoneSource};
use jiff::{Timestamp, civil::DateTime, tz::TimeZone};
use serde_json::Value;

/// How far a clock may be from that of its longitude, in hours. Spain in summer is 2.6 away.
const OFF_LONGITUDE_MAX_HOURS: f64 = 2.75;

/// The instant that ShipEngine gives an event: good enough to order its lists.
pub(super) fn converted(event: &Value) -> Option<Timestamp> {
    occurred(event).filter(|time| !time.sentinel).and_then(|time| time.utc)
}

fn occurred(event: &Value) -> Option<EventTime> {
    json::time(event, "occurred_at").or_else(|| json::time(event, "event_date"))
}

/// The time of an event; none where it has none.
pub(super) fn happened(event: &Value) -> Option<EventTime> {
    let occurred = occurred(event);
    let carrier_time = json::text(event, "carrier_occurred_at").map(|raw| times::disregarding_z(&raw));
    let Some(carrier_time) = carrier_time.filter(|t| t.sort_key().is_some() && !t.sentinel) else { return occurred };
    let (Some(wall), Some(utc)) = (carrier_time.local, occurred.as_ref().and_then(|o| o.utc)) else {
        return Some(carrier_time);
    };
    if carrier_time.utc.is_some() {
        return Some(carrier_time);
    }
    if carrier_time.raw.trim().ends_with(['Z', 'z']) && TimeZone::UTC.to_datetime(utc) == wall {
        // the carrier itself speaks UTC: nothing was converted, and there is no wall clock
        return occurred;
    }
    // without a place ShipEngine could not know the zone either: its instant would be a guess
    Some(match zone_of(event, wall, utc) {
        Some(zone) => {
            EventTime { utc: Some(utc), zone: Some(zone), zone_source: Some(ZoneSource::Payload), ..carrier_time }
        }
        None => carrier_time,
    })
}

/// The zone in which the wall clock shows this instant, if the event's place has one.
fn zone_of(event: &Value, wall: DateTime, utc: Timestamp) -> Option<String> {
    let mut of_place = zones(event).peekable();
    if of_place.peek().is_some() {
        let shows = |name: &&str| TimeZone::get(name).is_ok_and(|zone| zone.to_datetime(utc) == wall);
        return of_place.find(shows).map(str::to_owned);
    }
    let longitude = event.get("longitude").and_then(Value::as_f64).filter(|l| l.abs() < 180.0 && *l != 0.0)?;
    let seconds = TimeZone::UTC.to_timestamp(wall).ok()?.duration_since(utc).as_secs();
    let minutes = seconds / 60;
    let quarter = seconds % (15 * 60) == 0;
    let fits = (minutes as f64 / 60.0 - longitude / 15.0).abs() <= OFF_LONGITUDE_MAX_HOURS;
    let sign = if minutes < 0 { '-' } else { '+' };
    (quarter && fits).then(|| format!("{sign}{:02}:{:02}", minutes.abs() / 60, minutes.abs() % 60))
}

/// The zones of the event's country, or of its state where the country has several. USPS events leave the country blank.
fn zones(event: &Value) -> impl Iterator<Item = &'static str> {
    let country = json::text(event, "country_code").and_then(|c| json::country(&c)).unwrap_or_default();
    let state = json::text(event, "state_province").unwrap_or_default().to_ascii_uppercase();
    let place = match country.as_str() {
        "" if state.is_empty() => String::new(),
        "" => format!("US-{state}"),
        "US" | "CA" => format!("{country}-{state}"),
        _ => country,
    };
    let of_place = move |(zone, places): &(&'static str, &str)| {
        places.split_ascii_whitespace().any(|p| p == place).then_some(*zone)
    };
    ZONES.iter().filter_map(of_place)
}

/// IANA zones by ISO 3166-2 state, or by country where it has one zone. Of states with two zones both are listed.
const ZONES: &[(&str, &str)] = &[
    (
        "America/New_York",
        "US-CT US-DC US-DE US-FL US-GA US-IN US-KY US-MA US-MD US-ME US-MI US-NC US-NH US-NJ US-NY US-OH US-PA US-RI \
         US-SC US-TN US-VA US-VT US-WV",
    ),
    (
        "America/Chicago",
        "US-AL US-AR US-FL US-IA US-IL US-IN US-KS US-KY US-LA US-MI US-MN US-MO US-MS US-ND US-NE US-OK US-SD US-TN \
         US-TX US-WI",
    ),
    ("America/Denver", "US-CO US-ID US-KS US-MT US-ND US-NE US-NM US-OR US-SD US-TX US-UT US-WY"),
    ("America/Phoenix", "US-AZ"),
    ("America/Los_Angeles", "US-CA US-ID US-NV US-OR US-WA"),
    ("America/Anchorage", "US-AK"),
    ("Pacific/Honolulu", "US-HI"),
    ("America/Puerto_Rico", "US-PR US-VI PR VI"),
    ("America/St_Johns", "CA-NL"),
    ("America/Halifax", "CA-NB CA-NL CA-NS CA-PE"),
    ("America/Toronto", "CA-ON CA-QC CA-NU"),
    ("America/Winnipeg", "CA-MB CA-ON"),
    ("America/Regina", "CA-SK"),
    ("America/Edmonton", "CA-AB CA-BC CA-NT CA-NU"),
    ("America/Vancouver", "CA-BC"),
    ("America/Whitehorse", "CA-YT"),
    ("Europe/London", "GB IM JE GG"),
    ("Europe/Dublin", "IE"),
    ("Europe/Berlin", "AT BE CH CZ DE DK FR HU IT LI LU MT NL NO PL SE SI SK"),
    ("Europe/Athens", "BG FI GR RO"),
    ("Europe/Vilnius", "EE LT LV"),
    ("Europe/Istanbul", "TR"),
    ("Asia/Dubai", "AE OM"),
    ("Asia/Riyadh", "SA KW QA BH"),
    ("Asia/Jerusalem", "IL"),
    ("Asia/Kolkata", "IN"),
    ("Asia/Bangkok", "TH VN"),
    ("Asia/Singapore", "SG MY PH"),
    ("Asia/Shanghai", "CN HK MO TW"),
    ("Asia/Tokyo", "JP KR"),
    ("Africa/Johannesburg", "ZA"),
    ("Pacific/Auckland", "NZ"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn carrier_time(event: &Value) -> (Option<String>, Option<String>) {
        let time = happened(event).unwrap();
        (time.local.map(|l| l.to_string()), time.utc.map(|u| u.to_string()))
    }

    fn some(text: &str) -> Option<String> {
        Some(text.to_owned())
    }

    #[test]
    fn the_instant_is_taken_where_the_place_confirms_it() {
        let right = json!({"occurred_at": "2025-10-23T16:23:33Z", "carrier_occurred_at": "2025-10-23T09:23:33Z", "state_province": "CA", "country_code": "US"});
        assert_eq!(carrier_time(&right), (some("2025-10-23T09:23:33"), some("2025-10-23T16:23:33Z")));
        let blank_country = json!({"occurred_at": "2019-09-13T12:32:00Z", "carrier_occurred_at": "2019-09-13T05:32:00", "state_province": "CA", "country_code": ""});
        assert_eq!(carrier_time(&blank_country).1, some("2019-09-13T12:32:00Z"));
        let by_longitude = json!({"occurred_at": "2026-02-03T17:00:00Z", "carrier_occurred_at": "2026-02-03T14:00:00", "country_code": "BR", "longitude": -46.6});
        assert_eq!(carrier_time(&by_longitude), (some("2026-02-03T14:00:00"), some("2026-02-03T17:00:00Z")));
    }

    #[test]
    fn elsewhere_only_the_wall_clock_is_known() {
        let four_hours_in_oakland = json!({"occurred_at": "2025-10-22T20:00:00Z", "carrier_occurred_at": "2025-10-22T16:00:00", "state_province": "CA", "country_code": "US", "longitude": -122.27});
        assert_eq!(carrier_time(&four_hours_in_oakland), (some("2025-10-22T16:00:00"), None));
        let no_place = json!({"occurred_at": "2026-02-03T20:00:00Z", "carrier_occurred_at": "2026-02-03T13:00:00Z", "longitude": -180});
        assert_eq!(carrier_time(&no_place), (some("2026-02-03T13:00:00"), None));
        let far_from_its_meridian = json!({"occurred_at": "2026-02-03T17:00:00Z", "carrier_occurred_at": "2026-02-03T10:00:00", "country_code": "BR", "longitude": -46.6});
        assert_eq!(carrier_time(&far_from_its_meridian).1, None);
    }

    #[test]
    fn one_time_alone_is_what_it_says() {
        assert_eq!(carrier_time(&json!({"event_date": "2019-04-12T17:45:26Z"})), (None, some("2019-04-12T17:45:26Z")));
        let both_utc = json!({"occurred_at": "2026-08-28T19:24:32Z", "carrier_occurred_at": "2026-08-28T19:24:32Z", "state_province": "TN"});
        assert_eq!(carrier_time(&both_utc), (None, some("2026-08-28T19:24:32Z")));
        let offset = json!({"occurred_at": "2026-08-19T22:44:46Z", "carrier_occurred_at": "2026-08-19T15:44:46-07:00"});
        assert_eq!(carrier_time(&offset), (some("2026-08-19T15:44:46"), some("2026-08-19T22:44:46Z")));
        assert_eq!(
            carrier_time(&json!({"carrier_occurred_at": "2026-08-19T15:44:46Z"})),
            (some("2026-08-19T15:44:46"), None)
        );
        assert_eq!(happened(&json!({"description": "scanned"})), None);
    }

    #[test]
    fn every_zone_of_the_table_exists() {
        for (zone, _) in ZONES {
            assert!(TimeZone::get(zone).is_ok(), "{zone}");
        }
    }
}
