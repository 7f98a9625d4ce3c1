//! Shippo's shapes: each purchase of a rate is a label of its own, every transaction is a 201, and every registration of a number is a
//! further one.

use super::{
    Call, Reply,
    customs::Words,
    world::{Label, Progress, Shipment, Void, World, is_refused, stamp, text, town, words},
};
use crate::faults::Fault;
use serde_json::{Value, json};

const NAME: &str = "shippo";
/// Transactions of a page where the call does not say it.
const PAGE: usize = 25;
/// Tokens of carriers whose numbers it takes, some of its list.
const TOKENS: &[&str] =
    &["ups", "usps", "fedex", "dhl_express", "dhl_germany", "deutsche_post", "dpd_uk", "dpd_de", "gls_us"];

fn missing() -> Reply {
    Reply::json(404, json!({"detail": "Not found."}))
}

fn is_purchase(call: &Call) -> bool {
    call.method == "POST" && call.path == ["transactions"]
}

pub(super) fn fault(fault: &Fault, call: &Call) -> Option<Reply> {
    let failed = |code: &str| {
        let message = json!({"source": "UPS", "code": code, "text": words()});
        Some(Reply::json(
            201,
            json!({
                "object_id": "sandboxfailed", "object_state": "VALID", "status": "ERROR", "test": !call.live,
                "rate": call.body.get("rate"), "messages": [message],
            }),
        ))
    };
    match fault {
        Fault::RateLimited(_) => Some(Reply::json(429, json!({"detail": "Request was throttled."}))),
        Fault::Refused if is_purchase(call) => failed("invalid_address"),
        Fault::Refused => Some(Reply::json(400, json!({"address_to": ["The address is not valid (sandbox)."]}))),
        Fault::Error(code) if is_purchase(call) => failed(code),
        Fault::Error(words) => Some(Reply::json(500, json!({"detail": words}))),
        _ => None,
    }
}

pub(super) fn answer(world: &mut World, call: &Call) -> Reply {
    match call.route() {
        ("POST", path) if path == ["shipments"] => create(world, call),
        ("POST", path) if path == ["transactions"] => buy(world, call),
        ("GET", path) if path == ["transactions"] => list(world, call),
        ("GET", path) if path.len() == 2 && path[0] == "transactions" => {
            match world.labels.iter().find(|label| is_mine(label, call) && label.id == path[1]) {
                Some(label) => Reply::json(200, transaction(label, call)),
                None => missing(),
            }
        }
        ("POST", path) if path == ["refunds"] => refund(world, call),
        ("GET", path) if path == ["carrier_accounts"] => Reply::json(200, json!({"results": [], "next": null})),
        ("POST", path) if path == ["tracks"] => register(world, call),
        ("GET", path) if path.len() == 3 && path[0] == "tracks" => {
            let words = world.tracker(NAME, path[2], Some(path[1])).and_then(|of| of.words.clone());
            track(path[1], path[2], words.as_deref(), call)
        }
        _ => missing(),
    }
}

fn is_mine(label: &Label, call: &Call) -> bool {
    label.platform == NAME && label.live == call.live
}

const CUSTOMS: Words = Words {
    from: "/address_from/country",
    to: "/address_to/country",
    lines: "/customs_declaration/items",
    description: "/description",
    value: "/value_amount",
    value_of_each: false,
    currency: "/value_currency",
    hs_code: "/tariff_number",
    origin: "/origin_country",
};

fn create(world: &mut World, call: &Call) -> Reply {
    if is_refused(call.body.get("address_to")) {
        return Reply::json(400, json!({"address_to": ["The address could not be found."]}));
    }
    let parcel = call.body.get("parcels").and_then(|parcels| parcels.get(0)).unwrap_or(&Value::Null);
    if ["length", "width", "height", "weight"].iter().any(|name| text(parcel, name).is_none()) {
        return Reply::json(400, json!({"parcels": ["A parcel needs length, width, height and weight."]}));
    }
    let key = text(&call.body, "metadata").map(str::to_owned);
    let Some(declared) = CUSTOMS.declared(&call.body) else {
        return Reply::json(400, json!({"customs_declaration": ["This field is required."]}));
    };
    let id = world.id("5a");
    let of = world
        .create(NAME, id, "4b", (call.live, key, "pdf".into()), (declared, town(call.body.get("address_to"))))
        .clone();
    Reply::json(201, shipment(&of))
}

fn shipment(of: &Shipment) -> Value {
    let rates: Vec<Value> = of
        .rates
        .iter()
        .map(|(id, offer)| json!({
            "object_id": id, "shipment": of.id, "amount": offer.price(), "currency": "USD", "provider": offer.carrier,
            "servicelevel": {"name": offer.service, "token": format!("{}_{}", offer.word, offer.service)},
            "estimated_days": offer.days, "carrier_account": "sandbox", "test": !of.live,
        }))
        .collect();
    let message = json!({"source": "FedEx", "code": "rate_error", "text": words()});
    json!({"object_id": of.id, "status": "SUCCESS", "metadata": of.key, "rates": rates, "messages": [message], "test": !of.live})
}

