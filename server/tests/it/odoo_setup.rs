//! The set-up of an Odoo, its removal, and the hints that follow from it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use crate::world::{
    World,
    site::{Reply, Site},
    systems::{Systems, delivery},
};
use application::{
    caller::Caller,
    clock::Clock as _,
    error::UseCaseError,
    odoo::{
        hints::{HintState, hint_state},
        setup::{SetupAct, SetupReport, SetupRequest, set_up},
    },
};
use axum::{body::Body, http::Request};
use http::{StatusCode, header};
use http_body_util::BodyExt as _;
use metrics_exporter_prometheus::PrometheusBuilder;
use serde_json::{Value, json};
use server::config::Settings;
use std::{collections::BTreeSet, net::TcpListener};
use storage::jobs::{JobFilter, JobKind, JobSelection};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

/// The simulated Odoo has one key, which may do everything.
const ADMIN: &str = "key-of-the-tests";

fn request(act: SetupAct) -> SetupRequest {
    SetupRequest {
        act,
        key: ADMIN.to_owned().into(),
        login: None,
        hints: true,
        renew: false,
        user: false,
        fields: false,
    }
}

async fn acts(systems: &Systems, request: SetupRequest) -> Result<SetupReport, UseCaseError> {
    let context = &systems.world.context;
    set_up(context, &Caller::trusted(context.scope()), "odoo", request).await
}

async fn done(systems: &Systems, request: SetupRequest) -> Vec<String> {
    let report = acts(systems, request).await.unwrap();
    assert_eq!(report.refused(), 0, "{report:?}");
    report.steps.into_iter().map(|step| step.what).collect()
}

/// Addresses that the rules of this Odoo post to, without where Milepost is.
fn hint_paths(systems: &Systems) -> BTreeSet<String> {
    let actions = systems.odoo.all_records("ir.actions.server");
    let urls = actions.iter().filter_map(|row| row["webhook_url"].as_str().map(str::to_owned));
    let public = &systems.world.context.config.public_url;
    urls.map(|url| url.strip_prefix(public.as_str()).unwrap().to_owned()).collect()
}

async fn post(world: &World, path: &str, body: impl Into<Body>) -> (StatusCode, Value) {
    let metrics = PrometheusBuilder::new().build_recorder().handle();
    let router = server::http::router(world.front(), metrics, CancellationToken::new());
    let request = Request::post(path).header(header::CONTENT_TYPE, "application/json").body(body.into()).unwrap();
    let answer = router.oneshot(request).await.unwrap();
    let status = answer.status();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&body).unwrap_or_default())
}

fn hint(model: &str, id: i64) -> String {
    json!({"_action": "Milepost(#5)", "_id": id, "_model": model, "id": id}).to_string()
}

/// How many jobs of this kind wait.
async fn waiting(world: &World, kind: JobKind) -> usize {
    let jobs = &world.context.store.jobs;
    let (mut found, mut cursor) = (0, None);
    loop {
        let all = JobSelection::default();
        let page = jobs.list(world.context.scope(), JobFilter::Pending, all, cursor).await.unwrap();
        found += page.rows.iter().filter(|row| row.job.kind == kind).count();
        cursor = page.next;
        if cursor.is_none() {
            return found;
        }
    }
}

async fn state(systems: &Systems) -> HintState {
    let context = &systems.world.context;
    hint_state(context, &Caller::trusted(context.scope()), "odoo").await.unwrap()
}

