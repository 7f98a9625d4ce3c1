//! The pages of bookings without a browser's half: rules by plain forms, a label booked by one.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use crate::{
    booking::{Booking, book_at, rule},
    world::{
        World,
        site::{Reply, Site},
        systems::{Systems, delivery},
    },
};
use application::{
    booking::rules,
    caller::Caller,
    clock::Clock,
    connections::{self, NewConnection},
    odoo::IMPORT_PAGES_MAX,
};
use http::{StatusCode, header};
use server::config::Settings;
use simulator::{booking::SandboxBooking, odoo::NewOrder};
use std::sync::Arc;

fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

fn form(pairs: &[(&str, &str)]) -> String {
    let pairs: Vec<_> = pairs.iter().map(|(name, value)| format!("{}={}", encoded(name), encoded(value))).collect();
    pairs.join("&")
}

/// What a hidden field of a page holds.
fn hidden<'a>(page: &'a Reply, name: &str) -> &'a str {
    let at = page.body.split(&format!("name=\"{name}\"")).nth(1).unwrap_or_else(|| panic!("no {name}: {}", page.body));
    at.split("value=\"").nth(1).unwrap().split('"').next().unwrap()
}

async fn connect(world: &World, platform: &SandboxBooking, name: &str) {
    let fields = [("url", platform.url(name)), ("mode", "test".to_owned())];
    let new = NewConnection {
        name: format!("{name}-api"),
        connector: format!("{name}_api"),
        fields: fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
        secret: Some(platform.test_key(name).into()),
        enabled: Some(true),
        ..NewConnection::default()
    };
    connections::put(&world.context, &Caller::trusted(world.context.scope()), new).await.unwrap();
}

fn any_port() -> Settings {
    Settings { addr: Some("127.0.0.1:0".parse().unwrap()), ..Settings::default() }
}

