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
pub mod session;

use crate::tower::Tower;
use app::SiteAssets;
use axum::{
    Extension, Router,
    extract::DefaultBodyLimit,
    middleware::{from_fn, from_fn_with_state},
    routing::{get, post},
};
use live::LiveState;
use metrics_exporter_prometheus::PrometheusHandle;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// The largest body of a form or a server function, in bytes. Ingest has its connector's own limit.
const FORM_BYTES_MAX: usize = 64 * 1024;

/// What a worker answers: those who watch it, and nobody else.
pub fn worker_router(tower: Arc<Tower>, metrics: PrometheusHandle) -> Router {
    guarded(watched(Arc::clone(&tower), metrics), tower, SiteAssets::default())
}

/// What every process answers to those who watch it.
fn watched(tower: Arc<Tower>, metrics: PrometheusHandle) -> Router {
    Router::new()
        .route("/healthz", get(health::healthz))
        .route("/readyz", get(health::readyz))
        .with_state(Arc::clone(&tower))
        .merge(Router::new().route("/metrics", get(health::metrics)).with_state((tower, metrics)))
}

/// Everything that this server answers.
pub fn router(tower: Arc<Tower>, metrics: PrometheusHandle, shutdown: CancellationToken) -> Router {
    let assets = pages::assets_or_none(&tower.config);
    let machines = Router::new()
        .route("/ingest/{source}", post(ingest::ingest))
        .layer(DefaultBodyLimit::disable())
        .with_state(Arc::clone(&tower))
        .merge(watched(Arc::clone(&tower), metrics));
    let live = Router::new()
        .route("/live/shipments", get(live::all))
        .route("/live/shipments/{id}", get(live::one))
        .with_state(LiveState { tower: Arc::clone(&tower), shutdown });
    let people = live
        .merge(pages::router(&tower, assets.clone()))
        .layer(DefaultBodyLimit::max(FORM_BYTES_MAX))
        .layer(from_fn(guard::same_site))
        .layer(Extension(Arc::clone(&tower)))
        .layer(session::layer(&tower));
    guarded(machines.merge(people), tower, assets)
}

fn guarded(router: Router, tower: Arc<Tower>, assets: SiteAssets) -> Router {
    let catch = panics::Catch { tower, assets };
    router.layer(from_fn_with_state(catch, panics::catch)).layer(from_fn(guard::security_headers))
}
