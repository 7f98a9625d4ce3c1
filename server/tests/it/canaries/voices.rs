//! What is put in, and where: by carriers in every format, by the order system, by the desk and by its agents.

use crate::world::{SECRET, World, systems::Systems};
use application::{
    clock::Clock,
    odoo::IMPORT_PAGES_MAX,
    tracking::ingest::{self, Delivery},
};
use carriers::{RawRequest, Settings};
use domain::ids::{CorrelationId, MessageId};
use http::{HeaderMap, HeaderValue};
use jiff::SignedDuration;
use ring::hmac;
use serde_json::{Value, json};
use simulator::{faults::Fault, journey::Place, odoo::NewOrder};
use std::fmt::Write as _;
use storage::jobs::{Cause, JobKind, Lane};

pub const NUMBER: &str = "CANARY000001";
pub const OTHER: &str = "BYSTANDER001";
/// As EPCIS writes them, and what they are.
const UNIT: (&str, &str) = ("urn:epc:id:sscc:9521141.3000000017", "395211410000000176");
const OTHER_UNIT: (&str, &str) = ("urn:epc:id:sscc:9521141.3000000025", "395211410000000251");

const NAME: &str = "Canaria Quellworth";
/// A part of the name, as a carrier writes it.
const SIGNER: &str = "QUELLWORTH C";
const STREET: &str = "Zebrafinkenweg 4711";
const MAIL: &str = "canaria@quellworth.test";
const WORDS: &str = "Handed to Mrs Goldammer at the back door";
/// In a field that nobody reads.
const NOTE: &str = "ring at Rotkehlchen";
/// In a message that cannot be read.
const UNREAD: &str = "unread for canaria quellworth";
/// What the customer wrote to the shop.
const CUSTOMERS_NOTE: &str = "key is with Kernbeisser next door";

/// Everything about the person who is erased, one canary for each way in.
pub const PERSON: &[&str] = &[
    "Quellworth",
    "Canaria",
    "Zebrafinkenweg",
    MAIL,
    "Goldammer",
    "Rotkehlchen",
    "Kernbeisser",
    // EPCIS: who signed, a remark, a party, a place that is no code
    "Kiebitz",
    "Wiedehopf",
    "Blaumeise",
    "Seidenschwanz",
    // EDIFACT: a party, words, a place that is an address, one beside its code
    "Mauersegler",
    "Eisvogel",
    "Pirolgasse",
    "Haubentaucher",
    // places of lists that are addresses
    "Stieglitzweg",
    "Zaunkoenig",
    "Bachstelze",
];

/// An agent of the desk.
pub const AGENT: &str = "Agnes Rohrdommel <agnes@rohrdommel.test>";
/// What is known of the agent, who stays when the customer is erased.
pub const AGENTS: &[&str] = &["Agnes Rohrdommel", "agnes@rohrdommel.test"];

const BYSTANDER: &str = "Other Bystander";
const BYSTANDERS_WORDS: &str = "Left with the Bystander concierge";

/// The key of the simulated systems.
pub const KEY: &str = "key-of-the-tests";

/// What other systems say when they refuse: everything that they know, our key too.
fn indiscreet() -> Fault {
    let known = format!("{NAME} <{MAIL}>, {STREET}, note: {CUSTOMERS_NOTE}");
    Fault::Error(format!("{known}: Authorization: bearer {KEY}, Basic dTpr is refused").leak())
}

fn order(world: &World, number: &str, unit: &str, customer: &str) -> NewOrder {
    let now = world.clock.now();
    let place = Place { city: "Lyon", state: None, zip: "69001", country: "FR", country3: "FRA", zone: "Europe/Paris" };
    NewOrder {
        order: format!("S-{number}"),
        picking: format!("WH/OUT/{number}"),
        customer: customer.into(),
        place,
        carrier: "DHL",
        tracking: Some(format!("{number}, {unit}")),
        promised: now + SignedDuration::from_hours(24_000),
        shipped: Some(now - SignedDuration::from_hours(48)),
        written: now,
    }
}

