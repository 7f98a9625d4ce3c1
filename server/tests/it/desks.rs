//! Cases at every desk, whole: exceptions in, tickets out, what agents do back in; against each simulated desk, with time advanced.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use crate::world::World;
use application::{
    caller::Caller,
    cases::{self, CaseError, reports, reports::Taken},
    clock::Clock,
    connections::{self, NewConnection},
    destinations,
    error::UseCaseError,
};
use domain::ids::ShipmentId;
use http::{HeaderMap, HeaderName};
use outbound::Discard;
use secrecy::ExposeSecret;
use server::config::Settings;
use simulator::{
    desk::control::{Act, Control, On, Seen},
    faults::Fault,
};
use std::collections::BTreeMap;
use storage::work::{CaseRecord, CaseStatus};

macro_rules! every_desk {
    ($($name:ident: $start:path;)*) => { $(
        mod $name {
            #[tokio::test]
            async fn twelve_workers_and_lost_answers_make_one_case() {
                super::one_case(Box::new($start().await.unwrap())).await;
            }

            #[tokio::test]
            async fn a_case_lives_with_its_exception_and_its_agents() {
                super::whole_life(Box::new($start().await.unwrap())).await;
            }

            #[tokio::test]
            async fn tokens_that_end_and_limits_delay_and_lose_nothing() {
                super::delays(Box::new($start().await.unwrap())).await;
            }
        }
    )* };
}

every_desk! {
    freshdesk: simulator::desk::freshdesk::Freshdesk::start;
    gorgias: simulator::desk::gorgias::Gorgias::start;
    intercom: simulator::desk::intercom::Intercom::start;
    jira: simulator::desk::jira::Jira::start;
    odoo_enterprise: simulator::desk::odoo::Helpdesk::enterprise;
    odoo_oca: simulator::desk::odoo::Helpdesk::oca;
    request_tracker: super::request_tracker;
    salesforce: simulator::desk::salesforce::Salesforce::start;
    servicenow: simulator::desk::servicenow::ServiceNow::start;
    zammad: simulator::desk::zammad::Zammad::start;
    zendesk: simulator::desk::zendesk::Zendesk::start;
}

const DESK: &str = "helpdesk";
const DAMAGED: [(&str, &str); 2] = [("InTransit_003", "2026-03-05T01:00:00"), ("Exception_012", "2026-03-05T08:00:00")];
const DELIVERED: (&str, &str) = ("Delivered_001", "2026-03-05T11:00:00");
const CUSTOMS: [(&str, &str); 2] = [("InTransit_003", "2026-03-05T01:00:00"), ("Exception_004", "2026-03-05T08:00:00")];

/// A world whose only desk is this one.
async fn world(control: &dyn Control) -> World {
    let world = World::with(Settings::default().resolve().unwrap()).await;
    let access = control.access();
    let mut fields: BTreeMap<String, String> =
        access.options.iter().map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned())).collect();
    fields.extend([("url".to_owned(), access.url), ("queue".to_owned(), access.queue)]);
    let new = NewConnection {
        name: DESK.into(),
        connector: access.connector.into(),
        fields,
        secret: Some(access.secret.into()),
        enabled: Some(true),
        ..NewConnection::default()
    };
    connections::put(&world.context, &Caller::trusted(world.context.scope()), new).await.unwrap();
    connections::refresh(&world.context).await.unwrap();
    world
}

/// Half a minute passes, and the desk is looked at.
async fn polls(world: &World) {
    world.clock.advance(jiff::Span::new().seconds(31));
    world.tick().await;
    world.settle().await;
}

async fn case(world: &World, shipment: ShipmentId) -> CaseRecord {
    world.load(shipment).await.cases.pop().unwrap()
}

fn only(control: &dyn Control) -> Seen {
    let mut seen = control.seen();
    assert_eq!(seen.len(), 1, "{seen:?}");
    seen.remove(0)
}

/// The actions of the timeline that are about the ticket.
async fn lines(world: &World, shipment: ShipmentId) -> Vec<String> {
    let lines = world.context.store.people.audit_of(world.context.scope(), shipment).await.unwrap();
    let actions = lines.into_iter().map(|(line, _)| line.entry.action);
    actions.filter(|action| action.starts_with("case.")).collect()
}

