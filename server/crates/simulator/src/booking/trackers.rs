//! Platforms that only track: AfterShip, 17TRACK, TrackingMore.

use super::{
    Call, Reply,
    world::{Tracker, World, stamp, text, words},
};
use crate::faults::Fault;
use serde_json::{Value, json};

const AFTERSHIP: &str = "aftership";
const SEVENTEEN_TRACK: &str = "17track";
const TRACKINGMORE: &str = "trackingmore";
/// A number that no carrier has.
const NOT_A_NUMBER: &str = "NOTANUMBER";

fn meta(status: u16, code: i64, message: &str) -> Reply {
    Reply::json(status, json!({"meta": {"code": code, "type": "Sandbox", "message": message}, "data": {}}))
}

pub(super) fn aftership_fault(fault: &Fault, _: &Call) -> Option<Reply> {
    match fault {
        Fault::RateLimited(_) => Some(meta(429, 429, "Too many requests")),
        Fault::Refused => Some(meta(400, 4005, "The value of `tracking_number` is invalid.")),
        Fault::Error(_) => Some(meta(500, 500, "Something went wrong")),
        _ => None,
    }
}

pub(super) fn aftership(world: &mut World, call: &Call) -> Reply {
    match call.route() {
        ("POST", path) if path == ["trackings"] => {
            let Some(number) = text(&call.body, "tracking_number").filter(|number| *number != NOT_A_NUMBER) else {
                return meta(400, 4005, "The value of `tracking_number` is invalid.");
            };
            let slug = text(&call.body, "slug");
            if world.tracker(AFTERSHIP, number, slug).is_some_and(|of| !of.stopped) {
                return meta(400, 4003, "Tracking already exists.");
            }
            let id = world.id("at");
            let (of, _) = world.register(AFTERSHIP, number, slug.or(Some("ups")), &id);
            Reply::json(201, json!({"meta": {"code": 201}, "data": aftership_tracking(&of, call)}))
        }
        ("GET", path) if path == ["trackings"] => {
            let wanted = call.query.get("tracking_numbers");
            let slug = call.query.get("slug");
            let fits = |of: &&Tracker| {
                let named = wanted.is_none_or(|all| all.split(',').any(|number| number == of.number));
                of.platform == AFTERSHIP
                    && !of.stopped
                    && named
                    && slug.is_none_or(|slug| of.carrier.as_ref() == Some(slug))
            };
            let found: Vec<Value> = world.trackers.iter().filter(fits).map(|of| aftership_tracking(of, call)).collect();
            Reply::json(
                200,
                json!({"meta": {"code": 200}, "data": {"pagination": {"total": found.len()}, "trackings": found}}),
            )
        }
        ("DELETE", path) if path.len() == 2 && path[0] == "trackings" => {
            let fits = |of: &&mut Tracker| of.platform == AFTERSHIP && of.id == path[1] && !of.stopped;
            match world.trackers.iter_mut().find(fits) {
                Some(of) => {
                    of.stopped = true;
                    Reply::json(200, json!({"meta": {"code": 200}, "data": aftership_tracking(of, call)}))
                }
                None => meta(404, 4004, "Tracking does not exist."),
            }
        }
        _ => meta(404, 404, "The URI requested is invalid."),
    }
}

fn aftership_tracking(of: &Tracker, call: &Call) -> Value {
    json!({
        "id": of.id, "tracking_number": of.number, "slug": of.carrier, "tag": "InfoReceived", "subtag": "InfoReceived_001",
        "title": "sandbox", "updated_at": stamp(call.now),
        "checkpoints": [{
            "tag": "InfoReceived", "subtag": "InfoReceived_001", "checkpoint_time": stamp(call.now), "message": words(),
            "slug": of.carrier, "created_at": stamp(call.now),
        }],
    })
}

