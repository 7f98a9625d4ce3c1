//! Access of people: signing in, sessions and their ends, live streams, the commands for them, figures for machines.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use crate::world::{World, site::Site};
use application::caller::Caller;
use application::{
    connections::{self, inbound, sources},
    error::UseCaseError,
    people::{self, Change, NewUser},
};
use axum::{
    Router,
    body::Body,
    extract::ConnectInfo,
    http::{HeaderMap, Request, StatusCode, header},
    response::Response,
};
use domain::access::Role;
use http_body_util::BodyExt;
use jiff::Span;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use server::{config::Settings, http};
use std::{
    fs,
    io::{BufRead, BufReader, Write},
    net::SocketAddr,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Output, Stdio},
    sync::Arc,
    time::Duration,
};
use storage::{Actor, Scope};
use tokio::{task::JoinSet, time::timeout};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

const PASSWORD: &str = "a password of the tests";
const HOME: &str = "192.0.2.1";
const OUTSIDE: &str = "198.51.100.1";

/// A server without a port: each request says where it comes from.
struct App {
    world: World,
    router: Router,
}

fn figures() -> PrometheusHandle {
    PrometheusBuilder::new().build_recorder().handle()
}

impl App {
    async fn new() -> Self {
        let world = World::new().await;
        let router = http::router(world.front(), figures(), CancellationToken::new());
        let app = Self { world, router };
        app.user("anna", &[Role::Admin]).await;
        app.user("bob", &[Role::Agent]).await;
        app
    }

    async fn user(&self, login: &str, roles: &[Role]) {
        let user =
            NewUser { login: login.into(), name: login.into(), password: PASSWORD.into(), roles: roles.to_vec() };
        people::add(&self.world.context, &Caller::trusted(self.world.context.scope()), user).await.unwrap();
    }

    fn passes(&self, seconds: i64) {
        self.world.clock.advance(Span::new().seconds(seconds));
    }

    async fn sign_in(&self, from: &str, login: &str, password: &str) -> Response {
        try_sign_in(self.router.clone(), from, login, password).await
    }

    /// The cookie of one who signs in.
    async fn cookie(&self, from: &str, login: &str) -> String {
        let answer = self.sign_in(from, login, PASSWORD).await;
        let status = answer.status();
        cookie_of(&answer).unwrap_or_else(|| panic!("{login} is not let in: {status}"))
    }

    /// Whether this cookie is a valid session, and the cookie that comes back.
    async fn is_known(&self, cookie: &str) -> (bool, Option<String>) {
        let request = Request::get("/live/shipments").header(header::COOKIE, cookie);
        let answer = self.router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        assert!([StatusCode::OK, StatusCode::UNAUTHORIZED].contains(&answer.status()), "{answer:?}");
        (answer.status() == StatusCode::OK, cookie_of(&answer))
    }

    async fn lines(&self, action: &str) -> usize {
        let lines = self.world.context.store.people.audit_trail(self.world.context.scope(), None, 500).await.unwrap();
        lines.iter().filter(|line| line.entry.action == action).count()
    }
}

async fn try_sign_in(router: Router, from: &str, login: &str, password: &str) -> Response {
    let form = format!("login={login}&password={}", password.replace(' ', "+"));
    let request = Request::post("/api/sign-in")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(header::ACCEPT, "application/json")
        .extension(ConnectInfo(SocketAddr::new(from.parse().unwrap(), 4711)))
        .body(Body::from(form))
        .unwrap();
    router.oneshot(request).await.unwrap()
}

fn cookie_of(answer: &Response) -> Option<String> {
    let cookie = answer.headers().get(header::SET_COOKIE)?.to_str().unwrap();
    Some(cookie.split(';').next().unwrap().to_owned())
}

fn seconds_to_wait(answer: &Response) -> i64 {
    assert_eq!(answer.status(), StatusCode::TOO_MANY_REQUESTS);
    answer.headers()[header::RETRY_AFTER].to_str().unwrap().parse().unwrap()
}

