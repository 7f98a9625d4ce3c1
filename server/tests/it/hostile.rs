//! Hostile text in all that comes from outside: pages, answers to the browser's half, notes in Odoo and tickets show it as text,
//! and what deceives unseen is seen.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use crate::world::{World, site::Site, systems::Systems};
use application::caller::Caller;
use application::{
    clock::Clock,
    destinations,
    odoo::IMPORT_PAGES_MAX,
    tracking::mappings::{self, Change},
};
use domain::access::Role;
use domain::{ids::ShipmentId, observation::ProviderCode, visible::is_plain};
use http::StatusCode;
use jiff::SignedDuration;
use server::config::Settings;
use simulator::{journey::Place, odoo::NewOrder};
use storage::{
    inbox::MessageSelection,
    jobs::{JobFilter, JobSelection},
};

/// Ends elements, comments and data, opens an element and an attribute, is a template and a link, and deceives unseen.
const HOSTILE: &str =
    "H7</title></textarea></style></script>--><x-evil onload=a>]]>\"'&amp;{{7*7}}\u{202E}\u{2066}\u{200B}";
/// The element that it opens.
const OPENED: &str = "<x-evil";
const NUMBER: &str = "HOST000001";

fn hostile(place: &str) -> String {
    format!("{place}{HOSTILE}")
}

fn forever(text: String) -> &'static str {
    Box::leak(text.into_boxed_str())
}

fn order(world: &World, tracking: &str, name: &str) -> NewOrder {
    let now = world.clock.now();
    NewOrder {
        order: hostile(&format!("Order{name}")),
        picking: hostile(&format!("Picking{name}")),
        customer: hostile("Customer"),
        place: Place {
            city: forever(hostile("Town")),
            state: None,
            zip: "69001",
            country: "FR",
            country3: "FRA",
            zone: "Europe/Paris",
        },
        carrier: forever(hostile("Method")),
        tracking: Some(tracking.into()),
        promised: now + SignedDuration::from_hours(24_000),
        shipped: Some(now - SignedDuration::from_hours(48)),
        written: now,
    }
}

/// A message of AfterShip in which every text is hostile.
fn message(number: &str, event: &str) -> Vec<u8> {
    let point = |tag: &str, subtag: &str, time: &str| {
        serde_json::json!({"tag": tag, "subtag": subtag, "checkpoint_time": time, "city": hostile("City"), "state": hostile("State"),
            "location": hostile("Location"), "message": hostile("Words")})
    };
    let points = [
        point("InTransit", "InTransit_003", "2026-03-05T01:00:00"),
        point(&hostile("Tag"), &hostile("Code"), "2026-03-05T02:00:00"),
        point("Exception", "Exception_012", "2026-03-05T03:00:00"),
        point("Delivered", "Delivered_001", &hostile("Time")),
        point("Delivered", "Delivered_001", "2026-03-05T04:00:00"),
    ];
    let msg = serde_json::json!({"id": hostile("Object"), "tracking_number": number, "slug": hostile("Carrier"), "tag": "Delivered",
        "subtag": "Delivered_001", "updated_at": "2026-03-05T05:00:00+00:00", "signed_by": hostile("Signer"), "checkpoints": points});
    serde_json::json!({"event_id": hostile(event), "msg": msg}).to_string().into_bytes()
}

struct Evil {
    site: Site,
    notes: Vec<String>,
    tickets: Vec<String>,
    shipments: Vec<ShipmentId>,
}