/// Whatever happens to the answers, and however many do it at once: one case.
async fn one_case(control: Box<dyn Control>) {
    let control = &*control;
    let world = world(control).await;
    world.leaves_jobs();
    let caller = Caller::trusted(world.context.scope());
    destinations::pause(&world.context, &caller, DESK, "the test does its work").await.unwrap();
    for (n, fault) in
        [None, Some(Fault::ResetAfterApply), Some(Fault::ErrorAfterApply), Some(Fault::Reset)].into_iter().enumerate()
    {
        let number = format!("N{n}");
        let shipment = world.order(i64::try_from(n).unwrap() + 1, &[&number]).await;
        world.receives(&number, &DAMAGED).await;
        let exception = world.load(shipment).await.exceptions[0].id;
        control.lag(true);
        if let Some(fault) = &fault {
            control.fail(On::Create, fault, 1);
        }
        let correlation = world.context.correlation();
        let work = || cases::sync_case(&world.context, world.context.scope(), exception, DESK, correlation, &Discard);
        for done in futures::future::join_all((0..12).map(|_| work())).await {
            let is_late =
                |error: &CaseError| matches!(error, CaseError::Ours(UseCaseError::Conflict(_)) | CaseError::Call(_));
            assert!(done.as_ref().err().is_none_or(is_late), "{done:?}");
        }
        // the next try waits until the desk must show it
        for minutes in [1, 1, 5, 10, 30] {
            world.clock.advance(jiff::Span::new().minutes(minutes));
            if minutes == 10 {
                control.lag(false);
            }
            let _ = work().await;
        }
        work().await.unwrap();
        assert_eq!(control.seen().len(), n + 1, "{fault:?}: {:?}", control.seen());
        let case = case(&world, shipment).await;
        assert_eq!((case.status, case.number.is_some()), (CaseStatus::Open, true), "{fault:?}");
        assert_eq!(case.ticket.tried_at, None);
    }
}

async fn whole_life(control: Box<dyn Control>) {
    let control = &*control;
    let world = world(control).await;
    let shipment = world.order(1, &["N1"]).await;
    world.receives("N1", &CUSTOMS).await;
    world.passes(25).await;
    let ticket = only(control);
    assert!(ticket.open && ticket.public == 0);
    let context = ticket.context.unwrap();
    assert!(context.contains("N1") && context.contains("Status: "), "{context}");

    // agents write and take it over
    for act in [Act::Reply, Act::Note, Act::Assign("ada")] {
        control.act(&ticket.number, &act);
    }
    polls(&world).await;
    let of = case(&world, shipment).await.ticket;
    assert_eq!((of.replies, of.notes, of.assignee.is_some()), (1, 1, true), "{of:?}");
    let lines_of = lines(&world, shipment).await;
    assert!(
        ["case.replied", "case.noted", "case.assigned"].iter().all(|one| lines_of.iter().any(|line| line == one)),
        "{lines_of:?}"
    );
    for _ in 0..3 {
        polls(&world).await;
    }
    assert_eq!(lines(&world, shipment).await.len(), lines_of.len(), "each once, and our own writes are none");

    // it is over: the context says so, the ticket is resolved
    let mut list = CUSTOMS.to_vec();
    list.push(("InTransit_005", "2026-03-06T20:00:00"));
    world.receives("N1", &list).await;
    let ticket = only(control);
    assert!(!ticket.open, "settled by rule");
    polls(&world).await;
    assert_eq!(lines(&world, shipment).await.len(), lines_of.len(), "what Milepost does is not an agent's");

    // a report of an agent's change, which is looked at once
    control.act(&ticket.number, &Act::Reopen);
    let secret = reports::reporting(&world.context, &Caller::trusted(world.context.scope()), DESK).await.unwrap();
    let secret = secret.secret;
    let report = control.report(&ticket.number, secret.expose_secret(), world.clock.now().as_second());
    let headers: HeaderMap = report
        .headers
        .iter()
        .map(|(name, value)| (name.parse::<HeaderName>().unwrap(), value.parse().unwrap()))
        .collect();
    let take = async || reports::take(&world.context, DESK, &headers, &report.body).await;
    assert_eq!(take().await.unwrap(), Taken::Looks(1));
    world.settle().await;
    assert_eq!(case(&world, shipment).await.status, CaseStatus::Open, "without a poll");
    // reports of these have no names
    let unnamed = ["freshdesk", "gorgias", "odoo_helpdesk"].contains(&control.access().connector);
    let again = take().await.unwrap();
    assert!(again == Taken::Again || unnamed, "{again:?}");
    assert!(reports::take(&world.context, DESK, &HeaderMap::new(), &report.body).await.is_err());
    world.settle().await;
}

