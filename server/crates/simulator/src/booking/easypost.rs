//! EasyPost's shapes: a shipment is bought once; the tracker of a number is the same for each registration, live only.

use super::{
    Call, Reply,
    customs::Words,
    world::{Label, Offer, Progress, Shipment, Tracker, Void, World, is_refused, stamp, text, town, words},
};
use crate::faults::Fault;
use serde_json::{Value, json};

const NAME: &str = "easypost";

fn error(status: u16, code: &str, message: &str) -> Reply {
    Reply::json(status, json!({"error": {"code": code, "message": message, "errors": []}}))
}

fn missing() -> Reply {
    error(404, "NOT_FOUND", "The requested resource could not be found.")
}

pub(super) fn fault(fault: &Fault, call: &Call) -> Option<Reply> {
    match fault {
        Fault::RateLimited(_) => Some(error(429, "RATE_LIMITED", "You are being rate limited.")),
        Fault::Refused if call.path.last().is_some_and(|last| last == "buy") => {
            Some(error(422, "SHIPMENT.POSTAGE.FAILURE", "The carrier refused the shipment (sandbox)."))
        }
        Fault::Refused => Some(error(422, "ADDRESS.VERIFY.FAILURE", "Unable to verify address (sandbox).")),
        Fault::Error(code) => Some(error(422, code, "ordered by a test (sandbox)")),
        _ => None,
    }
}

pub(super) fn answer(world: &mut World, call: &Call) -> Reply {
    match call.route() {
        ("POST", path) if path == ["shipments"] => create(world, call),
        ("GET", path) if path == ["shipments"] => Reply::json(200, json!({"shipments": [], "has_more": false})),
        ("GET", path) if path.len() == 2 && path[0] == "shipments" => match world.shipment(NAME, path[1], call.live) {
            Some(of) => Reply::json(200, shipment(world, of, call)),
            None => missing(),
        },
        ("POST", path) if path.len() == 3 && path[0] == "shipments" => {
            let Some(of) = world.shipment(NAME, path[1], call.live).cloned() else { return missing() };
            match path[2] {
                "buy" => buy(world, &of, call),
                "refund" => refund(world, &of, call),
                _ => missing(),
            }
        }
        ("POST", path) if path == ["trackers"] => register(world, call),
        ("GET", path) if path == ["trackers"] => {
            let number = call.query.get("tracking_code").map_or("", String::as_str);
            let found = world.tracker(NAME, number, call.query.get("carrier").map(String::as_str)).cloned();
            let all: Vec<Value> = found.iter().filter(|of| !of.stopped).map(|of| tracker(of, call)).collect();
            Reply::json(200, json!({"trackers": all, "has_more": false}))
        }
        (method, path) if path.len() == 2 && path[0] == "trackers" => one(world, method, path[1], call),
        _ => missing(),
    }
}

const CUSTOMS: Words = Words {
    from: "/from_address/country",
    to: "/to_address/country",
    lines: "/customs_info/customs_items",
    description: "/description",
    value: "/value",
    value_of_each: false,
    currency: "/currency",
    hs_code: "/hs_tariff_number",
    origin: "/origin_country",
};

fn create(world: &mut World, call: &Call) -> Reply {
    let Some(body) = call.body.get("shipment") else {
        return error(422, "PARAMETER.REQUIRED", "Missing required parameter.");
    };
    if is_refused(body.get("to_address")) {
        return error(422, "ADDRESS.VERIFY.FAILURE", "Unable to verify address.");
    }
    let weight = body.get("parcel").and_then(|parcel| parcel.get("weight")).and_then(Value::as_f64).unwrap_or(0.0);
    if weight <= 0.0 {
        return error(422, "PARCEL.WEIGHT.INVALID", "The parcel's weight must be above zero.");
    }
    let key = text(body, "reference").map(str::to_owned);
    let format =
        body.get("options").and_then(|options| text(options, "label_format")).unwrap_or("PNG").to_ascii_lowercase();
    let Some(declared) = CUSTOMS.declared(body) else {
        return error(422, "SHIPMENT.CUSTOMS.MISSING", "Customs information is required.");
    };
    let id = world.id("shp_");
    let of =
        world.create(NAME, id, "rate_", (call.live, key, format), (declared, town(body.get("to_address")))).clone();
    Reply::json(201, shipment(world, &of, call))
}