#[tokio::test]
async fn a_set_up_is_previewed_done_once_and_taken_away() {
    let systems = Systems::new().await;
    let preview = acts(&systems, request(SetupAct::Preview)).await.unwrap();
    assert!(preview.steps.len() == 2 && preview.steps.iter().all(|step| step.ended.is_none()), "{preview:?}");
    assert!(hint_paths(&systems).is_empty(), "a preview changes nothing");
    let context = &systems.world.context;
    let before = context.store.people.audit_trail(context.scope(), None, 100).await.unwrap().len();
    let wanted = SetupRequest { user: true, ..request(SetupAct::Apply) };
    assert_eq!(done(&systems, wanted).await.len(), 3);
    let trail = context.store.people.audit_trail(context.scope(), None, 100).await.unwrap();
    let actions: Vec<&str> = trail.iter().map(|line| line.entry.action.as_str()).collect();
    // the start is kept before Odoo is changed
    assert_eq!((trail.len(), &actions[..3]), (before + 3, &["connection.test", "odoo.setup", "odoo.setup.start"][..]));
    let paths = hint_paths(&systems);
    assert!(paths.len() == 1 && paths.first().unwrap().starts_with("/hooks/odoo/odoo/"), "{paths:?}");
    let again = SetupRequest { user: true, ..request(SetupAct::Apply) };
    assert_eq!(done(&systems, again).await, Vec::<String>::new());
    assert_eq!(hint_paths(&systems), paths, "the address stays");
    // what it made goes, and nothing else
    let transfer = systems.order("N1").await;
    let kept = acts(&systems, request(SetupAct::Remove)).await.unwrap();
    assert!(kept.notes.iter().any(|note| note.contains("fields of transfers stay")), "{:?}", kept.notes);
    assert!(hint_paths(&systems).is_empty() && systems.odoo.all_records("base.automation").is_empty());
    assert!(
        systems
            .odoo
            .all_records("ir.ui.view")
            .iter()
            .all(|view| !view["name"].as_str().unwrap().starts_with("milepost"))
    );
    assert_eq!(systems.odoo.value(transfer, "name"), "WH/OUT/N1");
    let whole = SetupRequest { fields: true, ..request(SetupAct::Remove) };
    let whats = done(&systems, whole).await;
    let deleted = ["Delete 10 fields of transfers", "Delete 9 fields of sales orders"];
    assert!(whats.iter().zip(deleted).all(|(what, begins)| what.starts_with(begins)) && whats.len() == 2, "{whats:?}");
    assert_eq!(done(&systems, request(SetupAct::PreviewRemoval)).await, Vec::<String>::new());
}

#[tokio::test]
async fn fields_that_were_deleted_and_made_again_are_written_once_without_notes() {
    let systems = Systems::new().await;
    let (open, other) = (systems.order("N1").await, systems.order("N2").await);
    systems.world.receives("N1", &[("InTransit_003", "2026-03-05T01:00:00")]).await;
    let shown = |picking| (systems.status(picking), systems.odoo.notes(picking).len());
    let (first, second) = (shown_after(&systems, open).await, shown_after(&systems, other).await);
    let whole = SetupRequest { fields: true, ..request(SetupAct::Remove) };
    done(&systems, whole).await;
    assert_eq!(systems.status(open), None, "the values are lost");
    // an import in between compares nothing with what was there
    systems.world.passes(1).await;
    systems.odoo.edit(open, "origin", json!("S-N1"));
    systems.import(application::odoo::IMPORT_PAGES_MAX).await;
    systems.world.settle().await;
    done(&systems, request(SetupAct::Apply)).await;
    systems.advance(3_600).await;
    assert_eq!((shown(open).0, shown(other).0), (first.0, second.0));
    assert_eq!((shown(open).1, shown(other).1), (first.1, second.1), "no hand was in it");
    let writes = systems.odoo.calls("stock.picking/write");
    systems.odoo.edit(other, "origin", json!("S-N2"));
    systems.import(application::odoo::IMPORT_PAGES_MAX).await;
    systems.advance(3_600).await;
    assert_eq!(systems.odoo.calls("stock.picking/write"), writes, "once");
}

/// What a transfer shows, and how many notes it has.
async fn shown_after(systems: &Systems, picking: i64) -> (Option<String>, usize) {
    systems.world.settle().await;
    (systems.status(picking), systems.odoo.notes(picking).len())
}

