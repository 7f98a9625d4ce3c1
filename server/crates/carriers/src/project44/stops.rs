//! The stops of a shipment: which one an event is about, and its place in the plan.

use crate::formats::json;
use domain::observation::{Location, Stop};
use serde_json::Value;

/// The stops in the order of the plan.
pub(super) struct Stops<'a>(Vec<&'a Value>);

/// The place of a stop in the plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Position {
    First,
    Middle,
    Last,
}

impl Position {
    /// As codes are qualified by it.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::First => "FIRST",
            Self::Middle => "MIDDLE",
            Self::Last => "LAST",
        }
    }
}

/// A stop that an event is about.
pub(super) struct Found<'a> {
    /// Counted from 1.
    pub stop: Stop,
    /// None where the list has only this one and its type does not show it.
    pub position: Option<Position>,
    described: &'a Value,
}

impl<'a> Stops<'a> {
    /// The stops of a shipment: `shipmentStops`, or `routeInfo.stops`. Numbered ones go by their number, 1 is the
    /// origin.
    pub(super) fn of(shipment: &'a Value) -> Self {
        let list = shipment.get("shipment_stops").or_else(|| shipment.get("stops"));
        let list = list.or_else(|| shipment.get("route_info")?.get("stops"));
        let mut stops: Vec<&Value> = list.and_then(Value::as_array).into_iter().flatten().collect();
        if stops.iter().all(|stop| number(stop).is_some()) {
            stops.sort_by_key(|stop| number(stop));
        }
        Self(stops)
    }

    /// The stop that an event names by id or number.
    pub(super) fn named_by(&self, event: &Value) -> Option<Found<'a>> {
        let by_id = |id: String| self.0.iter().position(|stop| json::code(stop, "id").as_ref() == Some(&id));
        let by_number = |wanted: i64| self.0.iter().position(|stop| number(stop) == Some(wanted));
        let at = json::code(event, "stop_id").and_then(by_id).or_else(|| by_number(number(event)?))?;
        let described = self.0[at];
        let position = match at {
            _ if self.0.len() == 1 => by_type(described),
            0 => Some(Position::First),
            _ if at + 1 == self.0.len() => Some(Position::Last),
            _ => Some(Position::Middle),
        };
        Some(Found { stop: Stop { number: u32::try_from(at).ok()? + 1 }, position, described })
    }
}

/// The number of a stop, or of the stop that an update is about; text in some answers.
fn number(value: &Value) -> Option<i64> {
    json::code(value, "stop_number")?.parse().ok()
}

fn by_type(stop: &Value) -> Option<Position> {
    match json::first(stop, &["stop_type", "type"])?.as_str() {
        "ORIGIN" | "PICKUP" => Some(Position::First),
        "DESTINATION" | "DELIVERY" => Some(Position::Last),
        _ => None,
    }
}

impl Found<'_> {
    /// Where the stop is.
    pub(super) fn location(&self) -> Option<Location> {
        place(self.described.get("location").unwrap_or(self.described))
    }
}

/// A place with an address, or an update that has one.
pub(super) fn place(value: &Value) -> Option<Location> {
    let address = value.get("address").unwrap_or(&Value::Null);
    let identifiers = value.get("identifiers").and_then(Value::as_array).into_iter().flatten();
    let unlocode = identifiers
        .filter(|identifier| json::text(identifier, "type").is_some_and(|kind| kind.contains("LOCODE")))
        .find_map(|identifier| json::text(identifier, "value"));
    Location {
        city: json::text(address, "city"),
        region: json::text(address, "state"),
        postal: json::text(address, "postal_code"),
        country: json::first(address, &["country_code", "country"]).and_then(|c| json::country(&c)),
        unlocode,
        ..Location::default()
    }
    .non_empty()
}