/// An installation that received nothing but hostile texts, by Odoo, by a carrier and by its own people.
async fn evil() -> Evil {
    let settings = Settings { addr: Some("127.0.0.1:0".parse().unwrap()), ..Settings::default() };
    let systems = Systems::configured(settings).await;
    let picking = systems.odoo.add_order(&order(&systems.world, NUMBER, "A"));
    systems.odoo.add_order(&order(&systems.world, &hostile("Reference"), "B"));
    systems.import(IMPORT_PAGES_MAX).await;
    systems.world.settle().await;
    for (n, number) in [NUMBER.to_owned(), hostile("Number"), "HOST000002".into()].iter().enumerate() {
        systems.world.offer(&message(number, &format!("Event{n}"))).await.unwrap();
    }
    let Systems { world, odoo, desk, .. } = systems;
    // a number that is refused today may have come in before; its delivery is not in Odoo
    world.leaves_jobs();
    world.order(7, &[&hostile("Kept")]).await;
    world.passes(5).await;
    let (context, scope) = (&world.context, world.context.scope());
    let why = hostile("Why");
    let code = ProviderCode::new("aftership.subtag", hostile("Mapped"));
    mappings::publish(
        context,
        &Caller::trusted(scope),
        Change { code, meaning: Some("IN_TRANSIT".into()), why: why.clone() },
    )
    .await
    .unwrap();
    destinations::pause(context, &Caller::trusted(scope), "desk", &why).await.unwrap();
    let mut shipments = Vec::new();
    for found in [NUMBER, "HOST000002", "WH/OUT/00007"] {
        shipments.extend(context.store.shipments.find(scope, found).await.unwrap());
    }
    let notes = odoo.notes(picking).into_iter().map(|(_, body)| body);
    let fields = ["x_milepost_last_event", "x_milepost_exception"].map(|field| odoo.value(picking, field).to_string());
    let notes = notes.chain(fields).collect();
    let texts = |ticket: simulator::desk::Ticket| {
        let fields = ticket.fields.into_values().flatten();
        let texts = ticket.texts.into_iter().flat_map(|(subject, content)| [subject, content]);
        [ticket.subject].into_iter().chain(fields).chain(texts).collect::<Vec<_>>()
    };
    let tickets = desk.tickets().into_iter().flat_map(texts).collect();
    Evil { site: Site::on(world, &hostile("Admin")).await, notes, tickets, shipments }
}

impl Evil {
    /// Every page with a record, and the questions that show something else.
    async fn addresses(&self) -> Vec<String> {
        let (context, scope) = (&self.site.world.context, self.site.world.context.scope());
        let mut addresses: Vec<String> = [
            "/shipments?tab=all",
            "/exceptions?view=all",
            "/exceptions?view=closed",
            "/overview",
            "/sla",
            "/figures/on_time?period=month",
            "/mappings/unmapped",
        ]
        .map(str::to_owned)
        .into();
        for view in ["failed", "retrying", "pending", "done", "quarantine", "messages"] {
            addresses.push(format!("/sync?view={view}&count=true"));
        }
        for shipment in &self.shipments {
            addresses.push(format!("/shipments/{shipment}"));
            for fact in &self.site.world.load(*shipment).await.input.facts {
                addresses.push(format!("/shipments/{shipment}?event={}", fact.id));
            }
        }
        for filter in [JobFilter::Done, JobFilter::Failed, JobFilter::Pending] {
            let jobs = context.store.jobs.list(scope, filter, JobSelection::default(), None).await.unwrap();
            addresses.extend(jobs.rows.iter().map(|row| format!("/sync/jobs/{}", row.job.id)));
        }
        let messages = context.store.inbox.messages(scope, MessageSelection::default(), None).await.unwrap();
        addresses.extend(messages.rows.iter().map(|message| format!("/sync/messages/{}", message.id)));
        addresses
    }
}

