//! HTTP: carriers' webhooks, pages, live streams, health. Handlers extract, call one use case, and
//! answer.

pub mod claims;
pub mod export;
pub mod guard;
pub mod health;
pub mod hooks;
pub mod ingest;
pub mod live;
pub mod pages;
pub mod panics;
pub mod peer;
pub mod problem;
pub mod reports;
pub mod serve;
pub mod session;
pub mod sidebar;
mod unpack;

use crate::config::Config;
use app::SiteAssets;
use application::{config::Mode, context::Context};
use axum::{
    Extension, Router,
    extract::{DefaultBodyLimit, FromRef},
    http::{HeaderValue, header::STRICT_TRANSPORT_SECURITY},
    middleware::{from_fn, from_fn_with_state},
    routing::{any, get, post},
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

/// What the handlers need: the system, and how this server is set up.
#[derive(Clone)]
pub struct Front {
    /// The system.
    pub context: Arc<Context>,
    /// The server's settings.
    pub config: Arc<Config>,
}

impl FromRef<Front> for Arc<Context> {
    fn from_ref(front: &Front) -> Self {
        Arc::clone(&front.context)
    }
}

/// What a worker answers: those who watch it, and nobody else.
pub fn worker_router(front: Front, metrics: PrometheusHandle) -> Router {
    guarded(watched(front.clone(), metrics), front, SiteAssets::default())
}

/// What every process answers to those who watch it.
fn watched(front: Front, metrics: PrometheusHandle) -> Router {
    let health = Router::new()
        .route("/healthz", get(health::healthz))
        .route("/readyz", get(health::readyz))
        .with_state(front.clone());
    match front.config.metrics_addr {
        Some(_) => health,
        None => health.merge(Router::new().route("/metrics", get(health::metrics)).with_state((front, metrics))),
    }
}

/// What the address of the metrics answers, where they have one of their own.
pub fn metrics_router(front: Front, metrics: PrometheusHandle) -> Router {
    Router::new().route("/metrics", get(health::metrics_apart)).with_state((front, metrics))
}

/// The pages beside tickets, inside the desks.
fn sidebars() -> Router<Front> {
    Router::new()
        .route("/embed/desk/{connection}", post(sidebar::link))
        .route("/embed/desk/{connection}/{number}", get(sidebar::page))
        .layer(DefaultBodyLimit::max(FORM_BYTES_MAX))
        .layer(from_fn(guard::timely_body))
}

/// Everything that this server answers.
pub fn router(front: Front, metrics: PrometheusHandle, shutdown: CancellationToken) -> Router {
    // pages load their data in tasks of this runtime; a second router in one process finds it set
    let _ = any_spawner::Executor::init_custom_executor(panics::PageTasks);
    let assets = pages::assets_or_none(&front.config);
    let machines = Router::new()
        .route("/ingest/{source}", any(ingest::ingest))
        .route("/ingest", any(ingest::nowhere))
        .route("/ingest/{source}/{*nowhere}", any(ingest::nowhere))
        .route("/hooks/odoo/{connection}/{secret}", post(hooks::odoo))
        .route("/hooks/desk/{connection}", post(hooks::desk))
        .merge(sidebars())
        .layer(DefaultBodyLimit::disable())
        .with_state(front.clone())
        .merge(watched(front.clone(), metrics));
    // the rest is for messages and pages
    let streams = Arc::new(Streams::new(serve::connections_max() / 2));
    let live = Router::new()
        .route("/live/shipments", get(live::all))
        .route("/live/shipments/{id}", get(live::one))
        .with_state(LiveState { context: Arc::clone(&front.context), shutdown, streams });
    let files = Router::new()
        .route("/reconciliation/export.csv", get(export::differences))
        .route("/rules/export.csv", get(export::rules))
        .route("/figures/{kpi}/rows.csv", get(export::figure_rows))
        .route("/carriers/export.csv", get(export::carriers))
        .route("/rules/{id}/dry-run.csv", get(export::dry_run))
        .route("/reports/{id}/{file}", get(reports::file))
        .route("/claims/export.csv", get(claims::export))
        .route("/claims/{number}/bundle.zip", get(claims::bundle))
        .route("/claims/{number}/files/{file}", get(claims::file))
        .with_state(front.clone());
    let uploads = Router::new()
        .route("/claims/{number}/files", post(claims::upload))
        .layer(DefaultBodyLimit::max(claims::UPLOAD_BYTES_MAX))
        .with_state(front.clone());
    let people = live
        .merge(files)
        .merge(pages::router(&front, assets.clone()))
        .layer(DefaultBodyLimit::max(FORM_BYTES_MAX))
        .merge(uploads)
        .layer(from_fn(guard::timely_body))
        .layer(from_fn(guard::same_site))
        .layer(Extension(Arc::clone(&front.context)))
        .layer(session::layer(&front));
    guarded(machines.merge(people), front, assets)
}

fn guarded(router: Router, front: Front, assets: SiteAssets) -> Router {
    let https = front.config.secure_cookies() && front.config.system.mode == Mode::Production;
    let catch = panics::Catch { context: Arc::clone(&front.context), assets };
    let router = router
        .layer(from_fn_with_state(peer::Watch::new(front), peer::watch))
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