async fn delays(control: Box<dyn Control>) {
    let control = &*control;
    let world = world(control).await;
    let shipment = world.order(1, &["N1"]).await;
    control.fail(On::Create, &Fault::RateLimited(60), 1);
    world.receives("N1", &DAMAGED).await;
    world.passes(1).await;
    assert!(only(control).open);
    control.expire_tokens();
    control.fail(On::Change, &Fault::RateLimited(60), 1);
    world.receives("N1", &[DAMAGED[0], DAMAGED[1], DELIVERED]).await;
    world.passes(1).await;
    let ticket = only(control);
    let delivered = ticket.notes.iter().filter(|note| note.contains(": Delivered.")).count();
    assert_eq!((delivered, ticket.public), (1, 0), "{ticket:?}");
    assert!(ticket.context.unwrap().contains("Delivered"));
    assert_eq!(case(&world, shipment).await.status, CaseStatus::Open, "damage is for a person to close");
    // deleted: left alone, with a line on the timeline
    control.act(&ticket.number, &Act::Delete);
    polls(&world).await;
    let status = case(&world, shipment).await.status;
    assert!(matches!(status, CaseStatus::Deleted | CaseStatus::Hidden), "{status:?}");
    assert_eq!(control.seen().len(), 1);
}

async fn request_tracker() -> std::io::Result<simulator::desk::SandboxDesk> {
    simulator::desk::SandboxDesk::start("token-of-the-tests").await
}

/// What the server answers.
async fn asked(world: &World, request: http::Request<axum::body::Body>) -> (http::StatusCode, HeaderMap, String) {
    use tower::ServiceExt as _;
    let metrics = metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder().handle();
    let router = server::http::router(world.front(), metrics, tokio_util::sync::CancellationToken::new());
    let answer = router.oneshot(request).await.unwrap();
    let (status, headers) = (answer.status(), answer.headers().clone());
    let body = axum::body::to_bytes(answer.into_body(), 1_000_000).await.unwrap();
    (status, headers, String::from_utf8_lossy(&body).into_owned())
}

#[tokio::test]
async fn the_page_beside_a_ticket_is_for_the_desk_that_has_a_link() {
    use http::{Request, StatusCode};
    let control = simulator::desk::zammad::Zammad::start().await.unwrap();
    let world = world(&control).await;
    world.order(1, &["N1"]).await;
    world.receives("N1", &DAMAGED).await;
    let number = only(&control).number;
    let secret =
        reports::reporting(&world.context, &Caller::trusted(world.context.scope()), DESK).await.unwrap().secret;
    let ask = async |secret: &str, ticket: &str| {
        let body = serde_json::json!({"ticket": ticket}).to_string();
        let request = Request::post(format!("/embed/desk/{DESK}")).header("content-type", "application/json");
        asked(&world, request.header("x-milepost-secret", secret).body(body.into()).unwrap()).await
    };
    for (secret, ticket, status) in [
        ("", number.as_str(), StatusCode::NOT_FOUND),
        ("wrong", &number, StatusCode::NOT_FOUND),
        (secret.expose_secret(), "../1", StatusCode::BAD_REQUEST),
        (secret.expose_secret(), "", StatusCode::BAD_REQUEST),
    ] {
        assert_eq!(ask(secret, ticket).await.0, status, "{ticket}");
    }
    let (status, _, body) = ask(secret.expose_secret(), &number).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    let link: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!(link["expires_in"], 300);
    let url: http::Uri = link["url"].as_str().unwrap().parse().unwrap();
    let path = url.path_and_query().unwrap().as_str().to_owned();
    let open = async |path: &str| asked(&world, Request::get(path).body(axum::body::Body::empty()).unwrap()).await;
    let (status, headers, page) = open(&path).await;
    assert_eq!(status, StatusCode::OK);
    assert!(page.contains("N1") && page.contains("<dt>Status</dt>") && !page.contains("<script"), "{page}");
    let policy = headers["content-security-policy"].to_str().unwrap();
    assert!(policy.ends_with(&format!("frame-ancestors {}", control.access().url)), "{policy}");
    assert!(!headers.contains_key("x-frame-options") && headers["cache-control"] == "no-store");
    // another ticket, another end, or later: nothing
    for wrong in [path.replace(&format!("/{number}?"), "/999?"), path.replace("until=1", "until=2"), format!("{path}0")]
    {
        assert_eq!(open(&wrong).await.0, StatusCode::NOT_FOUND, "{wrong}");
    }
    world.clock.advance(jiff::Span::new().minutes(6));
    assert_eq!(open(&path).await.0, StatusCode::NOT_FOUND, "it has ended");
    // elsewhere frames stay forbidden
    assert_eq!(open("/healthz").await.1["x-frame-options"], "DENY");
}

