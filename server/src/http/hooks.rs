//! `/hooks/odoo/{connection}/{secret}`: where Odoo's automation rules report that a record changed. Odoo waits a second and a
//! person in Odoo waits with it: the secret is checked, the job is stored, and that is all. `/hooks/desk/{connection}`: where
//! service desks report that a ticket changed; the proof is in the headers, and likewise.

use super::{Front, problem::Problem};
use application::{
    cases::reports::{self, ReportError, Taken},
    error::UseCaseError,
    odoo::hints::{self, Hint},
};
use axum::{
    Extension,
    body::Body,
    extract::{Path, RawQuery, State, rejection::PathRejection},
    http::{HeaderMap, HeaderName, StatusCode},
    response::{IntoResponse, Response},
};
use desks::hooks::HookRefusal;
use domain::ids::CorrelationId;
use std::time::{Duration, Instant};

/// The largest body of a hint, in bytes: ours are small, and a person may add fields to a rule.
const BODY_BYTES_MAX: usize = 64 * 1024;
/// The largest body of a desk's report, in bytes: some platforms send the whole ticket.
const REPORT_BYTES_MAX: usize = 1024 * 1024;
/// The body of a hint is there within this time: Odoo itself gives up after a second.
const BODY_TIME: Duration = Duration::from_secs(5);

/// How a hint ended, for the metrics.
enum End {
    Taken,
    /// No connection of this name that is in use, or not its secret.
    Unknown,
    /// No hint, or one of what gives none.
    Unread,
    Failed,
}

/// Takes a hint.
pub async fn odoo(
    State(front): State<Front>,
    path: Result<Path<(String, String)>, PathRejection>,
    Extension(correlation): Extension<CorrelationId>,
    body: Body,
) -> Response {
    let started = Instant::now();
    let (connection, secret) = path.map(|Path(parts)| parts).unwrap_or_default();
    let end = take(&front, &connection, &secret, body).await;
    let (end, response) = match end {
        End::Taken => ("taken", StatusCode::ACCEPTED.into_response()),
        // what is wrong is not said: the address is a secret
        End::Unknown => ("unknown", problem(StatusCode::NOT_FOUND, "not_found", "there is nothing here", correlation)),
        End::Unread => {
            let said = "this is no report of a changed transfer or order: set Odoo up again";
            ("unread", problem(StatusCode::BAD_REQUEST, "not_a_hint", said, correlation))
        }
        End::Failed => {
            let said = "try again in a moment";
            ("failed", problem(StatusCode::SERVICE_UNAVAILABLE, "unavailable", said, correlation))
        }
    };
    // the name of an unknown connection is the sender's invention and no label
    let label = if end == "unknown" { "-".to_owned() } else { connection };
    metrics::counter!("milepost_hints_total", "connection" => label, "end" => end).increment(1);
    metrics::histogram!("milepost_hint_seconds").record(started.elapsed().as_secs_f64());
    response
}

async fn take(front: &Front, connection: &str, secret: &str, body: Body) -> End {
    let failed = |error: UseCaseError| {
        tracing::warn!(connection, "a hint of Odoo is not taken, the next import finds the change: {error}");
        End::Failed
    };
    match hints::may_post(&front.context, connection, secret).await {
        Ok(()) => {}
        Err(UseCaseError::NotFound(_)) => return End::Unknown,
        Err(error) => return failed(error),
    }
    let arriving = tokio::time::timeout(BODY_TIME, axum::body::to_bytes(body, BODY_BYTES_MAX));
    let Ok(Ok(bytes)) = arriving.await else { return End::Unread };
    let Some(hint) = Hint::read(&bytes) else { return End::Unread };
    match hints::take(&front.context, connection, &hint).await {
        Ok(()) => End::Taken,
        Err(error) => failed(error),
    }
}

/// Takes a report of a service desk.
pub async fn desk(
    State(front): State<Front>,
    path: Result<Path<String>, PathRejection>,
    Extension(correlation): Extension<CorrelationId>,
    RawQuery(query): RawQuery,
    mut headers: HeaderMap,
    body: Body,
) -> Response {
    let started = Instant::now();
    let connection = path.map(|Path(name)| name).unwrap_or_default();
    // Odoo sends no headers of ours
    if let Some(secret) = query.as_deref().and_then(|query| query.strip_prefix("secret="))
        && let Ok(secret) = secret.parse()
    {
        headers.insert(HeaderName::from_static("x-milepost-secret"), secret);
    }
    let taken = if reports::is_in_use(&front.context, &connection) {
        match tokio::time::timeout(BODY_TIME, axum::body::to_bytes(body, REPORT_BYTES_MAX)).await {
            Ok(Ok(bytes)) => reports::take(&front.context, &connection, &headers, &bytes).await,
            _ => Err(ReportError::Refused(HookRefusal::Unreadable)),
        }
    } else {
        Err(ReportError::Unknown)
    };
    let (end, response) = match taken {
        Ok(Taken::Looks(_)) => ("taken", StatusCode::ACCEPTED.into_response()),
        Ok(Taken::Again) => ("again", StatusCode::ACCEPTED.into_response()),
        Ok(Taken::Nothing) => ("nothing", StatusCode::ACCEPTED.into_response()),
        Err(ReportError::Unknown) => {
            ("unknown", problem(StatusCode::NOT_FOUND, "not_found", "there is nothing here", correlation))
        }
        Err(ReportError::Refused(HookRefusal::Unreadable)) => {
            let said = "this is no report of a changed ticket: see the connection's set-up";
            ("unread", problem(StatusCode::BAD_REQUEST, "not_a_report", said, correlation))
        }
        Err(ReportError::Refused(HookRefusal::Unproven)) => {
            let said = "the signature or secret is missing or wrong: enter the connection's own secret";
            ("unproven", problem(StatusCode::UNAUTHORIZED, "unproven", said, correlation))
        }
        Err(ReportError::Refused(HookRefusal::Stale)) => {
            let said = "the signed time is too far from now: check the clocks";
            ("stale", problem(StatusCode::UNAUTHORIZED, "stale", said, correlation))
        }
        Err(ReportError::Ours(error)) => {
            tracing::warn!(connection, "a report of a desk is not taken, the next poll finds the change: {error}");
            ("failed", problem(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "try again in a moment", correlation))
        }
    };
    let label = if end == "unknown" { "-".to_owned() } else { connection };
    metrics::counter!("milepost_desk_reports_total", "connection" => label, "end" => end).increment(1);
    metrics::histogram!("milepost_desk_report_seconds").record(started.elapsed().as_secs_f64());
    response
}

fn problem(status: StatusCode, kind: &'static str, detail: &'static str, correlation: CorrelationId) -> Response {
    Problem::new(status, kind, detail).correlated(correlation).into_response()
}
