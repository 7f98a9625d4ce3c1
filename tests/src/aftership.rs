//! What AfterShip posts of a parcel.

use serde_json::{Value, json};

/// Tag, subtag and time of an event.
pub type Event = (&'static str, &'static str, &'static str);

/// The message about a parcel of a carrier with these events so far, oldest first, and with these further fields.
pub fn message((number, carrier): (&str, &str), events: &[(&str, &str, &str)], further: &Value) -> Vec<u8> {
    let checkpoint = |(tag, subtag, time): &(&str, &str, &str)| json!({"tag": tag, "subtag": subtag, "city": "Lyon", "country_iso3": "FRA", "checkpoint_time": time, "slug": carrier});
    let checkpoints: Vec<Value> = events.iter().map(checkpoint).collect();
    let (tag, subtag, time) = events.last().copied().unwrap_or(("Pending", "Pending_001", "2026-03-01T00:00:00"));
    let mut msg = json!({"id": format!("t-{number}"), "tracking_number": number, "slug": carrier, "tag": tag, "subtag": subtag,
        "updated_at": format!("{time}+00:00"), "checkpoints": checkpoints});
    for (name, value) in further.as_object().into_iter().flatten() {
        msg[name.as_str()] = value.clone();
    }
    let event_id = format!("{number}-{}-{subtag}-{}", events.len(), further.is_object());
    json!({"event_id": event_id, "msg": msg}).to_string().into_bytes()
}
