//! Karrio's shapes: anything but a draft is not bought again; a cancelled shipment is answered with 202.

use super::{
    Call, Reply,
    customs::Words,
    papers,
    world::{Offer, Progress, Shipment, Tracker, Void, World, is_refused, text, town, words},
};
use crate::faults::Fault;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

const NAME: &str = "karrio";

fn error(status: u16, code: &str, details: Value) -> Reply {
    Reply::json(status, json!({"errors": [{"code": code, "message": words(), "level": "error", "details": details}]}))
}

fn by_carrier(code: &str) -> Reply {
    Reply::json(
        424,
        json!({"messages": [{"carrier_name": "ups", "carrier_id": "sandbox", "code": code, "message": words()}]}),
    )
}

fn missing() -> Reply {
    error(404, "not_found", Value::Null)
}

pub(super) fn fault(fault: &Fault, call: &Call) -> Option<Reply> {
    match fault {
        Fault::RateLimited(_) => Some(error(429, "throttled", Value::Null)),
        Fault::Refused if call.path.last().is_some_and(|last| last == "purchase") => {
            Some(by_carrier("invalid_address"))
        }
        Fault::Refused => Some(error(400, "validation", json!({"recipient": {"postal_code": ["not valid"]}}))),
        // what a carrier says without a code may be anything
        Fault::Error(code) => Some(by_carrier(code)),
        _ => None,
    }
}

pub(super) fn answer(world: &mut World, call: &Call) -> Reply {
    let (method, path) = call.route();
    let Some((&"v1", path)) = path.split_first() else { return missing() };
    match (method, path) {
        ("POST", ["shipments"]) => create(world, call),
        ("GET", ["shipments"]) => Reply::json(200, json!({"count": 0, "next": null, "previous": null, "results": []})),
        ("GET", ["shipments", id]) => match world.shipment(NAME, id, call.live) {
            Some(of) => Reply::json(200, shipment(world, of)),
            None => missing(),
        },
        ("POST", ["shipments", id, rest @ ..]) => {
            let Some(of) = world.shipment(NAME, id, call.live).cloned() else { return missing() };
            match rest {
                ["purchase"] => buy(world, &of, call),
                ["cancel"] => cancel(world, &of),
                ["documents", "label"] => paper(world, &of),
                _ => missing(),
            }
        }
        ("POST", ["trackers"]) => register(world, call),
        ("GET", ["trackers"]) => {
            // contains, whatever the case
            let part = call.query.get("tracking_number").map(|text| text.to_lowercase()).unwrap_or_default();
            let fits = |of: &&Tracker| of.platform == NAME && !of.stopped && of.number.to_lowercase().contains(&part);
            let found: Vec<Value> = world.trackers.iter().filter(fits).map(|of| tracker(of, call)).collect();
            Reply::json(200, json!({"count": found.len(), "next": null, "previous": null, "results": found}))
        }
        ("DELETE", ["trackers", id]) => {
            let fits = |of: &&mut Tracker| of.platform == NAME && !of.stopped && (of.id == *id || of.number == *id);
            let Some(of) = world.trackers.iter_mut().find(fits) else { return missing() };
            of.stopped = true;
            Reply::json(200, tracker(of, call))
        }
        _ => missing(),
    }
}

const CUSTOMS: Words = Words {
    from: "/shipper/country_code",
    to: "/recipient/country_code",
    lines: "/customs/commodities",
    description: "/title",
    value: "/value_amount",
    value_of_each: false,
    currency: "/value_currency",
    hs_code: "/hs_code",
    origin: "/origin_country",
};

fn create(world: &mut World, call: &Call) -> Reply {
    if is_refused(call.body.get("recipient")) {
        return error(400, "validation", json!({"recipient": {"city": ["unknown"]}}));
    }
    let format = text(&call.body, "label_type").unwrap_or("PDF").to_ascii_lowercase();
    let Some(declared) = CUSTOMS.declared(&call.body) else {
        return error(400, "validation", json!({"customs": ["required"]}));
    };
    let id = world.id("shp_");
    let of = world
        .create(
            NAME,
            id,
            "rat_",
            (call.live, call.request_id.clone(), format),
            (declared, town(call.body.get("recipient"))),
        )
        .clone();
    Reply::json(201, shipment(world, &of))
}

fn rate(id: &str, of: &Offer, live: bool) -> Value {
    let cents = f64::from(i32::try_from(of.cents).unwrap_or(0));
    json!({
        "id": id, "object_type": "rate", "carrier_name": of.word, "carrier_id": "sandbox", "currency": "USD",
        "service": format!("{}_{}", of.word, of.service), "total_charge": cents / 100.0, "transit_days": of.days,
        "extra_charges": [], "test_mode": !live,
    })
}

