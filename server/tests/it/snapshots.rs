//! What the pages show of a small company, what its notes say in Odoo and its tickets at the desk: written down in `snapshots/`, so
//! that a change of any of it is seen in review. After a wanted change run the tests with `INSTA_UPDATE=always` and read the
//! difference.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use crate::world::systems::Systems;
use app::contract::{
    Ports, When,
    exceptions::{QueueQuery, QueueTab},
    figures::FiguresQuery,
    mappings::MappingQuery,
    shipments::{EntryKind, ListQuery, ListTab, ShipmentView},
    sync::{SyncQuery, SyncTab},
};
use application::{
    caller::Caller,
    destinations,
    tracking::mappings::{self, Change},
};
use domain::{access::Role, observation::ProviderCode};
use serde::Serialize;
use serde_json::{Value, json};
use simulator::faults::Fault;
use std::fmt::Write as _;
use storage::{Actor, Scope};

/// Hexadecimal digits of which a text is a digest.
const DIGEST: usize = 16;
const CODES: &str = "aftership.subtag";
/// A subtag that AfterShip never published.
const UNHEARD: &str = "InTransit_777";
/// Numbers of the company's shipments.
const MOVING: &str = "MOVING0001";
const SIGNED: &str = "SIGNED0001";
const DAMAGED: &str = "DAMAGED0001";
const OVERDUE: &str = "OVERDUE0001";
const UNMAPPED: &str = "UNMAPPED0001";
const UNLINKED: &str = "UNLINKED0001";

/// A company with a shipment of each kind, on the afternoon of 5 March 2026.
struct Company {
    systems: Systems,
    damaged: i64,
    signed: i64,
}

impl Company {
    async fn new() -> Self {
        let systems = Systems::new().await;
        for number in [MOVING, UNMAPPED] {
            systems.order(number).await;
        }
        let (signed, damaged) = (systems.order(SIGNED).await, systems.order(DAMAGED).await);
        systems.overdue(OVERDUE).await;
        let company = Self { systems, damaged, signed };
        let scan = ("InTransit_003", "2026-03-05T01:00:00", "Lyon", "");
        company.reports(MOVING, &[scan], json!({"expected_delivery": "2026-03-06T18:00:00+01:00"})).await;
        company.reports(UNLINKED, &[scan], json!({})).await;
        company.reports(UNMAPPED, &[(UNHEARD, "2026-03-05T02:00:00", "Lyon", "Held at the ferry")], json!({})).await;
        let delivered = ("Delivered_001", "2026-03-05T11:00:00", "Lyon", "Left with Jane Doe");
        company.reports(SIGNED, &[scan, delivered], json!({"signed_by": "Jane Doe"})).await;
        let damage = ("Exception_012", "2026-03-05T08:00:00", "Lyon", "Box torn");
        company.reports(DAMAGED, &[scan, damage], json!({})).await;
        company
    }

    /// An AfterShip message with these checkpoints and what else it has, and the work that follows.
    async fn reports(&self, number: &str, checkpoints: &[(&str, &str, &str, &str)], more: Value) {
        let point = |(subtag, time, city, words): &(&str, &str, &str, &str)| json!({"tag": subtag.split('_').next(), "subtag": subtag, "checkpoint_time": time, "city": city, "message": words});
        // each message has its own minute, so that lists by time have one order
        self.systems.world.clock.advance(jiff::Span::new().minutes(1));
        let (last, stamp, ..) = checkpoints.last().unwrap();
        let mut msg = json!({"id": format!("t-{number}"), "tracking_number": number, "slug": "dhl", "subtag": last,
            "tag": last.split('_').next(), "updated_at": format!("{stamp}+00:00"),
            "checkpoints": checkpoints.iter().map(point).collect::<Vec<_>>()});
        msg.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let body = json!({"event_id": format!("{number}-{stamp}"), "msg": msg}).to_string();
        self.systems.world.offer(body.as_bytes()).await.unwrap();
    }

    fn ports(&self, role: Role) -> Ports {
        self.systems.world.ports(role)
    }

    /// A shipment's page. The clock stands while calls take their time, so that nothing follows from when they began: they come
    /// first here, by their titles.
    async fn page(&self, role: Role, number: &str) -> ShipmentView {
        let shipment = self.systems.shipment(number).await.to_string();
        let mut view = self.ports(role).shipments.get(shipment, None).await.unwrap();
        let is_call = |kind: EntryKind| matches!(kind, EntryKind::Odoo | EntryKind::Desk);
        for entry in view.timeline.iter_mut().filter(|entry| is_call(entry.kind)) {
            (entry.day, entry.clock, entry.when) = (String::new(), String::new(), When::default());
        }
        view.timeline.sort_by(|a, b| match (is_call(a.kind), is_call(b.kind)) {
            (true, true) => a.title.cmp(&b.title),
            (a, b) => b.cmp(&a),
        });
        view
    }