pub(super) fn seventeen_track_fault(fault: &Fault, call: &Call) -> Option<Reply> {
    match fault {
        Fault::RateLimited(_) => Some(Reply::json(429, json!({"code": 429, "message": "Too many requests"}))),
        Fault::Refused => {
            let refused = |item: &Value| rejected(text(item, "number").unwrap_or_default(), -18_019_908);
            let all: Vec<Value> = call.body.as_array().into_iter().flatten().map(refused).collect();
            Some(Reply::json(200, json!({"code": 0, "data": {"accepted": [], "rejected": all}})))
        }
        Fault::Error(_) => Some(Reply::json(
            200,
            json!({"code": 0, "data": {"errors": [{"code": -18_010_003, "message": "Internal error"}]}}),
        )),
        _ => None,
    }
}

fn rejected(number: &str, code: i64) -> Value {
    json!({"number": number, "error": {"code": code, "message": words()}})
}

pub(super) fn seventeen_track(world: &mut World, call: &Call) -> Reply {
    let what = call.path.last().cloned().unwrap_or_default();
    if what == "getquota" {
        return Reply::json(200, json!({"code": 0, "data": {"quota_total": 100, "quota_used": world.trackers.len()}}));
    }
    let asked = call.body.as_array().cloned().unwrap_or_default();
    if asked.len() > 40 {
        return Reply::json(
            200,
            json!({"code": 0, "data": {"errors": [{"code": -18_010_014, "message": "at most 40 (sandbox)"}]}}),
        );
    }
    let (mut accepted, mut refused) = (Vec::new(), Vec::new());
    for item in &asked {
        let number = text(item, "number").unwrap_or_default();
        let carrier = item.get("carrier").and_then(Value::as_u64).map(|code| code.to_string());
        let known = world.tracker(SEVENTEEN_TRACK, number, carrier.as_deref()).is_some();
        match (what.as_str(), known) {
            ("register", _) if number == NOT_A_NUMBER => refused.push(rejected(number, -18_019_903)),
            ("register", true) => refused.push(rejected(number, -18_019_901)),
            ("register", false) => {
                let carrier = carrier.unwrap_or_else(|| "100002".into());
                let (of, _) = world.register(SEVENTEEN_TRACK, number, Some(&carrier), number);
                accepted.push(
                    json!({"origin": 1, "number": of.number, "carrier": carrier.parse::<u64>().ok(), "tag": "sandbox"}),
                );
            }
            (_, false) => refused.push(rejected(number, -18_019_902)),
            ("stoptrack", true) => {
                let of = world.tracker(SEVENTEEN_TRACK, number, carrier.as_deref());
                if of.is_some_and(|of| std::mem::replace(&mut of.stopped, true)) {
                    refused.push(rejected(number, -18_019_906));
                } else {
                    accepted.push(json!({"number": number}));
                }
            }
            ("retrack", true) => {
                let of = world.tracker(SEVENTEEN_TRACK, number, carrier.as_deref());
                match of.map(|of| (of.stopped, of)) {
                    Some((true, of)) if of.restarts == 0 => {
                        (of.stopped, of.restarts) = (false, 1);
                        accepted.push(json!({"number": number}));
                    }
                    Some((true, _)) => refused.push(rejected(number, -18_019_905)),
                    _ => refused.push(rejected(number, -18_019_904)),
                }
            }
            ("gettrackinfo", true) => {
                let carrier =
                    world.tracker(SEVENTEEN_TRACK, number, carrier.as_deref()).and_then(|of| of.carrier.clone());
                accepted.push(track_info(number, carrier.as_deref(), call));
            }
            _ => return Reply::empty(404),
        }
    }
    Reply::json(200, json!({"code": 0, "data": {"accepted": accepted, "rejected": refused}}))
}

fn track_info(number: &str, carrier: Option<&str>, call: &Call) -> Value {
    let event = json!({
        "time_iso": stamp(call.now), "time_utc": stamp(call.now), "description": words(), "location": "", "stage": "InfoReceived",
        "sub_status": "InfoReceived", "address": {},
    });
    json!({
        "number": number, "carrier": carrier.and_then(|code| code.parse::<u64>().ok()),
        "track_info": {
            "latest_status": {"status": "InfoReceived", "sub_status": "InfoReceived"}, "latest_event": event,
            "tracking": {"providers": [{"provider": {"key": 100_002, "name": "sandbox"}, "events": [event]}]},
        },
    })
}

