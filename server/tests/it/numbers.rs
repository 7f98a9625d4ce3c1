//! One number in several forms, on labels, in Odoo and in messages: one shipment; what only looks alike: two.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use crate::world::{World, systems::Systems};
use app::contract::shipments::{ListQuery, ListTab};
use application::odoo::{self, IMPORT_PAGES_MAX};
use domain::access::Role;
use domain::{ExceptionReason, State, ids::ShipmentId, numbers};
use serde_json::json;
use std::collections::BTreeSet;

const UPS: &str = "1Z999AA10123456784";
const IMPB: &str = "9400100000000544944941";
const HANDED_OVER: &str = "9261299999998730503142";
const SSCC: &str = "340123456467733949";

/// A delivery's shipping method and tracking reference in Odoo, a message's carrier and number, and whether they are one.
const PAIRS: &[Pair] = &[
    // labels
    ("USPS", "420202609400100000000544944941", Some("usps"), IMPB, true),
    ("USPS", IMPB, None, "(420)20260(94)00100000000544944941", true),
    ("USPS", "9400 1000 0000 0544 9449 41", Some("usps"), "]C1420202609400100000000544944941", true),
    ("FedEx", "732879858041", Some("fedex"), "1001439964366392026000732879858041", true),
    ("FedEx", "00732879858041", Some("fedex"), "7328 7985 8041", true),
    ("Standard delivery", "00732879858041", Some("fedex"), "732879858041", true),
    ("DHL", "340434161094015902", Some("dhl"), "00340434161094015902", true),
    ("DHL", "(00)340434161094015902", Some("dhl"), "00340434161094015902", true),
    ("DHL", "JJD014600001234567890", Some("dhl"), "JD01 4600 0012 3456 7890", true),
    ("DPD", "%008182709980000020034350276", Some("dpd"), "09980000020034", true),
    ("DPD", "09980000020034D", Some("dpd"), "0998 0000 0200 34", true),
    ("GLS", "913411501389", Some("gls"), "91341150138", true),
    ("GLS", "91341150138", Some("gls"), "913411501389", true),
    ("Standard delivery", "913411501389", Some("gls"), "91341150138", true),
    ("Standard delivery", "91341150138", Some("gls"), "913411501389", true),
    ("Standard delivery", SSCC, None, "]C100340123456467733949", true),
    // texts
    ("UPS", "UPS 1Z 999 AA1 01 2345 6784", Some("ups"), UPS, true),
    ("Standard delivery", "https://www.ups.com/track?tracknum=1Z999AA10123456784", Some("ups"), UPS, true),
    // handed over
    ("UPS", HANDED_OVER, Some("usps"), HANDED_OVER, true),
    ("FedEx", "61299999998730503142", Some("usps"), HANDED_OVER, true),
    ("USPS", HANDED_OVER, Some("fedex"), "61299999998730503142", true),
    ("DHL eCommerce", HANDED_OVER, Some("usps"), "420202609261299999998730503142", true),
    ("UPS", "MI999999ORDER0042A1", Some("usps"), "MI999999ORDER0042A1", true),
    ("Royal Mail", "RB123456785GB", Some("usps"), "RB 123 456 785 GB", true),
    // what only looks alike
    ("UPS", "CD123456789", Some("dhl"), "CD123456789", false),
    ("UPS", "MI999999ORDER0042A1", Some("dhl"), "MI999999ORDER0042A1", false),
    ("FedEx", "385930204131", Some("gls"), "38593020413", false),
    ("FedEx", "732879858041", Some("gls"), "00732879858041", false),
    ("Standard delivery", "(00)340123456467733949", Some("gls"), "00340123456467733949", false),
    ("Standard delivery", "0012345678", Some("ups"), "12345678", false),
];

async fn says(world: &World, slug: Option<&str>, number: &str, subtag: &str, time: &str) {
    let list = json!([{"tag": subtag.split('_').next(), "subtag": subtag, "checkpoint_time": time, "city": "Lyon"}]);
    let msg = json!({"id": "t", "tracking_number": number, "slug": slug, "tag": subtag.split('_').next(), "subtag": subtag,
        "updated_at": format!("{time}+00:00"), "checkpoints": list});
    let body = json!({"event_id": format!("{number}-{time}"), "msg": msg}).to_string();
    world.offer(body.as_bytes()).await.unwrap();
}

/// A delivery in Odoo, not taken in yet.
fn delivery(systems: &Systems, name: &str, method: &str, reference: &str) -> i64 {
    let picking = systems.add_order(name);
    systems.odoo.edit(picking, "carrier_id", json!([2, method]));
    systems.odoo.edit(picking, "carrier_tracking_ref", json!(reference));
    picking
}

