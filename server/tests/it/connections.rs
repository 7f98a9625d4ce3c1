//! Connections that people make, change and test while the system runs.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use crate::world::{
    World,
    systems::{Systems, delivery},
};
use app::contract::exceptions::{QueueQuery, QueueRow};
use application::{
    caller::Caller,
    cases::routing::NoTicket,
    clock::Clock,
    connections::{self, Change, Difference, NewConnection, StateKind},
    context::Context,
    error::UseCaseError,
    exceptions,
    odoo::IMPORT_PAGES_MAX,
};
use domain::{Severity, access::Role, routing::Takes};
use outbound::{
    Discard,
    check::{CheckOutcome, Report},
};
use simulator::{
    desk::SandboxDesk,
    odoo::{DATABASE, SandboxOdoo},
};
use std::{collections::BTreeMap, sync::Arc};
use storage::shipments::Loaded;

const KEY: &str = "the key of a second system";
const DAMAGED: &[(&str, &str)] = &[("InTransit_003", "2026-03-05T01:00:00"), ("Exception_012", "2026-03-05T08:00:00")];
const MISROUTED: &[(&str, &str)] =
    &[("InTransit_003", "2026-03-05T01:00:00"), ("Exception_007", "2026-03-05T08:00:00")];

fn caller(context: &Context) -> Caller {
    Caller::trusted(context.scope())
}

/// Why the exception of a shipment has no ticket, as the queue says.
async fn no_ticket(context: &Context, of: &Loaded) -> Option<NoTicket> {
    let queue = exceptions::queue(context, &caller(context), storage::work::QueueQuery::default()).await.unwrap();
    let row = queue.rows.into_iter().find(|entry| entry.row.exception.id == of.exceptions[0].id);
    row.expect("it is in the queue").no_ticket
}

