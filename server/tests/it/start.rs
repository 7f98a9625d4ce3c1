//! The first steps of an installation: what an admin is led through, and what others see meanwhile.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use crate::world::{World, site::Site, systems::Systems};
use app::contract::{
    ApiError,
    start::{Standing, StepAction, StepView},
};
use application::{
    audit::Opened,
    caller::Caller,
    connections::{self, NewConnection, sources},
};
use domain::access::Role;
use server::config::Settings;
use std::collections::BTreeMap;
use storage::Sealed;

/// With which nothing is connected.
async fn empty() -> World {
    let world = World::new().await;
    let caller = Caller::trusted(world.context.scope());
    sources::remove(&world.context, &caller, "aftership", None).await.unwrap();
    connections::refresh(&world.context).await.unwrap();
    world
}

async fn steps(world: &World) -> Vec<StepView> {
    connections::refresh(&world.context).await.unwrap();
    world.ports(Role::Admin).start.steps().await.unwrap().steps
}

fn standings(steps: &[StepView]) -> Vec<Standing> {
    steps.iter().map(|step| step.standing).collect()
}

async fn home(world: &World, role: Role) -> String {
    world.ports(role).session.frame().await.unwrap().home().to_owned()
}

#[tokio::test]
async fn an_admin_is_led_from_nothing_to_everything() {
    use Standing::{Done, Later, Next, Optional};
    let world = empty().await;
    let (context, caller) = (&world.context, Caller::trusted(world.context.scope()));
    let frame = world.ports(Role::Admin).session.frame().await.unwrap();
    assert_eq!((frame.home(), frame.connected, frame.guided), ("/start", false, true));
    assert_eq!(standings(&steps(&world).await), [Next, Later, Later, Optional]);
    let start = world.ports(Role::Admin).start;
    for bad in ["  ", "a\nb", &"x".repeat(101)] {
        let refused = start.name_company(bad.into()).await.unwrap_err();
        assert!(matches!(&refused, ApiError::Invalid { field, .. } if field == "name"), "{refused:?}");
    }
    start.name_company(" Northwind Parts GmbH ".into()).await.unwrap();
    let frame = world.ports(Role::Agent).session.frame().await.unwrap();
    assert_eq!(frame.installation.company, "Northwind Parts GmbH");
    assert_eq!(standings(&steps(&world).await), [Done, Next, Later, Optional]);
    world.source_of("aftership", "aftership", "a secret of this test", carriers::Settings::default()).await;
    let now = steps(&world).await;
    assert_eq!(standings(&now), [Done, Done, Next, Optional]);
    assert!(
        now[1].detail.contains("waiting for the first message at http://127.0.0.1:3000/ingest/aftership"),
        "{now:?}"
    );
    let fields = BTreeMap::from([("url", "http://127.0.0.1:9"), ("database", "prod")]);
    let fields: BTreeMap<_, _> = fields.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let odoo = NewConnection {
        name: "odoo".into(),
        connector: "odoo".into(),
        fields: fields.clone(),
        secret: Some("a key of this test".into()),
        ..NewConnection::default()
    };
    connections::put(context, &caller, odoo).await.unwrap();
    let now = steps(&world).await;
    assert_eq!(standings(&now), [Done, Done, Next, Optional], "a draft is not yet in use");
    let open = StepAction::Open { label: "Test and turn on".into(), href: "/connections/odoo".into() };
    assert_eq!(now[2].action, Some(open));
    assert_eq!(home(&world, Role::Admin).await, "/start", "nor is it enough");
    connections::switch(context, &caller, "odoo", true, "").await.unwrap();
    assert_eq!(standings(&steps(&world).await), [Done, Done, Done, Optional]);
    let frame = world.ports(Role::Admin).session.frame().await.unwrap();
    assert_eq!((frame.home(), frame.connected, frame.guided), ("/shipments", true, false), "a desk is optional");
    assert!(!world.ports(Role::Admin).start.steps().await.unwrap().guided);
    let desk = NewConnection {
        name: "desk".into(),
        connector: "request_tracker".into(),
        fields: BTreeMap::from([("url".into(), "http://127.0.0.1:9".into())]),
        secret: Some("a token of this test".into()),
        enabled: Some(true),
        ..NewConnection::default()
    };
    connections::put(context, &caller, desk).await.unwrap();
    assert_eq!(standings(&steps(&world).await), [Done; 4]);
}

/// With a source alone, as it may have run for years; and while nothing of it is in use.
#[tokio::test]
async fn nobody_is_led_back_who_has_shipments() {
    let world = World::new().await;
    let led = async || {
        connections::refresh(&world.context).await.unwrap();
        let ports = world.ports(Role::Admin);
        let frame = ports.session.frame().await.unwrap();
        let guided = ports.start.steps().await.unwrap().guided;
        assert_eq!(frame.guided, guided, "page and frame agree");
        assert_eq!(frame.home() == "/start", guided);
        guided
    };
    assert!(led().await, "nothing has come in");
    world.receives("N1", &[("InTransit_003", "2026-03-04T10:00:00")]).await;
    assert!(!led().await);
    let caller = Caller::trusted(world.context.scope());
    connections::switch(&world.context, &caller, "aftership", false, "maintenance").await.unwrap();
    assert!(!led().await, "nothing is in use");
    assert!(!world.ports(Role::Admin).session.frame().await.unwrap().connected);
}