#[tokio::test]
async fn another_key_does_nothing_and_says_so() {
    let systems = Systems::new().await;
    systems.odoo.add_key("of-a-clerk", [("ir.model", "read"), ("base.automation", "create")]);
    let context = &systems.world.context;
    let lines = async || context.store.people.audit_trail(context.scope(), None, 100).await.unwrap().len();
    let before = lines().await;
    for (key, says) in
        [("wrong", "does not accept this key"), ("of-a-clerk", "may not set up"), (" ", "give the API key")]
    {
        let wanted = SetupRequest { key: key.to_owned().into(), ..request(SetupAct::Apply) };
        let error = acts(&systems, wanted).await.unwrap_err();
        let UseCaseError::Invalid { field: "key", message } = &error else { panic!("{key}: {error}") };
        assert!(message.contains(says), "{key}: {message}");
    }
    assert_eq!((lines().await, hint_paths(&systems).len()), (before, 0));
    let nowhere = set_up(context, &Caller::trusted(context.scope()), "aftership", request(SetupAct::Preview)).await;
    assert!(matches!(nowhere, Err(UseCaseError::NotFound(_))));
}

#[tokio::test]
async fn a_step_that_odoo_refuses_stops_only_what_needs_it() {
    let systems = Systems::new().await;
    systems.odoo.remove_fields();
    systems.odoo.fail(
        Some("ir.model.fields/create"),
        &simulator::faults::Fault::Error("odoo.exceptions.ValidationError"),
        1,
    );
    let report = acts(&systems, request(SetupAct::Apply)).await.unwrap();
    let ended = |what: &str| report.steps.iter().find(|step| step.what.contains(what)).unwrap().ended.clone().unwrap();
    assert!(matches!(ended("fields on transfers"), odoo::Ended::Refused(_)), "{report:?}");
    assert_eq!(ended("fields on sales orders"), odoo::Ended::Done);
    assert_eq!(ended("Report changes of transfers"), odoo::Ended::Done);
    assert_eq!(report.refused(), 1, "{report:?}");
    // the rest the next time
    assert_eq!(done(&systems, request(SetupAct::Apply)).await.len(), 1);
}

#[tokio::test]
async fn a_hint_is_answered_at_once_and_its_record_is_read_once() {
    let systems = Systems::new().await;
    let world = &systems.world;
    assert_eq!(state(&systems).await, HintState::default());
    done(&systems, request(SetupAct::Apply)).await;
    assert!(state(&systems).await.set_at.is_some() && state(&systems).await.last_at.is_none());
    let path = hint_paths(&systems).first().unwrap().clone();
    systems.import(1).await;
    let now = world.clock.now();
    let picking = systems.odoo.add_order(&delivery("N7", now));
    // three of one change, and a record that is none of ours
    for _ in 0..3 {
        assert_eq!(post(world, &path, hint("stock.picking", picking)).await.0, StatusCode::ACCEPTED);
    }
    assert_eq!(post(world, &path, hint("stock.picking", 4_711)).await.0, StatusCode::ACCEPTED);
    assert_eq!(waiting(world, JobKind::READ_ORDER).await, 2);
    world.settle().await;
    assert!(world.context.store.shipments.find(world.context.scope(), "N7").await.unwrap().is_empty(), "not yet");
    let reads = systems.odoo.calls("stock.picking/read");
    systems.advance(3).await;
    let shipment = systems.shipment("N7").await;
    assert_eq!(world.load(shipment).await.shipment.numbers.len(), 1);
    assert!(systems.odoo.calls("stock.picking/read") <= reads + 2, "one reading of each");
    assert_eq!(state(&systems).await.last_at, Some(now));
    // the order's hint reads its transfers
    let order = systems.odoo.linked(picking, "sale_id").unwrap();
    systems.odoo.edit(picking, "carrier_tracking_ref", json!("N8"));
    assert_eq!(post(world, &path, hint("sale.order", order)).await.0, StatusCode::ACCEPTED);
    systems.advance(3).await;
    assert_eq!(systems.shipment("N8").await, shipment);
}