fn fields(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn odoo(url: &str) -> NewConnection {
    NewConnection {
        name: "odoo-pl".into(),
        connector: "odoo".into(),
        fields: fields(&[("url", url), ("database", DATABASE)]),
        secret: Some(KEY.into()),
        ..NewConnection::default()
    }
}

fn desk(url: &str) -> NewConnection {
    NewConnection {
        name: "desk-urgent".into(),
        connector: "request_tracker".into(),
        fields: fields(&[("url", url)]),
        secret: Some(KEY.into()),
        takes: Takes { severities: vec![Severity::Critical], ..Takes::default() },
        enabled: Some(true),
        ..NewConnection::default()
    }
}

async fn second_odoo() -> SandboxOdoo {
    SandboxOdoo::start(KEY, Arc::new(|| "2026-03-05T12:00:00Z".parse().unwrap())).await.unwrap()
}

fn order(world: &World, odoo: &SandboxOdoo, number: &str) -> i64 {
    odoo.add_order(&delivery(number, world.clock.now()))
}

async fn put(context: &Context, new: NewConnection) -> Result<(), UseCaseError> {
    connections::put(context, &caller(context), new).await.map(drop)
}

async fn state(context: &Context, name: &str) -> StateKind {
    connections::one(context, &caller(context), name).await.unwrap().overview.state.is
}

fn failed(report: &Report) -> Vec<&str> {
    let failed = report.checks.iter().filter(|check| check.outcome == CheckOutcome::Failed);
    failed.map(|check| check.what.as_str()).collect()
}

#[tokio::test]
async fn a_second_odoo_is_used_without_a_restart() {
    let systems = Systems::new().await;
    let (world, second) = (&systems.world, second_odoo().await);
    let context = &world.context;
    put(context, odoo(&second.url())).await.unwrap();
    assert_eq!(state(context, "odoo-pl").await, StateKind::Disabled);
    connections::switch(context, &caller(context), "odoo-pl", true, "").await.unwrap();
    context.odoo("odoo-pl").unwrap().setup(&Discard).await.unwrap();
    connections::switch(context, &caller(context), "odoo-pl", false, "not yet").await.unwrap();
    let there = order(world, &second, "PL1");
    world.tick().await;
    world.settle().await;
    assert!(context.store.shipments.find(context.scope(), "PL1").await.unwrap().is_empty(), "before it is enabled");
    connections::switch(context, &caller(context), "odoo-pl", true, "").await.unwrap();
    let here = systems.add_order("DE1");
    world.tick().await;
    world.settle().await;
    assert_eq!(there, here, "a record's number means something in its own Odoo only");
    let (german, polish) = (systems.shipment("DE1").await, systems.shipment("PL1").await);
    assert_ne!(german, polish);
    assert_eq!(world.load(polish).await.shipment.origin.unwrap().system, "odoo-pl");
    assert_eq!(world.load(german).await.shipment.origin.unwrap().system, "odoo");
    world.receives("PL1", &[("InTransit_003", "2026-03-05T08:00:00")]).await;
    assert_eq!(second.value(there, "x_milepost_status"), "IN_TRANSIT");
    assert!(second.value(there, "x_milepost_url").as_str().unwrap().contains(&polish.to_string()));
    assert_ne!(systems.odoo.value(here, "x_milepost_status"), "IN_TRANSIT");
    let shown = connections::one(context, &caller(context), "odoo-pl").await.unwrap();
    assert_eq!((shown.overview.state.is, shown.overview.secrets), (StateKind::Active, 1));
    let activity = connections::activity(context, &caller(context), &shown).await.unwrap();
    assert!(!activity.calls.is_empty() && !activity.changes.is_empty());
    connections::flush(context).await.unwrap();
    let (ok, failed) = connections::one(context, &caller(context), "odoo-pl").await.unwrap().overview.traffic();
    assert!(ok > 0 && failed == 0, "{ok} {failed}");
}

#[tokio::test]
async fn a_second_desk_takes_what_it_is_for() {
    let systems = Systems::new().await;
    let (world, urgent) = (&systems.world, SandboxDesk::start(KEY).await.unwrap());
    put(&world.context, desk(&urgent.url())).await.unwrap();
    systems.order("N1").await;
    systems.order("N2").await;
    world.receives("N1", DAMAGED).await;
    assert_eq!((urgent.tickets().len(), systems.desk.tickets().len()), (1, 0), "critical");
    world.receives("N2", MISROUTED).await;
    world.passes(3).await;
    assert_eq!((urgent.tickets().len(), systems.desk.tickets().len()), (1, 1), "major");
    // each has a ticket of this number: pages say whose it is
    let ports = world.ports(Role::Agent);
    let rows = ports.exceptions.queue(QueueQuery::default()).await.unwrap().rows;
    let ticket = |row: &QueueRow| Some((row.case.clone()?.0, row.desk.clone()?));
    let mut tickets: Vec<_> = rows.iter().filter_map(ticket).collect();
    tickets.sort_unstable();
    assert_eq!(tickets, [("1", "Service desk"), ("1", "desk-urgent")].map(|(n, desk)| (n.to_owned(), desk.to_owned())));
    let page = ports.shipments.get(systems.shipment("N1").await.to_string(), None).await.unwrap();
    assert_eq!(page.cases[0].desk, "desk-urgent");
    let created = page.timeline.iter().find(|entry| entry.title == "Ticket #1 created").unwrap();
    assert!(created.detail.starts_with("desk-urgent · "), "{}", created.detail);
    // a case stays at its desk, whatever that takes from now on
    let no_more =
        NewConnection { takes: Takes { carriers: vec!["ups".into()], ..Takes::default() }, ..desk(&urgent.url()) };
    put(&world.context, NewConnection { secret: None, ..no_more }).await.unwrap();
    world.receives("N1", &[DAMAGED[0], DAMAGED[1], ("Delivered_001", "2026-03-05T11:00:00")]).await;
    assert!(urgent.tickets()[0].texts.iter().any(|(_, text)| text.contains("Delivered")));
    assert_eq!(systems.desk.tickets().len(), 1);
    for (number, warehouse, tickets) in [("N3", "EU", (1, 2)), ("N4", "wh", (2, 2))] {
        let takes = Takes { warehouses: vec![warehouse.into()], ..Takes::default() };
        put(&world.context, NewConnection { takes, secret: None, ..desk(&urgent.url()) }).await.unwrap();
        systems.order(number).await;
        world.receives(number, DAMAGED).await;
        assert_eq!((urgent.tickets().len(), systems.desk.tickets().len()), tickets, "{warehouse}");
    }
}

#[tokio::test]
async fn each_company_has_its_own_desk() {
    let systems = Systems::new().await;
    let (world, urgent) = (&systems.world, SandboxDesk::start(KEY).await.unwrap());
    let takes = |company: &str| Takes { companies: vec![company.into()], ..Takes::default() };
    let second = |company: &str| NewConnection { takes: takes(company), secret: None, ..desk(&urgent.url()) };
    put(&world.context, NewConnection { takes: takes("Norge AS"), ..desk(&urgent.url()) }).await.unwrap();
    let of_first =
        NewConnection { name: "desk".into(), takes: takes("Sverige AB"), secret: None, ..desk(&systems.desk.url()) };
    put(&world.context, of_first).await.unwrap();
    for (number, company) in [("N1", "Norge AS"), ("N2", "Sverige AB"), ("N3", "Danmark A/S")] {
        let picking = systems.add_order(number);
        systems.odoo.move_to_company(picking, company);
        systems.import(IMPORT_PAGES_MAX).await;
        world.settle().await;
        let shipment = systems.shipment(number).await;
        assert_eq!(world.load(shipment).await.shipment.origin.unwrap().company.as_deref(), Some(company));
        world.receives(number, DAMAGED).await;
    }
    let numbers = |desk: &SandboxDesk| {
        let tickets = desk.tickets().into_iter().map(|ticket| ticket.fields["Tracking Number"].concat());
        tickets.collect::<Vec<_>>()
    };
    assert_eq!((numbers(&urgent), numbers(&systems.desk)), (vec!["N1".into()], vec!["N2".to_owned()]));
    // no desk took the third: it is said, and goes to one that takes it later
    let shipment = systems.shipment("N3").await;
    let left = world.load(shipment).await;
    assert_eq!((left.cases.len(), no_ticket(&world.context, &left).await), (0, Some(NoTicket::NotTaken)));
    put(&world.context, second("Danmark A/S")).await.unwrap();
    world.tick().await;
    world.settle().await;
    assert_eq!(numbers(&urgent), ["N1", "N3"]);
    assert_eq!(no_ticket(&world.context, &world.load(shipment).await).await, None);
    // the ticket that is there stays where it is
    assert_eq!(systems.desk.tickets().len(), 1);
}

#[tokio::test]
async fn without_a_desk_exceptions_wait_for_one() {
    let systems = Systems::new().await;
    let world = &systems.world;
    let context = &world.context;
    connections::switch(context, &caller(context), "desk", false, "none yet").await.unwrap();
    for (number, trouble) in [("N1", DAMAGED), ("N2", MISROUTED)] {
        systems.order(number).await;
        world.receives(number, trouble).await;
    }
    let left = world.load(systems.shipment("N1").await).await;
    let why = no_ticket(context, &left).await;
    assert_eq!((systems.desk.tickets().len(), why), (0, Some(NoTicket::NoDesk)));
    // what is over by then needs none
    world.receives("N2", &[MISROUTED[0], MISROUTED[1], ("Delivered_001", "2026-03-05T11:00:00")]).await;
    connections::switch(context, &caller(context), "desk", true, "").await.unwrap();
    world.tick().await;
    world.settle().await;
    let open: Vec<_> = systems.desk.tickets().iter().map(|ticket| ticket.fields["Tracking Number"].concat()).collect();
    assert_eq!(open, ["N1"]);
    // once: the next poll finds nothing
    let before = systems.desk.changes().len();
    world.passes(1).await;
    assert_eq!(systems.desk.changes().len(), before);
}

#[tokio::test]
async fn a_paused_connection_waits_and_goes_on_and_the_other_does_not_wait() {
    let systems = Systems::new().await;
    let (world, second) = (&systems.world, second_odoo().await);
    let context = &world.context;
    put(context, NewConnection { enabled: Some(true), ..odoo(&second.url()) }).await.unwrap();
    context.odoo("odoo-pl").unwrap().setup(&Discard).await.unwrap();
    let there = order(world, &second, "PL1");
    let here = systems.add_order("DE1");
    world.tick().await;
    world.settle().await;
    connections::pause(context, &caller(context), "odoo-pl", "an upgrade").await.unwrap();
    assert_eq!(state(context, "odoo-pl").await, StateKind::Paused);
    world.leaves_jobs();
    for number in ["PL1", "DE1"] {
        world.receives(number, &[("InTransit_003", "2026-03-05T08:00:00")]).await;
    }
    assert_eq!(systems.odoo.value(here, "x_milepost_status"), "IN_TRANSIT");
    assert_ne!(second.value(there, "x_milepost_status"), "IN_TRANSIT");
    assert!(connections::one(context, &caller(context), "odoo-pl").await.unwrap().overview.waiting > 0);
    connections::resume(context, &caller(context), "odoo-pl").await.unwrap();
    world.settle().await;
    assert_eq!(second.value(there, "x_milepost_status"), "IN_TRANSIT");
    let refused = connections::pause(context, &caller(context), "aftership", "why").await.unwrap_err();
    assert!(refused.to_string().contains("only sends"), "{refused}");
}

#[tokio::test]
async fn a_test_says_what_is_wrong_and_what_to_do() {
    let systems = Systems::new().await;
    let (context, second) = (&systems.world.context, second_odoo().await);
    let test = async |new: NewConnection| {
        put(context, new).await.unwrap();
        connections::test(context, &caller(context), "odoo-pl").await.unwrap()
    };
    let missing = test(odoo(&second.url())).await;
    assert_eq!(missing.system.as_deref(), Some("Odoo 19.0"));
    assert!(failed(&missing)[0].starts_with("Missing in Odoo: field x_milepost_status"), "{missing:?}");
    let wrong_key = test(NewConnection { secret: Some("a wrong key".into()), ..odoo(&second.url()) }).await;
    assert_eq!(failed(&wrong_key), ["API key not accepted"]);
    let wrong_url = test(odoo("http://127.0.0.1:1")).await;
    assert_eq!(failed(&wrong_url), ["Cannot reach http://127.0.0.1:1"]);
    let check = &wrong_url.checks[0];
    assert_eq!(check.detail, "Nothing listens at http://127.0.0.1:1");
    assert_eq!(check.todo.as_deref(), Some("Check that the system runs, the host and the port."));
    let kept = connections::one(context, &caller(context), "odoo-pl").await.unwrap().overview.report;
    assert_eq!(kept, Some(wrong_url));
    let desk = connections::test(context, &caller(context), "desk").await.unwrap();
    assert!(desk.passed(), "{desk:?}");
    let source = connections::test(context, &caller(context), "aftership").await.unwrap();
    assert!(source.checks.iter().any(|check| check.what == "Waiting for the first message"), "{source:?}");
}

#[tokio::test]
async fn what_is_wrong_names_its_field() {
    let systems = Systems::new().await;
    let context = &systems.world.context;
    let field = async |new: NewConnection| match put(context, new).await {
        Err(UseCaseError::Invalid { field, .. }) => field,
        other => panic!("{other:?}"),
    };
    let good = || odoo("http://127.0.0.1:1");
    let says = async |new: NewConnection| put(context, new).await.unwrap_err().to_string();
    let at = |url: &str| fields(&[("url", url), ("database", "x")]);
    for (url, message) in [
        ("", "URL is missing"),
        ("ftp://odoo.example.com", "URL must begin with https:// or http://"),
        ("https://jane:x@odoo.example.com", "URL must hold no user, password, query or fragment"),
    ] {
        assert_eq!(says(NewConnection { fields: at(url), ..good() }).await, message);
    }
    let message = "the name \"Odoo Två!\" cannot be used: use lower case letters, digits and hyphens only, at most 64";
    assert_eq!(says(NewConnection { name: "Odoo Två!".into(), ..good() }).await, message);
    assert_eq!(field(NewConnection { connector: "abacus".into(), ..good() }).await, "connector");
    assert_eq!(field(NewConnection { name: "Odoo PL".into(), ..good() }).await, "name");
    assert_eq!(field(NewConnection { name: "desk".into(), ..good() }).await, "name");
    assert_eq!(field(NewConnection { name: "inside".into(), ..good() }).await, "name");
    assert_eq!(field(NewConnection { secret: None, ..good() }).await, "secret");
    assert_eq!(field(NewConnection { fields: fields(&[("database", "x")]), ..good() }).await, "url");
    assert_eq!(field(NewConnection { runbook: "the wiki".into(), ..good() }).await, "runbook");
    let in_clear = fields(&[("url", "http://odoo.example.com"), ("database", "x")]);
    assert_eq!(field(NewConnection { fields: in_clear, ..good() }).await, "url");
    let unknown = fields(&[("url", "https://odoo.example.com"), ("database", "x"), ("colour", "red")]);
    assert_eq!(field(NewConnection { fields: unknown, ..good() }).await, "fields");
    put(context, good()).await.unwrap();
    // a sealed key is not sent elsewhere
    let elsewhere = fields(&[("url", "https://elsewhere.example.com"), ("database", "x")]);
    assert_eq!(field(NewConnection { fields: elsewhere, secret: None, ..good() }).await, "secret");
    assert_eq!(
        field(NewConnection { connector: "aftership".into(), fields: fields(&[]), ..good() }).await,
        "connector"
    );
}

#[tokio::test]
async fn a_secret_is_rotated_without_a_pause() {
    let systems = Systems::new().await;
    let (world, second) = (&systems.world, second_odoo().await);
    let context = &world.context;
    put(context, NewConnection { enabled: Some(true), ..odoo(&second.url()) }).await.unwrap();
    context.odoo("odoo-pl").unwrap().setup(&Discard).await.unwrap();
    let there = order(world, &second, "PL1");
    // the new key is set here before Odoo takes it
    connections::rotate(context, &caller(context), "odoo-pl", "a key to come").await.unwrap();
    world.tick().await;
    world.settle().await;
    world.receives("PL1", &[("InTransit_003", "2026-03-05T08:00:00")]).await;
    assert_eq!(second.value(there, "x_milepost_status"), "IN_TRANSIT");
    assert_eq!(systems.dead().await, 0);
    let secrets = async || connections::one(context, &caller(context), "odoo-pl").await.unwrap().overview.secrets;
    assert_eq!(secrets().await, 2);
    connections::rotate(context, &caller(context), "odoo-pl", KEY).await.unwrap();
    assert_eq!(secrets().await, 2, "never more than two");
    connections::retire_old(context, &caller(context), "odoo-pl").await.unwrap();
    assert_eq!(secrets().await, 1);
    assert!(connections::test(context, &caller(context), "odoo-pl").await.unwrap().passed());
    assert!(connections::retire_old(context, &caller(context), "odoo-pl").await.is_err());
}

#[tokio::test]
async fn another_node_takes_up_what_changed() {
    let systems = Systems::new().await;
    let here = &systems.world.context;
    let there = systems.world.beside().await;
    assert!(there.odoo("odoo").is_some(), "flags seed the first Odoo; from then on it is in the store");
    put(here, NewConnection { enabled: Some(true), ..odoo("http://127.0.0.1:1") }).await.unwrap();
    assert!(here.odoo("odoo-pl").is_some() && there.odoo("odoo-pl").is_none());
    assert!(connections::refresh(&there).await.unwrap());
    assert!(there.odoo("odoo-pl").is_some());
    assert!(!connections::refresh(&there).await.unwrap(), "nothing more");
    connections::switch(here, &caller(here), "odoo-pl", false, "no longer used").await.unwrap();
    connections::refresh(&there).await.unwrap();
    assert!(there.odoo("odoo-pl").is_none());
}

#[tokio::test]
async fn the_command_line_seeds_once_and_again_when_it_changes() {
    let systems = Systems::new().await;
    let context = &systems.world.context;
    let of = async || context.store.connections.by_name("odoo").await.unwrap().unwrap().1;
    let seeded = of().await;
    assert_eq!((seeded.label.as_str(), seeded.enabled), ("Odoo", true));
    connections::seed(context).await.unwrap();
    assert_eq!(of().await.version, seeded.version);
    // what a person changes stays
    let mut fields = connections::one(context, &caller(context), "odoo").await.unwrap().overview.fields();
    fields.insert("import_seconds".into(), "3600".into());
    let changed = NewConnection {
        name: "odoo".into(),
        connector: "odoo".into(),
        label: "Odoo Berlin".into(),
        fields,
        ..NewConnection::default()
    };
    put(context, changed).await.unwrap();
    connections::seed(context).await.unwrap();
    assert_eq!((of().await.label.as_str(), of().await.version), ("Odoo Berlin", seeded.version + 1));
    // another key on the command line is taken up; the one before stays valid beside it
    let mut config = (*systems.world.config).clone();
    config.system.odoo.as_mut().unwrap().key = "another key".into();
    let clock: Arc<dyn Clock> = systems.world.clock.clone();
    let restarted = server::bootstrap::assemble(config, clock, context.store.clone(), &[7; 32]).await.unwrap();
    connections::seed(&restarted).await.unwrap();
    let shown = connections::one(context, &caller(context), "odoo").await.unwrap().overview;
    assert_eq!((shown.secrets, shown.record.label.as_str()), (2, "Odoo Berlin"));
}

#[tokio::test]
async fn the_change_log_says_what_changed_and_nothing_else() {
    let systems = Systems::new().await;
    let (world, context) = (&systems.world, &systems.world.context);
    let log = async |name: &str| {
        let one = connections::one(context, &caller(context), name).await.unwrap();
        connections::activity(context, &caller(context), &one).await.unwrap().changes
    };
    let seeded = connections::one(context, &caller(context), "odoo").await.unwrap().overview;
    let owned = |owner: &str| NewConnection {
        name: "odoo".into(),
        label: seeded.record.label.clone(),
        connector: "odoo".into(),
        sandbox: seeded.record.sandbox,
        owner: owner.into(),
        // what the tests seed is longer than a person may set
        fields: BTreeMap::from_iter(seeded.fields().into_iter().chain([("import_seconds".into(), "60".into())])),
        ..NewConnection::default()
    };
    put(context, owned(&seeded.record.owner)).await.unwrap();
    let created = |changes: &[Change]| changes.iter().filter(|change| change.first).count();
    put(context, owned("Anna")).await.unwrap();
    let changes = log("odoo").await;
    let of_owner =
        |before: &str, after: &str| Difference { field: "owner".into(), before: before.into(), after: after.into() };
    assert_eq!(changes[0].values, [of_owner(&seeded.record.owner, "Anna")]);
    assert_eq!(created(&changes), 1);
    for _ in 0..60 {
        connections::test(context, &caller(context), "odoo").await.unwrap();
    }
    put(context, owned("Ben")).await.unwrap();
    let changes = log("odoo").await;
    assert_eq!(changes[0].values, [of_owner("Anna", "Ben")]);
    assert_eq!(created(&changes), 0, "it was created before what is read");
    // the same of sources that a command puts
    for _ in 0..2 {
        world.source_of("shop", "aftership", "a secret of the tests, long", carriers::Settings::default()).await;
    }
    let changes = log("shop").await;
    assert_eq!((changes.len(), created(&changes), changes[0].first), (2, 1, false));
    assert_eq!(changes[0].values, []);
}

#[tokio::test]
async fn what_a_person_writes_has_limits() {
    let systems = Systems::new().await;
    let long = "x".repeat(501);
    let with = |data_classes: Vec<String>| NewConnection { data_classes, ..odoo("https://odoo.example.test") };
    for classes in [vec!["names".to_owned(); 51], vec![long.clone()]] {
        let refused = put(&systems.world.context, with(classes)).await.unwrap_err();
        assert!(matches!(refused, UseCaseError::Invalid { field: "data_classes", .. }), "{refused:?}");
    }
    let takes = Takes { carriers: vec![long], ..Takes::default() };
    let refused = put(&systems.world.context, NewConnection { takes, ..desk("https://desk.example.test") }).await;
    let refused = refused.unwrap_err();
    assert!(matches!(refused, UseCaseError::Invalid { field: "carriers", .. }), "{refused:?}");
}
