//! The pages of connections without a browser's half: plain forms, what was typed, what is wrong beside its field.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use crate::world::site::{Reply, Site};
use application::{
    caller::Caller,
    connections::{self, Overview, StateKind},
    destinations::breaker,
    people::{self, NewUser},
};
use domain::access::Role;
use http::{StatusCode, header};
use outbound::Discard;
use simulator::{
    desk::SandboxDesk,
    odoo::{DATABASE, SandboxOdoo},
};
use std::sync::Arc;
use storage::{Actor, connections::ConnectionRecord, jobs::JobKind};

const KEY: &str = "the key of a second system";

fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

/// A form's body.
fn form(pairs: &[(&str, &str)]) -> String {
    let pairs: Vec<_> = pairs.iter().map(|(name, value)| format!("{}={}", encoded(name), encoded(value))).collect();
    pairs.join("&")
}

fn odoo<'a>(url: &'a str, secret: &'a str, more: &[(&'a str, &'a str)]) -> String {
    let mut pairs = vec![
        ("connection[connector]", "odoo"),
        ("connection[name]", "odoo-benelux"),
        ("connection[label]", "Odoo Benelux"),
        ("connection[version]", "0"),
        ("connection[fields][url]", url),
        ("connection[fields][database]", DATABASE),
        ("connection[secret]", secret),
        ("connection[then]", "test"),
    ];
    for (name, value) in more {
        pairs.retain(|(known, _)| known != name);
        pairs.push((name, value));
    }
    form(&pairs)
}

/// The page to which a form led, and its address.
async fn landed(site: &Site, answer: &Reply, cookie: &str) -> (String, Reply) {
    assert_eq!(answer.status, StatusCode::FOUND, "{answer:?}");
    let to = answer.headers.get(header::LOCATION).unwrap().to_str().unwrap().to_owned();
    let to = to.strip_prefix(&format!("http://{}", site.address)).unwrap_or(&to).to_owned();
    let page = site.page(&to, Some(cookie)).await.unwrap();
    (to, page)
}

/// What is shown, without what the browser's half is given.
fn shown(page: &Reply) -> &str {
    page.body.split("<script").next().unwrap_or_default()
}

async fn put(site: &Site, from: &str, body: &str, cookie: &str) -> (String, Reply) {
    let answer = site.submit(from, "connections/put", body, cookie).await;
    landed(site, &answer, cookie).await
}

async fn found(site: &Site, name: &str) -> Overview {
    let context = &site.world.context;
    connections::one(context, &Caller::trusted(context.scope()), name).await.unwrap().overview
}

async fn second_odoo() -> SandboxOdoo {
    SandboxOdoo::start(KEY, Arc::new(|| "2026-03-05T12:00:00Z".parse().unwrap())).await.unwrap()
}