pub(super) fn trackingmore_fault(fault: &Fault, _: &Call) -> Option<Reply> {
    match fault {
        Fault::RateLimited(_) => Some(meta(429, 429, "Too many requests")),
        Fault::Refused => Some(meta(400, 4190, "The current number of shipments exceeds your quota.")),
        Fault::Error(_) => Some(meta(500, 511, "Server error")),
        _ => None,
    }
}

pub(super) fn trackingmore(world: &mut World, call: &Call) -> Reply {
    match call.route() {
        ("POST", path) if path == ["trackings", "batch"] => {
            let (mut made, mut failed) = (Vec::new(), Vec::new());
            for item in call.body.as_array().into_iter().flatten() {
                let number = text(item, "tracking_number").unwrap_or_default();
                let carrier = text(item, "courier_code");
                let error = |code: i64, message: &str| json!({"tracking_number": number, "courier_code": carrier, "errorCode": code, "errorMessage": message});
                if number == NOT_A_NUMBER {
                    failed.push(error(4014, "The tracking number is not valid (sandbox)."));
                } else if world.tracker(TRACKINGMORE, number, carrier).is_some_and(|of| !of.removed) {
                    failed.push(error(4101, "Tracking No. already exists."));
                } else {
                    let id = world.id("tm");
                    let (of, _) = world.register(TRACKINGMORE, number, carrier, &id);
                    made.push(json!({"id": of.id, "tracking_number": of.number, "courier_code": of.carrier}));
                }
            }
            Reply::json(
                200,
                json!({"meta": {"code": 200, "message": "sandbox"}, "data": {"success": made, "error": failed}}),
            )
        }
        ("GET", path) if path == ["trackings", "get"] => {
            let wanted = call.query.get("tracking_numbers");
            let fits = |of: &&Tracker| {
                let named = wanted.is_none_or(|all| all.split(',').any(|number| number == of.number));
                of.platform == TRACKINGMORE && !of.removed && named
            };
            let found: Vec<Value> =
                world.trackers.iter().filter(fits).map(|of| trackingmore_tracking(of, call)).collect();
            Reply::json(200, json!({"meta": {"code": 200, "message": "sandbox"}, "data": found}))
        }
        ("POST", path) if path.len() == 3 && path[..2] == ["trackings", "retrack"] => {
            let fits = |of: &&mut Tracker| of.platform == TRACKINGMORE && of.id == path[2] && !of.removed;
            match world.trackers.iter_mut().find(fits) {
                Some(of) => {
                    of.restarts += u32::from(of.stopped);
                    of.stopped = false;
                    Reply::json(200, json!({"meta": {"code": 200, "message": "sandbox"}, "data": {"id": of.id}}))
                }
                None => meta(400, 4102, "Tracking No. does not exist."),
            }
        }
        ("DELETE", path) if path.len() == 3 && path[..2] == ["trackings", "delete"] => {
            let fits = |of: &&mut Tracker| of.platform == TRACKINGMORE && of.id == path[2] && !of.removed;
            match world.trackers.iter_mut().find(fits) {
                Some(of) => {
                    (of.stopped, of.removed) = (true, true);
                    Reply::json(200, json!({"meta": {"code": 200, "message": "sandbox"}, "data": {"id": of.id}}))
                }
                None => meta(400, 4102, "Tracking No. does not exist."),
            }
        }
        _ => meta(404, 404, "Page does not exist"),
    }
}

fn trackingmore_tracking(of: &Tracker, call: &Call) -> Value {
    json!({
        "id": of.id, "tracking_number": of.number, "courier_code": of.carrier, "delivery_status": "inforeceived",
        "substatus": "inforeceived001", "update_at": stamp(call.now),
        "origin_info": {"trackinfo": [{
            "checkpoint_date": stamp(call.now), "checkpoint_delivery_status": "inforeceived",
            "checkpoint_delivery_substatus": "inforeceived001", "tracking_detail": words(), "location": "",
        }]},
    })
}
