//! The front doors over HTTP: carriers' webhooks, pages, live streams, health. Handlers extract, call one use case, and
//! answer.

pub mod guard;
pub mod health;
pub mod ingest;
pub mod live;
pub mod pages;
pub mod panics;
pub mod peer;
pub mod problem;
pub mod serve;
pub mod session;
mod unpack;

use crate::{config::Mode, tower::Tower};
use app::SiteAssets;
use axum::{
    Extension, Router,
    extract::DefaultBodyLimit,
    http::{HeaderValue, header::STRICT_TRANSPORT_SECURITY},
    middleware::{from_fn, from_fn_with_state},
    routing::{any, get},
};
use live::{LiveState, Streams};
use metrics_exporter_prometheus::PrometheusHandle;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;
use tower::ServiceBuilder;
use tower_http::set_header::SetResponseHeaderLayer;

/// The largest body of a form or a server function, in bytes. Ingest has its connector's own limit.
const FORM_BYTES_MAX: usize = 64 * 1024;

/// Browsers that were here over HTTPS come over nothing else for a year.
const HTTPS_ONLY: HeaderValue = HeaderValue::from_static("max-age=31536000");

/// What a worker answers: those who watch it, and nobody else.
pub fn worker_router(tower: Arc<Tower>, metrics: PrometheusHandle) -> Router {
    guarded(watched(Arc::clone(&tower), metrics), tower, SiteAssets::default())
}

/// What every process answers to those who watch it.
fn watched(tower: Arc<Tower>, metrics: PrometheusHandle) -> Router {
    let health = Router::new()
        .route("/healthz", get(health::healthz))
        .route("/readyz", get(health::readyz))
        .with_state(Arc::clone(&tower));
    match tower.config.metrics_addr {
        Some(_) => health,
        None => health.merge(Router::new().route("/metrics", get(health::metrics)).with_state((tower, metrics))),
    }
}

/// What the address of the metrics answers, where they have one of their own.
pub fn metrics_router(tower: Arc<Tower>, metrics: PrometheusHandle) -> Router {
    Router::new().route("/metrics", get(health::metrics_apart)).with_state((tower, metrics))
}

/// Everything that this server answers.
pub fn router(tower: Arc<Tower>, metrics: PrometheusHandle, shutdown: CancellationToken) -> Router {
    let assets = pages::assets_or_none(&tower.config);
    let machines = Router::new()
        .route("/ingest/{source}", any(ingest::ingest))
        .route("/ingest", any(ingest::nowhere))
        .route("/ingest/{source}/{*nowhere}", any(ingest::nowhere))
        .layer(DefaultBodyLimit::disable())
        .with_state(Arc::clone(&tower))
        .merge(watched(Arc::clone(&tower), metrics));
    // the rest is for messages and pages
    let streams = Arc::new(Streams::new(serve::connections_max() / 2));
    let live = Router::new()
        .route("/live/shipments", get(live::all))
        .route("/live/shipments/{id}", get(live::one))
        .with_state(LiveState { tower: Arc::clone(&tower), shutdown, streams });
    let people = live
        .merge(pages::router(&tower, assets.clone()))
        .layer(DefaultBodyLimit::max(FORM_BYTES_MAX))
        .layer(from_fn(guard::timely_body))
        .layer(from_fn(guard::same_site))
        .layer(Extension(Arc::clone(&tower)))
        .layer(session::layer(&tower));
    guarded(machines.merge(people), tower, assets)
}

fn guarded(router: Router, tower: Arc<Tower>, assets: SiteAssets) -> Router {
    let https = tower.config.secure_cookies() && tower.config.mode == Mode::Production;
    let catch = panics::Catch { tower, assets };
    let router = router
        .layer(from_fn_with_state(peer::Watch::new(Arc::clone(&catch.tower)), peer::watch))
        .layer(from_fn(problem::for_machines))
        .layer(from_fn_with_state(catch, panics::catch))
        .layer(from_fn(guard::security_headers));
    let router = one_address(router);
    if https { router.layer(SetResponseHeaderLayer::overriding(STRICT_TRANSPORT_SECURITY, HTTPS_ONLY)) } else { router }
}

/// Whatever slashes are added to the address of a source, it is the same. The router sees the plain form.
fn one_address(router: Router) -> Router {
    Router::new().fallback_service(ServiceBuilder::new().map_request(guard::one_address).service(router))
}