async fn take_in(systems: &Systems) {
    systems.import(IMPORT_PAGES_MAX).await;
    systems.world.settle().await;
}

async fn shipment_of(systems: &Systems, name: &str) -> ShipmentId {
    let context = &systems.world.context;
    context.store.shipments.find(context.scope(), &format!("WH/OUT/{name}")).await.unwrap()[0]
}

async fn open(systems: &Systems, id: ShipmentId) -> Vec<ExceptionReason> {
    let loaded = systems.world.load(id).await;
    loaded.exceptions.iter().filter(|e| e.closed.is_none()).map(|e| e.reason).collect()
}

type Pair = (&'static str, &'static str, Option<&'static str>, &'static str, bool);

/// The pairs in groups in which none has to do with another.
fn groups() -> Vec<Vec<&'static Pair>> {
    let mut groups: Vec<(BTreeSet<String>, Vec<&Pair>)> = Vec::new();
    for pair in PAIRS {
        let keys: BTreeSet<String> = [pair.1, pair.3].iter().flat_map(|text| numbers::resembling(text, None)).collect();
        match groups.iter_mut().find(|(taken, _)| taken.is_disjoint(&keys)) {
            Some((taken, group)) => {
                taken.extend(keys);
                group.push(pair);
            }
            None => groups.push((keys, vec![pair])),
        }
    }
    groups.into_iter().map(|(_, group)| group).collect()
}

#[tokio::test]
async fn an_order_and_a_message_meet_in_whatever_form_and_order() {
    for (group, order_first) in groups().into_iter().flat_map(|group| [(group.clone(), true), (group, false)]) {
        let systems = Systems::new().await;
        for (n, (method, reference, ..)) in group.iter().enumerate() {
            delivery(&systems, &format!("A{n}"), method, reference);
        }
        if order_first {
            take_in(&systems).await;
        }
        for (_, _, slug, number, _) in &group {
            says(&systems.world, *slug, number, "InTransit_002", "2026-03-05T10:00:00").await;
        }
        if !order_first {
            take_in(&systems).await;
        }
        for (n, pair) in group.iter().enumerate() {
            let state = systems.world.state(shipment_of(&systems, &format!("A{n}")).await).await;
            assert_eq!(state.has_left(), pair.4, "{pair:?}, order first: {order_first}");
        }
        let apart = group.iter().filter(|pair| !pair.4).count();
        assert_eq!(systems.world.unclaimed().await, apart as u64, "{group:?}, order first: {order_first}");
    }
}

#[tokio::test]
async fn what_is_said_again_under_another_form_is_the_same_statement() {
    for (slug, forms) in [
        (Some("usps"), [IMPB, "420202609400100000000544944941", "9400-1000-0000-0544-9449-41"]),
        (Some("gls"), ["91341150138", "913411501389", "91 34 1150138"]),
        (None, [SSCC, "(00)340123456467733949", "00340123456467733949"]),
    ] {
        let world = World::new().await;
        for form in forms {
            says(&world, slug, form, "InTransit_002", "2026-03-05T10:00:00").await;
        }
        let context = &world.context;
        let found = context.store.shipments.find(context.scope(), forms[0]).await.unwrap();
        let [shipment] = found[..] else { panic!("{forms:?}: {found:?}") };
        assert_eq!(world.load(shipment).await.input.facts.len(), 1, "{forms:?}");
    }
    // whichever of the carriers that know the number is named
    let world = World::new().await;
    for slug in ["usps", "fedex"] {
        says(&world, Some(slug), HANDED_OVER, "InTransit_002", "2026-03-05T10:00:00").await;
    }
    let shipment = world.context.store.shipments.find(world.context.scope(), HANDED_OVER).await.unwrap()[0];
    assert_eq!((world.load(shipment).await.input.facts.len(), world.unclaimed().await), (1, 1));
}