const GUIDE: &str = "/connections/new?connector=odoo";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_odoo_is_added_by_a_plain_form_and_each_fault_is_clear() {
    let (site, second) = (Site::start().await, second_odoo().await);
    let cookie = site.sign_in().await;
    let guide = site.page(GUIDE, Some(&cookie)).await.unwrap();
    assert!(guide.status == StatusCode::OK && shown(&guide).contains("Settings for Odoo"), "{}", shown(&guide));
    // the other connectors are out of the way
    assert!(!shown(&guide).contains("data-testid=\"pick\"") && shown(&guide).contains("Choose another"));
    let picker = site.page("/connections/new", Some(&cookie)).await.unwrap();
    for words in ["data-testid=\"pick\"", "Carrier or platform", "Webhook, signed"] {
        assert!(shown(&picker).contains(words), "{words}: {}", shown(&picker));
    }
    assert!(!shown(&picker).contains("HMAC"), "{}", shown(&picker));
    // what is wrong stands beside its field, what was typed stays, the secret does not
    for (url, secret, says) in [
        ("http://odoo.example.com", "hunter-two-2", "would send keys"),
        ("odoo", "hunter-two-2", "URL must"),
        ("", "hunter-two-2", "URL is missing"),
        (second.url().as_str(), "", "API key is missing"),
    ] {
        let (at, page) = put(&site, GUIDE, &odoo(url, secret, &[]), &cookie).await;
        assert!(at.starts_with(GUIDE), "{at}");
        let text = shown(&page);
        assert!(text.contains(says), "{url}: {text}");
        assert!(text.contains("value=\"Odoo Benelux\"") && text.contains("aria-invalid=\"true\""), "{url}: {text}");
        assert!(!page.body.contains("hunter-two-2") && !at.contains("hunter"), "{url}: a secret came back");
        assert!(url.is_empty() || text.contains(&format!("value=\"{url}\"")), "{url}: {text}");
    }
    assert!(!site.page(GUIDE, Some(&cookie)).await.unwrap().body.contains("Odoo Benelux"), "a fresh form is empty");
    // saved, tested, not in use
    let (at, page) = put(&site, GUIDE, &odoo(&second.url(), KEY, &[]), &cookie).await;
    assert_eq!(at, "/connections/new?connection=odoo-benelux");
    assert!(shown(&page).contains("Missing in Odoo"), "{}", shown(&page));
    assert!(shown(&page).contains("Turn on anyway"), "a person may know better: {}", shown(&page));
    let saved = found(&site, "odoo-benelux").await;
    assert_eq!((saved.state.is, saved.record.label.as_str()), (StateKind::Disabled, "Odoo Benelux"));
    // the form of what is there changes what is there
    let version = saved.record.version.to_string();
    let change = |url: &str, secret: &str, version: &str| odoo(url, secret, &[("connection[version]", version)]);
    let (_, page) = put(&site, &at, &change(&second.url(), "a wrong key", &version), &cookie).await;
    assert!(shown(&page).contains("API key not accepted"), "{}", shown(&page));
    let version = found(&site, "odoo-benelux").await.record.version.to_string();
    let (_, page) = put(&site, &at, &change("http://127.0.0.1:1", KEY, &version), &cookie).await;
    assert!(shown(&page).contains("Cannot reach http://127.0.0.1:1"), "{}", shown(&page));
    // somebody who loaded the page earlier does not overwrite it
    let (_, page) = put(&site, &at, &change(&second.url(), KEY, &version), &cookie).await;
    assert!(shown(&page).contains("Somebody else changed this"), "{}", shown(&page));
    let version = found(&site, "odoo-benelux").await.record.version.to_string();
    put(&site, &at, &change(&second.url(), KEY, &version), &cookie).await;
    let answer = site.submit(&at, "connections/switch", "name=odoo-benelux&on=true", &cookie).await;
    let (at, page) = landed(&site, &answer, &cookie).await;
    assert_eq!(at, "/connections/odoo-benelux");
    assert!(page.status == StatusCode::OK && shown(&page).contains("Odoo Benelux"), "{}", shown(&page));
    let settings = site.page("/connections/odoo-benelux?tab=settings", Some(&cookie)).await.unwrap();
    assert!(shown(&settings).contains("name=\"connection[moved]\""), "a system may move: {}", shown(&settings));
    site.world.context.odoo("odoo-benelux").unwrap().setup(&Discard).await.unwrap();
    let answer = site.submit(&at, "connections/test", "name=odoo-benelux", &cookie).await;
    let (_, page) = landed(&site, &answer, &cookie).await;
    assert!(shown(&page).contains("complete") && !shown(&page).contains("data-result=\"failed\""), "{}", shown(&page));
    assert!(!page.body.contains(KEY), "no page has a secret");
    site.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_that_is_taken_is_refused_and_nothing_is_overwritten() {
    let site = Site::start().await;
    let cookie = site.sign_in().await;
    // what a person set; messages come in meanwhile
    let set = |record: ConnectionRecord| {
        let ConnectionRecord { label, connector, settings, secrets, enabled, version, .. } = record;
        (label, connector, settings, secrets, enabled, version)
    };
    let before = set(found(&site, "aftership").await.record);
    let body = odoo("http://127.0.0.1:1", KEY, &[("connection[name]", "aftership")]);
    let (_, page) = put(&site, GUIDE, &body, &cookie).await;
    assert!(shown(&page).contains("There is a connection aftership already"), "{}", shown(&page));
    assert_eq!(set(found(&site, "aftership").await.record), before);
    let body = odoo("http://127.0.0.1:1", KEY, &[("connection[name]", "new")]);
    let (_, page) = put(&site, GUIDE, &body, &cookie).await;
    assert!(shown(&page).contains("The name new is taken"), "{}", shown(&page));
    site.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_person_typed_is_not_shown_to_another() {
    let site = Site::start().await;
    let anna = site.sign_in().await;
    let context = &site.world.context;
    let other = NewUser {
        login: "other@example.test".into(),
        name: "Other Admin".into(),
        password: "a password of the tests".into(),
        roles: vec![Role::Admin],
    };
    people::add(context, &Caller::trusted(context.scope()), other).await.unwrap();
    let other = site.cookie_of("other@example.test").await;
    let (at, page) = put(&site, GUIDE, &odoo("odoo", KEY, &[("connection[owner]", "Anna's own words")]), &anna).await;
    assert!(
        shown(&page).contains("Anna&#39;s own words") || shown(&page).contains("Anna's own words"),
        "{}",
        shown(&page)
    );
    let theirs = site.page(&at, Some(&other)).await.unwrap();
    assert!(!theirs.body.contains("own words"), "{}", shown(&theirs));
    let again = site.page(&at, Some(&anna)).await.unwrap();
    assert!(!again.body.contains("own words"), "it is shown once, and kept no longer: {}", shown(&again));
    site.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_desk_is_added_routed_paused_rotated_and_disabled_by_plain_forms() {
    let (site, desk) = (Site::start().await, SandboxDesk::start(KEY).await.unwrap());
    let cookie = site.sign_in().await;
    let guide = "/connections/new?connector=request_tracker";
    let url = desk.url();
    let body = form(&[
        ("connection[connector]", "request_tracker"),
        ("connection[name]", "desk-urgent"),
        ("connection[label]", "Urgent desk"),
        ("connection[sandbox]", "true"),
        ("connection[fields][url]", &url),
        ("connection[fields][queue]", "Shipments"),
        ("connection[carriers]", "dhl, ups"),
        ("connection[severities][]", "CRITICAL"),
        ("connection[secret]", KEY),
    ]);
    // what would take more than was meant is not dropped
    let odd = body.replace(&encoded("CRITICAL"), "HIGH");
    let (_, page) = put(&site, guide, &odd, &cookie).await;
    assert!(shown(&page).contains("There is no severity"), "{}", shown(&page));
    let (at, page) = put(&site, guide, &body, &cookie).await;
    assert_eq!(at, "/connections/desk-urgent");
    for text in ["Urgent desk", "Draft", "Sandbox", "dhl, ups", "Critical", "Connection created"] {
        assert!(shown(&page).contains(text), "{text}: {}", shown(&page));
    }
    let secrets = format!("{at}?tab=secrets");
    let does = async |function: &str, body: &str| {
        // each form is where its tab has it
        let of_secrets = ["connections/rotate", "connections/retire"].contains(&function);
        let from = if of_secrets { &secrets } else { &at };
        let answer = site.submit(from, function, body, &cookie).await;
        landed(&site, &answer, &cookie).await.1
    };
    let page = does("connections/switch", "name=desk-urgent&on=true").await;
    assert!(shown(&page).contains("No traffic yet") && shown(&page).contains("Turned on"), "{}", shown(&page));
    assert!(page.body.contains("<title>Urgent desk · Milepost</title>"), "{}", page.body);
    let page = does("connections/pause", "name=desk-urgent&why=").await;
    assert!(shown(&page).contains("Say why"), "{}", shown(&page));
    let page = does("connections/pause", "name=desk-urgent&why=an+upgrade+of+the+desk").await;
    assert!(shown(&page).contains("Anna Lind: an upgrade of the desk"), "{}", shown(&page));
    assert!(!shown(&page).contains("0 jobs"), "{}", shown(&page));
    let list = site.page("/connections?health=paused", Some(&cookie)).await.unwrap();
    assert_eq!(shown(&list).matches("data-testid=\"connection-row\"").count(), 1, "{}", shown(&list));
    let page = does("connections/resume", "name=desk-urgent").await;
    assert!(shown(&page).contains("No traffic yet"), "{}", shown(&page));
    let page = does("connections/rotate", "name=desk-urgent&secret=").await;
    assert!(shown(&page).contains("This secret cannot be used"), "{}", shown(&page));
    let page = does("connections/rotate", "name=desk-urgent&secret=a+key+to+come").await;
    assert!(shown(&page).contains("Token not accepted"), "{}", shown(&page));
    assert_eq!(found(&site, "desk-urgent").await.secrets, 2);
    let page = does("connections/retire", "name=desk-urgent").await;
    assert!(shown(&page).contains("The old secret stays"), "the one that works is not thrown away: {}", shown(&page));
    does("connections/rotate", &form(&[("name", "desk-urgent"), ("secret", KEY)])).await;
    does("connections/retire", "name=desk-urgent").await;
    assert_eq!(found(&site, "desk-urgent").await.secrets, 1);
    let page = does("connections/switch", "name=desk-urgent&on=false&why=replaced").await;
    assert!(shown(&page).contains("by Anna Lind: replaced. Its jobs wait."), "who and why: {}", shown(&page));
    assert!(!shown(&page).contains("Draft"), "it was in use: {}", shown(&page));
    assert_eq!(found(&site, "desk-urgent").await.state.is, StateKind::Disabled);
    does("connections/switch", "name=desk-urgent&on=true").await;
    let log = site.page(&format!("{at}?tab=log"), Some(&cookie)).await.unwrap();
    assert!(shown(&log).contains("Enabled") && shown(&log).contains("Turned on"), "the log: {}", shown(&log));
    does("connections/switch", "name=desk-urgent&on=false").await;
    for tab in ["traffic", "settings", "secrets", "routing", "log"] {
        let page = site.page(&format!("/connections/desk-urgent?tab={tab}"), Some(&cookie)).await.unwrap();
        assert!(
            page.status == StatusCode::OK && !page.body.contains(KEY) && !page.body.contains("a key to come"),
            "{tab}"
        );
    }
    site.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_fails_is_counted_beside_the_navigation_and_shown_first() {
    let site = Site::start().await;
    let cookie = site.sign_in().await;
    let context = &site.world.context;
    put(&site, GUIDE, &odoo("http://127.0.0.1:1", KEY, &[]), &cookie).await;
    site.submit(GUIDE, "connections/switch", "name=odoo-benelux&on=true", &cookie).await;
    for _ in 0..breaker::FAILURES_MAX {
        let (kind, outcome) = (JobKind::IMPORT_ORDERS, breaker::Outcome::Failure);
        let failed = breaker::Called { kind, outcome, class: Some("unreachable"), wait: None };
        context.breakers.record(context.scope(), "odoo-benelux", failed).await.unwrap();
    }
    let page = site.page("/connections?view=attention", Some(&cookie)).await.unwrap();
    let text = shown(&page);
    assert!(text.contains("data-testid=\"failing\"") && text.contains("The system cannot be reached"), "{text}");
    let link = text.split("<a href=\"/connections\"").nth(1).unwrap().split('>').next().unwrap();
    assert!(link.contains("data-count=\"1\""), "{link}");
    let odd = site.page("/connections?health=odd&environment=moon&view=mine", Some(&cookie)).await.unwrap();
    assert!(!shown(&odd).contains("No connections match"), "unknown words are the default view: {}", shown(&odd));
    let none = site.page("/connections?owner=nobody", Some(&cookie)).await.unwrap();
    assert!(shown(&none).contains("No connections match these filters"), "{}", shown(&none));
    site.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_is_removed_after_it_was_disabled_and_the_question_says_what_ends() {
    let (site, second) = (Site::start().await, second_odoo().await);
    let cookie = site.sign_in().await;
    let context = &site.world.context;
    put(&site, GUIDE, &odoo(&second.url(), KEY, &[]), &cookie).await;
    let at = "/connections/odoo-benelux?tab=settings";
    let does = async |function: &str, body: &str| {
        let answer = site.submit(at, function, body, &cookie).await;
        landed(&site, &answer, &cookie).await
    };
    does("connections/switch", "name=odoo-benelux&on=true").await;
    let page = site.page(at, Some(&cookie)).await.unwrap();
    assert!(shown(&page).contains("in use: disable it first"), "{}", shown(&page));
    assert!(!shown(&page).contains("data-testid=\"remove-now\""), "{}", shown(&page));
    // a form of before, or made by hand
    let (_, page) = does("connections/remove", "name=odoo-benelux").await;
    assert!(shown(&page).contains("disable it first"), "{}", shown(&page));
    assert!(found(&site, "odoo-benelux").await.record.enabled);
    does("connections/switch", "name=odoo-benelux&on=false").await;
    let page = site.page(at, Some(&cookie)).await.unwrap();
    for text in ["What ends", "Its secret is forgotten", "Nothing is imported from it", "What stays", "audit trail"] {
        assert!(shown(&page).contains(text), "{text}: {}", shown(&page));
    }
    let (to, page) = does("connections/remove", "name=odoo-benelux&why=a+mistake").await;
    assert_eq!(to, "/connections");
    assert!(page.status == StatusCode::OK && !shown(&page).contains("odoo-benelux"), "{}", shown(&page));
    let gone = site.page(at, Some(&cookie)).await.unwrap();
    assert!(shown(&gone).contains("does not exist") && !gone.body.contains(KEY), "{}", shown(&gone));
    let trail = context.store.people.audit_trail(context.scope(), None, 5).await.unwrap();
    let line = trail.iter().find(|line| line.entry.action == "connection.remove").unwrap();
    assert!(matches!(line.actor, Actor::User(_)) && line.entry.why.is_some(), "{line:?}");
    // the name is free
    let (at, _) = put(&site, GUIDE, &odoo(&second.url(), KEY, &[]), &cookie).await;
    assert_eq!(at, "/connections/new?connection=odoo-benelux");
    assert!(!found(&site, "odoo-benelux").await.record.enabled, "it is in use once a person enables it");
    site.stop().await;
}