/// All of them, heard by these systems and by this installation.
pub async fn sing(systems: &Systems) {
    let world = &systems.world;
    let picking = systems.odoo.add_order(&order(world, NUMBER, UNIT.1, NAME));
    systems.odoo.edit_linked(picking, "partner_id", "street", json!(STREET));
    systems.odoo.edit_linked(picking, "partner_id", "email", json!(MAIL));
    // a record that cannot be read as it should
    systems.odoo.edit_linked(picking, "partner_id", "zip", json!({"comment": CUSTOMERS_NOTE}));
    systems.odoo.edit_linked(picking, "partner_id", "comment", json!(CUSTOMERS_NOTE));
    systems.odoo.edit(picking, "note", json!(CUSTOMERS_NOTE));
    systems.odoo.add_order(&order(world, OTHER, OTHER_UNIT.1, BYSTANDER));
    systems.import(IMPORT_PAGES_MAX).await;
    world.settle().await;
    systems.odoo.fail(Some("stock.picking/write"), &indiscreet(), 2);
    systems.odoo.fail(Some("message_post"), &indiscreet(), 1);
    aftership(world).await;
    epcis(world).await;
    edifact(world).await;
    easypost(world).await;
    systems.desk.fail(Some("ticket"), &indiscreet(), 1);
    world.passes(5).await;
    agent(systems).await;
    // a job that concerns no shipment
    systems.odoo.fail(Some("search"), &indiscreet(), 1);
    let context = &world.context;
    let mut import = context.job(JobKind::IMPORT_ORDERS, "odoo", Cause::Import, context.correlation(), None).to("odoo");
    import.lane = Lane::Batch;
    context.store.jobs.enqueue(context.scope(), vec![import]).await.unwrap();
    world.settle().await;
}

/// An agent closes the tickets.
async fn agent(systems: &Systems) {
    let tickets = systems.desk.tickets();
    assert!(!tickets.is_empty(), "there is a ticket");
    tickets.iter().for_each(|ticket| systems.desk.set_status_as(ticket.number, "resolved", AGENT));
    for _ in 0..2 {
        systems.world.clock.advance(jiff::Span::new().seconds(31));
        systems.world.tick().await;
        systems.world.settle().await;
    }
}

fn tracking(number: &str, words: &str, last: &str, subtag: &str) -> Value {
    let point = |subtag: &str, hour: u8| {
        json!({"tag": subtag.split('_').next(), "subtag": subtag, "checkpoint_time": format!("2026-03-05T0{hour}:00:00"), "city": "Lyon",
            "message": words})
    };
    json!({"id": format!("t-{number}"), "tracking_number": number, "slug": "dhl", "tag": subtag.split('_').next(), "subtag": subtag,
        "updated_at": format!("2026-03-05T0{}:00:00+00:00", last.len()), "checkpoints": [point("InTransit_003", 1), point(subtag, 4)]})
}

/// Messages about the person alone, about others too, about others alone, and one that cannot be read.
async fn aftership(world: &World) {
    let mut delivered = tracking(NUMBER, WORDS, "xx", "Delivered_001");
    delivered["signed_by"] = SIGNER.into();
    delivered["checkpoints"][0]["location"] = "c/o Zaunkoenig".into();
    delivered["checkpoints"][1]["city"] = STREET.into();
    let mut list = vec![tracking(OTHER, BYSTANDERS_WORDS, "x", "InTransit_007"), delivered.clone()];
    list[1]["customer_name"] = NAME.into();
    let mut alone = tracking(NUMBER, WORDS, "x", "Exception_012");
    alone["customer_note"] = NOTE.into();
    alone["checkpoints"][0]["city"] = "Stieglitzweg 12".into();
    for body in [
        json!({"event_id": "alone", "msg": alone}),
        json!({"event_id": "several", "data": {"trackings": list}}),
        json!({"event_id": "other", "msg": tracking(OTHER, BYSTANDERS_WORDS, "xxx", "InTransit_003")}),
        json!({"event_id": "unread", "nobody": "knows", "what": UNREAD}),
    ] {
        world.offer(body.to_string().as_bytes()).await.unwrap();
    }
    world.offer(format!("{{\"broken\": \"{UNREAD}\", ").as_bytes()).await.unwrap();
}

/// Events with what senders add of their own: about the person alone, and about others too.
async fn epcis(world: &World) {
    let event = |unit: &str, hour: u8, place: &str, own: &str| {
        format!(
            "<ObjectEvent><eventTime>2026-03-04T0{hour}:15:00Z</eventTime><eventTimeZoneOffset>+01:00</eventTimeZoneOffset>\
             <epcList><epc>{unit}</epc></epcList><action>OBSERVE</action><bizStep>urn:epcglobal:cbv:bizstep:departing</bizStep>\
             <readPoint><id>{place}</id></readPoint>{own}</ObjectEvent>"
        )
    };
    let document = |events: &[String]| {
        format!(
            "<epcis:EPCISDocument xmlns:epcis=\"urn:epcglobal:epcis:xsd:1\" xmlns:own=\"https://warehouse.example/epcis\" \
             schemaVersion=\"1.2\" creationDate=\"2026-03-05T12:00:00Z\"><EPCISBody><EventList>{}</EventList></EPCISBody>\
             </epcis:EPCISDocument>",
            events.concat()
        )
    };
    let own = "<own:signedBy>K. Kiebitz</own:signedBy><own:remark>left with Wiedehopf &amp; son</own:remark>\
               <own:parties><own:party role=\"consignee\" name=\"Blaumeise GmbH\"/></own:parties>";
    let named = format!("<own:party role=\"consignee\">{NAME}</own:party>");
    let (dock, farm) = ("urn:epc:id:sgln:9521141.00003.dock7", "Hof Seidenschwanz 3");
    let others = event(OTHER_UNIT.0, 8, dock, "<own:remark>Bystander dock</own:remark>");
    world.source_of("warehouse", "epcis", SECRET, Settings::default()).await;
    for events in [vec![event(UNIT.0, 6, farm, own)], vec![event(UNIT.0, 7, farm, &named), others]] {
        let observations = events.len();
        let message = world.bring("warehouse", document(&events).as_bytes()).await.message;
        is_read(world, message, observations).await;
    }
}

