//! A panic ends one request and nothing else: it is answered, counted, and named by its correlation id.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use crate::world::{World, site::Site};
use app::SiteAssets;
use axum::{
    Router,
    body::{Body, to_bytes},
    http::Request,
    middleware::from_fn_with_state,
    response::Response,
    routing::{get, post},
};
use futures::{StreamExt, stream};
use http::StatusCode;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use server::http::panics::{Catch, PageTasks, catch};
use std::{
    convert::Infallible,
    sync::{Arc, OnceLock},
};
use tower::ServiceExt;

fn metrics() -> &'static PrometheusHandle {
    static METRICS: OnceLock<PrometheusHandle> = OnceLock::new();
    METRICS.get_or_init(|| PrometheusBuilder::new().install_recorder().unwrap())
}

async fn falls() -> &'static str {
    panic!("nobody expected {}", "this")
}

/// As a page does that waits for what a task of its own finds out.
async fn waits_for_a_task() -> &'static str {
    any_spawner::Executor::spawn(async { panic!("the task fell") });
    futures::future::pending().await
}

async fn falls_while_it_sends() -> Response {
    let parts = stream::iter(0..3).map(|part| match part {
        2 => panic!("in the middle"),
        part => Ok::<_, Infallible>(format!("part {part};")),
    });
    Response::new(Body::from_stream(parts))
}

async fn router(world: &World) -> Router {
    let _ = any_spawner::Executor::init_custom_executor(PageTasks);
    let state = Catch { context: Arc::clone(&world.context), assets: SiteAssets::default() };
    Router::new()
        .route("/api/{*function}", post(falls))
        .route("/live", get(falls_while_it_sends))
        .route("/task", get(waits_for_a_task))
        .route("/well", get(async || "well"))
        .fallback(falls)
        .layer(from_fn_with_state(state, catch))
}

struct Reply {
    status: StatusCode,
    kind: String,
    correlation: String,
    body: String,
}

async fn ask(router: &Router, request: Request<Body>) -> Reply {
    let answer = router.clone().oneshot(request).await.unwrap();
    let header =
        |name: &str| answer.headers().get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default();
    let (status, kind, correlation) = (answer.status(), header("content-type"), header("x-correlation-id"));
    let body = to_bytes(answer.into_body(), usize::MAX).await.unwrap();
    Reply { status, kind, correlation, body: String::from_utf8(body.to_vec()).unwrap() }
}

fn request(method: &str, path: &str, accept: &str) -> Request<Body> {
    Request::builder().method(method).uri(path).header("accept", accept).body(Body::empty()).unwrap()
}

fn counted(part: &str) -> u64 {
    let line = format!("milepost_panics_total{{in=\"{part}\"}} ");
    metrics().render().lines().find_map(|l| l.strip_prefix(&line)?.parse().ok()).unwrap_or_default()
}

#[tokio::test]
async fn a_panic_is_answered_counted_and_named() {
    metrics();
    let world = World::new().await;
    let router = router(&world).await;
    // method, path, what is accepted; whether a person reads the answer
    let cases = [
        ("GET", "/a/page", "*/*", true),
        ("POST", "/api/act", "application/json", false),
        ("POST", "/api/act", "text/html,application/xhtml+xml", true),
        ("GET", "/task", "text/html", false),
    ];
    for (method, path, accept, page) in cases {
        let before = counted("request");
        let answer = ask(&router, request(method, path, accept)).await;
        assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR, "{path}");
        assert!(answer.correlation.len() == 36 && answer.body.contains(&answer.correlation), "{path}: {}", answer.body);
        assert!(!answer.body.contains("nobody expected"), "what went wrong is for the log");
        if page {
            assert!(answer.kind.starts_with("text/html") && answer.body.trim_end().ends_with("</html>"), "{path}");
        } else {
            assert_eq!(answer.kind, "application/problem+json", "{path}");
            let problem: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
            assert_eq!((&problem["code"], &problem["status"]), (&"internal".into(), &500.into()));
        }
        assert!(counted("request") > before, "{path}");
    }
    let well = ask(&router, request("GET", "/well", "*/*")).await;
    assert_eq!((well.status, well.body.as_str()), (StatusCode::OK, "well"));
}

#[tokio::test]
async fn a_panic_in_the_middle_of_a_stream_cuts_it_off() {
    metrics();
    let world = World::new().await;
    let answer = router(&world).await.oneshot(request("GET", "/live", "*/*")).await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    let parts: Vec<_> = answer.into_body().into_data_stream().collect().await;
    assert!(matches!(&parts[..], [Ok(_), Ok(_), Err(_)]), "two parts and an error: {parts:?}");
    assert_eq!(counted("stream"), 1);
}

/// What a page of the router waits for panics: the mapping's lock was left behind by a panic.
#[tokio::test]
async fn a_page_whose_data_cannot_be_read_is_answered() {
    let site = Site::start().await;
    let cookie = site.sign_in().await;
    let context = Arc::clone(&site.world.context);
    let held = std::thread::spawn(move || {
        let _mapping = context.published.write();
        panic!("while it was held");
    });
    assert!(held.join().is_err());
    let page = site.page("/mappings/unmapped?list=aftership&code=Unheard_of", Some(&cookie)).await.unwrap();
    assert_eq!(page.status, StatusCode::INTERNAL_SERVER_ERROR);
    let correlation = page.headers["x-correlation-id"].to_str().unwrap();
    assert!(page.body.contains(correlation) && page.body.trim_end().ends_with("</html>"), "{}", page.body);
    assert_eq!(page.headers["content-type"], "text/html; charset=utf-8");
    let other = site.page("/exceptions", Some(&cookie)).await.unwrap();
    assert_eq!(other.status, StatusCode::OK, "the others are well");
    site.stop().await;
}
