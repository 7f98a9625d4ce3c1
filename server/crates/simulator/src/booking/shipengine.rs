//! ShipEngine's shapes: an external id is taken once; what a second label of one shipment does is not documented, so here it is made.

use super::{
    Call, Reply,
    customs::Words,
    world::{Label, Progress, Shipment, Void, World, is_refused, stamp, text, town, words},
};
use crate::faults::Fault;
use serde_json::{Value, json};

const NAME: &str = "shipengine";
const CARRIER_ID: &str = "se-1";

fn error(status: u16, source: &str, kind: &str, code: &str, field: Option<&str>) -> Reply {
    let error = json!({"error_source": source, "error_type": kind, "error_code": code, "message": words(), "field_name": field});
    Reply::json(status, json!({"request_id": "sandbox", "errors": [error]}))
}

fn missing() -> Reply {
    error(404, "shipengine", "validation", "not_found", None)
}

pub(super) fn fault(fault: &Fault, call: &Call) -> Option<Reply> {
    let buys = call.path.first().is_some_and(|first| first == "labels");
    match fault {
        Fault::RateLimited(_) => Some(error(429, "shipengine", "system", "rate_limit_exceeded", None)),
        Fault::Refused if buys => Some(error(400, "carrier", "business_rules", "invalid_address", None)),
        Fault::Refused => Some(error(400, "shipengine", "validation", "invalid_address", Some("ship_to.postal_code"))),
        // an error inside an answer of success
        Fault::Error(code) => Some(error(200, "carrier", "business_rules", code, None)),
        _ => None,
    }
}

pub(super) fn answer(world: &mut World, call: &Call) -> Reply {
    match call.route() {
        ("GET", path) if path == ["carriers"] => Reply::json(
            200,
            json!({"carriers": [{"carrier_id": CARRIER_ID, "carrier_code": "ups", "friendly_name": "sandbox"}]}),
        ),
        ("POST", path) if path == ["shipments"] => create(world, call),
        ("GET", path) if path.len() == 3 && path[..2] == ["shipments", "external_shipment_id"] => {
            let fits =
                |of: &&Shipment| of.platform == NAME && of.live == call.live && of.key.as_deref() == Some(path[2]);
            world.shipments.values().find(fits).map_or_else(missing, |of| Reply::json(200, shipment(world, of)))
        }
        ("GET", path) if path.len() == 2 && path[0] == "shipments" => match world.shipment(NAME, path[1], call.live) {
            Some(of) => Reply::json(200, shipment(world, of)),
            None => missing(),
        },
        ("POST", path) if path == ["rates"] => rates(world, call),
        ("POST", path) if path.len() == 3 && path[..2] == ["labels", "rates"] => buy(world, path[2], call),
        ("GET", path) if path == ["labels"] => {
            let id = call.query.get("shipment_id").map_or("", String::as_str);
            let labels: Vec<Value> =
                world.labels_of(id).filter(|of| of.live == call.live).map(|of| label(of, call)).collect();
            Reply::json(200, json!({"labels": labels, "total": labels.len(), "page": 1, "pages": 1}))
        }
        ("GET", path) if path.len() == 2 && path[0] == "labels" => {
            world.labels.iter().find(|of| of.id == path[1]).map_or_else(missing, |of| Reply::json(200, label(of, call)))
        }
        ("PUT", path) if path.len() == 3 && path[0] == "labels" && path[2] == "void" => void(world, path[1]),
        ("POST", path) if path == ["tracking", "start"] || path == ["tracking", "stop"] => track(world, path[1], call),
        ("GET", path) if path == ["tracking"] => tracking(call),
        _ => missing(),
    }
}

const CUSTOMS: Words = Words {
    from: "/ship_from/country_code",
    to: "/ship_to/country_code",
    lines: "/customs/customs_items",
    description: "/description",
    value: "/value/amount",
    value_of_each: true,
    currency: "/value/currency",
    hs_code: "/harmonized_tariff_code",
    origin: "/country_of_origin",
};

fn create(world: &mut World, call: &Call) -> Reply {
    let body = call.body.get("shipments").and_then(|all| all.get(0)).unwrap_or(&Value::Null);
    if is_refused(body.get("ship_to")) {
        return error(400, "shipengine", "validation", "invalid_address", Some("ship_to.city_locality"));
    }
    // a longer one is cut without a word
    let key = text(body, "external_shipment_id").map(|key| key.chars().take(50).collect::<String>());
    let taken = |of: &Shipment| of.platform == NAME && of.live == call.live && key.is_some() && of.key == key;
    if world.shipments.values().any(taken) {
        return error(400, "shipengine", "business_rules", "invalid_field_value", Some("external_shipment_id"));
    }
    let Some(declared) = CUSTOMS.declared(body) else {
        return error(400, "shipengine", "validation", "field_value_required", Some("customs"));
    };
    let id = world.serial("se-");
    let of =
        world.create(NAME, id, "se-", (call.live, key, "pdf".into()), (declared, town(body.get("ship_to")))).clone();
    Reply::json(200, json!({"has_errors": false, "shipments": [shipment(world, &of)]}))
}

