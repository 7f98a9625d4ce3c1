//! From project44's shipment, events and status updates to statements.

use super::super::{DecodeError, json};
use domain::{
    Classifier,
    event_time::EventTime,
    observation::{
        Codes, Decoded, Feed, Location, Observation, Origin, Problem, ProviderCode, RefKind, References, Stop,
        TrackerReport,
    },
};
use serde_json::Value;

/// Decodes a webhook, or a list of them.
pub(super) fn decode(body: &Value) -> Result<Decoded, DecodeError> {
    let list: Vec<&Value> = match (body, body.get("results")) {
        (Value::Array(list), _) | (_, Some(Value::Array(list))) => list.iter().collect(),
        _ => vec![body],
    };
    json::each(&list, "", report)
}

/// What the events of one shipment lean on.
struct Shipment<'a> {
    shipment: &'a Value,
    stops: Vec<&'a Value>,
}

fn report(message: &Value, at: &str, problems: &mut Vec<Problem>) -> Result<TrackerReport, DecodeError> {
    let shipment = message.get("shipment").unwrap_or(message);
    let stops = ["shipment_stops", "stops"].iter().find_map(|f| shipment.get(f)?.as_array()).into_iter().flatten();
    let around = Shipment { shipment, stops: stops.collect() };
    let mut observations = Vec::new();
    let events = message.get("events").and_then(Value::as_array).into_iter().flatten();
    for (n, event) in events.enumerate() {
        around.event(event, &format!("{at}/events/{n}"), &mut observations, problems);
    }
    let updates = message.get("status_updates").and_then(Value::as_array).into_iter().flatten();
    for (n, update) in updates.chain(message.get("latest_status_update")).enumerate() {
        observations.extend(around.update(update, &format!("{at}/statusUpdates/{n}"), problems));
    }
    let exceptions = message.get("exceptions").and_then(Value::as_array).into_iter().flatten();
    observations.extend(exceptions.filter_map(|exception| around.exception(exception)));
    let of_stops = message.get("latest_stop_statuses").and_then(Value::as_array).into_iter().flatten();
    observations.extend(of_stops.filter_map(|stop| around.arrival_estimate(stop)));
    observations.extend(around.state(message, &observations));
    observations.dedup();
    if observations.is_empty() && message.get("events").is_none() && message.get("state").is_none() {
        return Err(DecodeError::NotTracking("there are neither events nor a state nor status updates in it".into()));
    }
    let refs = around.references(message);
    if refs.0.is_empty() {
        return Err(DecodeError::Incomplete {
            at: format!("{at}/shipment/identifiers"),
            reason: "names nothing that identifies a shipment".into(),
        });
    }
    Ok(TrackerReport { refs, carrier: around.carrier(message), feed: Feed::Delta, observations })
}