#[tokio::test]
async fn a_report_is_answered_at_once_and_says_what_is_wrong() {
    use http::{Request, StatusCode};
    let control = simulator::desk::zammad::Zammad::start().await.unwrap();
    let world = world(&control).await;
    world.order(1, &["N1"]).await;
    world.receives("N1", &DAMAGED).await;
    let number = only(&control).number;
    let secret =
        reports::reporting(&world.context, &Caller::trusted(world.context.scope()), DESK).await.unwrap().secret;
    let report = control.report(&number, secret.expose_secret(), 0);
    let post = async |path: &str, signed: bool, body: Vec<u8>| {
        let mut request = Request::post(path);
        for (name, value) in report.headers.iter().filter(|_| signed) {
            request = request.header(*name, value);
        }
        asked(&world, request.body(body.into()).unwrap()).await.0
    };
    let path = format!("/hooks/desk/{DESK}");
    for (path, signed, body, status) in [
        (path.as_str(), true, report.body.clone(), StatusCode::ACCEPTED),
        (&path, true, report.body.clone(), StatusCode::ACCEPTED),
        (&path, false, report.body.clone(), StatusCode::UNAUTHORIZED),
        (&path, true, b"{}".to_vec(), StatusCode::UNAUTHORIZED),
        (&path, true, vec![b'x'; 2_000_000], StatusCode::BAD_REQUEST),
        ("/hooks/desk/nowhere", true, report.body.clone(), StatusCode::NOT_FOUND),
        ("/hooks/desk/nowhere-else", true, vec![b'x'; 2_000_000], StatusCode::NOT_FOUND),
    ] {
        assert_eq!(post(path, signed, body).await, status, "{path} {signed}");
    }
    world.settle().await;
}

#[tokio::test]
async fn a_secret_that_was_renewed_counts_for_a_week_and_then_no_longer() {
    let control = simulator::desk::zammad::Zammad::start().await.unwrap();
    let world = world(&control).await;
    let (context, caller) = (&world.context, Caller::trusted(world.context.scope()));
    let secret = async || reports::reporting(context, &caller, DESK).await.unwrap().secret.expose_secret().to_owned();
    let take = async |secret: &str| {
        let report = control.report("1", secret, 0);
        let headers: HeaderMap = report
            .headers
            .iter()
            .map(|(name, value)| (name.parse::<HeaderName>().unwrap(), value.parse().unwrap()))
            .collect();
        reports::take(context, DESK, &headers, &report.body).await.is_ok()
    };
    let first = secret().await;
    reports::renew_secret(context, &caller, DESK).await.unwrap();
    let second = secret().await;
    assert_ne!(first, second);
    assert!(take(&first).await && take(&second).await && !take("neither of them").await);
    reports::renew_secret(context, &caller, DESK).await.unwrap();
    let third = secret().await;
    assert!(!take(&first).await && take(&second).await && take(&third).await);
    world.clock.advance(jiff::Span::new().hours(7 * 24));
    assert!(!take(&second).await && take(&third).await);
}

#[tokio::test]
async fn a_platforms_own_secret_is_kept_sealed() {
    let control = simulator::desk::zammad::Zammad::start().await.unwrap();
    let world = world(&control).await;
    let (context, caller) = (&world.context, Caller::trusted(world.context.scope()));
    let given = "a-secret-that-the-platform-made";
    let short = reports::give_secret(context, &caller, DESK, Some("short".into())).await;
    assert!(matches!(short, Err(UseCaseError::Invalid { field: "secret", .. })));
    reports::give_secret(context, &caller, DESK, Some(given.into())).await.unwrap();
    let kept = context.store.people.setting(context.scope(), &format!("{DESK}.hook_secret")).await.unwrap().unwrap();
    assert!(!kept.contains(given));
    let take = async |secret: &str| {
        let report = control.report("1", secret, 0);
        let headers: HeaderMap = report
            .headers
            .iter()
            .map(|(name, value)| (name.parse::<HeaderName>().unwrap(), value.parse().unwrap()))
            .collect();
        reports::take(context, DESK, &headers, &report.body).await
    };
    assert_eq!(take(given).await.unwrap(), Taken::Nothing);
    let own = reports::reporting(context, &caller, DESK).await.unwrap();
    assert!(own.is_given && take(own.secret.expose_secret()).await.is_err());
    reports::give_secret(context, &caller, DESK, None).await.unwrap();
    assert!(take(given).await.is_err());
    assert_eq!(take(own.secret.expose_secret()).await.unwrap(), Taken::Nothing);
}