fn shipment(world: &World, of: &Shipment) -> Value {
    let labels: Vec<&Label> = world.labels_of(&of.id).filter(|label| label.void != Void::Voided).collect();
    let status = match labels.first() {
        Some(label) if label.progress == Progress::Working => "processing",
        Some(_) => "label_purchased",
        None if of.cancelled => "cancelled",
        None => "pending",
    };
    json!({"shipment_id": of.id, "external_shipment_id": of.key, "shipment_status": status, "errors": null, "tags": ["sandbox"]})
}

fn rates(world: &World, call: &Call) -> Reply {
    let id = text(&call.body, "shipment_id").unwrap_or_default();
    let Some(of) = world.shipment(NAME, id, call.live) else { return missing() };
    let asked = call.body.get("rate_options").and_then(|options| options.get("carrier_ids"));
    if !asked.and_then(Value::as_array).is_some_and(|ids| ids.iter().any(|id| id == CARRIER_ID)) {
        return error(400, "shipengine", "validation", "field_value_required", Some("carrier_ids"));
    }
    let amount =
        |cents: i64| json!({"currency": "usd", "amount": f64::from(i32::try_from(cents).unwrap_or(0)) / 100.0});
    let rates: Vec<Value> = of
        .rates
        .iter()
        .map(|(id, offer)| json!({
            "rate_id": id, "rate_type": "shipment", "carrier_id": CARRIER_ID, "carrier_code": offer.word,
            "service_code": format!("{}_{}", offer.word, offer.service), "shipping_amount": amount(offer.cents - 58),
            "insurance_amount": amount(0), "confirmation_amount": amount(0), "other_amount": amount(58),
            "delivery_days": offer.days, "validation_status": "valid",
        }))
        .collect();
    let invalid = json!({"carrier_code": "fedex", "error_messages": [words()]});
    Reply::json(
        200,
        json!({
            "shipment_id": of.id,
            "rate_response": {"rates": rates, "invalid_rates": [invalid], "status": "completed", "errors": []},
        }),
    )
}

fn buy(world: &mut World, rate: &str, call: &Call) -> Reply {
    let Some(of) = world.by_rate(rate, call.live).filter(|of| of.platform == NAME).cloned() else { return missing() };
    let of = Shipment { format: text(&call.body, "label_format").unwrap_or("pdf").into(), ..of };
    let id = world.serial("se-");
    world.buy(&of, rate, id, None, call.now).map_or_else(missing, |bought| Reply::json(200, label(&bought, call)))
}

fn label(of: &Label, call: &Call) -> Value {
    let is_void = of.void == Void::Voided;
    let status = match of.progress {
        Progress::Working => "processing",
        Progress::Failed(_) => "error",
        Progress::Bought if is_void => "voided",
        Progress::Bought => "completed",
    };
    let (cents, bought) = (f64::from(i32::try_from(of.offer.cents).unwrap_or(0)), of.progress == Progress::Bought);
    let file = call.file(of);
    json!({
        "label_id": of.id, "status": status, "shipment_id": of.shipment, "created_at": stamp(of.created),
        "shipment_cost": {"currency": "usd", "amount": cents / 100.0}, "insurance_cost": {"currency": "usd", "amount": 0.0},
        "tracking_number": bought.then_some(&of.number), "voided": is_void, "carrier_code": of.offer.word,
        "service_code": format!("{}_{}", of.offer.word, of.offer.service), "label_format": of.format, "is_test": !of.live,
        "label_download": {"href": file, (of.format.as_str()): file}, "form_download": null,
    })
}

fn void(world: &mut World, id: &str) -> Reply {
    if !world.labels.iter().any(|of| of.id == id) {
        return missing();
    }
    if world.refuses_voids {
        return Reply::json(200, json!({"approved": false, "message": words(), "reason_code": "unknown"}));
    }
    world.void(id);
    Reply::json(200, json!({"approved": true, "message": "Request for refund submitted (sandbox)."}))
}

fn track(world: &mut World, what: &str, call: &Call) -> Reply {
    let (Some(number), Some(carrier)) = (call.query.get("tracking_number"), call.query.get("carrier_code")) else {
        return error(400, "shipengine", "validation", "field_value_required", Some("tracking_number"));
    };
    if what == "start" {
        world.register(NAME, number, Some(carrier), number);
    } else if let Some(of) = world.tracker(NAME, number, Some(carrier)) {
        of.stopped = true;
    }
    Reply::empty(204)
}

fn tracking(call: &Call) -> Reply {
    let number = call.query.get("tracking_number").map_or("", String::as_str);
    let at = stamp(call.now);
    Reply::json(
        200,
        json!({
            "tracking_number": number, "status_code": "AC", "status_description": "Accepted", "carrier_code": call.query.get("carrier_code"),
            "carrier_status_code": "M", "carrier_status_description": words(), "exception_description": null,
            "events": [{
                "occurred_at": at, "carrier_occurred_at": at, "description": words(), "status_code": "AC", "event_code": "M",
                "city_locality": "Hannover", "state_province": "", "postal_code": "30159", "country_code": "DE",
            }],
        }),
    )
}
