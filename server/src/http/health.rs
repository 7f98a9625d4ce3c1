//! `/healthz`, `/readyz`, `/metrics`: for machines that watch this one.

use super::problem::Problem;
use crate::tower::Tower;
use axum::{
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use metrics_exporter_prometheus::PrometheusHandle;
use std::sync::Arc;
use storage::jobs::Lane;

/// The process runs.
pub async fn healthz() -> &'static str {
    "ok\n"
}

/// The database answers: send traffic.
pub async fn readyz(State(tower): State<Arc<Tower>>) -> Response {
    match tower.store.jobs.next_due(Lane::RealTime).await {
        Ok(_) => "ready\n".into_response(),
        Err(error) => {
            tracing::warn!("not ready: {error}");
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "the database does not answer")
                .retry_after(1)
                .into_response()
        }
    }
}

/// Prometheus text. Figures that live in the database are read when asked for.
pub async fn metrics(State((tower, handle)): State<(Arc<Tower>, PrometheusHandle)>) -> Response {
    if let Ok(destinations) = tower.store.jobs.summary(tower.scope(), tower.now()).await {
        for d in destinations {
            let gauge = |status: &'static str, value: u64| {
                #[expect(clippy::cast_precision_loss, reason = "a count of jobs is far below 2^52")]
                metrics::gauge!("milepost_jobs", "destination" => d.destination.clone(), "status" => status)
                    .set(value as f64);
            };
            gauge("pending", d.pending);
            gauge("retrying", d.retrying);
            gauge("dead", d.dead);
        }
    }
    if let Ok(codes) = tower.store.mappings.unmapped_count(tower.scope()).await {
        #[expect(clippy::cast_precision_loss, reason = "a count of codes is far below 2^52")]
        metrics::gauge!("milepost_unmapped_codes").set(codes as f64);
    }
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], handle.render()).into_response()
}