async fn words(answer: Response) -> String {
    String::from_utf8(answer.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_parallel_tries_no_more_are_made_than_one_after_the_other() {
    for login in ["anna", "nobody"] {
        let app = App::new().await;
        let mut tries = JoinSet::new();
        for n in 0..64 {
            let (router, login) = (app.router.clone(), login.to_owned());
            tries.spawn(
                async move { try_sign_in(router, OUTSIDE, &login, &format!("wrong password {n}")).await.status() },
            );
        }
        let answers = tries.join_all().await;
        let count = |status| answers.iter().filter(|answer| **answer == status).count();
        // a slow machine puts off one that it lets through
        let let_through = count(StatusCode::UNPROCESSABLE_ENTITY) + count(StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(let_through, 5, "{answers:?}");
        assert_eq!(count(StatusCode::TOO_MANY_REQUESTS), 59, "{answers:?}");
        assert_eq!(app.lines("session.refused").await, 1, "of one login and address");
        assert!(app.sign_in(HOME, "anna", PASSWORD).await.headers().contains_key(header::SET_COOKIE));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn passwords_are_worked_on_a_few_at_a_time_and_then_not_at_once() {
    let app = App::new().await;
    let at_once = u32::try_from(people::slow_lane::HASHES_AT_ONCE).unwrap();
    assert!((2..=4).contains(&at_once));
    let all = Arc::clone(&app.world.context.hashing).acquire_many_owned(at_once).await.unwrap();
    for _ in 0..3 {
        let answer = app.sign_in(HOME, "anna", PASSWORD).await;
        assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert!(answer.headers().contains_key(header::RETRY_AFTER), "{answer:?}");
    }
    drop(all);
    app.cookie(HOME, "anna").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_is_wrong_waits_longer_and_longer_and_nobody_is_locked_out() {
    let app = App::new().await;
    for _ in 0..4 {
        assert_eq!(app.sign_in(OUTSIDE, "anna", "a wrong password").await.status(), StatusCode::UNPROCESSABLE_ENTITY);
    }
    let mut waits = Vec::new();
    for _ in 0..13 {
        assert_eq!(app.sign_in(OUTSIDE, "anna", "a wrong password").await.status(), StatusCode::UNPROCESSABLE_ENTITY);
        let refused = app.sign_in(OUTSIDE, "anna", PASSWORD).await;
        let wait = seconds_to_wait(&refused);
        assert!(words(refused).await.contains(&wait.to_string()), "and says so");
        waits.push(wait);
        app.passes(wait);
    }
    assert_eq!(app.lines("session.refused").await, 2, "at the 1st and the 10th");
    assert_eq!(waits, [2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300, 300, 300]);
    app.cookie(HOME, "anna").await;
    app.cookie(OUTSIDE, "anna").await;
    assert_eq!(app.sign_in(OUTSIDE, "anna", "a wrong password").await.status(), StatusCode::UNPROCESSABLE_ENTITY);
    app.cookie(OUTSIDE, "anna").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_an_outsider_does_concerns_nobody_else() {
    let app = App::new().await;
    // the same person has every address of an IPv6 network
    let own = ["2001:db8:1:2::1", "2001:db8:1:2:ffff::2", "2001:db8:1:2::3"];
    let mut refused = 0;
    for n in 0..12 {
        let answer = app.sign_in(own[n % 3], "anna", "a wrong password").await;
        refused += usize::from(answer.status() == StatusCode::TOO_MANY_REQUESTS);
    }
    assert_eq!(refused, 7);
    app.cookie("2001:db8:1:3::1", "anna").await;
    // behind one proxy: others, and those whom nobody knew there
    for login in ["bob", "carl", "dora"] {
        for _ in 0..7 {
            app.sign_in(HOME, login, "a wrong password").await;
        }
    }
    app.cookie(HOME, "anna").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_addresses_together_slow_a_login_where_it_is_not_known() {
    let app = App::new().await;
    app.cookie(HOME, "anna").await;
    let mut statuses = Vec::new();
    for n in 0..60 {
        statuses.push(app.sign_in(&format!("203.0.113.{n}"), "anna", "a wrong password").await.status());
    }
    let wrong = statuses.iter().filter(|status| **status == StatusCode::UNPROCESSABLE_ENTITY).count();
    assert_eq!(wrong, 50, "{statuses:?}");
    let refused = app.sign_in("203.0.113.77", "anna", PASSWORD).await;
    let wait = seconds_to_wait(&refused);
    assert!(wait <= 5, "{wait}");
    app.cookie(HOME, "anna").await;
    app.cookie("198.51.100.77", "anna").await;
    app.passes(wait);
    app.cookie("203.0.113.77", "anna").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_is_locked_out_by_somebody_with_many_addresses_who_goes_on_trying() {
    let one_network: fn(usize) -> String = |n| format!("2001:db8:1:{n:x}::1");
    let many_networks: fn(usize) -> String = |n| format!("2001:db8:{n:x}::1");
    // the login is tried from many addresses, and the queue is filled from one with many logins
    for (address, flood) in [(one_network, false), (one_network, true), (many_networks, false)] {
        let app = App::new().await;
        for n in 0..60 {
            app.sign_in(&address(n), "anna", "a wrong password").await;
        }
        if flood {
            for n in 0..200 {
                app.sign_in(OUTSIDE, &format!("nobody{n}"), "a wrong password").await;
            }
        }
        let mut attack = JoinSet::new();
        for worker in 0..8 {
            let router = app.router.clone();
            attack.spawn(async move {
                for n in (0..).map(|n| n * 8 + worker) {
                    try_sign_in(router.clone(), &address(n % 200), "anna", "a wrong password").await;
                    if flood {
                        try_sign_in(router.clone(), OUTSIDE, &format!("nobody{n}"), "a wrong password").await;
                    }
                }
            });
        }
        let mut statuses = Vec::new();
        while statuses.len() < 5 && statuses.last() != Some(&StatusCode::OK) {
            let answer = app.sign_in(HOME, "anna", PASSWORD).await;
            statuses.push(if cookie_of(&answer).is_some() { StatusCode::OK } else { answer.status() });
        }
        attack.shutdown().await;
        assert_eq!(statuses.last(), Some(&StatusCode::OK), "{statuses:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_try_that_was_not_made_is_not_counted() {
    let app = App::new().await;
    for _ in 0..4 {
        app.sign_in(OUTSIDE, "anna", "a wrong password").await;
    }
    let at_once = u32::try_from(people::slow_lane::HASHES_AT_ONCE).unwrap();
    let all = Arc::clone(&app.world.context.hashing).acquire_many_owned(at_once).await.unwrap();
    assert_eq!(app.sign_in(OUTSIDE, "anna", PASSWORD).await.status(), StatusCode::SERVICE_UNAVAILABLE);
    drop(all);
    app.cookie(OUTSIDE, "anna").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_set_up_link_is_used_up_only_by_an_admin_that_is_made() {
    let world = World::new().await;
    let context = &world.context;
    let token = people::setup_token(context).await.unwrap().unwrap();
    let set_up = async || {
        let (login, name, password) = ("anna".to_owned(), String::new(), PASSWORD.to_owned());
        people::set_up(context, &token, NewUser { login, name, password, roles: Vec::new() }).await
    };
    let at_once = u32::try_from(people::slow_lane::HASHES_AT_ONCE).unwrap();
    let all = Arc::clone(&context.hashing).acquire_many_owned(at_once).await.unwrap();
    assert!(matches!(set_up().await, Err(UseCaseError::Unavailable(_))));
    drop(all);
    set_up().await.unwrap();
    assert!(matches!(set_up().await, Err(UseCaseError::Forbidden(_))));
}

/// The page says at once whether its link works.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_set_up_link_that_is_used_up_shows_no_form() {
    let world = World::new().await;
    let context = &world.context;
    let page = async |link: &str| {
        let router = http::router(world.front(), figures(), CancellationToken::new());
        let request = Request::get(link).header("accept", "text/html").body(Body::empty()).unwrap();
        let answer = router.oneshot(request).await.unwrap();
        let status = answer.status();
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8(body.to_vec()).unwrap())
    };
    let of = |token: &str| format!("/set-up?token={token}");
    let (first, newer) = (people::setup_token(context).await.unwrap(), people::setup_token(context).await.unwrap());
    let (first, newer) = (first.unwrap(), newer.unwrap());
    let closed = async |link: &str| {
        let (status, body) = page(link).await;
        assert_eq!(status, StatusCode::GONE, "{link}");
        assert!(!body.contains("name=\"password\"") && body.contains("role=\"alert\""), "{link}: {body}");
        for what_to_do in ["does not work any more", "href=\"/sign-in\"", "milepost user add"] {
            assert!(body.contains(what_to_do), "{link}: {body}");
        }
    };
    let (status, body) = page(&of(&newer)).await;
    assert!(status == StatusCode::OK && body.contains("name=\"password\"") && body.contains(&newer), "{body}");
    for link in [of(&first), of("none"), of(""), "/set-up".into(), "/set-up?token=%ff".into()] {
        closed(&link).await;
    }
    let (login, name, password) = ("anna".to_owned(), String::new(), PASSWORD.to_owned());
    people::set_up(context, &newer, NewUser { login, name, password, roles: Vec::new() }).await.unwrap();
    closed(&of(&newer)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_login_that_does_not_exist_behaves_as_one_that_does() {
    let app = App::new().await;
    people::change(&app.world.context, &Caller::trusted(app.world.context.scope()), "bob", Change::Disable)
        .await
        .unwrap();
    let mut seen = Vec::new();
    for login in ["anna", "nobody", "bob"] {
        let mut answers = Vec::new();
        for _ in 0..7 {
            let answer = app.sign_in(OUTSIDE, login, "a wrong password").await;
            let (status, again) = (answer.status(), answer.headers().get(header::RETRY_AFTER).cloned());
            answers.push((status, again, words(answer).await));
        }
        seen.push(answers);
    }
    assert!(seen.iter().all(|answers| *answers == seen[0]), "{seen:?}");
    assert_eq!(app.sign_in(HOME, "bob", PASSWORD).await.status(), StatusCode::UNPROCESSABLE_ENTITY, "he is disabled");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_lasts_while_it_is_used_and_ends() {
    let app = App::new().await;
    let hours = |n: i64| app.passes(n * 3600);
    let cookie = app.cookie(HOME, "anna").await;
    assert_eq!(app.is_known(&cookie).await, (true, None), "nothing to write down yet");
    for _ in 0..3 {
        hours(11);
        let (known, prolonged) = app.is_known(&cookie).await;
        assert!(known && prolonged.as_ref() == Some(&cookie), "the browser keeps it for longer, too");
    }
    hours(12);
    assert!(!app.is_known(&cookie).await.0, "after 12 hours without use");
    let cookie = app.cookie(HOME, "anna").await;
    for day in 0..30 {
        for _ in 0..3 {
            assert!(app.is_known(&cookie).await.0, "day {day}");
            hours(8);
        }
    }
    assert!(!app.is_known(&cookie).await.0, "after 30 days in any case");
    let context = &app.world.context;
    assert!(people::sessions(context, &Caller::trusted(context.scope())).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_ends_sessions_ends_them_at_once() {
    let app = App::new().await;
    let (context, scope) = (&app.world.context, app.world.context.scope());
    let other = "another password of the tests";
    for change in [
        Change::Disable,
        Change::Enable,
        Change::Password(other.into()),
        Change::Password(PASSWORD.into()),
        Change::Roles(vec![Role::Executive]),
    ] {
        let enables = matches!(change, Change::Enable);
        if !enables && !matches!(&change, Change::Password(password) if password == PASSWORD) {
            let cookies = [app.cookie(HOME, "bob").await, app.cookie(HOME, "bob").await];
            let annas = app.cookie(HOME, "anna").await;
            people::change(context, &Caller::trusted(scope), "bob", change.clone()).await.unwrap();
            for cookie in &cookies {
                assert!(!app.is_known(cookie).await.0, "{change:?}");
            }
            assert!(app.is_known(&annas).await.0, "{change:?}");
        } else {
            people::change(context, &Caller::trusted(scope), "bob", change.clone()).await.unwrap();
        }
    }
    let cookie = app.cookie(HOME, "bob").await;
    let sessions = people::sessions(context, &Caller::trusted(scope)).await.unwrap();
    let bobs: Vec<_> = sessions.iter().filter(|(_, user)| user.login == "bob").map(|(s, _)| s.key.clone()).collect();
    assert_eq!(bobs.len(), 1);
    assert!(!cookie.contains(&bobs[0]), "what is listed is not the cookie");
    assert_eq!(people::end_sessions(context, &Caller::trusted(scope), bobs, "users".into()).await.unwrap(), 1);
    assert!(!app.is_known(&cookie).await.0);
    for wrong in ["anna", "ANNA"] {
        let error =
            people::change(context, &Caller::trusted(scope), wrong, Change::Disable).await.unwrap_err().to_string();
        assert!(error.contains("last admin"), "{error}");
    }
    assert!(people::change(context, &Caller::trusted(scope), "anna", Change::Roles(vec![Role::Agent])).await.is_err());
    assert!(people::change(context, &Caller::trusted(scope), "anna", Change::Password("short".into())).await.is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_that_was_ended_is_not_begun_again_by_a_request_under_way() {
    let app = App::new().await;
    let (context, scope) = (&app.world.context, app.world.context.scope());
    let cookie = app.cookie(HOME, "anna").await;
    let (before, _) = people::sessions(context, &Caller::trusted(scope)).await.unwrap().remove(0);
    people::end_sessions(context, &Caller::trusted(scope), vec![before.key.clone()], "users".into()).await.unwrap();
    context.store.people.renew_session(before).await.unwrap();
    assert!(!app.is_known(&cookie).await.0);
}

/// How long a stream may go on after its session.
const STREAM_END_MAX: Duration = Duration::from_secs(10);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn live_streams_end_with_the_session() {
    let site = Site::start().await;
    let (context, scope) = (Arc::clone(&site.world.context), site.world.context.scope());
    let cookie = site.sign_in_as(Role::Agent).await;
    let login = "agent@example.test";
    let ways = ["sign out", "session", "password", "roles", "disable"];
    let mut cookies = vec![cookie];
    for way in ways {
        let cookie = cookies.pop().unwrap();
        let mut stream = site.live(&cookie).await.into_body();
        match way {
            "sign out" => {
                let answer = site.call("sign-out", "", Some(&cookie)).await;
                assert!(answer.status.is_success() || answer.status.is_redirection(), "{answer:?}");
            }
            "session" => {
                let sessions = people::sessions(&context, &Caller::trusted(scope)).await.unwrap();
                let keys = sessions.into_iter().filter(|(_, user)| user.login == login).map(|(s, _)| s.key).collect();
                people::end_sessions(&context, &Caller::trusted(scope), keys, "users".into()).await.unwrap();
            }
            "password" => {
                let change = Change::Password(PASSWORD.into());
                people::change(&context, &Caller::trusted(scope), login, change).await.unwrap();
            }
            "roles" => {
                people::change(&context, &Caller::trusted(scope), login, Change::Roles(vec![Role::Executive]))
                    .await
                    .unwrap();
            }
            _ => {
                people::change(&context, &Caller::trusted(scope), login, Change::Disable).await.unwrap();
            }
        }
        let rest = timeout(STREAM_END_MAX, async { while stream.frame().await.is_some() {} }).await;
        assert!(rest.is_ok(), "after {way} the stream goes on");
        assert_eq!(
            site.page("/live/shipments", Some(&cookie)).await.unwrap().status,
            StatusCode::UNAUTHORIZED,
            "{way}"
        );
        if way != "disable" {
            cookies.push(site.cookie_of(login).await);
        }
    }
    site.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_persons_streams_the_oldest_makes_room() {
    let site = Site::start().await;
    let cookie = site.sign_in_as(Role::Agent).await;
    let mut streams = Vec::new();
    for _ in 0..17 {
        streams.push(site.live(&cookie).await.into_body());
    }
    let mut said = String::new();
    let rest = timeout(STREAM_END_MAX, async {
        while let Some(frame) = streams[0].frame().await {
            said.push_str(&String::from_utf8_lossy(&frame.unwrap().into_data().unwrap_or_default()));
        }
    });
    assert!(rest.await.is_ok(), "the oldest ends: {said}");
    assert!(said.contains("retry: 60000") || said.contains("retry:60000"), "and comes again later: {said}");
    let rest = timeout(Duration::from_millis(200), async { while streams[1].frame().await.is_some() {} });
    assert!(rest.await.is_err(), "the others go on");
    site.stop().await;
}

/// A request to a router, from there, with these headers.
async fn ask(router: &Router, path: &str, from: Option<&str>, headers: &[(&str, &str)]) -> (StatusCode, HeaderMap) {
    let mut request = Request::get(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    if let Some(from) = from {
        request = request.extension(ConnectInfo(SocketAddr::new(from.parse().unwrap(), 4711)));
    }
    let answer = router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    (answer.status(), answer.headers().clone())
}

#[tokio::test]
async fn figures_are_for_those_who_may() {
    let folder = tempfile::tempdir().unwrap();
    let token = folder.path().join("token");
    fs::write(&token, "a-token-of-the-tests\n").unwrap();
    fs::set_permissions(&token, fs::Permissions::from_mode(0o600)).unwrap();
    let with = Settings { metrics_token_file: Some(token), ..Settings::default() };
    let apart = Settings { metrics_addr: Some("127.0.0.1:1".parse().unwrap()), ..Settings::default() };
    let (local, far) = (Some("127.0.0.1"), Some("192.0.2.9"));
    let bearer = |token: &'static str| ("authorization", token);
    let right = bearer("Bearer a-token-of-the-tests");
    let proxied = ("x-forwarded-for", "127.0.0.1");
    for (settings, cases) in [
        (
            Settings::default(),
            vec![(local, None, 200), (far, None, 403), (local, Some(proxied), 403), (None, None, 403)],
        ),
        (
            with,
            vec![
                (far, Some(right), 200),
                (far, Some(bearer("bearer a-token-of-the-tests")), 200),
                (local, None, 401),
                (local, Some(bearer("Bearer A-TOKEN-OF-THE-TESTS")), 401),
                (far, Some(bearer("Bearer a-token-of-the-test")), 401),
                (far, Some(bearer("Bearer ")), 401),
                (far, Some(bearer("Basic a-token-of-the-tests")), 401),
            ],
        ),
        (apart, vec![(local, None, 404), (far, None, 404)]),
    ] {
        let world = World::with(settings.resolve().unwrap()).await;
        let web = http::router(world.front(), figures(), CancellationToken::new());
        let worker = http::worker_router(world.front(), figures());
        for (from, header, status) in cases {
            for router in [&web, &worker] {
                let answer = ask(router, "/metrics", from, header.as_slice()).await;
                assert_eq!(answer.0.as_u16(), status, "{from:?} {header:?}");
                assert_eq!(status == 401, answer.1.contains_key(header::WWW_AUTHENTICATE));
            }
        }
        let own = http::metrics_router(world.front(), figures());
        let needs_token = world.config.metrics_token.is_some();
        let answer = ask(&own, "/metrics", far, &[]).await.0;
        assert_eq!(answer, if needs_token { StatusCode::UNAUTHORIZED } else { StatusCode::OK });
        assert_eq!(ask(&own, "/metrics", far, &[right]).await.0, StatusCode::OK);
        assert_eq!(ask(&own, "/sign-in", far, &[]).await.0, StatusCode::NOT_FOUND, "nothing else");
    }
}

#[tokio::test]
async fn browsers_that_came_over_https_come_over_nothing_else() {
    for (url, secure) in [("https://tower.test", true), ("http://127.0.0.1:3000", false)] {
        let settings = Settings { public_url: Some(url.into()), ..Settings::default() };
        let world = World::with(settings.resolve().unwrap()).await;
        let web = http::router(world.front(), figures(), CancellationToken::new());
        let worker = http::worker_router(world.front(), figures());
        for path in
            ["/", "/sign-in", "/healthz", "/readyz", "/metrics", "/ingest/none", "/api/none", "/live/shipments", "/no"]
        {
            for router in [&web, &worker] {
                let (status, headers) = ask(router, path, Some(HOME), &[]).await;
                let said = headers.get(header::STRICT_TRANSPORT_SECURITY).map(|value| value.to_str().unwrap());
                assert_eq!(said, secure.then_some("max-age=31536000"), "{path} {status}");
            }
        }
    }
}

#[tokio::test]
async fn a_source_is_switched_off_and_a_rotated_secret_is_dropped_at_once() {
    let world = World::new().await;
    let (context, scope) = (&world.context, world.context.scope());
    let name = "aftership";
    let takes = async |n: u32| {
        world.clock.advance(Span::new().minutes(1));
        world.deliver(format!("{{\"event_id\":\"e{n}\",\"msg\":{{}}}}").as_bytes()).await.is_ok()
    };
    assert!(takes(1).await);
    sources::disable(context, &Caller::trusted(scope), name, Some("seen elsewhere".into())).await.unwrap();
    assert!(!takes(2).await);
    assert_eq!(inbound::in_use(context, scope).await.unwrap().len(), 0);
    world.source_of(name, name, "another secret of the tests", carriers::Settings::default()).await;
    assert!(!takes(3).await, "a new secret does not enable it");
    sources::enable(context, &Caller::trusted(scope), name).await.unwrap();
    assert!(takes(4).await, "the old secret is valid beside the new one");
    let early = sources::drop_old_secret(context, &Caller::trusted(scope), name).await.unwrap_err().to_string();
    assert!(early.contains("no message came with the newest secret"), "{early}");
    // a message under the new secret shows that the platform has it
    connections::flush(context).await.unwrap();
    world.clock.advance(Span::new().minutes(1));
    let body = br#"{"event_id":"e6","msg":{}}"#;
    world.deliver_signed(context, "another secret of the tests", body).await.unwrap();
    connections::flush(context).await.unwrap();
    sources::drop_old_secret(context, &Caller::trusted(scope), name).await.unwrap();
    assert!(!takes(5).await);
    let error = sources::drop_old_secret(context, &Caller::trusted(scope), name).await.unwrap_err().to_string();
    assert!(error.contains("has one secret"), "{error}");
    for done in [
        sources::disable(context, &Caller::trusted(scope), "none", None).await,
        sources::enable(context, &Caller::trusted(scope), "none").await,
        sources::drop_old_secret(context, &Caller::trusted(scope), "none").await,
    ] {
        let error = done.unwrap_err().to_string();
        assert!(error.contains("none") && error.contains(name), "{error}");
    }
    sources::remove(context, &Caller::trusted(scope), name, None).await.unwrap();
    assert!(
        sources::enable(context, &Caller::trusted(scope), name).await.is_err(),
        "what was removed does not come back"
    );
    let lines = context.store.people.audit_trail(scope, None, 20).await.unwrap();
    for action in ["connection.disable", "connection.enable", "connection.retire"] {
        assert_eq!(lines.iter().filter(|line| line.entry.action == action).count(), 1, "{action}");
    }
}

/// A command on this folder, whatever the shell lets others read.
fn milepost(data: &Path, args: &str, typed: &str) -> Output {
    let mut command = Command::new("sh")
        .args(["-c", &format!("umask 000; exec \"$0\" --data \"$1\" {args}"), env!("CARGO_BIN_EXE_milepost")])
        .arg(data)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // it may end before it reads
    let _ = command.stdin.take().unwrap().write_all(typed.as_bytes());
    command.wait_with_output().unwrap()
}

fn done(data: &Path, args: &str, typed: &str) -> String {
    let output = milepost(data, args, typed);
    assert!(output.status.success(), "{args}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn refused(data: &Path, args: &str, typed: &str) -> String {
    let output = milepost(data, args, typed);
    assert!(!output.status.success(), "{args}: {}", String::from_utf8_lossy(&output.stdout));
    String::from_utf8(output.stderr).unwrap()
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn modes(data: &Path) -> Vec<(String, u32)> {
    let files = fs::read_dir(data).unwrap().map(|entry| entry.unwrap());
    files.map(|file| (file.file_name().into_string().unwrap(), mode(&file.path()))).collect()
}

fn folder() -> (tempfile::TempDir, std::path::PathBuf) {
    let outer = tempfile::tempdir().unwrap();
    let data = outer.path().join("data");
    let output = milepost(&data, &format!("key new {}", data.join("master.key").display()), "");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    (outer, data)
}

#[test]
fn people_are_looked_after_by_command() {
    let (_outer, data) = folder();
    let run = |args: &str| done(&data, args, &format!("{PASSWORD}\n"));
    run("user add anna --role admin");
    let made = run("user add bob --role agent --generate");
    let password = made.lines().find_map(|line| line.strip_prefix("password: ")).unwrap();
    assert!(password.len() >= 20, "{made}");
    assert!(run("user list").lines().any(|line| line == "bob\tbob\tagent\tenabled"));
    assert!(run("session list").contains("no one is signed in"));

    run("user disable bob");
    assert!(run("user list").contains("bob\tbob\tagent\tdisabled"));
    run("user enable BOB");
    run("user roles bob --role executive --role agent");
    assert!(run("user list").contains("bob\tbob\tagent, executive\tenabled"));
    run("user password bob");
    assert!(!run("user password bob --generate").contains(PASSWORD));
    for wrong in ["user disable anna", "user roles anna --role agent"] {
        assert!(refused(&data, wrong, "").contains("last admin"), "{wrong}");
    }
    for wrong in [
        "user disable carl",
        "user enable carl",
        "user password carl",
        "user roles carl --role agent",
        "session end --user carl",
    ] {
        assert!(refused(&data, wrong, "").contains("there is no user carl"), "{wrong}");
    }
    assert!(refused(&data, "user password bob", "short\n").contains("12 to 200"));
    assert!(refused(&data, "session end 0123456789ab", "").contains("session list"));
    refused(&data, "session end", "");
    refused(&data, "session end abcdef --all", "");
    assert!(run("session end --all").contains("0 sessions"));
    run("user roles bob --role admin");
    run("user disable anna");

    let secret = |args: &str| done(&data, args, "a secret of the tests, good and long\n");
    secret("source put shop --connector aftership");
    run("source disable shop --why seen-elsewhere");
    assert!(run("source list").contains("disabled"));
    run("source enable shop");
    assert!(refused(&data, "source secret drop-old shop", "").contains("has one secret"));
    done(&data, "source put shop --connector aftership", "another secret of the tests, long too\n");
    assert!(run("source list").contains("the one before is valid too"));
    assert!(refused(&data, "source secret drop-old shop", "").contains("no message came with the newest secret"));
    assert!(run("source list").contains("the one before is valid too"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_audit_trail_is_shown_as_far_as_it_is_asked_for() {
    let (_outer, data) = folder();
    for login in ["anna", "bob"] {
        done(&data, &format!("user add {login} --role admin"), &format!("{PASSWORD}\n"));
    }
    done(&data, "user disable bob", "");
    let run = |args: &str| done(&data, &format!("audit list {args}"), "");
    let actions = |args: &str| -> Vec<String> {
        run(args).lines().map(|line| line.split('\t').nth(3).unwrap().to_owned()).collect()
    };
    let all = actions("");
    assert_eq!(all[0], "user.disable", "newest first");
    assert_eq!(actions("--limit 1"), ["user.disable"]);
    assert_eq!(actions("--limit 0"), [""; 0]);
    assert_eq!(actions("--action user.disable"), ["user.disable"]);
    assert_eq!(actions("--action user.dis"), [""; 0], "whole words");
    assert_eq!(actions("--action user"), all.iter().filter(|it| it.starts_with("user.")).cloned().collect::<Vec<_>>());
    assert_eq!(actions("--actor operator"), all);
    assert_eq!((actions("--actor system"), actions("--actor anna")), (vec![], vec![]));
    assert_eq!(actions("--since 1h --action user.disable"), ["user.disable"]);
    assert_eq!(actions("--since 2100-01-01T00:00:00Z"), [""; 0]);
    for (wrong, says) in [("--actor carl", "no user carl"), ("--actor user:x", "user:<id>"), ("--since soon", "24h")] {
        assert!(refused(&data, &format!("audit list {wrong}"), "").contains(says), "{wrong}");
    }
    assert!(run("").lines().all(|line| line.split('\t').nth(1).unwrap().len() == "2026-03-01T00:00:00Z".len()));

    // more than is read at once, by somebody and by the system
    let settings = Settings { data: Some(data.clone()), ..Default::default() };
    let context = server::bootstrap::beside(settings.resolve().unwrap(), Arc::new(application::clock::SystemClock))
        .await
        .unwrap();
    let anna = people::of_login(&context, context.scope(), "anna").await.unwrap();
    for n in 0..1100_u32 {
        let actor = if n % 11 == 0 { Actor::User(anna.id) } else { Actor::System };
        let entry = context.audit("test.line", format!("line:{n}"));
        context.store.people.audit(Scope { actor, ..context.scope() }, entry).await.unwrap();
    }
    drop(context);
    assert_eq!(actions("").len(), 100, "so many where nothing else is said");
    assert_eq!(actions("--actor anna --limit 1000").len(), 100, "across reads");
    assert_eq!(actions("--actor system --limit 990").len(), 990);
    assert_eq!(actions("--actor operator"), all, "behind all of them");
    assert_eq!(actions(&format!("--actor user:{} --limit 7", anna.id)).len(), 7);
    assert_eq!(actions("--subject line:3 --limit 7"), ["test.line"]);
}

#[test]
fn files_are_their_owners_alone_whatever_the_shell_says() {
    let (_outer, data) = folder();
    done(&data, "user add anna --role admin", &format!("{PASSWORD}\n"));
    assert_eq!(mode(&data), 0o700);
    assert!(modes(&data).iter().any(|(name, _)| name == "milepost.sqlite"));
    assert!(modes(&data).iter().all(|(_, mode)| *mode == 0o600), "{:?}", modes(&data));

    // made by an older version
    fs::set_permissions(&data, fs::Permissions::from_mode(0o755)).unwrap();
    fs::set_permissions(data.join("milepost.sqlite"), fs::Permissions::from_mode(0o644)).unwrap();
    let doctor = String::from_utf8(milepost(&data, "doctor", "").stdout).unwrap();
    for (path, mode) in [(data.clone(), "700"), (data.join("milepost.sqlite"), "600")] {
        let line = format!("FAIL  files: {} can be read by others: run `chmod {mode}", path.display());
        assert!(doctor.contains(&line), "{doctor}");
    }
    let mut server = Command::new(env!("CARGO_BIN_EXE_milepost"))
        .args(["serve", "--addr", "127.0.0.1:0", "--data"])
        .arg(&data)
        .env_clear()
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let lines = BufReader::new(server.stdout.take().unwrap()).lines();
    let listens = lines.map_while(Result::ok).any(|line| line.contains("listens on"));
    let (folder, files) = (mode(&data), modes(&data));
    server.kill().unwrap();
    server.wait().unwrap();
    assert!(listens);
    assert_eq!(folder, 0o700);
    assert!(files.iter().all(|(_, mode)| *mode == 0o600), "{files:?}");
    let doctor = String::from_utf8(milepost(&data, "doctor", "").stdout).unwrap();
    assert!(doctor.contains("ok    files:"), "{doctor}");
}