fn buy(world: &mut World, of: &Shipment, call: &Call) -> Reply {
    if world.labels_of(&of.id).next().is_some() {
        return error(422, "SHIPMENT.POSTAGE.EXISTS", "Postage already exists for this shipment.");
    }
    let rate = call.body.get("rate").and_then(|rate| text(rate, "id")).unwrap_or_default().to_owned();
    let label = world.id("pl_");
    match world.buy(of, &rate, label, None, call.now) {
        Some(bought) => {
            let id = world.id("trk_");
            world.register(NAME, &bought.number, Some(bought.carrier), &id);
            Reply::json(200, shipment(world, of, call))
        }
        None => error(422, "SHIPMENT.MISSING_RATE", "The rate does not belong to the shipment."),
    }
}

fn refund(world: &mut World, of: &Shipment, call: &Call) -> Reply {
    let Some(label) = world.labels_of(&of.id).next().map(|label| label.id.clone()) else {
        return error(422, "SHIPMENT.REFUND.UNAVAILABLE", "There is no postage to refund.");
    };
    world.void(&label);
    Reply::json(200, shipment(world, of, call))
}

fn rate(id: &str, of: &Offer, shipment: &str, mode: &str) -> Value {
    json!({
        "id": id, "object": "Rate", "mode": mode, "service": of.service, "carrier": of.carrier, "rate": of.price(),
        "currency": "USD", "delivery_days": of.days, "shipment_id": shipment, "carrier_account_id": "ca_sandbox",
    })
}

fn shipment(world: &World, of: &Shipment, call: &Call) -> Value {
    let mode = if of.live { "production" } else { "test" };
    let rates: Vec<Value> = of.rates.iter().map(|(id, offer)| rate(id, offer, &of.id, mode)).collect();
    let label = world.labels_of(&of.id).find(|label| label.progress == Progress::Bought);
    let selected = label.map(|label| rate(&label.rate, &label.offer, &of.id, mode));
    json!({
        "id": of.id, "object": "Shipment", "mode": mode, "reference": of.key, "rates": rates, "selected_rate": selected,
        "status": "unknown", "tracking_code": label.map(|label| &label.number),
        "postage_label": label.map(|label| json!({
            "id": label.id, "object": "PostageLabel", "label_url": call.file(label), "label_date": stamp(label.created),
            "label_file_type": format!("application/{}", label.format),
        })),
        "tracker": label.and_then(|label| tracker_id(world, label)).map(|id| json!({"id": id, "object": "Tracker"})),
        "refund_status": label.and_then(|label| match label.void {
            Void::None => None,
            Void::Requested => Some("submitted"),
            Void::Voided => Some("refunded"),
            Void::Rejected => Some("rejected"),
        }),
        "messages": [{"carrier": "FedEx", "type": "rate_error", "message": words()}], "forms": [],
    })
}

fn tracker_id(world: &World, label: &Label) -> Option<String> {
    let is_of = |tracker: &&Tracker| tracker.platform == NAME && tracker.number == label.number;
    world.trackers.iter().find(is_of).map(|tracker| tracker.id.clone())
}

fn register(world: &mut World, call: &Call) -> Reply {
    let body = call.body.get("tracker").unwrap_or(&Value::Null);
    let Some(number) = text(body, "tracking_code") else {
        return error(422, "TRACKER.CREATE.ERROR", "A tracking code is needed.");
    };
    let carrier = text(body, "carrier").unwrap_or("UPS");
    let id = world.id("trk_");
    let (of, _) = world.register(NAME, number, Some(carrier), &id);
    Reply::json(200, tracker(&of, call))
}

fn one(world: &mut World, method: &str, id: &str, call: &Call) -> Reply {
    let Some(of) = world.trackers.iter_mut().find(|of| of.platform == NAME && of.id == id && !of.stopped) else {
        return missing();
    };
    match method {
        "DELETE" => {
            of.stopped = true;
            Reply::json(200, json!({}))
        }
        "GET" => Reply::json(200, tracker(of, call)),
        _ => missing(),
    }
}

fn tracker(of: &Tracker, call: &Call) -> Value {
    json!({
        "id": of.id, "object": "Tracker", "mode": if call.live { "production" } else { "test" }, "tracking_code": of.number,
        "carrier": of.carrier, "status": "pre_transit", "status_detail": "label_created", "created_at": stamp(call.now),
        "updated_at": stamp(call.now), "public_url": "https://track.easypost.example/sandbox",
        "tracking_details": [{
            "object": "TrackingDetail", "message": words(), "status": "pre_transit", "status_detail": "label_created",
            "datetime": stamp(call.now), "source": of.carrier, "tracking_location": null,
        }],
    })
}