async fn platform(world: &World) -> SandboxBooking {
    let clock = Arc::clone(&world.clock);
    SandboxBooking::start(7, Arc::new(move || clock.now())).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rules_are_added_moved_edited_and_removed_by_plain_forms() {
    let world = World::with(any_port().resolve().unwrap()).await;
    let platform = platform(&world).await;
    connect(&world, &platform, "easypost").await;
    let site = Site::on(world, "sandbox").await;
    let cookie = site.sign_in().await;
    let page = async |path: &str| site.page(path, Some(&cookie)).await.unwrap();
    let empty = page("/booking-rules").await;
    assert!(empty.body.contains("No booking rules yet"), "{}", empty.body);
    let save = async |of: &str, name: &str, more: &[(&str, &str)]| {
        let shown = page("/booking-rules?add=1").await;
        let version = hidden(&shown, "rule[version]").to_owned();
        let mut pairs = vec![
            ("rule[version]", version.as_str()),
            ("rule[of]", of),
            ("rule[name]", name),
            ("rule[does]", "book"),
            ("rule[books_at]", "easypost-api"),
        ];
        pairs.extend(more);
        site.submit("/booking-rules?add=1", "booking-rules/save", &form(&pairs), &cookie).await
    };
    for (name, more) in [("EU", [("rule[countries]", "EU")]), ("Heavy", [("rule[from_kg]", "20")])] {
        let saved = save("", name, &more).await;
        assert_eq!(saved.status, StatusCode::FOUND, "{saved:?}");
        let to = saved.headers.get(header::LOCATION).unwrap().to_str().unwrap();
        assert!(to.ends_with("/booking-rules"), "{to}");
    }
    let listed = page("/booking-rules").await;
    let order = |page: &Reply| {
        let rows = page.body.split("data-testid=\"booking-rule\"").skip(1);
        rows.map(|row| if row.contains(">Heavy<") { "Heavy" } else { "EU" }).collect::<Vec<_>>()
    };
    assert_eq!(order(&listed), ["EU", "Heavy"]);
    assert!(listed.body.contains("To EU") && listed.body.contains("From 20 kg"), "{}", listed.body);
    let change = async |name: &str, act: &str| {
        let version = hidden(&page("/booking-rules").await, "version").to_owned();
        let body = form(&[("version", &version), ("name", name), ("act", act)]);
        site.submit("/booking-rules", "booking-rules/change", &body, &cookie).await
    };
    assert_eq!(change("Heavy", "raise").await.status, StatusCode::FOUND);
    assert_eq!(order(&page("/booking-rules").await), ["Heavy", "EU"]);
    // what is typed is checked as at the command line, and the page says what is wrong
    let wrong = save("EU", "EU", &[("rule[countries]", "Atlantis")]).await;
    let to = wrong.headers.get(header::LOCATION).unwrap().to_str().unwrap().to_owned();
    let path = to.strip_prefix(&format!("http://{}", site.address)).unwrap_or(&to).to_owned();
    assert!(page(&path).await.body.contains("countries of two letters"), "{path}");
    let stale = form(&[("version", "0"), ("name", "EU"), ("act", "remove")]);
    let stale = site.call("booking-rules/change", &stale, Some(&cookie)).await;
    assert_eq!(stale.status, StatusCode::CONFLICT, "{stale:?}");
    assert_eq!(change("EU", "remove").await.status, StatusCode::FOUND);
    assert_eq!(order(&page("/booking-rules").await), ["Heavy"]);
    let missing = page("/booking-rules?delivery=WH%2FOUT%2F1").await;
    assert!(missing.body.contains("No delivery of Odoo goes under this"), "{}", missing.body);
    site.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_label_is_booked_by_a_plain_form_and_the_rules_are_tried_on_its_delivery() {
    let Systems { world, odoo, desk, .. } = {
        let systems = Systems::configured(any_port()).await;
        let new = delivery("A1", systems.world.clock.now());
        systems.odoo.add_order(&NewOrder { tracking: None, ..new });
        systems.import(IMPORT_PAGES_MAX).await;
        systems.world.settle().await;
        systems
    };
    let platform = platform(&world).await;
    connect(&world, &platform, "easypost").await;
    world.leaves_jobs();
    let context = Arc::clone(&world.context);
    let shipment = context.store.shipments.find(context.scope(), "WH/OUT/A1").await.unwrap()[0];
    let site = Site::on(world, "sandbox").await;
    let cookie = site.sign_in().await;
    let path = format!("/shipments/{shipment}");
    let page = site.page(&path, Some(&cookie)).await.unwrap();
    assert!(page.body.contains("Book a label") && page.body.contains("(test labels)"), "{}", page.body);
    let id = shipment.to_string();
    let pairs = [("new[shipment]", id.as_str()), ("new[connection]", "easypost-api"), ("new[offer]", "fastest")];
    let booked = site.submit(&path, "shipments/book", &form(&pairs), &cookie).await;
    assert_eq!(booked.status, StatusCode::FOUND, "{booked:?}");
    let page = site.page(&path, Some(&cookie)).await.unwrap();
    // by now the server may have done it
    assert!(page.body.contains("Label ordered") || page.body.contains("data-testid=\"booking\""), "{}", page.body);
    let wrong = form(&[("new[shipment]", &id), ("new[connection]", "easypost-api"), ("new[length]", "30")]);
    let wrong = site.call("shipments/book", &wrong, Some(&cookie)).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY, "{wrong:?}");
    let tried = site.page("/booking-rules?delivery=WH%2FOUT%2FA1", Some(&cookie)).await.unwrap();
    assert!(tried.body.contains("<b>Nothing: "), "{}", tried.body);
    drop((odoo, desk));
    site.stop().await;
}

#[tokio::test]
async fn a_platform_is_removed_only_while_nothing_is_booked_there_and_no_rule_names_it() {
    let world = World::with(any_port().resolve().unwrap()).await;
    let sandbox = platform(&world).await;
    connect(&world, &sandbox, "easypost").await;
    let (context, caller) = (&world.context, Caller::trusted(world.context.scope()));
    let remove = async || connections::remove(context, &caller, "easypost-api", "").await;
    assert!(remove().await.unwrap_err().to_string().contains("disable it first"));
    rules::put(context, &caller, vec![rule(book_at("easypost-api"))]).await.unwrap();
    connections::switch(context, &caller, "easypost-api", false, "").await.unwrap();
    let named = remove().await.unwrap_err().to_string();
    assert!(named.contains("booking rule all names easypost-api"), "{named}");
    rules::put(context, &caller, Vec::new()).await.unwrap();
    assert_eq!(connections::removal(context, &caller, "easypost-api").await.unwrap().blocked, None);
    remove().await.unwrap();
    assert!(connections::one(context, &caller, "easypost-api").await.is_err(), "it is gone");
    // with a label it stays: that can still be voided
    let world = Booking::at("easypost").await;
    world.add("A1");
    world.import().await;
    world.rules(Vec::new()).await;
    let context = &world.systems.world.context;
    connections::switch(context, &world.person(), "easypost-api", false, "").await.unwrap();
    let booked = connections::remove(context, &world.person(), "easypost-api", "").await.unwrap_err().to_string();
    assert!(booked.contains("it stays disabled"), "{booked}");
}