    /// Compares what is shown with what is written down under this name.
    fn check(&self, name: &str, shown: &impl Serialize) {
        let mut value = serde_json::to_value(shown).unwrap();
        let urls = [(self.systems.odoo.url(), "http://odoo.test"), (self.systems.desk.url(), "http://desk.test")];
        let mut steady = Steady { urls, ids: Vec::new() };
        steady.value(&mut value);
        insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
            insta::assert_yaml_snapshot!(name, value);
        });
    }
}

/// Makes what differs from run to run steady: ids in the order in which they are met, digests, the simulated systems' ports, how
/// long a call took. A time is written in one line, a longer text line by line.
struct Steady {
    urls: [(String, &'static str); 2],
    ids: Vec<String>,
}

impl Steady {
    fn value(&mut self, value: &mut Value) {
        match value {
            Value::String(text) => {
                let text = self.text(text);
                *value = if text.contains('\n') { text.lines().collect() } else { Value::String(text) };
            }
            Value::Array(list) => list.iter_mut().for_each(|one| self.value(one)),
            Value::Object(fields) => match when(fields) {
                Some(line) => *value = Value::String(line),
                None => fields.values_mut().for_each(|one| self.value(one)),
            },
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn text(&mut self, text: &str) -> String {
        let mut text = text.to_owned();
        for (url, name) in &self.urls {
            text = text.replace(url, name);
        }
        let mut steady = String::new();
        let mut rest = text.as_str();
        while let Some(next) = rest.chars().next() {
            let run = |of: fn(char) -> bool| &rest[..rest.find(|c| !of(c)).unwrap_or(rest.len())];
            let id = run(|c| c.is_ascii_hexdigit() || c == '-');
            let (hex, digits) = (run(|c| c.is_ascii_hexdigit()), run(|c| c.is_ascii_digit()));
            let taken = if id.len() == 36 && id.matches('-').count() == 4 {
                let known = self.ids.iter().position(|known| known == id).unwrap_or_else(|| {
                    self.ids.push(id.to_owned());
                    self.ids.len() - 1
                });
                let _ = write!(steady, "id-{}", known + 1);
                id.len()
            } else if hex.len() >= DIGEST {
                steady.push_str("digest");
                hex.len()
            } else if !digits.is_empty() && rest[digits.len()..].starts_with(" ms") {
                steady.push('…');
                digits.len()
            } else {
                let end = hex.len().max(next.len_utf8());
                steady.push_str(&rest[..end]);
                end
            };
            rest = &rest[taken..];
        }
        steady
    }
}

/// A time of a view in one line; none where it is none.
fn when(fields: &serde_json::Map<String, Value>) -> Option<String> {
    let text = |name: &str| fields.get(name).and_then(Value::as_str);
    let (_, shown, full) = (text("iso")?, text("shown")?, text("full")?);
    let own = text("own").map(|own| format!(" | {own}")).unwrap_or_default();
    Some(format!("{shown} | {full}{own}"))
}

#[tokio::test]
async fn lists_of_shipments() {
    let company = Company::new().await;
    for (name, role, tab) in [
        ("shipments-agent-open", Role::Agent, ListTab::Open),
        ("shipments-executive-all", Role::Executive, ListTab::All),
    ] {
        let list = company.ports(role).shipments.list(ListQuery { tab, ..ListQuery::default() }).await.unwrap();
        company.check(name, &list);
    }
    company.check("frame", &company.ports(Role::Admin).session.frame().await.unwrap());
}

#[tokio::test]
async fn pages_of_shipments() {
    let company = Company::new().await;
    for (name, role, number) in [
        ("shipment-agent-moving", Role::Agent, MOVING),
        ("shipment-agent-signed", Role::Agent, SIGNED),
        ("shipment-executive-signed", Role::Executive, SIGNED),
        ("shipment-agent-damaged", Role::Agent, DAMAGED),
        ("shipment-agent-overdue", Role::Agent, OVERDUE),
        ("shipment-agent-unlinked", Role::Agent, UNLINKED),
    ] {
        company.check(name, &company.page(role, number).await);
    }
    let shipment = company.systems.shipment(SIGNED).await;
    let loaded = company.systems.world.load(shipment).await;
    let event = loaded.shipment.folded.decided_by.unwrap().to_string();
    for (name, role) in [("event-agent", Role::Agent), ("event-executive", Role::Executive)] {
        let raw = company.ports(role).shipments.raw(shipment.to_string(), event.clone()).await.unwrap();
        company.check(name, &raw);
    }
}

#[tokio::test]
async fn the_queue_of_exceptions() {
    let company = Company::new().await;
    company.systems.desk.set_status_as(1, "rejected", "Nora Vale");
    company.systems.world.passes(1).await;
    for (name, role) in [("exceptions-agent", Role::Agent), ("exceptions-executive", Role::Executive)] {
        company.check(name, &company.ports(role).exceptions.queue(QueueQuery::default()).await.unwrap());
    }
    company.reports(OVERDUE, &[("Delivered_001", "2026-03-05T12:30:00", "Lyon", "")], json!({})).await;
    let closed = QueueQuery { view: QueueTab::Closed, ..QueueQuery::default() };
    company.check("exceptions-closed", &company.ports(Role::Agent).exceptions.queue(closed).await.unwrap());
}

#[tokio::test]
async fn the_overview() {
    let company = Company::new().await;
    for (name, role) in [("overview-executive", Role::Executive), ("overview-admin", Role::Admin)] {
        company.check(name, &company.ports(role).figures.overview(FiguresQuery::default()).await.unwrap());
    }
}

#[tokio::test]
async fn integrations() {
    let company = Company::new().await;
    let world = &company.systems.world;
    world.leaves_jobs();
    company.systems.odoo.fail(Some("stock.picking/write"), &Fault::Error("odoo.exceptions.AccessError"), 100);
    company.reports(MOVING, &[("OutForDelivery_001", "2026-03-05T11:30:00", "Lyon", "")], json!({})).await;
    let _ = world.deliver(b"this is no tracking message").await.unwrap();
    world.settle().await;
    let operator = Caller::trusted(Scope { actor: Actor::Operator, ..world.context.scope() });
    destinations::pause(&world.context, &operator, "desk", "maintenance until noon").await.unwrap();
    let admin = company.ports(Role::Admin);
    for (name, view) in [
        ("sync-failed", SyncTab::Failed),
        ("sync-quarantine", SyncTab::Quarantine),
        ("sync-messages", SyncTab::Messages),
    ] {
        let mut page = admin.sync.view(SyncQuery { view, ..SyncQuery::default() }).await.unwrap();
        // of one moment, so that their order is that of their random ids
        page.messages.sort_by_key(|message| message.size);
        company.check(name, &page);
    }
    let failed = admin.sync.view(SyncQuery::default()).await.unwrap().jobs;
    let mut job = admin.sync.job(failed[0].id.clone()).await.unwrap();
    job.calls.iter_mut().for_each(|call| call.at = When::default());
    job.calls.sort_by(|one, other| one.request.cmp(&other.request));
    company.check("job", &job);
    let quarantine = SyncQuery { view: SyncTab::Quarantine, ..SyncQuery::default() };
    let messages = admin.sync.view(quarantine).await.unwrap().messages;
    company.check("message", &admin.sync.message(messages[0].id.clone()).await.unwrap());
}

#[tokio::test]
async fn mappings_of_codes() {
    let company = Company::new().await;
    let admin = company.ports(Role::Admin);
    let asked = MappingQuery { list: CODES.into(), value: UNHEARD.into() };
    company.check("mappings-unmapped", &admin.mappings.view(asked).await.unwrap());
    let context = &company.systems.world.context;
    let change = Change {
        code: ProviderCode::new(CODES, UNHEARD),
        meaning: Some("IN_TRANSIT|DELAY_WEATHER".into()),
        why: "their letter of 2 March".into(),
    };
    mappings::publish(context, &Caller::trusted(context.scope()), change).await.unwrap();
    company.systems.world.settle().await;
    company.check("mappings-published", &admin.mappings.view(MappingQuery::default()).await.unwrap());
}

#[tokio::test]
async fn texts_in_odoo_and_at_the_desk() {
    let company = Company::new().await;
    company.reports(DAMAGED, &[("Delivered_001", "2026-03-05T11:45:00", "Lyon", "")], json!({})).await;
    let Systems { odoo, desk, .. } = &company.systems;
    let of_delivery = |picking: i64| {
        let notes: Vec<_> = odoo.notes(picking).into_iter().map(|(_, body)| body).collect();
        let activities: Vec<_> =
            odoo.activities(picking).into_iter().map(|(summary, open)| format!("{summary} ({open:?})")).collect();
        json!({"notes": notes, "activities": activities})
    };
    company.check("odoo-signed", &of_delivery(company.signed));
    company.check("odoo-damaged", &of_delivery(company.damaged));
    let ticket = |ticket: simulator::desk::Ticket| {
        let texts: Vec<_> =
            ticket.texts.iter().map(|(subject, text)| json!({"subject": subject, "text": text})).collect();
        json!({"subject": ticket.subject, "status": ticket.status, "fields": ticket.fields, "texts": texts})
    };
    company.check("tickets", &desk.tickets().into_iter().map(ticket).collect::<Vec<_>>());
}
