//! Every page, by many at once, while events come in: each request is answered, and whole.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use crate::world::site::{Records, Site};
use futures::future::join_all;
use http::{HeaderValue, StatusCode};
use http_body_util::BodyExt;
use std::{
    collections::BTreeSet,
    panic,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

const AT_ONCE: usize = 16;
const ROUNDS: usize = 8;
/// Rounds of what a route shows to another question.
const ROUNDS_OF_A_QUESTION: usize = 2;
/// Events that come in during each round.
const EVENTS: usize = 2;
const READERS: usize = 4;

/// What is asked for, and in how many rounds: every route, with a record where it shows one, and the questions that show
/// something else.
fn addresses(records: &Records) -> Vec<(String, usize)> {
    let Records { shipment, event, job, message, exception, report } = records;
    let addresses: Vec<String> = app::ssr::pages()
        .iter()
        .map(|page| match page.as_str() {
            "/shipments/{id}" => format!("/shipments/{shipment}"),
            "/exceptions/{id}" => format!("/exceptions/{exception}"),
            "/sync/jobs/{id}" => format!("/sync/jobs/{job}"),
            "/sync/messages/{id}" => format!("/sync/messages/{message}"),
            "/connections/{id}" => "/connections/aftership".to_owned(),
            "/claims/{id}" => "/claims/CL-0001".to_owned(),
            "/rules/{id}" => "/rules/cases".to_owned(),
            "/carriers/{id}" => "/carriers/dhl".to_owned(),
            "/figures/{id}" => "/figures/on_time".to_owned(),
            "/reports/{id}" => format!("/reports/{report}"),
            path => {
                assert!(!path.contains(['{', '*']), "{path} shows a record: say here which");
                path.to_owned()
            }
        })
        .collect();
    assert!(addresses.len() > 10, "the routes are known: {addresses:?}");
    let questions = [
        format!("/shipments/{shipment}?event={event}"),
        "/shipments/00000000-0000-0000-0000-000000000000".into(),
        "/shipments?tab=all&q=N4&find=1".into(),
        "/exceptions?view=closed".into(),
        "/sync?view=messages".into(),
        "/sync?view=done".into(),
        "/connections/new?connector=odoo".into(),
        "/connections/new?connection=aftership".into(),
        "/connections/aftership?tab=settings".into(),
        "/mappings/unmapped?list=aftership&code=Unheard_of#means".into(),
        "/playbooks?tab=teams&team=%2B".into(),
        "/playbooks?tab=calendar&country=DE".into(),
        "/playbooks?reason=LATE".into(),
        "/rules?view=history".into(),
        "/rules/cases?compare=0".into(),
        "/rules/cases?typed=true".into(),
        "/carriers?sort=volume&period=month".into(),
        "/carriers/dhl?by=country&period=quarter".into(),
        "/carriers/nothing".into(),
        "/calibration?period=month&carrier=dhl".into(),
        "/analytics?show=impact".into(),
        "/analytics?show=sync&period=quarter".into(),
        "/analytics/exceptions?hours=4-16&reason=LATE".into(),
        "/reports/new?figures=on_time&carrier=dhl&period=month".into(),
        "/reports/nothing".into(),
        "/there/is/no/such/page".into(),
    ];
    let routes = addresses.into_iter().map(|route| (route, ROUNDS));
    routes.chain(questions.map(|question| (question, ROUNDS_OF_A_QUESTION))).collect()
}

/// What a sign-in may lead back to is what the router has, but for the pages without a session.
#[test]
fn the_sign_in_knows_every_page() {
    let mut routes = app::ssr::pages();
    routes.retain(|path| !["/sign-in", "/set-up"].contains(&path.as_str()));
    let mut known = app::contract::session::PAGES.to_vec();
    known.sort_unstable();
    routes.sort_unstable();
    assert_eq!(known, routes);
}

/// Panics of this process, wherever they are caught.
fn panics() -> Arc<AtomicUsize> {
    let count = Arc::new(AtomicUsize::new(0));
    let (counted, print) = (Arc::clone(&count), panic::take_hook());
    panic::set_hook(Box::new(move |info| {
        counted.fetch_add(1, Ordering::Relaxed);
        print(info);
    }));
    count
}

fn is_sign_in(location: &HeaderValue) -> bool {
    location.to_str().unwrap().split('?').next() == Some("/sign-in")
}

async fn every_page_is_answered(signed_in: bool) {
    let site = Site::start().await;
    let records = site.records().await;
    let addresses = addresses(&records);
    let panics = panics();
    let cookie = if signed_in { Some(site.sign_in().await) } else { None };
    let mut readers = Vec::new();
    if let Some(cookie) = &cookie {
        for _ in 0..READERS {
            let mut body = site.live(cookie).await.into_body();
            readers.push(tokio::spawn(async move {
                let mut changes = 0_usize;
                while let Some(Ok(_)) = body.frame().await {
                    changes += 1;
                }
                changes
            }));
        }
    }
    let mut wrong = Vec::new();
    for (address, rounds) in &addresses {
        for round in 0..*rounds {
            let asked = join_all((0..AT_ONCE).map(|_| site.page(address, cookie.as_deref())));
            let numbers = (0..EVENTS).map(|n| format!("N{}", 1 + (EVENTS * round + n) % 20)).collect::<Vec<_>>();
            let events = join_all(numbers.iter().map(|number| site.event(number, "InTransit_003")));
            let (answers, _) = futures::join!(asked, events);
            wrong.extend(answers.into_iter().filter_map(|answer| {
                let why = match answer {
                    Err(why) => why,
                    Ok(answer) if answer.status.is_server_error() => answer.status.to_string(),
                    Ok(answer) if !answer.body.trim_end().ends_with("</html>") => format!("not whole: {}", answer.body),
                    Ok(answer) if signed_in && answer.headers.get("location").is_some_and(is_sign_in) => {
                        "signed out".to_owned()
                    }
                    Ok(_) => return None,
                };
                Some(format!("{address}: {why}"))
            }));
        }
    }
    let asked = addresses.iter().map(|(_, rounds)| rounds * AT_ONCE).sum::<usize>();
    site.stop().await;
    for reader in readers {
        assert!(reader.await.unwrap() > 0, "live readers heard of the events");
    }
    assert!(wrong.is_empty(), "{} of {asked} requests: {:#?}", wrong.len(), wrong.iter().take(20).collect::<Vec<_>>());
    assert_eq!(panics.load(Ordering::Relaxed), 0, "panics, although every request was answered");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_page_is_answered_to_whoever_is_signed_in() {
    every_page_is_answered(true).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_page_is_answered_to_whoever_is_not_signed_in() {
    every_page_is_answered(false).await;
}

/// The filters by status that a page of the list links to.
fn statuses(hrefs: &[String]) -> BTreeSet<&str> {
    let states = hrefs.iter().filter_map(|href| href.split("state=").nth(1)?.split('&').next());
    states.collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_view_is_filtered_by_a_status_that_it_cannot_have() {
    let site = Site::start().await;
    let cookie = site.sign_in().await;
    let hrefs = async |path: &str| -> Vec<String> {
        let page = site.page(path, Some(&cookie)).await.unwrap();
        page.body
            .split("href=\"")
            .skip(1)
            .map(|rest| rest.split('"').next().unwrap().replace("&amp;", "&").replace("%5F", "_"))
            .collect()
    };
    let (open, delivered) = (hrefs("/shipments?tab=open").await, hrefs("/shipments?tab=delivered").await);
    let (open, delivered) = (statuses(&open), statuses(&delivered));
    assert!(open.contains("IN_TRANSIT") && open.contains("PARTIALLY_DELIVERED"), "{open:?}");
    assert!(!["DELIVERED", "RETURNED", "CANCELLED", "FAILED"].iter().any(|state| open.contains(state)), "{open:?}");
    assert!(delivered.is_empty(), "{delivered:?}");
    // a filter goes along to the views that it filters, and to no other
    let links = hrefs("/shipments?tab=all&state=DELIVERED").await;
    let to = |tab: &str| {
        let link = links.iter().find(|href| href.contains(&format!("tab={tab}")) && !href.contains("cursor="));
        link.unwrap_or_else(|| panic!("{tab}: {links:?}")).contains("state=DELIVERED")
    };
    assert_eq!(
        ["exceptions", "unclaimed", "open", "late", "silent", "delivered"].map(to),
        [true, true, false, false, false, false]
    );
    site.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_does_not_exist_is_named_with_the_way_back() {
    let site = Site::start().await;
    let cookie = site.sign_in().await;
    let no_id = "00000000-0000-0000-0000-000000000000";
    for (path, text, back) in [
        (format!("/shipments/{no_id}"), "This shipment does not exist.", "/shipments"),
        ("/shipments/abc".to_owned(), "This shipment does not exist.", "/shipments"),
        ("/rules/nothing".to_owned(), "This rule does not exist.", "/rules"),
        (format!("/sync/jobs/{no_id}"), "This job does not exist.", "/sync"),
        (format!("/sync/messages/{no_id}"), "This message does not exist.", "/sync?view=messages"),
    ] {
        let page = site.page(&path, Some(&cookie)).await.unwrap();
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{path}");
        let note = page.body.split("role=\"alert\"").nth(1).unwrap_or_else(|| panic!("{path}: {}", page.body));
        assert!(note.contains(text) && note.contains(&format!("href=\"{back}\"")), "{path}: {note}");
    }
    site.stop().await;
}