#[tokio::test]
async fn any_form_is_found() {
    let systems = Systems::new().await;
    for (name, method, reference) in [
        ("A", "UPS", UPS),
        ("B", "USPS", "420202609400100000000544944941"),
        ("C", "GLS", "913411501389"),
        ("D", "FedEx", "61299999998730503142"),
    ] {
        delivery(&systems, name, method, reference);
    }
    take_in(&systems).await;
    let port = systems.world.ports(Role::Admin).shipments;
    for (name, forms) in [
        (
            "A",
            &[
                "1z 999 aa1 01 2345 6784",
                "UPS 1Z999AA10123456784",
                "1Z-999-AA1-01-2345-6784",
                "Tracking no.: 1Z999AA10123456784",
            ][..],
        ),
        (
            "B",
            &[
                IMPB,
                "420202609400100000000544944941",
                "9400 1000 0000 0544 9449 41",
                "(420)20260(94)00100000000544944941",
            ],
        ),
        ("C", &["913411501389", "91341150138", "GLS 91341150138"]),
        ("D", &["61299999998730503142", HANDED_OVER, "420202609261299999998730503142"]),
    ] {
        let id = shipment_of(&systems, name).await.to_string();
        for form in forms {
            assert_eq!(port.find((*form).to_owned()).await.unwrap().as_deref(), Some(id.as_str()), "{form}");
            let query = ListQuery { tab: ListTab::All, text: (*form).to_owned(), ..ListQuery::default() };
            let rows = port.list(query).await.unwrap().rows;
            assert_eq!(rows.iter().map(|row| row.id.as_str()).collect::<Vec<_>>(), [id.as_str()], "{form} in the list");
        }
    }
    assert_eq!(port.find("1Z999AA10123456785".into()).await.unwrap(), None);
}

#[tokio::test]
async fn a_delivery_that_did_not_leave_the_house_does_not_have_anothers_state() {
    for message_first in [true, false] {
        let systems = Systems::new().await;
        let reported = says(&systems.world, Some("ups"), UPS, "Delivered_001", "2026-03-05T10:00:00");
        let sent = delivery(&systems, "SENT", "UPS", UPS);
        systems.odoo.edit(sent, "state", json!("done"));
        systems.odoo.edit(sent, "date_done", json!("2026-03-03 10:00:00"));
        let backorder = delivery(&systems, "BACKORDER", "UPS", "1Z 999 AA1 01 2345 6784");
        let cancelled = delivery(&systems, "CANCELLED", "UPS", UPS);
        systems.odoo.edit(cancelled, "state", json!("cancel"));
        if message_first {
            reported.await;
            take_in(&systems).await;
        } else {
            take_in(&systems).await;
            reported.await;
        }
        let mut ids = Vec::new();
        for name in ["SENT", "BACKORDER", "CANCELLED"] {
            ids.push(shipment_of(&systems, name).await);
        }
        let states = async || {
            let mut states = Vec::new();
            for id in &ids {
                states.push(systems.world.state(*id).await);
            }
            states
        };
        assert_eq!(states().await, [State::Delivered, State::Unknown, State::Cancelled], "{message_first}");
        assert_eq!(systems.status(sent).as_deref(), Some("DELIVERED"));
        assert_ne!(systems.status(backorder).as_deref(), Some("DELIVERED"));
        assert_eq!(systems.odoo.notes(backorder).len(), 0);
        let why = systems.world.ports(Role::Admin).shipments.get(ids[1].to_string(), None).await.unwrap().anomalies;
        assert_eq!(why, ["its number belongs to another delivery that was shipped"]);
        // both leave under it: one parcel
        systems.odoo.edit(backorder, "state", json!("done"));
        systems.odoo.edit(backorder, "date_done", json!("2026-03-03 11:00:00"));
        take_in(&systems).await;
        assert_eq!(states().await[..2], [State::Delivered, State::Delivered]);
        // or the first one's number is corrected: it was never its parcel
        systems.odoo.edit(backorder, "state", json!("assigned"));
        systems.odoo.edit(backorder, "date_done", json!(false));
        systems.odoo.edit(sent, "carrier_tracking_ref", json!("1Z12345E0291980794"));
        take_in(&systems).await;
        assert_eq!(states().await[..2], [State::Unknown, State::Delivered]);
    }
}

#[tokio::test]
async fn a_cancelled_delivery_raises_no_alarm_for_the_one_that_was_made_anew() {
    let systems = Systems::new().await;
    let cancelled = delivery(&systems, "FIRST", "UPS", UPS);
    take_in(&systems).await;
    says(&systems.world, Some("ups"), UPS, "InTransit_002", "2026-03-05T10:00:00").await;
    systems.odoo.edit(cancelled, "state", json!("cancel"));
    take_in(&systems).await;
    let first = shipment_of(&systems, "FIRST").await;
    assert_eq!(open(&systems, first).await, [ExceptionReason::TransitThoughCancelled], "nobody else has the number");
    delivery(&systems, "ANEW", "UPS", UPS);
    take_in(&systems).await;
    assert!(systems.world.state(shipment_of(&systems, "ANEW").await).await.has_left());
    assert_eq!((systems.world.state(first).await, open(&systems, first).await), (State::Cancelled, vec![]));
}