fn buy(world: &mut World, call: &Call) -> Reply {
    let rate = text(&call.body, "rate").unwrap_or_default().to_owned();
    let Some(of) = world.by_rate(&rate, call.live).filter(|of| of.platform == NAME).cloned() else {
        return Reply::json(400, json!({"rate": ["Rate with supplied object_id not found."]}));
    };
    let format = match text(&call.body, "label_file_type") {
        Some("PNG") => "png",
        Some("ZPLII") => "zpl",
        _ => "pdf",
    };
    let of = Shipment { format: format.into(), ..of };
    let key = text(&call.body, "metadata").map(str::to_owned);
    let id = world.id("7c");
    match world.buy(&of, &rate, id, key, call.now) {
        Some(label) => Reply::json(201, transaction(&label, call)),
        None => Reply::json(400, json!({"rate": ["Rate with supplied object_id not found."]})),
    }
}

fn transaction(label: &Label, call: &Call) -> Value {
    let bought = label.progress == Progress::Bought;
    let status = match (&label.progress, label.void) {
        (Progress::Working, _) => "QUEUED",
        (Progress::Failed(_), _) => "ERROR",
        (Progress::Bought, Void::None) => "SUCCESS",
        (Progress::Bought, Void::Requested) => "REFUNDPENDING",
        (Progress::Bought, Void::Voided) => "REFUNDED",
        (Progress::Bought, Void::Rejected) => "REFUNDREJECTED",
    };
    json!({
        "object_id": label.id, "object_state": "VALID", "status": status, "rate": label.rate, "metadata": label.key,
        "tracking_number": if bought { label.number.as_str() } else { "" }, "tracking_status": "UNKNOWN",
        "label_url": if bought { call.file(label) } else { String::new() }, "commercial_invoice_url": null,
        "test": !label.live, "messages": [], "object_created": stamp(label.created),
    })
}

fn list(world: &World, call: &Call) -> Reply {
    let number = |name: &str, usual: usize| call.query.get(name).and_then(|text| text.parse().ok()).unwrap_or(usual);
    let (page, results) = (number("page", 1).max(1), number("results", PAGE).min(100));
    let of_rate = |label: &&Label| call.query.get("rate").is_none_or(|rate| *rate == label.rate);
    // the newest first
    let all: Vec<&Label> = world.labels.iter().rev().filter(|label| is_mine(label, call)).filter(of_rate).collect();
    let shown: Vec<Value> =
        all.iter().skip((page - 1) * results).take(results).map(|label| transaction(label, call)).collect();
    Reply::json(200, json!({"next": null, "previous": null, "results": shown}))
}

fn refund(world: &mut World, call: &Call) -> Reply {
    let id = text(&call.body, "transaction").unwrap_or_default();
    let Some(label) =
        world.labels.iter().find(|label| is_mine(label, call) && label.id == id).map(|label| label.id.clone())
    else {
        return Reply::json(400, json!({"transaction": ["Transaction not found."]}));
    };
    world.void(&label);
    Reply::json(201, json!({"object_id": world.id("9d"), "status": "QUEUED", "transaction": label, "test": !call.live}))
}

fn register(world: &mut World, call: &Call) -> Reply {
    let (Some(number), Some(carrier)) = (text(&call.body, "tracking_number"), text(&call.body, "carrier")) else {
        return Reply::json(400, json!({"tracking_number": ["This field is required."]}));
    };
    if !TOKENS.contains(&carrier) {
        return Reply::json(400, json!({"carrier": ["This is no carrier's token (sandbox)."]}));
    }
    world.register(NAME, number, Some(carrier), number);
    let words = text(&call.body, "metadata");
    if let Some(of) = world.tracker(NAME, number, Some(carrier)) {
        of.words = words.map(str::to_owned);
    }
    track(carrier, number, words, call)
}

/// What Shippo reads of the carrier, whether the number is registered or not; with the words of its registration where it is.
fn track(carrier: &str, number: &str, words_of: Option<&str>, call: &Call) -> Reply {
    let status = json!({
        "object_id": "sandbox", "status": "PRE_TRANSIT", "status_details": words(), "status_date": stamp(call.now),
        "substatus": null, "location": null,
    });
    Reply::json(
        200,
        json!({
            "carrier": carrier, "tracking_number": number, "metadata": words_of, "tracking_status": status,
            "tracking_history": [status], "test": !call.live,
        }),
    )
}