impl Shipment<'_> {
    /// The actual time, and whatever was planned and estimated beside it.
    fn event(&self, event: &Value, at: &str, all: &mut Vec<Observation>, problems: &mut Vec<Problem>) {
        let Some(kind) = json::text(event, "type") else {
            return problems
                .push(Problem { at: format!("{at}/type"), message: "an event without type says nothing".into() });
        };
        let stop = json::code(event, "stop_id").and_then(|id| self.stop_of(&id)).or_else(|| stop_number(event));
        let say = |classifier, time: EventTime, stated: &Value, field: &str| Observation {
            stated_at: json::instant(stated, field),
            location: self.place(stop).or_else(|| location(event)),
            stop: stop.map(|number| Stop { number }),
            description: json::text(event, "description"),
            ..Observation::new(self.codes("project44.event", &kind, stop), classifier, time, Origin::Event)
        };
        let before = all.len();
        if let Some(time) = json::time(event, "date_time") {
            all.push(say(Classifier::Actual, time, event, "received_date_time"));
        }
        let times = event.get("date_times").and_then(Value::as_array).into_iter().flatten();
        for other in times {
            let classifier = match json::text(other, "type").as_deref() {
                Some("PLANNED") => Classifier::Planned,
                Some("ESTIMATE" | "ESTIMATED") => Classifier::Estimated,
                // the actual one is the event's own
                _ => continue,
            };
            if let Some(time) = json::time(other, "date_time") {
                all.push(say(classifier, time, other, "last_modified_date_time"));
            }
        }
        let estimated = all[before..].iter().any(|o| o.classifier == Classifier::Estimated);
        if let Some(time) = json::time(event, "estimate_date_time").filter(|_| !estimated) {
            all.push(say(Classifier::Estimated, time, event, "received_date_time"));
        }
        if all.len() == before {
            problems.push(Problem { at: at.to_owned(), message: "the event has no time of any kind".into() });
        }
    }

    /// An update as truckload and LTL had them: a status with a reason.
    fn update(&self, update: &Value, at: &str, problems: &mut Vec<Problem>) -> Option<Observation> {
        let Some(status) = json::text(update, "status_code").or_else(|| json::text(update, "status")) else {
            problems.push(Problem { at: at.to_owned(), message: "an update without status says nothing".into() });
            return None;
        };
        let reason = update.get("status_reason").and_then(|r| json::text(r, "code").or_else(|| json::plain(r)));
        let time = ["timestamp", "date_time"].iter().find_map(|f| json::time(update, f));
        let stop = stop_number(update);
        Some(Observation {
            location: location(update).or_else(|| self.place(stop)),
            stop: stop.map(|number| Stop { number }),
            description: update.get("status_reason").and_then(|r| json::text(r, "description")),
            ..Observation::new(
                of_status(&status, reason.as_deref()),
                Classifier::Actual,
                time.unwrap_or_else(|| EventTime::unknown("")),
                Origin::Event,
            )
        })
    }

    /// The state of the whole: only where no event says more, or where it is about the feed.
    fn state(&self, message: &Value, events: &[Observation]) -> Option<Observation> {
        let state = message.get("state").filter(|s| s.is_object())?;
        let status = json::text(state, "status")?;
        let codes = of_status(&status, json::text(state, "reason").as_deref());
        let of_feed = ["TRACKING_FAILED", "DELETED"].contains(&status.as_str())
            || ["TIMED_OUT", "CANCELED", "APPROVAL_DENIED"].iter().any(|reason| codes.raw.ends_with(reason));
        let stated_at = ["date_time", "last_modified_date_time"].iter().find_map(|f| json::instant(state, f));
        (of_feed || events.is_empty()).then(|| Observation {
            stated_at,
            ..Observation::new(codes, Classifier::Actual, EventTime::unknown(""), Origin::Summary)
        })
    }

    fn exception(&self, exception: &Value) -> Option<Observation> {
        let kind = json::text(exception, "type").or_else(|| json::text(exception, "code"))?;
        let resolved = json::text(exception, "status").is_some_and(|s| s.eq_ignore_ascii_case("RESOLVED"));
        let fields: &[&str] = if resolved {
            &["end_date_time", "resolved_date_time", "last_modified_date_time", "date_time"]
        } else {
            &["start_date_time", "date_time", "received_date_time", "last_modified_date_time"]
        };
        let time = fields.iter().find_map(|f| json::time(exception, f)).unwrap_or_else(|| EventTime::unknown(""));
        let raw = if resolved { format!("{kind}/RESOLVED") } else { kind };
        let stop = json::code(exception, "stop_id").and_then(|id| self.stop_of(&id));
        let codes =
            Codes { status: vec![ProviderCode::new("project44.exception", &raw)], raw, reason: None, coarse: None };
        Some(Observation {
            stop: stop.map(|number| Stop { number }),
            description: json::text(exception, "description"),
            ..Observation::new(codes, Classifier::Actual, time, Origin::Event)
        })
    }

    /// When a stop is expected to be reached.
    fn arrival_estimate(&self, stop: &Value) -> Option<Observation> {
        let estimate = stop.get("arrival_estimate")?;
        let window = estimate.get("estimated_arrival_window").unwrap_or(estimate);
        let time = ["end_date_time", "start_date_time"].iter().find_map(|f| json::time(window, f))?;
        let number = stop_number(stop);
        Some(Observation {
            stated_at: json::instant(estimate, "last_calculated_date_time"),
            location: self.place(number),
            stop: number.map(|number| Stop { number }),
            ..Observation::new(
                self.codes("project44.event", "ARRIVAL_AT_STOP", number),
                Classifier::Estimated,
                time,
                Origin::Event,
            )
        })
    }

    /// The code, qualified by the stop's place in the plan where it has one.
    fn codes(&self, list: &str, kind: &str, stop: Option<u32>) -> Codes {
        let last = u32::try_from(self.stops.len()).unwrap_or(u32::MAX);
        let place = stop.filter(|_| last > 1).map(|stop| match stop {
            1 => "FIRST",
            stop if stop == last => "LAST",
            _ => "BETWEEN",
        });
        let qualified = place.map(|place| ProviderCode::new(list, format!("{kind}/{place}")));
        let status = qualified.into_iter().chain([ProviderCode::new(list, kind)]).collect();
        Codes { raw: kind.to_owned(), status, reason: None, coarse: None }
    }

    /// The number of a stop in the order of the plan.
    fn stop_of(&self, id: &str) -> Option<u32> {
        let place = self.stops.iter().position(|stop| json::code(stop, "id").as_deref() == Some(id))?;
        u32::try_from(place + 1).ok()
    }

    fn place(&self, stop: Option<u32>) -> Option<Location> {
        let stop = self.stops.get(usize::try_from(stop?).ok()?.checked_sub(1)?)?;
        location(stop.get("location").unwrap_or(stop))
    }

    fn references(&self, message: &Value) -> References {
        let mut refs = References::default();
        let lists = [self.shipment.get("identifiers"), message.get("shipment_identifiers"), message.get("identifiers")];
        for identifier in lists.into_iter().flatten().filter_map(Value::as_array).flatten() {
            let (Some(kind), Some(value)) = (json::text(identifier, "type"), json::text(identifier, "value")) else {
                continue;
            };
            let kind = match kind.as_str() {
                "PRO" | "TRACKING_NUMBER" => RefKind::TrackingNumber,
                "BILL_OF_LADING" | "MASTER_BILL_OF_LADING" | "HOUSE_BILL_OF_LADING" => RefKind::BillOfLading,
                "PURCHASE_ORDER" => RefKind::PurchaseOrder,
                "ORDER" | "CUSTOMER_REFERENCE" | "SALES_ORDER" => RefKind::Order,
                "BOOKING_NUMBER" => RefKind::Booking,
                "CONTAINER_ID" | "CONTAINER_NUMBER" => RefKind::Container,
                _ => RefKind::Shipment,
            };
            refs.add(kind, Some(&value));
        }
        refs.add(RefKind::TrackerObject, json::code(self.shipment, "id").as_deref());
        refs
    }

    fn carrier(&self, message: &Value) -> Option<String> {
        let providers = [
            self.shipment.get("capacity_provider"),
            self.shipment.get("carrier_identifier"),
            message.get("carrier_identifier"),
        ];
        providers.into_iter().flatten().find_map(|provider| {
            let named = provider.get("identifiers").and_then(Value::as_array).into_iter().flatten();
            let scac = named.clone().find(|i| json::text(i, "type").as_deref() == Some("SCAC"));
            scac.or_else(|| named.clone().next())
                .and_then(|i| json::text(i, "value"))
                .or_else(|| json::text(provider, "value"))
        })
    }
}

fn of_status(status: &str, reason: Option<&str>) -> Codes {
    let raw = reason.map_or_else(|| status.to_owned(), |reason| format!("{status}/{reason}"));
    let mut codes = vec![ProviderCode::new("project44.status", &raw)];
    codes.extend(reason.map(|reason| ProviderCode::new("project44.reason", reason)));
    codes.extend(reason.map(|_| ProviderCode::new("project44.status", status)));
    Codes { raw, status: codes, reason: None, coarse: None }
}

fn stop_number(value: &Value) -> Option<u32> {
    value.get("stop_number")?.as_u64().and_then(|n| n.try_into().ok()).filter(|n| *n > 0)
}

fn location(place: &Value) -> Option<Location> {
    let address = place.get("address").unwrap_or(place);
    Location {
        city: json::text(address, "city"),
        region: json::text(address, "state"),
        postal: json::text(address, "postal_code"),
        country: json::text(address, "country_code")
            .or_else(|| json::text(address, "country"))
            .and_then(|c| json::country(&c)),
        ..Location::default()
    }
    .non_empty()
}
