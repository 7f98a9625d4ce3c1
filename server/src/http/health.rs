//! `/healthz`, `/readyz`, `/metrics`: for machines that watch this one.

use super::{Front, problem::Problem};
use application::context::Context;
use axum::{
    extract::{ConnectInfo, Request, State},
    http::{Extensions, HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use domain::alerts::AlertKind;
use metrics_exporter_prometheus::PrometheusHandle;
use secrecy::ExposeSecret;
use std::{net::SocketAddr, sync::Arc};
use storage::jobs::Lane;

/// The process runs.
pub async fn healthz() -> &'static str {
    "ok\n"
}

/// The database answers: send traffic.
pub async fn readyz(State(context): State<Arc<Context>>) -> Response {
    match context.store.destinations.breakers(context.scope()).await {
        Ok(_) => "ready\n".into_response(),
        Err(error) => {
            tracing::warn!("not ready: {error}");
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "the database does not answer")
                .retry_after(1)
                .into_response()
        }
    }
}

/// Headers of a request that a proxy passed on.
const PASSED_ON: [&str; 4] = ["forwarded", "x-forwarded-for", "x-real-ip", "via"];

/// Prometheus text, for requests with the token; where there is none, for this machine alone.
pub async fn metrics(State((front, handle)): State<(Front, PrometheusHandle)>, request: Request) -> Response {
    let refused = match front.config.metrics_token {
        Some(_) => without_token(&front, request.headers()),
        None => from_elsewhere(request.extensions(), request.headers()),
    };
    match refused {
        Some(refused) => refused,
        None => figures(&front.context, &handle).await,
    }
}

/// The same on an address of its own: every client that reaches it may read, unless there is a token.
pub async fn metrics_apart(State((front, handle)): State<(Front, PrometheusHandle)>, request: Request) -> Response {
    match without_token(&front, request.headers()) {
        Some(refused) => refused,
        None => figures(&front.context, &handle).await,
    }
}

/// The answer to a request without the token, where there is one.
fn without_token(front: &Front, headers: &HeaderMap) -> Option<Response> {
    let token = front.config.metrics_token.as_ref()?;
    let offered = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let offered = offered.and_then(|value| value.split_once(' '));
    let offered = offered.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")).map(|(_, token)| token.trim());
    // digests, so that the time says nothing of how much was right
    let digest = |text: &str| front.context.vault.digest(text.as_bytes());
    if offered.is_some_and(|offered| digest(offered) == digest(token.expose_secret())) {
        return None;
    }
    let problem = Problem::new(StatusCode::UNAUTHORIZED, "unauthenticated", "send the token of --metrics-token-file");
    Some(([(header::WWW_AUTHENTICATE, "Bearer")], problem).into_response())
}

/// The answer to a request from another machine. A proxy on it may speak for anybody.
fn from_elsewhere(extensions: &Extensions, headers: &HeaderMap) -> Option<Response> {
    let connected = extensions.get::<ConnectInfo<SocketAddr>>().map(|connected| connected.0.ip().to_canonical());
    let passed_on = PASSED_ON.iter().any(|name| headers.contains_key(*name));
    if connected.is_some_and(|address| address.is_loopback()) && !passed_on {
        return None;
    }
    let why = "figures are for this machine alone until the server has --metrics-token-file or --metrics-addr";
    Some(Problem::new(StatusCode::FORBIDDEN, "forbidden", why).into_response())
}

/// What the shipped alerts go by, for the same as rules of Prometheus (docs/ALERTS.md).
#[expect(clippy::cast_precision_loss, reason = "counts of alerts and bytes of a database are far below 2^52")]
async fn operational(context: &Context) {
    if let Ok(open) = context.store.alerts.open(context.scope()).await {
        for kind in AlertKind::ALL {
            let of_kind =
                open.iter().filter(|alert| alert.kind == *kind && alert.standing.clear_since.is_none()).count();
            metrics::gauge!("milepost_alerts", "kind" => kind.code()).set(of_kind as f64);
        }
    }
    if let Ok(due) = context.store.alerts.due_jobs(context.scope(), context.now()).await {
        for (lane, name) in [(Lane::RealTime, "real_time"), (Lane::Batch, "batch")] {
            let oldest = due.iter().filter(|due| due.lane == lane).map(|due| due.oldest).min();
            let age = oldest.map_or(0.0, |oldest| context.now().duration_since(oldest).as_secs_f64());
            metrics::gauge!("milepost_oldest_due_job_seconds", "lane" => name).set(age);
        }
    }
    if let Ok(engine) = context.store.alerts.engine().await {
        metrics::gauge!("milepost_database_bytes").set(engine.bytes as f64);
    }
}

/// Figures that live in the database are read when asked for.
async fn figures(context: &Context, handle: &PrometheusHandle) -> Response {
    if let Ok(destinations) = context.store.jobs.summary(context.scope(), context.now()).await {
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
    if let Ok(codes) = context.store.mappings.unmapped_count(context.scope()).await {
        #[expect(clippy::cast_precision_loss, reason = "a count of codes is far below 2^52")]
        metrics::gauge!("milepost_unmapped_codes").set(codes as f64);
    }
    operational(context).await;
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], handle.render()).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    #[test]
    fn figures_are_for_this_machine_alone() {
        let asked = |connected: Option<&str>, header: Option<&'static str>| {
            let (mut extensions, mut headers) = (Extensions::new(), HeaderMap::new());
            if let Some(ip) = connected {
                extensions.insert(ConnectInfo(SocketAddr::new(ip.parse().unwrap(), 1)));
            }
            if let Some(name) = header {
                headers.insert(name, HeaderValue::from_static("127.0.0.1"));
            }
            from_elsewhere(&extensions, &headers).map(|answer| answer.status())
        };
        for local in ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"] {
            assert_eq!(asked(Some(local), None), None, "{local}");
            for header in PASSED_ON {
                assert_eq!(asked(Some(local), Some(header)), Some(StatusCode::FORBIDDEN), "{header}");
            }
        }
        for other in [Some("10.0.0.1"), Some("192.0.2.1"), Some("fe80::1"), Some("0.0.0.0"), None] {
            assert_eq!(asked(other, None), Some(StatusCode::FORBIDDEN), "{other:?}");
        }
    }
}