fn shipment(world: &World, of: &Shipment) -> Value {
    let label = world.labels_of(&of.id).find(|label| label.progress == Progress::Bought);
    let status = match label {
        _ if of.cancelled || label.is_some_and(|label| label.void == Void::Voided) => "cancelled",
        Some(_) => "created",
        None => "draft",
    };
    let rates: Vec<Value> = of.rates.iter().map(|(id, offer)| rate(id, offer, of.live)).collect();
    let tracker =
        label.and_then(|label| world.trackers.iter().find(|of| of.platform == NAME && of.number == label.number));
    json!({
        "id": of.id, "object_type": "shipment", "status": status, "carrier_name": label.map(|label| label.offer.word),
        "tracking_number": label.map(|label| &label.number), "rates": rates, "test_mode": !of.live,
        "selected_rate": label.map(|label| rate(&label.rate, &label.offer, of.live)),
        "label_url": label.map(|_| format!("/v1/shipments/{}/label.{}", of.id, of.format)), "invoice_url": null,
        "tracker_id": tracker.map(|tracker| &tracker.id), "meta": {"request_id": of.key, "sandbox": true},
        "messages": [{"carrier_name": "fedex", "carrier_id": "sandbox", "code": "rate_error", "message": words()}],
    })
}

fn buy(world: &mut World, of: &Shipment, call: &Call) -> Reply {
    if of.cancelled || world.labels_of(&of.id).next().is_some() {
        return error(409, "state_error", Value::Null);
    }
    let rate = text(&call.body, "selected_rate_id").unwrap_or_default().to_owned();
    let id = world.id("lbl_");
    match world.buy(of, &rate, id, None, call.now) {
        Some(bought) => {
            let id = world.id("trk_");
            world.register(NAME, &bought.number, Some(bought.offer.word), &id);
            Reply::json(200, shipment(world, of))
        }
        None => error(400, "validation", json!({"selected_rate_id": ["invalid"]})),
    }
}

fn cancel(world: &mut World, of: &Shipment) -> Reply {
    let label = world.labels_of(&of.id).next().map(|label| (label.id.clone(), label.void));
    match label {
        Some((_, Void::Voided)) => return Reply::json(202, shipment(world, of)),
        Some(_) if world.refuses_voids => return by_carrier("void_refused"),
        Some((id, _)) => {
            world.void(&id);
            world.settle();
        }
        None => {
            if let Some(of) = world.shipments.get_mut(&of.id) {
                of.cancelled = true;
            }
        }
    }
    let Some(of) = world.shipments.get(&of.id) else { return missing() };
    Reply::json(200, shipment(world, of))
}

fn paper(world: &World, of: &Shipment) -> Reply {
    let Some(label) = world.labels_of(&of.id).find(|label| label.progress == Progress::Bought) else {
        return missing();
    };
    let (_, bytes) = papers::label(&of.format, &label.number);
    Reply::json(
        200,
        json!({"category": "label", "format": of.format.to_ascii_uppercase(), "base64": STANDARD.encode(bytes)}),
    )
}

fn register(world: &mut World, call: &Call) -> Reply {
    let (Some(number), Some(carrier)) = (text(&call.body, "tracking_number"), text(&call.body, "carrier_name")) else {
        return error(400, "validation", json!({"tracking_number": ["required"]}));
    };
    if call.query.get("pending_pickup").map(String::as_str) != Some("true") {
        return by_carrier("no_tracking_info");
    }
    let id = world.id("trk_");
    // the carrier is no part of the key
    let known = world.tracker(NAME, number, None).and_then(|of| of.carrier.clone());
    let (of, _) = world.register(NAME, number, known.as_deref().or(Some(carrier)), &id);
    Reply::json(202, tracker(&of, call))
}

fn tracker(of: &Tracker, call: &Call) -> Value {
    json!({
        "id": of.id, "object_type": "tracker", "carrier_name": of.carrier, "carrier_id": "sandbox", "tracking_number": of.number,
        "status": "pending", "delivered": false, "test_mode": !call.live, "metadata": {"sandbox": true},
        "events": [{
            "date": call.now.strftime("%Y-%m-%d").to_string(), "time": call.now.strftime("%H:%M").to_string(),
            "description": words(), "code": "M", "location": "Hannover", "status": "pending",
        }],
    })
}
