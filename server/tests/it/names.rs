//! Names on pages: who has an exception, who resolved it, which ticket was opened, where an event was.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use crate::world::World;
use app::contract::{
    exceptions::{Act, ActWith, QueueQuery, QueueTab},
    shipments::ShipmentView,
};
use application::{
    caller::Caller,
    config::DeskSettings,
    people::{self, NewUser},
};
use domain::{
    access::Role,
    ids::{ExceptionId, ShipmentId},
};
use server::{
    config::Settings,
    views::{self, session::BrowserSession},
};
use simulator::desk::SandboxDesk;

const DAMAGED: [(&str, &str); 2] = [("InTransit_003", "2026-03-05T01:00:00"), ("Exception_012", "2026-03-05T08:00:00")];
const TOKEN: &str = "token-of-the-tests";

/// The pages of a person who is known by this name.
async fn pages_of(world: &World, name: &str) -> app::contract::Ports {
    let login = format!("{}@example.com", name.split(' ').next().unwrap().to_lowercase());
    let user = NewUser {
        login: login.clone(),
        name: name.into(),
        password: "a long password".into(),
        roles: vec![Role::Agent],
    };
    let (context, scope) = (&world.context, world.context.scope());
    people::add(context, &Caller::trusted(scope), user).await.unwrap();
    let user = people::of_login(context, scope, &login).await.unwrap();
    views::ports(context, Some(&user), &BrowserSession::default())
}

async fn page(ports: &app::contract::Ports, shipment: ShipmentId) -> ShipmentView {
    ports.shipments.get(shipment.to_string(), None).await.unwrap()
}

fn titles(view: &ShipmentView) -> Vec<&str> {
    view.timeline.iter().map(|entry| entry.title.as_str()).collect()
}

async fn exception(world: &World, shipment: ShipmentId) -> ExceptionId {
    world.load(shipment).await.exceptions.last().unwrap().id
}

/// How the exception ended, on its shipment's page and in the queue.
async fn ended(ports: &app::contract::Ports, shipment: ShipmentId) -> [String; 2] {
    let view = page(ports, shipment).await;
    let of_closed = QueueQuery { view: QueueTab::Closed, ..QueueQuery::default() };
    let queue = ports.exceptions.queue(of_closed).await.unwrap();
    let row = queue.rows.into_iter().find(|row| row.shipment == shipment.to_string()).unwrap();
    [view.exceptions[0].closed.clone().unwrap().0, row.closed.unwrap().0]
}

#[tokio::test]
async fn who_has_and_who_resolved_an_exception_is_named() {
    let world = World::new().await;
    let shipment = world.order(1, &["N1"]).await;
    world.receives("N1", &DAMAGED).await;
    let (ines, omar) = (pages_of(&world, "Ines Morel").await, pages_of(&world, "Omar Haddad").await);
    let id = exception(&world, shipment).await.to_string();
    for (ports, act) in [(&ines, Act::Take), (&ines, Act::Release), (&omar, Act::Take), (&ines, Act::Resolve)] {
        world.clock.advance(jiff::Span::new().minutes(1));
        ports.exceptions.act(id.clone(), act, ActWith::default()).await.unwrap();
        world.settle().await;
    }
    let view = page(&omar, shipment).await;
    let of_people: Vec<_> = view.timeline.iter().filter(|e| e.key.starts_with("audit-")).collect();
    let said: Vec<_> = of_people.iter().map(|e| (e.title.as_str(), e.detail.as_str())).collect();
    assert_eq!(
        said,
        [
            ("Exception resolved", "by Ines Morel"),
            ("Assigned to Omar Haddad", "by Omar Haddad"),
            ("Unassigned", "by Ines Morel"),
            ("Assigned to Ines Morel", "by Ines Morel"),
        ]
    );
    assert_eq!(ended(&omar, shipment).await, ["Resolved by Ines Morel"; 2]);
    for act in [Act::Reopen, Act::Resolve] {
        world.clock.advance(jiff::Span::new().minutes(1));
        omar.exceptions.act(id.clone(), act, ActWith::default()).await.unwrap();
        world.settle().await;
    }
    assert_eq!(ended(&ines, shipment).await, ["Resolved by Omar Haddad"; 2], "the last one counts");
}

#[tokio::test]
async fn a_ticket_is_named_by_its_number_and_the_agent_who_resolved_with_it_to_those_who_may_know() {
    let desk = SandboxDesk::start(TOKEN).await.unwrap();
    let mut config = Settings::default().resolve().unwrap();
    config.system.desk = Some(DeskSettings {
        connector: "request_tracker".into(),
        url: desk.url(),
        token: TOKEN.to_owned().into(),
        queue: "Shipments".into(),
        poll_seconds: application::config::DESK_POLL_SECONDS,
        limits: application::config::CallLimits::default(),
    });
    let world = World::with(config).await;
    let (first, second) = (world.order(1, &["N1"]).await, world.order(2, &["N2"]).await);
    world.receives("N1", &DAMAGED).await;
    world.receives("N2", &DAMAGED).await;
    let ines = pages_of(&world, "Ines Morel").await;
    for (shipment, ticket) in [(first, "Ticket #1 created"), (second, "Ticket #2 created")] {
        let view = page(&ines, shipment).await;
        assert!(titles(&view).contains(&ticket), "{:?}", titles(&view));
    }
    desk.set_status(1, "resolved");
    world.clock.advance(jiff::Span::new().seconds(31));
    world.tick().await;
    world.settle().await;
    assert_eq!(ended(&ines, first).await, ["Resolved by agent"; 2]);
    assert_eq!(ended(&world.ports(Role::Executive), first).await, ["Resolved by an agent"; 2]);
}

#[tokio::test]
async fn a_place_that_may_name_a_person_is_shown_to_those_who_may_read_personal_data() {
    let world = World::new().await;
    let shipment = world.order(1, &["N1"]).await;
    let scan = |city: &str, time: &str| serde_json::json!({"tag": "InTransit", "subtag": "InTransit_003", "checkpoint_time": time, "city": city});
    let scans = [scan("Frankfurt/Main", "2026-03-05T01:00:00"), scan("Lyon", "2026-03-05T02:00:00")];
    let msg = serde_json::json!({"id": "t1", "tracking_number": "N1", "slug": "dhl", "tag": "InTransit", "subtag": "InTransit_003",
        "updated_at": "2026-03-05T02:00:00+00:00", "checkpoints": scans});
    world.offer(serde_json::json!({"event_id": "e1", "msg": msg}).to_string().as_bytes()).await.unwrap();
    let places = async |role| {
        let view = page(&world.ports(role), shipment).await;
        let why = view.why.iter().any(|reason| reason.detail.contains("Frankfurt/Main"));
        (view.timeline.into_iter().filter_map(|entry| entry.place).collect::<Vec<_>>(), why)
    };
    assert_eq!(places(Role::Agent).await, (vec!["Lyon".to_owned(), "Frankfurt/Main".to_owned()], true));
    assert_eq!(places(Role::Executive).await, (vec!["Lyon".to_owned()], false));
}