/// IFTSTA with parties, words and places: about the person alone, and about others too.
async fn edifact(world: &World) {
    let message = |number: &str, party: &str, place: &str, words: &str, n: u8| {
        format!(
            "UNH+{n}+IFTSTA:D:01B:UN'BGM+23+{n}+9'DTM+137:202603041200:203'NAD+CA+DHLG:172:182'NAD+CN+++{party}'CNI+1+{number}'\
             STS+1+21'DTM+78:20260304151{n}:203'{place}FTX+AAI+++{words}'UNT+9+{n}'"
        )
    };
    let interchange = |messages: &[String]| {
        let mut text = String::from("UNB+UNOC:3+CARR:ZZ+RCV:ZZ+260310:1200+1'");
        messages.iter().for_each(|message| text.push_str(message));
        write!(text, "UNZ+{}+1'", messages.len()).unwrap();
        text
    };
    let address = "LOC+14+:::Pirolgasse 12'";
    let beside = "LOC+14+DEHAM::6:c/o Haubentaucher'";
    world.source_of("line", "edifact_iftsta", SECRET, Settings::default()).await;
    for messages in [
        vec![message(NUMBER, "Mauersegler AG", address, "for Mrs Eisvogel", 1)],
        vec![message(NUMBER, "Mauersegler AG", beside, "for Mrs Eisvogel", 2)],
        vec![message(NUMBER, NAME, beside, WORDS, 3), message(OTHER, BYSTANDER, "", BYSTANDERS_WORDS, 4)],
    ] {
        let observations = messages.len();
        let message = world.bring("line", interchange(&messages).as_bytes()).await.message;
        is_read(world, message, observations).await;
    }
}

/// A tracker whose places are addresses.
async fn easypost(world: &World) {
    let detail = |city: &str, hour: u8| {
        json!({"object": "TrackingDetail", "status": "in_transit", "status_detail": "departed_facility", "message": WORDS,
            "datetime": format!("2026-03-04T1{hour}:00:00Z"), "tracking_location": {"city": city, "state": "c/o Bachstelze", "country": "FR"}})
    };
    let tracker = json!({"id": "trk_1", "object": "Tracker", "mode": "production", "tracking_code": NUMBER, "status": "in_transit",
        "carrier": "DHLExpress", "signed_by": SIGNER, "updated_at": "2026-03-04T19:00:00Z",
        "tracking_details": [detail(STREET, 7), detail("Lyon", 8)]});
    let body = json!({"id": "evt_1", "object": "Event", "mode": "production", "description": "tracker.updated", "result": tracker});
    let body = body.to_string();
    world.source_of("easypost", "easypost", SECRET, Settings::default()).await;
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes()), body.as_bytes());
    let hex: String =
        tag.as_ref().iter().fold(String::from("hmac-sha256-hex="), |text, byte| format!("{text}{byte:02x}"));
    let mut headers = HeaderMap::new();
    headers.insert("x-hmac-signature", HeaderValue::from_str(&hex).unwrap());
    let request = RawRequest {
        method: "POST",
        path: "/ingest/easypost",
        query: "",
        peer: None,
        headers: &headers,
        body: body.as_bytes(),
    };
    let delivery = Delivery { source: "easypost", request, correlation: CorrelationId(world.clock.id()) };
    let message = ingest::accept(&world.context, delivery).await.unwrap().message;
    is_read(world, message, 2).await;
}

/// A canary that is not read proves nothing.
async fn is_read(world: &World, message: MessageId, observations: usize) {
    world.settle().await;
    let context = &world.context;
    let kept = context.store.inbox.message(context.scope(), message).await.unwrap().unwrap();
    assert!(
        format!("{:?}", kept.status).contains(&format!("observations: {observations}")),
        "{observations} are in {:?}",
        kept.status
    );
}