#[tokio::test]
async fn nothing_of_a_hint_is_believed_and_no_other_address_takes_one() {
    let systems = Systems::new().await;
    let world = &systems.world;
    done(&systems, request(SetupAct::Apply)).await;
    let path = hint_paths(&systems).first().unwrap().clone();
    let secret = path.rsplit('/').next().unwrap().to_owned();
    for wrong in [
        "/hooks/odoo/odoo/0000".to_owned(),
        format!("/hooks/odoo/odoo/{secret}0"),
        format!("/hooks/odoo/odoo/{}", secret.to_uppercase()),
        format!("/hooks/odoo/desk/{secret}"),
        format!("/hooks/odoo/nowhere/{secret}"),
        "/hooks/odoo/odoo/%00%ff".to_owned(),
    ] {
        let (status, body) = post(world, &wrong, hint("stock.picking", 1)).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{wrong}");
        assert!(!body.to_string().contains(&secret), "{body}");
    }
    let deep = "[".repeat(20_000);
    let large = format!(r#"{{"_model": "stock.picking", "_id": 1, "x": "{}"}}"#, "x".repeat(70_000));
    for odd in ["", "null", "{}", deep.as_str(), large.as_str(), &hint("res.users", 1), &hint("stock.picking", -1)] {
        let (status, body) = post(world, &path, odd.to_owned()).await;
        assert_eq!((status, &body["code"]), (StatusCode::BAD_REQUEST, &json!("not_a_hint")), "{} bytes", odd.len());
    }
    assert_eq!(waiting(world, JobKind::READ_ORDER).await, 0);
    // a new secret replaces the one so far; neither is stored
    done(&systems, SetupRequest { renew: true, ..request(SetupAct::Apply) }).await;
    let renewed = hint_paths(&systems).first().unwrap().clone();
    assert_ne!(renewed, path);
    assert_eq!(post(world, &path, hint("stock.picking", 1)).await.0, StatusCode::NOT_FOUND);
    assert_eq!(post(world, &renewed, hint("stock.picking", 1)).await.0, StatusCode::ACCEPTED);
    let kept = world.context.store.people.setting(world.context.scope(), "odoo.hints").await.unwrap().unwrap();
    assert!(!kept.contains(renewed.rsplit('/').next().unwrap()), "{kept}");
    assert_eq!(outbound::secrets::hidden(&renewed), "/hooks/odoo/odoo/[secret]", "in no log");
    // a connection that is not in use takes none
    let caller = Caller::trusted(world.context.scope());
    application::connections::switch(&world.context, &caller, "odoo", false, "a test").await.unwrap();
    assert_eq!(post(world, &renewed, hint("stock.picking", 1)).await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_burst_of_hints_is_one_import() {
    let systems = Systems::new().await;
    let world = &systems.world;
    done(&systems, request(SetupAct::Apply)).await;
    let path = hint_paths(&systems).first().unwrap().clone();
    systems.import(1).await;
    let now = world.clock.now();
    let pickings: Vec<i64> = (0..60).map(|n| systems.odoo.add_order(&delivery(&format!("B{n}"), now))).collect();
    for picking in &pickings {
        assert_eq!(post(world, &path, hint("stock.picking", *picking)).await.0, StatusCode::ACCEPTED);
    }
    assert_eq!((waiting(world, JobKind::READ_ORDER).await, waiting(world, JobKind::IMPORT_ORDERS).await), (50, 1));
    systems.advance(6).await;
    for n in 0..60 {
        systems.shipment(&format!("B{n}")).await;
    }
}

/// A server under an address that others can be given before it listens.
async fn reachable() -> (Systems, Site) {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let settings = Settings { public_url: Some(format!("http://127.0.0.1:{port}")), ..Settings::default() };
    let systems = Systems::configured(settings).await;
    let Systems { world, odoo, desk, odoo_at } = systems;
    let mut config = (*world.config).clone();
    config.addr = format!("127.0.0.1:{port}").parse().unwrap();
    let context = std::sync::Arc::clone(&world.context);
    let (clock, leaves_jobs) = (std::sync::Arc::clone(&world.clock), std::sync::atomic::AtomicBool::new(true));
    let beside = World { context, config: std::sync::Arc::new(config), clock, leaves_jobs };
    let site = Site::on(beside, "Anna Lind").await;
    (Systems { world, odoo, desk, odoo_at }, site)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn odoo_reports_a_change_by_itself_and_it_is_taken_in() {
    let (systems, site) = reachable().await;
    done(&systems, request(SetupAct::Apply)).await;
    systems.import(1).await;
    systems.odoo.add_order(&delivery("E1", systems.world.clock.now()));
    for _ in 0..500 {
        if state(&systems).await.last_at.is_some() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    assert!(state(&systems).await.last_at.is_some(), "Odoo posted");
    systems.world.clock.advance(jiff::Span::new().seconds(3));
    systems.world.context.notifier.all_work();
    for _ in 0..500 {
        let found = systems.world.context.store.shipments.find(systems.world.context.scope(), "E1").await.unwrap();
        if !found.is_empty() {
            site.stop().await;
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("the delivery does not come in");
}

fn encoded(pairs: &[(&str, &str)]) -> String {
    let code = |text: &str| text.bytes().map(|byte| format!("%{byte:02X}")).collect::<String>();
    pairs.iter().map(|(name, value)| format!("{}={}", code(name), code(value))).collect::<Vec<_>>().join("&")
}

/// The page after a form that was sent without the browser's half.
async fn submitted(site: &Site, cookie: &str, fields: &[(&str, &str)]) -> Reply {
    let page = "/connections/odoo?tab=setup";
    let mut pairs = vec![("setup[name]", "odoo")];
    pairs.extend(fields);
    let answer = site.submit(page, "connections/set-up", &encoded(&pairs), cookie).await;
    assert_eq!(answer.status, StatusCode::FOUND, "{answer:?}");
    let to = answer.headers[header::LOCATION].to_str().unwrap().to_owned();
    let to = to.strip_prefix(&format!("http://{}", site.address)).unwrap_or(&to).to_owned();
    assert!(!to.contains(ADMIN) && !to.contains("wrong-key"), "{to}");
    site.page(&to, Some(cookie)).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_page_previews_sets_up_and_removes_without_the_browsers_half() {
    let (systems, site) = reachable().await;
    let cookie = site.sign_in().await;
    let shown = |page: &Reply| page.body.split("<script").next().unwrap_or_default().to_owned();
    let first = site.page("/connections/odoo?tab=setup", Some(&cookie)).await.unwrap();
    assert!(
        shown(&first).contains("Administrator&#x27;s API key") || shown(&first).contains("Administrator's API key")
    );
    assert!(shown(&first).contains("Not set up: Odoo reports no changes"), "{}", shown(&first));
    let hints = ("setup[hints]", "true");
    let act = |act| ("setup[act]", act);
    let page = submitted(&site, &cookie, &[("setup[key]", "wrong-key"), hints, act("apply")]).await;
    assert!(shown(&page).contains("does not accept this key"), "{}", shown(&page));
    let key = ("setup[key]", ADMIN);
    let page = submitted(&site, &cookie, &[key, hints, act("preview")]).await;
    assert!(
        shown(&page).contains("Preview: 2 steps") && shown(&page).contains("Report changes of transfers"),
        "{}",
        shown(&page)
    );
    assert!(hint_paths(&systems).is_empty());
    let page = submitted(&site, &cookie, &[key, hints, act("apply")]).await;
    assert!(shown(&page).contains("Set up: 2 steps done"), "{}", shown(&page));
    assert!(!page.body.contains(ADMIN) && !page.body.contains("wrong-key"), "a key came back");
    let secret = hint_paths(&systems).first().unwrap().rsplit('/').next().unwrap().to_owned();
    assert!(!page.body.contains(&secret), "the address is a secret");
    let log = site.page("/connections/odoo?tab=log", Some(&cookie)).await.unwrap();
    assert!(shown(&log).contains("Odoo set up") && shown(&log).contains("Anna Lind"), "{}", shown(&log));
    let page = submitted(&site, &cookie, &[key, act("remove")]).await;
    assert!(shown(&page).contains("Removed:") && shown(&page).contains("stay, with the values"), "{}", shown(&page));
    assert!(hint_paths(&systems).is_empty());
    let other = site.page("/connections/desk?tab=setup", Some(&cookie)).await.unwrap();
    assert!(!shown(&other).contains("Set up Odoo"), "a desk has none: {}", shown(&other));
    site.stop().await;
}