#[tokio::test]
async fn what_people_set_is_in_the_audit_trail_with_what_it_was() {
    let world = empty().await;
    let (context, scope) = (&world.context, world.context.scope());
    let start = world.ports(Role::Admin).start;
    for name in ["Northwind", "Northwind Parts"] {
        start.name_company(name.into()).await.unwrap();
    }
    start.skip().await.unwrap();
    let lines = context.store.people.audit_trail(scope, Some("installation".into()), 10).await.unwrap();
    let opened = Opened::read(context, scope, lines.iter().map(|line| &line.entry)).await.unwrap();
    let value = |sealed: &Option<Sealed>| opened.value(sealed.as_ref());
    let values: Vec<_> = lines
        .iter()
        .map(|line| (line.entry.action.as_str(), value(&line.entry.before), value(&line.entry.after)))
        .collect();
    let named = |before: Option<&str>, after: &str| ("company.name", before.map(Into::into), Some(after.into()));
    assert_eq!(values[0].0, "first_steps.skip");
    assert!(values[0].2.is_some(), "{values:?}");
    assert_eq!(values[1..], [named(Some("Northwind"), "Northwind Parts"), named(None, "Northwind")]);
}

#[tokio::test]
async fn who_skips_the_steps_is_led_there_no_more_and_others_never_were() {
    let world = empty().await;
    for role in [Role::Agent, Role::Executive] {
        let ports = world.ports(role);
        assert_ne!(home(&world, role).await, "/start");
        assert_eq!(ports.start.steps().await.unwrap_err(), ApiError::Forbidden);
        assert_eq!(ports.start.skip().await.unwrap_err(), ApiError::Forbidden);
        assert_eq!(ports.start.name_company("Northwind".into()).await.unwrap_err(), ApiError::Forbidden);
    }
    let start = world.ports(Role::Admin).start;
    for _ in 0..2 {
        start.skip().await.unwrap();
    }
    let frame = world.ports(Role::Admin).session.frame().await.unwrap();
    assert_eq!((frame.home(), frame.connected, frame.guided), ("/shipments", false, false));
    assert!(!start.steps().await.unwrap().guided);
}

#[tokio::test]
async fn what_does_not_work_is_not_done() {
    let systems = Systems::new().await;
    let world = &systems.world;
    world.leaves_jobs();
    systems.desk.fail(None, &simulator::faults::Fault::Error("down"), 10_000);
    for _ in 0..8 {
        world.passes(1).await;
    }
    let now = steps(world).await;
    assert_eq!(now[3].standing, Standing::Failing, "{now:?}");
    assert!(matches!(&now[3].action, Some(StepAction::Open { href, .. }) if href == "/connections/desk"), "{now:?}");
}

#[tokio::test]
async fn a_name_given_at_the_start_is_changed_there() {
    let settings = Settings { company: Some("Northwind".into()), ..Settings::default() };
    let world = World::with(settings.resolve().unwrap()).await;
    let named = world.ports(Role::Admin).start.name_company("Other".into()).await.unwrap_err();
    assert!(named.to_string().contains("--company"), "{named:?}");
    let first = steps(&world).await.remove(0);
    assert_eq!((first.standing, first.action), (Standing::Done, None));
    assert!(first.detail.starts_with("Northwind, "), "{}", first.detail);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn empty_pages_say_what_to_do() {
    let site = Site::on(empty().await, "Anna Lind").await;
    let (admin, agent) = (site.sign_in().await, site.sign_in_as(Role::Agent).await);
    for (cookie, says, is_not) in [
        (&admin, "href=\"/start\"", "Ask an administrator"),
        (&agent, "Ask an administrator to connect Odoo or a carrier", "href=\"/start\""),
    ] {
        let page = site.page("/shipments", Some(cookie)).await.unwrap().body;
        let shown = page.split("<script").next().unwrap_or_default();
        assert!(shown.contains("Nothing is connected yet") && shown.contains(says), "{shown}");
        assert!(!shown.contains(is_not), "{shown}");
    }
    let page = site.page("/start", Some(&admin)).await.unwrap().body;
    for form in ["action=\"/api/start/company\"", "action=\"/api/start/skip\""] {
        assert!(page.contains(form), "{page}");
    }
    let named = site.submit("/start", "start/company", "name=Northwind", &admin).await;
    assert_eq!(named.status, http::StatusCode::FOUND, "{named:?}");
    assert!(site.page("/start", Some(&admin)).await.unwrap().body.contains("Northwind"));
    site.stop().await;
}