/// What a page holds of this kind that it must not.
fn wrong(body: &str) -> Option<&'static str> {
    let unseen = |text: &str| !is_plain(&text.replace('\r', ""));
    let hrefs = body.split("href=\"").skip(1).map(|rest| rest.split('"').next().unwrap_or_default());
    if body.contains(OPENED) || body.contains("</title></textarea>") {
        return Some("markup of ours became markup");
    }
    if hrefs
        .into_iter()
        .any(|href| !(href.starts_with('/') || href.starts_with("http") || href.starts_with('#') || href.is_empty()))
    {
        return Some("a link that leads to no page");
    }
    // as text, and as data for the browser's half
    (unseen(body) || body.contains("\\u{202e}") || body.contains("\\u{2066}")).then_some("what deceives is not seen")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_page_shows_hostile_text_as_text() {
    let evil = evil().await;
    let cookies = [evil.site.sign_in().await, evil.site.sign_in_as(Role::Executive).await];
    let addresses = evil.addresses().await;
    assert!(addresses.len() > 20, "{addresses:?}");
    let (mut all, mut bad) = (String::new(), Vec::new());
    for address in &addresses {
        for cookie in &cookies {
            let page = evil.site.page(address, Some(cookie)).await.unwrap();
            assert!(!page.status.is_server_error(), "{address}: {page:?}");
            bad.extend(wrong(&page.body).map(|what| format!("{address}: {what}")));
            all.push_str(&page.body);
        }
    }
    assert!(bad.is_empty(), "{bad:#?}");
    for place in [
        "OrderA", "PickingA", "OrderB", "Customer", "Town", "Carrier", "City", "Words", "Code", "Signer", "Why",
        "Admin", "Kept", "Event0",
    ] {
        assert!(all.contains(&format!("{place}H7&lt;/title&gt;")), "{place} is shown somewhere");
    }
    assert!(all.contains("numbers are letters, digits and a few signs"), "what is no number is said");
    assert!(all.contains("<title>KeptH7&lt;/title&gt;"), "the title is text");
    assert!(all.contains("⟨U+202E⟩") && all.contains("⟨U+2066⟩") && all.contains("⟨U+200B⟩"));
    evil.site.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_an_address_says_is_text() {
    let site = Site::start().await;
    let cookie = site.sign_in().await;
    let shipment = site.exception().await.1;
    let text: String = HOSTILE.bytes().map(|byte| format!("%{byte:02X}")).collect();
    for address in [
        format!("/shipments?tab=all&q={text}"),
        format!("/shipments?tab={text}&carrier={text}&state={text}&fresh={text}&delivered={text}&cursor={text}"),
        format!("/shipments/{text}"),
        format!("/shipments/{shipment}?at={text}"),
        format!("/shipments/{shipment}?event={text}"),
        format!("/exceptions?view={text}&category={text}&severity={text}&age={text}&cursor={text}"),
        format!("/sync?view={text}&destination={text}&class={text}&longer={text}"),
        format!("/sync?view=messages&source={text}&since={text}&cursor={text}"),
        format!("/sync/jobs/{text}"),
        format!("/sync/messages/{text}"),
        format!("/mappings/unmapped?list={text}&code={text}&published={text}"),
        format!("/set-up?token={text}"),
        format!("/sign-in?next={text}"),
        format!("/{text}"),
    ] {
        let page = site.page(&address, Some(&cookie)).await.unwrap();
        assert!(!page.status.is_server_error(), "{address}: {page:?}");
        assert!(!page.body.contains(OPENED) && !page.body.contains("</title></textarea>"), "{address}: {}", page.body);
    }
    let published = site.page("/mappings/unmapped?published=Call%20us", Some(&cookie)).await.unwrap();
    assert!(!published.body.contains("is published"), "only a version is published");
    site.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_systems_get_hostile_text_as_text() {
    let evil = evil().await;
    assert!(evil.notes.iter().any(|note| note.contains("H7&lt;/title&gt;")), "{:?}", evil.notes);
    assert!(evil.tickets.iter().any(|text| text.contains("OrderAH7")), "{:?}", evil.tickets);
    for text in evil.notes.iter().filter(|note| note.starts_with('<')) {
        assert!(!text.contains(OPENED), "{text}");
    }
    for text in evil.notes.iter().chain(&evil.tickets) {
        assert!(is_plain(text), "{text:?}");
    }
    evil.site.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_browsers_half_gets_visible_text() {
    let evil = evil().await;
    let cookie = evil.site.sign_in().await;
    let mut reads = vec![
        ("frame", String::new()),
        ("shipments", "query[tab]=all".into()),
        ("exceptions", "query[view]=all".into()),
        ("overview", String::new()),
        ("sla", String::new()),
        ("figures/one", "query[kpi]=on_time".into()),
        ("sync", "query[view]=messages".into()),
        ("mappings", "query[list]=".into()),
    ];
    reads.extend(evil.shipments.iter().map(|id| ("shipments/one", format!("id={id}"))));
    for (function, query) in reads {
        let answer = evil.site.read(function, &query, Some(&cookie)).await;
        assert_eq!(answer.status, StatusCode::OK, "{function}: {answer:?}");
        let value: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
        assert!(texts(&value).iter().all(|text| is_plain(text)), "{function}: {}", answer.body);
    }
    evil.site.stop().await;
}

fn texts(value: &serde_json::Value) -> Vec<&str> {
    match value {
        serde_json::Value::String(text) => vec![text],
        serde_json::Value::Array(list) => list.iter().flat_map(texts).collect(),
        serde_json::Value::Object(fields) => fields.values().flat_map(texts).collect(),
        _ => Vec::new(),
    }
}
