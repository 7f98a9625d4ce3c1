//! Event by event against readings that others made, each in its own shape.

use serde_json::Value;

/// Whether a reading has events at all.
pub(super) fn has_events(expected: &Value) -> bool {
    !theirs(expected).is_empty()
}

/// What differs, for each event of the independent reading; an event that only we have differs too.
pub(super) fn events(expected: &Value, shown: &Value) -> Vec<(usize, Vec<String>)> {
    let ours = shown["events"].as_array().cloned().unwrap_or_default();
    let theirs = theirs(expected);
    let last = theirs.len().max(if counts_all(expected) { ours.len() } else { 0 });
    (0..last)
        .map(|n| match (theirs.get(n), ours.get(n)) {
            (Some(checks), Some(event)) => (n, checks.iter().filter_map(|check| check.differs(event)).collect()),
            (Some(_), None) => (n, vec!["we have no such event".to_owned()]),
            (None, _) => (n, vec!["they have no such event".to_owned()]),
        })
        .collect()
}

/// One field of one event.
struct Check {
    field: &'static str,
    expected: Value,
    ours: fn(&Value) -> Value,
}

impl Check {
    fn differs(&self, event: &Value) -> Option<String> {
        let ours = (self.ours)(event);
        (ours != self.expected).then(|| format!("{}: theirs {}, ours {ours}", self.field, self.expected))
    }
}

/// Some readings say only a part of what a file holds.
fn counts_all(expected: &Value) -> bool {
    expected["composed"] == true || expected["details"].is_array() || expected["records"].is_array()
}

fn theirs(expected: &Value) -> Vec<Vec<Check>> {
    if let Some(events) = expected["events"].as_array() {
        return events.iter().map(composed).collect();
    }
    if let Some(details) = expected["details"].as_array() {
        // one answer that is listed twice is one
        let once = details.iter().enumerate().filter(|(n, d)| !details[..*n].contains(d)).map(|(_, d)| d);
        return once.flat_map(|d| d["events"].as_array().into_iter().flatten()).map(karrio).collect();
    }
    if let Some(records) = expected["records"].as_array() {
        return records.iter().flat_map(|r| of_record(r)).collect();
    }
    let messages: Vec<&Value> = (0..).map(|n| &expected[format!("msg{n}")]).take_while(|m| m.is_object()).collect();
    if !messages.is_empty() {
        return messages.into_iter().map(segment).collect();
    }
    expected["status"].as_str().map(named).into_iter().collect()
}

/// Ours, composed by hand.
fn composed(event: &Value) -> Vec<Check> {
    let time = &event["time"];
    vec![
        Check { field: "milestone", expected: event["milestone"].clone(), ours: |e| e["milestone"].clone() },
        Check { field: "exception", expected: event["exception"].clone(), ours: |e| e["exception"].clone() },
        Check { field: "classifier", expected: event["classifier"].clone(), ours: |e| e["classifier"].clone() },
        Check { field: "raw_code", expected: event["raw_code"].clone(), ours: |e| e["raw_code"].clone() },
        Check { field: "local", expected: time["local"].clone(), ours: |e| e["time"]["local"].clone() },
        Check { field: "utc", expected: time["utc"].clone(), ours: |e| e["time"]["utc"].clone() },
        Check { field: "precision", expected: time["precision"].clone(), ours: |e| e["time"]["precision"].clone() },
    ]
}

/// Karrio's: the code, and the wall clock; its instants drop the offset and are no witness.
fn karrio(event: &Value) -> Vec<Check> {
    let clock = event["timestamp"].as_str().filter(|t| t.starts_with("20")).map(|t| t[..t.len().min(16)].to_owned());
    let code = event["code"].as_str().map(|code| Check { field: "code", expected: code.into(), ours: carriers_code });
    let mut checks: Vec<Check> = code.into_iter().collect();
    checks.extend(clock.map(|clock| Check { field: "wall clock", expected: clock.into(), ours: wall_clock }));
    checks.extend(event["status"].as_str().map(|status| Check {
        field: "status",
        expected: status.into(),
        ours: karrio_status,
    }));
    checks
}

fn carriers_code(event: &Value) -> Value {
    event["raw_code"].clone()
}

/// As the source wrote it, in minutes.
fn wall_clock(event: &Value) -> Value {
    let written = event["time"]["local"].as_str().or(event["time"]["utc"].as_str()).unwrap_or_default();
    let raw = event["time"]["raw"].as_str().unwrap_or_default();
    let text = if raw.len() >= 16 && raw.as_bytes()[4] == b'-' { raw } else { written };
    text[..text.len().min(16)].replace(' ', "T").into()
}

/// The milestone in Karrio's words.
fn karrio_status(event: &Value) -> Value {
    let exception = event["exception"].as_str().unwrap_or_default();
    let word = match event["milestone"].as_str().unwrap_or_default() {
        "INFO_RECEIVED" | "BOOKED" => "pending",
        "PICKED_UP" | "ACCEPTED" | "DROPPED_OFF" => "picked_up",
        "OUT_FOR_DELIVERY" => "out_for_delivery",
        "DELIVERED" => "delivered",
        "AVAILABLE_FOR_PICKUP" => "ready_for_pickup",
        "DELIVERY_ATTEMPTED" => "delivery_failed",
        "RETURN_INITIATED" | "RETURN_IN_TRANSIT" | "RETURNED" => "return_to_sender",
        "CANCELLED" => "cancelled",
        "INFO" if exception.starts_with("HOLD") => "on_hold",
        "INFO" if exception.starts_with("DELAY") => "delivery_delayed",
        "INFO" => "unknown",
        _ => "in_transit",
    };
    word.into()
}

/// An EDI reader's: when, with the offset where the message names one.
fn of_record(record: &Value) -> Vec<Vec<Check>> {
    let events = record["events"].as_array().cloned().unwrap_or_default();
    events
        .iter()
        .map(|event| vec![Check { field: "time", expected: event["date"].clone(), ours: local_with_offset }])
        .collect()
}

fn local_with_offset(event: &Value) -> Value {
    let local = event["time"]["local"].as_str().map(|l| if l.len() == 16 { format!("{l}:00") } else { l.to_owned() });
    let (Some(local), utc) = (local, event["time"]["utc"].as_str()) else { return Value::Null };
    let Some(utc) = utc.and_then(|u| u.parse::<jiff::Timestamp>().ok()) else { return local.into() };
    let Ok(clock) = local.parse::<jiff::civil::DateTime>() else { return Value::Null };
    let as_utc = clock.to_zoned(jiff::tz::TimeZone::UTC).map(|z| z.timestamp()).unwrap_or(utc);
    let minutes = as_utc.duration_since(utc).as_secs() / 60;
    let sign = if minutes < 0 { '-' } else { '+' };
    format!("{local}{sign}{:02}:{:02}", minutes.abs() / 60, minutes.abs() % 60).into()
}

/// A structural reading of an EDIFACT file: the status event of each message, and its time.
fn segment(message: &Value) -> Vec<Check> {
    let mut checks = vec![Check {
        field: "status event",
        expected: message["status_event"].clone(),
        ours: |e| e["raw_code"].as_str().and_then(|c| c.split('/').next()).map_or(Value::Null, Value::from),
    }];
    if let Some(written) = message["dtm"].as_str() {
        checks.push(Check { field: "time", expected: written.into(), ours: |e| e["time"]["raw"].clone() });
    }
    checks
}

/// A summary in words.
fn named(status: &str) -> Vec<Check> {
    vec![Check { field: "status", expected: status.to_uppercase().into(), ours: |e| e["milestone"].clone() }]
}
