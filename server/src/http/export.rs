//! Lists as files of comma-separated values.

use super::{Front, problem::Problem};
use app::{
    contract::{
        ApiError, ApiResult,
        carriers::{CarriersQuery, SortBy},
        figures::{FigureQuery, FiguresQuery},
        reconciliation::{Age, Owned, ReconciliationQuery, Tab},
    },
    ssr::{Visitor, Visitors},
};
use axum::{
    extract::{Path, Query, Request, State},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use std::collections::HashMap;

/// The names under which they are kept.
const DIFFERENCES: HeaderValue = HeaderValue::from_static("attachment; filename=\"differences.csv\"");
const CARRIERS: HeaderValue = HeaderValue::from_static("attachment; filename=\"carriers.csv\"");
const FIGURE_ROWS: HeaderValue = HeaderValue::from_static("attachment; filename=\"figure.csv\"");
const RULES: HeaderValue = HeaderValue::from_static("attachment; filename=\"rules.csv\"");
const DRY_RUN: HeaderValue = HeaderValue::from_static("attachment; filename=\"dry-run.csv\"");

/// What the address narrows, as the page has it.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    view: String,
    field: String,
    system: String,
    cause: String,
    carrier: String,
    owner: String,
    age: String,
}

/// The differences that the page's filters select.
pub async fn differences(State(front): State<Front>, Query(asked): Query<Asked>, request: Request) -> Response {
    let query = ReconciliationQuery {
        view: Tab::of(&asked.view),
        field: asked.field,
        system: asked.system,
        cause: asked.cause,
        carrier: asked.carrier,
        owner: Owned::of(&asked.owner),
        age: Age::of(&asked.age),
        ..ReconciliationQuery::default()
    };
    match visitor(&front, request).await {
        Ok(visitor) => file(visitor.ports.reconciliation.export(query).await, DIFFERENCES),
        Err(away) => away,
    }
}

/// The rows behind a figure, as its page has them.
pub async fn figure_rows(
    State(front): State<Front>,
    Path(kpi): Path<String>,
    Query(asked): Query<HashMap<String, String>>,
    request: Request,
) -> Response {
    let query = FigureQuery {
        kpi,
        tab: asked.get("tab").cloned().unwrap_or_default(),
        cursor: String::new(),
        figures: FiguresQuery::of(|name| asked.get(name).cloned()),
    };
    match visitor(&front, request).await {
        Ok(visitor) => file(visitor.ports.figures.rows_csv(query).await, FIGURE_ROWS),
        Err(away) => away,
    }
}

/// The scorecards of all carriers, as their page has them.
pub async fn carriers(
    State(front): State<Front>,
    Query(asked): Query<HashMap<String, String>>,
    request: Request,
) -> Response {
    let sort = SortBy::of(asked.get("sort").map(String::as_str).unwrap_or_default());
    let query = CarriersQuery { sort, figures: FiguresQuery::of(|name| asked.get(name).cloned()) };
    match visitor(&front, request).await {
        Ok(visitor) => file(visitor.ports.carriers.csv(query).await, CARRIERS),
        Err(away) => away,
    }
}

/// Every rule.
pub async fn rules(State(front): State<Front>, request: Request) -> Response {
    match visitor(&front, request).await {
        Ok(visitor) => file(visitor.ports.rules.export().await, RULES),
        Err(away) => away,
    }
}

/// Every row of the newest dry run of a rule.
pub async fn dry_run(State(front): State<Front>, Path(id): Path<String>, request: Request) -> Response {
    match visitor(&front, request).await {
        Ok(visitor) => file(visitor.ports.rules.trial_csv(id).await, DRY_RUN),
        Err(away) => away,
    }
}

async fn visitor(front: &Front, request: Request) -> Result<Visitor, Response> {
    let (parts, _) = request.into_parts();
    front.visitor(&parts).await.map_err(|_| {
        let detail = "the database does not answer: try again in a moment";
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", detail).into_response()
    })
}

fn file(text: ApiResult<String>, name: HeaderValue) -> Response {
    match text {
        Ok(text) => {
            let kind = HeaderValue::from_static("text/csv; charset=utf-8");
            let headers = [
                (header::CONTENT_TYPE, kind),
                (header::CONTENT_DISPOSITION, name),
                (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
            ];
            (headers, text).into_response()
        }
        Err(error) => refused(&error),
    }
}

/// An error of a port, for what is no page.
pub(super) fn refused(error: &ApiError) -> Response {
    let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let code = match error {
        ApiError::Unauthenticated => "unauthenticated",
        ApiError::Forbidden | ApiError::Refused { .. } => "forbidden",
        ApiError::NotFound | ApiError::Missing { .. } => "not_found",
        ApiError::Conflict { .. } => "conflict",
        ApiError::Invalid { .. } => "invalid",
        ApiError::TooMany { .. } => "too_many",
        ApiError::Unavailable { .. } => "unavailable",
        ApiError::Internal { .. } => "internal",
    };
    Problem::new(status, code, error.to_string()).into_response()
}