#[tokio::test]
async fn what_cannot_be_a_number_is_said_on_the_delivery() {
    let systems = Systems::new().await;
    let context = &systems.world.context;
    for (n, (method, reference, said)) in [
        ("UPS", "TBD", "words in which no number was found"),
        ("Standard delivery", "see email", "words in which no number was found"),
        ("UPS", "https://www.ups.com/track?loc=en_US", "a link in which no number was found"),
        ("USPS", "9.4001E+21", "a spreadsheet has rounded this number"),
    ]
    .into_iter()
    .enumerate()
    {
        let name = format!("BAD{n}");
        let picking = delivery(&systems, &name, method, reference);
        take_in(&systems).await;
        let id = shipment_of(&systems, &name).await;
        assert!(open(&systems, id).await.contains(&ExceptionReason::ImportIncomplete), "{reference}");
        let page = systems.world.ports(Role::Admin).shipments.get(id.to_string(), None).await.unwrap();
        assert!(page.anomalies.iter().any(|line| line.contains(said)), "{reference}: {:?}", page.anomalies);
        let problems = context.store.order_problems.list(context.scope()).await.unwrap();
        let [problem] = &problems[..] else { panic!("{reference}: {problems:?}") };
        assert!(problem.seen.problem.contains(said) && problem.seen.record == picking, "{problem:?}");
        assert!(odoo::what_to_do(&problem.seen.problem).contains("label"));
        // a right number ends it
        systems.odoo.edit(picking, "carrier_tracking_ref", json!(format!("GOOD{n}X1")));
        take_in(&systems).await;
        assert_eq!(open(&systems, id).await, [], "{reference}");
        assert_eq!(context.store.order_problems.list(context.scope()).await.unwrap(), []);
    }
}

#[tokio::test]
async fn a_doubtful_number_is_said_until_its_carrier_reports_it() {
    let systems = Systems::new().await;
    let context = &systems.world.context;
    for (n, (method, carrier, reference, said)) in [
        ("UPS", "ups", "1Z999AA10123456785", "its check digit is wrong"),
        ("FedEx", "fedex", "732879858042", "its check digit is wrong"),
        ("DHL", "dhl", "WH/OUT/00012", "this looks like the number of an order"),
    ]
    .into_iter()
    .enumerate()
    {
        let name = format!("ODD{n}");
        delivery(&systems, &name, method, reference);
        take_in(&systems).await;
        let id = shipment_of(&systems, &name).await;
        let ports = systems.world.ports(Role::Admin);
        let warned = async || {
            let page = ports.shipments.get(id.to_string(), None).await.unwrap();
            page.anomalies.iter().any(|line| line.contains(said))
        };
        assert!(open(&systems, id).await.contains(&ExceptionReason::ImportIncomplete), "{reference}");
        assert!(warned().await, "{reference}");
        assert_eq!(context.store.order_problems.list(context.scope()).await.unwrap(), [], "it was read");
        says(&systems.world, Some(carrier), reference, "InTransit_002", "2026-03-05T10:00:00").await;
        assert_eq!(open(&systems, id).await, [], "{reference}");
        assert!(!warned().await, "{reference}");
    }
}

#[tokio::test]
async fn several_numbers_in_one_reference_are_pieces_each_once() {
    for (reference, pieces) in [
        ("1Z999AA10123456784, 1Z12345E0291980794", 2),
        ("1Z999AA10123456784 / 1Z12345E0291980794", 2),
        ("1Z999AA10123456784+1Z12345E0291980794", 2),
        ("1Z999AA10123456784;\n1Z12345E0291980794", 2),
        ("UPS 1Z999AA10123456784 and 1Z12345E0291980794", 2),
        ("1Z999AA10123456784, 1Z 999 AA1 01 2345 6784", 0),
        ("1Z999AA10123456784, TBD", 0),
    ] {
        let systems = Systems::new().await;
        delivery(&systems, "A", "UPS", reference);
        take_in(&systems).await;
        let shipment = systems.world.load(shipment_of(&systems, "A").await).await.shipment;
        assert_eq!((shipment.plan.pieces.len(), shipment.numbers.len()), (pieces, pieces.max(1)), "{reference}");
        says(&systems.world, Some("ups"), UPS, "Delivered_001", "2026-03-05T10:00:00").await;
        let state = systems.world.state(shipment.id).await;
        assert_eq!(state, if pieces == 2 { State::PartiallyDelivered } else { State::Delivered }, "{reference}");
    }
}
